//! What `PyCF_OPTIMIZED_AST` does to a tree, as CPython does it before it makes code.

use cape_bytecode::{Const, Position, Wtf8};

use super::{Item, Node};
use crate::asdl::Class as C;

/// Widest field and precision of a format that is rewritten.
const MAX_DIGITS: usize = 3;

/// Rewrites a tree for an optimization level.
pub fn optimize(n: &mut Node, level: u8) {
    stacker::maybe_grow(64 * 1024, 1024 * 1024, || {
        if level >= 2 && matches!(n.class, C::Module | C::FunctionDef | C::AsyncFunctionDef | C::ClassDef) {
            remove_docstring(n);
        }
        for item in &mut n.fields {
            match item {
                Item::Node(child) => optimize(child, level),
                Item::List(items) => {
                    for i in items {
                        if let Item::Node(child) = i {
                            optimize(child, level);
                        }
                    }
                }
                _ => {}
            }
        }
        match n.class {
            C::Name if n.text("id") == Some("__debug__") && n.node("ctx").class == C::Load => {
                let value = if level == 0 { Const::True } else { Const::False };
                *n = constant(value, n.at);
            }
            C::BinOp if n.node("op").class == C::Mod => {
                if let Some(values) = format(n) {
                    *n = Node { class: C::JoinedStr, fields: vec![Item::List(values)], at: n.at };
                }
            }
            C::MatchValue => fold_pattern(&mut n.fields[0]),
            C::MatchMapping => {
                if let Item::List(keys) = &mut n.fields[0] {
                    keys.iter_mut().for_each(fold_pattern);
                }
            }
            _ => {}
        }
    });
}

fn constant(value: Const, at: Option<Position>) -> Node {
    Node { class: C::Constant, fields: vec![Item::Const(value), Item::None], at }
}

fn remove_docstring(n: &mut Node) {
    let Some(at) = n.class.fields().iter().position(|f| f.name == "body") else { return };
    let Item::List(body) = &mut n.fields[at] else { return };
    let Some(Item::Node(first)) = body.first() else { return };
    let text = first.class == C::Expr
        && first.node("value").class == C::Constant
        && matches!(first.node("value").get("value"), Item::Const(Const::Str(_)));
    if !text {
        return;
    }
    if body.len() == 1 {
        let place = first.at.map(|p| Position { end_line: p.line, end_col: p.col + 4, ..p });
        body[0] = Item::Node(Box::new(Node { class: C::Pass, fields: Vec::new(), at: place }));
    } else {
        body.remove(0);
    }
}

/// The number that an expression of a pattern is.
fn number(n: &Node) -> Option<Const> {
    match (n.class, n.fields.first()) {
        (C::Constant, Some(Item::Const(c))) => match c {
            Const::Int(_) | Const::BigInt(_) | Const::Float(_) | Const::Complex(..) => Some(c.clone()),
            _ => None,
        },
        (C::UnaryOp, _) if n.node("op").class == C::USub => {
            crate::fold::unary(ruff_python_ast::UnaryOp::USub, &number(n.node("operand"))?)
        }
        (C::BinOp, _) => {
            let (l, r) = (number(n.node("left"))?, number(n.node("right"))?);
            let op = match n.node("op").class {
                C::Add => cape_bytecode::BinOp::Add,
                C::Sub => cape_bytecode::BinOp::Sub,
                _ => return None,
            };
            crate::fold::binary(op, &l, &r)
        }
        _ => None,
    }
}

fn fold_pattern(item: &mut Item) {
    if let Item::Node(n) = item
        && n.class != C::Constant
        && let Some(c) = number(n)
    {
        **n = constant(c, n.at);
    }
}

/// The pieces of an f-string for `'...' % (...)`, if the format is simple.
fn format(n: &Node) -> Option<Vec<Item>> {
    let (left, right) = (n.node("left"), n.node("right"));
    let (Item::Const(Const::Str(text)), C::Tuple) = (left.fields.first()?, right.class) else { return None };
    if left.class != C::Constant {
        return None;
    }
    let text = text.as_str()?;
    let Item::List(elements) = right.get("elts") else { return None };
    let mut elements = elements.iter();
    let mut out = Vec::new();
    let mut rest = text;
    loop {
        let mut literal = String::new();
        while let Some(i) = rest.find('%') {
            literal.push_str(&rest[..i]);
            rest = &rest[i..];
            match rest.strip_prefix("%%") {
                Some(r) => {
                    literal.push('%');
                    rest = r;
                }
                None => break,
            }
        }
        let at_field = rest.starts_with('%');
        if !at_field {
            literal.push_str(rest);
        }
        if !literal.is_empty() {
            out.push(Item::Node(Box::new(constant(Const::Str(literal.into()), left.at))));
        }
        if !at_field {
            return elements.next().is_none().then_some(out);
        }
        let Some(Item::Node(value)) = elements.next() else { return None };
        if value.class == C::Starred {
            return None;
        }
        rest = field(&rest[1..], value, left.at, &mut out)?;
    }
}

/// One field of a format, after its `%`; gives what follows.
fn field<'t>(text: &'t str, value: &Node, at: Option<Position>, out: &mut Vec<Item>) -> Option<&'t str> {
    let left = text.starts_with('-');
    let text = text.strip_prefix('-').unwrap_or(text);
    let digits = |t: &'t str| {
        let n = t.bytes().take_while(u8::is_ascii_digit).count();
        (n <= MAX_DIGITS).then(|| t.split_at(n))
    };
    let (width, mut text) = digits(text)?;
    let mut precision = None;
    if let Some(t) = text.strip_prefix('.') {
        let (p, rest) = digits(t)?;
        precision = Some(p.parse::<u32>().unwrap_or(0));
        text = rest;
    }
    let conversion = text.chars().next().filter(|c| matches!(c, 's' | 'r' | 'a'))?;
    if width.starts_with('0') {
        return None;
    }
    let mut spec = String::new();
    if !width.is_empty() {
        spec.push_str(if left { "" } else { ">" });
        spec.push_str(width);
    }
    if let Some(p) = precision {
        spec.push_str(&format!(".{p}"));
    }
    let spec = match spec.is_empty() {
        true => Item::None,
        false => Item::Node(Box::new(constant(Const::Str(Wtf8::from(spec)), at))),
    };
    let fields = vec![Item::Node(Box::new(value.clone())), Item::Int(conversion as i64), spec];
    out.push(Item::Node(Box::new(Node { class: C::FormattedValue, fields, at: value.at })));
    Some(&text[1..])
}
