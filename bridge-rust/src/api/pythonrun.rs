//! `pythonrun.h`.

use std::ffi::{c_char, c_int, c_void};

use cape_stdlib::report;
use cape_vm::object::*;
use cape_vm::runtime::{intern, rt};

use super::{str_arg, text};
use crate::enter::{Borrowed, CResult, Cx, New};
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

pub fn Py_CompileStringObject(
    cx: &Cx,
    source: *const c_char,
    filename: Borrowed,
    start: c_int,
    _flags: *mut c_void,
    optimize: c_int,
) -> CResult<New> {
    const SINGLE: c_int = 256;
    const FILE: c_int = 257;
    let mode = match start {
        SINGLE => "single",
        FILE => "exec",
        _ => "eval",
    };
    let f = rt().builtins().get_str(intern("compile")).ok_or_else(|| super::bad_call(cx))?;
    let name = str_arg(cx, filename.get(cx)?)?;
    let kw = DictObj::new();
    kw.set_str(intern("optimize"), cape_vm::Value::int(optimize as i64));
    kw.set_str(intern("dont_inherit"), cape_vm::Value::TRUE);
    let args = [StrObj::new(&text(cx, source)?).value(), name.value(), intern(mode)];
    cx.give(cx.vm.call_dict(f, &args, Some(kw))?)
}
