//! Interpreters: what Python code sees as its own, apart from what the process has once.
//!
//! Heap, lock, builtin types, maps and interned strings are the process's. What each interpreter has of its own (`sys.modules`, `builtins`,
//! `sys`, the codecs, warnings, `atexit`...) is held by roots that are found where they always were ([`crate::runtime::Runtime`], statics
//! of modules): there lie the values of the interpreter that *runs*. When a thread of another takes the lock, or a thread goes on in another,
//! the values are exchanged ([`run_in`]); so nobody who only looks pays for it.

use std::cell::{Cell, UnsafeCell};
use std::ptr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use cape_heap::{Root, Value};

use crate::runtime::rt;
use crate::vm::Vm;

/// What an interpreter may do, as `PyInterpreterConfig` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Objects are allocated as the main interpreter's are.
    pub use_main_obmalloc: bool,
    /// `os.fork` works.
    pub allow_fork: bool,
    /// `os.exec*` works.
    pub allow_exec: bool,
    /// Threads may be started.
    pub allow_threads: bool,
    /// Threads that are not waited for may be.
    pub allow_daemon_threads: bool,
    /// Extension modules have to say that they may be loaded here.
    pub check_multi_interp_extensions: bool,
    /// A lock of its own was asked for. All interpreters share one lock; extension modules must be ready for more, nevertheless.
    pub own_gil: bool,
}

impl Settings {
    /// The main interpreter's, and those of `Py_NewInterpreter`.
    pub const LEGACY: Settings = Settings {
        use_main_obmalloc: true,
        allow_fork: true,
        allow_exec: true,
        allow_threads: true,
        allow_daemon_threads: true,
        check_multi_interp_extensions: false,
        own_gil: false,
    };
    /// Those of an interpreter that shares as little as possible.
    pub const ISOLATED: Settings = Settings {
        use_main_obmalloc: false,
        allow_fork: false,
        allow_exec: false,
        allow_threads: true,
        allow_daemon_threads: false,
        check_multi_interp_extensions: true,
        own_gil: true,
    };
    /// Nothing.
    pub const EMPTY: Settings = Settings {
        use_main_obmalloc: false,
        allow_fork: false,
        allow_exec: false,
        allow_threads: false,
        allow_daemon_threads: false,
        check_multi_interp_extensions: false,
        own_gil: false,
    };
}

/// Who made an interpreter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Whence {
    /// Nobody says.
    Unknown,
    /// The start of the process.
    Runtime,
    /// `Py_NewInterpreter`.
    LegacyCapi,
    /// `Py_NewInterpreterFromConfig`.
    Capi,
    /// C's functions for crossings between interpreters.
    Crossing,
    /// The module `_interpreters`.
    Stdlib,
}

/// How far an interpreter's life has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd)]
pub enum Stage {
    /// It is being made.
    New,
    /// It can run code.
    Ready,
    /// It is being ended.
    Ending,
    /// It is no more: its threads do not run again.
    Ended,
}

/// An interpreter. What it shows is used with the lock held.
pub struct Interpreter {
    id: i64,
    /// What it may do.
    pub settings: Settings,
    /// Who made it.
    pub whence: Whence,
    /// How far its life has come.
    pub stage: Cell<Stage>,
    /// What the roots of [`own`] hold while another interpreter runs.
    parked: UnsafeCell<Vec<Root>>,
    /// `sys.get_int_max_str_digits()` of it, meanwhile.
    max_str_digits: Cell<usize>,
    /// What a test says instead of `check_multi_interp_extensions`: 1 for yes, -1 for no; 0: nothing.
    pub check_override: Cell<i64>,
    /// What the bridge keeps for it; null until C asks.
    pub c_state: Cell<*mut u8>,
    /// Whether a thread runs code in its `__main__`.
    pub runs_main: Cell<bool>,
    /// Guest VMs in it: see [`crate::gil::Guest`].
    pub guests: Cell<usize>,
    /// How many objects of Python's stand for it, and whether it ends with the last of them.
    pub references: Cell<usize>,
    /// See [`Interpreter::references`].
    pub ends_unreferenced: Cell<bool>,
    /// Threads that run in it, apart from its main one.
    pub threads: AtomicUsize,
}

// SAFETY: the cells are used with the lock held; the roots are handles.
unsafe impl Sync for Interpreter {}
// SAFETY: as above.
unsafe impl Send for Interpreter {}

struct All {
    /// The living, the main one first.
    list: Vec<Arc<Interpreter>>,
    next_id: i64,
    /// What each interpreter has of its own.
    own: Vec<&'static Root>,
}

struct Shared(UnsafeCell<All>);
// SAFETY: used with the lock held.
unsafe impl Sync for Shared {}
static ALL: Shared = Shared(UnsafeCell::new(All { list: Vec::new(), next_id: 0, own: Vec::new() }));

struct Running(Cell<*const Interpreter>);
// SAFETY: written when a thread has taken the lock, read with the lock held.
unsafe impl Sync for Running {}
static RUNNING: Running = Running(Cell::new(ptr::null()));

/// The functions that use this call nothing that comes here again while they do.
fn all() -> &'static mut All {
    // SAFETY: the lock is held, and no reference from an earlier call is in use.
    unsafe { &mut *ALL.0.get() }
}

/// Declares that each interpreter has a value of its own here. It is EMPTY in those that have not set it.
pub fn own(root: &'static Root) {
    all().own.push(root);
}

/// The main interpreter: of the first call's doing.
pub fn main() -> Arc<Interpreter> {
    if let Some(first) = all().list.first() {
        return first.clone();
    }
    let main = create(Settings::LEGACY, Whence::Runtime);
    main.stage.set(Stage::Ready);
    main.runs_main.set(true);
    RUNNING.0.set(Arc::as_ptr(&main));
    main
}

/// Adds an interpreter, which has nothing of its own yet.
pub fn create(settings: Settings, whence: Whence) -> Arc<Interpreter> {
    let all = all();
    let interpreter = Arc::new(Interpreter {
        id: all.next_id,
        settings,
        whence,
        stage: Cell::new(Stage::New),
        parked: UnsafeCell::new(Vec::new()),
        max_str_digits: Cell::new(rt().config().int_max_str_digits),
        check_override: Cell::new(0),
        c_state: Cell::new(ptr::null_mut()),
        runs_main: Cell::new(false),
        guests: Cell::new(0),
        references: Cell::new(0),
        ends_unreferenced: Cell::new(false),
        threads: AtomicUsize::new(0),
    });
    all.next_id += 1;
    all.list.push(interpreter.clone());
    interpreter
}

/// The living interpreters, the main one first.
pub fn list() -> Vec<Arc<Interpreter>> {
    all().list.clone()
}

/// The living interpreter with this number.
pub fn find(id: i64) -> Option<Arc<Interpreter>> {
    all().list.iter().find(|i| i.id == id).cloned()
}

/// Whether there is more than the main interpreter.
pub fn are_several() -> bool {
    all().list.len() > 1
}

/// The living interpreter whose `builtins` this dict is.
pub fn with_builtins(dict: Value) -> Option<Arc<Interpreter>> {
    let all = all();
    let at = all.own.iter().position(|r| ptr::eq(*r, &rt().builtins))?;
    let has = |i: &&Arc<Interpreter>| match i.runs() {
        true => rt().builtins.get() == dict,
        // SAFETY: the lock is held; only `exchange` changes the list.
        false => unsafe { (&*i.parked.get()).get(at).is_some_and(|r| r.get() == dict) },
    };
    all.list.iter().find(has).cloned()
}

/// Takes an interpreter, which does not run, out of the list, and drops what it had of its own.
pub fn end(interpreter: &Arc<Interpreter>) {
    debug_assert!(!interpreter.runs());
    interpreter.stage.set(Stage::Ended);
    all().list.retain(|i| !Arc::ptr_eq(i, interpreter));
    // SAFETY: the lock is held; only `run_in` uses the list otherwise.
    unsafe { (*interpreter.parked.get()).clear() };
}

/// `vm` runs from now on: what its interpreter has of its own is where everybody looks.
#[inline(always)]
pub(crate) fn run_in(vm: &Vm) {
    let next = Arc::as_ptr(vm.interpreter());
    if next != RUNNING.0.get() {
        exchange(vm.interpreter());
    }
}

#[cold]
#[inline(never)]
fn exchange(next: &Interpreter) {
    let before = RUNNING.0.replace(next);
    // SAFETY: the interpreter that ran lives: its VMs hold it, and it is taken out of the list only when it does not run.
    let before = unsafe { &*before };
    let own = &all().own;
    // SAFETY: the lock is held, and nothing below runs other code.
    let (kept, wanted) = unsafe { (&mut *before.parked.get(), &mut *next.parked.get()) };
    kept.resize_with(own.len(), || Root::new(Value::EMPTY));
    for (i, root) in own.iter().enumerate() {
        kept[i].set(root.get());
        root.set(wanted.get(i).map_or(Value::EMPTY, |w| {
            let v = w.get();
            w.set(Value::EMPTY);
            v
        }));
    }
    // SAFETY: the option is a plain number that is read anew each time.
    let digits = unsafe { &mut (*rt().config.get()).int_max_str_digits };
    before.max_str_digits.set(*digits);
    *digits = next.max_str_digits.get();
    rt().interpreter_runs();
}

impl Interpreter {
    /// Its number; the main interpreter's is 0.
    pub fn id(&self) -> i64 {
        self.id
    }

    /// Whether it is the main one.
    pub fn is_main(&self) -> bool {
        self.id == 0
    }

    /// Whether the running thread runs in it.
    pub fn runs(&self) -> bool {
        ptr::eq(self, RUNNING.0.get())
    }

    /// Whether it is no more.
    pub(crate) fn has_ended(&self) -> bool {
        self.stage.get() == Stage::Ended
    }

    /// Whether an extension module may be loaded here that can be for several interpreters, and for such with locks of their own.
    pub fn admits(&self, several: bool, own_gil: bool) -> bool {
        let check = match self.check_override.get() {
            0 => self.settings.check_multi_interp_extensions,
            n => n > 0,
        };
        self.is_main() || !check || several && (own_gil || !self.settings.own_gil)
    }

    /// How many threads run in it, apart from its main one.
    pub fn thread_count(&self) -> usize {
        self.threads.load(Ordering::Relaxed)
    }

    /// Counts a thread that begins (1) or ends (-1).
    pub fn count_thread(&self, by: isize) {
        self.threads.fetch_add(by as usize, Ordering::Relaxed);
    }
}
