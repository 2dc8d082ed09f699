//! `dictobject.h`. Dicts live on the managed side; a number in one is boxed in place before a borrowed reference to it is given out.

use std::ffi::{c_char, c_int, c_void};

use cape_vm::object::*;
use cape_vm::runtime::rt;
use cape_vm::{Ptr, Value};

use super::{bad_call, layout, text_value};
use crate::enter::{Borrowed, BorrowedRef, CResult, Cx, New};
use crate::layout::{PyListObject, PyObject};
use crate::lend::borrowed;
use crate::to_c::{boxed, incref, to_c, to_c_borrowed};

const NULL: BorrowedRef = BorrowedRef(std::ptr::null_mut());

fn dict(cx: &Cx, d: Borrowed) -> CResult<Ptr<DictObj>> {
    if d.is_null() {
        return Err(bad_call(cx));
    }
    layout(cx, d.get(cx)?)
}

/// A borrowed reference to the value of entry `i`.
#[inline(always)]
fn value_at(cx: &Cx, d: Ptr<DictObj>, i: usize) -> CResult<BorrowedRef> {
    let p = borrowed(d.table.keys().entry(i).value);
    if p.is_null() { new_value_at(cx, d, i) } else { Ok(BorrowedRef(p)) }
}

/// As [`value_at`], of a value that has no C side yet.
#[inline(never)]
fn new_value_at(cx: &Cx, d: Ptr<DictObj>, i: usize) -> CResult<BorrowedRef> {
    let v = d.table.keys().entry(i).value;
    let b = boxed(v);
    if b != v {
        d.table.set_value(i, b);
    }
    Ok(BorrowedRef(to_c_borrowed(cx.vm, b)?))
}

/// As [`new_value_at`], of a key.
#[inline(never)]
fn key_at(cx: &Cx, d: Ptr<DictObj>, i: usize) -> CResult<*mut PyObject> {
    let v = d.table.keys().entry(i).key;
    let b = boxed(v);
    if b != v {
        d.table.set_key(i, b);
    }
    to_c_borrowed(cx.vm, b)
}

#[inline(always)]
fn find(cx: &Cx, d: Ptr<DictObj>, key: Value) -> CResult<Option<usize>> {
    let hash = cx.vm.key_hash(key)?;
    d.table.find(cx.vm, key, hash)
}

pub fn PyDict_New(cx: &Cx) -> CResult<New> {
    cx.give(DictObj::new().value())
}

pub fn _PyDict_NewPresized(cx: &Cx, n: isize) -> CResult<New> {
    let d = DictObj::new();
    if n > 5 {
        d.table.reserve(d.header(), (n as usize).min(1 << 17));
    }
    cx.give(d.value())
}

pub fn PyDict_Clear(cx: &Cx, d: Borrowed) -> CResult<()> {
    if let Some(d) = d.opt(cx)?.and_then(|d| d.downcast::<DictObj>()) {
        d.table.clear(d.header());
    }
    Ok(())
}

pub fn PyDict_Contains(cx: &Cx, d: Borrowed, k: Borrowed) -> CResult<c_int> {
    Ok(find(cx, dict(cx, d)?, k.get(cx)?)?.is_some() as c_int)
}

pub fn PyDict_Copy(cx: &Cx, d: Borrowed) -> CResult<New> {
    cx.give(dict(cx, d)?.copy().value())
}

pub fn PyDict_SetItem(cx: &Cx, d: Borrowed, k: Borrowed, v: Borrowed) -> CResult<c_int> {
    let (d, k, v) = (dict(cx, d)?, k.get(cx)?, v.get(cx)?);
    d.set(cx.vm, k, v)?;
    Ok(0)
}

pub fn PyDict_SetItemString(cx: &Cx, d: Borrowed, k: *const c_char, v: Borrowed) -> CResult<c_int> {
    let (d, k, v) = (dict(cx, d)?, text_value(cx, k)?, v.get(cx)?);
    d.set(cx.vm, k, v)?;
    Ok(0)
}

pub fn PyDict_DelItem(cx: &Cx, d: Borrowed, k: Borrowed) -> CResult<c_int> {
    let (d, k) = (dict(cx, d)?, k.get(cx)?);
    match d.remove(cx.vm, k)? {
        Some(_) => Ok(0),
        None => Err(cx.vm.key_error_for(k)),
    }
}

/// Errors are swallowed, as CPython's documentation warns (they are reported as unraisable).
pub fn PyDict_GetItem(cx: &Cx, d: Borrowed, k: Borrowed) -> CResult<BorrowedRef> {
    let Some(d) = d.opt(cx)?.and_then(|d| d.downcast::<DictObj>()) else { return Ok(NULL) };
    let key = k.get(cx)?;
    // (What is said of a key without a hash is what `hash()` says.)
    match cx.vm.hash(key).and_then(|hash| d.table.find(cx.vm, key, hash)) {
        Ok(Some(i)) => value_at(cx, d, i),
        Ok(None) => Ok(NULL),
        Err(r) => {
            super::pyerrors::unraisable(
                cx,
                r,
                "Exception ignored in PyDict_GetItem(); consider using PyDict_GetItemRef() or PyDict_GetItemWithError()",
                Value::NONE,
            );
            Ok(NULL)
        }
    }
}

pub fn PyDict_GetItemWithError(cx: &Cx, d: Borrowed, k: Borrowed) -> CResult<BorrowedRef> {
    let d = dict(cx, d)?;
    match find(cx, d, k.get(cx)?)? {
        Some(i) => value_at(cx, d, i),
        None => Ok(NULL),
    }
}

pub fn _PyDict_GetItem_KnownHash(cx: &Cx, d: Borrowed, k: Borrowed, _hash: isize) -> CResult<BorrowedRef> {
    // Hashes of managed strings are Cape's own: the hash that C remembers is not asked.
    let d = dict(cx, d)?;
    let k = k.opt(cx)?.ok_or_else(|| bad_call(cx))?;
    let hash = match cx.vm.hash(k) {
        Ok(h) => h,
        Err(r) if r.is(rt().types.type_error) => return Ok(NULL),
        Err(r) => return Err(r),
    };
    match d.table.find(cx.vm, k, hash)? {
        Some(i) => value_at(cx, d, i),
        None => Ok(NULL),
    }
}

pub fn PyDict_GetItemString(cx: &Cx, d: Borrowed, k: *const c_char) -> CResult<BorrowedRef> {
    let Some(d) = d.opt(cx)?.and_then(|d| d.downcast::<DictObj>()) else { return Ok(NULL) };
    match text_value(cx, k).and_then(|key| find(cx, d, key)) {
        Ok(Some(i)) => value_at(cx, d, i),
        Ok(None) => Ok(NULL),
        Err(r) => {
            super::pyerrors::unraisable(
                cx,
                r,
                "Exception ignored in PyDict_GetItemString(); consider using PyDict_GetItemRefString()",
                Value::NONE,
            );
            Ok(NULL)
        }
    }
}

/// Stores a new reference to an optional value; 1 when there is one.
fn out(cx: &Cx, v: Option<Value>, result: *mut *mut PyObject) -> CResult<c_int> {
    let p = match v {
        Some(v) => to_c(cx.vm, v)?,
        None => std::ptr::null_mut(),
    };
    if !result.is_null() {
        // SAFETY: the API demands a place for the result.
        unsafe { *result = p };
    } else if !p.is_null() {
        // SAFETY: the reference is ours.
        unsafe { crate::to_c::decref(p) };
    }
    Ok(v.is_some() as c_int)
}

fn clear(result: *mut *mut PyObject) {
    if !result.is_null() {
        // SAFETY: as above.
        unsafe { *result = std::ptr::null_mut() };
    }
}

pub fn PyDict_GetItemRef(cx: &Cx, d: Borrowed, k: Borrowed, result: *mut *mut PyObject) -> CResult<c_int> {
    clear(result);
    let d = dict(cx, d)?;
    let v = d.get(cx.vm, k.get(cx)?)?;
    out(cx, v, result)
}

pub fn PyDict_GetItemStringRef(
    cx: &Cx,
    d: Borrowed,
    k: *const c_char,
    result: *mut *mut PyObject,
) -> CResult<c_int> {
    clear(result);
    let d = dict(cx, d)?;
    let v = d.get(cx.vm, text_value(cx, k)?)?;
    out(cx, v, result)
}

pub fn PyDict_Keys(cx: &Cx, d: Borrowed) -> CResult<New> {
    let d = dict(cx, d)?;
    // SAFETY: makes a list with room for so many items, which nobody else knows until they are there.
    let list = unsafe { crate::ffi::cape_unfilled_list(d.len() as isize) };
    if list.is_null() {
        return Err(crate::error::take(cx.vm).unwrap_or_else(|| bad_call(cx)));
    }
    let list = crate::call_c::Hold(list);
    let o = list.0 as *mut PyListObject;
    let keys = d.table.keys();
    // SAFETY: making C sides changes no dict, so there are as many keys as places. The size is that of what is there, should one fail.
    unsafe {
        let items = (*o).ob_item;
        let mut n = 0;
        for e in keys.entries() {
            let key = e.key;
            if !key.is_empty() {
                let known = borrowed(key);
                if known.is_null() {
                    (*o).ob_base.ob_size = n as isize;
                    *items.add(n) = to_c(cx.vm, key)?;
                } else {
                    incref(known);
                    *items.add(n) = known;
                }
                n += 1;
            }
        }
        (*o).ob_base.ob_size = n as isize;
        crate::ffi::PyObject_GC_Track(list.0 as *mut c_void);
    }
    let p = list.0;
    std::mem::forget(list);
    Ok(New(p))
}

pub fn PyDict_Next(
    cx: &Cx,
    d: Borrowed,
    pos: *mut isize,
    key: *mut *mut PyObject,
    value: *mut *mut PyObject,
) -> c_int {
    let Ok(Some(v)) = d.opt(cx) else { return 0 };
    let Some(d) = v.downcast::<DictObj>() else { return 0 };
    // SAFETY: the API demands a position, and places for key and value or NULL.
    unsafe {
        let Some((i, e)) = d.table.next_entry((*pos).max(0) as usize) else { return 0 };
        *pos = i as isize + 1;
        if !key.is_null() {
            let mut p = borrowed(e.key);
            if p.is_null() {
                match key_at(cx, d, i) {
                    Ok(made) => p = made,
                    Err(_) => return 0,
                }
            }
            *key = p;
        }
        if !value.is_null() {
            let mut p = borrowed(e.value);
            if p.is_null() {
                match value_at(cx, d, i) {
                    Ok(made) => p = made.0,
                    Err(_) => return 0,
                }
            }
            *value = p;
        }
    }
    1
}

pub fn PyDict_Size(cx: &Cx, d: Borrowed) -> CResult<isize> {
    Ok(dict(cx, d)?.len() as isize)
}

pub fn PyDict_Update(cx: &Cx, d: Borrowed, other: Borrowed) -> CResult<c_int> {
    let d = dict(cx, d)?;
    cx.vm.dict_update(d, other.opt(cx)?.ok_or_else(|| bad_call(cx))?)?;
    Ok(0)
}

pub fn PyDict_Pop(cx: &Cx, d: Borrowed, k: Borrowed, result: *mut *mut PyObject) -> CResult<c_int> {
    clear(result);
    let d = dict(cx, d)?;
    if d.is_empty() {
        // The key is not looked at.
        return Ok(0);
    }
    let v = d.remove(cx.vm, k.get(cx)?)?;
    out(cx, v, result)
}

pub fn PyDict_SetDefault(cx: &Cx, d: Borrowed, k: Borrowed, default: Borrowed) -> CResult<BorrowedRef> {
    let (d, k, v) = (dict(cx, d)?, k.get(cx)?, default.get(cx)?);
    if find(cx, d, k)?.is_none() {
        d.set(cx.vm, k, v)?;
    }
    match find(cx, d, k)? {
        Some(i) => value_at(cx, d, i),
        None => Ok(NULL),
    }
}

pub fn PyDict_SetDefaultRef(
    cx: &Cx,
    d: Borrowed,
    k: Borrowed,
    default: Borrowed,
    result: *mut *mut PyObject,
) -> CResult<c_int> {
    clear(result);
    let (d, k, v) = (dict(cx, d)?, k.get(cx)?, default.get(cx)?);
    if let Some(old) = d.get(cx.vm, k)? {
        return out(cx, Some(old), result);
    }
    d.set(cx.vm, k, v)?;
    out(cx, Some(v), result).map(|_| 0)
}

pub fn PyObject_GenericGetDict(cx: &Cx, o: Borrowed, _context: *mut c_void) -> CResult<New> {
    match cx.vm.dict_of(o.get(cx)?) {
        Some(d) => cx.give(d.value()),
        None => Err(cx.vm.attribute_error("This object has no __dict__")),
    }
}
