//! `ceval.h`: evaluation, and giving the GIL up.

use std::ffi::{c_int, c_void};

use cape_bytecode::flags;
use cape_vm::foreign::Tracer;
use cape_vm::object::*;
use cape_vm::runtime::rt;
use cape_vm::{Ptr, Value};

use super::layout;
use crate::enter::{Borrowed, BorrowedRef, CResult, Cx, New};
use crate::from_c::from_c;
use crate::layout::{Py_tracefunc, PyObject};
use crate::thread::{self, PyThreadState};
use crate::{error, handled};

pub fn PyEval_EvalCode(cx: &Cx, code: Borrowed, globals: Borrowed, locals: Borrowed) -> CResult<New> {
    let c: Ptr<CodeObj> = layout(cx, code.get(cx)?)?;
    let g: Ptr<DictObj> = layout(cx, globals.get(cx)?)?;
    if g.get_str(rt().names.builtins).is_none() {
        g.set_str(rt().names.builtins, cx.vm.caller_builtins());
    }
    let l = locals.opt(cx)?.unwrap_or(g.value());
    cx.give(cx.vm.run_code(c, g, l, None)?)
}

/// The values of a vector of C.
///
/// # Safety
/// `items` must have `count` objects.
unsafe fn values(cx: &Cx, items: *const *mut PyObject, count: c_int) -> CResult<ValueVec> {
    let mut all = ValueVec::new();
    for i in 0..count.max(0) as usize {
        // SAFETY: the caller's promise.
        all.push(from_c(cx.vm, unsafe { *items.add(i) })?);
    }
    Ok(all)
}

/// Code that makes no names of its own (of a class or a module) runs in `locals`; other code as a function with these defaults.
#[allow(clippy::too_many_arguments, reason = "the signature is CPython's")]
pub fn PyEval_EvalCodeEx(
    cx: &Cx,
    code: Borrowed,
    globals: Borrowed,
    locals: Borrowed,
    args: *const *mut PyObject,
    argc: c_int,
    kwds: *const *mut PyObject,
    kwdc: c_int,
    defs: *const *mut PyObject,
    defc: c_int,
    kwdefs: Borrowed,
    closure: Borrowed,
) -> CResult<New> {
    let c: Ptr<CodeObj> = layout(cx, code.get(cx)?)?;
    let g: Ptr<DictObj> = layout(cx, globals.get(cx)?)?;
    let closure = match closure.opt(cx)? {
        Some(t) => Some(layout::<TupleObj>(cx, t)?),
        None => None,
    };
    let kwdefaults = match kwdefs.opt(cx)? {
        Some(d) => layout::<DictObj>(cx, d)?.value(),
        None => Value::EMPTY,
    };
    if c.unit.flags & flags::OPTIMIZED == 0 {
        let l = locals.opt(cx)?.unwrap_or(g.value());
        return cx.give(cx.vm.run_code(c, g, l, closure)?);
    }
    let f = cx.vm.function_from(c, g.value(), cx.vm.builtins_of(g));
    // SAFETY: the API demands as many objects as the counts say, a name and a value for each keyword.
    let (defaults, mut all, named) =
        unsafe { (values(cx, defs, defc)?, values(cx, args, argc)?, values(cx, kwds, 2 * kwdc)?) };
    if !defaults.is_empty() {
        f.defaults.set(f, TupleObj::new(&defaults).value());
    }
    f.kwdefaults.set(f, kwdefaults);
    f.closure.set(f, closure.map_or(Value::EMPTY, |t| t.value()));
    let names = TupleObj::uninit(named.len() / 2);
    for (i, pair) in named.chunks_exact(2).enumerate() {
        names.init(i, pair[0]);
        all.push(pair[1]);
    }
    cx.give(cx.vm.call_args(f.value(), &all, Some(names))?)
}

/// What was asked for from elsewhere is done in the main thread, at its next safe point.
pub fn Py_AddPendingCall(
    function: Option<unsafe extern "C" fn(*mut c_void) -> c_int>,
    arg: *mut c_void,
) -> c_int {
    let Some(function) = function else { return -1 };
    let arg = arg as usize;
    let added = cape_stdlib::pending::add_call(Box::new(move |vm| {
        let _shown = handled::show(vm);
        // SAFETY: whoever asked for the call says that the function takes this argument.
        match unsafe { function(arg as *mut c_void) } {
            0.. => Ok(()),
            _ => {
                Err(error::take(vm).unwrap_or_else(|| vm.system_error("error return without exception set")))
            }
        }
    }));
    if added { 0 } else { -1 }
}

pub fn Py_MakePendingCalls(cx: &Cx) -> CResult<c_int> {
    (cx.vm.hooks().poll)(cx.vm)?;
    Ok(0)
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
