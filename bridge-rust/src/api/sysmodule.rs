//! `sysmodule.h`.

use std::ffi::c_char;

use cape_vm::runtime::rt;

use super::{borrow, text_value};
use crate::enter::{BorrowedRef, CResult, Cx};
use crate::to_c::boxed;

pub fn PySys_GetObject(cx: &Cx, name: *const c_char) -> CResult<BorrowedRef> {
    // An error in the name counts as a name that is not there.
    let Ok(n) = text_value(cx, name) else { return Ok(BorrowedRef(std::ptr::null_mut())) };
    match rt().sys().get_str(n) {
        Some(v) => {
            let b = boxed(v);
            if b != v {
                rt().sys().set_str(n, b);
            }
            borrow(cx, b)
        }
        None => Ok(BorrowedRef(std::ptr::null_mut())),
    }
}
