//! `fcntl`.

use cape_vm::buffer::flags;
use cape_vm::native::{FromArg, int_from};
use cape_vm::object::{BytesObj, Int, ModuleObj, StrObj};
use cape_vm::{Ptr, Res, Value, Vm, type_of};

use crate::fsname::Fd;
use crate::sys_call::blocking;

macro_rules! constants { ($($n:ident = $v:expr),* $(,)?) => { &[$((stringify!($n), $v as i64)),*] } }
const CONSTANTS: &[(&str, i64)] = constants! {
    DN_ACCESS = 1, DN_ATTRIB = 32, DN_CREATE = 4, DN_DELETE = 8, DN_MODIFY = 2, DN_MULTISHOT = 2147483648u32, DN_RENAME = 16,
    FASYNC = libc::O_ASYNC, FD_CLOEXEC = libc::FD_CLOEXEC, FICLONE = 1074041865, FICLONERANGE = 1075876877, F_ADD_SEALS = 1033,
    F_DUPFD = libc::F_DUPFD, F_DUPFD_CLOEXEC = libc::F_DUPFD_CLOEXEC, F_DUPFD_QUERY = 1027, F_EXLCK = 4, F_GETFD = libc::F_GETFD,
    F_GETFL = libc::F_GETFL, F_GETLEASE = 1025, F_GETLK = libc::F_GETLK, F_GETLK64 = libc::F_GETLK, F_GETOWN = libc::F_GETOWN,
    F_GETOWN_EX = 16, F_GETPIPE_SZ = 1032, F_GETSIG = 11, F_GET_FILE_RW_HINT = 1037, F_GET_RW_HINT = 1035, F_GET_SEALS = 1034,
    F_NOTIFY = 1026, F_OFD_GETLK = 36, F_OFD_SETLK = 37, F_OFD_SETLKW = 38, F_OWNER_PGRP = 2, F_OWNER_PID = 1, F_OWNER_TID = 0,
    F_RDLCK = libc::F_RDLCK, F_SEAL_FUTURE_WRITE = 16, F_SEAL_GROW = 4, F_SEAL_SEAL = 1, F_SEAL_SHRINK = 2, F_SEAL_WRITE = 8,
    F_SETFD = libc::F_SETFD, F_SETFL = libc::F_SETFL, F_SETLEASE = 1024, F_SETLK = libc::F_SETLK, F_SETLK64 = libc::F_SETLK,
    F_SETLKW = libc::F_SETLKW, F_SETLKW64 = libc::F_SETLKW, F_SETOWN = libc::F_SETOWN, F_SETOWN_EX = 15, F_SETPIPE_SZ = 1031,
    F_SETSIG = 10, F_SET_FILE_RW_HINT = 1038, F_SET_RW_HINT = 1036, F_SHLCK = 8, F_UNLCK = libc::F_UNLCK, F_WRLCK = libc::F_WRLCK,
    LOCK_EX = libc::LOCK_EX, LOCK_MAND = 32, LOCK_NB = libc::LOCK_NB, LOCK_READ = 64, LOCK_RW = 192, LOCK_SH = libc::LOCK_SH,
    LOCK_UN = libc::LOCK_UN, LOCK_WRITE = 128, RWH_WRITE_LIFE_EXTREME = 5, RWH_WRITE_LIFE_LONG = 4, RWH_WRITE_LIFE_MEDIUM = 3,
    RWH_WRITE_LIFE_NONE = 1, RWH_WRITE_LIFE_NOT_SET = 0, RWH_WRITE_LIFE_SHORT = 2,
};

/// Fills the module.
pub fn init(_: &Vm, m: Ptr<ModuleObj>) -> Res<()> {
    for &(name, n) in CONSTANTS {
        m.add(name, Value::int(n));
    }
    m.function("fcntl($module, fd, cmd, arg=0, /)", "Perform the operation `cmd` on file descriptor fd.", fcntl)
        .function("ioctl($module, fd, request, arg=0, mutate_flag=True, /)", "Perform the operation request on file descriptor fd.", ioctl)
        .function("flock($module, fd, operation, /)", "Perform the lock operation on file descriptor fd.", |vm: &Vm, fd: Fd, op: i32| {
            // SAFETY: a plain call.
            blocking(vm, || unsafe { libc::flock(fd.0, op) }).map(drop)
        })
        .function("lockf($module, fd, cmd, len=0, start=0, whence=0, /)", "A wrapper around the fcntl() locking calls.", lockf);
    Ok(())
}

/// Bytes that an argument structure may have.
const MAX_STRUCT: usize = 1024;
/// What lies behind the structure, to notice calls that write too much.
const GUARD: [u8; 8] = [0x00, 0xfa, 0x69, 0xc4, 0x67, 0xa3, 0x6c, 0x58];

/// The bytes of an argument that is a structure; `None` when it is a number.
fn structure(vm: &Vm, arg: Value) -> Res<Option<Vec<u8>>> {
    if Int::of(arg).is_some() {
        return Ok(None);
    }
    if let Some(s) = arg.downcast::<StrObj>() {
        return vm.utf8(s).map(|s| Some(s.into_bytes()));
    }
    if vm.has_buffer(arg) {
        return vm.bytes_of(arg).map(Some);
    }
    if !type_of(arg).special(cape_vm::special::Special::Index).is_empty() {
        return Ok(None);
    }
    Err(vm.type_error(format!(
        "{}() argument 3 must be an integer, a bytes-like object, or a string",
        vm.native_def().name
    )))
}

/// A number argument, truncated to the width of a C long.
fn number(vm: &Vm, v: Value) -> Res<i64> {
    let i = vm.index_int(v)?;
    if let Some(n) = i.to_i64() {
        return Ok(n);
    }
    u64::from_arg(vm, v, 2).map(|n| n as i64)
}

fn fcntl(vm: &Vm, fd: Fd, cmd: i32, arg: Option<Value>) -> Res<Value> {
    let arg = arg.unwrap_or(Value::int(0));
    match structure(vm, arg)? {
        None => {
            let n = number(vm, arg)?;
            // SAFETY: the command takes a number.
            blocking(vm, || unsafe { libc::fcntl(fd.0, cmd, n) }).map(|r| Value::int(r as i64))
        }
        Some(mut data) => {
            let n = data.len();
            if n > MAX_STRUCT {
                return Err(vm.value_error("fcntl argument 3 is too long"));
            }
            data.resize(MAX_STRUCT, 0);
            data.extend_from_slice(&GUARD);
            let p = data.as_mut_ptr() as usize;
            // SAFETY: the command takes a pointer; there is room for any structure.
            blocking(vm, || unsafe { libc::fcntl(fd.0, cmd, p as *mut libc::c_void) })?;
            if data[MAX_STRUCT..] != GUARD {
                return Err(vm.system_error("buffer overflow"));
            }
            Ok(BytesObj::new(&data[..n]).value())
        }
    }
}

fn ioctl(vm: &Vm, fd: Fd, request: Value, arg: Option<Value>, mutate: Option<bool>) -> Res<Value> {
    let request = number(vm, request)? as libc::c_ulong;
    let arg = arg.unwrap_or(Value::int(0));
    if mutate.unwrap_or(true)
        && Int::of(arg).is_none()
        && vm.has_buffer(arg)
        && let Ok(b) = vm.buffer(arg, flags::WRITABLE)
    {
        let n = b.len();
        if n > MAX_STRUCT {
            let p = b.address() as usize;
            // SAFETY: the buffer is held and writable.
            let r = blocking(vm, || unsafe { libc::ioctl(fd.0, request as _, p as *mut libc::c_void) })?;
            return Ok(Value::int(r as i64));
        }
        let mut data = b.as_slice().to_vec();
        data.resize(MAX_STRUCT, 0);
        data.extend_from_slice(&GUARD);
        let p = data.as_mut_ptr() as usize;
        // SAFETY: there is room for any structure.
        let r = blocking(vm, || unsafe { libc::ioctl(fd.0, request as _, p as *mut libc::c_void) })?;
        b.as_mut_slice().copy_from_slice(&data[..n]);
        if data[MAX_STRUCT..] != GUARD {
            return Err(vm.system_error("buffer overflow"));
        }
        return Ok(Value::int(r as i64));
    }
    match structure(vm, arg)? {
        None => {
            let n = number(vm, arg)?;
            // SAFETY: the request takes a number.
            blocking(vm, || unsafe { libc::ioctl(fd.0, request as _, n) }).map(|r| int_from(r as i128))
        }
        Some(mut data) => {
            let n = data.len();
            if n > MAX_STRUCT {
                return Err(vm.value_error("ioctl argument 3 is too long"));
            }
            data.resize(MAX_STRUCT, 0);
            data.extend_from_slice(&GUARD);
            let p = data.as_mut_ptr() as usize;
            // SAFETY: there is room for any structure.
            blocking(vm, || unsafe { libc::ioctl(fd.0, request as _, p as *mut libc::c_void) })?;
            if data[MAX_STRUCT..] != GUARD {
                return Err(vm.system_error("buffer overflow"));
            }
            Ok(BytesObj::new(&data[..n]).value())
        }
    }
}

fn lockf(vm: &Vm, fd: Fd, op: i32, len: Option<i64>, start: Option<i64>, whence: Option<i32>) -> Res<()> {
    // SAFETY: plain C struct.
    let mut l: libc::flock = unsafe { std::mem::zeroed() };
    l.l_type = match op {
        libc::LOCK_UN => libc::F_UNLCK,
        _ if op & libc::LOCK_SH != 0 => libc::F_RDLCK,
        _ if op & libc::LOCK_EX != 0 => libc::F_WRLCK,
        _ => return Err(vm.value_error("unrecognized lockf argument")),
    } as i16;
    l.l_start = start.unwrap_or(0);
    l.l_len = len.unwrap_or(0);
    l.l_whence = whence.unwrap_or(0) as i16;
    let cmd = if op & libc::LOCK_NB != 0 { libc::F_SETLK } else { libc::F_SETLKW };
    // SAFETY: a valid struct.
    blocking(vm, || unsafe { libc::fcntl(fd.0, cmd, &l) }).map(drop)
}
