//! `tzinfo`, and what its instances are asked.

use cape_heap::HeapObject;
use cape_vm::foreign::{ForeignObj, foreign};
use cape_vm::native::new_type;
use cape_vm::object::{DictObj, InstanceObj, StrObj, TupleObj, TypeFlags, TypeObj};
use cape_vm::{Ptr, Raised, Res, Value, Vm, rt, type_of};

use crate::names::{self, Name};
use crate::objects::{DateTimeObj, DeltaObj, TZINFO, TimezoneObj, type_name};
use crate::{datetime_arithmetic, delta_arithmetic, zoneinfo};

/// Makes the class.
pub fn make_type() {
    let t = new_type::<InstanceObj>("datetime.tzinfo", rt().types.object, TypeFlags::BASE);
    TZINFO.set(t.class());
    t.doc("Abstract base class for time zone info objects.")
        .new_fn(
            "__new__($type, *args, **kwargs)",
            "Create and return a new object.  See help(type) for accurate signature.",
            new,
        )
        .method(
            "tzname($self, object, /)",
            "datetime -> string name of time zone.",
            |vm: &Vm, _: Value, _: Value| missing(vm, &names::TZNAME),
        )
        .method(
            "utcoffset($self, object, /)",
            "datetime -> timedelta showing offset from UTC, negative values indicating West of UTC",
            |vm: &Vm, _: Value, _: Value| missing(vm, &names::UTCOFFSET),
        )
        .method(
            "dst($self, object, /)",
            "datetime -> DST offset as timedelta positive east of UTC.",
            |vm: &Vm, _: Value, _: Value| missing(vm, &names::DST),
        )
        .method("fromutc($self, object, /)", "datetime in UTC -> datetime in local time.", fromutc)
        .method("__reduce__($self, /)", "-> (cls, state)", reduce);
}

/// An instance of any class below: what the arguments mean is that class's business.
fn new(vm: &Vm, cls: Ptr<TypeObj>, _: Ptr<TupleObj>, _: Ptr<DictObj>) -> Res<Value> {
    if std::ptr::eq(cls.kind.get(), ForeignObj::kind()) {
        return foreign().new_instance(vm, cls);
    }
    Ok(InstanceObj::new(cls.instance_map()).value())
}

fn missing(vm: &Vm, name: &Name) -> Res<()> {
    Err(vm.not_implemented_error(format!("a tzinfo subclass must implement {}()", name.text())))
}

/// The timedelta that a time zone's method gives, if it gives one: at most a day. `tz` may be None.
fn ask(vm: &Vm, tz: Value, name: &Name, about: Value) -> Res<Option<Ptr<DeltaObj>>> {
    if tz.is_none() {
        return Ok(None);
    }
    let r = vm.call_method(tz, name.get(), &[about])?;
    if r.is_none() {
        return Ok(None);
    }
    let Some(d) = r.downcast::<DeltaObj>() else {
        return Err(vm.type_error(format!(
            "tzinfo.{}() must return None or timedelta, not '{}'",
            name.text(),
            type_name(r)
        )));
    };
    if !is_offset(d) {
        return Err(no_offset(vm, d));
    }
    Ok(Some(d))
}

/// Says that a timedelta is no offset.
#[cold]
pub fn no_offset(vm: &Vm, d: Ptr<DeltaObj>) -> Raised {
    match vm.repr_str(d.value()) {
        Ok(text) => vm.value_error(format!(
            "offset must be a timedelta strictly between -timedelta(hours=24) and timedelta(hours=24), not {text}"
        )),
        Err(e) => e,
    }
}

/// Whether it is less than a day.
pub fn is_offset(d: Ptr<DeltaObj>) -> bool {
    match d.days {
        0 => true,
        -1 => d.seconds != 0 || d.us != 0,
        _ => false,
    }
}

/// `tz.utcoffset(about)`, checked; `tz` may be None.
#[inline]
pub fn utcoffset(vm: &Vm, tz: Value, about: Value) -> Res<Option<Ptr<DeltaObj>>> {
    match tz.downcast::<TimezoneObj>() {
        Some(z) => Ok(Some(z.delta())),
        None => match zoneinfo::utcoffset_at_once(tz, about) {
            Some(d) => Ok(Some(d)),
            None => ask(vm, tz, &names::UTCOFFSET, about),
        },
    }
}

/// `tz.dst(about)`, checked; `tz` may be None.
pub fn dst(vm: &Vm, tz: Value, about: Value) -> Res<Option<Ptr<DeltaObj>>> {
    if tz.is::<TimezoneObj>() { Ok(None) } else { ask(vm, tz, &names::DST, about) }
}

/// `tz.tzname(about)`: a str or None.
pub fn tzname(vm: &Vm, tz: Value, about: Value) -> Res<Value> {
    if tz.is_none() {
        return Ok(Value::NONE);
    }
    let r = vm.call_method(tz, names::TZNAME.get(), &[about])?;
    if r.is_none() || r.is::<StrObj>() {
        return Ok(r);
    }
    Err(vm.type_error(format!("tzinfo.tzname() must return None or a string, not '{}'", type_name(r))))
}

/// The argument of a `fromutc()`, which must be a datetime of that time zone.
pub fn of_zone(vm: &Vm, tz: Value, dt: Value) -> Res<Ptr<DateTimeObj>> {
    let Some(dt) = dt.downcast::<DateTimeObj>() else {
        return Err(vm.type_error("fromutc: argument must be a datetime"));
    };
    if dt.tz() != tz {
        return Err(vm.value_error("fromutc: dt.tzinfo is not self"));
    }
    Ok(dt)
}

fn fromutc(vm: &Vm, tz: Value, dt: Value) -> Res<Value> {
    let dt = of_zone(vm, tz, dt)?;
    let wanted =
        |what: &str| -> Raised { vm.value_error(format!("fromutc: non-None {what}() result required")) };
    let offset = utcoffset(vm, dt.tz(), dt.value())?.ok_or_else(|| wanted("utcoffset"))?;
    let summer = dst(vm, dt.tz(), dt.value())?.ok_or_else(|| wanted("dst"))?;
    let standard = delta_arithmetic::difference(vm, offset, summer)?;
    let standard: Ptr<DeltaObj> = standard.downcast().expect("a timedelta");
    let result = datetime_arithmetic::moved(vm, dt, standard, 1)?;
    let summer = dst(vm, dt.tz(), result)?
        .ok_or_else(|| vm.value_error("fromutc: tz.dst() gave inconsistent results; cannot convert"))?;
    match result.downcast::<DateTimeObj>() {
        Some(dt) if !summer.is_zero() => datetime_arithmetic::moved(vm, dt, summer, 1),
        _ => Ok(result),
    }
}

/// Classes below say by `__getinitargs__` what they are made of.
fn reduce(vm: &Vm, tz: Value) -> Res<Value> {
    let args = match vm.get_attr_opt(tz, names::GETINITARGS.get())? {
        Some(f) => vm.call(f, &[])?,
        None => rt().empty_tuple().value(),
    };
    let state = vm.call_method(tz, names::GETSTATE.get(), &[])?;
    Ok(TupleObj::new(&[type_of(tz).value(), args, state]).value())
}
