//! Statements and patterns.

use cape_bytecode::Const;
use ruff_python_ast::{self as ast, AtomicNodeIndex, Pattern, Stmt};
use ruff_text_size::TextRange;

use super::Back;
use crate::asdl::Class as C;
use crate::tree::{Item, Node};

impl Back {
    pub(super) fn body(&mut self, item: &Item) -> Vec<Stmt> {
        self.list(item, Self::stmt)
    }

    fn suite(&mut self, n: &Node, field: &str) -> Vec<Stmt> {
        self.body(n.get(field))
    }

    fn stmt(&mut self, n: &Node) -> Stmt {
        stacker::maybe_grow(64 * 1024, 1024 * 1024, || self.stmt_inner(n))
    }

    fn stmt_inner(&mut self, n: &Node) -> Stmt {
        let (range, node_index) = (self.range(n), AtomicNodeIndex::NONE);
        match n.class {
            C::FunctionDef | C::AsyncFunctionDef => Stmt::FunctionDef(ast::StmtFunctionDef {
                node_index,
                range,
                is_async: n.class == C::AsyncFunctionDef,
                decorator_list: self.decorators(n).into(),
                name: self.identifier_of(n, "name"),
                type_params: self.type_params(n),
                parameters: Box::new(self.parameters(n.node("args"))),
                returns: self.opt_expr(n.get("returns")),
                body: self.suite(n, "body").into(),
            }),
            C::ClassDef => Stmt::ClassDef(ast::StmtClassDef {
                node_index,
                range,
                decorator_list: self.decorators(n).into(),
                name: self.identifier_of(n, "name"),
                type_params: self.type_params(n),
                arguments: Some(Box::new(self.arguments(n, "bases", range))),
                body: self.suite(n, "body").into(),
            }),
            C::Return => {
                Stmt::Return(ast::StmtReturn { node_index, range, value: self.opt_expr(n.get("value")) })
            }
            C::Delete => {
                Stmt::Delete(ast::StmtDelete { node_index, range, targets: self.exprs(n.get("targets")) })
            }
            C::Assign => Stmt::Assign(ast::StmtAssign {
                node_index,
                range,
                targets: self.exprs(n.get("targets")),
                value: self.boxed(n.node("value")),
            }),
            C::TypeAlias => Stmt::TypeAlias(ast::StmtTypeAlias {
                node_index,
                range,
                name: self.boxed(n.node("name")),
                type_params: self.type_params(n),
                value: self.boxed(n.node("value")),
            }),
            C::AugAssign => Stmt::AugAssign(ast::StmtAugAssign {
                node_index,
                range,
                target: self.boxed(n.node("target")),
                op: super::expr::operator(n.node("op").class),
                value: self.boxed(n.node("value")),
            }),
            C::AnnAssign => Stmt::AnnAssign(ast::StmtAnnAssign {
                node_index,
                range,
                target: self.boxed(n.node("target")),
                annotation: self.boxed(n.node("annotation")),
                value: self.opt_expr(n.get("value")),
                simple: n.int("simple") != 0,
            }),
            C::For | C::AsyncFor => Stmt::For(ast::StmtFor {
                node_index,
                range,
                is_async: n.class == C::AsyncFor,
                target: self.boxed(n.node("target")),
                iter: self.boxed(n.node("iter")),
                body: self.suite(n, "body").into(),
                orelse: self.suite(n, "orelse").into(),
            }),
            C::While => Stmt::While(ast::StmtWhile {
                node_index,
                range,
                test: self.boxed(n.node("test")),
                body: self.suite(n, "body").into(),
                orelse: self.suite(n, "orelse").into(),
            }),
            C::If => self.if_chain(n),
            C::With | C::AsyncWith => Stmt::With(ast::StmtWith {
                node_index,
                range,
                is_async: n.class == C::AsyncWith,
                items: self.list(n.get("items"), |b, w| ast::WithItem {
                    node_index: AtomicNodeIndex::NONE,
                    range: b.range(w.node("context_expr")),
                    context_expr: b.expr(w.node("context_expr")),
                    optional_vars: b.opt_expr(w.get("optional_vars")),
                }),
                body: self.suite(n, "body").into(),
            }),
            C::Match => Stmt::Match(ast::StmtMatch {
                node_index,
                range,
                subject: self.boxed(n.node("subject")),
                cases: self.list(n.get("cases"), |b, c| ast::MatchCase {
                    node_index: AtomicNodeIndex::NONE,
                    range: b.range(c.node("pattern")),
                    pattern: b.pattern(c.node("pattern")),
                    guard: b.opt_expr(c.get("guard")),
                    body: b.suite(c, "body").into(),
                }),
            }),
            C::Raise => Stmt::Raise(ast::StmtRaise {
                node_index,
                range,
                exc: self.opt_expr(n.get("exc")),
                cause: self.opt_expr(n.get("cause")),
            }),
            C::Try | C::TryStar => Stmt::Try(ast::StmtTry {
                node_index,
                range,
                body: self.suite(n, "body").into(),
                handlers: self.list(n.get("handlers"), |b, h| {
                    ast::ExceptHandler::ExceptHandler(ast::ExceptHandlerExceptHandler {
                        node_index: AtomicNodeIndex::NONE,
                        range: b.range(h),
                        type_: b.opt_expr(h.get("type")),
                        name: b.opt_identifier(h, "name"),
                        body: b.suite(h, "body").into(),
                    })
                }),
                orelse: self.suite(n, "orelse").into(),
                finalbody: self.suite(n, "finalbody").into(),
                is_star: n.class == C::TryStar,
            }),
            C::Assert => Stmt::Assert(ast::StmtAssert {
                node_index,
                range,
                test: self.boxed(n.node("test")),
                msg: self.opt_expr(n.get("msg")),
            }),
            C::Import => Stmt::Import(ast::StmtImport {
                node_index,
                range,
                names: self.list(n.get("names"), Self::alias),
                is_lazy: false,
            }),
            C::ImportFrom => Stmt::ImportFrom(ast::StmtImportFrom {
                node_index,
                range,
                module: self.opt_identifier(n, "module"),
                names: self.list(n.get("names"), Self::alias),
                level: n.int("level").max(0) as u32,
                is_lazy: false,
            }),
            C::Global => {
                Stmt::Global(ast::StmtGlobal { node_index, range, names: self.identifiers(n, "names") })
            }
            C::Nonlocal => {
                Stmt::Nonlocal(ast::StmtNonlocal { node_index, range, names: self.identifiers(n, "names") })
            }
            C::Expr => Stmt::Expr(ast::StmtExpr { node_index, range, value: self.boxed(n.node("value")) }),
            C::Break => Stmt::Break(ast::StmtBreak { node_index, range }),
            C::Continue => Stmt::Continue(ast::StmtContinue { node_index, range }),
            _ => Stmt::Pass(ast::StmtPass { node_index, range }),
        }
    }

    /// An `If`; one that is all of the `else` branch becomes an `elif`.
    fn if_chain(&mut self, n: &Node) -> Stmt {
        let mut clauses = Vec::new();
        let mut at = n;
        loop {
            let Item::List(orelse) = at.get("orelse") else { break };
            match &orelse[..] {
                [] => break,
                [Item::Node(next)] if next.class == C::If => {
                    clauses.push(ast::ElifElseClause {
                        node_index: AtomicNodeIndex::NONE,
                        range: self.range(next),
                        test: Some(self.expr(next.node("test"))),
                        body: self.suite(next, "body").into(),
                    });
                    at = next;
                }
                _ => {
                    let body = self.body(at.get("orelse"));
                    let range = self.range(at);
                    clauses.push(ast::ElifElseClause {
                        node_index: AtomicNodeIndex::NONE,
                        range,
                        test: None,
                        body: body.into(),
                    });
                    break;
                }
            }
        }
        Stmt::If(ast::StmtIf {
            node_index: AtomicNodeIndex::NONE,
            range: self.range(n),
            test: self.boxed(n.node("test")),
            body: self.suite(n, "body").into(),
            elif_else_clauses: clauses,
        })
    }

    fn decorators(&mut self, n: &Node) -> Vec<ast::Decorator> {
        self.list(n.get("decorator_list"), |b, d| ast::Decorator {
            node_index: AtomicNodeIndex::NONE,
            range: b.range(d),
            expression: b.expr(d),
        })
    }

    fn alias(&mut self, n: &Node) -> ast::Alias {
        ast::Alias {
            node_index: AtomicNodeIndex::NONE,
            range: self.range(n),
            name: self.identifier_of(n, "name"),
            asname: self.opt_identifier(n, "asname"),
        }
    }

    pub(super) fn arguments(&mut self, n: &Node, positional: &str, range: TextRange) -> ast::Arguments {
        ast::Arguments {
            node_index: AtomicNodeIndex::NONE,
            range,
            args: self.exprs(n.get(positional)).into(),
            keywords: self
                .list(n.get("keywords"), |b, k| ast::Keyword {
                    node_index: AtomicNodeIndex::NONE,
                    range: b.range(k),
                    arg: b.opt_identifier(k, "arg"),
                    value: b.expr(k.node("value")),
                })
                .into(),
        }
    }

    pub(super) fn parameters(&mut self, n: &Node) -> ast::Parameters {
        let mut positional = self.list(n.get("posonlyargs"), Self::parameter);
        let posonly = positional.len();
        positional.extend(self.list(n.get("args"), Self::parameter));
        let defaults = self.exprs(n.get("defaults"));
        let without = positional.len() - defaults.len().min(positional.len());
        let mut with_default: Vec<_> = positional.into_iter().map(|p| plain(p, None)).collect();
        for (p, d) in with_default[without..].iter_mut().zip(defaults) {
            p.default = Some(Box::new(d));
        }
        let args = with_default.split_off(posonly);
        let mut kwonly: Vec<_> =
            self.list(n.get("kwonlyargs"), Self::parameter).into_iter().map(|p| plain(p, None)).collect();
        if let Item::List(defaults) = n.get("kw_defaults") {
            for (p, d) in kwonly.iter_mut().zip(defaults) {
                p.default = self.opt_expr(d);
            }
        }
        ast::Parameters {
            node_index: AtomicNodeIndex::NONE,
            range: TextRange::default(),
            posonlyargs: with_default.into(),
            args: args.into(),
            vararg: self.opt(n.get("vararg"), Self::parameter).map(Box::new),
            kwonlyargs: kwonly.into(),
            kwarg: self.opt(n.get("kwarg"), Self::parameter).map(Box::new),
        }
    }

    fn parameter(&mut self, n: &Node) -> ast::Parameter {
        ast::Parameter {
            node_index: AtomicNodeIndex::NONE,
            range: self.range(n),
            name: self.identifier_of(n, "arg"),
            annotation: self.opt_expr(n.get("annotation")),
        }
    }

    fn type_params(&mut self, n: &Node) -> Option<Box<ast::TypeParams>> {
        let type_params = self.list(n.get("type_params"), |b, p| {
            let (node_index, range, name) = (AtomicNodeIndex::NONE, b.range(p), b.identifier_of(p, "name"));
            let default = b.opt_expr(p.get("default_value"));
            match p.class {
                C::TypeVar => ast::TypeParam::TypeVar(ast::TypeParamTypeVar {
                    node_index,
                    range,
                    name,
                    bound: b.opt_expr(p.get("bound")),
                    default,
                }),
                C::ParamSpec => {
                    ast::TypeParam::ParamSpec(ast::TypeParamParamSpec { node_index, range, name, default })
                }
                _ => ast::TypeParam::TypeVarTuple(ast::TypeParamTypeVarTuple {
                    node_index,
                    range,
                    name,
                    default,
                }),
            }
        });
        let range = self.range(n);
        (!type_params.is_empty())
            .then(|| Box::new(ast::TypeParams { node_index: AtomicNodeIndex::NONE, range, type_params }))
    }

    fn patterns(&mut self, n: &Node) -> Vec<Pattern> {
        self.list(n.get("patterns"), Self::pattern)
    }

    fn pattern(&mut self, n: &Node) -> Pattern {
        stacker::maybe_grow(64 * 1024, 1024 * 1024, || self.pattern_inner(n))
    }

    fn pattern_inner(&mut self, n: &Node) -> Pattern {
        let (range, node_index) = (self.range(n), AtomicNodeIndex::NONE);
        match n.class {
            C::MatchValue => Pattern::MatchValue(ast::PatternMatchValue {
                node_index,
                range,
                value: self.boxed(n.node("value")),
            }),
            C::MatchSingleton => Pattern::MatchSingleton(ast::PatternMatchSingleton {
                node_index,
                range,
                value: match n.get("value") {
                    Item::Const(Const::True) => ast::Singleton::True,
                    Item::Const(Const::False) => ast::Singleton::False,
                    _ => ast::Singleton::None,
                },
            }),
            C::MatchSequence => Pattern::MatchSequence(ast::PatternMatchSequence {
                node_index,
                range,
                patterns: self.patterns(n),
            }),
            C::MatchMapping => Pattern::MatchMapping(ast::PatternMatchMapping {
                node_index,
                range,
                keys: self.exprs(n.get("keys")).into(),
                patterns: self.patterns(n).into(),
                rest: self.opt_identifier(n, "rest"),
            }),
            C::MatchClass => Pattern::MatchClass(ast::PatternMatchClass {
                node_index,
                range,
                cls: self.boxed(n.node("cls")),
                arguments: ast::PatternArguments {
                    node_index: AtomicNodeIndex::NONE,
                    range,
                    patterns: self.patterns(n).into(),
                    keywords: self
                        .identifiers(n, "kwd_attrs")
                        .into_iter()
                        .zip(self.list(n.get("kwd_patterns"), |b, p| (b.range(p), b.pattern(p))))
                        .map(|(attr, (range, pattern))| ast::PatternKeyword {
                            node_index: AtomicNodeIndex::NONE,
                            range,
                            attr,
                            pattern,
                        })
                        .collect(),
                },
            }),
            C::MatchStar => Pattern::MatchStar(ast::PatternMatchStar {
                node_index,
                range,
                name: self.opt_identifier(n, "name"),
            }),
            C::MatchOr => {
                Pattern::MatchOr(ast::PatternMatchOr { node_index, range, patterns: self.patterns(n) })
            }
            _ => Pattern::MatchAs(ast::PatternMatchAs {
                node_index,
                range,
                pattern: self.opt(n.get("pattern"), Self::pattern).map(Box::new),
                name: self.opt_identifier(n, "name"),
            }),
        }
    }
}

fn plain(parameter: ast::Parameter, default: Option<Box<ast::Expr>>) -> ast::ParameterWithDefault {
    ast::ParameterWithDefault {
        node_index: AtomicNodeIndex::NONE,
        range: parameter.range,
        parameter,
        default,
    }
}
