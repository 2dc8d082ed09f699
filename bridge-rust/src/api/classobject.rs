//! `classobject.h`.

use cape_vm::object::*;

use crate::enter::{Borrowed, CResult, Cx, New};

pub fn PyMethod_New(cx: &Cx, func: Borrowed, this: Borrowed) -> CResult<New> {
    let (f, s) = (func.get(cx)?, this.opt(cx)?.ok_or_else(|| super::bad_call(cx))?);
    cx.give(BoundMethodObj::new(f, s).value())
}
