//! `_zstd`, over the Zstandard library itself, which is linked in: streams in both directions, dictionaries, facts about frames.

mod compressor;
mod decompressor;
mod dictionary;
mod error;
mod params;
mod training;

use cape_vm::buffer::Buffer;
use cape_vm::native::int_from;
use cape_vm::object::*;
use cape_vm::{Ptr, Raised, Res, Value, Vm, intern, rt};
use zstd_sys as ffi;

/// What `__new__` says of itself.
const NEW: &str = "Create and return a new object.  See help(type) for accurate signature.";

/// What the library says of a frame whose content is of unknown size, and of what is no frame.
const UNKNOWN: u64 = u64::MAX;
const NO_FRAME: u64 = u64::MAX - 1;

/// Makes the module importable.
pub fn register() {
    rt().add_native_module("_zstd", init);
}

fn init(_vm: &Vm, m: Ptr<ModuleObj>) -> Res<()> {
    error::init(m);
    dictionary::init(m);
    compressor::init(m);
    decompressor::init(m);
    training::init(m);
    params::init(m);
    // SAFETY: a plain call, which gives static text.
    let version = unsafe { std::ffi::CStr::from_ptr(ffi::ZSTD_versionString()) }.to_string_lossy();
    // SAFETY: plain calls.
    let (number, level, out) =
        unsafe { (ffi::ZSTD_versionNumber(), ffi::ZSTD_defaultCLevel(), ffi::ZSTD_DStreamOutSize()) };
    m.add("__doc__", intern("Implementation module for Zstandard compression."))
        .add("zstd_version", intern(&version))
        .add("zstd_version_number", Value::int(number as i64))
        .add("ZSTD_CLEVEL_DEFAULT", Value::int(level as i64))
        .add("ZSTD_DStreamOutSize", Value::int(out as i64));
    m.function(
        "get_frame_size($module, /, frame_buffer)",
        "Get the size of a Zstandard frame, including the header and optional checksum.\n\n  frame_buffer\n    A bytes-like object, it should start from the beginning of a frame,\n    and contains at least one complete frame.",
        frame_size,
    )
    .function(
        "get_frame_info($module, /, frame_buffer)",
        "Get Zstandard frame infomation from a frame header.\n\n  frame_buffer\n    A bytes-like object, containing the header of a Zstandard frame.",
        frame_info,
    );
    Ok(())
}

fn frame_size(vm: &Vm, frame: Buffer) -> Res<usize> {
    let bytes = frame.as_slice();
    // SAFETY: the bytes are valid during the call.
    let size = unsafe { ffi::ZSTD_findFrameCompressedSize(bytes.as_ptr().cast(), bytes.len()) };
    match error::of_code(size) {
        None => Ok(size),
        Some(why) => Err(error::new(
            vm,
            &format!(
                "Error when finding the compressed size of a Zstandard frame. Ensure the frame_buffer argument starts from the beginning of a frame, and its length is not less than this complete frame. Zstd error message: {why}."
            ),
        )),
    }
}

fn frame_info(vm: &Vm, frame: Buffer) -> Res<Ptr<TupleObj>> {
    let bytes = frame.as_slice();
    // SAFETY: the bytes are valid during the calls.
    let (size, dictionary) = unsafe {
        let (at, n) = (bytes.as_ptr().cast(), bytes.len());
        (ffi::ZSTD_getFrameContentSize(at, n), ffi::ZSTD_getDictID_fromFrame(at, n))
    };
    let size = match size {
        UNKNOWN => Value::NONE,
        NO_FRAME => {
            return Err::<_, Raised>(error::new(
                vm,
                "Error when getting information from the header of a Zstandard frame. Ensure the frame_buffer argument starts from the beginning of a frame, and its length is not less than the frame header (6~18 bytes).",
            ));
        }
        n => int_from(n as i128),
    };
    Ok(TupleObj::new(&[size, Value::int(dictionary as i64)]))
}
