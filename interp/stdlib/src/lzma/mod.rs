//! `_lzma`.

mod filters;
mod stream;

use std::cell::Cell;
use std::sync::Mutex;

use cape_heap::{Field, Header, Native, heap, heap_object};
use cape_vm::buffer::Buffer;
use cape_vm::native::{Named, OrNone, int_from, new_type};
use cape_vm::object::*;
use cape_vm::runtime::StaticType;
use cape_vm::{Ptr, Raised, Res, Value, Vm, rt};
use liblzma_sys as xz;

use crate::c_int::c_int;
use crate::compression::{Held, Unread, limit, lock};
use filters::{Chain, Filter, preset, specifier};
use stream::{Stream, is_error};

heap_object! {
    /// `_lzma.LZMACompressor`. The lock is that of the stream, which runs without the GIL; it stays where it is.
    pub struct CompressorObj { stream: Native<Box<Mutex<Stream>>>, held: Native<Held>, flushed: Cell<bool> } [drop]

    /// `_lzma.LZMADecompressor`. The lock is as above, and the attributes are written with it held.
    pub struct DecompressorObj {
        stream: Native<Box<Mutex<(Stream, Unread)>>>,
        unused_data: Field,
        check: Cell<u32>,
        eof: Cell<bool>,
        needs_input: Cell<bool>,
    } [drop]
}

impl Named for CompressorObj {
    const NAME: &'static str = "_lzma.LZMACompressor";
}
impl Named for DecompressorObj {
    const NAME: &'static str = "_lzma.LZMADecompressor";
}

static ERROR: StaticType = StaticType::new();

/// Container formats: Python's own numbers.
const FORMAT_AUTO: i32 = 0;
const FORMAT_XZ: i32 = 1;
const FORMAT_ALONE: i32 = 2;
const FORMAT_RAW: i32 = 3;

/// The check of a stream whose header has not been read.
const CHECK_UNKNOWN: u32 = xz::LZMA_CHECK_ID_MAX + 1;

const CONSTANTS: &[(&str, u64)] = &[
    ("FORMAT_AUTO", FORMAT_AUTO as u64),
    ("FORMAT_XZ", FORMAT_XZ as u64),
    ("FORMAT_ALONE", FORMAT_ALONE as u64),
    ("FORMAT_RAW", FORMAT_RAW as u64),
    ("CHECK_NONE", xz::LZMA_CHECK_NONE as u64),
    ("CHECK_CRC32", xz::LZMA_CHECK_CRC32 as u64),
    ("CHECK_CRC64", xz::LZMA_CHECK_CRC64 as u64),
    ("CHECK_SHA256", xz::LZMA_CHECK_SHA256 as u64),
    ("CHECK_ID_MAX", xz::LZMA_CHECK_ID_MAX as u64),
    ("CHECK_UNKNOWN", CHECK_UNKNOWN as u64),
    ("FILTER_LZMA1", xz::LZMA_FILTER_LZMA1),
    ("FILTER_LZMA2", xz::LZMA_FILTER_LZMA2),
    ("FILTER_DELTA", xz::LZMA_FILTER_DELTA),
    ("FILTER_X86", xz::LZMA_FILTER_X86),
    ("FILTER_IA64", xz::LZMA_FILTER_IA64),
    ("FILTER_ARM", xz::LZMA_FILTER_ARM),
    ("FILTER_ARMTHUMB", xz::LZMA_FILTER_ARMTHUMB),
    ("FILTER_SPARC", xz::LZMA_FILTER_SPARC),
    ("FILTER_POWERPC", xz::LZMA_FILTER_POWERPC),
    ("MF_HC3", xz::LZMA_MF_HC3 as u64),
    ("MF_HC4", xz::LZMA_MF_HC4 as u64),
    ("MF_BT2", xz::LZMA_MF_BT2 as u64),
    ("MF_BT3", xz::LZMA_MF_BT3 as u64),
    ("MF_BT4", xz::LZMA_MF_BT4 as u64),
    ("MODE_FAST", xz::LZMA_MODE_FAST as u64),
    ("MODE_NORMAL", xz::LZMA_MODE_NORMAL as u64),
    ("PRESET_DEFAULT", xz::LZMA_PRESET_DEFAULT as u64),
    ("PRESET_EXTREME", xz::LZMA_PRESET_EXTREME as u64),
];

/// Fills the module.
pub fn init(_vm: &Vm, m: Ptr<ModuleObj>) -> Res<()> {
    const NEW: &str = "Create and return a new object.  See help(type) for accurate signature.";
    const PROPERTIES: &str = "Return a bytes object encoding the options (properties) of the filter specified by *filter* (a dict).\n\nThe result does not include the filter ID itself, only the options.";
    let object = rt().types.object;
    for (name, v) in CONSTANTS {
        m.add(name, int_from(*v as i128));
    }
    let flags = TypeFlags::BASE | TypeFlags::HAS_WEAKREF;
    let error = new_type::<ExcObj>("_lzma.LZMAError", rt().types.exception, flags)
        .doc("Call to liblzma failed.")
        .class();
    ERROR.set(error);
    let compressor = new_type::<CompressorObj>("_lzma.LZMACompressor", object, 0)
        .doc("LZMACompressor(format=FORMAT_XZ, check=-1, preset=None, filters=None)\n\nCreate a compressor object for compressing data incrementally.\n\nformat specifies the container format to use for the output. This can\nbe FORMAT_XZ (default), FORMAT_ALONE, or FORMAT_RAW.\n\ncheck specifies the integrity check to use. For FORMAT_XZ, the default\nis CHECK_CRC64. FORMAT_ALONE and FORMAT_RAW do not support integrity\nchecks; for these formats, check must be omitted, or be CHECK_NONE.\n\nThe settings used by the compressor can be specified either as a\npreset compression level (with the 'preset' argument), or in detail\nas a custom filter chain (with the 'filters' argument). For FORMAT_XZ\nand FORMAT_ALONE, the default is to use the PRESET_DEFAULT preset\nlevel. For FORMAT_RAW, the caller must always specify a filter chain;\nthe raw compressor does not support preset compression levels.\n\npreset (if provided) should be an integer in the range 0-9, optionally\nOR-ed with the constant PRESET_EXTREME.\n\nfilters (if provided) should be a sequence of dicts. Each dict should\nhave an entry for \"id\" indicating the ID of the filter, plus\nadditional entries for options to the filter.\n\nFor one-shot compression, use the compress() function instead.\n")
        .new_fn(
            "__new__($type, format=FORMAT_XZ, check=-1, preset=None, filters=None)",
            NEW,
            new_compressor,
        )
        .method(
            "compress($self, data, /)",
            "Provide data to the compressor object.\n\nReturns a chunk of compressed data if possible, or b'' otherwise.\n\nWhen you have finished providing data to the compressor, call the\nflush() method to finish the compression process.",
            |vm: &Vm, c: Ptr<CompressorObj>, data: Buffer| {
                compress(vm, c, data.as_slice(), xz::LZMA_RUN, "Compressor has been flushed")
            },
        )
        .method(
            "flush($self, /)",
            "Finish the compression process.\n\nReturns the compressed data left in internal buffers.\n\nThe compressor object may not be used after this method is called.",
            |vm: &Vm, c: Ptr<CompressorObj>| {
                compress(vm, c, &[], xz::LZMA_FINISH, "Repeated call to flush()")
            },
        );
    let decompressor = new_type::<DecompressorObj>("_lzma.LZMADecompressor", object, 0)
        .doc("Create a decompressor object for decompressing data incrementally.\n\n  format\n    Specifies the container format of the input stream.  If this is\n    FORMAT_AUTO (the default), the decompressor will automatically detect\n    whether the input is FORMAT_XZ or FORMAT_ALONE.  Streams created with\n    FORMAT_RAW cannot be autodetected.\n  memlimit\n    Limit the amount of memory used by the decompressor.  This will cause\n    decompression to fail if the input cannot be decompressed within the\n    given limit.\n  filters\n    A custom filter chain.  This argument is required for FORMAT_RAW, and\n    not accepted with any other format.  When provided, this should be a\n    sequence of dicts, each indicating the ID and options for a single\n    filter.\n\nFor one-shot decompression, use the decompress() function instead.")
        .new_fn("__new__($type, format=FORMAT_AUTO, memlimit=None, filters=None)", NEW, new_decompressor)
        .method(
            "decompress($self, /, data, max_length=-1)",
            "Decompress *data*, returning uncompressed data as bytes.\n\nIf *max_length* is nonnegative, returns at most *max_length* bytes\nof decompressed data. If this limit is reached and further output\ncan be produced, *self.needs_input* will be set to ``False``.  In\nthis case, the next call to *decompress()* may provide *data* as b''\nto obtain more of the output.\n\nIf all of the input data was decompressed and returned (either\nbecause this was less than *max_length* bytes, or because\n*max_length* was negative), *self.needs_input* will be set to True.\n\nAttempting to decompress data after the end of stream is reached\nraises an EOFError.  Any data found after the end of the stream is\nignored and saved in the unused_data attribute.",
            decompress,
        )
        .getter(
            "check",
            "ID of the integrity check used by the input stream.",
            |_: &Vm, d: Ptr<DecompressorObj>| d.check.get(),
        )
        .getter("eof", "True if the end-of-stream marker has been reached.", |_: &Vm, d: Ptr<DecompressorObj>| {
            d.eof.get()
        })
        .getter(
            "needs_input",
            "True if more input is needed before more decompressed data can be produced.",
            |_: &Vm, d: Ptr<DecompressorObj>| d.needs_input.get(),
        )
        .getter(
            "unused_data",
            "Data found after the end of the compressed stream.",
            |_: &Vm, d: Ptr<DecompressorObj>| d.unused_data.get(),
        )
        .members(&["check", "eof", "needs_input", "unused_data"]);
    m.class(error).class(compressor.class()).class(decompressor.class());
    m.function(
        "is_check_supported($module, check_id, /)",
        "Test whether the given integrity check is supported.\n\nAlways returns True for CHECK_NONE and CHECK_CRC32.",
        |_: &Vm, check: i32| {
            // SAFETY: the function takes any number.
            unsafe { xz::lzma_check_is_supported(check as u32) != 0 }
        },
    )
    .function(
        "_encode_filter_properties($module, filter, /)",
        PROPERTIES,
        |vm: &Vm, spec: Value| {
            Ok::<_, Raised>(BytesObj::new(&Filter::parse(vm, spec)?.properties(vm)?))
        },
    )
    .function(
        "_decode_filter_properties($module, filter_id, encoded_props, /)",
        // CPython's words for the other function stand here, too.
        PROPERTIES,
        |vm: &Vm, id: Value, properties: Value| {
            let id = unsigned(vm, id, u64::MAX, "lzma_vli")?;
            specifier(vm, id, vm.bytes_like(properties)?.as_slice())
        },
    );
    Ok(())
}

/// The number that `v` is, in `0..=max`; `what` is C's name of its type.
fn unsigned(vm: &Vm, v: Value, max: u64, what: &str) -> Res<u64> {
    let (negative, n) = match vm.index_int(v)? {
        Int::Small(i) => (i < 0, u64::try_from(i).ok()),
        Int::Big(b) => (b.sign() == num_bigint::Sign::Minus, u64::try_from(&b).ok()),
    };
    if negative {
        return Err(vm.value_error("Cannot convert negative int"));
    }
    n.filter(|n| *n <= max).ok_or_else(|| vm.overflow_error(format!("Python int too large for C {what}")))
}

/// The exception for a code of the library, if it means that something failed.
fn checked(vm: &Vm, code: xz::lzma_ret) -> Res<()> {
    if is_error(code) { Err(error(vm, code)) } else { Ok(()) }
}

#[cold]
fn error(vm: &Vm, code: xz::lzma_ret) -> Raised {
    let text = match code {
        xz::LZMA_MEM_ERROR => return vm.new_exc_args(rt().types.memory_error, &[]),
        xz::LZMA_UNSUPPORTED_CHECK => "Unsupported integrity check",
        xz::LZMA_MEMLIMIT_ERROR => "Memory usage limit exceeded",
        xz::LZMA_FORMAT_ERROR => "Input format not supported by decoder",
        xz::LZMA_OPTIONS_ERROR => "Invalid or unsupported options",
        xz::LZMA_DATA_ERROR => "Corrupt input data",
        xz::LZMA_BUF_ERROR => "Insufficient buffer space",
        xz::LZMA_PROG_ERROR => "Internal error",
        code => &format!("Unrecognized error from liblzma: {code}"),
    };
    vm.new_exc(ERROR.get(), text)
}

#[cold]
fn invalid_preset(vm: &Vm, preset: u32) -> Raised {
    vm.new_exc(ERROR.get(), &format!("Invalid compression preset: {preset}"))
}

#[cold]
fn invalid_format(vm: &Vm, format: i32) -> Raised {
    vm.value_error(format!("Invalid container format: {format}"))
}

#[cold]
fn no_filters(vm: &Vm) -> Raised {
    vm.value_error("Must specify filters for FORMAT_RAW")
}

fn new_compressor(
    vm: &Vm,
    cls: Ptr<TypeObj>,
    format: Option<Value>,
    check: Option<Value>,
    preset: OrNone<Value>,
    filters: OrNone<Value>,
) -> Res<Ptr<CompressorObj>> {
    let format = format.map_or(Ok(FORMAT_XZ), |v| c_int(vm, v))?;
    // Left out, or -1.
    let check = check.map_or(Ok(-1), |v| c_int(vm, v))?;
    if format != FORMAT_XZ && check != -1 && check != xz::LZMA_CHECK_NONE as i32 {
        return Err(vm.value_error("Integrity checks are only supported by FORMAT_XZ"));
    }
    let (preset, filters) = (preset.0, filters.0);
    if preset.is_some() && filters.is_some() {
        return Err(vm.value_error("Cannot specify both preset and filter chain"));
    }
    let preset = match preset {
        Some(v) => unsigned(vm, v, u32::MAX as u64, "uint32_t")? as u32,
        None => xz::LZMA_PRESET_DEFAULT,
    };
    let stream = encoder(vm, format, check, preset, filters)?;
    let map = cls.instance_map();
    Ok(heap().alloc(
        map,
        CompressorObj {
            header: Header::new(map),
            stream: Native(Box::new(Mutex::new(stream))),
            held: Native(Held::new(encoder_bytes(preset))),
            flushed: Cell::new(false),
        },
    ))
}

/// About as many bytes as an encoder takes.
fn encoder_bytes(preset: u32) -> usize {
    // SAFETY: any number may be asked about; for what is no preset, the answer is the largest number.
    let bytes = unsafe { xz::lzma_easy_encoder_memusage(preset) };
    if bytes == u64::MAX { 0 } else { bytes as usize }
}

/// A compressing stream.
fn encoder(vm: &Vm, format: i32, check: i32, level: u32, filters: Option<Value>) -> Res<Stream> {
    let stream = match format {
        FORMAT_XZ => {
            let check = if check == -1 { xz::LZMA_CHECK_CRC64 } else { check as u32 };
            match filters {
                // SAFETY: the stream is fresh; any numbers may be given.
                None => unsafe { Stream::start(0, |z| xz::lzma_easy_encoder(z, level, check)) },
                Some(specs) => {
                    let mut chain = Chain::parse(vm, specs)?;
                    // SAFETY: the stream is fresh; the filters live during the call, which copies them.
                    unsafe { Stream::start(0, |z| xz::lzma_stream_encoder(z, chain.raw().as_ptr(), check)) }
                }
            }
        }
        FORMAT_ALONE => {
            let alone = |options: &xz::lzma_options_lzma| {
                // SAFETY: the stream is fresh; the options live during the call, which copies them.
                unsafe { Stream::start(0, |z| xz::lzma_alone_encoder(z, options)) }
            };
            match filters {
                None => alone(&*preset(vm, level)?),
                Some(specs) => {
                    let chain = Chain::parse(vm, specs)?;
                    let options = chain.lzma1().ok_or_else(|| {
                        vm.value_error(
                            "Invalid filter chain for FORMAT_ALONE - must be a single LZMA1 filter",
                        )
                    })?;
                    alone(options)
                }
            }
        }
        FORMAT_RAW => {
            let mut chain = Chain::parse(vm, filters.ok_or_else(|| no_filters(vm))?)?;
            // SAFETY: as above.
            unsafe { Stream::start(0, |z| xz::lzma_raw_encoder(z, chain.raw().as_ptr())) }
        }
        format => return Err(invalid_format(vm, format)),
    };
    stream.map_err(|code| error(vm, code))
}

/// Compresses; `flushed` is what is said when the stream has been finished before.
fn compress(
    vm: &Vm,
    c: Ptr<CompressorObj>,
    data: &[u8],
    action: xz::lzma_action,
    flushed: &str,
) -> Res<Value> {
    let mut stream = lock(vm, &c.stream);
    if c.flushed.get() {
        return Err(vm.value_error(flushed));
    }
    c.flushed.set(action == xz::LZMA_FINISH);
    let mut out = Vec::new();
    let code = vm.allow_threads(|| stream.run(data, &mut out, action, usize::MAX).code);
    if c.flushed.get() {
        stream.end();
    }
    drop(stream);
    checked(vm, code)?;
    Ok(BytesObj::new(&out).value())
}

fn new_decompressor(
    vm: &Vm,
    cls: Ptr<TypeObj>,
    format: Option<i32>,
    memlimit: OrNone<Value>,
    filters: OrNone<Value>,
) -> Res<Ptr<DecompressorObj>> {
    let format = format.unwrap_or(FORMAT_AUTO);
    let memory = match memlimit.0 {
        Some(_) if format == FORMAT_RAW => {
            return Err(vm.value_error("Cannot specify memory limit with FORMAT_RAW"));
        }
        Some(v) => unsigned(vm, v, u64::MAX, "uint64_t")?,
        None => u64::MAX,
    };
    match filters.0 {
        None if format == FORMAT_RAW => return Err(no_filters(vm)),
        Some(_) if format != FORMAT_RAW => {
            return Err(vm.value_error("Cannot specify filters except with FORMAT_RAW"));
        }
        _ => {}
    }
    let stream = decoder(vm, format, memory, filters.0)?;
    let check = Cell::new(stream.check);
    let map = cls.instance_map();
    let nothing = BytesObj::new(&[]).value();
    Ok(heap().alloc(
        map,
        DecompressorObj {
            header: Header::new(map),
            stream: Native(Box::new(Mutex::new((stream, Unread::default())))),
            unused_data: Field::new(nothing),
            check,
            eof: Cell::new(false),
            needs_input: Cell::new(true),
        },
    ))
}

/// A decompressing stream, of at most `memory` bytes.
fn decoder(vm: &Vm, format: i32, memory: u64, filters: Option<Value>) -> Res<Stream> {
    const TELL: u32 = xz::LZMA_TELL_ANY_CHECK | xz::LZMA_TELL_NO_CHECK;
    let none = xz::LZMA_CHECK_NONE;
    let stream = match format {
        // SAFETY: the stream is fresh; any numbers may be given.
        FORMAT_AUTO => unsafe { Stream::start(CHECK_UNKNOWN, |z| xz::lzma_auto_decoder(z, memory, TELL)) },
        // SAFETY: as above.
        FORMAT_XZ => unsafe { Stream::start(CHECK_UNKNOWN, |z| xz::lzma_stream_decoder(z, memory, TELL)) },
        // SAFETY: as above.
        FORMAT_ALONE => unsafe { Stream::start(none, |z| xz::lzma_alone_decoder(z, memory)) },
        FORMAT_RAW => {
            let mut chain = Chain::parse(vm, filters.ok_or_else(|| no_filters(vm))?)?;
            // SAFETY: the stream is fresh; the filters live during the call, which copies them.
            unsafe { Stream::start(none, |z| xz::lzma_raw_decoder(z, chain.raw().as_ptr())) }
        }
        format => return Err(invalid_format(vm, format)),
    };
    stream.map_err(|code| error(vm, code))
}

fn decompress(vm: &Vm, d: Ptr<DecompressorObj>, data: Buffer, max: Option<isize>) -> Res<Value> {
    let mut guard = lock(vm, &d.stream);
    if d.eof.get() {
        return Err(vm.eof_error("Already at end of stream"));
    }
    let (stream, unread) = &mut *guard;
    let max = limit(max);
    let mut out = Vec::new();
    let data = data.as_slice();
    let code = vm.allow_threads(|| {
        unread.feed(data, |input| {
            let step = stream.run(input, &mut out, xz::LZMA_RUN, max);
            // After an error the stream is of no use, and so is its input.
            (if is_error(step.code) { input.len() } else { step.used }, step.code)
        })
    });
    d.check.set(stream.check);
    checked(vm, code)?;
    if code == xz::LZMA_STREAM_END {
        stream.end();
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
