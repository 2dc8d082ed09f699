//! The one way from C into Rust: every API function's body runs inside [`enter`].

use std::panic::{AssertUnwindSafe, catch_unwind};

use cape_vm::{Raised, Value, Vm, vm};

use crate::error;
use crate::from_c::from_c;
use crate::layout::PyObject;
use crate::to_c::{decref, item_to_c, to_c};

/// What a body works with.
#[derive(Clone, Copy)]
pub struct Cx {
    /// The running thread's VM.
    pub vm: &'static Vm,
}

/// The result of a body: `Err` becomes the error indicator.
pub type CResult<T> = Result<T, Raised>;

/// A parameter of which C keeps its reference; may be NULL.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Borrowed(*mut PyObject);

/// A parameter whose reference the callee takes; may be NULL. Dropping it gives the reference up.
pub struct Stolen(*mut PyObject);

/// A new reference for C (or NULL).
#[derive(Clone, Copy)]
pub struct New(pub *mut PyObject);

/// A borrowed reference for C (or NULL): something else keeps the mirror alive.
#[derive(Clone, Copy)]
pub struct BorrowedRef(pub *mut PyObject);

impl Borrowed {
    /// From the C argument.
    pub fn from_c(p: *mut PyObject) -> Borrowed {
        Borrowed(p)
    }

    /// The pointer.
    pub fn ptr(self) -> *mut PyObject {
        self.0
    }

    /// Whether it is NULL.
    pub fn is_null(self) -> bool {
        self.0.is_null()
    }

    /// The managed object; NULL raises SystemError, as CPython's checked functions do.
    pub fn get(self, cx: &Cx) -> CResult<Value> {
        if self.0.is_null() {
            return Err(null_argument(cx));
        }
        from_c(cx.vm, self.0)
    }

    /// The managed object, or nothing for NULL.
    pub fn opt(self, cx: &Cx) -> CResult<Option<Value>> {
        if self.0.is_null() { Ok(None) } else { from_c(cx.vm, self.0).map(Some) }
    }
}

impl Stolen {
    /// From the C argument.
    pub fn from_c(p: *mut PyObject) -> Stolen {
        Stolen(p)
    }

    /// The pointer; the reference is the caller's from now on.
    pub fn into_ptr(self) -> *mut PyObject {
        let p = self.0;
        std::mem::forget(self);
        p
    }

    /// Whether it is NULL.
    pub fn is_null(&self) -> bool {
        self.0.is_null()
    }

    /// The managed object; the reference is given up.
    pub fn get(self, cx: &Cx) -> CResult<Value> {
        Borrowed(self.0).get(cx)
    }
}

impl Drop for Stolen {
    fn drop(&mut self) {
        if !self.0.is_null() {
            // SAFETY: the caller handed its reference over.
            unsafe { decref(self.0) }
        }
    }
}

/// SystemError("null argument to internal routine"), unless an exception is set already: then that one.
#[cold]
fn null_argument(cx: &Cx) -> Raised {
    error::take(cx.vm).unwrap_or_else(|| cx.vm.system_error("null argument to internal routine"))
}

/// What C receives of a body's result.
pub trait Outcome {
    /// The C type.
    type C: Copy;
    /// Converts.
    fn into_c(self) -> Self::C;
}

impl Outcome for New {
    type C = *mut PyObject;
    fn into_c(self) -> *mut PyObject {
        self.0
    }
}

impl Outcome for BorrowedRef {
    type C = *mut PyObject;
    fn into_c(self) -> *mut PyObject {
        self.0
    }
}

macro_rules! plain { ($($t:ty),*) => { $(
    impl Outcome for $t {
        type C = $t;
        fn into_c(self) -> $t { self }
    }
)* } }
plain!((), i32, u32, i64, u64, isize, usize, f64);

impl<T> Outcome for *mut T {
    type C = *mut T;
    fn into_c(self) -> *mut T {
        self
    }
}

impl<T> Outcome for *const T {
    type C = *const T;
    fn into_c(self) -> *const T {
        self
    }
}

impl Cx {
    /// A new reference to the mirror of `v`.
    pub fn give(&self, v: Value) -> CResult<New> {
        Ok(New(to_c(self.vm, v)?))
    }

    /// As [`Cx::give`], for what most likely has its C side already.
    #[inline(always)]
    pub fn answer(&self, v: Value) -> CResult<New> {
        Ok(New(item_to_c(self.vm, v)?))
    }

    /// As [`Cx::give`]; NULL for nothing.
    pub fn give_opt(&self, v: Option<Value>) -> CResult<New> {
        match v {
            Some(v) => self.give(v),
            None => Ok(New(std::ptr::null_mut())),
        }
    }
}

fn cx() -> Cx {
    Cx { vm: vm::current() }
}

/// Runs the body of the API function `name`; `Err` becomes the error indicator and `error`.
#[inline]
pub fn enter<T: Outcome>(name: &'static str, error: T::C, body: impl FnOnce(&Cx) -> CResult<T>) -> T::C {
    let cx = cx();
    let _adopted = crate::handled::adopt(cx.vm);
    // (The result is taken apart inside: as a whole it would be read in wider words than it has been written in, and wait for that.)
    let done = catch_unwind(AssertUnwindSafe(|| match body(&cx) {
        Ok(v) => v.into_c(),
        Err(r) => {
            error::set(cx.vm, r);
            error
        }
    }));
    match done {
        Ok(c) => c,
        Err(_) => {
            let r = cx.vm.system_error(format!("internal error in {name}"));
            error::set(cx.vm, r);
            error
        }
    }
}

/// As [`enter`], for a call of Python code that may need no more than the call: a reference to what it gives, NULL alone for EMPTY, or NULL
/// with an exception.
/// `None`: the body does not make the call, or this is not the time: C handles an exception, or the VM does.
#[inline(always)]
pub fn enter_at_once(
    name: &'static str,
    body: impl FnOnce(&Cx) -> Option<CResult<Value>>,
) -> Option<*mut PyObject> {
    let cx = cx();
    if !crate::handled::nothing_anywhere(cx.vm) {
        return None;
    }
    let answer = |v: Value| if v.is_empty() { Ok(std::ptr::null_mut()) } else { item_to_c(cx.vm, v) };
    let r = match catch_unwind(AssertUnwindSafe(|| body(&cx).map(|r| r.and_then(answer)))) {
        Ok(None) => return None,
        Ok(Some(Ok(p))) => return Some(p),
        Ok(Some(Err(r))) => r,
        Err(_) => cx.vm.system_error(format!("internal error in {name}")),
    };
    error::set(cx.vm, r);
    Some(std::ptr::null_mut())
}

/// As [`enter`], for functions that cannot fail.
pub fn enter_infallible<T: Outcome>(name: &'static str, body: impl FnOnce(&Cx) -> T) -> T::C {
    let cx = cx();
    match catch_unwind(AssertUnwindSafe(|| body(&cx))) {
        Ok(v) => v.into_c(),
        Err(_) => fatal(name),
    }
}

/// As [`enter_infallible`], for functions that do not return.
pub fn enter_for_good(name: &'static str, body: impl FnOnce(&Cx)) -> ! {
    let cx = cx();
    let _ = catch_unwind(AssertUnwindSafe(|| body(&cx)));
    fatal(name)
}

/// As [`enter_infallible`], without the GIL: the body must not touch managed objects.
pub fn enter_without_gil<T: Outcome>(name: &'static str, body: impl FnOnce() -> T) -> T::C {
    match catch_unwind(AssertUnwindSafe(body)) {
        Ok(v) => v.into_c(),
        Err(_) => fatal(name),
    }
}

fn fatal(name: &str) -> ! {
    eprintln!("Fatal Python error: {name}: internal error");
    std::process::abort()
}
