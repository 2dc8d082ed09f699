//! Syntax trees in the shape of Python's module `ast`, between the parser's trees and Python objects.

pub(crate) mod back;
mod check;
mod comments;
mod expr;
mod func_type;
mod optimize;
mod pattern;
mod stmt;
mod strings;
pub(crate) mod versions;

use cape_bytecode::{Const, Position, Wtf8};
use ruff_python_ast::Mod;
use ruff_text_size::TextRange;

use crate::asdl::Class;
use crate::error::{SyntaxErr, Warning};
use crate::source::Source;
use crate::{CompileOptions, Mode, syntax};
pub use check::{Invalid, check};
use comments::TypeComments;
pub use func_type::parse_func_type;
pub use optimize::optimize;

/// A node: its class, its fields in the order of the class's row, its place if it has one.
#[derive(Debug, Clone)]
pub struct Node {
    /// Its class.
    pub class: Class,
    /// Its fields.
    pub fields: Vec<Item>,
    /// `lineno`, `col_offset`, `end_lineno`, `end_col_offset`; columns count bytes.
    pub at: Option<Position>,
}

/// The value of a field.
#[derive(Debug, Clone)]
pub enum Item {
    /// Nothing: an optional field.
    None,
    /// A node.
    Node(Box<Node>),
    /// A list.
    List(Vec<Item>),
    /// An identifier or string.
    Str(Wtf8),
    /// An int.
    Int(i64),
    /// A constant.
    Const(Const),
}

impl Item {
    fn name(text: &str) -> Item {
        Item::Str(text.into())
    }
}

impl Node {
    fn item(class: Class, fields: Vec<Item>, at: Option<Position>) -> Item {
        debug_assert_eq!(class.row().fields.split(' ').filter(|f| !f.is_empty()).count(), fields.len());
        Item::Node(Box::new(Node { class, fields, at }))
    }

    fn bare(class: Class) -> Item {
        Node::item(class, Vec::new(), None)
    }

    /// The value of a field.
    pub fn get(&self, field: &str) -> &Item {
        let at = self.class.fields().iter().position(|f| f.name == field);
        at.and_then(|i| self.fields.get(i)).unwrap_or(&Item::None)
    }

    /// The node in a field that has one.
    fn node(&self, field: &str) -> &Node {
        match self.get(field) {
            Item::Node(n) => n,
            other => panic!("{}.{field} of a checked tree is {other:?}", self.class.row().name),
        }
    }

    /// The text in a field, if there is one.
    fn text(&self, field: &str) -> Option<&str> {
        match self.get(field) {
            Item::Str(s) => Some(s.as_str().unwrap_or("")),
            _ => None,
        }
    }

    /// The int in a field; -1 if there is none.
    fn int(&self, field: &str) -> i64 {
        match self.get(field) {
            Item::Int(i) => *i,
            _ => -1,
        }
    }
}

/// Parses `source` to a tree: a `Module`, `Expression` or `Interactive`.
pub fn parse(source: &str, mode: Mode, opts: CompileOptions) -> Result<(Node, Vec<Warning>), SyntaxErr> {
    let text = syntax::normalize(source);
    let source = Source::new(&text);
    let result = syntax::nesting(&text).and_then(|nesting| {
        stacker::maybe_grow(nesting.stack, nesting.stack + 64 * 1024, || {
            let parsed = syntax::parse(&source, mode, &opts)?;
            let types = match opts.flags & CompileOptions::TYPE_COMMENTS {
                0 => TypeComments::none(),
                _ => TypeComments::new(&source, &parsed.comments),
            };
            let t = Trees { source: &source, comments: &parsed.inner_comments, types };
            let tree = t.module(&parsed.tree, mode);
            t.types.all_taken()?;
            if opts.feature_version > 0 {
                versions::check(&tree, &source, opts.feature_version)?;
            }
            if !text.is_ascii() {
                // Other letters may make a name of a constant.
                check::names(&tree)?;
            }
            Ok((tree, parsed.warnings))
        })
    });
    result.map_err(|e| syntax::finish_typed(&source, mode, *e))
}

/// Turns the parser's trees into nodes.
struct Trees<'s> {
    source: &'s Source<'s>,
    /// Comments inside of f-strings and t-strings.
    comments: &'s [TextRange],
    types: TypeComments,
}

impl Trees<'_> {
    fn at(&self, range: TextRange) -> Option<Position> {
        let (line, col) = self.source.line_col(range.start().to_u32());
        let (end_line, end_col) = self.source.line_col(range.end().to_u32());
        Some(Position { line, end_line, col, end_col })
    }

    fn node(&self, class: Class, range: TextRange, fields: Vec<Item>) -> Item {
        Node::item(class, fields, self.at(range))
    }

    fn list<'a, T: 'a>(
        &self,
        items: impl IntoIterator<Item = &'a T>,
        f: impl Fn(&Self, &'a T) -> Item,
    ) -> Item {
        Item::List(items.into_iter().map(|x| f(self, x)).collect())
    }

    fn module(&self, tree: &Mod, mode: Mode) -> Node {
        let (class, fields) = match tree {
            Mod::Expression(e) => (Class::Expression, vec![self.expr(&e.body)]),
            Mod::Module(m) if mode == Mode::Single => (Class::Interactive, vec![self.body(&m.body)]),
            Mod::Module(m) => (Class::Module, vec![self.body(&m.body), self.types.ignores()]),
        };
        Node { class, fields, at: None }
    }

    /// The range of a class or function without its decorators.
    fn after_decorators(&self, range: TextRange, decorators: &[ruff_python_ast::Decorator]) -> TextRange {
        crate::func::def_range(range, decorators, self.source)
    }

    fn name_of(&self, id: &ruff_python_ast::Identifier) -> Item {
        Item::name(id.as_str())
    }

    fn opt_name(&self, id: Option<&ruff_python_ast::Identifier>) -> Item {
        id.map_or(Item::None, |id| self.name_of(id))
    }
}
