//! Searching and replacing.

use cape_vm::class::full_name;
use cape_vm::object::*;

use cape_vm::{Ptr, Res, Value, Vm, type_of};
use smallvec::SmallVec;

use super::exact;
use crate::search::Needle;
use crate::slicing::{Bound, search_range};

type Str = Ptr<StrObj>;

fn locate(s: Str, sub: Str, start: Bound, end: Bound, last: bool) -> Option<usize> {
    let (from, to) = search_range(start, end, s.len());
    let needle = Needle::in_str(&s, &sub)?;
    if last { needle.rfind(s.raw_bytes(), from, to) } else { needle.find(s.raw_bytes(), from, to) }
}

fn or_minus_one(i: Option<usize>) -> isize {
    i.map_or(-1, |i| i as isize)
}

pub(super) fn find(_: &Vm, s: Str, sub: Str, start: Bound, end: Bound) -> isize {
    or_minus_one(locate(s, sub, start, end, false))
}

pub(super) fn rfind(_: &Vm, s: Str, sub: Str, start: Bound, end: Bound) -> isize {
    or_minus_one(locate(s, sub, start, end, true))
}

pub(super) fn index(vm: &Vm, s: Str, sub: Str, start: Bound, end: Bound) -> Res<usize> {
    locate(s, sub, start, end, false).ok_or_else(|| vm.value_error("substring not found"))
}

pub(super) fn rindex(vm: &Vm, s: Str, sub: Str, start: Bound, end: Bound) -> Res<usize> {
    locate(s, sub, start, end, true).ok_or_else(|| vm.value_error("substring not found"))
}

pub(super) fn count(_: &Vm, s: Str, sub: Str, start: Bound, end: Bound) -> usize {
    let (from, to) = search_range(start, end, s.len());
    Needle::in_str(&s, &sub).map_or(0, |n| n.count(s.raw_bytes(), from, to))
}

pub(super) fn contains(vm: &Vm, s: Str, sub: Value) -> Res<bool> {
    let Some(sub) = sub.downcast::<StrObj>() else {
        return Err(vm.type_error(format!(
            "'in <string>' requires string as left operand, not {}",
            full_name(type_of(sub))
        )));
    };
    Ok(locate(s, sub, Bound(None), Bound(None), false).is_some())
}

fn affix(vm: &Vm, s: Str, what: Value, start: Bound, end: Bound, name: &str, at_end: bool) -> Res<bool> {
    let (from, to) = search_range(start, end, s.len());
    let test = |sub: Str| {
        let Some(n) = Needle::in_str(&s, &sub) else { return false };
        if from > to || to - from < n.len() {
            return false;
        }
        n.matches_at(s.raw_bytes(), if at_end { to - n.len() } else { from }, to)
    };
    if let Some(sub) = what.downcast::<StrObj>() {
        return Ok(test(sub));
    }
    let Some(options) = what.downcast::<TupleObj>() else {
        return Err(vm.type_error(format!(
            "{name} first arg must be str or a tuple of str, not {}",
            full_name(type_of(what))
        )));
    };
    for &o in options.as_slice() {
        let Some(sub) = o.downcast::<StrObj>() else {
            return Err(vm.type_error(format!(
                "tuple for {name} must only contain str, not {}",
                full_name(type_of(o))
            )));
        };
        if test(sub) {
            return Ok(true);
        }
    }
    Ok(false)
}

pub(super) fn startswith(vm: &Vm, s: Str, prefix: Value, start: Bound, end: Bound) -> Res<bool> {
    affix(vm, s, prefix, start, end, "startswith", false)
}

pub(super) fn endswith(vm: &Vm, s: Str, suffix: Value, start: Bound, end: Bound) -> Res<bool> {
    affix(vm, s, suffix, start, end, "endswith", true)
}

pub(super) fn removeprefix(_: &Vm, s: Str, prefix: Str) -> Str {
    match Needle::in_str(&s, &prefix) {
        Some(n) if !n.is_empty() && n.matches_at(s.raw_bytes(), 0, s.len()) => s.substring(n.len(), s.len()),
        _ => exact(s),
    }
}

pub(super) fn removesuffix(_: &Vm, s: Str, suffix: Str) -> Str {
    match Needle::in_str(&s, &suffix) {
        Some(n) if !n.is_empty() && n.len() <= s.len() && n.matches_at(s.raw_bytes(), s.len() - n.len(), s.len()) => {
            s.substring(0, s.len() - n.len())
        }
        _ => exact(s),
    }
}

pub(super) fn replace(vm: &Vm, s: Str, old: Str, new: Str, count: Option<isize>) -> Res<Str> {
    let max = match count {
        Some(n) if n >= 0 => n as usize,
        _ => usize::MAX,
    };
    let Some(needle) = Needle::in_str(&s, &old) else { return Ok(exact(s)) };
    if max == 0 || needle.len() > s.len() {
        return Ok(exact(s));
    }
    if needle.is_empty() {
        let n = max.min(s.len() + 1);
        check_growth(vm, s.len(), n, new.len())?;
        let mut out = StrBuilder::with_capacity(s.len() + n * new.len());
        for i in 0..s.len() {
            if i < n {
                out.push_obj(&new);
            }
            out.push(s.char_at(i));
        }
        if n > s.len() {
            out.push_obj(&new);
        }
        return Ok(out.finish());
    }
    let raw = s.raw_bytes();
    if s.kind() == StrKind::One && new.kind() == StrKind::One {
        return replace_narrow(vm, s, &needle, new, max);
    }
    let mut out: Option<StrBuilder> = None;
    let mut last = 0;
    for at in needle.find_all(raw, 0, s.len(), max) {
        let out = out.get_or_insert_with(|| StrBuilder::with_capacity(s.len()));
        out.push_part(&s, last, at);
        out.push_obj(&new);
        last = at + needle.len();
    }
    let Some(mut out) = out else { return Ok(exact(s)) };
    out.push_part(&s, last, s.len());
    Ok(out.finish())
}

fn check_growth(vm: &Vm, len: usize, n: usize, new: usize) -> Res<()> {
    match new.checked_mul(n).and_then(|g| g.checked_add(len)) {
        Some(t) if t <= isize::MAX as usize => crate::bytes::check_size(vm, t),
        _ => Err(vm.overflow_error("replace string is too long")),
    }
}

fn replace_narrow(vm: &Vm, s: Str, needle: &Needle<'_>, new: Str, max: usize) -> Res<Str> {
    let (h, new) = (s.data1(), new.data1());
    let mut finds = needle.find_all(h, 0, h.len(), max);
    let Some(first) = finds.next() else { return Ok(exact(s)) };
    if let ([new], 1) = (new, needle.len()) {
        let old = h[first];
        let mut out: SmallVec<[u8; 256]> = h.into();
        if max == usize::MAX {
            out[first..].iter_mut().for_each(|c| *c = if *c == old { *new } else { *c });
        } else {
            out[first..].iter_mut().filter(|c| **c == old).take(max).for_each(|c| *c = *new);
        }
        return Ok(StrObj::from_latin1(&out));
    }
    if new.len() > needle.len() {
        let n = 1 + needle.find_all(h, first + needle.len(), h.len(), max - 1).count();
        check_growth(vm, h.len(), n, new.len() - needle.len())?;
    }
    let mut out = Vec::with_capacity(h.len() + new.len());
    out.extend_from_slice(&h[..first]);
    out.extend_from_slice(new);
    let mut last = first + needle.len();
    for at in finds {
        out.extend_from_slice(&h[last..at]);
        out.extend_from_slice(new);
        last = at + needle.len();
    }
    out.extend_from_slice(&h[last..]);
    Ok(StrObj::from_latin1(&out))
}
