//! What compiled code lends C for a call: C sides of objects, scratch numbers, argument tuples.

use std::mem::offset_of;

use cape_heap::{ObjFlags, Value};
use cape_jit::ir::condcodes::IntCC;
use cape_jit::ir::types::I64;
use cape_jit::ir::{Block, InstBuilder};

use super::crossing::Crossing;
use super::emit::{Emit, FLOAT, INT, Word64};
use crate::vm::Vm;

/// A number that is lent: the pair's count is to be looked at after the call.
pub(super) struct Lent {
    /// Scratch memory of the thread, and the first pair that this call lends.
    pub scratch: Word64,
    pub first: Word64,
    pub objects: Vec<Word64>,
}

impl Emit<'_, '_> {
    /// The C side of an object; goes on with `slow` if it has none.
    pub(super) fn mirror(&mut self, v: Word64, slow: Block) -> Word64 {
        let p = self.mirror_or_null(v);
        let some = self.b.ins().icmp_imm_s(IntCC::NotEqual, p, 0);
        self.unless(some, slow);
        p
    }

    pub(super) fn mirror_or_null(&mut self, v: Word64) -> Word64 {
        let meta = self.load32(v, 4);
        let link = self.b.ins().band_imm_s(meta, ObjFlags::LINK_MASK as i64);
        let entry = self.link_entry(link);
        self.load(entry, 8)
    }

    /// The C side of an object, which is made if it has none; goes on with `slow` if that cannot be.
    pub(super) fn lend_object(&mut self, crossing: &Crossing, v: Word64, slow: Block) -> Word64 {
        let (make, after) = (self.b.create_block(), self.b.create_block());
        self.b.set_cold_block(make);
        let result = self.b.append_block_param(after, I64);
        let p = self.mirror_or_null(v);
        self.b.ins().brif(p, after, &[p.into()], make, &[]);
        self.follow(make);
        let f = self.constant(crossing.give_link as usize as u64);
        let p = self.call_c(f, &[self.vm, v]);
        let some = self.b.ins().icmp_imm_s(IntCC::NotEqual, p, 0);
        self.unless(some, slow);
        self.b.ins().jump(after, &[p.into()]);
        self.follow(after);
        result
    }

    /// The C side of an argument that is of the sort that `guess` is; goes on with `slow` if it is of another, or has none.
    pub(super) fn lend(
        &mut self,
        crossing: &Crossing,
        v: Word64,
        guess: Value,
        lent: &mut Option<Lent>,
        slow: Block,
    ) -> Word64 {
        if guess.is_int() {
            return self.lend_int(crossing, v, lent, slow);
        }
        if guess.is_float() {
            let bits = self.b.ins().iadd_imm_s(v, -(FLOAT as i64));
            let float = self.b.ins().icmp_imm_s(IntCC::UnsignedLessThan, bits, (INT - FLOAT) as i64);
            self.unless(float, slow);
            let p = self.borrow(crossing, lent, 8, slow);
            self.store(bits, p, crossing.double);
            return p;
        }
        self.borrow_object(crossing, v, guess, slow)
    }

    /// As [`Emit::lend`], of what is no number.
    pub(super) fn borrow_object(
        &mut self,
        crossing: &Crossing,
        v: Word64,
        guess: Value,
        slow: Block,
    ) -> Word64 {
        let last = self.last.iter().find(|l| l.0 == v).map(|l| l.1);
        let after = self.b.create_block();
        let result = self.b.append_block_param(after, I64);
        // Behind it, where that may be, what C has of its own.
        let own = last.map(|_| self.b.append_block_param(after, I64));
        let nothing = self.constant(0);
        let answer = |p: Word64, mine: Word64| {
            [p.into(), mine.into()].into_iter().take(1 + own.is_some() as usize).collect::<Vec<_>>()
        };
        let singletons = [Value::NONE, Value::FALSE, Value::TRUE].into_iter().zip(crossing.singletons);
        for (value, at) in singletons.filter(|s| s.0 == guess) {
            let other = self.b.create_block();
            let same = self.equals(v, value.bits());
            let p = self.constant(at as u64);
            self.b.ins().brif(same, after, &answer(p, nothing), other, &[]);
            self.follow(other);
        }
        let (object, other) = (self.b.create_block(), self.b.create_block());
        let pointer = self.is_pointer(v);
        self.b.ins().brif(pointer, object, &[], other, &[]);
        self.follow(other);
        // (None comes where an object was as often as not.)
        let none = self.equals(v, Value::NONE.bits());
        let p = self.constant(crossing.singletons[0] as u64);
        self.b.ins().brif(none, after, &answer(p, nothing), slow, &[]);
        self.follow(object);
        let (p, mine) = match last {
            Some(fresh) => self.lend_last(crossing, v, fresh, slow),
            None => (self.lend_object(crossing, v, slow), nothing),
        };
        self.b.ins().jump(after, &answer(p, mine));
        self.follow(after);
        self.passed.extend(own);
        result
    }

    fn lend_int(&mut self, crossing: &Crossing, v: Word64, lent: &mut Option<Lent>, slow: Block) -> Word64 {
        self.unless_ints(v, v, slow);
        let i = self.as_int(v);
        let (base, size, first, last) = crossing.small_ints;
        let (large, after) = (self.b.create_block(), self.b.create_block());
        let result = self.b.append_block_param(after, I64);
        // A pair is taken for it in any case, so that the number of pairs does not depend on the numbers.
        let p = self.borrow(crossing, lent, 0, slow);
        let at = self.b.ins().iadd_imm_s(i, -first);
        let small = self.b.ins().icmp_imm_s(IntCC::UnsignedLessThanOrEqual, at, last - first);
        self.unless(small, large);
        let offset = self.b.ins().imul_imm_s(at, size as i64);
        let table = self.constant(base as u64);
        let s = self.b.ins().iadd(table, offset);
        self.b.ins().jump(after, &[s.into()]);
        self.follow(large);
        let sign = self.b.ins().sshr_imm_s(i, 63);
        let flipped = self.b.ins().bxor(i, sign);
        let magnitude = self.b.ins().isub(flipped, sign);
        let low = self.b.ins().band_imm_s(magnitude, 0x3fff_ffff);
        let high = self.b.ins().ushr_imm_s(magnitude, 30);
        let upper = self.b.ins().ishl_imm_s(high, 32);
        let digits = self.b.ins().bor(low, upper);
        self.store(digits, p, crossing.digits);
        let two = self.b.ins().icmp_imm_s(IntCC::NotEqual, high, 0);
        let two = self.b.ins().uextend(I64, two);
        let n = self.b.ins().iadd_imm_s(two, 1);
        let n = self.b.ins().ishl_imm_s(n, 3);
        let negative = self.b.ins().band_imm_s(sign, 2);
        let tag = self.b.ins().bor(n, negative);
        self.store(tag, p, crossing.tag);
        self.b.ins().jump(after, &[p.into()]);
        self.follow(after);
        result
    }

    /// The int (at 0) or float (at 8) of the next pair that can be lent.
    fn borrow(&mut self, crossing: &Crossing, lent: &mut Option<Lent>, which: usize, slow: Block) -> Word64 {
        if lent.is_none() {
            let scratch = self.load(self.vm, offset_of!(Vm, c_scratch));
            let some = self.b.ins().icmp_imm_s(IntCC::NotEqual, scratch, 0);
            self.unless(some, slow);
            let first = self.load(scratch, crossing.lending.next);
            let most = crossing.lending.most as i64 - 8;
            let fits = self.b.ins().icmp_imm_s(IntCC::UnsignedLessThan, first, most);
            self.unless(fits, slow);
            *lent = Some(Lent { scratch, first, objects: Vec::new() });
        }
        let l = lent.as_ref().expect("made above");
        let (scratch, first, k) = (l.scratch, l.first, l.objects.len());
        let offset = self.b.ins().ishl_imm_s(first, 4);
        let pair = self.b.ins().iadd(scratch, offset);
        let p = self.load(pair, crossing.lending.pairs + 16 * k + which);
        let some = self.b.ins().icmp_imm_s(IntCC::NotEqual, p, 0);
        self.unless(some, slow);
        lent.as_mut().expect("made above").objects.push(p);
        p
    }

    /// Gives back what was lent; what C has kept is replaced.
    pub(super) fn give_back(&mut self, crossing: &Crossing, l: Lent) {
        let (kept, after) = (self.b.create_block(), self.b.create_block());
        self.b.set_cold_block(kept);
        let mut all = None;
        for p in l.objects {
            let count = self.load32(p, crossing.count);
            all = Some(match all {
                None => count,
                Some(a) => self.b.ins().bor(a, count),
            });
        }
        let ours = self.b.ins().icmp_imm_s(IntCC::Equal, all.expect("some number"), 1);
        let quick = self.b.create_block();
        self.b.ins().brif(ours, quick, &[], kept, &[]);
        self.follow(quick);
        self.store(l.first, l.scratch, crossing.lending.next);
        self.b.ins().jump(after, &[]);
        self.follow(kept);
        let f = self.constant(crossing.give_back as usize as u64);
        self.call_c(f, &[l.first]);
        self.b.ins().jump(after, &[]);
        self.follow(after);
    }

    /// Goes on if `v` is an int that is not negative.
    pub(super) fn unless_index(&mut self, v: Word64, slow: Block) {
        self.unless_ints(v, v, slow);
        let i = self.as_int(v);
        let positive = self.b.ins().icmp_imm_s(IntCC::SignedGreaterThanOrEqual, i, 0);
        self.unless(positive, slow);
    }

    /// The thread's argument tuple for so many items, which it owns references to; goes on with `slow` if it is lent already. Nothing may
    /// go on with `slow` after it.
    pub(super) fn lend_tuple(&mut self, c: &Crossing, items: &[Word64], slow: Block) -> Word64 {
        if items.is_empty() {
            return self.constant(c.empty_tuple as u64);
        }
        let scratch = self.load(self.vm, offset_of!(Vm, c_scratch));
        let some = self.b.ins().icmp_imm_s(IntCC::NotEqual, scratch, 0);
        self.unless(some, slow);
        let place = c.lending.tuples + 8 * items.len();
        let t = self.load(scratch, place);
        let some = self.b.ins().icmp_imm_s(IntCC::NotEqual, t, 0);
        self.unless(some, slow);
        let null = self.constant(0);
        self.store(null, scratch, place);
        let unknown = self.constant(u64::MAX);
        self.store(unknown, t, c.hash);
        for (i, &p) in items.iter().enumerate() {
            let count = self.load32(p, c.count);
            self.change_count(c, p, count, 1);
            self.store(p, t, c.items + 8 * i);
        }
        t
    }

    /// Gives an argument tuple of `n` items back. What C has kept, and items that die now, are the helper's.
    pub(super) fn give_tuple_back(&mut self, c: &Crossing, t: Word64, n: usize) {
        let (odd, after) = (self.b.create_block(), self.b.create_block());
        self.b.set_cold_block(odd);
        let scratch = self.load(self.vm, offset_of!(Vm, c_scratch));
        let place = c.lending.tuples + 8 * n;
        let count = self.load32(t, c.count);
        let ours = self.b.ins().icmp_imm_s(IntCC::Equal, count, 1);
        self.unless(ours, odd);
        let other = self.load(scratch, place);
        let free = self.equals(other, 0);
        self.unless(free, odd);
        for i in 0..n {
            let p = self.load(t, c.items + 8 * i);
            let some = self.b.ins().icmp_imm_s(IntCC::NotEqual, p, 0);
            self.unless(some, odd);
            let count = self.load32(p, c.count);
            let last = self.b.ins().icmp_imm_s(IntCC::Equal, count, 1);
            self.unless_not(last, odd);
            self.change_count(c, p, count, -1);
            let null = self.constant(0);
            self.store(null, t, c.items + 8 * i);
        }
        self.store(t, scratch, place);
        self.b.ins().jump(after, &[]);
        self.follow(odd);
        let f = self.constant(c.give_tuple_back as usize as u64);
        self.call_c(f, &[t]);
        self.b.ins().jump(after, &[]);
        self.follow(after);
    }

    /// A dict of arguments by name; if that cannot be made, the argument tuple is given back, and all goes on with `slow`.
    pub(super) fn make_keywords(
        &mut self,
        c: &Crossing,
        (names, first): (u32, u16),
        tuple: Option<Word64>,
        n: usize,
        slow: Block,
    ) -> Word64 {
        let names = self.konst(names);
        let values = self.b.ins().iadd_imm_s(self.regs, 8 * first as i64);
        let f = self.constant(c.keywords as usize as u64);
        let dict = self.call_c(f, &[self.vm, names, values]);
        let (failed, made) = (self.b.create_block(), self.b.create_block());
        self.b.set_cold_block(failed);
        self.b.ins().brif(dict, made, &[], failed, &[]);
        self.follow(failed);
        if let Some(t) = tuple {
            self.give_tuple_back(c, t, n);
        }
        self.b.ins().jump(slow, &[]);
        self.follow(made);
        dict
    }

    /// Gives up a reference.
    pub(super) fn drop_reference(&mut self, c: &Crossing, p: Word64) {
        let (last, others, after) = (self.b.create_block(), self.b.create_block(), self.b.create_block());
        self.b.set_cold_block(last);
        let count = self.load32(p, c.count);
        let several = self.b.ins().icmp_imm_s(IntCC::NotEqual, count, 1);
        self.b.ins().brif(several, others, &[], last, &[]);
        self.follow(last);
        let f = self.constant(c.drop as usize as u64);
        self.call_c(f, &[p]);
        self.b.ins().jump(after, &[]);
        self.follow(others);
        self.change_count(c, p, count, -1);
        self.b.ins().jump(after, &[]);
        self.follow(after);
    }

    /// Arguments in a row; gives its address.
    pub(super) fn row(&mut self, arguments: &[Word64]) -> Word64 {
        let slot = self.stack_slot(8 * arguments.len().max(1) as u32);
        let row = self.b.ins().stack_addr(I64, slot, 0);
        for (i, &a) in arguments.iter().enumerate() {
            self.store(a, row, 8 * i);
        }
        row
    }
}
