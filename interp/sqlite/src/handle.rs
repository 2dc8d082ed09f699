//! SQLite's handles, and how its functions are called.
//!
//! A call that may take long, wait for a lock or call back is made without the GIL, by [`run`]: meanwhile other threads may use the same
//! connection, close it, or drop the last reference of a statement. So
//!
//! - while a call is under way the connection is *entered*: it stays alive, callbacks find the object through [`Shared`], and `close()`
//!   leaves the closing to the last one that goes;
//! - what the collector finds dead is released at once only if no call is under way anywhere, for SQLite's mutexes may be held by a
//!   thread that waits for the GIL in a callback. Otherwise it is put aside, for the next call ([`dispose`]);
//! - nobody waits for a mutex of a connection with the GIL in hand: see [`Alone`].

use std::cell::{Cell, RefCell};
use std::ffi::c_int;
use std::ptr;
use std::rc::Weak;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};
use std::sync::{Arc, Mutex};

use cape_heap::Root;
use cape_stdlib::statics::StaticCell;
use cape_vm::object::ListObj;
use cape_vm::{Ptr, Res, Value, Vm, gil};
use libsqlite3_sys as ffi;

use crate::connection::{self, Conn, ConnectionObj};
use crate::locks;

unsafe extern "C" {
    /// Closes a database when its last statement and blob are gone. (The bindings leave it out.)
    fn sqlite3_close_v2(db: *mut ffi::sqlite3) -> c_int;
}

/// What a connection and its callbacks share.
pub struct Shared {
    /// The database; null when closed. Changed with the GIL held.
    pub db: Cell<*mut ffi::sqlite3>,
    /// Calls that are under way, and the connection meanwhile; with the GIL held.
    entered: Cell<u32>,
    object: RefCell<Option<Root>>,
    /// A database that is to be closed when the last call returns.
    closing: Cell<*mut ffi::sqlite3>,
    /// Places in the connection's list of objects that SQLite does not need any more: it may say so at any time.
    freed: Mutex<Vec<usize>>,
    any_freed: AtomicBool,
    /// Places that are empty; with the GIL held.
    spare: RefCell<Vec<usize>>,
    /// Open blobs; with the GIL held.
    pub blobs: RefCell<Vec<Weak<BlobHandle>>>,
    /// Statements, which closing the database ends, whoever has them; with the GIL held.
    statements: RefCell<Vec<std::sync::Weak<StatementHandle>>>,
    /// Those of which cursors have not fetched all rows do not end when the database is closed: the connection is opened anew, so that the
    /// cursors can be used. With the GIL held.
    pub spared: Cell<bool>,
    /// How long SQLite waits for a lock, in milliseconds; 0 also when only SQLite knows.
    pub timeout: AtomicI32,
    /// The places of the callables that there is one each of; with the GIL held.
    pub hooks: [Cell<Option<usize>>; 3],
}

// SAFETY: what is not synchronised is used with the GIL held.
unsafe impl Send for Shared {}
// SAFETY: as above.
unsafe impl Sync for Shared {}

/// The callables of which a connection has one each.
#[derive(Clone, Copy)]
pub enum Hook {
    Authorizer,
    Progress,
    Trace,
}

impl Shared {
    pub fn new(db: *mut ffi::sqlite3) -> Arc<Shared> {
        Arc::new(Shared {
            db: Cell::new(db),
            entered: Cell::new(0),
            object: RefCell::new(None),
            closing: Cell::new(ptr::null_mut()),
            freed: Mutex::new(Vec::new()),
            any_freed: AtomicBool::new(false),
            spare: RefCell::new(Vec::new()),
            blobs: RefCell::new(Vec::new()),
            statements: RefCell::new(Vec::new()),
            spared: Cell::new(false),
            timeout: AtomicI32::new(0),
            hooks: [const { Cell::new(None) }; 3],
        })
    }

    /// The connection, while it is entered.
    pub fn object(&self) -> Option<Conn> {
        let c: Conn = self.object.borrow().as_ref()?.get().downcast()?;
        c.is_of(self).then_some(c)
    }

    /// What is to be done to close the database, which nobody is in.
    fn closed(&self, db: *mut ffi::sqlite3) -> Dead {
        let all = self.statements.take();
        let ends = |s: &Arc<StatementHandle>| !self.spared.get() || Arc::strong_count(s) <= 2;
        let statements =
            all.iter().filter_map(|s| s.upgrade()).filter(ends).map(|s| s.st.replace(ptr::null_mut()));
        Dead::Database(db, statements.filter(|s| !s.is_null()).collect())
    }

    /// SQLite does not need the object at this place any more. Needs no GIL.
    pub fn free(&self, place: usize) {
        self.freed.lock().unwrap_or_else(|e| e.into_inner()).push(place);
        self.any_freed.store(true, Ordering::Release);
    }
}

/// Keeps an object for SQLite: its place in the connection's list.
pub fn keep(c: Conn, shared: &Shared, v: Value) -> usize {
    let list: Ptr<ListObj> = c.kept.downcast().expect("a list");
    sweep(c, shared);
    let spare = shared.spare.borrow_mut().pop();
    match spare {
        Some(place) => {
            list.set(place, v);
            place
        }
        None => {
            list.push(v);
            list.len() - 1
        }
    }
}

/// The object at a place.
pub fn kept(c: Conn, place: usize) -> Value {
    c.kept.downcast::<ListObj>().and_then(|l| l.get(place)).unwrap_or(Value::NONE)
}

/// Lets go of the objects that SQLite does not need any more.
pub fn sweep(c: Conn, shared: &Shared) {
    if !shared.any_freed.swap(false, Ordering::Acquire) {
        return;
    }
    let freed = std::mem::take(&mut *shared.freed.lock().unwrap_or_else(|e| e.into_inner()));
    // (The connection may have been opened anew.)
    if c.is_of(shared)
        && let Some(list) = c.kept.downcast::<ListObj>()
    {
        for &place in &freed {
            list.set(place, Value::NONE);
        }
    }
    shared.spare.borrow_mut().extend(freed);
}

/// A connection's database, closed when the connection dies.
pub struct Handle(pub Arc<Shared>);

impl Drop for Handle {
    fn drop(&mut self) {
        // (What is left of the struct may be dropped without the GIL.)
        self.0.blobs.borrow_mut().clear();
        let db = self.0.db.replace(ptr::null_mut());
        if !db.is_null() {
            dispose(self.0.closed(db));
        }
    }
}

/// A prepared statement; null when its text says nothing, or the database is closed. It has one owner in Python, and the cursor whose
/// rows it gives.
pub struct StatementHandle {
    st: Cell<*mut ffi::sqlite3_stmt>,
    /// A cursor gives it parameters, or executes it.
    pub claimed: Cell<bool>,
}

// SAFETY: SQLite's own mutex protects what is behind the pointer, which is changed with the GIL held and nobody inside the connection.
unsafe impl Send for StatementHandle {}
// SAFETY: as above.
unsafe impl Sync for StatementHandle {}

impl StatementHandle {
    /// Takes a statement over.
    pub fn new(st: *mut ffi::sqlite3_stmt, shared: &Shared) -> Arc<StatementHandle> {
        let handle = Arc::new(StatementHandle { st: Cell::new(st), claimed: Cell::new(false) });
        let mut all = shared.statements.borrow_mut();
        if all.len() == all.capacity() {
            all.retain(|s| s.strong_count() > 0);
        }
        all.push(Arc::downgrade(&handle));
        handle
    }

    /// The statement.
    pub fn st(&self) -> *mut ffi::sqlite3_stmt {
        self.st.get()
    }

    /// Whether a cursor has it: another one needs a statement of its own.
    pub fn is_taken(&self) -> bool {
        self.claimed.get() || self.is_busy()
    }

    /// Whether it has given rows, and may have more.
    pub fn is_busy(&self) -> bool {
        // SAFETY: a statement of ours, or null.
        unsafe { ffi::sqlite3_stmt_busy(self.st()) != 0 }
    }
}

impl Drop for StatementHandle {
    fn drop(&mut self) {
        let st = self.st.get();
        if !st.is_null() {
            dispose(Dead::Statement(st));
        }
    }
}

/// An open blob, or null.
pub struct BlobHandle(Cell<*mut ffi::sqlite3_blob>);

impl BlobHandle {
    pub fn new(blob: *mut ffi::sqlite3_blob) -> BlobHandle {
        locks::one_more();
        BlobHandle(Cell::new(blob))
    }

    pub fn get(&self) -> *mut ffi::sqlite3_blob {
        self.0.get()
    }

    /// Takes it, to close it.
    pub fn take(&self) -> *mut ffi::sqlite3_blob {
        let blob = self.0.replace(ptr::null_mut());
        if !blob.is_null() {
            locks::one_less();
        }
        blob
    }
}

impl Drop for BlobHandle {
    fn drop(&mut self) {
        let blob = self.take();
        if !blob.is_null() {
            dispose(Dead::Blob(blob));
        }
    }
}

/// What is left of a dead object.
pub enum Dead {
    Statement(*mut ffi::sqlite3_stmt),
    Reset(Arc<StatementHandle>),
    Blob(*mut ffi::sqlite3_blob),
    /// With the statements that are left.
    Database(*mut ffi::sqlite3, Vec<*mut ffi::sqlite3_stmt>),
}

impl Dead {
    fn release(self) {
        // SAFETY: each pointer is the last to its object (`Reset` shares its own), and SQLite keeps a database until its statements and
        // blobs are gone.
        unsafe {
            match self {
                Dead::Statement(s) => drop(ffi::sqlite3_finalize(s)),
                Dead::Reset(s) => drop(ffi::sqlite3_reset(s.st())),
                Dead::Blob(b) => drop(ffi::sqlite3_blob_close(b)),
                Dead::Database(db, statements) => {
                    for s in statements {
                        ffi::sqlite3_finalize(s);
                    }
                    sqlite3_close_v2(db);
                }
            }
        }
    }

    /// The database that it is of; null when that does not matter.
    fn db(&self) -> *mut ffi::sqlite3 {
        // SAFETY: the statements are alive.
        unsafe {
            match self {
                Dead::Statement(s) => ffi::sqlite3_db_handle(*s),
                Dead::Reset(s) => ffi::sqlite3_db_handle(s.st()),
                Dead::Blob(_) | Dead::Database(..) => ptr::null_mut(),
            }
        }
    }
}

/// Releases what was put aside and is of other databases than this, to which the caller is in a call; without the GIL.
pub fn release_others(own: *mut ffi::sqlite3) {
    let mut dead = inside(|_| DEAD.0.take());
    let later: Vec<Dead> = dead.extract_if(.., |d| d.db() == own).collect();
    dead.into_iter().for_each(Dead::release);
    inside(|_| {
        let mut all = DEAD.0.take();
        all.extend(later);
        DEAD.0.set(all);
    });
}

/// Calls that are under way in this process.
static ENTERED: StaticCell<usize> = StaticCell(Cell::new(0));
/// What is to be released when one may wait for mutexes.
static DEAD: StaticCell<Vec<Dead>> = StaticCell(Cell::new(Vec::new()));

thread_local! {
    /// The thread's VM while it is in a call without the GIL; null otherwise.
    static OUTSIDE: Cell<*const Vm> = const { Cell::new(ptr::null()) };
}

/// Releases what is left of a dead object, now or later.
pub fn dispose(dead: Dead) {
    // (Without the GIL one may wait for mutexes.)
    if !OUTSIDE.get().is_null() || ENTERED.0.get() == 0 {
        dead.release();
    } else {
        let mut all = DEAD.0.take();
        all.push(dead);
        DEAD.0.set(all);
    }
}

/// A call that is under way; made and dropped with the GIL held.
pub struct Entry(Arc<Shared>);

impl Entry {
    pub fn new(c: Conn, shared: &Arc<Shared>) -> Entry {
        ENTERED.0.set(ENTERED.0.get() + 1);
        let n = shared.entered.get();
        shared.entered.set(n + 1);
        if n == 0 {
            *shared.object.borrow_mut() = Some(Root::new(c.value()));
        }
        Entry(shared.clone())
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        let s = &self.0;
        ENTERED.0.set(ENTERED.0.get() - 1);
        s.entered.set(s.entered.get() - 1);
        if s.entered.get() == 0 {
            s.object.borrow_mut().take();
            let db = s.closing.replace(ptr::null_mut());
            if !db.is_null() {
                dispose(s.closed(db));
            }
        }
        if ENTERED.0.get() == 0 {
            DEAD.0.take().into_iter().for_each(Dead::release);
        }
    }
}

/// Runs `f`, which calls SQLite, without the GIL. The connection has been opened once.
pub fn run<R>(vm: &Vm, c: Conn, f: impl FnOnce() -> R) -> R {
    let shared = c.shared().expect("a connection that was opened");
    let entry = Entry::new(c, &shared);
    let dead = DEAD.0.take();
    let r = unlocked(vm, || {
        dead.into_iter().for_each(Dead::release);
        f()
    });
    drop(entry);
    sweep(c, &shared);
    r
}

/// As [`run`], for what is of no open connection.
pub fn unlocked<R>(vm: &Vm, f: impl FnOnce() -> R) -> R {
    struct Back(*const Vm);
    impl Drop for Back {
        fn drop(&mut self) {
            OUTSIDE.set(self.0);
        }
    }
    vm.allow_threads(|| {
        let _back = Back(OUTSIDE.replace(vm));
        f()
    })
}

/// Runs the body of a callback, with the GIL held.
pub fn inside<R>(f: impl FnOnce(&Vm) -> R) -> R {
    let outside = OUTSIDE.replace(ptr::null());
    // SAFETY: the thread's VM, which outlives the call that led here.
    let Some(vm) = (unsafe { outside.as_ref() }) else {
        // Something dead is being released, with the GIL held.
        return f(cape_vm::current());
    };
    gil::acquire(vm);
    let r = f(vm);
    gil::release(vm);
    OUTSIDE.set(outside);
    r
}

/// Closes the connection's database, when nobody is in it any more; whether that is now.
pub fn close(vm: &Vm, shared: &Arc<Shared>) -> bool {
    let db = shared.db.replace(ptr::null_mut());
    if db.is_null() {
        return false;
    }
    if shared.entered.get() > 0 {
        shared.closing.set(db);
        return false;
    }
    let closed = shared.closed(db);
    unlocked(vm, || closed.release());
    true
}

/// No other thread is inside the connection while this lives and no Python code runs: it has the connection's mutex, which is waited for
/// without the GIL. Where only one thread may use the connection there is nothing to do.
pub struct Alone(*mut ffi::sqlite3_mutex);

impl Alone {
    pub fn new(vm: &Vm, c: Conn) -> Res<Alone> {
        if c.same_thread.get() {
            return Ok(Alone(ptr::null_mut()));
        }
        loop {
            let db = connection::open_db(vm, c)?;
            // SAFETY: an open database, as long as the GIL is held.
            let mutex = unsafe { ffi::sqlite3_db_mutex(db) };
            // SAFETY: its mutex.
            if mutex.is_null() || unsafe { ffi::sqlite3_mutex_try(mutex) } == ffi::SQLITE_OK {
                return Ok(Alone(mutex));
            }
            run(vm, c, || {
                // SAFETY: while the connection is entered its database is not closed.
                unsafe {
                    ffi::sqlite3_mutex_enter(mutex);
                    ffi::sqlite3_mutex_leave(mutex);
                }
            });
        }
    }
}

impl Drop for Alone {
    fn drop(&mut self) {
        if !self.0.is_null() {
            // SAFETY: this thread has it.
            unsafe { ffi::sqlite3_mutex_leave(self.0) };
        }
    }
}

impl ConnectionObj {
    /// What the connection shares with its callbacks; none before it was opened.
    pub fn shared(&self) -> Option<Arc<Shared>> {
        self.handle.borrow().as_ref().map(|h| h.0.clone())
    }

    /// Whether this is what it shares now.
    fn is_of(&self, shared: &Shared) -> bool {
        self.handle.borrow().as_ref().is_some_and(|h| std::ptr::eq(&*h.0, shared))
    }
}
