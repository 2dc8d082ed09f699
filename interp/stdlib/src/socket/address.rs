//! Socket addresses: between Python's tuples and `sockaddr`.

use std::ffi::CString;

use cape_vm::native::FromArg;
use cape_vm::object::{BytearrayObj, BytesObj, StrObj, TupleObj};
use cape_vm::{Res, Value, Vm, type_of};

use crate::fsname;

/// A `sockaddr` of any family with its length.
pub struct Address {
    /// The storage.
    pub storage: libc::sockaddr_storage,
    /// Bytes of it that count.
    pub len: libc::socklen_t,
}

impl Address {
    /// Room for what the system fills in.
    pub fn empty() -> Address {
        // SAFETY: a plain C struct.
        Address { storage: unsafe { std::mem::zeroed() }, len: size_of::<libc::sockaddr_storage>() as u32 }
    }

    fn of<T>(v: &T, len: usize) -> Address {
        let mut a = Address::empty();
        debug_assert!(size_of::<T>() <= size_of::<libc::sockaddr_storage>());
        // SAFETY: the storage is large enough for every sockaddr.
        unsafe { std::ptr::copy_nonoverlapping(v as *const T, &raw mut a.storage as *mut T, 1) };
        a.len = len as u32;
        a
    }

    /// Pointer for system calls.
    pub fn as_ptr(&self) -> *const libc::sockaddr {
        &raw const self.storage as *const libc::sockaddr
    }

    /// Pointer for system calls that fill it in.
    pub fn as_mut_ptr(&mut self) -> *mut libc::sockaddr {
        &raw mut self.storage as *mut libc::sockaddr
    }

    /// The Python form.
    pub fn value(&self) -> Value {
        if self.len == 0 {
            return Value::NONE;
        }
        let p = &raw const self.storage;
        // SAFETY (of the block): the family says which struct it is.
        // SAFETY: as for the blocks around it: the arguments are valid for the call, and the GIL is held.
        unsafe {
            match self.storage.ss_family as i32 {
                libc::AF_INET => {
                    let a = &*(p as *const libc::sockaddr_in);
                    let ip = std::net::Ipv4Addr::from(u32::from_be(a.sin_addr.s_addr));
                    let port = Value::int(u16::from_be(a.sin_port) as i64);
                    TupleObj::new(&[StrObj::new(&ip.to_string()).value(), port]).value()
                }
                libc::AF_INET6 => {
                    let a = &*(p as *const libc::sockaddr_in6);
                    let host = ipv6_text(a);
                    TupleObj::new(&[
                        StrObj::new(&host).value(),
                        Value::int(u16::from_be(a.sin6_port) as i64),
                        Value::int(u32::from_be(a.sin6_flowinfo) as i64),
                        Value::int(a.sin6_scope_id as i64),
                    ])
                    .value()
                }
                libc::AF_UNIX => {
                    let a = &*(p as *const libc::sockaddr_un);
                    let n = (self.len as usize).saturating_sub(2).min(a.sun_path.len());
                    let path = std::slice::from_raw_parts(a.sun_path.as_ptr() as *const u8, n);
                    if n > 0 && path[0] == 0 {
                        // An abstract name: all bytes count.
                        return BytesObj::new(path).value();
                    }
                    let end = memchr::memchr(0, path).unwrap_or(n);
                    fsname::decode(&path[..end]).value()
                }
                libc::AF_NETLINK => {
                    let a = &*(p as *const libc::sockaddr_nl);
                    TupleObj::new(&[Value::int(a.nl_pid as i64), Value::int(a.nl_groups as i64)]).value()
                }
                libc::AF_VSOCK => {
                    let a = &*(p as *const libc::sockaddr_vm);
                    TupleObj::new(&[Value::int(a.svm_cid as i64), Value::int(a.svm_port as i64)]).value()
                }
                family => {
                    let bytes = std::slice::from_raw_parts(p as *const u8, self.len as usize);
                    let data = BytesObj::new(&bytes[2..]).value();
                    TupleObj::new(&[Value::int(family as i64), data]).value()
                }
            }
        }
    }
}

/// The numeric text of an IPv6 address; its scope is a number beside it.
fn ipv6_text(a: &libc::sockaddr_in6) -> String {
    std::net::Ipv6Addr::from(a.sin6_addr.s6_addr).to_string()
}

/// A host argument as bytes: IDNA for what is not ASCII.
pub fn host_bytes(vm: &Vm, host: Value) -> Res<CString> {
    let bytes = if let Some(s) = host.downcast::<StrObj>() {
        match s.as_ascii() {
            Some(t) => t.as_bytes().to_vec(),
            None => {
                let e = vm.call_method(host, cape_vm::intern("encode"), &[StrObj::new("idna").value()])?;
                vm.bytes_of(e)?
            }
        }
    } else if let Some(b) = host.downcast::<BytesObj>() {
        b.as_slice().to_vec()
    } else if let Some(b) = host.downcast::<BytearrayObj>() {
        b.as_slice().to_vec()
    } else {
        return Err(vm.type_error(format!(
            "str, bytes or bytearray expected, not {}",
            type_of(host).name_str()
        )));
    };
    CString::new(bytes).map_err(|_| vm.type_error("host name must not contain null character"))
}

/// Resolves a host for an address of `family`.
pub fn resolve(vm: &Vm, host: &CString, family: i32) -> Res<Address> {
    let text = host.as_bytes();
    if text.is_empty() || text == b"<broadcast>" {
        let broadcast = !text.is_empty();
        if family == libc::AF_INET6 {
            if broadcast {
                return Err(vm.os_error("address family mismatched"));
            }
            // SAFETY: a plain C struct.
            let mut a: libc::sockaddr_in6 = unsafe { std::mem::zeroed() };
            a.sin6_family = libc::AF_INET6 as u16;
            return Ok(Address::of(&a, size_of_val(&a)));
        }
        return Ok(ipv4(if broadcast { u32::MAX } else { 0 }, 0));
    }
    let parsed = std::str::from_utf8(text).ok();
    if family != libc::AF_INET6
        && let Some(ip) = parsed.and_then(|t| t.parse::<std::net::Ipv4Addr>().ok())
    {
        return Ok(ipv4(u32::from(ip), 0));
    }
    // SAFETY: a plain C struct.
    let mut hints: libc::addrinfo = unsafe { std::mem::zeroed() };
    hints.ai_family = family;
    let list = super::resolve::Found::look_up(vm, Some(host), None, &hints)?;
    match list.iter().next() {
        Some(a) => Ok(super::resolve::address_of(a)),
        None => Err(vm.os_error("getaddrinfo returned nothing")),
    }
}

fn ipv4(host: u32, port: u16) -> Address {
    // SAFETY: a plain C struct.
    let mut a: libc::sockaddr_in = unsafe { std::mem::zeroed() };
    a.sin_family = libc::AF_INET as u16;
    a.sin_addr.s_addr = host.to_be();
    a.sin_port = port.to_be();
    Address::of(&a, size_of_val(&a))
}

fn port_arg(vm: &Vm, function: &str, v: Value) -> Res<u16> {
    let n = vm.index_int(v)?;
    match n.to_i64() {
        Some(p) if (0..=0xffff).contains(&p) => Ok(p as u16),
        _ => Err(vm.overflow_error(format!("{function}(): port must be 0-65535."))),
    }
}

/// The address in a Python argument.
pub fn parse(vm: &Vm, function: &str, family: i32, v: Value) -> Res<Address> {
    let tuple = |what: &str| {
        v.downcast::<TupleObj>().ok_or_else(|| {
            vm.type_error(format!(
                "{function}(): {what} address must be tuple, not {}",
                type_of(v).name_str()
            ))
        })
    };
    match family {
        libc::AF_INET => {
            let t = tuple("AF_INET")?;
            if t.len() != 2 {
                return Err(vm.type_error(format!("{function}(): AF_INET address must be a pair (host, port)")));
            }
            let host = host_bytes(vm, t.get(0))?;
            let port = port_arg(vm, function, t.get(1))?;
            let mut a = resolve(vm, &host, libc::AF_INET)?;
            // SAFETY: an AF_INET address was asked for.
            unsafe { (*(&raw mut a.storage as *mut libc::sockaddr_in)).sin_port = port.to_be() };
            Ok(a)
        }
        libc::AF_INET6 => {
            let t = tuple("AF_INET6")?;
            if !(2..=4).contains(&t.len()) {
                return Err(vm.type_error(format!(
                    "{function}(): AF_INET6 address must be a tuple (host, port[, flowinfo[, scopeid]])"
                )));
            }
            let host = host_bytes(vm, t.get(0))?;
            let port = port_arg(vm, function, t.get(1))?;
            let number = |i: usize| match t.as_slice().get(i) {
                Some(&v) => u32::from_arg(vm, v, i),
                None => Ok(0),
            };
            let (flow, scope) = (number(2)?, number(3)?);
            if flow > 0xfffff {
                return Err(vm.overflow_error(format!("{function}(): flowinfo must be 0-1048575.")));
            }
            let mut a = resolve(vm, &host, libc::AF_INET6)?;
            // SAFETY: an AF_INET6 address was asked for.
            let s = unsafe { &mut *(&raw mut a.storage as *mut libc::sockaddr_in6) };
            s.sin6_port = port.to_be();
            s.sin6_flowinfo = flow.to_be();
            if t.len() > 3 {
                s.sin6_scope_id = scope;
            }
            Ok(a)
        }
        libc::AF_UNIX => unix(vm, v),
        libc::AF_NETLINK => {
            let t = tuple("AF_NETLINK")?;
            if t.len() != 2 {
                return Err(
                    vm.type_error(format!("{function}(): AF_NETLINK address must be a pair (pid, groups)"))
                );
            }
            // SAFETY: a plain C struct.
            let mut a: libc::sockaddr_nl = unsafe { std::mem::zeroed() };
            a.nl_family = libc::AF_NETLINK as u16;
            a.nl_pid = u32::from_arg(vm, t.get(0), 0)?;
            a.nl_groups = u32::from_arg(vm, t.get(1), 1)?;
            Ok(Address::of(&a, size_of_val(&a)))
        }
        libc::AF_VSOCK => {
            let t = tuple("AF_VSOCK")?;
            if t.len() != 2 {
                return Err(vm.type_error(format!("{function}(): AF_VSOCK address must be a pair (CID, port)")));
            }
            // SAFETY: a plain C struct.
            let mut a: libc::sockaddr_vm = unsafe { std::mem::zeroed() };
            a.svm_family = libc::AF_VSOCK as u16;
            a.svm_cid = u32::from_arg(vm, t.get(0), 0)?;
            a.svm_port = u32::from_arg(vm, t.get(1), 1)?;
            Ok(Address::of(&a, size_of_val(&a)))
        }
        _ => Err(vm.os_error(format!("{function}(): bad family"))),
    }
}

fn unix(vm: &Vm, v: Value) -> Res<Address> {
    // SAFETY: a plain C struct.
    let mut a: libc::sockaddr_un = unsafe { std::mem::zeroed() };
    a.sun_family = libc::AF_UNIX as u16;
    let path = match v.downcast::<StrObj>() {
        Some(s) => fsname::encode(vm, s)?,
        None => vm.bytes_of(v)?,
    };
    // An empty path asks the system for an abstract name.
    let abstract_name = path.first().is_none_or(|&b| b == 0);
    let fits = if abstract_name { path.len() <= a.sun_path.len() } else { path.len() < a.sun_path.len() };
    if !fits {
        return Err(vm.os_error("AF_UNIX path too long"));
    }
    for (d, &b) in a.sun_path.iter_mut().zip(&path) {
        *d = b as libc::c_char;
    }
    let len = 2 + path.len() + !abstract_name as usize;
    Ok(Address::of(&a, len))
}
