//! The baseline compiler: hot code becomes machine code, one template for each instruction, fed by the inline caches.
//!
//! - **State.** Compiled code keeps all of a frame's state where the interpreter has it: registers in the register stack, the running
//!   instruction in `Frame::pc` before anything that can raise, call, collect, or be looked at from outside. So it may be left, and
//!   entered, at any instruction boundary, and the collector and whoever looks at frames need not know of it.
//! - **Guards.** A template does what the caches (and the operands at the time of compilation) promise. Where the promise does not hold
//!   it leaves for the interpreter, which does the instruction again from its beginning and updates its caches. Code that leaves so
//!   too often is compiled again; from the third time on its templates have the general case built in as a call ([`helpers`]).
//! - **Entries.** Loop heads, the beginning, what follows a call, and handlers of exceptions, once some were often used. [`Unit::entry`]
//!   finds them by the instruction's word.
//! - **What leaves.** Frames are pushed and popped by the interpreter's functions; [`evaluate`](super::evaluate) then goes
//!   on with whichever frame is on top, in its compiled code if it has some.
//!
//! Code lives for ever (there is a limit for all of it), so that a compiled function may be given up while it runs.

mod arith;
mod attributes;
mod builtins;
mod calls;
mod crossing;
mod emit;
mod helpers;
mod lending;
mod members;
mod mirrored;
mod objects;
mod places;
mod promises;
mod returns;
mod slots;
mod temporaries;
mod translate;

use std::cell::{Cell, RefCell};

use cape_heap::{Ptr, Value};
use cape_jit::Assembler;

use crate::frame::Frame;
use crate::object::CodeObj;
use crate::vm::Vm;

pub use crossing::{Code, Convention, Crossing, Finish, Lending, Named, set_crossing};
pub use members::Member;
pub use places::compiled_place;

/// What compiled code returns, other than the address of the instruction where the interpreter goes on: an exception waits in
/// `Vm::raised`.
pub(super) const RAISED: u64 = 1;
/// Another frame is on top.
pub(super) const ENTER: u64 = 2;

/// The instruction, at which the pc stands, is a call of a function that collects garbage.
pub(super) const COLLECTS: u64 = 3;

/// The entry frame has returned, and is popped: what it gave is in `Vm::returned`.
pub(super) const RETURNED: u64 = 5;

/// Why compiled code left for the interpreter.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Left {
    /// The instruction is the interpreter's.
    Here,
    /// (It has not run yet: it is its turn.)
    Hot,
    /// The instruction collects garbage, so that nothing should be left on the native stack.
    Collects,
    /// (The interpreter has just looked for what was dropped.)
    Looked,
    /// An exception waits in `Vm::raised`: it has left the entry frame.
    Raised,
    /// The entry frame has returned what is in `Vm::returned`.
    Returned,
}

/// Compiled code: gets the running frame, its registers, and the number of an entry.
type Run = unsafe extern "C-unwind" fn(&Vm, *mut Frame, *mut Value, u64) -> u64;

/// How often a loop goes back, or a function is called, before it is compiled.
const HOT: i32 = 1_500;
/// The weight of a call: the compiler is worth it sooner for functions.
pub(super) const CALL_HEAT: i32 = 4;
/// How many failed guards give a unit up.
const MISSES: u32 = 60;
/// The generation from which on templates have the general case built in.
const PATIENT: u32 = 2;
/// So many exceptions that compiled code leaves to the interpreter to handle have it compiled again, with its handlers: those of most code
/// never run.
const CAUGHT: u32 = 64;
/// No more than this many units are made of one code object.
const GENERATIONS: u32 = 5;

/// The compiled form of a code object.
pub struct Unit {
    run: Run,
    /// By word of the code: the number of the entry there, plus one; 0: none.
    entries: Box<[u32]>,
    /// The entry at the beginning.
    start: Option<u64>,
    /// How often guards failed.
    misses: &'static Cell<u32>,
}

impl Unit {
    /// Code whose guards fail too often is compiled again, when its caches have been filled anew.
    #[cold]
    fn give_up(&self, code: Ptr<CodeObj>) {
        if code.compiled.unit.get().is_some_and(|u| std::ptr::eq(u, self)) {
            code.compiled.unit.set(None);
            code.compiled.heat.set(-32);
        }
    }

    /// The entry at the word with this index.
    #[inline(always)]
    pub(super) fn entry(&self, word: usize) -> Option<u64> {
        let n = self.entries[word];
        (n != 0).then(|| n as u64 - 1)
    }

    /// Runs compiled code from an entry.
    ///
    /// # Safety
    /// `frame` is the top frame, `regs` its registers, and `entry` one of this unit's.
    #[inline(always)]
    pub(super) unsafe fn enter(&self, vm: &Vm, frame: *mut Frame, regs: *mut Value, entry: u64) -> u64 {
        // SAFETY: the caller's promise.
        unsafe { (self.run)(vm, frame, regs, entry) }
    }
}

/// What a code object knows of its compiled form.
pub struct Compiled {
    unit: Cell<Option<&'static Unit>>,
    /// Counts up to zero; above: compiled, or not to be.
    heat: Cell<i32>,
    generation: Cell<u32>,
    /// How many exceptions it has handled where the compiled form has no entry.
    caught: Cell<u32>,
    /// Somebody watches the code.
    forbidden: Cell<bool>,
}

impl Compiled {
    /// The code is left to the interpreter from now on: it stops for somebody who watches. Compiled code that is running leaves at the
    /// next call or turn of a loop. (Functions that make it so are called by the interpreter: `MethodDef::scrubs`.)
    #[cold]
    pub(crate) fn forbid(&self) {
        self.unit.set(None);
        self.heat.set(i32::MIN);
        self.forbidden.set(true);
        crate::vm::request();
    }

    /// Whether the code is compiled because it has run often.
    pub(crate) fn is_hot(&self) -> bool {
        self.unit.get().is_some() && !looks()
    }

    /// Nobody watches the code any more.
    pub(crate) fn allow(&self) {
        if self.forbidden.replace(false) {
            self.heat.set(-threshold());
        }
    }

    /// Of code that is not compiled.
    pub fn none() -> Compiled {
        Compiled {
            unit: Cell::new(None),
            heat: Cell::new(-threshold()),
            generation: Cell::new(0),
            caught: Cell::new(0),
            forbidden: Cell::new(false),
        }
    }

    /// Counts; true once it is hot, if the word with this index may be an entry.
    #[inline(always)]
    pub(super) fn goes_on(&self, by: i32, word: usize) -> bool {
        self.warm(by) && self.unit.get().is_none_or(|u| u.entries[word] != 0)
    }

    /// Whether the next unit has entries at the handlers. (Where everything is compiled at once, they are, too.)
    fn handles(&self) -> bool {
        self.caught.get() >= CAUGHT || threshold() == 1
    }

    /// An exception is to be handled at the word with this index: whether that can be done in compiled code.
    #[inline]
    pub(super) fn handles_at(&self, word: usize) -> bool {
        let Some(unit) = self.unit.get() else { return false };
        if unit.entries[word] != 0 {
            return true;
        }
        let caught = self.caught.get().saturating_add(1);
        self.caught.set(caught);
        if caught == CAUGHT {
            // (No guard has failed: it is no generation.)
            self.generation.set(self.generation.get().saturating_sub(1));
            self.unit.set(None);
            self.heat.set(-32);
        }
        false
    }

    /// Counts; true once it is hot, and from then on.
    #[inline(always)]
    pub(super) fn warm(&self, by: i32) -> bool {
        let h = self.heat.get();
        if h >= 0 {
            return true;
        }
        self.heat.set(h + by);
        false
    }
}

/// Compilation that is switched off has no threshold that can be reached.
static THRESHOLD: std::sync::atomic::AtomicI32 = std::sync::atomic::AtomicI32::new(HOT);

/// Whether compiled code looks for what was dropped: where all code is compiled, also what runs but once. Hot code has no time for it.
pub(super) fn looks() -> bool {
    threshold() == 1
}

fn threshold() -> i32 {
    THRESHOLD.load(std::sync::atomic::Ordering::Relaxed)
}

/// Sets how hot code must be to be compiled (0: everything is, when it first loops or is called a second time); `None`: nothing is.
/// For code objects that are made from now on.
pub fn set_threshold(n: Option<u32>) {
    let n = n.map_or(i32::MAX, |n| n.clamp(1, 1 << 30) as i32);
    THRESHOLD.store(n, std::sync::atomic::Ordering::Relaxed);
}

struct Shared(RefCell<Option<Option<Assembler>>>);
// SAFETY: used with the GIL held.
unsafe impl Sync for Shared {}
static ASSEMBLER: Shared = Shared(RefCell::new(None));

impl Vm {
    /// Runs an entry frame that has just been pushed, whose pc is at this word, if its code is compiled: what it came to, unless it is
    /// `None`.
    #[inline(always)]
    pub(super) fn run_new(&self, code: Ptr<CodeObj>, frame: *mut Frame, word: usize) -> Option<Left> {
        let unit = code.compiled.unit.get()?;
        let entry = if word == 0 { unit.start? } else { unit.entry(word)? };
        // SAFETY: the frame is on top.
        let r = unsafe { unit.enter(self, frame, (*frame).base, entry) };
        Some(if r == RETURNED { Left::Returned } else { self.chain(code, unit, r) })
    }

    /// Goes on with the top frame, whose code is hot, in compiled code where there is some, until an instruction is the
    /// interpreter's: that of the frame that is then on top.
    #[inline(never)]
    pub(super) fn run_compiled(&self) -> Left {
        let frame = self.frame_top.get();
        // SAFETY: the top frame; its pc points into its code.
        let (code, regs, word) = unsafe {
            let code = (*frame).code;
            (code, (*frame).base, (*frame).pc.offset_from(code.words.as_ptr()) as usize)
        };
        if !code.compiled.warm(0) {
            return Left::Here;
        }
        let Some((unit, entry)) = self.compiled_entry(frame, word) else { return Left::Here };
        // SAFETY: the frame is on top, and the entry is the unit's.
        let r = unsafe { unit.enter(self, frame, regs, entry) };
        self.chain(code, unit, r)
    }

    /// Compiled code has returned `r`: goes on as [`Vm::run_compiled`].
    #[inline(never)]
    pub(crate) fn chain(&self, mut code: Ptr<CodeObj>, mut unit: &'static Unit, mut r: u64) -> Left {
        loop {
            if unit.misses.get() > MISSES {
                unit.give_up(code);
            }
            match r {
                RAISED => match self.unwind_compiled() {
                    Left::Here if self.handles_here() => {}
                    left => return left,
                },
                RETURNED => return Left::Returned,
                COLLECTS => return Left::Collects,
                ENTER => {}
                at => {
                    // SAFETY: the top frame.
                    unsafe { (*self.frame_top.get()).pc = at as *const Cell<u64> };
                    return Left::Here;
                }
            }
            let frame = self.frame_top.get();
            // SAFETY: as in `run_compiled`.
            let (regs, word) = unsafe {
                code = (*frame).code;
                ((*frame).base, (*frame).pc.offset_from(code.words.as_ptr()) as usize)
            };
            if !code.compiled.warm(if word == 0 { CALL_HEAT } else { 0 }) {
                return Left::Here;
            }
            let entry;
            (unit, entry) = match self.compiled_entry(frame, word) {
                Some(found) => found,
                None => return Left::Here,
            };
            // SAFETY: as in `run_compiled`.
            r = unsafe { unit.enter(self, frame, regs, entry) };
        }
    }

    /// Compiled code has raised: the interpreter goes on with a handler, or the exception stays where it is, on its way out.
    #[cold]
    #[inline(never)]
    fn unwind_compiled(&self) -> Left {
        let r = self.raised.take().expect("an exception");
        match self.unwind(r, false) {
            Ok(()) => Left::Here,
            Err(r) => {
                self.raised.set(Some(r));
                Left::Raised
            }
        }
    }

    /// Whether the handler at which the top frame stands is compiled.
    #[inline]
    pub(super) fn handles_here(&self) -> bool {
        // SAFETY: the top frame; its pc points into its code.
        unsafe {
            let f = &*self.frame_top.get();
            f.code.compiled.handles_at(f.pc.offset_from(f.code.words.as_ptr()) as usize)
        }
    }

    /// The compiled form of hot code, and its entry at the word with this index; compiles it first if need be.
    #[inline(always)]
    fn compiled_entry(&self, frame: *mut Frame, word: usize) -> Option<(&'static Unit, u64)> {
        // SAFETY: the running frame.
        let code = unsafe { (*frame).code };
        let unit = match code.compiled.unit.get() {
            Some(u) => u,
            None if code.words.are_folded() => return None,
            None => self.compile(code, frame)?,
        };
        unit.entry(word).map(|e| (unit, e))
    }

    /// Compiles code whose frame is running; `None`: not now.
    #[cold]
    fn compile(&self, code: Ptr<CodeObj>, frame: *mut Frame) -> Option<&'static Unit> {
        let of = &code.compiled;
        let generation = of.generation.get();
        of.unit.set(None);
        if generation >= GENERATIONS || threshold() == i32::MAX || of.forbidden.get() {
            of.heat.set(i32::MIN);
            return None;
        }
        of.generation.set(generation + 1);
        let mut shared = ASSEMBLER.0.try_borrow_mut().ok()?;
        let Some(assembler) = shared.get_or_insert_with(Assembler::new) else {
            of.heat.set(i32::MIN);
            return None;
        };
        let unit = translate::unit(assembler, code, frame, generation >= PATIENT);
        of.unit.set(unit);
        // What is given up is warmed again, so that the caches are fresh.
        of.heat.set(if unit.is_some() { 0 } else { i32::MIN });
        unit
    }
}
