//! The search for what holds the watched objects: as a minor collection traces, but nothing moves.
//!
//! It goes into the depth, so that what is on the way to an object when that is met is a path to it, and it ends when all have been
//! met. What C holds, and what words of native stacks mention, come last: the paths that begin there say little.
//!
//! What has not been met ends as reference counting would have it: an object before what it refers to, and its finalizer before its weak
//! references are cleared (or after, as its kind says); what is in a cycle, or has been held by one, is left to collections.

use std::cell::Cell;
use std::collections::HashSet;

use crate::Value;
use crate::block::Block;
use crate::heap::{Heap, State};
use crate::kind::Tracer;
use crate::minor::mentioned;
use crate::object::{Header, ObjFlags};
use crate::prompt::{Step, cell_address};
use crate::region::Space;

/// A young object that has been reached: by which cell, and how many objects are on the path to it.
type Reached = (Step, usize);

/// The search under way.
struct Search<'a> {
    heap: &'a Heap,
    todo: Vec<Reached>,
    path: Vec<Step>,
    /// Large objects that have been marked.
    large: Vec<usize>,
    /// The object whose fields are visited, and its depth.
    parent: usize,
    depth: usize,
    /// Bits of the addresses of watched objects: most others have none of them.
    filter: u64,
    /// How many have not been met.
    missing: usize,
}

fn bit(addr: usize) -> u64 {
    1 << (addr >> 4 & 63)
}

impl Search<'_> {
    /// A cell has been reached.
    fn visit(&mut self, cell: &Cell<Value>) {
        let v = cell.get();
        if v.is_ptr() && self.heap.is_young(v) {
            self.reach(Step { parent: self.parent, cell: cell_address(cell), holds: v.bits() as usize });
        }
    }

    fn reach(&mut self, step: Step) {
        // SAFETY: a young object.
        if unsafe { Block::of(step.holds) }.mark.set(step.holds) {
            if self.heap.space_of(step.holds) == Space::LargeYoung {
                self.large.push(step.holds);
            }
            self.todo.push((step, self.depth));
        }
    }
}

/// So many objects are looked at for a cycle through one of them.
const MOST: usize = 4096;

/// Searches, and ends what nothing holds; whether that has left something to be run.
///
/// # Safety
/// As for [`crate::minor::collect`]; no collection is under way.
pub(crate) unsafe fn run(heap: &Heap, s: *mut State, sp: usize) -> bool {
    // SAFETY: for the whole body: the caller's promise; the state is borrowed a field at a time, and what is called in between reaches the
    // search through the pointer only.
    unsafe {
        let watched = &mut (*s).watched.list;
        let holders: Vec<Vec<usize>> =
            watched.iter_mut().map(|w| if w.is_young() { w.forget_path() } else { Vec::new() }).collect();
        let mut search = Search {
            heap,
            todo: Vec::new(),
            path: Vec::new(),
            large: Vec::new(),
            parent: 0,
            depth: 0,
            filter: watched.iter().fold(0, |f, w| f | bit(w.object)),
            missing: watched.iter().filter(|w| w.is_young()).count(),
        };
        let search = &raw mut search;
        let mut visit = move |c: &Cell<Value>| (*search).visit(c);
        let t = &mut Tracer::young(&mut visit);
        (*s).roots.trace(false, t);
        drain(s, search, t);
        for i in 0..(*s).store.len() {
            let p = (&(*s).store)[i];
            ((*search).parent, (*search).depth) = (p, 0);
            t.object(&*(p as *const Header));
            drain(s, search, t);
        }
        for i in 0..(*s).slots.len() {
            let (p, cell) = (&(*s).slots)[i];
            ((*search).parent, (*search).depth) = (p, 0);
            t.visit(&*(cell as *const Cell<Value>));
            drain(s, search, t);
        }
        begin(search);
        (*s).finalizers.trace(t);
        (*s).maps.trace_young(t, |c| heap.is_young(c.get()));
        drain(s, search, t);
        begin(search);
        for i in 0..(*s).links.young.len() {
            if let Some(index) = (*s).links.held_young(heap, i) {
                t.visit(&(*s).links.entry(index).managed);
            }
        }
        drain(s, search, t);
        begin(search);
        if (*search).missing > 0 {
            (*s).pinned.clear();
            mentioned(heap, s, sp, &mut |large| {
                (*search).reach(Step { parent: 0, cell: 0, holds: large });
            });
            for i in 0..(*s).pinned.len() {
                (*search).reach(Step { parent: 0, cell: 0, holds: (&(*s).pinned)[i] });
            }
            (*s).pinned.clear();
            drain(s, search, t);
        }
        let ended = (*search).missing > 0 && end(heap, s, &holders);
        (*s).nursery.clear_marks(&(*s).region);
        (*search).large.iter().for_each(|&p| Block::of(p).mark.unset(p));
        ended
    }
}

/// Ends those watched objects without a path that nothing else refers to which has not ended; whether that has left something to be run.
/// `holders`: what each has been held by.
///
/// # Safety
/// As for [`run`]; everything that is reached is marked.
unsafe fn end(heap: &Heap, s: *mut State, holders: &[Vec<usize>]) -> bool {
    // SAFETY: the caller's promise.
    unsafe {
        let list = &(*s).watched.list;
        let dead: Vec<usize> =
            (0..list.len()).filter(|&i| list[i].is_young() && list[i].path.is_empty()).collect();
        let behind: Vec<HashSet<usize>> = dead.iter().map(|&i| behind(heap, list[i].object)).collect();
        let object = |k: usize| list[dead[k]].object;
        let is_cyclic = |k: usize| {
            let in_cycle = |&p: &usize| !Block::of(p).mark.get(p) && self::behind(heap, p).contains(&p);
            behind[k].contains(&object(k)) || holders[dead[k]].iter().any(in_cycle)
        };
        let cyclic: Vec<bool> = (0..dead.len()).map(is_cyclic).collect();
        let left =
            |k: usize| cyclic[k] || (0..dead.len()).any(|j| cyclic[j] && behind[j].contains(&object(k)));
        let held = |k: usize| (0..dead.len()).any(|j| j != k && behind[j].contains(&object(k)));
        let (leave, finish): (Vec<_>, Vec<_>) =
            (0..dead.len()).filter(|&k| left(k) || !held(k)).partition(|&k| left(k));
        let leave: Vec<usize> = leave.into_iter().map(object).collect();
        let finish: Vec<usize> = finish.into_iter().map(object).collect();
        (*s).watched.leave_to_collections(&leave);
        for p in finish {
            let h = &*(p as *const Header);
            let reached = |cell: usize| !heap.is_young_ptr(cell) || Block::of(cell).mark.get(cell);
            let end_references = || {
                (*s).weak.end(heap, p, reached, &mut (*s).finalizers);
                h.clear(ObjFlags::WEAKREF);
            };
            if h.map().kind().references_first {
                end_references();
            }
            if (*s).finalizers.finish_young(h) {
                continue;
            }
            end_references();
            (*s).watched.forget(p);
        }
        heap.pending.set((*s).finalizers.any());
        (*s).finalizers.any()
    }
}

/// The young objects that an object refers to, directly or not, and that have not been reached; [`MOST`] of them at most.
///
/// # Safety
/// As for [`end`].
unsafe fn behind(heap: &Heap, object: usize) -> HashSet<usize> {
    let mut seen = HashSet::new();
    let mut todo = vec![object];
    while let Some(p) = todo.pop() {
        let mut visit = |c: &Cell<Value>| {
            let v = c.get();
            if !heap.is_young(v) || seen.len() == MOST {
                return;
            }
            let p = v.bits() as usize;
            // SAFETY: a young object.
            if !unsafe { Block::of(p) }.mark.get(p) && seen.insert(p) {
                todo.push(p);
            }
        };
        // SAFETY: the memory of objects is intact until a collection ends.
        Tracer::young(&mut visit).object(unsafe { &*(p as *const Header) });
    }
    seen
}

/// What is visited next are roots.
unsafe fn begin(search: *mut Search<'_>) {
    // SAFETY: the search under way.
    unsafe { ((*search).parent, (*search).depth) = (0, 0) }
}

/// Goes on with what has been reached, until nothing is left, or all watched objects have been met.
///
/// # Safety
/// As for [`run`].
unsafe fn drain(s: *mut State, search: *mut Search<'_>, t: &mut Tracer<'_>) {
    // SAFETY: the caller's promise; reached objects are whole.
    unsafe {
        while (*search).missing > 0
            && let Some((step, depth)) = (*search).todo.pop()
        {
            let path = &mut (*search).path;
            path.truncate(depth);
            path.push(step);
            let p = step.holds;
            if (*search).filter & bit(p) != 0
                && let Some(w) = (*s).watched.list.iter_mut().find(|w| w.object == p)
            {
                w.found(path);
                (*search).missing -= 1;
            }
            ((*search).parent, (*search).depth) = (p, depth + 1);
            t.object(&*(p as *const Header));
        }
    }
}
