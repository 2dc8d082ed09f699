//! Contexts, conditions, and what every result goes through: rounding and the limits of the exponent.

use crate::limbs::{self, Limbs};
use crate::number::{Kind, Number, Res};

/// How results are rounded.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
#[allow(missing_docs, reason = "named as the constants of the module")]
pub enum Round {
    Up,
    Down,
    Ceiling,
    Floor,
    HalfUp,
    HalfDown,
    HalfEven,
    ZeroFiveUp,
}

impl Round {
    /// All of them, in order.
    pub const ALL: [Round; 8] = [
        Round::Up,
        Round::Down,
        Round::Ceiling,
        Round::Floor,
        Round::HalfUp,
        Round::HalfDown,
        Round::HalfEven,
        Round::ZeroFiveUp,
    ];

    /// The constant's name.
    pub fn name(self) -> &'static str {
        [
            "ROUND_UP",
            "ROUND_DOWN",
            "ROUND_CEILING",
            "ROUND_FLOOR",
            "ROUND_HALF_UP",
            "ROUND_HALF_DOWN",
            "ROUND_HALF_EVEN",
            "ROUND_05UP",
        ][self as usize]
    }

    /// Whether a coefficient that ends in `last` goes up, when what is cut off is `cut` (see [`limbs::shift_right`]).
    pub fn goes_up(self, cut: u8, last: u8, negative: bool) -> bool {
        cut != 0
            && match self {
                Round::Up => true,
                Round::Down => false,
                Round::Ceiling => !negative,
                Round::Floor => negative,
                Round::HalfUp => cut >= 5,
                Round::HalfDown => cut > 5,
                Round::HalfEven => cut > 5 || cut == 5 && last & 1 != 0,
                Round::ZeroFiveUp => last == 0 || last == 5,
            }
    }
}

/// Conditions, as bits.
pub mod status {
    #![allow(missing_docs, reason = "named as in the specification")]
    pub const CLAMPED: u32 = 1;
    pub const CONVERSION_SYNTAX: u32 = 2;
    pub const DIVISION_BY_ZERO: u32 = 4;
    pub const DIVISION_IMPOSSIBLE: u32 = 8;
    pub const DIVISION_UNDEFINED: u32 = 0x10;
    pub const INEXACT: u32 = 0x40;
    pub const INVALID_CONTEXT: u32 = 0x80;
    pub const INVALID_OPERATION: u32 = 0x100;
    /// Not a condition: there was not enough memory.
    pub const NO_MEMORY: u32 = 0x200;
    pub const FLOAT_OPERATION: u32 = 0x400;
    pub const OVERFLOW: u32 = 0x800;
    pub const ROUNDED: u32 = 0x1000;
    pub const SUBNORMAL: u32 = 0x2000;
    pub const UNDERFLOW: u32 = 0x4000;
    /// What the signal InvalidOperation stands for.
    pub const INVALID: u32 =
        CONVERSION_SYNTAX | DIVISION_IMPOSSIBLE | DIVISION_UNDEFINED | INVALID_CONTEXT | INVALID_OPERATION;
    /// Conditions that are errors.
    pub const ERRORS: u32 = INVALID | DIVISION_BY_ZERO | NO_MEMORY;
}
use status::*;

/// The largest precision.
pub const MAX_PREC: i64 = 999_999_999_999_999_999;
/// The largest exponent.
pub const MAX_EMAX: i64 = 999_999_999_999_999_999;
/// The smallest exponent of a normal number.
pub const MIN_EMIN: i64 = -MAX_EMAX;

/// Precision, limits and rounding.
#[derive(Clone, Copy, Debug)]
pub struct Context {
    /// Digits of results.
    pub prec: i64,
    /// Largest adjusted exponent.
    pub emax: i64,
    /// Smallest adjusted exponent of normal numbers.
    pub emin: i64,
    /// How to round.
    pub round: Round,
    /// Whether exponents are kept so low that the coefficient fills the precision at the largest one.
    pub clamp: bool,
}

impl Context {
    /// The context of the widest limits.
    pub const MAX: Context =
        Context { prec: MAX_PREC, emax: MAX_EMAX, emin: MIN_EMIN, round: Round::HalfEven, clamp: false };

    /// The widest limits and this precision.
    pub fn wide(prec: i64) -> Context {
        Context { prec, ..Context::MAX }
    }

    /// The same, rounding to the nearest.
    pub fn half_even(self) -> Context {
        Context { round: Round::HalfEven, ..self }
    }

    /// The smallest exponent.
    #[inline(always)]
    pub fn etiny(&self) -> i64 {
        self.emin - (self.prec - 1)
    }

    /// The largest exponent of a coefficient as long as the precision.
    #[inline(always)]
    pub fn etop(&self) -> i64 {
        self.emax - (self.prec - 1)
    }

    /// The number within the limits, rounded.
    #[inline]
    pub fn finalize(&self, mut n: Number, st: &mut u32) -> Res {
        if n.kind == Kind::Finite && !n.coeff.is_empty() && !self.clamp {
            // One limb, far from the limits.
            const DIGITS: i64 = limbs::DIGITS as i64;
            if n.coeff.len() == 1 && self.prec >= DIGITS && n.exp >= self.emin && n.exp <= self.emax - DIGITS
            {
                return Ok(n);
            }
            let digits = limbs::digits(&n.coeff) as i64;
            let adjusted = n.exp + digits - 1;
            if adjusted <= self.emax && adjusted >= self.emin {
                if digits > self.prec {
                    self.round(&mut n, digits - self.prec, st);
                    // (Rounding adds one at most.)
                    if adjusted == self.emax && n.view().adjusted() > self.emax {
                        return self.overflow(n.negative, st);
                    }
                }
                return Ok(n);
            }
        }
        self.limit(n, st)
    }

    /// Cuts off digits of the coefficient.
    fn round(&self, n: &mut Number, cut: i64, st: &mut u32) {
        n.exp += cut;
        let rest = limbs::shift_right(&mut n.coeff, cut);
        *st |= ROUNDED;
        if rest != 0 {
            *st |= INEXACT;
            let last = (n.coeff.first().copied().unwrap_or(0) % 10) as u8;
            if self.round.goes_up(rest, last, n.negative) {
                limbs::increment(&mut n.coeff);
                if limbs::digits(&n.coeff) as i64 > self.prec {
                    // All nines became a power of ten.
                    limbs::shift_right(&mut n.coeff, 1);
                    n.exp += 1;
                }
            }
        }
    }

    #[cold]
    #[inline(never)]
    fn limit(&self, mut n: Number, st: &mut u32) -> Res {
        match n.kind {
            Kind::Infinite => return Ok(n),
            Kind::Quiet | Kind::Signaling => {
                let most = self.prec - self.clamp as i64;
                if limbs::digits(&n.coeff) as i64 > most {
                    limbs::keep_low(&mut n.coeff, most);
                }
                return Ok(n);
            }
            Kind::Finite => {}
        }
        if n.coeff.is_empty() {
            let top = if self.clamp { self.etop() } else { self.emax };
            let exp = n.exp.clamp(self.etiny(), top);
            if exp != n.exp {
                *st |= CLAMPED;
                n.exp = exp;
            }
            return Ok(n);
        }
        let digits = limbs::digits(&n.coeff) as i64;
        let adjusted = n.exp + digits - 1;
        if adjusted > self.emax {
            return self.overflow(n.negative, st);
        }
        if self.clamp && n.exp > self.etop() {
            *st |= CLAMPED;
            n.coeff = limbs::shift_left(&n.coeff, n.exp - self.etop())?;
            n.exp = self.etop();
        }
        if adjusted < self.emin {
            *st |= SUBNORMAL;
            let etiny = self.etiny();
            if n.exp < etiny {
                let mut inexact = 0;
                // (The digits that are left are fewer than the precision.)
                let cut = etiny - n.exp;
                self.round(&mut n, cut, &mut inexact);
                *st |= inexact;
                if inexact & INEXACT != 0 {
                    *st |= UNDERFLOW;
                }
                if n.coeff.is_empty() {
                    *st |= CLAMPED;
                }
            }
            return Ok(n);
        }
        let digits = limbs::digits(&n.coeff) as i64;
        if digits > self.prec {
            self.round(&mut n, digits - self.prec, st);
            if n.view().adjusted() > self.emax {
                return self.overflow(n.negative, st);
            }
        }
        Ok(n)
    }

    /// What is beyond the largest number.
    #[cold]
    fn overflow(&self, negative: bool, st: &mut u32) -> Res {
        *st |= OVERFLOW | INEXACT | ROUNDED;
        let stays = match self.round {
            Round::Down | Round::ZeroFiveUp => true,
            Round::Ceiling => negative,
            Round::Floor => !negative,
            _ => false,
        };
        if stays { self.largest(negative) } else { Ok(Number::infinity(negative)) }
    }

    /// The largest finite number.
    pub fn largest(&self, negative: bool) -> Res {
        Ok(Number::new(negative, limbs::nines(self.prec)?, self.etop()))
    }

    /// A coefficient that is known to one part in it and is taken for inexact, rounded: also when no digit but zeros is cut off, it has
    /// lost some if it is subnormal.
    pub(crate) fn finish_inexact(&self, negative: bool, coeff: Limbs, exp: i64, st: &mut u32) -> Res {
        let mut own = INEXACT | ROUNDED;
        let r = self.finalize(Number::new(negative, coeff, exp), &mut own);
        if own & SUBNORMAL != 0 {
            own |= UNDERFLOW;
        }
        *st |= own;
        r
    }
}

/// NaN, because of a condition.
#[cold]
pub(crate) fn invalid(st: &mut u32, condition: u32) -> Res {
    *st |= condition;
    Ok(Number::nan())
}
