//! `setobject.h`.

use std::ffi::c_int;

use cape_vm::Ptr;
use cape_vm::object::*;
use cape_vm::runtime::{rt, type_of};

use super::{bad_call, layout};
use crate::enter::{Borrowed, CResult, Cx, New};

fn make(cx: &Cx, items: Borrowed, map: cape_heap::MapRef) -> CResult<New> {
    let s = SetObj::with_map(map);
    if let Some(v) = items.opt(cx)? {
        if !v.is::<SetObj>() && !v.is::<DictObj>() {
            super::set_before(cx)?;
        }
        cape_builtins::set::update(cx.vm, s, v)?;
    }
    cx.give(s.value())
}

pub fn PySet_New(cx: &Cx, items: Borrowed) -> CResult<New> {
    make(cx, items, rt().maps.set)
}

pub fn PyFrozenSet_New(cx: &Cx, items: Borrowed) -> CResult<New> {
    make(cx, items, rt().maps.frozenset)
}

fn any(cx: &Cx, s: Borrowed) -> CResult<Ptr<SetObj>> {
    if s.is_null() {
        return Err(bad_call(cx));
    }
    layout(cx, s.get(cx)?)
}

fn set(cx: &Cx, s: Borrowed) -> CResult<Ptr<SetObj>> {
    let s = any(cx, s)?;
    if type_of(s.value()).is_subtype(rt().types.set) { Ok(s) } else { Err(bad_call(cx)) }
}

pub fn PySet_Add(cx: &Cx, s: Borrowed, k: Borrowed) -> CResult<c_int> {
    // A frozenset may be filled while nobody else has it.
    any(cx, s)?.add(cx.vm, k.get(cx)?)?;
    Ok(0)
}

pub fn PySet_Clear(cx: &Cx, s: Borrowed) -> CResult<c_int> {
    let s = set(cx, s)?;
    s.table.clear(s.header());
    Ok(0)
}

pub fn PySet_Contains(cx: &Cx, s: Borrowed, k: Borrowed) -> CResult<c_int> {
    Ok(any(cx, s)?.contains(cx.vm, k.get(cx)?)? as c_int)
}

pub fn PySet_Discard(cx: &Cx, s: Borrowed, k: Borrowed) -> CResult<c_int> {
    Ok(set(cx, s)?.discard(cx.vm, k.get(cx)?)? as c_int)
}

pub fn PySet_Pop(cx: &Cx, s: Borrowed) -> CResult<New> {
    let s = set(cx, s)?;
    match s.table.next_entry(0) {
        Some((i, e)) => {
            s.table.remove_at(i);
            cx.give(e.key)
        }
        None => Err(cx.vm.key_error("pop from an empty set")),
    }
}
