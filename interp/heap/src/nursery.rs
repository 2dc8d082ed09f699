//! The nursery: blocks filled by bumping a cursor through *runs* of free memory.
//!
//! After a minor collection an empty block is one run; a block that kept pinned objects has a run
//! for each hole between them. Whatever of a run is not allocated is covered by a filler before
//! anybody walks the block, so object starts can always be found from the block's start.

use crate::block::{BLOCK, Block, DATA, FILLER, ROOM, fill, poison};
use crate::heap::Heap;
use crate::minor::forwarded;
use crate::object::{Header, ObjFlags};
use crate::region::{Region, Space};

/// Holes smaller than this stay fillers until their neighbours go.
const MIN_HOLE: usize = 256;

/// Free bytes that a collection should leave, unless told otherwise: what dies young is to be written over while it is still in the second
/// level cache. (The workloads of `perf` take 3 per cent less time than with 4 MiB; a process starts with 3 MiB less.)
const SIZE: usize = 1 << 20;

/// The same, before the first collections: a program that does little is small.
const FIRST_SIZE: usize = 256 << 10;
/// How many collections find the nursery small.
const SMALL: u32 = 8;

/// The nursery's blocks and free runs.
pub(crate) struct Nursery {
    /// Its blocks, ascending.
    blocks: Vec<u32>,
    /// Free runs, and the number of them that have been used since the last minor collection.
    runs: Vec<(usize, usize)>,
    next: usize,
    /// The end of the run in use.
    pub(crate) run_end: usize,
    /// Free bytes that a collection should leave.
    pub(crate) size: usize,
    /// How many collections are still to leave it at its first size.
    small: u32,
    /// Free bytes that the last collection left.
    free: usize,
}

/// The size of the object or filler at `addr`.
///
/// # Safety
/// An object or a filler must start at `addr`.
#[inline]
pub(crate) unsafe fn extent(addr: usize) -> usize {
    // SAFETY: the caller's promise.
    let h = unsafe { &*(addr as *const Header) };
    if h.raw_map().get() == FILLER { h.raw_meta().get() as usize } else { h.map().object_size(h) }
}

impl Nursery {
    pub(crate) const fn new() -> Nursery {
        Nursery {
            blocks: Vec::new(),
            runs: Vec::new(),
            next: 0,
            run_end: 0,
            size: FIRST_SIZE,
            small: SMALL,
            free: 0,
        }
    }

    /// From now on this many bytes should be free after a collection.
    pub(crate) fn set_size(&mut self, size: usize) {
        (self.size, self.small) = (size, 0);
    }

    /// Adds blocks until `self.size` bytes are free.
    pub(crate) fn provide(&mut self, heap: &Heap, region: &mut Region) {
        let mut added = false;
        while self.free < self.size {
            let b = region.take();
            let start = region.address(b);
            heap.set_space(start, Space::Nursery);
            // SAFETY: a block that belongs to nobody else.
            let block = unsafe { Block::of(start) };
            block.fresh.set(true);
            block.mark.clear();
            block.tally.set(0);
            self.blocks.push(b);
            self.runs.push((start + DATA, start + BLOCK));
            self.free += ROOM;
            added = true;
        }
        if added {
            self.blocks.sort_unstable();
            self.runs.sort_unstable();
        }
    }

    /// Moves on to the next run: its start and end.
    pub(crate) fn next_run(&mut self) -> Option<(usize, usize)> {
        let &(start, end) = self.runs.get(self.next)?;
        self.next += 1;
        // SAFETY: a nursery block.
        unsafe { Block::of(start) }.fresh.set(false);
        self.run_end = end;
        Some((start, end))
    }

    /// Calls `f` for every object in the nursery; all blocks must be walkable.
    pub(crate) fn each(&self, region: &Region, f: &mut dyn FnMut(usize)) {
        for &b in &self.blocks {
            let start = region.address(b);
            // SAFETY: a nursery block.
            if unsafe { Block::of(start) }.fresh.get() {
                continue;
            }
            let mut p = start + DATA;
            while p < start + BLOCK {
                // SAFETY: the walk goes from object to object.
                unsafe {
                    if (*(p as *const Header)).raw_map().get() != FILLER {
                        f(p);
                    }
                    p += extent(p);
                }
            }
        }
    }

    /// After the tracing of a minor collection, calls `f` for every object that was there before but the pinned ones, with where it
    /// has moved; `None`: it is dead.
    ///
    /// # Safety
    /// Everything that is reached has been evacuated, and nothing has been emptied yet.
    pub(crate) unsafe fn each_after_tracing(&self, region: &Region, f: &mut dyn FnMut(usize, Option<usize>)) {
        for &b in &self.blocks {
            let start = region.address(b);
            // SAFETY: a nursery block, walkable; a copy is as large as what was copied.
            unsafe {
                if Block::of(start).fresh.get() {
                    continue;
                }
                let mut p = start + DATA;
                while p < start + BLOCK {
                    let to = forwarded(p);
                    let size = extent(to.unwrap_or(p));
                    if to.is_some() || !(*(p as *const Header)).has(ObjFlags::OLD) {
                        if (*(p as *const Header)).raw_map().get() != FILLER {
                            f(p, to);
                        }
                    }
                    p += size;
                }
            }
        }
    }

    /// Clears the mark bits of all blocks.
    pub(crate) fn clear_marks(&self, region: &Region) {
        for &b in &self.blocks {
            // SAFETY: a nursery block.
            unsafe { Block::of(region.address(b)) }.mark.clear();
        }
    }

    /// Empties the nursery but for the `pinned` objects (sorted), and makes the free memory the new runs.
    pub(crate) fn rebuild(&mut self, heap: &Heap, region: &mut Region, pinned: &[usize], poisoned: bool) {
        self.runs.clear();
        self.next = 0;
        self.run_end = 0;
        self.free = 0;
        match self.small {
            0 => {}
            1 => self.set_size(SIZE),
            n => self.small = n - 1,
        }
        let mut pins = pinned.iter().copied().peekable();
        let mut kept = std::mem::take(&mut self.blocks);
        kept.retain(|&b| {
            let start = region.address(b);
            let end = start + BLOCK;
            let pinned_here = pins.peek().is_some_and(|p| *p < end);
            if !pinned_here {
                if self.free >= self.size {
                    heap.set_space(start, Space::Free);
                    region.give(b);
                    return false;
                }
                // SAFETY: a nursery block without live objects.
                unsafe {
                    Block::of(start).fresh.set(true);
                    if poisoned {
                        poison(start + DATA, end);
                    }
                }
                self.free += ROOM;
                self.runs.push((start + DATA, end));
                return true;
            }
            let mut p = start + DATA;
            while p < end {
                let stop = pins.next_if(|q| *q < end);
                let hole_end = stop.unwrap_or(end);
                // SAFETY: what lies between pinned objects is free now.
                unsafe {
                    if poisoned {
                        poison(p, hole_end);
                    }
                    fill(p, hole_end);
                }
                if hole_end - p >= MIN_HOLE {
                    self.free += hole_end - p;
                    self.runs.push((p, hole_end));
                }
                // SAFETY: a pinned object starts there.
                p = stop.map_or(end, |q| q + unsafe { extent(q) });
            }
            true
        });
        self.blocks = kept;
        self.provide(heap, region);
    }
}
