//! `genericaliasobject.h`.

use crate::enter::{Borrowed, CResult, Cx, New};

pub fn Py_GenericAlias(cx: &Cx, origin: Borrowed, args: Borrowed) -> CResult<New> {
    cx.give(cx.vm.call_generic_alias(origin.get(cx)?, args.get(cx)?)?)
}
