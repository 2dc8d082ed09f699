//! Instances of the classes of the module `datetime`, which is written in Python: their structs have CPython's fields, for the
//! macros of `datetime.h`. The fields are copies of `__slots__`, which do not change once an instance is made.

use cape_vm::object::*;
use cape_vm::runtime::rt;
use cape_vm::{Ptr, Res, Value, Vm, intern};

use crate::layout::PyObject;
use crate::to_c::to_c_borrowed;

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

const _: () = assert!(size_of::<Date>() == 32 && size_of::<Time>() == 40);
const _: () = assert!(size_of::<DateTime>() == 48 && size_of::<Delta>() == 40);

#[derive(Clone, Copy)]
enum Class {
    Date,
    Time,
    DateTime,
    Delta,
}

const CLASSES: [(&str, Class, usize); 4] = [
    ("datetime.date", Class::Date, size_of::<Date>()),
    ("datetime.time", Class::Time, size_of::<Time>()),
    ("datetime.datetime", Class::DateTime, size_of::<DateTime>()),
    ("datetime.timedelta", Class::Delta, size_of::<Delta>()),
];
/// Of the module's other classes the structs hold nothing that C reads, and `timezone` has no name in C.
const OTHERS: [&str; 2] = ["datetime.tzinfo", "datetime.timezone"];

fn is_called(t: Ptr<TypeObj>, name: &str) -> bool {
    let (module, name) = name.split_once('.').unwrap_or(("", name));
    let in_module = || t.dict().get_str(rt().names.module).and_then(|m| m.downcast::<StrObj>());
    t.name_str() == name && !t.has(TypeFlags::FOREIGN) && in_module().is_some_and(|m| m.eq_str(module))
}

fn row(t: Ptr<TypeObj>) -> Option<&'static (&'static str, Class, usize)> {
    CLASSES.iter().find(|r| is_called(t, r.0))
}

/// `tp_basicsize` of a class of the module.
pub fn size(t: Ptr<TypeObj>) -> Option<isize> {
    row(t).map(|r| r.2 as isize)
}

/// `tp_name` of a class of the module, which is a static type in CPython.
pub fn full_name(t: Ptr<TypeObj>) -> Option<&'static str> {
    row(t).map(|r| r.0).or_else(|| OTHERS.into_iter().find(|name| is_called(t, name)))
}

/// Writes into the struct of an instance of one of the classes, or of one below, what the slots hold. Others are left alone; slots that
/// are not set yet are zero.
///
/// # Safety
/// `p` must be the object's struct.
pub unsafe fn show(vm: &Vm, v: Value, p: *mut PyObject) -> Res<()> {
    let t = cape_vm::type_of(v);
    let mro = t.mro();
    let class = mro.as_slice().iter().filter_map(|c| c.downcast::<TypeObj>()).find_map(row);
    let Some(&(_, class, _)) = class else { return Ok(()) };
    let number = |name: &str| -> Res<i32> {
        let n = vm.get_attr_opt(v, intern(name))?.and_then(Int::of).and_then(|n| n.to_i64());
        Ok(n.unwrap_or(0) as i32)
    };
    let date = || -> Res<[u8; 4]> {
        let [high, low] = (number("_year")? as u16).to_be_bytes();
        Ok([high, low, number("_month")? as u8, number("_day")? as u8])
    };
    let time = || -> Res<[u8; 6]> {
        let [_, a, b, c] = number("_microsecond")?.to_be_bytes();
        Ok([number("_hour")? as u8, number("_minute")? as u8, number("_second")? as u8, a, b, c])
    };
    // The slot holds it, so a borrowed reference lives as long as the object.
    let tzinfo = || -> Res<*mut PyObject> {
        match vm.get_attr_opt(v, intern("_tzinfo"))? {
            Some(z) if !z.is_none() => to_c_borrowed(vm, z),
            _ => Ok(std::ptr::null_mut()),
        }
    };
    // SAFETY: the caller's promise: the struct is of its class's size.
    unsafe {
        match class {
            Class::Date => {
                let o = p as *mut Date;
                (*o).hashcode = -1;
                (*o).data = date()?;
            }
            Class::Time => {
                let o = p as *mut Time;
                (*o).hashcode = -1;
                (*o).data = time()?;
                (*o).fold = number("_fold")? as u8;
                (*o).tzinfo = tzinfo()?;
                (*o).hastzinfo = !(*o).tzinfo.is_null() as u8;
            }
            Class::DateTime => {
                let o = p as *mut DateTime;
                (*o).hashcode = -1;
                let (date, time) = (date()?, time()?);
                let data = &mut (*o).data;
                data[..4].copy_from_slice(&date);
                data[4..].copy_from_slice(&time);
                (*o).fold = number("_fold")? as u8;
                (*o).tzinfo = tzinfo()?;
                (*o).hastzinfo = !(*o).tzinfo.is_null() as u8;
            }
            Class::Delta => {
                let o = p as *mut Delta;
                (*o).hashcode = -1;
                (*o).days = number("_days")?;
                (*o).seconds = number("_seconds")?;
                (*o).microseconds = number("_microseconds")?;
            }
        }
    }
    Ok(())
}
