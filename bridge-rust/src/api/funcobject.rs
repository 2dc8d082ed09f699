//! `funcobject.h`.

use cape_vm::class::{class_method, static_method};

use crate::enter::{Borrowed, CResult, Cx, New};

pub fn PyClassMethod_New(cx: &Cx, f: Borrowed) -> CResult<New> {
    cx.give(class_method(f.get(cx)?))
}

pub fn PyStaticMethod_New(cx: &Cx, f: Borrowed) -> CResult<New> {
    cx.give(static_method(f.get(cx)?))
}
