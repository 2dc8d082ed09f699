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

pub fn PyGC_Disable(cx: &Cx) -> c_int {
    switch(cx, "disable")
}

pub fn PyGC_Enable(cx: &Cx) -> c_int {
    switch(cx, "enable")
}
