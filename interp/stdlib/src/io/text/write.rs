//! The writing side of text streams.

use cape_vm::native::TypeBuilder;
use cape_vm::object::{BytesObj, StrObj};
use cape_vm::{Ptr, Res, Value, Vm, type_of};

use super::super::buffered::{self, write_bytes};
use super::super::util::*;
use super::{TextObj, check_attached, check_open, codec};

pub(super) fn methods(b: TypeBuilder) -> TypeBuilder {
    b.method("write($self, text, /)", "", write).method("flush($self, /)", "", flush)
}

fn write(vm: &Vm, t: Ptr<TextObj>, text: Value) -> Res<usize> {
    let Some(s) = text.downcast::<StrObj>() else {
        return Err(vm.type_error(format!("write() argument must be str, not {}", type_of(text).name_str())));
    };
    write_text(vm, t, s)
}

/// `stream.write(text)`.
pub fn write_text(vm: &Vm, t: Ptr<TextObj>, text: Ptr<StrObj>) -> Res<usize> {
    check_open(vm, t)?;
    if !t.state().writable {
        return Err(unsupported(vm, "not writable"));
    }
    let n = text.len();
    let s = t.state();
    let has_lf = (s.line_buffering || s.write_as.is_some()) && text.chars().any(|c| c == 10);
    let flush_after = s.line_buffering && (has_lf || text.chars().any(|c| c == 13));
    let out = match s.write_as.filter(|_| has_lf) {
        None => text,
        Some(nl) => {
            let mut b = cape_vm::object::StrBuilder::with_capacity(text.len() + 8);
            for c in text.chars() {
                if c == 10 { b.push_str(nl) } else { b.push(c) }
            }
            b.finish()
        }
    };
    // Everything pending goes out before a large text, what the buffer writes here meanwhile, too: texts arrive in their order.
    while !t.state().pending.is_empty() && t.state().pending.len() + out.len() > t.state().chunk_size {
        write_pending(vm, t)?;
    }
    match t.state().codec {
        Some((c, errors)) => codec::encode(vm, c, errors, out, &mut t.state().pending)?,
        None => {
            let e = call(vm, t.encoder.get(), "encode", &[out.value()])?;
            let Some(b) = e.downcast::<BytesObj>() else {
                return Err(vm.type_error(format!(
                    "encoder should return a bytes object, not '{}'",
                    type_of(e).name_str()
                )));
            };
            t.state().pending.extend_from_slice(b.as_slice());
            t.state().encoding_start = false;
        }
    }
    let s = t.state();
    if s.pending.len() >= s.chunk_size || s.write_through || flush_after {
        write_pending(vm, t)?;
    }
    if flush_after {
        call(vm, t.buffer.get(), "flush", &[])?;
    }
    forget_read(vm, t)?;
    Ok(n)
}

/// Writing makes what was read ahead worthless.
fn forget_read(vm: &Vm, t: Ptr<TextObj>) -> Res<()> {
    let s = t.state();
    if s.snapshot.is_none() && !s.seekable {
        // Reader and writer have nothing to do with each other.
        return Ok(());
    }
    t.decoded.set_no_barrier(Value::EMPTY);
    if s.used == 0 && s.snapshot.is_none() && s.held.is_empty() && t.decoder.get().is_empty() {
        return Ok(());
    }
    s.used = 0;
    s.snapshot = None;
    super::read::reset_decoder(vm, t)
}

/// Hands what is encoded to the buffer.
pub(super) fn write_pending(vm: &Vm, t: Ptr<TextObj>) -> Res<()> {
    if t.state().pending.is_empty() {
        return Ok(());
    }
    let data = std::mem::take(&mut t.state().pending);
    if let Some(b) = t.direct() {
        let r = buffered::check_ready(vm, b).and_then(|()| write_bytes(vm, b, &data));
        recycle(t, data);
        return r.map(drop);
    }
    let bytes = BytesObj::new(&data).value();
    recycle(t, data);
    loop {
        match call(vm, t.buffer.get(), "write", &[bytes]) {
            Err(e) if e.is(cape_vm::rt().types.interrupted_error) => vm.poll()?,
            r => return r.map(drop),
        }
    }
}

/// Keeps the allocation for the next texts.
fn recycle(t: Ptr<TextObj>, mut data: Vec<u8>) {
    let s = t.state();
    if s.pending.is_empty() && data.capacity() <= 1 << 16 {
        data.clear();
        s.pending = data;
    }
}

fn flush(vm: &Vm, t: Ptr<TextObj>) -> Res<Value> {
    check_attached(vm, t)?;
    check_open(vm, t)?;
    t.state().telling = t.state().seekable;
    write_pending(vm, t)?;
    match t.direct() {
        Some(b) if type_of(b.value()) != buffered::READER.get() => buffered::flush(vm, b).map(|()| Value::NONE),
        _ => call(vm, t.buffer.get(), "flush", &[]),
    }
}
