//! `list` and its storage strategies.
//!
//! With NaN-boxed values ints and floats are already unboxed in generic storage, so there are two strategies:
//! *generic* (an array of values) and *mirrored* (the items live as `PyObject *` in the mirror's `ob_item`,
//! the list reads and writes through [`crate::foreign::Foreign`]).

use std::cell::Cell;

use cape_heap::{Field, Header, MapRef, Ptr, Value, heap, heap_object};

use super::array::ArrayObj;
use crate::foreign::foreign;
use crate::runtime::rt;

heap_object! {
    /// `items` holds an [`ArrayObj`] in generic mode and is EMPTY in mirrored mode.
    pub struct ListObj { items: Field, len: Cell<usize> }
    [mirror_refers]
}

impl ListObj {
    /// Where the items are, for compiled code.
    pub(crate) const ITEMS: usize = std::mem::offset_of!(ListObj, items);
    /// Where the number of items of a list in generic mode is.
    pub(crate) const LEN: usize = std::mem::offset_of!(ListObj, len);

    /// A list of exact type `list`.
    #[inline]
    pub fn new(items: &[Value]) -> Ptr<ListObj> {
        let array = if items.is_empty() { rt().empty_array() } else { ArrayObj::from_slice(items) };
        Self::from_array(array, items.len())
    }

    /// A list that takes over the first `len` cells of `array`.
    #[inline]
    pub fn from_array(array: Ptr<ArrayObj>, len: usize) -> Ptr<ListObj> {
        let map = rt().maps.list;
        heap().alloc(
            map,
            ListObj { header: Header::new(map), items: Field::new(array.value()), len: Cell::new(len) },
        )
    }

    /// A list that takes over a native vector.
    pub fn from_vec(v: super::ValueVec) -> Ptr<ListObj> {
        let (array, len) = v.into_parts();
        Self::from_array(array, len)
    }

    /// An empty list with this map: of a subclass.
    pub fn empty_with_map(map: MapRef) -> Ptr<ListObj> {
        heap().alloc(
            map,
            ListObj {
                header: Header::new(map),
                items: Field::new(rt().empty_array().value()),
                len: Cell::new(0),
            },
        )
    }

    /// Whether the items live in the mirror.
    #[inline(always)]
    pub fn is_mirrored(&self) -> bool {
        self.items.get().is_empty()
    }

    /// Number of items.
    #[inline(always)]
    pub fn len(&self) -> usize {
        if self.is_mirrored() {
            return foreign().list_len(&self.header);
        }
        self.len.get()
    }

    /// Whether it is `[]`.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The items of a generic list as a slice; `None` when mirrored. The slice is stale after any
    /// operation that may change the list.
    #[inline(always)]
    pub fn generic_slice(&self) -> Option<&[Value]> {
        if self.is_mirrored() {
            return None;
        }
        // SAFETY: a generic list's items field holds an array with at least len cells.
        unsafe {
            let a = self.items.cast::<ArrayObj>();
            Some(std::slice::from_raw_parts(a.items_ptr(), self.len.get()))
        }
    }

    /// Item `i`, or `None` when out of range.
    #[inline(always)]
    pub fn get(&self, i: usize) -> Option<Value> {
        match self.generic_slice() {
            Some(s) => s.get(i).copied(),
            None => foreign().list_get(&self.header, i),
        }
    }

    /// Replaces item `i`; false when out of range.
    #[inline(always)]
    pub fn set(&self, i: usize, v: Value) -> bool {
        if self.is_mirrored() {
            return foreign().list_set(&self.header, i, v);
        }
        if i >= self.len.get() {
            return false;
        }
        // SAFETY: generic.
        unsafe { self.items.cast::<ArrayObj>() }.set(i, v);
        true
    }

    /// Appends an item.
    #[inline(always)]
    pub fn push(&self, v: Value) {
        let n = self.len.get();
        if !self.is_mirrored() {
            // SAFETY: generic.
            let a = unsafe { self.items.cast::<ArrayObj>() };
            if n < a.len() {
                a.set(n, v);
                self.len.set(n + 1);
                return;
            }
        }
        self.push_slow(v)
    }

    #[inline(never)]
    fn push_slow(&self, v: Value) {
        if self.is_mirrored() {
            return foreign().list_push(&self.header, v);
        }
        let n = self.len();
        self.splice(n, n, &[v]);
    }

    /// Replaces items `from..to` by `new`. `new` must not be a slice of this list's own storage.
    pub fn splice(&self, from: usize, to: usize, new: &[Value]) {
        if self.is_mirrored() {
            return foreign().list_splice(&self.header, from, to, new);
        }
        let len = self.len.get();
        assert!(from <= to && to <= len);
        let new_len = len - (to - from) + new.len();
        // SAFETY: generic.
        let mut a = unsafe { self.items.cast::<ArrayObj>() };
        if new_len > a.len() {
            // Growing copies, so small lists grow by more than CPython's, which are often extended in place.
            let extra = if new_len < 1 << 14 { new_len >> 1 } else { new_len >> 2 };
            let bigger = ArrayObj::with_capacity((new_len + extra + 6) & !3, &a.as_slice()[..from]);
            bigger.copy_from(from + new.len(), &a.as_slice()[to..len]);
            self.items.store(&self.header, bigger.value());
            a = bigger;
        } else if new.len() != to - from {
            a.copy_from(from + new.len(), &a.as_slice()[to..len]);
        }
        a.copy_from(from, new);
        for i in new_len..len {
            a.set(i, Value::EMPTY);
        }
        self.len.set(new_len);
        if new_len == 0 {
            self.items.set_no_barrier(rt().empty_array().value());
        }
    }

    /// Removes and returns item `i`, which must exist.
    pub fn remove(&self, i: usize) -> Value {
        if self.is_mirrored() {
            return foreign().list_remove(&self.header, i);
        }
        let v = self.get(i).expect("index in range");
        if i + 1 == self.len.get() {
            // SAFETY: generic.
            unsafe { self.items.cast::<ArrayObj>() }.set(i, Value::EMPTY);
            self.len.set(i);
        } else {
            self.splice(i, i + 1, &[]);
        }
        v
    }

    /// The items, copied into a fresh array (safe to use while Python code runs).
    pub fn snapshot(&self) -> Ptr<ArrayObj> {
        match self.generic_slice() {
            Some(s) => ArrayObj::from_slice(s),
            None => {
                let n = self.len();
                let a = ArrayObj::new(n);
                foreign().list_items(&self.header, a);
                a
            }
        }
    }

    /// Makes `array[..len]` the contents.
    pub fn replace(&self, array: Ptr<ArrayObj>, len: usize) {
        if self.is_mirrored() {
            return foreign().list_splice(&self.header, 0, self.len(), &array.as_slice()[..len]);
        }
        self.items.store(&self.header, array.value());
        self.len.set(len);
    }

    /// Puts the items of a mirrored list into the order of `places`, a permutation of theirs.
    pub fn reorder(&self, places: &[u32]) {
        assert!(self.is_mirrored() && places.len() == self.len());
        foreign().list_reorder(&self.header, places)
    }

    /// Switches to mirrored storage: from now on the items are read through the mirror. Only the bridge
    /// calls this, after it has filled the mirror's `ob_item`.
    pub fn become_mirrored(&self) {
        self.items.set_no_barrier(Value::EMPTY);
        self.len.set(0);
    }

    /// Switches back to generic storage (the mirror is going away).
    pub fn become_generic(&self, items: Ptr<ArrayObj>, len: usize) {
        self.items.store(&self.header, items.value());
        self.len.set(len);
    }
}
