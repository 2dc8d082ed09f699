//! `traceback.h`.

use std::ffi::c_int;

use cape_vm::Ptr;
use cape_vm::frame::FrameObj;
use cape_vm::object::*;
use cape_vm::runtime::{intern, rt};

use super::frameobject::PyFrameObject;
use super::layout;
use crate::enter::{Borrowed, CResult, Cx};
use crate::error;
use crate::from_c::from_c;

/// Adds a frame to the traceback of the exception that is set.
pub fn PyTraceBack_Here(cx: &Cx, frame: *mut PyFrameObject) -> CResult<c_int> {
    let Some(r) = error::take(cx.vm) else { return Ok(-1) };
    let f: CResult<Ptr<FrameObj>> = from_c(cx.vm, frame).and_then(|f| layout(cx, f));
    if let Ok(f) = f {
        add_frame(r.exc(), f);
    }
    error::set(cx.vm, r);
    Ok(0)
}

/// Puts a frame before those of an exception's traceback.
pub fn add_frame(e: Ptr<ExcObj>, f: Ptr<FrameObj>) {
    let tb = TracebackObj::new(rt().maps.traceback, e.traceback.get(), f.value(), 0, f.line() as i32);
    e.traceback.set(e, tb.value());
}

pub fn PyTraceBack_Print(cx: &Cx, tb: Borrowed, file: Borrowed) -> CResult<c_int> {
    let tb = tb.get(cx)?;
    if !tb.is::<TracebackObj>() {
        return Err(super::bad_call(cx));
    }
    let f = cx.vm.import_attr("traceback", "print_tb")?;
    let none = cape_vm::Value::NONE;
    cx.vm.call_method(file.get(cx)?, intern("write"), &[intern("Traceback (most recent call last):\n")])?;
    cx.vm.call(f, &[tb, none, file.get(cx)?])?;
    Ok(0)
}
