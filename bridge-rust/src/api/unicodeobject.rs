//! `unicodeobject.h`.

use std::ffi::{CStr, c_char, c_int, c_void};

use cape_vm::object::*;
use cape_vm::runtime::{intern, rt, type_of};
use cape_vm::{Ptr, Value};

use super::str_arg;
use crate::enter::{Borrowed, CResult, Cx, New};
use crate::from_c::from_c;
use crate::interned;
use crate::layout::PyObject;
use crate::to_c::{decref, to_c};

fn string(cx: &Cx, o: Borrowed) -> CResult<Ptr<StrObj>> {
    str_arg(cx, o.get(cx)?)
}

fn names(encoding: *const c_char, errors: *const c_char) -> [Value; 2] {
    let or = |p: *const c_char, d: &str| match p.is_null() {
        true => intern(d),
        // SAFETY: the API demands a C string.
        false => intern(&unsafe { CStr::from_ptr(p) }.to_string_lossy()),
    };
    [or(encoding, "utf-8"), or(errors, "strict")]
}

pub fn PyUnicode_AsEncodedString(
    cx: &Cx,
    s: Borrowed,
    encoding: *const c_char,
    errors: *const c_char,
) -> CResult<New> {
    let Some(s) = s.opt(cx)?.and_then(|s| s.downcast::<StrObj>()) else {
        return Err(cx.vm.type_error("bad argument type for built-in operation"));
    };
    cx.give(cx.vm.call_method(s.value(), intern("encode"), &names(encoding, errors))?)
}

pub fn PyUnicode_Decode(
    cx: &Cx,
    s: *const c_char,
    size: isize,
    encoding: *const c_char,
    errors: *const c_char,
) -> CResult<New> {
    if !(0..1 << 47).contains(&size) {
        return Err(cx.vm.memory_error(""));
    }
    let data = if size == 0 {
        &[][..]
    } else {
        // SAFETY: the API demands that many readable bytes.
        unsafe { std::slice::from_raw_parts(s as *const u8, size as usize) }
    };
    let b = BytesObj::new(data).value();
    cx.give(cx.vm.call_method(b, intern("decode"), &names(encoding, errors))?)
}

pub fn PyUnicode_Contains(cx: &Cx, s: Borrowed, sub: Borrowed) -> CResult<c_int> {
    let v = sub.get(cx)?;
    if !v.is::<StrObj>() {
        return Err(cx.vm.type_error(format!(
            "'in <string>' requires string as left operand, not {}",
            type_of(v).name_str()
        )));
    }
    Ok(cx.vm.contains(string(cx, s)?.value(), v)? as c_int)
}

pub fn PyUnicode_FSConverter(cx: &Cx, o: Borrowed, ptr: *mut c_void) -> CResult<c_int> {
    let place = ptr as *mut *mut PyObject;
    const CLEANUP: c_int = 0x20000;
    // SAFETY: the API demands a place for the bytes object.
    unsafe {
        if o.is_null() {
            if !(*place).is_null() {
                decref(*place);
                *place = std::ptr::null_mut();
            }
            return Ok(1);
        }
        let fsencode = cx.vm.import_attr("os", "fsencode")?;
        let b = cx.vm.call(fsencode, &[o.get(cx)?])?;
        if b.downcast::<BytesObj>().is_some_and(|b| b.as_slice().contains(&0)) {
            return Err(cx.vm.value_error("embedded null byte"));
        }
        *place = to_c(cx.vm, b)?;
    }
    Ok(CLEANUP)
}

pub fn PyUnicode_Find(
    cx: &Cx,
    s: Borrowed,
    sub: Borrowed,
    start: isize,
    end: isize,
    direction: c_int,
) -> CResult<isize> {
    let name = if direction >= 0 { "find" } else { "rfind" };
    Ok(in_range(cx, s, sub, start, end, name)?.as_int() as isize)
}

/// A method of `s` that looks for `sub` between two indexes.
fn in_range(cx: &Cx, s: Borrowed, sub: Borrowed, start: isize, end: isize, name: &str) -> CResult<Value> {
    let (s, sub) = (string(cx, s)?, string(cx, sub)?);
    let n = |i: isize| Int::Small(i as i64).into_value();
    cx.vm.call_method(s.value(), intern(name), &[sub.value(), n(start), n(end)])
}

pub fn PyUnicode_Format(cx: &Cx, format: Borrowed, args: Borrowed) -> CResult<New> {
    let given = |o: Borrowed| o.opt(cx)?.ok_or_else(|| super::bad_call(cx));
    let (f, args) = (str_arg(cx, given(format)?)?, given(args)?);
    cx.give(cx.vm.binary(f.value(), args, &cape_vm::ops::MOD)?)
}

/// Replaces the string by the interned one; takes over the reference.
pub fn PyUnicode_InternInPlace(cx: &Cx, p: *mut *mut PyObject) -> CResult<()> {
    // SAFETY: the API demands a place with a reference or NULL.
    unsafe {
        if p.is_null() || (*p).is_null() {
            return Ok(());
        }
        let v = from_c(cx.vm, *p)?;
        let Some(s) = v.downcast::<StrObj>().filter(|s| s.header().map() == rt().maps.str) else {
            return Ok(());
        };
        let i = rt().intern_obj(s);
        if i != v {
            let new = to_c(cx.vm, i)?;
            decref(*p);
            *p = new;
        }
        interned::remember(*p);
    }
    Ok(())
}

pub fn PyUnicode_Replace(cx: &Cx, s: Borrowed, from: Borrowed, to: Borrowed, max: isize) -> CResult<New> {
    let (s, f, t) = (string(cx, s)?, string(cx, from)?, string(cx, to)?);
    let n = Int::Small(max as i64).into_value();
    cx.give(cx.vm.call_method(s.value(), intern("replace"), &[f.value(), t.value(), n])?)
}

pub fn PyUnicode_Split(cx: &Cx, s: Borrowed, sep: Borrowed, max: isize) -> CResult<New> {
    let s = string(cx, s)?;
    let sep = sep.opt(cx)?.map_or(Ok(Value::NONE), |v| str_arg(cx, v).map(Ptr::value))?;
    cx.give(cx.vm.call_method(s.value(), intern("split"), &[sep, Int::Small(max as i64).into_value()])?)
}

pub fn PyUnicode_Tailmatch(
    cx: &Cx,
    s: Borrowed,
    sub: Borrowed,
    start: isize,
    end: isize,
    direction: c_int,
) -> CResult<isize> {
    let name = if direction > 0 { "endswith" } else { "startswith" };
    Ok((in_range(cx, s, sub, start, end, name)? == Value::TRUE) as isize)
}

pub fn _PyUnicode_IsWhitespace(_cx: &Cx, ch: u32) -> c_int {
    matches!(ch, 0x1c..=0x1f) as c_int | char::from_u32(ch).is_some_and(char::is_whitespace) as c_int
}

#[cfg(feature = "twins")]
pub use super::twins::{
    PyUnicode_AsUTF8AndSize, PyUnicode_Compare, PyUnicode_CompareWithASCIIString, PyUnicode_Concat,
    PyUnicode_FromString, PyUnicode_FromStringAndSize, PyUnicode_GetLength, PyUnicode_InternFromString,
    PyUnicode_ReadChar, PyUnicode_Substring,
};
