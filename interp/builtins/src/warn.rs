//! Issuing warnings, and reporting exceptions that nobody can catch.

use cape_vm::object::{StrObj, TypeObj};
use cape_vm::{Ptr, Raised, Res, Value, Vm};

/// Issues a warning; raises it when filters say so.
pub fn warn(vm: &Vm, category: Ptr<TypeObj>, text: &str, stack_level: i64) -> Res<()> {
    let f = vm.import_attr("warnings", "warn")?;
    vm.call(f, &[StrObj::new(text).value(), category.value(), Value::int(stack_level)]).map(|_| ())
}

/// As [`warn`], with the object that the warning is about.
pub fn warn_about(vm: &Vm, category: Ptr<TypeObj>, text: &str, source: Value) -> Res<()> {
    let f = vm.import_attr("warnings", "warn")?;
    vm.call(f, &[StrObj::new(text).value(), category.value(), Value::int(1), source]).map(|_| ())
}

/// Reports an exception that was raised while doing something with `object`.
pub fn ignored(vm: &Vm, e: Raised, doing: &str, object: Value) {
    let what = vm.repr_str(object).unwrap_or_else(|_| "<object repr() failed>".to_string());
    unraisable(vm, e, &format!("Exception ignored while {doing} {what}"));
}

/// Reports an exception through `sys.unraisablehook`, which is given the message.
pub fn unraisable(vm: &Vm, e: Raised, message: &str) {
    vm.report_unraisable(e, message)
}
