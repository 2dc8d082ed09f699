//! The address range of the heap, and who has each of its blocks.
//!
//! One range is reserved (not committed) at start, so that "is this word a heap address" is one
//! comparison and "which space" one byte of a dense table.

use std::collections::BTreeMap;

use crate::block::{BLOCK, BLOCK_SHIFT};
use crate::heap::Heap;

/// What a block is used for: a byte of the table.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub(crate) enum Space {
    Free = 0,
    Nursery = 1,
    LargeYoung = 2,
    Old = 3,
    LargeOld = 4,
    /// A later block of a large object.
    Tail = 5,
}

/// Address space that is asked for first; halved while the system refuses.
const RESERVE: usize = 1 << 38;
const LEAST: usize = 1 << 28;
/// The alignment of the range.
const ALIGN: usize = BLOCK * STEP;
/// Blocks are committed in steps of this many.
const STEP: usize = 128;
/// From this many blocks on the system is asked for huge pages.
const HUGE_FROM: usize = (16 << 20) >> BLOCK_SHIFT;
/// Free runs are given back to the system when they are more bytes than this.
const KEEP: usize = 64 << 20;
/// The same after a full collection.
const KEEP_IDLE: usize = 8 << 20;

/// Reserved address space, and its free blocks.
pub(crate) struct Region {
    base: usize,
    blocks: usize,
    /// Blocks before this one have been handed out at least once.
    high: usize,
    committed: usize,
    /// Single free blocks.
    singles: Vec<u32>,
    /// Free runs: first block, and blocks.
    runs: BTreeMap<u32, u32>,
    /// Blocks of `runs` that may hold memory.
    dirty: usize,
    /// For each block of a large object: its first block.
    heads: *mut u32,
    /// Whether `singles` changed since they were merged into `runs`.
    unmerged: bool,
}

fn reserve(bytes: usize) -> Option<usize> {
    // SAFETY: an anonymous private mapping anywhere.
    let p = unsafe {
        libc::mmap(
            std::ptr::null_mut(),
            bytes,
            libc::PROT_NONE,
            libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE,
            -1,
            0,
        )
    };
    (p != libc::MAP_FAILED).then_some(p as usize)
}

/// Address space that reads as zeros until it is written.
pub(crate) fn map_zeroed(bytes: usize) -> *mut u8 {
    let p = reserve(bytes).expect("no address space for the heap");
    commit(p, bytes);
    p as *mut u8
}

/// Reserves address space without memory.
pub(crate) fn reserve_only(bytes: usize) -> *mut u8 {
    reserve(bytes).expect("no address space for the heap") as *mut u8
}

/// Makes reserved address space usable.
pub(crate) fn commit(start: usize, bytes: usize) {
    // SAFETY: the range was reserved by this module, and nothing lives in it yet.
    let r = unsafe { libc::mprotect(start as *mut _, bytes, libc::PROT_READ | libc::PROT_WRITE) };
    assert!(r == 0, "out of memory");
}

impl Region {
    pub(crate) const fn new() -> Region {
        Region {
            base: 0,
            blocks: 0,
            high: 0,
            committed: 0,
            singles: Vec::new(),
            runs: BTreeMap::new(),
            dirty: 0,
            heads: std::ptr::null_mut(),
            unmerged: false,
        }
    }

    /// Reserves the address range and tells the heap about it.
    pub(crate) fn init(&mut self, heap: &Heap) {
        let mut size = RESERVE;
        let raw = loop {
            match reserve(size + ALIGN) {
                Some(p) => break p,
                None if size > LEAST => size /= 2,
                None => panic!("no address space for the heap"),
            }
        };
        self.base = (raw + ALIGN - 1) & !(ALIGN - 1);
        self.blocks = size >> BLOCK_SHIFT;
        self.heads = map_zeroed(self.blocks * 4) as *mut u32;
        heap.set_region(self.base, size, map_zeroed(self.blocks));
    }

    /// The address of block `i`.
    #[inline(always)]
    pub(crate) fn address(&self, i: u32) -> usize {
        self.base + ((i as usize) << BLOCK_SHIFT)
    }

    /// The number of the block that contains `addr`.
    #[inline(always)]
    pub(crate) fn index(&self, addr: usize) -> u32 {
        ((addr - self.base) >> BLOCK_SHIFT) as u32
    }

    /// The first block of the large object that has block `i`.
    pub(crate) fn head(&self, i: u32) -> u32 {
        // SAFETY: the table has an entry for every block.
        unsafe { *self.heads.add(i as usize) }
    }

    /// Blocks that were never used; `None`: there are not so many left.
    fn grow(&mut self, n: usize) -> Option<u32> {
        let first = self.high;
        if first + n > self.blocks {
            return None;
        }
        self.high += n;
        if self.high > self.committed {
            let want = self.high.next_multiple_of(STEP).min(self.blocks);
            let (start, bytes) =
                (self.base + (self.committed << BLOCK_SHIFT), (want - self.committed) << BLOCK_SHIFT);
            commit(start, bytes);
            if self.committed >= HUGE_FROM {
                // SAFETY: these blocks are ours; a refusal does no harm.
                unsafe { libc::madvise(start as *mut _, bytes, libc::MADV_HUGEPAGE) };
            }
            self.committed = want;
        }
        Some(first as u32)
    }

    /// One block.
    pub(crate) fn take(&mut self) -> u32 {
        if let Some(b) = self.singles.pop() {
            return b;
        }
        if let Some((&first, &n)) = self.runs.iter().next() {
            self.runs.remove(&first);
            if n > 1 {
                self.runs.insert(first + 1, n - 1);
            }
            self.dirty = self.dirty.saturating_sub(1);
            return first;
        }
        let first = self.grow(STEP / 4).expect("out of memory: the heap's address space is used up");
        self.singles.extend((first + 1..first + STEP as u32 / 4).rev());
        first
    }

    /// Gives a block back.
    pub(crate) fn give(&mut self, b: u32) {
        self.singles.push(b);
        self.unmerged = true;
    }

    /// `n` adjacent blocks, and whether they are known to be zero. `None`: there are not so many.
    pub(crate) fn take_run(&mut self, n: u32) -> Option<(u32, bool)> {
        if let Some(first) = self.cut(n) {
            return Some((first, false));
        }
        if self.unmerged && self.singles.len() >= n as usize {
            self.merge();
            if let Some(first) = self.cut(n) {
                return Some((first, false));
            }
        }
        Some((self.grow(n as usize)?, true))
    }

    fn cut(&mut self, n: u32) -> Option<u32> {
        let (&first, &have) = self.runs.iter().find(|(_, have)| **have >= n)?;
        self.runs.remove(&first);
        if have > n {
            self.runs.insert(first + n, have - n);
        }
        self.dirty = self.dirty.saturating_sub(n as usize);
        Some(first)
    }

    fn merge(&mut self) {
        let singles = std::mem::take(&mut self.singles);
        self.dirty += singles.len();
        for b in singles {
            self.insert(b, 1);
        }
        self.unmerged = false;
    }

    fn insert(&mut self, mut first: u32, mut n: u32) {
        if let Some((&before, &len)) = self.runs.range(..first).next_back()
            && before + len == first
        {
            self.runs.remove(&before);
            (first, n) = (before, n + len);
        }
        if let Some(len) = self.runs.remove(&(first + n)) {
            n += len;
        }
        self.runs.insert(first, n);
    }

    /// Gives adjacent blocks back.
    pub(crate) fn give_run(&mut self, first: u32, n: u32) {
        self.insert(first, n);
        self.dirty += n as usize;
        if self.dirty << BLOCK_SHIFT > KEEP {
            self.release();
        }
    }

    /// Records that the `n` blocks from `first` belong to one large object.
    pub(crate) fn set_heads(&mut self, first: u32, n: u32) {
        for i in first..first + n {
            // SAFETY: the table has an entry for every block.
            unsafe { *self.heads.add(i as usize) = first }
        }
    }

    /// Gives the memory of free runs, and of all but `keep` single free blocks, back to the system.
    pub(crate) fn trim(&mut self, keep: usize) {
        if self.singles.len() > keep {
            self.merge();
        }
        if self.dirty << BLOCK_SHIFT > KEEP_IDLE {
            self.release();
        }
    }

    fn release(&mut self) {
        for (&first, &n) in &self.runs {
            // SAFETY: these blocks are free.
            unsafe {
                libc::madvise(
                    self.address(first) as *mut _,
                    (n as usize) << BLOCK_SHIFT,
                    libc::MADV_DONTNEED,
                );
            }
        }
        self.dirty = 0;
    }
}
