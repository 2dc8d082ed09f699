//! `sys.settrace` and `sys.setprofile`: the thread's own functions, told of events by name.

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

impl Vm {
    /// Sets the trace function of this thread.
    pub fn set_trace(&self, f: Tracer) {
        self.trace_fn.set(f.object);
        self.trace_in_c.set(f.function);
        let mut any = false;
        crate::gil::each_vm(|vm| any |= !vm.tracer().is_none());
        super::watch_everywhere(TRACE, if any { TRACED } else { 0 });
    }

    /// Sets the profile function of this thread.
    pub fn set_profile(&self, f: Tracer) {
        self.profile_fn.set(f.object);
        self.profile_in_c.set(f.function);
        let mut any = false;
        crate::gil::each_vm(|vm| any |= !vm.profiler().is_none());
        super::watch_everywhere(PROFILE, if any { PROFILED } else { 0 });
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
        Tracer { object: self.trace_fn.get(), function: self.trace_in_c.get() }
    }

    /// The profile function of this thread.
    pub fn profiler(&self) -> Tracer {
        Tracer { object: self.profile_fn.get(), function: self.profile_in_c.get() }
    }

    /// `PyThreadState_EnterTracing` (true) and `_LeaveTracing`: nothing is reported in between.
    pub fn pause_tracing(&self, on: bool) {
        let busy = &self.stops.busy;
        busy.set(if on { busy.get() + 1 } else { busy.get().saturating_sub(1) });
    }

    /// An event for the trace function. `value`: what is returned or yielded, or the exception.
    pub(super) fn trace_event(&self, event: Event, value: Value) -> Res<()> {
        let tracer = self.tracer();
        let Some(frame) = self.top_frame().filter(|_| !tracer.is_none()) else { return Ok(()) };
        let (what, argument) = match event {
            Event::PyStart | Event::PyResume | Event::PyThrow => ("call", Value::NONE),
            Event::Line => ("line", Value::NONE),
            Event::Instruction => ("opcode", Value::NONE),
            Event::PyReturn | Event::PyYield => ("return", value),
            Event::PyUnwind => ("return", Value::NONE),
            Event::Raise | Event::StopIteration => ("exception", self.exception_triple(value)),
            _ => return Ok(()),
        };
        if tracer.function != 0 {
            return self.trace_in_c(event, tracer, self.frame_object(frame), what, argument);
        }
        // SAFETY: the top frame is initialised.
        if what != "call" && unsafe { (*frame).object.is_empty() && (*frame).generator.is_empty() } {
            return Ok(()); // nobody has set `f_trace`
        }
        let object = self.frame_object(frame);
        let f = if what == "call" { tracer.object } else { object.trace_fn.get() };
        if f.is_none()
            || what == "line" && !object.trace_lines.get()
            || what == "opcode" && !object.trace_opcodes.get()
        {
            return Ok(());
        }
        let r = self.tell(event, f, object, what, argument);
        match r {
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
        let (what, argument) = match event {
            Event::PyStart | Event::PyResume | Event::PyThrow => ("call", Value::NONE),
            Event::PyReturn | Event::PyYield => ("return", value),
            Event::PyUnwind => ("return", Value::NONE),
            _ => return Ok(()),
        };
        self.profile_call(event, what, argument)
    }

    /// Calls of functions that are not Python's, for the profile function: builtin functions and methods.
    pub(super) fn profile_c(&self, event: Event, f: Value, first: Value) -> Res<()> {
        if self.profiler().is_none() || self.stops.busy.get() > 0 {
            return Ok(());
        }
        let f = f.downcast::<BoundMethodObj>().map_or(f, |m| m.func.get());
        let function = match f.downcast::<MethodDescrObj>() {
            Some(m) if m.header().map() == rt().maps.method_descriptor && first != super::missing() => {
                BuiltinObj::new(m.def, first, Value::EMPTY).value()
            }
            _ if f.is::<BuiltinObj>() => f,
            _ => return Ok(()),
        };
        let what = match event {
            Event::Call => "c_call",
            Event::CReturn => "c_return",
            _ => "c_exception",
        };
        self.profile_call(event, what, function)
    }

    fn profile_call(&self, event: Event, what: &str, argument: Value) -> Res<()> {
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
        what: &str,
        argument: Value,
    ) -> Res<()> {
        // In the order of PyTrace_CALL and its like.
        const CODES: [&str; 8] =
            ["call", "exception", "line", "return", "c_call", "c_exception", "c_return", "opcode"];
        let code = CODES.iter().position(|&c| c == what).expect("an event's name") as i32;
        let skipped =
            what == "line" && !frame.trace_lines.get() || what == "opcode" && !frame.trace_opcodes.get();
        if skipped {
            return Ok(());
        }
        let argument = if event == Event::PyUnwind { Value::EMPTY } else { argument };
        self.standing(event, frame, || foreign().trace_event(self, tracer, frame.value(), code, argument))
    }

    /// Calls a trace or profile function of Python's.
    fn tell(&self, event: Event, f: Value, frame: Ptr<FrameObj>, what: &str, argument: Value) -> Res<Value> {
        self.standing(event, frame, || self.call(f, &[frame.value(), intern(what), argument]))
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
