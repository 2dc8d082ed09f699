//! Users, groups, sessions, process groups.

use cape_vm::native::FromArg;
use cape_vm::object::{ListObj, ModuleObj, TupleObj};
use cape_vm::{Ptr, Res, Value, Vm};

use super::files::{Gid, Uid, id_int};
use crate::fsname::fsencode;
use crate::oserror::{errno, os_error, set_errno};
use crate::sys_call::check;

unsafe extern "C" {
    fn getlogin_r(buf: *mut libc::c_char, size: usize) -> i32;
}

macro_rules! plain { ($m:ident, $($sig:literal $doc:literal $f:expr;)*) => { $( $m.function($sig, $doc, $f); )* } }

pub(super) fn init(m: Ptr<ModuleObj>) {
    plain! { m,
        "getpid($module, /)" "Return the current process id." |_: &Vm| {
            // SAFETY: a plain call.
            unsafe { libc::getpid() }
        };
        "getppid($module, /)" "Return the parent's process id." |_: &Vm| {
            // SAFETY: a plain call.
            unsafe { libc::getppid() }
        };
        "getuid($module, /)" "Return the current process's user id." |_: &Vm| {
            // SAFETY: a plain call.
            id_int(unsafe { libc::getuid() })
        };
        "geteuid($module, /)" "Return the current process's effective user id." |_: &Vm| {
            // SAFETY: a plain call.
            id_int(unsafe { libc::geteuid() })
        };
        "getgid($module, /)" "Return the current process's group id." |_: &Vm| {
            // SAFETY: a plain call.
            id_int(unsafe { libc::getgid() })
        };
        "getegid($module, /)" "Return the current process's effective group id." |_: &Vm| {
            // SAFETY: a plain call.
            id_int(unsafe { libc::getegid() })
        };
        "getpgrp($module, /)" "Return the current process group id." |_: &Vm| {
            // SAFETY: a plain call.
            unsafe { libc::getpgrp() }
        };
        "setpgrp($module, /)" "Make the current process the leader of its process group." |vm: &Vm| {
            // SAFETY: a plain call.
            check(vm, unsafe { libc::setpgid(0, 0) }).map(drop)
        };
        "getpgid($module, /, pid)" "Call the system call getpgid(), and return the result." |vm: &Vm, pid: i32| {
            // SAFETY: a plain call.
            check(vm, unsafe { libc::getpgid(pid) })
        };
        "setpgid($module, pid, pgrp, /)" "Call the system call setpgid(pid, pgrp)." |vm: &Vm, pid: i32, g: i32| {
            // SAFETY: a plain call.
            check(vm, unsafe { libc::setpgid(pid, g) }).map(drop)
        };
        "getsid($module, pid, /)" "Call the system call getsid(pid) and return the result." |vm: &Vm, pid: i32| {
            // SAFETY: a plain call.
            check(vm, unsafe { libc::getsid(pid) })
        };
        "setsid($module, /)" "Call the system call setsid()." |vm: &Vm| {
            // SAFETY: a plain call.
            check(vm, unsafe { libc::setsid() }).map(drop)
        };
        "setuid($module, uid, /)" "Set the current process's user id." |vm: &Vm, u: Uid| {
            // SAFETY: a plain call.
            check(vm, unsafe { libc::setuid(u.0) }).map(drop)
        };
        "seteuid($module, euid, /)" "Set the current process's effective user id." |vm: &Vm, u: Uid| {
            // SAFETY: a plain call.
            check(vm, unsafe { libc::seteuid(u.0) }).map(drop)
        };
        "setgid($module, gid, /)" "Set the current process's group id." |vm: &Vm, g: Gid| {
            // SAFETY: a plain call.
            check(vm, unsafe { libc::setgid(g.0) }).map(drop)
        };
        "setegid($module, egid, /)" "Set the current process's effective group id." |vm: &Vm, g: Gid| {
            // SAFETY: a plain call.
            check(vm, unsafe { libc::setegid(g.0) }).map(drop)
        };
        "setreuid($module, ruid, euid, /)" "Set the current process's real and effective user ids." |vm: &Vm, r: Uid, e: Uid| {
            // SAFETY: a plain call.
            check(vm, unsafe { libc::setreuid(r.0, e.0) }).map(drop)
        };
        "setregid($module, rgid, egid, /)" "Set the current process's real and effective group ids." |vm: &Vm, r: Gid, e: Gid| {
            // SAFETY: a plain call.
            check(vm, unsafe { libc::setregid(r.0, e.0) }).map(drop)
        };
        "setresuid($module, ruid, euid, suid, /)" "Set the current process's real, effective, and saved user ids." |vm: &Vm, r: Uid, e: Uid, s: Uid| {
            // SAFETY: a plain call.
            check(vm, unsafe { libc::setresuid(r.0, e.0, s.0) }).map(drop)
        };
        "setresgid($module, rgid, egid, sgid, /)" "Set the current process's real, effective, and saved group ids." |vm: &Vm, r: Gid, e: Gid, s: Gid| {
            // SAFETY: a plain call.
            check(vm, unsafe { libc::setresgid(r.0, e.0, s.0) }).map(drop)
        };
        "getresuid($module, /)" "Return a tuple of the current process's real, effective, and saved user ids." |vm: &Vm| {
            let (mut r, mut e, mut s) = (0, 0, 0);
            // SAFETY: valid buffers.
            check(vm, unsafe { libc::getresuid(&mut r, &mut e, &mut s) })?;
            Ok::<Value, cape_vm::Raised>(TupleObj::new(&[id_int(r), id_int(e), id_int(s)]).value())
        };
        "getresgid($module, /)" "Return a tuple of the current process's real, effective, and saved group ids." |vm: &Vm| {
            let (mut r, mut e, mut s) = (0, 0, 0);
            // SAFETY: valid buffers.
            check(vm, unsafe { libc::getresgid(&mut r, &mut e, &mut s) })?;
            Ok::<Value, cape_vm::Raised>(TupleObj::new(&[id_int(r), id_int(e), id_int(s)]).value())
        };
        "getgroups($module, /)" "Return list of supplemental group IDs for the process." getgroups;
        "setgroups($module, groups, /)" "Set the groups of the current process to list." setgroups;
        "getgrouplist($module, user, group, /)" "Returns a list of groups to which a user belongs." getgrouplist;
        "initgroups($module, username, gid, /)" "Initialize the group access list." initgroups;
        "getlogin($module, /)" "Return the actual login name." getlogin;
        "getpriority($module, /, which, who)" "Return program scheduling priority." getpriority;
        "setpriority($module, /, which, who, priority)" "Set program scheduling priority." |vm: &Vm, which: i32, who: i32, p: i32| {
            // SAFETY: a plain call.
            check(vm, unsafe { libc::setpriority(which as _, who as u32, p) }).map(drop)
        };
        "nice($module, increment, /)" "Add increment to the priority of process and return the new priority." nice;
    }
}

fn list_of(groups: &[u32]) -> Value {
    let list = ListObj::new(&[]);
    groups.iter().for_each(|&g| list.push(id_int(g)));
    list.value()
}

fn getgroups(vm: &Vm) -> Res<Value> {
    // SAFETY: asks for the number only, then with a buffer of that size.
    unsafe {
        let n = check(vm, libc::getgroups(0, std::ptr::null_mut()))?;
        let mut g = vec![0; n as usize + 16];
        let n = check(vm, libc::getgroups(g.len() as i32, g.as_mut_ptr()))?;
        Ok(list_of(&g[..n as usize]))
    }
}

fn setgroups(vm: &Vm, groups: Value) -> Res<()> {
    if cape_vm::type_of(groups).special(cape_vm::special::Special::Getitem).is_empty() {
        return Err(vm.type_error("setgroups argument must be a sequence"));
    }
    let items = vm.vec_of(groups)?;
    let mut g = Vec::with_capacity(items.len());
    for &v in items.iter() {
        if cape_vm::object::Int::of(v).is_none() {
            return Err(vm.type_error("groups must be integers"));
        }
        g.push(Gid::from_arg(vm, v, 0)?.0);
    }
    // SAFETY: the array is as long as said.
    check(vm, unsafe { libc::setgroups(g.len(), g.as_ptr()) }).map(drop)
}

fn getgrouplist(vm: &Vm, user: Value, group: Gid) -> Res<Value> {
    let user = fsencode(vm, user)?;
    let mut n = 32;
    loop {
        let mut g = vec![0; n as usize];
        let before = n;
        // SAFETY: a terminated name; the array is as long as said.
        if unsafe { libc::getgrouplist(user.as_ptr(), group.0, g.as_mut_ptr(), &mut n) } >= 0 {
            return Ok(list_of(&g[..n as usize]));
        }
        if n <= before {
            n = before * 2;
        }
        if n > 1 << 20 {
            return Err(os_error(vm, libc::ENOMEM, Value::EMPTY));
        }
    }
}

fn initgroups(vm: &Vm, user: Value, group: Gid) -> Res<()> {
    let user = fsencode(vm, user)?;
    // SAFETY: a terminated name.
    check(vm, unsafe { libc::initgroups(user.as_ptr(), group.0) }).map(drop)
}

fn getlogin(vm: &Vm) -> Res<Value> {
    let mut buf = [0u8; 256];
    // SAFETY: the buffer is as long as said.
    let r = unsafe { getlogin_r(buf.as_mut_ptr() as *mut libc::c_char, buf.len()) };
    if r != 0 {
        return Err(os_error(vm, r, Value::EMPTY));
    }
    let n = memchr::memchr(0, &buf).unwrap_or(buf.len());
    Ok(crate::fsname::decode(&buf[..n]).value())
}

/// For calls of which -1 may be the right result.
fn may_be_negative(vm: &Vm, f: impl FnOnce() -> i32) -> Res<i32> {
    set_errno(0);
    let r = f();
    if r == -1 && errno() != 0 { Err(os_error(vm, errno(), Value::EMPTY)) } else { Ok(r) }
}

fn getpriority(vm: &Vm, which: i32, who: i32) -> Res<i32> {
    // SAFETY: a plain call.
    may_be_negative(vm, || unsafe { libc::getpriority(which as _, who as u32) })
}

fn nice(vm: &Vm, by: i32) -> Res<i32> {
    // SAFETY: a plain call.
    may_be_negative(vm, || unsafe { libc::nice(by) })
}
