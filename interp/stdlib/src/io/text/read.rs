//! The reading side of text streams.

use cape_vm::native::TypeBuilder;
use cape_vm::object::{BytesObj, Int, StrBuilder, StrKind, StrObj, TupleObj, int_value};
use cape_vm::{Ptr, Res, Value, Vm, rt, type_of};
use num_bigint::BigInt;

use super::super::buffered::read1_bytes;
use super::super::util::*;
use super::write::write_pending;
use super::{Snapshot, TEXT_IO, TextObj, check_attached, check_open, codec};

pub(super) fn methods(b: TypeBuilder) -> TypeBuilder {
    b.method("read($self, size=-1, /)", "", read)
        .method("readline($self, size=-1, /)", "", readline)
        .method("__next__($self, /)", "Implement next(self).", next)
}

/// The decoder's buffered bytes and flags; the newline decoder's part included.
pub(super) fn decoder_state(vm: &Vm, t: Ptr<TextObj>) -> Res<(Vec<u8>, BigInt)> {
    let (held, mut flags) = match t.state().codec {
        Some(_) => (t.state().held.clone(), BigInt::ZERO),
        None => {
            let s = call(vm, t.decoder.get(), "getstate", &[])?;
            let bad = || vm.type_error("illegal decoder state");
            let p: Ptr<TupleObj> = s.downcast().ok_or_else(bad)?;
            if p.len() != 2 {
                return Err(bad());
            }
            let Some(b) = p.get(0).downcast::<BytesObj>() else {
                return Err(vm.type_error(format!(
                    "illegal decoder state: the first item should be a bytes object, not '{}'",
                    type_of(p.get(0)).name_str()
                )));
            };
            let flags = Int::of(p.get(1)).ok_or_else(bad)?.into_big();
            (b.as_slice().to_vec(), flags)
        }
    };
    if let Some(n) = t.state().newlines {
        flags = (flags << 1) | BigInt::from(n.pending_cr as u8);
    }
    Ok((held, flags))
}

/// Puts the decoder into a state that [`decoder_state`] gave.
pub(super) fn set_decoder_state(vm: &Vm, t: Ptr<TextObj>, held: &[u8], flags: &BigInt) -> Res<()> {
    let mut flags = flags.clone();
    if let Some(n) = &mut t.state().newlines {
        n.pending_cr = flags.bit(0);
        flags >>= 1;
    }
    if t.state().codec.is_some() {
        t.state().held = held.to_vec();
        return Ok(());
    }
    let state = TupleObj::new(&[BytesObj::new(held).value(), Int::Big(flags).into_value()]);
    call(vm, t.decoder.get(), "setstate", &[state.value()]).map(drop)
}

/// Puts the decoder into its first state.
pub(super) fn reset_decoder(vm: &Vm, t: Ptr<TextObj>) -> Res<()> {
    let s = t.state();
    s.held.clear();
    if let Some(n) = &mut s.newlines {
        n.pending_cr = false;
    }
    if !t.decoder.get().is_empty() {
        call(vm, t.decoder.get(), "reset", &[])?;
    }
    Ok(())
}

/// Decodes the next bytes, newlines included.
pub(super) fn decode(vm: &Vm, t: Ptr<TextObj>, piece: &[u8], last: bool) -> Res<Ptr<StrObj>> {
    let text = match t.state().codec {
        Some((c, errors)) => codec::decode(vm, c, errors, &mut t.state().held, piece, last)?,
        None => {
            let args = [BytesObj::new(piece).value(), Value::bool(last)];
            let r = call(vm, t.decoder.get(), "decode", &args)?;
            match r.downcast::<StrObj>() {
                Some(s) => s,
                None => {
                    return Err(vm.type_error(format!(
                        "decoder should return a string result, not '{}'",
                        type_of(r).name_str()
                    )));
                }
            }
        }
    };
    Ok(match &mut t.state().newlines {
        Some(n) => n.decode(text, last),
        None => text,
    })
}

fn check_readable(vm: &Vm, t: Ptr<TextObj>) -> Res<()> {
    if t.state().readable { Ok(()) } else { Err(unsupported(vm, "not readable")) }
}

/// Reads and decodes the next chunk into `decoded`; false at the end.
pub(super) fn read_chunk(vm: &Vm, t: Ptr<TextObj>, hint: usize) -> Res<bool> {
    check_readable(vm, t)?;
    let before = if t.state().telling { Some(decoder_state(vm, t)?) } else { None };
    let size = t.state().chunk_size.max(hint);
    let mut input = Vec::new();
    if t.state().has_read1
        && let Some(b) = t.direct()
    {
        read1_bytes(vm, b, size as isize, &mut input)?;
    } else {
        let method = if t.state().has_read1 { "read1" } else { "read" };
        let r = call(vm, t.buffer.get(), method, &[int_value(size as i64)])?;
        if !vm.has_buffer(r) {
            return Err(vm.type_error(format!(
                "underlying {method}() should have returned a bytes-like object, not '{}'",
                type_of(r).name_str()
            )));
        }
        input = vm.bytes_like(r)?.as_slice().to_vec();
    }
    let eof = input.is_empty();
    let text = decode(vm, t, &input, eof)?;
    t.decoded.set(t, text.value());
    let s = t.state();
    s.used = 0;
    if let Some((mut held, flags)) = before {
        held.extend_from_slice(&input);
        s.snapshot = Some(Snapshot { flags, input: held });
    }
    Ok(!eof || !text.is_empty())
}

/// Takes at most `n` characters (all of them when `None`) of what is decoded.
fn take(t: Ptr<TextObj>, n: Option<usize>) -> Ptr<StrObj> {
    let Some(d) = t.decoded.downcast::<StrObj>() else { return rt().empty_str() };
    let s = t.state();
    let left = d.len() - s.used;
    let n = n.map_or(left, |n| n.min(left));
    let r = if s.used == 0 && n == d.len() { d } else { d.substring(s.used, s.used + n) };
    s.used += n;
    r
}

fn read(vm: &Vm, t: Ptr<TextObj>, size: Size) -> Res<Value> {
    check_open(vm, t)?;
    check_readable(vm, t)?;
    write_pending(vm, t)?;
    let Some(n) = size.limit() else { return read_all(vm, t) };
    let mut got = take(t, Some(n));
    if got.len() == n {
        return Ok(got.value());
    }
    let mut out = StrBuilder::with_capacity(n.min(1 << 16));
    loop {
        out.push_obj(&got);
        let left = n - out.len();
        if left == 0 || !read_chunk(vm, t, left)? {
            break;
        }
        got = take(t, Some(left));
    }
    Ok(out.finish().value())
}

fn read_all(vm: &Vm, t: Ptr<TextObj>) -> Res<Value> {
    let bytes = call(vm, t.buffer.get(), "read", &[])?;
    if bytes.is_none() {
        return Err(would_block(vm));
    }
    if !vm.has_buffer(bytes) {
        return Err(vm.type_error(format!(
            "underlying read() should have returned a bytes-like object, not '{}'",
            type_of(bytes).name_str()
        )));
    }
    let data = vm.bytes_like(bytes)?;
    let rest = decode(vm, t, data.as_slice(), true)?;
    let first = take(t, None);
    t.decoded.set_no_barrier(Value::EMPTY);
    let s = t.state();
    s.used = 0;
    s.snapshot = None;
    if first.is_empty() {
        return Ok(rest.value());
    }
    Ok(StrObj::concat(first, rest).value())
}

#[cold]
fn would_block(vm: &Vm) -> cape_vm::Raised {
    vm.blocking_io_error("Read returned None.")
}

fn readline(vm: &Vm, t: Ptr<TextObj>, size: Size) -> Res<Value> {
    check_attached(vm, t)?;
    Ok(read_line(vm, t, size.limit())?.value())
}

/// The end (exclusive) of the line that begins at `from`, when it is in `d`; else how many characters need not be looked at again.
fn line_end(d: &StrObj, from: usize, ends: Option<&str>) -> Result<usize, usize> {
    let n = d.len();
    match ends {
        Some("\n") if d.kind() == StrKind::One => {
            memchr::memchr(b'\n', &d.data1()[from..]).map(|i| from + i + 1).ok_or(n)
        }
        Some(e) if e.len() == 1 => {
            let c = e.as_bytes()[0] as u32;
            match d.kind() {
                StrKind::One => {
                    memchr::memchr(c as u8, &d.data1()[from..]).map(|i| from + i + 1).ok_or(n)
                }
                StrKind::Two => {
                    d.data2()[from..].iter().position(|&x| x as u32 == c).map(|i| from + i + 1).ok_or(n)
                }
                StrKind::Four => {
                    d.data4()[from..].iter().position(|&x| x == c).map(|i| from + i + 1).ok_or(n)
                }
            }
        }
        Some(_) => match (from..n).find(|&i| d.char_at(i) == 13 && i + 1 < n && d.char_at(i + 1) == 10) {
            Some(i) => Ok(i + 2),
            None if n > from && d.char_at(n - 1) == 13 => Err(n - 1),
            None => Err(n),
        },
        // The newline decoder keeps a `\r` at the end back, so a pair is never torn.
        None => match (from..n).find(|&i| matches!(d.char_at(i), 10 | 13)) {
            Some(i) if d.char_at(i) == 13 && i + 1 < n && d.char_at(i + 1) == 10 => Ok(i + 2),
            Some(i) => Ok(i + 1),
            None => Err(n),
        },
    }
}

/// One line, of at most `limit` characters.
pub(super) fn read_line(vm: &Vm, t: Ptr<TextObj>, limit: Option<usize>) -> Res<Ptr<StrObj>> {
    check_open(vm, t)?;
    if !t.state().pending.is_empty() {
        write_pending(vm, t)?;
    }
    let ends = t.state().line_ends;
    // The common case: the line is all there.
    if let Some(d) = t.decoded.downcast::<StrObj>() {
        let s = t.state();
        if let Ok(end) = line_end(&d, s.used, ends) {
            let end = limit.map_or(end, |n| end.min(s.used.saturating_add(n)));
            let line = d.substring(s.used, end);
            s.used = end;
            return Ok(line);
        }
    }
    // Chunks without a line ending, joined; `rest` is a part that a `\r\n` may straddle.
    let mut out = StrBuilder::new();
    let mut carry: Option<Ptr<StrObj>> = None;
    loop {
        let fresh = match t.decoded.downcast::<StrObj>() {
            Some(d) if t.state().used < d.len() => true,
            _ => read_chunk_until_text(vm, t)?,
        };
        if !fresh {
            t.decoded.set_no_barrier(Value::EMPTY);
            t.state().used = 0;
            t.state().snapshot = None;
            if let Some(c) = carry {
                out.push_obj(&c);
            }
            break;
        }
        let chunk: Ptr<StrObj> = t.decoded.downcast().expect("just read");
        let used = t.state().used;
        let (d, from, shift) = match carry.take() {
            None => (chunk, used, 0),
            Some(c) => (StrObj::concat(c, chunk.substring(used, chunk.len())), 0, c.len()),
        };
        let room = limit.map_or(usize::MAX, |n| n - out.len());
        // A position in d corresponds to `used - shift` characters further on in the chunk.
        let in_chunk = |end: usize| if shift == 0 { end } else { used + end - shift };
        match line_end(&d, from, ends) {
            Ok(end) if end - from <= room => {
                out.push_obj(&d.substring(from, end));
                t.state().used = in_chunk(end);
                break;
            }
            Err(_) if d.len() - from < room => {
                let keep = line_end(&d, from, ends).unwrap_err();
                out.push_obj(&d.substring(from, keep));
                carry = (keep < d.len()).then(|| d.substring(keep, d.len()));
                t.state().used = chunk.len();
            }
            _ => {
                let end = from + room;
                out.push_obj(&d.substring(from, end));
                t.state().used = in_chunk(end.max(shift));
                break;
            }
        }
    }
    Ok(out.finish())
}

/// Reads chunks until one has text; false at the end.
fn read_chunk_until_text(vm: &Vm, t: Ptr<TextObj>) -> Res<bool> {
    while read_chunk(vm, t, 0)? {
        if t.decoded.downcast::<StrObj>().is_some_and(|d| !d.is_empty()) {
            return Ok(true);
        }
    }
    Ok(false)
}

fn next(vm: &Vm, t: Ptr<TextObj>) -> Res<Value> {
    check_attached(vm, t)?;
    t.state().telling = false;
    let line = if type_of(t.value()) == TEXT_IO.get() {
        read_line(vm, t, None)?
    } else {
        let r = call(vm, t.value(), "readline", &[])?;
        match r.downcast::<StrObj>() {
            Some(l) => l,
            None => {
                return Err(vm.os_error(format!(
                    "readline() should have returned a str object, not '{}'",
                    type_of(r).name_str()
                )));
            }
        }
    };
    if line.is_empty() {
        t.state().snapshot = None;
        t.state().telling = t.state().seekable;
        return Ok(Value::EMPTY);
    }
    Ok(line.value())
}
