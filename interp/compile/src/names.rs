//! Loading, storing and deleting names.

use cape_bytecode::{Op, Word};

use crate::compiler::Compiler;
use crate::error::R;
use crate::intern::NameId;
use crate::symtable::{BlockKind, Scope, def};
use crate::unit::Reg;

/// Where a name lives, as seen from the current point.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Loc {
    /// A plain local.
    Reg(Reg),
    /// The cell in a register.
    Cell(Reg),
    /// The class namespace, then the cell in a register.
    DictOrCell(Reg),
    /// The class namespace (through `__classdict__`), then globals.
    ClassDictOrGlobal,
    /// The frame's locals mapping.
    Name,
    Global,
}

impl Compiler<'_> {
    /// The interned, mangled form of an identifier in the current unit.
    pub(crate) fn mangle(&mut self, name: &str) -> NameId {
        let id = self.interner.id(name);
        let Some(class) = self.u.class else { return id };
        if !name.starts_with("__") {
            return id;
        }
        if let Some(only) = self.table.only_mangled(self.u.block)
            && !only.contains(&id)
        {
            return id;
        }
        self.interner.mangled(Some(class), name)
    }

    pub(crate) fn resolve(&self, name: NameId) -> Loc {
        let mut through = false;
        for overlay in self.u.overlays.iter().rev() {
            match self.table.scope(overlay.block, name) {
                Scope::Local => return Loc::Reg(overlay.regs[&name]),
                Scope::Cell => return Loc::Cell(overlay.regs[&name]),
                Scope::GlobalExplicit => return Loc::Global,
                Scope::GlobalImplicit => {
                    return match self.table.blocks[self.u.block as usize].kind {
                        BlockKind::Module => Loc::Name,
                        _ => Loc::Global,
                    };
                }
                Scope::Free | Scope::Unset => through = true,
            }
        }
        let block = &self.table.blocks[self.u.block as usize];
        let function_like = block.kind.is_function_like();
        if through && !function_like {
            // A comprehension inlined into a class does not see the class's names.
            return match self.u.free_regs.get(&name) {
                Some(&r) => Loc::Cell(r),
                None if block.kind == BlockKind::Module => Loc::Name,
                None => match self.u.regs.get(&name) {
                    // `__class__` and its kin.
                    Some(&r) if self.u.cellvars.contains(&(name, r)) => Loc::Cell(r),
                    _ => Loc::Global,
                },
            };
        }
        match self.table.scope(self.u.block, name) {
            Scope::Local if function_like => Loc::Reg(self.u.regs[&name]),
            Scope::Local => Loc::Name,
            Scope::Cell => Loc::Cell(self.u.regs[&name]),
            Scope::Free => {
                let r = self.u.free_regs[&name];
                let plain = matches!(name, NameId::CLASSDICT | NameId::CONDITIONAL);
                if (block.kind == BlockKind::Class || block.can_see_class_scope) && !plain {
                    Loc::DictOrCell(r)
                } else {
                    Loc::Cell(r)
                }
            }
            Scope::GlobalExplicit => Loc::Global,
            Scope::GlobalImplicit | Scope::Unset => {
                if block.can_see_class_scope && self.u.free_regs.contains_key(&NameId::CLASSDICT) {
                    Loc::ClassDictOrGlobal
                } else if function_like {
                    Loc::Global
                } else if name == NameId::CONDITIONAL && block.kind == BlockKind::Class {
                    Loc::Cell(self.u.regs[&name])
                } else {
                    Loc::Name
                }
            }
        }
    }

    /// Make sure that the local in `r` is bound, or raise UnboundLocalError.
    pub(crate) fn check_bound(&mut self, r: Reg) {
        if !self.u.bound.contains(r) {
            self.u.op1(Op::CheckBound, r);
            self.u.bound.insert(r);
        }
    }

    /// Load name `name` (mangled) into `dst`; `null`: also make `dst + 1` EMPTY.
    pub(crate) fn load_name(&mut self, name: NameId, dst: Reg, null: bool) {
        let x = null as u8;
        match self.resolve(name) {
            Loc::Reg(r) => {
                self.check_bound(r);
                if null || r != dst {
                    self.u.opx(Op::Move, x, dst, r, 0);
                }
            }
            Loc::Cell(r) => self.u.opx(Op::LoadDeref, x, dst, r, 0),
            Loc::DictOrCell(r) => {
                let mark = self.u.next_temp;
                let t = self.u.temp();
                self.load_class_namespace(t);
                self.u.op3(Op::LoadFromDictOrDeref, dst, t, r);
                self.u.next_temp = mark;
                if null {
                    self.u.op1(Op::Clear, dst + 1);
                }
            }
            Loc::ClassDictOrGlobal => {
                let mark = self.u.next_temp;
                let t = self.u.temp();
                self.load_class_namespace(t);
                let n = self.u.name_index(name) as u16;
                self.u.op3(Op::LoadFromDictOrGlobals, dst, t, n);
                self.u.next_temp = mark;
                if null {
                    self.u.op1(Op::Clear, dst + 1);
                }
            }
            Loc::Name => {
                let n = self.u.name_index(name);
                self.u.emit(Word::abc32(Op::LoadName, x, dst, n));
            }
            Loc::Global => {
                let n = self.u.name_index(name);
                self.u.emit(Word::abc32(Op::LoadGlobal, x, dst, n));
            }
        }
    }

    /// The class namespace seen from a class body or from an annotation scope in it.
    fn load_class_namespace(&mut self, dst: Reg) {
        match self.u.free_regs.get(&NameId::CLASSDICT) {
            Some(&r) if self.table.blocks[self.u.block as usize].kind != BlockKind::Class => {
                self.u.op2(Op::LoadDeref, dst, r);
            }
            _ => self.u.op1(Op::LoadLocals, dst),
        }
    }

    /// Store `src` under `name` (mangled).
    pub(crate) fn store_name(&mut self, name: NameId, src: Reg) {
        match self.resolve(name) {
            Loc::Reg(r) => {
                self.u.movr(r, src);
                self.u.bound.insert(r);
            }
            Loc::Cell(r) | Loc::DictOrCell(r) => self.u.op2(Op::StoreDeref, r, src),
            Loc::Name => {
                let n = self.u.name_index(name);
                self.u.emit(Word::abc32(Op::StoreName, 0, src, n));
            }
            Loc::Global | Loc::ClassDictOrGlobal => {
                let n = self.u.name_index(name);
                self.u.emit(Word::abc32(Op::StoreGlobal, 0, src, n));
            }
        }
    }

    pub(crate) fn delete_name(&mut self, name: NameId) {
        match self.resolve(name) {
            Loc::Reg(r) => {
                self.check_bound(r);
                self.u.op1(Op::Clear, r);
                self.u.bound.remove(r);
            }
            Loc::Cell(r) | Loc::DictOrCell(r) => self.u.op1(Op::DelDeref, r),
            Loc::Name => {
                let n = self.u.name_index(name);
                self.u.emit(Word::abc32(Op::DelName, 0, 0, n));
            }
            Loc::Global | Loc::ClassDictOrGlobal => {
                let n = self.u.name_index(name);
                self.u.emit(Word::abc32(Op::DelGlobal, 0, 0, n));
            }
        }
    }

    /// The register of a plain local that may be used directly as an operand: it cannot change before the whole expression is evaluated.
    pub(crate) fn operand_register(&self, name: NameId) -> Option<Reg> {
        match self.resolve(name) {
            Loc::Reg(r) => {
                let block = &self.table.blocks[self.u.block as usize];
                let walrus = self.u.regs.get(&name) == Some(&r)
                    && block.symbols.get(&name).is_some_and(|s| s.flags & def::WALRUS != 0);
                (!walrus).then_some(r)
            }
            _ => None,
        }
    }

    /// The register to compute the new value of variable `name` in, if it is a plain local.
    pub(crate) fn store_register(&self, name: NameId) -> Option<Reg> {
        match self.resolve(name) {
            Loc::Reg(r) => Some(r),
            _ => None,
        }
    }

    /// Identifier of an attribute: mangled like names.
    pub(crate) fn attr_index(&mut self, name: &str) -> R<u16> {
        let id = self.mangle(name);
        Ok(self.u.name_index(id) as u16)
    }
}
