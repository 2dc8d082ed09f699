//! Codecs: text to bytes and back.
//!
//! The encodings that CPython has built in are native; `str.encode` and `bytes.decode` reach the common ones without the
//! registry of codecs, the others through it.

pub mod charmap;
pub mod errors;
pub mod escape;
pub mod handlers;
pub mod narrow;
pub mod registry;
pub mod utf16;
pub mod utf32;
pub mod utf7;
pub mod utf8;

use cape_vm::buffer::flags;
use cape_vm::class::full_name;
use cape_vm::object::*;
use cape_vm::{Ptr, Res, Value, Vm, rt, type_of};

use errors::Errors;

type Str = Ptr<StrObj>;

/// An encoding that `str.encode` and `bytes.decode` reach directly.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Known {
    /// `utf-8`
    Utf8,
    /// `latin-1`
    Latin1,
    /// `ascii`
    Ascii,
    /// `utf-16`, byte order marked.
    Utf16,
    /// `utf-32`, byte order marked.
    Utf32,
}

impl Known {
    /// The encoding with this name.
    pub fn of(name: &str) -> Option<Known> {
        let mut plain = [0u8; 12];
        let mut n = 0;
        for b in name.bytes() {
            let b = match b {
                b' ' | b'_' => b'-',
                b => b.to_ascii_lowercase(),
            };
            *plain.get_mut(n)? = b;
            n += 1;
        }
        Some(match &plain[..n] {
            b"utf-8" | b"utf8" => Known::Utf8,
            b"latin-1" | b"latin1" | b"iso-8859-1" | b"iso8859-1" => Known::Latin1,
            b"ascii" | b"us-ascii" => Known::Ascii,
            b"utf-16" | b"utf16" => Known::Utf16,
            b"utf-32" | b"utf32" => Known::Utf32,
            _ => return None,
        })
    }
}

/// A codec's or handler's name; it must not contain null characters.
fn name_of(vm: &Vm, s: Option<Str>, default: &'static str) -> Res<std::borrow::Cow<'static, str>> {
    let Some(s) = s else { return Ok(default.into()) };
    let text = vm.utf8(s)?;
    if text.contains('\0') {
        return Err(vm.value_error("embedded null character"));
    }
    Ok(text.into())
}

/// `s.encode(encoding, errors)`: always `bytes`.
pub fn encode_object(vm: &Vm, s: Str, encoding: Option<Str>, errors: Option<Str>) -> Res<Value> {
    let encoding = name_of(vm, encoding, "utf-8")?;
    let errors = name_of(vm, errors, "strict")?;
    check_names(vm, &encoding, &errors)?;
    encode(vm, s, &encoding, &errors)
}

/// In development mode names are looked up even if nothing is to be converted with them.
fn check_names(vm: &Vm, encoding: &str, errors: &str) -> Res<()> {
    if !rt().config().dev_mode {
        return Ok(());
    }
    if Known::of(encoding).is_none() {
        registry::lookup(vm, encoding)?;
    }
    if errors != "strict" {
        registry::lookup_error(vm, errors)?;
    }
    Ok(())
}

/// The string in an encoding, as `bytes`.
pub fn encode(vm: &Vm, s: Str, encoding: &str, errors: &str) -> Res<Value> {
    if let Some(known) = Known::of(encoding) {
        if let Some(a) = s.as_ascii()
            && matches!(known, Known::Utf8 | Known::Latin1 | Known::Ascii)
        {
            return Ok(BytesObj::new(a.as_bytes()).value());
        }
        let mut e = Errors::new(vm, errors);
        let data = match known {
            Known::Utf8 => utf8::encode(s, &mut e)?,
            Known::Latin1 => narrow::encode(s, &mut e, narrow::LATIN1)?,
            Known::Ascii => narrow::encode(s, &mut e, narrow::ASCII)?,
            Known::Utf16 => utf16::encode(s, &mut e, 0)?,
            Known::Utf32 => utf32::encode(s, &mut e, 0)?,
        };
        return Ok(BytesObj::new(&data).value());
    }
    let v = registry::encode_text(vm, s.value(), encoding, errors)?;
    if v.is::<BytesObj>() {
        return Ok(v);
    }
    if v.is::<BytearrayObj>() {
        crate::codecs::registry::warn_bytearray(vm, encoding)?;
        return Ok(BytesObj::new(&vm.bytes_of(v)?).value());
    }
    Err(vm.type_error(format!(
        "'{encoding}' encoder returned '{}' instead of 'bytes'; use codecs.encode() to encode to arbitrary types",
        full_name(type_of(v))
    )))
}

/// `data.decode(encoding, errors)` of any bytes-like object.
pub fn decode_value(vm: &Vm, data: Value, encoding: Option<Str>, errors: Option<Str>) -> Res<Value> {
    decode_object(vm, data, encoding, errors).map(|s| s.value())
}

/// `str(data, encoding, errors)`.
pub fn decode_object(vm: &Vm, data: Value, encoding: Option<Str>, errors: Option<Str>) -> Res<Str> {
    if encoding.is_none()
        && errors.is_none()
        && let Some(b) = data.downcast::<BytesObj>()
        && b.as_slice().is_ascii()
    {
        return Ok(shared(StrObj::from_latin1(b.as_slice())));
    }
    let encoding = name_of(vm, encoding, "utf-8")?;
    let errors = name_of(vm, errors, "strict")?;
    check_names(vm, &encoding, &errors)?;
    decode(vm, data, &encoding, &errors)
}

/// The text of a bytes-like object.
pub fn decode(vm: &Vm, data: Value, encoding: &str, errors: &str) -> Res<Str> {
    if let Some(known) = Known::of(encoding) {
        let buffer = vm.buffer(data, flags::SIMPLE)?;
        let mut e = Errors::new(vm, errors);
        let (s, _) = match known {
            Known::Utf8 => utf8::decode(buffer.as_slice(), &mut e, true)?,
            Known::Latin1 => (StrObj::from_latin1(buffer.as_slice()), 0),
            Known::Ascii => narrow::decode_ascii(buffer.as_slice(), &mut e)?,
            Known::Utf16 => {
                let (s, n, _) = utf16::decode(buffer.as_slice(), &mut e, 0, true)?;
                (s, n)
            }
            Known::Utf32 => {
                let (s, n, _) = utf32::decode(buffer.as_slice(), &mut e, 0, true)?;
                (s, n)
            }
        };
        return Ok(shared(s));
    }
    let v = registry::decode_text(vm, data, encoding, errors)?;
    v.downcast().ok_or_else(|| {
        vm.type_error(format!(
            "'{encoding}' decoder returned '{}' instead of 'str'; use codecs.decode() to decode to arbitrary types",
            full_name(type_of(v))
        ))
    })
}

/// The shared object for strings of at most one Latin-1 character.
fn shared(s: Str) -> Str {
    match s.len() {
        0 => cape_vm::rt().empty_str(),
        1 if s.kind() == StrKind::One => StrObj::from_char(s.char_at(0)),
        _ => s,
    }
}
