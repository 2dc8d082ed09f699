//! `_sha1`.

use cape_vm::object::*;
use cape_vm::runtime::StaticType;
use cape_vm::{Ptr, Res, Value, Vm};

use crate::hashes::{self, Algorithm, GIL_MINSIZE, State};

/// SHA-1
pub static SHA1: Algorithm = Algorithm { name: "sha1", size: 20, block: 64, start: State::fixed::<sha1::Sha1> };
static TYPE: StaticType = StaticType::new();

/// Fills the module.
pub fn init(_vm: &Vm, m: Ptr<ModuleObj>) -> Res<()> {
    TYPE.set(hashes::make_type("_sha1.sha1", TypeFlags::NO_INSTANTIATION, false).class());
    m.add("SHA1Type", TYPE.get().value()).add("_GIL_MINSIZE", Value::int(GIL_MINSIZE)).function(
        "sha1($module, /, data=b'', *, usedforsecurity=True, string=None)",
        "Return a new SHA1 hash object; optionally initialized with a string.",
        |vm: &Vm, data: Option<Value>, _security: Value, string: Option<Value>| {
            hashes::start(vm, TYPE.get(), &SHA1, data, string)
        },
    );
    Ok(())
}
