//! The native modules behind `datetime` and `zoneinfo`.
//!
//! [`objects`] has the layouts, [`calendar`] the arithmetic of days, which knows no objects; then there is a file for each class. What C
//! gets through its capsule is made by [`make`].

mod calendar;
mod date;
mod datetime;
mod datetime_arithmetic;
mod datetime_convert;
mod delta;
mod delta_arithmetic;
mod isoformat;
mod local;
pub mod make;
mod names;
pub mod objects;
mod strftime;
mod text;
mod time;
mod tzinfo;
mod zone;
mod zoneinfo;

use cape_vm::object::{ModuleObj, StrObj};
use cape_vm::{Ptr, Res, Value, Vm, rt};

/// Makes the modules importable.
pub fn register() {
    rt().add_native_module("_datetime", init);
    rt().add_native_module("_zoneinfo", zoneinfo::init);
}

/// Fills `_datetime`.
pub fn init(vm: &Vm, m: Ptr<ModuleObj>) -> Res<()> {
    make_types(vm)?;
    m.add("__doc__", StrObj::new("Fast implementation of the datetime module.").value())
        .add("MINYEAR", Value::int(calendar::MIN_YEAR as i64))
        .add("MAXYEAR", Value::int(calendar::MAX_YEAR as i64));
    let classes = [
        &objects::DATE,
        &objects::DATETIME,
        &objects::TIME,
        &objects::DELTA,
        &objects::TZINFO,
        &objects::TIMEZONE,
    ];
    for class in classes {
        m.class(class.get());
    }
    m.add("UTC", zone::utc().value());
    Ok(())
}

/// Makes the classes, once: C may ask for them before anybody imports the module.
pub fn make_types(vm: &Vm) -> Res<()> {
    if objects::DATE.try_get().is_some() {
        return Ok(());
    }
    delta::make_type();
    tzinfo::make_type();
    zone::make_type(vm)?;
    date::make_type();
    time::make_type();
    datetime::make_type();
    Ok(())
}
