//! `pystrtod.h`.

use std::ffi::{CStr, CString, c_char, c_int};

use cape_vm::Value;
use cape_vm::object::*;

use crate::enter::{Borrowed, CResult, Cx};
use crate::ffi;

/// Formats a double as `repr` ('r') or with a printf-like code; the text is for `PyMem_Free`.
pub fn PyOS_double_to_string(
    cx: &Cx,
    v: f64,
    code: c_char,
    precision: c_int,
    flags: c_int,
    kind: *mut c_int,
) -> CResult<*mut c_char> {
    let known = matches!(code as u8, b'e' | b'f' | b'g' | b'E' | b'F' | b'G' | b'r');
    if !known || code as u8 == b'r' && precision != 0 {
        return Err(super::bad_call(cx));
    }
    const SIGN: c_int = 1;
    const ADD_DOT_0: c_int = 2;
    const ALT: c_int = 4;
    if !kind.is_null() {
        let k = if v.is_nan() { 2 } else { v.is_infinite() as c_int };
        // SAFETY: the API demands a place or NULL.
        unsafe { *kind = k };
    }
    let mut out = if code as u8 == b'r' {
        let r = cx.vm.repr_str(Value::float(v))?;
        if flags & ADD_DOT_0 == 0 { r.strip_suffix(".0").map(str::to_string).unwrap_or(r) } else { r }
    } else {
        let alt = if flags & ALT != 0 { "#" } else { "" };
        let spec = format!("{alt}.{}{}", precision.max(0), code as u8 as char);
        let mut s = cx.vm.format(Value::float(v), StrObj::new(&spec))?.display();
        if flags & ADD_DOT_0 != 0 && v.is_finite() && !s.contains(['.', 'e', 'E']) {
            s.push_str(".0");
        }
        s
    };
    if flags & SIGN != 0 && !out.starts_with('-') {
        out.insert(0, '+');
    }
    let c = CString::new(out).unwrap_or_default();
    let bytes = c.as_bytes_with_nul();
    // SAFETY: fresh memory of that size.
    unsafe {
        let p = ffi::PyMem_Malloc(bytes.len()) as *mut c_char;
        if p.is_null() {
            return Err(cx.vm.memory_error(""));
        }
        std::ptr::copy_nonoverlapping(bytes.as_ptr() as *const c_char, p, bytes.len());
        Ok(p)
    }
}

/// The longest prefix that is a float (no underscores, no white space).
fn float_prefix(b: &[u8]) -> usize {
    let digits = |mut i: usize| {
        while b.get(i).is_some_and(u8::is_ascii_digit) {
            i += 1;
        }
        i
    };
    let sign = matches!(b.first(), Some(b'+' | b'-')) as usize;
    for word in [&b"infinity"[..], b"inf", b"nan"] {
        if b[sign..].get(..word.len()).is_some_and(|text| text.eq_ignore_ascii_case(word)) {
            return sign + word.len();
        }
    }
    let whole = digits(sign);
    let mut end = whole;
    let mut any = whole > sign;
    if b.get(whole) == Some(&b'.') {
        end = digits(whole + 1);
        any |= end > whole + 1;
    }
    if !any {
        return 0;
    }
    if matches!(b.get(end), Some(b'e' | b'E')) {
        let s = end + 1 + matches!(b.get(end + 1), Some(b'+' | b'-')) as usize;
        let e = digits(s);
        if e > s {
            end = e;
        }
    }
    end
}

pub fn PyOS_string_to_double(
    cx: &Cx,
    s: *const c_char,
    end: *mut *mut c_char,
    overflow: Borrowed,
) -> CResult<f64> {
    if s.is_null() {
        return Err(super::bad_call(cx));
    }
    // SAFETY: the API demands a C string.
    let bytes = unsafe { CStr::from_ptr(s) }.to_bytes();
    let n = float_prefix(bytes);
    if !end.is_null() {
        // SAFETY: inside the string.
        unsafe { *end = s.add(n) as *mut c_char };
    }
    let shown = || String::from_utf8_lossy(&bytes[..bytes.len().min(200)]).into_owned();
    if n == 0 || end.is_null() && n != bytes.len() {
        return Err(cx.vm.value_error(format!("could not convert string to float: '{}'", shown())));
    }
    let v: f64 = std::str::from_utf8(&bytes[..n]).ok().and_then(|t| t.parse().ok()).unwrap_or(f64::NAN);
    if v.is_infinite()
        && !bytes[n - 1].is_ascii_alphabetic()
        && let Some(class) = overflow.opt(cx)?.and_then(|c| c.downcast::<TypeObj>())
    {
        return Err(cx.vm.new_exc(class, &format!("value too large to convert to float: '{}'", shown())));
    }
    Ok(v)
}
