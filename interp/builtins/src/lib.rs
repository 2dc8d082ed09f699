//! What Python code sees of the builtin types: one file per type, its table of methods beside their bodies.
//!
//! [`init`] completes the types that `cape-vm` has made at start-up.

use cape_vm::Vm;

pub mod ast;
pub mod compile_fn;
pub mod traceback_print;

macro_rules! files {
    ($($file:ident),* $(,)?) => {
        $(pub mod $file;)*
        /// Adds all methods and attributes to the builtin types.
        pub fn init(vm: &Vm) {
            $($file::init(vm);)*
            members::init();
        }
    };
}

pub mod codecs;
pub mod complex_ops;
pub mod float_ops;
pub mod float_text;
mod import;
mod import_frames;
pub mod int_ops;
pub mod int_text;
pub mod libm;
pub mod line_input;
mod long_word;
mod members;
pub mod number;
pub mod search;
pub mod slicing;
pub mod sort;
mod source_text;
mod sum;
pub mod unicode;
pub mod warn;

files! {
    object, types, function, descriptors, mappingproxy, property, super_, code, frame, cell, generator, asyncgen, module, namespace,
    generic_alias, union_, weakref, capsule,
    dict, dict_views, set, exceptions, os_error, unicode_error, exception_group, traceback,
    str_, bytes, bytearray, memoryview, format,
    int, float, complex, range, slice, list, tuple, iterators, singletons,
    functions,
}
