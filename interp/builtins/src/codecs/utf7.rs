//! UTF-7.

use cape_vm::object::*;
use cape_vm::{Ptr, Res};

use super::errors::{Decoder, Errors};

const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

fn digit(c: u8) -> Option<u32> {
    Some(match c {
        b'A'..=b'Z' => c - b'A',
        b'a'..=b'z' => c - b'a' + 26,
        b'0'..=b'9' => c - b'0' + 52,
        b'+' => 62,
        b'/' => 63,
        _ => return None,
    } as u32)
}

/// Characters that are written as they are: the direct and optional sets, and whitespace.
fn is_direct(c: u32) -> bool {
    matches!(c, 9 | 10 | 13 | 0x20..=0x7d) && !matches!(c, 0x2b | 0x5c)
}

/// The string in UTF-7.
pub fn encode(s: Ptr<StrObj>) -> Vec<u8> {
    let mut out = Vec::with_capacity(s.len() + 16);
    let (mut bits, mut buffer) = (0u32, 0u64);
    let mut shifted = false;
    for c in s.chars() {
        if shifted && is_direct(c) {
            if bits > 0 {
                out.push(DIGITS[(buffer << (6 - bits) & 63) as usize]);
                (bits, buffer) = (0, 0);
            }
            shifted = false;
            // What could be read as part of the sequence, or as its end, needs an end.
            if digit(c as u8).is_some() || c == '-' as u32 {
                out.push(b'-');
            }
            out.push(c as u8);
            continue;
        }
        if !shifted {
            if c == '+' as u32 {
                out.extend_from_slice(b"+-");
                continue;
            }
            if is_direct(c) {
                out.push(c as u8);
                continue;
            }
            out.push(b'+');
            shifted = true;
        }
        let mut put = |unit: u32| {
            buffer = buffer << 16 | unit as u64;
            bits += 16;
            while bits >= 6 {
                out.push(DIGITS[(buffer >> (bits - 6) & 63) as usize]);
                bits -= 6;
            }
            buffer &= (1 << bits) - 1;
        };
        if c >= 0x10000 {
            put(0xd800 + ((c - 0x10000) >> 10));
            put(0xdc00 + (c & 0x3ff));
        } else {
            put(c);
        }
    }
    if bits > 0 {
        out.push(DIGITS[(buffer << (6 - bits) & 63) as usize]);
    }
    if shifted {
        out.push(b'-');
    }
    out
}

/// The text and the number of bytes used. Without `last`, an unfinished sequence at the end is left alone.
pub fn decode(data: &[u8], errors: &mut Errors<'_>, last: bool) -> Res<(Ptr<StrObj>, usize)> {
    let mut d = Decoder::new("utf7", data);
    let (mut bits, mut buffer, mut surrogate) = (0u32, 0u32, 0u32);
    let mut shifted = false;
    // Where the sequence began, in the input and in the output.
    let (mut start, mut out_start) = (0, 0);
    loop {
        while d.pos < d.data.len() {
            let at = d.pos;
            let c = d.data[at];
            if shifted {
                if let Some(v) = digit(c) {
                    buffer = buffer << 6 | v;
                    bits += 6;
                    d.pos += 1;
                    if bits >= 16 {
                        bits -= 16;
                        let unit = buffer >> bits;
                        buffer &= (1 << bits) - 1;
                        if surrogate != 0 {
                            if (0xdc00..0xe000).contains(&unit) {
                                d.out.push(0x10000 + ((surrogate & 0x3ff) << 10 | unit & 0x3ff));
                                surrogate = 0;
                                continue;
                            }
                            d.out.push(surrogate);
                            surrogate = 0;
                        }
                        if (0xd800..0xdc00).contains(&unit) { surrogate = unit } else { d.out.push(unit) }
                    }
                    continue;
                }
                shifted = false;
                if bits >= 6 {
                    d.error(errors, start, at + 1, "partial character in shift sequence")?;
                    continue;
                }
                if bits > 0 && buffer != 0 {
                    d.error(errors, start, at + 1, "non-zero padding bits in shift sequence")?;
                    continue;
                }
                if surrogate != 0 && c <= 127 && c != b'+' {
                    d.out.push(surrogate);
                }
                surrogate = 0;
                if c == b'-' {
                    d.pos += 1;
                }
            } else if c == b'+' {
                start = at;
                d.pos += 1;
                match d.data.get(at + 1) {
                    Some(b'-') => {
                        d.pos += 1;
                        d.out.push('+' as u32);
                    }
                    Some(&n) if digit(n).is_none() => {
                        d.error(errors, start, at + 2, "ill-formed sequence")?
                    }
                    _ => {
                        shifted = true;
                        out_start = d.out.len();
                        (bits, buffer, surrogate) = (0, 0, 0);
                    }
                }
            } else if c <= 127 {
                d.pos += 1;
                d.out.push(c as u32);
            } else {
                start = at;
                d.error(errors, at, at + 1, "unexpected special character")?;
            }
        }
        if shifted && last {
            shifted = false;
            if surrogate != 0 || bits >= 6 || bits > 0 && buffer != 0 {
                let end = d.data.len();
                d.error(errors, start, end, "unterminated shift sequence")?;
                if d.pos < d.data.len() {
                    continue;
                }
            }
        }
        break;
    }
    if shifted {
        // The whole sequence is left for the next call.
        d.pos = start;
        let (text, n) = d.finish();
        return Ok((text.substring(0, out_start), n));
    }
    Ok(d.finish())
}
