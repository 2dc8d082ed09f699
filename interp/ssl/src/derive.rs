//! Keys from passwords.

use aws_lc_sys as ffi;
use cape_vm::object::*;
use cape_vm::{Ptr, Res, Value, Vm};

use crate::hashlib::{Algorithm, failed};

/// The largest number of C's `int`, which limits lengths.
const LONGEST: i64 = i32::MAX as i64;

/// Adds the functions.
pub fn init(m: Ptr<ModuleObj>) {
    m.function(
        "pbkdf2_hmac($module, /, hash_name, password, salt, iterations,\n            dklen=None)",
        "Password based key derivation function 2 (PKCS #5 v2.0) with HMAC as pseudorandom function.",
        pbkdf2,
    )
    .function(
        "scrypt($module, /, password, *, salt, n, r, p, maxmem=0, dklen=64)",
        "scrypt password-based key derivation function.",
        scrypt,
    );
}

fn pbkdf2(
    vm: &Vm,
    name: String,
    password: Value,
    salt: Value,
    iterations: i64,
    length: Option<Value>,
) -> Res<Ptr<BytesObj>> {
    let (password, salt) = (vm.bytes_like(password)?, vm.bytes_like(salt)?);
    let algorithm = Algorithm::of(vm, &name)?;
    if iterations < 1 {
        return Err(vm.value_error("iteration value must be greater than 0."));
    }
    if iterations > LONGEST {
        return Err(vm.overflow_error("iteration value is too great."));
    }
    let table = algorithm.table();
    let n = match length.filter(|n| !n.is_none()) {
        Some(n) => vm.index_int(n)?.to_i64().unwrap_or(i64::MAX),
        // SAFETY: a static table.
        None => unsafe { ffi::EVP_MD_size(table) as i64 },
    };
    if n < 1 {
        return Err(vm.value_error("key length must be greater than 0."));
    }
    if n > LONGEST {
        return Err(vm.overflow_error("key length is too great."));
    }
    let mut key = vec![0u8; n as usize];
    let (p, s) = (password.address() as usize, salt.address() as usize);
    let (pn, sn, table) = (password.len(), salt.len(), table as usize);
    let done = vm.allow_threads(|| {
        // SAFETY: the buffers are held, and as long as said.
        unsafe {
            ffi::PKCS5_PBKDF2_HMAC(
                p as *const _,
                pn,
                s as *const _,
                sn,
                iterations as u32,
                table as *const _,
                key.len(),
                key.as_mut_ptr(),
            )
        }
    });
    if done == 1 { Ok(BytesObj::new(&key)) } else { Err(failed(vm)) }
}

/// An argument that is a positive number of C's.
fn unsigned(vm: &Vm, v: Value) -> Res<u64> {
    match vm.index_int(v)? {
        Int::Small(n) if n < 0 => Err(vm.value_error("Cannot convert negative int")),
        Int::Small(n) => Ok(n as u64),
        Int::Big(b) => {
            u64::try_from(&b).map_err(|_| vm.overflow_error("Python int too large for C unsigned long"))
        }
    }
}

/// The memory that OpenSSL allows when the caller does not say.
const MEMORY: usize = 32 << 20;

#[allow(clippy::too_many_arguments, reason = "the parameters of the function")]
fn scrypt(
    vm: &Vm,
    password: Value,
    salt: Value,
    n: Value,
    r: Value,
    p: Value,
    memory: Option<i64>,
    length: Option<i64>,
) -> Res<Ptr<BytesObj>> {
    let (password, salt) = (vm.bytes_like(password)?, vm.bytes_like(salt)?);
    let (n, r, p) = (unsigned(vm, n)?, unsigned(vm, r)?, unsigned(vm, p)?);
    if n < 2 || !n.is_power_of_two() {
        return Err(vm.value_error("n must be a power of 2."));
    }
    let memory = memory.unwrap_or(0);
    if !(0..=LONGEST).contains(&memory) {
        return Err(vm.value_error(format!("maxmem must be positive and smaller than {LONGEST}")));
    }
    let length = length.unwrap_or(64);
    if !(1..=LONGEST).contains(&length) {
        return Err(vm.value_error(format!("dklen must be greater than 0 and smaller than {LONGEST}")));
    }
    let memory = if memory == 0 { MEMORY } else { memory as usize };
    let mut key = vec![0u8; length as usize];
    let (pw, s) = (password.address() as usize, salt.address() as usize);
    let (pn, sn) = (password.len(), salt.len());
    let done = vm.allow_threads(|| {
        // SAFETY: the buffers are held, and as long as said.
        let done = unsafe {
            ffi::EVP_PBE_scrypt(
                pw as *const _,
                pn,
                s as *const _,
                sn,
                n,
                r,
                p,
                memory,
                key.as_mut_ptr(),
                key.len(),
            )
        };
        crate::crypto::clear_errors();
        done
    });
    match done {
        1 => Ok(BytesObj::new(&key)),
        _ => Err(vm.value_error("Invalid parameter combination for n, r, p, maxmem.")),
    }
}
