//! Type comments (`# type: int`), which trees hold when they are asked for.

use std::cell::{Cell, RefCell};
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
    /// A comment where none may be, and what is wrong with it.
    wrong: Cell<Option<(TextRange, &'static str)>>,
}

impl TypeComments {
    pub fn none() -> TypeComments {
        TypeComments { free: RefCell::default(), ignores: Vec::new(), wrong: Cell::new(None) }
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
        if let Some((range, what)) = self.wrong.get() {
            return err(range, what);
        }
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

    /// Looks for a comment of the `*` that stands alone before the parameter that begins at `start`.
    pub(super) fn bare_star(&self, start: TextSize) {
        if self.types.is_empty() {
            return;
        }
        let text = &self.source.text.as_bytes()[..start.to_usize()];
        // Comments may stand between, and hold anything.
        let star = self.types.free.borrow().keys().rev().copied().find(|&at| {
            let line = &text[..at.min(text.len())];
            at < text.len()
                && line
                    .trim_ascii_end()
                    .strip_suffix(b",")
                    .is_some_and(|l| l.trim_ascii_end().ends_with(b"*"))
        });
        if let Some(at) = star {
            let range = TextRange::empty((at as u32).into());
            self.types.wrong.set(Some((range, "bare * has associated type comment")));
        }
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
        let found = self.types.take(at);
        if !below {
            return found.unwrap_or(Item::None);
        }
        let newline = memchr::memchr(b'\n', &text[at..]).map_or(text.len(), |i| at + i);
        if found.is_none() && newline > at {
            return Item::None;
        }
        let under = self.skip(newline + 1, b" \t");
        match (found, self.types.take(under)) {
            (Some(found), Some(_)) => {
                let end = memchr::memchr(b'\n', &text[under..]).map_or(text.len(), |i| under + i);
                let range = TextRange::new((under as u32).into(), (end as u32).into());
                self.types.wrong.set(Some((range, "Cannot have two type comments on def")));
                found
            }
            (found, below) => found.or(below).unwrap_or(Item::None),
        }
    }
}
