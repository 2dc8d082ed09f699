//! Tokens of the prolog and of declarations, and of the values that stand in them.

use super::{
    Mode, Quant, Scan, Stop, Tok, Token, byte, comment, is_space, need, peek, pi, reference, start, token,
};
use crate::names::{is_name, is_start};

/// A token that could go on if there were more text.
fn open(tok: Tok, next: usize) -> Token {
    Token { tok, next, open: true }
}

/// The next token of a prolog, or of an external subset.
pub fn prolog(b: &[u8], i: usize, ns: bool) -> Scan<Token> {
    let Some((c, n)) = peek(b, i)? else { return Ok(token(Tok::None, i)) };
    Ok(match char::from_u32(c).unwrap_or_default() {
        quote @ ('"' | '\'') => return literal(b, i + 1, quote as u32),
        '<' => match byte(b, i + 1)? {
            b'!' => return declaration(b, i + 2, ns),
            b'?' => return pi(b, i + 2, ns),
            b':' if !ns => token(Tok::InstanceStart, i),
            b'a'..=b'z' | b'A'..=b'Z' | b'_' | 0xc0..0xf5 => token(Tok::InstanceStart, i),
            _ => return Err(Stop::Invalid(i + 1)),
        },
        ' ' | '\t' | '\n' | '\r' => return Ok(space(b, i)),
        '%' => return percent(b, i + 1, ns),
        ',' => token(Tok::Comma, i + 1),
        '[' => token(Tok::OpenBracket, i + 1),
        ']' => match b.get(i + 1) {
            None => open(Tok::CloseBracket, i + 1),
            Some(b']') => match byte(b, i + 2)? {
                b'>' => token(Tok::CondClose, i + 3),
                _ => token(Tok::CloseBracket, i + 1),
            },
            Some(_) => token(Tok::CloseBracket, i + 1),
        },
        '(' => token(Tok::OpenParen, i + 1),
        ')' => match b.get(i + 1) {
            None => open(Tok::CloseParen(Quant::None), i + 1),
            Some(c) => match (quant(*c as u32), c) {
                (Some(q), _) => token(Tok::CloseParen(q), i + 2),
                (_, b'\r' | b'\n' | b' ' | b'\t' | b'>' | b',' | b'|' | b')') => {
                    token(Tok::CloseParen(Quant::None), i + 1)
                }
                _ => return Err(Stop::Invalid(i + 1)),
            },
        },
        '|' => token(Tok::Or, i + 1),
        '>' => token(Tok::DeclClose, i + 1),
        '#' => return pound(b, i + 1, ns),
        _ if is_start(c) || c == b':' as u32 && !ns => return word(b, i + n, Tok::Name, ns),
        _ if is_name(c) || c == b':' as u32 => return word(b, i + n, Tok::Nmtoken, ns),
        _ => return Err(Stop::Invalid(i)),
    })
}

fn quant(c: u32) -> Option<Quant> {
    Some(match char::from_u32(c)? {
        '?' => Quant::Optional,
        '*' => Quant::Repeat,
        '+' => Quant::Plus,
        _ => return None,
    })
}

/// White space. A `\r` that ends the text is kept from the `\n` that may follow.
fn space(b: &[u8], i: usize) -> Token {
    if b[i] == b'\r' && i + 1 == b.len() {
        return open(Tok::Space, i + 1);
    }
    let mut i = i + 1;
    while b.get(i).is_some_and(|c| is_space(*c)) && !(b[i] == b'\r' && i + 1 == b.len()) {
        i += 1;
    }
    token(Tok::Space, i)
}

fn literal(b: &[u8], mut i: usize, quote: u32) -> Scan<Token> {
    loop {
        let (c, n) = need(b, i)?;
        i += n;
        if c == quote {
            break;
        }
    }
    match b.get(i) {
        None => Ok(open(Tok::Literal, i)),
        Some(c) if is_space(*c) || matches!(c, b'>' | b'%' | b'[') => Ok(token(Tok::Literal, i)),
        Some(_) => Err(Stop::Invalid(i)),
    }
}

/// What a `<!` before `i` begins.
fn declaration(b: &[u8], i: usize, ns: bool) -> Scan<Token> {
    let letter = |c: u8| c.is_ascii_alphabetic() || c == b'_' || c == b':' && !ns;
    match byte(b, i)? {
        b'-' => return comment(b, i + 1),
        b'[' => return Ok(token(Tok::CondOpen, i + 1)),
        c if letter(c) => {}
        _ => return Err(Stop::Invalid(i)),
    }
    let mut i = i + 1;
    loop {
        match byte(b, i)? {
            // No `<!ENTITY% name`.
            b'%' => match byte(b, i + 1)? {
                c if is_space(c) || c == b'%' => return Err(Stop::Invalid(i)),
                _ => return Ok(token(Tok::DeclOpen, i)),
            },
            c if is_space(c) => return Ok(token(Tok::DeclOpen, i)),
            c if letter(c) => i += 1,
            _ => return Err(Stop::Invalid(i)),
        }
    }
}

/// `%`, alone or the beginning of a reference; `i` is after it.
fn percent(b: &[u8], i: usize, ns: bool) -> Scan<Token> {
    let (c, _) = need(b, i)?;
    if u8::try_from(c).is_ok_and(|c| is_space(c) || c == b'%') {
        return Ok(token(Tok::Percent, i));
    }
    let end = super::rest_of_name(b, start(b, i, !ns)?, !ns)?;
    match need(b, end)?.0 {
        c if c == b';' as u32 => Ok(token(Tok::ParamEntityRef, end + 1)),
        _ => Err(Stop::Invalid(end)),
    }
}

fn pound(b: &[u8], i: usize, ns: bool) -> Scan<Token> {
    let mut i = start(b, i, !ns)?;
    loop {
        match peek(b, i)? {
            None => return Ok(open(Tok::PoundName, i)),
            Some((c, n)) if is_name(c) || c == b':' as u32 && !ns => i += n,
            Some((c, _))
                if u8::try_from(c).is_ok_and(|c| is_space(c) || matches!(c, b')' | b'>' | b'%' | b'|')) =>
            {
                return Ok(token(Tok::PoundName, i));
            }
            Some(_) => return Err(Stop::Invalid(i)),
        }
    }
}

/// A name or a name token, whose later characters begin at `i`.
fn word(b: &[u8], mut i: usize, mut tok: Tok, ns: bool) -> Scan<Token> {
    loop {
        let Some((c, n)) = peek(b, i)? else { return Ok(open(tok, i)) };
        if is_name(c) {
            i += n;
            continue;
        }
        match char::from_u32(c).unwrap_or_default() {
            ':' if !ns => i += 1,
            ':' => {
                i += 1;
                tok = match tok {
                    Tok::Name => match need(b, i)? {
                        (c, n) if is_name(c) => {
                            i += n;
                            Tok::PrefixedName
                        }
                        _ => Tok::Nmtoken,
                    },
                    _ => Tok::Nmtoken,
                };
            }
            '>' | ')' | ',' | '|' | '[' | '%' | ' ' | '\t' | '\r' | '\n' => return Ok(token(tok, i)),
            _ => {
                return match quant(c) {
                    Some(q) if tok != Tok::Nmtoken => Ok(token(Tok::NameQuant(q), i + 1)),
                    _ => Err(Stop::Invalid(i)),
                };
            }
        }
    }
}

/// The next token of a value of an attribute, or [`Tok::Space`] for one character of white space that is no new line.
pub fn attribute(b: &[u8], i: usize, m: Mode) -> Scan<Token> {
    let Some(&c) = b.get(i) else { return Ok(token(Tok::None, i)) };
    Ok(match c {
        b'&' => return reference(b, i + 1, m.ns),
        // Only texts of entities can have one.
        b'<' => return Err(Stop::Invalid(i)),
        b'\n' => token(Tok::Newline, i + 1),
        b'\r' if m.lines => token(Tok::Newline, i + 1 + usize::from(b.get(i + 1) == Some(&b'\n'))),
        b' ' | b'\t' | b'\r' => token(Tok::Space, i + 1),
        _ => {
            let rest = &b[i..];
            let n = rest.iter().position(|c| is_space(*c) || matches!(c, b'&' | b'<'));
            token(Tok::Chars, i + n.unwrap_or(rest.len()))
        }
    })
}

/// The next token of a value of an entity.
pub fn entity_value(b: &[u8], i: usize, m: Mode) -> Scan<Token> {
    let Some(&c) = b.get(i) else { return Ok(token(Tok::None, i)) };
    Ok(match c {
        b'&' => return reference(b, i + 1, m.ns),
        b'%' => {
            return match percent(b, i + 1, m.ns) {
                Ok(Token { tok: Tok::Percent, .. }) => Err(Stop::Invalid(i + 1)),
                other => other,
            };
        }
        b'\n' => token(Tok::Newline, i + 1),
        b'\r' if m.lines => token(Tok::Newline, i + 1 + usize::from(b.get(i + 1) == Some(&b'\n'))),
        _ => {
            let rest = &b[i..];
            let special = |c: &u8| matches!(c, b'&' | b'%' | b'\n') || *c == b'\r' && m.lines;
            let n = rest.iter().skip(1).position(special);
            token(Tok::Chars, i + n.map_or(rest.len(), |n| n + 1))
        }
    })
}

/// The place after an ignored section, whose `<![IGNORE[` is before `i`.
pub fn ignored(b: &[u8], mut i: usize) -> Scan<usize> {
    let mut level = 0usize;
    loop {
        let (c, n) = need(b, i)?;
        i += n;
        if c == b'<' as u32 && byte(b, i)? == b'!' {
            i += 1;
            if byte(b, i)? == b'[' {
                i += 1;
                level += 1;
            }
        } else if c == b']' as u32 && byte(b, i)? == b']' {
            if byte(b, i + 1)? == b'>' {
                i += 2;
                if level == 0 {
                    return Ok(i);
                }
                level -= 1;
            }
        }
    }
}
