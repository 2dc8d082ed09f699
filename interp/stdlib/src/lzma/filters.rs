//! Filters: what dicts say of them, as the library's structures, and the other way round.

use std::ffi::c_void;
use std::ptr::{null, null_mut};

use cape_vm::class::full_name;
use cape_vm::native::int_from;
use cape_vm::object::*;
use cape_vm::special::Special;
use cape_vm::{Ptr, Res, Value, Vm, intern, type_of};
use liblzma_sys as xz;

use super::{checked, invalid_preset, unsigned};

/// The most filters that a chain may have.
const MOST: usize = xz::LZMA_FILTERS_MAX as usize;

/// Options, boxed: the library is given their address.
enum Options {
    Lzma(Box<xz::lzma_options_lzma>),
    Delta(Box<xz::lzma_options_delta>),
    Bcj(Box<xz::lzma_options_bcj>),
}

/// The families that filters belong to, by what options they have.
enum Family {
    Lzma,
    Delta,
    Bcj,
}

/// The family of a filter's id, if Python knows that id. (The library knows more.)
fn family(id: u64) -> Option<Family> {
    Some(match id {
        xz::LZMA_FILTER_LZMA1 | xz::LZMA_FILTER_LZMA2 => Family::Lzma,
        xz::LZMA_FILTER_DELTA => Family::Delta,
        xz::LZMA_FILTER_X86
        | xz::LZMA_FILTER_POWERPC
        | xz::LZMA_FILTER_IA64
        | xz::LZMA_FILTER_ARM
        | xz::LZMA_FILTER_ARMTHUMB
        | xz::LZMA_FILTER_SPARC => Family::Bcj,
        _ => return None,
    })
}

/// A filter and its options.
pub struct Filter {
    id: u64,
    options: Options,
}

/// Options as a preset has them.
pub fn preset(vm: &Vm, preset: u32) -> Res<Box<xz::lzma_options_lzma>> {
    // SAFETY: a plain C structure, for which all zero is a value.
    let mut options: Box<xz::lzma_options_lzma> = Box::new(unsafe { std::mem::zeroed() });
    // SAFETY: fills the structure.
    if unsafe { xz::lzma_lzma_preset(&mut *options, preset) } != 0 {
        return Err(invalid_preset(vm, preset));
    }
    Ok(options)
}

/// Puts the options that a specifier has in their places. Others than these and `passed_over` are errors, whose details nobody
/// is told.
fn fill(vm: &Vm, spec: Value, family: &str, passed_over: &[&str], places: &mut [(&str, &mut u32)]) -> Res<()> {
    let fits = spec.downcast::<DictObj>().is_some_and(|d| {
        let mut known = passed_over.iter().filter(|n| d.get_str(intern(n)).is_some()).count();
        for (name, place) in places {
            let Some(v) = d.get_str(intern(name)) else { continue };
            let Ok(n) = unsigned(vm, v, u32::MAX as u64, "uint32_t") else { return false };
            **place = n as u32;
            known += 1;
        }
        known == d.len()
    });
    if fits { Ok(()) } else { Err(vm.value_error(format!("Invalid filter specifier for {family} filter"))) }
}

impl Filter {
    /// The filter that a specifier, a mapping, describes.
    pub fn parse(vm: &Vm, spec: Value) -> Res<Filter> {
        if type_of(spec).special(Special::Getitem).is_empty() {
            return Err(vm.type_error("Filter specifier must be a dict or dict-like object"));
        }
        let Some(id) = vm.mapping_get(spec, intern("id"))? else {
            return Err(vm.value_error("Filter specifier must have an \"id\" entry"));
        };
        let id = unsigned(vm, id, u64::MAX, "lzma_vli")?;
        let Some(family) = family(id) else { return Err(invalid_id(vm, id)) };
        let options = match family {
            Family::Lzma => {
                let base = match vm.mapping_get(spec, intern("preset"))? {
                    Some(p) => unsigned(vm, p, u32::MAX as u64, "uint32_t")? as u32,
                    None => xz::LZMA_PRESET_DEFAULT,
                };
                let mut o = preset(vm, base)?;
                let places = &mut [
                    ("dict_size", &mut o.dict_size),
                    ("lc", &mut o.lc),
                    ("lp", &mut o.lp),
                    ("pb", &mut o.pb),
                    ("mode", &mut o.mode),
                    ("nice_len", &mut o.nice_len),
                    ("mf", &mut o.mf),
                    ("depth", &mut o.depth),
                ];
                fill(vm, spec, "LZMA", &["id", "preset"], places)?;
                Options::Lzma(o)
            }
            Family::Delta => {
                // SAFETY: a plain C structure, for which all zero is a value: its only kind of delta, by bytes, is 0.
                let mut o: Box<xz::lzma_options_delta> = Box::new(unsafe { std::mem::zeroed() });
                o.dist = 1;
                fill(vm, spec, "delta", &["id"], &mut [("dist", &mut o.dist)])?;
                Options::Delta(o)
            }
            Family::Bcj => {
                // SAFETY: as above.
                let mut o: Box<xz::lzma_options_bcj> = Box::new(unsafe { std::mem::zeroed() });
                fill(vm, spec, "BCJ", &["id"], &mut [("start_offset", &mut o.start_offset)])?;
                Options::Bcj(o)
            }
        };
        Ok(Filter { id, options })
    }

    /// The library's structure, which points into this.
    fn raw(&mut self) -> xz::lzma_filter {
        let options: *mut c_void = match &mut self.options {
            Options::Lzma(o) => (&raw mut **o).cast(),
            Options::Delta(o) => (&raw mut **o).cast(),
            Options::Bcj(o) => (&raw mut **o).cast(),
        };
        xz::lzma_filter { id: self.id, options }
    }

    /// The filter's properties as they stand in files.
    pub fn properties(mut self, vm: &Vm) -> Res<Vec<u8>> {
        let raw = self.raw();
        let mut size = 0;
        // SAFETY: the filter has the options that belong to its id.
        checked(vm, unsafe { xz::lzma_properties_size(&mut size, &raw) })?;
        let mut out = vec![0; size as usize];
        // SAFETY: as above, and there is room for as many bytes as the library has said.
        checked(vm, unsafe { xz::lzma_properties_encode(&raw, out.as_mut_ptr()) })?;
        Ok(out)
    }
}

fn invalid_id(vm: &Vm, id: u64) -> cape_vm::Raised {
    vm.value_error(format!("Invalid filter ID: {id}"))
}

/// Filters, the first to be applied first.
pub struct Chain(Vec<Filter>);

impl Chain {
    /// The chain that a sequence of specifiers describes.
    pub fn parse(vm: &Vm, specs: Value) -> Res<Chain> {
        if specs.is::<DictObj>() {
            return Err(vm.type_error(format!("{} is not a sequence", full_name(type_of(specs)))));
        }
        let n = vm.len(specs)?;
        if n > MOST {
            return Err(vm.value_error(format!("Too many filters - liblzma supports a maximum of {MOST}")));
        }
        let mut filters = Vec::with_capacity(n);
        for i in 0..n {
            filters.push(Filter::parse(vm, vm.get_item(specs, Value::int(i as i64))?)?);
        }
        Ok(Chain(filters))
    }

    /// The library's array, which points into this.
    pub fn raw(&mut self) -> [xz::lzma_filter; MOST + 1] {
        let end = xz::lzma_filter { id: xz::LZMA_VLI_UNKNOWN, options: null_mut() };
        let mut raw = [end; MOST + 1];
        for (to, filter) in raw.iter_mut().zip(&mut self.0) {
            *to = filter.raw();
        }
        raw
    }

    /// The options of a chain that is a single LZMA1 filter.
    pub fn lzma1(&self) -> Option<&xz::lzma_options_lzma> {
        match &self.0[..] {
            [Filter { id: xz::LZMA_FILTER_LZMA1, options: Options::Lzma(o) }] => Some(o),
            _ => None,
        }
    }
}

/// Options that the library has made; freed as it has allocated them, by `malloc`.
struct Decoded(xz::lzma_filter);

impl Drop for Decoded {
    fn drop(&mut self) {
        // SAFETY: NULL, or options that the library has allocated without an allocator of ours.
        unsafe { libc::free(self.0.options) }
    }
}

/// `lzma._decode_filter_properties(filter_id, encoded_props)`: the specifier of a filter with these properties.
pub fn specifier(vm: &Vm, id: u64, properties: &[u8]) -> Res<Ptr<DictObj>> {
    let mut f = Decoded(xz::lzma_filter { id, options: null_mut() });
    // SAFETY: a filter without options, which the library makes from the bytes.
    let code = unsafe {
        xz::lzma_properties_decode(&mut f.0, null(), properties.as_ptr(), properties.len())
    };
    checked(vm, code)?;
    let d = DictObj::new();
    let add = |name: &str, n: u64| d.set_str(intern(name), int_from(n as i128));
    add("id", id);
    let options = f.0.options;
    match family(id) {
        None => return Err(invalid_id(vm, id)),
        // No properties, or those that are the default, are no options.
        _ if options.is_null() => {}
        Some(Family::Lzma) => {
            // SAFETY: the options of such a filter.
            let o = unsafe { &*options.cast::<xz::lzma_options_lzma>() };
            if id == xz::LZMA_FILTER_LZMA1 {
                add("lc", o.lc as u64);
                add("lp", o.lp as u64);
                add("pb", o.pb as u64);
            }
            add("dict_size", o.dict_size as u64);
        }
        Some(Family::Delta) => {
            // SAFETY: as above.
            add("dist", unsafe { (*options.cast::<xz::lzma_options_delta>()).dist } as u64);
        }
        Some(Family::Bcj) => {
            // SAFETY: as above.
            add("start_offset", unsafe { (*options.cast::<xz::lzma_options_bcj>()).start_offset } as u64);
        }
    }
    Ok(d)
}
