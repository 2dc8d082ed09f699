//! What compiled code is told of crossings, so that it can make the simplest itself: the same short way as in
//! [`convention`](crate::convention) and [`lend`](crate::lend), as data.

use std::mem::offset_of;

use cape_vm::eval::{Convention, Crossing, Finish, set_crossing};
use cape_vm::native::{GetSetDef, MethodDef};
use cape_vm::object::Int;
use cape_vm::{Res, Value, Vm};

use crate::call_c::callable_name;
use crate::convention::{FASTCALL_KW, is_entry};
use crate::error::{check_result, check_status};
use crate::layout::*;
use crate::slots::{slot_convention, slot_wrapper_name};
use crate::to_c::{is_number, linked};
use crate::{attributes, ffi, handled, lend};

/// Tells it.
pub fn install() {
    let (next, pairs, most) = lend::scratch_layout();
    set_crossing(Crossing {
        function,
        getter: attributes::getter,
        setter: attributes::setter,
        member: attributes::plain_member,
        singletons: [
            &raw const ffi::_Py_NoneStruct as usize,
            &raw const ffi::_Py_FalseStruct as usize,
            &raw const ffi::_Py_TrueStruct as usize,
        ],
        small_ints: (
            &raw const ffi::_Cape_small_ints as usize,
            size_of::<ffi::SmallInt>(),
            lend::SMALL_MIN,
            lend::SMALL_MAX,
        ),
        raised: CURRENT_EXCEPTION,
        handled: EXC_INFO,
        next,
        pairs,
        most,
        count: offset_of!(PyObject, ob_refcnt),
        link: offset_of!(PyObject, ob_link),
        tag: offset_of!(PyLongObject, lv_tag),
        digits: offset_of!(PyLongObject, ob_digit),
        double: offset_of!(PyFloatObject, ob_fval),
        finish: [
            Finish { object: method_gave, status: method_did },
            Finish { object: attribute_gave, status: attribute_did },
        ],
        finish_next,
        finish_number,
        give_link,
        give_back,
    });
}

/// The function of a definition: of a slot, or with the usual entry of its convention.
fn function(def: &'static MethodDef) -> Option<(Convention, *const u8)> {
    let raw = def.raw.as_ref()?;
    if let Some(convention) = slot_convention(raw) {
        return Some((convention, raw.data[0] as *const u8));
    }
    if !is_entry(raw.call) {
        return None;
    }
    let row = raw.data[0] as *const PyMethodDef;
    // SAFETY: the row was made for a definition that is alive.
    let (flags, f) = unsafe { ((*row).ml_flags, (*row).ml_meth) };
    let convention = match flags & !(meth::COEXIST | meth::CLASS) {
        meth::NOARGS => Convention::NoArgs,
        meth::O => Convention::Objects,
        meth::FASTCALL => Convention::Fast,
        FASTCALL_KW => Convention::FastKeywords,
        _ => return None,
    };
    Some((convention, f as *const u8))
}

/// C has returned: what it handles is hidden again, and an exception is kept for compiled code.
fn returned(vm: &Vm, r: Res<Value>) -> Value {
    if !handled::still_nothing(vm) {
        handled::hide(vm);
    }
    r.unwrap_or_else(|r| {
        vm.keep_raised(r);
        Value::EMPTY
    })
}

/// How messages name what was called.
///
/// # Safety
/// `def` is a [`MethodDef`], see [`Finish`].
unsafe fn name(vm: &Vm, def: *const u8, this: Value) -> String {
    // SAFETY: the caller's promise.
    let def = unsafe { &*(def as *const MethodDef) };
    match def.raw.as_ref().and_then(slot_convention) {
        Some(_) => slot_wrapper_name(def, this),
        None => callable_name(vm, def, this),
    }
}

unsafe extern "C-unwind" fn method_gave(vm: &Vm, def: *const u8, this: Value, p: *mut u8) -> Value {
    // SAFETY: compiled code passes on what it was told.
    returned(vm, check_result(vm, || unsafe { name(vm, def, this) }, p as *mut PyObject))
}

unsafe extern "C-unwind" fn method_did(vm: &Vm, def: *const u8, this: Value, n: i64) -> Value {
    // SAFETY: as above.
    returned(vm, check_status(vm, || unsafe { name(vm, def, this) }, n as i32).map(|n| Value::bool(n != 0)))
}

unsafe extern "C-unwind" fn attribute_gave(vm: &Vm, def: *const u8, _this: Value, p: *mut u8) -> Value {
    // SAFETY: as above.
    returned(vm, check_result(vm, || unsafe { attribute_name(def) }, p as *mut PyObject))
}

unsafe extern "C-unwind" fn attribute_did(vm: &Vm, def: *const u8, _this: Value, n: i64) -> Value {
    // SAFETY: as above.
    returned(vm, check_status(vm, || unsafe { attribute_name(def) }, n as i32).map(|_| Value::NONE))
}

/// # Safety
/// `def` is a [`GetSetDef`], see [`Finish`].
unsafe fn attribute_name(def: *const u8) -> String {
    // SAFETY: the caller's promise.
    unsafe { (*(def as *const GetSetDef)).name.to_string() }
}

/// See [`Crossing::finish_next`].
unsafe extern "C-unwind" fn finish_next(vm: &Vm, def: *const u8, this: Value, p: *mut u8) -> Value {
    if p.is_null() {
        let r = crate::slots::exhausted(vm).map(|v| {
            debug_assert!(v.is_empty());
            vm.take_stop_value();
            Value::DELETED
        });
        return returned(vm, r);
    }
    // SAFETY: as above.
    unsafe { method_gave(vm, def, this, p) }
}

/// See [`Crossing::finish_number`].
unsafe extern "C-unwind" fn finish_number(vm: &Vm, n: i64) -> Value {
    let r = crate::slots::number(vm, n as isize).map(|n| Int::Small(n as i64).into_value());
    returned(vm, r)
}

/// See [`Crossing::give_link`].
unsafe extern "C-unwind" fn give_link(vm: &Vm, v: Value) -> *mut u8 {
    if is_number(v) {
        return std::ptr::null_mut();
    }
    linked(vm, v).map_or(std::ptr::null_mut(), |p| p as *mut u8)
}

/// See [`Crossing::give_back`].
unsafe extern "C-unwind" fn give_back(first: usize) {
    lend::give_back(first);
}
