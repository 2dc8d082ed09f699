//! Functions and descriptors implemented in Rust.

use std::cell::Cell;

use cape_heap::{Field, Header, Ptr, Value, heap, heap_object};

use crate::native::{GetSetDef, MethodDef};
use crate::runtime::rt;

heap_object! {
    /// `builtin_function_or_method`: a native function with its `__self__` (a module, an object, or EMPTY).
    pub struct BuiltinObj { pub def: &'static MethodDef, pub this: Field, pub module: Field, pub class: Field }

    /// A native method in a class dictionary: `method_descriptor`, `wrapper_descriptor` or `classmethod_descriptor`
    /// (its map says which).
    pub struct MethodDescrObj { pub def: &'static MethodDef, pub class: Field }

    /// A native attribute in a class dictionary.
    pub struct GetSetObj { pub def: &'static GetSetDef, pub class: Field }

    /// A `__slots__` member: `index` is its place in the tail.
    pub struct MemberObj { pub name: Field, pub class: Field, pub index: Cell<u32> }
}

impl cape_heap::Trace for &'static MethodDef {
    fn trace(&self, _: &mut cape_heap::Tracer<'_>) {}
}
impl cape_heap::Trace for &'static GetSetDef {
    fn trace(&self, _: &mut cape_heap::Tracer<'_>) {}
}

impl BuiltinObj {
    /// A native function bound to `this` (EMPTY for none).
    pub fn new(def: &'static MethodDef, this: Value, module: Value) -> Ptr<BuiltinObj> {
        let map = rt().maps.builtin_function;
        heap().alloc(
            map,
            BuiltinObj {
                header: Header::new(map),
                def,
                this: Field::new(this),
                module: Field::new(module),
                class: Field::new(Value::EMPTY),
            },
        )
    }
}
