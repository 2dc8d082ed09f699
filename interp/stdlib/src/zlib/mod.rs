//! `zlib`.

mod objects;
mod stream;

use cape_vm::buffer::Buffer;
use cape_vm::object::*;
use cape_vm::runtime::StaticType;
use cape_vm::{Ptr, Raised, Res, Value, Vm, intern, rt};

pub use stream::crc32;
use stream::*;

static ERROR: StaticType = StaticType::new();

const DEF_BUF_SIZE: i64 = 16384;
const MAX_WBITS: i32 = 15;
const DEF_MEM_LEVEL: i32 = 8;
const DEFLATED: i32 = 8;

const CONSTANTS: &[(&str, i64)] = &[
    ("DEFLATED", 8),
    ("DEF_BUF_SIZE", DEF_BUF_SIZE),
    ("DEF_MEM_LEVEL", 8),
    ("MAX_WBITS", 15),
    ("Z_BEST_COMPRESSION", 9),
    ("Z_BEST_SPEED", 1),
    ("Z_BLOCK", 5),
    ("Z_DEFAULT_COMPRESSION", -1),
    ("Z_DEFAULT_STRATEGY", 0),
    ("Z_FILTERED", 1),
    ("Z_FINISH", 4),
    ("Z_FIXED", 4),
    ("Z_FULL_FLUSH", 3),
    ("Z_HUFFMAN_ONLY", 2),
    ("Z_NO_COMPRESSION", 0),
    ("Z_NO_FLUSH", 0),
    ("Z_PARTIAL_FLUSH", 1),
    ("Z_RLE", 3),
    ("Z_SYNC_FLUSH", 2),
    ("Z_TREES", 6),
];

/// Fills the module.
pub fn init(vm: &Vm, m: Ptr<ModuleObj>) -> Res<()> {
    let error = cape_vm::native::new_type::<ExcObj>("zlib.error", rt().types.exception, TypeFlags::BASE).class();
    ERROR.set(error);
    m.class(error).add("ZLIB_VERSION", intern("1.3.1")).add("ZLIB_RUNTIME_VERSION", intern("1.3.1"));
    for (name, v) in CONSTANTS {
        m.add(name, Value::int(*v));
    }
    m.add("_ZlibDecompressor", objects::make_types(vm).value());
    m.function(
        "compress($module, data, /, level=Z_DEFAULT_COMPRESSION, wbits=MAX_WBITS)",
        "Returns a bytes object containing compressed data.\n\n  data\n    Binary data to be compressed.\n  level\n    Compression level, in 0-9 or -1.\n  wbits\n    The window buffer size and container format.",
        compress,
    )
    .function(
        "decompress($module, data, /, wbits=MAX_WBITS, bufsize=DEF_BUF_SIZE)",
        "Returns a bytes object containing the uncompressed data.\n\n  data\n    Compressed data.\n  wbits\n    The window buffer size and container format.\n  bufsize\n    The initial output buffer size.",
        decompress,
    )
    .function(
        "compressobj($module, /, level=Z_DEFAULT_COMPRESSION, method=DEFLATED, wbits=MAX_WBITS, memLevel=DEF_MEM_LEVEL, strategy=Z_DEFAULT_STRATEGY, zdict=<unrepresentable>)",
        "Return a compressor object.\n\n  level\n    The compression level (an integer in the range 0-9 or -1; default is\n    currently equivalent to 6).  Higher compression levels are slower,\n    but produce smaller results.\n  method\n    The compression algorithm.  If given, this must be DEFLATED.\n  wbits\n    +9 to +15: The base-two logarithm of the window size.  Include a zlib\n        container.\n    -9 to -15: Generate a raw stream.\n    +25 to +31: Include a gzip container.\n  memLevel\n    Controls the amount of memory used for internal compression state.\n    Valid values range from 1 to 9.  Higher values result in higher memory\n    usage, faster compression, and smaller output.\n  strategy\n    Used to tune the compression algorithm.  Possible values are\n    Z_DEFAULT_STRATEGY, Z_FILTERED, and Z_HUFFMAN_ONLY.\n  zdict\n    The predefined compression dictionary - a sequence of bytes\n    containing subsequences that are likely to occur in the input data.",
        objects::compressobj,
    )
    .function(
        "decompressobj($module, /, wbits=MAX_WBITS, zdict=b'')",
        "Return a decompressor object.\n\n  wbits\n    The window buffer size and container format.\n  zdict\n    The predefined compression dictionary.  This must be the same\n    dictionary as used by the compressor that produced the input data.",
        objects::decompressobj,
    )
    .function(
        "adler32($module, data, value=1, /)",
        "Compute an Adler-32 checksum of data.\n\n  value\n    Starting value of the checksum.\n\nThe returned checksum is an integer.",
        |vm: &Vm, data: Buffer, start: Option<Value>| {
            Ok::<_, Raised>(adler32(start.map_or(Ok(1), |v| low_bits(vm, v))?, data.as_slice()))
        },
    )
    .function(
        "crc32($module, data, value=0, /)",
        "Compute a CRC-32 checksum of data.\n\n  value\n    Starting value of the checksum.\n\nThe returned checksum is an integer.",
        |vm: &Vm, data: Buffer, start: Option<Value>| {
            Ok::<_, Raised>(crc32(start.map_or(Ok(0), |v| low_bits(vm, v))?, data.as_slice()))
        },
    );
    Ok(())
}

/// The low 32 bits of an int of any size.
pub fn low_bits(vm: &Vm, v: Value) -> Res<u32> {
    Ok(match vm.index_int(v)? {
        Int::Small(i) => i as u32,
        Int::Big(b) => {
            let low = b.magnitude().iter_u32_digits().next().unwrap_or(0);
            if b.sign() == num_bigint::Sign::Minus { low.wrapping_neg() } else { low }
        }
    })
}

/// `zlib.error` for a code.
#[cold]
fn error(vm: &Vm, code: i32, message: Option<String>, what: &str) -> Raised {
    let message = message.or_else(|| {
        let m = match code {
            BUF_ERROR => "incomplete or truncated stream",
            STREAM_ERROR => "inconsistent stream state",
            DATA_ERROR => "invalid input data",
            VERSION_ERROR => "library version mismatch",
            _ => return None,
        };
        Some(m.to_string())
    });
    let text = match message {
        Some(m) => format!("Error {code} {what}: {m}"),
        None => format!("Error {code} {what}"),
    };
    vm.new_exc(ERROR.get(), &text)
}

fn compress(vm: &Vm, data: Buffer, level: Option<i32>, wbits: Option<i32>) -> Res<Value> {
    let s = Stream::deflate(level.unwrap_or(-1), DEFLATED, wbits.unwrap_or(MAX_WBITS), DEF_MEM_LEVEL, 0);
    let mut s = s.map_err(|code| match code {
        MEM_ERROR => vm.memory_error("Out of memory while compressing data"),
        STREAM_ERROR => vm.new_exc(ERROR.get(), "Bad compression level"),
        code => error(vm, code, None, "while compressing data"),
    })?;
    let mut out = Vec::new();
    let step = s.run(data.as_slice(), &mut out, FINISH, usize::MAX);
    if step.code != STREAM_END {
        return Err(error(vm, step.code, s.message(), "while compressing data"));
    }
    Ok(BytesObj::new(&out).value())
}

fn decompress(vm: &Vm, data: Buffer, wbits: Option<i32>, _bufsize: Option<isize>) -> Res<Value> {
    let mut s = Stream::inflate(wbits.unwrap_or(MAX_WBITS)).map_err(|code| match code {
        MEM_ERROR => vm.memory_error("Out of memory while decompressing data"),
        code => error(vm, code, None, "while preparing to decompress data"),
    })?;
    let mut out = Vec::new();
    let step = s.run(data.as_slice(), &mut out, SYNC_FLUSH, usize::MAX);
    match step.code {
        STREAM_END => Ok(BytesObj::new(&out).value()),
        OK => Err(error(vm, BUF_ERROR, None, "while decompressing data")),
        code => Err(error(vm, code, s.message(), "while decompressing data")),
    }
}
