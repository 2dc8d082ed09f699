//! `_sha3`.

use cape_vm::object::*;
use cape_vm::{Ptr, Res, Value, Vm, intern};

use crate::hashes::{self, Algorithm, GIL_MINSIZE, HashObj, State};

const SHAKE_SUFFIX: &[u8] = &[0x1f];
const SHA3_SUFFIX: &[u8] = &[0x06];

/// The algorithms, by length; those of free length last.
pub static ALGORITHMS: [Algorithm; 6] = [
    Algorithm { name: "sha3_224", size: 28, block: 144, start: State::fixed::<sha3::Sha3_224> },
    Algorithm { name: "sha3_256", size: 32, block: 136, start: State::fixed::<sha3::Sha3_256> },
    Algorithm { name: "sha3_384", size: 48, block: 104, start: State::fixed::<sha3::Sha3_384> },
    Algorithm { name: "sha3_512", size: 64, block: 72, start: State::fixed::<sha3::Sha3_512> },
    Algorithm { name: "shake_128", size: 0, block: 168, start: || State::Shake128(Default::default()) },
    Algorithm { name: "shake_256", size: 0, block: 136, start: || State::Shake256(Default::default()) },
];

/// Fills the module.
pub fn init(_vm: &Vm, m: Ptr<ModuleObj>) -> Res<()> {
    m.add("implementation", intern("RustCrypto")).add("_GIL_MINSIZE", Value::int(GIL_MINSIZE));
    add::<0>(
        m,
        "_sha3.sha3_224",
        "sha3_224([data], *, usedforsecurity=True) -> SHA3 object\n\nReturn a new SHA3 hash object with a hashbit length of 28 bytes.",
    );
    add::<1>(
        m,
        "_sha3.sha3_256",
        "sha3_256([data], *, usedforsecurity=True) -> SHA3 object\n\nReturn a new SHA3 hash object with a hashbit length of 32 bytes.",
    );
    add::<2>(
        m,
        "_sha3.sha3_384",
        "sha3_384([data], *, usedforsecurity=True) -> SHA3 object\n\nReturn a new SHA3 hash object with a hashbit length of 48 bytes.",
    );
    add::<3>(
        m,
        "_sha3.sha3_512",
        "sha3_512([data], *, usedforsecurity=True) -> SHA3 object\n\nReturn a new SHA3 hash object with a hashbit length of 64 bytes.",
    );
    let shake = "shake_128([data], *, usedforsecurity=True) -> SHAKE object\n\nReturn a new SHAKE hash object.";
    add::<4>(m, "_sha3.shake_128", shake);
    let shake = "shake_256([data], *, usedforsecurity=True) -> SHAKE object\n\nReturn a new SHAKE hash object.";
    add::<5>(m, "_sha3.shake_256", shake);
    Ok(())
}

fn add<const I: usize>(m: Ptr<ModuleObj>, name: &'static str, doc: &'static str) {
    let b = hashes::make_type(name, 0, ALGORITHMS[I].size == 0)
        .doc(doc)
        .new_fn(
            "__new__($type, data=b'', *, usedforsecurity=True, string=None)",
            "Create and return a new object.  See help(type) for accurate signature.",
            |vm: &Vm, cls: Ptr<TypeObj>, data: Option<Value>, _security: Value, string: Option<Value>| {
                hashes::start(vm, cls, &ALGORITHMS[I], data, string)
            },
        )
        .getter("_capacity_bits", "", |_: &Vm, h: Ptr<HashObj>| 1600 - 8 * h.algorithm.block)
        .getter("_rate_bits", "", |_: &Vm, h: Ptr<HashObj>| 8 * h.algorithm.block)
        .getter("_suffix", "", |_: &Vm, h: Ptr<HashObj>| {
            BytesObj::new(if h.algorithm.size == 0 { SHAKE_SUFFIX } else { SHA3_SUFFIX })
        });
    m.class(b.class());
}
