//! Python functions and bound methods.

use cape_bytecode::flags;
use cape_heap::Field;
use cape_vm::class::{full_name, lookup_mro};
use cape_vm::native::{TypeBuilder, extend};
use cape_vm::object::{BoundMethodObj, CellObj, CodeObj, DictObj, FunctionObj, StrObj, TupleObj, TypeObj};
use cape_vm::watchers::{Watched, event, tell, watched};
use cape_vm::{Ptr, Res, Value, Vm, intern, rt, type_of};

use crate::number::warn;
use crate::object::check_name;
use crate::types::{call_annotate, flatten};

/// Completes the types of this file.
pub fn init(_vm: &Vm) {
    let t = &rt().types;
    let f = extend(t.function)
        .new_fn("__new__(cls, code, globals, name=None, argdefs=None, closure=None, kwdefaults=None)", "Create a function object.", function_new)
        .method("__call__($self, /, *args, **kwargs)", "Call self as a function.", call)
        .method("__get__($self, instance, owner=None, /)", "Return an attribute of instance, which is of type owner.", get)
        .method("__repr__($self, /)", "Return repr(self).", repr)
        .getset(
            "__code__",
            "",
            |vm: &Vm, f: Ptr<FunctionObj>| read(vm, f, "__code__").map(|()| f.code()),
            set_code,
        )
        .getset(
            "__defaults__",
            "",
            |vm: &Vm, f: Ptr<FunctionObj>| read(vm, f, "__defaults__").map(|()| present(&f.defaults)),
            set_defaults,
        )
        .getset(
            "__kwdefaults__",
            "",
            |vm: &Vm, f: Ptr<FunctionObj>| read(vm, f, "__kwdefaults__").map(|()| present(&f.kwdefaults)),
            set_kwdefaults,
        )
        .getset("__name__", "", |_: &Vm, f: Ptr<FunctionObj>| f.name.get(), set_name)
        .getset("__qualname__", "", |_: &Vm, f: Ptr<FunctionObj>| f.qualname.get(), set_qualname)
        .getset("__module__", "", |_: &Vm, f: Ptr<FunctionObj>| present(&f.module), |_: &Vm, f: Ptr<FunctionObj>, v: Value| {
            f.module.set(f, or_none(v));
            cape_vm::foreign::changed(f.header());
        })
        .getset("__doc__", "", |_: &Vm, f: Ptr<FunctionObj>| doc(f), |_: &Vm, f: Ptr<FunctionObj>, v: Value| f.doc.set(f, or_none(v)))
        .getset("__annotations__", "Dict of annotations in a function object.", annotations, set_annotations)
        .getset("__annotate__", "Get the code object for a function.", |_: &Vm, f: Ptr<FunctionObj>| present(&f.annotate), set_annotate)
        .getset("__type_params__", "Get the declared type parameters for a function.", type_params, set_type_params)
        .getter("__closure__", "", |_: &Vm, f: Ptr<FunctionObj>| present(&f.closure))
        .getter("__globals__", "", |_: &Vm, f: Ptr<FunctionObj>| f.globals.get())
        .getter("__builtins__", "", |_: &Vm, f: Ptr<FunctionObj>| f.builtins.get())
        .doc("Create a function object.\n\n  code\n    a code object\n  globals\n    the globals dictionary\n  name\n    a string that overrides the name from the code object\n  argdefs\n    a tuple that specifies the default argument values\n  closure\n    a tuple that supplies the bindings for free variables\n  kwdefaults\n    a dictionary that specifies the default keyword argument values");
    add_dict(f);
    extend(t.method)
        .new_fn("__new__(cls, function, instance, /)", "Create a bound instance method object.", method_new)
        .method("__call__($self, /, *args, **kwargs)", "Call self as a function.", call)
        .method(
            "__get__($self, instance, owner=None, /)",
            "Return an attribute of instance, which is of type owner.",
            |_: &Vm, m: Value, _: Value, _: Value| m,
        )
        .method("__getattribute__($self, name, /)", "Return getattr(self, name).", method_getattribute)
        .method("__repr__($self, /)", "Return repr(self).", method_repr)
        .method(
            "__eq__($self, value, /)",
            "Return self==value.",
            |vm: &Vm, a: Ptr<BoundMethodObj>, b: Value| method_eq(vm, a, b, true),
        )
        .method(
            "__ne__($self, value, /)",
            "Return self!=value.",
            |vm: &Vm, a: Ptr<BoundMethodObj>, b: Value| method_eq(vm, a, b, false),
        )
        .method("__hash__($self, /)", "Return hash(self).", |vm: &Vm, m: Ptr<BoundMethodObj>| -> Res<i64> {
            let h = vm.identity_hash(m.this.get()) ^ vm.hash(m.func.get())?;
            Ok(if h == -1 { -2 } else { h })
        })
        .method("__reduce__($self, /)", "", method_reduce)
        .getter("__doc__", "", |vm: &Vm, m: Ptr<BoundMethodObj>| {
            vm.get_attr_opt(m.func.get(), rt().names.doc)
        })
        .getter(
            "__func__",
            "the function (or other callable) implementing a method",
            |_: &Vm, m: Ptr<BoundMethodObj>| m.func.get(),
        )
        .getter("__self__", "the instance to which a method is bound", |_: &Vm, m: Ptr<BoundMethodObj>| {
            m.this.get()
        })
        .doc("Create a bound instance method object.");
}

/// Adds the `__dict__` attribute to a native type whose instances have one.
pub fn add_dict(b: TypeBuilder) -> TypeBuilder {
    b.getset(
        "__dict__",
        "",
        |vm: &Vm, o: Value| vm.dict_of(o).ok_or_else(|| vm.attribute_error("This object has no __dict__")),
        |vm: &Vm, o: Value, d: Value| {
            if d.is_empty() {
                return Err(vm.type_error("cannot delete __dict__"));
            }
            cape_vm::attr::set_dict(vm, o, d)
        },
    )
}

/// The docstring. The first time that somebody asks for it, it is taken from the code, whose first constant it is.
fn doc(f: Ptr<FunctionObj>) -> Value {
    if f.doc.get().is_empty() {
        let code = f.code();
        let says = code.unit.docstring().is_some();
        f.doc.set(f, if says { crate::code::consts(code).get(0) } else { Value::NONE });
    }
    f.doc.get()
}

/// The field's value, None for EMPTY.
pub(crate) fn present(f: &Field) -> Value {
    or_none(f.get())
}

/// The value, None for EMPTY.
pub fn or_none(v: Value) -> Value {
    if v.is_empty() { Value::NONE } else { v }
}

fn or_empty(v: Value) -> Value {
    if v.is_none() { Value::EMPTY } else { v }
}

/// Calls an object through its `__call__`, as a wrapper with `*args, **kwargs`.
pub(crate) fn call(vm: &Vm, f: Value, args: Ptr<TupleObj>, kwargs: Ptr<DictObj>) -> Res<Value> {
    let (all, names) = flatten(vm, args.as_slice(), kwargs)?;
    vm.call_args(f, &all, names)
}

#[allow(clippy::too_many_arguments, reason = "the constructor's parameters")]
fn function_new(
    vm: &Vm,
    _cls: Ptr<TypeObj>,
    code: Ptr<CodeObj>,
    globals: Ptr<DictObj>,
    name: Value,
    defaults: Value,
    closure: Value,
    kwdefaults: Value,
) -> Res<Value> {
    let [name, defaults, closure, kwdefaults] = [name, defaults, closure, kwdefaults].map(or_empty);
    if !name.is_empty() && !name.is::<StrObj>() {
        return Err(vm.type_error("arg 3 (name) must be None or string"));
    }
    if !defaults.is_empty() && !defaults.is::<TupleObj>() {
        return Err(vm.type_error("arg 4 (defaults) must be None or tuple"));
    }
    if !kwdefaults.is_empty() && !kwdefaults.is::<DictObj>() {
        return Err(vm.type_error("arg 6 (kwdefaults) must be None or dict"));
    }
    let free = code.unit.freevars.len();
    let cells = closure.downcast::<TupleObj>();
    if cells.is_none() && !closure.is_empty() || cells.is_none() && free != 0 {
        let what = if free != 0 && closure.is_empty() { "tuple" } else { "None or tuple" };
        return Err(vm.type_error(format!("arg 5 (closure) must be {what}")));
    }
    let given = cells.map_or(0, |c| c.len());
    if given != free {
        let n = code.name.downcast::<StrObj>().map(|s| s.display()).unwrap_or_default();
        return Err(vm.value_error(format!("{n} requires closure of length {free}, not {given}")));
    }
    if let Some(c) = cells
        && let Some(bad) = c.as_slice().iter().find(|c| !c.is::<CellObj>())
    {
        return Err(
            vm.type_error(format!("arg 5 (closure) expected cell, found {}", full_name(type_of(*bad))))
        );
    }
    let builtins = globals.get_str(rt().names.builtins);
    let builtins = match builtins {
        Some(b) => b.downcast::<cape_vm::object::ModuleObj>().map_or(b, |m| m.dict().value()),
        // As where a function is defined: those of the code that makes it.
        None => vm.caller_builtins(),
    };
    let f = vm.function_from(code, globals.value(), builtins);
    if !name.is_empty() {
        f.name.set(f, name);
    }
    f.defaults.set(f, defaults);
    f.kwdefaults.set(f, kwdefaults);
    if free != 0 {
        f.closure.set(f, closure);
    }
    Ok(f.value())
}

fn get(vm: &Vm, f: Value, obj: Value, owner: Value) -> Res<Value> {
    check_get(vm, obj, owner)?;
    Ok(if obj.is_none() { f } else { BoundMethodObj::new(f, obj).value() })
}

/// `__get__(None, None)` is an error.
pub(crate) fn check_get(vm: &Vm, obj: Value, owner: Value) -> Res<()> {
    if obj.is_none() && or_none(owner).is_none() {
        return Err(vm.type_error("__get__(None, None) is invalid"));
    }
    Ok(())
}

fn repr(vm: &Vm, f: Ptr<FunctionObj>) -> String {
    let q = f.qualname.downcast::<StrObj>().map(|s| s.display()).unwrap_or_default();
    format!("<function {q} at {:#x}>", vm.id(f.value()))
}

fn changed(f: Ptr<FunctionObj>) {
    f.version.set(f.version.get().wrapping_add(1));
    cape_vm::foreign::changed(f.header());
}

/// Tells watchers what a function is about to get.
fn change(f: Ptr<FunctionObj>, event: i32, v: Value) {
    if watched(Watched::Function) {
        tell(Watched::Function, event, f.value(), Value::EMPTY, v);
    }
}

/// The audit event of reading an attribute.
fn read(vm: &Vm, f: Ptr<FunctionObj>, name: &str) -> Res<()> {
    if rt().is_audited() { vm.audit_attribute(f.value(), name, None) } else { Ok(()) }
}

fn set_code(vm: &Vm, f: Ptr<FunctionObj>, v: Value) -> Res<()> {
    let Some(code) = v.downcast::<CodeObj>() else {
        return Err(vm.type_error("__code__ must be set to a code object"));
    };
    vm.audit_attribute(f.value(), "__code__", Some(v))?;
    let (has, wants) = (f.closure.downcast::<TupleObj>().map_or(0, |t| t.len()), code.unit.freevars.len());
    if has != wants {
        let n = f.name.downcast::<StrObj>().map(|s| s.display()).unwrap_or_default();
        return Err(vm.value_error(format!("{n}() requires a code object with {has} free vars, not {wants}")));
    }
    let kind = |c: Ptr<CodeObj>| c.unit.flags & (flags::GENERATOR | flags::COROUTINE | flags::ASYNC_GENERATOR);
    if kind(code) != kind(f.code()) {
        let message = "Assigning a code object of non-matching type is deprecated (e.g., from a generator to a plain function)";
        warn(vm, rt().types.deprecation_warning, message)?;
    }
    // That of the old code, which stays.
    doc(f);
    change(f, event::FUNCTION_CODE, v);
    f.code.set(f, v);
    changed(f);
    Ok(())
}

fn set_defaults(vm: &Vm, f: Ptr<FunctionObj>, v: Value) -> Res<()> {
    let v = or_empty(v);
    if !v.is_empty() && !v.is::<TupleObj>() {
        return Err(vm.type_error("__defaults__ must be set to a tuple object"));
    }
    vm.audit_attribute(f.value(), "__defaults__", Some(v))?;
    change(f, event::FUNCTION_DEFAULTS, v);
    f.defaults.set(f, v);
    changed(f);
    Ok(())
}

fn set_kwdefaults(vm: &Vm, f: Ptr<FunctionObj>, v: Value) -> Res<()> {
    let v = or_empty(v);
    if !v.is_empty() && !v.is::<DictObj>() {
        return Err(vm.type_error("__kwdefaults__ must be set to a dict object"));
    }
    vm.audit_attribute(f.value(), "__kwdefaults__", Some(v))?;
    change(f, event::FUNCTION_KWDEFAULTS, v);
    f.kwdefaults.set(f, v);
    changed(f);
    Ok(())
}

fn set_name(vm: &Vm, f: Ptr<FunctionObj>, v: Value) -> Res<()> {
    if !v.is::<StrObj>() {
        return Err(vm.type_error("__name__ must be set to a string object"));
    }
    f.name.set(f, v);
    Ok(())
}

fn set_qualname(vm: &Vm, f: Ptr<FunctionObj>, v: Value) -> Res<()> {
    if !v.is::<StrObj>() {
        return Err(vm.type_error("__qualname__ must be set to a string object"));
    }
    f.qualname.set(f, v);
    Ok(())
}

fn annotations(vm: &Vm, f: Ptr<FunctionObj>) -> Res<Value> {
    if f.annotations.get().is_empty() {
        let a = f.annotate.get();
        let made = if !a.is_empty() && !a.is_none() && vm.is_callable(a) {
            call_annotate(vm, a)?
        } else {
            DictObj::new().value()
        };
        f.annotations.set(f, made);
    }
    Ok(f.annotations.get())
}

fn set_annotations(vm: &Vm, f: Ptr<FunctionObj>, v: Value) -> Res<()> {
    let v = or_empty(v);
    if !v.is_empty() && !v.is::<DictObj>() {
        return Err(vm.type_error("__annotations__ must be set to a dict object"));
    }
    f.annotations.set(f, v);
    f.annotate.set(f, Value::EMPTY);
    Ok(())
}

fn set_annotate(vm: &Vm, f: Ptr<FunctionObj>, v: Value) -> Res<()> {
    if v.is_empty() {
        return Err(vm.type_error("__annotate__ cannot be deleted"));
    }
    if v.is_none() {
        f.annotate.set(f, Value::EMPTY);
        return Ok(());
    }
    if !vm.is_callable(v) {
        return Err(vm.type_error("__annotate__ must be callable or None"));
    }
    f.annotate.set(f, v);
    f.annotations.set(f, Value::EMPTY);
    Ok(())
}

fn type_params(_vm: &Vm, f: Ptr<FunctionObj>) -> Value {
    if f.type_params.get().is_empty() { rt().empty_tuple().value() } else { f.type_params.get() }
}

fn set_type_params(vm: &Vm, f: Ptr<FunctionObj>, v: Value) -> Res<()> {
    if !v.is::<TupleObj>() {
        return Err(vm.type_error("__type_params__ must be set to a tuple"));
    }
    f.type_params.set(f, v);
    Ok(())
}

fn method_new(vm: &Vm, _cls: Ptr<TypeObj>, func: Value, this: Value) -> Res<Value> {
    if !vm.is_callable(func) {
        return Err(vm.type_error("first argument must be callable"));
    }
    if this.is_none() {
        return Err(vm.type_error("instance must not be None"));
    }
    Ok(BoundMethodObj::new(func, this).value())
}

fn method_getattribute(vm: &Vm, m: Ptr<BoundMethodObj>, name: Value) -> Res<Value> {
    let name = check_name(vm, name)?;
    let t = type_of(m.value());
    match lookup_mro(t, name) {
        Some(d) => vm.descr_get(d, m.value(), t),
        None => vm.get_attr(m.func.get(), name),
    }
}

fn method_repr(vm: &Vm, m: Ptr<BoundMethodObj>) -> Res<Value> {
    let names = &rt().names;
    let f = m.func.get();
    let text = |v: Option<Value>| v.and_then(|v| v.downcast::<StrObj>());
    let name = match text(vm.get_attr_opt(f, names.qualname)?) {
        Some(s) => Some(s),
        None => text(vm.get_attr_opt(f, names.name)?),
    };
    let name = name.map_or("?".to_string(), |s| s.display());
    let this = vm.repr(m.this.get())?;
    let mut b = cape_vm::object::StrBuilder::new();
    b.push_str(&format!("<bound method {name} of "));
    b.push_obj(&this);
    b.push_str(">");
    Ok(b.finish().value())
}

fn method_eq(vm: &Vm, a: Ptr<BoundMethodObj>, b: Value, equal: bool) -> Res<Value> {
    let Some(b) = b.downcast::<BoundMethodObj>() else { return Ok(Value::NOT_IMPLEMENTED) };
    let same = vm.eq(a.func.get(), b.func.get())? && vm.is(a.this.get(), b.this.get());
    Ok(Value::bool(same == equal))
}

fn method_reduce(vm: &Vm, m: Ptr<BoundMethodObj>) -> Res<Value> {
    let name = vm.get_attr(m.func.get(), rt().names.name)?;
    let getattr = vm.import_attr("builtins", "getattr")?;
    Ok(TupleObj::new(&[getattr, TupleObj::new(&[m.this.get(), name]).value()]).value())
}

/// `(getattr, (object, name))`: how bound and unbound native methods are pickled.
pub(crate) fn reduce_to_getattr(vm: &Vm, object: Value, name: &str) -> Res<Value> {
    let getattr = vm.import_attr("builtins", "getattr")?;
    Ok(TupleObj::new(&[getattr, TupleObj::new(&[object, intern(name)]).value()]).value())
}
