//! Packing and unpacking of items.

use cape_builtins::int::from_le_bytes;
use cape_vm::object::*;
use cape_vm::{Ptr, Res, Value, Vm, rt};
use num_traits::{Signed, ToPrimitive};

use super::error;
use super::format::{ByteOrder, Code, Compiled, Kind};

/// Writes the values to `out`, which is zeroed and as long as the struct.
pub fn pack_items(vm: &Vm, c: &Compiled, args: &[Value], out: &mut [u8]) -> Res<()> {
    let mut args = args.iter();
    for code in c.codes.iter() {
        for i in 0..code.repeat {
            let at = code.offset + i * code.size;
            let Some(&v) = args.next() else { return Ok(()) };
            pack_one(vm, code, v, c.order, &mut out[at..at + code.size]).map_err(|e| {
                match e.is(rt().types.overflow_error) && Int::of(v).is_some() {
                    true => error(vm, "int too large to convert"),
                    false => e,
                }
            })?;
        }
    }
    Ok(())
}

/// Copies little-endian bytes in the wanted order.
fn put(out: &mut [u8], little: &[u8], order: ByteOrder) {
    out.copy_from_slice(&little[..out.len()]);
    if order == ByteOrder::Big {
        out.reverse();
    }
}

/// An unboxed int in `size` bytes; `None` when it does not fit.
fn small_int(kind: Kind, size: usize, v: Value) -> Option<[u8; 8]> {
    if !v.is_int() || size > 8 {
        return None;
    }
    let (i, bits) = (v.as_int(), 8 * size as u32);
    let fits = match kind {
        Kind::Signed => size == 8 || matches!(i >> (bits - 1), 0 | -1),
        Kind::Unsigned => i >= 0 && (size == 8 || i >> bits == 0),
        _ => false,
    };
    fits.then(|| i.to_le_bytes())
}

#[inline]
fn pack_one(vm: &Vm, code: &Code, v: Value, order: ByteOrder, out: &mut [u8]) -> Res<()> {
    match small_int(code.kind, code.size, v) {
        Some(bytes) => {
            put(out, &bytes, order);
            Ok(())
        }
        None => pack_any(vm, code, v, order, out),
    }
}

#[inline(never)]
fn pack_any(vm: &Vm, code: &Code, v: Value, order: ByteOrder, out: &mut [u8]) -> Res<()> {
    match code.kind {
        Kind::Signed | Kind::Unsigned => {
            let i = integer(vm, v)?;
            let bits = 8 * code.size as u32;
            let (low, high) = match code.kind {
                Kind::Signed => (-(1i128 << (bits - 1)), (1i128 << (bits - 1)) - 1),
                _ => (0, (1i128 << bits) - 1),
            };
            let word = match i {
                Int::Small(i) => Some(i as i128),
                Int::Big(b) => b.to_i128(),
            };
            match word.filter(|w| (low..=high).contains(w)) {
                Some(w) => put(out, &w.to_le_bytes(), order),
                None => {
                    return Err(error(
                        vm,
                        format!("'{}' format requires {low} <= number <= {high}", code.letter as char),
                    ));
                }
            }
        }
        Kind::Pointer => {
            let b = integer(vm, v)?.into_big();
            let negative = b.is_negative();
            let word = if negative { b.to_i64().map(|w| w as u64) } else { b.to_u64() };
            match word {
                Some(w) => put(out, &w.to_le_bytes(), order),
                None => return Err(vm.overflow_error("int too big to convert")),
            }
        }
        Kind::Bool => out[0] = vm.truth(v)? as u8,
        Kind::Char => match v.downcast::<BytesObj>() {
            Some(b) if b.len() == 1 => out[0] = b.as_slice()[0],
            _ => return Err(error(vm, "char format requires a bytes object of length 1")),
        },
        Kind::Bytes | Kind::Pascal => {
            let data = match (v.downcast::<BytesObj>(), v.downcast::<BytearrayObj>()) {
                (Some(b), _) => b.as_slice().to_vec(),
                (_, Some(b)) => b.as_slice().to_vec(),
                _ => {
                    return Err(error(
                        vm,
                        format!("argument for '{}' must be a bytes object", code.letter as char),
                    ));
                }
            };
            if code.kind == Kind::Bytes {
                let n = data.len().min(out.len());
                out[..n].copy_from_slice(&data[..n]);
            } else if !out.is_empty() {
                let n = data.len().min(out.len() - 1);
                out[1..=n].copy_from_slice(&data[..n]);
                out[0] = n.min(255) as u8;
            }
        }
        Kind::Float => {
            let f = vm.to_f64(v).map_err(|_| error(vm, "required argument is not a float"))?;
            pack_float(vm, f, order, out)?;
        }
        Kind::Complex => {
            let z = match cape_builtins::complex::as_complex(vm, v) {
                Ok(Some(z)) => z,
                _ => match vm.to_f64(v) {
                    Ok(f) => (f, 0.0),
                    Err(_) => return Err(error(vm, "required argument is not a complex")),
                },
            };
            let (re, im) = out.split_at_mut(code.size / 2);
            pack_float(vm, z.0, order, re)?;
            pack_float(vm, z.1, order, im)?;
        }
    }
    Ok(())
}

fn integer(vm: &Vm, v: Value) -> Res<Int> {
    if let Some(i) = Int::of(v) {
        return Ok(i);
    }
    if !cape_builtins::slicing::is_index(v) {
        return Err(error(vm, "required argument is not an integer"));
    }
    vm.index_int(v)
}

/// Writes a float of 2, 4 or 8 bytes.
pub fn pack_float(vm: &Vm, f: f64, order: ByteOrder, out: &mut [u8]) -> Res<()> {
    let too_large = |letter: char| vm.overflow_error(format!("float too large to pack with {letter} format"));
    match out.len() {
        2 => match to_half(f) {
            Some(h) => put(out, &h.to_le_bytes(), order),
            None => return Err(too_large('e')),
        },
        4 => {
            let s = f as f32;
            if s.is_infinite() && f.is_finite() {
                return Err(too_large('f'));
            }
            put(out, &s.to_le_bytes(), order);
        }
        _ => put(out, &f.to_le_bytes(), order),
    }
    Ok(())
}

/// IEEE half precision, rounded half to even; `None` when the value is too large.
fn to_half(f: f64) -> Option<u16> {
    let sign = (f.is_sign_negative() as u16) << 15;
    if f.is_nan() {
        return Some(sign | 0x7e00);
    }
    if f.is_infinite() {
        return Some(sign | 0x7c00);
    }
    let a = f.abs();
    if a == 0.0 {
        return Some(sign);
    }
    let (m, e) = cape_vm::ops::frexp(a);
    // a = m * 2**e with m in [0.5, 1): the exponent of the leading bit is e - 1.
    let lead = e - 1;
    if lead >= 16 {
        return None;
    }
    // Units of the last place: 2**(lead - 10), at least 2**-24.
    let unit = (lead - 10).max(-24);
    let scaled = if e < -30 { 0.0 } else { cape_builtins::libm::ldexp(m, e - unit).round_ties_even() } as u16;
    let bits = if lead < -14 { scaled } else { (((lead + 14) as u16) << 10) + scaled };
    if bits >= 0x7c00 { None } else { Some(sign | bits) }
}

fn from_half(h: u16) -> f64 {
    let sign = if h >> 15 == 1 { -1.0 } else { 1.0 };
    let (e, m) = ((h >> 10 & 0x1f) as i32, (h & 0x3ff) as f64);
    sign * match e {
        0x1f if m == 0.0 => f64::INFINITY,
        0x1f => return f64::NAN,
        0 => cape_builtins::libm::ldexp(m, -24),
        _ => cape_builtins::libm::ldexp(m + 1024.0, e - 25),
    }
}

/// The values of a struct whose bytes these are.
pub fn unpack_items(c: &Compiled, data: &[u8]) -> Ptr<TupleObj> {
    if c.items <= FEW {
        let mut some = [Value::EMPTY; FEW];
        each_item(c, data, |i, v| some[i] = v);
        return TupleObj::new(&some[..c.items]);
    }
    let out = TupleObj::uninit(c.items);
    each_item(c, data, |i, v| out.init(i, v));
    out
}

/// Items that are gathered before the tuple is made.
const FEW: usize = 16;

/// Calls `f` with each value and its number.
#[inline]
fn each_item(c: &Compiled, data: &[u8], mut f: impl FnMut(usize, Value)) {
    let mut n = 0;
    for code in c.codes.iter() {
        for i in 0..code.repeat {
            let at = code.offset + i * code.size;
            f(n, unpack_one(code, &data[at..at + code.size], c.order));
            n += 1;
        }
    }
}

fn unpack_one(code: &Code, data: &[u8], order: ByteOrder) -> Value {
    let mut word = [0u8; 16];
    let mut ordered = |data: &[u8]| {
        word[..data.len()].copy_from_slice(data);
        if order == ByteOrder::Big {
            word[..data.len()].reverse();
        }
        word
    };
    match code.kind {
        Kind::Signed | Kind::Unsigned if data.len() < 8 => {
            let word = ordered(data);
            let bits = 64 - 8 * data.len() as u32;
            let [a, b, c, d, e, f, g, h, ..] = word;
            let i = i64::from_le_bytes([a, b, c, d, e, f, g, h]) << bits;
            int_value(if code.kind == Kind::Signed { i >> bits } else { (i as u64 >> bits) as i64 })
        }
        Kind::Signed => from_le_bytes(&ordered(data)[..data.len()], true),
        Kind::Unsigned | Kind::Pointer => from_le_bytes(&ordered(data)[..data.len()], false),
        Kind::Bool => Value::bool(data[0] != 0),
        Kind::Char | Kind::Bytes => BytesObj::new(data).value(),
        Kind::Pascal => {
            let n = data.first().map_or(0, |&n| (n as usize).min(data.len() - 1));
            BytesObj::new(data.get(1..=n).unwrap_or(&[])).value()
        }
        Kind::Float => Value::float(unpack_float(data, order)),
        Kind::Complex => {
            let (re, im) = data.split_at(data.len() / 2);
            ComplexObj::new(unpack_float(re, order), unpack_float(im, order)).value()
        }
    }
}

/// Reads a float of 2, 4 or 8 bytes.
pub fn unpack_float(data: &[u8], order: ByteOrder) -> f64 {
    let mut b = [0u8; 8];
    b[..data.len()].copy_from_slice(data);
    if order == ByteOrder::Big {
        b[..data.len()].reverse();
    }
    match data.len() {
        2 => from_half(u16::from_le_bytes([b[0], b[1]])),
        4 => f32::from_le_bytes([b[0], b[1], b[2], b[3]]) as f64,
        _ => f64::from_le_bytes(b),
    }
}


#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves() {
        for (f, h) in [
            (1.0, 0x3c00),
            (-2.0, 0xc000),
            (65504.0, 0x7bff),
            (5.960464477539063e-08, 1),
            (6.097555160522461e-05, 0x3ff),
            (6.103515625e-05, 0x400),
            (0.333251953125, 0x3555),
        ] {
            assert_eq!(to_half(f), Some(h), "{f}");
            assert_eq!(from_half(h), f);
        }
        assert_eq!(to_half(65519.9), Some(0x7bff));
        assert_eq!(to_half(65520.0), None);
        assert_eq!(to_half(2f64.powi(-25)), Some(0));
        assert_eq!(to_half(2f64.powi(-25) * 1.0001), Some(1));
        assert_eq!(to_half(1.0 + 2f64.powi(-11)), Some(0x3c00));
        assert_eq!(to_half(2047.5), Some(0x6800));
    }
}
