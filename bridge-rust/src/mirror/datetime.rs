//! Instances of the classes of the module `datetime`: their structs have CPython's fields, for the macros of `datetime.h`. The objects
//! do not change, so what is shown once stays right; and the module's capsule.

use cape_datetime::objects::*;
use cape_heap::{HeapObject, MapRef};
use cape_vm::object::*;
use cape_vm::runtime::{StaticType, rt};
use cape_vm::{Ptr, Res, Value, Vm};

use crate::ffi;
use crate::from_c::{from_c, take_over};
use crate::layout::{PyObject, PyTypeObject};
use crate::to_c::to_c;

/// `PyDateTime_Date`.
#[repr(C)]
struct Date {
    ob_base: PyObject,
    hashcode: isize,
    hastzinfo: u8,
    data: [u8; 4],
}

/// `PyDateTime_Time`.
#[repr(C)]
struct Time {
    ob_base: PyObject,
    hashcode: isize,
    hastzinfo: u8,
    data: [u8; 6],
    fold: u8,
    tzinfo: *mut PyObject,
}

/// `PyDateTime_DateTime`.
#[repr(C)]
struct DateTime {
    ob_base: PyObject,
    hashcode: isize,
    hastzinfo: u8,
    data: [u8; 10],
    fold: u8,
    tzinfo: *mut PyObject,
}

/// `PyDateTime_Delta`.
#[repr(C)]
struct Delta {
    ob_base: PyObject,
    hashcode: isize,
    days: i32,
    seconds: i32,
    microseconds: i32,
}

/// `PyDateTime_TimeZone`, which no header shows.
#[repr(C)]
struct TimeZone {
    ob_base: PyObject,
    offset: *mut PyObject,
    name: *mut PyObject,
}

const _: () = assert!(size_of::<Date>() == 32 && size_of::<Time>() == 40);
const _: () = assert!(size_of::<DateTime>() == 48 && size_of::<Delta>() == 40 && size_of::<TimeZone>() == 32);

/// In the order of `cape_datetime_types` (bridge-c/datetime.c).
const CLASSES: [&StaticType; 6] = [&DATE, &DATETIME, &TIME, &DELTA, &TZINFO, &TIMEZONE];

/// The static type of a class of the module.
pub fn static_type(t: Ptr<TypeObj>) -> Option<*mut PyTypeObject> {
    let i = CLASSES.iter().position(|c| c.try_get() == Some(t))?;
    // SAFETY: the array has as many types.
    Some(unsafe { (&raw mut ffi::cape_datetime_types as *mut PyTypeObject).add(i) })
}

/// Whether a type is one of them itself.
pub fn is_static(t: *mut PyTypeObject) -> bool {
    let first = &raw const ffi::cape_datetime_types as usize;
    (t as usize).wrapping_sub(first) < size_of::<[PyTypeObject; CLASSES.len()]>()
}

/// Writes into the struct of an instance of one of the classes, or of one below, what it holds; false for others.
///
/// # Safety
/// `p` must be the object's struct.
pub unsafe fn show(vm: &Vm, v: Value, p: *mut PyObject) -> Res<bool> {
    // SAFETY: the caller's promise: the struct is of its class's size.
    unsafe {
        if let Some(d) = v.downcast::<DateTimeObj>() {
            let o = p as *mut DateTime;
            (*o).hashcode = -1;
            (*o).data = d.data();
            (*o).fold = d.fold();
            (*o).tzinfo = super::shown(vm, d, &d.tzinfo)?;
            (*o).hastzinfo = !(*o).tzinfo.is_null() as u8;
        } else if let Some(d) = v.downcast::<DateObj>() {
            let o = p as *mut Date;
            (*o).hashcode = -1;
            (*o).data = d.data();
        } else if let Some(d) = v.downcast::<DeltaObj>() {
            let o = p as *mut Delta;
            (*o).hashcode = -1;
            ((*o).days, (*o).seconds, (*o).microseconds) = d.parts();
        } else if let Some(t) = v.downcast::<TimeObj>() {
            let o = p as *mut Time;
            (*o).hashcode = -1;
            (*o).data = t.data();
            (*o).fold = t.fold();
            (*o).tzinfo = super::shown(vm, t, &t.tzinfo)?;
            (*o).hastzinfo = !(*o).tzinfo.is_null() as u8;
        } else if let Some(z) = v.downcast::<TimezoneObj>() {
            let o = p as *mut TimeZone;
            (*o).offset = super::shown(vm, z, &z.offset)?;
            (*o).name = super::shown(vm, z, &z.name)?;
        } else {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The managed side of a struct that C allocated and filled in itself. `None`: its class has another layout.
///
/// # Safety
/// `p` must be a live object of the class of that map.
pub unsafe fn managed_for(vm: &Vm, p: *mut PyObject, map: MapRef) -> Res<Option<Value>> {
    let is = |k: &'static cape_heap::KindInfo| std::ptr::eq(map.kind(), k);
    // What the struct owned is shown from now on.
    let zone = |has: u8, place: &mut *mut PyObject| {
        if has == 0 || place.is_null() {
            return Ok(Value::NONE);
        }
        take_over(vm, std::mem::replace(place, std::ptr::null_mut()))
    };
    // SAFETY: the class's layout says what the struct holds.
    let v = unsafe {
        if is(DateTimeObj::kind()) {
            let o = p as *mut DateTime;
            let tz = zone((*o).hastzinfo, &mut (*o).tzinfo)?;
            DateTimeObj::from_data(map, (*o).data, tz, (*o).fold).value()
        } else if is(DateObj::kind()) {
            DateObj::from_data(map, (*(p as *mut Date)).data).value()
        } else if is(TimeObj::kind()) {
            let o = p as *mut Time;
            let tz = zone((*o).hastzinfo, &mut (*o).tzinfo)?;
            TimeObj::from_data(map, (*o).data, tz, (*o).fold).value()
        } else if is(DeltaObj::kind()) {
            let o = p as *mut Delta;
            DeltaObj::new(map, (*o).days, (*o).seconds, (*o).microseconds).value()
        } else {
            return Ok(None);
        }
    };
    // SAFETY: the struct is of the object's class.
    unsafe { show(vm, v, p)? };
    Ok(Some(v))
}

/// Fills `_datetime`. Its capsule, which needs the bridge, is made when somebody asks for it.
fn init(vm: &Vm, m: Ptr<ModuleObj>) -> Res<()> {
    cape_datetime::init(vm, m)?;
    m.function("__getattr__(name, /)", "", |vm: &Vm, name: Ptr<StrObj>| -> Res<Value> {
        if !name.eq_str("datetime_CAPI") {
            let text = format!("module '_datetime' has no attribute '{}'", name.display());
            return Err(vm.attribute_error(text));
        }
        capsule(vm)
    });
    Ok(())
}

/// The module's capsule, which is the module's attribute from now on.
fn capsule(vm: &Vm) -> Res<Value> {
    crate::start(vm)?;
    let module = vm.import_module("_datetime")?;
    for class in CLASSES {
        super::types::type_to_c(vm, class.get())?;
    }
    let utc = to_c(vm, vm.get_attr_str(module, "UTC")?)?;
    // SAFETY: the reference is the capsule's for ever.
    let capsule = unsafe { ffi::cape_datetime_capsule(utc) };
    if capsule.is_null() {
        return Err(vm.memory_error(""));
    }
    let capsule = from_c(vm, capsule)?;
    vm.set_attr(module, cape_vm::intern("datetime_CAPI"), capsule)?;
    Ok(capsule)
}

/// Makes the module importable, with its capsule.
pub fn register() {
    cape_datetime::register();
    rt().add_native_module("_datetime", init);
}
