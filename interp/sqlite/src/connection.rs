//! `sqlite3.Connection`.

use std::cell::{Cell, RefCell};
use std::ffi::{CStr, CString, c_int};
use std::ptr;
use std::sync::atomic::Ordering;

use cape_heap::{Field, Header, Native, heap, heap_object};
use cape_stdlib::fsname::fsencode;
use cape_stdlib::warn::{unraisable_message, warn_source};
use cape_vm::native::{FromArg, Named, TypeBuilder, new_type};
use cape_vm::object::*;
use cape_vm::runtime::StaticType;
use cape_vm::{Ptr, Raised, Res, Value, Vm, gil, intern, rt, type_of};
use libsqlite3_sys as ffi;

use crate::cursor::{self, CursorObj};
use crate::error::{self, Error, programming};
use crate::handle::{self, Alone, Handle, Shared, unlocked};
use crate::locks::{reclaim, run_waiting};
use crate::{deprecated, statement};

heap_object! {
    /// A connection. `kept` is a list: what SQLite refers to by its place. `cache` gives statements for their text. `raised` is what a
    /// callback has raised that the caller is to get, or None.
    pub struct ConnectionObj {
        pub handle: Native<RefCell<Option<Handle>>>,
        pub kept: Field,
        pub cache: Field,
        pub row_factory: Field,
        pub text_factory: Field,
        pub raised: Field,
        initialized: Cell<bool>,
        pub same_thread: Cell<bool>,
        thread: Cell<u64>,
        pub detect_types: Cell<i32>,
        /// An index into [`LEVELS`], or -1 for None.
        pub isolation: Cell<i32>,
        pub autocommit: Cell<i32>,
    } [drop]
}

impl Named for ConnectionObj {
    const NAME: &'static str = "sqlite3.Connection";
}

/// A connection.
pub type Conn = Ptr<ConnectionObj>;

/// `sqlite3.Connection`.
pub static CONNECTION: StaticType = StaticType::new();

/// How transactions may be begun.
const LEVELS: [&str; 4] = ["", "DEFERRED", "IMMEDIATE", "EXCLUSIVE"];

/// Values of `autocommit`.
pub mod autocommit {
    pub const LEGACY: i32 = -1;
    pub const OFF: i32 = 0;
    pub const ON: i32 = 1;
}

const POSITIONAL: &str = " is deprecated. Parameters 'timeout', 'detect_types', 'isolation_level', 'check_same_thread', 'factory', 'cached_statements' and 'uri' will become keyword-only parameters in Python 3.15.";

/// Makes the class.
pub fn init(m: Ptr<ModuleObj>) {
    let b = new_type::<ConnectionObj>("sqlite3.Connection", rt().types.object, TypeFlags::BASE)
        .doc("SQLite database connection object.")
        .new_fn("__new__(type, /, *args, **kwargs)", "Create and return a new object.  See help(type) for accurate signature.", new)
        .def(deprecated::positional(
            "__init__($self, /, database, timeout=5.0, detect_types=0, isolation_level='', check_same_thread=True, factory=None, cached_statements=128, uri=False, *, autocommit=-1)",
            "Initialize self.  See help(type(self)) for accurate signature.",
            "Connection",
            Box::leak(format!("Passing more than 1 positional argument to _sqlite3.Connection(){POSITIONAL}").into_boxed_str()),
            open,
        ))
        .method("__del__($self, /)", "Called when the instance is about to be destroyed.", finalize)
        .method("__call__($self, /, *args, **kwargs)", "Call self as a function.", call)
        .getter("__text_signature__", "", |_: &Vm, _: Conn| "(sql, /)")
        .method(
            "__enter__($self, /)",
            "Called when the connection is used as a context manager.\n\nReturns itself as a convenience to the caller.",
            |vm: &Vm, c: Conn| check_open(vm, c).map(|()| c),
        )
        .method(
            "__exit__($self, type, value, traceback, /)",
            "Called when the connection is used as a context manager.\n\nIf there was any exception, a rollback takes place; otherwise we\ncommit.",
            exit,
        )
        .method("cursor($self, /, factory=<unrepresentable>)", "Return a cursor for the connection.", make_cursor)
        .method("close($self, /)", "Close the database connection.\n\nAny pending transaction is not committed implicitly.", close)
        .method("commit($self, /)", "Commit any pending transaction to the database.\n\nIf there is no open transaction, this method is a no-op.", commit)
        .method(
            "rollback($self, /)",
            "Roll back to the start of any pending transaction.\n\nIf there is no open transaction, this method is a no-op.",
            rollback,
        )
        .method("execute($self, sql, parameters=(), /)", "Executes an SQL statement.", |vm: &Vm, c: Conn, sql: Ptr<StrObj>, p: Option<Value>| {
            cursor::execute(vm, own_cursor(vm, c)?, sql, cursor::Parameters::one(p))
        })
        .method("executemany($self, sql, parameters, /)", "Repeatedly executes an SQL statement.", |vm: &Vm, c: Conn, sql: Ptr<StrObj>, p: Value| {
            cursor::execute(vm, own_cursor(vm, c)?, sql, cursor::Parameters::Many(p))
        })
        .method("executescript($self, sql_script, /)", "Executes multiple SQL statements at once.", |vm: &Vm, c: Conn, script: String| {
            cursor::execute_script(vm, own_cursor(vm, c)?, script)
        })
        .getter("in_transaction", "", in_transaction)
        .getter("total_changes", "", |vm: &Vm, c: Conn| {
            // SAFETY: an open database.
            ask(vm, c, |db| unsafe { ffi::sqlite3_total_changes(db) })
        })
        .getset("isolation_level", "", get_isolation, set_isolation)
        .getset("autocommit", "", get_autocommit, set_autocommit)
        .getset("row_factory", "", |_: &Vm, c: Conn| c.row_factory.get(), |vm: &Vm, c: Conn, v: Value| {
            set_factory(vm, v, "row_factory").map(|()| c.row_factory.set(c, v))
        })
        .getset("text_factory", "", |_: &Vm, c: Conn| c.text_factory.get(), |vm: &Vm, c: Conn, v: Value| {
            set_factory(vm, v, "text_factory").map(|()| c.text_factory.set(c, v))
        });
    let b = exceptions(b);
    let b = crate::functions::methods(b);
    let b = crate::settings::methods(b);
    let b = crate::backup::methods(b);
    let b = crate::blob::methods(b);
    CONNECTION.set(b.class());
    m.class(b.class());
}

/// The exceptions are attributes of connections, too.
fn exceptions(b: TypeBuilder) -> TypeBuilder {
    macro_rules! each {
        ($($name:literal),*) => {
            b$(.getter($name, "", |_: &Vm, c: Conn| {
                if c.initialized.get() { error::class($name).value() } else { Value::NONE }
            }))*.members(&[$($name),*])
        };
    }
    each!(
        "Warning",
        "Error",
        "InterfaceError",
        "DatabaseError",
        "DataError",
        "OperationalError",
        "IntegrityError",
        "InternalError",
        "ProgrammingError",
        "NotSupportedError"
    )
}

pub fn set_factory(vm: &Vm, v: Value, name: &str) -> Res<()> {
    if v.is_empty() { Err(vm.attribute_error(format!("cannot delete {name} attribute"))) } else { Ok(()) }
}

fn new(_: &Vm, cls: Ptr<TypeObj>, _: Value, _: Value) -> Conn {
    let map = cls.instance_map();
    let none = || Field::new(Value::NONE);
    heap().alloc(
        map,
        ConnectionObj {
            header: Header::new(map),
            handle: Native(RefCell::new(None)),
            kept: none(),
            cache: none(),
            row_factory: none(),
            text_factory: none(),
            raised: none(),
            initialized: Cell::new(false),
            same_thread: Cell::new(true),
            thread: Cell::new(0),
            detect_types: Cell::new(0),
            isolation: Cell::new(-1),
            autocommit: Cell::new(autocommit::LEGACY),
        },
    )
}

/// An argument that is an isolation level.
struct Level(i32);

impl FromArg for Level {
    fn from_arg(vm: &Vm, v: Value, _: usize) -> Res<Level> {
        if v.is_none() {
            return Ok(Level(-1));
        }
        let Some(s) = v.downcast::<StrObj>() else {
            return Err(vm.type_error("isolation_level must be str or None"));
        };
        let text = vm.utf8(s)?;
        if text.contains('\0') {
            return Err(vm.value_error("embedded null character"));
        }
        match LEVELS.iter().position(|l| l.eq_ignore_ascii_case(&text)) {
            Some(i) => Ok(Level(i as i32)),
            None => Err(
                vm.value_error("isolation_level string must be '', 'DEFERRED', 'IMMEDIATE', or 'EXCLUSIVE'")
            ),
        }
    }
}

/// An argument for `autocommit`.
struct Autocommit(i32);

impl FromArg for Autocommit {
    fn from_arg(vm: &Vm, v: Value, _: usize) -> Res<Autocommit> {
        let legacy = || Int::of(v).and_then(|i| i.to_i64()) == Some(autocommit::LEGACY as i64);
        match v {
            Value::TRUE => Ok(Autocommit(autocommit::ON)),
            Value::FALSE => Ok(Autocommit(autocommit::OFF)),
            _ if legacy() => Ok(Autocommit(autocommit::LEGACY)),
            _ => Err(vm.value_error("autocommit must be True, False, or sqlite3.LEGACY_TRANSACTION_CONTROL")),
        }
    }
}

#[allow(clippy::too_many_arguments, reason = "the parameters of connect()")]
fn open(
    vm: &Vm,
    c: Conn,
    database: Value,
    timeout: Option<f64>,
    detect_types: Option<i32>,
    isolation: Option<Level>,
    same_thread: Option<bool>,
    _factory: Option<Value>,
    cached: Option<i32>,
    uri: Option<bool>,
    mode: Option<Autocommit>,
) -> Res<()> {
    vm.audit("sqlite3.connect", &[database])?;
    let name = fsencode(vm, database)?;
    if c.initialized.get() {
        if let Some(shared) = c.shared() {
            shared.spared.set(true);
        }
        let closed = close_db(vm, c);
        c.initialized.set(false);
        closed?;
    }
    let uri = if uri.unwrap_or(false) { ffi::SQLITE_OPEN_URI } else { 0 };
    let flags = ffi::SQLITE_OPEN_READWRITE | ffi::SQLITE_OPEN_CREATE | uri;
    let mut db = ptr::null_mut();
    let rc = unlocked(vm, || {
        // SAFETY: a C string, and a place for the result.
        unsafe { ffi::sqlite3_open_v2(name.as_ptr(), &mut db, flags, ptr::null()) }
    });
    if rc != ffi::SQLITE_OK {
        if db.is_null() {
            return Err(error::no_memory(vm));
        }
        // SAFETY: SQLite gives a database for the error alone, which is closed when it is read.
        let e = unsafe {
            let e = Error::of(db);
            ffi::sqlite3_close(db);
            e
        };
        return Err(e.raise(vm));
    }
    let shared = Shared::new(db);
    let timeout = (timeout.unwrap_or(5.0) * 1000.0) as c_int;
    shared.timeout.store(timeout, Ordering::Relaxed);
    // SAFETY: an open database.
    unsafe { ffi::sqlite3_busy_timeout(db, timeout) };
    *c.handle.borrow_mut() = Some(Handle(shared));
    c.kept.set(c, ListObj::new(&[]).value());
    c.cache.set(c, Value::NONE);
    let cache = vm.import_attr("functools", "lru_cache")?;
    let cache = vm.call(cache, &[Value::int(cached.unwrap_or(128) as i64)])?;
    let cache = vm.call(cache, &[c.value()])?;
    c.cache.set(c, cache);
    c.row_factory.set(c, Value::NONE);
    c.text_factory.set(c, rt().types.str.value());
    c.raised.set(c, Value::NONE);
    c.same_thread.set(same_thread.unwrap_or(true));
    c.thread.set(gil::this_ident());
    c.detect_types.set(detect_types.unwrap_or(0));
    c.isolation.set(isolation.map_or(0, |l| l.0));
    c.autocommit.set(mode.map_or(autocommit::LEGACY, |m| m.0));
    vm.audit("sqlite3.connect/handle", &[c.value()])?;
    c.initialized.set(true);
    if c.autocommit.get() == autocommit::OFF {
        execute(vm, c, c"BEGIN")?;
    }
    Ok(())
}

/// The database, if it is open.
pub fn open_db(vm: &Vm, c: Conn) -> Res<*mut ffi::sqlite3> {
    if !c.initialized.get() {
        return Err(programming(vm, "Base Connection.__init__ not called."));
    }
    let db = c.handle.borrow().as_ref().map_or(ptr::null_mut(), |h| h.0.db.get());
    if db.is_null() { Err(programming(vm, "Cannot operate on a closed database.")) } else { Ok(db) }
}

/// Raises if the database is not open.
pub fn check_open(vm: &Vm, c: Conn) -> Res<()> {
    open_db(vm, c).map(drop)
}

/// Raises if the connection is another thread's.
pub fn check_thread(vm: &Vm, c: Conn) -> Res<()> {
    if !c.initialized.get() || !c.same_thread.get() {
        return Ok(());
    }
    let (made, here) = (c.thread.get(), gil::this_ident());
    if made == here {
        return Ok(());
    }
    Err(programming(
        vm,
        format!(
            "SQLite objects created in a thread can only be used in that same thread. The object was created in thread id {made} and this is thread id {here}."
        ),
    ))
}

/// The database, if it may be used here.
pub fn usable(vm: &Vm, c: Conn) -> Res<*mut ffi::sqlite3> {
    check_thread(vm, c)?;
    open_db(vm, c)
}

/// Asks something of the database for which its mutex is needed, or may be.
pub fn ask<R>(vm: &Vm, c: Conn, f: impl FnOnce(*mut ffi::sqlite3) -> R) -> Res<R> {
    let _alone = Alone::new(vm, c)?;
    open_db(vm, c).map(f)
}

/// Whether a transaction is open.
pub fn in_transaction(vm: &Vm, c: Conn) -> Res<bool> {
    // SAFETY: an open database.
    ask(vm, c, |db| unsafe { ffi::sqlite3_get_autocommit(db) == 0 })
}

/// Sets a limit; negative: leaves it as it is. What it was; negative if there is no such limit.
pub fn limit(vm: &Vm, c: Conn, category: c_int, to: c_int) -> Res<c_int> {
    // SAFETY: an open database.
    ask(vm, c, |db| unsafe { ffi::sqlite3_limit(db, category, to) })
}

/// What a callback has left for the caller.
pub fn take_raised(c: Conn) -> Res<()> {
    match c.raised.downcast::<ExcObj>() {
        Some(e) => {
            c.raised.set_no_barrier(Value::NONE);
            Err(Raised::new(e))
        }
        None => Ok(()),
    }
}

/// Makes a call of SQLite that may find something locked; if cursors that nobody has any more have the lock it is made again.
pub fn attempt<T>(vm: &Vm, c: Conn, mut f: impl FnMut() -> Result<T, Error>) -> Res<T> {
    let db = open_db(vm, c)?;
    let mut r = run_waiting(vm, c, db, &mut f);
    if let Err(e) = &r
        && e.is_locked()
        && reclaim(vm)
        && open_db(vm, c) == Ok(db)
    {
        r = run_waiting(vm, c, db, &mut f);
    }
    take_raised(c)?;
    r.map_err(|e| e.raise(vm))
}

/// Executes a statement without parameters and results.
pub fn execute(vm: &Vm, c: Conn, sql: &CStr) -> Res<()> {
    let db = open_db(vm, c)?;
    attempt(vm, c, || {
        let mut s = ptr::null_mut();
        // SAFETY: the database stays open while the connection is entered.
        unsafe {
            let mut rc = ffi::sqlite3_prepare_v2(db, sql.as_ptr(), -1, &mut s, ptr::null_mut());
            if rc == ffi::SQLITE_OK {
                ffi::sqlite3_step(s);
                rc = ffi::sqlite3_finalize(s);
            }
            if rc == ffi::SQLITE_OK { Ok(()) } else { Err(Error::of(db)) }
        }
    })
}

/// Begins a transaction as the isolation level says; with None none is begun.
pub fn begin(vm: &Vm, c: Conn) -> Res<()> {
    match LEVELS.get(c.isolation.get() as usize) {
        Some(level) => execute(vm, c, &CString::new(format!("BEGIN {level}")).expect("no NUL")),
        None => Ok(()),
    }
}

fn commit(vm: &Vm, c: Conn) -> Res<()> {
    usable(vm, c)?;
    match c.autocommit.get() {
        autocommit::LEGACY if in_transaction(vm, c)? => execute(vm, c, c"COMMIT"),
        autocommit::OFF => {
            execute(vm, c, c"COMMIT")?;
            execute(vm, c, c"BEGIN")
        }
        _ => Ok(()),
    }
}

fn rollback(vm: &Vm, c: Conn) -> Res<()> {
    usable(vm, c)?;
    match c.autocommit.get() {
        autocommit::LEGACY if in_transaction(vm, c)? => execute(vm, c, c"ROLLBACK"),
        autocommit::OFF => {
            execute(vm, c, c"ROLLBACK")?;
            execute(vm, c, c"BEGIN")
        }
        _ => Ok(()),
    }
}

fn exit(vm: &Vm, c: Conn, class: Value, value: Value, traceback: Value) -> Res<bool> {
    if [class, value, traceback].iter().any(|v| !v.is_none()) {
        rollback(vm, c)?;
    } else if let Err(failed) = commit(vm, c) {
        // Or the database would stay locked.
        return Err(match rollback(vm, c) {
            Ok(()) => failed,
            Err(other) => {
                other.exc().context.set(other.exc(), failed.value());
                other
            }
        });
    }
    Ok(false)
}

fn close(vm: &Vm, c: Conn) -> Res<()> {
    check_thread(vm, c)?;
    if !c.initialized.get() {
        return Err(programming(vm, "Base Connection.__init__ not called."));
    }
    close_db(vm, c)
}

/// Closes the database, if it is open; an error does not keep it open.
fn close_db(vm: &Vm, c: Conn) -> Res<()> {
    let Some(shared) = c.shared().filter(|s| !s.db.get().is_null()) else { return Ok(()) };
    crate::blob::close_all(vm, c, &shared);
    c.cache.set_no_barrier(Value::NONE);
    let r = match c.initialized.get() && c.autocommit.get() == autocommit::OFF {
        true if in_transaction(vm, c)? => execute(vm, c, c"ROLLBACK"),
        _ => Ok(()),
    };
    if handle::close(vm, &shared) {
        // (Some of its statements may be alive, and would keep them.)
        c.kept.set(c, ListObj::new(&[]).value());
    }
    r
}

fn finalize(vm: &Vm, c: Conn) -> Res<()> {
    if c.shared().is_none_or(|s| s.db.get().is_null()) {
        return Ok(());
    }
    let shown = vm.repr_str(c.value())?;
    let warning = format!("unclosed database in {shown}");
    if let Err(r) = warn_source(vm, rt().types.resource_warning, &warning, 1, c.value())
        && r.is(rt().types.warning)
    {
        let message = format!("Exception ignored while finalizing database connection {shown}");
        unraisable_message(vm, r, Value::NONE, &message);
    }
    if let Err(r) = close_db(vm, c) {
        unraisable_message(vm, r, Value::NONE, &format!("Exception ignored while closing database {shown}"));
    }
    Ok(())
}

fn call(vm: &Vm, c: Conn, args: Ptr<TupleObj>, kwargs: Ptr<DictObj>) -> Res<Value> {
    check_open(vm, c)?;
    if !kwargs.is_empty() {
        return Err(vm.type_error("sqlite3.Connection() takes no keyword arguments"));
    }
    let &[sql] = args.as_slice() else {
        return Err(vm.type_error(format!("function takes exactly 1 argument ({} given)", args.len())));
    };
    match sql.downcast::<StrObj>() {
        Some(sql) => statement::prepare(vm, c, sql).map(|s| s.value()),
        None => Err(vm.type_error(format!("argument 1 must be str, not {}", type_of(sql).name_str()))),
    }
}

fn make_cursor(vm: &Vm, c: Conn, factory: Option<Value>) -> Res<Value> {
    let Some(factory) = factory else { return own_cursor(vm, c).map(|cur| cur.value()) };
    usable(vm, c)?;
    let made = vm.call(factory, &[c.value()])?;
    let Some(cursor) = made.downcast::<CursorObj>() else {
        let got = type_of(made).name_str();
        return Err(vm.type_error(format!("factory must return a cursor, not {got}")));
    };
    if !c.row_factory.get().is_none() {
        cursor.row_factory.set(cursor, c.row_factory.get());
    }
    Ok(made)
}

/// A cursor of the class that there is for it.
fn own_cursor(vm: &Vm, c: Conn) -> Res<Ptr<CursorObj>> {
    usable(vm, c)?;
    let cursor = cursor::of(c);
    cursor.row_factory.set(cursor, c.row_factory.get());
    Ok(cursor)
}

fn get_isolation(vm: &Vm, c: Conn) -> Res<Value> {
    check_open(vm, c)?;
    Ok(LEVELS.get(c.isolation.get() as usize).map_or(Value::NONE, |l| intern(l)))
}

fn set_isolation(vm: &Vm, c: Conn, v: Value) -> Res<()> {
    if v.is_empty() {
        return Err(vm.attribute_error("cannot delete attribute"));
    }
    if v.is_none() {
        c.isolation.set(-1);
        // Without a level there are no transactions that the module itself would end.
        return commit(vm, c);
    }
    Level::from_arg(vm, v, 0).map(|level| c.isolation.set(level.0))
}

fn get_autocommit(vm: &Vm, c: Conn) -> Res<Value> {
    usable(vm, c)?;
    Ok(match c.autocommit.get() {
        autocommit::ON => Value::TRUE,
        autocommit::OFF => Value::FALSE,
        n => Value::int(n as i64),
    })
}

fn set_autocommit(vm: &Vm, c: Conn, v: Value) -> Res<()> {
    usable(vm, c)?;
    if v.is_empty() {
        return Err(vm.attribute_error("cannot delete autocommit attribute"));
    }
    let mode = Autocommit::from_arg(vm, v, 0)?.0;
    match mode {
        autocommit::ON if in_transaction(vm, c)? => execute(vm, c, c"COMMIT")?,
        autocommit::OFF if !in_transaction(vm, c)? => execute(vm, c, c"BEGIN")?,
        _ => {}
    }
    c.autocommit.set(mode);
    Ok(())
}
