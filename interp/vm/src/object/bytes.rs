//! `bytes` and `bytearray` storage.

use std::cell::{Cell, UnsafeCell};

use cape_heap::{Header, MapRef, Ptr, heap, heap_object};

use crate::runtime::rt;

heap_object! {
    /// Immutable bytes; the data and a final NUL follow the fixed part.
    pub struct BytesObj { len: usize, pub hash: Cell<i64> } [size = BytesObj::bytes] [leaf]

    /// Mutable bytes. `exports` counts the buffers taken from it: while positive, its size is frozen.
    pub struct BytearrayObj { data: Data, pub exports: Cell<usize> } [drop]
}

/// A bytearray's native storage.
pub struct Data(UnsafeCell<Vec<u8>>);

impl cape_heap::Trace for Data {
    fn trace(&self, _: &mut cape_heap::Tracer<'_>) {}
}

impl BytesObj {
    fn bytes(&self) -> usize {
        size_of::<BytesObj>() + self.len + 1
    }

    /// `bytes` with this content.
    pub fn new(data: &[u8]) -> Ptr<BytesObj> {
        Self::with_map(rt().maps.bytes, data)
    }

    /// With this map: of a subclass.
    pub fn with_map(map: MapRef, data: &[u8]) -> Ptr<BytesObj> {
        let b = heap().alloc_leaf(
            map,
            size_of::<BytesObj>() + data.len() + 1,
            BytesObj { header: Header::new(map), len: data.len(), hash: Cell::new(-1) },
        );
        // SAFETY: the object has len + 1 bytes behind its fixed part; the last one stays zero.
        unsafe {
            std::ptr::copy_nonoverlapping(
                data.as_ptr(),
                (b.as_raw() as *mut u8).add(size_of::<BytesObj>()),
                data.len(),
            )
        };
        b
    }

    /// The content.
    #[inline(always)]
    pub fn as_slice(&self) -> &[u8] {
        // SAFETY: len bytes follow; the conservative scan keeps the object in place while it is borrowed.
        unsafe { std::slice::from_raw_parts((self as *const BytesObj).add(1) as *const u8, self.len) }
    }

    /// Number of bytes.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether it is `b''`.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }
}

impl BytearrayObj {
    /// A bytearray with this content and map.
    pub fn with_map(map: MapRef, data: Vec<u8>) -> Ptr<BytearrayObj> {
        heap().alloc(
            map,
            BytearrayObj {
                header: Header::new(map),
                data: Data(UnsafeCell::new(data)),
                exports: Cell::new(0),
            },
        )
    }

    /// A bytearray of exact type.
    pub fn new(data: Vec<u8>) -> Ptr<BytearrayObj> {
        Self::with_map(rt().maps.bytearray, data)
    }

    /// The content.
    pub fn as_slice(&self) -> &[u8] {
        // SAFETY: the GIL is held; callers do not run Python code while they hold the slice
        // unless they hold an export, which freezes the size.
        unsafe { &*self.data.0.get() }
    }

    /// Runs `f` with the storage writable. `f` must not run Python code.
    pub fn with_mut<R>(&self, f: impl FnOnce(&mut Vec<u8>) -> R) -> R {
        // SAFETY: the GIL is held and f runs no Python code, so nobody else looks at the storage.
        let r = f(unsafe { &mut *self.data.0.get() });
        crate::foreign::changed(&self.header);
        r
    }

    /// Address of the first byte, with a NUL behind the last one, and the number of bytes: for C.
    pub fn terminated(&self) -> (*mut u8, usize) {
        // SAFETY: as above; the NUL lies in spare room.
        unsafe {
            let data = &mut *self.data.0.get();
            data.reserve(1);
            *data.as_mut_ptr().add(data.len()) = 0;
            (data.as_mut_ptr(), data.len())
        }
    }

    /// Address of the first byte, for buffers.
    pub fn data_ptr(&self) -> *mut u8 {
        // SAFETY: reading the vector's pointer.
        unsafe { (*self.data.0.get()).as_mut_ptr() }
    }
}
