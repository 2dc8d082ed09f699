//! Tokens for Python code (`_tokenize`), read from a source that comes line by line.

use crate::error::{ErrorKind, Stage, SyntaxErr};
use crate::syntax::lex::{LexError, Lexer, Reading, Stop, T};

/// A token, in the terms of the module `token`.
#[derive(Clone, Debug)]
pub struct Token {
    /// Its number.
    pub number: u8,
    /// Its text.
    pub text: Text,
    /// Line (1-based) and column (in characters; -1 when it has none) of its beginning.
    pub start: (u32, i32),
    /// The same of its end.
    pub end: (u32, i32),
    /// The source lines it stands on; `None`: those of the token before.
    pub line: Option<Text>,
}

/// Text of a token.
#[derive(Clone, Debug)]
pub enum Text {
    /// A piece of [`Tokens::text`].
    Source(std::ops::Range<usize>),
    /// This.
    Fixed(&'static str),
}

/// What stops the reading of tokens.
#[derive(Debug)]
pub enum Wait {
    /// Another line is needed: [`Tokens::add_line`] or [`Tokens::finish`].
    Line,
    /// A syntax error. `bool`: it has no end position.
    Error(SyntaxErr, bool),
    /// A syntax error that has no text and stands at the beginning of a line.
    EndOfInput(SyntaxErr),
}

/// A reader of tokens.
#[derive(Debug)]
pub struct Tokens {
    lexer: Lexer,
    extra: bool,
    /// Where each line begins.
    starts: Vec<usize>,
    /// The last line had no line end.
    implicit_newline: bool,
    /// Index of the next token in `lexer.toks`.
    next: usize,
    /// Index of the line on which the last token ended.
    at_line: usize,
    /// Known column: of this offset, in the line `at_line`.
    known: (usize, u32),
    /// Letters of the f-strings and t-strings that are open.
    letters: Vec<u8>,
    last_line: u32,
    stopped: Option<LexError>,
}

const OP: u8 = 55;
const NEWLINE: u8 = 4;

/// Numbers of operators and brackets.
#[rustfmt::skip]
const OPERATORS: &[(&str, u8)] = &[
    ("(", 7), (")", 8), ("[", 9), ("]", 10), (":", 11), (",", 12), (";", 13), ("+", 14), ("-", 15), ("*", 16), ("/", 17), ("|", 18),
    ("&", 19), ("<", 20), (">", 21), ("=", 22), (".", 23), ("%", 24), ("{", 25), ("}", 26), ("==", 27), ("!=", 28), ("<>", 28),
    ("<=", 29), (">=", 30), ("~", 31), ("^", 32), ("<<", 33), (">>", 34), ("**", 35), ("+=", 36), ("-=", 37), ("*=", 38), ("/=", 39),
    ("%=", 40), ("&=", 41), ("|=", 42), ("^=", 43), ("<<=", 44), (">>=", 45), ("**=", 46), ("//", 47), ("//=", 48), ("@", 49),
    ("@=", 50), ("->", 51), ("...", 52), (":=", 53), ("!", 54),
];

impl Tokens {
    /// A reader without text. `extra`: with comments and blank lines, operators as `OP`, and more forgiving.
    pub fn new(extra: bool) -> Tokens {
        let reading = if extra { Reading::Extra } else { Reading::Plain };
        Tokens {
            lexer: Lexer::new(String::new(), false, reading),
            extra,
            starts: Vec::new(),
            implicit_newline: false,
            next: 0,
            at_line: 0,
            known: (0, 0),
            letters: Vec::new(),
            last_line: 0,
            stopped: None,
        }
    }

    /// What was read.
    pub fn text(&self) -> &str {
        &self.lexer.text
    }

    /// Appends a line, which is not empty. Without a line end, it gets one.
    pub fn add_line(&mut self, line: &str) -> Result<(), Wait> {
        self.starts.push(self.lexer.text.len());
        if let Some(i) = memchr::memchr(0, line.as_bytes()) {
            let e = SyntaxErr {
                kind: ErrorKind::Syntax,
                msg: "source code cannot contain null bytes".into(),
                line: self.starts.len() as u32,
                col: 0,
                end_line: self.starts.len() as u32,
                end_col: 0,
                text: Some(line[..i].to_owned()),
                incomplete: false,
                stage: Stage::Tokenizer,
                warnings: Vec::new(),
            };
            return Err(Wait::Error(e, false));
        }
        self.lexer.text.push_str(line);
        self.implicit_newline = !line.ends_with('\n');
        if self.implicit_newline {
            self.lexer.text.push('\n');
        }
        Ok(())
    }

    /// No line follows.
    pub fn finish(&mut self) {
        self.lexer.eof = true;
    }

    /// The next token; `None` at the end.
    pub fn next_token(&mut self) -> Result<Option<Token>, Wait> {
        while self.next == self.lexer.toks.len() {
            if let Some(e) = &self.stopped {
                if e.msg.is_empty() {
                    return Ok(None);
                }
                return Err(self.error(e));
            }
            self.lexer.toks.clear();
            self.next = 0;
            match self.lexer.step() {
                Ok(()) => {}
                Err(Stop::More) => return Err(Wait::Line),
                Err(Stop::Error(e)) => self.stopped = Some(e),
            }
        }
        let tok = self.lexer.toks[self.next];
        self.next += 1;
        let nothing = tok.kind == T::End && self.starts.is_empty() && !self.extra;
        // Without any line CPython has no line to show the end on.
        Ok((!nothing).then(|| self.token(tok.kind, tok.start as usize, tok.end as usize)))
    }

    fn token(&mut self, kind: T, start: usize, end: usize) -> Token {
        let number = self.number(kind, start, end);
        let at_end =
            kind == T::End || (kind == T::Dedent && self.lexer.eof && start == self.lexer.text.len());
        if at_end {
            return self.trailing(number);
        }
        if kind == T::Indent {
            return self.indent(number, start, end);
        }
        let no_columns = !self.extra && kind == T::Dedent;
        self.go_to(start);
        let (line, line_start) = (self.at_line, self.starts[self.at_line]);
        let col = self.column(start);
        self.go_to(end.max(start));
        // A line end belongs to the line it ends.
        let mut stop = (self.at_line as u32 + 1, self.column(end));
        if matches!(kind, T::Newline | T::Nl) {
            self.at_line = line;
            self.known = (start, col);
            stop.1 = match self.extra {
                true => col + (end - start) as u32,
                false => self.column(end - 1),
            };
            stop.0 = line as u32 + 1;
        }
        let shown_from = match kind {
            T::Str | T::FStart | T::FMiddle | T::FEnd => line_start,
            _ => self.starts[self.at_line],
        };
        let fresh = stop.0 != self.last_line;
        self.last_line = line as u32 + 1;
        let text = match kind {
            T::Newline if !self.extra => Text::Source(start..end - 1),
            T::Newline | T::Nl if self.implicit_newline && end == self.lexer.text.len() => Text::Fixed(""),
            _ => Text::Source(start..end),
        };
        let columns = |c: u32| if no_columns { -1 } else { c as i32 };
        Token {
            number,
            text,
            start: (line as u32 + 1, columns(col)),
            end: (stop.0, columns(stop.1)),
            line: fresh.then(|| Text::Source(shown_from..self.line_end(stop.0 as usize - 1))),
        }
    }

    /// Indentation, which lines joined by backslashes may make.
    fn indent(&mut self, number: u8, start: usize, end: usize) -> Token {
        self.go_to(end);
        let start = start.max(self.starts[self.at_line]);
        let line = self.at_line as u32 + 1;
        let (from, to) = match self.extra {
            true => (0, self.column(end) as i32),
            false => (-1, -1),
        };
        self.last_line = line;
        Token {
            number,
            text: if self.extra { Text::Source(start..end) } else { Text::Fixed("") },
            start: (line, from),
            end: (line, to),
            line: Some(Text::Source(self.starts[self.at_line]..self.line_end(self.at_line))),
        }
    }

    /// A token after the last line.
    fn trailing(&mut self, number: u8) -> Token {
        let lines = self.starts.len() as u32;
        let (line, col) = if self.extra { (lines + 1, 0) } else { (lines, -1) };
        let shown = (self.extra || lines != self.last_line).then_some(Text::Fixed(""));
        self.last_line = lines;
        Token { number, text: Text::Fixed(""), start: (line, col), end: (line, col), line: shown }
    }

    fn number(&mut self, kind: T, start: usize, end: usize) -> u8 {
        let text = &self.lexer.text.as_bytes()[start..end.max(start)];
        match kind {
            T::End => 0,
            T::Name => 1,
            T::Number => 2,
            T::Str => 3,
            T::Newline => NEWLINE,
            T::Indent => 5,
            T::Dedent => 6,
            T::Comment => 65,
            T::Nl => 66,
            T::Op if self.extra => OP,
            T::Op => OPERATORS.iter().find(|o| o.0.as_bytes() == text).map_or(OP, |o| o.1),
            T::FStart => {
                let template = text.iter().any(|c| matches!(c, b't' | b'T'));
                self.letters.push(if template { 62 } else { 59 });
                self.letters.last().copied().unwrap_or(59)
            }
            T::FMiddle => self.letters.last().map_or(60, |l| l + 1),
            T::FEnd => self.letters.pop().map_or(61, |l| l + 2),
        }
    }

    /// Makes the line of `offset` the current one; it is not before it.
    fn go_to(&mut self, offset: usize) {
        while self.starts.get(self.at_line + 1).is_some_and(|&s| s <= offset) {
            self.at_line += 1;
            self.known = (self.starts[self.at_line], 0);
        }
    }

    /// The column of an offset in the current line.
    fn column(&mut self, offset: usize) -> u32 {
        let (from, col) = self.known;
        let (from, col) = if from <= offset { (from, col) } else { (self.starts[self.at_line], 0) };
        let s = &self.lexer.text.as_bytes()[from..offset];
        let chars = s.iter().filter(|&&b| b & 0xc0 != 0x80).count() as u32;
        self.known = (offset, col + chars);
        col + chars
    }

    /// Where a line ends, its line end included if it has one.
    fn line_end(&self, line: usize) -> usize {
        match self.starts.get(line + 1) {
            Some(&next) => next,
            None => self.lexer.text.len() - self.implicit_newline as usize,
        }
    }

    fn error(&self, e: &LexError) -> Wait {
        let text = self.text();
        let start = (e.start as usize).min(text.len());
        let line = self.starts.partition_point(|&s| s <= start).max(1) - 1;
        let line_start = self.starts.get(line).copied().unwrap_or(0);
        let col = text[line_start..start].chars().count() as u32 + 1;
        let full = &text[line_start..self.starts.get(line + 1).copied().unwrap_or(text.len())];
        let end = (e.end as usize).clamp(start, line_start + full.len());
        let shown = full.strip_suffix('\n').unwrap_or(full);
        let mut err = SyntaxErr {
            kind: e.kind,
            msg: e.msg.clone(),
            line: line as u32 + 1,
            col,
            end_line: line as u32 + 1,
            end_col: text[line_start..end].chars().count() as i32 + 1,
            text: Some(shown.to_owned()),
            incomplete: e.at_eof,
            stage: Stage::Tokenizer,
            warnings: Vec::new(),
        };
        if e.at_eof && !e.overrides {
            err.line = self.starts.len() as u32;
            err.end_line = err.line;
            err.text = None;
            // After a backslash, the length of the last line.
            let last = self.starts.last().map_or(0, |s| text.len() - s) as u32;
            err.col = if e.end > e.start { last } else { 0 };
            return Wait::EndOfInput(err);
        }
        Wait::Error(err, !e.overrides)
    }
}
