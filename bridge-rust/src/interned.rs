//! Texts that C asked to be interned before: parsers intern the keys of every document that they read. A fresh text is compared with the one
//! of a small table that its letters lead to, and needs no managed side to be given up for it.

use std::ptr::{eq, null_mut};
use std::sync::atomic::AtomicPtr;
use std::sync::atomic::Ordering::Relaxed;

use crate::ffi;
use crate::from_c::link_of;
use crate::layout::*;
use crate::to_c::{decref, incref};

/// Longer ones are not looked for here.
const LONGEST: usize = 64;
const ROWS: usize = 512;

/// Linked mirrors of interned strings, each with a reference of the table's.
static KNOWN: [AtomicPtr<PyObject>; ROWS] = [const { AtomicPtr::new(null_mut()) }; ROWS];

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

/// The row of a text of a letter at least.
#[inline(always)]
fn row(text: &[u8]) -> &'static AtomicPtr<PyObject> {
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
    let mixed = ((first ^ n as u64).wrapping_mul(ODD) ^ last).wrapping_mul(ODD);
    &KNOWN[(mixed >> (64 - ROWS.trailing_zeros())) as usize]
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
        let known = row(text).load(Relaxed);
        if known.is_null() || letters(known) != Some(text) {
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
    // SAFETY: the caller's promise; the references are the table's.
    unsafe {
        let Some(text) = letters(p).filter(|_| link_of(p) != 0) else { return };
        incref(p);
        let old = row(text).swap(p, Relaxed);
        if !old.is_null() {
            decref(old);
        }
    }
}
