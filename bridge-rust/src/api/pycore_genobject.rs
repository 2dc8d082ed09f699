//! `internal/pycore_genobject.h`, as far as extensions use it.

use std::ffi::c_int;

use cape_vm::Value;
use cape_vm::generator::stop_value;
use cape_vm::runtime::rt;

use crate::enter::{CResult, Cx};
use crate::error::take;
use crate::layout::PyObject;
use crate::to_c::to_c;

/// The value of the StopIteration that is set (None when nothing is): 0; -1 when another exception is set.
pub fn _PyGen_FetchStopIterationValue(cx: &Cx, out: *mut *mut PyObject) -> CResult<c_int> {
    let v = match take(cx.vm) {
        None => Value::NONE,
        Some(r) if r.is(rt().types.stop_iteration) => stop_value(r),
        Some(r) => return Err(r),
    };
    let p = to_c(cx.vm, v)?;
    // SAFETY: the API demands a place for the result.
    unsafe { *out = p };
    Ok(0)
}
