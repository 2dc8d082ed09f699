//! The write barrier: one flag test in the header of the object that is stored into.

use crate::heap::heap;
use crate::object::{Header, ObjFlags};

/// Must follow every store of a managed pointer into a heap object that may be old.
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
