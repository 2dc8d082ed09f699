//! `_asyncio`: futures and tasks, which loop runs and which task, for the library's event loops.
//!
//! What the loops do is the library's, in Python: they are told of what is to be called (`call_soon`), and asked whether they debug.

mod awaited;
mod future;
mod iter;
mod known;
mod running;
mod step;
mod task;

use cape_vm::object::ModuleObj;
use cape_vm::{Ptr, Res, Vm, rt};

/// Makes the module importable.
pub fn register() {
    rt().add_native_module("_asyncio", init);
}

fn init(_: &Vm, m: Ptr<ModuleObj>) -> Res<()> {
    iter::init();
    future::init(m);
    task::init(m);
    running::init(m);
    awaited::init(m);
    Ok(())
}
