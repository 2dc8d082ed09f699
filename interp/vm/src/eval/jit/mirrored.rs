//! Lists that C has seen: their items are in the struct, as C objects.

use cape_bytecode::Word;
use cape_heap::{Ptr, Value};
use cape_jit::ir::condcodes::IntCC;
use cape_jit::ir::types::I64;
use cape_jit::ir::{Block, InstBuilder};

use super::super::calls::Callee;
use super::crossing::{Crossing, crossing};
use super::emit::{Emit, INT, Word64};
use super::helpers::{self, Helper};
use crate::class::lookup_mro;
use crate::native::MethodDef;
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

    /// Methods of lists that C has seen: `append(x)` and `pop()`. False, with nothing done, for others.
    pub(super) fn list_method(&mut self, w: Word, def: &'static MethodDef, class: Ptr<TypeObj>) -> bool {
        let guess = self.hint(w.b() + 1);
        let (Some(c), list) = (of_mirrored(guess), rt().types.list) else { return false };
        let named = |name: &str| {
            let method = lookup_mro(list, rt().intern(name)).and_then(|m| m.downcast::<MethodDescrObj>());
            class == list && method.is_some_and(|m| std::ptr::eq(m.def, def))
        };
        let item = self.hint(w.b() + 2);
        let appends = w.c() == 1 && !item.is_int() && !item.is_float() && named("append");
        if !appends && !(w.c() == 0 && named("pop")) {
            return false;
        }
        let (slow, after) = (self.b.create_block(), self.b.create_block());
        self.b.set_cold_block(slow);
        self.sync(self.at + 2);
        let this = self.callee_guard(w, Callee::Method(def, class), guess.map(), slow);
        let p = self.list_struct(this.expect("a method's"), slow);
        if appends {
            self.append_mirrored(w, c, p, item, slow);
        } else {
            self.pop_mirrored(w, c, p, slow);
        }
        self.b.ins().jump(after, &[]);
        self.otherwise(slow, helpers::call, after);
        true
    }

    fn append_mirrored(&mut self, w: Word, c: &Crossing, p: Word64, guess: Value, slow: Block) {
        let v = self.reg(w.b() + 2);
        let new = self.borrow_object(c, v, guess, slow);
        // (As above, all of the list is read after that.)
        let (n, room) = (self.load(p, c.size), self.load(p, c.list_room));
        let fits = self.b.ins().icmp(IntCC::UnsignedLessThan, n, room);
        self.unless(fits, slow);
        let items = self.load(p, c.list_items);
        let offset = self.b.ins().ishl_imm_s(n, 3);
        let at = self.b.ins().iadd(items, offset);
        let count = self.load32(new, c.count);
        self.change_count(c, new, count, 1);
        self.store(new, at, 0);
        let more = self.b.ins().iadd_imm_s(n, 1);
        self.store(more, p, c.size);
        let none = self.constant(Value::NONE.bits());
        self.store(none, self.regs, 8 * w.a() as usize);
    }

    fn pop_mirrored(&mut self, w: Word, c: &Crossing, p: Word64, slow: Block) {
        let n = self.load(p, c.size);
        let less = self.b.ins().iadd_imm_s(n, -1);
        // (Without items it is a very large number.)
        let at = self.item_in_struct(c, p, less, slow);
        let o = self.load(at, 0);
        let v = self.value_of(c, o, slow);
        self.store(less, p, c.size);
        // What is not in a register yet could die with its C side.
        self.store(v, self.regs, 8 * w.a() as usize);
        self.drop_reference(c, o);
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
