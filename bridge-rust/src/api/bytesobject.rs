//! `bytesobject.h`.

use cape_vm::class::full_name;
use cape_vm::object::*;
use cape_vm::runtime::{intern, type_of};

use super::bad_call;
use crate::enter::{Borrowed, CResult, Cx, New};

pub fn PyBytes_Join(cx: &Cx, sep: Borrowed, items: Borrowed) -> CResult<New> {
    let sep = sep.opt(cx)?.ok_or_else(|| bad_call(cx))?;
    if !sep.is::<BytesObj>() {
        return Err(cx.vm.type_error(format!("sep: expected bytes, got {}", full_name(type_of(sep)))));
    }
    cx.give(cx.vm.call_method(sep, intern("join"), &[items.get(cx)?])?)
}

#[cfg(feature = "twins")]
pub use super::twins::{PyBytes_AsString, PyBytes_FromStringAndSize, PyBytes_Size};
