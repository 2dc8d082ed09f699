//! Cycles across the boundary.
//!
//! After marking from the ordinary roots, a mirror's count minus its bias minus the references that other unreached
//! structs hold to it is what C holds from outside; mirrors with such references are roots, the others
//! are garbage unless something that is reached refers to them. Marking goes from a managed object to its mirror,
//! and from there through `traverse`. Garbage cycles are first finalized, then cleared, at safe points and with all links intact;
//! the collection after that finds their objects without foreign references and frees them.

use std::collections::HashMap;

use crate::block::Block;
use crate::heap::State;
use crate::links::{ForeignHeap, ForeignOp, Mirror};
use crate::major;
use crate::object::Header;
use crate::weak::AddressMap;

/// Unlinked structs met while marking.
pub(crate) struct Unlinked {
    reached: AddressMap<()>,
    to_visit: Vec<*mut Mirror>,
    /// Unlinked structs that only garbage refers to.
    garbage: Vec<*mut Mirror>,
}

impl Unlinked {
    pub(crate) const fn new() -> Unlinked {
        Unlinked {
            reached: HashMap::with_hasher(std::hash::BuildHasherDefault::new()),
            to_visit: Vec::new(),
            garbage: Vec::new(),
        }
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
        (*s).unlinked.reached.clear();
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
            None => {
                if (*s).unlinked.reached.insert(mirror as usize, ()).is_none() {
                    (*s).unlinked.to_visit.push(mirror);
                }
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
            (*s).links.reach(index);
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
                None => match (*s).unlinked.to_visit.pop() {
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

/// Finds the mirrors that C holds from outside, and marks from them.
///
/// # Safety
/// As for [`major::collect`]; everything reachable from the ordinary roots is marked.
pub(crate) unsafe fn mark_held(s: *mut State) {
    // SAFETY: the caller's promise; linked mirrors are alive.
    unsafe {
        let end = (*s).links.end;
        let mut links: Vec<u32> = Vec::new();
        for i in 1..end {
            if !(*s).links.entry(i).mirror.get().is_null() && !(*s).links.is_reached(i) {
                links.push(i);
            }
        }
        let Some(foreign) = (*s).links.foreign else {
            // Nobody can tell who holds what: every held mirror is a root.
            for i in links {
                if (*(*s).links.entry(i).mirror.get()).refcnt.get() > 1 {
                    reach_link(s, i);
                }
            }
            return major::drain(s);
        };
        // What is held from outside, by link and by unlinked struct.
        let mut held: Vec<i64> = vec![0; end as usize];
        let mut unlinked: AddressMap<i64> = HashMap::default();
        let mut todo = Vec::new();
        let mut any = false;
        for &i in &links {
            let n = (*(*s).links.entry(i).mirror.get()).refcnt.get();
            held[i as usize] += n as i64 - 1;
            any |= n > 1;
        }
        let add =
            |unlinked: &mut AddressMap<i64>, todo: &mut Vec<*mut Mirror>, m: *mut Mirror, minus: i64| {
                if !(*s).unlinked.reached.contains_key(&(m as usize)) {
                    *unlinked.entry(m as usize).or_insert_with(|| {
                        todo.push(m);
                        (*m).refcnt.get() as i64
                    }) -= minus;
                }
            };
        foreign.each_tracked(&mut |m| {
            if (*s).links.index_of(m).is_none() {
                add(&mut unlinked, &mut todo, m, 0);
            }
        });
        if !any && unlinked.is_empty() {
            return;
        }
        todo.extend(links.iter().map(|&i| (*s).links.entry(i).mirror.get()));
        while let Some(m) = todo.pop() {
            foreign.traverse(m, &mut |child| match (*s).links.index_of(child) {
                Some(i) => held[i as usize] -= 1,
                None => add(&mut unlinked, &mut todo, child, 1),
            });
        }
        for i in links {
            if held[i as usize] > 0 {
                reach_link(s, i);
            }
        }
        for (&m, &n) in &unlinked {
            if n > 0 {
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
        let unmarked = |i: u32| {
            let p = (*s).links.entry(i).managed.get().bits() as usize;
            !Block::of(p).mark.get(p)
        };
        let mut dead = Vec::new();
        for i in 1..(*s).links.end {
            if !(*s).links.entry(i).mirror.get().is_null() && !(*s).links.is_reached(i) && unmarked(i) {
                dead.push(i);
            }
        }
        // Garbage that other garbage structs refer to cannot go before they let it go.
        for &i in &dead {
            let e = (*s).links.entry(i);
            if (*e.mirror.get()).refcnt.get() > 1 && unmarked(i) {
                major::mark(s, e.managed.get().bits() as usize);
            }
        }
        major::drain(s);
        // What goes now takes along what it refers to, in the order of reference counting.
        let mut todo: Vec<_> =
            dead.iter().filter(|&&i| unmarked(i)).map(|&i| (*s).links.entry(i).mirror.get()).collect();
        while let Some(m) = todo.pop() {
            foreign.traverse(m, &mut |child| {
                if (*s).links.index_of(child).is_none()
                    && (*s).unlinked.reached.insert(child as usize, ()).is_none()
                {
                    todo.push(child);
                }
            });
        }
        dead.retain(|&i| !unmarked(i));
        let linked: Vec<_> = dead.iter().map(|&i| (*s).links.entry(i).mirror.get()).collect();
        queue(s, foreign, &linked, ForeignOp::Finalize, ForeignOp::Clear);

        let mut garbage = std::mem::take(&mut (*s).unlinked.garbage);
        // What a kept cycle reaches goes when the cycle is cleared.
        garbage.retain(|m| !(*s).unlinked.reached.contains_key(&(*m as usize)));
        queue(s, foreign, &garbage, ForeignOp::FinalizeHeld, ForeignOp::ClearHeld);
    }
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
