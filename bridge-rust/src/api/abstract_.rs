//! `abstract.h`: numbers, sequences, mappings, objects.

use std::ffi::c_int;

use cape_vm::Value;
use cape_vm::object::*;
use cape_vm::ops;
use cape_vm::runtime::{intern, rt, type_of};
use cape_vm::special::Special;

use super::bad_call;
use crate::enter::{Borrowed, CResult, Cx, New};
use crate::slots::{INPLACE_POWER, OPERATORS, slot_behind};

/// A binary operation; flag 1: in place; 2: number slots have been asked.
pub fn operation(cx: &Cx, a: Borrowed, b: Borrowed, operator: c_int, flags: c_int) -> CResult<New> {
    let op = OPERATORS[operator as usize];
    let (x, y) = (a.get(cx)?, b.get(cx)?);
    cx.give(match flags {
        0 => cx.vm.binary(x, y, op)?,
        1 => cx.vm.inplace(x, y, op)?,
        _ => cx.vm.by_sequences(x, y, op, flags & 1 != 0)?,
    })
}

/// `-o`, `+o`, `~o`, `abs(o)`.
pub fn unary_operation(cx: &Cx, o: Borrowed, operator: c_int) -> CResult<New> {
    let (special, symbol) = [
        (Special::Neg, "unary -"),
        (Special::Pos, "unary +"),
        (Special::Invert, "unary ~"),
        (Special::Abs, "abs()"),
    ][operator as usize];
    cx.give(cx.vm.unary(o.get(cx)?, special, symbol)?)
}

fn ternary(cx: &Cx, a: Borrowed, b: Borrowed, m: Borrowed, in_place: bool) -> CResult<New> {
    let (x, y) = (a.get(cx)?, b.get(cx)?);
    match m.opt(cx)? {
        Some(z) if !z.is_none() => {
            let own = if in_place { type_of(x).special(Special::Ipow) } else { Value::EMPTY };
            if !own.is_empty() {
                // A slot of C takes the modulus, a method of Python does not.
                let all = [x, y, z];
                let n = if slot_behind(own, INPLACE_POWER).is_some() { 3 } else { 2 };
                let r = cx.vm.call_special(own, &all[..n])?;
                if r != Value::NOT_IMPLEMENTED {
                    return cx.give(r);
                }
            }
            let symbol = if in_place { "**=" } else { "** or pow()" };
            cx.give(cape_builtins::functions::power(cx.vm, x, y, z, symbol)?)
        }
        _ if in_place => cx.give(cx.vm.inplace(x, y, &ops::POW)?),
        _ => cx.give(cx.vm.binary(x, y, &ops::POW)?),
    }
}

pub fn PyNumber_Power(cx: &Cx, a: Borrowed, b: Borrowed, m: Borrowed) -> CResult<New> {
    ternary(cx, a, b, m, false)
}

pub fn PyNumber_InPlacePower(cx: &Cx, a: Borrowed, b: Borrowed, m: Borrowed) -> CResult<New> {
    ternary(cx, a, b, m, true)
}

pub fn PyNumber_Float(cx: &Cx, o: Borrowed) -> CResult<New> {
    cx.give(Value::float(cape_builtins::float::to_float(cx.vm, o.get(cx)?)?))
}

pub fn PyNumber_Long(cx: &Cx, o: Borrowed) -> CResult<New> {
    cx.give(cape_builtins::int::to_int(cx.vm, o.get(cx)?)?)
}

pub fn PyNumber_ToBase(cx: &Cx, n: Borrowed, base: c_int) -> CResult<New> {
    let name = match base {
        2 => "bin",
        8 => "oct",
        16 => "hex",
        10 => return cx.give(cx.vm.str(cx.vm.index_value(n.get(cx)?)?)?.value()),
        _ => return Err(cx.vm.system_error("PyNumber_ToBase: base must be 2, 8, 10 or 16")),
    };
    let f = rt().builtins().get_str(intern(name)).ok_or_else(|| bad_call(cx))?;
    cx.give(cx.vm.call(f, &[n.get(cx)?])?)
}

pub fn PyMapping_Items(cx: &Cx, o: Borrowed) -> CResult<New> {
    let v = o.get(cx)?;
    let items = cx.vm.call_method(v, rt().names.items, &[])?;
    let a = cx.vm.list_of(items)?;
    cx.give(ListObj::from_array(a, a.len()).value())
}

pub fn PyObject_Format(cx: &Cx, o: Borrowed, spec: Borrowed) -> CResult<New> {
    let v = o.get(cx)?;
    let spec = match spec.opt(cx)? {
        None => rt().empty_str(),
        Some(s) => match s.downcast::<StrObj>() {
            Some(s) => s,
            None => {
                return Err(cx.vm.system_error(format!(
                    "Format specifier must be a string, not {}",
                    type_of(s).name_str()
                )));
            }
        },
    };
    let exact = v.is_ptr() && v.header().map() == rt().maps.str || v.is_int();
    if !(spec.is_empty() && exact) && crate::error::is_set(cx.vm) {
        let before = crate::error::take(cx.vm);
        let method = cx.vm.get_attr(v, intern("__format__"))?;
        before.into_iter().for_each(|r| crate::error::set(cx.vm, r));
        super::result_with_error(cx, method)?;
    }
    cx.give(cx.vm.format(v, spec)?.value())
}

pub fn PyObject_IsInstance(cx: &Cx, o: Borrowed, c: Borrowed) -> CResult<c_int> {
    Ok(cx.vm.is_instance(o.get(cx)?, c.get(cx)?)? as c_int)
}

pub fn PyObject_IsSubclass(cx: &Cx, o: Borrowed, c: Borrowed) -> CResult<c_int> {
    Ok(cx.vm.is_subclass(o.get(cx)?, c.get(cx)?)? as c_int)
}

pub fn PyObject_LengthHint(cx: &Cx, o: Borrowed, default: isize) -> CResult<isize> {
    Ok(cx.vm.length_hint(o.get(cx)?)?.map_or(default, |n| n as isize))
}

#[cfg(feature = "twins")]
pub use super::twins::{
    PyIter_Next, PyNumber_Index, PyObject_Call, PyObject_CallNoArgs, PyObject_CallOneArg, PyObject_GetItem,
    PyObject_GetIter, PyObject_SetItem, PyObject_Size, PyObject_Type, PyObject_Vectorcall,
    PySequence_GetItem, PySequence_Size, PySequence_Tuple,
};
