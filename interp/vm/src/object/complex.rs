//! `complex`.

use cape_heap::{Header, MapRef, Ptr, heap, heap_object};

use crate::runtime::rt;

heap_object! {
    /// A complex number.
    pub struct ComplexObj { pub re: f64, pub im: f64 } [leaf]
}

impl ComplexObj {
    /// A complex of exact type.
    pub fn new(re: f64, im: f64) -> Ptr<ComplexObj> {
        Self::with_map(rt().maps.complex, re, im)
    }

    /// With this map: of a subclass.
    pub fn with_map(map: MapRef, re: f64, im: f64) -> Ptr<ComplexObj> {
        heap().alloc(map, ComplexObj { header: Header::new(map), re, im })
    }
}
