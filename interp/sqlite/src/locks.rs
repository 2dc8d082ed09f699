//! Cursors and blobs that hold locks. CPython lets go of them with their last reference; here one may be dead for a while, and what it has
//! locked is in the way. So when something is locked dead ones are looked for.

use std::cell::{Cell, RefCell};
use std::ffi::{c_int, c_void};
use std::ptr;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use cape_heap::{HeapObject, Ptr, Tracer, heap};
use cape_stdlib::statics::StaticCell;
use cape_vm::{Value, Vm, gil};
use libsqlite3_sys as ffi;

use crate::connection::Conn;
use crate::cursor::CursorObj;
use crate::handle::{Dead, Shared, StatementHandle, dispose, inside, release_others, run};

/// How many there are in this process, and how many there were after they were looked through last.
static HOLD: StaticCell<usize> = StaticCell(Cell::new(0));
static KNOWN: StaticCell<usize> = StaticCell(Cell::new(0));

/// There is one more.
pub fn one_more() {
    HOLD.0.set(HOLD.0.get() + 1);
}

/// There is one less.
pub fn one_less() {
    let n = HOLD.0.get() - 1;
    HOLD.0.set(n);
    KNOWN.0.set(KNOWN.0.get().min(n));
}

/// The statement that a cursor left in the midst of its rows: reset when the cursor dies, or its locks would stay.
pub struct Held(RefCell<Option<Arc<StatementHandle>>>);

impl Held {
    pub const fn new() -> Held {
        Held(RefCell::new(None))
    }

    /// Notes the statement, or that there is none.
    pub fn set(&self, statement: Option<Arc<StatementHandle>>) {
        let (old, new) = (self.0.borrow().is_some(), statement.is_some());
        let _released = self.0.replace(statement);
        match (old, new) {
            (false, true) => one_more(),
            (true, false) => one_less(),
            _ => {}
        }
    }

    /// Whether there is one.
    pub fn is_some(&self) -> bool {
        self.0.borrow().is_some()
    }

    /// Resets it, now or later.
    pub fn release(&self) {
        if let Some(statement) = self.0.take() {
            one_less();
            dispose(Dead::Reset(statement));
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.release();
    }
}

/// Something is locked, perhaps by what nobody has any more: that is released. Whether there was something, unless all were looked at
/// before.
#[cold]
#[inline(never)]
pub fn reclaim(vm: &Vm) -> bool {
    let before = HOLD.0.get();
    if before <= KNOWN.0.get() {
        return false;
    }
    vm.scrub_native_stack();
    cape_stdlib::gc::collect_all(vm);
    if HOLD.0.get() > 0 {
        release_unreferred();
    }
    KNOWN.0.set(HOLD.0.get());
    HOLD.0.get() < before
}

/// After a full collection: releases what those cursors hold that nothing but native stacks refers to. Almost certainly words are left
/// there from calls that have returned. Should a native function have the cursor nevertheless, it is told when it asks for the next row.
fn release_unreferred() {
    let mut cursors: Vec<Ptr<CursorObj>> = Vec::new();
    heap().each_object(&mut |h| {
        if !std::ptr::eq(h.map().kind(), CursorObj::kind()) {
            return;
        }
        if let Some(cur) = h.as_value().downcast::<CursorObj>()
            && cur.holds_idly()
            && h.link() == 0
        {
            cursors.push(cur);
        }
    });
    let mut referred = |v: Value| cursors.retain(|cur| cur.value() != v);
    heap().each_object(&mut |h| heap().each_referent(h, &mut referred));
    gil::each_vm(|vm| vm.trace(&mut Tracer::new(&mut |cell| referred(cell.get()))));
    for cur in cursors {
        cur.abandon();
    }
}

/// As [`run`], for a call that may wait for a lock of another connection. If there is a reason to look for it, what nobody has any more is
/// looked for before the time is up.
pub fn run_waiting<R>(vm: &Vm, c: Conn, db: *mut ffi::sqlite3, f: impl FnOnce() -> R) -> R {
    let timeout = match c.shared() {
        Some(shared) if HOLD.0.get() > KNOWN.0.get() => shared.timeout.load(Ordering::Relaxed),
        _ => 0,
    };
    if timeout <= 0 {
        return run(vm, c, f);
    }
    let data = c.shared().map_or(ptr::null(), |s| Arc::as_ptr(&s)) as *mut c_void;
    run(vm, c, || {
        // SAFETY: the database stays open while the connection is entered, and what the handler gets lives as long.
        unsafe { ffi::sqlite3_busy_handler(db, Some(busy), data) };
        let r = f();
        // SAFETY: as above.
        unsafe { ffi::sqlite3_busy_timeout(db, timeout) };
        r
    })
}

/// How long is waited is told SQLite, which does not say; `sql` is looked through for it.
pub fn watch_timeout(c: Conn, sql: &[u8]) {
    const NAME: &[u8] = b"busy_timeout";
    if sql.windows(NAME.len()).any(|w| w.eq_ignore_ascii_case(NAME))
        && let Some(shared) = c.shared()
    {
        shared.timeout.store(0, Ordering::Relaxed);
    }
}

/// What SQLite's own handler waits before it tries again, in milliseconds.
const DELAYS: [c_int; 12] = [1, 2, 5, 10, 15, 20, 25, 25, 25, 50, 50, 100];

/// Waits for a lock as SQLite's own handler does, but first looks for what nobody has any more.
///
/// # Safety
/// `shared` is that of the connection, `n` how often it was called before.
unsafe extern "C" fn busy(shared: *mut c_void, n: c_int) -> c_int {
    // SAFETY: it lives as long as the connection's database.
    let shared = unsafe { &*(shared as *const Shared) };
    if n == 0 && inside(reclaim) {
        // (Calls that are under way, this one among them, may have kept it from being released.)
        release_others(shared.db.get());
        return 1;
    }
    let last = DELAYS.len() - 1;
    let i = n as usize;
    let delay = DELAYS[i.min(last)];
    let before: c_int =
        DELAYS[..i.min(last)].iter().sum::<c_int>() + (i.saturating_sub(last) as c_int) * DELAYS[last];
    let left = shared.timeout.load(Ordering::Relaxed) - before;
    if left <= 0 {
        return 0;
    }
    // SAFETY: a plain call.
    unsafe { ffi::sqlite3_sleep(delay.min(left)) };
    1
}
