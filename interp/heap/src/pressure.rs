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
/// Visits of remembered objects that make a full collection due, unless the heap is larger: about what that costs.
const VISITS: usize = 128 << 10;
/// Bytes of the heap for each of them.
const BYTES_PER_VISIT: usize = 32;

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
    /// Old objects that minor collections left remembered since the last full collection, which each of them visits anew: they refer to
    /// young ones that are pinned. Most are garbage, if they are many.
    revisited: usize,
    /// How many of these visits make the next full collection due.
    visits: usize,
    /// How many the latest minor collection left, and whether a full one has been made for their sake since.
    remembered: usize,
    swept: bool,
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
            revisited: 0,
            visits: VISITS,
            remembered: 0,
            swept: false,
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
            || self.revisited > self.visits
    }

    /// Whether extensions took so much memory, or so many young objects were linked, that a minor collection is due.
    pub(crate) fn minor_due(&self) -> bool {
        self.taken > MINOR || self.many_links || self.asked
    }

    /// A minor collection is done, and has left so many objects remembered.
    pub(crate) fn minor_done(&mut self, remembered: usize) {
        self.taken = 0;
        self.many_links = false;
        if std::mem::take(&mut self.swept) && remembered > self.remembered / 2 {
            // They live, and would again.
            self.visits = self.visits.saturating_mul(2);
        }
        self.remembered = remembered;
        self.revisited += remembered;
    }

    /// A full collection left `live` bytes.
    pub(crate) fn collected(&mut self, live: usize) {
        self.live = live;
        self.live_external = self.external;
        self.taken_since_full = 0;
        self.swept = self.revisited > self.visits;
        if !self.swept {
            self.visits = VISITS.max(live / BYTES_PER_VISIT);
        }
        self.revisited = 0;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_remembered_objects_make_a_full_collection_due_and_less_often_if_they_live() {
        let mut p = Pressure::new();
        let rounds = |p: &mut Pressure| {
            let mut n = 0;
            while p.revisited <= p.visits {
                p.minor_done(1000);
                n += 1;
            }
            p.collected(1 << 20);
            n
        };
        let first = rounds(&mut p);
        assert_eq!(first, VISITS / 1000 + 1);
        // They have gone.
        p.minor_done(0);
        assert_eq!(rounds(&mut p), first);
        // They are there again.
        assert!(rounds(&mut p) > 3 * first / 2);
        // Few are no matter.
        p.minor_done(0);
        (0..1000).for_each(|_| p.minor_done(2));
        assert!(p.revisited < p.visits);
    }
}
