//! `match` statements.

use cape_bytecode::{BinOp, CmpOp, Const, Op};
use ruff_python_ast::{self as ast, Expr, Pattern};
use ruff_text_size::{Ranged, TextRange};
use rustc_hash::FxHashSet;

use crate::compiler::{Compiler, no_range};
use crate::error::{R, err};
use crate::intern::NameId;
use crate::unit::{Label, Reg};

/// Names bound by a pattern, with the registers of their values.
type Captures = Vec<(NameId, Reg)>;

impl<'a> Compiler<'a> {
    pub(crate) fn match_stmt(&mut self, s: &'a ast::StmtMatch) -> R<()> {
        let subject = self.u.temp();
        self.expr_to(&s.subject, subject)?;
        let end = self.u.label();
        for (i, case) in s.cases.iter().enumerate() {
            let last = i + 1 == s.cases.len();
            let mark = self.u.next_temp;
            let next = self.u.label();
            if !last && case.guard.is_none() {
                check_reachable(&case.pattern)?;
            }
            let mut captures = Captures::new();
            let before = self.u.ins.len();
            self.pattern(&case.pattern, subject, &mut captures, next)?;
            self.u.range = case.pattern.range();
            for (name, r) in captures {
                self.store_name(name, r);
            }
            if self.u.ins.len() == before {
                self.u.line_begins(); // `case _`
            }
            if let Some(guard) = &case.guard {
                self.jump_if(guard, false, next)?;
            }
            self.u.next_temp = mark;
            self.body(&case.body)?;
            self.u.range = no_range();
            self.u.jump(end);
            self.u.bind(next);
        }
        self.u.bind(end);
        Ok(())
    }

    fn capture(
        &mut self,
        name: &ast::Identifier,
        r: Reg,
        captures: &mut Captures,
        range: TextRange,
    ) -> R<()> {
        let id = self.mangle(&name.id);
        if captures.iter().any(|&(n, _)| n == id) {
            return err(range, format!("multiple assignments to name '{}' in pattern", name.id));
        }
        captures.push((id, r));
        Ok(())
    }

    /// Match `subject` against `p`; jump to `fail` if it does not match. Registers of captured values stay allocated.
    fn pattern(&mut self, p: &'a Pattern, subject: Reg, captures: &mut Captures, fail: Label) -> R<()> {
        self.u.range = p.range();
        match p {
            Pattern::MatchValue(v) => {
                check_value(&v.value)?;
                let t = self.u.temp();
                match self.operand_constant(&v.value) {
                    Some(k) => {
                        self.u.range = v.range;
                        self.u.opx(Op::CompareK, CmpOp::Eq as u8, t, subject, k);
                    }
                    None => {
                        let r = self.expr(&v.value)?;
                        self.u.range = v.range;
                        self.u.opx(Op::Compare, CmpOp::Eq as u8, t, subject, r);
                    }
                }
                self.u.jump_op(Op::JumpIfFalse, t, fail);
                self.u.next_temp = t as u32;
                Ok(())
            }
            Pattern::MatchSingleton(s) => {
                let k = match s.value {
                    ast::Singleton::None => {
                        self.u.jump_op(Op::JumpIfNotNone, subject, fail);
                        return Ok(());
                    }
                    ast::Singleton::True => Const::True,
                    ast::Singleton::False => Const::False,
                };
                let t = self.const_temp(k);
                self.u.op3(Op::Is, t, subject, t);
                self.u.jump_op(Op::JumpIfFalse, t, fail);
                self.u.next_temp = t as u32;
                Ok(())
            }
            Pattern::MatchSequence(s) => self.sequence_pattern(s, subject, captures, fail),
            Pattern::MatchMapping(m) => self.mapping_pattern(m, subject, captures, fail),
            Pattern::MatchClass(c) => self.class_pattern(c, subject, captures, fail),
            Pattern::MatchStar(s) => err(s.range, "can't use starred pattern here"),
            Pattern::MatchAs(a) => {
                if let Some(inner) = &a.pattern {
                    self.pattern(inner, subject, captures, fail)?;
                }
                match &a.name {
                    Some(n) => self.capture(n, subject, captures, a.range),
                    None => Ok(()),
                }
            }
            Pattern::MatchOr(o) => self.or_pattern(o, subject, captures, fail),
        }
    }

    fn sequence_pattern(
        &mut self,
        s: &'a ast::PatternMatchSequence,
        subject: Reg,
        captures: &mut Captures,
        fail: Label,
    ) -> R<()> {
        let mut star = None;
        for (i, p) in s.patterns.iter().enumerate() {
            if let Pattern::MatchStar(_) = p {
                if star.is_some() {
                    return err(s.range, "multiple starred names in sequence pattern");
                }
                star = Some(i);
            }
        }
        let n = s.patterns.len();
        let t = self.u.temp();
        self.u.op2(Op::MatchSequence, t, subject);
        self.u.jump_op(Op::JumpIfFalse, t, fail);
        let (cmp, len) = match star {
            None => (Some(CmpOp::Eq), n),
            Some(_) if n > 1 => (Some(CmpOp::Ge), n - 1),
            Some(_) => (None, 0),
        };
        if let Some(cmp) = cmp {
            self.u.op2(Op::GetLen, t, subject);
            let k = self.u.const_index(Const::Int(len as i64)) as u16;
            self.u.opx(Op::CompareK, cmp as u8, t, t, k);
            self.u.jump_op(Op::JumpIfFalse, t, fail);
        }
        self.u.next_temp = t as u32;
        let wild = |p: &Pattern| match p {
            Pattern::MatchAs(a) => a.pattern.is_none() && a.name.is_none(),
            Pattern::MatchStar(s) => s.name.is_none(),
            _ => false,
        };
        if s.patterns.iter().all(wild) {
            return Ok(());
        }
        match star {
            Some(at) if wild(&s.patterns[at]) => {
                for (i, p) in s.patterns.iter().enumerate() {
                    if i == at || wild(p) {
                        continue;
                    }
                    self.u.range = p.range();
                    let item = self.u.temp();
                    if i < at {
                        let k = self.u.const_index(Const::Int(i as i64)) as u16;
                        self.u.op3(Op::LoadSubscrK, item, subject, k);
                    } else {
                        self.u.op2(Op::GetLen, item, subject);
                        let k = self.u.const_index(Const::Int((n - i) as i64)) as u16;
                        self.u.opx(Op::BinaryOpK, BinOp::Sub as u8, item, item, k);
                        self.u.op3(Op::LoadSubscr, item, subject, item);
                    }
                    self.pattern(p, item, captures, fail)?;
                }
            }
            _ => {
                let first = self.u.temps(n);
                match star {
                    None => self.u.op3(Op::UnpackSequence, subject, first, n as u16),
                    Some(at) => {
                        if at > u8::MAX as usize {
                            return err(s.range, "too many expressions in star-unpacking sequence pattern");
                        }
                        self.u.opx(Op::UnpackEx, at as u8, subject, first, (n - at - 1) as u16);
                    }
                }
                for (i, p) in s.patterns.iter().enumerate() {
                    let r = first + i as Reg;
                    match p {
                        Pattern::MatchStar(star) => {
                            if let Some(name) = &star.name {
                                self.capture(name, r, captures, star.range)?;
                            }
                        }
                        p => self.pattern(p, r, captures, fail)?,
                    }
                }
            }
        }
        Ok(())
    }

    #[expect(clippy::mutable_key_type, reason = "reading the body of a code unit does not change what it is")]
    fn mapping_pattern(
        &mut self,
        m: &'a ast::PatternMatchMapping,
        subject: Reg,
        captures: &mut Captures,
        fail: Label,
    ) -> R<()> {
        let n = m.keys.len();
        let t = self.u.temp();
        self.u.op2(Op::MatchMapping, t, subject);
        self.u.jump_op(Op::JumpIfFalse, t, fail);
        if n > 0 {
            self.u.op2(Op::GetLen, t, subject);
            let k = self.u.const_index(Const::Int(n as i64)) as u16;
            self.u.opx(Op::CompareK, CmpOp::Ge as u8, t, t, k);
            self.u.jump_op(Op::JumpIfFalse, t, fail);
        }
        if n == 0 && m.rest.is_none() {
            self.u.next_temp = t as u32;
            return Ok(());
        }
        let mut seen = FxHashSet::default();
        let first = self.u.temps(n);
        for (i, key) in m.keys.iter().enumerate() {
            match self.constant(key) {
                Some(k) => {
                    if !seen.insert(crate::fold::key(&k)) {
                        let text = crate::unparse::constant(&k);
                        return err(m.range, format!("mapping pattern checks duplicate key ({text})"));
                    }
                }
                None if matches!(key, Expr::Attribute(_)) => {}
                None => {
                    return err(
                        m.range,
                        "mapping pattern keys may only match literals and attribute lookups",
                    );
                }
            }
            self.expr_to(key, first + i as Reg)?;
        }
        self.u.range = m.range;
        self.u.op3(Op::BuildTuple, t, first, n as u16);
        let values = self.u.temp();
        self.u.op3(Op::MatchKeys, values, subject, t);
        self.u.jump_op(Op::JumpIfNone, values, fail);
        let items = self.u.temps(n);
        self.u.op3(Op::UnpackSequence, values, items, n as u16);
        if let Some(rest) = &m.rest {
            let dict = self.u.temp();
            self.u.op3(Op::BuildMap, dict, 0, 0);
            self.u.op2(Op::DictUpdate, dict, subject);
            for i in 0..n as Reg {
                self.u.op2(Op::DelSubscr, dict, first + i);
            }
            for (i, p) in m.patterns.iter().enumerate() {
                self.pattern(p, items + i as Reg, captures, fail)?;
            }
            return self.capture(rest, dict, captures, m.range);
        }
        for (i, p) in m.patterns.iter().enumerate() {
            self.pattern(p, items + i as Reg, captures, fail)?;
        }
        Ok(())
    }

    fn class_pattern(
        &mut self,
        c: &'a ast::PatternMatchClass,
        subject: Reg,
        captures: &mut Captures,
        fail: Label,
    ) -> R<()> {
        let args = &c.arguments;
        let mut names: Vec<Const> = Vec::new();
        for (i, k) in args.keywords.iter().enumerate() {
            if args.keywords[..i].iter().any(|o| o.attr.id == k.attr.id) {
                return err(
                    k.pattern.range(),
                    format!("attribute name repeated in class pattern: {}", k.attr.id),
                );
            }
            // Not mangled, as in CPython.
            names.push(Const::Str(k.attr.id.as_str().into()));
        }
        let base = self.u.temps(3);
        self.u.op2(Op::Move, base, subject);
        self.expr_to(&c.cls, base + 1)?;
        self.u.range = c.range;
        self.u.load_const(base + 2, Const::Tuple(names.into()));
        self.u.op3(Op::MatchClass, base, base, args.patterns.len() as u16);
        self.u.jump_op(Op::JumpIfNone, base, fail);
        let n = args.patterns.len() + args.keywords.len();
        if n == 0 {
            self.u.next_temp = base as u32;
            return Ok(());
        }
        self.u.next_temp = base as u32 + 1;
        let items = self.u.temps(n);
        self.u.op3(Op::UnpackSequence, base, items, n as u16);
        let all = args.patterns.iter().chain(args.keywords.iter().map(|k| &k.pattern));
        for (i, p) in all.enumerate() {
            self.pattern(p, items + i as Reg, captures, fail)?;
        }
        Ok(())
    }

    fn or_pattern(
        &mut self,
        o: &'a ast::PatternMatchOr,
        subject: Reg,
        captures: &mut Captures,
        fail: Label,
    ) -> R<()> {
        let matched = self.u.label();
        let mut bound: Option<Captures> = None;
        for (i, alt) in o.patterns.iter().enumerate() {
            let last = i + 1 == o.patterns.len();
            if !last {
                check_reachable(alt)?;
            }
            let next = if last { fail } else { self.u.label() };
            let mark = self.u.next_temp;
            let mut own = Captures::new();
            self.pattern(alt, subject, &mut own, next)?;
            match &bound {
                None => {
                    // Captured values of every alternative end up in the same registers, below the temporaries of the alternatives.
                    if own.is_empty() {
                        self.u.next_temp = mark;
                        bound = Some(own);
                    } else {
                        let mut fixed = Captures::new();
                        for &(name, r) in &own {
                            let t = self.u.temp();
                            self.u.op2(Op::Move, t, r);
                            fixed.push((name, t));
                        }
                        bound = Some(fixed);
                    }
                }
                Some(fixed) => {
                    let same = fixed.len() == own.len()
                        && fixed.iter().all(|(n, _)| own.iter().any(|(m, _)| m == n));
                    if !same {
                        return err(o.range, "alternative patterns bind different names");
                    }
                    for &(name, t) in fixed {
                        let r = own.iter().find(|&&(m, _)| m == name).expect("same names").1;
                        self.u.op2(Op::Move, t, r);
                    }
                    self.u.next_temp = mark;
                }
            }
            if !last {
                self.u.jump(matched);
                self.u.bind(next);
            }
        }
        self.u.bind(matched);
        for (name, r) in bound.unwrap_or_default() {
            if captures.iter().any(|&(n, _)| n == name) {
                let text = self.interner.get(name).to_owned();
                return err(o.range, format!("multiple assignments to name '{text}' in pattern"));
            }
            captures.push((name, r));
        }
        Ok(())
    }
}

/// A pattern that always matches makes the ones after it unreachable.
fn check_reachable(p: &Pattern) -> R<()> {
    match p {
        Pattern::MatchAs(a) => match (&a.pattern, &a.name) {
            (None, Some(n)) => {
                err(a.range, format!("name capture '{}' makes remaining patterns unreachable", n.id))
            }
            (None, None) => err(a.range, "wildcard makes remaining patterns unreachable"),
            (Some(inner), _) => check_reachable(inner),
        },
        Pattern::MatchOr(o) => o.patterns.last().map_or(Ok(()), check_reachable),
        _ => Ok(()),
    }
}

/// A value pattern is a literal, a complex number or a dotted name.
fn check_value(e: &Expr) -> R<()> {
    let number = |e: &Expr| match e {
        Expr::NumberLiteral(_) => true,
        Expr::UnaryOp(u) => u.op == ast::UnaryOp::USub && matches!(&*u.operand, Expr::NumberLiteral(_)),
        _ => false,
    };
    let ok = match e {
        Expr::StringLiteral(_) | Expr::BytesLiteral(_) | Expr::Attribute(_) => true,
        Expr::BinOp(b) => {
            if !matches!(b.op, ast::Operator::Add | ast::Operator::Sub) {
                return err(e.range(), "invalid syntax");
            }
            number(&b.left) && matches!(&*b.right, Expr::NumberLiteral(_))
        }
        e => number(e),
    };
    if ok {
        return Ok(());
    }
    err(e.range(), "patterns may only match literals and attribute lookups")
}
