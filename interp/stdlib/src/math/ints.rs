//! Functions of integers.

use cape_vm::native::OrNone;
use cape_vm::object::*;
use cape_vm::{Ptr, Res, Value, Vm};
use num_bigint::{BigInt, BigUint};
use num_integer::{Integer, Roots};
use num_traits::{One, Signed, ToPrimitive, Zero};

pub(super) fn add(m: Ptr<ModuleObj>) {
    m.function("gcd($module, /, *integers)", "Greatest Common Divisor.", |vm: &Vm, v: Ptr<TupleObj>| {
        fold(vm, v, 0, |a, b| a.gcd(&b), |a, b| a.gcd(b))
    })
    .function("lcm($module, /, *integers)", "Least Common Multiple.", lcm)
    .function("isqrt($module, n, /)", "Return the integer part of the square root of the input.", isqrt)
    .function("factorial($module, n, /)", "Find n!.", |vm: &Vm, n: Value| -> Res<Value> {
        factorial(vm, vm.index_int(n)?)
    })
    .function(
        "comb($module, n, k, /)",
        "Number of ways to choose k items from n items without repetition and without order.\n\nEvaluates to n! / (k! * (n - \
         k)!) when k <= n and evaluates\nto zero when k > n.\n\nAlso called the binomial coefficient because it is \
         equivalent\nto the coefficient of k-th term in polynomial expansion of the\nexpression (1 + x)**n.\n\nRaises TypeError \
         if either of the arguments are not integers.\nRaises ValueError if either of the arguments are negative.",
        comb,
    )
    .function(
        "perm($module, n, k=None, /)",
        "Number of ways to choose k items from n items without repetition and with order.\n\nEvaluates to n! / (n - k)! when k \
         <= n and evaluates\nto zero when k > n.\n\nIf k is not specified or is None, then k defaults to n\nand the function \
         returns n!.\n\nRaises TypeError if either of the arguments are not integers.\nRaises ValueError if either of the \
         arguments are negative.",
        perm,
    );
}

fn fold(
    vm: &Vm,
    args: Ptr<TupleObj>,
    start: u64,
    small: fn(u64, u64) -> u64,
    big: fn(&BigInt, &BigInt) -> BigInt,
) -> Res<Value> {
    let mut word = Some(start);
    let mut wide = BigInt::zero();
    for &v in args.as_slice() {
        let i = vm.index_int(v)?;
        match (word, &i) {
            (Some(w), Int::Small(i)) => word = Some(small(w, i.unsigned_abs())),
            (Some(w), Int::Big(b)) => {
                wide = big(&BigInt::from(w), b);
                word = None;
            }
            (None, _) => wide = big(&wide, &i.into_big()),
        }
    }
    Ok(match word {
        Some(w) => uint_value(w),
        None => big_value(wide),
    })
}

fn lcm(vm: &Vm, args: Ptr<TupleObj>) -> Res<Value> {
    let mut r = BigInt::one();
    for &v in args.as_slice() {
        r = r.lcm(&vm.index_int(v)?.into_big());
    }
    Ok(big_value(r.abs()))
}

fn isqrt(vm: &Vm, n: Value) -> Res<Value> {
    match vm.index_int(n)? {
        Int::Small(n) if n >= 0 => Ok(int_value((n as u64).sqrt() as i64)),
        Int::Big(n) if n.is_positive() => Ok(big_value(n.sqrt())),
        _ => Err(vm.value_error("isqrt() argument must be nonnegative")),
    }
}

/// The product of `low..high`, by halves.
fn product(low: u64, high: u64) -> BigUint {
    if high - low <= 8 {
        let mut r = BigUint::one();
        let mut word = 1u64;
        for i in low..high {
            match word.checked_mul(i) {
                Some(w) => word = w,
                None => {
                    r *= word;
                    word = i;
                }
            }
        }
        return r * word;
    }
    let mid = low + (high - low) / 2;
    product(low, mid) * product(mid, high)
}

fn factorial(vm: &Vm, n: Int) -> Res<Value> {
    match n {
        Int::Small(n) if n >= 0 => Ok(big_value(BigInt::from(product(2, (n as u64).max(1) + 1)))),
        Int::Big(n) if n.is_positive() => Err(vm.overflow_error(format!(
            "factorial() argument should not exceed {}",
            i64::MAX
        ))),
        _ => Err(vm.value_error("factorial() not defined for negative values")),
    }
}

/// Checks the signs of `n` and `k`.
fn counts(vm: &Vm, n: Value, k: Value) -> Res<(BigInt, BigInt)> {
    let (n, k) = (vm.index_int(n)?.into_big(), vm.index_int(k)?.into_big());
    if n.is_negative() {
        return Err(vm.value_error("n must be a non-negative integer"));
    }
    if k.is_negative() {
        return Err(vm.value_error("k must be a non-negative integer"));
    }
    Ok((n, k))
}

fn comb(vm: &Vm, n: Value, k: Value) -> Res<Value> {
    let (n, k) = counts(vm, n, k)?;
    if k > n {
        return Ok(Value::int(0));
    }
    let k = (&n - &k).min(k);
    let Some(k) = k.to_i64() else {
        return Err(vm.overflow_error(format!("min(n - k, k) must not exceed {}", i64::MAX)));
    };
    Ok(big_value(choose(&n, k as u64)))
}

/// The binomial coefficient: from those of the halves of `k`.
fn choose(n: &BigInt, k: u64) -> BigInt {
    if k == 0 {
        return BigInt::one();
    }
    if let Some(small) = n.to_u64() {
        let mut r = Some(1u128);
        for i in 0..k.min(64) {
            r = r.and_then(|r| r.checked_mul((small - i) as u128)).map(|r| r / (i + 1) as u128);
        }
        if k <= 64
            && let Some(r) = r
        {
            return BigInt::from(r);
        }
    }
    if k == 1 {
        return n.clone();
    }
    let j = k / 2;
    choose(n, j) * choose(&(n - j), k - j) / choose(&BigInt::from(k), j)
}

fn perm(vm: &Vm, n: Value, k: OrNone<Value>) -> Res<Value> {
    let Some(k) = k.0 else {
        return factorial(vm, vm.index_int(n)?);
    };
    let (n, k) = counts(vm, n, k)?;
    if k > n {
        return Ok(Value::int(0));
    }
    let Some(k) = k.to_i64() else {
        return Err(vm.overflow_error(format!("k must not exceed {}", i64::MAX)));
    };
    if let Some(n) = n.to_u64()
        && n < u64::MAX
    {
        return Ok(big_value(BigInt::from(product(n - k as u64 + 1, n + 1))));
    }
    Ok(big_value(falling(&n, k as u64)))
}

/// `n * (n - 1) * ...`, `k` factors.
fn falling(n: &BigInt, k: u64) -> BigInt {
    match k {
        0 => BigInt::one(),
        1 => n.clone(),
        _ => falling(n, k / 2) * falling(&(n - k / 2), k - k / 2),
    }
}
