//! Classes.

use cape_bytecode::{CodeUnit, Const, Intrinsic1, Op, Word};
use ruff_python_ast as ast;
use ruff_text_size::TextRange;

use crate::compiler::Compiler;
use crate::error::R;
use crate::func::def_range;
use crate::intern::NameId;
use crate::literal::{after_docstring, clean_docstring};
use crate::symtable::{Part, Scope};
use crate::unit::{Reg, UnitKind};

impl<'a> Compiler<'a> {
    pub(crate) fn class_def(&mut self, s: &'a ast::StmtClassDef) -> R<()> {
        let name = self.mangle(&s.name.id);
        let first = s.decorator_list.first().map_or(s.range, |d| d.range);
        let first = TextRange::new(first.start(), s.range.end());
        let range = def_range(self.source.with_semicolon(s.range), &s.decorator_list, self.source);
        let windows = self.decorators(&s.decorator_list)?;
        let dst = self.u.temp();
        self.u.range = range;
        match &s.type_params {
            None => {
                let code = self.class_body(s, first, range)?;
                self.u.range = range;
                self.build_class(s, code, None, dst)?;
            }
            Some(tp) => self.generic_class(s, tp, first, range, dst)?,
        }
        self.apply_decorators(&windows, &s.decorator_list);
        self.u.range = range;
        let value = windows.first().copied().unwrap_or(dst);
        self.store_name(name, value);
        Ok(())
    }

    /// Call `__build_class__` with the body, the name, the bases and the keywords.
    pub(crate) fn build_class(
        &mut self,
        s: &'a ast::StmtClassDef,
        code: CodeUnit,
        generic_base: Option<Reg>,
        dst: Reg,
    ) -> R<()> {
        let f = if self.u.is_top(dst) {
            self.u.temp();
            dst
        } else {
            self.u.temps(2)
        };
        self.u.opx(Op::LoadBuildClass, 1, f, 0, 0);
        let body = self.u.temp();
        self.make_function(code, body);
        self.const_temp(Const::Str(s.name.id.as_str().into()));
        let (args, keywords) = match &s.arguments {
            Some(a) => (&a.args[..], &a.keywords[..]),
            None => (&[][..], &[][..]),
        };
        self.arguments(f, 2, args, generic_base, keywords, dst)
    }

    /// Compile the body of a class.
    pub(crate) fn class_body(
        &mut self,
        s: &'a ast::StmtClassDef,
        first: TextRange,
        range: TextRange,
    ) -> R<CodeUnit> {
        let block = self.table.find(s, Part::Body);
        let name = self.interner.id(&s.name.id);
        self.enter_unit(block, UnitKind::Class, name, first);
        self.u.class = Some(name);
        self.u.range = TextRange::empty(self.source.line_start(first.start().to_u32()).into());
        let t = self.u.temp();
        self.load_class_name(NameId::NAME, t);
        self.store_class_name(NameId::MODULE, t);
        let qualname = Const::Str(self.u.qualname.as_str().into());
        self.u.load_const(t, qualname);
        self.store_class_name(NameId::QUALNAME, t);
        let line = Const::Int(self.u.first_line as i64);
        self.u.load_const(t, line);
        self.store_class_name(NameId::FIRSTLINENO, t);
        if s.type_params.is_some() {
            self.load_name(NameId::DOT_TYPE_PARAMS, t, false);
            self.store_class_name(NameId::TYPE_PARAMS, t);
        }
        let b = &self.table.blocks[block as usize];
        let (needs_class, needs_dict, conditional, annotations) =
            (b.needs_class_closure, b.needs_classdict, b.has_conditional_annotations, b.annotations_used);
        if needs_dict {
            self.u.op1(Op::LoadLocals, t);
            let cell = self.u.regs[&NameId::CLASSDICT];
            self.u.op2(Op::StoreDeref, cell, t);
        }
        if conditional {
            self.u.op3(Op::BuildSet, t, 0, 0);
            let cell = self.u.regs[&NameId::CONDITIONAL];
            self.u.op2(Op::StoreDeref, cell, t);
        }
        self.u.next_temp = t as u32;
        if annotations && self.future_annotations() {
            self.u.op0(Op::SetupAnnotations);
        }
        let doc = self.docstring(&s.body);
        let rest = after_docstring(&s.body, doc.is_some());
        if let Some(doc) = doc
            && self.opts.optimize < 2
        {
            use ruff_text_size::Ranged;
            self.u.range = s.body[0].range();
            self.u.load_const(t, Const::Str(clean_docstring(&doc)));
            self.u.max_temp = self.u.max_temp.max(t as u32 + 1);
            self.store_class_name(NameId::DOC, t);
        }
        self.body(rest)?;
        // What ends the body is on its last line.
        self.u.range = self.end_range().unwrap_or(Self::at_start(range));
        let t = self.u.temp();
        if let Some(code) = self.deferred_annotations()? {
            self.make_function(code, t);
            self.store_class_name(NameId::ANNOTATE_FUNC, t);
        }
        let mut attributes = std::mem::take(&mut self.u.static_attributes);
        attributes.sort_unstable_by_key(|&a| self.interner.get(a));
        let attributes = attributes.iter().map(|&a| Const::Str(self.interner.get(a).into())).collect();
        self.u.load_const(t, Const::Tuple(attributes));
        self.store_class_name(NameId::STATIC_ATTRIBUTES, t);
        if needs_dict {
            let cell = self.u.regs[&NameId::CLASSDICT];
            self.u.op2(Op::Move, t, cell);
            self.store_class_name(NameId::CLASSDICTCELL, t);
        }
        if needs_class {
            let cell = self.u.regs[&NameId::CLASS];
            self.u.op2(Op::Move, t, cell);
            self.store_class_name(NameId::CLASSCELL, t);
            self.emit_return(t);
        } else {
            self.return_at_end();
        }
        self.exit_unit()
    }

    fn load_class_name(&mut self, name: NameId, dst: Reg) {
        let n = self.u.name_index(name);
        self.u.emit(Word::abc32(Op::LoadName, 0, dst, n));
    }

    /// Store what a module or class has by itself. The body may have declared the name `nonlocal` or `global`.
    pub(crate) fn store_class_name(&mut self, name: NameId, src: Reg) {
        if matches!(self.table.scope(self.u.block, name), Scope::Free | Scope::GlobalExplicit) {
            self.store_name(name, src);
            return;
        }
        let n = self.u.name_index(name);
        self.u.emit(Word::abc32(Op::StoreName, 0, src, n));
    }

    /// A class with type parameters: made in a scope of its own.
    fn generic_class(
        &mut self,
        s: &'a ast::StmtClassDef,
        tp: &'a ast::TypeParams,
        first: TextRange,
        range: TextRange,
        dst: Reg,
    ) -> R<()> {
        let block = self.table.find(s, Part::TypeParams);
        let name = self.interner.id(&s.name.id);
        let scope_name = self.interner.id(&format!("<generic parameters of {}>", s.name.id));
        self.enter_unit(block, UnitKind::TypeParams, scope_name, first);
        self.u.class = Some(name);
        self.u.range = range;
        let t = self.u.temp();
        self.type_params(tp, t)?;
        self.store_name(NameId::DOT_TYPE_PARAMS, t);
        let code = self.class_body(s, first, range)?;
        self.u.range = range;
        self.load_name(NameId::DOT_TYPE_PARAMS, t, false);
        self.u.opx(Op::CallIntrinsic1, Intrinsic1::SubscriptGeneric as u8, t, t, 0);
        self.store_name(NameId::DOT_GENERIC_BASE, t);
        let base = self.u.regs[&NameId::DOT_GENERIC_BASE];
        self.u.next_temp = t as u32;
        let result = self.u.temp();
        self.build_class(s, code, Some(base), result)?;
        self.emit_return(result);
        let code = self.exit_unit()?;
        self.u.range = range;
        self.call_scope(code, &[], dst);
        Ok(())
    }

    /// Make a function of the code of a type parameter scope and call it with the values in some registers.
    pub(crate) fn call_scope(&mut self, code: CodeUnit, args: &[Reg], dst: Reg) {
        let mark = self.u.next_temp;
        let f = self.u.temps(2);
        self.make_function(code, f);
        self.u.op1(Op::Clear, f + 1);
        for &a in args {
            let t = self.u.temp();
            self.u.op2(Op::Move, t, a);
        }
        self.u.op3(Op::Call, dst, f, args.len() as u16);
        self.u.next_temp = mark;
    }
}
