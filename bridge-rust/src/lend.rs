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
use crate::mirror::{digits30, write_digits30};
use crate::to_c::{decref, is_number, linked, to_c};

/// Scratch ints and floats of a thread; calls nested deeper allocate.
const SCRATCH: usize = 64;

/// Digits that a scratch int has room for; larger ints are made for each call.
const DIGITS: usize = 10;

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
}

thread_local! {
    static OWN: Scratch = const {
        Scratch {
            next: Cell::new(0),
            places: [const { Place { int: Cell::new(null_mut()), float: Cell::new(null_mut()) } }; SCRATCH],
            tuples: [const { Cell::new(null_mut()) }; LENGTHS],
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

/// The short way to lend: objects that have no C side yet get one, unboxed numbers and ints of two digits of the heap's are written into
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
        if v.is_ptr() && !is_number(v) {
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
        let written = if next < SCRATCH { write_short(&scratch.places[next], v) } else { null_mut() };
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

/// Writes an unboxed number, or an int of at most two digits of the heap's, into a place; null: it is none, or memory is out.
#[inline(always)]
fn write_short(place: &Place, v: Value) -> *mut PyObject {
    // SAFETY: as in `write`.
    unsafe {
        if v.is_float() {
            let Some(p) = filled(&place.float, new_float) else { return null_mut() };
            (*(p as *mut PyFloatObject)).ob_fval = v.as_float();
            return p;
        }
        let (magnitude, negative) = if v.is_int() {
            (v.as_int().unsigned_abs(), v.as_int() < 0)
        } else {
            let Some(l) = v.downcast::<LongObj>() else { return null_mut() };
            let magnitude = match *l.digits() {
                [low] => low as u64,
                [low, high] => low as u64 | (high as u64) << 32,
                _ => return null_mut(),
            };
            (magnitude, l.is_negative())
        };
        let Some(p) = filled(&place.int, new_int) else { return null_mut() };
        write_magnitude(p, magnitude, negative);
        p
    }
}

/// A scratch float; NULL when memory is out, as below.
fn new_float() -> *mut PyObject {
    // SAFETY: a constructor.
    unsafe { ffi::PyFloat_FromDouble(1.0) }
}

/// A scratch int.
fn new_int() -> *mut PyObject {
    // SAFETY: a constructor.
    unsafe { ffi::_PyLong_New(DIGITS as isize) }
}

/// Writes the value of a scratch int.
///
/// # Safety
/// It must have room for three digits.
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
                *p = if v.is_ptr() && !is_number(v) { linked(vm, v)? } else { self.number(vm, v)? };
            }
        }
        Ok(())
    }

    #[inline(never)]
    fn number(&mut self, vm: &Vm, v: Value) -> Res<*mut PyObject> {
        let scratch = scratch();
        let at = scratch.next.get();
        if at < SCRATCH
            && let Some(p) = write(&scratch.places[at], v)
        {
            scratch.next.set(at + 1);
            self.first = self.first.min(at);
            return Ok(p);
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

/// Writes a number into a place; `None` when it is too large, when it is none, or when memory is out.
#[inline(always)]
fn write(place: &Place, v: Value) -> Option<*mut PyObject> {
    let short = write_short(place, v);
    if !short.is_null() {
        return Some(short);
    }
    // SAFETY: objects of those types which only we refer to; ints have room for DIGITS digits.
    unsafe {
        if let Some(f) = v.downcast::<FloatObj>() {
            let p = filled(&place.float, new_float)?;
            (*(p as *mut PyFloatObject)).ob_fval = f.value;
            return Some(p);
        }
        let l = v.downcast::<LongObj>().filter(|&l| digits30(l) <= DIGITS)?;
        let p = filled(&place.int, new_int)?;
        let o = p as *mut PyLongObject;
        let n = write_digits30(l, (&raw mut (*o).ob_digit) as *mut u32);
        (*o).lv_tag = n << 3 | (l.is_negative() as usize) << 1;
        Some(p)
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
    for place in &scratch.places[first..end] {
        for cell in [&place.int, &place.float] {
            let p = cell.get();
            // SAFETY: our reference keeps it alive.
            if !p.is_null() && unsafe { (*p).ob_refcnt } != 1 {
                // C has kept it: it is C's from now on.
                cell.set(null_mut());
                // SAFETY: the reference was the cell's.
                unsafe { decref(p) };
            }
        }
    }
}
