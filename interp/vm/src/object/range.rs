//! `range`, `slice` and the simple iterators.

use std::cell::Cell;

use cape_heap::{Field, Header, Ptr, Value, heap, heap_object};

use crate::runtime::rt;

heap_object! {
    /// `range(start, stop, step)`; ints of any size; `length` too.
    pub struct RangeObj { pub start: Field, pub stop: Field, pub step: Field, pub length: Field }

    /// Iterator over a range whose numbers fit machine words.
    pub struct RangeIterObj { pub next: Cell<i64>, pub step: Cell<i64>, pub remaining: Cell<usize> }

    /// `slice(start, stop, step)`.
    pub struct SliceObj { pub start: Field, pub stop: Field, pub step: Field }

    /// Iterator over a list, a tuple, or by `__getitem__`: `seq` is EMPTY once exhausted.
    pub struct SeqIterObj { pub seq: Field, pub index: Cell<usize> }
}

impl SliceObj {
    /// A slice object.
    pub fn new(start: Value, stop: Value, step: Value) -> Ptr<SliceObj> {
        let map = rt().maps.slice;
        heap().alloc(
            map,
            SliceObj {
                header: Header::new(map),
                start: Field::new(start),
                stop: Field::new(stop),
                step: Field::new(step),
            },
        )
    }
}

impl RangeIterObj {
    /// Iterates `start, start + step, ...`, `n` numbers.
    pub fn new(start: i64, step: i64, n: usize) -> Ptr<RangeIterObj> {
        let map = rt().maps.range_iterator;
        heap().alloc(
            map,
            RangeIterObj {
                header: Header::new(map),
                next: Cell::new(start),
                step: Cell::new(step),
                remaining: Cell::new(n),
            },
        )
    }

    /// The next number.
    #[inline(always)]
    pub fn advance(&self) -> Option<Value> {
        let left = self.remaining.get();
        if left == 0 {
            return None;
        }
        let i = self.next.get();
        self.remaining.set(left - 1);
        self.next.set(i.wrapping_add(self.step.get()));
        Some(super::long::int_value(i))
    }
}

impl SeqIterObj {
    /// An iterator with this map (the map tells which type it is: list_iterator, tuple_iterator, iterator).
    pub fn with_map(map: cape_heap::MapRef, seq: Value) -> Ptr<SeqIterObj> {
        heap().alloc(map, SeqIterObj { header: Header::new(map), seq: Field::new(seq), index: Cell::new(0) })
    }
}
