//! Calls.

use cape_bytecode::{Const, Op, Word};
use ruff_python_ast::{self as ast, Expr};
use ruff_text_size::{Ranged, TextRange};

use crate::compiler::Compiler;
use crate::display::MAX_RUN;
use crate::error::{R, err};
use crate::intern::NameId;
use crate::symtable::{Scope, SymTable};
use crate::unit::{Reg, UnitKind};

impl<'a> Compiler<'a> {
    pub(crate) fn call(&mut self, c: &'a ast::ExprCall, dst: Reg) -> R<()> {
        self.check_caller(&c.func);
        let f = self.call_window(dst);
        let simple = is_simple(&c.arguments.args, &c.arguments.keywords);
        let a = match &*c.func {
            Expr::Attribute(a) if simple => a,
            func => {
                self.callee(func, f)?;
                return self.arguments(f, 0, &c.arguments.args, None, &c.arguments.keywords, dst);
            }
        };
        let range = self.u.range;
        self.u.range = a.range;
        if let Some((base, x)) = self.super_call(a)? {
            let n = self.attr_index(&a.attr.id)?;
            self.u.opx(Op::LoadSuperMethod, x, f, base, n);
            self.at(self.attribute_range(a.range, a), |c| c.u.line_begins());
        } else {
            let obj = self.expr_near(&a.value, f)?;
            let n = self.attr_index(&a.attr.id)?;
            self.u.range = self.attribute_range(a.range, a);
            self.u.op3(Op::LoadMethod, f, obj, n);
        }
        self.u.next_temp = f as u32 + 2;
        // A method is called where its name stands.
        self.u.range = self.attribute_range(range, a);
        self.arguments(f, 0, &c.arguments.args, None, &c.arguments.keywords, dst)?;
        self.u.range = range;
        Ok(())
    }

    /// Two registers for callee and self at the top of the temporaries, `dst` being the first if it is the topmost one.
    fn call_window(&mut self, dst: Reg) -> Reg {
        if self.u.is_top(dst) {
            self.u.temp();
            dst
        } else {
            self.u.temps(2)
        }
    }

    /// Evaluate a callee into `f`, leaving `f + 1` EMPTY.
    pub(crate) fn callee(&mut self, e: &'a Expr, f: Reg) -> R<()> {
        let range = std::mem::replace(&mut self.u.range, e.range());
        match e {
            Expr::Name(n) if n.id != "__debug__" => {
                let name = self.mangle(&n.id);
                self.load_name(name, f, true);
            }
            Expr::Attribute(a) if !self.is_super_call(&a.value) => {
                let obj = self.expr_near(&a.value, f)?;
                let n = self.attr_index(&a.attr.id)?;
                self.at(self.attribute_range(a.range, a), |c| c.u.opx(Op::LoadAttr, 1, f, obj, n));
            }
            _ => {
                self.expr_to(e, f)?;
                self.u.op1(Op::Clear, f + 1);
            }
        }
        self.u.range = range;
        self.u.next_temp = f as u32 + 2;
        Ok(())
    }

    /// Evaluate the arguments after the pair at `f` (and `before` arguments that are there already), and call. `extra` is one more positional
    /// argument after `args`.
    pub(crate) fn arguments(
        &mut self,
        f: Reg,
        before: usize,
        args: &'a [Expr],
        extra: Option<Reg>,
        keywords: &'a [ast::Keyword],
        dst: Reg,
    ) -> R<()> {
        self.check_keywords(keywords)?;
        if let ([Expr::Generator(g)], true) = (args, keywords.is_empty())
            && !g.parenthesized
            && before == 0
        {
            // The parentheses of the call are those of the generator expression.
            let end = self.u.range.end();
            let text = self.source.text.as_bytes();
            let mut at = g.range.start().to_usize();
            while at > 0 && text[at] != b'(' {
                at -= 1;
            }
            let t = self.u.temp();
            self.generator_argument(&args[0], TextRange::new((at as u32).into(), end), t)?;
            self.u.op3(Op::Call, dst, f, 1);
            return Ok(());
        }
        if !is_simple(args, keywords) {
            return self.call_ex(f, before, args, extra, keywords, dst);
        }
        for a in args {
            let t = self.u.temp();
            self.expr_to(a, t)?;
        }
        if let Some(r) = extra {
            let t = self.u.temp();
            self.u.op2(Op::Move, t, r);
        }
        let mut names = Vec::with_capacity(keywords.len());
        for k in keywords {
            let t = self.u.temp();
            self.expr_to(&k.value, t)?;
            names.push(Const::Str(k.arg.as_ref().expect("simple").id.as_str().into()));
        }
        let n = (before + args.len() + extra.is_some() as usize + keywords.len()) as u16;
        if keywords.is_empty() {
            self.u.op3(Op::Call, dst, f, n);
        } else if self.u.reachable {
            let k = self.u.const_index(Const::Tuple(names.into()));
            self.u.emit_extra(Word::new(Op::CallKw, 0, dst, f, n), k as u64);
        }
        Ok(())
    }

    fn check_keywords(&mut self, keywords: &[ast::Keyword]) -> R<()> {
        for (i, k) in keywords.iter().enumerate() {
            let Some(name) = &k.arg else { continue };
            if keywords[..i.min(64)].iter().any(|o| o.arg.as_ref().is_some_and(|a| a.id == name.id)) {
                return err(k.range, format!("keyword argument repeated: {}", name.id));
            }
        }
        Ok(())
    }

    fn call_ex(
        &mut self,
        f: Reg,
        before: usize,
        args: &'a [Expr],
        extra: Option<Reg>,
        keywords: &'a [ast::Keyword],
        dst: Reg,
    ) -> R<()> {
        let tuple = f + 2;
        if before == 0
            && let [Expr::Starred(only)] = args
        {
            let t = self.u.temp();
            self.expr_to(&only.value, t)?;
        } else {
            self.u.next_temp = tuple as u32 + before.max(1) as u32;
            self.sequence_from(Op::BuildTuple, tuple, before, args, extra)?;
        }
        self.u.next_temp = tuple as u32 + 1;
        let dict = self.u.temp();
        if keywords.is_empty() {
            self.u.op1(Op::Clear, dict);
        } else {
            self.keyword_dict(dict, f, keywords)?;
        }
        self.u.op2(Op::CallEx, dst, f);
        Ok(())
    }

    /// `dict = {keywords}`, for a call of the function in `f`.
    fn keyword_dict(&mut self, dict: Reg, f: Reg, keywords: &'a [ast::Keyword]) -> R<()> {
        let mut i = 0;
        let mut made = false;
        while i < keywords.len() {
            let mark = self.u.next_temp;
            let run = keywords[i..].iter().take_while(|k| k.arg.is_some()).count();
            if run > 0 {
                let target = if made { self.u.temp() } else { dict };
                let first = self.u.next_temp;
                let long = run > MAX_RUN / 2;
                if long {
                    self.u.op3(Op::BuildMap, target, 0, 0);
                }
                for k in &keywords[i..i + run] {
                    let text = Const::Str(k.arg.as_ref().expect("named").id.as_str().into());
                    let name = self.const_temp(text);
                    let v = self.u.temp();
                    self.expr_to(&k.value, v)?;
                    if long {
                        self.u.op3(Op::MapAdd, target, name, v);
                        self.u.next_temp = first;
                    }
                }
                if !long {
                    self.u.op3(Op::BuildMap, target, first as Reg, run as u16);
                }
                if made {
                    self.u.op3(Op::DictMerge, dict, target, f);
                }
                i += run;
            } else {
                if !made {
                    self.u.op3(Op::BuildMap, dict, 0, 0);
                }
                let r = self.expr(&keywords[i].value)?;
                self.u.op3(Op::DictMerge, dict, r, f);
                i += 1;
            }
            made = true;
            self.u.next_temp = mark;
        }
        Ok(())
    }

    // ---- super ----

    fn is_super_call(&mut self, e: &Expr) -> bool {
        let Expr::Call(c) = e else { return false };
        let Expr::Name(n) = &*c.func else {
            return false;
        };
        if n.id != "super"
            || !matches!(c.arguments.args.len(), 0 | 2)
            || !c.arguments.keywords.is_empty()
            || c.arguments.args.iter().any(|a| matches!(a, Expr::Starred(_)))
        {
            return false;
        }
        let kind = self.table.blocks[self.u.block as usize].kind;
        let scope = match self.u.overlays.last() {
            Some(o) => self.table.scope(o.block, NameId::SUPER),
            None => self.table.scope(self.u.block, NameId::SUPER),
        };
        if !kind.is_function_like()
            || scope != Scope::GlobalImplicit
            || self.table.scope(SymTable::TOP, NameId::SUPER) != Scope::Unset
        {
            return false;
        }
        if c.arguments.args.is_empty() {
            return self.u.argcount > 0
                && !matches!(self.u.kind, UnitKind::Comprehension)
                && self.u.free_regs.contains_key(&NameId::CLASS);
        }
        true
    }

    /// For the attribute of a `super()` call: registers of super, class and self, and the form flag.
    pub(crate) fn super_call(&mut self, a: &'a ast::ExprAttribute) -> R<Option<(Reg, u8)>> {
        if &*a.attr.id == "__class__" || !self.is_super_call(&a.value) {
            return Ok(None);
        }
        let Expr::Call(c) = &*a.value else {
            return Ok(None);
        };
        let base = self.u.temps(3);
        self.at(c.func.range(), |s| s.load_name(NameId::SUPER, base, false));
        if c.arguments.args.is_empty() {
            let class = self.u.free_regs[&NameId::CLASS];
            self.at(c.range(), |s| s.u.op2(Op::LoadDeref, base + 1, class));
            let first = self.u.varnames[0];
            self.at(c.range(), |s| s.load_name(first, base + 2, false));
            return Ok(Some((base, 0)));
        }
        self.expr_to(&c.arguments.args[0], base + 1)?;
        self.expr_to(&c.arguments.args[1], base + 2)?;
        Ok(Some((base, 2)))
    }
}

/// Whether arguments are passed in registers: others go through a tuple and a dict.
pub(crate) fn is_simple(args: &[Expr], keywords: &[ast::Keyword]) -> bool {
    args.len() + keywords.len() <= MAX_RUN
        && !args.iter().any(|a| matches!(a, Expr::Starred(_)))
        && !keywords.iter().any(|k| k.arg.is_none())
}
