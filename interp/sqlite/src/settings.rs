//! What can be set and asked of a connection: limits, options, extensions.

use std::ffi::{CStr, c_int};
use std::ptr;

use cape_vm::native::TypeBuilder;
use cape_vm::object::*;
use cape_vm::{Res, Value, Vm, intern, type_of};
use libsqlite3_sys as ffi;

use crate::connection::{self, Conn, check_open, open_db, usable};
use crate::constants;
use crate::error::{operational, programming};
use crate::functions::{c_text, checked};
use crate::handle::run;

/// Adds the methods of connections.
pub fn methods(b: TypeBuilder) -> TypeBuilder {
    b.method("interrupt($self, /)", "Abort any pending database operation.", |vm: &Vm, c: Conn| {
        let db = open_db(vm, c)?;
        // SAFETY: an open database; any thread may do this.
        unsafe { ffi::sqlite3_interrupt(db) };
        Ok::<(), cape_vm::Raised>(())
    })
    .method(
        "setlimit($self, category, limit, /)",
        "Set connection run-time limits.\n\n  category\n    The limit category to be set.\n  limit\n    The new limit. If the new limit is a negative number, the limit\n    is unchanged.\n\nAttempts to increase a limit above its hard upper bound are silently\ntruncated to the hard upper bound. Regardless of whether or not the\nlimit was changed, the prior value of the limit is returned.",
        set_limit,
    )
    .method(
        "getlimit($self, category, /)",
        "Get connection run-time limits.\n\n  category\n    The limit category to be queried.",
        |vm: &Vm, c: Conn, category: i32| set_limit(vm, c, category, -1),
    )
    .method(
        "setconfig($self, op, enable=True, /)",
        "Set a boolean connection configuration option.\n\n  op\n    The configuration verb; one of the sqlite3.SQLITE_DBCONFIG codes.",
        |vm: &Vm, c: Conn, op: i32, enable: Option<bool>| {
            let enable = enable.unwrap_or(true);
            let now = config(vm, c, op, enable as c_int)?;
            if now == enable { Ok(()) } else { Err(operational(vm, "Unable to set config")) }
        },
    )
    .method(
        "getconfig($self, op, /)",
        "Query a boolean connection configuration option.\n\n  op\n    The configuration verb; one of the sqlite3.SQLITE_DBCONFIG codes.",
        |vm: &Vm, c: Conn, op: i32| config(vm, c, op, -1),
    )
    .method(
        "enable_load_extension($self, enable, /)",
        "Enable dynamic loading of SQLite extension modules.",
        |vm: &Vm, c: Conn, enable: bool| {
            vm.audit("sqlite3.enable_load_extension", &[c.value(), Value::bool(enable)])?;
            let db = usable(vm, c)?;
            // SAFETY: an open database.
            let rc = run(vm, c, || unsafe { ffi::sqlite3_enable_load_extension(db, enable as c_int) });
            if rc == ffi::SQLITE_OK { Ok(()) } else { Err(operational(vm, "Error enabling load extension")) }
        },
    )
    .method("load_extension($self, name, /, *, entrypoint=None)", "Load SQLite extension module.", load)
    .method(
        "iterdump($self, /, *, filter=None)",
        "Returns iterator to the dump of the database in an SQL text format.\n\n  filter\n    An optional LIKE pattern for database objects to dump",
        |vm: &Vm, c: Conn, filter: Option<Value>| {
            check_open(vm, c)?;
            let module = vm.import_module("sqlite3.dump")?;
            let Some(dump) = vm.get_attr_opt(module, intern("_iterdump"))? else {
                return Err(operational(vm, "Failed to obtain _iterdump() reference"));
            };
            let args = [c.value(), filter.unwrap_or(Value::NONE)];
            vm.call_args(dump, &args, Some(TupleObj::new(&[intern("filter")])))
        },
    )
}

fn set_limit(vm: &Vm, c: Conn, category: i32, limit: i32) -> Res<i32> {
    usable(vm, c)?;
    match connection::limit(vm, c, category, limit)? {
        ..0 => Err(programming(vm, "'category' is out of bounds")),
        old => Ok(old),
    }
}

/// Sets an option, or with -1 leaves it as it is; how it is then.
fn config(vm: &Vm, c: Conn, op: i32, enable: c_int) -> Res<bool> {
    let db = usable(vm, c)?;
    if !constants::OPTIONS.iter().any(|o| o.1 == op as i64) {
        return Err(vm.value_error(format!("unknown config 'op': {op}")));
    }
    let mut now: c_int = 0;
    // SAFETY: each of these options takes an int and a place for one.
    checked(vm, c, db, || unsafe { ffi::sqlite3_db_config(db, op, enable, &raw mut now) })?;
    Ok(now != 0)
}

fn load(vm: &Vm, c: Conn, name: String, entry: Option<Value>) -> Res<()> {
    let told = StrObj::new(&name).value();
    let name = c_text(vm, name)?;
    let entry = match entry.filter(|e| !e.is_none()) {
        None => None,
        Some(e) => {
            let text = e.downcast::<StrObj>().ok_or_else(|| {
                let got = type_of(e).name_str();
                vm.type_error(format!(
                    "load_extension() argument 'entrypoint' must be str or None, not {got}"
                ))
            })?;
            Some(c_text(vm, vm.utf8(text)?)?)
        }
    };
    vm.audit("sqlite3.load_extension", &[c.value(), told])?;
    let db = usable(vm, c)?;
    let message = run(vm, c, || {
        let mut message = ptr::null_mut();
        // SAFETY: C strings; the message is ours to free.
        unsafe {
            let entry = entry.as_ref().map_or(ptr::null(), |e| e.as_ptr());
            if ffi::sqlite3_load_extension(db, name.as_ptr(), entry, &mut message) == ffi::SQLITE_OK {
                return None;
            }
            if message.is_null() {
                return Some("unable to load the extension".to_owned());
            }
            let text = CStr::from_ptr(message).to_string_lossy().into_owned();
            ffi::sqlite3_free(message as *mut _);
            Some(text)
        }
    });
    match message {
        None => Ok(()),
        Some(text) => Err(operational(vm, text)),
    }
}
