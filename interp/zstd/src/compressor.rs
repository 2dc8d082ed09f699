//! `ZstdCompressor`.

use std::cell::Cell;
use std::sync::{Arc, Mutex};

use cape_heap::{Header, Native, heap, heap_object};
use cape_stdlib::compression::{Held, append, lock, room};
use cape_vm::buffer::Buffer;
use cape_vm::native::{Named, OrNone, new_type};
use cape_vm::object::*;
use cape_vm::{Ptr, Raised, Res, Value, Vm, rt};
use zstd_sys::{self as ffi, ZSTD_EndDirective as End};

use crate::dictionary::{self, Dictionary, How};
use crate::params::{self, Way};
use crate::{NEW, NO_FRAME, UNKNOWN, error};

heap_object! {
    /// `ZstdCompressor`. The lock is that of the stream, which runs without the GIL; it stays where it is.
    pub struct CompressorObj { stream: Native<Box<Mutex<Stream>>>, last_mode: Cell<i32> } [drop]
}

impl Named for CompressorObj {
    const NAME: &'static str = "compression.zstd.ZstdCompressor";
}

type This = Ptr<CompressorObj>;

/// The modes in which data is given.
const CONTINUE: i32 = End::ZSTD_e_continue as i32;
const FLUSH_BLOCK: i32 = End::ZSTD_e_flush as i32;
const FLUSH_FRAME: i32 = End::ZSTD_e_end as i32;

/// A context of the library, and the dictionary that it refers to.
struct Stream {
    cctx: *mut ffi::ZSTD_CCtx,
    dictionary: Option<Arc<Dictionary>>,
    held: Held,
}

// SAFETY: a context may be used by any thread, by one at a time.
unsafe impl Send for Stream {}

impl Drop for Stream {
    fn drop(&mut self) {
        // SAFETY: the context belongs to this, and is not used any more; the dictionary is still there.
        unsafe { ffi::ZSTD_freeCCtx(self.cctx) };
    }
}

/// Makes the class.
pub fn init(m: Ptr<ModuleObj>) {
    let t = new_type::<CompressorObj>("compression.zstd.ZstdCompressor", rt().types.object, 0)
        .doc("Create a compressor object for compressing data incrementally.\n\n  level\n    The compression level to use. Defaults to COMPRESSION_LEVEL_DEFAULT.\n  options\n    A dict object that contains advanced compression parameters.\n  zstd_dict\n    A ZstdDict object, a pre-trained Zstandard dictionary.\n\nThread-safe at method level.  For one-shot compression, use the\ncompress() function instead.")
        .new_fn("__new__($type, level=None, options=None, zstd_dict=None)", NEW, make)
        .method(
            "compress($self, /, data, mode=ZstdCompressor.CONTINUE)",
            "Provide data to the compressor object.\n\n  mode\n    Can be these 3 values ZstdCompressor.CONTINUE,\n    ZstdCompressor.FLUSH_BLOCK, ZstdCompressor.FLUSH_FRAME\n\nReturn a chunk of compressed data if possible, or b'' otherwise.\nWhen you have finished providing data to the compressor, call the\nflush() method to finish the compression process.",
            |vm: &Vm, c: This, data: Buffer, mode: Option<i32>| {
                let end = match mode.unwrap_or(CONTINUE) {
                    CONTINUE => End::ZSTD_e_continue,
                    FLUSH_BLOCK => End::ZSTD_e_flush,
                    FLUSH_FRAME => End::ZSTD_e_end,
                    _ => return Err(vm.value_error("mode argument wrong value, it should be one of ZstdCompressor.CONTINUE, ZstdCompressor.FLUSH_BLOCK, ZstdCompressor.FLUSH_FRAME.")),
                };
                compress(vm, c, data.as_slice(), end)
            },
        )
        .method(
            "flush($self, /, mode=ZstdCompressor.FLUSH_FRAME)",
            "Finish the compression process.\n\n  mode\n    Can be these 2 values ZstdCompressor.FLUSH_FRAME,\n    ZstdCompressor.FLUSH_BLOCK\n\nFlush any remaining data left in internal buffers.  Since Zstandard\ndata consists of one or more independent frames, the compressor\nobject can still be used after this method is called.",
            |vm: &Vm, c: This, mode: Option<i32>| {
                let end = match mode.unwrap_or(FLUSH_FRAME) {
                    FLUSH_BLOCK => End::ZSTD_e_flush,
                    FLUSH_FRAME => End::ZSTD_e_end,
                    _ => return Err(vm.value_error("mode argument wrong value, it should be ZstdCompressor.FLUSH_FRAME or ZstdCompressor.FLUSH_BLOCK.")),
                };
                compress(vm, c, &[], end)
            },
        )
        .method(
            "set_pledged_input_size($self, size, /)",
            "Set the uncompressed content size to be written into the frame header.\n\n  size\n    The size of the uncompressed data to be provided to the compressor.\n\nThis method can be used to ensure the header of the frame about to\nbe written includes the size of the data, unless the\nCompressionParameter.content_size_flag is set to False.\nIf last_mode != FLUSH_FRAME, then a RuntimeError is raised.\n\nIt is important to ensure that the pledged data size matches the\nactual data size.  If they do not match the compressed output data\nmay be corrupted and the final chunk written may be lost.",
            pledge,
        )
        .getter(
            "last_mode",
            "The last mode used to this compressor object, its value can be .CONTINUE,\n.FLUSH_BLOCK, .FLUSH_FRAME. Initialized to .FLUSH_FRAME.\n\nIt can be used to get the current state of a compressor, such as, data\nflushed, or a frame ended.",
            |_: &Vm, c: This| c.last_mode.get(),
        )
        .members(&["last_mode"])
        .attribute("CONTINUE", Value::int(CONTINUE as i64))
        .attribute("FLUSH_BLOCK", Value::int(FLUSH_BLOCK as i64))
        .attribute("FLUSH_FRAME", Value::int(FLUSH_FRAME as i64));
    m.class(t.class());
}

fn make(
    vm: &Vm,
    cls: Ptr<TypeObj>,
    level: OrNone<Value>,
    options: OrNone<Ptr<DictObj>>,
    dictionary: OrNone<Value>,
) -> Res<This> {
    if level.0.is_some() && options.0.is_some() {
        return Err(vm.type_error("Only one of level or options should be used."));
    }
    // SAFETY: a plain call.
    let cctx = unsafe { ffi::ZSTD_createCCtx() };
    if cctx.is_null() {
        return Err(error::new(vm, "Unable to create ZSTD_CCtx instance."));
    }
    let mut stream = Stream { cctx, dictionary: None, held: Held::default() };
    // Digested dictionaries are made for a level; 0 is the default one.
    let mut used = 0;
    if let Some(v) = level.0 {
        if !is_int(v) {
            return Err(vm.type_error("invalid type for level, expected int"));
        }
        let n = vm.index_int(v)?.to_i64().and_then(|n| i32::try_from(n).ok());
        let n = n.ok_or_else(|| illegal_level(vm, None))?;
        used = check_level(vm, n)?;
        // SAFETY: the context is this function's.
        let code = unsafe { params::set_compression(cctx, params::LEVEL, n) };
        error::checked(vm, "set zstd compression level", code)?;
    }
    if let Some(options) = options.0 {
        params::set_all(vm, Way::Compress, options, |key, value| {
            if key == params::LEVEL {
                used = check_level(vm, value)?;
            }
            // SAFETY: as above.
            Ok(unsafe { params::set_compression(cctx, key, value) })
        })?;
    }
    if let Some(v) = dictionary.0 {
        let (d, how) = dictionary::argument(vm, v, How::Undigested)?;
        // SAFETY: as above; the stream keeps the dictionary.
        unsafe { d.give_to_compressor(vm, cctx, how, used)? };
        stream.dictionary = Some(d);
    }
    let map = cls.instance_map();
    Ok(heap().alloc(
        map,
        CompressorObj {
            header: Header::new(map),
            stream: Native(Box::new(Mutex::new(stream))),
            last_mode: Cell::new(FLUSH_FRAME),
        },
    ))
}

fn check_level(vm: &Vm, level: i32) -> Res<i32> {
    let (low, high) = Way::Compress.bounds(params::LEVEL).unwrap_or((level, level));
    if (low..=high).contains(&level) { Ok(level) } else { Err(illegal_level(vm, Some(level))) }
}

#[cold]
fn illegal_level(vm: &Vm, level: Option<i32>) -> Raised {
    let (low, high) = Way::Compress.bounds(params::LEVEL).unwrap_or_default();
    let level = level.map_or(String::new(), |l| format!(" {l}"));
    vm.value_error(format!("illegal compression level{level}; the valid range is [{low}, {high}]"))
}

/// Compresses data; what is ready of the result.
fn compress(vm: &Vm, c: This, data: &[u8], end: End) -> Res<Value> {
    let mut stream = lock(vm, &c.stream);
    let mut out = Vec::new();
    let code = vm.allow_threads(|| run(&stream, data, &mut out, end));
    // SAFETY: the context is alive, and the lock is held.
    let bytes = unsafe { ffi::ZSTD_sizeof_CCtx(stream.cctx) };
    stream.held.set(bytes);
    if error::of_code(code).is_some() {
        c.last_mode.set(FLUSH_FRAME);
        // SAFETY: the context is alive, and the lock is held.
        unsafe { ffi::ZSTD_CCtx_reset(stream.cctx, ffi::ZSTD_ResetDirective::ZSTD_reset_session_only) };
    } else {
        c.last_mode.set(end as i32);
    }
    drop(stream);
    error::checked(vm, "compress Zstandard data", code)?;
    Ok(BytesObj::new(&out).value())
}

/// Runs until all data is taken in and, when flushing, nothing is left inside: the library's code.
fn run(stream: &Stream, data: &[u8], out: &mut Vec<u8>, end: End) -> usize {
    let mut input = ffi::ZSTD_inBuffer { src: data.as_ptr().cast(), size: data.len(), pos: 0 };
    // SAFETY: a plain call.
    let mut first = if end == End::ZSTD_e_end { unsafe { ffi::ZSTD_compressBound(data.len()) } } else { 0 };
    loop {
        let room = room(out.len(), usize::MAX).max(std::mem::take(&mut first));
        // SAFETY: the context is alive and the lock is held; the buffers are valid for the lengths given.
        let (code, full) = unsafe {
            append(out, room, |at| {
                let mut output = ffi::ZSTD_outBuffer { dst: at.cast(), size: room, pos: 0 };
                let code = ffi::ZSTD_compressStream2(stream.cctx, &mut output, &mut input, end);
                (output.pos, (code, output.pos == room))
            })
        };
        // SAFETY: any number may be asked about.
        if unsafe { ffi::ZSTD_isError(code) } != 0 {
            return code;
        }
        let done = if end == End::ZSTD_e_continue { input.pos == input.size && !full } else { code == 0 };
        if done {
            return code;
        }
    }
}

fn pledge(vm: &Vm, c: This, size: Value) -> Res<()> {
    let size = if size.is_none() {
        UNKNOWN
    } else {
        if !is_int(size) {
            return Err(vm.type_error("an integer is required"));
        }
        let n = match vm.index_int(size)? {
            Int::Small(i) => u64::try_from(i).ok(),
            Int::Big(b) => u64::try_from(&b).ok(),
        };
        n.filter(|n| *n < NO_FRAME).ok_or_else(|| {
            vm.value_error(format!("size argument should be a positive int less than {NO_FRAME}"))
        })?
    };
    let stream = lock(vm, &c.stream);
    if c.last_mode.get() != FLUSH_FRAME {
        return Err(
            vm.value_error("set_pledged_input_size() method must be called when last_mode == FLUSH_FRAME")
        );
    }
    // SAFETY: the context is alive, and the lock is held.
    let code = unsafe { ffi::ZSTD_CCtx_setPledgedSrcSize(stream.cctx, size) };
    error::checked(vm, "set pledged uncompressed content size", code).map(drop)
}
