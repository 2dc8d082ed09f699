//! Hexadecimal text.

use cape_vm::class::full_name;
use cape_vm::object::*;
use cape_vm::{Ptr, Res, Value, Vm, rt, type_of};

use super::Data;

const DIGITS: &[u8; 16] = b"0123456789abcdef";

/// `data` in hexadecimal, with `sep` between groups of `group` bytes: counted from the right when positive, from the left when negative.
pub fn to_hex(vm: &Vm, data: &[u8], sep: Value, group: Option<i32>) -> Res<Ptr<StrObj>> {
    let separator = if sep.is_empty() {
        None
    } else {
        let c = if let Some(s) = sep.downcast::<StrObj>() {
            if s.len() != 1 {
                return Err(vm.value_error("sep must be length 1."));
            }
            s.char_at(0)
        } else if let Some(b) = sep.downcast::<BytesObj>() {
            if vm.len(sep)? != 1 || b.len() != 1 {
                return Err(vm.value_error("sep must be length 1."));
            }
            b.as_slice()[0] as u32
        } else {
            return Err(match vm.len(sep) {
                Ok(1) => vm.type_error("sep must be str or bytes."),
                Ok(_) => vm.value_error("sep must be length 1."),
                Err(e) => e,
            });
        };
        if c > 127 {
            return Err(vm.value_error("sep must be ASCII."));
        }
        Some(c as u8)
    };
    let group = group.unwrap_or(1);
    let size = group.unsigned_abs() as usize;
    let mut out = Vec::with_capacity(data.len() * 3);
    for (i, &b) in data.iter().enumerate() {
        if let Some(c) = separator
            && i > 0
            && size > 0
            && (if group > 0 { (data.len() - i) % size == 0 } else { i % size == 0 })
        {
            out.push(c);
        }
        out.extend_from_slice(&[DIGITS[b as usize >> 4], DIGITS[b as usize & 15]]);
    }
    Ok(StrObj::from_latin1(&out))
}

pub(super) fn hex(vm: &Vm, d: Data, sep: Value, group: Option<i32>) -> Res<Ptr<StrObj>> {
    let _held = d.held(vm)?;
    to_hex(vm, d.slice(), sep, group)
}

pub(super) fn fromhex(vm: &Vm, cls: Ptr<TypeObj>, source: Value) -> Res<Value> {
    let data = if let Some(s) = source.downcast::<StrObj>() {
        parse(vm, s.len(), |i| s.char_at(i))?
    } else if vm.has_buffer(source) {
        let b = vm.bytes_like(source)?;
        let s = b.as_slice();
        parse(vm, s.len(), |i| s[i] as u32)?
    } else {
        return Err(vm.type_error(format!(
            "fromhex() argument must be str or bytes-like, not {}",
            full_name(type_of(source))
        )));
    };
    let array = cls.is_subtype(rt().types.bytearray);
    let made = super::make(array, data);
    if cls == rt().types.bytes || cls == rt().types.bytearray { Ok(made) } else { vm.call(cls.value(), &[made]) }
}

fn parse(vm: &Vm, n: usize, at: impl Fn(usize) -> u32) -> Res<Vec<u8>> {
    let digit = |c: u32| char::from_u32(c).filter(char::is_ascii).and_then(|c| c.to_digit(16));
    let bad = |i: usize| {
        vm.value_error(format!("non-hexadecimal number found in fromhex() arg at position {i}"))
    };
    let mut out = Vec::with_capacity(n / 2);
    let mut i = 0;
    while i < n {
        if matches!(at(i), 9..=13 | 32) {
            i += 1;
            continue;
        }
        let high = digit(at(i)).ok_or_else(|| bad(i))?;
        if i + 1 >= n {
            return Err(
                vm.value_error("fromhex() arg must contain an even number of hexadecimal digits")
            );
        }
        let low = digit(at(i + 1)).ok_or_else(|| bad(i + 1))?;
        out.push((high << 4 | low) as u8);
        i += 2;
    }
    Ok(out)
}
