//! `BufferedReader`, `BufferedWriter`, `BufferedRandom`: a buffer in front of a raw stream.
//!
//! The buffer holds either bytes read ahead (`pos..end`) or bytes not written yet (`wstart..wend`), never both. Raw streams of exact
//! type `FileIO` are used directly, all others through their methods.

mod pair;
mod reader;
mod writer;

use std::alloc::{Layout, alloc_zeroed};
use std::cell::{Cell, UnsafeCell};
use std::sync::{Condvar, Mutex};
use std::time::Duration;

use cape_heap::{Field, Header, Native, heap, heap_object};
use cape_vm::native::{Named, TypeBuilder, new_type};
use cape_vm::object::{BytearrayObj, BytesObj, ModuleObj, TypeFlags, TypeObj, int_value};
use cape_vm::runtime::StaticType;
use cape_vm::{Ptr, Raised, Res, Value, Vm, intern, rt, type_of};

pub use reader::{fill, read1_bytes};
pub use writer::{flush, write_bytes};

use super::base::{BUFFERED_IO_BASE, no_pickle};
use super::fileio::{self, FILE_IO, FileIoObj, get_finalizing, set_finalizing};
use super::util::*;

heap_object! {
    /// A buffered stream of one of the three classes.
    pub struct BufferedObj {
        pub bits: Cell<u32>,
        pub raw: Field,
        pub owner: Cell<usize>,
        pub waiters: Cell<u32>,
        pub state: Native<UnsafeCell<State>>,
    } [drop]
}

impl Named for BufferedObj {
    const NAME: &'static str = "_io._Buffered";
}

/// The buffer and what is known of the raw stream.
pub struct State {
    buf: Vec<u8>,
    pos: usize,
    end: usize,
    wstart: usize,
    wend: usize,
    /// Position of the raw stream, -1 when not known.
    raw_pos: i64,
    readable: bool,
    writable: bool,
    ok: bool,
    detached: bool,
}

/// `_io.BufferedReader`.
pub static READER: StaticType = StaticType::new();
/// `_io.BufferedWriter`.
pub static WRITER: StaticType = StaticType::new();
/// `_io.BufferedRandom`.
pub static RANDOM: StaticType = StaticType::new();

pub(super) fn init(m: Ptr<ModuleObj>) {
    let common = |name: &'static str, doc: &'static str| {
        let b = new_type::<BufferedObj>(name, BUFFERED_IO_BASE.get(), CLASS)
            .doc(doc)
            .allocated_by(new);
        shared_methods(b)
    };
    let r = common("_io.BufferedReader", "Create a new buffered reader using the given readable raw IO object.")
        .method("__init__($self, /, raw, buffer_size=DEFAULT_BUFFER_SIZE)", "Initialize self.", init_reader);
    READER.set(with_finalizer(reader::methods(r).class()));
    let w = common("_io.BufferedWriter", "A buffer for a writeable sequential RawIO object.")
        .method("__init__($self, /, raw, buffer_size=DEFAULT_BUFFER_SIZE)", "Initialize self.", init_writer);
    WRITER.set(with_finalizer(writer::methods(w).class()));
    let b = common("_io.BufferedRandom", "A buffered interface to random access streams.")
        .method("__init__($self, /, raw, buffer_size=DEFAULT_BUFFER_SIZE)", "Initialize self.", init_random);
    RANDOM.set(with_finalizer(writer::methods(reader::methods(b)).class()));
    for t in [&READER, &WRITER, &RANDOM] {
        no_pickle(t.get());
        m.class(t.get());
    }
    pair::init(m);
}

fn shared_methods(b: TypeBuilder) -> TypeBuilder {
    b.method("__repr__($self, /)", "Return repr(self).", repr)
        .method("__sizeof__($self, /)", "", |_: &Vm, b: Ptr<BufferedObj>| b.state().buf.len() + size_of::<BufferedObj>())
        .method("_dealloc_warn($self, source, /)", "", dealloc_warn)
        .method("close($self, /)", "", close)
        .method("detach($self, /)", "", detach)
        .method("fileno($self, /)", "", |vm: &Vm, b: Ptr<BufferedObj>| raw_call(vm, b, "fileno"))
        .method("isatty($self, /)", "", |vm: &Vm, b: Ptr<BufferedObj>| raw_call(vm, b, "isatty"))
        .method("seekable($self, /)", "", |vm: &Vm, b: Ptr<BufferedObj>| raw_call(vm, b, "seekable"))
        .method("seek($self, target, whence=0, /)", "", seek)
        .method("tell($self, /)", "", tell)
        .method("truncate($self, pos=None, /)", "", truncate)
        .getset("_finalizing", "", get_finalizing, set_finalizing)
        .getter("raw", "", |_: &Vm, b: Ptr<BufferedObj>| if b.raw.get().is_empty() { Value::NONE } else { b.raw.get() })
        .getter("closed", "", |vm: &Vm, b: Ptr<BufferedObj>| closed(vm, b))
        .getter("name", "", |vm: &Vm, b: Ptr<BufferedObj>| checked_raw(vm, b).and_then(|r| vm.get_attr_str(r, "name")))
        .getter("mode", "", |vm: &Vm, b: Ptr<BufferedObj>| checked_raw(vm, b).and_then(|r| vm.get_attr_str(r, "mode")))
}

fn new(cls: Ptr<TypeObj>) -> Value {
    let map = cls.instance_map();
    let state = State {
        buf: Vec::new(),
        pos: 0,
        end: 0,
        wstart: 0,
        wend: 0,
        raw_pos: -1,
        readable: false,
        writable: false,
        ok: false,
        detached: false,
    };
    let object = BufferedObj {
        header: Header::new(map),
        bits: Cell::new(0),
        raw: Field::new(Value::EMPTY),
        owner: Cell::new(0),
        waiters: Cell::new(0),
        state: Native(UnsafeCell::new(state)),
    };
    heap().alloc(map, object).value()
}

/// A new buffered stream over `raw`.
pub fn open(vm: &Vm, class: &'static StaticType, raw: Value, size: usize) -> Res<Value> {
    let b = new(class.get());
    let o: Ptr<BufferedObj> = b.downcast().expect("just made");
    let t = class.get();
    init_with(vm, o, raw, Some(size as isize), t != WRITER.get(), t != READER.get())?;
    Ok(b)
}

fn init_reader(vm: &Vm, b: Ptr<BufferedObj>, raw: Value, size: Option<isize>) -> Res<()> {
    b.state().ok = false;
    super::base::check_able(vm, raw, "readable", "File or stream is not readable.")?;
    init_with(vm, b, raw, size, true, false)
}

fn init_writer(vm: &Vm, b: Ptr<BufferedObj>, raw: Value, size: Option<isize>) -> Res<()> {
    b.state().ok = false;
    super::base::check_able(vm, raw, "writable", "File or stream is not writable.")?;
    init_with(vm, b, raw, size, false, true)
}

fn init_random(vm: &Vm, b: Ptr<BufferedObj>, raw: Value, size: Option<isize>) -> Res<()> {
    b.state().ok = false;
    super::base::check_able(vm, raw, "seekable", "File or stream is not seekable.")?;
    super::base::check_able(vm, raw, "readable", "File or stream is not readable.")?;
    super::base::check_able(vm, raw, "writable", "File or stream is not writable.")?;
    init_with(vm, b, raw, size, true, true)
}

/// A buffer of the usual size that a closed stream has left: the next one finds its pages in memory.
static SPARE: Mutex<Vec<u8>> = Mutex::new(Vec::new());

/// A buffer; nothing is to be read of it before it is written. `None`: there is not so much memory.
fn new_buffer(size: usize) -> Option<Vec<u8>> {
    if size == super::DEFAULT_BUFFER_SIZE {
        let spare = std::mem::take(&mut *SPARE.lock().unwrap_or_else(|e| e.into_inner()));
        if spare.len() == size {
            return Some(spare);
        }
    }
    let layout = Layout::array::<u8>(size).ok()?;
    // SAFETY: the size is not 0; what is allocated so is a vector's, and all of it is written. (Zeros, not written but had from the system,
    // which keeps no memory for those that nobody touches.)
    unsafe {
        let p = alloc_zeroed(layout);
        (!p.is_null()).then(|| Vec::from_raw_parts(p, size, size))
    }
}

/// Takes the buffer of a closed stream.
fn keep_buffer(buf: Vec<u8>) {
    if buf.len() == super::DEFAULT_BUFFER_SIZE {
        *SPARE.lock().unwrap_or_else(|e| e.into_inner()) = buf;
    }
}

fn init_with(vm: &Vm, b: Ptr<BufferedObj>, raw: Value, size: Option<isize>, readable: bool, writable: bool) -> Res<()> {
    let size = size.unwrap_or(super::DEFAULT_BUFFER_SIZE as isize);
    if size <= 0 {
        return Err(vm.value_error("buffer size must be strictly positive"));
    }
    let buf = new_buffer(size as usize).ok_or_else(|| vm.new_exc_args(rt().types.memory_error, &[]))?;
    let _lock = Lock::take(vm, b)?;
    b.raw.set(b, raw);
    set_bit(raw, bits::OWNED, true);
    let s = b.state();
    *s = State { buf, pos: 0, end: 0, wstart: 0, wend: 0, raw_pos: -1, readable, writable, ok: false, detached: false };
    // The position is only a hint: streams without one are fine.
    match raw_tell(vm, b) {
        Err(e) if !e.is(rt().types.exception) => return Err(e),
        _ => {}
    }
    b.state().ok = true;
    Ok(())
}

impl BufferedObj {
    /// The buffer. The reference must not be held while Python code runs or the GIL is released.
    #[allow(clippy::mut_from_ref, reason = "guarded by the GIL and the object's own lock")]
    pub(super) fn state(&self) -> &mut State {
        // SAFETY: the GIL is held, and callers end their use before anything else can run.
        unsafe { &mut *self.state.0.get() }
    }

    /// The raw stream when it is exactly a `FileIO`.
    fn file(&self) -> Option<Ptr<FileIoObj>> {
        let raw = self.raw.get();
        let f: Ptr<FileIoObj> = raw.downcast()?;
        (type_of(raw) == FILE_IO.get()).then_some(f)
    }
}

impl State {
    /// Bytes read ahead.
    fn ahead(&self) -> usize {
        self.end - self.pos
    }

    /// Bytes not written yet.
    fn pending(&self) -> usize {
        self.wend - self.wstart
    }

    fn forget_read(&mut self) {
        (self.pos, self.end) = (0, 0)
    }

    /// Takes at most `n` bytes that were read ahead.
    fn take(&mut self, n: usize) -> &[u8] {
        let n = n.min(self.ahead());
        self.pos += n;
        &self.buf[self.pos - n..self.pos]
    }
}

/// Where threads wait for a stream that another one uses.
static FREED: (Mutex<()>, Condvar) = (Mutex::new(()), Condvar::new());

/// Holds a stream for one thread: raw operations give up the GIL or run Python code half-way.
pub(super) struct Lock(Ptr<BufferedObj>);

impl Lock {
    #[inline]
    pub(super) fn take(vm: &Vm, b: Ptr<BufferedObj>) -> Res<Lock> {
        if b.owner.get() != 0 {
            Lock::wait(vm, b)?;
        }
        b.owner.set(vm as *const Vm as usize);
        Ok(Lock(b))
    }

    #[cold]
    fn wait(vm: &Vm, b: Ptr<BufferedObj>) -> Res<()> {
        if b.owner.get() == vm as *const Vm as usize {
            let text = vm.repr_str(b.value())?;
            return Err(vm.runtime_error(format!("reentrant call inside {text}")));
        }
        b.waiters.set(b.waiters.get() + 1);
        while b.owner.get() != 0 {
            vm.allow_threads(|| {
                let g = FREED.0.lock().unwrap_or_else(|e| e.into_inner());
                // The time limit makes up for a release between the test and the wait.
                drop(FREED.1.wait_timeout(g, Duration::from_millis(5)));
            });
        }
        b.waiters.set(b.waiters.get() - 1);
        Ok(())
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        self.0.owner.set(0);
        if self.0.waiters.get() > 0 {
            FREED.1.notify_all();
        }
    }
}

/// Raises unless the stream is ready for use.
pub(super) fn check_ready(vm: &Vm, b: Ptr<BufferedObj>) -> Res<()> {
    let s = b.state();
    if s.ok {
        return Ok(());
    }
    Err(vm.value_error(if s.detached {
        "raw stream has been detached"
    } else {
        "I/O operation on uninitialized object"
    }))
}

fn checked_raw(vm: &Vm, b: Ptr<BufferedObj>) -> Res<Value> {
    check_ready(vm, b)?;
    Ok(b.raw.get())
}

fn raw_call(vm: &Vm, b: Ptr<BufferedObj>, name: &str) -> Res<Value> {
    let raw = checked_raw(vm, b)?;
    call(vm, raw, name, &[])
}

/// Whether the raw stream is closed.
pub(super) fn closed(vm: &Vm, b: Ptr<BufferedObj>) -> Res<bool> {
    check_ready(vm, b)?;
    match b.file() {
        Some(f) => Ok(f.fd() < 0),
        None => is_closed(vm, b.raw.get()),
    }
}

/// Raises unless the stream is ready and open.
pub(super) fn check_open(vm: &Vm, b: Ptr<BufferedObj>, message: &str) -> Res<()> {
    if closed(vm, b)? {
        return Err(vm.value_error(message));
    }
    let s = b.state();
    if s.buf.is_empty() {
        // A raw stream that was closed, and then initialised again.
        s.buf = vec![0; super::DEFAULT_BUFFER_SIZE];
    }
    Ok(())
}

/// `type(self).__name__` as CPython's `tp_name` shows it.
pub(super) fn type_name(v: Value) -> String {
    let t = type_of(v);
    if t.has(TypeFlags::HEAP) { t.name_str() } else { cape_vm::class::full_name(t) }
}

fn repr(vm: &Vm, b: Ptr<BufferedObj>) -> Res<String> {
    let class = type_name(b.value());
    let name = match vm.get_attr_opt(b.value(), intern("name")) {
        Err(e) if e.is(rt().types.value_error) => None,
        r => r?,
    };
    let Some(name) = name else { return Ok(format!("<{class}>")) };
    if !vm.repr_enter(b.value()) {
        return Err(vm.runtime_error(format!("reentrant call inside {class}.__repr__")));
    }
    let r = vm.repr_str(name);
    vm.repr_leave(b.value());
    Ok(format!("<{class} name={}>", r?))
}

fn dealloc_warn(vm: &Vm, b: Ptr<BufferedObj>, source: Value) -> Res<()> {
    if b.state().ok {
        let raw = b.raw.get();
        // Streams without the method have nothing to warn of.
        let _ = call(vm, raw, "_dealloc_warn", &[source]);
    }
    Ok(())
}

fn close(vm: &Vm, b: Ptr<BufferedObj>) -> Res<Value> {
    {
        let _lock = Lock::take(vm, b)?;
        if closed(vm, b)? {
            return Ok(Value::NONE);
        }
        if has_bit(b.value(), bits::FINALIZING) {
            dealloc_warn(vm, b, b.value())?;
        }
    }
    let first = call(vm, b.value(), "flush", &[]);
    let _lock = Lock::take(vm, b)?;
    let second = call(vm, b.raw.get(), "close", &[]);
    let s = b.state();
    s.forget_read();
    (s.wstart, s.wend) = (0, 0);
    if b.file().is_some_and(|f| f.fd() < 0) {
        keep_buffer(std::mem::take(&mut s.buf));
    }
    both(first, second)
}

fn detach(vm: &Vm, b: Ptr<BufferedObj>) -> Res<Value> {
    check_ready(vm, b)?;
    call(vm, b.value(), "flush", &[])?;
    let raw = b.raw.get();
    set_bit(raw, bits::OWNED, false);
    b.raw.set_no_barrier(Value::EMPTY);
    let s = b.state();
    (s.detached, s.ok) = (true, false);
    Ok(raw)
}

/// Asks the raw stream for its position.
fn raw_tell(vm: &Vm, b: Ptr<BufferedObj>) -> Res<i64> {
    let n = match b.file() {
        Some(f) => fileio::seek_raw(vm, f, 0, libc::SEEK_CUR)?,
        None => {
            let r = call(vm, b.raw.get(), "tell", &[])?;
            position(vm, r, "Raw stream")?
        }
    };
    b.state().raw_pos = n;
    Ok(n)
}

/// The raw stream's position, asked for when it is not known.
fn known_raw_pos(vm: &Vm, b: Ptr<BufferedObj>) -> Res<i64> {
    match b.state().raw_pos {
        -1 => raw_tell(vm, b),
        n => Ok(n),
    }
}

fn raw_seek(vm: &Vm, b: Ptr<BufferedObj>, to: i64, whence: i32) -> Res<i64> {
    let n = match b.file() {
        Some(f) => fileio::seek_raw(vm, f, to, whence)?,
        None => {
            let r = call(vm, b.raw.get(), "seek", &[int_value(to), Value::int(whence as i64)])?;
            position(vm, r, "Raw stream")?
        }
    };
    b.state().raw_pos = n;
    Ok(n)
}

/// Reads once from the raw stream into memory that stays in place. `None`: nothing to be had now.
fn raw_read(vm: &Vm, b: Ptr<BufferedObj>, p: *mut u8, n: usize) -> Res<Option<usize>> {
    let got = match b.file() {
        Some(f) => fileio::read_raw(vm, f, p, n)?,
        None => {
            let buffer = BytearrayObj::new(vec![0; n]);
            let r = loop {
                match call(vm, b.raw.get(), "readinto", &[buffer.value()]) {
                    // A signal whose handler did not raise: again.
                    Err(e) if e.is(rt().types.interrupted_error) => vm.poll()?,
                    r => break r?,
                }
            };
            if r.is_none() {
                None
            } else {
                let size = vm.index_int(r).and_then(|i| {
                    i.to_i64().ok_or_else(|| vm.overflow_error("Python int too large to convert to C ssize_t"))
                });
                let got = match size {
                    Ok(k) => k,
                    Err(cause) => {
                        let e = vm.os_error("raw readinto() failed");
                        e.exc().cause.set(e.exc(), cause.value());
                        e.exc().context.set(e.exc(), cause.value());
                        e.exc().suppress_context.set(true);
                        return Err(e);
                    }
                };
                if got < 0 || got as usize > n {
                    return Err(vm.os_error(format!(
                        "raw readinto() returned invalid length {got} (should have been between 0 and {n})"
                    )));
                }
                let data = buffer.as_slice();
                let k = (got as usize).min(data.len());
                // SAFETY: the caller's memory has room for n bytes.
                unsafe { std::ptr::copy_nonoverlapping(data.as_ptr(), p, k) };
                Some(k)
            }
        }
    };
    let s = b.state();
    if let Some(k) = got
        && s.raw_pos != -1
    {
        s.raw_pos += k as i64;
    }
    Ok(got)
}

/// Writes once to the raw stream from memory that stays in place. `None`: it takes nothing now.
fn raw_write(vm: &Vm, b: Ptr<BufferedObj>, p: *const u8, n: usize) -> Res<Option<usize>> {
    let put = match b.file() {
        Some(f) => fileio::write_raw(vm, f, p, n)?,
        None => {
            // SAFETY: the caller's memory is readable for n bytes.
            let data = BytesObj::new(unsafe { std::slice::from_raw_parts(p, n) });
            let r = loop {
                match call(vm, b.raw.get(), "write", &[data.value()]) {
                    Err(e) if e.is(rt().types.interrupted_error) => vm.poll()?,
                    r => break r?,
                }
            };
            if r.is_none() {
                None
            } else {
                let k = vm.index_isize(r)?;
                if k < 0 || k as usize > n {
                    return Err(vm.os_error(format!(
                        "raw write() returned invalid length {k} (should have been between 0 and {n})"
                    )));
                }
                Some(k as usize)
            }
        }
    };
    let s = b.state();
    if let Some(k) = put
        && s.raw_pos != -1
    {
        s.raw_pos += k as i64;
    }
    Ok(put)
}

/// Before reading: writes out what is pending. Before writing: goes back to where the reader is. The stream is locked.
fn settle(vm: &Vm, b: Ptr<BufferedObj>, for_reading: bool) -> Res<()> {
    if for_reading {
        if b.state().pending() > 0 {
            writer::flush_locked(vm, b)?;
        }
    } else {
        rewind(vm, b)?;
    }
    Ok(())
}

/// Gives back what was read ahead, by seeking the raw stream.
fn rewind(vm: &Vm, b: Ptr<BufferedObj>) -> Res<()> {
    let ahead = b.state().ahead();
    if ahead > 0 {
        raw_seek(vm, b, -(ahead as i64), libc::SEEK_CUR)?;
    }
    b.state().forget_read();
    Ok(())
}

fn seek(vm: &Vm, b: Ptr<BufferedObj>, target: Value, whence: Option<i32>) -> Res<Value> {
    check_ready(vm, b)?;
    let whence = whence.unwrap_or(0);
    if !(0..=2).contains(&whence) && whence != libc::SEEK_HOLE && whence != libc::SEEK_DATA {
        return Err(vm.value_error(format!("whence value {whence} unsupported")));
    }
    check_open(vm, b, "seek of closed file")?;
    super::base::check_able(vm, b.raw.get(), "seekable", "File or stream is not seekable.")?;
    let mut target = offset(vm, target)?;
    if whence <= 1 && b.state().readable && b.state().pending() == 0 {
        let raw = known_raw_pos(vm, b)?;
        let s = b.state();
        let here = raw - s.ahead() as i64;
        let by = if whence == 0 { target - here } else { target };
        if s.ahead() > 0 && by >= -(s.pos as i64) && by <= s.ahead() as i64 {
            s.pos = (s.pos as i64 + by) as usize;
            // Streams that are no files may say anything about their position.
            return Ok(int_value((here + by).max(0)));
        }
    }
    let _lock = Lock::take(vm, b)?;
    if b.state().pending() > 0 {
        writer::flush_locked(vm, b)?;
    }
    if whence == 1 {
        target -= b.state().ahead() as i64;
    }
    let n = raw_seek(vm, b, target, whence)?;
    b.state().forget_read();
    Ok(int_value(n))
}

fn tell(vm: &Vm, b: Ptr<BufferedObj>) -> Res<Value> {
    check_ready(vm, b)?;
    let n = raw_tell(vm, b)?;
    let s = b.state();
    Ok(int_value((n - s.ahead() as i64 + s.pending() as i64).max(0)))
}

fn truncate(vm: &Vm, b: Ptr<BufferedObj>, pos: Option<Value>) -> Res<Value> {
    check_open(vm, b, "truncate of closed file")?;
    if !b.state().writable {
        return Err(unsupported(vm, "truncate"));
    }
    let _lock = Lock::take(vm, b)?;
    writer::flush_locked(vm, b)?;
    rewind(vm, b)?;
    let pos = match pos {
        Some(p) if !p.is_none() => p,
        _ => int_value(raw_tell(vm, b)?),
    };
    let r = call(vm, b.raw.get(), "truncate", &[pos])?;
    // The raw stream may have moved.
    let _ = raw_tell(vm, b);
    Ok(r)
}

/// A raised `BlockingIOError` that says how much was taken.
#[cold]
fn would_block(vm: &Vm, written: usize) -> Raised {
    let message = "write could not complete without blocking";
    let args =
        [Value::int(libc::EAGAIN as i64), cape_vm::object::StrObj::new(message).value(), Value::int(written as i64)];
    let r = vm.new_exc_args(rt().types.blocking_io_error, &args);
    for (i, v) in [(0, args[0]), (1, args[1]), (5, args[2])] {
        cape_vm::exc::set_extra(r.exc(), i, v);
    }
    r
}
