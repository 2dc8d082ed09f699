//! Generators, coroutines and async generators: suspended frames on the heap.

use std::cell::Cell;

use cape_heap::{Field, Header, Ptr, Value, heap, heap_object};

use crate::exc::{Raised, Res};
use crate::frame::{Frame, FrameObj};
use crate::object::*;
use crate::runtime::{rt, type_of};
use crate::vm::Vm;

/// Where a generator stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum GenState {
    /// Not started.
    Created,
    /// Running now.
    Running,
    /// Waiting at a yield.
    Suspended,
    /// Finished.
    Closed,
}

heap_object! {
    /// A generator, coroutine or async generator (its map says which).
    pub struct GeneratorObj {
        pub code: Field,
        pub func: Field,
        pub globals: Field,
        pub builtins: Field,
        /// The registers while suspended (an array); EMPTY once finished.
        pub registers: Field,
        /// The frame object, if one was made.
        pub frame: Field,
        /// Its own handled exception while suspended (EMPTY: none).
        pub handled: Field,
        pub name: Field,
        pub qualname: Field,
        /// Word index of the instruction to resume at (the yield that suspended, or the one after ReturnGenerator).
        pub pc: Cell<u32>,
        pub state: Cell<u8>,
        /// Async generators: a `__anext__`, `asend`, `athrow` or `aclose` is under way; `closed` after `aclose`.
        pub running_async: Cell<bool>,
        pub closed_async: Cell<bool>,
        pub hooks_inited: Cell<bool>,
        pub finalizer: Field,
        /// The heap knows that it has something to do when it dies.
        registered: Cell<bool>,
        /// Coroutines: `cr_origin`.
        pub origin: Field,
    }
    [references_first]

    /// The helpers of coroutines and async generators: `coroutine_wrapper`, `async_generator_asend`, `_athrow` and the
    /// wrapped value (their maps say which).
    pub struct AsyncGenAuxObj {
        pub target: Field,
        pub args: Field,
        pub state: Cell<u8>,
    }
}

impl GeneratorObj {
    /// The state.
    pub fn state(&self) -> GenState {
        match self.state.get() {
            0 => GenState::Created,
            1 => GenState::Running,
            2 => GenState::Suspended,
            _ => GenState::Closed,
        }
    }

    pub(crate) fn set_state(&self, s: GenState) {
        self.state.set(s as u8);
    }

    /// The code.
    pub fn code(&self) -> Ptr<CodeObj> {
        self.code.downcast().expect("code of a generator")
    }

    /// What a suspended generator delegates to (`yield from`, `await`), if it does.
    pub fn delegate(&self) -> Option<Value> {
        if self.state() != GenState::Suspended {
            return None;
        }
        let word = cape_bytecode::Word(self.code().words[self.pc.get() as usize].get());
        if !self.code().delegates_at(self.pc.get()) {
            return None;
        }
        Some(self.registers.downcast::<ArrayObj>()?.get(word.b() as usize))
    }
}

impl AsyncGenAuxObj {
    /// A helper with this map.
    pub fn new(map: cape_heap::MapRef, target: Value, args: Value) -> Ptr<AsyncGenAuxObj> {
        heap().alloc(
            map,
            AsyncGenAuxObj {
                header: Header::new(map),
                target: Field::new(target),
                args: Field::new(args),
                state: Cell::new(0),
            },
        )
    }
}

/// What sending into an iterator gave.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Sent {
    /// It yielded this.
    Yielded(Value),
    /// It finished with this result.
    Returned(Value),
}

impl Vm {
    /// Makes the generator for the running frame, whose pc stands at ReturnGenerator.
    pub(crate) fn make_generator(&self, frame: &Frame, resume_at: u32) -> Ptr<GeneratorObj> {
        use cape_bytecode::flags;
        let code = frame.code;
        let maps = &rt().maps;
        let map = if code.flags & flags::COROUTINE != 0 {
            maps.coroutine
        } else if code.flags & flags::ASYNC_GENERATOR != 0 {
            maps.async_generator
        } else {
            maps.generator
        };
        // SAFETY: a frame has nregs registers.
        let regs = unsafe { std::slice::from_raw_parts(frame.base, code.nregs as usize) };
        let registers = ArrayObj::from_slice(regs);
        let (name, qualname) = match frame.func.downcast::<FunctionObj>() {
            Some(f) => (f.name.get(), f.qualname.get()),
            None => (code.name.get(), code.qualname.get()),
        };
        let is_coroutine = map == maps.coroutine;
        let origin = match self.origin_depth.get() {
            0 => Value::NONE,
            _ if !is_coroutine => Value::NONE,
            depth => self.coroutine_origin(frame, depth as usize),
        };
        let g = heap().alloc(
            map,
            GeneratorObj {
                header: Header::new(map),
                code: Field::new(code.value()),
                func: Field::new(frame.func),
                globals: Field::new(frame.globals),
                builtins: Field::new(frame.builtins),
                registers: Field::new(registers.value()),
                frame: Field::new(Value::EMPTY),
                handled: Field::new(Value::EMPTY),
                name: Field::new(name),
                qualname: Field::new(qualname),
                pc: Cell::new(resume_at),
                state: Cell::new(GenState::Created as u8),
                running_async: Cell::new(false),
                closed_async: Cell::new(false),
                hooks_inited: Cell::new(false),
                finalizer: Field::new(Value::EMPTY),
                registered: Cell::new(false),
                origin: Field::new(origin),
            },
        );
        if is_coroutine {
            // It has to be awaited.
            self.register_generator(g);
        }
        g
    }

    /// Where a coroutine whose frame is the running one is made: `(filename, line, name)` of up to `depth` callers.
    fn coroutine_origin(&self, frame: &Frame, depth: usize) -> Value {
        let mut places = ValueVec::new();
        let mut f = frame as *const Frame as *mut Frame;
        while places.len() < depth
            && let Some(below) = self.frame_below(f)
        {
            f = below;
            // SAFETY: frames up to the top are initialised.
            let (code, line) = unsafe { ((*f).code, (*f).line()) };
            let place = [code.filename.get(), Value::int(line as i64), code.name.get()];
            places.push(TupleObj::new(&place).value());
        }
        TupleObj::new(&places).value()
    }

    /// The generator has something to do when it dies: a `finally` to run, a delegate to close, a warning to give.
    pub fn register_generator(&self, g: Ptr<GeneratorObj>) {
        if !g.registered.replace(true) {
            if g.code().compiled.is_hot() {
                // There are too many of them to be watched.
                heap().add_late_finalizer(g.header());
            } else {
                heap().add_finalizer(g.header());
            }
        }
    }

    /// Called when a generator suspends: registers it when closing it could be noticed.
    #[inline(always)]
    pub(crate) fn note_suspended(&self, code: Ptr<CodeObj>, g: Ptr<GeneratorObj>) {
        if code.may_clean_up.get() && !g.registered.get() {
            self.note_cleaning_up(code, g);
        }
    }

    #[inline(never)]
    fn note_cleaning_up(&self, code: Ptr<CodeObj>, g: Ptr<GeneratorObj>) {
        let may_handle = !code.unit.exceptions.is_empty();
        if code.delegates_at(g.pc.get()) || may_handle && code.unit.find_handler(g.pc.get()).is_some() {
            self.register_generator(g);
        }
    }

    fn noun(g: Ptr<GeneratorObj>) -> &'static str {
        let m = g.header().map();
        if m == rt().maps.coroutine {
            "coroutine"
        } else if m == rt().maps.async_generator {
            "async generator"
        } else {
            "generator"
        }
    }

    /// Resumes a generator with a value, or by raising an exception in it.
    pub fn resume(&self, g: Ptr<GeneratorObj>, mut input: Result<Value, Raised>) -> Res<Sent> {
        if crate::vm::requested() && g.state() == GenState::Suspended {
            // What a signal raises is raised in the generator.
            if let Err(r) = self.poll() {
                // In the innermost of those that delegate to each other.
                if g.delegate().is_some_and(|sub| sub.is::<GeneratorObj>()) {
                    return self.throw_into(g, r);
                }
                input = Err(r);
            }
        }
        match g.state() {
            GenState::Running => {
                return Err(self.value_error(format!("{} already executing", Self::noun(g))));
            }
            GenState::Closed => {
                return match input {
                    _ if g.header().map() == rt().maps.coroutine => {
                        Err(self.runtime_error("cannot reuse already awaited coroutine"))
                    }
                    Err(r) => Err(r),
                    Ok(_) => Ok(Sent::Returned(Value::NONE)),
                };
            }
            GenState::Created => {
                if let Ok(v) = input
                    && !v.is_none()
                {
                    return Err(self.type_error(format!(
                        "can't send non-None value to a just-started {}",
                        Self::noun(g)
                    )));
                }
            }
            GenState::Suspended => {}
        }
        self.resume_frame(g, input)
    }

    /// Gives `f` the generators and coroutines that run in this thread, with the registers of their frames.
    pub fn each_running_generator(&self, f: &mut dyn FnMut(Ptr<GeneratorObj>, &[Value])) {
        self.each_frame(|frame| {
            if let Some(g) = frame.generator.downcast::<GeneratorObj>() {
                // SAFETY: a frame has nregs registers, which are initialised.
                f(g, unsafe { std::slice::from_raw_parts(frame.base, frame.code.nregs as usize) });
            }
        });
    }

    /// Sends `v` (None: `next`) to any iterator.
    pub fn send_to(&self, iter: Value, v: Value) -> Res<Sent> {
        if let Some(g) = iter.downcast::<GeneratorObj>()
            && g.header().map() != rt().maps.async_generator
        {
            return self.resume(g, Ok(v));
        }
        let r = if v.is_none() {
            match self.next_or_value(iter) {
                Ok(Some(y)) => return Ok(Sent::Yielded(y)),
                // Exhaustion without an exception object has no value.
                Ok(None) => return Ok(Sent::Returned(self.take_stop_value())),
                Err(r) => Err(r),
            }
        } else {
            self.call_method(iter, rt().names.send, &[v])
        };
        match r {
            Ok(y) => Ok(Sent::Yielded(y)),
            Err(r) if r.is(rt().types.stop_iteration) => Ok(Sent::Returned(stop_value(r))),
            Err(r) => Err(r),
        }
    }

    /// `generator.throw(exc)`, forwarding to what it delegates to.
    pub fn throw_into(&self, g: Ptr<GeneratorObj>, exc: Raised) -> Res<Sent> {
        match g.delegate() {
            None => self.resume(g, Err(exc)),
            Some(sub) => self.throw_through(g, |vm| vm.throw_to_delegate(g, sub, exc)),
        }
    }

    /// Throws into what a generator delegates to; an exception that comes out is to be raised in the generator.
    fn throw_to_delegate(&self, g: Ptr<GeneratorObj>, sub: Value, exc: Raised) -> Res<Sent> {
        // Async generators throw GeneratorExit into what they await; they do not close it.
        if exc.is(rt().types.generator_exit) && g.header().map() != rt().maps.async_generator {
            self.close_iterator(sub)?;
            return Err(exc);
        }
        if let Some(sg) = sub.downcast::<GeneratorObj>() {
            return self.throw_into(sg, exc);
        }
        let Some(m) = self.get_attr_opt(sub, rt().names.throw)? else { return Err(exc) };
        match self.call(m, &[exc.value()]) {
            Ok(v) => Ok(Sent::Yielded(v)),
            Err(r) if r.is(rt().types.stop_iteration) => Ok(Sent::Returned(stop_value(r))),
            Err(r) => Err(r),
        }
    }

    fn close_iterator(&self, it: Value) -> Res<()> {
        if let Some(g) = it.downcast::<GeneratorObj>() {
            return self.close_generator(g).map(|_| ());
        }
        match self.get_attr_opt(it, rt().names.close) {
            Ok(Some(m)) => self.call(m, &[]).map(drop),
            Ok(None) => Ok(()),
            // The generator is closed all the same.
            Err(e) => {
                self.report_ignored(e, "closing generator", it);
                Ok(())
            }
        }
    }

    /// `generator.close()`: the generator's return value.
    pub fn close_generator(&self, g: Ptr<GeneratorObj>) -> Res<Value> {
        match g.state() {
            GenState::Created => {
                self.drop_generator(g);
                return Ok(Value::NONE);
            }
            GenState::Closed => return Ok(Value::NONE),
            GenState::Suspended
                if g.delegate().is_none()
                    && g.code().unit.find_handler(g.pc.get()).is_none()
                    && !self.is_unwinding_watched(g.code()) =>
            {
                // Nothing in it would notice.
                self.drop_generator(g);
                return Ok(Value::NONE);
            }
            _ => {}
        }
        let exit = self.new_exc_args(rt().types.generator_exit, &[]);
        match self.throw_into(g, exit) {
            Ok(Sent::Yielded(_)) => {
                Err(self.runtime_error(format!("{} ignored GeneratorExit", Self::noun(g))))
            }
            Ok(Sent::Returned(v)) => Ok(v),
            Err(r) if r.is(rt().types.generator_exit) || r.is(rt().types.stop_iteration) => Ok(Value::NONE),
            Err(r) => Err(r),
        }
    }

    /// The generator will not run again.
    pub fn drop_generator(&self, g: Ptr<GeneratorObj>) {
        g.set_state(GenState::Closed);
        // Nothing is left to be done when it dies.
        g.header().set(cape_heap::ObjFlags::FINALIZED);
        if let Some(f) = g.frame.downcast::<FrameObj>()
            && let Some(a) = g.registers.downcast::<ArrayObj>()
            && f.registers.get().is_empty()
        {
            f.registers.set(f, a.value());
        }
        g.registers.set_no_barrier(Value::EMPTY);
        g.handled.set_no_barrier(Value::EMPTY);
    }

    /// Whether `v` can be awaited directly: a coroutine, or a generator marked by `types.coroutine`.
    pub fn is_coroutine_like(&self, v: Value) -> bool {
        v.downcast::<GeneratorObj>().is_some_and(|g| {
            g.header().map() == rt().maps.coroutine
                || g.code().flags & cape_bytecode::flags::ITERABLE_COROUTINE != 0
        })
    }

    /// `type.__await__` protocol: the iterator behind an awaitable.
    pub fn awaitable_iter(&self, v: Value, message: impl FnOnce() -> String) -> Res<Value> {
        if self.is_coroutine_like(v) {
            return Ok(v);
        }
        let t = type_of(v);
        let f = t.special(crate::special::Special::Await);
        if f.is_empty() {
            return Err(self.type_error(message()));
        }
        let it = self.call_special(f, &[v])?;
        if self.is_coroutine_like(it) {
            return Err(self.type_error("__await__() returned a coroutine"));
        }
        if type_of(it).special(crate::special::Special::Next).is_empty() {
            return Err(self.type_error(format!(
                "__await__() returned non-iterator of type '{}'",
                type_of(it).name_str()
            )));
        }
        Ok(it)
    }
}

/// The value of a raised StopIteration.
pub fn stop_value(r: Raised) -> Value {
    let v = crate::exc::extra(r.exc(), 0);
    if v.is_empty() { Value::NONE } else { v }
}
