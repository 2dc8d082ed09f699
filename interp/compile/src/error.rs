//! Errors and warnings of compilation.

use ruff_text_size::TextRange;

/// Which exception a failed compilation raises.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// `SyntaxError`
    Syntax,
    /// `IndentationError`
    Indentation,
    /// `TabError`
    Tab,
    /// `RecursionError` (too deeply nested for the compiler).
    Recursion,
    /// `MemoryError` (too deeply nested for the parser).
    Memory,
    /// `OverflowError` (too many registers, constants or names in one code object).
    Overflow,
    /// `ValueError`
    Value,
}

/// A failed compilation, ready to become an exception.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyntaxErr {
    /// The exception class.
    pub kind: ErrorKind,
    /// The message, worded as CPython's.
    pub msg: String,
    /// 1-based line; 0 if unknown.
    pub line: u32,
    /// 1-based column in characters (`SyntaxError.offset`); 0 if unknown.
    pub col: u32,
    /// 1-based end line.
    pub end_line: u32,
    /// 1-based end column in characters; 0 or -1 where CPython knows none.
    pub end_col: i32,
    /// The source line(s) of the error, with the newline (`SyntaxError.text`).
    pub text: Option<String>,
    /// More input could make the source valid (interactive sessions).
    pub incomplete: bool,
    /// Which part found it.
    pub stage: Stage,
    /// Warnings to give before it.
    pub warnings: Vec<Warning>,
}

/// The part of CPython that finds an error; it decides what is known about the place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum Stage {
    /// The tokenizer: the text is without its line end.
    Tokenizer,
    /// The parser.
    #[default]
    Parser,
    /// The symbol table, which tells no place to the exception's arguments and reads the text from the file.
    Symbols,
    /// The compiler, which reads the text from the file.
    Compiler,
}

/// A `SyntaxWarning` given during compilation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// The message.
    pub msg: String,
    /// 1-based line.
    pub line: u32,
    /// What is raised when warnings are errors.
    pub error: Box<SyntaxErr>,
}

/// An error inside the compiler: not yet in line/column terms.
#[derive(Clone, Debug)]
pub(crate) struct Error {
    pub kind: ErrorKind,
    pub msg: String,
    pub range: TextRange,
    pub incomplete: bool,
    pub stage: Stage,
    /// The end column, if it is not that of the range.
    pub end_col: Option<i32>,
    /// Warnings to give before it.
    pub warnings: Vec<Warning>,
}

impl Error {
    pub fn new(kind: ErrorKind, msg: impl Into<String>, range: TextRange) -> Error {
        Error {
            kind,
            msg: msg.into(),
            range,
            incomplete: false,
            stage: Stage::Parser,
            end_col: None,
            warnings: Vec::new(),
        }
    }
}

pub(crate) type R<T> = Result<T, Box<Error>>;

/// A `SyntaxError` at `range`.
#[cold]
pub(crate) fn err<T>(range: TextRange, msg: impl Into<String>) -> R<T> {
    Err(Box::new(Error::new(ErrorKind::Syntax, msg, range)))
}
