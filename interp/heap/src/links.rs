//! Links: the dense table that joins managed objects with their mirrors.
//!
//! While an object is linked, the managed side owns one reference of the mirror (*bias* 1). A mirror with more makes its
//! object a root, unless the object is a proxy that may die. When the object dies the link is cut and the
//! reference given back, at a safe point.

use std::cell::Cell;

use crate::Value;
use crate::finalize::Finalizers;
use crate::heap::Heap;
use crate::map::MapFlags;
use crate::object::{Header, ObjFlags};
use crate::pressure::YOUNG_LINKS;
use crate::region::{commit, reserve_only};
use crate::weak::WeakCtx;

/// The head of every C struct that can be linked: CPython's 64-bit reference count word, split.
#[repr(C)]
pub struct Mirror {
    /// The reference count.
    pub refcnt: Cell<u32>,
    /// The index of its link, whose low 16 bits are neither all zero nor all one; other values mean that there is none.
    pub link: Cell<u32>,
    /// The struct of its class.
    pub class: Cell<*mut Mirror>,
}

/// The low bits of [`Mirror::link`] in unlinked structs that the marking under way has reached, and bits of no index. (A table of
/// their addresses costs two waits for memory for each.)
const REACHED: u32 = 0xffff;

impl Mirror {
    /// Marks an unlinked struct as reached; whether it was not yet.
    #[inline(always)]
    pub(crate) fn mark(&self) -> bool {
        let link = self.link.get();
        self.link.set(link | REACHED);
        link & REACHED != REACHED
    }

    /// Whether it is unlinked and marked as reached.
    #[inline(always)]
    pub(crate) fn is_marked(&self) -> bool {
        self.link.get() & REACHED == REACHED
    }

    /// Undoes [`Mirror::mark`].
    #[inline(always)]
    pub(crate) fn unmark(&self) {
        self.link.set(self.link.get() & !REACHED);
    }

    /// Whether the struct never dies: its count, whose top bit is set, says nothing.
    #[inline(always)]
    pub(crate) fn is_immortal(&self) -> bool {
        self.refcnt.get() >> 31 != 0
    }
}

/// An entry of the link table.
#[repr(C)]
pub struct Link {
    /// The managed object (in free entries: the next free index).
    pub managed: Cell<Value>,
    /// The mirror; null in free entries.
    pub mirror: Cell<*mut Mirror>,
}

impl Link {
    /// Makes it the first of the free entries; `next` is the one that was.
    #[inline(always)]
    fn set_free(&self, next: u32) {
        self.mirror.set(std::ptr::null_mut());
        // SAFETY: not used as a value: free entries hold the next free index.
        self.managed.set(unsafe { Value::from_bits(next as u64) });
    }
}

/// What the collector asks of the side that has the mirrors. The first three are called inside collections: they must not
/// allocate managed objects nor change reference counts. The others are called at safe points, unless they say otherwise.
pub trait ForeignHeap: Sync {
    /// Calls `visit` for every reference that the struct holds (`tp_traverse`, or the items of mirrored storage), once for each
    /// counted reference. Does nothing for types without `Py_TPFLAGS_HAVE_GC`. Also called for unlinked structs. Of the mirrors of objects
    /// that have all their references on the managed side it visits what those own besides: their class, see
    /// [`MapFlags::OWNS_CLASS`].
    fn traverse(&self, mirror: *mut Mirror, visit: &mut dyn FnMut(*mut Mirror));

    /// Calls `visit` for managed objects that the struct refers to other than through counted references.
    fn managed_children(&self, mirror: *mut Mirror, visit: &mut dyn FnMut(Value)) {
        let _ = (mirror, visit);
    }

    /// Whether the proxy (an object whose map has [`MapFlags::PROXY`], and to which no weak reference points) may die
    /// while C holds its struct: it has no state of its own.
    fn proxy_may_die(&self, managed: &Header) -> bool {
        let _ = managed;
        false
    }

    /// Whether [`ForeignHeap::finalize`] has still to be called before the struct, garbage in a cycle, is cleared.
    fn needs_finalize(&self, mirror: *mut Mirror) -> bool {
        let _ = mirror;
        false
    }

    /// Calls `visit` for every unlinked struct that the foreign side wants examined for cycles
    /// (objects tracked by `PyObject_GC_Track`).
    fn each_tracked(&self, visit: &mut dyn FnMut(*mut Mirror)) {
        let _ = visit;
    }

    /// The mirror of a weak reference shows no target and no callback any more. Called inside collections, too.
    fn weak_cleared(&self, mirror: *mut Mirror) {
        let _ = mirror;
    }

    /// For the checker of the heap: panics unless the mirror of a weak reference shows the mirror of the reference's target (null: none,
    /// it is dead).
    fn check_weak(&self, mirror: *mut Mirror, target: *mut Mirror) {
        let _ = (mirror, target);
    }

    /// Drops one reference; the struct may go.
    fn release(&self, mirror: *mut Mirror);

    /// As [`ForeignHeap::release`], for many.
    fn release_all(&self, mirrors: &[*mut Mirror]) {
        mirrors.iter().for_each(|&mirror| self.release(mirror));
    }

    /// A full collection is done, and found `doomed` unlinked structs to be garbage, which is still to be cleared: memory that is kept to
    /// be used again may be given back. Called inside the collection.
    fn collected_fully(&self, doomed: usize) {
        let _ = doomed;
    }

    /// Calls the struct's finalizer (`tp_finalize`), once.
    fn finalize(&self, mirror: *mut Mirror) {
        let _ = mirror;
    }

    /// Breaks cycles through the struct (`tp_clear`).
    fn clear(&self, mirror: *mut Mirror);
}

/// What is queued for the foreign side.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum ForeignOp {
    Finalize,
    Clear,
    /// As the two above, for unlinked structs, on which the queue holds a reference.
    FinalizeHeld,
    ClearHeld,
}

/// Whether the number may be the index of a link.
#[inline(always)]
fn is_index(i: u32) -> bool {
    !matches!(i & REACHED, 0 | REACHED)
}

const MAX_LINKS: usize = ObjFlags::LINK_MASK as usize + 1;
const STEP: u32 = 1 << 16;

/// The link table.
pub(crate) struct Links {
    base: *mut Link,
    /// The first index that was never used.
    pub(crate) end: u32,
    committed: u32,
    free: u32,
    pub(crate) count: usize,
    /// Links of young objects.
    pub(crate) young: Vec<u32>,
    pub(crate) foreign: Option<&'static dyn ForeignHeap>,
    /// For minor collections ([`crate::held`]): zeros, by index.
    pub(crate) held_counts: Vec<u32>,
    /// During a full collection: links whose mirrors were reached, and those of them not yet visited.
    reached: Vec<u64>,
    pub(crate) to_visit: Vec<u32>,
    /// During a full collection: links whose mirrors the ordinary roots did not reach, and those whose mirrors were reached
    /// while their objects may die. No other link can be cut at its end.
    pub(crate) unreached: Vec<u32>,
    pub(crate) bare: Vec<u32>,
}

impl Links {
    pub(crate) const fn new() -> Links {
        Links {
            base: std::ptr::null_mut(),
            end: 1,
            committed: 0,
            free: 0,
            count: 0,
            young: Vec::new(),
            foreign: None,
            held_counts: Vec::new(),
            reached: Vec::new(),
            to_visit: Vec::new(),
            unreached: Vec::new(),
            bare: Vec::new(),
        }
    }

    pub(crate) fn init(&mut self, heap: &Heap) {
        self.base = reserve_only(MAX_LINKS * size_of::<Link>()) as *mut Link;
        heap.links.set(self.base);
        self.commit_to(1);
    }

    fn commit_to(&mut self, end: u32) {
        if end > self.committed {
            commit(
                self.base as usize + self.committed as usize * size_of::<Link>(),
                STEP as usize * size_of::<Link>(),
            );
            self.committed += STEP;
        }
    }

    /// The entry of an index below `end`.
    #[inline(always)]
    pub(crate) fn entry(&self, index: u32) -> &'static Link {
        debug_assert!(index < self.end);
        // SAFETY: the table is never unmapped, and committed up to `end`; entries are cells.
        unsafe { &*self.base.add(index as usize) }
    }

    /// Puts entries that were never used into the list of free ones.
    fn add_entries(&mut self) {
        const MANY: u32 = 64;
        let first = self.end;
        assert!((first as usize) < MAX_LINKS, "out of memory: too many links");
        self.end = (first + MANY).min(MAX_LINKS as u32);
        self.commit_to(self.end);
        (first..self.end).rev().filter(|&i| is_index(i)).for_each(|i| self.put_free(i));
    }

    /// Puts an entry into the list of free ones.
    fn put_free(&mut self, index: u32) {
        self.entry(index).set_free(self.free);
        self.free = index;
    }

    fn free_index(&mut self, index: u32) {
        self.put_free(index);
        self.count -= 1;
    }

    /// The index of the link of a struct, if it has one.
    #[inline]
    pub(crate) fn index_of(&self, mirror: *mut Mirror) -> Option<u32> {
        // SAFETY: the foreign side names live structs only.
        let i = unsafe { &*mirror }.link.get();
        (is_index(i) && i < self.end && std::ptr::eq(self.entry(i).mirror.get(), mirror)).then_some(i)
    }

    /// Whether C holds the mirror of a live link so that its object must stay.
    pub(crate) fn may_die(&self, managed: &Header) -> bool {
        managed.map().flags.get() & MapFlags::PROXY != 0
            && !managed.has(ObjFlags::WEAKREF)
            && self.foreign.is_some_and(|f| f.proxy_may_die(managed))
    }

    /// The index of the `i`th young link, when C holds a young object by it that a minor collection has not reached.
    #[inline(always)]
    pub(crate) fn held_young(&self, heap: &Heap, i: usize) -> Option<u32> {
        let e = self.entry(self.young[i]);
        let mirror = e.mirror.get();
        // SAFETY: a linked mirror is alive: the link owns a reference. Of most young ones that is the only one.
        if mirror.is_null() || unsafe { &*mirror }.refcnt.get() <= 1 {
            return None;
        }
        self.must_stay(heap, e).then_some(self.young[i])
    }

    /// Whether the object of a link whose mirror C holds is a young one that has to be visited.
    #[inline(never)]
    fn must_stay(&self, heap: &Heap, e: &Link) -> bool {
        if !heap.is_young(e.managed.get()) {
            return false;
        }
        let addr = e.managed.get().bits() as usize;
        // SAFETY: an object that is not known to survive has its header still.
        crate::minor::survivor(heap.spaces(), addr).is_none()
            && !self.may_die(unsafe { &*(addr as *const Header) })
    }

    fn cut(&mut self, index: u32, finalizers: &mut Finalizers) {
        let mirror = self.entry(index).mirror.get();
        // SAFETY: a linked mirror is alive.
        unsafe { &*mirror }.link.set(0);
        self.free_index(index);
        finalizers.queue_release(mirror);
    }

    /// Ends a minor collection: follows the young links, and cuts those of objects that died.
    pub(crate) fn cut_dead_young(&mut self, heap: &Heap, finalizers: &mut Finalizers) {
        let (spaces, base, n) = (heap.spaces(), self.base, self.young.len());
        let released = finalizers.room_for_released(n);
        let room = released.spare_capacity_mut();
        let (mut kept, mut cut, mut free) = (0, 0, self.free);
        for i in 0..n {
            let index = self.young[i];
            // SAFETY: the table is never unmapped, and the list has indexes of entries.
            let e = unsafe { &*base.add(index as usize) };
            let mirror = e.mirror.get();
            if mirror.is_null() {
                continue;
            }
            let Some(p) = crate::minor::survivor(spaces, e.managed.get().bits() as usize) else {
                // SAFETY: a linked mirror is alive.
                unsafe { &*mirror }.link.set(0);
                e.set_free(free);
                free = index;
                room[cut].write(mirror);
                cut += 1;
                continue;
            };
            // SAFETY: a surviving object is at the address.
            e.managed.set(unsafe { Value::from_bits(p as u64) });
            if spaces.is_young(p) {
                self.young[kept] = index;
                kept += 1;
            }
        }
        // SAFETY: so many are written.
        unsafe { released.set_len(released.len() + cut) };
        self.young.truncate(kept);
        self.free = free;
        self.count -= cut;
    }

    /// Ends a full collection: cuts the links of objects that died.
    pub(crate) fn cut_dead(&mut self, ctx: &WeakCtx<'_>, finalizers: &mut Finalizers) {
        let (unreached, bare) = (std::mem::take(&mut self.unreached), std::mem::take(&mut self.bare));
        for index in unreached.into_iter().chain(bare) {
            let e = self.entry(index);
            // (What is in both lists has been cut before.)
            if !e.mirror.get().is_null() && !ctx.is_alive(e.managed.get()) {
                self.cut(index, finalizers);
            }
        }
        self.reached = Vec::new();
    }

    /// Gathers the links whose mirrors were not reached. On the way the free entries are put in order, and those at the end of
    /// the table given up: the table is walked in each full collection, so a past peak is not to be paid for ever.
    pub(crate) fn find_unreached(&mut self) {
        let mut unreached = std::mem::take(&mut self.unreached);
        unreached.clear();
        // The last free entry met, and the last before a link.
        let (mut last, mut kept) = (0, 0);
        let mut end = 1;
        self.free = 0;
        for index in 1..self.end {
            if !self.entry(index).mirror.get().is_null() {
                (end, kept) = (index + 1, last);
                if !self.is_reached(index) {
                    unreached.push(index);
                }
            } else if is_index(index) {
                self.set_next_free(last, index);
                last = index;
            }
        }
        self.set_next_free(kept, 0);
        self.end = end;
        self.unreached = unreached;
    }

    /// Puts `next` behind the free entry `index` (0: at the head of the list).
    fn set_next_free(&mut self, index: u32, next: u32) {
        match index {
            0 => self.free = next,
            // SAFETY: not used as a value, as in `put_free`.
            _ => self.entry(index).managed.set(unsafe { Value::from_bits(next as u64) }),
        }
    }

    /// Begins the marking of mirrors.
    pub(crate) fn begin_marking(&mut self) {
        self.reached = vec![0; (self.end as usize).div_ceil(64)];
    }

    /// Whether the link's mirror was reached.
    #[inline]
    pub(crate) fn is_reached(&self, index: u32) -> bool {
        self.reached[index as usize / 64] >> (index % 64) & 1 != 0
    }

    /// Marks a link's mirror as reached; when it `refers` to others, it will be visited.
    #[inline]
    pub(crate) fn reach(&mut self, index: u32, refers: bool) {
        let (w, bit) = (&mut self.reached[index as usize / 64], 1 << (index % 64));
        if *w & bit == 0 {
            *w |= bit;
            if refers && self.foreign.is_some() {
                self.to_visit.push(index);
            }
        }
    }

    /// Whether the mirror of a live link may own references of others.
    #[inline]
    pub(crate) fn refers(&self, index: u32) -> bool {
        let map = self.entry(index).managed.get().header().map();
        map.kind().mirror_refers || map.flags.get() & MapFlags::OWNS_CLASS != 0
    }
}

impl Heap {
    /// Links `object`, which has no link, with `mirror`, and gives the link's index. The link takes over one reference of the
    /// mirror.
    ///
    /// # Safety
    /// `mirror` must be a live struct, and stay so while it is linked.
    #[inline(always)]
    pub unsafe fn link(&self, object: &Header, mirror: *mut Mirror) -> u32 {
        debug_assert!(object.link() == 0 && !mirror.is_null());
        // SAFETY: the GIL is held; no other reference to the table is alive.
        let links = unsafe { &mut (*self.state()).links };
        if links.free == 0 || links.young.len() == links.young.capacity() {
            // SAFETY: the caller's promise.
            return unsafe { self.link_after_growth(object, mirror) };
        }
        let i = links.free;
        let e = links.entry(i);
        links.free = e.managed.get().bits() as u32;
        links.count += 1;
        e.managed.set(object.as_value());
        e.mirror.set(mirror);
        object.set_link(i);
        // SAFETY: the caller gives a live struct.
        unsafe { &*mirror }.link.set(i);
        if self.is_young_ptr(object as *const Header as usize) {
            // (There is room.)
            links.young.push(i);
            if links.young.len().is_multiple_of(YOUNG_LINKS) {
                self.many_young_links();
            }
        }
        i
    }

    /// [`Heap::link`] when there is no free entry, or no room for one more young link.
    #[cold]
    #[inline(never)]
    unsafe fn link_after_growth(&self, object: &Header, mirror: *mut Mirror) -> u32 {
        // SAFETY: as above.
        let links = unsafe { &mut (*self.state()).links };
        links.young.reserve(1);
        if links.free == 0 {
            links.add_entries();
        }
        // SAFETY: the caller's promise.
        unsafe { self.link(object, mirror) }
    }

    /// Cuts a link. The reference that it owned is the caller's again.
    pub fn unlink(&self, index: u32) {
        // SAFETY: as above.
        let links = unsafe { &mut (*self.state()).links };
        let e = links.entry(index);
        debug_assert!(!e.mirror.get().is_null(), "the index of no link");
        // SAFETY: a linked mirror is alive.
        unsafe { &*e.mirror.get() }.link.set(0);
        e.managed.get().header().set_link(0);
        links.free_index(index);
    }

    /// Joins the object of a link with another struct (which has been reallocated, say); the index stays. The reference that
    /// the link owned of the old one is the caller's, and the link takes over one of the new one.
    ///
    /// # Safety
    /// As for [`Heap::link`].
    pub unsafe fn relink(&self, index: u32, mirror: *mut Mirror) {
        // SAFETY: as above.
        let e = unsafe { (*self.state()).links.entry(index) };
        e.mirror.set(mirror);
        // SAFETY: the caller gives a live struct.
        unsafe { &*mirror }.link.set(index);
    }

    /// The mirror of an object; null when it is not linked.
    #[inline(always)]
    pub fn mirror_of(&self, object: &Header) -> *mut Mirror {
        // SAFETY: a header's link is the index of an entry; entry 0 has a null mirror.
        unsafe { (*self.links.get().add(object.link() as usize)).mirror.get() }
    }

    /// The object of the link with this index.
    #[inline(always)]
    pub fn managed_of(&self, index: u32) -> Value {
        // SAFETY: the caller read the index from a linked struct.
        unsafe { (*self.links.get().add(index as usize)).managed.get() }
    }

    /// The object of a struct; EMPTY when it is not linked.
    #[inline(always)]
    pub fn managed_of_mirror(&self, mirror: &Mirror) -> Value {
        let i = mirror.link.get();
        if i & 0xffff == 0 { Value::EMPTY } else { self.managed_of(i) }
    }

    /// The object of a struct, for code that runs inside collections, when structs may be marked; `None` when it is not linked.
    pub fn managed_while_marking(&self, mirror: &Mirror) -> Option<Value> {
        let i = mirror.link.get();
        is_index(i).then(|| self.managed_of(i))
    }

    /// The link table, for code that indexes it itself. Never moves.
    pub fn links_base(&self) -> *const Link {
        self.ensure_init();
        self.links.get()
    }

    /// Number of links.
    pub fn link_count(&self) -> usize {
        // SAFETY: as above.
        unsafe { (*self.state()).links.count }
    }

    /// Registers the side that has the mirrors.
    pub fn set_foreign(&self, foreign: &'static dyn ForeignHeap) {
        self.ensure_init();
        // SAFETY: as above.
        unsafe { (*self.state()).links.foreign = Some(foreign) }
    }

    /// Does queued work of the foreign side. No reference into the state is kept while it runs.
    pub(crate) fn run_foreign(&self, op: ForeignOp, mirror: *mut Mirror) {
        // SAFETY: the GIL is held.
        let Some(foreign) = (unsafe { (*self.state()).links.foreign }) else { return };
        match op {
            ForeignOp::Finalize => foreign.finalize(mirror),
            ForeignOp::Clear => foreign.clear(mirror),
            ForeignOp::FinalizeHeld => {
                foreign.finalize(mirror);
                foreign.release(mirror);
            }
            ForeignOp::ClearHeld => {
                foreign.clear(mirror);
                foreign.release(mirror);
            }
        }
    }
}
