//! The calls that programs make most, one short path for each calling convention. Whatever is unusual about a call goes to
//! [`call_c::call`](crate::call_c::call), which knows all conventions and words the errors.

use std::cell::Cell;
use std::ffi::c_void;
use std::mem::transmute;
use std::ptr::null_mut;

use cape_vm::native::{MethodDef, RawFn};
use cape_vm::object::*;
use cape_vm::{Ptr, Res, Value, Vm};

use crate::arguments::Arguments;
use crate::call_c::{Hold, call, callable_name, defining_class};
use crate::cross::{MOST, cross, cross_all};
use crate::error::check_result;
use crate::layout::*;
use crate::to_c::{kwargs_dict, linked};
use crate::unseen;

type Names = Option<Ptr<TupleObj>>;
/// A function with `METH_FASTCALL`.
pub type Fast = unsafe extern "C" fn(*mut PyObject, *const *mut PyObject, isize) -> *mut PyObject;
/// A function with `METH_FASTCALL | METH_KEYWORDS`.
pub type FastKw =
    unsafe extern "C" fn(*mut PyObject, *const *mut PyObject, isize, *mut PyObject) -> *mut PyObject;

/// Names of keyword arguments, if there are any: a tuple without names says that the call had an empty dict.
#[inline(always)]
pub fn given(names: Names) -> Names {
    names.filter(|n| !n.is_empty())
}

/// The flags of [`FastKw`].
pub const FASTCALL_KW: i32 = meth::FASTCALL | meth::KEYWORDS;

/// A function with `METH_METHOD | METH_FASTCALL | METH_KEYWORDS`, which also gets the class that defines it.
pub type MethodKw = unsafe extern "C" fn(
    *mut PyObject,
    *mut PyTypeObject,
    *const *mut PyObject,
    usize,
    *mut PyObject,
) -> *mut PyObject;

/// The flags of [`MethodKw`].
pub const METHOD_KW: i32 = meth::METHOD | meth::FASTCALL | meth::KEYWORDS;

/// The flags of a function that takes a tuple and a dict.
pub const VARARGS_KW: i32 = meth::VARARGS | meth::KEYWORDS;

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
        METHOD_KW => method_keywords,
        meth::VARARGS => varargs,
        VARARGS_KW => varargs_keywords,
        _ => call,
    }
}

/// Whether a row's function is one of [`entry`]'s.
pub fn is_entry(f: RawFn) -> bool {
    [call as RawFn, noargs, one, fastcall, fastcall_keywords, method_keywords, varargs, varargs_keywords]
        .iter()
        .any(|&e| std::ptr::fn_addr_eq(e, f))
}

#[inline(always)]
fn function(def: &'static MethodDef) -> *const c_void {
    // SAFETY: the row was made for a definition that is alive.
    def.raw.map_or(std::ptr::null(), |r| unsafe { (*(r.data[0] as *mut PyMethodDef)).ml_meth })
}

#[inline(always)]
fn finish(vm: &Vm, def: &'static MethodDef, this: Value, p: *mut PyObject) -> Res<Value> {
    check_result(vm, move || callable_name(vm, def, this), p)
}

fn noargs(vm: &Vm, def: &'static MethodDef, args: &[Value], names: Names) -> Res<Value> {
    let (&[this], None) = (args, given(names)) else { return call(vm, def, args, names) };
    cross(vm, [this], move |p| {
        // SAFETY: the flags say the signature; the receiver is lent for the call.
        let r = unsafe { transmute::<*const c_void, binaryfunc>(function(def))(p[0], null_mut()) };
        finish(vm, def, this, r)
    })
}

fn one(vm: &Vm, def: &'static MethodDef, args: &[Value], names: Names) -> Res<Value> {
    let (&[this, a], None) = (args, given(names)) else { return call(vm, def, args, names) };
    cross(vm, [this, a], move |p| {
        // SAFETY: as above.
        let r = unsafe { transmute::<*const c_void, binaryfunc>(function(def))(p[0], p[1]) };
        finish(vm, def, this, r)
    })
}

fn fastcall(vm: &Vm, def: &'static MethodDef, args: &[Value], names: Names) -> Res<Value> {
    if given(names).is_some() {
        return call(vm, def, args, names);
    }
    let enter = move |p: *const *mut PyObject| {
        // SAFETY: as above; the arguments follow the receiver.
        let r =
            unsafe { transmute::<*const c_void, Fast>(function(def))(*p, p.add(1), args.len() as isize - 1) };
        finish(vm, def, args[0], r)
    };
    match *args {
        [this, a] => cross(vm, [this, a], move |p| enter(p.as_ptr())),
        [this, a, b] => cross(vm, [this, a, b], move |p| enter(p.as_ptr())),
        [] => call(vm, def, args, names),
        _ if args.len() > MOST => call(vm, def, args, names),
        _ => cross_all(vm, args, enter),
    }
}

/// As [`cross_all`], where the last values are those of `names`: `call` also gets how many arguments are positional, and the C side
/// of the names (null: none).
#[inline(always)]
pub fn cross_named(
    vm: &Vm,
    values: &[Value],
    names: Names,
    call: impl FnOnce(*const *mut PyObject, usize, *mut PyObject) -> Res<Value>,
) -> Res<Value> {
    let all = values.len() - 1;
    let (positional, names) = match given(names) {
        None => (all, null_mut()),
        Some(n) => (all - n.len(), linked(vm, n.value())?),
    };
    cross_all(vm, values, move |p| call(p, positional, names))
}

fn fastcall_keywords(vm: &Vm, def: &'static MethodDef, args: &[Value], names: Names) -> Res<Value> {
    if args.is_empty() || args.len() > MOST {
        return call(vm, def, args, names);
    }
    cross_named(vm, args, names, move |p, positional, names| {
        // SAFETY: as above.
        let r = unsafe {
            let f = transmute::<*const c_void, FastKw>(function(def));
            f(*p, p.add(1), positional as isize, names)
        };
        finish(vm, def, args[0], r)
    })
}

fn method_keywords(vm: &Vm, def: &'static MethodDef, args: &[Value], names: Names) -> Res<Value> {
    if args.is_empty() || args.len() > MOST {
        return call(vm, def, args, names);
    }
    cross_named(vm, args, names, move |p, positional, names| {
        // SAFETY: as above.
        let r = unsafe {
            let f = transmute::<*const c_void, MethodKw>(function(def));
            f(*p, defining_class(def), p.add(1), positional, names)
        };
        finish(vm, def, args[0], r)
    })
}

fn varargs(vm: &Vm, def: &'static MethodDef, args: &[Value], names: Names) -> Res<Value> {
    let (Some((&this, rest)), None) = (args.split_first(), given(names)) else {
        return call(vm, def, args, names);
    };
    let t = Arguments::new(vm, rest)?;
    cross(vm, [this], |p| {
        // SAFETY: as above.
        let r = unsafe { transmute::<*const c_void, binaryfunc>(function(def))(p[0], t.tuple()) };
        finish(vm, def, this, r)
    })
}

fn varargs_keywords(vm: &Vm, def: &'static MethodDef, args: &[Value], names: Names) -> Res<Value> {
    let Some((&this, rest)) = args.split_first() else { return call(vm, def, args, names) };
    let positional = rest.len() - names.map_or(0, |n| n.len());
    let t = Arguments::new(vm, &rest[..positional])?;
    let k = Hold(kwargs_dict(vm, names, &rest[positional..])?);
    cross(vm, [this], |p| {
        // SAFETY: as above.
        let r = unsafe { transmute::<*const c_void, ternaryfunc>(function(def))(p[0], t.tuple(), k.0) };
        finish(vm, def, this, r)
    })
}

/// See [`Foreign::call_with_dict`](cape_vm::foreign::Foreign::call_with_dict).
pub fn call_with_dict(
    vm: &Vm,
    def: &'static MethodDef,
    this: Value,
    args: &[Value],
    names: Ptr<DictObj>,
) -> Option<Res<Value>> {
    // (Whether the names are strings is the function's business, as in CPython.)
    if !std::ptr::fn_addr_eq(def.raw.as_ref()?.call, varargs_keywords as RawFn) {
        return None;
    }
    let call = || {
        let t = Arguments::new(vm, args)?;
        let at = Cell::new(0);
        let next = |_| {
            let (i, e) = names.table.next_entry(at.get())?;
            at.set(i + 1);
            Some((e.key, e.value))
        };
        let own = unseen::of(vm, names.len(), next)?.map(Hold);
        let k = match &own {
            Some(k) => k.0,
            None => linked(vm, names.value())?,
        };
        cross(vm, [this], |p| {
            // SAFETY: as above. The caller's value keeps the dict.
            let r = unsafe { transmute::<*const c_void, ternaryfunc>(function(def))(p[0], t.tuple(), k) };
            finish(vm, def, this, r)
        })
    };
    Some(call())
}
