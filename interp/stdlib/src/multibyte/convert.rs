//! Encoding and decoding with error handlers.

use cape_builtins::codecs::registry;
use cape_vm::exc::set_extra;
use cape_vm::object::*;
use cape_vm::{Ptr, Raised, Res, Value, Vm, rt};

use super::scheme::{Codec, State, Stop, Text};

type Str = Ptr<StrObj>;

const ILLEGAL: &str = "illegal multibyte sequence";
const INCOMPLETE: &str = "incomplete multibyte sequence";

/// What to do with what cannot be converted.
#[derive(Clone, Copy)]
pub enum Errors<'a> {
    /// Raise.
    Strict,
    /// Leave it out.
    Ignore,
    /// Put `?` or U+FFFD.
    Replace,
    /// Call the handler of this name.
    Call(&'a str),
}

impl Errors<'_> {
    /// By the handler's name.
    pub fn of(name: &str) -> Errors<'_> {
        match name {
            "strict" => Errors::Strict,
            "ignore" => Errors::Ignore,
            "replace" => Errors::Replace,
            name => Errors::Call(name),
        }
    }
}

/// How much of a text is encoded.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// What may belong to what follows stays.
    Open,
    /// All of it.
    Flush,
    /// All of it, and the state returns to the start.
    Reset,
}

/// The exception of one conversion: made when there is something to say, then changed for each error.
struct Trouble(Option<Raised>);

impl Trouble {
    fn at(&mut self, start: usize, end: usize, reason: &str, make: impl FnOnce() -> Raised) -> Raised {
        match self.0 {
            Some(e) => {
                set_extra(e.exc(), 2, int_value(start as i64));
                set_extra(e.exc(), 3, int_value(end as i64));
                set_extra(e.exc(), 4, StrObj::new(reason).value());
                e
            }
            None => *self.0.insert(make()),
        }
    }
}

/// What a handler answers: a replacement, and where it goes on in an input of this length.
fn ask(vm: &Vm, name: &str, exc: Raised, len: usize, encoding: bool) -> Res<(Value, usize)> {
    let handler = registry::lookup_error(vm, name)?;
    let answer = vm.call(handler, &[exc.value()])?;
    let wrong = || {
        let which = if encoding { "encoding" } else { "decoding" };
        vm.type_error(format!("{which} error handler must return (str, int) tuple"))
    };
    let pair: Ptr<TupleObj> = answer.downcast().ok_or_else(wrong)?;
    let [replacement, position] = *pair.as_slice() else { return Err(wrong()) };
    if !(replacement.is::<StrObj>() || encoding && replacement.is::<BytesObj>()) {
        return Err(wrong());
    }
    let position = Int::of(position).ok_or_else(wrong)?;
    let position = match position.to_i64() {
        Some(p) if p < 0 => p.saturating_add(len as i64),
        Some(p) => p,
        None => -1,
    };
    match usize::try_from(position) {
        Ok(p) if p <= len => Ok((replacement, p)),
        _ => Err(vm.index_error(format!("position {position} from error handler out of bounds"))),
    }
}

/// The bytes for `text` from position `at` on, which moves to the first character that is not encoded.
pub fn encode(
    vm: &Vm,
    codec: &'static Codec,
    state: &mut State,
    text: Str,
    at: &mut usize,
    errors: Errors<'_>,
    end: End,
) -> Res<Vec<u8>> {
    let mut out = Vec::new();
    let mut trouble = Trouble(None);
    let flush = end != End::Open;
    while *at < text.len() {
        let stop = match codec.encode(state, text, at, flush, &mut out) {
            Ok(()) => break,
            Err(stop) => stop,
        };
        let (width, reason) = match stop {
            Stop::TooFew if !flush => break,
            Stop::TooFew => (text.len() - *at, INCOMPLETE),
            Stop::Illegal(n) => (n, ILLEGAL),
            Stop::Internal => return Err(vm.runtime_error("internal codec error")),
        };
        let start = *at;
        let make = || vm.unicode_encode_error_at(codec.name, text, start, start + width, reason);
        match errors {
            Errors::Strict => return Err(make()),
            Errors::Ignore => *at += width,
            Errors::Replace => {
                let question = rt().latin1_char(b'?');
                if codec.encode(state, question, &mut 0, false, &mut out).is_err() {
                    out.push(b'?');
                }
                *at += width;
            }
            Errors::Call(name) => {
                let exc = trouble.at(start, start + width, reason, make);
                let (replacement, next) = ask(vm, name, exc, text.len(), true)?;
                if let Some(b) = replacement.downcast::<BytesObj>() {
                    out.extend_from_slice(b.as_slice());
                } else if let Some(t) = replacement.downcast::<StrObj>() {
                    out.extend(encode(vm, codec, state, t, &mut 0, Errors::Strict, End::Flush)?);
                }
                *at = next;
            }
        }
        if stop == Stop::TooFew {
            break;
        }
    }
    if end == End::Reset {
        (codec.reset)(state, &mut out);
    }
    Ok(out)
}

/// A decoding under way.
pub struct Decoding<'a> {
    vm: &'a Vm,
    codec: &'static Codec,
    errors: Errors<'a>,
    /// The input.
    data: &'a [u8],
    /// The first byte that is not decoded.
    pub at: usize,
    /// What was decoded.
    pub out: Text,
    trouble: Trouble,
}

impl<'a> Decoding<'a> {
    /// At the start of `data`.
    pub fn new(vm: &'a Vm, codec: &'static Codec, errors: Errors<'a>, data: &'a [u8]) -> Decoding<'a> {
        Decoding { vm, codec, errors, data, at: 0, out: Text::default(), trouble: Trouble(None) }
    }

    /// The bytes that are not decoded.
    pub fn rest(&self) -> &'a [u8] {
        &self.data[self.at..]
    }

    /// Decodes; `open`: what is incomplete at the end stays.
    pub fn run(&mut self, state: &mut State, open: bool) -> Res<()> {
        while self.at < self.data.len() {
            match (self.codec.decode)(state, self.data, &mut self.at, &mut self.out) {
                Ok(()) => break,
                Err(Stop::TooFew) if open => break,
                Err(stop) => self.error(stop)?,
            }
        }
        Ok(())
    }

    /// Handles what cannot be decoded.
    pub fn error(&mut self, stop: Stop) -> Res<()> {
        let (vm, start) = (self.vm, self.at);
        let (width, reason) = match stop {
            Stop::TooFew => (self.data.len() - start, INCOMPLETE),
            Stop::Illegal(n) => (n, ILLEGAL),
            Stop::Internal => return Err(vm.runtime_error("internal codec error")),
        };
        let (name, data) = (self.codec.name, self.data);
        let make =
            || vm.unicode_decode_error_at(name, BytesObj::new(data).value(), start, start + width, reason);
        match self.errors {
            Errors::Strict => return Err(make()),
            Errors::Ignore => self.at += width,
            Errors::Replace => {
                self.out.push(0xfffd);
                self.at += width;
            }
            Errors::Call(handler) => {
                let exc = self.trouble.at(start, start + width, reason, make);
                let (replacement, next) = ask(vm, handler, exc, data.len(), false)?;
                if let Some(t) = replacement.downcast::<StrObj>() {
                    self.out.push_str(t);
                }
                self.at = next;
            }
        }
        Ok(())
    }
}

/// An error about all of an input.
pub fn decode_error(vm: &Vm, codec: &Codec, data: Ptr<BytesObj>, reason: &str) -> Raised {
    vm.unicode_decode_error_at(codec.name, data.value(), 0, data.len(), reason)
}

/// The text of bytes; the state is lost.
pub fn decode(vm: &Vm, codec: &'static Codec, data: &[u8], errors: Errors<'_>) -> Res<Str> {
    if codec.ascii && data.is_ascii() {
        return Ok(match data {
            [] => rt().empty_str(),
            [c] => rt().latin1_char(*c),
            _ => StrObj::from_latin1(data),
        });
    }
    let mut state = codec.start.1;
    let mut d = Decoding::new(vm, codec, errors, data);
    d.run(&mut state, false)?;
    Ok(d.out.finish())
}

/// A `str`, as which anything may be given.
pub fn text_of(vm: &Vm, v: Value) -> Res<Str> {
    match v.downcast::<StrObj>() {
        Some(s) => Ok(s),
        None => vm.str(v),
    }
}
