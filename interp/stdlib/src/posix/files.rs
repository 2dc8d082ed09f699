//! Changing files by path: permissions, owners, times, size, extended attributes, special files.

use cape_vm::buffer::Buffer;
use cape_vm::native::{FromArg, int_from};
use cape_vm::object::{BytesObj, Int, ListObj, ModuleObj, TupleObj, float_of};
use cape_vm::special::Special;
use cape_vm::{Ptr, Res, Value, Vm, type_of};

use super::stat::check_fd_use;
use crate::fsname::{self, DirFd, Path, PathOrFd, PathOrFdOrNone};
use crate::oserror::{errno, os_error};
use crate::sys_call::{blocking_named, once_named};

pub(super) fn init(m: Ptr<ModuleObj>) {
    m.function(
        "access($module, /, path, mode, *, dir_fd=None, effective_ids=False,\n       follow_symlinks=True)",
        "Use the real uid/gid to test for access to a path.",
        access,
    )
    .function(
        "chmod($module, /, path, mode, *, dir_fd=None,\n      follow_symlinks=(os.name != 'nt'))",
        "Change the access permissions of a file.",
        chmod,
    )
    .function("chown($module, /, path, uid, gid, *, dir_fd=None, follow_symlinks=True)", "Change the owner and group id of path to the numeric uid and gid.", chown)
    .function("lchown($module, /, path, uid, gid)", "Change the owner and group id of path to the numeric uid and gid.", |vm: &Vm, p: Path, u: Uid, g: Gid| {
        let c = p.as_ptr() as usize;
        // SAFETY: a terminated path.
        once_named(vm, p.object, || unsafe { libc::lchown(c as *const libc::c_char, u.0, g.0) }).map(drop)
    })
    .function(
        "utime($module, /, path, times=None, *, ns=<unrepresentable>,\n      dir_fd=None, follow_symlinks=True)",
        "Set the access and modified time of path.",
        utime,
    )
    .function("truncate($module, /, path, length)", "Truncate a file, specified by path, to a specific length.", truncate)
    .function("mkfifo($module, /, path, mode=438, *, dir_fd=None)", "Create a \"fifo\" (a POSIX named pipe).", |vm: &Vm, p: Path, mode: Option<i32>, d: DirFd| {
        let c = p.as_ptr() as usize;
        // SAFETY: a terminated path.
        blocking_named(vm, p.object, || unsafe { libc::mkfifoat(d.0, c as *const libc::c_char, mode.unwrap_or(0o666) as u32) }).map(drop)
    })
    .function("mknod($module, /, path, mode=384, device=0, *, dir_fd=None)", "Create a node in the file system.", |vm: &Vm, p: Path, mode: Option<i32>, dev: Option<u64>, d: DirFd| {
        let c = p.as_ptr() as usize;
        let (mode, dev) = (mode.unwrap_or(0o600) as u32, dev.unwrap_or(0));
        // SAFETY: a terminated path.
        blocking_named(vm, Value::EMPTY, || unsafe { libc::mknodat(d.0, c as *const libc::c_char, mode, dev) }).map(drop)
    })
    .function("major($module, device, /)", "Extracts a device major number from a raw device number.", |vm: &Vm, d: Value| {
        Ok::<i64, cape_vm::Raised>(device(vm, d)?.map_or(-1, |d| libc::major(d) as i64))
    })
    .function("minor($module, device, /)", "Extracts a device minor number from a raw device number.", |vm: &Vm, d: Value| {
        Ok::<i64, cape_vm::Raised>(device(vm, d)?.map_or(-1, |d| libc::minor(d) as i64))
    })
    .function("makedev($module, major, minor, /)", "Composes a raw device number from the major and minor device numbers.", |vm: &Vm, a: Value, b: Value| {
        // What is no device at all is -1.
        Ok::<Value, cape_vm::Raised>(match libc::makedev(device_part(vm, a)?, device_part(vm, b)?) {
            u64::MAX => Value::int(-1),
            n => cape_vm::native::int_from(n as i128),
        })
    })
    .function("getxattr($module, /, path, attribute, *, follow_symlinks=True)", "Return the value of extended attribute attribute on path.", getxattr)
    .function("setxattr($module, /, path, attribute, value, flags=0, *,\n         follow_symlinks=True)", "Set extended attribute attribute on path to value.", setxattr)
    .function("removexattr($module, /, path, attribute, *, follow_symlinks=True)", "Remove extended attribute attribute on path.", removexattr)
    .function("listxattr($module, /, path=None, *, follow_symlinks=True)", "Return a list of extended attributes on path.", listxattr);
}

/// A device number; -1 is "no device".
fn device(vm: &Vm, v: Value) -> Res<Option<u64>> {
    let i = vm.index_int(v)?;
    if i.to_i64() == Some(-1) {
        return Ok(None);
    }
    Ok(Some(device_number(vm, i)?))
}

fn device_number(vm: &Vm, i: Int) -> Res<u64> {
    let negative = match &i {
        Int::Small(n) => *n < 0,
        Int::Big(b) => b.sign() == num_bigint::Sign::Minus,
    };
    num_traits::ToPrimitive::to_u64(&i.into_big()).ok_or_else(|| {
        vm.overflow_error(if negative {
            "can't convert negative int to unsigned"
        } else {
            "int too big to convert"
        })
    })
}

/// The major or minor number of a device; -1 is none.
fn device_part(vm: &Vm, v: Value) -> Res<u32> {
    let i = vm.index_int(v)?;
    if i.to_i64() == Some(-1) {
        return Ok(u32::MAX);
    }
    u32::try_from(device_number(vm, i)?)
        .map_err(|_| vm.overflow_error("Python int too large to convert to C unsigned int"))
}

/// A user id: -1 leaves it alone.
pub struct Uid(pub u32);
/// A group id: -1 leaves it alone.
pub struct Gid(pub u32);

pub fn id_arg(vm: &Vm, v: Value, what: &str) -> Res<u32> {
    if Int::of(v).is_none() && type_of(v).special(Special::Index).is_empty() {
        return Err(vm.type_error(format!("{what} should be integer, not {}", type_of(v).name_str())));
    }
    let i = vm.index_int(v)?;
    match i.to_i64() {
        Some(-1) => Ok(u32::MAX),
        Some(n) if n < 0 => Err(vm.overflow_error(format!("{what} is less than minimum"))),
        None if matches!(&i, Int::Big(b) if b.sign() == num_bigint::Sign::Minus) => {
            Err(vm.overflow_error(format!("{what} is less than minimum")))
        }
        Some(n) if n < u32::MAX as i64 => Ok(n as u32),
        _ => Err(vm.overflow_error(format!("{what} is greater than maximum"))),
    }
}

impl FromArg for Uid {
    fn from_arg(vm: &Vm, v: Value, _: usize) -> Res<Self> {
        id_arg(vm, v, "uid").map(Uid)
    }
}

impl FromArg for Gid {
    fn from_arg(vm: &Vm, v: Value, _: usize) -> Res<Self> {
        id_arg(vm, v, "gid").map(Gid)
    }
}

fn access(vm: &Vm, path: Path, mode: i32, dir: DirFd, effective: Option<bool>, follow: Option<bool>) -> bool {
    let mut flags = 0;
    if effective == Some(true) {
        flags |= libc::AT_EACCESS;
    }
    if follow == Some(false) {
        flags |= libc::AT_SYMLINK_NOFOLLOW;
    }
    let p = path.as_ptr() as usize;
    // SAFETY: a terminated path.
    vm.allow_threads(|| unsafe { libc::faccessat(dir.0, p as *const libc::c_char, mode, flags) }) == 0
}

fn chmod(vm: &Vm, path: PathOrFd, mode: i32, dir: DirFd, follow: Option<bool>) -> Res<()> {
    let follow = follow.unwrap_or(true);
    check_fd_use(vm, "chmod", path.fd, &dir, Some(follow))?;
    let p = path.as_ptr() as usize;
    let (r, e) = vm.allow_threads(|| {
        // SAFETY: a descriptor, or a terminated path.
        let r = unsafe {
            match path.fd {
                Some(fd) => libc::fchmod(fd, mode as u32),
                None if follow => libc::fchmodat(dir.0, p as *const libc::c_char, mode as u32, 0),
                None => libc::fchmodat(dir.0, p as *const libc::c_char, mode as u32, libc::AT_SYMLINK_NOFOLLOW),
            }
        };
        (r, errno())
    });
    if r == 0 {
        return Ok(());
    }
    if !follow && (e == libc::ENOTSUP || e == libc::EOPNOTSUPP) {
        return Err(if dir.given() {
            vm.value_error("chmod: cannot use dir_fd and follow_symlinks together")
        } else {
            vm.not_implemented_error("chmod: follow_symlinks unavailable on this platform")
        });
    }
    Err(os_error(vm, e, path.object))
}

fn chown(vm: &Vm, path: PathOrFd, uid: Uid, gid: Gid, dir: DirFd, follow: Option<bool>) -> Res<()> {
    let follow = follow.unwrap_or(true);
    check_fd_use(vm, "chown", path.fd, &dir, Some(follow))?;
    let p = path.as_ptr() as usize;
    let flags = if follow { 0 } else { libc::AT_SYMLINK_NOFOLLOW };
    once_named(vm, path.object, || match path.fd {
        // SAFETY: a plain call.
        Some(fd) => unsafe { libc::fchown(fd, uid.0, gid.0) },
        // SAFETY: a terminated path.
        None => unsafe { libc::fchownat(dir.0, p as *const libc::c_char, uid.0, gid.0, flags) },
    })
    .map(drop)
}

/// A time in seconds (int or float), rounded down to nanoseconds.
fn time_arg(vm: &Vm, v: Value) -> Res<libc::timespec> {
    if let Some(f) = float_of(v) {
        if f.is_nan() {
            return Err(vm.value_error("Invalid value NaN (not a number)"));
        }
        let s = f.floor();
        let ns = ((f - s) * 1e9).floor();
        if !(-9.2e18..9.2e18).contains(&s) {
            return Err(vm.overflow_error("timestamp out of range for platform time_t"));
        }
        return Ok(libc::timespec { tv_sec: s as i64, tv_nsec: (ns as i64).min(999_999_999) });
    }
    let s = vm.index_int(v)?.to_i64();
    let s = s.ok_or_else(|| vm.overflow_error("timestamp out of range for platform time_t"))?;
    Ok(libc::timespec { tv_sec: s, tv_nsec: 0 })
}

fn ns_arg(vm: &Vm, v: Value) -> Res<libc::timespec> {
    let n = vm.index_int(v)?.into_big();
    let billion = num_bigint::BigInt::from(1_000_000_000);
    let (s, ns) = num_integer::Integer::div_mod_floor(&n, &billion);
    let s = num_traits::ToPrimitive::to_i64(&s);
    let s = s.ok_or_else(|| vm.overflow_error("Python int too large to convert to C long"))?;
    Ok(libc::timespec { tv_sec: s, tv_nsec: num_traits::ToPrimitive::to_i64(&ns).unwrap_or(0) })
}

fn utime(
    vm: &Vm,
    path: PathOrFd,
    times: Option<Value>,
    ns: Option<Value>,
    dir: DirFd,
    follow: Option<bool>,
) -> Res<()> {
    let times = times.filter(|t| !t.is_none());
    let pair = |v: Value, message: &str| match v.downcast::<TupleObj>() {
        Some(t) if t.len() == 2 => Ok(t),
        _ => Err(vm.type_error(message)),
    };
    let spec = match (times, ns) {
        (Some(_), Some(_)) => {
            return Err(vm.value_error("utime: you may specify either 'times' or 'ns' but not both"));
        }
        (Some(t), None) => {
            let t = pair(t, "utime: 'times' must be either a tuple of two ints or None")?;
            Some([time_arg(vm, t.get(0))?, time_arg(vm, t.get(1))?])
        }
        (None, Some(n)) => {
            let t = pair(n, "utime: 'ns' must be a tuple of two ints")?;
            Some([ns_arg(vm, t.get(0))?, ns_arg(vm, t.get(1))?])
        }
        (None, None) => None,
    };
    let follow = follow.unwrap_or(true);
    check_fd_use(vm, "utime", path.fd, &dir, Some(follow))?;
    let t = spec.as_ref().map_or(std::ptr::null(), |s| s.as_ptr()) as usize;
    let p = path.as_ptr() as usize;
    let flags = if follow { 0 } else { libc::AT_SYMLINK_NOFOLLOW };
    once_named(vm, path.object, || match path.fd {
        // SAFETY: null or two times.
        Some(fd) => unsafe { libc::futimens(fd, t as *const libc::timespec) },
        // SAFETY: a terminated path; null or two times.
        None => unsafe {
            libc::utimensat(dir.0, p as *const libc::c_char, t as *const libc::timespec, flags)
        },
    })
    .map(drop)
}

fn truncate(vm: &Vm, path: PathOrFd, length: i64) -> Res<()> {
    let p = path.as_ptr() as usize;
    blocking_named(vm, path.object, || match path.fd {
        // SAFETY: a plain call.
        Some(fd) => unsafe { libc::ftruncate(fd, length) },
        // SAFETY: a terminated path.
        None => unsafe { libc::truncate(p as *const libc::c_char, length) },
    })
    .map(drop)
}

/// What an extended attribute function does with the three ways to name a file.
macro_rules! xattr_call {
    ($path:expr, $follow:expr, $f:ident, $l:ident, $fd:ident, $($arg:expr),*) => {
        // SAFETY: terminated strings, and buffers as long as said.
        unsafe {
            match $path.fd {
                Some(fd) => libc::$fd(fd, $($arg),*),
                None if $follow => libc::$f($path.as_ptr(), $($arg),*),
                None => libc::$l($path.as_ptr(), $($arg),*),
            }
        }
    };
}

fn check_xattr(vm: &Vm, function: &str, path: &PathOrFd, follow: Option<bool>) -> Res<bool> {
    let follow = follow.unwrap_or(true);
    check_fd_use(vm, function, path.fd, &DirFd(libc::AT_FDCWD), Some(follow))?;
    Ok(follow)
}

fn getxattr(vm: &Vm, path: PathOrFd, attribute: Path, follow: Option<bool>) -> Res<Value> {
    let follow = check_xattr(vm, "getxattr", &path, follow)?;
    for size in [128usize, 65536] {
        let mut buf = vec![0u8; size];
        let name = attribute.as_ptr();
        let p = buf.as_mut_ptr() as *mut libc::c_void;
        let n = xattr_call!(path, follow, getxattr, lgetxattr, fgetxattr, name, p, size);
        if n >= 0 {
            return Ok(BytesObj::new(&buf[..n as usize]).value());
        }
        if errno() != libc::ERANGE {
            return Err(os_error(vm, errno(), path.object));
        }
    }
    Err(os_error(vm, libc::ERANGE, path.object))
}

fn setxattr(
    vm: &Vm,
    path: PathOrFd,
    attribute: Path,
    value: Buffer,
    flags: Option<i32>,
    follow: Option<bool>,
) -> Res<()> {
    let follow = check_xattr(vm, "setxattr", &path, follow)?;
    let v = value.as_slice();
    let (name, p, flags) = (attribute.as_ptr(), v.as_ptr() as *const libc::c_void, flags.unwrap_or(0));
    let r = xattr_call!(path, follow, setxattr, lsetxattr, fsetxattr, name, p, v.len(), flags);
    if r != 0 { Err(os_error(vm, errno(), path.object)) } else { Ok(()) }
}

fn removexattr(vm: &Vm, path: PathOrFd, attribute: Path, follow: Option<bool>) -> Res<()> {
    let follow = check_xattr(vm, "removexattr", &path, follow)?;
    let r = xattr_call!(path, follow, removexattr, lremovexattr, fremovexattr, attribute.as_ptr());
    if r != 0 { Err(os_error(vm, errno(), path.object)) } else { Ok(()) }
}

fn listxattr(vm: &Vm, path: PathOrFdOrNone, follow: Option<bool>) -> Res<Value> {
    let follow = follow.unwrap_or(true);
    check_fd_use(vm, "listxattr", path.fd, &DirFd(libc::AT_FDCWD), Some(follow))?;
    for size in [256usize, 65536] {
        let mut buf = vec![0u8; size];
        let p = buf.as_mut_ptr() as *mut libc::c_char;
        let n = xattr_call!(path, follow, listxattr, llistxattr, flistxattr, p, size);
        if n >= 0 {
            let list = ListObj::new(&[]);
            for name in buf[..n as usize].split(|&b| b == 0).filter(|n| !n.is_empty()) {
                list.push(fsname::decode(name).value());
            }
            return Ok(list.value());
        }
        if errno() != libc::ERANGE {
            return Err(os_error(vm, errno(), path.object));
        }
    }
    Err(os_error(vm, libc::ERANGE, path.object))
}

/// An id as a Python int.
pub fn id_int(id: u32) -> Value {
    int_from(super::stat::id_value(id))
}
