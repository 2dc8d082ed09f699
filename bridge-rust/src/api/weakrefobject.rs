//! `weakrefobject.h`.

use std::ffi::c_int;

use cape_heap::WeakCell;
use cape_vm::Value;

use crate::enter::{Borrowed, BorrowedRef, CResult, Cx, New};
use crate::layout::PyObject;
use crate::to_c::{decref, to_c};

pub fn PyWeakref_NewRef(cx: &Cx, o: Borrowed, callback: Borrowed) -> CResult<New> {
    let class = cx.vm.import_attr("_weakref", "ref")?;
    let v = o.get(cx)?;
    match callback.opt(cx)?.filter(|c| !c.is_none()) {
        Some(c) => cx.give(cx.vm.call(class, &[v, c])?),
        None => cx.give(cx.vm.call(class, &[v])?),
    }
}

/// What a reference or proxy refers to; EMPTY when it is dead, nothing when it is no reference.
fn target(cx: &Cx, r: Borrowed) -> CResult<Option<Value>> {
    match r.opt(cx)? {
        Some(v) => Ok(v.downcast::<WeakCell>().map(|c| c.target())),
        None => Err(super::bad_call(cx)),
    }
}

pub fn PyWeakref_GetRef(cx: &Cx, r: Borrowed, object: *mut *mut PyObject) -> CResult<c_int> {
    // SAFETY: the API demands a place for the object.
    unsafe { *object = std::ptr::null_mut() };
    let v = target(cx, r)?.ok_or_else(|| cx.vm.type_error("expected a weakref"))?;
    if v.is_empty() {
        return Ok(0);
    }
    let p = to_c(cx.vm, v)?;
    // SAFETY: as above.
    unsafe { *object = p };
    Ok(1)
}

/// The reference does not keep what it refers to: neither does this.
pub fn PyWeakref_GetObject(cx: &Cx, r: Borrowed) -> CResult<BorrowedRef> {
    let v = target(cx, r)?.ok_or_else(|| super::bad_call(cx))?;
    let p = to_c(cx.vm, if v.is_empty() { Value::NONE } else { v })?;
    // SAFETY: a live object, whose link or whose other owners keep it.
    unsafe { decref(p) };
    Ok(BorrowedRef(p))
}

pub fn PyWeakref_IsDead(cx: &Cx, r: Borrowed) -> CResult<c_int> {
    match target(cx, r)? {
        Some(v) => Ok(v.is_empty() as c_int),
        None => {
            let t = cape_vm::type_of(r.get(cx)?);
            Err(cx.vm.type_error(format!("expected a weakref, got {}", cape_vm::class::full_name(t))))
        }
    }
}
