//! `memoryobject.h`.

use std::ffi::{c_char, c_int};

use cape_vm::Value;
use cape_vm::object::*;
use cape_vm::runtime::{intern, rt};

use crate::enter::{Borrowed, CResult, Cx, New};

fn memoryview(cx: &Cx, v: Value) -> CResult<Value> {
    let class = rt().builtins().get_str(intern("memoryview")).ok_or_else(|| cx.vm.missing("memoryview"))?;
    cx.vm.call(class, &[v])
}

pub fn PyMemoryView_FromObject(cx: &Cx, base: Borrowed) -> CResult<New> {
    cx.give(memoryview(cx, base.get(cx)?)?)
}

/// Memory that C owns cannot be viewed in place yet.
pub fn PyMemoryView_FromMemory(cx: &Cx, mem: *mut c_char, size: isize, flags: c_int) -> CResult<New> {
    const READ: c_int = 0x100;
    if flags != READ {
        return Err(cx.vm.missing("PyMemoryView_FromMemory() of writable memory"));
    }
    // SAFETY: the API demands that many readable bytes.
    let data = unsafe { std::slice::from_raw_parts(mem as *const u8, size.max(0) as usize) };
    let b = BytesObj::new(data).value();
    cx.give(memoryview(cx, b)?)
}

pub fn PyMemoryView_GetContiguous(cx: &Cx, base: Borrowed, _kind: c_int, _order: c_char) -> CResult<New> {
    let m = memoryview(cx, base.get(cx)?)?;
    let contiguous = cx.vm.get_attr_str(m, "contiguous")?;
    if cx.vm.truth(contiguous)? {
        return cx.give(m);
    }
    let b = cx.vm.call_method(m, intern("tobytes"), &[])?;
    cx.give(memoryview(cx, b)?)
}
