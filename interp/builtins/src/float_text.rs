//! Text of floats: `repr`, what `float()` reads, hexadecimal notation.

use crate::number::strip;

/// `repr(f)`.
pub fn repr(f: f64) -> String {
    let mut out = short(f);
    if f.is_finite() && !out.contains(['.', 'e']) {
        out.push_str(".0");
    }
    out
}

/// Digits and exponent of a float, on the stack.
struct Scientific {
    text: [u8; 32],
    len: usize,
}

impl std::fmt::Write for Scientific {
    fn write_str(&mut self, s: &str) -> std::fmt::Result {
        let to = self.text.get_mut(self.len..self.len + s.len()).ok_or(std::fmt::Error)?;
        to.copy_from_slice(s.as_bytes());
        self.len += s.len();
        Ok(())
    }
}

/// As `repr`, without `.0` after whole numbers: how `complex` shows its parts.
pub fn short(f: f64) -> String {
    use std::fmt::Write;
    if f.is_nan() {
        return "nan".into();
    }
    let mut out = String::with_capacity(26);
    if f.is_sign_negative() {
        out.push('-');
    }
    if f.is_infinite() {
        out.push_str("inf");
        return out;
    }
    if f == 0.0 {
        out.push('0');
        return out;
    }
    // "d.ddde-7": at most 17 digits.
    let mut s = Scientific { text: [0; 32], len: 0 };
    let _ = write!(s, "{:e}", f.abs());
    let text = std::str::from_utf8(&s.text[..s.len]).unwrap_or_default();
    let (mantissa, exponent) = text.split_once('e').unwrap_or((text, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let (first, rest) = (&mantissa[..1], mantissa.get(2..).unwrap_or(""));
    let zeros = |out: &mut String, n: usize| (0..n).for_each(|_| out.push('0'));
    match exponent {
        16.. | ..-4 => {
            out.push_str(mantissa);
            let sign = if exponent < 0 { '-' } else { '+' };
            let _ = write!(out, "e{sign}{:02}", exponent.abs());
        }
        ..0 => {
            out.push_str("0.");
            zeros(&mut out, (-exponent - 1) as usize);
            out.push_str(first);
            out.push_str(rest);
        }
        _ => {
            let whole = (exponent as usize).min(rest.len());
            out.push_str(first);
            out.push_str(&rest[..whole]);
            zeros(&mut out, exponent as usize - whole);
            if whole < rest.len() {
                out.push('.');
                out.push_str(&rest[whole..]);
            }
        }
    }
    out
}

/// The float that ASCII text spells as `float()` reads it: surrounding whitespace and underscores between digits allowed.
pub fn parse(text: &[u8]) -> Option<f64> {
    let s = strip(text);
    let mut plain = String::with_capacity(s.len());
    for (i, &b) in s.iter().enumerate() {
        if b == b'_' {
            let digit = |at: Option<&u8>| at.is_some_and(u8::is_ascii_digit);
            if i == 0 || !digit(s.get(i - 1)) || !digit(s.get(i + 1)) {
                return None;
            }
            continue;
        }
        if !b.is_ascii() {
            return None;
        }
        plain.push(b as char);
    }
    plain.parse().ok()
}

/// `f.hex()`.
pub fn hex(f: f64) -> String {
    if !f.is_finite() {
        return short(f);
    }
    let sign = if f.is_sign_negative() { "-" } else { "" };
    if f == 0.0 {
        return format!("{sign}0x0.0p+0");
    }
    let bits = f.to_bits();
    let fraction = bits & ((1 << 52) - 1);
    let e = (bits >> 52 & 0x7ff) as i32;
    let (lead, e) = if e == 0 { (0, -1022) } else { (1, e - 1023) };
    format!("{sign}0x{lead}.{fraction:013x}p{e:+}")
}

/// What is wrong with a hexadecimal literal.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum BadHex {
    /// It is malformed.
    Syntax,
    /// Its value is too large.
    Overflow,
}

/// `float.fromhex` of ASCII text, rounded half to even.
pub fn from_hex(text: &[u8]) -> Result<f64, BadHex> {
    let s = strip(text);
    let (negative, s) = match s.first() {
        Some(b'-') => (true, &s[1..]),
        Some(b'+') => (false, &s[1..]),
        _ => (false, s),
    };
    let sign = |f: f64| if negative { -f } else { f };
    if s.eq_ignore_ascii_case(b"inf") || s.eq_ignore_ascii_case(b"infinity") {
        return Ok(sign(f64::INFINITY));
    }
    if s.eq_ignore_ascii_case(b"nan") {
        return Ok(sign(f64::NAN));
    }
    let s = match s {
        [b'0', b'x' | b'X', rest @ ..] => rest,
        s => s,
    };
    // Digits as a 64-bit number with a sticky bit, and the binary exponent of its last bit.
    let (mut m, mut e, mut any, mut point, mut i) = (0u64, 0i64, false, false, 0);
    while i < s.len() {
        let d = match (s[i] as char).to_digit(16) {
            Some(d) => d as u64,
            None if s[i] == b'.' && !point => {
                point = true;
                i += 1;
                continue;
            }
            None => break,
        };
        any = true;
        if m >> 60 == 0 {
            m = m << 4 | d;
            e -= if point { 4 } else { 0 };
        } else {
            m |= (d != 0) as u64;
            e += if point { 0 } else { 4 };
        }
        i += 1;
    }
    if !any {
        return Err(BadHex::Syntax);
    }
    if i < s.len() {
        if !matches!(s[i], b'p' | b'P') {
            return Err(BadHex::Syntax);
        }
        e = e.saturating_add(exponent(&s[i + 1..]).ok_or(BadHex::Syntax)?);
    }
    scaled(m, e).map(sign)
}

fn exponent(s: &[u8]) -> Option<i64> {
    let (negative, digits) = match s.first()? {
        b'-' => (true, &s[1..]),
        b'+' => (false, &s[1..]),
        _ => (false, s),
    };
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let n = digits.iter().fold(0i64, |n, d| n.saturating_mul(10).saturating_add((d - b'0') as i64));
    Some(if negative { -n } else { n }.clamp(-(1 << 60), 1 << 60))
}

/// `m * 2**e`, rounded once, half to even.
fn scaled(m: u64, e: i64) -> Result<f64, BadHex> {
    if m == 0 {
        return Ok(0.0);
    }
    let top = 64 - m.leading_zeros() as i64 + e;
    if top > 1024 {
        return Err(BadHex::Overflow);
    }
    if top < -1075 {
        return Ok(0.0);
    }
    // Bits below the precision at this magnitude.
    let drop = (top - 53).max(-1074) - e;
    let f = if drop <= 0 {
        crate::libm::ldexp(m as f64, e as i32)
    } else if drop > 64 {
        0.0
    } else {
        let wide = m as u128;
        let (kept, rest, half) = (wide >> drop, wide & ((1 << drop) - 1), 1u128 << (drop - 1));
        let up = rest > half || rest == half && kept & 1 == 1;
        crate::libm::ldexp((kept + up as u128) as f64, (e + drop) as i32)
    };
    if f.is_infinite() { Err(BadHex::Overflow) } else { Ok(f) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shortest_text() {
        for (f, s) in [
            (0.0, "0.0"),
            (-0.0, "-0.0"),
            (1.0, "1.0"),
            (0.1, "0.1"),
            (1e16, "1e+16"),
            (123456789012345680.0, "1.2345678901234568e+17"),
            (9007199254740993.0, "9007199254740992.0"),
            (0.0001, "0.0001"),
            (0.00001, "1e-05"),
            (5e-324, "5e-324"),
            (1.7976931348623157e308, "1.7976931348623157e+308"),
            (-123.456, "-123.456"),
        ] {
            assert_eq!(repr(f), s);
        }
    }

    #[test]
    fn hexadecimal_round_trip() {
        for f in [1.0, -0.1, 5e-324, 2.2250738585072014e-308, f64::MAX, 1e-310] {
            assert_eq!(from_hex(hex(f).as_bytes()), Ok(f));
        }
        assert_eq!(from_hex(b"0x1.fffffffffffff8p1023"), Err(BadHex::Overflow));
        assert_eq!(from_hex(b"0x1.fffffffffffff7p1023"), Ok(f64::MAX));
        assert_eq!(from_hex(b"0x0.8p-1074"), Ok(0.0));
        assert_eq!(from_hex(b"0x0.80001p-1074"), Ok(5e-324));
        assert_eq!(from_hex(b"1.8p0"), Ok(1.5));
        assert_eq!(from_hex(b"0x."), Err(BadHex::Syntax));
    }

    #[test]
    fn half_to_even() {
        use crate::float_ops::round_to;
        assert_eq!(round_to(2.5, 0), Some(2.0));
        assert_eq!(round_to(0.5, 0), Some(0.0));
        assert_eq!(round_to(3.5, 0), Some(4.0));
        assert_eq!(round_to(0.125, 2), Some(0.12));
        assert_eq!(round_to(2.675, 2), Some(2.67));
        assert_eq!(round_to(25.0, -1), Some(20.0));
        assert_eq!(round_to(35.0, -1), Some(40.0));
        assert_eq!(round_to(f64::MAX, -308), None);
    }
}
