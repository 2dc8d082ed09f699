//! The interned strings.

use std::cell::{Cell, UnsafeCell};

use cape_heap::{Ptr, Tracer, Value};
use hashbrown::HashTable;

use crate::object::{StrKind, StrObj, hash_bytes};

/// How many strings there is room for from the start: about as many as a program has that does nothing.
const EXPECTED: usize = 7_000;

/// Interned strings by content. They are old, so that they do not move, know their hashes, and are never given up.
pub(crate) struct Interned(UnsafeCell<HashTable<Value>>);

fn text(v: &Value) -> Ptr<StrObj> {
    // SAFETY: nothing else is in the table.
    unsafe { v.cast() }
}

impl Interned {
    pub(crate) fn new() -> Interned {
        Interned(UnsafeCell::new(HashTable::with_capacity(EXPECTED)))
    }

    #[allow(clippy::mut_from_ref, reason = "guarded by the GIL; the borrow ends before anything else runs")]
    fn table(&self) -> &mut HashTable<Value> {
        // SAFETY: the GIL is held, and no caller keeps it.
        unsafe { &mut *self.0.get() }
    }

    fn find(&self, hash: i64, kind: StrKind, bytes: &[u8]) -> Option<Value> {
        let same = |v: &Value| text(v).kind() == kind && text(v).raw_bytes() == bytes;
        self.table().find(hash as u64, same).copied()
    }

    fn insert(&self, s: Ptr<StrObj>) -> Value {
        s.mark_interned();
        self.table().insert_unique(s.hash() as u64, s.value(), |v| text(v).hash() as u64);
        s.value()
    }

    /// The interned string with this text.
    pub(crate) fn of_text(&self, s: &str) -> Value {
        if !s.is_ascii() {
            return self.of_string(StrObj::new(s));
        }
        let hash = hash_bytes(s.as_bytes());
        let found = self.find(hash, StrKind::One, s.as_bytes());
        found.unwrap_or_else(|| self.insert(StrObj::old_ascii(s, hash)))
    }

    /// The interned string with the text of `s` (which may be of a subclass).
    pub(crate) fn of_string(&self, s: Ptr<StrObj>) -> Value {
        if s.is_interned() {
            return s.value();
        }
        let found = self.find(s.hash(), s.kind(), s.raw_bytes());
        found.unwrap_or_else(|| self.insert(StrObj::copy_old(s)))
    }

    /// Shows the collector all of them.
    pub(crate) fn visit(&self, t: &mut Tracer<'_>) {
        self.table().iter_mut().for_each(|v| t.visit(Cell::from_mut(v)));
    }
}
