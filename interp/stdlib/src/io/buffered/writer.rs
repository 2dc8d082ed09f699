//! The writing side of buffered streams.

use cape_vm::native::TypeBuilder;
use cape_vm::{Ptr, Res, Vm, rt};

use super::*;
use cape_vm::buffer::Buffer;

pub(super) fn methods(b: TypeBuilder) -> TypeBuilder {
    b.method("write($self, buffer, /)", "Write buffer b to the IO stream.", |vm: &Vm,
                                                                             b: Ptr<BufferedObj>,
                                                                             data: Buffer| {
        check_ready(vm, b)?;
        write_bytes(vm, b, data.as_slice())
    })
    .method("flush($self, /)", "", flush)
    .method("writable($self, /)", "", |vm: &Vm, b: Ptr<BufferedObj>| raw_call(vm, b, "writable"))
}

/// `flush()`: writes what is pending, and puts the raw stream where the reader is.
pub fn flush(vm: &Vm, b: Ptr<BufferedObj>) -> Res<()> {
    check_open(vm, b, "flush of closed file")?;
    let _lock = Lock::take(vm, b)?;
    flush_locked(vm, b)?;
    if b.state().readable {
        rewind(vm, b)?;
    }
    Ok(())
}

/// Writes what is pending; BlockingIOError when the raw stream does not take it all.
pub(super) fn flush_locked(vm: &Vm, b: Ptr<BufferedObj>) -> Res<()> {
    loop {
        let s = b.state();
        if s.pending() == 0 {
            (s.wstart, s.wend) = (0, 0);
            return Ok(());
        }
        // SAFETY: inside the buffer, which stays in place while the stream is locked.
        let p = unsafe { s.buf.as_ptr().add(s.wstart) };
        let n = s.pending();
        match raw_write(vm, b, p, n)? {
            None => return Err(would_block(vm, 0)),
            Some(k) => b.state().wstart += k,
        }
        if b.state().pending() > 0 {
            vm.poll()?;
        }
    }
}

/// Takes bytes for writing. `data` must stay in place and unchanged.
pub fn write_bytes(vm: &Vm, b: Ptr<BufferedObj>, data: &[u8]) -> Res<usize> {
    check_ready(vm, b)?;
    // Another thread may have the lock while it closes the stream.
    let _lock = Lock::take(vm, b)?;
    check_open(vm, b, "write to closed file")?;
    settle(vm, b, false)?;
    let s = b.state();
    if data.len() <= s.buf.len() - s.wend {
        s.buf[s.wend..s.wend + data.len()].copy_from_slice(data);
        s.wend += data.len();
        return Ok(data.len());
    }
    if let Err(e) = flush_locked(vm, b) {
        if !e.is(rt().types.blocking_io_error) {
            return Err(e);
        }
        // What the raw stream does not take now may still fit.
        let s = b.state();
        s.buf.copy_within(s.wstart..s.wend, 0);
        (s.wstart, s.wend) = (0, s.pending());
        let room = (s.buf.len() - s.wend).min(data.len());
        s.buf[s.wend..s.wend + room].copy_from_slice(&data[..room]);
        s.wend += room;
        return if room == data.len() { Ok(room) } else { Err(would_block(vm, room)) };
    }
    let size = b.state().buf.len();
    let mut done = 0;
    while data.len() - done > size {
        match raw_write(vm, b, data[done..].as_ptr(), data.len() - done)? {
            Some(k) => {
                done += k;
                vm.poll()?;
            }
            None => {
                let s = b.state();
                s.buf.copy_from_slice(&data[done..done + size]);
                (s.wstart, s.wend) = (0, size);
                return Err(would_block(vm, done + size));
            }
        }
    }
    let s = b.state();
    let rest = &data[done..];
    s.buf[..rest.len()].copy_from_slice(rest);
    (s.wstart, s.wend) = (0, rest.len());
    Ok(data.len())
}
