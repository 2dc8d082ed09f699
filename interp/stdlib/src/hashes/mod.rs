//! Hash objects: what `_md5`, `_sha1`, `_sha2`, `_sha3`, `_blake2` and `_hmac` have in common.

use std::cell::RefCell;

use cape_heap::{Header, Native, heap, heap_object};
use cape_vm::buffer::Buffer;
use cape_vm::native::{Named, TypeBuilder, new_type};
use cape_vm::object::*;
use cape_vm::{Ptr, Res, Value, Vm, rt};
use digest::DynDigest;
use sha3::digest::{ExtendableOutput, Update, XofReader};

/// The running state of a hash.
pub enum State {
    /// A hash of fixed length.
    Fixed(Box<dyn DynDigest>),
    /// SHAKE128
    Shake128(sha3::Shake128),
    /// SHAKE256
    Shake256(sha3::Shake256),
    /// BLAKE2b
    Blake2b(Box<blake2b_simd::State>),
    /// BLAKE2s
    Blake2s(Box<blake2s_simd::State>),
}

heap_object! {
    /// A hash object.
    pub struct HashObj { state: Native<RefCell<State>>, pub algorithm: Native<&'static Algorithm>, pub size: usize } [drop]
}

impl Named for HashObj {
    const NAME: &'static str = "hash";
}

/// What is known of an algorithm.
pub struct Algorithm {
    /// Its name.
    pub name: &'static str,
    /// Bytes of a digest; 0 when the caller says how many.
    pub size: usize,
    /// Bytes of a block.
    pub block: usize,
    /// A fresh state.
    pub start: fn() -> State,
}

impl State {
    /// A hash of fixed length.
    pub fn fixed<D: DynDigest + Default + 'static>() -> State {
        State::Fixed(Box::new(D::default()))
    }

    /// Hashes more.
    pub fn update(&mut self, data: &[u8]) {
        match self {
            State::Fixed(d) => d.update(data),
            State::Shake128(d) => d.update(data),
            State::Shake256(d) => d.update(data),
            State::Blake2b(d) => {
                d.update(data);
            }
            State::Blake2s(d) => {
                d.update(data);
            }
        }
    }

    /// A second state that goes on by itself.
    pub fn copy(&self) -> State {
        match self {
            State::Fixed(d) => State::Fixed(d.box_clone()),
            State::Shake128(d) => State::Shake128(d.clone()),
            State::Shake256(d) => State::Shake256(d.clone()),
            State::Blake2b(d) => State::Blake2b(d.clone()),
            State::Blake2s(d) => State::Blake2s(d.clone()),
        }
    }

    /// The digest so far; `n` bytes where the length is free.
    pub fn digest(&self, n: usize) -> Vec<u8> {
        let squeeze = |mut r: Box<dyn XofReader>| {
            let mut out = vec![0; n];
            r.read(&mut out);
            out
        };
        match self.copy() {
            State::Fixed(d) => d.finalize().into_vec(),
            State::Shake128(d) => squeeze(Box::new(d.finalize_xof())),
            State::Shake256(d) => squeeze(Box::new(d.finalize_xof())),
            State::Blake2b(d) => d.finalize().as_bytes().to_vec(),
            State::Blake2s(d) => d.finalize().as_bytes().to_vec(),
        }
    }
}

/// A hash object of a class.
pub fn make(class: Ptr<TypeObj>, algorithm: &'static Algorithm, state: State, size: usize) -> Ptr<HashObj> {
    let map = class.instance_map();
    heap().alloc(
        map,
        HashObj {
            header: Header::new(map),
            state: Native(RefCell::new(state)),
            algorithm: Native(algorithm),
            size,
        },
    )
}

/// What is to be hashed of an object.
pub fn bytes(vm: &Vm, data: Value) -> Res<Buffer> {
    if data.is::<StrObj>() {
        return Err(vm.type_error("Strings must be encoded before hashing"));
    }
    if !vm.has_buffer(data) {
        return Err(vm.type_error("object supporting the buffer API required"));
    }
    vm.bytes_like(data)
}

/// Hashes a bytes-like object.
pub fn update(vm: &Vm, h: Ptr<HashObj>, data: Value) -> Res<()> {
    let b = bytes(vm, data)?;
    h.state.borrow_mut().update(b.as_slice());
    Ok(())
}

/// The initial data: `data` or the old name `string`.
pub fn initial(vm: &Vm, data: Option<Value>, string: Option<Value>) -> Res<Option<Value>> {
    match (data, string.filter(|s| !s.is_none())) {
        (Some(_), Some(_)) => Err(vm.type_error(
            "'data' and 'string' are mutually exclusive and support for 'string' keyword parameter is slated for removal in a future version.",
        )),
        (d, s) => Ok(d.or(s)),
    }
}

/// A new hash object of an algorithm.
pub fn start(
    vm: &Vm,
    class: Ptr<TypeObj>,
    algorithm: &'static Algorithm,
    data: Option<Value>,
    string: Option<Value>,
) -> Res<Ptr<HashObj>> {
    let data = initial(vm, data, string)?;
    let h = make(class, algorithm, (algorithm.start)(), algorithm.size);
    if let Some(d) = data {
        update(vm, h, d)?;
    }
    Ok(h)
}

/// In hexadecimal digits.
pub fn hex(data: &[u8]) -> String {
    use std::fmt::Write;
    data.iter().fold(String::with_capacity(2 * data.len()), |mut s, b| {
        let _ = write!(s, "{b:02x}");
        s
    })
}

/// How many bytes a digest of free length is to have.
fn length(vm: &Vm, n: Value) -> Res<usize> {
    match vm.index_int(n)? {
        Int::Small(i) if i < 0 => Err(vm.value_error("Cannot convert negative int")),
        Int::Small(i) if i < 1 << 29 => Ok(i as usize),
        Int::Small(_) => Err(vm.value_error("length is too large")),
        Int::Big(b) if b.sign() == num_bigint::Sign::Minus => {
            Err(vm.value_error("Cannot convert negative int"))
        }
        Int::Big(_) => Err(vm.overflow_error("Python int too large for C unsigned long")),
    }
}

/// A class of hash objects. `free`: digests have the length that is asked for.
pub fn make_type(name: &'static str, flags: u32, free: bool) -> TypeBuilder {
    const DIGEST: &str = "Return the digest value as a bytes object.";
    const HEX: &str = "Return the digest value as a string of hexadecimal digits.";
    let b = new_type::<HashObj>(name, rt().types.object, flags)
        .method("copy($self, /)", "Return a copy of the hash object.", |_: &Vm, h: Ptr<HashObj>| {
            make(cape_vm::type_of(h.value()), h.algorithm.0, h.state.borrow().copy(), h.size)
        })
        .method("update($self, obj, /)", "Update this hash object's state with the provided string.", update)
        .getter("block_size", "", |_: &Vm, h: Ptr<HashObj>| h.algorithm.block)
        .getter("name", "", |_: &Vm, h: Ptr<HashObj>| h.algorithm.name)
        .getter("digest_size", "", |_: &Vm, h: Ptr<HashObj>| h.size);
    if free {
        return b
            .method("digest($self, /, length)", DIGEST, |vm: &Vm, h: Ptr<HashObj>, n: Value| {
                let n = length(vm, n)?;
                Ok::<_, cape_vm::Raised>(BytesObj::new(&h.state.borrow().digest(n)))
            })
            .method("hexdigest($self, /, length)", HEX, |vm: &Vm, h: Ptr<HashObj>, n: Value| {
                let n = length(vm, n)?;
                Ok::<_, cape_vm::Raised>(hex(&h.state.borrow().digest(n)))
            });
    }
    b.method("digest($self, /)", DIGEST, |_: &Vm, h: Ptr<HashObj>| BytesObj::new(&h.state.borrow().digest(0)))
        .method("hexdigest($self, /)", HEX, |_: &Vm, h: Ptr<HashObj>| hex(&h.state.borrow().digest(0)))
}

/// Data up to this size is hashed without releasing the GIL, in CPython.
pub const GIL_MINSIZE: i64 = 2048;
