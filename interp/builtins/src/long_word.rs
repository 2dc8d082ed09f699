//! Arithmetic of an `int` of many digits with one that fits a word, on the digits where they are: no big integer is made of them.
//! All functions give `None` where the operands are not of these two sorts.

use cape_vm::object::digits::{Digits, finish, increase};
use cape_vm::object::*;
use cape_vm::{Ptr, Value};

use crate::int_ops::word;

/// Fewer digits are a matter of double words.
const FEW: usize = 4;

fn long(v: Value) -> Option<Ptr<LongObj>> {
    v.downcast::<LongObj>().filter(|l| l.digits().len() > FEW)
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
    let mut out = Digits::from_slice(l.double_digits());
    let mut r = 0u64;
    for d in out.iter_mut().rev() {
        let high = r << 32 | *d >> 32;
        let low = high % m << 32 | *d & 0xffff_ffff;
        (*d, r) = (high / m << 32 | low / m, low % m);
    }
    let negative = l.is_negative() != (w < 0);
    if negative && r != 0 {
        increase(&mut out, 0);
    }
    Some(finish(negative, &out))
}

/// The magnitude of a divisor that has one digit.
fn half(w: i64) -> Option<u64> {
    let m = w.unsigned_abs();
    (m != 0 && m <= u32::MAX as u64).then_some(m)
}
