//! Monitoring of running code (PEP 669), and what `sys.settrace` and `sys.setprofile` are made of.
//!
//! Code that somebody watches is *instrumented*: at each place of interest the opcode of its first word is replaced by
//! [`Op::Stop`](cape_bytecode::Op), at which the interpreter asks [`Vm::at_stop`] what to do, before it does the original instruction, which the
//! code's unit still has. Code that nobody watches is what it always is, and costs nothing; instrumented code is not run in compiled form.
//!
//! Events are watched by *tools*: six of Python code's, by `sys.monitoring`, and two of Cape's own for the older functions,
//! whose state is per thread. A tool watches everything or single code objects.

mod fire;
mod legacy;
mod lines;
mod watch;

use std::cell::{Cell, RefCell, UnsafeCell};

use cape_heap::{Ptr, Root, Value};

use crate::object::*;
use crate::runtime::rt;
use crate::vm::Vm;

pub use fire::{Stop, Stops};
pub(crate) use watch::{Listed, Watch, code_unfolded};

macro_rules! events {
    ($($variant:ident $name:literal)*) => {
        /// Events, by number; their bits are `1 << number`, the names those of `sys.monitoring.events`.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        #[repr(u8)]
        #[allow(missing_docs, reason = "PEP 669 says what they are")]
        pub enum Event { $($variant),* }

        /// Names of the events, by number.
        pub const NAMES: [&str; Event::ALL.len()] = [$($name),*];

        impl Event {
            /// All of them, by number.
            pub const ALL: &[Event] = &[$(Event::$variant),*];
        }
    };
}

events! {
    PyStart "PY_START"
    PyResume "PY_RESUME"
    PyReturn "PY_RETURN"
    PyYield "PY_YIELD"
    Call "CALL"
    Line "LINE"
    Instruction "INSTRUCTION"
    Jump "JUMP"
    BranchLeft "BRANCH_LEFT"
    BranchRight "BRANCH_RIGHT"
    StopIteration "STOP_ITERATION"
    Raise "RAISE"
    ExceptionHandled "EXCEPTION_HANDLED"
    PyUnwind "PY_UNWIND"
    PyThrow "PY_THROW"
    Reraise "RERAISE"
    CReturn "C_RETURN"
    CRaise "C_RAISE"
    Branch "BRANCH"
}

impl Event {
    /// The bit in sets of events.
    pub const fn bit(self) -> u32 {
        1 << self as u8
    }
}

/// Events that belong to instructions, and may be watched in single code objects; the others happen anywhere.
pub const LOCAL: u32 = (1 << Event::Raise as u8) - 1;
/// Both directions of a branch.
pub(crate) const BRANCHES: u32 = Event::BranchLeft.bit() | Event::BranchRight.bit();

/// Tools of Python code.
pub const TOOLS: usize = 6;
/// The tool of `sys.setprofile`.
pub(crate) const PROFILE: usize = 6;
/// The tool of `sys.settrace`.
pub(crate) const TRACE: usize = 7;
/// All of them.
pub(crate) const ALL_TOOLS: usize = 8;

/// Who watches what, in this process.
struct Monitor {
    /// Names of the tools in use (EMPTY: not in use), their callbacks, 19 each (EMPTY: none), DISABLE and MISSING: an array, made when
    /// first needed.
    objects: UnsafeCell<Option<Root>>,
    /// What each tool watches everywhere.
    everywhere: [Cell<u32>; ALL_TOOLS],
    /// All of that together.
    together: Cell<u32>,
    /// Code that has run, in no order: it is old from birth, and takes itself out when it dies.
    codes: RefCell<Vec<*const CodeObj>>,
    /// Counts calls of `restart_events`: what was disabled before is enabled.
    restarts: Cell<u32>,
    /// Changes when what is watched everywhere does, and with `restart_events`.
    version: Cell<u64>,
}

// SAFETY: used with the GIL held.
unsafe impl Sync for Monitor {}

static MONITOR: Monitor = Monitor {
    objects: UnsafeCell::new(None),
    everywhere: [const { Cell::new(0) }; ALL_TOOLS],
    together: Cell::new(0),
    codes: RefCell::new(Vec::new()),
    restarts: Cell::new(0),
    version: Cell::new(1),
};

const CALLBACKS: usize = TOOLS;
const DISABLE: usize = CALLBACKS + TOOLS * NAMES.len();
const MISSING: usize = DISABLE + 1;

fn objects() -> Ptr<ArrayObj> {
    // SAFETY: the GIL is held, and nothing runs between making and storing that could come here.
    let root = unsafe { &mut *MONITOR.objects.get() };
    let root = root.get_or_insert_with(|| {
        let all = ArrayObj::new(MISSING + 1);
        let root = Root::new(all.value());
        for sentinel in [DISABLE, MISSING] {
            let o = crate::vm::current().call(rt().types.object.value(), &[]).expect("an object");
            root.get().downcast::<ArrayObj>().expect("the tools' array").set(sentinel, o);
        }
        root
    });
    root.get().downcast().expect("the tools' array")
}

/// `sys.monitoring.DISABLE`: what a callback returns to be told no more of an event at an instruction.
pub fn disable() -> Value {
    objects().get(DISABLE)
}

/// `sys.monitoring.MISSING`: stands for the first argument of a call that has none.
pub fn missing() -> Value {
    objects().get(MISSING)
}

/// The name of a tool that is in use, or EMPTY.
pub fn tool_name(tool: usize) -> Value {
    objects().get(tool)
}

/// Claims a tool by giving it a name; EMPTY: gives it back.
pub fn set_tool_name(tool: usize, name: Value) {
    objects().set(tool, name);
}

fn slot(tool: usize, event: Event) -> usize {
    CALLBACKS + tool * NAMES.len() + event as usize
}

/// The callback of a tool for an event, or EMPTY.
pub fn callback(tool: usize, event: Event) -> Value {
    objects().get(slot(tool, event))
}

/// Sets a callback (EMPTY: none), and gives the last one.
pub fn set_callback(tool: usize, event: Event, f: Value) -> Value {
    let all = objects();
    let before = all.get(slot(tool, event));
    all.set(slot(tool, event), f);
    before
}

/// What a tool watches everywhere.
pub fn watched(tool: usize) -> u32 {
    MONITOR.everywhere[tool].get()
}

/// A number that changes when what is watched everywhere does, or what was disabled is enabled; never 0.
pub fn version() -> u64 {
    MONITOR.version.get()
}

/// Says what a tool is to watch everywhere.
pub fn watch_everywhere(tool: usize, events: u32) {
    if MONITOR.everywhere[tool].replace(events) == events {
        return;
    }
    MONITOR.version.set(MONITOR.version.get() + 1);
    let all = MONITOR.everywhere.iter().fold(0, |all, e| all | e.get());
    MONITOR.together.set(all);
    watch::instrument_all();
}

/// What a tool watches in this code, apart from what it watches everywhere.
pub fn watched_in(code: Ptr<CodeObj>, tool: usize) -> u32 {
    code.watch.get().map_or(0, |w| w.own(tool))
}

/// Says what a tool is to watch in this code.
pub fn watch_in(code: Ptr<CodeObj>, tool: usize, events: u32) {
    crate::eval::unfold(code);
    Watch::of(code).set_own(tool, events);
    watch::instrument(code);
}

/// A tool forgets its callbacks and what it watches.
pub fn clear_tool(tool: usize) {
    let all = objects();
    (0..NAMES.len()).for_each(|e| all.set(CALLBACKS + tool * NAMES.len() + e, Value::EMPTY));
    watch_everywhere(tool, 0);
    let watching = |code: &Ptr<CodeObj>| watched_in(*code, tool) != 0;
    let codes: Vec<Ptr<CodeObj>> = watch::codes().into_iter().filter(watching).collect();
    codes.into_iter().for_each(|code| watch_in(code, tool, 0));
}

/// Whatever tools have disabled is enabled.
pub fn restart() {
    MONITOR.restarts.set(MONITOR.restarts.get().wrapping_add(1));
    MONITOR.version.set(MONITOR.version.get() + 1);
    watch::instrument_all();
}

/// Whether somebody watches an event that any code may have.
#[inline(always)]
pub(crate) fn anywhere(event: Event) -> bool {
    MONITOR.together.get() & event.bit() != 0
}

impl Vm {
    /// Whether somebody is told when an exception leaves this code.
    pub(crate) fn is_unwinding_watched(&self, code: Ptr<CodeObj>) -> bool {
        self.watchers(code, Event::PyUnwind) != 0
    }

    /// The tools that watch an event in this code, by bits.
    fn watchers(&self, code: Ptr<CodeObj>, event: Event) -> u8 {
        // Whoever watches calls is told of their end.
        let event = if matches!(event, Event::CReturn | Event::CRaise) { Event::Call } else { event };
        let own = code.watch.get();
        (0..ALL_TOOLS)
            .filter(|&t| (watched(t) | own.map_or(0, |w| w.own(t))) & event.bit() != 0)
            .fold(0, |all, t| all | 1 << t)
    }
}
