//! Sums, products, quotients and remainders.

use crate::context::status::*;
use crate::context::{Context, Round, invalid};
use crate::div::div_rem;
use crate::limbs::{self, Limbs, NoMemory, RADIX};
use crate::mul::mul as mul_limbs;
use crate::number::{Kind, Num, Number, Res, compare_finite_magnitude};

/// A NaN among the operands goes on, quiet, the first signaling one first.
#[cold]
#[inline(never)]
pub(crate) fn nan_of(operands: &[Num<'_>], cx: &Context, st: &mut u32) -> Option<Res> {
    let of = |kind| operands.iter().find(|n| n.kind == kind);
    let n = match of(Kind::Signaling) {
        Some(n) => {
            *st |= INVALID_OPERATION;
            n
        }
        None => of(Kind::Quiet)?,
    };
    let mut n = n.to_number();
    n.kind = Kind::Quiet;
    Some(cx.finalize(n, st))
}

/// A coefficient of at most two limbs.
#[inline(always)]
fn double(coeff: &[u64]) -> Option<u128> {
    match *coeff {
        [a] => Some(a as u128),
        [a, b] => Some(b as u128 * RADIX as u128 + a as u128),
        [] => Some(0),
        _ => None,
    }
}

/// The sum of two finite numbers whose coefficients, aligned, fit two words.
#[inline(always)]
fn add_small(a: Num<'_>, b: Num<'_>, round: Round) -> Option<Number> {
    let (a, b) = if a.exp < b.exp { (b, a) } else { (a, b) };
    let shift = a.exp.wrapping_sub(b.exp) as u64;
    // (A sum of numbers of 37 and 36 digits has a quotient by the base of one word.)
    if shift != 0 && (shift > 18 || a.coeff.is_empty() || limbs::digits(a.coeff) + shift as usize > 37) {
        return None;
    }
    let x = double(a.coeff)? * limbs::POW10[shift as usize] as u128;
    let y = double(b.coeff)?;
    let (negative, sum) = if a.negative == b.negative {
        (a.negative, x + y)
    } else if x > y {
        (a.negative, x - y)
    } else if x < y {
        (b.negative, y - x)
    } else {
        (round == Round::Floor, 0)
    };
    Some(Number::new(negative, limbs::from_u128(sum), b.exp))
}

/// `a + b`.
#[inline]
pub fn add(a: Num<'_>, b: Num<'_>, cx: &Context, st: &mut u32) -> Res {
    if a.is_finite() && b.is_finite() {
        if let Some(n) = add_small(a, b, cx.round) {
            return cx.finalize(n, st);
        }
        let n = add_finite(a, b, cx)?;
        return cx.finalize(n, st);
    }
    add_special(a, b, cx, st)
}

/// `a - b`.
#[inline]
pub fn sub(a: Num<'_>, b: Num<'_>, cx: &Context, st: &mut u32) -> Res {
    if b.is_nan() {
        return add_special(a, b, cx, st);
    }
    add(a, b.with_sign(!b.negative), cx, st)
}

#[cold]
fn add_special(a: Num<'_>, b: Num<'_>, cx: &Context, st: &mut u32) -> Res {
    if let Some(r) = nan_of(&[a, b], cx, st) {
        return r;
    }
    match (a.is_infinite(), b.is_infinite()) {
        (true, true) if a.negative != b.negative => invalid(st, INVALID_OPERATION),
        (true, _) => Ok(Number::infinity(a.negative)),
        _ => Ok(Number::infinity(b.negative)),
    }
}

/// The exact sum, or one that is rounded in the same way.
pub(crate) fn add_finite(a: Num<'_>, b: Num<'_>, cx: &Context) -> Res {
    let (big, mut small) = if a.exp < b.exp { (b, a) } else { (a, b) };
    let shifted;
    let mut coeff = big.coeff;
    let replaced = [1u64];
    if big.exp != small.exp && !big.coeff.is_empty() {
        // What is far below the last digit that matters counts as little as the least that is there.
        let digits = big.digits();
        let least = big.exp - 1 - if digits > cx.prec { 0 } else { cx.prec + 1 - digits };
        if small.adjusted() < least {
            small = Num { coeff: if small.coeff.is_empty() { &[] } else { &replaced }, exp: least, ..small };
        }
        shifted = limbs::shift_left(big.coeff, big.exp - small.exp)?;
        coeff = &shifted;
    }
    let exp = small.exp;
    if big.negative == small.negative {
        return Ok(Number::new(big.negative, limbs::add(coeff, small.coeff)?, exp));
    }
    Ok(match limbs::compare(coeff, small.coeff) {
        std::cmp::Ordering::Greater => Number::new(big.negative, limbs::sub(coeff, small.coeff), exp),
        std::cmp::Ordering::Less => Number::new(small.negative, limbs::sub(small.coeff, coeff), exp),
        std::cmp::Ordering::Equal => Number::zero(cx.round == Round::Floor, exp),
    })
}

/// The product of two numbers that are no NaNs, exact.
pub(crate) fn mul_exact(a: Num<'_>, b: Num<'_>, st: &mut u32) -> Res {
    let negative = a.negative != b.negative;
    if !a.is_finite() || !b.is_finite() {
        if a.is_zero() || b.is_zero() {
            return invalid(st, INVALID_OPERATION);
        }
        return Ok(Number::infinity(negative));
    }
    Ok(Number::new(negative, mul_limbs(a.coeff, b.coeff)?, a.exp + b.exp))
}

/// `a * b`.
#[inline]
pub fn mul(a: Num<'_>, b: Num<'_>, cx: &Context, st: &mut u32) -> Res {
    if a.is_finite() && b.is_finite() && a.coeff.len() <= 2 && b.coeff.len() <= 2 {
        let coeff = match (a.coeff, b.coeff) {
            (&[x], &[y]) => limbs::from_u128(x as u128 * y as u128),
            (x, y) => limbs::mul_few(x, y),
        };
        return cx.finalize(Number::new(a.negative != b.negative, coeff, a.exp + b.exp), st);
    }
    if (a.is_nan() || b.is_nan())
        && let Some(r) = nan_of(&[a, b], cx, st)
    {
        return r;
    }
    let n = mul_exact(a, b, st)?;
    cx.finalize(n, st)
}

/// `a * b + c`, rounded once.
pub fn fma(a: Num<'_>, b: Num<'_>, c: Num<'_>, cx: &Context, st: &mut u32) -> Res {
    // (A product that is invalid counts more than a NaN behind it.)
    if (a.is_nan() || b.is_nan())
        && let Some(r) = nan_of(&[a, b, c], cx, st)
    {
        return r;
    }
    let p = mul_exact(a, b, st)?;
    if p.view().is_nan() {
        return Ok(p);
    }
    add(p.view(), c, cx, st)
}

/// `a / b`.
pub fn div(a: Num<'_>, b: Num<'_>, cx: &Context, st: &mut u32) -> Res {
    let negative = a.negative != b.negative;
    if !a.is_finite() || !b.is_finite() {
        if let Some(r) = nan_of(&[a, b], cx, st) {
            return r;
        }
        return match (a.is_infinite(), b.is_infinite()) {
            (true, true) => invalid(st, INVALID_OPERATION),
            (true, false) => Ok(Number::infinity(negative)),
            _ => {
                *st |= CLAMPED;
                Ok(Number::zero(negative, cx.etiny()))
            }
        };
    }
    if b.coeff.is_empty() {
        if a.coeff.is_empty() {
            return invalid(st, DIVISION_UNDEFINED);
        }
        *st |= DIVISION_BY_ZERO;
        return Ok(Number::infinity(negative));
    }
    let ideal = a.exp - b.exp;
    if a.coeff.is_empty() {
        return cx.finalize(Number::zero(negative, ideal), st);
    }
    let (mut q, exact, shift) = longest_quotient(a, b, cx.prec)?;
    let mut exp = ideal - shift;
    if !exact {
        mark_inexact(&mut q);
    } else if exp < ideal {
        let most = (ideal - exp) as usize;
        let n = limbs::trailing_zeros(&q).min(most) as i64;
        limbs::shift_right(&mut q, n);
        exp += n;
    }
    cx.finalize(Number::new(negative, q, exp), st)
}

/// The quotient of the coefficients, so many places to the left that it has a digit more than the precision, or exact; whether it is; the
/// number of places.
fn longest_quotient(a: Num<'_>, b: Num<'_>, prec: i64) -> Result<(Limbs, bool, i64), NoMemory> {
    let shift = (b.digits() - a.digits() + prec + 1).max(0);
    // Quotients of short numbers are often exact, and short.
    if let (&[x], &[y]) = (a.coeff, b.coeff) {
        let few = shift.min((limbs::DIGITS - limbs::word_digits(x)) as i64);
        let x = x * limbs::POW10[few as usize];
        let q = x / y;
        if q * y == x {
            return Ok((limbs::from_u64(q), true, few));
        }
    }
    // A divisor has at most four times as many factors of two, or five, as digits: exact quotients need not be long, however large the
    // precision is.
    let enough = 4 * b.digits() + b.digits().max(a.digits());
    if shift > enough + LONG {
        let (q, exact) = quotient(a.coeff, b.coeff, enough)?;
        if exact {
            return Ok((q, true, enough));
        }
    }
    let (q, exact) = quotient(a.coeff, b.coeff, shift)?;
    Ok((q, exact, shift))
}

/// From so many digits on, it is asked whether fewer are enough.
pub(crate) const LONG: i64 = 5000;

/// `a * 10^shift / b` and whether that is exact.
fn quotient(a: &[u64], b: &[u64], shift: i64) -> Result<(Limbs, bool), NoMemory> {
    if let Some(r) = short_quotient(a, b, shift) {
        return Ok(r);
    }
    let dividend = limbs::shift_left(a, shift)?;
    if let [d] = *b {
        let mut q = dividend;
        let r = limbs::div_small(&mut q, d);
        limbs::trim(&mut q);
        return Ok((q, r == 0));
    }
    let (q, r) = div_rem(&dividend, b)?;
    Ok((q, r.is_empty()))
}

/// The same for coefficients of two limbs, when the quotient fits two words.
fn short_quotient(a: &[u64], b: &[u64], shift: i64) -> Option<(Limbs, bool)> {
    let (a, b) = (double(a)?, double(b)?);
    let power = *POWERS.get(shift as usize)?;
    let (high, low) = wide_product(a, power);
    if high >= b {
        return None;
    }
    let (q, r) = wide_quotient(high, low, b);
    // (The quotient of so many digits has one word when it is divided by the base.)
    if q >> 64 >= RADIX as u128 { None } else { Some((limbs::from_u128(q), r == 0)) }
}

/// Powers of ten that fit two words.
static POWERS: [u128; 39] = {
    let mut t = [1u128; 39];
    let mut i = 1;
    while i < 39 {
        t[i] = t[i - 1] * 10;
        i += 1;
    }
    t
};

/// A product of four words: its upper and its lower half.
fn wide_product(a: u128, b: u128) -> (u128, u128) {
    let low = |x: u128| x as u64 as u128;
    let (a0, a1, b0, b1) = (low(a), a >> 64, low(b), b >> 64);
    let p = a0 * b0;
    let q = a1 * b0 + (p >> 64);
    let r = a0 * b1 + low(q);
    (a1 * b1 + (q >> 64) + (r >> 64), r << 64 | low(p))
}

/// Quotient and remainder of four words by two; the upper half is less than the divisor.
fn wide_quotient(high: u128, low: u128, d: u128) -> (u128, u128) {
    if d >> 64 == 0 {
        let by = limbs::Divisor::new(d as u64);
        let (q1, r) = by.div(high << 64 | low >> 64);
        let (q0, r) = by.div((r as u128) << 64 | low as u64 as u128);
        return ((q1 as u128) << 64 | q0 as u128, r as u128);
    }
    let shift = d.leading_zeros();
    let d = d << shift;
    let high = if shift == 0 { high } else { high << shift | low >> (128 - shift) };
    let low = low << shift;
    let by = limbs::Divisor::new((d >> 64) as u64);
    // Three words by two, twice.
    let step = |top: u128, next: u64| {
        let (d1, d0) = ((d >> 64) as u64, d as u64);
        let first = (top >> 64) as u64;
        let (mut q, mut r) = if first >= d1 {
            (u64::MAX, (top as u64 as u128) + d1 as u128)
        } else {
            let (q, r) = by.div(top);
            (q, r as u128)
        };
        while r >> 64 == 0 && q as u128 * d0 as u128 > (r << 64 | next as u128) {
            q -= 1;
            r += d1 as u128;
        }
        (q, (top << 64 | next as u128).wrapping_sub((q as u128).wrapping_mul(d)))
    };
    let (q1, r) = step(high, (low >> 64) as u64);
    let (q0, r) = step(r, low as u64);
    ((q1 as u128) << 64 | q0 as u128, r >> shift)
}

/// A coefficient that is longer than the precision, and not exact, gets a last digit that says so.
pub(crate) fn mark_inexact(q: &mut Limbs) {
    match q.first_mut() {
        Some(x) => *x += x.is_multiple_of(5) as u64,
        None => q.push(1),
    }
}

/// Quotient and remainder of finite numbers, `b` not zero; `None`: the quotient has too many digits.
fn integer_parts(a: Num<'_>, b: Num<'_>, cx: &Context) -> Result<Option<(Number, Number)>, NoMemory> {
    let negative = a.negative != b.negative;
    let exp = a.exp.min(b.exp);
    if a.coeff.is_empty() {
        return Ok(Some((Number::zero(negative, 0), Number::zero(a.negative, exp))));
    }
    if compare_finite_magnitude(a, b).is_lt() {
        let r = limbs::shift_left(a.coeff, a.exp - exp)?;
        return Ok(Some((Number::zero(negative, 0), Number::new(a.negative, r, exp))));
    }
    if a.adjusted() - b.adjusted() > cx.prec {
        return Ok(None);
    }
    let (q, r) = if a.exp == b.exp {
        div_rem(a.coeff, b.coeff)?
    } else {
        div_rem(&limbs::shift_left(a.coeff, a.exp - exp)?, &limbs::shift_left(b.coeff, b.exp - exp)?)?
    };
    if limbs::digits(&q) as i64 > cx.prec {
        return Ok(None);
    }
    Ok(Some((Number::new(negative, q, 0), Number::new(a.negative, r, exp))))
}

/// The integer part of `a / b`.
pub fn div_int(a: Num<'_>, b: Num<'_>, cx: &Context, st: &mut u32) -> Res {
    let negative = a.negative != b.negative;
    if !a.is_finite() || !b.is_finite() {
        if let Some(r) = nan_of(&[a, b], cx, st) {
            return r;
        }
        return match (a.is_infinite(), b.is_infinite()) {
            (true, true) => invalid(st, INVALID_OPERATION),
            (true, false) => Ok(Number::infinity(negative)),
            _ => Ok(Number::zero(negative, 0)),
        };
    }
    if b.coeff.is_empty() {
        if a.coeff.is_empty() {
            return invalid(st, DIVISION_UNDEFINED);
        }
        *st |= DIVISION_BY_ZERO;
        return Ok(Number::infinity(negative));
    }
    match integer_parts(a, b, cx)? {
        Some((q, _)) => cx.finalize(q, st),
        None => invalid(st, DIVISION_IMPOSSIBLE),
    }
}

/// What is left of a division with NaNs, infinities or zero as the divisor; `None` of others.
fn remainder_of_specials(a: Num<'_>, b: Num<'_>, cx: &Context, st: &mut u32) -> Option<Res> {
    if !a.is_finite() || !b.is_finite() {
        return Some(match nan_of(&[a, b], cx, st) {
            Some(r) => r,
            None if a.is_infinite() => invalid(st, INVALID_OPERATION),
            None => cx.finalize(a.to_number(), st),
        });
    }
    let condition = if a.coeff.is_empty() { DIVISION_UNDEFINED } else { INVALID_OPERATION };
    b.coeff.is_empty().then(|| invalid(st, condition))
}

/// What is left of `a` after [`div_int`].
pub fn rem(a: Num<'_>, b: Num<'_>, cx: &Context, st: &mut u32) -> Res {
    if let Some(r) = remainder_of_specials(a, b, cx, st) {
        return r;
    }
    match integer_parts(a, b, cx)? {
        Some((_, r)) => cx.finalize(r, st),
        None => invalid(st, DIVISION_IMPOSSIBLE),
    }
}

/// [`div_int`] and [`rem`].
pub fn div_mod(a: Num<'_>, b: Num<'_>, cx: &Context, st: &mut u32) -> Result<(Number, Number), NoMemory> {
    let negative = a.negative != b.negative;
    let none = |st: &mut u32, condition| {
        *st |= condition;
        Ok((Number::nan(), Number::nan()))
    };
    if !a.is_finite() || !b.is_finite() {
        if let Some(r) = nan_of(&[a, b], cx, st) {
            let r = r?;
            return Ok((r.clone(), r));
        }
        return match (a.is_infinite(), b.is_infinite()) {
            (true, true) => none(st, INVALID_OPERATION),
            (true, false) => {
                *st |= INVALID_OPERATION;
                Ok((Number::infinity(negative), Number::nan()))
            }
            _ => Ok((Number::zero(negative, 0), cx.finalize(a.to_number(), st)?)),
        };
    }
    if b.coeff.is_empty() {
        if a.coeff.is_empty() {
            return none(st, DIVISION_UNDEFINED);
        }
        *st |= DIVISION_BY_ZERO | INVALID_OPERATION;
        return Ok((Number::infinity(negative), Number::nan()));
    }
    match integer_parts(a, b, cx)? {
        Some((q, r)) => Ok((cx.finalize(q, st)?, cx.finalize(r, st)?)),
        None => none(st, DIVISION_IMPOSSIBLE),
    }
}

/// `a - b * n`, `n` the integer nearest to `a / b`, the even one of two.
pub fn rem_near(a: Num<'_>, b: Num<'_>, cx: &Context, st: &mut u32) -> Res {
    if let Some(r) = remainder_of_specials(a, b, cx, st) {
        return r;
    }
    let exp = a.exp.min(b.exp);
    let (ahead, behind) = (a.adjusted(), b.adjusted());
    if a.coeff.is_empty() || ahead < behind - 1 {
        // Far below a half.
        let n = Number::new(a.negative, limbs::shift_left(a.coeff, a.exp - exp)?, exp);
        return cx.finalize(n, st);
    }
    if ahead - behind > cx.prec {
        return invalid(st, DIVISION_IMPOSSIBLE);
    }
    let divisor = limbs::shift_left(b.coeff, b.exp - exp)?;
    let (mut q, mut r) = div_rem(&limbs::shift_left(a.coeff, a.exp - exp)?, &divisor)?;
    let mut negative = a.negative;
    let twice = limbs::add(&r, &r)?;
    let odd = q.first().is_some_and(|x| x & 1 != 0);
    let order = limbs::compare(&twice, &divisor);
    if order.is_gt() || order.is_eq() && odd {
        r = limbs::sub(&divisor, &r);
        negative = !negative;
        limbs::increment(&mut q);
    }
    if limbs::digits(&q) as i64 > cx.prec {
        return invalid(st, DIVISION_IMPOSSIBLE);
    }
    cx.finalize(Number::new(negative, r, exp), st)
}
