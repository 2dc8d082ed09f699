//! File descriptors: open, close, read, write.

use cape_vm::object::{BytesObj, ModuleObj};
use cape_vm::{Ptr, Res, Value, Vm};

use cape_vm::buffer::Buffer;
use crate::fsname::{DirFd, Path};
use crate::sys_call::{blocking, blocking_named, check};

pub(super) fn init(m: Ptr<ModuleObj>) {
    m.function("open($module, /, path, flags, mode=511, *, dir_fd=None)", "Open a file for low level IO.", open)
        .function("close($module, /, fd)", "Close a file descriptor.", close)
        .function("read($module, fd, length, /)", "Read from a file descriptor.", read)
        .function("write($module, fd, data, /)", "Write a bytes object to a file descriptor.", write)
        .function("isatty($module, fd, /)", "Return True if the fd is connected to a terminal.", isatty)
        .function("lseek($module, fd, position, whence, /)", "Set the position of a file descriptor.", lseek);
}

fn open(vm: &Vm, path: Path, flags: i32, mode: Option<i32>, dir: DirFd) -> Res<i32> {
    let p = path.as_ptr() as usize;
    let mode = mode.unwrap_or(0o777) as libc::c_uint;
    blocking_named(vm, path.object, || {
        // SAFETY: a terminated path.
        unsafe { libc::openat(dir.0, p as *const libc::c_char, flags | libc::O_CLOEXEC, mode) }
    })
}

fn close(vm: &Vm, fd: i32) -> Res<()> {
    let r = vm.allow_threads(|| {
        // SAFETY: the caller says that the descriptor is theirs to close.
        let r = unsafe { libc::close(fd) };
        (r, crate::oserror::errno())
    });
    // After EINTR the descriptor is closed on Linux: there is nothing to try again.
    if r.0 < 0 && r.1 != libc::EINTR {
        return Err(crate::oserror::os_error(vm, r.1, Value::EMPTY));
    }
    Ok(())
}

/// Reads at most `n` bytes into a new `bytes`.
fn read(vm: &Vm, fd: i32, length: isize) -> Res<Value> {
    if length < 0 {
        return Err(crate::oserror::os_error(vm, libc::EINVAL, Value::EMPTY));
    }
    let mut buf: Vec<u8> = Vec::new();
    let n = (length as usize).min(isize::MAX as usize >> 1);
    buf.try_reserve_exact(n).map_err(|_| vm.new_exc_args(cape_vm::rt().types.memory_error, &[]))?;
    let p = buf.as_mut_ptr() as usize;
    // SAFETY: the buffer has room for n bytes.
    let got = blocking(vm, || unsafe { libc::read(fd, p as *mut libc::c_void, n) })?;
    // SAFETY: the system has filled that many bytes.
    unsafe { buf.set_len(got as usize) };
    Ok(BytesObj::new(&buf).value())
}

fn write(vm: &Vm, fd: i32, data: Buffer) -> Res<isize> {
    let (p, n) = (data.as_slice().as_ptr() as usize, data.as_slice().len());
    // SAFETY: the argument holds its storage in place until it is dropped.
    blocking(vm, || unsafe { libc::write(fd, p as *const libc::c_void, n) })
}

fn isatty(_: &Vm, fd: i32) -> bool {
    // SAFETY: a plain call.
    unsafe { libc::isatty(fd) == 1 }
}

fn lseek(vm: &Vm, fd: i32, position: i64, whence: i32) -> Res<i64> {
    // SAFETY: a plain call.
    let r = vm.allow_threads(|| (unsafe { libc::lseek(fd, position, whence) }, crate::oserror::errno()));
    crate::oserror::set_errno(r.1);
    check(vm, r.0)
}
