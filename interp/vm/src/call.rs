//! The call protocol.

use cape_heap::{Ptr, Value};

use crate::exc::{Raised, Res};
use crate::native::{MethodDef, RawFn};
use crate::object::*;
use crate::runtime::{rt, type_of};
use crate::special::Special;
use crate::vm::Vm;

impl Vm {
    /// `callable(*args)`.
    #[inline]
    pub fn call(&self, callable: Value, args: &[Value]) -> Res<Value> {
        self.call_args(callable, args, None)
    }

    /// `callable(x)`.
    #[inline]
    pub fn call_one(&self, callable: Value, x: Value) -> Res<Value> {
        if let Some(b) = callable.downcast::<BuiltinObj>()
            && b.def.flavour == crate::native::Flavour::Method
            && let Some(raw) = &b.def.raw
        {
            self.check_native_stack("")?;
            let r = (raw.call)(self, b.def, &[b.this.get(), x], None)?;
            return self.stop_if_empty(r);
        }
        if let Some(f) = callable.downcast::<FunctionObj>() {
            return self.call_few(f, x, Value::EMPTY);
        }
        self.call_args(callable, &[x], None)
    }

    /// `callable(*args, **kwargs)` with the keywords in a dict.
    pub fn call_dict(&self, callable: Value, args: &[Value], kwargs: Option<Ptr<DictObj>>) -> Res<Value> {
        let Some(kw) = kwargs.filter(|d| !d.is_empty()) else {
            return self.call(callable, args);
        };
        let mut all = ValueVec::with_capacity(args.len() + kw.len());
        all.extend_from_slice(args);
        let mut names = ValueVec::with_capacity(kw.len());
        for e in kw.table.iter() {
            if !e.key.is::<StrObj>() && !takes_any_names(callable) {
                return Err(self.type_error("keywords must be strings"));
            }
            names.push(e.key);
            all.push(e.value);
        }
        self.call_args(callable, &all, Some(TupleObj::new(&names)))
    }

    /// Calls with vectorcall's convention: positional arguments, then one value for each name in `kwnames`.
    pub fn call_args(&self, callable: Value, args: &[Value], kwnames: Option<Ptr<TupleObj>>) -> Res<Value> {
        if let Some(f) = callable.downcast::<FunctionObj>() {
            return self.call_function(f, args, kwnames);
        }
        if let Some(b) = callable.downcast::<BuiltinObj>() {
            return self.call_builtin(b, args, kwnames);
        }
        if let Some(m) = callable.downcast::<BoundMethodObj>() {
            return self.call_bound(m.func.get(), m.this.get(), args, kwnames);
        }
        if let Some(m) = callable.downcast::<MethodDescrObj>() {
            return self.call_method_descr(m, args, kwnames);
        }
        if let Some(t) = callable.downcast::<TypeObj>() {
            return self.call_type(t, args, kwnames);
        }
        self.check_native_stack("")?;
        let t = type_of(callable);
        let f = t.special(Special::Call);
        if f.is_empty() {
            return Err(self.type_error(format!("'{}' object is not callable", crate::class::full_name(t))));
        }
        if f.is::<FunctionObj>() {
            return self.call_bound(f, callable, args, kwnames);
        }
        if let Some(m) = f.downcast::<MethodDescrObj>()
            && m.header().map() != rt().maps.classmethod_descriptor
            && m.def.raw.is_none()
        {
            let r = self.with_receiver(callable, args, |vm, all| m.def.call(vm, all, kwnames))?;
            return self.stop_if_empty(r);
        }
        self.with_receiver(callable, args, |vm, all| vm.call_special_args(f, all, kwnames))
    }

    /// `f(this, *args)`. (As [`Vm::call_function`] for profilers.)
    #[inline(never)]
    pub(crate) fn call_bound(
        &self,
        f: Value,
        this: Value,
        args: &[Value],
        kwnames: Option<Ptr<TupleObj>>,
    ) -> Res<Value> {
        if kwnames.is_none()
            && let Some(f) = f.downcast::<FunctionObj>()
        {
            let arg = |i: usize| Some(if i == 0 { this } else { args[i - 1] });
            if let Some(r) = self.call_plainly(f, args.len() + 1, arg) {
                return r;
            }
        }
        self.with_receiver(this, args, |vm, all| vm.call_args(f, all, kwnames))
    }

    fn call_builtin(&self, b: Ptr<BuiltinObj>, args: &[Value], kwnames: Option<Ptr<TupleObj>>) -> Res<Value> {
        use crate::native::Flavour;
        self.check_native_stack("")?;
        let r = match b.def.flavour {
            Flavour::Function => b.def.call(self, args, kwnames)?,
            Flavour::Static => {
                // A static method of a class of C has its class there, too.
                if b.def.name == "__new__"
                    && let Some(owner) = b.this.downcast::<TypeObj>()
                {
                    self.check_new_class(owner, args.len() - kwnames.map_or(0, |k| k.len()), args)?;
                }
                b.def.call(self, args, kwnames)?
            }
            Flavour::Method | Flavour::Class => {
                let r = match (args, &b.def.raw) {
                    (&[arg], Some(raw)) => (raw.call)(self, b.def, &[b.this.get(), arg], kwnames)?,
                    _ => self.with_receiver(b.this.get(), args, |vm, all| b.def.call(vm, all, kwnames))?,
                };
                if r == Value::NOT_IMPLEMENTED && args.len() == 1 {
                    self.check_repeat(b.def.name, &[b.this.get(), args[0]])?;
                }
                r
            }
        };
        self.stop_if_empty(r)
    }

    /// A native `__new__` of `owner` may only make instances that are laid out as it expects.
    #[inline]
    fn check_new_class(&self, owner: Ptr<TypeObj>, npos: usize, args: &[Value]) -> Res<()> {
        if npos > 0
            && let Some(c) = args[0].downcast::<TypeObj>()
            && !c.has(TypeFlags::NO_INSTANTIATION)
            && (c == owner
                || c.is_subtype(owner)
                    && ((std::ptr::eq(c.kind.get(), owner.kind.get())
                        || crate::class::allocator(c).is_some())
                        && native_new(c).1 == native_new(owner).1
                        || made_by_plain(c, owner)))
        {
            return Ok(());
        }
        use crate::class::full_name;
        let name = full_name(owner);
        if npos == 0 {
            return Err(self.type_error(format!("{name}.__new__(): not enough arguments")));
        }
        let Some(c) = args[0].downcast::<TypeObj>() else {
            let got = full_name(type_of(args[0]));
            return Err(self.type_error(format!("{name}.__new__(X): X is not a type object ({got})")));
        };
        let given = full_name(c);
        if !c.is_subtype(owner) {
            return Err(
                self.type_error(format!("{name}.__new__({given}): {given} is not a subtype of {name}"))
            );
        }
        if c.has(TypeFlags::NO_INSTANTIATION) {
            return Err(self.type_error(format!("cannot create '{}' instances", full_name(c))));
        }
        let safe = full_name(native_new(c).0);
        Err(self.type_error(format!("{name}.__new__({given}) is not safe, use {safe}.__new__()")))
    }

    /// A native `__next__` reports exhaustion as EMPTY; for everybody else that is StopIteration.
    #[inline(always)]
    pub fn stop_if_empty(&self, r: Value) -> Res<Value> {
        if r.is_empty() { Err(self.stop_of_call()) } else { Ok(r) }
    }

    /// The StopIteration of a native `__next__` that was called by name and is exhausted.
    #[cold]
    pub(crate) fn stop_of_call(&self) -> Raised {
        self.stop_iteration_with(self.take_stop_value())
    }

    fn call_method_descr(
        &self,
        m: Ptr<MethodDescrObj>,
        args: &[Value],
        kwnames: Option<Ptr<TupleObj>>,
    ) -> Res<Value> {
        let npos = args.len() - kwnames.map_or(0, |k| k.len());
        let class: Ptr<TypeObj> = m.class.downcast().expect("class of a descriptor");
        if npos == 0 {
            let what = crate::class::full_name(class);
            return Err(if m.header().map() == rt().maps.wrapper_descriptor {
                self.type_error(format!("descriptor '{}' of '{what}' object needs an argument", m.def.name))
            } else {
                let name = class.name_str();
                let short = name.rsplit('.').next().unwrap_or_default();
                self.type_error(format!("unbound method {short}.{}() needs an argument", m.def.name))
            });
        }
        if m.header().map() == rt().maps.classmethod_descriptor {
            let Some(c) = args[0].downcast::<TypeObj>() else {
                return Err(self.type_error(format!(
                    "descriptor '{}' for type '{}' needs a type, not a '{}' as arg 2",
                    m.def.name,
                    class.name_str(),
                    type_of(args[0]).name_str()
                )));
            };
            if !c.is_subtype(class) {
                return Err(self.type_error(format!(
                    "descriptor '{}' requires a subtype of '{}' but received '{}'",
                    m.def.name,
                    class.name_str(),
                    c.name_str()
                )));
            }
        } else if !type_of(args[0]).is_subtype(class) {
            return Err(if m.header().map() == rt().maps.wrapper_descriptor {
                self.type_error(format!(
                    "descriptor '{}' requires a '{}' object but received a '{}'",
                    m.def.name,
                    crate::class::full_name(class),
                    crate::class::full_name(type_of(args[0]))
                ))
            } else {
                self.type_error(format!(
                    "descriptor '{}' for '{}' objects doesn't apply to a '{}' object",
                    m.def.name,
                    crate::class::full_name(class),
                    crate::class::full_name(type_of(args[0]))
                ))
            });
        }
        self.check_native_stack("")?;
        let r = m.def.call(self, args, kwnames)?;
        if r == Value::NOT_IMPLEMENTED {
            self.check_repeat(m.def.name, args)?;
        }
        self.stop_if_empty(r)
    }

    /// `seq.__mul__(n)` called by name takes integers only; for the operator, another operand has its say.
    #[cold]
    fn check_repeat(&self, name: &str, args: &[Value]) -> Res<()> {
        if let ("__mul__" | "__rmul__" | "__imul__", [seq, n]) = (name, args)
            && crate::ops::repeats(type_of(*seq))
            && type_of(*n).special(Special::Index).is_empty()
        {
            let got = crate::class::full_name(type_of(*n));
            return Err(self.type_error(format!("'{got}' object cannot be interpreted as an integer")));
        }
        Ok(())
    }

    /// Calls what a type has for a special method; `args[0]` is the object.
    #[inline(always)]
    pub fn call_special(&self, f: Value, args: &[Value]) -> Res<Value> {
        if let Some((def, call)) = raw_method(f) {
            // The type's own method, implemented in C: the receiver is right by construction.
            self.check_native_stack("")?;
            let r = call(self, def, args, None)?;
            return if r.is_empty() { self.stop_if_empty(r) } else { Ok(r) };
        }
        if let Some(f) = f.downcast::<FunctionObj>() {
            return match *args {
                [a] => self.call_few(f, a, Value::EMPTY),
                [a, b] => self.call_few(f, a, b),
                _ => self.call_function(f, args, None),
            };
        }
        self.call_special_method(f, args)
    }

    #[inline(never)]
    fn call_special_method(&self, f: Value, args: &[Value]) -> Res<Value> {
        if let Some(m) = f.downcast::<MethodDescrObj>()
            && m.header().map() != rt().maps.classmethod_descriptor
        {
            self.check_native_stack("")?;
            let r = m.def.call(self, args, None)?;
            return self.stop_if_empty(r);
        }
        self.call_special_args(f, args, None)
    }

    /// As [`Vm::call_special`], with keywords.
    pub fn call_special_args(&self, f: Value, args: &[Value], kwnames: Option<Ptr<TupleObj>>) -> Res<Value> {
        if let Some(f) = f.downcast::<FunctionObj>() {
            return self.call_function(f, args, kwnames);
        }
        if f.is::<MethodDescrObj>() && f.header().map() != rt().maps.classmethod_descriptor {
            return self.call_args(f, args, kwnames);
        }
        let obj = args[0];
        let bound = self.descr_get(f, obj, type_of(obj))?;
        self.call_args(bound, &args[1..], kwnames)
    }

    /// Calls a special method of an object; `None` when its type does not have it.
    pub fn try_special(&self, obj: Value, s: Special, rest: &[Value]) -> Res<Option<Value>> {
        let f = type_of(obj).special(s);
        if f.is_empty() {
            return Ok(None);
        }
        if rest.is_empty() {
            return self.call_special(f, &[obj]).map(Some);
        }
        self.with_receiver(obj, rest, |vm, all| vm.call_special(f, all)).map(Some)
    }

    /// `cls(*args)` of a class with a native `__new__` of its own and no `__init__`, as `int` and `str`: the one function is all there
    /// is to call; `cls()` of a class that has neither; and what a class has a function of its own for ([`TypeObj::construct`]). `None`:
    /// another class, or not the number of arguments that the function takes.
    ///
    /// # Safety
    /// `n` arguments follow the register `self_slot`, which is free.
    ///
    /// Apart from the callers, whose frames must be small when a collection runs.
    #[inline(never)]
    pub(crate) unsafe fn call_constructor(
        &self,
        t: Ptr<TypeObj>,
        self_slot: *mut Value,
        n: usize,
    ) -> Option<Res<Value>> {
        // SAFETY: the caller's promise.
        let args = unsafe { std::slice::from_raw_parts(self_slot.add(1), n) };
        let types = &rt().types;
        if type_of(t.value()) != types.type_ {
            return None;
        }
        if n == 0
            && let Some(v) = self.new_plain_instance(t)
        {
            return Some(Ok(v));
        }
        if t == types.type_ {
            return (n == 1).then(|| Ok(type_of(args[0]).value()));
        }
        if let Some(construct) = t.construct.get().filter(|_| n <= 1) {
            return Some(self.check_native_stack("").and_then(|()| construct(self, args)));
        }
        let new = t.special(Special::New);
        if !new.is_ptr() || new.header().map() != rt().maps.builtin_function {
            return None;
        }
        // SAFETY: what the map says is what the object is.
        let b = unsafe { new.cast::<BuiltinObj>() };
        let def = b.def;
        let all = def.simple && n + 1 == def.nparams;
        let few = !all && def.takes_few(n + 1);
        let short = if all || few { None } else { def.positional.get() };
        if b.this.get() != t.value()
            || !all && !few && short.is_none()
            || t == types.object
            || t.special(Special::Init) != types.object.special(Special::Init)
            || t.has(TypeFlags::NO_INSTANTIATION)
        {
            return None;
        }
        if let Err(r) = self.check_native_stack("") {
            return Some(Err(r));
        }
        let r = if !few {
            self.native_def.set(def);
            // SAFETY: the caller's promise.
            let r = unsafe {
                *self_slot = t.value();
                (short.unwrap_or(def.func))(self, std::slice::from_raw_parts(self_slot, n + 1))
            };
            if short.is_some() && r.as_ref().is_ok_and(|v| v.is_empty()) {
                return None;
            }
            r
        } else {
            def.call_few(self, t.value(), args)
        };
        match r {
            Ok(v) if type_of(v) != t => Some(self.initialize(v, t, args, None)),
            r => Some(r),
        }
    }

    /// `cls(*args)`: the metaclass's `__call__`.
    pub fn call_type(&self, t: Ptr<TypeObj>, args: &[Value], kwnames: Option<Ptr<TupleObj>>) -> Res<Value> {
        let meta = type_of(t.value());
        if meta != rt().types.type_ {
            let f = meta.special(Special::Call);
            let inherited =
                f.downcast::<MethodDescrObj>().is_some_and(|m| m.class.get() == rt().types.type_.value());
            if !inherited {
                return self.with_receiver(t.value(), args, |vm, all| vm.call_special_args(f, all, kwnames));
            }
        }
        self.type_call(t, args, kwnames)
    }

    /// `type.__call__(cls, *args)`: `__new__`, then `__init__`.
    pub fn type_call(&self, t: Ptr<TypeObj>, args: &[Value], kwnames: Option<Ptr<TupleObj>>) -> Res<Value> {
        if t == rt().types.type_ && args.len() == 1 && kwnames.is_none() {
            return Ok(type_of(args[0]).value());
        }
        if t == rt().types.dict
            && let Some(names) = kwnames
            && names.len() == args.len()
        {
            let d = DictObj::new();
            for (&name, &v) in names.as_slice().iter().zip(args) {
                d.set(self, name, v)?;
            }
            return Ok(d.value());
        }
        let new = t.special(Special::New);
        if kwnames.is_none()
            && makes_plain_exceptions(t, new)
            && !t.has(TypeFlags::FOREIGN | TypeFlags::NO_INSTANTIATION)
        {
            return Ok(ExcObj::with_map(t.instance_map(), TupleObj::new(args)).value());
        }
        self.check_native_stack("")?;
        if !t.foreign.get().is_null()
            && let Some(r) = crate::foreign::foreign().construct(self, t, args, kwnames)
        {
            return r;
        }
        if new.is_empty() || t.has(TypeFlags::NO_INSTANTIATION) {
            return Err(self.type_error(format!("cannot create '{}' instances", crate::class::full_name(t))));
        }
        let object = rt().types.object;
        let inherits_init = t.special(Special::Init) == object.special(Special::Init);
        if makes_plain_instances(t) && (!inherits_init || args.is_empty()) {
            // object.__new__ looks at the arguments only where nobody else does.
            let obj = InstanceObj::new(t.instance_map()).value();
            return if inherits_init { Ok(obj) } else { self.initialize(obj, t, args, kwnames) };
        }
        if kwnames.is_none() && makes_plain_exceptions(t, new) {
            return Ok(ExcObj::with_map(t.instance_map(), TupleObj::new(args)).value());
        }
        let obj = match new.downcast::<BuiltinObj>() {
            Some(b) if b.def.raw.is_none() && b.this.get() == t.value() => {
                self.call_own_new(b.def, t, args, kwnames)?
            }
            _ => self.call_new(new, t, args, kwnames)?,
        };
        let ot = type_of(obj);
        if ot == t && inherits_init && new != object.special(Special::New) {
            // object.__init__ has nothing to do after another __new__.
            return Ok(obj);
        }
        self.initialize(obj, t, args, kwnames)
    }

    /// `cls()` of a class that makes plain instances and does nothing with them; `None` of all others.
    #[inline]
    pub fn new_plain_instance(&self, t: Ptr<TypeObj>) -> Option<Value> {
        let types = &rt().types;
        let plain = type_of(t.value()) == types.type_
            && makes_plain_instances(t)
            && t.special(Special::Init) == types.object.special(Special::Init)
            && !t.has(TypeFlags::NO_INSTANTIATION);
        plain.then(|| InstanceObj::new(t.instance_map()).value())
    }

    /// `cls.__new__(cls)` of a class that leaves that to `object`; `None` of all others.
    #[inline]
    pub fn bare_instance(&self, t: Ptr<TypeObj>) -> Option<Value> {
        let plain = makes_plain_instances(t) && !t.has(TypeFlags::NO_INSTANTIATION | TypeFlags::FOREIGN);
        plain.then(|| InstanceObj::new(t.instance_map()).value())
    }

    /// What follows on the `__new__` of a class, which gave `obj`: its own class's `__init__`, if it is an instance at all.
    fn initialize(
        &self,
        obj: Value,
        t: Ptr<TypeObj>,
        args: &[Value],
        kwnames: Option<Ptr<TupleObj>>,
    ) -> Res<Value> {
        let ot = type_of(obj);
        if !ot.is_subtype(t) {
            return Ok(obj);
        }
        let init = ot.special(Special::Init);
        if init.is_empty() {
            return Ok(obj);
        }
        let r = if init.is::<FunctionObj>() {
            self.call_bound(init, obj, args, kwnames)?
        } else {
            self.with_receiver(obj, args, |vm, all| vm.call_special_args(init, all, kwnames))?
        };
        if !r.is_none() {
            return Err(
                self.type_error(format!("__init__() should return None, not '{}'", type_of(r).name_str()))
            );
        }
        Ok(obj)
    }

    /// The `__new__` of a class that has a native one of its own.
    #[inline]
    fn call_own_new(
        &self,
        def: &'static MethodDef,
        t: Ptr<TypeObj>,
        args: &[Value],
        kwnames: Option<Ptr<TupleObj>>,
    ) -> Res<Value> {
        let [first, second] = match *args {
            [] => [Value::EMPTY; 2],
            [a] => [a, Value::EMPTY],
            [a, b] => [a, b],
            _ => return self.with_receiver(t.value(), args, |vm, all| def.call(vm, all, kwnames)),
        };
        def.call(self, &[t.value(), first, second][..args.len() + 1], kwnames)
    }

    /// Whatever else stands as `__new__` of a class.
    fn call_new(
        &self,
        new: Value,
        t: Ptr<TypeObj>,
        args: &[Value],
        kwnames: Option<Ptr<TupleObj>>,
    ) -> Res<Value> {
        let new = match new.downcast::<StaticMethodObj>() {
            Some(s) => s.callable.get(),
            None if new.is::<BuiltinObj>() || new.is::<FunctionObj>() => new,
            None => self.descr_get(new, Value::EMPTY, t)?,
        };
        self.with_receiver(t.value(), args, |vm, all| vm.call_args(new, all, kwnames))
    }

    /// Whether `v` can be called.
    pub fn is_callable(&self, v: Value) -> bool {
        v.is::<FunctionObj>()
            || v.is::<BuiltinObj>()
            || v.is::<TypeObj>()
            || !type_of(v).special(Special::Call).is_empty()
    }
}

/// Whether keywords that are no strings are the business of what is called ([`MethodDef::any_names`]).
#[cold]
fn takes_any_names(callable: Value) -> bool {
    if let Some(t) = callable.downcast::<TypeObj>() {
        let init = t.special(Special::Init).downcast::<MethodDescrObj>();
        return is_called_as_class(t) && init.is_some_and(|m| m.def.any_names.get());
    }
    callable.downcast::<BuiltinObj>().is_some_and(|b| b.def.any_names.get())
}

/// Whether a class is called as classes are: its metaclass has no `__call__` of its own.
#[inline]
pub fn is_called_as_class(t: Ptr<TypeObj>) -> bool {
    let meta = rt().types.type_;
    let own = type_of(t.value());
    own == meta || own.special(Special::Call) == meta.special(Special::Call)
}

/// Whether the `__new__` of a class is that of `object`, and makes an instance without more ado.
#[inline]
pub(crate) fn makes_plain_instances(t: Ptr<TypeObj>) -> bool {
    t.special(Special::New) == rt().types.object.special(Special::New)
        && !t.has(TypeFlags::ABSTRACT | TypeFlags::GENERIC_NEW)
        && std::ptr::eq(t.kind.get(), <InstanceObj as cape_heap::HeapObject>::kind())
}

/// Whether a class of exceptions, whose `__new__` this is, has that and `__init__` of BaseException, which keep the arguments and no more.
fn makes_plain_exceptions(t: Ptr<TypeObj>, new: Value) -> bool {
    let base = rt().types.base_exception;
    let func = |v: Value| v.downcast::<BuiltinObj>().map(|b| b.def.func as usize);
    t.has(TypeFlags::EXC_SUBCLASS)
        && std::ptr::eq(t.kind.get(), <ExcObj as cape_heap::HeapObject>::kind())
        && t.special(Special::Init) == base.special(Special::Init)
        && func(new) == func(base.special(Special::New))
}

/// The row of a method that is native, or C's.
#[inline(always)]
fn method_row(f: Value) -> Option<&'static MethodDef> {
    if !f.is_ptr() {
        return None;
    }
    let map = f.header().map();
    if map != rt().maps.wrapper_descriptor && map != rt().maps.method_descriptor {
        return None;
    }
    // SAFETY: what the map says is what the object is.
    Some(unsafe { f.cast::<MethodDescrObj>() }.def)
}

/// The row and the entry of a method that is implemented in C.
#[inline(always)]
pub(crate) fn raw_method(f: Value) -> Option<(&'static MethodDef, RawFn)> {
    let def = method_row(f)?;
    def.raw.as_ref().map(|raw| (def, raw.call))
}

/// The row of a native method that takes `n` arguments, receiver included, as they are.
#[inline(always)]
pub(crate) fn plain_native(f: Value, n: usize) -> Option<&'static MethodDef> {
    let def = method_row(f)?;
    (def.raw.is_none() && def.simple && def.nparams == n).then_some(def)
}

/// The nearest class along the bases whose `__new__` is native, and the address of that.
fn native_new(t: Ptr<TypeObj>) -> (Ptr<TypeObj>, usize) {
    let mut t = t;
    loop {
        if let Some(b) = t.special(Special::New).downcast::<BuiltinObj>() {
            return (t, b.def.func as usize);
        }
        match t.base() {
            Some(b) => t = b,
            None => return (t, 0),
        }
    }
}

/// Whether `class` is implemented in C without a `tp_new` of its own, and `owner`, whose instances are plain ones, the base that it has
/// one from: `object`, or a native class.
fn made_by_plain(class: Ptr<TypeObj>, owner: Ptr<TypeObj>) -> bool {
    use cape_heap::HeapObject;
    if !std::ptr::eq(class.kind.get(), crate::foreign::ForeignObj::kind())
        || !std::ptr::eq(owner.kind.get(), InstanceObj::kind())
    {
        return false;
    }
    let python = |v: Value| v.is::<FunctionObj>() || v.is::<StaticMethodObj>();
    class
        .mro()
        .as_slice()
        .iter()
        .filter_map(|c| c.downcast::<TypeObj>()?.dict().get_str(Special::New.name_value()))
        .find(|&v| !python(v))
        .is_some_and(|v| v == owner.special(Special::New))
}
