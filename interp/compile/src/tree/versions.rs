//! Syntax that older versions of Python do not have, when a tree for one is asked for.

use ruff_text_size::TextRange;

use super::{Item, Node};
use crate::asdl::Class;
use crate::error::{R, err};
use crate::source::Source;

/// Refuses what Python 3.`minor` does not have, the first such place in the tree.
pub(super) fn check(tree: &Node, source: &Source<'_>, minor: u8) -> R<()> {
    match newer(tree, source) {
        Some((since, what)) if since > minor => {
            let range = tree.at.map_or(TextRange::default(), |p| {
                let (start, end) = (source.offset(p.line, p.col), source.offset(p.end_line, p.end_col));
                TextRange::new(start.into(), end.max(start).into())
            });
            return refuse(range, what, since);
        }
        _ => {}
    }
    let each = |n: &Node| check(n, source, minor);
    tree.fields.iter().try_for_each(|item| match item {
        Item::Node(n) => each(n),
        Item::List(items) => items.iter().try_for_each(|i| match i {
            Item::Node(n) => each(n),
            _ => Ok(()),
        }),
        _ => Ok(()),
    })
}

/// The error for syntax that came with Python 3.`since`.
pub(crate) fn refuse<T>(range: TextRange, what: &str, since: u8) -> R<T> {
    err(range, format!("{what} only supported in Python 3.{since} and greater"))
}

/// The minor version that brought a kind of node, and how messages call it.
fn newer(n: &Node, source: &Source<'_>) -> Option<(u8, &'static str)> {
    let has = |field: &str| {
        !matches!(n.get(field), Item::None) && !matches!(n.get(field), Item::List(l) if l.is_empty())
    };
    let found = match n.class {
        Class::AsyncFunctionDef if has("type_params") => (12, "Type parameter lists are"),
        Class::AsyncFunctionDef => (5, "Async functions are"),
        Class::AsyncFor => (5, "Async for loops are"),
        Class::AsyncWith => (5, "Async with statements are"),
        Class::Await => (5, "Await expressions are"),
        Class::Comprehension if n.int("is_async") > 0 => (6, "Async comprehensions are"),
        Class::BinOp | Class::AugAssign if n.node("op").class == Class::MatMult => (5, "The '@' operator is"),
        Class::AnnAssign => (6, "Variable annotation syntax is"),
        Class::NamedExpr => (8, "Assignment expressions are"),
        Class::Arguments if has("posonlyargs") => (8, "Positional-only parameters are"),
        Class::Match => (10, "Pattern matching is"),
        Class::TryStar => (11, "Exception groups are"),
        Class::TemplateStr => (14, "t-strings are"),
        Class::TypeAlias => (12, "Type statement is"),
        Class::FunctionDef | Class::ClassDef if has("type_params") => (12, "Type parameter lists are"),
        Class::TypeVar | Class::TypeVarTuple | Class::ParamSpec if has("default_value") => {
            (13, "Type parameter defaults are")
        }
        Class::ExceptHandler => match n.get("type") {
            Item::Node(t) if t.class == Class::Tuple && !parenthesized(t, source) => {
                (14, "except expressions without parentheses are")
            }
            _ => return None,
        },
        _ => return None,
    };
    Some(found)
}

fn parenthesized(tuple: &Node, source: &Source<'_>) -> bool {
    let at = tuple.at.map(|p| source.offset(p.line, p.col) as usize);
    at.is_some_and(|at| source.text.as_bytes().get(at) == Some(&b'('))
}
