//! `ssl.SSLSession`, and where rustls keeps what it needs to resume a session.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard};

use cape_heap::{Field, Header, Native, heap, heap_object};
use cape_vm::native::{Named, new_type};
use cape_vm::object::*;
use cape_vm::runtime::StaticType;
use cape_vm::{Ptr, Value, Vm, rt};
use rustls::NamedGroup;
use rustls::client::{ClientSessionStore, Tls12ClientSessionValue, Tls13ClientSessionValue};
use rustls::pki_types::ServerName;

/// One session of a client: every connection begins one, or goes on with one.
#[derive(Debug)]
pub struct Session {
    /// Tells sessions apart. (What the server calls it is rustls's.)
    id: [u8; 32],
    /// When it began, in seconds since the epoch.
    began: i64,
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    old: Option<Tls12ClientSessionValue>,
    /// Each resumes one connection, which gets others.
    tickets: VecDeque<Tls13ClientSessionValue>,
    group: Option<NamedGroup>,
    lifetime: u32,
}

/// Tickets that are kept at most.
const TICKETS: usize = 8;
/// How long a session may be resumed, in seconds, when nobody says anything.
const TIMEOUT: i64 = 7200;

impl Session {
    /// A session that begins now.
    pub fn new() -> Arc<Session> {
        let mut id = [0u8; 32];
        // SAFETY: the buffer is as long as said.
        unsafe { aws_lc_sys::RAND_bytes(id.as_mut_ptr(), id.len()) };
        let began = cape_stdlib::duration::clock(libc::CLOCK_REALTIME) / 1_000_000_000;
        Arc::new(Session { id, began, kept: Mutex::default() })
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(|e| e.into_inner())
    }

    /// Notes for how long the server promises to take the ticket back.
    pub fn note_lifetime(&self, seconds: u32) {
        self.kept().lifetime = seconds;
    }

    fn has_ticket(&self) -> bool {
        let kept = self.kept();
        kept.old.is_some() || !kept.tickets.is_empty()
    }
}

impl ClientSessionStore for Session {
    fn set_kx_hint(&self, _: ServerName<'static>, group: NamedGroup) {
        self.kept().group = Some(group);
    }

    fn kx_hint(&self, _: &ServerName<'_>) -> Option<NamedGroup> {
        self.kept().group
    }

    fn set_tls12_session(&self, _: ServerName<'static>, value: Tls12ClientSessionValue) {
        self.kept().old = Some(value);
    }

    fn tls12_session(&self, _: &ServerName<'_>) -> Option<Tls12ClientSessionValue> {
        self.kept().old.clone()
    }

    fn remove_tls12_session(&self, _: &ServerName<'static>) {
        self.kept().old = None;
    }

    fn insert_tls13_ticket(&self, _: ServerName<'static>, value: Tls13ClientSessionValue) {
        let mut kept = self.kept();
        kept.tickets.truncate(TICKETS - 1);
        kept.tickets.push_front(value);
    }

    fn take_tls13_ticket(&self, _: &ServerName<'static>) -> Option<Tls13ClientSessionValue> {
        self.kept().tickets.pop_front()
    }
}

heap_object! {
    /// A session as Python sees it; `context` is that of the connection.
    pub struct SessionObj { pub session: Native<Arc<Session>>, pub context: Field } [drop]
}

impl Named for SessionObj {
    const NAME: &'static str = "_ssl.SSLSession";
}

static SESSION: StaticType = StaticType::new();

/// Makes the class.
pub fn init(m: Ptr<ModuleObj>) {
    let ordered = |_: &Vm, _: Ptr<SessionObj>, _: Value| Value::NOT_IMPLEMENTED;
    let b = new_type::<SessionObj>("_ssl.SSLSession", rt().types.object, TypeFlags::NO_INSTANTIATION)
        .getter("id", "Session ID.", |_: &Vm, s: Ptr<SessionObj>| BytesObj::new(&s.session.id))
        .getter("time", "Session creation time (seconds since epoch).", |_: &Vm, s: Ptr<SessionObj>| {
            s.session.began
        })
        .getter("timeout", "Session timeout (delta in seconds).", |_: &Vm, _: Ptr<SessionObj>| TIMEOUT)
        .getter("ticket_lifetime_hint", "Ticket life time hint.", |_: &Vm, s: Ptr<SessionObj>| {
            s.session.kept().lifetime
        })
        .getter("has_ticket", "Does the session contain a ticket?", |_: &Vm, s: Ptr<SessionObj>| {
            s.session.has_ticket()
        })
        .method("__eq__($self, value, /)", "Return self==value.", |_: &Vm, s: Ptr<SessionObj>, o: Value| {
            same(s, o, true)
        })
        .method("__ne__($self, value, /)", "Return self!=value.", |_: &Vm, s: Ptr<SessionObj>, o: Value| {
            same(s, o, false)
        })
        .method("__lt__($self, value, /)", "Return self<value.", ordered)
        .method("__le__($self, value, /)", "Return self<=value.", ordered)
        .method("__gt__($self, value, /)", "Return self>value.", ordered)
        .method("__ge__($self, value, /)", "Return self>=value.", ordered)
        .attribute("__hash__", Value::NONE);
    SESSION.set(b.class());
    m.class(b.class());
}

fn same(s: Ptr<SessionObj>, other: Value, equal: bool) -> Value {
    match other.downcast::<SessionObj>() {
        Some(o) => Value::bool((s.session.id == o.session.id) == equal),
        None => Value::NOT_IMPLEMENTED,
    }
}

/// An object for a session.
pub fn object(session: &Arc<Session>, context: Value) -> Value {
    let map = SESSION.get().instance_map();
    let object = SessionObj {
        header: Header::new(map),
        session: Native(session.clone()),
        context: Field::new(context),
    };
    heap().alloc(map, object).value()
}
