//! Annotations (PEP 649, PEP 749): `__annotate__` functions.

use cape_bytecode::{CmpOp, CodeUnit, CommonConst, Const, Op, Word};
use ruff_python_ast::{self as ast, Expr};
use ruff_text_size::{Ranged, TextRange};

use crate::compiler::Compiler;
use crate::error::R;
use crate::intern::NameId;
use crate::symtable::{BlockId, Part};
use crate::unit::{Reg, UnitKind};

/// Formats above `VALUE_WITH_FAKE_GLOBALS` are not for the compiled function.
const MAX_FORMAT: i64 = 2;

impl<'a> Compiler<'a> {
    pub(crate) fn future_annotations(&self) -> bool {
        self.opts.flags & cape_bytecode::flags::FUTURE_ANNOTATIONS != 0
    }

    /// Begin a unit that takes a format argument and refuses the formats it cannot give.
    pub(crate) fn enter_annotation_unit(
        &mut self,
        block: BlockId,
        kind: UnitKind,
        name: NameId,
        range: TextRange,
    ) {
        self.enter_unit(block, kind, name, range);
        self.u.argcount = 1;
        self.u.posonlyargcount = 1;
        let t = self.u.temp();
        let ok = self.u.label();
        let k = self.u.const_index(Const::Int(MAX_FORMAT)) as u16;
        self.u.opx(Op::CompareK, CmpOp::Gt as u8, t, 0, k);
        self.u.jump_op(Op::JumpIfFalse, t, ok);
        self.u.opx(Op::LoadCommon, CommonConst::NotImplementedError as u8, t, 0, 0);
        self.u.opx(Op::Raise, 1, t, 0, 0);
        self.u.dead();
        self.u.bind(ok);
        self.u.next_temp = t as u32;
    }

    /// The `__annotate__` function of a function, in a new temporary.
    pub(crate) fn function_annotations(&mut self, s: &'a ast::StmtFunctionDef) -> R<Option<Reg>> {
        let p = &s.parameters;
        let mut list: Vec<(&'a str, &'a Expr)> = Vec::new();
        let mut add = |p: &'a ast::Parameter| {
            if let Some(a) = &p.annotation {
                list.push((p.name.id.as_str(), a));
            }
        };
        p.posonlyargs.iter().chain(&p.args).for_each(|d| add(&d.parameter));
        p.vararg.iter().for_each(|v| add(v));
        p.kwonlyargs.iter().for_each(|d| add(&d.parameter));
        p.kwarg.iter().for_each(|v| add(v));
        if let Some(r) = &s.returns {
            list.push(("return", r));
        }
        if list.is_empty() {
            return Ok(None);
        }
        let range = self.u.range;
        let block = self.table.find(s, Part::Annotations);
        let function = self.interner.id(&s.name.id);
        let kind = if s.is_async { UnitKind::AsyncFunction } else { UnitKind::Function };
        let qualname = self.qualname_in_current(function, kind);
        self.enter_annotation_unit(block, UnitKind::Annotations, NameId::ANNOTATE, range);
        self.u.qualname = format!("{qualname}.__annotate__");
        let dst = self.u.temp();
        let first = self.u.next_temp as Reg;
        for (name, annotation) in &list {
            let name = self.mangle(name);
            let key = Const::Str(self.interner.get(name).into());
            self.const_temp(key);
            let t = self.u.temp();
            if self.future_annotations() {
                let text = crate::unparse::expression(self, annotation);
                self.u.load_const(t, Const::Str(text));
            } else if let Expr::Starred(star) = annotation {
                // `*args: *Ts`
                self.expr_to(&star.value, t)?;
                self.at(star.range, |c| c.u.op3(Op::UnpackSequence, t, t, 1));
            } else {
                self.expr_to(annotation, t)?;
            }
        }
        self.u.op3(Op::BuildMap, dst, first, list.len() as u16);
        self.emit_return(dst);
        let code = self.finish_annotations()?;
        self.u.range = range;
        let r = self.u.temp();
        self.make_function(code, r);
        Ok(Some(r))
    }

    /// The parameter of an `__annotate__` function is called `format`.
    fn finish_annotations(&mut self) -> R<CodeUnit> {
        self.u.varnames[0] = NameId::FORMAT_PLAIN;
        self.exit_unit()
    }

    /// The code of the `__annotate__` function of the current module or class, if it has annotated names.
    pub(crate) fn deferred_annotations(&mut self) -> R<Option<CodeUnit>> {
        let deferred = std::mem::take(&mut self.u.deferred);
        let Some(block) = self.table.blocks[self.u.block as usize].annotation_block else {
            return Ok(None);
        };
        if deferred.is_empty() {
            return Ok(None);
        }
        let range = self.u.range;
        self.enter_annotation_unit(block, UnitKind::Annotations, NameId::ANNOTATE, range);
        let dst = self.u.temp();
        self.u.op3(Op::BuildMap, dst, 0, 0);
        for d in &deferred {
            let skip = self.u.label();
            let mark = self.u.next_temp;
            self.u.range = d.node.range();
            if let Some(index) = d.conditional {
                let k = self.const_temp(Const::Int(index));
                let set = self.u.temp();
                self.load_name(NameId::CONDITIONAL, set, false);
                self.u.op3(Op::Contains, k, k, set);
                self.u.jump_op(Op::JumpIfFalse, k, skip);
                self.u.next_temp = mark;
            }
            let v = self.expr(&d.node.annotation)?;
            let Expr::Name(n) = &*d.node.target else {
                continue;
            };
            let name = self.mangle(&n.id);
            let key = Const::Str(self.interner.get(name).into());
            let k = self.const_temp(key);
            self.u.op3(Op::StoreSubscr, dst, k, v);
            self.u.next_temp = mark;
            self.u.bind(skip);
        }
        self.u.range = range;
        self.emit_return(dst);
        Ok(Some(self.finish_annotations()?))
    }

    /// A function that evaluates `e` (bound or default of a type parameter, value of a type alias), in a new temporary.
    pub(crate) fn evaluator(
        &mut self,
        e: &'a Expr,
        block: BlockId,
        kind: UnitKind,
        name: NameId,
        range: TextRange,
    ) -> R<Reg> {
        self.enter_annotation_unit(block, kind, name, range);
        let t = match e {
            Expr::Starred(star) => {
                let t = self.u.temp();
                self.expr_to(&star.value, t)?;
                self.at(star.range, |c| c.u.op3(Op::UnpackSequence, t, t, 1));
                t
            }
            e => self.expr(e)?,
        };
        self.emit_return(t);
        let code = self.exit_unit()?;
        let r = self.u.temp();
        let d = self.const_temp(Const::Tuple([Const::Int(1)].into()));
        self.make_function(code, r);
        self.set_attr(r, d, cape_bytecode::FuncAttr::Defaults);
        self.u.next_temp = r as u32 + 1;
        Ok(r)
    }

    /// Start of a module or class with annotations.
    pub(crate) fn module_annotations_prologue(&mut self) {
        let b = &self.table.blocks[self.u.block as usize];
        let (conditional, used) = (b.has_conditional_annotations, b.annotations_used);
        if used && self.future_annotations() {
            self.u.op0(Op::SetupAnnotations);
        } else if conditional {
            let mark = self.u.next_temp;
            let t = self.u.temp();
            self.u.op3(Op::BuildSet, t, 0, 0);
            self.store_name(NameId::CONDITIONAL, t);
            self.u.next_temp = mark;
        }
    }

    /// Store the module's `__annotate__` before its body (which begins at instruction `at`) runs.
    pub(crate) fn insert_module_annotate(&mut self, at: usize) -> R<()> {
        let reachable = std::mem::replace(&mut self.u.reachable, true);
        let handler = std::mem::replace(&mut self.u.handler, 0);
        let range = self.u.range;
        if let Some(first) = self.u.deferred.first() {
            self.u.range = first.node.range;
        }
        if let Some(code) = self.deferred_annotations()? {
            let tail = self.u.ins.split_off(at);
            let t = self.u.temp();
            self.make_function(code, t);
            let n = self.u.name_index(NameId::ANNOTATE);
            self.u.emit(Word::abc32(Op::StoreName, 0, t, n));
            let shift = (self.u.ins.len() - at) as u32;
            for l in &mut self.u.labels {
                if let Some(p) = &mut l.at
                    && *p as usize >= at
                {
                    *p += shift;
                }
            }
            self.u.ins.extend(tail);
            self.u.next_temp = t as u32;
        }
        self.u.range = range;
        self.u.handler = handler;
        self.u.reachable = reachable;
        Ok(())
    }
}
