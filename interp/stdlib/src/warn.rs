//! Issuing warnings and reporting exceptions that nobody can catch.

use cape_vm::object::{StrObj, TypeObj};
use cape_vm::{Ptr, Raised, Res, Value, Vm, rt};

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
    let _ = vm.call_unraisable_hook(&e, Value::NONE, object);
}

/// As [`unraisable`], with the message that is shown before the object.
pub fn unraisable_message(vm: &Vm, e: Raised, object: Value, message: &str) {
    let _ = vm.call_unraisable_hook(&e, StrObj::new(message).value(), object);
}
