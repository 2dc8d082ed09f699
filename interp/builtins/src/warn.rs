//! Issuing warnings.

use cape_vm::object::{StrObj, TypeObj};
use cape_vm::{Ptr, Res, Value, Vm};

/// Issues a warning; raises it when filters say so.
pub fn warn(vm: &Vm, category: Ptr<TypeObj>, text: &str, stack_level: i64) -> Res<()> {
    let f = vm.import_attr("warnings", "warn")?;
    vm.call(f, &[StrObj::new(text).value(), category.value(), Value::int(stack_level)]).map(|_| ())
}
