//! Attribute sites with inline caches.
//!
//! Each has two entries of two words, the latest first: word 0 = map id (low half) and class version (high half); word 1 = kind (low
//! half byte) and payload (of LoadAttr and LoadMethod from bit 32 on). A hit needs the object's map to be the one cached, and the map's
//! version (its class's) to be unchanged.

use std::cell::Cell;

use cape_bytecode::Word;
use cape_heap::{HeapObject, MapRef, Ptr, Value};

use super::code::cache_slots;
use crate::attr::{interned, is_data_descriptor};
use crate::class::{lookup_mro, version};
use crate::exc::Res;
use crate::object::*;
use crate::runtime::{rt, type_of};
use crate::shape;
use crate::special::Special;
use crate::vm::Vm;

/// Attribute slot in the object, at a byte offset.
pub(super) const INLINE: u64 = 1;
/// Attribute slot in the overflow array.
pub(super) const OVERFLOW: u64 = 2;
/// Class attribute that binds to nothing, in the code's cache values.
pub(super) const CLASS_VALUE: u64 = 3;
/// `__slots__` member, at a byte offset; EMPTY means missing.
pub(super) const MEMBER: u64 = 4;
/// Module attribute: cache values hold the module, its key version and entry index.
pub(super) const MODULE: u64 = 5;
/// Attribute read from a class: cache values hold the class and the value; payload's class version is in word 0.
pub(super) const TYPE_VALUE: u64 = 6;
/// Method to be called with the object as self, in the code's cache values.
pub(super) const METHOD: u64 = 7;
/// Stores: payload = byte offset; adding: the new map's id in bits 8..32 is not enough, so it is in word 1's low part.
pub(super) const STORE_INLINE: u64 = 8;
const STORE_ADD: u64 = 9;
/// Native attribute (getset, C member), in the code's cache values; the same number for loads and stores.
pub(super) const GETSET: u64 = 10;
/// As METHOD, for objects that keep attributes in a dictionary, where none may have its name: the offset of their attribute word is in
/// bits 8..32. Objects without a dictionary are known at once.
pub(super) const METHOD_NO_DICT: u64 = 11;
/// Instance attribute in the object's dictionary: the payload is the entry where it was, the offset of the attribute word is in bits
/// 8..32; the same number for loads and stores.
pub(super) const DICT: u64 = 12;
/// Data descriptor of another kind, in the code's cache values; the same number for loads and stores.
pub(super) const DESCRIPTOR: u64 = 13;
/// Method that is read and not called, in the code's cache values: it is bound to the object.
const BOUND: u64 = 14;
/// Class method of an object's class: the function behind it, in the code's cache values, to be called with the class as self.
pub(super) const CLASS_METHOD: u64 = 15;
/// The same of a class, with the cache values of TYPE_VALUE.
const TYPE_METHOD: u64 = CLASS_METHOD | 16;

#[inline(always)]
fn hit(obj: Value, w0: u64) -> bool {
    if !obj.is_ptr() {
        return false;
    }
    let h = obj.header();
    if h.map_id() != w0 as u32 {
        return false;
    }
    h.map().version.get() == (w0 >> 32) as u32
}

#[inline(always)]
fn cache_value(code: Ptr<CodeObj>, i: u64) -> Value {
    // SAFETY: the cache array belongs to the code and has the slots that its caches were given.
    unsafe { code.cache_values.cast::<CacheObj>() }.get(i as usize)
}

#[inline(always)]
unsafe fn at_offset(obj: Value, offset: u64) -> Value {
    // SAFETY: the cached map says that a value is at this offset of the object.
    unsafe { *((obj.bits() + offset) as *const Value) }
}

/// The attribute, if the cache knows it.
///
/// # Safety
/// `cache` must be the four cache words of an attribute instruction of `code`.
#[inline(always)]
pub(super) unsafe fn cached_attr(code: Ptr<CodeObj>, obj: Value, cache: *const Cell<u64>) -> Option<Value> {
    // SAFETY: the caller's promise.
    let (w0, w1) = unsafe { ((*cache).get(), (*cache.add(1)).get()) };
    if hit(obj, w0) {
        return known_attr(code, obj, w1);
    }
    // SAFETY: as above.
    unsafe { second_attr(code, obj, cache.add(2)) }
}

/// [`cached_attr`] by the second entry.
///
/// # Safety
/// As for [`cached_attr`].
#[inline(never)]
unsafe fn second_attr(code: Ptr<CodeObj>, obj: Value, entry: *const Cell<u64>) -> Option<Value> {
    // SAFETY: the caller's promise.
    let (w0, w1) = unsafe { ((*entry).get(), (*entry.add(1)).get()) };
    if hit(obj, w0) { known_attr(code, obj, w1) } else { None }
}

/// The attribute, as the entry that was hit says.
#[inline(always)]
fn known_attr(code: Ptr<CodeObj>, obj: Value, w1: u64) -> Option<Value> {
    let payload = w1 >> 32;
    match w1 & 15 {
        // SAFETY: see at_offset.
        INLINE => Some(unsafe { at_offset(obj, payload) }),
        OVERFLOW => {
            let h = obj.header();
            let m = h.map();
            // SAFETY: the shape has the slot, so the attribute word holds the overflow array.
            Some(unsafe { (*h.tail().add(m.dict_index as usize)).cast::<ArrayObj>() }.get(payload as usize))
        }
        CLASS_VALUE => Some(cache_value(code, payload)),
        MEMBER => {
            // SAFETY: see at_offset.
            let v = unsafe { at_offset(obj, payload) };
            (!v.is_empty()).then_some(v)
        }
        GETSET | DICT | DESCRIPTOR | BOUND | CLASS_METHOD => None,
        kind => cached_special(code, obj, kind, payload),
    }
}

#[inline(never)]
fn cached_special(code: Ptr<CodeObj>, obj: Value, kind: u64, payload: u64) -> Option<Value> {
    if cache_value(code, payload) != obj {
        return None;
    }
    match kind {
        MODULE => {
            let packed = cache_value(code, payload + 1).as_int() as u64;
            let m: Ptr<ModuleObj> = obj.downcast()?;
            let keys = m.dict().table.keys();
            if keys.version.get() != packed as u32 {
                return None;
            }
            Some(keys.entry((packed >> 32) as usize).value)
        }
        TYPE_VALUE => {
            let c: Ptr<TypeObj> = obj.downcast()?;
            (c.version.get() as i64 == cache_value(code, payload + 2).as_int())
                .then(|| cache_value(code, payload + 1))
        }
        _ => None,
    }
}

/// Function and self for a method call, if the cache knows them.
///
/// # Safety
/// As [`cached_attr`].
#[inline(always)]
pub(super) unsafe fn cached_method(
    code: Ptr<CodeObj>,
    obj: Value,
    cache: *const Cell<u64>,
) -> Option<(Value, Value)> {
    // SAFETY: the caller's promise.
    let (w0, w1) = unsafe { ((*cache).get(), (*cache.add(1)).get()) };
    if hit(obj, w0) {
        return known_method(code, obj, w1);
    }
    // SAFETY: as above.
    unsafe { second_method(code, obj, cache.add(2)) }
}

/// [`cached_method`] by the second entry.
///
/// # Safety
/// As for [`cached_attr`].
#[inline(never)]
unsafe fn second_method(code: Ptr<CodeObj>, obj: Value, entry: *const Cell<u64>) -> Option<(Value, Value)> {
    // SAFETY: the caller's promise.
    let (w0, w1) = unsafe { ((*entry).get(), (*entry.add(1)).get()) };
    if hit(obj, w0) { known_method(code, obj, w1) } else { None }
}

/// Function and self, as the entry that was hit says.
#[inline(always)]
fn known_method(code: Ptr<CodeObj>, obj: Value, w1: u64) -> Option<(Value, Value)> {
    match w1 & 15 {
        METHOD => Some((cache_value(code, w1 >> 32), obj)),
        METHOD_NO_DICT => {
            // SAFETY: see at_offset.
            let word = unsafe { at_offset(obj, w1 >> 8 & 0xff_ffff) };
            word.is_empty().then(|| (cache_value(code, w1 >> 32), obj))
        }
        CLASS_METHOD => cached_class_method(code, obj, w1),
        _ => known_attr(code, obj, w1).map(|v| (v, Value::EMPTY)),
    }
}

#[inline(never)]
fn cached_class_method(code: Ptr<CodeObj>, obj: Value, w1: u64) -> Option<(Value, Value)> {
    let at = w1 >> 32;
    if w1 & 0xff == CLASS_METHOD {
        return Some((cache_value(code, at), type_of(obj).value()));
    }
    if cache_value(code, at) != obj {
        return None;
    }
    let c: Ptr<TypeObj> = obj.downcast()?;
    (c.version.get() as i64 == cache_value(code, at + 2).as_int()).then(|| (cache_value(code, at + 1), obj))
}

/// Stores, if the cache knows where.
///
/// # Safety
/// As [`cached_attr`], for StoreAttr.
#[inline(always)]
pub(super) unsafe fn cached_store(obj: Value, v: Value, cache: *const Cell<u64>) -> bool {
    // SAFETY: the caller's promise.
    let (w0, w1) = unsafe { ((*cache).get(), (*cache.add(1)).get()) };
    if hit(obj, w0) {
        return known_store(obj, v, w1);
    }
    // SAFETY: as above.
    unsafe { second_store(obj, v, cache.add(2)) }
}

/// [`cached_store`] by the second entry.
///
/// # Safety
/// As for [`cached_attr`].
#[inline(never)]
unsafe fn second_store(obj: Value, v: Value, entry: *const Cell<u64>) -> bool {
    // SAFETY: the caller's promise.
    let (w0, w1) = unsafe { ((*entry).get(), (*entry.add(1)).get()) };
    hit(obj, w0) && known_store(obj, v, w1)
}

/// Stores, as the entry that was hit says.
#[inline(always)]
fn known_store(obj: Value, v: Value, w1: u64) -> bool {
    if w1 & 15 >= GETSET {
        return false;
    }
    let h = obj.header();
    // SAFETY: the cached map (or the one that it leads to) has a slot at this offset of the object.
    unsafe { *((obj.bits() + (w1 & 0xffff_ffff) / 16) as *mut Value) = v };
    if w1 & 15 == STORE_ADD {
        // SAFETY: maps live as long as their class, and the cached version vouches for it.
        h.set_map(unsafe { MapRef::from_id((w1 >> 32) as u32) });
    }
    cape_heap::write_barrier(h);
    true
}

/// Byte offset of attribute slot `slot` in objects of a fixed-size map; `None` when it is in the overflow array.
fn inline_offset(map: MapRef, slot: u32) -> Option<u64> {
    if map.kind().size.is_some() || slot >= map.inline_count as u32 {
        return None;
    }
    let tail = map.fixed_size() - 8 * map.tail_words as usize;
    Some((tail + 8 * (map.inline_start as usize + slot as usize)) as u64)
}

/// Byte offset of the attribute word in objects of a fixed-size map, if it fits bits 8..32 of a cache word.
pub(super) fn word_offset(map: MapRef) -> Option<u64> {
    if map.kind().size.is_some() {
        return None;
    }
    let tail = map.fixed_size() - 8 * map.tail_words as usize;
    Some((tail + 8 * map.dict_index as usize) as u64).filter(|&o| o < 1 << 24)
}

/// The dictionary of an object whose cache says DICT, and the entry of `name`, if it is still where it was.
#[inline(always)]
fn dict_entry(obj: Value, name: Value, w1: u64) -> Option<(Ptr<DictObj>, usize)> {
    // SAFETY: see at_offset.
    let d = unsafe { at_offset(obj, w1 >> 8 & 0xff_ffff) }.downcast::<DictObj>()?;
    let (keys, i) = (d.table.keys(), (w1 >> 32) as usize);
    if i >= keys.filled() {
        return None;
    }
    let e = keys.entry(i);
    (e.key == name && !e.value.is_empty()).then_some((d, i))
}

/// Whether a class attribute is a method whose self is the object it is called on.
fn is_plain_method(d: Value) -> bool {
    d.is::<FunctionObj>() || d.is::<MethodDescrObj>() && d.header().map() != rt().maps.classmethod_descriptor
}

/// The two words of entry `i` of the instruction at `pc`.
fn entry_words<'a>(pc: *const Cell<u64>, i: usize) -> (&'a Cell<u64>, &'a Cell<u64>) {
    debug_assert!(i < 2);
    // SAFETY: four cache words follow an attribute instruction.
    unsafe { (&*pc.add(1 + 2 * i), &*pc.add(2 + 2 * i)) }
}

/// The entry that gives way to one for `map`: the first when it is for this map, too.
fn leaving(pc: *const Cell<u64>, map: MapRef) -> usize {
    let first = entry_words(pc, 0).0.get();
    (first != 0 && first as u32 != map.id()) as usize
}

/// Makes an entry the first one.
fn put_entry(pc: *const Cell<u64>, map: MapRef, version: u32, w1: u64) {
    if version == 0 {
        return;
    }
    let (a, b) = (entry_words(pc, 0), entry_words(pc, 1));
    if leaving(pc, map) == 1 {
        b.0.set(a.0.get());
        b.1.set(a.1.get());
    }
    a.0.set(map.id() as u64 | (version as u64) << 32);
    a.1.set(w1);
}

fn fill(pc: *const Cell<u64>, map: MapRef, version: u32, kind: u64, payload: u64) {
    put_entry(pc, map, version, kind | payload << 32);
}

/// How many cache values an entry of this kind has.
fn slots_of(kind: u64) -> u32 {
    match kind {
        CLASS_VALUE | METHOD | METHOD_NO_DICT | GETSET | DESCRIPTOR | BOUND => 1,
        MODULE => 2,
        TYPE_VALUE | CLASS_METHOD => 3,
        _ => 0,
    }
}

/// Whether an entry of this kind names one value.
pub(super) fn names_one_value(kind: u64) -> bool {
    slots_of(kind) == 1
}

/// Cache values for an entry for `map`: those of the entry that gives way, when it has enough.
fn entry_slots(code: Ptr<CodeObj>, pc: *const Cell<u64>, map: MapRef, n: u32) -> u32 {
    let (w0, w1) = entry_words(pc, leaving(pc, map));
    if slots_of(w1.get() & 15) < n {
        return cache_slots(code, n);
    }
    // Nothing is to be found there under the old map.
    w0.set(0);
    (w1.get() >> 32) as u32
}

/// What an attribute instruction does.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Access {
    Load,
    Method,
    Store,
}

/// Whether the attribute of the instruction at a word is found in an object as `entry`, the second word of another object's cache entry
/// and the place of the cache value that it names, has it: by the same slot, or the same value of the class. Fills the cache.
pub(super) fn is_found_so(
    vm: &Vm,
    code: Ptr<CodeObj>,
    obj: Value,
    access: Access,
    word: u32,
    entry: (u64, Option<usize>),
) -> bool {
    let pc = code.words.as_ptr().wrapping_add(word as usize);
    // SAFETY: an instruction of the code.
    let w = Word(unsafe { (*pc).get() });
    // SAFETY: code that runs has its names.
    let name = unsafe { code.names.cast::<ArrayObj>() }.get(w.c() as usize);
    if !hit(obj, entry_words(pc, 0).0.get()) {
        match access {
            Access::Store => vm.cache_store(code, obj, name, pc),
            _ => {
                vm.cache_attr(code, obj, name, pc, access == Access::Method);
            }
        }
    }
    let (w0, w1) = entry_words(pc, 0);
    let (w1, (old, value)) = (w1.get(), entry);
    if !hit(obj, w0.get()) || w1 & 15 != old & 15 {
        return false;
    }
    let place = w1 as u32 == old as u32;
    match w1 & 15 {
        INLINE | MEMBER | STORE_INLINE | DICT => w1 == old,
        kind if names_one_value(kind) => {
            place && value.is_some_and(|at| cache_value(code, w1 >> 32) == cache_value(code, at as u64))
        }
        _ => false,
    }
}

impl Vm {
    #[inline(never)]
    pub(crate) fn load_attr(
        &self,
        code: Ptr<CodeObj>,
        obj: Value,
        name: Value,
        pc: *const Cell<u64>,
    ) -> Res<Value> {
        for i in 0..2 {
            let (w0, w1) = entry_words(pc, i);
            let w1 = w1.get();
            if !matches!(w1 & 15, GETSET | DICT | DESCRIPTOR | BOUND) || !hit(obj, w0.get()) {
                continue;
            }
            if w1 & 15 == BOUND {
                return self.descr_get(cache_value(code, w1 >> 32), obj, type_of(obj));
            }
            if w1 & 15 == DESCRIPTOR {
                if let Some(r) = self.read_through(cache_value(code, w1 >> 32), obj, name) {
                    return r;
                }
                break;
            }
            if w1 & 15 == GETSET {
                // SAFETY: the slot of this cache holds a native attribute's descriptor.
                let d = unsafe { cache_value(code, w1 >> 32).cast::<GetSetObj>() };
                return d.def.read(self, obj).map_err(|r| self.attribute_context(r, obj, name));
            }
            if let Some((d, i)) = dict_entry(obj, name, w1) {
                return Ok(d.table.keys().entry(i).value);
            }
        }
        self.load_attr_slow(code, obj, name, pc)
    }

    #[inline(never)]
    fn load_attr_slow(
        &self,
        code: Ptr<CodeObj>,
        obj: Value,
        name: Value,
        pc: *const Cell<u64>,
    ) -> Res<Value> {
        if obj.is_ptr() {
            self.cache_attr(code, obj, name, pc, false);
            // SAFETY: four cache words follow.
            if let Some(v) = unsafe { cached_attr(code, obj, pc.add(1)) } {
                return Ok(v);
            }
        }
        self.get_attr(obj, name)
    }

    /// Fills the cache when the access is of a cacheable sort.
    fn cache_attr(
        &self,
        code: Ptr<CodeObj>,
        obj: Value,
        name: Value,
        pc: *const Cell<u64>,
        method: bool,
    ) -> bool {
        let t = type_of(obj);
        if t.has(TypeFlags::CUSTOM_GETATTR) {
            return false;
        }
        let map = obj.header().map();
        if let Some(m) = obj.downcast::<ModuleObj>() {
            return self.cache_module(code, m, t, name, pc);
        }
        if let Some(c) = obj.downcast::<TypeObj>() {
            return self.cache_type(code, c, t, name, pc, method);
        }
        if obj.is::<NamespaceObj>() {
            return false;
        }
        let descr = lookup_mro(t, name);
        if let Some(d) = descr
            && is_data_descriptor(d)
        {
            if let Some(m) = d.downcast::<MemberObj>()
                && map.kind().size.is_none()
                && m.class.downcast::<TypeObj>().is_some_and(|c| t.is_subtype(c))
            {
                let tail = map.fixed_size() - 8 * map.tail_words as usize;
                fill(pc, map, version(t), MEMBER, tail as u64 + 8 * m.index.get() as u64);
                return true;
            }
            if !method
                && let Some(g) = d.downcast::<GetSetObj>()
                && g.class.downcast::<TypeObj>().is_some_and(|c| t.is_subtype(c))
            {
                let at = entry_slots(code, pc, map, 1);
                self.set_cache_value(code, at, d);
                fill(pc, map, version(t), GETSET, at as u64);
                return true;
            }
            if !method {
                self.cache_descriptor(code, d, t, map, pc);
            }
            return false;
        }
        if shape::has_attrs(map) {
            // Objects in dict mode may shadow the class at any time.
            let Some(s) = shape::shape_of(map) else {
                return if method {
                    shape::get(obj.header(), name).is_none()
                        && self.cache_method_no_dict(code, obj, t, descr, pc)
                } else {
                    !descr.is_some_and(may_become_data_descriptor) && self.cache_dict(obj, t, name, pc)
                };
            };
            if let Some(slot) = s.slot_of(name) {
                if descr.is_some_and(may_become_data_descriptor) {
                    return false;
                }
                match inline_offset(map, slot) {
                    Some(o) => fill(pc, map, version(t), INLINE, o),
                    None => fill(pc, map, version(t), OVERFLOW, (slot - map.inline_count as u32) as u64),
                }
                return true;
            }
        }
        let Some(d) = descr else { return false };
        if is_plain_method(d) {
            let at = entry_slots(code, pc, map, 1);
            self.set_cache_value(code, at, d);
            fill(pc, map, version(t), if method { METHOD } else { BOUND }, at as u64);
            return true;
        }
        if method && let Some(f) = behind_class_method(d) {
            let at = entry_slots(code, pc, map, 3);
            self.set_cache_value(code, at, f);
            fill(pc, map, version(t), CLASS_METHOD, at as u64);
            return true;
        }
        let value = match d.downcast::<StaticMethodObj>() {
            Some(s) if d.header().map() == rt().maps.staticmethod => s.callable.get(),
            _ if !d.is_ptr() || type_of(d).special(Special::Get).is_empty() && !binds_natively(d) => d,
            _ => return false,
        };
        let at = entry_slots(code, pc, map, 1);
        self.set_cache_value(code, at, value);
        fill(pc, map, version(t), CLASS_VALUE, at as u64);
        true
    }

    /// Remembers a data descriptor that has methods for it.
    fn cache_descriptor(
        &self,
        code: Ptr<CodeObj>,
        d: Value,
        t: Ptr<TypeObj>,
        map: MapRef,
        pc: *const Cell<u64>,
    ) {
        if !d.is::<GetSetObj>() && !d.is::<MemberObj>() {
            let at = entry_slots(code, pc, map, 1);
            self.set_cache_value(code, at, d);
            fill(pc, map, version(t), DESCRIPTOR, at as u64);
        }
    }

    /// What a data descriptor gives; `None`: it is one that cannot be read, or none any more, since its own class changed.
    fn read_through(&self, d: Value, obj: Value, name: Value) -> Option<Res<Value>> {
        let r = if d.header().map() == rt().maps.property {
            // SAFETY: the map says what it is.
            self.property_get(unsafe { d.cast() }, obj)
        } else {
            let t = type_of(d);
            let get = t.special(Special::Get);
            if get.is_empty() || t.special(Special::Set).is_empty() && t.special(Special::Delete).is_empty() {
                return None;
            }
            self.call_special(get, &[d, obj, type_of(obj).value()])
        };
        Some(r.map_err(|r| self.attribute_context(r, obj, name)))
    }

    /// Remembers where in its dictionary an object has an attribute that nothing in its class hides.
    fn cache_dict(&self, obj: Value, t: Ptr<TypeObj>, name: Value, pc: *const Cell<u64>) -> bool {
        let map = obj.header().map();
        let Some(offset) = word_offset(map) else { return false };
        // SAFETY: the map says that the attribute word is there.
        let Some(d) = unsafe { at_offset(obj, offset) }.downcast::<DictObj>() else { return false };
        let Some(i) = d.index_of_str(name) else { return false };
        fill(pc, map, version(t), DICT | offset << 8, i as u64);
        true
    }

    fn cache_method_no_dict(
        &self,
        code: Ptr<CodeObj>,
        obj: Value,
        t: Ptr<TypeObj>,
        descr: Option<Value>,
        pc: *const Cell<u64>,
    ) -> bool {
        let map = obj.header().map();
        let Some(d) = descr.filter(|&d| is_plain_method(d)) else { return false };
        let Some(offset) = word_offset(map) else { return false };
        let at = entry_slots(code, pc, map, 1);
        self.set_cache_value(code, at, d);
        fill(pc, map, version(t), METHOD_NO_DICT | offset << 8, at as u64);
        true
    }

    fn set_cache_value(&self, code: Ptr<CodeObj>, at: u32, v: Value) {
        let caches: Ptr<CacheObj> = code.cache_values.downcast().expect("caches");
        caches.set(at as usize, v);
    }

    fn cache_module(
        &self,
        code: Ptr<CodeObj>,
        m: Ptr<ModuleObj>,
        t: Ptr<TypeObj>,
        name: Value,
        pc: *const Cell<u64>,
    ) -> bool {
        let Some(i) = m.dict().index_of_str(name) else { return false };
        if i >= 1 << 18 || lookup_mro(t, name).is_some_and(is_data_descriptor) {
            return false;
        }
        let at = entry_slots(code, pc, m.header().map(), 2);
        self.set_cache_value(code, at, m.value());
        let packed = m.dict().table.version() as i64 | (i as i64) << 32;
        self.set_cache_value(code, at + 1, Value::int(packed));
        fill(pc, m.header().map(), version(t), MODULE, at as u64);
        true
    }

    fn cache_type(
        &self,
        code: Ptr<CodeObj>,
        c: Ptr<TypeObj>,
        meta: Ptr<TypeObj>,
        name: Value,
        pc: *const Cell<u64>,
        method: bool,
    ) -> bool {
        if lookup_mro(meta, name).is_some() {
            return false;
        }
        let Some(d) = lookup_mro(c, name) else { return false };
        let (kind, value) = match behind_class_method(d) {
            Some(f) if method => (TYPE_METHOD, Some(f)),
            _ => (TYPE_VALUE, None),
        };
        let value = if let Some(f) = value {
            f
        } else {
            match d.downcast::<StaticMethodObj>() {
                Some(s) if d.header().map() == rt().maps.staticmethod => s.callable.get(),
                _ if d.is::<FunctionObj>()
                    || d.is::<GetSetObj>()
                    || d.is::<MemberObj>()
                    || d.is::<MethodDescrObj>() && d.header().map() != rt().maps.classmethod_descriptor =>
                {
                    d
                }
                _ if !d.is_ptr() || type_of(d).special(Special::Get).is_empty() && !binds_natively(d) => d,
                _ => return false,
            }
        };
        let at = entry_slots(code, pc, c.header().map(), 3);
        self.set_cache_value(code, at, c.value());
        self.set_cache_value(code, at + 1, value);
        self.set_cache_value(code, at + 2, Value::int(version(c) as i64));
        fill(pc, c.header().map(), version(meta), kind, at as u64);
        true
    }

    #[inline(never)]
    pub(crate) fn load_method(
        &self,
        code: Ptr<CodeObj>,
        obj: Value,
        name: Value,
        pc: *const Cell<u64>,
    ) -> Res<(Value, Value)> {
        if let Some(f) = method_beside_dict(code, obj, name, pc) {
            return Ok((f, obj));
        }
        let t = type_of(obj);
        if obj.is_ptr() {
            if self.cache_attr(code, obj, name, pc, true)
                // SAFETY: four cache words follow.
                && let Some(p) = unsafe { cached_method(code, obj, pc.add(1)) }
            {
                return Ok(p);
            }
        }
        if !t.has(TypeFlags::CUSTOM_GETATTR)
            && !obj.is::<TypeObj>()
            && !obj.is::<ModuleObj>()
            && !obj.is::<NamespaceObj>()
            && let Some(d) = lookup_mro(t, interned(name))
            && (d.is::<FunctionObj>()
                || d.is::<MethodDescrObj>() && d.header().map() != rt().maps.classmethod_descriptor)
            && (!obj.is_ptr() || shape::get(obj.header(), name).is_none())
        {
            return Ok((d, obj));
        }
        self.get_attr(obj, name).map(|v| (v, Value::EMPTY))
    }

    #[inline(never)]
    pub(crate) fn store_attr(
        &self,
        code: Ptr<CodeObj>,
        obj: Value,
        name: Value,
        v: Value,
        pc: *const Cell<u64>,
    ) -> Res<()> {
        for i in 0..2 {
            let (w0, w1) = entry_words(pc, i);
            let w1 = w1.get();
            if !matches!(w1 & 15, GETSET | DICT | DESCRIPTOR) || !hit(obj, w0.get()) {
                continue;
            }
            if w1 & 15 == DESCRIPTOR {
                let d = cache_value(code, w1 >> 32);
                if d.header().map() == rt().maps.property {
                    // SAFETY: the map says what it is.
                    return self.property_set(unsafe { d.cast() }, obj, v);
                }
                let set = type_of(d).special(Special::Set);
                if !set.is_empty() {
                    return self.call_special(set, &[d, obj, v]).map(|_| ());
                }
                break;
            }
            if w1 & 15 == GETSET {
                // SAFETY: the slot of this cache holds a writable native attribute's descriptor.
                let d = unsafe { cache_value(code, w1 >> 32).cast::<GetSetObj>() };
                return d.def.write(self, obj, v);
            }
            if let Some((d, i)) = dict_entry(obj, name, w1) {
                d.table.set_value(i, v);
                return Ok(());
            }
        }
        self.cache_store(code, obj, name, pc);
        // SAFETY: four cache words follow.
        if unsafe { cached_store(obj, v, pc.add(1)) } {
            return Ok(());
        }
        self.set_attr(obj, name, v)
    }

    fn cache_store(&self, code: Ptr<CodeObj>, obj: Value, name: Value, pc: *const Cell<u64>) {
        if !obj.is_ptr() {
            return;
        }
        let t = type_of(obj);
        let map = obj.header().map();
        if t.has(TypeFlags::CUSTOM_SETATTR) || obj.is::<TypeObj>() || obj.is::<ModuleObj>() {
            return;
        }
        let descr = lookup_mro(t, name);
        if let Some(g) = descr.and_then(|d| d.downcast::<GetSetObj>())
            && g.def.set.is_some()
            && g.class.downcast::<TypeObj>().is_some_and(|c| t.is_subtype(c))
        {
            let at = entry_slots(code, pc, map, 1);
            self.set_cache_value(code, at, g.value());
            fill(pc, map, version(t), GETSET, at as u64);
            return;
        }
        if let Some(d) = descr
            && is_data_descriptor(d)
            && !d.is::<MemberObj>()
        {
            self.cache_descriptor(code, d, t, map, pc);
            return;
        }
        if shape::has_attrs(map) && shape::shape_of(map).is_none() && !descr.is_some_and(is_data_descriptor) {
            self.cache_dict(obj, t, name, pc);
            return;
        }
        if !std::ptr::eq(map.kind(), InstanceObj::kind()) {
            return;
        }
        if let Some(d) = descr
            && is_data_descriptor(d)
        {
            if let Some(m) = d.downcast::<MemberObj>()
                && m.class.downcast::<TypeObj>().is_some_and(|c| t.is_subtype(c))
            {
                let tail = map.fixed_size() - 8 * map.tail_words as usize;
                self.fill_store(pc, map, t, tail as u64 + 8 * m.index.get() as u64, None);
            }
            return;
        }
        if descr.is_some_and(may_become_data_descriptor) {
            return;
        }
        let Some(s) = shape::shape_of(map) else { return };
        if let Some(slot) = s.slot_of(name) {
            if let Some(o) = inline_offset(map, slot) {
                self.fill_store(pc, map, t, o, None);
            }
        } else if let Some(o) = inline_offset(map, s.count())
            && let Some(new) = shape::transition(map, s, name)
        {
            self.fill_store(pc, map, t, o, Some(new));
        }
    }

    fn fill_store(
        &self,
        pc: *const Cell<u64>,
        map: MapRef,
        t: Ptr<TypeObj>,
        offset: u64,
        add: Option<MapRef>,
    ) {
        let kind = if add.is_some() { STORE_ADD } else { STORE_INLINE };
        put_entry(pc, map, version(t), kind | offset << 4 | (add.map_or(0, |m| m.id()) as u64) << 32);
    }
}

/// The method that an entry of the kind METHOD_NO_DICT has for an object whose dictionary has nothing of its name.
fn method_beside_dict(code: Ptr<CodeObj>, obj: Value, name: Value, pc: *const Cell<u64>) -> Option<Value> {
    for i in 0..2 {
        let (w0, w1) = entry_words(pc, i);
        let w1 = w1.get();
        if w1 & 15 != METHOD_NO_DICT || !hit(obj, w0.get()) {
            continue;
        }
        // SAFETY: see at_offset.
        let dict = unsafe { at_offset(obj, w1 >> 8 & 0xff_ffff) }.downcast::<DictObj>();
        if dict.is_none_or(|d| d.index_of_str(name).is_none()) {
            return Some(cache_value(code, w1 >> 32));
        }
    }
    None
}

/// Whether a class attribute is of a class that may get a `__set__`, whereupon it would hide the attributes of instances.
fn may_become_data_descriptor(d: Value) -> bool {
    d.is_ptr() && type_of(d).has(TypeFlags::HEAP)
}

/// What a class method calls with the class as its first argument, if it is a function; `None` for all else.
fn behind_class_method(d: Value) -> Option<Value> {
    if d.is::<MethodDescrObj>() {
        return (d.header().map() == rt().maps.classmethod_descriptor).then_some(d);
    }
    let c = d.downcast::<ClassMethodObj>().filter(|_| d.header().map() == rt().maps.classmethod)?;
    Some(c.callable.get()).filter(|f| f.is::<FunctionObj>())
}

/// Native descriptors that bind without a `__get__` in their special table.
fn binds_natively(d: Value) -> bool {
    d.is::<FunctionObj>()
        || d.is::<MethodDescrObj>()
        || d.is::<ClassMethodObj>()
        || d.is::<StaticMethodObj>()
        || d.is::<GetSetObj>()
        || d.is::<MemberObj>()
        || d.is::<PropertyObj>()
}
