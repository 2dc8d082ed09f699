//! Expressions.

use cape_bytecode::Const;
use ruff_python_ast::{self as ast, Expr};
use ruff_text_size::{Ranged, TextRange};

use super::{Item, Node, Trees};
use crate::asdl::Class as C;

macro_rules! same_names {
    ($($f:ident $t:ident: $($v:ident)*;)*) => {
        impl Trees<'_> {
            $(pub(super) fn $f(&self, x: ast::$t) -> Item {
                Node::bare(match x { $(ast::$t::$v => C::$v),* })
            })*
        }
    };
}

same_names! {
    operator Operator: Add Sub Mult MatMult Div Mod Pow LShift RShift BitOr BitXor BitAnd FloorDiv;
    unary UnaryOp: Invert Not UAdd USub;
    bool_op BoolOp: And Or;
    compare_op CmpOp: Eq NotEq Lt LtE Gt GtE Is IsNot In NotIn;
}

impl Trees<'_> {
    pub(super) fn exprs(&self, list: &[Expr]) -> Item {
        self.list(list, Self::expr)
    }

    pub(super) fn opt_expr(&self, e: Option<&Expr>) -> Item {
        e.map_or(Item::None, |e| self.expr(e))
    }

    pub(super) fn context(&self, c: ast::ExprContext) -> Item {
        Node::bare(match c {
            ast::ExprContext::Store => C::Store,
            ast::ExprContext::Del => C::Del,
            ast::ExprContext::Load | ast::ExprContext::Invalid => C::Load,
        })
    }

    pub(super) fn expr(&self, e: &Expr) -> Item {
        stacker::maybe_grow(64 * 1024, 2 * 1024 * 1024, || self.expr_inner(e))
    }

    fn constant(&self, range: TextRange, c: Const) -> Item {
        self.node(C::Constant, range, vec![Item::Const(c), Item::None])
    }

    fn expr_inner(&self, e: &Expr) -> Item {
        let range = e.range();
        let (class, fields) = match e {
            Expr::BoolOp(b) => (C::BoolOp, vec![self.bool_op(b.op), self.exprs(&b.values)]),
            Expr::Named(n) => (C::NamedExpr, vec![self.expr(&n.target), self.expr(&n.value)]),
            Expr::BinOp(b) => (C::BinOp, vec![self.expr(&b.left), self.operator(b.op), self.expr(&b.right)]),
            Expr::UnaryOp(u) => (C::UnaryOp, vec![self.unary(u.op), self.expr(&u.operand)]),
            Expr::Lambda(l) => {
                (C::Lambda, vec![self.parameters(l.parameters.as_deref()), self.expr(&l.body)])
            }
            Expr::If(i) => (C::IfExp, vec![self.expr(&i.test), self.expr(&i.body), self.expr(&i.orelse)]),
            Expr::Dict(d) => {
                let keys = self.list(&d.items, |t, i| t.opt_expr(i.key.as_ref()));
                (C::Dict, vec![keys, self.list(&d.items, |t, i| t.expr(&i.value))])
            }
            Expr::Set(s) => (C::Set, vec![self.exprs(&s.elts)]),
            Expr::ListComp(c) => (C::ListComp, vec![self.expr(&c.elt), self.generators(&c.generators)]),
            Expr::SetComp(c) => (C::SetComp, vec![self.expr(&c.elt), self.generators(&c.generators)]),
            Expr::DictComp(c) => {
                let key = self.opt_expr(c.key.as_deref());
                (C::DictComp, vec![key, self.expr(&c.value), self.generators(&c.generators)])
            }
            Expr::Generator(g) => return self.generator(g, range),
            Expr::Await(a) => (C::Await, vec![self.expr(&a.value)]),
            Expr::Yield(y) => (C::Yield, vec![self.opt_expr(y.value.as_deref())]),
            Expr::YieldFrom(y) => (C::YieldFrom, vec![self.expr(&y.value)]),
            Expr::Compare(c) => {
                let ops = self.list(c.ops.iter(), |t, &op| t.compare_op(op));
                (C::Compare, vec![self.expr(&c.left), ops, self.exprs(&c.comparators)])
            }
            Expr::Call(c) => (C::Call, self.call(c)),
            Expr::FString(f) => return self.fstring(f),
            Expr::TString(t) => return self.tstring(t),
            Expr::StringLiteral(s) => return self.string(s),
            Expr::BytesLiteral(b) => {
                let all: Vec<u8> = b.value.iter().flat_map(|p| p.value.iter().copied()).collect();
                return self.constant(range, Const::Bytes(all.into()));
            }
            Expr::NumberLiteral(n) => return self.constant(range, crate::fold::number(&n.value)),
            Expr::BooleanLiteral(b) => {
                return self.constant(range, if b.value { Const::True } else { Const::False });
            }
            Expr::NoneLiteral(_) => return self.constant(range, Const::None),
            Expr::EllipsisLiteral(_) => return self.constant(range, Const::Ellipsis),
            Expr::Attribute(a) => {
                (C::Attribute, vec![self.expr(&a.value), self.name_of(&a.attr), self.context(a.ctx)])
            }
            Expr::Subscript(s) => {
                (C::Subscript, vec![self.expr(&s.value), self.expr(&s.slice), self.context(s.ctx)])
            }
            Expr::Starred(s) => (C::Starred, vec![self.expr(&s.value), self.context(s.ctx)]),
            Expr::Name(n) => (C::Name, vec![Item::name(n.id.as_str()), self.context(n.ctx)]),
            Expr::List(l) => (C::List, vec![self.exprs(&l.elts), self.context(l.ctx)]),
            Expr::Tuple(t) => (C::Tuple, vec![self.exprs(&t.elts), self.context(t.ctx)]),
            Expr::Slice(s) => {
                let part = |e: &Option<Box<Expr>>| self.opt_expr(e.as_deref());
                (C::Slice, vec![part(&s.lower), part(&s.upper), part(&s.step)])
            }
            // The parser has no such expression outside of notebooks.
            Expr::IpyEscapeCommand(_) => return self.constant(range, Const::None),
        };
        self.node(class, range, fields)
    }

    fn generators(&self, list: &[ast::Comprehension]) -> Item {
        self.list(list, |t, c| {
            let (target, iter) = (t.expr(&c.target), t.expr(&c.iter));
            let fields = vec![target, iter, t.exprs(&c.ifs), Item::Int(c.is_async as i64)];
            Node::item(C::Comprehension, fields, None)
        })
    }

    fn generator(&self, g: &ast::ExprGenerator, range: TextRange) -> Item {
        self.node(C::GeneratorExp, range, vec![self.expr(&g.elt), self.generators(&g.generators)])
    }

    fn call(&self, c: &ast::ExprCall) -> Vec<Item> {
        let args = match (&c.arguments.args[..], c.arguments.keywords.is_empty()) {
            // The parentheses of the call are those of the generator expression.
            ([Expr::Generator(g)], true) if !g.parenthesized => {
                Item::List(vec![self.generator(g, c.arguments.range)])
            }
            (args, _) => self.exprs(args),
        };
        vec![self.expr(&c.func), args, self.list(&c.arguments.keywords, Self::keyword)]
    }
}
