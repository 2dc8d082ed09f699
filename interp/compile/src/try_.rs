//! `try` and `with`.

use cape_bytecode::{AwaitKind, Const, Op, SpecialMethod};
use ruff_python_ast::{self as ast, Stmt};
use ruff_text_size::{Ranged, TextRange};

use crate::compiler::{Compiler, no_range};
use crate::error::{R, err};
use crate::unit::{FBlock, Reg};

impl<'a> Compiler<'a> {
    pub(crate) fn try_stmt(&mut self, s: &'a ast::StmtTry) -> R<()> {
        self.u.line_begins();
        if s.finalbody.is_empty() {
            return self.try_handlers(s);
        }
        let mark = self.u.next_temp;
        let exc = self.u.temp();
        let save = self.u.temp();
        let inside = self.u.next_temp;
        let on_error = self.u.label();
        let cleanup = self.u.label();
        let end = self.u.label();
        let bound = self.u.bound.clone();
        let start = self.u.ins.len();
        // The registers of the handler are free until it is entered.
        self.u.next_temp = mark;
        let outer = self.u.push_handler(on_error, exc);
        self.push_block(FBlock::FinallyTry { body: &s.finalbody }, outer)?;
        if s.handlers.is_empty() {
            self.body(&s.body)?;
        } else {
            self.try_handlers(s)?;
        }
        self.u.fblocks.pop();
        self.u.handler = outer;
        self.body(&s.finalbody)?;
        self.u.range = no_range();
        self.u.jump(end);

        self.u.bind_handler(on_error, start, bound.clone());
        self.u.next_temp = inside;
        self.u.op2(Op::PushExcInfo, save, exc);
        let start = self.u.ins.len();
        self.u.push_handler(cleanup, exc);
        self.push_block(FBlock::FinallyEnd { save }, outer)?;
        self.body(&s.finalbody)?;
        self.u.fblocks.pop();
        // The frame is left at the end of the body, if that is one place.
        self.u.range = self.end_range().unwrap_or(no_range());
        self.u.opx(Op::Reraise, (self.u.range == no_range()) as u8, exc, 0, 0);
        self.u.dead();
        self.u.handler = outer;
        self.u.bind_handler(cleanup, start, bound);
        self.restore_and_reraise(save, exc);
        self.u.bind(end);
        Ok(())
    }

    /// End of a handler left by an exception.
    fn restore_and_reraise(&mut self, save: Reg, exc: Reg) {
        self.u.range = no_range();
        self.u.op1(Op::PopExcInfo, save);
        self.u.opx(Op::Reraise, 1, exc, 0, 0);
        self.u.dead();
    }

    fn try_handlers(&mut self, s: &'a ast::StmtTry) -> R<()> {
        let mark = self.u.next_temp;
        let exc = self.u.temp();
        let save = self.u.temp();
        let inside = self.u.next_temp;
        let on_error = self.u.label();
        let cleanup = self.u.label();
        let end = self.u.label();
        let bound = self.u.bound.clone();
        let start = self.u.ins.len();
        self.u.next_temp = mark;
        let outer = self.u.push_handler(on_error, exc);
        self.push_block(FBlock::Try, outer)?;
        self.body(&s.body)?;
        self.u.fblocks.pop();
        self.u.handler = outer;
        self.body(&s.orelse)?;
        self.u.range = no_range();
        self.u.jump(end);

        self.u.bind_handler(on_error, start, bound.clone());
        self.u.next_temp = inside;
        self.u.op2(Op::PushExcInfo, save, exc);
        let start = self.u.ins.len();
        self.u.push_handler(cleanup, exc);
        if s.is_star {
            self.star_clauses(s, exc, save, outer)?;
            self.u.range = no_range();
            self.u.jump(end);
        } else {
            self.clauses(s, exc, save, outer, end)?;
            self.u.op1(Op::Reraise, exc);
            self.u.dead();
        }
        self.u.handler = outer;
        self.u.bind_handler(cleanup, start, bound);
        self.restore_and_reraise(save, exc);
        self.u.bind(end);
        self.u.next_temp = mark;
        Ok(())
    }

    fn clauses(
        &mut self,
        s: &'a ast::StmtTry,
        exc: Reg,
        save: Reg,
        outer: u32,
        end: crate::unit::Label,
    ) -> R<()> {
        let handler = self.u.handler;
        for (i, ast::ExceptHandler::ExceptHandler(h)) in s.handlers.iter().enumerate() {
            let next = self.u.label();
            let mark = self.u.next_temp;
            self.u.range = h.range;
            match &h.type_ {
                Some(t) => {
                    let r = self.u.temp();
                    self.expr_to(t, r)?;
                    self.u.range = h.range;
                    self.u.op3(Op::CheckExcMatch, r, exc, r);
                    self.u.jump_op(Op::JumpIfFalse, r, next);
                    self.u.next_temp = mark;
                }
                None if i + 1 < s.handlers.len() => {
                    return err(h.range, "default 'except:' must be last");
                }
                None => self.u.line_begins(),
            }
            let name = h.name.as_ref().map(|n| self.mangle(&n.id));
            let name_end = self.u.label();
            let mut bound = self.u.bound.clone();
            let mut start = 0;
            if let Some(name) = name {
                self.u.range = h.range;
                self.store_name(name, exc);
                bound = self.u.bound.clone();
                start = self.u.ins.len();
                self.u.push_handler(name_end, exc);
            }
            self.push_block(FBlock::Handler { save, name }, outer)?;
            self.body(&h.body)?;
            self.u.fblocks.pop();
            self.u.handler = handler;
            self.u.range = no_range();
            self.u.op1(Op::PopExcInfo, save);
            if let Some(name) = name {
                let before = std::mem::replace(&mut self.u.handler, outer);
                self.clear_name(name);
                self.u.handler = before;
            }
            self.u.jump(end);
            if let Some(name) = name {
                self.u.bind_handler(name_end, start, bound);
                self.clear_name(name);
                self.u.opx(Op::Reraise, 1, exc, 0, 0);
                self.u.dead();
            }
            self.u.bind(next);
        }
        // Nothing has matched: the frame is left where the last clause was asked.
        self.u.range = s.handlers.last().map_or(no_range(), |ast::ExceptHandler::ExceptHandler(h)| h.range);
        Ok(())
    }

    fn star_clauses(&mut self, s: &'a ast::StmtTry, exc: Reg, save: Reg, outer: u32) -> R<()> {
        let handler = self.u.handler;
        let list = self.u.temp();
        let rest = self.u.temp();
        let matched = self.u.temp();
        let raised = self.u.temp();
        self.u.op3(Op::BuildList, list, 0, 0);
        self.u.movr(rest, exc);
        for ast::ExceptHandler::ExceptHandler(h) in &s.handlers {
            let Some(type_) = &h.type_ else {
                return err(h.range, "expected one or more exception types");
            };
            let next = self.u.label();
            let mark = self.u.next_temp;
            self.u.range = h.range;
            let t = self.expr(type_)?;
            self.u.range = h.range;
            self.u.op3(Op::CheckEgMatch, matched, rest, t);
            self.u.jump_op(Op::JumpIfNone, matched, next);
            self.u.next_temp = mark;
            // The group that matched is what is being handled.
            let before = self.u.temp();
            self.u.op2(Op::PushExcInfo, before, matched);
            self.u.next_temp = mark;
            let name = h.name.as_ref().map(|n| self.mangle(&n.id));
            if let Some(name) = name {
                self.u.range = h.range;
                self.store_name(name, matched);
            }
            let on_error = self.u.label();
            let bound = self.u.bound.clone();
            let start = self.u.ins.len();
            self.u.push_handler(on_error, raised);
            self.push_block(FBlock::StarHandler, outer)?;
            self.body(&h.body)?;
            self.u.fblocks.pop();
            self.u.handler = handler;
            self.u.range = no_range();
            if let Some(name) = name {
                self.clear_name(name);
            }
            self.u.jump(next);
            self.u.bind_handler(on_error, start, bound);
            if let Some(name) = name {
                self.clear_name(name);
            }
            self.u.op2(Op::ListAppend, list, raised);
            self.u.bind(next);
        }
        self.u.range = no_range();
        self.u.op2(Op::ListAppend, list, rest);
        self.u.op3(Op::PrepReraiseStar, matched, exc, list);
        let reraise = self.u.label();
        let done = self.u.label();
        self.u.jump_op(Op::JumpIfNotNone, matched, reraise);
        self.u.handler = outer;
        self.u.op1(Op::PopExcInfo, save);
        self.u.jump(done);
        self.u.bind(reraise);
        self.restore_and_reraise(save, matched);
        self.u.bind(done);
        Ok(())
    }

    // ---- with ----

    pub(crate) fn with(&mut self, s: &'a ast::StmtWith) -> R<()> {
        self.with_items(s, &s.items)
    }

    fn with_items(&mut self, s: &'a ast::StmtWith, items: &'a [ast::WithItem]) -> R<()> {
        let Some((item, rest)) = items.split_first() else {
            return self.with_body(&s.body);
        };
        let mark = self.u.next_temp;
        let range = item.context_expr.range();
        let exc = self.u.temp();
        let save = self.u.temp();
        let pair = self.u.temps(2);
        let enter = self.u.temp();
        let (on_enter, on_exit) = if s.is_async {
            (SpecialMethod::AEnter, SpecialMethod::AExit)
        } else {
            (SpecialMethod::Enter, SpecialMethod::Exit)
        };
        let obj = self.expr_near(&item.context_expr, enter)?;
        self.u.range = range;
        self.u.next_temp = enter as u32 + 2;
        self.u.max_temp = self.u.max_temp.max(self.u.next_temp);
        self.u.opx(Op::LoadSpecial, on_exit as u8, pair, obj, 0);
        self.u.opx(Op::LoadSpecial, on_enter as u8, enter, obj, 0);
        self.u.op3(Op::Call, enter, enter, 0);
        if s.is_async {
            self.await_value(enter, enter, AwaitKind::AEnter);
        }
        let on_error = self.u.label();
        let cleanup = self.u.label();
        let end = self.u.label();
        let bound = self.u.bound.clone();
        let start = self.u.ins.len();
        let outer = self.u.push_handler(on_error, exc);
        self.push_block(FBlock::With { pair, is_async: s.is_async, range }, outer)?;
        if let Some(target) = &item.optional_vars {
            self.u.next_temp = enter as u32 + 1;
            self.store(target, enter)?;
        }
        self.u.next_temp = pair as u32 + 2;
        self.with_items(s, rest)?;
        self.u.fblocks.pop();
        self.u.handler = outer;
        self.u.range = range;
        self.u.next_temp = pair as u32 + 2;
        self.with_exit_normally(pair, s.is_async);
        self.u.jump(end);

        self.u.bind_handler(on_error, start, bound.clone());
        self.u.range = range;
        self.u.op2(Op::PushExcInfo, save, exc);
        let start = self.u.ins.len();
        self.u.push_handler(cleanup, exc);
        let args = self.u.temps(3);
        self.u.op2(Op::ExcTriple, args, exc);
        self.u.op3(Op::Call, pair, pair, 3);
        self.u.next_temp = pair as u32 + 1;
        if s.is_async {
            self.await_value(pair, pair, AwaitKind::AExit);
        }
        let suppress = self.u.label();
        self.u.jump_op(Op::JumpIfTrue, pair, suppress);
        self.u.opx(Op::Reraise, 1, exc, 0, 0);
        self.u.dead();
        self.u.handler = outer;
        self.u.bind(suppress);
        self.u.op1(Op::PopExcInfo, save);
        self.u.jump(end);
        self.u.bind_handler(cleanup, start, bound);
        self.restore_and_reraise(save, exc);
        self.u.bind(end);
        self.u.next_temp = mark;
        Ok(())
    }

    fn with_body(&mut self, body: &'a [Stmt]) -> R<()> {
        self.body(body)
    }

    /// Call the exit method of the pair with three Nones. Temporaries above the pair stay intact.
    pub(crate) fn with_exit_normally(&mut self, pair: Reg, is_async: bool) {
        let mark = self.u.next_temp;
        let mut f = pair;
        if mark > pair as u32 + 2 {
            f = self.u.temps(2);
            self.u.movr(f, pair);
            self.u.movr(f + 1, pair + 1);
        }
        for _ in 0..3 {
            self.const_temp(Const::None);
        }
        self.u.op3(Op::Call, f, f, 3);
        if is_async {
            self.u.next_temp = f as u32 + 1;
            self.await_value(f, f, AwaitKind::AExit);
        }
        self.u.next_temp = mark;
    }

    /// An empty range at the beginning of `range`.
    pub(crate) fn at_start(range: TextRange) -> TextRange {
        TextRange::empty(range.start())
    }
}
