//! Parsing, and syntax errors in CPython's words.

mod actions;
mod depth;
mod flufl;
pub(crate) mod lex;
mod peg;

use std::borrow::Cow;

use ruff_python_ast::token::TokenKind;
use ruff_python_ast::{Mod, PythonVersion, Stmt};
use ruff_python_parser::{ParseOptions, Parsed, parse_unchecked};
use ruff_text_size::{Ranged, TextRange, TextSize};

use crate::compiler::no_range;
use crate::error::{Error, ErrorKind, R, Stage, SyntaxErr, Warning, err};
use crate::literal::escape_warnings;
use crate::source::Source;
use crate::tree::versions::refuse;
use crate::{CompileOptions, Mode};
pub(crate) use depth::nesting;
use peg::Parser;

/// Line ends are `\n` for the compiler, whatever the file has.
pub(crate) fn normalize(source: &str) -> Cow<'_, str> {
    let source = source.strip_prefix('\u{feff}').unwrap_or(source);
    if memchr::memchr(b'\r', source.as_bytes()).is_none() {
        return Cow::Borrowed(source);
    }
    Cow::Owned(source.replace("\r\n", "\n").replace('\r', "\n"))
}

/// Levels of indentation, the outermost included, that are too many.
const MAX_INDENTS: usize = 100;

/// Nesting of f-strings and t-strings that is too much.
const MAX_FSTRINGS: usize = 149;

/// A parsed source.
pub(crate) struct Syntax {
    pub tree: Mod,
    pub warnings: Vec<Warning>,
    /// Comments inside of f-strings and t-strings.
    pub inner_comments: Vec<TextRange>,
    /// The other comments.
    pub comments: Vec<TextRange>,
}

/// The source with what the parser takes for a lone surrogate, of the same length, in place of `\N{...}` with names that its tables do
/// not have: such literals are read from the source. `None`: there are none.
fn named_otherwise(text: &str, parsed: &Parsed<Mod>) -> Option<String> {
    const OPENER: &str = "\\N{";
    const SURROGATE: &str = "\\ud800";
    let mut out: Option<Vec<u8>> = None;
    for e in parsed.errors() {
        let at = e.location.start().to_usize();
        let start = match text.get(..at)?.ends_with(OPENER) {
            true => at - OPENER.len(),
            false if text[at..].starts_with(OPENER) => at,
            false => continue,
        };
        let Some(length) = text[start..].find('}') else { continue };
        if length < SURROGATE.len() || crate::character(&text[start + OPENER.len()..start + length]).is_none()
        {
            continue;
        }
        let out = out.get_or_insert_with(|| text.as_bytes().to_vec());
        out[start..=start + length].fill(b' ');
        out[start..start + SURROGATE.len()].copy_from_slice(SURROGATE.as_bytes());
    }
    out.and_then(|o| String::from_utf8(o).ok())
}

pub(crate) fn parse(source: &Source<'_>, mode: Mode, opts: &CompileOptions) -> R<Syntax> {
    if memchr::memchr(0, source.text.as_bytes()).is_some() {
        return err(no_range(), "source code string cannot contain null bytes");
    }
    if mode == Mode::Eval && source.text.starts_with([' ', '\t']) {
        let indent = source.text.len() - source.text.trim_start_matches([' ', '\t']).len();
        if !source.text[indent..].starts_with(['\n', '#']) && &source.text[indent..] != "\\" {
            let at = TextRange::empty((indent as u32 - 1).into());
            let mut e = err::<()>(at, "unexpected indent").expect_err("an error");
            e.kind = ErrorKind::Indentation;
            return Err(e);
        }
    }
    let parser_mode = match mode {
        Mode::Exec | Mode::Single => ruff_python_parser::Mode::Module,
        Mode::Eval => ruff_python_parser::Mode::Expression,
    };
    let options = ParseOptions::from(parser_mode).with_target_version(PythonVersion::PY314);
    let flufl = flufl::of(source.text, opts.flags);
    let text = flufl.as_ref().map_or(source.text, |f| &f.text);
    let mut parsed = parse_unchecked(text, options.clone());
    let spelled = named_otherwise(text, &parsed);
    if let Some(spelled) = &spelled {
        parsed = parse_unchecked(spelled, options);
    }
    let first = match (parsed.errors().first(), parsed.unsupported_syntax_errors().first()) {
        (Some(e), _) => Some(e.location),
        (None, Some(e)) => Some(e.range()),
        (None, None) => None,
    };
    if let Some(range) = flufl.as_ref().and_then(|f| f.refused)
        && first.is_none_or(|first| first.start() > range.start())
    {
        return err(range, "with Barry as BDFL, use '<>' instead of '!='");
    }
    if let Some(range) = first {
        let mut e = explain(text, mode, range);
        string_warnings(source, &parsed, Some(e.range.start()), &mut e.warnings);
        return Err(Box::new(e));
    }
    let mut inner_comments = Vec::new();
    let mut comments = Vec::new();
    let mut warnings = Vec::new();
    let mut depth = 0usize;
    let mut indents = 0;
    for t in parsed.tokens().iter() {
        match t.kind() {
            TokenKind::Indent => {
                indents += 1;
                if indents >= MAX_INDENTS {
                    let at = TextRange::empty(t.range().start());
                    let mut e = err::<()>(at, "too many levels of indentation").expect_err("an error");
                    e.kind = ErrorKind::Indentation;
                    return Err(e);
                }
            }
            TokenKind::Dedent => indents -= 1,
            TokenKind::Int | TokenKind::Float | TokenKind::Complex => {
                number_warning(source, t.range(), &mut warnings);
                if (1..6).contains(&opts.feature_version) && source.slice(t.range()).contains('_') {
                    return refuse(t.range(), "Underscores in numeric literals are", 6);
                }
                if t.kind() == TokenKind::Int && opts.max_digits > 0 {
                    check_digits(source, t.range(), opts.max_digits)?;
                }
            }
            TokenKind::FStringStart | TokenKind::TStringStart if depth >= MAX_FSTRINGS => {
                return err(t.range(), "too many nested f-strings or t-strings");
            }
            TokenKind::FStringStart | TokenKind::TStringStart => depth += 1,
            TokenKind::FStringEnd | TokenKind::TStringEnd => depth -= 1,
            TokenKind::Comment if depth > 0 => inner_comments.push(t.range()),
            TokenKind::Comment => comments.push(t.range()),
            _ => {}
        }
    }
    if mode == Mode::Single {
        let open =
            parsed.tokens().iter().any(|t| t.kind() == TokenKind::Dedent) && !source.text.ends_with('\n');
        if open && opts.flags & CompileOptions::DONT_IMPLY_DEDENT != 0 {
            let at = TextRange::empty((source.text.len() as u32).into());
            let mut e = err::<()>(at, "invalid syntax").expect_err("an error");
            e.incomplete = true;
            return Err(e);
        }
    }
    string_warnings(source, &parsed, None, &mut warnings);
    let tree = parsed.into_syntax();
    if mode == Mode::Single {
        check_single(source, &tree)?;
    }
    Ok(Syntax { tree, warnings, inner_comments, comments })
}

/// Warnings for escapes in the string literals of a source, or in those before a place.
fn string_warnings(
    source: &Source<'_>,
    parsed: &Parsed<Mod>,
    before: Option<TextSize>,
    out: &mut Vec<Warning>,
) {
    if memchr::memchr(b'\\', source.text.as_bytes()).is_none() {
        return;
    }
    for t in parsed.tokens().iter() {
        let (kind, range) = t.as_tuple();
        if before.is_some_and(|b| range.start() > b) {
            return;
        }
        if matches!(kind, TokenKind::String | TokenKind::FStringMiddle | TokenKind::TStringMiddle)
            && let Some(flags) = t.string_flags()
            && !flags.is_raw_string()
        {
            escape_warnings(source, range, kind == TokenKind::String, flags.is_byte_string(), out);
        }
    }
}

/// Decimal ints must not be too long.
fn check_digits(source: &Source<'_>, range: TextRange, max: usize) -> R<()> {
    if range.len().to_usize() <= max {
        return Ok(());
    }
    let text = source.slice(range);
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    if digits <= max || text.starts_with('0') {
        return Ok(());
    }
    err(
        range,
        format!(
            "Exceeds the limit ({max} digits) for integer string conversion: value has {digits} digits; use sys.set_int_max_str_digits() to increase the limit - Consider hexadecimal for huge integer literals to avoid decimal conversion limits."
        ),
    )
}

/// Interactive input is one statement.
fn check_single(source: &Source<'_>, tree: &Mod) -> R<()> {
    let Mod::Module(m) = tree else { return Ok(()) };
    let Some(first) = m.body.first() else {
        return err(TextRange::default(), "invalid syntax");
    };
    let compound = matches!(
        first,
        Stmt::FunctionDef(_)
            | Stmt::ClassDef(_)
            | Stmt::For(_)
            | Stmt::While(_)
            | Stmt::If(_)
            | Stmt::With(_)
            | Stmt::Match(_)
            | Stmt::Try(_)
    );
    let last_line = &source.text[source.text.rfind('\n').map_or(0, |i| i + 1)..];
    if compound && !last_line.is_empty() && !last_line.starts_with([' ', '\t', '#']) {
        // A line end is missing after the block.
        let at = TextRange::empty((source.text.len() as u32).into());
        let e = Error { incomplete: true, ..Error::new(ErrorKind::Syntax, "invalid syntax", at) };
        return Err(Box::new(e));
    }
    let Some(next) =
        m.body.iter().find(|s| source.line(s.start().to_u32()) > source.line(first.end().to_u32()))
    else {
        return Ok(());
    };
    if compound {
        return err(next.range(), "invalid syntax");
    }
    let end = first.end().to_usize();
    let newline = memchr::memchr(b'\n', &source.text.as_bytes()[end..]).map_or(end, |i| end + i);
    let at = TextRange::at((newline as u32).into(), 1.into());
    err(at, "multiple statements found while compiling a single statement")
}

/// The error that CPython reports for a source that the parser has rejected, at `range` for want of anything better.
fn explain(text: &str, mode: Mode, range: TextRange) -> Error {
    let mut owned;
    let mut text = text;
    let implied = !text.ends_with('\n');
    if implied {
        owned = String::with_capacity(text.len() + 1);
        owned.push_str(text);
        owned.push('\n');
        text = &owned;
    }
    let lexed = lex::lex(text, implied && mode != Mode::Exec);
    let start_rule = match mode {
        Mode::Exec => "file",
        Mode::Single => "interactive",
        Mode::Eval => "eval",
    };
    let error = |f: peg::Found| Error {
        kind: f.kind,
        msg: f.msg,
        range: TextRange::new(f.start.into(), f.end.max(f.start).into()),
        incomplete: f.at_eof,
        stage: f.stage,
        end_col: f.end_col,
        warnings: Vec::new(),
    };
    let mut first = Parser::new(text, &lexed, false);
    let accepted = matches!(first.run(start_rule), Ok(Some(_)));
    if let Some(found) = first.found.take() {
        return error(found);
    }
    let last = lexed.toks[(first.fill.max(1) - 1) as usize];
    let at_end = last.kind == lex::T::End || last.kind == lex::T::Dedent;
    let generic = |range: TextRange| Error {
        incomplete: at_end,
        ..Error::new(ErrorKind::Syntax, "invalid syntax", range)
    };
    if accepted {
        return generic(range);
    }
    let mut second = Parser::new(text, &lexed, true);
    let _ = second.run(start_rule);
    if second.found.is_none() && matches!(last.kind, lex::T::Indent | lex::T::Dedent) {
        let here = TextRange::new(last.start.into(), last.end.max(last.start).into());
        let what = if last.kind == lex::T::Indent { "unexpected indent" } else { "unexpected unindent" };
        return Error { end_col: Some(-1), ..Error::new(ErrorKind::Indentation, what, here) };
    }
    // Errors of the tokenizer further on win over errors of the grammar.
    if let Some(e) = lexed.error.as_ref().filter(|e| !e.msg.is_empty() && e.overrides) {
        let line = |at: u32| memchr::memchr_iter(b'\n', &text.as_bytes()[..at as usize]).count();
        let unclosed = e.at_eof && lexed.open.last().is_some_and(|o| o.1 == e.start);
        let reached = second.fill.max(1) - 1;
        if !unclosed || line(lexed.toks[reached as usize].start) > line(e.start) {
            // The grammar failed before it came to the end.
            return Error { incomplete: at_end, ..error(e.into()) };
        }
    }
    if let Some(mut found) = second.found.take() {
        found.at_eof = at_end;
        return error(found);
    }
    generic(TextRange::new(last.start.into(), last.end.max(last.start).into()))
}

/// An error with line, columns and text.
pub(crate) fn finish(source: &Source<'_>, e: Error) -> SyntaxErr {
    let plain = !matches!(e.kind, ErrorKind::Syntax | ErrorKind::Indentation | ErrorKind::Tab)
        || e.range == no_range();
    let length = if source.is_synthetic() { u32::MAX } else { source.text.len() as u32 };
    let clip = |o: u32| o.min(length);
    let (start, end) = (clip(e.range.start().to_u32()), clip(e.range.end().to_u32()));
    let line = source.line(start);
    // The compiler counts bytes.
    let column = |at: u32| match e.stage {
        Stage::Tokenizer | Stage::Parser => source.char_col(at),
        Stage::Symbols | Stage::Compiler => source.line_col(at).1 + 1,
    };
    // A line end belongs to the line that it ends.
    let at_newline = end > start && source.text.as_bytes().get(end as usize - 1) == Some(&b'\n');
    let (mut end_line, mut end_col) = match at_newline {
        true => (source.line(end - 1), column(end - 1) as i32 + 1),
        false => (source.line(end), column(end) as i32),
    };
    if e.range.end().to_u32() > length && e.range.start().to_u32() <= length && !e.range.is_empty() {
        // The line end that CPython adds.
        end_col += 1;
    }
    if let Some(known) = e.end_col {
        (end_line, end_col) = (line, known);
    }
    SyntaxErr {
        kind: e.kind,
        msg: e.msg,
        line: if plain { 0 } else { line },
        col: if plain { 0 } else { column(start) },
        end_line,
        end_col,
        text: (!plain && !source.is_synthetic()).then(|| {
            let text = source.line_text(line);
            let bare = text.strip_suffix('\n').unwrap_or(text);
            match e.stage {
                Stage::Tokenizer => bare.to_owned(),
                _ => format!("{bare}\n"),
            }
        }),
        incomplete: e.incomplete,
        stage: e.stage,
        warnings: e.warnings,
    }
}

/// As [`finish`], for a source in `mode`: only modules are given a line end where they have none.
pub(crate) fn finish_typed(source: &Source<'_>, mode: Mode, e: Error) -> SyntaxErr {
    let of_grammar = matches!(e.stage, Stage::Tokenizer | Stage::Parser);
    let bare = mode != Mode::Exec && of_grammar && !source.text.ends_with('\n');
    let at_end = bare && e.msg == "invalid syntax" && e.range.start().to_usize() >= source.text.len();
    let mut e = finish(source, e);
    if bare
        && let Some(text) = &mut e.text
        && !source.line_text(e.line).ends_with('\n')
    {
        text.truncate(text.trim_end_matches('\n').len());
        if at_end {
            (e.col, e.end_col) = (0, 0);
        }
    }
    e
}

/// A warning at a range.
pub(crate) fn warning(
    source: &Source<'_>,
    range: TextRange,
    msg: String,
    as_error: Option<String>,
    stage: Stage,
) -> Warning {
    let error =
        Error { stage, ..Error::new(ErrorKind::Syntax, as_error.unwrap_or_else(|| msg.clone()), range) };
    Warning { msg, line: source.line(range.start().to_u32()), error: Box::new(finish(source, error)) }
}

/// A number that runs into a keyword.
fn number_warning(source: &Source<'_>, range: TextRange, out: &mut Vec<Warning>) {
    let end = range.end().to_usize();
    if !source.text.as_bytes().get(end).is_some_and(u8::is_ascii_alphabetic) {
        return;
    }
    let text = source.slice(range).to_ascii_lowercase();
    let kind = match (text.get(..2), text.ends_with('j')) {
        (Some("0x"), _) => "hexadecimal",
        (Some("0o"), _) => "octal",
        (Some("0b"), _) => "binary",
        (_, true) => "imaginary",
        _ => "decimal",
    };
    let at = TextRange::empty((end as u32 - 1).into());
    out.push(warning(source, at, format!("invalid {kind} literal"), None, Stage::Tokenizer));
}
