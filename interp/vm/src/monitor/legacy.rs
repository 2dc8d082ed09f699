//! `sys.settrace` and `sys.setprofile`: the thread's own functions, told of events by name.

use std::cell::Cell;

use cape_heap::{Ptr, Value};

use super::watch::NO_LINE;
use super::{Event, PROFILE, TRACE};
use crate::exc::Res;
use crate::foreign::{Tracer, foreign};
use crate::frame::FrameObj;
use crate::object::*;
use crate::runtime::{intern, rt, type_of};
use crate::vm::Vm;

/// What a trace function is told of.
const TRACED: u32 = Event::PyStart.bit()
    | Event::PyResume.bit()
    | Event::PyThrow.bit()
    | Event::PyReturn.bit()
    | Event::PyYield.bit()
    | Event::PyUnwind.bit()
    | Event::Raise.bit()
    | Event::StopIteration.bit()
    | Event::Line.bit();

/// What a profile function is told of.
const PROFILED: u32 = Event::PyStart.bit()
    | Event::PyResume.bit()
    | Event::PyThrow.bit()
    | Event::PyReturn.bit()
    | Event::PyYield.bit()
    | Event::PyUnwind.bit();

/// A place for a [`Tracer`] that the collector finds.
pub(super) struct TracerCell {
    pub(super) object: Cell<Value>,
    function: Cell<usize>,
}

impl TracerCell {
    pub(super) fn none() -> TracerCell {
        TracerCell { object: Cell::new(Value::EMPTY), function: Cell::new(0) }
    }

    fn get(&self) -> Tracer {
        Tracer { object: self.object.get(), function: self.function.get() }
    }

    fn set(&self, f: Tracer) {
        self.object.set(f.object);
        self.function.set(f.function);
    }
}

/// What is told to trace and profile functions; the numbers are those of `PyTrace_CALL` and its like.
#[derive(Clone, Copy, PartialEq)]
enum What {
    Call,
    Exception,
    Line,
    Return,
    CCall,
    CException,
    CReturn,
    Opcode,
}

impl What {
    fn name(self) -> &'static str {
        ["call", "exception", "line", "return", "c_call", "c_exception", "c_return", "opcode"][self as usize]
    }
}

impl Vm {
    /// Sets the trace function of this thread.
    pub fn set_trace(&self, f: Tracer) {
        let begins = self.tracer().is_none() && !f.is_none();
        self.set_legacy(TRACE, f, TRACED);
        if begins {
            self.note_lines();
        }
    }

    /// Sets the profile function of this thread.
    pub fn set_profile(&self, f: Tracer) {
        self.set_legacy(PROFILE, f, PROFILED);
    }

    /// Such a tool watches what it is told of while any thread has a function for it.
    fn set_legacy(&self, tool: usize, f: Tracer, events: u32) {
        self.stops.tracer(tool).set(f);
        let mut any = false;
        crate::gil::each_vm(|vm| any |= !vm.stops.tracer(tool).get().is_none());
        super::watch_everywhere(tool, if any { events } else { 0 });
    }

    /// This thread ends.
    pub(crate) fn end_tracing(&self) {
        if !self.tracer().is_none() {
            self.set_trace(Tracer::NONE);
        }
        if !self.profiler().is_none() {
            self.set_profile(Tracer::NONE);
        }
    }

    /// The trace function of this thread.
    pub fn tracer(&self) -> Tracer {
        self.stops.tracer(TRACE).get()
    }

    /// The profile function of this thread.
    pub fn profiler(&self) -> Tracer {
        self.stops.tracer(PROFILE).get()
    }

    /// `PyThreadState_EnterTracing` (true) and `_LeaveTracing`: nothing is reported in between.
    pub fn pause_tracing(&self, on: bool) {
        let busy = &self.stops.busy;
        busy.set(if on { busy.get() + 1 } else { busy.get().saturating_sub(1) });
    }

    /// What an event is for trace and profile functions, with its argument. `value`: what is returned or yielded, or the exception.
    fn as_told(&self, event: Event, value: Value) -> Option<(What, Value)> {
        Some(match event {
            Event::PyStart | Event::PyResume | Event::PyThrow => (What::Call, Value::NONE),
            Event::Line => (What::Line, Value::NONE),
            Event::Instruction => (What::Opcode, Value::NONE),
            Event::PyReturn | Event::PyYield => (What::Return, value),
            Event::PyUnwind => (What::Return, Value::NONE),
            Event::Raise | Event::StopIteration => (What::Exception, self.exception_triple(value)),
            _ => return None,
        })
    }

    /// An event for the trace function.
    pub(super) fn trace_event(&self, event: Event, value: Value) -> Res<()> {
        let tracer = self.tracer();
        let Some(frame) = self.top_frame().filter(|_| !tracer.is_none()) else { return Ok(()) };
        let Some((what, argument)) = self.as_told(event, value) else { return Ok(()) };
        let whole = what == What::Call || tracer.function != 0;
        // SAFETY: the top frame is initialised.
        if !whole && unsafe { (*frame).object.is_empty() && (*frame).generator.is_empty() } {
            return Ok(()); // nobody has set `f_trace`
        }
        let object = self.frame_object(frame);
        if what == What::Line && !object.trace_lines.get()
            || what == What::Opcode && !object.trace_opcodes.get()
        {
            return Ok(());
        }
        if tracer.function != 0 {
            return self.trace_in_c(event, tracer, object, what, argument);
        }
        let f = if whole { tracer.object } else { object.trace_fn.get() };
        if f.is_none() {
            return Ok(());
        }
        match self.tell(event, f, object, what, argument) {
            Ok(v) if v.is_none() => Ok(()),
            Ok(v) => {
                object.trace_fn.set(object, v);
                Ok(())
            }
            Err(r) => {
                object.trace_fn.set(object, Value::NONE);
                self.set_trace(Tracer::NONE);
                Err(r)
            }
        }
    }

    fn exception_triple(&self, exception: Value) -> Value {
        let traceback = exception.downcast::<ExcObj>().map_or(Value::NONE, |e| e.traceback.get());
        TupleObj::new(&[type_of(exception).value(), exception, traceback]).value()
    }

    /// An event for the profile function.
    pub(super) fn profile_event(&self, event: Event, value: Value) -> Res<()> {
        match self.as_told(event, value) {
            Some((what, argument)) => self.profile_call(event, what, argument),
            None => Ok(()),
        }
    }

    /// Calls of functions that are not Python's, for the profile function: builtin functions and methods.
    pub(super) fn profile_c(&self, event: Event, f: Value, first: Value) -> Res<()> {
        if self.profiler().is_none() || self.stops.busy.get() > 0 {
            return Ok(());
        }
        let function = match f.downcast::<MethodDescrObj>() {
            Some(m) if m.header().map() == rt().maps.method_descriptor && first != super::missing() => {
                BuiltinObj::new(m.def, first, Value::EMPTY).value()
            }
            _ if f.is::<BuiltinObj>() => f,
            _ => return Ok(()),
        };
        let what = match event {
            Event::Call => What::CCall,
            Event::CReturn => What::CReturn,
            _ => What::CException,
        };
        self.profile_call(event, what, function)
    }

    fn profile_call(&self, event: Event, what: What, argument: Value) -> Res<()> {
        let profiler = self.profiler();
        let Some(frame) = self.top_frame().filter(|_| !profiler.is_none()) else { return Ok(()) };
        let object = self.frame_object(frame);
        if profiler.function != 0 {
            return self.trace_in_c(event, profiler, object, what, argument);
        }
        let r = self.tell(event, profiler.object, object, what, argument);
        r.map(drop).inspect_err(|_| self.set_profile(Tracer::NONE))
    }

    fn latest_line(&self, frame: Ptr<FrameObj>) -> u32 {
        match frame.live.get() {
            live if live.is_null() => 0,
            live => self.latest(live, false, |l| if l.line == NO_LINE { 0 } else { l.line }),
        }
    }

    /// Calls a trace or profile function of C's.
    fn trace_in_c(
        &self,
        event: Event,
        tracer: Tracer,
        frame: Ptr<FrameObj>,
        what: What,
        argument: Value,
    ) -> Res<()> {
        let argument = if event == Event::PyUnwind { Value::EMPTY } else { argument };
        self.standing(event, frame, || {
            foreign().trace_event(self, tracer, frame.value(), what as i32, argument)
        })
    }

    /// Calls a trace or profile function of Python's.
    fn tell(&self, event: Event, f: Value, frame: Ptr<FrameObj>, what: What, argument: Value) -> Res<Value> {
        self.standing(event, frame, || self.call(f, &[frame.value(), intern(what.name()), argument]))
    }

    /// Runs a callback while the frame stands where it is for who is told: one that begins at the line of its `def`.
    fn standing<R>(&self, event: Event, frame: Ptr<FrameObj>, f: impl FnOnce() -> R) -> R {
        let before = frame.line_override.get();
        let code = frame.code();
        if event != Event::PyStart && code.unit.position(frame.lasti()).is_none() {
            // What has no line of its own is done on the last one.
            frame.line_override.set(self.latest_line(frame) as i32);
        }
        let r = self.reporting(event, f);
        frame.line_override.set(before);
        r
    }

    /// `frame.f_trace_opcodes = on`.
    pub fn trace_opcodes(&self, frame: Ptr<FrameObj>, on: bool) {
        frame.trace_opcodes.set(on);
        if on {
            let code = frame.code();
            let own = super::watched_in(code, TRACE);
            super::watch_in(code, TRACE, own | Event::Instruction.bit());
            if !frame.live.get().is_null() && frame.live.get() != self.stops.reported.get() {
                self.opcodes_asked(frame.live.get());
            }
        }
    }
}
