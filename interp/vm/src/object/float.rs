//! Heap floats: subclasses of `float`, and floats that C has a borrowed reference to.

use cape_heap::{Header, MapRef, Ptr, Value, heap, heap_object};

use crate::runtime::rt;

heap_object! {
    /// A boxed double.
    pub struct FloatObj { pub value: f64 } [leaf]
}

impl FloatObj {
    /// A boxed float with this map.
    pub fn with_map(map: MapRef, value: f64) -> Ptr<FloatObj> {
        heap().alloc(map, FloatObj { header: Header::new(map), value })
    }

    /// A boxed float of exact type `float`.
    pub fn new(value: f64) -> Ptr<FloatObj> {
        Self::with_map(rt().maps.float, value)
    }
}

/// The double in a float of any representation (subclasses included); `None` for everything else.
#[inline(always)]
pub fn float_of(v: Value) -> Option<f64> {
    if v.is_float() { Some(v.as_float()) } else { v.downcast::<FloatObj>().map(|f| f.value) }
}
