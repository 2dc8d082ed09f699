//! Statements.

use ruff_python_ast::{self as ast, Stmt};
use ruff_text_size::{Ranged, TextRange, TextSize};

use super::{Item, Node, Trees};
use crate::asdl::Class as C;

impl Trees<'_> {
    pub(super) fn body(&self, body: &[Stmt]) -> Item {
        self.list(body, Self::stmt)
    }

    fn stmt(&self, s: &Stmt) -> Item {
        stacker::maybe_grow(64 * 1024, 2 * 1024 * 1024, || self.stmt_inner(s))
    }

    fn stmt_inner(&self, s: &Stmt) -> Item {
        let range = match s {
            Stmt::For(_) | Stmt::While(_) | Stmt::If(_) | Stmt::With(_) | Stmt::Match(_) | Stmt::Try(_) => {
                self.source.with_semicolon(s.range())
            }
            _ => s.range(),
        };
        let (class, fields) = match s {
            Stmt::FunctionDef(f) => return self.function(f),
            Stmt::ClassDef(c) => return self.class(c),
            Stmt::Return(r) => (C::Return, vec![self.opt_expr(r.value.as_deref())]),
            Stmt::Delete(d) => (C::Delete, vec![self.exprs(&d.targets)]),
            Stmt::TypeAlias(t) => {
                let params = self.type_params(t.type_params.as_deref());
                (C::TypeAlias, vec![self.expr(&t.name), params, self.expr(&t.value)])
            }
            Stmt::Assign(a) => {
                let fields =
                    vec![self.exprs(&a.targets), self.expr(&a.value), self.type_comment(range.end())];
                (C::Assign, fields)
            }
            Stmt::AugAssign(a) => {
                (C::AugAssign, vec![self.expr(&a.target), self.operator(a.op), self.expr(&a.value)])
            }
            Stmt::AnnAssign(a) => {
                let (target, annotation) = (self.expr(&a.target), self.expr(&a.annotation));
                let value = self.opt_expr(a.value.as_deref());
                (C::AnnAssign, vec![target, annotation, value, Item::Int(a.simple as i64)])
            }
            Stmt::For(f) => {
                let class = if f.is_async { C::AsyncFor } else { C::For };
                let (target, iter) = (self.expr(&f.target), self.expr(&f.iter));
                let comment = self.header_comment(f.iter.range().end(), false);
                (class, vec![target, iter, self.body(&f.body), self.body(&f.orelse), comment])
            }
            Stmt::While(w) => (C::While, vec![self.expr(&w.test), self.body(&w.body), self.body(&w.orelse)]),
            Stmt::If(i) => {
                let orelse = self.clauses(&i.elif_else_clauses, range);
                (C::If, vec![self.expr(&i.test), self.body(&i.body), orelse])
            }
            Stmt::With(w) => {
                let class = if w.is_async { C::AsyncWith } else { C::With };
                let end = w.items.last().map_or(range.start(), |i| i.range().end());
                let comment = self.header_comment(end, false);
                (class, vec![self.list(&w.items, Self::with_item), self.body(&w.body), comment])
            }
            Stmt::Match(m) => (C::Match, vec![self.expr(&m.subject), self.list(&m.cases, Self::case)]),
            Stmt::Raise(r) => {
                (C::Raise, vec![self.opt_expr(r.exc.as_deref()), self.opt_expr(r.cause.as_deref())])
            }
            Stmt::Try(t) => {
                let class = if t.is_star { C::TryStar } else { C::Try };
                let handlers = self.list(&t.handlers, Self::handler);
                (class, vec![self.body(&t.body), handlers, self.body(&t.orelse), self.body(&t.finalbody)])
            }
            Stmt::Assert(a) => (C::Assert, vec![self.expr(&a.test), self.opt_expr(a.msg.as_deref())]),
            Stmt::Import(i) => (C::Import, vec![self.list(&i.names, Self::alias)]),
            Stmt::ImportFrom(i) => {
                let module = self.opt_name(i.module.as_ref());
                (C::ImportFrom, vec![module, self.list(&i.names, Self::alias), Item::Int(i.level as i64)])
            }
            Stmt::Global(g) => (C::Global, vec![self.list(&g.names, Self::name_of)]),
            Stmt::Nonlocal(n) => (C::Nonlocal, vec![self.list(&n.names, Self::name_of)]),
            Stmt::Expr(e) => (C::Expr, vec![self.expr(&e.value)]),
            Stmt::Pass(_) => (C::Pass, vec![]),
            Stmt::Break(_) => (C::Break, vec![]),
            Stmt::Continue(_) => (C::Continue, vec![]),
            // The parser has no such statement outside of notebooks.
            Stmt::IpyEscapeCommand(_) => (C::Pass, vec![]),
        };
        self.node(class, range, fields)
    }

    fn function(&self, f: &ast::StmtFunctionDef) -> Item {
        let class = if f.is_async { C::AsyncFunctionDef } else { C::FunctionDef };
        let arguments = self.parameters(Some(&f.parameters));
        let header = f.returns.as_ref().map_or(f.parameters.range.end(), |r| r.range().end());
        let comment = self.header_comment(header, true);
        let fields = vec![
            self.name_of(&f.name),
            arguments,
            self.body(&f.body),
            self.list(&f.decorator_list, |t, d| t.expr(&d.expression)),
            self.opt_expr(f.returns.as_deref()),
            comment,
            self.type_params(f.type_params.as_deref()),
        ];
        self.node(
            class,
            self.source.with_semicolon(self.after_decorators(f.range, &f.decorator_list)),
            fields,
        )
    }

    fn class(&self, c: &ast::StmtClassDef) -> Item {
        let (bases, keywords) = match &c.arguments {
            Some(a) => (self.exprs(&a.args), self.list(&a.keywords, Self::keyword)),
            None => (Item::List(Vec::new()), Item::List(Vec::new())),
        };
        let fields = vec![
            self.name_of(&c.name),
            bases,
            keywords,
            self.body(&c.body),
            self.list(&c.decorator_list, |t, d| t.expr(&d.expression)),
            self.type_params(c.type_params.as_deref()),
        ];
        self.node(
            C::ClassDef,
            self.source.with_semicolon(self.after_decorators(c.range, &c.decorator_list)),
            fields,
        )
    }

    /// What follows an `if`: an `elif` is an `If` of its own.
    fn clauses(&self, clauses: &[ast::ElifElseClause], whole: TextRange) -> Item {
        let mut orelse = Vec::new();
        for c in clauses.iter().rev() {
            let body = self.body(&c.body);
            let Some(test) = &c.test else {
                if let Item::List(items) = body {
                    orelse = items;
                }
                continue;
            };
            let range = TextRange::new(c.range.start(), whole.end());
            orelse = vec![self.node(C::If, range, vec![self.expr(test), body, Item::List(orelse)])];
        }
        Item::List(orelse)
    }

    fn with_item(&self, w: &ast::WithItem) -> Item {
        let fields = vec![self.expr(&w.context_expr), self.opt_expr(w.optional_vars.as_deref())];
        Node::item(C::WithItem, fields, None)
    }

    fn case(&self, c: &ast::MatchCase) -> Item {
        let fields = vec![self.pattern(&c.pattern), self.opt_expr(c.guard.as_deref()), self.body(&c.body)];
        Node::item(C::MatchCase, fields, None)
    }

    fn handler(&self, h: &ast::ExceptHandler) -> Item {
        let ast::ExceptHandler::ExceptHandler(h) = h;
        let fields =
            vec![self.opt_expr(h.type_.as_deref()), self.opt_name(h.name.as_ref()), self.body(&h.body)];
        self.node(C::ExceptHandler, self.source.with_semicolon(h.range), fields)
    }

    fn alias(&self, a: &ast::Alias) -> Item {
        self.node(C::Alias, a.range, vec![self.name_of(&a.name), self.opt_name(a.asname.as_ref())])
    }

    pub(super) fn keyword(&self, k: &ast::Keyword) -> Item {
        self.node(C::Keyword, k.range, vec![self.opt_name(k.arg.as_ref()), self.expr(&k.value)])
    }

    pub(super) fn parameters(&self, p: Option<&ast::Parameters>) -> Item {
        let Some(p) = p else {
            let none = || Item::List(Vec::new());
            let fields = vec![none(), none(), Item::None, none(), none(), Item::None, none()];
            return Node::item(C::Arguments, fields, None);
        };
        let plain = |t: &Self, p: &ast::ParameterWithDefault| t.parameter(&p.parameter, p.range.end());
        let variadic = |p: &Option<Box<ast::Parameter>>| {
            p.as_ref().map_or(Item::None, |p| self.parameter(p, p.range.end()))
        };
        let defaults = p.posonlyargs.iter().chain(&p.args).filter_map(|p| p.default.as_deref());
        if p.vararg.is_none()
            && let Some(first) = p.kwonlyargs.first()
        {
            self.bare_star(first.parameter.range.start());
        }
        let fields = vec![
            self.list(&p.posonlyargs, plain),
            self.list(&p.args, plain),
            variadic(&p.vararg),
            self.list(&p.kwonlyargs, plain),
            self.list(&p.kwonlyargs, |t, p| t.opt_expr(p.default.as_deref())),
            variadic(&p.kwarg),
            self.list(defaults, Self::expr),
        ];
        Node::item(C::Arguments, fields, None)
    }

    fn parameter(&self, p: &ast::Parameter, end: TextSize) -> Item {
        let range = TextRange::new(p.name.range.start(), p.range.end());
        let fields =
            vec![self.name_of(&p.name), self.opt_expr(p.annotation.as_deref()), self.parameter_comment(end)];
        self.node(C::Arg, range, fields)
    }

    fn type_params(&self, p: Option<&ast::TypeParams>) -> Item {
        match p {
            Some(p) => self.list(&p.type_params, Self::type_param),
            None => Item::List(Vec::new()),
        }
    }

    fn type_param(&self, p: &ast::TypeParam) -> Item {
        let (class, name, bound, default) = match p {
            ast::TypeParam::TypeVar(p) => (C::TypeVar, &p.name, Some(&p.bound), &p.default),
            ast::TypeParam::TypeVarTuple(p) => (C::TypeVarTuple, &p.name, None, &p.default),
            ast::TypeParam::ParamSpec(p) => (C::ParamSpec, &p.name, None, &p.default),
        };
        let mut fields = vec![self.name_of(name)];
        fields.extend(bound.map(|b| self.opt_expr(b.as_deref())));
        fields.push(self.opt_expr(default.as_deref()));
        self.node(class, p.range(), fields)
    }
}
