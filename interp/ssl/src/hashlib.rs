//! `_hashlib`: digests, HMAC and derivation of keys, by libcrypto.

use std::sync::Mutex;

use aws_lc_sys as ffi;
use cape_heap::{Header, Native, heap, heap_object};
use cape_stdlib::hashes::{GIL_MINSIZE, bytes, hex, initial};
use cape_vm::native::{Named, new_type};
use cape_vm::object::*;
use cape_vm::runtime::StaticType;
use cape_vm::{Ptr, Raised, Res, Value, Vm, intern, rt, type_of};

use crate::crypto::{Digest, Failure, Hmac};
use crate::derive;

/// A digest: its name, what else it is called (in small letters), libcrypto's function, whether the caller says how long it is to be.
pub struct Algorithm {
    pub name: &'static str,
    others: &'static [&'static str],
    table: unsafe extern "C" fn() -> *const ffi::EVP_MD,
    free: bool,
}

macro_rules! algorithms {
    ($($name:literal $others:expr, $table:ident $free:literal;)*) => {
        static ALGORITHMS: &[Algorithm] = &[$(Algorithm { name: $name, others: &$others, table: ffi::$table, free: $free }),*];
    };
}

algorithms! {
    "md5" [], EVP_md5 false;
    "sha1" ["sha-1"], EVP_sha1 false;
    "sha224" ["sha-224", "sha2-224"], EVP_sha224 false;
    "sha256" ["sha-256", "sha2-256"], EVP_sha256 false;
    "sha384" ["sha-384", "sha2-384"], EVP_sha384 false;
    "sha512" ["sha-512", "sha2-512"], EVP_sha512 false;
    "sha3_224" ["sha3-224"], EVP_sha3_224 false;
    "sha3_256" ["sha3-256"], EVP_sha3_256 false;
    "sha3_384" ["sha3-384"], EVP_sha3_384 false;
    "sha3_512" ["sha3-512"], EVP_sha3_512 false;
    "shake_128" ["shake128", "shake-128"], EVP_shake128 true;
    "shake_256" ["shake256", "shake-256"], EVP_shake256 true;
    "sha512_224" ["sha512-224", "sha-512/224", "sha2-512/224"], EVP_sha512_224 false;
    "sha512_256" ["sha512-256", "sha-512/256", "sha2-512/256"], EVP_sha512_256 false;
    "ripemd160" ["ripemd-160", "ripemd", "rmd160"], EVP_ripemd160 false;
    "md5-sha1" [], EVP_md5_sha1 false;
}

impl Algorithm {
    /// libcrypto's table.
    pub fn table(&self) -> *const ffi::EVP_MD {
        // SAFETY: a plain call.
        unsafe { (self.table)() }
    }

    fn size(&self) -> usize {
        // SAFETY: a static table.
        if self.free { 0 } else { unsafe { ffi::EVP_MD_size(self.table()) } }
    }

    fn block(&self) -> usize {
        // SAFETY: a static table.
        unsafe { ffi::EVP_MD_block_size(self.table()) }
    }

    /// The algorithm of this name, in any letters.
    fn find(name: &str) -> Option<&'static Algorithm> {
        let name = name.to_ascii_lowercase();
        ALGORITHMS.iter().find(|a| a.name == name || a.others.contains(&name.as_str()))
    }

    /// As [`Algorithm::find`], with an exception.
    pub fn of(vm: &Vm, name: &str) -> Res<&'static Algorithm> {
        Algorithm::find(name).ok_or_else(|| unsupported(vm, format!("unsupported hash type {name}")))
    }
}

#[cold]
fn unsupported(vm: &Vm, message: String) -> Raised {
    vm.new_exc(UNSUPPORTED.get(), &message)
}

#[cold]
pub fn failed(vm: &Vm) -> Raised {
    vm.value_error(Failure::last().message)
}

heap_object! {
    /// A running digest.
    pub struct HashObj { state: Native<Mutex<Digest>>, algorithm: Native<&'static Algorithm> } [drop]

    /// A running HMAC.
    pub struct HmacObj { state: Native<Mutex<Hmac>>, algorithm: Native<&'static Algorithm> } [drop]
}

impl Named for HashObj {
    const NAME: &'static str = "_hashlib.HASH";
}

impl Named for HmacObj {
    const NAME: &'static str = "_hashlib.HMAC";
}

static HASH: StaticType = StaticType::new();
static HASH_XOF: StaticType = StaticType::new();
static HMAC: StaticType = StaticType::new();
static UNSUPPORTED: StaticType = StaticType::new();

const METHODS: &str = "A hash is an object used to calculate a checksum of a string of information.\n\nMethods:\n\nupdate() -- updates the current digest with an additional string\ndigest() -- return the current digest value\nhexdigest() -- return the current digest as a string of hexadecimal digits\ncopy() -- return a copy of the current hash object\n\nAttributes:\n\nname -- the hash algorithm being used by this object\ndigest_size -- number of bytes in this hashes output";
const METHODS_XOF: &str = "A hash is an object used to calculate a checksum of a string of information.\n\nMethods:\n\nupdate() -- updates the current digest with an additional string\ndigest(length) -- return the current digest value\nhexdigest(length) -- return the current digest as a string of hexadecimal digits\ncopy() -- return a copy of the current hash object\n\nAttributes:\n\nname -- the hash algorithm being used by this object\ndigest_size -- number of bytes in this hashes output";
const METHODS_HMAC: &str = "The object used to calculate HMAC of a message.\n\nMethods:\n\nupdate() -- updates the current digest with an additional string\ndigest() -- return the current digest value\nhexdigest() -- return the current digest as a string of hexadecimal digits\ncopy() -- return a copy of the current hash object\n\nAttributes:\n\nname -- the name, including the hash algorithm used by this object\ndigest_size -- number of bytes in digest() output\n";
const DIGEST: &str = "Return the digest value as a bytes object.";
const HEX: &str = "Return the digest value as a string of hexadecimal digits.";

/// Fills the module.
pub fn init(vm: &Vm, m: Ptr<ModuleObj>) -> Res<()> {
    // Modules that are imported anew share the classes.
    if HASH.try_get().is_none() {
        make_types();
    }
    for t in [&HASH, &HASH_XOF, &HMAC, &UNSUPPORTED] {
        m.class(t.get());
    }
    m.add("__doc__", intern("OpenSSL interface for hashlib module"))
        .add("_GIL_MINSIZE", Value::int(GIL_MINSIZE))
        .add("compare_digest", vm.import_attr("_operator", "_compare_digest")?);
    m.function(
        "new($module, /, name, data=b'', *, usedforsecurity=True, string=None)",
        "Return a new hash object using the named algorithm.\n\nAn optional string argument may be provided and will be\nautomatically hashed.\n\nThe MD5 and SHA1 algorithms are always supported.",
        |vm: &Vm, name: String, data: Option<Value>, _security: Value, string: Option<Value>| {
            begin(vm, Algorithm::of(vm, &name)?, data, string)
        },
    )
    .function("hmac_new($module, /, key, msg=b'', digestmod=None)", "Return a new hmac object.", hmac_new)
    .function("hmac_digest($module, /, key, msg, digest)", "Single-shot HMAC.", hmac_digest)
    .function(
        "get_fips_mode($module, /)",
        "Determine the OpenSSL FIPS mode of operation.\n\nFor OpenSSL 3.0.0 and newer it returns the state of the default provider\nin the default OSSL context. It's not quite the same as FIPS_mode() but\ngood enough for unittests.\n\nEffectively any non-zero return value indicates FIPS mode;\nvalues other than 1 may have additional significance.",
        |_: &Vm| {
            // SAFETY: a plain call.
            unsafe { ffi::FIPS_mode() }
        },
    );
    derive::init(m);
    constructors(vm, m)
}

/// The functions of single algorithms, the table of them, and the names of all.
fn constructors(vm: &Vm, m: Ptr<ModuleObj>) -> Res<()> {
    macro_rules! each {
        ($($i:literal $name:literal;)*) => {{
            $(m.function(
                concat!("openssl_", $name, "($module, /, data=b'', *, usedforsecurity=True,\n               string=None)"),
                concat!("Returns a ", $name, " hash object; optionally initialized with a string"),
                |vm: &Vm, data: Option<Value>, _security: Value, string: Option<Value>| begin(vm, &ALGORITHMS[$i], data, string),
            );)*
            [$(($name, concat!("openssl_", $name))),*]
        }};
    }
    let all = each! {
        0 "md5"; 1 "sha1"; 2 "sha224"; 3 "sha256"; 4 "sha384"; 5 "sha512"; 6 "sha3_224"; 7 "sha3_256"; 8 "sha3_384"; 9 "sha3_512";
        10 "shake_128"; 11 "shake_256";
    };
    let table = DictObj::new();
    for (i, (name, function)) in all.iter().enumerate() {
        debug_assert_eq!(ALGORITHMS[i].name, *name);
        let f = m.get(intern(function)).expect("just added");
        table.set(vm, f, intern(name))?;
    }
    m.add("_constructors", table.value());
    let names = ListObj::new(&[]);
    ALGORITHMS.iter().for_each(|a| names.push(intern(a.name)));
    let names = vm.call(rt().types.frozenset.value(), &[names.value()])?;
    m.add("openssl_md_meth_names", names);
    Ok(())
}

fn make_types() {
    let b = new_type::<HashObj>(
        "_hashlib.HASH",
        rt().types.object,
        TypeFlags::BASE | TypeFlags::NO_INSTANTIATION,
    )
    .doc(METHODS)
    .method("__repr__($self, /)", "Return repr(self).", |_: &Vm, h: Ptr<HashObj>| {
        let class = type_of(h.value());
        format!(
            "<{} {} object @ {:#x}>",
            h.algorithm.name,
            cape_vm::class::full_name(class),
            h.as_raw() as usize
        )
    })
    .method("copy($self, /)", "Return a copy of the hash object.", |vm: &Vm, h: Ptr<HashObj>| {
        Ok::<_, Raised>(object(h.algorithm.0, copy(vm, h)?))
    })
    .method("update($self, obj, /)", "Update this hash object's state with the provided string.", update)
    .method("digest($self, /)", DIGEST, |vm: &Vm, h: Ptr<HashObj>| {
        Ok::<_, Raised>(BytesObj::new(&finish(vm, h, h.algorithm.size())?))
    })
    .method("hexdigest($self, /)", HEX, |vm: &Vm, h: Ptr<HashObj>| {
        Ok::<_, Raised>(hex(&finish(vm, h, h.algorithm.size())?))
    })
    .getter("name", "", |_: &Vm, h: Ptr<HashObj>| h.algorithm.name)
    .getter("block_size", "", |_: &Vm, h: Ptr<HashObj>| h.algorithm.block())
    .getter("digest_size", "", |_: &Vm, h: Ptr<HashObj>| h.algorithm.size());
    HASH.set(b.class());
    let b = new_type::<HashObj>("_hashlib.HASHXOF", b.class(), TypeFlags::BASE | TypeFlags::NO_INSTANTIATION)
        .doc(METHODS_XOF)
        .method("digest($self, /, length)", DIGEST, |vm: &Vm, h: Ptr<HashObj>, n: Value| {
            Ok::<_, Raised>(BytesObj::new(&finish(vm, h, length(vm, n)?)?))
        })
        .method("hexdigest($self, /, length)", HEX, |vm: &Vm, h: Ptr<HashObj>, n: Value| {
            Ok::<_, Raised>(hex(&finish(vm, h, length(vm, n)?)?))
        })
        .getter("digest_size", "", |_: &Vm, _: Ptr<HashObj>| 0);
    HASH_XOF.set(b.class());
    let b = new_type::<HmacObj>("_hashlib.HMAC", rt().types.object, TypeFlags::BASE | TypeFlags::NO_INSTANTIATION)
        .doc(METHODS_HMAC)
        .method("__repr__($self, /)", "Return repr(self).", |_: &Vm, h: Ptr<HmacObj>| {
            format!("<{} HMAC object @ {:#x}>", h.algorithm.name, h.as_raw() as usize)
        })
        .method("copy($self, /)", "Return a copy (\"clone\") of the HMAC object.", |vm: &Vm, h: Ptr<HmacObj>| {
            Ok::<_, Raised>(hmac_object(h.algorithm.0, hmac_copy(vm, h)?))
        })
        .method("update($self, /, msg)", "Update the HMAC object with msg.", hmac_update)
        .method("digest($self, /)", "Return the digest of the bytes passed to the update() method so far.", |vm: &Vm, h: Ptr<HmacObj>| {
            Ok::<_, Raised>(BytesObj::new(&hmac_finish(vm, h)?))
        })
        .method(
            "hexdigest($self, /)",
            "Return hexadecimal digest of the bytes passed to the update() method so far.\n\nThis may be used to exchange the value safely in email or other\nnon-binary environments.",
            |vm: &Vm, h: Ptr<HmacObj>| Ok::<_, Raised>(hex(&hmac_finish(vm, h)?)),
        )
        .getter("name", "", |_: &Vm, h: Ptr<HmacObj>| format!("hmac-{}", h.algorithm.name))
        .getter("block_size", "", |_: &Vm, h: Ptr<HmacObj>| h.algorithm.block())
        .getter("digest_size", "", |_: &Vm, h: Ptr<HmacObj>| h.algorithm.size());
    HMAC.set(b.class());
    UNSUPPORTED.set(
        new_type::<ExcObj>("_hashlib.UnsupportedDigestmodError", rt().types.value_error, TypeFlags::BASE)
            .class(),
    );
}

/// How many bytes a digest of free length is to have.
fn length(vm: &Vm, n: Value) -> Res<usize> {
    let n = vm.index_isize(n)?;
    usize::try_from(n).map_err(|_| vm.value_error("length must not be negative"))
}

fn object(algorithm: &'static Algorithm, state: Digest) -> Ptr<HashObj> {
    let class = if algorithm.free { &HASH_XOF } else { &HASH };
    let map = class.get().instance_map();
    let state = Native(Mutex::new(state));
    heap().alloc(map, HashObj { header: Header::new(map), state, algorithm: Native(algorithm) })
}

fn begin(
    vm: &Vm,
    algorithm: &'static Algorithm,
    data: Option<Value>,
    string: Option<Value>,
) -> Res<Ptr<HashObj>> {
    let data = initial(vm, data, string)?;
    // SAFETY: a fresh state, and a static table.
    let state = unsafe {
        let state = Digest::new(ffi::EVP_MD_CTX_new()).map_err(|_| failed(vm))?;
        if ffi::EVP_DigestInit_ex(state.raw(), algorithm.table(), std::ptr::null_mut()) != 1 {
            return Err(failed(vm));
        }
        state
    };
    let h = object(algorithm, state);
    if let Some(data) = data {
        update(vm, h, data)?;
    }
    Ok(h)
}

/// Runs `f`, without the GIL when there is much to do.
fn aside<R>(vm: &Vm, n: usize, f: impl FnOnce() -> R) -> R {
    if n > GIL_MINSIZE as usize { vm.allow_threads(f) } else { f() }
}

fn locked<T>(m: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    m.lock().unwrap_or_else(|e| e.into_inner())
}

fn update(vm: &Vm, h: Ptr<HashObj>, data: Value) -> Res<()> {
    let b = bytes(vm, data)?;
    let (p, n) = (b.address() as usize, b.len());
    let state = &h.state;
    let done = aside(vm, n, || {
        let state = locked(state);
        // SAFETY: the buffer is held, and so many bytes long.
        unsafe { ffi::EVP_DigestUpdate(state.raw(), p as *const _, n) }
    });
    if done == 1 { Ok(()) } else { Err(failed(vm)) }
}

fn copy(vm: &Vm, h: Ptr<HashObj>) -> Res<Digest> {
    let state = locked(&h.state);
    // SAFETY: a fresh state, which becomes a copy of another.
    unsafe {
        let new = Digest::new(ffi::EVP_MD_CTX_new()).map_err(|_| failed(vm))?;
        if ffi::EVP_MD_CTX_copy_ex(new.raw(), state.raw()) != 1 { Err(failed(vm)) } else { Ok(new) }
    }
}

fn finish(vm: &Vm, h: Ptr<HashObj>, n: usize) -> Res<Vec<u8>> {
    let state = copy(vm, h)?;
    let mut out: Vec<u8> = Vec::new();
    out.try_reserve_exact(n).map_err(|_| vm.new_exc_args(rt().types.memory_error, &[]))?;
    out.resize(n, 0);
    // SAFETY: there is room for so many bytes, which is how long the digest is or shall be.
    let done = unsafe {
        match h.algorithm.free {
            true if n == 0 => 1,
            true => ffi::EVP_DigestFinalXOF(state.raw(), out.as_mut_ptr(), n),
            false => ffi::EVP_DigestFinal_ex(state.raw(), out.as_mut_ptr(), std::ptr::null_mut()),
        }
    };
    if done == 1 { Ok(out) } else { Err(failed(vm)) }
}

/// The algorithm that an argument names, or makes objects of.
fn algorithm_of(vm: &Vm, v: Value) -> Res<&'static Algorithm> {
    let name = match v.downcast::<StrObj>() {
        Some(s) => Some(vm.utf8(s)?),
        None => v.downcast::<BuiltinObj>().and_then(|f| {
            let name = f.def.name.strip_prefix("openssl_")?;
            f.module.downcast::<StrObj>().filter(|m| m.eq_str("_hashlib"))?;
            Some(name.to_owned())
        }),
    };
    let Some(name) = name else {
        return Err(unsupported(vm, format!("Unsupported digestmod {}", vm.repr_str(v)?)));
    };
    let algorithm = Algorithm::of(vm, &name)?;
    if algorithm.free {
        return Err(vm.value_error(format!("{name} has digests of any length: HMAC is not defined for it")));
    }
    Ok(algorithm)
}

fn keyed(vm: &Vm, algorithm: &Algorithm, key: &[u8]) -> Res<Hmac> {
    // SAFETY: a fresh state, a static table, and so many bytes. (An empty key is one, too.)
    unsafe {
        let state = Hmac::new(ffi::HMAC_CTX_new()).map_err(|_| failed(vm))?;
        let p = if key.is_empty() { c"".as_ptr() as *const _ } else { key.as_ptr() as *const _ };
        if ffi::HMAC_Init_ex(state.raw(), p, key.len(), algorithm.table(), std::ptr::null_mut()) != 1 {
            return Err(failed(vm));
        }
        Ok(state)
    }
}

fn hmac_object(algorithm: &'static Algorithm, state: Hmac) -> Ptr<HmacObj> {
    let map = HMAC.get().instance_map();
    let state = Native(Mutex::new(state));
    heap().alloc(map, HmacObj { header: Header::new(map), state, algorithm: Native(algorithm) })
}

fn hmac_new(vm: &Vm, key: Value, message: Option<Value>, digest: Option<Value>) -> Res<Ptr<HmacObj>> {
    let Some(digest) = digest.filter(|d| !d.is_none()) else {
        return Err(vm.type_error("Missing required parameter 'digestmod'."));
    };
    let key = vm.bytes_like(key)?;
    let algorithm = algorithm_of(vm, digest)?;
    let h = hmac_object(algorithm, keyed(vm, algorithm, key.as_slice())?);
    if let Some(message) = message.filter(|m| !m.is_none()) {
        hmac_update(vm, h, message)?;
    }
    Ok(h)
}

fn hmac_update(vm: &Vm, h: Ptr<HmacObj>, message: Value) -> Res<()> {
    let b = bytes(vm, message)?;
    let (p, n) = (b.address() as usize, b.len());
    let state = &h.state;
    let done = aside(vm, n, || {
        let state = locked(state);
        // SAFETY: the buffer is held, and so many bytes long.
        unsafe { ffi::HMAC_Update(state.raw(), p as *const u8, n) }
    });
    if done == 1 { Ok(()) } else { Err(failed(vm)) }
}

fn hmac_copy(vm: &Vm, h: Ptr<HmacObj>) -> Res<Hmac> {
    let state = locked(&h.state);
    // SAFETY: a fresh state, which becomes a copy of another.
    unsafe {
        let new = Hmac::new(ffi::HMAC_CTX_new()).map_err(|_| failed(vm))?;
        if ffi::HMAC_CTX_copy(new.raw(), state.raw()) != 1 { Err(failed(vm)) } else { Ok(new) }
    }
}

fn hmac_finish(vm: &Vm, h: Ptr<HmacObj>) -> Res<Vec<u8>> {
    let state = hmac_copy(vm, h)?;
    finish_hmac(vm, h.algorithm.0, &state)
}

fn finish_hmac(vm: &Vm, algorithm: &Algorithm, state: &Hmac) -> Res<Vec<u8>> {
    let mut out = vec![0u8; algorithm.size()];
    let mut n = 0;
    // SAFETY: there is room for the digest.
    match unsafe { ffi::HMAC_Final(state.raw(), out.as_mut_ptr(), &mut n) } {
        1 => Ok(out),
        _ => Err(failed(vm)),
    }
}

fn hmac_digest(vm: &Vm, key: Value, message: Value, digest: Value) -> Res<Ptr<BytesObj>> {
    let (key, message) = (vm.bytes_like(key)?, vm.bytes_like(message)?);
    let algorithm = algorithm_of(vm, digest)?;
    let state = keyed(vm, algorithm, key.as_slice())?;
    let (p, n) = (message.address() as usize, message.len());
    let raw = state.raw() as usize;
    let done = aside(vm, n, || {
        // SAFETY: this thread's own state; the buffer is held, and so many bytes long.
        unsafe { ffi::HMAC_Update(raw as *mut ffi::HMAC_CTX, p as *const u8, n) }
    });
    if done != 1 {
        return Err(failed(vm));
    }
    Ok(BytesObj::new(&finish_hmac(vm, algorithm, &state)?))
}
