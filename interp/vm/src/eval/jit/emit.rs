//! What the templates are written with: registers, guards, calls of helpers, places to go.

use std::cell::Cell;
use std::collections::HashMap;

use cape_bytecode::{Liveness, Word};
use cape_heap::{MapRef, Ptr, Value};
use cape_jit::FunctionBuilder;
use cape_jit::ir::condcodes::IntCC;
use cape_jit::ir::types::{I32, I64};
use cape_jit::ir::{self, Block, InstBuilder, MemFlagsData, SigRef};

use super::helpers::Helper;
use super::temporaries::Fresh;
use crate::frame::Frame;
use crate::object::*;

/// Values of the machine that is compiled for.
pub(super) type Word64 = ir::Value;

/// The smallest pattern of an int.
pub(super) const INT: u64 = Value::int(0).bits();
/// Bits above an int's.
pub(super) const INT_SHIFT: i64 = 13;
/// Added to the bits of a float.
pub(super) const FLOAT: u64 = 1 << 48;

/// Where a register got what it holds.
#[derive(Clone, Copy)]
pub(super) enum Guess {
    /// From a constant of the code.
    Constant(u32),
    /// It is this int.
    Int(Value),
    /// From another register, which held this when the code got hot.
    As(u16),
    /// It is a new object.
    Object,
}

/// One function that is being compiled.
pub(super) struct Emit<'a, 'b> {
    pub b: &'a mut FunctionBuilder<'b>,
    /// The three that compiled code is given.
    pub vm: Word64,
    pub frame: Word64,
    pub regs: Word64,
    pub code: Ptr<CodeObj>,
    /// The registers of the frame that made the code hot: what is in them are good guesses.
    hints: *const Value,
    running: *mut Frame,
    /// Signatures of functions from words to a word, by the number of their parameters.
    signatures: Vec<SigRef>,
    slots: HashMap<u32, ir::StackSlot>,
    /// Returns its parameter.
    leave: Block,
    /// Counts a failed guard and returns its parameter.
    failed: Block,
    blocks: HashMap<u32, Block>,
    /// What registers are known to hold, until something is called or a block begins.
    known: HashMap<u16, Word64>,
    /// Where registers got what they hold, of those that were written since the block began.
    guesses: HashMap<u16, Guess>,
    /// Which words are known to be ints.
    ints: Vec<Word64>,
    /// Which registers hold objects that nothing else refers to, of those that were written since the block began; and what the instruction
    /// under way makes.
    pub fresh: HashMap<u16, Fresh>,
    pub making: Option<(u16, Fresh)>,
    /// Of the code, once it has been asked for.
    pub liveness: Option<Liveness>,
    /// The arguments of the call under way that are used for the last time.
    pub last: Vec<(Word64, Fresh)>,
    /// What C was given of its own in the call under way.
    pub passed: Vec<Word64>,
    /// The word of the instruction that is translated.
    pub at: u32,
    /// The general case is to be built in.
    pub patient: bool,
    /// Whether the present block is ended.
    pub ended: bool,
}

impl<'a, 'b> Emit<'a, 'b> {
    pub(super) fn new(
        b: &'a mut FunctionBuilder<'b>,
        code: Ptr<CodeObj>,
        frame: *mut Frame,
        signatures: Vec<ir::Signature>,
        misses: &'static Cell<u32>,
        patient: bool,
    ) -> (Emit<'a, 'b>, Word64) {
        let signatures = signatures.into_iter().map(|s| b.import_signature(s)).collect();
        let start = b.create_block();
        // (The first block that is begun is the function's.)
        b.switch_to_block(start);
        b.append_block_params_for_function_params(start);
        let [vm, regs, frame_word, entry] = {
            let p = b.block_params(start);
            [p[0], p[2], p[1], p[3]]
        };
        let (leave, failed) = (b.create_block(), b.create_block());
        b.set_cold_block(failed);
        let result = b.append_block_param(leave, I64);
        let again = b.append_block_param(failed, I64);
        let begun = b.create_block();
        b.ins().jump(begun, &[]);
        b.switch_to_block(leave);
        b.ins().return_(&[result]);
        b.switch_to_block(failed);
        let counter = b.ins().iconst(I64, misses.as_ptr() as i64);
        let n = b.ins().load(I32, MemFlagsData::trusted(), counter, 0);
        let n = b.ins().iadd_imm_s(n, 1);
        b.ins().store(MemFlagsData::trusted(), n, counter, 0);
        b.ins().return_(&[again]);
        b.switch_to_block(begun);
        let e = Emit {
            b,
            vm,
            frame: frame_word,
            regs,
            code,
            // SAFETY: the running frame.
            hints: unsafe { (*frame).base },
            running: frame,
            signatures,
            slots: HashMap::new(),
            leave,
            failed,
            blocks: HashMap::new(),
            known: HashMap::new(),
            guesses: HashMap::new(),
            ints: Vec::new(),
            fresh: HashMap::new(),
            making: None,
            liveness: None,
            last: Vec::new(),
            passed: Vec::new(),
            at: 0,
            patient,
            ended: false,
        };
        (e, entry)
    }

    /// The globals and builtins of the frame that made the code hot.
    pub(super) fn global_dicts(&self) -> Option<(Ptr<DictObj>, Option<Ptr<DictObj>>)> {
        // SAFETY: the frame is live while its code is compiled.
        let (g, b) = unsafe { ((*self.running).globals, (*self.running).builtins) };
        Some((g.downcast()?, b.downcast()))
    }

    // ---- places ----

    /// The block of the instruction at a word, which must be the target of something.
    pub(super) fn block(&mut self, word: u32) -> Block {
        let b = &mut *self.b;
        *self.blocks.entry(word).or_insert_with(|| b.create_block())
    }

    /// Whether the instruction at a word begins a block, so far.
    pub(super) fn block_at(&self, word: u32) -> Option<Block> {
        self.blocks.get(&word).copied()
    }

    /// Goes on with `block`, of which nothing is known.
    pub(super) fn begin(&mut self, block: Block) {
        self.b.switch_to_block(block);
        self.forget();
        self.guesses.clear();
        self.fresh.clear();
        self.ended = false;
    }

    /// Goes on with `block`, to which only the present one leads.
    pub(super) fn follow(&mut self, block: Block) {
        self.b.switch_to_block(block);
    }

    /// Nothing that was in a register is known any more.
    pub(super) fn forget(&mut self) {
        self.known.clear();
        self.ints.clear();
    }

    /// The address of a word of the code.
    pub(super) fn address(&mut self, word: u32) -> Word64 {
        // SAFETY: a word of the code.
        let a = unsafe { self.code.words.as_ptr().add(word as usize) };
        self.constant(a as u64)
    }

    pub(super) fn go(&mut self, word: u32) {
        let to = self.block(word);
        self.b.ins().jump(to, &[]);
        self.ended = true;
    }

    /// The interpreter goes on with this instruction.
    pub(super) fn leave_here(&mut self) {
        let a = self.address(self.at);
        self.b.ins().jump(self.leave, &[a.into()]);
        self.ended = true;
    }

    // ---- instruction words ----

    /// A word of the code as it is now.
    pub(super) fn word(&self, word: u32) -> u64 {
        self.code.words[word as usize].get()
    }

    /// The instruction at a word.
    pub(super) fn instruction(&self, word: u32) -> Word {
        Word(self.word(word))
    }

    /// A constant of the code.
    pub(super) fn constant_value(&self, i: u32) -> Value {
        // SAFETY: code that runs has its constants.
        unsafe { self.code.consts.cast::<ArrayObj>() }.get(i as usize)
    }

    /// What a register will hold, as far as can be guessed: a constant, if one was just loaded, or what it held when the code got hot.
    /// EMPTY: a new object, or nothing is known.
    pub(super) fn hint(&self, r: u16) -> Value {
        let r = match self.guesses.get(&r) {
            Some(&Guess::Constant(i)) => return self.constant_value(i),
            Some(&Guess::Int(i)) => return i,
            Some(&Guess::Object) => return Value::EMPTY,
            Some(&Guess::As(other)) => other,
            None => r,
        };
        // SAFETY: a register of the frame, which is live while its code is compiled.
        unsafe { *self.hints.add(r as usize) }
    }

    /// The word of an int, which is known to be one.
    pub(super) fn int_constant(&mut self, i: Value) -> Word64 {
        let c = self.constant(i.bits());
        self.ints.push(c);
        c
    }

    /// The constant that a register has just been given.
    pub(super) fn given_constant(&self, r: u16) -> Option<Value> {
        match self.guesses.get(&r) {
            Some(&Guess::Constant(i)) => Some(self.constant_value(i)),
            Some(&Guess::Int(i)) => Some(i),
            _ => None,
        }
    }

    /// Register `r` was given a constant, or what another register was known to hold.
    pub(super) fn guess(&mut self, r: u16, g: Guess) {
        let g = match g {
            Guess::As(other) => *self.guesses.get(&other).unwrap_or(&g),
            g => g,
        };
        self.guesses.insert(r, g);
    }

    /// Register `r` was written by an instruction: what was guessed of it is of the past. `object`: it is a heap object now.
    pub(super) fn written(&mut self, r: u16, object: bool) {
        self.guesses.remove(&r);
        if object {
            self.guesses.insert(r, Guess::Object);
        }
    }

    /// The map of what a register held.
    pub(super) fn hint_map(&self, r: u16) -> Option<MapRef> {
        self.hint(r).map()
    }

    // ---- values ----

    pub(super) fn constant(&mut self, bits: u64) -> Word64 {
        self.b.ins().iconst(I64, bits as i64)
    }

    pub(super) fn load(&mut self, base: Word64, offset: usize) -> Word64 {
        self.b.ins().load(I64, MemFlagsData::trusted(), base, offset as i32)
    }

    pub(super) fn load32(&mut self, base: Word64, offset: usize) -> Word64 {
        self.b.ins().load(I32, MemFlagsData::trusted(), base, offset as i32)
    }

    pub(super) fn store(&mut self, v: Word64, base: Word64, offset: usize) {
        self.b.ins().store(MemFlagsData::trusted(), v, base, offset as i32);
    }

    /// What a register holds.
    pub(super) fn reg(&mut self, r: u16) -> Word64 {
        if let Some(&v) = self.known.get(&r) {
            return v;
        }
        let v = self.load(self.regs, 8 * r as usize);
        self.known.insert(r, v);
        v
    }

    pub(super) fn set(&mut self, r: u16, v: Word64) {
        self.store(v, self.regs, 8 * r as usize);
        self.known.insert(r, v);
        self.guesses.remove(&r);
    }

    /// A register is made empty.
    pub(super) fn empty(&mut self, r: u16) {
        let zero = self.constant(0);
        self.set(r, zero);
    }

    /// The null flag of an instruction.
    pub(super) fn null_flag(&mut self, w: Word) {
        if w.x() & 1 != 0 {
            self.empty(w.a() + 1);
        }
    }

    /// Constant `i`: what does not move is built in.
    pub(super) fn konst(&mut self, i: u32) -> Word64 {
        let v = self.constant_value(i);
        if v.is_int() {
            return self.int_constant(v);
        }
        if !v.is_ptr() {
            return self.constant(v.bits());
        }
        let consts = &raw const self.code.consts as u64;
        let a = self.constant(consts);
        let a = self.load(a, 0);
        self.load(a, size_of::<ArrayObj>() + 8 * i as usize)
    }

    pub(super) fn is_known_int(&self, v: Word64) -> bool {
        self.ints.contains(&v)
    }

    pub(super) fn note_int(&mut self, v: Word64) {
        self.ints.push(v);
    }

    // ---- conditions ----

    pub(super) fn equals(&mut self, v: Word64, bits: u64) -> Word64 {
        self.b.ins().icmp_imm_s(IntCC::Equal, v, bits as i64)
    }

    /// Goes on if `condition` holds; else the interpreter does this instruction.
    pub(super) fn guard(&mut self, condition: Word64) {
        let next = self.b.create_block();
        let a = self.address(self.at);
        self.b.ins().brif(condition, next, &[], self.failed, &[a.into()]);
        self.follow(next);
    }

    /// Goes on if `condition` holds, else with `other`.
    pub(super) fn unless(&mut self, condition: Word64, other: Block) {
        let next = self.b.create_block();
        self.b.ins().brif(condition, next, &[], other, &[]);
        self.follow(next);
    }

    /// Whether a word is a pointer.
    pub(super) fn is_pointer(&mut self, v: Word64) -> Word64 {
        let low = self.b.ins().iadd_imm_s(v, -0x1000);
        self.b.ins().icmp_imm_s(IntCC::UnsignedLessThan, low, (1 << 48) - 0x1000)
    }

    /// Goes on if `v` is an object with this map, else with `other`.
    pub(super) fn unless_map(&mut self, v: Word64, map: MapRef, other: Block) {
        let p = self.is_pointer(v);
        self.unless(p, other);
        let id = self.load32(v, 0);
        let same = self.b.ins().icmp_imm_s(IntCC::Equal, id, map.id() as i64);
        self.unless(same, other);
    }

    /// A block from which the interpreter does this instruction.
    pub(super) fn failing(&mut self) -> Block {
        let b = self.b.create_block();
        self.b.set_cold_block(b);
        let here = self.b.current_block();
        self.b.switch_to_block(b);
        let a = self.address(self.at);
        self.b.ins().jump(self.failed, &[a.into()]);
        if let Some(h) = here {
            self.b.switch_to_block(h);
        }
        b
    }

    /// Leaves when somebody asked for work between instructions: the interpreter sees to it.
    pub(super) fn poll(&mut self) {
        let flags = self.constant(cape_heap::attention().bytes() as u64);
        let both = cape_jit::ir::types::I16;
        let bytes = if super::looks() { both } else { cape_jit::ir::types::I8 };
        let asked = self.b.ins().load(bytes, MemFlagsData::trusted(), flags, 0);
        let next = self.b.create_block();
        let a = self.address(self.at);
        self.b.ins().brif(asked, self.leave, &[a.into()], next, &[]);
        self.follow(next);
    }

    /// Leaves to the interpreter when objects are watched, for an instruction that drops something.
    pub(super) fn look(&mut self) {
        let flags = self.constant(cape_heap::attention().bytes() as u64);
        let looking = self.b.ins().load(cape_jit::ir::types::I8, MemFlagsData::trusted(), flags, 1);
        let next = self.b.create_block();
        let a = self.address(self.at);
        self.b.ins().brif(looking, self.leave, &[a.into()], next, &[]);
        self.follow(next);
    }

    // ---- calls ----

    /// Calls a helper for this instruction, and gives its answer, which is neither an exception nor another frame. Nothing is known
    /// afterwards.
    pub(super) fn call(&mut self, f: Helper) -> Word64 {
        let f = self.constant(f as usize as u64);
        let pc = self.address(self.at);
        let answer = self.call_c(f, &[self.vm, self.frame, pc]);
        self.forget();
        answer
    }

    /// Calls a helper that does the instruction; an answer other than 0 leaves.
    pub(super) fn perform(&mut self, f: Helper) {
        let status = self.call(f);
        self.leave_if(status, status);
    }

    /// Returns `what` if `condition` is not 0.
    pub(super) fn leave_if(&mut self, condition: Word64, what: Word64) {
        let next = self.b.create_block();
        self.b.ins().brif(condition, self.leave, &[what.into()], next, &[]);
        self.follow(next);
    }

    /// Returns `status`.
    pub(super) fn leave_with(&mut self, status: Word64) {
        self.b.ins().jump(self.leave, &[status.into()]);
    }

    /// Calls a function of the C calling convention with words, for a word. What is known stays known.
    pub(super) fn call_c(&mut self, f: Word64, arguments: &[Word64]) -> Word64 {
        let signature = self.signatures[arguments.len()];
        let call = self.b.ins().call_indirect(signature, f, arguments);
        self.b.inst_results(call)[0]
    }

    /// Memory in the frame of the compiled function, for a call: calls share it.
    pub(super) fn stack_slot(&mut self, size: u32) -> ir::StackSlot {
        let b = &mut *self.b;
        *self.slots.entry(size).or_insert_with(|| {
            b.create_sized_stack_slot(ir::StackSlotData::new(ir::StackSlotKind::ExplicitSlot, size, 3))
        })
    }

    /// Stores the running instruction in the frame.
    pub(super) fn sync(&mut self, word: u32) {
        let a = self.address(word);
        self.store(a, self.frame, std::mem::offset_of!(Frame, pc));
    }
}
