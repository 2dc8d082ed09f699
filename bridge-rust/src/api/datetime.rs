//! What the functions of datetime's capsule do (`bridge-c/datetime.c`).

use std::ffi::c_int;

use cape_datetime::make;
use cape_datetime::objects::DeltaObj;
use cape_vm::object::*;
use cape_vm::{Ptr, Value};

use crate::enter::{Borrowed, CResult, Cx, New};
use crate::layout::PyTypeObject;
use crate::typeready::class_of;

fn date_of(year: c_int, month: c_int, day: c_int) -> make::Day {
    make::Day::new(year, month, day)
}

pub fn _Cape_NewDate(cx: &Cx, year: c_int, month: c_int, day: c_int, t: *mut PyTypeObject) -> CResult<New> {
    cx.give(make::date(cx.vm, class_of(cx.vm, t)?, date_of(year, month, day))?)
}

pub fn _Cape_NewDateTime(cx: &Cx, fields: *const c_int, tz: Borrowed, t: *mut PyTypeObject) -> CResult<New> {
    // SAFETY: bridge-c passes eight numbers.
    let [y, mo, d, h, mi, s, us, fold] = unsafe { *(fields as *const [c_int; 8]) };
    let tz = tz.get(cx)?;
    let clock = make::Clock::new(h, mi, s, us);
    cx.give(make::datetime(cx.vm, class_of(cx.vm, t)?, date_of(y, mo, d), clock, tz, fold)?)
}

pub fn _Cape_NewTime(cx: &Cx, fields: *const c_int, tz: Borrowed, t: *mut PyTypeObject) -> CResult<New> {
    // SAFETY: bridge-c passes five numbers.
    let [h, mi, s, us, fold] = unsafe { *(fields as *const [c_int; 5]) };
    let tz = tz.get(cx)?;
    cx.give(make::time(cx.vm, class_of(cx.vm, t)?, make::Clock::new(h, mi, s, us), tz, fold)?)
}

pub fn _Cape_NewDelta(cx: &Cx, days: c_int, seconds: c_int, us: c_int, t: *mut PyTypeObject) -> CResult<New> {
    cx.give(make::delta(cx.vm, class_of(cx.vm, t)?, days as i64, seconds as i64, us as i64)?)
}

pub fn _Cape_NewTimeZone(cx: &Cx, offset: Borrowed, name: Borrowed) -> CResult<New> {
    let Some(offset) = offset.get(cx)?.downcast::<DeltaObj>() else {
        return Err(cx.vm.type_error("the offset of a timezone must be a timedelta"));
    };
    let name = name.opt(cx)?.unwrap_or(Value::EMPTY);
    cx.give(make::timezone(cx.vm, offset, name)?)
}

fn class_arg(cx: &Cx, class: Borrowed) -> CResult<Ptr<TypeObj>> {
    class.get(cx)?.downcast().ok_or_else(|| cx.vm.type_error("expected a class"))
}

pub fn _Cape_DateTimeFromTimestamp(
    cx: &Cx,
    class: Borrowed,
    args: Borrowed,
    kwargs: Borrowed,
) -> CResult<New> {
    let method = cx.vm.get_attr_str(cape_datetime::objects::DATETIME.get().value(), "__dict__")?;
    let method = cx.vm.get_item(method, cape_vm::intern("fromtimestamp"))?;
    let method = cx.vm.descr_get(method, Value::EMPTY, class_arg(cx, class)?)?;
    let args: Ptr<TupleObj> =
        args.get(cx)?.downcast().ok_or_else(|| cx.vm.type_error("argument list must be a tuple"))?;
    let kwargs = kwargs.opt(cx)?.and_then(|k| k.downcast::<DictObj>());
    cx.give(cx.vm.call_dict(method, args.as_slice(), kwargs)?)
}

pub fn _Cape_DateFromTimestamp(cx: &Cx, class: Borrowed, timestamp: Borrowed) -> CResult<New> {
    let class = class_arg(cx, class)?;
    cx.give(make::date_of_timestamp(cx.vm, class, timestamp.get(cx)?)?)
}
