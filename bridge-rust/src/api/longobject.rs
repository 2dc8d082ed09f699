//! `longobject.h`.

use std::ffi::{CStr, c_char, c_int};

use cape_vm::object::*;
use cape_vm::runtime::rt;
use cape_vm::{Raised, Value};

use super::text;
use crate::enter::{CResult, Cx, New};

pub fn PyLong_FromString(cx: &Cx, s: *const c_char, end: *mut *mut c_char, base: c_int) -> CResult<New> {
    if base != 0 && !(2..=36).contains(&base) {
        return Err(cx.vm.value_error("int() arg 2 must be >= 2 and <= 36"));
    }
    if s.is_null() {
        return Err(super::bad_call(cx));
    }
    // SAFETY: the API demands a C string; the end is inside it.
    let bytes = unsafe { CStr::from_ptr(s) }.to_bytes();
    let stop = |n: usize| {
        if !end.is_null() {
            // SAFETY: as above.
            unsafe { *end = s.add(n) as *mut c_char };
        }
    };
    // Where it stops to be a number; all of it must be one.
    stop(prefix(bytes, base));
    let t = text(cx, s)?;
    // Digits of other scripts are none here.
    let value = t
        .is_ascii()
        .then(|| cx.vm.call(rt().types.int.value(), &[StrObj::new(&t).value(), Value::int(base as i64)]));
    match value {
        Some(Ok(value)) => {
            stop(bytes.len());
            cx.give(value)
        }
        Some(Err(r)) if !r.is(rt().types.value_error) || too_long(cx, &r) => Err(r),
        _ => {
            let shown = cx.vm.repr_str(StrObj::new(&t).value())?;
            let base = radix(bytes, base);
            Err(cx.vm.value_error(format!("invalid literal for int() with base {base}: {shown}")))
        }
    }
}

fn too_long(cx: &Cx, r: &Raised) -> bool {
    cx.vm.str(r.value()).is_ok_and(|s| s.display().starts_with("Exceeds the limit"))
}

/// The base that a number is read with; 0 for one that begins with a zero, and must be zero then.
fn radix(b: &[u8], base: c_int) -> c_int {
    let start = b.iter().take_while(|c| c.is_ascii_whitespace() || **c == 0x0b).count();
    let digits = b[start..].strip_prefix(b"+").or(b[start..].strip_prefix(b"-")).unwrap_or(&b[start..]);
    match digits {
        _ if base != 0 => base,
        [b'0', b'x' | b'X', ..] => 16,
        [b'0', b'o' | b'O', ..] => 8,
        [b'0', b'b' | b'B', ..] => 2,
        [b'0', ..] => 0,
        _ => 10,
    }
}

fn prefix(b: &[u8], base: c_int) -> usize {
    let mut n = b.iter().take_while(|c| c.is_ascii_whitespace() || **c == 0x0b).count();
    if matches!(b.get(n), Some(b'+' | b'-')) {
        n += 1;
    }
    let mut radix = if base == 0 { 10 } else { base as u32 };
    if b.get(n) == Some(&b'0') {
        let r = match b.get(n + 1) {
            Some(b'x' | b'X') => 16,
            Some(b'o' | b'O') => 8,
            Some(b'b' | b'B') => 2,
            _ => 0,
        };
        if r != 0 && (base == 0 || base as u32 == r) {
            radix = r;
            n += 2;
        }
    }
    while b.get(n).is_some_and(|c| (*c as char).is_digit(radix) || *c == b'_') {
        n += 1;
    }
    n
}

#[cfg(feature = "twins")]
pub use super::twins::{
    PyLong_AsDouble, PyLong_AsLong, PyLong_AsLongLong, PyLong_AsSsize_t, PyLong_FromLong,
};
