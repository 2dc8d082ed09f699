//! C sides lent for the duration of a call, without counting references where nobody can tell.
//!
//! What is linked already is kept alive by its link as long as the managed object lives, and the caller has that in its registers.
//! Numbers are written into scratch objects of the thread, which are used again when C has not kept them: a call with a number
//! allocates nothing.

use std::cell::{Cell, UnsafeCell};
use std::ptr::null_mut;

use cape_heap::heap;
use cape_vm::{Raised, Res, Value, Vm};

use crate::ffi;
use crate::layout::*;
use crate::to_c::{decref, to_c};

/// Scratch numbers; calls nested deeper allocate.
const SCRATCH: u32 = 64;

/// `kind` of what is only borrowed, of a reference to give up, of nothing because of an exception; others are 2 + the index of a
/// scratch number.
const BORROWED: u32 = 0;
const OWNED: u32 = 1;
const FAILED: u32 = u32::MAX;

/// The ints that are static in C, and borrowed for ever.
const SMALL_MIN: i64 = -5;
const SMALL_MAX: i64 = 256;

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
            BORROWED | FAILED => {}
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

/// The running thread's. (Larger bodies inside `with` are not inlined.)
#[inline(always)]
fn numbers() -> &'static Scratch {
    // SAFETY: never dropped, since it needs no dropping; the reference does not leave the thread, as callers keep it in locals.
    NUMBERS.with(|numbers| unsafe { &*std::ptr::from_ref(numbers) })
}

/// The C side of a value where there is nothing to count, to make or to give back: of linked objects, singletons, small ints; null
/// for others. Good as long as the caller keeps the value alive.
#[inline(always)]
pub fn borrowed(v: Value) -> *mut PyObject {
    if v.is_ptr() {
        // Null when it is not linked.
        return heap().mirror_of(v.header()) as *mut PyObject;
    }
    if v.is_none() {
        return &raw mut ffi::_Py_NoneStruct;
    }
    if v.is_int() {
        let at = v.as_int().wrapping_sub(SMALL_MIN) as usize;
        if at <= (SMALL_MAX - SMALL_MIN) as usize {
            // SAFETY: the table has an int for each number of the range.
            return unsafe {
                (&raw mut ffi::_Cape_small_ints).cast::<ffi::SmallInt>().add(at) as *mut PyObject
            };
        }
    } else if v == Value::TRUE {
        return &raw mut ffi::_Py_TrueStruct;
    } else if v == Value::FALSE {
        return &raw mut ffi::_Py_FalseStruct;
    }
    null_mut()
}

/// The C side of a value that the caller keeps alive (an argument in the caller's registers).
#[inline(always)]
pub fn lend(vm: &Vm, v: Value) -> Res<Lent> {
    let p = borrowed(v);
    if !p.is_null() {
        return Ok(Lent { p, kind: BORROWED });
    }
    let l = lend_new(vm, v);
    if l.kind == FAILED { Err(failure(vm)) } else { Ok(l) }
}

/// A C side that is made for the occasion. Its failure is not part of the result, so that this comes back in registers.
#[inline(never)]
fn lend_new(vm: &Vm, v: Value) -> Lent {
    if v.is_int() || v.is_float() {
        let l = scratch(vm, v, numbers());
        if l.kind != FAILED {
            return l;
        }
    }
    match to_c(vm, v) {
        Ok(p) => Lent { p, kind: OWNED },
        Err(r) => {
            crate::error::set(vm, r);
            Lent { p: null_mut(), kind: FAILED }
        }
    }
}

#[cold]
fn failure(vm: &Vm) -> Raised {
    crate::error::take(vm).unwrap_or_else(|| vm.system_error("lost exception"))
}

/// A number that is not small in a scratch object; `FAILED` when none is free.
#[inline(always)]
fn scratch(vm: &Vm, v: Value, numbers: &Scratch) -> Lent {
    let n = numbers.next.get();
    if n >= SCRATCH {
        return Lent { p: null_mut(), kind: FAILED };
    }
    let float = v.is_float();
    // SAFETY: the thread's own; the place exists.
    let place = unsafe { &mut (*numbers.places.get())[2 * n as usize + float as usize] };
    if place.is_null() {
        match to_c(vm, if float { v } else { Value::int(1 << 40) }) {
            Ok(p) => *place = p,
            Err(_) => return Lent { p: null_mut(), kind: FAILED },
        }
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
    Lent { p, kind: n + 2 }
}

#[inline]
fn give_back(p: *mut PyObject, n: u32) {
    let numbers = numbers();
    numbers.next.set(n.min(numbers.next.get()));
    // SAFETY: our reference keeps it alive.
    if unsafe { (*p).ob_refcnt } != 1 {
        kept(p, n);
    }
}

/// C has kept a number: it is C's from now on.
#[cold]
fn kept(p: *mut PyObject, n: u32) {
    // SAFETY: the thread's own; the reference is the place's.
    unsafe {
        for place in &mut (&mut *numbers().places.get())[2 * n as usize..][..2] {
            if *place == p {
                *place = null_mut();
                decref(p);
            }
        }
    }
}
