//! What to do with what cannot be encoded or decoded.
//!
//! The standard handlers are applied natively; others are looked up by name and called with an exception object.

use cape_vm::exc::{extra, set_extra};
use cape_vm::object::*;
use cape_vm::{Ptr, Raised, Res, Value, Vm, rt};

use super::registry;

type Str = Ptr<StrObj>;

/// An error handler by name.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Handler {
    /// Raises.
    Strict,
    /// Leaves it out.
    Ignore,
    /// `?` or U+FFFD.
    Replace,
    /// `\x..`, `\u....`, `\U........`
    BackslashReplace,
    /// `&#...;`
    XmlCharRefReplace,
    /// `\N{...}`
    NameReplace,
    /// Bytes above 0x7f as lone surrogates.
    SurrogateEscape,
    /// Lone surrogates as if they were characters.
    SurrogatePass,
    /// Registered by a program.
    Other,
}

impl Handler {
    /// The handler with this name.
    pub fn of(name: &str) -> Handler {
        match name {
            "strict" => Handler::Strict,
            "ignore" => Handler::Ignore,
            "replace" => Handler::Replace,
            "backslashreplace" => Handler::BackslashReplace,
            "xmlcharrefreplace" => Handler::XmlCharRefReplace,
            "namereplace" => Handler::NameReplace,
            "surrogateescape" => Handler::SurrogateEscape,
            "surrogatepass" => Handler::SurrogatePass,
            _ => Handler::Other,
        }
    }
}

/// What stands for characters that cannot be encoded.
pub enum Replacement {
    /// Characters, to be encoded in turn.
    Text(Vec<u32>),
    /// Bytes, to be taken as they are.
    Bytes(Vec<u8>),
}

/// The error handling of one encoding or decoding. It stays in a native stack frame.
pub struct Errors<'a> {
    /// The VM.
    pub vm: &'a Vm,
    name: &'a str,
    handler: Handler,
    callback: Value,
    exception: Option<Raised>,
}

/// Units of the UTF encodings, for `surrogatepass`.
pub(super) fn utf_unit(encoding: &str) -> Option<(usize, bool)> {
    let e: String = encoding.to_ascii_lowercase().replace('_', "-");
    let big = cfg!(target_endian = "big");
    Some(match e.as_str() {
        "utf-8" | "utf8" | "cp65001" => (1, false),
        "utf-16" | "utf16" => (2, big),
        "utf-16-le" | "utf-16le" | "utf16-le" | "utf16le" => (2, false),
        "utf-16-be" | "utf-16be" | "utf16-be" | "utf16be" => (2, true),
        "utf-32" | "utf32" => (4, big),
        "utf-32-le" | "utf-32le" | "utf32-le" | "utf32le" => (4, false),
        "utf-32-be" | "utf-32be" | "utf32-be" | "utf32be" => (4, true),
        _ => return None,
    })
}

/// The bytes of a surrogate in a UTF encoding.
pub(super) fn surrogate_bytes(c: u32, unit: (usize, bool)) -> Vec<u8> {
    match unit {
        (1, _) => vec![0xe0 | (c >> 12) as u8, 0x80 | (c >> 6 & 0x3f) as u8, 0x80 | (c & 0x3f) as u8],
        (2, true) => (c as u16).to_be_bytes().to_vec(),
        (2, false) => (c as u16).to_le_bytes().to_vec(),
        (_, true) => c.to_be_bytes().to_vec(),
        (_, false) => c.to_le_bytes().to_vec(),
    }
}

/// The surrogate at the start of bytes in a UTF encoding, and the number of its bytes.
pub(super) fn surrogate_at(data: &[u8], unit: (usize, bool)) -> Option<(u32, usize)> {
    let n = unit.0;
    let c = match (n, unit.1) {
        (1, _) => match *data {
            [a, b, c, ..] if a & 0xf0 == 0xe0 && b & 0xc0 == 0x80 && c & 0xc0 == 0x80 => {
                (a as u32 & 0xf) << 12 | (b as u32 & 0x3f) << 6 | c as u32 & 0x3f
            }
            _ => return None,
        },
        (2, big) => {
            let b = [*data.first()?, *data.get(1)?];
            (if big { u16::from_be_bytes(b) } else { u16::from_le_bytes(b) }) as u32
        }
        (_, big) => {
            let b: [u8; 4] = data.get(..4)?.try_into().ok()?;
            if big { u32::from_be_bytes(b) } else { u32::from_le_bytes(b) }
        }
    };
    (0xd800..0xe000).contains(&c).then_some((c, if n == 1 { 3 } else { n }))
}

/// Appends `\x..`, `\u....` or `\U........`.
pub(super) fn backslash(out: &mut Vec<u32>, c: u32) {
    let text = match c {
        0..0x100 => format!("\\x{c:02x}"),
        0x100..0x10000 => format!("\\u{c:04x}"),
        _ => format!("\\U{c:08x}"),
    };
    out.extend(text.bytes().map(u32::from));
}

impl<'a> Errors<'a> {
    /// The handler called `name`.
    pub fn new(vm: &'a Vm, name: &'a str) -> Errors<'a> {
        Errors { vm, name, handler: Handler::of(name), callback: Value::EMPTY, exception: None }
    }

    /// Which handler it is.
    pub fn handler(&self) -> Handler {
        self.handler
    }

    fn call(&mut self, exc: Raised, size: usize, encoding: bool) -> Res<(Value, usize)> {
        let vm = self.vm;
        if self.callback.is_empty() {
            self.callback = registry::lookup_error(vm, self.name)?;
        }
        let r = vm.call(self.callback, &[exc.value()])?;
        let wrong = || {
            vm.type_error(if encoding {
                "encoding error handler must return (str/bytes, int) tuple"
            } else {
                "decoding error handler must return (str, int) tuple"
            })
        };
        let pair: Ptr<TupleObj> = r.downcast().ok_or_else(wrong)?;
        let [rep, pos] = *pair.as_slice() else { return Err(wrong()) };
        let fits = rep.is::<StrObj>() || encoding && rep.is::<BytesObj>();
        if !fits || !is_int(pos) {
            return Err(wrong());
        }
        // Decoding handlers may exchange the object.
        let size = match encoding {
            true => size,
            false => match extra(exc.exc(), 1).downcast::<BytesObj>() {
                Some(b) => b.len(),
                None => return Err(vm.type_error("object attribute must be bytes")),
            },
        };
        let given = vm.index_isize(pos)?;
        let at = if given < 0 { given + size as isize } else { given };
        if at < 0 || at > size as isize {
            return Err(vm.index_error(format!("position {given} from error handler out of bounds")));
        }
        Ok((rep, at as usize))
    }

    /// What stands for characters `start..end` of `s`, which cannot be encoded, and where encoding goes on.
    pub fn encode(
        &mut self,
        encoding: &str,
        s: Str,
        start: usize,
        end: usize,
        reason: &str,
    ) -> Res<(Replacement, usize)> {
        let vm = self.vm;
        let raise = || vm.unicode_encode_error_at(encoding, s, start, end, reason);
        let chars = (start..end).map(|i| s.char_at(i));
        let mut text = Vec::new();
        match self.handler {
            Handler::Strict => return Err(raise()),
            Handler::Ignore => {}
            Handler::Replace => text.extend(chars.map(|_| '?' as u32)),
            Handler::BackslashReplace => chars.for_each(|c| backslash(&mut text, c)),
            Handler::XmlCharRefReplace => {
                chars.for_each(|c| text.extend(format!("&#{c};").bytes().map(u32::from)))
            }
            Handler::NameReplace => chars.for_each(|c| match crate::unicode::name(c) {
                Some(n) => text.extend(format!("\\N{{{n}}}").bytes().map(u32::from)),
                None => backslash(&mut text, c),
            }),
            Handler::SurrogateEscape => {
                let out: Vec<u8> =
                    chars.map_while(|c| (0xdc80..0xdd00).contains(&c).then(|| (c - 0xdc00) as u8)).collect();
                // What comes before the first other character is no part of the error.
                let other = start + out.len();
                if other < end {
                    return Err(vm.unicode_encode_error_at(encoding, s, other, end, reason));
                }
                return Ok((Replacement::Bytes(out), end));
            }
            Handler::SurrogatePass => {
                let Some(unit) = utf_unit(encoding) else { return Err(raise()) };
                let mut out = Vec::new();
                for c in chars {
                    if !(0xd800..0xe000).contains(&c) {
                        return Err(raise());
                    }
                    out.extend(surrogate_bytes(c, unit));
                }
                return Ok((Replacement::Bytes(out), end));
            }
            Handler::Other => {
                let exc = match self.exception {
                    Some(e) => {
                        set_extra(e.exc(), 2, Value::int(start as i64));
                        set_extra(e.exc(), 3, Value::int(end as i64));
                        set_extra(e.exc(), 4, StrObj::new(reason).value());
                        e
                    }
                    None => raise(),
                };
                self.exception = Some(exc);
                let (rep, at) = self.call(exc, s.len(), true)?;
                return Ok(match rep.downcast::<BytesObj>() {
                    Some(b) => (Replacement::Bytes(b.as_slice().to_vec()), at),
                    None => {
                        let t: Str = rep.downcast().expect("str or bytes");
                        (Replacement::Text(t.to_code_points()), at)
                    }
                });
            }
        }
        Ok((Replacement::Text(text), end))
    }

    /// Encodes all of `s`: `put` appends a character, or says that it cannot. `gather`: adjacent characters that cannot be
    /// encoded are handled together. `ascii_only`: replacements must be ASCII. Bytes of replacements come in units.
    pub fn encode_all(
        &mut self,
        encoding: &str,
        s: Str,
        reason: &str,
        how: EncodeHow,
        out: &mut Vec<u8>,
        put: impl Fn(&mut Vec<u8>, u32) -> Res<bool>,
    ) -> Res<()> {
        let n = s.len();
        let mut i = 0;
        let mut scratch = Vec::new();
        while i < n {
            if put(out, s.char_at(i))? {
                i += 1;
                continue;
            }
            let start = i;
            let mut end = i + 1;
            while how.gather && end < n && !put(&mut scratch, s.char_at(end))? {
                end += 1;
            }
            scratch.clear();
            let (rep, at) = self.encode(encoding, s, start, end, reason)?;
            let raise = || self.vm.unicode_encode_error_at(encoding, s, start, end, reason);
            match rep {
                Replacement::Bytes(b) => {
                    if b.len() % how.unit != 0 {
                        return Err(raise());
                    }
                    out.extend(b);
                }
                Replacement::Text(t) => {
                    for c in t {
                        if how.ascii_only && c > 127 || !put(out, c)? {
                            return Err(raise());
                        }
                    }
                }
            }
            i = at;
        }
        Ok(())
    }

    /// What stands for bytes `start..end` of the input, which cannot be decoded.
    fn decode(&mut self, d: &mut Decoder<'_>, start: usize, end: usize, reason: &str) -> Res<()> {
        let vm = self.vm;
        let bytes = &d.data[start..end];
        match self.handler {
            Handler::Ignore => {}
            Handler::Replace => d.out.push(0xfffd),
            Handler::BackslashReplace => bytes.iter().for_each(|b| d.out.push_str(&format!("\\x{b:02x}"))),
            Handler::SurrogateEscape => {
                let n = bytes.iter().take(4).take_while(|&&b| b >= 0x80).count();
                if n == 0 {
                    return Err(d.raise(vm, start, end, reason));
                }
                let escaped: Vec<u32> = bytes[..n].iter().map(|&b| 0xdc00 + b as u32).collect();
                escaped.into_iter().for_each(|c| d.out.push(c));
                d.pos = start + n;
                return Ok(());
            }
            Handler::SurrogatePass => {
                let found = utf_unit(d.encoding).and_then(|u| surrogate_at(&d.data[start..], u));
                let Some((c, n)) = found else { return Err(d.raise(vm, start, end, reason)) };
                d.out.push(c);
                d.pos = start + n;
                return Ok(());
            }
            Handler::Strict => return Err(d.raise(vm, start, end, reason)),
            Handler::XmlCharRefReplace | Handler::NameReplace | Handler::Other => {
                let exc = match self.exception {
                    Some(e) => {
                        set_extra(e.exc(), 2, Value::int(start as i64));
                        set_extra(e.exc(), 3, Value::int(end as i64));
                        set_extra(e.exc(), 4, StrObj::new(reason).value());
                        e
                    }
                    None => d.raise(vm, start, end, reason),
                };
                self.exception = Some(exc);
                let (rep, at) = self.call(exc, d.data.len(), false)?;
                let text: Str = rep.downcast().expect("checked by call");
                d.out.push_obj(&text);
                let object: Ptr<BytesObj> = extra(exc.exc(), 1).downcast().expect("checked by call");
                if object.as_slice() != &*d.data {
                    d.data = object.as_slice().to_vec().into();
                }
                d.pos = at;
                return Ok(());
            }
        }
        d.pos = end;
        Ok(())
    }
}

/// How [`Errors::encode_all`] proceeds.
#[derive(Clone, Copy)]
pub struct EncodeHow {
    /// Adjacent characters that cannot be encoded are handled together.
    pub gather: bool,
    /// Replacement text must be ASCII.
    pub ascii_only: bool,
    /// Replacement bytes come in multiples of this.
    pub unit: usize,
}

/// The state of a decoding. It stays in a native stack frame.
pub struct Decoder<'d> {
    /// Name in exceptions.
    pub encoding: &'d str,
    /// The input; a handler may exchange it.
    pub data: std::borrow::Cow<'d, [u8]>,
    /// Next byte.
    pub pos: usize,
    /// Text so far.
    pub out: StrBuilder,
}

impl<'d> Decoder<'d> {
    /// At the start of `data`.
    pub fn new(encoding: &'d str, data: &'d [u8]) -> Decoder<'d> {
        Decoder { encoding, data: data.into(), pos: 0, out: StrBuilder::with_capacity(data.len()) }
    }

    /// The exception about `start..end`.
    pub fn raise(&self, vm: &Vm, start: usize, end: usize, reason: &str) -> Raised {
        let object = BytesObj::new(&self.data);
        vm.unicode_decode_error_at(self.encoding, object.value(), start, end, reason)
    }

    /// Applies the error handling to `start..end` and moves on.
    pub fn error(&mut self, errors: &mut Errors<'_>, start: usize, end: usize, reason: &str) -> Res<()> {
        errors.decode(self, start, end.min(self.data.len()), reason)
    }

    /// The bytes from the next one on.
    pub fn rest(&self) -> &[u8] {
        &self.data[self.pos..]
    }

    /// The text and the number of bytes used.
    pub fn finish(self) -> (Str, usize) {
        let n = self.pos;
        (super::shared(self.out.finish()), n)
    }
}

/// Whether an exception is one of the three Unicode errors.
pub fn is_unicode_error(v: Value) -> bool {
    let t = &rt().types;
    v.downcast::<ExcObj>().is_some_and(|_| {
        [t.unicode_encode_error, t.unicode_decode_error, t.unicode_translate_error]
            .iter()
            .any(|&c| cape_vm::type_of(v).is_subtype(c))
    })
}
