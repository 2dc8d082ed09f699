//! What compiled code is told of crossings, so that it can make the simplest itself: the same short way as in
//! [`convention`](crate::convention) and [`lend`](crate::lend), as data.

use std::mem::offset_of;

use cape_vm::eval::{Code, Convention, Crossing, Finish, Named, set_crossing};
use cape_vm::native::{GetSetDef, MethodDef};
use cape_vm::object::{Int, TupleObj, TypeObj};
use cape_vm::runtime::{rt, type_of};
use cape_vm::{Ptr, Res, Value, Vm};

use crate::call_c::{callable_name, defining_class};
use crate::convention::{FASTCALL_KW, METHOD_KW, VARARGS_KW, is_entry};
use crate::error::{check_result, check_status};
use crate::layout::*;
use crate::mirror::vectorcall_offset;
use crate::slots::{Constructor, is_tp_call, passes_on, slot_convention, slot_wrapper_name, slot_wrapper_of};
use crate::to_c::{decref, is_lasting, is_number, kwargs_dict, linked};
use crate::{arguments, attributes, ffi, from_c, handled, lend, mirror, slots};

/// Tells it.
pub fn install() {
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
        callable,
        constructor,
        lending: lend::scratch_layout(),
        count: offset_of!(PyObject, ob_refcnt),
        link: offset_of!(PyObject, ob_link),
        tag: offset_of!(PyLongObject, lv_tag),
        digits: offset_of!(PyLongObject, ob_digit),
        double: offset_of!(PyFloatObject, ob_fval),
        hash: offset_of!(PyTupleObject, ob_hash),
        items: offset_of!(PyTupleObject, ob_item),
        size: offset_of!(PyVarObject, ob_size),
        list_items: offset_of!(PyListObject, ob_item),
        list_room: offset_of!(PyListObject, allocated),
        class: offset_of!(PyObject, ob_type),
        int_class: &raw const ffi::PyLong_Type as usize,
        // SAFETY: a constructor.
        empty_tuple: unsafe { ffi::PyTuple_New(0) } as usize,
        finish: [
            Finish { object: method_gave, status: method_did },
            Finish { object: attribute_gave, status: attribute_did },
            Finish { object: called_gave, status: attribute_did },
            Finish { object: read_gave, status: attribute_did },
        ],
        finish_next,
        finish_number,
        give_link,
        give_last,
        end_last,
        take_at_once,
        drop_unread,
        give_back,
        keywords,
        drop: drop_last,
        give_tuple_back,
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
    let convention = match flags & !(meth::COEXIST | meth::CLASS | meth::STATIC) {
        meth::NOARGS => Convention::NoArgs,
        meth::O => Convention::Objects,
        meth::FASTCALL => Convention::Fast,
        FASTCALL_KW => Convention::FastKeywords,
        METHOD_KW => Convention::OfClass(defining_class(def) as usize),
        meth::VARARGS => Convention::Arguments,
        VARARGS_KW => Convention::ArgumentsAndKeywords,
        _ => return None,
    };
    Some((convention, f as *const u8))
}

/// See [`Crossing::callable`].
fn callable(class: Ptr<TypeObj>, def: &'static MethodDef) -> Option<(Convention, Code)> {
    let raw = def.raw.as_ref().filter(|raw| is_tp_call(raw))?;
    let t = class.foreign.get() as *mut PyTypeObject;
    // SAFETY: a class's type object is live as long as the class.
    let offset = (!t.is_null()).then(|| unsafe { vectorcall_offset(t) })?;
    match offset {
        Some(offset) => Some((Convention::FastKeywords, Code::In(offset))),
        None if passes_on(raw) => None,
        None => Some((Convention::ArgumentsAndKeywords, Code::At(raw.data[0] as *const u8))),
    }
}

/// See [`Crossing::constructor`].
fn constructor(class: Ptr<TypeObj>) -> Option<(Convention, *const u8, *const u8)> {
    if type_of(class.value()) != rt().types.type_ {
        return None;
    }
    let t = class.foreign.get() as *const u8;
    Some(match slots::constructor(class)? {
        Constructor::Vectorcall(f) => (Convention::FastKeywords, f as *const u8, t),
        Constructor::Slots(new, init) => {
            let init = init.map_or(0, |f| f as usize);
            (Convention::Instance(new as usize, init), slots::instance as *const u8, t)
        }
    })
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

unsafe extern "C-unwind" fn called_gave(vm: &Vm, _def: *const u8, this: Value, p: *mut u8) -> Value {
    let name = || vm.repr(this).map_or_else(|_| "<?>".into(), |s| s.display());
    returned(vm, check_result(vm, name, p as *mut PyObject))
}

unsafe extern "C-unwind" fn read_gave(vm: &Vm, named: *const u8, this: Value, p: *mut u8) -> Value {
    // SAFETY: compiled code passes on what it was told: a `Named`.
    let named = unsafe { &*(named as *const Named) };
    let r = check_result(vm, || slot_wrapper_of(named.def, named.class), p as *mut PyObject);
    returned(vm, r.map_err(|r| vm.attribute_context(r, this, named.name)))
}

unsafe extern "C-unwind" fn attribute_gave(vm: &Vm, def: *const u8, this: Value, p: *mut u8) -> Value {
    // SAFETY: as above.
    let name = || unsafe { attribute_name(def) };
    let r = check_result(vm, name, p as *mut PyObject);
    returned(vm, r.map_err(|r| vm.attribute_context(r, this, rt().intern(&name()))))
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
    if is_number(v) && !is_lasting(v) {
        return std::ptr::null_mut();
    }
    linked(vm, v).map_or(std::ptr::null_mut(), |p| p as *mut u8)
}

/// See [`Crossing::give_last`].
unsafe extern "C-unwind" fn give_last(vm: &Vm, v: Value, fresh: u64) -> *mut u8 {
    let own = mirror::of_its_own(vm, v, fresh != 0);
    if own.is_null() && mirror::shares_memory(v) {
        // (The address of such a struct is one of the object's, and would keep that alive wherever compiled code leaves it behind.)
        return own as *mut u8;
    }
    if !own.is_null() {
        return own.wrapping_byte_add(1) as *mut u8;
    }
    // SAFETY: the same caller.
    unsafe { give_link(vm, v) }
}

/// See [`Crossing::end_last`].
unsafe extern "C-unwind" fn end_last(p: *mut u8) {
    // SAFETY: what [`give_last`] gave, a reference of which is the caller's.
    unsafe { ffi::cape_end_own(p as *mut PyObject) }
}

/// See [`Crossing::take_at_once`].
unsafe extern "C-unwind" fn take_at_once(p: *mut u8) -> Value {
    // SAFETY: what C has returned is a live object whose reference is ours; compiled code has seen that it is unlinked.
    unsafe { from_c::take_at_once(p as *mut PyObject) }
}

/// See [`Crossing::drop_unread`].
unsafe extern "C-unwind" fn drop_unread(p: *mut u8) -> Value {
    let p = p as *mut PyObject;
    if std::ptr::eq(p, &raw const ffi::_Py_NotImplementedStruct) {
        return Value::EMPTY;
    }
    // SAFETY: what C has returned is a live object whose reference is ours.
    unsafe { decref(p) };
    Value::NONE
}

/// See [`Crossing::keywords`].
unsafe extern "C-unwind" fn keywords(vm: &Vm, names: Value, values: *const Value) -> *mut u8 {
    let names = names.downcast::<TupleObj>();
    // SAFETY: compiled code passes the registers of as many arguments.
    let values = unsafe { std::slice::from_raw_parts(values, names.map_or(0, |n| n.len())) };
    kwargs_dict(vm, names, values).map_or(std::ptr::null_mut(), |p| p as *mut u8)
}

/// See [`Crossing::drop`].
unsafe extern "C-unwind" fn drop_last(p: *mut u8) {
    // SAFETY: the reference is the caller's.
    unsafe { decref(p as *mut PyObject) }
}

/// See [`Crossing::give_tuple_back`].
unsafe extern "C-unwind" fn give_tuple_back(tuple: *mut u8) {
    arguments::give_back(tuple as *mut PyObject);
}

/// See [`Crossing::give_back`].
unsafe extern "C-unwind" fn give_back(first: usize) {
    lend::give_back(first);
}
