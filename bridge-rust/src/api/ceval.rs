//! `ceval.h`: evaluation, and giving the GIL up.

use cape_vm::object::*;
use cape_vm::runtime::rt;
use cape_vm::{Ptr, Value};

use super::layout;
use crate::enter::{Borrowed, BorrowedRef, CResult, Cx, New};
use crate::thread::{self, PyThreadState};

pub fn PyEval_EvalCode(cx: &Cx, code: Borrowed, globals: Borrowed, locals: Borrowed) -> CResult<New> {
    let c: Ptr<CodeObj> = layout(cx, code.get(cx)?)?;
    let g: Ptr<DictObj> = layout(cx, globals.get(cx)?)?;
    if g.get_str(rt().names.builtins).is_none() {
        let b = rt().modules().get_str(cape_vm::intern("builtins")).unwrap_or(Value::NONE);
        g.set_str(rt().names.builtins, b);
    }
    let l = locals.opt(cx)?.unwrap_or(g.value());
    cx.give(cx.vm.run_code(c, g, l, None)?)
}

pub fn PyEval_GetBuiltins(cx: &Cx) -> CResult<BorrowedRef> {
    super::borrow(cx, rt().builtins().value())
}

pub fn PyEval_SaveThread(cx: &Cx) -> CResult<*mut PyThreadState> {
    Ok(thread::release(cx.vm))
}

pub fn PyEval_RestoreThread(tstate: *mut PyThreadState) {
    thread::acquire(tstate)
}

pub fn PyEval_AcquireThread(tstate: *mut PyThreadState) {
    thread::swap(tstate);
}

pub fn PyEval_ReleaseThread(_tstate: *mut PyThreadState) {
    thread::swap(std::ptr::null_mut());
}
