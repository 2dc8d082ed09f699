//! `pyhash.h`.

use std::ffi::c_void;

use cape_vm::object::hash_bytes;

use crate::enter::{Borrowed, CResult, Cx};

pub fn Py_HashBuffer(p: *const c_void, len: isize) -> isize {
    if len == 0 {
        return hash_bytes(&[]) as isize;
    }
    // SAFETY: the API demands that many readable bytes.
    hash_bytes(unsafe { std::slice::from_raw_parts(p as *const u8, len as usize) }) as isize
}

pub fn _Py_HashDouble(op: Borrowed, v: f64) -> isize {
    if v.is_nan() {
        // As an object's identity hash: its address, rotated.
        return (op.ptr() as usize).rotate_right(4) as isize;
    }
    cape_vm::ops::hash_f64(v) as isize
}

pub fn PyObject_GenericHash(cx: &Cx, o: Borrowed) -> CResult<isize> {
    Ok(cx.vm.identity_hash(o.get(cx)?) as isize)
}
