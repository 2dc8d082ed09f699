//! The bodies of the API functions that are implemented in Rust, one file per header. Each is a function with typed arguments;
//! `include/api.toml` says what every reference is, the shims in `generated/shims.rs` do the rest.

#![allow(non_snake_case, reason = "the functions are named as in C")]
#![allow(missing_docs, reason = "documented in CPython's C API reference, see include/API.md")]

pub mod abstract_;
pub mod bytesobject;
pub mod ceval;
pub mod classobject;
pub mod code;
pub mod context;
pub mod datetime;
pub mod descrobject;
pub mod dictobject;
pub mod fileobject;
pub mod floatobject;
pub mod frameobject;
pub mod funcobject;
pub mod genericaliasobject;
pub mod genobject;
pub mod import;
pub mod internal;
pub mod intrcheck;
pub mod iterobject;
pub mod listobject;
pub mod longobject;
pub mod memoryobject;
pub mod methodobject;
pub mod moduleobject;
pub mod monitoring;
pub mod object;
pub mod objimpl;
pub mod pycore_genobject;
pub mod pyerrors;
pub mod pyframe;
pub mod pyhash;
pub mod pylifecycle;
pub mod pystate;
pub mod pystrtod;
pub mod pythonrun;
pub mod setobject;
pub mod sysmodule;
pub mod traceback;
pub mod tracemalloc;
pub mod tupleobject;
#[cfg(feature = "twins")]
pub mod twins;
pub mod unicodeobject;
pub mod warnings;
pub mod weakrefobject;

use std::ffi::{CStr, c_char};

use cape_vm::object::*;
use cape_vm::runtime::{rt, type_of};
use cape_vm::{Ptr, Value};

use crate::enter::{BorrowedRef, CResult, Cx};

/// The text of a C string argument; NULL raises SystemError, what is no UTF-8 UnicodeDecodeError.
pub(crate) fn text(cx: &Cx, s: *const c_char) -> CResult<String> {
    if s.is_null() {
        return Err(cx.vm.system_error("null argument to internal routine"));
    }
    // SAFETY: the API demands a C string.
    let s = unsafe { CStr::from_ptr(s) };
    match s.to_str() {
        Ok(t) => Ok(t.to_string()),
        // Raises the codec's own error.
        Err(_) => Ok(str_arg(
            cx,
            cx.vm.call_method(BytesObj::new(s.to_bytes()).value(), rt().intern("decode"), &[])?,
        )?
        .display()),
    }
}

/// A C string argument as a `str`.
pub(crate) fn text_value(cx: &Cx, s: *const c_char) -> CResult<Value> {
    if s.is_null() {
        return Err(cx.vm.system_error("null argument to internal routine"));
    }
    // SAFETY: the API demands a C string. A new reference, or NULL with an exception.
    let p = unsafe { crate::ffi::PyUnicode_InternFromString(s) };
    if p.is_null() {
        return Err(crate::error::take(cx.vm).unwrap_or_else(|| bad_call(cx)));
    }
    crate::from_c::take_over(cx.vm, p)
}

/// SystemError("bad argument to internal function"), as `PyErr_BadInternalCall`.
pub(crate) fn bad_call(cx: &Cx) -> cape_vm::Raised {
    cx.vm.system_error("bad argument to internal function")
}

/// The exception that was set before the call, for functions that run Python code on the way and notice it there.
pub(crate) fn set_before(cx: &Cx) -> CResult<()> {
    crate::error::take(cx.vm).map_or(Ok(()), Err)
}

/// As [`set_before`], for functions that check the result of a callable: SystemError caused by what was set.
pub(crate) fn result_with_error(cx: &Cx, callable: Value) -> CResult<()> {
    match crate::error::take(cx.vm) {
        Some(cause) => {
            let name = cx.vm.repr(callable)?.display();
            Err(crate::error::result_with_error(cx.vm, &name, cause))
        }
        None => Ok(()),
    }
}

/// The argument as a layout, or `PyErr_BadInternalCall`.
pub(crate) fn layout<T: cape_heap::HeapObject>(cx: &Cx, v: Value) -> CResult<Ptr<T>> {
    v.downcast().ok_or_else(|| bad_call(cx))
}

/// A borrowed reference that whoever holds `v` keeps alive.
pub(crate) fn borrow(cx: &Cx, v: Value) -> CResult<BorrowedRef> {
    Ok(BorrowedRef(crate::to_c::to_c_borrowed(cx.vm, v)?))
}

/// A `str` argument, or the TypeError of `ensure_unicode`.
pub(crate) fn str_arg(cx: &Cx, v: Value) -> CResult<Ptr<StrObj>> {
    v.downcast().ok_or_else(|| {
        cx.vm.type_error(format!("must be str, not {}", cape_vm::class::full_name(type_of(v))))
    })
}
