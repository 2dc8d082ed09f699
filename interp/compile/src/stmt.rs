//! Statements.

use cape_bytecode::{CommonConst, Const, Intrinsic1, Op, flags};
use ruff_python_ast::{self as ast, Expr, Stmt};
use ruff_text_size::{Ranged, TextRange};

use crate::Mode;
use crate::compiler::{Compiler, no_range};
use crate::error::{R, err};
use crate::intern::NameId;
use crate::unit::{FBlock, UnitKind};

impl<'a> Compiler<'a> {
    pub(crate) fn body(&mut self, body: &'a [Stmt]) -> R<()> {
        body.iter().try_for_each(|s| self.stmt(s))
    }

    pub(crate) fn stmt(&mut self, s: &'a Stmt) -> R<()> {
        self.deeper(s.range(), |c| {
            c.u.range = s.range();
            let mark = c.u.next_temp;
            c.stmt_inner(s)?;
            c.u.next_temp = mark;
            Ok(())
        })
    }

    fn stmt_inner(&mut self, stmt: &'a Stmt) -> R<()> {
        match stmt {
            Stmt::FunctionDef(s) => self.function_def(s),
            Stmt::ClassDef(s) => self.class_def(s),
            Stmt::TypeAlias(s) => self.type_alias(s),
            Stmt::Return(s) => self.return_stmt(s),
            Stmt::Delete(s) => s.targets.iter().try_for_each(|t| self.delete(t)),
            Stmt::Assign(s) => self.assign(s),
            Stmt::AugAssign(s) => self.aug_assign(s),
            Stmt::AnnAssign(s) => self.ann_assign(s),
            Stmt::For(s) => self.conditional(|c| c.for_loop(s)),
            Stmt::While(s) => self.conditional(|c| c.while_loop(s)),
            Stmt::If(s) => self.conditional(|c| c.if_stmt(s)),
            Stmt::With(s) => self.conditional(|c| c.with(s)),
            Stmt::Match(s) => self.conditional(|c| c.match_stmt(s)),
            Stmt::Raise(s) => self.raise(s),
            Stmt::Try(s) => self.conditional(|c| c.try_stmt(s)),
            Stmt::Assert(s) => self.assert(s),
            Stmt::Import(s) => self.import(s),
            Stmt::ImportFrom(s) => self.import_from(s),
            Stmt::Global(_) | Stmt::Nonlocal(_) => Ok(()),
            Stmt::Expr(s) => self.expr_stmt(s),
            Stmt::Pass(_) => {
                self.u.line_begins();
                Ok(())
            }
            Stmt::Break(s) => self.break_continue(s.range, true),
            Stmt::Continue(s) => self.break_continue(s.range, false),
            Stmt::IpyEscapeCommand(s) => err(s.range, "invalid syntax"),
        }
    }

    fn conditional(&mut self, f: impl FnOnce(&mut Self) -> R<()>) -> R<()> {
        let before = std::mem::replace(&mut self.u.in_conditional, true);
        f(self)?;
        self.u.in_conditional = before;
        Ok(())
    }

    fn expr_stmt(&mut self, s: &'a ast::StmtExpr) -> R<()> {
        if self.mode == Mode::Single && self.u.kind == UnitKind::Module {
            let t = self.u.temp();
            self.expr_to(&s.value, t)?;
            self.u.opx(Op::CallIntrinsic1, Intrinsic1::Print as u8, t, t, 0);
            return Ok(());
        }
        if matches!(
            &*s.value,
            Expr::StringLiteral(_)
                | Expr::BytesLiteral(_)
                | Expr::NumberLiteral(_)
                | Expr::BooleanLiteral(_)
                | Expr::NoneLiteral(_)
                | Expr::EllipsisLiteral(_)
        ) {
            self.u.line_begins();
            return Ok(());
        }
        let before = self.u.ins.len();
        self.expr_discard(&s.value)?;
        if self.u.ins.len() == before {
            self.u.line_begins();
        }
        Ok(())
    }

    fn if_stmt(&mut self, s: &'a ast::StmtIf) -> R<()> {
        let end = self.u.label();
        let mut next = self.u.label();
        self.jump_if(&s.test, false, next)?;
        self.body(&s.body)?;
        for clause in &s.elif_else_clauses {
            self.u.range = no_range();
            self.u.jump(end);
            self.u.bind(next);
            next = self.u.label();
            if let Some(test) = &clause.test {
                self.u.range = test.range();
                self.jump_if(test, false, next)?;
            }
            self.body(&clause.body)?;
        }
        self.u.bind(next);
        self.u.bind(end);
        Ok(())
    }

    fn raise(&mut self, s: &'a ast::StmtRaise) -> R<()> {
        let (a, b, n) = match (&s.exc, &s.cause) {
            (None, _) => (0, 0, 0),
            (Some(e), None) => (self.expr(e)?, 0, 1),
            (Some(e), Some(c)) => (self.expr(e)?, self.expr(c)?, 2),
        };
        self.u.range = s.range;
        self.u.opx(Op::Raise, n, a, b, 0);
        self.u.dead();
        Ok(())
    }

    fn assert(&mut self, s: &'a ast::StmtAssert) -> R<()> {
        if let Expr::Tuple(t) = &*s.test
            && !t.elts.is_empty()
        {
            self.warn(s.range, "assertion is always true, perhaps remove parentheses?");
        }
        if self.opts.optimize > 0 {
            return Ok(());
        }
        let end = self.u.label();
        self.jump_if(&s.test, true, end)?;
        self.u.range = s.range;
        let f = self.u.temp();
        self.u.opx(Op::LoadCommon, CommonConst::AssertionError as u8, f, 0, 0);
        if let Some(msg) = &s.msg {
            let null = self.u.temp();
            self.u.op1(Op::Clear, null);
            let arg = self.u.temp();
            self.expr_to(msg, arg)?;
            self.u.op3(Op::Call, f, f, 1);
        }
        self.u.range = s.test.range();
        self.u.opx(Op::Raise, 1, f, 0, 0);
        self.u.dead();
        self.u.bind(end);
        Ok(())
    }

    fn return_stmt(&mut self, s: &'a ast::StmtReturn) -> R<()> {
        match self.u.kind {
            UnitKind::Module | UnitKind::Class => {
                return err(s.range, "'return' outside function");
            }
            _ => {}
        }
        if s.value.is_some() && self.u.flags & flags::ASYNC_GENERATOR != 0 {
            return err(s.range, "'return' with value in async generator");
        }
        let constant = match &s.value {
            None => Some(Const::None),
            Some(v) => self.constant(v),
        };
        if let Some(k) = constant {
            // Where the value is, if that is on the statement's first line.
            let value = s.value.as_ref().map_or(s.range, |v| v.range());
            let line = |range: TextRange| self.source.line(range.start().to_u32());
            let range = if line(value) == line(s.range) { value } else { s.range };
            self.at(value, |c| c.u.line_begins());
            self.at(range, |c| c.u.line_begins());
            self.u.range = self.unwind_all(range)?;
            let handler = std::mem::replace(&mut self.u.handler, 0);
            self.return_constant(k);
            self.u.handler = handler;
            return Ok(());
        }
        let value = s.value.as_ref().expect("not constant");
        let mut r = self.expr(value)?;
        if !self.u.is_temp(r) && !self.u.fblocks.is_empty() {
            // Cleanup code may rebind the variable.
            let t = self.u.temp();
            self.u.movr(t, r);
            r = t;
        }
        self.u.range = self.unwind_all(s.range)?;
        // All blocks have been left.
        let handler = std::mem::replace(&mut self.u.handler, 0);
        self.emit_return(r);
        self.u.handler = handler;
        Ok(())
    }

    /// Emit the cleanup of every block around, as a `return` does.
    fn unwind_all(&mut self, range: TextRange) -> R<TextRange> {
        self.unwind_to(0, range)
    }

    /// Emit the cleanup of the blocks from the innermost out to (excluding) number `depth`; the blocks are as before afterwards.
    /// Gives where what follows stands: where the statement does, or, when other code has run, nowhere.
    fn unwind_to(&mut self, depth: usize, range: TextRange) -> R<TextRange> {
        let mut range = range;
        let saved = self.u.fblocks.clone();
        let handler = self.u.handler;
        while self.u.fblocks.len() > depth {
            let block = self.u.fblocks.pop().expect("checked");
            self.u.range = range;
            self.unwind_block(&block.kind, block.outer_handler)?;
            if matches!(
                block.kind,
                FBlock::FinallyTry { .. } | FBlock::With { .. } | FBlock::Handler { name: Some(_), .. }
            ) {
                range = no_range();
            }
        }
        self.u.fblocks = saved;
        self.u.handler = handler;
        Ok(range)
    }

    /// Leave one block (already popped); `outer` is the handler active outside of it.
    fn unwind_block(&mut self, block: &FBlock<'a>, outer: u32) -> R<()> {
        match block {
            FBlock::Loop { .. } => {}
            FBlock::Try => self.u.handler = outer,
            FBlock::FinallyTry { body } => {
                self.u.handler = outer;
                let mark = self.u.next_temp;
                self.body(body)?;
                self.u.next_temp = mark;
            }
            FBlock::FinallyEnd { save } => {
                self.u.op1(Op::PopExcInfo, *save);
                self.u.handler = outer;
            }
            FBlock::With { pair, is_async, range } => {
                self.u.handler = outer;
                self.u.range = *range;
                self.with_exit_normally(*pair, *is_async);
            }
            FBlock::StarHandler => {
                return err(
                    self.u.range,
                    "'break', 'continue' and 'return' cannot appear in an except* block",
                );
            }
            FBlock::Handler { save, name } => {
                self.u.handler = outer;
                self.u.op1(Op::PopExcInfo, *save);
                if let Some(name) = name {
                    self.clear_name(*name);
                }
            }
        }
        Ok(())
    }

    fn break_continue(&mut self, range: TextRange, is_break: bool) -> R<()> {
        let word = if is_break { "break" } else { "continue" };
        for (i, block) in self.u.fblocks.iter().enumerate().rev() {
            match block.kind {
                FBlock::Loop { top, end } => {
                    let outside = block.outer_handler;
                    self.u.line_begins();
                    self.u.range = self.unwind_to(i + 1, range)?;
                    let handler = std::mem::replace(&mut self.u.handler, outside);
                    self.u.jump(if is_break { end } else { top });
                    self.u.handler = handler;
                    return Ok(());
                }
                FBlock::StarHandler => break,
                _ => {}
            }
        }
        if self.u.fblocks.iter().any(|b| matches!(b.kind, FBlock::StarHandler)) {
            return err(range, "'break', 'continue' and 'return' cannot appear in an except* block");
        }
        if is_break {
            return err(range, "'break' outside loop");
        }
        err(range, format!("'{word}' not properly in loop"))
    }

    /// `name = None; del name`: the end of `except ... as name`.
    pub(crate) fn clear_name(&mut self, name: NameId) {
        if let Some(r) = self.store_register(name) {
            self.u.op1(Op::Clear, r);
            self.u.bound.remove(r);
            return;
        }
        let mark = self.u.next_temp;
        let t = self.const_temp(Const::None);
        self.store_name(name, t);
        self.delete_name(name);
        self.u.next_temp = mark;
    }

    // ---- imports ----

    fn import(&mut self, s: &'a ast::StmtImport) -> R<()> {
        for a in &s.names {
            let t = self.u.temp();
            let name = self.mangle_import(&a.name.id);
            self.import_name(t, name, Const::None, 0);
            match &a.asname {
                Some(asname) => {
                    for part in a.name.id.split('.').skip(1) {
                        let part = self.interner.id(part);
                        let n = self.u.name_index(part) as u16;
                        self.u.op3(Op::ImportFrom, t, t, n);
                    }
                    let asname = self.mangle(&asname.id);
                    self.store_name(asname, t);
                }
                None => {
                    let first = a.name.id.split('.').next().expect("not empty").to_owned();
                    let first = self.mangle(&first);
                    self.store_name(first, t);
                }
            }
        }
        Ok(())
    }

    /// Module names are not mangled.
    fn mangle_import(&mut self, name: &str) -> NameId {
        self.interner.id(name)
    }

    fn import_name(&mut self, dst: u16, name: NameId, fromlist: Const, level: u32) {
        if self.u.reachable {
            let k = self.u.const_index(fromlist) as u16;
            let n = self.u.name_index(name) as u16;
            self.u.opx(Op::ImportName, level.min(255) as u8, dst, k, n);
        }
    }

    fn import_from(&mut self, s: &'a ast::StmtImportFrom) -> R<()> {
        let names: Vec<Const> = s.names.iter().map(|a| Const::Str(a.name.id.as_str().into())).collect();
        let module = s.module.as_ref().map_or("", |m| m.id.as_str());
        let module = self.mangle_import(module);
        let t = self.u.temp();
        self.import_name(t, module, Const::Tuple(names.into()), s.level);
        for a in &s.names {
            if &*a.name.id == "*" {
                self.u.opx(Op::CallIntrinsic1, Intrinsic1::ImportStar as u8, t, t, 0);
                return Ok(());
            }
            let v = self.u.temp();
            let name = self.interner.id(&a.name.id);
            let n = self.u.name_index(name) as u16;
            self.u.op3(Op::ImportFrom, v, t, n);
            let target = self.mangle(&a.asname.as_ref().unwrap_or(&a.name).id);
            self.store_name(target, v);
            self.u.next_temp = v as u32;
        }
        Ok(())
    }
}
