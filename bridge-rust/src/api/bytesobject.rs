//! `bytesobject.h`.

use cape_vm::runtime::intern;

use crate::enter::{Borrowed, CResult, Cx, New};

pub fn PyBytes_Join(cx: &Cx, sep: Borrowed, items: Borrowed) -> CResult<New> {
    cx.give(cx.vm.call_method(sep.get(cx)?, intern("join"), &[items.get(cx)?])?)
}

#[cfg(feature = "twins")]
pub use super::twins::{PyBytes_AsString, PyBytes_FromStringAndSize, PyBytes_Size};
