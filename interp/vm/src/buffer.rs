//! The buffer protocol: access to the memory of bytes-like objects.
//!
//! Layouts whose objects export memory are registered with [`register`], by kind: `bytes`, `bytearray` and `memoryview` are
//! builtins, native modules and the bridge add theirs. Python classes export through `__buffer__`.
//!
//! A [`Buffer`] holds the exporter and its base, the object in whose storage the memory is (usually the exporter itself; of a
//! memoryview, what it is a view of). It stays in a native stack frame: that keeps moving objects in place. Whoever keeps a
//! buffer in a heap object keeps exporter and base in fields and the [`RawBuffer`] beside them, and asks
//! [`RawBuffer::address`] each time.

use std::borrow::Cow;
use std::cell::{Cell, UnsafeCell};

use cape_heap::{Field, Header, HeapObject, KindInfo, Native, Ptr, Value, heap, heap_object};

use crate::class::full_name;
use crate::exc::Res;
use crate::foreign::ForeignObj;
use crate::native::FromArg;
use crate::object::{BytearrayObj, BytesObj, TypeFlags};
use crate::runtime::{StaticMap, type_of};
use crate::special::Special;
use crate::vm::Vm;

/// What a consumer wants (`PyBUF_*`).
pub mod flags {
    /// Nothing but the bytes.
    pub const SIMPLE: u32 = 0;
    /// To write.
    pub const WRITABLE: u32 = 1;
    /// The item format.
    pub const FORMAT: u32 = 4;
    /// The shape.
    pub const ND: u32 = 8;
    /// The strides.
    pub const STRIDES: u32 = 0x10 | ND;
    /// C-contiguous memory.
    pub const C_CONTIGUOUS: u32 = 0x20 | STRIDES;
    /// Fortran-contiguous memory.
    pub const F_CONTIGUOUS: u32 = 0x40 | STRIDES;
    /// Either.
    pub const ANY_CONTIGUOUS: u32 = 0x80 | STRIDES;
    /// Suboffsets.
    pub const INDIRECT: u32 = 0x100 | STRIDES;
    /// No request, but what `PyMemoryView_FromMemory` is told: memory that is only read.
    pub const READ: u32 = 0x100;
    /// Memory that is written, too.
    pub const WRITE: u32 = 0x200;
    /// Everything, read-only allowed.
    pub const FULL_RO: u32 = INDIRECT | FORMAT;
}

/// Where exported memory is.
#[derive(Clone, Copy, Debug)]
pub enum Memory {
    /// In a `bytes` object, at this offset.
    Bytes(isize),
    /// In the storage of a `bytearray`, at this offset.
    Bytearray(isize),
    /// At a fixed address for as long as the buffer is held.
    Fixed(*mut u8),
}

impl Memory {
    /// The address now, of memory in the storage of `base`.
    pub fn address(self, base: Value) -> *mut u8 {
        match self {
            Memory::Fixed(p) => p,
            Memory::Bytes(at) => match base.downcast::<BytesObj>() {
                Some(b) => (b.as_slice().as_ptr() as *mut u8).wrapping_offset(at),
                None => std::ptr::NonNull::dangling().as_ptr(),
            },
            Memory::Bytearray(at) => match base.downcast::<BytearrayObj>() {
                Some(b) => b.data_ptr().wrapping_offset(at),
                None => std::ptr::NonNull::dangling().as_ptr(),
            },
        }
    }

    /// `n` bytes further.
    pub fn offset(self, n: isize) -> Memory {
        match self {
            Memory::Bytes(at) => Memory::Bytes(at + n),
            Memory::Bytearray(at) => Memory::Bytearray(at + n),
            Memory::Fixed(p) => Memory::Fixed(p.wrapping_offset(n)),
        }
    }
}

/// The arrangement of items in memory.
#[derive(Clone, Debug, PartialEq)]
pub struct Layout {
    /// Item format, in the notation of the `struct` module.
    pub format: Cow<'static, str>,
    /// Bytes per item.
    pub itemsize: usize,
    /// Items along each dimension.
    pub shape: Vec<isize>,
    /// Bytes between items along each dimension.
    pub strides: Vec<isize>,
    /// Offsets behind pointers, for each dimension (negative: none); empty when no dimension has one.
    pub suboffsets: Vec<isize>,
}

impl Layout {
    /// A row of bytes.
    pub fn bytes(len: usize) -> Layout {
        Layout {
            format: Cow::Borrowed("B"),
            itemsize: 1,
            shape: vec![len as isize],
            strides: vec![1],
            suboffsets: Vec::new(),
        }
    }

    /// A row of items.
    pub fn row(format: Cow<'static, str>, itemsize: usize, count: usize) -> Layout {
        Layout {
            format,
            itemsize,
            shape: vec![count as isize],
            strides: vec![itemsize as isize],
            suboffsets: Vec::new(),
        }
    }

    /// Number of items.
    pub fn count(&self) -> usize {
        self.shape.iter().product::<isize>() as usize
    }

    /// Bytes of all items.
    pub fn len(&self) -> usize {
        self.count() * self.itemsize
    }

    /// Whether there are no items.
    pub fn is_empty(&self) -> bool {
        self.count() == 0
    }

    /// Whether the items follow each other, the last index changing fastest.
    pub fn is_c_contiguous(&self) -> bool {
        self.contiguous(self.shape.iter().zip(&self.strides).rev())
    }

    /// Whether the items follow each other, the first index changing fastest.
    pub fn is_f_contiguous(&self) -> bool {
        self.contiguous(self.shape.iter().zip(&self.strides))
    }

    fn contiguous<'a>(&self, dims: impl Iterator<Item = (&'a isize, &'a isize)>) -> bool {
        if !self.suboffsets.is_empty() {
            return false;
        }
        if self.is_empty() {
            return true;
        }
        let mut expected = self.itemsize as isize;
        for (&n, &stride) in dims {
            if n > 1 && stride != expected {
                return false;
            }
            expected *= n;
        }
        true
    }

    /// Strides of C-contiguous items of this shape.
    pub fn c_strides(shape: &[isize], itemsize: usize) -> Vec<isize> {
        let mut out = vec![0; shape.len()];
        let mut s = itemsize as isize;
        for (o, &n) in out.iter_mut().zip(shape).rev() {
            *o = s;
            s *= n;
        }
        out
    }
}

/// An exported buffer without its exporter.
#[derive(Debug)]
pub struct RawBuffer {
    /// Where the first item is.
    pub memory: Memory,
    /// Bytes of all items.
    pub len: usize,
    /// Whether it may not be written.
    pub readonly: bool,
    /// The arrangement; `None`: a row of unsigned bytes.
    pub layout: Option<Box<Layout>>,
    /// Bytes of an item of the exporter's, also where a row of bytes was asked for (PEP 3118).
    pub itemsize: usize,
    /// What to do when the buffer is given back, with the exporter and `internal`.
    pub release: Option<fn(Value, *mut u8)>,
    /// The exporter's own.
    pub internal: *mut u8,
}

impl RawBuffer {
    /// A row of bytes at a fixed address.
    pub fn fixed(ptr: *mut u8, len: usize, readonly: bool) -> RawBuffer {
        RawBuffer::row(Memory::Fixed(ptr), len, readonly)
    }

    /// A row of bytes.
    pub fn row(memory: Memory, len: usize, readonly: bool) -> RawBuffer {
        RawBuffer {
            memory,
            len,
            readonly,
            layout: None,
            itemsize: 1,
            release: None,
            internal: std::ptr::null_mut(),
        }
    }

    /// Address of the first item now.
    pub fn address(&self, base: Value) -> *mut u8 {
        self.memory.address(base)
    }

    /// The arrangement.
    pub fn layout(&self) -> Cow<'_, Layout> {
        match &self.layout {
            Some(l) => Cow::Borrowed(l),
            None => Cow::Owned(Layout::bytes(self.len)),
        }
    }

    /// Gives the buffer back.
    pub fn give_back(&mut self, exporter: Value) {
        if let Some(f) = self.release.take() {
            f(exporter, self.internal)
        }
    }
}

/// A buffer in use: given back when dropped. It must stay in a native stack frame.
pub struct Buffer {
    exporter: Value,
    base: Value,
    raw: RawBuffer,
}

impl Buffer {
    /// A buffer whose memory is in the exporter, or at a fixed address.
    pub fn new(exporter: Value, raw: RawBuffer) -> Buffer {
        Buffer { exporter, base: exporter, raw }
    }

    /// A buffer whose memory is in `base`.
    pub fn with_base(exporter: Value, base: Value, raw: RawBuffer) -> Buffer {
        Buffer { exporter, base, raw }
    }

    /// The object in whose storage the memory is.
    pub fn base(&self) -> Value {
        self.base
    }

    /// The exporter.
    pub fn exporter(&self) -> Value {
        self.exporter
    }

    /// The description.
    pub fn raw(&self) -> &RawBuffer {
        &self.raw
    }

    /// Bytes of all items.
    pub fn len(&self) -> usize {
        self.raw.len
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.raw.len == 0
    }

    /// Address of the first item.
    pub fn address(&self) -> *mut u8 {
        self.raw.address(self.base)
    }

    /// The bytes; the buffer was asked for as contiguous.
    #[inline]
    pub fn as_slice(&self) -> &[u8] {
        if self.raw.len == 0 {
            return &[];
        }
        // SAFETY: the exporter keeps `len` bytes there until the buffer is given back; `exporter` keeps it in place.
        unsafe { std::slice::from_raw_parts(self.address(), self.raw.len) }
    }

    /// The bytes, to write; the buffer was asked for as contiguous and writable. No Python code may run
    /// while the slice is held.
    #[allow(clippy::mut_from_ref, reason = "the memory belongs to the exporter, not to this struct")]
    pub fn as_mut_slice(&self) -> &mut [u8] {
        assert!(!self.raw.readonly);
        if self.raw.len == 0 {
            return &mut [];
        }
        // SAFETY: as above; writable; nobody else looks at it as no Python code runs.
        unsafe { std::slice::from_raw_parts_mut(self.address(), self.raw.len) }
    }

    /// The exporter, the base and the description, to be kept in a heap object: the caller gives it back.
    pub fn into_parts(self) -> (Value, Value, RawBuffer) {
        let this = std::mem::ManuallyDrop::new(self);
        // SAFETY: `this` is never dropped, so the description has one owner.
        (this.exporter, this.base, unsafe { std::ptr::read(&this.raw) })
    }

    /// How many dimensions it has.
    pub fn dimensions(&self) -> usize {
        self.raw.layout.as_ref().map_or(1, |l| l.shape.len())
    }

    /// The bytes of all items in C order, whatever the arrangement.
    pub fn to_vec(&self) -> Vec<u8> {
        let layout = self.raw.layout();
        if layout.is_c_contiguous() {
            return self.as_slice().to_vec();
        }
        let mut out = Vec::with_capacity(self.raw.len);
        // SAFETY: the exporter's description covers its memory.
        unsafe { gather(self.address(), &layout, 0, &mut out) };
        out
    }
}

/// Appends the items of dimension `dim` and below.
///
/// # Safety
/// `layout` must describe valid memory at `p`.
pub unsafe fn gather(p: *mut u8, layout: &Layout, dim: usize, out: &mut Vec<u8>) {
    if dim == layout.shape.len() {
        // SAFETY: the caller's promise.
        out.extend_from_slice(unsafe { std::slice::from_raw_parts(p, layout.itemsize) });
        return;
    }
    for i in 0..layout.shape[dim] {
        // SAFETY: inside the described memory.
        unsafe { gather(item(p, layout, dim, i), layout, dim + 1, out) }
    }
}

/// Address of index `i` along dimension `dim`.
///
/// # Safety
/// `layout` must describe valid memory at `p`.
pub unsafe fn item(p: *mut u8, layout: &Layout, dim: usize, i: isize) -> *mut u8 {
    let p = p.wrapping_offset(layout.strides[dim] * i);
    match layout.suboffsets.get(dim) {
        // SAFETY: a dimension with a suboffset holds pointers.
        Some(&o) if o >= 0 => unsafe { (p as *const *mut u8).read_unaligned() }.wrapping_offset(o),
        _ => p,
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        self.raw.give_back(self.exporter)
    }
}

/// Exports the memory of an object of a registered layout. May raise BufferError.
pub type Export = fn(&Vm, Value, u32) -> Res<Buffer>;

struct Exporters(UnsafeCell<Vec<(usize, Export)>>);
// SAFETY: used with the GIL held.
unsafe impl Sync for Exporters {}
static EXPORTERS: Exporters = Exporters(UnsafeCell::new(Vec::new()));

/// Registers how objects of a layout export their memory.
pub fn register(kind: &'static KindInfo, export: Export) {
    // SAFETY: the GIL is held; no reference into the table outlives a call.
    unsafe { (*EXPORTERS.0.get()).push((kind as *const KindInfo as usize, export)) }
}

fn exporter_of(v: Value) -> Option<Export> {
    if v.is_ptr() { exporter_of_kind(v.header().map().kind()) } else { None }
}

fn exporter_of_kind(kind: &KindInfo) -> Option<Export> {
    let kind = kind as *const KindInfo as usize;
    // SAFETY: as above.
    unsafe { (*EXPORTERS.0.get()).iter().find(|e| e.0 == kind).map(|e| e.1) }
}

/// Whether objects of a layout export their memory.
pub fn kind_exports(kind: &'static KindInfo) -> bool {
    std::ptr::eq(kind, BytesObj::kind())
        || std::ptr::eq(kind, BytearrayObj::kind())
        || exporter_of_kind(kind).is_some()
}

fn release_bytearray(v: Value, _: *mut u8) {
    if let Some(b) = v.downcast::<BytearrayObj>() {
        b.exports.set(b.exports.get() - 1);
    }
}

impl Vm {
    /// Whether `v` exports a buffer.
    pub fn has_buffer(&self, v: Value) -> bool {
        v.is::<BytesObj>()
            || v.is::<BytearrayObj>()
            || exporter_of(v).is_some() && !v.is::<ForeignObj>()
            || !type_of(v).special(Special::Buffer).is_empty()
    }

    /// The buffer of `v`, as `PyObject_GetBuffer` gives it; `what` are bits of [`flags`].
    pub fn buffer(&self, v: Value, what: u32) -> Res<Buffer> {
        // A class may override what its layout gives.
        let f = type_of(v).special(Special::Buffer);
        if f.is::<crate::object::FunctionObj>() {
            return self.python_buffer(v, f, what);
        }
        match self.own_buffer(v, what)? {
            Some(b) if type_of(v).has(TypeFlags::HEAP) => Ok(self.told_of_release(v, b)),
            Some(b) => Ok(b),
            None if !f.is_empty() => self.python_buffer(v, f, what),
            None => Err(self.not_bytes_like(v)),
        }
    }

    /// The buffer that the layout of `v` gives, whatever its class says.
    #[inline]
    pub fn own_buffer(&self, v: Value, what: u32) -> Res<Option<Buffer>> {
        if let Some(b) = v.downcast::<BytesObj>() {
            if what & flags::WRITABLE != 0 {
                return Err(self.buffer_error("Object is not writable."));
            }
            return Ok(Some(Buffer::new(v, RawBuffer::row(Memory::Bytes(0), b.len(), true))));
        }
        if let Some(b) = v.downcast::<BytearrayObj>() {
            b.exports.set(b.exports.get() + 1);
            let raw = RawBuffer::row(Memory::Bytearray(0), b.as_slice().len(), false);
            return Ok(Some(Buffer::new(v, RawBuffer { release: Some(release_bytearray), ..raw })));
        }
        exporter_of(v).map(|export| export(self, v, what)).transpose()
    }

    /// The buffer that the layout of `v` gives, of whose release a class written in Python wants to be told.
    fn told_of_release(&self, v: Value, b: Buffer) -> Buffer {
        if !writes_release(v) {
            return b;
        }
        let (_, base, mut raw) = b.into_parts();
        let inner = (raw.release.take(), raw.internal);
        raw.release = Some(tell_of_release);
        Buffer { exporter: wrapper(Value::NONE, v, inner), base, raw }
    }

    /// `v.__buffer__(flags)`, then the buffer of the memoryview that it returns.
    fn python_buffer(&self, v: Value, f: Value, what: u32) -> Res<Buffer> {
        let view = self.call_special(f, &[v, Value::int(what as i64)])?;
        if full_name(type_of(view)) != "memoryview" {
            return Err(self.type_error(format!(
                "__buffer__ returned non-memoryview object of type '{}'",
                full_name(type_of(view))
            )));
        }
        let export = exporter_of(view).ok_or_else(|| self.not_bytes_like(view))?;
        let (_, base, mut raw) = export(self, view, what)?.into_parts();
        let inner = (raw.release.take(), raw.internal);
        // (A view of its own memory is another that the layout gave.)
        let own = base == v && writes_release(v);
        raw.release = Some(if own { tell_of_release } else { release_wrapper });
        Ok(Buffer { exporter: wrapper(view, v, inner), base, raw })
    }

    /// The contiguous bytes of a bytes-like object; TypeError for everything else.
    #[inline]
    pub fn bytes_like(&self, v: Value) -> Res<Buffer> {
        self.buffer(v, flags::SIMPLE)
    }

    /// The contiguous writable bytes of an object; `what` is for the message, as in "readinto() argument must be ...".
    pub fn writable_bytes(&self, v: Value, what: &str) -> Res<Buffer> {
        match self.has_buffer(v) {
            true => match self.buffer(v, flags::WRITABLE) {
                Ok(b) => Ok(b),
                Err(e) if e.is(crate::rt().types.buffer_error) => Err(self.wrong_writable(v, what)),
                Err(e) => Err(e),
            },
            false => Err(self.wrong_writable(v, what)),
        }
    }

    #[cold]
    fn wrong_writable(&self, v: Value, what: &str) -> crate::exc::Raised {
        self.type_error(format!(
            "{what} must be read-write bytes-like object, not {}",
            if v.is_none() { "None".to_string() } else { full_name(type_of(v)) }
        ))
    }

    /// The TypeError for an object without a buffer.
    #[cold]
    pub fn not_bytes_like(&self, v: Value) -> crate::exc::Raised {
        self.type_error(format!("a bytes-like object is required, not '{}'", full_name(type_of(v))))
    }

    /// A copy of the bytes of a bytes-like object.
    pub fn bytes_of(&self, v: Value) -> Res<Vec<u8>> {
        if let Some(b) = v.downcast::<BytesObj>() {
            return Ok(b.as_slice().to_vec());
        }
        Ok(self.buffer(v, flags::FULL_RO)?.to_vec())
    }
}

heap_object! {
    /// A buffer that `owner.__buffer__` gave through a memoryview: exporter of the memory for whoever uses it.
    struct WrapperObj { view: Field, owner: Field, inner: Native<Cell<Inner>> }
}

/// How the memoryview's own buffer is given back.
type Inner = (Option<fn(Value, *mut u8)>, *mut u8);

/// The map of wrappers.
static WRAPPERS: StaticMap = StaticMap::new();

fn wrapper(view: Value, owner: Value, inner: Inner) -> Value {
    let map = WRAPPERS.get(WrapperObj::kind());
    let w = WrapperObj {
        header: Header::new(map),
        view: Field::new(view),
        owner: Field::new(owner),
        inner: Native(Cell::new(inner)),
    };
    heap().alloc(map, w).value()
}

/// Calls `owner.__release_buffer__` with a view of its memory that ends with the call.
fn tell_of_release(w: Value, _: *mut u8) {
    let Some(w) = w.downcast::<WrapperObj>() else { return };
    let (lent, owner) = (w.view.get(), w.owner.get());
    let vm = crate::vm::current();
    // Errors of a release have nobody to go to.
    if let Ok(Some(b)) = vm.own_buffer(owner, flags::FULL_RO) {
        let view = (vm.hooks().restricted_view)(b);
        let _ = vm.try_special(owner, Special::ReleaseBuffer, &[view]);
        let _ = vm.call_method(view, crate::intern("release"), &[]);
    }
    let (release, internal) = w.inner.get();
    if let Some(f) = release {
        f(if lent.is_none() { owner } else { lent }, internal);
    }
    if !lent.is_none() {
        let _ = vm.call_method(lent, crate::intern("release"), &[]);
    }
}

/// Whether the class of `v` has a `__release_buffer__` written in Python.
fn writes_release(v: Value) -> bool {
    type_of(v).special(Special::ReleaseBuffer).is::<crate::object::FunctionObj>()
}

/// Calls `owner.__release_buffer__(view)`, or releases the view where there is no such method.
fn release_wrapper(w: Value, _: *mut u8) {
    let Some(w) = w.downcast::<WrapperObj>() else { return };
    let (view, owner) = (w.view.get(), w.owner.get());
    let (release, internal) = w.inner.get();
    if let Some(f) = release {
        f(view, internal);
    }
    let vm = crate::vm::current();
    // Errors of a release have nobody to go to.
    if !writes_release(owner) {
        let _ = vm.call_method(view, crate::intern("release"), &[]);
    } else {
        // The method may have kept the view; if not, it is released when it is collected.
        let _ = vm.try_special(owner, Special::ReleaseBuffer, &[view]);
    }
}

/// A bytes-like argument of a native function.
impl FromArg for Buffer {
    fn from_arg(vm: &Vm, v: Value, _: usize) -> Res<Buffer> {
        vm.bytes_like(v)
    }
}

/// The kind of a layout: shorthand for [`register`].
pub fn kind_of<T: HeapObject>() -> &'static KindInfo {
    T::kind()
}

/// Bytes of a `bytes` or `bytearray`, without counting an export: no Python code may run while the slice is held.
pub fn plain_bytes(v: Value) -> Option<&'static [u8]> {
    // SAFETY of the lifetime: callers hold `v` on the native stack and run no Python code, as the name of the game requires.
    if let Some(b) = v.downcast::<BytesObj>() {
        let s = b.as_slice();
        // SAFETY: the bytes stay while `v` is on the native stack.
        return Some(unsafe { std::slice::from_raw_parts(s.as_ptr(), s.len()) });
    }
    let b: Ptr<BytearrayObj> = v.downcast()?;
    let s = b.as_slice();
    // SAFETY: as above, and the size does not change as no Python code runs.
    Some(unsafe { std::slice::from_raw_parts(s.as_ptr(), s.len()) })
}
