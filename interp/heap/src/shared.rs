//! Large objects that share their memory with a foreign struct: the object at the start, the struct behind it, and the data once.
//!
//! Such memory is *lent* while the foreign side alone has it: before it is adopted by an object, and after that object's death until the
//! struct goes. Collections do not free it; they end the object, and its link; what frees the struct frees the memory.

use crate::block::{BLOCK, Block, DATA, fill};
use crate::heap::Heap;
use crate::kind::HeapObject;
use crate::large::{Large, SHARED};
use crate::map::MapRef;
use crate::object::{Header, Ptr};
use crate::old::MAX_SMALL;
use crate::region::Space;

impl Heap {
    /// Memory of `size` bytes for an object and a struct, of which the foreign side has the struct alone. The first 16 bytes are the
    /// heap's. `None`: there is not that much. May collect: what has died of the size is to be used again, and an object that is made of this
    /// memory is too late for that.
    pub fn lend(&self, size: usize) -> Option<*mut u8> {
        debug_assert!(size > MAX_SMALL);
        self.ensure_init();
        self.large_is_due(size);
        let s = self.state();
        // SAFETY: the GIL is held.
        let p = unsafe { (*s).large.lend(self, &mut (*s).region, size)? };
        // SAFETY: the memory is free.
        unsafe { fill(p, p + 16) };
        Some(p as *mut u8)
    }

    /// How many bytes lent memory has behind `p`, an address in its first block.
    ///
    /// # Safety
    /// The memory must be lent.
    pub unsafe fn lent_size(&self, p: *const u8) -> usize {
        // SAFETY: the caller's promise.
        let block = unsafe { Block::of(p as usize) };
        block.address() + block.cells.get() as usize * BLOCK - p as usize
    }

    /// Frees lent memory; `p` is an address in its first block.
    ///
    /// # Safety
    /// The memory must be lent, and nobody may use it any more.
    pub unsafe fn free_lent(&self, p: *const u8) {
        let s = self.state();
        // SAFETY: the GIL is held; the caller's promise.
        unsafe {
            let first = (*s).region.index(p as usize);
            let poisoned = (*s).options.poison;
            Large::free(self, &mut (*s).region, first, poisoned);
        }
    }

    /// Makes an object, young, in lent memory; `p` is an address in its first block. What lies behind `init` stays as it is.
    ///
    /// # Safety
    /// The memory must be lent, and hold what `init` says; the kind's references are in `init`.
    pub unsafe fn adopt<T: HeapObject>(&self, p: *const u8, map: MapRef, init: T) -> Ptr<T> {
        debug_assert!(T::kind().leaf && !map.registers());
        let start = (p as usize & !(BLOCK - 1)) + DATA;
        let s = self.state();
        // SAFETY: the GIL is held; the caller's promise.
        unsafe {
            (*s).large.adopt(self, &(*s).region, start);
            (start as *mut T).write(init);
            Ptr::from_raw(start as *mut T)
        }
    }

    /// The memory of a large object has its mirror in it from now on, which is about to be linked: it goes with the mirror.
    pub fn share(&self, object: &Header) {
        let p = object as *const Header as usize;
        debug_assert!(matches!(self.space_of(p), Space::LargeYoung | Space::LargeOld));
        // SAFETY: the block of a large object.
        let class = unsafe { &Block::of(p).class };
        class.set(class.get() | SHARED);
    }
}
