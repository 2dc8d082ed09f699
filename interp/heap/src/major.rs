//! The full collection: marks from the roots over both sides of the boundary, then sweeps.
//!
//! It follows a minor collection, so the only young objects are pinned ones, which are roots. Marking
//! works off an explicit stack and could stop at any object boundary.

use crate::block::Block;
use crate::conservative::words;
use crate::cycles;
use crate::heap::{Heap, State};
use crate::idle::{Idle, may_go};
use crate::kind::Tracer;
use crate::map::MapRef;
use crate::maps::MAP_MARKED;
use crate::object::Header;
use crate::region::Space;
use crate::weak::WeakCtx;
use crate::{census, large, old};

/// Runs a full collection, right after a minor one. `check`: also checks that the maps of live objects are marked; `idle`: objects that
/// are let go although native frames mention them ([`crate::idle`]).
///
/// # Safety
/// As for [`crate::minor::collect`].
pub(crate) unsafe fn collect(heap: &Heap, s: *mut State, sp: usize, check: bool, idle: Option<Idle<'_>>) {
    // SAFETY: for the whole body: as in minor::collect.
    unsafe {
        let poisoned = (*s).options.poison;
        let before = (*s).old.bytes + (*s).large.old_bytes;
        cycles::begin(s);
        mark_roots(heap, s, sp, idle);
        drain(s);
        cycles::mark_held(s);

        let ctx = WeakCtx::major(heap);
        census::old(s);
        (*s).weak.clear_dead(&ctx, &mut (*s).finalizers);
        if (*s).finalizers.find_dead(&ctx, &mut (*s).census) {
            (*s).finalizers.trace(&mut Tracer::mark(s));
            drain(s);
        }
        cycles::keep_cycles(s);
        cycles::end(s);
        (*s).census.settle(&ctx);
        (*s).weak.update(&ctx);
        (*s).finalizers.update(&ctx);
        (*s).watched.update(&ctx);
        (*s).weak.run_processors(&ctx);
        if let Some(hook) = (*s).maps.reclaims() {
            hook(&ctx);
        }
        (*s).links.cut_dead(&ctx, &mut (*s).finalizers);
        (*s).finalizers.drop_dead(&ctx);
        (*s).identities.each_shadow(&mut |p| {
            Block::of(p).mark.set(p);
        });
        (*s).store.retain(|&p| ctx.survivor(p).is_some());
        (*s).slots.retain(|&(p, _)| ctx.survivor(p).is_some());

        let objects = (*s).old.sweep(heap, &mut (*s).region, poisoned)
            + (*s).large.sweep(heap, &mut (*s).region, poisoned);
        (*s).nursery.clear_marks(&(*s).region);
        if check && (*s).maps.reclaims().is_some() {
            let marked = &mut |p: usize| {
                let map = (*(p as *const Header)).map();
                let name = map.kind().name;
                assert!(
                    map.gc_bits.get() & MAP_MARKED != 0,
                    "the map of a live object ({name} at {p:#x}) is not marked"
                );
            };
            (*s).old.each(&(*s).region, marked);
            (&(*s).pinned).iter().for_each(|&p| marked(p));
        }
        (*s).maps.sweep();
        let keep = (*s).nursery.size / crate::block::BLOCK + 256;
        (*s).region.trim(keep);
        let after = (*s).old.bytes + (*s).large.old_bytes;
        (*s).pressure.collected(after);
        if let Some(foreign) = (*s).links.foreign {
            foreign.collected_fully((*s).unlinked.doomed);
        }
        (*s).stats.full_done(objects, before.saturating_sub(after));
        heap.pending.set((*s).finalizers.any());
    }
}

/// Marks everything that a root refers to directly.
///
/// # Safety
/// As for [`collect`].
unsafe fn mark_roots(heap: &Heap, s: *mut State, sp: usize, idle: Option<Idle<'_>>) {
    // SAFETY: as in collect; stack ranges are readable. What is let go is marked when its finalizer is queued.
    unsafe {
        let keeps = |p: usize| idle.is_none_or(|idle| !may_go(idle, &(*s).finalizers, p));
        for i in 0..(*s).pinned.len() {
            let p = (&(*s).pinned)[i];
            if keeps(p) {
                mark(s, p);
            }
        }
        (*s).threads.ranges(sp, &mut |start, end| {
            words(start, end, &mut |w, _| {
                if heap.in_region(w) {
                    let found = match heap.space_of(w) {
                        Space::Old => old::find(w),
                        Space::LargeOld | Space::LargeYoung | Space::Tail => large::find(&(*s).region, w),
                        Space::Nursery | Space::Free => None,
                    };
                    if let Some(p) = found.filter(|&p| keeps(p)) {
                        mark(s, p);
                    }
                } else if let Some(map) = (*s).maps.find(w) {
                    mark_map(s, map);
                }
            })
        });
        let t = &mut Tracer::mark(s);
        (*s).roots.trace(true, t);
        (*s).finalizers.trace(t);
        if (*s).maps.reclaims().is_none() {
            (*s).maps.each(&mut |m| {
                t.visit(m.class.cell());
                t.visit(m.shape.cell());
            });
        }
    }
}

/// Marks the object at `addr`.
///
/// # Safety
/// As for [`collect`]; a live object must be there.
#[inline]
pub(crate) unsafe fn mark(s: *mut State, addr: usize) {
    // SAFETY: the caller's promise.
    unsafe {
        if Block::of(addr).mark.set(addr) {
            (*s).grey.push(addr);
        }
    }
}

/// Marks a map, its class and shape, and the maps behind it in the list of its class.
///
/// # Safety
/// As for [`collect`].
#[inline]
pub(crate) unsafe fn mark_map(s: *mut State, map: MapRef) {
    if map.gc_bits.get() & MAP_MARKED == 0 {
        // SAFETY: the caller's promise.
        unsafe { mark_map_slow(s, map) }
    }
}

#[inline(never)]
unsafe fn mark_map_slow(s: *mut State, map: MapRef) {
    // SAFETY: as in mark_map; `next` is 0 or the id of a map that this one keeps alive.
    unsafe {
        let mut map = map;
        while map.gc_bits.get() & MAP_MARKED == 0 {
            map.gc_bits.set(map.gc_bits.get() | MAP_MARKED);
            let t = &mut Tracer::mark(s);
            t.visit(map.class.cell());
            t.visit(map.shape.cell());
            match map.next.get() {
                0 => break,
                id => map = MapRef::from_id(id),
            }
        }
    }
}

/// Visits marked objects until none is left, over both sides of the boundary.
///
/// # Safety
/// As for [`collect`].
pub(crate) unsafe fn drain(s: *mut State) {
    // SAFETY: as in collect; grey objects are alive.
    unsafe {
        let t = &mut Tracer::mark(s);
        loop {
            while let Some(p) = (*s).grey.pop() {
                visit(s, t, p);
            }
            if !cycles::visit_reached(s) {
                return;
            }
        }
    }
}

/// Visits the map, the fields and the mirror of a marked object.
///
/// # Safety
/// As for [`collect`].
#[inline(always)]
unsafe fn visit(s: *mut State, t: &mut Tracer<'_>, p: usize) {
    // SAFETY: the caller's promise.
    unsafe {
        let h = &*(p as *const Header);
        let map = h.map();
        mark_map(s, map);
        t.object(h);
        if h.link() != 0 {
            (*s).links.reach(h.link(), map.kind().mirror_refers);
        }
    }
}
