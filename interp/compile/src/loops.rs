//! Loops.

use cape_bytecode::Op;
use ruff_python_ast::{self as ast, Expr};
use ruff_text_size::Ranged;

use crate::compiler::{Compiler, no_range};
use crate::error::{R, err};
use crate::unit::{FBlock, FEntry, Label, Reg};

/// Deepest nesting of blocks in a function.
const MAX_BLOCKS: usize = 21;

impl<'a> Compiler<'a> {
    /// Enter a block.
    pub(crate) fn push_block(&mut self, kind: FBlock<'a>, outer_handler: u32) -> R<()> {
        if self.u.fblocks.len() >= MAX_BLOCKS {
            return err(self.u.range, "too many statically nested blocks");
        }
        self.u.fblocks.push(FEntry { kind, outer_handler });
        Ok(())
    }

    fn push_loop(&mut self, top: Label, end: Label) -> R<()> {
        let handler = self.u.handler;
        self.push_block(FBlock::Loop { top, end }, handler)
    }

    pub(crate) fn while_loop(&mut self, s: &'a ast::StmtWhile) -> R<()> {
        let top = self.u.label();
        let end = self.u.label();
        let orelse = self.u.label();
        self.u.bind_loop(top);
        self.u.range = s.test.range();
        self.jump_if(&s.test, false, orelse)?;
        self.push_loop(top, end)?;
        self.body(&s.body)?;
        self.u.fblocks.pop();
        self.u.range = no_range();
        self.u.jump(top);
        self.u.bind(orelse);
        self.body(&s.orelse)?;
        self.u.bind(end);
        Ok(())
    }

    pub(crate) fn for_loop(&mut self, s: &'a ast::StmtFor) -> R<()> {
        if s.is_async {
            return self.async_for(s);
        }
        let iter = self.u.temp();
        let r = self.iterable(&s.iter, iter)?;
        self.u.range = s.iter.range();
        self.u.op2(Op::GetIter, iter, r);
        let top = self.u.label();
        let end = self.u.label();
        let orelse = self.u.label();
        self.u.bind_loop(top);
        self.next_item(iter, &s.iter, &s.target, orelse)?;
        self.push_loop(top, end)?;
        self.body(&s.body)?;
        self.u.fblocks.pop();
        self.u.range = no_range();
        self.u.jump(top);
        self.u.bind(orelse);
        self.body(&s.orelse)?;
        self.u.bind(end);
        Ok(())
    }

    /// Evaluate what a loop iterates over, in `dst` if it is no variable: a constant list or set display can be a constant.
    pub(crate) fn iterable(&mut self, e: &'a Expr, dst: Reg) -> R<Reg> {
        match self.constant_container(e) {
            Some(k) => {
                self.u.range = e.range();
                self.u.load_const(dst, k);
                Ok(dst)
            }
            None if matches!(e, Expr::List(_)) => {
                let t = self.scratch(dst);
                self.items_to(e, t)?;
                Ok(t)
            }
            None => self.expr_near(e, dst),
        }
    }

    /// Head of a loop: the next item of `iter`, which is over `over`, goes to `target`; at the end jump to `exit`. What the iterator
    /// raises is raised where the iterable stands.
    pub(crate) fn next_item(&mut self, iter: Reg, over: &'a Expr, target: &'a Expr, exit: Label) -> R<()> {
        let mark = self.u.next_temp;
        self.u.range = over.range();
        if let Some(r) = self.target_register(target) {
            self.u.for_iter(r, iter, exit);
            self.u.bound.insert(r);
            // The target is stored on its own line.
            self.u.range = target.range();
            if self.source.line(target.range().start().to_u32())
                != self.source.line(over.range().start().to_u32())
            {
                self.u.line_begins();
            }
            return Ok(());
        }
        let t = self.u.temp();
        self.u.for_iter(t, iter, exit);
        self.u.range = target.range();
        self.store(target, t)?;
        self.u.next_temp = mark;
        Ok(())
    }

    fn async_for(&mut self, s: &'a ast::StmtFor) -> R<()> {
        let iter = self.u.temp();
        self.expr_to(&s.iter, iter)?;
        self.u.range = s.iter.range();
        self.u.op2(Op::GetAIter, iter, iter);
        let top = self.u.label();
        let end = self.u.label();
        let exhausted = self.u.label();
        self.u.bind_loop(top);
        let bound = self.u.bound.clone();
        let start = self.u.ins.len();
        let exc = self.u.temp();
        self.async_next(iter, &s.target, exhausted, exc)?;
        self.push_loop(top, end)?;
        self.body(&s.body)?;
        self.u.fblocks.pop();
        self.u.range = no_range();
        self.u.jump(top);
        self.u.bind_handler(exhausted, start, bound);
        self.u.range = s.iter.range();
        self.u.op1(Op::EndAsyncFor, exc);
        self.body(&s.orelse)?;
        self.u.bind(end);
        Ok(())
    }

    /// Head of an asynchronous loop: StopAsyncIteration goes to the handler `exhausted` with the exception in `exc`.
    pub(crate) fn async_next(&mut self, iter: Reg, target: &'a Expr, exhausted: Label, exc: Reg) -> R<()> {
        let mark = self.u.next_temp;
        let outer = self.u.push_handler(exhausted, exc);
        let t = self.u.temp();
        self.u.op2(Op::GetANext, t, iter);
        let item = self.target_register(target).unwrap_or(t);
        self.delegate(t, item);
        self.u.handler = outer;
        if item == t {
            self.store(target, t)?;
        } else {
            self.u.bound.insert(item);
        }
        self.u.next_temp = mark;
        Ok(())
    }
}
