//! Universal newlines: what follows the decoder of a text stream, and `IncrementalNewlineDecoder`.

use std::cell::Cell;

use cape_heap::{Field, Header, heap, heap_object};
use cape_vm::native::{Named, new_type};
use cape_vm::object::{BytesObj, Int, ModuleObj, StrBuilder, StrKind, StrObj, TupleObj, TypeFlags, TypeObj, int_value};
use cape_vm::{Ptr, Res, Value, Vm, rt, type_of};

use super::util::call;

/// Line endings seen so far.
pub mod seen {
    /// `\r`
    pub const CR: u8 = 1;
    /// `\n`
    pub const LF: u8 = 2;
    /// `\r\n`
    pub const CRLF: u8 = 4;
}

/// The `newlines` attribute for what was seen.
pub fn newlines_value(seen: u8) -> Value {
    let all: Vec<&str> = [(seen::CR, "\r"), (seen::LF, "\n"), (seen::CRLF, "\r\n")]
        .iter()
        .filter(|e| seen & e.0 != 0)
        .map(|e| e.1)
        .collect();
    match all[..] {
        [] => Value::NONE,
        [one] => StrObj::new(one).value(),
        [a, b] => TupleObj::new(&[StrObj::new(a).value(), StrObj::new(b).value()]).value(),
        _ => TupleObj::new(&[StrObj::new("\r").value(), StrObj::new("\n").value(), StrObj::new("\r\n").value()]).value(),
    }
}

/// The state of a newline decoder.
#[derive(Clone, Copy, Default)]
pub struct Newlines {
    /// A `\r` at the end of the last piece is held back: a `\n` may follow.
    pub pending_cr: bool,
    /// Bits of [`seen`].
    pub seen: u8,
    /// Whether line endings become `\n`.
    pub translate: bool,
}

impl Newlines {
    /// Processes the next decoded piece.
    pub fn decode(&mut self, text: Ptr<StrObj>, last: bool) -> Ptr<StrObj> {
        let mut text = text;
        if self.pending_cr && (last || !text.is_empty()) {
            text = StrObj::concat(rt().latin1_char(b'\r'), text);
            self.pending_cr = false;
        }
        if text.is_empty() {
            return text;
        }
        if !last && text.char_at(text.len() - 1) == b'\r' as u32 {
            text = text.substring(0, text.len() - 1);
            self.pending_cr = true;
        }
        match text.kind() {
            StrKind::One => self.narrow(text),
            _ => self.wide(text),
        }
    }

    fn narrow(&mut self, text: Ptr<StrObj>) -> Ptr<StrObj> {
        let d = text.data1();
        let Some(first) = memchr::memchr(b'\r', d) else {
            if self.seen & seen::LF == 0 && memchr::memchr(b'\n', d).is_some() {
                self.seen |= seen::LF;
            }
            return text;
        };
        let mut out: Vec<u8> = Vec::with_capacity(if self.translate { d.len() } else { 0 });
        let mut from = 0;
        if memchr::memchr(b'\n', &d[..first]).is_some() {
            self.seen |= seen::LF;
        }
        let mut at = first;
        loop {
            let pair = d.get(at + 1) == Some(&b'\n');
            self.seen |= if pair { seen::CRLF } else { seen::CR };
            if self.translate {
                out.extend_from_slice(&d[from..at]);
                out.push(b'\n');
            }
            from = at + 1 + pair as usize;
            let next = memchr::memchr(b'\r', &d[from..]).map_or(d.len(), |i| from + i);
            if self.seen & seen::LF == 0 && memchr::memchr(b'\n', &d[from..next]).is_some() {
                self.seen |= seen::LF;
            }
            if next == d.len() {
                break;
            }
            at = next;
        }
        if !self.translate {
            return text;
        }
        out.extend_from_slice(&d[from..]);
        StrObj::from_latin1(&out)
    }

    fn wide(&mut self, text: Ptr<StrObj>) -> Ptr<StrObj> {
        let mut out = StrBuilder::with_capacity(text.len());
        let mut after_cr = false;
        for c in text.chars() {
            match (c, after_cr) {
                (10, true) => self.seen |= seen::CRLF,
                (_, true) => self.seen |= seen::CR,
                _ => {}
            }
            match c {
                10 if after_cr => {}
                10 => {
                    self.seen |= seen::LF;
                    out.push(10);
                }
                13 => out.push(10),
                c => out.push(c),
            }
            after_cr = c == 13;
        }
        if after_cr {
            self.seen |= seen::CR;
        }
        if self.translate { out.finish() } else { text }
    }
}

heap_object! {
    /// An `IncrementalNewlineDecoder`.
    pub struct NewlineObj { pub decoder: Field, pub errors: Field, pub pending_cr: Cell<bool>, pub seen: Cell<u8>, pub translate: Cell<bool> }
}

impl Named for NewlineObj {
    const NAME: &'static str = "IncrementalNewlineDecoder";
}

pub(super) fn init(m: Ptr<ModuleObj>) {
    let t = new_type::<NewlineObj>("_io.IncrementalNewlineDecoder", rt().types.object, TypeFlags::BASE)
        .doc("Codec used when reading a file in universal newlines mode.")
        .allocated_by(new)
        .method("__init__($self, /, decoder, translate, errors='strict')", "Initialize self.", init_decoder)
        .method("decode($self, /, input, final=False)", "", decode)
        .method("getstate($self, /)", "", getstate)
        .method("setstate($self, state, /)", "", setstate)
        .method("reset($self, /)", "", reset)
        .getter("newlines", "", |_: &Vm, d: Ptr<NewlineObj>| newlines_value(d.seen.get()))
        .class();
    m.class(t);
}

fn new(cls: Ptr<TypeObj>) -> Value {
    let map = cls.instance_map();
    let object = NewlineObj {
        header: Header::new(map),
        decoder: Field::new(Value::EMPTY),
        errors: Field::new(Value::NONE),
        pending_cr: Cell::new(false),
        seen: Cell::new(0),
        translate: Cell::new(false),
    };
    heap().alloc(map, object).value()
}

fn init_decoder(_: &Vm, d: Ptr<NewlineObj>, decoder: Value, translate: bool, errors: Option<Value>) {
    d.decoder.set(d, decoder);
    d.errors.set(d, errors.unwrap_or(Value::NONE));
    d.translate.set(translate);
    d.seen.set(0);
    d.pending_cr.set(false);
}

fn ready(vm: &Vm, d: Ptr<NewlineObj>) -> Res<Value> {
    let v = d.decoder.get();
    if v.is_empty() {
        return Err(vm.value_error("IncrementalNewlineDecoder.__init__() not called"));
    }
    Ok(v)
}

fn decode(vm: &Vm, d: Ptr<NewlineObj>, input: Value, last: Option<bool>) -> Res<Value> {
    let decoder = ready(vm, d)?;
    let last = last.unwrap_or(false);
    let text = if decoder.is_none() { input } else { call(vm, decoder, "decode", &[input, Value::bool(last)])? };
    let Some(text) = text.downcast::<StrObj>() else {
        return Err(vm.type_error(format!(
            "decoder should return a string result, not '{}'",
            type_of(text).name_str()
        )));
    };
    let mut n =
        Newlines { pending_cr: d.pending_cr.get(), seen: d.seen.get(), translate: d.translate.get() };
    let r = n.decode(text, last);
    d.pending_cr.set(n.pending_cr);
    d.seen.set(n.seen);
    Ok(r.value())
}

fn getstate(vm: &Vm, d: Ptr<NewlineObj>) -> Res<Value> {
    let decoder = ready(vm, d)?;
    let (buffer, flag) = if decoder.is_none() {
        (BytesObj::new(b"").value(), num_bigint::BigInt::ZERO)
    } else {
        let s = call(vm, decoder, "getstate", &[])?;
        let Some(t) = s.downcast::<TupleObj>() else {
            return Err(vm.type_error("illegal decoder state"));
        };
        match (t.len(), t.as_slice().get(1).and_then(|&f| Int::of(f))) {
            (2, Some(f)) => (t.get(0), f.into_big()),
            _ => return Err(vm.type_error("illegal decoder state")),
        }
    };
    let flag = (flag << 1) | num_bigint::BigInt::from(d.pending_cr.get() as u8);
    Ok(TupleObj::new(&[buffer, Int::Big(flag).into_value()]).value())
}

fn setstate(vm: &Vm, d: Ptr<NewlineObj>, state: Value) -> Res<()> {
    let decoder = ready(vm, d)?;
    let Some(t) = state.downcast::<TupleObj>() else {
        return Err(vm.type_error("state argument must be a tuple"));
    };
    let flag = t.as_slice().get(1).and_then(|&f| Int::of(f)).and_then(|f| f.to_i64());
    let (2, Some(flag)) = (t.len(), flag) else {
        return Err(vm.type_error("setstate(): illegal state argument"));
    };
    d.pending_cr.set(flag & 1 == 1);
    if !decoder.is_none() {
        let inner = TupleObj::new(&[t.get(0), int_value(flag >> 1)]);
        call(vm, decoder, "setstate", &[inner.value()])?;
    }
    Ok(())
}

fn reset(vm: &Vm, d: Ptr<NewlineObj>) -> Res<()> {
    let decoder = ready(vm, d)?;
    d.seen.set(0);
    d.pending_cr.set(false);
    if !decoder.is_none() {
        call(vm, decoder, "reset", &[])?;
    }
    Ok(())
}
