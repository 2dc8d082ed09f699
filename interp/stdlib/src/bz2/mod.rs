//! `_bz2`.

mod stream;

use std::cell::{Cell, RefCell};

use cape_heap::{Field, Header, Native, heap, heap_object};
use cape_vm::buffer::Buffer;
use cape_vm::native::{Named, new_type};
use cape_vm::object::*;
use cape_vm::{Ptr, Raised, Res, Value, Vm, rt};
use libbz2_rs_sys as bz;

use crate::compression::{Unread, limit};
use stream::Stream;

heap_object! {
    /// `_bz2.BZ2Compressor`
    pub struct CompressorObj { stream: Native<RefCell<Stream>>, flushed: Cell<bool> } [drop]

    /// `_bz2.BZ2Decompressor`; `pending` is input that was not used yet. `failed`: what follows in the stream cannot be told.
    pub struct DecompressorObj {
        stream: Native<RefCell<Stream>>,
        pending: Native<RefCell<Unread>>,
        unused_data: Field,
        eof: Cell<bool>,
        needs_input: Cell<bool>,
        failed: Cell<bool>,
    } [drop]
}

impl Named for CompressorObj {
    const NAME: &'static str = "_bz2.BZ2Compressor";
}
impl Named for DecompressorObj {
    const NAME: &'static str = "_bz2.BZ2Decompressor";
}

/// Fills the module.
pub fn init(_vm: &Vm, m: Ptr<ModuleObj>) -> Res<()> {
    const NEW: &str = "Create and return a new object.  See help(type) for accurate signature.";
    let object = rt().types.object;
    let compressor = new_type::<CompressorObj>("_bz2.BZ2Compressor", object, 0)
        .doc("Create a compressor object for compressing data incrementally.\n\n  compresslevel\n    Compression level, as a number between 1 and 9.\n\nFor one-shot compression, use the compress() function instead.")
        .new_fn("__new__($type, compresslevel=9, /)", NEW, new_compressor)
        .method(
            "compress($self, data, /)",
            "Provide data to the compressor object.\n\nReturns a chunk of compressed data if possible, or b'' otherwise.\n\nWhen you have finished providing data to the compressor, call the\nflush() method to finish the compression process.",
            |vm: &Vm, c: Ptr<CompressorObj>, data: Buffer| {
                if c.flushed.get() {
                    return Err(vm.value_error("Compressor has been flushed"));
                }
                compress(vm, c, data.as_slice(), false)
            },
        )
        .method(
            "flush($self, /)",
            "Finish the compression process.\n\nReturns the compressed data left in internal buffers.\n\nThe compressor object may not be used after this method is called.",
            |vm: &Vm, c: Ptr<CompressorObj>| {
                if c.flushed.replace(true) {
                    return Err(vm.value_error("Repeated call to flush()"));
                }
                compress(vm, c, &[], true)
            },
        );
    let decompressor = new_type::<DecompressorObj>("_bz2.BZ2Decompressor", object, 0)
        .doc("Create a decompressor object for decompressing data incrementally.\n\nFor one-shot decompression, use the decompress() function instead.")
        .new_fn("__new__($type, *args, **kwargs)", NEW, new_decompressor)
        .method(
            "decompress($self, /, data, max_length=-1)",
            "Decompress *data*, returning uncompressed data as bytes.\n\nIf *max_length* is nonnegative, returns at most *max_length* bytes\nof decompressed data.  If this limit is reached and further output\ncan be produced, *self.needs_input* will be set to ``False``.  In\nthis case, the next call to *decompress()* may provide *data* as b''\nto obtain more of the output.\n\nIf all of the input data was decompressed and returned (either\nbecause this was less than *max_length* bytes, or because\n*max_length* was negative), *self.needs_input* will be set to True.\n\nAttempting to decompress data after the end of stream is reached\nraises an EOFError.  Any data found after the end of the stream is\nignored and saved in the unused_data attribute.",
            decompress,
        )
        .getter("eof", "True if the end-of-stream marker has been reached.", |_: &Vm, d: Ptr<DecompressorObj>| {
            d.eof.get()
        })
        .getter(
            "unused_data",
            "Data found after the end of the compressed stream.",
            |_: &Vm, d: Ptr<DecompressorObj>| d.unused_data.get(),
        )
        .getter(
            "needs_input",
            "True if more input is needed before more decompressed data can be produced.",
            |_: &Vm, d: Ptr<DecompressorObj>| d.needs_input.get(),
        )
        .members(&["eof", "unused_data", "needs_input"]);
    m.class(compressor.class()).class(decompressor.class());
    Ok(())
}

/// The exception for a code of the library.
#[cold]
fn error(vm: &Vm, code: i32) -> Raised {
    match code {
        bz::BZ_PARAM_ERROR => vm.value_error("Internal error - invalid parameters passed to libbzip2"),
        bz::BZ_MEM_ERROR => vm.memory_error("Out of memory"),
        bz::BZ_DATA_ERROR | bz::BZ_DATA_ERROR_MAGIC => vm.os_error("Invalid data stream"),
        bz::BZ_IO_ERROR => vm.os_error("Unknown I/O error"),
        bz::BZ_UNEXPECTED_EOF => {
            vm.eof_error("Compressed file ended before the logical end-of-stream was detected")
        }
        bz::BZ_SEQUENCE_ERROR => {
            vm.runtime_error("Internal error - Invalid sequence of commands sent to libbzip2")
        }
        code => vm.os_error(format!("Unrecognized error from libbzip2: {code}")),
    }
}

fn new_compressor(
    vm: &Vm,
    cls: Ptr<TypeObj>,
    level: Option<i32>,
) -> Res<Ptr<CompressorObj>> {
    let level = level.unwrap_or(9);
    if !(1..=9).contains(&level) {
        return Err(vm.value_error("compresslevel must be between 1 and 9"));
    }
    let stream = Stream::compressor(level).map_err(|code| error(vm, code))?;
    let map = cls.instance_map();
    Ok(heap().alloc(
        map,
        CompressorObj {
            header: Header::new(map),
            stream: Native(RefCell::new(stream)),
            flushed: Cell::new(false),
        },
    ))
}

fn compress(vm: &Vm, c: Ptr<CompressorObj>, data: &[u8], finish: bool) -> Res<Value> {
    let mut out = Vec::new();
    let code = c.stream.borrow_mut().compress(data, &mut out, finish);
    if code < 0 { Err(error(vm, code)) } else { Ok(BytesObj::new(&out).value()) }
}

fn new_decompressor(
    vm: &Vm,
    cls: Ptr<TypeObj>,
    args: Ptr<TupleObj>,
    kwargs: Ptr<DictObj>,
) -> Res<Ptr<DecompressorObj>> {
    for (given, kind) in [(args.len() > 0, "positional"), (!kwargs.is_empty(), "keyword")] {
        if given {
            return Err(vm.type_error(format!("BZ2Decompressor() takes no {kind} arguments")));
        }
    }
    let stream = Stream::decompressor().map_err(|code| error(vm, code))?;
    let map = cls.instance_map();
    let nothing = BytesObj::new(&[]).value();
    Ok(heap().alloc(
        map,
        DecompressorObj {
            header: Header::new(map),
            stream: Native(RefCell::new(stream)),
            pending: Native(RefCell::new(Unread::default())),
            unused_data: Field::new(nothing),
            eof: Cell::new(false),
            needs_input: Cell::new(true),
            failed: Cell::new(false),
        },
    ))
}

fn decompress(vm: &Vm, d: Ptr<DecompressorObj>, data: Buffer, max: Option<isize>) -> Res<Value> {
    if d.eof.get() {
        return Err(vm.eof_error("End of stream already reached"));
    }
    if d.failed.get() {
        return Err(vm.value_error("Decompressor is unusable after a previous error"));
    }
    let max = limit(max);
    let mut out = Vec::new();
    let mut pending = d.pending.borrow_mut();
    let code = pending.feed(data.as_slice(), |input| {
        let step = d.stream.borrow_mut().decompress(input, &mut out, max);
        // After an error the rest is nobody's input.
        (if step.code < 0 { input.len() } else { step.used }, step.code)
    });
    if code < 0 {
        d.failed.set(true);
        d.needs_input.set(false);
        return Err(error(vm, code));
    }
    if code == bz::BZ_STREAM_END {
        d.eof.set(true);
        d.needs_input.set(false);
        let rest = pending.take();
        d.unused_data.set(d, BytesObj::new(&rest).value());
    } else {
        // The library leaves the end of a block's input unread while it has output of it.
        d.needs_input.set(pending.is_empty());
    }
    Ok(BytesObj::new(&out).value())
}
