//! A tokenizer that fails as CPython's does. It runs when the parser has rejected a source, to find the error that CPython would
//! report, and for the module `_tokenize`, which gives it one line after the other.

use crate::error::{ErrorKind, Stage};

/// Kind of a token. Keywords are names.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum T {
    /// A name or keyword.
    Name,
    /// A number.
    Number,
    /// A string literal without replacement fields.
    Str,
    /// The beginning of an f-string or t-string.
    FStart,
    /// Literal text of one.
    FMiddle,
    /// The end of one.
    FEnd,
    /// An operator or bracket.
    Op,
    /// The end of a statement.
    Newline,
    /// Deeper indentation.
    Indent,
    /// Less indentation.
    Dedent,
    /// The end of the source.
    End,
    /// A comment; only when [`Reading::Extra`].
    Comment,
    /// A line end that ends no statement; only when [`Reading::Extra`].
    Nl,
}

/// For whom tokens are read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Reading {
    /// The grammar of errors, from a whole source.
    Grammar,
    /// Python code, line by line.
    Plain,
    /// Python code, line by line, with comments and blank lines, and more forgiving.
    Extra,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Tok {
    pub kind: T,
    pub start: u32,
    pub end: u32,
    /// Open brackets after the token.
    pub level: u32,
}

/// An error found while tokenizing.
#[derive(Clone, Debug)]
pub(crate) struct LexError {
    pub kind: ErrorKind,
    pub msg: String,
    pub start: u32,
    pub end: u32,
    /// The source ended too early: in brackets, in a triple-quoted string, after a backslash.
    pub at_eof: bool,
    /// The error wins over errors of the grammar before it.
    pub overrides: bool,
}

impl LexError {
    /// Which part of CPython reports it, and the end column if that is not the end of the range.
    pub fn stage(&self) -> (Stage, Option<i32>) {
        match (self.kind, self.at_eof, self.msg.starts_with("unterminated")) {
            (ErrorKind::Tab, ..) => (Stage::Parser, Some(0)),
            (ErrorKind::Indentation, ..) => (Stage::Parser, Some(-1)),
            // A bracket that is not closed, or the end after a backslash.
            (_, true, false) => (Stage::Parser, Some(if self.overrides { 0 } else { -1 })),
            _ if self.msg.starts_with("unexpected character after line") => (Stage::Parser, Some(0)),
            _ if self.msg.starts_with("bytes can only") => (Stage::Parser, None),
            _ => (Stage::Tokenizer, None),
        }
    }
}

/// The tokens up to the first error.
pub(crate) struct Lexed {
    pub toks: Vec<Tok>,
    pub error: Option<LexError>,
    /// Brackets that are open where the tokens end.
    pub open: Vec<(u8, u32)>,
}

const MAX_LEVEL: usize = 200;
const MAX_INDENT: usize = 100;

/// An f-string or t-string being read.
#[derive(Debug)]
struct FString {
    start: usize,
    quote: u8,
    triple: bool,
    raw: bool,
    letter: char,
    /// Number of open brackets when a replacement field began, innermost last; for each whether its format spec is being read.
    fields: Vec<(usize, bool)>,
}

impl FString {
    /// Whether literal text is being read (not an expression).
    fn in_text(&self) -> bool {
        self.fields.last().is_none_or(|f| f.1)
    }
}

/// The state of reading.
#[derive(Debug)]
pub(crate) struct Lexer {
    /// What was read so far; the whole source when `eof`.
    pub text: String,
    /// Nothing follows `text`.
    pub eof: bool,
    reading: Reading,
    at: usize,
    /// The tokens found.
    pub toks: Vec<Tok>,
    open: Vec<(u8, u32)>,
    fstrings: Vec<FString>,
    indents: Vec<(usize, usize)>,
    line_start: bool,
    /// The line holds at most a comment.
    blank: bool,
    /// A triple-quoted string whose end was not found yet: its start, and how far it was looked through.
    resume: (usize, usize),
    /// The last newline is not of the source.
    implied: bool,
}

/// Why reading stopped.
#[derive(Debug)]
pub(crate) enum Stop {
    Error(LexError),
    /// `text` ends within a token: append a line, or set `eof`, and go on.
    More,
}

type Step = Result<(), Stop>;

/// Tokenize `text`, which ends with a newline; `implied`: that is not one that a backslash may stand before.
pub(crate) fn lex(text: &str, implied: bool) -> Lexed {
    let mut l = Lexer::new(text.to_owned(), true, Reading::Grammar);
    l.implied = implied;
    let stop = loop {
        if let Err(stop) = l.step() {
            break stop;
        }
    };
    let error = match stop {
        Stop::Error(mut e) => {
            // In an f-string the error of the expression is the better one.
            e.overrides &= l.fstrings.is_empty();
            Some(e)
        }
        Stop::More => None,
    };
    Lexed { toks: l.toks, error, open: l.open }
}

fn error<T>(msg: impl Into<String>, start: usize, end: usize) -> Result<T, Stop> {
    fail(LexError {
        kind: ErrorKind::Syntax,
        msg: msg.into(),
        start: start as u32,
        end: end as u32,
        at_eof: false,
        overrides: true,
    })
}

fn fail<T>(e: LexError) -> Result<T, Stop> {
    Err(Stop::Error(e))
}

impl Lexer {
    /// A reader of `text`; `eof` if that is all there is.
    pub fn new(text: String, eof: bool, reading: Reading) -> Lexer {
        Lexer {
            text,
            eof,
            reading,
            at: 0,
            toks: Vec::new(),
            open: Vec::new(),
            fstrings: Vec::new(),
            indents: vec![(0, 0)],
            line_start: true,
            blank: false,
            resume: (usize::MAX, 0),
            implied: false,
        }
    }

    fn s(&self) -> &[u8] {
        self.text.as_bytes()
    }

    fn peek(&self, ahead: usize) -> u8 {
        self.s().get(self.at + ahead).copied().unwrap_or(0)
    }

    /// Whether the text ends here; stops if more may come.
    fn at_end(&self) -> Result<bool, Stop> {
        match self.at >= self.text.len() {
            true if !self.eof => Err(Stop::More),
            end => Ok(end),
        }
    }

    fn push(&mut self, kind: T, start: usize) {
        let level = self.open.len() as u32;
        self.toks.push(Tok { kind, start: start as u32, end: self.at as u32, level });
    }

    /// An error at the last character read, where CPython's tokenizer stands.
    fn here<T>(&self, msg: impl Into<String>) -> Result<T, Stop> {
        let at = self.at.saturating_sub(1);
        error(msg, at, at)
    }

    fn line_of(&self, at: usize) -> usize {
        memchr::memchr_iter(b'\n', &self.s()[..at.min(self.text.len())]).count() + 1
    }

    fn line_end(&self, at: usize) -> usize {
        memchr::memchr(b'\n', &self.s()[at..]).map_or(self.text.len(), |i| at + i)
    }

    /// Reads a bit more: some tokens, or none.
    pub fn step(&mut self) -> Step {
        let before = (self.at, self.line_start);
        let r = self.read();
        if matches!(r, Err(Stop::More)) {
            (self.at, self.line_start) = before;
        }
        r
    }

    fn read(&mut self) -> Step {
        if let Some(f) = self.fstrings.last()
            && f.in_text()
        {
            return self.fstring_text();
        }
        if self.line_start && self.open.is_empty() {
            self.at_end()?;
            self.line_start = false;
            if self.indentation()? {
                return Ok(());
            }
        }
        while matches!(self.peek(0), b' ' | b'\t' | 12) {
            self.at += 1;
        }
        if self.at_end()? {
            return self.end();
        }
        self.token()
    }

    fn end(&mut self) -> Step {
        if let Some(&(c, at)) = self.open.last() {
            return match self.reading {
                Reading::Grammar => fail(unclosed(c, at)),
                _ => fail(unexpected_end(self.at)),
            };
        }
        if self.reading == Reading::Grammar {
            // Errors at the end are shown at the end of the last line.
            self.at -= 1;
        }
        let at = self.at;
        for _ in 1..self.indents.len() {
            self.push(T::Dedent, at);
        }
        self.push(T::End, at);
        // The sentinel stops the loop.
        fail(LexError {
            kind: ErrorKind::Syntax,
            msg: String::new(),
            start: 0,
            end: 0,
            at_eof: true,
            overrides: true,
        })
    }

    /// Handle the beginning of a line; true if it was blank (and was skipped).
    fn indentation(&mut self) -> Result<bool, Stop> {
        let begin = self.at;
        let (mut col, mut alt) = (0, 0);
        let mut first = None;
        loop {
            match self.peek(0) {
                b' ' => {
                    col += 1;
                    alt += 1;
                }
                b'\t' => {
                    col = (col / 8 + 1) * 8;
                    alt += 1;
                }
                12 => {
                    col = 0;
                    alt = 0;
                }
                b'\\' => {
                    // The indentation is that before the first backslash.
                    first.get_or_insert((col, alt));
                    self.continuation()?;
                    continue;
                }
                _ => break,
            }
            self.at += 1;
        }
        if let Some(indent) = first.filter(|f| f.0 > 0) {
            (col, alt) = indent;
        }
        if self.at >= self.text.len() {
            return Ok(false);
        }
        if matches!(self.peek(0), b'#' | b'\n') || self.at_crlf() {
            if self.reading == Reading::Extra {
                self.blank = true;
                return Ok(false);
            }
            self.at = (self.line_end(self.at) + 1).min(self.text.len());
            self.line_start = true;
            return Ok(true);
        }
        let tab_error = |l: &Self| {
            let start = if l.reading == Reading::Grammar { begin } else { l.line_end(begin) };
            fail(LexError {
                kind: ErrorKind::Tab,
                msg: "inconsistent use of tabs and spaces in indentation".into(),
                start: start as u32,
                end: l.line_end(begin) as u32,
                at_eof: false,
                overrides: false,
            })
        };
        let &(top, top_alt) = self.indents.last().expect("never empty");
        if col == top {
            if alt != top_alt {
                return tab_error(self);
            }
        } else if col > top {
            if self.indents.len() >= MAX_INDENT {
                return fail(LexError {
                    kind: ErrorKind::Indentation,
                    msg: "too many levels of indentation".into(),
                    start: begin as u32,
                    end: begin as u32,
                    at_eof: false,
                    overrides: false,
                });
            }
            if alt <= top_alt {
                return tab_error(self);
            }
            self.indents.push((col, alt));
            let at = if self.reading == Reading::Grammar { self.at - 1 } else { begin };
            self.push(T::Indent, at);
        } else {
            let found = self.toks.len();
            while self.indents.last().is_some_and(|i| i.0 > col) {
                self.indents.pop();
                self.push(T::Dedent, self.at);
            }
            let &inner = self.indents.last().expect("never empty");
            if self.reading != Reading::Grammar && inner != (col, alt) {
                // Python code sees the error alone.
                self.toks.truncate(found);
            }
            let &(top, top_alt) = self.indents.last().expect("never empty");
            if col != top {
                let end = self.line_end(self.at) as u32;
                return fail(LexError {
                    kind: ErrorKind::Indentation,
                    msg: "unindent does not match any outer indentation level".into(),
                    start: end,
                    end,
                    at_eof: false,
                    overrides: false,
                });
            }
            if alt != top_alt {
                return tab_error(self);
            }
        }
        Ok(false)
    }

    fn token(&mut self) -> Step {
        let start = self.at;
        let c = self.peek(0);
        match c {
            b'#' => {
                self.at = self.line_end(self.at);
                if self.s()[self.at - 1] == b'\r' {
                    self.at -= 1;
                }
                match self.reading {
                    Reading::Extra => self.push(T::Comment, start),
                    // A line end after a comment begins with it.
                    Reading::Plain if self.open.is_empty() => {
                        self.at = self.line_end(self.at);
                        self.newline(start);
                    }
                    _ => {}
                }
                Ok(())
            }
            b'\r' if self.at_crlf() => {
                self.at += 1;
                self.newline(start);
                Ok(())
            }
            b'\r' => {
                self.at += 1;
                Ok(())
            }
            b'\n' => {
                self.newline(start);
                Ok(())
            }
            b'\\' => self.continuation(),
            b'a'..=b'z' | b'A'..=b'Z' | b'_' | 128.. => self.name(),
            b'0'..=b'9' => self.number(),
            b'.' if self.peek(1).is_ascii_digit() => self.number(),
            b'"' | b'\'' => self.string(start, ""),
            _ => self.operator(),
        }
    }

    fn at_crlf(&self) -> bool {
        self.peek(0) == b'\r' && self.peek(1) == b'\n'
    }

    /// The line end at `self.at`, whose token begins at `start`.
    fn newline(&mut self, start: usize) {
        self.at += 1;
        let ends_statement = self.open.is_empty() && !self.blank;
        self.line_start |= self.open.is_empty();
        self.blank = false;
        if ends_statement {
            self.push(T::Newline, start);
        } else if self.reading == Reading::Extra {
            self.push(T::Nl, start);
        }
    }

    fn continuation(&mut self) -> Step {
        self.at += 1;
        if self.at_crlf() {
            self.at += 1;
        }
        let implied = self.implied && self.at + 1 == self.text.len();
        if self.peek(0) != b'\n' || implied {
            let at = (self.at + (self.reading != Reading::Grammar) as usize - implied as usize) as u32;
            return fail(LexError {
                kind: ErrorKind::Syntax,
                msg: "unexpected character after line continuation character".into(),
                start: at,
                end: at,
                at_eof: false,
                overrides: false,
            });
        }
        self.at += 1;
        if self.at_end()? {
            if self.reading != Reading::Grammar {
                // A range tells the backslash.
                return fail(LexError { end: self.at as u32 + 1, ..unexpected_end(self.at) });
            }
            if let Some(&(c, at)) = self.open.last() {
                return fail(unclosed(c, at));
            }
            return fail(LexError {
                kind: ErrorKind::Syntax,
                msg: "unexpected EOF while parsing".into(),
                start: self.at as u32 - 1,
                end: self.at as u32,
                at_eof: true,
                overrides: false,
            });
        }
        Ok(())
    }

    fn name(&mut self) -> Step {
        let start = self.at;
        while matches!(self.peek(0), b'a'..=b'z' | b'A'..=b'Z' | b'_' | b'0'..=b'9' | 128..) {
            self.at += 1;
        }
        let word = &self.text[start..self.at];
        if matches!(self.peek(0), b'"' | b'\'')
            && let Some((a, b)) = incompatible_prefixes(word)
        {
            return error(format!("'{a}' and '{b}' prefixes are incompatible"), start, self.at);
        }
        if matches!(self.peek(0), b'"' | b'\'') && is_prefix(word) {
            let prefix = word.to_owned();
            return self.string(start, &prefix);
        }
        if self.reading == Reading::Extra {
            self.push(T::Name, start);
            return Ok(());
        }
        for (i, c) in word.char_indices() {
            if c.is_ascii() || c.is_alphabetic() || (i > 0 && c.is_alphanumeric()) || is_mark(c, i) {
                continue;
            }
            let code = c as u32;
            let printable = !(c.is_control()
                || c.is_whitespace()
                || matches!(code, 0xad | 0x200b..=0x200f | 0x2028..=0x202e | 0x2060..=0x206f | 0xfeff | 0xe000..=0xf8ff));
            let msg = if printable {
                format!("invalid character '{c}' (U+{code:04X})")
            } else {
                format!("invalid non-printable character U+{code:04X}")
            };
            return error(msg, start + i, start + i);
        }
        self.push(T::Name, start);
        Ok(())
    }

    // ---- numbers ----

    /// Digits with single underscores between.
    fn digits(&mut self, kind: &str, ok: impl Fn(u8) -> bool) -> Step {
        loop {
            while ok(self.peek(0)) {
                self.at += 1;
            }
            if self.peek(0) != b'_' {
                return Ok(());
            }
            self.at += 1;
            if !ok(self.peek(0)) {
                if kind != "decimal" && self.peek(0).is_ascii_digit() {
                    self.at += 1;
                    let d = self.s()[self.at - 1] as char;
                    return self.here(format!("invalid digit '{d}' in {kind} literal"));
                }
                return self.here(format!("invalid {kind} literal"));
            }
        }
    }

    fn number(&mut self) -> Step {
        let start = self.at;
        if self.peek(0) == b'0' {
            let radix = match self.peek(1) {
                b'x' | b'X' => Some(("hexadecimal", 16)),
                b'o' | b'O' => Some(("octal", 8)),
                b'b' | b'B' => Some(("binary", 2)),
                _ => None,
            };
            if let Some((kind, radix)) = radix {
                self.at += 2;
                let ok = |c: u8| (c as char).is_digit(radix);
                if self.peek(0) == b'_' {
                    self.at += 1;
                }
                if !ok(self.peek(0)) {
                    if self.peek(0).is_ascii_digit() {
                        self.at += 1;
                        let d = self.s()[self.at - 1] as char;
                        return self.here(format!("invalid digit '{d}' in {kind} literal"));
                    }
                    return self.here(format!("invalid {kind} literal"));
                }
                self.digits(kind, ok)?;
                if self.peek(0).is_ascii_digit() {
                    self.at += 1;
                    let d = self.s()[self.at - 1] as char;
                    return self.here(format!("invalid digit '{d}' in {kind} literal"));
                }
                self.number_end(kind)?;
                self.push(T::Number, start);
                return Ok(());
            }
        }
        let digit = |c: u8| c.is_ascii_digit();
        let mut float = false;
        if digit(self.peek(0)) {
            self.digits("decimal", digit)?;
        }
        let int_end = self.at;
        if self.peek(0) == b'.' {
            self.at += 1;
            float = true;
            if digit(self.peek(0)) {
                self.digits("decimal", digit)?;
            }
        }
        if matches!(self.peek(0), b'e' | b'E') {
            let sign = matches!(self.peek(1), b'+' | b'-') as usize;
            if digit(self.peek(1 + sign)) {
                self.at += 1 + sign;
                float = true;
                self.digits("decimal", digit)?;
            } else if sign == 1 {
                self.at += 2;
                return self.here("invalid decimal literal");
            }
        }
        let mut kind = "decimal";
        if matches!(self.peek(0), b'j' | b'J') {
            self.at += 1;
            float = true;
            kind = "imaginary";
        }
        if !float && self.reading != Reading::Extra {
            let text = &self.s()[start..int_end];
            let nonzero = text.iter().any(|c| matches!(c, b'1'..=b'9'));
            if text[0] == b'0' && nonzero {
                let zeros = text.iter().take_while(|c| matches!(c, b'0' | b'_')).count();
                return error(
                    "leading zeros in decimal integer literals are not permitted; use an 0o prefix for octal integers",
                    start,
                    start + zeros,
                );
            }
        }
        self.number_end(kind)?;
        self.push(T::Number, start);
        Ok(())
    }

    /// A number must not run into a name, some keywords excepted.
    fn number_end(&mut self, kind: &str) -> Step {
        if self.reading == Reading::Extra {
            return Ok(());
        }
        let rest = &self.s()[self.at..];
        let keyword = ["and", "else", "for", "if", "in", "is", "not", "or"]
            .iter()
            .any(|k| rest.starts_with(k.as_bytes()));
        let name = matches!(self.peek(0), b'a'..=b'z' | b'A'..=b'Z' | b'_');
        if name && !keyword {
            return self.here(format!("invalid {kind} literal"));
        }
        Ok(())
    }

    // ---- strings ----

    fn string(&mut self, start: usize, prefix: &str) -> Step {
        let quote = self.peek(0);
        let triple = self.peek(1) == quote && self.peek(2) == quote;
        let lower = prefix.to_ascii_lowercase();
        self.at += if triple { 3 } else { 1 };
        if let Some(letter) = lower.chars().find(|c| matches!(c, 'f' | 't')) {
            self.push(T::FStart, start);
            self.fstrings.push(FString {
                start,
                quote,
                triple,
                raw: lower.contains('r'),
                letter,
                fields: Vec::new(),
            });
            return Ok(());
        }
        if triple && self.resume.0 == start {
            self.at = self.resume.1;
        }
        let mut escaped_quote = false;
        loop {
            let c = self.peek(0);
            if self.at >= self.text.len() && !self.eof {
                self.resume = (start, self.at);
                return Err(Stop::More);
            }
            if self.at >= self.text.len() || (c == b'\n' && !triple) {
                return self.unterminated(start, quote, triple, escaped_quote);
            }
            self.at += 1;
            if c == b'\\' {
                escaped_quote |= self.peek(0) == quote;
                self.at += 1;
            } else if c == quote {
                if !triple {
                    break;
                }
                if self.peek(0) == quote && self.peek(1) == quote {
                    self.at += 2;
                    break;
                }
            }
        }
        if lower.contains('b') && !self.s()[start..self.at].is_ascii() {
            return error("bytes can only contain ASCII literal characters", start, self.at);
        }
        self.push(T::Str, start);
        Ok(())
    }

    fn unterminated<X>(&self, start: usize, quote: u8, triple: bool, escaped: bool) -> Result<X, Stop> {
        if let Some(f) = self.fstrings.last()
            && f.quote == quote
            && f.triple == triple
        {
            return error(format!("{}-string: expecting '}}'", f.letter), start, start);
        }
        let line = self.line_of(if triple { self.text.len() - 1 } else { self.at.min(self.text.len() - 1) });
        let kind = if triple { "triple-quoted string" } else { "string" };
        let hint = if escaped && !triple { "; perhaps you escaped the end quote?" } else { "" };
        fail(LexError {
            kind: ErrorKind::Syntax,
            msg: format!("unterminated {kind} literal (detected at line {line}){hint}"),
            start: start as u32,
            end: start as u32,
            at_eof: triple || self.at >= self.text.len(),
            overrides: true,
        })
    }

    /// Literal text of an f-string, up to a field or the end.
    fn fstring_text(&mut self) -> Step {
        let f = self.fstrings.last().expect("in an f-string");
        let (quote, triple, raw, start, letter) = (f.quote, f.triple, f.raw, f.start, f.letter);
        let in_spec = f.fields.last().is_some();
        let begin = self.at;
        if triple && self.resume.0 == begin {
            self.at = self.resume.1;
        }
        // For Python code, text ends after a doubled brace and after a named character.
        let streaming = self.reading != Reading::Grammar;
        let mut named = false;
        loop {
            let c = self.peek(0);
            if self.at >= self.text.len() && !self.eof {
                self.resume = (begin, self.at);
                return Err(Stop::More);
            }
            if self.at >= self.text.len() || (c == b'\n' && !triple) {
                if in_spec && c == b'\n' && (streaming || self.at + 1 < self.text.len()) {
                    self.at += 1;
                    return self.here(format!(
                        "{letter}-string: newlines are not allowed in format specifiers for single quoted {letter}-strings"
                    ));
                }
                let line = self.line_of(if triple { self.text.len() - 1 } else { self.at });
                let kind = if triple { "triple-quoted " } else { "" };
                return fail(LexError {
                    kind: ErrorKind::Syntax,
                    msg: format!("unterminated {kind}{letter}-string literal (detected at line {line})"),
                    start: start as u32,
                    end: start as u32,
                    at_eof: triple,
                    overrides: true,
                });
            }
            let ends = c == quote && (!triple || (self.peek(1) == quote && self.peek(2) == quote));
            if ends {
                if in_spec {
                    // The field is not closed; the parser says so.
                    if self.at > begin {
                        self.push(T::FMiddle, begin);
                    }
                    let f = self.fstrings.last_mut().expect("in an f-string");
                    f.fields.clear();
                    while self.open.last().is_some_and(|o| o.1 as usize > start) {
                        self.open.pop();
                    }
                } else if self.at > begin {
                    self.push(T::FMiddle, begin);
                }
                let at = self.at;
                self.at += if triple { 3 } else { 1 };
                self.push(T::FEnd, at);
                self.fstrings.pop();
                return Ok(());
            }
            match c {
                b'}' if named && streaming => {
                    self.at += 1;
                    self.push(T::FMiddle, begin);
                    return Ok(());
                }
                b'}' if named => {
                    self.at += 1;
                    named = false;
                }
                b'{' | b'}' if streaming && self.peek(1) == c && !in_spec => {
                    self.at += 1;
                    self.push(T::FMiddle, begin);
                    self.at += 1;
                    return Ok(());
                }
                b'{' if self.peek(1) == b'{' && !in_spec => self.at += 2,
                b'{' => {
                    if self.at > begin {
                        self.push(T::FMiddle, begin);
                    }
                    let at = self.at;
                    self.at += 1;
                    self.bracket(b'{', at)?;
                    let depth = self.open.len();
                    self.fstrings.last_mut().expect("in an f-string").fields.push((depth, false));
                    return Ok(());
                }
                b'}' if in_spec => {
                    self.push(T::FMiddle, begin);
                    let at = self.at;
                    self.at += 1;
                    self.open.pop();
                    self.push(T::Op, at);
                    self.fstrings.last_mut().expect("in an f-string").fields.pop();
                    return Ok(());
                }
                b'}' if self.peek(1) == b'}' => self.at += 2,
                b'}' => {
                    if streaming {
                        self.push(T::FMiddle, begin);
                    }
                    self.at += 1;
                    return self.here(format!("{letter}-string: single '}}' is not allowed"));
                }
                b'\\' if !raw => {
                    // `\N{...}` is no field.
                    if self.peek(1) == b'N' && self.peek(2) == b'{' {
                        named = true;
                        self.at += 3;
                    } else {
                        self.at += if matches!(self.peek(1), b'{' | b'}') { 1 } else { 2 };
                    }
                }
                b'\\' => {
                    self.at += if matches!(self.peek(1), b'{' | b'}') { 1 } else { 2 };
                }
                _ => self.at += 1,
            }
        }
    }

    // ---- operators and brackets ----

    fn bracket(&mut self, c: u8, at: usize) -> Step {
        if self.open.len() >= MAX_LEVEL {
            return self.here("too many nested parentheses");
        }
        self.open.push((c, at as u32));
        self.push(T::Op, at);
        Ok(())
    }

    fn operator(&mut self) -> Step {
        let start = self.at;
        let c = self.peek(0);
        let field = self.fstrings.last().and_then(|f| f.fields.last()).map(|f| f.0);
        match c {
            b'(' | b'[' | b'{' => {
                self.at += 1;
                return self.bracket(c, start);
            }
            b')' | b']' | b'}' => return self.close(c, field),
            b':' if field == Some(self.open.len()) => {
                self.at += 1;
                self.push(T::Op, start);
                if let Some(f) = self.fstrings.last_mut().and_then(|f| f.fields.last_mut()) {
                    f.1 = true;
                }
                return Ok(());
            }
            _ => {}
        }
        let rest = &self.s()[start..];
        const LONG: [&str; 24] = [
            "...", "**=", "//=", ">>=", "<<=", "!=", "->", "+=", "-=", "*=", "/=", "%=", "@=", "&=", "|=",
            "^=", ":=", "==", "<=", ">=", "<>", "**", "//", "<<",
        ];
        let n = LONG
            .iter()
            .find(|op| rest.starts_with(op.as_bytes()))
            .map_or(if rest.starts_with(b">>") { 2 } else { 1 }, |op| op.len());
        let n = if rest.starts_with(b"<>") && self.reading != Reading::Grammar { 1 } else { n };
        // In a replacement field `!=` is an operator, but `!` before a conversion stands alone; so does a last `=`.
        self.at += n;
        if c < 32 || c == 127 {
            return error(format!("invalid non-printable character U+{c:04X}"), start, start);
        }
        self.push(T::Op, start);
        Ok(())
    }

    fn close(&mut self, c: u8, field: Option<usize>) -> Step {
        let start = self.at;
        self.at += 1;
        let letter = self.fstrings.last().map(|f| f.letter);
        if self.reading == Reading::Extra {
            let ends_field = field == Some(self.open.len());
            self.open.pop();
            self.push(T::Op, start);
            if ends_field && let Some(f) = self.fstrings.last_mut() {
                f.fields.pop();
            }
            return Ok(());
        }
        let Some(&(opening, at)) = self.open.last() else {
            return self.here(format!("unmatched '{}'", c as char));
        };
        let matches = matches!((opening, c), (b'(', b')') | (b'[', b']') | (b'{', b'}'));
        if !matches {
            if let Some(letter) = letter
                && field == Some(self.open.len())
            {
                return self.here(format!("{letter}-string: unmatched '{}'", c as char));
            }
            let (here, there) = (self.line_of(start), self.line_of(at as usize));
            let on = if here != there { format!(" on line {there}") } else { String::new() };
            return self.here(format!(
                "closing parenthesis '{}' does not match opening parenthesis '{}'{on}",
                c as char, opening as char
            ));
        }
        let ends_field = field == Some(self.open.len()) && c == b'}';
        self.open.pop();
        self.push(T::Op, start);
        if ends_field {
            self.fstrings.last_mut().expect("in a field").fields.pop();
        }
        Ok(())
    }
}

/// The error of `_tokenize` for a source that ends in brackets or after a backslash.
fn unexpected_end(at: usize) -> LexError {
    LexError {
        kind: ErrorKind::Syntax,
        msg: "unexpected EOF in multi-line statement".into(),
        start: at as u32,
        end: at as u32,
        at_eof: true,
        overrides: false,
    }
}

/// The error for a bracket that is open at the end of the source.
pub(crate) fn unclosed(c: u8, at: u32) -> LexError {
    LexError {
        kind: ErrorKind::Syntax,
        msg: format!("'{}' was never closed", c as char),
        start: at,
        end: at,
        at_eof: true,
        overrides: true,
    }
}

fn is_prefix(word: &str) -> bool {
    matches!(
        word.to_ascii_lowercase().as_str(),
        "r" | "b" | "u" | "f" | "t" | "rb" | "br" | "rf" | "fr" | "rt" | "tr"
    )
}

/// Whether a character that is no letter may continue an identifier (combining marks).
fn is_mark(c: char, at: usize) -> bool {
    at > 0
        && matches!(c as u32, 0x300..=0x36f | 0x483..=0x487 | 0x591..=0x5bd | 0x610..=0x61a | 0x64b..=0x669 | 0x900..=0x903
            | 0x93a..=0x94f | 0x1ab0..=0x1aff | 0x1dc0..=0x1dff | 0x203f..=0x2040 | 0x20d0..=0x20ff | 0xfe00..=0xfe0f | 0xfe20..=0xfe2f | 0xe0100..=0xe01ef)
}

/// Two string prefixes in `word` that exclude each other.
fn incompatible_prefixes(word: &str) -> Option<(char, char)> {
    let lower = word.to_ascii_lowercase();
    let distinct = (0..lower.len()).all(|i| !lower[i + 1..].contains(&lower[i..i + 1]));
    if !distinct || !lower.bytes().all(|c| b"burft".contains(&c)) {
        return None;
    }
    [('u', 'b'), ('u', 'r'), ('u', 'f'), ('u', 't'), ('b', 'f'), ('b', 't'), ('f', 't')]
        .into_iter()
        .find(|&(a, b)| lower.contains(a) && lower.contains(b))
}
