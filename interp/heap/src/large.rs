//! Large objects: each has a run of blocks of its own and never moves.
//!
//! A new one is *young*: minor collections free it when it is dead, else make it old.

use crate::block::{BLOCK, Block, DATA, FILLER, poison};
use crate::heap::Heap;
use crate::object::Header;
use crate::region::{Region, Space};

/// The large objects, by their first blocks.
pub(crate) struct Large {
    pub(crate) young: Vec<u32>,
    pub(crate) old: Vec<u32>,
    pub(crate) young_bytes: usize,
    pub(crate) old_bytes: usize,
}

impl Large {
    pub(crate) const fn new() -> Large {
        Large { young: Vec::new(), old: Vec::new(), young_bytes: 0, old_bytes: 0 }
    }

    /// Memory for a large object, and whether it is known to be zero.
    pub(crate) fn alloc(
        &mut self,
        heap: &Heap,
        region: &mut Region,
        size: usize,
        young: bool,
    ) -> (usize, bool) {
        let n = (size + DATA).div_ceil(BLOCK);
        let n = u32::try_from(n).expect("out of memory: the object is too large");
        let (first, zero) = region.take_run(n);
        region.set_heads(first, n);
        let start = region.address(first);
        for i in 1..n as usize {
            heap.set_space(start + i * BLOCK, Space::Tail);
        }
        heap.set_space(start, if young { Space::LargeYoung } else { Space::LargeOld });
        // SAFETY: blocks that belong to nobody else.
        let block = unsafe { Block::of(start) };
        block.cell.set(size);
        block.cells.set(n);
        block.mark.clear();
        block.alloc.clear();
        block.alloc.set(start + DATA);
        if young {
            self.young.push(first);
            self.young_bytes += n as usize * BLOCK;
        } else {
            self.old.push(first);
            self.old_bytes += n as usize * BLOCK;
        }
        (start + DATA, zero)
    }

    fn release(heap: &Heap, region: &mut Region, first: u32, poisoned: bool) -> usize {
        let start = region.address(first);
        // SAFETY: the first block of a large object.
        let n = unsafe { Block::of(start) }.cells.get();
        if poisoned {
            // SAFETY: the object is dead.
            unsafe { poison(start + DATA, start + n as usize * BLOCK) }
        }
        for i in 0..n as usize {
            heap.set_space(start + i * BLOCK, Space::Free);
        }
        region.give_run(first, n);
        n as usize * BLOCK
    }

    /// Ends a minor collection: what was reached (and so became old) is kept, the rest is freed.
    pub(crate) fn sweep_young(&mut self, heap: &Heap, region: &mut Region, poisoned: bool) {
        for first in std::mem::take(&mut self.young) {
            let start = region.address(first);
            if heap.space_of(start) == Space::LargeOld {
                self.old.push(first);
                // SAFETY: the first block of a large object.
                self.old_bytes += unsafe { Block::of(start) }.cells.get() as usize * BLOCK;
            } else {
                Self::release(heap, region, first, poisoned);
            }
        }
        self.young_bytes = 0;
    }

    /// Ends a full collection: frees what is not marked, and clears the marks. The number of objects left.
    pub(crate) fn sweep(&mut self, heap: &Heap, region: &mut Region, poisoned: bool) -> usize {
        let mut bytes = self.old_bytes;
        self.old.retain(|&first| {
            let start = region.address(first);
            // SAFETY: the first block of a large object.
            let block = unsafe { Block::of(start) };
            let live = block.mark.get(start + DATA);
            block.mark.clear();
            if !live {
                bytes -= Self::release(heap, region, first, poisoned);
            }
            live
        });
        self.old_bytes = bytes;
        self.old.len()
    }

    /// Calls `f` for every large object.
    pub(crate) fn each(&self, region: &Region, f: &mut dyn FnMut(usize)) {
        for &first in self.young.iter().chain(&self.old) {
            let p = region.address(first) + DATA;
            // SAFETY: an object, or the filler of a reserved place, starts there.
            if unsafe { &*(p as *const Header) }.raw_map().get() != FILLER {
                f(p);
            }
        }
    }
}

/// The start of the large object that has the block of `addr`.
pub(crate) fn find(region: &Region, addr: usize) -> Option<usize> {
    let start = region.address(region.head(region.index(addr))) + DATA;
    // SAFETY: the first block of a large object.
    let size = unsafe { Block::of(start) }.cell.get();
    // SAFETY: as above.
    let reserved = unsafe { &*(start as *const Header) }.raw_map().get() == FILLER;
    (addr >= start && addr < start + size && !reserved).then_some(start)
}
