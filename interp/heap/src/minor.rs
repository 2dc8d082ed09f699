//! The minor collection: evacuates what survives in the nursery, once, into the old space.
//!
//! Its cost depends on survivors, roots, remembered objects and young links, never on the size of the
//! heap or of the link table.

use std::cell::Cell;

use crate::block::{BLOCK, Block, DATA, FILLER};
use crate::conservative::words;
use crate::heap::{Heap, Spaces, State, heap};
use crate::kind::Tracer;
use crate::nursery::extent;
use crate::object::{Header, ObjFlags};
use crate::old::MAX_SMALL;
use crate::region::Space;
use crate::weak::WeakCtx;
use crate::{Value, census, held, large};

/// In a header word: the object has moved to the address in the low 48 bits.
const FORWARDED: u64 = (ObjFlags::MARKED as u64) << 32;
/// In the header word of a young object, during a minor collection: it stays where it is.
const PINNED: u64 = (ObjFlags::OLD as u64) << 32;
const ADDRESS: u64 = (1 << 48) - 1;

/// Runs a minor collection.
///
/// # Safety
/// The GIL is held, `s` is the heap's state and nobody else uses it; the nursery is walkable; `sp` bounds the running thread's
/// frames.
pub(crate) unsafe fn collect(heap: &Heap, s: *mut State, sp: usize) {
    // SAFETY: for the whole body: the caller's promise; fields of the state are borrowed one at a time, and what is called
    // in between (trace functions, scanners) reaches the state only through the tracer's pointer.
    unsafe {
        (*s).pinned.clear();
        pin_mentioned(heap, s, sp);
        let t = &mut Tracer::minor(s);
        for i in 0..(*s).pinned.len() {
            t.object(&*((&(*s).pinned)[i] as *const Header));
        }
        visit_remembered(s, t);
        (*s).roots.trace(false, t);
        (*s).finalizers.trace(t);
        (*s).maps.trace_young(t, |c| heap.is_young(c.get()));
        drain(s, t);
        let mut held = held::visit(heap, s, t);

        let ctx = WeakCtx::minor(heap);
        census::young(heap, s, &ctx);
        (*s).weak.clear_dead(&ctx, &mut (*s).finalizers);
        if (*s).finalizers.find_dead(&ctx, &mut (*s).census) {
            (*s).finalizers.trace(t);
            drain(s, t);
            held.keep(heap, s, t);
        }
        held.end(s);
        (*s).weak.update(&ctx);
        (*s).finalizers.update(&ctx);
        (*s).watched.update(&ctx);
        (*s).weak.run_processors(&ctx);
        (*s).census.settle(&ctx);
        (*s).links.cut_dead_young(heap, &mut (*s).finalizers);
        (*s).finalizers.drop_dead(&ctx);
        (*s).identities.update(&ctx, &mut (*s).old);
        (*s).roots.retain_young(|v| heap.is_young(v));
        let poisoned = (*s).options.poison;
        (*s).large.sweep_young(heap, &mut (*s).region, poisoned);

        for &p in &(*s).pinned {
            (*(p as *const Header)).clear(ObjFlags::OLD);
        }
        (*s).nursery.rebuild(heap, &mut (*s).region, &(*s).pinned, poisoned);
        (*s).stats.minor += 1;
        let remembered = (*s).store.len();
        (*s).pressure.minor_done(remembered);
        heap.pending.set((*s).finalizers.any());
    }
}

/// Pins the objects that words of native stacks point into, and those that are watched.
///
/// # Safety
/// As for [`collect`].
unsafe fn pin_mentioned(heap: &Heap, s: *mut State, sp: usize) {
    // SAFETY: as in collect.
    unsafe {
        let grey = &raw mut (*s).grey;
        (*s).watched.pin(heap, &mut (*s).pinned);
        mentioned(heap, s, sp, &mut |p| {
            keep_large(heap, &mut *grey, p);
        });
        for &p in &(*s).pinned {
            (*(p as *const Header)).set(ObjFlags::OLD);
        }
    }
}

/// Finds the young objects that words of native stacks point into, or words that are in `pinned` already: gives the large ones to
/// `large`, and leaves the others in `pinned`, sorted.
///
/// # Safety
/// As for [`collect`].
pub(crate) unsafe fn mentioned(heap: &Heap, s: *mut State, sp: usize, large: &mut dyn FnMut(usize)) {
    // SAFETY: as in collect; stack ranges are readable.
    unsafe {
        let pinned = &mut (*s).pinned;
        let region = &(*s).region;
        (*s).threads.ranges(sp, &mut |start, end| {
            words(start, end, &mut |w, _| {
                if !heap.in_region(w) {
                    return;
                }
                match heap.space_of(w) {
                    Space::Nursery => pinned.push(w),
                    Space::LargeYoung | Space::Tail => {
                        if let Some(p) = large::find(region, w)
                            && heap.space_of(p) == Space::LargeYoung
                        {
                            large(p);
                        }
                    }
                    _ => {}
                }
            })
        });
        pinned.sort_unstable();
        pinned.dedup();
        // Turn the words into the objects that they fall in, walking each block once.
        let (mut kept, mut block, mut p) = (0, 0, 0);
        for i in 0..pinned.len() {
            let w = pinned[i];
            if w & !(BLOCK - 1) != block {
                block = w & !(BLOCK - 1);
                p = block + DATA;
            }
            if w < p || Block::of(block).fresh.get() {
                continue;
            }
            let (mut object, mut next) = (p, p + extent(p));
            while next <= w {
                object = next;
                next += extent(object);
            }
            p = next;
            if (*(object as *const Header)).raw_map().get() != FILLER {
                pinned[kept] = object;
                kept += 1;
            }
        }
        pinned.truncate(kept);
    }
}

/// Visits the old objects, and cells of large ones, that were stored into; those that go on referring to young ones stay remembered.
///
/// # Safety
/// As for [`collect`].
unsafe fn visit_remembered(s: *mut State, t: &mut Tracer<'_>) {
    // SAFETY: as in collect; remembered objects are alive.
    unsafe {
        let remembered = std::mem::take(&mut (*s).store);
        for &p in &remembered {
            visit_old(s, t, p);
        }
        if (*s).store.is_empty() {
            (*s).store = remembered;
            (*s).store.clear();
        }
        (*s).slots.retain(|&(_, cell)| {
            (*s).saw_young = false;
            t.visit(&*(cell as *const Cell<Value>));
            (*s).saw_young
        });
    }
}

/// Visits the fields of an old object, and sets its barrier state.
///
/// # Safety
/// As for [`collect`]; `p` must be an old object without the barrier flag.
#[inline]
unsafe fn visit_old(s: *mut State, t: &mut Tracer<'_>, p: usize) {
    // SAFETY: the caller's promise.
    unsafe {
        let h = &*(p as *const Header);
        (*s).saw_young = false;
        t.object(h);
        if (*s).saw_young {
            (*s).store.push(p);
        } else {
            h.set(ObjFlags::BARRIER);
        }
    }
}

/// Visits what was evacuated or promoted, until nothing is left.
///
/// # Safety
/// As for [`collect`].
pub(crate) unsafe fn drain(s: *mut State, t: &mut Tracer<'_>) {
    // SAFETY: as in collect; grey objects are old, and alive.
    unsafe {
        while let Some(p) = (*s).grey.pop() {
            visit_old(s, t, p);
        }
    }
}

/// Visits a cell that refers to a young object: evacuates the object and updates the cell.
///
/// # Safety
/// As for [`collect`].
#[inline(never)]
pub(crate) unsafe fn visit_young(s: *mut State, cell: &Cell<Value>) {
    let addr = cell.get().bits() as usize;
    // SAFETY: a live cell refers to a live object, or to one that has been forwarded.
    unsafe {
        if heap().space_of(addr) == Space::LargeYoung {
            (*s).saw_young |= keep_large(heap(), &mut (*s).grey, addr);
            return;
        }
        let word = *(addr as *const u64);
        if word & FORWARDED != 0 {
            cell.set(Value::from_bits(word & ADDRESS));
        } else if word & PINNED != 0 {
            (*s).saw_young = true;
        } else {
            cell.set(Value::from_bits(evacuate(s, addr) as u64));
        }
    }
}

/// A young large object survives: it becomes old, unless it refers to nothing and survives for the first time. Then it is pinned, so
/// that a text that a register or a native frame happens to mention does not wait for a full collection. Whether it stays young.
///
/// # Safety
/// As for [`collect`].
unsafe fn keep_large(heap: &Heap, grey: &mut Vec<usize>, addr: usize) -> bool {
    // SAFETY: the caller's promise.
    let h = unsafe { &*(addr as *const Header) };
    if h.has(ObjFlags::OLD) {
        return true;
    }
    h.set(ObjFlags::OLD);
    let leaf = h.map().kind().leaf && h.map().tail_words == 0;
    if leaf && large::age(addr) {
        return true;
    }
    heap.set_space(addr, Space::LargeOld);
    grey.push(addr);
    false
}

/// Moves a nursery object to the old space.
///
/// # Safety
/// As for [`collect`]; the object is neither pinned nor forwarded.
#[inline]
unsafe fn evacuate(s: *mut State, addr: usize) -> usize {
    // SAFETY: the caller's promise.
    unsafe {
        let h = &*(addr as *const Header);
        let map = h.map();
        let size = map.object_size(h);
        let to = if h.has(ObjFlags::SHADOW) {
            (*s).identities.take(addr)
        } else if size <= MAX_SMALL {
            (*s).old.alloc(heap(), &mut (*s).region, size)
        } else {
            (*s).large.alloc(heap(), &mut (*s).region, size, false).0
        };
        std::ptr::copy_nonoverlapping(addr as *const u64, to as *mut u64, size / 8);
        let meta = h.raw_meta().get() & !ObjFlags::SHADOW | ObjFlags::OLD;
        (*(to as *const Header)).raw_meta().set(meta);
        *(addr as *mut u64) = to as u64 | FORWARDED;
        if !map.kind().leaf || map.tail_words != 0 {
            (*s).grey.push(to);
        }
        to
    }
}

/// Where the nursery's object at `addr` has moved.
///
/// # Safety
/// As for [`collect`]; an object (or a filler) was there when the collection began.
#[inline]
pub(crate) unsafe fn forwarded(addr: usize) -> Option<usize> {
    // SAFETY: the caller's promise: the nursery has not been emptied yet.
    let word = unsafe { *(addr as *const u64) };
    (word & FORWARDED != 0).then_some((word & ADDRESS) as usize)
}

/// Where the object at `addr` is after the tracing of a minor collection; `None` when it died.
#[inline]
pub(crate) fn survivor(spaces: Spaces, addr: usize) -> Option<usize> {
    match spaces.of(addr) {
        Space::Nursery => {
            // SAFETY: the nursery has not been emptied yet.
            let word = unsafe { *(addr as *const u64) };
            if word & FORWARDED != 0 {
                Some((word & ADDRESS) as usize)
            } else {
                (word & PINNED != 0).then_some(addr)
            }
        }
        Space::LargeYoung => {
            // SAFETY: it has not been swept yet.
            let pinned = unsafe { &*(addr as *const Header) }.has(ObjFlags::OLD);
            pinned.then_some(addr)
        }
        _ => Some(addr),
    }
}
