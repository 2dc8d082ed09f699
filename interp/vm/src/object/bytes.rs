//! `bytes` and `bytearray` storage.

use std::cell::{Cell, UnsafeCell};

use cape_heap::{Header, MapRef, Ptr, heap, heap_object};

use crate::foreign::{LARGE_DATA, LARGE_TEXT};
use crate::runtime::rt;

const ROOM_SHIFT: u32 = 56;
/// The room in large ones.
const ROOM: usize = LARGE_DATA - size_of::<BytesObj>();

heap_object! {
    /// Immutable bytes; the data and a final NUL follow the fixed part, in large ones at [`LARGE_DATA`].
    /// `size`: the number of bytes, and from bit [`ROOM_SHIFT`] on how much room there is between fixed part and data.
    pub struct BytesObj { size: usize, pub hash: Cell<i64> } [size = BytesObj::bytes] [leaf]

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
        size_of::<BytesObj>() + self.room() + self.len() + 1
    }

    #[inline(always)]
    fn room(&self) -> usize {
        self.size >> ROOM_SHIFT
    }

    #[inline(always)]
    fn data(&self) -> *mut u8 {
        // SAFETY: the data lies in the object.
        unsafe { ((self as *const BytesObj).add(1) as *mut u8).add(self.room()) }
    }

    /// `bytes` with this content; there is one without any.
    pub fn new(data: &[u8]) -> Ptr<BytesObj> {
        if data.is_empty() {
            return rt().empty_bytes();
        }
        Self::with_map(rt().maps.bytes, data)
    }

    /// With this map: of a subclass.
    pub fn with_map(map: MapRef, data: &[u8]) -> Ptr<BytesObj> {
        let b = Self::alloc(map, data.len());
        // SAFETY: the object has that many bytes.
        unsafe { std::ptr::copy_nonoverlapping(data.as_ptr(), b.data(), data.len()) };
        b
    }

    /// `bytes` with two contents, one behind the other.
    pub fn concat(first: &[u8], second: &[u8]) -> Ptr<BytesObj> {
        let b = Self::alloc(rt().maps.bytes, first.len() + second.len());
        // SAFETY: the object has as many bytes as both together.
        unsafe {
            std::ptr::copy_nonoverlapping(first.as_ptr(), b.data(), first.len());
            std::ptr::copy_nonoverlapping(second.as_ptr(), b.data().add(first.len()), second.len());
        }
        b
    }

    /// `bytes` of this length, to be filled; the final NUL is there.
    fn alloc(map: MapRef, len: usize) -> Ptr<BytesObj> {
        if map == rt().maps.bytes {
            let room = if len >= LARGE_TEXT { ROOM } else { 0 };
            return heap().alloc_plain_leaf(
                map,
                size_of::<BytesObj>() + room + len + 1,
                BytesObj { header: Header::new(map), size: len | room << ROOM_SHIFT, hash: Cell::new(-1) },
            );
        }
        heap().alloc_leaf(
            map,
            size_of::<BytesObj>() + len + 1,
            BytesObj { header: Header::new(map), size: len, hash: Cell::new(-1) },
        )
    }

    /// The large bytes whose data is at [`LARGE_DATA`] of memory that the heap lent; `p` is an address in its first block.
    ///
    /// # Safety
    /// As for [`cape_heap::Heap::adopt`].
    pub unsafe fn adopt(p: *const u8, len: usize) -> Ptr<BytesObj> {
        let map = rt().maps.bytes;
        let b = BytesObj { header: Header::new(map), size: len | ROOM << ROOM_SHIFT, hash: Cell::new(-1) };
        // SAFETY: the caller's promise.
        unsafe { heap().adopt(p, map, b) }
    }

    /// The data, when it stands at [`LARGE_DATA`].
    pub fn large_data(&self) -> Option<*mut u8> {
        (self.room() != 0).then(|| self.data())
    }

    /// The content.
    #[inline(always)]
    pub fn as_slice(&self) -> &[u8] {
        // SAFETY: so many bytes are there; the conservative scan keeps the object in place while it is borrowed.
        unsafe { std::slice::from_raw_parts(self.data(), self.len()) }
    }

    /// Number of bytes.
    #[inline(always)]
    pub fn len(&self) -> usize {
        self.size & ((1 << ROOM_SHIFT) - 1)
    }

    /// Whether it is `b''`.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
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
