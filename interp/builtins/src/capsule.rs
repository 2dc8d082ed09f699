//! The class of capsules, `types.CapsuleType`: C makes them, and their contents are C structs.

use cape_vm::foreign::ForeignObj;
use cape_vm::native::new_type;
use cape_vm::object::TypeFlags;
use cape_vm::runtime::StaticType;
use cape_vm::{Vm, rt};

/// `types.CapsuleType`.
pub static CAPSULE: StaticType = StaticType::new();

/// Completes the types of this file.
pub fn init(_vm: &Vm) {
    let base = rt().types.object;
    CAPSULE.set(new_type::<ForeignObj>("builtins.PyCapsule", base, TypeFlags::NO_INSTANTIATION).class());
}
