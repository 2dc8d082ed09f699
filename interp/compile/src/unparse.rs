//! Expressions as text, for `from __future__ import annotations`. Spacing and parentheses are CPython's.

use cape_bytecode::{Const, Wtf8};
use ruff_python_ast::{self as ast, BoolOp, Expr, Operator, UnaryOp};

use crate::compiler::Compiler;

/// Precedence levels, loosest first.
mod pr {
    pub const TUPLE: u8 = 0;
    pub const TEST: u8 = 1;
    pub const OR: u8 = 2;
    pub const AND: u8 = 3;
    pub const NOT: u8 = 4;
    pub const CMP: u8 = 5;
    pub const EXPR: u8 = 6;
    pub const BXOR: u8 = 7;
    pub const BAND: u8 = 8;
    pub const SHIFT: u8 = 9;
    pub const ARITH: u8 = 10;
    pub const TERM: u8 = 11;
    pub const FACTOR: u8 = 12;
    pub const POWER: u8 = 13;
    pub const AWAIT: u8 = 14;
    pub const ATOM: u8 = 15;
}

/// The text of an expression.
pub(crate) fn expression(c: &Compiler<'_>, e: &Expr) -> Wtf8 {
    let mut w = Writer { c, out: Vec::new() };
    w.expr(e, pr::TEST);
    w.out.into()
}

/// `repr` of a constant.
pub(crate) fn constant(k: &Const) -> String {
    let mut out = Vec::new();
    write_constant(&mut out, k);
    String::from_utf8_lossy(&out).into_owned()
}

struct Writer<'w, 'a> {
    c: &'w Compiler<'a>,
    out: Vec<u8>,
}

fn binary(op: Operator) -> (&'static str, u8, bool) {
    match op {
        Operator::Add => (" + ", pr::ARITH, false),
        Operator::Sub => (" - ", pr::ARITH, false),
        Operator::Mult => (" * ", pr::TERM, false),
        Operator::MatMult => (" @ ", pr::TERM, false),
        Operator::Div => (" / ", pr::TERM, false),
        Operator::Mod => (" % ", pr::TERM, false),
        Operator::LShift => (" << ", pr::SHIFT, false),
        Operator::RShift => (" >> ", pr::SHIFT, false),
        Operator::BitOr => (" | ", pr::EXPR, false),
        Operator::BitXor => (" ^ ", pr::BXOR, false),
        Operator::BitAnd => (" & ", pr::BAND, false),
        Operator::FloorDiv => (" // ", pr::TERM, false),
        Operator::Pow => (" ** ", pr::POWER, true),
    }
}

impl Writer<'_, '_> {
    fn text(&mut self, s: &str) {
        self.out.extend_from_slice(s.as_bytes());
    }

    fn paren(&mut self, yes: bool, f: impl FnOnce(&mut Self)) {
        if yes {
            self.text("(");
        }
        f(self);
        if yes {
            self.text(")");
        }
    }

    fn list<'e>(&mut self, items: impl IntoIterator<Item = &'e Expr>, level: u8) {
        for (i, e) in items.into_iter().enumerate() {
            if i > 0 {
                self.text(", ");
            }
            self.expr(e, level);
        }
    }

    fn expr(&mut self, e: &Expr, level: u8) {
        match e {
            Expr::BoolOp(b) => {
                let (word, own) = match b.op {
                    BoolOp::And => (" and ", pr::AND),
                    BoolOp::Or => (" or ", pr::OR),
                };
                self.paren(level > own, |w| {
                    for (i, v) in b.values.iter().enumerate() {
                        if i > 0 {
                            w.text(word);
                        }
                        w.expr(v, own + 1);
                    }
                });
            }
            Expr::Named(n) => self.paren(level > pr::TUPLE, |w| {
                w.expr(&n.target, pr::ATOM);
                w.text(" := ");
                w.expr(&n.value, pr::ATOM);
            }),
            Expr::BinOp(b) => {
                let (op, own, right_assoc) = binary(b.op);
                self.paren(level > own, |w| {
                    w.expr(&b.left, own + right_assoc as u8);
                    w.text(op);
                    w.expr(&b.right, own + !right_assoc as u8);
                });
            }
            Expr::UnaryOp(u) => {
                let (op, own) = match u.op {
                    UnaryOp::Invert => ("~", pr::FACTOR),
                    UnaryOp::Not => ("not ", pr::NOT),
                    UnaryOp::UAdd => ("+", pr::FACTOR),
                    UnaryOp::USub => ("-", pr::FACTOR),
                };
                self.paren(level > own, |w| {
                    w.text(op);
                    w.expr(&u.operand, own);
                });
            }
            Expr::Lambda(l) => self.paren(level > pr::TEST, |w| {
                w.text("lambda");
                if let Some(p) = &l.parameters
                    && !p.is_empty()
                {
                    w.text(" ");
                    w.parameters(p);
                }
                w.text(": ");
                w.expr(&l.body, pr::TEST);
            }),
            Expr::If(i) => self.paren(level > pr::TEST, |w| {
                w.expr(&i.body, pr::TEST + 1);
                w.text(" if ");
                w.expr(&i.test, pr::TEST + 1);
                w.text(" else ");
                w.expr(&i.orelse, pr::TEST);
            }),
            Expr::Dict(d) => {
                self.text("{");
                for (i, item) in d.items.iter().enumerate() {
                    if i > 0 {
                        self.text(", ");
                    }
                    match &item.key {
                        Some(k) => {
                            self.expr(k, pr::TEST);
                            self.text(": ");
                            self.expr(&item.value, pr::TEST);
                        }
                        None => {
                            self.text("**");
                            self.expr(&item.value, pr::EXPR);
                        }
                    }
                }
                self.text("}");
            }
            Expr::Set(s) => {
                self.text("{");
                self.list(&s.elts, pr::TEST);
                self.text("}");
            }
            Expr::ListComp(c) => {
                self.text("[");
                self.expr(&c.elt, pr::TEST);
                self.generators(&c.generators);
                self.text("]");
            }
            Expr::SetComp(c) => {
                self.text("{");
                self.expr(&c.elt, pr::TEST);
                self.generators(&c.generators);
                self.text("}");
            }
            Expr::DictComp(c) => {
                self.text("{");
                if let Some(k) = &c.key {
                    self.expr(k, pr::TEST);
                    self.text(": ");
                }
                self.expr(&c.value, pr::TEST);
                self.generators(&c.generators);
                self.text("}");
            }
            Expr::Generator(c) => {
                self.text("(");
                self.expr(&c.elt, pr::TEST);
                self.generators(&c.generators);
                self.text(")");
            }
            Expr::Await(a) => self.paren(level > pr::AWAIT, |w| {
                w.text("await ");
                w.expr(&a.value, pr::ATOM);
            }),
            Expr::Yield(y) => {
                self.text("(yield");
                if let Some(v) = &y.value {
                    self.text(" ");
                    self.expr(v, pr::TUPLE);
                }
                self.text(")");
            }
            Expr::YieldFrom(y) => {
                self.text("(yield from ");
                self.expr(&y.value, pr::TEST);
                self.text(")");
            }
            Expr::Compare(c) => self.paren(level > pr::CMP, |w| {
                w.expr(&c.left, pr::CMP + 1);
                for (op, r) in c.ops.iter().zip(&c.comparators) {
                    w.text(" ");
                    w.text(op.as_str());
                    w.text(" ");
                    w.expr(r, pr::CMP + 1);
                }
            }),
            Expr::Call(c) => self.call(c),
            Expr::FString(f) => {
                let mut body = Vec::new();
                for part in f.value.iter() {
                    match part {
                        ast::FStringPart::Literal(s) => {
                            body.extend(double_braces(&self.c.source.string_part(s).0))
                        }
                        ast::FStringPart::FString(f) => self.formatted(&f.elements, false, &mut body),
                    }
                }
                self.text("f");
                write_str(&mut self.out, &body);
            }
            Expr::TString(t) => {
                let mut body = Vec::new();
                for part in t.value.iter() {
                    self.formatted(&part.elements, true, &mut body);
                }
                self.text("t");
                write_str(&mut self.out, &body);
            }
            Expr::StringLiteral(s) => {
                if s.value.as_slice().first().is_some_and(|p| {
                    matches!(p.flags.prefix(), ast::str_prefix::StringLiteralPrefix::Unicode)
                }) {
                    self.text("u");
                }
                let v = self.c.string_value(s);
                write_str(&mut self.out, &v.0);
            }
            Expr::BytesLiteral(b) => {
                let v: Vec<u8> = b.value.bytes().collect();
                write_bytes(&mut self.out, &v);
            }
            Expr::NumberLiteral(n) => write_constant(&mut self.out, &crate::fold::number(&n.value)),
            Expr::BooleanLiteral(b) => self.text(if b.value { "True" } else { "False" }),
            Expr::NoneLiteral(_) => self.text("None"),
            Expr::EllipsisLiteral(_) => self.text("..."),
            Expr::Attribute(a) => {
                self.expr(&a.value, pr::ATOM);
                // `1 .real`
                let int =
                    matches!(&*a.value, Expr::NumberLiteral(n) if matches!(n.value, ast::Number::Int(_)));
                self.text(if int { " ." } else { "." });
                self.text(&a.attr.id);
            }
            Expr::Subscript(s) => {
                self.expr(&s.value, pr::ATOM);
                self.text("[");
                self.expr(&s.slice, pr::TUPLE);
                self.text("]");
            }
            Expr::Starred(s) => {
                self.text("*");
                self.expr(&s.value, pr::EXPR);
            }
            Expr::Name(n) => self.text(&n.id),
            Expr::List(l) => {
                self.text("[");
                self.list(&l.elts, pr::TEST);
                self.text("]");
            }
            Expr::Tuple(t) => {
                if t.elts.is_empty() {
                    self.text("()");
                    return;
                }
                self.paren(level > pr::TUPLE, |w| {
                    w.list(&t.elts, pr::TEST);
                    if t.elts.len() == 1 {
                        w.text(",");
                    }
                });
            }
            Expr::Slice(s) => {
                if let Some(l) = &s.lower {
                    self.expr(l, pr::TEST);
                }
                self.text(":");
                if let Some(u) = &s.upper {
                    self.expr(u, pr::TEST);
                }
                if let Some(st) = &s.step {
                    self.text(":");
                    self.expr(st, pr::TEST);
                }
            }
            Expr::IpyEscapeCommand(e) => {
                if let Some(k) = self.c.source.kept(&e.node_index) {
                    self.text(&constant(k));
                }
            }
        }
    }

    fn generators(&mut self, generators: &[ast::Comprehension]) {
        for g in generators {
            self.text(if g.is_async { " async for " } else { " for " });
            self.expr(&g.target, pr::TUPLE);
            self.text(" in ");
            self.expr(&g.iter, pr::TEST + 1);
            for i in &g.ifs {
                self.text(" if ");
                self.expr(i, pr::TEST + 1);
            }
        }
    }

    fn call(&mut self, c: &ast::ExprCall) {
        self.expr(&c.func, pr::ATOM);
        if let ([Expr::Generator(g)], true) = (&c.arguments.args[..], c.arguments.keywords.is_empty()) {
            self.expr(&Expr::Generator(g.clone()), pr::TEST);
            return;
        }
        self.text("(");
        self.list(&c.arguments.args, pr::TEST);
        for (i, k) in c.arguments.keywords.iter().enumerate() {
            if i > 0 || !c.arguments.args.is_empty() {
                self.text(", ");
            }
            match &k.arg {
                Some(n) => {
                    self.text(&n.id);
                    self.text("=");
                }
                None => self.text("**"),
            }
            self.expr(&k.value, pr::TEST);
        }
        self.text(")");
    }

    fn parameters(&mut self, p: &ast::Parameters) {
        let mut first = true;
        let mut sep = |w: &mut Self| {
            if !std::mem::replace(&mut first, false) {
                w.text(", ");
            }
        };
        let one = |w: &mut Self, d: &ast::ParameterWithDefault| {
            w.text(&d.parameter.name.id);
            if let Some(v) = &d.default {
                w.text("=");
                w.expr(v, pr::TEST);
            }
        };
        for d in &p.posonlyargs {
            sep(self);
            one(self, d);
        }
        if !p.posonlyargs.is_empty() {
            self.text(", /");
        }
        for d in &p.args {
            sep(self);
            one(self, d);
        }
        if p.vararg.is_some() || !p.kwonlyargs.is_empty() {
            sep(self);
            self.text("*");
            if let Some(v) = &p.vararg {
                self.text(&v.name.id);
            }
        }
        for d in &p.kwonlyargs {
            sep(self);
            one(self, d);
        }
        if let Some(v) = &p.kwarg {
            sep(self);
            self.text("**");
            self.text(&v.name.id);
        }
    }

    /// The inside of an f-string or (`template`) t-string, before quoting.
    fn formatted(&mut self, elements: &ast::InterpolatedStringElements, template: bool, body: &mut Vec<u8>) {
        for e in elements.iter() {
            match e {
                ast::InterpolatedStringElement::Literal(l) => {
                    body.extend(double_braces(&self.c.source.interpolated_literal(l, false).0));
                }
                ast::InterpolatedStringElement::Interpolation(i) => {
                    if let Some(d) = &i.debug_text {
                        body.extend(double_braces(d.as_str().as_bytes()));
                    }
                    let mut inner = Writer { c: self.c, out: Vec::new() };
                    // A template keeps what was written.
                    if template && !self.c.source.is_synthetic() {
                        inner.text(&self.c.source.interpolation_text(i, &self.c.inner_comments));
                    } else {
                        inner.expr(&i.expression, pr::TEST + 1);
                    }
                    body.push(b'{');
                    if inner.out.first() == Some(&b'{') {
                        body.push(b' ');
                    }
                    body.extend(inner.out);
                    let conv = match i.conversion.to_char() {
                        None if i.debug_text.is_some() && i.format_spec.is_none() => Some('r'),
                        c => c,
                    };
                    if let Some(c) = conv {
                        body.push(b'!');
                        body.push(c as u8);
                    }
                    if let Some(spec) = &i.format_spec {
                        body.push(b':');
                        self.formatted(&spec.elements, template, body);
                    }
                    body.push(b'}');
                }
            }
        }
    }
}

fn double_braces(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    for &b in text {
        out.push(b);
        if matches!(b, b'{' | b'}') {
            out.push(b);
        }
    }
    out
}

fn write_constant(out: &mut Vec<u8>, k: &Const) {
    let mut text = |s: &str| out.extend_from_slice(s.as_bytes());
    match k {
        Const::None => text("None"),
        Const::True => text("True"),
        Const::False => text("False"),
        Const::Ellipsis => text("..."),
        Const::Int(i) => text(&i.to_string()),
        Const::BigInt(i) => text(&i.to_string()),
        Const::Float(f) => text(&float(*f)),
        Const::Complex(r, i) if *r == 0.0 => text(&format!("{}j", complex_part(*i))),
        Const::Complex(r, i) => {
            let sign = if *i < 0.0 { "" } else { "+" };
            text(&format!("({}{sign}{}j)", complex_part(*r), complex_part(*i)));
        }
        Const::Str(s) => write_str(out, &s.0),
        Const::Bytes(b) => write_bytes(out, b),
        Const::Tuple(t) | Const::FrozenSet(t) => {
            out.push(b'(');
            for (i, k) in t.iter().enumerate() {
                if i > 0 {
                    out.extend_from_slice(b", ");
                }
                write_constant(out, k);
            }
            out.extend_from_slice(if t.len() == 1 { b",)" } else { b")" });
        }
        Const::Slice(_) | Const::Code(_) => {}
    }
}

/// `repr` of a float; infinity is written as a literal that overflows.
fn float(f: f64) -> String {
    if f.is_infinite() {
        return if f > 0.0 { "1e309".into() } else { "-1e309".into() };
    }
    let exp = format!("{f:e}");
    let (digits, e) = exp.split_once('e').expect("exponent");
    let e: i32 = e.parse().expect("a number");
    if (-4..16).contains(&e) || f == 0.0 {
        let s = format!("{f}");
        if s.contains('.') { s } else { s + ".0" }
    } else {
        format!("{digits}e{}{:02}", if e < 0 { '-' } else { '+' }, e.abs())
    }
}

fn complex_part(f: f64) -> String {
    let s = float(f);
    s.strip_suffix(".0").map(str::to_owned).unwrap_or(s)
}

/// Choose quotes as `repr` does.
fn quote_for(text: &[u8]) -> u8 {
    if text.contains(&b'\'') && !text.contains(&b'"') { b'"' } else { b'\'' }
}

fn write_bytes(out: &mut Vec<u8>, text: &[u8]) {
    let quote = quote_for(text);
    out.push(b'b');
    out.push(quote);
    for &b in text {
        match b {
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            b if b == quote => out.extend_from_slice(&[b'\\', b]),
            0x20..=0x7e => out.push(b),
            b => out.extend_from_slice(format!("\\x{b:02x}").as_bytes()),
        }
    }
    out.push(quote);
}

fn write_str(out: &mut Vec<u8>, text: &[u8]) {
    let quote = quote_for(text);
    out.push(quote);
    let mut rest = text;
    while !rest.is_empty() {
        let valid = match std::str::from_utf8(rest) {
            Ok(s) => s,
            Err(e) => std::str::from_utf8(&rest[..e.valid_up_to()]).unwrap_or(""),
        };
        for c in valid.chars() {
            match c {
                '\\' => out.extend_from_slice(b"\\\\"),
                '\n' => out.extend_from_slice(b"\\n"),
                '\r' => out.extend_from_slice(b"\\r"),
                '\t' => out.extend_from_slice(b"\\t"),
                c if c as u32 == quote as u32 => out.extend_from_slice(&[b'\\', quote]),
                c if c.is_control() && (c as u32) < 0x100 => {
                    out.extend_from_slice(format!("\\x{:02x}", c as u32).as_bytes());
                }
                c => out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
            }
        }
        rest = &rest[valid.len()..];
        if let [0xED, b, c, tail @ ..] = rest {
            let v = 0xD000 | (*b as u32 & 0x3f) << 6 | (*c as u32 & 0x3f);
            out.extend_from_slice(format!("\\u{v:04x}").as_bytes());
            rest = tail;
        } else if !rest.is_empty() {
            rest = &rest[1..];
        }
    }
    out.push(quote);
}
