//! `_ssl._SSLSocket`: a connection.

use std::cell::{Cell, RefCell};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use cape_builtins::weakref;
use cape_heap::{Field, Header, Native, WeakCell, heap, heap_object};
use cape_stdlib::socket::{SOCKET, SocketObj};
use cape_stdlib::warn::unraisable_message;
use cape_vm::native::{Named, new_type};
use cape_vm::object::*;
use cape_vm::runtime::StaticType;
use cape_vm::{Ptr, Res, Value, Vm, intern, rt, type_of};
use rustls::client::Resumption;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, Error, ProtocolVersion, ServerConfig};

use crate::bio::BioObj;
use crate::constants::{cert, options, protocol};
use crate::context::{Context, ContextObj};
use crate::crypto::Cert;
use crate::engine::{Engine, Hello};
use crate::io::{Doing, Transport};
use crate::session::{Session, SessionObj};
use crate::settings::Counts;
use crate::{cert as certificates, ciphers, error, session};

/// What rustls is told of a connection, as the context was when it was made.
pub enum Config {
    Client(Result<Arc<ClientConfig>, Error>),
    Server(Result<Arc<ServerConfig>, Error>),
}

heap_object! {
    /// A connection. `socket` is a weak reference, or `incoming` and `outgoing` are buffers; `owner` is a weak reference to what Python
    /// code knows as the connection, or None. `mode` and `options` are the context's of the time when it was made.
    pub struct TlsObj {
        pub engine: Native<Arc<Engine>>,
        pub socket: Field,
        pub incoming: Field,
        pub outgoing: Field,
        owner: Field,
        context: Field,
        name: Native<Option<String>>,
        pub server: bool,
        session: Native<RefCell<Option<Arc<Session>>>>,
        config: Native<Config>,
        mode: i64,
        options: u64,
        counts: Native<Arc<Counts>>,
        begun: Cell<bool>,
        watched: bool,
    } [drop]
}

impl Named for TlsObj {
    const NAME: &'static str = "_ssl._SSLSocket";
}

/// A connection.
pub type Tls = Ptr<TlsObj>;

static TLS: StaticType = StaticType::new();

/// Alerts of this module's own.
mod alert {
    pub const HANDSHAKE_FAILURE: u8 = 40;
    pub const INTERNAL_ERROR: u8 = 80;
}

/// What AWS-LC says when the handler of a server's name has failed.
const NAME_REFUSED: &str = "PARSE_TLSEXT";

/// Makes the class.
pub fn init(m: Ptr<ModuleObj>) {
    let b = new_type::<TlsObj>("_ssl._SSLSocket", rt().types.object, TypeFlags::NO_INSTANTIATION)
        .method("do_handshake($self, /)", "", |vm: &Vm, s: Tls| Transport::new(vm, s, Doing::Handshake)?.shake())
        .method("read($self, size, buffer=None, /)", "read(size, [buffer])\nRead up to size bytes from the SSL socket.", read)
        .method(
            "write($self, b, /)",
            "Writes the bytes-like object b into the SSL object.\n\nReturns the number of bytes written.",
            |vm: &Vm, s: Tls, data: Value| {
                let data = vm.bytes_like(data)?;
                Transport::new(vm, s, Doing::Writing)?.write(data.as_slice())?;
                Ok::<usize, cape_vm::Raised>(data.len())
            },
        )
        .method("pending($self, /)", "Returns the number of already decrypted bytes available for read, pending on the connection.", |_: &Vm, s: Tls| s.engine.waiting())
        .method("shutdown($self, /)", "Does the SSL shutdown handshake with the remote end.", |vm: &Vm, s: Tls| {
            // (The socket stays while this runs.)
            let socket = target(s.socket.get());
            Transport::new(vm, s, Doing::Reading)?.shut()?;
            Ok::<Option<Value>, cape_vm::Raised>(socket)
        })
        .method("cipher($self, /)", "", |_: &Vm, s: Tls| {
            let suite = s.engine.ask(|c| c.negotiated_cipher_suite()).flatten();
            suite.and_then(|c| ciphers::find(c.suite())).map(|c| c.short())
        })
        .method("shared_ciphers($self, /)", "", |_: &Vm, s: Tls| {
            let shared: Vec<_> = s.engine.shared().into_iter().filter_map(ciphers::find).collect();
            (!shared.is_empty()).then(|| {
                let list = ListObj::new(&[]);
                shared.iter().for_each(|c| list.push(c.short()));
                list
            })
        })
        .method("compression($self, /)", "", |_: &Vm, _: Tls| ())
        .method("version($self, /)", "", |_: &Vm, s: Tls| s.version())
        .method("selected_alpn_protocol($self, /)", "", |_: &Vm, s: Tls| {
            s.engine.ask(|c| c.alpn_protocol().map(|p| String::from_utf8_lossy(p).into_owned())).flatten()
        })
        .method(
            "getpeercert($self, der=False, /)",
            "Returns the certificate for the peer.\n\nIf no certificate was provided, returns None.  If a certificate was\nprovided, but not validated, returns an empty dictionary.  Otherwise\nreturns a dict containing information about the peer certificate.\n\nIf the optional argument is True, returns a DER-encoded copy of the\npeer certificate, or None if no certificate was provided.  This will\nreturn the certificate even if it wasn't validated.",
            peer_certificate,
        )
        .method("get_verified_chain($self, /)", "", |_: &Vm, s: Tls| {
            s.engine.outcome().filter(|o| o.code == 0).map(|o| list_of(&o.chain))
        })
        .method("get_unverified_chain($self, /)", "", |_: &Vm, s: Tls| {
            let certs = s.peer_chain()?;
            Some(list_of(&certs.iter().filter_map(|der| Cert::from_der(der).ok()).collect::<Vec<_>>()))
        })
        .method(
            "get_channel_binding($self, /, cb_type='tls-unique')",
            "Get channel binding data for current connection.\n\nRaise ValueError if the requested `cb_type` is not supported.  Return\nbytes of the data or None if the data is not available (e.g. before\nthe handshake).  Only 'tls-unique' channel binding data from RFC 5929\nis supported.",
            channel_binding,
        )
        .method(
            "verify_client_post_handshake($self, /)",
            "Initiate TLS 1.3 post-handshake authentication",
            |vm: &Vm, s: Tls| match s.version() {
                Some("TLSv1.3") => Err::<(), _>(vm.not_implemented_error("Post-handshake auth is not supported by rustls.")),
                _ => Err(error::reason(vm, "WRONG_SSL_VERSION")),
            },
        )
        .getset(
            "context",
            "This changes the context associated with the SSLSocket.\n\nThis is typically used from within a callback function set by the\nsni_callback on the SSLContext to change the certificate information\nassociated with the SSLSocket before the cryptographic exchange\nhandshake messages.",
            |_: &Vm, s: Tls| s.context.get(),
            |vm: &Vm, s: Tls, v: Value| {
                writable(vm, s, "context", v)?;
                if v.downcast::<ContextObj>().is_none() {
                    return Err(vm.type_error("The value must be a SSLContext"));
                }
                s.context.set(s, v);
                Ok(())
            },
        )
        .getset(
            "owner",
            "The Python-level owner of this object.\n\nPassed as \"self\" in servername callback.",
            |_: &Vm, s: Tls| target(s.owner.get()),
            |vm: &Vm, s: Tls, v: Value| {
                writable(vm, s, "owner", v)?;
                s.owner.set(s, weakref::make(vm, weakref::REF.get(), v, Value::EMPTY)?);
                Ok::<(), cape_vm::Raised>(())
            },
        )
        .getset("session", "The underlying SSLSession object.", get_session, |vm: &Vm, s: Tls, v: Value| {
            writable(vm, s, "session", v)?;
            s.set_session(vm, v)
        })
        .getter("server_side", "Whether this is a server-side socket.", |_: &Vm, s: Tls| s.server)
        .getter("server_hostname", "The currently set server hostname (for SNI).", |_: &Vm, s: Tls| {
            s.name.as_ref().map(|n| StrObj::new(n))
        })
        .getset(
            "session_reused",
            "Was the client session reused during handshake?",
            |_: &Vm, s: Tls| s.engine.is_resumed(),
            |vm: &Vm, s: Tls, _: Value| {
                let class = cape_vm::class::full_name(type_of(s.value()));
                Err::<(), _>(vm.attribute_error(format!("attribute 'session_reused' of '{class}' objects is not writable")))
            },
        );
    TLS.set(b.class());
    m.class(b.class());
}

fn writable(vm: &Vm, s: Tls, name: &str, v: Value) -> Res<()> {
    if v.is_empty() { Err(error::cannot_delete(vm, s.value(), name)) } else { Ok(()) }
}

/// What a weak reference refers to.
fn target(weak: Value) -> Option<Value> {
    weak.downcast::<WeakCell>().map(|w| w.target()).filter(|t| !t.is_empty())
}

fn list_of(certs: &[Cert]) -> Ptr<ListObj> {
    let list = ListObj::new(&[]);
    certs.iter().for_each(|c| list.push(certificates::object(c)));
    list
}

/// What a connection is made over.
pub enum Over {
    Socket(Value),
    Buffers(Ptr<BioObj>, Ptr<BioObj>),
}

/// What a connection is made with besides.
pub struct With {
    pub server: bool,
    pub name: Value,
    pub owner: Option<Value>,
    pub session: Option<Value>,
}

/// A connection of a context.
pub fn make(vm: &Vm, c: Context, over: Over, with: With) -> Res<Tls> {
    let kind = c.settings.borrow().protocol;
    let misused = match kind {
        protocol::TLS_CLIENT if with.server => {
            Some("Cannot create a server socket with a PROTOCOL_TLS_CLIENT context")
        }
        protocol::TLS_SERVER if !with.server => {
            Some("Cannot create a client socket with a PROTOCOL_TLS_SERVER context")
        }
        _ => None,
    };
    let name = host_name(vm, with.name)?;
    if let Some(message) = misused {
        return Err(error::plain(vm, message));
    }
    if let Over::Socket(v) = over
        && v.downcast::<SocketObj>().is_none()
    {
        let expected = cape_vm::class::full_name(SOCKET.get());
        let got = cape_vm::class::full_name(type_of(v));
        return Err(vm.type_error(format!("_wrap_socket() argument 'sock' must be {expected}, not {got}")));
    }
    let (config, mode, options, counts) = {
        let mut settings = c.settings.borrow_mut();
        let config = match with.server {
            true => Config::Server(settings.server()),
            false => Config::Client(settings.client()),
        };
        (config, settings.mode, settings.options, settings.counts.clone())
    };
    let none = || Field::new(Value::NONE);
    let map = TLS.get().instance_map();
    let engine = Engine::new(with.server, name.clone());
    let watched = !c.messages.get().is_none();
    engine.trace(|t| t.watched = watched);
    let s = heap().alloc(
        map,
        TlsObj {
            header: Header::new(map),
            engine: Native(engine),
            socket: none(),
            incoming: none(),
            outgoing: none(),
            owner: none(),
            context: Field::new(c.value()),
            name: Native(name),
            server: with.server,
            session: Native(RefCell::new(None)),
            config: Native(config),
            mode,
            options,
            counts: Native(counts),
            begun: Cell::new(false),
            watched,
        },
    );
    match over {
        Over::Socket(v) => s.socket.set(s, heap().new_weak(rt().maps.weak_cell, v, Value::EMPTY).value()),
        Over::Buffers(i, o) => {
            s.incoming.set(s, i.value());
            s.outgoing.set(s, o.value());
        }
    }
    if let Some(owner) = with.owner.filter(|o| !o.is_none()) {
        s.owner.set(s, weakref::make(vm, weakref::REF.get(), owner, Value::EMPTY)?);
    }
    if let Some(session) = with.session.filter(|o| !o.is_none()) {
        s.set_session(vm, session)?;
    }
    Ok(s)
}

/// The name of a server as it is sent.
fn host_name(vm: &Vm, v: Value) -> Res<Option<String>> {
    if v.is_none() || v.is_empty() {
        return Ok(None);
    }
    let bytes = match v.downcast::<StrObj>() {
        Some(_) => {
            let encoded = vm.call_method(v, intern("encode"), &[intern("ascii")])?;
            vm.bytes_of(encoded)?
        }
        None => vm.bytes_of(v)?,
    };
    let name = String::from_utf8_lossy(&bytes).into_owned();
    if name.contains('\0') {
        let class = type_of(v).name_str();
        return Err(vm.type_error(format!("argument must be encoded string without null bytes, not {class}")));
    }
    if name.is_empty() || name.starts_with('.') {
        return Err(vm.value_error("server_hostname cannot be an empty string or start with a leading dot."));
    }
    Ok(Some(name))
}

impl TlsObj {
    /// Whether the handshake is over.
    pub fn is_shaken(&self) -> bool {
        self.engine.ask(|_| ()).is_some()
    }

    /// Whether the end of the transport is taken for the end of TLS.
    pub fn ignores_eof(&self) -> bool {
        self.options & options::IGNORE_UNEXPECTED_EOF != 0
    }

    fn version(&self) -> Option<&'static str> {
        match self.engine.ask(|c| c.protocol_version()).flatten()? {
            ProtocolVersion::TLSv1_2 => Some("TLSv1.2"),
            ProtocolVersion::TLSv1_3 => Some("TLSv1.3"),
            _ => None,
        }
    }

    /// The certificates that the peer has sent.
    fn peer_chain(&self) -> Option<Vec<Vec<u8>>> {
        self.engine
            .ask(|c| c.peer_certificates().map(|all| all.iter().map(|c| c.to_vec()).collect()))
            .flatten()
    }

    fn count_begun(&self) {
        if !self.begun.replace(true) {
            bump(if self.server { &self.counts.accept } else { &self.counts.connect });
        }
    }

    /// A handshake has ended well.
    pub fn count_good(&self) {
        bump(if self.server { &self.counts.accept_good } else { &self.counts.connect_good });
        if self.engine.is_resumed() {
            bump(&self.counts.hits);
        }
    }

    /// Begins a client's handshake.
    pub fn start(&self, vm: &Vm) -> Res<()> {
        self.count_begun();
        let Config::Client(Ok(config)) = &*self.config else {
            self.engine.fail("NO_PROTOCOLS_AVAILABLE");
            return Ok(());
        };
        let session = self.session.borrow_mut().get_or_insert_with(Session::new).clone();
        let mut config = ClientConfig::clone(config);
        config.resumption = Resumption::store(session.clone());
        let name = self.name.clone().and_then(|n| ServerName::try_from(n).ok());
        // A name that TLS cannot carry is not sent; certificates are compared with the text itself.
        config.enable_sni = name.is_some();
        let name = name.unwrap_or_else(|| ServerName::try_from("unnamed.invalid").expect("a name"));
        vm.allow_threads(|| self.engine.connect(Arc::new(config), name, session));
        Ok(())
    }
}

impl TlsObj {
    fn set_session(&self, vm: &Vm, v: Value) -> Res<()> {
        let Some(session) = v.downcast::<SessionObj>() else {
            return Err(vm.type_error("Value is not a SSLSession."));
        };
        if session.context.get() != self.context.get() {
            return Err(vm.value_error("Session refers to a different SSLContext."));
        }
        if self.server {
            return Err(vm.value_error("Cannot set session for server-side SSLSocket."));
        }
        if self.is_shaken() {
            return Err(vm.value_error("Cannot set session after handshake."));
        }
        *self.session.borrow_mut() = Some(session.session.clone());
        Ok(())
    }
}

fn bump(count: &AtomicI64) {
    count.fetch_add(1, Ordering::Relaxed);
}

fn get_session(_: &Vm, s: Tls) -> Option<Value> {
    if s.server && s.is_shaken() {
        s.session.borrow_mut().get_or_insert_with(Session::new);
    }
    if !s.engine.has_begun() {
        return None;
    }
    let own = s.session.borrow().clone()?;
    Some(session::object(&own, s.context.get()))
}

fn read(vm: &Vm, s: Tls, size: isize, buffer: Option<Value>) -> Res<Value> {
    match buffer.filter(|b| !b.is_none()) {
        Some(b) => {
            let b = vm.writable_bytes(b, "read() argument 2")?;
            let n = if size <= 0 || size as usize > b.len() { b.len() } else { size as usize };
            if n == 0 {
                return Ok(Value::int(0));
            }
            let mut text = vec![0u8; n];
            let n = Transport::new(vm, s, Doing::Reading)?.read(&mut text)?;
            // SAFETY: the buffer is held, and at least as long as what was read.
            unsafe { std::ptr::copy_nonoverlapping(text.as_ptr(), b.address(), n) };
            Ok(Value::int(n as i64))
        }
        None if size < 0 => Err(vm.value_error("size should not be negative")),
        None if size == 0 => Ok(BytesObj::new(&[]).value()),
        None => {
            let mut text: Vec<u8> = Vec::new();
            // No record has more text than this, and one is read at a time.
            let n = (size as usize).min(1 << 16);
            text.resize(n, 0);
            let n = Transport::new(vm, s, Doing::Reading)?.read(&mut text)?;
            Ok(BytesObj::new(&text[..n]).value())
        }
    }
}

fn peer_certificate(vm: &Vm, s: Tls, binary: Option<bool>) -> Res<Value> {
    if !s.is_shaken() {
        return Err(vm.value_error("handshake not done yet"));
    }
    let Some(der) = s.peer_chain().and_then(|all| all.into_iter().next()) else { return Ok(Value::NONE) };
    if binary.unwrap_or(false) {
        return Ok(BytesObj::new(&der).value());
    }
    if s.mode == cert::NONE {
        return Ok(DictObj::new().value());
    }
    let cert = Cert::from_der(&der).map_err(|f| error::crypto(vm, &f))?;
    certificates::decode(vm, &cert)
}

fn channel_binding(vm: &Vm, s: Tls, kind: Option<String>) -> Res<Option<Value>> {
    match kind.as_deref() {
        None | Some("tls-unique") => {
            let suite = s.engine.ask(|c| c.negotiated_cipher_suite()).flatten();
            let long = suite.is_some_and(|c| format!("{:?}", c.suite()).ends_with("SHA384"));
            let old = s.version() == Some("TLSv1.2");
            let data = s.engine.trace(|t| if old { t.unique(long) } else { None });
            Ok(data.map(|d| BytesObj::new(&d).value()))
        }
        Some(kind) => Err(vm.value_error(format!("'{kind}' channel binding type not implemented"))),
    }
}

/// What handlers get for the connection: its owner, if it has one, which may be gone.
fn seen_by_handlers(s: Tls) -> Option<Value> {
    if s.owner.get().is_none() {
        return target(s.socket.get()).or(Some(s.value()));
    }
    target(s.owner.get())
}

impl TlsObj {
    /// Goes on with a server's handshake: which context is it to be, which protocol?
    pub fn choose(self: &TlsObj, vm: &Vm) -> Res<()> {
        self.count_begun();
        let Some(hello) = self.engine.hello() else { return Ok(()) };
        let s: Tls = self.header.as_value().downcast().expect("a connection");
        let initial = self.context.get();
        let handler = initial.downcast::<ContextObj>().map_or(Value::NONE, |c| c.names.get());
        if !handler.is_none()
            && let Err(alert) = ask_for_context(vm, s, handler, &hello, initial)
        {
            self.engine.refuse(alert, NAME_REFUSED);
            return Ok(());
        }
        let Config::Server(Ok(config)) = &*self.config else {
            self.engine.fail("NO_PROTOCOLS_AVAILABLE");
            return Ok(());
        };
        let mut config = config.clone();
        if self.context.get() != initial
            && let Some(c) = self.context.downcast::<ContextObj>()
        {
            if let Ok(other) = c.settings.borrow_mut().server() {
                let changed = Arc::make_mut(&mut config);
                changed.cert_resolver = other.cert_resolver.clone();
                changed.alpn_protocols = other.alpn_protocols.clone();
                changed.key_log = other.key_log.clone();
            }
        }
        if !hello.alpn.iter().any(|p| config.alpn_protocols.contains(p)) && !config.alpn_protocols.is_empty()
        {
            // No common protocol is no reason to fail.
            Arc::make_mut(&mut config).alpn_protocols = Vec::new();
        }
        vm.allow_threads(|| self.engine.accept(config, &hello));
        Ok(())
    }

    /// Tells who watches what has passed.
    pub fn report(&self, vm: &Vm) -> Res<()> {
        if !self.watched {
            return Ok(());
        }
        let s: Tls = self.header.as_value().downcast().expect("a connection");
        for e in self.engine.trace(|t| std::mem::take(&mut t.events)) {
            let handler = self.context.downcast::<ContextObj>().map_or(Value::NONE, |c| c.messages.get());
            if handler.is_none() {
                return Ok(());
            }
            let way = intern(if e.write { "write" } else { "read" });
            let args = [
                seen_by_handlers(s).unwrap_or(Value::NONE),
                way,
                Value::int(e.version as i64),
                Value::int(e.content),
                Value::int(e.message),
                BytesObj::new(&e.data).value(),
            ];
            vm.call(handler, &args)?;
        }
        Ok(())
    }
}

/// Calls the handler of a server's names; the alert when it refuses.
fn ask_for_context(vm: &Vm, s: Tls, handler: Value, hello: &Hello, initial: Value) -> Result<(), u8> {
    let Some(seen) = seen_by_handlers(s) else { return Err(alert::INTERNAL_ERROR) };
    let name = hello.name.as_ref().map_or(Value::NONE, |n| StrObj::new(n).value());
    match vm.call(handler, &[seen, name, initial]) {
        Err(r) => {
            unraisable_message(vm, r, handler, "Exception ignored while calling the SNI callback");
            Err(alert::HANDSHAKE_FAILURE)
        }
        Ok(v) if v.is_none() => Ok(()),
        Ok(v) => match vm.index_int(v) {
            Ok(n) => Err(n.to_i64().and_then(|n| u8::try_from(n).ok()).unwrap_or(alert::INTERNAL_ERROR)),
            Err(r) => {
                unraisable_message(
                    vm,
                    r,
                    v,
                    "Exception ignored while converting the result of the SNI callback",
                );
                Err(alert::INTERNAL_ERROR)
            }
        },
    }
}
