//! Making objects from numbers, with the checks that constructors make; for the constructors themselves, and for C.

use cape_stdlib::c_int::c_int;
use cape_vm::object::{BytesObj, StrObj, TupleObj, TypeObj, int_value};
use cape_vm::{Ptr, Raised, Res, Value, Vm};

pub use crate::calendar::{Clock, Day};
use crate::calendar::{DAY, MAX_YEAR, MIN_YEAR, carry, days_in_month};
use crate::names;
use crate::objects::{
    DATE, DATETIME, DELTA, DateObj, DateTimeObj, DeltaObj, TIME, TZINFO, TimeObj, TimezoneObj, is_instance,
    type_name,
};

/// The largest number of days of a timedelta, and the negative of the smallest.
pub const MAX_DELTA_DAYS: i64 = 999_999_999;

#[cold]
fn bad_day(vm: &Vm, d: Day) -> Raised {
    vm.value_error(if !(MIN_YEAR..=MAX_YEAR).contains(&d.year) {
        format!("year must be in {MIN_YEAR}..{MAX_YEAR}, not {}", d.year)
    } else if !(1..=12).contains(&d.month) {
        format!("month must be in 1..12, not {}", d.month)
    } else {
        let last = days_in_month(d.year, d.month);
        format!("day {} must be in range 1..{last} for month {} in year {}", d.day, d.month, d.year)
    })
}

/// Raises where there is no such day.
#[inline]
pub fn check_day(vm: &Vm, d: Day) -> Res<()> {
    let exists = (MIN_YEAR..=MAX_YEAR).contains(&d.year)
        && (1..=12).contains(&d.month)
        && d.day >= 1
        && (d.day <= 28 || d.day <= days_in_month(d.year, d.month));
    if exists { Ok(()) } else { Err(bad_day(vm, d)) }
}

#[cold]
fn bad_clock(vm: &Vm, c: Clock, fold: i32) -> Raised {
    for (name, n, max) in [
        ("hour", c.hour, 23),
        ("minute", c.minute, 59),
        ("second", c.second, 59),
        ("microsecond", c.us, 999_999),
    ] {
        if !(0..=max).contains(&n) {
            return vm.value_error(format!("{name} must be in 0..{max}, not {n}"));
        }
    }
    vm.value_error(format!("fold must be either 0 or 1, not {fold}"))
}

/// Raises where there is no such time.
#[inline]
pub fn check_clock(vm: &Vm, c: Clock, fold: i32) -> Res<()> {
    let within = |n: i32, max: i32| (0..=max).contains(&n);
    let exists = within(c.hour, 23)
        && within(c.minute, 59)
        && within(c.second, 59)
        && within(c.us, 999_999)
        && within(fold, 1);
    if exists { Ok(()) } else { Err(bad_clock(vm, c, fold)) }
}

/// Raises where the time zone is none.
#[inline]
pub fn check_tz(vm: &Vm, tz: Value) -> Res<()> {
    if tz.is_none() || tz.is::<TimezoneObj>() || is_instance(tz, &TZINFO) {
        return Ok(());
    }
    Err(vm.type_error(format!(
        "tzinfo argument must be None or of a tzinfo subclass, not type '{}'",
        type_name(tz)
    )))
}

/// A `date` of class `cls`, whose constructor is not called.
pub fn date(vm: &Vm, cls: Ptr<TypeObj>, day: Day) -> Res<Value> {
    check_day(vm, day)?;
    Ok(DateObj::new(cls.instance_map(), day).value())
}

/// A `datetime` of class `cls`, whose constructor is not called.
#[inline]
pub fn datetime(vm: &Vm, cls: Ptr<TypeObj>, day: Day, clock: Clock, tz: Value, fold: i32) -> Res<Value> {
    check_day(vm, day)?;
    check_clock(vm, clock, fold)?;
    check_tz(vm, tz)?;
    Ok(DateTimeObj::new(cls.instance_map(), day, clock, tz, fold as u8).value())
}

/// A `time` of class `cls`, whose constructor is not called.
pub fn time(vm: &Vm, cls: Ptr<TypeObj>, clock: Clock, tz: Value, fold: i32) -> Res<Value> {
    check_clock(vm, clock, fold)?;
    check_tz(vm, tz)?;
    Ok(TimeObj::new(cls.instance_map(), clock, tz, fold as u8).value())
}

/// A `timedelta` of class `cls`, whose constructor is not called, of parts that need not be normal.
#[inline]
pub fn delta(vm: &Vm, cls: Ptr<TypeObj>, days: i64, seconds: i64, us: i64) -> Res<Value> {
    let (mut days, mut seconds, mut us) = (days, seconds, us);
    carry(&mut seconds, &mut us, 1_000_000);
    carry(&mut days, &mut seconds, DAY as i64);
    if !(-MAX_DELTA_DAYS..=MAX_DELTA_DAYS).contains(&days) {
        return Err(vm.overflow_error(format!("days={days}; must have magnitude <= {MAX_DELTA_DAYS}")));
    }
    if days == 0 && seconds == 0 && us == 0 && cls == DELTA.get() {
        return Ok(crate::delta::zero().value());
    }
    Ok(DeltaObj::new(cls.instance_map(), days as i32, seconds as i32, us as i32).value())
}

/// A `timedelta` of exact type.
#[inline]
pub fn exact_delta(vm: &Vm, days: i64, seconds: i64, us: i64) -> Res<Value> {
    delta(vm, DELTA.get(), days, seconds, us)
}

/// A `timedelta` of so many microseconds.
pub fn delta_of(vm: &Vm, cls: Ptr<TypeObj>, us: i128) -> Res<Value> {
    const US_PER_DAY: i128 = DAY as i128 * 1_000_000;
    let (days, us) = (us.div_euclid(US_PER_DAY), us.rem_euclid(US_PER_DAY) as i64);
    let Ok(days) = i32::try_from(days) else {
        return Err(vm.overflow_error("Python int too large to convert to C int"));
    };
    delta(vm, cls, days as i64, us / 1_000_000, us % 1_000_000)
}

/// `timezone(offset, name)`; the name, a str, is EMPTY when there is none.
pub fn timezone(vm: &Vm, offset: Ptr<DeltaObj>, name: Value) -> Res<Value> {
    crate::zone::new(vm, offset, name)
}

/// `date.fromtimestamp(timestamp)` of a class.
pub fn date_of_timestamp(vm: &Vm, cls: Ptr<TypeObj>, timestamp: Value) -> Res<Value> {
    crate::date::from_timestamp(vm, cls, timestamp)
}

/// An instance of `cls`, which is `date`, `datetime`, or is called.
pub fn date_like(vm: &Vm, cls: Ptr<TypeObj>, day: Day) -> Res<Value> {
    if cls == DATE.get() {
        return date(vm, cls, day);
    }
    if cls == DATETIME.get() {
        return datetime(vm, cls, day, Clock::default(), Value::NONE, 0);
    }
    vm.call(
        cls.value(),
        &[int_value(day.year as i64), int_value(day.month as i64), int_value(day.day as i64)],
    )
}

fn call_with_fold(vm: &Vm, cls: Ptr<TypeObj>, args: &mut [Value], fold: i32) -> Res<Value> {
    let (last, positional) = args.split_last_mut().expect("room for the fold");
    if fold == 0 {
        return vm.call(cls.value(), positional);
    }
    *last = Value::int(fold as i64);
    vm.call_args(cls.value(), args, Some(TupleObj::new(&[names::FOLD.get()])))
}

/// An instance of `cls`, which is `datetime` or is called.
#[inline]
pub fn datetime_like(vm: &Vm, cls: Ptr<TypeObj>, day: Day, clock: Clock, tz: Value, fold: i32) -> Res<Value> {
    if cls == DATETIME.get() {
        return datetime(vm, cls, day, clock, tz, fold);
    }
    let i = |n: i32| Value::int(n as i64);
    let mut args = [
        i(day.year),
        i(day.month),
        i(day.day),
        i(clock.hour),
        i(clock.minute),
        i(clock.second),
        i(clock.us),
        tz,
        tz,
    ];
    call_with_fold(vm, cls, &mut args, fold)
}

/// An instance of `cls`, which is `time` or is called.
pub fn time_like(vm: &Vm, cls: Ptr<TypeObj>, clock: Clock, tz: Value, fold: i32) -> Res<Value> {
    if cls == TIME.get() {
        return time(vm, cls, clock, tz, fold);
    }
    let i = |n: i32| Value::int(n as i64);
    let mut args = [i(clock.hour), i(clock.minute), i(clock.second), i(clock.us), tz, tz];
    call_with_fold(vm, cls, &mut args, fold)
}

/// An argument that is an int of C; `default` when it is left out.
#[inline(always)]
pub fn int_or(vm: &Vm, v: Value, default: i32) -> Res<i32> {
    if v.is_int()
        && let Ok(n) = i32::try_from(v.as_int())
    {
        return Ok(n);
    }
    if v.is_empty() { Ok(default) } else { c_int(vm, v) }
}

/// As [`int_or`], for a required argument, number `i` of a constructor that has no name.
#[inline(always)]
pub fn required(vm: &Vm, v: Value, name: &str, i: usize) -> Res<i32> {
    if v.is_empty() {
        return Err(vm.type_error(format!("function missing required argument '{name}' (pos {i})")));
    }
    int_or(vm, v, 0)
}

/// The bytes of a pickled object, if `v` can be that: `sane` says so of the one at `at`. Pickles of Python 2 have them in a str.
pub fn pickled<const N: usize>(
    vm: &Vm,
    v: Value,
    what: &str,
    at: usize,
    sane: impl Fn(u32) -> bool,
) -> Res<Option<[u8; N]>> {
    if let Some(b) = v.downcast::<BytesObj>() {
        let data: Option<[u8; N]> = b.as_slice().try_into().ok();
        return Ok(data.filter(|d| sane(d[at] as u32)));
    }
    let Some(s) = v.downcast::<StrObj>().filter(|s| s.len() == N && sane(s.char_at(at))) else {
        return Ok(None);
    };
    let mut data = [0; N];
    for (b, c) in data.iter_mut().zip(s.chars()) {
        *b = u8::try_from(c).map_err(|_| {
            vm.value_error(format!(
                "Failed to encode latin1 string when unpickling a {what} object. pickle.load(data, encoding='latin1') is \
                 assumed."
            ))
        })?;
    }
    Ok(Some(data))
}

/// The time zone of a pickled object, None when it is left out.
pub fn pickled_tz(vm: &Vm, tz: Value) -> Res<Value> {
    if tz.is_empty() || tz.is_none() {
        return Ok(Value::NONE);
    }
    if is_instance(tz, &TZINFO) { Ok(tz) } else { Err(vm.type_error("bad tzinfo state arg")) }
}

/// The argument of a function that parses it by itself must be a str.
pub fn str_argument(vm: &Vm, v: Value, function: &str, i: usize) -> Res<Ptr<StrObj>> {
    v.downcast().ok_or_else(|| {
        let got = if v.is_none() { "None".to_string() } else { type_name(v) };
        vm.type_error(format!("{function}() argument {i} must be str, not {got}"))
    })
}
