//! Raising, unwinding, matching exceptions.

use cape_bytecode::Op;
use cape_heap::{Ptr, Value};

use crate::exc::{Raised, Res, extra};
use crate::frame::Frame;
use crate::monitor::Event;
use crate::object::*;
use crate::runtime::{rt, type_of};
use crate::vm::Vm;

/// Whether `v` is a class derived from BaseException.
pub fn is_exception_class(v: Value) -> bool {
    v.downcast::<TypeObj>().is_some_and(|t| t.has(TypeFlags::EXC_SUBCLASS))
}

impl Vm {
    /// Adds this frame to the exception's traceback.
    pub(crate) fn add_traceback(&self, exc: Ptr<ExcObj>, frame: *mut Frame) {
        // SAFETY: a live frame.
        let lasti = unsafe { (*frame).place() };
        let object = self.frame_object(frame);
        // (The line is worked out when somebody asks: most exceptions are caught and forgotten.)
        let (map, next) = (rt().maps.traceback, exc.traceback.get());
        let tb = TracebackObj::new(map, next, object.value(), lasti as i32, -1);
        exc.traceback.set(exc, tb.value());
    }

    /// Unwinds from the top frame to the nearest handler. Ok: the top frame stands at a handler. Err: an entry frame was left.
    /// `again`: the exception goes on from a handler of the top frame, which is in its traceback already.
    pub(crate) fn unwind(&self, raised: Raised, again: bool) -> Result<(), Raised> {
        self.unwind_as(raised, again, if again { Event::Reraise } else { Event::Raise })
    }

    /// As [`Vm::unwind`]; `event`: what tools are told that happens in the top frame.
    pub(crate) fn unwind_as(&self, raised: Raised, again: bool, event: Event) -> Result<(), Raised> {
        let (mut raised, mut event) = (raised, event);
        let mut elsewhere = again;
        let mut again = again || self.is_bare_raise(raised);
        // What native code has made and raised; what has been raised before has its context already.
        if !again && raised.exc().context.get().is_none() && raised.exc().traceback.get().is_none() {
            self.chain_context(raised.exc());
        }
        loop {
            let frame = self.frame_top.get();
            // SAFETY: the top frame is initialised.
            let f = unsafe { &mut *frame };
            if !again {
                self.add_traceback(raised.exc(), frame);
            }
            if !std::mem::replace(&mut elsewhere, false) {
                self.leaves_here();
            }
            again = false;
            raised = self.exception_event(std::mem::replace(&mut event, Event::Raise), raised);
            if let Some(h) = f.code.unit.find_handler_near(f.lasti(), self.handler_hint(f.pc)) {
                // SAFETY: handler and register are inside the code and the window.
                unsafe {
                    *f.base.add(h.reg as usize) = raised.value();
                    f.pc = f.code.words.as_ptr().add(h.handler as usize);
                }
                let instead = self.exception_event(Event::ExceptionHandled, raised);
                if instead != raised {
                    // A callback has raised, where the handler begins.
                    raised = instead;
                    continue;
                }
                return Ok(());
            }
            // What cleans up does not say where the frame was left.
            let (left, lasti) = self.left_at.get();
            let lasti = match raised.exc().traceback.downcast::<TracebackObj>() {
                _ if left == frame => lasti,
                Some(tb) if tb.frame.get() == f.object => tb.lasti.get(),
                _ => -1,
            };
            if lasti >= 0 && (lasti as usize) < f.code.words.len() {
                // SAFETY: the index lies inside the code of the frame.
                f.pc = unsafe { f.code.words.as_ptr().add(lasti as usize) };
            }
            raised = self.exception_event(Event::PyUnwind, raised);
            let entry = f.entry;
            if f.generator.is_empty() {
                self.pop_frame(frame, true);
            } else {
                raised = self.generator_raised(frame, raised);
            }
            if entry {
                return Err(raised);
            }
        }
    }

    /// Notes that an exception leaves the top frame at the present instruction, if nothing stops it.
    pub(crate) fn leaves_here(&self) {
        let frame = self.frame_top.get();
        // SAFETY: the top frame is initialised.
        self.left_at.set((frame, unsafe { (*frame).lasti() } as i32));
    }

    /// An exception leaves a generator: StopIteration becomes RuntimeError.
    fn generator_raised(&self, frame: *mut Frame, raised: Raised) -> Raised {
        use cape_bytecode::flags;
        // SAFETY: the top frame.
        let code_flags = unsafe { (&(*frame).code).flags };
        let t = &rt().types;
        let message = if raised.is(t.stop_iteration) {
            Some(if code_flags & flags::COROUTINE != 0 {
                "coroutine raised StopIteration"
            } else if code_flags & flags::ASYNC_GENERATOR != 0 {
                "async generator raised StopIteration"
            } else {
                "generator raised StopIteration"
            })
        } else if code_flags & flags::ASYNC_GENERATOR != 0 && raised.is(t.stop_async_iteration) {
            Some("async generator raised StopAsyncIteration")
        } else {
            None
        };
        let raised = match message {
            Some(m) => {
                let r = self.runtime_error(m);
                let e = r.exc();
                e.context.set(e, raised.value());
                e.cause.set(e, raised.value());
                e.suppress_context.set(true);
                self.add_traceback(e, frame);
                r
            }
            None => raised,
        };
        self.finish_generator(frame);
        raised
    }

    /// Sets `__context__` to the handled exception, breaking cycles.
    pub fn chain_context(&self, exc: Ptr<ExcObj>) {
        let Some(handled) = self.handled_exception() else { return };
        if handled == exc {
            return;
        }
        // If exc is already in the chain of handled, cut it there.
        let mut o = handled;
        let mut steps = 0;
        while let Some(c) = o.context.downcast::<ExcObj>() {
            if c == exc {
                o.context.set_no_barrier(Value::NONE);
                break;
            }
            o = c;
            steps += 1;
            if steps > 10_000 {
                break;
            }
        }
        exc.context.set(exc, handled.value());
    }

    /// Whether the running instruction raises again, by a `raise` alone, what is being handled: nothing is added to its traceback.
    fn is_bare_raise(&self, raised: Raised) -> bool {
        if self.handled_exception() != Some(raised.exc()) {
            return false;
        }
        // SAFETY: the top frame is initialised.
        let f = unsafe { &*self.frame_top.get() };
        let word = f.code.unit.code.get(f.lasti() as usize);
        word.is_some_and(|w| w.op() == Some(Op::Raise) && w.x() == 0)
    }

    /// The `raise` statement. `exc` EMPTY: re-raise; `cause` EMPTY: no `from`.
    pub(crate) fn raise_op(&self, exc: Value, cause: Value) -> Raised {
        if exc.is_empty() {
            return match self.handled_exception() {
                Some(e) => Raised::new(e),
                None => self.runtime_error("No active exception to reraise"),
            };
        }
        let raised = match self.exception_from(exc) {
            Ok(r) => r,
            Err(r) => return r,
        };
        let e = raised.exc();
        if !cause.is_empty() {
            if cause.is_none() {
                e.cause.set_no_barrier(Value::NONE);
            } else {
                let c = if is_exception_class(cause) {
                    match self.call(cause, &[]) {
                        Ok(c) if c.is::<ExcObj>() => c,
                        Ok(c) => return self.no_exception(cause, c),
                        Err(r) => return r,
                    }
                } else {
                    cause
                };
                if !c.is::<ExcObj>() {
                    return self.type_error("exception causes must derive from BaseException");
                }
                e.cause.set(e, c);
            }
            e.suppress_context.set(true);
        }
        self.chain_context(e);
        raised
    }

    /// The TypeError for what an exception class has made.
    #[cold]
    fn no_exception(&self, class: Value, made: Value) -> Raised {
        let text = || -> Res<String> {
            Ok(format!(
                "calling {} should have returned an instance of BaseException, not {}",
                self.repr_str(class)?,
                self.repr_str(type_of(made).value())?
            ))
        };
        match text() {
            Ok(text) => self.type_error(text),
            Err(r) => r,
        }
    }

    /// What `raise v` raises: an instance, or a class to be called.
    pub fn exception_from(&self, v: Value) -> Result<Raised, Raised> {
        if let Some(e) = v.downcast::<ExcObj>() {
            return Ok(Raised::new(e));
        }
        if is_exception_class(v) {
            let e = self.call(v, &[])?;
            return match e.downcast::<ExcObj>() {
                Some(e) => Ok(Raised::new(e)),
                None => Err(self.no_exception(v, e)),
            };
        }
        Err(self.type_error("exceptions must derive from BaseException"))
    }

    /// `except C`: whether the exception matches a class or a tuple of classes.
    pub(crate) fn exc_match_op(&self, exc: Value, class: Value) -> Res<bool> {
        const MESSAGE: &str = "catching classes that do not inherit from BaseException is not allowed";
        if let Some(t) = class.downcast::<TupleObj>() {
            if t.as_slice().iter().any(|&c| !is_exception_class(c)) {
                return Err(self.type_error(MESSAGE));
            }
        } else if !is_exception_class(class) {
            return Err(self.type_error(MESSAGE));
        }
        Ok(exception_matches(exc, class))
    }

    /// `except* C`: the matching part and the rest.
    pub(crate) fn eg_match_op(&self, exc: Value, class: Value) -> Res<(Value, Value)> {
        const MESSAGE: &str = "catching classes that do not inherit from BaseException is not allowed";
        const GROUPS: &str = "catching ExceptionGroup with except* is not allowed. Use except instead.";
        let classes: &[Value] = match class.downcast::<TupleObj>() {
            // SAFETY: the tuple is in the caller's register and on this native stack.
            Some(t) => unsafe { std::mem::transmute::<&[Value], &[Value]>(t.as_slice()) },
            None => std::slice::from_ref(&class),
        };
        let group = rt().types.base_exception_group;
        for &c in classes {
            if !is_exception_class(c) {
                return Err(self.type_error(MESSAGE));
            }
            if c.downcast::<TypeObj>().is_some_and(|c| c.is_subtype(group)) {
                return Err(self.type_error(GROUPS));
            }
        }
        if exc.is_none() {
            return Ok((Value::NONE, Value::NONE));
        }
        if exception_matches(exc, class) {
            if type_of(exc).is_subtype(group) {
                return Ok((exc, Value::NONE));
            }
            // A naked exception is wrapped, with its own traceback.
            let g = self.new_group("", &[exc])?;
            if let (Some(e), Some(frame)) = (g.downcast::<ExcObj>(), self.top_frame()) {
                self.add_traceback(e, frame);
            }
            return Ok((g, Value::NONE));
        }
        if type_of(exc).is_subtype(group) {
            let m = self.get_attr_str(exc, "split")?;
            let pair = self.call(m, &[class])?;
            let Some(t) = pair.downcast::<TupleObj>() else {
                return Err(self.type_error(format!(
                    "{}.split must return a tuple, not {}",
                    type_of(exc).name_str(),
                    type_of(pair).name_str()
                )));
            };
            if t.len() < 2 {
                return Err(self.type_error(format!(
                    "{}.split must return a 2-tuple, got tuple of size {}",
                    type_of(exc).name_str(),
                    t.len()
                )));
            }
            return Ok((t.get(0), t.get(1)));
        }
        Ok((Value::NONE, exc))
    }

    /// A new exception group (`ExceptionGroup` when all are Exceptions).
    pub fn new_group(&self, message: &str, excs: &[Value]) -> Res<Value> {
        let class = rt().types.base_exception_group;
        let list = ListObj::new(excs);
        self.call(class.value(), &[StrObj::new(message).value(), list.value()])
    }

    /// The end of `try`/`except*`: what to raise, or None. `excs` is a list.
    pub fn prep_reraise_star(&self, orig: Value, excs: Value) -> Res<Value> {
        let list: Ptr<ListObj> = excs.downcast().expect("the list of except* results");
        let items = list.snapshot();
        let items: &[Value] = items.as_slice();
        if items.iter().all(|v| v.is_none()) {
            return Ok(Value::NONE);
        }
        let group = rt().types.base_exception_group;
        if !type_of(orig).is_subtype(group) {
            // A naked exception was caught and wrapped: at most one was raised.
            let first = items.iter().copied().find(|v| !v.is_none()).unwrap_or(Value::NONE);
            return Ok(first);
        }
        let mut raised = ValueVec::new();
        let mut reraised = ValueVec::new();
        for &e in items {
            if e.is_none() {
                continue;
            }
            if self.same_group_metadata(e, orig) { reraised.push(e) } else { raised.push(e) }
        }
        let rest = self.group_projection(orig, &reraised)?;
        if raised.is_empty() {
            return Ok(rest);
        }
        if !rest.is_none() {
            raised.push(rest);
        }
        if raised.len() == 1 {
            return Ok(raised[0]);
        }
        self.new_group("", &raised)
    }

    fn same_group_metadata(&self, a: Value, b: Value) -> bool {
        let (Some(x), Some(y)) = (a.downcast::<ExcObj>(), b.downcast::<ExcObj>()) else { return false };
        if !type_of(a).is_subtype(rt().types.base_exception_group) {
            return false;
        }
        x.traceback.get() == y.traceback.get()
            && x.cause.get() == y.cause.get()
            && x.context.get() == y.context.get()
    }

    fn notes_of(&self, e: Value) -> Value {
        crate::shape::get(e.header(), rt().names.notes).unwrap_or(Value::EMPTY)
    }

    /// The part of group `orig` whose leaves are those of the groups in `keep`.
    fn group_projection(&self, orig: Value, keep: &[Value]) -> Res<Value> {
        if keep.is_empty() {
            return Ok(Value::NONE);
        }
        let mut leaves = ValueVec::new();
        for &g in keep {
            self.collect_leaves(g, &mut leaves)?;
        }
        self.split_leaves(orig, &leaves)
    }

    fn collect_leaves(&self, e: Value, out: &mut ValueVec) -> Res<()> {
        self.check_native_stack(" in exception groups")?;
        if !type_of(e).is_subtype(rt().types.base_exception_group) {
            out.push(e);
            return Ok(());
        }
        let x: Ptr<ExcObj> = e.downcast().expect("a group is an exception");
        if let Some(t) = extra(x, 1).downcast::<TupleObj>() {
            for &s in t.as_slice() {
                self.collect_leaves(s, out)?;
            }
        }
        Ok(())
    }

    fn split_leaves(&self, e: Value, leaves: &[Value]) -> Res<Value> {
        self.check_native_stack(" in exception groups")?;
        if !type_of(e).is_subtype(rt().types.base_exception_group) {
            return Ok(if leaves.contains(&e) { e } else { Value::NONE });
        }
        let x: Ptr<ExcObj> = e.downcast().expect("a group is an exception");
        let subs: Ptr<TupleObj> = extra(x, 1).downcast().expect("exceptions of a group");
        let mut kept = ValueVec::new();
        for &s in subs.as_slice() {
            let k = self.split_leaves(s, leaves)?;
            if !k.is_none() {
                kept.push(k);
            }
        }
        if kept.is_empty() {
            return Ok(Value::NONE);
        }
        self.derive_group(e, &kept)
    }

    /// `group.derive(excs)` with traceback, cause, context and notes copied from the group.
    pub fn derive_group(&self, group: Value, excs: &[Value]) -> Res<Value> {
        let x: Ptr<ExcObj> = group.downcast().expect("a group is an exception");
        let m = self.get_attr_str(group, "derive")?;
        let r = self.call(m, &[ListObj::new(excs).value()])?;
        let Some(n) =
            r.downcast::<ExcObj>().filter(|_| type_of(r).is_subtype(rt().types.base_exception_group))
        else {
            return Err(self.type_error("derive must return an instance of BaseExceptionGroup"));
        };
        n.traceback.set(n, x.traceback.get());
        n.cause.set(n, x.cause.get());
        n.context.set(n, x.context.get());
        n.suppress_context.set(x.suppress_context.get());
        if let Some(l) = self.notes_of(group).downcast::<ListObj>() {
            let copy = ListObj::new(l.snapshot().as_slice());
            self.set_attr(r, rt().names.notes, copy.value())?;
        }
        Ok(r)
    }

    /// UnboundLocalError or NameError for register `reg` of `code`.
    #[cold]
    pub(crate) fn unbound_local(&self, code: Ptr<CodeObj>, reg: u16) -> Raised {
        let name = code.unit.register_name(reg).unwrap_or("?");
        let value = rt().intern(name);
        if code.unit.is_free(reg) {
            return self.name_error_for(
                format!("cannot access free variable '{name}' where it is not associated with a value in enclosing scope"),
                value,
                false,
            );
        }
        self.name_error_for(
            format!("cannot access local variable '{name}' where it is not associated with a value"),
            value,
            true,
        )
    }

    /// Adds a note to an exception (`add_note`).
    pub fn add_note(&self, exc: Ptr<ExcObj>, note: &str) -> Res<()> {
        let v = exc.value();
        let notes = match self.get_attr_opt(v, rt().names.notes)? {
            Some(n) => n,
            None => {
                let l = ListObj::new(&[]).value();
                self.set_attr(v, rt().names.notes, l)?;
                l
            }
        };
        match notes.downcast::<ListObj>() {
            Some(l) => l.push(StrObj::new(note).value()),
            None => return Err(self.type_error("Cannot add note: __notes__ is not a list")),
        }
        Ok(())
    }
}

/// Whether an exception object is an instance of a class or of one of a tuple of classes (no checks).
pub fn exception_matches(exc: Value, class: Value) -> bool {
    let t = type_of(exc);
    match class.downcast::<TupleObj>() {
        Some(cs) => cs.as_slice().iter().any(|&c| exception_matches(exc, c)),
        None => class.downcast::<TypeObj>().is_some_and(|c| t.is_subtype(c)),
    }
}
