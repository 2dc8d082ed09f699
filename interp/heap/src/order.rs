//! The order in which the finalizers of one collection run, as reference counting would have it: an object before what it refers to, which
//! its finalizer may want to use, whichever of them was made first. What does not refer to each other is finalised in the order of making.
//!
//! (A collection that Python code asked for knows more: [`crate::census`].)

use crate::kind::Tracer;
use crate::object::Header;
use crate::weak::{AddressMap, WeakCtx};

/// So many dead objects are looked at; what only others refer to keeps its place.
const MOST: usize = 4096;

/// Where each of the dead objects comes in the order.
pub(crate) fn places(ctx: &WeakCtx<'_>, dead: &[usize]) -> AddressMap<usize> {
    let mut seen = AddressMap::default();
    let mut left = Vec::new();
    let mut todo = Vec::new();
    // Into the depth, from the last: an object is left when all that it refers to has been.
    for &root in dead.iter().rev() {
        todo.push((root, false));
        while let Some((p, leaves)) = todo.pop() {
            if leaves {
                left.push(p);
                continue;
            }
            if seen.insert(p, 0).is_some() {
                continue;
            }
            todo.push((p, true));
            if seen.len() < MOST {
                // SAFETY: a dead object's memory is intact until the collection ends.
                let h = unsafe { &*(p as *const Header) };
                Tracer::new(&mut |cell| {
                    let child = cell.get().bits() as usize;
                    if !seen.contains_key(&child) && ctx.survivor(child).is_none() {
                        todo.push((child, false));
                    }
                })
                .object(h);
            }
        }
    }
    let count = left.len();
    for (i, p) in left.into_iter().enumerate() {
        seen.insert(p, count - i);
    }
    seen
}
