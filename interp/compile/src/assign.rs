//! Assignment and deletion.

use cape_bytecode::{Const, Op};
use ruff_python_ast::{self as ast, Expr};
use ruff_text_size::{Ranged, TextRange};

use crate::compiler::Compiler;
use crate::error::{R, err};
use crate::intern::NameId;
use crate::operators::binary_op;
use crate::unit::{FBlock, Reg, UnitKind};

impl<'a> Compiler<'a> {
    /// The register of a target that is a plain local: the value may be computed there.
    pub(crate) fn target_register(&mut self, target: &Expr) -> Option<Reg> {
        let Expr::Name(n) = target else { return None };
        let name = self.mangle(&n.id);
        self.store_register(name)
    }

    pub(crate) fn assign(&mut self, s: &'a ast::StmtAssign) -> R<()> {
        let drops = matches!(*s.value, Expr::NoneLiteral(_)) && s.targets.iter().any(|t| self.may_drop(t));
        self.assign_value(s)?;
        if drops {
            // `None` is put where something is to end: after this instruction it is looked for what has been dropped.
            let t = self.u.temp();
            self.u.op1(Op::Clear, t);
        }
        Ok(())
    }

    /// Whether storing into a name or an attribute may replace an object: not where a variable or an instance begins.
    fn may_drop(&mut self, target: &Expr) -> bool {
        match target {
            Expr::Name(_) => self.target_register(target).is_none_or(|r| {
                let in_loop = self.u.fblocks.iter().any(|b| matches!(b.kind, FBlock::Loop { .. }));
                in_loop || self.u.bound.contains(r)
            }),
            Expr::Attribute(_) => self.u.name != NameId::INIT,
            _ => false,
        }
    }

    fn assign_value(&mut self, s: &'a ast::StmtAssign) -> R<()> {
        if let [target] = &s.targets[..] {
            if let Some(r) = self.target_register(target) {
                self.expr_to(&s.value, r)?;
                self.u.bound.insert(r);
                return Ok(());
            }
            if let (Some(targets), Expr::Tuple(values)) = (target_elements(target), &*s.value)
                && targets.len() == values.elts.len()
                && targets.len() <= 16
                && !targets.iter().chain(&values.elts).any(|e| matches!(e, Expr::Starred(_)))
            {
                return self.parallel_assign(targets, &values.elts);
            }
        }
        let mut r = self.expr(&s.value)?;
        if s.targets.len() > 1 && !self.u.is_temp(r) && s.targets.iter().any(|t| target_elements(t).is_some())
        {
            // Unpacking may rebind the variable before the next target is stored.
            let t = self.u.temp();
            self.u.movr(t, r);
            r = t;
        }
        for t in &s.targets {
            self.store(t, r)?;
        }
        Ok(())
    }

    /// `a, b = x, y` without the tuple.
    fn parallel_assign(&mut self, targets: &'a [Expr], values: &'a [Expr]) -> R<()> {
        let stored: Vec<Option<Reg>> = targets.iter().map(|t| self.target_register(t)).collect();
        let simple = stored.iter().all(|r| r.is_some());
        let mut regs = Vec::with_capacity(values.len());
        for (i, v) in values.iter().enumerate() {
            // The last value can be computed in its place when nothing later reads that register.
            if i + 1 == values.len()
                && simple
                && let Some(target) = stored[i]
                && !regs.contains(&target)
                && !stored[..i].contains(&Some(target))
                && !matches!(v, Expr::Name(_))
            {
                self.expr_to(v, target)?;
                regs.push(target);
                break;
            }
            let r = self.expr(v)?;
            let clobbered = !self.u.is_temp(r) && stored[..i].contains(&Some(r));
            // Stores into attributes and items run arbitrary code, but cannot rebind locals.
            if clobbered {
                let t = self.u.temp();
                self.u.movr(t, r);
                regs.push(t);
            } else {
                regs.push(r);
            }
        }
        for (t, r) in targets.iter().zip(regs) {
            self.store(t, r)?;
        }
        Ok(())
    }

    /// Store the value in `src` into a target.
    pub(crate) fn store(&mut self, target: &'a Expr, src: Reg) -> R<()> {
        let mark = self.u.next_temp;
        let range = std::mem::replace(&mut self.u.range, target.range());
        self.deeper(target.range(), |c| c.store_inner(target, src))?;
        self.u.range = range;
        self.u.next_temp = mark;
        Ok(())
    }

    fn store_inner(&mut self, target: &'a Expr, src: Reg) -> R<()> {
        match target {
            Expr::Name(n) => {
                let name = self.mangle(&n.id);
                self.store_name(name, src);
                Ok(())
            }
            Expr::Attribute(a) => {
                self.note_static_attribute(a);
                let obj = self.expr(&a.value)?;
                let n = self.attr_index(&a.attr.id)?;
                self.at(self.attribute_range(self.u.range, a), |c| c.u.op3(Op::StoreAttr, obj, src, n));
                Ok(())
            }
            Expr::Subscript(s) => {
                let obj = self.expr(&s.value)?;
                if let Expr::Slice(slice) = &*s.slice
                    && slice.step.is_none()
                    && self.constant_slice(slice).is_none()
                {
                    let first = self.slice_bounds(slice)?;
                    self.u.op3(Op::StoreSlice, obj, first, src);
                    return Ok(());
                }
                let key = self.expr(&s.slice)?;
                self.u.op3(Op::StoreSubscr, obj, key, src);
                Ok(())
            }
            Expr::Tuple(t) => self.unpack(&t.elts, src, t.range),
            Expr::List(t) => self.unpack(&t.elts, src, t.range),
            Expr::Starred(s) => err(s.range, "starred assignment target must be in a list or tuple"),
            _ => err(target.range(), "invalid syntax"),
        }
    }

    fn unpack(&mut self, targets: &'a [Expr], src: Reg, range: TextRange) -> R<()> {
        let n = targets.len();
        let star = targets.iter().position(|t| matches!(t, Expr::Starred(_)));
        let first = match star {
            None => {
                // Locals in consecutive registers can receive the items directly.
                let regs: Option<Vec<Reg>> = targets.iter().map(|t| self.target_register(t)).collect();
                if let Some(regs) = regs
                    && !regs.is_empty()
                    && regs.windows(2).all(|w| w[1] == w[0] + 1)
                    && !regs.contains(&src)
                {
                    self.u.op3(Op::UnpackSequence, src, regs[0], n as u16);
                    for r in regs {
                        self.u.bound.insert(r);
                    }
                    return Ok(());
                }
                let first = self.u.temps(n);
                self.u.op3(Op::UnpackSequence, src, first, n as u16);
                first
            }
            Some(at) => {
                if targets[at + 1..].iter().any(|t| matches!(t, Expr::Starred(_))) {
                    return err(range, "multiple starred expressions in assignment");
                }
                if at > u8::MAX as usize || n > i16::MAX as usize {
                    return err(range, "too many expressions in star-unpacking assignment");
                }
                let first = self.u.temps(n);
                self.u.opx(Op::UnpackEx, at as u8, src, first, (n - at - 1) as u16);
                first
            }
        };
        for (i, t) in targets.iter().enumerate() {
            let t = match t {
                Expr::Starred(s) => &s.value,
                t => t,
            };
            self.store(t, first + i as Reg)?;
        }
        Ok(())
    }

    /// `self.x = ...` in a method counts as an attribute of the class (`__static_attributes__`).
    fn note_static_attribute(&mut self, a: &ast::ExprAttribute) {
        let Expr::Name(n) = &*a.value else { return };
        if n.id != "self" {
            return;
        }
        // The innermost class around, as seen from a function in it.
        let attr = self.mangle(&a.attr.id);
        if self.u.kind == UnitKind::Class {
            return;
        }
        if let Some(class) = self.outer.iter_mut().rev().find(|u| u.kind == UnitKind::Class)
            && !class.static_attributes.contains(&attr)
        {
            class.static_attributes.push(attr);
        }
    }

    pub(crate) fn aug_assign(&mut self, s: &'a ast::StmtAugAssign) -> R<()> {
        let op = binary_op(s.op).to_inplace() as u8;
        match &*s.target {
            Expr::Name(n) => {
                let name = self.mangle(&n.id);
                let dst = self.store_register(name);
                let old = match self.operand_register(name) {
                    Some(r) => {
                        self.at(n.range, |c| c.check_bound(r));
                        r
                    }
                    None => {
                        let t = self.u.temp();
                        self.at(n.range, |c| c.load_name(name, t, false));
                        t
                    }
                };
                let new = match dst {
                    Some(r) => r,
                    None => self.u.temp(),
                };
                self.binary_right(old, op, &s.value, new)?;
                if dst.is_none() {
                    self.at(n.range, |c| c.store_name(name, new));
                } else {
                    self.u.bound.insert(new);
                }
                Ok(())
            }
            Expr::Attribute(a) => {
                let obj = self.expr(&a.value)?;
                let n = self.attr_index(&a.attr.id)?;
                let t = self.u.temp();
                let place = self.attribute_range(a.range, a);
                self.at(place, |c| c.u.op3(Op::LoadAttr, t, obj, n));
                self.binary_right(t, op, &s.value, t)?;
                self.note_static_attribute(a);
                self.at(place, |c| c.u.op3(Op::StoreAttr, obj, t, n));
                Ok(())
            }
            Expr::Subscript(sub) => {
                let obj = self.expr(&sub.value)?;
                if let Expr::Slice(slice) = &*sub.slice
                    && slice.step.is_none()
                    && self.constant_slice(slice).is_none()
                {
                    let first = self.slice_bounds(slice)?;
                    let t = self.u.temp();
                    self.at(sub.range, |c| c.u.op3(Op::LoadSlice, t, obj, first));
                    self.binary_right(t, op, &s.value, t)?;
                    self.at(sub.range, |c| c.u.op3(Op::StoreSlice, obj, first, t));
                    return Ok(());
                }
                let key = self.expr(&sub.slice)?;
                let t = self.u.temp();
                self.at(sub.range, |c| c.u.op3(Op::LoadSubscr, t, obj, key));
                self.binary_right(t, op, &s.value, t)?;
                self.at(sub.range, |c| c.u.op3(Op::StoreSubscr, obj, key, t));
                Ok(())
            }
            t => err(t.range(), "illegal expression for augmented assignment"),
        }
    }

    pub(crate) fn delete(&mut self, target: &'a Expr) -> R<()> {
        let mark = self.u.next_temp;
        let range = std::mem::replace(&mut self.u.range, target.range());
        match target {
            Expr::Name(n) => {
                let name = self.mangle(&n.id);
                self.delete_name(name);
            }
            Expr::Attribute(a) => {
                let obj = self.expr(&a.value)?;
                let n = self.attr_index(&a.attr.id)?;
                self.at(self.attribute_range(a.range, a), |c| c.u.op3(Op::DelAttr, obj, 0, n));
            }
            Expr::Subscript(s) => {
                let obj = self.expr(&s.value)?;
                let key = self.expr(&s.slice)?;
                self.u.op2(Op::DelSubscr, obj, key);
            }
            Expr::Tuple(t) => t.elts.iter().try_for_each(|e| self.delete(e))?,
            Expr::List(t) => t.elts.iter().try_for_each(|e| self.delete(e))?,
            _ => return err(target.range(), "invalid syntax"),
        }
        self.u.range = range;
        self.u.next_temp = mark;
        Ok(())
    }

    pub(crate) fn ann_assign(&mut self, s: &'a ast::StmtAnnAssign) -> R<()> {
        if let Some(v) = &s.value {
            match self.target_register(&s.target) {
                Some(r) => {
                    self.expr_to(v, r)?;
                    self.u.bound.insert(r);
                }
                None => {
                    let r = self.expr(v)?;
                    self.store(&s.target, r)?;
                }
            }
        }
        match &*s.target {
            Expr::Name(n) => {
                let in_function = !matches!(self.u.kind, UnitKind::Module | UnitKind::Class);
                if s.simple && !in_function {
                    let name = self.mangle(&n.id);
                    self.variable_annotation(s, name)?;
                }
            }
            Expr::Attribute(a) if s.value.is_none() => self.expr_discard(&a.value)?,
            Expr::Subscript(sub) if s.value.is_none() => {
                self.expr_discard(&sub.value)?;
                if !matches!(&*sub.slice, Expr::Slice(_)) {
                    self.expr_discard(&sub.slice)?;
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Record the annotation of a simple name in a module or class.
    fn variable_annotation(&mut self, s: &'a ast::StmtAnnAssign, name: NameId) -> R<()> {
        self.u.range = s.range;
        if self.future_annotations() {
            let text = crate::unparse::expression(self, &s.annotation);
            let v = self.const_temp(Const::Str(text));
            let d = self.u.temp();
            self.load_name(NameId::ANNOTATIONS, d, false);
            let key = Const::Str(self.interner.get(name).into());
            let k = self.const_temp(key);
            self.u.op3(Op::StoreSubscr, d, k, v);
            return Ok(());
        }
        let conditional = self.u.kind == UnitKind::Module || self.u.in_conditional;
        let mut index = None;
        if conditional {
            index = Some(self.u.next_conditional);
            self.u.next_conditional += 1;
            let set = self.u.temp();
            self.load_name(NameId::CONDITIONAL, set, false);
            let k = self.const_temp(Const::Int(index.expect("set above")));
            self.u.op2(Op::SetAdd, set, k);
        }
        self.u.deferred.push(crate::unit::DeferredAnnotation { node: s, conditional: index });
        Ok(())
    }
}

fn target_elements(target: &Expr) -> Option<&[Expr]> {
    match target {
        Expr::Tuple(t) => Some(&t.elts),
        Expr::List(t) => Some(&t.elts),
        _ => None,
    }
}
