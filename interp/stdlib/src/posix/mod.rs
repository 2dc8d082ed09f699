//! `posix`: what `os` is made from.

mod constants;
mod dirs;
mod env;
mod fd;
mod files;
mod ids;
mod names;
mod paths;
pub mod process;
mod scandir;
mod spawn;
mod stat;
mod system;

pub(crate) use files::{id_arg, id_int};

use cape_vm::object::ModuleObj;
use cape_vm::{Ptr, Res, Vm, rt};

/// The environment as an interpreter finds it.
pub(crate) fn renew(vm: &Vm, m: Ptr<ModuleObj>) -> Res<()> {
    env::renew(vm, m)
}

/// Fills the module.
pub fn init(vm: &Vm, m: Ptr<ModuleObj>) -> Res<()> {
    m.add("error", rt().types.os_error.value());
    constants::init(m);
    env::init(vm, m)?;
    stat::init(m);
    paths::init(m);
    dirs::init(m);
    fd::init(m);
    files::init(m);
    ids::init(m);
    names::init(m);
    process::init(m);
    scandir::init(m);
    spawn::init(m);
    system::init(m);
    Ok(())
}
