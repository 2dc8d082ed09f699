//! Maps: what the first word of an object's header names.
//!
//! Maps live in one reserved region below 128 GiB, so that a map's 32-bit id is its address shifted
//! right by five and reaching it needs no table. They do not move.
//!
//! A map lives exactly as long as its class: objects keep their class alive through their map, the class's `trace`
//! visits the shapes of all its maps (the list through `next`), and a full collection that finds a class dead frees its maps.

use std::cell::Cell;
use std::ops::Deref;

use crate::Value;
use crate::kind::KindInfo;
use crate::maps::{MAP_MORE, MAP_REGISTER};
use crate::object::{Field, Header};

/// Layout and class of a set of objects.
#[repr(C, align(32))]
pub struct Map {
    kind: &'static KindInfo,
    /// The class of these objects (a type object, which is always old). Changed with [`MapRef::set_class`].
    pub class: Field,
    /// The shape of these objects: what the VM knows of their attribute slots (a heap object, or empty).
    /// Changed with [`MapRef::set_shape`].
    pub shape: Field,
    /// The version of the class that caches may rely on; 0 when it may not be relied on.
    pub version: Cell<u32>,
    /// The id of the next map of the same class (a list that starts in the type object); 0 ends it.
    pub next: Cell<u32>,
    /// [`MapFlags`].
    pub flags: Cell<u32>,
    /// Bytes of an object, tail included, rounded up to 16, when its kind has a fixed size; else bytes of its tail alone.
    size: u32,
    /// Offset of the tail for kinds of a fixed size.
    tail_offset: u32,
    /// Words of the tail.
    pub tail_words: u16,
    /// Index in the tail of the attribute word (an overflow array or a dict); `u16::MAX` when there is none.
    pub dict_index: u16,
    /// Index in the tail of the first in-object attribute slot.
    pub inline_start: u16,
    /// Number of in-object attribute slots.
    pub inline_count: u16,
    /// For the collector: mark and liveness of the map itself.
    pub gc_bits: Cell<u32>,
    /// For the VM: more facts of its own.
    pub user: Cell<u64>,
}

/// Bits of [`Map::flags`].
pub struct MapFlags;

impl MapFlags {
    /// The class defines `__del__`: instances are registered for finalization when they are made.
    pub const FINALIZER: u32 = 1;
    /// The attributes of these objects live in a dict in the attribute word.
    pub const DICT_MODE: u32 = 2;
    /// The objects are proxies of structs born in C: see [`crate::ForeignHeap::proxy_may_die`].
    pub const PROXY: u32 = 4;
    /// Mirrors of these objects own a reference of their class's mirror, which [`crate::ForeignHeap::traverse`] visits.
    pub const OWNS_CLASS: u32 = 8;
    /// First bit that is free for the VM.
    pub const USER_SHIFT: u32 = 8;
}

const _: () = assert!(size_of::<Map>() == 64);

impl Map {
    /// Whether a new object of this map has a tail, or must be registered.
    #[inline(always)]
    pub(crate) fn needs_more(&self) -> bool {
        (self.flags.get() | self.gc_bits.get()) & MAP_MORE != 0
    }

    /// Whether a new object of this map must be registered.
    #[inline(always)]
    pub(crate) fn registers(&self) -> bool {
        (self.flags.get() & MapFlags::FINALIZER) | (self.gc_bits.get() & MAP_REGISTER) != 0
    }
}

/// A reference to a map, by address; 32 bits in headers.
#[derive(Clone, Copy)]
pub struct MapRef(&'static Map);

impl PartialEq for MapRef {
    #[inline(always)]
    fn eq(&self, other: &MapRef) -> bool {
        std::ptr::eq(self.0, other.0)
    }
}
impl Eq for MapRef {}

/// How far an id is from the address.
pub const ID_SHIFT: u32 = 5;

impl MapRef {
    /// The map with this id.
    ///
    /// # Safety
    /// `id` must be that of a live map.
    #[inline(always)]
    pub unsafe fn from_id(id: u32) -> MapRef {
        // SAFETY: the caller's promise; ids are shifted addresses.
        MapRef(unsafe { &*(((id as usize) << ID_SHIFT) as *const Map) })
    }

    /// Its id.
    #[inline(always)]
    pub fn id(self) -> u32 {
        (self.0 as *const Map as usize >> ID_SHIFT) as u32
    }

    /// Makes a map for objects of `kind` with a tail of `tail_words` values.
    pub fn new(kind: &'static KindInfo, class: Value, tail_words: u16) -> MapRef {
        let tail_offset = (kind.fixed_size + 7) & !7;
        let tail = 8 * tail_words as usize;
        let size = if kind.size.is_none() { (tail_offset + tail + 15) & !15 } else { tail };
        let map = Map {
            kind,
            class: Field::new(class),
            shape: Field::new(Value::EMPTY),
            version: Cell::new(0),
            next: Cell::new(0),
            flags: Cell::new(0),
            size: size as u32,
            tail_offset: tail_offset as u32,
            tail_words,
            dict_index: u16::MAX,
            inline_start: 0,
            inline_count: 0,
            gc_bits: Cell::new(if (kind.drop.is_some() || kind.finalizer) && !kind.late {
                MAP_REGISTER | MAP_MORE
            } else if tail_words != 0 {
                MAP_MORE
            } else {
                0
            }),
            user: Cell::new(0),
        };
        crate::heap::heap().add_map(map)
    }

    /// Makes a map for instances whose tail has an attribute word and in-object slots.
    pub fn with_attrs(
        kind: &'static KindInfo,
        class: Value,
        tail_words: u16,
        dict_index: u16,
        inline_start: u16,
        inline_count: u16,
    ) -> MapRef {
        let m = MapRef::new(kind, class, tail_words);
        let p = m.0 as *const Map as *mut Map;
        // SAFETY: the map was made on the line above; nobody else has a reference to it yet.
        unsafe {
            (*p).dict_index = dict_index;
            (*p).inline_start = inline_start;
            (*p).inline_count = inline_count;
        }
        m
    }

    pub(crate) fn from_address(address: *const Map) -> MapRef {
        // SAFETY: only the map space calls this, with the address of a map that it has just written.
        MapRef(unsafe { &*address })
    }
}

impl Deref for MapRef {
    type Target = Map;
    #[inline(always)]
    fn deref(&self) -> &Map {
        self.0
    }
}

impl Map {
    /// The layout of the objects.
    #[inline(always)]
    pub fn kind(&self) -> &'static KindInfo {
        self.kind
    }

    /// The size in bytes of `object`, which has this map, rounded up to 16.
    #[inline(always)]
    pub fn object_size(&self, object: &Header) -> usize {
        let n = match self.kind.size {
            None => self.size as usize,
            // SAFETY: the object has this map, so its layout is the kind's.
            Some(f) => ((unsafe { f(object) } + 7) & !7) + self.size as usize,
        };
        (n + 15) & !15
    }

    /// The size of objects of a fixed-size kind, tail included, rounded up to 16.
    #[inline(always)]
    pub(crate) fn alloc_size(&self) -> usize {
        self.size as usize
    }

    /// The size of objects of a fixed-size kind, tail included, not rounded.
    #[inline(always)]
    pub fn fixed_size(&self) -> usize {
        self.tail_offset as usize + 8 * self.tail_words as usize
    }

    /// Bytes from the object's start to its tail.
    #[inline(always)]
    pub fn tail_offset(&self, object: &Header) -> usize {
        match self.kind.size {
            None => self.tail_offset as usize,
            // SAFETY: as above.
            Some(f) => (unsafe { f(object) } + 7) & !7,
        }
    }
}
