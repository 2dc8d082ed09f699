//! Patterns of `match` statements.

use cape_bytecode::Const;
use ruff_python_ast::{self as ast, Pattern};
use ruff_text_size::Ranged;

use super::{Item, Trees};
use crate::asdl::Class as C;

impl Trees<'_> {
    fn patterns(&self, list: &[Pattern]) -> Item {
        self.list(list, Self::pattern)
    }

    pub(super) fn pattern(&self, p: &Pattern) -> Item {
        stacker::maybe_grow(64 * 1024, 1024 * 1024, || self.pattern_inner(p))
    }

    fn pattern_inner(&self, p: &Pattern) -> Item {
        let (class, fields) = match p {
            Pattern::MatchValue(v) => (C::MatchValue, vec![self.expr(&v.value)]),
            Pattern::MatchSingleton(s) => {
                let value = match s.value {
                    ast::Singleton::None => Const::None,
                    ast::Singleton::True => Const::True,
                    ast::Singleton::False => Const::False,
                };
                (C::MatchSingleton, vec![Item::Const(value)])
            }
            Pattern::MatchSequence(s) => (C::MatchSequence, vec![self.patterns(&s.patterns)]),
            Pattern::MatchMapping(m) => {
                let rest = self.opt_name(m.rest.as_ref());
                (C::MatchMapping, vec![self.exprs(&m.keys), self.patterns(&m.patterns), rest])
            }
            Pattern::MatchClass(c) => {
                let keywords = &c.arguments.keywords;
                let fields = vec![
                    self.expr(&c.cls),
                    self.patterns(&c.arguments.patterns),
                    self.list(keywords, |t, k| t.name_of(&k.attr)),
                    self.list(keywords, |t, k| t.pattern(&k.pattern)),
                ];
                (C::MatchClass, fields)
            }
            Pattern::MatchStar(s) => (C::MatchStar, vec![self.opt_name(s.name.as_ref())]),
            Pattern::MatchAs(a) => {
                let inner = a.pattern.as_deref().map_or(Item::None, |p| self.pattern(p));
                (C::MatchAs, vec![inner, self.opt_name(a.name.as_ref())])
            }
            Pattern::MatchOr(o) => (C::MatchOr, vec![self.patterns(&o.patterns)]),
        };
        self.node(class, p.range(), fields)
    }
}
