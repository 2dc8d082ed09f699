//! `posix`: what `os` is made from.

mod constants;
mod dirs;
mod env;
mod fd;
mod paths;
mod stat;

use cape_vm::object::ModuleObj;
use cape_vm::{Ptr, Res, Vm, rt};

/// Fills the module.
pub fn init(vm: &Vm, m: Ptr<ModuleObj>) -> Res<()> {
    m.add("error", rt().types.os_error.value());
    constants::init(m);
    env::init(vm, m)?;
    stat::init(m);
    paths::init(m);
    dirs::init(m);
    fd::init(m);
    Ok(())
}
