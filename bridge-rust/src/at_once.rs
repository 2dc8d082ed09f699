//! What API functions of dicts, sets, strings and classes do before they enter Rust in full: the usual cases, as the shims try them first.
//!
//! A function here has the name and the parameters of the API function (`at_once = true` in `include/api.toml`), and answers it only
//! where nobody's code runs, nothing is raised (but for want of memory, by C) and nothing can panic: keys are ints or strings of exact type.
//! Strings, and the tables of what grows, are all that is made: a key that C has made is looked for by its letters, and gets a managed side when it stays. That needs no VM, no guard against panics and no look at what exception is handled. `None`: nothing
//! is done yet, and the body does it all.

#![allow(non_snake_case, reason = "the functions are named as in C")]
#![allow(clippy::missing_safety_doc, reason = "as the functions of the API that they are the beginning of")]

use std::ffi::{c_char, c_int};

use cape_heap::{Header, HeapObject, heap};
use cape_vm::object::*;
use cape_vm::{Ptr, Value};

use crate::from_c::{from_c_at_once, link, link_of};
use crate::layout::*;
use crate::lend::borrowed;
use crate::to_c::{decref, incref, new_int};
use crate::{ffi, interned, unseen};

/// The linked set behind a pointer, if it is one.
#[inline(always)]
unsafe fn set(p: *mut PyObject) -> Option<Ptr<SetObj>> {
    // SAFETY: the callers' promise; the type of sets.
    unsafe { linked_as(p, &raw const ffi::PySet_Type) }
}

/// The linked dict behind a pointer, if it is one.
#[inline(always)]
unsafe fn dict(p: *mut PyObject) -> Option<Ptr<DictObj>> {
    // SAFETY: the callers' promise; the type of dicts.
    unsafe { linked_as(p, &raw const ffi::PyDict_Type) }
}

/// The managed side of a linked object, if it is a `T`. (Most are of exact type, which the struct says at once.)
///
/// # Safety
/// `p` must be a live object or NULL, and `exact` the type whose own objects are `T`.
#[inline(always)]
unsafe fn linked_as<T: HeapObject>(p: *mut PyObject, exact: *const PyTypeObject) -> Option<Ptr<T>> {
    // SAFETY: the caller's promise.
    unsafe {
        if p.is_null() || link_of(p) == 0 {
            return None;
        }
        let v = heap().managed_of(link_of(p));
        if std::ptr::eq((*p).ob_type, exact) { Some(v.cast()) } else { v.downcast() }
    }
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

/// The letters of a string of exact type that has no managed side yet, each a byte, and not many.
#[inline(always)]
unsafe fn text<'a>(p: *mut PyObject) -> Option<&'a [u8]> {
    // SAFETY: the caller's promise: a live object.
    unsafe { letters(p).filter(|_| link_of(p) == 0) }
}

/// The letters of a string of exact type, each a byte, one at least and not many.
///
/// # Safety
/// `p` must be a live object; the answer is good as long as it lives.
#[inline(always)]
pub unsafe fn letters<'a>(p: *mut PyObject) -> Option<&'a [u8]> {
    /// In the state: the width, and that the data is behind the struct.
    const MASK: u32 = 7 << 2 | 1 << 5;
    const BYTES: u32 = 1 << 2 | 1 << 5;
    const MOST: isize = 2048;
    // SAFETY: the caller's promise: a live object, laid out as its type says.
    unsafe {
        let a = p as *mut PyASCIIObject;
        if !std::ptr::eq((*p).ob_type, &raw const ffi::PyUnicode_Type)
            || (*a).state & MASK != BYTES
            || !(1..MOST).contains(&(*a).length)
        {
            return None;
        }
        let head = if (*a).state >> 6 & 1 != 0 { size_of::<PyASCIIObject>() } else { 56 };
        Some(std::slice::from_raw_parts((p as *const u8).add(head), (*a).length as usize))
    }
}

/// The managed side of an argument, made where it is a [`text`].
#[inline(always)]
unsafe fn value_made(p: *mut PyObject) -> Option<Value> {
    if let Some(v) = value(p) {
        return Some(v);
    }
    // SAFETY: the callers' promise.
    if p.is_null() { None } else { unsafe { text(p).map(|t| linked_text(p, StrObj::from_latin1(t))) } }
}

/// Joins a string with the struct that it was made of.
///
/// # Safety
/// Both must be unlinked.
#[inline(always)]
pub unsafe fn linked_text(p: *mut PyObject, s: Ptr<StrObj>) -> Value {
    // SAFETY: the callers' promise; both are unlinked.
    unsafe { link(s.header(), p) };
    s.value()
}

/// The number of a key's entry, or the slot where it may be put.
type Place = Result<usize, usize>;

/// A key: its managed side, unless it is a [`text`]; its hash; where it is or may be put.
#[inline(always)]
unsafe fn place(table: &Table, key: *mut PyObject) -> Option<(Option<Value>, i64, Place)> {
    if let Some(k) = value(key) {
        let (hash, place) = table.place_at_once(k)?;
        return Some((Some(k), hash, place));
    }
    if key.is_null() {
        return None;
    }
    // SAFETY: the callers' promise.
    let (hash, place) = table.place_of_text(unsafe { text(key)? })?;
    Some((None, hash, place))
}

/// Entries up to which a table grows here: one whose memory might not be had grows where a panic is stopped.
const FEW: usize = 64;

/// Stores an entry of `owner` where [`place`] has found it to belong; `None`, with nothing done, where a large table has to grow as well.
#[inline(always)]
unsafe fn put(
    owner: &Header,
    table: &Table,
    key: *mut PyObject,
    (known, hash, place): (Option<Value>, i64, Place),
    value: Value,
) -> Option<()> {
    if table.is_watched() {
        return None;
    }
    match place {
        Ok(i) => table.set_value(i, value),
        Err(slot) => {
            if !table.has_room() && table.len() > FEW {
                return None;
            }
            let k = match known {
                Some(k) => k,
                // SAFETY: the callers' promise.
                None => unsafe { linked_text(key, StrObj::from_latin1_hashed(text(key)?, hash)) },
            };
            if table.insert_in_room(slot, hash, k, value).is_none() {
                table.insert_and_grow(owner, slot, hash, k, value);
            }
        }
    }
    Some(())
}

/// Where a key's entry is; `Some(None)`: there is none.
#[inline(always)]
unsafe fn find(table: &Table, key: *mut PyObject) -> Option<Option<usize>> {
    // SAFETY: the callers' promise.
    let (_, _, place) = unsafe { place(table, key)? };
    Some(place.ok())
}

/// As [`find`], of a key that has a managed side.
#[inline(always)]
fn find_known(table: &Table, key: Value) -> Option<Option<usize>> {
    let (_, place) = table.place_at_once(key)?;
    Some(place.ok())
}

/// Shows C the size of a dict.
#[inline(always)]
unsafe fn show_dict(p: *mut PyObject, d: Ptr<DictObj>) {
    // SAFETY: the caller's promise: a dict's struct.
    unsafe { (*(p as *mut PyDictObject)).ma_used = d.len() as isize };
}

/// A borrowed reference to what is in the entry that a key has, or NULL.
#[inline(always)]
fn lent_from(d: Ptr<DictObj>, found: Option<usize>) -> Option<*mut PyObject> {
    let Some(i) = found else { return Some(std::ptr::null_mut()) };
    lent(d.table.keys().entry(i).value)
}

/// A new reference to it.
#[inline(always)]
unsafe fn given_from(d: Ptr<DictObj>, found: Option<usize>, result: *mut *mut PyObject) -> Option<c_int> {
    // SAFETY: the callers' promise.
    unsafe {
        let Some(i) = found else {
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
pub unsafe fn PyObject_IsInstance(object: *mut PyObject, typeorclass: *mut PyObject) -> Option<c_int> {
    cape_vm::instances::is_instance_at_once(value(object)?, value(typeorclass)?).map(c_int::from)
}

#[inline(always)]
pub unsafe fn PyDict_New() -> Option<*mut PyObject> {
    // SAFETY: the GIL is held.
    Some(unsafe { unseen::new() })
}

#[inline(always)]
pub unsafe fn _PyDict_NewPresized(minused: isize) -> Option<*mut PyObject> {
    // SAFETY: the GIL is held.
    unseen::has_room_for(minused).then(|| unsafe { unseen::new() })
}

#[inline(always)]
pub unsafe fn PyDict_Size(mp: *mut PyObject) -> Option<isize> {
    // SAFETY: the caller's promise. (The struct shows the size always: macros read it.)
    unsafe {
        let exact = !mp.is_null() && std::ptr::eq((*mp).ob_type, &raw const ffi::PyDict_Type);
        exact.then(|| (*(mp as *mut PyDictObject)).ma_used)
    }
}

#[inline(always)]
pub unsafe fn PyDict_SetItem(mp: *mut PyObject, key: *mut PyObject, item: *mut PyObject) -> Option<c_int> {
    // SAFETY: the caller's promise.
    unsafe {
        let Some(d) = dict(mp) else { return unseen::set(mp, key, item).map(|()| 0) };
        let v = value_made(item)?;
        put(d.header(), &d.table, key, place(&d.table, key)?, v)?;
        show_dict(mp, d);
    }
    Some(0)
}

#[inline(always)]
pub unsafe fn PyDict_SetItemString(
    dp: *mut PyObject,
    key: *const c_char,
    item: *mut PyObject,
) -> Option<c_int> {
    // SAFETY: the caller's promise.
    unsafe {
        let Some(d) = dict(dp) else { return unseen_set_string(dp, key, item) };
        let k = name(key)?;
        let v = value_made(item)?;
        let (hash, place) = d.table.place_at_once(k)?;
        put(d.header(), &d.table, std::ptr::null_mut(), (Some(k), hash, place), v)?;
        show_dict(dp, d);
    }
    Some(0)
}

/// [`PyDict_SetItemString`] of a dict that only C has seen.
#[inline(never)]
unsafe fn unseen_set_string(dp: *mut PyObject, key: *const c_char, item: *mut PyObject) -> Option<c_int> {
    // SAFETY: the callers' promise; the reference is ours.
    unsafe {
        if !unseen::is_one(dp) || key.is_null() {
            return None;
        }
        let name = ffi::PyUnicode_InternFromString(key);
        if name.is_null() {
            return Some(-1);
        }
        let done = unseen::set(dp, name, item);
        decref(name);
        done.map(|()| 0)
    }
}

#[inline(always)]
pub unsafe fn PyDict_SetDefaultRef(
    mp: *mut PyObject,
    key: *mut PyObject,
    default_value: *mut PyObject,
    result: *mut *mut PyObject,
) -> Option<c_int> {
    // SAFETY: the caller's promise.
    unsafe {
        let Some(d) = dict(mp) else {
            let (p, there) = unseen::set_default(mp, key, default_value)?;
            if !result.is_null() {
                incref(p);
                *result = p;
            }
            return Some(there as c_int);
        };
        let mut at = place(&d.table, key)?;
        let (p, there) = match at.2 {
            Ok(i) => (lent(d.table.keys().entry(i).value)?, 1),
            Err(_) => {
                // (Made here, should it be the key as well.)
                let v = value_made(default_value)?;
                at.0 = at.0.or_else(|| value(key));
                put(d.header(), &d.table, key, at, v)?;
                show_dict(mp, d);
                (lent(v).unwrap_or(default_value), 0)
            }
        };
        if !result.is_null() {
            incref(p);
            *result = p;
        }
        Some(there)
    }
}

#[inline(always)]
pub unsafe fn PyDict_DelItem(mp: *mut PyObject, key: *mut PyObject) -> Option<c_int> {
    // SAFETY: the caller's promise.
    unsafe {
        let d = dict(mp)?;
        let i = find(&d.table, key)??;
        if d.table.is_watched() {
            return None;
        }
        d.table.remove_quietly(i);
        show_dict(mp, d);
    }
    Some(0)
}

#[inline(always)]
pub unsafe fn PyDict_GetItem(mp: *mut PyObject, key: *mut PyObject) -> Option<*mut PyObject> {
    // SAFETY: the caller's promise.
    unsafe {
        let Some(d) = dict(mp) else { return unseen::get(mp, key) };
        lent_from(d, find(&d.table, key)?)
    }
}

#[inline(always)]
pub unsafe fn PyDict_GetItemWithError(mp: *mut PyObject, key: *mut PyObject) -> Option<*mut PyObject> {
    // SAFETY: the caller's promise.
    unsafe {
        let Some(d) = dict(mp) else { return unseen::get(mp, key) };
        lent_from(d, find(&d.table, key)?)
    }
}

#[inline(always)]
pub unsafe fn PyDict_GetItemString(dp: *mut PyObject, key: *const c_char) -> Option<*mut PyObject> {
    // SAFETY: the caller's promise.
    unsafe {
        let Some(d) = dict(dp) else { return unseen::get_text(dp, key) };
        lent_from(d, find_known(&d.table, name(key)?)?)
    }
}

#[inline(always)]
pub unsafe fn PyDict_GetItemRef(
    mp: *mut PyObject,
    key: *mut PyObject,
    result: *mut *mut PyObject,
) -> Option<c_int> {
    if result.is_null() {
        return None;
    }
    // SAFETY: the caller's promise.
    unsafe {
        let Some(d) = dict(mp) else { return Some(given_if_any(unseen::get(mp, key)?, result)) };
        given_from(d, find(&d.table, key)?, result)
    }
}

/// What a borrowed reference or NULL makes of a function that gives one of its own.
#[inline(always)]
unsafe fn given_if_any(p: *mut PyObject, result: *mut *mut PyObject) -> c_int {
    // SAFETY: the callers' promise: a live object or NULL, and a place for it.
    unsafe {
        *result = p;
        if p.is_null() {
            return 0;
        }
        incref(p);
    }
    1
}

#[inline(always)]
pub unsafe fn PyDict_GetItemStringRef(
    mp: *mut PyObject,
    key: *const c_char,
    result: *mut *mut PyObject,
) -> Option<c_int> {
    if result.is_null() {
        return None;
    }
    // SAFETY: the caller's promise.
    unsafe {
        let Some(d) = dict(mp) else { return Some(given_if_any(unseen::get_text(mp, key)?, result)) };
        given_from(d, find_known(&d.table, name(key)?)?, result)
    }
}

#[inline(always)]
pub unsafe fn PyDict_Contains(mp: *mut PyObject, key: *mut PyObject) -> Option<c_int> {
    // SAFETY: the caller's promise.
    unsafe {
        let Some(d) = dict(mp) else { return Some(!unseen::get(mp, key)?.is_null() as c_int) };
        Some(find(&d.table, key)?.is_some() as c_int)
    }
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
        let keys = dict(mp)?.table.keys();
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
pub unsafe fn PySet_Add(anyset: *mut PyObject, key: *mut PyObject) -> Option<c_int> {
    // SAFETY: the caller's promise.
    unsafe {
        let s = set(anyset)?;
        let at = place(&s.table, key)?;
        if at.2.is_err() {
            put(s.header(), &s.table, key, at, Value::NONE)?;
            let o = anyset as *mut PySetObject;
            (*o).used = s.len() as isize;
            (*o).fill = (*o).used;
        }
    }
    Some(0)
}

#[inline(always)]
pub unsafe fn PySet_Contains(anyset: *mut PyObject, key: *mut PyObject) -> Option<c_int> {
    // SAFETY: the caller's promise.
    unsafe {
        let s = set(anyset)?;
        Some(find(&s.table, key)?.is_some() as c_int)
    }
}

#[inline(always)]
pub unsafe fn PyUnicode_InternInPlace(op: *mut *mut PyObject) -> Option<()> {
    // SAFETY: the caller's promise: NULL, or a place for a reference or NULL.
    unsafe { (!op.is_null() && !(*op).is_null() && interned::replace(op)).then_some(()) }
}

#[inline(always)]
pub unsafe fn PyUnicode_AsEncodedString(
    unicode: *mut PyObject,
    encoding: *const c_char,
    _errors: *const c_char,
) -> Option<*mut PyObject> {
    let mut result = std::ptr::null_mut();
    // SAFETY: the caller's promise.
    (unsafe { ffi::cape_encode_at_once(unicode, encoding, &raw mut result) } != 0).then_some(result)
}

#[inline(always)]
pub unsafe fn PyUnicode_Decode(
    s: *const c_char,
    size: isize,
    encoding: *const c_char,
    _errors: *const c_char,
) -> Option<*mut PyObject> {
    let mut result = std::ptr::null_mut();
    // SAFETY: the caller's promise.
    (unsafe { ffi::cape_decode_at_once(s, size, encoding, &raw mut result) } != 0).then_some(result)
}
