//! `pyframe.h`.

use std::ffi::c_int;

use cape_vm::Ptr;
use cape_vm::frame::FrameObj;

use super::code::PyCodeObject;
use super::frameobject::PyFrameObject;
use super::layout;
use crate::enter::{CResult, Cx};
use crate::from_c::from_c;
use crate::to_c::to_c;

fn frame(cx: &Cx, f: *mut PyFrameObject) -> CResult<Ptr<FrameObj>> {
    if f.is_null() {
        return Err(super::bad_call(cx));
    }
    layout(cx, from_c(cx.vm, f)?)
}

pub fn PyFrame_GetBack(cx: &Cx, f: *mut PyFrameObject) -> CResult<*mut PyFrameObject> {
    match cx.vm.frame_back(frame(cx, f)?) {
        Some(b) => to_c(cx.vm, b.value()),
        None => Ok(std::ptr::null_mut()),
    }
}

pub fn PyFrame_GetCode(cx: &Cx, f: *mut PyFrameObject) -> CResult<*mut PyCodeObject> {
    to_c(cx.vm, frame(cx, f)?.code().value())
}

pub fn PyFrame_GetLineNumber(cx: &Cx, f: *mut PyFrameObject) -> c_int {
    frame(cx, f).map_or(-1, |f| f.line() as c_int)
}
