//! Products: by columns, by Karatsuba's method, by number theoretic transforms.

use crate::limbs::{BY_RADIX, Limbs, NoMemory, add_at, sub_from, trim, trimmed, zeros};
use crate::transform;

/// So many products of two limbs and a carry add up before they are reduced.
const ROWS: usize = 16;
/// From so many limbs of the shorter factor on, Karatsuba's method is faster.
const KARATSUBA: usize = 48;
/// From so many on, transforms may be.
const TRANSFORM: usize = 1500;

/// Whether a transform, whose length is a power of two, is shorter than Karatsuba's method, by what both were measured to take.
fn transform_pays(n: usize, m: usize) -> bool {
    let len = (n + m).next_power_of_two() as f64;
    m >= TRANSFORM && 3.15 * len * len.log2() < (m as f64).powf(1.585) * n as f64 / m as f64
}

/// `a * b`.
pub fn mul(a: &[u64], b: &[u64]) -> Result<Limbs, NoMemory> {
    let (a, b) = if a.len() < b.len() { (b, a) } else { (a, b) };
    if b.is_empty() {
        return Ok(Limbs::new());
    }
    let mut out = zeros(a.len() + b.len())?;
    if b.len() <= ROWS {
        columns(&mut out, a, b);
    } else {
        product(&mut out, a, b);
    }
    trim(&mut out);
    Ok(out)
}

/// `a * a`.
pub fn square(a: &[u64]) -> Result<Limbs, NoMemory> {
    mul(a, a)
}

/// `out = a * b`, column by column; `b` is the shorter one, at most [`ROWS`].
#[inline]
fn columns(out: &mut [u64], a: &[u64], b: &[u64]) {
    let (n, m) = (a.len(), b.len());
    let mut carry = 0u64;
    for k in 0..n + m - 1 {
        let mut t = carry as u128;
        let from = (k + 1).saturating_sub(m);
        let to = k.min(n - 1);
        for i in from..=to {
            t += a[i] as u128 * b[k - i] as u128;
        }
        let (q, r) = BY_RADIX.div(t);
        out[k] = r;
        carry = q;
    }
    out[n + m - 1] = carry;
}

/// `out = a * b`; `out` is zero and as long as both, `b` is not longer than `a`.
fn product(out: &mut [u64], a: &[u64], b: &[u64]) {
    let (n, m) = (a.len(), b.len());
    if m == 0 {
        return;
    }
    if m < KARATSUBA {
        let mut part = [0; KARATSUBA + ROWS];
        // Blocks of columns; the longer factor in blocks, too, so that what is added up stays near.
        for (j, y) in b.chunks(ROWS).enumerate() {
            for (i, x) in a.chunks(KARATSUBA).enumerate() {
                let part = &mut part[..x.len() + y.len()];
                if x.len() < y.len() {
                    columns(part, y, x);
                } else {
                    columns(part, x, y);
                }
                add_at(out, trimmed(part), i * KARATSUBA + j * ROWS);
            }
        }
        return;
    }
    if n <= 3 * m && transform_pays(n, m) {
        transform::product(out, a, b);
        return;
    }
    if n > m + m / 2 {
        for (i, x) in a.chunks(m).enumerate() {
            let mut part = vec![0; x.len() + m];
            if x.len() < m {
                product(&mut part, b, x);
            } else {
                product(&mut part, x, b);
            }
            add_at(out, trimmed(&part), i * m);
        }
        return;
    }
    karatsuba(out, a, b);
}

/// Three products of half the length.
fn karatsuba(out: &mut [u64], a: &[u64], b: &[u64]) {
    let h = a.len().div_ceil(2);
    let ((a0, a1), (b0, b1)) = (a.split_at(h), b.split_at(h));
    {
        let (low, high) = out.split_at_mut(2 * h);
        product(low, a0, b0);
        if a1.len() < b1.len() {
            product(high, b1, a1);
        } else {
            product(high, a1, b1);
        }
    }
    let sum = |x: &[u64], y: &[u64]| {
        let mut s = vec![0; h + 1];
        s[..h].copy_from_slice(x);
        add_at(&mut s, y, 0);
        s
    };
    let (sa, sb) = (sum(a0, a1), sum(b0, b1));
    let mut middle = vec![0; 2 * h + 2];
    product(&mut middle, &sa, &sb);
    sub_from(&mut middle, trimmed(&out[..2 * h]));
    sub_from(&mut middle, trimmed(&out[2 * h..]));
    add_at(out, trimmed(&middle), h);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limbs::{RADIX, add};

    fn random(n: usize, seed: u64) -> Vec<u64> {
        let mut x = seed;
        (0..n)
            .map(|_| {
                x = x.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
                if x >> 60 == 3 { RADIX - 1 } else { (x >> 3) % RADIX }
            })
            .map(|x| x.max(1))
            .collect()
    }

    /// Limb by limb.
    fn plain(a: &[u64], b: &[u64]) -> Vec<u64> {
        let mut out = vec![0u64; a.len() + b.len()];
        for (i, &x) in a.iter().enumerate() {
            let mut carry = 0;
            for (j, &y) in b.iter().enumerate() {
                let t = x as u128 * y as u128 + out[i + j] as u128 + carry;
                out[i + j] = (t % RADIX as u128) as u64;
                carry = t / RADIX as u128;
            }
            out[i + b.len()] = carry as u64;
        }
        trimmed(&out).to_vec()
    }

    #[test]
    fn all_ways_agree() {
        for (n, m) in [
            (1, 1),
            (5, 3),
            (16, 16),
            (17, 17),
            (47, 47),
            (48, 48),
            (100, 61),
            (200, 50),
            (333, 332),
            (1500, 700),
            (4000, 3900),
            (2000, 1999),
            (700, 640),
        ] {
            let (a, b) = (random(n, 1), random(m, 2));
            assert_eq!(mul(&a, &b).unwrap().as_slice(), plain(&a, &b), "{n} {m}");
        }
        let nines = vec![RADIX - 1; 4096];
        assert_eq!(mul(&nines, &nines).unwrap().as_slice(), plain(&nines, &nines));
        let _ = add(&nines, &nines).unwrap();
    }
}
