//! `from __future__ import barry_as_FLUFL` (PEP 401): inequality is written `<>`, and `!=` is an error.

use cape_bytecode::flags::FUTURE_BARRY_AS_BDFL;
use ruff_text_size::TextRange;

use super::lex::{T, Tok, lex};

/// A source under that rule.
pub(super) struct Flufl {
    /// The source with `!=` for each `<>`, which is as long.
    pub text: String,
    /// The first `!=` of the source.
    pub refused: Option<TextRange>,
}

/// How `text` is to be read if the rule holds in it: from the beginning when the flag is set, else from a future statement on.
pub(super) fn of(text: &str, flags: u32) -> Option<Flufl> {
    let always = flags & FUTURE_BARRY_AS_BDFL != 0;
    if !always && memchr::memmem::find(text.as_bytes(), b"barry_as_FLUFL").is_none() {
        return None;
    }
    let ended = format!("{text}\n");
    let toks = lex(&ended, false).toks;
    let word = |t: &Tok| &ended[t.start as usize..t.end as usize];
    let first = if always { 0 } else { future_statement(&toks, word)? };
    let mut out = text.to_owned();
    let mut refused = None;
    for t in toks[first..].iter().filter(|t| t.kind == T::Op) {
        match word(t) {
            "<>" => out.replace_range(t.start as usize..t.end as usize, "!="),
            "!=" if refused.is_none() => refused = Some(TextRange::new(t.start.into(), t.end.into())),
            _ => {}
        }
    }
    Some(Flufl { text: out, refused })
}

/// Where the statement that imports the feature ends.
fn future_statement<'t>(toks: &[Tok], word: impl Fn(&Tok) -> &'t str) -> Option<usize> {
    let begins = |i: usize| {
        let words = toks.get(i..i + 3)?;
        let same = words.iter().map(&word).eq(["from", "__future__", "import"]);
        (same && (i == 0 || ends_statement(&toks[i - 1], &word))).then_some(())
    };
    let mut at = 0;
    while at < toks.len() {
        if begins(at).is_some() {
            let rest = &toks[at..];
            let length = rest.iter().position(|t| ends_statement(t, &word)).unwrap_or(rest.len());
            if rest[..length].iter().any(|t| word(t) == "barry_as_FLUFL") {
                return Some(at + length);
            }
        }
        at += 1;
    }
    None
}

fn ends_statement<'t>(t: &Tok, word: &impl Fn(&Tok) -> &'t str) -> bool {
    t.kind == T::Newline || t.kind == T::Op && word(t) == ";"
}
