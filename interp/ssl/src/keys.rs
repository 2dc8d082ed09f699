//! Own certificates and keys: loading them, and choosing one for a connection.

use std::ffi::{CStr, c_char, c_int, c_void};
use std::ptr;
use std::sync::Arc;

use aws_lc_sys as ffi;
use cape_vm::object::*;
use cape_vm::{Raised, Res, Value, Vm};
use rustls::client::ResolvesClientCert;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::{CipherSuite, SignatureAlgorithm, SignatureScheme};

use crate::crypto::{Bio, Cert, Failure, Key, Store, StoreCtx, elements};
use crate::error;

/// Own certificates, at most one for each kind of key.
#[derive(Debug, Default)]
pub struct Keys(pub Vec<Arc<CertifiedKey>>);

impl Keys {
    /// With one more, which replaces that of its kind.
    pub fn with(&self, key: Arc<CertifiedKey>) -> Keys {
        let kind = key.key.algorithm();
        let mut all: Vec<Arc<CertifiedKey>> =
            self.0.iter().filter(|k| k.key.algorithm() != kind).cloned().collect();
        all.push(key);
        Keys(all)
    }

    /// With chains that go on to what is trusted, where they consist of the certificate alone: peers are sent what is known.
    pub fn completed(&self, store: &Store) -> Keys {
        let complete = |k: &Arc<CertifiedKey>| match k.cert.as_slice() {
            [leaf] => {
                let chain = Cert::from_der(leaf).and_then(|c| chain_to_trust(store, &c)).unwrap_or_default();
                match chain.len() {
                    0 | 1 => k.clone(),
                    _ => {
                        let chain = chain.iter().map(|c| CertificateDer::from(c.der())).collect();
                        Arc::new(CertifiedKey::new(chain, k.key.clone()))
                    }
                }
            }
            _ => k.clone(),
        };
        Keys(self.0.iter().map(complete).collect())
    }

    /// The first that can sign by one of these schemes, and of which `suits` holds.
    fn find(
        &self,
        schemes: &[SignatureScheme],
        suits: impl Fn(SignatureAlgorithm) -> bool,
    ) -> Option<Arc<CertifiedKey>> {
        let mut fit = self.0.iter().filter(|k| k.key.choose_scheme(schemes).is_some());
        fit.find(|k| suits(k.key.algorithm())).cloned()
    }
}

impl ResolvesServerCert for Keys {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        // In TLS 1.2 the suite says what kind of key signs.
        let suites: Vec<&'static crate::ciphers::Suite> =
            hello.cipher_suites().iter().filter_map(|c: &CipherSuite| crate::ciphers::find(*c)).collect();
        self.find(hello.signature_schemes(), |kind| suites.iter().any(|s| s.takes(kind)))
            .or_else(|| self.find(hello.signature_schemes(), |_| true))
    }
}

impl ResolvesClientCert for Keys {
    fn resolve(&self, _hints: &[&[u8]], schemes: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        self.find(schemes, |_| true)
    }

    fn has_certs(&self) -> bool {
        !self.0.is_empty()
    }
}

/// Who is asked for the password of a key.
struct Asked<'a> {
    vm: &'a Vm,
    password: Value,
    raised: Option<Raised>,
}

impl Asked<'_> {
    fn answer(&self) -> Res<Vec<u8>> {
        let vm = self.vm;
        let called = vm.is_callable(self.password);
        let v = if called { vm.call(self.password, &[])? } else { self.password };
        let bytes = if let Some(s) = v.downcast::<StrObj>() {
            vm.utf8(s)?.into_bytes()
        } else if v.is::<BytesObj>() || v.is::<BytearrayObj>() {
            vm.bytes_of(v)?
        } else {
            let message = if called {
                "password callback must return a string"
            } else {
                "password should be a string or callable"
            };
            return Err(vm.type_error(message));
        };
        if bytes.len() > ffi::PEM_BUFSIZE as usize {
            return Err(vm.value_error(format!("password cannot be longer than {} bytes", ffi::PEM_BUFSIZE)));
        }
        Ok(bytes)
    }
}

/// libcrypto asks for a password.
///
/// # Safety
/// `buf` has room for `size` bytes, `asked` is an [`Asked`].
unsafe extern "C" fn ask(buf: *mut c_char, size: c_int, _writing: c_int, asked: *mut c_void) -> c_int {
    // SAFETY: the caller's promise.
    let asked = unsafe { &mut *(asked as *mut Asked<'_>) };
    if asked.raised.is_some() {
        return -1;
    }
    match asked.answer() {
        Ok(bytes) => {
            let n = bytes.len().min(size.max(0) as usize);
            // SAFETY: there is room for so many.
            unsafe { ptr::copy_nonoverlapping(bytes.as_ptr(), buf as *mut u8, n) };
            n as c_int
        }
        Err(r) => {
            asked.raised = Some(r);
            -1
        }
    }
}

/// libcrypto asks for a password, which nobody has.
unsafe extern "C" fn refuse(_buf: *mut c_char, _size: c_int, _writing: c_int, _data: *mut c_void) -> c_int {
    -1
}

fn open(vm: &Vm, file: &CStr) -> Res<Vec<u8>> {
    use std::os::unix::ffi::OsStrExt;
    let path = std::ffi::OsStr::from_bytes(file.to_bytes());
    vm.allow_threads(|| std::fs::read(path))
        .map_err(|e| cape_stdlib::oserror::os_error(vm, e.raw_os_error().unwrap_or(libc::EIO), Value::EMPTY))
}

/// Loads a chain of certificates and its key.
pub fn load(
    vm: &Vm,
    provider: &CryptoProvider,
    certificates: &CStr,
    key: &CStr,
    password: Value,
) -> Res<Arc<CertifiedKey>> {
    let pem_lib = || error::raise(vm, error::Kind::Error, "PEM lib", Some("SSL"), None);
    let text = open(vm, certificates)?;
    let chain = chain_of(&text).ok_or_else(pem_lib)?;
    let text = if key == certificates { text } else { open(vm, key)? };
    let mut asked = Asked { vm, password, raised: None };
    // SAFETY: the stream ends before the text; `ask` gets what it wants.
    let loaded = unsafe {
        let bio = Bio::reading(&text);
        let (callback, data): (ffi::pem_password_cb, _) = match password.is_none() {
            true => (Some(refuse), ptr::null_mut()),
            false => (Some(ask), &raw mut asked as *mut c_void),
        };
        Key::new(ffi::PEM_read_bio_PrivateKey(bio.raw(), ptr::null_mut(), callback, data))
    };
    if let Some(r) = asked.raised {
        return Err(r);
    }
    let loaded = loaded.map_err(|_| pem_lib())?;
    // SAFETY: a certificate and a key.
    if unsafe { ffi::X509_check_private_key(chain[0].raw(), loaded.raw()) } != 1 {
        return Err(error::crypto(vm, &Failure::last()));
    }
    let der = pkcs8(&loaded).map_err(|f| error::crypto(vm, &f))?;
    let der = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(der));
    let signing = provider.key_provider.load_private_key(der).map_err(|_| {
        let message = "unsupported type of private key";
        error::raise(vm, error::Kind::Error, message, Some("SSL"), Some("UNKNOWN_CERTIFICATE_TYPE"))
    })?;
    let chain = chain.iter().map(|c| CertificateDer::from(c.der())).collect();
    Ok(Arc::new(CertifiedKey::new(chain, signing)))
}

/// The certificates in a text; None when there is none, or one cannot be read.
fn chain_of(text: &[u8]) -> Option<Vec<Cert>> {
    crate::crypto::clear_errors();
    let mut chain = Vec::new();
    // SAFETY: the stream ends before the text.
    let bio = unsafe { Bio::reading(text) };
    loop {
        // SAFETY: a stream; the callback wants no data.
        let next = unsafe {
            let read = if chain.is_empty() { ffi::PEM_read_bio_X509_AUX } else { ffi::PEM_read_bio_X509 };
            Cert::new(read(bio.raw(), ptr::null_mut(), Some(refuse), ptr::null_mut()))
        };
        match next {
            Ok(cert) => chain.push(cert),
            Err(f) if !chain.is_empty() && f.is(ffi::ERR_LIB_PEM, ffi::PEM_R_NO_START_LINE) => {
                return Some(chain);
            }
            Err(_) => return None,
        }
    }
}

/// The chain that begins with a certificate, as far as a store has it.
fn chain_to_trust(store: &Store, leaf: &Cert) -> Result<Vec<Cert>, Failure> {
    // SAFETY: what the context is given lives until this function returns.
    unsafe {
        let ctx = StoreCtx::new(ffi::X509_STORE_CTX_new())?;
        if ffi::X509_STORE_CTX_init(ctx.raw(), store.raw(), leaf.raw(), ptr::null_mut()) != 1 {
            return Err(Failure::last());
        }
        // (Whether it is good is for the peer to say.)
        ffi::X509_verify_cert(ctx.raw());
        crate::crypto::clear_errors();
        let chain = ffi::X509_STORE_CTX_get0_chain(ctx.raw()) as *const c_void;
        Ok(elements::<ffi::X509>(chain).map(|x| Cert::borrowed(x)).collect())
    }
}

/// A key in the form in which rustls takes it.
fn pkcs8(key: &Key) -> Result<Vec<u8>, Failure> {
    // SAFETY: a key; what is made of it is freed, and the buffer is as long as was said.
    unsafe {
        let info = ffi::EVP_PKEY2PKCS8(key.raw());
        if info.is_null() {
            return Err(Failure::last());
        }
        let n = ffi::i2d_PKCS8_PRIV_KEY_INFO(info, ptr::null_mut());
        let mut out = vec![0u8; n.max(0) as usize];
        let mut p = out.as_mut_ptr();
        ffi::i2d_PKCS8_PRIV_KEY_INFO(info, &mut p);
        ffi::PKCS8_PRIV_KEY_INFO_free(info);
        if n <= 0 { Err(Failure::last()) } else { Ok(out) }
    }
}
