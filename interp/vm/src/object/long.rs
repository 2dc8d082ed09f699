//! Integers beyond 51 bits, subclasses of `int`, and small integers that C has a borrowed reference to.

use cape_heap::{Header, MapRef, Ptr, Value, heap, heap_object};
use num_bigint::{BigInt, Sign};
use num_traits::ToPrimitive;
use smallvec::SmallVec;

use crate::runtime::rt;

heap_object! {
    /// Sign and magnitude; `len` base-2^32 digits, least significant first, follow the fixed part, and a zero if `len` is odd.
    pub struct LongObj { negative: bool, len: u32 } [size = LongObj::bytes] [leaf]
}

/// An integer of any size, by value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Int {
    /// Fits a machine word.
    Small(i64),
    /// Anything.
    Big(BigInt),
}

impl LongObj {
    fn bytes(&self) -> usize {
        size_of::<LongObj>() + 4 * self.len as usize
    }

    /// A heap integer with this map, even when the value is small.
    pub fn with_map(map: MapRef, value: &BigInt) -> Ptr<LongObj> {
        let digits: SmallVec<[u64; 8]> = value.magnitude().iter_u64_digits().collect();
        Self::from_double_digits(map, value.sign() == Sign::Minus, &digits)
    }

    /// A heap integer with this map from a sign and base-2^64 digits, least significant first, of which the highest is not zero.
    pub fn from_double_digits(map: MapRef, negative: bool, digits: &[u64]) -> Ptr<LongObj> {
        let top = digits.last().map_or(0, |d| 1 + (d >> 32 != 0) as usize);
        let n = 2 * digits.len().saturating_sub(1) + top;
        let init = LongObj { header: Header::new(map), negative, len: n as u32 };
        let bytes = size_of::<LongObj>() + 4 * n;
        let p = if n != 0 && map == rt().maps.int {
            heap().alloc_plain_leaf(map, bytes, init)
        } else {
            heap().alloc_var(map, bytes, init)
        };
        p.fill(digits);
        p
    }

    /// A heap integer of exact type from a sign and a magnitude that is too large for an unboxed one.
    #[inline(always)]
    fn of_magnitude(negative: bool, magnitude: u64) -> Ptr<LongObj> {
        let map = rt().maps.int;
        let len = 1 + (magnitude >> 32 != 0) as u32;
        let init = LongObj { header: Header::new(map), negative, len };
        let p = heap().alloc_plain_leaf(map, size_of::<LongObj>() + 8, init);
        p.fill(&[magnitude]);
        p
    }

    /// A heap integer of exact type that is old from birth: a constant.
    pub fn constant(value: &BigInt) -> Ptr<LongObj> {
        let map = rt().maps.int;
        let n = value.magnitude().iter_u32_digits().len();
        let init = LongObj { header: Header::new(map), negative: value.sign() == Sign::Minus, len: n as u32 };
        let p = heap().alloc_var_old(map, size_of::<LongObj>() + 4 * n, init);
        p.fill(&value.magnitude().to_u64_digits());
        p
    }

    /// Writes the digits of a new object.
    fn fill(&self, digits: &[u64]) {
        debug_assert!(digits.len() == self.double_digits().len());
        let to = (self as *const LongObj).wrapping_add(1) as *mut u64;
        for (i, &d) in digits.iter().enumerate() {
            // SAFETY: as many digits follow the fixed part, and nobody else has seen the object. (Volatile: they are few, and a call would
            // cost more than it saves.)
            unsafe { to.add(i).write_volatile(d) };
        }
    }

    /// A heap integer with this map from a machine integer.
    pub fn from_i128(map: MapRef, i: i128) -> Ptr<LongObj> {
        let m = i.unsigned_abs();
        let digits = [m as u64, (m >> 64) as u64];
        let n = if digits[1] != 0 { 2 } else { (m != 0) as usize };
        Self::from_double_digits(map, i < 0, &digits[..n])
    }

    /// The base-2^64 digits of the magnitude, least significant first.
    #[inline]
    pub fn double_digits(&self) -> &[u64] {
        const { assert!(size_of::<LongObj>().is_multiple_of(8) && cfg!(target_endian = "little")) };
        // SAFETY: len digits of half the size follow the fixed part, and a zero when their number is odd.
        unsafe {
            let first = (self as *const LongObj).add(1) as *const u64;
            std::slice::from_raw_parts(first, (self.len as usize).div_ceil(2))
        }
    }

    /// The base-2^32 digits of the magnitude, least significant first.
    pub fn digits(&self) -> &[u32] {
        // SAFETY: len digits follow the fixed part.
        unsafe {
            std::slice::from_raw_parts((self as *const LongObj).add(1) as *const u32, self.len as usize)
        }
    }

    /// Whether it is below zero.
    pub fn is_negative(&self) -> bool {
        self.negative
    }

    /// The value.
    pub fn to_bigint(&self) -> BigInt {
        BigInt::from_slice(if self.negative { Sign::Minus } else { Sign::Plus }, self.digits())
    }

    /// The value when it fits 64 bits.
    pub fn to_i64(&self) -> Option<i64> {
        match *self.digits() {
            [] => Some(0),
            [a] => Some(if self.negative { -(a as i64) } else { a as i64 }),
            [a, b] => {
                let m = a as u64 | (b as u64) << 32;
                if self.negative {
                    (m <= 1 << 63).then(|| (m as i64).wrapping_neg())
                } else {
                    i64::try_from(m).ok()
                }
            }
            _ => None,
        }
    }
}

impl Int {
    /// The int in a value: unboxed, heap, `bool`, or of a subclass. `None` for everything else.
    #[inline]
    pub fn of(v: Value) -> Option<Int> {
        if v.is_int() {
            return Some(Int::Small(v.as_int()));
        }
        if v.is_bool() {
            return Some(Int::Small((v == Value::TRUE) as i64));
        }
        let l = v.downcast::<LongObj>()?;
        Some(match l.to_i64() {
            Some(i) => Int::Small(i),
            None => Int::Big(l.to_bigint()),
        })
    }

    /// As a big integer.
    pub fn into_big(self) -> BigInt {
        match self {
            Int::Small(i) => BigInt::from(i),
            Int::Big(b) => b,
        }
    }

    /// As 64 bits, when it fits.
    pub fn to_i64(&self) -> Option<i64> {
        match self {
            Int::Small(i) => Some(*i),
            Int::Big(b) => b.to_i64(),
        }
    }

    /// A value of exact type `int`.
    #[inline]
    pub fn into_value(self) -> Value {
        match self {
            Int::Small(i) => int_value(i),
            Int::Big(b) => big_value(b),
        }
    }
}

/// An `int` from a machine word.
#[inline(always)]
pub fn int_value(i: i64) -> Value {
    match Value::try_int(i) {
        Some(v) => v,
        None => wide(i),
    }
}

#[cold]
#[inline(never)]
fn wide(i: i64) -> Value {
    LongObj::from_i128(rt().maps.int, i as i128).value()
}

/// An `int` from a double word.
#[inline]
pub fn i128_value(i: i128) -> Value {
    match i64::try_from(i).ok().and_then(Value::try_int) {
        Some(v) => v,
        None if i.unsigned_abs() >> 64 == 0 => LongObj::of_magnitude(i < 0, i.unsigned_abs() as u64).value(),
        None => LongObj::from_i128(rt().maps.int, i).value(),
    }
}

/// An `int` from its sign and magnitude: unboxed when it fits.
#[inline]
pub fn magnitude_value(negative: bool, magnitude: u64) -> Value {
    if magnitude <= Value::INT_MAX as u64 {
        return Value::int(if negative { -(magnitude as i64) } else { magnitude as i64 });
    }
    if negative && magnitude == Value::INT_MIN.unsigned_abs() {
        return Value::int(Value::INT_MIN);
    }
    LongObj::of_magnitude(negative, magnitude).value()
}

/// An `int` from a big integer: unboxed when it fits.
pub fn big_value(b: BigInt) -> Value {
    if let Some(v) = b.to_i64().and_then(Value::try_int) {
        return v;
    }
    LongObj::with_map(rt().maps.int, &b).value()
}

/// An `int` from an unsigned word.
pub fn uint_value(u: u64) -> Value {
    match i64::try_from(u) {
        Ok(i) => int_value(i),
        Err(_) => i128_value(u as i128),
    }
}

/// Whether the value is an int of any representation, `bool` and subclasses included.
#[inline(always)]
pub fn is_int(v: Value) -> bool {
    v.is_int() || v.is_bool() || v.is::<LongObj>()
}
