//! The map space: a reserved region at a fixed low address, so that a map's id is its shifted address.

use std::cell::Cell;

use crate::heap::Heap;
use crate::kind::Tracer;
use crate::map::{Map, MapFlags, MapRef};
use crate::region::commit;
use crate::weak::WeakCtx;

const REGION: usize = 1 << 30;
const FIRST: usize = 0x10_0000_0000;
const STEP: usize = 1 << 20;

/// Bits of `Map::gc_bits`. Objects with this map need more than their struct written: they have a tail, or are
/// registered. The same bit as `MapFlags::FINALIZER`, so that an allocation tests both at once.
pub(crate) const MAP_MORE: u32 = MapFlags::FINALIZER;
/// New objects with this map are registered (they have a destructor or a finalizer).
pub(crate) const MAP_REGISTER: u32 = 2;
/// Freed; its memory waits for a new map.
const MAP_FREE: u32 = 4;
/// In the list of maps that may refer to young objects.
const MAP_YOUNG: u32 = 8;
/// Reached by the marking under way.
pub(crate) const MAP_MARKED: u32 = 16;

/// The map space.
pub(crate) struct Maps {
    base: usize,
    cursor: usize,
    committed: usize,
    free: Vec<u32>,
    /// Maps whose class or shape may be young.
    young: Vec<u32>,
    /// Told before unreachable maps are freed; without it they are not freed.
    reclaim: Option<fn(&WeakCtx<'_>)>,
    pub(crate) count: usize,
}

fn reserve() -> usize {
    for i in 0..15 {
        let want = FIRST + i * (4 << 30);
        // SAFETY: an anonymous private mapping at an address that nothing else uses.
        let m = unsafe {
            libc::mmap(
                want as *mut _,
                REGION,
                libc::PROT_NONE,
                libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE | libc::MAP_FIXED_NOREPLACE,
                -1,
                0,
            )
        };
        if m as usize == want {
            return want;
        }
        if m != libc::MAP_FAILED {
            // SAFETY: an old kernel took the address for a hint; the mapping is ours.
            unsafe { libc::munmap(m, REGION) };
        }
    }
    panic!("no address space for maps");
}

impl Maps {
    pub(crate) const fn new() -> Maps {
        Maps {
            base: 0,
            cursor: 0,
            committed: 0,
            free: Vec::new(),
            young: Vec::new(),
            reclaim: None,
            count: 0,
        }
    }

    /// Puts a map into the space.
    pub(crate) fn add(&mut self, map: Map) -> MapRef {
        self.count += 1;
        let m = match self.free.pop() {
            Some(id) => (id as usize) << 5,
            None => {
                if self.base == 0 {
                    self.base = reserve();
                    (self.cursor, self.committed) = (self.base, self.base);
                }
                let p = self.cursor;
                assert!(p + size_of::<Map>() <= self.base + REGION, "out of memory: too many maps");
                self.cursor += size_of::<Map>();
                if self.cursor > self.committed {
                    commit(self.committed, STEP);
                    self.committed += STEP;
                }
                p
            }
        };
        // SAFETY: free memory inside the region, aligned to the map's size.
        unsafe { (m as *mut Map).write(map) };
        let m = MapRef::from_address(m as *const Map);
        self.remember(m);
        m
    }

    /// Notes that `map` may refer to young objects.
    pub(crate) fn remember(&mut self, map: MapRef) {
        if map.gc_bits.get() & MAP_YOUNG == 0 {
            map.gc_bits.set(map.gc_bits.get() | MAP_YOUNG);
            self.young.push(map.id());
        }
    }

    /// Whether `map` is in the list of those that may refer to young objects.
    pub(crate) fn remembered(&self, map: MapRef) -> bool {
        map.gc_bits.get() & MAP_YOUNG != 0
    }

    /// Visits the fields of the maps that may refer to young objects; `keep` tells, after each, whether it still does.
    pub(crate) fn trace_young(&mut self, t: &mut Tracer<'_>, keep: impl Fn(&Cell<crate::Value>) -> bool) {
        self.young.retain(|&id| {
            // SAFETY: maps in the list are alive.
            let map = unsafe { MapRef::from_id(id) };
            t.visit(map.class.cell());
            t.visit(map.shape.cell());
            let keep = keep(map.class.cell()) || keep(map.shape.cell());
            if !keep {
                map.gc_bits.set(map.gc_bits.get() & !MAP_YOUNG);
            }
            keep
        });
    }

    /// Calls `f` for every map.
    pub(crate) fn each(&self, f: &mut dyn FnMut(MapRef)) {
        let mut p = self.base;
        while p < self.cursor {
            let m = MapRef::from_address(p as *const Map);
            if m.gc_bits.get() & MAP_FREE == 0 {
                f(m);
            }
            p += size_of::<Map>();
        }
    }

    /// Whether unreachable maps are freed.
    pub(crate) fn reclaims(&self) -> Option<fn(&WeakCtx<'_>)> {
        self.reclaim
    }

    /// The map that `addr` points at or into.
    pub(crate) fn find(&self, addr: usize) -> Option<MapRef> {
        if addr < self.base || addr >= self.cursor {
            return None;
        }
        let m = MapRef::from_address((addr & !(size_of::<Map>() - 1)) as *const Map);
        (m.gc_bits.get() & MAP_FREE == 0).then_some(m)
    }

    /// Whether `id` is that of a live map.
    pub(crate) fn is_map(&self, id: u32) -> bool {
        let addr = (id as usize) << 5;
        addr.is_multiple_of(size_of::<Map>()) && self.find(addr).is_some()
    }

    /// Ends a full collection: frees the maps that are not marked, and clears the marks.
    pub(crate) fn sweep(&mut self) {
        let reclaim = self.reclaim.is_some();
        let (mut freed, mut count) = (Vec::new(), 0);
        self.each(&mut |m| {
            let bits = m.gc_bits.get();
            if reclaim && bits & MAP_MARKED == 0 {
                m.gc_bits.set(MAP_FREE);
                m.class.set_no_barrier(crate::Value::EMPTY);
                m.shape.set_no_barrier(crate::Value::EMPTY);
                freed.push(m.id());
            } else {
                m.gc_bits.set(bits & !MAP_MARKED);
                count += 1;
            }
        });
        // The walk went by address, so the ids ascend.
        self.young.retain(|id| freed.binary_search(id).is_err());
        self.free.extend(freed);
        self.count = count;
    }
}

impl Heap {
    pub(crate) fn add_map(&self, map: Map) -> MapRef {
        self.ensure_init();
        // SAFETY: the GIL is held; no other reference to the map space is alive.
        unsafe { (*self.state()).maps.add(map) }
    }

    /// Lets full collections free unreachable maps. `hook` is called in every full collection before that,
    /// and must clear whatever caches the id of a map that is not alive ([`WeakCtx::map_alive`]), because the id will
    /// be used again. Until this is called every map is kept, with its class and shape.
    ///
    /// A map is reachable from its objects, from its successor in the list of its class ([`Map::next`]), from
    /// native stacks, and from what a `trace` or a root scanner reports with [`Tracer::visit_map`].
    pub fn reclaim_maps(&self, hook: fn(&WeakCtx<'_>)) {
        self.ensure_init();
        // SAFETY: as above.
        unsafe { (*self.state()).maps.reclaim = Some(hook) }
    }
}

impl MapRef {
    /// Changes the map's class.
    pub fn set_class(self, class: crate::Value) {
        self.class.set_no_barrier(class);
        self.after_store();
    }

    /// Changes the map's shape.
    pub fn set_shape(self, shape: crate::Value) {
        self.shape.set_no_barrier(shape);
        self.after_store();
    }

    fn after_store(self) {
        // SAFETY: the GIL is held; no other reference to the map space is alive.
        unsafe { (*crate::heap::heap().state()).maps.remember(self) }
    }
}
