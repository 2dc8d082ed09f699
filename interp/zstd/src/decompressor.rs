//! `ZstdDecompressor`.

use std::cell::Cell;
use std::sync::{Arc, Mutex};

use cape_heap::{Field, Header, Native, heap, heap_object};
use cape_stdlib::compression::{Held, Unread, append, limit, lock, room};
use cape_vm::buffer::Buffer;
use cape_vm::native::{Named, OrNone, new_type};
use cape_vm::object::*;
use cape_vm::{Ptr, Res, Value, Vm, rt};
use zstd_sys as ffi;

use crate::dictionary::{self, Dictionary, How};
use crate::params::{self, Way};
use crate::{NEW, error};

heap_object! {
    /// `ZstdDecompressor`. The lock is that of the stream, which runs without the GIL; the attributes are written with it held.
    pub struct DecompressorObj {
        stream: Native<Box<Mutex<(Stream, Unread)>>>,
        unused_data: Field,
        eof: Cell<bool>,
        needs_input: Cell<bool>,
    } [drop]
}

impl Named for DecompressorObj {
    const NAME: &'static str = "compression.zstd.ZstdDecompressor";
}

type This = Ptr<DecompressorObj>;

/// A context of the library, and the dictionary that it refers to.
struct Stream {
    dctx: *mut ffi::ZSTD_DCtx,
    dictionary: Option<Arc<Dictionary>>,
    held: Held,
}

// SAFETY: a context may be used by any thread, by one at a time.
unsafe impl Send for Stream {}

impl Drop for Stream {
    fn drop(&mut self) {
        // SAFETY: the context belongs to this, and is not used any more; the dictionary is still there.
        unsafe { ffi::ZSTD_freeDCtx(self.dctx) };
    }
}

/// Makes the class.
pub fn init(m: Ptr<ModuleObj>) {
    let t = new_type::<DecompressorObj>("compression.zstd.ZstdDecompressor", rt().types.object, 0)
        .doc("Create a decompressor object for decompressing data incrementally.\n\n  zstd_dict\n    A ZstdDict object, a pre-trained Zstandard dictionary.\n  options\n    A dict object that contains advanced decompression parameters.\n\nThread-safe at method level.  For one-shot decompression, use the\ndecompress() function instead.")
        .new_fn("__new__($type, zstd_dict=None, options=None)", NEW, make)
        .method(
            "decompress($self, /, data, max_length=-1)",
            "Decompress *data*, returning uncompressed bytes if possible, or b'' otherwise.\n\n  data\n    A bytes-like object, Zstandard data to be decompressed.\n  max_length\n    Maximum size of returned data. When it is negative, the size of\n    output buffer is unlimited. When it is nonnegative, returns at\n    most max_length bytes of decompressed data.\n\nIf *max_length* is nonnegative, returns at most *max_length* bytes\nof decompressed data.  If this limit is reached and further output\ncan be produced, *self.needs_input* will be set to ``False``.  In\nthis case, the next call to *decompress()* may provide *data* as b''\nto obtain more of the output.\n\nIf all of the input data was decompressed and returned (either\nbecause this was less than *max_length* bytes, or because\n*max_length* was negative), *self.needs_input* will be set to True.\n\nAttempting to decompress data after the end of a frame is reached\nraises an EOFError.  Any data found after the end of the frame is\nignored and saved in the self.unused_data attribute.",
            decompress,
        )
        .getter(
            "eof",
            "True means the end of the first frame has been reached. If decompress data\nafter that, an EOFError exception will be raised.",
            |_: &Vm, d: This| d.eof.get(),
        )
        .getter(
            "needs_input",
            "If the max_length output limit in .decompress() method has been reached,\nand the decompressor has (or may has) unconsumed input data, it will be set\nto False. In this case, passing b'' to the .decompress() method may output\nfurther data.",
            |_: &Vm, d: This| d.needs_input.get(),
        )
        .getter(
            "unused_data",
            "A bytes object of un-consumed input data.\n\nWhen ZstdDecompressor object stops after a frame is\ndecompressed, unused input data after the frame.  Otherwise this\nwill be b''.",
            |_: &Vm, d: This| d.unused_data.get(),
        )
        .members(&["eof", "needs_input"]);
    m.class(t.class());
}

fn make(vm: &Vm, cls: Ptr<TypeObj>, dictionary: OrNone<Value>, options: OrNone<Ptr<DictObj>>) -> Res<This> {
    // SAFETY: a plain call.
    let dctx = unsafe { ffi::ZSTD_createDCtx() };
    if dctx.is_null() {
        return Err(error::new(vm, "Unable to create ZSTD_DCtx instance."));
    }
    let mut stream = Stream { dctx, dictionary: None, held: Held::default() };
    if let Some(v) = dictionary.0 {
        let (d, how) = dictionary::argument(vm, v, How::Digested)?;
        // SAFETY: the context is this function's; the stream keeps the dictionary.
        unsafe { d.give_to_decompressor(vm, dctx, how)? };
        stream.dictionary = Some(d);
    }
    if let Some(options) = options.0 {
        params::set_all(vm, Way::Decompress, options, |key, value| {
            // SAFETY: the context is this function's.
            Ok(unsafe { params::set_decompression(dctx, key, value) })
        })?;
    }
    let map = cls.instance_map();
    let nothing = BytesObj::new(&[]).value();
    Ok(heap().alloc(
        map,
        DecompressorObj {
            header: Header::new(map),
            stream: Native(Box::new(Mutex::new((stream, Unread::default())))),
            unused_data: Field::new(nothing),
            eof: Cell::new(false),
            needs_input: Cell::new(true),
        },
    ))
}

fn decompress(vm: &Vm, d: This, data: Buffer, max: Option<isize>) -> Res<Value> {
    let mut guard = lock(vm, &d.stream);
    if d.eof.get() {
        return Err(vm.eof_error("Already at the end of a Zstandard frame."));
    }
    let (stream, unread) = &mut *guard;
    let max = limit(max);
    let mut out = Vec::new();
    let data = data.as_slice();
    let code = vm.allow_threads(|| unread.feed(data, |input| run(stream, input, &mut out, max)));
    // SAFETY: the context is alive, and the lock is held.
    let bytes = unsafe { ffi::ZSTD_sizeof_DCtx(stream.dctx) };
    stream.held.set(bytes);
    if error::of_code(code).is_some() {
        unread.take();
        d.needs_input.set(true);
        // SAFETY: the context is alive, and the lock is held.
        unsafe { ffi::ZSTD_DCtx_reset(stream.dctx, ffi::ZSTD_ResetDirective::ZSTD_reset_session_only) };
    }
    error::checked(vm, "decompress Zstandard data", code)?;
    if code == 0 {
        d.eof.set(true);
        d.needs_input.set(false);
        let rest = unread.take();
        d.unused_data.set(d, BytesObj::new(&rest).value());
    } else {
        // When there was no more room, output may be left inside the stream even when all input is used.
        d.needs_input.set(unread.is_empty() && out.len() < max);
    }
    drop(guard);
    Ok(BytesObj::new(&out).value())
}

/// Runs until the frame ends, the input is used up or `out` has `max` bytes: how much input was used, and the library's code, which is
/// zero at the end of a frame.
fn run(stream: &Stream, data: &[u8], out: &mut Vec<u8>, max: usize) -> (usize, usize) {
    let mut input = ffi::ZSTD_inBuffer { src: data.as_ptr().cast(), size: data.len(), pos: 0 };
    loop {
        let room = room(out.len(), max);
        // SAFETY: the context is alive and the lock is held; the buffers are valid for the lengths given.
        let (code, full) = unsafe {
            append(out, room, |at| {
                let mut output = ffi::ZSTD_outBuffer { dst: at.cast(), size: room, pos: 0 };
                let code = ffi::ZSTD_decompressStream(stream.dctx, &mut output, &mut input);
                (output.pos, (code, output.pos == room))
            })
        };
        // SAFETY: any number may be asked about.
        let failed = unsafe { ffi::ZSTD_isError(code) } != 0;
        let stops = if full { out.len() >= max } else { input.pos == input.size };
        if failed || code == 0 || stops {
            return (input.pos, code);
        }
    }
}
