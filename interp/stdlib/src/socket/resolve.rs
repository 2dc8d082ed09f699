//! Names: hosts, services, protocols, interfaces.

use std::ffi::CString;

use cape_vm::buffer::Buffer;
use cape_vm::native::{FromArg, int_from};
use cape_vm::object::{BytesObj, DictObj, Int, ListObj, ModuleObj, StrObj, TupleObj};
use cape_vm::runtime::StaticType;
use cape_vm::{Ptr, Raised, Res, Value, Vm, intern, rt};

use super::address::{self, Address, host_bytes};
use crate::fsname::{from_c, fsencode};
use crate::oserror::{last_error, raise};

static GAI_ERROR: StaticType = StaticType::new();
static HERROR: StaticType = StaticType::new();

pub(super) fn init(vm: &Vm, m: Ptr<ModuleObj>) -> Res<()> {
    for (slot, name) in [(&GAI_ERROR, "gaierror"), (&HERROR, "herror")] {
        let ns = DictObj::new();
        ns.set_str(rt().names.module, intern("socket"));
        let bases = TupleObj::new(&[rt().types.os_error.value()]);
        let e = vm.call(rt().types.type_.value(), &[intern(name), bases.value(), ns.value()])?;
        slot.set(e.downcast().expect("type() makes a class"));
        m.add(name, e);
    }
    m.function("getaddrinfo(host, port, family=0, type=0, proto=0, flags=0)", "Resolve host and port into addrinfo struct.", getaddrinfo)
        .function("getnameinfo(sockaddr, flags, /)", "Get host and port for a sockaddr.", getnameinfo)
        .function("gethostbyname(host, /)", "Return the IP address (a string of the form '255.255.255.255') for a host.", |vm: &Vm, h: Value| {
            let a = address::resolve(vm, &host_bytes(vm, h)?, libc::AF_INET)?;
            vm.get_item(a.value(), Value::int(0))
        })
        .function("gethostbyname_ex(host, /)", "Return the true host name, a list of aliases, and a list of IP addresses, for a host.", |vm: &Vm, h: Value| {
            let host = host_bytes(vm, h)?;
            let p = host.as_ptr() as usize;
            // Fails with the usual exception for unknown names.
            address::resolve(vm, &host, libc::AF_INET)?;
            // SAFETY: a terminated name.
            host_entry(vm, || unsafe { libc_gethostbyname(p as *const libc::c_char) as usize })
        })
        .function("gethostbyaddr(host, /)", "Return the true host name, a list of aliases, and a list of IP addresses, for a host.", gethostbyaddr)
        .function("gethostname($module, /)", "Return the current host name.", |vm: &Vm| {
            let mut buf = [0u8; 1025];
            // SAFETY: the buffer is as long as said, and stays terminated.
            let r = unsafe { libc::gethostname(buf.as_mut_ptr() as *mut libc::c_char, buf.len() - 1) };
            if r != 0 {
                return Err(last_error(vm));
            }
            let n = memchr::memchr(0, &buf).unwrap_or(0);
            Ok(crate::fsname::decode(&buf[..n]).value())
        })
        .function("sethostname(name, /)", "Sets the hostname to name.", |vm: &Vm, n: Value| {
            let n = fsencode(vm, n)?;
            // SAFETY: the name is as long as said.
            let r = unsafe { libc::sethostname(n.as_ptr(), n.as_bytes().len()) };
            if r != 0 { Err(last_error(vm)) } else { Ok(()) }
        })
        .function("getservbyname(servicename, protocolname=None, /)", "Return a port number from a service name and protocol name.", getservbyname)
        .function("getservbyport(port, protocolname=None, /)", "Return the service name from a port number and protocol name.", getservbyport)
        .function("getprotobyname(name, /)", "Return the protocol number for the named protocol.", |vm: &Vm, n: String| {
            let n = CString::new(n).map_err(|_| vm.value_error("embedded null character"))?;
            // SAFETY: a terminated name; the static result is read at once, with the GIL held.
            unsafe {
                let p = libc::getprotobyname(n.as_ptr());
                if p.is_null() { Err(vm.os_error("protocol not found")) } else { Ok((*p).p_proto) }
            }
        });
    numbers(m);
    interfaces(m);
    Ok(())
}

unsafe extern "C" {
    #[link_name = "gethostbyname"]
    fn libc_gethostbyname(name: *const libc::c_char) -> *mut libc::hostent;
    #[link_name = "gethostbyaddr"]
    fn libc_gethostbyaddr(addr: *const libc::c_void, len: u32, kind: i32) -> *mut libc::hostent;
    fn hstrerror(e: i32) -> *const libc::c_char;
    fn __h_errno_location() -> *mut i32;
}

/// A raised `gaierror`.
#[cold]
pub fn gai_error(vm: &Vm, code: i32) -> Raised {
    if code == libc::EAI_SYSTEM {
        return last_error(vm);
    }
    // SAFETY: a static string.
    let text = unsafe { std::ffi::CStr::from_ptr(libc::gai_strerror(code)) }.to_string_lossy().into_owned();
    raise(vm, GAI_ERROR.get(), code, &text, Value::EMPTY, Value::EMPTY)
}

/// The result of `getaddrinfo`, freed when dropped.
pub struct Found(*mut libc::addrinfo);

impl Found {
    /// Looks a host or a service up.
    pub fn look_up(vm: &Vm, host: Option<&CString>, service: Option<&CString>, hints: &libc::addrinfo) -> Res<Found> {
        let p = |s: Option<&CString>| s.map_or(0, |s| s.as_ptr() as usize);
        let (h, s) = (p(host), p(service));
        let mut out = std::ptr::null_mut();
        let hints = hints as *const libc::addrinfo as usize;
        let r = vm.allow_threads(|| {
            // SAFETY: terminated strings or null, valid hints, a valid place for the result.
            unsafe {
                libc::getaddrinfo(
                    h as *const libc::c_char,
                    s as *const libc::c_char,
                    hints as *const libc::addrinfo,
                    &mut out,
                )
            }
        });
        if r != 0 { Err(gai_error(vm, r)) } else { Ok(Found(out)) }
    }

    /// The entries.
    pub fn iter(&self) -> impl Iterator<Item = &libc::addrinfo> {
        let mut p = self.0;
        std::iter::from_fn(move || {
            if p.is_null() {
                return None;
            }
            // SAFETY: an entry of the list, which lives as long as self.
            let a = unsafe { &*p };
            p = a.ai_next;
            Some(a)
        })
    }
}

impl Drop for Found {
    fn drop(&mut self) {
        if !self.0.is_null() {
            // SAFETY: made by getaddrinfo.
            unsafe { libc::freeaddrinfo(self.0) }
        }
    }
}

/// The address of an entry.
pub fn address_of(a: &libc::addrinfo) -> Address {
    let mut out = Address::empty();
    out.len = a.ai_addrlen;
    // SAFETY: the storage is large enough for every sockaddr.
    unsafe {
        std::ptr::copy_nonoverlapping(
            a.ai_addr as *const u8,
            &raw mut out.storage as *mut u8,
            a.ai_addrlen as usize,
        )
    };
    out
}

fn getaddrinfo(
    vm: &Vm,
    host: Value,
    port: Value,
    family: Option<i32>,
    kind: Option<i32>,
    proto: Option<i32>,
    flags: Option<i32>,
) -> Res<Value> {
    let host = if host.is_none() {
        None
    } else if host.is::<StrObj>() || host.is::<BytesObj>() {
        Some(host_bytes(vm, host)?)
    } else {
        return Err(vm.type_error("getaddrinfo() argument 1 must be string or None"));
    };
    let service = if port.is_none() {
        None
    } else if let Some(i) = Int::of(port) {
        let text = match i {
            Int::Small(n) => n.to_string(),
            Int::Big(b) => b.to_string(),
        };
        Some(CString::new(text).expect("digits"))
    } else if let Some(s) = port.downcast::<StrObj>() {
        Some(CString::new(vm.utf8(s)?).map_err(|_| vm.value_error("embedded null character"))?)
    } else if let Some(b) = port.downcast::<BytesObj>() {
        Some(CString::new(b.as_slice()).map_err(|_| vm.value_error("embedded null byte"))?)
    } else {
        return Err(vm.os_error("Int or String expected"));
    };
    // SAFETY: a plain C struct.
    let mut hints: libc::addrinfo = unsafe { std::mem::zeroed() };
    hints.ai_family = family.unwrap_or(0);
    hints.ai_socktype = kind.unwrap_or(0);
    hints.ai_protocol = proto.unwrap_or(0);
    hints.ai_flags = flags.unwrap_or(0);
    let found = Found::look_up(vm, host.as_ref(), service.as_ref(), &hints)?;
    let list = ListObj::new(&[]);
    for a in found.iter() {
        let name = if a.ai_canonname.is_null() {
            StrObj::new("")
        } else {
            // SAFETY: a terminated string.
            unsafe { from_c(a.ai_canonname) }
        };
        let items = [
            Value::int(a.ai_family as i64),
            Value::int(a.ai_socktype as i64),
            Value::int(a.ai_protocol as i64),
            name.value(),
            address_of(a).value(),
        ];
        list.push(TupleObj::new(&items).value());
    }
    Ok(list.value())
}

fn getnameinfo(vm: &Vm, sockaddr: Value, flags: i32) -> Res<Value> {
    let Some(t) = sockaddr.downcast::<TupleObj>() else {
        return Err(vm.type_error("getnameinfo() argument 1 must be a tuple"));
    };
    if !(2..=4).contains(&t.len()) {
        return Err(vm.type_error("getnameinfo(): illegal sockaddr argument"));
    }
    let host = host_bytes(vm, Ptr::<StrObj>::from_arg(vm, t.get(0), 0)?.value())?;
    let port = i64::from_arg(vm, t.get(1), 1)?;
    let flow = match t.as_slice().get(2) {
        Some(&v) => u32::from_arg(vm, v, 2)?,
        None => 0,
    };
    if flow > 0xfffff {
        return Err(vm.overflow_error("getnameinfo(): flowinfo must be 0-1048575."));
    }
    let service = CString::new(port.to_string()).expect("digits");
    // SAFETY: a plain C struct.
    let mut hints: libc::addrinfo = unsafe { std::mem::zeroed() };
    hints.ai_socktype = libc::SOCK_DGRAM;
    hints.ai_flags = libc::AI_NUMERICHOST;
    let found = Found::look_up(vm, Some(&host), Some(&service), &hints)?;
    let mut all = found.iter();
    let (Some(first), None) = (all.next(), all.next()) else {
        return Err(vm.os_error("sockaddr resolved to multiple addresses"));
    };
    if first.ai_family == libc::AF_INET && t.len() != 2 {
        return Err(vm.os_error("IPv4 sockaddr must be 2 tuple"));
    }
    let mut a = address_of(first);
    if first.ai_family == libc::AF_INET6 {
        // SAFETY: the family says so.
        let s = unsafe { &mut *(&raw mut a.storage as *mut libc::sockaddr_in6) };
        s.sin6_flowinfo = flow.to_be();
        if let Some(&v) = t.as_slice().get(3) {
            s.sin6_scope_id = u32::from_arg(vm, v, 3)?;
        }
    }
    let (mut h, mut s) = ([0u8; 1025], [0u8; 32]);
    let (hp, sp, ap) = (h.as_mut_ptr() as usize, s.as_mut_ptr() as usize, a.as_ptr() as usize);
    let len = a.len;
    let r = vm.allow_threads(|| {
        // SAFETY: a valid address; the buffers are as long as said.
        unsafe {
            libc::getnameinfo(
                ap as *const libc::sockaddr,
                len,
                hp as *mut libc::c_char,
                1025,
                sp as *mut libc::c_char,
                32,
                flags,
            )
        }
    });
    if r != 0 {
        return Err(gai_error(vm, r));
    }
    let text = |b: &[u8]| crate::fsname::decode(&b[..memchr::memchr(0, b).unwrap_or(0)]).value();
    Ok(TupleObj::new(&[text(&h), text(&s)]).value())
}

/// A host entry from one of the C library's old functions, whose static result is copied at once.
fn host_entry(vm: &Vm, f: impl FnOnce() -> usize) -> Res<Value> {
    // Not without the GIL: the functions share their result between threads.
    let p = f() as *const libc::hostent;
    if p.is_null() {
        // SAFETY: the thread's own error number; a static string.
        let (code, text) = unsafe {
            let code = *__h_errno_location();
            (code, std::ffi::CStr::from_ptr(hstrerror(code)).to_string_lossy().into_owned())
        };
        return Err(raise(vm, HERROR.get(), code, &text, Value::EMPTY, Value::EMPTY));
    }
    // SAFETY: a valid entry: terminated arrays of terminated strings and of addresses.
    unsafe {
        let h = &*p;
        let list = |mut q: *mut *mut libc::c_char, f: &dyn Fn(*mut libc::c_char) -> Value| {
            let l = ListObj::new(&[]);
            while !q.is_null() && !(*q).is_null() {
                l.push(f(*q));
                q = q.add(1);
            }
            l.value()
        };
        let aliases = list(h.h_aliases, &|a| from_c(a).value());
        let six = h.h_addrtype == libc::AF_INET6;
        let addresses = list(h.h_addr_list, &|a| {
            let text = if six {
                std::net::Ipv6Addr::from(*(a as *const [u8; 16])).to_string()
            } else {
                std::net::Ipv4Addr::from(*(a as *const [u8; 4])).to_string()
            };
            StrObj::new(&text).value()
        });
        Ok(TupleObj::new(&[from_c(h.h_name).value(), aliases, addresses]).value())
    }
}

fn gethostbyaddr(vm: &Vm, host: Value) -> Res<Value> {
    let a = address::resolve(vm, &host_bytes(vm, host)?, libc::AF_UNSPEC)?;
    let p = &raw const a.storage;
    host_entry(vm, || {
        // SAFETY: the family says which struct it is.
        unsafe {
            match a.storage.ss_family as i32 {
                libc::AF_INET6 => {
                    let s = &(*(p as *const libc::sockaddr_in6)).sin6_addr;
                    libc_gethostbyaddr(s as *const _ as *const libc::c_void, 16, libc::AF_INET6) as usize
                }
                _ => {
                    let s = &(*(p as *const libc::sockaddr_in)).sin_addr;
                    libc_gethostbyaddr(s as *const _ as *const libc::c_void, 4, libc::AF_INET) as usize
                }
            }
        }
    })
}

fn optional_text(vm: &Vm, v: Option<Value>) -> Res<Option<CString>> {
    match v.filter(|v| !v.is_none()) {
        None => Ok(None),
        Some(v) => CString::new(String::from_arg(vm, v, 1)?)
            .map(Some)
            .map_err(|_| vm.value_error("embedded null character")),
    }
}

fn getservbyname(vm: &Vm, name: String, protocol: Option<Value>) -> Res<i64> {
    let n = CString::new(name).map_err(|_| vm.value_error("embedded null character"))?;
    let p = optional_text(vm, protocol)?;
    // SAFETY: terminated names or null; the static result is read at once, with the GIL held.
    unsafe {
        let s = libc::getservbyname(n.as_ptr(), p.as_ref().map_or(std::ptr::null(), |p| p.as_ptr()));
        if s.is_null() {
            return Err(vm.os_error("service/proto not found"));
        }
        Ok(u16::from_be((*s).s_port as u16) as i64)
    }
}

fn getservbyport(vm: &Vm, port: i64, protocol: Option<Value>) -> Res<Value> {
    let Ok(port) = u16::try_from(port) else {
        return Err(vm.overflow_error("getservbyport: port must be 0-65535."));
    };
    let p = optional_text(vm, protocol)?;
    // SAFETY: a terminated name or null; the static result is read at once, with the GIL held.
    unsafe {
        let s =
            libc::getservbyport(port.to_be() as i32, p.as_ref().map_or(std::ptr::null(), |p| p.as_ptr()));
        if s.is_null() {
            return Err(vm.os_error("port/proto not found"));
        }
        Ok(from_c((*s).s_name).value())
    }
}

fn numbers(m: Ptr<ModuleObj>) {
    fn unsigned(vm: &Vm, v: Value, most: u32, name: &str) -> Res<u32> {
        let i = vm.index_int(v)?;
        let negative = match &i {
            Int::Small(n) => *n < 0,
            Int::Big(b) => b.sign() == num_bigint::Sign::Minus,
        };
        if negative {
            return Err(vm.value_error("Cannot convert negative int"));
        }
        match i.to_i64().and_then(|n| u32::try_from(n).ok()).filter(|n| *n <= most) {
            Some(n) => Ok(n),
            None => Err(vm.overflow_error(format!("Python int too large for C {name}"))),
        }
    }
    fn short(vm: &Vm, v: Value) -> Res<u16> {
        unsigned(vm, v, u16::MAX as u32, "uint16_t").map(|n| n as u16)
    }
    fn long(vm: &Vm, v: Value) -> Res<u32> {
        unsigned(vm, v, u32::MAX, "uint32_t")
    }
    m.function("htons($module, integer, /)", "Convert a 16-bit unsigned integer from host to network byte order.", |vm: &Vm, v: Value| {
        short(vm, v).map(u16::to_be)
    })
    .function("ntohs($module, integer, /)", "Convert a 16-bit unsigned integer from network to host byte order.", |vm: &Vm, v: Value| {
        short(vm, v).map(u16::from_be)
    })
    .function("htonl($module, integer, /)", "Convert a 32-bit unsigned integer from host to network byte order.", |vm: &Vm, v: Value| {
        long(vm, v).map(u32::to_be)
    })
    .function("ntohl($module, integer, /)", "Convert a 32-bit unsigned integer from network to host byte order.", |vm: &Vm, v: Value| {
        long(vm, v).map(u32::from_be)
    })
    .function("inet_aton($module, ip_addr, /)", "Convert an IP address in string format to the 32-bit packed binary format.", |vm: &Vm, s: String| {
        let bad = |vm: &Vm| vm.os_error("illegal IP address string passed to inet_aton");
        let c = CString::new(s).map_err(|_| bad(vm))?;
        let mut a = libc::in_addr { s_addr: 0 };
        // SAFETY: a terminated string and a valid buffer.
        if unsafe { inet_aton(c.as_ptr(), &mut a) } == 0 {
            return Err(bad(vm));
        }
        Ok(BytesObj::new(&a.s_addr.to_ne_bytes()).value())
    })
    .function("inet_ntoa($module, packed_ip, /)", "Convert an IP address from 32-bit packed binary format to string format.", |vm: &Vm, b: Buffer| {
        let Ok(a) = <[u8; 4]>::try_from(b.as_slice()) else {
            return Err(vm.os_error("packed IP wrong length"));
        };
        Ok(std::net::Ipv4Addr::from(a).to_string())
    })
    .function("inet_pton(address_family, ip_string, /)", "Convert an IP address from string format to a packed string.", |vm: &Vm, af: i32, s: String| {
        if af != libc::AF_INET && af != libc::AF_INET6 {
            return Err(crate::oserror::os_error(vm, libc::EAFNOSUPPORT, Value::EMPTY));
        }
        let bad = |vm: &Vm| vm.os_error("illegal IP address string passed to inet_pton");
        if af == libc::AF_INET6 {
            return s.parse::<std::net::Ipv6Addr>().map(|a| BytesObj::new(&a.octets()).value()).map_err(|_| bad(vm));
        }
        s.parse::<std::net::Ipv4Addr>().map(|a| BytesObj::new(&a.octets()).value()).map_err(|_| bad(vm))
    })
    .function("inet_ntop(address_family, packed_ip, /)", "Convert a packed IP address of the given family to string format.", |vm: &Vm, af: i32, b: Buffer| {
        let bad = |vm: &Vm| vm.value_error("invalid length of packed IP address string");
        match af {
            libc::AF_INET => <[u8; 4]>::try_from(b.as_slice()).map(|a| std::net::Ipv4Addr::from(a).to_string()).map_err(|_| bad(vm)),
            libc::AF_INET6 => <[u8; 16]>::try_from(b.as_slice()).map(|a| std::net::Ipv6Addr::from(a).to_string()).map_err(|_| bad(vm)),
            _ => Err(vm.value_error(format!("unknown address family {af}"))),
        }
    });
}

unsafe extern "C" {
    fn inet_aton(text: *const libc::c_char, out: *mut libc::in_addr) -> i32;
}

fn interfaces(m: Ptr<ModuleObj>) {
    m.function("if_nameindex($module, /)", "Returns a list of network interface information (index, name) tuples.", |vm: &Vm| {
        let list = ListObj::new(&[]);
        // SAFETY: a terminated array that is freed at the end.
        unsafe {
            let all = libc::if_nameindex();
            if all.is_null() {
                return Err(last_error(vm));
            }
            let mut p = all;
            while (*p).if_index != 0 && !(*p).if_name.is_null() {
                let pair = [int_from((*p).if_index as i128), from_c((*p).if_name).value()];
                list.push(TupleObj::new(&pair).value());
                p = p.add(1);
            }
            libc::if_freenameindex(all);
        }
        Ok(list.value())
    })
    .function("if_nametoindex($module, oname, /)", "Returns the interface index corresponding to the interface name if_name.", |vm: &Vm, n: Value| {
        let n = fsencode(vm, n)?;
        // SAFETY: a terminated name.
        match unsafe { libc::if_nametoindex(n.as_ptr()) } {
            0 => Err(last_error(vm)),
            i => Ok(i),
        }
    })
    .function("if_indextoname($module, if_index, /)", "Returns the interface name corresponding to the interface index if_index.", |vm: &Vm, i: Value| {
        let i = match Int::of(i) {
            Some(n) if n.to_i64().is_some_and(|n| n < 0) => return Err(vm.value_error("Cannot convert negative int")),
            Some(n) => match n.to_i64().and_then(|n| u32::try_from(n).ok()) {
                Some(n) => n,
                None => return Err(vm.overflow_error("Python int too large for C unsigned int")),
            },
            None => u32::from_arg(vm, i, 0)?,
        };
        let mut buf = [0 as libc::c_char; 17];
        // SAFETY: the buffer has room for the longest name.
        unsafe {
            if libc::if_indextoname(i, buf.as_mut_ptr()).is_null() {
                return Err(last_error(vm));
            }
            Ok(from_c(buf.as_ptr()).value())
        }
    });
}
