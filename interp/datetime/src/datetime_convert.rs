//! Datetimes from timestamps, clocks and texts, and from one time zone to another.

use cape_stdlib::duration::clock as read_clock;
use cape_vm::native::TypeBuilder;
use cape_vm::object::{StrBuilder, StrObj, TypeObj};
use cape_vm::{Ptr, Res, Value, Vm, rt};

use crate::calendar::{Clock, DAY, Day, EPOCH};
use crate::datetime_arithmetic::moved;
use crate::make::{check_tz, datetime_like};
use crate::objects::{AnyDate, DateTimeObj, TimeObj, type_name};
use crate::{date, delta_arithmetic, isoformat, local, make, names, tzinfo, zone};

type D = Ptr<DateTimeObj>;
type Cls = Ptr<TypeObj>;

/// Adds the class methods.
pub fn add_class_methods(t: TypeBuilder) {
    t.class_method(
        "now($type, /, tz=None)",
        "Returns new datetime object representing current time local to tz.\n\n  tz\n    Timezone object.\n\nIf no tz is specified, uses local timezone.",
        |vm: &Vm, cls: Cls, tz: Value| {
            let tz = if tz.is_empty() { Value::NONE } else { tz };
            check_tz(vm, tz)?;
            let ns = read_clock(libc::CLOCK_REALTIME);
            in_zone(vm, cls, ns.div_euclid(1_000_000_000), (ns.rem_euclid(1_000_000_000) / 1000) as i32, tz)
        },
    )
    .class_method("utcnow($type, /)", "Return a new datetime representing UTC day and time.", |vm: &Vm, cls: Cls| {
        vm.warn(
            rt().types.deprecation_warning,
            "datetime.datetime.utcnow() is deprecated and scheduled for removal in a future version. Use timezone-aware \
             objects to represent datetimes in UTC: datetime.datetime.now(datetime.UTC).",
        )?;
        let ns = read_clock(libc::CLOCK_REALTIME);
        let (day, clock) = local::utc(vm, ns.div_euclid(1_000_000_000))?;
        let us = (ns.rem_euclid(1_000_000_000) / 1000) as i32;
        datetime_like(vm, cls, day, Clock { us, ..clock }, Value::NONE, 0)
    })
    .class_method(
        "fromtimestamp($type, /, timestamp, tz=None)",
        "timestamp[, tz] -> tz's local time from POSIX timestamp.",
        of_timestamp,
    )
    .class_method(
        "utcfromtimestamp($type, timestamp, /)",
        "Construct a naive UTC datetime from a POSIX timestamp.",
        |vm: &Vm, cls: Cls, timestamp: Value| {
            vm.warn(
                rt().types.deprecation_warning,
                "datetime.datetime.utcfromtimestamp() is deprecated and scheduled for removal in a future version. Use \
                 timezone-aware objects to represent datetimes in UTC: datetime.datetime.fromtimestamp(timestamp, \
                 datetime.UTC).",
            )?;
            let (seconds, us) = local::seconds_and_us(vm, timestamp)?;
            let (day, clock) = local::utc(vm, seconds)?;
            datetime_like(vm, cls, day, Clock { us, ..clock }, Value::NONE, 0)
        },
    )
    .class_method(
        "strptime($type, string, format, /)",
        "string, format -> new datetime parsed from a string (like time.strptime()).",
        |vm: &Vm, cls: Value, s: Value, format: Value| {
            date::strptime(vm, "_strptime_datetime_datetime", cls, s, format)
        },
    )
    .class_method(
        "combine($type, /, date, time, tzinfo=<unrepresentable>)",
        "date, time -> datetime with same date and time fields",
        combine,
    )
    .class_method(
        "fromisoformat($type, object, /)",
        "string -> datetime from a string in most ISO 8601 formats",
        from_isoformat,
    );
}

/// Adds the methods.
pub fn add_methods(t: TypeBuilder) {
    t.method(
        "timetuple($self, /)",
        "Return time tuple, compatible with time.localtime().",
        |vm: &Vm, d: D| {
            let dst = tzinfo::dst(vm, d.tz(), d.value())?;
            Ok::<Value, cape_vm::Raised>(date::time_tuple(
                d.day(),
                d.clock(),
                dst.map_or(-1, |dst| !dst.is_zero() as i32),
            ))
        },
    )
    .method("timestamp($self, /)", "Return POSIX timestamp as float.", timestamp)
    .method(
        "utctimetuple($self, /)",
        "Return UTC time tuple, compatible with time.localtime().",
        |vm: &Vm, d: D| {
            let mut utc = d;
            if let Some(offset) = tzinfo::utcoffset(vm, d.tz(), d.value())? {
                let moved = moved(vm, d, offset, -1)?;
                utc = moved.downcast().unwrap_or(d);
            }
            Ok::<Value, cape_vm::Raised>(date::time_tuple(utc.day(), utc.clock(), 0))
        },
    )
    .method(
        "astimezone($self, /, tz=None)",
        "tz -> convert to local time in new timezone tz\n",
        astimezone,
    );
}

/// The datetime of a timestamp, in a time zone or, where that is None, local time.
fn in_zone(vm: &Vm, cls: Cls, seconds: i64, us: i32, tz: Value) -> Res<Value> {
    if tz.is_none() {
        let (day, clock, fold) = local::local_with_fold(vm, seconds)?;
        return datetime_like(vm, cls, day, Clock { us, ..clock }, tz, fold as i32);
    }
    let (day, clock) = local::utc(vm, seconds)?;
    let utc = datetime_like(vm, cls, day, Clock { us, ..clock }, tz, 0)?;
    if tz == zone::utc().value() && cls == crate::objects::DATETIME.get() {
        return Ok(utc);
    }
    vm.call_method(tz, names::FROMUTC.get(), &[utc])
}

/// `datetime.fromtimestamp(timestamp, tz)`; `tz` may be EMPTY.
pub fn of_timestamp(vm: &Vm, cls: Cls, timestamp: Value, tz: Value) -> Res<Value> {
    let tz = if tz.is_empty() { Value::NONE } else { tz };
    check_tz(vm, tz)?;
    let (seconds, us) = local::seconds_and_us(vm, timestamp)?;
    in_zone(vm, cls, seconds, us, tz)
}

fn combine(vm: &Vm, cls: Cls, day: Value, time: Value, tz: Option<Value>) -> Res<Value> {
    let wrong = |i: usize, class: &str, v: Value| {
        let got = if v.is_none() { "None".to_string() } else { type_name(v) };
        vm.type_error(format!("combine() argument {i} must be datetime.{class}, not {got}"))
    };
    let day = AnyDate::of(day).ok_or_else(|| wrong(1, "date", day))?;
    let time = time.downcast::<TimeObj>().ok_or_else(|| wrong(2, "time", time))?;
    datetime_like(vm, cls, day.day(), time.clock(), tz.unwrap_or(time.tz()), time.fold() as i32)
}

fn is_surrogate(c: u32) -> bool {
    (0xd800..0xe000).contains(&c)
}

fn from_isoformat(vm: &Vm, cls: Cls, text: Value) -> Res<Value> {
    let s = isoformat::argument(vm, text)?;
    if s.len() < 7 {
        return Err(isoformat::invalid(vm, s));
    }
    if let Some(ascii) = s.as_ascii() {
        return parse(vm, cls, ascii.as_bytes(), s);
    }
    // Any character may separate day and time, even one that is no text.
    let mut clean = s;
    if let Some(at) = [7, 8, 10].into_iter().find(|&i| i < s.len() && is_surrogate(s.char_at(i))) {
        let mut out = StrBuilder::new();
        s.chars().enumerate().for_each(|(i, c)| out.push(if i == at { b'T' as u32 } else { c }));
        clean = out.finish();
    }
    let utf8 = clean.to_utf8().ok_or_else(|| isoformat::invalid(vm, s))?;
    parse(vm, cls, utf8.as_bytes(), s)
}

fn parse(vm: &Vm, cls: Cls, text: &[u8], s: Ptr<StrObj>) -> Res<Value> {
    let bad = |_| isoformat::invalid(vm, s);
    let separator = isoformat::separator(text).map_err(bad)?;
    let mut day = isoformat::day(text, separator).map_err(bad)?;
    if text.len() <= separator {
        return datetime_like(vm, cls, day, Clock::default(), Value::NONE, 0);
    }
    let width = match text[separator] {
        0..0x80 => 1,
        0xe0..0xf0 => 3,
        0xf0.. => 4,
        _ => 2,
    };
    let time = isoformat::time(text.get(separator + width..).unwrap_or_default()).map_err(bad)?;
    let tz = time.tz(vm)?;
    let (clock, next_day) = time.midnight(vm)?;
    if next_day {
        make::check_day(vm, day)?;
        day = Day::from_ordinal(day.ordinal() + 1);
    }
    datetime_like(vm, cls, day, clock, tz, 0)
}

fn timestamp(vm: &Vm, d: D) -> Res<f64> {
    if d.tz().is_none() {
        let seconds = local::timestamp(vm, d.day(), d.clock(), d.fold() != 0)?;
        return Ok(seconds as f64 + d.clock().us as f64 / 1e6);
    }
    let Some(offset) = tzinfo::utcoffset(vm, d.tz(), d.value())? else {
        return Err(vm.type_error("can't subtract offset-naive and offset-aware datetimes"));
    };
    let seconds = (d.day().ordinal() - EPOCH) as i64 * DAY as i64 + d.clock().seconds() as i64;
    let us = seconds as i128 * 1_000_000 + d.clock().us as i128 - offset.microseconds();
    delta_arithmetic::divide(vm, us, 1_000_000)
}

/// The local time zone at a timestamp, under the name that it has then.
fn local_zone(vm: &Vm, t: i64) -> Res<Value> {
    let tm = local::broken_down(vm, t, false)?;
    let offset = make::exact_delta(vm, 0, tm.tm_gmtoff, 0)?;
    // SAFETY: the zone's name is static data of the C library, copied at once.
    let name = unsafe { cape_stdlib::fsname::from_c(tm.tm_zone) };
    zone::new(vm, offset.downcast().expect("a timedelta"), name.value())
}

/// The local time zone when clocks show what a naive datetime says.
fn zone_of_local(vm: &Vm, d: D) -> Res<Value> {
    let fold = d.fold() != 0;
    let t = local::timestamp(vm, d.day(), d.clock(), fold)?;
    let other = local::timestamp(vm, d.day(), d.clock(), !fold)?;
    // In a gap, the offset before it counts.
    let gap = other != t && (other > t) == fold;
    local_zone(vm, if gap { other } else { t })
}

fn astimezone(vm: &Vm, d: D, tz: Value) -> Res<Value> {
    let tz = if tz.is_empty() { Value::NONE } else { tz };
    check_tz(vm, tz)?;
    let mut own = d.tz();
    if own.is_none() {
        own = zone_of_local(vm, d)?;
    }
    if own == tz {
        return Ok(d.value());
    }
    let offset = match tzinfo::utcoffset(vm, own, d.value())? {
        Some(offset) => offset,
        None => {
            own = zone_of_local(vm, d)?;
            if own == tz {
                return Ok(d.value());
            }
            tzinfo::utcoffset(vm, own, d.value())?.expect("offset of a timezone")
        }
    };
    let result = moved(vm, d, offset, -1)?;
    let Some(utc) = result.downcast::<DateTimeObj>() else {
        return Err(vm.type_error(format!("expected a datetime, not '{}'", type_name(result))));
    };
    let mut tz = tz;
    if tz.is_none() {
        tz = local_zone(vm, local::since_epoch(vm, utc.day(), utc.clock())?)?;
    }
    // The object is new (of a class below, its constructor may have shown it to C).
    utc.tzinfo.set(utc, tz);
    utc.hash.set(-1);
    cape_vm::foreign::changed(utc.header());
    vm.call_method(tz, names::FROMUTC.get(), &[result])
}
