//! `FileIO`: a file descriptor as a raw stream.

use std::cell::Cell;

use cape_heap::{Header, Native, heap, heap_object};
use cape_vm::native::{FromArg, Named, new_type};
use cape_vm::object::{BytesObj, Int, ModuleObj, StrObj, TypeObj};
use cape_vm::runtime::StaticType;
use cape_vm::{Ptr, Res, Value, Vm, intern, rt};

use super::base::{RAW_IO_BASE, no_pickle};
use super::util::*;
use cape_vm::buffer::Buffer;
use crate::fsname::{Path, encode, fspath};
use crate::oserror::{errno, os_error};
use crate::sys_call::retry;

heap_object! {
    /// A `FileIO`. The descriptor is closed when the object dies without its finalizer having run to the end.
    pub struct FileIoObj {
        pub bits: Cell<u32>,
        pub fd: Native<Descriptor>,
        pub mode: Cell<u32>,
        pub seekable: Cell<i32>,
        pub blksize: Cell<i64>,
        /// What kind of file it is, as the system said when it was opened (`S_IFMT`); 0 when it said nothing.
        pub kind: Cell<u32>,
        /// Its size then, of a regular file.
        size: Cell<i64>,
    }
    [drop]
}

impl Named for FileIoObj {
    const NAME: &'static str = "FileIO";
}

/// An owned descriptor, or -1.
pub struct Descriptor {
    fd: Cell<i32>,
    close: Cell<bool>,
}

impl Drop for Descriptor {
    fn drop(&mut self) {
        if self.fd.get() >= 0 && self.close.get() {
            // SAFETY: the descriptor belongs to this object alone.
            unsafe { libc::close(self.fd.get()) };
        }
    }
}

/// Bits of [`FileIoObj::mode`].
mod mode {
    pub const CREATED: u32 = 1;
    pub const READABLE: u32 = 2;
    pub const WRITABLE: u32 = 4;
    pub const APPENDING: u32 = 8;
}

/// `_io.FileIO`.
pub static FILE_IO: StaticType = StaticType::new();

pub(super) fn init(m: Ptr<ModuleObj>) {
    let t = new_type::<FileIoObj>("_io.FileIO", RAW_IO_BASE.get(), CLASS)
        .doc("Open a file.")
        .new_fn("__new__(type, /, *args, **kwargs)", "Create and return a new object.", new)
        .method(
            "__init__($self, /, file, mode='r', closefd=True, opener=None)",
            "Initialize self.  See help(type(self)) for accurate signature.",
            init_file,
        )
        .method("__repr__($self, /)", "Return repr(self).", repr)
        .method("_dealloc_warn($self, object, /)", "", dealloc_warn)
        .method("_isatty_open_only($self, /)", "", isatty)
        .method("close($self, /)", "Close the file.", close)
        .method("fileno($self, /)", "Return the underlying file descriptor (an integer).", fileno)
        .method("isatty($self, /)", "True if the file is connected to a TTY device.", isatty)
        .method("read($self, size=-1, /)", "Read at most size bytes, returned as bytes.", read)
        .method("readable($self, /)", "True if file was opened in a read mode.", readable)
        .method("readall($self, /)", "Read all data from the file, returned as bytes.", readall)
        .method("readinto($self, buffer, /)", "Same as RawIOBase.readinto().", readinto)
        .method("seek($self, pos, whence=0, /)", "Move to new file position and return the file position.", seek)
        .method("seekable($self, /)", "True if file supports random-access.", seekable)
        .method("tell($self, /)", "Current file position.", tell)
        .method("truncate($self, size=None, /)", "Truncate the file to at most size bytes.", truncate)
        .method("writable($self, /)", "True if file was opened in a write mode.", writable)
        .method("write($self, b, /)", "Write buffer b to file, return number of bytes written.", write)
        .getter("closed", "True if the file is closed", |_: &Vm, f: Ptr<FileIoObj>| f.fd() < 0)
        .getter("closefd", "True if the file descriptor will be closed by close().", |_: &Vm, f: Ptr<FileIoObj>| {
            f.fd.close.get()
        })
        .getter("mode", "String giving the file mode", |_: &Vm, f: Ptr<FileIoObj>| f.mode_str())
        .getter("_blksize", "Stat st_blksize if available", |_: &Vm, f: Ptr<FileIoObj>| f.blksize.get())
        .getset("_finalizing", "", get_finalizing, set_finalizing)
        .class();
    no_pickle(t);
    FILE_IO.set(with_finalizer(t));
    m.class(t);
}

/// `_finalizing` of the classes of `_io`.
pub(super) fn get_finalizing(_: &Vm, s: Value) -> bool {
    has_bit(s, bits::FINALIZING)
}

/// Sets `_finalizing`.
pub(super) fn set_finalizing(vm: &Vm, s: Value, v: Value) -> Res<()> {
    if v.is_empty() {
        return Err(vm.type_error("can't delete numeric/char attribute"));
    }
    if v != Value::TRUE && v != Value::FALSE {
        return Err(vm.type_error("attribute value type must be bool"));
    }
    set_bit(s, bits::FINALIZING, v == Value::TRUE);
    Ok(())
}

impl FileIoObj {
    /// The descriptor; negative when closed.
    pub fn fd(&self) -> i32 {
        self.fd.fd.get()
    }

    fn has(&self, bit: u32) -> bool {
        self.mode.get() & bit != 0
    }

    fn mode_str(&self) -> &'static str {
        match (self.has(mode::CREATED), self.has(mode::APPENDING), self.has(mode::READABLE), self.has(mode::WRITABLE)) {
            (true, _, true, _) => "xb+",
            (true, ..) => "xb",
            (_, true, true, _) => "ab+",
            (_, true, ..) => "ab",
            (_, _, true, true) => "rb+",
            (_, _, true, _) => "rb",
            _ => "wb",
        }
    }

    /// Whether it can be read.
    pub fn can_read(&self) -> bool {
        self.has(mode::READABLE)
    }
}

fn new(_: &Vm, cls: Ptr<TypeObj>, _args: Value, _kwargs: Value) -> Value {
    let map = cls.instance_map();
    let object = FileIoObj {
        header: Header::new(map),
        bits: Cell::new(0),
        fd: Native(Descriptor { fd: Cell::new(-1), close: Cell::new(true) }),
        mode: Cell::new(0),
        seekable: Cell::new(-1),
        blksize: Cell::new(super::DEFAULT_BUFFER_SIZE as i64),
        kind: Cell::new(0),
        size: Cell::new(0),
    };
    heap().alloc(map, object).value()
}

/// A new open `FileIO`, as `FileIO(file, mode, closefd, opener)` makes it.
pub fn open(vm: &Vm, file: Value, mode: &str, closefd: bool, opener: Value) -> Res<Ptr<FileIoObj>> {
    let f = new(vm, FILE_IO.get(), Value::EMPTY, Value::EMPTY);
    let f: Ptr<FileIoObj> = f.downcast().expect("just made");
    init_with(vm, f, file, mode, closefd, opener)?;
    Ok(f)
}

fn parse_mode(vm: &Vm, text: &str) -> Res<(u32, i32)> {
    const BAD: &str = "Must have exactly one of create/read/write/append mode and at most one plus";
    let (mut bits, mut flags, mut main, mut plus) = (0, 0, false, false);
    for c in text.chars() {
        let (b, f) = match c {
            'x' => (mode::CREATED | mode::WRITABLE, libc::O_EXCL | libc::O_CREAT),
            'r' => (mode::READABLE, 0),
            'w' => (mode::WRITABLE, libc::O_CREAT | libc::O_TRUNC),
            'a' => (mode::WRITABLE | mode::APPENDING, libc::O_APPEND | libc::O_CREAT),
            'b' => continue,
            '+' if plus => return Err(vm.value_error(BAD)),
            '+' => {
                plus = true;
                bits |= mode::READABLE | mode::WRITABLE;
                continue;
            }
            _ => return Err(vm.value_error(format!("invalid mode: {text}"))),
        };
        if main {
            return Err(vm.value_error(BAD));
        }
        main = true;
        bits |= b;
        flags |= f;
    }
    if !main {
        return Err(vm.value_error(BAD));
    }
    flags |= match (bits & mode::READABLE != 0, bits & mode::WRITABLE != 0) {
        (true, true) => libc::O_RDWR,
        (true, false) => libc::O_RDONLY,
        _ => libc::O_WRONLY,
    };
    Ok((bits, flags | libc::O_CLOEXEC))
}

fn init_file(
    vm: &Vm,
    f: Ptr<FileIoObj>,
    file: Value,
    mode: Option<String>,
    closefd: Option<bool>,
    opener: Option<Value>,
) -> Res<()> {
    let mode = mode.unwrap_or_else(|| "r".into());
    init_with(vm, f, file, &mode, closefd.unwrap_or(true), opener.unwrap_or(Value::NONE))
}

fn init_with(vm: &Vm, f: Ptr<FileIoObj>, file: Value, mode: &str, closefd: bool, opener: Value) -> Res<()> {
    if f.fd() >= 0 {
        let old = f.fd.fd.replace(-1);
        if f.fd.close.get() {
            close_fd(vm, old)?;
        }
    }
    let (bits, flags) = parse_mode(vm, mode)?;
    f.mode.set(bits);
    f.seekable.set(-1);
    f.kind.set(0);
    f.size.set(0);
    f.fd.close.set(closefd);
    let fd = match Int::of(file) {
        Some(i) => {
            if file.is_bool() {
                crate::warn::warn(vm, rt().types.runtime_warning, "bool is used as a file descriptor", 1)?;
            }
            let fd = i.to_i64().and_then(|n| i32::try_from(n).ok());
            let Some(fd) = fd else {
                return Err(vm.overflow_error("Python int too large to convert to C int"));
            };
            if fd < 0 {
                return Err(vm.value_error("negative file descriptor"));
            }
            Some(fd)
        }
        None => None,
    };
    let own = fd.is_none();
    if rt().is_audited() {
        let mode = StrObj::new(&mode.replace('b', "")).value();
        vm.audit("open", &[file, mode, Value::int((flags | libc::O_CLOEXEC) as i64)])?;
    }
    let fd = match fd {
        Some(fd) => fd,
        None if !closefd => return Err(vm.value_error("Cannot use closefd=False with file name")),
        None if opener.is_none() => open_path(vm, file, flags)?,
        None => {
            // Fails for what is no path at all, before the opener sees it.
            fspath(vm, file)?;
            let r = vm.call(opener, &[file, Value::int(flags as i64)])?;
            let Some(i) = Int::of(r) else {
                return Err(vm.type_error("expected integer from opener"));
            };
            let fd = i.to_i64().and_then(|n| i32::try_from(n).ok()).ok_or_else(|| {
                vm.overflow_error("Python int too large to convert to C int")
            })?;
            if fd < 0 {
                return Err(vm.value_error(format!("opener returned {fd}")));
            }
            // SAFETY: a plain call.
            unsafe { libc::fcntl(fd, libc::F_SETFD, libc::FD_CLOEXEC) };
            fd
        }
    };
    let fail = |e| {
        if own {
            // SAFETY: the descriptor was opened above, nobody else has it.
            unsafe { libc::close(fd) };
        }
        Err(e)
    };
    // SAFETY: a plain C struct.
    let mut st: libc::stat = unsafe { std::mem::zeroed() };
    // SAFETY: a valid buffer.
    match vm.allow_threads(|| (unsafe { libc::fstat(fd, &mut st) }, errno())) {
        (0, _) => {
            if st.st_mode & libc::S_IFMT == libc::S_IFDIR {
                return fail(os_error(vm, libc::EISDIR, file));
            }
            if st.st_blksize > 1 {
                f.blksize.set(st.st_blksize);
            }
            f.kind.set(st.st_mode & libc::S_IFMT);
            f.size.set(if f.kind.get() == libc::S_IFREG { st.st_size } else { 0 });
        }
        (_, libc::EBADF) => return fail(os_error(vm, libc::EBADF, file)),
        _ => {}
    }
    f.fd.fd.set(fd);
    let named = vm.set_attr(f.value(), intern("name"), file).and_then(|()| {
        if bits & mode::APPENDING != 0 {
            // The position of a stream opened for appending is its end from the start; pipes have none.
            // SAFETY: a plain call.
            let r = vm.allow_threads(|| (unsafe { libc::lseek(fd, 0, libc::SEEK_END) }, errno()));
            if r.0 < 0 && r.1 != libc::ESPIPE {
                return Err(os_error(vm, r.1, Value::EMPTY));
            }
        }
        Ok(())
    });
    if named.is_err() {
        f.fd.fd.set(-1);
        return named.or_else(fail);
    }
    Ok(())
}

fn open_path(vm: &Vm, file: Value, flags: i32) -> Res<i32> {
    let name = fspath(vm, file)?;
    let bytes = match name.downcast::<StrObj>() {
        Some(s) => encode(vm, s)?,
        None => name.downcast::<BytesObj>().expect("str or bytes").as_slice().to_vec(),
    };
    let what = if name.is::<StrObj>() { "embedded null character" } else { "embedded null byte" };
    let path = std::ffi::CString::new(bytes).map_err(|_| vm.value_error(what))?;
    let p = path.as_ptr() as usize;
    // SAFETY: a terminated path.
    let r = retry(vm, || unsafe { libc::open(p as *const libc::c_char, flags, 0o666 as libc::c_uint) })?;
    r.map_err(|e| os_error(vm, e, file))
}

fn close_fd(vm: &Vm, fd: i32) -> Res<()> {
    // SAFETY: the stream owns the descriptor.
    let r = vm.allow_threads(|| (unsafe { libc::close(fd) }, errno()));
    if r.0 < 0 && r.1 != libc::EINTR { Err(os_error(vm, r.1, Value::EMPTY)) } else { Ok(()) }
}

fn repr(vm: &Vm, f: Ptr<FileIoObj>) -> Res<String> {
    let class = super::buffered::type_name(f.value());
    if f.fd() < 0 {
        return Ok(format!("<{class} [closed]>"));
    }
    let closefd = if f.fd.close.get() { "True" } else { "False" };
    match vm.get_attr_opt(f.value(), intern("name"))? {
        None => Ok(format!("<{class} fd={} mode='{}' closefd={closefd}>", f.fd(), f.mode_str())),
        Some(name) => {
            if !vm.repr_enter(f.value()) {
                return Err(vm.runtime_error(format!("reentrant call inside {class}.__repr__")));
            }
            let r = vm.repr_str(name);
            vm.repr_leave(f.value());
            Ok(format!("<{class} name={} mode='{}' closefd={closefd}>", r?, f.mode_str()))
        }
    }
}

fn dealloc_warn(vm: &Vm, f: Ptr<FileIoObj>, source: Value) -> Res<()> {
    if f.fd() >= 0 && f.fd.close.get() {
        return warn_unclosed(vm, source);
    }
    Ok(())
}

fn close(vm: &Vm, f: Ptr<FileIoObj>) -> Res<Value> {
    let base = vm.get_attr_str(RAW_IO_BASE.get().value(), "close")?;
    let first = vm.call(base, &[f.value()]);
    if !f.fd.close.get() {
        f.fd.fd.set(-1);
        return first;
    }
    if has_bit(f.value(), bits::FINALIZING) {
        dealloc_warn(vm, f, f.value())?;
    }
    let fd = f.fd.fd.replace(-1);
    let second = if fd >= 0 { close_fd(vm, fd).map(|()| Value::NONE) } else { Ok(Value::NONE) };
    both(first, second)
}

fn open_fd(vm: &Vm, f: Ptr<FileIoObj>) -> Res<i32> {
    if f.fd() < 0 { Err(vm.value_error("I/O operation on closed file")) } else { Ok(f.fd()) }
}

fn readable_fd(vm: &Vm, f: Ptr<FileIoObj>) -> Res<i32> {
    let fd = open_fd(vm, f)?;
    if f.can_read() { Ok(fd) } else { Err(unsupported(vm, "File not open for reading")) }
}

fn fileno(vm: &Vm, f: Ptr<FileIoObj>) -> Res<i32> {
    open_fd(vm, f)
}

fn isatty(vm: &Vm, f: Ptr<FileIoObj>) -> Res<bool> {
    let fd = open_fd(vm, f)?;
    // SAFETY: a plain call.
    Ok(vm.allow_threads(|| unsafe { libc::isatty(fd) }) == 1)
}

fn readable(vm: &Vm, f: Ptr<FileIoObj>) -> Res<bool> {
    open_fd(vm, f).map(|_| f.can_read())
}

fn writable(vm: &Vm, f: Ptr<FileIoObj>) -> Res<bool> {
    open_fd(vm, f).map(|_| f.has(mode::WRITABLE))
}

fn seekable(vm: &Vm, f: Ptr<FileIoObj>) -> Res<bool> {
    let fd = open_fd(vm, f)?;
    if f.seekable.get() < 0 {
        // SAFETY: a plain call.
        let r = vm.allow_threads(|| unsafe { libc::lseek(fd, 0, libc::SEEK_CUR) });
        f.seekable.set((r >= 0) as i32);
    }
    Ok(f.seekable.get() == 1)
}

/// Reads into memory that stays in place; `None` when the descriptor has nothing now (`EAGAIN`).
pub fn read_raw(vm: &Vm, f: Ptr<FileIoObj>, p: *mut u8, n: usize) -> Res<Option<usize>> {
    let fd = readable_fd(vm, f)?;
    let p = p as usize;
    // SAFETY: the caller's memory is writable for n bytes.
    match retry(vm, || unsafe { libc::read(fd, p as *mut libc::c_void, n.min(isize::MAX as usize)) })? {
        Ok(n) => Ok(Some(n as usize)),
        Err(e) if e == libc::EAGAIN || e == libc::EWOULDBLOCK => Ok(None),
        Err(e) => Err(os_error(vm, e, Value::EMPTY)),
    }
}

/// Writes from memory that stays in place; `None` when the descriptor takes nothing now (`EAGAIN`).
pub fn write_raw(vm: &Vm, f: Ptr<FileIoObj>, p: *const u8, n: usize) -> Res<Option<usize>> {
    let fd = open_fd(vm, f)?;
    if !f.has(mode::WRITABLE) {
        return Err(unsupported(vm, "File not open for writing"));
    }
    let p = p as usize;
    // SAFETY: the caller's memory is readable for n bytes.
    match retry(vm, || unsafe { libc::write(fd, p as *const libc::c_void, n.min(isize::MAX as usize)) })? {
        Ok(n) => Ok(Some(n as usize)),
        Err(e) if e == libc::EAGAIN || e == libc::EWOULDBLOCK => Ok(None),
        Err(e) => Err(os_error(vm, e, Value::EMPTY)),
    }
}

fn read(vm: &Vm, f: Ptr<FileIoObj>, size: Size) -> Res<Value> {
    readable_fd(vm, f)?;
    let Some(n) = size.limit() else { return readall(vm, f) };
    let mut buf: Vec<u8> = Vec::new();
    buf.try_reserve_exact(n).map_err(|_| vm.new_exc_args(rt().types.memory_error, &[]))?;
    let Some(got) = read_raw(vm, f, buf.as_mut_ptr(), n)? else { return Ok(Value::NONE) };
    // SAFETY: the system has filled that many bytes.
    unsafe { buf.set_len(got) };
    Ok(BytesObj::new(&buf).value())
}

/// Up to this size, room is made for the whole file, without asking for the position.
const SMALL_FILE: i64 = 65536;

/// Everything from the position to the end; None when nothing can be had now.
pub fn readall(vm: &Vm, f: Ptr<FileIoObj>) -> Res<Value> {
    let fd = readable_fd(vm, f)?;
    // What the file had when it was opened will do to begin with.
    let mut left = f.size.get();
    if left > SMALL_FILE {
        // SAFETY: a plain call.
        left -= vm.allow_threads(|| unsafe { libc::lseek(fd, 0, libc::SEEK_CUR) }).max(0);
    }
    let mut buf: Vec<u8> = Vec::with_capacity(if left > 0 { left as usize + 1 } else { 8192 });
    loop {
        if buf.capacity() - buf.len() < 1 {
            let grow = (buf.len() / 2).clamp(8192, 64 << 20);
            buf.reserve(grow);
        }
        let room = buf.capacity() - buf.len();
        // SAFETY: the spare capacity is writable.
        let p = unsafe { buf.as_mut_ptr().add(buf.len()) };
        match read_raw(vm, f, p, room)? {
            None if buf.is_empty() => return Ok(Value::NONE),
            None | Some(0) => break,
            // SAFETY: the system has filled that many bytes.
            Some(n) => unsafe { buf.set_len(buf.len() + n) },
        }
    }
    Ok(BytesObj::new(&buf).value())
}

fn readinto(vm: &Vm, f: Ptr<FileIoObj>, buffer: Value) -> Res<Option<usize>> {
    let b = vm.writable_bytes(buffer, "readinto() argument")?;
    read_raw(vm, f, b.address(), b.len())
}

fn write(vm: &Vm, f: Ptr<FileIoObj>, b: Buffer) -> Res<Option<usize>> {
    let n = b.as_slice().len();
    let written = write_raw(vm, f, b.as_slice().as_ptr(), n)?;
    if written.is_some_and(|w| w < n) {
        // Perhaps a signal has cut it short.
        vm.poll()?;
    }
    Ok(written)
}

/// `lseek`.
pub fn seek_raw(vm: &Vm, f: Ptr<FileIoObj>, to: i64, whence: i32) -> Res<i64> {
    let fd = open_fd(vm, f)?;
    // SAFETY: a plain call.
    let (r, e) = vm.allow_threads(|| (unsafe { libc::lseek(fd, to, whence) }, errno()));
    if f.seekable.get() < 0 {
        f.seekable.set((r >= 0) as i32);
    }
    if r < 0 { Err(os_error(vm, e, Value::EMPTY)) } else { Ok(r) }
}

fn seek(vm: &Vm, f: Ptr<FileIoObj>, pos: Value, whence: Option<i32>) -> Res<i64> {
    open_fd(vm, f)?;
    if cape_vm::object::float_of(pos).is_some() {
        return Err(vm.type_error("an integer is required"));
    }
    let to = offset(vm, pos)?;
    seek_raw(vm, f, to, whence.unwrap_or(0))
}

fn tell(vm: &Vm, f: Ptr<FileIoObj>) -> Res<i64> {
    seek_raw(vm, f, 0, libc::SEEK_CUR)
}

fn truncate(vm: &Vm, f: Ptr<FileIoObj>, size: Option<Value>) -> Res<Value> {
    let fd = open_fd(vm, f)?;
    if !f.has(mode::WRITABLE) {
        return Err(unsupported(vm, "File not open for writing"));
    }
    let size = match size {
        Some(v) if !v.is_none() => v,
        _ => cape_vm::object::int_value(tell(vm, f)?),
    };
    let n = offset(vm, size)?;
    // SAFETY: a plain call.
    retry(vm, || unsafe { libc::ftruncate(fd, n) })?.map_err(|e| os_error(vm, e, Value::EMPTY))?;
    Ok(size)
}

/// `io.open_code`.
pub(super) fn open_code(vm: &Vm, path: Value) -> Res<Value> {
    // Checks the type as the other functions that take paths do.
    let _ = Path::from_arg(vm, path, 0)?;
    super::open::open(vm, &super::open::Args { file: path, mode: "rb", ..Default::default() })
}
