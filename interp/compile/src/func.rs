//! Functions and lambdas.

use cape_bytecode::{CodeUnit, Const, FuncAttr, Op, Word, flags};
use ruff_python_ast::{self as ast, Expr, Stmt};
use ruff_text_size::{Ranged, TextRange};
use std::sync::Arc;

use crate::compiler::Compiler;
use crate::error::R;
use crate::intern::NameId;
use crate::literal::clean_docstring;
use crate::symtable::{Part, Scope};
use crate::unit::{Reg, UnitKind};

impl<'a> Compiler<'a> {
    /// Make a function of `code` in `dst`, with its closure.
    pub(crate) fn make_function(&mut self, code: CodeUnit, dst: Reg) {
        if !self.u.reachable {
            return;
        }
        let frees: Vec<NameId> = code.freevars.iter().map(|n| self.interner.id(n)).collect();
        let k = self.u.consts.len() as u32;
        self.u.consts.push(Const::Code(Arc::new(code)));
        self.u.emit(Word::abc32(Op::MakeFunction, 0, dst, k));
        if frees.is_empty() {
            return;
        }
        let mark = self.u.next_temp;
        let first = self.u.next_temp as Reg;
        for name in &frees {
            let cell = self.cell_of(*name);
            let t = self.u.temp();
            self.u.op2(Op::Move, t, cell);
        }
        self.u.op3(Op::BuildTuple, first, first, frees.len() as u16);
        self.set_attr(dst, first, FuncAttr::Closure);
        self.u.next_temp = mark;
    }

    pub(crate) fn set_attr(&mut self, func: Reg, value: Reg, attr: FuncAttr) {
        self.u.opx(Op::SetFuncAttr, attr as u8, func, value, 0);
    }

    /// The register that holds the cell of a variable which a nested block uses.
    fn cell_of(&self, name: NameId) -> Reg {
        for overlay in self.u.overlays.iter().rev() {
            if self.table.scope(overlay.block, name) == Scope::Cell {
                return overlay.regs[&name];
            }
        }
        if let Some(&r) = self.u.free_regs.get(&name) {
            // A class variable of the same name is no cell.
            return r;
        }
        self.u.regs[&name]
    }

    pub(crate) fn function_def(&mut self, s: &'a ast::StmtFunctionDef) -> R<()> {
        let name = self.mangle(&s.name.id);
        let plain = self.interner.id(&s.name.id);
        let range = s.range;
        // The code begins at the first decorator.
        let first = s.decorator_list.first().map_or(range, |d| d.range);
        let first = TextRange::new(first.start(), range.end());
        let def_range = def_range(self.source.with_semicolon(range), &s.decorator_list, self.source);
        let windows = self.decorators(&s.decorator_list)?;
        let func = self.u.temp();
        self.u.range = def_range;
        let defaults = self.defaults(&s.parameters)?;
        match &s.type_params {
            None => self.function_object(s, plain, first, def_range, func, defaults)?,
            Some(tp) => {
                self.generic_function(s, tp, plain, first, def_range, func, defaults)?;
            }
        }
        self.apply_decorators(&windows, &s.decorator_list);
        self.u.range = def_range;
        let value = windows.first().copied().unwrap_or(func);
        self.store_name(name, value);
        Ok(())
    }

    /// The function object itself, without decorators, in `dst`. `defaults`: registers of the tuple and the dict.
    pub(crate) fn function_object(
        &mut self,
        s: &'a ast::StmtFunctionDef,
        name: NameId,
        first: TextRange,
        range: TextRange,
        dst: Reg,
        defaults: (Option<Reg>, Option<Reg>),
    ) -> R<()> {
        self.u.range = range;
        let annotate = self.function_annotations(s)?;
        let kind = if s.is_async { UnitKind::AsyncFunction } else { UnitKind::Function };
        let block = self.table.find(s, Part::Body);
        self.enter_unit(block, kind, name, first);
        self.u.range = range;
        self.set_parameters(&s.parameters);
        self.function_body(&s.body)?;
        let code = self.exit_unit()?;
        self.u.range = range;
        self.make_function(code, dst);
        if let Some(r) = annotate {
            self.set_attr(dst, r, FuncAttr::Annotate);
        }
        if let Some(r) = defaults.1 {
            self.set_attr(dst, r, FuncAttr::KwDefaults);
        }
        if let Some(r) = defaults.0 {
            self.set_attr(dst, r, FuncAttr::Defaults);
        }
        Ok(())
    }

    fn function_body(&mut self, body: &'a [Stmt]) -> R<()> {
        let doc = self.docstring(body);
        let rest = crate::literal::after_docstring(body, doc.is_some());
        if let Some(doc) = doc
            && self.opts.optimize < 2
        {
            self.u.flags |= flags::HAS_DOCSTRING;
            self.u.consts.push(Const::Str(clean_docstring(&doc)));
            self.u.const_map.insert(self.u.consts[0].clone(), 0);
        }
        self.body(rest)?;
        self.return_at_end();
        if self.u.consts.is_empty() {
            // There is always one, as in CPython, where it may be the documentation.
            self.u.const_index(Const::None);
        }
        Ok(())
    }

    /// Evaluate decorators: for each the call window (callee in the first register, argument in the third).
    pub(crate) fn decorators(&mut self, list: &'a [ast::Decorator]) -> R<Vec<Reg>> {
        let mut windows = Vec::with_capacity(list.len());
        for d in list {
            let f = self.u.temps(2);
            self.callee(&d.expression, f)?;
            windows.push(f);
        }
        Ok(windows)
    }

    /// Call the decorators, innermost first, on the object in the temporary above the last window.
    pub(crate) fn apply_decorators(&mut self, windows: &[Reg], list: &'a [ast::Decorator]) {
        for (&f, d) in windows.iter().zip(list).rev() {
            self.u.range = d.expression.range();
            // The result is the argument of the next one out: its window ends where this one begins.
            self.u.op3(Op::Call, f, f, 1);
        }
    }

    /// Evaluate default values: registers of the tuple of defaults and of the dict of keyword-only ones.
    fn defaults(&mut self, p: &'a ast::Parameters) -> R<(Option<Reg>, Option<Reg>)> {
        let values: Vec<&'a Expr> =
            p.posonlyargs.iter().chain(&p.args).filter_map(|d| d.default.as_deref()).collect();
        let mut tuple = None;
        if !values.is_empty() {
            let constants: Option<Vec<Const>> = values.iter().map(|v| self.constant(v)).collect();
            let first = self.u.next_temp as Reg;
            match constants {
                Some(k) => {
                    self.const_temp(Const::Tuple(k.into()));
                }
                None => {
                    for v in &values {
                        let t = self.u.temp();
                        self.expr_to(v, t)?;
                    }
                    self.u.op3(Op::BuildTuple, first, first, values.len() as u16);
                }
            }
            self.u.next_temp = first as u32 + 1;
            tuple = Some(first);
        }
        let mut dict = None;
        let named: Vec<(&'a ast::Parameter, &'a Expr)> =
            p.kwonlyargs.iter().filter_map(|d| Some((&d.parameter, d.default.as_deref()?))).collect();
        if !named.is_empty() {
            let first = self.u.next_temp as Reg;
            for (param, value) in &named {
                let name = self.mangle(&param.name.id);
                let text = Const::Str(self.interner.get(name).into());
                self.const_temp(text);
                let t = self.u.temp();
                self.expr_to(value, t)?;
            }
            self.u.op3(Op::BuildMap, first, first, named.len() as u16);
            self.u.next_temp = first as u32 + 1;
            dict = Some(first);
        }
        Ok((tuple, dict))
    }

    /// Set the parameter counts of the current unit.
    pub(crate) fn set_parameters(&mut self, p: &ast::Parameters) {
        self.u.posonlyargcount = p.posonlyargs.len() as u32;
        self.u.argcount = (p.posonlyargs.len() + p.args.len()) as u32;
        self.u.kwonlyargcount = p.kwonlyargs.len() as u32;
    }

    pub(crate) fn lambda(&mut self, l: &'a ast::ExprLambda, dst: Reg) -> R<()> {
        let range = l.range;
        let defaults = match &l.parameters {
            Some(p) => self.defaults(p)?,
            None => (None, None),
        };
        let block = self.table.find(l, Part::Body);
        self.enter_unit(block, UnitKind::Lambda, NameId::LAMBDA, range);
        if let Some(p) = &l.parameters {
            self.set_parameters(p);
        }
        self.u.range = l.body.range();
        if self.u.flags & flags::ASYNC_GENERATOR != 0 {
            self.expr_discard(&l.body)?;
            self.return_none();
        } else if let Some(k) = self.constant(&l.body) {
            self.return_constant(k);
        } else {
            let r = self.expr(&l.body)?;
            self.emit_return(r);
        }
        let code = self.exit_unit()?;
        self.u.range = range;
        self.make_function(code, dst);
        if let Some(r) = defaults.1 {
            self.set_attr(dst, r, FuncAttr::KwDefaults);
        }
        if let Some(r) = defaults.0 {
            self.set_attr(dst, r, FuncAttr::Defaults);
        }
        Ok(())
    }
}

/// The range of a definition without its decorators: from `def`/`class`/`async` on.
pub(crate) fn def_range(
    range: TextRange,
    decorators: &[ast::Decorator],
    source: &crate::source::Source<'_>,
) -> TextRange {
    let Some(last) = decorators.last().filter(|_| !source.is_synthetic()) else {
        return range;
    };
    let text = source.text.as_bytes();
    let mut at = last.range.end().to_usize();
    // Skip blank lines and comments after the last decorator.
    while at < range.end().to_usize() {
        match text[at] {
            b'#' => {
                while at < text.len() && text[at] != b'\n' {
                    at += 1;
                }
            }
            b' ' | b'\t' | b'\n' | b'\r' | 12 | b'\\' => at += 1,
            _ => break,
        }
    }
    TextRange::new((at as u32).into(), range.end())
}
