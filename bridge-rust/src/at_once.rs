//! What API functions of dicts and sets do before they enter Rust in full: the usual cases, as the shims try them first.
//!
//! A function here has the name and the parameters of the API function (`at_once = true` in `include/api.toml`), and answers it only
//! where nothing has to be made, nobody's code runs, nothing is raised and nothing can panic: keys are ints or strings of exact type,
//! and have their managed side already. That needs no VM, no guard against panics and no look at what exception is handled. `None`: nothing
//! is done yet, and the body does it all.

#![allow(non_snake_case, reason = "the functions are named as in C")]
#![allow(clippy::missing_safety_doc, reason = "as the functions of the API that they are the beginning of")]

use std::ffi::{c_char, c_int};

use cape_heap::{HeapObject, heap};
use cape_vm::object::*;
use cape_vm::{Ptr, Value};

use crate::ffi;
use crate::from_c::{from_c_at_once, link_of};
use crate::layout::*;
use crate::lend::borrowed;
use crate::to_c::{incref, new_int};

/// The linked object behind a pointer, if it is laid out so.
#[inline(always)]
unsafe fn linked<T: HeapObject>(p: *mut PyObject) -> Option<Ptr<T>> {
    if p.is_null() {
        return None;
    }
    let l = link_of(p);
    if l == 0 { None } else { heap().managed_of(l).downcast() }
}

/// The managed side of an argument.
#[inline(always)]
fn value(p: *mut PyObject) -> Option<Value> {
    if p.is_null() { None } else { from_c_at_once(p) }
}

/// The name that a C string spells, if C met it lately.
#[inline(always)]
unsafe fn name(text: *const c_char) -> Option<Value> {
    if text.is_null() {
        return None;
    }
    let at = text as usize;
    // SAFETY: the table has so many rows. Its strings are live, and compact ones of ASCII; `text` is a C string: it is read up to the first
    // byte that differs, at most up to its end.
    unsafe {
        let row = &*(&raw const ffi::_Cape_names).cast::<ffi::KnownName>().add((at ^ at >> 8) % ffi::NAMES);
        if row.address != text {
            return None;
        }
        let s = row.name as *mut PyASCIIObject;
        let (data, n) = (s.add(1) as *const c_char, (*s).length as usize);
        let same = if n <= 8 {
            (0..=n).all(|i| *text.add(i) == *data.add(i))
        } else {
            libc::strcmp(text, data) == 0
        };
        if same { from_c_at_once(row.name) } else { None }
    }
}

/// Where a key's entry is; `Some(None)`: there is none.
#[inline(always)]
fn find(table: &Table, key: Value) -> Option<Option<usize>> {
    let (_, place) = table.place_at_once(key)?;
    Some(place.ok())
}

/// Stores an entry; `None`, with nothing done, where the table has to grow as well.
#[inline(always)]
fn put(table: &Table, key: Value, value: Value) -> Option<()> {
    let (hash, place) = table.place_at_once(key)?;
    match place {
        Ok(i) => table.set_value(i, value),
        Err(slot) => table.insert_in_room(slot, hash, key, value)?,
    }
    Some(())
}

/// Shows C the size of a dict.
#[inline(always)]
unsafe fn show_dict(p: *mut PyObject, d: Ptr<DictObj>) {
    // SAFETY: the caller's promise: a dict's struct.
    unsafe { (*(p as *mut PyDictObject)).ma_used = d.len() as isize };
}

#[inline(always)]
unsafe fn set_in(dict: *mut PyObject, key: Value, item: *mut PyObject) -> Option<c_int> {
    // SAFETY: the callers' promise.
    unsafe {
        let d = linked::<DictObj>(dict)?;
        put(&d.table, key, value(item)?)?;
        show_dict(dict, d);
    }
    Some(0)
}

/// A borrowed reference to what is under a key, or NULL.
#[inline(always)]
unsafe fn lent_from(dict: *mut PyObject, key: Value) -> Option<*mut PyObject> {
    // SAFETY: the callers' promise.
    let d = unsafe { linked::<DictObj>(dict)? };
    let Some(i) = find(&d.table, key)? else { return Some(std::ptr::null_mut()) };
    let p = borrowed(d.table.keys().entry(i).value);
    (!p.is_null()).then_some(p)
}

/// A new reference to what is under a key.
#[inline(always)]
unsafe fn given_from(dict: *mut PyObject, key: Value, result: *mut *mut PyObject) -> Option<c_int> {
    if result.is_null() {
        return None;
    }
    // SAFETY: the callers' promise.
    unsafe {
        let d = linked::<DictObj>(dict)?;
        let Some(i) = find(&d.table, key)? else {
            *result = std::ptr::null_mut();
            return Some(0);
        };
        let v = d.table.keys().entry(i).value;
        let mut p = borrowed(v);
        if !p.is_null() {
            incref(p);
        } else if v.is_int() {
            p = new_int(v.as_int());
        }
        if p.is_null() {
            return None;
        }
        *result = p;
    }
    Some(1)
}

#[inline(always)]
pub unsafe fn PyDict_SetItem(mp: *mut PyObject, key: *mut PyObject, item: *mut PyObject) -> Option<c_int> {
    // SAFETY: the caller's promise.
    unsafe { set_in(mp, value(key)?, item) }
}

#[inline(always)]
pub unsafe fn PyDict_SetItemString(
    dp: *mut PyObject,
    key: *const c_char,
    item: *mut PyObject,
) -> Option<c_int> {
    // SAFETY: the caller's promise.
    unsafe { set_in(dp, name(key)?, item) }
}

#[inline(always)]
pub unsafe fn PyDict_DelItem(mp: *mut PyObject, key: *mut PyObject) -> Option<c_int> {
    // SAFETY: the caller's promise.
    unsafe {
        let d = linked::<DictObj>(mp)?;
        let i = find(&d.table, value(key)?)??;
        d.table.remove_quietly(i);
        show_dict(mp, d);
    }
    Some(0)
}

#[inline(always)]
pub unsafe fn PyDict_GetItem(mp: *mut PyObject, key: *mut PyObject) -> Option<*mut PyObject> {
    // SAFETY: the caller's promise.
    unsafe { lent_from(mp, value(key)?) }
}

#[inline(always)]
pub unsafe fn PyDict_GetItemWithError(mp: *mut PyObject, key: *mut PyObject) -> Option<*mut PyObject> {
    // SAFETY: the caller's promise.
    unsafe { lent_from(mp, value(key)?) }
}

#[inline(always)]
pub unsafe fn PyDict_GetItemString(dp: *mut PyObject, key: *const c_char) -> Option<*mut PyObject> {
    // SAFETY: the caller's promise.
    unsafe { lent_from(dp, name(key)?) }
}

#[inline(always)]
pub unsafe fn PyDict_GetItemRef(
    mp: *mut PyObject,
    key: *mut PyObject,
    result: *mut *mut PyObject,
) -> Option<c_int> {
    // SAFETY: the caller's promise.
    unsafe { given_from(mp, value(key)?, result) }
}

#[inline(always)]
pub unsafe fn PyDict_GetItemStringRef(
    mp: *mut PyObject,
    key: *const c_char,
    result: *mut *mut PyObject,
) -> Option<c_int> {
    // SAFETY: the caller's promise.
    unsafe { given_from(mp, name(key)?, result) }
}

#[inline(always)]
pub unsafe fn PyDict_Contains(mp: *mut PyObject, key: *mut PyObject) -> Option<c_int> {
    // SAFETY: the caller's promise.
    let d = unsafe { linked::<DictObj>(mp)? };
    Some(find(&d.table, value(key)?)?.is_some() as c_int)
}

#[inline(always)]
pub unsafe fn PyDict_Next(
    mp: *mut PyObject,
    pos: *mut isize,
    key: *mut *mut PyObject,
    value: *mut *mut PyObject,
) -> Option<c_int> {
    // SAFETY: the caller's promise: a position, and places for key and value or NULL.
    unsafe {
        let keys = linked::<DictObj>(mp)?.table.keys();
        let i = *pos as usize;
        if i >= keys.filled() {
            // (The body knows what a negative position means.)
            return (*pos >= 0).then_some(0);
        }
        let e = keys.entry(i);
        if e.key.is_empty() {
            return None;
        }
        // (A value whose key is not asked for may be lent all the same, and the other way round.)
        let k = if key.is_null() { key as *mut PyObject } else { lent(e.key)? };
        let v = if value.is_null() { k } else { lent(e.value)? };
        *pos = i as isize + 1;
        if !key.is_null() {
            *key = k;
        }
        if !value.is_null() {
            *value = v;
        }
    }
    Some(1)
}

/// [`borrowed`], where there is something.
#[inline(always)]
fn lent(v: Value) -> Option<*mut PyObject> {
    let p = borrowed(v);
    (!p.is_null()).then_some(p)
}

#[inline(always)]
pub unsafe fn PySet_Add(set: *mut PyObject, key: *mut PyObject) -> Option<c_int> {
    // SAFETY: the caller's promise.
    unsafe {
        let s = linked::<SetObj>(set)?;
        let (k, v) = (value(key)?, Value::NONE);
        let (hash, place) = s.table.place_at_once(k)?;
        if let Err(slot) = place {
            s.table.insert_in_room(slot, hash, k, v)?;
            let o = set as *mut PySetObject;
            (*o).used = s.len() as isize;
            (*o).fill = (*o).used;
        }
    }
    Some(0)
}

#[inline(always)]
pub unsafe fn PySet_Contains(anyset: *mut PyObject, key: *mut PyObject) -> Option<c_int> {
    // SAFETY: the caller's promise.
    let s = unsafe { linked::<SetObj>(anyset)? };
    Some(find(&s.table, value(key)?)?.is_some() as c_int)
}
