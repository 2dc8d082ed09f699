//! Code objects: a compiled [`CodeUnit`] made executable.

use std::cell::{Cell, OnceCell};
use std::sync::Arc;

use cape_bytecode::{CodeUnit, Liveness};
use cape_heap::{Field, Native, heap_object};

heap_object! {
    /// Old from birth, so its address is stable. `words` is its own, quickened copy of the unit's instructions;
    /// `consts` and `names` are arrays of values (names interned); `cache_values` holds what inline caches
    /// remember of managed values, as an array indexed from the cache words.
    pub struct CodeObj {
        pub unit: Native<Arc<CodeUnit>>,
        pub words: Native<Box<[Cell<u64>]>>,
        pub consts: Field,
        pub names: Field,
        pub cache_values: Field,
        pub cache_used: Cell<u32>,
        pub name: Field,
        pub qualname: Field,
        pub filename: Field,
        pub varnames: Field,
        pub cellvars: Field,
        pub freevars: Field,
        /// Copies of the unit's facts that calls look at.
        pub argcount: u32,
        pub kwonly: u32,
        pub flags: u32,
        pub nregs: u32,
        /// The first register of free variables, and their number.
        pub first_free: u32,
        pub nfree: u32,
        /// Parameters need no binding beyond their number: no keyword-only, `*args`, `**kwargs`.
        pub simple: bool,
        pub hash: Cell<i64>,
        /// Which temporaries live where, once a full collection has asked.
        pub liveness: Native<OnceCell<Liveness>>,
    } [drop]
}
