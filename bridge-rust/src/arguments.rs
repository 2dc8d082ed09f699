//! Argument tuples of calls into C.
//!
//! A thread has one of each small length, which is lent for a call and used again when C has not kept it. It owns references to its items
//! while it is lent, as any tuple does, and has none in between.

use std::cell::Cell;
use std::ptr::null_mut;

use cape_vm::{Res, Value, Vm};

use crate::ffi;
use crate::layout::*;
use crate::lend::scratch;
use crate::to_c::{decref, to_c};

/// Longer ones are made for each call.
pub const LENGTHS: usize = 8;

/// The tuples of a thread, by length; null: not made yet, or lent.
pub type Tuples = [Cell<*mut PyObject>; LENGTHS];

/// An argument tuple for one call.
pub struct Arguments(*mut PyObject);

impl Arguments {
    /// Of these values.
    #[inline(always)]
    pub fn new(vm: &Vm, values: &[Value]) -> Res<Arguments> {
        let arguments = Arguments(take(vm, values.len())?);
        let items = items(arguments.0);
        for (i, &v) in values.iter().enumerate() {
            let p = to_c(vm, v)?;
            // SAFETY: the tuple has a place for each; C has not seen it yet.
            unsafe { *items.add(i) = p };
        }
        Ok(arguments)
    }

    /// The tuple, whose reference stays ours.
    #[inline(always)]
    pub fn tuple(&self) -> *mut PyObject {
        self.0
    }
}

impl Drop for Arguments {
    #[inline(always)]
    fn drop(&mut self) {
        give_back(self.0);
    }
}

fn items(tuple: *mut PyObject) -> *mut *mut PyObject {
    // SAFETY: callers pass live tuples.
    unsafe { (&raw mut (*(tuple as *mut PyTupleObject)).ob_item) as *mut *mut PyObject }
}

/// A tuple of `n` items that are not set yet, whose only reference is the caller's.
#[inline(always)]
fn take(vm: &Vm, n: usize) -> Res<*mut PyObject> {
    let own = scratch().tuples.get(n).map_or(null_mut(), |cell| cell.replace(null_mut()));
    if !own.is_null() {
        // SAFETY: a live tuple. Whoever had it before may have asked for its hash.
        unsafe { (*(own as *mut PyTupleObject)).ob_hash = -1 };
        return Ok(own);
    }
    // SAFETY: a constructor.
    let t = unsafe { ffi::PyTuple_New(n as isize) };
    if t.is_null() { Err(vm.memory_error("")) } else { Ok(t) }
}

/// Gives a tuple back: what C has not kept is emptied, and stays the thread's if it has room for it.
#[inline(always)]
pub fn give_back(tuple: *mut PyObject) {
    // SAFETY: a live tuple, a reference of which is ours; what nobody else refers to may be emptied.
    unsafe {
        if (*tuple).ob_refcnt == 1 {
            let n = (*(tuple as *mut PyTupleObject)).ob_base.ob_size as usize;
            let items = items(tuple);
            for i in 0..n {
                let p = std::mem::replace(&mut *items.add(i), null_mut());
                if !p.is_null() {
                    decref(p);
                }
            }
            if let Some(cell) = scratch().tuples.get(n).filter(|cell| cell.get().is_null()) {
                cell.set(tuple);
                return;
            }
        }
        decref(tuple);
    }
}
