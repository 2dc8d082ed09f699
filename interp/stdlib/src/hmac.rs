//! `_hmac`: keyed hashes (RFC 2104) over the algorithms of the modules beside it.

use std::cell::RefCell;

use cape_heap::{Header, Native, heap, heap_object};
use cape_vm::native::{Named, new_type};
use cape_vm::object::*;
use cape_vm::runtime::StaticType;
use cape_vm::{Ptr, Raised, Res, Value, Vm, rt};

use crate::hashes::{Algorithm, GIL_MINSIZE, State, bytes, hex};
use crate::{blake2, md5, sha1, sha2, sha3};

/// A running HMAC: the hash of the message, and the one that its digest goes into. The key went into both.
struct Keyed {
    inner: State,
    outer: State,
}

heap_object! {
    /// `_hmac.HMAC`
    pub struct HmacObj { state: Native<RefCell<Keyed>>, algorithm: Native<&'static Algorithm> } [drop]
}

impl Named for HmacObj {
    const NAME: &'static str = "_hmac.HMAC";
}

static TYPE: StaticType = StaticType::new();
static UNKNOWN: StaticType = StaticType::new();

macro_rules! algorithms {
    ($($names:literal $function:literal $algorithm:expr;)*) => {
        /// Every algorithm with its names, in lower case: what `hashlib` calls it, and what the functions do.
        static ALGORITHMS: &[(&[&str], &Algorithm)] = &[$((&[$algorithm.name, $names], &$algorithm),)*];

        fn add_functions(m: Ptr<ModuleObj>) {
            $(m.function(
                concat!($function, "($module, key, msg, /)"),
                "",
                |vm: &Vm, key: Value, message: Value| one_shot(vm, &$algorithm, key, message),
            );)*
        }
    };
}

algorithms! {
    "md5" "compute_md5" md5::MD5;
    "sha1" "compute_sha1" sha1::SHA1;
    "sha2_224" "compute_sha224" sha2::sha224::ALGORITHM;
    "sha2_256" "compute_sha256" sha2::sha256::ALGORITHM;
    "sha2_384" "compute_sha384" sha2::sha384::ALGORITHM;
    "sha2_512" "compute_sha512" sha2::sha512::ALGORITHM;
    "sha3_224" "compute_sha3_224" sha3::ALGORITHMS[0];
    "sha3_256" "compute_sha3_256" sha3::ALGORITHMS[1];
    "sha3_384" "compute_sha3_384" sha3::ALGORITHMS[2];
    "sha3_512" "compute_sha3_512" sha3::ALGORITHMS[3];
    "blake2s_32" "compute_blake2s_32" blake2::BLAKE2S;
    "blake2b_32" "compute_blake2b_32" blake2::BLAKE2B;
}

/// Fills the module.
pub fn init(_vm: &Vm, m: Ptr<ModuleObj>) -> Res<()> {
    // Modules that are imported anew share the classes: who has the module of before catches what the functions raise.
    if TYPE.try_get().is_none() {
        make_types();
    }
    m.class(TYPE.get()).class(UNKNOWN.get()).add("_GIL_MINSIZE", Value::int(GIL_MINSIZE));
    m.function(
        "new($module, /, key, msg=None, digestmod=None)",
        "Return a new HMAC object.",
        |vm: &Vm, key: Value, message: Option<Value>, digest: Option<Value>| {
            let Some(digest) = digest else {
                return Err(vm.type_error("new() missing 1 required argument 'digestmod'"));
            };
            let algorithm = find(vm, digest)?;
            let mut state = Keyed::new(algorithm, bytes(vm, key)?.as_slice());
            if let Some(message) = message.filter(|m| !m.is_none()) {
                state.inner.update(bytes(vm, message)?.as_slice());
            }
            Ok(make(algorithm, state))
        },
    )
    .function(
        "compute_digest($module, /, key, msg, digest)",
        "",
        |vm: &Vm, key: Value, message: Value, digest: Value| one_shot(vm, find(vm, digest)?, key, message),
    );
    add_functions(m);
    Ok(())
}

fn make_types() {
    let b = new_type::<HmacObj>("_hmac.HMAC", rt().types.object, TypeFlags::NO_INSTANTIATION)
        .method("__repr__($self, /)", "Return repr(self).", |_: &Vm, h: Ptr<HmacObj>| {
            format!("<{} HMAC object @ {:#x}>", h.algorithm.name, h.as_raw() as usize)
        })
        .method("copy($self, /)", "Return a copy (\"clone\") of the HMAC object.", |_: &Vm, h: Ptr<HmacObj>| {
            make(h.algorithm.0, h.state.borrow().copy())
        })
        .method(
            "update($self, /, msg)",
            "Update the HMAC object with the given message.",
            |vm: &Vm, h: Ptr<HmacObj>, message: Value| {
                let b = bytes(vm, message)?;
                h.state.borrow_mut().inner.update(b.as_slice());
                Ok::<_, Raised>(())
            },
        )
        .method(
            "digest($self, /)",
            "Return the digest of the bytes passed to the update() method so far.\n\nThis method may raise a MemoryError.",
            |_: &Vm, h: Ptr<HmacObj>| BytesObj::new(&h.state.borrow().digest()),
        )
        .method(
            "hexdigest($self, /)",
            "Return hexadecimal digest of the bytes passed to the update() method so far.\n\nThis may be used to exchange the value safely in email or other\nnon-binary environments.\n\nThis method may raise a MemoryError.",
            |_: &Vm, h: Ptr<HmacObj>| hex(&h.state.borrow().digest()),
        )
        .getter("name", "", |_: &Vm, h: Ptr<HmacObj>| format!("hmac-{}", h.algorithm.name))
        .getter("block_size", "", |_: &Vm, h: Ptr<HmacObj>| h.algorithm.block)
        .getter("digest_size", "", |_: &Vm, h: Ptr<HmacObj>| h.algorithm.size);
    TYPE.set(b.class());
    let unknown = new_type::<ExcObj>("_hmac.UnknownHashError", rt().types.value_error, TypeFlags::BASE);
    UNKNOWN.set(unknown.class());
}

/// The algorithm of a name, in any case.
fn find(vm: &Vm, name: Value) -> Res<&'static Algorithm> {
    if let Some(s) = name.downcast::<StrObj>() {
        let name = s.display().to_lowercase();
        if let Some((_, algorithm)) = ALGORITHMS.iter().find(|(names, _)| names.contains(&name.as_str())) {
            return Ok(algorithm);
        }
    }
    Err(vm.new_exc(UNKNOWN.get(), &format!("unsupported hash type: {}", vm.repr_str(name)?)))
}

impl Keyed {
    fn new(algorithm: &Algorithm, key: &[u8]) -> Keyed {
        let mut block = vec![0; algorithm.block];
        if key.len() > block.len() {
            let mut hash = (algorithm.start)();
            hash.update(key);
            let digest = hash.digest(0);
            block[..digest.len()].copy_from_slice(&digest);
        } else {
            block[..key.len()].copy_from_slice(key);
        }
        let padded = |pad: u8| {
            let mut state = (algorithm.start)();
            state.update(&block.iter().map(|b| b ^ pad).collect::<Vec<u8>>());
            state
        };
        Keyed { inner: padded(0x36), outer: padded(0x5c) }
    }

    fn copy(&self) -> Keyed {
        Keyed { inner: self.inner.copy(), outer: self.outer.copy() }
    }

    /// The digest so far.
    fn digest(&self) -> Vec<u8> {
        let mut outer = self.outer.copy();
        outer.update(&self.inner.digest(0));
        outer.digest(0)
    }
}

fn make(algorithm: &'static Algorithm, state: Keyed) -> Ptr<HmacObj> {
    let map = TYPE.get().instance_map();
    heap().alloc(
        map,
        HmacObj {
            header: Header::new(map),
            state: Native(RefCell::new(state)),
            algorithm: Native(algorithm),
        },
    )
}

fn one_shot(vm: &Vm, algorithm: &Algorithm, key: Value, message: Value) -> Res<Ptr<BytesObj>> {
    let key = bytes(vm, key)?;
    let message = bytes(vm, message)?;
    let mut state = Keyed::new(algorithm, key.as_slice());
    state.inner.update(message.as_slice());
    Ok(BytesObj::new(&state.digest()))
}
