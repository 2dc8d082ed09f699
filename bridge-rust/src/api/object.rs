//! `object.h`: attributes, representation, types.

use std::ffi::{c_int, c_void};

use cape_heap::heap;
use cape_vm::object::*;
use cape_vm::runtime::{intern, rt, type_of};
use cape_vm::special::Special;
use cape_vm::{Ptr, Value};

use super::{borrow, str_arg};
use crate::enter::{Borrowed, BorrowedRef, CResult, Cx, New};
use crate::layout::*;
use crate::to_c::to_c;
use crate::typeready;

fn null_text(cx: &Cx, o: Borrowed, f: impl FnOnce(Value) -> CResult<Ptr<StrObj>>) -> CResult<New> {
    if o.is_null() {
        return cx.give(intern("<NULL>"));
    }
    cx.give(f(o.get(cx)?)?.value())
}

pub fn PyObject_ASCII(cx: &Cx, o: Borrowed) -> CResult<New> {
    null_text(cx, o, |v| cx.vm.ascii(v))
}

pub fn PyObject_Repr(cx: &Cx, o: Borrowed) -> CResult<New> {
    null_text(cx, o, |v| cx.vm.repr(v))
}

pub fn PyObject_Dir(cx: &Cx, o: Borrowed) -> CResult<New> {
    let f = rt().builtins().get_str(intern("dir")).ok_or_else(|| cx.vm.system_error("lost dir"))?;
    match o.opt(cx)? {
        Some(v) => cx.give(cx.vm.call(f, &[v])?),
        None => cx.give(cx.vm.call(f, &[])?),
    }
}

pub(super) fn name_arg(cx: &Cx, n: Borrowed) -> CResult<Value> {
    let n = n.get(cx)?;
    match n.downcast::<StrObj>() {
        Some(s) => Ok(if s.is_interned() { n } else { rt().intern_obj(s) }),
        None => {
            Err(cx.vm.type_error(format!("attribute name must be string, not '{}'", type_of(n).name_str())))
        }
    }
}

pub fn PyObject_GenericGetAttr(cx: &Cx, o: Borrowed, n: Borrowed) -> CResult<New> {
    let (v, n) = (o.get(cx)?, name_arg(cx, n)?);
    match cx.vm.generic_getattr(type_of(v), v, n)? {
        Some(a) => cx.answer(a),
        None if v.is::<TypeObj>() => {
            let name = str_arg(cx, n)?.display();
            Err(cx
                .vm
                .attribute_error(format!("'{}' object has no attribute '{name}'", type_of(v).name_str())))
        }
        None => Err(cx.vm.no_attribute(v, n)),
    }
}

pub fn PyObject_GenericSetAttr(cx: &Cx, o: Borrowed, n: Borrowed, v: Borrowed) -> CResult<c_int> {
    let (obj, n) = (o.get(cx)?, name_arg(cx, n)?);
    cx.vm.generic_setattr(obj, n, v.opt(cx)?.unwrap_or(Value::EMPTY))?;
    Ok(0)
}

pub fn PyObject_GenericSetDict(cx: &Cx, o: Borrowed, v: Borrowed, _context: *mut c_void) -> CResult<c_int> {
    let v = v.opt(cx)?.ok_or_else(|| cx.vm.type_error("cannot delete __dict__"))?;
    cape_vm::attr::set_dict(cx.vm, o.get(cx)?, v)?;
    Ok(0)
}

pub fn PyObject_GetOptionalAttr(
    cx: &Cx,
    o: Borrowed,
    n: Borrowed,
    result: *mut *mut PyObject,
) -> CResult<c_int> {
    // SAFETY: the API demands a place for the result.
    unsafe { *result = std::ptr::null_mut() };
    let (v, n) = (o.get(cx)?, name_arg(cx, n)?);
    match cx.vm.get_attr_opt(v, n)? {
        Some(a) => {
            let p = to_c(cx.vm, a)?;
            // SAFETY: as above.
            unsafe { *result = p };
            Ok(1)
        }
        None => Ok(0),
    }
}

/// For destructors: the object's count is zero.
pub fn PyObject_ClearWeakRefs(cx: &Cx, o: Borrowed) -> CResult<()> {
    // SAFETY: not null, so a struct whose end has begun at most.
    if o.is_null() || unsafe { (*o.ptr()).ob_refcnt } != 0 {
        return Err(super::bad_call(cx));
    }
    let l = if o.is_null() { 0 } else { crate::from_c::link_of(o.ptr()) };
    if l != 0 {
        let v = heap().managed_of(l);
        if v.is_ptr() {
            heap().clear_weak(v.header());
        }
    }
    Ok(())
}

pub fn PyObject_ClearManagedDict(cx: &Cx, o: Borrowed) -> CResult<()> {
    let l = if o.is_null() { 0 } else { crate::from_c::link_of(o.ptr()) };
    if l != 0
        && let Some(d) = cx.vm.dict_of(heap().managed_of(l))
    {
        d.table.clear(d.header());
    }
    Ok(())
}

/// The managed dictionary is traced by the collector on its own side.
pub fn PyObject_VisitManagedDict(
    _cx: &Cx,
    _o: Borrowed,
    _visit: visitproc,
    _arg: *mut c_void,
) -> CResult<c_int> {
    Ok(0)
}

pub fn _PyType_Lookup(cx: &Cx, t: *mut PyTypeObject, n: Borrowed) -> CResult<BorrowedRef> {
    let class = typeready::class_of(cx.vm, t)?;
    let Some(name) = n.get(cx)?.downcast::<StrObj>() else { return Ok(BorrowedRef(std::ptr::null_mut())) };
    let name = rt().intern_obj(name);
    match cape_vm::class::lookup_mro(class, name) {
        Some(v) => {
            let b = crate::to_c::boxed(v);
            if b != v
                && let Some((_, owner)) = cape_vm::class::lookup_mro_where(class, name)
            {
                owner.dict().set_str(name, b);
            }
            borrow(cx, b)
        }
        None => Ok(BorrowedRef(std::ptr::null_mut())),
    }
}

pub fn PyType_FromMetaclass(
    cx: &Cx,
    meta: *mut PyTypeObject,
    module: Borrowed,
    spec: *mut PyType_Spec,
    bases: Borrowed,
) -> CResult<New> {
    // SAFETY: the API demands a valid specification.
    Ok(New(unsafe { typeready::from_spec(cx.vm, meta, module.ptr(), spec, bases.ptr())? }))
}

pub fn PyType_FromModuleAndSpec(
    cx: &Cx,
    module: Borrowed,
    spec: *mut PyType_Spec,
    bases: Borrowed,
) -> CResult<New> {
    PyType_FromMetaclass(cx, std::ptr::null_mut(), module, spec, bases)
}

pub fn PyType_FromSpec(cx: &Cx, spec: *mut PyType_Spec) -> CResult<New> {
    let null = Borrowed::from_c(std::ptr::null_mut());
    PyType_FromMetaclass(cx, std::ptr::null_mut(), null, spec, null)
}

pub fn PyType_GetName(cx: &Cx, t: *mut PyTypeObject) -> CResult<New> {
    cx.give(typeready::class_of(cx.vm, t)?.name.get())
}

pub fn PyType_GetQualName(cx: &Cx, t: *mut PyTypeObject) -> CResult<New> {
    cx.give(typeready::class_of(cx.vm, t)?.qualname.get())
}

/// C may have changed the dictionary (`tp_dict`) of a class behind the VM's back: caches and special methods are made anew.
pub fn PyType_Modified(cx: &Cx, t: *mut PyTypeObject) -> CResult<()> {
    let class = typeready::class_of(cx.vm, t)?;
    for &s in Special::all() {
        if let Some(v) = class.dict().get_str(s.name_value()) {
            cape_vm::class::set_class_attribute(class, s.name_value(), v);
        }
    }
    cape_vm::class::modified(class);
    Ok(())
}

pub fn PyType_Ready(cx: &Cx, t: *mut PyTypeObject) -> CResult<c_int> {
    if t.is_null() {
        return Err(super::bad_call(cx));
    }
    typeready::ready(cx.vm, t)?;
    Ok(0)
}

pub fn PyType_Freeze(cx: &Cx, t: *mut PyTypeObject) -> CResult<c_int> {
    let class = typeready::class_of(cx.vm, t)?;
    let bases = class.mro();
    for b in bases.as_slice().iter().skip(1).filter_map(|b| b.downcast::<TypeObj>()) {
        if !b.has(TypeFlags::IMMUTABLE) && b.has(TypeFlags::HEAP) {
            return Err(cx.vm.type_error(format!(
                "Creating immutable type {} from mutable base {}",
                class.name_str(),
                b.short_name()
            )));
        }
    }
    class.flags.set(class.flags.get() | TypeFlags::IMMUTABLE);
    // SAFETY: the class's type object is alive.
    unsafe { (*t).tp_flags |= tpflags::IMMUTABLETYPE };
    cape_vm::class::modified(class);
    Ok(0)
}

#[cfg(feature = "twins")]
pub use super::twins::{
    PyObject_GetAttr, PyObject_GetAttrString, PyObject_Hash, PyObject_IsTrue, PyObject_RichCompare,
    PyObject_RichCompareBool, PyObject_SetAttr, PyType_IsSubtype,
};
