//! `_socket`.

mod address;
mod constants;
mod message;
mod object;
mod resolve;

use std::sync::atomic::Ordering;

use cape_vm::native::int_from;
use cape_vm::object::{ModuleObj, StrObj, TupleObj};
use cape_vm::{Ptr, Raised, Res, Value, Vm, rt};

pub use self::object::{SOCKET, SocketObj};
use self::object::{DEFAULT_TIMEOUT, timeout_arg};
use crate::duration::seconds;
use crate::fsname::Fd;
use crate::oserror::{errno, os_error};
use crate::sys_call::check;

/// Fills the module.
pub fn init(vm: &Vm, m: Ptr<ModuleObj>) -> Res<()> {
    for &(name, n) in constants::CONSTANTS {
        m.add(name, int_from(n as i128));
    }
    m.add("has_ipv6", Value::TRUE)
        .add("error", rt().types.os_error.value())
        .add("timeout", rt().types.timeout_error.value())
        .add("BDADDR_ANY", StrObj::new("00:00:00:00:00:00").value())
        .add("BDADDR_LOCAL", StrObj::new("00:00:00:FF:FF:FF").value());
    object::init(m);
    resolve::init(vm, m)?;
    m.function("close($module, fd, /)", "Close an integer socket file descriptor.", |vm: &Vm, fd: i32| {
        // SAFETY: the caller says that the descriptor is theirs to close.
        let (r, e) = vm.allow_threads(|| (unsafe { libc::close(fd) }, errno()));
        if r < 0 && e != libc::ECONNRESET { Err(os_error(vm, e, Value::EMPTY)) } else { Ok(()) }
    })
    .function("dup($module, fd, /)", "Duplicate an integer socket file descriptor.", |vm: &Vm, fd: Fd| {
        // SAFETY: a plain call.
        check(vm, unsafe { libc::fcntl(fd.0, libc::F_DUPFD_CLOEXEC, 0) })
    })
    .function("socketpair($module, family=AF_UNIX, type=SOCK_STREAM, proto=0, /)", "Create a pair of socket objects.", |vm: &Vm, family: Option<i32>, kind: Option<i32>, proto: Option<i32>| {
        let (family, kind, proto) = (family.unwrap_or(libc::AF_UNIX), kind.unwrap_or(libc::SOCK_STREAM), proto.unwrap_or(0));
        let mut fds = [0; 2];
        // SAFETY: a valid buffer.
        check(vm, unsafe { libc::socketpair(family, kind | libc::SOCK_CLOEXEC, proto, fds.as_mut_ptr()) })?;
        let a = object::from_fd(vm, fds[0], family, kind, proto)?;
        let b = object::from_fd(vm, fds[1], family, kind, proto)?;
        Ok::<Value, Raised>(TupleObj::new(&[a, b]).value())
    })
    .function("getdefaulttimeout($module, /)", "Returns the default timeout in seconds (float) for new socket objects.", |_: &Vm| {
        match DEFAULT_TIMEOUT.load(Ordering::Relaxed) {
            n if n < 0 => Value::NONE,
            n => Value::float(seconds(n)),
        }
    })
    .function("setdefaulttimeout($module, timeout, /)", "Set the default timeout in seconds (float) for new socket objects.", |vm: &Vm, t: Value| {
        DEFAULT_TIMEOUT.store(timeout_arg(vm, t)?, Ordering::Relaxed);
        Ok::<(), Raised>(())
    })
    .function("CMSG_LEN($module, length, /)", "Return the total length of an ancillary data item, without trailing padding.", message::cmsg_len)
    .function("CMSG_SPACE($module, length, /)", "Return the buffer size needed for an ancillary data item, with padding.", message::cmsg_space);
    Ok(())
}
