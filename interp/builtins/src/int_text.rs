//! Text of integers: `repr`, and what `int()` reads.

use cape_vm::object::*;
use cape_vm::{Ptr, Res, Value, Vm, rt};
use num_bigint::{BigInt, BigUint, Sign};

use crate::number::{short_repr, strip};

/// `sys.get_int_max_str_digits()`; 0 for no limit.
fn max_digits() -> usize {
    rt().config().int_max_str_digits
}

/// Decimal text of an int; ValueError when it is longer than the limit.
pub fn decimal(vm: &Vm, i: &Int) -> Res<String> {
    let b = match i {
        Int::Small(i) => return Ok(i.to_string()),
        Int::Big(b) => b,
    };
    let limit = max_digits();
    // log10(2) is a little above 0.30102.
    let fewest = ((b.bits() - 1) as f64 * std::f64::consts::LOG10_2) as usize;
    if limit != 0 && fewest > limit {
        return Err(too_long(vm, limit));
    }
    let s = b.to_string();
    if limit != 0 && s.len() - (b.sign() == Sign::Minus) as usize > limit {
        return Err(too_long(vm, limit));
    }
    Ok(s)
}

#[cold]
fn too_long(vm: &Vm, limit: usize) -> cape_vm::Raised {
    vm.value_error(format!(
        "Exceeds the limit ({limit} digits) for integer string conversion; \
         use sys.set_int_max_str_digits() to increase the limit"
    ))
}

/// `repr(a)`.
pub fn repr(vm: &Vm, a: Value) -> Res<Ptr<StrObj>> {
    if let Some(w) = super::int_ops::word(a) {
        let mut buf = [0u8; 20];
        return Ok(StrObj::from_latin1(word_digits(w, &mut buf)));
    }
    let i = Int::of(a).ok_or_else(|| vm.type_error("an int is required"))?;
    Ok(StrObj::from_latin1(decimal(vm, &i)?.as_bytes()))
}

fn word_digits(w: i64, buf: &mut [u8; 20]) -> &[u8] {
    let mut at = buf.len();
    let mut m = w.unsigned_abs();
    loop {
        at -= 1;
        buf[at] = b'0' + (m % 10) as u8;
        m /= 10;
        if m == 0 {
            break;
        }
    }
    if w < 0 {
        at -= 1;
        buf[at] = b'-';
    }
    &buf[at..]
}

/// What is wrong with a literal.
enum Bad {
    /// It is no literal of that base.
    Syntax,
    /// It has this many digits, more than the limit.
    Digits(usize),
}

/// The int that `text` spells in `base` (0: as in source code). `original` is shown in messages.
pub fn parse(vm: &Vm, text: &[u8], base: u32, original: Value) -> Res<Value> {
    match literal(text, base) {
        Ok(i) => Ok(i.into_value()),
        Err(Bad::Digits(n)) => Err(vm.value_error(format!(
            "Exceeds the limit ({} digits) for integer string conversion: value has {n} digits; \
             use sys.set_int_max_str_digits() to increase the limit",
            max_digits()
        ))),
        Err(Bad::Syntax) => {
            let shown = short_repr(vm, original)?;
            Err(vm.value_error(format!("invalid literal for int() with base {base}: {shown}")))
        }
    }
}

/// The number that 1 to 18 decimal digits spell, behind a sign or none; `None`: the text is of another kind.
pub fn short(text: &[u8]) -> Option<i64> {
    let (negative, digits) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        all => (false, all),
    };
    if digits.is_empty() || digits.len() > 18 {
        return None;
    }
    let mut n = 0i64;
    for d in digits {
        let d = d.wrapping_sub(b'0');
        if d > 9 {
            return None;
        }
        n = n * 10 + d as i64;
    }
    Some(if negative { -n } else { n })
}

fn literal(text: &[u8], base: u32) -> Result<Int, Bad> {
    let mut s = strip(text);
    let negative = match s.first() {
        Some(b'-') => true,
        Some(b'+') => false,
        _ => {
            return unsigned(s, base, false);
        }
    };
    s = &s[1..];
    unsigned(s, base, negative)
}

fn unsigned(mut s: &[u8], mut base: u32, negative: bool) -> Result<Int, Bad> {
    let marked = match s {
        [b'0', b'x' | b'X', ..] => 16,
        [b'0', b'o' | b'O', ..] => 8,
        [b'0', b'b' | b'B', ..] => 2,
        _ => 0,
    };
    let implied = base == 0;
    if base == 0 {
        base = if marked != 0 { marked } else { 10 };
    }
    if marked != 0 && marked == base {
        s = &s[2..];
        if s.first() == Some(&b'_') {
            s = &s[1..];
        }
    }
    let limit = max_digits();
    if !base.is_power_of_two() && limit != 0 && s.len() > limit {
        // What is too long must cost next to nothing.
        let n = count_digits(s, base).ok_or(Bad::Syntax)?;
        if n > limit {
            return Err(Bad::Digits(n));
        }
    }
    let digits = digits_of(s, base).ok_or(Bad::Syntax)?;
    if implied && marked == 0 && digits[0] == 0 && digits.iter().any(|&d| d != 0) {
        return Err(Bad::Syntax);
    }
    Ok(from_digits(&digits, base, negative))
}

/// What each byte is worth as a digit; 0xff: it is none.
static DIGITS: [u8; 256] = {
    let mut table = [0xff; 256];
    let mut b = 0;
    while b < 36 {
        if b < 10 {
            table[b'0' as usize + b] = b as u8;
        } else {
            table[b'a' as usize + b - 10] = b as u8;
            table[b'A' as usize + b - 10] = b as u8;
        }
        b += 1;
    }
    table
};

/// How many digits there are; single underscores may stand between them.
fn count_digits(s: &[u8], base: u32) -> Option<usize> {
    let (mut n, mut underscore) = (0, true);
    for &b in s {
        let is_digit = (DIGITS[b as usize] as u32) < base;
        if !is_digit && (b != b'_' || underscore) {
            return None;
        }
        n += is_digit as usize;
        underscore = !is_digit;
    }
    (!underscore).then_some(n)
}

/// Digit values; single underscores may stand between digits.
fn digits_of(s: &[u8], base: u32) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(s.len());
    let mut underscore = true;
    for &b in s {
        if b == b'_' {
            if underscore {
                return None;
            }
            underscore = true;
            continue;
        }
        let d = DIGITS[b as usize];
        if d as u32 >= base {
            return None;
        }
        out.push(d);
        underscore = false;
    }
    if underscore { None } else { Some(out) }
}

fn from_digits(digits: &[u8], base: u32, negative: bool) -> Int {
    let mut word = Some(0i64);
    for &d in digits {
        word = word.and_then(|w| w.checked_mul(base as i64)?.checked_add(d as i64));
        if word.is_none() {
            break;
        }
    }
    match word {
        Some(w) => Int::Small(if negative { -w } else { w }),
        None => {
            let m = magnitude(digits, base);
            Int::Big(BigInt::from_biguint(if negative { Sign::Minus } else { Sign::Plus }, m))
        }
    }
}

/// The number that the digits spell; long ones are split in halves, so that multiplication does the work.
fn magnitude(digits: &[u8], base: u32) -> BigUint {
    const SPLIT: usize = 2000;
    if digits.len() <= SPLIT || base.is_power_of_two() {
        return BigUint::from_radix_be(digits, base).unwrap_or_default();
    }
    let low = digits.len() / 2;
    let (high, rest) = digits.split_at(digits.len() - low);
    magnitude(high, base) * BigUint::from(base).pow(low as u32) + magnitude(rest, base)
}
