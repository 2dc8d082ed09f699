//! Cycles across the boundary.
//!
//! After marking from the ordinary roots, a mirror's count minus its bias minus the references that other unreached
//! structs hold to it is what C holds from outside; mirrors with such references are roots, the others
//! are garbage unless something that is reached refers to them. Marking goes from a managed object to its mirror,
//! and from there through `traverse`. Garbage cycles are first finalized, then cleared, at safe points and with all links intact;
//! the collection after that finds their objects without foreign references and frees them.

use std::collections::HashMap;

use crate::block::{Block, prefetch};
use crate::heap::State;
use crate::links::{ForeignHeap, ForeignOp, Links, Mirror};
use crate::major;
use crate::map::MapFlags;
use crate::object::Header;
use crate::weak::AddressMap;

/// Unlinked structs met while marking.
pub(crate) struct Unlinked {
    /// Those that are marked as reached, and how many of them have been visited.
    reached: Vec<*mut Mirror>,
    visited: usize,
    /// Unlinked structs that only garbage refers to.
    garbage: Vec<*mut Mirror>,
    /// How many of them the last full collection queued to be finalized or cleared.
    pub(crate) doomed: usize,
    /// Linked structs that C holds from outside, with their counts: what begins to die when C lets go of them.
    held: Vec<(u32, u32)>,
    /// References that will be dropped when the collection is done, of structs that have others, too.
    owed: AddressMap<u32>,
    /// Whether structs that die next may take along more than that: C holds unlinked ones, or some were kept for the order only.
    unsure: bool,
}

impl Unlinked {
    pub(crate) const fn new() -> Unlinked {
        Unlinked {
            reached: Vec::new(),
            visited: 0,
            garbage: Vec::new(),
            doomed: 0,
            held: Vec::new(),
            owed: HashMap::with_hasher(std::hash::BuildHasherDefault::new()),
            unsure: false,
        }
    }
}

impl Unlinked {
    /// Marks a struct as reached; whether it was not yet.
    ///
    /// # Safety
    /// The struct is alive, stays so until the end of the collection, and is not linked.
    #[inline(always)]
    unsafe fn reach(&mut self, mirror: *mut Mirror) -> bool {
        // SAFETY: the caller's promise.
        let new = unsafe { &*mirror }.mark();
        if new {
            self.reached.push(mirror);
        }
        new
    }

    /// The next struct to visit.
    fn next(&mut self) -> Option<*mut Mirror> {
        let next = *self.reached.get(self.visited)?;
        self.visited += 1;
        if let Some(&later) = self.reached.get(self.visited + 8) {
            prefetch(later as usize);
        }
        Some(next)
    }

    /// How many references of the struct will be dropped when the collection is done.
    fn owed_of(&self, mirror: *mut Mirror) -> i64 {
        self.owed.get(&(mirror as usize)).map_or(0, |&n| n as i64)
    }
}

impl Links {
    /// Whether C may have let go of something since the last full collection found that it held it from outside.
    pub(crate) fn let_go(&self, unlinked: &Unlinked) -> bool {
        unlinked.unsure
            || unlinked.held.iter().any(|&(index, count)| {
                let mirror = self.entry(index).mirror.get();
                // SAFETY: a linked mirror is alive.
                !mirror.is_null() && unsafe { &*mirror }.refcnt.get() < count
            })
    }
}

/// Begins the marking of mirrors.
///
/// # Safety
/// As for [`major::collect`].
pub(crate) unsafe fn begin(s: *mut State) {
    // SAFETY: the caller's promise.
    unsafe {
        (*s).links.begin_marking();
        // What has work queued stays until that is done.
        let mut queued = Vec::new();
        (*s).finalizers.each_foreign(&mut |m| queued.push(m));
        for m in queued {
            reach(s, m);
        }
    }
}

/// Marks a struct that something reached refers to: its object, or, when that is a proxy that may die, or there is
/// none, the struct alone.
///
/// # Safety
/// As for [`major::collect`]; the struct is alive.
unsafe fn reach(s: *mut State, mirror: *mut Mirror) {
    // SAFETY: the caller's promise.
    unsafe {
        match (*s).links.index_of(mirror) {
            Some(i) => reach_link(s, i),
            // (What is born immortal, as None is, refers to nothing that could die.)
            None if (*mirror).is_immortal() => {}
            None => {
                (*s).unlinked.reach(mirror);
            }
        }
    }
}

/// As [`reach`], for a linked struct.
///
/// # Safety
/// As for [`reach`].
unsafe fn reach_link(s: *mut State, index: u32) {
    // SAFETY: the caller's promise.
    unsafe {
        if (*s).links.is_reached(index) {
            return;
        }
        let object = (*s).links.entry(index).managed.get().header();
        if (*s).links.may_die(object) {
            (*s).links.reach(index, object.map().kind().mirror_refers);
            (*s).links.bare.push(index);
        } else {
            major::mark(s, object as *const Header as usize);
        }
    }
}

/// Visits the structs that were reached since the last time; whether there were any.
///
/// # Safety
/// As for [`major::collect`].
pub(crate) unsafe fn visit_reached(s: *mut State) -> bool {
    // SAFETY: the caller's promise; reached structs are alive.
    unsafe {
        let Some(foreign) = (*s).links.foreign else { return false };
        let mut any = false;
        loop {
            let mirror = match (*s).links.to_visit.pop() {
                Some(i) => (*s).links.entry(i).mirror.get(),
                None => match (*s).unlinked.next() {
                    Some(m) => m,
                    None => return any,
                },
            };
            any = true;
            foreign.traverse(mirror, &mut |m| reach(s, m));
            foreign.managed_children(mirror, &mut |v| {
                if v.is_ptr() {
                    major::mark(s, v.bits() as usize);
                }
            });
        }
    }
}

/// Ends the marking of mirrors: nobody sees the marks of structs.
///
/// # Safety
/// As for [`major::collect`]; no struct has been released since it began.
pub(crate) unsafe fn end(s: *mut State) {
    // SAFETY: the caller's promise.
    unsafe {
        for (i, &m) in (&(*s).unlinked.reached).iter().enumerate() {
            if let Some(&later) = (&(*s).unlinked.reached).get(i + 8) {
                prefetch(later as usize);
            }
            (*m).unmark();
        }
        (*s).unlinked.reached = Vec::new();
        (*s).unlinked.visited = 0;
    }
}

/// Finds the mirrors that C holds from outside, and marks from them.
///
/// # Safety
/// As for [`major::collect`]; everything reachable from the ordinary roots is marked.
pub(crate) unsafe fn mark_held(s: *mut State) {
    // SAFETY: the caller's promise; linked mirrors are alive.
    unsafe {
        (*s).links.find_unreached();
        (*s).unlinked.held.clear();
        (*s).unlinked.unsure = false;
        let links = std::mem::take(&mut (*s).links.unreached);
        let count = move |i: u32| (*(*s).links.entry(i).mirror.get()).refcnt.get();
        let Some(foreign) = (*s).links.foreign else {
            // Nobody can tell who holds what: every held mirror is a root.
            for &i in &links {
                if count(i) > 1 {
                    reach_link(s, i);
                }
            }
            (*s).links.unreached = links;
            return major::drain(s);
        };
        let mut unlinked: AddressMap<i64> = HashMap::default();
        let mut todo = Vec::new();
        // References that dead proxies owned, and that are given up when the collection is done, hold nothing. (A struct that has no
        // others dies then; until it does, it holds what it refers to.)
        let mut owed: AddressMap<u32> = HashMap::default();
        for m in (*s).finalizers.released() {
            if (**m).refcnt.get() > 1 {
                *owed.entry(*m as usize).or_default() += 1;
            }
        }
        owed.retain(|&m, n| (*(m as *mut Mirror)).refcnt.get() > *n);
        (*s).unlinked.owed = owed;
        let add =
            |unlinked: &mut AddressMap<i64>, todo: &mut Vec<*mut Mirror>, m: *mut Mirror, minus: i64| {
                if !(*m).is_immortal() && !(*m).is_marked() {
                    *unlinked.entry(m as usize).or_insert_with(|| {
                        todo.push(m);
                        (*m).refcnt.get() as i64 - (*s).unlinked.owed_of(m)
                    }) -= minus;
                }
            };
        foreign.each_tracked(&mut |m| {
            if (*s).links.index_of(m).is_none() {
                add(&mut unlinked, &mut todo, m, 0);
            }
        });
        // What is held from outside, by link.
        let mut held: Vec<i32> = Vec::new();
        if !unlinked.is_empty() || links.iter().any(|&i| count(i) > 1) {
            held.resize((*s).links.end as usize, 0);
        } else {
            (*s).links.unreached = links;
            return;
        }
        // (Structs have not been looked at since the last full collection.)
        let soon = |k: usize| {
            if let Some(&later) = links.get(k + 8) {
                prefetch((*s).links.entry(later).mirror.get() as usize);
                prefetch((*s).links.entry(later).managed.get().bits() as usize);
            }
        };
        for (k, &i) in links.iter().enumerate() {
            soon(k);
            held[i as usize] += count(i).min(i32::MAX as u32) as i32 - 1;
            let e = (*s).links.entry(i);
            let map = e.managed.get().header().map();
            if map.kind().mirror_refers {
                todo.push(e.mirror.get());
            } else if map.flags.get() & MapFlags::OWNS_CLASS != 0
                && let Some(class) = (*s).links.index_of((*e.mirror.get()).class.get())
            {
                held[class as usize] -= 1;
            }
        }
        while let Some(m) = todo.pop() {
            foreign.traverse(m, &mut |child| match (*s).links.index_of(child) {
                Some(i) => held[i as usize] -= 1,
                None => add(&mut unlinked, &mut todo, child, 1),
            });
        }
        for (k, &i) in links.iter().enumerate() {
            soon(k);
            if held[i as usize] > 0 {
                (*s).unlinked.held.push((i, count(i)));
                reach_link(s, i);
            }
        }
        (*s).links.unreached = links;
        for (&m, &n) in &unlinked {
            if n > 0 {
                (*s).unlinked.unsure = true;
                reach(s, m as *mut Mirror);
            }
        }
        major::drain(s);
        (*s).unlinked.garbage.clear();
        (*s).unlinked.garbage.extend(unlinked.keys().map(|&m| m as *mut Mirror));
    }
}

/// Keeps garbage cycles through mirrors for one more round, and queues what breaks them.
///
/// # Safety
/// As for [`major::collect`]; everything alive is marked.
pub(crate) unsafe fn keep_cycles(s: *mut State) {
    // SAFETY: the caller's promise.
    unsafe {
        let Some(foreign) = (*s).links.foreign else { return };
        let unmarked = move |i: u32| {
            let p = (*s).links.entry(i).managed.get().bits() as usize;
            !Block::of(p).mark.get(p)
        };
        let unreached = &(*s).links.unreached;
        let mut dead: Vec<u32> =
            unreached.iter().copied().filter(|&i| !(*s).links.is_reached(i) && unmarked(i)).collect();
        // Garbage that other garbage structs refer to cannot go before they let it go.
        for &i in &dead {
            let e = (*s).links.entry(i);
            if (*e.mirror.get()).refcnt.get() > 1 && unmarked(i) {
                major::mark(s, e.managed.get().bits() as usize);
            }
        }
        major::drain(s);
        // What goes now takes along what it refers to, in the order of reference counting.
        let mut todo: Vec<_> = dead
            .iter()
            .filter(|&&i| unmarked(i) && (*s).links.refers(i))
            .map(|&i| (*s).links.entry(i).mirror.get())
            .collect();
        while let Some(m) = todo.pop() {
            foreign.traverse(m, &mut |child| {
                if !(*child).is_immortal()
                    && (*s).links.index_of(child).is_none()
                    && (*s).unlinked.reach(child)
                {
                    todo.push(child);
                }
            });
        }
        let doomed = doomed(s, foreign, &dead);
        (*s).unlinked.unsure |= !doomed.is_empty();
        dead.retain(|&i| !unmarked(i) && !doomed.contains_key(&(i as usize)));
        for &i in &dead {
            (*s).census.kept((*s).links.entry(i).managed.get().bits() as usize);
        }
        let linked: Vec<_> = dead.iter().map(|&i| (*s).links.entry(i).mirror.get()).collect();
        queue(s, foreign, &linked, ForeignOp::Finalize, ForeignOp::Clear);

        let mut garbage = std::mem::take(&mut (*s).unlinked.garbage);
        // What a kept cycle reaches goes when the cycle is cleared.
        garbage.retain(|&m| !(*m).is_marked());
        (*s).unlinked.doomed = garbage.len();
        (*s).census.unseen(garbage.len());
        queue(s, foreign, &garbage, ForeignOp::FinalizeHeld, ForeignOp::ClearHeld);
    }
}

/// Those of the `dead` links that are kept in this round, whose structs lose all references but their links' by what dies now: the
/// next round frees them, and until then they are not cleared, for what dies may look at them.
///
/// # Safety
/// As for [`keep_cycles`].
unsafe fn doomed(s: *mut State, foreign: &dyn ForeignHeap, dead: &[u32]) -> AddressMap<()> {
    let mut doomed = HashMap::default();
    // SAFETY: the caller's promise.
    unsafe {
        let references = |m: *mut Mirror| (*m).refcnt.get() as i64 - (*s).unlinked.owed_of(m);
        // The references of those that are kept, by link; of the others it does not matter.
        const OTHER: i64 = i64::MAX;
        let (mut left, mut dying) = (Vec::new(), Vec::new());
        for &i in dead {
            let e = (*s).links.entry(i);
            let p = e.managed.get().bits() as usize;
            if Block::of(p).mark.get(p) {
                if left.is_empty() {
                    left.resize((*s).links.end as usize, OTHER);
                }
                left[i as usize] = references(e.mirror.get());
            } else if (*s).links.refers(i) {
                dying.push(e.mirror.get());
            }
        }
        if left.is_empty() {
            return doomed;
        }
        let mut unlinked: AddressMap<i64> = HashMap::default();
        while let Some(m) = dying.pop() {
            foreign.traverse(m, &mut |child| {
                if (*child).is_immortal() {
                    return;
                }
                if let Some(i) = (*s).links.index_of(child) {
                    let n = &mut left[i as usize];
                    if *n != OTHER {
                        *n -= 1;
                        if *n == 1 {
                            doomed.insert(i as usize, ());
                            dying.push(child);
                        }
                    }
                    return;
                }
                let n = unlinked.entry(child as usize).or_insert_with(|| references(child));
                *n -= 1;
                if *n == 0 {
                    dying.push(child);
                }
            });
        }
    }
    doomed
}

/// Queues the finalizers of those that have one, or else what clears all of them.
///
/// # Safety
/// As for [`keep_cycles`].
unsafe fn queue(
    s: *mut State,
    foreign: &dyn ForeignHeap,
    all: &[*mut Mirror],
    finalize: ForeignOp,
    clear: ForeignOp,
) {
    let finalizable = all.iter().any(|m| foreign.needs_finalize(*m));
    for &m in all {
        // SAFETY: the structs are alive; the queue takes references of unlinked ones.
        unsafe {
            if finalizable && !foreign.needs_finalize(m) {
                continue;
            }
            if clear == ForeignOp::ClearHeld {
                (*m).refcnt.set((*m).refcnt.get() + 1);
            }
            (*s).finalizers.queue_foreign(if finalizable { finalize } else { clear }, m);
        }
    }
}
