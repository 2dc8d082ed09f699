//! Cells of captured variables.

use cape_heap::{Field, Header, Ptr, Value, heap, heap_object};

use crate::runtime::rt;

heap_object! {
    /// One variable shared between functions; EMPTY while unbound.
    pub struct CellObj { pub content: Field }
}

impl CellObj {
    /// A cell that holds `v`.
    pub fn new(v: Value) -> Ptr<CellObj> {
        let map = rt().maps.cell;
        heap().alloc(map, CellObj { header: Header::new(map), content: Field::new(v) })
    }
}
