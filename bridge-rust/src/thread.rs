//! Threads as C sees them: thread states, giving up and taking the GIL, threads that C itself started.

use std::cell::{Cell, RefCell};
use std::ffi::{c_int, c_void};

use cape_vm::{Vm, gil, vm};

use crate::ffi;

/// C's view of a thread state.
pub type PyThreadState = c_void;

const LOCKED: c_int = 0;
const UNLOCKED: c_int = 1;

thread_local! {
    /// The VM of this thread while C has given up the GIL, and the nesting depth of `PyGILState_Ensure`.
    static PARKED: Cell<*const Vm> = const { Cell::new(std::ptr::null()) };
    /// The attachment of a thread that C started, while it is inside `PyGILState_Ensure`.
    static FOREIGN: RefCell<Option<(gil::Attached, u32)>> = const { RefCell::new(None) };
    /// Whether this thread is the one that runs Python code now.
    static HOLDS: Cell<bool> = const { Cell::new(false) };
    static STATE: State = const { State(Cell::new(std::ptr::null_mut())) };
}

/// A thread's own state, which ends with it; the main thread's serves what runs at exit.
struct State(Cell<*mut PyThreadState>);

impl Drop for State {
    fn drop(&mut self) {
        // SAFETY: plain queries; C made the state, and the thread does not run Python code any more.
        unsafe {
            if libc::syscall(libc::SYS_gettid) != libc::getpid() as libc::c_long {
                ffi::_Cape_SetThreadState(std::ptr::null_mut());
                libc::free(self.0.get());
            }
        }
    }
}

/// Lets a thread that C made take part.
fn attached() -> gil::Attached {
    let Some(stacks) = cape_vm::vm::Stacks::reserve() else {
        eprintln!("Fatal Python error: PyGILState_Ensure: Couldn't create thread-state for new thread");
        std::process::abort()
    };
    gil::Attached::new(hooks(), stacks)
}

/// Gives the calling thread, which holds the GIL, a `PyThreadState`.
pub fn attach(vm: &Vm) {
    HOLDS.set(true);
    let mut t = own_state();
    if t.is_null() {
        // SAFETY: C makes the state.
        t = unsafe { ffi::cape_new_thread_state() };
        STATE.with(|s| s.0.set(t));
    }
    run_in(vm, t);
    crate::lend::prepare(vm);
}

fn own_state() -> *mut PyThreadState {
    STATE.with(|s| s.0.get())
}

/// The thread state in which the calling thread runs, for C and for the bridge; null: it does not run Python code from now on.
fn run_in(vm: &Vm, t: *mut PyThreadState) {
    // SAFETY: the state is the calling thread's.
    unsafe { ffi::_Cape_SetThreadState(t) };
    vm.c_state.set(t as *mut u8);
}

/// `PyEval_SaveThread`: gives the GIL up.
pub fn release(vm: &Vm) -> *mut PyThreadState {
    // SAFETY: a plain query of the calling thread's state.
    let t = unsafe { ffi::PyThreadState_GetUnchecked() };
    PARKED.set(vm);
    HOLDS.set(false);
    run_in(vm, std::ptr::null_mut());
    gil::release(vm);
    t
}

/// `PyEval_RestoreThread`: takes the GIL again.
pub fn acquire(t: *mut PyThreadState) {
    let parked = PARKED.get();
    if parked.is_null() {
        eprintln!("Fatal Python error: PyEval_RestoreThread: the thread never gave up the GIL");
        std::process::abort()
    }
    // SAFETY: a thread's VM outlives the calls into C that it makes.
    let vm = unsafe { &*parked };
    gil::acquire(vm);
    PARKED.set(std::ptr::null());
    HOLDS.set(true);
    run_in(vm, t);
}

/// `PyGILState_Ensure`: the calling thread, whichever it is, holds the GIL afterwards.
pub fn ensure() -> c_int {
    if HOLDS.get() {
        return LOCKED;
    }
    let parked = PARKED.get();
    if !parked.is_null() {
        // SAFETY: as in acquire.
        let vm = unsafe { &*parked };
        gil::acquire(vm);
        attach(vm);
        return UNLOCKED;
    }
    FOREIGN.with_borrow_mut(|f| match f {
        Some((_, n)) => *n += 1,
        None => *f = Some((attached(), 1)),
    });
    attach(vm::current());
    UNLOCKED
}

/// The hooks of the main VM, remembered when the bridge starts.
fn hooks() -> vm::Hooks {
    MAIN_HOOKS.lock().map_or_else(|e| *e.into_inner(), |h| *h).unwrap_or(vm::Hooks {
        first_weakref: |_| cape_vm::Value::NONE,
        poll: |_| Ok(()),
        restricted_view: |_| cape_vm::Value::NONE,
    })
}

static MAIN_HOOKS: std::sync::Mutex<Option<vm::Hooks>> = std::sync::Mutex::new(None);

/// Remembers the hooks that threads started by C get.
pub fn remember_hooks(vm: &Vm) {
    if let Ok(mut h) = MAIN_HOOKS.lock() {
        *h = Some(vm.hooks());
    }
}

/// `PyGILState_Release`: undoes the matching [`ensure`].
pub fn leave(vm: &Vm, state: c_int) {
    if state == LOCKED {
        return;
    }
    HOLDS.set(false);
    run_in(vm, std::ptr::null_mut());
    let foreign = FOREIGN.with_borrow_mut(|f| f.take());
    match foreign {
        Some(a) => drop(a),
        None => gil::release(vm),
    }
}

/// `PyGILState_GetThisThreadState`: the calling thread's state, whether it runs or not; NULL when it has none.
pub fn this_state() -> *mut PyThreadState {
    own_state()
}

/// `PyGILState_Check`.
pub fn holds() -> bool {
    HOLDS.get()
}

/// `PyThreadState_Swap`: gives the GIL up when another state than `new` runs in this thread, and takes it for `new`. The state that ran.
pub fn swap(new: *mut PyThreadState) -> *mut PyThreadState {
    // SAFETY: a plain query of the calling thread's state.
    let old = unsafe { ffi::PyThreadState_GetUnchecked() };
    if old == new {
        return old;
    }
    if !old.is_null() {
        release(vm::current());
    }
    if !new.is_null() {
        if PARKED.get().is_null() {
            FOREIGN.with_borrow_mut(|f| *f = Some((attached(), 1)));
            HOLDS.set(true);
            run_in(vm::current(), new);
        } else {
            acquire(new);
        }
    }
    old
}

/// `PyThreadState_DeleteCurrent`: the calling thread stops running Python code, and its state is freed.
pub fn delete_current(vm: &Vm) {
    // SAFETY: a plain query of the calling thread's state.
    let t = unsafe { ffi::PyThreadState_GetUnchecked() };
    run_in(vm, std::ptr::null_mut());
    STATE.with(|s| {
        if s.0.get() == t {
            s.0.set(std::ptr::null_mut());
        }
    });
    // SAFETY: C made the state, which nobody uses any more.
    unsafe { libc::free(t) };
    HOLDS.set(false);
    match FOREIGN.with_borrow_mut(|f| f.take()) {
        Some((attached, _)) => drop(attached),
        None => {
            PARKED.set(vm);
            gil::release(vm);
        }
    }
}
