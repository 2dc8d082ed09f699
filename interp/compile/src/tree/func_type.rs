//! Signatures of type comments: `(int, *str) -> None`.

use ruff_python_parser::parse_expression_range;
use ruff_text_size::TextRange;

use super::{Item, Node, Trees};
use crate::asdl::Class;
use crate::error::{R, SyntaxErr, err};
use crate::source::Source;
use crate::syntax;
use crate::syntax::lex::{T, Tok, lex};

/// Parses `source` to a `FunctionType`.
pub fn parse_func_type(source: &str) -> Result<Node, SyntaxErr> {
    let mut text = syntax::normalize(source).into_owned();
    if !text.ends_with('\n') {
        text.push('\n');
    }
    let source = Source::new(&text);
    let result = syntax::nesting(&text)
        .and_then(|n| stacker::maybe_grow(n.stack, n.stack + 64 * 1024, || signature(&source)));
    result.map_err(|e| syntax::finish(&source, *e))
}

fn signature(source: &Source<'_>) -> R<Node> {
    let toks = lex(source.text, false).toks;
    let is = |t: &Tok, text: &str| t.kind == T::Op && &source.text[t.start as usize..t.end as usize] == text;
    let wrong = |t: Option<&Tok>| {
        let range = t.map_or(TextRange::default(), |t| TextRange::new(t.start.into(), t.end.into()));
        err(range, "invalid syntax")
    };
    let close = toks.iter().position(|t| is(t, ")") && t.level == 0);
    let (Some(first), Some(close)) = (toks.first().filter(|t| is(t, "(")), close) else {
        return wrong(toks.first());
    };
    let t = Trees { source, comments: &[], types: super::comments::TypeComments::none() };
    let mut arguments = Vec::new();
    let mut start = first.end;
    let mut most_stars = 0;
    for (i, tok) in toks[..=close].iter().enumerate() {
        let ends = (is(tok, ",") && tok.level == 1) || i == close;
        if !ends {
            continue;
        }
        let piece = &source.text[start as usize..tok.start as usize];
        let bare = piece.trim_start();
        let stars = bare.len() - bare.trim_start_matches('*').len();
        let skipped = piece.len() - bare[stars..].trim_start().len();
        if i == close && piece.trim().is_empty() && (arguments.is_empty() || i > 1) {
            break;
        }
        // `*` comes once and after the others, `**` once and last.
        if stars > 2 || most_stars > 0 && stars <= most_stars {
            return wrong(Some(tok));
        }
        most_stars = stars;
        arguments.push(expression(&t, start + skipped as u32, tok.start)?);
        start = tok.end;
    }
    let Some(arrow) = toks.get(close + 1).filter(|t| is(t, "->")) else { return wrong(toks.get(close + 1)) };
    let end = toks.iter().rfind(|t| !matches!(t.kind, T::Newline | T::End | T::Dedent)).map_or(0, |t| t.end);
    let returns = expression(&t, arrow.end.min(end), end)?;
    Ok(Node { class: Class::FunctionType, fields: vec![Item::List(arguments), returns], at: None })
}

fn expression(t: &Trees<'_>, start: u32, end: u32) -> R<Item> {
    let text = &t.source.text[start as usize..end as usize];
    let blank = (text.len() - text.trim_start().len()) as u32;
    let range = TextRange::new(
        (start + blank).into(),
        (start + text.trim_end().len() as u32).max(start + blank).into(),
    );
    match parse_expression_range(t.source.text, range) {
        Ok(p) => Ok(t.expr(&p.into_syntax().body)),
        Err(_) => err(range, "invalid syntax"),
    }
}
