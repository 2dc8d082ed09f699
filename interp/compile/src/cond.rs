//! Conditions, comparisons, boolean operators.

use cape_bytecode::{Const, Op};
use ruff_python_ast::{self as ast, BoolOp, CmpOp, Expr, UnaryOp};
use ruff_text_size::Ranged;

use crate::compiler::Compiler;
use crate::error::R;
use crate::operators::rich_comparison;
use crate::unit::{Label, Reg};

impl<'a> Compiler<'a> {
    /// Evaluate `e` into temporary `t`. Then, if a label is given for its truth value, jump there; else go on.
    pub(crate) fn bool_value(
        &mut self,
        e: &'a Expr,
        t: Reg,
        on_true: Option<Label>,
        on_false: Option<Label>,
    ) -> R<()> {
        if let Expr::BoolOp(b) = e {
            let end = self.u.label();
            let (last, init) = b.values.split_last().expect("an operand");
            for v in init {
                if let Some(k) = self.constant(v) {
                    // It decides, or says nothing; what follows one that decides is compiled for the errors in it.
                    let truth = crate::fold::truth(&k);
                    if truth == (b.op == BoolOp::Or) {
                        self.u.range = v.range();
                        self.u.load_const(t, k);
                        self.u.jump(if truth { on_true } else { on_false }.unwrap_or(end));
                    }
                    continue;
                }
                match b.op {
                    BoolOp::And => self.bool_value(v, t, None, Some(on_false.unwrap_or(end)))?,
                    BoolOp::Or => self.bool_value(v, t, Some(on_true.unwrap_or(end)), None)?,
                }
            }
            self.bool_value(last, t, on_true, on_false)?;
            self.u.bind(end);
            return Ok(());
        }
        self.expr_to(e, t)?;
        if let Some(l) = on_true {
            self.u.jump_op_keep(Op::JumpIfTrue, t, l);
        }
        if let Some(l) = on_false {
            self.u.jump_op_keep(Op::JumpIfFalse, t, l);
        }
        Ok(())
    }

    pub(crate) fn conditional_expr(&mut self, i: &'a ast::ExprIf, dst: Reg) -> R<()> {
        let other = self.u.label();
        let end = self.u.label();
        self.jump_if(&i.test, false, other)?;
        self.expr_to(&i.body, dst)?;
        self.u.jump(end);
        self.u.bind(other);
        self.expr_to(&i.orelse, dst)?;
        self.u.bind(end);
        Ok(())
    }

    /// Jump to `label` if the truth value of `e` is `want`; else go on.
    pub(crate) fn jump_if(&mut self, e: &'a Expr, want: bool, label: Label) -> R<()> {
        let mark = self.u.next_temp;
        let range = std::mem::replace(&mut self.u.range, e.range());
        self.deeper(e.range(), |c| c.jump_if_inner(e, want, label))?;
        self.u.range = range;
        self.u.next_temp = mark;
        Ok(())
    }

    fn jump_if_inner(&mut self, e: &'a Expr, want: bool, label: Label) -> R<()> {
        match e {
            Expr::UnaryOp(u) if u.op == UnaryOp::Not => {
                return self.jump_if(&u.operand, !want, label);
            }
            Expr::BoolOp(b) => {
                let (last, init) = b.values.split_last().expect("an operand");
                // The value that decides early.
                let decides = b.op == BoolOp::Or;
                if decides == want {
                    for v in &b.values {
                        self.jump_if(v, want, label)?;
                    }
                } else {
                    let skip = self.u.label();
                    for v in init {
                        self.jump_if(v, decides, skip)?;
                    }
                    self.jump_if(last, want, label)?;
                    self.u.bind(skip);
                }
                return Ok(());
            }
            Expr::If(i) => {
                let other = self.u.label();
                let end = self.u.label();
                self.jump_if(&i.test, false, other)?;
                self.jump_if(&i.body, want, label)?;
                self.u.jump(end);
                self.u.bind(other);
                self.jump_if(&i.orelse, want, label)?;
                self.u.bind(end);
                return Ok(());
            }
            Expr::Compare(c) if c.ops.len() > 1 => {
                self.check_compare(c);
                return self.compare_chain_jump(c, want, label);
            }
            Expr::Compare(c)
                if matches!(c.ops[0], CmpOp::Is | CmpOp::IsNot)
                    && matches!(c.comparators[0], Expr::NoneLiteral(_)) =>
            {
                self.check_compare(c);
                let r = self.expr(&c.left)?;
                let none = (c.ops[0] == CmpOp::Is) == want;
                let op = if none { Op::JumpIfNone } else { Op::JumpIfNotNone };
                self.u.jump_op(op, r, label);
                return Ok(());
            }
            _ => {}
        }
        if let Some(k) = self.constant(e) {
            self.u.line_begins();
            if crate::fold::truth(&k) == want {
                self.u.jump(label);
            }
            return Ok(());
        }
        let r = self.expr(e)?;
        let op = if want { Op::JumpIfTrue } else { Op::JumpIfFalse };
        self.u.jump_op(op, r, label);
        Ok(())
    }

    pub(crate) fn compare_value(&mut self, c: &'a ast::ExprCompare, dst: Reg) -> R<()> {
        if c.ops.len() == 1 {
            return self.compare_as(c, c.ops[0], dst);
        }
        self.check_compare(c);
        let t = self.scratch(dst);
        let end = self.u.label();
        self.compare_chain(c, t, |c, t| c.u.jump_op_keep(Op::JumpIfFalse, t, end))?;
        self.u.bind(end);
        self.u.movr(dst, t);
        Ok(())
    }

    /// The only comparison of `c`, by `op`: its operator, or the opposite.
    pub(crate) fn compare_as(&mut self, c: &'a ast::ExprCompare, op: CmpOp, dst: Reg) -> R<()> {
        self.check_compare(c);
        let l = self.expr_near(&c.left, dst)?;
        let right = self.compare_operand(op, &c.comparators[0], &mut None, true)?;
        self.compare(op, dst, l, right);
        Ok(())
    }

    /// `a < b < c`: leave the last comparison in `t`, calling `fail` after each earlier one, to jump away when it is false.
    fn compare_chain(&mut self, c: &'a ast::ExprCompare, t: Reg, fail: impl Fn(&mut Self, Reg)) -> R<()> {
        let mut left = self.expr(&c.left)?;
        // A temporary that held an operand which has been compared with both its neighbours.
        let mut free = None;
        let last = c.ops.len() - 1;
        for (i, (op, right)) in c.ops.iter().zip(&c.comparators).enumerate() {
            let r = self.compare_operand(*op, right, &mut free, i == last)?;
            self.compare(*op, t, left, r);
            if i < last {
                fail(self, t);
                let before = left;
                left = match r {
                    Operand::Reg(r) => r,
                    Operand::Const(k) => {
                        let k = self.u.consts.get(k as usize).cloned().unwrap_or(Const::None);
                        let place = free.take().unwrap_or_else(|| self.u.temp());
                        self.u.load_const(place, k);
                        place
                    }
                };
                if self.u.is_temp(before) {
                    free = Some(before);
                }
            }
        }
        Ok(())
    }

    fn compare_chain_jump(&mut self, c: &'a ast::ExprCompare, want: bool, label: Label) -> R<()> {
        let t = self.u.temp();
        if want {
            let fail = self.u.label();
            self.compare_chain(c, t, |c, t| c.u.jump_op(Op::JumpIfFalse, t, fail))?;
            self.u.jump_op(Op::JumpIfTrue, t, label);
            self.u.bind(fail);
        } else {
            self.compare_chain(c, t, |c, t| c.u.jump_op(Op::JumpIfFalse, t, label))?;
            self.u.jump_op(Op::JumpIfFalse, t, label);
        }
        Ok(())
    }

    /// Right operand of a comparison; it takes the temporary in `free`, if it needs one. Unless it is the `last`, it is compared with the
    /// next one, too. (An int that is not short gets a register: few are compared with, and tools look for them among what is loaded.)
    fn compare_operand(&mut self, op: CmpOp, e: &'a Expr, free: &mut Option<Reg>, last: bool) -> R<Operand> {
        if rich_comparison(op).is_some()
            && let Some(k) = self.operand_constant(e)
            && !matches!(self.u.consts[k as usize], Const::Int(i) if i16::try_from(i).is_err())
        {
            return Ok(Operand::Const(k));
        }
        if let Some(r) = self.variable(e) {
            return Ok(Operand::Reg(r));
        }
        let searched = last && matches!(op, CmpOp::In | CmpOp::NotIn);
        let container = if searched { self.constant_container(e) } else { None };
        let r = free.take().unwrap_or_else(|| self.u.temp());
        match container {
            Some(k) => self.u.load_const(r, k),
            None if searched => self.items_to(e, r)?,
            None => self.expr_to(e, r)?,
        }
        Ok(Operand::Reg(r))
    }

    fn compare(&mut self, op: CmpOp, dst: Reg, l: Reg, right: Operand) {
        match (right, rich_comparison(op)) {
            (Operand::Const(k), Some(cmp)) => self.u.opx(Op::CompareK, cmp as u8, dst, l, k),
            (Operand::Reg(r), Some(cmp)) => self.u.opx(Op::Compare, cmp as u8, dst, l, r),
            (Operand::Reg(r), None) => match op {
                CmpOp::Is => self.u.opx(Op::Is, 0, dst, l, r),
                CmpOp::IsNot => self.u.opx(Op::Is, 1, dst, l, r),
                CmpOp::NotIn => self.u.opx(Op::Contains, 1, dst, l, r),
                _ => self.u.opx(Op::Contains, 0, dst, l, r),
            },
            (Operand::Const(_), None) => unreachable!("constants only for rich comparisons"),
        }
    }
}

#[derive(Clone, Copy)]
enum Operand {
    Reg(Reg),
    Const(u16),
}
