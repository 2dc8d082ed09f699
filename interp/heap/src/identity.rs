//! Identity: a number that an object keeps while it moves.
//!
//! The identity of an old object is its address. A young one that is asked for it gets a place in the old
//! space at once, its *shadow*; the place's address is its identity, and it moves there when it survives.

use std::collections::HashMap;
use std::hash::BuildHasherDefault;

use crate::heap::Heap;
use crate::map::MapFlags;
use crate::object::{Header, ObjFlags};
use crate::old::{self, MAX_SMALL, Old};
use crate::region::Space;
use crate::weak::{AddressMap, WeakCtx};

/// The reserved places: address of the young object to place.
pub(crate) struct Identities {
    shadows: AddressMap<usize>,
}

impl Identities {
    pub(crate) const fn new() -> Identities {
        Identities { shadows: HashMap::with_hasher(BuildHasherDefault::new()) }
    }

    /// The place of a young object that moves now.
    pub(crate) fn take(&mut self, addr: usize) -> usize {
        self.shadows.remove(&addr).expect("an object with the SHADOW flag has a place")
    }

    /// Ends a minor collection: gives back the places of objects that died.
    pub(crate) fn update(&mut self, ctx: &WeakCtx<'_>, old: &mut Old) {
        self.shadows.retain(|&addr, &mut place| {
            let alive = ctx.survivor(addr).is_some();
            if !alive && crate::heap::heap().space_of(place) == Space::Old {
                old.free(place);
            }
            alive
        });
    }

    /// Calls `f` for every reserved place.
    pub(crate) fn each_shadow(&self, f: &mut dyn FnMut(usize)) {
        self.shadows.values().for_each(|&p| f(p));
    }
}

impl Heap {
    /// A number that identifies the object for its whole life, also when it moves: what `id()` gives. For a proxy of
    /// a struct born in C it is the struct's address, which also outlives the proxy.
    pub fn identity(&self, object: &Header) -> usize {
        let addr = object as *const Header as usize;
        if object.map().flags.get() & MapFlags::PROXY != 0 {
            let mirror = self.mirror_of(object);
            if !mirror.is_null() {
                return mirror as usize;
            }
        }
        if self.space_of(addr) != Space::Nursery {
            return addr;
        }
        // SAFETY: the GIL is held; no other reference into the state is alive.
        unsafe {
            let s = self.state();
            if let Some(&place) = (*s).identities.shadows.get(&addr) {
                return place;
            }
            let size = object.map().object_size(object);
            let place = if size <= MAX_SMALL {
                (*s).old.alloc(self, &mut (*s).region, size)
            } else {
                (*s).large.alloc(self, &mut (*s).region, size, false).0
            };
            old::reserve(place, size);
            (*s).identities.shadows.insert(addr, place);
            object.set(ObjFlags::SHADOW);
            place
        }
    }
}
