//! `mmap`: memory that is a file's, or anonymous.

use std::cell::Cell;

use cape_builtins::slicing::{fit, is_index, place, unpack};
use cape_heap::{Field, Header, Native, heap, heap_object};
use cape_vm::buffer::{self, Buffer, RawBuffer};
use cape_vm::native::{Named, OrNone, new_type};
use cape_vm::object::*;
use cape_vm::runtime::StaticType;
use cape_vm::{Ptr, Raised, Res, Value, Vm, rt, type_of};

use crate::io::util::Size;
use crate::oserror::last_error;
use crate::sys_call::{blocking, check};

macro_rules! constants { ($($n:ident = $v:expr),* $(,)?) => { &[$((stringify!($n), $v as i64)),*] } }
const CONSTANTS: &[(&str, i64)] = constants! {
    ACCESS_COPY = 3, ACCESS_DEFAULT = 0, ACCESS_READ = 1, ACCESS_WRITE = 2, MADV_DODUMP = libc::MADV_DODUMP,
    MADV_DOFORK = libc::MADV_DOFORK, MADV_DONTDUMP = libc::MADV_DONTDUMP, MADV_DONTFORK = libc::MADV_DONTFORK,
    MADV_DONTNEED = libc::MADV_DONTNEED, MADV_FREE = libc::MADV_FREE, MADV_HUGEPAGE = libc::MADV_HUGEPAGE,
    MADV_HWPOISON = libc::MADV_HWPOISON, MADV_MERGEABLE = libc::MADV_MERGEABLE, MADV_NOHUGEPAGE = libc::MADV_NOHUGEPAGE,
    MADV_NORMAL = libc::MADV_NORMAL, MADV_RANDOM = libc::MADV_RANDOM, MADV_REMOVE = libc::MADV_REMOVE,
    MADV_SEQUENTIAL = libc::MADV_SEQUENTIAL, MADV_UNMERGEABLE = libc::MADV_UNMERGEABLE, MADV_WILLNEED = libc::MADV_WILLNEED,
    MAP_32BIT = libc::MAP_32BIT, MAP_ANON = libc::MAP_ANON, MAP_ANONYMOUS = libc::MAP_ANONYMOUS,
    MAP_DENYWRITE = libc::MAP_DENYWRITE, MAP_EXECUTABLE = libc::MAP_EXECUTABLE, MAP_NORESERVE = libc::MAP_NORESERVE,
    MAP_POPULATE = libc::MAP_POPULATE, MAP_PRIVATE = libc::MAP_PRIVATE, MAP_SHARED = libc::MAP_SHARED,
    MAP_STACK = libc::MAP_STACK, PROT_EXEC = libc::PROT_EXEC, PROT_READ = libc::PROT_READ, PROT_WRITE = libc::PROT_WRITE,
};

/// What may be done with a mapping.
#[derive(Clone, Copy, PartialEq)]
enum Access {
    Default,
    Read,
    Write,
    Copy,
}

impl Access {
    fn name(self) -> &'static str {
        match self {
            Access::Default => "ACCESS_DEFAULT",
            Access::Read => "ACCESS_READ",
            Access::Write => "ACCESS_WRITE",
            Access::Copy => "ACCESS_COPY",
        }
    }
}

/// A mapping, undone when dropped. Closed: `data` is null.
struct Mapping {
    data: Cell<*mut u8>,
    size: Cell<usize>,
    pos: Cell<usize>,
    offset: i64,
    /// A descriptor of our own for the file, or -1.
    fd: Cell<i32>,
    trackfd: bool,
    shared: bool,
    access: Access,
    /// Buffers given out: they freeze address and size.
    exports: Cell<usize>,
}

impl Mapping {
    fn close(&self) {
        let (data, fd) = (self.data.replace(std::ptr::null_mut()), self.fd.replace(-1));
        // SAFETY: the mapping and the descriptor are ours, and from now on gone.
        unsafe {
            if fd >= 0 {
                libc::close(fd);
            }
            if !data.is_null() {
                libc::munmap(data as *mut _, self.size.get());
            }
        }
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        self.close()
    }
}

heap_object! {
    /// `mmap.mmap`.
    pub struct MmapObj { map: Native<Mapping> } [drop]

    /// Iterator over a mapping, by bytes objects of length 1.
    pub struct MmapIterObj { mmap: Field, index: Cell<usize> }
}

impl Named for MmapObj {
    const NAME: &'static str = "mmap.mmap";
}
impl Named for MmapIterObj {
    const NAME: &'static str = "iterator";
}

static MMAP: StaticType = StaticType::new();
static ITER: StaticType = StaticType::new();

type M = Ptr<MmapObj>;

const DOC: &str = "\
mmap(fileno, length[, flags[, prot[, access[, offset[, trackfd]]]]])

Maps length bytes from the file specified by the file descriptor fileno, and
returns a mmap object.  If length is 0, the map has the current size of the
file.  MAP_PRIVATE as flags makes a copy-on-write mapping, MAP_SHARED, the
default, one that is shared with all that map the same file.

To map anonymous memory, pass -1 as the fileno.";

/// Fills the module.
pub fn init(_: &Vm, m: Ptr<ModuleObj>) -> Res<()> {
    for &(name, n) in CONSTANTS {
        m.add(name, Value::int(n));
    }
    for name in ["PAGESIZE", "ALLOCATIONGRANULARITY"] {
        // SAFETY: a plain call.
        m.add(name, Value::int(unsafe { libc::sysconf(libc::_SC_PAGESIZE) }));
    }
    m.add("error", rt().types.os_error.value());
    let t = new_type::<MmapObj>("mmap.mmap", rt().types.object, TypeFlags::BASE | TypeFlags::HAS_WEAKREF)
        .doc(DOC)
        .new_fn(
            "__new__(cls, fileno, length, flags=1, prot=3, access=0, offset=0, *, trackfd=True)",
            "Create and return a new object.",
            new,
        )
        .getter("closed", "", |_: &Vm, m: M| m.map.data.get().is_null())
        .method("__repr__($self, /)", "Return repr(self).", repr)
        .method("__len__($self, /)", "Return len(self).", |vm: &Vm, m: M| Ok(m.bytes(vm)?.len()))
        .method(
            "__buffer__($self, flags, /)",
            "Return a buffer object that exposes the underlying memory of the object.",
            |vm: &Vm, m: M, flags: i32| cape_builtins::memoryview::row_buffer_method(vm, m.value(), flags),
        )
        .method(
            "__release_buffer__($self, buffer, /)",
            "Release the buffer object that exposes the underlying memory of the object.",
            |vm: &Vm, m: M, view: Value| cape_builtins::memoryview::release_buffer_method(vm, m.value(), view),
        )
        .method("__getitem__($self, key, /)", "Return self[key].", getitem)
        .method("__setitem__($self, key, value, /)", "Set self[key] to value.", setitem)
        .method("__delitem__($self, key, /)", "Delete self[key].", delitem)
        .method("__iter__($self, /)", "Implement iter(self).", |_: &Vm, m: M| {
            let map = ITER.get().instance_map();
            let it = MmapIterObj { header: Header::new(map), mmap: Field::new(m.value()), index: Cell::new(0) };
            heap().alloc(map, it)
        })
        .method("__enter__($self, /)", "", |vm: &Vm, m: M| m.bytes(vm).map(|_| m))
        .method("__exit__($self, exc_type, exc_value, traceback, /)", "", |vm: &Vm, m: M, _: Value, _: Value, _: Value| {
            close(vm, m)
        })
        .method("close($self, /)", "", close)
        .method("find($self, view, start=None, end=None, /)", "", |vm: &Vm, m: M, b: Buffer, from: Bound, to: Bound| {
            find(vm, m, &b, from, to, false)
        })
        .method("rfind($self, view, start=None, end=None, /)", "", |vm: &Vm, m: M, b: Buffer, from: Bound, to: Bound| {
            find(vm, m, &b, from, to, true)
        })
        .method("flush($self, offset=0, size=None, /)", "", flush)
        .method("madvise($self, option, start=0, length=None, /)", "", madvise)
        .method("move($self, dest, src, count, /)", "", move_bytes)
        .method("read($self, n=None, /)", "", read)
        .method("read_byte($self, /)", "", read_byte)
        .method("readline($self, /)", "", readline)
        .method("resize($self, newsize, /)", "", resize)
        .method("seek($self, pos, whence=0, /)", "", seek)
        .method("seekable($self, /)", "", |_: &Vm, _: M| true)
        .method("size($self, /)", "", size)
        .method("tell($self, /)", "", |vm: &Vm, m: M| m.bytes(vm).map(|_| m.map.pos.get()))
        .method("write($self, bytes, /)", "", write)
        .method("write_byte($self, byte, /)", "", |vm: &Vm, m: M, byte: Value| {
            let byte = byte_argument(vm, byte)?;
            let at = m.map.pos.get();
            let data = m.writable(vm)?;
            *data.get_mut(at).ok_or_else(|| vm.value_error("write byte out of range"))? = byte;
            m.map.pos.set(at + 1);
            Ok(())
        });
    MMAP.set(t.class());
    buffer::register(buffer::kind_of::<MmapObj>(), export);
    m.class(t.class());
    let it = new_type::<MmapIterObj>("iterator", rt().types.object, TypeFlags::NO_INSTANTIATION)
        .method("__iter__($self, /)", "Implement iter(self).", |_: &Vm, it: Ptr<MmapIterObj>| it)
        .method("__next__($self, /)", "Implement next(self).", next);
    ITER.set(it.class());
    Ok(())
}

type Bound = OrNone<isize>;

impl MmapObj {
    /// The memory; ValueError when closed.
    fn bytes(&self, vm: &Vm) -> Res<&[u8]> {
        self.writable_unchecked(vm).map(|b| &*b)
    }

    #[allow(clippy::mut_from_ref, reason = "the memory is not this struct's")]
    fn writable_unchecked(&self, vm: &Vm) -> Res<&mut [u8]> {
        let data = self.map.data.get();
        if data.is_null() {
            return Err(vm.value_error("mmap closed or invalid"));
        }
        // SAFETY: the GIL is held, callers run no Python code while they hold the slice, and only that closes the mapping. What other
        // processes write there at the same time is bytes in any case.
        Ok(unsafe { std::slice::from_raw_parts_mut(data, self.map.size.get()) })
    }

    /// The memory, to write; TypeError when it is read-only.
    #[allow(clippy::mut_from_ref, reason = "as above")]
    fn writable(&self, vm: &Vm) -> Res<&mut [u8]> {
        let b = self.writable_unchecked(vm)?;
        if self.map.access == Access::Read {
            return Err(vm.type_error("mmap can't modify a readonly memory map."));
        }
        Ok(b)
    }
}

/// `b` of `PyArg_Parse`.
fn byte_argument(vm: &Vm, v: Value) -> Res<u8> {
    let n = vm.index_int(v)?;
    match n.to_i64() {
        Some(n @ 0..=255) => Ok(n as u8),
        Some(n) if n < 0 => Err(vm.overflow_error("unsigned byte integer is less than minimum")),
        _ => Err(vm.overflow_error("unsigned byte integer is greater than maximum")),
    }
}

#[allow(clippy::too_many_arguments, reason = "the parameters of mmap()")]
fn new(
    vm: &Vm,
    cls: Ptr<TypeObj>,
    fileno: i32,
    length: isize,
    flags: Option<i32>,
    prot: Option<i32>,
    access: Option<i32>,
    offset: Option<i64>,
    trackfd: Option<bool>,
) -> Res<M> {
    const BOTH: i32 = libc::PROT_READ | libc::PROT_WRITE;
    let (mut flags, mut prot) = (flags.unwrap_or(libc::MAP_SHARED), prot.unwrap_or(BOTH));
    let (offset, access, trackfd) = (offset.unwrap_or(0), access.unwrap_or(0), trackfd.unwrap_or(true));
    if length < 0 {
        return Err(vm.overflow_error("memory mapped length must be positive"));
    }
    if offset < 0 {
        return Err(vm.overflow_error("memory mapped offset must be positive"));
    }
    if access != 0 && (flags != libc::MAP_SHARED || prot != BOTH) {
        return Err(vm.value_error("mmap can't specify both access and flags, prot."));
    }
    let access = match access {
        0 if prot & BOTH == BOTH => Access::Default,
        0 if prot & libc::PROT_WRITE != 0 => Access::Write,
        0 => Access::Read,
        1 => {
            prot = libc::PROT_READ;
            Access::Read
        }
        2 => Access::Write,
        3 => {
            flags = libc::MAP_PRIVATE;
            Access::Copy
        }
        _ => return Err(vm.value_error("mmap invalid access parameter.")),
    };
    let size = match file_size(fileno) {
        Some(file) if length == 0 => {
            if file == 0 {
                return Err(vm.value_error("cannot mmap an empty file"));
            }
            if offset >= file {
                return Err(vm.value_error("mmap offset is greater than file size"));
            }
            (file - offset) as usize
        }
        Some(file) if offset > file || file - offset < length as i64 => {
            return Err(vm.value_error("mmap length is greater than file size"));
        }
        _ => length as usize,
    };
    let mut fd = -1;
    if fileno == -1 {
        flags |= libc::MAP_ANONYMOUS;
    } else if trackfd {
        // SAFETY: a plain call.
        fd = check(vm, unsafe { libc::fcntl(fileno, libc::F_DUPFD_CLOEXEC, 0) })?;
    }
    let mapping = Mapping {
        data: Cell::new(std::ptr::null_mut()),
        size: Cell::new(size),
        pos: Cell::new(0),
        offset,
        fd: Cell::new(fd),
        trackfd,
        shared: flags & libc::MAP_SHARED != 0,
        access,
        exports: Cell::new(0),
    };
    // SAFETY: a mapping of its own, at an address that the system chooses.
    let data = vm.allow_threads(|| unsafe { libc::mmap(std::ptr::null_mut(), size, prot, flags, fileno, offset) } as usize);
    if data == libc::MAP_FAILED as usize {
        return Err(last_error(vm));
    }
    mapping.data.set(data as *mut u8);
    let map = cls.instance_map();
    Ok(heap().alloc(map, MmapObj { header: Header::new(map), map: Native(mapping) }))
}

/// The size of a regular file; `None` for everything else.
fn file_size(fd: i32) -> Option<i64> {
    // SAFETY: the structure is plain data, filled by a call that succeeds.
    unsafe {
        let mut s: libc::stat = std::mem::zeroed();
        (fd != -1 && libc::fstat(fd, &mut s) == 0 && s.st_mode & libc::S_IFMT == libc::S_IFREG).then_some(s.st_size)
    }
}

fn export(vm: &Vm, v: Value, what: u32) -> Res<Buffer> {
    let m: M = v.downcast().expect("registered for mappings");
    let data = m.bytes(vm)?;
    let readonly = m.map.access == Access::Read;
    if readonly && what & buffer::flags::WRITABLE != 0 {
        return Err(vm.buffer_error("Object is not writable."));
    }
    let mut raw = RawBuffer::fixed(data.as_ptr() as *mut u8, data.len(), readonly);
    m.map.exports.set(m.map.exports.get() + 1);
    raw.release = Some(|v, _| {
        if let Some(m) = v.downcast::<MmapObj>() {
            m.map.exports.set(m.map.exports.get() - 1);
        }
    });
    Ok(Buffer::new(v, raw))
}

/// Whether somebody holds a buffer of the mapping; what only garbage holds does not count.
fn is_exported(vm: &Vm, m: M) -> Res<bool> {
    let held = || m.map.exports.get() != 0;
    if held() {
        cape_builtins::memoryview::release_dead(vm, &|exporter| exporter == m.value(), &held)?;
    }
    Ok(held())
}

fn close(vm: &Vm, m: M) -> Res<()> {
    if is_exported(vm, m)? {
        return Err(vm.buffer_error("cannot close exported pointers exist"));
    }
    m.map.close();
    Ok(())
}

fn repr(_: &Vm, m: M) -> String {
    let name = cape_vm::class::full_name(type_of(m.value()));
    let map = &m.map;
    if map.data.get().is_null() {
        return format!("<{name} closed=True>");
    }
    let (access, length, pos, offset) = (map.access.name(), map.size.get(), map.pos.get(), map.offset);
    format!("<{name} closed=False, access={access}, length={length}, pos={pos}, offset={offset}>")
}

#[cold]
fn out_of_range(vm: &Vm) -> Raised {
    vm.index_error("mmap index out of range")
}

fn getitem(vm: &Vm, m: M, key: Value) -> Res<Value> {
    m.bytes(vm)?;
    if is_index(key) {
        let i = vm.index_isize(key)?;
        let data = m.bytes(vm)?;
        let i = place(i, data.len()).ok_or_else(|| out_of_range(vm))?;
        return Ok(Value::int(data[i] as i64));
    }
    let Some(s) = key.downcast::<SliceObj>() else { return Err(vm.type_error("mmap indices must be integers")) };
    let raw = unpack(vm, s)?;
    let data = m.bytes(vm)?;
    let span = fit(raw, data.len());
    let out: Vec<u8> = span.indices().map(|i| data[i]).collect();
    Ok(BytesObj::new(&out).value())
}

fn setitem(vm: &Vm, m: M, key: Value, v: Value) -> Res<()> {
    m.writable(vm)?;
    if is_index(key) {
        let i = vm.index_isize(key)?;
        let i = place(i, m.writable(vm)?.len()).ok_or_else(|| out_of_range(vm))?;
        if !is_index(v) {
            return Err(vm.type_error("mmap item value must be an int"));
        }
        let n = vm.index_int(v)?;
        let n = n.to_i64().ok_or_else(|| vm.type_error("cannot fit 'int' into an index-sized integer"))?;
        let n = u8::try_from(n).map_err(|_| vm.value_error("mmap item value must be in range(0, 256)"))?;
        *m.writable(vm)?.get_mut(i).ok_or_else(|| out_of_range(vm))? = n;
        return Ok(());
    }
    let Some(s) = key.downcast::<SliceObj>() else { return Err(vm.type_error("mmap indices must be integer")) };
    let raw = unpack(vm, s)?;
    let new = vm.buffer(v, buffer::flags::SIMPLE)?;
    let data = m.writable(vm)?;
    let span = fit(raw, data.len());
    if new.len() != span.count {
        return Err(vm.index_error("mmap slice assignment is wrong size"));
    }
    match span.range() {
        // The source may be the mapping itself.
        // SAFETY: both have that many bytes.
        Some(r) => unsafe { std::ptr::copy(new.address(), data[r].as_mut_ptr(), new.len()) },
        None => span.indices().zip(new.to_vec()).for_each(|(i, b)| data[i] = b),
    }
    Ok(())
}

fn delitem(vm: &Vm, m: M, key: Value) -> Res<()> {
    m.writable(vm)?;
    let what = if is_index(key) { "item" } else { "slice" };
    let name = if is_index(key) { "mmap" } else { "mmap object" };
    Err(vm.type_error(format!("{name} doesn't support {what} deletion")))
}

fn next(vm: &Vm, it: Ptr<MmapIterObj>) -> Res<Value> {
    let Some(m) = it.mmap.downcast::<MmapObj>() else { return Ok(Value::EMPTY) };
    let i = it.index.get();
    match m.bytes(vm)?.get(i) {
        Some(&b) => {
            it.index.set(i + 1);
            Ok(BytesObj::new(&[b]).value())
        }
        None => {
            it.mmap.set_no_barrier(Value::EMPTY);
            Ok(Value::EMPTY)
        }
    }
}

fn find(vm: &Vm, m: M, what: &Buffer, from: Bound, to: Bound, last: bool) -> Res<isize> {
    let data = m.bytes(vm)?;
    let clamp = |i: isize| {
        let i = if i < 0 { i + data.len() as isize } else { i };
        i.clamp(0, data.len() as isize) as usize
    };
    let (from, to) = (from.0.map_or(m.map.pos.get().min(data.len()), clamp), to.0.map_or(data.len(), clamp));
    if from > to {
        return Ok(-1);
    }
    let (part, what) = (&data[from..to], what.as_slice());
    let at = if last { memchr::memmem::rfind(part, what) } else { memchr::memmem::find(part, what) };
    Ok(at.map_or(-1, |i| (i + from) as isize))
}

fn flush(vm: &Vm, m: M, offset: Option<isize>, size: OrNone<isize>) -> Res<()> {
    let len = m.bytes(vm)?.len() as isize;
    let offset = offset.unwrap_or(0);
    let size = size.0.unwrap_or_else(|| len.wrapping_sub(offset));
    if offset < 0 || size < 0 || offset > len || len - offset < size {
        return Err(vm.value_error("flush values out of range"));
    }
    if matches!(m.map.access, Access::Read | Access::Copy) {
        return Ok(());
    }
    let p = m.map.data.get() as usize + offset as usize;
    let _held = vm.buffer(m.value(), buffer::flags::SIMPLE)?;
    // SAFETY: a range of the mapping, which an export keeps open while other threads run.
    blocking(vm, || unsafe { libc::msync(p as *mut _, size as usize, libc::MS_SYNC) }).map(drop)
}

fn madvise(vm: &Vm, m: M, option: i32, start: Option<isize>, length: OrNone<isize>) -> Res<()> {
    let data = m.bytes(vm)?;
    let (len, start) = (data.len() as isize, start.unwrap_or(0));
    let length = length.0.unwrap_or(len);
    if start < 0 || start >= len {
        return Err(vm.value_error("madvise start out of bounds"));
    }
    if length < 0 {
        return Err(vm.value_error("madvise length invalid"));
    }
    if isize::MAX - start < length {
        return Err(vm.overflow_error("madvise length too large"));
    }
    let length = length.min(len - start) as usize;
    // SAFETY: a range of the mapping.
    check(vm, unsafe { libc::madvise(data.as_ptr().add(start as usize) as *mut _, length, option) }).map(drop)
}

fn move_bytes(vm: &Vm, m: M, dest: isize, src: isize, count: isize) -> Res<()> {
    let data = m.writable(vm)?;
    let len = data.len() as isize;
    if dest < 0 || src < 0 || count < 0 || len - dest < count || len - src < count {
        return Err(vm.value_error("source, destination, or count out of range"));
    }
    data.copy_within(src as usize..(src + count) as usize, dest as usize);
    Ok(())
}

/// The next `n` bytes.
fn take(vm: &Vm, m: M, n: impl FnOnce(&[u8]) -> usize) -> Res<Value> {
    let data = m.bytes(vm)?;
    let from = m.map.pos.get().min(data.len());
    let n = n(&data[from..]);
    m.map.pos.set(from + n);
    // Copied first: making the object may collect.
    let out = data[from..from + n].to_vec();
    Ok(BytesObj::new(&out).value())
}

fn read(vm: &Vm, m: M, n: Size) -> Res<Value> {
    take(vm, m, |rest| n.limit().unwrap_or(rest.len()).min(rest.len()))
}

fn readline(vm: &Vm, m: M) -> Res<Value> {
    take(vm, m, |rest| memchr::memchr(b'\n', rest).map_or(rest.len(), |i| i + 1))
}

fn read_byte(vm: &Vm, m: M) -> Res<i64> {
    let at = m.map.pos.get();
    let byte = *m.bytes(vm)?.get(at).ok_or_else(|| vm.value_error("read byte out of range"))?;
    m.map.pos.set(at + 1);
    Ok(byte as i64)
}

fn write(vm: &Vm, m: M, bytes: Buffer) -> Res<usize> {
    let data = m.writable(vm)?;
    let at = m.map.pos.get();
    if at > data.len() || data.len() - at < bytes.len() {
        return Err(vm.value_error("data out of range"));
    }
    // SAFETY: there is room for that many bytes; the source may be the mapping itself.
    unsafe { std::ptr::copy(bytes.address(), data.as_mut_ptr().add(at), bytes.len()) };
    m.map.pos.set(at + bytes.len());
    Ok(bytes.len())
}

fn seek(vm: &Vm, m: M, distance: isize, whence: Option<i32>) -> Res<usize> {
    let size = m.bytes(vm)?.len();
    let from = match whence.unwrap_or(0) {
        0 => 0,
        1 => m.map.pos.get(),
        2 => size,
        _ => return Err(vm.value_error("unknown seek type")),
    };
    match (from as isize).checked_add(distance) {
        Some(to) if (0..=size as isize).contains(&to) => {
            m.map.pos.set(to as usize);
            Ok(to as usize)
        }
        _ => Err(vm.value_error("seek out of range")),
    }
}

fn size(vm: &Vm, m: M) -> Res<i64> {
    m.bytes(vm)?;
    // SAFETY: the structure is plain data, filled by a call that succeeds.
    unsafe {
        let mut s: libc::stat = std::mem::zeroed();
        check(vm, libc::fstat(m.map.fd.get(), &mut s))?;
        Ok(s.st_size)
    }
}

fn resize(vm: &Vm, m: M, size: isize) -> Res<()> {
    let (map, old) = (&m.map, m.bytes(vm)?.len());
    if is_exported(vm, m)? {
        return Err(vm.buffer_error("mmap can't resize with extant buffers exported."));
    }
    if !map.trackfd {
        return Err(vm.value_error("mmap can't resize with trackfd=False."));
    }
    if matches!(map.access, Access::Read | Access::Copy) {
        return Err(vm.type_error("mmap can't resize a readonly or copy-on-write memory map."));
    }
    if size < 0 || (size as i64).checked_add(map.offset).is_none() {
        return Err(vm.value_error("new size out of range"));
    }
    if map.fd.get() == -1 && map.shared && size as usize > old {
        return Err(vm.value_error("mmap: can't expand a shared anonymous mapping"));
    }
    // SAFETY: the mapping is ours, and no buffer knows its address.
    unsafe {
        if map.fd.get() != -1 {
            check(vm, libc::ftruncate(map.fd.get(), map.offset + size as i64))?;
        }
        let data = libc::mremap(map.data.get() as *mut _, old, size as usize, libc::MREMAP_MAYMOVE);
        if data == libc::MAP_FAILED {
            return Err(last_error(vm));
        }
        map.data.set(data as *mut u8);
    }
    map.size.set(size as usize);
    Ok(())
}
