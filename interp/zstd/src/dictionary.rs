//! `ZstdDict`: dictionaries, and how streams get them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use cape_heap::{Header, Native, heap, heap_object};
use cape_vm::buffer::Buffer;
use cape_vm::native::{FromArg, Named, new_type};
use cape_vm::object::*;
use cape_vm::{Ptr, Raised, Res, Value, Vm, rt};
use zstd_sys as ffi;

use crate::{NEW, error};

heap_object! {
    /// `ZstdDict`. Streams share what is in it.
    pub struct DictionaryObj { dictionary: Native<Arc<Dictionary>> } [drop]
}

impl Named for DictionaryObj {
    const NAME: &'static str = "compression.zstd.ZstdDict";
}

type This = Ptr<DictionaryObj>;

/// A dictionary, and its digested forms, made when they are first needed: for compression there is one for each level.
pub struct Dictionary {
    content: Box<[u8]>,
    id: u32,
    compressing: Mutex<HashMap<i32, *mut ffi::ZSTD_CDict>>,
    decompressing: Mutex<Option<*mut ffi::ZSTD_DDict>>,
}

// SAFETY: the digested forms are never changed, and belong to this.
unsafe impl Send for Dictionary {}
// SAFETY: as above.
unsafe impl Sync for Dictionary {}

impl Drop for Dictionary {
    fn drop(&mut self) {
        let made = std::mem::take(&mut *self.compressing.lock().unwrap_or_else(PoisonError::into_inner));
        for d in made.into_values() {
            // SAFETY: it belongs to this, and streams that refer to it hold this.
            unsafe { ffi::ZSTD_freeCDict(d) };
        }
        if let Some(d) = self.decompressing.lock().unwrap_or_else(PoisonError::into_inner).take() {
            // SAFETY: as above.
            unsafe { ffi::ZSTD_freeDDict(d) };
        }
    }
}

/// How a stream takes a dictionary.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum How {
    Digested = 0,
    Undigested = 1,
    Prefix = 2,
}

/// Makes the class.
pub fn init(m: Ptr<ModuleObj>) {
    let t = new_type::<DictionaryObj>("compression.zstd.ZstdDict", rt().types.object, 0)
        .doc("Represents a Zstandard dictionary.\n\n  dict_content\n    The content of a Zstandard dictionary as a bytes-like object.\n  is_raw\n    If true, perform no checks on *dict_content*, useful for some\n    advanced cases. Otherwise, check that the content represents\n    a Zstandard dictionary created by the zstd library or CLI.\n\nThe dictionary can be used for compression or decompression, and can be\nshared by multiple ZstdCompressor or ZstdDecompressor objects.")
        .new_fn("__new__($type, dict_content, /, *, is_raw=False)", NEW, make)
        .method("__len__($self, /)", "Return len(self).", |_: &Vm, d: This| d.dictionary.content.len())
        .method("__repr__($self, /)", "Return repr(self).", |_: &Vm, d: This| {
            format!("<ZstdDict dict_id={} dict_size={}>", d.dictionary.id, d.dictionary.content.len())
        })
        .getter(
            "dict_id",
            "The Zstandard dictionary, an int between 0 and 2**32.\n\nA non-zero value represents an ordinary Zstandard dictionary,\nconforming to the standardised format.\n\nA value of zero indicates a 'raw content' dictionary,\nwithout any restrictions on format or content.",
            |_: &Vm, d: This| d.dictionary.id,
        )
        .getter("dict_content", "The content of a Zstandard dictionary, as a bytes object.", |_: &Vm, d: This| {
            BytesObj::new(&d.dictionary.content)
        })
        .getter(
            "as_digested_dict",
            "Load as a digested dictionary to compressor.\n\nPass this attribute as zstd_dict argument:\ncompress(dat, zstd_dict=zd.as_digested_dict)\n\n1. Some advanced compression parameters of compressor may be\n   overridden by parameters of digested dictionary.\n2. ZstdDict has a digested dictionaries cache for each compression\n   level.  It's faster when loading again a digested dictionary with\n   the same compression level.\n3. No need to use this for decompression.",
            |_: &Vm, d: This| marked(d, How::Digested),
        )
        .getter(
            "as_undigested_dict",
            "Load as an undigested dictionary to compressor.\n\nPass this attribute as zstd_dict argument:\ncompress(dat, zstd_dict=zd.as_undigested_dict)\n\n1. The advanced compression parameters of compressor will not be\n   overridden.\n2. Loading an undigested dictionary is costly. If load an undigested\n   dictionary multiple times, consider reusing a compressor object.\n3. No need to use this for decompression.",
            |_: &Vm, d: This| marked(d, How::Undigested),
        )
        .getter(
            "as_prefix",
            "Load as a prefix to compressor/decompressor.\n\nPass this attribute as zstd_dict argument:\ncompress(dat, zstd_dict=zd.as_prefix)\n\n1. Prefix is compatible with long distance matching, while\n   dictionary is not.\n2. It only works for the first frame, then the\n   compressor/decompressor will return to no prefix state.\n3. When decompressing, must use the same prefix as when compressing.",
            |_: &Vm, d: This| marked(d, How::Prefix),
        )
        .members(&["dict_id"]);
    m.class(t.class());
}

/// The dictionary with the way in which it is to be taken.
fn marked(d: This, how: How) -> Ptr<TupleObj> {
    TupleObj::new(&[d.value(), Value::int(how as i64)])
}

fn make(vm: &Vm, cls: Ptr<TypeObj>, content: Buffer, raw: Option<bool>) -> Res<This> {
    let content: Box<[u8]> = content.as_slice().into();
    if content.len() < 8 {
        return Err(vm.value_error("Zstandard dictionary content too short (must have at least eight bytes)"));
    }
    // SAFETY: the bytes are valid during the call.
    let id = unsafe { ffi::ZSTD_getDictID_fromDict(content.as_ptr().cast(), content.len()) };
    if id == 0 && !raw.unwrap_or(false) {
        return Err(vm.value_error("invalid Zstandard dictionary"));
    }
    let dictionary =
        Dictionary { content, id, compressing: Mutex::default(), decompressing: Mutex::default() };
    let map = cls.instance_map();
    Ok(heap()
        .alloc(map, DictionaryObj { header: Header::new(map), dictionary: Native(Arc::new(dictionary)) }))
}

/// What an argument `zstd_dict` says: a dictionary, or one that is marked; `default` is how it is taken if it is not.
pub fn argument(vm: &Vm, v: Value, default: How) -> Res<(Arc<Dictionary>, How)> {
    let wrong = || vm.type_error("zstd_dict argument should be a ZstdDict object.");
    if let Some(d) = v.downcast::<DictionaryObj>() {
        return Ok((d.dictionary.0.clone(), default));
    }
    let Some(pair) = v.downcast::<TupleObj>().filter(|t| t.len() == 2) else { return Err(wrong()) };
    let Some(d) = pair.get(0).downcast::<DictionaryObj>() else { return Err(wrong()) };
    if !is_int(pair.get(1)) {
        return Err(wrong());
    }
    let how = match i32::from_arg(vm, pair.get(1), 0)? {
        0 => How::Digested,
        1 => How::Undigested,
        2 => How::Prefix,
        _ => return Err(wrong()),
    };
    Ok((d.dictionary.0.clone(), how))
}

impl Dictionary {
    /// Gives it to a compressing context of this level, which refers to it from then on.
    ///
    /// # Safety
    ///
    /// The context must be alive, nobody else use it, and this outlive it.
    pub unsafe fn give_to_compressor(
        &self,
        vm: &Vm,
        cctx: *mut ffi::ZSTD_CCtx,
        how: How,
        level: i32,
    ) -> Res<()> {
        let (at, n) = (self.content.as_ptr().cast(), self.content.len());
        // SAFETY: the caller's promise; the content lives as long as this.
        let code = unsafe {
            match how {
                How::Digested => ffi::ZSTD_CCtx_refCDict(cctx, self.digested(vm, level)?),
                How::Undigested => ffi::ZSTD_CCtx_loadDictionary(cctx, at, n),
                How::Prefix => ffi::ZSTD_CCtx_refPrefix(cctx, at, n),
            }
        };
        error::checked(vm, "load Zstandard dictionary or prefix for compression", code).map(drop)
    }

    /// The same, to a decompressing context.
    ///
    /// # Safety
    ///
    /// As above.
    pub unsafe fn give_to_decompressor(&self, vm: &Vm, dctx: *mut ffi::ZSTD_DCtx, how: How) -> Res<()> {
        let (at, n) = (self.content.as_ptr().cast(), self.content.len());
        // SAFETY: the caller's promise; the content lives as long as this.
        let code = unsafe {
            match how {
                How::Digested => ffi::ZSTD_DCtx_refDDict(dctx, self.digested_to_read(vm)?),
                How::Undigested => ffi::ZSTD_DCtx_loadDictionary(dctx, at, n),
                How::Prefix => ffi::ZSTD_DCtx_refPrefix(dctx, at, n),
            }
        };
        error::checked(vm, "load Zstandard dictionary or prefix for decompression", code).map(drop)
    }

    fn digested(&self, vm: &Vm, level: i32) -> Res<*const ffi::ZSTD_CDict> {
        let mut made = self.compressing.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(d) = made.get(&level) {
            return Ok(*d);
        }
        // SAFETY: the content is valid; the library copies it.
        let d = unsafe { ffi::ZSTD_createCDict(self.content.as_ptr().cast(), self.content.len(), level) };
        if d.is_null() {
            return Err(not_digested(vm, 'C'));
        }
        made.insert(level, d);
        Ok(d)
    }

    fn digested_to_read(&self, vm: &Vm) -> Res<*const ffi::ZSTD_DDict> {
        let mut made = self.decompressing.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(d) = *made {
            return Ok(d);
        }
        // SAFETY: as above.
        let d = unsafe { ffi::ZSTD_createDDict(self.content.as_ptr().cast(), self.content.len()) };
        if d.is_null() {
            return Err(not_digested(vm, 'D'));
        }
        *made = Some(d);
        Ok(d)
    }
}

#[cold]
fn not_digested(vm: &Vm, kind: char) -> Raised {
    error::new(vm, &format!("Failed to create a ZSTD_{kind}Dict instance from Zstandard dictionary content."))
}
