//! Slots of `type` that metaclasses of C call for its part of the work, as pybind11's and protobuf's do: with a class of another metaclass
//! they are `type`'s own methods. (Other slots of managed classes do whatever the object's class says.)

use std::ffi::c_int;
use std::ptr::{eq, null_mut};

use cape_vm::object::*;
use cape_vm::runtime::{rt, type_of};
use cape_vm::special::Special;
use cape_vm::{Ptr, Res, Value};

use super::trampolines as usual;
use crate::enter::{CResult, Cx, New, enter};
use crate::ffi;
use crate::from_c::from_c;
use crate::layout::*;

/// Whether the class is of `type` itself.
fn is_plain(o: *mut PyObject) -> bool {
    // SAFETY: slots are called with live objects.
    unsafe { eq((*o).ob_type, &raw const ffi::PyType_Type) }
}

fn class(cx: &Cx, o: *mut PyObject) -> Res<Ptr<TypeObj>> {
    from_c(cx.vm, o)?.downcast().ok_or_else(|| cx.vm.type_error("descriptor requires a 'type' object"))
}

/// Calls a method of `type` with the arguments of a call.
fn call_own(cx: &Cx, s: Special, o: *mut PyObject, args: *mut PyObject, kw: *mut PyObject) -> Res<Value> {
    let t = class(cx, o)?.value();
    let (args, kw) = usual::arguments(cx, args, kw)?;
    let bound = cx.vm.descr_get(rt().types.type_.special(s), t, type_of(t))?;
    cx.vm.call_dict(bound, args.as_slice(), kw)
}

unsafe extern "C" fn getattro(o: *mut PyObject, name: *mut PyObject) -> *mut PyObject {
    if is_plain(o) {
        // SAFETY: passed on.
        return unsafe { usual::getattro(o, name) };
    }
    enter("tp_getattro", null_mut(), |cx| -> CResult<New> {
        let (t, name) = (class(cx, o)?.value(), from_c(cx.vm, name)?);
        cx.give(cx.vm.call_special(rt().types.type_.special(Special::Getattribute), &[t, name])?)
    })
}

unsafe extern "C" fn setattro(o: *mut PyObject, name: *mut PyObject, v: *mut PyObject) -> c_int {
    if is_plain(o) {
        // SAFETY: passed on.
        return unsafe { usual::setattro(o, name, v) };
    }
    enter("tp_setattro", -1, |cx| -> CResult<c_int> {
        let (t, name) = (class(cx, o)?, from_c(cx.vm, name)?);
        let v = if v.is_null() { Value::EMPTY } else { from_c(cx.vm, v)? };
        cx.vm.type_setattr(t, name, v)?;
        Ok(0)
    })
}

unsafe extern "C" fn call(o: *mut PyObject, args: *mut PyObject, kw: *mut PyObject) -> *mut PyObject {
    if is_plain(o) {
        // SAFETY: passed on.
        return unsafe { usual::call(o, args, kw) };
    }
    enter("tp_call", null_mut(), |cx| -> CResult<New> { cx.give(call_own(cx, Special::Call, o, args, kw)?) })
}

unsafe extern "C" fn init(o: *mut PyObject, args: *mut PyObject, kw: *mut PyObject) -> c_int {
    if is_plain(o) {
        // SAFETY: passed on.
        return unsafe { usual::init(o, args, kw) };
    }
    enter("tp_init", -1, |cx| -> CResult<c_int> {
        call_own(cx, Special::Init, o, args, kw)?;
        Ok(0)
    })
}

/// Puts them into the struct of `type`.
///
/// # Safety
/// `p` must be that struct.
pub unsafe fn put(p: *mut PyTypeObject) {
    // SAFETY: the caller's promise.
    unsafe {
        (*p).tp_getattro = Some(getattro);
        (*p).tp_setattro = Some(setattro);
        (*p).tp_call = Some(call);
        (*p).tp_init = Some(init);
    }
}
