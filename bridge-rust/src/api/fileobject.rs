//! `fileobject.h`: the rest is C's, in bridge-c/fileobject.c.

use std::ffi::c_int;

use crate::enter::{CResult, Cx, New};

pub fn PyFile_NewStdPrinter(cx: &Cx, fd: c_int) -> CResult<New> {
    if fd != libc::STDOUT_FILENO && fd != libc::STDERR_FILENO {
        // It is for the streams of the process, which may be closed.
        return Err(super::bad_call(cx));
    }
    cx.give(cape_stdlib::stdprinter::new(fd))
}
