//! Arithmetic of datetimes, and how they compare: by what clocks show within a time zone, by UTC between two.

use std::cmp::Ordering;

use cape_vm::object::{hash_bytes, int_value};
use cape_vm::ops::Cmp;
use cape_vm::{Ptr, Res, Value, Vm, type_of};

use crate::calendar::later;
use crate::delta_arithmetic::difference;
use crate::make::{self, datetime_like};
use crate::objects::{DATETIME, DateTimeObj, DeltaObj};
use crate::{delta, tzinfo};

type D = Ptr<DateTimeObj>;

/// `dt + delta`, or with a `sign` of -1 `dt - delta`; of the same class.
#[inline]
pub fn moved(vm: &Vm, d: D, by: Ptr<DeltaObj>, sign: i64) -> Res<Value> {
    let (days, seconds, us) = by.parts();
    let Some((day, clock)) =
        later(d.day(), d.clock(), sign * days as i64, sign * seconds as i64, sign * us as i64)
    else {
        return Err(vm.overflow_error("date value out of range"));
    };
    let map = d.header().map();
    if map == DATETIME.get().instance_map() {
        return Ok(DateTimeObj::new(map, day, clock, d.tz(), 0).value());
    }
    datetime_like(vm, type_of(d.value()), day, clock, d.tz(), 0)
}

/// Either operand being the timedelta.
pub fn add(vm: &Vm, a: D, b: Value) -> Res<Value> {
    b.downcast::<DeltaObj>().map_or(Ok(Value::NOT_IMPLEMENTED), |by| moved(vm, a, by, 1))
}

/// `a - b`.
pub fn sub(vm: &Vm, a: D, b: Value) -> Res<Value> {
    if let Some(by) = b.downcast::<DeltaObj>() {
        return moved(vm, a, by, -1);
    }
    match b.downcast::<DateTimeObj>() {
        Some(b) => between(vm, a, b),
        None => Ok(Value::NOT_IMPLEMENTED),
    }
}

/// `b - a`.
pub fn rsub(vm: &Vm, a: D, b: Value) -> Res<Value> {
    match b.downcast::<DateTimeObj>() {
        Some(b) => between(vm, b, a),
        None => Ok(Value::NOT_IMPLEMENTED),
    }
}

fn offset(vm: &Vm, d: D) -> Res<Option<Ptr<DeltaObj>>> {
    tzinfo::utcoffset(vm, d.tz(), d.value())
}

/// The time from `b` to `a`.
pub fn between(vm: &Vm, a: D, b: D) -> Res<Value> {
    let (x, y) = if a.tz() == b.tz() { (None, None) } else { (offset(vm, a)?, offset(vm, b)?) };
    if x.is_some() != y.is_some() {
        return Err(vm.type_error("can't subtract offset-naive and offset-aware datetimes"));
    }
    let days = if a.day() == b.day() { 0 } else { (a.day().ordinal() - b.day().ordinal()) as i64 };
    let seconds = (a.clock().seconds() - b.clock().seconds()) as i64;
    let shown = make::exact_delta(vm, days, seconds, (a.clock().us - b.clock().us) as i64)?;
    match (x, y) {
        (Some(x), Some(y)) if delta::order(x, y) != Ordering::Equal => {
            let offsets = difference(vm, x, y)?;
            let (Some(shown), Some(offsets)) = (shown.downcast(), offsets.downcast()) else {
                return Ok(shown);
            };
            difference(vm, shown, offsets)
        }
        _ => Ok(shown),
    }
}

/// Whether a datetime's offset depends on its fold: such equal none of another time zone.
fn depends_on_fold(vm: &Vm, d: D, offset_now: Ptr<DeltaObj>) -> Res<bool> {
    let other = DateTimeObj::new(d.header().map(), d.day(), d.clock(), d.tz(), 1 - d.fold());
    Ok(offset(vm, other)?.is_none_or(|o| delta::order(o, offset_now) != Ordering::Equal))
}

/// Rich comparisons.
pub fn compare(vm: &Vm, a: D, b: Value, c: Cmp) -> Res<Value> {
    let Some(b) = b.downcast::<DateTimeObj>() else { return Ok(Value::NOT_IMPLEMENTED) };
    if a.tz() == b.tz() {
        return Ok(Value::bool(c.of(a.key().cmp(&b.key()))));
    }
    let (x, y) = match (offset(vm, a)?, offset(vm, b)?) {
        (None, None) => return Ok(Value::bool(c.of(a.key().cmp(&b.key())))),
        (Some(x), Some(y)) => (x, y),
        _ => {
            return match c {
                Cmp::Eq => Ok(Value::FALSE),
                Cmp::Ne => Ok(Value::TRUE),
                _ => Err(vm.type_error("can't compare offset-naive and offset-aware datetimes")),
            };
        }
    };
    let mut order = if delta::order(x, y) == Ordering::Equal {
        a.key().cmp(&b.key())
    } else {
        // (By a subtraction, the offsets are asked once more.)
        let d = between(vm, a, b)?;
        d.downcast::<DeltaObj>().map_or(Ordering::Equal, |d| d.parts().cmp(&(0, 0, 0)))
    };
    if matches!(c, Cmp::Eq | Cmp::Ne)
        && order == Ordering::Equal
        && (depends_on_fold(vm, a, x)? || depends_on_fold(vm, b, y)?)
    {
        order = Ordering::Greater;
    }
    Ok(Value::bool(c.of(order)))
}

/// `hash()`: of aware ones, that of the time since the calendar began, in UTC.
pub fn hash(vm: &Vm, d: D) -> Res<Value> {
    if d.hash.get() == -1 {
        // Where there is a fold, both of its times have the hash of the first.
        let first = match d.fold() {
            0 => d,
            _ => DateTimeObj::new(d.header().map(), d.day(), d.clock(), d.tz(), 0),
        };
        let hash = match offset(vm, first)? {
            None => hash_bytes(&d.data()),
            Some(offset) => {
                let utc = make::exact_delta(
                    vm,
                    (d.day().ordinal() - offset.days) as i64,
                    (d.clock().seconds() - offset.seconds) as i64,
                    (d.clock().us - offset.us) as i64,
                )?;
                vm.hash(utc)?
            }
        };
        d.hash.set(hash);
    }
    Ok(int_value(d.hash.get()))
}
