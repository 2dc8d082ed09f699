//! What compiled code relies on of an object's class, and how it finds out whether another class keeps it, too.
//!
//! Code is compiled for the class that it met. Often the next class that comes along is as good: one of the same body that was made anew, a
//! class derived from it, or the same one after a change of something else. So what does not pass the guard is asked once, and its
//! class remembered.

use std::cell::Cell;
use std::mem::offset_of;

use cape_heap::{MAP_ID_SHIFT, Map, MapRef, Ptr, Value};
use cape_jit::ir::condcodes::IntCC;
use cape_jit::ir::types::I64;
use cape_jit::ir::{Block, InstBuilder};

use super::super::attrs::{self, Access};
use super::emit::{Emit, Word64};
use crate::call::raw_method;
use crate::native::MethodDef;
use crate::object::*;
use crate::runtime::type_of;
use crate::special::Special;
use crate::vm::Vm;

/// How often the code at one place asks.
const TRIES: u32 = 200;

/// What has to be true of a class.
#[derive(Clone, Copy)]
pub(super) enum Kept {
    /// It is, or derives from, the one at this address (which may have died: it is asked for what refers to this address now).
    Subtype(Ptr<TypeObj>),
    /// It has these special methods.
    Specials([(Special, Implemented); 2]),
    /// The attribute of the instruction at a word is found in the same way, at the same place or with the same value.
    Attribute(Found),
}

/// How an attribute was found.
#[derive(Clone, Copy)]
pub(super) struct Found {
    pub access: Access,
    /// Where the instruction is.
    pub word: u32,
    /// The second word of the cache entry.
    pub entry: u64,
    /// Which of the code's cache values the entry's value was copied to, if it names one.
    pub value: Option<usize>,
}

/// What stands behind a special method: nothing, a definition that is not Python's, or something else.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Implemented {
    Nothing,
    By(*const MethodDef),
    Otherwise,
}

fn implementation(class: Ptr<TypeObj>, s: Special) -> Implemented {
    let f = class.special(s);
    match raw_method(f) {
        _ if f.is_empty() => Implemented::Nothing,
        Some((def, _)) => Implemented::By(def),
        None => Implemented::Otherwise,
    }
}

impl Kept {
    /// It has this special method.
    pub(super) fn special(class: Ptr<TypeObj>, s: Special) -> Kept {
        Kept::specials(class, s, s)
    }

    /// It has these two special methods, or lacks them, as this class.
    pub(super) fn specials(class: Ptr<TypeObj>, s: Special, t: Special) -> Kept {
        Kept::Specials([s, t].map(|s| (s, implementation(class, s))))
    }
}

/// A promise, and the class that was last found to keep it.
#[repr(C)]
struct Promise {
    /// Of its objects: the id of the map, and the version; 0: there is none yet.
    map: Cell<u32>,
    version: Cell<u32>,
    tries: Cell<u32>,
    code: Ptr<CodeObj>,
    kept: Kept,
}

impl Emit<'_, '_> {
    /// Goes on if `v` is an object whose class keeps a promise, as the one with this map does.
    pub(super) fn unless_kept(&mut self, v: Word64, map: MapRef, kept: Kept, slow: Block) {
        // (Compiled code lives for ever.)
        let promise = Box::leak(Box::new(Promise {
            map: Cell::new(0),
            version: Cell::new(0),
            tries: Cell::new(0),
            code: self.code,
            kept,
        }));
        let (other, ask, next) = (self.b.create_block(), self.b.create_block(), self.b.create_block());
        self.b.set_cold_block(other);
        self.b.set_cold_block(ask);
        let pointer = self.is_pointer(v);
        self.unless(pointer, slow);
        let id = self.load32(v, 0);
        let same = self.b.ins().icmp_imm_s(IntCC::Equal, id, map.id() as i64);
        self.unless(same, other);
        let at = self.constant(&raw const map.version as u64);
        let now = self.load32(at, 0);
        let same = self.b.ins().icmp_imm_s(IntCC::Equal, now, map.version.get() as i64);
        self.b.ins().brif(same, next, &[], other, &[]);
        self.follow(other);
        let p = self.constant(std::ptr::from_ref(promise) as u64);
        let known = self.load32(p, offset_of!(Promise, map));
        let same = self.b.ins().icmp(IntCC::Equal, id, known);
        self.unless(same, ask);
        let wide = self.b.ins().uextend(I64, id);
        let its_map = self.b.ins().ishl_imm_s(wide, MAP_ID_SHIFT as i64);
        let now = self.load32(its_map, offset_of!(Map, version));
        let known = self.load32(p, offset_of!(Promise, version));
        let same = self.b.ins().icmp(IntCC::Equal, now, known);
        self.b.ins().brif(same, next, &[], ask, &[]);
        self.follow(ask);
        self.sync(self.at);
        let f = self.constant(keeps as *const () as u64);
        let yes = self.call_c(f, &[self.vm, v, p]);
        self.b.ins().brif(yes, next, &[], slow, &[]);
        self.follow(next);
    }
}

/// Whether the class of an object keeps a promise: 1 or 0. If so, it is remembered.
///
/// # Safety
/// `v` is an object; the promise is one of the running code.
unsafe extern "C-unwind" fn keeps(vm: &Vm, v: Value, promise: &Promise) -> u64 {
    if promise.tries.get() >= TRIES {
        return 0;
    }
    promise.tries.set(promise.tries.get() + 1);
    let class = type_of(v);
    let yes = match promise.kept {
        Kept::Subtype(c) => class.is_subtype(c),
        Kept::Specials(all) => {
            all.iter().all(|&(s, i)| i != Implemented::Otherwise && implementation(class, s) == i)
        }
        Kept::Attribute(f) => attrs::is_found_so(vm, promise.code, v, f.access, f.word, (f.entry, f.value)),
    };
    let (version, map) = (crate::class::version(class), v.header().map());
    if !yes || version == 0 || map.version.get() != version {
        return 0;
    }
    promise.map.set(map.id());
    promise.version.set(version);
    1
}
