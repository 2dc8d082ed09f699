//! What is done at safe points: switching threads, signal handlers, finalizers, callbacks of weak references, pending calls.

use std::cell::Cell;
use std::collections::VecDeque;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use cape_heap::{Pending, Tracer, heap};
use cape_vm::generator::{AsyncGenAuxObj, GeneratorObj};
use cape_vm::interpreter::{self, Interpreter};
use cape_vm::object::{BoundMethodObj, FunctionObj};
use cape_vm::special::Special;
use cape_vm::vm::{Hooks, clear_request, request};
use cape_vm::{Raised, Res, Value, Vm, gil, type_of};

/// Makes `vm` (and the VMs of threads that are started from it) serve requests.
pub fn install(vm: &Vm) {
    let restricted_view = cape_builtins::memoryview::restricted_view;
    vm.set_hooks(Hooks { poll, restricted_view, ..vm.hooks() });
    heap().add_root_scanner(after_collection);
}

/// Each collection may leave something to be run: look at the next safe point.
fn after_collection(_: &mut Tracer<'_>) {
    request();
}

static ASYNC: AtomicBool = AtomicBool::new(false);

/// Exceptions to be raised in other threads: thread identifier and a root of the exception class or instance.
static ASYNC_EXCEPTIONS: Mutex<Vec<(u64, RootBox)>> = Mutex::new(Vec::new());

struct RootBox(cape_heap::Root);
// SAFETY: used with the GIL held.
unsafe impl Send for RootBox {}

/// Raises an exception in another thread at its next safe point; false when there is no such thread.
pub fn raise_in_thread(ident: u64, exc: Option<Value>) -> bool {
    let mut known = false;
    gil::each_vm(|v| known |= v.ident.get() == ident);
    if !known {
        return false;
    }
    let mut all = ASYNC_EXCEPTIONS.lock().unwrap_or_else(|e| e.into_inner());
    all.retain(|e| e.0 != ident);
    if let Some(v) = exc {
        all.push((ident, RootBox(cape_heap::Root::new(v))));
        ASYNC.store(true, Ordering::Relaxed);
        request();
    }
    true
}

type Call = Box<dyn FnOnce(&Vm) -> Res<()> + Send>;

/// Calls that were asked for from elsewhere (`Py_AddPendingCall`).
static CALLS: Mutex<VecDeque<Call>> = Mutex::new(VecDeque::new());

/// How many calls may wait for the main thread: as many as in CPython (`MAXPENDINGCALLS_MAIN`).
const MOST_CALLS: usize = 32;

/// Asks the main thread to make a call at its next safe point; may be called without the GIL. False when too many wait already.
pub fn add_call(f: Call) -> bool {
    let mut calls = CALLS.lock().unwrap_or_else(|e| e.into_inner());
    if calls.len() >= MOST_CALLS {
        return false;
    }
    calls.push_back(f);
    request();
    true
}

/// How long a thread waits before it is idle, in nanoseconds.
pub const IDLE_AFTER: i64 = 10_000_000;

/// How many of a waiting thread's frames are looked at for what nothing will read again.
const IDLE_FRAMES: usize = 8;

/// What a thread does that is going to wait for long: it collects what died young and runs the finalizers. Perhaps it waits for just
/// that: for the other end of a connection, or the target of a weak reference, which reference counts would have freed before.
pub fn idle(vm: &Vm) {
    vm.clear_dead_temporaries(IDLE_FRAMES);
    heap().collect(false);
    run_finalizers(vm);
}

fn poll(vm: &Vm) -> Res<()> {
    clear_request();
    gil::serve_switch(vm);
    if gil::is_main_thread(vm) {
        if crate::signal::tripped() {
            crate::signal::run_pending(vm)?;
        }
        loop {
            let next = CALLS.lock().unwrap_or_else(|e| e.into_inner()).pop_front();
            match next {
                Some(f) => f(vm)?,
                None => break,
            }
        }
    } else if crate::signal::tripped() || !CALLS.lock().unwrap_or_else(|e| e.into_inner()).is_empty() {
        // For the main thread, which will poll when it runs again.
        request();
    }
    heap().collect_if_asked();
    if heap().has_pending() && (!RUNNING.get() || heap().pending_count() > MANY) {
        run_finalizers(vm);
    }
    if ASYNC.load(Ordering::Relaxed) {
        raise_async(vm)?;
    }
    Ok(())
}

#[cold]
fn raise_async(vm: &Vm) -> Res<()> {
    let mut all = ASYNC_EXCEPTIONS.lock().unwrap_or_else(|e| e.into_inner());
    let mine = all.iter().position(|e| e.0 == vm.ident.get());
    let found = mine.map(|i| all.remove(i).1.0.get());
    if all.is_empty() {
        ASYNC.store(false, Ordering::Relaxed);
    } else {
        request();
    }
    drop(all);
    match found {
        None => Ok(()),
        Some(v) => Err(exception_from(vm, v)?),
    }
}

/// The exception to raise for a class or an instance.
fn exception_from(vm: &Vm, v: Value) -> Res<Raised> {
    let e = if v.is::<cape_vm::object::TypeObj>() { vm.call(v, &[])? } else { v };
    match e.downcast::<cape_vm::object::ExcObj>() {
        Some(e) => Ok(Raised::new(e)),
        None => Err(vm.type_error("exceptions must derive from BaseException")),
    }
}

/// Runs what collections have left: finalizers and callbacks. Their exceptions are reported, not raised; so they wait for the handlers of
/// signals that have arrived, whose exceptions are the program's.
pub fn run_finalizers(vm: &Vm) {
    let waits = || crate::signal::tripped() && gil::is_main_thread(vm);
    while !waits()
        && let Some(p) = heap().take_pending()
    {
        run_one(vm, p);
    }
    if waits() {
        request();
    }
}

/// More than so many wait for no other to end.
const MANY: usize = 1000;

thread_local! {
    /// Whether this thread runs finalizers: those that wait come when the one that runs has ended, not in its middle.
    static RUNNING: Cell<bool> = const { Cell::new(false) };
}

/// Whether the calling thread runs finalizers. Async-signal-safe.
pub fn runs_finalizers() -> bool {
    RUNNING.get()
}

/// The interpreter whose function is to be called, if that is to be seen.
fn home(p: &Pending) -> Option<std::sync::Arc<Interpreter>> {
    let called = match *p {
        Pending::WeakCallback { callback, .. } => callback,
        Pending::Finalize(v) => type_of(v).special(Special::Del),
        Pending::Saved(_) => return None,
    };
    let function = called.downcast::<BoundMethodObj>().map_or(called, |m| m.func.get());
    interpreter::with_builtins(function.downcast::<FunctionObj>()?.builtins.get())
}

/// Runs one finalizer or callback, in the interpreter that it belongs to.
pub fn run_one(vm: &Vm, p: Pending) {
    if interpreter::are_several()
        && let Some(home) = home(&p)
        && !home.runs()
    {
        // Without memory for a thread state it is lost.
        let _ = crate::interpreters::inside(vm, &home, |vm| run_here(vm, p));
    } else {
        run_here(vm, p);
    }
}

fn run_here(vm: &Vm, p: Pending) {
    // They run between any two instructions: what is being handled there is none of their business.
    let handled = vm.set_handled(Value::EMPTY);
    let before = RUNNING.replace(true);
    match p {
        Pending::WeakCallback { weak, callback } => {
            if let Err(e) = vm.call(callback, &[weak]) {
                vm.report_ignored(e, "calling weakref callback", callback);
            }
        }
        Pending::Finalize(v) => finalize(vm, v),
        Pending::Saved(v) => crate::gc::save(v),
    }
    RUNNING.set(before);
    vm.set_handled(handled);
}

fn finalize(vm: &Vm, v: Value) {
    if let Some(g) = v.downcast::<GeneratorObj>() {
        return cape_builtins::generator::finalize(vm, g);
    }
    if let Some(a) = v.downcast::<AsyncGenAuxObj>() {
        return cape_builtins::asyncgen::finalize_awaitable(vm, a);
    }
    let del = type_of(v).special(Special::Del);
    if !del.is_empty()
        && let Err(e) = vm.call_special(del, &[v])
    {
        vm.report_ignored(e, "calling deallocator", del);
    }
}
