//! When collections are due: growth of the old space, and memory that extensions took.

use crate::heap::Heap;
use crate::large::Large;
use crate::old::Old;

/// A full collection is not due before this many bytes.
const LEAST: usize = 32 << 20;
/// Extensions' memory that makes a minor collection due.
const MINOR: usize = 8 << 20;
/// Links of young objects that make a minor collection due: the structs of objects that have died in the meantime are to be used again
/// while they are in the cache. (A str that is made, crosses and dies: 100 ns with 100,000 of them, 88 with 8,000.)
pub(crate) const YOUNG_LINKS: usize = 8192;
/// Memory taken since the last full collection that makes the next one due, unless the heap is larger: C structs that died with
/// their old managed objects hold it.
const TAKEN: usize = 256 << 20;

/// Counts of bytes, and limits.
pub(crate) struct Pressure {
    /// Bytes that extensions hold.
    external: usize,
    /// Bytes that extensions took since the last minor collection.
    taken: usize,
    /// Bytes that they took since the last full collection, given back or not as far as that is not known.
    taken_since_full: usize,
    /// Whether [`YOUNG_LINKS`] young objects have been linked since the last minor collection, or as much memory taken by small structs.
    many_links: bool,
    /// Whether the foreign side asked for a full collection.
    asked: bool,
    /// Bytes that the last full collection left, and that extensions held then.
    live: usize,
    live_external: usize,
}

impl Pressure {
    pub(crate) const fn new() -> Pressure {
        Pressure {
            external: 0,
            taken: 0,
            taken_since_full: 0,
            many_links: false,
            asked: false,
            live: 0,
            live_external: 0,
        }
    }

    /// Whether a full collection is due: what the last one left has grown by four fifths.
    pub(crate) fn major_due(&self, old: &Old, large: &Large) -> bool {
        let base = self.live + self.live_external.min(self.external);
        self.asked
            || old.bytes + large.old_bytes + self.external > LEAST.max(base + base / 5 * 4)
            || self.taken_since_full > TAKEN.max(4 * self.live)
    }

    /// Whether extensions took so much memory, or so many young objects were linked, that a minor collection is due.
    pub(crate) fn minor_due(&self) -> bool {
        self.taken > MINOR || self.many_links || self.asked
    }

    /// A minor collection is done.
    pub(crate) fn minor_done(&mut self) {
        self.taken = 0;
        self.many_links = false;
    }

    /// A full collection left `live` bytes.
    pub(crate) fn collected(&mut self, live: usize) {
        self.live = live;
        self.live_external = self.external;
        self.taken_since_full = 0;
        self.asked = false;
    }
}

impl Heap {
    /// Very many young objects have been linked.
    #[cold]
    pub(crate) fn many_young_links(&self) {
        // SAFETY: the GIL is held.
        unsafe { (*self.state()).pressure.many_links = true };
        self.stop_bumping();
    }

    /// Tells of `bytes` that many small structs of extensions took, whose memory is to be used again while it is in the cache: a minor
    /// collection is due.
    #[cold]
    pub fn structs_taken(&self, bytes: usize) {
        // SAFETY: the GIL is held.
        let p = unsafe { &mut (*self.state()).pressure };
        p.taken_since_full += bytes;
        p.many_links = true;
        self.stop_bumping();
    }

    /// Asks for a full collection: at the next allocation, or at [`Heap::collect_if_asked`].
    pub fn ask_for_full(&self) {
        // SAFETY: the GIL is held.
        unsafe { (*self.state()).pressure.asked = true };
        self.stop_bumping();
    }

    /// The collection that [`Heap::ask_for_full`] asked for, unless it has been made.
    pub fn collect_if_asked(&self) {
        // SAFETY: the GIL is held.
        if unsafe { (*self.state()).pressure.asked } {
            self.collect(true);
        }
    }

    /// Tells of `bytes` that extensions took, of which it is not known when they are given back.
    pub fn memory_taken(&self, bytes: usize) {
        // SAFETY: the GIL is held.
        let p = unsafe { &mut (*self.state()).pressure };
        p.taken += bytes;
        p.taken_since_full += bytes;
        if p.minor_due() {
            self.stop_bumping();
        }
    }

    /// Tells of `bytes` that [`Heap::memory_taken`] was told of, and that have been given back.
    pub fn memory_returned(&self, bytes: usize) {
        // SAFETY: the GIL is held.
        let p = unsafe { &mut (*self.state()).pressure };
        p.taken_since_full = p.taken_since_full.saturating_sub(bytes);
    }

    /// Tells of `bytes` that an extension has taken (or given back, when negative). They count towards the next collections,
    /// which run at allocations, not here.
    pub fn pressure(&self, bytes: isize) {
        // SAFETY: the GIL is held.
        let p = unsafe { &mut (*self.state()).pressure };
        p.external = p.external.saturating_add_signed(bytes);
        if bytes > 0 {
            p.taken += bytes as usize;
            if p.minor_due() {
                self.stop_bumping();
            }
        }
    }
}
