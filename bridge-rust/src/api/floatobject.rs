//! `floatobject.h`.

use cape_vm::runtime::rt;

use crate::enter::{Borrowed, CResult, Cx, New};

pub fn PyFloat_FromString(cx: &Cx, s: Borrowed) -> CResult<New> {
    cx.give(cx.vm.call(rt().types.float.value(), &[s.get(cx)?])?)
}

#[cfg(feature = "twins")]
pub use super::twins::{PyFloat_AsDouble, PyFloat_FromDouble};
