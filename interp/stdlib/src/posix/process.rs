//! Processes: fork, exec, wait, kill.

use std::ffi::CString;

use cape_vm::object::{Int, ListObj, ModuleObj, TupleObj, int_value};
use cape_vm::structseq::{Spec, StructSeq};
use cape_vm::{Ptr, Res, Value, Vm, gil, intern, rt, type_of};

use crate::fsname::{Path, PathOrFd, fsencode};
use crate::import_lock;
use crate::oserror::{errno, os_error};
use crate::statics::StaticValue;
use crate::sys_call::{blocking, check};

static WAITID_RESULT: StructSeq = StructSeq::new(Spec {
    name: "posix.waitid_result",
    doc: "waitid_result: Result from waitid.",
    fields: &[("si_pid", ""), ("si_uid", ""), ("si_signo", ""), ("si_status", ""), ("si_code", "")],
    visible: 5,
    instantiable: true,
    complete: None,
});

pub(super) fn init(m: Ptr<ModuleObj>) {
    m.add("waitid_result", WAITID_RESULT.class().value());
    m.function("fork($module, /)", "Fork a child process.", |vm: &Vm| {
        // SAFETY: a plain call; what the child has to repair is repaired.
        fork_with(vm, || (unsafe { libc::fork() }, -1)).map(|r| r.0)
    })
    .function("forkpty($module, /)", "Fork a new process with a new pseudo-terminal as controlling tty.", |vm: &Vm| {
        let (pid, fd) = fork_with(vm, || {
            let mut fd = -1;
            // SAFETY: a valid buffer.
            let pid = unsafe { libc::forkpty(&mut fd, std::ptr::null_mut(), std::ptr::null(), std::ptr::null()) };
            (pid, fd)
        })?;
        Ok::<Value, cape_vm::Raised>(TupleObj::new(&[Value::int(pid as i64), Value::int(fd as i64)]).value())
    })
    .function(
        "register_at_fork($module, /, *, before=<unrepresentable>,\n                 after_in_child=<unrepresentable>,\n                 after_in_parent=<unrepresentable>)",
        "Register callables to be called when forking a new process.",
        register_at_fork,
    )
    .function("execv($module, path, argv, /)", "Execute an executable path with arguments, replacing current process.", |vm: &Vm, p: Path, argv: Value| {
        may_exec(vm)?;
        let argv = arguments(vm, argv, "execv() arg 2", "execv() arg 2")?;
        let argv = pointers(&argv);
        // SAFETY: terminated strings and a terminated array.
        unsafe { libc::execv(p.as_ptr(), argv.as_ptr()) };
        Err::<(), _>(os_error(vm, errno(), p.object))
    })
    .function("execve($module, /, path, argv, env)", "Execute an executable path with arguments, replacing current process.", execve)
    .function("_exit($module, /, status)", "Exit to the system with specified status, without normal exit processing.", |_: &Vm, n: i32| {
        // SAFETY: ends the process.
        unsafe { libc::_exit(n) };
        #[allow(unreachable_code, reason = "the result type")]
        ()
    })
    .function("abort($module, /)", "Abort the interpreter immediately.", |_: &Vm| {
        std::process::abort();
        #[allow(unreachable_code, reason = "the result type")]
        ()
    })
    .function("kill($module, pid, signal, /)", "Kill a process with a signal.", |vm: &Vm, pid: i32, n: i32| {
        // SAFETY: a plain call.
        check(vm, unsafe { libc::kill(pid, n) })?;
        vm.poll()
    })
    .function("killpg($module, pgid, signal, /)", "Kill a process group with a signal.", |vm: &Vm, pid: i32, n: i32| {
        // SAFETY: a plain call.
        check(vm, unsafe { libc::killpg(pid, n) })?;
        vm.poll()
    })
    .function("system($module, /, command)", "Execute the command in a subshell.", |vm: &Vm, c: Value| {
        let c = fsencode(vm, c)?;
        let p = c.as_ptr() as usize;
        // SAFETY: a terminated string.
        Ok::<i32, cape_vm::Raised>(vm.allow_threads(|| unsafe { libc::system(p as *const libc::c_char) }))
    })
    .function("pidfd_open($module, /, pid, flags=0)", "Return a file descriptor referring to the process *pid*.", |vm: &Vm, pid: i32, flags: Option<u32>| {
        // SAFETY: a plain call.
        check(vm, unsafe { libc::syscall(libc::SYS_pidfd_open, pid, flags.unwrap_or(0)) })
    });
    waits(m);
}

fn waits(m: Ptr<ModuleObj>) {
    m.function("wait($module, /)", "Wait for completion of a child process.", |vm: &Vm| wait_pid(vm, -1, 0))
        .function("waitpid($module, pid, options, /)", "Wait for completion of a given child process.", wait_pid)
        .function("wait3($module, /, options)", "Wait for completion of a child process.", |vm: &Vm, o: i32| wait_usage(vm, -1, o))
        .function("wait4($module, /, pid, options)", "Wait for completion of a specific child process.", wait_usage)
        .function("waitid($module, idtype, id, options, /)", "Returns the result of waiting for a process or processes.", waitid)
        .function("waitstatus_to_exitcode($module, /, status)", "Convert a wait status to an exit code.", exit_code)
        .function("WCOREDUMP($module, status, /)", "Return True if the process returning status was dumped to a core file.", |_: &Vm, s: i32| {
            libc::WCOREDUMP(s)
        })
        .function("WEXITSTATUS($module, /, status)", "Return the process return code from status.", |_: &Vm, s: i32| libc::WEXITSTATUS(s))
        .function("WIFCONTINUED($module, /, status)", "Return True if a particular process was continued from a job control stop.", |_: &Vm, s: i32| {
            libc::WIFCONTINUED(s)
        })
        .function("WIFEXITED($module, /, status)", "Return True if the process returning status exited via the exit() system call.", |_: &Vm, s: i32| {
            libc::WIFEXITED(s)
        })
        .function("WIFSIGNALED($module, /, status)", "Return True if the process returning status was terminated by a signal.", |_: &Vm, s: i32| {
            libc::WIFSIGNALED(s)
        })
        .function("WIFSTOPPED($module, /, status)", "Return True if the process returning status was stopped.", |_: &Vm, s: i32| libc::WIFSTOPPED(s))
        .function("WSTOPSIG($module, /, status)", "Return the signal that stopped the process that provided the status value.", |_: &Vm, s: i32| {
            libc::WSTOPSIG(s)
        })
        .function("WTERMSIG($module, /, status)", "Return the signal that terminated the process that provided the status value.", |_: &Vm, s: i32| {
            libc::WTERMSIG(s)
        });
}

/// What `register_at_fork` has collected: three lists.
static AT_FORK: [StaticValue; 3] = [const { StaticValue::new() }; 3];

const BEFORE: usize = 0;
const IN_CHILD: usize = 1;
const IN_PARENT: usize = 2;

fn hook_list(which: usize) -> Ptr<ListObj> {
    let hooks = &AT_FORK[which];
    if hooks.try_get().is_none() {
        hooks.set(ListObj::new(&[]).value());
    }
    hooks.try_get().and_then(|l| l.downcast()).expect("a list")
}

fn register_at_fork(vm: &Vm, before: Option<Value>, in_child: Option<Value>, in_parent: Option<Value>) -> Res<()> {
    if before.is_none() && in_child.is_none() && in_parent.is_none() {
        return Err(vm.type_error("At least one argument is required."));
    }
    let all = [(before, "before"), (in_child, "after_in_child"), (in_parent, "after_in_parent")];
    for (v, name) in all {
        if let Some(v) = v
            && !vm.is_callable(v)
        {
            return Err(vm.type_error(format!("'{name}' must be callable, not {}", type_of(v).name_str())));
        }
    }
    for (i, (v, _)) in all.into_iter().enumerate() {
        if let Some(v) = v {
            hook_list(i).push(v);
        }
    }
    Ok(())
}

/// Runs hooks; their exceptions are reported.
pub(crate) fn run_hooks(vm: &Vm, which: usize) {
    let list = hook_list(which).snapshot();
    let run = |&f: &Value| {
        if let Err(e) = vm.call(f, &[]) {
            crate::warn::unraisable(vm, e, f);
        }
    };
    let n = hook_list(which).len();
    if which == BEFORE {
        list.as_slice()[..n].iter().rev().for_each(run);
    } else {
        list.as_slice()[..n].iter().for_each(run);
    }
}

/// What a forked child must do before it runs Python code.
pub fn after_fork_in_child(vm: &Vm) {
    gil::after_fork(vm);
    crate::signal::after_fork();
    crate::thread::after_fork(vm);
    import_lock::after_fork(vm);
    run_hooks(vm, IN_CHILD);
}

/// Runs the parent's hooks before a fork, and waits until no other thread changes what importlib knows.
pub fn before_fork(vm: &Vm) {
    run_hooks(vm, BEFORE);
    import_lock::acquire(vm);
}

/// Runs the parent's hooks after a fork.
pub fn after_fork_in_parent(vm: &Vm) {
    // It has the lock from `before_fork`, if C's code has called both.
    let _ = import_lock::release(vm);
    run_hooks(vm, IN_PARENT);
}

/// Number of threads of this process.
fn thread_count() -> i64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // The fields after the command, which is in parentheses; the 18th is meant, counted from the state.
    stat.rsplit_once(')')
        .and_then(|(_, rest)| rest.split_whitespace().nth(17).and_then(|n| n.parse().ok()))
        .unwrap_or(1)
}

fn fork_with(vm: &Vm, f: impl FnOnce() -> (i32, i32)) -> Res<(i32, i32)> {
    if crate::sys::is_finalizing() {
        return Err(vm.new_exc(rt().types.python_finalization_error, "can't fork at interpreter shutdown"));
    }
    if !vm.interpreter().settings.allow_fork {
        return Err(vm.runtime_error("fork not supported for isolated subinterpreters"));
    }
    let name = vm.native_def().name; // now: hooks call other functions
    before_fork(vm);
    let r = f();
    let e = errno();
    if r.0 == 0 {
        after_fork_in_child(vm);
        return Ok(r);
    }
    if r.0 > 0 && thread_count() > 1 {
        // SAFETY: a plain call.
        let pid = unsafe { libc::getpid() };
        let message = format!(
            "This process (pid={pid}) is multi-threaded, use of {name}() may lead to deadlocks in the child."
        );
        after_fork_in_parent(vm);
        crate::warn::warn(vm, rt().types.deprecation_warning, &message, 1)?;
    } else {
        after_fork_in_parent(vm);
    }
    if r.0 < 0 { Err(os_error(vm, e, Value::EMPTY)) } else { Ok(r) }
}

/// An argument vector; `what` and `noun` begin the messages.
pub(crate) fn arguments(vm: &Vm, argv: Value, what: &str, noun: &str) -> Res<Vec<CString>> {
    if !argv.is::<ListObj>() && !argv.is::<TupleObj>() {
        return Err(vm.type_error(format!("{what} must be a tuple or list")));
    }
    let items = vm.vec_of(argv)?;
    if items.is_empty() {
        return Err(vm.value_error(format!("{noun} must not be empty")));
    }
    let mut out = Vec::with_capacity(items.len());
    for &v in items.iter() {
        out.push(fsencode(vm, v)?);
    }
    if out[0].is_empty() {
        return Err(vm.value_error(format!("{noun} first element cannot be empty")));
    }
    Ok(out)
}

/// The terminated array of pointers that the system wants.
pub(crate) fn pointers(v: &[CString]) -> Vec<*const libc::c_char> {
    v.iter().map(|s| s.as_ptr()).chain([std::ptr::null()]).collect()
}

/// An environment from a mapping.
pub(crate) fn environment(vm: &Vm, env: Value) -> Res<Vec<CString>> {
    let keys = vm.call_method(env, intern("keys"), &[])?;
    let values = vm.call_method(env, intern("values"), &[])?;
    let (keys, values) = (vm.vec_of(keys)?, vm.vec_of(values)?);
    let mut out = Vec::with_capacity(keys.len());
    for (&k, &v) in keys.iter().zip(values.iter()) {
        let (k, v) = (fsencode(vm, k)?, fsencode(vm, v)?);
        if k.is_empty() || k.as_bytes()[1..].contains(&b'=') {
            return Err(vm.value_error("illegal environment variable name"));
        }
        let entry = [k.as_bytes(), b"=", v.as_bytes()].concat();
        out.push(CString::new(entry).expect("made of strings without NULs"));
    }
    Ok(out)
}

/// Whether the object has the methods of a mapping.
pub(crate) fn is_mapping(v: Value) -> bool {
    let t = type_of(v);
    !t.special(cape_vm::special::Special::Getitem).is_empty()
        && cape_vm::class::lookup_mro(t, intern("keys")).is_some()
}

/// Not every interpreter may replace the process.
fn may_exec(vm: &Vm) -> Res<()> {
    if vm.interpreter().settings.allow_exec {
        return Ok(());
    }
    Err(vm.runtime_error("exec not supported for isolated subinterpreters"))
}

fn execve(vm: &Vm, path: PathOrFd, argv: Value, env: Value) -> Res<()> {
    may_exec(vm)?;
    let argv = arguments(vm, argv, "execve: argv", "execve: argv")?;
    if !is_mapping(env) {
        return Err(vm.type_error("execve: environment must be a mapping object"));
    }
    let env = environment(vm, env)?;
    let (a, e) = (pointers(&argv), pointers(&env));
    // SAFETY: terminated strings and terminated arrays.
    unsafe {
        match path.fd {
            Some(fd) => libc::fexecve(fd, a.as_ptr(), e.as_ptr()),
            None => libc::execve(path.as_ptr(), a.as_ptr(), e.as_ptr()),
        }
    };
    Err(os_error(vm, errno(), path.object))
}

fn status_pair(pid: i32, status: i32) -> Value {
    TupleObj::new(&[Value::int(pid as i64), Value::int(status as i64)]).value()
}

fn wait_pid(vm: &Vm, pid: i32, options: i32) -> Res<Value> {
    let mut status = 0;
    // SAFETY: a valid buffer.
    let r = blocking(vm, || unsafe { libc::waitpid(pid, &mut status, options) })?;
    Ok(status_pair(r, status))
}

fn wait_usage(vm: &Vm, pid: i32, options: i32) -> Res<Value> {
    let mut status = 0;
    // SAFETY: plain C struct.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    // SAFETY: valid buffers.
    let r = blocking(vm, || unsafe { libc::wait4(pid, &mut status, options, &mut usage) })?;
    let u = crate::resource::usage_value(&usage);
    Ok(TupleObj::new(&[Value::int(r as i64), Value::int(status as i64), u]).value())
}

fn waitid(vm: &Vm, kind: u32, id: u32, options: i32) -> Res<Value> {
    // SAFETY: plain C struct.
    let mut info: libc::siginfo_t = unsafe { std::mem::zeroed() };
    // SAFETY: a valid buffer.
    blocking(vm, || unsafe { libc::waitid(kind, id, &mut info, options) })?;
    // SAFETY: the fields of a child's state change.
    let (pid, uid, status) = unsafe { (info.si_pid(), info.si_uid(), info.si_status()) };
    if pid == 0 {
        return Ok(Value::NONE);
    }
    let f = [
        int_value(pid as i64),
        super::files::id_int(uid),
        int_value(info.si_signo as i64),
        int_value(status as i64),
        int_value(info.si_code as i64),
    ];
    Ok(WAITID_RESULT.make(&f))
}

fn exit_code(vm: &Vm, status: Value) -> Res<i32> {
    let s = match Int::of(status) {
        Some(i) => i,
        None => vm.index_int(status)?,
    };
    let Some(s) = s.to_i64().and_then(|s| i32::try_from(s).ok()) else {
        return Err(vm.overflow_error("Python int too large to convert to C int"));
    };
    if libc::WIFEXITED(s) {
        return Ok(libc::WEXITSTATUS(s));
    }
    if libc::WIFSIGNALED(s) {
        return Ok(-libc::WTERMSIG(s));
    }
    if libc::WIFSTOPPED(s) {
        return Err(vm.value_error(format!("process stopped by delivery of signal {}", libc::WSTOPSIG(s))));
    }
    Err(vm.value_error(format!("invalid wait status: {s}")))
}

