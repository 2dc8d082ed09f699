//! Tokens between and inside elements.

use super::{
    Mode, PLAIN_BYTES, RawAttribute, Scan, Stop, Tag, Tok, Token, byte, comment, is_space, need, peek, pi,
    qname, reference, skip, skip_space, token,
};

/// The next token of content.
pub fn content(b: &[u8], i: usize, m: Mode, tag: &mut Tag) -> Scan<Token> {
    let Some((c, n)) = peek(b, i)? else { return Ok(token(Tok::None, i)) };
    match char::from_u32(c).unwrap_or_default() {
        '<' => markup(b, i + 1, m.ns, tag),
        '&' => reference(b, i + 1, m.ns),
        '\n' => Ok(token(Tok::Newline, i + 1)),
        '\r' if m.lines => match b.get(i + 1) {
            None => Ok(token(Tok::TrailingCr, i + 1)),
            Some(b'\n') => Ok(token(Tok::Newline, i + 2)),
            Some(_) => Ok(token(Tok::Newline, i + 1)),
        },
        ']' => match (b.get(i + 1), b.get(i + 2)) {
            (None, _) => Ok(token(Tok::TrailingBracket, i + 1)),
            (Some(b']'), None) => Ok(token(Tok::TrailingBracket, i + 2)),
            (Some(b']'), Some(b'>')) => Err(Stop::Invalid(i + 2)),
            _ => Ok(token(Tok::Chars, chars(b, i + 1, true, m.lines)?)),
        },
        _ => Ok(token(Tok::Chars, chars(b, i + n, true, m.lines)?)),
    }
}

/// The end of the characters that go on at `i`: markup, a new line, something invalid or the end of the text.
fn chars(b: &[u8], mut i: usize, markup: bool, lines: bool) -> Scan<usize> {
    loop {
        i = skip(b, i, &PLAIN_BYTES);
        let Some(&c) = b.get(i) else { break };
        match c {
            b'\n' => break,
            b'\r' if lines => break,
            b'<' | b'&' if markup => break,
            b']' if !markup => break,
            // `]]>` may not be. What could become it at the end waits.
            b']' => match (b.get(i + 1), b.get(i + 2)) {
                (None, _) | (Some(b']'), None) => break,
                (Some(b']'), Some(b'>')) => return Err(Stop::Invalid(i + 2)),
                _ => i += 1,
            },
            0x20..0x80 => i += 1,
            _ => match peek(b, i) {
                Ok(Some((_, n))) => i += n,
                _ => break,
            },
        }
    }
    Ok(i)
}

/// What a `<` before `i` begins.
fn markup(b: &[u8], i: usize, ns: bool, tag: &mut Tag) -> Scan<Token> {
    match need(b, i)?.0 {
        c if c == b'/' as u32 => end_tag(b, i + 1, tag),
        c if c == b'?' as u32 => pi(b, i + 1, ns),
        c if c == b'!' as u32 => match byte(b, i + 1)? {
            b'-' => comment(b, i + 2),
            b'[' => {
                let text = b.get(i + 2..i + 8).ok_or(Stop::Partial)?;
                match text.iter().zip(b"CDATA[").position(|(x, y)| x != y) {
                    None => Ok(token(Tok::CdataOpen, i + 8)),
                    Some(at) => Err(Stop::Invalid(i + 2 + at)),
                }
            }
            _ => Err(Stop::Invalid(i + 1)),
        },
        _ => start_tag(b, i, ns, tag),
    }
}

fn end_tag(b: &[u8], i: usize, tag: &mut Tag) -> Scan<Token> {
    // The name must be that of the start tag, whose colons have been looked at.
    let end = super::rest_of_name(b, super::start(b, i, false)?, true)?;
    tag.name_end = end;
    let close = skip_space(b, end);
    match byte(b, close)? {
        b'>' => Ok(token(Tok::EndTag, close + 1)),
        _ => Err(Stop::Invalid(close)),
    }
}

/// The end of a start tag whose `>` or `/>` is at `i`, if it is.
fn close(b: &[u8], i: usize) -> Scan<Option<Token>> {
    match need(b, i)?.0 {
        c if c == b'>' as u32 => Ok(Some(token(Tok::StartTag, i + 1))),
        c if c == b'/' as u32 => match byte(b, i + 1)? {
            b'>' => Ok(Some(token(Tok::EmptyTag, i + 2))),
            _ => Err(Stop::Invalid(i + 1)),
        },
        _ => Ok(None),
    }
}

fn start_tag(b: &[u8], i: usize, ns: bool, tag: &mut Tag) -> Scan<Token> {
    tag.attributes.clear();
    let mut i = qname(b, i, ns)?;
    tag.name_end = i;
    loop {
        let next = skip_space(b, i);
        if let Some(t) = close(b, next)? {
            return Ok(t);
        }
        if next == i {
            return Err(Stop::Invalid(i));
        }
        let name = (next, qname(b, next, ns)?);
        let eq = skip_space(b, name.1);
        if byte(b, eq)? != b'=' {
            return Err(Stop::Invalid(eq));
        }
        let open = skip_space(b, eq + 1);
        let quote = match byte(b, open)? {
            quote @ (b'"' | b'\'') => quote,
            _ => return Err(Stop::Invalid(open)),
        };
        let mut at = open + 1;
        let mut plain = true;
        let mut blank = true;
        loop {
            let start = at;
            at = skip(b, at, &PLAIN_BYTES);
            blank &= at == start;
            let (c, n) = need(b, at)?;
            match u8::try_from(c) {
                Ok(c) if c == quote => break,
                Ok(b'<') => return Err(Stop::Invalid(at)),
                Ok(b'&') => {
                    plain = false;
                    at = reference(b, at + 1, ns)?.next;
                }
                Ok(b' ') => {
                    plain &= !blank;
                    at += 1;
                    blank = true;
                    continue;
                }
                Ok(c) if is_space(c) => {
                    plain = false;
                    at += 1;
                }
                _ => at += n,
            }
            blank = false;
        }
        plain &= !blank || at == open + 1;
        tag.attributes.push(RawAttribute { name, value: (open + 1, at), plain });
        i = at + 1;
        if !matches!(byte(b, i)?, b'>' | b'/' | b' ' | b'\t' | b'\r' | b'\n') {
            return Err(Stop::Invalid(i));
        }
    }
}

/// The next token of a CDATA section.
pub fn cdata(b: &[u8], i: usize, m: Mode) -> Scan<Token> {
    let Some((c, n)) = peek(b, i)? else { return Ok(token(Tok::None, i)) };
    match char::from_u32(c).unwrap_or_default() {
        ']' => match (b.get(i + 1), b.get(i + 2)) {
            (None, _) | (Some(b']'), None) => Err(Stop::Partial),
            (Some(b']'), Some(b'>')) => Ok(token(Tok::CdataClose, i + 3)),
            _ => Ok(token(Tok::Chars, chars(b, i + 1, false, m.lines)?)),
        },
        '\n' => Ok(token(Tok::Newline, i + 1)),
        '\r' if m.lines => match b.get(i + 1) {
            None => Err(Stop::Partial),
            Some(b'\n') => Ok(token(Tok::Newline, i + 2)),
            Some(_) => Ok(token(Tok::Newline, i + 1)),
        },
        _ => Ok(token(Tok::Chars, chars(b, i + n, false, m.lines)?)),
    }
}
