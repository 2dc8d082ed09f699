//! `range`.

use cape_vm::Vm;

/// Completes the types of this file.
pub fn init(_vm: &Vm) {}
