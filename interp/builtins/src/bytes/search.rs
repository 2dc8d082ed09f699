//! Searching, replacing, translating.

use cape_vm::buffer::{Buffer, flags};
use cape_vm::class::full_name;
use cape_vm::object::*;

use cape_vm::{Res, Value, Vm, type_of};

use super::{Data, check_size, make};
use crate::search::Needle;
use crate::slicing::{Bound, is_index, search_range};

/// What is searched: a bytes-like object, or an integer that stands for one byte.
enum Sub {
    Byte([u8; 1]),
    Buffer(Buffer),
}

impl Sub {
    fn new(vm: &Vm, v: Value) -> Res<Sub> {
        if vm.has_buffer(v) {
            return vm.bytes_like(v).map(Sub::Buffer);
        }
        if !is_index(v) {
            return Err(vm.type_error(format!(
                "argument should be integer or bytes-like object, not '{}'",
                full_name(type_of(v))
            )));
        }
        byte(vm, v).map(|b| Sub::Byte([b]))
    }

    fn slice(&self) -> &[u8] {
        match self {
            Sub::Byte(b) => b,
            Sub::Buffer(b) => b.as_slice(),
        }
    }
}

fn byte(vm: &Vm, v: Value) -> Res<u8> {
    match vm.index_int(v)?.to_i64() {
        Some(i @ 0..=255) => Ok(i as u8),
        _ => Err(vm.value_error("byte must be in range(0, 256)")),
    }
}

fn locate(vm: &Vm, d: Data, sub: Value, start: Bound, end: Bound, last: bool) -> Res<Option<usize>> {
    let _held = d.held(vm)?;
    let sub = Sub::new(vm, sub)?;
    let (from, to) = search_range(start, end, d.slice().len());
    let needle = Needle::bytes(sub.slice());
    Ok(if last { needle.rfind(d.slice(), from, to) } else { needle.find(d.slice(), from, to) })
}

pub(super) fn find(vm: &Vm, d: Data, sub: Value, start: Bound, end: Bound) -> Res<isize> {
    Ok(locate(vm, d, sub, start, end, false)?.map_or(-1, |i| i as isize))
}

pub(super) fn rfind(vm: &Vm, d: Data, sub: Value, start: Bound, end: Bound) -> Res<isize> {
    Ok(locate(vm, d, sub, start, end, true)?.map_or(-1, |i| i as isize))
}

pub(super) fn index(vm: &Vm, d: Data, sub: Value, start: Bound, end: Bound) -> Res<usize> {
    locate(vm, d, sub, start, end, false)?.ok_or_else(|| vm.value_error("subsection not found"))
}

pub(super) fn rindex(vm: &Vm, d: Data, sub: Value, start: Bound, end: Bound) -> Res<usize> {
    locate(vm, d, sub, start, end, true)?.ok_or_else(|| vm.value_error("subsection not found"))
}

pub(super) fn count(vm: &Vm, d: Data, sub: Value, start: Bound, end: Bound) -> Res<usize> {
    let _held = d.held(vm)?;
    let sub = Sub::new(vm, sub)?;
    let (from, to) = search_range(start, end, d.slice().len());
    Ok(Needle::bytes(sub.slice()).count(d.slice(), from, to))
}

pub(super) fn contains(vm: &Vm, d: Data, sub: Value) -> Res<bool> {
    let _held = d.held(vm)?;
    if is_index(sub) && !vm.has_buffer(sub) {
        let b = byte(vm, sub)?;
        return Ok(memchr::memchr(b, d.slice()).is_some());
    }
    let sub = vm.bytes_like(sub)?;
    Ok(Needle::bytes(sub.as_slice()).find(d.slice(), 0, d.slice().len()).is_some())
}

fn affix(vm: &Vm, d: Data, what: Value, start: Bound, end: Bound, name: &str, at_end: bool) -> Res<bool> {
    let _held = d.held(vm)?;
    let test = |sub: Value| -> Res<bool> {
        let sub = vm.bytes_like(sub)?;
        let (from, to) = search_range(start, end, d.slice().len());
        if from > to {
            return Ok(false);
        }
        let s = &d.slice()[from..to];
        Ok(if at_end { s.ends_with(sub.as_slice()) } else { s.starts_with(sub.as_slice()) })
    };
    if let Some(options) = what.downcast::<TupleObj>() {
        for &o in options.as_slice() {
            if test(o)? {
                return Ok(true);
            }
        }
        return Ok(false);
    }
    if !vm.has_buffer(what) {
        return Err(vm.type_error(format!(
            "{name} first arg must be bytes or a tuple of bytes, not {}",
            full_name(type_of(what))
        )));
    }
    test(what)
}

pub(super) fn startswith(vm: &Vm, d: Data, prefix: Value, start: Bound, end: Bound) -> Res<bool> {
    affix(vm, d, prefix, start, end, "startswith", false)
}

pub(super) fn endswith(vm: &Vm, d: Data, suffix: Value, start: Bound, end: Bound) -> Res<bool> {
    affix(vm, d, suffix, start, end, "endswith", true)
}

pub(super) fn removeprefix(_: &Vm, d: Data, prefix: Buffer) -> Value {
    let (s, p) = (d.slice(), prefix.as_slice());
    if !p.is_empty() && s.starts_with(p) { d.part(p.len(), s.len()) } else { d.unchanged() }
}

pub(super) fn removesuffix(_: &Vm, d: Data, suffix: Buffer) -> Value {
    let (s, p) = (d.slice(), suffix.as_slice());
    if !p.is_empty() && s.ends_with(p) { d.part(0, s.len() - p.len()) } else { d.unchanged() }
}

pub(super) fn replace(vm: &Vm, d: Data, old: Buffer, new: Buffer, count: Option<isize>) -> Res<Value> {
    let (s, old, new) = (d.slice(), old.as_slice(), new.as_slice());
    let max = match count {
        Some(n) if n >= 0 => n as usize,
        _ => usize::MAX,
    };
    let too_long = || vm.overflow_error("replace bytes is too long");
    if max == 0 || old.len() > s.len() {
        return Ok(d.unchanged());
    }
    if old.is_empty() {
        let n = max.min(s.len() + 1);
        let total = new.len().checked_mul(n).and_then(|g| g.checked_add(s.len())).ok_or_else(too_long)?;
        check_size(vm, total)?;
        let mut out = Vec::with_capacity(total);
        for (i, &c) in s.iter().enumerate() {
            if i < n {
                out.extend_from_slice(new);
            }
            out.push(c);
        }
        if n > s.len() {
            out.extend_from_slice(new);
        }
        return Ok(d.make(out));
    }
    let needle = Needle::bytes(old);
    if new.len() > old.len() {
        let n = needle.find_all(s, 0, s.len(), max).count();
        let total =
            (new.len() - old.len()).checked_mul(n).and_then(|g| g.checked_add(s.len())).ok_or_else(too_long)?;
        check_size(vm, total)?;
    }
    let mut out = Vec::new();
    let mut last = 0;
    for at in needle.find_all(s, 0, s.len(), max) {
        out.extend_from_slice(&s[last..at]);
        out.extend_from_slice(new);
        last = at + old.len();
    }
    if last == 0 {
        return Ok(d.unchanged());
    }
    out.extend_from_slice(&s[last..]);
    Ok(d.make(out))
}

pub(super) fn maketrans(vm: &Vm, from: Buffer, to: Buffer) -> Res<Value> {
    if from.len() != to.len() {
        return Err(vm.value_error("maketrans arguments must have same length"));
    }
    let mut table: Vec<u8> = (0..=255).collect();
    for (&a, &b) in from.as_slice().iter().zip(to.as_slice()) {
        table[a as usize] = b;
    }
    Ok(make(false, table))
}

pub(super) fn translate(vm: &Vm, d: Data, table: Value, delete: Option<Value>) -> Res<Value> {
    let _held = d.held(vm)?;
    let table = if table.is_none() { None } else { Some(vm.buffer(table, flags::SIMPLE)?) };
    if table.as_ref().is_some_and(|t| t.len() != 256) {
        return Err(vm.value_error("translation table must be 256 characters long"));
    }
    let mut drop = [false; 256];
    if let Some(delete) = delete {
        vm.buffer(delete, flags::SIMPLE)?.as_slice().iter().for_each(|&c| drop[c as usize] = true);
    }
    let map = |c: u8| table.as_ref().map_or(c, |t| t.as_slice()[c as usize]);
    let out: Vec<u8> = d.slice().iter().filter(|&&c| !drop[c as usize]).map(|&c| map(c)).collect();
    Ok(if out == d.slice() { d.unchanged() } else { d.make(out) })
}
