//! Sums and products of ints on the digits where they are: no big integer is made of them.

use cape_heap::{Ptr, Value};
use smallvec::SmallVec;

use super::long::{LongObj, i128_value, magnitude_value};
use crate::runtime::rt;

/// The digits of a result, base 2^64, least significant first.
pub type Digits = SmallVec<[u64; 16]>;

/// Sign and magnitude of an int of any representation.
struct Parts {
    negative: bool,
    long: Option<Ptr<LongObj>>,
    /// The magnitude of an unboxed one.
    small: u64,
}

impl Parts {
    #[inline]
    fn of(v: Value) -> Option<Parts> {
        if v.is_ptr() {
            let long = v.downcast::<LongObj>()?;
            return Some(Parts { negative: long.is_negative(), long: Some(long), small: 0 });
        }
        let i = match v {
            Value::TRUE => 1,
            Value::FALSE => 0,
            v if v.is_int() => v.as_int(),
            _ => return None,
        };
        Some(Parts { negative: i < 0, long: None, small: i.unsigned_abs() })
    }

    /// Its digits; the highest may be zero.
    #[inline]
    fn digits(&self) -> &[u64] {
        match &self.long {
            Some(l) => l.double_digits(),
            None => std::slice::from_ref(&self.small),
        }
    }
}

/// An int whose magnitude is one digit.
#[inline(always)]
fn short(v: Value) -> Option<i128> {
    if v.is_int() {
        return Some(v.as_int() as i128);
    }
    let l = v.downcast::<LongObj>()?;
    match *l.double_digits() {
        [m] if l.is_negative() => Some(-(m as i128)),
        [m] => Some(m as i128),
        _ => None,
    }
}

/// `a + b`; `None` unless both are ints (`bool` and subclasses included).
pub fn add(a: Value, b: Value) -> Option<Value> {
    if let (Some(x), Some(y)) = (short(a), short(b)) {
        return Some(i128_value(x + y));
    }
    Some(sum(&Parts::of(a)?, &Parts::of(b)?, false))
}

/// Magnitudes of up to so many digits are added where the result is made at once.
const FEW: usize = 8;

/// The sum of two heap ints. (In a frame of its own: it has room that nobody writes, where words from earlier keep objects alive.)
#[inline(never)]
pub fn sum_of_longs(a: Ptr<LongObj>, b: Ptr<LongObj>) -> Value {
    let (x, y) = (a.double_digits(), b.double_digits());
    if let ([x], [y]) = (x, y) {
        if a.is_negative() == b.is_negative()
            && let Some(sum) = x.checked_add(*y)
        {
            return magnitude_value(a.is_negative(), sum);
        }
        let signed = |m: u64, negative: bool| if negative { -(m as i128) } else { m as i128 };
        return i128_value(signed(*x, a.is_negative()) + signed(*y, b.is_negative()));
    }
    let (long, short) = if x.len() < y.len() { (y, x) } else { (x, y) };
    if a.is_negative() != b.is_negative() || long.len() > FEW {
        let parts = |l: Ptr<LongObj>| Parts { negative: l.is_negative(), long: Some(l), small: 0 };
        return sum(&parts(a), &parts(b), false);
    }
    let mut out = [0; FEW + 1];
    let mut carry = 0;
    for (i, &d) in long.iter().enumerate() {
        let wide = d as u128 + short.get(i).copied().unwrap_or(0) as u128 + carry;
        out[i] = wide as u64;
        carry = wide >> 64;
    }
    out[long.len()] = carry as u64;
    // (The highest digit of the longer one is not zero; two digits are more than an unboxed int has.)
    let n = long.len() + carry as usize;
    LongObj::from_double_digits(rt().maps.int, a.is_negative(), &out[..n]).value()
}

/// `a - b`, as [`add`].
pub fn sub(a: Value, b: Value) -> Option<Value> {
    if let (Some(x), Some(y)) = (short(a), short(b)) {
        return Some(i128_value(x - y));
    }
    Some(sum(&Parts::of(a)?, &Parts::of(b)?, true))
}

/// Of longer numbers there are faster ways to make a product.
const SCHOOL: usize = 24;

/// `a * b`; `None` unless both are ints (`bool` and subclasses included), and one of them is no very long one.
pub fn mul(a: Value, b: Value) -> Option<Value> {
    let (a, b) = (Parts::of(a)?, Parts::of(b)?);
    let (x, y) = (a.digits(), b.digits());
    let negative = a.negative != b.negative;
    if let ([x], [y]) = (x, y) {
        let p = *x as u128 * *y as u128;
        return Some(finish(negative, &[p as u64, (p >> 64) as u64]));
    }
    let (long, short) = if x.len() < y.len() { (y, x) } else { (x, y) };
    (short.len() <= SCHOOL).then(|| finish(negative, &product(long, short)))
}

/// The product of two magnitudes.
fn product(x: &[u64], y: &[u64]) -> Digits {
    let mut out = Digits::from_elem(0, x.len() + y.len());
    for (i, &d) in y.iter().enumerate() {
        let mut carry = 0;
        for (o, &e) in out[i..].iter_mut().zip(x) {
            let t = d as u128 * e as u128 + *o as u128 + carry as u128;
            (*o, carry) = (t as u64, (t >> 64) as u64);
        }
        out[i + x.len()] = carry;
    }
    out
}

fn sum(a: &Parts, b: &Parts, minus: bool) -> Value {
    let (x, y) = (a.digits(), b.digits());
    let b_negative = b.negative != minus;
    if a.negative == b_negative {
        return finish(a.negative, &together(x, y));
    }
    match difference(x, y) {
        (d, false) => finish(a.negative, &d),
        (d, true) => finish(b_negative, &d),
    }
}

/// The sum of two magnitudes.
fn together(x: &[u64], y: &[u64]) -> Digits {
    let (long, short) = if x.len() < y.len() { (y, x) } else { (x, y) };
    let mut out = Digits::from_slice(long);
    let mut carry = false;
    for (d, &other) in out.iter_mut().zip(short) {
        let (s, over) = d.overflowing_add(other);
        let (s, again) = s.overflowing_add(carry as u64);
        *d = s;
        carry = over | again;
    }
    if carry {
        increase(&mut out, short.len());
    }
    out
}

/// Adds one to the digits from `from` on.
pub fn increase(digits: &mut Digits, from: usize) {
    for d in &mut digits[from..] {
        let (s, over) = d.overflowing_add(1);
        *d = s;
        if !over {
            return;
        }
    }
    digits.push(1);
}

/// The difference of two magnitudes, and whether the second is the larger.
fn difference(x: &[u64], y: &[u64]) -> (Digits, bool) {
    let at = |d: &[u64], i: usize| d.get(i).copied().unwrap_or(0);
    let highest = (0..x.len().max(y.len())).rev().find(|&i| at(x, i) != at(y, i));
    let second = highest.is_some_and(|i| at(x, i) < at(y, i));
    let (large, small) = if second { (y, x) } else { (x, y) };
    let end = highest.map_or(0, |i| i + 1);
    let mut out = Digits::from_slice(&large[..end]);
    let mut borrow = false;
    for (i, d) in out.iter_mut().enumerate() {
        if i >= small.len() && !borrow {
            break;
        }
        let (r, under) = d.overflowing_sub(at(small, i));
        let (r, again) = r.overflowing_sub(borrow as u64);
        *d = r;
        borrow = under | again;
    }
    (out, second)
}

/// An `int` from a sign and digits base 2^64, of which the highest may be zero.
pub fn finish(negative: bool, digits: &[u64]) -> Value {
    match digits.iter().rposition(|&d| d != 0) {
        None => Value::int(0),
        Some(0) => i128_value(if negative { -(digits[0] as i128) } else { digits[0] as i128 }),
        Some(i) => LongObj::from_double_digits(rt().maps.int, negative, &digits[..=i]).value(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(digits: &[u64]) -> u128 {
        digits.iter().rev().fold(0, |v, &d| v.checked_shl(64).unwrap_or(0) | d as u128)
    }

    #[test]
    fn magnitudes() {
        let numbers: [u128; 8] =
            [0, 1, u32::MAX as u128, u64::MAX as u128, 1 << 64, (1 << 96) - 1, 1 << 96, (1 << 126) + 12345];
        let digits = |v: u128| [v as u64, (v >> 64) as u64];
        for a in numbers {
            for b in numbers {
                for (x, y) in [(&digits(a)[..], &digits(b)[..]), (&digits(a), &digits(b)[..1])] {
                    let (a, b) = (value(x), value(y));
                    assert_eq!(value(&together(x, y)), a + b);
                    let (d, second) = difference(x, y);
                    assert_eq!((value(&d), second), (a.abs_diff(b), b > a));
                }
            }
        }
        assert_eq!(product(&[u64::MAX; 2], &[u64::MAX; 2]).as_slice(), [1, 0, u64::MAX - 1, u64::MAX]);
        assert_eq!(product(&[3, 5], &[7]).as_slice(), [21, 35, 0]);
        // The carry of the highest pair.
        assert_eq!(together(&[u64::MAX; 2], &[1]).as_slice(), [0, 0, 1]);
        assert_eq!(together(&[1], &[u64::MAX; 2]).as_slice(), [0, 0, 1]);
        assert_eq!(difference(&[0, 0, 1], &[1]).0.as_slice(), [u64::MAX, u64::MAX, 0]);
    }
}
