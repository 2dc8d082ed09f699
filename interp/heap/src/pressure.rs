//! When collections are due: growth of the old space, and memory that extensions took.

use crate::heap::Heap;
use crate::large::Large;
use crate::old::Old;

/// A full collection is not due before this many bytes.
const LEAST: usize = 32 << 20;
/// Extensions' memory that makes a minor collection due.
const MINOR: usize = 32 << 20;

/// Counts of bytes, and limits.
pub(crate) struct Pressure {
    /// Bytes that extensions hold.
    external: usize,
    /// Bytes that extensions took since the last minor collection.
    taken: usize,
    limit: usize,
}

impl Pressure {
    pub(crate) const fn new() -> Pressure {
        Pressure { external: 0, taken: 0, limit: LEAST }
    }

    /// Whether a full collection is due.
    pub(crate) fn major_due(&self, old: &Old, large: &Large) -> bool {
        old.bytes + large.old_bytes + self.external > self.limit
    }

    /// Whether extensions took so much memory that a minor collection is due.
    pub(crate) fn minor_due(&self) -> bool {
        self.taken > MINOR
    }

    /// A minor collection is done.
    pub(crate) fn minor_done(&mut self) {
        self.taken = 0;
    }

    /// A full collection left `live` bytes: the next is due when they have grown by four fifths.
    pub(crate) fn collected(&mut self, live: usize) {
        let total = live + self.external;
        self.limit = LEAST.max(total + total / 5 * 4);
    }
}

impl Heap {
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
