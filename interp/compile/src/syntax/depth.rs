//! How deeply a source is nested, estimated before it is parsed: the parser recurses and has no limit of its own.

use ruff_text_size::TextRange;

use crate::error::{Error, ErrorKind, R, err};

const MAX_BRACKETS: usize = 200;
/// Longest run of prefix operators that is tried.
const MAX_PREFIXES: usize = 10_000;

/// What was found out about a source.
pub(crate) struct Nesting {
    /// Native stack that parsing it may take.
    pub stack: usize,
}

/// Look through `text` for what makes a parser recurse; sources that nest too deeply are refused as CPython does.
pub(crate) fn nesting(text: &str) -> R<Nesting> {
    let s = text.as_bytes();
    let mut open: Vec<usize> = Vec::new();
    let (mut prefixes, mut postfixes) = (0usize, 0usize);
    let (mut most_prefixes, mut most_postfixes) = (0, 0);
    let mut run = 0;
    let mut i = 0;
    while i < s.len() {
        let c = s[i];
        match c {
            b'#' => {
                i = memchr::memchr(b'\n', &s[i..]).map_or(s.len(), |n| i + n);
                continue;
            }
            b'"' | b'\'' => {
                run = 0;
                i = skip_string(s, i);
                continue;
            }
            b'(' | b'[' | b'{' => {
                open.push(i);
                postfixes += 1;
                run = 0;
                if open.len() > MAX_BRACKETS {
                    return err(TextRange::at((i as u32).into(), 0.into()), "too many nested parentheses");
                }
            }
            b')' | b']' | b'}' => {
                open.pop();
                run = 0;
            }
            b'.' => postfixes += 1,
            b'+' | b'-' | b'~' => {
                prefixes += 1;
                run += 1;
            }
            b'\n' if open.is_empty() => {
                (most_prefixes, most_postfixes) =
                    (most_prefixes.max(prefixes), most_postfixes.max(postfixes));
                (prefixes, postfixes, run) = (0, 0, 0);
            }
            b' ' | b'\t' | b'\n' => {}
            b'a'..=b'z' | b'A'..=b'Z' | b'_' | b'0'..=b'9' | 128.. => {
                let start = i;
                while i < s.len() && (s[i].is_ascii_alphanumeric() || s[i] == b'_' || s[i] >= 128) {
                    i += 1;
                }
                match &s[start..i] {
                    b"not" | b"await" => {
                        prefixes += 1;
                        run += 1;
                    }
                    // A function in a function has a name as long as the way to it.
                    b"lambda" => {
                        prefixes += 4;
                        run += 4;
                    }
                    b"else" | b"if" | b"yield" => prefixes += 1,
                    _ => run = 0,
                }
                continue;
            }
            // `lambda:` goes on with a prefix; `**` groups to the right.
            b':' => {}
            b'*' => {
                prefixes += 1;
                run = 0;
            }
            _ => run = 0,
        }
        if run > MAX_PREFIXES {
            return Err(Box::new(Error::new(
                ErrorKind::Memory,
                "Parser stack overflowed - Python source too complex to parse",
                TextRange::empty((i as u32).into()),
            )));
        }
        i += 1;
    }
    let (p, q) = (most_prefixes.max(prefixes), most_postfixes.max(postfixes));
    let stack = (2 << 20) + p.min(200_000) * 4096 + q.min(400_000) * 768;
    Ok(Nesting { stack })
}

/// The end of the string literal that begins at `i`.
fn skip_string(s: &[u8], i: usize) -> usize {
    let quote = s[i];
    let triple = s.get(i + 1) == Some(&quote) && s.get(i + 2) == Some(&quote);
    let mut at = i + if triple { 3 } else { 1 };
    while at < s.len() {
        let c = s[at];
        if c == b'\\' {
            at += 2;
        } else if c == quote && (!triple || (s.get(at + 1) == Some(&quote) && s.get(at + 2) == Some(&quote)))
        {
            return at + if triple { 3 } else { 1 };
        } else if c == b'\n' && !triple {
            return at;
        } else {
            at += 1;
        }
    }
    at.min(s.len())
}
