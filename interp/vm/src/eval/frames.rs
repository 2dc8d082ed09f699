//! Entering and leaving Python functions: argument binding, frames, generators.

use std::mem::MaybeUninit;
use std::sync::atomic::{Ordering, compiler_fence};

use cape_bytecode::{Word, flags};
use cape_heap::{Ptr, Value};

use super::code::variable_names;
use crate::exc::{Raised, Res};
use crate::frame::{Frame, mark};
use crate::generator::{GenState, GeneratorObj, Sent};
use crate::object::*;
use crate::runtime::rt;
use crate::vm::Vm;

impl Vm {
    /// Pushes a frame whose registers begin at `base`; the caller has written the parameters and cleared the others, and has made sure
    /// that the window ends [`SLACK`] registers below the end of the stack.
    #[inline(always)]
    pub(crate) fn push_frame(
        &self,
        code: Ptr<CodeObj>,
        base: *mut Value,
        func: Value,
        globals: Value,
        builtins: Value,
        ret: u32,
        entry: bool,
    ) -> Res<*mut Frame> {
        let top = self.frame_top.get().wrapping_add(1);
        let end = base.wrapping_add(code.nregs as usize);
        if top >= self.frames_limit() {
            return Err(self.too_deep(""));
        }
        // SAFETY: top is inside the frame mapping.
        unsafe {
            top.write(Frame {
                code,
                base,
                saved_sp: self.sp.get(),
                pc: code.words.as_ptr(),
                ret,
                entry,
                marks: 0,
                func,
                globals,
                builtins,
                locals: Value::EMPTY,
                object: Value::EMPTY,
                generator: Value::EMPTY,
                ctor: Value::EMPTY,
                outer_handled: Value::EMPTY,
            });
        }
        // A profiler's signal handler reads the frames up to the top.
        compiler_fence(Ordering::Release);
        self.frame_top.set(top);
        // Never down: what is traced once stays traced until it is written again, or a moving collection would leave stale
        // references behind.
        self.sp.set(end.max(self.sp.get()));
        Ok(top)
    }

    /// Pops the top frame.
    #[inline(always)]
    pub(crate) fn pop_frame(&self, frame: *mut Frame, finished: bool) {
        // SAFETY: frame is the top frame.
        unsafe {
            if !(*frame).object.is_empty() {
                self.detach_frame_object(frame, finished);
            }
            self.frame_top.set(frame.wrapping_sub(1));
            compiler_fence(Ordering::Release);
            self.sp.set((*frame).saved_sp);
        }
    }

    /// Calls a Python function from native code. (Profilers look for its native frames.)
    #[inline(never)]
    pub fn call_function(
        &self,
        f: Ptr<FunctionObj>,
        args: &[Value],
        kwnames: Option<Ptr<TupleObj>>,
    ) -> Res<Value> {
        if kwnames.is_none() {
            // SAFETY: the index is one of the slice's. Volatile: the words have been written one by one a moment ago.
            let arg = |i| Some(unsafe { args.as_ptr().add(i).read_volatile() });
            if let Some(r) = self.call_plainly(f, args.len(), arg) {
                return r;
            }
        }
        self.call_binding(f, args, kwnames)
    }

    /// Calls a Python function with `n` positional arguments, which go straight into its registers; `None`, with nothing done, where
    /// that is not all there is to it, or `argument` does not have one. It is asked for each once, and must not allocate: the
    /// registers are not traced yet.
    ///
    /// For functions that [`callers`](crate::profile::callers) names.
    #[inline(always)]
    pub fn call_plainly(
        &self,
        f: Ptr<FunctionObj>,
        n: usize,
        argument: impl Fn(usize) -> Option<Value>,
    ) -> Option<Res<Value>> {
        let (code, base) = (f.code(), self.sp.get());
        if !code.simple
            || n != code.argcount as usize
            || !self.has_native_stack()
            || base.wrapping_add(code.nregs as usize + n + SLACK) >= self.regs_end()
        {
            return None;
        }
        // SAFETY: there is room above sp.
        unsafe {
            for i in 0..n {
                base.add(i).write(argument(i)?);
            }
            clear(base.add(n), code.nregs as usize - n);
            self.fill_closure(code, f.closure.get(), base);
        }
        Some(self.run_bound(f, code, base))
    }

    /// As [`Vm::call_function`] with one argument or two (`b` EMPTY: one), as most special methods take.
    #[inline(never)]
    pub(crate) fn call_few(&self, f: Ptr<FunctionObj>, a: Value, b: Value) -> Res<Value> {
        let n = 2 - b.is_empty() as usize;
        let (code, base) = (f.code(), self.sp.get());
        if !code.simple
            || n != code.argcount as usize
            || !self.has_native_stack()
            || base.wrapping_add(code.nregs as usize + SLACK) >= self.regs_end()
        {
            return self.call_binding(f, &[a, b][..n], None);
        }
        // SAFETY: there is room above sp.
        unsafe {
            base.write(a);
            base.add(1).write(b);
            clear(base.add(n), code.nregs as usize - n);
            self.fill_closure(code, f.closure.get(), base);
        }
        self.run_bound(f, code, base)
    }

    /// The way of all other calls of Python functions from native code. (As [`Vm::call_function`] for profilers.)
    #[inline(never)]
    pub(crate) fn call_binding(
        &self,
        f: Ptr<FunctionObj>,
        args: &[Value],
        kwnames: Option<Ptr<TupleObj>>,
    ) -> Res<Value> {
        self.check_native_stack("")?;
        let (code, base) = (f.code(), self.sp.get());
        if base.wrapping_add(code.nregs as usize + args.len() + SLACK) >= self.regs_end() {
            return Err(self.too_deep(""));
        }
        // SAFETY: there is room above sp.
        unsafe { self.bind(f, args.as_ptr(), args.len(), kwnames, base)? };
        self.run_bound(f, code, base)
    }

    /// Runs a Python function whose registers, at the end of the traced ones, are filled.
    #[inline(always)]
    fn run_bound(&self, f: Ptr<FunctionObj>, code: Ptr<CodeObj>, base: *mut Value) -> Res<Value> {
        let frame = self.push_frame(code, base, f.value(), f.globals.get(), f.builtins.get(), 0, true);
        // (A closure might become a function, which profilers do not know.)
        let r = match frame {
            Ok(frame) => super::run_new(self, code, frame, 0),
            Err(r) => Err(r),
        };
        self.sp.set(base);
        r
    }

    /// Runs module, class or exec code.
    pub fn run_code(
        &self,
        code: Ptr<CodeObj>,
        globals: Ptr<DictObj>,
        locals: Value,
        closure: Option<Ptr<TupleObj>>,
    ) -> Res<Value> {
        self.check_native_stack("")?;
        let saved = self.sp.get();
        if saved.wrapping_add(code.nregs as usize + SLACK) >= self.regs_end() {
            return Err(self.too_deep(""));
        }
        let builtins = self.builtins_of(globals);
        // SAFETY: there is room above sp.
        unsafe {
            clear(saved, code.nregs as usize);
            self.fill_closure(code, closure.map_or(Value::EMPTY, |c| c.value()), saved);
        }
        let frame = self.push_frame(code, saved, Value::EMPTY, globals.value(), builtins, 0, true)?;
        // SAFETY: the frame was just pushed.
        unsafe { (*frame).locals = locals };
        self.scrub_frames_to_come();
        let r = super::run(self);
        self.sp.set(saved);
        r
    }

    /// The builtins that code with these globals uses.
    pub fn builtins_of(&self, globals: Ptr<DictObj>) -> Value {
        match globals.get_str(rt().names.builtins) {
            Some(b) => match b.downcast::<ModuleObj>() {
                Some(m) => m.dict().value(),
                None => b,
            },
            None => rt().builtins().value(),
        }
    }

    #[inline(always)]
    pub(super) unsafe fn fill_closure(&self, code: Ptr<CodeObj>, closure: Value, win: *mut Value) {
        if code.nfree > 0
            && let Some(t) = closure.downcast::<TupleObj>()
        {
            for (i, &c) in t.as_slice().iter().enumerate().take(code.nfree as usize) {
                // SAFETY: free variables have registers first_free.. in the window.
                unsafe { win.add(code.first_free as usize + i).write(c) };
            }
        }
    }

    /// Binds arguments to a function's parameters in the window at `win`, clearing all its other registers. `args` may
    /// overlap the window's beginning.
    ///
    /// # Safety
    /// The window, and above it room for a copy of the arguments, must be free register-stack memory.
    #[inline(never)]
    pub(crate) unsafe fn bind(
        &self,
        f: Ptr<FunctionObj>,
        args: *const Value,
        n: usize,
        kwnames: Option<Ptr<TupleObj>>,
        win: *mut Value,
    ) -> Res<()> {
        let code = f.code();
        let argcount = code.argcount as usize;
        let nregs = code.nregs as usize;
        // SAFETY: the caller's promise.
        unsafe {
            if code.simple && kwnames.is_none() && n <= argcount {
                std::ptr::copy(args, win, n);
                clear(win.add(n), nregs - n);
                if n < argcount {
                    self.fill_defaults(f, code, n, win)?;
                }
            } else if !self.bind_named(f, code, args, n, kwnames, win)? {
                self.bind_slow(f, args, n, kwnames, win)?;
            }
            self.fill_closure(code, f.closure.get(), win);
        }
        Ok(())
    }

    /// As [`Vm::bind`] where there is nothing to collect and nothing wrong: no `*args` or `**kwargs`, not too many arguments, keywords
    /// that name parameters. False: nothing is done.
    #[inline(always)]
    unsafe fn bind_named(
        &self,
        f: Ptr<FunctionObj>,
        code: Ptr<CodeObj>,
        args: *const Value,
        n: usize,
        kwnames: Option<Ptr<TupleObj>>,
        win: *mut Value,
    ) -> Res<bool> {
        const FEW: usize = 6;
        let names = kwnames.as_ref().map_or(&[][..], |k| k.as_slice());
        let (argcount, nkw) = (code.argcount as usize, names.len());
        let npos = n - nkw;
        if code.flags & (flags::VARARGS | flags::VARKEYWORDS) != 0 || npos > argcount || nkw > FEW {
            return Ok(false);
        }
        let mut at = [0u8; FEW];
        let mut values = [const { MaybeUninit::uninit() }; FEW];
        if code.varnames.get().is_empty() && (nkw > 0 || code.kwonly > 0) {
            // The arguments are the caller's temporaries, which a collection must leave alone.
            let caller = self.frame_top.get();
            // SAFETY: the caller's frame, or the unused one below the first.
            unsafe {
                let nested = (*caller).set_mark(mark::BINDING, true);
                variable_names(code);
                (*caller).set_mark(mark::BINDING, nested);
            }
        }
        if nkw > 0 {
            let varnames = variable_names(code);
            let first = npos.max(code.unit.posonlyargcount as usize);
            let open = &varnames.as_slice()[..argcount + code.kwonly as usize];
            for k in 0..nkw {
                let found = (first..open.len()).find(|&j| open[j] == names[k]).or_else(|| {
                    let text = names[k].downcast::<StrObj>()?;
                    (first..open.len())
                        .find(|&j| open[j].downcast::<StrObj>().is_some_and(|s| s.same_text(&text)))
                });
                let Some(j) = found.and_then(|j| u8::try_from(j).ok()) else { return Ok(false) };
                if at[..k].contains(&j) {
                    return Ok(false);
                }
                at[k] = j;
                // SAFETY: there are n arguments.
                values[k].write(unsafe { *args.add(npos + k) });
            }
        }
        // SAFETY: the promise of `bind`; parameter registers are in the window.
        unsafe {
            std::ptr::copy(args, win, npos);
            clear(win.add(npos), code.nregs as usize - npos);
            for k in 0..nkw {
                *win.add(at[k] as usize) = values[k].assume_init();
            }
            if (npos..argcount).any(|i| (*win.add(i)).is_empty()) {
                self.fill_defaults(f, code, npos, win)?;
            }
            if code.kwonly > 0 {
                self.fill_keyword_defaults(f, code, win)?;
            }
        }
        Ok(true)
    }

    /// Gives keyword-only parameters that have no argument their defaults. The names are there: nothing may be allocated here.
    unsafe fn fill_keyword_defaults(
        &self,
        f: Ptr<FunctionObj>,
        code: Ptr<CodeObj>,
        win: *mut Value,
    ) -> Res<()> {
        let argcount = code.argcount as usize;
        let kwdefaults = f.kwdefaults.downcast::<DictObj>();
        let mut missing = Vec::new();
        for i in argcount..argcount + code.kwonly as usize {
            // SAFETY: parameter registers are in the window.
            let at = unsafe { &mut *win.add(i) };
            if !at.is_empty() {
                continue;
            }
            let name = variable_names(code).get(i);
            match kwdefaults.and_then(|d| d.get_str(name)) {
                Some(v) => *at = v,
                None => missing.push(i),
            }
        }
        if missing.is_empty() { Ok(()) } else { Err(self.missing_arguments(f, &missing, "keyword-only")) }
    }

    unsafe fn fill_defaults(
        &self,
        f: Ptr<FunctionObj>,
        code: Ptr<CodeObj>,
        given: usize,
        win: *mut Value,
    ) -> Res<()> {
        let argcount = code.argcount as usize;
        let defaults: Option<Ptr<TupleObj>> = f.defaults.downcast();
        let defaults = defaults.as_ref().map_or(&[][..], |d| d.as_slice());
        // More defaults than parameters: the last ones count.
        let defaults = &defaults[defaults.len().saturating_sub(argcount)..];
        let first = argcount - defaults.len();
        let mut complete = true;
        for i in given.min(argcount)..argcount {
            // SAFETY: parameter registers are in the window.
            let at = unsafe { &mut *win.add(i) };
            if at.is_empty() {
                match i.checked_sub(first) {
                    Some(k) => *at = defaults[k],
                    None => complete = false,
                }
            }
        }
        if complete {
            return Ok(());
        }
        // SAFETY: as above.
        let missing: Vec<usize> = (0..argcount).filter(|&i| unsafe { (*win.add(i)).is_empty() }).collect();
        Err(self.missing_arguments(f, &missing, "positional"))
    }

    unsafe fn bind_slow(
        &self,
        f: Ptr<FunctionObj>,
        args: *const Value,
        n: usize,
        kwnames: Option<Ptr<TupleObj>>,
        win: *mut Value,
    ) -> Res<()> {
        let code = f.code();
        let (argcount, kwonly, nregs) = (code.argcount as usize, code.kwonly as usize, code.nregs as usize);
        let nkw = kwnames.map_or(0, |k| k.len());
        let npos = n - nkw;
        let saved = self.sp.get();
        if win.wrapping_add(nregs).max(saved).wrapping_add(n + SLACK) >= self.regs_end() {
            return Err(self.too_deep(""));
        }
        // SAFETY: the caller's promise; sp is moved over window and copy, so that allocation sees them as live.
        let args = unsafe {
            let copy = win.add(nregs).max(saved);
            std::ptr::copy(args, copy, n);
            // Exactly: the copy may begin behind them.
            std::ptr::write_bytes(win, 0, nregs);
            self.sp.set(copy.add(n));
            std::slice::from_raw_parts(copy, n)
        };
        // The window may lie in the caller's temporaries, which a collection must leave alone until the frame is pushed.
        let caller = self.frame_top.get();
        // SAFETY: the caller's frame, or the unused one below the first.
        let nested = unsafe { (*caller).set_mark(mark::BINDING, true) };
        let r = (|| {
            let take = npos.min(argcount);
            // SAFETY: parameter registers are in the window.
            let set = |i: usize, v: Value| unsafe { *win.add(i) = v };
            // SAFETY: as above.
            let get = |i: usize| unsafe { *win.add(i) };
            for (i, &a) in args[..take].iter().enumerate() {
                set(i, a);
            }
            let params = argcount + kwonly;
            let has_varargs = code.flags & flags::VARARGS != 0;
            let varkw_at = params + has_varargs as usize;
            if has_varargs {
                set(params, TupleObj::new(&args[take..npos]).value());
            }
            let varkw = (code.flags & flags::VARKEYWORDS != 0).then(DictObj::new);
            if let Some(d) = varkw {
                set(varkw_at, d.value());
            }
            let posonly = code.unit.posonlyargcount as usize;
            let varnames = variable_names(code);
            for k in 0..nkw {
                let name = kwnames.map_or(Value::EMPTY, |t| t.get(k));
                let Some(text) = name.downcast::<StrObj>() else {
                    return Err(
                        self.type_error(format!("{}() keywords must be strings", self.function_name(f)))
                    );
                };
                let value = args[npos + k];
                let at = (posonly..params).find(|&j| varnames.get(j) == name).or_else(|| {
                    (posonly..params)
                        .find(|&j| varnames.get(j).downcast::<StrObj>().is_some_and(|s| s.same_text(&text)))
                });
                match at {
                    Some(j) if get(j).is_empty() => set(j, value),
                    Some(_) => {
                        return Err(self.type_error(format!(
                            "{}() got multiple values for argument '{}'",
                            self.function_name(f),
                            text.display()
                        )));
                    }
                    None => match varkw {
                        Some(d) => d.set(self, name, value)?,
                        None => return Err(self.unexpected_keyword(f, kwnames, &text.display(), posonly)),
                    },
                }
            }
            if npos > argcount && !has_varargs {
                return Err(self.too_many_positional(
                    f,
                    npos,
                    (argcount..params).filter(|&i| !get(i).is_empty()).count(),
                ));
            }
            // SAFETY: the window's promise is passed on.
            unsafe { self.fill_defaults(f, code, take, win)? };
            // SAFETY: as above.
            unsafe { self.fill_keyword_defaults(f, code, win) }
        })();
        // SAFETY: as above.
        unsafe { (*caller).set_mark(mark::BINDING, nested) };
        self.sp.set(saved);
        r
    }

    fn function_name(&self, f: Ptr<FunctionObj>) -> String {
        f.qualname.downcast::<StrObj>().map(|s| s.display()).unwrap_or_default()
    }

    #[cold]
    fn missing_arguments(&self, f: Ptr<FunctionObj>, which: &[usize], kind: &str) -> Raised {
        let unit = &f.code().unit;
        let names: Vec<String> = which.iter().map(|&i| format!("'{}'", unit.varnames[i])).collect();
        let list = match names.as_slice() {
            [a] => a.clone(),
            [a, b] => format!("{a} and {b}"),
            [rest @ .., last] => format!("{}, and {last}", rest.join(", ")),
            [] => String::new(),
        };
        self.type_error(format!(
            "{}() missing {} required {kind} argument{}: {list}",
            self.function_name(f),
            names.len(),
            if names.len() == 1 { "" } else { "s" }
        ))
    }

    #[cold]
    fn too_many_positional(&self, f: Ptr<FunctionObj>, given: usize, kwonly_given: usize) -> Raised {
        let code = f.code();
        let n = code.argcount as usize;
        let nd = f.defaults.downcast::<TupleObj>().map_or(0, |d| d.len());
        let takes = if nd > 0 { format!("from {} to {n}", n - nd.min(n)) } else { n.to_string() };
        let plural = if n == 1 && nd == 0 { "" } else { "s" };
        let kw = match kwonly_given {
            0 => String::new(),
            k => format!(
                " positional argument{} (and {k} keyword-only argument{})",
                if given == 1 { "" } else { "s" },
                if k == 1 { "" } else { "s" }
            ),
        };
        let verb = if given == 1 && kwonly_given == 0 { "was" } else { "were" };
        self.type_error(format!(
            "{}() takes {takes} positional argument{plural} but {given}{kw} {verb} given",
            self.function_name(f)
        ))
    }

    #[cold]
    fn unexpected_keyword(
        &self,
        f: Ptr<FunctionObj>,
        kwnames: Option<Ptr<TupleObj>>,
        name: &str,
        posonly: usize,
    ) -> Raised {
        let unit = &f.code().unit;
        let wrong: Vec<String> = unit.varnames[..posonly]
            .iter()
            .filter(|n| {
                kwnames.is_some_and(|k| {
                    k.as_slice().iter().any(|v| v.downcast::<StrObj>().is_some_and(|s| s.eq_str(n)))
                })
            })
            .map(|n| n.to_string())
            .collect();
        if !wrong.is_empty() {
            return self.type_error(format!(
                "{}() got some positional-only arguments passed as keyword arguments: '{}'",
                self.function_name(f),
                wrong.join(", ")
            ));
        }
        let params = unit.argcount as usize + unit.kwonlyargcount as usize;
        let candidates: Vec<&str> = unit.varnames[posonly..params].iter().map(|s| &**s).collect();
        let hint = crate::suggest::closest(name, candidates.iter().copied())
            .map(|s| format!(". Did you mean '{s}'?"))
            .unwrap_or_default();
        self.type_error(format!(
            "{}() got an unexpected keyword argument '{name}'{hint}",
            self.function_name(f)
        ))
    }

    /// Puts a generator's frame on the stack, ready to go on after its yield. `entry` as in [`Frame`].
    #[inline(never)]
    pub(crate) fn push_generator(&self, g: Ptr<GeneratorObj>, ret: u32, entry: bool) -> Res<*mut Frame> {
        self.push_generator_here(g, ret, entry)
    }

    #[inline(always)]
    fn push_generator_here(&self, g: Ptr<GeneratorObj>, ret: u32, entry: bool) -> Res<*mut Frame> {
        // SAFETY: a generator's code field holds code, and one that can be resumed has an array of its registers.
        let (code, regs) = unsafe { (g.code.get().cast::<CodeObj>(), g.registers.get().cast::<ArrayObj>()) };
        let base = self.sp.get();
        if base.wrapping_add(code.nregs as usize + SLACK) >= self.regs_end() {
            return Err(self.too_deep(""));
        }
        let frame =
            self.push_frame(code, base, g.func.get(), g.globals.get(), g.builtins.get(), ret, entry)?;
        // SAFETY: there is room for the window, and the array is as long.
        unsafe {
            copy_words(regs.items_ptr(), base, code.nregs as usize);
            let f = &mut *frame;
            f.generator = g.value();
            f.pc = code.words.as_ptr().add(g.pc.get() as usize);
            f.outer_handled = self.set_aside(g.handled.get());
            if !g.frame.get().is_empty() {
                show_again(g, frame);
            }
        }
        g.set_state(GenState::Running);
        Ok(frame)
    }

    /// A generator's frame suspends at its present pc: its registers go back to the heap.
    #[inline(never)]
    pub(crate) fn suspend_generator(&self, frame: *mut Frame) {
        self.suspend_generator_here(frame);
    }

    /// The same, within its caller.
    #[inline(always)]
    pub(super) fn suspend_generator_here(&self, frame: *mut Frame) {
        // SAFETY: frame is the top frame and belongs to a generator, whose array is as long as the window.
        unsafe {
            let f = &mut *frame;
            let g: Ptr<GeneratorObj> = f.generator.cast();
            let (regs, code): (Ptr<ArrayObj>, _) = (g.registers.get().cast(), f.code);
            copy_words(f.base, regs.items_ptr(), code.nregs as usize);
            cape_heap::write_barrier(regs.header());
            g.pc.set(f.lasti());
            let handled = self.take_back(f.outer_handled);
            if handled != g.handled.get() {
                g.handled.set(g, handled);
            }
            g.set_state(GenState::Suspended);
            self.pop_frame(frame, false);
            self.note_suspended(code, g);
        }
    }

    /// A generator's frame has finished (returned or raised).
    pub(crate) fn finish_generator(&self, frame: *mut Frame) {
        // SAFETY: frame is the top frame and belongs to a generator.
        unsafe {
            let g: Ptr<GeneratorObj> = (*frame).generator.cast();
            self.take_back((*frame).outer_handled);
            self.pop_frame(frame, true);
            self.drop_generator(g);
        }
    }

    /// Resumes a generator that may be resumed, from native code.
    #[inline(never)]
    pub(crate) fn resume_frame(&self, g: Ptr<GeneratorObj>, input: Result<Value, Raised>) -> Res<Sent> {
        self.check_native_stack("")?;
        let saved = self.sp.get();
        if let (GenState::Created, Err(r)) = (g.state(), input) {
            // Nothing runs: the exception is raised at the function's first line.
            let frame = self.push_generator(g, 0, true)?;
            self.add_traceback(r.exc(), frame);
            self.finish_generator(frame);
            self.sp.set(saved);
            return Err(r);
        }
        let started = g.state() == GenState::Suspended;
        let frame = self.push_generator(g, 0, true)?;
        let throw = match input {
            Ok(v) => {
                if started {
                    // SAFETY: the frame was just pushed.
                    unsafe { deliver(frame, v) };
                } else {
                    // SAFETY: as above; the pc stands at ReturnGenerator.
                    unsafe { (*frame).pc = (*frame).pc.add(1) };
                }
                None
            }
            Err(r) => {
                // Its context is what the generator itself is handling, whoever throws.
                if !self.handled.get().is_empty() {
                    self.chain_context(r.exc());
                }
                Some(r)
            }
        };
        let r = match throw {
            // SAFETY: the frame was just pushed.
            None => super::run_new(self, g.code(), frame, unsafe { (*frame).lasti() } as usize),
            throw => super::run_from(self, throw),
        };
        self.sp.set(saved);
        self.after_generator(g, r)
    }

    /// `next(g)` of a generator, EMPTY at the end: its return value is left as that of the StopIteration. (Profilers look for its native
    /// frames.)
    #[inline(never)]
    pub fn next_of_generator(&self, g: Ptr<GeneratorObj>) -> Res<Value> {
        let r = if g.state() == GenState::Suspended {
            self.check_native_stack("")?;
            let saved = self.sp.get();
            // SAFETY: a generator's code field holds code.
            let code = unsafe { g.code.get().cast::<CodeObj>() };
            // (As `deliver`, which would have to read again what has just been written.)
            let at = g.pc.get() as usize;
            let w = Word(code.words[at].get());
            let delegates = code.delegates_at(at as u32);
            let frame = self.push_generator_here(g, 0, true)?;
            let next = if delegates { at } else { at + 1 };
            // SAFETY: the frame was just pushed; it stands at Yield or YieldFrom, whose operand registers are in the window, and which no
            // code ends with.
            unsafe {
                *(*frame).base.add(if delegates { w.c() } else { w.a() } as usize) = Value::NONE;
                (*frame).pc = code.words.as_ptr().add(next);
            }
            let r = super::run_new(self, code, frame, next);
            self.sp.set(saved);
            let v = r?;
            if g.state() == GenState::Suspended {
                return Ok(v);
            }
            v
        } else {
            match self.resume(g, Ok(Value::NONE))? {
                Sent::Yielded(v) => return Ok(v),
                Sent::Returned(v) => v,
            }
        };
        self.leave_stop_value(r);
        Ok(Value::EMPTY)
    }

    /// Runs `f`, which throws into what the generator delegates to, as called from the generator's frame, and goes on
    /// with the generator as its result says.
    pub(crate) fn throw_through(&self, g: Ptr<GeneratorObj>, f: impl FnOnce(&Vm) -> Res<Sent>) -> Res<Sent> {
        self.check_native_stack("")?;
        let saved = self.sp.get();
        let frame = self.push_generator(g, 0, true)?;
        let r = match f(self) {
            Ok(Sent::Yielded(v)) => {
                self.suspend_generator(frame);
                self.sp.set(saved);
                return Ok(Sent::Yielded(v));
            }
            Ok(Sent::Returned(v)) => {
                // SAFETY: the frame stands at a YieldFrom, whose result register is in the window.
                unsafe {
                    let f = &mut *frame;
                    *f.base.add(Word((*f.pc).get()).a() as usize) = v;
                    f.pc = f.pc.add(1);
                }
                super::run_from(self, None)
            }
            Err(r) => {
                if !self.handled.get().is_empty() {
                    self.chain_context(r.exc());
                }
                super::run_from(self, Some(r))
            }
        };
        self.sp.set(saved);
        self.after_generator(g, r)
    }

    fn after_generator(&self, g: Ptr<GeneratorObj>, r: Res<Value>) -> Res<Sent> {
        match r {
            Ok(v) if g.state() == GenState::Suspended => Ok(Sent::Yielded(v)),
            Ok(v) => Ok(Sent::Returned(v)),
            Err(r) => Err(r),
        }
    }
}

/// A generator's frame, which somebody has seen, is on the stack again.
///
/// # Safety
/// `frame` must be a live frame.
#[cold]
#[inline(never)]
unsafe fn show_again(g: Ptr<GeneratorObj>, frame: *mut Frame) {
    if let Some(o) = g.frame.downcast::<crate::frame::FrameObj>() {
        // SAFETY: the caller's promise.
        unsafe { (*frame).object = o.value() };
        o.live.set(frame);
    }
}

/// Gives the value sent to the yield at which a resumed frame stands, and moves past it (a YieldFrom is run again).
///
/// # Safety
/// `frame` must be a live frame standing at Yield or YieldFrom.
pub(crate) unsafe fn deliver(frame: *mut Frame, v: Value) {
    // SAFETY: the caller's promise; operand registers are in the window.
    unsafe {
        let f = &mut *frame;
        let w = Word((*f.pc).get());
        if f.code.delegates_at(f.lasti()) {
            *f.base.add(w.c() as usize) = v;
        } else {
            *f.base.add(w.a() as usize) = v;
            f.pc = f.pc.add(1);
        }
    }
}

/// [`Frame::ret`] of a generator that a YieldFrom of the frame below has entered.
pub(crate) const DELEGATED: u32 = u32::MAX;

/// Room that is kept free above every window: for the native code that uses scratch registers, and for [`clear`].
pub(crate) const SLACK: usize = 256;

/// Makes `n` registers EMPTY, and up to three more: nothing above them may be in use.
///
/// # Safety
/// They must be register-stack memory, with [`SLACK`] behind them.
#[inline(always)]
pub(crate) unsafe fn clear(at: *mut Value, n: usize) {
    let end = at.wrapping_add(n);
    let mut at = at;
    while at < end {
        for i in 0..4 {
            // SAFETY: the caller's promise. Volatile: for so few words a call of memset takes longer.
            unsafe { at.add(i).write_volatile(Value::EMPTY) };
        }
        at = at.wrapping_add(4);
    }
}

/// Copies `n` values that do not overlap, word by word: they have been written so a moment ago, and wider loads would wait for that.
///
/// # Safety
/// As for `copy_nonoverlapping`.
#[inline(always)]
unsafe fn copy_words(from: *const Value, to: *mut Value, n: usize) {
    for i in 0..n {
        // SAFETY: the caller's promise. Volatile, or it becomes a memcpy.
        unsafe { to.add(i).write(from.add(i).read_volatile()) }
    }
}
