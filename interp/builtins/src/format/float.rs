//! Floats as text.

/// What `float_to_string` may add.
#[derive(Clone, Copy, Default, Debug)]
pub struct FloatStyle {
    /// `.0` behind a number that would look like an integer.
    pub add_dot_0: bool,
    /// The `#` flag: always a decimal point, no stripping of zeros.
    pub alternate: bool,
    /// No `-0.0`.
    pub no_negative_zero: bool,
}

/// A positive finite number has at most this many significant digits, and digits behind the point.
const MAX_DIGITS: usize = 1100;

/// Significant digits and the position of the point: the value is `0.digits * 10^point`.
fn significant(f: f64, n: Option<usize>) -> (String, i64) {
    let text = match n {
        None => format!("{f:e}"),
        Some(n) => format!("{f:.*e}", n.clamp(1, MAX_DIGITS) - 1),
    };
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
    (digits, exponent.parse::<i64>().unwrap_or(0) + 1)
}

/// The text of a float. `kind`: `e`, `f`, `g` with `precision`, or `r`, the shortest text that reads back as the same number.
/// An upper-case kind gives upper-case text.
pub fn float_to_string(f: f64, kind: char, precision: usize, style: FloatStyle) -> String {
    let upper = kind.is_ascii_uppercase();
    let kind = kind.to_ascii_lowercase();
    if !f.is_finite() {
        let s = match (f.is_nan(), f < 0.0) {
            (true, _) => "nan",
            (_, true) => "-inf",
            _ => "inf",
        };
        return if upper { s.to_uppercase() } else { s.to_string() };
    }
    if kind == 'f' && !style.alternate && !style.add_dot_0 && precision <= MAX_DIGITS {
        return plain_fixed(f, precision, style.no_negative_zero);
    }
    let p = precision as i64;
    let (digits, mut point) = match kind {
        'r' => significant(f.abs(), None),
        'e' => significant(f.abs(), Some(precision + 1)),
        'g' => significant(f.abs(), Some(precision.max(1))),
        _ => fixed(f.abs(), precision),
    };
    let p = if kind == 'g' { p.max(1) } else { p };
    let zero = digits.bytes().all(|b| b == b'0');
    // `g` and `r` show no trailing zeros unless asked to.
    let digits = if matches!(kind, 'g' | 'r') { digits.trim_end_matches('0') } else { &digits };
    let digits = if digits.is_empty() && zero && kind != 'f' { "0" } else { digits };
    if zero && kind != 'f' {
        point = 1;
    }
    let (mut use_exp, mut end) = (false, digits.len() as i64);
    match kind {
        'e' => {
            use_exp = true;
            end = p + 1;
        }
        'f' => end = point + p,
        'g' => {
            use_exp = point <= -4 || point > p - style.add_dot_0 as i64;
            if style.alternate {
                end = p;
            }
        }
        _ => use_exp = point <= -4 || point > 16,
    }
    let exponent = point - 1;
    if use_exp {
        point = 1;
    }
    let start = if point <= 0 { point - 1 } else { 0 };
    end = end.max(if !use_exp && style.add_dot_0 { point + 1 } else { point });
    let mut out = String::with_capacity((end - start) as usize + 8);
    if f.is_sign_negative() && !(style.no_negative_zero && zero) {
        out.push('-');
    }
    let digit = |i: i64| digits.as_bytes().get(i as usize).map_or('0', |&b| b as char);
    for i in start..end {
        if i == point {
            out.push('.');
        }
        out.push(if i < 0 { '0' } else { digit(i) });
    }
    if end == point && style.alternate {
        out.push('.');
    }
    if use_exp {
        out.push_str(&format!("e{}{:02}", if exponent < 0 { '-' } else { '+' }, exponent.abs()));
    }
    if upper { out.to_uppercase() } else { out }
}

/// The usual text with digits behind the point.
fn plain_fixed(f: f64, precision: usize, no_negative_zero: bool) -> String {
    use std::fmt::Write;
    let mut room = [0; FIXED_ROOM];
    if !(no_negative_zero && f.is_sign_negative())
        && let Some(text) = short_fixed(f, precision, &mut room)
    {
        return text.iter().map(|&b| b as char).collect();
    }
    let mut out = String::with_capacity(24);
    if f.is_sign_negative() {
        out.push('-');
    }
    let _ = write!(out, "{:.*}", precision, f.abs());
    if no_negative_zero && f.is_sign_negative() && out.bytes().all(|b| matches!(b, b'-' | b'0' | b'.')) {
        out.remove(0);
    }
    out
}

/// Room for what [`short_fixed`] writes: a sign, 20 digits, a point, and zeros before it.
pub(super) const FIXED_ROOM: usize = 48;

/// The usual text with digits behind the point, at the end of `room`, of a number that with all its digits is not too long a product:
/// it is rounded as an integer, exactly.
pub(super) fn short_fixed(f: f64, precision: usize, room: &mut [u8; FIXED_ROOM]) -> Option<&[u8]> {
    // The most for which a mantissa of 53 bits times the power of ten has less than 120 bits.
    const MAX_PRECISION: usize = 19;
    if precision > MAX_PRECISION || !f.is_finite() {
        return None;
    }
    let bits = f.to_bits();
    let (exponent, fraction) = ((bits >> 52 & 0x7ff) as i32, bits & ((1 << 52) - 1));
    let (mantissa, exponent) = if exponent == 0 { (fraction, -1074) } else { (fraction | 1 << 52, exponent - 1075) };
    let scaled = mantissa as u128 * 10u128.pow(precision as u32);
    let digits = match exponent {
        0..=8 => scaled.checked_mul(1 << exponent)?,
        -126..0 => {
            let down = -exponent as u32;
            let (whole, rest, half) = (scaled >> down, scaled & ((1 << down) - 1), 1u128 << (down - 1));
            whole + (rest > half || rest == half && whole & 1 == 1) as u128
        }
        9.. => return None,
        // (It is less than half of one.)
        _ => 0,
    };
    let mut rest = u64::try_from(digits).ok()?;
    let mut at = FIXED_ROOM;
    for i in 0.. {
        if i > precision && rest == 0 {
            break;
        }
        if i == precision && precision > 0 {
            at -= 1;
            room[at] = b'.';
        }
        at -= 1;
        room[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
    if f.is_sign_negative() {
        at -= 1;
        room[at] = b'-';
    }
    Some(&room[at..])
}

/// Digits rounded behind the point.
fn fixed(f: f64, precision: usize) -> (String, i64) {
    let text = format!("{f:.*}", precision.min(MAX_DIGITS));
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    let all = format!("{whole}{fraction}");
    let stripped = all.trim_start_matches('0');
    // Leading zeros are not digits: they move the point.
    (stripped.to_string(), whole.len() as i64 - (all.len() - stripped.len()) as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn s(f: f64, kind: char, p: usize) -> String {
        float_to_string(f, kind, p, FloatStyle::default())
    }

    fn float_repr(f: f64) -> String {
        float_to_string(f, 'r', 0, FloatStyle { add_dot_0: true, ..FloatStyle::default() })
    }

    #[test]
    fn reprs() {
        let cases: &[(f64, &str)] = &[
            (0.0, "0.0"), (-0.0, "-0.0"), (1.0, "1.0"), (0.1, "0.1"), (1e16, "1e+16"), (1e15, "1000000000000000.0"),
            (9999999999999998.0, "9999999999999998.0"), (1e-4, "0.0001"), (1e-5, "1e-05"), (1.5e300, "1.5e+300"), (5e-324, "5e-324"),
            (f64::INFINITY, "inf"), (f64::NAN, "nan"), (123456.789, "123456.789"), (1.7976931348623157e308, "1.7976931348623157e+308"),
        ];
        for &(f, text) in cases {
            assert_eq!(float_repr(f), text);
        }
    }

    #[test]
    fn kinds() {
        assert_eq!(s(0.0, 'f', 2), "0.00");
        assert_eq!(s(0.001, 'f', 2), "0.00");
        assert_eq!(s(-0.001, 'f', 2), "-0.00");
        assert_eq!(s(0.005, 'f', 2), "0.01");
        assert_eq!(s(1.5, 'f', 0), "2");
        assert_eq!(s(0.5, 'f', 0), "0");
        assert_eq!(s(1234.5, 'e', 2), "1.23e+03");
        assert_eq!(s(0.0, 'e', 2), "0.00e+00");
        assert_eq!(s(1234.5, 'g', 6), "1234.5");
        assert_eq!(s(0.0, 'g', 6), "0");
        assert_eq!(s(1e-5, 'g', 6), "1e-05");
        assert_eq!(s(1e6, 'G', 6), "1E+06");
        assert_eq!(s(100000.0, 'g', 6), "100000");
        let alt = FloatStyle { alternate: true, ..FloatStyle::default() };
        assert_eq!(float_to_string(1.0, 'g', 6, alt), "1.00000");
        assert_eq!(float_to_string(0.0, 'g', 6, alt), "0.00000");
        assert_eq!(float_to_string(3.0, 'f', 0, alt), "3.");
        let z = FloatStyle { no_negative_zero: true, ..FloatStyle::default() };
        assert_eq!(float_to_string(-0.001, 'f', 1, z), "0.0");
        assert_eq!(s(0.1, 'f', 1200).len(), 1202);
        assert_eq!(s(0.1, 'f', 19), "0.1000000000000000056");
        assert_eq!(s(2.5, 'f', 0), "2");
        assert_eq!(s(2.675, 'f', 2), "2.67");
        assert_eq!(s(0.125, 'f', 2), "0.12");
        assert_eq!(s(0.375, 'f', 2), "0.38");
        assert_eq!(s(5e-324, 'f', 3), "0.000");
        assert_eq!(s(1e22, 'f', 1), "10000000000000000000000.0");
        assert_eq!(s(18446744073709551615.0, 'f', 0), "18446744073709551616");
        assert_eq!(s(-1234567.891, 'f', 3), "-1234567.891");
    }
}
