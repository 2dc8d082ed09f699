//! Structs of `struct.Struct`, of which extensions read how long and how many the packed values are.

use std::ffi::c_void;

use cape_vm::object::TypeObj;
use cape_vm::runtime::type_of;
use cape_vm::{Ptr, Value};

use crate::layout::PyObject;

/// `PyStructObject` of CPython's `_struct`.
#[repr(C)]
struct PyStructObject {
    ob_base: PyObject,
    s_size: isize,
    s_len: isize,
    s_codes: *mut c_void,
    s_format: *mut PyObject,
    weakreflist: *mut PyObject,
}

/// `tp_basicsize` of `Struct`; 0 for other classes.
pub(super) fn basic_size(class: Ptr<TypeObj>) -> isize {
    if cape_stdlib::structs::is_struct(class) { size_of::<PyStructObject>() as isize } else { 0 }
}

/// Writes into the struct what is read of it, when the object is a `Struct`.
///
/// # Safety
/// `p` must be the object's fresh struct, with the basic size of its class.
pub(super) unsafe fn show(v: Value, p: *mut crate::layout::PyObject) {
    if !cape_stdlib::structs::is_struct(type_of(v)) {
        return;
    }
    let (size, items) = cape_stdlib::structs::extent(v).map_or((-1, 0), |(s, n)| (s as isize, n as isize));
    let p = p as *mut PyStructObject;
    // SAFETY: the caller's promise; basic_size says that of classes below this one, too.
    unsafe {
        (*p).s_size = size;
        (*p).s_len = items;
    }
}
