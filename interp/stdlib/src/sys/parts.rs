//! `sys._jit` and other parts that Cape does not have: there, so that programs can ask, and clear in their answer.

use cape_vm::object::*;
use cape_vm::runtime::rt;
use cape_vm::{Ptr, Res, Value, Vm};

pub(super) fn init(_vm: &Vm, m: Ptr<ModuleObj>) -> Res<()> {
    m.function(
        "_clear_type_descriptors(type, /)",
        "Private function for clearing certain descriptors from a type's dictionary.",
        clear_descriptors,
    );
    let jit = part("sys._jit");
    jit.function(
        "is_available()",
        "Return True if the current Python executable supports JIT compilation.",
        |_: &Vm| false,
    )
    .function(
        "is_enabled()",
        "Return True if JIT compilation is enabled for the current Python process.",
        |_: &Vm| false,
    )
    .function(
        "is_active()",
        "Return True if the topmost Python frame is currently executing JIT code.",
        |_: &Vm| false,
    );
    m.add("_jit", jit.value());
    Ok(())
}

pub(super) fn part(name: &str) -> Ptr<ModuleObj> {
    crate::imp::new_module(name)
}

fn clear_descriptors(vm: &Vm, class: Ptr<TypeObj>) -> Res<()> {
    if class.has(TypeFlags::IMMUTABLE) {
        return Err(vm.type_error("argument is immutable"));
    }
    for n in [rt().names.dict, rt().names.weakref] {
        cape_vm::class::set_class_attribute(class, n, Value::EMPTY);
    }
    Ok(())
}
