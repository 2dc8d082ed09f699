//! Type parameters and type aliases (PEP 695, PEP 696).

use cape_bytecode::{Const, Intrinsic1, Intrinsic2, Op};
use ruff_python_ast::{self as ast, Expr};
use ruff_text_size::{Ranged, TextRange};

use crate::compiler::Compiler;
use crate::error::{R, err};
use crate::intern::NameId;
use crate::symtable::Part;
use crate::unit::{Reg, UnitKind};

impl<'a> Compiler<'a> {
    /// Make the type parameters, bind their names, and leave the tuple of them in `dst`.
    pub(crate) fn type_params(&mut self, params: &'a ast::TypeParams, dst: Reg) -> R<()> {
        let mark = self.u.next_temp;
        for p in params.iter() {
            self.u.range = p.range();
            let t = self.u.temp();
            let (name, key, default) = match p {
                ast::TypeParam::TypeVar(v) => (&v.name, std::ptr::from_ref(v) as usize, v.default.as_deref()),
                ast::TypeParam::TypeVarTuple(v) => {
                    (&v.name, std::ptr::from_ref(v) as usize, v.default.as_deref())
                }
                ast::TypeParam::ParamSpec(v) => {
                    (&v.name, std::ptr::from_ref(v) as usize, v.default.as_deref())
                }
            };
            self.u.load_const(t, Const::Str(name.id.as_str().into()));
            let id = self.interner.id(&name.id);
            match p {
                ast::TypeParam::TypeVar(v) => match &v.bound {
                    Some(bound) => {
                        let block = self.table.by_node[&(key, Part::Bound)];
                        let f = self.evaluator(bound, block, UnitKind::Annotations, id, bound.range())?;
                        let kind = if matches!(&**bound, Expr::Tuple(_)) {
                            Intrinsic2::TypeVarWithConstraints
                        } else {
                            Intrinsic2::TypeVarWithBound
                        };
                        self.u.opx(Op::CallIntrinsic2, kind as u8, t, t, f);
                    }
                    None => self.u.opx(Op::CallIntrinsic1, Intrinsic1::TypeVar as u8, t, t, 0),
                },
                ast::TypeParam::TypeVarTuple(_) => {
                    self.u.opx(Op::CallIntrinsic1, Intrinsic1::TypeVarTuple as u8, t, t, 0);
                }
                ast::TypeParam::ParamSpec(_) => {
                    self.u.opx(Op::CallIntrinsic1, Intrinsic1::ParamSpec as u8, t, t, 0);
                }
            }
            self.u.next_temp = t as u32 + 1;
            if let Some(default) = default {
                let block = self.table.by_node[&(key, Part::Default)];
                let f = self.evaluator(default, block, UnitKind::Annotations, id, default.range())?;
                self.u.opx(Op::CallIntrinsic2, Intrinsic2::SetTypeparamDefault as u8, t, t, f);
                self.u.next_temp = t as u32 + 1;
            }
            let name = self.mangle(&name.id);
            self.store_name(name, t);
        }
        self.u.range = params.range;
        self.u.op3(Op::BuildTuple, dst, mark as Reg, params.len() as u16);
        self.u.next_temp = mark;
        Ok(())
    }

    /// A function with type parameters: made in a scope of its own, which gets the evaluated defaults.
    #[allow(clippy::too_many_arguments)]
    pub(crate) fn generic_function(
        &mut self,
        s: &'a ast::StmtFunctionDef,
        tp: &'a ast::TypeParams,
        name: NameId,
        first: TextRange,
        range: TextRange,
        dst: Reg,
        defaults: (Option<Reg>, Option<Reg>),
    ) -> R<()> {
        let block = self.table.find(s, Part::TypeParams);
        let scope_name = self.interner.id(&format!("<generic parameters of {}>", s.name.id));
        self.enter_unit(block, UnitKind::TypeParams, scope_name, first);
        self.u.range = range;
        let inner = (
            defaults.0.map(|_| self.u.regs[&NameId::DOT_DEFAULTS]),
            defaults.1.map(|_| self.u.regs[&NameId::DOT_KWDEFAULTS]),
        );
        self.u.argcount = self.u.bound_params();
        let params = self.u.temp();
        self.type_params(tp, params)?;
        let func = self.u.temp();
        self.function_object(s, name, first, range, func, inner)?;
        self.u.opx(Op::CallIntrinsic2, Intrinsic2::SetFunctionTypeParams as u8, func, func, params);
        self.emit_return(func);
        let code = self.exit_unit()?;
        self.u.range = range;
        let args: Vec<Reg> = [defaults.0, defaults.1].into_iter().flatten().collect();
        self.call_scope(code, &args, dst);
        Ok(())
    }

    pub(crate) fn type_alias(&mut self, s: &'a ast::StmtTypeAlias) -> R<()> {
        let Expr::Name(n) = &*s.name else {
            return err(s.range, "invalid syntax");
        };
        let name = self.mangle(&n.id);
        let plain = self.interner.id(&n.id);
        let dst = self.u.temp();
        match &s.type_params {
            None => self.alias_object(s, None, plain, dst)?,
            Some(tp) => {
                let block = self.table.find(s, Part::TypeParams);
                let scope_name = self.interner.id(&format!("<generic parameters of {}>", n.id));
                self.enter_unit(block, UnitKind::TypeParams, scope_name, s.range);
                let result = self.u.temp();
                self.alias_object(s, Some(tp), plain, result)?;
                self.emit_return(result);
                let code = self.exit_unit()?;
                self.u.range = s.range;
                self.call_scope(code, &[], dst);
            }
        }
        self.at(n.range, |c| c.store_name(name, dst));
        Ok(())
    }

    fn alias_object(
        &mut self,
        s: &'a ast::StmtTypeAlias,
        tp: Option<&'a ast::TypeParams>,
        name: NameId,
        dst: Reg,
    ) -> R<()> {
        let text = Const::Str(self.interner.get(name).into());
        let first = self.const_temp(text);
        let params = self.u.temp();
        match tp {
            Some(tp) => self.type_params(tp, params)?,
            None => self.u.load_const(params, Const::None),
        }
        self.u.range = s.range;
        let block = self.table.find(s, Part::Body);
        let f = self.evaluator(&s.value, block, UnitKind::TypeAlias, name, s.range)?;
        debug_assert_eq!(f, first + 2);
        self.u.range = s.range;
        self.u.op3(Op::BuildTuple, first, first, 3);
        self.u.opx(Op::CallIntrinsic1, Intrinsic1::TypeAlias as u8, dst, first, 0);
        Ok(())
    }
}
