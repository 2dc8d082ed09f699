//! `_md5`.

use cape_vm::object::*;
use cape_vm::runtime::StaticType;
use cape_vm::{Ptr, Res, Value, Vm};

use crate::hashes::{self, Algorithm, GIL_MINSIZE, State};

/// MD5
pub static MD5: Algorithm = Algorithm { name: "md5", size: 16, block: 64, start: State::fixed::<md5::Md5> };
static TYPE: StaticType = StaticType::new();

/// Fills the module.
pub fn init(_vm: &Vm, m: Ptr<ModuleObj>) -> Res<()> {
    TYPE.set(hashes::make_type("_md5.md5", TypeFlags::NO_INSTANTIATION, false).class());
    m.add("MD5Type", TYPE.get().value()).add("_GIL_MINSIZE", Value::int(GIL_MINSIZE)).function(
        "md5($module, /, data=b'', *, usedforsecurity=True, string=None)",
        "Return a new MD5 hash object; optionally initialized with a string.",
        |vm: &Vm, data: Option<Value>, _security: Value, string: Option<Value>| {
            hashes::start(vm, TYPE.get(), &MD5, data, string)
        },
    );
    Ok(())
}
