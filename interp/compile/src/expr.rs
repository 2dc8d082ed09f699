//! Expressions.

use cape_bytecode::{AwaitKind, Const, Op, Word, flags};
use ruff_python_ast::{self as ast, Expr, UnaryOp};
use ruff_text_size::{Ranged, TextRange};

use crate::compiler::Compiler;
use crate::error::{R, err};
use crate::fold::maybe_constant;
use crate::operators::{binary_op, rich_comparison, unary_op};
use crate::unit::{Reg, UnitKind};

impl<'a> Compiler<'a> {
    /// Evaluate `e`; the result is in the register returned: a variable's own, or a new temporary on top.
    pub(crate) fn expr(&mut self, e: &'a Expr) -> R<Reg> {
        if let Some(r) = self.variable(e) {
            return Ok(r);
        }
        let t = self.u.temp();
        self.expr_to(e, t)?;
        Ok(t)
    }

    /// Evaluate `e`, using `dst` for the result unless that is a variable's register (which must not be written early) or `e` is one.
    pub(crate) fn expr_near(&mut self, e: &'a Expr, dst: Reg) -> R<Reg> {
        if let Some(r) = self.variable(e) {
            return Ok(r);
        }
        let t = self.scratch(dst);
        self.expr_to(e, t)?;
        Ok(t)
    }

    /// `dst` if it is a temporary, else a new temporary: for intermediate results on the way to `dst`.
    pub(crate) fn scratch(&mut self, dst: Reg) -> Reg {
        if self.u.is_temp(dst) { dst } else { self.u.temp() }
    }

    /// The register of a variable that can be an operand directly.
    pub(crate) fn variable(&mut self, e: &Expr) -> Option<Reg> {
        let Expr::Name(n) = e else { return None };
        let name = self.mangle(&n.id);
        let r = self.operand_register(name)?;
        self.at(n.range, |c| c.check_bound(r));
        Some(r)
    }

    /// Evaluate `e` into `dst`. Temporaries are as before afterwards.
    pub(crate) fn expr_to(&mut self, e: &'a Expr, dst: Reg) -> R<()> {
        self.deeper(e.range(), |c| {
            let mark = c.u.next_temp;
            let range = std::mem::replace(&mut c.u.range, e.range());
            c.expr_inner(e, dst)?;
            c.u.next_temp = mark;
            c.u.range = range;
            Ok(())
        })
    }

    /// Evaluate `e` for its effects only.
    pub(crate) fn expr_discard(&mut self, e: &'a Expr) -> R<()> {
        if let Expr::Name(_) = e
            && self.variable(e).is_some()
        {
            return Ok(());
        }
        let mark = self.u.next_temp;
        let t = self.u.temp();
        self.expr_to(e, t)?;
        self.u.next_temp = mark;
        Ok(())
    }

    fn expr_inner(&mut self, e: &'a Expr, dst: Reg) -> R<()> {
        match e {
            Expr::Name(n) => {
                if n.id == "__debug__" {
                    let k = if self.opts.optimize == 0 { Const::True } else { Const::False };
                    self.u.load_const(dst, k);
                    return Ok(());
                }
                let name = self.mangle(&n.id);
                self.load_name(name, dst, false);
                Ok(())
            }
            Expr::BoolOp(_) => {
                let t = self.scratch(dst);
                self.bool_value(e, t, None, None)?;
                self.u.movr(dst, t);
                Ok(())
            }
            Expr::Named(n) => {
                self.expr_to(&n.value, dst)?;
                let Expr::Name(target) = &*n.target else {
                    return err(n.range, "invalid syntax");
                };
                let name = self.mangle(&target.id);
                self.store_name(name, dst);
                Ok(())
            }
            Expr::BinOp(b) => {
                if let Some(k) = self.constant(e) {
                    self.u.load_const(dst, k);
                    return Ok(());
                }
                self.binary(b, dst)
            }
            Expr::UnaryOp(u) => {
                if let Some(k) = self.constant(e) {
                    self.u.load_const(dst, k);
                    return Ok(());
                }
                if u.op == UnaryOp::Not {
                    return self.not(&u.operand, dst);
                }
                let r = self.expr_near(&u.operand, dst)?;
                self.u.op2(unary_op(u.op), dst, r);
                Ok(())
            }
            Expr::Lambda(l) => self.lambda(l, dst),
            Expr::If(i) => self.conditional_expr(i, dst),
            Expr::Dict(d) => self.dict(d, dst),
            Expr::Set(s) => self.set(s, dst),
            Expr::List(l) => self.list(l, dst),
            Expr::Tuple(t) => self.tuple(t, e, dst),
            Expr::ListComp(_) | Expr::SetComp(_) | Expr::DictComp(_) | Expr::Generator(_) => {
                self.comprehension(e, dst)
            }
            Expr::Await(a) => {
                let t = self.scratch(dst);
                self.expr_to(&a.value, t)?;
                self.await_value(t, dst, AwaitKind::Plain);
                Ok(())
            }
            Expr::Yield(y) => {
                self.check_yield(y.range, "yield")?;
                let is_async = self.u.flags & flags::ASYNC_GENERATOR != 0;
                let v = match &y.value {
                    Some(v) => self.expr_near(v, dst)?,
                    None => {
                        let t = self.scratch(dst);
                        self.u.load_const(t, Const::None);
                        t
                    }
                };
                self.u.opx(Op::Yield, is_async as u8, dst, v, 0);
                Ok(())
            }
            Expr::YieldFrom(y) => {
                self.check_yield(y.range, "yield from")?;
                if matches!(self.u.kind, UnitKind::AsyncFunction) {
                    return err(y.range, "'yield from' inside async function");
                }
                let it = self.u.temp();
                self.expr_to(&y.value, it)?;
                self.u.op2(Op::GetYieldFromIter, it, it);
                let v = self.u.temp();
                self.u.load_const(v, Const::None);
                self.u.op3(Op::YieldFrom, dst, it, v);
                Ok(())
            }
            Expr::Compare(c) => self.compare_value(c, dst),
            Expr::Call(c) => self.call(c, dst),
            Expr::FString(f) => self.fstring(f, dst),
            Expr::TString(t) => self.tstring(t, dst),
            Expr::StringLiteral(_)
            | Expr::BytesLiteral(_)
            | Expr::NumberLiteral(_)
            | Expr::BooleanLiteral(_)
            | Expr::NoneLiteral(_)
            | Expr::EllipsisLiteral(_)
            | Expr::IpyEscapeCommand(_) => {
                let k = self.constant(e).expect("literals are constant");
                self.u.load_const(dst, k);
                Ok(())
            }
            Expr::Attribute(a) => self.attribute(a, dst),
            Expr::Subscript(s) => self.subscript(s, dst),
            Expr::Starred(s) => err(s.range, "can't use starred expression here"),
            Expr::Slice(s) => self.slice(s, dst),
        }
    }

    pub(crate) fn top_level_await(&self) -> bool {
        self.opts.top_level_await() && self.u.kind == UnitKind::Module
    }

    fn check_yield(&self, range: ruff_text_size::TextRange, what: &str) -> R<()> {
        match self.u.kind {
            UnitKind::Module | UnitKind::Class => err(range, format!("'{what}' outside function")),
            _ => Ok(()),
        }
    }

    /// Await the object in `obj`; the result goes to `dst`.
    pub(crate) fn await_value(&mut self, obj: Reg, dst: Reg, kind: AwaitKind) {
        self.u.opx(Op::GetAwaitable, kind as u8, obj, obj, 0);
        self.delegate(obj, dst);
    }

    /// Run the awaitable iterator in `iter` to its end; the result goes to `dst`.
    pub(crate) fn delegate(&mut self, iter: Reg, dst: Reg) {
        let mark = self.u.next_temp;
        let v = self.u.temp();
        self.u.load_const(v, Const::None);
        self.u.op3(Op::YieldFrom, dst, iter, v);
        self.u.next_temp = mark;
    }

    /// `dst = not e`: a test that can be asked the other way round is, and twice not is whether.
    fn not(&mut self, e: &'a Expr, dst: Reg) -> R<()> {
        let (op, operand) = match e {
            Expr::Compare(c) if c.ops.len() == 1 && rich_comparison(c.ops[0]).is_none() => {
                self.u.range = e.range();
                return self.compare_as(c, c.ops[0].negate(), dst);
            }
            Expr::UnaryOp(u) if u.op == UnaryOp::Not => (Op::ToBool, &*u.operand),
            e => (Op::UnaryNot, e),
        };
        let r = self.expr_near(operand, dst)?;
        self.u.op2(op, dst, r);
        Ok(())
    }

    fn binary(&mut self, b: &'a ast::ExprBinOp, dst: Reg) -> R<()> {
        let l = self.expr_near(&b.left, dst)?;
        if maybe_constant(&b.left) {
            // Two constants that are not folded.
            let r = self.expr(&b.right)?;
            self.u.opx(Op::BinaryOp, binary_op(b.op) as u8, dst, l, r);
            return Ok(());
        }
        self.binary_right(l, binary_op(b.op) as u8, &b.right, dst)
    }

    /// `dst = l <op> right`.
    pub(crate) fn binary_right(&mut self, l: Reg, op: u8, right: &'a Expr, dst: Reg) -> R<()> {
        if let Some(k) = self.operand_constant(right) {
            self.u.opx(Op::BinaryOpK, op, dst, l, k);
            return Ok(());
        }
        let r = self.expr(right)?;
        self.u.opx(Op::BinaryOp, op, dst, l, r);
        Ok(())
    }

    /// Index of an int, float or str constant that can be an operand of the `K` forms.
    pub(crate) fn operand_constant(&mut self, e: &'a Expr) -> Option<u16> {
        if !matches!(e, Expr::NumberLiteral(_) | Expr::StringLiteral(_) | Expr::UnaryOp(_) | Expr::BinOp(_))
            || !self.u.reachable
        {
            return None;
        }
        match self.constant(e)? {
            k @ (Const::Int(_) | Const::Float(_) | Const::Str(_)) => {
                u16::try_from(self.u.const_index(k)).ok()
            }
            _ => None,
        }
    }

    fn attribute(&mut self, a: &'a ast::ExprAttribute, dst: Reg) -> R<()> {
        if let Some(base) = self.super_call(a)? {
            let n = self.attr_index(&a.attr.id)?;
            self.u.opx(Op::LoadSuperAttr, base.1, dst, base.0, n);
            self.at(self.attribute_range(self.u.range, a), |c| c.u.line_begins());
            return Ok(());
        }
        let obj = self.expr_near(&a.value, dst)?;
        let n = self.attr_index(&a.attr.id)?;
        self.at(self.attribute_range(self.u.range, a), |c| c.u.op3(Op::LoadAttr, dst, obj, n));
        Ok(())
    }

    /// Where an attribute is accessed in an expression at `range`: from its name on, if that is on a line further down.
    pub(crate) fn attribute_range(&self, range: TextRange, a: &ast::ExprAttribute) -> TextRange {
        if self.source.line(range.start().to_u32()) == self.source.line(a.range.end().to_u32()) {
            return range;
        }
        TextRange::new(a.attr.range.start(), range.end().max(a.range.end()))
    }

    fn subscript(&mut self, s: &'a ast::ExprSubscript, dst: Reg) -> R<()> {
        self.check_subscripter(&s.value);
        self.check_index(&s.value, &s.slice);
        if let Some(k) = self.constant_item(s) {
            self.u.load_const(dst, k);
            return Ok(());
        }
        let obj = self.expr_near(&s.value, dst)?;
        if let Expr::Slice(slice) = &*s.slice
            && slice.step.is_none()
            && self.constant_slice(slice).is_none()
        {
            let first = self.slice_bounds(slice)?;
            self.u.op3(Op::LoadSlice, dst, obj, first);
            return Ok(());
        }
        if let Some(k) = self.operand_constant(&s.slice)
            && matches!(self.u.consts[k as usize], Const::Int(_) | Const::Str(_))
        {
            self.u.op3(Op::LoadSubscrK, dst, obj, k);
            return Ok(());
        }
        let key = self.expr(&s.slice)?;
        self.u.op3(Op::LoadSubscr, dst, obj, key);
        Ok(())
    }

    /// Lower and upper bound of a slice in two consecutive new temporaries.
    pub(crate) fn slice_bounds(&mut self, s: &'a ast::ExprSlice) -> R<Reg> {
        let first = self.u.temp();
        self.bound_or_none(s.lower.as_deref(), first)?;
        let second = self.u.temp();
        self.bound_or_none(s.upper.as_deref(), second)?;
        Ok(first)
    }

    fn bound_or_none(&mut self, e: Option<&'a Expr>, dst: Reg) -> R<()> {
        match e {
            Some(e) => self.expr_to(e, dst),
            None => {
                self.u.load_const(dst, Const::None);
                Ok(())
            }
        }
    }

    fn slice(&mut self, s: &'a ast::ExprSlice, dst: Reg) -> R<()> {
        if let Some(k) = self.constant_slice(s) {
            self.u.load_const(dst, k);
            return Ok(());
        }
        let first = self.slice_bounds(s)?;
        let n = match &s.step {
            Some(step) => {
                let t = self.u.temp();
                self.expr_to(step, t)?;
                3
            }
            None => 2,
        };
        self.u.op3(Op::BuildSlice, dst, first, n);
        Ok(())
    }

    /// Load the constant `k` into a new temporary.
    pub(crate) fn const_temp(&mut self, k: Const) -> Reg {
        let t = self.u.temp();
        self.u.load_const(t, k);
        t
    }

    /// Make the value in `src` the result of a code object.
    pub(crate) fn emit_return(&mut self, src: Reg) {
        self.u.emit(Word::new(Op::Return, 0, src, 0, 0));
        self.u.dead();
    }
}
