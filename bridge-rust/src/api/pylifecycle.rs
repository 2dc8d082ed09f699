//! `pylifecycle.h`.

use std::ffi::c_int;

use crate::End;
use crate::enter::{CResult, Cx};
use crate::thread::{self, PyThreadState};

pub fn Py_IsInitialized() -> c_int {
    (cape_vm::runtime::started() && crate::end() < End::Finalizing) as c_int
}

pub fn Py_IsFinalizing() -> c_int {
    (crate::end() == End::Finalizing) as c_int
}

/// Ends Python: -1 when what was written could not be flushed. Python cannot be started again, nor go on.
pub fn Py_FinalizeEx(cx: &Cx) -> c_int {
    if crate::finish(cx.vm, 0) == 0 { 0 } else { -1 }
}

pub fn Py_Finalize(cx: &Cx) -> CResult<()> {
    Py_FinalizeEx(cx);
    Ok(())
}

pub fn Py_Exit(cx: &Cx, code: c_int) -> ! {
    crate::exit(cx.vm, code)
}

/// Ends the interpreter of a thread state, which runs.
pub fn Py_EndInterpreter(t: *mut PyThreadState) {
    thread::end_interpreter(t)
}
