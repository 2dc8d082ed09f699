//! `intrcheck.h`: what surrounds a fork that C makes.

use cape_stdlib::posix::process;

use crate::enter::{CResult, Cx};

pub fn PyOS_BeforeFork(cx: &Cx) -> CResult<()> {
    process::before_fork(cx.vm);
    Ok(())
}

pub fn PyOS_AfterFork_Parent(cx: &Cx) -> CResult<()> {
    process::after_fork_in_parent(cx.vm);
    Ok(())
}

pub fn PyOS_AfterFork_Child(cx: &Cx) -> CResult<()> {
    process::after_fork_in_child(cx.vm);
    Ok(())
}

pub fn PyOS_AfterFork(cx: &Cx) -> CResult<()> {
    PyOS_AfterFork_Child(cx)
}
