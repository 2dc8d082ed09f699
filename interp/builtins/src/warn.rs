//! Issuing warnings.

use cape_vm::object::{StrObj, TypeObj};
use cape_vm::{Ptr, Res, Value, Vm};

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
