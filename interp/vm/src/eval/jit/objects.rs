//! Globals and items, as the inline caches and the operands at the time of compilation suggest.

use std::mem::offset_of;

use cape_bytecode::Word;
use cape_heap::MapRef;
use cape_jit::ir::condcodes::IntCC;
use cape_jit::ir::{Block, InstBuilder};

use super::crossing::{Convention, Receiver, To, crossing};
use super::emit::{Emit, Word64};
use super::helpers;
use super::mirrored::of_mirrored;
use super::promises::Kept;
use super::slots::{special, stable_map};
use super::temporaries::Fresh;
use crate::foreign::ForeignObj;
use crate::frame::Frame;
use crate::object::dict::Entry as DictEntry;
use crate::object::*;
use crate::runtime::{rt, type_of};
use crate::special::Special;

impl Emit<'_, '_> {
    /// Guards that a dict's keys are those of this version; gives the keys.
    fn guard_keys(&mut self, dict: Word64, version: u32) -> Word64 {
        let other = self.failing();
        self.unless_keys(dict, version, other)
    }

    /// Goes on if a dict's keys are those of this version; gives the keys.
    pub(super) fn unless_keys(&mut self, dict: Word64, version: u32, other: Block) -> Word64 {
        let keys = self.load(dict, offset_of!(DictObj, table) + Table::KEYS);
        let v = self.load32(keys, offset_of!(TableKeys, version));
        let same = self.b.ins().icmp_imm_s(IntCC::Equal, v, version as i64);
        self.unless(same, other);
        keys
    }

    pub(super) fn load_global(&mut self, w: Word) {
        let (w0, w1) = (self.word(self.at + 1), self.word(self.at + 2));
        // SAFETY: the function runs with these globals, and a cache that is filled means dicts.
        let dicts = (w0 != 0).then(|| self.global_dicts()).flatten();
        let place = dicts.and_then(|(globals, builtins)| {
            let i = (w0 >> 32) as usize;
            let keys = if w1 == 0 { globals.table.keys() } else { builtins?.table.keys() };
            let version = if w1 == 0 { w0 as u32 } else { w1 as u32 };
            (keys.version.get() == version).then(|| keys.entry_ptr(i) as usize - &raw const *keys as usize)
        });
        let Some(place) = place else {
            self.perform(helpers::load_global);
            self.null_flag(w);
            return;
        };
        let globals = self.load(self.frame, offset_of!(Frame, globals));
        let mut keys = self.guard_keys(globals, w0 as u32);
        if w1 != 0 {
            let builtins = self.load(self.frame, offset_of!(Frame, builtins));
            keys = self.guard_keys(builtins, w1 as u32);
        }
        let v = self.load(keys, place + offset_of!(DictEntry, value));
        self.set(w.a(), v);
        self.null_flag(w);
    }

    /// Where the general case is built in: `slow` does the instruction by the helper, and both ways go on together.
    pub(super) fn rejoin(&mut self, slow: Block, general: helpers::Helper) {
        if !self.patient {
            return;
        }
        let after = self.b.create_block();
        self.b.ins().jump(after, &[]);
        self.follow(slow);
        self.perform(general);
        self.b.ins().jump(after, &[]);
        self.follow(after);
        self.forget();
    }

    pub(super) fn del_subscr(&mut self, w: Word) {
        let key = [(self.reg(w.b()), self.hint(w.b()))];
        let status = |c| c == Convention::Status(Some(0));
        if !self.special_by_c(Special::Delitem, w.a(), &key, None, status, helpers::del_subscr) {
            self.perform(helpers::del_subscr);
        }
    }

    /// Goes on with the address of the items of a list or tuple, and their number, if `c` is as it was when the code got hot.
    pub(super) fn items(
        &mut self,
        c: Word64,
        guess: Option<MapRef>,
        slow: Block,
    ) -> Option<(Word64, Word64, usize)> {
        let maps = &rt().maps;
        if guess == Some(maps.list) {
            self.unless_map(c, maps.list, slow);
            let array = self.load(c, ListObj::ITEMS);
            // A list that C has seen has none.
            let own = self.b.ins().icmp_imm_s(IntCC::NotEqual, array, 0);
            self.unless(own, slow);
            let n = self.load(c, ListObj::LEN);
            return Some((array, n, size_of::<ArrayObj>()));
        }
        if guess == Some(maps.tuple) {
            self.unless_map(c, maps.tuple, slow);
            let n = self.load(c, TupleObj::LEN);
            return Some((c, n, size_of::<TupleObj>()));
        }
        None
    }

    /// The address of an item, for an index (an int) that is not negative and in range.
    fn item_address(&mut self, base: Word64, n: Word64, k: Word64, slow: Block) -> Word64 {
        self.unless_ints(k, k, slow);
        let i = self.as_int(k);
        let inside = self.b.ins().icmp(IntCC::UnsignedLessThan, i, n);
        self.unless(inside, slow);
        let offset = self.b.ins().ishl_imm_s(i, 3);
        self.b.ins().iadd(base, offset)
    }

    pub(super) fn load_subscr(&mut self, w: Word, constant: bool) {
        let general: helpers::Helper = if constant { helpers::load_subscr_k } else { helpers::load_subscr };
        let guess = self.hint_map(w.b());
        let maps = &rt().maps;
        let indexed = guess == Some(maps.list) || guess == Some(maps.tuple);
        let good = if constant {
            let k = self.constant_value(w.c() as u32);
            k.is_int() && k.as_int() >= 0
        } else {
            let k = self.hint(w.c());
            k.is_empty() || k.is_int() && k.as_int() >= 0
        };
        if !indexed || !good {
            let key = if constant {
                (self.konst(w.c() as u32), self.constant_value(w.c() as u32))
            } else {
                (self.reg(w.c()), self.hint(w.c()))
            };
            if indexed && !constant && self.load_indexed(w) {
                return;
            }
            if guess == Some(maps.list) && key.1.is::<SliceObj>() && of_mirrored(self.hint(w.b())).is_none() {
                let list = self.reg(w.b());
                let slow = self.b.create_block();
                self.make_at_once(w.a(), helpers::slice_of_list, [list, key.0], general, slow);
                return;
            }
            let objects = |c| matches!(c, Convention::Objects | Convention::Item);
            if !self.special_by_c(Special::Getitem, w.b(), &[key], Some(w.a()), objects, general) {
                self.perform(general);
            }
            return;
        }
        let k = if constant { self.konst(w.c() as u32) } else { self.reg(w.c()) };
        if let Some(c) = of_mirrored(self.hint(w.b())) {
            self.load_mirrored(w, k, c, general);
            return;
        }
        let c = self.reg(w.b());
        let slow = if self.patient { self.b.create_block() } else { self.failing() };
        let Some((base, n, offset)) = self.items(c, guess, slow) else { return };
        let a = self.item_address(base, n, k, slow);
        let v = self.load(a, offset);
        self.set(w.a(), v);
        self.rejoin(slow, general);
    }

    /// `list[k]`, where C implements the `__index__` of `k`. False: it is not so, and nothing is done.
    fn load_indexed(&mut self, w: Word) -> bool {
        let (key, maps) = (self.hint(w.c()), &rt().maps);
        let of_list = self.hint_map(w.b()) == Some(maps.list) && of_mirrored(self.hint(w.b())).is_none();
        // The index is where the item goes, until that does: it must be seen nowhere else, nor by a handler.
        let temporary = w.a() as usize >= self.code.unit.first_temp();
        if !of_list || !key.is::<ForeignObj>() || !temporary || w.a() == w.b() || w.a() == w.c() {
            return false;
        }
        let (Some(c), Some(map)) = (crossing(), stable_map(key)) else { return false };
        let Some(target) = special(c, key, Special::Index).filter(|t| t.convention == Convention::Unary)
        else {
            return false;
        };
        let (slow, after) = (self.b.create_block(), self.b.create_block());
        let (given, odd) = (self.b.create_block(), self.b.create_block());
        self.b.set_cold_block(slow);
        self.b.set_cold_block(odd);
        let (list, k) = (self.reg(w.b()), self.reg(w.c()));
        self.unless_map(list, maps.list, slow);
        self.unless_kept(k, map, Kept::special(type_of(key), Special::Index), slow);
        let (receiver, to) = (Receiver::Register(w.c()), To::Register(w.a()));
        self.cross(c, target, &[(k, key)], receiver, self.at, to, slow, given, None);
        self.follow(given);
        self.ended = false;
        self.forget();
        // (C may have changed the list.)
        let (list, i) = (self.reg(w.b()), self.load(self.regs, 8 * w.a() as usize));
        if let Some((base, n, offset)) = self.items(list, Some(maps.list), odd) {
            let at = self.item_address(base, n, i, odd);
            let v = self.load(at, offset);
            self.store(v, self.regs, 8 * w.a() as usize);
        }
        self.b.ins().jump(after, &[]);
        self.follow(odd);
        self.perform(helpers::load_indexed);
        self.b.ins().jump(after, &[]);
        self.otherwise(slow, helpers::load_subscr, after);
        true
    }

    /// A tuple of few items is made in place.
    pub(super) fn build_tuple(&mut self, w: Word) {
        const FEW: u16 = 8;
        let n = w.c();
        if n == 0 || n > FEW {
            return self.perform(helpers::build_tuple);
        }
        let items: Vec<Word64> = (w.b()..w.b() + n).map(|r| self.reg(r)).collect();
        let (slow, after) = (self.b.create_block(), self.b.create_block());
        self.b.set_cold_block(slow);
        let bytes = size_of::<TupleObj>() + 8 * n as usize;
        let t = self.bump(bytes.next_multiple_of(16), slow);
        if !bytes.is_multiple_of(16) {
            let zero = self.constant(0);
            self.store(zero, t, bytes);
        }
        let fields = TupleObj::words(rt().maps.tuple, n as usize);
        for (i, field) in fields.into_iter().enumerate() {
            let field = self.constant(field);
            self.store(field, t, 8 * i);
        }
        for (i, item) in items.into_iter().enumerate() {
            self.store(item, t, size_of::<TupleObj>() + 8 * i);
        }
        self.store(t, self.regs, 8 * w.a() as usize);
        self.b.ins().jump(after, &[]);
        self.otherwise(slow, helpers::build_tuple, after);
        self.made(w.a(), Fresh::Surely);
    }

    /// So many bytes of the nursery; goes on with `slow` if it has none left at hand.
    fn bump(&mut self, size: usize, slow: Block) -> Word64 {
        let (cursor, limit) = cape_heap::heap().bump_cells();
        let (cursor, limit) = (self.constant(cursor as u64), self.constant(limit as u64));
        let p = self.load(cursor, 0);
        let end = self.b.ins().iadd_imm_s(p, size as i64);
        let limit = self.load(limit, 0);
        let fits = self.b.ins().icmp(IntCC::UnsignedLessThanOrEqual, end, limit);
        self.unless(fits, slow);
        self.store(end, cursor, 0);
        p
    }

    pub(super) fn store_subscr(&mut self, w: Word) {
        if of_mirrored(self.hint(w.a())).is_some_and(|c| self.store_mirrored(w, c)) {
            return;
        }
        let others = [w.b(), w.c()].map(|r| (self.reg(r), self.hint(r)));
        let status = |c| matches!(c, Convention::Status(None) | Convention::SetItem);
        if !self.special_by_c(Special::Setitem, w.a(), &others, None, status, helpers::store_subscr) {
            // (The barrier of large arrays remembers cells.)
            self.perform(helpers::store_subscr);
        }
    }
}
