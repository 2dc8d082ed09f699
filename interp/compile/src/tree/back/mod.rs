//! From nodes to the parser's trees, which the compiler works on.
//!
//! Positions of the parser's trees are offsets into a source. A tree from Python code has none: an offset then is an index into the
//! sorted places of the tree ([`Synthetic`]). What the parser's trees cannot hold (text with lone surrogates, constants that no
//! literal makes) is kept beside them, under the index that the node carries.

mod expr;
mod stmt;

use cape_bytecode::{Const, Position};
use ruff_python_ast::name::Name;
use ruff_python_ast::{AtomicNodeIndex, Expr, Identifier, Mod, ModExpression, ModModule, NodeIndex};
use ruff_text_size::TextRange;

use super::{Item, Node};
use crate::asdl::Class as C;
use crate::source::{PLACE_STEP, Synthetic};

/// The parser's tree of `node`, which was checked, and what stands in for its source.
pub(crate) fn to_parser(node: &Node) -> (Mod, Synthetic) {
    let mut places = Vec::new();
    collect(node, &mut places);
    places.push((1, 0));
    places.sort_unstable();
    places.dedup();
    let mut b = Back { places, consts: Vec::new() };
    let (index, range) = (AtomicNodeIndex::NONE, TextRange::default());
    let tree = match node.class {
        C::Expression => Mod::Expression(ModExpression {
            node_index: index,
            range,
            body: Box::new(b.expr(node.node("body"))),
        }),
        _ => Mod::Module(ModModule { node_index: index, range, body: b.body(node.get("body")).into() }),
    };
    (tree, Synthetic { places: b.places, consts: b.consts })
}

fn collect(node: &Node, places: &mut Vec<(u32, u32)>) {
    stacker::maybe_grow(64 * 1024, 1024 * 1024, || {
        if let Some(at) = node.at {
            places.push((at.line, at.col));
            places.push((at.end_line, at.end_col));
            places.extend(attribute_name(node));
            // Where a class begins that has a decorator or is inside of something.
            if node.class == C::ClassDef {
                let decorator = match node.get("decorator_list") {
                    Item::List(l) => l.first(),
                    _ => None,
                };
                let first = match decorator {
                    Some(Item::Node(d)) => d.at.map_or(at.line, |d| d.line),
                    _ => at.line,
                };
                places.push((first, 0));
            }
        }
        for item in &node.fields {
            match item {
                Item::Node(n) => collect(n, places),
                Item::List(l) => {
                    for i in l {
                        if let Item::Node(n) = i {
                            collect(n, places);
                        }
                    }
                }
                _ => {}
            }
        }
    })
}

/// Where the name of an attribute begins that is on another line than the beginning of the expression.
fn attribute_name(node: &Node) -> Option<(u32, u32)> {
    let at = node.at.filter(|at| node.class == C::Attribute && at.line != at.end_line)?;
    let length = node.text("attr")?.chars().count() as u32;
    Some((at.end_line, at.end_col.checked_sub(length)?))
}

struct Back {
    places: Vec<(u32, u32)>,
    consts: Vec<Const>,
}

impl Back {
    fn offset(&self, place: (u32, u32)) -> u32 {
        self.places.binary_search(&place).unwrap_or(0) as u32 * PLACE_STEP
    }

    fn range(&self, n: &Node) -> TextRange {
        match n.at {
            Some(Position { line, end_line, col, end_col }) => {
                let (start, end) = (self.offset((line, col)), self.offset((end_line, end_col)));
                TextRange::new(start.into(), end.max(start).into())
            }
            None => TextRange::default(),
        }
    }

    /// Keeps a constant beside the tree.
    fn keep(&mut self, c: Const) -> AtomicNodeIndex {
        let index = AtomicNodeIndex::NONE;
        index.set(NodeIndex::from(self.consts.len() as u32));
        self.consts.push(c);
        index
    }

    fn list<T>(&mut self, item: &Item, f: impl Fn(&mut Self, &Node) -> T) -> Vec<T> {
        match item {
            Item::List(items) => items
                .iter()
                .filter_map(|i| match i {
                    Item::Node(n) => Some(f(self, n)),
                    _ => None,
                })
                .collect(),
            _ => Vec::new(),
        }
    }

    fn opt<T>(&mut self, item: &Item, f: impl Fn(&mut Self, &Node) -> T) -> Option<T> {
        match item {
            Item::Node(n) => Some(f(self, n)),
            _ => None,
        }
    }

    fn opt_expr(&mut self, item: &Item) -> Option<Box<Expr>> {
        self.opt(item, Self::expr).map(Box::new)
    }

    fn boxed(&mut self, n: &Node) -> Box<Expr> {
        Box::new(self.expr(n))
    }

    fn exprs(&mut self, item: &Item) -> Vec<Expr> {
        self.list(item, Self::expr)
    }

    fn name(text: &str) -> Name {
        Name::new(text)
    }

    fn identifier(text: &str, range: TextRange) -> Identifier {
        Identifier::new(Self::name(text), range)
    }

    fn identifier_of(&self, n: &Node, field: &str) -> Identifier {
        Self::identifier(n.text(field).unwrap_or(""), self.range(n))
    }

    fn attribute_identifier(&self, n: &Node) -> Identifier {
        let whole = self.range(n);
        let range = match attribute_name(n) {
            Some(start) => TextRange::new(self.offset(start).into(), whole.end()),
            None => whole,
        };
        Self::identifier(n.text("attr").unwrap_or(""), range)
    }

    fn opt_identifier(&self, n: &Node, field: &str) -> Option<Identifier> {
        n.text(field).map(|t| Self::identifier(t, self.range(n)))
    }

    fn identifiers(&self, n: &Node, field: &str) -> Vec<Identifier> {
        match n.get(field) {
            Item::List(items) => items
                .iter()
                .filter_map(|i| match i {
                    Item::Str(s) => Some(Self::identifier(s.as_str().unwrap_or(""), self.range(n))),
                    _ => None,
                })
                .collect(),
            _ => Vec::new(),
        }
    }
}
