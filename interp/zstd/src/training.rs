//! Dictionaries made from samples.

use std::ffi::CStr;

use cape_vm::object::*;
use cape_vm::{Ptr, Raised, Res, Vm};
use zstd_sys as ffi;

use crate::error;

/// Adds the functions.
pub fn init(m: Ptr<ModuleObj>) {
    m.function(
        "train_dict($module, samples_bytes, samples_sizes, dict_size, /)",
        "Train a Zstandard dictionary on sample data.\n\n  samples_bytes\n    Concatenation of samples.\n  samples_sizes\n    Tuple of samples' sizes.\n  dict_size\n    The size of the dictionary.",
        train,
    )
    .function(
        "finalize_dict($module, custom_dict_bytes, samples_bytes, samples_sizes,\n              dict_size, compression_level, /)",
        "Finalize a Zstandard dictionary.\n\n  custom_dict_bytes\n    Custom dictionary content.\n  samples_bytes\n    Concatenation of samples.\n  samples_sizes\n    Tuple of samples' sizes.\n  dict_size\n    The size of the dictionary.\n  compression_level\n    Optimize for a specific Zstandard compression level, 0 means default.",
        finalize,
    );
}

/// The sizes of the samples, which together are as long as their concatenation.
fn sizes(vm: &Vm, samples: Ptr<BytesObj>, sizes: Ptr<TupleObj>, room: isize) -> Res<Vec<usize>> {
    if room <= 0 {
        return Err(vm.value_error("dict_size argument should be positive number."));
    }
    if sizes.len() > u32::MAX as usize {
        return Err(vm.value_error("The number of samples should be <= 4294967295."));
    }
    let differ = || vm.value_error("The samples size tuple doesn't match the concatenation's size.");
    let (mut all, mut sum) = (Vec::with_capacity(sizes.len()), 0usize);
    for &v in sizes.as_slice() {
        if !is_int(v) {
            return Err(vm.type_error("an integer is required"));
        }
        let n = vm.index_int(v)?.to_i64().and_then(|n| usize::try_from(n).ok()).ok_or_else(differ)?;
        sum = sum.checked_add(n).ok_or_else(differ)?;
        all.push(n);
    }
    if sum == samples.as_slice().len() { Ok(all) } else { Err(differ()) }
}

/// What the library has written, or the exception for its code.
fn made(vm: &Vm, doing: &str, mut room: Vec<u8>, code: usize) -> Res<Ptr<BytesObj>> {
    // SAFETY: any number may be asked about; the names are static text.
    let why = unsafe {
        (ffi::ZDICT_isError(code) != 0)
            .then(|| CStr::from_ptr(ffi::ZDICT_getErrorName(code)).to_string_lossy())
    };
    match why {
        None => {
            room.truncate(code);
            Ok(BytesObj::new(&room))
        }
        Some(why) => Err::<_, Raised>(error::new(vm, &format!("Unable to {doing}: {why}"))),
    }
}

/// Room for a dictionary of this size.
fn make_room(vm: &Vm, size: isize) -> Res<Vec<u8>> {
    let mut room = Vec::new();
    if room.try_reserve_exact(size as usize).is_err() {
        return Err(vm.new_exc_args(cape_vm::rt().types.memory_error, &[]));
    }
    room.resize(size as usize, 0);
    Ok(room)
}

fn train(vm: &Vm, samples: Ptr<BytesObj>, lengths: Ptr<TupleObj>, size: isize) -> Res<Ptr<BytesObj>> {
    let lengths = sizes(vm, samples, lengths, size)?;
    let mut room = make_room(vm, size)?;
    let bytes = samples.as_slice();
    let code = vm.allow_threads(|| {
        // SAFETY: the buffers are valid for their lengths, and the sizes are those of the samples.
        unsafe {
            ffi::ZDICT_trainFromBuffer(
                room.as_mut_ptr().cast(),
                room.len(),
                bytes.as_ptr().cast(),
                lengths.as_ptr(),
                lengths.len() as u32,
            )
        }
    });
    made(vm, "train the Zstandard dictionary", room, code)
}

fn finalize(
    vm: &Vm,
    custom: Ptr<BytesObj>,
    samples: Ptr<BytesObj>,
    lengths: Ptr<TupleObj>,
    size: isize,
    level: i32,
) -> Res<Ptr<BytesObj>> {
    let lengths = sizes(vm, samples, lengths, size)?;
    let mut room = make_room(vm, size)?;
    let (custom, bytes) = (custom.as_slice(), samples.as_slice());
    let parameters = ffi::ZDICT_params_t { compressionLevel: level, notificationLevel: 0, dictID: 0 };
    let code = vm.allow_threads(|| {
        // SAFETY: as above.
        unsafe {
            ffi::ZDICT_finalizeDictionary(
                room.as_mut_ptr().cast(),
                room.len(),
                custom.as_ptr().cast(),
                custom.len(),
                bytes.as_ptr().cast(),
                lengths.as_ptr(),
                lengths.len() as u32,
                parameters,
            )
        }
    });
    made(vm, "finalize the Zstandard dictionary", room, code)
}
