//! From bytecode to Cranelift's intermediate language, one instruction after the other.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::mem::offset_of;

use cape_bytecode::{Kind, Op, Slot, Word};
use cape_heap::{Ptr, Value};
use cape_jit::ir::condcodes::IntCC;
use cape_jit::ir::types::I64;
use cape_jit::ir::{Block, InstBuilder, SourceLoc};
use cape_jit::{Assembler, FunctionBuilder, Switch};

use super::emit::{Emit, Guess, Word64};
use super::helpers::{self, Helper};
use super::mirrored::of_mirrored;
use super::temporaries::Fresh;
use super::{Run, Unit, places};
use crate::frame::Frame;
use crate::object::*;
use crate::runtime::rt;
use crate::special::Special;
use crate::vm::Vm;

/// Code with more words is left to the interpreter.
const MOST_WORDS: usize = 6_000;

/// Longer sequences are unpacked by the helper.
const MOST_UNPACKED: u16 = 8;

/// Parameters of the functions that compiled code calls.
const MOST_PARAMETERS: usize = 5;

/// Compiles the code of a running frame; `None` if it is too large or there is no memory left for it.
pub(super) fn unit(
    assembler: &mut Assembler,
    code: Ptr<CodeObj>,
    frame: *mut Frame,
    patient: bool,
) -> Option<&'static Unit> {
    let words = code.words.len();
    if words > MOST_WORDS {
        return None;
    }
    let misses: &'static Cell<u32> = Box::leak(Box::new(Cell::new(0)));
    let plan = Plan::of(code);
    let signature = assembler.signature(&[I64; 4], &[I64]);
    let signatures = (0..=MOST_PARAMETERS).map(|n| assembler.signature(&vec![I64; n], &[I64])).collect();
    let made = assembler.compile(signature, |b| {
        translate(b, code, frame, signatures, misses, patient, &plan);
    })?;
    let mut entries = vec![0; words].into_boxed_slice();
    for (n, &at) in plan.entries.iter().enumerate() {
        entries[at as usize] = n as u32 + 1;
    }
    // SAFETY: the code was compiled with this signature.
    let run = unsafe { std::mem::transmute::<*const u8, Run>(made.address) };
    places::note(code, made);
    let start = (entries.first().copied().unwrap_or(0) as u64).checked_sub(1);
    Some(Box::leak(Box::new(Unit { run, entries, start, misses })))
}

/// Where blocks begin.
struct Plan {
    /// Where the interpreter may enter.
    entries: BTreeSet<u32>,
    /// Where jumps lead.
    targets: BTreeSet<u32>,
}

impl Plan {
    fn of(code: Ptr<CodeObj>) -> Plan {
        let mut plan = Plan { entries: BTreeSet::from([0]), targets: BTreeSet::new() };
        if code.compiled.handles() {
            plan.entries.extend(code.unit.exceptions.iter().map(|e| e.handler));
        }
        for (at, op, w) in code.unit.instructions() {
            let next = at + op.words() as u32;
            match op {
                Op::Jump => {
                    plan.targets.insert(w.bc());
                }
                Op::JumpBack => {
                    plan.entries.insert(w.bc());
                }
                Op::JumpIfTrue | Op::JumpIfFalse | Op::JumpIfNone | Op::JumpIfNotNone => {
                    if w.bc() <= at {
                        plan.entries.insert(w.bc());
                    }
                    plan.targets.extend([w.bc(), next]);
                }
                Op::ForIter => {
                    plan.targets.insert(w.xc());
                    plan.entries.insert(next);
                }
                Op::Call | Op::CallKw | Op::Yield | Op::ReturnGenerator => {
                    plan.entries.insert(next);
                }
                Op::YieldFrom => {
                    plan.entries.extend([at, next]);
                }
                _ => {}
            }
        }
        plan
    }
}

/// Whether the result of an instruction is a heap object, whatever its operands.
fn makes_object(op: Op) -> bool {
    matches!(
        op,
        Op::BuildTuple
            | Op::BuildList
            | Op::BuildSet
            | Op::BuildMap
            | Op::BuildString
            | Op::BuildSlice
            | Op::ListToTuple
            | Op::MakeFunction
    )
}

fn translate(
    b: &mut FunctionBuilder<'_>,
    code: Ptr<CodeObj>,
    frame: *mut Frame,
    signatures: Vec<cape_jit::ir::Signature>,
    misses: &'static Cell<u32>,
    patient: bool,
    plan: &Plan,
) {
    let (mut e, entry) = Emit::new(b, code, frame, signatures, misses, patient);
    let mut switch = Switch::new();
    for (n, &at) in plan.entries.iter().enumerate() {
        switch.set_entry(n as u128, e.block(at));
    }
    for &at in &plan.targets {
        e.block(at);
    }
    // (There are no other numbers.)
    let first = e.block(0);
    switch.emit(e.b, entry, first);
    e.ended = true;
    let instructions: Vec<(u32, Op)> = code.unit.instructions().map(|(at, op, _)| (at, op)).collect();
    for &(at, op) in &instructions {
        if let Some(b) = e.block_at(at) {
            if !e.ended {
                e.b.ins().jump(b, &[]);
            }
            e.begin(b);
        } else if e.ended {
            continue;
        }
        e.at = at;
        e.b.set_srcloc(SourceLoc::new(at));
        let w = e.instruction(at);
        e.instruction_at(op);
        let writes = op.info().operands.contains(&(Slot::a, Kind::Dst));
        if writes && !matches!(op, Op::Move | Op::LoadConst | Op::LoadSmallInt) {
            e.written(w.a(), makes_object(op));
        }
        e.spread(op);
    }
    if !e.ended {
        e.leave_here();
    }
}

/// Instructions that may drop the last reference to something, other than calls and returns.
const DROPS: [Op; 7] =
    [Op::Clear, Op::DelName, Op::DelGlobal, Op::DelDeref, Op::DelAttr, Op::DelSubscr, Op::PopExcInfo];

impl Emit<'_, '_> {
    fn instruction_at(&mut self, generic: Op) {
        let w = self.instruction(self.at);
        let op = w.op().unwrap_or(generic);
        if super::looks() && DROPS.contains(&op) {
            self.look();
        }
        match op {
            Op::Nop => {}
            Op::Move => {
                let v = self.reg(w.b());
                self.set(w.a(), v);
                self.guess(w.a(), Guess::As(w.b()));
                self.null_flag(w);
            }
            Op::Clear => self.empty(w.a()),
            Op::LoadConst => {
                let v = self.konst(w.bc());
                self.set(w.a(), v);
                self.guess(w.a(), Guess::Constant(w.bc()));
            }
            Op::LoadSmallInt => {
                let i = Value::int(w.bc() as i64);
                let v = self.int_constant(i);
                self.set(w.a(), v);
                self.guess(w.a(), Guess::Int(i));
            }
            Op::CheckBound => {
                let v = self.reg(w.a());
                let bound = self.b.ins().icmp_imm_s(IntCC::NotEqual, v, 0);
                self.guard(bound);
            }
            Op::LoadDeref => {
                let cell = self.reg(w.b());
                let v = self.load(cell, offset_of!(CellObj, content));
                let bound = self.b.ins().icmp_imm_s(IntCC::NotEqual, v, 0);
                self.guard(bound);
                self.set(w.a(), v);
                self.null_flag(w);
            }
            Op::LoadGlobal => self.load_global(w),
            Op::LoadAttr => self.load_attr(w),
            Op::LoadMethod => self.load_method(w),
            Op::StoreAttr => self.store_attr(w),
            Op::LoadSubscr | Op::LoadSubscrK => self.load_subscr(w, op == Op::LoadSubscrK),
            Op::StoreSubscr => self.store_subscr(w),
            Op::DelSubscr => self.del_subscr(w),
            Op::UnaryNeg => self.negate(w),
            Op::UnaryNot => {
                let known = match self.truth_by_c(w.b(), helpers::unary_truth) {
                    Some(c) => self.b.ins().bxor_imm_s(c, 1),
                    None => {
                        let v = self.reg(w.b());
                        self.truth_of(v, helpers::unary_not, true)
                    }
                };
                self.branch_on(w, 1, known);
            }
            Op::ToBool => {
                let known = match self.truth_by_c(w.b(), helpers::unary_truth) {
                    Some(c) => c,
                    None => {
                        let v = self.reg(w.b());
                        self.truth_of(v, helpers::unary_truth, false)
                    }
                };
                self.branch_on(w, 1, known);
            }
            Op::Add
            | Op::AddK
            | Op::Sub
            | Op::SubK
            | Op::Mul
            | Op::MulK
            | Op::TrueDiv
            | Op::TrueDivK
            | Op::FloorDiv
            | Op::FloorDivK
            | Op::Mod
            | Op::ModK
            | Op::And
            | Op::AndK => self.arithmetic(op, w),
            Op::BinaryOp => self.operator(w, false),
            Op::BinaryOpK => self.operator(w, true),
            Op::UnaryPos => self.unary(w, Special::Pos, helpers::unary_pos),
            Op::UnaryInvert => self.unary(w, Special::Invert, helpers::unary_invert),
            Op::Compare => self.comparison(w, false),
            Op::CompareK => self.comparison(w, true),
            Op::Is => self.identity(w),
            Op::Contains => {
                let item = (self.reg(w.b()), self.hint(w.b()));
                match self.test_by_c(Special::Contains, w.c(), &[item], helpers::contains_raw) {
                    Some(c) => {
                        let c = if w.x() & 1 != 0 { self.b.ins().bxor_imm_s(c, 1) } else { c };
                        self.branch_on(w, 2, c);
                    }
                    None => self.test(w, 2, helpers::contains),
                }
            }
            Op::MatchSequence => self.test(w, 1, helpers::match_sequence),
            Op::MatchMapping => self.test(w, 1, helpers::match_mapping),
            Op::PushExcInfo => {
                let (exc, before) = (self.reg(w.b()), self.load(self.vm, offset_of!(Vm, handled)));
                self.store(exc, self.vm, offset_of!(Vm, handled));
                let nothing = self.equals(before, Value::EMPTY.bits());
                let none = self.constant(Value::NONE.bits());
                let saved = self.b.ins().select(nothing, none, before);
                self.set(w.a(), saved);
            }
            Op::PopExcInfo => {
                let saved = self.reg(w.a());
                let nothing = self.equals(saved, Value::NONE.bits());
                let empty = self.constant(Value::EMPTY.bits());
                let before = self.b.ins().select(nothing, empty, saved);
                self.store(before, self.vm, offset_of!(Vm, handled));
            }
            Op::Raise if w.x() > 0 => {
                self.perform(helpers::raise);
                self.leave_here();
            }
            Op::CheckExcMatch => self.test(w, 1, helpers::check_exc_match),
            Op::Jump => self.go(w.bc()),
            Op::JumpBack => {
                self.poll();
                self.go(w.bc());
            }
            Op::JumpIfTrue | Op::JumpIfFalse => {
                let by_c = self.truth_by_c(w.a(), helpers::truth);
                let c = match by_c {
                    Some(c) => c,
                    None => {
                        let v = self.reg(w.a());
                        self.truth_of(v, helpers::truth, false)
                    }
                };
                self.jump_if(w, c, op == Op::JumpIfTrue, self.at + 1);
            }
            Op::JumpIfNone | Op::JumpIfNotNone => {
                let v = self.reg(w.a());
                let c = self.equals(v, Value::NONE.bits());
                self.jump_if(w, c, op == Op::JumpIfNone, self.at + 1);
            }
            Op::Call => self.call_site(w),
            Op::CallKw => self.call_site_kw(w),
            Op::BuildTuple => self.build_tuple(w),
            Op::BuildList => {
                self.perform(helpers::plain(op).expect("a helper"));
                self.made(w.a(), Fresh::Surely);
            }
            Op::CallEx => {
                self.poll();
                self.perform(helpers::call_ex);
            }
            Op::ForIter => self.for_iter(w),
            Op::UnpackSequence => self.unpack_sequence(w),
            Op::Return => {
                let v = self.reg(w.a());
                self.return_value(v);
            }
            Op::ReturnGenerator => {
                let status = self.call(helpers::return_generator);
                self.leave_with(status);
                self.ended = true;
            }
            Op::Yield if w.x() & 1 == 0 => {
                let status = self.call(helpers::yield_value);
                self.leave_with(status);
                self.ended = true;
            }
            Op::ReturnConst => {
                let v = self.konst(w.bc());
                self.return_value(v);
            }
            _ => match helpers::plain(op) {
                Some(f) => {
                    self.perform(f);
                    if matches!(op, Op::LoadName | Op::LoadSuperAttr) {
                        self.null_flag(w);
                    }
                }
                None => self.leave_here(),
            },
        }
    }

    /// The truth of an object of C.
    fn truth_by_c(&mut self, r: u16, general: Helper) -> Option<Word64> {
        let s = self.truth_method(r)?;
        self.test_by_c(s, r, &[], general)
    }

    /// A conditional jump on `condition` (not 0: true) at `next - 1`.
    fn jump_if(&mut self, w: Word, condition: Word64, on: bool, next: u32) {
        let to = self.block(w.bc());
        let to = if w.bc() < next { self.polling(to, next - 1) } else { to };
        let on_block = self.block(next);
        if on {
            self.b.ins().brif(condition, to, &[], on_block, &[]);
        } else {
            self.b.ins().brif(condition, on_block, &[], to, &[]);
        }
        self.ended = true;
    }

    /// A block that goes back to `to`, unless somebody asked for work: then the interpreter does the jump at `at`.
    fn polling(&mut self, to: Block, at: u32) -> Block {
        let here = self.b.current_block().expect("a block");
        let block = self.b.create_block();
        self.b.switch_to_block(block);
        let before = std::mem::replace(&mut self.at, at);
        self.poll();
        self.b.ins().jump(to, &[]);
        self.at = before;
        self.b.switch_to_block(here);
        block
    }

    /// The truth of a word that is a bool or an int; of others by the helper. `negated`: the opposite.
    fn truth_of(&mut self, v: Word64, general: Helper, negated: bool) -> Word64 {
        let (after, other) = (self.b.create_block(), self.b.create_block());
        let result = self.b.append_block_param(after, cape_jit::ir::types::I8);
        let masked = self.b.ins().band_imm_s(v, !0x10);
        let is_bool = self.equals(masked, Value::FALSE.bits());
        self.unless(is_bool, other);
        let c = self.equals(v, Value::bool(!negated).bits());
        self.b.ins().jump(after, &[c.into()]);
        self.follow(other);
        let c = self.answer_of_test(general);
        self.b.ins().jump(after, &[c.into()]);
        self.follow(after);
        result
    }

    /// The helper's answer to a test, as a truth value.
    pub(super) fn answer_of_test(&mut self, f: Helper) -> Word64 {
        let answer = self.call(f);
        let failed = self.equals(answer, super::RAISED);
        self.leave_if(failed, answer);
        self.equals(answer, helpers::TRUE)
    }

    /// A test whose every case is the helper's.
    fn test(&mut self, w: Word, words: u32, f: Helper) {
        let c = self.answer_of_test(f);
        self.branch_on(w, words, c);
    }

    /// The truth value of a test: jumps when the next instruction does only that, else writes it.
    pub(super) fn branch_on(&mut self, w: Word, words: u32, condition: Word64) {
        let next = self.at + words;
        let jump = self.instruction(next);
        let op = jump.op_byte();
        if (op == Op::JumpIfFalse as u8 || op == Op::JumpIfTrue as u8) && jump.a() == w.a() && jump.x() == 0 {
            self.jump_if(jump, condition, op == Op::JumpIfTrue as u8, next + 1);
            return;
        }
        let v = self.bool_word(condition);
        self.set(w.a(), v);
    }

    fn identity(&mut self, w: Word) {
        // Of pointers, numbers in boxes are compared by value.
        let (a, b) = (self.reg(w.b()), self.reg(w.c()));
        let (yes, no) = if w.x() & 1 == 0 { (1, 0) } else { (0, 1) };
        let (after, other) = (self.b.create_block(), self.b.create_block());
        let result = self.b.append_block_param(after, cape_jit::ir::types::I8);
        let different = self.b.create_block();
        let same = self.b.ins().icmp(IntCC::Equal, a, b);
        let y = self.b.ins().iconst(cape_jit::ir::types::I8, yes);
        self.b.ins().brif(same, after, &[y.into()], different, &[]);
        self.follow(different);
        let n = self.b.ins().iconst(cape_jit::ir::types::I8, no);
        // A box is never compared with None and the like.
        let single = {
            let (la, lb) = (self.below_pointers(a), self.below_pointers(b));
            self.b.ins().bor(la, lb)
        };
        self.b.ins().brif(single, after, &[n.into()], other, &[]);
        self.follow(other);
        let answer = self.call(helpers::is);
        let c = self.equals(answer, helpers::TRUE);
        self.b.ins().jump(after, &[c.into()]);
        self.follow(after);
        self.branch_on(w, 1, result);
    }

    /// Whether a word is one of the singletons.
    fn below_pointers(&mut self, v: Word64) -> Word64 {
        self.b.ins().icmp_imm_s(IntCC::UnsignedLessThan, v, 0x1000)
    }

    /// Items of a tuple, or of a list that C has not seen, to registers.
    fn unpack_sequence(&mut self, w: Word) {
        let maps = &rt().maps;
        let map = self.hint_map(w.a()).unwrap_or(maps.tuple);
        if w.c() > MOST_UNPACKED || map != maps.tuple && map != maps.list {
            return self.perform(helpers::unpack_sequence);
        }
        let (slow, after) = (self.b.create_block(), self.b.create_block());
        self.b.set_cold_block(slow);
        let sequence = self.reg(w.a());
        let (base, n, offset) = self.items(sequence, Some(map), slow).expect("a sequence's");
        let fits = self.equals(n, w.c() as u64);
        self.unless(fits, slow);
        for i in 0..w.c() {
            let v = self.load(base, offset + 8 * i as usize);
            self.set(w.b() + i, v);
        }
        self.b.ins().jump(after, &[]);
        self.otherwise(slow, helpers::unpack_sequence, after);
    }

    fn for_iter(&mut self, w: Word) {
        let done = self.block(w.xc());
        let next = self.block(self.at + 2);
        let slow = self.b.create_block();
        let guess = self.hint_map(w.b());
        let maps = &rt().maps;
        if guess == Some(maps.range_iterator) {
            self.next_of_range(w, next, done, slow);
        } else if let Some(c) =
            self.hint(w.b()).downcast::<SeqIterObj>().and_then(|i| of_mirrored(i.seq.get()))
        {
            self.next_of_mirrored(w, c, next, slow);
        } else if guess == Some(maps.list_iterator) || guess == Some(maps.tuple_iterator) {
            self.next_of_sequence(w, guess == Some(maps.list_iterator), next, slow);
        } else if !self.next_by_c(w, next, done, slow) {
            self.b.ins().jump(slow, &[]);
        }
        self.follow(slow);
        let answer = self.call(helpers::for_iter);
        let exhausted = self.equals(answer, helpers::EXHAUSTED);
        let more = self.b.create_block();
        self.b.ins().brif(exhausted, done, &[], more, &[]);
        self.follow(more);
        self.leave_if(answer, answer);
        self.b.ins().jump(next, &[]);
        self.ended = true;
    }

    fn next_of_range(&mut self, w: Word, next: Block, done: Block, slow: Block) {
        let it = self.reg(w.b());
        self.unless_map(it, rt().maps.range_iterator, slow);
        let left = self.load(it, offset_of!(RangeIterObj, remaining));
        let more = self.b.create_block();
        self.b.ins().brif(left, more, &[], done, &[]);
        self.follow(more);
        let i = self.load(it, offset_of!(RangeIterObj, next));
        let v = self.small_int(i, slow);
        let step = self.load(it, offset_of!(RangeIterObj, step));
        let following = self.b.ins().iadd(i, step);
        self.store(following, it, offset_of!(RangeIterObj, next));
        let left = self.b.ins().iadd_imm_s(left, -1);
        self.store(left, it, offset_of!(RangeIterObj, remaining));
        self.set(w.a(), v);
        self.b.ins().jump(next, &[]);
    }

    /// The next item of a list's (that C has not seen) or a tuple's iterator; its end is the helper's.
    fn next_of_sequence(&mut self, w: Word, list: bool, next: Block, slow: Block) {
        let maps = &rt().maps;
        let it = self.reg(w.b());
        self.unless_map(it, if list { maps.list_iterator } else { maps.tuple_iterator }, slow);
        let sequence = self.load(it, offset_of!(SeqIterObj, seq));
        let map = if list { maps.list } else { maps.tuple };
        let Some((base, n, offset)) = self.items(sequence, Some(map), slow) else { return };
        let i = self.load(it, offset_of!(SeqIterObj, index));
        let inside = self.b.ins().icmp(IntCC::UnsignedLessThan, i, n);
        self.unless(inside, slow);
        let at = self.b.ins().ishl_imm_s(i, 3);
        let at = self.b.ins().iadd(base, at);
        let v = self.load(at, offset);
        let following = self.b.ins().iadd_imm_s(i, 1);
        self.store(following, it, offset_of!(SeqIterObj, index));
        self.set(w.a(), v);
        self.b.ins().jump(next, &[]);
    }
}
