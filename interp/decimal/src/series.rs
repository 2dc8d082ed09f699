//! Exponential and logarithms, rounded correctly.
//!
//! Inside, numbers are fixed: integers of limbs, of which so many are the fraction. Results have some digits more than asked for and an
//! error below one unit of the last of those; when these digits are too near to where rounding changes, all is done again with more
//! (Ziv's strategy). The functions are transcendental, so that this ends; what is rational is known before.

use std::sync::Mutex;

use crate::arith::nan_of;
use crate::context::{Context, Round};
use crate::div::div_rem;
use crate::limbs::{self, DIGITS, Limbs, NoMemory, RADIX, add_at, div_small, trim};
use crate::mul::{mul, square};
use crate::number::{Kind, Num, Number, Res};
use crate::order::not_for;

/// Beyond all exponents.
pub(crate) const FAR: i64 = 4_000_000_000_000_000_001;

/// Without the lowest `n` limbs.
fn drop_limbs(l: &mut Limbs, n: usize) {
    if n >= l.len() {
        l.clear();
    } else if n > 0 {
        let len = l.len();
        l.copy_within(n.., 0);
        l.truncate(len - n);
    }
}

/// With `n` more limbs below.
fn add_limbs(l: &[u64], n: usize) -> Result<Limbs, NoMemory> {
    let mut out = limbs::zeros(l.len() + n)?;
    out[n..].copy_from_slice(l);
    trim(&mut out);
    Ok(out)
}

/// `l` with `to` limbs of fraction instead of `from`.
fn refit(mut l: Limbs, from: usize, to: usize) -> Result<Limbs, NoMemory> {
    if to >= from {
        return add_limbs(&l, to - from);
    }
    drop_limbs(&mut l, from - to);
    Ok(l)
}

/// A number that is not negative, with `w` limbs of fraction; what is below is cut off.
fn fixed(coeff: &[u64], exp: i64, w: usize) -> Result<Limbs, NoMemory> {
    let shift = exp + (w * DIGITS) as i64;
    if shift >= 0 {
        return limbs::shift_left(coeff, shift);
    }
    let mut l = Limbs::from_slice(coeff);
    limbs::shift_right(&mut l, -shift);
    Ok(l)
}

/// `e^x` for 0 <= x < 2.4, to one unit or so.
fn exp_fixed(x: &[u64], w: usize) -> Result<Limbs, NoMemory> {
    // The argument is halved k times and the result squared as often, which doubles the error each time.
    let halvings = ((w * DIGITS) as f64).sqrt() as usize + 4;
    let guard = 1 + (halvings / 3 + 6) / DIGITS;
    let inner = w + guard;
    let mut t = add_limbs(x, guard)?;
    let mut left = halvings;
    while left > 0 {
        let n = left.min(59);
        div_small(&mut t, 1 << n);
        left -= n;
    }
    trim(&mut t);
    let mut sum = limbs::zeros(inner + 2)?;
    sum[inner] = 1;
    let mut term = t.clone();
    let mut i = 1;
    while !term.is_empty() {
        add_at(&mut sum, &term, 0);
        i += 1;
        term = mul(&term, &t)?;
        drop_limbs(&mut term, inner);
        div_small(&mut term, i);
        trim(&mut term);
    }
    trim(&mut sum);
    for _ in 0..halvings {
        sum = square(&sum)?;
        drop_limbs(&mut sum, inner);
    }
    drop_limbs(&mut sum, guard);
    Ok(sum)
}

/// `ln(m)` for 1 <= m <= 10, to some units: by Halley's iteration, which triples the digits.
fn ln_fixed(m: &[u64], w: usize) -> Result<Limbs, NoMemory> {
    let top = refit(Limbs::from_slice(m), w, 1)?;
    let near = top.iter().rev().fold(0.0, |f, &x| f * RADIX as f64 + x as f64) / RADIX as f64;
    let mut y = limbs::from_u64((near.ln() * 1e18).max(0.0) as u64);
    let mut from = 1;
    let mut good = 14;
    let wanted = w * DIGITS;
    loop {
        let next = (3 * good - 2).min(wanted);
        let now = next.div_ceil(DIGITS).min(w);
        y = refit(y, from, now)?;
        from = now;
        let m = refit(Limbs::from_slice(m), w, now)?;
        let e = exp_fixed(&y, now)?;
        let sum = limbs::add(&m, &e)?;
        let more = limbs::compare(&m, &e).is_ge();
        let mut difference = if more { limbs::sub(&m, &e) } else { limbs::sub(&e, &m) };
        limbs::mul_add_small(&mut difference, 2, 0);
        let (step, _) = div_rem(&add_limbs(&difference, now)?, &sum)?;
        y = if more {
            limbs::add(&y, &step)?
        } else if limbs::compare(&y, &step).is_gt() {
            limbs::sub(&y, &step)
        } else {
            Limbs::new()
        };
        if next == wanted {
            return Ok(y);
        }
        good = next.min(now * DIGITS - 3);
    }
}

/// ln(10) as it was last computed, with its limbs of fraction.
static LN_10: Mutex<(usize, Vec<u64>)> = Mutex::new((0, Vec::new()));

/// ln(10), to some units.
fn ln_10(w: usize) -> Result<Limbs, NoMemory> {
    {
        let known = LN_10.lock().unwrap_or_else(|e| e.into_inner());
        if known.0 >= w {
            return refit(Limbs::from_slice(&known.1), known.0, w);
        }
    }
    let mut ten = limbs::zeros(w + 1)?;
    ten[w] = 10;
    let l = ln_fixed(&ten, w)?;
    let mut known = LN_10.lock().unwrap_or_else(|e| e.into_inner());
    *known = (w, l.to_vec());
    Ok(l)
}

/// A value with an error: sign, coefficient, limbs of fraction.
type Approximation = (bool, Limbs, usize);

/// A result from approximations: `f` is given the digits behind the point that must be right, of which `lost` are zeros or in front of what
/// counts. What it gives is multiplied by 10^`scale`.
fn correctly(
    cx: &Context,
    scale: i64,
    st: &mut u32,
    lost: i64,
    f: impl Fn(i64) -> Result<Approximation, NoMemory>,
) -> Res {
    let mut extra = 9;
    loop {
        let digits = cx.prec.saturating_add(extra + lost + 2);
        let (negative, mut l, w) = f(digits)?;
        let surplus = limbs::digits(&l) as i64 - cx.prec - extra;
        limbs::shift_right(&mut l, surplus.max(0));
        if surplus > 0 && decides(&l, extra) {
            crate::arith::mark_inexact(&mut l);
            let exp = surplus - (w * DIGITS) as i64 + scale;
            return cx.finish_inexact(negative, l, exp, st);
        }
        extra = extra * 2 + cx.prec / 8;
    }
}

/// Whether the lowest `n` digits, the last of which may be off by one, are on one side of zero and of a half.
fn decides(l: &[u64], n: i64) -> bool {
    let mut low = Limbs::from_slice(l);
    limbs::keep_low(&mut low, n - 1);
    if limbs::to_u64(&low).is_some_and(|x| x <= 1) {
        return false;
    }
    limbs::increment(&mut low);
    limbs::increment(&mut low);
    (limbs::digits(&low) as i64) < n
}

/// Limbs of fraction for so many digits, with two that may be wrong.
fn fraction(digits: i64) -> Result<usize, NoMemory> {
    Ok(limbs::limbs_for(digits)? + 2)
}

/// `e^a`, rounded to the nearest.
pub fn exp(a: Num<'_>, cx: &Context, st: &mut u32) -> Res {
    let cx = &cx.half_even();
    match a.kind {
        Kind::Infinite if a.negative => return Ok(Number::zero(false, 0)),
        Kind::Infinite => return Ok(Number::infinity(false)),
        Kind::Finite => {}
        _ => return nan_of(&[a], cx, st).unwrap_or_else(|| Ok(Number::nan())),
    }
    if a.coeff.is_empty() {
        return Ok(Number::int(1));
    }
    let adjusted = a.adjusted();
    if adjusted >= 20 {
        return cx.finish_inexact(false, limbs::from_u64(1), if a.negative { -FAR } else { FAR }, st);
    }
    if adjusted < -cx.prec - 1 {
        return cx.finish_inexact(false, limbs::power_of_ten(cx.prec - 1)?, 1 - cx.prec, st);
    }
    // e^a = 10^n e^r.
    let whole = {
        let w = 5;
        let (n, r) = reduced(a, w)?;
        // (Whether r is nearly 0 or ln(10) decides nothing: the digits in front of the point may be one more or less.)
        let _ = r;
        n
    };
    correctly(cx, whole, st, 0, |digits| {
        let w = fraction(digits)?;
        let (n, r) = reduced(a, w)?;
        let mut e = exp_fixed(&r, w)?;
        // (The power of ten may be guessed differently with more digits.)
        if n > whole {
            limbs::mul_add_small(&mut e, 10, 0);
        } else if n < whole {
            div_small(&mut e, 10);
            trim(&mut e);
        }
        Ok((false, e, w))
    })
}

/// n and r such that a = n ln(10) + r, and r, which is not negative and has `w` limbs of fraction, is below ln(10).
fn reduced(a: Num<'_>, w: usize) -> Result<(i64, Limbs), NoMemory> {
    // (n has at most twenty digits.)
    let inner = w + 2;
    let ln_10 = ln_10(inner)?;
    let (n, r) = div_rem(&fixed(a.coeff, a.exp, inner)?, &ln_10)?;
    let n = limbs::to_u64(&n).map_or(FAR, |n| n.min(FAR as u64) as i64);
    let (n, r) = if a.negative { (-n - 1, limbs::sub(&ln_10, &r)) } else { (n, r) };
    Ok((n, refit(r, inner, w)?))
}

/// For a finite positive number: m from 1 to 10 and k such that a = m 10^k, and how many digits of the logarithm are lost before the
/// first that is not zero.
fn parts(a: Num<'_>) -> Result<(i64, i64), NoMemory> {
    let k = a.adjusted();
    let mut lost = 0;
    if k == 0 || k == -1 {
        let one = Number::int(1);
        let difference = crate::arith::add_finite(
            a,
            one.view().with_sign(true),
            &Context { round: Round::HalfEven, ..Context::MAX },
        )?;
        lost = -difference.view().adjusted();
    }
    Ok((k, lost.max(0) + 1))
}

/// What logarithms of special values are.
fn special_log(a: Num<'_>, cx: &Context, st: &mut u32) -> Option<Res> {
    Some(match a.kind {
        Kind::Quiet | Kind::Signaling => nan_of(&[a], cx, st)?,
        Kind::Finite if a.coeff.is_empty() => Ok(Number::infinity(true)),
        _ if a.negative => not_for(st),
        Kind::Infinite => Ok(Number::infinity(false)),
        _ => return None,
    })
}

/// The natural logarithm, rounded to the nearest.
pub fn ln(a: Num<'_>, cx: &Context, st: &mut u32) -> Res {
    let cx = &cx.half_even();
    if let Some(r) = special_log(a, cx, st) {
        return r;
    }
    if crate::number::compare(a, Number::int(1).view()).is_eq() {
        return Ok(Number::zero(false, 0));
    }
    let (k, lost) = parts(a)?;
    correctly(cx, 0, st, lost, |digits| {
        let w = fraction(digits)?;
        let l = ln_fixed(&fixed(a.coeff, a.exp - k, w)?, w)?;
        if k == 0 {
            return Ok((false, l, w));
        }
        // (k has at most nineteen digits.)
        let mut whole = mul(&ln_10(w + 2)?, &limbs::from_u64(k.unsigned_abs()))?;
        drop_limbs(&mut whole, 2);
        Ok(if k > 0 { (false, limbs::add(&whole, &l)?, w) } else { (true, limbs::sub(&whole, &l), w) })
    })
}

/// The decimal logarithm, rounded to the nearest.
pub fn log10(a: Num<'_>, cx: &Context, st: &mut u32) -> Res {
    let cx = &cx.half_even();
    if let Some(r) = special_log(a, cx, st) {
        return r;
    }
    let (k, lost) = parts(a)?;
    if limbs::trailing_zeros(a.coeff) as i64 == a.digits() - 1
        && limbs::digit(a.coeff, a.digits() as usize - 1) == 1
    {
        return cx.finalize(Number::int(k), st);
    }
    correctly(cx, 0, st, lost, |digits| {
        let w = fraction(digits)?;
        let l = ln_fixed(&fixed(a.coeff, a.exp - k, w)?, w)?;
        let (l, _) = div_rem(&add_limbs(&l, w)?, &ln_10(w)?)?;
        let whole = add_limbs(&limbs::from_u64(k.unsigned_abs()), w)?;
        Ok(match k {
            0 => (false, l, w),
            1.. => (false, limbs::add(&whole, &l)?, w),
            _ => (true, limbs::sub(&whole, &l), w),
        })
    })
}
