//! `dict` and `set`: one insertion-ordered open-addressing table.
//!
//! A table's keys object holds a byte, half-word or word index per slot and an append-only entry array
//! (CPython's compact dict). Lookups whose key comparison runs Python code restart when the table changed.

use std::cell::Cell;

use cape_heap::{Field, Header, MapRef, Ptr, Tracer, Value, heap, heap_object, write_barrier};

use super::StrObj;
use crate::exc::Res;
use crate::runtime::rt;
use crate::vm::Vm;
use crate::watchers::{Watched, event, tell, watched};

/// One entry; `key` is EMPTY in a deleted one.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Entry {
    /// The key's hash.
    pub hash: i64,
    /// The key.
    pub key: Value,
    /// The value (`None` in sets).
    pub value: Value,
}

heap_object! {
    /// Index and entries of a table: `1 << log2` slots, `usable` entries.
    pub struct TableKeys {
        log2: u8,
        /// `1 << index_log2` bytes of the index: the entries are behind them.
        index_log2: u8,
        filled: Cell<u32>,
        /// Entries before this one are deleted.
        first: Cell<u32>,
        /// Insertions until the table is rebuilt.
        free: Cell<u32>,
        usable: u32,
        /// For caches: nonzero while no key was added or removed since it was given out.
        pub version: Cell<u32>,
    } [size = TableKeys::bytes] [trace = TableKeys::trace_entries]

    /// A `dict`.
    pub struct DictObj { pub table: Table }

    /// A `set` or `frozenset`.
    pub struct SetObj { pub table: Table, pub hash: Cell<i64> }
}

/// The state of a hash table inside its object.
#[repr(C)]
pub struct Table {
    keys: Field,
    used: Cell<usize>,
}

impl Table {
    /// Where the keys are, for compiled code.
    pub(crate) const KEYS: usize = std::mem::offset_of!(Table, keys);
    /// Where the number of entries is.
    pub(crate) const USED: usize = std::mem::offset_of!(Table, used);
}

impl cape_heap::Trace for Table {
    fn trace(&self, t: &mut Tracer<'_>) {
        self.keys.trace(t)
    }
}

const MIN_LOG2: u8 = 3;
const FREE: usize = usize::MAX;

/// What a lookup found: the index of the entry.
pub type Found = Option<usize>;

/// The same for a key that may be added: if it is absent, the free slot that it is to have ([`Table::insert_at`]).
pub type Place = Result<usize, usize>;

fn usable_of(log2: u8) -> usize {
    (1usize << log2) * 2 / 3
}

impl TableKeys {
    /// Where the size is, for compiled code.
    pub(crate) const SIZE: usize = std::mem::offset_of!(TableKeys, log2);
    /// Where the number of entries is that were ever filled.
    pub(crate) const FILLED: usize = std::mem::offset_of!(TableKeys, filled);

    /// The size: entries of keys of one size are at the same places.
    pub(crate) fn size(&self) -> u8 {
        self.log2
    }

    fn index_log2(log2: u8) -> u8 {
        match log2 {
            0..=3 => 3,
            4..=7 => log2,
            8..=15 => log2 + 1,
            _ => log2 + 2,
        }
    }

    #[inline(always)]
    fn index_bytes(&self) -> usize {
        1 << self.index_log2
    }

    fn bytes(&self) -> usize {
        size_of::<TableKeys>() + self.index_bytes() + self.usable as usize * size_of::<Entry>()
    }

    fn trace_entries(&self, t: &mut Tracer<'_>) {
        for i in 0..self.filled.get() as usize {
            let e = self.entry_ptr(i);
            // SAFETY: i is below the number of filled entries.
            unsafe {
                t.visit_range(&raw const (*e).key, 2);
            }
        }
    }

    fn new(log2: u8) -> Ptr<TableKeys> {
        let map = rt().maps.table_keys;
        let usable = usable_of(log2);
        let index_log2 = Self::index_log2(log2);
        let bytes = size_of::<TableKeys>() + (1 << index_log2) + usable * size_of::<Entry>();
        let keys = heap().alloc_filled(
            map,
            bytes,
            bytes,
            TableKeys {
                header: Header::new(map),
                log2,
                index_log2,
                filled: Cell::new(0),
                first: Cell::new(0),
                free: Cell::new(usable as u32),
                usable: usable as u32,
                version: Cell::new(0),
            },
        );
        // SAFETY: the index has so many words. (Entries are garbage until they are filled.)
        unsafe {
            let (index, words) = (keys.indices() as *mut u64, (1usize << index_log2) / 8);
            if words > 16 {
                std::ptr::write_bytes(index, 0, words);
            } else {
                (0..words).for_each(|i| index.add(i).write_volatile(0));
            }
        }
        keys
    }

    #[inline(always)]
    fn indices(&self) -> *mut u8 {
        // SAFETY: the index follows the fixed part.
        unsafe { (self as *const TableKeys).add(1) as *mut u8 }
    }

    /// Address of entry `i`.
    #[inline(always)]
    pub fn entry_ptr(&self, i: usize) -> *mut Entry {
        // SAFETY: the entries follow the index.
        unsafe { (self.indices().add(self.index_bytes()) as *mut Entry).add(i) }
    }

    /// Number of entries that were ever filled, deleted ones included.
    #[inline(always)]
    pub fn filled(&self) -> usize {
        self.filled.get() as usize
    }

    /// The entries that were ever filled. Stale after any change of the table.
    #[inline(always)]
    pub fn entries(&self) -> &[Entry] {
        // SAFETY: so many are filled, and the conservative scan keeps the keys in place while they are borrowed.
        unsafe { std::slice::from_raw_parts(self.entry_ptr(0), self.filled()) }
    }

    /// Entry `i`, which must have been filled.
    #[inline(always)]
    pub fn entry(&self, i: usize) -> Entry {
        debug_assert!(i < self.usable as usize);
        // SAFETY: in bounds.
        unsafe { *self.entry_ptr(i) }
    }

    /// The entry number in slot `s`, or FREE. Numbers are stored plus one; 0 is free. A deleted
    /// entry keeps its number (its key is EMPTY), so probing goes on over it.
    #[inline(always)]
    fn slot(&self, s: usize) -> usize {
        let p = self.indices();
        // SAFETY: s is masked to the number of slots.
        let n = unsafe {
            match self.log2 {
                0..=7 => *p.add(s) as usize,
                8..=15 => *(p as *const u16).add(s) as usize,
                _ => *(p as *const u32).add(s) as usize,
            }
        };
        n.wrapping_sub(1)
    }

    #[inline(always)]
    fn set_slot(&self, s: usize, entry: usize) {
        let p = self.indices();
        // SAFETY: as above; an entry number fits the width that its table size selects.
        unsafe {
            match self.log2 {
                0..=7 => *p.add(s) = (entry + 1) as u8,
                8..=15 => *(p as *mut u16).add(s) = (entry + 1) as u16,
                _ => *(p as *mut u32).add(s) = (entry + 1) as u32,
            }
        }
    }

    #[inline(always)]
    fn mask(&self) -> usize {
        (1 << self.log2) - 1
    }

    fn free_slot(&self, hash: i64) -> usize {
        let mut probe = Probe::new(hash, self.mask());
        loop {
            let s = probe.next();
            if self.slot(s) == FREE {
                return s;
            }
        }
    }
}

struct Probe {
    perturb: u64,
    at: usize,
    mask: usize,
    first: bool,
}

impl Probe {
    #[inline(always)]
    fn new(hash: i64, mask: usize) -> Probe {
        Probe { perturb: hash as u64, at: hash as usize & mask, mask, first: true }
    }

    #[inline(always)]
    fn next(&mut self) -> usize {
        if self.first {
            self.first = false;
        } else {
            self.perturb >>= 5;
            self.at = (self.at * 5 + self.perturb as usize + 1) & self.mask;
        }
        self.at
    }
}

impl Table {
    fn empty() -> Table {
        Table { keys: Field::new(rt().empty_keys().value()), used: Cell::new(0) }
    }

    /// The keys object. Stale after any change of the table.
    #[inline(always)]
    pub fn keys(&self) -> Ptr<TableKeys> {
        // SAFETY: the field always holds a keys object.
        unsafe { self.keys.cast() }
    }

    /// The dict or set whose table this is.
    #[inline(always)]
    fn owner(&self) -> &Header {
        const { assert!(std::mem::offset_of!(DictObj, table) == std::mem::offset_of!(SetObj, table)) };
        let header = (self as *const Table).wrapping_byte_sub(std::mem::offset_of!(DictObj, table));
        // SAFETY: a table is part of a dict or a set, at one place in both.
        unsafe { &*(header as *const Header) }
    }

    /// Whether watchers may want to know of what is about to change: that of a dict that C knows.
    #[inline(always)]
    pub fn is_watched(&self) -> bool {
        watched(Watched::Dict) && self.owner().link() != 0
    }

    /// Tells watchers what is about to change.
    #[cold]
    fn announce(&self, event: i32, key: Value, value: Value) {
        let owner = self.owner().as_value();
        if owner.is::<DictObj>() {
            tell(Watched::Dict, event, owner, key, value);
        }
    }

    #[inline(always)]
    fn set_used(&self, n: usize) {
        self.used.set(n);
        self.tell();
    }

    /// Has the mirror, if there is one, show the size.
    #[inline(always)]
    fn tell(&self) {
        crate::foreign::changed(self.owner());
    }

    /// Number of live entries.
    #[inline(always)]
    pub fn len(&self) -> usize {
        self.used.get()
    }

    /// Whether it has no entries.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Finds a key without running Python code. `equal` compares it with another key of the same hash; `Err`: only `__eq__` can tell.
    #[inline(always)]
    fn search_by(
        &self,
        key: Value,
        hash: i64,
        equal: impl Fn(Value) -> Result<bool, ()>,
    ) -> Result<Place, ()> {
        let keys = self.keys();
        let mut probe = Probe::new(hash, keys.mask());
        loop {
            let slot = probe.next();
            let i = keys.slot(slot);
            if i == FREE {
                return Ok(Err(slot));
            }
            let e = keys.entry(i);
            if e.key == key || e.hash == hash && !e.key.is_empty() && equal(e.key)? {
                return Ok(Ok(i));
            }
        }
    }

    /// [`Table::search_by`] for a string; `Err` when a key of the same hash is no exact string.
    #[inline(always)]
    fn search_str(&self, key: Ptr<StrObj>, hash: i64) -> Result<Place, ()> {
        self.search_by(key.value(), hash, |other| match other.downcast::<StrObj>() {
            Some(k) if k.header.map_id() == rt().maps.str.id() => Ok(k.same_text(&key)),
            _ => Err(()),
        })
    }

    /// [`Table::search_by`] for an unboxed int; `Err` when a key of the same hash is none.
    #[inline(always)]
    fn search_int(&self, key: Value, hash: i64) -> Result<Place, ()> {
        self.search_by(key, hash, |other| if other.is_int() { Ok(false) } else { Err(()) })
    }

    /// [`Table::search_by`] for a float that is a number; `Err` when a key of the same hash is no unboxed one.
    #[inline(always)]
    fn search_float(&self, key: Value, hash: i64) -> Result<Place, ()> {
        let f = key.as_float();
        self.search_by(key, hash, |other| match other {
            // (Unboxed ints are exact as floats.)
            i if i.is_int() => Ok(i.as_int() as f64 == f),
            g if g.is_float() => Ok(g.as_float() == f),
            _ => Err(()),
        })
    }

    /// The hash of a key and where it is or may be put; `None` where finding out might run code or raise.
    #[inline(always)]
    pub fn place_at_once(&self, key: Value) -> Option<(i64, Place)> {
        if key.is_int() {
            let hash = crate::ops::hash_i64(key.as_int());
            return Some((hash, self.search_int(key, hash).ok()?));
        }
        if key.is_none() {
            let hash = crate::ops::NONE_HASH;
            return Some((hash, self.search_by(key, hash, |_| Err(())).ok()?));
        }
        let s = key.downcast::<StrObj>().filter(|s| s.header.map_id() == rt().maps.str.id())?;
        let hash = s.hash();
        Some((hash, self.search_str(s, hash).ok()?))
    }

    /// The same for the text of a string that there is not yet, of bytes that are code points.
    #[inline(always)]
    pub fn place_of_text(&self, text: &[u8]) -> Option<(i64, Place)> {
        let hash = super::str::hash_bytes(text);
        // (No key is that; deleted ones are EMPTY.)
        let place = self.search_by(Value::DELETED, hash, |other| match other.downcast::<StrObj>() {
            Some(k) if k.header.map_id() == rt().maps.str.id() => Ok(k.is_latin1(text)),
            _ => Err(()),
        });
        Some((hash, place.ok()?))
    }

    /// Whether [`Table::insert_in_room`] inserts.
    #[inline(always)]
    pub fn has_room(&self) -> bool {
        self.keys().free.get() != 0
    }

    /// As [`Table::insert_at`], where there is room, nothing has to be allocated, and nothing is watched; `None`, with nothing done,
    /// elsewhere. The caller shows the object's mirror the new size.
    #[inline(always)]
    pub fn insert_in_room(&self, slot: usize, hash: i64, key: Value, value: Value) -> Option<()> {
        let keys = self.keys();
        if keys.free.get() == 0 || self.is_watched() {
            return None;
        }
        self.write_entry(keys, slot, Entry { hash, key, value });
        Some(())
    }

    /// As [`Table::insert_in_room`], where there may be no room. Watchers are not told.
    #[inline(never)]
    pub fn insert_and_grow(&self, owner: &Header, mut slot: usize, hash: i64, key: Value, value: Value) {
        if !self.has_room() {
            self.grow(owner);
            slot = self.keys().free_slot(hash);
        }
        self.write_entry(self.keys(), slot, Entry { hash, key, value });
    }

    /// Makes room for one more entry, and for as many as it is worth.
    fn grow(&self, owner: &Header) {
        self.resize(owner, (self.used.get() + 1) * 3 / 2 + 1 + self.used.get() / 2);
    }

    /// Adds a key that is known to be absent, where there is room. The caller shows the object's mirror, if it has one, the new size.
    #[inline(always)]
    pub fn add_in_room(&self, hash: i64, key: Value, value: Value) {
        assert!(self.has_room());
        let keys = self.keys();
        self.write_entry(keys, keys.free_slot(hash), Entry { hash, key, value });
    }

    /// Writes a new entry into `keys`, the table's, which must have room.
    #[inline(always)]
    fn write_entry(&self, keys: Ptr<TableKeys>, slot: usize, e: Entry) {
        let i = keys.filled();
        keys.set_slot(slot, i);
        // SAFETY: i is below usable.
        unsafe { keys.entry_ptr(i).write(e) };
        keys.filled.set(i as u32 + 1);
        keys.free.set(keys.free.get() - 1);
        keys.version.set(0);
        write_barrier(keys.header());
        self.used.set(self.used.get() + 1);
    }

    /// Finds a key, or the place for it; may run `__eq__`.
    #[inline]
    pub fn search(&self, vm: &Vm, key: Value, hash: i64) -> Res<Place> {
        let quick = if key.is_int() {
            self.search_int(key, hash)
        } else if let Some(s) = key.downcast::<StrObj>()
            && s.header.map_id() == rt().maps.str.id()
        {
            self.search_str(s, hash)
        } else if !key.is_float() {
            // The same object, or nothing of that hash. (A float that is no number is not equal to itself.)
            self.search_by(key, hash, |_| Err(()))
        } else if !key.as_float().is_nan() {
            self.search_float(key, hash)
        } else {
            Err(())
        };
        match quick {
            Ok(place) => Ok(place),
            Err(()) => self.search_any(vm, key, hash),
        }
    }

    /// Where the same object is, of one that is no string or number; `None`: what it is equal to has to be found out.
    #[inline(always)]
    pub(crate) fn find_object(&self, key: Value, hash: i64) -> Option<usize> {
        if !key.is_ptr() || key.is::<StrObj>() {
            return None;
        }
        self.search_by(key, hash, |_| Err(())).ok()?.ok()
    }

    /// Finds a key; may run `__eq__`.
    #[inline]
    pub fn find(&self, vm: &Vm, key: Value, hash: i64) -> Res<Found> {
        Ok(self.search(vm, key, hash)?.ok())
    }

    #[inline(never)]
    fn search_any(&self, vm: &Vm, key: Value, hash: i64) -> Res<Place> {
        'restart: loop {
            let keys = self.keys();
            let mut probe = Probe::new(hash, keys.mask());
            loop {
                let slot = probe.next();
                let i = keys.slot(slot);
                if i == FREE {
                    return Ok(Err(slot));
                }
                let e = keys.entry(i);
                if e.key.is_empty() || e.hash != hash {
                    continue;
                }
                if e.key == key && !key.is_float() {
                    return Ok(Ok(i));
                }
                if e.key.is_int() && key.is_int() {
                    continue;
                }
                let same = vm.eq_identity(e.key, key)?;
                let changed = self.keys() != keys || keys.entry(i).key != e.key;
                if changed {
                    continue 'restart;
                }
                if same {
                    return Ok(Ok(i));
                }
            }
        }
    }

    /// Adds a key that is known to be absent.
    pub fn insert_new(&self, owner: &Header, hash: i64, key: Value, value: Value) {
        self.insert_at(owner, self.keys().free_slot(hash), hash, key, value)
    }

    /// Adds a key that [`Table::search`] has not found, at the place that it gave. The table must not have changed since.
    pub fn insert_at(&self, owner: &Header, slot: usize, hash: i64, key: Value, value: Value) {
        if self.is_watched() {
            self.announce(event::DICT_ADDED, key, value);
        }
        self.insert_and_grow(owner, slot, hash, key, value);
        self.tell();
    }

    fn resize(&self, owner: &Header, want: usize) {
        let mut log2 = MIN_LOG2;
        while usable_of(log2) < want.max(5) {
            log2 += 1;
        }
        let new = TableKeys::new(log2);
        let old = self.keys();
        let mut n = 0;
        for i in 0..old.filled() {
            let e = old.entry(i);
            if !e.key.is_empty() {
                new.set_slot(new.free_slot(e.hash), n);
                // SAFETY: n is below the number of live entries, hence below usable.
                unsafe { new.entry_ptr(n).write(e) };
                n += 1;
            }
        }
        new.filled.set(n as u32);
        new.free.set(new.usable - n as u32);
        old.version.set(0);
        write_barrier(new.header());
        self.keys.store(owner, new.value());
    }

    /// Bytes of the index and the entries.
    pub fn byte_len(&self) -> usize {
        self.keys().bytes()
    }

    /// Makes room for `n` entries in all.
    pub fn reserve(&self, owner: &Header, n: usize) {
        if n > self.keys().usable as usize {
            self.resize(owner, n);
        }
    }

    /// Replaces the value of entry `i`.
    #[inline(always)]
    pub fn set_value(&self, i: usize, value: Value) {
        if self.is_watched() {
            self.announce(event::DICT_MODIFIED, self.keys().entry(i).key, value);
        }
        let keys = self.keys();
        debug_assert!(i < keys.filled());
        // SAFETY: in bounds.
        unsafe { (*keys.entry_ptr(i)).value = value };
        write_barrier(keys.header());
    }

    /// Replaces the key of entry `i` by an equal one (a number by its boxed form).
    pub fn set_key(&self, i: usize, key: Value) {
        let keys = self.keys();
        debug_assert!(i < keys.filled());
        // SAFETY: in bounds.
        unsafe { (*keys.entry_ptr(i)).key = key };
        write_barrier(keys.header());
    }

    /// Removes entry `i` and returns its value. Its place is not used again, so that iterators notice that it is gone.
    /// ([`Table::pop_last`] does use it again: the slot of the removed entry then goes on naming it; whatever is stored
    /// there later is found through both slots, which does no harm, and the budget of insertions keeps free slots in the index.)
    pub fn remove_at(&self, i: usize) -> Value {
        if self.is_watched() {
            self.announce(event::DICT_DELETED, self.keys().entry(i).key, Value::EMPTY);
        }
        let value = self.remove_quietly(i);
        self.tell();
        value
    }

    /// As [`Table::remove_at`], of what is not watched; the caller shows the object's mirror the new size.
    #[inline(always)]
    pub fn remove_quietly(&self, i: usize) -> Value {
        let keys = self.keys();
        let e = keys.entry(i);
        // SAFETY: in bounds.
        unsafe { keys.entry_ptr(i).write(Entry { hash: 0, key: Value::EMPTY, value: Value::EMPTY }) };
        keys.version.set(0);
        if i == keys.first.get() as usize {
            keys.first.set(i as u32 + 1);
        }
        self.used.set(self.used.get() - 1);
        e.value
    }

    /// As [`Table::remove_at`]; the key stays behind, for [`Table::left_key`].
    pub fn remove_leaving_key(&self, i: usize) -> Value {
        let key = self.keys().entry(i).key;
        let value = self.remove_at(i);
        let keys = self.keys();
        // SAFETY: in bounds. An entry without a key is dead, whatever its value.
        unsafe { (*keys.entry_ptr(i)).value = key };
        write_barrier(keys.header());
        value
    }

    /// The first key that was left behind in the entries `from..to`.
    pub fn left_key(&self, from: usize, to: usize) -> Option<Value> {
        let keys = self.keys();
        let left = |e: Entry| (e.key.is_empty() && !e.value.is_empty()).then_some(e.value);
        (from..to.min(keys.filled())).find_map(|i| left(keys.entry(i)))
    }

    /// Removes the last entry and returns it. Its place, and those of deleted entries before it, are used again.
    pub fn pop_last(&self) -> Option<Entry> {
        let (i, e) = self.prev_entry(usize::MAX)?;
        self.remove_at(i);
        let keys = self.keys();
        keys.filled.set(i as u32);
        keys.first.set(keys.first.get().min(i as u32));
        Some(e)
    }

    /// Removes everything.
    pub fn clear(&self, _owner: &Header) {
        if self.is_watched() && !self.is_empty() {
            self.announce(event::DICT_CLEARED, Value::EMPTY, Value::EMPTY);
        }
        self.keys().version.set(0);
        self.keys.set_no_barrier(rt().empty_keys().value());
        self.set_used(0);
    }

    /// The live entry at or after `i`, with its index.
    #[inline(always)]
    pub fn next_entry(&self, mut i: usize) -> Option<(usize, Entry)> {
        let keys = self.keys();
        let from_start = i <= keys.first.get() as usize;
        i = i.max(keys.first.get() as usize);
        while i < keys.filled() {
            let e = keys.entry(i);
            if !e.key.is_empty() {
                if from_start {
                    keys.first.set(i as u32);
                }
                return Some((i, e));
            }
            i += 1;
        }
        None
    }

    /// The live entry before `i`, with its index.
    pub fn prev_entry(&self, i: usize) -> Option<(usize, Entry)> {
        let keys = self.keys();
        let mut i = i.min(keys.filled());
        while i > 0 {
            i -= 1;
            let e = keys.entry(i);
            if !e.key.is_empty() {
                return Some((i, e));
            }
        }
        None
    }

    /// Live entries in order. The table must not change while the iterator is in use.
    pub fn iter(&self) -> impl Iterator<Item = Entry> + '_ {
        let mut i = 0;
        std::iter::from_fn(move || {
            let (at, e) = self.next_entry(i)?;
            i = at + 1;
            Some(e)
        })
    }

    /// Makes this table an exact copy of another.
    pub fn copy_from(&self, owner: &Header, other: &Table) {
        if other.is_empty() {
            return self.clear(owner);
        }
        if self.is_watched() {
            self.announce(event::DICT_CLONED, other.owner().as_value(), Value::EMPTY);
        }
        self.keys.set_no_barrier(rt().empty_keys().value());
        self.used.set(0);
        let (n, log2) = (other.len(), other.keys().log2);
        if other.keys().filled() == n && usable_of(log2) <= 3 * n.max(5) {
            // Nothing was deleted, and it is not much too large: the same table is right.
            let new = TableKeys::new(log2);
            let old = other.keys();
            // SAFETY: both have an index and entries of the same size, of which the first n are filled.
            unsafe {
                std::ptr::copy_nonoverlapping(old.indices(), new.indices(), new.index_bytes());
                std::ptr::copy_nonoverlapping(old.entry_ptr(0), new.entry_ptr(0), n);
            }
            new.filled.set(n as u32);
            new.free.set(old.free.get());
            write_barrier(new.header());
            self.keys.store(owner, new.value());
            return self.set_used(n);
        }
        self.resize(owner, n);
        for e in other.iter() {
            self.insert_and_grow(owner, self.keys().free_slot(e.hash), e.hash, e.key, e.value);
        }
    }

    /// A version of the key set for caches: while it stays the same, entry indices of all keys do.
    pub fn version(&self) -> u32 {
        let keys = self.keys();
        if keys.version.get() == 0 && keys.log2 > 0 {
            keys.version.set(rt().next_dict_version());
        }
        keys.version.get()
    }
}

impl TableKeys {
    /// The keys object shared by all empty tables (no room, so that the first insertion makes a real one).
    pub(crate) fn make_empty(map: MapRef) -> Ptr<TableKeys> {
        heap().alloc_var_old(
            map,
            size_of::<TableKeys>() + (1 << Self::index_log2(0)),
            TableKeys {
                header: Header::new(map),
                log2: 0,
                index_log2: Self::index_log2(0),
                filled: Cell::new(0),
                first: Cell::new(0),
                free: Cell::new(0),
                usable: 0,
                version: Cell::new(0),
            },
        )
    }
}

impl DictObj {
    /// An empty dict of exact type.
    pub fn new() -> Ptr<DictObj> {
        Self::with_map(rt().maps.dict)
    }

    /// An empty dict in the old space, for a namespace: functions refer to it, and native frames mention it while the module runs. Young, it
    /// would stay young so long, pinned, and each minor collection would visit all those functions.
    pub fn namespace() -> Ptr<DictObj> {
        let map = rt().maps.dict;
        heap().alloc_old(map, DictObj { header: Header::new(map), table: Table::empty() })
    }

    /// An empty dict with this map: of a subclass.
    pub fn with_map(map: MapRef) -> Ptr<DictObj> {
        heap().alloc(map, DictObj { header: Header::new(map), table: Table::empty() })
    }

    /// Number of items.
    #[inline(always)]
    pub fn len(&self) -> usize {
        self.table.len()
    }

    /// Whether it is `{}`.
    pub fn is_empty(&self) -> bool {
        self.table.is_empty()
    }

    /// `d.get(key)`; hashes the key, may run `__hash__` and `__eq__`.
    pub fn get(&self, vm: &Vm, key: Value) -> Res<Option<Value>> {
        let hash = vm.key_hash(key)?;
        Ok(self.table.find(vm, key, hash)?.map(|i| self.table.keys().entry(i).value))
    }

    /// `d[key] = value`.
    pub fn set(&self, vm: &Vm, key: Value, value: Value) -> Res<()> {
        let hash = vm.key_hash(key)?;
        match self.table.search(vm, key, hash)? {
            Ok(i) => self.table.set_value(i, value),
            Err(slot) => self.table.insert_at(&self.header, slot, hash, key, value),
        }
        Ok(())
    }

    /// Removes a key; returns its value if it was there.
    pub fn remove(&self, vm: &Vm, key: Value) -> Res<Option<Value>> {
        let hash = vm.key_hash(key)?;
        Ok(self.table.find(vm, key, hash)?.map(|i| self.table.remove_at(i)))
    }

    fn find_str_key(&self, name: Value) -> Found {
        let s: Ptr<StrObj> = name.downcast().expect("a str key");
        let hash = s.hash();
        match self.table.search_str(s, hash) {
            Ok(place) => place.ok(),
            Err(()) => self.find_among_odd(name, hash),
        }
    }

    /// Among keys of the same hash there are some that are no plain strings: their `__eq__` decides. What it raises is lost.
    #[cold]
    fn find_among_odd(&self, name: Value, hash: i64) -> Found {
        self.table.search_any(crate::vm::current(), name, hash).ok().and_then(Place::ok)
    }

    /// The value under an exact string key.
    #[inline(always)]
    pub fn get_str(&self, name: Value) -> Option<Value> {
        self.find_str_key(name).map(|i| self.table.keys().entry(i).value)
    }

    /// The entry index of an exact string key.
    pub fn index_of_str(&self, name: Value) -> Found {
        self.find_str_key(name)
    }

    /// Stores under an exact string key.
    pub fn set_str(&self, name: Value, value: Value) {
        match self.find_str_key(name) {
            Some(i) => self.table.set_value(i, value),
            None => {
                let s: Ptr<StrObj> = name.downcast().expect("a str key");
                self.table.insert_new(&self.header, s.hash(), name, value)
            }
        }
    }

    /// Removes an exact string key; returns its value if it was there.
    pub fn remove_str(&self, name: Value) -> Option<Value> {
        self.find_str_key(name).map(|i| self.table.remove_at(i))
    }

    /// A shallow copy, of exact type `dict`.
    pub fn copy(&self) -> Ptr<DictObj> {
        let d = DictObj::new();
        d.table.copy_from(d.header(), &self.table);
        d
    }
}

impl SetObj {
    /// An empty set with this map (`set`, `frozenset` or a subclass).
    pub fn with_map(map: MapRef) -> Ptr<SetObj> {
        heap().alloc(map, SetObj { header: Header::new(map), table: Table::empty(), hash: Cell::new(-1) })
    }

    /// Number of elements.
    pub fn len(&self) -> usize {
        self.table.len()
    }

    /// Whether it has no elements.
    pub fn is_empty(&self) -> bool {
        self.table.is_empty()
    }

    /// Adds an element; true when it was not there.
    pub fn add(&self, vm: &Vm, v: Value) -> Res<bool> {
        let hash = vm.element_hash(v)?;
        let place = self.table.search(vm, v, hash)?;
        if let Err(slot) = place {
            self.table.insert_at(&self.header, slot, hash, v, Value::NONE);
        }
        Ok(place.is_err())
    }

    /// Whether `v` is an element.
    pub fn contains(&self, vm: &Vm, v: Value) -> Res<bool> {
        let hash = vm.element_hash(v)?;
        Ok(self.table.find(vm, v, hash)?.is_some())
    }

    /// Removes an element; true when it was there.
    pub fn discard(&self, vm: &Vm, v: Value) -> Res<bool> {
        let hash = vm.element_hash(v)?;
        Ok(self.table.find(vm, v, hash)?.map(|i| self.table.remove_at(i)).is_some())
    }
}

impl Vm {
    /// The hash of a dict key; unhashable ones raise the TypeError that says so.
    #[inline]
    pub fn key_hash(&self, key: Value) -> Res<i64> {
        self.hash(key).map_err(|r| self.unhashable_as(key, "a dict key", r))
    }

    /// The hash of a set element; unhashable ones raise the TypeError that says so.
    #[inline]
    pub fn element_hash(&self, v: Value) -> Res<i64> {
        self.hash(v).map_err(|r| self.unhashable_as(v, "a set element", r))
    }

    #[cold]
    fn unhashable_as(&self, v: Value, what: &str, r: crate::exc::Raised) -> crate::exc::Raised {
        if crate::runtime::type_of(r.value()) != rt().types.type_error {
            return r;
        }
        let text = match self.str(r.value()) {
            Ok(t) => t.display(),
            Err(r) => return r,
        };
        let t = crate::class::qualified_name(crate::runtime::type_of(v));
        self.type_error(format!("cannot use '{t}' as {what} ({text})"))
    }
}
