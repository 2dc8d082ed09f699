//! Directories and links: listing, making, removing, renaming.

use cape_vm::object::{BytesObj, ListObj, ModuleObj};
use cape_vm::{Ptr, Res, Value, Vm};

use crate::fsname::{self, DirFd, Fd, Path, PathOrFd, PathOrFdOrNone};
use crate::oserror::{errno, os_error, os_error2, set_errno};
use crate::sys_call::{blocking, once_named};

pub(super) fn init(m: Ptr<ModuleObj>) {
    m.function(
        "listdir($module, /, path=None)",
        "Return a list containing the names of the files in the directory.",
        listdir,
    )
    .function("getcwd($module, /)", "Return a unicode string representing the current working directory.", getcwd)
    .function("getcwdb($module, /)", "Return a bytes string representing the current working directory.", getcwdb)
    .function("chdir($module, /, path)", "Change the current working directory to the specified path.", chdir)
    .function("fchdir($module, /, fd)", "Change to the directory of the given file descriptor.", fchdir)
    .function("chroot($module, /, path)", "Change root directory to path.", chroot)
    .function("mkdir($module, /, path, mode=511, *, dir_fd=None)", "Create a directory.", mkdir)
    .function("rmdir($module, /, path, *, dir_fd=None)", "Remove a directory.", rmdir)
    .function("unlink($module, /, path, *, dir_fd=None)", "Remove a file (same as remove()).", unlink)
    .function("remove($module, /, path, *, dir_fd=None)", "Remove a file (same as unlink()).", unlink)
    .function(
        "rename($module, /, src, dst, *, src_dir_fd=None, dst_dir_fd=None)",
        "Rename a file or directory.",
        rename,
    )
    .function(
        "replace($module, /, src, dst, *, src_dir_fd=None, dst_dir_fd=None)",
        "Rename a file or directory, overwriting the destination.",
        rename,
    )
    .function(
        "link($module, /, src, dst, *, src_dir_fd=None, dst_dir_fd=None,\n     follow_symlinks=(os.name != 'nt'))",
        "Create a hard link to a file.",
        link,
    )
    .function(
        "symlink($module, /, src, dst, target_is_directory=False, *, dir_fd=None)",
        "Create a symbolic link pointing to src named dst.",
        symlink,
    )
    .function(
        "readlink($module, /, path, *, dir_fd=None)",
        "Return a string representing the path to which the symbolic link points.",
        readlink,
    );
}

/// An open directory stream, closed when dropped.
pub(super) struct Dir(*mut libc::DIR);

impl Dir {
    /// Opens the directory of a path argument; descriptors are duplicated. The error is the `errno`.
    pub(super) fn open(vm: &Vm, path: &fsname::Name) -> Result<Dir, i32> {
        let p = path.as_ptr() as usize;
        let (d, e) = vm.allow_threads(|| {
            let d = match path.fd {
                // SAFETY: plain calls; the duplicate belongs to the stream, or is closed.
                Some(fd) => unsafe {
                    let copy = libc::fcntl(fd, libc::F_DUPFD_CLOEXEC, 0);
                    if copy < 0 {
                        std::ptr::null_mut()
                    } else {
                        let d = libc::fdopendir(copy);
                        if d.is_null() {
                            let e = errno();
                            libc::close(copy);
                            set_errno(e);
                        }
                        d
                    }
                },
                // SAFETY: a terminated path.
                None => unsafe { libc::opendir(p as *const libc::c_char) },
            };
            (d as usize, errno())
        });
        if d == 0 { Err(e) } else { Ok(Dir(d as *mut libc::DIR)) }
    }

    /// Starts again at the first entry (a duplicated descriptor shares its position).
    pub(super) fn rewind(&self) {
        // SAFETY: an open stream.
        unsafe { libc::rewinddir(self.0) }
    }

    /// The next entry but `.` and `..`: name, inode, type. The error is the `errno`.
    #[allow(clippy::should_implement_trait, reason = "the entry borrows from the stream")]
    pub(super) fn next(&self, vm: &Vm) -> Result<Option<(&[u8], u64, u8)>, i32> {
        let d = self.0 as usize;
        loop {
            let (e, err) = vm.allow_threads(|| {
                set_errno(0);
                // SAFETY: an open stream, used by one thread at a time.
                let e = unsafe { libc::readdir(d as *mut libc::DIR) };
                (e as usize, errno())
            });
            if e == 0 {
                return if err == 0 { Ok(None) } else { Err(err) };
            }
            // SAFETY: the entry lives until the next call for this stream.
            let e = unsafe { &*(e as *const libc::dirent) };
            // SAFETY: a terminated name in the entry.
            let name = unsafe { std::ffi::CStr::from_ptr(e.d_name.as_ptr()) }.to_bytes();
            if name != b"." && name != b".." {
                return Ok(Some((name, e.d_ino, e.d_type)));
            }
        }
    }
}

impl Drop for Dir {
    fn drop(&mut self) {
        // SAFETY: an open stream that nobody uses any more.
        unsafe { libc::closedir(self.0) };
    }
}

fn listdir(vm: &Vm, path: Option<PathOrFdOrNone>) -> Res<Value> {
    let path = match path {
        Some(p) => p,
        None => cape_vm::native::FromArg::from_arg(vm, Value::NONE, 0)?,
    };
    let d = Dir::open(vm, &path).map_err(|e| os_error(vm, e, path.object))?;
    if path.fd.is_some() {
        d.rewind();
    }
    let list = ListObj::new(&[]);
    while let Some((name, ..)) = d.next(vm).map_err(|e| os_error(vm, e, path.object))? {
        list.push(path.result(name));
    }
    if path.fd.is_some() {
        d.rewind();
    }
    Ok(list.value())
}

fn current_dir(vm: &Vm) -> Res<Vec<u8>> {
    let mut buf = vec![0u8; 1024];
    loop {
        // SAFETY: the buffer is as long as said.
        let p = unsafe { libc::getcwd(buf.as_mut_ptr() as *mut libc::c_char, buf.len()) };
        if !p.is_null() {
            let n = memchr::memchr(0, &buf).unwrap_or(buf.len());
            buf.truncate(n);
            return Ok(buf);
        }
        if errno() != libc::ERANGE {
            return Err(os_error(vm, errno(), Value::EMPTY));
        }
        buf.resize(buf.len() * 2, 0);
    }
}

fn getcwd(vm: &Vm) -> Res<Value> {
    Ok(fsname::decode(&current_dir(vm)?).value())
}

fn getcwdb(vm: &Vm) -> Res<Value> {
    Ok(BytesObj::new(&current_dir(vm)?).value())
}

fn chdir(vm: &Vm, path: PathOrFd) -> Res<()> {
    let p = path.as_ptr() as usize;
    once_named(vm, path.object, || match path.fd {
        // SAFETY: a plain call.
        Some(fd) => unsafe { libc::fchdir(fd) },
        // SAFETY: a terminated path.
        None => unsafe { libc::chdir(p as *const libc::c_char) },
    })
    .map(drop)
}

fn fchdir(vm: &Vm, fd: Fd) -> Res<()> {
    // SAFETY: a plain call.
    blocking(vm, || unsafe { libc::fchdir(fd.0) }).map(drop)
}

fn chroot(vm: &Vm, path: Path) -> Res<()> {
    let p = path.as_ptr() as usize;
    // SAFETY: a terminated path.
    once_named(vm, path.object, || unsafe { libc::chroot(p as *const libc::c_char) }).map(drop)
}

fn mkdir(vm: &Vm, path: Path, mode: Option<i32>, dir: DirFd) -> Res<()> {
    let p = path.as_ptr() as usize;
    let mode = mode.unwrap_or(0o777) as libc::mode_t;
    // SAFETY: a terminated path.
    once_named(vm, path.object, || unsafe { libc::mkdirat(dir.0, p as *const libc::c_char, mode) }).map(drop)
}

fn remove(vm: &Vm, path: &Path, dir: DirFd, flags: i32) -> Res<()> {
    let p = path.as_ptr() as usize;
    // SAFETY: a terminated path.
    once_named(vm, path.object, || unsafe { libc::unlinkat(dir.0, p as *const libc::c_char, flags) })
        .map(drop)
}

fn rmdir(vm: &Vm, path: Path, dir: DirFd) -> Res<()> {
    remove(vm, &path, dir, libc::AT_REMOVEDIR)
}

fn unlink(vm: &Vm, path: Path, dir: DirFd) -> Res<()> {
    remove(vm, &path, dir, 0)
}

/// Runs a call on two paths without the GIL.
fn on_two(vm: &Vm, a: &Path, b: &Path, f: impl FnOnce(*const libc::c_char, *const libc::c_char) -> i32) -> Res<()> {
    let (pa, pb) = (a.as_ptr() as usize, b.as_ptr() as usize);
    let (r, e) =
        vm.allow_threads(|| (f(pa as *const libc::c_char, pb as *const libc::c_char), errno()));
    if r < 0 { Err(os_error2(vm, e, a.object, b.object)) } else { Ok(()) }
}

fn rename(vm: &Vm, src: Path, dst: Path, src_dir: DirFd, dst_dir: DirFd) -> Res<()> {
    // SAFETY: terminated paths.
    on_two(vm, &src, &dst, |a, b| unsafe { libc::renameat(src_dir.0, a, dst_dir.0, b) })
}

fn link(vm: &Vm, src: Path, dst: Path, src_dir: DirFd, dst_dir: DirFd, follow: Option<bool>) -> Res<()> {
    let flags = if follow.unwrap_or(true) { libc::AT_SYMLINK_FOLLOW } else { 0 };
    // SAFETY: terminated paths.
    on_two(vm, &src, &dst, |a, b| unsafe { libc::linkat(src_dir.0, a, dst_dir.0, b, flags) })
}

fn symlink(vm: &Vm, src: Path, dst: Path, _target_is_directory: Option<bool>, dir: DirFd) -> Res<()> {
    // SAFETY: terminated paths.
    on_two(vm, &src, &dst, |a, b| unsafe { libc::symlinkat(a, dir.0, b) })
}

fn readlink(vm: &Vm, path: Path, dir: DirFd) -> Res<Value> {
    let p = path.as_ptr() as usize;
    let mut buf = vec![0u8; 4097];
    let n = once_named(vm, path.object, || {
        // SAFETY: a terminated path; the buffer is as long as said.
        unsafe {
            libc::readlinkat(dir.0, p as *const libc::c_char, buf.as_mut_ptr() as *mut libc::c_char, buf.len())
        }
    })?;
    Ok(path.result(&buf[..n as usize]))
}
