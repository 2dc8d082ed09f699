//! The old space: blocks of equal cells, one size class each; nothing in it moves.
//!
//! Sweeping replaces a block's allocation bits by its mark bits: a few hundred bytes for 32 KiB, no
//! object is touched, so it is done for all blocks when marking ends. What is done lazily is finding the
//! free cells: the allocator reads the bits of one block at a time as it needs cells.

use crate::block::{BLOCK, Block, DATA, FILLER, GRANULE_SHIFT, ROOM, fill, poison};
use crate::heap::Heap;
use crate::object::Header;
use crate::region::{Region, Space};

/// Objects above this size are large objects.
pub(crate) const MAX_SMALL: usize = class_size(CLASSES - 1);

const FINE: usize = 16;
const CLASSES: usize = FINE + STEPS.len() + FRACTIONS.len();
const STEPS: [usize; 10] = [288, 320, 352, 384, 448, 512, 576, 640, 704, 800];
/// The larger classes are a block's room divided by these.
const FRACTIONS: [usize; 14] = [36, 32, 28, 24, 20, 16, 13, 11, 9, 8, 7, 6, 5, 4];

/// Bytes of a cell of class `c`.
const fn class_size(c: usize) -> usize {
    if c < FINE {
        (c + 1) << GRANULE_SHIFT
    } else if c < FINE + STEPS.len() {
        STEPS[c - FINE]
    } else {
        (ROOM / FRACTIONS[c - FINE - STEPS.len()]) & !15
    }
}

/// The class for a number of granules.
static CLASS_OF: [u8; (MAX_SMALL >> GRANULE_SHIFT) + 1] = {
    let mut t = [0; (MAX_SMALL >> GRANULE_SHIFT) + 1];
    let (mut g, mut c) = (1, 0);
    while g < t.len() {
        while class_size(c) < g << GRANULE_SHIFT {
            c += 1;
        }
        t[g] = c as u8;
        g += 1;
    }
    t
};

#[derive(Clone, Copy)]
struct Bump {
    /// The run of free cells in use.
    next: usize,
    end: usize,
    /// Where the search for the next run in the block goes on, and the end of the block's cells.
    rest: usize,
    stop: usize,
}

/// The old space.
pub(crate) struct Old {
    bumps: [Bump; CLASSES],
    /// Blocks with free cells, by class.
    partial: [Vec<u32>; CLASSES],
    blocks: Vec<u32>,
    /// Bytes in cells that are in use.
    pub(crate) bytes: usize,
}

impl Old {
    pub(crate) const fn new() -> Old {
        Old {
            bumps: [Bump { next: 0, end: 0, rest: 0, stop: 0 }; CLASSES],
            partial: [const { Vec::new() }; CLASSES],
            blocks: Vec::new(),
            bytes: 0,
        }
    }

    /// A free cell for an object of `size` bytes, at most [`MAX_SMALL`].
    #[inline]
    pub(crate) fn alloc(&mut self, heap: &Heap, region: &mut Region, size: usize) -> usize {
        let class = CLASS_OF[(size + 15) >> GRANULE_SHIFT] as usize;
        let cell = class_size(class);
        self.bytes += cell;
        let b = &mut self.bumps[class];
        if b.next == b.end {
            self.next_run(heap, region, class);
        }
        let b = &mut self.bumps[class];
        let p = b.next;
        b.next += cell;
        // SAFETY: p is a cell of an old block.
        unsafe { Block::of(p) }.alloc.set(p);
        p
    }

    #[inline(never)]
    fn next_run(&mut self, heap: &Heap, region: &mut Region, class: usize) {
        let cell = class_size(class);
        loop {
            let b = &mut self.bumps[class];
            if b.rest < b.stop {
                // SAFETY: rest lies in the block in use.
                let bits = &unsafe { Block::of(b.rest) }.alloc;
                let mut p = b.rest;
                while p < b.stop && bits.get(p) {
                    p += cell;
                }
                b.next = p;
                while p < b.stop && !bits.get(p) {
                    p += cell;
                }
                (b.end, b.rest) = (p, p);
                if b.next < b.end {
                    return;
                }
            }
            let block = self.partial[class].pop().unwrap_or_else(|| {
                let block = new_block(heap, region, class);
                self.blocks.push(block);
                block
            });
            let start = region.address(block) + DATA;
            let stop = start + ROOM / cell * cell;
            self.bumps[class] = Bump { next: 0, end: 0, rest: start, stop };
        }
    }

    /// Gives one cell back (a reserved place that was not needed).
    pub(crate) fn free(&mut self, addr: usize) {
        // SAFETY: the caller got addr from alloc.
        let block = unsafe { Block::of(addr) };
        block.alloc.unset(addr);
        self.bytes -= block.cell.get();
    }

    /// Frees every object that is not marked, and clears the marks. The number of objects left.
    pub(crate) fn sweep(&mut self, heap: &Heap, region: &mut Region, poisoned: bool) -> usize {
        self.bumps = [Bump { next: 0, end: 0, rest: 0, stop: 0 }; CLASSES];
        self.partial.iter_mut().for_each(Vec::clear);
        self.bytes = 0;
        let mut objects = 0;
        let mut blocks = std::mem::take(&mut self.blocks);
        blocks.retain(|&b| {
            let start = region.address(b);
            // SAFETY: an old block.
            let block = unsafe { Block::of(start) };
            if poisoned {
                block.alloc.each(start, &mut |p| {
                    if !block.mark.get(p) {
                        // SAFETY: an unmarked object is dead.
                        unsafe { poison(p, p + block.cell.get()) }
                    }
                });
            }
            let live = block.alloc.take(&block.mark);
            objects += live as usize;
            self.bytes += live as usize * block.cell.get();
            if live == 0 {
                heap.set_space(start, Space::Free);
                region.give(b);
            } else if live < block.cells.get() {
                self.partial[block.class.get() as usize].push(b);
            }
            live != 0
        });
        self.blocks = blocks;
        objects
    }

    /// Calls `f` for every object that is not marked (nor for reserved places).
    pub(crate) fn each_unmarked(&self, region: &Region, f: &mut dyn FnMut(usize)) {
        for &b in &self.blocks {
            let start = region.address(b);
            // SAFETY: as in `each`.
            unsafe {
                let block = Block::of(start);
                block.alloc.each_but(&block.mark, start, &mut |p| {
                    if (*(p as *const Header)).raw_map().get() != FILLER {
                        f(p);
                    }
                })
            }
        }
    }

    /// Calls `f` for every object (not for reserved places).
    pub(crate) fn each(&self, region: &Region, f: &mut dyn FnMut(usize)) {
        for &b in &self.blocks {
            let start = region.address(b);
            // SAFETY: an old block; its allocation bits are starts of objects or fillers.
            unsafe {
                Block::of(start).alloc.each(start, &mut |p| {
                    if (*(p as *const Header)).raw_map().get() != FILLER {
                        f(p);
                    }
                })
            }
        }
    }
}

fn new_block(heap: &Heap, region: &mut Region, class: usize) -> u32 {
    let b = region.take();
    let start = region.address(b);
    heap.set_space(start, Space::Old);
    // SAFETY: a block that belongs to nobody else.
    let block = unsafe { Block::of(start) };
    block.cell.set(class_size(class));
    block.cells.set((ROOM / class_size(class)) as u32);
    block.class.set(class as u8);
    block.mark.clear();
    block.alloc.clear();
    block.tally.set(0);
    b
}

/// The start of the object in an old block that the word `addr` points into.
///
/// # Safety
/// `addr` must lie in a block of the old space.
pub(crate) unsafe fn find(addr: usize) -> Option<usize> {
    // SAFETY: the caller's promise.
    let block = unsafe { Block::of(addr) };
    let offset = (addr & (BLOCK - 1)).checked_sub(DATA)?;
    let cell = block.cell.get();
    let p = block.address() + DATA + offset / cell * cell;
    // SAFETY: an allocated cell starts with a header.
    (block.alloc.get(p) && unsafe { &*(p as *const Header) }.raw_map().get() != FILLER).then_some(p)
}

/// Marks a cell as a reserved place without an object.
///
/// # Safety
/// `addr` must be a free cell of at least `size` bytes.
pub(crate) unsafe fn reserve(addr: usize, size: usize) {
    // SAFETY: the caller's promise.
    unsafe { fill(addr, addr + size) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_ascend_and_fit() {
        for c in 1..CLASSES {
            assert!(class_size(c) > class_size(c - 1), "{c}");
        }
        assert!(class_size(CLASSES - 1) * 4 <= ROOM);
        for size in 1..=MAX_SMALL {
            let c = CLASS_OF[(size + 15) >> 4] as usize;
            assert!(class_size(c) >= size && (c == 0 || class_size(c - 1) < (size + 15) & !15));
        }
    }
}
