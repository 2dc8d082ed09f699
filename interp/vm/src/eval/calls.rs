//! Call sites: Python callees get a frame on the register stack, native ones are called in place.

use std::cell::Cell;

use cape_bytecode::Word;
use cape_heap::{Ptr, Value};

use super::Flow;
use super::frames::{SLACK, clear};
use crate::call::{is_called_as_class, makes_plain_instances, raw_method};
use crate::exc::Res;
use crate::foreign::foreign;
use crate::frame::Frame;
use crate::generator::GeneratorObj;
use crate::native::{Flavour, MethodDef};
use crate::object::*;
use crate::runtime::{rt, type_of};
use crate::special::Special;
use crate::vm::Vm;

/// What leaving a generator's or constructor's frame comes to.
pub(super) enum Left {
    /// Out of the evaluation loop.
    Entry(Value),
    /// Into the caller's destination register.
    Deliver(Value),
    /// The caller's ForIter is exhausted.
    Exhausted,
}

/// What the cache words of a call remember of what was called last, for the compiler.
#[derive(Clone, Copy)]
pub(super) enum Callee {
    /// A builtin function of C with a receiver, by its definition.
    Function(&'static MethodDef),
    /// A method descriptor of C's or of lists, by its definition and class.
    Method(&'static MethodDef, Ptr<TypeObj>),
    /// A builtin function that is not C's, or has no receiver.
    Native(&'static MethodDef),
    /// The same, with the receiver as the first argument.
    Unbound(&'static MethodDef, Ptr<TypeObj>),
    /// A class method of C's, called on this class.
    ClassMethod(&'static MethodDef, Ptr<TypeObj>),
    /// An object of C, by the definition of its class's `__call__`.
    Object(&'static MethodDef, Ptr<TypeObj>),
    /// A class that C has seen, or a builtin one.
    Class(Ptr<TypeObj>),
}

/// What the low bits of the second word say; a class stands above them.
const FUNCTION: u64 = 0;
const NATIVE: u64 = 1;
const OBJECT: u64 = 2;
const CLASS: u64 = 3;
const METHOD: u64 = 4;
const UNBOUND: u64 = 5;
const CLASS_METHOD: u64 = 6;
/// Bits of an address. Those above them say when a class was recorded.
const ADDRESS: u32 = 48;

impl Callee {
    /// Of what is called, with a receiver or EMPTY.
    fn of(f: Value, this: Value) -> Option<Callee> {
        if !f.is_ptr() {
            return None;
        }
        let map = f.header().map();
        if map == rt().maps.builtin_function && this.is_empty() {
            // SAFETY: the map says what it is.
            let def = unsafe { f.cast::<BuiltinObj>() }.def;
            let of_c = def.raw.is_some() && def.is_bound();
            return Some(if of_c { Callee::Function(def) } else { Callee::Native(def) });
        }
        if let Some(m) = f.downcast::<MethodDescrObj>() {
            // SAFETY: a descriptor's class is one.
            let class: Ptr<TypeObj> = unsafe { m.class.cast() };
            if m.def.raw.is_none() {
                let of_list = class == rt().types.list && !this.is_empty();
                return of_list.then_some(Callee::Method(m.def, class));
            }
            return Callee::of_descriptor(m, this, class);
        }
        if !this.is_empty() {
            return None;
        }
        if let Some(t) = f.downcast::<TypeObj>() {
            return (!t.foreign.get().is_null() || !t.has(TypeFlags::HEAP)).then_some(Callee::Class(t));
        }
        let class = type_of(f);
        let (def, _) = raw_method(class.special(Special::Call))?;
        (!class.foreign.get().is_null()).then_some(Callee::Object(def, class))
    }

    /// Of a method of C's, whose receiver is `this`, or among the arguments.
    fn of_descriptor(m: Ptr<MethodDescrObj>, this: Value, class: Ptr<TypeObj>) -> Option<Callee> {
        let maps = &rt().maps;
        if m.header().map() == maps.method_descriptor {
            let unbound = this.is_empty();
            return Some(if unbound { Callee::Unbound(m.def, class) } else { Callee::Method(m.def, class) });
        }
        if m.header().map() != maps.classmethod_descriptor {
            return None;
        }
        let on = this.downcast::<TypeObj>().filter(|c| c.is_subtype(class) && !c.foreign.get().is_null())?;
        Some(Callee::ClassMethod(m.def, on))
    }

    /// Remembers it in the two words from `cache` on, classes with the time: they may die.
    ///
    /// # Safety
    /// They must be the cache words of a call.
    #[inline(always)]
    unsafe fn record(self, cache: *const Cell<u64>) {
        let address = |def: &'static MethodDef| std::ptr::from_ref(def) as u64;
        let with = |d, class: Ptr<TypeObj>, kind| {
            let now = rt().class_deaths();
            (address(d) | now << ADDRESS, class.value().bits() | kind | now >> 16 << ADDRESS)
        };
        let (what, which) = match self {
            Callee::Function(d) => (address(d), FUNCTION),
            Callee::Native(d) => (address(d), NATIVE),
            Callee::Method(d, class) => with(d, class, METHOD),
            Callee::Unbound(d, class) => with(d, class, UNBOUND),
            Callee::ClassMethod(d, class) => with(d, class, CLASS_METHOD),
            Callee::Object(d, class) => with(d, class, OBJECT),
            Callee::Class(class) => {
                let now = rt().class_deaths();
                (class.value().bits() | now << ADDRESS, CLASS | now >> 16 << ADDRESS)
            }
        };
        // SAFETY: the caller's promise.
        unsafe {
            (*cache).set(what);
            (*cache.add(1)).set(which);
        }
    }

    /// What the two words say; `None`, too, when a class has died since.
    pub(super) fn recorded(what: u64, which: u64) -> Option<Callee> {
        if what == 0 {
            return None;
        }
        let then = what >> ADDRESS | which >> ADDRESS << 16;
        let (what, which) = (what & ((1 << ADDRESS) - 1), which & ((1 << ADDRESS) - 1));
        if !matches!(which & 7, FUNCTION | NATIVE) && then != rt().class_deaths() {
            return None;
        }
        // SAFETY: definitions live for ever, and no class has died.
        unsafe {
            let def = || &*(what as *const MethodDef);
            let class = || Value::from_bits(which & !7).cast();
            Some(match which & 7 {
                FUNCTION => Callee::Function(def()),
                NATIVE => Callee::Native(def()),
                OBJECT => Callee::Object(def(), class()),
                CLASS => Callee::Class(Value::from_bits(what).cast()),
                UNBOUND => Callee::Unbound(def(), class()),
                CLASS_METHOD => Callee::ClassMethod(def(), class()),
                _ => Callee::Method(def(), class()),
            })
        }
    }
}

/// Whether a function collects garbage: the interpreter's loop calls it, with as few native frames on the stack as can be, since what
/// is left in them keeps objects alive.
#[inline(always)]
pub(super) fn collects(f: Value) -> bool {
    if !f.is_ptr() || f.header().map() != rt().maps.builtin_function {
        return false;
    }
    // SAFETY: the map says what it is.
    unsafe { f.cast::<BuiltinObj>() }.def.scrubs.get()
}

impl Vm {
    /// Overwrites the native stack below the caller's frame: what calls that have returned left there keeps nothing alive in the
    /// collection that follows.
    #[inline(never)]
    pub fn scrub_native_stack(&self) {
        std::hint::black_box([0u64; 4096]);
    }

    /// As [`Vm::scrub_native_stack`], as far as the frames of the evaluation loop reach. Those of a program's or thread's code stay for as
    /// long as it runs, and places in them that nothing writes (padding is enough) would keep what happens to lie, or will come to lie,
    /// where words of earlier calls point.
    #[inline(never)]
    pub fn scrub_frames_to_come(&self) {
        std::hint::black_box([0u64; 256]);
    }

    /// Op::Call of anything but a Python function.
    ///
    /// # Safety
    /// `frame` is the top frame and `pc` its Call instruction `w`.
    #[inline(always)]
    pub(super) unsafe fn call_op(&self, frame: *mut Frame, pc: *const Cell<u64>, w: Word) -> Res<Flow> {
        // SAFETY: the compiler's call layout.
        unsafe {
            // The caller stands at its last cache word while the callee runs.
            (*frame).pc = pc.add(2);
            let f = (*frame).base.add(w.b() as usize);
            let has_self = !(*f.add(1)).is_empty();
            if let Some(callee) = Callee::of(*f, *f.add(1)) {
                callee.record(pc.add(1));
            }
            let (args, n) =
                if has_self { (f.add(1), w.c() as usize + 1) } else { (f.add(2), w.c() as usize) };
            self.call_other(f, args, n, None, w.a() as u32)
        }
    }

    /// Op::Call of a Python function: afterwards its frame is on top.
    ///
    /// # Safety
    /// As [`Vm::call_op`].
    #[inline(always)]
    pub(super) unsafe fn call_python(
        &self,
        frame: *mut Frame,
        pc: *const Cell<u64>,
        w: Word,
        func: Ptr<FunctionObj>,
    ) -> Res<()> {
        // SAFETY: the compiler's call layout.
        unsafe {
            (*frame).pc = pc.add(2);
            let f = (*frame).base.add(w.b() as usize);
            let no_self = (*f.add(1)).is_empty() as usize;
            let (args, n) = (f.add(1 + no_self), w.c() as usize + 1 - no_self);
            self.enter_function(func, args, n, None, w.a() as u32, Value::EMPTY)?;
        }
        Ok(())
    }

    /// The short path of Op::Call into functions that are implemented in C: `None` if this is no such call.
    ///
    /// # Safety
    /// As [`Vm::call_op`].
    #[inline(always)]
    pub(super) unsafe fn call_raw(
        &self,
        frame: *mut Frame,
        pc: *const Cell<u64>,
        w: Word,
    ) -> Option<Res<Value>> {
        // SAFETY: the compiler's call layout; what the map says is what the object is.
        unsafe {
            let f = (*frame).base.add(w.b() as usize);
            let callee = *f;
            if !callee.is_ptr() {
                return None;
            }
            let map = callee.header().map();
            let has_self = !(*f.add(1)).is_empty();
            let mut args = std::slice::from_raw_parts(f.add(1), w.c() as usize + 1);
            let def = if map == rt().maps.builtin_function && !has_self {
                let b = callee.cast::<BuiltinObj>();
                if b.def.raw.is_none() || !b.def.is_bound() {
                    return None;
                }
                Callee::Function(b.def).record(pc.add(1));
                // The receiver goes into the empty self slot, before the arguments.
                *f.add(1) = b.this.get();
                b.def
            } else if map == rt().maps.method_descriptor {
                let m = callee.cast::<MethodDescrObj>();
                if !has_self {
                    args = &args[1..];
                }
                let &this = args.first()?;
                if m.def.raw.is_none() || !type_of(this).is_subtype(m.class.cast()) {
                    return None;
                }
                let class = m.class.cast();
                let callee =
                    if has_self { Callee::Method(m.def, class) } else { Callee::Unbound(m.def, class) };
                callee.record(pc.add(1));
                m.def
            } else if map == rt().maps.classmethod_descriptor && has_self {
                let m = callee.cast::<MethodDescrObj>();
                let on = args[0].downcast::<TypeObj>()?;
                if m.def.raw.is_none() || !on.is_subtype(m.class.cast()) {
                    return None;
                }
                if !on.foreign.get().is_null() {
                    Callee::ClassMethod(m.def, on).record(pc.add(1));
                }
                m.def
            } else {
                return None;
            };
            (*frame).pc = pc.add(2);
            def.raw.as_ref().map(|raw| (raw.call)(self, def, args, None))
        }
    }

    /// The short path of Op::Call in compiled code for native functions and methods whose arguments need no binding; `None` if
    /// this is no such call. (Methods of lists have forms of their own, for which [`Vm::call_op`] records them.)
    ///
    /// # Safety
    /// As [`Vm::call_op`].
    #[inline(always)]
    pub(super) unsafe fn call_plain_native(
        &self,
        frame: *mut Frame,
        pc: *const Cell<u64>,
        w: Word,
    ) -> Option<Res<Value>> {
        // SAFETY: the compiler's call layout; what the map says is what the object is.
        unsafe {
            let f = (*frame).base.add(w.b() as usize);
            let (callee, this) = (*f, *f.add(1));
            if !callee.is_ptr() {
                return None;
            }
            let map = callee.header().map();
            let n = w.c() as usize;
            let (def, args) = if map == rt().maps.method_descriptor {
                let m = callee.cast::<MethodDescrObj>();
                let class = m.class.cast();
                if class == rt().types.list || this.is_empty() || !type_of(this).is_subtype(class) {
                    return None;
                }
                (m.def, std::slice::from_raw_parts(f.add(1), n + 1))
            } else if map == rt().maps.builtin_function && this.is_empty() {
                let def = callee.cast::<BuiltinObj>().def;
                if def.flavour != Flavour::Function || def.scrubs.get() {
                    return None;
                }
                (def, std::slice::from_raw_parts(f.add(2), n))
            } else {
                return None;
            };
            let all = def.nparams == args.len();
            let few = !all && !args.is_empty() && def.positional.get().is_none() && def.takes_few(args.len());
            if def.raw.is_some() || !def.simple || !all && !few {
                return None;
            }
            if this.is_empty() {
                Callee::Native(def).record(pc.add(1));
            }
            (*frame).pc = pc.add(2);
            let r = if all {
                self.native_def.set(def);
                (def.func)(self, args)
            } else {
                def.call_few(self, args[0], &args[1..])
            };
            Some(r.and_then(|v| self.stop_if_empty(v)))
        }
    }

    /// Op::CallKw.
    ///
    /// # Safety
    /// As [`Vm::call_op`].
    pub(super) unsafe fn call_kw_op(
        &self,
        frame: *mut Frame,
        pc: *const Cell<u64>,
        w: Word,
        names: Value,
    ) -> Res<Flow> {
        // SAFETY: the compiler's call layout.
        unsafe {
            (*frame).pc = pc.add(3);
            let f = (*frame).base.add(w.b() as usize);
            let has_self = !(*f.add(1)).is_empty();
            let (args, n) =
                if has_self { (f.add(1), w.c() as usize + 1) } else { (f.add(2), w.c() as usize) };
            let names: Ptr<TupleObj> = names.cast();
            if let Some(callee) = Callee::of(*f, *f.add(1)) {
                callee.record(pc.add(2));
            }
            if let Some(func) = (*f).downcast::<FunctionObj>() {
                return self.enter_function(func, args, n, Some(names), w.a() as u32, Value::EMPTY);
            }
            self.call_other(f, args, n, Some(names), w.a() as u32)
        }
    }

    #[inline(always)]
    unsafe fn enter_function(
        &self,
        func: Ptr<FunctionObj>,
        args: *mut Value,
        n: usize,
        kwnames: Option<Ptr<TupleObj>>,
        ret: u32,
        ctor: Value,
    ) -> Res<Flow> {
        let code = func.code();
        let nregs = code.nregs as usize;
        if args.wrapping_add(nregs + n + SLACK) >= self.regs_end() {
            return Err(self.too_deep(""));
        }
        // SAFETY: the window begins at the arguments, nothing above them is live, and there is room.
        unsafe {
            if code.simple && n == code.argcount as usize && kwnames.is_none() {
                clear(args.add(n), nregs - n);
                self.fill_closure(code, func.closure.get(), args);
            } else {
                self.bind(func, args, n, kwnames, args)?;
            }
            let frame = self.push_frame(
                code,
                args,
                func.value(),
                func.globals.get(),
                func.builtins.get(),
                ret,
                false,
            )?;
            (*frame).ctor = ctor;
        }
        Ok(Flow::Enter)
    }

    #[inline(never)]
    unsafe fn call_other(
        &self,
        f: *mut Value,
        args: *mut Value,
        n: usize,
        kwnames: Option<Ptr<TupleObj>>,
        ret: u32,
    ) -> Res<Flow> {
        // SAFETY: the compiler's call layout; the argument registers stay in place while the callee runs.
        unsafe {
            let callee = *f;
            if callee.is_ptr() && callee.header().map() == rt().maps.builtin_function && kwnames.is_none() {
                let def = callee.cast::<BuiltinObj>().def;
                if def.flavour == Flavour::Function && n == def.nparams && def.simple {
                    self.native_def.set(def);
                    let r = (def.func)(self, std::slice::from_raw_parts(args, n))?;
                    return self.stop_if_empty(r).map(Flow::Value);
                }
                // (A `__new__` has its class checked first.)
                if let Some(short) = def.positional.get().filter(|_| def.flavour != Flavour::Static) {
                    self.native_def.set(def);
                    let r = short(self, std::slice::from_raw_parts(args, n))?;
                    if !r.is_empty() {
                        return Ok(Flow::Value(r));
                    }
                }
                if def.flavour == Flavour::Function && n > 0 && def.takes_few(n) {
                    let r = def.call_few(self, *args, std::slice::from_raw_parts(args.add(1), n - 1))?;
                    return self.stop_if_empty(r).map(Flow::Value);
                }
            } else if callee.is_ptr()
                && callee.header().map() == rt().maps.method_descriptor
                && kwnames.is_none()
            {
                let m = callee.cast::<MethodDescrObj>();
                if m.def.raw.is_none() && m.def.simple && n > 0 && type_of(*args).is_subtype(m.class.cast()) {
                    if n == m.def.nparams {
                        self.native_def.set(m.def);
                        let r = (m.def.func)(self, std::slice::from_raw_parts(args, n))?;
                        return self.stop_if_empty(r).map(Flow::Value);
                    }
                    if m.def.takes_few(n) {
                        let r =
                            m.def.call_few(self, *args, std::slice::from_raw_parts(args.add(1), n - 1))?;
                        return self.stop_if_empty(r).map(Flow::Value);
                    }
                }
            } else if let Some(t) = callee.downcast::<TypeObj>()
                && kwnames.is_none()
                && args == f.add(2)
                && let Some(r) = self.call_constructor(t, f.add(1), n)
            {
                return r.map(Flow::Value);
            }
            self.call_any(f, args, n, kwnames, ret)
        }
    }

    /// What [`Vm::call_other`] has no short path for. Apart from it, so that its frame is small when a collection runs.
    #[inline(never)]
    unsafe fn call_any(
        &self,
        f: *mut Value,
        args: *mut Value,
        n: usize,
        kwnames: Option<Ptr<TupleObj>>,
        ret: u32,
    ) -> Res<Flow> {
        // SAFETY: the compiler's call layout; the argument registers stay in place while the callee runs.
        unsafe {
            let callee = *f;
            let slice = std::slice::from_raw_parts(args, n);
            if let Some(m) = callee.downcast::<MethodDescrObj>() {
                let class: Ptr<TypeObj> = m.class.cast();
                if let Some(raw) = m.def.raw
                    && n > 0
                    && m.header().map() == rt().maps.method_descriptor
                    && type_of(slice[0]).is_subtype(class)
                {
                    self.check_native_stack("")?;
                    return (raw.call)(self, m.def, slice, kwnames).map(Flow::Value);
                }
                if n > 0
                    && m.header().map() == rt().maps.method_descriptor
                    && type_of(slice[0]).is_subtype(class)
                {
                    self.check_native_stack("")?;
                    let r = m.def.call(self, slice, kwnames)?;
                    return self.stop_if_empty(r).map(Flow::Value);
                }
                return self.call_args(callee, slice, kwnames).map(Flow::Value);
            }
            if let Some(b) = callee.downcast::<BuiltinObj>() {
                // A native `__new__` is static too, and needs its class checked: not here.
                if matches!(b.def.flavour, Flavour::Function) {
                    let r = b.def.call(self, slice, kwnames)?;
                    return self.stop_if_empty(r).map(Flow::Value);
                }
                if b.def.is_bound() && (*f.add(1)).is_empty() {
                    // The receiver goes into the empty self slot, before the arguments.
                    *f.add(1) = b.this.get();
                    let slice = std::slice::from_raw_parts(f.add(1), n + 1);
                    self.check_native_stack("")?;
                    if let Some(raw) = b.def.raw {
                        return (raw.call)(self, b.def, slice, kwnames).map(Flow::Value);
                    }
                    let r = b.def.call(self, slice, kwnames)?;
                    return self.stop_if_empty(r).map(Flow::Value);
                }
                return self.call_args(callee, slice, kwnames).map(Flow::Value);
            }
            if let Some(m) = callee.downcast::<BoundMethodObj>()
                && let Some(func) = m.func.downcast::<FunctionObj>()
                && (*f.add(1)).is_empty()
            {
                *f.add(1) = m.this.get();
                return self.enter_function(func, f.add(1), n + 1, kwnames, ret, Value::EMPTY);
            }
            if let Some(t) = callee.downcast::<TypeObj>() {
                return self.call_class(t, f, args, n, kwnames, ret);
            }
            if let Some((def, call)) = raw_method(type_of(callee).special(Special::Call))
                && (*f.add(1)).is_empty()
            {
                self.check_native_stack("")?;
                *f.add(1) = callee;
                return call(self, def, std::slice::from_raw_parts(f.add(1), n + 1), kwnames)
                    .map(Flow::Value);
            }
            if let Some(m) = type_of(callee).special(Special::Call).downcast::<MethodDescrObj>()
                && m.header().map() != rt().maps.classmethod_descriptor
                && (*f.add(1)).is_empty()
            {
                *f.add(1) = callee;
                return self.call_native_object(m.def, std::slice::from_raw_parts(f.add(1), n + 1), kwnames);
            }
            self.call_args(callee, slice, kwnames).map(Flow::Value)
        }
    }

    /// A native object is called, the first of `all`, by its class's `__call__`. Apart from [`Vm::call_any`] for the sake of its frame.
    #[inline(never)]
    fn call_native_object(
        &self,
        def: &'static MethodDef,
        all: &[Value],
        kwnames: Option<Ptr<TupleObj>>,
    ) -> Res<Flow> {
        self.check_native_stack("")?;
        let r = def.call(self, all, kwnames)?;
        self.stop_if_empty(r).map(Flow::Value)
    }

    /// A class is called: instances of plain Python classes run their `__init__` in a frame of this loop.
    unsafe fn call_class(
        &self,
        t: Ptr<TypeObj>,
        f: *mut Value,
        args: *mut Value,
        n: usize,
        kwnames: Option<Ptr<TupleObj>>,
        ret: u32,
    ) -> Res<Flow> {
        // SAFETY: the caller's promise.
        unsafe {
            if is_called_as_class(t)
                && makes_plain_instances(t)
                && (*f.add(1)).is_empty()
                && let Some(init) = t.special(Special::Init).downcast::<FunctionObj>()
            {
                let obj = InstanceObj::new(t.instance_map()).value();
                *f.add(1) = obj;
                return self.enter_function(init, f.add(1), n + 1, kwnames, ret, obj);
            }
            let slice = std::slice::from_raw_parts(args, n);
            self.call_type(t, slice, kwnames).map(Flow::Value)
        }
    }

    /// Op::CallEx.
    pub(crate) fn call_ex(&self, f: Value, args: Value, kwargs: Value) -> Res<Value> {
        let items: Ptr<ArrayObj>;
        let slice: &[Value] = match args.downcast::<TupleObj>() {
            // SAFETY: the tuple is in the caller's registers and on this native stack.
            Some(t) => unsafe { std::slice::from_raw_parts(t.as_slice().as_ptr(), t.len()) },
            None => {
                if type_of(args).special(Special::Iter).is_empty()
                    && type_of(args).special(Special::Getitem).is_empty()
                {
                    return Err(self.type_error(format!(
                        "{} argument after * must be an iterable, not {}",
                        self.function_str(f),
                        crate::class::full_name(type_of(args))
                    )));
                }
                items = self.list_of(args)?;
                // SAFETY: the array stays on this native stack.
                unsafe { std::slice::from_raw_parts(items.items_ptr(), items.len()) }
            }
        };
        // The arguments are copied to scratch registers, so that the callee may rely on them staying.
        let kw = kwargs.downcast::<DictObj>();
        let empty = kw.is_some_and(|d| d.is_empty());
        // What is written in C may tell an empty dict from none.
        let names = empty.then(|| TupleObj::new(&[]));
        if let Some(b) = f.downcast::<BuiltinObj>()
            && b.def.flavour == Flavour::Method
            && let Some(raw) = &b.def.raw
        {
            self.check_native_stack("")?;
            if let Some(names) = kw.filter(|d| !d.is_empty()) {
                // (The dict was made for this call.)
                let r = foreign().call_with_dict(self, b.def, b.this.get(), slice, names);
                return r.unwrap_or_else(|| self.call_dict(f, slice, kw));
            }
            let r = self.with_receiver(b.this.get(), slice, |vm, all| (raw.call)(vm, b.def, all, names))?;
            return self.stop_if_empty(r);
        }
        if let Some(tuple) = args.downcast::<TupleObj>().filter(|t| type_of(t.value()) == rt().types.tuple)
            && f.is_ptr()
            && !(f.is::<FunctionObj>() || f.is::<TypeObj>() || f.is::<BuiltinObj>())
            && let Some((def, _)) = raw_method(type_of(f).special(Special::Call))
        {
            self.check_native_stack("")?;
            if let Some(r) = foreign().call_with_tuple(self, def, f, tuple, kw) {
                return r;
            }
        }
        if empty && self.is_called_in_c(f) {
            return self.call_args(f, slice, names);
        }
        self.call_dict(f, slice, kw)
    }

    /// `f(*args)` of a function of C and a tuple of a few; `None`, with nothing done: it is another call.
    #[inline(always)]
    pub(super) fn call_raw_ex(&self, f: Value, args: Value, kwargs: Value) -> Option<Res<Value>> {
        let b = f.downcast::<BuiltinObj>().filter(|b| b.def.flavour == Flavour::Method)?;
        let raw = b.def.raw.as_ref()?;
        if kwargs.is_ptr() || !args.is_ptr() || args.header().map() != rt().maps.tuple {
            return None;
        }
        // SAFETY: its map says so.
        let items = unsafe { args.cast::<TupleObj>() };
        let this = b.this.get();
        if let Err(r) = self.check_native_stack("") {
            return Some(Err(r));
        }
        let r = match *items.as_slice() {
            [x] => (raw.call)(self, b.def, &[this, x], None),
            [x, y] => (raw.call)(self, b.def, &[this, x, y], None),
            [x, y, z] => (raw.call)(self, b.def, &[this, x, y, z], None),
            _ => return None,
        };
        Some(r.and_then(|r| self.stop_if_empty(r)))
    }

    /// Whether a function of C that takes a dict of keywords may be what is called by `f`.
    fn is_called_in_c(&self, f: Value) -> bool {
        if let Some(b) = f.downcast::<BuiltinObj>() {
            return b.def.raw.is_some();
        }
        if let Some(t) = f.downcast::<TypeObj>() {
            return !t.foreign.get().is_null();
        }
        f.is_ptr() && raw_method(type_of(f).special(Special::Call)).is_some()
    }

    /// ForIter over a generator: its frame goes on in this loop. False: it has finished already.
    pub(super) fn enter_generator(&self, g: Ptr<GeneratorObj>, ret: u32) -> Res<bool> {
        use crate::generator::GenState;
        match g.state() {
            GenState::Running => return Err(self.value_error("generator already executing")),
            GenState::Closed => return Ok(false),
            s => {
                let frame = self.push_generator(g, ret, false)?;
                // SAFETY: the frame was just pushed.
                unsafe {
                    if s == GenState::Suspended {
                        super::frames::deliver(frame, Value::NONE);
                    } else {
                        (*frame).pc = (*frame).pc.add(1);
                    }
                }
            }
        }
        Ok(true)
    }

    /// YieldFrom to a generator or coroutine: its frame goes on in this loop. False: it is not for this short path.
    pub(super) fn enter_delegate(&self, it: Value, v: Value) -> Res<bool> {
        use crate::generator::GenState;
        let Some(g) = it.downcast::<GeneratorObj>() else { return Ok(false) };
        let s = g.state();
        if g.header().map() == rt().maps.async_generator
            || !(s == GenState::Suspended || s == GenState::Created && v.is_none())
        {
            return Ok(false);
        }
        let frame = self.push_generator(g, super::frames::DELEGATED, false)?;
        // SAFETY: the frame was just pushed; the pc of a new one stands at ReturnGenerator.
        unsafe {
            if s == GenState::Suspended {
                super::frames::deliver(frame, v);
            } else {
                (*frame).pc = (*frame).pc.add(1);
            }
        }
        Ok(true)
    }

    /// Return from a generator's body or from `__init__`.
    pub(super) fn return_special(&self, frame: *mut Frame, v: Value) -> Res<Left> {
        // SAFETY: the top frame.
        let (entry, ctor, generator) = unsafe { ((*frame).entry, (*frame).ctor, (*frame).generator) };
        if !generator.is_empty() {
            self.finish_generator(frame);
            if entry {
                return Ok(Left::Entry(v));
            }
            return Ok(Left::Exhausted);
        }
        if !v.is_none() {
            return Err(
                self.type_error(format!("__init__() should return None, not '{}'", type_of(v).name_str()))
            );
        }
        self.pop_frame(frame, true);
        Ok(if entry { Left::Entry(ctor) } else { Left::Deliver(ctor) })
    }
}
