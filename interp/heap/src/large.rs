//! Large objects: each has a run of blocks of its own and never moves.
//!
//! A new one is *young*: minor collections free it when it is dead, else make it old.

use crate::block::{BLOCK, Block, DATA, FILLER, fill, poison};
use crate::heap::Heap;
use crate::object::{Header, ObjFlags};
use crate::region::{Region, Space};

/// In the header of a large object's first block, in place of a size class: its memory goes with a foreign struct.
pub(crate) const SHARED: u8 = 1;
/// There: it has survived a minor collection as a young object.
const AGED: u8 = 2;

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
        let (first, zero) = region.take_run(n).expect("out of memory: the heap's address space is used up");
        let p = Self::place(
            heap,
            region,
            size,
            first,
            n,
            if young { Space::LargeYoung } else { Space::LargeOld },
        );
        if young {
            self.young.push(first);
            self.young_bytes += n as usize * BLOCK;
        } else {
            self.old.push(first);
            self.old_bytes += n as usize * BLOCK;
        }
        (p, zero)
    }

    /// Writes the head of a run of blocks. Where the object starts.
    fn place(heap: &Heap, region: &mut Region, size: usize, first: u32, n: u32, space: Space) -> usize {
        region.set_heads(first, n);
        let start = region.address(first);
        for i in 1..n as usize {
            heap.set_space(start + i * BLOCK, Space::Tail);
        }
        heap.set_space(start, space);
        // SAFETY: blocks that belong to nobody else.
        let block = unsafe { Block::of(start) };
        block.cell.set(size);
        block.cells.set(n);
        block.class.set(0);
        block.mark.clear();
        block.alloc.clear();
        block.alloc.set(start + DATA);
        block.tally.set(0);
        start + DATA
    }

    /// Memory that no object has yet; `None`: there is not that much.
    pub(crate) fn lend(&mut self, heap: &Heap, region: &mut Region, size: usize) -> Option<usize> {
        let n = u32::try_from((size + DATA).div_ceil(BLOCK)).ok()?;
        let (first, _) = region.take_run(n)?;
        let p = Self::place(heap, region, size, first, n, Space::LargeOld);
        // SAFETY: the block is in place.
        unsafe { Block::of(p) }.class.set(SHARED);
        Some(p)
    }

    /// An object, young, is put into lent memory.
    pub(crate) fn adopt(&mut self, heap: &Heap, region: &Region, p: usize) {
        heap.set_space(p, Space::LargeYoung);
        self.young.push(region.index(p));
        // SAFETY: the first block of lent memory.
        self.young_bytes += unsafe { Block::of(p) }.cells.get() as usize * BLOCK;
    }

    /// Ends a dead object. Its memory is freed, unless it is lent from now on. How many bytes it had.
    fn release(heap: &Heap, region: &mut Region, first: u32, poisoned: bool) -> usize {
        let start = region.address(first);
        // SAFETY: the first block of a large object.
        let block = unsafe { Block::of(start) };
        if block.class.get() & SHARED != 0 {
            heap.set_space(start, Space::LargeOld);
            // SAFETY: the object is dead; the struct begins behind its first 16 bytes.
            unsafe { fill(start + DATA, start + DATA + 16) };
            return block.cells.get() as usize * BLOCK;
        }
        Self::free(heap, region, first, poisoned)
    }

    /// Frees the memory of a dead object, or lent memory. How many bytes it had.
    pub(crate) fn free(heap: &Heap, region: &mut Region, first: u32, poisoned: bool) -> usize {
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

    /// Ends a minor collection: what was reached is old now, or goes on being young; the rest is freed.
    pub(crate) fn sweep_young(&mut self, heap: &Heap, region: &mut Region, poisoned: bool) {
        self.young_bytes = 0;
        for first in std::mem::take(&mut self.young) {
            let start = region.address(first);
            // SAFETY: the first block of a large object.
            let bytes = unsafe { Block::of(start) }.cells.get() as usize * BLOCK;
            // SAFETY: the object has not been freed.
            let h = unsafe { &*((start + DATA) as *const Header) };
            if heap.space_of(start) == Space::LargeOld {
                self.old.push(first);
                self.old_bytes += bytes;
            } else if h.has(ObjFlags::OLD) {
                h.clear(ObjFlags::OLD);
                self.young.push(first);
                self.young_bytes += bytes;
            } else {
                Self::release(heap, region, first, poisoned);
            }
        }
    }

    /// Ends a full collection: frees what is not marked, and clears the marks. The number of objects left.
    pub(crate) fn sweep(&mut self, heap: &Heap, region: &mut Region, poisoned: bool) -> usize {
        let mut left = |objects: &mut Vec<u32>, bytes: &mut usize| {
            objects.retain(|&first| {
                let start = region.address(first);
                // SAFETY: the first block of a large object.
                let block = unsafe { Block::of(start) };
                let live = block.mark.get(start + DATA);
                block.mark.clear();
                if !live {
                    *bytes -= Self::release(heap, region, first, poisoned);
                }
                live
            });
            objects.len()
        };
        left(&mut self.old, &mut self.old_bytes) + left(&mut self.young, &mut self.young_bytes)
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

/// Records that a young large object survives; false when it is not the first time.
pub(crate) fn age(addr: usize) -> bool {
    // SAFETY: the block of a large object.
    let class = unsafe { &Block::of(addr).class };
    let first = class.get() & AGED == 0;
    class.set(class.get() | AGED);
    first
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
