//! `moduleobject.h`.

use cape_vm::Ptr;
use cape_vm::object::*;
use cape_vm::runtime::rt;

use crate::enter::{Borrowed, CResult, Cx, New};

fn module(cx: &Cx, m: Borrowed) -> CResult<Ptr<ModuleObj>> {
    match m.get(cx)?.downcast() {
        Some(m) => Ok(m),
        None => Err(cx.vm.type_error("bad argument type for built-in operation")),
    }
}

pub fn PyModule_NewObject(cx: &Cx, name: Borrowed) -> CResult<New> {
    cx.give(crate::module::new_module(name.get(cx)?).value())
}

pub fn PyModule_GetNameObject(cx: &Cx, m: Borrowed) -> CResult<New> {
    match module(cx, m)?.get(rt().names.name).filter(|n| n.is::<StrObj>()) {
        Some(n) => cx.give(n),
        None => Err(cx.vm.system_error("nameless module")),
    }
}

pub fn PyModule_GetFilenameObject(cx: &Cx, m: Borrowed) -> CResult<New> {
    match module(cx, m)?.get(rt().names.file).filter(|n| n.is::<StrObj>()) {
        Some(n) => cx.give(n),
        None => Err(cx.vm.system_error("module filename missing")),
    }
}
