//! `_signal`: handlers, masks, timers. A signal sets a flag; its handler runs at the main thread's next safe point.

use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU8, Ordering};
use std::sync::{Mutex, OnceLock};

use cape_heap::Root;
use cape_vm::native::int_from;
use cape_vm::object::{ArrayObj, Int, ModuleObj, SetObj, TupleObj};
use cape_vm::runtime::StaticType;
use cape_vm::structseq::{Spec, StructSeq};
use cape_vm::vm::request;
use cape_vm::{Ptr, Res, Value, Vm, gil, intern, rt};

use crate::duration::{Round, monotonic, nanoseconds, timespec};
use crate::oserror::{errno, os_error, set_errno};
use crate::sys_call::check;

const NSIG: i32 = 65;

macro_rules! names { ($($n:ident)*) => { &[$((stringify!($n), libc::$n)),*] } }
const NAMES: &[(&str, i32)] = names! {
    SIGABRT SIGALRM SIGBUS SIGCHLD SIGCONT SIGFPE SIGHUP SIGILL SIGINT SIGIO SIGKILL SIGPIPE SIGPOLL SIGPROF SIGPWR
    SIGQUIT SIGSEGV SIGSTKFLT SIGSTOP SIGSYS SIGTERM SIGTRAP SIGTSTP SIGTTIN SIGTTOU SIGURG SIGUSR1 SIGUSR2 SIGVTALRM SIGWINCH
    SIGXCPU SIGXFSZ SIG_BLOCK SIG_UNBLOCK SIG_SETMASK
};

static TRIPPED: [AtomicU8; NSIG as usize] = [const { AtomicU8::new(0) }; NSIG as usize];
static ANY: AtomicBool = AtomicBool::new(false);
static WAKEUP_FD: AtomicI32 = AtomicI32::new(-1);
static WARN_FULL: AtomicBool = AtomicBool::new(true);
/// An `errno` of writing to the wakeup descriptor, to be reported.
static WAKEUP_ERROR: AtomicI32 = AtomicI32::new(0);
static ITIMER_ERROR: StaticType = StaticType::new();

/// The Python-level handlers: an array of `NSIG` values.
struct Handlers(Root);
// SAFETY: used with the GIL held.
unsafe impl Sync for Handlers {}
// SAFETY: as above.
unsafe impl Send for Handlers {}
static HANDLERS: OnceLock<Handlers> = OnceLock::new();

const DFL: i64 = 0;
const IGN: i64 = 1;

static SIGINFO: StructSeq = StructSeq::new(Spec {
    name: "signal.struct_siginfo",
    doc: "struct_siginfo: Result from sigwaitinfo or sigtimedwait.",
    fields: &[
        ("si_signo", "signal number"),
        ("si_code", "signal code"),
        ("si_errno", "errno associated with this signal"),
        ("si_pid", "sending process ID"),
        ("si_uid", "real user ID of sending process"),
        ("si_status", "exit value or signal"),
        ("si_band", "band event for SIGPOLL"),
    ],
    visible: 7,
    instantiable: true,
    complete: None,
});

/// Fills the module.
pub fn init(vm: &Vm, m: Ptr<ModuleObj>) -> Res<()> {
    for &(name, n) in NAMES {
        m.add(name, Value::int(n as i64));
    }
    m.add("SIGCLD", Value::int(libc::SIGCHLD as i64))
        .add("SIGIOT", Value::int(libc::SIGABRT as i64))
        .add("SIGRTMIN", Value::int(libc::SIGRTMIN() as i64))
        .add("SIGRTMAX", Value::int(libc::SIGRTMAX() as i64))
        .add("SIG_DFL", Value::int(DFL))
        .add("SIG_IGN", Value::int(IGN))
        .add("NSIG", Value::int(NSIG as i64))
        .add("ITIMER_REAL", Value::int(0))
        .add("ITIMER_VIRTUAL", Value::int(1))
        .add("ITIMER_PROF", Value::int(2));
    let e = vm.call(
        rt().types.type_.value(),
        &[intern("itimer_error"), TupleObj::new(&[rt().types.os_error.value()]).value(), {
            let d = cape_vm::object::DictObj::new();
            d.set_str(rt().names.module, intern("signal"));
            d.value()
        }],
    )?;
    ITIMER_ERROR.set(e.downcast().expect("type() makes a class"));
    m.add("ItimerError", e);
    m.class(SIGINFO.class());
    handlers();
    functions(m);
    if let Some(f) = m.get(intern("default_int_handler"))
        && handlers().get(libc::SIGINT as usize) == Value::int(DFL)
    {
        // SAFETY: installs this module's own handler.
        unsafe { install(libc::SIGINT, on_signal as *const () as usize) };
        handlers().set(libc::SIGINT as usize, f);
        // A file that grows beyond its limit is an OSError.
        // SAFETY: a plain call.
        unsafe { libc::signal(libc::SIGXFSZ, libc::SIG_IGN) };
        handlers().set(libc::SIGXFSZ as usize, Value::int(IGN));
    }
    Ok(())
}

fn functions(m: Ptr<ModuleObj>) {
    m.function("signal($module, signalnum, handler, /)", "Set the action for the given signal.", signal)
        .function("getsignal($module, signalnum, /)", "Return the current action for the given signal.", |vm: &Vm, n: i32| {
            in_range(vm, n)?;
            Ok::<Value, cape_vm::Raised>(handlers().get(n as usize))
        })
        .function("raise_signal($module, signalnum, /)", "Send a signal to the executing process.", |vm: &Vm, n: i32| {
            // SAFETY: a plain call.
            check(vm, unsafe { libc::raise(n) })?;
            vm.poll()
        })
        .function("default_int_handler($module, signalnum, frame, /)", "The default handler for SIGINT installed by Python.", |vm: &Vm, _: i32, _: Value| {
            Err::<(), _>(vm.new_exc_args(rt().types.keyboard_interrupt, &[]))
        })
        .function("alarm($module, seconds, /)", "Arrange for SIGALRM to arrive after the given number of seconds.", |_: &Vm, n: i32| {
            // SAFETY: a plain call.
            unsafe { libc::alarm(n as u32) }
        })
        .function("pause($module, /)", "Wait until a signal arrives.", |vm: &Vm| {
            // SAFETY: a plain call.
            vm.allow_threads(|| unsafe { libc::pause() });
            vm.poll()
        })
        .function("setitimer($module, which, seconds, interval=0.0, /)", "Sets given itimer (one of ITIMER_REAL, ITIMER_VIRTUAL or ITIMER_PROF).", setitimer)
        .function("getitimer($module, which, /)", "Returns current value of given itimer.", getitimer)
        .function("siginterrupt($module, signalnum, flag, /)", "Change system call restart behaviour.", siginterrupt)
        .function("set_wakeup_fd($module, fd, /, *, warn_on_full_buffer=True)", "Sets the fd to be written to (with the signal number) when a signal comes in.", set_wakeup_fd)
        .function("strsignal($module, signalnum, /)", "Return the system description of the given signal.", strsignal)
        .function("valid_signals($module, /)", "Return a set of valid signal numbers on this platform.", |vm: &Vm| {
            // SAFETY: fills the set.
            let set = unsafe {
                let mut s: libc::sigset_t = std::mem::zeroed();
                libc::sigfillset(&mut s);
                s
            };
            set_value(vm, &set)
        })
        .function("pthread_kill($module, thread_id, signalnum, /)", "Send a signal to a thread.", pthread_kill)
        .function("pthread_sigmask($module, how, mask, /)", "Fetch and/or change the signal mask of the calling thread.", pthread_sigmask)
        .function("sigpending($module, /)", "Examine pending signals.", |vm: &Vm| {
            // SAFETY: a valid buffer.
            let (r, s) = unsafe {
                let mut s: libc::sigset_t = std::mem::zeroed();
                (libc::sigpending(&mut s), s)
            };
            check(vm, r)?;
            set_value(vm, &s)
        })
        .function("sigwait($module, sigset, /)", "Wait for a signal.", sigwait)
        .function("sigwaitinfo($module, sigset, /)", "Wait synchronously until one of the signals in *sigset* is delivered.", |vm: &Vm, s: Value| {
            timed_wait(vm, s, None)
        })
        .function("sigtimedwait($module, sigset, timeout, /)", "Like sigwaitinfo(), but with a timeout.", |vm: &Vm, s: Value, t: Value| {
            let ns = nanoseconds(vm, t, Round::Up)?;
            if ns < 0 {
                return Err(vm.value_error("timeout must be non-negative"));
            }
            timed_wait(vm, s, Some(ns))
        })
        .function("pidfd_send_signal($module, pidfd, signalnum, siginfo=None, flags=0, /)", "Send a signal to a process referred to by a pid file descriptor.", |vm: &Vm, fd: i32, n: i32, info: Option<Value>, flags: Option<u32>| {
            if info.is_some_and(|i| !i.is_none()) {
                return Err(vm.type_error("siginfo must be None"));
            }
            let null = std::ptr::null::<u8>();
            // SAFETY: a plain call without a siginfo.
            check(vm, unsafe { libc::syscall(libc::SYS_pidfd_send_signal, fd, n, null, flags.unwrap_or(0)) })?;
            // It may have been for this process.
            vm.poll()
        });
}

fn handlers() -> Ptr<ArrayObj> {
    let h = HANDLERS.get_or_init(|| {
        let a = ArrayObj::new(NSIG as usize);
        for n in 1..NSIG {
            // SAFETY: asks for the present action; unknown numbers fail and leave zeros.
            let old = unsafe {
                let mut old: libc::sigaction = std::mem::zeroed();
                libc::sigaction(n, std::ptr::null(), &mut old);
                old.sa_sigaction
            };
            a.set(n as usize, match old {
                libc::SIG_DFL => Value::int(DFL),
                libc::SIG_IGN => Value::int(IGN),
                _ => Value::NONE,
            });
        }
        a.set(0, Value::NONE);
        Handlers(Root::new(a.value()))
    });
    h.0.get().downcast().expect("an array")
}

extern "C" fn on_signal(n: i32) {
    let saved = errno();
    simulate(n);
    set_errno(saved);
}

/// Makes a signal's handler run soon. Safe to be called in a signal handler.
pub fn simulate(n: i32) {
    TRIPPED[n as usize].store(1, Ordering::Relaxed);
    ANY.store(true, Ordering::Release);
    request();
    let fd = WAKEUP_FD.load(Ordering::Relaxed);
    if fd >= 0 {
        let byte = n as u8;
        // SAFETY: writes one byte from this frame.
        let r = unsafe { libc::write(fd, &raw const byte as *const libc::c_void, 1) };
        if r < 0 {
            let e = errno();
            if WARN_FULL.load(Ordering::Relaxed) || (e != libc::EAGAIN && e != libc::EWOULDBLOCK) {
                WAKEUP_ERROR.store(e, Ordering::Relaxed);
            }
        }
    }
}

/// Whether the signal has one of the system's actions: it is ignored, or does what it does by default.
pub fn is_inert(n: i32) -> bool {
    let h = handlers().get(n as usize);
    h == Value::int(DFL) || h == Value::int(IGN)
}

/// The same, as the system says. Safe to be called in a signal handler.
pub fn is_inert_to_system(n: i32) -> bool {
    // SAFETY: asks for the present action.
    let action = unsafe {
        let mut now: libc::sigaction = std::mem::zeroed();
        libc::sigaction(n, std::ptr::null(), &mut now);
        now.sa_sigaction
    };
    matches!(action, libc::SIG_DFL | libc::SIG_IGN)
}

/// Whether a signal waits for its handler.
pub fn tripped() -> bool {
    ANY.load(Ordering::Acquire)
}

/// Runs the handlers of the signals that have arrived. Only the main thread may call it.
pub fn run_pending(vm: &Vm) -> Res<()> {
    if !ANY.swap(false, Ordering::AcqRel) {
        return Ok(());
    }
    let e = WAKEUP_ERROR.swap(0, Ordering::Relaxed);
    if e != 0 {
        let r = os_error(vm, e, Value::EMPTY);
        crate::warn::unraisable_message(
            vm,
            r,
            Value::NONE,
            "Exception ignored while trying to write to the signal wakeup fd",
        );
    }
    let frame = match vm.top_frame() {
        Some(f) => vm.frame_object(f).value(),
        None => Value::NONE,
    };
    for n in 1..NSIG {
        if TRIPPED[n as usize].swap(0, Ordering::Relaxed) == 0 {
            continue;
        }
        let h = handlers().get(n as usize);
        if h.is_none() || h == Value::int(DFL) || h == Value::int(IGN) {
            // It arrived for a handler that has gone since.
            let e = vm.os_error(format!("Signal {n} ignored due to race condition"));
            crate::warn::unraisable(vm, e, Value::NONE);
            continue;
        }
        if let Err(e) = vm.call(h, &[Value::int(n as i64), frame]) {
            // The other handlers run at the next opportunity.
            if TRIPPED.iter().any(|t| t.load(Ordering::Relaxed) != 0) {
                ANY.store(true, Ordering::Release);
                request();
            }
            return Err(e);
        }
    }
    Ok(())
}

/// The process ends: signals have their default actions again, and what the program has installed is forgotten.
pub fn finish() {
    for n in 1..NSIG {
        let h = handlers().get(n as usize);
        if !h.is_none() && h != Value::int(DFL) && h != Value::int(IGN) {
            // SAFETY: the default action.
            unsafe { install(n, libc::SIG_DFL) };
        }
        handlers().set(n as usize, Value::NONE);
    }
}

/// In a fork's child: signals that the parent has received are the parent's.
pub fn after_fork() {
    TRIPPED.iter().for_each(|t| t.store(0, Ordering::Relaxed));
    ANY.store(false, Ordering::Relaxed);
}

/// Gives signals their default actions back: for programs that are executed.
pub fn restore_defaults() {
    for n in [libc::SIGPIPE, libc::SIGXFSZ] {
        // SAFETY: the default action.
        unsafe { libc::signal(n, libc::SIG_DFL) };
    }
}

fn in_range(vm: &Vm, n: i32) -> Res<()> {
    if (1..NSIG).contains(&n) { Ok(()) } else { Err(vm.value_error("signal number out of range")) }
}

/// Installs an action.
///
/// # Safety
/// `action` must be SIG_DFL, SIG_IGN or the address of a handler that may interrupt anything.
unsafe fn install(n: i32, action: usize) -> i32 {
    // SAFETY: a valid struct; the caller's promise.
    unsafe {
        let mut a: libc::sigaction = std::mem::zeroed();
        a.sa_sigaction = action;
        a.sa_flags = libc::SA_ONSTACK;
        libc::sigemptyset(&mut a.sa_mask);
        libc::sigaction(n, &a, std::ptr::null_mut())
    }
}

fn signal(vm: &Vm, n: i32, handler: Value) -> Res<Value> {
    if !gil::is_main_thread(vm) {
        return Err(vm.value_error("signal only works in main thread of the main interpreter"));
    }
    in_range(vm, n)?;
    let number = Int::of(handler).and_then(|i| i.to_i64());
    let action = match number {
        Some(DFL) => libc::SIG_DFL,
        Some(IGN) => libc::SIG_IGN,
        _ if vm.is_callable(handler) => on_signal as *const () as usize,
        _ => {
            return Err(vm.type_error(
                "signal handler must be signal.SIG_IGN, signal.SIG_DFL, or a callable object",
            ));
        }
    };
    vm.poll()?;
    // SAFETY: one of the three.
    check(vm, unsafe { install(n, action) })?;
    let old = handlers().get(n as usize);
    handlers().set(n as usize, match number {
        Some(k @ (DFL | IGN)) => Value::int(k),
        _ => handler,
    });
    Ok(old)
}

fn siginterrupt(vm: &Vm, n: i32, flag: i32) -> Res<()> {
    in_range(vm, n)?;
    // SAFETY: reads the action and sets it again with the flag changed.
    let r = unsafe {
        let mut a: libc::sigaction = std::mem::zeroed();
        libc::sigaction(n, std::ptr::null(), &mut a);
        if flag != 0 {
            a.sa_flags &= !libc::SA_RESTART;
        } else {
            a.sa_flags |= libc::SA_RESTART;
        }
        libc::sigaction(n, &a, std::ptr::null_mut())
    };
    check(vm, r).map(drop)
}

fn set_wakeup_fd(vm: &Vm, fd: i32, warn: Option<bool>) -> Res<i32> {
    if !gil::is_main_thread(vm) {
        return Err(vm.value_error("set_wakeup_fd only works in main thread of the main interpreter"));
    }
    if fd != -1 {
        // SAFETY: plain calls; a valid buffer.
        let flags = unsafe {
            let mut st: libc::stat = std::mem::zeroed();
            check(vm, libc::fstat(fd, &mut st))?;
            check(vm, libc::fcntl(fd, libc::F_GETFL))?
        };
        if flags & libc::O_NONBLOCK == 0 {
            return Err(vm.value_error(format!("the fd {fd} must be in non-blocking mode")));
        }
    }
    WARN_FULL.store(warn.unwrap_or(true), Ordering::Relaxed);
    Ok(WAKEUP_FD.swap(fd, Ordering::Relaxed))
}

fn strsignal(vm: &Vm, n: i32) -> Res<Value> {
    in_range(vm, n)?;
    static GUARD: Mutex<()> = Mutex::new(());
    let _g = GUARD.lock().unwrap_or_else(|e| e.into_inner());
    // SAFETY: the result is copied before anybody can call it again.
    let text = unsafe {
        let p = libc::strsignal(n);
        if p.is_null() {
            return Ok(Value::NONE);
        }
        std::ffi::CStr::from_ptr(p).to_string_lossy().into_owned()
    };
    if text.starts_with("Unknown signal") {
        return Ok(Value::NONE);
    }
    Ok(cape_vm::object::StrObj::new(&text).value())
}

fn timeval(ns: i64) -> libc::timeval {
    libc::timeval { tv_sec: ns.div_euclid(1_000_000_000), tv_usec: (ns.rem_euclid(1_000_000_000) + 999) / 1000 }
}

fn itimer_value(t: &libc::itimerval) -> Value {
    let f = |v: libc::timeval| Value::float(v.tv_sec as f64 + v.tv_usec as f64 * 1e-6);
    TupleObj::new(&[f(t.it_value), f(t.it_interval)]).value()
}

fn itimer_error(vm: &Vm) -> cape_vm::Raised {
    let e = errno();
    crate::oserror::raise(vm, ITIMER_ERROR.get(), e, &crate::oserror::strerror(e), Value::EMPTY, Value::EMPTY)
}

fn setitimer(vm: &Vm, which: i32, seconds: Value, interval: Option<Value>) -> Res<Value> {
    let first = nanoseconds(vm, seconds, Round::Ceiling)?;
    let then = interval.map_or(Ok(0), |v| nanoseconds(vm, v, Round::Ceiling))?;
    let new = libc::itimerval { it_value: timeval(first), it_interval: timeval(then) };
    // SAFETY: valid buffers.
    let (r, old) = unsafe {
        let mut old: libc::itimerval = std::mem::zeroed();
        (libc::setitimer(which as _, &new, &mut old), old)
    };
    if r != 0 { Err(itimer_error(vm)) } else { Ok(itimer_value(&old)) }
}

fn getitimer(vm: &Vm, which: i32) -> Res<Value> {
    // SAFETY: a valid buffer.
    let (r, t) = unsafe {
        let mut t: libc::itimerval = std::mem::zeroed();
        (libc::getitimer(which as _, &mut t), t)
    };
    if r != 0 { Err(itimer_error(vm)) } else { Ok(itimer_value(&t)) }
}

fn pthread_kill(vm: &Vm, thread: u64, n: i32) -> Res<()> {
    // SAFETY: the caller names a thread of this process.
    let r = unsafe { libc::pthread_kill(thread as libc::pthread_t, n) };
    if r != 0 {
        return Err(os_error(vm, r, Value::EMPTY));
    }
    vm.poll()
}

/// A signal set from an iterable of numbers.
pub fn set_of(vm: &Vm, v: Value) -> Res<libc::sigset_t> {
    // SAFETY: empties the set.
    let mut s: libc::sigset_t = unsafe {
        let mut s = std::mem::zeroed();
        libc::sigemptyset(&mut s);
        s
    };
    vm.for_each(v, |x| {
        // What no number fits is a number out of range, too.
        let n = vm.index_int(x)?.to_i64().unwrap_or(-1);
        if n <= 0 || n >= NSIG as i64 {
            return Err(vm.value_error(format!("signal number {n} out of range [1; {}]", NSIG - 1)));
        }
        // SAFETY: a valid set; numbers that the C library keeps to itself fail, which is of no interest.
        unsafe { libc::sigaddset(&mut s, n as i32) };
        Ok(())
    })?;
    Ok(s)
}

fn set_value(vm: &Vm, s: &libc::sigset_t) -> Res<Value> {
    let set = SetObj::with_map(rt().maps.set);
    for n in 1..NSIG {
        // SAFETY: a valid set.
        if unsafe { libc::sigismember(s, n) } == 1 {
            set.add(vm, Value::int(n as i64))?;
        }
    }
    Ok(set.value())
}

fn pthread_sigmask(vm: &Vm, how: i32, mask: Value) -> Res<Value> {
    let new = set_of(vm, mask)?;
    // SAFETY: valid sets.
    let (r, old) = unsafe {
        let mut old: libc::sigset_t = std::mem::zeroed();
        (libc::pthread_sigmask(how, &new, &mut old), old)
    };
    if r != 0 {
        return Err(os_error(vm, r, Value::EMPTY));
    }
    vm.poll()?;
    set_value(vm, &old)
}

fn sigwait(vm: &Vm, set: Value) -> Res<i32> {
    let s = set_of(vm, set)?;
    loop {
        let mut n = 0;
        // SAFETY: valid buffers.
        match vm.allow_threads(|| unsafe { libc::sigwait(&s, &mut n) }) {
            0 => return Ok(n),
            libc::EINTR => vm.poll()?,
            e => return Err(os_error(vm, e, Value::EMPTY)),
        }
    }
}

fn timed_wait(vm: &Vm, set: Value, timeout: Option<i64>) -> Res<Value> {
    let s = set_of(vm, set)?;
    let deadline = timeout.map(|t| monotonic().saturating_add(t));
    loop {
        // SAFETY: plain C struct.
        let mut info: libc::siginfo_t = unsafe { std::mem::zeroed() };
        let ts = deadline.map(|d| timespec((d - monotonic()).max(0)));
        let p = ts.as_ref().map_or(0, |t| t as *const libc::timespec as usize);
        let (r, e) = vm.allow_threads(|| {
            // SAFETY: valid buffers, or a null timeout.
            (unsafe { libc::sigtimedwait(&s, &mut info, p as *const libc::timespec) }, errno())
        });
        if r >= 0 {
            // SAFETY: the fields of a signal that was waited for.
            let (pid, uid, status) = unsafe { (info.si_pid(), info.si_uid(), info.si_status()) };
            let f = [r as i64, info.si_code as i64, info.si_errno as i64, pid as i64, uid as i64, status as i64, 0]
                .map(|n| int_from(n as i128));
            return Ok(SIGINFO.make(&f));
        }
        match e {
            libc::EAGAIN => return Ok(Value::NONE),
            libc::EINTR => vm.poll()?,
            e => return Err(os_error(vm, e, Value::EMPTY)),
        }
    }
}
