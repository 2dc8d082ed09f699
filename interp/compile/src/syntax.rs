//! Parsing, and syntax errors in CPython's words.

use std::borrow::Cow;

use ruff_python_ast::token::TokenKind;
use ruff_python_ast::{Mod, PythonVersion};
use ruff_python_parser::{ParseOptions, parse_unchecked};
use ruff_text_size::{Ranged, TextRange};

use crate::Mode;
use crate::error::{Error, ErrorKind, R, SyntaxErr, Warning, err};
use crate::literal::escape_warnings;
use crate::source::Source;

/// Line ends are `\n` for the compiler, whatever the file has.
pub(crate) fn normalize(source: &str) -> Cow<'_, str> {
    let source = source.strip_prefix('\u{feff}').unwrap_or(source);
    if memchr::memchr(b'\r', source.as_bytes()).is_none() {
        return Cow::Borrowed(source);
    }
    Cow::Owned(source.replace("\r\n", "\n").replace('\r', "\n"))
}

/// Native stack that the parser may need: it recurses with the nesting of the source, which a line can hold a lot of.
pub(crate) fn stack_needed(text: &str) -> usize {
    let mut longest = 0;
    let mut last = 0;
    for end in memchr::memchr_iter(b'\n', text.as_bytes()).chain([text.len()]) {
        longest = longest.max(end - last);
        last = end + 1;
    }
    (1 << 20) + longest.min(256 * 1024) * 3072
}

pub(crate) fn parse(source: &Source<'_>, mode: Mode) -> R<(Mod, Vec<Warning>)> {
    if let Some(at) = memchr::memchr(0, source.text.as_bytes()) {
        let at = TextRange::empty((at as u32).into());
        return err(at, "source code string cannot contain null bytes");
    }
    let parser_mode = match mode {
        Mode::Exec | Mode::Single => ruff_python_parser::Mode::Module,
        Mode::Eval => ruff_python_parser::Mode::Expression,
    };
    let options = ParseOptions::from(parser_mode).with_target_version(PythonVersion::PY314);
    let parsed = parse_unchecked(source.text, options);
    if let Some(e) = parsed.errors().first() {
        return err(e.location, e.error.to_string());
    }
    if let Some(e) = parsed.unsupported_syntax_errors().first() {
        return err(e.range(), e.to_string());
    }
    let mut warnings = Vec::new();
    if memchr::memchr(b'\\', source.text.as_bytes()).is_some() {
        for t in parsed.tokens().iter() {
            let (kind, range) = t.as_tuple();
            if matches!(kind, TokenKind::String | TokenKind::FStringMiddle | TokenKind::TStringMiddle)
                && let Some(flags) = t.string_flags()
                && !flags.is_raw_string()
            {
                escape_warnings(source, range, flags.is_byte_string(), &mut warnings);
            }
        }
    }
    Ok((parsed.into_syntax(), warnings))
}

/// An error with line, columns and text.
pub(crate) fn finish(source: &Source<'_>, e: Error) -> SyntaxErr {
    let plain = !matches!(e.kind, ErrorKind::Syntax | ErrorKind::Indentation | ErrorKind::Tab);
    let clip = |o: u32| o.min(source.text.len() as u32);
    let (start, end) = (clip(e.range.start().to_u32()), clip(e.range.end().to_u32()));
    let (line, end_line) = (source.line(start), source.line(end));
    SyntaxErr {
        kind: e.kind,
        msg: e.msg,
        line: if plain { 0 } else { line },
        col: source.char_col(start),
        end_line,
        end_col: source.char_col(end),
        text: (!plain).then(|| source.line_text(line).to_owned()),
        incomplete: e.incomplete,
    }
}
