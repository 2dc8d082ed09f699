//! `ceval.h`: evaluation, and giving the GIL up.

use cape_vm::foreign::Tracer;
use cape_vm::object::*;
use cape_vm::runtime::rt;
use cape_vm::{Ptr, Value};

use super::layout;
use crate::enter::{Borrowed, BorrowedRef, CResult, Cx, New};
use crate::layout::Py_tracefunc;
use crate::thread::{self, PyThreadState};

pub fn PyEval_EvalCode(cx: &Cx, code: Borrowed, globals: Borrowed, locals: Borrowed) -> CResult<New> {
    let c: Ptr<CodeObj> = layout(cx, code.get(cx)?)?;
    let g: Ptr<DictObj> = layout(cx, globals.get(cx)?)?;
    if g.get_str(rt().names.builtins).is_none() {
        g.set_str(rt().names.builtins, cx.vm.caller_builtins());
    }
    let l = locals.opt(cx)?.unwrap_or(g.value());
    cx.give(cx.vm.run_code(c, g, l, None)?)
}

pub fn PyEval_GetBuiltins(cx: &Cx) -> CResult<BorrowedRef> {
    super::borrow(cx, cx.vm.caller_builtins())
}

/// What C gives: NULL instead of a function is no tracer; the object is kept while it is set.
fn tracer(cx: &Cx, f: Py_tracefunc, object: Borrowed) -> CResult<Tracer> {
    Ok(match f {
        Some(f) => Tracer { object: object.opt(cx)?.unwrap_or(Value::EMPTY), function: f as usize },
        None => Tracer::NONE,
    })
}

pub fn PyEval_SetTrace(cx: &Cx, f: Py_tracefunc, object: Borrowed) -> CResult<()> {
    cx.vm.set_trace(tracer(cx, f, object)?);
    Ok(())
}

pub fn PyEval_SetProfile(cx: &Cx, f: Py_tracefunc, object: Borrowed) -> CResult<()> {
    cx.vm.set_profile(tracer(cx, f, object)?);
    Ok(())
}

pub fn PyEval_SetTraceAllThreads(cx: &Cx, f: Py_tracefunc, object: Borrowed) -> CResult<()> {
    let f = tracer(cx, f, object)?;
    cape_vm::gil::each_vm(|vm| vm.set_trace(f));
    Ok(())
}

pub fn PyEval_SetProfileAllThreads(cx: &Cx, f: Py_tracefunc, object: Borrowed) -> CResult<()> {
    let f = tracer(cx, f, object)?;
    cape_vm::gil::each_vm(|vm| vm.set_profile(f));
    Ok(())
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
