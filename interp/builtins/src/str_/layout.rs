//! Stripping and padding.

use cape_vm::class::full_name;
use cape_vm::object::*;
use cape_vm::{Ptr, Res, Value, Vm, type_of};

use super::exact;
use crate::unicode;

type Str = Ptr<StrObj>;

fn strip_ends(vm: &Vm, s: Str, chars: Value, left: bool, right: bool, name: &str) -> Res<Str> {
    let (mut from, mut to) = (0, s.len());
    let mut run = |drop: &dyn Fn(u32) -> bool| {
        while left && from < to && drop(s.char_at(from)) {
            from += 1;
        }
        while right && to > from && drop(s.char_at(to - 1)) {
            to -= 1;
        }
    };
    if chars.is_empty() || chars.is_none() {
        run(&unicode::is_space);
    } else {
        let Some(set) = chars.downcast::<StrObj>() else {
            return Err(vm.type_error(format!("{name} arg must be None or str")));
        };
        match set.len() {
            1 => {
                let only = set.char_at(0);
                run(&|c| c == only)
            }
            _ if set.kind() == StrKind::One => {
                run(&|c| c < 256 && memchr::memchr(c as u8, set.data1()).is_some())
            }
            _ => run(&|c| set.chars().any(|x| x == c)),
        }
    }
    Ok(if from == 0 && to == s.len() { exact(s) } else { s.substring(from, to) })
}

pub(super) fn strip(vm: &Vm, s: Str, chars: Value) -> Res<Str> {
    strip_ends(vm, s, chars, true, true, "strip")
}

pub(super) fn lstrip(vm: &Vm, s: Str, chars: Value) -> Res<Str> {
    strip_ends(vm, s, chars, true, false, "lstrip")
}

pub(super) fn rstrip(vm: &Vm, s: Str, chars: Value) -> Res<Str> {
    strip_ends(vm, s, chars, false, true, "rstrip")
}

/// The string between `left` and `right` fill characters.
pub(crate) fn pad(vm: &Vm, s: Str, left: usize, right: usize, fill: u32) -> Res<Str> {
    if left == 0 && right == 0 {
        return Ok(exact(s));
    }
    match left.checked_add(right).and_then(|p| p.checked_add(s.len())) {
        Some(total) if total <= isize::MAX as usize => crate::bytes::check_size(vm, total)?,
        _ => return Err(vm.overflow_error("padded string is too long")),
    }
    let mut out = StrBuilder::with_capacity(left + right + s.len());
    out.push_n(fill, left);
    out.push_obj(&s);
    out.push_n(fill, right);
    Ok(out.finish())
}

fn fill_char(vm: &Vm, fill: Value) -> Res<u32> {
    if fill.is_empty() {
        return Ok(0x20);
    }
    let Some(f) = fill.downcast::<StrObj>() else {
        return Err(vm.type_error(format!(
            "The fill character must be a unicode character, not {}",
            full_name(type_of(fill))
        )));
    };
    if f.len() != 1 {
        return Err(vm.type_error("The fill character must be exactly one character long"));
    }
    Ok(f.char_at(0))
}

fn missing(s: Str, width: isize) -> usize {
    (width.max(0) as usize).saturating_sub(s.len())
}

pub(super) fn center(vm: &Vm, s: Str, width: isize, fill: Value) -> Res<Str> {
    let fill = fill_char(vm, fill)?;
    let n = missing(s, width);
    // The odd one goes to the left when the width is odd.
    let left = n / 2 + (n & width as usize & 1);
    pad(vm, s, left, n - left, fill)
}

pub(super) fn ljust(vm: &Vm, s: Str, width: isize, fill: Value) -> Res<Str> {
    let fill = fill_char(vm, fill)?;
    pad(vm, s, 0, missing(s, width), fill)
}

pub(super) fn rjust(vm: &Vm, s: Str, width: isize, fill: Value) -> Res<Str> {
    let fill = fill_char(vm, fill)?;
    pad(vm, s, missing(s, width), 0, fill)
}

pub(super) fn zfill(vm: &Vm, s: Str, width: isize) -> Res<Str> {
    let n = missing(s, width);
    let signed = !s.is_empty() && matches!(s.char_at(0), 0x2b | 0x2d);
    if n == 0 || !signed {
        return pad(vm, s, n, 0, 0x30);
    }
    crate::bytes::check_size(vm, n)?;
    let mut out = StrBuilder::with_capacity(n + s.len());
    out.push(s.char_at(0));
    out.push_n(0x30, n);
    out.push_part(&s, 1, s.len());
    Ok(out.finish())
}

pub(super) fn expandtabs(vm: &Vm, s: Str, tabsize: Option<i32>) -> Res<Str> {
    let tab = tabsize.unwrap_or(8).max(0) as usize;
    if !s.chars().any(|c| c == 9) {
        return Ok(exact(s));
    }
    let mut total: usize = 0;
    let mut column = 0;
    for c in s.chars() {
        let n = if c == 9 { if tab > 0 { tab - column % tab } else { 0 } } else { 1 };
        column = if matches!(c, 10 | 13) { 0 } else { column + n };
        total += n;
        if total > isize::MAX as usize {
            return Err(vm.overflow_error("new string is too long"));
        }
    }
    crate::bytes::check_size(vm, total)?;
    let mut out = StrBuilder::with_capacity(total);
    column = 0;
    for c in s.chars() {
        if c == 9 {
            let n = if tab > 0 { tab - column % tab } else { 0 };
            out.push_n(0x20, n);
            column += n;
        } else {
            out.push(c);
            column = if matches!(c, 10 | 13) { 0 } else { column + 1 };
        }
    }
    Ok(out.finish())
}
