//! `binascii`.

use cape_vm::buffer::Buffer;
use cape_vm::native::{FromArg, new_type};
use cape_vm::object::*;
use cape_vm::runtime::StaticType;
use cape_vm::{Ptr, Raised, Res, Value, Vm, intern, rt, type_of};

static ERROR: StaticType = StaticType::new();

/// Fills the module.
pub fn init(_vm: &Vm, m: Ptr<ModuleObj>) -> Res<()> {
    let weak = TypeFlags::BASE | TypeFlags::HAS_WEAKREF;
    ERROR.set(new_type::<ExcObj>("binascii.Error", rt().types.value_error, weak).class());
    let incomplete = new_type::<ExcObj>("binascii.Incomplete", rt().types.exception, weak).class();
    m.class(ERROR.get()).class(incomplete);
    let unhex = "Binary data of hexadecimal representation.\n\nhexstr must contain an even number of hex digits (upper or lower case).";
    let hex = "Hexadecimal representation of binary data.\n\n  sep\n    An optional single character or byte to separate hex bytes.\n  bytes_per_sep\n    How many bytes between separators.  Positive values count from the\n    right, negative values count from the left.\n\nThe return value is a bytes object.";
    m.function("a2b_uu($module, data, /)", "Decode a line of uuencoded data.", a2b_uu)
        .function("b2a_uu($module, data, /, *, backtick=False)", "Uuencode line of data.", b2a_uu)
        .function(
            "a2b_base64($module, data, /, *, strict_mode=False)",
            "Decode a line of base64 data.\n\n  strict_mode\n    When set to True, bytes that are not part of the base64 standard are not allowed.\n    The same applies to excess data after padding (= / ==).",
            a2b_base64,
        )
        .function("b2a_base64($module, data, /, *, newline=True)", "Base64-code line of data.", b2a_base64)
        .function("a2b_hex($module, hexstr, /)", unhex, a2b_hex)
        .function("unhexlify($module, hexstr, /)", unhex, a2b_hex)
        .function("b2a_hex($module, /, data, sep=<unrepresentable>, bytes_per_sep=1)", hex, b2a_hex)
        .function("hexlify($module, /, data, sep=<unrepresentable>, bytes_per_sep=1)", hex, b2a_hex)
        .function("a2b_qp($module, /, data, header=False)", "Decode a string of qp-encoded data.", a2b_qp)
        .function(
            "b2a_qp($module, /, data, quotetabs=False, istext=True, header=False)",
            "Encode a string using quoted-printable encoding.\n\nOn encoding, when istext is set, newlines are not encoded, and white\nspace at end of lines is.  When istext is not set, \\r and \\n (CR/LF)\nare both encoded.  When quotetabs is set, space and tabs are encoded.",
            b2a_qp,
        )
        .function(
            "crc32($module, data, crc=0, /)",
            "Compute CRC-32 incrementally.",
            |vm: &Vm, data: Buffer, start: Option<Value>| {
                let start = start.map_or(Ok(0), |v| crate::zlib::low_bits(vm, v))?;
                Ok::<_, Raised>(crate::zlib::crc32(start, data.as_slice()))
            },
        )
        .function("crc_hqx($module, data, crc, /)", "Compute CRC-CCITT incrementally.", crc_hqx);
    Ok(())
}

#[cold]
fn error(vm: &Vm, message: &str) -> Raised {
    vm.new_exc(ERROR.get(), message)
}

/// Text to be decoded: a bytes-like object or an ASCII string.
struct Ascii(Vec<u8>);

impl FromArg for Ascii {
    fn from_arg(vm: &Vm, v: Value, _: usize) -> Res<Ascii> {
        if let Some(s) = v.downcast::<StrObj>() {
            return match s.as_ascii() {
                Some(t) => Ok(Ascii(t.as_bytes().to_vec())),
                None => Err(vm.value_error("string argument should contain only ASCII characters")),
            };
        }
        if !vm.has_buffer(v) {
            return Err(vm.type_error(format!(
                "argument should be bytes, buffer or ASCII string, not '{}'",
                cape_vm::class::full_name(type_of(v))
            )));
        }
        Ok(Ascii(vm.bytes_like(v)?.as_slice().to_vec()))
    }
}

fn bytes(data: &[u8]) -> Value {
    BytesObj::new(data).value()
}

fn a2b_uu(vm: &Vm, data: Ascii) -> Res<Value> {
    let d = &data.0;
    let Some(first) = d.first() else { return Err(error(vm, "Missing length byte")) };
    let n = (first.wrapping_sub(b' ') & 0x3f) as usize;
    let mut out = Vec::with_capacity(n);
    let (mut bits, mut nbits) = (0u32, 0);
    let mut at = 1;
    while out.len() < n {
        let c = match d.get(at) {
            None | Some(b'\n' | b'\r') => 0,
            Some(&c) if !(b' '..=b' ' + 64).contains(&c) => return Err(error(vm, "Illegal char")),
            Some(c) => (c - b' ') & 0x3f,
        };
        at += 1;
        bits = bits << 6 | c as u32;
        nbits += 6;
        if nbits >= 8 {
            nbits -= 8;
            out.push((bits >> nbits) as u8);
            bits &= (1 << nbits) - 1;
        }
    }
    let rest = d.get(at..).unwrap_or_default();
    if rest.iter().any(|c| !matches!(c, b' ' | b'`' | b'\n' | b'\r')) {
        return Err(error(vm, "Trailing garbage"));
    }
    Ok(bytes(&out))
}

fn b2a_uu(vm: &Vm, data: Buffer, backtick: Option<bool>) -> Res<Value> {
    let d = data.as_slice();
    if d.len() > 45 {
        return Err(error(vm, "At most 45 bytes at once"));
    }
    let zero = if backtick.unwrap_or(false) { b'`' } else { b' ' };
    let digit = |v: u32| if v & 0x3f == 0 { zero } else { (v & 0x3f) as u8 + b' ' };
    let mut out = vec![digit(d.len() as u32)];
    for chunk in d.chunks(3) {
        let b = |i: usize| chunk.get(i).copied().unwrap_or(0) as u32;
        let v = b(0) << 16 | b(1) << 8 | b(2);
        out.extend([18, 12, 6, 0].map(|s| digit(v >> s)));
    }
    out.push(b'\n');
    Ok(bytes(&out))
}

const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

const fn base64_values() -> [u8; 256] {
    let mut t = [0xff; 256];
    let mut i = 0;
    while i < 64 {
        t[BASE64[i] as usize] = i as u8;
        i += 1;
    }
    t
}

static BASE64_VALUES: [u8; 256] = base64_values();

fn a2b_base64(vm: &Vm, data: Ascii, strict: Option<bool>) -> Res<Value> {
    let d = &data.0;
    let strict = strict.unwrap_or(false);
    let mut out = Vec::with_capacity(d.len() / 4 * 3 + 3);
    // Whole groups of four digits, from the start on; what follows is looked at one by one.
    let mut start = 0;
    for group in d.chunks_exact(4) {
        let [a, b, c, e] = [0, 1, 2, 3].map(|i| BASE64_VALUES[group[i] as usize]);
        if (a | b | c | e) & 0xc0 != 0 {
            break;
        }
        out.extend_from_slice(&[a << 2 | b >> 4, b << 4 | c >> 2, c << 6 | e]);
        start += 4;
    }
    let (mut quad, mut left, mut pads) = (0, 0u8, 0);
    for (i, &c) in d.iter().enumerate().skip(start) {
        if c == b'=' {
            pads += 1;
            if strict && quad == 1 {
                break;
            }
            if strict && (quad == 0 || quad + pads > 4) {
                let what =
                    if i == 0 { "Leading padding not allowed" } else { "Excess padding not allowed" };
                return Err(error(vm, what));
            }
            continue;
        }
        let v = BASE64_VALUES[c as usize];
        if v >= 64 {
            if strict {
                return Err(error(vm, "Only base64 data is allowed"));
            }
            continue;
        }
        if strict && pads > 0 {
            let what = if quad + pads == 4 {
                "Excess data after padding"
            } else {
                "Discontinuous padding not allowed"
            };
            return Err(error(vm, what));
        }
        pads = 0;
        match quad {
            0 => left = v,
            1 => {
                out.push(left << 2 | v >> 4);
                left = v & 0x0f;
            }
            2 => {
                out.push(left << 4 | v >> 2);
                left = v & 0x03;
            }
            _ => out.push(left << 6 | v),
        }
        quad = (quad + 1) & 3;
    }
    match quad {
        0 => Ok(bytes(&out)),
        2 | 3 if quad + pads >= 4 => Ok(bytes(&out)),
        1 => Err(error(
            vm,
            &format!(
                "Invalid base64-encoded string: number of data characters ({}) cannot be 1 more than a multiple of 4",
                out.len() / 3 * 4 + 1
            ),
        )),
        _ => Err(error(vm, "Incorrect padding")),
    }
}

fn b2a_base64(_: &Vm, data: Buffer, newline: Option<bool>) -> Value {
    let d = data.as_slice();
    let mut out = Vec::with_capacity(d.len().div_ceil(3) * 4 + 1);
    let digit = |v: u32| BASE64[(v & 0x3f) as usize];
    let mut chunks = d.chunks_exact(3);
    for c in &mut chunks {
        let v = (c[0] as u32) << 16 | (c[1] as u32) << 8 | c[2] as u32;
        out.extend_from_slice(&[digit(v >> 18), digit(v >> 12), digit(v >> 6), digit(v)]);
    }
    match *chunks.remainder() {
        [a] => {
            let v = (a as u32) << 16;
            out.extend_from_slice(&[digit(v >> 18), digit(v >> 12), b'=', b'=']);
        }
        [a, b] => {
            let v = (a as u32) << 16 | (b as u32) << 8;
            out.extend_from_slice(&[digit(v >> 18), digit(v >> 12), digit(v >> 6), b'=']);
        }
        _ => {}
    }
    if newline.unwrap_or(true) {
        out.push(b'\n');
    }
    bytes(&out)
}

/// What the digits of base 16 stand for; 0xff for everything else.
static HEX_VALUES: [u8; 256] = {
    let mut t = [0xff; 256];
    let mut i = 0;
    while i < 16 {
        t[b"0123456789abcdef"[i] as usize] = i as u8;
        t[b"0123456789ABCDEF"[i] as usize] = i as u8;
        i += 1;
    }
    t
};

fn hex_digit(c: u8) -> Option<u8> {
    Some(HEX_VALUES[c as usize]).filter(|&d| d < 16)
}

fn a2b_hex(vm: &Vm, data: Ascii) -> Res<Value> {
    let d = &data.0;
    if d.len() % 2 != 0 {
        return Err(error(vm, "Odd-length string"));
    }
    let mut bad = 0;
    let pair = |p: &[u8]| {
        let (high, low) = (HEX_VALUES[p[0] as usize], HEX_VALUES[p[1] as usize]);
        bad |= high | low;
        high << 4 | low & 15
    };
    let out: Vec<u8> = d.chunks_exact(2).map(pair).collect();
    if bad > 15 { Err(error(vm, "Non-hexadecimal digit found")) } else { Ok(bytes(&out)) }
}

fn b2a_hex(vm: &Vm, data: Buffer, sep: Option<Value>, group: Option<i32>) -> Res<Value> {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let d = data.as_slice();
    let Some(sep) = sep else {
        let mut out = vec![0; 2 * d.len()];
        for (to, b) in out.chunks_exact_mut(2).zip(d) {
            (to[0], to[1]) = (DIGITS[(b >> 4) as usize], DIGITS[(b & 15) as usize]);
        }
        return Ok(bytes(&out));
    };
    // `bytes.hex` checks the separator and groups.
    let b = bytes(d);
    let text = vm.call_method(b, intern("hex"), &[sep, Value::int(group.unwrap_or(1) as i64)])?;
    vm.call_method(text, intern("encode"), &[])
}

fn a2b_qp(_: &Vm, data: Ascii, header: Option<bool>) -> Value {
    let d = &data.0;
    let header = header.unwrap_or(false);
    let mut out = Vec::with_capacity(d.len());
    let mut i = 0;
    while i < d.len() {
        match d[i] {
            b'=' => {
                i += 1;
                match d.get(i) {
                    None => break,
                    Some(b'\n' | b'\r') => {
                        while i < d.len() && d[i] != b'\n' {
                            i += 1;
                        }
                        i += 1;
                    }
                    Some(b'=') => {
                        out.push(b'=');
                        i += 1;
                    }
                    Some(&a) => match (hex_digit(a), d.get(i + 1).and_then(|b| hex_digit(*b))) {
                        (Some(a), Some(b)) => {
                            out.push(a << 4 | b);
                            i += 2;
                        }
                        _ => out.push(b'='),
                    },
                }
            }
            b'_' if header => {
                out.push(b' ');
                i += 1;
            }
            c => {
                out.push(c);
                i += 1;
            }
        }
    }
    bytes(&out)
}

fn push_hex(out: &mut Vec<u8>, c: u8) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    out.extend_from_slice(&[b'=', DIGITS[(c >> 4) as usize], DIGITS[(c & 15) as usize]]);
}

fn b2a_qp(
    _: &Vm,
    data: Buffer,
    quotetabs: Option<bool>,
    istext: Option<bool>,
    header: Option<bool>,
) -> Value {
    const MAX_LINE: usize = 76;
    let d = data.as_slice();
    let (quotetabs, text, header) =
        (quotetabs.unwrap_or(false), istext.unwrap_or(true), header.unwrap_or(false));
    // The first line end decides about all of them.
    let crlf = d.iter().position(|c| *c == b'\n').is_some_and(|p| p > 0 && d[p - 1] == b'\r');
    let mut out = Vec::with_capacity(d.len() + d.len() / 8);
    let newline = |out: &mut Vec<u8>| out.extend_from_slice(if crlf { b"\r\n" } else { b"\n" });
    let (mut i, mut line) = (0, 0);
    while i < d.len() {
        let c = d[i];
        let next = d.get(i + 1).copied();
        let quote = c > 126
            || c == b'='
            || header && c == b'_'
            || c == b'.' && line == 0 && matches!(next, None | Some(b'\n' | b'\r' | 0))
            || !text && matches!(c, b'\r' | b'\n')
            || matches!(c, b'\t' | b' ') && next.is_none()
            || c < 33 && !matches!(c, b'\r' | b'\n') && (quotetabs || !matches!(c, b'\t' | b' '));
        if quote {
            if line + 3 >= MAX_LINE {
                out.push(b'=');
                newline(&mut out);
                line = 0;
            }
            push_hex(&mut out, c);
            i += 1;
            line += 3;
        } else if text && (c == b'\n' || c == b'\r' && next == Some(b'\n')) {
            line = 0;
            if let Some(&last @ (b' ' | b'\t')) = out.last() {
                out.pop();
                push_hex(&mut out, last);
            }
            newline(&mut out);
            i += if c == b'\r' { 2 } else { 1 };
        } else {
            if next.is_some_and(|n| n != b'\n') && line + 1 >= MAX_LINE {
                out.push(b'=');
                newline(&mut out);
                line = 0;
            }
            line += 1;
            out.push(if header && c == b' ' { b'_' } else { c });
            i += 1;
        }
    }
    bytes(&out)
}

fn crc_hqx(vm: &Vm, data: Buffer, crc: Value) -> Res<u32> {
    let start = crate::zlib::low_bits(vm, crc)? & 0xffff;
    Ok(data.as_slice().iter().fold(start, |crc, &b| {
        (0..8).fold(crc ^ (b as u32) << 8, |c, _| if c & 0x8000 != 0 { c << 1 ^ 0x1021 } else { c << 1 }) & 0xffff
    }))
}
