//! The crossing into C that functions, slots and attributes share: a short way for arguments whose C sides exist already, and a long
//! way for all others.

use std::mem::MaybeUninit;

use cape_vm::{Res, Value, Vm};

use crate::handled;
use crate::layout::PyObject;
use crate::lend::{Numbers, borrowed, give_back, lend_quickly};

/// Values that one crossing may have.
pub const MOST: usize = 16;

/// Enters C with the C sides of `values`, which live until `call` returns; `call` checks what C answered.
#[inline(always)]
pub fn cross<const N: usize>(
    vm: &Vm,
    values: [Value; N],
    call: impl FnOnce(&[*mut PyObject; N]) -> Res<Value>,
) -> Res<Value> {
    const { assert!(N <= MOST) };
    // (`map` of an array is not inlined.)
    let mut pointers = [std::ptr::null_mut(); N];
    for (p, v) in pointers.iter_mut().zip(values) {
        *p = borrowed(v);
    }
    if handled::nothing(vm) && pointers.iter().all(|p| !p.is_null()) {
        let r = call(&pointers);
        came_back(vm);
        return r;
    }
    cross_long(vm, &values, &mut pointers, |p| {
        // SAFETY: as many pointers as there are values.
        call(unsafe { &*(p as *const [*mut PyObject; N]) })
    })
}

/// As [`cross`], for a number of values (at most [`MOST`]) that only the running program knows. `call` gets the first pointer.
#[inline(always)]
pub fn cross_all(
    vm: &Vm,
    values: &[Value],
    call: impl FnOnce(*const *mut PyObject) -> Res<Value>,
) -> Res<Value> {
    let mut pointers = [const { MaybeUninit::uninit() }; MOST];
    let mut short = handled::nothing(vm);
    for (p, &v) in pointers.iter_mut().zip(values) {
        let b = borrowed(v);
        p.write(b);
        short &= !b.is_null();
    }
    if short {
        let r = call(pointers.as_ptr().cast());
        came_back(vm);
        return r;
    }
    // SAFETY: as many are written as there are values.
    let pointers = unsafe { std::slice::from_raw_parts_mut(pointers.as_mut_ptr().cast(), values.len()) };
    cross_long(vm, values, pointers, call)
}

/// The long way of both: what has no C side yet gets one, and small numbers are lent. Large ones, and exceptions that are handled, go a
/// still longer one.
#[inline(never)]
fn cross_long(
    vm: &Vm,
    values: &[Value],
    pointers: &mut [*mut PyObject],
    call: impl FnOnce(*const *mut PyObject) -> Res<Value>,
) -> Res<Value> {
    if handled::nothing(vm)
        && let Some(first) = lend_quickly(vm, values, pointers)?
    {
        let r = call(pointers.as_ptr());
        give_back(first);
        came_back(vm);
        return r;
    }
    cross_lent(vm, values, pointers, call)
}

#[inline(never)]
fn cross_lent(
    vm: &Vm,
    values: &[Value],
    pointers: &mut [*mut PyObject],
    call: impl FnOnce(*const *mut PyObject) -> Res<Value>,
) -> Res<Value> {
    let mut numbers = Numbers::none();
    numbers.lend_all(vm, values, pointers)?;
    let _shown = handled::show(vm);
    call(pointers.as_ptr())
}

/// C, which was shown no handled exception, has returned.
#[inline(always)]
pub fn came_back(vm: &Vm) {
    if !handled::still_nothing(vm) {
        handled::hide(vm);
    }
}
