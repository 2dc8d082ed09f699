//! Comprehensions and generator expressions.

use cape_bytecode::{AwaitKind, Op, flags};
use ruff_python_ast::{self as ast, Expr};
use ruff_text_size::{Ranged, TextRange};
use rustc_hash::FxHashMap;

use crate::compiler::{Compiler, no_range};
use crate::error::R;
use crate::intern::NameId;
use crate::symtable::{BlockId, Comp, Part, Scope, def};
use crate::unit::{Bound, Overlay, Reg, UnitKind, Unwind};

/// The parts of a comprehension.
struct Parts<'a> {
    block: BlockId,
    comp: Comp,
    generators: &'a [ast::Comprehension],
    elt: &'a Expr,
    /// Value of a dict comprehension (`elt` is the key).
    value: Option<&'a Expr>,
}

impl<'a> Compiler<'a> {
    fn parts(&self, e: &'a Expr) -> Parts<'a> {
        let (key, comp, generators, elt, value) = match e {
            Expr::ListComp(c) => (std::ptr::from_ref(c) as usize, Comp::List, &c.generators, &c.elt, None),
            Expr::SetComp(c) => (std::ptr::from_ref(c) as usize, Comp::Set, &c.generators, &c.elt, None),
            Expr::DictComp(c) => {
                let k = c.key.as_ref().expect("checked by the symbol table");
                (std::ptr::from_ref(c) as usize, Comp::Dict, &c.generators, k, Some(&*c.value))
            }
            Expr::Generator(c) => {
                (std::ptr::from_ref(c) as usize, Comp::Generator, &c.generators, &c.elt, None)
            }
            _ => unreachable!("not a comprehension"),
        };
        Parts { block: self.table.by_node[&(key, Part::Body)], comp, generators, elt, value }
    }

    /// A generator expression that is the only argument of a call, and shares its parentheses.
    pub(crate) fn generator_argument(&mut self, e: &'a Expr, range: TextRange, dst: Reg) -> R<()> {
        let mark = self.u.next_temp;
        let before = std::mem::replace(&mut self.u.range, range);
        self.comprehension_at(e, range, dst)?;
        self.u.range = before;
        self.u.next_temp = mark;
        Ok(())
    }

    pub(crate) fn comprehension(&mut self, e: &'a Expr, dst: Reg) -> R<()> {
        self.comprehension_at(e, e.range(), dst)
    }

    fn comprehension_at(&mut self, e: &'a Expr, range: TextRange, dst: Reg) -> R<()> {
        let parts = self.parts(e);
        let b = &self.table.blocks[parts.block as usize];
        let inlined = b.comp_inlined;
        if inlined {
            return self.inlined_comprehension(&parts, e, dst);
        }
        let outermost = &parts.generators[0];
        let f = self.u.temps(2);
        let name = self.table.blocks[parts.block as usize].name;
        self.enter_unit(parts.block, UnitKind::Comprehension, name, range);
        self.u.argcount = 1;
        if parts.comp == Comp::Generator {
            self.generators(&parts, 0, 0, None)?;
            // The end is where the outermost iterable is found to be exhausted.
            self.u.range = if outermost.is_async { range } else { outermost.iter.range() };
            self.return_none();
        } else {
            let acc = self.u.temp();
            self.u.op3(build_op(parts.comp), acc, 0, 0);
            self.generators(&parts, 0, 0, Some(acc))?;
            self.u.range = range;
            self.emit_return(acc);
        }
        let code = self.exit_unit()?;
        let awaited = code.flags & flags::COROUTINE != 0;
        self.u.range = range;
        self.make_function(code, f);
        self.u.op1(Op::Clear, f + 1);
        self.u.next_temp = f as u32 + 2;
        let arg = self.u.temp();
        self.outermost_iterator(outermost, arg)?;
        self.u.range = range;
        self.u.op3(Op::Call, dst, f, 1);
        if awaited {
            self.u.next_temp = f as u32 + 1;
            self.u.movr(f, dst);
            self.await_value(f, dst, AwaitKind::Plain);
        }
        Ok(())
    }

    /// Evaluate the outermost iterable, in the scope around the comprehension, and get its iterator.
    fn outermost_iterator(&mut self, g: &'a ast::Comprehension, dst: Reg) -> R<()> {
        let r = self.iterable(&g.iter, dst)?;
        self.u.range = g.iter.range();
        self.u.op2(if g.is_async { Op::GetAIter } else { Op::GetIter }, dst, r);
        Ok(())
    }

    /// A comprehension whose variables are registers of the unit around it. They are EMPTY before and after, also where an exception is
    /// caught.
    fn inlined_comprehension(&mut self, parts: &Parts<'a>, e: &'a Expr, dst: Reg) -> R<()> {
        let acc = self.scratch(dst);
        let iter = self.u.temp();
        self.outermost_iterator(&parts.generators[0], iter)?;
        self.u.range = e.range();
        let regs = self.comprehension_registers(parts.block);
        let block = &self.table.blocks[parts.block as usize];
        let mut cleared = Vec::new();
        for &n in &block.order {
            let Some(&r) = regs.get(&n) else { continue };
            cleared.push((n, r, block.symbols[&n].scope == Scope::Cell));
        }
        let label = self.u.label();
        let start = self.u.ins.len();
        // The iterator is dead where the exception arrives.
        let outer = self.u.push_handler(label, iter);
        let protected = self.u.handler;
        for (n, r, cell) in &cleared {
            self.u.bound.remove(*r);
            if *cell {
                self.u.op1(Op::MakeCell, *r);
                if !self.u.comprehension_cells.contains(&(*n, *r)) {
                    self.u.comprehension_cells.push((*n, *r));
                }
            }
        }
        self.u.op3(build_op(parts.comp), acc, 0, 0);
        self.u.overlays.push(Overlay { block: parts.block, regs });
        self.generators(parts, 0, iter, Some(acc))?;
        self.u.overlays.pop();
        self.u.handler = outer;
        self.u.range = e.range();
        let variables: Vec<Reg> = cleared.iter().map(|&(_, r, _)| r).collect();
        for &r in &variables {
            self.u.op1(Op::Clear, r);
            self.u.bound.remove(r);
        }
        if self.u.ins[start..].iter().any(|i| i.handler == protected) {
            self.u.unwinds.push(Unwind { label, exc: iter, outer, start, variables });
        }
        self.u.movr(dst, acc);
        Ok(())
    }

    /// The code that ends comprehensions when an exception leaves them; after the rest of the unit's.
    pub(crate) fn unwind_comprehensions(&mut self) {
        // Those inside of others come first, and go on in the others'.
        for i in 0..self.u.unwinds.len() {
            let Unwind { label, exc, outer, start, .. } = self.u.unwinds[i];
            self.u.bind_handler(label, start, Bound::default());
            self.u.handler = outer;
            self.u.range = no_range();
            for j in 0..self.u.unwinds[i].variables.len() {
                let r = self.u.unwinds[i].variables[j];
                self.u.op1(Op::Clear, r);
            }
            self.u.opx(Op::Reraise, 1, exc, 0, 0);
            self.u.dead();
        }
    }

    /// Registers for the names that an inlined comprehension binds: their own, or shared by name; EMPTY
    /// outside of the comprehension.
    fn comprehension_registers(&mut self, block: BlockId) -> FxHashMap<NameId, Reg> {
        let names: Vec<NameId> = self.table.blocks[block as usize]
            .order
            .iter()
            .copied()
            .filter(|n| {
                let s = self.table.blocks[block as usize].symbols[n];
                matches!(s.scope, Scope::Local | Scope::Cell) && s.flags & def::PARAM == 0
            })
            .collect();
        let mut regs = FxHashMap::default();
        let depth = self.u.overlays.len();
        for n in names {
            let r = match self.u.shadow_regs.get(&(depth, n)) {
                Some(&r) => r,
                None => self.u.regs[&n],
            };
            regs.insert(n, r);
        }
        regs
    }

    /// Generator number `i` of the comprehension and what is inside of it.
    fn generators(&mut self, parts: &Parts<'a>, i: usize, iter: Reg, acc: Option<Reg>) -> R<()> {
        let g = &parts.generators[i];
        let mark = self.u.next_temp;
        if g.is_async {
            return self.async_generators(parts, i, iter, acc);
        }
        let top = self.u.label();
        let exit = self.u.label();
        self.u.bind_loop(top);
        self.next_item(iter, &g.iter, &g.target, exit)?;
        for cond in &g.ifs {
            self.jump_if(cond, false, top)?;
        }
        self.element(parts, i, acc)?;
        self.u.jump(top);
        self.u.bind(exit);
        self.u.next_temp = mark;
        Ok(())
    }

    fn async_generators(&mut self, parts: &Parts<'a>, i: usize, iter: Reg, acc: Option<Reg>) -> R<()> {
        let g = &parts.generators[i];
        let mark = self.u.next_temp;
        let exc = self.u.temp();
        let top = self.u.label();
        let exhausted = self.u.label();
        self.u.bind_loop(top);
        let bound = self.u.bound.clone();
        let start = self.u.ins.len();
        self.async_next(iter, &g.target, exhausted, exc)?;
        for cond in &g.ifs {
            self.jump_if(cond, false, top)?;
        }
        self.element(parts, i, acc)?;
        self.u.jump(top);
        self.u.bind_handler(exhausted, start, bound);
        self.u.op1(Op::EndAsyncFor, exc);
        self.u.next_temp = mark;
        Ok(())
    }

    /// The next inner generator, or the element itself.
    fn element(&mut self, parts: &Parts<'a>, i: usize, acc: Option<Reg>) -> R<()> {
        let mark = self.u.next_temp;
        if let Some(g) = parts.generators.get(i + 1) {
            if let Some(item) = only_item(g) {
                // `for y in [x]` means `y = x`.
                let next = self.u.label();
                let t = self.u.temp();
                self.expr_to(item, t)?;
                self.at(g.target.range(), |c| c.store(&g.target, t))?;
                self.u.next_temp = mark;
                for cond in &g.ifs {
                    self.jump_if(cond, false, next)?;
                }
                self.element(parts, i + 1, acc)?;
                self.u.bind(next);
                return Ok(());
            }
            let iter = self.u.temp();
            self.outermost_iterator(g, iter)?;
            self.generators(parts, i + 1, iter, acc)?;
            self.u.next_temp = mark;
            return Ok(());
        }
        self.u.range = parts.elt.range();
        let Some(acc) = acc else {
            let t = self.u.temp();
            let r = self.expr_near(parts.elt, t)?;
            let is_async = self.u.flags & flags::ASYNC_GENERATOR != 0;
            self.u.opx(Op::Yield, is_async as u8, t, r, 0);
            self.u.next_temp = mark;
            return Ok(());
        };
        let r = self.expr(parts.elt)?;
        match parts.comp {
            Comp::Set => self.u.op2(Op::SetAdd, acc, r),
            Comp::Dict => {
                let value = parts.value.expect("a dict comprehension");
                let v = self.expr(value)?;
                self.u.range = TextRange::new(parts.elt.range().start(), value.range().end());
                self.u.op3(Op::MapAdd, acc, r, v);
            }
            _ => self.u.op2(Op::ListAppend, acc, r),
        }
        self.u.next_temp = mark;
        Ok(())
    }
}

/// The only item that a generator gives, if that is plain to see.
fn only_item(g: &ast::Comprehension) -> Option<&Expr> {
    let items = match &g.iter {
        Expr::List(l) => &l.elts,
        Expr::Tuple(t) => &t.elts,
        _ => return None,
    };
    match &items[..] {
        [item] if !g.is_async && !matches!(item, Expr::Starred(_)) => Some(item),
        _ => None,
    }
}

fn build_op(comp: Comp) -> Op {
    match comp {
        Comp::Set => Op::BuildSet,
        Comp::Dict => Op::BuildMap,
        _ => Op::BuildList,
    }
}
