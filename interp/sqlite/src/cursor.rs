//! `sqlite3.Cursor`.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::ffi::{CString, c_int};
use std::ptr;

use cape_heap::{Field, Header, MapRef, Native, heap, heap_object};
use cape_vm::native::{FromArg, Named, new_type};
use cape_vm::object::*;
use cape_vm::runtime::StaticType;
use cape_vm::{Ptr, Res, Value, Vm, rt, type_of};
use libsqlite3_sys as ffi;

use crate::connection::{
    self, Conn, ConnectionObj, attempt, autocommit, begin, in_transaction, open_db, usable,
};
use crate::error::{self, Error, programming};
use crate::fetch::{self, Ahead};
use crate::handle::{StatementHandle, run};
use crate::locks::{Held, reclaim, run_waiting, watch_timeout};
use crate::row;
use crate::statement::{self, StatementObj};

heap_object! {
    /// A cursor. `statement` is the one whose rows are being fetched, `converters` a tuple with what makes values of its columns;
    /// both may be None. `locked`: it is executing, or making a row; `serving`: it is asked for one. `abandoned`: see [`crate::locks`].
    pub struct CursorObj {
        pub connection: Field,
        pub description: Field,
        converters: Field,
        pub row_factory: Field,
        lastrowid: Field,
        statement: Field,
        held: Native<Held>,
        /// Rows that were read ahead, and how many rows the statement changed.
        ahead: Native<RefCell<VecDeque<Ahead>>>,
        changed: Cell<i64>,
        arraysize: Cell<u32>,
        rowcount: Cell<i64>,
        initialized: Cell<bool>,
        closed: Cell<bool>,
        locked: Cell<bool>,
        serving: Cell<bool>,
        abandoned: Cell<bool>,
    } [drop]
}

impl Named for CursorObj {
    const NAME: &'static str = "sqlite3.Cursor";
}

type Cursor = Ptr<CursorObj>;

/// `sqlite3.Cursor`.
pub static CURSOR: StaticType = StaticType::new();

/// Makes the class.
pub fn init(m: Ptr<ModuleObj>) {
    let t = new_type::<CursorObj>("sqlite3.Cursor", rt().types.object, TypeFlags::BASE | TypeFlags::HAS_WEAKREF)
        .doc("SQLite database cursor class.")
        .new_fn("__new__(type, /, *args, **kwargs)", "Create and return a new object.  See help(type) for accurate signature.", new)
        .method("__init__($self, connection, /)", "Initialize self.  See help(type(self)) for accurate signature.", init_cursor)
        .method("__iter__($self, /)", "Implement iter(self).", |_: &Vm, c: Cursor| c)
        .method("__next__($self, /)", "Implement next(self).", |vm: &Vm, c: Cursor| {
            next(vm, c).map(|row| row.unwrap_or(Value::EMPTY))
        })
        .method("close($self, /)", "Closes the cursor.", close)
        .method("execute($self, sql, parameters=(), /)", "Executes an SQL statement.", |vm: &Vm, c: Cursor, sql: Ptr<StrObj>, p: Option<Value>| {
            execute(vm, c, sql, Parameters::one(p))
        })
        .method("executemany($self, sql, seq_of_parameters, /)", "Repeatedly executes an SQL statement.", |vm: &Vm, c: Cursor, sql: Ptr<StrObj>, p: Value| {
            execute(vm, c, sql, Parameters::Many(p))
        })
        .method("executescript($self, sql_script, /)", "Executes multiple SQL statements at once.", execute_script)
        .method("fetchone($self, /)", "Fetches one row from the resultset.", |vm: &Vm, c: Cursor| next(vm, c))
        .method(
            "fetchmany($self, /, size=1)",
            "Fetches several rows from the resultset.\n\n  size\n    The default value is set by the Cursor.arraysize attribute.",
            |vm: &Vm, c: Cursor, size: Option<Count<false>>| fetch_rows(vm, c, size.map_or(c.arraysize.get(), |n| n.0) as usize),
        )
        .method("fetchall($self, /)", "Fetches all rows from the resultset.", |vm: &Vm, c: Cursor| fetch_rows(vm, c, usize::MAX))
        .method("setinputsizes($self, sizes, /)", "Required by DB-API. Does nothing in sqlite3.", |_: &Vm, _: Cursor, _: Value| ())
        .method("setoutputsize($self, size, column=None, /)", "Required by DB-API. Does nothing in sqlite3.", |_: &Vm, _: Cursor, _: Value, _: Option<Value>| ())
        .getter("connection", "", |_: &Vm, c: Cursor| c.connection.get())
        .getter("description", "", |_: &Vm, c: Cursor| c.description.get())
        .getter("lastrowid", "", |_: &Vm, c: Cursor| c.lastrowid.get())
        .getter("rowcount", "", |_: &Vm, c: Cursor| c.rowcount.get())
        .getset("arraysize", "", |_: &Vm, c: Cursor| c.arraysize.get(), |vm: &Vm, c: Cursor, n: Value| {
            if n.is_empty() {
                return Err(vm.attribute_error("attribute 'arraysize' of 'sqlite3.Cursor' objects cannot be deleted"));
            }
            Count::<true>::from_arg(vm, n, 0).map(|n| c.arraysize.set(n.0))
        })
        .getset("row_factory", "", |_: &Vm, c: Cursor| c.row_factory.get(), |vm: &Vm, c: Cursor, v: Value| {
            connection::set_factory(vm, v, "row_factory").map(|()| c.row_factory.set(c, v))
        })
        .members(&["connection", "description", "lastrowid", "rowcount"]);
    CURSOR.set(t.class());
    m.class(t.class());
}

/// How many rows; what is too much is told in the words of an attribute, or of an argument.
struct Count<const ATTRIBUTE: bool>(u32);

impl<const ATTRIBUTE: bool> FromArg for Count<ATTRIBUTE> {
    fn from_arg(vm: &Vm, v: Value, _: usize) -> Res<Self> {
        let n = vm.index_int(v)?;
        if let Some(n) = n.to_i64().and_then(|n| u32::try_from(n).ok()) {
            return Ok(Count(n));
        }
        if vm.compare_bool(v, Value::int(0), cape_vm::ops::Cmp::Lt)? {
            return Err(vm.value_error("Cannot convert negative int"));
        }
        let way = if ATTRIBUTE { "to convert to C" } else { "for C" };
        Err(vm.overflow_error(format!("Python int too large {way} uint32_t")))
    }
}

fn new(_: &Vm, cls: Ptr<TypeObj>, _: Value, _: Value) -> Cursor {
    alloc(cls.instance_map())
}

fn alloc(map: MapRef) -> Cursor {
    let none = || Field::new(Value::NONE);
    heap().alloc(
        map,
        CursorObj {
            header: Header::new(map),
            connection: none(),
            description: none(),
            converters: none(),
            row_factory: none(),
            lastrowid: none(),
            statement: none(),
            held: Native(Held::new()),
            ahead: Native(RefCell::new(VecDeque::new())),
            changed: Cell::new(0),
            arraysize: Cell::new(0),
            rowcount: Cell::new(0),
            initialized: Cell::new(false),
            closed: Cell::new(false),
            locked: Cell::new(false),
            serving: Cell::new(false),
            abandoned: Cell::new(false),
        },
    )
}

fn init_cursor(vm: &Vm, cur: Cursor, connection: Value) -> Res<()> {
    let Some(c) = connection.downcast::<ConnectionObj>() else {
        let got = type_of(connection).name_str();
        return Err(vm.type_error(format!("Cursor() argument 1 must be sqlite3.Connection, not {got}")));
    };
    check_unlocked(vm, cur)?;
    if let Some(old) = cur.connection.downcast::<ConnectionObj>() {
        end_statement(vm, cur, old);
    }
    for field in [&cur.converters, &cur.description, &cur.lastrowid, &cur.row_factory] {
        field.set_no_barrier(Value::NONE);
    }
    cur.closed.set(false);
    connection::check_thread(vm, c)?;
    begin_use(cur, c);
    Ok(())
}

/// A cursor of an open connection.
pub fn of(c: Conn) -> Cursor {
    let map = CURSOR.get().instance_map();
    let cur = alloc(map);
    begin_use(cur, c);
    cur
}

fn begin_use(cur: Cursor, c: Conn) {
    cur.connection.set(cur, c.value());
    cur.arraysize.set(1);
    cur.rowcount.set(-1);
    cur.initialized.set(true);
}

fn check_unlocked(vm: &Vm, cur: Cursor) -> Res<()> {
    if cur.locked.get() { Err(programming(vm, "Recursive use of cursors not allowed.")) } else { Ok(()) }
}

/// The connection of a cursor that can be used.
fn check(vm: &Vm, cur: Cursor) -> Res<Conn> {
    let Some(c) = cur.connection.downcast::<ConnectionObj>().filter(|_| cur.initialized.get()) else {
        return Err(programming(vm, "Base Cursor.__init__ not called."));
    };
    if cur.closed.get() {
        return Err(programming(vm, "Cannot operate on a closed cursor."));
    }
    usable(vm, c)?;
    check_unlocked(vm, cur)?;
    Ok(c)
}

/// Keeps others from using the cursor.
struct Lock(Cursor);

impl Lock {
    fn new(cur: Cursor) -> Lock {
        cur.locked.set(true);
        Lock(cur)
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        self.0.locked.set(false);
    }
}

fn close(vm: &Vm, cur: Cursor) -> Res<()> {
    check_unlocked(vm, cur)?;
    let Some(c) = cur.connection.downcast::<ConnectionObj>() else {
        return Err(programming(vm, "Base Cursor.__init__ not called."));
    };
    usable(vm, c)?;
    end_statement(vm, cur, c);
    cur.closed.set(true);
    Ok(())
}

impl CursorObj {
    /// Whether it has rows left, and nobody is at it.
    pub fn holds_idly(&self) -> bool {
        self.held.is_some() && !self.locked.get() && !self.serving.get()
    }

    /// Nobody can ask it for the rest of its rows any more.
    pub fn abandon(&self) {
        self.abandoned.set(true);
        self.statement.set_no_barrier(Value::NONE);
        self.held.release();
    }
}

/// Fetches no more rows.
fn end_statement(vm: &Vm, cur: Cursor, c: Conn) {
    cur.ahead.borrow_mut().clear();
    let Some(s) = cur.statement.downcast::<StatementObj>() else { return };
    cur.statement.set_no_barrier(Value::NONE);
    if s.handle.is_busy() && c.shared().is_some() {
        let handle = &s.handle;
        // SAFETY: a statement of ours.
        run(vm, c, || unsafe { ffi::sqlite3_reset(handle.st()) });
    }
    cur.held.set(None);
}

/// What a statement is executed with.
#[derive(Clone, Copy)]
pub enum Parameters {
    One(Value),
    Many(Value),
}

impl Parameters {
    /// One set, which may be left out.
    pub fn one(p: Option<Value>) -> Parameters {
        Parameters::One(p.unwrap_or(rt().empty_tuple().value()))
    }
}

/// `Cursor.execute` and `executemany`.
pub fn execute(vm: &Vm, cur: Cursor, sql: Ptr<StrObj>, parameters: Parameters) -> Res<Cursor> {
    let c = check(vm, cur)?;
    let lock = Lock::new(cur);
    let done = query(vm, cur, c, sql, parameters);
    drop(lock);
    if let Err(r) = done {
        end_statement(vm, cur, c);
        cur.rowcount.set(-1);
        return Err(r);
    }
    match cur.statement.downcast::<StatementObj>() {
        Some(_) if !cur.ahead.borrow().is_empty() => {}
        Some(s) if s.handle.is_busy() => cur.held.set(Some((*s.handle).clone())),
        _ => cur.statement.set_no_barrier(Value::NONE),
    }
    Ok(cur)
}

fn query(vm: &Vm, cur: Cursor, c: Conn, sql: Ptr<StrObj>, parameters: Parameters) -> Res<()> {
    match parameters {
        Parameters::One(p) => {
            let (s, _claim) = prepare(vm, cur, c, sql, false)?;
            once(vm, cur, c, s, p, true)?;
            if !s.handle.st().is_null() {
                // SAFETY: an open database.
                let id = connection::ask(vm, c, |db| unsafe { ffi::sqlite3_last_insert_rowid(db) })?;
                cur.lastrowid.set(cur, int_value(id));
            }
        }
        Parameters::Many(of) => {
            let many = vm.iter(of)?;
            let (s, _claim) = prepare(vm, cur, c, sql, true)?;
            while let Some(p) = vm.next(many)? {
                once(vm, cur, c, s, p, false)?;
            }
        }
    }
    Ok(())
}

/// A cursor's use of a statement while it executes it, or ends it. Parameters are given, and functions of Python called, while other threads may
/// run, which find the same statement in the connection's cache.
struct Claim(Ptr<StatementObj>, bool);

impl Claim {
    fn new(statement: Ptr<StatementObj>) -> Claim {
        Claim(statement, statement.handle.claimed.replace(true))
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.0.handle.claimed.set(self.1);
    }
}

/// The statement, which is now the cursor's; a transaction is begun if it needs one.
#[inline(never)]
fn prepare(vm: &Vm, cur: Cursor, c: Conn, sql: Ptr<StrObj>, many: bool) -> Res<(Ptr<StatementObj>, Claim)> {
    cur.description.set_no_barrier(Value::NONE);
    cur.abandoned.set(false);
    end_statement(vm, cur, c);
    let cached = vm.call(c.cache.get(), &[sql.value()])?;
    let mut s: Ptr<StatementObj> =
        cached.downcast().ok_or_else(|| vm.type_error("the cache of statements has something else"))?;
    cur.statement.set(cur, s.value());
    // SAFETY: a statement of ours, or null.
    if many && unsafe { ffi::sqlite3_stmt_readonly(s.handle.st()) != 0 } {
        return Err(programming(vm, "executemany() can only execute DML statements."));
    }
    if s.handle.is_taken() {
        // Another cursor executes it, or is fetching its rows.
        cur.statement.set_no_barrier(Value::NONE);
        s = statement::prepare(vm, c, sql)?;
        cur.statement.set(cur, s.value());
    }
    let claim = Claim::new(s);
    cur.rowcount.set(if s.changes.get() { 0 } else { -1 });
    if c.autocommit.get() == autocommit::LEGACY && s.changes.get() && !in_transaction(vm, c)? {
        begin(vm, c)?;
    }
    Ok((s, claim))
}

/// Executes the statement with one set of parameters, up to the first row. One that changes something is executed to its end, since it
/// takes effect no earlier: its rows are read ahead, if they are wanted.
fn once(vm: &Vm, cur: Cursor, c: Conn, s: Ptr<StatementObj>, parameters: Value, rows: bool) -> Res<()> {
    statement::bind(vm, c, &s.handle, parameters)?;
    // Adapters may have done anything.
    let db = open_db(vm, c)?;
    let st = &*s.handle;
    let go = || run_waiting(vm, c, db, || step(st));
    let mut rc = go();
    // From here, since frames below this one would keep what is to be found dead.
    if matches!(&rc, Err(e) if e.is_locked()) && reclaim(vm) && open_db(vm, c) == Ok(db) {
        rc = go();
    }
    connection::take_raised(c)?;
    let rc = rc.map_err(|e| e.raise(vm))?;
    if c.detect_types.get() != 0 {
        let converters = fetch::converters(vm, c, &s.handle).map_err(|r| {
            let e = error::operational(vm, "Error while building row_cast_map");
            let exc = e.exc();
            exc.cause.set(exc, r.value());
            exc.context.set(exc, r.value());
            exc.suppress_context.set(true);
            e
        })?;
        cur.converters.set(cur, converters);
    } else {
        cur.converters.set_no_barrier(Value::NONE);
    }
    if cur.description.get().is_none() {
        let description = fetch::description(vm, c, &s.handle)?;
        cur.description.set(cur, description);
    }
    // SAFETY: a statement of ours.
    if rc == ffi::SQLITE_ROW && unsafe { ffi::sqlite3_stmt_readonly(st.st()) != 0 } {
        return Ok(());
    }
    if rc == ffi::SQLITE_ROW {
        let converted = fetch::converted(cur.converters.get());
        let ahead = run(vm, c, || read_ahead(st, &converted, rows));
        connection::take_raised(c)?;
        *cur.ahead.borrow_mut() = ahead.map_err(|e| e.raise(vm))?;
    }
    if s.changes.get() {
        // SAFETY: an open database.
        let n = connection::ask(vm, c, |db| unsafe { ffi::sqlite3_changes(db) })? as i64;
        if cur.ahead.borrow().is_empty() {
            cur.rowcount.set(cur.rowcount.get() + n);
        } else {
            cur.changed.set(n);
        }
    }
    Ok(())
}

/// Goes on to the end from the first row; the rows, if they are wanted.
fn read_ahead(s: &StatementHandle, converted: &[bool], wanted: bool) -> Result<VecDeque<Ahead>, Error> {
    let mut rows = VecDeque::new();
    loop {
        if wanted {
            // SAFETY: the statement has a row.
            let row = unsafe { fetch::ahead(s.st(), converted) };
            rows.push_back(row.ok_or_else(|| Error::of_code(ffi::SQLITE_NOMEM))?);
        }
        if step(s)? == ffi::SQLITE_DONE {
            return Ok(rows);
        }
    }
}

/// The next row, `SQLITE_ROW`, or `SQLITE_DONE`, after which the statement is reset, as it is after an error; without the GIL.
fn step(s: &StatementHandle) -> Result<c_int, Error> {
    let st = s.st();
    if st.is_null() {
        return Ok(ffi::SQLITE_DONE);
    }
    // SAFETY: a statement of ours, which the caller's frame keeps, and its database.
    unsafe {
        let rc = ffi::sqlite3_step(st);
        let r = match rc {
            ffi::SQLITE_ROW => return Ok(rc),
            ffi::SQLITE_DONE => Ok(rc),
            rc => Err(Error::of_call(ffi::sqlite3_db_handle(st), rc)),
        };
        ffi::sqlite3_reset(st);
        r
    }
}

fn next(vm: &Vm, cur: Cursor) -> Res<Option<Value>> {
    let c = check(vm, cur)?;
    let Some(s) = cur.statement.downcast::<StatementObj>() else {
        if cur.abandoned.get() {
            return Err(error::operational(
                vm,
                "the cursor was reset for the sake of what its rows had locked",
            ));
        }
        return Ok(None);
    };
    let before = cur.serving.replace(true);
    let row = next_row(vm, cur, c, s);
    cur.serving.set(before);
    row.map(Some)
}

fn next_row(vm: &Vm, cur: Cursor, c: Conn, s: Ptr<StatementObj>) -> Res<Value> {
    let lock = Lock::new(cur);
    let ahead = cur.ahead.borrow_mut().pop_front();
    if let Some(row) = ahead {
        let row = fetch::row_ahead(vm, c, &s.handle, cur.converters.get(), &row)?;
        drop(lock);
        if cur.ahead.borrow().is_empty() {
            if s.changes.get() {
                cur.rowcount.set(cur.changed.get());
            }
            cur.statement.set_no_barrier(Value::NONE);
        }
        return finish_row(vm, cur, row);
    }
    let row = fetch::row(vm, c, &s.handle, cur.converters.get())?;
    // (At its last row the statement is no longer busy, and has yet to be reset.)
    let _claim = Claim::new(s);
    // (A function that is called must not end the statement that calls it.)
    let st = &*s.handle;
    let made = run(vm, c, || step(st));
    drop(lock);
    let made = connection::take_raised(c).and(made.map_err(|e| e.raise(vm)));
    match made {
        Ok(ffi::SQLITE_DONE) => end_statement(vm, cur, c),
        Ok(_) => {}
        Err(r) => {
            end_statement(vm, cur, c);
            return Err(r);
        }
    }
    finish_row(vm, cur, row)
}

/// Gives the row to the factory, if there is one.
fn finish_row(vm: &Vm, cur: Cursor, row: Ptr<TupleObj>) -> Res<Value> {
    let factory = cur.row_factory.get();
    if factory.is_none() {
        Ok(row.value())
    } else if row::is_class(factory) {
        Ok(row::make(cur, row))
    } else {
        vm.call(factory, &[cur.value(), row.value()])
    }
}

fn fetch_rows(vm: &Vm, cur: Cursor, most: usize) -> Res<Ptr<ListObj>> {
    let rows = ListObj::new(&[]);
    check(vm, cur)?;
    while rows.len() < most
        && let Some(row) = next(vm, cur)?
    {
        rows.push(row);
    }
    Ok(rows)
}

/// `Cursor.executescript`.
pub fn execute_script(vm: &Vm, cur: Cursor, script: String) -> Res<Cursor> {
    let script = CString::new(script).map_err(|_| vm.value_error("embedded null character"))?;
    let c = check(vm, cur)?;
    let most = connection::limit(vm, c, ffi::SQLITE_LIMIT_SQL_LENGTH, -1)?;
    if script.as_bytes().len() > most as usize {
        return Err(error::data(vm, "query string is too large"));
    }
    if c.autocommit.get() == autocommit::LEGACY && in_transaction(vm, c)? {
        connection::execute(vm, c, c"COMMIT")?;
    }
    watch_timeout(c, script.as_bytes());
    let mut rest = script.as_bytes_with_nul();
    while rest.len() > 1 {
        // (A callback may have closed the connection.)
        let db = open_db(vm, c)?;
        let used = attempt(vm, c, || {
            let (mut s, mut tail) = (ptr::null_mut(), ptr::null());
            let start = rest.as_ptr() as *const _;
            // SAFETY: the text is terminated; the database stays open while the connection is entered.
            unsafe {
                let mut rc = ffi::sqlite3_prepare_v2(db, start, rest.len() as c_int, &mut s, &mut tail);
                if rc == ffi::SQLITE_OK && !s.is_null() {
                    while ffi::sqlite3_step(s) == ffi::SQLITE_ROW {}
                    rc = ffi::sqlite3_finalize(s);
                }
                if rc == ffi::SQLITE_OK {
                    Ok(tail.offset_from(start) as usize)
                } else {
                    Err(Error::of_call(db, rc))
                }
            }
        })?;
        rest = &rest[used..];
    }
    Ok(cur)
}
