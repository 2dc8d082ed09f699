//! Products of long numbers by number theoretic transforms.
//!
//! A limb is an element. Three primes just below 2^62, of which each has roots of unity of order 2^37, are together large enough for
//! the sums of products of limbs; Garner's method joins the three remainders. Elements are in Montgomery's form only in the tables of
//! roots: a product of a plain one and one in that form is plain.

use crate::limbs::{BY_RADIX, RADIX};

/// A prime, and a root of unity of order 2^[`ORDER`].
struct Prime {
    p: u64,
    /// -1/p modulo 2^64.
    inverse: u64,
    /// 2^128 modulo p.
    square: u64,
    root: u64,
}

const ORDER: u32 = 36;

impl Prime {
    const fn new(p: u64, root: u64) -> Prime {
        // Newton's iteration doubles the correct bits.
        let mut inverse = 1u64;
        let mut i = 0;
        while i < 6 {
            inverse = inverse.wrapping_mul(2u64.wrapping_sub(p.wrapping_mul(inverse)));
            i += 1;
        }
        let r = ((1u128 << 64) % p as u128) as u64;
        let square = (r as u128 * r as u128 % p as u128) as u64;
        Prime { p, inverse: inverse.wrapping_neg(), square, root }
    }

    /// `a * b / 2^64`.
    #[inline(always)]
    fn mul(&self, a: u64, b: u64) -> u64 {
        let t = a as u128 * b as u128;
        let m = (t as u64).wrapping_mul(self.inverse);
        let r = ((t + m as u128 * self.p as u128) >> 64) as u64;
        if r >= self.p { r - self.p } else { r }
    }

    #[inline(always)]
    fn add(&self, a: u64, b: u64) -> u64 {
        let s = a + b;
        if s >= self.p { s - self.p } else { s }
    }

    #[inline(always)]
    fn sub(&self, a: u64, b: u64) -> u64 {
        if a >= b { a - b } else { a + self.p - b }
    }

    /// `b^e`, `b` and the result in Montgomery's form.
    fn pow(&self, mut b: u64, mut e: u64) -> u64 {
        let mut r = self.to_form(1);
        while e != 0 {
            if e & 1 != 0 {
                r = self.mul(r, b);
            }
            b = self.mul(b, b);
            e >>= 1;
        }
        r
    }

    fn to_form(&self, a: u64) -> u64 {
        self.mul(a, self.square)
    }

    /// 1/a in Montgomery's form, `a` plain.
    fn inverse_of(&self, a: u64) -> u64 {
        self.pow(self.to_form(a % self.p), self.p - 2)
    }

    /// The first half of the powers of a root of order `n`, in Montgomery's form; then those of its square, and so on.
    fn levels(&self, n: usize, inverse: bool) -> Vec<Vec<u64>> {
        let mut w = self.to_form(self.root);
        for _ in n.trailing_zeros()..ORDER {
            w = self.mul(w, w);
        }
        if inverse {
            w = self.pow(w, self.p - 2);
        }
        let mut t = Vec::with_capacity(n / 2);
        let mut x = self.to_form(1);
        for _ in 0..n / 2 {
            t.push(x);
            x = self.mul(x, w);
        }
        let mut levels = vec![t];
        while levels[levels.len() - 1].len() > 1 {
            levels.push(levels[levels.len() - 1].iter().step_by(2).copied().collect());
        }
        levels
    }

    /// Decimation in frequency: the result is in bit-reversed order.
    fn forward(&self, a: &mut [u64], levels: &[Vec<u64>]) {
        let mut h = a.len() / 2;
        for roots in levels {
            for block in a.chunks_exact_mut(2 * h) {
                let (x, y) = block.split_at_mut(h);
                for ((x, y), &w) in x.iter_mut().zip(y).zip(roots) {
                    let d = self.sub(*x, *y);
                    *x = self.add(*x, *y);
                    *y = self.mul(d, w);
                }
            }
            h /= 2;
        }
    }

    /// Decimation in time, from bit-reversed order.
    fn backward(&self, a: &mut [u64], levels: &[Vec<u64>]) {
        let mut h = 1;
        for roots in levels.iter().rev() {
            for block in a.chunks_exact_mut(2 * h) {
                let (x, y) = block.split_at_mut(h);
                for ((x, y), &w) in x.iter_mut().zip(y).zip(roots) {
                    let t = self.mul(*y, w);
                    *y = self.sub(*x, t);
                    *x = self.add(*x, t);
                }
            }
            h *= 2;
        }
    }

    /// The cyclic convolution of length `n`, whose elements are below p.
    fn convolution(&self, a: &[u64], b: &[u64], n: usize) -> Vec<u64> {
        let load = |s: &[u64]| {
            let mut v = Vec::with_capacity(n);
            v.extend(s.iter().map(|&x| x % self.p));
            v.resize(n, 0);
            v
        };
        let levels = self.levels(n, false);
        let mut x = load(a);
        self.forward(&mut x, &levels);
        if std::ptr::eq(a, b) {
            for x in &mut x {
                *x = self.mul(self.to_form(*x), *x);
            }
        } else {
            let mut y = load(b);
            self.forward(&mut y, &levels);
            for (x, y) in x.iter_mut().zip(y) {
                *x = self.mul(self.to_form(*x), y);
            }
        }
        self.backward(&mut x, &self.levels(n, true));
        let scale = self.inverse_of(n as u64);
        for x in &mut x {
            *x = self.mul(*x, scale);
        }
        x
    }
}

static PRIMES: [Prime; 3] = [
    Prime::new(0x3fff_ffa0_0000_0001, 4_400_745_204_249_244_341),
    Prime::new(0x3fff_ff30_0000_0001, 4_028_557_980_647_827_127),
    Prime::new(0x3fff_fd20_0000_0001, 1_717_662_185_716_964_956),
];

/// `out = a * b`; `out` is as long as both.
pub fn product(out: &mut [u64], a: &[u64], b: &[u64]) {
    let n = (a.len() + b.len()).next_power_of_two();
    let [p, q, r] = &PRIMES;
    let x = p.convolution(a, b, n);
    let y = q.convolution(a, b, n);
    let z = r.convolution(a, b, n);
    let p_in_q = q.inverse_of(p.p);
    let p_in_r = r.inverse_of(p.p);
    let q_in_r = r.inverse_of(q.p);
    let pq = p.p as u128 * q.p as u128;
    let mut carry = 0u128;
    for (i, o) in out.iter_mut().enumerate() {
        // x + p * (t + q * u).
        let x = x[i];
        let t = q.mul(q.sub(y[i], x % q.p), p_in_q);
        let u = r.mul(r.sub(z[i], x % r.p), p_in_r);
        let u = r.mul(r.sub(u, t % r.p), q_in_r);
        // In words: pq * u + p * t + x + carry.
        let low = (pq as u64) as u128 * u as u128;
        let high = (pq >> 64) * u as u128;
        let small = p.p as u128 * t as u128 + x as u128;
        let (low, c1) = low.overflowing_add(small);
        let (low, c2) = low.overflowing_add(carry);
        let (low, c3) = low.overflowing_add(high << 64);
        let top = (high >> 64) as u64 + c1 as u64 + c2 as u64 + c3 as u64;
        let (q2, rest) = (top / RADIX, top % RADIX);
        let (q1, rest) = BY_RADIX.div((rest as u128) << 64 | low >> 64);
        let (q0, rest) = BY_RADIX.div((rest as u128) << 64 | low as u64 as u128);
        debug_assert!(q2 == 0);
        *o = rest;
        carry = (q1 as u128) << 64 | q0 as u128;
    }
    debug_assert!(carry == 0);
}
