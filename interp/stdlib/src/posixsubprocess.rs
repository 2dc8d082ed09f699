//! `_posixsubprocess`: fork and exec in one step.
//!
//! Between fork and exec the child calls nothing but async-signal-safe functions. Without a `preexec_fn` it borrows the parent's memory
//! (`CLONE_VM | CLONE_VFORK`) on a stack of its own: no page tables are copied, whatever the size of the heap.

use std::ffi::CString;

use cape_vm::native::{Flavour, FromArg, MethodDef};
use cape_vm::object::{BuiltinObj, ModuleObj, TupleObj};
use cape_vm::special::Special;
use cape_vm::{Ptr, Res, Value, Vm, intern, type_of};

use crate::fsname::fsencode;
use crate::oserror::{errno, os_error};
use crate::posix::process::{after_fork_in_child, after_fork_in_parent, before_fork, pointers};

const SIGNATURE: &str = "fork_exec($module, args, executable_list, close_fds, pass_fds, cwd,\n          env, p2cread, p2cwrite, c2pread, c2pwrite, errread, errwrite,\n          errpipe_read, errpipe_write, restore_signals, call_setsid,\n          pgid_to_set, gid, extra_groups, uid, child_umask, preexec_fn,\n          /)";

/// Fills the module.
pub fn init(_: &Vm, m: Ptr<ModuleObj>) -> Res<()> {
    let def = MethodDef::leak_raw(SIGNATURE, "Spawn a fresh new child process.", Flavour::Function, 22, fork_exec);
    let f = BuiltinObj::new(def, m.value(), intern("_posixsubprocess"));
    m.add("fork_exec", f.value());
    Ok(())
}

/// All that the child needs, prepared by the parent.
struct Plan {
    programs: Vec<CString>,
    argv: Vec<*const libc::c_char>,
    envp: Option<Vec<*const libc::c_char>>,
    cwd: Option<CString>,
    close_fds: bool,
    keep: Vec<i32>,
    p2cread: i32,
    p2cwrite: i32,
    c2pread: i32,
    c2pwrite: i32,
    errread: i32,
    errwrite: i32,
    errpipe_read: i32,
    errpipe_write: i32,
    restore_signals: bool,
    setsid: bool,
    pgid: i32,
    gid: Option<u32>,
    groups: Option<Vec<u32>>,
    uid: Option<u32>,
    umask: i32,
    /// The parent's signal mask, while all signals are blocked.
    mask: Option<libc::sigset_t>,
    /// The preparations are done: what fails now is the exec.
    reached_exec: bool,
    chdir_failed: bool,
}

fn strings(vm: &Vm, v: Value) -> Res<Vec<CString>> {
    let items = vm.vec_of(v)?;
    items.iter().map(|&s| fsencode(vm, s)).collect()
}

/// As [`strings`], of a sequence by its indexes: an iterator is none.
fn strings_by_index(vm: &Vm, v: Value) -> Res<Vec<CString>> {
    if type_of(v).special(Special::Getitem).is_empty() {
        let what = cape_vm::class::full_name(type_of(v));
        return Err(vm.type_error(format!("'{what}' object does not support indexing")));
    }
    let n = vm.len(v)?;
    let mut out = Vec::new();
    out.try_reserve_exact(n).map_err(|_| vm.memory_error(""))?;
    for i in 0..n {
        out.push(fsencode(vm, vm.get_item(v, Value::int(i as i64))?)?);
    }
    Ok(out)
}

fn fork_exec(vm: &Vm, a: &[Value]) -> Res<Value> {
    let int = |i: usize| i32::from_arg(vm, a[i], i);
    if !a[21].is_none() && crate::sys::is_finalizing() {
        let class = cape_vm::rt().types.python_finalization_error;
        return Err(vm.new_exc(class, "preexec_fn not supported at interpreter shutdown"));
    }
    if !a[21].is_none() && !vm.interpreter().is_main() {
        return Err(vm.runtime_error("preexec_fn not supported within subinterpreters"));
    }
    let (args, programs) = (a[0], strings_by_index(vm, a[1])?);
    let argv = strings(vm, args)?;
    let close_fds = vm.truth(a[2])?;
    let Some(pass) = a[3].downcast::<TupleObj>() else {
        return Err(vm.type_error("fork_exec() argument 4 must be tuple"));
    };
    let errpipe_write = int(13)?;
    if close_fds && errpipe_write < 3 {
        return Err(vm.value_error("errpipe_write must be >= 3"));
    }
    let mut keep = Vec::with_capacity(pass.len());
    for &v in pass.as_slice() {
        let fd = i32::from_arg(vm, v, 3).unwrap_or(-1);
        if fd < 0 || keep.last().is_some_and(|&last| last >= fd) {
            return Err(vm.value_error("bad value(s) in fds_to_keep"));
        }
        keep.push(fd);
    }
    let some = |v: Value| if v.is_none() { None } else { Some(v) };
    let env = some(a[5]).map(|e| strings(vm, e)).transpose()?;
    let groups = match some(a[18]) {
        None => None,
        Some(g) => {
            let items = vm.vec_of(g)?;
            let id = |v| match u32::from_arg(vm, v, 18) {
                Err(r) if r.is(cape_vm::rt().types.overflow_error) => Err(vm.value_error("invalid group id")),
                id => id,
            };
            let ids = items.iter().map(|&v| id(v)).collect::<Res<Vec<u32>>>()?;
            Some(ids)
        }
    };
    let preexec = some(a[21]);
    let mut plan = Plan {
        argv: pointers(&argv),
        envp: env.as_ref().map(|e| pointers(e)),
        programs,
        cwd: some(a[4]).map(|c| fsencode(vm, c)).transpose()?,
        close_fds,
        keep,
        p2cread: int(6)?,
        p2cwrite: int(7)?,
        c2pread: int(8)?,
        c2pwrite: int(9)?,
        errread: int(10)?,
        errwrite: int(11)?,
        errpipe_read: int(12)?,
        errpipe_write,
        restore_signals: vm.truth(a[14])?,
        setsid: vm.truth(a[15])?,
        pgid: int(16)?,
        gid: some(a[17]).map(|v| u32::from_arg(vm, v, 17)).transpose()?,
        groups,
        uid: some(a[19]).map(|v| u32::from_arg(vm, v, 19)).transpose()?,
        umask: int(20)?,
        mask: None,
        reached_exec: false,
        chdir_failed: false,
    };
    let pid = match preexec {
        Some(f) => fork_with_python(vm, &mut plan, f)?,
        None => vfork(vm, &mut plan)?,
    };
    // The strings that the plan points to live until here.
    drop((argv, env));
    Ok(Value::int(pid as i64))
}

fn fork_with_python(vm: &Vm, plan: &mut Plan, f: Value) -> Res<i32> {
    before_fork(vm);
    // SAFETY: the child runs the interpreter with what after_fork_in_child repairs.
    let pid = unsafe { libc::fork() };
    let e = errno();
    if pid == 0 {
        after_fork_in_child(vm);
        // SAFETY: the child's own process.
        unsafe {
            if prepare(plan) {
                if vm.call(f, &[]).is_err() {
                    report(plan, b"SubprocessError:0:Exception occurred in preexec_fn.");
                    libc::_exit(255);
                }
                execute(plan);
            }
            fail(plan);
        }
    }
    after_fork_in_parent(vm);
    if pid < 0 { Err(os_error(vm, e, Value::EMPTY)) } else { Ok(pid) }
}

const CHILD_STACK: usize = 256 << 10;

fn vfork(vm: &Vm, plan: &mut Plan) -> Res<i32> {
    // SAFETY: the child borrows this process's memory while this thread is suspended; it calls only async-signal-safe functions, on
    // a stack of its own, and all signals are blocked so that no handler runs in it.
    unsafe {
        let size = CHILD_STACK;
        let stack = libc::mmap(
            std::ptr::null_mut(),
            size,
            libc::PROT_READ | libc::PROT_WRITE,
            libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_STACK,
            -1,
            0,
        );
        if stack == libc::MAP_FAILED {
            return Err(os_error(vm, errno(), Value::EMPTY));
        }
        let mut all: libc::sigset_t = std::mem::zeroed();
        let mut old: libc::sigset_t = std::mem::zeroed();
        libc::sigfillset(&mut all);
        libc::pthread_sigmask(libc::SIG_BLOCK, &all, &mut old);
        plan.mask = Some(old);
        let top = (stack as *mut u8).add(size) as *mut libc::c_void;
        let flags = libc::CLONE_VM | libc::CLONE_VFORK | libc::SIGCHLD;
        let pid = libc::clone(child_main, top, flags, plan as *mut Plan as *mut libc::c_void);
        let e = errno();
        libc::pthread_sigmask(libc::SIG_SETMASK, &old, std::ptr::null_mut());
        libc::munmap(stack, size);
        if pid < 0 { Err(os_error(vm, e, Value::EMPTY)) } else { Ok(pid) }
    }
}

extern "C" fn child_main(plan: *mut libc::c_void) -> i32 {
    // SAFETY: the parent passed its plan, and waits.
    unsafe {
        let plan = &mut *(plan as *mut Plan);
        if prepare(plan) {
            execute(plan);
        }
        fail(plan)
    }
}

/// Lets a descriptor survive the exec.
unsafe fn inherit(fd: i32) -> bool {
    // SAFETY: plain calls.
    unsafe {
        let flags = libc::fcntl(fd, libc::F_GETFD);
        flags >= 0 && libc::fcntl(fd, libc::F_SETFD, flags & !libc::FD_CLOEXEC) >= 0
    }
}

/// Puts `fd` where the child expects it.
unsafe fn place(fd: i32, target: i32) -> bool {
    // SAFETY: plain calls.
    unsafe {
        match fd {
            -1 => true,
            _ if fd == target => inherit(fd),
            _ => libc::dup2(fd, target) >= 0,
        }
    }
}

/// Sets up descriptors, folder, signals, session and identity; false when something failed, with `errno` set.
unsafe fn prepare(p: &mut Plan) -> bool {
    // SAFETY: in the child; async-signal-safe calls on prepared data.
    unsafe {
        for &fd in &p.keep {
            // The error pipe closes at a successful exec, whoever lists it.
            if fd != p.errpipe_write && !inherit(fd) && errno() != libc::EBADF {
                return false;
            }
        }
        for fd in [p.p2cwrite, p.c2pread, p.errread, p.errpipe_read] {
            if fd >= 0 && libc::close(fd) < 0 {
                return false;
            }
        }
        // Descriptors among the standard ones must not be overwritten before they are used.
        if p.c2pwrite == 0 {
            p.c2pwrite = libc::dup(p.c2pwrite);
            if p.c2pwrite < 0 {
                return false;
            }
        }
        while p.errwrite == 0 || p.errwrite == 1 {
            p.errwrite = libc::dup(p.errwrite);
            if p.errwrite < 0 {
                return false;
            }
        }
        if !(place(p.p2cread, 0) && place(p.c2pwrite, 1) && place(p.errwrite, 2)) {
            return false;
        }
        if let Some(cwd) = &p.cwd
            && libc::chdir(cwd.as_ptr()) < 0
        {
            p.chdir_failed = true;
            return false;
        }
        if p.umask >= 0 {
            libc::umask(p.umask as libc::mode_t);
        }
        if p.restore_signals {
            crate::signal::restore_defaults();
        }
        if let Some(mask) = &p.mask {
            // Handlers are this process's, and must not run in the child once signals are let through.
            for n in 1..65 {
                let mut a: libc::sigaction = std::mem::zeroed();
                if libc::sigaction(n, std::ptr::null(), &mut a) == 0
                    && a.sa_sigaction != libc::SIG_DFL
                    && a.sa_sigaction != libc::SIG_IGN
                {
                    a.sa_sigaction = libc::SIG_DFL;
                    libc::sigaction(n, &a, std::ptr::null_mut());
                }
            }
            libc::sigprocmask(libc::SIG_SETMASK, mask, std::ptr::null_mut());
        }
        if p.setsid && libc::setsid() < 0 {
            return false;
        }
        if p.pgid >= 0 && libc::setpgid(0, p.pgid) < 0 {
            return false;
        }
        // Raw calls: the C library's would change all threads, and the child may be sharing the parent's memory.
        if let Some(g) = &p.groups
            && libc::syscall(libc::SYS_setgroups, g.len(), g.as_ptr()) < 0
        {
            return false;
        }
        if let Some(g) = p.gid
            && libc::syscall(libc::SYS_setregid, g, g) < 0
        {
            return false;
        }
        if let Some(u) = p.uid
            && libc::syscall(libc::SYS_setreuid, u, u) < 0
        {
            return false;
        }
    }
    true
}

/// Closes what is to be closed and executes; returns only when no program could be executed, with `errno` set.
unsafe fn execute(p: &mut Plan) {
    // SAFETY: in the child; async-signal-safe calls on prepared data.
    unsafe {
        p.reached_exec = true;
        if p.close_fds {
            let mut from = 3;
            // The kept ones are sorted but for the error pipe: find the next smallest each time.
            loop {
                let next = p.keep.iter().copied().chain([p.errpipe_write]).filter(|&fd| fd >= from).min();
                let Some(fd) = next else { break };
                if fd > from {
                    close_range(from as u32, fd as u32 - 1);
                }
                from = fd + 1;
            }
            close_range(from as u32, u32::MAX);
        }
        let mut saved = 0;
        for program in &p.programs {
            match &p.envp {
                Some(e) => libc::execve(program.as_ptr(), p.argv.as_ptr(), e.as_ptr()),
                None => libc::execv(program.as_ptr(), p.argv.as_ptr()),
            };
            let e = errno();
            if e != libc::ENOENT && e != libc::ENOTDIR && saved == 0 {
                saved = e;
            }
        }
        if saved != 0 {
            crate::oserror::set_errno(saved);
        }
    }
}

unsafe fn close_range(low: u32, high: u32) {
    // SAFETY: the child's own descriptors.
    unsafe {
        if libc::syscall(libc::SYS_close_range, low, high, 0) < 0 {
            let limit = libc::sysconf(libc::_SC_OPEN_MAX).clamp(256, 1 << 20) as u32;
            (low..=high.min(limit)).for_each(|fd| {
                libc::close(fd as i32);
            });
        }
    }
}

unsafe fn report(p: &Plan, text: &[u8]) {
    // SAFETY: writes from a valid slice.
    unsafe { libc::write(p.errpipe_write, text.as_ptr() as *const libc::c_void, text.len()) };
}

/// Tells the parent what failed, and ends.
unsafe fn fail(p: &Plan) -> ! {
    // SAFETY: in the child; async-signal-safe calls.
    unsafe {
        let mut text = [0u8; 64];
        let mut n = 0;
        let mut put = |bytes: &[u8]| {
            text[n..n + bytes.len()].copy_from_slice(bytes);
            n += bytes.len();
        };
        put(b"OSError:");
        let e = errno() as u32;
        let digits = (8 - e.leading_zeros() / 4).max(1);
        for i in (0..digits).rev() {
            put(&[b"0123456789ABCDEF"[(e >> (4 * i) & 15) as usize]]);
        }
        put(b":");
        if !p.reached_exec {
            put(b"noexec");
            if p.chdir_failed {
                put(b":chdir");
            }
        }
        report(p, &text[..n]);
        libc::_exit(255)
    }
}
