//! Timestamps, and the local time zone as the C library knows it.

use cape_stdlib::duration::{Round, rounded};
use cape_stdlib::oserror::{errno, os_error, set_errno};
use cape_vm::object::float_of;
use cape_vm::special::Special;
use cape_vm::{Raised, Res, Value, Vm, type_of};

use crate::calendar::{Clock, DAY, Day, EPOCH, MAX_ORDINAL, MAX_YEAR, MIN_YEAR};

/// Seconds in a day, which is more than clocks are ever set back by.
pub const MAX_FOLD: i64 = DAY as i64;

#[cold]
fn out_of_range(vm: &Vm) -> Raised {
    vm.overflow_error("timestamp out of range for platform time_t")
}

/// Whole seconds of a float.
fn whole(vm: &Vm, f: f64) -> Res<i64> {
    if (-9.223372036854775808e18..9.223372036854775808e18).contains(&f) {
        Ok(f as i64)
    } else {
        Err(out_of_range(vm))
    }
}

fn not_nan(vm: &Vm, f: f64) -> Res<f64> {
    if f.is_nan() { Err(vm.value_error("Invalid value NaN (not a number)")) } else { Ok(f) }
}

fn whole_int(vm: &Vm, v: Value) -> Res<i64> {
    vm.index_int(v)?.to_i64().ok_or_else(|| out_of_range(vm))
}

/// A timestamp in whole seconds, rounded down.
pub fn seconds(vm: &Vm, v: Value) -> Res<i64> {
    match float_of(v) {
        Some(f) => whole(vm, not_nan(vm, f)?.floor()),
        None => whole_int(vm, v),
    }
}

/// A timestamp in seconds and microseconds, rounded to the nearest.
pub fn seconds_and_us(vm: &Vm, v: Value) -> Res<(i64, i32)> {
    let Some(f) = float_of(v) else {
        if !v.is_int() && type_of(v).special(Special::Index).is_empty() {
            return Err(vm.type_error(format!(
                "argument must be int or float, not {}",
                cape_vm::class::qualified_name(type_of(v))
            )));
        }
        return Ok((whole_int(vm, v)?, 0));
    };
    let f = not_nan(vm, f)?;
    let mut seconds = f.trunc();
    let mut us = rounded((f - seconds) * 1e6, Round::HalfEven);
    if us >= 1e6 {
        us -= 1e6;
        seconds += 1.0;
    } else if us < 0.0 {
        us += 1e6;
        seconds -= 1.0;
    }
    Ok((whole(vm, seconds)?, us as i32))
}

/// A time broken down by the C library.
pub fn broken_down(vm: &Vm, t: i64, utc: bool) -> Res<libc::tm> {
    // SAFETY: valid buffers.
    unsafe {
        let mut tm: libc::tm = std::mem::zeroed();
        set_errno(0);
        let p = if utc { libc::gmtime_r(&t, &mut tm) } else { libc::localtime_r(&t, &mut tm) };
        if p.is_null() {
            let e = errno();
            return Err(os_error(vm, if e == 0 { libc::EINVAL } else { e }, Value::EMPTY));
        }
        Ok(tm)
    }
}

/// Its day and time; leap seconds are left out.
pub fn parts(tm: &libc::tm) -> (Day, Clock) {
    let day = Day::new(tm.tm_year.wrapping_add(1900), tm.tm_mon + 1, tm.tm_mday);
    (day, Clock::new(tm.tm_hour, tm.tm_min, tm.tm_sec.min(59), 0))
}

/// Day and time of a timestamp in UTC.
pub fn utc(vm: &Vm, t: i64) -> Res<(Day, Clock)> {
    let days = t.div_euclid(DAY as i64) + EPOCH as i64;
    if !(1..=MAX_ORDINAL as i64).contains(&days) {
        return broken_down(vm, t, true).map(|tm| parts(&tm));
    }
    Ok((Day::from_ordinal(days as i32), Clock::of_seconds(t.rem_euclid(DAY as i64) as i32, 0)))
}

/// Seconds from the beginning of 1970 to day and time, as if both were UTC's.
pub fn since_epoch(vm: &Vm, day: Day, clock: Clock) -> Res<i64> {
    if !(MIN_YEAR..=MAX_YEAR).contains(&day.year) {
        return Err(vm.value_error(format!("year must be in {MIN_YEAR}..{MAX_YEAR}, not {}", day.year)));
    }
    Ok((day.ordinal() - EPOCH) as i64 * DAY as i64 + clock.seconds() as i64)
}

/// What local clocks show at `t`, as [`since_epoch`].
fn local(vm: &Vm, t: i64) -> Res<i64> {
    let (day, clock) = parts(&broken_down(vm, t, false)?);
    since_epoch(vm, day, clock)
}

/// Local day and time of a timestamp, and whether clocks show that for the second time.
pub fn local_with_fold(vm: &Vm, t: i64) -> Res<(Day, Clock, bool)> {
    let (day, clock) = parts(&broken_down(vm, t, false)?);
    let shown = since_epoch(vm, day, clock)?;
    let change = shown - local(vm, t - MAX_FOLD)? - MAX_FOLD;
    let fold = change < 0 && local(vm, t + change)? == shown;
    Ok((day, clock, fold))
}

/// When local clocks show day and time: the first or, with a fold, the second time.
pub fn timestamp(vm: &Vm, day: Day, clock: Clock, fold: bool) -> Res<i64> {
    let shown = since_epoch(vm, day, clock)?;
    let a = local(vm, shown)? - shown;
    let first = shown - a;
    let at_first = local(vm, first)?;
    let b = if at_first == shown {
        // It is one; is there an earlier, or a later one?
        let other = if fold { first + MAX_FOLD } else { first - MAX_FOLD };
        let b = local(vm, other)? - other;
        if a == b {
            return Ok(first);
        }
        b
    } else {
        at_first - first
    };
    let second = shown - b;
    if local(vm, second)? == shown {
        return Ok(second);
    }
    if at_first == shown {
        return Ok(first);
    }
    // They never do.
    Ok(if fold { first.min(second) } else { first.max(second) })
}
