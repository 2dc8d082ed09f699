//! Layouts and helpers that the tests share.
#![allow(dead_code, reason = "each test file uses its part")]

use std::cell::Cell;

use cape_heap::{
    Field, Header, MapFlags, MapRef, Native, Ptr, Root, RootVec, Tracer, Value, heap, heap_object,
};

heap_object! {
    /// Two references and a number.
    pub struct Node { pub left: Field, pub right: Field, pub id: Cell<u64> }
    [mirror_refers]
}

heap_object! {
    /// An array of values.
    pub struct Array { pub len: Cell<usize> }
    [size = |a: &Array| size_of::<Array>() + 8 * a.len.get()]
    [trace = |a: &Array, t: &mut Tracer<'_>| unsafe {
        // SAFETY: len values lie behind the struct.
        t.visit_range((a as *const Array).add(1) as *const Value, a.len.get())
    }]
}

heap_object! {
    /// Counts its destructions.
    pub struct Dropper { pub what: Native<CountDrop> }
    [drop]
}

heap_object! {
    /// Bytes.
    pub struct Blob { pub len: Cell<usize> }
    [size = |a: &Blob| size_of::<Blob>() + a.len.get()]
    [leaf]
}

pub struct CountDrop(pub &'static std::sync::atomic::AtomicUsize);
impl Drop for CountDrop {
    fn drop(&mut self) {
        self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    }
}

/// Keeps maps that tests make: there is no class that would.
pub fn map<T: cape_heap::HeapObject>(tail: u16) -> MapRef {
    MapRef::new(T::kind(), Value::EMPTY, tail)
}

pub fn node(map: MapRef, left: Value, right: Value, id: u64) -> Ptr<Node> {
    heap().alloc(
        map,
        Node {
            header: Header::new(map),
            left: Field::new(left),
            right: Field::new(right),
            id: Cell::new(id),
        },
    )
}

pub fn array(map: MapRef, len: usize) -> Ptr<Array> {
    heap().alloc_var(
        map,
        size_of::<Array>() + 8 * len,
        Array { header: Header::new(map), len: Cell::new(len) },
    )
}

pub fn blob(map: MapRef, len: usize) -> Ptr<Blob> {
    heap().alloc_var(map, size_of::<Blob>() + len, Blob { header: Header::new(map), len: Cell::new(len) })
}

pub fn item(a: Ptr<Array>, i: usize) -> &'static Field {
    assert!(i < a.len.get());
    // SAFETY: len values lie behind the struct; Field has Value's layout.
    unsafe { &*((a.as_raw().add(1) as *const Field).add(i)) }
}

/// Runs `f` in a frame of its own, and clears that part of the stack afterwards, so that no stale word of it is found.
#[inline(never)]
pub fn apart<R>(f: impl FnOnce() -> R) -> R {
    let mut f = Some(f);
    let mut r = None;
    let mut call = || r = Some((f.take().unwrap())());
    std::hint::black_box(&mut call as &mut dyn FnMut())();
    clear_stack();
    r.unwrap()
}

/// Overwrites the stack below the caller's frame.
#[inline(never)]
pub fn clear_stack() {
    let mut a = [0usize; 4096];
    std::hint::black_box(&mut a);
}

pub fn finalizer_map() -> MapRef {
    let m = map::<Node>(0);
    m.flags.set(MapFlags::FINALIZER);
    m
}

pub fn roots() -> RootVec {
    RootVec::new()
}

pub fn root(v: Value) -> Root {
    Root::new(v)
}
