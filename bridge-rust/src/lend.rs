//! C sides lent for the duration of a call, without counting references where nobody can tell.
//!
//! What is linked already is kept alive by its link as long as the managed object lives, and the caller has that in its registers.
//! Numbers are written into scratch objects of the thread, which are used again when C has not kept them: a call with a number
//! allocates nothing.

use std::cell::{Cell, UnsafeCell};
use std::ptr::null_mut;

use cape_heap::heap;
use cape_vm::{Res, Value, Vm};

use crate::ffi;
use crate::layout::*;
use crate::to_c::{decref, to_c};

/// Scratch numbers; calls nested deeper allocate.
const SCRATCH: u32 = 64;

/// `kind` of what is only borrowed, of a reference to give up; others are 2 + the index of a scratch number.
const BORROWED: u32 = 0;
const OWNED: u32 = 1;

/// A C side that is lent for the duration of a call.
pub struct Lent {
    p: *mut PyObject,
    kind: u32,
}

impl Lent {
    /// NULL.
    pub const NOTHING: Lent = Lent { p: null_mut(), kind: BORROWED };

    /// The pointer, good while this lives.
    #[inline(always)]
    pub fn ptr(&self) -> *mut PyObject {
        self.p
    }
}

impl Drop for Lent {
    #[inline(always)]
    fn drop(&mut self) {
        match self.kind {
            BORROWED => {}
            // SAFETY: the reference is ours.
            OWNED => unsafe { decref(self.p) },
            n => give_back(self.p, n - 2),
        }
    }
}

/// Scratch ints (even places) and floats (odd ones).
struct Scratch {
    /// Places below this one are lent.
    next: Cell<u32>,
    places: UnsafeCell<[*mut PyObject; 2 * SCRATCH as usize]>,
}

thread_local! {
    static NUMBERS: Scratch =
        const { Scratch { next: Cell::new(0), places: UnsafeCell::new([null_mut(); 2 * SCRATCH as usize]) } };
}

/// The C side of a value that the caller keeps alive (an argument in the caller's registers).
#[inline(always)]
pub fn lend(vm: &Vm, v: Value) -> Res<Lent> {
    if v.is_ptr() {
        let h = v.header();
        if h.link() != 0 {
            return Ok(Lent { p: heap().mirror_of(h) as *mut PyObject, kind: BORROWED });
        }
    } else if v.is_none() {
        return Ok(Lent { p: &raw mut ffi::_Py_NoneStruct, kind: BORROWED });
    } else if v.is_int() || v.is_float() {
        return number(vm, v);
    }
    Ok(Lent { p: to_c(vm, v)?, kind: OWNED })
}

/// What C may compare by identity is never a scratch object.
fn is_small(i: i64) -> bool {
    (-5..=1024).contains(&i)
}

#[inline]
fn number(vm: &Vm, v: Value) -> Res<Lent> {
    NUMBERS.with(|numbers| scratch(vm, v, numbers))
}

#[inline(always)]
fn scratch(vm: &Vm, v: Value, numbers: &Scratch) -> Res<Lent> {
    let n = numbers.next.get();
    if n >= SCRATCH || v.is_int() && is_small(v.as_int()) {
        return Ok(Lent { p: to_c(vm, v)?, kind: OWNED });
    }
    let float = v.is_float();
    // SAFETY: the thread's own; the place exists.
    let place = unsafe { &mut (*numbers.places.get())[2 * n as usize + float as usize] };
    if place.is_null() {
        *place = to_c(vm, if float { v } else { Value::int(1 << 40) })?;
    }
    numbers.next.set(n + 1);
    let p = *place;
    // SAFETY: an object of that type which only we refer to; ints have two digits.
    unsafe {
        if float {
            (*(p as *mut PyFloatObject)).ob_fval = v.as_float();
        } else {
            let i = v.as_int();
            let magnitude = i.unsigned_abs();
            let digits = (&raw mut (*(p as *mut PyLongObject)).ob_digit) as *mut u32;
            *digits = magnitude as u32 & 0x3fff_ffff;
            *digits.add(1) = (magnitude >> 30) as u32;
            (*(p as *mut PyLongObject)).lv_tag =
                if magnitude >> 30 != 0 { 2 << 3 } else { 1 << 3 } | if i < 0 { 2 } else { 0 };
        }
    }
    Ok(Lent { p, kind: n + 2 })
}

#[inline]
fn give_back(p: *mut PyObject, n: u32) {
    NUMBERS.with(|numbers| numbers.next.set(n.min(numbers.next.get())));
    // SAFETY: our reference keeps it alive.
    if unsafe { (*p).ob_refcnt } != 1 {
        kept(p, n);
    }
}

/// C has kept a number: it is C's from now on.
#[cold]
fn kept(p: *mut PyObject, n: u32) {
    // SAFETY: the thread's own; the reference is the place's.
    NUMBERS.with(|numbers| unsafe {
        for place in &mut (&mut *numbers.places.get())[2 * n as usize..][..2] {
            if *place == p {
                *place = null_mut();
                decref(p);
            }
        }
    })
}
