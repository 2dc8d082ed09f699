//! `floatobject.h`.

use cape_vm::class::full_name;
use cape_vm::object::*;
use cape_vm::runtime::{intern, rt, type_of};

use crate::enter::{Borrowed, CResult, Cx, New};

pub fn PyFloat_FromString(cx: &Cx, s: Borrowed) -> CResult<New> {
    let s = s.get(cx)?;
    let text = if s.is::<StrObj>() || s.is::<BytesObj>() || s.is::<BytearrayObj>() {
        s
    } else {
        match super::memoryobject::memoryview(cx, s) {
            Ok(view) if cx.vm.truth(cx.vm.get_attr_str(view, "c_contiguous")?)? => {
                cx.vm.call_method(view, intern("tobytes"), &[])?
            }
            _ => {
                let name = full_name(type_of(s));
                return Err(cx.vm.type_error(format!(
                    "float() argument must be a string or a real number, not '{name}'"
                )));
            }
        }
    };
    cx.give(cx.vm.call(rt().types.float.value(), &[text])?)
}

#[cfg(feature = "twins")]
pub use super::twins::{PyFloat_AsDouble, PyFloat_FromDouble};
