//! The reading side of buffered streams.

use cape_vm::native::TypeBuilder;
use cape_vm::object::BytesObj;
use cape_vm::{Ptr, Res, Value, Vm, rt, type_of};

use super::*;


pub(super) fn methods(b: TypeBuilder) -> TypeBuilder {
    b.method("read($self, size=-1, /)", "", read)
        .method("read1($self, size=-1, /)", "", read1)
        .method("peek($self, size=0, /)", "", peek)
        .method("readinto($self, buffer, /)", "", |vm: &Vm, b: Ptr<BufferedObj>, t: Value| read_into(vm, b, t, false))
        .method("readinto1($self, buffer, /)", "", |vm: &Vm, b: Ptr<BufferedObj>, t: Value| read_into(vm, b, t, true))
        .method("readline($self, size=-1, /)", "", readline)
        .method("readable($self, /)", "", |vm: &Vm, b: Ptr<BufferedObj>| raw_call(vm, b, "readable"))
        .method("flush($self, /)", "", |vm: &Vm, b: Ptr<BufferedObj>| raw_call(vm, b, "flush"))
        .method("__next__($self, /)", "Implement next(self).", next)
}

/// Fills the empty buffer by one raw read; `None` when nothing is to be had now. The stream is locked.
pub fn fill(vm: &Vm, b: Ptr<BufferedObj>) -> Res<Option<usize>> {
    let s = b.state();
    debug_assert!(s.ahead() == 0 && s.pending() == 0);
    s.forget_read();
    let (p, n) = (s.buf.as_mut_ptr(), s.buf.len());
    let got = raw_read(vm, b, p, n)?;
    if let Some(k) = got {
        b.state().end = k;
    }
    Ok(got)
}

fn read(vm: &Vm, b: Ptr<BufferedObj>, size: Size) -> Res<Value> {
    check_ready(vm, b)?;
    if size.0 < -1 {
        return Err(vm.value_error("read length must be non-negative or -1"));
    }
    check_open(vm, b, "read of closed file")?;
    let Some(n) = size.limit() else {
        let _lock = Lock::take(vm, b)?;
        return read_all(vm, b);
    };
    let s = b.state();
    if n <= s.ahead() && b.owner.get() == 0 {
        return Ok(BytesObj::new(s.take(n)).value());
    }
    let _lock = Lock::take(vm, b)?;
    read_exactly(vm, b, n)
}

/// Reads until `n` bytes, the end, or until nothing is to be had without blocking.
fn read_exactly(vm: &Vm, b: Ptr<BufferedObj>, n: usize) -> Res<Value> {
    settle(vm, b, true)?;
    let mut out: Vec<u8> = Vec::new();
    out.try_reserve_exact(n).map_err(|_| vm.new_exc_args(rt().types.memory_error, &[]))?;
    out.extend_from_slice(b.state().take(n));
    let size = b.state().buf.len();
    while out.len() < n {
        let left = n - out.len();
        let got = if left >= size {
            // Whole buffers go past the buffer.
            let want = left - left % size;
            b.state().forget_read();
            // SAFETY: n bytes are reserved, out.len() of them used.
            let p = unsafe { out.as_mut_ptr().add(out.len()) };
            let got = raw_read(vm, b, p, want)?;
            // SAFETY: the raw read has filled that many bytes.
            unsafe { out.set_len(out.len() + got.unwrap_or(0)) };
            got
        } else {
            let got = fill(vm, b)?;
            out.extend_from_slice(b.state().take(left));
            got
        };
        match got {
            None if out.is_empty() => return Ok(Value::NONE),
            None | Some(0) => break,
            Some(_) => {}
        }
    }
    Ok(BytesObj::new(&out).value())
}

fn read_all(vm: &Vm, b: Ptr<BufferedObj>) -> Res<Value> {
    settle(vm, b, true)?;
    let s = b.state();
    let mut out = s.take(usize::MAX).to_vec();
    s.forget_read();
    let rest = if let Some(f) = b.file() {
        b.state().raw_pos = -1;
        fileio::readall(vm, f)?
    } else if let Some(f) = vm.get_attr_opt(b.raw.get(), cape_vm::intern("readall"))? {
        b.state().raw_pos = -1;
        let r = vm.call(f, &[])?;
        if !r.is_none() && !r.is::<BytesObj>() {
            return Err(vm.type_error("readall() should return bytes"));
        }
        r
    } else {
        loop {
            let r = call(vm, b.raw.get(), "read", &[])?;
            if r.is_none() {
                break r;
            }
            let Some(d) = r.downcast::<BytesObj>() else {
                return Err(vm.type_error("read() should return bytes"));
            };
            if d.is_empty() {
                break r;
            }
            out.extend_from_slice(d.as_slice());
            let s = b.state();
            if s.raw_pos != -1 {
                s.raw_pos += d.len() as i64;
            }
        }
    };
    match rest.downcast::<BytesObj>() {
        None if out.is_empty() => Ok(Value::NONE),
        None => Ok(BytesObj::new(&out).value()),
        Some(_) if out.is_empty() && type_of(rest) == rt().types.bytes => Ok(rest),
        Some(d) => {
            out.extend_from_slice(d.as_slice());
            Ok(BytesObj::new(&out).value())
        }
    }
}

fn read1(vm: &Vm, b: Ptr<BufferedObj>, size: Option<isize>) -> Res<Value> {
    let mut out = Vec::new();
    read1_bytes(vm, b, size.unwrap_or(-1), &mut out)?;
    Ok(BytesObj::new(&out).value())
}

/// `read1` into a native vector: what is there, or one raw read.
pub fn read1_bytes(vm: &Vm, b: Ptr<BufferedObj>, size: isize, out: &mut Vec<u8>) -> Res<()> {
    check_ready(vm, b)?;
    check_open(vm, b, "read of closed file")?;
    let n = usize::try_from(size).unwrap_or(b.state().buf.len());
    if n == 0 {
        return Ok(());
    }
    if b.owner.get() == 0 && b.state().ahead() > 0 {
        out.extend_from_slice(b.state().take(n));
        return Ok(());
    }
    let _lock = Lock::take(vm, b)?;
    settle(vm, b, true)?;
    if b.state().ahead() > 0 {
        out.extend_from_slice(b.state().take(n));
        return Ok(());
    }
    b.state().forget_read();
    out.reserve(n);
    // SAFETY: n bytes are reserved behind the length.
    let p = unsafe { out.as_mut_ptr().add(out.len()) };
    let got = raw_read(vm, b, p, n)?.unwrap_or(0);
    // SAFETY: the raw read has filled that many bytes.
    unsafe { out.set_len(out.len() + got) };
    Ok(())
}

fn peek(vm: &Vm, b: Ptr<BufferedObj>, _size: Option<isize>) -> Res<Value> {
    check_ready(vm, b)?;
    check_open(vm, b, "peek of closed file")?;
    let _lock = Lock::take(vm, b)?;
    settle(vm, b, true)?;
    if b.state().ahead() == 0 {
        fill(vm, b)?;
    }
    let s = b.state();
    Ok(BytesObj::new(&s.buf[s.pos..s.end]).value())
}

fn read_into(vm: &Vm, b: Ptr<BufferedObj>, target: Value, once: bool) -> Res<Option<usize>> {
    check_ready(vm, b)?;
    let t = vm.writable_bytes(target, if once { "readinto1() argument" } else { "readinto() argument" })?;
    check_open(vm, b, "readinto of closed file")?;
    let n = t.len();
    if n == 0 {
        return Ok(Some(0));
    }
    let _lock = Lock::take(vm, b)?;
    settle(vm, b, true)?;
    let mut done = 0;
    let take = |done: &mut usize| {
        let s = b.state();
        let part = s.take(n - *done);
        // SAFETY: the target has n bytes, and does not overlap the buffer.
        unsafe { std::ptr::copy_nonoverlapping(part.as_ptr(), t.address().add(*done), part.len()) };
        *done += part.len();
    };
    take(&mut done);
    while done < n {
        if once && done > 0 && n - done <= b.state().buf.len() {
            break;
        }
        let got = if n - done > b.state().buf.len() {
            b.state().forget_read();
            // SAFETY: inside the target.
            let got = raw_read(vm, b, unsafe { t.address().add(done) }, n - done)?;
            done += got.unwrap_or(0);
            got
        } else {
            let got = fill(vm, b)?;
            take(&mut done);
            got
        };
        match got {
            None if done == 0 => return Ok(None),
            None | Some(0) => break,
            Some(_) if once => break,
            Some(_) => {}
        }
    }
    Ok(Some(done))
}

fn readline(vm: &Vm, b: Ptr<BufferedObj>, size: Size) -> Res<Value> {
    check_ready(vm, b)?;
    read_line(vm, b, size.limit())
}

/// One line, of at most `limit` bytes.
fn read_line(vm: &Vm, b: Ptr<BufferedObj>, limit: Option<usize>) -> Res<Value> {
    check_open(vm, b, "readline of closed file")?;
    let s = b.state();
    let window = &s.buf[s.pos..s.pos + limit.map_or(s.ahead(), |n| n.min(s.ahead()))];
    let found = memchr::memchr(b'\n', window).map(|i| i + 1);
    if let Some(n) = found.or_else(|| limit.filter(|&n| n == window.len()))
        && b.owner.get() == 0
    {
        return Ok(BytesObj::new(s.take(n)).value());
    }
    let _lock = Lock::take(vm, b)?;
    settle(vm, b, true)?;
    let mut out: Vec<u8> = Vec::new();
    loop {
        let s = b.state();
        let left = limit.map_or(usize::MAX, |n| n - out.len());
        let window = &s.buf[s.pos..s.pos + s.ahead().min(left)];
        let n = memchr::memchr(b'\n', window).map(|i| i + 1);
        let part = s.take(n.unwrap_or(left));
        out.extend_from_slice(part);
        if n.is_some() || limit == Some(out.len()) {
            break;
        }
        if fill(vm, b)?.unwrap_or(0) == 0 {
            break;
        }
    }
    Ok(BytesObj::new(&out).value())
}

fn next(vm: &Vm, b: Ptr<BufferedObj>) -> Res<Value> {
    check_ready(vm, b)?;
    let t = type_of(b.value());
    let line = if t == READER.get() || t == RANDOM.get() {
        read_line(vm, b, None)?
    } else {
        let r = call(vm, b.value(), "readline", &[])?;
        if !r.is::<BytesObj>() {
            return Err(vm.os_error(format!(
                "readline() should have returned a bytes object, not '{}'",
                type_of(r).name_str()
            )));
        }
        r
    };
    Ok(if line.downcast::<BytesObj>().is_some_and(|l| l.is_empty()) { Value::EMPTY } else { line })
}
