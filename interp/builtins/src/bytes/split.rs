//! Splitting, joining, stripping.

use cape_vm::buffer::Buffer;
use cape_vm::class::full_name;
use cape_vm::native::OrNone;
use cape_vm::object::*;
use cape_vm::{Ptr, Res, Value, Vm, rt, type_of};

use super::{Data, check_size};
use crate::search::Needle;

fn limit(n: Option<isize>) -> usize {
    match n {
        Some(n) if n >= 0 => n as usize,
        _ => usize::MAX,
    }
}

fn is_space(c: u8) -> bool {
    matches!(c, 9..=13 | 32)
}

/// The separator, which may be absent or None.
fn separator(vm: &Vm, sep: Value) -> Res<Option<Buffer>> {
    if sep.is_empty() || sep.is_none() {
        return Ok(None);
    }
    match vm.bytes_like(sep)? {
        s if s.is_empty() => Err(vm.value_error("empty separator")),
        s => Ok(Some(s)),
    }
}

pub(super) fn split(vm: &Vm, d: Data, sep: Value, maxsplit: Option<isize>) -> Res<Ptr<ListObj>> {
    let _held = d.held(vm)?;
    let max = limit(maxsplit);
    let n = d.slice().len();
    let mut out = ValueVec::new();
    if let Some(sep) = separator(vm, sep)? {
        let needle = Needle::bytes(sep.as_slice());
        let mut last = 0;
        for at in needle.find_all(d.slice(), 0, n, max) {
            out.push(d.part(last, at));
            last = at + needle.len();
        }
        out.push(d.part(last, n));
        return Ok(ListObj::from_vec(out));
    }
    let space = |i: usize| is_space(d.slice()[i]);
    let mut i = 0;
    loop {
        while i < n && space(i) {
            i += 1;
        }
        if i == n {
            break;
        }
        let start = i;
        if out.len() == max {
            out.push(d.part(start, n));
            break;
        }
        while i < n && !space(i) {
            i += 1;
        }
        out.push(d.part(start, i));
    }
    Ok(ListObj::from_vec(out))
}

pub(super) fn rsplit(vm: &Vm, d: Data, sep: Value, maxsplit: Option<isize>) -> Res<Ptr<ListObj>> {
    let _held = d.held(vm)?;
    let max = limit(maxsplit);
    let mut end = d.slice().len();
    let mut out = ValueVec::new();
    if let Some(sep) = separator(vm, sep)? {
        let needle = Needle::bytes(sep.as_slice());
        while out.len() < max
            && let Some(at) = needle.rfind(d.slice(), 0, end)
        {
            out.push(d.part(at + needle.len(), end));
            end = at;
        }
        out.push(d.part(0, end));
    } else {
        let space = |i: usize| is_space(d.slice()[i]);
        loop {
            while end > 0 && space(end - 1) {
                end -= 1;
            }
            if end == 0 {
                break;
            }
            if out.len() == max {
                out.push(d.part(0, end));
                break;
            }
            let mut i = end;
            while i > 0 && !space(i - 1) {
                i -= 1;
            }
            out.push(d.part(i, end));
            end = i;
        }
    }
    out.as_mut_slice().reverse();
    out.touched();
    Ok(ListObj::from_vec(out))
}

pub(super) fn splitlines(_: &Vm, d: Data, keepends: Option<bool>) -> Ptr<ListObj> {
    let keep = keepends.unwrap_or(false);
    let n = d.slice().len();
    let (mut start, mut i) = (0, 0);
    let mut out = ValueVec::new();
    while i < n {
        let Some(at) = memchr::memchr2(b'\n', b'\r', &d.slice()[i..]) else { break };
        let end = i + at;
        i = end + if d.slice()[end..].starts_with(b"\r\n") { 2 } else { 1 };
        out.push(d.part(start, if keep { i } else { end }));
        start = i;
    }
    if start < n {
        out.push(d.part(start, n));
    }
    ListObj::from_vec(out)
}

fn partition_at(vm: &Vm, d: Data, sep: Value, last: bool) -> Res<Ptr<TupleObj>> {
    let buffer = vm.bytes_like(sep)?;
    if buffer.is_empty() {
        return Err(vm.value_error("empty separator"));
    }
    let n = d.slice().len();
    let needle = Needle::bytes(buffer.as_slice());
    let at = if last { needle.rfind(d.slice(), 0, n) } else { needle.find(d.slice(), 0, n) };
    let sep = if d.is_array() { d.make_from(buffer.as_slice()) } else { sep };
    let items = match (at, last) {
        (Some(i), _) => [d.part(0, i), sep, d.part(i + needle.len(), n)],
        (None, false) => [d.unchanged(), d.make_from(b""), d.make_from(b"")],
        (None, true) => [d.make_from(b""), d.make_from(b""), d.unchanged()],
    };
    Ok(TupleObj::new(&items))
}

pub(super) fn partition(vm: &Vm, d: Data, sep: Value) -> Res<Ptr<TupleObj>> {
    partition_at(vm, d, sep, false)
}

pub(super) fn rpartition(vm: &Vm, d: Data, sep: Value) -> Res<Ptr<TupleObj>> {
    partition_at(vm, d, sep, true)
}

pub(super) fn join(vm: &Vm, d: Data, iterable: Value) -> Res<Value> {
    let _held = d.held(vm)?;
    let items = vm.list_of_iterable(iterable, "can only join an iterable")?;
    if let [one] = items.as_slice()
        && one.is_ptr()
        && one.header().map() == rt().maps.bytes
        && !d.is_array()
    {
        return Ok(*one);
    }
    let mut out = Vec::new();
    for (i, &v) in items.as_slice().iter().enumerate() {
        if i > 0 {
            out.extend_from_slice(d.slice());
        }
        let Ok(item) = vm.bytes_like(v) else {
            return Err(vm.type_error(format!(
                "sequence item {i}: expected a bytes-like object, {} found",
                full_name(type_of(v))
            )));
        };
        if iterable.downcast::<ListObj>().is_some_and(|l| l.len() != items.len()) {
            return Err(vm.runtime_error("sequence changed size during iteration"));
        }
        out.extend_from_slice(item.as_slice());
        check_size(vm, out.len())?;
    }
    Ok(d.make(out))
}

fn strip_ends(d: Data, set: OrNone<Buffer>, left: bool, right: bool) -> Value {
    let drop = |c: u8| match &set.0 {
        Some(s) => memchr::memchr(c, s.as_slice()).is_some(),
        None => is_space(c),
    };
    let s = d.slice();
    let (mut from, mut to) = (0, s.len());
    while left && from < to && drop(s[from]) {
        from += 1;
    }
    while right && to > from && drop(s[to - 1]) {
        to -= 1;
    }
    d.part(from, to)
}

pub(super) fn strip(_: &Vm, d: Data, set: OrNone<Buffer>) -> Value {
    strip_ends(d, set, true, true)
}

pub(super) fn lstrip(_: &Vm, d: Data, set: OrNone<Buffer>) -> Value {
    strip_ends(d, set, true, false)
}

pub(super) fn rstrip(_: &Vm, d: Data, set: OrNone<Buffer>) -> Value {
    strip_ends(d, set, false, true)
}
