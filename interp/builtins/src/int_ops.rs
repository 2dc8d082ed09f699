//! Arithmetic of `int`.
//!
//! Operands are values of any int representation (`bool` and subclasses included); every function gives `NotImplemented` for
//! others. Machine words are computed in double words; only what is wider goes through big integers.

use std::cmp::Ordering;

use cape_vm::object::*;
use cape_vm::ops::{Cmp, hash_i64};
use cape_vm::{Res, Value, Vm, rt};
use num_bigint::{BigInt, Sign};
use num_integer::Integer;
use num_traits::{One, Pow, Signed, ToPrimitive, Zero};

const NOT_IMPLEMENTED: Value = Value::NOT_IMPLEMENTED;

/// The int in `v` when it fits a word.
#[inline(always)]
pub fn word(v: Value) -> Option<i64> {
    if v.is_int() { Some(v.as_int()) } else { word_slow(v) }
}

fn word_slow(v: Value) -> Option<i64> {
    if v.is_bool() {
        return Some((v == Value::TRUE) as i64);
    }
    v.downcast::<LongObj>()?.to_i64()
}

/// Both as words.
#[inline(always)]
fn words(a: Value, b: Value) -> Option<(i64, i64)> {
    Some((word(a)?, word(b)?))
}

fn ints(a: Value, b: Value) -> Option<(Int, Int)> {
    Some((Int::of(a)?, Int::of(b)?))
}

/// The number, when its magnitude has less than 128 bits.
fn double_word(v: Value) -> Option<i128> {
    if let Some(w) = word(v) {
        return Some(w as i128);
    }
    let l = v.downcast::<LongObj>().filter(|l| l.digits().len() <= 4)?;
    let magnitude = l.digits().iter().rev().fold(0u128, |m, &d| m << 32 | d as u128);
    let n = i128::try_from(magnitude).ok()?;
    Some(if l.is_negative() { -n } else { n })
}

/// The same number as an `int` of exact type.
pub fn exact(v: Value) -> Value {
    if v.is_int() || v.is_ptr() && v.header().map() == rt().maps.int {
        return v;
    }
    Int::of(v).map_or(v, Int::into_value)
}

macro_rules! arithmetic {
    ($name:ident $reflected:ident $op:tt $long:path, $doc:literal) => {
        #[doc = concat!("`a ", $doc, " b`.")]
        pub fn $name(_: &Vm, a: Value, b: Value) -> Value {
            if let Some((x, y)) = words(a, b) {
                return i128_value(x as i128 $op y as i128);
            }
            $long(a, b).unwrap_or(NOT_IMPLEMENTED)
        }

        #[doc = concat!("`b ", $doc, " a`.")]
        pub fn $reflected(vm: &Vm, a: Value, b: Value) -> Value {
            $name(vm, b, a)
        }
    };
}
arithmetic!(add radd + digits::add, "+");
arithmetic!(sub rsub - digits::sub, "-");
arithmetic!(mul rmul * product, "*");

/// `a * b`; `None` unless both are ints.
fn product(a: Value, b: Value) -> Option<Value> {
    if let Some(r) = digits::mul(a, b) {
        return Some(r);
    }
    let (x, y) = ints(a, b)?;
    Some(big_value(match (x, y) {
        (Int::Big(x), Int::Big(y)) => x * y,
        (Int::Big(x), Int::Small(y)) => x * y,
        (Int::Small(x), y) => y.into_big() * x,
    }))
}

macro_rules! bitwise {
    ($name:ident $reflected:ident $op:tt, $doc:literal) => {
        #[doc = concat!("`a ", $doc, " b`.")]
        pub fn $name(_: &Vm, a: Value, b: Value) -> Value {
            if let Some((x, y)) = words(a, b) {
                return int_value(x $op y);
            }
            match ints(a, b) {
                None => NOT_IMPLEMENTED,
                Some((x, y)) => big_value(x.into_big() $op y.into_big()),
            }
        }

        #[doc = concat!("`b ", $doc, " a`.")]
        pub fn $reflected(vm: &Vm, a: Value, b: Value) -> Value {
            $name(vm, b, a)
        }
    };
}
bitwise!(and rand &, "&");
bitwise!(or ror |, "|");
bitwise!(xor rxor ^, "^");

macro_rules! reflected {
    ($($name:ident $f:ident;)*) => { $(
        #[doc = concat!("[`", stringify!($f), "`] with the operands exchanged.")]
        pub fn $name(vm: &Vm, a: Value, b: Value) -> Res<Value> {
            $f(vm, b, a)
        }
    )* };
}
reflected! {
    rfloordiv floordiv; rmod modulo; rdivmod divmod; rtruediv truediv; rlshift lshift; rrshift rshift;
}

/// Quotient and remainder rounded towards minus infinity; the divisor is not zero.
pub fn floor_div_mod(a: i64, b: i64) -> (i128, i64) {
    if b == -1 {
        return (-(a as i128), 0);
    }
    let (q, r) = (a / b, a % b);
    if r != 0 && (r < 0) != (b < 0) { (q as i128 - 1, r + b) } else { (q as i128, r) }
}

#[cold]
fn zero_division(vm: &Vm) -> Res<Value> {
    Err(vm.zero_division_error("division by zero"))
}

/// `a // b`.
pub fn floordiv(vm: &Vm, a: Value, b: Value) -> Res<Value> {
    if let Some((x, y)) = words(a, b) {
        return if y == 0 { zero_division(vm) } else { Ok(i128_value(floor_div_mod(x, y).0)) };
    }
    if let Some(r) = crate::long_word::floordiv(a, b) {
        return Ok(r);
    }
    if let (Some(x), Some(y @ (1.. | ..=-1))) = (double_word(a), double_word(b)) {
        let (q, r) = (x / y, x % y);
        return Ok(i128_value(if r != 0 && (r < 0) != (y < 0) { q - 1 } else { q }));
    }
    let Some((x, y)) = ints(a, b) else { return Ok(NOT_IMPLEMENTED) };
    match y {
        Int::Small(0) => zero_division(vm),
        y => Ok(big_value(x.into_big().div_floor(&y.into_big()))),
    }
}

/// `a % b`.
pub fn modulo(vm: &Vm, a: Value, b: Value) -> Res<Value> {
    if let Some((x, y)) = words(a, b) {
        return if y == 0 { zero_division(vm) } else { Ok(int_value(floor_div_mod(x, y).1)) };
    }
    if let Some(r) = crate::long_word::modulo(a, b) {
        return Ok(r);
    }
    if let (Some(x), Some(y @ (1.. | ..=-1))) = (double_word(a), double_word(b)) {
        let r = x % y;
        return Ok(i128_value(if r != 0 && (r < 0) != (y < 0) { r + y } else { r }));
    }
    let Some((x, y)) = ints(a, b) else { return Ok(NOT_IMPLEMENTED) };
    match y {
        Int::Small(0) => zero_division(vm),
        Int::Small(y) => {
            let r = (x.into_big() % y).to_i64().unwrap_or(0);
            Ok(int_value(if r != 0 && (r < 0) != (y < 0) { r + y } else { r }))
        }
        Int::Big(y) => Ok(big_value(x.into_big().mod_floor(&y))),
    }
}

/// `divmod(a, b)`.
pub fn divmod(vm: &Vm, a: Value, b: Value) -> Res<Value> {
    // SAFETY: nothing is made.
    let pair = |q: Value, r: Value| unsafe { TupleObj::of(2, |i| if i == 0 { q } else { r }) }.value();
    if let Some((x, y)) = words(a, b) {
        if y == 0 {
            return zero_division(vm);
        }
        let (q, r) = floor_div_mod(x, y);
        return Ok(pair(i128_value(q), int_value(r)));
    }
    let Some((x, y)) = ints(a, b) else { return Ok(NOT_IMPLEMENTED) };
    let y = y.into_big();
    if y.is_zero() {
        return zero_division(vm);
    }
    let (q, r) = x.into_big().div_mod_floor(&y);
    Ok(pair(big_value(q), big_value(r)))
}

/// `a / b`, correctly rounded.
pub fn truediv(vm: &Vm, a: Value, b: Value) -> Res<Value> {
    const EXACT: u64 = 1 << 53;
    if let Some((x, y)) = words(a, b)
        && x.unsigned_abs() <= EXACT
        && y.unsigned_abs() <= EXACT
    {
        return if y == 0 { zero_division(vm) } else { Ok(Value::float(x as f64 / y as f64)) };
    }
    let Some((x, y)) = ints(a, b) else { return Ok(NOT_IMPLEMENTED) };
    let y = y.into_big();
    if y.is_zero() {
        return zero_division(vm);
    }
    match divide(&x.into_big(), &y) {
        Some(f) => Ok(Value::float(f)),
        None => Err(vm.overflow_error("integer division result too large for a float")),
    }
}

/// The quotient nearest to `a / b` (ties to even), `b` not zero; `None` when it is too large.
///
/// The quotient is computed as an integer of at least 55 bits and a sticky bit, scaled by a power of two, then rounded once to the
/// precision that the result has (fewer bits when it is subnormal).
pub fn divide(a: &BigInt, b: &BigInt) -> Option<f64> {
    const MIN_EXP: i64 = -1021;
    let negative = (a.sign() == Sign::Minus) != (b.sign() == Sign::Minus);
    let sign = |f: f64| Some(if negative { -f } else { f });
    if a.is_zero() {
        return sign(0.0);
    }
    let diff = a.bits() as i64 - b.bits() as i64;
    if diff > 1024 {
        return None;
    }
    if diff < -1075 {
        return sign(0.0);
    }
    let shift = diff.max(MIN_EXP) - 55;
    let (mut x, mut y) = (a.magnitude().clone(), b.magnitude().clone());
    if shift > 0 {
        y <<= shift as usize;
    } else {
        x <<= (-shift) as usize;
    }
    let (q, r) = x.div_rem(&y);
    let mut q = q.to_u64().expect("at most 57 bits");
    let inexact = !r.is_zero();
    let bits = 64 - q.leading_zeros() as i64;
    let extra = bits.max(MIN_EXP - shift) - 53;
    let half = 1u64 << (extra - 1);
    let low = q | inexact as u64;
    if low & half != 0 && low & (3 * half - 1) != 0 {
        q += half;
    }
    q &= !(2 * half - 1);
    let f = crate::libm::ldexp(q as f64, shift as i32);
    if f.is_infinite() { None } else { sign(f) }
}

/// The largest shift for which the result is computed at all: 2 GiB of digits.
const MAX_BITS: u64 = 1 << 34;

/// `a << b`.
pub fn lshift(vm: &Vm, a: Value, b: Value) -> Res<Value> {
    if let Some((x, y)) = words(a, b)
        && (0..64).contains(&y)
    {
        return Ok(i128_value((x as i128) << y));
    }
    let Some((x, y)) = ints(a, b) else { return Ok(NOT_IMPLEMENTED) };
    if is_negative(&y) {
        return Err(vm.value_error("negative shift count"));
    }
    if x == Int::Small(0) {
        return Ok(Value::int(0));
    }
    match y {
        Int::Small(n) if (n as u64) < MAX_BITS => Ok(big_value(x.into_big() << n as u64)),
        Int::Small(_) => Err(vm.new_exc_args(rt().types.memory_error, &[])),
        Int::Big(_) => Err(vm.overflow_error("too many digits in integer")),
    }
}

/// `a >> b`.
pub fn rshift(vm: &Vm, a: Value, b: Value) -> Res<Value> {
    if let Some((x, y)) = words(a, b)
        && y >= 0
    {
        return Ok(int_value(x >> y.min(63)));
    }
    let Some((x, y)) = ints(a, b) else { return Ok(NOT_IMPLEMENTED) };
    if is_negative(&y) {
        return Err(vm.value_error("negative shift count"));
    }
    let all = Value::int(if is_negative(&x) { -1 } else { 0 });
    match (x, y) {
        (Int::Big(x), Int::Small(n)) if (n as u64) < x.bits() => Ok(big_value(x >> n as u64)),
        _ => Ok(all),
    }
}

/// Whether it is below zero.
pub fn is_negative(i: &Int) -> bool {
    match i {
        Int::Small(i) => *i < 0,
        Int::Big(b) => b.is_negative(),
    }
}

/// `pow(a, b, m)`; `m` is EMPTY or None without a modulus.
pub fn pow(vm: &Vm, a: Value, b: Value, m: Value) -> Res<Value> {
    let Some((x, y)) = ints(a, b) else { return Ok(NOT_IMPLEMENTED) };
    if !m.is_empty() && !m.is_none() {
        return match Int::of(m) {
            Some(m) => match (&x, &y, &m) {
                (Int::Small(x), Int::Small(y), Int::Small(m)) if *y >= 0 && *m != 0 => {
                    Ok(int_value(pow_mod_words(*x, *y as u64, *m)))
                }
                _ => pow_mod(vm, x.into_big(), y.into_big(), m.into_big()),
            },
            None => Ok(NOT_IMPLEMENTED),
        };
    }
    if is_negative(&y) {
        let (x, y) = (vm.int_to_f64(&x)?, vm.int_to_f64(&y)?);
        return crate::float_ops::power(vm, x, y);
    }
    if let (Int::Small(x), Int::Small(y)) = (&x, &y)
        && *y < 128
        && let Some(r) = (*x as i128).checked_pow(*y as u32)
    {
        return Ok(i128_value(r));
    }
    let x = match x {
        Int::Small(x @ (0 | 1)) => return Ok(Value::int(x)),
        Int::Small(-1) => {
            let odd = match &y {
                Int::Small(y) => y & 1 == 1,
                Int::Big(y) => y.bit(0),
            };
            return Ok(Value::int(if odd { -1 } else { 1 }));
        }
        x => x.into_big(),
    };
    match y {
        Int::Small(y) if (y as u64).saturating_mul(x.bits()) < MAX_BITS => {
            // A power of two is a shift.
            if let Some(z) = x.trailing_zeros()
                && z + 1 == x.bits()
            {
                let r = BigInt::one() << (z * y as u64);
                return Ok(big_value(if x.is_negative() && y & 1 == 1 { -r } else { r }));
            }
            Ok(big_value(Pow::pow(x, y as u64)))
        }
        _ => Err(vm.new_exc_args(rt().types.memory_error, &[])),
    }
}

/// `pow(x, y, m)` of words; `m` is not 0, and the result has its sign.
fn pow_mod_words(x: i64, mut y: u64, m: i64) -> i64 {
    let p = m.unsigned_abs();
    let times = |a: u64, b: u64| match p >> 32 {
        0 => a * b % p,
        _ => (a as u128 * b as u128 % p as u128) as u64,
    };
    let mut square = (x as i128).rem_euclid(p as i128) as u64;
    let mut r = 1 % p;
    while y != 0 {
        if y & 1 == 1 {
            r = times(r, square);
        }
        y >>= 1;
        if y != 0 {
            square = times(square, square);
        }
    }
    if m < 0 && r != 0 { (r as i128 + m as i128) as i64 } else { r as i64 }
}

fn pow_mod(vm: &Vm, x: BigInt, y: BigInt, m: BigInt) -> Res<Value> {
    if m.is_zero() {
        return Err(vm.value_error("pow() 3rd argument cannot be 0"));
    }
    let (mut x, mut y) = (x, y);
    if y.is_negative() {
        let positive = m.abs();
        if positive.is_one() {
            return Ok(Value::int(0));
        }
        let Some(inverse) = x.mod_floor(&positive).modinv(&positive) else {
            return Err(vm.value_error("base is not invertible for the given modulus"));
        };
        x = inverse;
        y = -y;
    }
    Ok(big_value(x.modpow(&y, &m)))
}

/// `int.__rpow__`.
pub fn rpow(vm: &Vm, a: Value, b: Value, m: Value) -> Res<Value> {
    pow(vm, b, a, m)
}

/// How two ints compare; `None` when one is no int.
pub fn order(a: Value, b: Value) -> Option<Ordering> {
    if let Some((x, y)) = words(a, b) {
        return Some(x.cmp(&y));
    }
    match (word(a), word(b)) {
        (Some(_), None) => {
            let b = b.downcast::<LongObj>()?;
            Some(if b.is_negative() { Ordering::Greater } else { Ordering::Less })
        }
        (None, Some(_)) => {
            let a = a.downcast::<LongObj>()?;
            Some(if a.is_negative() { Ordering::Less } else { Ordering::Greater })
        }
        _ => {
            let (a, b) = (a.downcast::<LongObj>()?, b.downcast::<LongObj>()?);
            if a.is_negative() != b.is_negative() {
                return Some(if a.is_negative() { Ordering::Less } else { Ordering::Greater });
            }
            let (x, y) = (a.digits(), b.digits());
            let o = x.len().cmp(&y.len()).then_with(|| x.iter().rev().cmp(y.iter().rev()));
            Some(if a.is_negative() { o.reverse() } else { o })
        }
    }
}

/// The rich comparisons.
pub fn compare(_: &Vm, a: Value, b: Value, op: Cmp) -> Value {
    order(a, b).map_or(NOT_IMPLEMENTED, |o| Value::bool(op.of(o)))
}

/// `hash(a)`.
pub fn hash(_: &Vm, a: Value) -> Value {
    const MODULUS: u64 = (1 << 61) - 1;
    if let Some(x) = word(a) {
        return int_value(hash_i64(x));
    }
    let Some(l) = a.downcast::<LongObj>() else { return Value::int(0) };
    let mut h = 0u64;
    for &d in l.digits().iter().rev() {
        let x = ((h as u128) << 32) | d as u128;
        let folded = (x as u64 & MODULUS) + (x >> 61) as u64;
        h = if folded >= MODULUS { folded - MODULUS } else { folded };
    }
    let h = if l.is_negative() { -(h as i64) } else { h as i64 };
    int_value(if h == -1 { -2 } else { h })
}

/// `-a`.
pub fn neg(_: &Vm, a: Value) -> Value {
    match word(a) {
        Some(x) => i128_value(-(x as i128)),
        None => flipped(a, |negative| !negative),
    }
}

/// `abs(a)`.
pub fn abs(_: &Vm, a: Value) -> Value {
    match word(a) {
        Some(x) => i128_value((x as i128).abs()),
        None => flipped(a, |_| false),
    }
}

/// The wide int `a` with another sign.
fn flipped(a: Value, sign: impl FnOnce(bool) -> bool) -> Value {
    let Some(l) = a.downcast::<LongObj>() else { return NOT_IMPLEMENTED };
    let negative = sign(l.is_negative());
    if negative == l.is_negative() {
        return exact(a);
    }
    LongObj::from_double_digits(rt().maps.int, negative, l.double_digits()).value()
}

/// `+a`, `int(a)` and the like.
pub fn pos(_: &Vm, a: Value) -> Value {
    exact(a)
}

/// `~a`.
pub fn invert(_: &Vm, a: Value) -> Value {
    match word(a) {
        Some(x) => int_value(!x),
        None => Int::of(a).map_or(NOT_IMPLEMENTED, |i| big_value(-(i.into_big() + 1i64))),
    }
}

/// `bool(a)`.
pub fn truth(_: &Vm, a: Value) -> bool {
    word(a) != Some(0)
}

/// `a` rounded to a multiple of `10 ** digits`, half to even.
pub fn round_to(a: Int, digits: u64) -> Value {
    // Beyond the length of the number everything is zero.
    let bits = match &a {
        Int::Small(_) => 64,
        Int::Big(b) => b.bits(),
    };
    if digits > bits {
        return Value::int(0);
    }
    let unit = Pow::pow(BigInt::from(10), digits);
    let a = a.into_big();
    let (q, r) = a.div_mod_floor(&unit);
    let up = match (&r * 2i64).cmp(&unit) {
        Ordering::Less => false,
        Ordering::Equal => q.is_odd(),
        Ordering::Greater => true,
    };
    big_value(if up { a - r + unit } else { a - r })
}
