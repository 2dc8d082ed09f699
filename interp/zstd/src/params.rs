//! Parameters of streams: their numbers and names, their bounds, and what dicts say of them.

use cape_stdlib::statics::StaticValue;
use cape_vm::native::FromArg;
use cape_vm::object::*;
use cape_vm::{Ptr, Raised, Res, Value, Vm, type_of};
use zstd_sys::{self as ffi, ZSTD_cParameter as C, ZSTD_dParameter as D};

use crate::error;

/// Parameters of compression with the names that the module and its messages have for them. Those without are the library's
/// experimental ones.
const COMPRESSION: &[(C, &str, &str)] = &[
    (C::ZSTD_c_compressionLevel, "ZSTD_c_compressionLevel", "compression_level"),
    (C::ZSTD_c_windowLog, "ZSTD_c_windowLog", "window_log"),
    (C::ZSTD_c_hashLog, "ZSTD_c_hashLog", "hash_log"),
    (C::ZSTD_c_chainLog, "ZSTD_c_chainLog", "chain_log"),
    (C::ZSTD_c_searchLog, "ZSTD_c_searchLog", "search_log"),
    (C::ZSTD_c_minMatch, "ZSTD_c_minMatch", "min_match"),
    (C::ZSTD_c_targetLength, "ZSTD_c_targetLength", "target_length"),
    (C::ZSTD_c_strategy, "ZSTD_c_strategy", "strategy"),
    (
        C::ZSTD_c_enableLongDistanceMatching,
        "ZSTD_c_enableLongDistanceMatching",
        "enable_long_distance_matching",
    ),
    (C::ZSTD_c_ldmHashLog, "ZSTD_c_ldmHashLog", "ldm_hash_log"),
    (C::ZSTD_c_ldmMinMatch, "ZSTD_c_ldmMinMatch", "ldm_min_match"),
    (C::ZSTD_c_ldmBucketSizeLog, "ZSTD_c_ldmBucketSizeLog", "ldm_bucket_size_log"),
    (C::ZSTD_c_ldmHashRateLog, "ZSTD_c_ldmHashRateLog", "ldm_hash_rate_log"),
    (C::ZSTD_c_contentSizeFlag, "ZSTD_c_contentSizeFlag", "content_size_flag"),
    (C::ZSTD_c_checksumFlag, "ZSTD_c_checksumFlag", "checksum_flag"),
    (C::ZSTD_c_dictIDFlag, "ZSTD_c_dictIDFlag", "dict_id_flag"),
    (C::ZSTD_c_nbWorkers, "ZSTD_c_nbWorkers", "nb_workers"),
    (C::ZSTD_c_jobSize, "ZSTD_c_jobSize", "job_size"),
    (C::ZSTD_c_overlapLog, "ZSTD_c_overlapLog", "overlap_log"),
    (C::ZSTD_c_targetCBlockSize, "", ""),
    (C::ZSTD_c_experimentalParam1, "", ""),
    (C::ZSTD_c_experimentalParam2, "", ""),
    (C::ZSTD_c_experimentalParam3, "", ""),
    (C::ZSTD_c_experimentalParam4, "", ""),
    (C::ZSTD_c_experimentalParam5, "", ""),
    (C::ZSTD_c_experimentalParam7, "", ""),
    (C::ZSTD_c_experimentalParam8, "", ""),
    (C::ZSTD_c_experimentalParam9, "", ""),
    (C::ZSTD_c_experimentalParam10, "", ""),
    (C::ZSTD_c_experimentalParam11, "", ""),
    (C::ZSTD_c_experimentalParam12, "", ""),
    (C::ZSTD_c_experimentalParam13, "", ""),
    (C::ZSTD_c_experimentalParam14, "", ""),
    (C::ZSTD_c_experimentalParam15, "", ""),
    (C::ZSTD_c_experimentalParam16, "", ""),
    (C::ZSTD_c_experimentalParam17, "", ""),
    (C::ZSTD_c_experimentalParam18, "", ""),
    (C::ZSTD_c_experimentalParam19, "", ""),
    (C::ZSTD_c_experimentalParam20, "", ""),
];

/// Those of decompression.
const DECOMPRESSION: &[(D, &str, &str)] = &[
    (D::ZSTD_d_windowLogMax, "ZSTD_d_windowLogMax", "window_log_max"),
    (D::ZSTD_d_experimentalParam1, "", ""),
    (D::ZSTD_d_experimentalParam2, "", ""),
    (D::ZSTD_d_experimentalParam3, "", ""),
    (D::ZSTD_d_experimentalParam4, "", ""),
    (D::ZSTD_d_experimentalParam5, "", ""),
    (D::ZSTD_d_experimentalParam6, "", ""),
];

const STRATEGIES: [&str; 9] =
    ["fast", "dfast", "greedy", "lazy", "lazy2", "btlazy2", "btopt", "btultra", "btultra2"];

/// The library's code of a parameter that it does not have.
const UNSUPPORTED: usize = (-(ffi::ZSTD_ErrorCode::ZSTD_error_parameter_unsupported as isize)) as usize;

/// The two enums of the library in Python: a list of both.
static TYPES: StaticValue = StaticValue::new();

/// Adds constants and functions.
pub fn init(m: Ptr<ModuleObj>) {
    for (p, name, _) in COMPRESSION.iter().filter(|row| !row.1.is_empty()) {
        m.add(name, Value::int(*p as i64));
    }
    for (p, name, _) in DECOMPRESSION.iter().filter(|row| !row.1.is_empty()) {
        m.add(name, Value::int(*p as i64));
    }
    for (i, name) in STRATEGIES.iter().enumerate() {
        m.add(&format!("ZSTD_{name}"), Value::int(i as i64 + 1));
    }
    m.function(
        "get_param_bounds($module, /, parameter, is_compress)",
        "Get CompressionParameter/DecompressionParameter bounds.\n\n  parameter\n    The parameter to get bounds.\n  is_compress\n    True for CompressionParameter, False for DecompressionParameter.",
        |vm: &Vm, key: i32, compress: bool| {
            let way = if compress { Way::Compress } else { Way::Decompress };
            let (low, high) = way.bounds(key).map_err(|why| {
                error::new(vm, &format!("Unable to get zstd {}ion parameter bounds: {why}", way.word()))
            })?;
            Ok::<_, Raised>(TupleObj::new(&[Value::int(low as i64), Value::int(high as i64)]))
        },
    )
    .function(
        "set_parameter_types($module, /, c_parameter_type, d_parameter_type)",
        "Set CompressionParameter and DecompressionParameter types for validity check.\n\n  c_parameter_type\n    CompressionParameter IntEnum type object\n  d_parameter_type\n    DecompressionParameter IntEnum type object",
        |_: &Vm, c: Ptr<TypeObj>, d: Ptr<TypeObj>| TYPES.set(ListObj::new(&[c.value(), d.value()]).value()),
    );
}

/// A direction.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Way {
    Compress,
    Decompress,
}

impl Way {
    /// Its word, but for the last letters.
    fn word(self) -> &'static str {
        match self {
            Way::Compress => "compress",
            Way::Decompress => "decompress",
        }
    }

    /// The lowest and the highest value, or why there are none.
    pub fn bounds(self, key: i32) -> Result<(i32, i32), String> {
        let bounds = match self {
            // SAFETY: parameters that the library has.
            Way::Compress => compression(key).map(|p| unsafe { ffi::ZSTD_cParam_getBounds(p.0) }),
            // SAFETY: as above.
            Way::Decompress => decompression(key).map(|p| unsafe { ffi::ZSTD_dParam_getBounds(p.0) }),
        };
        let code = bounds.map_or(UNSUPPORTED, |b| b.error);
        match (error::of_code(code), bounds) {
            (None, Some(b)) => Ok((b.lowerBound, b.upperBound)),
            (why, _) => Err(why.unwrap_or_default()),
        }
    }

    /// `ValueError` for a parameter that cannot have this value.
    fn illegal(self, vm: &Vm, key: i32, value: i32) -> Raised {
        let name = match self {
            Way::Compress => compression(key).map_or("", |p| p.2),
            Way::Decompress => decompression(key).map_or("", |p| p.2),
        };
        let name = if name.is_empty() { format!("unknown parameter (key {key})") } else { name.to_owned() };
        let word = self.word();
        match self.bounds(key) {
            Err(_) => vm.value_error(format!("invalid {word}ion parameter '{name}'")),
            Ok((low, high)) => vm.value_error(format!(
                "{word}ion parameter '{name}' received an illegal value {value}; the valid range is [{low}, {high}]"
            )),
        }
    }

    /// Whether a key of a dict is of the enum for the other direction, which is an error.
    fn check_key(self, vm: &Vm, key: Value) -> Res<()> {
        let Some(types) = TYPES.try_get().and_then(|t| t.downcast::<ListObj>()) else { return Ok(()) };
        let (other, name) = match self {
            Way::Compress => (1, "DecompressionParameter"),
            Way::Decompress => (0, "CompressionParameter"),
        };
        if types.get(other) == Some(type_of(key).value()) {
            return Err(vm.type_error(format!(
                "{}ion options dictionary key must not be a {name} attribute",
                self.word()
            )));
        }
        Ok(())
    }
}

fn compression(key: i32) -> Option<&'static (C, &'static str, &'static str)> {
    COMPRESSION.iter().find(|row| row.0 as i32 == key)
}

fn decompression(key: i32) -> Option<&'static (D, &'static str, &'static str)> {
    DECOMPRESSION.iter().find(|row| row.0 as i32 == key)
}

/// Calls `set` for each item of a dict of parameters. It gives the library's code.
pub fn set_all(
    vm: &Vm,
    way: Way,
    options: Ptr<DictObj>,
    mut set: impl FnMut(i32, i32) -> Res<usize>,
) -> Res<()> {
    // What `__index__` does with the dict is its own business: each entry is looked at once.
    let mut at = 0;
    while let Some((i, e)) = options.table.next_entry(at) {
        at = i + 1;
        way.check_key(vm, e.key)?;
        let key = i32::from_arg(vm, e.key, 0)?;
        let value = i32::from_arg(vm, e.value, 0)?;
        if error::of_code(set(key, value)?).is_some() {
            return Err(way.illegal(vm, key, value));
        }
    }
    Ok(())
}

/// Sets a parameter of compression: the library's code.
///
/// # Safety
///
/// The context must be alive, and nobody else use it.
pub unsafe fn set_compression(cctx: *mut ffi::ZSTD_CCtx, key: i32, value: i32) -> usize {
    // SAFETY: the caller's promise.
    compression(key).map_or(UNSUPPORTED, |p| unsafe { ffi::ZSTD_CCtx_setParameter(cctx, p.0, value) })
}

/// Sets a parameter of decompression: the library's code.
///
/// # Safety
///
/// As above.
pub unsafe fn set_decompression(dctx: *mut ffi::ZSTD_DCtx, key: i32, value: i32) -> usize {
    // SAFETY: the caller's promise.
    decompression(key).map_or(UNSUPPORTED, |p| unsafe { ffi::ZSTD_DCtx_setParameter(dctx, p.0, value) })
}

/// The key of the level of compression.
pub const LEVEL: i32 = C::ZSTD_c_compressionLevel as i32;
