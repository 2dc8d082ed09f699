//! The codecs that text streams implement themselves: UTF-8, ASCII and Latin-1 with the common error handlers. Everything else goes
//! through the `codecs` module.

use cape_vm::object::{BytesObj, StrKind, StrObj};
use cape_vm::{Ptr, Res, Vm};

/// A codec known here.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Codec {
    /// UTF-8.
    Utf8,
    /// ASCII.
    Ascii,
    /// ISO 8859-1.
    Latin1,
}

/// An error handler known here.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Errors {
    /// Raise.
    Strict,
    /// Leave out.
    Ignore,
    /// U+FFFD, or `?`.
    Replace,
    /// Escape sequences.
    Backslash,
    /// Bytes as lone surrogates.
    Escape,
    /// Character references of XML, for encoding only.
    Xml,
}

impl Codec {
    /// The codec of this name, if it is one of these.
    pub fn of(name: &str) -> Option<Codec> {
        Some(match name.to_ascii_lowercase().replace('_', "-").as_str() {
            "utf-8" | "utf8" => Codec::Utf8,
            "ascii" | "us-ascii" => Codec::Ascii,
            "latin-1" | "latin1" | "iso-8859-1" | "iso8859-1" => Codec::Latin1,
            _ => return None,
        })
    }

    fn name(self) -> &'static str {
        match self {
            Codec::Utf8 => "utf-8",
            Codec::Ascii => "ascii",
            Codec::Latin1 => "latin-1",
        }
    }

    fn limit(self) -> u32 {
        match self {
            Codec::Utf8 => 0x110000,
            Codec::Ascii => 0x80,
            Codec::Latin1 => 0x100,
        }
    }
}

impl Errors {
    /// The handler of this name, if it is one of these.
    pub fn of(name: &str) -> Option<Errors> {
        Some(match name {
            "strict" => Errors::Strict,
            "ignore" => Errors::Ignore,
            "replace" => Errors::Replace,
            "backslashreplace" => Errors::Backslash,
            "surrogateescape" => Errors::Escape,
            "xmlcharrefreplace" => Errors::Xml,
            _ => return None,
        })
    }
}

/// Decodes the next piece. `held` are the bytes of an incomplete sequence at the end of the piece before, and afterwards of this one.
pub fn decode(vm: &Vm, codec: Codec, errors: Errors, held: &mut Vec<u8>, piece: &[u8], last: bool) -> Res<Ptr<StrObj>> {
    if held.is_empty() {
        let (text, used) = decode_all(vm, codec, errors, piece, last)?;
        held.extend_from_slice(&piece[used..]);
        return Ok(text);
    }
    let mut all = std::mem::take(held);
    all.extend_from_slice(piece);
    match decode_all(vm, codec, errors, &all, last) {
        Ok((text, used)) => {
            held.extend_from_slice(&all[used..]);
            Ok(text)
        }
        Err(e) => {
            *held = all;
            held.truncate(held.len() - piece.len());
            Err(e)
        }
    }
}

/// The text, and how many bytes it comes from: fewer than all when a sequence at the end may go on.
fn decode_all(vm: &Vm, codec: Codec, errors: Errors, data: &[u8], last: bool) -> Res<(Ptr<StrObj>, usize)> {
    if codec == Codec::Latin1 || data.is_ascii() {
        return Ok((StrObj::from_latin1(data), data.len()));
    }
    if codec == Codec::Ascii {
        let mut out = Vec::with_capacity(data.len());
        for (i, &b) in data.iter().enumerate() {
            if b < 0x80 {
                out.push(b as u32);
            } else {
                bad_bytes(vm, codec, errors, data, i..i + 1, "ordinal not in range(128)", &mut out)?;
            }
        }
        return Ok((StrObj::from_code_points(&out), data.len()));
    }
    let first = match std::str::from_utf8(data) {
        Ok(s) => return Ok((StrObj::new(s), data.len())),
        Err(e) => e,
    };
    if first.error_len().is_none() && !last {
        let n = first.valid_up_to();
        // SAFETY: from_utf8 has checked this prefix.
        return Ok((StrObj::new(unsafe { std::str::from_utf8_unchecked(&data[..n]) }), n));
    }
    let mut out = Vec::with_capacity(data.len());
    let mut at = 0;
    while at < data.len() {
        match std::str::from_utf8(&data[at..]) {
            Ok(s) => {
                out.extend(s.chars().map(|c| c as u32));
                at = data.len();
            }
            Err(e) => {
                let n = e.valid_up_to();
                // SAFETY: from_utf8 has checked this prefix.
                let s = unsafe { std::str::from_utf8_unchecked(&data[at..at + n]) };
                out.extend(s.chars().map(|c| c as u32));
                at += n;
                let (len, reason) = match e.error_len() {
                    None if !last => break,
                    None => (data.len() - at, "unexpected end of data"),
                    Some(n) if matches!(data[at], 0x80..=0xc1 | 0xf5..) => (n, "invalid start byte"),
                    Some(n) => (n, "invalid continuation byte"),
                };
                bad_bytes(vm, codec, errors, data, at..at + len, reason, &mut out)?;
                at += len;
            }
        }
    }
    Ok((StrObj::from_code_points(&out), at))
}

fn bad_bytes(
    vm: &Vm,
    codec: Codec,
    errors: Errors,
    data: &[u8],
    range: std::ops::Range<usize>,
    reason: &str,
    out: &mut Vec<u32>,
) -> Res<()> {
    let bytes = &data[range.clone()];
    match errors {
        Errors::Strict => {
            let object = BytesObj::new(data).value();
            return Err(vm.unicode_decode_error_at(codec.name(), object, range.start, range.end, reason));
        }
        Errors::Xml => {
            return Err(vm.type_error("don't know how to handle UnicodeDecodeError in error callback"));
        }
        Errors::Ignore => {}
        Errors::Replace => out.push(0xfffd),
        Errors::Escape => out.extend(bytes.iter().map(|&b| 0xdc00 + b as u32)),
        Errors::Backslash => {
            for b in bytes {
                out.extend(format!("\\x{b:02x}").bytes().map(|c| c as u32));
            }
        }
    }
    Ok(())
}

/// Appends the encoded text.
pub fn encode(vm: &Vm, codec: Codec, errors: Errors, text: Ptr<StrObj>, out: &mut Vec<u8>) -> Res<()> {
    if text.is_ascii() || codec == Codec::Latin1 && text.kind() == StrKind::One {
        out.extend_from_slice(text.data1());
        return Ok(());
    }
    let limit = codec.limit();
    let fits = |c: u32| c < limit && !(0xd800..0xe000).contains(&c);
    let start = out.len();
    out.reserve(text.len() * 2);
    let mut i = 0;
    while i < text.len() {
        let c = text.char_at(i);
        if fits(c) {
            match codec {
                Codec::Utf8 => {
                    let c = char::from_u32(c).expect("surrogates do not fit");
                    out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
                }
                _ => out.push(c as u8),
            }
            i += 1;
            continue;
        }
        match errors {
            Errors::Strict => return Err(cannot_encode(vm, codec, text, i, fits, out, start)),
            Errors::Ignore => {}
            Errors::Replace => out.push(b'?'),
            Errors::Escape if (0xdc80..0xdd00).contains(&c) => out.push((c - 0xdc00) as u8),
            Errors::Escape => return Err(cannot_encode(vm, codec, text, i, fits, out, start)),
            Errors::Xml => out.extend(format!("&#{c};").bytes()),
            Errors::Backslash => out.extend(
                match c {
                    0..=0xff => format!("\\x{c:02x}"),
                    0x100..=0xffff => format!("\\u{c:04x}"),
                    _ => format!("\\U{c:08x}"),
                }
                .bytes(),
            ),
        }
        i += 1;
    }
    Ok(())
}

#[cold]
fn cannot_encode(
    vm: &Vm,
    codec: Codec,
    text: Ptr<StrObj>,
    at: usize,
    fits: impl Fn(u32) -> bool,
    out: &mut Vec<u8>,
    start: usize,
) -> cape_vm::Raised {
    out.truncate(start);
    let end = (at..text.len()).find(|&i| fits(text.char_at(i))).unwrap_or(text.len());
    let reason = match codec {
        Codec::Utf8 => "surrogates not allowed",
        Codec::Ascii => "ordinal not in range(128)",
        Codec::Latin1 => "ordinal not in range(256)",
    };
    vm.unicode_encode_error_at(codec.name(), text, at, end, reason)
}
