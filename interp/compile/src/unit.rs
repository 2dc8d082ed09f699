//! One code object under construction: registers, instructions, labels, handlers.

use cape_bytecode::{Const, Op, Word};
use ruff_text_size::TextRange;
use rustc_hash::FxHashMap;
use smallvec::SmallVec;

use crate::intern::NameId;
use crate::symtable::BlockId;

/// A register number.
pub(crate) type Reg = u16;

/// A jump target.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Label(pub u32);

/// Index of a handler plus one; 0: none.
pub(crate) type HandlerId = u32;

/// A set of local registers that are certainly bound.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Bound(SmallVec<[u64; 2]>);

impl Bound {
    pub fn contains(&self, r: Reg) -> bool {
        self.0.get(r as usize / 64).is_some_and(|w| w >> (r % 64) & 1 != 0)
    }

    pub fn insert(&mut self, r: Reg) {
        let i = r as usize / 64;
        if i >= self.0.len() {
            self.0.resize(i + 1, 0);
        }
        self.0[i] |= 1 << (r % 64);
    }

    pub fn remove(&mut self, r: Reg) {
        if let Some(w) = self.0.get_mut(r as usize / 64) {
            *w &= !(1 << (r % 64));
        }
    }

    pub fn intersect(&mut self, other: &Bound) {
        self.0.truncate(other.0.len());
        for (a, b) in self.0.iter_mut().zip(&other.0) {
            *a &= b;
        }
    }

    pub fn subtract(&mut self, other: &Bound) {
        for (a, b) in self.0.iter_mut().zip(&other.0) {
            *a &= !b;
        }
    }
}

/// An instruction before assembly. Jumps hold a label number in place of the target.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ins {
    pub word: Word,
    /// The extra operand word.
    pub extra: u64,
    /// Empty at offset `u32::MAX`: no position.
    pub range: TextRange,
    pub handler: HandlerId,
}

#[derive(Debug, Default)]
pub(crate) struct LabelState {
    /// Index of the instruction it stands before.
    pub at: Option<u32>,
    pub refs: u32,
    /// Registers bound on all jumps to it.
    pub bound: Option<Bound>,
}

/// An exception handler.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Handler {
    pub label: Label,
    pub reg: Reg,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum UnitKind {
    Module,
    Class,
    Function,
    AsyncFunction,
    Lambda,
    Comprehension,
    Annotations,
    TypeParams,
    TypeAlias,
}

/// What has to be undone when control leaves a block early.
#[derive(Clone, Debug)]
pub(crate) enum FBlock<'a> {
    /// Body of a loop: where `continue` and `break` go.
    Loop { top: Label, end: Label },
    /// Body of `try` (or a region that only has a handler).
    Try,
    /// Body of `try` with `finally`.
    FinallyTry { body: &'a [ruff_python_ast::Stmt] },
    /// Exceptional copy of a `finally` body; the saved exception state.
    FinallyEnd { save: Reg },
    /// Body of `with`: pair of the exit method at the register.
    With { pair: Reg, is_async: bool, range: TextRange },
    /// Body of an `except` clause: saved exception state, name to clear.
    Handler { save: Reg, name: Option<NameId> },
    /// `except*` clause: control cannot leave.
    StarHandler,
}

/// An entry of the stack of blocks.
#[derive(Clone, Debug)]
pub(crate) struct FEntry<'a> {
    pub kind: FBlock<'a>,
    /// The handler active outside of the block.
    pub outer_handler: HandlerId,
}

/// Names of an inlined comprehension.
pub(crate) struct Overlay {
    pub block: BlockId,
    /// Registers of the names that it binds.
    pub regs: FxHashMap<NameId, Reg>,
}

/// What becomes of the variables of an inlined comprehension that an exception ends: code at the end of the unit.
pub(crate) struct Unwind {
    pub label: Label,
    /// Receives the exception.
    pub exc: Reg,
    /// The handler around the comprehension.
    pub outer: HandlerId,
    /// The first instruction that is protected.
    pub start: usize,
    pub variables: Vec<Reg>,
}

/// A deferred variable annotation.
#[derive(Clone, Copy)]
pub(crate) struct DeferredAnnotation<'a> {
    pub node: &'a ruff_python_ast::StmtAnnAssign,
    pub conditional: Option<i64>,
}

pub(crate) struct Unit<'a> {
    pub kind: UnitKind,
    pub block: BlockId,
    pub name: NameId,
    pub qualname: String,
    pub flags: u32,
    pub first_line: u32,
    pub argcount: u32,
    pub posonlyargcount: u32,
    pub kwonlyargcount: u32,
    /// The class around, for mangling.
    pub class: Option<NameId>,

    pub ins: Vec<Ins>,
    pub labels: Vec<LabelState>,
    /// Where the last label was placed.
    pub last_label_at: u32,
    pub handlers: Vec<Handler>,
    /// The active handler.
    pub handler: HandlerId,
    /// Whether the next instruction can be reached.
    pub reachable: bool,
    pub bound: Bound,
    /// Local registers that are deleted somewhere.
    pub deleted: Bound,
    pub fblocks: Vec<FEntry<'a>>,
    pub range: TextRange,

    pub varnames: Vec<NameId>,
    pub cellvars: Vec<(NameId, Reg)>,
    pub freevars: Vec<NameId>,
    /// Registers of plain locals and of cells.
    pub regs: FxHashMap<NameId, Reg>,
    pub free_regs: FxHashMap<NameId, Reg>,
    pub first_free: Reg,
    pub first_temp: Reg,
    pub next_temp: u32,
    pub max_temp: u32,
    pub temp_names: Vec<(Reg, NameId)>,
    /// Registers of comprehension variables that shadow others, by nesting depth of the comprehension.
    pub shadow_regs: FxHashMap<(usize, NameId), Reg>,
    pub overlays: Vec<Overlay>,
    /// Variables of inlined comprehensions that are cells while the comprehension runs.
    pub comprehension_cells: Vec<(NameId, Reg)>,
    pub unwinds: Vec<Unwind>,

    pub consts: Vec<Const>,
    pub const_map: FxHashMap<Const, u32>,
    pub names: Vec<NameId>,
    pub name_map: FxHashMap<NameId, u32>,

    pub deferred: Vec<DeferredAnnotation<'a>>,
    pub next_conditional: i64,
    pub in_conditional: bool,
    /// Attributes assigned through `self` in methods of this class.
    pub static_attributes: Vec<NameId>,
}

impl Unit<'_> {
    // ---- registers ----

    /// A new temporary on top.
    pub fn temp(&mut self) -> Reg {
        let r = self.next_temp;
        self.next_temp += 1;
        self.max_temp = self.max_temp.max(self.next_temp);
        r.min(u16::MAX as u32) as Reg
    }

    /// `n` consecutive temporaries on top.
    pub fn temps(&mut self, n: usize) -> Reg {
        let r = self.next_temp;
        self.next_temp += n as u32;
        self.max_temp = self.max_temp.max(self.next_temp);
        r.min(u16::MAX as u32) as Reg
    }

    pub fn is_temp(&self, r: Reg) -> bool {
        r >= self.first_temp
    }

    /// Whether `r` is the topmost temporary in use.
    pub fn is_top(&self, r: Reg) -> bool {
        r >= self.first_temp && r as u32 + 1 == self.next_temp
    }

    // ---- instructions ----

    pub fn emit(&mut self, word: Word) {
        self.emit_extra(word, 0);
    }

    pub fn emit_extra(&mut self, word: Word, extra: u64) {
        if self.reachable {
            self.ins.push(Ins { word, extra, range: self.range, handler: self.handler });
        }
    }

    pub fn op0(&mut self, op: Op) {
        self.emit(Word::new(op, 0, 0, 0, 0));
    }

    /// A statement that has no instruction of its own, or whose first one is another's: a place where its line begins, for whoever traces
    /// lines. Goes when the instruction beside it is on the same line.
    pub fn line_begins(&mut self) {
        self.op0(Op::Nop);
    }

    pub fn op1(&mut self, op: Op, a: Reg) {
        self.emit(Word::new(op, 0, a, 0, 0));
    }

    pub fn op2(&mut self, op: Op, a: Reg, b: Reg) {
        self.emit(Word::new(op, 0, a, b, 0));
    }

    pub fn op3(&mut self, op: Op, a: Reg, b: Reg, c: u16) {
        self.emit(Word::new(op, 0, a, b, c));
    }

    pub fn opx(&mut self, op: Op, x: u8, a: Reg, b: Reg, c: u16) {
        self.emit(Word::new(op, x, a, b, c));
    }

    pub fn movr(&mut self, dst: Reg, src: Reg) {
        if dst != src {
            self.op2(Op::Move, dst, src);
        }
    }

    pub fn load_const(&mut self, dst: Reg, c: Const) {
        if !self.reachable {
            return;
        }
        if let Const::Int(i @ 0..=255) = c {
            return self.emit(Word::abc32(Op::LoadSmallInt, 0, dst, i as u32));
        }
        let k = self.const_index(c);
        self.emit(Word::abc32(Op::LoadConst, 0, dst, k));
    }

    pub fn const_index(&mut self, c: Const) -> u32 {
        if let Some(&k) = self.const_map.get(&c) {
            return k;
        }
        let k = self.consts.len() as u32;
        self.consts.push(c.clone());
        self.const_map.insert(c, k);
        k
    }

    pub fn name_index(&mut self, name: NameId) -> u32 {
        if !self.reachable {
            return 0;
        }
        let n = self.names.len() as u32;
        let names = &mut self.names;
        *self.name_map.entry(name).or_insert_with(|| {
            names.push(name);
            n
        })
    }

    // ---- labels ----

    pub fn label(&mut self) -> Label {
        self.labels.push(LabelState::default());
        Label(self.labels.len() as u32 - 1)
    }

    /// Note a jump to `label` from here.
    fn refer(&mut self, label: Label) {
        if !self.reachable {
            return;
        }
        let state = &mut self.labels[label.0 as usize];
        state.refs += 1;
        if state.at.is_none() {
            match &mut state.bound {
                Some(b) => b.intersect(&self.bound),
                None => state.bound = Some(self.bound.clone()),
            }
        }
    }

    pub fn jump(&mut self, label: Label) {
        self.refer(label);
        self.emit(Word::abc32(Op::Jump, 0, 0, label.0));
        self.reachable = false;
    }

    /// A conditional jump on register `a`.
    pub fn jump_op(&mut self, op: Op, a: Reg, label: Label) {
        // A test that was just stored in a variable is read again.
        let stored = !self.is_temp(a)
            && self.ins.last().is_some_and(|i| i.word.a() == a && i.word.op().is_some_and(Op::is_test));
        if stored {
            return self.jump_op_keep(op, a, label);
        }
        self.refer(label);
        self.emit(Word::abc32(op, 0, a, label.0));
    }

    /// A conditional jump on a register that is read afterwards.
    pub fn jump_op_keep(&mut self, op: Op, a: Reg, label: Label) {
        self.refer(label);
        self.emit(Word::abc32(op, 2, a, label.0));
    }

    pub fn for_iter(&mut self, dst: Reg, iter: Reg, exit: Label) {
        self.refer(exit);
        self.emit(Word::ab_xc(Op::ForIter, dst, iter, exit.0));
    }

    /// After an instruction that never goes on to the next one.
    pub fn dead(&mut self) {
        self.reachable = false;
    }

    /// Place a label that earlier code jumped to.
    pub fn bind(&mut self, label: Label) {
        // A jump to the very next instruction is no jump.
        while let Some(last) = self.ins.last()
            && last.word.op() == Some(Op::Jump)
            && last.word.bc() == label.0
            && !self.reachable
            && self.last_label_at != self.ins.len() as u32
        {
            self.ins.pop();
            self.labels[label.0 as usize].refs -= 1;
            let bound = self.labels[label.0 as usize].bound.clone();
            if let Some(b) = bound {
                self.bound = b;
            }
            self.reachable = true;
        }
        let at = self.ins.len() as u32;
        self.last_label_at = at;
        let state = &mut self.labels[label.0 as usize];
        state.at = Some(at);
        if state.refs > 0 {
            if let Some(b) = state.bound.take() {
                if self.reachable {
                    self.bound.intersect(&b);
                } else {
                    self.bound = b;
                }
            }
            self.reachable = true;
        }
    }

    /// Place a label that later code jumps back to (the head of a loop).
    pub fn bind_loop(&mut self, label: Label) {
        self.labels[label.0 as usize].at = Some(self.ins.len() as u32);
        self.last_label_at = self.ins.len() as u32;
        let deleted = self.deleted.clone();
        self.bound.subtract(&deleted);
    }

    // ---- handlers ----

    /// Activate a new handler; returns it and the one active before.
    pub fn push_handler(&mut self, label: Label, reg: Reg) -> HandlerId {
        self.handlers.push(Handler { label, reg });
        std::mem::replace(&mut self.handler, self.handlers.len() as HandlerId)
    }

    /// Begin the code of a handler whose protected region began with `bound` and at instruction `start`.
    pub fn bind_handler(&mut self, label: Label, start: usize, mut bound: Bound) {
        bound.subtract(&self.deleted);
        let id = self.handlers.iter().rposition(|h| h.label == label).map(|i| i as u32 + 1);
        let used = id.is_some_and(|id| self.ins[start.min(self.ins.len())..].iter().any(|i| i.handler == id))
            || id.is_some_and(|id| self.unwinds.iter().any(|u| u.outer == id));
        self.last_label_at = self.ins.len() as u32;
        self.labels[label.0 as usize].at = Some(self.ins.len() as u32);
        self.labels[label.0 as usize].refs += used as u32;
        self.reachable = used;
        self.bound = bound;
    }
}

impl Unit<'_> {
    /// Number of parameters given by the symbol table (for scopes with implicit ones).
    pub fn bound_params(&self) -> u32 {
        let implicit = [NameId::DOT_DEFAULTS, NameId::DOT_KWDEFAULTS, NameId::DOT_ZERO, NameId::FORMAT];
        self.varnames.iter().filter(|n| implicit.contains(n)).count() as u32
    }
}
