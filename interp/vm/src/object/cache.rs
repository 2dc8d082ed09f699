//! What the inline caches of a code object remember of managed values.

use cape_heap::{Header, Ptr, Tracer, Value, WeakCtx, heap, heap_object, write_barrier};

use crate::runtime::rt;

heap_object! {
    /// `len` value cells, indexed from the cache words of one code object; never seen by Python code. Full collections do not take them
    /// for references, so that no class lives on because of a call that was made once: what has died is forgotten
    /// ([`forget_dead`]).
    pub struct CacheObj { len: usize } [size = CacheObj::bytes] [trace = CacheObj::trace_items]
}

impl CacheObj {
    fn bytes(&self) -> usize {
        size_of::<CacheObj>() + 8 * self.len
    }

    fn trace_items(&self, t: &mut Tracer<'_>) {
        if t.marks() {
            rt().note_caches(self);
            return;
        }
        // SAFETY: the object has len cells behind its fixed part.
        unsafe { t.visit_range(self.items_ptr(), self.len) }
    }

    /// `len` EMPTY cells.
    pub fn new(len: usize) -> Ptr<CacheObj> {
        let map = rt().maps.caches;
        heap().alloc_var(map, size_of::<CacheObj>() + 8 * len, CacheObj { header: Header::new(map), len })
    }

    fn items_ptr(&self) -> *mut Value {
        // SAFETY: the cells follow the fixed part.
        unsafe { (self as *const CacheObj).add(1) as *mut Value }
    }

    /// Number of cells.
    pub fn len(&self) -> usize {
        self.len
    }

    /// The value in cell `i`; EMPTY when it has died.
    #[inline(always)]
    pub fn get(&self, i: usize) -> Value {
        debug_assert!(i < self.len);
        // SAFETY: cache words hold indexes of cells that exist.
        unsafe { *self.items_ptr().add(i) }
    }

    /// Stores into cell `i`.
    pub fn set(&self, i: usize, v: Value) {
        assert!(i < self.len);
        // SAFETY: in bounds.
        unsafe { self.items_ptr().add(i).write(v) };
        write_barrier(&self.header);
    }
}

/// For the end of a full collection: empties the cells of `caches` whose values have died.
pub(crate) fn forget_dead(caches: &[*const CacheObj], ctx: &WeakCtx<'_>) {
    for c in caches {
        // SAFETY: the marking that is ending has met them, so they are alive; it moves nothing.
        let c = unsafe { &**c };
        for i in 0..c.len {
            if !ctx.is_alive(c.get(i)) {
                // SAFETY: in bounds.
                unsafe { c.items_ptr().add(i).write(Value::EMPTY) }
            }
        }
    }
}
