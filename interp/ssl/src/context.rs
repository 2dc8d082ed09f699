//! `_ssl._SSLContext`.

use std::cell::RefCell;
use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use aws_lc_sys as ffi;
use cape_heap::{Field, Header, Native, heap, heap_object};
use cape_stdlib::fsname::fsencode;
use cape_stdlib::warn::warn;
use cape_vm::native::{FromArg, Named, TypeBuilder, int_from, new_type};
use cape_vm::object::*;
use cape_vm::runtime::StaticType;
use cape_vm::{Ptr, Raised, Res, Value, Vm, intern, rt, type_of};

use crate::bio::BioObj;
use crate::constants::{cert, options, protocol, version};
use crate::crypto::Store;
use crate::settings::Settings;
use crate::socket::{Over, With, make};
use crate::{ciphers, error, keys, locations, settings};

heap_object! {
    /// A context. `names` and `messages` are handlers, or None; `log` is the name of the file of secrets, or None.
    pub struct ContextObj {
        pub settings: Native<RefCell<Settings>>,
        pub names: Field,
        pub messages: Field,
        log: Field,
    } [drop]
}

impl Named for ContextObj {
    const NAME: &'static str = "_ssl._SSLContext";
}

/// A context.
pub type Context = Ptr<ContextObj>;

static CONTEXT: StaticType = StaticType::new();

/// Makes the class.
pub fn init(m: Ptr<ModuleObj>) {
    let b = new_type::<ContextObj>("_ssl._SSLContext", rt().types.object, TypeFlags::BASE)
        .new_fn(
            "__new__($type, *args, **kwargs)",
            "Create and return a new object.  See help(type) for accurate signature.",
            new,
        )
        .method("_wrap_socket($self, /, sock, server_side, server_hostname=None, *,\n             owner=None, session=None)", "", wrap_socket)
        .method("_wrap_bio($self, /, incoming, outgoing, server_side,\n          server_hostname=None, *, owner=None, session=None)", "", wrap_bio)
        .method("set_ciphers($self, cipherlist, /)", "", |vm: &Vm, c: Context, list: String| {
            let Some(chosen) = ciphers::choose(&list) else {
                return Err(error::bare(vm, "No cipher can be selected."));
            };
            c.settings.borrow_mut().changed().suites = chosen;
            Ok(())
        })
        .method("get_ciphers($self, /)", "", |_: &Vm, c: Context| {
            let suites = c.settings.borrow().suites.clone();
            let list = ListObj::new(&[]);
            suites.iter().for_each(|s| list.push(s.long()));
            list
        })
        .method("_set_alpn_protocols($self, protos, /)", "", |vm: &Vm, c: Context, protocols: Value| {
            let bytes = vm.bytes_like(protocols)?.to_vec();
            c.settings.borrow_mut().changed().alpn = split_protocols(&bytes);
            Ok::<(), Raised>(())
        })
        .method("load_cert_chain($self, /, certfile, keyfile=None, password=None)", "", load_cert_chain)
        .method("load_dh_params($self, path, /)", "", load_dh_params)
        .method("set_ecdh_curve($self, name, /)", "", set_curve)
        .method("session_stats($self, /)", "", session_stats)
        .method("set_psk_client_callback($self, /, callback)", "", |vm: &Vm, _: Context, _: Value| no_psk(vm))
        .method("set_psk_server_callback($self, /, callback, identity_hint=None)", "", |vm: &Vm, _: Context, _: Value, _: Option<Value>| no_psk(vm));
    let b = locations::methods(attributes(handlers(b)));
    CONTEXT.set(b.class());
    m.class(b.class());
}

fn no_psk(vm: &Vm) -> Res<()> {
    Err(vm.not_implemented_error("TLS-PSK is not supported by rustls."))
}

fn new(vm: &Vm, cls: Ptr<TypeObj>, args: Ptr<TupleObj>, kwargs: Ptr<DictObj>) -> Res<Context> {
    if !kwargs.is_empty() {
        return Err(vm.type_error("_SSLContext() takes no keyword arguments"));
    }
    let &[kind] = args.as_slice() else {
        return Err(vm.type_error(format!("_SSLContext expected 1 argument, got {}", args.len())));
    };
    let kind = i32::from_arg(vm, kind, 1)?;
    let deprecated = match kind {
        protocol::TLS => "ssl.PROTOCOL_TLS is deprecated",
        protocol::TLS_V1_2 => "ssl.PROTOCOL_TLSv1_2 is deprecated",
        protocol::TLS_CLIENT | protocol::TLS_SERVER => "",
        // (Those before TLS 1.2 rustls does not have.)
        _ => return Err(vm.value_error(format!("invalid or unsupported protocol version {kind}"))),
    };
    if !deprecated.is_empty() {
        warn(vm, rt().types.deprecation_warning, deprecated, 2)?;
    }
    // SAFETY: a fresh store.
    let store = unsafe { Store::new(ffi::X509_STORE_new()) }.map_err(|f| error::crypto(vm, &f))?;
    let map = cls.instance_map();
    let none = || Field::new(Value::NONE);
    let object = ContextObj {
        header: Header::new(map),
        settings: Native(RefCell::new(Settings::new(kind, store))),
        names: none(),
        messages: none(),
        log: none(),
    };
    Ok(heap().alloc(map, object))
}

#[allow(clippy::too_many_arguments, reason = "the parameters of the method")]
fn wrap_socket(
    vm: &Vm,
    c: Context,
    socket: Value,
    server: bool,
    name: Option<Value>,
    owner: Option<Value>,
    session: Option<Value>,
) -> Res<Value> {
    let with = With { server, name: name.unwrap_or(Value::NONE), owner, session };
    make(vm, c, Over::Socket(socket), with).map(|s| s.value())
}

#[allow(clippy::too_many_arguments, reason = "the parameters of the method")]
fn wrap_bio(
    vm: &Vm,
    c: Context,
    incoming: Ptr<BioObj>,
    outgoing: Ptr<BioObj>,
    server: bool,
    name: Option<Value>,
    owner: Option<Value>,
    session: Option<Value>,
) -> Res<Value> {
    let with = With { server, name: name.unwrap_or(Value::NONE), owner, session };
    make(vm, c, Over::Buffers(incoming, outgoing), with).map(|s| s.value())
}

/// Protocols, each behind its length.
fn split_protocols(mut bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    while let Some((&n, rest)) = bytes.split_first() {
        let n = (n as usize).min(rest.len());
        all.push(rest[..n].to_vec());
        bytes = &rest[n..];
    }
    all
}

/// The value for a setter; None when the attribute is to be deleted.
fn given(vm: &Vm, c: Context, name: &str, v: Value) -> Res<Value> {
    if v.is_empty() { Err(error::cannot_delete(vm, c.value(), name)) } else { Ok(v) }
}

/// The attributes that are numbers and flags.
fn attributes(b: TypeBuilder) -> TypeBuilder {
    b.getter("protocol", "", |_: &Vm, c: Context| c.settings.borrow().protocol)
        .getter("security_level", "The current security level.", |_: &Vm, _: Context| 2)
        .getset(
            "check_hostname",
            "",
            |_: &Vm, c: Context| c.settings.borrow().check_host,
            |vm: &Vm, c: Context, v: Value| {
                let on = vm.truth(given(vm, c, "check_hostname", v)?)?;
                let mut s = c.settings.borrow_mut();
                let s = s.changed();
                if on && s.mode == cert::NONE {
                    s.mode = cert::REQUIRED;
                }
                s.check_host = on;
                Ok::<(), Raised>(())
            },
        )
        .getset(
            "verify_mode",
            "",
            |_: &Vm, c: Context| c.settings.borrow().mode,
            |vm: &Vm, c: Context, v: Value| {
                let mode = i64::from_arg(vm, given(vm, c, "verify_mode", v)?, 1)?;
                if !(cert::NONE..=cert::REQUIRED).contains(&mode) {
                    return Err(vm.value_error("invalid value for verify_mode"));
                }
                let mut s = c.settings.borrow_mut();
                if mode == cert::NONE && s.check_host {
                    return Err(
                        vm.value_error("Cannot set verify_mode to CERT_NONE when check_hostname is enabled.")
                    );
                }
                s.changed().mode = mode;
                Ok(())
            },
        )
        .getset(
            "verify_flags",
            "",
            |_: &Vm, c: Context| c.settings.borrow().verify_flags,
            |vm: &Vm, c: Context, v: Value| {
                let Some(n) = Int::of(given(vm, c, "verify_flags", v)?) else {
                    let class = if v.is_none() { "None".to_owned() } else { type_of(v).name_str() };
                    return Err(vm.type_error(format!("argument must be int, not {class}")));
                };
                c.settings.borrow_mut().changed().verify_flags = n.to_i64().unwrap_or(0) as u32 as u64;
                Ok(())
            },
        )
        .getset(
            "_host_flags",
            "",
            |_: &Vm, c: Context| c.settings.borrow().host_flags,
            |vm: &Vm, c: Context, v: Value| {
                let n = vm.index_int(given(vm, c, "_host_flags", v)?)?;
                c.settings.borrow_mut().changed().host_flags = n.to_i64().unwrap_or(0) as u32 as u64;
                Ok::<(), Raised>(())
            },
        )
        .getset("options", "", |_: &Vm, c: Context| c.settings.borrow().options, set_options)
        .getset(
            "minimum_version",
            "",
            |_: &Vm, c: Context| shown_version(c.settings.borrow().minimum),
            |vm: &Vm, c: Context, v: Value| set_version(vm, c, "minimum_version", v),
        )
        .getset(
            "maximum_version",
            "",
            |_: &Vm, c: Context| shown_version(c.settings.borrow().maximum),
            |vm: &Vm, c: Context, v: Value| set_version(vm, c, "maximum_version", v),
        )
        .getset(
            "num_tickets",
            "Control the number of TLSv1.3 session tickets.",
            |_: &Vm, c: Context| c.settings.borrow().tickets,
            |vm: &Vm, c: Context, v: Value| {
                let n = i64::from_arg(vm, given(vm, c, "num_tickets", v)?, 1)?;
                if n < 0 {
                    return Err(vm.value_error("value must be non-negative"));
                }
                let mut s = c.settings.borrow_mut();
                if s.protocol != protocol::TLS_SERVER {
                    return Err(vm.value_error("SSLContext is not a server context."));
                }
                s.changed().tickets = n;
                Ok(())
            },
        )
        .getset(
            "post_handshake_auth",
            "",
            |_: &Vm, c: Context| c.settings.borrow().post_handshake,
            |vm: &Vm, c: Context, v: Value| {
                if v.is_empty() {
                    return Err(vm.attribute_error("cannot delete attribute"));
                }
                c.settings.borrow_mut().post_handshake = vm.truth(v)?;
                Ok(())
            },
        )
}

/// The attributes that are callables, and the file of secrets.
fn handlers(b: TypeBuilder) -> TypeBuilder {
    b.getset(
        "sni_callback",
        "Set a callback that will be called when a server name is provided by the SSL/TLS client in the SNI extension.\n\nIf the argument is None then the callback is disabled. The method is\ncalled with the SSLSocket, the server name as a string, and the\nSSLContext object.",
        |_: &Vm, c: Context| c.names.get(),
        |vm: &Vm, c: Context, v: Value| {
            given(vm, c, "sni_callback", v)?;
            if c.settings.borrow().protocol == protocol::TLS_CLIENT {
                return Err(vm.value_error("sni_callback cannot be set on TLS_CLIENT context"));
            }
            callable(vm, v).map(|()| c.names.set(c, v))
        },
    )
    .getset("_msg_callback", "", |_: &Vm, c: Context| c.messages.get(), |vm: &Vm, c: Context, v: Value| {
        given(vm, c, "_msg_callback", v)?;
        callable(vm, v).map(|()| c.messages.set(c, v))
    })
    .getset("keylog_filename", "", |_: &Vm, c: Context| c.log.get(), |vm: &Vm, c: Context, v: Value| {
        set_log(vm, c, given(vm, c, "keylog_filename", v)?)
    })
}

fn callable(vm: &Vm, v: Value) -> Res<()> {
    if v.is_none() || vm.is_callable(v) { Ok(()) } else { Err(vm.type_error("not a callable object")) }
}

fn set_log(vm: &Vm, c: Context, v: Value) -> Res<()> {
    let log = c.settings.borrow().log.clone();
    let mut file = log.0.lock().unwrap_or_else(|e| e.into_inner());
    *file = None;
    c.log.set(c, Value::NONE);
    if v.is_none() {
        return Ok(());
    }
    let path = fsencode(vm, v)?;
    let name = std::ffi::OsStr::from_bytes(path.as_bytes());
    let opened = OpenOptions::new().append(true).create(true).mode(0o600).open(name).and_then(|mut f| {
        if f.metadata()?.len() == 0 {
            f.write_all(b"# TLS secrets log file, generated by OpenSSL / Python\n")?;
        }
        Ok(f)
    });
    *file = Some(opened.map_err(|e| cape_stdlib::oserror::os_error(vm, e.raw_os_error().unwrap_or(0), v))?);
    c.log.set(c, v);
    Ok(())
}

fn set_options(vm: &Vm, c: Context, v: Value) -> Res<()> {
    let new = match vm.index_int(given(vm, c, "options", v)?)? {
        Int::Small(n) if n < 0 => return Err(vm.value_error("Cannot convert negative int")),
        Int::Small(n) => n as u64,
        Int::Big(b) => u64::try_from(&b)
            .map_err(|_| vm.overflow_error("Python int too large for C unsigned long long"))?,
    };
    let old = c.settings.borrow().options;
    if new & !old & options::NO_VERSIONS != 0 {
        let message = "ssl.OP_NO_SSL*/ssl.OP_NO_TLS* options are deprecated";
        warn(vm, rt().types.deprecation_warning, message, 2)?;
    }
    c.settings.borrow_mut().changed().options = new;
    Ok(())
}

/// A limit of versions, as `TLSVersion` has it.
fn shown_version(v: i64) -> Value {
    int_from(v as i128)
}

fn set_version(vm: &Vm, c: Context, which: &str, v: Value) -> Res<()> {
    let n = i64::from_arg(vm, given(vm, c, which, v)?, 1)?;
    let old = match n {
        version::SSL_V3 => "SSLv3",
        version::TLS_V1 => "TLSv1",
        version::TLS_V1_1 => "TLSv1_1",
        version::MINIMUM | version::MAXIMUM | version::TLS_V1_2 | version::TLS_V1_3 => "",
        _ => return Err(vm.value_error(format!("Unsupported TLS/SSL version {n:#x}"))),
    };
    let lowest = which == "minimum_version";
    if c.settings.borrow().protocol == protocol::TLS_V1_2 {
        return Err(vm.value_error(
            "The context's protocol doesn't support modification of highest and lowest version.",
        ));
    }
    if !old.is_empty() {
        warn(vm, rt().types.deprecation_warning, &format!("ssl.TLSVersion.{old} is deprecated"), 2)?;
    }
    let mut s = c.settings.borrow_mut();
    let s = s.changed();
    match (lowest, n) {
        (true, version::MAXIMUM) => s.minimum = version::TLS_V1_3,
        (true, n) => s.minimum = n,
        (false, version::MINIMUM) => s.maximum = version::TLS_V1_2,
        (false, n) => s.maximum = n,
    }
    Ok(())
}

fn load_cert_chain(
    vm: &Vm,
    c: Context,
    certificates: Value,
    key: Option<Value>,
    password: Option<Value>,
) -> Res<()> {
    let path = |v: Value, name: &str| {
        fsencode(vm, v).map_err(|r| if r.is(rt().types.type_error) { error::no_path(vm, name) } else { r })
    };
    let certificates = path(certificates, "certfile")?;
    let key = match key.filter(|k| !k.is_none()) {
        Some(k) => path(k, "keyfile")?,
        None => certificates.clone(),
    };
    let password = password.unwrap_or(Value::NONE);
    if !password.is_none()
        && !vm.is_callable(password)
        && !password.is::<StrObj>()
        && !password.is::<BytesObj>()
        && !password.is::<BytearrayObj>()
    {
        return Err(vm.type_error("password should be a string or callable"));
    }
    let loaded = keys::load(vm, settings::provider(), &certificates, &key, password)?;
    let mut s = c.settings.borrow_mut();
    let all = Arc::new(s.keys.with(loaded));
    s.changed().keys = all;
    Ok(())
}

/// Parameters are read, so that wrong ones are an error; no suite that there is needs them.
fn load_dh_params(vm: &Vm, _: Context, path: Value) -> Res<()> {
    let name = fsencode(vm, path)?;
    vm.audit("open", &[path, intern("rb"), Value::int(0)])?;
    let file = std::ffi::OsStr::from_bytes(name.as_bytes());
    let text = std::fs::read(file)
        .map_err(|e| cape_stdlib::oserror::os_error(vm, e.raw_os_error().unwrap_or(libc::EIO), path))?;
    crate::crypto::clear_errors();
    // SAFETY: the stream ends before the text; what is read is freed.
    unsafe {
        let bio = crate::crypto::Bio::reading(&text);
        let dh = ffi::PEM_read_bio_DHparams(bio.raw(), std::ptr::null_mut(), None, std::ptr::null_mut());
        if dh.is_null() {
            return Err(error::crypto(vm, &crate::crypto::Failure::last()));
        }
        ffi::DH_free(dh);
    }
    Ok(())
}

fn set_curve(vm: &Vm, c: Context, name: Value) -> Res<()> {
    let text = fsencode(vm, name)?;
    let shown = text.to_string_lossy().into_owned();
    let Some(curve) = settings::curve(&shown) else {
        // SAFETY: a C string.
        return Err(match unsafe { ffi::OBJ_sn2nid(text.as_ptr()) } {
            0 => vm.value_error(format!("unknown elliptic curve name {}", vm.repr_str(name)?)),
            _ => error::plain(vm, &format!("rustls does not exchange keys over {shown}")),
        });
    };
    c.settings.borrow_mut().changed().curve = Some(curve);
    Ok(())
}

fn session_stats(_: &Vm, c: Context) -> Value {
    let counts = c.settings.borrow().counts.clone();
    let d = DictObj::new();
    let n = |a: &std::sync::atomic::AtomicI64| a.load(Ordering::Relaxed);
    for (name, v) in [
        ("number", 0),
        ("connect", n(&counts.connect)),
        ("connect_good", n(&counts.connect_good)),
        ("connect_renegotiate", 0),
        ("accept", n(&counts.accept)),
        ("accept_good", n(&counts.accept_good)),
        ("accept_renegotiate", 0),
        ("hits", n(&counts.hits)),
        ("misses", 0),
        ("timeouts", 0),
        ("cache_full", 0),
    ] {
        d.set_str(intern(name), Value::int(v));
    }
    d.value()
}
