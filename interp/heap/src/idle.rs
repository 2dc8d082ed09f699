//! Objects that are let go although words of native frames mention them.
//!
//! What a native frame mentions lives: the word may be a variable, or left over from a call that has returned. For objects that hold
//! something which is wanted now (views of a buffer that is to be resized) the doubt is resolved the other way: unless something else
//! refers to them they are finalised, which gives back what they hold. Nothing else is different for them: they neither move nor die
//! as long as a word mentions them, so that a frame that did mean one has an object that has been finalised.

use crate::conservative::with_registers;
use crate::finalize::Finalizers;
use crate::heap::{Heap, State};
use crate::kind::Tracer;
use crate::object::{Header, ObjFlags};
use crate::{Value, major, minor};

/// Says which objects are to be let go.
pub(crate) type Idle<'a> = &'a dyn Fn(&Header) -> bool;

impl Heap {
    /// Collects, the nursery alone or the whole heap. Objects with finalizers for which `idle` is true are not kept by what native
    /// frames mention: their finalizers are queued. `idle` may look at the object and what it refers to, and makes nothing.
    pub fn collect_idle(&self, full: bool, idle: &dyn Fn(&Header) -> bool) {
        self.prepare_collection();
        with_registers(|sp| {
            let s = self.state();
            self.while_collecting(|| {
                // SAFETY: as in Heap::collect: the GIL is held, the run is closed, sp covers the running thread's frames.
                unsafe {
                    minor::collect(self, s, sp);
                    if full {
                        major::collect(self, s, sp, false, Some(idle));
                    } else {
                        queue_young(self, s, idle);
                    }
                }
            })
        })
    }

    /// Takes those objects out of the queue of finalizers for which `which` is true, and gives them to `run`.
    pub fn run_finalizers_of(&self, which: &dyn Fn(&Header) -> bool, run: &mut dyn FnMut(Value)) {
        loop {
            // SAFETY: the GIL is held; the reference ends before anything is run.
            let next = unsafe { (*self.state()).finalizers.take_finalizer(which) };
            let Some(v) = next else { return };
            run(v);
        }
    }
}

/// Whether the object may be let go: it will be finalised then, and is not yet.
///
/// # Safety
/// A live object must be at `p`.
pub(crate) unsafe fn may_go(idle: Idle<'_>, finalizers: &Finalizers, p: usize) -> bool {
    // SAFETY: the caller's promise.
    let h = unsafe { &*(p as *const Header) };
    let kind = h.map().kind();
    kind.finalizer && !h.has(ObjFlags::FINALIZED) && idle(h) && finalizers.has(p)
}

/// Queues the finalizers of pinned young objects that may go and that nothing refers to but words of native frames.
///
/// # Safety
/// As for [`minor::collect`], which has just ended: the nursery has only pinned objects.
unsafe fn queue_young(heap: &Heap, s: *mut State, idle: Idle<'_>) {
    // SAFETY: as in minor::collect; pinned and remembered objects are alive.
    unsafe {
        let mut unreached: Vec<usize> = Vec::new();
        unreached.extend((&(*s).pinned).iter().copied().filter(|&p| may_go(idle, &(*s).finalizers, p)));
        if unreached.is_empty() {
            return;
        }
        // What may refer to young objects now: roots, pinned objects, what is remembered, what waits in the queue, what C holds.
        let held = (0..(*s).links.young.len()).filter_map(|i| (*s).links.held_young(heap, i));
        let held: Vec<usize> = held.map(|i| (*s).links.entry(i).managed.get().bits() as usize).collect();
        unreached.retain(|p| !held.contains(p));
        let others: Vec<usize> = (&(*s).pinned).iter().copied().filter(|p| !unreached.contains(p)).collect();
        let mut reach = |cell: &std::cell::Cell<Value>| {
            let p = cell.get().bits() as usize;
            unreached.retain(|&u| u != p);
        };
        let t = &mut Tracer::new(&mut reach);
        for &p in others.iter().chain(&(*s).store) {
            t.object(&*(p as *const Header));
        }
        for &(_, cell) in &(*s).slots {
            t.visit(&*(cell as *const std::cell::Cell<Value>));
        }
        (*s).roots.trace(true, t);
        (*s).finalizers.trace(t);
        for p in unreached {
            (*s).finalizers.finish_young(&*(p as *const Header));
        }
        heap.pending.set((*s).finalizers.any());
    }
}
