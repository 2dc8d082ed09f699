//! The exceptions, and how errors of TLS become them.

use std::panic::Location;

use cape_stdlib::oserror;
use cape_vm::native::new_type;
use cape_vm::object::*;
use cape_vm::runtime::StaticType;
use cape_vm::{Ptr, Raised, Res, Value, Vm, intern, rt, type_of};

use crate::crypto::Failure;

/// The exceptions: name, docstring, number as `errno`. The first is the base of the others.
static CLASSES: [(&str, &str, StaticType); 7] = [
    ("SSLError", "An error occurred in the SSL implementation.", StaticType::new()),
    ("SSLZeroReturnError", "SSL/TLS session closed cleanly.", StaticType::new()),
    (
        "SSLWantReadError",
        "Non-blocking SSL socket needs to read more data\nbefore the requested operation can be completed.",
        StaticType::new(),
    ),
    (
        "SSLWantWriteError",
        "Non-blocking SSL socket needs to write more data\nbefore the requested operation can be completed.",
        StaticType::new(),
    ),
    ("SSLSyscallError", "System error when attempting SSL operation.", StaticType::new()),
    ("SSLEOFError", "SSL/TLS connection terminated abruptly.", StaticType::new()),
    ("SSLCertVerificationError", "A certificate could not be verified.", StaticType::new()),
];

/// Which of the exceptions.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Error,
    ZeroReturn,
    WantRead,
    WantWrite,
    #[allow(dead_code, reason = "for programs that catch it: what the system reports is raised as it is")]
    Syscall,
    Eof,
    Verification,
}

impl Kind {
    /// The class.
    pub fn class(self) -> Ptr<TypeObj> {
        CLASSES[self as usize].2.get()
    }

    /// What `errno` says, as one of `ssl.SSL_ERROR_*`.
    pub fn number(self) -> i32 {
        match self {
            Kind::Error | Kind::Verification => 1,
            Kind::WantRead => 2,
            Kind::WantWrite => 3,
            Kind::Syscall => 5,
            Kind::ZeroReturn => 6,
            Kind::Eof => 8,
        }
    }
}

/// Makes the exceptions.
pub fn init(vm: &Vm, m: Ptr<ModuleObj>) -> Res<()> {
    if CLASSES[0].2.try_get().is_none() {
        make(vm)?;
    }
    for (name, _, class) in &CLASSES {
        m.add(name, class.get().value());
    }
    Ok(())
}

fn make(vm: &Vm) -> Res<()> {
    for (i, (name, doc, to)) in CLASSES.iter().enumerate().take(Kind::Verification as usize) {
        let base = if i == 0 { rt().types.os_error } else { CLASSES[0].2.get() };
        let full: &'static str = Box::leak(format!("ssl.{name}").into_boxed_str());
        let mut b = new_type::<ExcObj>(full, base, TypeFlags::BASE | TypeFlags::HAS_WEAKREF).doc(doc);
        if i == 0 {
            b = b.method("__str__($self, /)", "Return str(self).", text);
        }
        to.set(b.class());
    }
    // The only one with two bases.
    let (name, doc, to) = &CLASSES[Kind::Verification as usize];
    let bases = TupleObj::new(&[Kind::Error.class().value(), rt().types.value_error.value()]);
    let namespace = DictObj::new();
    namespace.set_str(rt().names.doc, StrObj::new(doc).value());
    namespace.set_str(intern("__module__"), intern("ssl"));
    let class = vm.call(rt().types.type_.value(), &[intern(name), bases.value(), namespace.value()])?;
    to.set(class.downcast().expect("a class"));
    Ok(())
}

/// `str(e)`: without the number.
fn text(vm: &Vm, e: Ptr<ExcObj>) -> Res<Value> {
    let message = cape_vm::exc::extra(e, 1);
    if message.is::<StrObj>() {
        return Ok(message);
    }
    vm.str(e.args.get()).map(|s| s.value())
}

/// A raised exception: message, library and reason, as OpenSSL names them.
#[cold]
#[track_caller]
pub fn raise(vm: &Vm, kind: Kind, message: &str, library: Option<&str>, reason: Option<&str>) -> Raised {
    let line = Location::caller().line();
    let message = match (library, reason) {
        (Some(l), Some(r)) => format!("[{l}: {r}] {message} (_ssl.c:{line})"),
        (Some(l), None) => format!("[{l}] {message} (_ssl.c:{line})"),
        _ => format!("{message} (_ssl.c:{line})"),
    };
    let raised = oserror::raise(vm, kind.class(), kind.number(), &message, Value::EMPTY, Value::EMPTY);
    let name = |s: Option<&str>| s.map_or(Value::NONE, |s| StrObj::new(s).value());
    attributes(vm, raised, &[("library", name(library)), ("reason", name(reason))])
}

/// Adds attributes to a raised exception.
fn attributes(vm: &Vm, raised: Raised, all: &[(&str, Value)]) -> Raised {
    for &(attribute, v) in all {
        if let Err(other) = vm.set_attr(raised.value(), intern(attribute), v) {
            return other;
        }
    }
    raised
}

/// A raised `SSLError` of the library `SSL`: a reason in its usual writing, which is the message, too.
#[cold]
#[track_caller]
pub fn reason(vm: &Vm, reason: &str) -> Raised {
    raise(vm, Kind::Error, &reason.to_lowercase().replace('_', " "), Some("SSL"), Some(reason))
}

/// A raised `SSLError` with a message alone.
#[cold]
#[track_caller]
pub fn plain(vm: &Vm, message: &str) -> Raised {
    raise(vm, Kind::Error, message, None, None)
}

/// A raised `SSLError` that has no number and no attributes: its only argument is the message.
#[cold]
pub fn bare(vm: &Vm, message: &str) -> Raised {
    vm.new_exc(Kind::Error.class(), message)
}

/// The last error of libcrypto.
#[cold]
#[track_caller]
pub fn crypto(vm: &Vm, f: &Failure) -> Raised {
    raise(vm, Kind::Error, &f.message, f.library.as_deref(), f.reason.as_deref())
}

/// The operation has to be tried again when there is something to read, or room to write.
#[cold]
#[track_caller]
pub fn want(vm: &Vm, writing: bool) -> Raised {
    match writing {
        false => raise(vm, Kind::WantRead, "The operation did not complete (read)", None, None),
        true => raise(vm, Kind::WantWrite, "The operation did not complete (write)", None, None),
    }
}

/// The transport ended where TLS did not.
#[cold]
#[track_caller]
pub fn eof(vm: &Vm) -> Raised {
    let message = "EOF occurred in violation of protocol";
    raise(vm, Kind::Eof, message, Some("SSL"), Some("UNEXPECTED_EOF_WHILE_READING"))
}

/// The peer has said that it sends no more.
#[cold]
#[track_caller]
pub fn zero_return(vm: &Vm) -> Raised {
    raise(vm, Kind::ZeroReturn, "TLS/SSL connection has been closed (EOF)", None, None)
}

/// A certificate was refused: what libcrypto's verification said.
#[cold]
#[track_caller]
pub fn refused(vm: &Vm, code: i32, why: &str) -> Raised {
    let message = format!("certificate verify failed: {why}");
    let raised = raise(vm, Kind::Verification, &message, Some("SSL"), Some("CERTIFICATE_VERIFY_FAILED"));
    let details = [("verify_code", Value::int(code as i64)), ("verify_message", StrObj::new(why).value())];
    attributes(vm, raised, &details)
}

/// The `TypeError` of an argument that is no path.
#[cold]
pub fn no_path(vm: &Vm, name: &str) -> Raised {
    vm.type_error(format!("{name} should be a valid filesystem path"))
}

/// The `AttributeError` of deleting an attribute of this object's class.
#[cold]
pub fn cannot_delete(vm: &Vm, object: Value, name: &str) -> Raised {
    let class = type_of(object);
    vm.attribute_error(format!(
        "attribute '{name}' of '{}' objects cannot be deleted",
        cape_vm::class::full_name(class)
    ))
}
