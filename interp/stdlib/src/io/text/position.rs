//! `tell` and `seek` of text streams: positions are cookies that say how to bring the decoder back.

use cape_vm::native::TypeBuilder;
use cape_vm::object::{BytesObj, Int, StrObj, int_value};
use cape_vm::{Ptr, Res, Value, Vm};
use num_bigint::{BigInt, Sign};
use num_traits::ToPrimitive;

use super::super::util::*;
use super::codec::Codec;
use super::read::{decode, decoder_state, reset_decoder, set_decoder_state};
use super::{Snapshot, TextObj, check_open};

pub(super) fn methods(b: TypeBuilder) -> TypeBuilder {
    b.method("tell($self, /)", "Return the stream position as an opaque number.", tell)
        .method("seek($self, cookie, whence=os.SEEK_SET, /)", "Set the stream position, and return the new one.", seek)
        .method("truncate($self, pos=None, /)", "", truncate)
}

/// A position: start there with these decoder flags, feed so many bytes, skip so many characters.
#[derive(Default)]
struct Cookie {
    start: u64,
    flags: u32,
    feed: u32,
    skip: u32,
    need_eof: bool,
}

impl Cookie {
    fn pack(&self) -> Value {
        let mut n = BigInt::from(self.need_eof as u8);
        for part in [self.skip, self.feed, self.flags] {
            n = (n << 32) | BigInt::from(part);
        }
        Int::Big((n << 64) | BigInt::from(self.start)).into_value()
    }

    fn unpack(vm: &Vm, n: BigInt) -> Res<Cookie> {
        let words = n.to_u32_digits().1;
        let at = |i: usize| words.get(i).copied().unwrap_or(0);
        if words.len() > 6 || at(5) > 0xff {
            return Err(vm.overflow_error("Python int too large to convert to C long"));
        }
        Ok(Cookie {
            start: at(0) as u64 | (at(1) as u64) << 32,
            flags: at(2),
            feed: at(3),
            skip: at(4),
            need_eof: at(5) != 0,
        })
    }
}

fn check_seekable(vm: &Vm, t: Ptr<TextObj>) -> Res<()> {
    if t.state().seekable { Ok(()) } else { Err(unsupported(vm, "underlying stream is not seekable")) }
}

fn tell(vm: &Vm, t: Ptr<TextObj>) -> Res<Value> {
    check_open(vm, t)?;
    check_seekable(vm, t)?;
    if !t.state().telling {
        return Err(vm.os_error("telling position disabled by next() call"));
    }
    super::write::write_pending(vm, t)?;
    call(vm, t.value(), "flush", &[])?;
    let p = call(vm, t.buffer.get(), "tell", &[])?;
    let Some(snapshot) = t.state().snapshot.clone() else { return Ok(p) };
    let position = offset(vm, p)? - snapshot.input.len() as i64;
    let skip = t.state().used;
    let flags = snapshot.flags.to_u32().unwrap_or(0);
    if skip == 0 {
        return Ok(Cookie { start: position as u64, flags, ..Cookie::default() }.pack());
    }
    if let Some(n) = bytes_of_chars(t, &snapshot, skip) {
        return Ok(int_value(position + n as i64));
    }
    let saved = decoder_state(vm, t)?;
    let r = find(vm, t, position, &snapshot, skip);
    set_decoder_state(vm, t, &saved.0, &saved.1)?;
    r.map(|c| c.pack())
}

/// How many bytes the first `n` characters of the chunk come from, when that is plain to see.
fn bytes_of_chars(t: Ptr<TextObj>, snapshot: &Snapshot, n: usize) -> Option<usize> {
    let (codec, _) = t.state().codec?;
    if snapshot.flags.sign() != Sign::NoSign
        || t.state().newlines.is_some() && memchr::memchr(b'\r', &snapshot.input).is_some()
    {
        return None;
    }
    if codec != Codec::Utf8 {
        return (n <= snapshot.input.len()).then_some(n);
    }
    let valid = match std::str::from_utf8(&snapshot.input) {
        Ok(s) => s,
        // SAFETY: from_utf8 has checked this prefix.
        Err(e) => unsafe { std::str::from_utf8_unchecked(&snapshot.input[..e.valid_up_to()]) },
    };
    match valid.char_indices().nth(n) {
        Some((i, _)) => Some(i),
        None => (valid.chars().count() == n).then_some(valid.len()),
    }
}

/// Decodes the chunk again byte by byte, looking for the last point before the position at which the decoder holds nothing back.
fn find(vm: &Vm, t: Ptr<TextObj>, position: i64, snapshot: &Snapshot, skip: usize) -> Res<Cookie> {
    set_decoder_state(vm, t, &[], &snapshot.flags)?;
    let mut c = Cookie {
        start: position as u64,
        flags: snapshot.flags.to_u32().unwrap_or(0),
        skip: skip as u32,
        ..Cookie::default()
    };
    let mut decoded = 0;
    for b in &snapshot.input {
        decoded += decode(vm, t, std::slice::from_ref(b), false)?.len() as u32;
        c.feed += 1;
        let (held, flags) = decoder_state(vm, t)?;
        if held.is_empty() && decoded <= c.skip {
            c.start += c.feed as u64;
            c.skip -= decoded;
            c.flags = flags.to_u32().unwrap_or(0);
            (c.feed, decoded) = (0, 0);
        }
        if decoded >= c.skip {
            return Ok(c);
        }
    }
    decoded += decode(vm, t, &[], true)?.len() as u32;
    c.need_eof = true;
    if decoded < c.skip {
        return Err(vm.os_error("can't reconstruct logical file position"));
    }
    Ok(c)
}

fn forget(t: Ptr<TextObj>) {
    t.decoded.set_no_barrier(Value::EMPTY);
    let s = t.state();
    s.used = 0;
    s.snapshot = None;
}

/// Tells the encoder whether it is at the start, where a byte order mark belongs.
fn reset_encoder(vm: &Vm, t: Ptr<TextObj>, at_start: bool) -> Res<()> {
    if t.encoder.get().is_empty() {
        return Ok(());
    }
    t.state().encoding_start = at_start;
    if at_start {
        call(vm, t.encoder.get(), "reset", &[]).map(drop)
    } else {
        call(vm, t.encoder.get(), "setstate", &[Value::int(0)]).map(drop)
    }
}

fn seek(vm: &Vm, t: Ptr<TextObj>, cookie: Value, whence: Option<i32>) -> Res<Value> {
    check_open(vm, t)?;
    check_seekable(vm, t)?;
    let mut cookie = cookie;
    match whence.unwrap_or(0) {
        0 => {}
        1 => {
            if !vm.eq(cookie, Value::int(0))? {
                return Err(unsupported(vm, "can't do nonzero cur-relative seeks"));
            }
            call(vm, t.value(), "flush", &[])?;
            cookie = call(vm, t.value(), "tell", &[])?;
        }
        2 => {
            if !vm.eq(cookie, Value::int(0))? {
                return Err(unsupported(vm, "can't do nonzero end-relative seeks"));
            }
            call(vm, t.value(), "flush", &[])?;
            forget(t);
            reset_decoder(vm, t)?;
            let r = call(vm, t.buffer.get(), "seek", &[Value::int(0), Value::int(2)])?;
            let at_start = vm.eq(r, Value::int(0))?;
            reset_encoder(vm, t, at_start)?;
            return Ok(r);
        }
        w => return Err(vm.value_error(format!("invalid whence ({w}, should be 0, 1 or 2)"))),
    }
    let n = vm.index_int(cookie)?.into_big();
    if n.sign() == Sign::Minus {
        return Err(vm.value_error(format!("negative seek position {}", vm.repr_str(cookie)?)));
    }
    call(vm, t.value(), "flush", &[])?;
    let c = Cookie::unpack(vm, n)?;
    call(vm, t.buffer.get(), "seek", &[cape_vm::object::uint_value(c.start)])?;
    forget(t);
    let at_start = c.start == 0 && c.flags == 0;
    let flags = BigInt::from(c.flags);
    if at_start {
        reset_decoder(vm, t)?;
    } else if t.state().readable {
        set_decoder_state(vm, t, &[], &flags)?;
    }
    if c.skip > 0 {
        let r = call(vm, t.buffer.get(), "read", &[Value::int(c.feed as i64)])?;
        let Some(input) = r.downcast::<BytesObj>() else {
            return Err(vm.type_error(format!(
                "underlying read() should have returned a bytes object, not '{}'",
                cape_vm::type_of(r).name_str()
            )));
        };
        t.state().snapshot = Some(Snapshot { flags, input: input.as_slice().to_vec() });
        let text: Ptr<StrObj> = decode(vm, t, input.as_slice(), c.need_eof)?;
        if text.len() < c.skip as usize {
            return Err(vm.os_error("can't restore logical file position"));
        }
        t.decoded.set(t, text.value());
        t.state().used = c.skip as usize;
    } else {
        t.state().snapshot = Some(Snapshot { flags, input: Vec::new() });
    }
    reset_encoder(vm, t, at_start)?;
    Ok(cookie)
}

fn truncate(vm: &Vm, t: Ptr<TextObj>, pos: Option<Value>) -> Res<Value> {
    super::check_attached(vm, t)?;
    call(vm, t.value(), "flush", &[])?;
    call(vm, t.buffer.get(), "truncate", &[pos.unwrap_or(Value::NONE)])
}
