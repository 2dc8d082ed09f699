//! Splitting and joining.

use cape_vm::class::full_name;
use cape_vm::object::*;
use cape_vm::{Ptr, Res, Value, Vm, rt, type_of};

use super::exact;
use crate::search::Needle;
use crate::unicode;

type Str = Ptr<StrObj>;

fn limit(n: Option<isize>) -> usize {
    match n {
        Some(n) if n >= 0 => n as usize,
        _ => usize::MAX,
    }
}

/// The separator argument: None, or a string that is not empty.
fn separator(vm: &Vm, sep: Value) -> Res<Option<Str>> {
    if sep.is_empty() || sep.is_none() {
        return Ok(None);
    }
    match sep.downcast::<StrObj>() {
        Some(s) if s.is_empty() => Err(vm.value_error("empty separator")),
        Some(s) => Ok(Some(s)),
        None => Err(vm.type_error(format!("must be str or None, not {}", full_name(type_of(sep))))),
    }
}

/// Piece `from..to`; the whole string is itself.
fn piece(s: Str, from: usize, to: usize) -> Value {
    if from == 0 && to == s.len() { exact(s).value() } else { s.substring(from, to).value() }
}

fn space_at(s: Str, i: usize) -> bool {
    unicode::is_space(s.char_at(i))
}

pub(super) fn split(vm: &Vm, s: Str, sep: Value, maxsplit: Option<isize>) -> Res<Ptr<ListObj>> {
    let max = limit(maxsplit);
    let mut out = ValueVec::new();
    let n = s.len();
    if let Some(sep) = separator(vm, sep)? {
        let mut last = 0;
        if let Some(needle) = Needle::in_str(&s, &sep) {
            for at in needle.find_all(s.raw_bytes(), 0, n, max) {
                out.push(piece(s, last, at));
                last = at + needle.len();
            }
        }
        out.push(piece(s, last, n));
        return Ok(ListObj::from_vec(out));
    }
    if s.kind() == StrKind::One && max == usize::MAX {
        split_narrow(s, &mut out);
        return Ok(ListObj::from_vec(out));
    }
    let mut i = 0;
    loop {
        while i < n && space_at(s, i) {
            i += 1;
        }
        if i == n {
            break;
        }
        let start = i;
        if out.len() == max {
            // What is left is one piece, whitespace at its end included.
            out.push(piece(s, start, n));
            break;
        }
        while i < n && !space_at(s, i) {
            i += 1;
        }
        out.push(piece(s, start, i));
    }
    Ok(ListObj::from_vec(out))
}

/// All pieces between whitespace of a string of one-byte characters.
fn split_narrow(s: Str, out: &mut ValueVec) {
    const SPACES: [bool; 256] = {
        let mut spaces = [false; 256];
        let mut b = 0;
        while b < spaces.len() {
            spaces[b] = matches!(b, 9..=13 | 28..=32 | 0x85 | 0xa0);
            b += 1;
        }
        spaces
    };
    let is_space = |b: u8| SPACES[b as usize];
    let d = s.data1();
    let mut i = 0;
    while let Some(skipped) = d[i..].iter().position(|&b| !is_space(b)) {
        let start = i + skipped;
        i = d[start..].iter().position(|&b| is_space(b)).map_or(d.len(), |n| start + n);
        out.push(piece(s, start, i));
    }
}

pub(super) fn rsplit(vm: &Vm, s: Str, sep: Value, maxsplit: Option<isize>) -> Res<Ptr<ListObj>> {
    let max = limit(maxsplit);
    let mut out = ValueVec::new();
    let mut end = s.len();
    if let Some(sep) = separator(vm, sep)? {
        if let Some(needle) = Needle::in_str(&s, &sep) {
            while out.len() < max
                && let Some(at) = needle.rfind(s.raw_bytes(), 0, end)
            {
                out.push(piece(s, at + needle.len(), end));
                end = at;
            }
        }
        out.push(piece(s, 0, end));
    } else {
        loop {
            while end > 0 && space_at(s, end - 1) {
                end -= 1;
            }
            if end == 0 {
                break;
            }
            let mut i = end;
            if out.len() == max {
                out.push(piece(s, 0, end));
                break;
            }
            while i > 0 && !space_at(s, i - 1) {
                i -= 1;
            }
            out.push(piece(s, i, end));
            end = i;
        }
    }
    out.as_mut_slice().reverse();
    out.touched();
    Ok(ListObj::from_vec(out))
}

fn partition_at(vm: &Vm, s: Str, sep: Str, last: bool) -> Res<Ptr<TupleObj>> {
    if sep.is_empty() {
        return Err(vm.value_error("empty separator"));
    }
    let at = Needle::in_str(&s, &sep).and_then(|n| {
        let raw = s.raw_bytes();
        if last { n.rfind(raw, 0, s.len()) } else { n.find(raw, 0, s.len()) }
    });
    let empty = rt().empty_str().value();
    let items = match (at, last) {
        (Some(i), _) => [piece(s, 0, i), exact(sep).value(), piece(s, i + sep.len(), s.len())],
        (None, false) => [exact(s).value(), empty, empty],
        (None, true) => [empty, empty, exact(s).value()],
    };
    Ok(TupleObj::new(&items))
}

pub(super) fn partition(vm: &Vm, s: Str, sep: Str) -> Res<Ptr<TupleObj>> {
    partition_at(vm, s, sep, false)
}

pub(super) fn rpartition(vm: &Vm, s: Str, sep: Str) -> Res<Ptr<TupleObj>> {
    partition_at(vm, s, sep, true)
}

pub(super) fn splitlines(_: &Vm, s: Str, keepends: Option<bool>) -> Ptr<ListObj> {
    let keep = keepends.unwrap_or(false);
    let mut out = ValueVec::new();
    let (n, mut start, mut i) = (s.len(), 0, 0);
    while i < n {
        let c = s.char_at(i);
        if !unicode::is_line_break(c) {
            i += 1;
            continue;
        }
        let end = i;
        i += if c == 13 && i + 1 < n && s.char_at(i + 1) == 10 { 2 } else { 1 };
        out.push(piece(s, start, if keep { i } else { end }));
        start = i;
    }
    if start < n {
        out.push(piece(s, start, n));
    }
    ListObj::from_vec(out)
}

pub(super) fn join(vm: &Vm, sep: Str, iterable: Value) -> Res<Str> {
    let items = vm.list_of_iterable(iterable, "can only join an iterable")?;
    let parts = items.as_slice();
    for (i, v) in parts.iter().enumerate() {
        if !v.is::<StrObj>() {
            return Err(vm.type_error(format!(
                "sequence item {i}: expected str instance, {} found",
                full_name(type_of(*v))
            )));
        }
    }
    if let [one] = parts {
        // A single exact string is returned as it is.
        let s: Str = one.downcast().expect("checked above");
        return Ok(exact(s));
    }
    if parts.is_empty() {
        return Ok(rt().empty_str());
    }
    Ok(StrObj::join(&sep, parts))
}
