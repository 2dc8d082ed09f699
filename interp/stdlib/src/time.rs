//! `time`.

use cape_vm::native::{FromArg, int_from};
use cape_vm::object::{ModuleObj, StrBuilder, StrObj, TupleObj, float_of, int_value};
use cape_vm::structseq::{Spec, StructSeq};
use cape_vm::{Ptr, Raised, Res, Value, Vm, intern, rt, type_of};

use crate::c_int::c_int;
use crate::duration::{Round, clock, monotonic, nanoseconds, seconds, timespec};
use crate::fsname;
use crate::oserror::{errno, last_error, os_error};

/// `time.struct_time`.
pub static STRUCT_TIME: StructSeq = StructSeq::new(Spec {
    name: "time.struct_time",
    doc: "The time value as returned by gmtime(), localtime(), and strptime(), and\n\
          accepted by asctime(), mktime() and strftime().  A sequence of 9 integers.",
    fields: &[
        ("tm_year", "year, for example, 1993"),
        ("tm_mon", "month of year, range [1, 12]"),
        ("tm_mday", "day of month, range [1, 31]"),
        ("tm_hour", "hours, range [0, 23]"),
        ("tm_min", "minutes, range [0, 59]"),
        ("tm_sec", "seconds, range [0, 61])"),
        ("tm_wday", "day of week, range [0, 6], Monday is 0"),
        ("tm_yday", "day of year, range [1, 366]"),
        ("tm_isdst", "1 if summer time is in effect, 0 if not, and -1 if unknown"),
        ("tm_zone", "abbreviation of timezone name"),
        ("tm_gmtoff", "offset from UTC in seconds"),
    ],
    visible: 9,
    instantiable: true,
    complete: None,
});

const CLOCKS: &[(&str, i32)] = &[
    ("CLOCK_REALTIME", libc::CLOCK_REALTIME),
    ("CLOCK_MONOTONIC", libc::CLOCK_MONOTONIC),
    ("CLOCK_MONOTONIC_RAW", libc::CLOCK_MONOTONIC_RAW),
    ("CLOCK_PROCESS_CPUTIME_ID", libc::CLOCK_PROCESS_CPUTIME_ID),
    ("CLOCK_THREAD_CPUTIME_ID", libc::CLOCK_THREAD_CPUTIME_ID),
    ("CLOCK_BOOTTIME", libc::CLOCK_BOOTTIME),
    ("CLOCK_TAI", libc::CLOCK_TAI),
];

/// What `get_clock_info` knows: name, clock, constant's name, monotonic, adjustable.
const INFOS: &[(&str, i32, &str, bool, bool)] = &[
    ("time", libc::CLOCK_REALTIME, "CLOCK_REALTIME", false, true),
    ("monotonic", libc::CLOCK_MONOTONIC, "CLOCK_MONOTONIC", true, false),
    ("perf_counter", libc::CLOCK_MONOTONIC, "CLOCK_MONOTONIC", true, false),
    ("process_time", libc::CLOCK_PROCESS_CPUTIME_ID, "CLOCK_PROCESS_CPUTIME_ID", true, false),
    ("thread_time", libc::CLOCK_THREAD_CPUTIME_ID, "CLOCK_THREAD_CPUTIME_ID", true, false),
];

unsafe extern "C" {
    fn tzset();
    fn strftime(s: *mut libc::c_char, max: usize, format: *const libc::c_char, tm: *const libc::tm) -> usize;
}

/// Fills the module.
pub fn init(_: &Vm, m: Ptr<ModuleObj>) -> Res<()> {
    crate::locale::codeset();
    for &(name, id) in CLOCKS {
        m.add(name, Value::int(id as i64));
    }
    m.add("_STRUCT_TM_ITEMS", Value::int(11));
    m.class(STRUCT_TIME.class());
    m.function("time($module, /)", "Return the current time in seconds since the Epoch.", |_: &Vm| {
        seconds(clock(libc::CLOCK_REALTIME))
    })
    .function("time_ns($module, /)", "Return the current time in nanoseconds since the Epoch.", |_: &Vm| {
        clock(libc::CLOCK_REALTIME)
    })
    .function("monotonic($module, /)", "Monotonic clock, cannot go backward.", |_: &Vm| seconds(monotonic()))
    .function("monotonic_ns($module, /)", "Monotonic clock, cannot go backward, as nanoseconds.", |_: &Vm| monotonic())
    .function("perf_counter($module, /)", "Performance counter for benchmarking.", |_: &Vm| seconds(monotonic()))
    .function("perf_counter_ns($module, /)", "Performance counter for benchmarking as nanoseconds.", |_: &Vm| monotonic())
    .function("process_time($module, /)", "Process time for profiling: sum of the kernel and user-space CPU time.", |_: &Vm| {
        seconds(clock(libc::CLOCK_PROCESS_CPUTIME_ID))
    })
    .function("process_time_ns($module, /)", "Process time for profiling as nanoseconds.", |_: &Vm| {
        clock(libc::CLOCK_PROCESS_CPUTIME_ID)
    })
    .function("thread_time($module, /)", "Thread time for profiling: sum of the kernel and user-space CPU time.", |_: &Vm| {
        seconds(clock(libc::CLOCK_THREAD_CPUTIME_ID))
    })
    .function("thread_time_ns($module, /)", "Thread time for profiling as nanoseconds.", |_: &Vm| {
        clock(libc::CLOCK_THREAD_CPUTIME_ID)
    })
    .function("clock_gettime($module, clk_id, /)", "Return the time of the specified clock clk_id as a float.", |vm: &Vm, id: i32| {
        read_clock(vm, id, false).map(seconds)
    })
    .function("clock_gettime_ns($module, clk_id, /)", "Return the time of the specified clock clk_id as nanoseconds (int).", |vm: &Vm, id: i32| {
        read_clock(vm, id, false)
    })
    .function("clock_getres($module, clk_id, /)", "Return the resolution (precision) of the specified clock clk_id.", |vm: &Vm, id: i32| {
        read_clock(vm, id, true).map(|n| n as f64 * 1e-9)
    })
    .function("clock_settime($module, clk_id, time, /)", "Set the time of the specified clock clk_id.", |vm: &Vm, id: i32, t: Value| {
        let ns = seconds_arg(vm, t, Round::Floor)?;
        set_clock(vm, id, ns)
    })
    .function("clock_settime_ns($module, clk_id, time, /)", "Set the time of the specified clock clk_id with nanoseconds.", |vm: &Vm, id: i32, t: i64| {
        set_clock(vm, id, t)
    })
    .function("pthread_getcpuclockid($module, thread_id, /)", "Return the clk_id of a thread's CPU time clock.", cpu_clock)
    .function("sleep($module, object, /)", "Delay execution for a given number of seconds.", sleep)
    .function("gmtime($module, seconds=<unrepresentable>, /)", "Convert seconds since the Epoch to a time tuple expressing UTC.", |vm: &Vm, s: Option<Value>| {
        broken_down(vm, s, true)
    })
    .function("localtime($module, seconds=<unrepresentable>, /)", "Convert seconds since the Epoch to a time tuple expressing local time.", |vm: &Vm, s: Option<Value>| {
        broken_down(vm, s, false)
    })
    .function("asctime($module, time_tuple=<unrepresentable>, /)", "Convert a time tuple to a string.", |vm: &Vm, t: Option<Value>| {
        let tm = tm_or_now(vm, t, "asctime")?;
        Ok::<String, Raised>(asctime(&tm))
    })
    .function("ctime($module, seconds=<unrepresentable>, /)", "Convert a time in seconds since the Epoch to a string in local time.", |vm: &Vm, s: Option<Value>| {
        convert(vm, s, false).map(|tm| asctime(&tm))
    })
    .function("mktime($module, object, /)", "Convert a time tuple in local time to seconds since the Epoch.", mktime)
    .function("strftime($module, format, time_tuple=<unrepresentable>, /)", "Convert a time tuple to a string according to a format specification.", format_time)
    .function("strptime($module, string, format=<unrepresentable>, /)", "Parse a string to a time tuple according to a format specification.", |vm: &Vm, s: Value, f: Option<Value>| {
        let parse = vm.import_attr("_strptime", "_strptime_time")?;
        match f {
            Some(f) => vm.call(parse, &[s, f]),
            None => vm.call(parse, &[s]),
        }
    })
    .function("get_clock_info($module, name, /)", "Get information of the specified clock.", clock_info)
    .function("tzset($module, /)", "Initialize, or reinitialize, the local timezone.", |vm: &Vm| {
        let time = vm.import_module("time")?;
        if let Some(m) = time.downcast::<ModuleObj>() {
            zone(m);
        }
        Ok::<(), Raised>(())
    });
    zone(m);
    Ok(())
}

/// Sets `timezone`, `altzone`, `daylight`, `tzname` from the environment's time zone.
fn zone(m: Ptr<ModuleObj>) {
    const YEAR: i64 = (365 * 24 + 6) * 3600;
    // SAFETY: reads the environment, with the GIL held.
    unsafe { tzset() };
    let start = clock(libc::CLOCK_REALTIME) / 1_000_000_000 / YEAR * YEAR;
    let at = |t: i64| {
        // SAFETY: valid buffers; the zone's name is static data of the C library, copied at once.
        unsafe {
            let mut tm: libc::tm = std::mem::zeroed();
            libc::localtime_r(&t, &mut tm);
            (-tm.tm_gmtoff, fsname::from_c(tm.tm_zone).value())
        }
    };
    let (jan, jul) = (at(start), at(start + YEAR / 2));
    // South of the equator summer time is in January.
    let (std, alt) = if jan.0 < jul.0 { (jul, jan) } else { (jan, jul) };
    m.add("timezone", int_from(std.0 as i128))
        .add("altzone", int_from(alt.0 as i128))
        .add("daylight", Value::int((jan.0 != jul.0) as i64))
        .add("tzname", TupleObj::new(&[std.1, alt.1]).value());
}

fn read_clock(vm: &Vm, id: i32, resolution: bool) -> Res<i64> {
    let mut t = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: a valid buffer.
    let r = unsafe {
        if resolution { libc::clock_getres(id, &mut t) } else { libc::clock_gettime(id, &mut t) }
    };
    if r != 0 { Err(last_error(vm)) } else { Ok(t.tv_sec * 1_000_000_000 + t.tv_nsec) }
}

fn set_clock(vm: &Vm, id: i32, ns: i64) -> Res<()> {
    // SAFETY: a valid struct.
    if unsafe { libc::clock_settime(id, &timespec(ns)) } != 0 { Err(last_error(vm)) } else { Ok(()) }
}

fn cpu_clock(vm: &Vm, thread: u64) -> Res<i32> {
    let mut id = 0;
    // SAFETY: the caller names a thread of this process.
    let r = unsafe { libc::pthread_getcpuclockid(thread as libc::pthread_t, &mut id) };
    if r != 0 { Err(os_error(vm, r, Value::EMPTY)) } else { Ok(id) }
}

fn seconds_arg(vm: &Vm, v: Value, round: Round) -> Res<i64> {
    if float_of(v).is_none() && type_of(v).special(cape_vm::special::Special::Index).is_empty() {
        return Err(vm.type_error(format!(
            "'{}' object cannot be interpreted as an integer or float",
            type_of(v).name_str()
        )));
    }
    nanoseconds(vm, v, round)
}

fn sleep(vm: &Vm, time: Value) -> Res<()> {
    vm.audit("time.sleep", &[time])?;
    let ns = seconds_arg(vm, time, Round::Up)?;
    if ns < 0 {
        return Err(vm.value_error("sleep length must be non-negative"));
    }
    let until = timespec(monotonic().saturating_add(ns));
    if ns >= crate::pending::IDLE_AFTER {
        crate::pending::idle(vm);
    }
    loop {
        // SAFETY: a valid deadline.
        let r = vm.allow_threads(|| unsafe {
            libc::clock_nanosleep(libc::CLOCK_MONOTONIC, libc::TIMER_ABSTIME, &until, std::ptr::null_mut())
        });
        match r {
            0 => return Ok(()),
            libc::EINTR => vm.poll()?,
            e => return Err(os_error(vm, e, Value::EMPTY)),
        }
    }
}

/// Whole seconds in a number, rounded down.
fn time_t(vm: &Vm, v: Value) -> Res<i64> {
    let too_large = || vm.overflow_error("timestamp out of range for platform time_t");
    if let Some(f) = float_of(v) {
        if f.is_nan() {
            return Err(vm.value_error("Invalid value NaN (not a number)"));
        }
        let f = f.floor();
        if !(-9.2e18..9.2e18).contains(&f) {
            return Err(too_large());
        }
        return Ok(f as i64);
    }
    if type_of(v).special(cape_vm::special::Special::Index).is_empty() {
        return Err(vm.type_error(format!(
            "'{}' object cannot be interpreted as an integer",
            type_of(v).name_str()
        )));
    }
    vm.index_int(v)?.to_i64().ok_or_else(too_large)
}

fn convert(vm: &Vm, when: Option<Value>, utc: bool) -> Res<libc::tm> {
    let t = match when {
        Some(v) if !v.is_none() => time_t(vm, v)?,
        _ => clock(libc::CLOCK_REALTIME).div_euclid(1_000_000_000),
    };
    // SAFETY: valid buffers.
    unsafe {
        let mut tm: libc::tm = std::mem::zeroed();
        let p = if utc { libc::gmtime_r(&t, &mut tm) } else { libc::localtime_r(&t, &mut tm) };
        if p.is_null() {
            let e = errno();
            return Err(os_error(vm, if e == 0 { libc::EINVAL } else { e }, Value::EMPTY));
        }
        Ok(tm)
    }
}

fn broken_down(vm: &Vm, when: Option<Value>, utc: bool) -> Res<Value> {
    let tm = convert(vm, when, utc)?;
    let zone = if utc {
        StrObj::new("UTC")
    } else {
        // SAFETY: the zone's name is static data of the C library.
        unsafe { fsname::from_c(tm.tm_zone) }
    };
    let i = |n: i64| int_value(n);
    Ok(STRUCT_TIME.make(&[
        i(tm.tm_year as i64 + 1900),
        i(tm.tm_mon as i64 + 1),
        i(tm.tm_mday as i64),
        i(tm.tm_hour as i64),
        i(tm.tm_min as i64),
        i(tm.tm_sec as i64),
        i((tm.tm_wday as i64 + 6) % 7),
        i(tm.tm_yday as i64 + 1),
        i(tm.tm_isdst as i64),
        zone.value(),
        i(if utc { 0 } else { tm.tm_gmtoff }),
    ]))
}

/// A C time from a time tuple. `keep` owns the zone's name.
fn tm_of(vm: &Vm, v: Value, function: &str, keep: &mut Option<std::ffi::CString>) -> Res<libc::tm> {
    let Some(t) = v.downcast::<TupleObj>() else {
        return Err(vm.type_error("Tuple or struct_time argument required"));
    };
    if t.len() != 9 {
        return Err(vm.type_error(format!("{function}(): illegal time tuple argument")));
    }
    let mut f = [0i32; 9];
    for (i, n) in f.iter_mut().enumerate() {
        *n = c_int(vm, t.get(i))?;
    }
    // SAFETY: plain C struct.
    let mut tm: libc::tm = unsafe { std::mem::zeroed() };
    tm.tm_year = f[0].checked_sub(1900).ok_or_else(|| vm.overflow_error("year out of range"))?;
    tm.tm_mon = f[1].wrapping_sub(1);
    (tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec) = (f[2], f[3], f[4], f[5]);
    tm.tm_wday = f[6].wrapping_add(1) % 7;
    tm.tm_yday = f[7].wrapping_sub(1);
    tm.tm_isdst = f[8];
    if type_of(v) == STRUCT_TIME.class() {
        let zone = vm.get_attr_str(v, "tm_zone")?;
        if let Some(z) = zone.downcast::<StrObj>() {
            *keep = std::ffi::CString::new(z.to_wtf8().into_owned()).ok();
            tm.tm_zone = keep.as_ref().map_or(std::ptr::null(), |z| z.as_ptr()) as *mut _;
        }
        let off = vm.get_attr_str(v, "tm_gmtoff")?;
        if !off.is_none() {
            tm.tm_gmtoff = i64::from_arg(vm, off, 0)?;
        }
    }
    Ok(tm)
}

/// Checks the ranges of a time tuple; zeros of month and days count as ones.
fn check_tm(vm: &Vm, tm: &mut libc::tm) -> Res<()> {
    if tm.tm_mon == -1 {
        tm.tm_mon = 0;
    }
    if tm.tm_mday == 0 {
        tm.tm_mday = 1;
    }
    if tm.tm_yday == -1 {
        tm.tm_yday = 0;
    }
    let fields = [
        (tm.tm_mon, 0, 11, "month"),
        (tm.tm_mday, 1, 31, "day of month"),
        (tm.tm_hour, 0, 23, "hour"),
        (tm.tm_min, 0, 59, "minute"),
        (tm.tm_sec, 0, 61, "seconds"),
        (tm.tm_wday, 0, 6, "day of week"),
        (tm.tm_yday, 0, 365, "day of year"),
    ];
    for (v, low, high, what) in fields {
        if v < low || v > high {
            return Err(vm.value_error(format!("{what} out of range")));
        }
    }
    Ok(())
}

fn tm_or_now(vm: &Vm, t: Option<Value>, function: &str) -> Res<libc::tm> {
    match t {
        None => convert(vm, None, false),
        Some(v) => {
            let mut keep = None;
            let mut tm = tm_of(vm, v, function, &mut keep)?;
            check_tm(vm, &mut tm)?;
            // The name does not outlive this function; asctime needs none.
            tm.tm_zone = std::ptr::null_mut();
            Ok(tm)
        }
    }
}

fn asctime(tm: &libc::tm) -> String {
    const DAYS: [&str; 7] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    format!(
        "{} {}{:3} {:02}:{:02}:{:02} {}",
        DAYS[tm.tm_wday as usize],
        MONTHS[tm.tm_mon as usize],
        tm.tm_mday,
        tm.tm_hour,
        tm.tm_min,
        tm.tm_sec,
        1900 + tm.tm_year as i64
    )
}

fn mktime(vm: &Vm, t: Value) -> Res<f64> {
    let mut keep = None;
    let mut tm = tm_of(vm, t, "mktime", &mut keep)?;
    // A successful conversion sets the day of the week.
    tm.tm_wday = -1;
    // SAFETY: a valid struct.
    let r = unsafe { libc::mktime(&mut tm) };
    if r == -1 && tm.tm_wday == -1 {
        return Err(vm.overflow_error("mktime argument out of range"));
    }
    Ok(r as f64)
}

fn format_time(vm: &Vm, format: Value, t: Option<Value>) -> Res<Value> {
    let Some(f) = format.downcast::<StrObj>() else {
        return Err(vm.type_error(format!(
            "strftime() argument 1 must be str, not {}",
            type_of(format).name_str()
        )));
    };
    let mut keep = None;
    let mut tm = match t {
        None => convert(vm, None, false)?,
        Some(v) => {
            let mut tm = tm_of(vm, v, "strftime", &mut keep)?;
            check_tm(vm, &mut tm)?;
            tm
        }
    };
    tm.tm_isdst = tm.tm_isdst.clamp(-1, 1);
    // The C function sees the ASCII parts only; the rest is copied.
    let mut out = StrBuilder::new();
    let mut part: Vec<u8> = Vec::new();
    for c in f.chars() {
        if (1..128).contains(&c) {
            part.push(c as u8);
        } else {
            format_part(&mut part, &tm, &mut out);
            out.push(c);
        }
    }
    format_part(&mut part, &tm, &mut out);
    Ok(out.finish().value())
}

fn format_part(part: &mut Vec<u8>, tm: &libc::tm, out: &mut StrBuilder) {
    if part.is_empty() {
        return;
    }
    let format = std::ffi::CString::new(std::mem::take(part)).expect("without NULs");
    let mut buf = vec![0u8; 1024];
    loop {
        // SAFETY: the buffer is as long as said.
        let n = unsafe { strftime(buf.as_mut_ptr() as *mut libc::c_char, buf.len(), format.as_ptr(), tm) };
        // Nothing may also be the right answer: no format expands beyond 256 times its length.
        if n > 0 || buf.len() >= 256 * format.as_bytes().len() {
            out.push_obj(&fsname::decode(&buf[..n]));
            return;
        }
        buf.resize(buf.len() * 2, 0);
    }
}

fn clock_info(vm: &Vm, name: Ptr<StrObj>) -> Res<Value> {
    let Some(&(_, id, constant, steady, adjustable)) = INFOS.iter().find(|i| name.eq_str(i.0)) else {
        return Err(vm.value_error("unknown clock"));
    };
    let ns = vm.call(rt().types.simple_namespace.value(), &[])?;
    let resolution = read_clock(vm, id, true)? as f64 * 1e-9;
    let fields = [
        ("implementation", StrObj::new(&format!("clock_gettime({constant})")).value()),
        ("monotonic", Value::bool(steady)),
        ("adjustable", Value::bool(adjustable)),
        ("resolution", Value::float(resolution)),
    ];
    for (k, v) in fields {
        vm.set_attr(ns, intern(k), v)?;
    }
    Ok(ns)
}
