//! `memoryobject.h`.

use std::ffi::{c_char, c_int};

use cape_builtins::memoryview::{MAX_NDIM, contiguous_copy, from_buffer};
use cape_vm::Value;
use cape_vm::buffer::{Buffer, RawBuffer, flags};

use crate::enter::{Borrowed, CResult, Cx, New};
use crate::layout::Py_buffer;

pub(super) fn memoryview(cx: &Cx, v: Value) -> CResult<Value> {
    Ok(cape_builtins::memoryview::new(cx.vm, v, flags::FULL_RO)?.value())
}

pub fn PyMemoryView_FromObject(cx: &Cx, base: Borrowed) -> CResult<New> {
    cx.give(memoryview(cx, base.get(cx)?)?)
}

/// The memory stays C's: the view is of it, in place.
pub fn PyMemoryView_FromMemory(cx: &Cx, mem: *mut c_char, size: isize, flags: c_int) -> CResult<New> {
    const WRITE: c_int = 0x200;
    let raw = RawBuffer::fixed(mem as *mut u8, size.max(0) as usize, flags != WRITE);
    cx.give(from_buffer(Buffer::new(Value::NONE, raw)).value())
}

/// As [`PyMemoryView_FromMemory`], of described memory; the description is copied.
pub fn PyMemoryView_FromBuffer(cx: &Cx, info: *const Py_buffer) -> CResult<New> {
    // SAFETY: the API demands a description.
    let (info, layout) = unsafe { (&*info, crate::buffer::layout_of(&*info)) };
    if info.buf.is_null() {
        return Err(cx.vm.value_error("PyMemoryView_FromBuffer(): info->buf must not be NULL"));
    }
    if layout.shape.len() > MAX_NDIM {
        return Err(cx.vm.value_error("memoryview: number of dimensions must not exceed 64"));
    }
    let mut raw = RawBuffer::fixed(info.buf as *mut u8, info.len as usize, info.readonly != 0);
    raw.layout = Some(Box::new(layout));
    cx.give(from_buffer(Buffer::new(Value::NONE, raw)).value())
}

/// A view of the memory if it is contiguous in that order, else, for reading, of a copy that is.
pub fn PyMemoryView_GetContiguous(cx: &Cx, base: Borrowed, kind: c_int, order: c_char) -> CResult<New> {
    const WRITE: c_int = 0x200;
    let m = memoryview(cx, base.get(cx)?)?;
    let is = |name: &str| cx.vm.get_attr_str(m, name).and_then(|v| cx.vm.truth(v));
    if kind == WRITE && is("readonly")? {
        return Err(cx.vm.buffer_error("underlying buffer is not writable"));
    }
    let (order, contiguous) = match order as u8 {
        b'F' => ("F", "f_contiguous"),
        b'A' => ("C", "contiguous"),
        _ => ("C", "c_contiguous"),
    };
    if is(contiguous)? {
        return cx.give(m);
    }
    if kind == WRITE {
        return Err(cx.vm.buffer_error("writable contiguous buffer requested for a non-contiguous object."));
    }
    cx.give(contiguous_copy(cx.vm, m, order == "F")?.value())
}
