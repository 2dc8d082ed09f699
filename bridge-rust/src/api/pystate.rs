//! `pystate.h`.

use std::ffi::{c_int, c_ulong};

use cape_vm::object::*;
use cape_vm::runtime::intern;
use cape_vm::{Value, interpreter, rt};

use super::borrow;
use super::frameobject::PyFrameObject;
use crate::enter::{Borrowed, BorrowedRef, CResult, Cx};
use crate::ffi;
use crate::thread::{self, PyThreadState};
use crate::to_c::to_c;

/// C's view of the interpreter.
pub type PyInterpreterState = std::ffi::c_void;
/// `PyGILState_LOCKED` or `PyGILState_UNLOCKED`.
pub type PyGILState_STATE = c_int;

pub fn PyInterpreterState_Main() -> *mut PyInterpreterState {
    // SAFETY: a plain query.
    unsafe { ffi::cape_main_interpreter() }
}

/// The interpreter that was made last.
pub fn PyInterpreterState_Head(_cx: &Cx) -> CResult<*mut PyInterpreterState> {
    Ok(interpreter::list().last().map_or(std::ptr::null_mut(), |i| thread::interpreter_state(i)))
}

/// The one that was made before it.
pub fn PyInterpreterState_Next(_cx: &Cx, i: *mut PyInterpreterState) -> CResult<*mut PyInterpreterState> {
    let id = id_of(i);
    let before = interpreter::list().into_iter().rev().find(|other| other.id() < id);
    Ok(before.map_or(std::ptr::null_mut(), |i| thread::interpreter_state(&i)))
}

fn id_of(i: *mut PyInterpreterState) -> i64 {
    // SAFETY: C's view of an interpreter begins with its number.
    unsafe { *(i as *const i64) }
}

/// A dict under a private name in `sys`, made when first asked for.
fn hidden_dict(name: &str) -> Value {
    let n = intern(name);
    match rt().sys().get_str(n) {
        Some(d) => d,
        None => {
            let d = DictObj::new().value();
            rt().sys().set_str(n, d);
            d
        }
    }
}

pub fn PyInterpreterState_GetDict(cx: &Cx, i: *mut PyInterpreterState) -> CResult<BorrowedRef> {
    let dict = || hidden_dict("_cape_interpreter_dict");
    match interpreter::find(id_of(i)) {
        Some(i) => borrow(cx, cape_stdlib::interpreters::inside(cx.vm, &i, |_| dict())?),
        None => borrow(cx, dict()),
    }
}

pub fn PyInterpreterState_GetID(cx: &Cx, i: *mut PyInterpreterState) -> CResult<i64> {
    if i.is_null() {
        return Err(cx.vm.runtime_error("no interpreter provided"));
    }
    Ok(id_of(i))
}

pub fn PyThreadState_GetDict(cx: &Cx) -> CResult<BorrowedRef> {
    borrow(cx, hidden_dict(&format!("_cape_thread_dict_{}", cx.vm.ident.get())))
}

pub fn PyThreadState_GetFrame(cx: &Cx, _t: *mut PyThreadState) -> CResult<*mut PyFrameObject> {
    match cx.vm.top_frame() {
        Some(f) => to_c(cx.vm, cx.vm.frame_object(f).value()),
        None => Ok(std::ptr::null_mut()),
    }
}

/// The state is the calling thread's: other threads' do not run while it has the GIL.
pub fn PyThreadState_EnterTracing(cx: &Cx, _t: *mut PyThreadState) -> CResult<()> {
    cx.vm.pause_tracing(true);
    Ok(())
}

pub fn PyThreadState_LeaveTracing(cx: &Cx, _t: *mut PyThreadState) -> CResult<()> {
    cx.vm.pause_tracing(false);
    Ok(())
}

pub fn PyGILState_Ensure() -> PyGILState_STATE {
    thread::ensure()
}

pub fn PyGILState_Release(cx: &Cx, state: PyGILState_STATE) -> CResult<()> {
    thread::leave(cx.vm, state);
    Ok(())
}

pub fn PyGILState_GetThisThreadState() -> *mut PyThreadState {
    thread::this_state()
}

pub fn PyGILState_Check() -> c_int {
    thread::holds() as c_int
}

pub fn PyThreadState_Swap(new: *mut PyThreadState) -> *mut PyThreadState {
    thread::swap(new)
}

pub fn PyThreadState_DeleteCurrent(cx: &Cx) -> CResult<()> {
    thread::delete_current(cx.vm);
    Ok(())
}

/// Raises an exception in a thread, at its next safe point; NULL: takes back what was to be raised. How many threads there are of that number.
pub fn PyThreadState_SetAsyncExc(cx: &Cx, ident: c_ulong, exc: Borrowed) -> CResult<c_int> {
    Ok(cape_stdlib::pending::raise_in_thread(ident, exc.opt(cx)?) as c_int)
}
