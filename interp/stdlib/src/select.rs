//! `select`: select, poll, epoll.

use std::cell::{Cell, RefCell};

use cape_heap::{Header, Native, heap, heap_object};
use cape_vm::native::{Named, int_from, new_type};
use cape_vm::object::{ListObj, ModuleObj, TupleObj, TypeFlags, TypeObj, float_of};
use cape_vm::runtime::StaticType;
use cape_vm::{Ptr, Res, Value, Vm, rt, type_of};

use crate::duration::{Round, monotonic, nanoseconds, rounded};
use crate::fsname::fd_of;
use crate::oserror::{errno, os_error};
use crate::sys_call::check;

heap_object! {
    /// A `select.poll` object.
    pub struct PollObj { fds: Native<RefCell<Vec<libc::pollfd>>>, polling: Cell<bool> } [drop]

    /// A `select.epoll` object.
    pub struct EpollObj { fd: Native<EpollFd> } [drop]
}

impl Named for PollObj {
    const NAME: &'static str = "select.poll";
}

impl Named for EpollObj {
    const NAME: &'static str = "select.epoll";
}

/// The descriptor of an epoll object, closed with it; -1 when closed.
struct EpollFd {
    fd: Cell<i32>,
}

impl Drop for EpollFd {
    fn drop(&mut self) {
        if self.fd.get() >= 0 {
            // SAFETY: the descriptor belongs to this object alone.
            unsafe { libc::close(self.fd.get()) };
        }
    }
}

macro_rules! constants { ($($n:ident)*) => { &[$((stringify!($n), libc::$n as u32 as i64)),*] } }
const CONSTANTS: &[(&str, i64)] = constants! {
    POLLERR POLLHUP POLLIN POLLNVAL POLLOUT POLLPRI POLLRDBAND POLLRDHUP POLLRDNORM POLLWRBAND POLLWRNORM
    EPOLLERR EPOLLET EPOLLEXCLUSIVE EPOLLHUP EPOLLIN EPOLLMSG EPOLLONESHOT EPOLLOUT EPOLLPRI EPOLLRDBAND EPOLLRDHUP EPOLLRDNORM
    EPOLLWAKEUP EPOLLWRBAND EPOLLWRNORM EPOLL_CLOEXEC PIPE_BUF
};

static POLL: StaticType = StaticType::new();
static EPOLL: StaticType = StaticType::new();

/// Fills the module.
pub fn init(_: &Vm, m: Ptr<ModuleObj>) -> Res<()> {
    m.add("error", rt().types.os_error.value()).add("POLLMSG", Value::int(0x400));
    for &(name, n) in CONSTANTS {
        m.add(name, Value::int(n));
    }
    m.function("select($module, rlist, wlist, xlist, timeout=None, /)", "Wait until one or more file descriptors are ready for some kind of I/O.", select)
        .function("poll($module, /)", "Returns a polling object.", |_: &Vm| {
            let map = POLL.get().instance_map();
            let object = PollObj { header: Header::new(map), fds: Native(RefCell::new(Vec::new())), polling: Cell::new(false) };
            heap().alloc(map, object)
        });
    let poll = new_type::<PollObj>("select.poll", rt().types.object, TypeFlags::NO_INSTANTIATION)
        .method("register($self, fd, eventmask=select.POLLIN | select.POLLPRI | select.POLLOUT, /)", "Register a file descriptor with the polling object.", register)
        .method("modify($self, fd, eventmask, /)", "Modify an already registered file descriptor.", modify)
        .method("unregister($self, fd, /)", "Remove a file descriptor being tracked by the polling object.", unregister)
        .method("poll($self, timeout=None, /)", "Polls the set of registered file descriptors.", poll_now)
        .class();
    POLL.set(poll);
    let epoll = new_type::<EpollObj>("select.epoll", rt().types.object, TypeFlags::BASE)
        .doc("Returns an epolling object.")
        .new_fn("__new__(type, /, sizehint=-1, flags=0)", "Create and return a new object.", new_epoll)
        .class_method("fromfd($type, fd, /)", "Create an epoll object from a given control fd.", |_: &Vm, cls: Ptr<TypeObj>, fd: i32| {
            make_epoll(cls, fd)
        })
        .method("close($self, /)", "Close the epoll control file descriptor.", close_epoll)
        .method("fileno($self, /)", "Return the epoll control file descriptor.", |vm: &Vm, e: Ptr<EpollObj>| e.open(vm))
        .method("register($self, /, fd,\n         eventmask=select.EPOLLIN | select.EPOLLPRI | select.EPOLLOUT)", "Registers a new fd.", |vm: &Vm, e: Ptr<EpollObj>, fd: Value, mask: Option<u32>| {
            control(vm, e, libc::EPOLL_CTL_ADD, fd, mask.unwrap_or((libc::EPOLLIN | libc::EPOLLPRI | libc::EPOLLOUT) as u32))
        })
        .method("modify($self, /, fd, eventmask)", "Modify event mask for a registered file descriptor.", |vm: &Vm, e: Ptr<EpollObj>, fd: Value, mask: u32| {
            control(vm, e, libc::EPOLL_CTL_MOD, fd, mask)
        })
        .method("unregister($self, /, fd)", "Remove a registered file descriptor from the epoll object.", |vm: &Vm, e: Ptr<EpollObj>, fd: Value| {
            control(vm, e, libc::EPOLL_CTL_DEL, fd, 0)
        })
        .method("poll($self, /, timeout=None, maxevents=-1)", "Wait for events on the epoll file descriptor.", poll_epoll)
        .method("__enter__($self, /)", "", |vm: &Vm, e: Ptr<EpollObj>| e.open(vm).map(|_| e))
        .method("__exit__($self, exc_type=None, exc_value=None, exc_tb=None, /)", "", |vm: &Vm, e: Ptr<EpollObj>, _: Option<Value>, _: Option<Value>, _: Option<Value>| {
            close_epoll(vm, e)
        })
        .getter("closed", "True if the epoll handler is closed", |_: &Vm, e: Ptr<EpollObj>| e.fd.fd.get() < 0)
        .class();
    EPOLL.set(epoll);
    m.class(epoll);
    Ok(())
}

/// The objects and descriptors of one list of `select`. The objects are rooted by the caller's array.
fn sequence(vm: &Vm, v: Value) -> Res<(cape_vm::object::ValueVec, Vec<i32>)> {
    let list = match v.downcast::<ListObj>() {
        Some(l) => l,
        None => match vm.vec_of(v) {
            Err(e) if e.is(rt().types.type_error) => {
                return Err(vm.type_error("arguments 1-3 must be sequences"));
            }
            r => ListObj::from_vec(r?),
        },
    };
    // Asking for a descriptor may change the list.
    let (mut items, mut fds) = (cape_vm::object::ValueVec::new(), Vec::with_capacity(list.len()));
    while let Some(o) = list.get(fds.len()) {
        items.push(o);
        let fd = fd_of(vm, o)?;
        if fd as usize >= libc::FD_SETSIZE {
            return Err(vm.value_error("filedescriptor out of range in select()"));
        }
        fds.push(fd);
    }
    Ok((items, fds))
}

fn select(vm: &Vm, r: Value, w: Value, x: Value, timeout: Option<Value>) -> Res<Value> {
    let deadline = match timeout {
        Some(t) if !t.is_none() => {
            if float_of(t).is_none() && type_of(t).special(cape_vm::special::Special::Index).is_empty() {
                return Err(vm.type_error("timeout must be a float or None"));
            }
            let ns = nanoseconds(vm, t, Round::Up).map_err(|e| {
                if e.is(rt().types.overflow_error) { vm.overflow_error("timeout is too large") } else { e }
            })?;
            if ns < 0 {
                return Err(vm.value_error("timeout must be non-negative"));
            }
            Some(monotonic().saturating_add(ns))
        }
        _ => None,
    };
    let (ro, rf) = sequence(vm, r)?;
    let (wo, wf) = sequence(vm, w)?;
    let (xo, xf) = sequence(vm, x)?;
    let top = rf.iter().chain(&wf).chain(&xf).max().map_or(0, |m| m + 1);
    let mut sets: [libc::fd_set; 3];
    loop {
        // SAFETY: plain C structs; the descriptors are below FD_SETSIZE.
        unsafe {
            sets = std::mem::zeroed();
            for (set, fds) in sets.iter_mut().zip([&rf, &wf, &xf]) {
                fds.iter().for_each(|&fd| libc::FD_SET(fd, set));
            }
        }
        let mut tv = deadline.map(|d| {
            let left = (d - monotonic()).max(0);
            libc::timeval { tv_sec: left / 1_000_000_000, tv_usec: (left % 1_000_000_000 + 999) / 1000 }
        });
        if let Some(t) = &mut tv
            && t.tv_usec >= 1_000_000
        {
            t.tv_sec += 1;
            t.tv_usec -= 1_000_000;
        }
        let (n, e) = vm.allow_threads(|| {
            let t = tv.as_mut().map_or(std::ptr::null_mut(), |t| t as *mut libc::timeval);
            let [a, b, c] = &mut sets;
            // SAFETY: valid sets, and a valid timeout or null.
            (unsafe { libc::select(top, a, b, c, t) }, errno())
        });
        if n >= 0 {
            break;
        }
        if e != libc::EINTR {
            return Err(os_error(vm, e, Value::EMPTY));
        }
        vm.poll()?;
        if deadline.is_some_and(|d| monotonic() >= d) {
            // SAFETY: plain C structs.
            sets = unsafe { std::mem::zeroed() };
            break;
        }
    }
    let ready = |objects: &[Value], fds: &[i32], set: &libc::fd_set| {
        let list = ListObj::new(&[]);
        for (&o, &fd) in objects.iter().zip(fds) {
            // SAFETY: a valid set, and a descriptor below FD_SETSIZE.
            if unsafe { libc::FD_ISSET(fd, set) } {
                list.push(o);
            }
        }
        list.value()
    };
    let (a, b) = (ready(&ro, &rf, &sets[0]), ready(&wo, &wf, &sets[1]));
    Ok(TupleObj::new(&[a, b, ready(&xo, &xf, &sets[2])]).value())
}

fn event_mask(vm: &Vm, v: Value) -> Res<u16> {
    let n = vm.index_int(v)?;
    match n.to_i64() {
        Some(i) if i < 0 => Err(vm.value_error("value must be positive")),
        Some(i) if i <= u16::MAX as i64 => Ok(i as u16),
        _ => Err(vm.overflow_error("Python int too large for C unsigned short")),
    }
}

fn register(vm: &Vm, p: Ptr<PollObj>, fd: Value, mask: Option<Value>) -> Res<()> {
    let fd = fd_of(vm, fd)?;
    let events = match mask {
        Some(m) => event_mask(vm, m)?,
        None => (libc::POLLIN | libc::POLLPRI | libc::POLLOUT) as u16,
    } as i16;
    let mut fds = p.fds.borrow_mut();
    match fds.iter_mut().find(|f| f.fd == fd) {
        Some(f) => f.events = events,
        None => fds.push(libc::pollfd { fd, events, revents: 0 }),
    }
    Ok(())
}

fn modify(vm: &Vm, p: Ptr<PollObj>, fd: Value, mask: Value) -> Res<()> {
    let fd = fd_of(vm, fd)?;
    let events = event_mask(vm, mask)? as i16;
    match p.fds.borrow_mut().iter_mut().find(|f| f.fd == fd) {
        Some(f) => {
            f.events = events;
            Ok(())
        }
        None => Err(os_error(vm, libc::ENOENT, Value::EMPTY)),
    }
}

fn unregister(vm: &Vm, p: Ptr<PollObj>, fd: Value) -> Res<()> {
    let n = fd_of(vm, fd)?;
    let mut fds = p.fds.borrow_mut();
    match fds.iter().position(|f| f.fd == n) {
        Some(i) => {
            fds.remove(i);
            Ok(())
        }
        None => Err(vm.key_error_for(Value::int(n as i64))),
    }
}

/// A deadline from a timeout in units of `unit` nanoseconds; `None` or negative: never.
fn deadline(vm: &Vm, timeout: Option<Value>, unit: f64) -> Res<Option<i64>> {
    let Some(t) = timeout.filter(|t| !t.is_none()) else { return Ok(None) };
    let ns = match float_of(t) {
        Some(f) if f.is_nan() => return Err(vm.value_error("Invalid value NaN (not a number)")),
        Some(f) => rounded(f * unit, Round::Up),
        None if type_of(t).special(cape_vm::special::Special::Index).is_empty() => {
            return Err(vm.type_error("timeout must be an integer or None"));
        }
        None => vm.to_f64(t)? * unit,
    };
    // The system counts milliseconds in an int.
    if ns / 1e6 > i32::MAX as f64 {
        return Err(vm.overflow_error("timeout is too large"));
    }
    Ok((ns >= 0.0).then(|| monotonic().saturating_add(ns as i64)))
}

/// Milliseconds until a deadline, rounded up; -1 for ever.
fn milliseconds(deadline: Option<i64>) -> i32 {
    match deadline {
        None => -1,
        Some(d) => ((d - monotonic()).max(0) as u64).div_ceil(1_000_000).min(i32::MAX as u64) as i32,
    }
}

fn poll_now(vm: &Vm, p: Ptr<PollObj>, timeout: Option<Value>) -> Res<Value> {
    let until = deadline(vm, timeout, 1e6)?;
    if p.polling.replace(true) {
        return Err(vm.runtime_error("concurrent poll() invocation"));
    }
    let r = wait_poll(vm, p, until);
    p.polling.set(false);
    let fds = r?;
    let list = ListObj::new(&[]);
    for f in fds.iter().filter(|f| f.revents != 0) {
        let pair = [Value::int(f.fd as i64), Value::int(f.revents as u16 as i64)];
        list.push(TupleObj::new(&pair).value());
    }
    Ok(list.value())
}

fn wait_poll(vm: &Vm, p: Ptr<PollObj>, until: Option<i64>) -> Res<Vec<libc::pollfd>> {
    let mut fds = p.fds.borrow().clone();
    loop {
        let ms = milliseconds(until);
        // SAFETY: the array is as long as said.
        let (n, e) =
            vm.allow_threads(|| (unsafe { libc::poll(fds.as_mut_ptr(), fds.len() as libc::nfds_t, ms) }, errno()));
        if n >= 0 {
            return Ok(fds);
        }
        if e != libc::EINTR {
            return Err(os_error(vm, e, Value::EMPTY));
        }
        vm.poll()?;
        if until.is_some_and(|d| monotonic() >= d) {
            fds.iter_mut().for_each(|f| f.revents = 0);
            return Ok(fds);
        }
    }
}

impl EpollObj {
    fn open(&self, vm: &Vm) -> Res<i32> {
        match self.fd.fd.get() {
            fd if fd >= 0 => Ok(fd),
            _ => Err(vm.value_error("I/O operation on closed epoll object")),
        }
    }
}

fn make_epoll(cls: Ptr<TypeObj>, fd: i32) -> Value {
    let map = cls.instance_map();
    heap().alloc(map, EpollObj { header: Header::new(map), fd: Native(EpollFd { fd: Cell::new(fd) }) }).value()
}

fn new_epoll(vm: &Vm, cls: Ptr<TypeObj>, size: Option<i32>, flags: Option<i32>) -> Res<Value> {
    if size.is_some_and(|n| n != -1 && n <= 0) {
        return Err(vm.value_error("sizehint must be positive or -1"));
    }
    if flags.is_some_and(|f| f & !libc::EPOLL_CLOEXEC != 0) {
        return Err(os_error(vm, libc::EINVAL, Value::EMPTY));
    }
    // SAFETY: a plain call.
    let fd = check(vm, unsafe { libc::epoll_create1(libc::EPOLL_CLOEXEC) })?;
    Ok(make_epoll(cls, fd))
}

fn close_epoll(vm: &Vm, e: Ptr<EpollObj>) -> Res<()> {
    let fd = e.fd.fd.replace(-1);
    if fd >= 0 {
        // SAFETY: the object's own descriptor.
        let (r, err) = vm.allow_threads(|| (unsafe { libc::close(fd) }, errno()));
        if r < 0 && err != libc::EINTR {
            return Err(os_error(vm, err, Value::EMPTY));
        }
    }
    Ok(())
}

fn control(vm: &Vm, e: Ptr<EpollObj>, op: i32, fd: Value, mask: u32) -> Res<()> {
    let ep = e.open(vm)?;
    let fd = fd_of(vm, fd)?;
    let mut event = libc::epoll_event { events: mask, u64: fd as u64 };
    // SAFETY: a valid struct.
    let (r, err) = vm.allow_threads(|| (unsafe { libc::epoll_ctl(ep, op, fd, &mut event) }, errno()));
    if r < 0 { Err(os_error(vm, err, Value::EMPTY)) } else { Ok(()) }
}

fn poll_epoll(vm: &Vm, e: Ptr<EpollObj>, timeout: Option<Value>, max: Option<i32>) -> Res<Value> {
    let ep = e.open(vm)?;
    let until = deadline(vm, timeout, 1e9)?;
    let max = match max.unwrap_or(-1) {
        -1 => libc::FD_SETSIZE as i32 - 1,
        n if n < 1 => {
            return Err(vm.value_error(format!("maxevents must be greater than 0, got {n}")));
        }
        n => n,
    };
    let mut events = vec![libc::epoll_event { events: 0, u64: 0 }; max as usize];
    let n = loop {
        let ms = milliseconds(until);
        // SAFETY: the array is as long as said.
        let (n, err) =
            vm.allow_threads(|| (unsafe { libc::epoll_wait(ep, events.as_mut_ptr(), max, ms) }, errno()));
        if n >= 0 {
            break n;
        }
        if err != libc::EINTR {
            return Err(os_error(vm, err, Value::EMPTY));
        }
        vm.poll()?;
        if until.is_some_and(|d| monotonic() >= d) {
            break 0;
        }
    };
    let list = ListObj::new(&[]);
    for event in &events[..n as usize] {
        let (fd, mask) = (event.u64 as i32, event.events);
        let pair = [Value::int(fd as i64), int_from(mask as i128)];
        list.push(TupleObj::new(&pair).value());
    }
    Ok(list.value())
}

