//! `objimpl.h`: switching automatic collection.

use std::ffi::c_int;

use cape_vm::Value;
use cape_vm::runtime::intern;

use crate::enter::Cx;

fn switch(cx: &Cx, name: &str) -> c_int {
    let was = cx
        .vm
        .import_module("gc")
        .and_then(|m| {
            let on = cx.vm.call_method(m, intern("isenabled"), &[])?;
            cx.vm.call_method(m, intern(name), &[])?;
            Ok(on)
        })
        .unwrap_or(Value::TRUE);
    (was == Value::TRUE) as c_int
}

fn of_gc(cx: &Cx, name: &str) -> Option<Value> {
    let m = cx.vm.import_module("gc").ok()?;
    cx.vm.call_method(m, intern(name), &[]).ok()
}

/// What went wrong is lost, as the result cannot tell.
pub fn PyGC_Collect(cx: &Cx) -> isize {
    cx.vm.scrub_native_stack();
    of_gc(cx, "collect").filter(|n| n.is_int()).map_or(0, |n| n.as_int() as isize)
}

pub fn PyGC_IsEnabled(cx: &Cx) -> c_int {
    (of_gc(cx, "isenabled") == Some(Value::TRUE)) as c_int
}

pub fn PyGC_Disable(cx: &Cx) -> c_int {
    switch(cx, "disable")
}

pub fn PyGC_Enable(cx: &Cx) -> c_int {
    switch(cx, "enable")
}
