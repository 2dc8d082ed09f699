//! The calls that programs make most, one short path for each calling convention. Whatever is unusual about a call goes to
//! [`call_c::call`](crate::call_c::call), which knows all conventions and words the errors.

use std::ffi::c_void;
use std::mem::{MaybeUninit, transmute};
use std::ptr::null_mut;

use cape_vm::native::{MethodDef, RawFn};
use cape_vm::object::*;
use cape_vm::{Ptr, Res, Value, Vm};

use crate::call_c::{call, callable_name};
use crate::error::check_result;
use crate::handled;
use crate::layout::*;
use crate::lend::{Lent, lend};

type Names = Option<Ptr<TupleObj>>;
/// A function with `METH_FASTCALL`.
pub type Fast = unsafe extern "C" fn(*mut PyObject, *const *mut PyObject, isize) -> *mut PyObject;
/// A function with `METH_FASTCALL | METH_KEYWORDS`.
pub type FastKw =
    unsafe extern "C" fn(*mut PyObject, *const *mut PyObject, isize, *mut PyObject) -> *mut PyObject;

/// The flags of [`FastKw`].
pub const FASTCALL_KW: i32 = meth::FASTCALL | meth::KEYWORDS;

/// Arguments that a call may have to stay on the short path.
const SHORT: usize = 6;

/// The entry for a function with these `METH_*` flags whose receiver is passed.
pub fn entry(flags: i32) -> RawFn {
    let of_convention = meth::VARARGS
        | meth::KEYWORDS
        | meth::NOARGS
        | meth::O
        | meth::FASTCALL
        | meth::METHOD
        | meth::STATIC;
    match flags & of_convention {
        meth::NOARGS => noargs,
        meth::O => one,
        meth::FASTCALL => fastcall,
        FASTCALL_KW => fastcall_keywords,
        _ => call,
    }
}

/// Whether a row's function is one of [`entry`]'s.
pub fn is_entry(f: RawFn) -> bool {
    [call as RawFn, noargs, one, fastcall, fastcall_keywords].iter().any(|&e| std::ptr::fn_addr_eq(e, f))
}

#[inline(always)]
fn function(def: &'static MethodDef) -> *const c_void {
    // SAFETY: the row was made for a definition that is alive.
    def.raw.map_or(std::ptr::null(), |r| unsafe { (*(r.data[0] as *mut PyMethodDef)).ml_meth })
}

#[inline(always)]
fn finish(vm: &Vm, def: &'static MethodDef, this: Value, p: *mut PyObject) -> Res<Value> {
    check_result(vm, || callable_name(vm, def, this), p)
}

fn noargs(vm: &Vm, def: &'static MethodDef, args: &[Value], names: Names) -> Res<Value> {
    let ([this], None) = (args, names) else { return call(vm, def, args, names) };
    let this_c = lend(vm, *this)?;
    let _shown = handled::show(vm);
    // SAFETY: the flags say the signature; the receiver is lent for the call.
    let p = unsafe { transmute::<*const c_void, binaryfunc>(function(def))(this_c.ptr(), null_mut()) };
    finish(vm, def, *this, p)
}

fn one(vm: &Vm, def: &'static MethodDef, args: &[Value], names: Names) -> Res<Value> {
    let ([this, a], None) = (args, names) else { return call(vm, def, args, names) };
    let (this_c, a) = (lend(vm, *this)?, lend(vm, *a)?);
    let _shown = handled::show(vm);
    // SAFETY: as above.
    let p = unsafe { transmute::<*const c_void, binaryfunc>(function(def))(this_c.ptr(), a.ptr()) };
    finish(vm, def, *this, p)
}

/// Arguments lent to C in an array, with a free place before them for `PY_VECTORCALL_ARGUMENTS_OFFSET`.
struct Array {
    lent: [MaybeUninit<Lent>; SHORT],
    pointers: [*mut PyObject; SHORT + 1],
    n: usize,
}

impl Array {
    #[inline(always)]
    fn new(vm: &Vm, args: &[Value]) -> Res<Array> {
        let mut a =
            Array { lent: [const { MaybeUninit::uninit() }; SHORT], pointers: [null_mut(); SHORT + 1], n: 0 };
        for (i, &v) in args.iter().enumerate() {
            let l = lend(vm, v)?;
            a.pointers[i + 1] = l.ptr();
            a.lent[i].write(l);
            a.n = i + 1;
        }
        Ok(a)
    }
}

impl Drop for Array {
    #[inline(always)]
    fn drop(&mut self) {
        for l in &mut self.lent[..self.n] {
            // SAFETY: the first n are written.
            unsafe { l.assume_init_drop() }
        }
    }
}

fn fastcall(vm: &Vm, def: &'static MethodDef, args: &[Value], names: Names) -> Res<Value> {
    let (Some((&this, rest)), None) = (args.split_first().filter(|(_, r)| r.len() <= SHORT), names) else {
        return call(vm, def, args, names);
    };
    let (this_c, a) = (lend(vm, this)?, Array::new(vm, rest)?);
    let _shown = handled::show(vm);
    let first = a.pointers[1..].as_ptr();
    // SAFETY: as above.
    let p =
        unsafe { transmute::<*const c_void, Fast>(function(def))(this_c.ptr(), first, rest.len() as isize) };
    finish(vm, def, this, p)
}

fn fastcall_keywords(vm: &Vm, def: &'static MethodDef, args: &[Value], names: Names) -> Res<Value> {
    let Some((&this, rest)) = args.split_first().filter(|(_, r)| r.len() <= SHORT) else {
        return call(vm, def, args, names);
    };
    let (this_c, a) = (lend(vm, this)?, Array::new(vm, rest)?);
    let names = names.filter(|n| !n.is_empty());
    let positional = rest.len() - names.map_or(0, |n| n.len());
    let names_c = match names {
        None => Lent::NOTHING,
        Some(n) => lend(vm, n.value())?,
    };
    let _shown = handled::show(vm);
    let first = a.pointers[1..].as_ptr();
    // SAFETY: as above.
    let p = unsafe {
        let f = transmute::<*const c_void, FastKw>(function(def));
        f(this_c.ptr(), first, positional as isize, names_c.ptr())
    };
    finish(vm, def, this, p)
}
