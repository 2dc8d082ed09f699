//! Second pass: decide the scope of every name.

use rustc_hash::{FxHashMap, FxHashSet};

use super::{BlockId, BlockKind, Comp, Scope, SymTable, Symbol, def};
use crate::error::{R, err};
use crate::intern::{Interner, NameId};

type Names = FxHashSet<NameId>;

pub(super) fn analyze(table: &mut SymTable, interner: &Interner) -> R<()> {
    let mut pass = Analyzer { table, interner };
    let mut free = Names::default();
    let mut type_params = Names::default();
    pass.block(SymTable::TOP, None, &mut free, Names::default(), &mut type_params, None)
}

struct Analyzer<'a> {
    table: &'a mut SymTable,
    interner: &'a Interner,
}

/// The name sets of the block being analysed.
struct Sets<'s> {
    bound: Option<Names>,
    local: Names,
    free: &'s mut Names,
    global: Names,
    type_params: &'s mut Names,
    class: Option<BlockId>,
}

impl Analyzer<'_> {
    /// `bound`: names bound in enclosing function-like blocks (None at module level); `global`: names declared global there. Free names of the
    /// block are added to `free`.
    fn block(
        &mut self,
        id: BlockId,
        bound: Option<Names>,
        free: &mut Names,
        global: Names,
        type_params: &mut Names,
        class: Option<BlockId>,
    ) -> R<()> {
        let kind = self.table.blocks[id as usize].kind;
        let mut new_bound = Names::default();
        let mut new_global = Names::default();
        if kind == BlockKind::Class {
            new_global.extend(&global);
            new_bound.extend(bound.iter().flatten());
        }
        let order = std::mem::take(&mut self.table.blocks[id as usize].order);
        let mut sets = Sets { bound, local: Names::default(), free, global, type_params, class };
        for &name in &order {
            let scope = self.name(id, name, &mut sets)?;
            self.table.blocks[id as usize].symbols.get_mut(&name).expect("listed").scope = scope;
        }
        self.table.blocks[id as usize].order = order;
        let Sets { bound, local, free, global, type_params, .. } = sets;
        if kind == BlockKind::Class {
            new_bound.extend([NameId::CLASS, NameId::CLASSDICT, NameId::CONDITIONAL]);
        } else {
            if kind.is_function_like() {
                new_bound.extend(&local);
            }
            new_bound.extend(bound.iter().flatten());
            new_global.extend(&global);
        }
        let mut new_free = Names::default();
        for i in 0..self.table.blocks[id as usize].children.len() {
            let child = self.table.blocks[id as usize].children[i];
            let c = &self.table.blocks[child as usize];
            let child_class = match (c.can_see_class_scope, kind) {
                (true, BlockKind::Class) => Some(id),
                (true, _) => class,
                _ => None,
            };
            let inline = !matches!(c.comp, Comp::No | Comp::Generator)
                && !self.table.blocks[id as usize].can_see_class_scope;
            let mut child_free = Names::default();
            let mut child_params = type_params.clone();
            let bound = Some(new_bound.clone());
            self.block(child, bound, &mut child_free, new_global.clone(), &mut child_params, child_class)?;
            if inline {
                self.inline_comprehension(id, child, &mut child_free);
            }
            new_free.extend(&child_free);
        }
        if kind.is_function_like() {
            self.cells(id, &mut new_free);
        } else if kind == BlockKind::Class {
            let b = &mut self.table.blocks[id as usize];
            b.needs_class_closure = new_free.remove(&NameId::CLASS);
            b.needs_classdict = new_free.remove(&NameId::CLASSDICT);
            if new_free.remove(&NameId::CONDITIONAL) {
                b.has_conditional_annotations = true;
            }
        }
        self.add_free(id, bound.as_ref(), &new_free);
        free.extend(&new_free);
        Ok(())
    }

    fn name(&self, id: BlockId, name: NameId, sets: &mut Sets<'_>) -> R<Scope> {
        let block = &self.table.blocks[id as usize];
        let flags = block.symbols[&name].flags;
        let directive = || block.directives.iter().find(|(n, _)| *n == name).map_or(block.range, |&(_, r)| r);
        let text = self.interner.get(name);
        if flags & def::GLOBAL != 0 {
            if flags & def::NONLOCAL != 0 {
                return err(directive(), format!("name '{text}' is nonlocal and global"));
            }
            sets.global.insert(name);
            if let Some(bound) = &mut sets.bound {
                bound.remove(&name);
            }
            return Ok(Scope::GlobalExplicit);
        }
        if flags & def::NONLOCAL != 0 {
            let Some(bound) = &sets.bound else {
                return err(directive(), "nonlocal declaration not allowed at module level");
            };
            if !bound.contains(&name) {
                return err(directive(), format!("no binding for nonlocal '{text}' found"));
            }
            if sets.type_params.contains(&name) {
                return err(directive(), format!("nonlocal binding not allowed for type parameter '{text}'"));
            }
            sets.free.insert(name);
            return Ok(Scope::Free);
        }
        if flags & def::BOUND != 0 {
            sets.local.insert(name);
            sets.global.remove(&name);
            if flags & def::TYPE_PARAM != 0 {
                sets.type_params.insert(name);
            } else {
                sets.type_params.remove(&name);
            }
            return Ok(Scope::Local);
        }
        // Annotation scopes see the class namespace: what the class binds is looked up there at run time.
        if let Some(class) = sets.class {
            let in_class = self.table.blocks[class as usize].symbols.get(&name).map_or(0, |s| s.flags);
            if in_class & def::GLOBAL != 0 {
                return Ok(Scope::GlobalExplicit);
            }
            if in_class & def::BOUND != 0 && in_class & def::NONLOCAL == 0 {
                return Ok(Scope::GlobalImplicit);
            }
        }
        if sets.bound.as_ref().is_some_and(|b| b.contains(&name)) {
            sets.free.insert(name);
            return Ok(Scope::Free);
        }
        Ok(Scope::GlobalImplicit)
    }

    /// Merge an inlined comprehension into the block around it: names that it binds keep living in its own table, the others become names of the
    /// outer block, and what the outer block binds needs no cell on its behalf.
    fn inline_comprehension(&mut self, outer: BlockId, comp: BlockId, child_free: &mut Names) {
        self.table.blocks[comp as usize].comp_inlined = true;
        let outer_is_class = self.table.blocks[outer as usize].kind == BlockKind::Class;
        let names = self.table.blocks[comp as usize].order.clone();
        for name in names {
            let mut symbol = self.table.blocks[comp as usize].symbols[&name];
            if matches!(symbol.scope, Scope::Local | Scope::Cell) {
                continue;
            }
            let captured = self.table.blocks[comp as usize].children.iter().any(|&c| {
                self.table.scope(c, name) == Scope::Free && !self.table.blocks[c as usize].comp_inlined
            });
            let implicit = symbol.scope == Scope::Free
                && outer_is_class
                && matches!(name, NameId::CLASS | NameId::CLASSDICT | NameId::CONDITIONAL);
            if implicit && !captured {
                symbol.scope = Scope::GlobalImplicit;
                self.table.blocks[comp as usize].symbols.get_mut(&name).expect("listed").scope =
                    Scope::GlobalImplicit;
                child_free.remove(&name);
            }
            let block = &mut self.table.blocks[outer as usize];
            match block.symbols.get(&name) {
                // The class's own cell.
                None if implicit => {}
                None => {
                    let kept = Symbol { flags: symbol.flags & def::USE, scope: symbol.scope };
                    block.symbols.insert(name, kept);
                    block.order.push(name);
                }
                Some(s) if s.flags & def::BOUND != 0 && !outer_is_class && !captured => {
                    child_free.remove(&name);
                }
                Some(_) => {}
            }
        }
    }

    /// Local names that nested blocks use freely become cells.
    fn cells(&mut self, id: BlockId, new_free: &mut Names) {
        for symbol in self.table.blocks[id as usize].symbols.iter_mut() {
            if symbol.1.scope == Scope::Local && new_free.remove(symbol.0) {
                symbol.1.scope = Scope::Cell;
            }
        }
    }

    /// Names that are free in nested blocks pass through this one.
    fn add_free(&mut self, id: BlockId, bound: Option<&Names>, new_free: &Names) {
        let block = &mut self.table.blocks[id as usize];
        let sees_class = block.kind == BlockKind::Class || block.can_see_class_scope;
        let mut added: Vec<NameId> = Vec::new();
        let symbols: &mut FxHashMap<NameId, Symbol> = &mut block.symbols;
        for &name in new_free {
            match symbols.get_mut(&name) {
                Some(symbol) => {
                    if sees_class && symbol.scope != Scope::Free {
                        symbol.flags |= def::FREE_CLASS;
                    }
                }
                None if bound.is_none_or(|b| b.contains(&name)) => added.push(name),
                None => {}
            }
        }
        added.sort_unstable();
        for name in added {
            symbols.insert(name, Symbol { flags: 0, scope: Scope::Free });
            block.order.push(name);
        }
    }
}
