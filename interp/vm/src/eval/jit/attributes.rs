//! Attributes, as the inline caches at the time of compilation suggest.

use std::mem::offset_of;

use cape_bytecode::Word;
use cape_heap::{MAP_ID_SHIFT, Map, MapRef, ObjFlags, Ptr, Value, write_barrier};
use cape_jit::ir::condcodes::IntCC;
use cape_jit::ir::types::{I8, I64};
use cape_jit::ir::{Block, InstBuilder, MemFlagsData};

use super::super::attrs::{self, Access, STORE_INLINE};
use super::super::code::cache_slots;
use super::crossing::{Convention, Crossing, Definition, Named, Receiver, Target, To, crossing};
use super::emit::{Emit, Word64};
use super::helpers;
use super::promises::{Found, Kept};
use super::slots::{special, stable_map};
use crate::object::dict::Entry as DictEntry;
use crate::object::*;
use crate::runtime::{rt, type_of};
use crate::special::Special;

/// What an entry of an attribute cache promises.
pub(super) struct Entry {
    map: MapRef,
    kind: u64,
    word: u64,
}

impl Entry {
    /// The cache value, entry of a dictionary or offset that it names.
    fn payload(&self) -> usize {
        (self.word >> 32) as usize
    }

    /// The class of its objects.
    pub(super) fn class(&self) -> Option<Ptr<TypeObj>> {
        self.map.class.downcast()
    }

    /// The offset of the object's attribute word.
    fn attribute_word(&self) -> usize {
        (self.word >> 8 & 0xff_ffff) as usize
    }
}

impl Emit<'_, '_> {
    /// The newest entry of the attribute cache of this instruction, if it is filled and what it says still holds of its map.
    fn entry(&self) -> Option<Entry> {
        let (w0, w1) = (self.word(self.at + 1), self.word(self.at + 2));
        if w0 == 0 {
            return None;
        }
        // SAFETY: the cache remembers a map; that it lives is not sure, but memory of maps stays memory of maps.
        let map = unsafe { MapRef::from_id(w0 as u32) };
        let version = (w0 >> 32) as u32;
        (map.version.get() == version).then_some(Entry { map, kind: w1 & 15, word: w1 })
    }

    /// A value of the code's caches.
    fn cache_value(&self, i: usize) -> Value {
        // SAFETY: an entry that names such a value has made the caches.
        unsafe { self.code.cache_values.cast::<CacheObj>() }.get(i)
    }

    /// A place of the compiled code's own among the code's cache values, that the interpreter never reuses, for one of those.
    fn own_place(&mut self, from: usize) -> usize {
        let at = cache_slots(self.code, 1) as usize;
        let v = self.cache_value(from);
        // SAFETY: as above.
        unsafe { self.code.cache_values.cast::<CacheObj>() }.set(at, v);
        at
    }

    /// A value of the code's caches, from a place of the compiled code's own.
    fn own_cache_value(&mut self, from: usize) -> Word64 {
        let at = self.own_place(from);
        self.value_at(at)
    }

    fn value_at(&mut self, at: usize) -> Word64 {
        let a = self.constant(&raw const self.code.cache_values as u64);
        let a = self.load(a, 0);
        self.load(a, size_of::<CacheObj>() + 8 * at)
    }

    /// Goes on if the attribute is found in the object as the entry says; gives the value that the entry names, if any.
    pub(super) fn unless_found(
        &mut self,
        obj: Word64,
        e: &Entry,
        access: Access,
        slow: Block,
    ) -> Option<Word64> {
        let value = attrs::names_one_value(e.kind).then(|| self.own_place(e.payload()));
        let found = Found { access, word: self.at, entry: e.word, value };
        self.unless_kept(obj, e.map, Kept::Attribute(found), slow);
        value.map(|at| self.value_at(at))
    }

    /// Where this instruction goes on when a promise does not hold.
    fn otherwise_here(&mut self) -> Block {
        if self.patient { self.b.create_block() } else { self.failing() }
    }

    /// The name in `c` of the instruction, which is interned and does not move.
    fn attribute_name(&self, w: Word) -> Value {
        // SAFETY: code that runs has its names.
        let name = unsafe { self.code.names.cast::<ArrayObj>() }.get(w.c() as usize);
        crate::attr::interned(name)
    }

    pub(super) fn load_attr(&mut self, w: Word) {
        if let Some(e) = self.entry() {
            if let Some((v, slow)) = self.attribute(&e, w, Access::Load) {
                self.set(w.a(), v);
                self.rejoin(slow, helpers::load_attr);
                self.null_flag(w);
                return;
            }
            let by_c = match e.kind {
                attrs::GETSET => {
                    let d = self.cache_value(e.payload());
                    self.load_attr_by_c(w, &e, d)
                }
                attrs::DESCRIPTOR => self.read_through_c(w, &e),
                _ => false,
            };
            if by_c {
                self.null_flag(w);
                return;
            }
        } else if self.custom_attr_by_c(w) {
            self.null_flag(w);
            return;
        }
        self.perform(helpers::load_attr);
        self.null_flag(w);
    }

    /// The attribute of the object in register `b`, where the entry says enough; and where this instruction goes on if not.
    fn attribute(&mut self, e: &Entry, w: Word, access: Access) -> Option<(Word64, Block)> {
        let obj = self.reg(w.b());
        match e.kind {
            attrs::INLINE | attrs::CLASS_VALUE | attrs::MEMBER => {
                let slow = self.otherwise_here();
                let value = self.unless_found(obj, e, access, slow);
                let v = value.unwrap_or_else(|| self.load(obj, e.payload()));
                if e.kind == attrs::MEMBER {
                    let there = self.b.ins().icmp_imm_s(IntCC::NotEqual, v, 0);
                    self.unless(there, slow);
                }
                Some((v, slow))
            }
            attrs::OVERFLOW => {
                let word = attrs::word_offset(e.map)?;
                let slow = self.otherwise_here();
                self.unless_class(obj, e.map, slow);
                let more = self.load(obj, word as usize);
                let v = self.load(more, size_of::<ArrayObj>() + 8 * e.payload());
                Some((v, slow))
            }
            attrs::DICT => {
                let (slow, at) = self.dict_attribute(e, access, w.b(), self.attribute_name(w), obj)?;
                let v = self.load(at, 0);
                Some((v, slow))
            }
            attrs::MODULE => {
                let packed = self.cache_value(e.payload() + 1).as_int() as u64;
                let module: Ptr<ModuleObj> = self.cache_value(e.payload()).downcast()?;
                let keys = module.dict().table.keys();
                if keys.version.get() != packed as u32 {
                    return None;
                }
                let place = keys.entry_ptr((packed >> 32) as usize) as usize - &raw const *keys as usize;
                let slow = self.otherwise_here();
                self.unless_class(obj, e.map, slow);
                let known = self.own_cache_value(e.payload());
                let same = self.b.ins().icmp(IntCC::Equal, obj, known);
                self.unless(same, slow);
                let dict = self.load(obj, offset_of!(ModuleObj, dict));
                let keys = self.unless_keys(dict, packed as u32, slow);
                let v = self.load(keys, place + offset_of!(DictEntry, value));
                Some((v, slow))
            }
            attrs::TYPE_VALUE => {
                let slow = self.class_attribute(e, obj)?;
                let v = self.own_cache_value(e.payload() + 1);
                Some((v, slow))
            }
            _ => None,
        }
    }

    /// Guards that an object is the class that the entry is for, and as it was.
    fn class_attribute(&mut self, e: &Entry, obj: Word64) -> Option<Block> {
        let class = self.cache_value(e.payload());
        let version = self.cache_value(e.payload() + 2).as_int();
        if version == 0 || class.downcast::<TypeObj>()?.version.get() as i64 != version {
            return None;
        }
        let slow = self.otherwise_here();
        self.unless_class(obj, e.map, slow);
        self.unless_version(obj, version as u32, slow);
        Some(slow)
    }

    /// The address of the value of an attribute in the dictionary of the object in register `of`, if that has the size and the place for it that it had when the
    /// code got hot; and where this instruction goes on if not.
    fn dict_attribute(
        &mut self,
        e: &Entry,
        access: Access,
        of: u16,
        name: Value,
        obj: Word64,
    ) -> Option<(Block, Word64)> {
        let guess = self.hint(of);
        if guess.map() != Some(e.map) {
            return None;
        }
        // SAFETY: the map says that the attribute word is there.
        let d = unsafe { *((guess.bits() as usize + e.attribute_word()) as *const Value) }
            .downcast::<DictObj>()?;
        if d.header().map() != rt().maps.dict {
            return None;
        }
        let (keys, i) = (d.table.keys(), e.payload());
        if i >= keys.filled() {
            return None;
        }
        let place = keys.entry_ptr(i) as usize - &raw const *keys as usize;
        let slow = self.otherwise_here();
        self.unless_found(obj, e, access, slow);
        let dict = self.load(obj, e.attribute_word());
        self.unless_map(dict, rt().maps.dict, slow);
        let now = self.load(dict, offset_of!(DictObj, table) + Table::KEYS);
        let size = self.b.ins().load(I8, MemFlagsData::trusted(), now, TableKeys::SIZE as i32);
        let same = self.b.ins().icmp_imm_s(IntCC::Equal, size, keys.size() as i64);
        self.unless(same, slow);
        let filled = self.load32(now, TableKeys::FILLED);
        let inside = self.b.ins().icmp_imm_s(IntCC::UnsignedGreaterThan, filled, i as i64);
        self.unless(inside, slow);
        let key = self.load(now, place + offset_of!(DictEntry, key));
        let same = self.equals(key, name.bits());
        self.unless(same, slow);
        let value = self.load(now, place + offset_of!(DictEntry, value));
        let there = self.b.ins().icmp_imm_s(IntCC::NotEqual, value, 0);
        self.unless(there, slow);
        let at = self.b.ins().iadd_imm_s(now, (place + offset_of!(DictEntry, value)) as i64);
        Some((slow, at))
    }

    pub(super) fn load_method(&mut self, w: Word) {
        let Some(e) = self.entry() else {
            self.perform(helpers::load_method);
            return;
        };
        let obj = self.reg(w.b());
        match e.kind {
            attrs::METHOD | attrs::METHOD_NO_DICT => {
                let slow = self.otherwise_here();
                let f = self.unless_found(obj, &e, Access::Method, slow).expect("it names one");
                if e.kind == attrs::METHOD_NO_DICT {
                    let word = self.load(obj, e.attribute_word());
                    let none = self.equals(word, 0);
                    self.unless(none, slow);
                }
                self.method(w, f, obj, slow);
            }
            // (What a class has for itself says so in a bit more.)
            attrs::CLASS_METHOD if e.word & 16 != 0 => match self.class_attribute(&e, obj) {
                Some(slow) => {
                    let f = self.own_cache_value(e.payload() + 1);
                    self.method(w, f, obj, slow);
                }
                None => self.perform(helpers::load_method),
            },
            attrs::CLASS_METHOD => {
                let slow = self.otherwise_here();
                self.unless_class(obj, e.map, slow);
                let f = self.own_cache_value(e.payload());
                let class = self.constant(e.map.class.get().bits());
                self.method(w, f, class, slow);
            }
            _ => match self.attribute(&e, w, Access::Method) {
                Some((v, slow)) => {
                    let none = self.constant(0);
                    self.method(w, v, none, slow);
                }
                None => self.perform(helpers::load_method),
            },
        }
    }

    /// Function and self have been found.
    fn method(&mut self, w: Word, f: Word64, this: Word64, slow: Block) {
        self.set(w.a(), f);
        self.set(w.a() + 1, this);
        self.rejoin(slow, helpers::load_method);
    }

    pub(super) fn store_attr(&mut self, w: Word) {
        let by_c = match self.entry() {
            Some(e) => match e.kind {
                STORE_INLINE => {
                    let (obj, v) = (self.reg(w.a()), self.reg(w.b()));
                    let slow = self.otherwise_here();
                    self.unless_found(obj, &e, Access::Store, slow);
                    self.store(v, obj, ((e.word & 0xffff_ffff) / 16) as usize);
                    self.barrier(obj);
                    self.rejoin(slow, helpers::store_attr);
                    return;
                }
                attrs::GETSET => {
                    let d = self.cache_value(e.payload());
                    self.store_attr_by_c(w, &e, d)
                }
                attrs::DESCRIPTOR => self.write_through_c(w, &e),
                attrs::DICT => self.store_in_dict(w, &e),
                _ => false,
            },
            None => self.set_custom_attr_by_c(w),
        };
        if !by_c {
            self.perform(helpers::store_attr);
        }
    }

    fn store_in_dict(&mut self, w: Word, e: &Entry) -> bool {
        let obj = self.reg(w.a());
        let name = self.attribute_name(w);
        let Some((slow, at)) = self.dict_attribute(e, Access::Store, w.a(), name, obj) else { return false };
        let v = self.reg(w.b());
        self.store(v, at, 0);
        let dict = self.load(obj, e.attribute_word());
        let keys = self.load(dict, offset_of!(DictObj, table) + Table::KEYS);
        self.barrier(keys);
        self.rejoin(slow, helpers::store_attr);
        true
    }

    /// The write barrier of an object.
    fn barrier(&mut self, obj: Word64) {
        let meta = self.load32(obj, 4);
        let marked = self.b.ins().band_imm_s(meta, ObjFlags::BARRIER as i64);
        let (remember, after) = (self.b.create_block(), self.b.create_block());
        self.b.ins().brif(marked, remember, &[], after, &[]);
        self.follow(remember);
        self.b.set_cold_block(remember);
        // Nothing moves and no Python runs in it: what is known stays known.
        let f = self.constant(remember_object as *const () as u64);
        self.call_c(f, &[obj]);
        self.b.ins().jump(after, &[]);
        self.follow(after);
    }

    // ---- by functions of C ----

    /// A function behind a special method of the class of `of`, which reads an attribute of the object in register `b`.
    fn attribute_target(&self, c: &Crossing, w: Word, of: Value, s: Special) -> Option<Target> {
        let convention = if s == Special::Get { Convention::Get } else { Convention::Objects };
        let mut target = special(c, of, s).filter(|t| t.convention == convention)?;
        let Definition::Method(def) = target.definition else { return None };
        let named = Named { def, class: type_of(of), name: self.attribute_name(w) };
        // (Compiled code lives for ever.)
        target.definition = Definition::Read(Box::leak(Box::new(named)));
        Some(target)
    }

    /// The data descriptor that the cache of this instruction has now for the class of an object, and that class: also for one that the
    /// cache has met since the code was compiled.
    fn cached_descriptor(&mut self, obj: Word64, slow: Block) -> (Word64, Word64) {
        let pointer = self.is_pointer(obj);
        self.unless(pointer, slow);
        let cache = self.address(self.at + 1);
        let (id, of) = (self.load32(obj, 0), self.load32(cache, 0));
        let same = self.b.ins().icmp(IntCC::Equal, id, of);
        self.unless(same, slow);
        let wide = self.b.ins().uextend(I64, id);
        let map = self.b.ins().ishl_imm_s(wide, MAP_ID_SHIFT as i64);
        let (now, then) = (self.load32(map, offset_of!(Map, version)), self.load32(cache, 4));
        let same = self.b.ins().icmp(IntCC::Equal, now, then);
        self.unless(same, slow);
        let entry = self.load(cache, 8);
        let kind = self.b.ins().band_imm_s(entry, 15);
        let same = self.b.ins().icmp_imm_s(IntCC::Equal, kind, attrs::DESCRIPTOR as i64);
        self.unless(same, slow);
        let values = self.constant(&raw const self.code.cache_values as u64);
        let values = self.load(values, 0);
        let index = self.b.ins().ushr_imm_s(entry, 32);
        let offset = self.b.ins().ishl_imm_s(index, 3);
        let at = self.b.ins().iadd(values, offset);
        let descriptor = self.load(at, size_of::<CacheObj>());
        let class = self.load(map, offset_of!(Map, class));
        (descriptor, class)
    }

    /// A data descriptor of C's, read by its `__get__`.
    fn read_through_c(&mut self, w: Word, e: &Entry) -> bool {
        let Some(c) = crossing() else { return false };
        let d = self.cache_value(e.payload());
        let Some(target) = self.attribute_target(c, w, d, Special::Get) else { return false };
        let Some(map) = stable_map(d) else { return false };
        let (slow, after) = (self.b.create_block(), self.b.create_block());
        let obj = self.reg(w.b());
        let (descriptor, class) = self.cached_descriptor(obj, slow);
        self.unless_class(descriptor, map, slow);
        let values = [(descriptor, Value::EMPTY), (obj, Value::EMPTY), (class, Value::EMPTY)];
        let (receiver, to) = (Receiver::Register(w.b()), To::Register(w.a()));
        self.cross(c, target, &values, receiver, self.at, to, slow, after, None);
        self.otherwise(slow, helpers::load_attr, after);
        true
    }

    /// A data descriptor of C's, written by its `__set__`.
    fn write_through_c(&mut self, w: Word, e: &Entry) -> bool {
        let Some(c) = crossing() else { return false };
        let d = self.cache_value(e.payload());
        let target = special(c, d, Special::Set).filter(|t| t.convention == Convention::Status(None));
        let (Some(target), Some(map)) = (target, stable_map(d)) else { return false };
        let guess = self.hint(w.b());
        if guess.is_empty() {
            return false;
        }
        let (slow, after) = (self.b.create_block(), self.b.create_block());
        let (obj, v) = (self.reg(w.a()), self.reg(w.b()));
        let (descriptor, _) = self.cached_descriptor(obj, slow);
        self.unless_class(descriptor, map, slow);
        let values = [(descriptor, Value::EMPTY), (obj, Value::EMPTY), (v, guess)];
        self.cross(c, target, &values, Receiver::Register(w.a()), self.at, To::Nowhere, slow, after, None);
        self.otherwise(slow, helpers::store_attr, after);
        true
    }

    /// An attribute of an object of a class with a `tp_getattro` of its own.
    fn custom_attr_by_c(&mut self, w: Word) -> bool {
        let Some(c) = crossing() else { return false };
        let guess = self.hint(w.b());
        if !guess.is_ptr() || !type_of(guess).has(TypeFlags::CUSTOM_GETATTR) {
            return false;
        }
        if !type_of(guess).special(Special::Getattr).is_empty() {
            return false;
        }
        let target = self.attribute_target(c, w, guess, Special::Getattribute);
        let (Some(target), Some(map)) = (target, stable_map(guess)) else { return false };
        let (slow, after) = (self.b.create_block(), self.b.create_block());
        let obj = self.reg(w.b());
        self.unless_class(obj, map, slow);
        let name = self.constant(self.attribute_name(w).bits());
        let values = [(obj, Value::EMPTY), (name, Value::EMPTY)];
        let (receiver, to) = (Receiver::Register(w.b()), To::Register(w.a()));
        self.cross(c, target, &values, receiver, self.at, to, slow, after, None);
        self.otherwise(slow, helpers::load_attr, after);
        true
    }

    /// An attribute is set of an object of a class with a `tp_setattro` of its own.
    fn set_custom_attr_by_c(&mut self, w: Word) -> bool {
        let Some(c) = crossing() else { return false };
        let (guess, value) = (self.hint(w.a()), self.hint(w.b()));
        if !guess.is_ptr() || !type_of(guess).has(TypeFlags::CUSTOM_SETATTR) || value.is_empty() {
            return false;
        }
        let target = special(c, guess, Special::Setattr).filter(|t| t.convention == Convention::Status(None));
        let (Some(target), Some(map)) = (target, stable_map(guess)) else { return false };
        let (slow, after) = (self.b.create_block(), self.b.create_block());
        let (obj, v) = (self.reg(w.a()), self.reg(w.b()));
        self.unless_class(obj, map, slow);
        let name = self.constant(self.attribute_name(w).bits());
        let values = [(obj, Value::EMPTY), (name, Value::EMPTY), (v, value)];
        self.cross(c, target, &values, Receiver::Register(w.a()), self.at, To::Nowhere, slow, after, None);
        self.otherwise(slow, helpers::store_attr, after);
        true
    }
}

/// The write barrier of an object that wants it.
///
/// # Safety
/// `object` is a live heap object.
unsafe extern "C-unwind" fn remember_object(object: Value) {
    write_barrier(object.header());
}
