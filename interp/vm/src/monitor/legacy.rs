//! `sys.settrace` and `sys.setprofile`: the thread's own functions, told of events by name.

use cape_heap::{Ptr, Value};

use super::watch::NO_LINE;
use super::{Event, PROFILE, TRACE};
use crate::exc::Res;
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
    /// Sets the trace function of this thread (EMPTY: none).
    pub fn set_trace(&self, f: Value) {
        self.trace_fn.set(f);
        let mut any = false;
        crate::gil::each_vm(|vm| any |= !vm.trace_fn.get().is_empty());
        super::watch_everywhere(TRACE, if any { TRACED } else { 0 });
    }

    /// Sets the profile function of this thread (EMPTY: none).
    pub fn set_profile(&self, f: Value) {
        self.profile_fn.set(f);
        let mut any = false;
        crate::gil::each_vm(|vm| any |= !vm.profile_fn.get().is_empty());
        super::watch_everywhere(PROFILE, if any { PROFILED } else { 0 });
    }

    /// This thread ends.
    pub(crate) fn end_tracing(&self) {
        if !self.trace_fn.get().is_empty() {
            self.set_trace(Value::EMPTY);
        }
        if !self.profile_fn.get().is_empty() {
            self.set_profile(Value::EMPTY);
        }
    }

    /// The trace function of this thread, or EMPTY.
    pub fn trace_function(&self) -> Value {
        self.trace_fn.get()
    }

    /// The profile function of this thread, or EMPTY.
    pub fn profile_function(&self) -> Value {
        self.profile_fn.get()
    }

    /// An event for the trace function. `value`: what is returned or yielded, or the exception.
    pub(super) fn trace_event(&self, event: Event, value: Value) -> Res<()> {
        let whole = self.trace_fn.get();
        let Some(frame) = self.top_frame().filter(|_| !whole.is_empty()) else { return Ok(()) };
        let (what, argument) = match event {
            Event::PyStart | Event::PyResume | Event::PyThrow => ("call", Value::NONE),
            Event::Line => ("line", Value::NONE),
            Event::Instruction => ("opcode", Value::NONE),
            Event::PyReturn | Event::PyYield => ("return", value),
            Event::PyUnwind => ("return", Value::NONE),
            Event::Raise | Event::StopIteration => ("exception", self.exception_triple(value)),
            _ => return Ok(()),
        };
        // SAFETY: the top frame is initialised.
        if what != "call" && unsafe { (*frame).object.is_empty() && (*frame).generator.is_empty() } {
            return Ok(()); // nobody has set `f_trace`
        }
        let object = self.frame_object(frame);
        let f = if what == "call" { whole } else { object.trace_fn.get() };
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
                self.set_trace(Value::EMPTY);
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
        if self.profile_fn.get().is_empty() || self.stops.busy.get() > 0 {
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
        let f = self.profile_fn.get();
        let Some(frame) = self.top_frame().filter(|_| !f.is_empty()) else { return Ok(()) };
        let object = self.frame_object(frame);
        let r = self.tell(event, f, object, what, argument);
        r.map(drop).inspect_err(|_| self.set_profile(Value::EMPTY))
    }

    fn latest_line(&self, frame: Ptr<FrameObj>) -> u32 {
        match frame.live.get() {
            live if live.is_null() => 0,
            live => self.latest(live, false, |l| if l.line == NO_LINE { 0 } else { l.line }),
        }
    }

    /// Calls a trace or profile function. A frame that begins stands at the line of its `def`.
    fn tell(&self, event: Event, f: Value, frame: Ptr<FrameObj>, what: &str, argument: Value) -> Res<Value> {
        let before = frame.line_override.get();
        let code = frame.code();
        if event == Event::PyStart {
            frame.beginning.set(true);
        } else if code.unit.position(frame.lasti()).is_none() {
            // What has no line of its own is done on the last one.
            frame.line_override.set(self.latest_line(frame) as i32);
        }
        let r = self.reporting(event, || self.call(f, &[frame.value(), intern(what), argument]));
        frame.line_override.set(before);
        frame.beginning.set(false);
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
