//! `weakrefobject.h`: what makes references. Those that read them are C's: bridge-c/weakrefobject.c.

use cape_builtins::weakref;
use cape_vm::Value;

use crate::enter::{Borrowed, CResult, Cx, New};

/// The callback of a new reference; EMPTY for none.
fn callback(cx: &Cx, c: Borrowed) -> CResult<Value> {
    Ok(c.opt(cx)?.filter(|c| !c.is_none()).unwrap_or(Value::EMPTY))
}

pub fn PyWeakref_NewRef(cx: &Cx, o: Borrowed, c: Borrowed) -> CResult<New> {
    cx.give(weakref::make(cx.vm, weakref::REF.get(), o.get(cx)?, callback(cx, c)?)?)
}

pub fn PyWeakref_NewProxy(cx: &Cx, o: Borrowed, c: Borrowed) -> CResult<New> {
    cx.give(weakref::proxy(cx.vm, o.get(cx)?, callback(cx, c)?)?)
}
