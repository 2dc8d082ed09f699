//! One connection, without Python: rustls between records that come and records that go.
//!
//! Several threads may use a connection, each without the GIL. Records that come are taken and processed under one lock (`inbound`), so
//! that none passes another; records that go are sent under another (`sending`). Both take the lock of the state only while they work at
//! it, and nobody waits for the GIL with a lock in hand. So one thread may wait for records while another writes.

use std::io::{Read, Write};
use std::sync::{Arc, Mutex, MutexGuard};

use rustls::pki_types::ServerName;
use rustls::server::{Accepted, Acceptor};
use rustls::{
    CipherSuite, ClientConfig, ClientConnection, Connection, Error, HandshakeKind, ProtocolVersion,
    ServerConfig,
};

use crate::session::Session;
use crate::trace::Trace;
use crate::verify::{Outcome, exchange};

/// How far a connection is.
enum Phase {
    /// Nothing has been done.
    Fresh,
    /// A server that waits for the client's first message.
    Listening(Box<Acceptor>),
    /// A server that has it, and has to be told how to go on.
    Greeted(Box<Accepted>),
    /// rustls goes on by itself.
    Open(Box<Connection>),
    /// It has failed for this reason.
    Failed(Failed),
}

/// Why a connection has failed.
#[derive(Clone)]
pub enum Failed {
    /// rustls says so.
    Tls(Error),
    /// This module does: a reason in OpenSSL's writing.
    Reason(&'static str),
}

/// What is to be done next.
pub enum Next {
    Start,
    Choose,
    Receive,
    /// The handshake is over.
    Nothing,
    Fail(Failed),
}

/// What receiving came to.
pub enum Received {
    /// A part of a record.
    Part,
    /// A whole record, which was processed.
    Record,
    /// The transport has ended.
    End,
    /// The system's error.
    System(i32),
}

/// What reading came to.
pub enum Text {
    /// So many bytes.
    Bytes(usize),
    /// None are there yet.
    Wait,
    /// The peer will send no more.
    Closed,
}

struct State {
    phase: Phase,
    /// Records that are to be sent.
    out: Vec<u8>,
    /// Bytes of text that wait to be read.
    waiting: usize,
    peer_closed: bool,
    closed: bool,
    /// The transport has ended, which somebody was told.
    ended: bool,
    outcome: Option<Outcome>,
    trace: Trace,
    session: Option<Arc<Session>>,
    /// Suites that client and server have.
    shared: Vec<CipherSuite>,
    host: Option<String>,
}

/// One connection.
pub struct Engine {
    state: Mutex<State>,
    /// The record that is coming.
    inbound: Mutex<Vec<u8>>,
    sending: Mutex<()>,
    /// How much was taken of what a caller is to write once more, because the transport had no room.
    pub taken: Mutex<usize>,
}

/// What the client's first message says.
pub struct Hello {
    pub name: Option<String>,
    pub alpn: Vec<Vec<u8>>,
    suites: Vec<CipherSuite>,
}

/// Bytes before the contents of a record.
const HEADER: usize = 5;
/// The longest contents that a record may have.
const LONGEST: usize = (1 << 14) + 2048;

fn lock<T>(m: &Mutex<T>) -> MutexGuard<'_, T> {
    m.lock().unwrap_or_else(|e| e.into_inner())
}

impl Engine {
    /// Of a server or a client, which expects a certificate for `host`.
    pub fn new(server: bool, host: Option<String>) -> Arc<Engine> {
        Arc::new(Engine {
            state: Mutex::new(State {
                phase: if server { Phase::Listening(Box::default()) } else { Phase::Fresh },
                out: Vec::new(),
                waiting: 0,
                peer_closed: false,
                closed: false,
                ended: false,
                outcome: None,
                trace: Trace::new(server),
                session: None,
                shared: Vec::new(),
                host,
            }),
            inbound: Mutex::default(),
            sending: Mutex::default(),
            taken: Mutex::default(),
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    /// What is to be done next for the handshake.
    pub fn next(&self) -> Next {
        match &self.state().phase {
            Phase::Fresh => Next::Start,
            Phase::Listening(_) => Next::Receive,
            Phase::Greeted(_) => Next::Choose,
            Phase::Open(c) if c.is_handshaking() => Next::Receive,
            Phase::Open(_) => Next::Nothing,
            Phase::Failed(e) => Next::Fail(e.clone()),
        }
    }

    /// Begins a client's handshake.
    pub fn connect(&self, config: Arc<ClientConfig>, name: ServerName<'static>, session: Arc<Session>) {
        let mut s = self.state();
        s.session = Some(session);
        s.phase = match ClientConnection::new(config, name) {
            Ok(mut c) => {
                c.set_buffer_limit(None);
                Phase::Open(Box::new(c.into()))
            }
            Err(e) => Phase::Failed(Failed::Tls(e)),
        };
        s.collect();
    }

    /// What the client has said, when [`Next::Choose`] is next.
    pub fn hello(&self) -> Option<Hello> {
        let s = self.state();
        let Phase::Greeted(accepted) = &s.phase else { return None };
        let hello = accepted.client_hello();
        Some(Hello {
            name: hello.server_name().map(str::to_owned),
            alpn: hello.alpn().map_or_else(Vec::new, |all| all.map(<[u8]>::to_vec).collect()),
            suites: hello.cipher_suites().to_vec(),
        })
    }

    /// Goes on with a server's handshake.
    pub fn accept(&self, config: Arc<ServerConfig>, hello: &Hello) {
        let mut s = self.state();
        let Phase::Greeted(accepted) = std::mem::replace(&mut s.phase, Phase::Fresh) else { return };
        let own = config.crypto_provider().cipher_suites.iter().map(|c| c.suite());
        s.shared = own.filter(|c| hello.suites.contains(c)).collect();
        let (r, told) = exchange(None, || accepted.into_connection(config));
        s.trace.master = told.master;
        s.phase = match r {
            Ok(mut c) => {
                c.set_buffer_limit(None);
                Phase::Open(Box::new(c.into()))
            }
            Err((e, mut alert)) => {
                let _ = alert.write_all(&mut s.out);
                Phase::Failed(Failed::Tls(e))
            }
        };
        s.work(|_| Ok(()));
    }

    /// Ends a server's handshake with an alert.
    pub fn refuse(&self, alert: u8, reason: &'static str) {
        let mut s = self.state();
        s.out.extend([21, 3, 3, 0, 2, 2, alert]);
        s.phase = Phase::Failed(Failed::Reason(reason));
    }

    /// Ends it without a word.
    pub fn fail(&self, reason: &'static str) {
        self.state().phase = Phase::Failed(Failed::Reason(reason));
    }

    /// How many bytes of the record that is coming are still to come.
    pub fn missing(&self) -> usize {
        missing(&lock(&self.inbound))
    }

    /// Takes bytes, at most as many as are missing.
    pub fn receive(&self, bytes: &[u8]) -> Received {
        let mut record = lock(&self.inbound);
        record.extend_from_slice(bytes);
        self.complete(&mut record)
    }

    /// Takes bytes from a socket.
    pub fn receive_from(&self, fd: i32) -> Received {
        let mut record = lock(&self.inbound);
        let (at, n) = (record.len(), missing(&record));
        record.resize(at + n, 0);
        // SAFETY: there is room for so many bytes.
        let got = unsafe { libc::recv(fd, record[at..].as_mut_ptr() as *mut libc::c_void, n, 0) };
        let e = cape_stdlib::oserror::errno();
        record.truncate(at + got.max(0) as usize);
        match got {
            0 => Received::End,
            n if n < 0 => Received::System(e),
            _ => self.complete(&mut record),
        }
    }

    fn complete(&self, record: &mut Vec<u8>) -> Received {
        if missing(record) > 0 {
            return Received::Part;
        }
        let record = std::mem::take(record);
        self.state().process(&record);
        Received::Record
    }

    /// Takes the records that are to be sent.
    pub fn take_output(&self) -> Vec<u8> {
        std::mem::take(&mut self.state().out)
    }

    /// Sends what a socket takes at once; whether nothing is left, or the system's error.
    pub fn send_to(&self, fd: i32) -> Result<bool, i32> {
        let _order = lock(&self.sending);
        let out = std::mem::take(&mut self.state().out);
        if out.is_empty() {
            return Ok(true);
        }
        // SAFETY: so many bytes are there.
        let n = unsafe { libc::send(fd, out.as_ptr() as *const libc::c_void, out.len(), libc::MSG_NOSIGNAL) };
        let e = cape_stdlib::oserror::errno();
        let sent = n.max(0) as usize;
        let mut s = self.state();
        if sent < out.len() {
            s.out.splice(..0, out[sent..].iter().copied());
        }
        if n < 0 { Err(e) } else { Ok(s.out.is_empty()) }
    }

    /// Reads text that has come.
    pub fn read(&self, buf: &mut [u8]) -> Text {
        let mut s = self.state();
        let Phase::Open(c) = &mut s.phase else { return Text::Wait };
        match c.reader().read(buf) {
            Ok(0) => Text::Closed,
            Ok(n) => {
                s.waiting = s.waiting.saturating_sub(n);
                Text::Bytes(n)
            }
            Err(_) => Text::Wait,
        }
    }

    /// Takes text to send; how much of it.
    pub fn write(&self, text: &[u8]) -> usize {
        let mut s = self.state();
        let Phase::Open(c) = &mut s.phase else { return 0 };
        let n = c.writer().write(text).unwrap_or(0);
        s.collect();
        n
    }

    /// Says that no more will be sent.
    pub fn close(&self) {
        let mut s = self.state();
        if std::mem::replace(&mut s.closed, true) {
            return;
        }
        if let Phase::Open(c) = &mut s.phase {
            c.send_close_notify();
        }
        s.collect();
    }

    /// Whether this side has said that it sends no more, and whether the peer has.
    pub fn closed(&self) -> (bool, bool) {
        let s = self.state();
        (s.closed, s.peer_closed)
    }

    /// The transport has ended before TLS.
    pub fn end(&self) {
        self.state().ended = true;
    }

    /// Whether that has happened.
    pub fn has_ended(&self) -> bool {
        self.state().ended
    }

    /// Why it has failed, if it has.
    pub fn failure(&self) -> Option<Failed> {
        match &self.state().phase {
            Phase::Failed(e) => Some(e.clone()),
            _ => None,
        }
    }

    /// Bytes of text that wait to be read.
    pub fn waiting(&self) -> usize {
        self.state().waiting
    }

    /// What verification came to.
    pub fn outcome(&self) -> Option<Outcome> {
        self.state().outcome.clone()
    }

    /// Whether the handshake has begun.
    pub fn has_begun(&self) -> bool {
        !matches!(self.state().phase, Phase::Fresh | Phase::Listening(_))
    }

    /// Asks rustls, once the handshake is over.
    pub fn ask<R>(&self, f: impl FnOnce(&Connection) -> R) -> Option<R> {
        match &self.state().phase {
            Phase::Open(c) if !c.is_handshaking() => Some(f(c)),
            _ => None,
        }
    }

    /// Whether an earlier session was resumed.
    pub fn is_resumed(&self) -> bool {
        self.ask(|c| c.handshake_kind() == Some(HandshakeKind::Resumed)).unwrap_or(false)
    }

    /// Suites that client and server have.
    pub fn shared(&self) -> Vec<CipherSuite> {
        self.state().shared.clone()
    }

    /// Uses the trace.
    pub fn trace<R>(&self, f: impl FnOnce(&mut Trace) -> R) -> R {
        f(&mut self.state().trace)
    }
}

/// How many bytes are missing of a record. What is no record is to be looked at at once.
fn missing(record: &[u8]) -> usize {
    if record.len() < HEADER {
        return HEADER - record.len();
    }
    let n = u16::from_be_bytes([record[3], record[4]]) as usize;
    if !is_header(record) || n > LONGEST { 0 } else { HEADER + n - record.len() }
}

fn is_header(record: &[u8]) -> bool {
    (20..=24).contains(&record[0]) && record[1] == 3
}

impl State {
    /// Runs `f` for rustls, and takes in what it and its callbacks have to tell.
    fn work(&mut self, f: impl FnOnce(&mut Connection) -> Result<(), Error>) {
        let Phase::Open(c) = &mut self.phase else { return };
        let (r, told) = exchange(self.host.as_deref(), || -> Result<(), Error> {
            f(c)?;
            let io = c.process_new_packets()?;
            self.waiting = io.plaintext_bytes_to_read();
            self.peer_closed |= io.peer_has_closed();
            Ok(())
        });
        self.outcome = told.outcome.or(self.outcome.take());
        if let Some(master) = told.master {
            self.trace.master = Some(master);
        }
        self.collect();
        if let Err(e) = r {
            self.phase = Phase::Failed(Failed::Tls(e));
        }
    }

    fn process(&mut self, record: &[u8]) {
        if !is_header(record) {
            self.phase = Phase::Failed(Failed::Reason(match &record[..4] {
                b"GET " | b"POST" | b"HEAD" | b"PUT " if self.trace.server => "HTTP_REQUEST",
                b"CONN" if self.trace.server => "HTTPS_PROXY_REQUEST",
                _ => "WRONG_VERSION_NUMBER",
            }));
            return;
        }
        self.trace.received(record);
        if let (Some(seconds), Some(session)) = (self.trace.lifetime.take(), &self.session) {
            session.note_lifetime(seconds);
        }
        if let Phase::Listening(acceptor) = &mut self.phase {
            let mut rest = record;
            while !rest.is_empty() && acceptor.read_tls(&mut rest).is_ok_and(|n| n > 0) {}
            match acceptor.accept() {
                Ok(None) => {}
                Ok(Some(accepted)) => self.phase = Phase::Greeted(Box::new(accepted)),
                Err((e, mut alert)) => {
                    let _ = alert.write_all(&mut self.out);
                    self.phase = Phase::Failed(Failed::Tls(e));
                }
            }
            return;
        }
        self.work(|c| {
            let mut rest = record;
            while !rest.is_empty() {
                match c.read_tls(&mut rest) {
                    Ok(0) => break,
                    Ok(_) => {
                        c.process_new_packets()?;
                    }
                    Err(e) => return Err(Error::General(e.to_string())),
                }
            }
            Ok(())
        });
    }

    /// Takes what rustls wants to send.
    fn collect(&mut self) {
        let Phase::Open(c) = &mut self.phase else { return };
        let from = self.out.len();
        while c.wants_write() {
            if c.write_tls(&mut self.out).is_err() {
                break;
            }
        }
        let old = c.protocol_version().is_none_or(|v| v == ProtocolVersion::TLSv1_2);
        self.trace.sent(&self.out[from..], old);
    }
}
