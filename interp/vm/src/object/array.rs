//! A plain array of values: the storage behind lists, overflow slots, caches and native temporaries.

use std::cell::Cell;

use cape_heap::{Header, Ptr, Tracer, Value, heap, heap_object, write_barrier};

use crate::runtime::rt;

heap_object! {
    /// `len` value cells; never seen by Python code.
    pub struct ArrayObj { len: usize } [size = ArrayObj::bytes] [trace = ArrayObj::trace_items]
}

impl ArrayObj {
    fn bytes(&self) -> usize {
        size_of::<ArrayObj>() + 8 * self.len
    }

    fn trace_items(&self, t: &mut Tracer<'_>) {
        // SAFETY: the object has len cells behind its fixed part.
        unsafe { t.visit_range(self.items_ptr(), self.len) }
    }

    pub(crate) fn with_header(header: Header) -> ArrayObj {
        ArrayObj { header, len: 0 }
    }

    /// An array of `len` EMPTY cells.
    pub fn new(len: usize) -> Ptr<ArrayObj> {
        let map = rt().maps.array;
        heap().alloc_var(map, size_of::<ArrayObj>() + 8 * len, ArrayObj { header: Header::new(map), len })
    }

    /// An array of `len` cells, which are garbage.
    ///
    /// # Safety
    /// All must be written before anything else is made, and the write barrier must follow.
    #[inline(always)]
    pub unsafe fn unfilled(len: usize) -> Ptr<ArrayObj> {
        let (map, bytes) = (rt().maps.array, size_of::<ArrayObj>() + 8 * len);
        heap().alloc_filled(map, bytes, bytes, ArrayObj { header: Header::new(map), len })
    }

    /// An array with these values.
    pub fn from_slice(values: &[Value]) -> Ptr<ArrayObj> {
        Self::with_capacity(values.len(), values)
    }

    /// An array of `len` cells that begins with these values; the others are EMPTY.
    #[inline]
    pub fn with_capacity(len: usize, values: &[Value]) -> Ptr<ArrayObj> {
        assert!(values.len() <= len);
        let map = rt().maps.array;
        let bytes = |n: usize| size_of::<ArrayObj>() + 8 * n;
        let a = heap().alloc_filled(
            map,
            bytes(len),
            bytes(values.len()),
            ArrayObj { header: Header::new(map), len },
        );
        // SAFETY: the new array has as many cells; it may be old when large, hence the barrier.
        unsafe { copy_values(values, a.items_ptr()) };
        write_barrier(a.header());
        a
    }

    /// Number of cells.
    #[inline(always)]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether it has no cells.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Address of the first cell. Whoever writes through it must follow with the write barrier.
    #[inline(always)]
    pub fn items_ptr(&self) -> *mut Value {
        // SAFETY: the cells follow the fixed part.
        unsafe { (self as *const ArrayObj).add(1) as *mut Value }
    }

    /// The values. The slice is valid while the array is on a native stack.
    #[inline(always)]
    pub fn as_slice(&self) -> &[Value] {
        // SAFETY: len cells follow; the conservative scan keeps the array in place while it is borrowed.
        unsafe { std::slice::from_raw_parts(self.items_ptr(), self.len) }
    }

    /// The value in cell `i`.
    #[inline(always)]
    pub fn get(&self, i: usize) -> Value {
        self.as_slice()[i]
    }

    /// Stores into cell `i`.
    #[inline(always)]
    pub fn set(&self, i: usize, v: Value) {
        assert!(i < self.len);
        // SAFETY: in bounds.
        unsafe { self.items_ptr().add(i).write(v) };
        write_barrier(&self.header);
    }

    /// Copies `n` cells within this array or from another; barriers included.
    pub fn copy_from(&self, at: usize, src: &[Value]) {
        assert!(at + src.len() <= self.len);
        // SAFETY: in bounds; `copy` allows overlap.
        unsafe { std::ptr::copy(src.as_ptr(), self.items_ptr().add(at), src.len()) };
        write_barrier(&self.header);
    }
}

/// Copies values into a new object: few of them one by one, because they have been written so a moment ago.
///
/// # Safety
/// There must be room for them at `to`, elsewhere.
#[inline(always)]
pub(crate) unsafe fn copy_values(values: &[Value], to: *mut Value) {
    if values.len() > 16 {
        // SAFETY: the caller's promise.
        return unsafe { std::ptr::copy_nonoverlapping(values.as_ptr(), to, values.len()) };
    }
    for (i, v) in values.iter().enumerate() {
        // SAFETY: as above. Volatile, or it becomes a memcpy.
        unsafe { to.add(i).write((v as *const Value).read_volatile()) };
    }
}

/// A growable sequence of values for native code. It must stay in a native stack frame
/// (never boxed, never in a `Vec`): that is what keeps its array alive and in place.
pub struct ValueVec {
    array: Cell<Ptr<ArrayObj>>,
    len: Cell<usize>,
}

impl ValueVec {
    /// An empty vector with room for `n`.
    pub fn with_capacity(n: usize) -> ValueVec {
        ValueVec { array: Cell::new(ArrayObj::new(n)), len: Cell::new(0) }
    }

    /// An empty vector.
    pub fn new() -> ValueVec {
        ValueVec::with_capacity(8)
    }

    /// Appends a value.
    pub fn push(&mut self, v: Value) {
        let n = self.len.get();
        if n == self.array.get().len() {
            let bigger = ArrayObj::with_capacity((n * 2).max(8), self.as_slice());
            self.array.set(bigger);
        }
        self.array.get().set(n, v);
        self.len.set(n + 1);
    }

    /// Appends all of a slice.
    pub fn extend_from_slice(&mut self, vs: &[Value]) {
        for &v in vs {
            self.push(v)
        }
    }

    /// Removes and returns the last value.
    pub fn pop(&mut self) -> Option<Value> {
        let n = self.len.get().checked_sub(1)?;
        self.len.set(n);
        let v = self.array.get().get(n);
        self.array.get().set(n, Value::EMPTY);
        Some(v)
    }

    /// Shortens to `n` values.
    pub fn truncate(&mut self, n: usize) {
        while self.len.get() > n {
            self.pop();
        }
    }

    /// Number of values.
    pub fn len(&self) -> usize {
        self.len.get()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len.get() == 0
    }

    /// The values.
    pub fn as_slice(&self) -> &[Value] {
        // SAFETY: len cells are initialised; the array is pinned by the pointer in self, which is on a native stack.
        unsafe { std::slice::from_raw_parts(self.array.get().items_ptr(), self.len.get()) }
    }

    /// The values, writable in place. Storing young values through it is sound only while no collection
    /// happens before [`ValueVec::touched`] is called.
    pub fn as_mut_slice(&mut self) -> &mut [Value] {
        // SAFETY: as above, and self is borrowed mutably.
        unsafe { std::slice::from_raw_parts_mut(self.array.get().items_ptr(), self.len.get()) }
    }

    /// Tells the collector that values were stored through [`ValueVec::as_mut_slice`].
    pub fn touched(&self) {
        write_barrier(self.array.get().header());
    }

    /// The array and the count, to hand over to a list.
    pub fn into_parts(self) -> (Ptr<ArrayObj>, usize) {
        (self.array.get(), self.len.get())
    }
}

impl Default for ValueVec {
    fn default() -> Self {
        ValueVec::new()
    }
}

impl std::ops::Deref for ValueVec {
    type Target = [Value];
    fn deref(&self) -> &[Value] {
        self.as_slice()
    }
}
