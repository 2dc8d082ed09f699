//! Native functions and the native descriptors of class dictionaries.

use cape_vm::class::full_name;
use cape_vm::foreign::foreign;
use cape_vm::native::{Flavour, MethodDef, extend};
use cape_vm::object::{
    BuiltinObj, GetSetObj, MemberObj, MethodDescrObj, ModuleObj, StrObj, TupleObj, TypeObj,
};
use cape_vm::{Ptr, Res, Value, Vm, rt, type_of};

use crate::function::{call, check_get, or_none, reduce_to_getattr};
use crate::object::qualname_of;

pub use crate::mappingproxy::mapping_proxy;

const CALL: (&str, &str) = ("__call__($self, /, *args, **kwargs)", "Call self as a function.");
const REPR: (&str, &str) = ("__repr__($self, /)", "Return repr(self).");
const GET: (&str, &str) =
    ("__get__($self, instance, owner=None, /)", "Return an attribute of instance, which is of type owner.");

/// Completes the types of this file.
pub fn init(_vm: &Vm) {
    let t = &rt().types;
    for c in [t.builtin_function, t.method_wrapper] {
        extend(c)
            .method(CALL.0, CALL.1, call)
            .method(REPR.0, REPR.1, builtin_repr)
            .method(
                "__eq__($self, value, /)",
                "Return self==value.",
                |vm: &Vm, a: Ptr<BuiltinObj>, b: Value| builtin_eq(vm, a, b, true),
            )
            .method(
                "__ne__($self, value, /)",
                "Return self!=value.",
                |vm: &Vm, a: Ptr<BuiltinObj>, b: Value| builtin_eq(vm, a, b, false),
            )
            .method("__hash__($self, /)", "Return hash(self).", |vm: &Vm, b: Ptr<BuiltinObj>| -> i64 {
                let def = b.def as *const MethodDef as i64;
                let this = if b.this.get().is_empty() { 0 } else { vm.identity_hash(b.this.get()) };
                match this ^ def >> 4 {
                    -1 => -2,
                    h => h,
                }
            })
            .method("__reduce__($self, /)", "", builtin_reduce)
            .getter("__name__", "", |_: &Vm, b: Ptr<BuiltinObj>| b.def.name)
            .getter("__qualname__", "", |_: &Vm, b: Ptr<BuiltinObj>| builtin_qualname(b))
            .getter("__doc__", "", |_: &Vm, b: Ptr<BuiltinObj>| doc(b.def))
            .getter("__text_signature__", "", |_: &Vm, b: Ptr<BuiltinObj>| signature(b.def))
            .getter("__self__", "", |_: &Vm, b: Ptr<BuiltinObj>| {
                // Static methods have their class there, which they are not called with.
                let hidden = b.def.flavour == Flavour::Static && b.def.name != "__new__";
                if hidden { Value::NONE } else { or_none(b.this.get()) }
            });
    }
    extend(t.builtin_function).getset(
        "__module__",
        "",
        |_: &Vm, b: Ptr<BuiltinObj>| or_none(b.module.get()),
        |_: &Vm, b: Ptr<BuiltinObj>, v: Value| b.module.set(b, or_none(v)),
    );
    extend(t.method_wrapper).getter("__objclass__", "", |_: &Vm, b: Ptr<BuiltinObj>| b.class.get());
    for c in [t.method_descriptor, t.wrapper_descriptor, t.classmethod_descriptor] {
        extend(c)
            .method(CALL.0, CALL.1, call)
            .method(GET.0, GET.1, method_get)
            .method(REPR.0, REPR.1, method_repr)
            .method("__reduce__($self, /)", "", |vm: &Vm, d: Ptr<MethodDescrObj>| -> Res<Value> {
                if d.header().map() == rt().maps.classmethod_descriptor {
                    return Err(vm.type_error("cannot pickle 'classmethod_descriptor' object"));
                }
                reduce_to_getattr(vm, d.class.get(), d.def.name)
            })
            .getter("__name__", "", |_: &Vm, d: Ptr<MethodDescrObj>| d.def.name)
            .getter("__qualname__", "", |_: &Vm, d: Ptr<MethodDescrObj>| qualname(d.class.get(), d.def.name))
            .getter("__objclass__", "", |_: &Vm, d: Ptr<MethodDescrObj>| d.class.get())
            .getter("__doc__", "", |_: &Vm, d: Ptr<MethodDescrObj>| doc(d.def))
            .getter("__text_signature__", "", |_: &Vm, d: Ptr<MethodDescrObj>| signature(d.def));
    }
    attribute_descriptors();
}

fn attribute_descriptors() {
    let t = &rt().types;
    for c in [t.getset_descriptor, t.member_descriptor] {
        extend(c)
            .method(GET.0, GET.1, attribute_get)
            .method(
                "__set__($self, instance, value, /)",
                "Set an attribute of instance to value.",
                |vm: &Vm, d: Value, o: Value, v: Value| vm.descr_set(d, o, parts(d).0, v),
            )
            .method(
                "__delete__($self, instance, /)",
                "Delete an attribute of instance.",
                |vm: &Vm, d: Value, o: Value| vm.descr_set(d, o, parts(d).0, Value::EMPTY),
            )
            .method(REPR.0, REPR.1, attribute_repr)
            .method("__reduce__($self, /)", "", |vm: &Vm, d: Value| {
                let (name, class) = parts(d);
                reduce_to_getattr(vm, class, &text(name))
            })
            .getter("__name__", "", |_: &Vm, d: Value| parts(d).0)
            .getter("__objclass__", "", |_: &Vm, d: Value| parts(d).1)
            .getter("__qualname__", "", |_: &Vm, d: Value| {
                let (name, class) = parts(d);
                qualname(class, &text(name))
            })
            .getter("__doc__", "", |_: &Vm, d: Value| {
                let def = d.downcast::<GetSetObj>()?.def;
                match def.raw {
                    Some(_) => foreign().attribute_doc(def),
                    None => (!def.doc.is_empty()).then(|| def.doc.to_string()),
                }
            });
    }
}

fn text(v: Value) -> String {
    v.downcast::<StrObj>().map(|s| s.display()).unwrap_or_default()
}

/// Name and class of a getset or member descriptor.
fn parts(d: Value) -> (Value, Value) {
    match (d.downcast::<GetSetObj>(), d.downcast::<MemberObj>()) {
        (Some(g), _) => (rt().intern(g.def.name), g.class.get()),
        (_, Some(m)) => (m.name.get(), m.class.get()),
        _ => (Value::NONE, Value::NONE),
    }
}

fn qualname(class: Value, name: &str) -> String {
    match class.downcast::<TypeObj>() {
        Some(c) => format!("{}.{name}", qualname_of(c)),
        None => name.to_string(),
    }
}

/// A function's docstring. NumPy writes those of its functions when it is imported: C's are asked for when they are wanted.
fn doc(def: &'static MethodDef) -> Option<String> {
    let written = def.raw.and_then(|_| foreign().method_doc(def));
    written.or_else(|| (!def.doc.is_empty()).then(|| def.doc.to_string()))
}

/// `__text_signature__`: as declared; the receiver of functions and constructors is what CPython calls it.
pub fn signature(def: &'static MethodDef) -> Option<String> {
    let s = def.signature;
    if s.is_empty() {
        return None;
    }
    if def.name == "__new__" {
        return Some("($type, *args, **kwargs)".into());
    }
    if def.flavour != Flavour::Function || s.starts_with("($module") {
        return Some(s.to_string());
    }
    Some(if s == "()" { "($module, /)".into() } else { format!("($module, {}", &s[1..]) })
}

/// The object a native function is bound to, when that is not its module.
fn bound_to(b: Ptr<BuiltinObj>) -> Option<Value> {
    let v = b.this.get();
    (!v.is_empty() && !v.is::<ModuleObj>()).then_some(v)
}

fn builtin_repr(vm: &Vm, b: Ptr<BuiltinObj>) -> String {
    let name = b.def.name;
    match bound_to(b) {
        None => format!("<built-in function {name}>"),
        Some(v) => {
            let what = if b.header().map() == rt().maps.method_wrapper {
                "method-wrapper"
            } else {
                "built-in method"
            };
            let quote = if what == "method-wrapper" { "'" } else { "" };
            format!("<{what} {quote}{name}{quote} of {} object at {:#x}>", full_name(type_of(v)), vm.id(v))
        }
    }
}

fn builtin_qualname(b: Ptr<BuiltinObj>) -> String {
    let name = b.def.name;
    match bound_to(b) {
        None => name.to_string(),
        Some(v) => {
            let t = match v.downcast::<TypeObj>() {
                Some(t) if b.header().map() != rt().maps.method_wrapper => t,
                _ => type_of(v),
            };
            format!("{}.{name}", qualname_of(t))
        }
    }
}

fn builtin_eq(vm: &Vm, a: Ptr<BuiltinObj>, b: Value, equal: bool) -> Value {
    let Some(o) = b.downcast::<BuiltinObj>() else { return Value::NOT_IMPLEMENTED };
    if a.header().map() != o.header().map() {
        return Value::NOT_IMPLEMENTED;
    }
    let same = std::ptr::eq(a.def, o.def) && vm.is(a.this.get(), o.this.get());
    Value::bool(same == equal)
}

fn builtin_reduce(vm: &Vm, b: Ptr<BuiltinObj>) -> Res<Value> {
    match bound_to(b) {
        None => Ok(rt().intern(b.def.name)),
        Some(v) => reduce_to_getattr(vm, v, b.def.name),
    }
}

fn method_get(vm: &Vm, d: Ptr<MethodDescrObj>, obj: Value, owner: Value) -> Res<Value> {
    let class: Ptr<TypeObj> =
        d.class.downcast().ok_or_else(|| vm.type_error("a descriptor without class"))?;
    let name = d.def.name;
    if d.header().map() == rt().maps.classmethod_descriptor {
        let owner = if !or_none(owner).is_none() {
            owner
        } else if obj.is_none() {
            return Err(vm.type_error(format!(
                "descriptor '{name}' for type '{}' needs either an object or a type",
                full_name(class)
            )));
        } else {
            type_of(obj).value()
        };
        let Some(t) = owner.downcast::<TypeObj>() else {
            return Err(vm.type_error(format!(
                "descriptor '{name}' for type '{}' needs a type, not a '{}' as arg 2",
                full_name(class),
                full_name(type_of(owner))
            )));
        };
        if !t.is_subtype(class) {
            return Err(vm.type_error(format!(
                "descriptor '{name}' requires a subtype of '{}' but received '{}'",
                full_name(class),
                full_name(t)
            )));
        }
        return vm.descr_get(d.value(), Value::EMPTY, t);
    }
    check_get(vm, obj, owner)?;
    if obj.is_none() && !or_none(owner).is_none() && owner != type_of(obj).value() {
        return Ok(d.value());
    }
    vm.check_descr_owner(class.value(), obj, name)?;
    vm.descr_get(d.value(), obj, type_of(obj))
}

fn method_repr(_vm: &Vm, d: Ptr<MethodDescrObj>) -> String {
    let what = if d.header().map() == rt().maps.wrapper_descriptor { "slot wrapper" } else { "method" };
    let class = d.class.downcast::<TypeObj>().map(full_name).unwrap_or_default();
    format!("<{what} '{}' of '{class}' objects>", d.def.name)
}

fn attribute_get(vm: &Vm, d: Value, obj: Value, owner: Value) -> Res<Value> {
    check_get(vm, obj, owner)?;
    if obj.is_none() && owner != type_of(obj).value() {
        return Ok(d);
    }
    vm.descr_get(d, obj, type_of(obj))
}

fn attribute_repr(_vm: &Vm, d: Value) -> String {
    let what = if type_of(d) == rt().types.member_descriptor { "member" } else { "attribute" };
    let (name, class) = parts(d);
    let class = class.downcast::<TypeObj>().map(full_name).unwrap_or_default();
    format!("<{what} '{}' of '{class}' objects>", text(name))
}

/// A tuple of two values.
pub fn pair(a: Value, b: Value) -> Value {
    TupleObj::new(&[a, b]).value()
}
