//! `frameobject.h`: frames that extensions make to appear in tracebacks.

use cape_vm::frame::FrameObj;
use cape_vm::object::*;
use cape_vm::{Ptr, Value};

use super::code::PyCodeObject;
use super::layout;
use crate::enter::{Borrowed, CResult, Cx};
use crate::from_c::from_c;
use crate::layout::PyObject;
use crate::thread::PyThreadState;
use crate::to_c::to_c;

/// C's view of a frame.
pub type PyFrameObject = PyObject;

pub fn PyFrame_New(
    cx: &Cx,
    _tstate: *mut PyThreadState,
    code: *mut PyCodeObject,
    globals: Borrowed,
    _locals: Borrowed,
) -> CResult<*mut PyFrameObject> {
    let c: Ptr<CodeObj> = layout(cx, from_c(cx.vm, code)?)?;
    let g = globals.opt(cx)?.unwrap_or(Value::NONE);
    let line = c.unit.position(0).map_or(c.unit.first_line, |p| p.line);
    let f = FrameObj::synthetic(c, g, line as i32);
    to_c(cx.vm, f.value())
}
