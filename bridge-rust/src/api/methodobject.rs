//! `methodobject.h`.

use cape_vm::Value;
use cape_vm::object::*;

use crate::enter::{Borrowed, CResult, Cx, New};
use crate::layout::*;

/// A built-in function over a `PyMethodDef`.
pub fn PyCMethod_New(
    cx: &Cx,
    m: *mut PyMethodDef,
    this: Borrowed,
    module: Borrowed,
    class: *mut PyTypeObject,
) -> CResult<New> {
    if m.is_null() {
        return Err(super::bad_call(cx));
    }
    // SAFETY: the API demands a valid definition.
    unsafe {
        let flags = (*m).ml_flags;
        let method = flags & meth::METHOD != 0;
        if method && class.is_null() {
            return Err(cx
                .vm
                .system_error("attempting to create PyCMethod with a METH_METHOD flag but no class"));
        }
        if !method && !class.is_null() {
            return Err(cx
                .vm
                .system_error("attempting to create PyCFunction with class but no METH_METHOD flag"));
        }
        let def = match this.is_null() {
            true => crate::call_c::free_row(m, class),
            false => crate::call_c::function_row(m, class),
        };
        let this = this.opt(cx)?.unwrap_or(Value::EMPTY);
        let b = BuiltinObj::new(def, this, module.opt(cx)?.unwrap_or(Value::NONE));
        cx.give(b.value())
    }
}
