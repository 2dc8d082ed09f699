//! The write barrier: one flag test in the header of the object that is stored into.

use std::cell::Cell;

use crate::Value;
use crate::heap::heap;
use crate::object::{Header, ObjFlags};

/// Must follow every store of a managed pointer into a heap object that may be old. The next minor collection looks at the
/// whole object: for stores into what may be a large array, [`write_barrier_at`] is better.
#[inline(always)]
pub fn write_barrier(owner: &Header) {
    if owner.has(ObjFlags::BARRIER) {
        remember(owner);
    }
}

#[cold]
#[inline(never)]
fn remember(owner: &Header) {
    heap().remember(owner);
}

/// As [`write_barrier`], for a store into one cell of the object: of a large object only that cell is remembered.
#[inline(always)]
pub fn write_barrier_at(owner: &Header, cell: &Cell<Value>) {
    if owner.has(ObjFlags::BARRIER) {
        remember_at(owner, cell);
    }
}

#[cold]
#[inline(never)]
fn remember_at(owner: &Header, cell: &Cell<Value>) {
    heap().remember_at(owner, cell);
}
