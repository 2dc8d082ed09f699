//! Operations on exponents and single digits.

use crate::arith::{LONG, mark_inexact, nan_of};
use crate::context::status::*;
use crate::context::{Context, Round};
use crate::div::isqrt;
use crate::limbs::{self, DIGITS, Limbs, NoMemory, POW10};
use crate::number::{Num, Number, Res};
use crate::order::not_for;

/// `a` with the exponent of `b`.
pub fn quantize(a: Num<'_>, b: Num<'_>, cx: &Context, st: &mut u32) -> Res {
    if !a.is_finite() || !b.is_finite() {
        if let Some(r) = nan_of(&[a, b], cx, st) {
            return r;
        }
        return if a.is_infinite() && b.is_infinite() {
            Ok(Number::infinity(a.negative))
        } else {
            not_for(st)
        };
    }
    rescale(a, b.exp, cx, st)
}

/// `a` with this exponent.
fn rescale(a: Num<'_>, exp: i64, cx: &Context, st: &mut u32) -> Res {
    if exp > cx.emax || exp < cx.etiny() {
        return not_for(st);
    }
    if a.coeff.is_empty() {
        return cx.finalize(Number::zero(a.negative, exp), st);
    }
    let shift = a.exp - exp;
    if a.digits() + shift > cx.prec {
        return not_for(st);
    }
    let mut conditions = 0;
    let mut n = Number::new(a.negative, Limbs::new(), exp);
    if shift >= 0 {
        n.coeff = limbs::shift_left(a.coeff, shift)?;
    } else {
        n.coeff = limbs::copy(a.coeff);
        if cut(&mut n.coeff, -shift, a.negative, cx.round) {
            conditions |= INEXACT;
        }
        conditions |= ROUNDED;
        if limbs::digits(&n.coeff) as i64 > cx.prec {
            return not_for(st);
        }
    }
    if n.view().adjusted() > cx.emax {
        return not_for(st);
    }
    *st |= conditions;
    cx.finalize(n, st)
}

/// Cuts off digits and rounds; whether any was not zero.
fn cut(coeff: &mut Limbs, digits: i64, negative: bool, round: Round) -> bool {
    let rest = limbs::shift_right(coeff, digits);
    let last = (coeff.first().copied().unwrap_or(0) % 10) as u8;
    if round.goes_up(rest, last, negative) {
        limbs::increment(coeff);
    }
    rest != 0
}

/// The nearest integer, by the context's rounding; with `exact`, the conditions are raised.
pub fn to_integral(a: Num<'_>, exact: bool, cx: &Context, st: &mut u32) -> Res {
    if !a.is_finite() {
        return nan_of(&[a], cx, st).unwrap_or_else(|| Ok(a.to_number()));
    }
    if a.exp >= 0 {
        return Ok(a.to_number());
    }
    if a.coeff.is_empty() {
        return Ok(Number::zero(a.negative, 0));
    }
    let mut coeff = limbs::copy(a.coeff);
    let inexact = cut(&mut coeff, -a.exp, a.negative, cx.round);
    if exact {
        *st |= ROUNDED | if inexact { INEXACT } else { 0 };
    }
    Ok(Number::new(a.negative, coeff, 0))
}

/// The integer next to `a` by this rounding; it is finite.
pub fn integer(a: Num<'_>, round: Round) -> Result<Number, NoMemory> {
    to_integral(a, false, &Context { round, ..Context::MAX }, &mut 0)
}

/// Without trailing zeros.
pub fn reduce(a: Num<'_>, cx: &Context, st: &mut u32) -> Res {
    if a.is_nan()
        && let Some(r) = nan_of(&[a], cx, st)
    {
        return r;
    }
    let mut n = cx.finalize(a.to_number(), st)?;
    if !n.view().is_finite() {
        return Ok(n);
    }
    if n.coeff.is_empty() {
        n.exp = 0;
        return Ok(n);
    }
    let top = if cx.clamp { cx.etop() } else { cx.emax };
    let zeros = (limbs::trailing_zeros(&n.coeff) as i64).min(top - n.exp).max(0);
    limbs::shift_right(&mut n.coeff, zeros);
    n.exp += zeros;
    Ok(n)
}

/// The adjusted exponent.
pub fn logb(a: Num<'_>, cx: &Context, st: &mut u32) -> Res {
    if !a.is_finite() {
        return nan_of(&[a], cx, st).unwrap_or_else(|| Ok(Number::infinity(false)));
    }
    if a.coeff.is_empty() {
        *st |= DIVISION_BY_ZERO;
        return Ok(Number::infinity(true));
    }
    cx.finalize(Number::int(a.adjusted()), st)
}

/// A count among the operands: an integer written as one, at most `most`.
fn count(b: Num<'_>, most: i128) -> Option<i64> {
    if !b.is_finite() || b.exp != 0 {
        return None;
    }
    let n = limbs::to_u64(b.coeff)?;
    if n as i128 > most {
        return None;
    }
    Some(if b.negative { -(n as i64) } else { n as i64 })
}

/// `a * 10^b`.
pub fn scaleb(a: Num<'_>, b: Num<'_>, cx: &Context, st: &mut u32) -> Res {
    if let Some(r) = nan_of(&[a, b], cx, st) {
        return r;
    }
    let Some(n) = count(b, 2 * (cx.emax as i128 + cx.prec as i128)) else { return not_for(st) };
    if a.is_infinite() {
        return Ok(a.to_number());
    }
    let mut r = a.to_number();
    r.exp = r.exp.saturating_add(n).clamp(-FAR, FAR);
    cx.finalize(r, st)
}

/// Beyond all exponents.
const FAR: i64 = 4_000_000_000_000_000_001;

/// The digits moved by `b`, to the left when it is positive.
pub fn shift(a: Num<'_>, b: Num<'_>, cx: &Context, st: &mut u32) -> Res {
    let n = match shift_count(a, b, cx, st) {
        Ok(n) => n,
        Err(r) => return r,
    };
    let mut r = a.to_number();
    if n >= 0 {
        // (What leaves the precision need not be made.)
        limbs::keep_low(&mut r.coeff, cx.prec - n);
        r.coeff = limbs::shift_left(&r.coeff, n)?;
    } else {
        limbs::keep_low(&mut r.coeff, cx.prec);
        limbs::shift_right(&mut r.coeff, -n);
    }
    Ok(r)
}

fn shift_count(a: Num<'_>, b: Num<'_>, cx: &Context, st: &mut u32) -> Result<i64, Res> {
    if let Some(r) = nan_of(&[a, b], cx, st) {
        return Err(r);
    }
    match count(b, cx.prec as i128) {
        None => Err(not_for(st)),
        Some(_) if a.is_infinite() => Err(Ok(a.to_number())),
        Some(n) => Ok(n),
    }
}

/// The digits, so many as the precision has, rotated by `b`, to the left when it is positive.
pub fn rotate(a: Num<'_>, b: Num<'_>, cx: &Context, st: &mut u32) -> Res {
    let n = match shift_count(a, b, cx, st) {
        Ok(n) => n,
        Err(r) => return r,
    };
    let left = if n < 0 { n + cx.prec } else { n };
    let mut r = a.to_number();
    limbs::keep_low(&mut r.coeff, cx.prec);
    let mut high = r.coeff.clone();
    limbs::shift_right(&mut high, cx.prec - left);
    limbs::keep_low(&mut r.coeff, cx.prec - left);
    let low = limbs::shift_left(&r.coeff, left)?;
    r.coeff = limbs::add(&low, &high)?;
    Ok(r)
}

/// A logical operation on digits.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Logical {
    /// One where both are.
    And,
    /// One where any is.
    Or,
    /// One where they differ.
    Xor,
}

/// Whether all digits are zero or one.
fn is_logical(a: Num<'_>) -> bool {
    a.is_finite()
        && !a.negative
        && a.exp == 0
        && a.coeff.iter().all(|&x| {
            let mut x = x;
            while x % 10 < 2 && x != 0 {
                x /= 10;
            }
            x == 0
        })
}

/// Digit by digit, of so many of the lowest as the precision has.
pub fn logical(a: Num<'_>, b: Num<'_>, op: Logical, cx: &Context, st: &mut u32) -> Res {
    if !is_logical(a) || !is_logical(b) {
        return not_for(st);
    }
    let n = a.coeff.len().max(b.coeff.len());
    let mut out = limbs::zeros(n)?;
    for (i, o) in out.iter_mut().enumerate() {
        let at = |s: &[u64]| s.get(i).copied().unwrap_or(0);
        *o = logical_limb(at(a.coeff), at(b.coeff), op);
    }
    limbs::trim(&mut out);
    limbs::keep_low(&mut out, cx.prec);
    Ok(Number::new(false, out, 0))
}

fn logical_limb(x: u64, y: u64, op: Logical) -> u64 {
    (0..DIGITS).map(|k| POW10[k]).fold(0, |sum, p| {
        let (i, j) = (x / p % 10, y / p % 10);
        sum + p * match op {
            Logical::And => i & j,
            Logical::Or => i | j,
            Logical::Xor => i ^ j,
        }
    })
}

/// The lowest digits inverted, as many as the precision has.
pub fn invert(a: Num<'_>, cx: &Context, st: &mut u32) -> Res {
    if !is_logical(a) {
        return not_for(st);
    }
    let mut low = limbs::copy(a.coeff);
    limbs::keep_low(&mut low, cx.prec);
    let mut ones = limbs::nines(cx.prec)?;
    limbs::div_small(&mut ones, 9);
    let coeff = limbs::sub(&ones, &low);
    Ok(Number::new(false, coeff, 0))
}

/// The square root, rounded to the nearest.
pub fn sqrt(a: Num<'_>, cx: &Context, st: &mut u32) -> Res {
    if !a.is_finite() {
        return match nan_of(&[a], cx, st) {
            Some(r) => r,
            None if a.negative => not_for(st),
            None => Ok(Number::infinity(false)),
        };
    }
    let ideal = a.exp.div_euclid(2);
    if a.coeff.is_empty() {
        return cx.finalize(Number::zero(a.negative, ideal), st);
    }
    if a.negative {
        return not_for(st);
    }
    // An even exponent, and one digit more than the precision.
    let odd = a.exp.rem_euclid(2);
    let digits = (a.digits() + odd + 1) / 2;
    let mut shift = (cx.prec + 1 - digits).max(0);
    if shift > LONG && isqrt(&limbs::shift_left(a.coeff, odd)?)?.1 {
        // (Exact as it is, however large the precision is.)
        shift = 0;
    }
    let c = limbs::shift_left(a.coeff, 2 * shift + odd)?;
    let (mut r, exact) = isqrt(&c)?;
    let mut exp = ideal - shift;
    if exact {
        let zeros = (limbs::trailing_zeros(&r) as i64).min(shift);
        limbs::shift_right(&mut r, zeros);
        exp += zeros;
    } else {
        mark_inexact(&mut r);
    }
    cx.half_even().finalize(Number::new(false, r, exp), st)
}
