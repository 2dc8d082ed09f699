//! `longobject.h`.

use std::ffi::{c_char, c_int};

use cape_vm::Value;
use cape_vm::object::*;
use cape_vm::runtime::rt;

use super::text;
use crate::enter::{CResult, Cx, New};

pub fn PyLong_FromString(cx: &Cx, s: *const c_char, end: *mut *mut c_char, base: c_int) -> CResult<New> {
    let t = text(cx, s)?;
    // Without a place for the end, all of the text must be a number; with one, the longest prefix that is.
    let digits = if end.is_null() { t.as_str() } else { prefix(&t, base) };
    if !end.is_null() {
        // SAFETY: the end is inside the string.
        unsafe { *end = s.add(digits.len()) as *mut c_char };
    }
    let v = StrObj::new(digits).value();
    cx.give(cx.vm.call(rt().types.int.value(), &[v, Value::int(base as i64)])?)
}

fn prefix(t: &str, base: c_int) -> &str {
    let start = t.len() - t.trim_start().len();
    let mut n = start;
    let b = t.as_bytes();
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
    &t[..n]
}

#[cfg(feature = "twins")]
pub use super::twins::{
    PyLong_AsDouble, PyLong_AsLong, PyLong_AsLongLong, PyLong_AsSsize_t, PyLong_FromLong,
};
