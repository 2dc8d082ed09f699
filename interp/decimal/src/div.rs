//! Quotients and square roots: Knuth's algorithm D, Burnikel and Ziegler's recursion on it, Newton's iteration.

use std::cmp::Ordering;

use crate::limbs::{
    BY_RADIX, Divisor, Limbs, NoMemory, RADIX, add_at, compare, div_small, from_u64, increment, sub_from,
    trim, trimmed, zeros,
};
use crate::mul::{mul, square};

/// From so many limbs of divisor and quotient on, the recursion is faster.
const RECURSIVE: usize = 96;

/// Quotient and remainder of `a / b`; `b` is not zero.
pub fn div_rem(a: &[u64], b: &[u64]) -> Result<(Limbs, Limbs), NoMemory> {
    if compare(a, b) == Ordering::Less {
        return Ok((Limbs::new(), Limbs::from_slice(a)));
    }
    if let [d] = *b {
        let mut q = Limbs::from_slice(a);
        let r = if d == 1 { 0 } else { div_small(&mut q, d) };
        trim(&mut q);
        return Ok((q, from_u64(r)));
    }
    let d = RADIX / (b[b.len() - 1] + 1);
    let mut u = zeros(a.len() + 1)?;
    u[..a.len()].copy_from_slice(a);
    let mut v = crate::limbs::copy(b);
    if d != 1 {
        scale(&mut u, d);
        scale(&mut v, d);
    }
    let mut q = zeros(u.len() - v.len())?;
    if v.len() < RECURSIVE || q.len() < RECURSIVE {
        schoolbook(&mut q, &mut u, &v);
    } else {
        blocks(&mut q, &mut u, &v)?;
    }
    u.truncate(v.len());
    if d != 1 {
        div_small(&mut u, d);
    }
    trim(&mut u);
    trim(&mut q);
    Ok((q, u))
}

/// `a *= d`; the result is not longer.
fn scale(a: &mut [u64], d: u64) {
    let mut carry = 0;
    for x in a {
        let (q, r) = BY_RADIX.div(*x as u128 * d as u128 + carry as u128);
        *x = r;
        carry = q;
    }
    debug_assert!(carry == 0);
}

/// `q = u / v` and `u = u % v`: `v` has at least two limbs, of which the first is at least half the base; `u`'s highest part is below it,
/// `q` is as long as `u` is longer.
fn schoolbook(q: &mut [u64], u: &mut [u64], v: &[u64]) {
    let n = v.len();
    let (v1, v2) = (v[n - 1], v[n - 2]);
    let by = Divisor::new(v1);
    for j in (0..q.len()).rev() {
        let top = u[j + n];
        let two = top as u128 * RADIX as u128 + u[j + n - 1] as u128;
        // (Two limbs divided by one that is at least half the base, and not below the first of them.)
        let (mut guess, mut rest) =
            if top >= v1 { (RADIX - 1, two - (RADIX - 1) as u128 * v1 as u128) } else { wide(by.div(two)) };
        while rest < RADIX as u128 && guess as u128 * v2 as u128 > rest * RADIX as u128 + u[j + n - 2] as u128
        {
            guess -= 1;
            rest += v1 as u128;
        }
        if guess == 0 {
            continue;
        }
        let mut carry = 0u64;
        let mut borrow = 0u64;
        for (x, &y) in u[j..j + n].iter_mut().zip(v) {
            let (c, p) = BY_RADIX.div(guess as u128 * y as u128 + carry as u128);
            carry = c;
            let p = p + borrow;
            borrow = (*x < p) as u64;
            *x = *x + if borrow != 0 { RADIX } else { 0 } - p;
        }
        let last = carry + borrow;
        if top < last {
            // One too many.
            guess -= 1;
            let mut carry = 0;
            for (x, &y) in u[j..j + n].iter_mut().zip(v) {
                let s = *x + y + carry;
                carry = (s >= RADIX) as u64;
                *x = s - if carry != 0 { RADIX } else { 0 };
            }
        }
        u[j + n] = 0;
        q[j] = guess;
    }
}

fn wide((q, r): (u64, u64)) -> (u64, u128) {
    (q, r as u128)
}

/// As [`schoolbook`], in blocks as long as the divisor.
fn blocks(q: &mut [u64], u: &mut [u64], v: &[u64]) -> Result<(), NoMemory> {
    let n = v.len();
    let mut end = q.len();
    // The first block is what is over.
    let mut len = match end % n {
        0 => n,
        r => r,
    };
    while end > 0 {
        let at = end - len;
        recurse(&mut q[at..end], &mut u[at..end + n], v)?;
        end = at;
        len = n;
    }
    Ok(())
}

/// As [`schoolbook`] for a quotient not longer than the divisor: by halves of it.
fn recurse(q: &mut [u64], u: &mut [u64], v: &[u64]) -> Result<(), NoMemory> {
    let (m, n) = (q.len(), v.len());
    if m < RECURSIVE / 2 || n < RECURSIVE / 2 || n < 3 {
        schoolbook(q, u, v);
        return Ok(());
    }
    if m == n || m > n / 2 + 1 {
        let h = m / 2;
        recurse(&mut q[h..], &mut u[h..], v)?;
        return recurse(&mut q[..h], &mut u[..n + h], v);
    }
    // The quotient has m limbs: guessed by the highest 2m limbs of the dividend and m of the divisor, then corrected.
    let low = n - m;
    let (v_low, v_high) = v.split_at(low);
    if compare(trimmed(&u[n..]), trimmed(v_high)) == Ordering::Less {
        recurse(q, &mut u[low..], v_high)?;
    } else {
        // The highest parts are equal: the quotient is at most B^m - 1, which leaves the lower part and once the divisor.
        q.fill(RADIX - 1);
        u[n..].fill(0);
        add_at(&mut u[low..], v_high, 0);
    }
    let product = mul(trimmed(q), trimmed(v_low))?;
    while compare(trimmed(u), &product) == Ordering::Less {
        sub_from(q, &[1]);
        add_at(u, v, 0);
    }
    sub_from(u, &product);
    Ok(())
}

/// The integer square root of `a`, and whether it is exact.
pub fn isqrt(a: &[u64]) -> Result<(Limbs, bool), NoMemory> {
    if a.len() <= 2 {
        let n = a.get(1).map_or(0, |&h| h as u128 * RADIX as u128) + a.first().map_or(0, |&l| l as u128);
        let r = n.isqrt();
        return Ok((from_u64(r as u64), r * r == n));
    }
    // From the root of the upper half of the limbs, which is off by less than one limb's worth: one step of Newton's.
    let low = (a.len() / 4) * 2;
    let keep = low.max(2).min(a.len() - 1) & !1;
    let half = keep / 2;
    let (mut top, _) = isqrt(&a[keep..])?;
    increment(&mut top);
    let mut guess = zeros(half + top.len())?;
    guess[half..].copy_from_slice(&top);
    // The guess is above the root, so each step comes down to it.
    loop {
        let (q, _) = div_rem(a, &guess)?;
        if compare(&q, &guess) != Ordering::Less {
            break;
        }
        let mut sum = crate::limbs::add(&q, &guess)?;
        div_small(&mut sum, 2);
        trim(&mut sum);
        guess = sum;
    }
    let exact = compare(&square(&guess)?, a) == Ordering::Equal;
    Ok((guess, exact))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limbs::add;

    fn random(n: usize, seed: u64) -> Limbs {
        let mut x = seed;
        let mut l: Limbs = (0..n)
            .map(|_| {
                x = x.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
                match x >> 60 {
                    3 => RADIX - 1,
                    5 => 0,
                    _ => (x >> 3) % RADIX,
                }
            })
            .collect();
        if l.last() == Some(&0) {
            l[n - 1] = 1;
        }
        l
    }

    #[test]
    fn quotients() {
        for seed in 0..40 {
            for (n, m) in [
                (1, 1),
                (3, 2),
                (5, 2),
                (9, 4),
                (200, 100),
                (300, 100),
                (400, 201),
                (1000, 333),
                (1100, 1000),
                (700, 99),
            ] {
                let (a, b) = (random(n, seed), random(m, seed + 100));
                let (q, r) = div_rem(&a, &b).unwrap();
                assert!(compare(&r, &b) == Ordering::Less, "{n} {m}");
                assert_eq!(add(&mul(&q, &b).unwrap(), &r).unwrap(), a, "{n} {m} {seed}");
            }
        }
        // Equal leading parts.
        for m in [100, 200, 300] {
            let b = random(m, 7);
            let mut a = mul(&b, &crate::limbs::nines(18 * m as i64).unwrap()).unwrap();
            a = add(&a, &crate::limbs::sub(&b, &[1])).unwrap();
            let (q, r) = div_rem(&a, &b).unwrap();
            assert_eq!(q, crate::limbs::nines(18 * m as i64).unwrap());
            assert_eq!(r, crate::limbs::sub(&b, &[1]));
        }
    }

    #[test]
    fn roots() {
        for n in [1, 2, 3, 4, 5, 7, 10, 33, 100, 301] {
            let a = random(n, n as u64);
            let (r, exact) = isqrt(&a).unwrap();
            assert!(!exact || n < 2);
            assert!(compare(&square(&r).unwrap(), &a) != Ordering::Greater);
            let mut next = r.clone();
            increment(&mut next);
            assert!(compare(&square(&next).unwrap(), &a) == Ordering::Greater);
            let s = square(&a).unwrap();
            assert_eq!(isqrt(&s).unwrap(), (a, true));
        }
    }
}
