//! Escape sequences: `unicode_escape`, `raw_unicode_escape`, and the escapes of bytes literals.

use cape_vm::object::*;
use cape_vm::{Ptr, Res, Vm, rt};

use super::errors::{Decoder, Errors};

fn push_hex(out: &mut Vec<u8>, c: u32) {
    let text = match c {
        0..0x100 => format!("\\x{c:02x}"),
        0x100..0x10000 => format!("\\u{c:04x}"),
        _ => format!("\\U{c:08x}"),
    };
    out.extend_from_slice(text.as_bytes());
}

/// The string as it would be written in an ASCII literal.
pub fn encode_unicode(s: Ptr<StrObj>) -> Vec<u8> {
    let mut out = Vec::with_capacity(s.len());
    for c in s.chars() {
        match c {
            0x5c => out.extend_from_slice(b"\\\\"),
            9 => out.extend_from_slice(b"\\t"),
            10 => out.extend_from_slice(b"\\n"),
            13 => out.extend_from_slice(b"\\r"),
            0x20..0x7f => out.push(c as u8),
            c => push_hex(&mut out, c),
        }
    }
    out
}

/// The string in Latin-1, with escapes for what is beyond.
pub fn encode_raw_unicode(s: Ptr<StrObj>) -> Vec<u8> {
    let mut out = Vec::with_capacity(s.len());
    for c in s.chars() {
        if c < 256 { out.push(c as u8) } else { push_hex(&mut out, c) }
    }
    out
}

/// What one escape gives.
enum Escape {
    Char(u32),
    Nothing,
    /// The input ends inside; the reason when it is an error.
    Incomplete(&'static str),
    Wrong(&'static str),
    /// Not an escape: the backslash stays.
    Unknown(u8),
}

fn hex(d: &Decoder<'_>, at: &mut usize, count: usize, reason: &'static str) -> Escape {
    let mut c: u32 = 0;
    for _ in 0..count {
        let Some(&b) = d.data.get(*at) else { return Escape::Incomplete(reason) };
        let Some(v) = (b as char).to_digit(16) else { return Escape::Wrong(reason) };
        c = c << 4 | v;
        *at += 1;
    }
    if c > 0x10ffff { Escape::Wrong("illegal Unicode character") } else { Escape::Char(c) }
}

/// The escape whose character behind the backslash is at `at`, which moves behind it.
fn escape(d: &Decoder<'_>, at: &mut usize) -> Escape {
    let Some(&c) = d.data.get(*at) else { return Escape::Incomplete("\\ at end of string") };
    *at += 1;
    let simple = match c {
        b'\n' => return Escape::Nothing,
        b'\\' | b'\'' | b'"' => c,
        b'b' => 8,
        b'f' => 12,
        b't' => 9,
        b'n' => 10,
        b'r' => 13,
        b'v' => 11,
        b'a' => 7,
        b'0'..=b'7' => {
            let mut v = (c - b'0') as u32;
            for _ in 0..2 {
                match d.data.get(*at) {
                    Some(&o @ b'0'..=b'7') => {
                        v = v << 3 | (o - b'0') as u32;
                        *at += 1;
                    }
                    _ => break,
                }
            }
            return Escape::Char(v);
        }
        b'x' => return hex(d, at, 2, "truncated \\xXX escape"),
        b'u' => return hex(d, at, 4, "truncated \\uXXXX escape"),
        b'U' => return hex(d, at, 8, "truncated \\UXXXXXXXX escape"),
        b'N' => return named(d, at),
        c => return Escape::Unknown(c),
    };
    Escape::Char(simple as u32)
}

fn named(d: &Decoder<'_>, at: &mut usize) -> Escape {
    const MALFORMED: &str = "malformed \\N character escape";
    match d.data.get(*at) {
        None => return Escape::Incomplete(MALFORMED),
        Some(b'{') => *at += 1,
        Some(_) => return Escape::Wrong(MALFORMED),
    }
    let start = *at;
    while *at < d.data.len() && d.data[*at] != b'}' {
        *at += 1;
    }
    if *at == d.data.len() {
        return Escape::Incomplete(MALFORMED);
    }
    let name = &d.data[start..*at];
    if name.is_empty() {
        return Escape::Wrong(MALFORMED);
    }
    *at += 1;
    match std::str::from_utf8(name).ok().and_then(crate::unicode::character) {
        Some(c) => Escape::Char(c as u32),
        None => Escape::Wrong("unknown Unicode character name"),
    }
}

/// The text of `unicode_escape` bytes. Without `last`, an incomplete escape at the end is left alone.
pub fn decode_unicode(data: &[u8], errors: &mut Errors<'_>, last: bool) -> Res<(Ptr<StrObj>, usize)> {
    let vm = errors.vm;
    let mut d = Decoder::new("unicodeescape", data);
    let given = data.as_ptr();
    let mut warned = false;
    while d.pos < d.data.len() {
        let start = d.pos;
        let c = d.data[start];
        let mut at = start + 1;
        d.pos = at;
        if c != b'\\' {
            d.out.push(c as u32);
            continue;
        }
        match escape(&d, &mut at) {
            Escape::Char(c) => {
                if c > 0xff && !warned && matches!(d.data[start + 1], b'4'..=b'7') {
                    warned = true;
                    warn_octal(vm, c)?;
                }
                d.out.push(c);
                d.pos = at;
            }
            Escape::Nothing => d.pos = at,
            Escape::Incomplete(_) if !last => {
                d.pos = start;
                break;
            }
            Escape::Incomplete(reason) | Escape::Wrong(reason) => d.error(errors, start, at, reason)?,
            Escape::Unknown(c) => {
                if !warned {
                    warned = true;
                    warn_invalid(vm, c)?;
                }
                d.out.push('\\' as u32);
                d.out.push(c as u32);
                d.pos = at;
            }
        }
    }
    // A handler may have put other data in its place: all of what was given is used up nevertheless.
    let replaced = d.data.as_ptr() != given && d.pos == d.data.len();
    let (text, used) = d.finish();
    Ok((text, if replaced { data.len() } else { used }))
}

fn warn(vm: &Vm, text: &str) -> Res<()> {
    let f = vm.import_attr("warnings", "warn")?;
    vm.call(f, &[StrObj::new(text).value(), rt().types.deprecation_warning.value()]).map(|_| ())
}

fn warn_invalid(vm: &Vm, c: u8) -> Res<()> {
    let c = c as char;
    warn(
        vm,
        &format!("\"\\{c}\" is an invalid escape sequence. Such sequences will not work in the future. "),
    )
}

fn warn_octal(vm: &Vm, c: u32) -> Res<()> {
    warn(
        vm,
        &format!(
            "\"\\{c:o}\" is an invalid octal escape sequence. Such sequences will not work in the future. "
        ),
    )
}

/// The text of `raw_unicode_escape` bytes.
pub fn decode_raw_unicode(data: &[u8], errors: &mut Errors<'_>, last: bool) -> Res<(Ptr<StrObj>, usize)> {
    let mut d = Decoder::new("rawunicodeescape", data);
    while d.pos < d.data.len() {
        let start = d.pos;
        let c = d.data[start];
        let mut at = start + 1;
        d.pos = at;
        if c != b'\\' || at >= d.data.len() && last {
            d.out.push(c as u32);
            continue;
        }
        if at >= d.data.len() {
            d.pos = start;
            break;
        }
        let kind = d.data[at];
        at += 1;
        let escape = match kind {
            b'u' => hex(&d, &mut at, 4, "truncated \\uXXXX escape"),
            b'U' => hex(&d, &mut at, 8, "truncated \\UXXXXXXXX escape"),
            c => {
                d.out.push('\\' as u32);
                d.out.push(c as u32);
                d.pos = at;
                continue;
            }
        };
        match escape {
            Escape::Char(c) => {
                d.out.push(c);
                d.pos = at;
            }
            Escape::Incomplete(_) if !last => {
                d.pos = start;
                break;
            }
            Escape::Wrong("illegal Unicode character") => {
                d.error(errors, start, at, "\\Uxxxxxxxx out of range")?
            }
            Escape::Incomplete(reason) | Escape::Wrong(reason) => d.error(errors, start, at, reason)?,
            Escape::Nothing | Escape::Unknown(_) => {}
        }
    }
    Ok(d.finish())
}

/// Bytes as in a bytes literal.
pub fn encode_bytes(data: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(data.len());
    for &c in data {
        match c {
            b'\\' | b'\'' => out.extend_from_slice(&[b'\\', c]),
            b'\t' => out.extend_from_slice(b"\\t"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            0x20..0x7f => out.push(c),
            c => push_hex(&mut out, c as u32),
        }
    }
    out
}

/// The bytes that a bytes literal's text stands for.
pub fn decode_bytes(vm: &Vm, data: &[u8], errors: &str) -> Res<Vec<u8>> {
    let mut out = Vec::with_capacity(data.len());
    let mut warned = false;
    let mut i = 0;
    while i < data.len() {
        let c = data[i];
        i += 1;
        if c != b'\\' {
            out.push(c);
            continue;
        }
        let Some(&c) = data.get(i) else {
            return Err(vm.value_error("Trailing \\ in string"));
        };
        i += 1;
        match c {
            b'\n' => {}
            b'\\' | b'\'' | b'"' => out.push(c),
            b'b' => out.push(8),
            b'f' => out.push(12),
            b't' => out.push(9),
            b'n' => out.push(10),
            b'r' => out.push(13),
            b'v' => out.push(11),
            b'a' => out.push(7),
            b'0'..=b'7' => {
                let mut v = (c - b'0') as u32;
                for _ in 0..2 {
                    match data.get(i) {
                        Some(&o @ b'0'..=b'7') => {
                            v = v << 3 | (o - b'0') as u32;
                            i += 1;
                        }
                        _ => break,
                    }
                }
                if v > 0xff && !warned {
                    warned = true;
                    warn_octal(vm, v)?;
                }
                out.push(v as u8);
            }
            b'x' => {
                let digit = |b: Option<&u8>| b.and_then(|&b| (b as char).to_digit(16));
                match (digit(data.get(i)), digit(data.get(i + 1))) {
                    (Some(a), Some(b)) => {
                        out.push((a << 4 | b) as u8);
                        i += 2;
                    }
                    (first, _) => {
                        match errors {
                            "strict" => {
                                return Err(
                                    vm.value_error(format!("invalid \\x escape at position {}", i - 2))
                                );
                            }
                            "replace" => out.push(b'?'),
                            "ignore" => {}
                            _ => {
                                return Err(vm.value_error(format!(
                                    "decoding error; unknown error handling code: {errors}"
                                )));
                            }
                        }
                        // One digit is skipped with the escape.
                        i += first.is_some() as usize;
                    }
                }
            }
            c => {
                if !warned {
                    warned = true;
                    warn_invalid(vm, c)?;
                }
                out.extend_from_slice(&[b'\\', c]);
            }
        }
    }
    Ok(out)
}
