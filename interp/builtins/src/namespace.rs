//! `types.SimpleNamespace`.

use cape_heap::{Field, Header, heap};
use cape_vm::native::extend;
use cape_vm::object::*;
use cape_vm::ops::Cmp;
use cape_vm::runtime::{intern, rt, type_of};
use cape_vm::{Ptr, Res, Value, Vm};

/// Completes the type.
pub fn init(_vm: &Vm) {
    extend(rt().types.simple_namespace)
        .doc("A simple attribute-based namespace.")
        .new_fn("__new__(cls, *args, **kwargs)", "Create and return a new object.", new)
        .method("__init__($self, mapping_or_iterable=(), /, **kwargs)", "Initialize self.", init_fields)
        .method("__repr__($self, /)", "Return repr(self).", repr)
        .method("__eq__($self, value, /)", "Return self==value.", |vm: &Vm, a: Value, b: Value| compare(vm, a, b, Cmp::Eq))
        .method("__ne__($self, value, /)", "Return self!=value.", |vm: &Vm, a: Value, b: Value| compare(vm, a, b, Cmp::Ne))
        .method("__reduce__($self, /)", "Return state information for pickling", reduce)
        .method("__replace__($self, /, **changes)", "Return a copy of the namespace object with new values for the specified attributes.", replace)
        .getter("__dict__", "The namespace.", |_: &Vm, n: Ptr<NamespaceObj>| n.dict.get())
        .attribute("__hash__", Value::NONE);
}

fn dict(n: Ptr<NamespaceObj>) -> Ptr<DictObj> {
    n.dict.downcast().expect("a namespace's dict")
}

fn new(_vm: &Vm, class: Ptr<TypeObj>, _args: Ptr<TupleObj>, _kw: Ptr<DictObj>) -> Ptr<NamespaceObj> {
    let map = class.instance_map();
    let d = DictObj::new();
    heap().alloc(map, NamespaceObj { header: Header::new(map), dict: Field::new(d.value()) })
}

fn init_fields(vm: &Vm, n: Ptr<NamespaceObj>, from: Option<Value>, kw: Ptr<DictObj>) -> Res<()> {
    if let Some(f) = from {
        let d = vm.call(rt().types.dict.value(), &[f])?.downcast::<DictObj>().expect("a dict");
        for e in d.table.iter() {
            if !e.key.is::<StrObj>() {
                return Err(vm.type_error("keywords must be strings"));
            }
        }
        vm.dict_update(dict(n), d.value())?;
    }
    vm.dict_update(dict(n), kw.value())
}

fn repr(vm: &Vm, n: Ptr<NamespaceObj>) -> Res<String> {
    let class = type_of(n.value());
    let name = if class == rt().types.simple_namespace { "namespace".to_string() } else { class.name_str() };
    if !vm.repr_enter(n.value()) {
        return Ok(format!("{name}(...)"));
    }
    let r = (|| {
        let mut parts = Vec::new();
        let copy = dict(n).copy();
        for e in copy.table.iter() {
            if let Some(k) = e.key.downcast::<StrObj>().filter(|k| !k.is_empty()) {
                parts.push(format!("{}={}", k.display(), vm.repr_str(e.value)?));
            }
        }
        Ok(format!("{name}({})", parts.join(", ")))
    })();
    vm.repr_leave(n.value());
    r
}

fn compare(vm: &Vm, a: Value, b: Value, c: Cmp) -> Res<Value> {
    match (a.downcast::<NamespaceObj>(), b.downcast::<NamespaceObj>()) {
        (Some(x), Some(y)) => vm.compare(x.dict.get(), y.dict.get(), c),
        _ => Ok(Value::NOT_IMPLEMENTED),
    }
}

fn reduce(_vm: &Vm, n: Ptr<NamespaceObj>) -> Value {
    TupleObj::new(&[type_of(n.value()).value(), rt().empty_tuple().value(), n.dict.get()]).value()
}

fn replace(vm: &Vm, n: Ptr<NamespaceObj>, changes: Ptr<DictObj>) -> Res<Value> {
    let class = type_of(n.value());
    let r = vm.call(class.value(), &[])?;
    if !r.is::<NamespaceObj>() {
        let (class, got) = (cape_vm::class::qualified_name(class), cape_vm::class::qualified_name(type_of(r)));
        return Err(vm.type_error(format!(
            "expect types.SimpleNamespace type, but {class}() returned '{got}' object"
        )));
    }
    let target = vm.get_attr(r, intern("__dict__"))?.downcast::<DictObj>().expect("a namespace's dict");
    vm.dict_update(target, n.dict.get())?;
    vm.dict_update(target, changes.value())?;
    Ok(r)
}
