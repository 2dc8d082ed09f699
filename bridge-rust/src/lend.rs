//! C sides lent for the duration of a call, without counting references where nobody can tell.
//!
//! What is linked is kept alive by its link as long as the managed object lives, and the caller has that in its registers. What has no
//! C side yet gets one, and a link, which keeps it. Numbers have no identity and no link: they are written into scratch objects of the
//! thread, which are used again when C has not kept them, so that a call with a number allocates nothing.

use std::cell::Cell;
use std::mem::MaybeUninit;
use std::ptr::null_mut;

use cape_heap::heap;
use cape_vm::eval::Lending;
use cape_vm::object::{FloatObj, LongObj};
use cape_vm::{Res, Value, Vm};

use crate::arguments::{LENGTHS, Tuples};
use crate::cross::MOST;
use crate::ffi;
use crate::layout::*;
use crate::mirror::{digits30, write_long};
use crate::to_c::{decref, is_lasting, is_number, linked, to_c};

/// Scratch ints and floats of a thread; calls nested deeper allocate.
const SCRATCH: usize = 64;

/// Digits that a scratch int has room for, and a wide one; larger ints are made for each call.
const DIGITS: usize = 2;
const WIDE_DIGITS: usize = 10;

/// The ints that are static in C, and borrowed for ever.
pub const SMALL_MIN: i64 = -5;
/// The largest of them.
pub const SMALL_MAX: i64 = 256;

/// A scratch int and a scratch float, whose only references are ours; null until they are used.
#[repr(C)]
struct Place {
    int: Cell<*mut PyObject>,
    float: Cell<*mut PyObject>,
}

/// What a thread lends.
#[repr(C)]
pub struct Scratch {
    /// Places below this one are lent.
    next: Cell<usize>,
    places: [Place; SCRATCH],
    /// Argument tuples.
    pub tuples: Tuples,
    /// For ints that do not fit the places'.
    wide: [Cell<*mut PyObject>; SCRATCH],
}

thread_local! {
    static OWN: Scratch = const {
        Scratch {
            next: Cell::new(0),
            places: [const { Place { int: Cell::new(null_mut()), float: Cell::new(null_mut()) } }; SCRATCH],
            tuples: [const { Cell::new(null_mut()) }; LENGTHS],
            wide: [const { Cell::new(null_mut()) }; SCRATCH],
        }
    };
}

/// The running thread's. (Larger bodies inside `with` are not inlined.)
#[inline(always)]
pub fn scratch() -> &'static Scratch {
    // SAFETY: never dropped, since it needs no dropping; the reference does not leave the thread, as callers keep it in locals.
    OWN.with(|own| unsafe { &*std::ptr::from_ref(own) })
}

/// Numbers that compiled code can lend at once are made beforehand, so that it need not make any.
const READY: usize = 8;

/// Shows a thread's `Vm` its scratch numbers.
pub fn prepare(vm: &Vm) {
    let scratch = scratch();
    vm.c_scratch.set(std::ptr::from_ref(scratch) as *mut u8);
    for place in &scratch.places[..READY] {
        // (Where memory is out there are none.)
        let _ = filled(&place.int, new_int).and(filled(&place.float, new_float));
    }
}

/// Where things are in the memory behind [`Vm::c_scratch`].
pub fn scratch_layout() -> Lending {
    const { assert!(size_of::<Place>() == 16 && std::mem::offset_of!(Place, float) == 8) };
    Lending {
        next: std::mem::offset_of!(Scratch, next),
        pairs: std::mem::offset_of!(Scratch, places),
        most: SCRATCH,
        tuples: std::mem::offset_of!(Scratch, tuples),
        lengths: LENGTHS,
    }
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

/// The short way to lend: objects that have no C side yet get one, unboxed numbers and ints that are not too large are written into
/// scratch objects. Gives the first place that may be lent, for [`give_back`]; `None`, with nothing lent, when that is not enough.
#[inline(always)]
pub fn lend_quickly(vm: &Vm, values: &[Value], pointers: &mut [*mut PyObject]) -> Res<Option<usize>> {
    let scratch = scratch();
    let first = scratch.next.get();
    let mut next = first;
    for (p, &v) in pointers.iter_mut().zip(values) {
        if !p.is_null() {
            continue;
        }
        if v.is_ptr() && (!is_number(v) || is_lasting(v)) {
            // (What that calls may lend, and gives back.)
            scratch.next.set(next);
            match linked(vm, v) {
                Ok(l) => *p = l,
                Err(r) => {
                    scratch.next.set(first);
                    return Err(r);
                }
            }
            continue;
        }
        let written = if next < SCRATCH { write(scratch, next, v) } else { null_mut() };
        if written.is_null() {
            for (p, &v) in pointers.iter_mut().zip(values) {
                *p = borrowed(v);
            }
            scratch.next.set(first);
            return Ok(None);
        }
        *p = written;
        next += 1;
    }
    scratch.next.set(next);
    Ok(Some(first))
}

/// Writes a number into a place; null: it is none, it is too large, or memory is out.
#[inline(always)]
fn write(scratch: &Scratch, at: usize, v: Value) -> *mut PyObject {
    let place = &scratch.places[at];
    let written = if v.is_float() {
        write_float(place, v.as_float())
    } else if v.is_int() {
        let p = filled(&place.int, new_int);
        if let Some(p) = p {
            // SAFETY: an int which only we refer to; unboxed ones fit it.
            unsafe { write_magnitude(p, v.as_int().unsigned_abs(), v.as_int() < 0) };
        }
        p
    } else {
        write_object(place, &scratch.wide[at], v)
    };
    written.unwrap_or(null_mut())
}

#[inline(always)]
fn write_float(place: &Place, f: f64) -> Option<*mut PyObject> {
    let p = filled(&place.float, new_float)?;
    // SAFETY: a float which only we refer to.
    unsafe { (*(p as *mut PyFloatObject)).ob_fval = f };
    Some(p)
}

/// [`write`], for numbers of the heap's.
#[inline(never)]
fn write_object(place: &Place, wide: &Cell<*mut PyObject>, v: Value) -> Option<*mut PyObject> {
    let Some(l) = v.downcast::<LongObj>() else {
        return write_float(place, v.downcast::<FloatObj>()?.value);
    };
    if let [magnitude] = *l.double_digits() {
        let short = magnitude >> 60 == 0;
        let p = if short { filled(&place.int, new_int)? } else { filled(wide, new_wide_int)? };
        // SAFETY: an int which only we refer to, and which has room.
        unsafe { write_magnitude(p, magnitude, l.is_negative()) };
        return Some(p);
    }
    let n = digits30(l);
    let p = match n {
        0..=DIGITS => filled(&place.int, new_int)?,
        0..=WIDE_DIGITS => filled(wide, new_wide_int)?,
        _ => return None,
    };
    // SAFETY: an int which only we refer to, with room for as many digits.
    unsafe { write_long(l, n, p as *mut PyLongObject) };
    Some(p)
}

/// A scratch float; NULL when memory is out, as below.
fn new_float() -> *mut PyObject {
    // SAFETY: a constructor.
    unsafe { ffi::PyFloat_FromDouble(1.0) }
}

/// A scratch int.
fn new_int() -> *mut PyObject {
    // SAFETY: freed ints have room for two digits; a constructor.
    unsafe {
        let list = (&raw mut ffi::_Cape_free_numbers).cast::<ffi::CapeFreeList>();
        let p = (*list).first as *mut PyLongObject;
        if p.is_null() {
            return ffi::_PyLong_New(DIGITS as isize);
        }
        (*list).first = *(p as *mut *mut std::ffi::c_void);
        (*list).count -= 1;
        *(p as *mut u64) = 1;
        (*(p as *mut PyObject)).ob_type = &raw mut ffi::PyLong_Type;
        (*p).lv_tag = DIGITS << 3;
        p as *mut PyObject
    }
}

/// A wide one.
fn new_wide_int() -> *mut PyObject {
    // SAFETY: a constructor.
    unsafe { ffi::_PyLong_New(WIDE_DIGITS as isize) }
}

/// Writes the value of a scratch int.
///
/// # Safety
/// It must have room for two digits; for three, if the magnitude is not below 2^60.
#[inline(always)]
unsafe fn write_magnitude(p: *mut PyObject, magnitude: u64, negative: bool) {
    let o = p as *mut PyLongObject;
    // SAFETY: the caller's promise.
    unsafe {
        let digits = (&raw mut (*o).ob_digit) as *mut u32;
        *digits = magnitude as u32 & 0x3fff_ffff;
        *digits.add(1) = (magnitude >> 30) as u32 & 0x3fff_ffff;
        let mut n = 1 + (magnitude >> 30 != 0) as usize;
        if magnitude >> 60 != 0 {
            *digits.add(2) = (magnitude >> 60) as u32;
            n = 3;
        }
        (*o).lv_tag = n << 3 | (negative as usize) << 1;
    }
}

/// The numbers that one call lends, which it gives back when it is dropped. Those of an inner call must be dropped first.
pub struct Numbers {
    /// The first scratch place that is lent; `SCRATCH` when none is.
    first: usize,
    owned: [MaybeUninit<*mut PyObject>; MOST],
    n_owned: usize,
}

impl Numbers {
    /// No number yet.
    #[inline(always)]
    pub fn none() -> Numbers {
        Numbers { first: SCRATCH, owned: [const { MaybeUninit::uninit() }; MOST], n_owned: 0 }
    }

    /// The C sides of values (at most [`MOST`]) that the caller keeps alive as long as this, where there is none yet.
    #[inline(always)]
    pub fn lend_all(&mut self, vm: &Vm, values: &[Value], pointers: &mut [*mut PyObject]) -> Res<()> {
        for (p, &v) in pointers.iter_mut().zip(values) {
            if p.is_null() {
                let object = v.is_ptr() && (!is_number(v) || is_lasting(v));
                *p = if object { linked(vm, v)? } else { self.number(vm, v)? };
            }
        }
        Ok(())
    }

    #[inline(never)]
    fn number(&mut self, vm: &Vm, v: Value) -> Res<*mut PyObject> {
        let scratch = scratch();
        let at = scratch.next.get();
        let written = if at < SCRATCH { write(scratch, at, v) } else { null_mut() };
        if !written.is_null() {
            scratch.next.set(at + 1);
            self.first = self.first.min(at);
            return Ok(written);
        }
        let p = to_c(vm, v)?;
        self.owned[self.n_owned].write(p);
        self.n_owned += 1;
        Ok(p)
    }
}

impl Drop for Numbers {
    #[inline(always)]
    fn drop(&mut self) {
        if self.first < SCRATCH {
            give_back(self.first);
        }
        for p in &self.owned[..self.n_owned] {
            // SAFETY: the first n_owned are written, and the references are ours.
            unsafe { decref(p.assume_init()) }
        }
    }
}

/// What a cell of a place has, made at the first use.
#[inline(always)]
fn filled(cell: &Cell<*mut PyObject>, make: impl FnOnce() -> *mut PyObject) -> Option<*mut PyObject> {
    if cell.get().is_null() {
        cell.set(make());
    }
    Some(cell.get()).filter(|p| !p.is_null())
}

/// Gives scratch numbers back, from the place `first` on.
#[inline(always)]
pub fn give_back(first: usize) {
    let scratch = scratch();
    let end = scratch.next.replace(first);
    for (place, wide) in scratch.places[first..end].iter().zip(&scratch.wide[first..end]) {
        replace_kept(&place.int, new_int);
        replace_kept(&place.float, new_float);
        replace_kept(wide, null_mut);
    }
}

/// What C has kept is C's from now on; the cell gets another, for the next call.
#[inline(always)]
fn replace_kept(cell: &Cell<*mut PyObject>, make: impl FnOnce() -> *mut PyObject) {
    let p = cell.get();
    // SAFETY: our reference keeps it alive.
    if !p.is_null() && unsafe { (*p).ob_refcnt } != 1 {
        // (Giving up a reference may run code, which may lend.)
        cell.set(null_mut());
        // SAFETY: the reference was the cell's.
        unsafe { decref(p) };
        if cell.get().is_null() {
            cell.set(make());
        }
    }
}
