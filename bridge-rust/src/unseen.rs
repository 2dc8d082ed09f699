//! Dicts that C has made and that only C has seen: parsers fill them and hand them over whole. Such a dict has no managed side, and no link:
//! its entries stand in a row behind `ma_keys`, key and value in turn, references that are the struct's (`bridge-c/dictobject.c` drops them).
//! Keys are short texts, and so few that they are compared one by one. As soon as something else is asked of the dict it gets its managed
//! side, and all that is in it a link; handed over while nobody else has it, it is moved, and what is in it as well.

use std::ffi::{CStr, c_char};
use std::ptr::{eq, null_mut};

use cape_heap::heap;
use cape_vm::object::*;
use cape_vm::{Ptr, Res, Value, Vm};

use crate::at_once::{letters, linked_text};
use crate::fresh::take_item;
use crate::from_c::{from_c, link, link_of};
use crate::interned::Key;
use crate::layout::*;
use crate::to_c::{decref, incref, linked, to_c};
use crate::{ffi, interned};

/// Entries of the usual row, and of a long one; more than these make a dict seen. (`CAPE_ROW` in `bridge-c/cape.h`)
const SHORT: usize = 8;
const LONG: usize = 24;

/// Whether a live object is such a dict.
///
/// # Safety
/// `p` must be a live object or NULL.
#[inline(always)]
pub unsafe fn is_one(p: *mut PyObject) -> bool {
    // SAFETY: the caller's promise.
    !p.is_null() && unsafe { eq((*p).ob_type, &raw const ffi::PyDict_Type) } && link_of(p) == 0
}

/// A new one. NULL with MemoryError.
///
/// # Safety
/// With the GIL.
#[inline(always)]
pub unsafe fn new() -> *mut PyObject {
    // SAFETY: a static type, whose structs are made by this.
    unsafe { ffi::cape_new_mirror(&raw mut ffi::PyDict_Type) }
}

/// Whether a new dict for so many entries is to begin so.
pub fn has_room_for(entries: isize) -> bool {
    entries <= LONG as isize
}

/// A new one of so many entries that come from the managed side, in order. `None`: there are too many, or one whose key is no short text,
/// or there is no memory.
pub fn of(vm: &Vm, n: usize, entry: impl Fn(usize) -> Option<(Value, Value)>) -> Res<Option<*mut PyObject>> {
    if n > LONG {
        return Ok(None);
    }
    // SAFETY: the GIL is ours; `set` gets what lives: the link of a key keeps its struct, and the value's reference is ours.
    unsafe {
        let p = new();
        if p.is_null() {
            return Ok(None);
        }
        for i in 0..n {
            let put = || -> Res<Option<()>> {
                let Some((key, value)) = entry(i).filter(|e| e.0.is::<StrObj>()) else { return Ok(None) };
                let item = to_c(vm, value)?;
                let done = linked(vm, key).map(|key| set(p, key, item));
                decref(item);
                done
            };
            match put() {
                Ok(Some(())) => {}
                other => {
                    decref(p);
                    return other.map(|_| None);
                }
            }
        }
        Ok(Some(p))
    }
}

/// The entries of a dict of exact type that has a row: keys and values in turn. Empty of one that the managed side has.
///
/// # Safety
/// `p` must be a live object; its row must not change while the answer is used.
#[inline(always)]
unsafe fn row<'a>(p: *mut PyObject) -> &'a [*mut PyObject] {
    // SAFETY: the caller's promise; the row has two words for each entry.
    unsafe {
        let d = p as *mut PyDictObject;
        if !eq((*p).ob_type, &raw const ffi::PyDict_Type) || (*d).ma_keys.is_null() {
            return &[];
        }
        std::slice::from_raw_parts((*d).ma_keys as *const *mut PyObject, 2 * (*d).ma_used as usize)
    }
}

/// What the entries of one refer to; whether it is one that has any. (The collector asks, which marks structs where links are: that is not
/// looked at.)
///
/// # Safety
/// `p` must be a live object; `visit` must not change it.
pub unsafe fn each_reference(p: *mut PyObject, visit: impl FnMut(*mut PyObject)) -> bool {
    // SAFETY: the caller's promise.
    let entries = unsafe { row(p) };
    entries.iter().copied().for_each(visit);
    !entries.is_empty()
}

/// Gives up what the entries of one refer to, for the collector.
///
/// # Safety
/// `p` must be a live object.
pub unsafe fn clear(p: *mut PyObject) {
    // SAFETY: the caller's promise; only one of these has a row.
    unsafe {
        if !row(p).is_empty() {
            ffi::cape_drop_entries(p);
        }
    }
}

/// The number of a key's word, behind which its value stands.
///
/// # Safety
/// As for [`row`].
#[inline(always)]
unsafe fn index_of(row: &[*mut PyObject], key: *mut PyObject, wanted: &[u8]) -> Option<usize> {
    let mut i = 0;
    while i < row.len() {
        let other = row[i];
        // SAFETY: the keys are live texts.
        let same = unsafe {
            eq(other, key)
                || (*(other as *mut PyASCIIObject)).length as usize == wanted.len()
                    && letters(other).is_some_and(|t| same_bytes(t, wanted))
        };
        if same {
            return Some(i);
        }
        i += 2;
    }
    None
}

/// `PyDict_SetItem`; `None`, with nothing done, where the dict is none of these, or has to be seen for it.
///
/// # Safety
/// As for the API function.
#[inline(always)]
pub unsafe fn set(p: *mut PyObject, key: *mut PyObject, item: *mut PyObject) -> Option<()> {
    // SAFETY: the caller's promise; a dict's struct, whose references the row has.
    unsafe {
        if !is_one(p) || key.is_null() || item.is_null() {
            return None;
        }
        let wanted = letters(key)?;
        let d = p as *mut PyDictObject;
        if let Some(i) = index_of(row(p), key, wanted) {
            incref(item);
            decref(((*d).ma_keys as *mut *mut PyObject).add(i + 1).replace(item));
            if (*(*item).ob_type).tp_flags & tpflags::HAVE_GC != 0 {
                track(p);
            }
            return Some(());
        }
        add(d, key, item)
    }
}

/// Adds a key that is none of the dict's.
///
/// # Safety
/// As for [`set`], of one of these dicts, with arguments.
#[inline(always)]
unsafe fn add(d: *mut PyDictObject, key: *mut PyObject, item: *mut PyObject) -> Option<()> {
    // SAFETY: the caller's promise; there is room for another entry.
    unsafe {
        let n = (*d).ma_used as usize;
        if n == LONG {
            return None;
        }
        let row = if n == SHORT || n == 0 { longer(d)? } else { (*d).ma_keys as *mut *mut PyObject };
        incref(key);
        incref(item);
        row.add(2 * n).write(key);
        row.add(2 * n + 1).write(item);
        (*d).ma_used = n as isize + 1;
        if (*(*item).ob_type).tp_flags & tpflags::HAVE_GC != 0 {
            track(d as *mut PyObject);
        }
    }
    Some(())
}

/// `PyDict_SetDefault`: the value that the key has in the end, borrowed, and whether it had it before; `None` as for [`set`].
///
/// # Safety
/// As for the API function.
#[inline(always)]
pub unsafe fn set_default(
    p: *mut PyObject,
    key: *mut PyObject,
    item: *mut PyObject,
) -> Option<(*mut PyObject, bool)> {
    // SAFETY: the caller's promise.
    unsafe {
        if !is_one(p) || key.is_null() || item.is_null() {
            return None;
        }
        let entries = row(p);
        if let Some(i) = index_of(entries, key, letters(key)?) {
            return Some((entries[i + 1], true));
        }
        add(p as *mut PyDictObject, key, item)?;
        Some((item, false))
    }
}

/// Lets the collector find what C holds by a dict that refers to containers.
///
/// # Safety
/// `p` must be a dict's struct.
#[inline(always)]
unsafe fn track(p: *mut PyObject) {
    // SAFETY: the caller's promise: the head lies in front of the struct.
    unsafe {
        if (*(p as *mut PyGC_Head).sub(1))._gc_next.is_null() {
            ffi::PyObject_GC_Track(p as *mut _);
        }
    }
}

/// A row with room for another entry, into which those that there are have moved; `None` where there is no memory.
///
/// # Safety
/// `d` must be one of these dicts, whose row is full, or missing.
unsafe fn longer(d: *mut PyDictObject) -> Option<*mut *mut PyObject> {
    // SAFETY: the caller's promise; the row is replaced by a longer one.
    unsafe {
        let (old, n) = ((*d).ma_keys as *mut *mut PyObject, 2 * (*d).ma_used as usize);
        let new = ffi::cape_new_items(if n == 0 { 2 * SHORT } else { 2 * LONG } as isize);
        if new.is_null() {
            return None;
        }
        if n != 0 {
            std::ptr::copy_nonoverlapping(old, new, n);
        }
        ffi::cape_drop_items(old, 2 * SHORT as isize);
        (*d).ma_keys = new as *mut _;
        Some(new)
    }
}

/// The value of a key, borrowed, or NULL; `None`: the dict is none of these, or has to be seen for it.
///
/// # Safety
/// As for `PyDict_GetItem`.
#[inline(always)]
pub unsafe fn get(p: *mut PyObject, key: *mut PyObject) -> Option<*mut PyObject> {
    // SAFETY: the caller's promise.
    unsafe {
        if !is_one(p) || key.is_null() {
            return None;
        }
        let (entries, wanted) = (row(p), letters(key)?);
        Some(index_of(entries, key, wanted).map_or(null_mut(), |i| entries[i + 1]))
    }
}

/// The same of a key that a C string spells in ASCII.
///
/// # Safety
/// As for `PyDict_GetItemString`.
#[inline(always)]
pub unsafe fn get_text(p: *mut PyObject, key: *const c_char) -> Option<*mut PyObject> {
    // SAFETY: the caller's promise.
    unsafe {
        if !is_one(p) || key.is_null() {
            return None;
        }
        let wanted = CStr::from_ptr(key).to_bytes();
        if !wanted.is_ascii() {
            return None;
        }
        let entries = row(p);
        Some(index_of(entries, null_mut(), wanted).map_or(null_mut(), |i| entries[i + 1]))
    }
}

/// The managed side of one; `fresh`: nobody else knows it, and it is about to die, so that it is emptied; else it is linked.
///
/// # Safety
/// `p` must be one of these dicts.
pub unsafe fn managed(vm: &Vm, p: *mut PyObject, fresh: bool) -> Res<Value> {
    let d = DictObj::new();
    // SAFETY: the caller's promise. (Linked first: something in it may refer to it.)
    unsafe {
        ffi::PyObject_GC_UnTrack(p as *mut _);
        if !fresh {
            link(d.header(), p);
        }
        let filled = fill(vm, d, p, fresh);
        (*(p as *mut PyDictObject)).ma_used = d.len() as isize;
        filled?;
    }
    Ok(d.value())
}

/// Puts the entries of a dict of C's into its managed side, and gives their references up; `fresh`: nobody knows what only the dict has.
///
/// # Safety
/// `p` must have a row, or none.
unsafe fn fill(vm: &Vm, d: Ptr<DictObj>, p: *mut PyObject, fresh: bool) -> Res<()> {
    // SAFETY: the caller's promise; the row is nobody else's from now on.
    unsafe {
        let entries = row(p);
        if entries.is_empty() {
            return Ok(());
        }
        let room = 2 * if entries.len() <= 2 * SHORT { SHORT } else { LONG };
        (*(p as *mut PyDictObject)).ma_keys = null_mut();
        (*(p as *mut PyDictObject)).ma_used = 0;
        d.table.reserve(d.header(), entries.len() / 2);
        let mut result = Ok(());
        for entry in entries.chunks_exact(2) {
            if let (Ok(()), Err(raised)) = (&result, put(vm, d, entry[0], entry[1], fresh)) {
                result = Err(raised);
            }
        }
        ffi::cape_drop_items(entries.as_ptr() as *mut _, room as isize);
        result
    }
}

/// Puts one entry, whose references it gives up, into a table with room for it.
///
/// # Safety
/// Live objects, the key a text that is no key of the dict.
#[inline(always)]
unsafe fn put(vm: &Vm, d: Ptr<DictObj>, key: *mut PyObject, item: *mut PyObject, fresh: bool) -> Res<()> {
    // SAFETY: the caller's promise.
    unsafe {
        let value = if fresh { take_item(vm, item) } else { from_c(vm, item) };
        if !fresh {
            decref(item);
        }
        let r = value.map(|value| {
            let known = match link_of(key) {
                0 => None,
                l => heap().managed_of(l).downcast::<StrObj>(),
            };
            let k = known.unwrap_or_else(|| {
                let only = fresh && (*key).ob_refcnt == 1;
                let found = if only { interned::find_key(key) } else { Key::New };
                if let Key::Known(s) = found {
                    return s;
                }
                let s = StrObj::from_latin1(letters(key).unwrap_or_default());
                if !only || matches!(found, Key::Again(_)) {
                    linked_text(key, s);
                }
                if let Key::Again(row) = found {
                    interned::remember_key(row, key);
                }
                s
            });
            d.table.add_in_room(k.hash(), k.value(), value);
        });
        decref(key);
        r
    }
}
