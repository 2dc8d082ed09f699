//! `tuple`.

use std::cell::Cell;

use cape_heap::{Header, MapRef, Ptr, Tracer, Value, heap, heap_object, write_barrier};

use crate::runtime::rt;

heap_object! {
    /// An immutable sequence; items follow the fixed part.
    pub struct TupleObj { len: usize, pub hash: Cell<i64> } [size = TupleObj::bytes] [trace = TupleObj::trace_items]
    [mirror_refers]
}

impl TupleObj {
    /// Where the number of items is, for compiled code.
    pub(crate) const LEN: usize = std::mem::offset_of!(TupleObj, len);

    /// The words in front of the items of a new tuple with `n` of them, for compiled code.
    pub(crate) fn words(map: MapRef, n: usize) -> [u64; size_of::<TupleObj>() / 8] {
        const { assert!(cfg!(target_endian = "little") && std::mem::offset_of!(TupleObj, hash) == 16) };
        [map.id() as u64, n as u64, -1i64 as u64]
    }

    fn bytes(&self) -> usize {
        size_of::<TupleObj>() + 8 * self.len
    }

    fn trace_items(&self, t: &mut Tracer<'_>) {
        // SAFETY: the object has len cells behind its fixed part.
        unsafe { t.visit_range(self.items_ptr(), self.len) }
    }

    pub(crate) fn with_header(header: Header) -> TupleObj {
        TupleObj { header, len: 0, hash: Cell::new(-1) }
    }

    /// A tuple of exact type `tuple` with these items.
    #[inline(never)]
    pub fn new(items: &[Value]) -> Ptr<TupleObj> {
        if items.is_empty() {
            return rt().empty_tuple();
        }
        // SAFETY: all cells are written at once; a large tuple may be old, hence the barrier.
        unsafe {
            let t = Self::unfilled(items.len());
            super::array::copy_values(items, t.items_ptr());
            write_barrier(t.header());
            t
        }
    }

    /// The items of `a` and behind them those of `b`, in a tuple of exact type `tuple`.
    pub fn concat(a: &[Value], b: &[Value]) -> Ptr<TupleObj> {
        if a.is_empty() && b.is_empty() {
            return rt().empty_tuple();
        }
        // SAFETY: as in new.
        unsafe {
            let t = Self::unfilled(a.len() + b.len());
            super::array::copy_values(a, t.items_ptr());
            super::array::copy_values(b, t.items_ptr().add(a.len()));
            write_barrier(t.header());
            t
        }
    }

    /// A tuple with this map: of a subclass (the map comes from the class).
    pub fn with_map(map: MapRef, items: &[Value]) -> Ptr<TupleObj> {
        let bytes = size_of::<TupleObj>() + 8 * items.len();
        let t = heap().alloc_filled(
            map,
            bytes,
            bytes,
            TupleObj { header: Header::new(map), len: items.len(), hash: Cell::new(-1) },
        );
        // SAFETY: the new tuple has as many cells; it may be old when large, hence the barrier.
        unsafe { super::array::copy_values(items, t.items_ptr()) };
        write_barrier(t.header());
        t
    }

    /// A tuple of `n` items that are EMPTY until its maker, before anybody else sees it, has [`TupleObj::init`]ialised them.
    pub fn uninit(n: usize) -> Ptr<TupleObj> {
        Self::empty_cells(rt().maps.tuple, n)
    }

    /// A tuple of `n` items, one at least, which are garbage.
    ///
    /// # Safety
    /// All must be written before anything else is made, and the write barrier must follow.
    #[inline(always)]
    pub unsafe fn unfilled(n: usize) -> Ptr<TupleObj> {
        let (map, bytes) = (rt().maps.tuple, size_of::<TupleObj>() + 8 * n);
        heap().alloc_plain_filled(
            map,
            bytes,
            TupleObj { header: Header::new(map), len: n, hash: Cell::new(-1) },
        )
    }

    /// A tuple of `n` items, of which the `i`th is what `item(i)` gives.
    ///
    /// # Safety
    /// `item` must make nothing and not panic: the tuple has garbage in its cells until it has given all of them.
    #[inline(always)]
    pub unsafe fn of(n: usize, item: impl Fn(usize) -> Value) -> Ptr<TupleObj> {
        if n == 0 {
            return rt().empty_tuple();
        }
        // SAFETY: all cells are written, and nothing is made before they are (the caller's promise).
        unsafe {
            let t = Self::unfilled(n);
            (0..n).for_each(|i| t.items_ptr().add(i).write(item(i)));
            write_barrier(t.header());
            t
        }
    }

    #[inline(always)]
    fn empty_cells(map: MapRef, n: usize) -> Ptr<TupleObj> {
        heap().alloc_var(
            map,
            size_of::<TupleObj>() + 8 * n,
            TupleObj { header: Header::new(map), len: n, hash: Cell::new(-1) },
        )
    }

    /// Gives item `i` of a tuple that is being made its value.
    #[inline(always)]
    pub fn init(&self, i: usize, v: Value) {
        assert!(i < self.len);
        // SAFETY: in bounds.
        unsafe { *self.items_ptr().add(i) = v };
        write_barrier(&self.header);
    }

    /// Number of items.
    #[inline(always)]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether it is `()`.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Address of the first item. Whoever writes through it must follow with the write barrier.
    #[inline(always)]
    pub fn items_ptr(&self) -> *mut Value {
        // SAFETY: the cells follow the fixed part.
        unsafe { (self as *const TupleObj).add(1) as *mut Value }
    }

    /// The items.
    #[inline(always)]
    pub fn as_slice(&self) -> &[Value] {
        // SAFETY: len cells follow; the conservative scan keeps the tuple in place while it is borrowed.
        unsafe { std::slice::from_raw_parts(self.items_ptr(), self.len) }
    }

    /// Item `i`; panics when out of range.
    #[inline(always)]
    pub fn get(&self, i: usize) -> Value {
        self.as_slice()[i]
    }

    /// Replaces item `i` of a tuple that no Python code has seen yet.
    pub fn init_item(&self, i: usize, v: Value) {
        assert!(i < self.len);
        // SAFETY: in bounds.
        unsafe { self.items_ptr().add(i).write(v) };
        write_barrier(&self.header);
    }
}
