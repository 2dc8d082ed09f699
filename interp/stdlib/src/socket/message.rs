//! `sendmsg` and `recvmsg`: several buffers, ancillary data.

use cape_vm::buffer::{Buffer, flags};
use cape_vm::native::{FromArg, TypeBuilder};
use cape_vm::object::{BytesObj, ListObj, TupleObj, ValueVec};
use cape_vm::{Ptr, Res, Value, Vm};

use super::address::{Address, parse};
use super::object::{SocketObj, transfer};

pub(super) fn methods(b: TypeBuilder) -> TypeBuilder {
    b.method("sendmsg($self, buffers, ancdata=None, flags=0, address=None, /)", "Send normal and ancillary data to the socket.", sendmsg)
        .method("recvmsg($self, bufsize, ancbufsize=0, flags=0, /)", "Receive normal data (up to bufsize bytes) and ancillary data.", recvmsg)
        .method("recvmsg_into($self, buffers, ancbufsize=0, flags=0, /)", "Receive normal data into buffers, and ancillary data.", |vm: &Vm, s: Ptr<SocketObj>, b: Value, n: Option<isize>, f: Option<i32>| {
            let items = match vm.vec_of(b) {
                Err(e) if e.is(cape_vm::rt().types.type_error) => return Err(vm.type_error("recvmsg_into() argument 1 must be an iterable")),
                r => r?,
            };
            with_buffers(vm, &items, 0, true, &mut Vec::new(), &mut |v| {
                let (got, anc, fl, from) = receive(vm, s, v, n.unwrap_or(0), f.unwrap_or(0))?;
                Ok(result(Value::int(got as i64), anc, fl, &from))
            })
        })
}

/// Holds all buffers at once, one per stack frame, and calls `f` with the vectors.
fn with_buffers(
    vm: &Vm,
    items: &ValueVec,
    i: usize,
    writable: bool,
    vectors: &mut Vec<libc::iovec>,
    f: &mut dyn FnMut(&mut [libc::iovec]) -> Res<Value>,
) -> Res<Value> {
    if i == items.len() {
        return f(vectors);
    }
    vm.check_native_stack("")?;
    let b: Buffer = if writable {
        vm.writable_bytes(items[i], "recvmsg_into() argument 1 must be an iterable of single-segment")?
    } else {
        vm.buffer(items[i], flags::SIMPLE)?
    };
    vectors.push(libc::iovec { iov_base: b.address() as *mut libc::c_void, iov_len: b.len() });
    with_buffers(vm, items, i + 1, writable, vectors, f)
}

fn header(vectors: &mut [libc::iovec], control: &mut [u8]) -> libc::msghdr {
    // SAFETY: a plain C struct.
    let mut h: libc::msghdr = unsafe { std::mem::zeroed() };
    h.msg_iov = vectors.as_mut_ptr();
    h.msg_iovlen = vectors.len() as _;
    if !control.is_empty() {
        h.msg_control = control.as_mut_ptr() as *mut libc::c_void;
        h.msg_controllen = control.len() as _;
    }
    h
}

fn sendmsg(
    vm: &Vm,
    s: Ptr<SocketObj>,
    buffers: Value,
    ancdata: Option<Value>,
    flags: Option<i32>,
    address: Option<Value>,
) -> Res<Value> {
    let to = match address.filter(|a| !a.is_none()) {
        Some(a) => Some(parse(vm, "sendmsg", s.family.get(), a)?),
        None => None,
    };
    let mut control: Vec<u8> = Vec::new();
    if let Some(list) = ancdata.filter(|a| !a.is_none()) {
        let items = match vm.vec_of(list) {
            Err(e) if e.is(cape_vm::rt().types.type_error) => {
                return Err(vm.type_error("sendmsg() argument 2 must be an iterable"));
            }
            r => r?,
        };
        for &item in items.iter() {
            let parts = vm.vec_of(item)?;
            if parts.len() != 3 {
                return Err(vm.type_error("[sendmsg() ancillary data items]() takes exactly 3 arguments"));
            }
            let (level, kind) = (i32::from_arg(vm, parts[0], 0)?, i32::from_arg(vm, parts[1], 1)?);
            push_control(&mut control, level, kind, &vm.bytes_of(parts[2])?);
        }
    }
    let items = match vm.vec_of(buffers) {
        Err(e) if e.is(cape_vm::rt().types.type_error) => {
            return Err(vm.type_error("sendmsg() argument 1 must be an iterable"));
        }
        r => r?,
    };
    let (fd, flags) = (s.fd(), flags.unwrap_or(0));
    with_buffers(vm, &items, 0, false, &mut Vec::new(), &mut |v| {
        let mut h = header(v, &mut control);
        if let Some(a) = &to {
            h.msg_name = a.as_ptr() as *mut libc::c_void;
            h.msg_namelen = a.len;
        }
        let p = &raw const h as usize;
        // SAFETY: all buffers are held and the header describes them.
        let n = transfer(vm, s, true, || unsafe { libc::sendmsg(fd, p as *const libc::msghdr, flags) })?;
        Ok(Value::int(n as i64))
    })
}

/// Appends a control message with its padding.
fn push_control(out: &mut Vec<u8>, level: i32, kind: i32, data: &[u8]) {
    // SAFETY: plain computations.
    let (space, len) = unsafe { (libc::CMSG_SPACE(data.len() as u32), libc::CMSG_LEN(data.len() as u32)) };
    let start = out.len();
    out.resize(start + space as usize, 0);
    // SAFETY: a plain C struct.
    let mut h: libc::cmsghdr = unsafe { std::mem::zeroed() };
    (h.cmsg_len, h.cmsg_level, h.cmsg_type) = (len as _, level, kind);
    // SAFETY: the header fits at the start of the new space.
    unsafe { (out.as_mut_ptr().add(start) as *mut libc::cmsghdr).write_unaligned(h) };
    // SAFETY: a plain computation.
    let at = start + unsafe { libc::CMSG_LEN(0) } as usize;
    out[at..at + data.len()].copy_from_slice(data);
}

fn receive(
    vm: &Vm,
    s: Ptr<SocketObj>,
    vectors: &mut [libc::iovec],
    size: isize,
    flags: i32,
) -> Res<(usize, Value, i32, Address)> {
    if size < 0 || size > i32::MAX as isize {
        return Err(vm.value_error("invalid ancillary data buffer length"));
    }
    // Aligned for the headers in it.
    let mut control = vec![0u64; (size as usize).div_ceil(8)];
    // SAFETY: the words as bytes, of which `size` are used.
    let bytes = unsafe { std::slice::from_raw_parts_mut(control.as_mut_ptr() as *mut u8, size as usize) };
    let mut from = Address::empty();
    let mut h = header(vectors, bytes);
    let fd = s.fd();
    let n = transfer(vm, s, false, || {
        h.msg_name = from.as_mut_ptr() as *mut libc::c_void;
        h.msg_namelen = size_of::<libc::sockaddr_storage>() as u32;
        h.msg_controllen = size as _;
        // SAFETY: all buffers are held and the header describes them.
        unsafe { libc::recvmsg(fd, &mut h, flags) }
    })?;
    from.len = h.msg_namelen;
    let list = ListObj::new(&[]);
    // SAFETY: the system has filled the control buffer as the header says.
    unsafe {
        let mut c = libc::CMSG_FIRSTHDR(&h);
        while !c.is_null() {
            let data = libc::CMSG_DATA(c);
            let offset = data as usize - c as usize;
            let end = h.msg_control as usize + h.msg_controllen as usize;
            let len = ((*c).cmsg_len as usize).saturating_sub(offset).min(end.saturating_sub(data as usize));
            let content = BytesObj::new(std::slice::from_raw_parts(data, len)).value();
            let item = [Value::int((*c).cmsg_level as i64), Value::int((*c).cmsg_type as i64), content];
            list.push(TupleObj::new(&item).value());
            c = libc::CMSG_NXTHDR(&h, c);
        }
    }
    Ok((n as usize, list.value(), h.msg_flags, from))
}

fn result(first: Value, anc: Value, flags: i32, from: &Address) -> Value {
    TupleObj::new(&[first, anc, Value::int(flags as i64), from.value()]).value()
}

fn recvmsg(vm: &Vm, s: Ptr<SocketObj>, size: isize, anc: Option<isize>, flags: Option<i32>) -> Res<Value> {
    if size < 0 {
        return Err(vm.value_error("negative buffer size in recvmsg()"));
    }
    let mut buf = vec![0u8; size as usize];
    let mut v = [libc::iovec { iov_base: buf.as_mut_ptr() as *mut libc::c_void, iov_len: buf.len() }];
    let (n, list, fl, from) = receive(vm, s, &mut v, anc.unwrap_or(0), flags.unwrap_or(0))?;
    Ok(result(BytesObj::new(&buf[..n]).value(), list, fl, &from))
}

/// What a macro makes of a length, when neither is beyond what a `socklen_t` is used for. `least` is the padding around data.
fn limited(n: isize, least: u32, size: impl Fn(u32) -> u32) -> Option<u32> {
    const MOST: u32 = i32::MAX as u32;
    let n = u32::try_from(n).ok().filter(|n| *n <= MOST - least)?;
    Some(size(n)).filter(|r| *r <= MOST)
}

/// `CMSG_LEN`.
pub(super) fn cmsg_len(vm: &Vm, n: isize) -> Res<u32> {
    // SAFETY: plain computations.
    limited(n, unsafe { libc::CMSG_LEN(0) }, |n| unsafe { libc::CMSG_LEN(n) })
        .ok_or_else(|| vm.overflow_error("CMSG_LEN() argument out of range"))
}

/// `CMSG_SPACE`.
pub(super) fn cmsg_space(vm: &Vm, n: isize) -> Res<u32> {
    // SAFETY: plain computations.
    limited(n, unsafe { libc::CMSG_SPACE(1) }, |n| unsafe { libc::CMSG_SPACE(n) })
        .ok_or_else(|| vm.overflow_error("CMSG_SPACE() argument out of range"))
}

