//! The crossing into C that functions, slots and attributes share: a short way for arguments whose C sides exist already, and a long
//! way for all others.

use std::mem::MaybeUninit;

use cape_vm::{Res, Value, Vm};

use crate::handled::{self, Shown};
use crate::layout::PyObject;
use crate::lend::{Lent, borrowed, lend};

/// Values that one crossing may have.
pub const MOST: usize = 8;

/// What the long way holds while C runs.
struct Held<'a> {
    lent: [MaybeUninit<Lent>; MOST],
    n: usize,
    shown: Option<Shown<'a>>,
}

impl Held<'_> {
    /// C has returned.
    #[inline(never)]
    fn leave(&mut self) {
        self.shown = None;
        for l in self.lent[..self.n].iter_mut().rev() {
            // SAFETY: the first n are written.
            unsafe { l.assume_init_drop() }
        }
    }
}

/// The way that a crossing takes.
struct Way<'a> {
    long: bool,
    held: MaybeUninit<Held<'a>>,
}

impl Way<'_> {
    /// C has returned.
    #[inline(always)]
    fn leave(&mut self, vm: &Vm) {
        if self.long {
            // SAFETY: the long way holds something.
            unsafe { self.held.assume_init_mut() }.leave();
        } else if !handled::still_nothing(vm) {
            handled::hide(vm);
        }
    }
}

/// Enters C with the C sides of `values`, which live until `call` returns; `call` checks what C answered.
#[inline(always)]
pub fn cross<const N: usize>(
    vm: &Vm,
    values: [Value; N],
    call: impl FnOnce(&[*mut PyObject; N]) -> Res<Value>,
) -> Res<Value> {
    const { assert!(N <= MOST) };
    let mut pointers = values.map(borrowed);
    let mut way = Way { long: false, held: MaybeUninit::uninit() };
    if !handled::nothing(vm) || pointers.iter().any(|p| p.is_null()) {
        begin(vm, &values, &mut pointers, &mut way.held)?;
        way.long = true;
    }
    let r = call(&pointers);
    way.leave(vm);
    r
}

/// As [`cross`], for a number of values (at most [`MOST`]) that only the running program knows. `call` gets the first pointer.
#[inline(always)]
pub fn cross_all(
    vm: &Vm,
    values: &[Value],
    call: impl FnOnce(*const *mut PyObject) -> Res<Value>,
) -> Res<Value> {
    let mut pointers = [const { MaybeUninit::uninit() }; MOST];
    let mut way = Way { long: !handled::nothing(vm), held: MaybeUninit::uninit() };
    for (p, &v) in pointers.iter_mut().zip(values) {
        let b = borrowed(v);
        p.write(b);
        way.long |= b.is_null();
    }
    if way.long {
        way.long = false;
        // SAFETY: as many are written as there are values.
        let written = unsafe { std::slice::from_raw_parts_mut(pointers.as_mut_ptr().cast(), values.len()) };
        begin(vm, values, written, &mut way.held)?;
        way.long = true;
    }
    let r = call(pointers.as_ptr().cast());
    way.leave(vm);
    r
}

/// Begins the long way: what has no C side that could be borrowed gets one, and C is shown the handled exception.
#[inline(never)]
fn begin<'a>(
    vm: &'a Vm,
    values: &[Value],
    pointers: &mut [*mut PyObject],
    held: &mut MaybeUninit<Held<'a>>,
) -> Res<()> {
    let held = held.write(Held { lent: [const { MaybeUninit::uninit() }; MOST], n: 0, shown: None });
    match lend_all(vm, values, pointers, held) {
        Ok(()) => {
            held.shown = Some(handled::show(vm));
            Ok(())
        }
        Err(r) => {
            held.leave();
            Err(r)
        }
    }
}

fn lend_all(vm: &Vm, values: &[Value], pointers: &mut [*mut PyObject], held: &mut Held<'_>) -> Res<()> {
    for (p, &v) in pointers.iter_mut().zip(values) {
        if p.is_null() {
            let l = lend(vm, v)?;
            *p = l.ptr();
            held.lent[held.n].write(l);
            held.n += 1;
        }
    }
    Ok(())
}
