//! Verifying the certificates of peers, as OpenSSL does it: by libcrypto, over a store of trusted certificates.

use std::cell::RefCell;
use std::ffi::{c_int, c_ulong, c_void};
use std::ptr;

use aws_lc_sys as ffi;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error, PeerMisbehaved, SignatureScheme,
};

use crate::constants::cert;
use crate::crypto::{Cert, Digest, Failure, Key, Store, StoreCtx, c_text, elements};

/// What rustls's callbacks are told of the connection that a thread works at, and what they tell of it.
#[derive(Default)]
pub struct Exchange {
    /// The host that the peer's certificate is to name.
    pub host: Option<String>,
    /// What verification came to.
    pub outcome: Option<Outcome>,
    /// The master secret of a connection of TLS 1.2.
    pub master: Option<Vec<u8>>,
}

thread_local! {
    /// The connection that this thread works at.
    static EXCHANGE: RefCell<Exchange> = RefCell::default();
}

/// Runs `f`, which calls rustls, for a connection to this host; what the callbacks have told.
pub fn exchange<R>(host: Option<&str>, f: impl FnOnce() -> R) -> (R, Exchange) {
    EXCHANGE.with(|e| e.replace(Exchange { host: host.map(str::to_owned), ..Exchange::default() }));
    let r = f();
    (r, EXCHANGE.with(RefCell::take))
}

/// Notes the master secret.
pub fn note_master(secret: &[u8]) {
    EXCHANGE.with(|e| e.borrow_mut().master = Some(secret.to_vec()));
}

/// What verification came to.
#[derive(Clone)]
pub struct Outcome {
    /// libcrypto's number; 0 when the peer's certificate is good.
    pub code: i32,
    /// The reason in words.
    pub message: String,
    /// The certificates from the peer's to the one that is trusted.
    pub chain: Vec<Cert>,
}

/// What of a context matters for verification.
#[derive(Debug)]
pub struct Verifier {
    pub store: Store,
    /// One of `CERT_*`.
    pub mode: i64,
    pub check_host: bool,
    /// `VERIFY_*`.
    pub flags: u64,
    /// `HOSTFLAG_*`.
    pub host_flags: u64,
    pub schemes: Vec<SignatureScheme>,
}

impl Verifier {
    fn verify(
        &self,
        leaf: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        server: bool,
    ) -> Result<(), Error> {
        if self.mode == cert::NONE {
            return Ok(());
        }
        let host = EXCHANGE.with(|e| e.borrow().host.clone()).filter(|_| server && self.check_host);
        let outcome = self.outcome(leaf, others, server, host.as_deref())?;
        let code = outcome.code;
        EXCHANGE.with(|e| e.borrow_mut().outcome = Some(outcome));
        if code == ffi::X509_V_OK { Ok(()) } else { Err(Error::InvalidCertificate(alert_of(code))) }
    }

    fn outcome(
        &self,
        leaf: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        server: bool,
        host: Option<&str>,
    ) -> Result<Outcome, Error> {
        let parse = |der: &CertificateDer<'_>| {
            Cert::from_der(der).map_err(|_| Error::InvalidCertificate(CertificateError::BadEncoding))
        };
        let leaf = parse(leaf)?;
        let others = others.iter().map(parse).collect::<Result<Vec<Cert>, Error>>()?;
        let failed = |_: Failure| Error::General("no memory to verify a certificate".to_owned());
        // SAFETY: the stack borrows certificates that live until this function returns, the context is given what lives as long.
        unsafe {
            let stack = Untrusted::new(&others);
            let ctx = StoreCtx::new(ffi::X509_STORE_CTX_new()).map_err(failed)?;
            if ffi::X509_STORE_CTX_init(
                ctx.raw(),
                self.store.raw(),
                leaf.raw(),
                stack.0 as *mut ffi::stack_st_X509,
            ) != 1
            {
                return Err(failed(Failure::last()));
            }
            let purpose = if server { c"ssl_server" } else { c"ssl_client" };
            ffi::X509_STORE_CTX_set_default(ctx.raw(), purpose.as_ptr());
            let param = ffi::X509_STORE_CTX_get0_param(ctx.raw());
            ffi::X509_VERIFY_PARAM_clear_flags(param, !0);
            ffi::X509_VERIFY_PARAM_set_flags(param, self.flags as c_ulong);
            if let Some(host) = host {
                ffi::X509_VERIFY_PARAM_set_hostflags(param, self.host_flags as u32);
                let text = c_text(host);
                if host.parse::<std::net::IpAddr>().is_ok() {
                    ffi::X509_VERIFY_PARAM_set1_ip_asc(param, text.as_ptr());
                } else {
                    ffi::X509_VERIFY_PARAM_set1_host(param, text.as_ptr(), text.as_bytes().len());
                }
            }
            let good = ffi::X509_verify_cert(ctx.raw()) == 1;
            let code = ffi::X509_STORE_CTX_get_error(ctx.raw());
            let code = if good { ffi::X509_V_OK } else { code.max(ffi::X509_V_ERR_UNSPECIFIED) };
            crate::crypto::clear_errors();
            let chain = ffi::X509_STORE_CTX_get0_chain(ctx.raw()) as *const c_void;
            let chain = elements::<ffi::X509>(chain).map(|x| Cert::borrowed(x)).collect();
            Ok(Outcome { code, message: explain(code, host), chain })
        }
    }
}

/// A stack of borrowed certificates.
struct Untrusted(*mut ffi::OPENSSL_STACK);

impl Untrusted {
    /// # Safety
    /// The certificates must outlive it.
    unsafe fn new(certs: &[Cert]) -> Untrusted {
        // SAFETY: a fresh stack, of pointers that the caller keeps valid.
        unsafe {
            let stack = ffi::OPENSSL_sk_new_null();
            for c in certs {
                ffi::OPENSSL_sk_push(stack, c.raw() as *mut c_void);
            }
            Untrusted(stack)
        }
    }
}

impl Drop for Untrusted {
    fn drop(&mut self) {
        // SAFETY: its own stack; the elements are not.
        unsafe { ffi::OPENSSL_sk_free(self.0) };
    }
}

/// The reason in words.
fn explain(code: i32, host: Option<&str>) -> String {
    let host = host.unwrap_or_default();
    match code {
        ffi::X509_V_ERR_HOSTNAME_MISMATCH => {
            format!("Hostname mismatch, certificate is not valid for '{host}'.")
        }
        ffi::X509_V_ERR_IP_ADDRESS_MISMATCH => {
            format!("IP address mismatch, certificate is not valid for '{host}'.")
        }
        code => {
            // SAFETY: static texts.
            unsafe { crate::crypto::text(ffi::X509_verify_cert_error_string(code as _)) }.unwrap_or_default()
        }
    }
}

/// The error of rustls that makes it send the alert that OpenSSL would.
fn alert_of(code: i32) -> CertificateError {
    match code {
        ffi::X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT
        | ffi::X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY
        | ffi::X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT
        | ffi::X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN
        | ffi::X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE
        | ffi::X509_V_ERR_UNABLE_TO_GET_CRL
        | ffi::X509_V_ERR_CERT_CHAIN_TOO_LONG
        | ffi::X509_V_ERR_PATH_LENGTH_EXCEEDED
        | ffi::X509_V_ERR_INVALID_CA => CertificateError::UnknownIssuer,
        ffi::X509_V_ERR_CERT_HAS_EXPIRED => CertificateError::Expired,
        ffi::X509_V_ERR_CERT_NOT_YET_VALID => CertificateError::NotValidYet,
        ffi::X509_V_ERR_CERT_REVOKED => CertificateError::Revoked,
        ffi::X509_V_ERR_CERT_SIGNATURE_FAILURE => CertificateError::BadSignature,
        ffi::X509_V_ERR_HOSTNAME_MISMATCH | ffi::X509_V_ERR_IP_ADDRESS_MISMATCH => {
            CertificateError::NotValidForName
        }
        ffi::X509_V_ERR_INVALID_PURPOSE => CertificateError::InvalidPurpose,
        code => CertificateError::Other(rustls::OtherError(std::sync::Arc::new(std::io::Error::other(
            format!("X509_V_ERR {code}"),
        )))),
    }
}

/// What a scheme of signatures is to libcrypto.
struct Scheme {
    digest: *const ffi::EVP_MD,
    pss: bool,
    /// The curve that TLS 1.3 ties to it.
    curve: Option<c_int>,
    /// Whether TLS 1.3 has it.
    modern: bool,
}

fn scheme(s: SignatureScheme) -> Option<Scheme> {
    use SignatureScheme as S;
    // SAFETY: plain calls that give static tables.
    let (sha256, sha384, sha512) = unsafe { (ffi::EVP_sha256(), ffi::EVP_sha384(), ffi::EVP_sha512()) };
    let make = |digest, pss, curve, modern| Some(Scheme { digest, pss, curve, modern });
    match s {
        S::RSA_PKCS1_SHA256 => make(sha256, false, None, false),
        S::RSA_PKCS1_SHA384 => make(sha384, false, None, false),
        S::RSA_PKCS1_SHA512 => make(sha512, false, None, false),
        S::RSA_PSS_SHA256 => make(sha256, true, None, true),
        S::RSA_PSS_SHA384 => make(sha384, true, None, true),
        S::RSA_PSS_SHA512 => make(sha512, true, None, true),
        S::ECDSA_NISTP256_SHA256 => make(sha256, false, Some(ffi::NID_X9_62_prime256v1), true),
        S::ECDSA_NISTP384_SHA384 => make(sha384, false, Some(ffi::NID_secp384r1), true),
        S::ECDSA_NISTP521_SHA512 => make(sha512, false, Some(ffi::NID_secp521r1), true),
        S::ED25519 => make(ptr::null(), false, None, true),
        _ => None,
    }
}

/// Whether the key of a certificate has signed this.
fn check_signature(
    message: &[u8],
    cert: &CertificateDer<'_>,
    dss: &DigitallySignedStruct,
    modern: bool,
) -> Result<HandshakeSignatureValid, Error> {
    let bad = || Error::InvalidCertificate(CertificateError::BadSignature);
    let Some(s) = scheme(dss.scheme).filter(|s| !modern || s.modern) else {
        return Err(Error::PeerMisbehaved(PeerMisbehaved::SignedHandshakeWithUnadvertisedSigScheme));
    };
    let cert = Cert::from_der(cert).map_err(|_| Error::InvalidCertificate(CertificateError::BadEncoding))?;
    let signature = dss.signature();
    // SAFETY: live objects; the slices are as long as said.
    let good = unsafe {
        let key = Key::new(ffi::X509_get_pubkey(cert.raw())).map_err(|_| bad())?;
        let kind = ffi::EVP_PKEY_id(key.raw());
        let expected = match (s.curve, s.digest.is_null()) {
            (Some(_), _) => ffi::EVP_PKEY_EC,
            (None, true) => ffi::EVP_PKEY_ED25519,
            (None, false) => ffi::EVP_PKEY_RSA,
        };
        if kind != expected {
            return Err(bad());
        }
        if let Some(curve) = s.curve.filter(|_| modern) {
            let group = ffi::EC_KEY_get0_group(ffi::EVP_PKEY_get0_EC_KEY(key.raw()));
            if ffi::EC_GROUP_get_curve_name(group) != curve {
                return Err(bad());
            }
        }
        let ctx = Digest::new(ffi::EVP_MD_CTX_new()).map_err(|_| bad())?;
        let mut inner = ptr::null_mut();
        let mut ok =
            ffi::EVP_DigestVerifyInit(ctx.raw(), &mut inner, s.digest, ptr::null_mut(), key.raw()) == 1;
        if s.pss {
            ok = ok
                && ffi::EVP_PKEY_CTX_set_rsa_padding(inner, ffi::RSA_PKCS1_PSS_PADDING) == 1
                && ffi::EVP_PKEY_CTX_set_rsa_pss_saltlen(inner, -1) == 1;
        }
        ok && ffi::EVP_DigestVerify(
            ctx.raw(),
            signature.as_ptr(),
            signature.len(),
            message.as_ptr(),
            message.len(),
        ) == 1
    };
    crate::crypto::clear_errors();
    if good { Ok(HandshakeSignatureValid::assertion()) } else { Err(bad()) }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        self.verify(leaf, others, true).map(|()| ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        check_signature(message, cert, dss, false)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        check_signature(message, cert, dss, true)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.schemes.clone()
    }
}

/// [`Verifier`] as a server has it.
#[derive(Debug)]
pub struct OfClients(pub std::sync::Arc<Verifier>);

impl ClientCertVerifier for OfClients {
    fn offer_client_auth(&self) -> bool {
        self.0.mode != cert::NONE
    }

    fn client_auth_mandatory(&self) -> bool {
        self.0.mode == cert::REQUIRED
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        leaf: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        _now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        self.0.verify(leaf, others, false).map(|()| ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        check_signature(message, cert, dss, false)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        check_signature(message, cert, dss, true)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.schemes.clone()
    }
}
