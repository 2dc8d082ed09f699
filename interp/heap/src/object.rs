//! Object headers, typed pointers and barriered fields.

use std::cell::Cell;
use std::marker::PhantomData;
use std::ops::Deref;
use std::ptr::NonNull;

use crate::kind::{Trace, Tracer};
use crate::map::MapRef;
use crate::{HeapObject, Value, write_barrier_at};

/// The eight bytes at the start of every heap object.
///
/// `map` names the object's [`crate::Map`]; `meta` holds the link index in its low 26 bits and the
/// collector's flags in its high 6, so that an inline cache compares `map` with one instruction.
#[repr(C)]
pub struct Header {
    map: Cell<u32>,
    meta: Cell<u32>,
}

/// Flag bits of [`Header`], the high bits of its second word.
pub struct ObjFlags;

impl ObjFlags {
    /// The object is old and not in the store buffer: a store into it must enter the barrier's slow path.
    pub const BARRIER: u32 = 1 << 31;
    /// The object is in the old (or large-object) space: it never moves again.
    pub const OLD: u32 = 1 << 30;
    /// Reached by the marking under way.
    pub const MARKED: u32 = 1 << 29;
    /// Young and its identity was asked for: its place in the old space is already reserved.
    pub const SHADOW: u32 = 1 << 28;
    /// Some weak reference points to the object.
    pub const WEAKREF: u32 = 1 << 27;
    /// Its finalizer has been called, and is not to be called again.
    pub const FINALIZED: u32 = 1 << 26;
    /// The bits of the link index.
    pub const LINK_MASK: u32 = (1 << 26) - 1;
}

impl Header {
    /// The header of a new, unlinked object.
    #[inline(always)]
    pub fn new(map: MapRef) -> Header {
        Header { map: Cell::new(map.id()), meta: Cell::new(0) }
    }

    /// The map's id, to compare in inline caches.
    #[inline(always)]
    pub fn map_id(&self) -> u32 {
        self.map.get()
    }

    /// The object's map.
    #[inline(always)]
    pub fn map(&self) -> MapRef {
        // SAFETY: a header's map word is always the id of a live map; forwarded headers are
        // only seen by the collector, which does not call this on them.
        unsafe { MapRef::from_id(self.map.get()) }
    }

    /// Gives the object another map, of the same size and kind.
    #[inline(always)]
    pub fn set_map(&self, map: MapRef) {
        self.map.set(map.id());
    }

    /// The raw map word; for the collector.
    #[inline(always)]
    pub fn raw_map(&self) -> &Cell<u32> {
        &self.map
    }

    /// The raw second word; for the collector.
    #[inline(always)]
    pub fn raw_meta(&self) -> &Cell<u32> {
        &self.meta
    }

    /// Whether all of `flags` are set.
    #[inline(always)]
    pub fn has(&self, flags: u32) -> bool {
        self.meta.get() & flags == flags
    }

    /// Sets `flags`.
    #[inline(always)]
    pub fn set(&self, flags: u32) {
        self.meta.set(self.meta.get() | flags);
    }

    /// Clears `flags`.
    #[inline(always)]
    pub fn clear(&self, flags: u32) {
        self.meta.set(self.meta.get() & !flags);
    }

    /// The index of the object's link to its mirror; 0 when it never crossed.
    #[inline(always)]
    pub fn link(&self) -> u32 {
        self.meta.get() & ObjFlags::LINK_MASK
    }

    /// Records the link index.
    #[inline(always)]
    pub fn set_link(&self, link: u32) {
        debug_assert!(link <= ObjFlags::LINK_MASK);
        self.meta.set(self.meta.get() & !ObjFlags::LINK_MASK | link);
    }

    /// This object as a value.
    #[inline(always)]
    pub fn as_value(&self) -> Value {
        // SAFETY: self is a live object.
        unsafe { Value::from_bits(self as *const Header as u64) }
    }

    /// The words behind the kind's own struct: the attribute slots of instances.
    #[inline(always)]
    pub fn tail(&self) -> *mut Value {
        let map = self.map();
        let offset = map.tail_offset(self);
        // SAFETY: the map says that the object has its tail there, inside its allocation.
        unsafe { (self as *const Header as *mut u8).add(offset) as *mut Value }
    }
}

/// A pointer to a heap object laid out as `T`; copied freely, kept only where [`Value`]s may be.
#[repr(transparent)]
pub struct Ptr<T>(NonNull<T>, PhantomData<T>);

impl<T> Clone for Ptr<T> {
    #[inline(always)]
    fn clone(&self) -> Self {
        *self
    }
}
impl<T> Copy for Ptr<T> {}
impl<T> PartialEq for Ptr<T> {
    #[inline(always)]
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}
impl<T> Eq for Ptr<T> {}

impl<T: HeapObject> Ptr<T> {
    /// A typed pointer from an address.
    ///
    /// # Safety
    /// `raw` must be the address of a live heap object laid out as `T`.
    #[inline(always)]
    pub const unsafe fn from_raw(raw: *mut T) -> Ptr<T> {
        // SAFETY: live objects have non-null addresses.
        Ptr(unsafe { NonNull::new_unchecked(raw) }, PhantomData)
    }

    /// The address.
    #[inline(always)]
    pub const fn as_raw(self) -> *mut T {
        self.0.as_ptr()
    }

    /// The untyped value.
    #[inline(always)]
    pub fn value(self) -> Value {
        // SAFETY: it points to a live heap object.
        unsafe { Value::from_bits(self.0.as_ptr() as u64) }
    }

    /// The object's header.
    #[inline(always)]
    pub fn header(&self) -> &'static Header {
        // SAFETY: every heap object starts with its header.
        unsafe { &*(self.0.as_ptr() as *const Header) }
    }
}

impl<T> Deref for Ptr<T> {
    type Target = T;
    #[inline(always)]
    fn deref(&self) -> &T {
        // SAFETY: the object lives as long as a native frame holds its pointer (conservative scan),
        // and its fields are cells, so shared references never alias a mutable one.
        unsafe { self.0.as_ref() }
    }
}

impl<T: HeapObject> From<Ptr<T>> for Value {
    #[inline(always)]
    fn from(p: Ptr<T>) -> Value {
        p.value()
    }
}

impl<T: HeapObject> std::fmt::Debug for Ptr<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.value().fmt(f)
    }
}

/// A field of a heap object that holds a value. Stores go through the write barrier.
#[repr(transparent)]
pub struct Field(Cell<Value>);

impl Field {
    /// The field of an object under construction.
    #[inline(always)]
    pub const fn new(v: Value) -> Field {
        Field(Cell::new(v))
    }

    /// What it holds.
    #[inline(always)]
    pub fn get(&self) -> Value {
        self.0.get()
    }

    /// Stores `v`; `owner` is the object that contains this field.
    #[inline(always)]
    pub fn set<T: HeapObject>(&self, owner: Ptr<T>, v: Value) {
        self.0.set(v);
        write_barrier_at(owner.header(), &self.0);
    }

    /// Stores `v` into a field of the object with this header.
    #[inline(always)]
    pub fn store(&self, owner: &Header, v: Value) {
        self.0.set(v);
        write_barrier_at(owner, &self.0);
    }

    /// Stores a value that is no young pointer (a number, a singleton, an old object) without a barrier.
    #[inline(always)]
    pub fn set_no_barrier(&self, v: Value) {
        self.0.set(v);
    }

    /// The cell itself, for tracing.
    #[inline(always)]
    pub fn cell(&self) -> &Cell<Value> {
        &self.0
    }

    /// What it holds as a `T`, when it is one.
    #[inline(always)]
    pub fn downcast<T: HeapObject>(&self) -> Option<Ptr<T>> {
        self.get().downcast()
    }

    /// What it holds, known to be a `T` or nothing.
    ///
    /// # Safety
    /// If the field holds a pointer, it must point to an object laid out as `T`.
    #[inline(always)]
    pub unsafe fn cast<T: HeapObject>(&self) -> Ptr<T> {
        // SAFETY: the caller's promise.
        unsafe { self.get().cast() }
    }
}

impl Trace for Field {
    #[inline(always)]
    fn trace(&self, t: &mut Tracer<'_>) {
        t.visit(&self.0);
    }
}
