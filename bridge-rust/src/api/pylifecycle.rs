//! `pylifecycle.h`.

use std::ffi::c_int;

pub fn Py_IsInitialized() -> c_int {
    cape_vm::runtime::started() as c_int
}

pub fn Py_IsFinalizing() -> c_int {
    0
}
