//! UTF-8.

use cape_vm::object::*;
use cape_vm::{Ptr, Res};

use super::errors::{Decoder, EncodeHow, Errors, Handler};

/// The string in UTF-8.
pub fn encode(s: Ptr<StrObj>, errors: &mut Errors<'_>) -> Res<Vec<u8>> {
    if let Some(t) = s.to_utf8() {
        return Ok(t.into_owned().into_bytes());
    }
    if errors.handler() == Handler::SurrogatePass {
        return Ok(s.to_wtf8().into_owned());
    }
    let mut out = Vec::with_capacity(s.len() + 16);
    let how = EncodeHow { gather: true, ascii_only: true, unit: 1 };
    errors.encode_all(
        "utf-8",
        s,
        "surrogates not allowed",
        how,
        &mut out,
        |out, c| match char::from_u32(c) {
            Some(c) => {
                out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
                Ok(true)
            }
            None => Ok(false),
        },
    )?;
    Ok(out)
}

/// The text and the number of bytes used: without `last`, an incomplete sequence at the end is left alone.
pub fn decode(data: &[u8], errors: &mut Errors<'_>, last: bool) -> Res<(Ptr<StrObj>, usize)> {
    if let Ok(s) = std::str::from_utf8(data) {
        return Ok((StrObj::new(s), data.len()));
    }
    let mut d = Decoder::new("utf-8", data);
    loop {
        let rest = &d.data[d.pos..];
        let (valid, bad) = match std::str::from_utf8(rest) {
            Ok(s) => (s, None),
            Err(e) => {
                let n = e.valid_up_to();
                // SAFETY: from_utf8 has checked this prefix.
                (unsafe { std::str::from_utf8_unchecked(&rest[..n]) }, Some(e.error_len()))
            }
        };
        d.out.push_str(valid);
        let start = d.pos + valid.len();
        d.pos = start;
        match bad {
            None => return Ok(d.finish()),
            Some(None) if !last => return Ok(d.finish()),
            // The beginning of a surrogate, which a handler may take as a whole.
            Some(_) if !last && matches!(d.rest(), [0xed, 0xa0..=0xbf]) => return Ok(d.finish()),
            Some(None) => {
                let end = d.data.len();
                d.error(errors, start, end, "unexpected end of data")?
            }
            Some(Some(n)) => {
                let reason = match d.data[start] {
                    0xc2..=0xf4 => "invalid continuation byte",
                    _ => "invalid start byte",
                };
                d.error(errors, start, start + n, reason)?
            }
        }
    }
}
