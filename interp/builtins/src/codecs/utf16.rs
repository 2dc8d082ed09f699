//! UTF-16.

use cape_vm::object::*;
use cape_vm::{Ptr, Res};

use super::errors::{Decoder, EncodeHow, Errors};

/// The string in UTF-16. `order`: negative little-endian, positive big-endian, 0 native with a byte order mark.
pub fn encode(s: Ptr<StrObj>, errors: &mut Errors<'_>, order: i32) -> Res<Vec<u8>> {
    let big = order > 0 || order == 0 && cfg!(target_endian = "big");
    let unit = |u: u16| if big { u.to_be_bytes() } else { u.to_le_bytes() };
    let mut out = Vec::with_capacity(s.len() * 2 + 2);
    if order == 0 {
        out.extend(unit(0xfeff));
    }
    let encoding = match order {
        0 => "utf-16",
        o if o < 0 => "utf-16-le",
        _ => "utf-16-be",
    };
    let how = EncodeHow { gather: false, ascii_only: true, unit: 2 };
    errors.encode_all(encoding, s, "surrogates not allowed", how, &mut out, |out, c| {
        let Some(c) = char::from_u32(c) else { return Ok(false) };
        c.encode_utf16(&mut [0; 2]).iter().for_each(|&u| out.extend(unit(u)));
        Ok(true)
    })?;
    Ok(out)
}

/// The text, the number of bytes used, and the byte order found. Without `last`, an incomplete sequence at the end is left alone.
pub fn decode(
    data: &[u8],
    errors: &mut Errors<'_>,
    order: i32,
    last: bool,
) -> Res<(Ptr<StrObj>, usize, i32)> {
    let mut order = order;
    let mut start = 0;
    if order == 0 && data.len() >= 2 {
        match [data[0], data[1]] {
            [0xff, 0xfe] => (order, start) = (-1, 2),
            [0xfe, 0xff] => (order, start) = (1, 2),
            _ => {}
        }
    }
    let found = order;
    if order == 0 {
        order = if cfg!(target_endian = "big") { 1 } else { -1 };
    }
    let encoding = if order < 0 { "utf-16-le" } else { "utf-16-be" };
    let mut d = Decoder::new(encoding, data);
    d.pos = start;
    let unit = |d: &Decoder<'_>, i: usize| {
        let b = [d.data[i], d.data[i + 1]];
        (if order > 0 { u16::from_be_bytes(b) } else { u16::from_le_bytes(b) }) as u32
    };
    loop {
        let (at, n) = (d.pos, d.data.len());
        if at >= n {
            break;
        }
        if at + 1 >= n {
            if !last {
                break;
            }
            d.error(errors, at, n, "truncated data")?;
            continue;
        }
        match unit(&d, at) {
            high @ 0xd800..0xdc00 => {
                if at + 3 >= n {
                    if !last {
                        break;
                    }
                    d.error(errors, at, n, "unexpected end of data")?;
                    continue;
                }
                match unit(&d, at + 2) {
                    low @ 0xdc00..0xe000 => {
                        d.out.push(0x10000 + ((high & 0x3ff) << 10 | low & 0x3ff));
                        d.pos = at + 4;
                    }
                    _ => d.error(errors, at, at + 2, "illegal UTF-16 surrogate")?,
                }
            }
            0xdc00..0xe000 => d.error(errors, at, at + 2, "illegal encoding")?,
            c => {
                d.out.push(c);
                d.pos = at + 2;
            }
        }
    }
    let (s, n) = d.finish();
    Ok((s, n, found))
}
