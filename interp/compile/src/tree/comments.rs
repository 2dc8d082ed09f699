//! Type comments (`# type: int`), which trees hold when they are asked for.

use std::cell::RefCell;
use std::collections::BTreeMap;

use ruff_text_size::{TextRange, TextSize};

use super::{Item, Node, Trees};
use crate::asdl::Class;
use crate::error::{R, err};
use crate::source::Source;

/// The type comments of a source that no node has taken yet: type and end by offset.
pub(super) struct TypeComments {
    free: RefCell<BTreeMap<usize, (String, u32)>>,
    /// Line and tag of each `# type: ignore`.
    ignores: Vec<(u32, String)>,
}

impl TypeComments {
    pub fn none() -> TypeComments {
        TypeComments { free: RefCell::default(), ignores: Vec::new() }
    }

    /// Those among `comments`.
    pub fn new(source: &Source<'_>, comments: &[TextRange]) -> TypeComments {
        let mut out = TypeComments::none();
        for &range in comments {
            let text = source.slice(range)[1..].trim_start_matches([' ', '\t']);
            let Some(ty) = text.strip_prefix("type:").map(|t| t.trim_start_matches([' ', '\t'])) else {
                continue;
            };
            let start = range.start().to_u32();
            let tag = ty
                .strip_prefix("ignore")
                .filter(|t| !t.starts_with(|c: char| c.is_ascii_alphanumeric() || !c.is_ascii()));
            match tag {
                Some(tag) => out.ignores.push((source.line(start), tag.to_owned())),
                None => {
                    out.free.get_mut().insert(start as usize, (ty.to_owned(), range.end().to_u32()));
                }
            }
        }
        out
    }

    /// The `type_ignores` of a module.
    pub fn ignores(&self) -> Item {
        let node = |(line, tag): &(u32, String)| {
            Node::item(Class::TypeIgnore, vec![Item::Int(*line as i64), Item::name(tag)], None)
        };
        Item::List(self.ignores.iter().map(node).collect())
    }

    /// A type comment that no node has taken is an error.
    pub fn all_taken(&self) -> R<()> {
        match self.free.borrow().first_key_value() {
            Some((&start, (_, end))) => {
                err(TextRange::new((start as u32).into(), (*end).into()), "invalid syntax")
            }
            None => Ok(()),
        }
    }

    fn is_empty(&self) -> bool {
        self.free.borrow().is_empty()
    }

    fn take(&self, at: usize) -> Option<Item> {
        self.free.borrow_mut().remove(&at).map(|(t, _)| Item::name(&t))
    }
}

impl Trees<'_> {
    fn skip(&self, mut at: usize, what: &[u8]) -> usize {
        let text = self.source.text.as_bytes();
        while text.get(at).is_some_and(|c| what.contains(c)) {
            at += 1;
        }
        at
    }

    /// The type comment on the line of `end`, after it.
    pub(super) fn type_comment(&self, end: TextSize) -> Item {
        if self.types.is_empty() {
            return Item::None;
        }
        self.types.take(self.skip(end.to_usize(), b" \t)")).unwrap_or(Item::None)
    }

    /// The type comment of a parameter that ends at `end`: a comma may stand between.
    pub(super) fn parameter_comment(&self, end: TextSize) -> Item {
        if self.types.is_empty() {
            return Item::None;
        }
        self.types.take(self.skip(end.to_usize(), b" \t,")).unwrap_or(Item::None)
    }

    /// The type comment after the colon of a header whose last part ends at `end`; with `below`, it may be a line of its own.
    pub(super) fn header_comment(&self, end: TextSize, below: bool) -> Item {
        if self.types.is_empty() {
            return Item::None;
        }
        let text = self.source.text.as_bytes();
        let mut at = end.to_usize();
        while let Some(&c) = text.get(at) {
            match c {
                b':' => break,
                b'#' => at += memchr::memchr(b'\n', &text[at..]).unwrap_or(text.len() - at),
                _ => at += 1,
            }
        }
        at = self.skip(at + 1, b" \t");
        if let Some(found) = self.types.take(at) {
            return found;
        }
        if below && text.get(at) == Some(&b'\n') {
            return self.types.take(self.skip(at + 1, b" \t")).unwrap_or(Item::None);
        }
        Item::None
    }
}
