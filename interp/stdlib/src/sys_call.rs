//! Calling the system: results of -1 become `OSError`, `EINTR` runs signal handlers and tries again.

use cape_vm::{Res, Value, Vm};

use crate::oserror::{errno, os_error};

/// What system calls return.
pub trait Status: Copy {
    /// Whether it reports an error in `errno`.
    fn failed(self) -> bool;
}
macro_rules! status { ($($t:ty),*) => { $(impl Status for $t { fn failed(self) -> bool { self == -1 } })* } }
status!(i32, i64, isize);

/// Raises when the call failed.
pub fn check<S: Status>(vm: &Vm, r: S) -> Res<S> {
    check_named(vm, r, Value::EMPTY)
}

/// As [`check`], with a file name for the error.
pub fn check_named<S: Status>(vm: &Vm, r: S, filename: Value) -> Res<S> {
    if r.failed() { Err(os_error(vm, errno(), filename)) } else { Ok(r) }
}

/// Runs a call that may block without the GIL; the error is the `errno`. After a signal whose handler did not raise the call is made
/// again (PEP 475).
pub fn retry<S: Status>(vm: &Vm, mut f: impl FnMut() -> S) -> Res<Result<S, i32>> {
    loop {
        let (r, e) = vm.allow_threads(|| {
            let r = f();
            (r, errno())
        });
        if !r.failed() {
            return Ok(Ok(r));
        }
        if e != libc::EINTR {
            return Ok(Err(e));
        }
        vm.poll()?;
    }
}

/// As [`retry`], raising the error.
pub fn blocking<S: Status>(vm: &Vm, f: impl FnMut() -> S) -> Res<S> {
    blocking_named(vm, Value::EMPTY, f)
}

/// As [`blocking`], with a file name for the error.
pub fn blocking_named<S: Status>(vm: &Vm, filename: Value, f: impl FnMut() -> S) -> Res<S> {
    retry(vm, f)?.map_err(|e| os_error(vm, e, filename))
}

/// Runs a call without the GIL once; failure raises.
pub fn once_named<S: Status>(vm: &Vm, filename: Value, f: impl FnOnce() -> S) -> Res<S> {
    let (r, e) = vm.allow_threads(|| {
        let r = f();
        (r, errno())
    });
    if r.failed() { Err(os_error(vm, e, filename)) } else { Ok(r) }
}
