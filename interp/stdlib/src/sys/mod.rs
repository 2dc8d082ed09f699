//! `sys`.

mod flags;
mod hooks;
mod info;
mod limits;
mod monitoring;
mod parts;
mod paths;

pub use flags::set_inspect;
pub use info::VERSION;
pub use limits::{begin_finalizing, cpu_count, dlopen_flags, is_finalizing};

use cape_vm::object::*;
use cape_vm::runtime::{intern, rt};
use cape_vm::{Ptr, Res, Value, Vm};

/// Makes the module and enters it in `sys.modules`; called once, before anything is imported.
pub fn start(vm: &Vm) -> Res<()> {
    let m = ModuleObj::with_map(rt().maps.module);
    let names = &rt().names;
    let d = m.dict();
    d.set_str(names.name, intern("sys"));
    d.set_str(
        names.doc,
        StrObj::new("This module provides access to some objects used or maintained by the\ninterpreter and to functions that interact strongly with the interpreter.").value(),
    );
    d.set_str(names.package, intern(""));
    d.set_str(names.loader, Value::NONE);
    d.set_str(names.spec, Value::NONE);
    enter(m);
    flags::init(vm, m)?;
    info::init(vm, m)?;
    hooks::init(vm, m)?;
    limits::init(vm, m)?;
    parts::init(vm, m)?;
    monitoring::init(vm, m)?;
    crate::contents::keep(vm, "sys", m);
    Ok(())
}

fn enter(m: Ptr<ModuleObj>) {
    rt().sys.set(m.dict().value());
    m.add("modules", rt().modules().value());
    rt().modules().set_str(intern("sys"), m.value());
}

/// Makes the module for a further interpreter, which runs.
pub fn start_further(vm: &Vm) -> Res<()> {
    let Some(m) = crate::contents::copy(vm, "sys")? else {
        return Err(vm.system_error("sys was not made"));
    };
    enter(m);
    flags::init(vm, m)?;
    paths::init(m);
    Ok(())
}

/// A list of strings.
pub(crate) fn str_list<S: AsRef<str>>(items: impl IntoIterator<Item = S>) -> Value {
    let mut v = ValueVec::new();
    for s in items {
        v.push(StrObj::new(s.as_ref()).value());
    }
    ListObj::from_vec(v).value()
}

/// An operating-system string as Python text: bytes that are no text become surrogates.
pub(crate) fn os_text(s: &std::ffi::OsStr) -> Ptr<StrObj> {
    use std::os::unix::ffi::OsStrExt;
    crate::fsname::decode(s.as_bytes())
}
