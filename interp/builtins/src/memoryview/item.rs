//! Items in memory as Python values.

use cape_vm::object::*;
use cape_vm::{Ptr, Res, Value, Vm, rt};

/// The native format letter, when the format is one letter with an optional `@`.
pub(super) fn letter(format: &str) -> Option<u8> {
    let f = format.strip_prefix('@').unwrap_or(format);
    match *f.as_bytes() {
        [c] if size(c).is_some() => Some(c),
        _ => None,
    }
}

/// Bytes of an item of a native format.
pub(super) fn size(letter: u8) -> Option<usize> {
    Some(match letter {
        b'c' | b'b' | b'B' | b'?' => 1,
        b'h' | b'H' | b'e' => 2,
        b'i' | b'I' | b'f' => 4,
        b'l' | b'L' | b'q' | b'Q' | b'n' | b'N' | b'd' | b'P' => 8,
        _ => return None,
    })
}

/// Whether the bytes decide equality.
pub(super) fn is_integral(letter: u8) -> bool {
    !matches!(letter, b'e' | b'f' | b'd' | b'?')
}

fn array<const N: usize>(b: &[u8]) -> [u8; N] {
    let mut out = [0; N];
    out.copy_from_slice(&b[..N]);
    out
}

/// The value of an item; `data` has its size.
pub(super) fn unpack(letter: u8, data: &[u8]) -> Value {
    match letter {
        b'c' => BytesObj::new(data).value(),
        b'b' => Value::int(data[0] as i8 as i64),
        b'B' => Value::int(data[0] as i64),
        b'?' => Value::bool(data[0] != 0),
        b'h' => Value::int(i16::from_ne_bytes(array(data)) as i64),
        b'H' => Value::int(u16::from_ne_bytes(array(data)) as i64),
        b'i' => Value::int(i32::from_ne_bytes(array(data)) as i64),
        b'I' => Value::int(u32::from_ne_bytes(array(data)) as i64),
        b'l' | b'q' | b'n' => int_value(i64::from_ne_bytes(array(data))),
        b'L' | b'Q' | b'N' | b'P' => uint_value(u64::from_ne_bytes(array(data))),
        b'e' => Value::float(half_to_f64(u16::from_ne_bytes(array(data)))),
        b'f' => Value::float(f32::from_ne_bytes(array(data)) as f64),
        _ => Value::float(f64::from_ne_bytes(array(data))),
    }
}

/// An IEEE 754 half as a double.
pub fn half_to_f64(h: u16) -> f64 {
    let sign = if h >> 15 != 0 { -1.0 } else { 1.0 };
    let (e, m) = ((h >> 10 & 31) as i32, (h & 0x3ff) as f64);
    sign * match e {
        0 => m * 2f64.powi(-24),
        31 if m == 0.0 => f64::INFINITY,
        31 => return f64::from_bits(((h as u64 >> 15) << 63) | 0x7ff0_0000_0000_0000 | (h as u64 & 0x3ff) << 42),
        e => (1.0 + m / 1024.0) * 2f64.powi(e - 15),
    }
}

/// A double as an IEEE 754 half, rounded to even; `None` when too large.
pub fn f64_to_half(f: f64) -> Option<u16> {
    let sign = ((f.to_bits() >> 63) as u16) << 15;
    if f.is_nan() {
        let m = (f.to_bits() >> 42 & 0x3ff) as u16;
        return Some(sign | 0x7c00 | if m == 0 { 0x200 } else { m });
    }
    if f.is_infinite() {
        return Some(sign | 0x7c00);
    }
    let a = f.abs();
    if a < 2f64.powi(-14) {
        // Subnormal: units of 2^-24.
        return Some(sign | (a * 2f64.powi(24)).round_ties_even() as u16);
    }
    let e = ((a.to_bits() >> 52) as i32) - 1023;
    let m = (a / 2f64.powi(e) * 1024.0).round_ties_even();
    let (e, m) = if m >= 2048.0 { (e + 1, 1024.0) } else { (e, m) };
    if e > 15 {
        return None;
    }
    Some(sign | ((e + 15) as u16) << 10 | (m as u16 - 1024))
}

/// Packs a value; `out` has the item's size.
pub(super) fn pack(vm: &Vm, letter: u8, v: Value, out: &mut [u8]) -> Res<()> {
    let wrong_type = || vm.type_error(format!("memoryview: invalid type for format '{}'", letter as char));
    let wrong_value = || vm.value_error(format!("memoryview: invalid value for format '{}'", letter as char));
    match letter {
        b'c' => {
            let b: Ptr<BytesObj> = v.downcast().ok_or_else(wrong_type)?;
            match *b.as_slice() {
                [c] => out[0] = c,
                _ => return Err(wrong_value()),
            }
        }
        b'?' => out[0] = vm.truth(v)? as u8,
        b'e' | b'f' | b'd' => {
            let f = vm.to_f64(v).map_err(|e| match () {
                _ if e.is(rt().types.type_error) => wrong_type(),
                _ if e.is(rt().types.overflow_error) => wrong_value(),
                _ => e,
            })?;
            match letter {
                b'd' => out.copy_from_slice(&f.to_ne_bytes()),
                b'f' => {
                    let x = f as f32;
                    if x.is_infinite() && f.is_finite() {
                        return Err(wrong_value());
                    }
                    out.copy_from_slice(&x.to_ne_bytes());
                }
                _ => {
                    let h = f64_to_half(f).ok_or_else(wrong_value)?;
                    out.copy_from_slice(&h.to_ne_bytes());
                }
            }
        }
        _ => {
            let i = vm.index_int(v).map_err(|e| if e.is(rt().types.type_error) { wrong_type() } else { e })?;
            let i = i128::try_from(i.into_big()).map_err(|_| wrong_value())?;
            let n = out.len();
            let signed = matches!(letter, b'b' | b'h' | b'i' | b'l' | b'q' | b'n');
            let (min, max) = if signed {
                (-(1i128 << (8 * n - 1)), (1i128 << (8 * n - 1)) - 1)
            } else {
                (0, (1i128 << (8 * n)) - 1)
            };
            if !(min..=max).contains(&i) {
                return Err(wrong_value());
            }
            let bytes = i.to_le_bytes();
            out.copy_from_slice(&bytes[..n]);
            if cfg!(target_endian = "big") {
                out.reverse();
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves() {
        for h in 0..=u16::MAX {
            let f = half_to_f64(h);
            if !f.is_nan() {
                assert_eq!(f64_to_half(f), Some(h), "{h:x} {f}");
            }
        }
        assert_eq!(f64_to_half(65520.0), None);
        assert_eq!(f64_to_half(65519.0), Some(0x7bff));
        assert_eq!(f64_to_half(1e-30), Some(0));
    }
}
