//! Compressors and decompressors.

use std::cell::{Cell, RefCell};

use cape_heap::{Field, Header, Native, heap, heap_object};
use cape_vm::buffer::Buffer;
use cape_vm::native::{Named, new_type};
use cape_vm::object::*;
use cape_vm::runtime::StaticType;
use cape_vm::{Ptr, Res, Value, Vm, rt};

use super::stream::*;
use super::{DEF_MEM_LEVEL, DEFLATED, ERROR, MAX_WBITS, error};
use crate::compression::{Unread, limit};

heap_object! {
    /// `zlib.Compress`
    pub struct CompressObj { stream: Native<RefCell<Stream>> } [drop]

    /// `zlib.Decompress`; `zdict` is EMPTY when there is none.
    pub struct DecompressObj {
        stream: Native<RefCell<Stream>>,
        zdict: Field,
        unused_data: Field,
        unconsumed_tail: Field,
        eof: Cell<bool>,
    } [drop]

    /// `zlib._ZlibDecompressor`; `pending` is input that was not used yet.
    pub struct IncrementalObj {
        stream: Native<RefCell<Stream>>,
        pending: Native<RefCell<Unread>>,
        zdict: Field,
        unused_data: Field,
        eof: Cell<bool>,
        needs_input: Cell<bool>,
    } [drop]
}

impl Named for CompressObj {
    const NAME: &'static str = "zlib.Compress";
}
impl Named for DecompressObj {
    const NAME: &'static str = "zlib.Decompress";
}
impl Named for IncrementalObj {
    const NAME: &'static str = "zlib._ZlibDecompressor";
}

static COMPRESS: StaticType = StaticType::new();
static DECOMPRESS: StaticType = StaticType::new();

fn empty() -> Field {
    Field::new(BytesObj::new(&[]).value())
}

/// Makes the classes; gives `_ZlibDecompressor`.
pub fn make_types(_vm: &Vm) -> Ptr<TypeObj> {
    let object = rt().types.object;
    let b = new_type::<CompressObj>("zlib.Compress", object, TypeFlags::NO_INSTANTIATION)
        .method(
            "compress($self, data, /)",
            "Returns a bytes object containing compressed data.\n\n  data\n    Binary data to be compressed.\n\nAfter calling this function, some of the input data may still\nbe stored in internal buffers for later processing.\nCall the flush() method to clear these buffers.",
            |vm: &Vm, c: Ptr<CompressObj>, data: Buffer| {
                let mut out = Vec::new();
                let mut s = c.stream.borrow_mut();
                let step = s.run(data.as_slice(), &mut out, NO_FLUSH, usize::MAX);
                match step.code {
                    OK | BUF_ERROR => Ok(BytesObj::new(&out)),
                    code => Err(error(vm, code, s.message(), "while compressing data")),
                }
            },
        )
        .method(
            "flush($self, mode=zlib.Z_FINISH, /)",
            "Return a bytes object containing any remaining compressed data.\n\n  mode\n    One of the constants Z_SYNC_FLUSH, Z_FULL_FLUSH, Z_FINISH.\n    If mode == Z_FINISH, the compressor object can no longer be\n    used after calling the flush() method.  Otherwise, more data\n    can still be compressed.",
            compress_flush,
        )
        .method("copy($self, /)", "Return a copy of the compression object.", copy_compress)
        .method("__copy__($self, /)", "", copy_compress)
        .method("__deepcopy__($self, memo, /)", "", |vm: &Vm, c: Ptr<CompressObj>, _m: Value| copy_compress(vm, c));
    COMPRESS.set(b.class());
    let b = new_type::<DecompressObj>("zlib.Decompress", object, TypeFlags::NO_INSTANTIATION)
        .method(
            "decompress($self, data, /, max_length=0)",
            "Return a bytes object containing the decompressed version of the data.\n\n  data\n    The binary data to decompress.\n  max_length\n    The maximum allowable length of the decompressed data.\n    Unconsumed input data will be stored in\n    the unconsumed_tail attribute.\n\nAfter calling this function, some of the input data may still be\nstored in internal buffers for later processing.\nCall the flush() method to clear these buffers.",
            |vm: &Vm, d: Ptr<DecompressObj>, data: Buffer, max: Option<isize>| {
                let max = match max.unwrap_or(0) {
                    0 => usize::MAX,
                    n => usize::try_from(n).map_err(|_| vm.value_error("max_length must be non-negative"))?,
                };
                feed(vm, d, data.as_slice(), SYNC_FLUSH, max)
            },
        )
        .method(
            "flush($self, length=zlib.DEF_BUF_SIZE, /)",
            "Return a bytes object containing any remaining decompressed data.\n\n  length\n    the initial size of the output buffer.",
            |vm: &Vm, d: Ptr<DecompressObj>, length: Option<isize>| {
                if length.is_some_and(|n| n <= 0) {
                    return Err(vm.value_error("length must be greater than zero"));
                }
                if !d.stream.borrow().is_open() {
                    return Ok(BytesObj::new(&[]).value());
                }
                let tail = vm.bytes_of(d.unconsumed_tail.get())?;
                let out = feed(vm, d, &tail, FINISH, usize::MAX)?;
                if d.eof.get() {
                    d.stream.borrow_mut().end();
                }
                Ok(out)
            },
        )
        .method("copy($self, /)", "Return a copy of the decompression object.", copy_decompress)
        .method("__copy__($self, /)", "", copy_decompress)
        .method("__deepcopy__($self, memo, /)", "", |vm: &Vm, d: Ptr<DecompressObj>, _m: Value| {
            copy_decompress(vm, d)
        })
        .getter("unused_data", "", |_: &Vm, d: Ptr<DecompressObj>| d.unused_data.get())
        .getter("unconsumed_tail", "", |_: &Vm, d: Ptr<DecompressObj>| d.unconsumed_tail.get())
        .getter("eof", "", |_: &Vm, d: Ptr<DecompressObj>| d.eof.get());
    DECOMPRESS.set(b.class());
    new_type::<IncrementalObj>("zlib._ZlibDecompressor", object, 0)
        .doc("Create a decompressor object for decompressing data incrementally.\n\n  wbits = 15\n  zdict\n     The predefined compression dictionary. This is a sequence of bytes\n     (such as a bytes object) containing subsequences that are expected\n     to occur frequently in the data that is to be compressed. Those\n     subsequences that are expected to be most common should come at the\n     end of the dictionary. This must be the same dictionary as used by the\n     compressor that produced the input data.\n\n")
        .new_fn(
            "__new__($type, wbits=MAX_WBITS, zdict=b'')",
            "Create and return a new object.  See help(type) for accurate signature.",
            |vm: &Vm, cls: Ptr<TypeObj>, wbits: Option<i32>, zdict: Option<Value>| {
                let zdict = dictionary(vm, zdict)?;
                let stream = inflater(vm, wbits, zdict)?;
                let map = cls.instance_map();
                Ok::<_, cape_vm::Raised>(heap().alloc(
                    map,
                    IncrementalObj {
                        header: Header::new(map),
                        stream: Native(RefCell::new(stream)),
                        pending: Native(RefCell::new(Unread::default())),
                        zdict: Field::new(zdict),
                        unused_data: empty(),
                        eof: Cell::new(false),
                        needs_input: Cell::new(true),
                    },
                ))
            },
        )
        .method(
            "decompress($self, /, data, max_length=-1)",
            "Decompress *data*, returning uncompressed data as bytes.\n\nIf *max_length* is nonnegative, returns at most *max_length* bytes\nof decompressed data.  If this limit is reached and further output\ncan be produced, *self.needs_input* will be set to ``False``.  In\nthis case, the next call to *decompress()* may provide *data* as b''\nto obtain more of the output.\n\nIf all of the input data was decompressed and returned (either\nbecause this was less than *max_length* bytes, or because\n*max_length* was negative), *self.needs_input* will be set to True.\n\nAttempting to decompress data after the end of stream is reached\nraises an EOFError.  Any data found after the end of the stream is\nignored and saved in the unused_data attribute.",
            incremental,
        )
        .getter("eof", "True if the end-of-stream marker has been reached.", |_: &Vm, d: Ptr<IncrementalObj>| {
            d.eof.get()
        })
        .getter(
            "unused_data",
            "Data found after the end of the compressed stream.",
            |_: &Vm, d: Ptr<IncrementalObj>| d.unused_data.get(),
        )
        .getter(
            "needs_input",
            "True if more input is needed before more decompressed data can be produced.",
            |_: &Vm, d: Ptr<IncrementalObj>| d.needs_input.get(),
        )
        .class()
}

/// `zlib.compressobj(...)`
pub fn compressobj(
    vm: &Vm,
    level: Option<i32>,
    method: Option<i32>,
    wbits: Option<i32>,
    memory: Option<i32>,
    strategy: Option<i32>,
    zdict: Option<Value>,
) -> Res<Value> {
    let zdict = zdict.map(|d| vm.bytes_like(d)).transpose()?;
    let s = Stream::deflate(
        level.unwrap_or(-1),
        method.unwrap_or(DEFLATED),
        wbits.unwrap_or(MAX_WBITS),
        memory.unwrap_or(DEF_MEM_LEVEL),
        strategy.unwrap_or(0),
    );
    let mut s = s.map_err(|code| match code {
        MEM_ERROR => vm.memory_error("Can't allocate memory for compression object"),
        STREAM_ERROR => vm.value_error("Invalid initialization option"),
        code => error(vm, code, None, "while creating compression object"),
    })?;
    if let Some(d) = zdict {
        match s.set_dictionary(d.as_slice()) {
            OK => {}
            STREAM_ERROR => return Err(vm.value_error("Invalid dictionary")),
            _ => return Err(vm.value_error("deflateSetDictionary()")),
        }
    }
    Ok(new_compress(s))
}

fn new_compress(s: Stream) -> Value {
    let map = COMPRESS.get().instance_map();
    heap().alloc(map, CompressObj { header: Header::new(map), stream: Native(RefCell::new(s)) }).value()
}

fn compress_flush(vm: &Vm, c: Ptr<CompressObj>, mode: Option<i32>) -> Res<Value> {
    let mode = mode.unwrap_or(FINISH);
    let mut out = Vec::new();
    if mode == NO_FLUSH {
        return Ok(BytesObj::new(&out).value());
    }
    let mut s = c.stream.borrow_mut();
    let step = s.run(&[], &mut out, mode, usize::MAX);
    match step.code {
        STREAM_END if mode == FINISH => {
            s.end();
        }
        OK | BUF_ERROR => {}
        code => return Err(error(vm, code, s.message(), "while flushing")),
    }
    Ok(BytesObj::new(&out).value())
}

fn copy_error(vm: &Vm, code: i32, what: &str) -> cape_vm::Raised {
    match code {
        MEM_ERROR => vm.memory_error(format!("Can't allocate memory for {what} object")),
        STREAM_ERROR => vm.value_error("Inconsistent stream state"),
        code => error(vm, code, None, &format!("while copying {what} object")),
    }
}

fn copy_compress(vm: &Vm, c: Ptr<CompressObj>) -> Res<Value> {
    let s = c.stream.borrow().copy().map_err(|code| copy_error(vm, code, "compression"))?;
    Ok(new_compress(s))
}

/// The dictionary argument of a decompressor: EMPTY for none.
fn dictionary(vm: &Vm, zdict: Option<Value>) -> Res<Value> {
    match zdict {
        None => Ok(Value::EMPTY),
        Some(d) if vm.has_buffer(d) => Ok(d),
        Some(_) => Err(vm.type_error("zdict argument must support the buffer protocol")),
    }
}

fn inflater(vm: &Vm, wbits: Option<i32>, zdict: Value) -> Res<Stream> {
    let wbits = wbits.unwrap_or(MAX_WBITS);
    let mut s = Stream::inflate(wbits).map_err(|code| match code {
        MEM_ERROR => vm.memory_error("Can't allocate memory for decompression object"),
        STREAM_ERROR => vm.value_error("Invalid initialization option"),
        code => error(vm, code, None, "while creating decompression object"),
    })?;
    // A raw stream does not ask for its dictionary.
    if wbits < 0 && !zdict.is_empty() {
        set_dictionary(vm, &mut s, zdict)?;
    }
    Ok(s)
}

fn set_dictionary(vm: &Vm, s: &mut Stream, zdict: Value) -> Res<()> {
    let d = vm.bytes_like(zdict)?;
    match s.set_dictionary(d.as_slice()) {
        OK => Ok(()),
        code => Err(error(vm, code, s.message(), "while setting zdict")),
    }
}

/// `zlib.decompressobj(wbits=MAX_WBITS, zdict=b'')`
pub fn decompressobj(vm: &Vm, wbits: Option<i32>, zdict: Option<Value>) -> Res<Value> {
    let zdict = dictionary(vm, zdict)?;
    let s = inflater(vm, wbits, zdict)?;
    Ok(new_decompress(s, zdict).value())
}

fn new_decompress(s: Stream, zdict: Value) -> Ptr<DecompressObj> {
    let map = DECOMPRESS.get().instance_map();
    heap().alloc(
        map,
        DecompressObj {
            header: Header::new(map),
            stream: Native(RefCell::new(s)),
            zdict: Field::new(zdict),
            unused_data: empty(),
            unconsumed_tail: empty(),
            eof: Cell::new(false),
        },
    )
}

fn copy_decompress(vm: &Vm, d: Ptr<DecompressObj>) -> Res<Value> {
    let s = d.stream.borrow().copy().map_err(|code| copy_error(vm, code, "decompression"))?;
    let new = new_decompress(s, d.zdict.get());
    new.unused_data.set(new, d.unused_data.get());
    new.unconsumed_tail.set(new, d.unconsumed_tail.get());
    new.eof.set(d.eof.get());
    Ok(new.value())
}

/// Runs a stream on input; asks for the dictionary when it is needed.
fn inflate(
    vm: &Vm,
    s: &mut Stream,
    zdict: Value,
    input: &[u8],
    out: &mut Vec<u8>,
    flush: i32,
    max: usize,
) -> Res<Step> {
    let mut used = 0;
    loop {
        let step = s.run(&input[used..], out, flush, max - out.len());
        used += step.used;
        if step.code == NEED_DICT && !zdict.is_empty() {
            set_dictionary(vm, s, zdict)?;
            continue;
        }
        return Ok(Step { code: step.code, used });
    }
}

fn feed(vm: &Vm, d: Ptr<DecompressObj>, input: &[u8], flush: i32, max: usize) -> Res<Value> {
    let mut out = Vec::new();
    let mut s = d.stream.borrow_mut();
    let step = inflate(vm, &mut s, d.zdict.get(), input, &mut out, flush, max)?;
    let rest = &input[step.used..];
    if step.code == STREAM_END {
        let mut unused = vm.bytes_of(d.unused_data.get())?;
        unused.extend_from_slice(rest);
        d.unused_data.set(d, BytesObj::new(&unused).value());
        d.unconsumed_tail.set(d, BytesObj::new(&[]).value());
        d.eof.set(true);
    } else {
        d.unconsumed_tail.set(d, BytesObj::new(rest).value());
        if step.code != OK && step.code != BUF_ERROR {
            return Err(error(vm, step.code, s.message(), "while decompressing data"));
        }
    }
    Ok(BytesObj::new(&out).value())
}

fn incremental(vm: &Vm, d: Ptr<IncrementalObj>, data: Buffer, max: Option<isize>) -> Res<Value> {
    if d.eof.get() {
        return Err(vm.eof_error("End of stream already reached"));
    }
    debug_assert!(ERROR.try_get().is_some());
    let max = limit(max);
    let mut out = Vec::new();
    let mut s = d.stream.borrow_mut();
    let mut pending = d.pending.borrow_mut();
    let going = |code: i32| matches!(code, OK | BUF_ERROR | STREAM_END);
    let code = pending.feed(data.as_slice(), |input| {
        match inflate(vm, &mut s, d.zdict.get(), input, &mut out, SYNC_FLUSH, max) {
            Ok(step) if going(step.code) => (step.used, Ok(step.code)),
            // After an error the rest is nobody's input.
            failed => (input.len(), failed.map(|step| step.code)),
        }
    })?;
    if !going(code) {
        return Err(error(vm, code, s.message(), "while decompressing data"));
    }
    if code == STREAM_END {
        d.eof.set(true);
        d.needs_input.set(false);
        let rest = pending.take();
        d.unused_data.set(d, BytesObj::new(&rest).value());
    } else {
        // Output may be left inside the stream even when all input is used.
        d.needs_input.set(pending.is_empty() && out.len() < max);
    }
    Ok(BytesObj::new(&out).value())
}
