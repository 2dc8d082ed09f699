//! List, tuple, set and dict displays.

use cape_bytecode::{Const, Op};
use ruff_python_ast::{self as ast, Expr};
use ruff_text_size::Ranged;

use crate::compiler::Compiler;
use crate::error::R;
use crate::unit::Reg;

/// Most values that are collected in registers at once: longer displays grow piece by piece, so that frames stay small.
pub(crate) const MAX_RUN: usize = 30;

/// Whether these are collected in registers at once.
fn is_run(elts: &[Expr]) -> bool {
    elts.len() <= MAX_RUN && !elts.iter().any(|e| matches!(e, Expr::Starred(_)))
}

impl<'a> Compiler<'a> {
    pub(crate) fn tuple(&mut self, t: &'a ast::ExprTuple, e: &'a Expr, dst: Reg) -> R<()> {
        if let Some(k) = self.constant(e) {
            self.u.load_const(dst, k);
            return Ok(());
        }
        self.sequence(Op::BuildTuple, dst, &t.elts)
    }

    pub(crate) fn list(&mut self, l: &'a ast::ExprList, dst: Reg) -> R<()> {
        if l.elts.len() >= 3
            && let Some(items) = self.constants(&l.elts)
        {
            let target = self.scratch(dst);
            self.u.op3(Op::BuildList, target, 0, 0);
            let k = self.const_temp(Const::Tuple(items.into()));
            self.u.op2(Op::ListExtend, target, k);
            self.u.movr(dst, target);
            return Ok(());
        }
        self.sequence(Op::BuildList, dst, &l.elts)
    }

    /// What is only searched or iterated over: of a list display, a tuple.
    pub(crate) fn items_to(&mut self, e: &'a Expr, dst: Reg) -> R<()> {
        match e {
            Expr::List(l) if is_run(&l.elts) => {
                let (mark, range) = (self.u.next_temp, std::mem::replace(&mut self.u.range, e.range()));
                self.sequence(Op::BuildTuple, dst, &l.elts)?;
                (self.u.next_temp, self.u.range) = (mark, range);
                Ok(())
            }
            e => self.expr_to(e, dst),
        }
    }

    pub(crate) fn set(&mut self, s: &'a ast::ExprSet, dst: Reg) -> R<()> {
        if s.elts.len() >= 3
            && let Some(items) = self.constants(&s.elts)
        {
            let target = self.scratch(dst);
            self.u.op3(Op::BuildSet, target, 0, 0);
            let k = self.const_temp(Const::FrozenSet(dedup(items).into()));
            self.u.op2(Op::SetUpdate, target, k);
            self.u.movr(dst, target);
            return Ok(());
        }
        self.sequence(Op::BuildSet, dst, &s.elts)
    }

    /// Build a sequence of `elts` in `dst`.
    fn sequence(&mut self, op: Op, dst: Reg, elts: &'a [Expr]) -> R<()> {
        if is_run(elts) {
            // The topmost destination can hold the first element.
            let first = if self.u.is_top(dst) && !elts.is_empty() { dst } else { self.u.next_temp as Reg };
            for (i, e) in elts.iter().enumerate() {
                let t = if i == 0 && first == dst { dst } else { self.u.temp() };
                self.expr_to(e, t)?;
            }
            self.u.op3(op, dst, first, elts.len() as u16);
            return Ok(());
        }
        let target = self.scratch(dst);
        let tail = self.u.temp();
        self.sequence_into(op, target, tail, 0, elts, None)?;
        self.u.movr(dst, target);
        Ok(())
    }

    /// Build a tuple in `dst` of `before` values and `elts`. The values are in `dst` (the first) and in the temporaries directly above.
    pub(crate) fn sequence_from(
        &mut self,
        op: Op,
        dst: Reg,
        before: usize,
        elts: &'a [Expr],
        extra: Option<Reg>,
    ) -> R<()> {
        if before == 0 {
            return self.sequence(op, dst, elts);
        }
        // dst holds the first value; the run begins there.
        self.u.next_temp = dst as u32 + before as u32;
        self.sequence_into(op, dst, dst, before, elts, extra)
    }

    /// Accumulate into a list in `target` (a set for sets). `first` is a temporary from which on runs of elements are collected; it and the next
    /// ones hold `before` values already.
    fn sequence_into(
        &mut self,
        op: Op,
        target: Reg,
        first: Reg,
        before: usize,
        elts: &'a [Expr],
        extra: Option<Reg>,
    ) -> R<()> {
        let (build, add, extend) = match op {
            Op::BuildSet => (Op::BuildSet, Op::SetAdd, Op::SetUpdate),
            _ => (Op::BuildList, Op::ListAppend, Op::ListExtend),
        };
        let run = match before + elts.len() {
            ..=MAX_RUN => elts.iter().take_while(|e| !matches!(e, Expr::Starred(_))).count(),
            _ => 0,
        };
        self.u.next_temp = first as u32 + before as u32;
        for e in &elts[..run] {
            let t = self.u.temp();
            self.expr_to(e, t)?;
        }
        self.u.op3(build, target, first, (before + run) as u16);
        self.u.next_temp = self.u.next_temp.min(first as u32).max(target as u32 + 1);
        for e in &elts[run..] {
            let mark = self.u.next_temp;
            match e {
                Expr::Starred(s) => {
                    let r = self.expr(&s.value)?;
                    self.u.op2(extend, target, r);
                }
                _ => {
                    let r = self.expr(e)?;
                    self.u.op2(add, target, r);
                }
            }
            self.u.next_temp = mark;
        }
        if let Some(r) = extra {
            self.u.op2(add, target, r);
        }
        if op == Op::BuildTuple {
            self.u.op2(Op::ListToTuple, target, target);
        }
        Ok(())
    }

    pub(crate) fn dict(&mut self, d: &'a ast::ExprDict, dst: Reg) -> R<()> {
        let items = &d.items;
        let plain = items.len() <= MAX_RUN / 2 && items.iter().all(|i| i.key.is_some());
        if plain {
            let first = self.u.next_temp as Reg;
            self.pairs(items)?;
            self.u.op3(Op::BuildMap, dst, first, items.len() as u16);
            return Ok(());
        }
        let target = self.scratch(dst);
        let mark = self.u.next_temp;
        // A short run of pairs at the beginning is collected in registers.
        let run = items.iter().take(MAX_RUN / 2 + 1).take_while(|i| i.key.is_some()).count();
        let run = if run <= MAX_RUN / 2 { run } else { 0 };
        self.pairs(&items[..run])?;
        self.u.op3(Op::BuildMap, target, if run > 0 { mark as Reg } else { 0 }, run as u16);
        self.u.next_temp = mark;
        for item in &items[run..] {
            match &item.key {
                Some(k) => {
                    let k = self.expr(k)?;
                    let v = self.expr(&item.value)?;
                    self.u.op3(Op::MapAdd, target, k, v);
                }
                None => {
                    let r = self.expr(&item.value)?;
                    self.u.op2(Op::DictUpdate, target, r);
                }
            }
            self.u.next_temp = mark;
        }
        self.u.movr(dst, target);
        Ok(())
    }

    fn pairs(&mut self, items: &'a [ast::DictItem]) -> R<()> {
        for i in items {
            let k = self.u.temp();
            self.expr_to(i.key.as_ref().expect("a pair"), k)?;
            let v = self.u.temp();
            self.expr_to(&i.value, v)?;
        }
        Ok(())
    }
}

/// The distinct ones of some constants.
#[expect(clippy::mutable_key_type, reason = "reading the body of a code unit does not change what it is")]
pub(crate) fn dedup(items: Vec<Const>) -> Vec<Const> {
    let mut seen = rustc_hash::FxHashSet::default();
    items.into_iter().filter(|i| seen.insert(i.clone())).collect()
}
