//! UTF-32.

use cape_vm::object::*;
use cape_vm::{Ptr, Res};

use super::errors::{Decoder, EncodeHow, Errors};

/// The string in UTF-32; `order` as for UTF-16.
pub fn encode(s: Ptr<StrObj>, errors: &mut Errors<'_>, order: i32) -> Res<Vec<u8>> {
    let big = order > 0 || order == 0 && cfg!(target_endian = "big");
    let unit = |u: u32| if big { u.to_be_bytes() } else { u.to_le_bytes() };
    let mut out = Vec::with_capacity(s.len() * 4 + 4);
    if order == 0 {
        out.extend(unit(0xfeff));
    }
    let encoding = match order {
        0 => "utf-32",
        o if o < 0 => "utf-32-le",
        _ => "utf-32-be",
    };
    let how = EncodeHow { gather: false, ascii_only: true, unit: 4 };
    errors.encode_all(encoding, s, "surrogates not allowed", how, &mut out, |out, c| {
        if (0xd800..0xe000).contains(&c) {
            return Ok(false);
        }
        out.extend(unit(c));
        Ok(true)
    })?;
    Ok(out)
}

/// The text, the number of bytes used, and the byte order found. Without `last`, an incomplete unit at the end is left alone.
pub fn decode(
    data: &[u8],
    errors: &mut Errors<'_>,
    order: i32,
    last: bool,
) -> Res<(Ptr<StrObj>, usize, i32)> {
    let mut order = order;
    let mut start = 0;
    if order == 0 && data.len() >= 4 {
        match data[..4] {
            [0xff, 0xfe, 0, 0] => (order, start) = (-1, 4),
            [0, 0, 0xfe, 0xff] => (order, start) = (1, 4),
            _ => {}
        }
    }
    let found = order;
    if order == 0 {
        order = if cfg!(target_endian = "big") { 1 } else { -1 };
    }
    let encoding = if order < 0 { "utf-32-le" } else { "utf-32-be" };
    let mut d = Decoder::new(encoding, data);
    d.pos = start;
    while d.pos < d.data.len() {
        let at = d.pos;
        let Some(&[a, b, c, e]) = d.data[at..].first_chunk::<4>() else {
            if !last {
                break;
            }
            let n = d.data.len();
            d.error(errors, at, n, "truncated data")?;
            continue;
        };
        let c = if order > 0 { u32::from_be_bytes([a, b, c, e]) } else { u32::from_le_bytes([a, b, c, e]) };
        match c {
            0xd800..0xe000 => {
                d.error(errors, at, at + 4, "code point in surrogate code point range(0xd800, 0xe000)")?
            }
            0..0x110000 => {
                d.out.push(c);
                d.pos = at + 4;
            }
            _ => d.error(errors, at, at + 4, "code point not in range(0x110000)")?,
        }
    }
    let (s, n) = d.finish();
    Ok((s, n, found))
}
