//! Certificates: what is in them, and `_ssl.Certificate`.

use std::ffi::{c_int, c_long, c_void};
use std::ptr;

use aws_lc_sys as ffi;
use cape_heap::{Header, Native, heap, heap_object};
use cape_vm::native::{Named, new_type};
use cape_vm::object::*;
use cape_vm::runtime::StaticType;
use cape_vm::{Ptr, Res, Value, Vm, intern, rt};

use crate::crypto::{Bio, Cert, elements, object_text};
use crate::error;

heap_object! {
    /// A certificate of a peer.
    pub struct CertObj { cert: Native<Cert> } [drop]
}

impl Named for CertObj {
    const NAME: &'static str = "_ssl.Certificate";
}

static CERTIFICATE: StaticType = StaticType::new();

const PEM: i32 = 1;
const DER: i32 = 2;

/// Makes the class.
pub fn init(m: Ptr<ModuleObj>) {
    let ordered = |_: &Vm, _: Ptr<CertObj>, _: Value| Value::NOT_IMPLEMENTED;
    let b = new_type::<CertObj>("_ssl.Certificate", rt().types.object, TypeFlags::NO_INSTANTIATION)
        .method("get_info($self, /)", "", |vm: &Vm, c: Ptr<CertObj>| decode(vm, &c.cert))
        .method(
            "public_bytes($self, /, format=Encoding.PEM)",
            "",
            |vm: &Vm, c: Ptr<CertObj>, format: Option<i32>| match format.unwrap_or(PEM) {
                PEM => Ok(StrObj::new(&String::from_utf8_lossy(&c.cert.pem())).value()),
                DER => Ok(BytesObj::new(&c.cert.der()).value()),
                _ => Err(vm.value_error("Unsupported format")),
            },
        )
        .method("__repr__($self, /)", "Return repr(self).", |_: &Vm, c: Ptr<CertObj>| {
            let out = Bio::memory();
            // SAFETY: a stream, and the name of a live certificate.
            unsafe {
                let subject = ffi::X509_get_subject_name(c.cert.raw());
                ffi::X509_NAME_print_ex(out.raw(), subject, 0, ffi::XN_FLAG_RFC2253 as _);
            }
            format!("<_ssl.Certificate '{}'>", out.text())
        })
        .method("__hash__($self, /)", "Return hash(self).", |_: &Vm, c: Ptr<CertObj>| {
            // SAFETY: a live certificate.
            unsafe { ffi::X509_subject_name_hash(c.cert.raw()) }
        })
        .method("__eq__($self, value, /)", "Return self==value.", |_: &Vm, c: Ptr<CertObj>, o: Value| {
            same(c, o, true)
        })
        .method("__ne__($self, value, /)", "Return self!=value.", |_: &Vm, c: Ptr<CertObj>, o: Value| {
            same(c, o, false)
        })
        .method("__lt__($self, value, /)", "Return self<value.", ordered)
        .method("__le__($self, value, /)", "Return self<=value.", ordered)
        .method("__gt__($self, value, /)", "Return self>value.", ordered)
        .method("__ge__($self, value, /)", "Return self>=value.", ordered);
    CERTIFICATE.set(b.class());
    m.class(b.class());
    m.function("_test_decode_cert($module, path, /)", "", |vm: &Vm, path: Value| {
        let path = cape_stdlib::fsname::fsencode(vm, path)?;
        // SAFETY: C strings.
        let Ok(file) = (unsafe { Bio::new(ffi::BIO_new_file(path.as_ptr(), c"r".as_ptr())) }) else {
            return Err(error::bare(vm, "Can't open file"));
        };
        // SAFETY: a stream; without a callback nobody is asked for a password.
        let cert =
            unsafe { Cert::new(ffi::PEM_read_bio_X509(file.raw(), ptr::null_mut(), None, ptr::null_mut())) };
        match cert {
            Ok(cert) => decode(vm, &cert),
            Err(_) => Err(error::bare(vm, "Error decoding PEM-encoded file")),
        }
    });
}

fn same(c: Ptr<CertObj>, other: Value, equal: bool) -> Value {
    match other.downcast::<CertObj>() {
        // SAFETY: live certificates.
        Some(o) => Value::bool((unsafe { ffi::X509_cmp(c.cert.raw(), o.cert.raw()) } == 0) == equal),
        None => Value::NOT_IMPLEMENTED,
    }
}

/// An object for a certificate.
pub fn object(cert: &Cert) -> Value {
    let map = CERTIFICATE.get().instance_map();
    heap().alloc(map, CertObj { header: Header::new(map), cert: Native(cert.clone()) }).value()
}

/// What `getpeercert()` tells of a certificate.
pub fn decode(vm: &Vm, cert: &Cert) -> Res<Value> {
    let d = DictObj::new();
    let x = cert.raw();
    // SAFETY: a live certificate, whose parts live as long.
    unsafe {
        d.set_str(intern("subject"), name(vm, ffi::X509_get_subject_name(x))?);
        d.set_str(intern("issuer"), name(vm, ffi::X509_get_issuer_name(x))?);
        d.set_str(intern("version"), Value::int(ffi::X509_get_version(x) as i64 + 1));
        let print = |f: &dyn Fn(*mut ffi::BIO) -> c_int| {
            let out = Bio::memory();
            f(out.raw());
            StrObj::new(&out.text()).value()
        };
        d.set_str(
            intern("serialNumber"),
            print(&|b| ffi::i2a_ASN1_INTEGER(b, ffi::X509_get_serialNumber(x))),
        );
        d.set_str(intern("notBefore"), print(&|b| ffi::ASN1_TIME_print(b, ffi::X509_get0_notBefore(x))));
        d.set_str(intern("notAfter"), print(&|b| ffi::ASN1_TIME_print(b, ffi::X509_get0_notAfter(x))));
    }
    let names = alternative_names(vm, cert)?;
    if !names.is_empty() {
        d.set_str(intern("subjectAltName"), TupleObj::new(names.as_slice()).value());
    }
    for (key, nid) in [("OCSP", ffi::NID_ad_OCSP), ("caIssuers", ffi::NID_ad_ca_issuers)] {
        add_addresses(d, key, &access(cert, nid));
    }
    add_addresses(d, "crlDistributionPoints", &distribution_points(cert));
    Ok(d.value())
}

fn add_addresses(d: Ptr<DictObj>, key: &str, addresses: &[String]) {
    if addresses.is_empty() {
        return;
    }
    let mut all = ValueVec::new();
    addresses.iter().for_each(|a| all.push(StrObj::new(a).value()));
    d.set_str(intern(key), TupleObj::new(all.as_slice()).value());
}

/// A name: a tuple of relative names, which are tuples of pairs.
///
/// # Safety
/// The name must be alive.
unsafe fn name(vm: &Vm, name: *const ffi::X509_NAME) -> Res<Value> {
    let mut all = ValueVec::new();
    let mut part = ValueVec::new();
    let mut last = None;
    // SAFETY: the caller's promise; the entries live as long as the name.
    unsafe {
        for i in 0..ffi::X509_NAME_entry_count(name) {
            let entry = ffi::X509_NAME_get_entry(name, i);
            let set = ffi::X509_NAME_ENTRY_set(entry);
            if last.is_some_and(|l| l != set) {
                all.push(TupleObj::new(part.as_slice()).value());
                part.truncate(0);
            }
            last = Some(set);
            let key = object_text(ffi::X509_NAME_ENTRY_get_object(entry), false);
            let mut p = ptr::null_mut();
            let n = ffi::ASN1_STRING_to_UTF8(&mut p, ffi::X509_NAME_ENTRY_get_data(entry));
            if n < 0 {
                return Err(error::crypto(vm, &crate::crypto::Failure::last()));
            }
            let text = String::from_utf8_lossy(std::slice::from_raw_parts(p, n as usize)).into_owned();
            ffi::OPENSSL_free(p as *mut c_void);
            let key = StrObj::new(&key).value();
            part.push(TupleObj::new(&[key, StrObj::new(&text).value()]).value());
        }
    }
    if !part.is_empty() {
        all.push(TupleObj::new(part.as_slice()).value());
    }
    Ok(TupleObj::new(all.as_slice()).value())
}

/// The bytes of a string of ASN.1.
///
/// # Safety
/// It must be alive.
unsafe fn bytes(s: *const ffi::ASN1_STRING) -> Vec<u8> {
    // SAFETY: the caller's promise.
    unsafe {
        let n = ffi::ASN1_STRING_length(s).max(0) as usize;
        if n == 0 {
            Vec::new()
        } else {
            std::slice::from_raw_parts(ffi::ASN1_STRING_get0_data(s), n).to_vec()
        }
    }
}

/// An extension of a certificate, decoded, and freed when it is dropped.
struct Extension {
    p: *mut c_void,
    free: unsafe fn(*mut c_void),
}

impl Extension {
    fn get(cert: &Cert, nid: i32, free: unsafe fn(*mut c_void)) -> Extension {
        // SAFETY: a live certificate; nothing else is asked for.
        let p = unsafe { ffi::X509_get_ext_d2i(cert.raw(), nid, ptr::null_mut(), ptr::null_mut()) };
        crate::crypto::clear_errors();
        Extension { p, free }
    }
}

impl Drop for Extension {
    fn drop(&mut self) {
        if !self.p.is_null() {
            // SAFETY: it is this value's, and of the type that `free` frees.
            unsafe { (self.free)(self.p) };
        }
    }
}

fn alternative_names(vm: &Vm, cert: &Cert) -> Res<ValueVec> {
    let mut all = ValueVec::new();
    // SAFETY: the extension is a stack of names.
    let names = Extension::get(cert, ffi::NID_subject_alt_name, |p| unsafe {
        ffi::GENERAL_NAMES_free(p as *mut ffi::GENERAL_NAMES)
    });
    // SAFETY: as above; `d` has the member that `type_` says.
    unsafe {
        for n in elements::<ffi::GENERAL_NAME>(names.p) {
            let d = (*n).d;
            let text =
                |kind: &'static str| (kind, StrObj::new(&String::from_utf8_lossy(&bytes(d.ia5))).value());
            let (kind, v) = match (*n).type_ {
                ffi::GEN_EMAIL => text("email"),
                ffi::GEN_DNS => text("DNS"),
                ffi::GEN_URI => text("URI"),
                ffi::GEN_DIRNAME => ("DirName", name(vm, d.dirn)?),
                ffi::GEN_RID => ("Registered ID", StrObj::new(&object_text(d.rid, false)).value()),
                ffi::GEN_IPADD => ("IP Address", StrObj::new(&address(&bytes(d.ip))).value()),
                kind => {
                    let kind = match kind {
                        ffi::GEN_X400 => "X400Name",
                        ffi::GEN_EDIPARTY => "EdiPartyName",
                        _ => "othername",
                    };
                    (kind, StrObj::new("<unsupported>").value())
                }
            };
            all.push(TupleObj::new(&[intern(kind), v]).value());
        }
    }
    Ok(all)
}

/// An address in its usual form; that of version 6 without abbreviations.
fn address(bytes: &[u8]) -> String {
    match bytes.len() {
        4 => bytes.iter().map(u8::to_string).collect::<Vec<_>>().join("."),
        16 => {
            let words = bytes.chunks(2).map(|w| format!("{:X}", u16::from_be_bytes([w[0], w[1]])));
            words.collect::<Vec<_>>().join(":")
        }
        _ => "<invalid>".to_owned(),
    }
}

/// The addresses among names.
///
/// # Safety
/// It is null, or a stack of names.
unsafe fn addresses(names: *const c_void, out: &mut Vec<String>) {
    // SAFETY: the caller's promise.
    unsafe {
        for n in elements::<ffi::GENERAL_NAME>(names) {
            if (*n).type_ == ffi::GEN_URI {
                out.push(String::from_utf8_lossy(&bytes((*n).d.ia5)).into_owned());
            }
        }
    }
}

/// Where the issuer offers what `nid` names.
fn access(cert: &Cert, nid: i32) -> Vec<String> {
    let mut out = Vec::new();
    // SAFETY: the extension is a stack of descriptions.
    let info = Extension::get(cert, ffi::NID_info_access, |p| unsafe {
        ffi::AUTHORITY_INFO_ACCESS_free(p as *mut ffi::AUTHORITY_INFO_ACCESS)
    });
    // SAFETY: as above.
    unsafe {
        for a in elements::<ffi::ACCESS_DESCRIPTION>(info.p) {
            let location = (*a).location;
            if ffi::OBJ_obj2nid((*a).method) == nid && (*location).type_ == ffi::GEN_URI {
                out.push(String::from_utf8_lossy(&bytes((*location).d.ia5)).into_owned());
            }
        }
    }
    out
}

fn distribution_points(cert: &Cert) -> Vec<String> {
    let mut out = Vec::new();
    // SAFETY: the extension is a stack of points.
    let points = Extension::get(cert, ffi::NID_crl_distribution_points, |p| unsafe {
        ffi::CRL_DIST_POINTS_free(p as *mut ffi::CRL_DIST_POINTS)
    });
    // SAFETY: as above; a point of type 0 has full names.
    unsafe {
        for p in elements::<ffi::DIST_POINT>(points.p) {
            let point = (*p).distpoint;
            if !point.is_null() && (*point).type_ == 0 {
                addresses((*point).name.fullname as *const c_void, &mut out);
            }
        }
    }
    out
}

/// An object identifier: number, short name, long name, numbers.
///
/// # Safety
/// It must be alive.
pub unsafe fn identifier(vm: &Vm, object: *const ffi::ASN1_OBJECT) -> Res<Value> {
    // SAFETY: the caller's promise.
    unsafe {
        let nid = ffi::OBJ_obj2nid(object);
        if nid == ffi::NID_undef {
            return Err(vm.value_error("Unknown object"));
        }
        let text = |s: Option<String>| s.map_or(Value::NONE, |s| StrObj::new(&s).value());
        let numbers = object_text(object, true);
        let short = text(crate::crypto::text(ffi::OBJ_nid2sn(nid)));
        let long = text(crate::crypto::text(ffi::OBJ_nid2ln(nid)));
        let numbers = text((!numbers.is_empty()).then_some(numbers));
        Ok(TupleObj::new(&[Value::int(nid as c_long), short, long, numbers]).value())
    }
}
