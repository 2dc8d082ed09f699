//! The state of a compilation and the life of its units.

use std::sync::Arc;

use cape_bytecode::{CodeUnit, Const, Op, flags};
use ruff_text_size::{TextRange, TextSize};
use rustc_hash::{FxHashMap, FxHashSet};

use crate::assemble::NO_RANGE;
use crate::error::{Error, ErrorKind, R, Stage, Warning};
use crate::intern::{Interner, NameId};
use crate::source::Source;
use crate::symtable::{BlockId, BlockKind, Scope, SymTable, def};
use crate::unit::{Bound, Reg, Unit, UnitKind};
use crate::{CompileOptions, Mode};

/// Deepest nesting of statements and expressions.
const MAX_DEPTH: u32 = 100_000;

pub(crate) struct Compiler<'a> {
    pub source: &'a Source<'a>,
    pub filename: Arc<str>,
    pub interner: Interner,
    pub table: SymTable,
    pub mode: Mode,
    pub opts: CompileOptions,
    pub warnings: Vec<Warning>,
    /// Comments inside of f-strings and t-strings.
    pub inner_comments: Vec<TextRange>,
    /// Depth of format specs being compiled.
    pub spec_depth: u32,
    /// The unit being compiled.
    pub u: Unit<'a>,
    /// The units around it.
    pub outer: Vec<Unit<'a>>,
    pub depth: u32,
    /// Binary operations that are known not to be constant, by address.
    pub not_constant: FxHashSet<usize>,
}

/// A range that stands for "no position".
pub(crate) fn no_range() -> TextRange {
    TextRange::empty(TextSize::new(NO_RANGE))
}

impl<'a> Compiler<'a> {
    pub fn new(
        source: &'a Source<'a>,
        filename: &str,
        mode: Mode,
        opts: CompileOptions,
        interner: Interner,
        table: SymTable,
        warnings: Vec<Warning>,
    ) -> Self {
        let u = new_unit(&table, &interner, SymTable::TOP, UnitKind::Module, NameId::TOP);
        let mut c = Compiler {
            source,
            filename: filename.into(),
            interner,
            table,
            mode,
            opts,
            warnings,
            inner_comments: Vec::new(),
            spec_depth: 0,
            u,
            outer: Vec::new(),
            depth: 0,
            not_constant: FxHashSet::default(),
        };
        c.u.qualname = "<module>".into();
        c.u.flags |= c.inherited_flags();
        c.u.first_line = 1;
        for (range, msg) in std::mem::take(&mut c.table.warnings) {
            c.warn(range, msg);
        }
        c
    }

    /// Code flags that every unit of the compilation carries.
    fn inherited_flags(&self) -> u32 {
        self.opts.flags & CompileOptions::FUTURE_MASK
    }

    /// Begin a nested unit. `first` is where its code begins.
    pub fn enter_unit(&mut self, block: BlockId, kind: UnitKind, name: NameId, first: TextRange) {
        let mut u = new_unit(&self.table, &self.interner, block, kind, name);
        u.class = self.u.class;
        u.qualname = self.qualname_in_current(name, kind);
        u.first_line = self.source.line(first.start().to_u32());
        u.range = first;
        u.flags |= self.inherited_flags();
        if kind != UnitKind::Class {
            u.flags |= flags::OPTIMIZED | flags::NEWLOCALS;
        }
        let b = &self.table.blocks[block as usize];
        if b.nested && b.kind.is_function_like() {
            u.flags |= flags::NESTED;
        }
        let generator = b.generator;
        let coroutine = b.coroutine;
        if b.kind == BlockKind::Function {
            u.flags |= match (generator, coroutine) {
                (true, false) => flags::GENERATOR,
                (false, true) => flags::COROUTINE,
                (true, true) => flags::ASYNC_GENERATOR,
                (false, false) => 0,
            };
            if b.varargs {
                u.flags |= flags::VARARGS;
            }
            if b.varkeywords {
                u.flags |= flags::VARKEYWORDS;
            }
            if b.method {
                u.flags |= flags::METHOD;
            }
        }
        self.outer.push(std::mem::replace(&mut self.u, u));
        self.emit_prologue();
    }

    /// The first instructions of a unit: cells and generator creation.
    pub(crate) fn emit_prologue(&mut self) {
        let range = std::mem::replace(&mut self.u.range, no_range());
        for i in 0..self.u.cellvars.len() {
            let r = self.u.cellvars[i].1;
            self.u.op1(Op::MakeCell, r);
        }
        self.u.range = range;
        if self.u.flags & (flags::GENERATOR | flags::COROUTINE | flags::ASYNC_GENERATOR) != 0 {
            self.u.op0(Op::ReturnGenerator);
        }
    }

    /// Finish the current unit and go back to the one around it.
    pub fn exit_unit(&mut self) -> R<CodeUnit> {
        self.unwind_comprehensions();
        let outer = self.outer.pop().expect("a unit around");
        let u = std::mem::replace(&mut self.u, outer);
        self.assemble(u)
    }

    /// `co_qualname` of a unit opened in the current one.
    pub(crate) fn qualname_in_current(&mut self, name: NameId, kind: UnitKind) -> String {
        let text = self.interner.get(name).to_owned();
        let mut parent = &self.u;
        if parent.kind == UnitKind::TypeParams {
            match self.outer.last() {
                Some(p) if self.outer.len() > 1 => parent = p,
                _ => return text,
            }
        }
        if parent.kind == UnitKind::Module {
            return text;
        }
        if matches!(kind, UnitKind::Function | UnitKind::AsyncFunction | UnitKind::Class) {
            // A name declared global is known by itself.
            let mangled = if text.starts_with("__") { self.mangle(&text) } else { name };
            let block = if self.u.kind == UnitKind::TypeParams {
                self.outer.last().expect("checked").block
            } else {
                self.u.block
            };
            if self.table.scope(block, mangled) == Scope::GlobalExplicit {
                return text;
            }
        }
        let parent =
            if self.u.kind == UnitKind::TypeParams { self.outer.last().expect("checked") } else { &self.u };
        match parent.kind {
            UnitKind::Function | UnitKind::AsyncFunction | UnitKind::Lambda => {
                format!("{}.<locals>.{text}", parent.qualname)
            }
            _ => format!("{}.{text}", parent.qualname),
        }
    }

    /// Run `f` with the source position `range`, restoring the present one.
    pub fn at<T>(&mut self, range: TextRange, f: impl FnOnce(&mut Self) -> T) -> T {
        let before = std::mem::replace(&mut self.u.range, range);
        let result = f(self);
        self.u.range = before;
        result
    }

    /// Guard against sources nested too deeply, and give the native stack room.
    pub fn deeper<T>(&mut self, range: TextRange, f: impl FnOnce(&mut Self) -> R<T>) -> R<T> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            let msg = "maximum recursion depth exceeded during compilation";
            return Err(Box::new(Error::new(ErrorKind::Recursion, msg, range)));
        }
        let result = if self.depth % 16 == 0 {
            stacker::maybe_grow(128 * 1024, 4 * 1024 * 1024, || f(self))
        } else {
            f(self)
        };
        self.depth -= 1;
        result
    }

    pub fn warn(&mut self, range: TextRange, msg: impl Into<String>) {
        let warning = crate::syntax::warning(self.source, range, msg.into(), None, Stage::Compiler);
        // Bodies of `finally` are compiled more than once.
        if !self.warnings.iter().rev().take(64).any(|w| *w == warning) {
            self.warnings.push(warning);
        }
    }

    /// As [`Compiler::return_none`], on the line of what was done last: that before it, or, where several ways meet, none of its own.
    pub fn return_at_end(&mut self) {
        self.u.range = self.end_range().unwrap_or(no_range());
        self.return_none();
    }

    /// Where the end of a body stands: where the instruction before it does, or, where several ways meet, nowhere. `None`: there is none.
    pub fn end_range(&self) -> Option<TextRange> {
        let meets = self.u.last_label_at == self.u.ins.len() as u32;
        self.u.ins.last().map(|i| if meets { no_range() } else { i.range })
    }

    /// `return None` at the end of a unit, if its end can be reached.
    pub fn return_none(&mut self) {
        self.return_constant(Const::None);
    }

    /// Return the constant `k`.
    pub fn return_constant(&mut self, k: Const) {
        let mark = self.u.next_temp;
        let t = self.const_temp(k);
        self.emit_return(t);
        self.u.next_temp = mark;
    }
}

/// A unit to stand in for one that is taken out.
pub(crate) fn empty_unit<'a>(c: &Compiler<'_>) -> Unit<'a> {
    new_unit(&c.table, &c.interner, SymTable::TOP, UnitKind::Module, NameId::TOP)
}

/// A unit with its named registers laid out.
fn new_unit<'a>(
    table: &SymTable,
    interner: &Interner,
    block: BlockId,
    kind: UnitKind,
    name: NameId,
) -> Unit<'a> {
    let b = &table.blocks[block as usize];
    let mut varnames: Vec<NameId> = Vec::new();
    let mut regs: FxHashMap<NameId, Reg> = FxHashMap::default();
    let mut cells: Vec<NameId> = Vec::new();
    let mut frees: Vec<NameId> = Vec::new();
    let mut deleted = Bound::default();
    let mut bound = Bound::default();
    let clip = |n: usize| n.min(u16::MAX as usize) as Reg;
    for &p in &b.params {
        regs.insert(p, clip(varnames.len()));
        bound.insert(clip(varnames.len()));
        varnames.push(p);
    }
    let function_like = b.kind.is_function_like();
    let mut param_cells = Vec::new();
    for &n in &b.order {
        let s = b.symbols[&n];
        match s.scope {
            Scope::Local if function_like && s.flags & def::PARAM == 0 => {
                regs.insert(n, clip(varnames.len()));
                varnames.push(n);
            }
            Scope::Cell if s.flags & def::PARAM != 0 => {
                bound.remove(regs[&n]);
                param_cells.push((n, regs[&n]));
            }
            Scope::Cell => cells.push(n),
            Scope::Free => frees.push(n),
            _ => {}
        }
        if s.flags & def::FREE_CLASS != 0 && s.scope != Scope::Free {
            frees.push(n);
        }
        if s.flags & def::DELETED != 0
            && let Some(&r) = regs.get(&n)
        {
            deleted.insert(r);
        }
    }
    let mut comp = CompRegs { slots: Vec::new(), shadows: Vec::new() };
    comp.collect(table, block, block, &mut Vec::new());
    for &n in &comp.slots {
        regs.entry(n).or_insert_with(|| {
            varnames.push(n);
            clip(varnames.len() - 1)
        });
    }
    if b.kind == BlockKind::Class {
        if b.needs_class_closure {
            cells.push(NameId::CLASS);
        }
        if b.needs_classdict {
            cells.push(NameId::CLASSDICT);
        }
        if b.has_conditional_annotations {
            cells.push(NameId::CONDITIONAL);
        }
    }
    cells.sort_unstable_by_key(|&n| interner.get(n));
    frees.sort_unstable_by_key(|&n| interner.get(n));
    param_cells.sort_unstable_by_key(|&(_, r)| r);
    let mut cellvars = param_cells;
    let mut next = varnames.len();
    for n in cells {
        regs.insert(n, clip(next));
        cellvars.push((n, clip(next)));
        next += 1;
    }
    let first_free = clip(next);
    let mut free_regs = FxHashMap::default();
    for &n in &frees {
        free_regs.insert(n, clip(next));
        next += 1;
    }
    let mut shadow_regs = FxHashMap::default();
    let mut temp_names = Vec::new();
    // Those of inner comprehensions come last.
    comp.shadows.sort_by_key(|&(depth, _)| depth);
    for &(depth, n) in &comp.shadows {
        shadow_regs.insert((depth, n), clip(next));
        temp_names.push((clip(next), n));
        next += 1;
    }
    Unit {
        kind,
        block,
        name,
        qualname: String::new(),
        flags: 0,
        first_line: 1,
        argcount: 0,
        posonlyargcount: 0,
        kwonlyargcount: 0,
        class: None,
        ins: Vec::new(),
        labels: Vec::new(),
        last_label_at: 0,
        handlers: Vec::new(),
        handler: 0,
        reachable: true,
        bound,
        deleted,
        fblocks: Vec::new(),
        range: TextRange::default(),
        varnames,
        cellvars,
        freevars: frees,
        regs,
        free_regs,
        first_free,
        first_temp: clip(next),
        next_temp: next as u32,
        max_temp: next as u32,
        temp_names,
        shadow_regs,
        overlays: Vec::new(),
        comprehension_cells: Vec::new(),
        unwinds: Vec::new(),
        consts: Vec::new(),
        const_map: FxHashMap::default(),
        names: Vec::new(),
        name_map: FxHashMap::default(),
        deferred: Vec::new(),
        next_conditional: 0,
        in_conditional: false,
        static_attributes: Vec::new(),
    }
}

/// The variables of the comprehensions inlined into a unit.
struct CompRegs {
    /// Names that mean nothing else in the unit: they share one local register each.
    slots: Vec<NameId>,
    /// Names that are also variables of the function or of a comprehension around, with the nesting depth of the comprehension: registers of
    /// their own.
    shadows: Vec<(usize, NameId)>,
}

impl CompRegs {
    fn collect(&mut self, table: &SymTable, outer: BlockId, block: BlockId, around: &mut Vec<BlockId>) {
        let variable = |s: Scope| matches!(s, Scope::Local | Scope::Cell);
        let registers = table.blocks[outer as usize].kind.is_function_like();
        for &child in &table.blocks[block as usize].children {
            let c = &table.blocks[child as usize];
            if !c.comp_inlined {
                continue;
            }
            for &n in &c.order {
                let s = c.symbols[&n];
                if !variable(s.scope) || s.flags & def::PARAM != 0 {
                    continue;
                }
                if registers && variable(table.scope(outer, n))
                    || around.iter().any(|&b| variable(table.scope(b, n)))
                {
                    if !self.shadows.contains(&(around.len(), n)) {
                        self.shadows.push((around.len(), n));
                    }
                } else if !self.slots.contains(&n) {
                    self.slots.push(n);
                }
            }
            around.push(child);
            self.collect(table, outer, child, around);
            around.pop();
        }
    }
}
