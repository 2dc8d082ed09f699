//! What SQLite calls: functions, aggregates, collations, and the hooks of a connection.
//!
//! SQLite gets the place of the callable in the connection's list, in a [`Registered`] that it frees when it needs the callable no more. A
//! callback that comes while something dead is being released finds no connection, and does nothing but give up its place.

use std::cell::Cell;
use std::ffi::{CStr, CString, c_char, c_int, c_uint, c_void};
use std::ptr;
use std::slice;
use std::sync::Arc;

use cape_stdlib::statics::StaticCell;
use cape_vm::native::TypeBuilder;
use cape_vm::object::*;
use cape_vm::{Ptr, Raised, Res, Value, Vm, intern, rt, type_of};
use libsqlite3_sys as ffi;

use crate::adapt::sqlite_int;
use crate::connection::{Conn, attempt, limit, usable};
use crate::deprecated;
use crate::error::{self, Error, operational, programming};
use crate::fetch::text;
use crate::handle::{Hook, Shared, inside, keep, kept, run, sweep};

/// Whether exceptions of callbacks are reported.
static REPORTS: StaticCell<bool> = StaticCell(Cell::new(false));

/// Adds the module's function.
pub fn init(m: Ptr<ModuleObj>) {
    m.function(
        "enable_callback_tracebacks($module, enable, /)",
        "Enable or disable callback functions throwing errors to stderr.",
        |_: &Vm, enable: i32| REPORTS.0.set(enable != 0),
    );
}

/// Adds the methods of connections.
pub fn methods(b: TypeBuilder) -> TypeBuilder {
    b.def(deprecated::keyword(
        "create_function($self, /, name, narg, func, *, deterministic=False)",
        "Creates a new function.\n\nNote: Passing keyword arguments 'name', 'narg' and 'func' to\n_sqlite3.Connection.create_function() is deprecated. Parameters\n'name', 'narg' and 'func' will become positional-only in Python 3.15.\n",
        3,
        "Passing keyword arguments 'name', 'narg' and 'func' to _sqlite3.Connection.create_function() is deprecated. Parameters 'name', 'narg' and 'func' will become positional-only in Python 3.15.",
        create_function,
    ))
    .def(deprecated::keyword(
        "create_aggregate($self, /, name, n_arg, aggregate_class)",
        "Creates a new aggregate.\n\nNote: Passing keyword arguments 'name', 'n_arg' and 'aggregate_class'\nto _sqlite3.Connection.create_aggregate() is deprecated. Parameters\n'name', 'n_arg' and 'aggregate_class' will become positional-only in\nPython 3.15.\n",
        3,
        "Passing keyword arguments 'name', 'n_arg' and 'aggregate_class' to _sqlite3.Connection.create_aggregate() is deprecated. Parameters 'name', 'n_arg' and 'aggregate_class' will become positional-only in Python 3.15.",
        create_aggregate,
    ))
    .method(
        "create_window_function($self, name, num_params, aggregate_class, /)",
        "Creates or redefines an aggregate window function. Non-standard.\n\n  name\n    The name of the SQL aggregate window function to be created or\n    redefined.\n  num_params\n    The number of arguments the step and inverse methods takes.\n  aggregate_class\n    A class with step(), finalize(), value(), and inverse() methods.\n    Set to None to clear the window function.",
        create_window,
    )
    .method("create_collation($self, name, callback, /)", "Creates a collation function.", create_collation)
    .def(deprecated::keyword(
        "set_authorizer($self, /, authorizer_callback)",
        "Set authorizer callback.\n\nNote: Passing keyword argument 'authorizer_callback' to\n_sqlite3.Connection.set_authorizer() is deprecated. Parameter\n'authorizer_callback' will become positional-only in Python 3.15.\n",
        1,
        "Passing keyword argument 'authorizer_callback' to _sqlite3.Connection.set_authorizer() is deprecated. Parameter 'authorizer_callback' will become positional-only in Python 3.15.",
        set_authorizer,
    ))
    .def(deprecated::keyword(
        "set_progress_handler($self, /, progress_handler, n)",
        "Set progress handler callback.\n\n  progress_handler\n    A callable that takes no arguments.\n    If the callable returns non-zero, the current query is\n    terminated, and an exception is raised.\n  n\n    The number of SQLite virtual machine instructions that are\n    executed between invocations of 'progress_handler'.\n\nIf 'progress_handler' is None or 'n' is 0, the progress handler is\ndisabled.\n\nNote: Passing keyword argument 'progress_handler' to\n_sqlite3.Connection.set_progress_handler() is deprecated. Parameter\n'progress_handler' will become positional-only in Python 3.15.\n",
        1,
        "Passing keyword argument 'progress_handler' to _sqlite3.Connection.set_progress_handler() is deprecated. Parameter 'progress_handler' will become positional-only in Python 3.15.",
        set_progress_handler,
    ))
    .def(deprecated::keyword(
        "set_trace_callback($self, /, trace_callback)",
        "Set a trace callback called for each SQL statement (passed as unicode).\n\nNote: Passing keyword argument 'trace_callback' to\n_sqlite3.Connection.set_trace_callback() is deprecated. Parameter\n'trace_callback' will become positional-only in Python 3.15.\n",
        1,
        "Passing keyword argument 'trace_callback' to _sqlite3.Connection.set_trace_callback() is deprecated. Parameter 'trace_callback' will become positional-only in Python 3.15.",
        set_trace_callback,
    ))
}

/// A name for SQLite.
pub fn c_text(vm: &Vm, text: String) -> Res<CString> {
    CString::new(text).map_err(|_| vm.value_error("embedded null character"))
}

/// What SQLite has of a callable.
struct Registered {
    shared: Arc<Shared>,
    place: usize,
}

impl Drop for Registered {
    fn drop(&mut self) {
        self.shared.free(self.place);
    }
}

/// A callable for SQLite; null for None.
fn register(c: Conn, f: Value) -> *mut c_void {
    let Some(shared) = c.shared().filter(|_| !f.is_none()) else { return ptr::null_mut() };
    let place = keep(c, &shared, f);
    Box::into_raw(Box::new(Registered { shared, place })) as *mut c_void
}

/// SQLite does not need the callable any more.
unsafe extern "C" fn forget(data: *mut c_void) {
    // SAFETY: from `register`, and given back once.
    drop(unsafe { Box::from_raw(data as *mut Registered) });
}

fn check_count(vm: &Vm, c: Conn, what: &str, n: i32) -> Res<()> {
    let most = limit(vm, c, ffi::SQLITE_LIMIT_FUNCTION_ARG, -1)?;
    if (-1..=most).contains(&n) {
        return Ok(());
    }
    Err(programming(vm, format!("'{what}' must be between -1 and {most}, not {n}")))
}

fn create_function(
    vm: &Vm,
    c: Conn,
    name: String,
    narg: i32,
    f: Value,
    deterministic: Option<bool>,
) -> Res<()> {
    let name = c_text(vm, name)?;
    let db = usable(vm, c)?;
    check_count(vm, c, "narg", narg)?;
    let flags = ffi::SQLITE_UTF8 | if deterministic.unwrap_or(false) { ffi::SQLITE_DETERMINISTIC } else { 0 };
    let call = (!f.is_none()).then_some(scalar as _);
    let done = define(vm, c, db, f, |data| {
        // SAFETY: an open database; what it gets is freed by `forget`, also if the call fails.
        unsafe {
            let destroy = (!data.is_null()).then_some(forget as _);
            ffi::sqlite3_create_function_v2(db, name.as_ptr(), narg, flags, data, call, None, None, destroy)
        }
    });
    done.map_err(|_| operational(vm, "Error creating function"))
}

fn create_aggregate(vm: &Vm, c: Conn, name: String, n_arg: i32, class: Value) -> Res<()> {
    let name = c_text(vm, name)?;
    let db = usable(vm, c)?;
    check_count(vm, c, "n_arg", n_arg)?;
    let some = !class.is_none();
    let done = define(vm, c, db, class, |data| {
        let (step, last) = (some.then_some(step as _), some.then_some(last as _));
        // SAFETY: as above.
        unsafe {
            let destroy = (!data.is_null()).then_some(forget as _);
            let flags = ffi::SQLITE_UTF8;
            ffi::sqlite3_create_function_v2(db, name.as_ptr(), n_arg, flags, data, None, step, last, destroy)
        }
    });
    done.map_err(|_| operational(vm, "Error creating aggregate"))
}

fn create_window(vm: &Vm, c: Conn, name: String, num_params: i32, class: Value) -> Res<()> {
    let name = c_text(vm, name)?;
    let db = usable(vm, c)?;
    check_count(vm, c, "num_params", num_params)?;
    let some = !class.is_none();
    let done = define(vm, c, db, class, |data| {
        let (step, last) = (some.then_some(step as _), some.then_some(last as _));
        let (value, inverse) = (some.then_some(value as _), some.then_some(inverse as _));
        // SAFETY: as above.
        unsafe {
            let destroy = (!data.is_null()).then_some(forget as _);
            let flags = ffi::SQLITE_UTF8;
            ffi::sqlite3_create_window_function(
                db,
                name.as_ptr(),
                num_params,
                flags,
                data,
                step,
                last,
                value,
                inverse,
                destroy,
            )
        }
    });
    done.map_err(|e| e.raise(vm))
}

/// Defines something for which `f` is called; if cursors that nobody has any more are in the way it is tried again.
fn define(
    vm: &Vm,
    c: Conn,
    db: *mut ffi::sqlite3,
    f: Value,
    mut call: impl FnMut(*mut c_void) -> c_int,
) -> Result<(), Error> {
    let mut go = || {
        let data = register(c, f);
        run(vm, c, || match call(data) {
            ffi::SQLITE_OK => Ok(()),
            // SAFETY: the connection is entered, so that its database is not closed.
            rc => Err(unsafe { Error::of_call(db, rc) }),
        })
    };
    match go() {
        Err(e) if e.is_locked() && crate::locks::reclaim(vm) => go(),
        r => r,
    }
}

fn create_collation(vm: &Vm, c: Conn, name: String, f: Value) -> Res<()> {
    let name = c_text(vm, name)?;
    let db = usable(vm, c)?;
    if !f.is_none() && !vm.is_callable(f) {
        return Err(vm.type_error("parameter must be callable"));
    }
    let compare = (!f.is_none()).then_some(collate as _);
    let flags = ffi::SQLITE_UTF8;
    let done = define(vm, c, db, f, |data| {
        let destroy = (!data.is_null()).then_some(forget as _);
        // SAFETY: as above, but here a call that fails frees nothing.
        unsafe {
            let rc = ffi::sqlite3_create_collation_v2(db, name.as_ptr(), flags, data, compare, destroy);
            if rc != ffi::SQLITE_OK && !data.is_null() {
                forget(data);
            }
            rc
        }
    });
    done.map_err(|e| e.raise(vm))
}

/// Replaces a hook; `set` tells SQLite, which gets null if there is none any more.
fn set_hook(vm: &Vm, c: Conn, hook: Hook, f: Value, set: impl FnOnce(*mut c_void) -> c_int) -> c_int {
    let Some(shared) = c.shared() else { return ffi::SQLITE_MISUSE };
    let place = (!f.is_none()).then(|| keep(c, &shared, f));
    let old = shared.hooks[hook as usize].replace(place);
    let data = if place.is_some() { Arc::as_ptr(&shared) as *mut c_void } else { ptr::null_mut() };
    let rc = run(vm, c, || set(data));
    if let Some(old) = old {
        shared.free(old);
        sweep(c, &shared);
    }
    rc
}

fn set_authorizer(vm: &Vm, c: Conn, f: Value) -> Res<()> {
    let db = usable(vm, c)?;
    let rc = set_hook(vm, c, Hook::Authorizer, f, |data| {
        // SAFETY: an open database; what the callback gets lives as long.
        unsafe { ffi::sqlite3_set_authorizer(db, (!data.is_null()).then_some(authorize), data) }
    });
    if rc == ffi::SQLITE_OK { Ok(()) } else { Err(operational(vm, "Error setting authorizer callback")) }
}

fn set_progress_handler(vm: &Vm, c: Conn, f: Value, n: i32) -> Res<()> {
    let db = usable(vm, c)?;
    set_hook(vm, c, Hook::Progress, f, |data| {
        // SAFETY: as above.
        unsafe { ffi::sqlite3_progress_handler(db, n, (!data.is_null()).then_some(progress), data) };
        ffi::SQLITE_OK
    });
    Ok(())
}

fn set_trace_callback(vm: &Vm, c: Conn, f: Value) -> Res<()> {
    let db = usable(vm, c)?;
    set_hook(vm, c, Hook::Trace, f, |data| {
        let mask = if data.is_null() { 0 } else { ffi::SQLITE_TRACE_STMT };
        // SAFETY: as above.
        unsafe { ffi::sqlite3_trace_v2(db, mask as c_uint, (!data.is_null()).then_some(trace), data) }
    });
    Ok(())
}

/// Reports an exception of a callback, if that is wanted.
fn report(vm: &Vm, callable: Value, raised: Raised) {
    if REPORTS.0.get() {
        let shown = vm.repr_str(callable).unwrap_or_else(|_| "<object repr() failed>".to_owned());
        let message = format!("Exception ignored on sqlite3 callback {shown}");
        let _ = vm.call_unraisable_hook(&raised, StrObj::new(&message).value(), Value::NONE);
    }
}

/// Runs the body of a hook with the connection and the callable.
///
/// # Safety
/// `data` must be what `set_hook` gives SQLite.
unsafe fn hook<R>(data: *mut c_void, hook: Hook, otherwise: R, f: impl FnOnce(&Vm, Conn, Value) -> R) -> R {
    inside(|vm| {
        // SAFETY: the struct lives as long as the database.
        let shared = unsafe { &*(data as *const Shared) };
        let Some(c) = shared.object() else { return otherwise };
        match shared.hooks[hook as usize].get() {
            Some(place) => f(vm, c, kept(c, place)),
            None => otherwise,
        }
    })
}

unsafe extern "C" fn authorize(
    data: *mut c_void,
    action: c_int,
    first: *const c_char,
    second: *const c_char,
    database: *const c_char,
    source: *const c_char,
) -> c_int {
    // SAFETY: the arguments are SQLite's.
    unsafe {
        hook(data, Hook::Authorizer, ffi::SQLITE_OK, |vm, _, f| {
            let ask = || {
                let mut args =
                    [Value::int(action as i64), Value::NONE, Value::NONE, Value::NONE, Value::NONE];
                for (to, from) in args[1..].iter_mut().zip([first, second, database, source]) {
                    if !from.is_null() {
                        *to = text(vm, CStr::from_ptr(from).to_bytes())?;
                    }
                }
                let answer = vm.call(f, &args)?;
                let Some(n) = Int::of(answer) else { return Ok(ffi::SQLITE_DENY) };
                n.to_i64()
                    .and_then(|n| c_int::try_from(n).ok())
                    .ok_or_else(|| vm.overflow_error("Python int too large to convert to C int"))
            };
            ask().unwrap_or_else(|r| {
                report(vm, f, r);
                ffi::SQLITE_DENY
            })
        })
    }
}

unsafe extern "C" fn progress(data: *mut c_void) -> c_int {
    // SAFETY: the argument is SQLite's.
    unsafe {
        hook(data, Hook::Progress, 0, |vm, _, f| {
            let stop = vm.call(f, &[]).and_then(|v| vm.truth(v));
            stop.unwrap_or_else(|r| {
                report(vm, f, r);
                true
            }) as c_int
        })
    }
}

unsafe extern "C" fn trace(_: c_uint, data: *mut c_void, statement: *mut c_void, sql: *mut c_void) -> c_int {
    // SAFETY: the arguments are SQLite's.
    unsafe {
        hook(data, Hook::Trace, (), |vm, _, f| {
            let statement = statement as *mut ffi::sqlite3_stmt;
            let expanded = ffi::sqlite3_expanded_sql(statement);
            let sql = if !expanded.is_null() {
                let sql = CStr::from_ptr(expanded).to_bytes().to_vec();
                ffi::sqlite3_free(expanded as *mut c_void);
                sql
            } else if ffi::sqlite3_errcode(ffi::sqlite3_db_handle(statement)) == ffi::SQLITE_NOMEM {
                return report(vm, f, error::no_memory(vm));
            } else {
                report(vm, f, error::data(vm, "Expanded SQL string exceeds the maximum string length"));
                CStr::from_ptr(sql as *const c_char).to_bytes().to_vec()
            };
            if let Err(r) = text(vm, &sql).and_then(|sql| vm.call(f, &[sql])) {
                report(vm, f, r);
            }
        });
    }
    0
}

unsafe extern "C" fn collate(
    data: *mut c_void,
    n1: c_int,
    p1: *const c_void,
    n2: c_int,
    p2: *const c_void,
) -> c_int {
    inside(|vm| {
        // SAFETY: from `register`.
        let r = unsafe { &*(data as *const Registered) };
        let Some(c) = r.shared.object() else { return 0 };
        // After an exception nothing matters.
        if !c.raised.get().is_none() {
            return 0;
        }
        let f = kept(c, r.place);
        let compare = || {
            // SAFETY: SQLite's texts, and their lengths.
            let [a, b] = unsafe { [bytes(p1 as *const u8, n1), bytes(p2 as *const u8, n2)] };
            vm.call(f, &[text(vm, a)?, text(vm, b)?])
        };
        match compare() {
            Ok(v) => match Int::of(v) {
                Some(Int::Small(n)) => n.signum() as c_int,
                Some(n @ Int::Big(_)) => {
                    match vm.compare_bool(n.into_value(), Value::int(0), cape_vm::ops::Cmp::Lt) {
                        Ok(true) => -1,
                        _ => 1,
                    }
                }
                None => 0,
            },
            Err(raised) => {
                // It becomes that of whoever called SQLite.
                c.raised.set(c, raised.value());
                0
            }
        }
    })
}

/// The bytes of a value of SQLite's.
///
/// # Safety
/// There must be so many, unless the address is null.
unsafe fn bytes<'a>(p: *const u8, n: c_int) -> &'a [u8] {
    // SAFETY: the caller's promise.
    if p.is_null() { &[] } else { unsafe { slice::from_raw_parts(p, n as usize) } }
}

/// A call of a function of Python's.
struct Call<'a> {
    vm: &'a Vm,
    context: *mut ffi::sqlite3_context,
    c: Conn,
    f: Value,
}

/// Runs the body of a function. Without a connection there is nobody to call.
///
/// # Safety
/// SQLite must call a function that was defined with a `Registered`.
unsafe fn function(context: *mut ffi::sqlite3_context, f: impl FnOnce(Call<'_>)) {
    inside(|vm| {
        // SAFETY: the caller's promise.
        let r = unsafe { &*(ffi::sqlite3_user_data(context) as *const Registered) };
        if let Some(c) = r.shared.object() {
            f(Call { vm, context, c, f: kept(c, r.place) });
        }
    })
}

impl Call<'_> {
    /// The arguments as Python's values.
    ///
    /// # Safety
    /// They must be SQLite's, for this call.
    unsafe fn arguments(&self, n: c_int, values: *mut *mut ffi::sqlite3_value) -> Res<Ptr<TupleObj>> {
        let out = TupleObj::uninit(n as usize);
        for i in 0..n as usize {
            // SAFETY: the caller's promise. The length is asked for after the value, which may have been converted.
            let v = unsafe {
                let v = *values.add(i);
                match ffi::sqlite3_value_type(v) {
                    ffi::SQLITE_INTEGER => int_value(ffi::sqlite3_value_int64(v)),
                    ffi::SQLITE_FLOAT => Value::float(ffi::sqlite3_value_double(v)),
                    ffi::SQLITE_TEXT => {
                        let p = ffi::sqlite3_value_text(v);
                        self.check_memory(p.is_null())?;
                        text(self.vm, bytes(p, ffi::sqlite3_value_bytes(v)))?
                    }
                    ffi::SQLITE_BLOB => {
                        let p = ffi::sqlite3_value_blob(v) as *const u8;
                        self.check_memory(p.is_null())?;
                        BytesObj::new(bytes(p, ffi::sqlite3_value_bytes(v))).value()
                    }
                    _ => Value::NONE,
                }
            };
            out.init(i, v);
        }
        Ok(out)
    }

    fn check_memory(&self, null: bool) -> Res<()> {
        // SAFETY: the database that calls.
        unsafe {
            let db = ffi::sqlite3_context_db_handle(self.context);
            if null && ffi::sqlite3_errcode(db) == ffi::SQLITE_NOMEM {
                Err(error::no_memory(self.vm))
            } else {
                Ok(())
            }
        }
    }

    /// Gives SQLite the result.
    fn give(&self, v: Value) -> Res<()> {
        let (vm, context) = (self.vm, self.context);
        let most = i32::MAX as usize;
        // SAFETY: SQLite's call; what it gets is copied.
        unsafe {
            if v.is_none() {
                ffi::sqlite3_result_null(context);
            } else if let Some(n) = Int::of(v) {
                ffi::sqlite3_result_int64(context, sqlite_int(vm, n)?);
            } else if let Some(f) = float_of(v) {
                ffi::sqlite3_result_double(context, f);
            } else if let Some(s) = v.downcast::<StrObj>() {
                let s = vm.utf8(s)?;
                if s.len() > most {
                    return Err(vm.overflow_error("string is longer than INT_MAX bytes"));
                }
                let (p, n) = (s.as_ptr() as *const c_char, s.len() as c_int);
                ffi::sqlite3_result_text(context, p, n, ffi::SQLITE_TRANSIENT());
            } else if vm.has_buffer(v) {
                let b = vm.bytes_like(v)?;
                if b.len() > most {
                    return Err(vm.overflow_error("BLOB longer than INT_MAX bytes"));
                }
                let p = b.as_slice().as_ptr() as *const c_void;
                ffi::sqlite3_result_blob(context, p, b.len() as c_int, ffi::SQLITE_TRANSIENT());
            } else {
                let class = type_of(v).name_str();
                return Err(programming(
                    vm,
                    format!("User-defined functions cannot return '{class}' values to SQLite"),
                ));
            }
        }
        Ok(())
    }

    /// The call fails with this message, or with an error that says more.
    fn fail(&self, raised: Raised, message: &str) {
        let t = &rt().types;
        // SAFETY: SQLite's call; the message is copied.
        unsafe {
            if raised.is(t.memory_error) {
                ffi::sqlite3_result_error_nomem(self.context);
            } else if raised.is(t.overflow_error) {
                ffi::sqlite3_result_error_toobig(self.context);
            } else {
                ffi::sqlite3_result_error(
                    self.context,
                    message.as_ptr() as *const c_char,
                    message.len() as c_int,
                );
            }
        }
        report(self.vm, self.f, raised);
    }

    /// As [`Call::fail`], of a method of an aggregate: it may be missing.
    fn fail_in(&self, raised: Raised, method: &str, missing: bool) {
        let what = if missing { "not defined" } else { "raised error" };
        self.fail(raised, &format!("user-defined aggregate's '{method}' method {what}"));
    }

    /// Where SQLite keeps the place of an aggregate's instance, plus one; `make`: also if it has not been called yet.
    fn instance_place(&self, make: bool) -> Option<&Cell<usize>> {
        let size = if make { size_of::<usize>() as c_int } else { 0 };
        // SAFETY: SQLite gives zeroed memory of that size, aligned for any word, which stays until the last call.
        unsafe { (ffi::sqlite3_aggregate_context(self.context, size) as *const Cell<usize>).as_ref() }
    }

    /// The instance, if there is one.
    fn instance(&self) -> Option<Value> {
        let place = self.instance_place(false)?.get();
        (place > 0).then(|| kept(self.c, place - 1))
    }

    /// A method of the instance, called with the arguments. Whether it is missing comes with the exception.
    ///
    /// # Safety
    /// As for [`Call::arguments`].
    unsafe fn call_method(
        &self,
        instance: Value,
        name: &str,
        n: c_int,
        values: *mut *mut ffi::sqlite3_value,
        no_arguments: &str,
    ) {
        let method = match self.vm.get_attr_str(instance, name) {
            Ok(f) => f,
            Err(r) => return self.fail_in(r, name, true),
        };
        // SAFETY: the caller's promise.
        let args = match unsafe { self.arguments(n, values) } {
            Ok(args) => args,
            Err(r) => return self.fail(r, no_arguments),
        };
        if let Err(r) = self.vm.call(method, args.as_slice()) {
            self.fail_in(r, name, false);
        }
    }
}

unsafe extern "C" fn scalar(
    context: *mut ffi::sqlite3_context,
    n: c_int,
    values: *mut *mut ffi::sqlite3_value,
) {
    // SAFETY: SQLite calls.
    unsafe {
        function(context, |call| {
            let result = call.arguments(n, values).and_then(|args| call.vm.call(call.f, args.as_slice()));
            if let Err(r) = result.and_then(|v| call.give(v)) {
                call.fail(r, "user-defined function raised exception");
            }
        })
    }
}

unsafe extern "C" fn step(
    context: *mut ffi::sqlite3_context,
    n: c_int,
    values: *mut *mut ffi::sqlite3_value,
) {
    // SAFETY: SQLite calls.
    unsafe {
        function(context, |call| {
            let Some(place) = call.instance_place(true) else {
                return call.fail(error::no_memory(call.vm), "unable to allocate SQLite aggregate context");
            };
            let instance = match place.get() {
                0 => match call.vm.call(call.f, &[]) {
                    Ok(made) => {
                        if let Some(shared) = call.c.shared() {
                            place.set(keep(call.c, &shared, made) + 1);
                        }
                        made
                    }
                    Err(r) => return call.fail_in(r, "__init__", false),
                },
                at => kept(call.c, at - 1),
            };
            call.call_method(
                instance,
                "step",
                n,
                values,
                "user-defined aggregate's 'step' method raised error",
            );
        })
    }
}

unsafe extern "C" fn inverse(
    context: *mut ffi::sqlite3_context,
    n: c_int,
    values: *mut *mut ffi::sqlite3_value,
) {
    // SAFETY: SQLite calls.
    unsafe {
        function(context, |call| {
            if let Some(instance) = call.instance() {
                let no_arguments = "unable to build arguments for user-defined aggregate's 'inverse' method";
                call.call_method(instance, "inverse", n, values, no_arguments);
            }
        })
    }
}

unsafe extern "C" fn value(context: *mut ffi::sqlite3_context) {
    // SAFETY: SQLite calls.
    unsafe {
        function(context, |call| {
            let Some(instance) = call.instance() else { return };
            match call.vm.call_method(instance, intern("value"), &[]) {
                Ok(v) => {
                    if let Err(r) = call.give(v) {
                        call.fail(r, "unable to set result from user-defined aggregate's 'value' method");
                    }
                }
                Err(r) => call.fail_in(r, "value", r.is(rt().types.attribute_error)),
            }
        })
    }
}

unsafe extern "C" fn last(context: *mut ffi::sqlite3_context) {
    // SAFETY: SQLite calls. The memory for the place is there if `step` was called.
    unsafe {
        function(context, |call| {
            // Without an instance there were no rows, or it could not be made.
            let Some(instance) = call.instance() else { return };
            let result = call.vm.call_method(instance, intern("finalize"), &[]);
            if let Err(r) = result.and_then(|v| call.give(v)) {
                call.fail_in(r, "finalize", r.is(rt().types.attribute_error));
            }
        });
        let r = &*(ffi::sqlite3_user_data(context) as *const Registered);
        if let Some(place) = (ffi::sqlite3_aggregate_context(context, 0) as *mut usize).as_mut()
            && *place > 0
        {
            r.shared.free(*place - 1);
            *place = 0;
        }
    }
}

/// Runs SQL that may call back, as [`attempt`] does, with the result of the call.
pub fn checked(vm: &Vm, c: Conn, db: *mut ffi::sqlite3, mut f: impl FnMut() -> c_int) -> Res<()> {
    attempt(vm, c, || match f() {
        ffi::SQLITE_OK => Ok(()),
        // SAFETY: the connection is entered, so that its database is not closed.
        rc => Err(unsafe { Error::of_call(db, rc) }),
    })
}
