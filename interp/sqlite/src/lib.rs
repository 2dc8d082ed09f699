//! `_sqlite3`: databases of SQLite, which is linked in.

mod adapt;
mod backup;
mod blob;
mod connection;
mod constants;
mod cursor;
mod deprecated;
mod error;
mod fetch;
mod functions;
mod handle;
mod locks;
mod row;
mod settings;
mod statement;

use std::ffi::CStr;

use cape_stdlib::warn::warn;
use cape_vm::native::{Flavour, MethodDef, Raw};
use cape_vm::object::*;
use cape_vm::{Ptr, Res, Value, Vm, rt};
use libsqlite3_sys as ffi;

use connection::{CONNECTION, autocommit};
use error::operational;

/// Makes the module importable.
pub fn register() {
    rt().add_native_module("_sqlite3", init);
    cape_stdlib::contents::renewed_by("_sqlite3", |_, m| {
        adapt::renew(m);
        fetch::renew(m);
        Ok(())
    });
}

fn init(vm: &Vm, m: Ptr<ModuleObj>) -> Res<()> {
    // SAFETY: a plain call.
    if unsafe { ffi::sqlite3_initialize() } != ffi::SQLITE_OK {
        return Err(vm.import_error("SQLite cannot be initialised"));
    }
    error::init(m);
    statement::init();
    connection::init(m);
    cursor::init(m);
    row::init(m);
    blob::init(m);
    adapt::init(m);
    fetch::init(m);
    functions::init(m);
    for table in [constants::ERRORS, constants::ACTIONS, constants::LIMITS, constants::OPTIONS] {
        for (name, n) in table {
            m.add(name, Value::int(*n));
        }
    }
    // SAFETY: static text.
    let version = unsafe { CStr::from_ptr(ffi::sqlite3_libversion()) }.to_string_lossy();
    m.add("__doc__", Value::NONE)
        .add("PARSE_DECLTYPES", Value::int(fetch::PARSE_DECLTYPES as i64))
        .add("PARSE_COLNAMES", Value::int(fetch::PARSE_COLNAMES as i64))
        .add("LEGACY_TRANSACTION_CONTROL", Value::int(autocommit::LEGACY as i64))
        .add("sqlite_version", StrObj::new(&version).value())
        .add("threadsafety", Value::int(thread_safety(vm)?));
    m.function(
        "complete_statement($module, /, statement)",
        "Checks if a string contains a complete SQL statement.",
        |vm: &Vm, statement: String| {
            let text = functions::c_text(vm, statement)?;
            // SAFETY: a C string.
            Ok::<bool, cape_vm::Raised>(unsafe { ffi::sqlite3_complete(text.as_ptr()) != 0 })
        },
    );
    let def = MethodDef::leak_foreign(
        "connect",
        "($module, /, database, timeout=5.0, detect_types=0,\n        isolation_level='', check_same_thread=True,\n        factory=ConnectionType, cached_statements=128, uri=False, *,\n        autocommit=sqlite3.LEGACY_TRANSACTION_CONTROL)",
        "Open a connection to the SQLite database file 'database'.\n\nYou can use \":memory:\" to open a database connection to a database that\nresides in RAM instead of on disk.\n\nNote: Passing more than 1 positional argument to _sqlite3.connect() is\ndeprecated. Parameters 'timeout', 'detect_types', 'isolation_level',\n'check_same_thread', 'factory', 'cached_statements' and 'uri' will\nbecome keyword-only parameters in Python 3.15.\n",
        Flavour::Method,
        Raw { call: connect, data: [0, 0] },
    );
    let module = m.get(rt().names.name).unwrap_or(Value::NONE);
    m.add("connect", BuiltinObj::new(def, m.value(), module).value());
    Ok(())
}

/// What DB-API says of how threads may share the module.
fn thread_safety(vm: &Vm) -> Res<i64> {
    // SAFETY: a plain call.
    match unsafe { ffi::sqlite3_threadsafe() } {
        0 => Ok(0),
        1 => Ok(3),
        2 => Ok(1),
        n => Err(operational(
            vm,
            format!("Unable to interpret SQLite threadsafety mode. Got {n}, expected 0, 1, or 2"),
        )),
    }
}

/// Where the class stands among the arguments of `connect()`.
const FACTORY: usize = 5;
const MOST: usize = 8;

fn connect(vm: &Vm, _: &'static MethodDef, args: &[Value], kwnames: Option<Ptr<TupleObj>>) -> Res<Value> {
    // (The module comes first.)
    let args = &args[1..];
    let names = kwnames.map_or(0, |k| k.len());
    let by_position = args.len() - names;
    if (2..=MOST).contains(&by_position) {
        let message = "Passing more than 1 positional argument to sqlite3.connect() is deprecated. Parameters 'timeout', 'detect_types', 'isolation_level', 'check_same_thread', 'factory', 'cached_statements' and 'uri' will become keyword-only parameters in Python 3.15.";
        warn(vm, rt().types.deprecation_warning, message, 1)?;
    }
    let mut factory = CONNECTION.get().value();
    if by_position > FACTORY {
        factory = args[FACTORY];
    } else if let Some(k) = kwnames {
        let named =
            k.as_slice().iter().position(|n| n.downcast::<StrObj>().is_some_and(|n| n.eq_str("factory")));
        if let Some(i) = named {
            factory = args[by_position + i];
        }
    }
    vm.call_args(factory, args, kwnames)
}
