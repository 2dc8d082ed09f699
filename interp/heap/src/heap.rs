//! The heap: allocation, identity, roots, collection.
//!
//! All entry points need the GIL.

use std::cell::{Cell, UnsafeCell};

use crate::kind::Tracer;
use crate::map::{Map, MapRef};
use crate::object::{Header, Ptr};
use crate::{HeapObject, Value};

/// The process's heap.
pub struct Heap {
    cursor: Cell<usize>,
    limit: Cell<usize>,
    map_cursor: Cell<usize>,
    roots: UnsafeCell<Vec<Value>>,
    free_roots: UnsafeCell<Vec<u32>>,
    scanners: UnsafeCell<Vec<fn(&mut Tracer<'_>)>>,
}

// SAFETY: every access happens with the GIL held.
unsafe impl Sync for Heap {}

static HEAP: Heap = Heap {
    cursor: Cell::new(0),
    limit: Cell::new(0),
    map_cursor: Cell::new(0),
    roots: UnsafeCell::new(Vec::new()),
    free_roots: UnsafeCell::new(Vec::new()),
    scanners: UnsafeCell::new(Vec::new()),
};

/// The heap.
#[inline(always)]
pub fn heap() -> &'static Heap {
    &HEAP
}

const CHUNK: usize = 64 << 20;
const MAP_REGION: usize = 1 << 30;

impl Heap {
    /// Makes a heap object from its native struct. `init.header` must have been made with `map`, whose kind must
    /// be `T`'s and of fixed size. The tail is filled with EMPTY.
    #[inline(always)]
    pub fn alloc<T: HeapObject>(&self, map: MapRef, init: T) -> Ptr<T> {
        let p = self.bump((map.fixed_size() + 15) & !15) as *mut T;
        // SAFETY: bump returned that many fresh bytes, enough for the struct and its tail.
        unsafe {
            p.write(init);
            let tail = (p as *mut u8).add(map.fixed_size() - 8 * map.tail_words as usize) as *mut Value;
            for i in 0..map.tail_words as usize {
                tail.add(i).write(Value::EMPTY);
            }
            self.made((*(p as *const Header)).map(), p as *const Header);
            Ptr::from_raw(p)
        }
    }

    /// Makes a heap object of a variable-size kind: `init` is its fixed part, `bytes` the size of struct and variable part
    /// (without the tail). The variable part is zeroed (so value cells in it are EMPTY), the tail EMPTY.
    pub fn alloc_var<T: HeapObject>(&self, map: MapRef, bytes: usize, init: T) -> Ptr<T> {
        let body = (bytes + 7) & !7;
        let total = (body + 8 * map.tail_words as usize + 15) & !15;
        let p = self.bump(total) as *mut T;
        // SAFETY: as in alloc.
        unsafe {
            std::ptr::write_bytes((p as *mut u8).add(size_of::<T>()), 0, total - size_of::<T>());
            p.write(init);
            self.made(map, p as *const Header);
            Ptr::from_raw(p)
        }
    }

    /// As [`Heap::alloc`], directly in the old space, where the object never moves: types, interned strings, code.
    pub fn alloc_old<T: HeapObject>(&self, map: MapRef, init: T) -> Ptr<T> {
        self.alloc(map, init)
    }

    /// As [`Heap::alloc_var`], directly in the old space.
    pub fn alloc_var_old<T: HeapObject>(&self, map: MapRef, bytes: usize, init: T) -> Ptr<T> {
        self.alloc_var(map, bytes, init)
    }

    #[inline(always)]
    fn bump(&self, size: usize) -> usize {
        let p = self.cursor.get();
        let end = p + size;
        if end > self.limit.get() {
            return self.bump_slow(size);
        }
        self.cursor.set(end);
        p
    }

    #[cold]
    #[inline(never)]
    fn bump_slow(&self, size: usize) -> usize {
        let n = CHUNK.max((size + 4095) & !4095);
        // SAFETY: an anonymous private mapping.
        let p = unsafe {
            libc::mmap(
                std::ptr::null_mut(),
                n,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_PRIVATE | libc::MAP_ANONYMOUS,
                -1,
                0,
            )
        };
        assert!(p != libc::MAP_FAILED, "out of memory");
        self.cursor.set(p as usize + size);
        self.limit.set(p as usize + n);
        p as usize
    }

    /// Registers a new object for finalization or drop, when its map or kind asks for it.
    #[inline(always)]
    fn made(&self, _map: MapRef, _object: *const Header) {}

    pub(crate) fn remember(&self, _owner: &Header) {}

    /// A number that identifies the object for its whole life, also when it moves: what `id()` gives.
    pub fn identity(&self, object: &Header) -> usize {
        object as *const Header as usize
    }

    pub(crate) fn add_map(&self, map: Map) -> MapRef {
        let mut p = self.map_cursor.get();
        if p == 0 {
            // SAFETY: an anonymous private mapping at an address that nothing else uses.
            let m = unsafe {
                libc::mmap(
                    0x10_0000_0000 as *mut _,
                    MAP_REGION,
                    libc::PROT_READ | libc::PROT_WRITE,
                    libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE | libc::MAP_FIXED_NOREPLACE,
                    -1,
                    0,
                )
            };
            assert!(m != libc::MAP_FAILED && (m as usize) < 128 << 30, "no address space for maps");
            p = m as usize;
        }
        self.map_cursor.set(p + size_of::<Map>());
        // SAFETY: fresh memory inside the region, aligned to the map's size.
        unsafe { (p as *mut Map).write(map) };
        MapRef::from_address(p as *const Map)
    }

    /// Adds a function that reports the VM's precise roots.
    pub fn add_root_scanner(&self, f: fn(&mut Tracer<'_>)) {
        // SAFETY: the GIL is held and nobody iterates over the scanners outside a collection.
        unsafe { (*self.scanners.get()).push(f) }
    }

    /// Runs a collection; `full` of the whole heap, else of the nursery.
    pub fn collect(&self, _full: bool) {}

    pub(crate) fn add_root(&self, v: Value) -> u32 {
        // SAFETY: the GIL is held; no reference into the vectors is kept.
        unsafe {
            if let Some(i) = (*self.free_roots.get()).pop() {
                (&mut *self.roots.get())[i as usize] = v;
                return i;
            }
            (*self.roots.get()).push(v);
            (*self.roots.get()).len() as u32 - 1
        }
    }

    pub(crate) fn root(&self, i: u32) -> Value {
        // SAFETY: as above.
        unsafe { (&*self.roots.get())[i as usize] }
    }

    pub(crate) fn set_root(&self, i: u32, v: Value) {
        // SAFETY: as above.
        unsafe { (&mut *self.roots.get())[i as usize] = v }
    }

    pub(crate) fn remove_root(&self, i: u32) {
        // SAFETY: as above.
        unsafe {
            (&mut *self.roots.get())[i as usize] = Value::EMPTY;
            (*self.free_roots.get()).push(i);
        }
    }
}
