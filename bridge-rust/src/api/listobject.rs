//! `listobject.h`.

use std::ffi::c_int;

use cape_vm::Ptr;
use cape_vm::object::*;
use cape_vm::runtime::intern;

use super::layout;
use crate::enter::{Borrowed, CResult, Cx};

pub fn PyList_Sort(cx: &Cx, list: Borrowed) -> CResult<c_int> {
    let l: Ptr<ListObj> = layout(cx, list.get(cx)?)?;
    cx.vm.call_method(l.value(), intern("sort"), &[])?;
    Ok(0)
}
