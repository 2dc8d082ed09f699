//! Comparisons, extremes, neighbours, classes.

use std::cmp::Ordering;

use crate::arith::{add_finite, nan_of};
use crate::context::status::*;
use crate::context::{Context, Round, invalid};
use crate::number::{Kind, Num, Number, Res, compare as order, compare_magnitude, compare_total};

fn sign(o: Ordering) -> Number {
    Number::int(o as i64)
}

/// -1, 0 or 1; NaN for NaNs.
pub fn compare(a: Num<'_>, b: Num<'_>, cx: &Context, st: &mut u32) -> Res {
    match nan_of(&[a, b], cx, st) {
        Some(r) => r,
        None => Ok(sign(order(a, b))),
    }
}

/// [`compare`]; all NaNs signal.
pub fn compare_signal(a: Num<'_>, b: Num<'_>, cx: &Context, st: &mut u32) -> Res {
    if a.is_nan() || b.is_nan() {
        *st |= INVALID_OPERATION;
    }
    compare(a, b, cx, st)
}

/// -1, 0 or 1 in the total order.
pub fn total(a: Num<'_>, b: Num<'_>) -> Number {
    sign(compare_total(a, b))
}

/// -1, 0 or 1 in the total order without signs.
pub fn total_magnitude(a: Num<'_>, b: Num<'_>) -> Number {
    sign(compare_total(a.with_sign(false), b.with_sign(false)))
}

/// Which of two numbers [`extreme`] gives.
#[derive(Clone, Copy)]
pub struct Extreme {
    /// The greater one.
    pub greatest: bool,
    /// By magnitude.
    pub magnitude: bool,
}

/// The greater or the less of two numbers; a quiet NaN is no number.
pub fn extreme(a: Num<'_>, b: Num<'_>, which: Extreme, cx: &Context, st: &mut u32) -> Res {
    let chosen = if a.kind == Kind::Quiet && !b.is_nan() {
        b
    } else if b.kind == Kind::Quiet && !a.is_nan() {
        a
    } else if let Some(r) = nan_of(&[a, b], cx, st) {
        return r;
    } else {
        let o = if which.magnitude { compare_magnitude(a, b) } else { order(a, b) };
        let o = o.then_with(|| compare_total(a, b));
        if which.greatest == o.is_lt() { b } else { a }
    };
    cx.finalize(chosen.to_number(), st)
}

/// The next number up, or down.
pub fn next(a: Num<'_>, up: bool, cx: &Context, st: &mut u32) -> Res {
    match a.kind {
        Kind::Infinite if a.negative != up => return Ok(Number::infinity(a.negative)),
        Kind::Infinite => return cx.largest(a.negative),
        Kind::Finite => {}
        _ => return nan_of(&[a], cx, st).unwrap_or_else(|| Ok(Number::nan())),
    }
    let cx = Context { round: if up { Round::Ceiling } else { Round::Floor }, ..*cx };
    let mut quiet = 0;
    let rounded = cx.finalize(a.to_number(), &mut quiet)?;
    if quiet & (INEXACT | ERRORS) != 0 {
        *st |= quiet & ERRORS;
        return Ok(rounded);
    }
    let least = [1];
    let step = Num { negative: !up, kind: Kind::Finite, exp: cx.etiny() - 1, coeff: &least };
    let mut quiet = 0;
    let r = cx.finalize(add_finite(a, step, &cx)?, &mut quiet)?;
    *st |= quiet & ERRORS;
    Ok(r)
}

/// The neighbour of `a` towards `b`.
pub fn next_toward(a: Num<'_>, b: Num<'_>, cx: &Context, st: &mut u32) -> Res {
    if let Some(r) = nan_of(&[a, b], cx, st) {
        return r;
    }
    let o = order(a, b);
    if o.is_eq() {
        return Ok(a.with_sign(b.negative).to_number());
    }
    let r = next(a, o.is_lt(), cx, st)?;
    let n = r.view();
    if n.is_infinite() {
        *st |= OVERFLOW | ROUNDED | INEXACT;
    } else if n.is_finite() && n.adjusted() < cx.emin {
        *st |= UNDERFLOW | SUBNORMAL | ROUNDED | INEXACT;
        if n.is_zero() {
            *st |= CLAMPED;
        }
    }
    Ok(r)
}

/// Whether it is finite, not zero, and below the normal numbers.
pub fn is_subnormal(a: Num<'_>, cx: &Context) -> bool {
    a.is_finite() && !a.is_zero() && a.adjusted() < cx.emin
}

/// Whether it is finite, not zero, and not below the normal numbers.
pub fn is_normal(a: Num<'_>, cx: &Context) -> bool {
    a.is_finite() && !a.is_zero() && a.adjusted() >= cx.emin
}

/// The name of its class.
pub fn class(a: Num<'_>, cx: &Context) -> &'static str {
    let names = match a.kind {
        Kind::Signaling => return "sNaN",
        Kind::Quiet => return "NaN",
        Kind::Infinite => ["+Infinity", "-Infinity"],
        Kind::Finite if a.is_zero() => ["+Zero", "-Zero"],
        Kind::Finite if is_subnormal(a, cx) => ["+Subnormal", "-Subnormal"],
        Kind::Finite => ["+Normal", "-Normal"],
    };
    names[a.negative as usize]
}

/// Whether the exponents are the same.
pub fn same_quantum(a: Num<'_>, b: Num<'_>) -> bool {
    match (a.kind, b.kind) {
        (Kind::Finite, Kind::Finite) => a.exp == b.exp,
        (Kind::Infinite, Kind::Infinite) => true,
        _ => a.is_nan() && b.is_nan(),
    }
}

/// The number, rounded.
pub fn plus(a: Num<'_>, cx: &Context, st: &mut u32) -> Res {
    signed(a, a.negative, cx, st)
}

/// The number with the other sign, rounded.
pub fn minus(a: Num<'_>, cx: &Context, st: &mut u32) -> Res {
    signed(a, !a.negative, cx, st)
}

/// The magnitude, rounded.
pub fn abs(a: Num<'_>, cx: &Context, st: &mut u32) -> Res {
    signed(a, false, cx, st)
}

fn signed(a: Num<'_>, negative: bool, cx: &Context, st: &mut u32) -> Res {
    if let Some(r) = if a.is_nan() { nan_of(&[a], cx, st) } else { None } {
        return r;
    }
    // (Zeros lose their sign, unless results are rounded down.)
    let negative = negative && (!a.is_zero() || cx.round == Round::Floor);
    cx.finalize(a.with_sign(negative).to_number(), st)
}

/// With the condition that the operation is not for this operand.
pub(crate) fn not_for(st: &mut u32) -> Res {
    invalid(st, INVALID_OPERATION)
}
