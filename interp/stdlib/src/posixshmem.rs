//! `_posixshmem`: POSIX shared memory, by name.

use cape_vm::object::*;
use cape_vm::{Ptr, Res, Vm};

use crate::fsname::c_name;
use crate::oserror::{errno, os_error};

/// Fills the module.
pub fn init(_vm: &Vm, m: Ptr<ModuleObj>) -> Res<()> {
    m.function("shm_open($module, /, path, flags, mode=511)", "Open a shared memory object.  Returns a file descriptor (integer).", open)
        .function("shm_unlink($module, /, path)", "Remove a shared memory object (similar to unlink()).", unlink);
    Ok(())
}

/// Calls the system until it is not interrupted.
fn uninterrupted(vm: &Vm, path: Ptr<StrObj>, call: impl Fn() -> i32) -> Res<i32> {
    loop {
        let (r, e) = vm.allow_threads(|| (call(), errno()));
        match (r, e) {
            (r, _) if r >= 0 => return Ok(r),
            (_, libc::EINTR) => vm.poll()?,
            (_, e) => return Err(os_error(vm, e, path.value())),
        }
    }
}

fn open(vm: &Vm, path: Ptr<StrObj>, flags: i32, mode: Option<i32>) -> Res<i32> {
    let c = c_name(vm, path)?;
    // SAFETY: a terminated name.
    uninterrupted(vm, path, || unsafe { libc::shm_open(c.as_ptr(), flags, mode.unwrap_or(0o777) as libc::mode_t) })
}

fn unlink(vm: &Vm, path: Ptr<StrObj>) -> Res<()> {
    let c = c_name(vm, path)?;
    // SAFETY: a terminated name.
    uninterrupted(vm, path, || unsafe { libc::shm_unlink(c.as_ptr()) }).map(drop)
}
