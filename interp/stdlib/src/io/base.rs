//! The abstract bases: `_IOBase`, `_RawIOBase`, `_BufferedIOBase`, `_TextIOBase`.

use std::cell::Cell;

use cape_heap::{Header, heap};
use cape_vm::native::{extend, new_type};
use cape_vm::object::{BytearrayObj, BytesObj, Int, ListObj, ModuleObj, TypeObj};
use cape_vm::runtime::StaticType;
use cape_vm::{Ptr, Res, Value, Vm, intern, rt, type_of};

use super::util::*;

/// `_io._IOBase`.
pub static IO_BASE: StaticType = StaticType::new();
/// `_io._RawIOBase`.
pub static RAW_IO_BASE: StaticType = StaticType::new();
/// `_io._BufferedIOBase`.
pub static BUFFERED_IO_BASE: StaticType = StaticType::new();
/// `_io._TextIOBase`.
pub static TEXT_IO_BASE: StaticType = StaticType::new();

pub(super) fn init(m: Ptr<ModuleObj>) {
    let base = new_type::<IoObj>("_io._IOBase", rt().types.object, CLASS)
        .doc("The abstract base class for all I/O classes.")
        .allocated_by(new)
        .method("__del__($self, /)", "Called when the instance is about to be destroyed.", finalize)
        .method("__enter__($self, /)", "", enter)
        .method("__exit__($self, /, *args)", "", exit)
        .method("__iter__($self, /)", "Implement iter(self).", iter)
        .method("__next__($self, /)", "Implement next(self).", next)
        .method("_checkClosed($self, /)", "", check_closed_method)
        .method("_checkReadable($self, /)", "", |vm: &Vm, s: Value| {
            check_able(vm, s, "readable", "File or stream is not readable.")
        })
        .method("_checkSeekable($self, /)", "", |vm: &Vm, s: Value| {
            check_able(vm, s, "seekable", "File or stream is not seekable.")
        })
        .method("_checkWritable($self, /)", "", |vm: &Vm, s: Value| {
            check_able(vm, s, "writable", "File or stream is not writable.")
        })
        .method("close($self, /)", "Flush and close the IO object.", close)
        .method("fileno($self, /)", "Return underlying file descriptor if one exists.", |vm: &Vm, _: Value| {
            Err::<(), _>(unsupported(vm, "fileno"))
        })
        .method("flush($self, /)", "Flush write buffers, if applicable.", flush)
        .method("isatty($self, /)", "Return whether this is an 'interactive' stream.", |vm: &Vm, s: Value| {
            check_closed(vm, s).map(|()| false)
        })
        .method("readable($self, /)", "Return whether object was opened for reading.", |_: &Vm, _: Value| false)
        .method("seekable($self, /)", "Return whether object supports random access.", |_: &Vm, _: Value| false)
        .method("writable($self, /)", "Return whether object was opened for writing.", |_: &Vm, _: Value| false)
        .method("readline($self, size=-1, /)", "Read and return a line from the stream.", readline)
        .method("readlines($self, hint=-1, /)", "Return a list of lines from the stream.", readlines)
        .method(
            "seek($self, offset, whence=os.SEEK_SET, /)",
            "Change the stream position to the given byte offset.",
            |vm: &Vm, _: Value, _: Value, _: Option<Value>| Err::<(), _>(unsupported(vm, "seek")),
        )
        .method("tell($self, /)", "Return current stream position.", |vm: &Vm, s: Value| {
            call(vm, s, "seek", &[Value::int(0), Value::int(1)])
        })
        .method("truncate($self, size=None, /)", "Truncate file to size bytes.", |vm: &Vm,
                                                                                  _: Value,
                                                                                  _: Option<Value>| {
            Err::<(), _>(unsupported(vm, "truncate"))
        })
        .method("writelines($self, lines, /)", "Write a list of lines to stream.", writelines)
        .getter("closed", "", |_: &Vm, s: Value| has_bit(s, bits::CLOSED))
        .class();
    base.dict().set_str(rt().names.dict, cape_vm::attr::dict_getset(base));
    IO_BASE.set(with_finalizer(base));

    let raw = new_type::<IoObj>("_io._RawIOBase", base, CLASS)
        .doc("Base class for raw binary I/O.")
        .method("read($self, size=-1, /)", "", raw_read)
        .method("readall($self, /)", "Read until EOF, using multiple read() call.", raw_readall)
        .method("readinto($self, buffer, /)", "", |vm: &Vm, _: Value, _: Value| {
            Err::<(), _>(vm.new_exc_args(rt().types.not_implemented_error, &[]))
        })
        .method("write($self, b, /)", "", |vm: &Vm, _: Value, _: Value| {
            Err::<(), _>(vm.new_exc_args(rt().types.not_implemented_error, &[]))
        })
        .class();
    RAW_IO_BASE.set(with_finalizer(raw));

    let buffered = new_type::<IoObj>("_io._BufferedIOBase", base, CLASS)
        .doc("Base class for buffered IO objects.")
        .method(
            "detach($self, /)",
            "Disconnect this buffer from its underlying raw stream and return it.",
            |vm: &Vm, _: Value| Err::<(), _>(unsupported(vm, "detach")),
        )
        .method("read($self, size=-1, /)", "Read and return up to n bytes.", |vm: &Vm, _: Value, _: Option<Value>| {
            Err::<(), _>(unsupported(vm, "read"))
        })
        .method(
            "read1($self, size=-1, /)",
            "Read and return up to size bytes, with at most one read() call to the underlying raw stream.",
            |vm: &Vm, _: Value, _: Option<Value>| Err::<(), _>(unsupported(vm, "read1")),
        )
        .method("readinto($self, buffer, /)", "", |vm: &Vm, s: Value, b: Value| readinto_by(vm, s, b, "read"))
        .method("readinto1($self, buffer, /)", "", |vm: &Vm, s: Value, b: Value| readinto_by(vm, s, b, "read1"))
        .method("write($self, b, /)", "Write buffer b to the IO stream.", |vm: &Vm, _: Value, _: Value| {
            Err::<(), _>(unsupported(vm, "write"))
        })
        .class();
    BUFFERED_IO_BASE.set(with_finalizer(buffered));

    let text = new_type::<IoObj>("_io._TextIOBase", base, CLASS)
        .doc("Base class for text I/O.")
        .method(
            "detach($self, /)",
            "Separate the underlying buffer from the TextIOBase and return it.",
            |vm: &Vm, _: Value| Err::<(), _>(unsupported(vm, "detach")),
        )
        .method("read($self, size=-1, /)", "Read at most size characters from stream.", |vm: &Vm,
                                                                                         _: Value,
                                                                                         _: Option<Value>| {
            Err::<(), _>(unsupported(vm, "read"))
        })
        .method("readline($self, size=-1, /)", "Read until newline or EOF.", |vm: &Vm, _: Value, _: Option<Value>| {
            Err::<(), _>(unsupported(vm, "readline"))
        })
        .method("write($self, s, /)", "Write string s to stream.", |vm: &Vm, _: Value, _: Value| {
            Err::<(), _>(unsupported(vm, "write"))
        })
        .getter("encoding", "Encoding of the text stream.", |_: &Vm, _: Value| ())
        .getter("newlines", "Line endings translated so far.", |_: &Vm, _: Value| ())
        .getter("errors", "The error setting of the decoder or encoder.", |_: &Vm, _: Value| ())
        .class();
    TEXT_IO_BASE.set(with_finalizer(text));
    for t in [base, raw, buffered, text] {
        m.class(t);
    }
}

fn new(cls: Ptr<TypeObj>) -> Value {
    let map = cls.instance_map();
    heap().alloc(map, IoObj { header: Header::new(map), bits: Cell::new(0) }).value()
}

/// `__getstate__` of streams, which cannot be pickled.
pub(super) fn no_pickle(t: Ptr<TypeObj>) {
    extend(t).method("__getstate__($self, /)", "", |vm: &Vm, s: Value| {
        Err::<(), _>(vm.type_error(format!("cannot pickle '{}' instances", cape_vm::class::full_name(type_of(s)))))
    });
}

fn finalize(vm: &Vm, s: Value) -> Res<()> {
    if has_bit(s, bits::OWNED) {
        return Ok(());
    }
    // An object whose initialisation failed may not even have `closed`.
    match is_closed(vm, s) {
        Ok(false) => {}
        _ => return Ok(()),
    }
    set_bit(s, bits::FINALIZING, true);
    if let Err(e) = call(vm, s, "close", &[]) {
        vm.report_ignored(e, "finalizing file", s);
    }
    Ok(())
}

fn enter(vm: &Vm, s: Value) -> Res<Value> {
    check_closed(vm, s)?;
    Ok(s)
}

fn exit(vm: &Vm, s: Value, _args: Value) -> Res<Value> {
    call(vm, s, "close", &[])
}

fn iter(vm: &Vm, s: Value) -> Res<Value> {
    check_closed(vm, s)?;
    Ok(s)
}

fn next(vm: &Vm, s: Value) -> Res<Value> {
    let line = call(vm, s, "readline", &[])?;
    if vm.len(line)? == 0 { Ok(Value::EMPTY) } else { Ok(line) }
}

fn check_closed_method(vm: &Vm, s: Value) -> Res<()> {
    check_closed(vm, s)
}

/// UnsupportedOperation unless `s.method()` is true.
pub(super) fn check_able(vm: &Vm, s: Value, method: &str, message: &str) -> Res<bool> {
    let r = call(vm, s, method, &[])?;
    if r != Value::TRUE {
        return Err(unsupported(vm, message));
    }
    Ok(true)
}

fn close(vm: &Vm, s: Value) -> Res<Value> {
    if has_bit(s, bits::CLOSED) {
        return Ok(Value::NONE);
    }
    let r = call(vm, s, "flush", &[]);
    set_bit(s, bits::CLOSED, true);
    r.map(|_| Value::NONE)
}

fn flush(vm: &Vm, s: Value) -> Res<()> {
    if has_bit(s, bits::CLOSED) { Err(closed_error(vm)) } else { Ok(()) }
}

/// One line by way of `peek` and `read`.
fn readline(vm: &Vm, s: Value, size: Size) -> Res<Value> {
    let limit = size.limit();
    let peek = vm.get_attr_opt(s, intern("peek"))?;
    let mut out: Vec<u8> = Vec::new();
    while limit.is_none_or(|n| out.len() < n) {
        let mut want = 1;
        if let Some(p) = peek {
            let ahead = vm.call(p, &[Value::int(1)])?;
            let Some(b) = ahead.downcast::<BytesObj>() else {
                return Err(vm.os_error(format!(
                    "peek() should have returned a bytes object, not '{}'",
                    type_of(ahead).name_str()
                )));
            };
            if !b.is_empty() {
                let window = &b.as_slice()[..limit.map_or(b.len(), |n| (n - out.len()).min(b.len()))];
                want = memchr::memchr(b'\n', window).map_or(window.len(), |i| i + 1);
            }
        }
        let got = call(vm, s, "read", &[Value::int(want as i64)])?;
        let Some(b) = got.downcast::<BytesObj>() else {
            return Err(vm.os_error(format!(
                "read() should have returned a bytes object, not '{}'",
                type_of(got).name_str()
            )));
        };
        if b.is_empty() {
            break;
        }
        out.extend_from_slice(b.as_slice());
        if out.last() == Some(&b'\n') {
            break;
        }
    }
    Ok(BytesObj::new(&out).value())
}

fn readlines(vm: &Vm, s: Value, hint: Size) -> Res<Value> {
    let lines = ListObj::new(&[]);
    let mut total = 0;
    let it = vm.iter(s)?;
    while let Some(line) = vm.next(it)? {
        lines.push(line);
        if hint.0 > 0 {
            total += vm.len(line)? as isize;
            if total > hint.0 {
                break;
            }
        }
    }
    Ok(lines.value())
}

fn writelines(vm: &Vm, s: Value, lines: Value) -> Res<()> {
    check_closed(vm, s)?;
    vm.for_each(lines, |line| call(vm, s, "write", &[line]).map(drop))
}

fn raw_read(vm: &Vm, s: Value, size: Size) -> Res<Value> {
    let Some(n) = size.limit() else {
        return call(vm, s, "readall", &[]);
    };
    let buffer = BytearrayObj::new(vec![0; n]);
    let r = call(vm, s, "readinto", &[buffer.value()])?;
    if r.is_none() {
        return Ok(r);
    }
    let got = count(vm, r, n, "readinto")?;
    let data = buffer.as_slice();
    Ok(BytesObj::new(&data[..got.min(data.len())]).value())
}

/// The count that a `readinto` returned, which must be in `0..=n`.
pub(super) fn count(vm: &Vm, r: Value, n: usize, what: &str) -> Res<usize> {
    let got = match Int::of(r) {
        Some(i) => i.to_i64().unwrap_or(-1),
        None => vm.index_isize(r)? as i64,
    };
    if got < 0 || got as usize > n {
        return Err(vm.value_error(format!(
            "{what} returned {got} outside buffer size {n}"
        )));
    }
    Ok(got as usize)
}

fn raw_readall(vm: &Vm, s: Value) -> Res<Value> {
    let mut out: Vec<u8> = Vec::new();
    loop {
        let r = call(vm, s, "read", &[Value::int(super::DEFAULT_BUFFER_SIZE as i64)])?;
        if r.is_none() {
            if out.is_empty() {
                return Ok(r);
            }
            break;
        }
        let Some(b) = r.downcast::<BytesObj>() else {
            return Err(vm.type_error("read() should return bytes"));
        };
        if b.is_empty() {
            break;
        }
        out.extend_from_slice(b.as_slice());
    }
    Ok(BytesObj::new(&out).value())
}

fn readinto_by(vm: &Vm, s: Value, buffer: Value, method: &str) -> Res<usize> {
    let target = vm.writable_bytes(buffer, &format!("{}() argument", vm.native_def().name))?;
    let n = target.len();
    let r = call(vm, s, method, &[Value::int(n as i64)])?;
    let Some(b) = r.downcast::<BytesObj>() else {
        return Err(vm.type_error(format!("{method}() should return bytes")));
    };
    if b.len() > n {
        return Err(vm.value_error(format!(
            "{method}() returned too much data: {n} bytes requested, {} returned",
            b.len()
        )));
    }
    target.as_mut_slice()[..b.len()].copy_from_slice(b.as_slice());
    Ok(b.len())
}
