//! Counts for the `gc` module.

use crate::heap::Heap;

/// What the collector has done so far, and how large the heap is.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Stats {
    /// Minor collections.
    pub minor: usize,
    /// Full collections.
    pub major: usize,
    /// Objects in the old space after the last full collection.
    pub objects: usize,
    /// Bytes that the last full collection freed.
    pub freed: usize,
    /// Bytes in the old space.
    pub old_bytes: usize,
    /// Bytes of old large objects.
    pub large_bytes: usize,
    /// Objects that the last minor collection found pinned.
    pub pinned: usize,
    /// Links.
    pub links: usize,
    /// Maps.
    pub maps: usize,
}

impl Stats {
    pub(crate) const fn new() -> Stats {
        Stats {
            minor: 0,
            major: 0,
            objects: 0,
            freed: 0,
            old_bytes: 0,
            large_bytes: 0,
            pinned: 0,
            links: 0,
            maps: 0,
        }
    }

    pub(crate) fn full_done(&mut self, objects: usize, freed: usize) {
        self.major += 1;
        self.objects = objects;
        self.freed = freed;
    }
}

impl Heap {
    /// How often objects may have moved so far: the address of a young object is good until this changes.
    #[inline]
    pub fn moves(&self) -> usize {
        // SAFETY: the GIL is held; a plain load.
        unsafe { (*self.state()).stats.minor }
    }

    /// The counts.
    pub fn stats(&self) -> Stats {
        let s = self.state();
        // SAFETY: the GIL is held.
        unsafe {
            Stats {
                old_bytes: (*s).old.bytes,
                large_bytes: (*s).large.old_bytes + (*s).large.young_bytes,
                pinned: (*s).pinned.len(),
                links: (*s).links.count,
                maps: (*s).maps.count,
                ..(*s).stats
            }
        }
    }
}
