//! String literals: text with lone surrogates, warnings for invalid escapes, docstrings.

use cape_bytecode::{Const, Wtf8};
use ruff_python_ast::{self as ast, Expr, Stmt, StringFlags};
use ruff_text_size::TextRange;

use crate::compiler::Compiler;
use crate::error::{Stage, Warning};
use crate::source::Source;
use crate::syntax::warning;

/// What the parser puts in place of a lone surrogate.
const REPLACEMENT: char = '\u{FFFD}';

impl Source<'_> {
    /// The value of a (possibly concatenated) string literal.
    pub(crate) fn string_value(&self, s: &ast::ExprStringLiteral) -> Wtf8 {
        let parts = s.value.as_slice();
        if let [part] = parts {
            return self.string_part(part);
        }
        let mut out = Vec::new();
        for part in parts {
            out.extend_from_slice(&self.string_part(part).0);
        }
        out.into()
    }

    pub(crate) fn string_part(&self, part: &ast::StringLiteral) -> Wtf8 {
        if let Some(Const::Str(s)) = self.kept(&part.node_index) {
            return s.clone();
        }
        if part.value.contains(REPLACEMENT) && !self.is_synthetic() && !part.flags.prefix().is_raw() {
            let inner = TextRange::new(
                part.range.start() + part.flags.opener_len(),
                part.range.end() - part.flags.closer_len(),
            );
            return decode(self.slice(inner)).into();
        }
        (&*part.value).into()
    }

    /// The literal text of an f-string or t-string element.
    pub(crate) fn interpolated_literal(&self, e: &ast::InterpolatedStringLiteralElement, raw: bool) -> Wtf8 {
        if let Some(Const::Str(s)) = self.kept(&e.node_index) {
            return s.clone();
        }
        if e.value.contains(REPLACEMENT) && !self.is_synthetic() && !raw {
            let text = self.slice(e.range).replace("{{", "{").replace("}}", "}");
            return decode(&text).into();
        }
        (&*e.value).into()
    }

    /// Source text without the comments in it (`comments` are all that stand in f-strings and t-strings).
    pub(crate) fn without_comments(&self, range: TextRange, comments: &[TextRange]) -> String {
        let mut out = String::new();
        let mut at = range.start();
        let first = comments.partition_point(|c| c.start() < range.start());
        for c in comments[first..].iter().take_while(|c| c.end() <= range.end()) {
            out.push_str(self.slice(TextRange::new(at, c.start())));
            at = c.end();
        }
        out.push_str(self.slice(TextRange::new(at, range.end())));
        out
    }

    /// The source text of an interpolated expression.
    pub(crate) fn interpolation_text(&self, i: &ast::InterpolatedElement, comments: &[TextRange]) -> String {
        use ruff_text_size::Ranged;
        if self.is_synthetic() {
            return match self.kept(&i.node_index) {
                Some(Const::Str(s)) => String::from_utf8_lossy(s.as_bytes()).into_owned(),
                _ => String::new(),
            };
        }
        let text = self.text.as_bytes();
        let open = i.range.start().to_usize() + 1;
        let mut end = i.expression.range().end().to_usize();
        // Blanks and closing parentheses after the expression belong to its text.
        while matches!(text[end], b' ' | b'\t' | b'\n' | b')') {
            end += 1;
        }
        self.without_comments(TextRange::new((open as u32).into(), (end as u32).into()), comments)
    }
}

impl<'a> Compiler<'a> {
    /// The value of a (possibly concatenated) string literal.
    pub(crate) fn string_value(&self, s: &ast::ExprStringLiteral) -> Wtf8 {
        self.source.string_value(s)
    }

    /// The docstring of a body.
    pub(crate) fn docstring(&self, body: &[Stmt]) -> Option<Wtf8> {
        match body.first()? {
            Stmt::Expr(s) => match &*s.value {
                Expr::StringLiteral(s) => Some(self.string_value(s)),
                _ => None,
            },
            _ => None,
        }
    }
}

/// WTF-8 of a code point that may be a surrogate.
fn push_code_point(out: &mut Vec<u8>, c: u32) {
    match char::from_u32(c) {
        Some(c) => out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
        None => {
            let bytes = [0xED, 0x80 | (c >> 6 & 0x3f) as u8, 0x80 | (c & 0x3f) as u8];
            out.extend_from_slice(&bytes);
        }
    }
}

/// Decode the inside of a valid string literal that is not raw.
fn decode(text: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        out.extend_from_slice(&rest.as_bytes()[..at]);
        rest = &rest[at + 1..];
        let Some(c) = rest.chars().next() else { break };
        rest = &rest[c.len_utf8()..];
        let hex = |rest: &mut &str, n: usize| {
            let v = u32::from_str_radix(&rest[..n], 16).unwrap_or(0);
            *rest = &rest[n..];
            v
        };
        match c {
            '\n' => continue,
            '\r' => {
                rest = rest.strip_prefix('\n').unwrap_or(rest);
                continue;
            }
            '\\' | '\'' | '"' => out.push(c as u8),
            'a' => out.push(7),
            'b' => out.push(8),
            'f' => out.push(12),
            'n' => out.push(10),
            'r' => out.push(13),
            't' => out.push(9),
            'v' => out.push(11),
            'x' => push_code_point(&mut out, hex(&mut rest, 2)),
            'u' => push_code_point(&mut out, hex(&mut rest, 4)),
            'U' => push_code_point(&mut out, hex(&mut rest, 8)),
            'N' => {
                let end = rest.find('}').unwrap_or(rest.len());
                let name = rest[..end].trim_start_matches('{');
                if let Some(c) = crate::character(name) {
                    push_code_point(&mut out, c as u32);
                }
                rest = rest.get(end + 1..).unwrap_or("");
            }
            '0'..='7' => {
                let mut v = c as u32 - '0' as u32;
                for _ in 0..2 {
                    match rest.as_bytes().first() {
                        Some(d @ b'0'..=b'7') => {
                            v = v * 8 + (d - b'0') as u32;
                            rest = &rest[1..];
                        }
                        _ => break,
                    }
                }
                push_code_point(&mut out, v);
            }
            c => {
                out.push(b'\\');
                push_code_point(&mut out, c as u32);
            }
        }
    }
    out.extend_from_slice(rest.as_bytes());
    out
}

/// Remove the common indentation of a docstring, as CPython's compiler does since 3.13.
pub(crate) fn clean_docstring(doc: &Wtf8) -> Wtf8 {
    let text = doc.as_bytes();
    // Tabs are expanded first.
    let mut expanded = Vec::with_capacity(text.len());
    if memchr::memchr(b'\t', text).is_some() {
        let mut col = 0;
        for &b in text {
            match b {
                b'\t' => {
                    let n = 8 - col % 8;
                    expanded.extend(std::iter::repeat_n(b' ', n));
                    col += n;
                }
                b'\n' | b'\r' => {
                    expanded.push(b);
                    col = 0;
                }
                _ => {
                    expanded.push(b);
                    // Columns count characters.
                    col += (b & 0xC0 != 0x80) as usize;
                }
            }
        }
    } else {
        expanded.extend_from_slice(text);
    }
    let margin = expanded
        .split(|&b| b == b'\n')
        .skip(1)
        .filter_map(|line| line.iter().position(|&b| b != b' '))
        .min()
        .unwrap_or(0);
    let mut out = Vec::with_capacity(expanded.len());
    for (i, line) in expanded.split(|&b| b == b'\n').enumerate() {
        if i > 0 {
            out.push(b'\n');
        }
        let spaces = line.iter().take_while(|&&b| b == b' ').count();
        let skip = if i == 0 { spaces } else { spaces.min(margin) };
        out.extend_from_slice(&line[skip..]);
    }
    out.into()
}

/// The range of the first statement after a docstring.
pub(crate) fn after_docstring(body: &[Stmt], has: bool) -> &[Stmt] {
    if has { &body[1..] } else { body }
}

/// Warnings for the invalid escape sequences in a literal that is not raw, the `whole` or a piece of an f-string.
pub(crate) fn escape_warnings(
    source: &Source<'_>,
    range: TextRange,
    whole: bool,
    bytes: bool,
    out: &mut Vec<Warning>,
) {
    let slice = source.slice(range);
    let text = slice.as_bytes();
    let mut i = 0;
    // Where there is a prefix, CPython counts columns from the text.
    let prefix = text.iter().take_while(|c| c.is_ascii_alphabetic()).count();
    let quotes =
        if text[prefix..].starts_with(b"\"\"\"") || text[prefix..].starts_with(b"'''") { 3 } else { 1 };
    let shift = if whole && prefix > 0 { (prefix + quotes) as u32 } else { 0 };
    let mut warn = |at: usize, what: &str, shown: &str| {
        let hint = format!("Did you mean \"\\\\{shown}\"? A raw string is also an option.");
        let is = format!("\"\\{shown}\" is an invalid {what} sequence.");
        let msg = format!("{is} Such sequences will not work in the future. {hint}");
        let multiline = memchr::memchr(b'\n', &text[..at]).is_some();
        let start = range.start().to_u32() + at as u32 - if multiline { 0 } else { shift };
        let (place, stage) = match shown {
            "{" => (TextRange::empty((start + 1).into()), Stage::Tokenizer),
            _ => (TextRange::at(start.into(), 2.into()), Stage::Parser),
        };
        let mut w = warning(source, place, msg, Some(format!("{is} {hint}")), stage);
        w.line = source.line(range.start().to_u32() + at as u32);
        out.push(w);
    };
    while let Some(at) = memchr::memchr(b'\\', &text[i..]) {
        let at = i + at;
        let Some(&c) = text.get(at + 1) else {
            // Before a field of an f-string.
            if source.text[range.end().to_usize()..].starts_with('{') {
                warn(at, "escape", "{");
            }
            break;
        };
        i = at + 2;
        match c {
            b'\n' | b'\\' | b'\'' | b'"' | b'a' | b'b' | b'f' | b'n' | b'r' | b't' | b'v' | b'x' => {}
            b'N' | b'u' | b'U' if !bytes => {}
            b'0'..=b'7' => {
                let n = text[at + 1..].iter().take(3).take_while(|d| matches!(d, b'0'..=b'7')).count();
                if n == 3 && c > b'3' {
                    warn(at, "octal escape", &slice[at + 1..at + 4]);
                }
            }
            _ => {
                let c = slice[at + 1..].chars().next().unwrap_or(' ');
                warn(at, "escape", c.encode_utf8(&mut [0; 4]));
            }
        }
    }
}
