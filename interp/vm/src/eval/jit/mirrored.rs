//! Lists that C has seen: their items are in the struct, as C objects.

use cape_bytecode::Word;
use cape_heap::Value;
use cape_jit::ir::condcodes::IntCC;
use cape_jit::ir::types::I64;
use cape_jit::ir::{Block, InstBuilder};

use super::crossing::{Crossing, crossing};
use super::emit::{Emit, INT, Word64};
use super::helpers::{self, Helper};
use crate::object::*;
use crate::runtime::rt;

/// What is told of C, if this is a list that C has seen.
pub(super) fn of_mirrored(guess: Value) -> Option<&'static Crossing> {
    let list = guess.downcast::<ListObj>()?;
    crossing().filter(|_| list.header().map() == rt().maps.list && list.is_mirrored())
}

impl Emit<'_, '_> {
    /// The struct of a list that C has seen; goes on with `slow` if it is none.
    pub(super) fn list_struct(&mut self, list: Word64, slow: Block) -> Word64 {
        self.unless_map(list, rt().maps.list, slow);
        let array = self.load(list, ListObj::ITEMS);
        let none = self.equals(array, 0);
        self.unless(none, slow);
        self.mirror(list, slow)
    }

    /// The address of the item at an index (a word that is not negative); goes on with `slow` if there is none.
    fn item_in_struct(&mut self, c: &Crossing, p: Word64, i: Word64, slow: Block) -> Word64 {
        let n = self.load(p, c.size);
        let inside = self.b.ins().icmp(IntCC::UnsignedLessThan, i, n);
        self.unless(inside, slow);
        let items = self.load(p, c.list_items);
        let offset = self.b.ins().ishl_imm_s(i, 3);
        self.b.ins().iadd(items, offset)
    }

    /// The value of a C object that is not given up; goes on with `slow` unless it is linked, a singleton or an int of a digit.
    fn value_of(&mut self, c: &Crossing, p: Word64, slow: Block) -> Word64 {
        let after = self.b.create_block();
        let result = self.b.append_block_param(after, I64);
        let some = self.b.ins().icmp_imm_s(IntCC::NotEqual, p, 0);
        self.unless(some, slow);
        let unlinked = self.b.create_block();
        let v = self.managed(c, p, unlinked);
        self.b.ins().jump(after, &[v.into()]);
        self.follow(unlinked);
        let other = self.b.create_block();
        let class = self.load(p, c.class);
        let int = self.equals(class, c.int_class as u64);
        self.unless(int, other);
        let tag = self.load(p, c.tag);
        let short = self.b.ins().icmp_imm_s(IntCC::UnsignedLessThan, tag, 2 << 3);
        self.unless(short, slow);
        // The two low bits are 1 minus the sign.
        let low = self.b.ins().band_imm_s(tag, 3);
        let one = self.constant(1);
        let sign = self.b.ins().isub(one, low);
        let digit = self.load32(p, c.digits);
        let digit = self.b.ins().uextend(I64, digit);
        let n = self.b.ins().imul(sign, digit);
        let v = self.b.ins().bor_imm_s(n, INT as i64);
        self.b.ins().jump(after, &[v.into()]);
        self.follow(other);
        for (value, at) in [Value::NONE, Value::FALSE, Value::TRUE].into_iter().zip(c.singletons) {
            let next = self.b.create_block();
            let same = self.equals(p, at as u64);
            let v = self.constant(value.bits());
            self.b.ins().brif(same, after, &[v.into()], next, &[]);
            self.follow(next);
        }
        self.b.ins().jump(slow, &[]);
        self.follow(after);
        result
    }

    /// `list[k]`, of a list that C has seen.
    pub(super) fn load_mirrored(&mut self, w: Word, k: Word64, c: &Crossing, general: Helper) {
        let (slow, after) = (self.b.create_block(), self.b.create_block());
        let list = self.reg(w.b());
        let p = self.list_struct(list, slow);
        self.unless_ints(k, k, slow);
        let i = self.as_int(k);
        let at = self.item_in_struct(c, p, i, slow);
        let o = self.load(at, 0);
        let v = self.value_of(c, o, slow);
        self.store(v, self.regs, 8 * w.a() as usize);
        self.b.ins().jump(after, &[]);
        self.otherwise(slow, general, after);
    }

    /// `list[k] = v`, of a list that C has seen.
    pub(super) fn store_mirrored(&mut self, w: Word, c: &Crossing) -> bool {
        let guess = self.hint(w.c());
        if guess.is_int() || guess.is_float() || guess.is_empty() {
            return false;
        }
        let (slow, after) = (self.b.create_block(), self.b.create_block());
        let (list, k, v) = (self.reg(w.a()), self.reg(w.b()), self.reg(w.c()));
        self.sync(self.at);
        let p = self.list_struct(list, slow);
        self.unless_ints(k, k, slow);
        let i = self.as_int(k);
        let new = self.borrow_object(c, v, guess, slow);
        // (Giving the object a C side may have run anything.)
        let at = self.item_in_struct(c, p, i, slow);
        self.set_reference(c, new, at, 0, slow);
        self.b.ins().jump(after, &[]);
        self.otherwise(slow, helpers::store_subscr, after);
        true
    }

    /// The next item of an iterator of a list that C has seen; its end is the helper's.
    pub(super) fn next_of_mirrored(&mut self, w: Word, c: &Crossing, next: Block, slow: Block) {
        let it = self.reg(w.b());
        self.unless_map(it, rt().maps.list_iterator, slow);
        let list = self.load(it, std::mem::offset_of!(SeqIterObj, seq));
        let p = self.list_struct(list, slow);
        let i = self.load(it, std::mem::offset_of!(SeqIterObj, index));
        let at = self.item_in_struct(c, p, i, slow);
        let o = self.load(at, 0);
        let v = self.value_of(c, o, slow);
        let following = self.b.ins().iadd_imm_s(i, 1);
        self.store(following, it, std::mem::offset_of!(SeqIterObj, index));
        self.set(w.a(), v);
        self.b.ins().jump(next, &[]);
    }
}
