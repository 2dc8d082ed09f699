//! The exception being handled, as both sides see it: `sys.exception()` of the VM, `tstate->exc_info` of C.
//!
//! Each entry into C [`show`]s C what the VM handles; each entry from C [`adopt`]s what C says it handles (Cython's code for `except`
//! writes there).

use cape_vm::{Value, Vm};

use crate::from_c::{from_c, link_of};
use crate::layout::{EXC_INFO, PyObject};
use crate::to_c::{decref, to_c};

/// Shows C the handled exception until it is dropped.
pub struct Shown<'a> {
    vm: &'a Vm,
    /// What C was shown, and what stood there before; null: nothing.
    shown: *mut PyObject,
    before: *mut PyObject,
}

/// Where the running thread's C side has the exception that it handles; null before C runs.
#[inline(always)]
fn place(vm: &Vm) -> *mut *mut PyObject {
    let state = vm.c_state.get();
    if state.is_null() {
        return std::ptr::null_mut();
    }
    // SAFETY: the state is the thread's PyThreadState, whose layout is CPython's; exc_info always points at an item, whose first
    // field is the exception.
    unsafe { *(state.add(EXC_INFO) as *const *mut *mut PyObject) }
}

/// Whether there is nothing to show C. What an outer function of C handles has been adopted on the way here, so the VM knows.
#[inline(always)]
pub fn nothing(vm: &Vm) -> bool {
    vm.handles_nothing()
}

/// Whether C, which was entered when there was [`nothing`] to show, has left it so.
#[inline(always)]
pub fn still_nothing(vm: &Vm) -> bool {
    // SAFETY: as in `place`: C comes back with the GIL, and a thread that holds it has a state.
    unsafe { (**(vm.c_state.get().add(EXC_INFO) as *const *mut *mut PyObject)).is_null() }
}

/// Whether neither C, which calls, nor the VM handles an exception: there is nothing to [`adopt`].
#[inline(always)]
pub fn nothing_anywhere(vm: &Vm) -> bool {
    still_nothing(vm) && vm.handled().is_empty()
}

/// C was shown nothing, and handles something when it returns.
#[cold]
pub fn hide(vm: &Vm) {
    drop(Shown::nothing(vm));
}

/// Enters C.
#[inline(always)]
pub fn show(vm: &Vm) -> Shown<'_> {
    let place = place(vm);
    // SAFETY: as in `place`.
    if vm.handles_nothing() && (place.is_null() || unsafe { (*place).is_null() }) {
        return Shown::nothing(vm);
    }
    show_exception(vm)
}

#[inline(never)]
fn show_exception(vm: &Vm) -> Shown<'_> {
    let shown = match vm.handled_exception() {
        None => std::ptr::null_mut(),
        Some(e) => to_c(vm, e.value()).unwrap_or(std::ptr::null_mut()),
    };
    // SAFETY: the running thread has a state while it holds the GIL.
    let before = unsafe { std::mem::replace(&mut *place(vm), shown) };
    Shown { vm, shown, before }
}

impl Drop for Shown<'_> {
    #[inline(always)]
    fn drop(&mut self) {
        let place = place(self.vm);
        // SAFETY: as in `place`.
        let now = if place.is_null() { std::ptr::null_mut() } else { unsafe { *place } };
        if !(now.is_null() && self.shown.is_null() && self.before.is_null()) {
            self.hide();
        }
    }
}

impl<'a> Shown<'a> {
    /// Nothing is shown yet.
    pub fn nothing(vm: &'a Vm) -> Shown<'a> {
        Shown { vm, shown: std::ptr::null_mut(), before: std::ptr::null_mut() }
    }

    #[inline(never)]
    fn hide(&mut self) {
        // SAFETY: as in `place`.
        let now = unsafe { std::mem::replace(&mut *place(self.vm), self.before) };
        if now != self.shown {
            // C changed it for its caller.
            let v = if now.is_null() { Ok(Value::EMPTY) } else { from_c(self.vm, now) };
            self.vm.set_handled(v.ok().filter(|v| !v.is_none()).unwrap_or(Value::EMPTY));
        }
        if !now.is_null() {
            // SAFETY: the reference was the place's.
            unsafe { decref(now) }
        }
    }
}

/// Lets the VM handle what C says it handles, until it is dropped.
pub struct Adopted<'a>(&'a Vm, Option<Value>);

/// Enters the VM from C.
#[inline(always)]
pub fn adopt(vm: &Vm) -> Adopted<'_> {
    let place = place(vm);
    // SAFETY: as in `place`.
    if place.is_null() || unsafe { (*place).is_null() } && vm.handled().is_empty() {
        return Adopted(vm, None);
    }
    // SAFETY: as above.
    Adopted(vm, adopted(vm, unsafe { *place }))
}

/// What the VM handled before, if C handles something else.
#[inline(never)]
fn adopted(vm: &Vm, p: *mut PyObject) -> Option<Value> {
    let own = vm.handled();
    if p.is_null() {
        return Some(vm.set_handled(Value::EMPTY));
    }
    if own.is_ptr() && link_of(p) != 0 && own.header().link() == link_of(p) {
        return None;
    }
    let v = from_c(vm, p).ok()?;
    Some(vm.set_handled(if v.is_none() { Value::EMPTY } else { v }))
}

impl Drop for Adopted<'_> {
    #[inline(always)]
    fn drop(&mut self) {
        if let Some(v) = self.1 {
            self.0.set_handled(v);
        }
    }
}
