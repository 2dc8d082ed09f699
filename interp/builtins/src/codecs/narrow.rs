//! Latin-1 and ASCII.

use cape_vm::object::*;
use cape_vm::{Ptr, Res};

use super::errors::{Decoder, EncodeHow, Errors};

/// One of the two.
#[derive(Clone, Copy)]
pub struct Narrow {
    encoding: &'static str,
    limit: u32,
    reason: &'static str,
}

/// ISO 8859-1.
pub const LATIN1: Narrow = Narrow { encoding: "latin-1", limit: 256, reason: "ordinal not in range(256)" };
/// US-ASCII.
pub const ASCII: Narrow = Narrow { encoding: "ascii", limit: 128, reason: "ordinal not in range(128)" };

/// The string in the encoding.
pub fn encode(s: Ptr<StrObj>, errors: &mut Errors<'_>, to: Narrow) -> Res<Vec<u8>> {
    if s.is_ascii() || s.kind() == StrKind::One && to.limit == 256 {
        return Ok(s.data1().to_vec());
    }
    let mut out = Vec::with_capacity(s.len() + 16);
    let how = EncodeHow { gather: true, ascii_only: false, unit: 1 };
    errors.encode_all(to.encoding, s, to.reason, how, &mut out, |out, c| {
        if c < to.limit {
            out.push(c as u8);
        }
        Ok(c < to.limit)
    })?;
    Ok(out)
}

/// The text of ASCII bytes.
pub fn decode_ascii(data: &[u8], errors: &mut Errors<'_>) -> Res<(Ptr<StrObj>, usize)> {
    if data.is_ascii() {
        return Ok((StrObj::from_latin1(data), data.len()));
    }
    let mut d = Decoder::new("ascii", data);
    while d.pos < d.data.len() {
        let rest = &d.data[d.pos..];
        let n = rest.iter().position(|b| !b.is_ascii()).unwrap_or(rest.len());
        // SAFETY: ASCII is UTF-8.
        d.out.push_str(unsafe { std::str::from_utf8_unchecked(&rest[..n]) });
        d.pos += n;
        if d.pos < d.data.len() {
            let at = d.pos;
            d.error(errors, at, at + 1, "ordinal not in range(128)")?;
        }
    }
    Ok(d.finish())
}
