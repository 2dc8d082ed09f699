//! How the VM sees C: one trait, implemented by the bridge.

use std::cell::Cell;

use cape_heap::{Field, Header, Ptr, Value, heap_object};

use crate::exc::Res;
use crate::object::{TupleObj, TypeObj};
use crate::vm::Vm;

heap_object! {
    /// An object whose struct lives in C memory (`mirror`): an instance of a class implemented in C or derived from one.
    pub struct ForeignObj { pub mirror: Cell<*mut u8> }

    /// A function implemented in C (`PyCFunction`). `entry` is what the bridge needs to call it directly.
    pub struct ForeignFunctionObj {
        /// The `PyMethodDef`.
        pub def: Cell<*const u8>,
        /// The code address, as the calling convention in `convention` wants it.
        pub entry: Cell<*const u8>,
        /// `METH_*` flags.
        pub convention: Cell<u32>,
        /// `__self__` as C sees it (a mirror that this object owns a reference of), or null.
        pub c_self: Cell<*mut u8>,
        pub this: Field,
        pub module: Field,
        /// The class, for `METH_METHOD` and method descriptors.
        pub class: Field,
    }
}

/// What the bridge does for the VM.
pub trait Foreign: Sync {
    /// Calls a C function object; arguments as in [`Vm::call_args`].
    fn call(&self, vm: &Vm, callable: Value, args: &[Value], kwnames: Option<Ptr<TupleObj>>) -> Res<Value>;
    /// Whether the class (implemented in C) answers a special method through a slot that has no descriptor.
    fn type_ready(&self, class: Ptr<TypeObj>);
    /// A Python class derived from a C class was made: gives it its `PyTypeObject`.
    fn class_made(&self, vm: &Vm, class: Ptr<TypeObj>) -> Res<()>;
    /// Number of items of a mirrored list.
    fn list_len(&self, list: &Header) -> usize;
    /// Item of a mirrored list.
    fn list_get(&self, list: &Header, i: usize) -> Option<Value>;
    /// Replaces an item of a mirrored list; false when out of range.
    fn list_set(&self, list: &Header, i: usize, v: Value) -> bool;
    /// Replaces a range of a mirrored list.
    fn list_splice(&self, list: &Header, from: usize, to: usize, new: &[Value]);
    /// Loads an extension module from a shared object.
    fn load_extension(&self, vm: &Vm, spec: Value, path: &str) -> Res<Value>;
    /// Runs the execution slots of a module made by multi-phase initialisation.
    fn exec_extension(&self, vm: &Vm, module: Value) -> Res<Value>;
}

struct Slot(Cell<Option<&'static dyn Foreign>>);
// SAFETY: set once at start-up, with the GIL held.
unsafe impl Sync for Slot {}
static FOREIGN: Slot = Slot(Cell::new(None));

/// Installs the bridge.
pub fn set_foreign(f: &'static dyn Foreign) {
    FOREIGN.0.set(Some(f));
}

/// The bridge. Panics in a process without one: only objects that the bridge made lead here.
#[inline]
pub fn foreign() -> &'static dyn Foreign {
    FOREIGN.0.get().expect("foreign objects exist only with a bridge")
}

/// The bridge, if there is one.
pub fn try_foreign() -> Option<&'static dyn Foreign> {
    FOREIGN.0.get()
}
