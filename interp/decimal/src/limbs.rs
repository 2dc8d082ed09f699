//! Natural numbers in base 10^18, least significant limb first: sums, digits, shifts by digits.
//!
//! Ten to the eighteenth leaves four bits free in a word, so that sums do not overflow, and lets a product of columns add up sixteen
//! products before it is reduced once. A number has no leading zeros: zero has no limbs.

use std::cmp::Ordering;

use smallvec::SmallVec;

/// Decimal digits in a limb.
pub const DIGITS: usize = 18;
/// One more than the largest limb.
pub const RADIX: u64 = 1_000_000_000_000_000_000;

/// Limbs that own their memory: so many of them without the heap as the product of two coefficients of two limbs has.
pub type Limbs = SmallVec<[u64; INLINE]>;

const INLINE: usize = 4;

/// There is not enough memory for a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoMemory;

/// The most limbs of a coefficient: 16 GiB.
const MAX_LIMBS: usize = 1 << 31;

/// Powers of ten up to 10^19.
pub const POW10: [u64; 20] = {
    let mut t = [1u64; 20];
    let mut i = 1;
    while i < 20 {
        t[i] = t[i - 1] * 10;
        i += 1;
    }
    t
};

/// The number of limbs of `digits` digits, if so many can be had at all.
pub fn limbs_for(digits: i64) -> Result<usize, NoMemory> {
    let n = digits.max(0) as usize / DIGITS + 1;
    if n > MAX_LIMBS { Err(NoMemory) } else { Ok(n) }
}

/// `n` zero limbs.
#[inline]
pub fn zeros(n: usize) -> Result<Limbs, NoMemory> {
    if n <= INLINE { Ok(Limbs::from_buf_and_len([0; INLINE], n)) } else { many_zeros(n) }
}

#[inline(never)]
fn many_zeros(n: usize) -> Result<Limbs, NoMemory> {
    let mut v = Vec::new();
    if n > MAX_LIMBS || v.try_reserve_exact(n).is_err() {
        return Err(NoMemory);
    }
    v.resize(n, 0);
    Ok(Limbs::from_vec(v))
}

/// A copy. (That of [`SmallVec`] calls memcpy.)
#[inline(always)]
pub fn copy(s: &[u64]) -> Limbs {
    if s.len() > INLINE {
        return Limbs::from_slice(s);
    }
    let mut buf = [0; INLINE];
    for (to, &x) in buf.iter_mut().zip(s) {
        *to = x;
    }
    Limbs::from_buf_and_len(buf, s.len())
}

/// Drops leading zeros.
#[inline]
pub fn trim(l: &mut Limbs) {
    while l.last() == Some(&0) {
        l.pop();
    }
}

/// Without leading zeros.
#[inline]
pub fn trimmed(mut s: &[u64]) -> &[u64] {
    while let [rest @ .., 0] = s {
        s = rest;
    }
    s
}

/// A divisor with what makes divisions of two words by it two multiplications (Möller and Granlund's method).
#[derive(Clone, Copy)]
pub struct Divisor {
    normalized: u64,
    inverse: u64,
    shift: u32,
}

impl Divisor {
    /// Of `d`, which is not zero.
    pub const fn new(d: u64) -> Divisor {
        let shift = d.leading_zeros();
        let normalized = d << shift;
        // (All ones divided by the divisor, less 2^64: as one division of two words by one.)
        let inverse = (((!normalized as u128) << 64 | u64::MAX as u128) / normalized as u128) as u64;
        Divisor { normalized, inverse, shift }
    }

    /// Quotient and remainder of `n`, whose quotient fits a word.
    #[inline(always)]
    pub const fn div(self, n: u128) -> (u64, u64) {
        let n = n << self.shift;
        let (high, low) = ((n >> 64) as u64, n as u64);
        let q = (self.inverse as u128 * high as u128).wrapping_add(n);
        let (mut q1, q0) = (((q >> 64) as u64).wrapping_add(1), q as u64);
        let mut r = low.wrapping_sub(q1.wrapping_mul(self.normalized));
        if r > q0 {
            q1 = q1.wrapping_sub(1);
            r = r.wrapping_add(self.normalized);
        }
        if r >= self.normalized {
            q1 += 1;
            r -= self.normalized;
        }
        (q1, r >> self.shift)
    }
}

/// Divides by the base.
pub const BY_RADIX: Divisor = Divisor::new(RADIX);

/// Divides limbs by a power of ten: multiplies by its inverse, rounded up, which is exact because four bits of a limb are free.
#[derive(Clone, Copy)]
pub struct PowerDivisor {
    inverse: u64,
    shift: u32,
    power: u64,
}

impl PowerDivisor {
    /// By 10^`n`, 1 <= n <= 18.
    const fn new(n: usize) -> PowerDivisor {
        let power = POW10[n];
        let shift = power.ilog2();
        let inverse = ((1u128 << (64 + shift)).div_ceil(power as u128)) as u64;
        PowerDivisor { inverse, shift, power }
    }

    /// Quotient and remainder of a limb.
    #[inline(always)]
    pub fn div(self, x: u64) -> (u64, u64) {
        let q = ((x as u128 * self.inverse as u128) >> 64) as u64 >> self.shift;
        (q, x - q * self.power)
    }
}

/// Divide by the powers of ten up to 10^18; the first is never used.
static BY_POW10: [PowerDivisor; DIGITS + 1] = {
    let mut t = [PowerDivisor::new(1); DIGITS + 1];
    let mut i = 1;
    while i <= DIGITS {
        t[i] = PowerDivisor::new(i);
        i += 1;
    }
    t
};

/// Divides by 10^`n`, 1 <= n <= 18.
#[inline(always)]
pub fn by_pow10(n: usize) -> PowerDivisor {
    BY_POW10[n]
}

/// The digits of a word; of zero none.
#[inline(always)]
pub fn word_digits(x: u64) -> usize {
    let t = (64 - (x | 1).leading_zeros() as usize) * 1233 >> 12;
    t + (x >= POW10[t]) as usize
}

/// The digits of a number; of zero none.
#[inline(always)]
pub fn digits(s: &[u64]) -> usize {
    match s {
        [] => 0,
        [rest @ .., top] => rest.len() * DIGITS + word_digits(*top),
    }
}

/// Digit `i`, from the least significant one.
pub fn digit(s: &[u64], i: usize) -> u8 {
    s.get(i / DIGITS).map_or(0, |l| (l / POW10[i % DIGITS] % 10) as u8)
}

/// Compares two numbers.
#[inline]
pub fn compare(a: &[u64], b: &[u64]) -> Ordering {
    a.len().cmp(&b.len()).then_with(|| {
        for (x, y) in a.iter().rev().zip(b.iter().rev()) {
            if x != y {
                return x.cmp(y);
            }
        }
        Ordering::Equal
    })
}

/// From a word.
#[inline]
pub fn from_u64(x: u64) -> Limbs {
    from_u128(x as u128)
}

/// From two words, below 10^18 times 2^64.
#[inline]
pub fn from_u128(x: u128) -> Limbs {
    if x < RADIX as u128 {
        return Limbs::from_buf_and_len([x as u64, 0, 0, 0], (x != 0) as usize);
    }
    let (q, r) = BY_RADIX.div(x);
    if q < RADIX {
        Limbs::from_buf_and_len([r, q, 0, 0], 2)
    } else {
        Limbs::from_buf_and_len([r, q % RADIX, q / RADIX, 0], 3)
    }
}

/// The product of two numbers of at most two limbs.
#[inline]
pub fn mul_few(a: &[u64], b: &[u64]) -> Limbs {
    let two = |s: &[u64]| match *s {
        [x, y] => (x, y),
        [x] => (x, 0),
        _ => (0, 0),
    };
    let ((a0, a1), (b0, b1)) = (two(a), two(b));
    let (c, r0) = BY_RADIX.div(a0 as u128 * b0 as u128);
    let (c, r1) = BY_RADIX.div(a0 as u128 * b1 as u128 + a1 as u128 * b0 as u128 + c as u128);
    let (r3, r2) = BY_RADIX.div(a1 as u128 * b1 as u128 + c as u128);
    let len = if r3 != 0 {
        4
    } else if r2 != 0 {
        3
    } else if r1 != 0 {
        2
    } else {
        (r0 != 0) as usize
    };
    Limbs::from_buf_and_len([r0, r1, r2, r3], len)
}

/// The number when it fits a word.
#[inline]
pub fn to_u64(s: &[u64]) -> Option<u64> {
    match *s {
        [] => Some(0),
        [a] => Some(a),
        [a, b] => u64::try_from(b as u128 * RADIX as u128 + a as u128).ok(),
        _ => None,
    }
}

/// `a += b` from limb `at` on; `a` has room for the result.
pub fn add_at(a: &mut [u64], b: &[u64], at: usize) {
    let (low, high) = a[at..].split_at_mut(b.len());
    let mut carry = 0;
    for (x, &y) in low.iter_mut().zip(b) {
        let s = *x + y + carry;
        carry = (s >= RADIX) as u64;
        *x = s - if carry != 0 { RADIX } else { 0 };
    }
    let mut i = 0;
    while carry != 0 {
        let s = high[i] + 1;
        carry = (s == RADIX) as u64;
        high[i] = if carry != 0 { 0 } else { s };
        i += 1;
    }
}

/// `a -= b`, which is not greater.
pub fn sub_from(a: &mut [u64], b: &[u64]) {
    let (low, high) = a.split_at_mut(b.len());
    let mut borrow = 0;
    for (x, &y) in low.iter_mut().zip(b) {
        let y = y + borrow;
        borrow = (*x < y) as u64;
        *x = *x + if borrow != 0 { RADIX } else { 0 } - y;
    }
    let mut i = 0;
    while borrow != 0 {
        borrow = (high[i] == 0) as u64;
        high[i] = if borrow != 0 { RADIX - 1 } else { high[i] - 1 };
        i += 1;
    }
}

/// `a + b`.
pub fn add(a: &[u64], b: &[u64]) -> Result<Limbs, NoMemory> {
    let (a, b) = if a.len() < b.len() { (b, a) } else { (a, b) };
    let mut out = zeros(a.len() + 1)?;
    out[..a.len()].copy_from_slice(a);
    add_at(&mut out, b, 0);
    trim(&mut out);
    Ok(out)
}

/// `a - b`, which is not greater.
pub fn sub(a: &[u64], b: &[u64]) -> Limbs {
    let mut out = copy(a);
    sub_from(&mut out, b);
    trim(&mut out);
    out
}

/// `a += 1`.
pub fn increment(a: &mut Limbs) {
    for x in a.iter_mut() {
        if *x != RADIX - 1 {
            *x += 1;
            return;
        }
        *x = 0;
    }
    a.push(1);
}

/// `a = a * m + c`.
pub fn mul_add_small(a: &mut Limbs, m: u64, c: u64) {
    let mut carry = c;
    for x in a.iter_mut() {
        let (q, r) = BY_RADIX.div(*x as u128 * m as u128 + carry as u128);
        *x = r;
        carry = q;
    }
    while carry != 0 {
        a.push(carry % RADIX);
        carry /= RADIX;
    }
}

/// `a /= d`, `d` not zero; the remainder.
pub fn div_small(a: &mut [u64], d: u64) -> u64 {
    let by = Divisor::new(d);
    let mut rest = 0u64;
    for x in a.iter_mut().rev() {
        (*x, rest) = by.div(rest as u128 * RADIX as u128 + *x as u128);
    }
    rest
}

/// `a * 10^n`.
pub fn shift_left(a: &[u64], n: i64) -> Result<Limbs, NoMemory> {
    if a.is_empty() || n == 0 {
        return Ok(copy(a));
    }
    limbs_for(n)?;
    let n = n as usize;
    let (words, rest) = (n / DIGITS, n % DIGITS);
    let mut out = zeros(words + a.len() + 1)?;
    if rest == 0 {
        out[words..words + a.len()].copy_from_slice(a);
    } else {
        let by = by_pow10(DIGITS - rest);
        let m = POW10[rest];
        let mut carry = 0;
        for (to, &x) in out[words..].iter_mut().zip(a) {
            let (high, low) = by.div(x);
            *to = low * m + carry;
            carry = high;
        }
        out[words + a.len()] = carry;
    }
    trim(&mut out);
    Ok(out)
}

/// `a / 10^n` in place, and what is cut off: 0 for nothing, 5 for exactly a half, 1 to 4 for less and 6 to 9 for more.
#[inline]
pub fn shift_right(a: &mut Limbs, n: i64) -> u8 {
    if n == 0 || a.is_empty() {
        return 0;
    }
    let (len, cut) = shift_slice_right(a.as_mut_slice(), n);
    a.truncate(len);
    cut
}

/// [`shift_right`] of limbs in place: how many are left, and what is cut off.
fn shift_slice_right(a: &mut [u64], n: i64) -> (usize, u8) {
    if n > digits(a) as i64 {
        return (0, 1);
    }
    let n = n as usize;
    let (words, rest) = (n / DIGITS, n % DIGITS);
    let zero = |s: &[u64]| s.iter().all(|&x| x == 0);
    let mut kept = a.len() - words;
    let cut;
    if rest == 0 {
        cut = cut_off(a[words - 1], DIGITS, zero(&a[..words - 1]));
        a.copy_within(words.., 0);
    } else {
        let by = by_pow10(rest);
        let m = POW10[DIGITS - rest];
        let (mut high, low) = by.div(a[words]);
        cut = cut_off(low, rest, zero(&a[..words]));
        for i in 0..kept - 1 {
            let (q, r) = by.div(a[i + words + 1]);
            a[i] = high + r * m;
            high = q;
        }
        a[kept - 1] = high;
    }
    while kept > 0 && a[kept - 1] == 0 {
        kept -= 1;
    }
    (kept, cut)
}

/// What a limb of so many digits is of one, when what follows is all zero or not.
#[inline(always)]
fn cut_off(low: u64, digits: usize, zero_below: bool) -> u8 {
    let (first, rest) = if digits == 1 { (low, 0) } else { by_pow10(digits - 1).div(low) };
    let first = first as u8;
    if (first == 0 || first == 5) && !(rest == 0 && zero_below) { first + 1 } else { first }
}

/// `a mod 10^n` in place.
pub fn keep_low(a: &mut Limbs, n: i64) {
    let n = n as usize;
    if n / DIGITS < a.len() {
        a.truncate(n / DIGITS + 1);
        let top = &mut a[n / DIGITS];
        *top %= POW10[n % DIGITS];
        trim(a);
    }
}

/// The number of trailing zeros of a number that is not zero.
pub fn trailing_zeros(a: &[u64]) -> usize {
    let Some(i) = a.iter().position(|&x| x != 0) else { return 0 };
    let (mut n, mut x) = (i * DIGITS, a[i]);
    for step in [8, 4, 2, 1] {
        if x.is_multiple_of(POW10[step]) {
            x /= POW10[step];
            n += step;
        }
    }
    // (Up to fifteen by the steps; a limb has at most seventeen.)
    while x.is_multiple_of(10) {
        x /= 10;
        n += 1;
    }
    n
}

/// 10^n - 1.
pub fn nines(n: i64) -> Result<Limbs, NoMemory> {
    let len = limbs_for(n)?;
    let mut out = zeros(len)?;
    out.fill(RADIX - 1);
    out[len - 1] = POW10[n as usize % DIGITS] - 1;
    trim(&mut out);
    Ok(out)
}

/// 10^n.
pub fn power_of_ten(n: i64) -> Result<Limbs, NoMemory> {
    let len = limbs_for(n)?;
    let mut out = zeros(len)?;
    out[len - 1] = POW10[n as usize % DIGITS];
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words() {
        for (x, n) in [(0, 0), (1, 1), (9, 1), (10, 2), (99, 2), (RADIX - 1, 18), (RADIX, 19), (u64::MAX, 20)]
        {
            if x != u64::MAX {
                assert_eq!(word_digits(x), n, "{x}");
            }
        }
        for d in [1, 3, 10, RADIX, u64::MAX] {
            for n in [0u128, 1, 12345, u64::MAX as u128, RADIX as u128 * 7 + 3] {
                if n / d as u128 <= u64::MAX as u128 && d as u128 * u64::MAX as u128 > n {
                    assert_eq!(Divisor::new(d).div(n), ((n / d as u128) as u64, (n % d as u128) as u64));
                }
            }
        }
    }

    #[test]
    fn shifts() {
        let a = [123, 45, 6];
        for n in [0, 1, 17, 18, 19, 36, 40] {
            let mut up = shift_left(&a, n).unwrap();
            assert_eq!(digits(&up), 37 + n as usize);
            assert_eq!(shift_right(&mut up, n), 0);
            assert_eq!(up.as_slice(), a);
        }
        let cut = |x: u64, n| {
            let mut l = from_u64(x);
            let c = shift_right(&mut l, n);
            (to_u64(&l).unwrap(), c)
        };
        assert_eq!(cut(1250, 2), (12, 5));
        assert_eq!(cut(1251, 2), (12, 6));
        assert_eq!(cut(1201, 2), (12, 1));
        assert_eq!(cut(99, 2), (0, 9));
        assert_eq!(cut(99, 3), (0, 1));
        assert_eq!(trailing_zeros(&[0, 1000]), 21);
        assert_eq!(trailing_zeros(&[100_000_000_000_000_000]), 17);
    }
}
