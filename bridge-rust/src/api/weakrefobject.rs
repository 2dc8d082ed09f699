//! `weakrefobject.h`.

use crate::enter::{Borrowed, CResult, Cx, New};

pub fn PyWeakref_NewRef(cx: &Cx, o: Borrowed, callback: Borrowed) -> CResult<New> {
    let class = cx.vm.import_attr("_weakref", "ref")?;
    let v = o.get(cx)?;
    match callback.opt(cx)?.filter(|c| !c.is_none()) {
        Some(c) => cx.give(cx.vm.call(class, &[v, c])?),
        None => cx.give(cx.vm.call(class, &[v])?),
    }
}
