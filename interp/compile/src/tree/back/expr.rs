//! Expressions.

use cape_bytecode::Const;
use ruff_python_ast::{self as ast, AtomicNodeIndex, ConversionFlag, Expr, InterpolatedStringElement};
use ruff_text_size::TextRange;

use super::Back;
use crate::asdl::Class as C;
use crate::tree::{Item, Node};

macro_rules! same_names {
    ($($f:ident $t:ident $first:ident: $($v:ident)*;)*) => {
        $(pub(super) fn $f(class: C) -> ast::$t {
            match class { $(C::$v => ast::$t::$v,)* _ => ast::$t::$first }
        })*
    };
}

same_names! {
    operator Operator Add: Sub Mult MatMult Div Mod Pow LShift RShift BitOr BitXor BitAnd FloorDiv;
    unary UnaryOp Invert: Not UAdd USub;
    bool_op BoolOp And: Or;
    compare_op CmpOp Eq: NotEq Lt LtE Gt GtE Is IsNot In NotIn;
}

fn context(n: &Node) -> ast::ExprContext {
    match n.node("ctx").class {
        C::Store => ast::ExprContext::Store,
        C::Del => ast::ExprContext::Del,
        _ => ast::ExprContext::Load,
    }
}

impl Back {
    pub(super) fn expr(&mut self, n: &Node) -> Expr {
        stacker::maybe_grow(64 * 1024, 2 * 1024 * 1024, || self.expr_inner(n))
    }

    fn expr_inner(&mut self, n: &Node) -> Expr {
        let (range, node_index) = (self.range(n), AtomicNodeIndex::NONE);
        match n.class {
            C::BoolOp => Expr::BoolOp(ast::ExprBoolOp {
                node_index,
                range,
                op: bool_op(n.node("op").class),
                values: self.exprs(n.get("values")),
            }),
            C::NamedExpr => Expr::Named(ast::ExprNamed {
                node_index,
                range,
                target: self.boxed(n.node("target")),
                value: self.boxed(n.node("value")),
            }),
            C::BinOp => Expr::BinOp(ast::ExprBinOp {
                node_index,
                range,
                left: self.boxed(n.node("left")),
                op: operator(n.node("op").class),
                right: self.boxed(n.node("right")),
            }),
            C::UnaryOp => Expr::UnaryOp(ast::ExprUnaryOp {
                node_index,
                range,
                op: unary(n.node("op").class),
                operand: self.boxed(n.node("operand")),
            }),
            C::Lambda => Expr::Lambda(ast::ExprLambda {
                node_index,
                range,
                parameters: Some(Box::new(self.parameters(n.node("args")))),
                body: self.boxed(n.node("body")),
            }),
            C::IfExp => Expr::If(ast::ExprIf {
                node_index,
                range,
                test: self.boxed(n.node("test")),
                body: self.boxed(n.node("body")),
                orelse: self.boxed(n.node("orelse")),
            }),
            C::Dict => Expr::Dict(ast::ExprDict { node_index, range, items: self.dict_items(n) }),
            C::Set => Expr::Set(ast::ExprSet { node_index, range, elts: self.exprs(n.get("elts")) }),
            C::ListComp => Expr::ListComp(ast::ExprListComp {
                node_index,
                range,
                elt: self.boxed(n.node("elt")),
                generators: self.generators(n),
            }),
            C::SetComp => Expr::SetComp(ast::ExprSetComp {
                node_index,
                range,
                elt: self.boxed(n.node("elt")),
                generators: self.generators(n),
            }),
            C::DictComp => Expr::DictComp(ast::ExprDictComp {
                node_index,
                range,
                key: Some(self.boxed(n.node("key"))),
                value: self.boxed(n.node("value")),
                generators: self.generators(n),
            }),
            C::GeneratorExp => Expr::Generator(ast::ExprGenerator {
                node_index,
                range,
                elt: self.boxed(n.node("elt")),
                generators: self.generators(n),
                parenthesized: true,
            }),
            C::Await => Expr::Await(ast::ExprAwait { node_index, range, value: self.boxed(n.node("value")) }),
            C::Yield => {
                Expr::Yield(ast::ExprYield { node_index, range, value: self.opt_expr(n.get("value")) })
            }
            C::YieldFrom => {
                Expr::YieldFrom(ast::ExprYieldFrom { node_index, range, value: self.boxed(n.node("value")) })
            }
            C::Compare => Expr::Compare(ast::ExprCompare {
                node_index,
                range,
                left: self.boxed(n.node("left")),
                ops: self.list(n.get("ops"), |_, o| compare_op(o.class)).into(),
                comparators: self.exprs(n.get("comparators")).into(),
            }),
            C::Call => Expr::Call(ast::ExprCall {
                node_index,
                range_start: range.start(),
                func: self.boxed(n.node("func")),
                arguments: self.arguments(n, "args", range),
            }),
            C::JoinedStr | C::FormattedValue => self.fstring(n, range),
            C::TemplateStr | C::Interpolation => self.tstring(n, range),
            C::Constant => self.constant(n, range),
            C::Attribute => Expr::Attribute(ast::ExprAttribute {
                node_index,
                range,
                value: self.boxed(n.node("value")),
                attr: self.attribute_identifier(n),
                ctx: context(n),
            }),
            C::Subscript => Expr::Subscript(ast::ExprSubscript {
                node_index,
                range,
                value: self.boxed(n.node("value")),
                slice: self.boxed(n.node("slice")),
                ctx: context(n),
            }),
            C::Starred => Expr::Starred(ast::ExprStarred {
                node_index,
                range,
                value: self.boxed(n.node("value")),
                ctx: context(n),
            }),
            C::List => Expr::List(ast::ExprList {
                node_index,
                range,
                elts: self.exprs(n.get("elts")),
                ctx: context(n),
            }),
            C::Tuple => Expr::Tuple(ast::ExprTuple {
                node_index,
                range,
                elts: self.exprs(n.get("elts")),
                ctx: context(n),
                parenthesized: true,
            }),
            C::Slice => Expr::Slice(ast::ExprSlice {
                node_index,
                range,
                lower: self.opt_expr(n.get("lower")),
                upper: self.opt_expr(n.get("upper")),
                step: self.opt_expr(n.get("step")),
            }),
            _ => Expr::Name(ast::ExprName {
                node_index,
                range,
                id: Self::name(n.text("id").unwrap_or("")),
                ctx: context(n),
            }),
        }
    }

    fn dict_items(&mut self, n: &Node) -> Vec<ast::DictItem> {
        let values = self.exprs(n.get("values"));
        let Item::List(keys) = n.get("keys") else { return Vec::new() };
        let keys: Vec<_> = keys.iter().map(|k| self.opt(k, Self::expr)).collect();
        keys.into_iter().zip(values).map(|(key, value)| ast::DictItem { key, value }).collect()
    }

    fn generators(&mut self, n: &Node) -> Vec<ast::Comprehension> {
        self.list(n.get("generators"), |b, g| ast::Comprehension {
            node_index: AtomicNodeIndex::NONE,
            range: b.range(g.node("target")),
            target: b.expr(g.node("target")),
            iter: b.expr(g.node("iter")),
            ifs: b.exprs(g.get("ifs")),
            is_async: g.int("is_async") != 0,
        })
    }

    fn constant(&mut self, n: &Node, range: TextRange) -> Expr {
        let Item::Const(c) = n.get("value") else {
            return Expr::NoneLiteral(ast::ExprNoneLiteral { node_index: AtomicNodeIndex::NONE, range });
        };
        let number = |value| {
            Expr::NumberLiteral(ast::ExprNumberLiteral { node_index: AtomicNodeIndex::NONE, range, value })
        };
        match c {
            Const::None => {
                Expr::NoneLiteral(ast::ExprNoneLiteral { node_index: AtomicNodeIndex::NONE, range })
            }
            Const::Ellipsis => {
                Expr::EllipsisLiteral(ast::ExprEllipsisLiteral { node_index: AtomicNodeIndex::NONE, range })
            }
            Const::True | Const::False => Expr::BooleanLiteral(ast::ExprBooleanLiteral {
                node_index: AtomicNodeIndex::NONE,
                range,
                value: matches!(c, Const::True),
            }),
            Const::Int(i) if *i >= 0 => number(ast::Number::Int((*i as u64).into())),
            Const::Float(f) => number(ast::Number::Float(*f)),
            Const::Complex(real, imag) => number(ast::Number::Complex { real: *real, imag: *imag }),
            Const::Str(s) => {
                let literal = self.literal(s, range);
                Expr::StringLiteral(ast::ExprStringLiteral {
                    node_index: AtomicNodeIndex::NONE,
                    range,
                    value: ast::StringLiteralValue::single(literal),
                })
            }
            Const::Bytes(b) => Expr::BytesLiteral(ast::ExprBytesLiteral {
                node_index: AtomicNodeIndex::NONE,
                range,
                value: ast::BytesLiteralValue::single(ast::BytesLiteral {
                    node_index: AtomicNodeIndex::NONE,
                    range,
                    value: b.clone(),
                    flags: ast::BytesLiteralFlags::empty(),
                }),
            }),
            other => Expr::IpyEscapeCommand(ast::ExprIpyEscapeCommand {
                node_index: self.keep(other.clone()),
                range,
                kind: ast::IpyEscapeKind::Shell,
                value: "".into(),
            }),
        }
    }

    fn literal(&mut self, s: &cape_bytecode::Wtf8, range: TextRange) -> ast::StringLiteral {
        let (value, node_index) = self.string(s);
        ast::StringLiteral { node_index, range, value, flags: ast::StringLiteralFlags::empty() }
    }

    /// Text for the tree; what no Rust string can hold is kept beside it.
    fn string(&mut self, s: &cape_bytecode::Wtf8) -> (Box<str>, AtomicNodeIndex) {
        match s.as_str() {
            Some(text) => (text.into(), AtomicNodeIndex::NONE),
            None => (String::from_utf8_lossy(s.as_bytes()).into(), self.keep(Const::Str(s.clone()))),
        }
    }

    // ---- f-strings and t-strings ----

    fn fstring(&mut self, n: &Node, range: TextRange) -> Expr {
        let mut elements = Vec::new();
        self.element(n, &mut elements);
        Expr::FString(ast::ExprFString {
            node_index: AtomicNodeIndex::NONE,
            range,
            value: ast::FStringValue::single(ast::FString {
                node_index: AtomicNodeIndex::NONE,
                range,
                elements: elements.into(),
                flags: ast::FStringFlags::empty(),
            }),
        })
    }

    fn tstring(&mut self, n: &Node, range: TextRange) -> Expr {
        let mut elements = Vec::new();
        self.element(n, &mut elements);
        Expr::TString(ast::ExprTString {
            node_index: AtomicNodeIndex::NONE,
            range,
            value: ast::TStringValue::single(ast::TString {
                node_index: AtomicNodeIndex::NONE,
                range,
                elements: elements.into(),
                flags: ast::TStringFlags::empty(),
            }),
        })
    }

    /// Appends what a part of an f-string or t-string stands for.
    fn element(&mut self, n: &Node, out: &mut Vec<InterpolatedStringElement>) {
        let range = self.range(n);
        match (n.class, n.fields.first()) {
            (C::JoinedStr | C::TemplateStr, Some(Item::List(values))) => {
                for v in values {
                    if let Item::Node(v) = v {
                        self.element(v, out);
                    }
                }
            }
            (C::Constant, Some(Item::Const(Const::Str(s)))) => {
                let (value, node_index) = self.string(s);
                out.push(InterpolatedStringElement::Literal(ast::InterpolatedStringLiteralElement {
                    node_index,
                    range,
                    value,
                }));
            }
            (C::FormattedValue | C::Interpolation, _) => {
                let node_index = match n.class {
                    C::Interpolation => match n.get("str") {
                        Item::Const(c) => self.keep(c.clone()),
                        _ => AtomicNodeIndex::NONE,
                    },
                    _ => AtomicNodeIndex::NONE,
                };
                let spec = match n.get("format_spec") {
                    Item::Node(s) => {
                        let mut elements = Vec::new();
                        self.element(s, &mut elements);
                        Some(Box::new(ast::InterpolatedStringFormatSpec {
                            node_index: AtomicNodeIndex::NONE,
                            range: self.range(s),
                            elements: elements.into(),
                        }))
                    }
                    _ => None,
                };
                out.push(InterpolatedStringElement::Interpolation(ast::InterpolatedElement {
                    node_index,
                    range,
                    expression: self.boxed(n.node("value")),
                    debug_text: None,
                    conversion: match n.int("conversion") {
                        115 => ConversionFlag::Str,
                        114 => ConversionFlag::Repr,
                        97 => ConversionFlag::Ascii,
                        _ => ConversionFlag::None,
                    },
                    format_spec: spec,
                }));
            }
            // Any other expression is formatted as it is.
            _ => out.push(InterpolatedStringElement::Interpolation(ast::InterpolatedElement {
                node_index: AtomicNodeIndex::NONE,
                range,
                expression: self.boxed(n),
                debug_text: None,
                conversion: ConversionFlag::None,
                format_spec: None,
            })),
        }
    }
}
