//! `BytesIO`: a stream in memory.

use std::cell::{Cell, UnsafeCell};

use cape_heap::{Field, Header, HeapObject, Native, heap, heap_object};
use cape_vm::native::{FromArg, Named, new_type};
use cape_vm::object::{
    BytesObj, DictObj, Int, ListObj, ModuleObj, TupleObj, TypeFlags, TypeObj, int_value,
};
use cape_vm::runtime::StaticType;
use cape_vm::{Ptr, Res, Value, Vm, rt, type_of};

use super::base::BUFFERED_IO_BASE;
use super::util::*;
use cape_vm::buffer::{Buffer, RawBuffer};

heap_object! {
    /// A `BytesIO`. While `exports` is positive its size is frozen.
    pub struct BytesIoObj { pub bits: Cell<u32>, pub pos: Cell<usize>, pub exports: Cell<usize>, data: Native<UnsafeCell<Vec<u8>>> } [drop]
}

heap_object! {
    /// A `_BytesIOBuffer`: exports the contents of a `BytesIO`.
    pub struct BytesBufferObj { source: Field }
}

impl Named for BytesIoObj {
    const NAME: &'static str = "BytesIO";
}

static BUFFER: StaticType = StaticType::new();
/// `_io.BytesIO`.
pub static BYTES_IO: StaticType = StaticType::new();

pub(super) fn init(m: Ptr<ModuleObj>) {
    let t = new_type::<BytesIoObj>("_io.BytesIO", BUFFERED_IO_BASE.get(), CLASS)
        .doc("Buffered I/O implementation using an in-memory bytes buffer.")
        .new_fn("__new__(type, /, *args, **kwargs)", "Create and return a new object.", new)
        .method("__init__($self, /, initial_bytes=b'')", "Initialize self.", init_bytes)
        .method("__iter__($self, /)", "Implement iter(self).", |vm: &Vm, b: Ptr<BytesIoObj>| {
            check(vm, b).map(|()| b)
        })
        .method("__next__($self, /)", "Implement next(self).", next)
        .method("__getstate__($self, /)", "", getstate)
        .method("__setstate__($self, object, /)", "", setstate)
        .method("__sizeof__($self, /)", "", |_: &Vm, b: Ptr<BytesIoObj>| size_of::<BytesIoObj>() + b.data().capacity())
        .method("close($self, /)", "Disable all I/O operations.", close)
        .method("flush($self, /)", "Does nothing.", |vm: &Vm, b: Ptr<BytesIoObj>| check(vm, b))
        .method("getvalue($self, /)", "Retrieve the entire contents of the BytesIO object.", getvalue)
        .method(
            "getbuffer($self, /)",
            "Get a read-write view over the contents of the BytesIO object.",
            getbuffer,
        )
        .method("isatty($self, /)", "Always returns False.", |vm: &Vm, b: Ptr<BytesIoObj>| check(vm, b).map(|()| false))
        .method("readable($self, /)", "Returns True if the IO object can be read.", able)
        .method("seekable($self, /)", "Returns True if the IO object can be seeked.", able)
        .method("writable($self, /)", "Returns True if the IO object can be written.", able)
        .method("read($self, size=-1, /)", "Read at most size bytes, returned as a bytes object.", read)
        .method("read1($self, size=-1, /)", "Read at most size bytes, returned as a bytes object.", read)
        .method("readinto($self, buffer, /)", "Read bytes into buffer.", readinto)
        .method("readline($self, size=-1, /)", "Next line from the file, as a bytes object.", readline)
        .method("readlines($self, size=None, /)", "List of bytes objects, each a line from the file.", readlines)
        .method("seek($self, pos, whence=0, /)", "Change stream position.", seek)
        .method("tell($self, /)", "Current file position, an integer.", |vm: &Vm, b: Ptr<BytesIoObj>| {
            check(vm, b).map(|()| b.pos.get())
        })
        .method("truncate($self, size=None, /)", "Truncate the file to at most size bytes.", truncate)
        .method("write($self, b, /)", "Write bytes to file.", write)
        .method("writelines($self, lines, /)", "Write lines to the file.", |vm: &Vm, b: Ptr<BytesIoObj>, lines: Value| {
            check(vm, b)?;
            vm.for_each(lines, |l| {
                let data = vm.bytes_like(l)?;
                write(vm, b, data).map(drop)
            })
        })
        .getter("closed", "True if the file is closed.", |_: &Vm, b: Ptr<BytesIoObj>| b.is_closed())
        .class();
    BYTES_IO.set(t);
    let flags = TypeFlags::NO_INSTANTIATION;
    let buffer = new_type::<BytesBufferObj>("_io._BytesIOBuffer", rt().types.object, flags).class();
    BUFFER.set(buffer);
    m.class(buffer);
    cape_vm::buffer::register(BytesBufferObj::kind(), export);
    // Nothing is lost when one dies unclosed: no finalizer, unless a subclass asks for it.
    m.class(t);
}

/// Whether a BytesIO of exact type is closed; `None` of all else.
pub fn closed_exactly(v: Value) -> Option<bool> {
    let b: Ptr<BytesIoObj> = v.downcast()?;
    (type_of(v) == BYTES_IO.get()).then(|| b.is_closed())
}

impl BytesIoObj {
    #[allow(clippy::mut_from_ref, reason = "guarded by the GIL")]
    fn data(&self) -> &mut Vec<u8> {
        // SAFETY: the GIL is held, and no Python code runs while the reference is in use.
        unsafe { &mut *self.data.0.get() }
    }

    fn is_closed(&self) -> bool {
        self.bits.get() & bits::CLOSED != 0
    }

    /// The bytes from the position on, at most `n`; moves the position.
    fn take(&self, n: usize) -> &[u8] {
        let d = self.data();
        let start = self.pos.get().min(d.len());
        let end = start + n.min(d.len() - start);
        if end > start {
            self.pos.set(end);
        }
        &d[start..end]
    }

    fn line(&self, limit: Option<usize>) -> &[u8] {
        let d = self.data();
        let rest = &d[self.pos.get().min(d.len())..];
        let n = memchr::memchr(b'\n', rest).map_or(rest.len(), |i| i + 1);
        self.take(limit.map_or(n, |l| l.min(n)))
    }
}

fn new(_: &Vm, cls: Ptr<TypeObj>, _args: Value, _kwargs: Value) -> Value {
    let map = cls.instance_map();
    let object = BytesIoObj {
        header: Header::new(map),
        bits: Cell::new(0),
        pos: Cell::new(0),
        exports: Cell::new(0),
        data: Native(UnsafeCell::new(Vec::new())),
    };
    heap().alloc(map, object).value()
}

fn init_bytes(vm: &Vm, b: Ptr<BytesIoObj>, initial: Option<Value>) -> Res<()> {
    check_exports(vm, b)?;
    let data = match initial {
        Some(v) if !v.is_none() => vm.bytes_like(v)?.as_slice().to_vec(),
        _ => Vec::new(),
    };
    *b.data() = data;
    b.pos.set(0);
    Ok(())
}

fn check(vm: &Vm, b: Ptr<BytesIoObj>) -> Res<()> {
    if b.is_closed() { Err(closed_error(vm)) } else { Ok(()) }
}

fn check_exports(vm: &Vm, b: Ptr<BytesIoObj>) -> Res<()> {
    if b.exports.get() == 0 {
        return Ok(());
    }
    let of = |exporter: Value| {
        exporter.downcast::<BytesBufferObj>().is_some_and(|buffer| buffer.source.get() == b.value())
    };
    cape_builtins::memoryview::release_dead(vm, &of, &|| b.exports.get() != 0)?;
    if b.exports.get() == 0 {
        return Ok(());
    }
    Err(vm.buffer_error("Existing exports of data: object cannot be re-sized"))
}

fn able(vm: &Vm, b: Ptr<BytesIoObj>) -> Res<bool> {
    check(vm, b).map(|()| true)
}

fn close(vm: &Vm, b: Ptr<BytesIoObj>) -> Res<()> {
    check_exports(vm, b)?;
    b.bits.set(b.bits.get() | bits::CLOSED);
    *b.data() = Vec::new();
    Ok(())
}

fn getvalue(vm: &Vm, b: Ptr<BytesIoObj>) -> Res<Value> {
    check(vm, b)?;
    Ok(BytesObj::new(b.data()).value())
}

fn getbuffer(vm: &Vm, b: Ptr<BytesIoObj>) -> Res<Value> {
    check(vm, b)?;
    let map = BUFFER.get().instance_map();
    let exporter =
        heap().alloc(map, BytesBufferObj { header: Header::new(map), source: Field::new(b.value()) });
    let memoryview = vm.import_attr("builtins", "memoryview")?;
    vm.call(memoryview, &[exporter.value()])
}

fn export(_: &Vm, v: Value, _flags: u32) -> Res<Buffer> {
    let source: Ptr<BytesIoObj> =
        v.downcast::<BytesBufferObj>().and_then(|b| b.source.downcast()).expect("registered for this kind");
    source.exports.set(source.exports.get() + 1);
    let d = source.data();
    let mut raw = RawBuffer::fixed(d.as_mut_ptr(), d.len(), false);
    raw.release = Some(|v, _| {
        if let Some(s) = v.downcast::<BytesBufferObj>().and_then(|b| b.source.downcast::<BytesIoObj>()) {
            s.exports.set(s.exports.get() - 1);
        }
    });
    Ok(Buffer::new(v, raw))
}

fn read(vm: &Vm, b: Ptr<BytesIoObj>, size: Size) -> Res<Value> {
    check(vm, b)?;
    Ok(BytesObj::new(b.take(size.limit().unwrap_or(usize::MAX))).value())
}

fn readinto(vm: &Vm, b: Ptr<BytesIoObj>, buffer: Value) -> Res<usize> {
    let t = vm.writable_bytes(buffer, "readinto() argument")?;
    check(vm, b)?;
    let part = b.take(t.len());
    // SAFETY: the target has room; the contents may be the very same memory.
    unsafe { std::ptr::copy(part.as_ptr(), t.address(), part.len()) };
    Ok(part.len())
}

fn readline(vm: &Vm, b: Ptr<BytesIoObj>, size: Size) -> Res<Value> {
    check(vm, b)?;
    Ok(BytesObj::new(b.line(size.limit())).value())
}

fn next(vm: &Vm, b: Ptr<BytesIoObj>) -> Res<Value> {
    check(vm, b)?;
    let line = b.line(None);
    Ok(if line.is_empty() { Value::EMPTY } else { BytesObj::new(line).value() })
}

fn readlines(vm: &Vm, b: Ptr<BytesIoObj>, size: Size) -> Res<Value> {
    check(vm, b)?;
    let lines = ListObj::new(&[]);
    let mut total = 0;
    loop {
        let line = b.line(None);
        if line.is_empty() {
            break;
        }
        total += line.len() as isize;
        lines.push(BytesObj::new(line).value());
        if size.0 > 0 && total >= size.0 {
            break;
        }
    }
    Ok(lines.value())
}

fn seek(vm: &Vm, b: Ptr<BytesIoObj>, pos: isize, whence: Option<i32>) -> Res<usize> {
    check(vm, b)?;
    let whence = whence.unwrap_or(0);
    if pos < 0 && whence == 0 {
        return Err(vm.value_error(format!("negative seek value {pos}")));
    }
    let base = match whence {
        0 => 0,
        1 => b.pos.get(),
        2 => b.data().len(),
        _ => return Err(vm.value_error(format!("invalid whence ({whence}, should be 0, 1 or 2)"))),
    };
    let Some(to) = (base as isize).checked_add(pos) else {
        return Err(vm.overflow_error("new position too large"));
    };
    b.pos.set(to.max(0) as usize);
    Ok(b.pos.get())
}

fn truncate(vm: &Vm, b: Ptr<BytesIoObj>, size: Option<Value>) -> Res<usize> {
    check(vm, b)?;
    check_exports(vm, b)?;
    let n = match size {
        Some(v) if !v.is_none() => isize::from_arg(vm, v, 1)?,
        _ => b.pos.get() as isize,
    };
    if n < 0 {
        return Err(vm.value_error(format!("negative size value {n}")));
    }
    b.data().truncate(n as usize);
    Ok(n as usize)
}

fn write(vm: &Vm, b: Ptr<BytesIoObj>, data: Buffer) -> Res<usize> {
    check(vm, b)?;
    let new = data.as_slice();
    if new.is_empty() {
        return Ok(0);
    }
    check_exports(vm, b)?;
    let d = b.data();
    let pos = b.pos.get();
    if pos == d.len() {
        d.extend_from_slice(new);
    } else {
        if pos > d.len() {
            d.resize(pos, 0);
        }
        let over = new.len().min(d.len() - pos);
        d[pos..pos + over].copy_from_slice(&new[..over]);
        d.extend_from_slice(&new[over..]);
    }
    b.pos.set(pos + new.len());
    Ok(new.len())
}

fn getstate(vm: &Vm, b: Ptr<BytesIoObj>) -> Res<Value> {
    let value = getvalue(vm, b)?;
    let dict = match vm.dict_of(b.value()) {
        Some(d) => d.copy().value(),
        None => Value::NONE,
    };
    Ok(TupleObj::new(&[value, int_value(b.pos.get() as i64), dict]).value())
}

fn setstate(vm: &Vm, b: Ptr<BytesIoObj>, state: Value) -> Res<()> {
    check(vm, b)?;
    let t = state.downcast::<TupleObj>().filter(|t| t.len() >= 3);
    let Some(t) = t else {
        return Err(vm.type_error(format!(
            "{}.__setstate__ argument should be 3-tuple, got {}",
            super::buffered::type_name(b.value()),
            type_of(state).name_str()
        )));
    };
    check_exports(vm, b)?;
    let data = vm.bytes_like(t.get(0))?.as_slice().to_vec();
    *b.data() = data;
    let Some(pos) = Int::of(t.get(1)) else {
        return Err(vm.type_error(format!(
            "second item of state must be an integer, not {}",
            type_of(t.get(1)).name_str()
        )));
    };
    match pos.to_i64() {
        Some(n) if n >= 0 => b.pos.set(n as usize),
        _ => return Err(vm.value_error("position value cannot be negative")),
    }
    set_state_dict(vm, b.value(), t.get(2), "third")
}

/// Merges the dict of a pickled state into the object's.
pub(super) fn set_state_dict(vm: &Vm, object: Value, dict: Value, which: &str) -> Res<()> {
    if dict.is_none() {
        return Ok(());
    }
    let Some(d) = dict.downcast::<DictObj>() else {
        return Err(vm.type_error(format!(
            "{which} item of state should be a dict, got a {}",
            type_of(dict).name_str()
        )));
    };
    for e in d.table.iter() {
        vm.set_attr(object, e.key, e.value)?;
    }
    Ok(())
}
