//! Exceptions, and SQLite's errors.

use std::ffi::{CStr, c_int};

use cape_vm::native::new_type;
use cape_vm::object::*;
use cape_vm::runtime::StaticType;
use cape_vm::{Ptr, Raised, Value, Vm, intern, rt};
use libsqlite3_sys as ffi;

use crate::constants;

/// The exceptions: name, and base among those before it.
pub static CLASSES: [(&str, &str, StaticType); 10] = [
    ("Warning", "", StaticType::new()),
    ("Error", "", StaticType::new()),
    ("InterfaceError", "Error", StaticType::new()),
    ("DatabaseError", "Error", StaticType::new()),
    ("DataError", "DatabaseError", StaticType::new()),
    ("OperationalError", "DatabaseError", StaticType::new()),
    ("IntegrityError", "DatabaseError", StaticType::new()),
    ("InternalError", "DatabaseError", StaticType::new()),
    ("ProgrammingError", "DatabaseError", StaticType::new()),
    ("NotSupportedError", "DatabaseError", StaticType::new()),
];

/// The exception of this name.
pub fn class(name: &str) -> Ptr<TypeObj> {
    CLASSES.iter().find(|c| c.0 == name).expect("a name in the table").2.get()
}

/// Makes the exceptions.
pub fn init(m: Ptr<ModuleObj>) {
    for (name, base, to) in &CLASSES {
        let base = if base.is_empty() { rt().types.exception } else { class(base) };
        let full: &'static str = Box::leak(format!("sqlite3.{name}").into_boxed_str());
        let t = new_type::<ExcObj>(full, base, TypeFlags::BASE | TypeFlags::HAS_WEAKREF).class();
        t.clear_flag(TypeFlags::IMMUTABLE);
        to.set(t);
        m.add(name, t.value());
    }
}

/// A raised `ProgrammingError`.
#[cold]
pub fn programming(vm: &Vm, message: impl AsRef<str>) -> Raised {
    vm.new_exc(class("ProgrammingError"), message.as_ref())
}

/// A raised `OperationalError`.
#[cold]
pub fn operational(vm: &Vm, message: impl AsRef<str>) -> Raised {
    vm.new_exc(class("OperationalError"), message.as_ref())
}

/// A raised `DataError`.
#[cold]
pub fn data(vm: &Vm, message: impl AsRef<str>) -> Raised {
    vm.new_exc(class("DataError"), message.as_ref())
}

/// A raised `MemoryError`.
#[cold]
pub fn no_memory(vm: &Vm) -> Raised {
    vm.new_exc_args(rt().types.memory_error, &[])
}

/// An error that SQLite has reported.
pub struct Error {
    /// The primary code.
    pub code: c_int,
    extended: c_int,
    message: String,
}

impl Error {
    /// The last one of a database.
    ///
    /// # Safety
    /// The database must be one, closed or not, or null.
    #[cold]
    pub unsafe fn of(db: *mut ffi::sqlite3) -> Error {
        // SAFETY: the caller's promise; the message is copied before anything else is done with the database by this thread.
        unsafe {
            let message = CStr::from_ptr(ffi::sqlite3_errmsg(db)).to_string_lossy().into_owned();
            Error {
                code: ffi::sqlite3_errcode(db) & 0xff,
                extended: ffi::sqlite3_extended_errcode(db),
                message,
            }
        }
    }

    /// As [`Error::of`], of a call that gave `rc`, which the database may not have noted.
    ///
    /// # Safety
    /// As for [`Error::of`].
    #[cold]
    pub unsafe fn of_call(db: *mut ffi::sqlite3, rc: c_int) -> Error {
        // SAFETY: the caller's promise.
        let e = unsafe { Error::of(db) };
        if e.code == ffi::SQLITE_OK { Error::of_code(rc) } else { e }
    }

    /// The error of this code.
    #[cold]
    pub fn of_code(rc: c_int) -> Error {
        // SAFETY: static text.
        let message = unsafe { CStr::from_ptr(ffi::sqlite3_errstr(rc)) }.to_string_lossy().into_owned();
        Error { code: rc & 0xff, extended: rc, message }
    }

    /// Whether somebody has a lock.
    pub fn is_locked(&self) -> bool {
        matches!(self.code, ffi::SQLITE_BUSY | ffi::SQLITE_LOCKED)
    }

    /// The exception for it.
    #[cold]
    pub fn raise(&self, vm: &Vm) -> Raised {
        let name = match self.code {
            ffi::SQLITE_NOMEM => return no_memory(vm),
            ffi::SQLITE_INTERNAL | ffi::SQLITE_NOTFOUND => "InternalError",
            ffi::SQLITE_ERROR
            | ffi::SQLITE_PERM
            | ffi::SQLITE_ABORT
            | ffi::SQLITE_BUSY
            | ffi::SQLITE_LOCKED
            | ffi::SQLITE_READONLY
            | ffi::SQLITE_INTERRUPT
            | ffi::SQLITE_IOERR
            | ffi::SQLITE_FULL
            | ffi::SQLITE_CANTOPEN
            | ffi::SQLITE_PROTOCOL
            | ffi::SQLITE_EMPTY
            | ffi::SQLITE_SCHEMA => "OperationalError",
            ffi::SQLITE_TOOBIG => "DataError",
            ffi::SQLITE_CONSTRAINT | ffi::SQLITE_MISMATCH => "IntegrityError",
            ffi::SQLITE_MISUSE | ffi::SQLITE_RANGE => "InterfaceError",
            _ => "DatabaseError",
        };
        let raised = vm.new_exc(class(name), &self.message);
        let known = constants::ERRORS.iter().find(|(_, code)| *code == self.extended as i64);
        let name = intern(known.map_or("unknown", |(name, _)| name));
        for (attribute, v) in
            [("sqlite_errorcode", Value::int(self.extended as i64)), ("sqlite_errorname", name)]
        {
            if let Err(other) = vm.set_attr(raised.value(), intern(attribute), v) {
                return other;
            }
        }
        raised
    }
}
