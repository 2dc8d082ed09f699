//! Trusted certificates: loading them, and telling which there are.

use std::ffi::CStr;
use std::ptr;

use aws_lc_sys as ffi;
use cape_stdlib::fsname::fsencode;
use cape_stdlib::oserror::os_error;
use cape_vm::native::TypeBuilder;
use cape_vm::object::*;
use cape_vm::{Res, Value, Vm, intern, rt};

use crate::context::Context;
use crate::crypto::{Bio, Cert, Failure, Store, clear_errors, elements};
use crate::{cert, error};

/// Adds the methods of contexts.
pub fn methods(b: TypeBuilder) -> TypeBuilder {
    b.method("load_verify_locations($self, /, cafile=None, capath=None, cadata=None)", "", load)
        .method("set_default_verify_paths($self, /)", "", |vm: &Vm, c: Context| {
            let store = c.settings.borrow_mut().changed().store.clone();
            // SAFETY: a store.
            let done = vm.allow_threads(|| unsafe { ffi::X509_STORE_set_default_paths(store.raw()) });
            clear_errors();
            if done == 1 { Ok(()) } else { Err(error::plain(vm, "no default paths")) }
        })
        .method(
            "cert_store_stats($self, /)",
            "Returns quantities of loaded X.509 certificates.\n\nX.509 certificates with a CA extension and certificate revocation lists\ninside the context's cert store.\n\nNOTE: Certificates in a capath directory aren't loaded unless they have\nbeen used at least once.",
            stats,
        )
        .method(
            "get_ca_certs($self, /, binary_form=False)",
            "Returns a list of dicts with information of loaded CA certs.\n\nIf the optional argument is True, returns a DER-encoded copy of the CA\ncertificate.\n\nNOTE: Certificates in a capath directory aren't loaded unless they have\nbeen used at least once.",
            |vm: &Vm, c: Context, binary: Option<bool>| {
                let binary = binary.unwrap_or(false);
                let list = ListObj::new(&[]);
                let store = c.settings.borrow().store.clone();
                for cert in contents(&store).0.iter().filter(|c| is_authority(c)) {
                    list.push(if binary { BytesObj::new(&cert.der()).value() } else { cert::decode(vm, cert)? });
                }
                Ok::<Value, cape_vm::Raised>(list.value())
            },
        )
}

fn is_authority(cert: &Cert) -> bool {
    // SAFETY: a live certificate.
    unsafe { ffi::X509_check_ca(cert.raw()) == 1 }
}

/// The certificates of a store, and how many revocation lists it has.
fn contents(store: &Store) -> (Vec<Cert>, i64) {
    let (mut certs, mut lists) = (Vec::new(), 0);
    // SAFETY: the lock of the store keeps others from changing it meanwhile.
    unsafe {
        ffi::X509_STORE_lock(store.raw());
        let all = ffi::X509_STORE_get0_objects(store.raw());
        for o in elements::<ffi::X509_OBJECT>(all as *const _) {
            match ffi::X509_OBJECT_get_type(o) {
                ffi::X509_LU_X509 => certs.push(Cert::borrowed(ffi::X509_OBJECT_get0_X509(o))),
                ffi::X509_LU_CRL => lists += 1,
                _ => {}
            }
        }
        ffi::X509_STORE_unlock(store.raw());
    }
    (certs, lists)
}

fn stats(_: &Vm, c: Context) -> Value {
    let store = c.settings.borrow().store.clone();
    let (certs, lists) = contents(&store);
    let authorities = certs.iter().filter(|c| is_authority(c)).count();
    let d = DictObj::new();
    d.set_str(intern("x509"), Value::int(certs.len() as i64));
    d.set_str(intern("crl"), Value::int(lists));
    d.set_str(intern("x509_ca"), Value::int(authorities as i64));
    d.value()
}

fn load(vm: &Vm, c: Context, file: Option<Value>, directory: Option<Value>, data: Option<Value>) -> Res<()> {
    let some = |v: Option<Value>| v.filter(|v| !v.is_none());
    let (file, directory, data) = (some(file), some(directory), some(data));
    if file.is_none() && directory.is_none() && data.is_none() {
        return Err(vm.type_error("cafile, capath and cadata cannot be all omitted"));
    }
    let path = |v: Option<Value>, name: &str| match v {
        Some(v) => fsencode(vm, v)
            .map(Some)
            .map_err(|r| if r.is(rt().types.type_error) { error::no_path(vm, name) } else { r }),
        None => Ok(None),
    };
    let (file, directory) = (path(file, "cafile")?, path(directory, "capath")?);
    let store = c.settings.borrow_mut().changed().store.clone();
    if let Some(data) = data {
        load_data(vm, &store, data)?;
    }
    if file.is_none() && directory.is_none() {
        return Ok(());
    }
    if let Some(e) = file.as_deref().and_then(unreadable) {
        return Err(os_error(vm, e, Value::EMPTY));
    }
    let raw = |p: &Option<std::ffi::CString>| p.as_ref().map_or(ptr::null(), |p| p.as_ptr());
    let (f, d) = (raw(&file) as usize, raw(&directory) as usize);
    clear_errors();
    // (The queue of errors is the thread's.)
    let failure = vm.allow_threads(|| {
        // SAFETY: a store, and C strings or null, which live until this function returns.
        let done = unsafe { ffi::X509_STORE_load_locations(store.raw(), f as *const _, d as *const _) };
        (done != 1).then(Failure::last)
    });
    match failure {
        Some(f) => Err(error::crypto(vm, &f)),
        None => Ok(()),
    }
}

/// The system's error when a file cannot be read.
fn unreadable(file: &CStr) -> Option<i32> {
    use std::os::unix::ffi::OsStrExt;
    let e = std::fs::File::open(std::ffi::OsStr::from_bytes(file.to_bytes())).err()?;
    Some(e.raw_os_error().unwrap_or(libc::EIO))
}

/// Loads certificates from text, or from bytes in the binary form.
fn load_data(vm: &Vm, store: &Store, data: Value) -> Res<()> {
    let wrong = || vm.type_error("cadata should be an ASCII string or a bytes-like object");
    let (bytes, pem) = match data.downcast::<StrObj>() {
        Some(s) => (s.as_ascii().ok_or_else(wrong)?.as_bytes().to_vec(), true),
        None if vm.has_buffer(data) => (vm.bytes_of(data)?, false),
        None => return Err(wrong()),
    };
    if bytes.is_empty() {
        return Err(vm.value_error("Empty certificate data"));
    }
    clear_errors();
    // SAFETY: the stream ends before the bytes.
    let bio = unsafe { Bio::reading(&bytes) };
    let mut loaded = 0;
    let mut rest = bytes.as_slice();
    let failure = loop {
        let next = match pem {
            // SAFETY: a stream; without a callback nobody is asked for a password.
            true => unsafe {
                Cert::new(ffi::PEM_read_bio_X509(bio.raw(), ptr::null_mut(), None, ptr::null_mut()))
            },
            false if rest.is_empty() => break None,
            false => take_der(&mut rest),
        };
        let cert = match next {
            Ok(cert) => cert,
            Err(f) => break Some(f),
        };
        // SAFETY: a store and a certificate; the store takes its own reference.
        if unsafe { ffi::X509_STORE_add_cert(store.raw(), cert.raw()) } != 1 {
            let f = Failure::last();
            if !f.is(ffi::ERR_LIB_X509, ffi::X509_R_CERT_ALREADY_IN_HASH_TABLE) {
                break Some(f);
            }
        }
        loaded += 1;
    };
    match failure {
        None => Ok(()),
        Some(f) if pem && f.is(ffi::ERR_LIB_PEM, ffi::PEM_R_NO_START_LINE) && loaded > 0 => Ok(()),
        Some(_) if loaded == 0 => Err(error::plain(
            vm,
            match pem {
                true => "no start line: cadata does not contain a certificate",
                false => "not enough data: cadata does not contain a certificate",
            },
        )),
        Some(f) => Err(error::crypto(vm, &f)),
    }
}

/// Takes a certificate from the beginning.
fn take_der(rest: &mut &[u8]) -> Result<Cert, Failure> {
    let mut p = rest.as_ptr();
    // SAFETY: so many bytes are there; the pointer is moved behind the certificate.
    unsafe {
        let cert = Cert::new(ffi::d2i_X509(ptr::null_mut(), &mut p, rest.len() as _))?;
        *rest = &rest[p.offset_from(rest.as_ptr()) as usize..];
        Ok(cert)
    }
}
