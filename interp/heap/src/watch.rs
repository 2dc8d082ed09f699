//! Watching allocations, for `tracemalloc`.
//!
//! Nobody watches, most of the time, and then it costs nothing: a watched heap is one whose allocations all take the slow path, inline ones of
//! compiled code too, as under zeal.

use crate::heap::Heap;
use crate::weak::WeakCtx;

/// Is told where an object is made, and how large it is, before anything is in it; it must not allocate.
pub type Watcher = fn(usize, usize);

impl Heap {
    /// Has `watcher` told of every object that is made from now on, or nobody.
    pub fn watch_allocations(&self, watcher: Option<Watcher>) {
        self.watcher.set(watcher);
        self.stop_bumping();
    }

    /// Tells of an object.
    #[inline]
    pub(crate) fn tell(&self, addr: usize, size: usize) {
        if let Some(f) = self.watcher.get() {
            f(addr, size);
        }
    }

    /// Whether the object at an address may move, or die, at the next minor collection.
    pub fn is_young_at(&self, addr: usize) -> bool {
        self.is_young_ptr(addr)
    }
}

impl WeakCtx<'_> {
    /// Where the object that was at `addr` is now, if it goes on living.
    #[inline]
    pub fn place(&self, addr: usize) -> Option<usize> {
        self.survivor(addr)
    }
}
