//! The socket type.

use std::cell::Cell;

use cape_heap::{Header, Native, heap, heap_object};
use cape_vm::buffer::{Buffer, flags};
use cape_vm::native::{FromArg, Named, new_type};
use cape_vm::object::{BytesObj, Int, ModuleObj, TupleObj, TypeFlags, TypeObj, uint_value};
use cape_vm::runtime::StaticType;
use cape_vm::special::Special;
use cape_vm::{Ptr, Raised, Res, Value, Vm, rt, type_of};

use super::address::{Address, parse};
use crate::duration::{Round, monotonic, nanoseconds, seconds};
use crate::oserror::{errno, last_error, os_error};
use crate::sys_call::check;

heap_object! {
    /// A socket. `timeout` is in nanoseconds: negative blocks, 0 never does.
    pub struct SocketObj { fd: Native<SocketFd>, pub family: Cell<i32>, kind: Cell<i32>, proto: Cell<i32>, pub timeout: Cell<i64> } [drop]
}

impl Named for SocketObj {
    const NAME: &'static str = "_socket.socket";
}

/// The descriptor, closed with the object; -1 when closed.
struct SocketFd {
    fd: Cell<i32>,
}

impl Drop for SocketFd {
    fn drop(&mut self) {
        if self.fd.get() >= 0 {
            // SAFETY: the descriptor belongs to this object alone.
            unsafe { libc::close(self.fd.get()) };
        }
    }
}

/// `_socket.socket`.
pub static SOCKET: StaticType = StaticType::new();
/// The timeout of new sockets, in nanoseconds.
pub static DEFAULT_TIMEOUT: std::sync::atomic::AtomicI64 = std::sync::atomic::AtomicI64::new(-1);

pub(super) fn init(m: Ptr<ModuleObj>) {
    let b = new_type::<SocketObj>("_socket.socket", rt().types.object, TypeFlags::BASE)
        .doc("socket(family=AF_INET, type=SOCK_STREAM, proto=0) -> socket object")
        .new_fn("__new__(type, /, *args, **kwargs)", "Create and return a new object.", new)
        .method("__init__($self, /, family=-1, type=-1, proto=-1, fileno=None)", "Initialize self.", init_socket)
        .method("__repr__($self, /)", "Return repr(self).", |_: &Vm, s: Ptr<SocketObj>| {
            format!(
                "<socket object, fd={}, family={}, type={}, proto={}>",
                s.fd(),
                s.family.get(),
                s.kind.get(),
                s.proto.get()
            )
        })
        .method("__del__($self, /)", "Called when the instance is about to be destroyed.", finalize)
        .method("_accept($self, /)", "Wait for an incoming connection.", accept)
        .method("bind($self, address, /)", "Bind the socket to a local address.", |vm: &Vm, s: Ptr<SocketObj>, a: Value| {
            let a = parse(vm, "bind", s.family.get(), a)?;
            let fd = s.fd();
            let (p, n) = (a.as_ptr() as usize, a.len);
            // SAFETY: a valid address.
            let (r, e) = vm.allow_threads(|| (unsafe { libc::bind(fd, p as *const libc::sockaddr, n) }, errno()));
            if r < 0 { Err(os_error(vm, e, Value::EMPTY)) } else { Ok(()) }
        })
        .method("connect($self, address, /)", "Connect the socket to a remote address.", |vm: &Vm, s: Ptr<SocketObj>, a: Value| {
            let a = parse(vm, "connect", s.family.get(), a)?;
            connect(vm, s, &a)?.map_err(|e| os_error(vm, e, Value::EMPTY))
        })
        .method("connect_ex($self, address, /)", "This is like connect(address), but returns an error code.", |vm: &Vm, s: Ptr<SocketObj>, a: Value| {
            let a = parse(vm, "connect_ex", s.family.get(), a)?;
            Ok::<i32, Raised>(connect(vm, s, &a)?.err().unwrap_or(0))
        })
        .method("listen($self, backlog=128, /)", "Enable a server to accept connections.", |vm: &Vm, s: Ptr<SocketObj>, n: Option<i32>| {
            // SAFETY: a plain call.
            check(vm, unsafe { libc::listen(s.fd(), n.unwrap_or(128).max(0)) }).map(drop)
        })
        .method("close($self, /)", "Close the socket.", close)
        .method("detach($self, /)", "Close the socket object without closing the underlying file descriptor.", |_: &Vm, s: Ptr<SocketObj>| {
            s.fd.fd.replace(-1)
        })
        .method("fileno($self, /)", "Return the integer file descriptor of the socket.", |_: &Vm, s: Ptr<SocketObj>| s.fd())
        .method("getpeername($self, /)", "Return the address of the remote endpoint.", |vm: &Vm, s: Ptr<SocketObj>| name_of(vm, s, true))
        .method("getsockname($self, /)", "Return the address of the local endpoint.", |vm: &Vm, s: Ptr<SocketObj>| name_of(vm, s, false))
        .method("getsockopt($self, level, option, buffersize=0, /)", "Get a socket option.", getsockopt)
        .method("setsockopt($self, level, option, value, optlen=None, /)", "Set a socket option.", setsockopt)
        .method("gettimeout($self, /)", "Returns the timeout in seconds (float) associated with socket operations.", get_timeout)
        .method("settimeout($self, timeout, /)", "Set a timeout on socket operations.", |vm: &Vm, s: Ptr<SocketObj>, t: Value| {
            let t = timeout_arg(vm, t)?;
            s.set_timeout(vm, t)
        })
        .method("getblocking($self, /)", "Returns True if socket is in blocking mode, or False if it is in non-blocking mode.", |_: &Vm, s: Ptr<SocketObj>| {
            s.timeout.get() != 0
        })
        .method("setblocking($self, flag, /)", "Set the socket to blocking (flag is true) or non-blocking (false).", |vm: &Vm, s: Ptr<SocketObj>, f: bool| {
            s.set_timeout(vm, if f { -1 } else { 0 })
        })
        .method("shutdown($self, flag, /)", "Shut down the reading side, the writing side, or both.", |vm: &Vm, s: Ptr<SocketObj>, how: i32| {
            let fd = s.fd();
            // SAFETY: a plain call.
            let (r, e) = vm.allow_threads(|| (unsafe { libc::shutdown(fd, how) }, errno()));
            if r < 0 { Err(os_error(vm, e, Value::EMPTY)) } else { Ok(()) }
        })
        .method("recv($self, bufsize, flags=0, /)", "Receive up to bufsize bytes from the socket.", |vm: &Vm, s: Ptr<SocketObj>, n: isize, f: Option<i32>| {
            let buf = receive(vm, s, n, f, "recv", None)?;
            Ok::<Value, Raised>(BytesObj::new(&buf).value())
        })
        .method("recvfrom($self, bufsize, flags=0, /)", "Like recv(), but also return the sender's address info.", |vm: &Vm, s: Ptr<SocketObj>, n: isize, f: Option<i32>| {
            let mut from = Address::empty();
            let buf = receive(vm, s, n, f, "recvfrom", Some(&mut from))?;
            Ok::<Value, Raised>(TupleObj::new(&[BytesObj::new(&buf).value(), from.value()]).value())
        })
        .method("recv_into($self, buffer, nbytes=0, flags=0)", "A version of recv() that stores its data into a buffer.", |vm: &Vm, s: Ptr<SocketObj>, b: Value, n: Option<isize>, f: Option<i32>| {
            receive_into(vm, s, b, n, f, "recv_into", None)
        })
        .method("recvfrom_into($self, buffer, nbytes=0, flags=0)", "Like recv_into(), but also return the sender's address info.", |vm: &Vm, s: Ptr<SocketObj>, b: Value, n: Option<isize>, f: Option<i32>| {
            let mut from = Address::empty();
            let n = receive_into(vm, s, b, n, f, "recvfrom_into", Some(&mut from))?;
            Ok::<Value, Raised>(TupleObj::new(&[Value::int(n as i64), from.value()]).value())
        })
        .method("send($self, data, flags=0, /)", "Send a data string to the socket.", |vm: &Vm, s: Ptr<SocketObj>, b: Buffer, f: Option<i32>| {
            let (fd, p, n, f) = (s.fd(), b.address() as usize, b.len(), f.unwrap_or(0));
            // SAFETY: the buffer is held.
            transfer(vm, s, true, || unsafe { libc::send(fd, p as *const libc::c_void, n, f) })
        })
        .method("sendall($self, data, flags=0, /)", "Send a data string to the socket, all of it.", send_all)
        .method("sendto($self, *args)", "Like send(data, flags) but allows specifying the destination address.", send_to)
        .getter("family", "the socket family", |_: &Vm, s: Ptr<SocketObj>| s.family.get())
        .getter("type", "the socket type", |_: &Vm, s: Ptr<SocketObj>| s.kind.get())
        .getter("proto", "the socket protocol", |_: &Vm, s: Ptr<SocketObj>| s.proto.get())
        .getter("timeout", "the socket timeout", get_timeout);
    let t = super::message::methods(b).class();
    for map in cape_vm::shape::maps_of(t) {
        map.flags.set(map.flags.get() | cape_heap::MapFlags::FINALIZER);
    }
    SOCKET.set(t);
    m.class(t).add("SocketType", t.value());
}

impl SocketObj {
    /// The descriptor.
    pub fn fd(&self) -> i32 {
        self.fd.fd.get()
    }

    fn set_timeout(&self, vm: &Vm, ns: i64) -> Res<()> {
        self.timeout.set(ns);
        set_nonblocking(vm, self.fd(), ns >= 0)
    }
}

fn set_nonblocking(vm: &Vm, fd: i32, on: bool) -> Res<()> {
    let mut flag = on as i32;
    // SAFETY: a valid flag.
    check(vm, unsafe { libc::ioctl(fd, libc::FIONBIO, &mut flag) }).map(drop)
}

/// A timeout argument in nanoseconds; -1 for None.
pub(super) fn timeout_arg(vm: &Vm, v: Value) -> Res<i64> {
    if v.is_none() {
        return Ok(-1);
    }
    let ns = nanoseconds(vm, v, Round::Up)?;
    if ns < 0 {
        return Err(vm.value_error("Timeout value out of range"));
    }
    Ok(ns)
}

fn get_timeout(_: &Vm, s: Ptr<SocketObj>) -> Value {
    match s.timeout.get() {
        n if n < 0 => Value::NONE,
        n => Value::float(seconds(n)),
    }
}

fn new(_: &Vm, cls: Ptr<TypeObj>, _args: Value, _kwargs: Value) -> Value {
    let map = cls.instance_map();
    let object = SocketObj {
        header: Header::new(map),
        fd: Native(SocketFd { fd: Cell::new(-1) }),
        family: Cell::new(0),
        kind: Cell::new(0),
        proto: Cell::new(0),
        timeout: Cell::new(DEFAULT_TIMEOUT.load(std::sync::atomic::Ordering::Relaxed)),
    };
    heap().alloc(map, object).value()
}

/// A socket object of exact type for a descriptor.
pub(super) fn from_fd(vm: &Vm, fd: i32, family: i32, kind: i32, proto: i32) -> Res<Value> {
    let s: Ptr<SocketObj> = new(vm, SOCKET.get(), Value::EMPTY, Value::EMPTY).downcast().expect("just made");
    fill(vm, s, fd, family, kind, proto)?;
    Ok(s.value())
}

fn fill(vm: &Vm, s: Ptr<SocketObj>, fd: i32, family: i32, kind: i32, proto: i32) -> Res<()> {
    s.fd.fd.set(fd);
    s.family.set(family);
    s.proto.set(proto);
    s.kind.set(kind & !(libc::SOCK_NONBLOCK | libc::SOCK_CLOEXEC));
    if kind & libc::SOCK_NONBLOCK != 0 {
        s.timeout.set(0);
    } else {
        let t = DEFAULT_TIMEOUT.load(std::sync::atomic::Ordering::Relaxed);
        s.timeout.set(t);
        if t >= 0 {
            set_nonblocking(vm, fd, true)?;
        }
    }
    Ok(())
}

fn int_option(fd: i32, option: i32) -> Option<i32> {
    let mut v = 0;
    let mut n = size_of::<i32>() as libc::socklen_t;
    // SAFETY: valid buffers.
    let r = unsafe { libc::getsockopt(fd, libc::SOL_SOCKET, option, &raw mut v as *mut libc::c_void, &mut n) };
    (r == 0).then_some(v)
}

fn init_socket(
    vm: &Vm,
    s: Ptr<SocketObj>,
    family: Option<i32>,
    kind: Option<i32>,
    proto: Option<i32>,
    fileno: Option<Value>,
) -> Res<()> {
    let (mut family, mut kind, mut proto) = (family.unwrap_or(-1), kind.unwrap_or(-1), proto.unwrap_or(-1));
    if let Some(f) = fileno.filter(|f| !f.is_none()) {
        let Some(n) = Int::of(f) else {
            return Err(vm.type_error(format!(
                "'{}' object cannot be interpreted as an integer",
                type_of(f).name_str()
            )));
        };
        let Some(fd) = n.to_i64().and_then(|n| i32::try_from(n).ok()) else {
            return Err(vm.overflow_error("Python int too large to convert to C int"));
        };
        if fd < 0 {
            return Err(vm.value_error("negative file descriptor"));
        }
        let mut a = Address::empty();
        // SAFETY: valid buffers.
        if unsafe { libc::getsockname(fd, a.as_mut_ptr(), &mut a.len) } < 0 {
            if family == -1 || matches!(errno(), libc::EBADF | libc::ENOTSOCK) {
                return Err(last_error(vm));
            }
        } else if family == -1 {
            family = a.storage.ss_family as i32;
        }
        if kind == -1 {
            kind = int_option(fd, libc::SO_TYPE).ok_or_else(|| last_error(vm))?;
        }
        if proto == -1 {
            proto = int_option(fd, libc::SO_PROTOCOL).ok_or_else(|| last_error(vm))?;
        }
        return fill(vm, s, fd, family, kind, proto);
    }
    if family == -1 {
        family = libc::AF_INET;
    }
    if kind == -1 {
        kind = libc::SOCK_STREAM;
    }
    if proto == -1 {
        proto = 0;
    }
    // SAFETY: a plain call.
    let (fd, e) =
        vm.allow_threads(|| (unsafe { libc::socket(family, kind | libc::SOCK_CLOEXEC, proto) }, errno()));
    if fd < 0 {
        return Err(os_error(vm, e, Value::EMPTY));
    }
    fill(vm, s, fd, family, kind, proto)
}

fn finalize(vm: &Vm, s: Ptr<SocketObj>) -> Res<()> {
    if s.fd() < 0 {
        return Ok(());
    }
    let text = vm.repr_str(s.value())?;
    let message = format!("unclosed {text}");
    let r = crate::warn::warn_source(vm, rt().types.resource_warning, &message, 1, s.value());
    close(vm, s)?;
    r
}

fn close(vm: &Vm, s: Ptr<SocketObj>) -> Res<()> {
    let fd = s.fd.fd.replace(-1);
    if fd < 0 {
        return Ok(());
    }
    // SAFETY: the object's own descriptor.
    let (r, e) = vm.allow_threads(|| (unsafe { libc::close(fd) }, errno()));
    // A connection that was reset meanwhile is closed all the same.
    if r < 0 && e != libc::ECONNRESET && e != libc::EINTR {
        return Err(os_error(vm, e, Value::EMPTY));
    }
    Ok(())
}

#[cold]
fn timed_out(vm: &Vm) -> Raised {
    vm.timeout_error("timed out")
}

/// Waits until the socket is ready, at most until `deadline`; raises TimeoutError when the time is up.
fn wait(vm: &Vm, fd: i32, writing: bool, deadline: Option<i64>) -> Res<()> {
    loop {
        let ms = match deadline {
            None => -1,
            Some(d) => {
                let left = d - monotonic();
                if left < 0 {
                    return Err(timed_out(vm));
                }
                (left as u64).div_ceil(1_000_000).min(i32::MAX as u64) as i32
            }
        };
        let events = if writing { libc::POLLOUT } else { libc::POLLIN };
        let mut p = libc::pollfd { fd, events, revents: 0 };
        // SAFETY: one valid entry.
        let (n, e) = vm.allow_threads(|| (unsafe { libc::poll(&mut p, 1, ms) }, errno()));
        match n {
            0 => return Err(timed_out(vm)),
            n if n > 0 => return Ok(()),
            _ if e == libc::EINTR => vm.poll()?,
            _ => return Err(os_error(vm, e, Value::EMPTY)),
        }
    }
}

/// Runs an operation as the socket's timeout wants it; the result of the call, or its error raised.
pub(super) fn transfer(vm: &Vm, s: Ptr<SocketObj>, writing: bool, f: impl FnMut() -> isize) -> Res<isize> {
    let deadline = (s.timeout.get() > 0).then(|| monotonic().saturating_add(s.timeout.get()));
    transfer_until(vm, s, writing, deadline, f)
}

fn transfer_until(
    vm: &Vm,
    s: Ptr<SocketObj>,
    writing: bool,
    deadline: Option<i64>,
    mut f: impl FnMut() -> isize,
) -> Res<isize> {
    loop {
        if s.timeout.get() > 0 {
            wait(vm, s.fd(), writing, deadline)?;
        }
        let (r, e) = vm.allow_threads(|| (f(), errno()));
        if r >= 0 {
            return Ok(r);
        }
        match e {
            libc::EINTR => vm.poll()?,
            // Somebody else was faster.
            libc::EAGAIN if s.timeout.get() > 0 => {}
            e => return Err(os_error(vm, e, Value::EMPTY)),
        }
    }
}

fn accept(vm: &Vm, s: Ptr<SocketObj>) -> Res<Value> {
    let mut a = Address::empty();
    let fd = s.fd();
    let new = transfer(vm, s, false, || {
        a.len = size_of::<libc::sockaddr_storage>() as u32;
        // SAFETY: valid buffers.
        unsafe { libc::accept4(fd, a.as_mut_ptr(), &mut a.len, libc::SOCK_CLOEXEC) as isize }
    })?;
    Ok(TupleObj::new(&[Value::int(new as i64), a.value()]).value())
}

/// Connects; the inner error is the `errno`.
fn connect(vm: &Vm, s: Ptr<SocketObj>, a: &Address) -> Res<Result<(), i32>> {
    let (fd, p, n) = (s.fd(), a.as_ptr() as usize, a.len);
    // SAFETY: a valid address.
    let (r, e) = vm.allow_threads(|| (unsafe { libc::connect(fd, p as *const libc::sockaddr, n) }, errno()));
    if r == 0 {
        return Ok(Ok(()));
    }
    let goes_on = match e {
        // The connection goes on in the background.
        libc::EINTR => {
            vm.poll()?;
            s.timeout.get() != 0
        }
        libc::EINPROGRESS | libc::EAGAIN => s.timeout.get() > 0,
        _ => false,
    };
    if !goes_on {
        return Ok(Err(e));
    }
    let deadline = (s.timeout.get() > 0).then(|| monotonic().saturating_add(s.timeout.get()));
    wait(vm, fd, true, deadline)?;
    match int_option(fd, libc::SO_ERROR) {
        Some(0) | Some(libc::EISCONN) => Ok(Ok(())),
        Some(e) => Ok(Err(e)),
        None => Ok(Err(errno())),
    }
}

fn name_of(vm: &Vm, s: Ptr<SocketObj>, peer: bool) -> Res<Value> {
    let mut a = Address::empty();
    // SAFETY: valid buffers.
    let r = unsafe {
        if peer {
            libc::getpeername(s.fd(), a.as_mut_ptr(), &mut a.len)
        } else {
            libc::getsockname(s.fd(), a.as_mut_ptr(), &mut a.len)
        }
    };
    check(vm, r)?;
    Ok(a.value())
}

fn getsockopt(vm: &Vm, s: Ptr<SocketObj>, level: i32, option: i32, size: Option<i32>) -> Res<Value> {
    let size = size.unwrap_or(0);
    if s.family.get() == libc::AF_VSOCK {
        return match size {
            0 => vsock_option(vm, s, level, option),
            _ => Err(vm.os_error("getsockopt string buffer not allowed")),
        };
    }
    if !(0..=1024).contains(&size) {
        return Err(vm.os_error("getsockopt buflen out of range"));
    }
    let mut buf = [0u8; 1024];
    let mut n = if size == 0 { size_of::<i32>() } else { size as usize } as libc::socklen_t;
    // SAFETY: the buffer is at least as long as said.
    let r = unsafe { libc::getsockopt(s.fd(), level, option, buf.as_mut_ptr() as *mut libc::c_void, &mut n) };
    check(vm, r)?;
    if size == 0 {
        return Ok(Value::int(i32::from_ne_bytes(buf[..4].try_into().expect("four bytes")) as i64));
    }
    Ok(BytesObj::new(&buf[..n as usize]).value())
}

/// An option of a VSOCK socket: 64 bits, as the kernel has those of its own level.
fn vsock_option(vm: &Vm, s: Ptr<SocketObj>, level: i32, option: i32) -> Res<Value> {
    let (mut value, mut n) = (0u64, size_of::<u64>() as libc::socklen_t);
    // SAFETY: there is room for as many bytes as is said.
    let r = unsafe { libc::getsockopt(s.fd(), level, option, (&raw mut value).cast(), &mut n) };
    check(vm, r)?;
    Ok(uint_value(value))
}

/// The low 64 bits of an int of any size.
fn low_bits(vm: &Vm, v: Value) -> Res<u64> {
    Ok(match vm.index_int(v)? {
        Int::Small(i) => i as u64,
        Int::Big(b) => {
            let low = b.magnitude().iter_u64_digits().next().unwrap_or(0);
            if b.sign() == num_bigint::Sign::Minus { low.wrapping_neg() } else { low }
        }
    })
}

fn setsockopt(vm: &Vm, s: Ptr<SocketObj>, level: i32, option: i32, value: Value, len: Option<Value>) -> Res<()> {
    let set = |p: *const libc::c_void, n: usize| {
        // SAFETY: p is valid for n bytes, or null where the option takes a length alone.
        let r = unsafe { libc::setsockopt(s.fd(), level, option, p, n as libc::socklen_t) };
        check(vm, r).map(drop)
    };
    if s.family.get() == libc::AF_VSOCK {
        if len.is_some() {
            return Err(vm.type_error("setsockopt() takes exactly 3 arguments (4 given)"));
        }
        if type_of(value).special(Special::Index).is_empty() {
            let shown = if value.is_none() { "None" } else { &*type_of(value).name_str() };
            return Err(vm.type_error(format!("setsockopt() argument 3 must be int, not {shown}")));
        }
        let n = low_bits(vm, value)?;
        return set((&raw const n).cast(), size_of::<u64>());
    }
    if let Some(len) = len {
        if !value.is_none() {
            return Err(vm.type_error(format!(
                "socket option should be integer, bytes-like object or None, not {}",
                type_of(value).name_str()
            )));
        }
        return set(std::ptr::null(), u32::from_arg(vm, len, 4)? as usize);
    }
    if Int::of(value).is_some() {
        let n = i32::from_arg(vm, value, 3)?;
        return set(&raw const n as *const libc::c_void, size_of::<i32>());
    }
    if value.is_none() {
        return Err(vm.type_error("setsockopt() requires 4 arguments when the third argument is None"));
    }
    if !vm.has_buffer(value) {
        return Err(vm.type_error(format!(
            "socket option should be integer, bytes-like object or None, not {}",
            type_of(value).name_str()
        )));
    }
    let b = vm.buffer(value, flags::SIMPLE)?;
    set(b.address() as *const libc::c_void, b.len())
}

fn receive(
    vm: &Vm,
    s: Ptr<SocketObj>,
    size: isize,
    flags: Option<i32>,
    name: &str,
    from: Option<&mut Address>,
) -> Res<Vec<u8>> {
    if size < 0 {
        return Err(vm.value_error(format!("negative buffersize in {name}")));
    }
    let mut buf: Vec<u8> = Vec::new();
    buf.try_reserve_exact(size as usize).map_err(|_| vm.new_exc_args(rt().types.memory_error, &[]))?;
    let n = read_to(vm, s, buf.as_mut_ptr(), size as usize, flags.unwrap_or(0), from)?;
    // SAFETY: the system has filled that many bytes.
    unsafe { buf.set_len(n) };
    Ok(buf)
}

fn read_to(
    vm: &Vm,
    s: Ptr<SocketObj>,
    p: *mut u8,
    size: usize,
    flags: i32,
    from: Option<&mut Address>,
) -> Res<usize> {
    if size == 0 && from.is_none() {
        return Ok(0);
    }
    let (fd, p) = (s.fd(), p as usize);
    let n = match from {
        // SAFETY: the caller's memory has room.
        None => transfer(vm, s, false, || unsafe { libc::recv(fd, p as *mut libc::c_void, size, flags) })?,
        Some(a) => transfer(vm, s, false, || {
            a.len = size_of::<libc::sockaddr_storage>() as u32;
            // SAFETY: as above, and a valid address buffer.
            unsafe { libc::recvfrom(fd, p as *mut libc::c_void, size, flags, a.as_mut_ptr(), &mut a.len) }
        })?,
    };
    Ok(n as usize)
}

fn receive_into(
    vm: &Vm,
    s: Ptr<SocketObj>,
    buffer: Value,
    size: Option<isize>,
    flags: Option<i32>,
    name: &str,
    from: Option<&mut Address>,
) -> Res<usize> {
    let b = vm.writable_bytes(buffer, &format!("{name}() argument 1"))?;
    let size = size.unwrap_or(0);
    if size < 0 {
        return Err(vm.value_error(format!("negative buffersize in {name}")));
    }
    let size = if size == 0 { b.len() } else { size as usize };
    if size > b.len() {
        return Err(vm.value_error(if name == "recv_into" {
            "buffer too small for requested bytes"
        } else {
            "nbytes is greater than the length of the buffer"
        }));
    }
    read_to(vm, s, b.address(), size, flags.unwrap_or(0), from)
}

fn send_all(vm: &Vm, s: Ptr<SocketObj>, b: Buffer, flags: Option<i32>) -> Res<()> {
    let deadline = (s.timeout.get() > 0).then(|| monotonic().saturating_add(s.timeout.get()));
    let (mut p, mut left, flags) = (b.address() as usize, b.len(), flags.unwrap_or(0));
    while left > 0 {
        let fd = s.fd();
        let n = transfer_until(vm, s, true, deadline, || {
            // SAFETY: the buffer is held.
            unsafe { libc::send(fd, p as *const libc::c_void, left, flags) }
        })?;
        p += n as usize;
        left -= n as usize;
        vm.poll()?;
    }
    Ok(())
}

fn send_to(vm: &Vm, s: Ptr<SocketObj>, args: Ptr<TupleObj>) -> Res<isize> {
    let (data, flags, address) = match *args.as_slice() {
        [data, address] => (data, None, address),
        [data, flags, address] => (data, Some(flags), address),
        _ => {
            return Err(vm.type_error(format!("sendto() takes 2 or 3 arguments ({} given)", args.len())));
        }
    };
    let b = vm.bytes_like(data)?;
    let flags = flags.map_or(Ok(0), |f| i32::from_arg(vm, f, 2))?;
    let a = parse(vm, "sendto", s.family.get(), address)?;
    vm.audit("socket.sendto", &[s.value(), address])?;
    let (fd, p, n) = (s.fd(), b.address() as usize, b.len());
    let (ap, an) = (a.as_ptr() as usize, a.len);
    // SAFETY: the buffer is held, the address valid.
    transfer(vm, s, true, || unsafe {
        libc::sendto(fd, p as *const libc::c_void, n, flags, ap as *const libc::sockaddr, an)
    })
}
