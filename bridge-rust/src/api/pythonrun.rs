//! `pythonrun.h`.

use std::ffi::c_int;

use cape_stdlib::report;
use cape_vm::runtime::rt;

use crate::enter::{CResult, Cx};
use crate::error::take;

pub fn PyErr_Print(cx: &Cx) -> CResult<()> {
    PyErr_PrintEx(cx, 1)
}

/// Reports the exception through `sys.excepthook`; SystemExit ends Python and the process.
pub fn PyErr_PrintEx(cx: &Cx, set_last: c_int) -> CResult<()> {
    let Some(r) = take(cx.vm) else { return Ok(()) };
    let code = if r.is(rt().types.system_exit) {
        Some(report::exit_code(cx.vm, r))
    } else {
        if set_last != 0 {
            report::remember(r.exc());
        }
        report::through_hook(cx.vm, r.exc())
    };
    match code {
        Some(code) => crate::exit(cx.vm, code),
        None => Ok(()),
    }
}
