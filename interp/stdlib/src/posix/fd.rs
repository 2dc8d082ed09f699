//! File descriptors.

use cape_vm::buffer::Buffer;
use cape_vm::native::FromArg;
use cape_vm::object::{BytesObj, ModuleObj, TupleObj, ValueVec};
use cape_vm::{Ptr, Res, Value, Vm, rt};

use super::files::{Gid, Uid};
use crate::fsname::{self, DirFd, Fd, Path};
use crate::oserror::{errno, os_error, set_errno};
use crate::sys_call::{blocking, blocking_named, check, once_named};

pub(super) fn init(m: Ptr<ModuleObj>) {
    m.function("open($module, /, path, flags, mode=511, *, dir_fd=None)", "Open a file for low level IO.", open)
        .function("close($module, /, fd)", "Close a file descriptor.", close)
        .function("closerange($module, fd_low, fd_high, /)", "Closes all file descriptors in [fd_low, fd_high), ignoring errors.", closerange)
        .function("read($module, fd, length, /)", "Read from a file descriptor.", read)
        .function("readinto($module, fd, buffer, /)", "Read into a buffer object from a file descriptor.", readinto)
        .function("write($module, fd, data, /)", "Write a bytes object to a file descriptor.", write)
        .function("pread($module, fd, length, offset, /)", "Read a number of bytes from a file descriptor starting at a particular offset.", pread)
        .function("pwrite($module, fd, buffer, offset, /)", "Write bytes to a file descriptor starting at a particular offset.", pwrite)
        .function("readv($module, fd, buffers, /)", "Read from a file descriptor fd into an iterable of buffers.", |vm: &Vm, fd: i32, b: Value| {
            vectored(vm, b, true, |v| unsafe_readv(fd, v))
        })
        .function("writev($module, fd, buffers, /)", "Iterate over buffers, and write the contents of each to a file descriptor.", |vm: &Vm, fd: i32, b: Value| {
            vectored(vm, b, false, |v| unsafe_writev(fd, v))
        })
        .function("preadv($module, fd, buffers, offset, flags=0, /)", "Reads from a file descriptor into a number of mutable bytes-like objects.", |vm: &Vm, fd: i32, b: Value, at: i64, flags: Option<i32>| {
            // SAFETY: the vectors describe buffers that are held.
            vectored(vm, b, true, |v| unsafe { libc::preadv2(fd, v.as_ptr(), v.len() as i32, at, flags.unwrap_or(0)) })
        })
        .function("pwritev($module, fd, buffers, offset, flags=0, /)", "Writes the contents of bytes-like objects to a file descriptor at a given offset.", |vm: &Vm, fd: i32, b: Value, at: i64, flags: Option<i32>| {
            // SAFETY: the vectors describe buffers that are held.
            vectored(vm, b, false, |v| unsafe { libc::pwritev2(fd, v.as_ptr(), v.len() as i32, at, flags.unwrap_or(0)) })
        })
        .function("isatty($module, fd, /)", "Return True if the fd is connected to a terminal.", isatty)
        .function("lseek($module, fd, position, whence, /)", "Set the position of a file descriptor.", lseek)
        .function("dup($module, fd, /)", "Return a duplicate of a file descriptor.", |vm: &Vm, fd: i32| {
            // SAFETY: a plain call.
            check(vm, unsafe { libc::fcntl(fd, libc::F_DUPFD_CLOEXEC, 0) })
        })
        .function("dup2($module, /, fd, fd2, inheritable=True)", "Duplicate file descriptor.", |vm: &Vm, fd: i32, fd2: i32, inheritable: Option<bool>| {
            if fd < 0 || fd2 < 0 {
                return Err(os_error(vm, libc::EBADF, Value::EMPTY));
            }
            let r = if inheritable.unwrap_or(true) || fd == fd2 {
                // SAFETY: a plain call.
                unsafe { libc::dup2(fd, fd2) }
            } else {
                // SAFETY: a plain call.
                unsafe { libc::dup3(fd, fd2, libc::O_CLOEXEC) }
            };
            check(vm, r)
        })
        .function("pipe($module, /)", "Create a pipe.", |vm: &Vm| pipe(vm, libc::O_CLOEXEC))
        .function("pipe2($module, flags, /)", "Create a pipe with flags set atomically.", pipe)
        .function("get_inheritable($module, fd, /)", "Get the close-on-exe flag of the specified file descriptor.", |vm: &Vm, fd: i32| {
            // SAFETY: a plain call.
            check(vm, unsafe { libc::fcntl(fd, libc::F_GETFD) }).map(|f| f & libc::FD_CLOEXEC == 0)
        })
        .function("set_inheritable($module, fd, inheritable, /)", "Set the inheritable flag of the specified file descriptor.", |vm: &Vm, fd: i32, on: i32| {
            // SAFETY: plain calls.
            unsafe {
                let flags = check(vm, libc::fcntl(fd, libc::F_GETFD))?;
                let new = if on != 0 { flags & !libc::FD_CLOEXEC } else { flags | libc::FD_CLOEXEC };
                check(vm, libc::fcntl(fd, libc::F_SETFD, new)).map(drop)
            }
        })
        .function("get_blocking($module, fd, /)", "Get the blocking mode of the file descriptor.", |vm: &Vm, fd: i32| {
            // SAFETY: a plain call.
            check(vm, unsafe { libc::fcntl(fd, libc::F_GETFL) }).map(|f| f & libc::O_NONBLOCK == 0)
        })
        .function("set_blocking($module, fd, blocking, /)", "Set the blocking mode of the specified file descriptor.", |vm: &Vm, fd: i32, on: bool| {
            // SAFETY: plain calls.
            unsafe {
                let flags = check(vm, libc::fcntl(fd, libc::F_GETFL))?;
                let new = if on { flags & !libc::O_NONBLOCK } else { flags | libc::O_NONBLOCK };
                check(vm, libc::fcntl(fd, libc::F_SETFL, new)).map(drop)
            }
        })
        // SAFETY: plain calls.
        .function("fsync($module, /, fd)", "Force write of fd to disk.", |vm: &Vm, fd: Fd| blocking(vm, || unsafe { libc::fsync(fd.0) }).map(drop))
        .function("fdatasync($module, /, fd)", "Force write of fd to disk without forcing update of metadata.", |vm: &Vm, fd: Fd| {
            // SAFETY: a plain call.
            blocking(vm, || unsafe { libc::fdatasync(fd.0) }).map(drop)
        })
        .function("sync($module, /)", "Force write of everything to disk.", |vm: &Vm| {
            // SAFETY: a plain call.
            vm.allow_threads(|| unsafe { libc::sync() })
        })
        .function("ftruncate($module, fd, length, /)", "Truncate a file, specified by file descriptor, to a specific length.", |vm: &Vm, fd: i32, n: i64| {
            // SAFETY: a plain call.
            blocking(vm, || unsafe { libc::ftruncate(fd, n) }).map(drop)
        })
        .function("fchmod($module, /, fd, mode)", "Change the access permissions of the file given by file descriptor fd.", |vm: &Vm, fd: i32, mode: i32| {
            // SAFETY: a plain call.
            blocking(vm, || unsafe { libc::fchmod(fd, mode as u32) }).map(drop)
        })
        .function("fchown($module, /, fd, uid, gid)", "Change the owner and group id of the file specified by file descriptor.", |vm: &Vm, fd: i32, u: Uid, g: Gid| {
            // SAFETY: a plain call.
            blocking(vm, || unsafe { libc::fchown(fd, u.0, g.0) }).map(drop)
        })
        .function("lockf($module, fd, command, length, /)", "Apply, test or remove a POSIX lock on an open file descriptor.", |vm: &Vm, fd: i32, c: i32, n: i64| {
            // SAFETY: a plain call.
            blocking(vm, || unsafe { libc::lockf(fd, c, n) }).map(drop)
        })
        .function("posix_fallocate($module, fd, offset, length, /)", "Ensure a file has allocated at least a particular number of bytes on disk.", |vm: &Vm, fd: i32, at: i64, n: i64| {
            // SAFETY: a plain call.
            by_result(vm, || unsafe { libc::posix_fallocate(fd, at, n) })
        })
        .function("posix_fadvise($module, fd, offset, length, advice, /)", "Announce an intention to access data in a specific pattern.", |vm: &Vm, fd: i32, at: i64, n: i64, advice: i32| {
            // SAFETY: a plain call.
            by_result(vm, || unsafe { libc::posix_fadvise(fd, at, n, advice) })
        })
        .function("sendfile($module, /, out_fd, in_fd, offset, count)", "Copy count bytes from file descriptor in_fd to file descriptor out_fd.", sendfile)
        .function("copy_file_range($module, /, src, dst, count, offset_src=None,\n                offset_dst=None)", "Copy count bytes from one file descriptor to another.", copy_file_range)
        .function("splice($module, /, src, dst, count, offset_src=None, offset_dst=None,\n       flags=0)", "Transfer count bytes from one pipe to a descriptor or vice versa.", splice)
        .function("ttyname($module, fd, /)", "Return the name of the terminal device connected to 'fd'.", |vm: &Vm, fd: i32| {
            name_by(vm, |p, n| {
                // SAFETY: the buffer is as long as said.
                unsafe { libc::ttyname_r(fd, p, n) }
            })
        })
        .function("ptsname($module, fd, /)", "Return the name of the slave pseudo-terminal device.", |vm: &Vm, fd: i32| {
            name_by(vm, |p, n| {
                // SAFETY: the buffer is as long as said.
                if unsafe { libc::ptsname_r(fd, p, n) } != 0 { errno() } else { 0 }
            })
        })
        .function("openpty($module, /)", "Open a pseudo-terminal.", openpty)
        .function("posix_openpt($module, oflag, /)", "Open and return a file descriptor for a master pseudo-terminal device.", |vm: &Vm, flags: i32| {
            // SAFETY: a plain call.
            check(vm, unsafe { libc::posix_openpt(flags | libc::O_CLOEXEC) })
        })
        .function("grantpt($module, fd, /)", "Grant access to the slave pseudo-terminal device.", |vm: &Vm, fd: i32| {
            // SAFETY: a plain call.
            check(vm, unsafe { libc::grantpt(fd) }).map(drop)
        })
        .function("unlockpt($module, fd, /)", "Unlock a pseudo-terminal master/slave pair.", |vm: &Vm, fd: i32| {
            // SAFETY: a plain call.
            check(vm, unsafe { libc::unlockpt(fd) }).map(drop)
        })
        .function("login_tty($module, fd, /)", "Prepare the tty of which fd is a file descriptor for a new login session.", |vm: &Vm, fd: i32| {
            // SAFETY: a plain call.
            check(vm, unsafe { libc::login_tty(fd) }).map(drop)
        })
        .function("tcgetpgrp($module, fd, /)", "Return the process group associated with the terminal specified by fd.", |vm: &Vm, fd: i32| {
            // SAFETY: a plain call.
            check(vm, unsafe { libc::tcgetpgrp(fd) })
        })
        .function("tcsetpgrp($module, fd, pgid, /)", "Set the process group associated with the terminal specified by fd.", |vm: &Vm, fd: i32, g: i32| {
            // SAFETY: a plain call.
            check(vm, unsafe { libc::tcsetpgrp(fd, g) }).map(drop)
        })
        .function("device_encoding($module, /, fd)", "Return a string describing the encoding of a terminal's file descriptor.", |vm: &Vm, fd: i32| {
            // SAFETY: a plain call.
            (unsafe { libc::isatty(fd) } == 1).then(|| crate::locale::encoding(vm))
        })
        .function("memfd_create($module, /, name, flags=MFD_CLOEXEC)", "", |vm: &Vm, name: Value, flags: Option<u32>| {
            let name = fsname::fsencode(vm, name)?;
            // SAFETY: a terminated name.
            check(vm, unsafe { libc::memfd_create(name.as_ptr(), flags.unwrap_or(libc::MFD_CLOEXEC)) })
        })
        .function("eventfd($module, /, initval, flags=EFD_CLOEXEC)", "Creates and returns an event notification file descriptor.", |vm: &Vm, v: u32, flags: Option<i32>| {
            // SAFETY: a plain call.
            check(vm, unsafe { libc::eventfd(v, flags.unwrap_or(libc::EFD_CLOEXEC)) })
        })
        .function("eventfd_read($module, /, fd)", "Read eventfd value", |vm: &Vm, fd: Fd| {
            let mut v = 0u64;
            // SAFETY: a valid buffer.
            once_named(vm, Value::EMPTY, || unsafe { libc::eventfd_read(fd.0, &mut v) })?;
            Ok::<u64, cape_vm::Raised>(v)
        })
        .function("eventfd_write($module, /, fd, value)", "Write eventfd value.", |vm: &Vm, fd: Fd, v: u64| {
            // SAFETY: a plain call.
            once_named(vm, Value::EMPTY, || unsafe { libc::eventfd_write(fd.0, v) }).map(drop)
        });
}

fn open(vm: &Vm, path: Path, flags: i32, mode: Option<i32>, dir: DirFd) -> Res<i32> {
    vm.audit("open", &[path.object, Value::NONE, Value::int((flags | libc::O_CLOEXEC) as i64)])?;
    let p = path.as_ptr() as usize;
    let mode = mode.unwrap_or(0o777) as libc::c_uint;
    blocking_named(vm, path.object, || {
        // SAFETY: a terminated path.
        unsafe { libc::openat(dir.0, p as *const libc::c_char, flags | libc::O_CLOEXEC, mode) }
    })
}

fn close(vm: &Vm, fd: i32) -> Res<()> {
    // SAFETY: the caller says that the descriptor is theirs to close.
    let r = vm.allow_threads(|| (unsafe { libc::close(fd) }, errno()));
    // After EINTR the descriptor is closed on Linux: there is nothing to try again.
    if r.0 < 0 && r.1 != libc::EINTR {
        return Err(os_error(vm, r.1, Value::EMPTY));
    }
    Ok(())
}

fn closerange(vm: &Vm, low: i32, high: i32) {
    let low = low.max(0);
    if high > low {
        vm.allow_threads(|| {
            // SAFETY: the caller says that the descriptors are theirs to close.
            let r = unsafe { libc::syscall(libc::SYS_close_range, low as u32, (high - 1) as u32, 0) };
            if r != 0 {
                // SAFETY: as above.
                (low..high).for_each(|fd| unsafe { libc::close(fd); });
            }
        })
    }
}

fn new_buffer(vm: &Vm, length: isize) -> Res<Vec<u8>> {
    if length < 0 {
        return Err(os_error(vm, libc::EINVAL, Value::EMPTY));
    }
    let mut buf: Vec<u8> = Vec::new();
    buf.try_reserve_exact(length as usize).map_err(|_| vm.new_exc_args(rt().types.memory_error, &[]))?;
    Ok(buf)
}

fn read(vm: &Vm, fd: i32, length: isize) -> Res<Value> {
    let mut buf = new_buffer(vm, length)?;
    let p = buf.as_mut_ptr() as usize;
    // SAFETY: the buffer has room.
    let got = blocking(vm, || unsafe { libc::read(fd, p as *mut libc::c_void, length as usize) })?;
    // SAFETY: the system has filled that many bytes.
    unsafe { buf.set_len(got as usize) };
    Ok(BytesObj::new(&buf).value())
}

fn readinto(vm: &Vm, fd: i32, buffer: Value) -> Res<isize> {
    let b = vm.writable_bytes(buffer, "readinto() argument 2")?;
    let (p, n) = (b.address() as usize, b.len());
    // SAFETY: the buffer is held.
    blocking(vm, || unsafe { libc::read(fd, p as *mut libc::c_void, n) })
}

fn write(vm: &Vm, fd: i32, data: Buffer) -> Res<isize> {
    let (p, n) = (data.address() as usize, data.len());
    // SAFETY: the buffer is held.
    let written = blocking(vm, || unsafe { libc::write(fd, p as *const libc::c_void, n) })?;
    if (written as usize) < n {
        // Perhaps a signal has cut it short.
        vm.poll()?;
    }
    Ok(written)
}

fn pread(vm: &Vm, fd: i32, length: isize, at: i64) -> Res<Value> {
    let mut buf = new_buffer(vm, length)?;
    let p = buf.as_mut_ptr() as usize;
    // SAFETY: the buffer has room.
    let got = blocking(vm, || unsafe { libc::pread(fd, p as *mut libc::c_void, length as usize, at) })?;
    // SAFETY: the system has filled that many bytes.
    unsafe { buf.set_len(got as usize) };
    Ok(BytesObj::new(&buf).value())
}

fn pwrite(vm: &Vm, fd: i32, data: Buffer, at: i64) -> Res<isize> {
    let (p, n) = (data.address() as usize, data.len());
    // SAFETY: the buffer is held.
    blocking(vm, || unsafe { libc::pwrite(fd, p as *const libc::c_void, n, at) })
}

fn unsafe_readv(fd: i32, v: &[libc::iovec]) -> isize {
    // SAFETY: the vectors describe buffers that are held by the caller.
    unsafe { libc::readv(fd, v.as_ptr(), v.len() as i32) }
}

fn unsafe_writev(fd: i32, v: &[libc::iovec]) -> isize {
    // SAFETY: as above.
    unsafe { libc::writev(fd, v.as_ptr(), v.len() as i32) }
}

/// Buffers that one vectored call may take here; more make several calls of the caller's.
const MAX_VECTORS: usize = 1024;

/// Runs a vectored call on a sequence of buffers. The buffers are held one by one up the stack.
fn vectored(vm: &Vm, buffers: Value, writable: bool, f: impl Fn(&[libc::iovec]) -> isize + Copy) -> Res<isize> {
    if cape_vm::type_of(buffers).special(cape_vm::special::Special::Getitem).is_empty() {
        let name = vm.native_def().name;
        return Err(vm.type_error(format!("{name}() arg 2 must be a sequence")));
    }
    let items = vm.vec_of(buffers)?;
    let mut vectors: Vec<libc::iovec> = Vec::with_capacity(items.len());
    hold(vm, &items, 0, writable, &mut vectors, f)
}

/// Takes the buffer of item `i` and goes on with the next; calls `f` when all are held.
fn hold(
    vm: &Vm,
    items: &ValueVec,
    i: usize,
    writable: bool,
    vectors: &mut Vec<libc::iovec>,
    f: impl Fn(&[libc::iovec]) -> isize + Copy,
) -> Res<isize> {
    if i == items.len() {
        if i > MAX_VECTORS {
            return Err(os_error(vm, libc::EINVAL, Value::EMPTY));
        }
        let v: &[libc::iovec] = vectors;
        return blocking(vm, || f(v));
    }
    vm.check_native_stack("")?;
    let b = if writable { vm.buffer(items[i], cape_vm::buffer::flags::WRITABLE)? } else { vm.bytes_like(items[i])? };
    vectors.push(libc::iovec { iov_base: b.address() as *mut libc::c_void, iov_len: b.len() });
    hold(vm, items, i + 1, writable, vectors, f)
}

fn isatty(_: &Vm, fd: i32) -> bool {
    // SAFETY: a plain call.
    unsafe { libc::isatty(fd) == 1 }
}

fn lseek(vm: &Vm, fd: i32, position: i64, whence: i32) -> Res<i64> {
    // SAFETY: a plain call.
    once_named(vm, Value::EMPTY, || unsafe { libc::lseek(fd, position, whence) })
}

fn pipe(vm: &Vm, flags: i32) -> Res<Value> {
    let mut fds = [0; 2];
    // SAFETY: a valid buffer.
    check(vm, unsafe { libc::pipe2(fds.as_mut_ptr(), flags) })?;
    Ok(pair(fds[0], fds[1]))
}

fn pair(a: i32, b: i32) -> Value {
    TupleObj::new(&[Value::int(a as i64), Value::int(b as i64)]).value()
}

/// For the functions that return the error instead of setting `errno`.
fn by_result(vm: &Vm, f: impl Fn() -> i32) -> Res<()> {
    loop {
        match vm.allow_threads(&f) {
            0 => return Ok(()),
            libc::EINTR => vm.poll()?,
            e => return Err(os_error(vm, e, Value::EMPTY)),
        }
    }
}

fn sendfile(vm: &Vm, out: i32, input: i32, at: Value, count: isize) -> Res<isize> {
    if at.is_none() {
        // SAFETY: a plain call.
        return blocking(vm, || unsafe { libc::sendfile(out, input, std::ptr::null_mut(), count as usize) });
    }
    let mut at = i64::from_arg(vm, at, 2)?;
    // SAFETY: a valid offset.
    blocking(vm, || unsafe { libc::sendfile(out, input, &mut at, count as usize) })
}

fn optional_offset(vm: &Vm, v: Option<Value>) -> Res<Option<i64>> {
    match v {
        Some(v) if !v.is_none() => i64::from_arg(vm, v, 0).map(Some),
        _ => Ok(None),
    }
}

fn pointer(v: &mut Option<i64>) -> *mut i64 {
    v.as_mut().map_or(std::ptr::null_mut(), |p| p)
}

fn copy_file_range(
    vm: &Vm,
    src: i32,
    dst: i32,
    count: isize,
    at_src: Option<Value>,
    at_dst: Option<Value>,
) -> Res<isize> {
    if count < 0 {
        return Err(vm.value_error("negative value for 'count' not allowed"));
    }
    let (mut a, mut b) = (optional_offset(vm, at_src)?, optional_offset(vm, at_dst)?);
    // SAFETY: valid or null offsets.
    blocking(vm, || unsafe { libc::copy_file_range(src, pointer(&mut a), dst, pointer(&mut b), count as usize, 0) })
}

fn splice(
    vm: &Vm,
    src: i32,
    dst: i32,
    count: isize,
    at_src: Option<Value>,
    at_dst: Option<Value>,
    flags: Option<u32>,
) -> Res<isize> {
    if count < 0 {
        return Err(vm.value_error("negative value for 'count' not allowed"));
    }
    let (mut a, mut b) = (optional_offset(vm, at_src)?, optional_offset(vm, at_dst)?);
    let flags = flags.unwrap_or(0);
    // SAFETY: valid or null offsets.
    blocking(vm, || unsafe { libc::splice(src, pointer(&mut a), dst, pointer(&mut b), count as usize, flags) })
}

fn name_by(vm: &Vm, f: impl FnOnce(*mut libc::c_char, usize) -> i32) -> Res<Value> {
    let mut buf = [0u8; 4096];
    let r = f(buf.as_mut_ptr() as *mut libc::c_char, buf.len());
    if r != 0 {
        return Err(os_error(vm, r, Value::EMPTY));
    }
    let n = memchr::memchr(0, &buf).unwrap_or(buf.len());
    Ok(fsname::decode(&buf[..n]).value())
}

fn openpty(vm: &Vm) -> Res<Value> {
    let (mut a, mut b) = (0, 0);
    let null = std::ptr::null_mut;
    // SAFETY: valid buffers; nothing else is asked for.
    check(vm, unsafe { libc::openpty(&mut a, &mut b, null(), std::ptr::null(), std::ptr::null()) })?;
    for fd in [a, b] {
        // SAFETY: a plain call.
        unsafe { libc::fcntl(fd, libc::F_SETFD, libc::FD_CLOEXEC) };
    }
    set_errno(0);
    Ok(pair(a, b))
}
