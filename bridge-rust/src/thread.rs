//! Threads as C sees them: thread states, giving up and taking the GIL, threads that C itself started.

use std::cell::{Cell, RefCell};
use std::ffi::{c_int, c_void};
use std::sync::Arc;

use cape_stdlib::interpreters;
use cape_vm::interpreter::{self, Interpreter, Settings, Stage, Whence};
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
    /// VMs of this thread in other interpreters that C has thread states for.
    static GUESTS: RefCell<Vec<gil::Guest>> = const { RefCell::new(Vec::new()) };
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
    gil::Attached::new(hooks(), stacks, interpreter::main())
}

/// Gives the calling thread, which holds the GIL, a `PyThreadState`.
pub fn attach(vm: &Vm) {
    HOLDS.set(true);
    run_in(vm, state_of(vm));
    crate::lend::prepare(vm);
}

/// The calling thread runs in this VM from now on.
pub fn turn(vm: &Vm) {
    match vm.c_state.get() {
        t if t.is_null() => attach(vm),
        // SAFETY: the state is the calling thread's.
        t => unsafe { ffi::_Cape_SetThreadState(t as *mut PyThreadState) },
    }
}

/// The thread state that belongs to a VM of the calling thread; made at the first use.
fn state_of(vm: &Vm) -> *mut PyThreadState {
    let guest = vm.is_guest();
    let t = if guest { vm.c_own_state.get() as *mut PyThreadState } else { own_state() };
    if !t.is_null() {
        return t;
    }
    let t = new_state(vm.interpreter());
    if guest {
        vm.c_own_state.set(t as *mut u8);
    } else {
        STATE.with(|s| s.0.set(t));
    }
    t
}

fn new_state(interpreter: &Interpreter) -> *mut PyThreadState {
    // SAFETY: C makes the state.
    unsafe { ffi::cape_new_thread_state(interpreter_state(interpreter)) }
}

/// C's view of an interpreter, made at the first use.
pub fn interpreter_state(interpreter: &Interpreter) -> *mut c_void {
    let i = &interpreter.c_state;
    if i.get().is_null() {
        // SAFETY: C makes the struct.
        i.set(unsafe { ffi::cape_new_interpreter(interpreter.id()) } as *mut u8);
    }
    i.get() as *mut c_void
}

fn own_state() -> *mut PyThreadState {
    STATE.with(|s| s.0.get())
}

/// The thread state in which the calling thread runs, for C and for the bridge; null: it does not run Python code from now on.
fn run_in(vm: &Vm, t: *mut PyThreadState) {
    // SAFETY: the state is the calling thread's.
    unsafe {
        ffi::_Cape_SetThreadState(t);
        if !t.is_null() {
            ffi::cape_set_thread_vm(t, std::ptr::from_ref(vm) as *mut c_void);
        }
    }
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
    go_on_in(vm, t);
}

/// The calling thread, which has the GIL and runs in `vm`, goes on in the thread state `t`: in that state's VM, in `vm` when that is in the
/// state's interpreter, or in a new one.
fn go_on_in(vm: &Vm, t: *mut PyThreadState) {
    // SAFETY: the caller of C's function vouches for the state; what it has of Rust's was written by `run_in`, and is taken away before it
    // is dropped.
    let known = unsafe { (ffi::cape_thread_vm(t) as *const Vm).as_ref() };
    if known.is_some_and(|k| std::ptr::eq(k, vm)) {
        // The usual case: it has been here before.
        // SAFETY: the state is the calling thread's.
        unsafe { ffi::_Cape_SetThreadState(t) };
        vm.c_state.set(t as *mut u8);
        return;
    }
    let vm = match known.filter(|k| k.ident.get() == vm.ident.get()) {
        Some(known) => known,
        // SAFETY: a state's third word is its interpreter, whose first one is its number.
        None => match unsafe { **(t as *const *const i64).add(INTERPRETER_WORD) } {
            id if id == vm.interpreter().id() => vm,
            id => match interpreter::find(id).and_then(|i| new_guest(vm, i)) {
                Some(guest) => {
                    guest.c_own_state.set(t as *mut u8);
                    guest
                }
                None => {
                    eprintln!("Fatal Python error: PyThreadState_Swap: the thread state cannot run");
                    std::process::abort()
                }
            },
        },
    };
    vm.c_state.set(t as *mut u8);
    gil::turn_to(vm);
    run_in(vm, t);
    crate::lend::prepare(vm);
}

/// Where a `PyThreadState` has its interpreter, in words.
const INTERPRETER_WORD: usize = 2;

/// A VM of the calling thread in another interpreter, which stays until its thread state dies; nothing when there is no memory.
fn new_guest(vm: &Vm, interpreter: Arc<Interpreter>) -> Option<&'static Vm> {
    let guest = gil::Guest::new(vm.hooks(), vm::Stacks::reserve()?, interpreter);
    let p = std::ptr::from_ref(guest.vm());
    GUESTS.with_borrow_mut(|g| g.push(guest));
    // SAFETY: the VM is in a box of its own, which `GUESTS` has until `drop_guest`.
    Some(unsafe { &*p })
}

/// Drops a VM that [`new_guest`] made and that does not run.
fn drop_guest(vm: *const Vm) {
    let guest = GUESTS.with_borrow_mut(|g| {
        let at = g.iter().position(|g| std::ptr::eq(g.vm(), vm))?;
        Some(g.swap_remove(at))
    });
    drop(guest);
}

/// A guest VM is about to be dropped, and its thread state with it.
pub fn guest_leaves(vm: &Vm) {
    let t = vm.c_own_state.replace(std::ptr::null_mut()) as *mut PyThreadState;
    if !t.is_null() {
        // SAFETY: C made the state, in which nobody runs any more.
        unsafe {
            ffi::PyThreadState_Clear(t);
            libc::free(t);
        }
    }
}

/// `PyThreadState_Delete`: the state does not run, and is about to be freed. So is the VM that was made for it.
pub fn state_dies(t: *mut PyThreadState) {
    // SAFETY: as in `go_on_in`.
    let Some(vm) = (unsafe { (ffi::cape_thread_vm(t) as *const Vm).as_ref() }) else { return };
    if vm.c_own_state.get() as *mut PyThreadState == t {
        vm.c_own_state.set(std::ptr::null_mut());
        drop_guest(vm);
    }
}

/// `Py_NewInterpreterFromConfig`: a new interpreter, in which the calling thread goes on; its thread state. Null: there is none.
pub fn new_interpreter(settings: Settings, whence: Whence) -> *mut PyThreadState {
    // C may have given the GIL up before.
    let held = HOLDS.get();
    if !held {
        ensure();
    }
    let here = vm::current();
    let interpreter = interpreter::create(settings, whence);
    if let Some(guest) = new_guest(here, interpreter.clone()) {
        gil::turn_to(guest);
        if interpreters::boot(guest).is_ok() {
            interpreter.stage.set(Stage::Ready);
            PARKED.set(std::ptr::null());
            return guest.c_state.get() as *mut PyThreadState;
        }
        gil::turn_to(here);
        drop_guest(guest);
    }
    interpreters::forget(here, &interpreter);
    if !held {
        release(here);
    }
    std::ptr::null_mut()
}

/// `Py_EndInterpreter`: ends the interpreter that runs in this thread state, which must be the calling thread's. No state runs then, and the
/// GIL is given up.
pub fn end_interpreter(t: *mut PyThreadState) {
    let vm = vm::current();
    if vm.c_state.get() as *mut PyThreadState != t {
        fatal("Py_EndInterpreter: thread is not current");
    }
    if vm.interpreter().is_main() || !vm.is_guest() {
        fatal("Py_EndInterpreter: not the last thread");
    }
    if vm.depth() > 0 {
        fatal("Py_EndInterpreter: thread still has a frame");
    }
    let interpreter = vm.interpreter().clone();
    // SAFETY: a plain call; the functions are C's.
    unsafe { ffi::cape_run_at_exit(interpreter_state(&interpreter)) };
    interpreters::finish(vm);
    let host = gil::first_of_thread();
    gil::turn_to(host);
    drop_guest(vm);
    interpreters::forget(host, &interpreter);
    release(host);
}

fn fatal(message: &str) -> ! {
    eprintln!("Fatal Python error: {message}");
    std::process::abort()
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
        Some(a) => {
            // SAFETY: the calling thread's own state, whose VM is about to go.
            unsafe { ffi::cape_set_thread_vm(own_state(), std::ptr::null_mut()) };
            drop(a)
        }
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

/// `PyThreadState_Swap`: the calling thread goes on in the state `new`; null: it gives the GIL up. The state that ran.
pub fn swap(new: *mut PyThreadState) -> *mut PyThreadState {
    // SAFETY: a plain query of the calling thread's state.
    let old = unsafe { ffi::PyThreadState_GetUnchecked() };
    if old == new {
        return old;
    }
    if new.is_null() {
        release(vm::current());
    } else if !old.is_null() {
        go_on_in(vm::current(), new);
    } else if PARKED.get().is_null() {
        FOREIGN.with_borrow_mut(|f| *f = Some((attached(), 1)));
        HOLDS.set(true);
        go_on_in(vm::current(), new);
    } else {
        acquire(new);
    }
    old
}

/// `PyThreadState_DeleteCurrent`: the calling thread stops running Python code, and its state is freed.
pub fn delete_current(vm: &Vm) {
    // SAFETY: a plain query of the calling thread's state.
    let t = unsafe { ffi::PyThreadState_GetUnchecked() };
    run_in(vm, std::ptr::null_mut());
    let vm = match vm.is_guest() {
        true => {
            let host = gil::first_of_thread();
            gil::turn_to(host);
            state_dies(t);
            host
        }
        false => vm,
    };
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
