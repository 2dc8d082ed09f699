//! `_ssl` and `_hashlib`.
//!
//! TLS is rustls's. Everything around it that programs see of OpenSSL (how certificates are verified, keys loaded, names decoded, data
//! hashed) is libcrypto's, AWS-LC's, over which rustls runs as well. What rustls does not have (versions before TLS 1.2, suites without
//! forward secrecy, renegotiation, keys shared beforehand, authentication after the handshake) the module does not have.

mod bio;
mod cert;
mod ciphers;
mod constants;
mod context;
mod crypto;
mod derive;
mod engine;
mod error;
mod hashlib;
mod io;
mod keys;
mod locations;
mod session;
mod settings;
mod socket;
mod trace;
mod trouble;
mod verify;

use aws_lc_sys as ffi;
use cape_vm::object::*;
use cape_vm::{Ptr, Raised, Res, Value, Vm, intern, rt};

/// Makes the modules importable.
pub fn register() {
    rt().add_native_module("_ssl", init);
    rt().add_native_module("_hashlib", hashlib::init);
}

fn init(vm: &Vm, m: Ptr<ModuleObj>) -> Res<()> {
    error::init(vm, m)?;
    bio::init(m);
    cert::init(m);
    session::init(m);
    socket::init(m);
    context::init(m);
    for (name, n) in constants::NUMBERS {
        m.add(name, Value::int(*n));
    }
    for (name, on) in constants::FEATURES {
        m.add(name, Value::bool(*on));
    }
    for (n, name, _) in constants::ALERTS.iter().filter(|a| !a.1.is_empty()) {
        m.add(&format!("ALERT_DESCRIPTION_{name}"), Value::int(*n as i64));
    }
    let number = ffi::OPENSSL_VERSION_NUMBER as i64;
    let part = |shift: i64, bits: i64| Value::int(number >> shift & ((1 << bits) - 1));
    let info = TupleObj::new(&[part(28, 8), part(20, 8), part(12, 8), part(4, 8), part(0, 4)]).value();
    // SAFETY: static text.
    let version = unsafe { crypto::text(ffi::OpenSSL_version(0)) }.unwrap_or_default() + " (TLS by rustls)";
    m.add("OPENSSL_VERSION_NUMBER", Value::int(number))
        .add("OPENSSL_VERSION_INFO", info)
        .add("_OPENSSL_API_VERSION", info)
        .add("OPENSSL_VERSION", StrObj::new(&version).value())
        .add("_DEFAULT_CIPHERS", intern("DEFAULT"))
        .add(
            "__doc__",
            StrObj::new(
                "Implementation module for SSL socket operations.  See the socket module\nfor documentation.",
            )
            .value(),
        );
    random(m);
    objects(m);
    m.function("get_default_verify_paths($module, /)", "Return search paths and environment vars that are used by SSLContext's set_default_verify_paths() to load default CAs.\n\nThe values are 'cert_file_env', 'cert_file', 'cert_dir_env', 'cert_dir'.", |_: &Vm| {
        // SAFETY: static texts.
        let all = unsafe {
            [
                ffi::X509_get_default_cert_file_env(),
                ffi::X509_get_default_cert_file(),
                ffi::X509_get_default_cert_dir_env(),
                ffi::X509_get_default_cert_dir(),
            ]
            .map(|p| crypto::text(p).unwrap_or_default())
        };
        TupleObj::new(&all.map(|s| StrObj::new(&s).value()))
    });
    Ok(())
}

fn random(m: Ptr<ModuleObj>) {
    m.function("RAND_status($module, /)", "Returns True if the OpenSSL PRNG has been seeded with enough data and False if not.\n\nIt is necessary to seed the PRNG with RAND_add() on some platforms before\nusing the ssl() function.", |_: &Vm| {
        // SAFETY: a plain call.
        unsafe { ffi::RAND_status() == 1 }
    })
    .function("RAND_bytes($module, n, /)", "Generate n cryptographically strong pseudo-random bytes.", |vm: &Vm, n: i32| {
        let Ok(n) = usize::try_from(n) else { return Err(vm.value_error("num must be positive")) };
        let mut out = vec![0u8; n];
        // SAFETY: there is room for so many bytes.
        if unsafe { ffi::RAND_bytes(out.as_mut_ptr(), n) } != 1 {
            return Err(error::crypto(vm, &crypto::Failure::last()));
        }
        Ok(BytesObj::new(&out))
    })
    .function("RAND_add($module, string, entropy, /)", "Mix string into the OpenSSL PRNG state.\n\nentropy (a float) is a lower bound on the entropy contained in\nstring.  See RFC 4086.", |vm: &Vm, data: Value, entropy: f64| {
        let bytes = match data.downcast::<StrObj>() {
            Some(s) => vm.utf8(s)?.into_bytes(),
            None => vm.bytes_of(data)?,
        };
        // SAFETY: so many bytes are there.
        unsafe { ffi::RAND_add(bytes.as_ptr() as *const _, bytes.len() as i32, entropy) };
        Ok::<(), Raised>(())
    });
}

fn objects(m: Ptr<ModuleObj>) {
    m.function("txt2obj($module, /, txt, name=False)", "Lookup NID, short name, long name and OID of an ASN1_OBJECT.\n\nBy default objects are looked up by OID. With name=True short and\nlong name are also matched.", |vm: &Vm, text: Ptr<StrObj>, name: Option<bool>| {
        let plain = crypto::c_text(&vm.utf8(text)?);
        // SAFETY: a C string; what is made is freed.
        unsafe {
            let object = crypto::Object::new(ffi::OBJ_txt2obj(plain.as_ptr(), !name.unwrap_or(false) as i32));
            match object {
                Ok(o) => cert::identifier(vm, o.raw()),
                Err(_) => Err(vm.value_error(format!("unknown object '{}'", text.display()))),
            }
        }
    })
    .function("nid2obj($module, nid, /)", "Lookup NID, short name, long name and OID of an ASN1_OBJECT by NID.", |vm: &Vm, nid: i32| {
        if nid < ffi::NID_undef {
            return Err(vm.value_error("NID must be positive."));
        }
        // SAFETY: a static object, or null.
        unsafe {
            let object = ffi::OBJ_nid2obj(nid);
            crypto::clear_errors();
            if object.is_null() {
                return Err(vm.value_error(format!("unknown NID {nid}")));
            }
            cert::identifier(vm, object)
        }
    });
}
