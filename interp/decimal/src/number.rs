//! Numbers: sign, kind, exponent and coefficient; as they are lent and as they are made.

use std::cmp::Ordering;

use crate::limbs::{self, Limbs, NoMemory};

/// What a number is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Kind {
    /// Coefficient times a power of ten.
    Finite,
    /// Infinity.
    Infinite,
    /// A NaN; the coefficient is its payload.
    Quiet,
    /// A NaN that signals when it is used.
    Signaling,
}

/// A number that something else keeps.
#[derive(Clone, Copy, Debug)]
pub struct Num<'a> {
    /// Its sign.
    pub negative: bool,
    /// What it is.
    pub kind: Kind,
    /// The exponent; 0 unless it is finite.
    pub exp: i64,
    /// The coefficient, least significant limb first, without leading zeros.
    pub coeff: &'a [u64],
}

/// A number of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Number {
    /// Its sign.
    pub negative: bool,
    /// What it is.
    pub kind: Kind,
    /// The exponent; 0 unless it is finite.
    pub exp: i64,
    /// The coefficient, least significant limb first, without leading zeros.
    pub coeff: Limbs,
}

/// A result.
pub type Res = Result<Number, NoMemory>;

impl Number {
    /// A finite number.
    #[inline]
    pub fn new(negative: bool, coeff: Limbs, exp: i64) -> Number {
        Number { negative, kind: Kind::Finite, exp, coeff }
    }

    /// From a small coefficient.
    pub fn small(negative: bool, coeff: u64, exp: i64) -> Number {
        Number::new(negative, limbs::from_u64(coeff), exp)
    }

    /// A zero.
    pub fn zero(negative: bool, exp: i64) -> Number {
        Number::new(negative, Limbs::new(), exp)
    }

    /// From an integer.
    pub fn int(i: i64) -> Number {
        Number::small(i < 0, i.unsigned_abs(), 0)
    }

    /// An infinity.
    pub fn infinity(negative: bool) -> Number {
        Number { negative, kind: Kind::Infinite, exp: 0, coeff: Limbs::new() }
    }

    /// A quiet NaN.
    pub fn nan() -> Number {
        Number { negative: false, kind: Kind::Quiet, exp: 0, coeff: Limbs::new() }
    }

    /// The same, lent.
    #[inline(always)]
    pub fn view(&self) -> Num<'_> {
        Num { negative: self.negative, kind: self.kind, exp: self.exp, coeff: &self.coeff }
    }
}

impl<'a> Num<'a> {
    /// A copy.
    #[inline]
    pub fn to_number(self) -> Number {
        Number { negative: self.negative, kind: self.kind, exp: self.exp, coeff: limbs::copy(self.coeff) }
    }

    /// With this sign.
    pub fn with_sign(self, negative: bool) -> Num<'a> {
        Num { negative, ..self }
    }

    /// Whether it is finite.
    #[inline(always)]
    pub fn is_finite(self) -> bool {
        self.kind == Kind::Finite
    }

    /// Whether it is a NaN.
    #[inline(always)]
    pub fn is_nan(self) -> bool {
        matches!(self.kind, Kind::Quiet | Kind::Signaling)
    }

    /// Whether it is an infinity.
    pub fn is_infinite(self) -> bool {
        self.kind == Kind::Infinite
    }

    /// Whether it is a zero.
    #[inline(always)]
    pub fn is_zero(self) -> bool {
        self.kind == Kind::Finite && self.coeff.is_empty()
    }

    /// The digits of the coefficient: of a zero one.
    #[inline(always)]
    pub fn digits(self) -> i64 {
        (limbs::digits(self.coeff) as i64).max(1)
    }

    /// The exponent of the most significant digit.
    #[inline(always)]
    pub fn adjusted(self) -> i64 {
        self.exp + self.digits() - 1
    }

    /// Whether it is finite and has no fraction.
    pub fn is_integer(self) -> bool {
        self.is_finite()
            && (self.exp >= 0
                || self.coeff.is_empty()
                || limbs::trailing_zeros(self.coeff) as u64 >= self.exp.unsigned_abs())
    }

    /// Whether an integer is odd.
    pub fn is_odd(self) -> bool {
        self.exp <= 0 && limbs::digit(self.coeff, self.exp.unsigned_abs() as usize) & 1 != 0
    }

    /// The value of an integer below 10^18.
    pub fn to_i64(self) -> Option<i64> {
        if !self.is_integer() {
            return None;
        }
        if self.coeff.is_empty() {
            return Some(0);
        }
        if self.adjusted() >= 18 {
            return None;
        }
        let mut l = Limbs::from_slice(self.coeff);
        if self.exp >= 0 {
            l = limbs::shift_left(&l, self.exp).ok()?;
        } else {
            limbs::shift_right(&mut l, -self.exp);
        }
        let x = limbs::to_u64(&l)? as i64;
        Some(if self.negative { -x } else { x })
    }
}

/// Compares the coefficients of two numbers with the same adjusted exponent.
fn compare_aligned(a: Num<'_>, b: Num<'_>) -> Ordering {
    if a.exp == b.exp {
        return limbs::compare(a.coeff, b.coeff);
    }
    if a.exp < b.exp {
        return compare_aligned(b, a).reverse();
    }
    // (The one with the larger exponent has fewer digits, by the difference.)
    match limbs::shift_left(a.coeff, a.exp - b.exp) {
        Ok(l) => limbs::compare(&l, b.coeff),
        Err(NoMemory) => Ordering::Equal,
    }
}

/// Compares the magnitudes of two finite numbers.
pub fn compare_finite_magnitude(a: Num<'_>, b: Num<'_>) -> Ordering {
    match (a.coeff.is_empty(), b.coeff.is_empty()) {
        (true, true) => Ordering::Equal,
        (true, false) => Ordering::Less,
        (false, true) => Ordering::Greater,
        _ if a.exp == b.exp => limbs::compare(a.coeff, b.coeff),
        _ => a.adjusted().cmp(&b.adjusted()).then_with(|| compare_aligned(a, b)),
    }
}

/// Compares the magnitudes of two numbers that are no NaNs.
pub fn compare_magnitude(a: Num<'_>, b: Num<'_>) -> Ordering {
    match (a.is_infinite(), b.is_infinite()) {
        (false, false) => compare_finite_magnitude(a, b),
        (x, y) => x.cmp(&y),
    }
}

/// Compares two numbers that are no NaNs.
pub fn compare(a: Num<'_>, b: Num<'_>) -> Ordering {
    if a.is_zero() && b.is_zero() {
        return Ordering::Equal;
    }
    let sign = |n: Num<'_>| {
        if n.is_zero() {
            0
        } else if n.negative {
            -1
        } else {
            1
        }
    };
    match (sign(a), sign(b)) {
        (x, y) if x != y => x.cmp(&y),
        (-1, _) => compare_magnitude(b, a),
        _ => compare_magnitude(a, b),
    }
}

/// Compares in the total order of representations.
pub fn compare_total(a: Num<'_>, b: Num<'_>) -> Ordering {
    if a.negative != b.negative {
        return b.negative.cmp(&a.negative);
    }
    let rank = |n: Num<'_>| match n.kind {
        Kind::Finite => 0,
        Kind::Infinite => 1,
        Kind::Signaling => 2,
        Kind::Quiet => 3,
    };
    let order = rank(a).cmp(&rank(b)).then_with(|| match a.kind {
        Kind::Finite => compare_finite_magnitude(a, b).then(a.exp.cmp(&b.exp)),
        _ => limbs::compare(a.coeff, b.coeff),
    });
    if a.negative { order.reverse() } else { order }
}
