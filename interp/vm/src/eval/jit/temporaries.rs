//! Objects that are made for a call, and that nothing else refers to: `f((x, y))`, `f(a + b)`.
//!
//! The register of such an argument is read for the last time, so that after the call nobody has the object but C, if that has kept it. So C gets a
//! struct of its own, as fresh as if it had made it: no link joins it with the managed object, which is garbage already. When C has not kept it, it is
//! freed when the call returns, as CPython does it, and no collection has to find that out.
//!
//! Which objects are new is known of an instruction that makes them; that their registers are not read again, of the code's liveness.

use cape_bytecode::{Liveness, Op, touched};
use cape_heap::Value;
use cape_jit::ir::condcodes::IntCC;
use cape_jit::ir::types::I64;
use cape_jit::ir::{Block, InstBuilder};

use super::crossing::Crossing;
use super::emit::{Emit, Word64};

/// Whether the object in a register is a new one to which nothing else refers.
#[derive(Clone, Copy)]
pub(super) enum Fresh {
    /// It is.
    Surely,
    /// It is if this word is not 0.
    If(Word64),
}

impl Emit<'_, '_> {
    /// The instruction under way makes a new object, which it leaves in register `r` and nowhere else.
    pub(super) fn made(&mut self, r: u16, fresh: Fresh) {
        self.making = Some((r, fresh));
    }

    /// The instruction that has just been translated may have given others what was in the registers it reads; but not the list that it
    /// fills.
    pub(super) fn spread(&mut self, op: Op) {
        if !self.fresh.is_empty() {
            let fills = matches!(op, Op::ListAppend | Op::ListExtend);
            let filled = fills.then(|| self.instruction(self.at).a());
            for r in touched(&self.code.unit, self.at, op).into_iter().map(|r| r as u16) {
                if filled != Some(r) {
                    self.fresh.remove(&r);
                }
            }
        }
        if let Some((r, fresh)) = self.making.take() {
            self.fresh.insert(r, fresh);
        }
    }

    /// Whether an argument of the call under way is a new object that is used for the last time.
    pub(super) fn is_last(&mut self, r: u16) -> Option<Fresh> {
        let fresh = *self.fresh.get(&r)?;
        let at = self.at;
        let next = at + self.instruction(at).op()?.words() as u32;
        let unit = &self.code.unit;
        let liveness = self.liveness.get_or_insert_with(|| Liveness::new(unit));
        let live = |pc| liveness.is_live(pc, r as usize);
        let dead = !live(next) && unit.find_handler(at).is_none_or(|h| !live(h.handler));
        dead.then_some(fresh)
    }

    /// Whether nothing reads what the instruction under way leaves in a register.
    pub(super) fn is_unread(&mut self, r: u16) -> bool {
        let Some(op) = self.instruction(self.at).op() else { return false };
        let next = self.at + op.words() as u32;
        let unit = &self.code.unit;
        !self.liveness.get_or_insert_with(|| Liveness::new(unit)).is_live(next, r as usize)
    }

    /// The C side of an object that is used for the last time, and again if C has it of its own, else 0. Goes on with `slow` if there is none.
    pub(super) fn lend_last(
        &mut self,
        c: &Crossing,
        v: Word64,
        fresh: Fresh,
        slow: Block,
    ) -> (Word64, Word64) {
        let (make, after) = (self.b.create_block(), self.b.create_block());
        let result = self.b.append_block_param(after, I64);
        let own = self.b.append_block_param(after, I64);
        let none = self.constant(0);
        let p = self.mirror_or_null(v);
        self.b.ins().brif(p, after, &[p.into(), none.into()], make, &[]);
        self.follow(make);
        let fresh = match fresh {
            Fresh::Surely => self.constant(1),
            Fresh::If(word) => word,
        };
        let f = self.constant(c.give_last as usize as u64);
        let given = self.call_c(f, &[self.vm, v, fresh]);
        let some = self.b.ins().icmp_imm_s(IntCC::NotEqual, given, 0);
        self.unless(some, slow);
        let p = self.b.ins().band_imm_s(given, !1);
        let is_own = self.b.ins().band_imm_s(given, 1);
        let mine = self.b.ins().select(is_own, p, none);
        self.b.ins().jump(after, &[p.into(), mine.into()]);
        self.follow(after);
        (result, own)
    }

    /// Ends what C was given of its own; 0: nothing.
    pub(super) fn end_last(&mut self, c: &Crossing, own: Word64) {
        let (end, after) = (self.b.create_block(), self.b.create_block());
        self.b.ins().brif(own, end, &[], after, &[]);
        self.follow(end);
        let f = self.constant(c.end_last as usize as u64);
        self.call_c(f, &[own]);
        self.b.ins().jump(after, &[]);
        self.follow(after);
    }

    /// A block that ends it and goes on with `slow`, for what cannot be lent after it.
    pub(super) fn without(&mut self, c: &Crossing, own: Word64, slow: Block) -> Block {
        let block = self.b.create_block();
        self.b.set_cold_block(block);
        let here = self.b.current_block().expect("a block");
        self.b.switch_to_block(block);
        self.end_last(c, own);
        self.b.ins().jump(slow, &[]);
        self.b.switch_to_block(here);
        block
    }

    /// An instruction whose result, for these operands, is a new object that a function makes at once; EMPTY is for the helper, as is what
    /// goes to `slow`.
    pub(super) fn make_at_once(
        &mut self,
        r: u16,
        f: unsafe extern "C-unwind" fn(Value, Value) -> Value,
        operands: [Word64; 2],
        general: super::helpers::Helper,
        slow: Block,
    ) {
        let after = self.b.create_block();
        self.b.set_cold_block(slow);
        let fresh = self.b.append_block_param(after, I64);
        self.sync(self.at);
        let f = self.constant(f as usize as u64);
        let v = self.call_c(f, &operands);
        let made = self.b.ins().icmp_imm_s(IntCC::NotEqual, v, 0);
        self.unless(made, slow);
        self.store(v, self.regs, 8 * r as usize);
        let yes = self.constant(1);
        self.b.ins().jump(after, &[yes.into()]);
        self.follow(slow);
        self.perform(general);
        let no = self.constant(0);
        self.b.ins().jump(after, &[no.into()]);
        self.follow(after);
        self.forget();
        self.made(r, Fresh::If(fresh));
    }
}
