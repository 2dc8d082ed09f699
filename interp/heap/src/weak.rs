//! Weak references, and hooks for native tables that hold objects weakly.
//!
//! Order of a collection: after tracing, every weak reference to an unreached object is cleared, and its callback queued
//! when the reference itself was reached (the latest reference of an object first); then finalizers revive their objects.
//! So a finalizer never sees its object through a weak reference, as with CPython's collector.

use std::cell::Cell;
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::marker::PhantomData;

use crate::block::Block;
use crate::finalize::Finalizers;
use crate::heap::Heap;
use crate::kind::Native;
use crate::map::MapRef;
use crate::maps::MAP_MARKED;
use crate::object::{Field, Header, ObjFlags, Ptr};
use crate::{Value, heap_object, minor};

heap_object! {
    /// A weak reference: the layout of `weakref.ref` and of the proxies. Made by [`Heap::new_weak`] alone.
    pub struct WeakCell {
        target: Native<Cell<Value>>,
        /// Called with the reference when the target has died; EMPTY when there is none, or it has been queued.
        pub callback: Field,
        /// The hash of the target, for the VM.
        pub hash: Cell<i64>,
        /// Whether `hash` has been set.
        pub hashed: Cell<bool>,
        /// Its place in the order of creation.
        serial: Cell<u32>,
    }
}

impl WeakCell {
    /// The target; EMPTY when it is dead.
    #[inline]
    pub fn target(&self) -> Value {
        self.target.get()
    }

    /// Forgets target and callback, here and in the mirror; gives the callback.
    fn clear(&self, heap: &Heap) -> Value {
        self.target.set(Value::EMPTY);
        let callback = self.callback.get();
        self.callback.set_no_barrier(Value::EMPTY);
        if self.header.link() != 0 {
            // SAFETY: the GIL is held; nothing else uses the links while weak references are cleared.
            if let Some(foreign) = unsafe { (*heap.state()).links.foreign } {
                foreign.weak_cleared(heap.mirror_of(&self.header));
            }
        }
        callback
    }
}

/// Hashes addresses.
#[derive(Default)]
pub(crate) struct AddressHasher(u64);
impl Hasher for AddressHasher {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, _: &[u8]) {
        unreachable!("only addresses are hashed")
    }
    fn write_usize(&mut self, n: usize) {
        self.0 = (n as u64 >> 4).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(26);
    }
}

/// A table keyed by addresses.
pub(crate) type AddressMap<T> = HashMap<usize, T, BuildHasherDefault<AddressHasher>>;

/// What a weak processor may ask about the collection that is ending.
pub struct WeakCtx<'a> {
    heap: &'a Heap,
    minor: bool,
    _not_send: PhantomData<*mut ()>,
}

impl<'a> WeakCtx<'a> {
    pub(crate) fn minor(heap: &'a Heap) -> WeakCtx<'a> {
        WeakCtx { heap, minor: true, _not_send: PhantomData }
    }

    pub(crate) fn major(heap: &'a Heap) -> WeakCtx<'a> {
        WeakCtx { heap, minor: false, _not_send: PhantomData }
    }

    /// Whether only young objects may have died or moved.
    pub fn is_minor(&self) -> bool {
        self.minor
    }

    /// Where the object at `addr` is now; `None` when it was not reached.
    #[inline]
    pub(crate) fn survivor(&self, addr: usize) -> Option<usize> {
        if self.minor {
            minor::survivor(self.heap.spaces(), addr)
        } else {
            // SAFETY: an object that was alive before this collection is there.
            unsafe { Block::of(addr) }.mark.get(addr).then_some(addr)
        }
    }

    /// The value as it is after the collection (an object may have moved); `None` when the object has died.
    #[inline]
    pub fn forward(&self, v: Value) -> Option<Value> {
        if !v.is_ptr() {
            return Some(v);
        }
        // SAFETY: a surviving object is at the address.
        self.survivor(v.bits() as usize).map(|p| unsafe { Value::from_bits(p as u64) })
    }

    /// Whether the object that `v` refers to goes on living (true for other values).
    #[inline]
    pub fn is_alive(&self, v: Value) -> bool {
        self.forward(v).is_some()
    }

    /// Whether a map goes on living; minor collections free none.
    #[inline]
    pub fn map_alive(&self, map: MapRef) -> bool {
        self.minor || map.gc_bits.get() & MAP_MARKED != 0
    }

    /// Whether `v` is still young: its place may change at a later collection.
    pub fn is_young(&self, v: Value) -> bool {
        self.heap.is_young(v)
    }
}

/// The weak references, and the hooks.
pub(crate) struct Weak {
    /// References that are young or whose targets are, and the others; in order of creation.
    young: Vec<usize>,
    old: Vec<usize>,
    /// Target to references.
    by_target: AddressMap<Vec<usize>>,
    /// That of the reference made last.
    serial: u32,
    processors: Vec<fn(&WeakCtx<'_>)>,
}

/// The reference at `addr`.
///
/// # Safety
/// A weak reference (or what is left of a dead one) must be there.
unsafe fn cell(addr: usize) -> &'static WeakCell {
    // SAFETY: the caller's promise.
    unsafe { &*(addr as *const WeakCell) }
}

impl Weak {
    pub(crate) const fn new() -> Weak {
        Weak {
            young: Vec::new(),
            old: Vec::new(),
            by_target: HashMap::with_hasher(BuildHasherDefault::new()),
            serial: 0,
            processors: Vec::new(),
        }
    }

    fn forget(&mut self, target: usize, cell: usize) {
        if let Some(v) = self.by_target.get_mut(&target) {
            if let Some(i) = v.iter().rposition(|c| *c == cell) {
                v.remove(i);
            }
            if v.is_empty() {
                self.by_target.remove(&target);
            }
        }
    }

    /// Clears the references whose targets were not reached, and queues the callbacks of those that were.
    pub(crate) fn clear_dead(&mut self, ctx: &WeakCtx<'_>, finalizers: &mut Finalizers) {
        let old = if ctx.minor { &[][..] } else { &self.old };
        let mut dead = Vec::new();
        for &addr in self.young.iter().chain(old) {
            let now = ctx.survivor(addr);
            // SAFETY: the memory of dead objects is intact until the collection ends.
            let c = unsafe { cell(now.unwrap_or(addr)) };
            let target = c.target();
            if !target.is_empty() && !ctx.is_alive(target) {
                self.by_target.remove(&(target.bits() as usize));
                dead.push((c, now.is_some()));
            }
        }
        // What lies pinned and what has moved are not in the order of creation.
        dead.sort_unstable_by_key(|(c, _)| std::cmp::Reverse(c.serial.get()));
        for (c, reached) in dead {
            let callback = c.clear(ctx.heap);
            if reached && !callback.is_empty() {
                finalizers.queue_callback(c.header.as_value(), callback);
            }
        }
    }

    /// Clears the references to an object that nothing refers to any more, and queues the callbacks of those that are `reached`, the latest
    /// first.
    pub(crate) fn end(
        &mut self,
        heap: &Heap,
        target: usize,
        reached: impl Fn(usize) -> bool,
        finalizers: &mut Finalizers,
    ) {
        let mut cells = self.by_target.remove(&target).unwrap_or_default();
        // SAFETY: the table holds references whose memory is intact.
        let serial = |c: &usize| unsafe { cell(*c) }.serial.get();
        cells.sort_unstable_by_key(|c| std::cmp::Reverse(serial(c)));
        for addr in cells {
            // SAFETY: as above.
            let c = unsafe { cell(addr) };
            let callback = c.clear(heap);
            if !callback.is_empty() && reached(addr) {
                finalizers.queue_callback(c.header.as_value(), callback);
            }
        }
    }

    /// After all tracing: forgets dead references, and follows those that moved or whose targets did.
    pub(crate) fn update(&mut self, ctx: &WeakCtx<'_>) {
        let young = std::mem::take(&mut self.young);
        let old = if ctx.minor { Vec::new() } else { std::mem::take(&mut self.old) };
        for addr in old.into_iter().chain(young) {
            let now = ctx.survivor(addr);
            // SAFETY: as above.
            let c = unsafe { cell(now.unwrap_or(addr)) };
            let target = c.target();
            if target.is_empty() {
                continue;
            }
            let before = target.bits() as usize;
            let Some(now) = now else {
                self.forget(before, addr);
                continue;
            };
            let after = ctx.forward(target).expect("a reference to a dead object was cleared");
            if now != addr || after != target {
                self.forget(before, addr);
                c.target.set(after);
                self.by_target.entry(after.bits() as usize).or_default().push(now);
            }
            if ctx.is_young(c.header.as_value()) || ctx.is_young(after) {
                self.young.push(now);
            } else {
                self.old.push(now);
            }
        }
    }

    /// Calls the hooks of native tables.
    pub(crate) fn run_processors(&self, ctx: &WeakCtx<'_>) {
        self.processors.iter().for_each(|f| f(ctx));
    }

    /// Calls `f` for every reference with a live target, and the target.
    pub(crate) fn each(&self, f: &mut dyn FnMut(usize, Value)) {
        for &c in self.young.iter().chain(&self.old) {
            // SAFETY: the lists hold live references.
            f(c, unsafe { cell(c) }.target());
        }
    }
}

impl Heap {
    /// Makes a weak reference; `map`'s kind is [`WeakCell`]'s. `callback` is EMPTY for none. May collect.
    pub fn new_weak(&self, map: MapRef, target: Value, callback: Value) -> Ptr<WeakCell> {
        assert!(target.is_ptr(), "only heap objects can be referred to weakly");
        let init = WeakCell {
            header: Header::new(map),
            target: Native(Cell::new(target)),
            callback: Field::new(callback),
            hash: Cell::new(0),
            hashed: Cell::new(false),
            serial: Cell::new(self.next_weak_serial()),
        };
        let c = self.alloc(map, init);
        // A collection during the allocation moved neither: both are on this stack.
        target.header().set(ObjFlags::WEAKREF);
        // SAFETY: the GIL is held; no other reference to the table is alive.
        let weak = unsafe { &mut (*self.state()).weak };
        let addr = c.as_raw() as usize;
        weak.young.push(addr);
        weak.by_target.entry(target.bits() as usize).or_default().push(addr);
        c
    }

    fn next_weak_serial(&self) -> u32 {
        // SAFETY: the GIL is held; no other reference to the table is alive.
        let weak = unsafe { &mut (*self.state()).weak };
        weak.serial = weak.serial.wrapping_add(1);
        weak.serial
    }

    /// Calls `f` for every live weak reference to `target`, the oldest first. `f` must not allocate.
    pub fn each_weak(&self, target: &Header, f: &mut dyn FnMut(Ptr<WeakCell>)) {
        if !target.has(ObjFlags::WEAKREF) {
            return;
        }
        // SAFETY: the GIL is held, and the table holds live references.
        unsafe {
            if let Some(v) = (*self.state()).weak.by_target.get(&(target as *const Header as usize)) {
                v.iter().for_each(|c| f(Ptr::from_raw(*c as *mut WeakCell)));
            }
        }
    }

    /// The oldest weak reference to `target` of which `wanted` holds.
    pub fn find_weak(
        &self,
        target: &Header,
        wanted: impl Fn(Ptr<WeakCell>) -> bool,
    ) -> Option<Ptr<WeakCell>> {
        let mut found = None;
        self.each_weak(target, &mut |c| {
            if found.is_none() && wanted(c) {
                found = Some(c);
            }
        });
        found
    }

    /// Clears all weak references to `target` now, and queues their callbacks.
    pub fn clear_weak(&self, target: &Header) {
        if !target.has(ObjFlags::WEAKREF) {
            return;
        }
        target.clear(ObjFlags::WEAKREF);
        let s = self.state();
        // SAFETY: as above.
        unsafe {
            let cells = (*s).weak.by_target.remove(&(target as *const Header as usize)).unwrap_or_default();
            let mut cells: Vec<_> = cells.into_iter().map(|c| cell(c)).collect();
            cells.sort_unstable_by_key(|c| std::cmp::Reverse(c.serial.get()));
            for c in cells {
                let callback = c.clear(self);
                if !callback.is_empty() {
                    (*s).finalizers.queue_callback(c.header.as_value(), callback);
                }
            }
            self.pending.set((*s).finalizers.any());
        }
    }

    /// Adds a hook that every collection calls after tracing: for native tables that hold objects weakly. It
    /// replaces each value by [`WeakCtx::forward`] of it, and drops those that died; it must not allocate. In
    /// minor collections ([`WeakCtx::is_minor`]) only values that were young need a look.
    pub fn add_weak_processor(&self, f: fn(&WeakCtx<'_>)) {
        self.ensure_init();
        // SAFETY: as above.
        unsafe { (*self.state()).weak.processors.push(f) }
    }
}
