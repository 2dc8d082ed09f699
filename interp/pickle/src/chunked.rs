//! A growing row of values inside a heap object, in pieces: after a store the next minor collection looks at one piece, not at all of it.

use cape_heap::{Field, Header, Trace, Tracer};
use cape_vm::object::ArrayObj;
use cape_vm::{Ptr, Value};

/// Values in a piece, as a power of two.
const SHIFT: usize = 9;

/// The row: an array of arrays.
pub struct Chunked(Field);

impl Trace for Chunked {
    fn trace(&self, t: &mut Tracer<'_>) {
        self.0.trace(t)
    }
}

impl Chunked {
    /// An empty row.
    pub const fn new() -> Chunked {
        Chunked(Field::new(Value::EMPTY))
    }

    /// The value at `i`; EMPTY where none was set.
    #[inline]
    pub fn get(&self, i: usize) -> Value {
        let Some(pieces) = self.0.downcast::<ArrayObj>() else { return Value::EMPTY };
        let piece = pieces.as_slice().get(i >> SHIFT).and_then(|p| p.downcast::<ArrayObj>());
        piece.and_then(|p| p.as_slice().get(i & ((1 << SHIFT) - 1)).copied()).unwrap_or(Value::EMPTY)
    }

    /// Stores at `i`. `owner` is the object that contains the row.
    #[inline]
    pub fn set(&self, owner: &Header, i: usize, v: Value) {
        let at = i & ((1 << SHIFT) - 1);
        let piece =
            self.0.downcast::<ArrayObj>().and_then(|p| p.as_slice().get(i >> SHIFT)?.downcast::<ArrayObj>());
        match piece {
            Some(p) if at < p.len() => p.set(at, v),
            _ => self.grow(owner, i).set(at, v),
        }
    }

    /// The piece that has a place for `i`, made or made larger.
    #[cold]
    fn grow(&self, owner: &Header, i: usize) -> Ptr<ArrayObj> {
        let (n, at) = (i >> SHIFT, i & ((1 << SHIFT) - 1));
        let mut pieces = self.0.downcast::<ArrayObj>().unwrap_or_else(|| ArrayObj::new(1));
        if n >= pieces.len() {
            pieces = ArrayObj::with_capacity((n + 1).next_power_of_two(), pieces.as_slice());
        }
        self.0.store(owner, pieces.value());
        // Most pickles are small, and so is the first piece to begin with.
        let size = if n == 0 { (at + 1).next_power_of_two().max(8) } else { 1 << SHIFT };
        let old = pieces.get(n).downcast::<ArrayObj>();
        let piece = ArrayObj::with_capacity(size, old.as_ref().map_or(&[], |a| a.as_slice()));
        pieces.set(n, piece.value());
        piece
    }

    /// Forgets all values.
    pub fn clear(&self) {
        self.0.set_no_barrier(Value::EMPTY);
    }
}
