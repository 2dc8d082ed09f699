//! Texts that come again: those that C asked to be interned before, and keys of dicts that C made and handed over. Parsers make the keys of every
//! document that they read anew. A fresh text is compared with the one of a small table that its letters lead to, and needs no managed side made
//! for it.

use std::ptr::{eq, null_mut};
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicPtr, AtomicU32};

use cape_heap::heap;
use cape_vm::Ptr;
use cape_vm::object::StrObj;

use crate::ffi;
use crate::from_c::link_of;
use crate::layout::*;
use crate::to_c::{decref, incref};

/// Longer ones are not looked for here.
const LONGEST: usize = 64;
const ROWS: usize = 512;

/// Linked mirrors, each with a reference of the table's.
type Table = [AtomicPtr<PyObject>; ROWS];
/// Of interned strings.
static KNOWN: Table = [const { AtomicPtr::new(null_mut()) }; ROWS];
/// Of keys that came twice.
static KEYS: Table = [const { AtomicPtr::new(null_mut()) }; ROWS];
/// What the letters of the latest key that led to a row are mixed to, half of it.
static LATEST: [AtomicU32; ROWS] = [const { AtomicU32::new(0) }; ROWS];

/// The letters of a short text of exact type, all ASCII, and behind its struct.
///
/// # Safety
/// `p` must be a live object.
#[inline(always)]
unsafe fn letters<'a>(p: *mut PyObject) -> Option<&'a [u8]> {
    /// In the state: the width of one byte, that the data is behind the struct, that it is ASCII.
    const MASK: u32 = 7 << 2 | 3 << 5;
    const SHORT: u32 = 1 << 2 | 3 << 5;
    // SAFETY: the caller's promise; the type says how the struct is laid out.
    unsafe {
        let a = p as *mut PyASCIIObject;
        if !eq((*p).ob_type, &raw const ffi::PyUnicode_Type)
            || (*a).state & MASK != SHORT
            || !(1..=LONGEST as isize).contains(&(*a).length)
        {
            return None;
        }
        Some(std::slice::from_raw_parts(a.add(1) as *const u8, (*a).length as usize))
    }
}

/// The letters of a text, one at least, mixed: the upper bits are the number of its [`row`].
#[inline(always)]
fn mixed(text: &[u8]) -> u64 {
    let n = text.len();
    let word = |at: usize| u64::from_le_bytes(text[at..at + 8].try_into().expect("eight bytes"));
    let half = |at: usize| u32::from_le_bytes(text[at..at + 4].try_into().expect("four bytes")) as u64;
    let (first, last) = if n >= 8 {
        (word(0), word(n - 8))
    } else if n >= 4 {
        (half(0), half(n - 4))
    } else {
        ((text[0] as u64) << 8 | text[n / 2] as u64, text[n - 1] as u64)
    };
    const ODD: u64 = 0x9e37_79b9_7f4a_7c15;
    ((first ^ n as u64).wrapping_mul(ODD) ^ last).wrapping_mul(ODD)
}

/// The row of a mixed text.
#[inline(always)]
fn row(mixed: u64) -> usize {
    (mixed >> (64 - ROWS.trailing_zeros())) as usize
}

/// The string of a row that has these letters, or null.
///
/// # Safety
/// With the GIL.
#[inline(always)]
unsafe fn same(table: &Table, row: usize, text: &[u8]) -> *mut PyObject {
    let known = table[row].load(Relaxed);
    // SAFETY: known strings are live.
    if known.is_null() || unsafe { letters(known) } != Some(text) { null_mut() } else { known }
}

/// Puts a linked string into a row.
///
/// # Safety
/// `p` must be live.
unsafe fn put(table: &Table, row: usize, p: *mut PyObject) {
    // SAFETY: the caller's promise; the references are the table's.
    unsafe {
        incref(p);
        let old = table[row].swap(p, Relaxed);
        if !old.is_null() {
            decref(old);
        }
    }
}

/// Replaces a string by the interned one, where that is known; false, with nothing done, where it is not.
///
/// # Safety
/// `place` must have a reference.
#[inline(always)]
pub unsafe fn replace(place: *mut *mut PyObject) -> bool {
    // SAFETY: the caller's promise; known strings are live.
    unsafe {
        let p = *place;
        let Some(text) = letters(p) else { return false };
        let known = same(&KNOWN, row(mixed(text)), text);
        if known.is_null() {
            return false;
        }
        if !eq(known, p) {
            incref(known);
            *place = known;
            decref(p);
        }
    }
    true
}

/// Remembers an interned string.
///
/// # Safety
/// `p` must be live.
pub unsafe fn remember(p: *mut PyObject) {
    // SAFETY: the caller's promise.
    unsafe {
        let Some(text) = letters(p).filter(|_| link_of(p) != 0) else { return };
        put(&KNOWN, row(mixed(text)), p);
    }
}

/// What is known of a key.
pub enum Key {
    /// Its managed side, which was made when it came before.
    Known(Ptr<StrObj>),
    /// It came before, and was not kept: it is to be put into this row, once it is linked.
    Again(usize),
    /// Nothing.
    New,
}

/// Looks for a key of a dict that C has made.
///
/// # Safety
/// `p` must be a live object.
#[inline(always)]
pub unsafe fn find_key(p: *mut PyObject) -> Key {
    // SAFETY: the caller's promise; what the table has is linked.
    unsafe {
        let Some(text) = letters(p) else { return Key::New };
        let mixed = mixed(text);
        let row = row(mixed);
        let known = same(&KEYS, row, text);
        if !known.is_null()
            && let Some(s) = heap().managed_of(link_of(known)).downcast()
        {
            return Key::Known(s);
        }
        let tag = mixed as u32;
        if LATEST[row].swap(tag, Relaxed) == tag { Key::Again(row) } else { Key::New }
    }
}

/// Remembers a key.
///
/// # Safety
/// `p` must be a live, linked string, and the row the one that [`find_key`] gave for it.
pub unsafe fn remember_key(row: usize, p: *mut PyObject) {
    // SAFETY: the caller's promise.
    unsafe { put(&KEYS, row, p) }
}
