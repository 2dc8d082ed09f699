//! What happens where instrumented code stops, and where exceptions pass.

use std::cell::{Cell, RefCell};

use cape_bytecode::{Op, Word};
use cape_heap::{Ptr, Tracer, Value};

use super::legacy::TracerCell;
use super::watch::{NO_LINE, Watch, ends_expression, place, target};
use super::{ALL_TOOLS, BRANCHES, Event, LOCAL, NAMES, PROFILE, TOOLS, TRACE, anywhere, callback};
use crate::exc::{Raised, Res};
use crate::frame::{Frame, mark};
use crate::object::*;
use crate::runtime::rt;
use crate::vm::Vm;

/// What the interpreter does at a stop.
pub enum Stop {
    /// The original instruction.
    Do(Op),
    /// It is done: this is its result, for the register `a`, and its length in words.
    Done(Value, usize),
    /// The trace function has sent the frame elsewhere.
    Moved,
}

/// Where a frame stopped last.
pub(super) struct Latest {
    frame: *mut Frame,
    /// The word; `MAX`: something was jumped over since.
    at: u32,
    /// The line that was reported last, or [`NO_LINE`].
    pub(super) line: u32,
    /// The branch that is being taken; `MAX`: none.
    branch: u32,
    /// The instruction that was running when opcodes were asked for; `MAX`: none.
    interrupted: u32,
}

const NONE: u32 = u32::MAX;

/// A thread's state for its tools.
pub struct Stops {
    /// How many callbacks are running: nothing is reported meanwhile.
    pub(super) busy: Cell<u32>,
    /// The event that is being reported.
    pub(super) reporting: Cell<Option<Event>>,
    /// The frame that it is reported of.
    pub(super) reported: Cell<*mut Frame>,
    /// Of the frames on the stack that have stopped, the lowest first.
    latest: RefCell<Vec<Latest>>,
    /// The functions of `sys.setprofile` and `sys.settrace`.
    tracers: [TracerCell; 2],
}

impl Stops {
    pub(crate) fn new() -> Stops {
        Stops {
            busy: Cell::new(0),
            reporting: Cell::new(None),
            reported: Cell::new(std::ptr::null_mut()),
            latest: RefCell::default(),
            tracers: [TracerCell::none(), TracerCell::none()],
        }
    }

    /// That of one of Cape's own tools.
    pub(super) fn tracer(&self, tool: usize) -> &TracerCell {
        &self.tracers[tool - PROFILE]
    }

    /// Reports what the thread's own functions are to the collector.
    pub(crate) fn trace(&self, t: &mut Tracer<'_>) {
        self.tracers.iter().for_each(|f| t.visit(&f.object));
    }
}

fn offset(at: u32) -> Value {
    Value::int(byte_offset(at as i32))
}

impl Vm {
    /// The frame on top stands at an instruction that somebody may want to know of.
    #[cold]
    #[inline(never)]
    pub(crate) fn at_stop(&self) -> Res<Stop> {
        let frame = self.frame_top.get();
        // SAFETY: the top frame is initialised, and stands at an instruction of its code.
        let (code, at, pc) = unsafe { ((*frame).code, (*frame).lasti(), (*frame).pc) };
        let op = code.op(at);
        // SAFETY: as above.
        let fresh = unsafe { !(*frame).set_mark(mark::STARTED, true) };
        if self.stops.busy.get() > 0 {
            return Ok(Stop::Do(op));
        }
        let Some(watch) = code.watch.get().map(|_| Watch::of(code)) else { return Ok(Stop::Do(op)) };
        let here = watch.place(at);
        let (branch, interrupted) = self.latest(frame, fresh, |l| {
            (std::mem::replace(&mut l.branch, NONE), std::mem::replace(&mut l.interrupted, NONE))
        });
        if interrupted != NONE
            && watch.line(interrupted) != watch.line(at)
            && !ends_expression(code, interrupted, at)
        {
            // In CPython the call that asked for opcodes is followed by what becomes of its result.
            self.fire_standing_at(frame, interrupted, Event::Instruction, &[])?;
        }
        if fresh && here & place::START != 0 {
            self.fire(code, at, Event::PyStart, &[])?;
        } else if fresh && here & place::RESUME != 0 {
            // Its line is still that of the yield.
            let yielded = if op == Op::YieldFrom { at } else { at - 1 };
            self.fire_standing_at(frame, yielded, Event::PyResume, &[])?;
        }
        if branch != NONE && here & place::BRANCHED != 0 && self.branched(frame, code, branch, at)? {
            self.latest(frame, true, |_| ());
            return Ok(Stop::Moved);
        }
        let line = watch.line(at);
        let moved = self.latest(frame, false, |l| {
            let moved = here & place::LINE != 0 && (l.line != line || at < l.at);
            if here & place::LINE != 0 {
                l.line = line;
            }
            l.at = if op == Op::JumpBack { NONE } else { at };
            moved
        });
        if moved {
            self.fire(code, at, Event::Line, &[Value::int(line as i64)])?;
            if self.has_moved(frame, pc) {
                return Ok(Stop::Moved);
            }
        }
        self.fire(code, at, Event::Instruction, &[])?;
        let word = Word(code.words[at as usize].get());
        // SAFETY: operand registers are in the window.
        let register = |i: u16| unsafe { *(*frame).base.add(i as usize) };
        match op.generic() {
            Op::Return => self.fire(code, at, Event::PyReturn, &[register(word.a())])?,
            Op::Yield => self.fire(code, at, Event::PyYield, &[register(word.b())])?,
            // CPython puts handlers behind everything else: nothing jumps over them.
            Op::Jump if code.unit.exceptions.iter().any(|e| e.handler == at + op.words() as u32) => {}
            Op::Jump | Op::JumpBack => self.fire(code, at, Event::Jump, &[offset(word.bc())])?,
            Op::JumpIfTrue | Op::JumpIfFalse | Op::JumpIfNone | Op::JumpIfNotNone | Op::ForIter
                if self.watchers(code, Event::BranchLeft) | self.watchers(code, Event::BranchRight) != 0 =>
            {
                self.latest(frame, false, |l| l.branch = at);
            }
            Op::Call | Op::CallKw | Op::CallEx => return self.at_call(frame, code, at, op, word),
            Op::LoadSuperAttr | Op::LoadSuperMethod if self.watchers(code, Event::Call) != 0 => {
                return self.at_super(frame, code, at, op, word);
            }
            _ => {}
        }
        Ok(if self.has_moved(frame, pc) { Stop::Moved } else { Stop::Do(op) })
    }

    /// Reports an event of the frame on top as if it stood at another word of its code. Whether a callback has sent it elsewhere.
    fn fire_standing_at(&self, frame: *mut Frame, at: u32, event: Event, rest: &[Value]) -> Res<bool> {
        // SAFETY: the top frame is initialised; the word is one of its code's, and callbacks do not leave the frame.
        unsafe {
            let (code, pc) = ((*frame).code, (*frame).pc);
            let stand = &raw const code.words[at as usize];
            (*frame).pc = stand;
            let r = self.fire(code, at, event, rest);
            let moved = (*frame).pc != stand;
            if !moved {
                (*frame).pc = pc;
            }
            r.map(|()| moved)
        }
    }

    /// The code of the frame on top, and where it stands.
    fn top_place(&self) -> (Ptr<CodeObj>, u32) {
        // SAFETY: the top frame is initialised.
        let f = unsafe { &*self.frame_top.get() };
        (f.code, f.lasti())
    }

    /// Whether a callback has sent the frame, which stood here, elsewhere.
    fn has_moved(&self, frame: *mut Frame, pc: *const Cell<u64>) -> bool {
        // SAFETY: the top frame.
        let moved = unsafe { (*frame).pc } != pc;
        if moved {
            self.latest(frame, true, |_| ());
        }
        moved
    }

    /// Does something with where this frame has stopped last; `fresh`: nowhere yet.
    pub(super) fn latest<R>(&self, frame: *mut Frame, fresh: bool, f: impl FnOnce(&mut Latest) -> R) -> R {
        let mut all = self.stops.latest.borrow_mut();
        while all.last().is_some_and(|l| l.frame > self.frame_top.get()) {
            all.pop();
        }
        let i = all.partition_point(|l| l.frame < frame);
        let known = all.get(i).is_some_and(|l| l.frame == frame);
        let new = || Latest { frame, at: 0, line: NO_LINE, branch: NONE, interrupted: NONE };
        if !known {
            all.insert(i, new());
        } else if fresh {
            all[i] = new();
        }
        f(&mut all[i])
    }

    /// Tracing begins: the lines that the frames on the stack are on have begun already.
    pub(super) fn note_lines(&self) {
        self.each_frame(|frame| {
            let at = frame.lasti();
            if let Some(p) = frame.code.unit.position(at) {
                self.latest(frame, false, |l| {
                    (l.line, l.at) = (p.line, at);
                });
            }
        });
    }

    /// From now on opcodes are asked for in a frame, which may be running.
    pub(super) fn opcodes_asked(&self, frame: *mut Frame) {
        // SAFETY: the caller has a live frame.
        let lasti = unsafe { (*frame).lasti() };
        self.latest(frame, false, |l| l.interrupted = lasti);
    }

    /// Reports the branch at `from`, which led to `at`. Whether a callback has sent the frame elsewhere.
    fn branched(&self, frame: *mut Frame, code: Ptr<CodeObj>, from: u32, at: u32) -> Res<bool> {
        let op = code.op(from);
        let event = if at == from + op.words() as u32 {
            Event::BranchLeft
        } else if target(op.generic(), Word(code.words[from as usize].get())) == Some(at) {
            Event::BranchRight
        } else {
            return Ok(false);
        };
        self.fire_standing_at(frame, from, event, &[offset(at)])
    }

    /// A generator that delegates has been given a value by what it delegates to, and gives it on. It is the frame on top.
    #[cold]
    #[inline(never)]
    pub(crate) fn delegate_yields(&self, v: Value) -> Res<()> {
        let (code, at) = self.top_place();
        self.fire(code, at, Event::PyYield, &[v])
    }

    /// The frame on top goes on after a generator or coroutine that it delegated to, or looped over, has returned this.
    #[cold]
    #[inline(never)]
    pub(crate) fn delegate_returned(&self, v: Value) -> Res<()> {
        let (code, at) = self.top_place();
        if self.watchers(code, Event::StopIteration) == 0 || self.stops.busy.get() > 0 {
            return Ok(());
        }
        let args: &[Value] = if v.is_none() { &[] } else { &[v] };
        let stop = self.new_exc_args(rt().types.stop_iteration, args);
        crate::exc::set_extra(stop.exc(), 0, v);
        self.fire(code, at, Event::StopIteration, &[stop.value()])
    }

    /// At a call. Functions that are not Python's are called from here, if their end is to be reported.
    fn at_call(&self, frame: *mut Frame, code: Ptr<CodeObj>, at: u32, op: Op, w: Word) -> Res<Stop> {
        let profiled = super::watched(PROFILE) != 0 && !self.profiler().is_none();
        let tools = self.watchers(code, Event::Call);
        if tools == 0 && !profiled {
            return Ok(Stop::Do(op));
        }
        // SAFETY: the compiler's call layout.
        let window = unsafe { (*frame).base.add(w.b() as usize) };
        // SAFETY: as above.
        let (f, this) = unsafe { (*window, *window.add(1)) };
        let first = || -> Value {
            if !this.is_empty() {
                return this;
            }
            // SAFETY: as above.
            let after = unsafe { *window.add(2) };
            let found = match op.generic() {
                Op::CallEx => after.downcast::<TupleObj>().and_then(|t| t.as_slice().first().copied()),
                _ => (w.c() > 0).then_some(after),
            };
            found.unwrap_or_else(super::missing)
        };
        // What a bound method calls, with what: but for calls with a tuple of arguments, which do not look into it.
        let told = match f.downcast::<BoundMethodObj>() {
            Some(m) if this.is_empty() && op.generic() != Op::CallEx => [m.func.get(), m.this.get()],
            _ => [f, first()],
        };
        if tools != 0 {
            self.fire(code, at, Event::Call, &told)?;
        }
        // (A call with a tuple of arguments does not look into a bound method.)
        let behind = f.downcast::<BoundMethodObj>().map_or(f, |m| m.func.get());
        if behind.is::<FunctionObj>() {
            return Ok(Stop::Do(op));
        }
        let profiled = if op.generic() == Op::CallEx { f } else { behind };
        self.profile_c(Event::Call, profiled, first())?;
        // SAFETY: as above; callers stand at their last cache word. The registers are the frame's, which stays in place.
        let r = unsafe {
            let words = op.words();
            let pc = (*frame).pc;
            (*frame).pc = pc.add(words - 1);
            let (args, n) = match this.is_empty() {
                true => (window.add(2), w.c() as usize),
                false => (window.add(1), w.c() as usize + 1),
            };
            let args = std::slice::from_raw_parts(args, n);
            let r = match op.generic() {
                Op::CallEx => self.call_ex(f, *window.add(2), *window.add(3)),
                Op::CallKw => {
                    let consts: Ptr<ArrayObj> = code.consts.downcast().expect("the constants");
                    let names = consts.get((*pc.add(1)).get() as usize);
                    self.call_args(f, args, names.downcast())
                }
                _ => self.call(f, args),
            };
            (*frame).pc = pc;
            r
        };
        let after = if r.is_ok() { Event::CReturn } else { Event::CRaise };
        let mut reported = self.fire(code, at, after, &told);
        if reported.is_ok() {
            reported = self.profile_c(after, profiled, first());
        }
        reported?;
        Ok(Stop::Done(r?, op.words()))
    }

    /// At `super().name`, whose two steps are reported as if they were instructions of their own.
    fn at_super(&self, frame: *mut Frame, code: Ptr<CodeObj>, at: u32, op: Op, w: Word) -> Res<Stop> {
        // SAFETY: operand registers are in the window.
        let [sup, class, this] = [0, 1, 2].map(|i| unsafe { *(*frame).base.add(w.b() as usize + i) });
        let two = w.x() & 2 != 0;
        let told = [sup, if two { class } else { super::missing() }];
        self.fire(code, at, Event::Call, &told)?;
        let direct = Some(sup) == rt().builtins().get_str(rt().names.super_);
        let made = if two || direct { self.call(sup, &[class, this]) } else { self.call(sup, &[]) };
        self.fire(code, at, if made.is_ok() { Event::CReturn } else { Event::CRaise }, &told)?;
        let names: Ptr<ArrayObj> = code.names.downcast().expect("the names");
        let v = self.get_attr(made?, names.get(w.c() as usize))?;
        if op.generic() == Op::LoadSuperMethod || w.x() & 1 != 0 {
            // SAFETY: as above.
            unsafe { *(*frame).base.add(w.a() as usize + 1) = Value::EMPTY };
        }
        Ok(Stop::Done(v, op.words()))
    }

    /// Reports an event to the tools that watch it in this code. The first argument after the code is the offset, but for lines.
    pub(super) fn fire(&self, code: Ptr<CodeObj>, at: u32, event: Event, rest: &[Value]) -> Res<()> {
        let mut tools = self.watchers(code, event);
        if tools == 0 || self.stops.busy.get() > 0 {
            return Ok(());
        }
        if event.bit() & LOCAL != 0
            && let Some(watch) = code.watch.get()
        {
            tools &= !watch.disabled(at, event);
        }
        for tool in (0..ALL_TOOLS).rev() {
            if tools & 1 << tool == 0 {
                continue;
            }
            match tool {
                TRACE => self.trace_event(event, rest.first().copied().unwrap_or(Value::NONE))?,
                PROFILE => self.profile_event(event, rest.first().copied().unwrap_or(Value::NONE))?,
                _ => {
                    let f = callback(tool, event);
                    if f.is_empty() {
                        continue;
                    }
                    let mut args = vec![code.value()];
                    match event {
                        Event::Line => {}
                        Event::PyStart => args.push(Value::int(0)),
                        _ => args.push(offset(at)),
                    }
                    args.extend_from_slice(rest);
                    let r = self.reporting(event, || self.call(f, &args))?;
                    if r == super::disable() {
                        self.no_more(code, at, event, tool)?;
                    }
                }
            }
        }
        Ok(())
    }

    /// Reports an event of `code` that is not the interpreter's to Python's tools, by bits. Whoever wants no more of it is taken out of them.
    pub fn fire_elsewhere(&self, tools: &mut u8, code: Value, event: Event, args: &[Value]) -> Res<()> {
        if self.stops.busy.get() > 0 {
            return Ok(());
        }
        let mut all = ValueVec::new();
        all.push(code);
        all.extend_from_slice(args);
        let watching = *tools;
        for tool in (0..TOOLS).rev().filter(|t| watching & 1 << t != 0) {
            let f = callback(tool, event);
            if f.is_empty() || self.reporting(event, || self.call(f, &all))? != super::disable() {
                continue;
            }
            if event.bit() & LOCAL == 0 {
                return Err(self.cannot_disable(event, tool));
            }
            *tools &= !(1 << tool);
        }
        Ok(())
    }

    /// Runs a callback, during which nothing is reported.
    pub(super) fn reporting<R>(&self, event: Event, f: impl FnOnce() -> R) -> R {
        let stops = &self.stops;
        let before = stops.reporting.replace(Some(event));
        let frame = stops.reported.replace(self.frame_top.get());
        stops.busy.set(stops.busy.get() + 1);
        let r = f();
        stops.busy.set(stops.busy.get() - 1);
        stops.reporting.set(before);
        stops.reported.set(frame);
        r
    }

    /// Whether the beginning of this running frame is what is being reported.
    pub(crate) fn reports_beginning(&self, frame: *const Frame) -> bool {
        let stops = &self.stops;
        !frame.is_null()
            && stops.reported.get().cast_const() == frame
            && stops.reporting.get() == Some(Event::PyStart)
    }

    /// `sys.call_tracing`: runs `f` as if no callback were running.
    pub fn as_if_idle<R>(&self, f: impl FnOnce() -> R) -> R {
        let busy = self.stops.busy.replace(0);
        let r = f();
        self.stops.busy.set(busy);
        r
    }

    /// A callback has returned DISABLE.
    fn no_more(&self, code: Ptr<CodeObj>, at: u32, event: Event, tool: usize) -> Res<()> {
        if event.bit() & LOCAL == 0 {
            return Err(self.cannot_disable(event, tool));
        }
        let watch = Watch::of(code);
        watch.disable(at, event, tool);
        // Who has asked for branches either way wants neither.
        let both = callback(tool, Event::Branch);
        if event.bit() & BRANCHES != 0 && !both.is_empty() && both == callback(tool, event) {
            [Event::BranchLeft, Event::BranchRight].iter().for_each(|way| watch.disable(at, *way, tool));
        }
        Ok(())
    }

    fn cannot_disable(&self, event: Event, tool: usize) -> Raised {
        super::set_callback(tool, event, Value::EMPTY);
        let name = NAMES[event as usize];
        self.value_error(format!("Cannot disable {name} events. Callback removed."))
    }

    /// Reports an exception at the frame on top to whoever watches; what is to be raised instead, if a callback raises.
    fn fire_exception(&self, event: Event, raised: Raised) -> Raised {
        if self.stops.busy.get() > 0 {
            return raised;
        }
        // SAFETY: the top frame is initialised.
        unsafe { (*self.frame_top.get()).set_mark(mark::STARTED, true) };
        let (code, at) = self.top_place();
        let at = code.unit.instruction_of(at);
        match self.fire(code, at, event, &[raised.value()]) {
            Ok(()) => raised,
            Err(r) => r,
        }
    }

    /// As [`Vm::fire_exception`], where somebody watches at all.
    #[inline(always)]
    pub(crate) fn exception_event(&self, event: Event, raised: Raised) -> Raised {
        if anywhere(event) { self.fire_exception(event, raised) } else { raised }
    }
}

const _: () = assert!(BRANCHES & LOCAL == BRANCHES);
