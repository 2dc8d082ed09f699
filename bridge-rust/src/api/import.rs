//! `import.h`.

use std::ffi::{c_char, c_int};

use cape_vm::Value;
use cape_vm::object::*;
use cape_vm::runtime::rt;

use super::{borrow, text, text_value};
use crate::enter::{Borrowed, BorrowedRef, CResult, Cx, New};

pub fn PyImport_AddModuleRef(cx: &Cx, name: *const c_char) -> CResult<New> {
    let n = text_value(cx, name)?;
    if let Some(m) = rt().modules().get(cx.vm, n)?
        && m.is::<ModuleObj>()
    {
        return cx.give(m);
    }
    let m = crate::module::new_module(n);
    rt().modules().set(cx.vm, n, m.value())?;
    cx.give(m.value())
}

pub fn PyImport_GetModule(cx: &Cx, name: Borrowed) -> CResult<New> {
    let name = name.get(cx)?;
    super::set_before(cx)?;
    let m = rt().modules().get(cx.vm, name)?;
    cx.give_opt(m.filter(|m| !m.is_none()))
}

pub fn PyImport_GetModuleDict(cx: &Cx) -> CResult<BorrowedRef> {
    borrow(cx, rt().modules().value())
}

pub fn PyImport_Import(cx: &Cx, name: Borrowed) -> CResult<New> {
    super::set_before(cx)?;
    let n = name.opt(cx)?.ok_or_else(|| cx.vm.system_error("NULL object passed to Py_BuildValue"))?;
    if !n.is::<StrObj>() {
        return Err(cx.vm.type_error("module name must be a string"));
    }
    let import = rt()
        .builtins()
        .get_str(rt().names.import)
        .ok_or_else(|| cx.vm.import_error("__import__ not found"))?;
    let globals = DictObj::new().value();
    let from = TupleObj::new(&[rt().names.doc]).value();
    cx.vm.call(import, &[n, globals, globals, from, Value::int(0)])?;
    let module = rt().modules().get(cx.vm, n)?;
    cx.give(module.ok_or_else(|| cx.vm.key_error_for(n))?)
}

pub fn PyImport_ImportModule(cx: &Cx, name: *const c_char) -> CResult<New> {
    let name = text(cx, name)?;
    super::set_before(cx)?;
    cx.give(cx.vm.import_module(&name)?)
}

pub fn PyImport_ImportModuleLevelObject(
    cx: &Cx,
    name: Borrowed,
    globals: Borrowed,
    locals: Borrowed,
    fromlist: Borrowed,
    level: c_int,
) -> CResult<New> {
    let n = name.opt(cx)?.ok_or_else(|| cx.vm.value_error("Empty module name"))?;
    super::set_before(cx)?;
    if !n.is::<StrObj>() {
        return Err(cx.vm.type_error("module name must be a string"));
    }
    if level < 0 {
        return Err(cx.vm.value_error("level must be >= 0"));
    }
    let import = rt()
        .builtins()
        .get_str(rt().names.import)
        .ok_or_else(|| cx.vm.import_error("__import__ not found"))?;
    let or_none = |v: Option<Value>| v.unwrap_or(Value::NONE);
    let from = fromlist.opt(cx)?.unwrap_or(TupleObj::new(&[]).value());
    let args = [n, or_none(globals.opt(cx)?), or_none(locals.opt(cx)?), from, Value::int(level as i64)];
    cx.give(cx.vm.call(import, &args)?)
}
