//! `iterobject.h`.

use cape_vm::object::*;
use cape_vm::runtime::rt;

use crate::enter::{Borrowed, CResult, Cx, New};

pub fn PySeqIter_New(cx: &Cx, seq: Borrowed) -> CResult<New> {
    let v = seq.get(cx)?;
    cx.give(SeqIterObj::with_map(rt().maps.seq_iterator, v).value())
}
