//! Powers.

use crate::arith::{self, nan_of};
use crate::context::status::{INEXACT, ROUNDED};
use crate::context::{Context, Round};
use crate::div::div_rem;
use crate::limbs::{self, Limbs, NoMemory};
use crate::mul::{mul, square};
use crate::number::{Num, Number, Res, compare_finite_magnitude};
use crate::order::not_for;
use crate::series::{self, FAR};

/// Digits more than the precision in which powers are computed.
const GUARD: i64 = 4 + 19;

/// Integer exponents are taken for such from this number of digits on no longer.
const LONG_EXPONENT: i64 = 5000;

/// `a ** b`.
pub fn power(a: Num<'_>, b: Num<'_>, cx: &Context, st: &mut u32) -> Res {
    if let Some(r) = nan_of(&[a, b], cx, st) {
        return r;
    }
    let whole = b.is_integer();
    let negative = a.negative && whole && b.is_odd();
    let infinite_or_zero =
        |infinite: bool| Ok(if infinite { Number::infinity(negative) } else { Number::zero(negative, 0) });
    if a.is_zero() {
        return if b.is_zero() { not_for(st) } else { infinite_or_zero(b.negative) };
    }
    if a.negative && !whole {
        return not_for(st);
    }
    let one = Number::int(1);
    if b.is_infinite() {
        if a.is_infinite() {
            return infinite_or_zero(!b.negative);
        }
        return match compare_finite_magnitude(a, one.view()) {
            std::cmp::Ordering::Equal => padded_one(negative, cx, st),
            o => infinite_or_zero(o.is_gt() != b.negative),
        };
    }
    if a.is_infinite() {
        return if b.is_zero() { Ok(one) } else { infinite_or_zero(!b.negative) };
    }
    if b.is_zero() {
        return Ok(one);
    }
    if compare_finite_magnitude(a, one.view()).is_eq() {
        if !whole {
            return padded_one(negative, cx, st);
        }
        return power_of_one(a, b, negative, cx, st);
    }
    // What is surely beyond the limits.
    let above = compare_finite_magnitude(a, one.view()).is_gt();
    let large = above != b.negative;
    let limit = if large { cx.emax } else { -cx.etiny() };
    // (Of what is near one, the logarithm is below one.)
    let near = (-1..=0).contains(&a.adjusted());
    if !(near && b.adjusted() <= decimal_digits(limit))
        && log_bound(a, above)? + b.adjusted() > decimal_digits(limit)
    {
        return far(negative, large, cx, st);
    }
    if whole && b.adjusted() < LONG_EXPONENT {
        return integer_power(a, b, negative, cx, st);
    }
    real_power(a, b, negative, cx, st)
}

/// One with as many zeros as there is room for, not exact.
fn padded_one(negative: bool, cx: &Context, st: &mut u32) -> Res {
    cx.finish_inexact(negative, limbs::power_of_ten(cx.prec - 1)?, 1 - cx.prec, st)
}

/// One, written in some way, to an integer power: the zeros multiply.
fn power_of_one(a: Num<'_>, b: Num<'_>, negative: bool, cx: &Context, st: &mut u32) -> Res {
    if b.negative || a.exp >= 0 {
        return Ok(Number::small(negative, 1, 0));
    }
    let most = cx.prec - 1;
    let zeros = match b.to_i64() {
        Some(n) => n as i128 * -(a.exp as i128),
        None => i128::MAX,
    };
    let zeros = if zeros > most as i128 {
        *st |= ROUNDED;
        most
    } else {
        zeros as i64
    };
    Ok(Number::new(negative, limbs::power_of_ten(zeros)?, -zeros))
}

fn decimal_digits(n: i64) -> i64 {
    limbs::word_digits(n.unsigned_abs()).max(1) as i64
}

/// The exponent of a power of ten that the magnitude of the decimal logarithm of `a`, which is not one, is not below.
fn log_bound(a: Num<'_>, above: bool) -> Result<i64, NoMemory> {
    let adjusted = a.adjusted();
    Ok(match adjusted {
        1.. => decimal_digits(adjusted) - 1,
        ..=-2 => decimal_digits(-1 - adjusted) - 1,
        _ => {
            // (|ln(a)| is at least |a - 1| / max(a, 1), and ln(10) below 2.31: the one is less than a place, the other two.)
            let one = Number::int(1);
            let difference =
                arith::add_finite(a.with_sign(false), one.view().with_sign(true), &Context::MAX)?;
            difference.view().adjusted() - 1 - above as i64
        }
    })
}

/// Beyond the limits, on either side.
fn far(negative: bool, large: bool, cx: &Context, st: &mut u32) -> Res {
    cx.finalize(Number::small(negative, 1, if large { FAR } else { -FAR }), st)
}

/// By squaring, with as many digits more than the precision as the exponent has, and two. (A result that is zero with them is not rounded
/// up.)
fn integer_power(a: Num<'_>, b: Num<'_>, negative: bool, cx: &Context, st: &mut u32) -> Res {
    let prec = cx.prec.saturating_add(b.digits() + b.exp + 2 + b.negative as i64);
    let work = Context { prec, round: Round::HalfEven, clamp: false, ..*cx };
    let base = a.with_sign(false);
    let base =
        if b.negative { arith::div(Number::int(1).view(), base, &work, st)? } else { base.to_number() };
    let mut step = |r: &mut Number, odd: bool| {
        *r = arith::mul(r.view(), r.view(), &work, st)?;
        if odd {
            *r = arith::mul(r.view(), base.view(), &work, st)?;
        }
        Ok::<bool, NoMemory>(r.view().is_finite() && !r.coeff.is_empty())
    };
    let mut r = base.clone();
    match b.to_i64() {
        Some(n) => {
            let n = n.unsigned_abs();
            for bit in (0..n.ilog2()).rev() {
                if !step(&mut r, n >> bit & 1 != 0)? {
                    break;
                }
            }
        }
        None => {
            let n = crate::base::to_binary(&integer(b)?);
            for bit in (0..n.bits() - 1).rev() {
                if !step(&mut r, n.bit(bit))? {
                    break;
                }
            }
        }
    }
    if r.view().is_infinite() {
        return far(negative, true, cx, st);
    }
    r.negative = negative;
    cx.finalize(r, st)
}

/// By exponential and logarithm.
fn real_power(a: Num<'_>, b: Num<'_>, negative: bool, cx: &Context, st: &mut u32) -> Res {
    let prec = cx.prec.max(a.digits());
    // So many digits of the exponent of e are in front of the point, at most.
    let whole = (b.adjusted().min(2 * GUARD) + decimal_digits(a.adjusted()) + 2).clamp(2, GUARD);
    let work = Context { prec: prec.saturating_add(GUARD + whole), ..Context::MAX };
    let mut quiet = 0;
    let l = series::ln(a.with_sign(false), &work, &mut quiet)?;
    let l = arith::mul(l.view(), b, &work, &mut quiet)?;
    let up = !l.negative;
    if !l.view().is_finite() {
        return far(negative, up, cx, st);
    }
    let fewer = Context { prec: prec.saturating_add(GUARD), ..Context::MAX };
    let r = series::exp(l.view(), &fewer, &mut quiet)?;
    if r.view().is_infinite() {
        *st |= INEXACT | ROUNDED;
        return far(negative, up, cx, st);
    }
    if r.coeff.is_empty() {
        *st |= quiet;
    }
    cx.finish_inexact(negative, r.coeff, r.exp, st)
}

/// `a ** b % m`, for integers.
pub fn power_modulo(a: Num<'_>, b: Num<'_>, m: Num<'_>, cx: &Context, st: &mut u32) -> Res {
    if let Some(r) = nan_of(&[a, b, m], cx, st) {
        return r;
    }
    let whole = a.is_integer() && b.is_integer() && m.is_integer();
    if !whole
        || b.negative && !b.is_zero()
        || m.is_zero()
        || m.adjusted() >= cx.prec
        || a.is_zero() && b.is_zero()
    {
        return not_for(st);
    }
    let negative = a.negative && b.is_odd();
    let modulus = integer(m)?;
    if modulus.as_slice() == [1] {
        return Ok(Number::zero(negative, 0));
    }
    let reduce = |l: Limbs| Ok::<Limbs, NoMemory>(div_rem(&l, &modulus)?.1);
    let power_of = |base: &Limbs, n: u64| {
        let mut r = limbs::from_u64(1);
        for bit in (0..64 - n.leading_zeros()).rev() {
            r = reduce(square(&r)?)?;
            if n >> bit & 1 != 0 {
                r = reduce(mul(&r, base)?)?;
            }
        }
        Ok::<Limbs, NoMemory>(r)
    };
    // The base; its power of ten, which may be large, is reduced as it is made.
    let mut base = if a.exp > 0 {
        let ten = power_of(&reduce(limbs::from_u64(10))?, a.exp as u64)?;
        reduce(mul(&reduce(Limbs::from_slice(a.coeff))?, &ten)?)?
    } else {
        reduce(integer(a)?)?
    };
    // The exponent, limb by limb from the lowest one; its power of ten first.
    let (digits, zeros) = if b.exp > 0 { (Limbs::from_slice(b.coeff), b.exp) } else { (integer(b)?, 0) };
    for _ in 0..zeros {
        base = power_of(&base, 10)?;
    }
    let mut r = reduce(limbs::from_u64(1))?;
    for (i, &x) in digits.iter().enumerate() {
        if i > 0 {
            base = power_of(&base, limbs::RADIX)?;
        }
        r = reduce(mul(&r, &power_of(&base, x)?)?)?;
    }
    Ok(Number::new(negative, r, 0))
}

/// The magnitude of an integer.
fn integer(a: Num<'_>) -> Result<Limbs, NoMemory> {
    Ok(if a.exp > 0 {
        limbs::shift_left(a.coeff, a.exp)?
    } else {
        crate::digits::integer(a, Round::Down)?.coeff
    })
}
