//! Raising `OSError` with the right subclass.

use cape_vm::exc::set_extra;
use cape_vm::object::{ExcObj, StrObj, TupleObj, TypeObj};
use cape_vm::{Ptr, Raised, Value, Vm, rt};

/// The subclass of `OSError` that an error number selects.
pub fn class_for(errno: i32) -> Ptr<TypeObj> {
    let t = &rt().types;
    match errno {
        libc::EAGAIN | libc::EALREADY | libc::EINPROGRESS => t.blocking_io_error,
        libc::EPIPE | libc::ESHUTDOWN => t.broken_pipe_error,
        libc::ECHILD => t.child_process_error,
        libc::ECONNABORTED => t.connection_aborted_error,
        libc::ECONNREFUSED => t.connection_refused_error,
        libc::ECONNRESET => t.connection_reset_error,
        libc::EEXIST => t.file_exists_error,
        libc::ENOENT => t.file_not_found_error,
        libc::EISDIR => t.is_a_directory_error,
        libc::ENOTDIR => t.not_a_directory_error,
        libc::EINTR => t.interrupted_error,
        libc::EACCES | libc::EPERM => t.permission_error,
        libc::ESRCH => t.process_lookup_error,
        libc::ETIMEDOUT => t.timeout_error,
        _ => t.os_error,
    }
}

/// The calling thread's `errno`.
pub fn errno() -> i32 {
    // SAFETY: the address of the thread's errno is always valid.
    unsafe { *libc::__errno_location() }
}

/// Sets the calling thread's `errno`.
pub fn set_errno(e: i32) {
    // SAFETY: as above.
    unsafe { *libc::__errno_location() = e }
}

/// The system's text for an error number.
pub fn strerror(errno: i32) -> String {
    let mut buf = [0u8; 256];
    // SAFETY: the buffer is as long as said; the XSI variant writes a terminated string into it.
    unsafe { libc::strerror_r(errno, buf.as_mut_ptr() as *mut libc::c_char, buf.len()) };
    let n = memchr::memchr(0, &buf).unwrap_or(buf.len());
    String::from_utf8_lossy(&buf[..n]).into_owned()
}

/// A raised `OSError` for `errno`; `filename` (None or EMPTY for none) is shown in the message.
#[cold]
pub fn os_error(vm: &Vm, errno: i32, filename: Value) -> Raised {
    os_error2(vm, errno, filename, Value::EMPTY)
}

/// As [`os_error`] for an operation on two files.
#[cold]
pub fn os_error2(vm: &Vm, errno: i32, filename: Value, filename2: Value) -> Raised {
    raise(vm, class_for(errno), errno, &strerror(errno), filename, filename2)
}

/// A raised `OSError` with another message than the system's.
#[cold]
pub fn os_error_message(vm: &Vm, errno: i32, message: &str) -> Raised {
    raise(vm, class_for(errno), errno, message, Value::EMPTY, Value::EMPTY)
}

/// A raised `OSError` for the calling thread's `errno`.
#[cold]
pub fn last_error(vm: &Vm) -> Raised {
    os_error(vm, errno(), Value::EMPTY)
}

/// A raised instance of `class`, an `OSError`, whatever `errno` says.
pub fn raise(
    vm: &Vm,
    class: Ptr<TypeObj>,
    errno: i32,
    message: &str,
    filename: Value,
    filename2: Value,
) -> Raised {
    let _ = vm;
    let args = [Value::int(errno as i64), StrObj::new(message).value()];
    let exc = ExcObj::with_map(class.instance_map(), TupleObj::new(&args));
    set_extra(exc, 0, args[0]);
    set_extra(exc, 1, args[1]);
    if !filename.is_empty() && !filename.is_none() {
        set_extra(exc, 2, filename);
        if !filename2.is_empty() && !filename2.is_none() {
            set_extra(exc, 4, filename2);
        }
    }
    Raised::new(exc)
}
