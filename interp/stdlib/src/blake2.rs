//! `_blake2`.

use cape_vm::object::*;
use cape_vm::{Ptr, Raised, Res, Value, Vm};

use crate::hashes::{self, Algorithm, GIL_MINSIZE, HashObj, State};

/// BLAKE2b, with the longest digest.
pub static BLAKE2B: Algorithm = Algorithm {
    name: "blake2b",
    size: 64,
    block: 128,
    start: || State::Blake2b(Box::new(blake2b_simd::State::new())),
};
/// BLAKE2s, with the longest digest.
pub static BLAKE2S: Algorithm = Algorithm {
    name: "blake2s",
    size: 32,
    block: 64,
    start: || State::Blake2s(Box::new(blake2s_simd::State::new())),
};

/// Fills the module.
pub fn init(_vm: &Vm, m: Ptr<ModuleObj>) -> Res<()> {
    const NEW: &str = "Create and return a new object.  See help(type) for accurate signature.";
    const SIGNATURE: &str = "__new__($type, *args, **kwargs)";
    let b = hashes::make_type("_blake2.blake2b", 0, false)
        .doc("Return a new BLAKE2b hash object.")
        .new_fn(SIGNATURE, NEW, |vm: &Vm, c, args, kwargs| new(vm, c, args, kwargs, &BLAKE2B));
    let s = hashes::make_type("_blake2.blake2s", 0, false)
        .doc("Return a new BLAKE2s hash object.")
        .new_fn(SIGNATURE, NEW, |vm: &Vm, c, args, kwargs| new(vm, c, args, kwargs, &BLAKE2S));
    for (builder, prefix, a) in [(b, "BLAKE2B", &BLAKE2B), (s, "BLAKE2S", &BLAKE2S)] {
        let salt = a.size as i64 / 4;
        for (name, value) in [
            ("SALT_SIZE", salt),
            ("PERSON_SIZE", salt),
            ("MAX_KEY_SIZE", a.size as i64),
            ("MAX_DIGEST_SIZE", a.size as i64),
        ] {
            builder.attribute(name, Value::int(value));
            m.add(&format!("{prefix}_{name}"), Value::int(value));
        }
        m.class(builder.class());
    }
    m.add("_GIL_MINSIZE", Value::int(GIL_MINSIZE));
    Ok(())
}

const PARAMS: [&str; 14] = [
    "data",
    "digest_size",
    "key",
    "salt",
    "person",
    "fanout",
    "depth",
    "leaf_size",
    "node_offset",
    "node_depth",
    "inner_size",
    "last_node",
    "usedforsecurity",
    "string",
];

/// The arguments by their place in [`PARAMS`].
fn bind(
    vm: &Vm,
    name: &str,
    args: Ptr<TupleObj>,
    kwargs: Ptr<DictObj>,
) -> Res<[Option<Value>; PARAMS.len()]> {
    let mut out = [None; PARAMS.len()];
    if args.len() > 1 {
        return Err(vm.type_error(format!(
            "{name}() takes at most 1 positional argument ({} given)",
            args.len()
        )));
    }
    out[0] = args.as_slice().first().copied();
    for e in kwargs.table.iter() {
        let key: Ptr<StrObj> = e.key.downcast().expect("keywords are strings");
        match PARAMS.iter().position(|p| key.eq_str(p)) {
            Some(0) if out[0].is_some() => {
                return Err(
                    vm.type_error(format!("argument for {name}() given by name ('data') and position (1)"))
                );
            }
            Some(i) => out[i] = Some(e.value),
            None => {
                return Err(vm.type_error(format!(
                    "{name}() got an unexpected keyword argument '{}'",
                    key.display()
                )));
            }
        }
    }
    Ok(out)
}

fn unsigned(vm: &Vm, v: Option<Value>, default: u64, bits: u32, name: &str) -> Res<u64> {
    let Some(v) = v else { return Ok(default) };
    let n = match vm.index_int(v)? {
        Int::Small(i) => u64::try_from(i).map_err(|_| vm.value_error("Cannot convert negative int"))?,
        Int::Big(b) => u64::try_from(&b).map_err(|_| {
            if b.sign() == num_bigint::Sign::Minus {
                vm.value_error("Cannot convert negative int")
            } else {
                vm.overflow_error("Python int too large for C unsigned long long")
            }
        })?,
    };
    if bits < 64 && n >> bits != 0 {
        return Err(vm.overflow_error(format!("{name} is too large")));
    }
    Ok(n)
}

fn ranged(vm: &Vm, v: Option<Value>, default: i64, min: i64, max: i64, message: &str) -> Res<i64> {
    let n = match v {
        None => default,
        Some(v) => <i32 as cape_vm::native::FromArg>::from_arg(vm, v, 0)? as i64,
    };
    if (min..=max).contains(&n) { Ok(n) } else { Err(vm.value_error(message)) }
}

fn bytes(vm: &Vm, v: Option<Value>, max: usize, what: &str) -> Res<Vec<u8>> {
    let Some(v) = v else { return Ok(Vec::new()) };
    let b = vm.bytes_like(v)?;
    if b.len() > max {
        return Err(vm.value_error(format!("maximum {what} length is {max} bytes")));
    }
    Ok(b.as_slice().to_vec())
}

fn new(
    vm: &Vm,
    cls: Ptr<TypeObj>,
    args: Ptr<TupleObj>,
    kwargs: Ptr<DictObj>,
    a: &'static Algorithm,
) -> Res<Ptr<HashObj>> {
    let p = bind(vm, a.name, args, kwargs)?;
    let data = hashes::initial(vm, p[0], p[13])?;
    let title = if a.size == 64 { "Blake2b" } else { "Blake2s" };
    let size = match p[1] {
        None => a.size as i64,
        Some(v) => <i32 as cape_vm::native::FromArg>::from_arg(vm, v, 0)? as i64,
    };
    if !(1..=a.size as i64).contains(&size) {
        return Err(vm.value_error(format!(
            "digest_size for {title} must be between 1 and {} bytes, here it is {size}",
            a.size
        )));
    }
    let salt = bytes(vm, p[3], a.size / 4, "salt")?;
    let person = bytes(vm, p[4], a.size / 4, "person")?;
    let fanout = ranged(vm, p[5], 1, 0, 255, "fanout must be between 0 and 255")?;
    let depth = ranged(vm, p[6], 1, 1, 255, "depth must be between 1 and 255")?;
    let leaf = unsigned(vm, p[7], 0, 32, "leaf_size")?;
    let offset = unsigned(vm, p[8], 0, if a.size == 64 { 64 } else { 48 }, "node_offset")?;
    let node_depth = ranged(vm, p[9], 0, 0, 255, "node_depth must be between 0 and 255")?;
    let max = a.size as i64;
    let inner = ranged(vm, p[10], 0, 0, max, &format!("inner_size must be between 0 and is {max}"))?;
    let last = match p[11] {
        Some(v) => vm.truth(v)?,
        None => false,
    };
    let key = bytes(vm, p[2], a.size, "key")?;
    let state = if a.size == 64 {
        let mut q = blake2b_simd::Params::new();
        q.hash_length(size as usize)
            .key(&key)
            .salt(&salt)
            .personal(&person)
            .fanout(fanout as u8)
            .max_depth(depth as u8)
            .max_leaf_length(leaf as u32)
            .node_offset(offset)
            .node_depth(node_depth as u8)
            .inner_hash_length(inner as usize)
            .last_node(last);
        State::Blake2b(Box::new(q.to_state()))
    } else {
        let mut q = blake2s_simd::Params::new();
        q.hash_length(size as usize)
            .key(&key)
            .salt(&salt)
            .personal(&person)
            .fanout(fanout as u8)
            .max_depth(depth as u8)
            .max_leaf_length(leaf as u32)
            .node_offset(offset)
            .node_depth(node_depth as u8)
            .inner_hash_length(inner as usize)
            .last_node(last);
        State::Blake2s(Box::new(q.to_state()))
    };
    let h = hashes::make(cls, a, state, size as usize);
    if let Some(d) = data {
        hashes::update(vm, h, d)?;
    }
    Ok::<_, Raised>(h)
}
