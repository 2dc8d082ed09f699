//! The error indicator: `tstate->current_exception`, seen from Rust.

use cape_vm::object::ExcObj;
use cape_vm::{Raised, Value, Vm};

use crate::ffi;
use crate::from_c::{fresh_exception, take_over};
use crate::layout::{CURRENT_EXCEPTION, PyObject};
use crate::to_c::to_c;

/// Sets the indicator.
pub fn set(vm: &Vm, r: Raised) {
    let e = r.exc();
    if e.context.get().is_none() {
        vm.chain_context(e);
    }
    let p = to_c(vm, r.value()).unwrap_or(std::ptr::null_mut());
    // SAFETY: takes the new reference over.
    unsafe { ffi::PyErr_SetRaisedException(p) }
}

/// Takes the exception out of the indicator.
pub fn take(vm: &Vm) -> Option<Raised> {
    // SAFETY: gives a new reference or NULL.
    let p = unsafe { ffi::PyErr_GetRaisedException() };
    if p.is_null() {
        return None;
    }
    Some(match fresh_exception(vm, p).unwrap_or_else(|| take_over(vm, p)) {
        Ok(v) => match v.downcast::<ExcObj>() {
            Some(e) => Raised::new(e),
            None => vm.system_error("the error indicator held something that is no exception"),
        },
        Err(r) => r,
    })
}

/// Whether the running thread's indicator is set.
#[inline(always)]
pub fn is_set(vm: &Vm) -> bool {
    let state = vm.c_state.get();
    // SAFETY: the state is the thread's PyThreadState, whose layout is CPython's.
    !state.is_null() && unsafe { !(*(state.add(CURRENT_EXCEPTION) as *const *mut PyObject)).is_null() }
}

/// Checks what a C function returned, as CPython's `_Py_CheckFunctionResult`, and takes it over.
#[inline(always)]
pub fn check_result(vm: &Vm, name: impl Fn() -> String, p: *mut PyObject) -> Result<Value, Raised> {
    if !p.is_null() && !is_set(vm) {
        if p == &raw mut ffi::_Py_NoneStruct {
            return Ok(Value::NONE);
        }
        if let Some(v) = crate::from_c::truth(p) {
            return Ok(v);
        }
        return crate::from_c::take_over(vm, p);
    }
    bad_result(vm, name, p)
}

#[cold]
#[inline(never)]
fn bad_result(vm: &Vm, name: impl Fn() -> String, p: *mut PyObject) -> Result<Value, Raised> {
    if p.is_null() {
        return Err(match take(vm) {
            Some(r) => r,
            None => vm.system_error(format!("{} returned NULL without setting an exception", name())),
        });
    }
    crate::from_c::take_over(vm, p)?;
    let cause = take(vm).unwrap_or_else(|| vm.system_error("lost exception"));
    Err(result_with_error(vm, &name(), cause))
}

/// SystemError("... returned a result with an exception set"), caused by that exception.
pub fn result_with_error(vm: &Vm, name: &str, cause: Raised) -> Raised {
    let r = vm.system_error(format!("{name} returned a result with an exception set"));
    let e = r.exc();
    e.cause.set(e, cause.value());
    e.context.set(e, cause.value());
    e.suppress_context.set(true);
    r
}

/// Checks a C function's status: negative means that an exception is set; otherwise none may be.
#[inline(always)]
pub fn check_status(vm: &Vm, name: impl Fn() -> String, status: i32) -> Result<i32, Raised> {
    if status >= 0 && !is_set(vm) {
        return Ok(status);
    }
    bad_status(vm, name, status)
}

#[cold]
#[inline(never)]
fn bad_status(vm: &Vm, name: impl Fn() -> String, status: i32) -> Result<i32, Raised> {
    match (status < 0, is_set(vm)) {
        (false, false) => Ok(status),
        (true, false) => Err(vm.system_error("error return without exception set")),
        (negative, true) => {
            let r = take(vm).unwrap_or_else(|| vm.system_error("lost exception"));
            Err(if negative { r } else { result_with_error(vm, &name(), r) })
        }
    }
}
