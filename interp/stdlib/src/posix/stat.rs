//! `stat` and its relatives, and their result types.

use cape_vm::native::int_from;
use cape_vm::object::ModuleObj;
use cape_vm::structseq::{Spec, StructSeq};
use cape_vm::{Ptr, Res, Value, Vm};

use crate::fsname::{DirFd, Path, PathOrFd};
use crate::sys_call::{blocking, blocking_named, once_named};

/// `os.stat_result`.
pub static STAT_RESULT: StructSeq = StructSeq::new(Spec {
    name: "os.stat_result",
    doc: "stat_result: Result from stat, fstat, or lstat.\n\n\
          A tuple (mode, ino, dev, nlink, uid, gid, size, atime, mtime, ctime) whose\n\
          fields are also attributes st_mode, st_ino, st_dev, st_nlink, and so on.\n\
          st_blksize, st_blocks and st_rdev are attributes only.",
    fields: &[
        ("st_mode", "protection bits"),
        ("st_ino", "inode"),
        ("st_dev", "device"),
        ("st_nlink", "number of hard links"),
        ("st_uid", "user ID of owner"),
        ("st_gid", "group ID of owner"),
        ("st_size", "total size, in bytes"),
        ("", "integer time of last access"),
        ("", "integer time of last modification"),
        ("", "integer time of last change"),
        ("st_atime", "time of last access"),
        ("st_mtime", "time of last modification"),
        ("st_ctime", "time of last change"),
        ("st_atime_ns", "time of last access in nanoseconds"),
        ("st_mtime_ns", "time of last modification in nanoseconds"),
        ("st_ctime_ns", "time of last change in nanoseconds"),
        ("st_blksize", "blocksize for filesystem I/O"),
        ("st_blocks", "number of blocks allocated"),
        ("st_rdev", "device type (if inode device)"),
    ],
    visible: 10,
    instantiable: true,
    complete: Some(|f| {
        for i in 7..10 {
            if f[i + 3].is_none() {
                f[i + 3] = f[i];
            }
        }
    }),
});

/// `os.statvfs_result`.
static STATVFS_RESULT: StructSeq = StructSeq::new(Spec {
    name: "os.statvfs_result",
    doc: "statvfs_result: Result from statvfs or fstatvfs.\n\n\
          A tuple (bsize, frsize, blocks, bfree, bavail, files, ffree, favail, flag, namemax)\n\
          whose fields are also attributes f_bsize, f_frsize, and so on.",
    fields: &[
        ("f_bsize", ""),
        ("f_frsize", ""),
        ("f_blocks", ""),
        ("f_bfree", ""),
        ("f_bavail", ""),
        ("f_files", ""),
        ("f_ffree", ""),
        ("f_favail", ""),
        ("f_flag", ""),
        ("f_namemax", ""),
        ("f_fsid", ""),
    ],
    visible: 10,
    instantiable: true,
    complete: None,
});

pub(super) fn init(m: Ptr<ModuleObj>) {
    m.class(STAT_RESULT.class()).class(STATVFS_RESULT.class());
    m.function(
        "stat($module, /, path, *, dir_fd=None, follow_symlinks=True)",
        "Perform a stat system call on the given path.",
        stat,
    )
    .function(
        "lstat($module, /, path, *, dir_fd=None)",
        "Perform a stat system call on the given path, without following symbolic links.",
        lstat,
    )
    .function("fstat($module, /, fd)", "Perform a stat system call on the given file descriptor.", fstat)
    .function("statvfs($module, /, path)", "Perform a statvfs system call on the given path.", statvfs)
    .function("fstatvfs($module, fd, /)", "Perform an fstatvfs system call on the given fd.", fstatvfs);
}

/// The result tuple of a `struct stat`.
pub fn result(st: &libc::stat) -> Value {
    let times =
        [(st.st_atime, st.st_atime_nsec), (st.st_mtime, st.st_mtime_nsec), (st.st_ctime, st.st_ctime_nsec)];
    let mut f = [Value::NONE; 19];
    f[0] = int_from(st.st_mode as i128);
    f[1] = int_from(st.st_ino as i128);
    f[2] = int_from(st.st_dev as i128);
    f[3] = int_from(st.st_nlink as i128);
    f[4] = int_from(id_value(st.st_uid));
    f[5] = int_from(id_value(st.st_gid));
    f[6] = int_from(st.st_size as i128);
    for (i, &(s, ns)) in times.iter().enumerate() {
        f[7 + i] = int_from(s as i128);
        f[10 + i] = Value::float(s as f64 + 1e-9 * ns as f64);
        f[13 + i] = int_from(s as i128 * 1_000_000_000 + ns as i128);
    }
    f[16] = int_from(st.st_blksize as i128);
    f[17] = int_from(st.st_blocks as i128);
    f[18] = int_from(st.st_rdev as i128);
    STAT_RESULT.make(&f)
}

/// A user or group id as an int: -1 for "none".
pub fn id_value(id: u32) -> i128 {
    if id == u32::MAX { -1 } else { id as i128 }
}

fn zeroed() -> libc::stat {
    // SAFETY: a plain C struct.
    unsafe { std::mem::zeroed() }
}

fn stat(vm: &Vm, path: PathOrFd, dir: DirFd, follow: Option<bool>) -> Res<Value> {
    let follow = follow.unwrap_or(true);
    check_fd_use(vm, "stat", path.fd, &dir, Some(follow))?;
    let mut st = zeroed();
    let p = path.as_ptr() as usize;
    let flags = if follow { 0 } else { libc::AT_SYMLINK_NOFOLLOW };
    once_named(vm, path.object, || match path.fd {
        // SAFETY: st is a valid buffer.
        Some(fd) => unsafe { libc::fstat(fd, &mut st) },
        // SAFETY: a terminated path that outlives the call, and a valid buffer.
        None => unsafe { libc::fstatat(dir.0, p as *const libc::c_char, &mut st, flags) },
    })?;
    Ok(result(&st))
}

fn lstat(vm: &Vm, path: Path, dir: DirFd) -> Res<Value> {
    let mut st = zeroed();
    let p = path.as_ptr() as usize;
    once_named(vm, path.object, || {
        // SAFETY: a terminated path that outlives the call, and a valid buffer.
        unsafe { libc::fstatat(dir.0, p as *const libc::c_char, &mut st, libc::AT_SYMLINK_NOFOLLOW) }
    })?;
    Ok(result(&st))
}

fn fstat(vm: &Vm, fd: i32) -> Res<Value> {
    let mut st = zeroed();
    // SAFETY: a valid buffer.
    blocking(vm, || unsafe { libc::fstat(fd, &mut st) })?;
    Ok(result(&st))
}

/// The combinations that make no sense with a file descriptor as path.
pub(super) fn check_fd_use(
    vm: &Vm,
    function: &str,
    fd: Option<i32>,
    dir: &DirFd,
    follow: Option<bool>,
) -> Res<()> {
    if fd.is_none() {
        return Ok(());
    }
    if dir.given() {
        return Err(vm.value_error(format!("{function}: can't specify dir_fd without matching path")));
    }
    if follow == Some(false) {
        return Err(vm.value_error(format!("{function}: cannot use fd and follow_symlinks together")));
    }
    Ok(())
}

fn statvfs_result(s: &libc::statvfs) -> Value {
    let f = [
        s.f_bsize, s.f_frsize, s.f_blocks, s.f_bfree, s.f_bavail, s.f_files, s.f_ffree, s.f_favail, s.f_flag, s.f_namemax,
        s.f_fsid,
    ]
    .map(|x| int_from(x as i128));
    STATVFS_RESULT.make(&f)
}

fn statvfs(vm: &Vm, path: PathOrFd) -> Res<Value> {
    // SAFETY: a plain C struct.
    let mut s: libc::statvfs = unsafe { std::mem::zeroed() };
    let p = path.as_ptr() as usize;
    blocking_named(vm, path.object, || match path.fd {
        // SAFETY: a valid buffer.
        Some(fd) => unsafe { libc::fstatvfs(fd, &mut s) },
        // SAFETY: a terminated path that outlives the call, and a valid buffer.
        None => unsafe { libc::statvfs(p as *const libc::c_char, &mut s) },
    })?;
    Ok(statvfs_result(&s))
}

fn fstatvfs(vm: &Vm, fd: i32) -> Res<Value> {
    // SAFETY: a plain C struct.
    let mut s: libc::statvfs = unsafe { std::mem::zeroed() };
    // SAFETY: a valid buffer.
    blocking(vm, || unsafe { libc::fstatvfs(fd, &mut s) })?;
    Ok(statvfs_result(&s))
}
