//! `timezone`: a fixed offset.

use cape_heap::{Field, Header, heap};
use cape_stdlib::statics::StaticValue;
use cape_vm::native::new_type;
use cape_vm::object::{StrObj, TupleObj};
use cape_vm::ops::Cmp;
use cape_vm::{Ptr, Res, Value, Vm};

use crate::objects::{DateTimeObj, DeltaObj, TIMEZONE, TZINFO, TimezoneObj, type_name};
use crate::text::Text;
use crate::{datetime_arithmetic, delta, make, tzinfo};

type Z = Ptr<TimezoneObj>;

static UTC: StaticValue = StaticValue::shared();

/// `timezone.utc`.
#[inline]
pub fn utc() -> Z {
    UTC.try_get().and_then(|v| v.downcast()).expect("the class was made")
}

/// Makes the class.
pub fn make_type(vm: &Vm) -> Res<()> {
    let t = new_type::<TimezoneObj>("datetime.timezone", TZINFO.get(), 0);
    TIMEZONE.set(t.class());
    UTC.set(alloc(delta::zero(), Value::EMPTY).value());
    t.doc("Fixed offset from UTC implementation of tzinfo.")
        .new_fn(
            "__new__(type, offset, name=<unrepresentable>)",
            "Create and return a new object.  See help(type) for accurate signature.",
            |vm: &Vm, _: Value, offset: Value, name: Value| {
                let named = |v: Value| if v.is_none() { "None".to_string() } else { type_name(v) };
                let Some(d) = offset.downcast::<DeltaObj>() else {
                    return Err(vm.type_error(format!(
                        "timezone() argument 1 must be datetime.timedelta, not {}",
                        named(offset)
                    )));
                };
                if !name.is_empty() && !name.is::<StrObj>() {
                    return Err(
                        vm.type_error(format!("timezone() argument 2 must be str, not {}", named(name)))
                    );
                }
                new(vm, d, name)
            },
        )
        .method("__repr__($self, /)", "Return repr(self).", repr)
        .method("__hash__($self, /)", "Return hash(self).", |vm: &Vm, z: Z| delta::hash(vm, z.delta()))
        .method("__str__($self, /)", "Return str(self).", |_: &Vm, z: Z| name(z));
    cape_builtins::rich_comparisons!(t, Z, compare);
    t.method(
        "tzname($self, object, /)",
        "If name is specified when timezone is created, returns the name.  Otherwise returns offset as 'UTC(+|-)HH:MM'.",
        |vm: &Vm, z: Z, dt: Value| checked(vm, dt, "tzname").map(|()| name(z)),
    )
    .method("utcoffset($self, object, /)", "Return fixed offset.", |vm: &Vm, z: Z, dt: Value| {
        checked(vm, dt, "utcoffset").map(|()| z.delta())
    })
    .method("dst($self, object, /)", "Return None.", |vm: &Vm, _: Z, dt: Value| checked(vm, dt, "dst"))
    .method("fromutc($self, object, /)", "datetime in UTC -> datetime in local time.", |vm: &Vm, z: Z, dt: Value| {
        let dt = tzinfo::of_zone(vm, z.value(), dt)?;
        datetime_arithmetic::moved(vm, dt, z.delta(), 1)
    })
    .method("__getinitargs__($self, /)", "pickle support", |_: &Vm, z: Z| {
        let parts = [z.offset.get(), z.name.get()];
        TupleObj::new(&parts[..1 + !z.name.get().is_empty() as usize])
    });
    let minutes = 23 * 60 + 59;
    t.attribute("utc", utc().value())
        .attribute("min", of_seconds(vm, -minutes * 60, 0)?)
        .attribute("max", of_seconds(vm, minutes * 60, 0)?);
    Ok(())
}

fn alloc(offset: Ptr<DeltaObj>, name: Value) -> Z {
    let map = TIMEZONE.get().instance_map();
    let (offset, name) = (Field::new(offset.value()), Field::new(name));
    heap().alloc(map, TimezoneObj { header: Header::new(map), offset, name })
}

/// `timezone(offset, name)`; the name is EMPTY when there is none, then `timezone.utc` is the one without offset.
pub fn new(vm: &Vm, offset: Ptr<DeltaObj>, name: Value) -> Res<Value> {
    if name.is_empty() && offset.is_zero() {
        return Ok(utc().value());
    }
    if !tzinfo::is_offset(offset) {
        return Err(tzinfo::no_offset(vm, offset));
    }
    Ok(alloc(offset, name).value())
}

/// The time zone so far from UTC.
pub fn of_seconds(vm: &Vm, seconds: i64, us: i64) -> Res<Value> {
    let offset = make::exact_delta(vm, 0, seconds, us)?;
    new(vm, offset.downcast().expect("a timedelta"), Value::EMPTY)
}

fn checked(vm: &Vm, dt: Value, method: &str) -> Res<()> {
    if dt.is_none() || dt.is::<DateTimeObj>() {
        return Ok(());
    }
    Err(vm.type_error(format!(
        "{method}(dt) argument must be a datetime instance or None, not {}",
        type_name(dt)
    )))
}

fn compare(_: &Vm, a: Z, b: Value, c: Cmp) -> Value {
    match (c, b.downcast::<TimezoneObj>()) {
        (Cmp::Eq | Cmp::Ne, Some(b)) => Value::bool(c.of(delta::order(a.delta(), b.delta()))),
        _ => Value::NOT_IMPLEMENTED,
    }
}

fn repr(vm: &Vm, z: Z) -> Res<String> {
    if z == utc() {
        return Ok("datetime.timezone.utc".to_string());
    }
    let offset = vm.repr_str(z.offset.get())?;
    match z.name.get() {
        n if n.is_empty() => Ok(format!("datetime.timezone({offset})")),
        n => Ok(format!("datetime.timezone({offset}, {})", vm.repr_str(n)?)),
    }
}

/// Its name: that which it was given, else one that tells the offset.
pub fn name(z: Z) -> Value {
    if !z.name.get().is_empty() {
        return z.name.get();
    }
    let mut text = Text::new();
    b"UTC".iter().for_each(|&b| text.push(b));
    if !z.delta().is_zero() {
        text.offset(z.delta(), true);
    }
    text.finish().value()
}
