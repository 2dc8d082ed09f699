//! `_contextvars`: contexts, variables and tokens.
//!
//! A context's variables are in a dict that is copied when it is shared, so that copying a context is cheap.

use std::cell::Cell;

use cape_heap::{Field, Header, heap, heap_object};
use cape_vm::native::{Named, new_type};
use cape_vm::object::*;
use cape_vm::runtime::StaticType;
use cape_vm::watchers::{Watched, event, tell, watched};
use cape_vm::{Ptr, Res, Value, Vm, rt, type_of};

heap_object! {
    /// `Context`. `previous` is the context it was entered from, while it is entered.
    pub struct ContextObj { vars: Field, previous: Field, shared: Cell<bool>, entered: Cell<bool> }

    /// `ContextVar`; `default` is EMPTY when there is none.
    pub struct ContextVarObj { name: Field, default: Field }

    /// `Token`; `old` is EMPTY when the variable had no value.
    pub struct TokenObj { context: Field, var: Field, old: Field, used: Cell<bool> }

    /// `Token.MISSING`.
    pub struct MissingObj {}
}

impl Named for ContextObj {
    const NAME: &'static str = "Context";
}
impl Named for ContextVarObj {
    const NAME: &'static str = "ContextVar";
}
impl Named for TokenObj {
    const NAME: &'static str = "Token";
}
impl Named for MissingObj {
    const NAME: &'static str = "Token.MISSING";
}

static CONTEXT: StaticType = StaticType::new();
static VAR: StaticType = StaticType::new();
static TOKEN: StaticType = StaticType::new();
static MISSING: crate::statics::StaticValue = crate::statics::StaticValue::shared();

const NEW_DOC: &str = "Create and return a new object.  See help(type) for accurate signature.";

/// Fills the module.
pub fn init(_vm: &Vm, m: Ptr<ModuleObj>) -> Res<()> {
    make_types();
    m.class(CONTEXT.get()).class(VAR.get()).class(TOKEN.get());
    m.function("copy_context($module, /)", "", |vm: &Vm| copy(current(vm)));
    Ok(())
}

/// Makes the types, once: `_warnings` needs a variable before anybody imports this module.
fn make_types() {
    if CONTEXT.try_get().is_some() {
        return;
    }
    let object = rt().types.object;
    let b = new_type::<ContextObj>("_contextvars.Context", object, TypeFlags::HAS_WEAKREF)
        .new_fn("__new__($type, *args, **kwargs)", NEW_DOC, context_new)
        .attribute("__hash__", Value::NONE)
        .method("__eq__($self, value, /)", "Return self==value.", |vm: &Vm, a, b: Value| same(vm, a, b, true))
        .method("__ne__($self, value, /)", "Return self!=value.", |vm: &Vm, a, b: Value| same(vm, a, b, false))
        .method("__iter__($self, /)", "Implement iter(self).", |vm: &Vm, c: Ptr<ContextObj>| vm.iter(keys(c).value()))
        .method("__len__($self, /)", "Return len(self).", |_: &Vm, c: Ptr<ContextObj>| c.vars().len())
        .method("__getitem__($self, key, /)", "Return self[key].", |vm: &Vm, c: Ptr<ContextObj>, key: Value| {
            match find(vm, c, key)? {
                Some(v) => Ok(v),
                None => Err(vm.key_error_for(key)),
            }
        })
        .method("__contains__($self, key, /)", "Return bool(key in self).", |vm: &Vm, c, key: Value| {
            find(vm, c, key).map(|v| v.is_some())
        })
        .method(
            "get($self, key, default=None, /)",
            "Return the value for `key` if `key` has the value in the context object.\n\nIf `key` does not exist, return `default`.  If `default` is not\ngiven, return None.",
            |vm: &Vm, c: Ptr<ContextObj>, key: Value, default: Option<Value>| {
                find(vm, c, key).map(|v| v.or(default).unwrap_or(Value::NONE))
            },
        )
        .method(
            "items($self, /)",
            "Return all variables and their values in the context object.\n\nThe result is returned as a list of 2-tuples (variable, value).",
            |_: &Vm, c: Ptr<ContextObj>| {
                let out = ListObj::new(&[]);
                let vars = c.vars().copy();
                for e in vars.table.iter() {
                    out.push(TupleObj::new(&[e.key, e.value]).value());
                }
                out
            },
        )
        .method("keys($self, /)", "Return a list of all variables in the context object.", |_: &Vm, c: Ptr<ContextObj>| {
            keys(c)
        })
        .method(
            "values($self, /)",
            "Return a list of all variables' values in the context object.",
            |_: &Vm, c: Ptr<ContextObj>| {
                let out = ListObj::new(&[]);
                let vars = c.vars().copy();
                vars.table.iter().for_each(|e| out.push(e.value));
                out
            },
        )
        .method("copy($self, /)", "Return a shallow copy of the context object.", |_: &Vm, c: Ptr<ContextObj>| copy(c))
        .method("run($self, /, *args, **kwargs)", "", run);
    // Loops run every callback so: no tuple and no dict are made of the arguments.
    if let Some(d) = b.class().dict().get_str(cape_vm::intern("run")).and_then(|d| d.downcast::<MethodDescrObj>()) {
        d.def.positional.set(Some(run_at_once));
    }
    CONTEXT.set(b.class());

    let b = new_type::<ContextVarObj>("_contextvars.ContextVar", object, 0)
        .new_fn("__new__($type, *args, **kwargs)", NEW_DOC, var_new)
        .method("__repr__($self, /)", "Return repr(self).", var_repr)
        .method(
            "get($self, default=<unrepresentable>, /)",
            "Return a value for the context variable for the current context.\n\nIf there is no value for the variable in the current context, the\nmethod will:\n * return the value of the default argument of the method, if\n   provided; or\n * return the default value for the context variable, if it was\n   created with one; or\n * raise a LookupError.",
            |vm: &Vm, var: Ptr<ContextVarObj>, default: Option<Value>| {
                if let Some(v) = var_value(vm, var) {
                    return Ok(v);
                }
                match default.unwrap_or(var.default.get()) {
                    v if v.is_empty() => Err(vm.new_exc_args(rt().types.lookup_error, &[var.value()])),
                    v => Ok(v),
                }
            },
        )
        .method(
            "set($self, value, /)",
            "Call to set a new value for the context variable in the current context.\n\nThe required value argument is the new value for the context\nvariable.\n\nReturns a Token object that can be used to restore the variable to\nits previous value via the `ContextVar.reset()` method.",
            var_set,
        )
        .method(
            "reset($self, token, /)",
            "Reset the context variable.\n\nThe variable is reset to the value it had before the\n`ContextVar.set()` that created the token was used.",
            var_reset,
        )
        .class_method(
            "__class_getitem__($type, object, /)",
            "ContextVars are generic over the type of their contained values",
            |vm: &Vm, cls: Value, item: Value| vm.call_generic_alias(cls, item),
        )
        .getter("name", "", |_: &Vm, var: Ptr<ContextVarObj>| var.name.get());
    VAR.set(b.class());

    let missing = new_type::<MissingObj>("Token.MISSING", object, TypeFlags::NO_INSTANTIATION)
        .method("__repr__($self, /)", "Return repr(self).", |_: &Vm, _m: Ptr<MissingObj>| "<Token.MISSING>")
        .class();
    let map = missing.instance_map();
    let value = heap().alloc(map, MissingObj { header: Header::new(map) }).value();
    MISSING.set(value);
    let b = new_type::<TokenObj>("_contextvars.Token", object, 0)
        .new_fn("__new__($type, *args, **kwargs)", NEW_DOC, |vm: &Vm, _: Value, _: Value, _: Value| {
            Err::<(), _>(vm.runtime_error("Tokens can only be created by ContextVars"))
        })
        .attribute("MISSING", value)
        .attribute("__hash__", Value::NONE)
        .method("__repr__($self, /)", "Return repr(self).", token_repr)
        .method("__enter__($self, /)", "Enter into Token context manager.", |_: &Vm, t: Ptr<TokenObj>| t)
        .method(
            "__exit__($self, type, val, tb, /)",
            "Exit from Token context manager, restore the linked ContextVar.",
            |vm: &Vm, t: Ptr<TokenObj>, _: Value, _: Value, _: Value| {
                let var = t.var.downcast().expect("variable of a token");
                var_reset(vm, var, t.value())
            },
        )
        .class_method(
            "__class_getitem__($type, object, /)",
            "Tokens are generic over the same type as the ContextVar which created them.",
            |vm: &Vm, cls: Value, item: Value| vm.call_generic_alias(cls, item),
        )
        .getter("var", "", |_: &Vm, t: Ptr<TokenObj>| t.var.get())
        .getter("old_value", "", |_: &Vm, t: Ptr<TokenObj>| match t.old.get() {
            v if v.is_empty() => MISSING.try_get().unwrap_or(Value::NONE),
            v => v,
        });
    TOKEN.set(b.class());
}

impl ContextObj {
    fn vars(&self) -> Ptr<DictObj> {
        self.vars.downcast().expect("variables of a context")
    }
}

fn new_context(vars: Ptr<DictObj>, shared: bool) -> Ptr<ContextObj> {
    let map = CONTEXT.get().instance_map();
    heap().alloc(
        map,
        ContextObj {
            header: Header::new(map),
            vars: Field::new(vars.value()),
            previous: Field::new(Value::EMPTY),
            shared: Cell::new(shared),
            entered: Cell::new(false),
        },
    )
}

/// The running context, made when first needed.
fn current(vm: &Vm) -> Ptr<ContextObj> {
    if let Some(c) = vm.context.get().downcast() {
        return c;
    }
    make_types();
    let c = new_context(DictObj::new(), false);
    c.entered.set(true);
    vm.context.set(c.value());
    c
}

/// A copy of the running context.
pub fn copy_current(vm: &Vm) -> Value {
    copy(current(vm)).value()
}

fn copy(c: Ptr<ContextObj>) -> Ptr<ContextObj> {
    c.shared.set(true);
    new_context(c.vars(), true)
}

/// Makes the variables of a context its own, to change them.
fn own_vars(c: Ptr<ContextObj>) -> Ptr<DictObj> {
    if c.shared.get() {
        let own = c.vars().copy();
        c.vars.set(c, own.value());
        c.shared.set(false);
    }
    c.vars()
}

fn context_new(vm: &Vm, _cls: Value, args: Ptr<TupleObj>, kwargs: Ptr<DictObj>) -> Res<Ptr<ContextObj>> {
    if !args.is_empty() || !kwargs.is_empty() {
        return Err(vm.type_error("Context() does not accept any arguments"));
    }
    Ok(new_context(DictObj::new(), false))
}

fn keys(c: Ptr<ContextObj>) -> Ptr<ListObj> {
    let out = ListObj::new(&[]);
    let vars = c.vars().copy();
    vars.table.iter().for_each(|e| out.push(e.key));
    out
}

fn same(vm: &Vm, a: Ptr<ContextObj>, b: Value, want: bool) -> Res<Value> {
    let Some(b) = b.downcast::<ContextObj>() else { return Ok(Value::NOT_IMPLEMENTED) };
    let eq = a.vars() == b.vars() || {
        let r = vm.compare(a.vars().value(), b.vars().value(), cape_vm::ops::Cmp::Eq)?;
        vm.truth(r)?
    };
    Ok(Value::bool(eq == want))
}

fn find(vm: &Vm, c: Ptr<ContextObj>, key: Value) -> Res<Option<Value>> {
    if !key.is::<ContextVarObj>() {
        return Err(vm.type_error(format!("a ContextVar key was expected, got {}", vm.repr_str(key)?)));
    }
    c.vars().get(vm, key)
}

fn run(vm: &Vm, c: Ptr<ContextObj>, args: Ptr<TupleObj>, kwargs: Ptr<DictObj>) -> Res<Value> {
    let Some((&f, rest)) = args.as_slice().split_first() else {
        return Err(vm.type_error("run() missing 1 required positional argument"));
    };
    enter(vm, c)?;
    let r = vm.call_dict(f, rest, Some(kwargs));
    leave(vm, c);
    r
}

/// `run` without keywords.
fn run_at_once(vm: &Vm, args: &[Value]) -> Res<Value> {
    let [c, f, rest @ ..] = args else { return Ok(Value::EMPTY) };
    let Some(c) = c.downcast::<ContextObj>() else { return Ok(Value::EMPTY) };
    enter(vm, c)?;
    let r = vm.call(*f, rest);
    leave(vm, c);
    r
}

/// Makes a context the running one.
fn enter(vm: &Vm, c: Ptr<ContextObj>) -> Res<()> {
    if c.entered.get() {
        let text = vm.repr_str(c.value())?;
        return Err(vm.runtime_error(format!("cannot enter context: {text} is already entered")));
    }
    c.previous.set(c, current(vm).value());
    c.entered.set(true);
    vm.context.set(c.value());
    switched(vm);
    Ok(())
}

/// Tells watchers which context runs now.
fn switched(vm: &Vm) {
    if watched(Watched::Context) {
        let now = vm.context.get();
        let now = if now.is_empty() { Value::NONE } else { now };
        tell(Watched::Context, event::CONTEXT_SWITCHED, now, Value::EMPTY, Value::EMPTY);
    }
}

/// Goes back to the context from which `c` was entered.
fn leave(vm: &Vm, c: Ptr<ContextObj>) {
    vm.context.set(c.previous.get());
    c.previous.set(c, Value::EMPTY);
    c.entered.set(false);
    switched(vm);
}

/// `PyContext_Enter`, and with `exit` `PyContext_Exit`.
pub fn switch(vm: &Vm, context: Value, exit: bool) -> Res<()> {
    let Some(c) = context.downcast::<ContextObj>() else {
        return Err(vm.type_error("an instance of Context was expected"));
    };
    if !exit {
        return enter(vm, c);
    }
    if !c.entered.get() {
        let text = vm.repr_str(context)?;
        return Err(vm.runtime_error(format!("cannot exit context: {text} has not been entered")));
    }
    if vm.context.get() != context {
        return Err(vm.runtime_error("cannot exit context: thread state references a different context object"));
    }
    leave(vm, c);
    Ok(())
}

fn var_new(vm: &Vm, _cls: Value, args: Ptr<TupleObj>, kwargs: Ptr<DictObj>) -> Res<Ptr<ContextVarObj>> {
    let [name] = args.as_slice() else {
        let word = if args.is_empty() { "exactly" } else { "at most" };
        return Err(vm.type_error(format!(
            "ContextVar() takes {word} 1 positional argument ({} given)",
            args.len()
        )));
    };
    let mut default = Value::EMPTY;
    for e in kwargs.table.iter() {
        match e.key.downcast::<StrObj>() {
            Some(k) if k.eq_str("default") => default = e.value,
            k => {
                let k = k.map(|k| k.display()).unwrap_or_default();
                return Err(vm.type_error(format!("ContextVar() got an unexpected keyword argument '{k}'")));
            }
        }
    }
    if !name.is::<StrObj>() {
        return Err(vm.type_error("context variable name must be a str"));
    }
    vm.hash(*name)?;
    Ok(new_var(*name, default))
}

/// A variable; `default` is EMPTY for none.
pub fn new_var(name: Value, default: Value) -> Ptr<ContextVarObj> {
    make_types();
    let map = VAR.get().instance_map();
    heap().alloc(
        map,
        ContextVarObj { header: Header::new(map), name: Field::new(name), default: Field::new(default) },
    )
}

/// The value that a variable has in the running context, without defaults.
pub fn var_value(vm: &Vm, var: Ptr<ContextVarObj>) -> Option<Value> {
    let c: Ptr<ContextObj> = vm.context.get().downcast()?;
    // Variables hash by identity: looking one up runs no Python code.
    c.vars().get(vm, var.value()).ok().flatten()
}

/// Gives a variable a value in the running context; a token for what it was.
pub fn var_set(vm: &Vm, var: Ptr<ContextVarObj>, value: Value) -> Res<Value> {
    let c = current(vm);
    let old = var_value(vm, var).unwrap_or(Value::EMPTY);
    own_vars(c).set(vm, var.value(), value)?;
    let map = TOKEN.get().instance_map();
    let token = heap().alloc(
        map,
        TokenObj {
            header: Header::new(map),
            context: Field::new(c.value()),
            var: Field::new(var.value()),
            old: Field::new(old),
            used: Cell::new(false),
        },
    );
    Ok(token.value())
}

fn var_reset(vm: &Vm, var: Ptr<ContextVarObj>, token: Value) -> Res<()> {
    let Some(t) = token.downcast::<TokenObj>() else {
        return Err(vm.type_error(format!("expected an instance of Token, got {}", vm.repr_str(token)?)));
    };
    let text = || vm.repr_str(token);
    if t.used.get() {
        return Err(vm.runtime_error(format!("{} has already been used once", text()?)));
    }
    if t.var.get() != var.value() {
        return Err(vm.value_error(format!("{} was created by a different ContextVar", text()?)));
    }
    let c = current(vm);
    if t.context.get() != c.value() {
        return Err(vm.value_error(format!("{} was created in a different Context", text()?)));
    }
    t.used.set(true);
    let vars = own_vars(c);
    match t.old.get() {
        v if v.is_empty() => {
            if vars.remove(vm, var.value())?.is_none() {
                return Err(vm.new_exc_args(rt().types.lookup_error, &[var.value()]));
            }
        }
        v => vars.set(vm, var.value(), v)?,
    }
    Ok(())
}

fn var_repr(vm: &Vm, var: Ptr<ContextVarObj>) -> Res<String> {
    let name = vm.repr_str(var.name.get())?;
    let default = match var.default.get() {
        v if v.is_empty() => String::new(),
        v => format!(" default={}", vm.repr_str(v)?),
    };
    Ok(format!("<ContextVar name={name}{default} at {:#x}>", vm.id(var.value())))
}

fn token_repr(vm: &Vm, t: Ptr<TokenObj>) -> Res<String> {
    let used = if t.used.get() { " used" } else { "" };
    debug_assert!(type_of(t.value()) == TOKEN.get());
    Ok(format!("<Token{used} var={} at {:#x}>", vm.repr_str(t.var.get())?, vm.id(t.value())))
}
