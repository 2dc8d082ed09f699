//! `listobject.h`.

use std::ffi::c_int;

use cape_vm::object::*;
use cape_vm::{Ptr, Value};

use super::{bad_call, layout};
use crate::enter::{Borrowed, CResult, Cx};

pub fn PyList_Sort(cx: &Cx, list: Borrowed) -> CResult<c_int> {
    let l: Ptr<ListObj> = layout(cx, list.opt(cx)?.ok_or_else(|| bad_call(cx))?)?;
    cape_builtins::sort::sort(cx.vm, l, Value::EMPTY, None)?;
    Ok(0)
}

#[cfg(feature = "twins")]
pub use super::twins::{
    PyList_Append, PyList_AsTuple, PyList_GetItem, PyList_GetItemRef, PyList_GetSlice, PyList_Insert,
    PyList_New, PyList_SetItem, PyList_Size,
};
