//! `_sysconfig`: how the interpreter was built.

use cape_vm::object::*;
use cape_vm::{Ptr, Res, Value, Vm, intern};

/// Fills the module.
pub fn init(_vm: &Vm, m: Ptr<ModuleObj>) -> Res<()> {
    m.function(
        "config_vars($module, /)",
        "Returns a dictionary containing all build variables intended to be exposed by sysconfig.",
        |_: &Vm| {
            let d = DictObj::new();
            d.set_str(intern("Py_GIL_DISABLED"), Value::int(0));
            d.set_str(intern("Py_DEBUG"), Value::int(0));
            d
        },
    );
    Ok(())
}
