//! What C holds of the young: roots that a minor collection finds among the links.
//!
//! A count above one need not be C's: a list or tuple that C has seen owns its items, also when it is garbage itself. Were those roots, each
//! nesting of containers would make what is inside outlive a collection, and be old garbage, which waits for a full one. So the lists and
//! tuples that nothing has reached and that only their links hold are followed, in the order of reference counting: what loses all its
//! references so is no root. (What a cycle holds never does; it is left to full collections.) When one of them is reached after all, what it
//! holds is a root again.

use crate::heap::{Heap, State};
use crate::kind::Tracer;
use crate::links::{ForeignHeap, Links};
use crate::map::MapFlags;
use crate::minor::{drain, survivor, visit_young};

/// Held objects for which following the dead is not worth while: they simply stay.
const FEW: usize = 8;
/// How often [`Held::keep`] goes through the dying before it keeps everything.
const PASSES: usize = 16;

/// The young objects that C holds, and what would die with dead containers.
pub(crate) struct Held {
    /// By index of the link: how many references there are that nothing dying owns, the link's own among them; zero for what is not held.
    /// The collector's, while this is in use; empty when nothing is dying.
    counts: Vec<u32>,
    /// The indexes of those that are not zero.
    held: Vec<u32>,
    /// Links of lists and tuples that are dying, as far as is known.
    dying: Vec<u32>,
}

impl Links {
    /// Whether the link is that of a list or tuple that nothing has reached.
    fn is_dead_container(&self, heap: &Heap, index: u32) -> bool {
        let addr = self.entry(index).managed.get().bits() as usize;
        if survivor(heap.spaces(), addr).is_some() {
            return false;
        }
        // SAFETY: the header of an object that does not survive is as it was.
        let map = unsafe { &*(addr as *const crate::object::Header) }.map();
        map.kind().mirror_refers && map.flags.get() & MapFlags::PROXY == 0
    }
}

/// Visits the young objects that C holds, and all that they refer to.
///
/// # Safety
/// As for [`crate::minor::collect`]; everything reachable from other roots has been visited.
pub(crate) unsafe fn visit(heap: &Heap, s: *mut State, t: &mut Tracer<'_>) -> Held {
    let mut all = Held { counts: Vec::new(), held: Vec::new(), dying: Vec::new() };
    // SAFETY: the caller's promise; linked structs are alive.
    unsafe {
        let mut held = Vec::new();
        for i in 0..(*s).links.young.len() {
            if let Some(index) = (*s).links.held_young(heap, i) {
                held.push(index);
            }
        }
        let count = move |i: u32| (*(*s).links.entry(i).mirror.get()).refcnt.get();
        if held.len() > FEW
            && let Some(foreign) = (*s).links.foreign
        {
            let dead = |&i: &u32| {
                !(*s).links.entry(i).mirror.get().is_null()
                    && count(i) == 1
                    && (*s).links.is_dead_container(heap, i)
            };
            let mut todo: Vec<u32> = (*s).links.young.iter().copied().filter(dead).collect();
            if !todo.is_empty() {
                all.begin(s, &held);
                held.iter().for_each(|&i| all.counts[i as usize] = count(i));
            }
            while let Some(container) = todo.pop() {
                all.dying.push(container);
                all.each_held(s, foreign, container, |i, n| {
                    if *n > 1 {
                        *n -= 1;
                        if *n == 1 && (*s).links.is_dead_container(heap, i) {
                            todo.push(i);
                        }
                    }
                });
            }
        }
        for i in held {
            if all.counts.get(i as usize) != Some(&1) {
                stay(heap, s, i);
            }
        }
        drain(s, t);
        all.keep(heap, s, t);
    }
    all
}

/// Visits the object of a link, unless that has been done.
///
/// # Safety
/// As for [`crate::minor::collect`].
unsafe fn stay(heap: &Heap, s: *mut State, index: u32) {
    // SAFETY: the caller's promise.
    unsafe {
        let cell = &(*s).links.entry(index).managed;
        if heap.is_young(cell.get()) {
            visit_young(s, cell);
        }
    }
}

impl Held {
    /// Takes the collector's row of counts, in which all are zero, with room for all links.
    ///
    /// # Safety
    /// As for [`crate::minor::collect`].
    unsafe fn begin(&mut self, s: *mut State, held: &[u32]) {
        // SAFETY: the caller's promise.
        unsafe {
            self.counts = std::mem::take(&mut (*s).links.held_counts);
            if self.counts.len() < (*s).links.end as usize {
                self.counts.resize((*s).links.end as usize, 0);
            }
        }
        self.held.extend(held);
    }

    /// Gives it back.
    ///
    /// # Safety
    /// As for [`crate::minor::collect`].
    pub(crate) unsafe fn end(mut self, s: *mut State) {
        if self.held.is_empty() {
            return;
        }
        self.held.iter().for_each(|&i| self.counts[i as usize] = 0);
        // SAFETY: the caller's promise.
        unsafe { (*s).links.held_counts = std::mem::take(&mut self.counts) }
    }

    /// Calls `f` with each held object that a container owns a reference of.
    ///
    /// # Safety
    /// As for [`crate::minor::collect`].
    unsafe fn each_held(
        &mut self,
        s: *mut State,
        foreign: &dyn ForeignHeap,
        container: u32,
        mut f: impl FnMut(u32, &mut u32),
    ) {
        // SAFETY: the caller's promise.
        unsafe {
            foreign.traverse((*s).links.entry(container).mirror.get(), &mut |child| {
                if let Some(i) = (*s).links.index_of(child)
                    && let Some(n) = self.counts.get_mut(i as usize)
                    && *n != 0
                {
                    f(i, n);
                }
            });
        }
    }

    /// Visits what containers hold that were dying and have been reached since.
    ///
    /// # Safety
    /// As for [`crate::minor::collect`].
    pub(crate) unsafe fn keep(&mut self, heap: &Heap, s: *mut State, t: &mut Tracer<'_>) {
        // SAFETY: the caller's promise.
        unsafe {
            let Some(foreign) = (*s).links.foreign else { return };
            for pass in 0.. {
                let mut reached = Vec::new();
                self.dying.retain(|&i| {
                    let dead =
                        survivor(heap.spaces(), (*s).links.entry(i).managed.get().bits() as usize).is_none();
                    if !dead {
                        reached.push(i);
                    }
                    dead
                });
                if reached.is_empty() {
                    return;
                }
                if pass == PASSES {
                    self.held.iter().for_each(|&i| stay(heap, s, i));
                    self.dying.clear();
                } else {
                    for container in reached {
                        // Its object has moved: whoever traverses it asks the link where it is.
                        stay(heap, s, container);
                        self.each_held(s, foreign, container, |i, _| stay(heap, s, i));
                    }
                }
                drain(s, t);
            }
        }
    }
}
