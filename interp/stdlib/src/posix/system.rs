//! The machine and the scheduler: uname, times, random bytes, terminals, CPUs, namespaces, timers.

use cape_vm::native::extend;
use cape_vm::object::{BytesObj, Int, ModuleObj, SetObj, TupleObj, TypeObj, int_value};
use cape_vm::structseq::{Spec, StructSeq};
use cape_vm::{Ptr, Res, Value, Vm, rt, type_of};

use crate::duration::{Round, nanoseconds, seconds, timespec};
use crate::fsname::{self, Fd};
use crate::oserror::{last_error, os_error};
use crate::sys_call::{blocking, check};

static UNAME_RESULT: StructSeq = StructSeq::new(Spec {
    name: "posix.uname_result",
    doc: "uname_result: Result from os.uname().",
    fields: &[
        ("sysname", "operating system name"),
        ("nodename", "name of machine on network (implementation-defined)"),
        ("release", "operating system release"),
        ("version", "operating system version"),
        ("machine", "hardware identifier"),
    ],
    visible: 5,
    instantiable: true,
    complete: None,
});

static TIMES_RESULT: StructSeq = StructSeq::new(Spec {
    name: "posix.times_result",
    doc: "times_result: Result from os.times().",
    fields: &[
        ("user", "user time"),
        ("system", "system time"),
        ("children_user", "user time of children"),
        ("children_system", "system time of children"),
        ("elapsed", "elapsed time since an arbitrary point in the past"),
    ],
    visible: 5,
    instantiable: true,
    complete: None,
});

static TERMINAL_SIZE: StructSeq = StructSeq::new(Spec {
    name: "os.terminal_size",
    doc: "A tuple of (columns, lines) for holding terminal window size",
    fields: &[
        ("columns", "width of the terminal window in characters"),
        ("lines", "height of the terminal window in characters"),
    ],
    visible: 2,
    instantiable: true,
    complete: None,
});

pub(super) static SCHED_PARAM: StructSeq = StructSeq::new(Spec {
    name: "posix.sched_param",
    doc: "Currently has only one field: sched_priority",
    fields: &[("sched_priority", "the scheduling priority")],
    visible: 1,
    instantiable: true,
    complete: None,
});

pub(super) fn init(m: Ptr<ModuleObj>) {
    for s in [&UNAME_RESULT, &TIMES_RESULT, &TERMINAL_SIZE] {
        m.class(s.class());
    }
    let sched = SCHED_PARAM.class();
    extend(sched).new_fn("__new__(type, /, sched_priority)", "Create and return a new object.", |_: &Vm, _: Ptr<TypeObj>, p: Value| {
        SCHED_PARAM.make(&[p])
    })
    .method("__reduce__($self, /)", "Return state for pickling.", |_: &Vm, p: Ptr<TupleObj>| {
        TupleObj::new(&[type_of(p.value()).value(), TupleObj::new(&[p.get(0)]).value()])
    });
    m.class(sched);
    m.function("uname($module, /)", "Return an object identifying the current operating system.", uname)
        .function("times($module, /)", "Return a collection containing process timing information.", times)
        .function("get_terminal_size($module, fd=<unrepresentable>, /)", "Return the size of the terminal window as (columns, lines).", terminal_size)
        .function("cpu_count($module, /)", "Return the number of logical CPUs in the system.", |_: &Vm| {
            // SAFETY: a plain call.
            let n = unsafe { libc::sysconf(libc::_SC_NPROCESSORS_ONLN) };
            crate::sys::cpu_count().or((n > 0).then_some(n))
        })
        .function("urandom($module, size, /)", "Return a bytes object containing random bytes suitable for cryptographic use.", |vm: &Vm, n: isize| {
            if n < 0 {
                return Err(vm.value_error("negative argument not allowed"));
            }
            random(vm, n as usize, 0, true)
        })
        .function("getrandom($module, /, size, flags=0)", "Obtain a series of random bytes.", |vm: &Vm, n: isize, flags: Option<u32>| {
            if n < 0 {
                return Err(os_error(vm, libc::EINVAL, Value::EMPTY));
            }
            random(vm, n as usize, flags.unwrap_or(0), false)
        })
        .function("getloadavg($module, /)", "Return average recent system load information.", |vm: &Vm| {
            let mut l = [0.0; 3];
            // SAFETY: the array is as long as said.
            if unsafe { libc::getloadavg(l.as_mut_ptr(), 3) } != 3 {
                return Err(vm.os_error("Load averages are unobtainable"));
            }
            Ok(TupleObj::new(&l.map(Value::float)).value())
        })
        .function("umask($module, mask, /)", "Set the current numeric umask and return the previous umask.", |_: &Vm, mask: i32| {
            // SAFETY: a plain call.
            unsafe { libc::umask(mask as u32) }
        })
        .function("strerror($module, code, /)", "Translate an error code to a message string.", |_: &Vm, code: i32| {
            crate::oserror::strerror(code)
        })
        .function("ctermid($module, /)", "Return the name of the controlling terminal for this process.", |_: &Vm| "/dev/tty")
        .function("unshare($module, /, flags)", "Disassociate parts of a process (or thread) execution context.", |vm: &Vm, flags: i32| {
            // SAFETY: a plain call.
            check(vm, unsafe { libc::unshare(flags) }).map(drop)
        })
        .function("setns($module, /, fd, nstype=0)", "Move the calling thread into different namespaces.", |vm: &Vm, fd: Fd, kind: Option<i32>| {
            // SAFETY: a plain call.
            check(vm, unsafe { libc::setns(fd.0, kind.unwrap_or(0)) }).map(drop)
        })
        .function("_inputhook($module, /)", "Calls PyOS_CallInputHook droppong the GIL first", |_: &Vm| ())
        .function("_is_inputhook_installed($module, /)", "Checks if PyOS_CallInputHook is set", |_: &Vm| false);
    scheduler(m);
    timers(m);
}

fn scheduler(m: Ptr<ModuleObj>) {
    m.function("sched_yield($module, /)", "Voluntarily relinquish the CPU.", |vm: &Vm| {
        // SAFETY: a plain call.
        vm.allow_threads(|| unsafe { libc::sched_yield() });
    })
    .function("sched_get_priority_max($module, /, policy)", "Get the maximum scheduling priority for policy.", |vm: &Vm, p: i32| {
        // SAFETY: a plain call.
        check(vm, unsafe { libc::sched_get_priority_max(p) })
    })
    .function("sched_get_priority_min($module, /, policy)", "Get the minimum scheduling priority for policy.", |vm: &Vm, p: i32| {
        // SAFETY: a plain call.
        check(vm, unsafe { libc::sched_get_priority_min(p) })
    })
    .function("sched_getscheduler($module, pid, /)", "Get the scheduling policy for the process identified by pid.", |vm: &Vm, pid: i32| {
        // SAFETY: a plain call.
        check(vm, unsafe { libc::sched_getscheduler(pid) })
    })
    .function("sched_setscheduler($module, pid, policy, param, /)", "Set the scheduling policy for the process identified by pid.", |vm: &Vm, pid: i32, policy: i32, p: Value| {
        let p = sched_param(vm, p)?;
        // SAFETY: a valid struct.
        check(vm, unsafe { libc::sched_setscheduler(pid, policy, &p) }).map(drop)
    })
    .function("sched_getparam($module, pid, /)", "Returns scheduling parameters for the process identified by pid.", |vm: &Vm, pid: i32| {
        // SAFETY: a valid buffer.
        let (r, p) = unsafe {
            let mut p: libc::sched_param = std::mem::zeroed();
            (libc::sched_getparam(pid, &mut p), p)
        };
        check(vm, r)?;
        Ok::<Value, cape_vm::Raised>(SCHED_PARAM.make(&[Value::int(p.sched_priority as i64)]))
    })
    .function("sched_setparam($module, pid, param, /)", "Set scheduling parameters for the process identified by pid.", |vm: &Vm, pid: i32, p: Value| {
        let p = sched_param(vm, p)?;
        // SAFETY: a valid struct.
        check(vm, unsafe { libc::sched_setparam(pid, &p) }).map(drop)
    })
    .function("sched_rr_get_interval($module, pid, /)", "Return the round-robin quantum for the process identified by pid, in seconds.", |vm: &Vm, pid: i32| {
        let mut t = timespec(0);
        // SAFETY: a valid buffer.
        check(vm, unsafe { libc::sched_rr_get_interval(pid, &mut t) })?;
        Ok::<f64, cape_vm::Raised>(t.tv_sec as f64 + 1e-9 * t.tv_nsec as f64)
    })
    .function("sched_getaffinity($module, pid, /)", "Return the affinity of the process identified by pid (or the current process if zero).", getaffinity)
    .function("sched_setaffinity($module, pid, mask, /)", "Set the CPU affinity of the process identified by pid to mask.", setaffinity);
}

/// The priority in an `os.sched_param`.
pub(super) fn sched_param(vm: &Vm, v: Value) -> Res<libc::sched_param> {
    if type_of(v) != SCHED_PARAM.class() {
        return Err(vm.type_error("must have a sched_param object"));
    }
    let n = vm.get_item(v, Value::int(0))?;
    let n = vm.index_int(n)?.to_i64().and_then(|n| i32::try_from(n).ok());
    let Some(n) = n else { return Err(vm.overflow_error("sched_priority out of range")) };
    // SAFETY: plain C struct.
    let mut p: libc::sched_param = unsafe { std::mem::zeroed() };
    p.sched_priority = n;
    Ok(p)
}

const CPU_WORDS: usize = 128;

fn getaffinity(vm: &Vm, pid: i32) -> Res<Value> {
    let mut mask = [0u64; CPU_WORDS];
    // SAFETY: the buffer is as long as said.
    check(vm, unsafe { libc::sched_getaffinity(pid, size_of_val(&mask), mask.as_mut_ptr() as *mut _) })?;
    let set = SetObj::with_map(rt().maps.set);
    for (i, w) in mask.iter().enumerate() {
        for b in (0..64).filter(|b| w >> b & 1 == 1) {
            set.add(vm, Value::int((i * 64 + b) as i64))?;
        }
    }
    Ok(set.value())
}

fn setaffinity(vm: &Vm, pid: i32, cpus: Value) -> Res<()> {
    let mut mask = [0u64; CPU_WORDS];
    vm.for_each(cpus, |c| {
        let Some(i) = Int::of(c) else {
            return Err(vm.type_error(format!(
                "expected an iterator of ints, but iterator yielded {}",
                vm.repr_str(type_of(c).value())?
            )));
        };
        match i.to_i64() {
            Some(n) if n < 0 => Err(vm.value_error("negative CPU number")),
            Some(n) if (n as usize) < CPU_WORDS * 64 => {
                mask[n as usize / 64] |= 1 << (n % 64);
                Ok(())
            }
            _ => Err(vm.overflow_error("CPU number too large")),
        }
    })?;
    // SAFETY: the buffer is as long as said.
    check(vm, unsafe { libc::sched_setaffinity(pid, size_of_val(&mask), mask.as_ptr() as *const _) }).map(drop)
}

fn uname(vm: &Vm) -> Res<Value> {
    // SAFETY: a valid buffer.
    let (r, u) = unsafe {
        let mut u: libc::utsname = std::mem::zeroed();
        (libc::uname(&mut u), u)
    };
    check(vm, r)?;
    let text = |field: &[libc::c_char]| {
        // SAFETY: the fields are terminated.
        unsafe { fsname::from_c(field.as_ptr()).value() }
    };
    Ok(UNAME_RESULT.make(&[
        text(&u.sysname),
        text(&u.nodename),
        text(&u.release),
        text(&u.version),
        text(&u.machine),
    ]))
}

fn times(vm: &Vm) -> Res<Value> {
    // SAFETY: a valid buffer.
    let (elapsed, t, ticks) = unsafe {
        let mut t: libc::tms = std::mem::zeroed();
        (libc::times(&mut t), t, libc::sysconf(libc::_SC_CLK_TCK) as f64)
    };
    if elapsed == -1 {
        return Err(last_error(vm));
    }
    let f = [t.tms_utime, t.tms_stime, t.tms_cutime, t.tms_cstime, elapsed];
    Ok(TIMES_RESULT.make(&f.map(|n| Value::float(n as f64 / ticks))))
}

fn terminal_size(vm: &Vm, fd: Option<i32>) -> Res<Value> {
    // SAFETY: a valid buffer.
    let (r, w) = unsafe {
        let mut w: libc::winsize = std::mem::zeroed();
        (libc::ioctl(fd.unwrap_or(1), libc::TIOCGWINSZ, &mut w), w)
    };
    check(vm, r)?;
    Ok(TERMINAL_SIZE.make(&[Value::int(w.ws_col as i64), Value::int(w.ws_row as i64)]))
}

fn random(vm: &Vm, n: usize, flags: u32, all: bool) -> Res<Value> {
    let mut buf: Vec<u8> = Vec::new();
    buf.try_reserve_exact(n).map_err(|_| vm.new_exc_args(rt().types.memory_error, &[]))?;
    buf.resize(n, 0);
    let mut done = 0;
    while done < n {
        let (p, left) = (buf[done..].as_mut_ptr() as usize, n - done);
        // SAFETY: the rest of the buffer.
        let got = blocking(vm, || unsafe { libc::getrandom(p as *mut libc::c_void, left, flags) })?;
        done += got as usize;
        if !all {
            break;
        }
    }
    Ok(BytesObj::new(&buf[..done]).value())
}

fn timers(m: Ptr<ModuleObj>) {
    m.function("timerfd_create($module, clockid, /, *, flags=0)", "Create and return a timer file descriptor.", |vm: &Vm, clock: i32, flags: Option<i32>| {
        let flags = flags.unwrap_or(0) | libc::TFD_CLOEXEC;
        // SAFETY: a plain call.
        check(vm, unsafe { libc::timerfd_create(clock, flags) })
    })
    .function("timerfd_settime($module, fd, /, *, flags=0, initial=0.0, interval=0.0)", "Alter a timer file descriptor's internal timer in seconds.", |vm: &Vm, fd: Fd, flags: Option<i32>, initial: Option<Value>, interval: Option<Value>| {
        let ns = |v: Option<Value>| v.map_or(Ok(0), |v| nanoseconds(vm, v, Round::Floor));
        let old = set_timer(vm, fd.0, flags, ns(initial)?, ns(interval)?)?;
        Ok::<Value, cape_vm::Raised>(TupleObj::new(&old.map(|n| Value::float(seconds(n)))).value())
    })
    .function("timerfd_settime_ns($module, fd, /, *, flags=0, initial=0, interval=0)", "Alter a timer file descriptor's internal timer in nanoseconds.", |vm: &Vm, fd: Fd, flags: Option<i32>, initial: Option<i64>, interval: Option<i64>| {
        let old = set_timer(vm, fd.0, flags, initial.unwrap_or(0), interval.unwrap_or(0))?;
        Ok::<Value, cape_vm::Raised>(TupleObj::new(&old.map(int_value)).value())
    })
    .function("timerfd_gettime($module, fd, /)", "Return a tuple of a timer file descriptor's (interval, next expiration) in float seconds.", |vm: &Vm, fd: Fd| {
        let t = get_timer(vm, fd.0)?;
        Ok::<Value, cape_vm::Raised>(TupleObj::new(&t.map(|n| Value::float(seconds(n)))).value())
    })
    .function("timerfd_gettime_ns($module, fd, /)", "Return a tuple of a timer file descriptor's (interval, next expiration) in nanoseconds.", |vm: &Vm, fd: Fd| {
        let t = get_timer(vm, fd.0)?;
        Ok::<Value, cape_vm::Raised>(TupleObj::new(&t.map(int_value)).value())
    });
}

fn in_ns(t: &libc::itimerspec) -> [i64; 2] {
    let ns = |t: &libc::timespec| t.tv_sec * 1_000_000_000 + t.tv_nsec;
    [ns(&t.it_value), ns(&t.it_interval)]
}

fn set_timer(vm: &Vm, fd: i32, flags: Option<i32>, initial: i64, interval: i64) -> Res<[i64; 2]> {
    let new = libc::itimerspec { it_value: timespec(initial), it_interval: timespec(interval) };
    // SAFETY: valid buffers.
    let (r, old) = unsafe {
        let mut old: libc::itimerspec = std::mem::zeroed();
        (libc::timerfd_settime(fd, flags.unwrap_or(0), &new, &mut old), old)
    };
    check(vm, r)?;
    Ok(in_ns(&old))
}

fn get_timer(vm: &Vm, fd: i32) -> Res<[i64; 2]> {
    // SAFETY: a valid buffer.
    let (r, t) = unsafe {
        let mut t: libc::itimerspec = std::mem::zeroed();
        (libc::timerfd_gettime(fd, &mut t), t)
    };
    check(vm, r)?;
    Ok(in_ns(&t))
}

