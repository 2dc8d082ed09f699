//! `resource`.

use cape_vm::native::int_from;
use cape_vm::object::{Int, ModuleObj, TupleObj};
use cape_vm::structseq::{Spec, StructSeq};
use cape_vm::{Ptr, Res, Value, Vm, rt};

use crate::oserror::{errno, last_error};

static USAGE: StructSeq = StructSeq::new(Spec {
    name: "resource.struct_rusage",
    doc: "struct_rusage: Result from getrusage.",
    fields: &[
        ("ru_utime", "user time used"),
        ("ru_stime", "system time used"),
        ("ru_maxrss", "max. resident set size"),
        ("ru_ixrss", "shared memory size"),
        ("ru_idrss", "unshared data size"),
        ("ru_isrss", "unshared stack size"),
        ("ru_minflt", "page faults not requiring I/O"),
        ("ru_majflt", "page faults requiring I/O"),
        ("ru_nswap", "number of swap outs"),
        ("ru_inblock", "block input operations"),
        ("ru_oublock", "block output operations"),
        ("ru_msgsnd", "IPC messages sent"),
        ("ru_msgrcv", "IPC messages received"),
        ("ru_nsignals", "signals received"),
        ("ru_nvcsw", "voluntary context switches"),
        ("ru_nivcsw", "involuntary context switches"),
    ],
    visible: 16,
    instantiable: true,
    complete: None,
});

macro_rules! limits { ($($n:ident),*) => { &[$((stringify!($n), libc::$n as i64)),*] } }
const LIMITS: &[(&str, i64)] = limits!(
    RLIMIT_CPU, RLIMIT_FSIZE, RLIMIT_DATA, RLIMIT_STACK, RLIMIT_CORE, RLIMIT_NOFILE, RLIMIT_AS, RLIMIT_RSS, RLIMIT_NPROC,
    RLIMIT_MEMLOCK, RLIMIT_MSGQUEUE, RLIMIT_NICE, RLIMIT_RTPRIO, RLIMIT_RTTIME, RLIMIT_SIGPENDING
);
const RLIM_NLIMITS: i32 = 16;

/// Fills the module.
pub fn init(_: &Vm, m: Ptr<ModuleObj>) -> Res<()> {
    for &(name, n) in LIMITS {
        m.add(name, Value::int(n));
    }
    m.add("RLIMIT_OFILE", Value::int(libc::RLIMIT_NOFILE as i64))
        .add("RLIM_INFINITY", Value::int(-1))
        .add("RUSAGE_SELF", Value::int(0))
        .add("RUSAGE_CHILDREN", Value::int(-1))
        .add("RUSAGE_THREAD", Value::int(1))
        .add("error", rt().types.os_error.value());
    m.class(USAGE.class());
    m.function("getrusage($module, who, /)", "Get resource usage statistics.", getrusage)
        .function("getrlimit($module, resource, /)", "Return the soft and hard limits.", |vm: &Vm, r: i32| prlimit_of(vm, 0, r, None))
        .function("setrlimit($module, resource, limits, /)", "Set the soft and hard limits.", |vm: &Vm, r: i32, l: Value| {
            let l = limits_arg(vm, l)?;
            prlimit_of(vm, 0, r, Some(l)).map(drop)
        })
        .function("prlimit($module, pid, resource, limits=None, /)", "Get or set the limits of a process.", |vm: &Vm, pid: i32, r: i32, l: Option<Value>| {
            let l = match l {
                Some(l) if !l.is_none() => Some(limits_arg(vm, l)?),
                _ => None,
            };
            prlimit_of(vm, pid, r, l)
        })
        .function("getpagesize($module, /)", "Return the size of a memory page.", |_: &Vm| {
            // SAFETY: a plain call.
            unsafe { libc::sysconf(libc::_SC_PAGESIZE) }
        });
    Ok(())
}

/// The result tuple of a `struct rusage`.
pub fn usage_value(u: &libc::rusage) -> Value {
    let time = |t: libc::timeval| Value::float(t.tv_sec as f64 + t.tv_usec as f64 * 1e-6);
    let n = |n: i64| int_from(n as i128);
    USAGE.make(&[
        time(u.ru_utime),
        time(u.ru_stime),
        n(u.ru_maxrss),
        n(u.ru_ixrss),
        n(u.ru_idrss),
        n(u.ru_isrss),
        n(u.ru_minflt),
        n(u.ru_majflt),
        n(u.ru_nswap),
        n(u.ru_inblock),
        n(u.ru_oublock),
        n(u.ru_msgsnd),
        n(u.ru_msgrcv),
        n(u.ru_nsignals),
        n(u.ru_nvcsw),
        n(u.ru_nivcsw),
    ])
}

fn getrusage(vm: &Vm, who: i32) -> Res<Value> {
    // SAFETY: a valid buffer.
    let (r, u) = unsafe {
        let mut u: libc::rusage = std::mem::zeroed();
        (libc::getrusage(who, &mut u), u)
    };
    if r != 0 {
        return Err(if errno() == libc::EINVAL {
            vm.value_error("invalid who parameter")
        } else {
            last_error(vm)
        });
    }
    Ok(usage_value(&u))
}

fn limits_arg(vm: &Vm, v: Value) -> Res<libc::rlimit> {
    let t = match v.downcast::<TupleObj>() {
        Some(t) => t,
        None => {
            let items = vm.vec_of(v)?;
            TupleObj::new(&items)
        }
    };
    if t.len() != 2 {
        return Err(vm.value_error("expected a tuple of 2 integers"));
    }
    let one = |v: Value| {
        let i = match Int::of(v) {
            Some(i) => i,
            None => vm.index_int(v)?,
        };
        if let Some(n) = i.to_i64().filter(|&n| n >= -1) {
            return Ok(n as u64); // -1 is RLIM_INFINITY
        }
        let big = i.into_big();
        if big.sign() == num_bigint::Sign::Minus {
            return Err(vm.value_error("Cannot convert negative int"));
        }
        num_traits::ToPrimitive::to_u64(&big)
            .ok_or_else(|| vm.overflow_error("Python int too large to convert to C rlim_t"))
    };
    Ok(libc::rlimit { rlim_cur: one(t.get(0))?, rlim_max: one(t.get(1))? })
}

fn limit_int(n: u64) -> Value {
    if n == u64::MAX { Value::int(-1) } else { cape_vm::object::uint_value(n) }
}

fn prlimit_of(vm: &Vm, pid: i32, resource: i32, new: Option<libc::rlimit>) -> Res<Value> {
    if !(0..RLIM_NLIMITS).contains(&resource) {
        return Err(vm.value_error("invalid resource specified"));
    }
    if pid != 0 && new.is_some_and(|l| l.rlim_cur > l.rlim_max) {
        return Err(vm.value_error("current limit exceeds maximum limit"));
    }
    let p = new.as_ref().map_or(std::ptr::null(), |l| l as *const libc::rlimit);
    // SAFETY: valid buffers, or null.
    let (r, old) = unsafe {
        let mut old: libc::rlimit = std::mem::zeroed();
        (libc::prlimit(pid, resource as _, p as *const _, &mut old as *mut libc::rlimit as *mut _), old)
    };
    if r != 0 {
        return Err(match errno() {
            libc::EINVAL => vm.value_error("current limit exceeds maximum limit"),
            libc::EPERM if pid == 0 => vm.value_error("not allowed to raise maximum limit"),
            _ => last_error(vm),
        });
    }
    Ok(TupleObj::new(&[limit_int(old.rlim_cur), limit_int(old.rlim_max)]).value())
}
