//! `context.h`.

use std::ffi::c_int;

use crate::enter::{Borrowed, CResult, Cx};

pub fn PyContext_Enter(cx: &Cx, context: Borrowed) -> CResult<c_int> {
    cape_stdlib::contextvars::switch(cx.vm, context.get(cx)?, false)?;
    Ok(0)
}

pub fn PyContext_Exit(cx: &Cx, context: Borrowed) -> CResult<c_int> {
    cape_stdlib::contextvars::switch(cx.vm, context.get(cx)?, true)?;
    Ok(0)
}
