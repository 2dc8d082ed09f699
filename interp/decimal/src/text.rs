//! Numbers as text: reading, scientific and engineering notation.

use crate::context::status::*;
use crate::context::{Context, invalid};
use crate::limbs::{DIGITS, Limbs, NoMemory, POW10, trim, zeros};
use crate::number::{Kind, Num, Number, Res};

/// Exponents are at most so large that no sum of a few overflows; all beyond the limits are the same.
const FAR: i128 = 4_000_000_000_000_000_001;

/// A coefficient from ASCII digits.
fn coefficient<'a>(whole: &'a [u8], fraction: &'a [u8]) -> Result<Limbs, NoMemory> {
    let value = |s: &[u8]| s.iter().fold(0u64, |v, d| v * 10 + (d - b'0') as u64);
    let n = whole.len() + fraction.len();
    if n <= DIGITS {
        let mut l = Limbs::new();
        let v = fraction.iter().fold(value(whole), |v, d| v * 10 + (d - b'0') as u64);
        if v != 0 {
            l.push(v);
        }
        return Ok(l);
    }
    let mut out = zeros(n.div_ceil(DIGITS))?;
    let mut end = n;
    for o in out.iter_mut() {
        let start = end.saturating_sub(DIGITS);
        *o = if start >= whole.len() {
            value(&fraction[start - whole.len()..end - whole.len()])
        } else if end <= whole.len() {
            value(&whole[start..end])
        } else {
            value(&whole[start..]) * POW10[end - whole.len()] + value(&fraction[..end - whole.len()])
        };
        end = start;
    }
    trim(&mut out);
    Ok(out)
}

/// The number that the text says, without regard to limits; `None`: it says none.
fn read(s: &[u8]) -> Result<Option<Number>, NoMemory> {
    let (negative, s) = match s {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        s => (false, s),
    };
    let run = |s: &[u8]| s.iter().take_while(|b| b.is_ascii_digit()).count();
    if !s.first().is_some_and(|b| b.is_ascii_digit() || *b == b'.') {
        let word = |w: &str| s.eq_ignore_ascii_case(w.as_bytes());
        if word("inf") || word("infinity") {
            return Ok(Some(Number::infinity(negative)));
        }
        let (kind, payload) = match s {
            [b's' | b'S', b'n' | b'N', b'a' | b'A', b'n' | b'N', rest @ ..] => (Kind::Signaling, rest),
            [b'n' | b'N', b'a' | b'A', b'n' | b'N', rest @ ..] => (Kind::Quiet, rest),
            _ => return Ok(None),
        };
        if run(payload) != payload.len() {
            return Ok(None);
        }
        return Ok(Some(Number { negative, kind, exp: 0, coeff: coefficient(payload, b"")? }));
    }
    let (whole, rest) = s.split_at(run(s));
    let (fraction, rest) = match rest {
        [b'.', rest @ ..] => rest.split_at(run(rest)),
        rest => (&rest[..0], rest),
    };
    if whole.is_empty() && fraction.is_empty() {
        return Ok(None);
    }
    let exp = match rest {
        [] => 0,
        [b'e' | b'E', rest @ ..] => {
            let (minus, digits) = match rest {
                [b'-', d @ ..] => (true, d),
                [b'+', d @ ..] => (false, d),
                d => (false, d),
            };
            if digits.is_empty() || run(digits) != digits.len() {
                return Ok(None);
            }
            let e = digits.iter().fold(0i128, |e, d| (e * 10 + (d - b'0') as i128).min(2 * FAR));
            if minus { -e } else { e }
        }
        _ => return Ok(None),
    };
    let exp = (exp - fraction.len() as i128).clamp(-FAR, FAR) as i64;
    Ok(Some(Number::new(negative, coefficient(whole, fraction)?, exp)))
}

/// The number that ASCII text says, rounded; what is no number is NaN, with a condition.
pub fn parse(s: &[u8], cx: &Context, st: &mut u32) -> Res {
    match read(s)? {
        Some(n) if n.view().is_nan() => {
            let digits = crate::limbs::digits(&n.coeff) as i64;
            if digits > cx.prec - cx.clamp as i64 { invalid(st, CONVERSION_SYNTAX) } else { Ok(n) }
        }
        Some(n) => cx.finalize(n, st),
        None => invalid(st, CONVERSION_SYNTAX),
    }
}

/// The number that ASCII text says; one that has no exact form within the widest limits is invalid.
pub fn parse_exact(s: &[u8], st: &mut u32) -> Res {
    let mut conditions = 0;
    let n = parse(s, &Context::MAX, &mut conditions)?;
    if conditions & (INEXACT | ROUNDED | CLAMPED) != 0 {
        return invalid(st, INVALID_OPERATION);
    }
    *st |= conditions & ERRORS;
    Ok(n)
}

/// Pairs of digits.
static PAIRS: [u8; 200] = {
    let mut t = [0; 200];
    let mut i = 0;
    while i < 100 {
        t[2 * i] = b'0' + (i / 10) as u8;
        t[2 * i + 1] = b'0' + (i % 10) as u8;
        i += 1;
    }
    t
};

/// Writes the last digits of `x`, as many as there is room for.
fn write_limb(mut x: u64, to: &mut [u8]) {
    let mut end = to.len();
    // By parts of eight digits, whose divisions are shorter.
    while end >= 8 {
        let mut part = (x % 100_000_000) as u32;
        x /= 100_000_000;
        for _ in 0..4 {
            let pair = (part % 100) as usize * 2;
            part /= 100;
            to[end - 2..end].copy_from_slice(&PAIRS[pair..pair + 2]);
            end -= 2;
        }
    }
    let mut part = x as u32;
    while end > 0 {
        to[end - 1] = b'0' + (part % 10) as u8;
        part /= 10;
        end -= 1;
    }
}

/// Writes the digits of the coefficient, of zero none; how many.
fn fill_digits(coeff: &[u64], out: &mut [u8]) -> usize {
    let Some((&top, rest)) = coeff.split_last() else { return 0 };
    let mut at = crate::limbs::word_digits(top);
    write_limb(top, &mut out[..at]);
    for &x in rest.iter().rev() {
        write_limb(x, &mut out[at..at + DIGITS]);
        at += DIGITS;
    }
    at
}

/// The digits; of zero "0".
pub fn digits_text(coeff: &[u64]) -> Vec<u8> {
    let mut v = vec![b'0'; (coeff.len() * DIGITS).max(1)];
    let n = fill_digits(coeff, &mut v).max(1);
    v.truncate(n);
    v
}

/// Bytes that are enough for the text of a number.
pub fn text_bound(a: Num<'_>) -> usize {
    a.coeff.len() * DIGITS + 48
}

/// Writes a number as text: engineering notation has exponents that are multiples of three. There is room for [`text_bound`] bytes; how
/// many are written.
pub fn fill(a: Num<'_>, engineering: bool, capitals: bool, out: &mut [u8]) -> usize {
    let mut at = 0;
    if a.negative {
        out[0] = b'-';
        at = 1;
    }
    let mut put = |at: &mut usize, s: &[u8]| {
        out[*at..*at + s.len()].copy_from_slice(s);
        *at += s.len();
    };
    match a.kind {
        Kind::Infinite => {
            put(&mut at, b"Infinity");
            return at;
        }
        Kind::Quiet | Kind::Signaling => {
            put(&mut at, if a.kind == Kind::Quiet { b"NaN" } else { b"sNaN" });
            return at + fill_digits(a.coeff, &mut out[at..]);
        }
        Kind::Finite => {}
    }
    let digits = a.digits();
    let zero = a.coeff.is_empty();
    let left = a.exp + digits;
    // Where the point goes, counted from the first digit.
    let point = if a.exp <= 0 && left > -6 {
        left
    } else if !engineering {
        1
    } else if zero {
        (left + 1).rem_euclid(3) - 1
    } else {
        (left - 1).rem_euclid(3) + 1
    };
    let mut write_digits = |at: usize| {
        if zero {
            out[at] = b'0';
        } else {
            fill_digits(a.coeff, &mut out[at..]);
        }
    };
    let n = digits as usize;
    if point <= 0 {
        let zeros = (-point) as usize;
        write_digits(at + 2 + zeros);
        out[at..at + 2 + zeros].fill(b'0');
        out[at + 1] = b'.';
        at += 2 + zeros + n;
    } else if let (true, &[x]) = (point < digits, a.coeff) {
        let p = point as usize;
        let (whole, fraction) = crate::limbs::by_pow10(n - p).div(x);
        write_limb(whole, &mut out[at..at + p]);
        out[at + p] = b'.';
        write_limb(fraction, &mut out[at + p + 1..at + n + 1]);
        at += n + 1;
    } else if point < digits {
        let p = point as usize;
        write_digits(at + 1);
        out.copy_within(at + 1..at + 1 + p, at);
        out[at + p] = b'.';
        at += n + 1;
    } else {
        write_digits(at);
        out[at + n..at + point as usize].fill(b'0');
        at += point as usize;
    }
    if left != point {
        let e = left - point;
        out[at] = if capitals { b'E' } else { b'e' };
        out[at + 1] = if e < 0 { b'-' } else { b'+' };
        at += 2;
        at += fill_digits(&crate::limbs::from_u64(e.unsigned_abs()), &mut out[at..]);
    }
    at
}

/// Appends a number as text, as [`fill`] writes it.
pub fn write(a: Num<'_>, engineering: bool, capitals: bool, out: &mut Vec<u8>) {
    let start = out.len();
    out.resize(start + text_bound(a), 0);
    let n = fill(a, engineering, capitals, &mut out[start..]);
    out.truncate(start + n);
}

/// [`write`] to a string.
pub fn to_text(a: Num<'_>, engineering: bool, capitals: bool) -> String {
    let mut v = Vec::with_capacity(a.coeff.len() * DIGITS + 24);
    write(a, engineering, capitals, &mut v);
    v.into_iter().map(char::from).collect()
}
