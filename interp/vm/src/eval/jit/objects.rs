//! Globals, attributes and items, as the inline caches and the operands at the time of compilation suggest.

use std::mem::offset_of;

use cape_bytecode::Word;
use cape_heap::{MapRef, Value};
use cape_jit::ir::condcodes::IntCC;
use cape_jit::ir::{Block, InstBuilder};

use super::super::attrs::{self, INLINE, METHOD, METHOD_NO_DICT, STORE_INLINE};
use super::super::code::cache_slots;
use super::crossing::Convention;
use super::emit::{Emit, Word64};
use super::helpers;
use crate::frame::Frame;
use crate::object::dict::Entry as DictEntry;
use crate::object::*;
use crate::runtime::rt;
use crate::special::Special;

/// What an entry of an attribute cache promises.
struct Entry {
    map: MapRef,
    kind: u64,
    word: u64,
}

impl Emit<'_, '_> {
    /// Guards that a dict's keys are those of this version; gives the keys.
    fn guard_keys(&mut self, dict: Word64, version: u32) -> Word64 {
        let keys = self.load(dict, offset_of!(DictObj, table) + Table::KEYS);
        let v = self.load32(keys, offset_of!(TableKeys, version));
        let same = self.b.ins().icmp_imm_s(IntCC::Equal, v, version as i64);
        self.guard(same);
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

    /// Entry `i` (0 or 1) of the attribute cache of this instruction, if it is filled and what it says still holds of its map.
    fn entry(&self, i: u32) -> Option<Entry> {
        let (w0, w1) = (self.word(self.at + 1 + 2 * i), self.word(self.at + 2 + 2 * i));
        if w0 == 0 {
            return None;
        }
        // SAFETY: the cache remembers a map; that it lives is not sure, but memory of maps stays memory of maps.
        let map = unsafe { MapRef::from_id(w0 as u32) };
        let version = (w0 >> 32) as u32;
        (map.version.get() == version).then_some(Entry { map, kind: w1 & 15, word: w1 })
    }

    /// The descriptor of a native attribute that the cache of this instruction has, and the map it is for.
    fn native_attribute(&self) -> Option<(MapRef, Value)> {
        let e = self.entry(0).filter(|e| e.kind == attrs::GETSET)?;
        // SAFETY: an entry with such a value has made the caches.
        let caches = unsafe { self.code.cache_values.cast::<CacheObj>() };
        Some((e.map, caches.get((e.word >> 32) as usize)))
    }

    /// A value of the code's caches, in a place of the compiled code's own, that the interpreter never reuses.
    fn own_cache_value(&mut self, from: u64) -> Word64 {
        let at = cache_slots(self.code, 1) as usize;
        // SAFETY: an entry with such a value has made the caches.
        let caches = unsafe { self.code.cache_values.cast::<CacheObj>() };
        caches.set(at, caches.get(from as usize));
        let a = self.constant(&raw const self.code.cache_values as u64);
        let a = self.load(a, 0);
        self.load(a, size_of::<CacheObj>() + 8 * at)
    }

    pub(super) fn load_attr(&mut self, w: Word) {
        let known = self.entry(0).filter(|e| matches!(e.kind, INLINE | attrs::CLASS_VALUE));
        let Some(e) = known else {
            if !self.native_attribute().is_some_and(|(map, d)| self.load_attr_by_c(w, map, d)) {
                self.perform(helpers::load_attr);
            }
            self.null_flag(w);
            return;
        };
        let obj = self.reg(w.b());
        let slow = if self.patient { self.b.create_block() } else { self.failing() };
        self.unless_class(obj, e.map, slow);
        let v = match e.kind {
            INLINE => self.load(obj, (e.word >> 32) as usize),
            _ => self.own_cache_value(e.word >> 32),
        };
        self.set(w.a(), v);
        self.rejoin(slow, helpers::load_attr);
        self.null_flag(w);
    }

    pub(super) fn load_method(&mut self, w: Word) {
        let known = self.entry(0).filter(|e| matches!(e.kind, METHOD | METHOD_NO_DICT));
        let Some(e) = known else {
            self.perform(helpers::load_method);
            return;
        };
        let obj = self.reg(w.b());
        let slow = if self.patient { self.b.create_block() } else { self.failing() };
        self.unless_class(obj, e.map, slow);
        if e.kind == METHOD_NO_DICT {
            let word = self.load(obj, (e.word >> 8 & 0xff_ffff) as usize);
            let none = self.equals(word, 0);
            self.unless(none, slow);
        }
        let f = self.own_cache_value(e.word >> 32);
        self.set(w.a(), f);
        self.set(w.a() + 1, obj);
        self.rejoin(slow, helpers::load_method);
    }

    pub(super) fn store_attr(&mut self, w: Word) {
        let known = self.entry(0).filter(|e| e.kind == STORE_INLINE);
        let Some(e) = known else {
            if !self.native_attribute().is_some_and(|(map, d)| self.store_attr_by_c(w, map, d)) {
                self.perform(helpers::store_attr);
            }
            return;
        };
        let (obj, v) = (self.reg(w.a()), self.reg(w.b()));
        let slow = if self.patient { self.b.create_block() } else { self.failing() };
        self.unless_class(obj, e.map, slow);
        self.store(v, obj, ((e.word & 0xffff_ffff) / 16) as usize);
        self.barrier(obj);
        self.rejoin(slow, helpers::store_attr);
    }

    /// The write barrier of the object in register `a` of the instruction.
    fn barrier(&mut self, obj: Word64) {
        let meta = self.load32(obj, 4);
        let marked = self.b.ins().band_imm_s(meta, cape_heap::ObjFlags::BARRIER as i64);
        let (remember, after) = (self.b.create_block(), self.b.create_block());
        self.b.ins().brif(marked, remember, &[], after, &[]);
        self.follow(remember);
        self.b.set_cold_block(remember);
        // Nothing moves and no Python runs in it: what is known stays known.
        self.remember();
        self.b.ins().jump(after, &[]);
        self.follow(after);
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
            let objects = |c| c == Convention::Objects;
            if !self.special_by_c(Special::Getitem, w.b(), &[key], Some(w.a()), objects, general) {
                self.perform(general);
            }
            return;
        }
        let c = self.reg(w.b());
        let k = if constant { self.konst(w.c() as u32) } else { self.reg(w.c()) };
        let slow = if self.patient { self.b.create_block() } else { self.failing() };
        let Some((base, n, offset)) = self.items(c, guess, slow) else { return };
        let a = self.item_address(base, n, k, slow);
        let v = self.load(a, offset);
        self.set(w.a(), v);
        self.rejoin(slow, general);
    }

    pub(super) fn store_subscr(&mut self, w: Word) {
        let others = [w.b(), w.c()].map(|r| (self.reg(r), self.hint(r)));
        let status = |c| c == Convention::Status(None);
        if !self.special_by_c(Special::Setitem, w.a(), &others, None, status, helpers::store_subscr) {
            // (The barrier of large arrays remembers cells.)
            self.perform(helpers::store_subscr);
        }
    }

    fn remember(&mut self) {
        let known = self.take_known();
        self.call(helpers::store_attr_barrier);
        self.restore_known(known);
    }
}
