//! The heap: allocation, and what ties the parts of the collector together.
//!
//! All entry points need the GIL.

use std::cell::{Cell, UnsafeCell};
use std::mem::{ManuallyDrop, MaybeUninit};

use crate::block::{BLOCK_SHIFT, Block, DATA, fill};
use crate::census::Census;
use crate::conservative::{Threads, native_stack_base, scrub_for_later, with_registers};
use crate::cycles::Unlinked;
use crate::finalize::Finalizers;
use crate::identity::Identities;
use crate::kind::Tracer;
use crate::large::Large;
use crate::links::{Link, Links};
use crate::map::MapRef;
use crate::maps::Maps;
use crate::nursery::Nursery;
use crate::object::{Header, ObjFlags, Ptr};
use crate::old::{MAX_SMALL, Old};
use crate::options::Options;
use crate::pressure::Pressure;
use crate::prompt::Watched;
use crate::region::{Region, Space};
use crate::root::Roots;
use crate::stats::Stats;
use crate::weak::Weak;
use crate::{HeapObject, Value, holders, major, minor, verify};

/// Large objects are collected after so many bytes for each byte of the nursery: their memory is to be used again while it is in the
/// cache.
const YOUNG_LARGE: usize = 1;

/// The process's heap.
pub struct Heap {
    /// The next free byte of the nursery run in use, and its end (0 when every allocation shall take the slow path).
    cursor: Cell<usize>,
    limit: Cell<usize>,
    base: Cell<usize>,
    bytes: Cell<usize>,
    table: Cell<*mut u8>,
    pub(crate) links: Cell<*mut Link>,
    pub(crate) pending: Cell<bool>,
    collecting: Cell<bool>,
    /// The collection that runs is to make room for a large object.
    for_large: Cell<bool>,
    /// Who is told of allocations.
    pub(crate) watcher: Cell<Option<crate::watch::Watcher>>,
    state: UnsafeCell<State>,
}

/// Everything that allocation's fast path does not need.
pub(crate) struct State {
    pub(crate) region: Region,
    pub(crate) nursery: Nursery,
    pub(crate) old: Old,
    pub(crate) large: Large,
    pub(crate) maps: Maps,
    pub(crate) threads: Threads,
    pub(crate) roots: Roots,
    /// Old objects that may refer to young ones.
    pub(crate) store: Vec<usize>,
    /// Cells of large old objects that may refer to young ones: object and cell.
    pub(crate) slots: Vec<(usize, usize)>,
    /// Objects whose fields are still to be visited.
    pub(crate) grey: Vec<usize>,
    /// Young objects that native stacks mention, sorted.
    pub(crate) pinned: Vec<usize>,
    /// Set when a visited cell goes on referring to a young object.
    pub(crate) saw_young: bool,
    pub(crate) weak: Weak,
    pub(crate) finalizers: Finalizers,
    pub(crate) identities: Identities,
    pub(crate) links: Links,
    pub(crate) unlinked: Unlinked,
    pub(crate) pressure: Pressure,
    /// Young objects whose end is to be seen at once.
    pub(crate) watched: Watched,
    pub(crate) stats: Stats,
    pub(crate) census: Census,
    pub(crate) options: Options,
    /// Names the function whose native frame has a word.
    pub(crate) frame_namer: Option<fn(usize) -> String>,
}

/// Which space each block belongs to.
#[derive(Clone, Copy)]
pub(crate) struct Spaces {
    base: usize,
    table: *const u8,
}

impl Spaces {
    /// The space of an address of the heap.
    #[inline(always)]
    pub(crate) fn of(self, addr: usize) -> Space {
        // SAFETY: the table has an entry for every block, which set_space wrote (or 0, Free).
        unsafe { *(self.table.add((addr - self.base) >> BLOCK_SHIFT) as *const Space) }
    }

    /// Whether the object at an address is young.
    #[inline(always)]
    pub(crate) fn is_young(self, addr: usize) -> bool {
        matches!(self.of(addr), Space::Nursery | Space::LargeYoung)
    }
}

// SAFETY: every access happens with the GIL held.
unsafe impl Sync for Heap {}

static HEAP: Heap = Heap {
    cursor: Cell::new(0),
    limit: Cell::new(0),
    base: Cell::new(0),
    bytes: Cell::new(0),
    table: Cell::new(std::ptr::null_mut()),
    links: Cell::new(std::ptr::null_mut()),
    pending: Cell::new(false),
    collecting: Cell::new(false),
    for_large: Cell::new(false),
    watcher: Cell::new(None),
    state: UnsafeCell::new(State {
        region: Region::new(),
        nursery: Nursery::new(),
        old: Old::new(),
        large: Large::new(),
        maps: Maps::new(),
        threads: Threads::new(),
        roots: Roots::new(),
        store: Vec::new(),
        slots: Vec::new(),
        grey: Vec::new(),
        pinned: Vec::new(),
        saw_young: false,
        weak: Weak::new(),
        finalizers: Finalizers::new(),
        identities: Identities::new(),
        links: Links::new(),
        unlinked: Unlinked::new(),
        pressure: Pressure::new(),
        watched: Watched::new(),
        stats: Stats::new(),
        census: Census::new(),
        options: Options::new(),
        frame_namer: None,
    }),
};

/// The heap.
#[inline(always)]
pub fn heap() -> &'static Heap {
    &HEAP
}

impl Heap {
    /// Makes a heap object from its native struct. `init.header` must have been made with `map`, whose kind must
    /// be `T`'s and of fixed size. The tail is filled with EMPTY. May collect.
    #[inline(always)]
    pub fn alloc<T: HeapObject>(&self, map: MapRef, init: T) -> Ptr<T> {
        debug_assert!(std::ptr::eq(map.kind(), T::kind()) && T::kind().size.is_none());
        let p = self.bump(map.alloc_size());
        // SAFETY: bump returned that many free bytes, enough for the struct and its tail.
        unsafe { self.place(p, map, init) }
    }

    /// Makes a heap object of a variable-size kind: `init` is its fixed part, `bytes` the size of struct and variable part
    /// (without the tail), what the kind's `size` says of `init`. The variable part is zeroed (so value cells in it are EMPTY),
    /// the tail EMPTY. May collect.
    #[inline]
    pub fn alloc_var<T: HeapObject>(&self, map: MapRef, bytes: usize, init: T) -> Ptr<T> {
        self.alloc_zeroed_from(map, bytes, size_of::<T>(), init)
    }

    /// As [`Heap::alloc_var`] for a variable part without values that the caller fills at once: of it only the last 7 bytes are zeroed
    /// for certain, which is enough for a final NUL.
    #[inline]
    pub fn alloc_leaf<T: HeapObject>(&self, map: MapRef, bytes: usize, init: T) -> Ptr<T> {
        debug_assert!(T::kind().leaf);
        self.alloc_zeroed_from(map, bytes, size_of::<T>().max(bytes - 7), init)
    }

    /// As [`Heap::alloc_leaf`], for maps without a tail whose objects need no registration; of the variable part the last 16 bytes are zeroed,
    /// rounding included.
    #[inline(always)]
    pub fn alloc_plain_leaf<T: HeapObject>(&self, map: MapRef, bytes: usize, init: T) -> Ptr<T> {
        debug_assert!(T::kind().leaf && !map.needs_more() && bytes > size_of::<T>());
        let total = (bytes + 15) & !15;
        let p = if total > MAX_SMALL { self.alloc_large(total).0 } else { self.bump(total) };
        // SAFETY: so many bytes are free there; the fixed part comes last, because a short object's zeroes reach into it.
        unsafe {
            (p as *mut u64).add(total / 8 - 1).write(0);
            (p as *mut u64).add(total / 8 - 2).write(0);
            write_words(p as *mut T, init);
            debug_assert!(map.object_size(&*(p as *const Header)) == total);
            Ptr::from_raw(p as *mut T)
        }
    }

    /// As [`Heap::alloc_filled`], filled to its end, for maps as those of [`Heap::alloc_plain_leaf`].
    #[inline(always)]
    pub fn alloc_plain_filled<T: HeapObject>(&self, map: MapRef, bytes: usize, init: T) -> Ptr<T> {
        debug_assert!(!map.needs_more() && bytes.is_multiple_of(8) && bytes >= size_of::<T>());
        let total = (bytes + 15) & !15;
        let p = if total > MAX_SMALL { self.alloc_large(total).0 } else { self.bump(total) };
        // SAFETY: so many bytes are free there; the fixed part comes last, as in alloc_plain_leaf.
        unsafe {
            (p as *mut u64).add(total / 8 - 1).write(0);
            write_words(p as *mut T, init);
            debug_assert!(map.object_size(&*(p as *const Header)) == total);
            Ptr::from_raw(p as *mut T)
        }
    }

    /// As [`Heap::alloc_var`] for a caller that at once fills the object up to its byte `filled`: only what is behind is zeroed.
    #[inline(always)]
    pub fn alloc_filled<T: HeapObject>(&self, map: MapRef, bytes: usize, filled: usize, init: T) -> Ptr<T> {
        debug_assert!(size_of::<T>() <= filled && filled <= bytes);
        self.alloc_zeroed_from(map, bytes, filled, init)
    }

    #[inline(always)]
    fn alloc_zeroed_from<T: HeapObject>(&self, map: MapRef, bytes: usize, from: usize, init: T) -> Ptr<T> {
        let total = var_size(map, bytes);
        // (`init` is used in one place only: then it is made there, and not on the stack first.)
        let (p, from) = if total > MAX_SMALL {
            let (p, zero) = self.alloc_large(total);
            // Memory that is known to be zero is not zeroed again.
            (p, if zero { total } else { from })
        } else {
            (self.bump(total), from)
        };
        // SAFETY: both returned that many free bytes.
        unsafe { self.place_var(p, map, total, from, init) }
    }

    /// As [`Heap::alloc`], directly in the old space, where the object never moves: types, interned strings, code.
    pub fn alloc_old<T: HeapObject>(&self, map: MapRef, init: T) -> Ptr<T> {
        let p = self.alloc_raw_old(map.alloc_size());
        // SAFETY: as in alloc.
        let object = unsafe { self.place(p, map, init) };
        self.made_old(object.header());
        object
    }

    /// As [`Heap::alloc_var`], directly in the old space.
    pub fn alloc_var_old<T: HeapObject>(&self, map: MapRef, bytes: usize, init: T) -> Ptr<T> {
        let total = var_size(map, bytes);
        let p = self.alloc_raw_old(total);
        // SAFETY: as in alloc_var.
        let object = unsafe { self.place_var(p, map, total, size_of::<T>(), init) };
        self.made_old(object.header());
        object
    }

    /// Writes a new object of fixed size.
    ///
    /// # Safety
    /// `p` must be the address of enough free memory.
    #[inline(always)]
    unsafe fn place<T: HeapObject>(&self, p: usize, map: MapRef, init: T) -> Ptr<T> {
        let p = p as *mut T;
        // SAFETY: the caller's promise.
        unsafe {
            write_words(p, init);
            debug_assert!((*(p as *const Header)).map() == map);
            if map.needs_more() {
                // The tail begins behind the struct.
                zero((p as usize + size_of::<T>() + 7) & !7, p as usize + map.alloc_size());
                if map.registers() {
                    self.register(&*(p as *const Header));
                }
            }
            Ptr::from_raw(p)
        }
    }

    /// Writes a new object of variable size, `total` bytes, zeroing those from the word that `from` falls in.
    ///
    /// # Safety
    /// `p` must be the address of enough free memory.
    #[inline(always)]
    unsafe fn place_var<T: HeapObject>(
        &self,
        p: usize,
        map: MapRef,
        total: usize,
        from: usize,
        init: T,
    ) -> Ptr<T> {
        let p = p as *mut T;
        // SAFETY: the caller's promise.
        unsafe {
            zero((p as usize + from) & !7, p as usize + total);
            write_words(p, init);
            let h = &*(p as *const Header);
            debug_assert!(h.map() == map && std::ptr::eq(map.kind(), T::kind()));
            debug_assert!(map.object_size(h) == total, "the kind's size function contradicts alloc_var");
            if map.registers() {
                self.register(h);
            }
            Ptr::from_raw(p)
        }
    }

    /// Where the next object is made, and where its end may be at most (0: [`Heap`] is to be asked), for code that makes objects itself. They
    /// stay where they are.
    pub fn bump_cells(&self) -> (*const Cell<usize>, *const Cell<usize>) {
        (&raw const self.cursor, &raw const self.limit)
    }

    #[inline(always)]
    fn bump(&self, size: usize) -> usize {
        let p = self.cursor.get();
        let end = p + size;
        if end > self.limit.get() {
            return self.bump_slow(size);
        }
        self.cursor.set(end);
        p
    }

    #[cold]
    #[inline(never)]
    fn bump_slow(&self, size: usize) -> usize {
        assert!(!self.collecting.get(), "allocation inside a collection");
        self.ensure_init();
        self.check_thread();
        if size > MAX_SMALL {
            return self.alloc_large_checked(size).0;
        }
        let s = self.state();
        // SAFETY: the GIL is held; no reference into the state is kept over a collection.
        unsafe {
            let zeal = (*s).options.zeal();
            if zeal {
                self.zeal_tick();
            }
            if (*s).pressure.minor_due() {
                self.collect_minor();
            }
            loop {
                let p = self.cursor.get();
                let end = (*s).nursery.run_end;
                if p + size <= end {
                    let slow = zeal || self.watcher.get().is_some();
                    self.limit.set(if slow { 0 } else { end });
                    self.cursor.set(p + size);
                    self.tell(p, size);
                    return p;
                }
                self.close_run();
                if (*s).watched.is_due() {
                    self.collect_minor();
                }
                match (*s).nursery.next_run() {
                    Some((start, _)) => self.cursor.set(start),
                    None => self.collect_minor(),
                }
            }
        }
    }

    /// The next free byte of the run in use.
    pub(crate) fn cursor(&self) -> usize {
        self.cursor.get()
    }

    /// Ends the run in use: what is left of it becomes a filler.
    fn close_run(&self) {
        // SAFETY: the GIL is held; between the cursor and the run's end is free memory.
        unsafe {
            let end = (*self.state()).nursery.run_end;
            fill(self.cursor.get(), end);
            (*self.state()).nursery.run_end = 0;
        }
        self.cursor.set(0);
        self.limit.set(0);
    }

    /// Changes whenever an object is made; not a count.
    pub(crate) fn allocations(&self) -> (usize, usize, usize) {
        // SAFETY: the GIL is held.
        unsafe { (self.cursor.get(), (*self.state()).old.bytes, (*self.state()).large.young_bytes) }
    }

    /// Memory for a young large object, and whether it is zero.
    #[inline(never)]
    fn alloc_large(&self, size: usize) -> (usize, bool) {
        assert!(!self.collecting.get(), "allocation inside a collection");
        self.ensure_init();
        self.check_thread();
        // SAFETY: the GIL is held.
        if unsafe { (*self.state()).options.zeal() } {
            self.zeal_tick();
        }
        self.alloc_large_checked(size)
    }

    fn alloc_large_checked(&self, size: usize) -> (usize, bool) {
        self.large_is_due(size);
        let s = self.state();
        // SAFETY: the GIL is held; no reference into the state is kept over a collection.
        let (p, zero) = unsafe { (*s).large.alloc(self, &mut (*s).region, size, true) };
        self.tell(p, size);
        (p, zero)
    }

    /// Collects when the large objects made since the last collection, with one more of `size` bytes, are many bytes.
    pub(crate) fn large_is_due(&self, size: usize) {
        let s = self.state();
        // SAFETY: the GIL is held; no reference into the state is kept over a collection.
        unsafe {
            if (*s).large.young_bytes > 0 && (*s).large.young_bytes + size > (*s).nursery.size * YOUNG_LARGE {
                self.for_large.set(true);
                self.collect_minor();
                self.for_large.set(false);
                self.release_lent();
            }
        }
    }

    /// Whether the collection that runs is to make room for a large object: then it is worth knowing which registers are dead, even of the
    /// frame on top alone. What is in them is most often the object made before, whose memory is still in the cache.
    pub fn makes_room(&self) -> bool {
        self.for_large.get()
    }

    /// Memory in the old space; may collect.
    fn alloc_raw_old(&self, size: usize) -> usize {
        assert!(!self.collecting.get(), "allocation inside a collection");
        self.ensure_init();
        self.check_thread();
        let s = self.state();
        // SAFETY: the GIL is held; no reference into the state is kept over a collection.
        unsafe {
            if (*s).options.zeal() {
                self.zeal_tick();
            }
            if (*s).pressure.major_due(&(*s).old, &(*s).large) {
                self.collect(true);
            }
            let p = if size > MAX_SMALL {
                (*s).large.alloc(self, &mut (*s).region, size, false).0
            } else {
                (*s).old.alloc(self, &mut (*s).region, size)
            };
            self.tell(p, size);
            p
        }
    }

    /// A new object in the old space: its first values may be young, so it is remembered.
    fn made_old(&self, object: &Header) {
        object.set(ObjFlags::OLD);
        // SAFETY: the GIL is held.
        unsafe { (*self.state()).store.push(object as *const Header as usize) }
    }

    /// Slow path of the write barrier.
    pub(crate) fn remember(&self, owner: &Header) {
        owner.clear(ObjFlags::BARRIER);
        // SAFETY: the GIL is held.
        unsafe { (*self.state()).store.push(owner as *const Header as usize) }
    }

    /// Slow path of the write barrier, for a store into one cell. A large object keeps its barrier, and the cell is
    /// remembered, unless there are so many cells that looking at the whole object is better.
    pub(crate) fn remember_at(&self, owner: &Header, cell: &Cell<Value>) {
        let addr = owner as *const Header as usize;
        if self.space_of(addr) != Space::LargeOld {
            return self.remember(owner);
        }
        if !self.is_young(cell.get()) {
            return;
        }
        // SAFETY: the GIL is held; a large object starts behind its block's header.
        unsafe {
            let slots = &mut (*self.state()).slots;
            if slots.len() > Block::of(addr).cell.get() / 32 {
                return self.remember(owner);
            }
            slots.push((addr, cell as *const Cell<Value> as usize));
        }
    }

    #[inline(always)]
    pub(crate) fn state(&self) -> *mut State {
        self.state.get()
    }

    /// Sets the heap up at its first use, on whatever thread that is.
    #[inline]
    pub(crate) fn ensure_init(&self) {
        if self.base.get() == 0 {
            self.init();
        }
    }

    #[cold]
    fn init(&self) {
        let s = self.state();
        // SAFETY: the GIL is held, and nobody has used the heap before.
        unsafe {
            (*s).region.init(self);
            (*s).links.init(self);
            (*s).nursery.provide(self, &mut (*s).region);
        }
        if !self.is_attached() {
            self.attach_thread(native_stack_base());
        }
    }

    pub(crate) fn set_region(&self, base: usize, bytes: usize, table: *mut u8) {
        self.base.set(base);
        self.bytes.set(bytes);
        self.table.set(table);
    }

    /// The first address of the range in which objects live, and how many they are.
    pub fn addresses(&self) -> (usize, usize) {
        self.ensure_init();
        (self.base.get(), self.bytes.get())
    }

    /// The space of a block of the region.
    #[inline(always)]
    pub(crate) fn space_of(&self, addr: usize) -> Space {
        debug_assert!(self.in_region(addr));
        self.spaces().of(addr)
    }

    /// The table of spaces, for loops that ask it often.
    #[inline(always)]
    pub(crate) fn spaces(&self) -> Spaces {
        Spaces { base: self.base.get(), table: self.table.get() }
    }

    pub(crate) fn set_space(&self, addr: usize, space: Space) {
        // SAFETY: the table has an entry for every block.
        unsafe { *self.table.get().add((addr - self.base.get()) >> BLOCK_SHIFT) = space as u8 }
    }

    /// Whether `addr` lies in the address range of the heap.
    #[inline(always)]
    pub fn in_region(&self, addr: usize) -> bool {
        addr.wrapping_sub(self.base.get()) < self.bytes.get()
    }

    /// Whether the object at `addr` is young: it may move, or die, at the next minor collection.
    #[inline(always)]
    pub(crate) fn is_young_ptr(&self, addr: usize) -> bool {
        self.spaces().is_young(addr)
    }

    /// Whether `v` refers to a young object.
    #[inline(always)]
    pub fn is_young(&self, v: Value) -> bool {
        v.is_ptr() && self.is_young_ptr(v.bits() as usize)
    }

    /// Runs a collection; `full` of the whole heap, else of the nursery.
    pub fn collect(&self, full: bool) {
        self.prepare_collection();
        with_registers(|sp| self.collect_from(sp, full));
    }

    /// What comes before a collection that somebody asked for.
    pub(crate) fn prepare_collection(&self) {
        assert!(!self.collecting.get(), "collection inside a collection");
        self.ensure_init();
        self.check_thread();
        self.close_run();
    }

    /// Runs `f`, which is a collection.
    pub(crate) fn while_collecting(&self, f: impl FnOnce()) {
        self.collecting.set(true);
        f();
        self.collecting.set(false);
    }

    /// A minor collection, which keeps watched objects young, and a full one when it is due.
    #[cold]
    #[inline(never)]
    fn collect_minor(&self) {
        self.close_run();
        self.keep_watched(true);
        with_registers(|sp| self.collect_from(sp, false));
        self.keep_watched(false);
    }

    /// A full collection that keeps watched objects young.
    pub(crate) fn collect_all_keeping(&self) {
        self.close_run();
        self.keep_watched(true);
        with_registers(|sp| self.collect_from(sp, true));
        self.keep_watched(false);
    }

    fn collect_from(&self, sp: usize, full: bool) {
        let s = self.state();
        // SAFETY: the GIL is held, the run is closed, and sp covers the running thread's frames.
        self.while_collecting(|| unsafe {
            minor::collect(self, s, sp);
            let full = full || (*s).pressure.major_due(&(*s).old, &(*s).large);
            let check = (*s).options.verify_now();
            if check {
                verify::verify(self, s);
            }
            if full {
                if let Some(kind) = &(*s).options.who
                    && (*s).census.is_asked()
                {
                    holders::report(self, s, sp, kind);
                }
                major::collect(self, s, sp, check, None);
                if check {
                    verify::verify(self, s);
                }
            }
        });
        self.watched_collected();
        scrub_for_later();
    }

    /// Checks the heap, every map, root and link; panics with a description of what is wrong.
    pub fn verify(&self) {
        self.ensure_init();
        let s = self.state();
        // SAFETY: the GIL is held; the rest of the run in use is made walkable first.
        unsafe {
            fill(self.cursor.get(), (*s).nursery.run_end);
            verify::verify(self, s);
        }
    }

    fn zeal_tick(&self) {
        // SAFETY: the GIL is held.
        if let Some(full) = unsafe { (*self.state()).options.tick() } {
            self.collect(full);
        }
        // Memory is used again all the time: words of earlier calls would meet what is made next.
        scrub_for_later();
    }

    /// Sends the next allocation into the slow path.
    pub(crate) fn stop_bumping(&self) {
        self.limit.set(0);
    }

    /// After a test that panicked inside a collection.
    pub(crate) fn reset_after_panic(&self) {
        self.collecting.set(false);
    }

    /// Whether a collection is under way. Async-signal-safe.
    pub fn is_collecting(&self) -> bool {
        self.collecting.get()
    }

    /// Calls `f` for every object of the heap, also those that died since the last full collection. `f` must not
    /// allocate.
    pub fn each_object(&self, f: &mut dyn FnMut(&Header)) {
        self.ensure_init();
        let s = self.state();
        // SAFETY: the GIL is held; the rest of the run in use is made walkable first.
        unsafe {
            fill(self.cursor.get(), (*s).nursery.run_end);
            let mut g = |p: usize| f(&*(p as *const Header));
            (*s).nursery.each(&(*s).region, &mut g);
            (*s).old.each(&(*s).region, &mut g);
            (*s).large.each(&(*s).region, &mut g);
        }
    }

    /// Calls `f` for every object that `object` refers to: its fields, its tail and its class.
    pub fn each_referent(&self, object: &Header, f: &mut dyn FnMut(Value)) {
        let class = object.map().class.get();
        if class.is_ptr() {
            f(class);
        }
        Tracer::new(&mut |c| f(c.get())).object(object);
    }

    /// Calls `f` for every object that refers to `target` by a field or its tail. `f` must not allocate.
    pub fn each_referrer(&self, target: Value, f: &mut dyn FnMut(Value)) {
        self.each_object(&mut |h| {
            let mut found = false;
            Tracer::new(&mut |c| found |= c.get() == target).object(h);
            if found {
                f(h.as_value());
            }
        });
    }

    /// The size of an object in bytes, what it takes in the heap.
    pub fn size_of(&self, object: &Header) -> usize {
        object.map().object_size(object)
    }

    /// Sets options from a text: comma-separated `every:N` (collect at every Nth allocation), `full:K` (every Kth of those
    /// of the whole heap), `move`, `poison`, `verify`, `nursery:SIZE` (with `K` or `M`), `late`, `who:KIND`. What `-X gc=...` takes.
    pub fn set_options(&self, text: &str) -> Result<(), String> {
        let parsed = Options::parse(text)?;
        self.ensure_init();
        let s = self.state();
        // SAFETY: the GIL is held.
        unsafe {
            if let Some(size) = parsed.nursery {
                (*s).nursery.set_size(size);
            }
            (*s).options = parsed;
        }
        self.collect(false);
        Ok(())
    }
}

/// The size of a variable-size object whose struct and variable part have `bytes`.
#[inline(always)]
fn var_size(map: MapRef, bytes: usize) -> usize {
    (((bytes + 7) & !7) + 8 * map.tail_words as usize + 15) & !15
}

/// Zeroes the words `start .. end` of a new object: few, mostly.
///
/// # Safety
/// They must be free memory.
#[inline(always)]
unsafe fn zero(start: usize, end: usize) {
    if end > start + 128 {
        // SAFETY: the caller's promise.
        return unsafe { zero_many(start, end) };
    }
    let mut p = start;
    while p < end {
        // SAFETY: as above. Volatile, because a call of memset would cost more than it saves.
        unsafe { (p as *mut u64).write_volatile(0) };
        p += 8;
    }
}

/// # Safety
/// As for [`zero`].
#[inline(never)]
unsafe fn zero_many(start: usize, end: usize) {
    // SAFETY: the caller's promise.
    unsafe { std::ptr::write_bytes(start as *mut u8, 0, end - start) }
}

const _: () = assert!(DATA.is_multiple_of(64));

/// `p.write(init)`, word by word: the fields have just been written one by one, to the stack, and wider loads would have to wait
/// until those stores have reached the cache.
///
/// # Safety
/// As `p.write(init)`.
#[inline(always)]
unsafe fn write_words<T>(p: *mut T, init: T) {
    if const { size_of::<T>() % 8 != 0 || align_of::<T>() != 8 } {
        // SAFETY: the caller's promise.
        return unsafe { p.write(init) };
    }
    let init = ManuallyDrop::new(init);
    let (from, to) = (&raw const init as *const MaybeUninit<u64>, p as *mut MaybeUninit<u64>);
    for i in 0..size_of::<T>() / 8 {
        // SAFETY: the caller's promise; both are as large and as aligned as T.
        unsafe { to.add(i).write(from.add(i).read()) }
    }
}
