//! From and to base 2^64.

use num_bigint::BigUint;

use crate::limbs::{BY_RADIX, POW10};
use crate::limbs::{DIGITS, Limbs, NoMemory, RADIX, add_at, trim, trimmed};
use crate::mul::{mul, square};

/// So many words or limbs are converted one by one; longer numbers by halves.
const FEW: usize = 24;

/// From words, least significant first.
pub fn from_words(words: &[u64]) -> Result<Limbs, NoMemory> {
    let words = trimmed(words);
    if words.len() <= FEW {
        return Ok(from_few(words));
    }
    let mut powers = Vec::new();
    let mut n = FEW;
    let mut one = vec![0; FEW];
    one.push(1);
    let mut p = from_few(&one);
    while n < words.len() {
        let next = if 2 * n < words.len() { Some(square(&p)?) } else { None };
        powers.push(p);
        let Some(next) = next else { break };
        p = next;
        n *= 2;
    }
    from_many(words, &powers)
}

fn from_few(words: &[u64]) -> Limbs {
    let mut out = Limbs::new();
    for &w in words.iter().rev() {
        let mut carry = w;
        for x in out.iter_mut() {
            let (q, r) = BY_RADIX.div((*x as u128) << 64 | carry as u128);
            *x = r;
            carry = q;
        }
        while carry != 0 {
            out.push(carry % RADIX);
            carry /= RADIX;
        }
    }
    out
}

/// `powers[i]` is 2^64 to the power of `FEW << i`.
fn from_many(words: &[u64], powers: &[Limbs]) -> Result<Limbs, NoMemory> {
    if words.len() <= FEW {
        return Ok(from_few(words));
    }
    let mut level = powers.len() - 1;
    while FEW << level >= words.len() {
        level -= 1;
    }
    let (low, high) = words.split_at(FEW << level);
    let high = from_many(high, powers)?;
    let low = from_many(low, powers)?;
    let mut out = mul(&high, &powers[level])?;
    out.push(0);
    if out.len() <= low.len() {
        out.resize(low.len() + 1, 0);
    }
    add_at(&mut out, &low, 0);
    trim(&mut out);
    Ok(out)
}

/// To base 2.
pub fn to_binary(coeff: &[u64]) -> BigUint {
    if coeff.len() <= FEW {
        return to_few(coeff);
    }
    let mut powers = vec![BigUint::from(RADIX).pow(FEW as u32)];
    while FEW << powers.len() < coeff.len() {
        let last = &powers[powers.len() - 1];
        powers.push(last * last);
    }
    to_many(coeff, &powers)
}

fn to_few(coeff: &[u64]) -> BigUint {
    let mut words: Vec<u64> = Vec::with_capacity(coeff.len() + 1);
    for &x in coeff.iter().rev() {
        let mut carry = x;
        for w in &mut words {
            let t = *w as u128 * RADIX as u128 + carry as u128;
            *w = t as u64;
            carry = (t >> 64) as u64;
        }
        if carry != 0 {
            words.push(carry);
        }
    }
    let halves = words.iter().flat_map(|&w| [w as u32, (w >> 32) as u32]).collect();
    BigUint::new(halves)
}

/// `powers[i]` is 10^18 to the power of `FEW << i`.
fn to_many(coeff: &[u64], powers: &[BigUint]) -> BigUint {
    let coeff = trimmed(coeff);
    if coeff.len() <= FEW {
        return to_few(coeff);
    }
    let mut level = powers.len() - 1;
    while FEW << level >= coeff.len() {
        level -= 1;
    }
    let (low, high) = coeff.split_at(FEW << level);
    to_many(high, powers) * &powers[level] + to_many(low, powers)
}

/// 10^n in base 2.
pub fn power_of_ten(n: u64) -> BigUint {
    BigUint::from(POW10[n as usize % DIGITS]) * BigUint::from(RADIX).pow((n / DIGITS as u64) as u32)
}

/// The modulus of hashes of numbers.
const P: u64 = (1 << 61) - 1;
/// The inverse of ten.
const TENTH: u64 = 2_075_258_708_292_324_556;

/// `x` modulo [`P`].
const fn fold(x: u128) -> u64 {
    let x = (x & P as u128) + (x >> 61);
    let x = (x & P as u128) as u64 + (x >> 61) as u64;
    if x >= P { x - P } else { x }
}

/// Powers of the inverse of ten.
static TENTHS: [u64; 32] = {
    let mut t = [1; 32];
    let mut i = 1;
    while i < 32 {
        t[i] = fold(t[i - 1] as u128 * TENTH as u128);
        i += 1;
    }
    t
};

/// Ten to a power, modulo [`P`].
fn power(exp: i64) -> u64 {
    if let Some(&t) = usize::try_from(-exp).ok().and_then(|e| TENTHS.get(e)) {
        return t;
    }
    let mut base = if exp < 0 { TENTH } else { 10 };
    // (Powers repeat after one less than the modulus.)
    let mut e = exp.unsigned_abs() % (P - 1);
    let mut r = 1;
    while e != 0 {
        if e & 1 != 0 {
            r = fold(r as u128 * base as u128);
        }
        base = fold(base as u128 * base as u128);
        e >>= 1;
    }
    r
}

/// A finite number's magnitude modulo 2^61 - 1: what hashes of numbers are.
pub fn hash(coeff: &[u64], exp: i64) -> u64 {
    let h = coeff.iter().rev().fold(0, |h, &x| fold(h as u128 * RADIX as u128 + x as u128));
    fold(h as u128 * power(exp) as u128)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_and_back() {
        for n in [0usize, 1, 2, 5, 24, 25, 48, 49, 100, 333, 1000] {
            let words: Vec<u64> = (0..n as u64).map(|i| i.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1).collect();
            let d = from_words(&words).unwrap();
            assert_eq!(to_binary(&d).to_u64_digits(), words, "{n}");
        }
        assert_eq!(hash(&[5], -1), ((1u128 << 61) as u64) >> 1);
        assert_eq!(hash(&[1], 0), 1);
    }
}
