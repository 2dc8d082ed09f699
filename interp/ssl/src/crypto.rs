//! Handles on what libcrypto allocates.

use std::ffi::{CStr, CString, c_char, c_int, c_long, c_void};
use std::ptr::{self, NonNull};

use aws_lc_sys as ffi;

/// An error of libcrypto, in words.
#[derive(Debug, Default)]
pub struct Failure {
    /// The part of the library, as OpenSSL abbreviates it.
    pub library: Option<String>,
    /// The reason in capitals.
    pub reason: Option<String>,
    /// The reason in words.
    pub message: String,
    /// The reason's number, and the library's.
    pub code: (i32, i32),
}

/// The parts of libcrypto that have other names here than in OpenSSL's messages.
const LIBRARIES: &[(i32, &str)] = &[
    (ffi::ERR_LIB_SYS, "SYS"),
    (ffi::ERR_LIB_RSA, "RSA"),
    (ffi::ERR_LIB_EVP, "EVP"),
    (ffi::ERR_LIB_PEM, "PEM"),
    (ffi::ERR_LIB_X509, "X509"),
    (ffi::ERR_LIB_ASN1, "ASN1"),
    (ffi::ERR_LIB_EC, "EC"),
    (ffi::ERR_LIB_BIO, "BIO"),
    (ffi::ERR_LIB_PKCS8, "PKCS8"),
    (ffi::ERR_LIB_X509V3, "X509V3"),
    (ffi::ERR_LIB_DIGEST, "DIGEST"),
    (ffi::ERR_LIB_CIPHER, "CIPHER"),
    (ffi::ERR_LIB_CRYPTO, "CRYPTO"),
];

impl Failure {
    /// The newest error of this thread's queue, which is emptied.
    #[cold]
    pub fn last() -> Failure {
        // SAFETY: plain calls; the texts are static.
        unsafe {
            let e = ffi::ERR_peek_last_error();
            ffi::ERR_clear_error();
            if e == 0 {
                return Failure { message: "unknown error".to_owned(), ..Failure::default() };
            }
            let (library, number) = (ffi::ERR_GET_LIB(e), ffi::ERR_GET_REASON(e));
            let reason = text(ffi::ERR_reason_error_string(e)).unwrap_or_else(|| "UNKNOWN".to_owned());
            let known = LIBRARIES.iter().find(|l| l.0 == library);
            Failure {
                library: known.map(|l| l.1.to_owned()).or_else(|| text(ffi::ERR_lib_error_string(e))),
                message: reason.to_lowercase().replace('_', " "),
                reason: Some(reason),
                code: (library, number),
            }
        }
    }

    /// Whether it is this one.
    pub fn is(&self, library: i32, reason: i32) -> bool {
        self.code == (library, reason)
    }
}

/// Forgets earlier errors.
pub fn clear_errors() {
    // SAFETY: a plain call.
    unsafe { ffi::ERR_clear_error() }
}

/// A C string that may be null.
///
/// # Safety
/// It must be null or one.
pub unsafe fn text(p: *const c_char) -> Option<String> {
    // SAFETY: the caller's promise.
    (!p.is_null()).then(|| unsafe { CStr::from_ptr(p) }.to_string_lossy().into_owned())
}

macro_rules! handle {
    ($(#[$doc:meta])* $name:ident = $raw:ident, $free:ident $(, $up:ident)?) => {
        $(#[$doc])*
        pub struct $name(NonNull<ffi::$raw>);

        impl $name {
            /// Takes over a reference; an error of libcrypto's when it is null.
            ///
            /// # Safety
            /// It is null, or a reference that the caller owns.
            pub unsafe fn new(p: *mut ffi::$raw) -> Result<$name, Failure> {
                NonNull::new(p).map($name).ok_or_else(Failure::last)
            }

            /// For a call.
            pub fn raw(&self) -> *mut ffi::$raw {
                self.0.as_ptr()
            }
        }

        impl Drop for $name {
            fn drop(&mut self) {
                // SAFETY: the handle owns its reference.
                unsafe { ffi::$free(self.raw()) };
            }
        }

        $(impl Clone for $name {
            fn clone(&self) -> $name {
                // SAFETY: a live object.
                unsafe { ffi::$up(self.raw()) };
                $name(self.0)
            }
        }

        // SAFETY: counted atomically, and what is used of it by several threads locks or only reads.
        unsafe impl Send for $name {}
        // SAFETY: as above.
        unsafe impl Sync for $name {})?
    };
}

handle!(
    /// A certificate.
    Cert = X509, X509_free, X509_up_ref
);
handle!(
    /// A key.
    Key = EVP_PKEY, EVP_PKEY_free, EVP_PKEY_up_ref
);
handle!(
    /// Certificates and revocation lists that are trusted.
    Store = X509_STORE, X509_STORE_free, X509_STORE_up_ref
);
handle!(
    /// One verification.
    StoreCtx = X509_STORE_CTX, X509_STORE_CTX_free
);
handle!(
    /// A stream of libcrypto's.
    Bio = BIO, BIO_free
);
handle!(
    /// An object identifier.
    Object = ASN1_OBJECT, ASN1_OBJECT_free
);
handle!(
    /// A running digest.
    Digest = EVP_MD_CTX, EVP_MD_CTX_free
);
handle!(
    /// A running HMAC.
    Hmac = HMAC_CTX, HMAC_CTX_free
);

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Store")
    }
}

impl Bio {
    /// One that collects what is written.
    pub fn memory() -> Bio {
        // SAFETY: plain calls.
        unsafe { Bio::new(ffi::BIO_new(ffi::BIO_s_mem())) }.expect("memory for a stream")
    }

    /// One that reads bytes, which outlive it.
    ///
    /// # Safety
    /// The bytes stay where they are until it is dropped.
    pub unsafe fn reading(data: &[u8]) -> Bio {
        // SAFETY: the caller's promise.
        let p = unsafe { ffi::BIO_new_mem_buf(data.as_ptr() as *const c_void, data.len() as _) };
        // SAFETY: a fresh one.
        unsafe { Bio::new(p) }.expect("memory for a stream")
    }

    /// What was written to it.
    pub fn contents(&self) -> Vec<u8> {
        let (mut p, mut n) = (ptr::null(), 0);
        // SAFETY: a stream in memory; what it shows is copied at once.
        unsafe {
            if ffi::BIO_mem_contents(self.raw(), &mut p, &mut n) == 0 || n == 0 {
                return Vec::new();
            }
            std::slice::from_raw_parts(p, n).to_vec()
        }
    }

    /// As [`Bio::contents`], as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.contents()).into_owned()
    }
}

impl Cert {
    /// Of its encoding.
    pub fn from_der(der: &[u8]) -> Result<Cert, Failure> {
        let mut p = der.as_ptr();
        // SAFETY: so many bytes are there.
        unsafe { Cert::new(ffi::d2i_X509(ptr::null_mut(), &mut p, der.len() as c_long)) }
    }

    /// Its encoding.
    pub fn der(&self) -> Vec<u8> {
        // SAFETY: a certificate; without a place it only counts.
        let n = unsafe { ffi::i2d_X509(self.raw(), ptr::null_mut()) };
        let mut out = vec![0u8; n.max(0) as usize];
        let mut p = out.as_mut_ptr();
        // SAFETY: there is room for so many.
        unsafe { ffi::i2d_X509(self.raw(), &mut p) };
        out
    }

    /// Another reference of a certificate that somebody else owns.
    ///
    /// # Safety
    /// It must be alive.
    pub unsafe fn borrowed(p: *mut ffi::X509) -> Cert {
        // SAFETY: the caller's promise.
        unsafe { ffi::X509_up_ref(p) };
        Cert(NonNull::new(p).expect("a certificate"))
    }

    /// In the text form.
    pub fn pem(&self) -> Vec<u8> {
        let out = Bio::memory();
        // SAFETY: a stream and a certificate.
        unsafe { ffi::PEM_write_bio_X509(out.raw(), self.raw()) };
        out.contents()
    }
}

/// The elements of one of libcrypto's stacks, in order.
///
/// # Safety
/// It is null or a stack of pointers to `T`, which stays as it is during the iteration.
pub unsafe fn elements<T>(stack: *const c_void) -> impl Iterator<Item = *mut T> {
    let stack = stack as *const ffi::OPENSSL_STACK;
    // SAFETY: the caller's promise.
    let n = if stack.is_null() { 0 } else { unsafe { ffi::OPENSSL_sk_num(stack) } };
    // SAFETY: as above, and the index is below the number.
    (0..n).map(move |i| unsafe { ffi::OPENSSL_sk_value(stack, i) } as *mut T)
}

/// The text of an object identifier: its name, or its numbers.
///
/// # Safety
/// It must be alive.
pub unsafe fn object_text(object: *const ffi::ASN1_OBJECT, numbers: bool) -> String {
    let mut buf = [0u8; 256];
    // SAFETY: the buffer is as long as said; what does not fit is cut.
    let n = unsafe {
        ffi::OBJ_obj2txt(buf.as_mut_ptr() as *mut c_char, buf.len() as c_int, object, numbers as c_int)
    };
    let n = (n.max(0) as usize).min(buf.len() - 1);
    String::from_utf8_lossy(&buf[..n]).into_owned()
}

/// A C string of text that has no NUL in it.
pub fn c_text(s: &str) -> CString {
    CString::new(s.replace('\0', "")).expect("no NUL is left")
}
