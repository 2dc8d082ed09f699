//! `memoryview`.

use cape_vm::{Res, Value, Vm};

/// Completes the types of this file.
pub fn init(_vm: &Vm) {}

/// `__buffer__` of the builtin types.
pub fn buffer_method(vm: &Vm, _: Value, _: i32) -> Res<Value> {
    Err(vm.missing("memoryview"))
}

/// `__release_buffer__` of `bytearray`.
pub fn release_buffer_method(_: &Vm, _: Value, _: Value) {}

/// Releases the memory that dead views hold.
pub fn release_dead() {}
