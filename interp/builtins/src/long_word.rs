//! Arithmetic of an `int` of many digits with one that fits a word, on the digits where they are: no big integer is made of them.
//! All functions give `None` where the operands are not of these two sorts.

use cape_vm::object::*;
use cape_vm::{Ptr, Value, rt};
use smallvec::SmallVec;

use crate::int_ops::word;

type Digits = SmallVec<[u32; 128]>;

/// Fewer digits are a matter of double words.
const FEW: usize = 4;

fn long(v: Value) -> Option<Ptr<LongObj>> {
    v.downcast::<LongObj>().filter(|l| l.digits().len() > FEW)
}

/// The result from its sign and digits, of which there are more than a word has.
fn finish(negative: bool, digits: &[u32]) -> Value {
    LongObj::from_digits(rt().maps.int, negative, digits).value()
}

/// `a + b`.
pub fn add(a: Value, b: Value) -> Option<Value> {
    match long(a) {
        Some(l) => sum(l, word(b)?, false),
        None => sum(long(b)?, word(a)?, false),
    }
}

/// `a - b`.
pub fn sub(a: Value, b: Value) -> Option<Value> {
    match long(a) {
        Some(l) => sum(l, word(b)?, true),
        None => {
            // -(b - a)
            let (l, w) = (long(b)?, word(a)?);
            Some(with_word(l, w.unsigned_abs(), l.is_negative() == (w < 0), !l.is_negative()))
        }
    }
}

/// `a * b`.
pub fn mul(a: Value, b: Value) -> Option<Value> {
    let (l, w) = match long(a) {
        Some(l) => (l, word(b)?),
        None => (long(b)?, word(a)?),
    };
    if w == 0 {
        return Some(Value::int(0));
    }
    let (digits, m) = (l.digits(), w.unsigned_abs() as u128);
    let mut out = Digits::with_capacity(digits.len() + 3);
    let mut carry = 0u128;
    for pair in digits.chunks(2) {
        let d = pair[0] as u64 | (pair.get(1).copied().unwrap_or(0) as u64) << 32;
        carry += d as u128 * m;
        out.extend_from_slice(&[carry as u32, (carry >> 32) as u32]);
        carry >>= 64;
    }
    out.extend_from_slice(&[carry as u32, (carry >> 32) as u32]);
    Some(finish(l.is_negative() != (w < 0), &out))
}

/// `a % b` for a `b` of half a word.
pub fn modulo(a: Value, b: Value) -> Option<Value> {
    let (l, w) = (long(a)?, word(b)?);
    let m = half(w)?;
    let r = l.digits().iter().rev().fold(0u64, |r, &d| (r << 32 | d as u64) % m);
    // The remainder has the divisor's sign.
    let r = if r != 0 && l.is_negative() != (w < 0) { m - r } else { r };
    Some(Value::int(if w < 0 { -(r as i64) } else { r as i64 }))
}

/// `a // b` for a `b` of half a word.
pub fn floordiv(a: Value, b: Value) -> Option<Value> {
    let (l, w) = (long(a)?, word(b)?);
    let m = half(w)?;
    let mut out = Digits::from_slice(l.digits());
    let mut r = 0u64;
    for d in out.iter_mut().rev() {
        let x = r << 32 | *d as u64;
        (*d, r) = ((x / m) as u32, x % m);
    }
    let negative = l.is_negative() != (w < 0);
    if negative && r != 0 {
        increase(&mut out, 1);
    }
    Some(finish(negative, &out))
}

/// The magnitude of a divisor that has one digit.
fn half(w: i64) -> Option<u64> {
    let m = w.unsigned_abs();
    (m != 0 && m <= u32::MAX as u64).then_some(m)
}

fn sum(l: Ptr<LongObj>, w: i64, minus: bool) -> Option<Value> {
    let less = l.is_negative() != ((w < 0) != minus);
    Some(with_word(l, w.unsigned_abs(), less, l.is_negative()))
}

/// The magnitude of `l`, more or less by `m`, with a sign.
fn with_word(l: Ptr<LongObj>, m: u64, less: bool, negative: bool) -> Value {
    let mut out = Digits::from_slice(l.digits());
    if less {
        let low = out[0] as u64 | (out[1] as u64) << 32;
        let (low, mut borrow) = low.overflowing_sub(m);
        (out[0], out[1]) = (low as u32, (low >> 32) as u32);
        for d in &mut out[2..] {
            if !borrow {
                break;
            }
            (*d, borrow) = d.overflowing_sub(1);
        }
    } else {
        increase(&mut out, m);
    }
    finish(negative, &out)
}

fn increase(digits: &mut Digits, m: u64) {
    let low = digits[0] as u64 | (digits[1] as u64) << 32;
    let (low, mut carry) = low.overflowing_add(m);
    (digits[0], digits[1]) = (low as u32, (low >> 32) as u32);
    for d in &mut digits[2..] {
        if !carry {
            return;
        }
        (*d, carry) = d.overflowing_add(1);
    }
    if carry {
        digits.push(1);
    }
}
