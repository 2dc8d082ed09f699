//! The crossing into C that functions, slots and attributes share: a short way for arguments whose C sides exist already, and a long
//! way for all others.

use std::mem::MaybeUninit;

use cape_heap::heap;
use cape_vm::object::*;
use cape_vm::runtime::rt;
use cape_vm::{Res, Value, Vm};

use crate::from_c::{link, link_of};
use crate::handled::{self, Shown};
use crate::layout::PyObject;
use crate::lend::{Lent, borrowed, lend};
use crate::mirror;
use crate::to_c::decref;

/// Values that one crossing may have.
pub const MOST: usize = 8;

/// What the long way holds while C runs.
struct Held<'a> {
    lent: [MaybeUninit<Lent>; MOST],
    n: usize,
    /// The values that crossed as copies, a bit for each; and the copies.
    copied: u32,
    copies: [MaybeUninit<*mut PyObject>; MOST],
    shown: Option<Shown<'a>>,
}

impl Held<'_> {
    /// C has returned: a copy that it kept is the value's C side from now on.
    #[inline(never)]
    fn leave(&mut self, values: &[Value]) {
        self.shown = None;
        while self.copied != 0 {
            let i = self.copied.trailing_zeros() as usize;
            self.copied &= self.copied - 1;
            // SAFETY: the copy was written with its bit, and its reference is ours. The link takes one of its own.
            unsafe {
                let (p, h) = (self.copies[i].assume_init(), values[i].header());
                if (*p).ob_refcnt != 1 && h.link() == 0 && link_of(p) == 0 {
                    link(h, p);
                }
                decref(p);
            }
        }
        for l in self.lent[..self.n].iter_mut().rev() {
            // SAFETY: the first n are written.
            unsafe { l.assume_init_drop() }
        }
    }
}

/// Bytes of text, and items, of values that cross as copies.
const SMALL: usize = 512;
const FEW: usize = 16;

/// A copy for C of a small immutable value that is young, and so most likely never crosses again: no link is made and undone for it.
fn copy(vm: &Vm, v: Value) -> Option<Res<*mut PyObject>> {
    if !v.is_ptr() || !heap().is_young(v) {
        return None;
    }
    let (map, maps) = (v.header().map(), &rt().maps);
    let small = if map == maps.str {
        v.downcast::<StrObj>()?.raw_bytes().len() <= SMALL
    } else if map == maps.bytes {
        v.downcast::<BytesObj>()?.len() <= SMALL
    } else if map == maps.tuple {
        v.downcast::<TupleObj>()?.len() <= FEW
    } else {
        false
    };
    small.then(|| mirror::make(vm, v))
}

/// The way that a crossing takes.
struct Way<'a> {
    long: bool,
    held: MaybeUninit<Held<'a>>,
}

impl Way<'_> {
    /// C has returned.
    #[inline(always)]
    fn leave(&mut self, vm: &Vm, values: &[Value]) {
        if self.long {
            // SAFETY: the long way holds something.
            unsafe { self.held.assume_init_mut() }.leave(values);
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
    way.leave(vm, &values);
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
    way.leave(vm, values);
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
    let held = held.write(Held {
        lent: [const { MaybeUninit::uninit() }; MOST],
        n: 0,
        copied: 0,
        copies: [const { MaybeUninit::uninit() }; MOST],
        shown: None,
    });
    match lend_all(vm, values, pointers, held) {
        Ok(()) => {
            held.shown = Some(handled::show(vm));
            Ok(())
        }
        Err(r) => {
            held.leave(values);
            Err(r)
        }
    }
}

fn lend_all(vm: &Vm, values: &[Value], pointers: &mut [*mut PyObject], held: &mut Held<'_>) -> Res<()> {
    for (i, (p, &v)) in pointers.iter_mut().zip(values).enumerate() {
        if !p.is_null() {
            continue;
        }
        if let Some(c) = copy(vm, v) {
            *p = c?;
            held.copies[i].write(*p);
            held.copied |= 1 << i;
        } else {
            let l = lend(vm, v)?;
            *p = l.ptr();
            held.lent[held.n].write(l);
            held.n += 1;
        }
    }
    Ok(())
}
