//! `descrobject.h`.

use cape_vm::class::method_descriptor;

use crate::enter::{CResult, Cx, New};
use crate::layout::*;

pub fn PyDescr_NewClassMethod(cx: &Cx, t: *mut PyTypeObject, m: *mut PyMethodDef) -> CResult<New> {
    let class = crate::typeready::class_of(cx.vm, t)?;
    // SAFETY: the API demands a definition that lives as long as the type.
    let def = unsafe { crate::call_c::class_row(m, t) };
    cx.give(method_descriptor(class, def))
}
