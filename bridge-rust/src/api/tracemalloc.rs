//! `tracemalloc.h`: memory that an extension took elsewhere, numpy's arrays for one.

use std::ffi::{c_int, c_uint};
use std::sync::atomic::{AtomicUsize, Ordering};

use cape_stdlib::tracemalloc;
use cape_vm::{Vm, vm};

use crate::{ffi, thread};

/// What is returned when nothing is traced.
const DISABLED: c_int = -2;

pub fn PyTraceMalloc_Track(domain: c_uint, ptr: usize, size: usize) -> c_int {
    // SAFETY: a counter, which all change atomically that have no GIL.
    unsafe { AtomicUsize::from_ptr(&raw mut ffi::_Cape_allocated) }.fetch_add(size, Ordering::Relaxed);
    traced(|vm| tracemalloc::track(vm, domain, ptr, size))
}

pub fn PyTraceMalloc_Untrack(domain: c_uint, ptr: usize) -> c_int {
    traced(|_| tracemalloc::untrack(domain, ptr))
}

/// Calls `f` with the GIL, if allocations are traced; it says whether they still are.
fn traced(f: impl FnOnce(&Vm) -> bool) -> c_int {
    if !tracemalloc::is_tracing() {
        return DISABLED;
    }
    let state = thread::ensure();
    let vm = vm::current();
    let done = f(vm);
    thread::leave(vm, state);
    if done { 0 } else { DISABLED }
}
