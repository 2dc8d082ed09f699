//! Issuing warnings and reporting exceptions that nobody can catch.

use cape_vm::object::{NamespaceObj, StrObj, TypeObj};
use cape_vm::{Ptr, Raised, Res, Value, Vm, intern, rt, type_of};

/// `warnings.warn(message, category, stacklevel)`.
pub fn warn(vm: &Vm, category: Ptr<TypeObj>, message: &str, stacklevel: i64) -> Res<()> {
    warn_source(vm, category, message, stacklevel, Value::NONE)
}

/// As [`warn`], with the object that the warning is about.
pub fn warn_source(
    vm: &Vm,
    category: Ptr<TypeObj>,
    message: &str,
    stacklevel: i64,
    source: Value,
) -> Res<()> {
    let module = if rt().native_module("_warnings").is_some() { "_warnings" } else { "warnings" };
    let f = vm.import_attr(module, "warn")?;
    let args = [StrObj::new(message).value(), category.value(), Value::int(stacklevel), source];
    vm.call(f, &args).map(drop)
}

/// Reports an exception through `sys.unraisablehook`; `object` is what it came from.
pub fn unraisable(vm: &Vm, e: Raised, object: Value) {
    report(vm, e, object, Value::NONE)
}

/// As [`unraisable`], with the message that is shown before the object.
pub fn unraisable_message(vm: &Vm, e: Raised, object: Value, message: &str) {
    report(vm, e, object, StrObj::new(message).value())
}

fn report(vm: &Vm, e: Raised, object: Value, message: Value) {
    let Some(hook) = rt().sys().get_str(rt().names.unraisablehook) else { return };
    let Ok(ns) = vm.import_attr("types", "SimpleNamespace") else { return };
    let Ok(args) = vm.call(ns, &[]) else { return };
    let fields = [
        ("exc_type", type_of(e.value()).value()),
        ("exc_value", e.value()),
        ("exc_traceback", e.exc().traceback.get()),
        ("err_msg", message),
        ("object", object),
    ];
    debug_assert!(args.is::<NamespaceObj>());
    for (name, v) in fields {
        if vm.set_attr(args, intern(name), v).is_err() {
            return;
        }
    }
    let _ = vm.call(hook, &[args]);
}
