//! `pyerrors.h`.

use std::ffi::{CStr, c_char, c_int};

use cape_vm::object::*;
use cape_vm::runtime::{intern, rt};
use cape_vm::{Ptr, Raised, Value};

use super::{bad_call, layout, text};
use crate::enter::{Borrowed, CResult, Cx, New, Stolen};

/// Reports an exception that cannot be raised, through `sys.unraisablehook`. One that has no traceback gets the frame that runs.
pub fn unraisable(cx: &Cx, r: Raised, message: &str, object: Value) {
    let traceback = r.exc().traceback.get();
    if (traceback.is_none() || traceback.is_empty())
        && let Some(f) = cx.vm.top_frame()
    {
        super::traceback::add_frame(r.exc(), cx.vm.frame_object(f));
    }
    cape_stdlib::report::unraisable(cx.vm, r, message, object);
}

pub fn PyUnstable_Exc_PrepReraiseStar(cx: &Cx, orig: Borrowed, excs: Borrowed) -> CResult<New> {
    let Some(e) = orig.get(cx)?.downcast::<ExcObj>() else {
        return Err(cx.vm.type_error("orig must be an exception"));
    };
    let excs = excs.get(cx)?;
    let Some(list) = excs.downcast::<ListObj>() else {
        return Err(cx.vm.type_error("excs must be a list of exceptions"));
    };
    let wrong = |v: Value| !v.is_none() && !v.is::<ExcObj>();
    if let Some(i) = (0..list.len()).find(|&i| list.get(i).is_some_and(wrong)) {
        return Err(cx.vm.type_error(format!("item {i} in excs is not an exception")));
    }
    if e.traceback.get().is_none() || e.traceback.get().is_empty() {
        return Err(cx.vm.value_error("orig must be a raised exception"));
    }
    cx.give(cx.vm.prep_reraise_star(e.value(), excs)?)
}

fn exc(cx: &Cx, o: Borrowed) -> CResult<Ptr<ExcObj>> {
    layout(cx, o.get(cx)?)
}

fn or_null(cx: &Cx, v: Value) -> CResult<New> {
    cx.give_opt((!v.is_none() && !v.is_empty()).then_some(v))
}

pub fn PyException_GetCause(cx: &Cx, o: Borrowed) -> CResult<New> {
    or_null(cx, exc(cx, o)?.cause.get())
}

pub fn PyException_GetContext(cx: &Cx, o: Borrowed) -> CResult<New> {
    or_null(cx, exc(cx, o)?.context.get())
}

pub fn PyException_GetTraceback(cx: &Cx, o: Borrowed) -> CResult<New> {
    or_null(cx, exc(cx, o)?.traceback.get())
}

fn given(cx: &Cx, v: Stolen) -> CResult<Value> {
    if v.is_null() { Ok(Value::NONE) } else { v.get(cx) }
}

pub fn PyException_SetCause(cx: &Cx, o: Borrowed, cause: Stolen) -> CResult<()> {
    let e = exc(cx, o)?;
    e.cause.set(e, given(cx, cause)?);
    e.suppress_context.set(true);
    Ok(())
}

pub fn PyException_SetContext(cx: &Cx, o: Borrowed, context: Stolen) -> CResult<()> {
    let e = exc(cx, o)?;
    e.context.set(e, given(cx, context)?);
    Ok(())
}

pub fn PyException_SetTraceback(cx: &Cx, o: Borrowed, tb: Borrowed) -> CResult<c_int> {
    let e = exc(cx, o)?;
    let tb = tb.opt(cx)?.ok_or_else(|| cx.vm.type_error("__traceback__ may not be deleted"))?;
    if !tb.is_none() && !tb.is::<TracebackObj>() {
        return Err(cx.vm.type_error("__traceback__ must be a traceback or None"));
    }
    e.traceback.set(e, tb);
    Ok(0)
}

pub fn PyErr_WriteUnraisable(cx: &Cx, o: Borrowed) -> CResult<()> {
    let object = o.opt(cx)?.unwrap_or(Value::NONE);
    if let Some(r) = crate::error::take(cx.vm) {
        unraisable(cx, r, "", object);
    }
    Ok(())
}

/// Makes a signal's handler run soon, in the main thread; -1 without an exception for what is no signal. Safe in handlers of signals.
pub fn PyErr_SetInterruptEx(signum: c_int) -> c_int {
    if !(1..65).contains(&signum) {
        return -1;
    }
    if !cape_stdlib::signal::is_inert_to_system(signum) {
        cape_stdlib::signal::simulate(signum);
    }
    0
}

pub fn PyErr_CheckSignals(cx: &Cx) -> CResult<c_int> {
    cx.vm.poll()?;
    Ok(0)
}

pub fn PyErr_NewException(cx: &Cx, name: *const c_char, base: Borrowed, dict: Borrowed) -> CResult<New> {
    PyErr_NewExceptionWithDoc(cx, name, std::ptr::null(), base, dict)
}

/// A new class of exceptions; what the dict given lacks (`__doc__`, `__module__`) is added to it.
pub fn PyErr_NewExceptionWithDoc(
    cx: &Cx,
    name: *const c_char,
    doc: *const c_char,
    base: Borrowed,
    dict: Borrowed,
) -> CResult<New> {
    let ns = match dict.opt(cx)? {
        Some(d) => layout::<DictObj>(cx, d)?,
        None => DictObj::new(),
    };
    if !doc.is_null() {
        ns.set_str(rt().names.doc, StrObj::new(&text(cx, doc)?).value());
    }
    // SAFETY: the API demands a C string, or NULL.
    if !name.is_null() && !unsafe { CStr::from_ptr(name) }.to_bytes().contains(&b'.') {
        return Err(cx.vm.system_error("PyErr_NewException: name must be module.class"));
    }
    let full = text(cx, name)?;
    super::set_before(cx)?;
    let Some((module, short)) = full.rsplit_once('.') else { return Err(bad_call(cx)) };
    let base = base.opt(cx)?.unwrap_or(rt().types.exception.value());
    let bases = if base.is::<TupleObj>() { base } else { TupleObj::new(&[base]).value() };
    if ns.get_str(rt().names.module).is_none() {
        ns.set_str(rt().names.module, intern(module));
    }
    let meta = rt().types.type_.value();
    cx.give(cx.vm.call(meta, &[intern(short), bases, ns.value()])?)
}
