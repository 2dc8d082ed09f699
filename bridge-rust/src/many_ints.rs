//! Ints for long containers. A list of a hundred thousand takes as many structs at once, and gives them back at once: from a list of freed
//! ones each would have to wait for the one before it to come from memory, twice. So those of one container lie in a row that is
//! written in order. The row keeps references of its own: a struct that C has no reference of is free without anybody's doing.

use std::cell::UnsafeCell;

use crate::ffi::{self, SmallInt};
use crate::layout::*;
use crate::to_c::new_int;

/// Containers of fewer items take freed structs, which are still in the cache.
pub const MANY: usize = 512;
/// Structs of the row: 4 MiB, of which none is memory before it is used.
const PLACES: usize = 1 << 17;
/// References of the row's own: what gives up a few too many of a struct does not free it.
const OWN: u32 = 1 << 16;

struct Row {
    places: UnsafeCell<[SmallInt; PLACES]>,
    /// Where the last container ended.
    end: UnsafeCell<usize>,
}

// SAFETY: used with the GIL held.
unsafe impl Sync for Row {}

// SAFETY: null pointers and zeros; the structs are not used before they are written.
static ROW: Row = unsafe { std::mem::zeroed() };

/// The part of the row that one container takes.
pub struct Part {
    at: usize,
}

impl Part {
    /// From the beginning of the row, where that is free; else from where the last one ended.
    pub fn new() -> Part {
        let part = Part { at: 0 };
        // SAFETY: the GIL is held.
        let free = unsafe { (*(part.place() as *mut PyObject)).ob_refcnt <= OWN };
        // SAFETY: as above.
        if free { part } else { Part { at: unsafe { *ROW.end.get() } } }
    }

    #[inline(always)]
    fn place(&self) -> *mut PyLongObject {
        // SAFETY: the index is below PLACES.
        unsafe { ROW.places.get().cast::<SmallInt>().add(self.at) as *mut PyLongObject }
    }

    /// A new reference to an int that is none of the small ones; NULL, with an exception, when memory is out.
    #[inline(always)]
    pub fn int(&mut self, i: i64) -> *mut PyObject {
        let p = self.place();
        self.at = (self.at + 1) % PLACES;
        let magnitude = i.unsigned_abs();
        // SAFETY: the GIL is held, and nobody has references of a struct that the row alone keeps.
        unsafe {
            if (*(p as *mut PyObject)).ob_refcnt > OWN || magnitude >> 30 != 0 {
                return new_int(i);
            }
            *(p as *mut u64) = OWN as u64 + 1;
            (*(p as *mut PyObject)).ob_type = &raw mut ffi::PyLong_Type;
            (*p).lv_tag = 1 << 3 | ((i < 0) as usize) << 1;
            *((&raw mut (*p).ob_digit) as *mut u32) = magnitude as u32;
        }
        p as *mut PyObject
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        // SAFETY: the GIL is held.
        unsafe { *ROW.end.get() = self.at }
    }
}
