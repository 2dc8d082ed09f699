//! How records reach the peer: through a socket, waiting as its timeout says, or through two buffers.

use cape_heap::WeakCell;
use cape_stdlib::duration::monotonic;
use cape_stdlib::oserror::{errno, os_error};
use cape_stdlib::socket::SocketObj;
use cape_vm::{Ptr, Raised, Res, Value, Vm};
use rustls::Error;

use crate::bio::BioObj;
use crate::engine::{Engine, Failed, Next, Received, Text};
use crate::socket::Tls;
use crate::{error, trouble};

/// What a thread does with a connection, for messages.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Doing {
    Handshake,
    Reading,
    Writing,
}

/// The way to the peer.
#[derive(Clone, Copy)]
enum Way {
    /// A socket: its descriptor, its timeout in nanoseconds (negative blocks, 0 never does), and when the time is up.
    Socket { fd: i32, timeout: i64, deadline: i64 },
    /// What comes and what goes.
    Buffers(Ptr<BioObj>, Ptr<BioObj>),
}

/// A connection and the way to its peer, for one operation.
pub struct Transport<'a> {
    vm: &'a Vm,
    s: Tls,
    way: Way,
    doing: Doing,
}

/// Whether the transport has ended.
#[derive(PartialEq, Eq)]
enum Pulled {
    Record,
    End,
}

impl<'a> Transport<'a> {
    /// For an operation that begins now.
    pub fn new(vm: &'a Vm, s: Tls, doing: Doing) -> Res<Transport<'a>> {
        let way = match (s.incoming.downcast::<BioObj>(), s.outgoing.downcast::<BioObj>()) {
            (Some(i), Some(o)) => Way::Buffers(i, o),
            _ => {
                let socket = s.socket.downcast::<WeakCell>().and_then(|w| w.target().downcast::<SocketObj>());
                let Some(socket) = socket else {
                    return Err(error::plain(vm, "Underlying socket connection gone"));
                };
                if socket.fd() < 0 {
                    return Err(error::plain(vm, "Underlying socket has been closed."));
                }
                let timeout = socket.timeout.get();
                Way::Socket { fd: socket.fd(), timeout, deadline: monotonic().saturating_add(timeout.max(0)) }
            }
        };
        Ok(Transport { vm, s, way, doing })
    }

    fn engine(&self) -> &Engine {
        &self.s.engine
    }

    #[cold]
    #[track_caller]
    fn failed(&self, why: &Failed) -> Raised {
        // The peer is to get the alert, if that is possible at once.
        match self.way {
            Way::Buffers(_, out) => out.put(&self.engine().take_output()),
            Way::Socket { fd, .. } => drop(self.vm.allow_threads(|| self.engine().send_to(fd))),
        }
        match self.s.report(self.vm) {
            Ok(()) => trouble::raise(self.vm, self.engine(), why),
            Err(r) => r,
        }
    }

    /// Waits until the socket is ready.
    fn wait(&self, writing: bool) -> Res<()> {
        let vm = self.vm;
        let Way::Socket { fd, timeout, deadline } = self.way else { return Err(error::want(vm, writing)) };
        if timeout == 0 {
            return Err(error::want(vm, writing));
        }
        loop {
            let ms = if timeout < 0 {
                -1
            } else {
                let left = deadline - monotonic();
                if left < 0 {
                    return Err(self.timed_out());
                }
                (left as u64).div_ceil(1_000_000).min(i32::MAX as u64) as i32
            };
            let events = if writing { libc::POLLOUT } else { libc::POLLIN };
            let mut p = libc::pollfd { fd, events, revents: 0 };
            // SAFETY: one valid entry.
            let (n, e) = vm.allow_threads(|| (unsafe { libc::poll(&mut p, 1, ms) }, errno()));
            match n {
                0 => return Err(self.timed_out()),
                n if n > 0 => return Ok(()),
                _ if e == libc::EINTR => vm.poll()?,
                _ => return Err(os_error(vm, e, Value::EMPTY)),
            }
        }
    }

    #[cold]
    #[track_caller]
    fn timed_out(&self) -> Raised {
        let line = std::panic::Location::caller().line();
        self.vm.timeout_error(match self.doing {
            Doing::Handshake => format!("_ssl.c:{line}: The handshake operation timed out"),
            Doing::Reading => "The read operation timed out".to_owned(),
            Doing::Writing => "The write operation timed out".to_owned(),
        })
    }

    /// The transport has ended where TLS did not; nothing can be done any more.
    #[cold]
    #[track_caller]
    fn ended(&self) -> Raised {
        self.engine().end();
        error::eof(self.vm)
    }

    fn check_end(&self) -> Res<()> {
        if self.engine().has_ended() { Err(self.ended()) } else { Ok(()) }
    }

    /// Sends all that is to be sent.
    fn flush(&self) -> Res<()> {
        let vm = self.vm;
        self.s.report(vm)?;
        match self.way {
            Way::Buffers(_, out) => out.put(&self.engine().take_output()),
            Way::Socket { fd, .. } => loop {
                match vm.allow_threads(|| self.engine().send_to(fd)) {
                    Ok(true) => break,
                    Ok(false) | Err(libc::EAGAIN) => self.wait(true)?,
                    Err(libc::EINTR) => vm.poll()?,
                    Err(e) => return Err(os_error(vm, e, Value::EMPTY)),
                }
            },
        }
        Ok(())
    }

    /// Takes a record in.
    fn pull(&self) -> Res<Pulled> {
        let vm = self.vm;
        loop {
            let r = match self.way {
                Way::Buffers(incoming, _) => {
                    // (With the GIL in hand: nobody is to come between what is taken and its place.)
                    let bytes = incoming.take(self.engine().missing());
                    match bytes.is_empty() {
                        true if incoming.is_at_end() => Received::End,
                        true => return Err(error::want(vm, false)),
                        false => self.engine().receive(&bytes),
                    }
                }
                Way::Socket { fd, .. } => vm.allow_threads(|| self.engine().receive_from(fd)),
            };
            match r {
                Received::Part => {}
                Received::Record => {
                    self.s.report(vm)?;
                    return Ok(Pulled::Record);
                }
                Received::End => return Ok(Pulled::End),
                Received::System(libc::EAGAIN) => self.wait(false)?,
                Received::System(libc::EINTR) => vm.poll()?,
                Received::System(e) => return Err(os_error(vm, e, Value::EMPTY)),
            }
        }
    }

    /// Shakes hands, as far as that is not done.
    pub fn shake(&self) -> Res<()> {
        let vm = self.vm;
        self.check_end()?;
        let mut new = false;
        loop {
            match self.engine().next() {
                Next::Fail(why) => return Err(self.failed(&why)),
                Next::Start => self.s.start(vm)?,
                Next::Choose => self.s.choose(vm)?,
                Next::Receive => {
                    new = true;
                    self.flush()?;
                    if self.pull()? == Pulled::End {
                        return Err(self.ended());
                    }
                }
                Next::Nothing => break,
            }
        }
        if new {
            self.s.count_good();
        }
        match self.flush() {
            // The client needs nothing more, and is gone.
            Err(r) if self.s.server && new && is_gone(r) => Ok(()),
            r => r,
        }
    }

    /// Reads text.
    pub fn read(&self, buf: &mut [u8]) -> Res<usize> {
        let vm = self.vm;
        self.check_end()?;
        if !self.s.is_shaken() {
            self.shake()?;
        }
        loop {
            match self.engine().read(buf) {
                Text::Bytes(n) => return Ok(n),
                Text::Closed if self.engine().closed().0 => return Err(error::zero_return(vm)),
                Text::Closed => return Ok(0),
                Text::Wait => {}
            }
            if let Some(why) = self.engine().failure() {
                return Err(self.failed(&why));
            }
            // What is to be sent (an update of keys, say) may wait: reading is what was asked for.
            match self.way {
                Way::Buffers(_, out) => out.put(&self.engine().take_output()),
                Way::Socket { fd, .. } => drop(vm.allow_threads(|| self.engine().send_to(fd))),
            }
            if self.pull()? == Pulled::End {
                if self.s.ignores_eof() {
                    return Ok(0);
                }
                return Err(self.ended());
            }
        }
    }

    /// Writes text, all of it. Where there is no room, the caller comes again with the same text.
    pub fn write(&self, text: &[u8]) -> Res<()> {
        let vm = self.vm;
        self.check_end()?;
        if !self.s.is_shaken() {
            self.shake()?;
        }
        loop {
            if let Some(why) = self.engine().failure() {
                return Err(self.failed(&why));
            }
            if self.engine().closed().0 {
                return Err(error::reason(vm, "PROTOCOL_IS_SHUTDOWN"));
            }
            self.flush()?;
            let taken = *self.taken();
            if taken >= text.len() {
                *self.taken() = 0;
                return Ok(());
            }
            let end = text.len().min(taken + LONGEST_TEXT);
            let n = vm.allow_threads(|| self.engine().write(&text[taken..end]));
            if n == 0 {
                return Err(trouble::raise(vm, self.engine(), &Failed::Tls(Error::EncryptError)));
            }
            *self.taken() = taken + n;
        }
    }

    fn taken(&self) -> std::sync::MutexGuard<'_, usize> {
        self.s.engine.taken.lock().unwrap_or_else(|e| e.into_inner())
    }

    /// Ends TLS: says so, and waits for the peer to say it.
    pub fn shut(&self) -> Res<()> {
        let vm = self.vm;
        if !self.s.is_shaken() {
            return Err(error::reason(vm, "SHUTDOWN_WHILE_IN_INIT"));
        }
        self.engine().close();
        self.flush()?;
        loop {
            if self.engine().closed().1 {
                return Ok(());
            }
            if let Some(why) = self.engine().failure() {
                return Err(self.failed(&why));
            }
            if self.engine().waiting() > 0 {
                return Err(error::reason(vm, "APPLICATION_DATA_AFTER_CLOSE_NOTIFY"));
            }
            if self.pull()? == Pulled::End {
                if self.s.ignores_eof() {
                    return Ok(());
                }
                return Err(self.ended());
            }
        }
    }
}

/// Text that is encrypted before it is tried to send it.
const LONGEST_TEXT: usize = 1 << 16;

/// Whether the peer is gone.
fn is_gone(r: Raised) -> bool {
    let t = &cape_vm::rt().types;
    [t.broken_pipe_error, t.connection_reset_error].iter().any(|c| r.is(*c))
}
