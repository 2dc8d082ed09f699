//! The next token of a text, which may go on beyond what is there of it.
//!
//! Texts are UTF-8, in which invalid bytes may occur anywhere: they are found here. The functions do not look at handlers, at
//! declarations or at what came before; [`crate::Parser`] calls that of the place it is in.

mod content;
mod prolog;

pub use content::{cdata, content};
pub use prolog::{attribute, entity_value, ignored, prolog};

use crate::names::{is_name, is_start};

/// How often a part of a content model may occur.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Quant {
    /// Once.
    None = 0,
    /// `?`
    Optional = 1,
    /// `*`
    Repeat = 2,
    /// `+`
    Plus = 3,
}

/// A kind of token.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Tok {
    /// The text is used up.
    None,
    /// `\n`, `\r\n` or `\r`, in content.
    Newline,
    /// A `\r` at the end of what is there.
    TrailingCr,
    /// `]` or `]]` at the end of what is there.
    TrailingBracket,
    /// Characters.
    Chars,
    /// `<a ...>`
    StartTag,
    /// `<a .../>`
    EmptyTag,
    /// `</a>`
    EndTag,
    /// `&#...;`
    CharRef,
    /// `&a;`
    EntityRef,
    /// `<![CDATA[`
    CdataOpen,
    /// `]]>`
    CdataClose,
    /// `<?a ...?>`
    Pi,
    /// `<?xml ...?>`
    XmlDecl,
    /// `<!-- ... -->`
    Comment,
    /// White space between other tokens of the prolog.
    Space,
    /// `<!A`
    DeclOpen,
    /// `>`
    DeclClose,
    /// A name without a colon.
    Name,
    /// A name with a colon (of a parser that knows namespaces).
    PrefixedName,
    /// Characters of names, the first of which cannot begin one.
    Nmtoken,
    /// `#a`
    PoundName,
    /// `|`
    Or,
    /// `,`
    Comma,
    /// `%` that begins no reference.
    Percent,
    /// `(`
    OpenParen,
    /// `)`, and what may follow it.
    CloseParen(Quant),
    /// A name, and what follows it.
    NameQuant(Quant),
    /// `[`
    OpenBracket,
    /// `]`
    CloseBracket,
    /// A quoted literal.
    Literal,
    /// `%a;`
    ParamEntityRef,
    /// The `<` of the root element.
    InstanceStart,
    /// `<![`
    CondOpen,
    /// `]]>`
    CondClose,
}

/// How a text is scanned.
#[derive(Clone, Copy)]
pub struct Mode {
    /// Whether names have prefixes.
    pub ns: bool,
    /// Whether `\r` ends a line. In texts of entities, where it can only come from a reference, it is white space.
    pub lines: bool,
}

/// Why there is no token.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stop {
    /// The text ends inside a token.
    Partial,
    /// The text ends inside a character.
    PartialChar,
    /// This cannot be, because of what stands at this place.
    Invalid(usize),
}

/// A token.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Token {
    /// What it is.
    pub tok: Tok,
    /// The place after it.
    pub next: usize,
    /// Whether it could go on, or be something else, if there were more text.
    pub open: bool,
}

/// A token that is complete.
fn token(tok: Tok, next: usize) -> Token {
    Token { tok, next, open: false }
}

/// What a scanner says.
pub type Scan<T> = Result<T, Stop>;

/// The places of an attribute inside a tag.
#[derive(Clone, Copy, Debug)]
pub struct RawAttribute {
    /// Its name.
    pub name: (usize, usize),
    /// What stands between the quotes.
    pub value: (usize, usize),
    /// Whether the value is as it stands: no references, and no white space but single blanks.
    pub plain: bool,
}

/// What the scanner of tags has found besides the tag's end.
#[derive(Default)]
pub struct Tag {
    /// The end of the name.
    pub name_end: usize,
    /// The attributes.
    pub attributes: Vec<RawAttribute>,
}

/// The character at `i`, and its length in bytes; `None` at the end.
fn peek(b: &[u8], i: usize) -> Scan<Option<(u32, usize)>> {
    let Some(&c) = b.get(i) else { return Ok(None) };
    if c < 0x80 {
        return if c >= 0x20 || matches!(c, b'\t' | b'\n' | b'\r') {
            Ok(Some((c as u32, 1)))
        } else {
            Err(Stop::Invalid(i))
        };
    }
    let n = match c {
        0xc2..=0xdf => 2,
        0xe0..=0xef => 3,
        0xf0..=0xf4 => 4,
        _ => return Err(Stop::Invalid(i)),
    };
    let Some(whole) = b.get(i..i + n) else { return Err(Stop::PartialChar) };
    match std::str::from_utf8(whole).ok().and_then(|s| s.chars().next()) {
        Some(c) if c != '\u{fffe}' && c != '\u{ffff}' => Ok(Some((c as u32, n))),
        _ => Err(Stop::Invalid(i)),
    }
}

/// As [`peek`]; the end is inside a token.
fn need(b: &[u8], i: usize) -> Scan<(u32, usize)> {
    peek(b, i)?.ok_or(Stop::Partial)
}

/// The byte at `i`, where only ASCII may be; the end is inside a token.
fn byte(b: &[u8], i: usize) -> Scan<u8> {
    b.get(i).copied().ok_or(Stop::Partial)
}

/// Whether this byte is white space.
pub fn is_space(c: u8) -> bool {
    matches!(c, b' ' | b'\t' | b'\n' | b'\r')
}

/// The first place from `i` on that is no white space.
fn skip_space(b: &[u8], mut i: usize) -> usize {
    while b.get(i).is_some_and(|c| is_space(*c)) {
        i += 1;
    }
    i
}

/// Bytes of ASCII that names may have after the first.
static NAME_BYTES: [bool; 256] = {
    let mut t = [false; 256];
    let mut i = 0;
    while i < 128 {
        let c = i as u8;
        t[i] = c.is_ascii_alphanumeric() || matches!(c, b'_' | b'-' | b'.');
        i += 1;
    }
    t
};

/// Bytes of ASCII that are nothing but characters wherever they stand in content or in values.
static PLAIN_BYTES: [bool; 256] = {
    let mut t = [false; 256];
    let mut i = 32;
    while i < 128 {
        t[i] = !matches!(i as u8, b'<' | b'&' | b']' | b'"' | b'\'' | b' ');
        i += 1;
    }
    t
};

/// The first place from `i` on whose byte is not in the table.
fn skip(b: &[u8], mut i: usize, table: &[bool; 256]) -> usize {
    while b.get(i).is_some_and(|c| table[*c as usize]) {
        i += 1;
    }
    i
}

/// The place after the character at `i`, which must be able to begin a name.
fn start(b: &[u8], i: usize, colon: bool) -> Scan<usize> {
    match need(b, i)? {
        (c, n) if is_start(c) || colon && c == b':' as u32 => Ok(i + n),
        _ => Err(Stop::Invalid(i)),
    }
}

/// The end of the name whose later characters begin at `i`.
fn rest_of_name(b: &[u8], mut i: usize, colon: bool) -> Scan<usize> {
    loop {
        i = skip(b, i, &NAME_BYTES);
        match need(b, i)? {
            (c, n) if is_name(c) || colon && c == b':' as u32 => i += n,
            _ => return Ok(i),
        }
    }
}

/// The end of the name that begins at `i`. With namespaces, it has one colon at most, and a name on either side of it.
fn qname(b: &[u8], i: usize, ns: bool) -> Scan<usize> {
    let mut i = start(b, i, !ns)?;
    let mut seen = false;
    loop {
        i = skip(b, i, &NAME_BYTES);
        match need(b, i)? {
            (c, _) if c == b':' as u32 => {
                if !ns {
                    i += 1;
                } else if seen {
                    return Err(Stop::Invalid(i));
                } else {
                    seen = true;
                    i = start(b, i + 1, false)?;
                }
            }
            (c, n) if is_name(c) => i += n,
            _ => return Ok(i),
        }
    }
}

/// A reference; `i` is after its `&`.
fn reference(b: &[u8], i: usize, ns: bool) -> Scan<Token> {
    if need(b, i)?.0 != b'#' as u32 {
        let end = rest_of_name(b, start(b, i, !ns)?, !ns)?;
        return if need(b, end)?.0 == b';' as u32 {
            Ok(token(Tok::EntityRef, end + 1))
        } else {
            Err(Stop::Invalid(end))
        };
    }
    let mut i = i + 1;
    let hex = byte(b, i)? == b'x';
    if hex {
        i += 1;
    }
    let first = i;
    loop {
        match byte(b, i)? {
            c if if hex { c.is_ascii_hexdigit() } else { c.is_ascii_digit() } => i += 1,
            b';' if i > first => return Ok(token(Tok::CharRef, i + 1)),
            _ => return Err(Stop::Invalid(i)),
        }
    }
}

/// The character that a reference, `&#...;`, means, if there is one that documents may have.
pub fn char_ref(b: &[u8]) -> Option<char> {
    let digits = std::str::from_utf8(b.get(2..b.len().checked_sub(1)?)?).ok()?;
    let n = match digits.strip_prefix('x') {
        Some(hex) => u32::from_str_radix(hex, 16),
        None => digits.parse(),
    };
    let c = char::from_u32(n.ok()?)?;
    match c {
        '\u{fffe}' | '\u{ffff}' => None,
        '\t' | '\n' | '\r' => Some(c),
        c if c < ' ' => None,
        c => Some(c),
    }
}

/// A processing instruction; `i` is after its `<?`.
fn pi(b: &[u8], i: usize, ns: bool) -> Scan<Token> {
    let end = rest_of_name(b, start(b, i, !ns)?, !ns)?;
    let (c, _) = need(b, end)?;
    if c != b'?' as u32 && !u8::try_from(c).is_ok_and(is_space) {
        return Err(Stop::Invalid(end));
    }
    let tok = match &b[i..end] {
        b"xml" => Tok::XmlDecl,
        name if name.eq_ignore_ascii_case(b"xml") => return Err(Stop::Invalid(end)),
        _ => Tok::Pi,
    };
    if c == b'?' as u32 {
        return match byte(b, end + 1)? {
            b'>' => Ok(token(tok, end + 2)),
            _ => Err(Stop::Invalid(end + 1)),
        };
    }
    let mut i = end + 1;
    loop {
        let (c, n) = need(b, i)?;
        i += n;
        if c == b'?' as u32 && byte(b, i)? == b'>' {
            return Ok(token(tok, i + 1));
        }
    }
}

/// A comment; `i` is after its `<!-`.
fn comment(b: &[u8], i: usize) -> Scan<Token> {
    if byte(b, i)? != b'-' {
        return Err(Stop::Invalid(i));
    }
    let mut i = i + 1;
    loop {
        let (c, n) = need(b, i)?;
        i += n;
        if c == b'-' as u32 && byte(b, i)? == b'-' {
            return match byte(b, i + 1)? {
                b'>' => Ok(token(Tok::Comment, i + 2)),
                _ => Err(Stop::Invalid(i + 1)),
            };
        }
    }
}
