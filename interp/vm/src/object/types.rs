//! Type objects.

use std::cell::Cell;

use cape_heap::{Field, KindInfo, MapRef, Native, Ptr, Tracer, Value, heap_object};

use super::{DictObj, TupleObj};
use crate::native::{MethodDef, NativeFn};
use crate::runtime::rt;
use crate::special::{SPECIAL_COUNT, Special};

heap_object! {
    /// A class. Old from birth: its address is stable. `special` caches, per special method name, what a lookup along
    /// the MRO finds (EMPTY: nothing), so that the class dictionaries are the single source of truth.
    pub struct TypeObj {
        pub name: Field,
        pub qualname: Field,
        /// Tuple of bases.
        pub bases: Field,
        /// Tuple: the method resolution order, this class first.
        pub mro: Field,
        /// The base whose layout this class extends (EMPTY for `object`).
        pub base: Field,
        /// The namespace: a dict.
        pub dict: Field,
        /// Array of weak cells of direct subclasses, with room behind them.
        pub subclasses: Field,
        /// `abc` data and other native attachments.
        pub native_data: Field,
        /// Bits of [`TypeFlags`].
        pub flags: Cell<u32>,
        /// Valid while the class and its bases are unchanged; 0: none given out.
        pub version: Cell<u32>,
        /// Id of the first map of this class (a list through `Map::next`).
        pub first_map: Cell<u32>,
        /// Id of the map of new instances without attributes.
        pub instance_map: Cell<u32>,
        /// Layout of instances.
        pub kind: Cell<*const KindInfo>,
        /// Number of `__slots__` of this class and its bases.
        pub nslots: Cell<u16>,
        /// In-object attribute slots for new instances.
        pub inline_hint: Cell<u16>,
        /// The bridge's: the mirror `PyTypeObject`, if any; for classes implemented in C, the original.
        pub foreign: Cell<*mut u8>,
        /// What `cls()` and `cls(x)` do, of a builtin class whose `__new__` and `__init__` share the work.
        pub construct: Native<Cell<Option<NativeFn>>>,
        /// The native `__next__`, if that is what `special` has: it gives EMPTY when the iterator is exhausted.
        pub native_next: Native<Cell<Option<&'static MethodDef>>>,
        /// How `object.__new__` makes an instance of a builtin class that has a layout of its own and no `__new__`:
        /// see [`crate::class::allocator`].
        pub allocate: Native<Cell<Option<fn(Ptr<TypeObj>) -> Value>>>,
        pub special: [Field; SPECIAL_COUNT],
    } [trace = TypeObj::trace_maps]
}

/// Bits of [`TypeObj::flags`].
pub struct TypeFlags;

impl TypeFlags {
    /// Made by a class statement or `type()` (not built in): mutable.
    pub const HEAP: u32 = 1;
    /// May be subclassed.
    pub const BASE: u32 = 1 << 1;
    /// Attributes may not be set.
    pub const IMMUTABLE: u32 = 1 << 2;
    /// Has abstract methods left.
    pub const ABSTRACT: u32 = 1 << 3;
    /// Cannot be called to make instances.
    pub const NO_INSTANTIATION: u32 = 1 << 4;
    /// Instances have a `__dict__`.
    pub const HAS_DICT: u32 = 1 << 5;
    /// Instances can be weakly referenced.
    pub const HAS_WEAKREF: u32 = 1 << 6;
    /// Matches sequence patterns.
    pub const SEQUENCE: u32 = 1 << 7;
    /// Matches mapping patterns.
    pub const MAPPING: u32 = 1 << 8;
    /// A subclass of `type`.
    pub const TYPE_SUBCLASS: u32 = 1 << 9;
    /// A subclass of `BaseException`.
    pub const EXC_SUBCLASS: u32 = 1 << 10;
    /// Implemented in C: instances are proxies of C structs.
    pub const FOREIGN: u32 = 1 << 11;
    /// Self-matching in class patterns (`int`, `str`...).
    pub const MATCH_SELF: u32 = 1 << 12;
    /// Overrides `__getattribute__`.
    pub const CUSTOM_GETATTR: u32 = 1 << 13;
    /// Overrides `__setattr__` or `__delattr__`.
    pub const CUSTOM_SETATTR: u32 = 1 << 14;
    /// Its methods behave as method descriptors (`Py_TPFLAGS_METHOD_DESCRIPTOR`).
    pub const METHOD_DESCRIPTOR: u32 = 1 << 15;
    /// Messages name it with its module, although it is on the heap or not native: its `tp_name` has dots.
    pub const DOTTED: u32 = 1 << 16;
    /// Its `PyTypeObject` is a mirror, made for it, and not C's own.
    pub const MIRRORED: u32 = 1 << 17;
    /// A native class whose `__getitem__` takes indexes, by which it is iterated over.
    pub const INDEXED: u32 = 1 << 18;
    /// It, or a base, has or once had a `__new__` written in Python: `__new__` is called by name, whatever it is now.
    pub const GENERIC_NEW: u32 = 1 << 19;
    /// Implemented in C itself, with a struct that has more than its base's.
    pub const OWN_FIELDS: u32 = 1 << 20;
    /// Implemented in C itself, with its base's struct.
    pub const NO_FIELDS: u32 = 1 << 21;
}

impl TypeObj {
    fn trace_maps(&self, t: &mut Tracer<'_>) {
        if t.marks() && self.is_counted() {
            rt().note_class();
        }
        let mut id = self.first_map.get();
        if id != 0 {
            // SAFETY: as below. It keeps the others.
            t.visit_map(unsafe { MapRef::from_id(id) });
        }
        while id != 0 {
            // SAFETY: the list holds this class's maps, which live as long as the class.
            let m = unsafe { MapRef::from_id(id) };
            t.visit(m.shape.cell());
            id = m.next.get();
        }
    }

    /// Whether it is a class that may die, and that C has seen.
    fn is_counted(&self) -> bool {
        self.flags.get() & TypeFlags::HEAP != 0 && !self.foreign.get().is_null()
    }

    /// Says what its `PyTypeObject` is.
    pub fn set_foreign(&self, p: *mut u8) {
        self.foreign.set(p);
        if self.is_counted() {
            rt().class_seen();
        }
    }

    /// The namespace.
    #[inline(always)]
    pub fn dict(&self) -> Ptr<DictObj> {
        // SAFETY: set when the class is made, never replaced.
        unsafe { self.dict.cast() }
    }

    /// The method resolution order.
    #[inline(always)]
    pub fn mro(&self) -> Ptr<TupleObj> {
        // SAFETY: always a tuple.
        unsafe { self.mro.cast() }
    }

    /// What the class has for a special method; EMPTY when nothing.
    #[inline(always)]
    pub fn special(&self, s: Special) -> Value {
        self.special[s as usize].get()
    }

    /// Whether a flag is set.
    #[inline(always)]
    pub fn has(&self, flag: u32) -> bool {
        self.flags.get() & flag != 0
    }

    /// Sets a flag.
    pub fn set_flag(&self, flag: u32) {
        self.flags.set(self.flags.get() | flag)
    }

    /// Clears a flag.
    pub fn clear_flag(&self, flag: u32) {
        self.flags.set(self.flags.get() & !flag)
    }

    /// The map of new instances.
    #[inline(always)]
    pub fn instance_map(&self) -> MapRef {
        // SAFETY: set when the class is made; maps live as long as their class.
        unsafe { MapRef::from_id(self.instance_map.get()) }
    }

    /// The base that gives the layout.
    pub fn base(&self) -> Option<Ptr<TypeObj>> {
        self.base.downcast()
    }

    /// The class's `__name__`, for messages.
    pub fn name_str(&self) -> String {
        if self.has(TypeFlags::DOTTED) {
            return crate::class::full_name(self.header.as_value().downcast().expect("a class"));
        }
        self.short_name()
    }

    /// Its `__name__`.
    pub fn short_name(&self) -> String {
        self.name.downcast::<super::StrObj>().map(|s| s.display()).unwrap_or_default()
    }

    /// Whether `self` is `other` or derived from it.
    #[inline(always)]
    pub fn is_subtype(&self, other: Ptr<TypeObj>) -> bool {
        std::ptr::eq(self, other.as_raw()) || self.mro().as_slice().contains(&other.value())
    }
}
