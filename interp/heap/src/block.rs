//! Blocks: the 32 KiB units that every space is made of.
//!
//! A block starts with its header: a mark bit and an allocation bit for each of its 16-byte
//! granules, at the same place in every space, so that marking an object needs its address only.
//! A large object occupies a run of blocks of its own and starts behind the header of the first.

use std::arch::asm;
use std::cell::Cell;

use crate::object::Header;

/// log2 of [`BLOCK`].
pub(crate) const BLOCK_SHIFT: usize = 15;
/// Bytes of a block, and its alignment.
pub(crate) const BLOCK: usize = 1 << BLOCK_SHIFT;
/// log2 of the unit of object sizes and addresses.
pub(crate) const GRANULE_SHIFT: usize = 4;
/// Granules of a block.
pub(crate) const GRANULES: usize = BLOCK >> GRANULE_SHIFT;
/// Words of a bitmap with a bit for each granule.
pub(crate) const BITMAP: usize = GRANULES / 64;
/// Offset of the first object in a block.
pub(crate) const DATA: usize = size_of::<Block>();
/// Bytes for objects in a block.
pub(crate) const ROOM: usize = BLOCK - DATA;

/// A bit for each granule of a block.
pub(crate) struct Bits([Cell<u64>; BITMAP]);

impl Bits {
    #[inline(always)]
    fn place(addr: usize) -> (usize, u64) {
        let i = (addr & (BLOCK - 1)) >> GRANULE_SHIFT;
        (i >> 6, 1 << (i & 63))
    }

    /// The bit of the granule at `addr`.
    #[inline(always)]
    pub(crate) fn get(&self, addr: usize) -> bool {
        let (w, bit) = Self::place(addr);
        self.0[w].get() & bit != 0
    }

    /// Sets the bit of the granule at `addr`; whether it was clear.
    #[inline(always)]
    pub(crate) fn set(&self, addr: usize) -> bool {
        let (w, bit) = Self::place(addr);
        let old = self.0[w].get();
        self.0[w].set(old | bit);
        old & bit == 0
    }

    /// Clears the bit of the granule at `addr`.
    #[inline(always)]
    pub(crate) fn unset(&self, addr: usize) {
        let (w, bit) = Self::place(addr);
        self.0[w].set(self.0[w].get() & !bit);
    }

    /// Clears all bits.
    pub(crate) fn clear(&self) {
        self.0.iter().for_each(|w| w.set(0));
    }

    /// Calls `f` with the address of every granule of `block` whose bit is set.
    pub(crate) fn each(&self, block: usize, f: &mut dyn FnMut(usize)) {
        for (i, w) in self.0.iter().enumerate() {
            let mut w = w.get();
            while w != 0 {
                f(block + ((i * 64 + w.trailing_zeros() as usize) << GRANULE_SHIFT));
                w &= w - 1;
            }
        }
    }

    /// As [`Bits::each`], but not for granules whose bit is set in `others`.
    pub(crate) fn each_but(&self, others: &Bits, block: usize, f: &mut dyn FnMut(usize)) {
        for (i, (w, other)) in self.0.iter().zip(&others.0).enumerate() {
            let mut w = w.get() & !other.get();
            while w != 0 {
                f(block + ((i * 64 + w.trailing_zeros() as usize) << GRANULE_SHIFT));
                w &= w - 1;
            }
        }
    }

    /// Replaces these bits by `other`'s and clears those; the number of bits set now.
    pub(crate) fn take(&self, other: &Bits) -> u32 {
        let mut n = 0;
        for (a, b) in self.0.iter().zip(&other.0) {
            n += b.get().count_ones();
            a.set(b.get());
            b.set(0);
        }
        n
    }
}

/// The header of a block.
#[repr(C, align(64))]
pub(crate) struct Block {
    /// Bytes of a cell (old blocks); bytes asked for (large objects).
    pub(crate) cell: Cell<usize>,
    /// Cells of the block (old blocks); blocks of the run (large objects).
    pub(crate) cells: Cell<u32>,
    /// The size class (old blocks).
    pub(crate) class: Cell<u8>,
    /// A nursery block in which nothing has been allocated since it was emptied: its words are stale.
    pub(crate) fresh: Cell<bool>,
    /// While the dead are counted: one more than the place of the block's part in the table.
    pub(crate) tally: Cell<u32>,
    /// Objects reached by the marking under way.
    pub(crate) mark: Bits,
    /// Starts of the objects (old and large blocks).
    pub(crate) alloc: Bits,
}

impl Block {
    /// The header of the block that contains the object at `addr` (of a large object: its start).
    ///
    /// # Safety
    /// `addr` must be the address of an object in the heap, or of a block.
    #[inline(always)]
    pub(crate) unsafe fn of(addr: usize) -> &'static Block {
        // SAFETY: every block of the region that is in use starts with its header.
        unsafe { &*((addr & !(BLOCK - 1)) as *const Block) }
    }

    /// The block's address.
    #[inline(always)]
    pub(crate) fn address(&self) -> usize {
        self as *const Block as usize
    }
}

/// Asks for the memory at `addr`, which will be looked at soon.
#[inline(always)]
pub(crate) fn prefetch(addr: usize) {
    // SAFETY: a hint, which may be given for any address.
    #[cfg(target_arch = "x86_64")]
    unsafe {
        asm!("prefetcht0 [{}]", in(reg) addr, options(nostack, preserves_flags, readonly));
    }
    // SAFETY: as above.
    #[cfg(target_arch = "aarch64")]
    unsafe {
        asm!("prfm pldl1keep, [{}]", in(reg) addr, options(nostack, preserves_flags, readonly));
    }
}

/// Map word of a filler: free memory that a walk over a block skips. Its second word is its size.
/// No map has this id, because ids are shifted addresses above 64 GiB.
pub(crate) const FILLER: u32 = 1;

/// Makes `start .. end` a filler (nothing when it is empty).
///
/// # Safety
/// The range must be free memory of a block, a multiple of 16 bytes.
#[inline]
pub(crate) unsafe fn fill(start: usize, end: usize) {
    if start < end {
        // SAFETY: at least 16 free bytes are there.
        let h = unsafe { &*(start as *const Header) };
        h.raw_map().set(FILLER);
        h.raw_meta().set((end - start) as u32);
    }
}

/// What poisoned memory is filled with: no pointer, no map, no singleton.
pub(crate) const POISON: u8 = 0xdb;

/// Fills vacated memory with [`POISON`].
///
/// # Safety
/// The range must be free memory of the heap.
pub(crate) unsafe fn poison(start: usize, end: usize) {
    // SAFETY: the caller's promise.
    unsafe { std::ptr::write_bytes(start as *mut u8, POISON, end - start) }
}
