//! `module`.

use cape_vm::class::full_name;
use cape_vm::native::extend;
use cape_vm::object::{DictObj, ModuleObj, StrObj, TypeObj};
use cape_vm::{Ptr, Res, Value, Vm, intern, rt, type_of};

use crate::object::keys_list;
use crate::types::call_annotate;

type Module = Ptr<ModuleObj>;

/// Completes the types of this file.
pub fn init(_vm: &Vm) {
    extend(rt().types.module)
        .new_fn(
            "__new__($type, *args, **kwargs)",
            "Create and return a new object.  See help(type) for accurate signature.",
            |_: &Vm, cls: Ptr<TypeObj>, _: Value, _: Value| ModuleObj::with_map(cls.instance_map()),
        )
        .method(
            "__init__($self, /, name, doc=None)",
            "Initialize self.  See help(type(self)) for accurate signature.",
            init_module,
        )
        .method("__repr__($self, /)", "Return repr(self).", repr)
        .method(
            "__getattribute__($self, name, /)",
            "Return getattr(self, name).",
            |vm: &Vm, m: Value, n: Value| -> Res<Value> {
                let n = crate::object::check_name(vm, n)?;
                match vm.plain_getattr(type_of(m), m, n)? {
                    Some(v) => Ok(v),
                    None => Err(vm.no_attribute(m, n)),
                }
            },
        )
        .method(
            "__setattr__($self, name, value, /)",
            "Implement setattr(self, name, value).",
            |vm: &Vm, m: Value, n: Value, v: Value| {
                let n = crate::object::check_name(vm, n)?;
                vm.generic_setattr(m, n, v)
            },
        )
        .method(
            "__delattr__($self, name, /)",
            "Implement delattr(self, name).",
            |vm: &Vm, m: Value, n: Value| {
                let n = crate::object::check_name(vm, n)?;
                vm.generic_setattr(m, n, Value::EMPTY)
            },
        )
        .method("__dir__($self, /)", "__dir__() -> list\nspecialized dir() implementation", dir)
        .getter("__dict__", "", |_: &Vm, m: Module| m.dict())
        .getset("__annotations__", "", annotations, set_annotations)
        .getset("__annotate__", "", annotate, set_annotate)
        .doc(
            "Create a module object.\n\nThe name must be a string; the optional docstring can have any type.",
        );
}

fn init_module(vm: &Vm, m: Module, name: Value, doc: Option<Value>) -> Res<()> {
    if !name.is::<StrObj>() {
        return Err(
            vm.type_error(format!("module() argument 'name' must be str, not {}", full_name(type_of(name))))
        );
    }
    let n = &rt().names;
    let d = m.dict();
    d.set_str(n.name, name);
    d.set_str(n.doc, doc.unwrap_or(Value::NONE));
    for key in [n.package, n.loader, n.spec] {
        if d.get_str(key).is_none() {
            d.set_str(key, Value::NONE);
        }
    }
    Ok(())
}

fn repr(vm: &Vm, m: Module) -> Res<Value> {
    let f = vm.import_attr("_frozen_importlib", "_module_repr")?;
    vm.call(f, &[m.value()])
}

fn dir(vm: &Vm, m: Module) -> Res<Value> {
    let n = &rt().names;
    let v = vm.get_attr(m.value(), n.dict)?;
    let Some(d) = v.downcast::<DictObj>() else {
        return Err(vm.type_error("<module>.__dict__ is not a dictionary"));
    };
    match d.get_str(n.dir) {
        Some(f) => vm.call(f, &[]),
        None => keys_list(d),
    }
}

fn is_initializing(vm: &Vm, m: Module) -> Res<bool> {
    let n = &rt().names;
    let Some(spec) = m.get(n.spec).filter(|s| !s.is_none()) else { return Ok(false) };
    match vm.get_attr_opt(spec, n.initializing)? {
        Some(v) => vm.truth(v),
        None => Ok(false),
    }
}

fn annotations(vm: &Vm, m: Module) -> Res<Value> {
    let n = &rt().names;
    let d = m.dict();
    if let Some(v) = d.get_str(n.annotations) {
        return Ok(v);
    }
    let initializing = is_initializing(vm, m)?;
    let f = d.get_str(n.annotate);
    let v = match f {
        Some(f) if vm.is_callable(f) => call_annotate(vm, f)?,
        _ => DictObj::new().value(),
    };
    // A module that is still running may yet get more annotations.
    if !initializing {
        d.set_str(n.annotations, v);
    }
    Ok(v)
}

fn set_annotations(vm: &Vm, m: Module, v: Value) -> Res<()> {
    let n = &rt().names;
    let d = m.dict();
    if v.is_empty() {
        if d.remove_str(n.annotations).is_none() {
            return Err(vm.attribute_error_for("__annotations__".into(), m.value(), n.annotations));
        }
    } else {
        d.set_str(n.annotations, v);
    }
    d.remove_str(n.annotate);
    Ok(())
}

fn annotate(_vm: &Vm, m: Module) -> Value {
    let n = &rt().names;
    let d = m.dict();
    match d.get_str(n.annotate) {
        Some(v) => v,
        None => {
            d.set_str(n.annotate, Value::NONE);
            Value::NONE
        }
    }
}

fn set_annotate(vm: &Vm, m: Module, v: Value) -> Res<()> {
    if v.is_empty() {
        return Err(vm.type_error("cannot delete __annotate__ attribute"));
    }
    if !v.is_none() && !vm.is_callable(v) {
        return Err(vm.type_error("__annotate__ must be callable or None"));
    }
    let n = &rt().names;
    m.dict().set_str(n.annotate, v);
    if !v.is_none() {
        m.dict().remove_str(n.annotations);
    }
    Ok(())
}

/// A fresh module of exact type with this name, as `types.ModuleType(name)`.
pub fn new_module(name: &str) -> Module {
    let m = ModuleObj::with_map(rt().maps.module);
    let n = &rt().names;
    m.dict().set_str(n.name, intern(name));
    for key in [n.doc, n.package, n.loader, n.spec] {
        m.dict().set_str(key, Value::NONE);
    }
    m
}
