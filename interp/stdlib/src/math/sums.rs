//! Sums, products and distances, with more than a double's precision inside.

use cape_builtins::libm;
use cape_vm::object::*;
use cape_vm::{Ptr, Res, Value, Vm, ops, rt, type_of};

pub(super) fn add(m: Ptr<ModuleObj>) {
    m.function(
        "fsum($module, seq, /)",
        "Return an accurate floating-point sum of values in the iterable seq.\n\nAssumes IEEE-754 floating-point arithmetic.",
        fsum,
    )
    .function(
        "hypot($module, /, *coordinates)",
        "Multidimensional Euclidean distance from the origin to a point.\n\nRoughly equivalent to:\n    sqrt(sum(x**2 for x in \
         coordinates))",
        |vm: &Vm, v: Ptr<TupleObj>| -> Res<f64> {
            let mut c = Vec::with_capacity(v.len());
            for &x in v.as_slice() {
                c.push(vm.to_f64(x)?);
            }
            Ok(norm(c))
        },
    )
    .function(
        "dist($module, p, q, /)",
        "Return the Euclidean distance between two points p and q.\n\nThe points should be specified as sequences (or iterables) \
         of\ncoordinates.  Both inputs must have the same dimension.",
        dist,
    )
    .function(
        "prod($module, iterable, /, *, start=1)",
        "Calculate the product of all the elements in the input iterable.\n\nThe default start value for the product is 1.\n\nWhen \
         the iterable is empty, return the start value.  This function is\nintended specifically for use with numeric values and \
         may reject\nnon-numeric types.",
        prod,
    )
    .function(
        "sumprod($module, p, q, /)",
        "Return the sum of products of values from two iterables p and q.\n\nRoughly equivalent to:\n\n    sum(map(operator.mul, \
         p, q, strict=True))\n\nFor float and mixed int/float inputs, the intermediate products\nand sums are computed with \
         extended precision.",
        sumprod,
    );
}

/// Shewchuk's algorithm: partial sums that do not overlap, added up with one rounding at the end.
fn fsum(vm: &Vm, seq: Value) -> Res<f64> {
    let mut partials: Vec<f64> = Vec::with_capacity(32);
    let (mut special, mut infinities) = (0.0, 0.0);
    let it = vm.iter(seq)?;
    while let Some(v) = vm.next(it)? {
        let given = vm.to_f64(v)?;
        let mut x = given;
        let mut n = 0;
        for i in 0..partials.len() {
            // (What the sum leaves out, whichever of the two is larger: no branch, which would be guessed wrong half of the time.)
            let y = partials[i];
            let hi = x + y;
            let of_y = hi - x;
            let lo = (x - (hi - of_y)) + (y - of_y);
            if lo != 0.0 {
                partials[n] = lo;
                n += 1;
            }
            x = hi;
        }
        partials.truncate(n);
        if x == 0.0 {
            continue;
        }
        if x.is_finite() {
            partials.push(x);
            continue;
        }
        if given.is_finite() {
            return Err(vm.overflow_error("intermediate overflow in fsum"));
        }
        if given.is_infinite() {
            infinities += given;
        }
        special += given;
        partials.clear();
    }
    if special != 0.0 {
        if infinities.is_nan() {
            return Err(vm.value_error("-inf + inf in fsum"));
        }
        return Ok(special);
    }
    let Some(mut hi) = partials.pop() else { return Ok(0.0) };
    while let Some(y) = partials.pop() {
        let x = hi;
        hi = x + y;
        let lo = y - (hi - x);
        if lo != 0.0 {
            // Half-way cases are decided by the sign of what is left.
            if partials.last().is_some_and(|p| (lo < 0.0) == (*p < 0.0)) {
                let twice = lo * 2.0;
                let up = hi + twice;
                if twice == up - hi {
                    hi = up;
                }
            }
            break;
        }
    }
    Ok(hi)
}

/// A sum as a double and its rounding error.
fn two_sum(a: f64, b: f64) -> (f64, f64) {
    let x = a + b;
    let z = x - a;
    (x, (a - (x - z)) + (b - z))
}

/// As [`two_sum`], for `|a| >= |b|`.
fn fast_two_sum(a: f64, b: f64) -> (f64, f64) {
    let x = a + b;
    (x, (a - x) + b)
}

/// A product as a double and its rounding error.
fn two_product(a: f64, b: f64) -> (f64, f64) {
    let x = a * b;
    (x, libm::fma(a, b, -x))
}

/// The square root of the sum of squares, scaled so that nothing overflows, with a differential correction.
fn norm(mut v: Vec<f64>) -> f64 {
    let mut max = 0.0f64;
    let mut nan = false;
    for x in &mut v {
        *x = x.abs();
        nan |= x.is_nan();
        if *x > max {
            max = *x;
        }
    }
    if max.is_infinite() {
        return max;
    }
    if nan {
        return f64::NAN;
    }
    if max == 0.0 || v.len() <= 1 {
        return max;
    }
    let (_, e) = ops::frexp(max);
    if e < -1023 {
        // All are subnormal: scaling by a power of two would overflow.
        v.iter_mut().for_each(|x| *x /= f64::MIN_POSITIVE);
        return f64::MIN_POSITIVE * norm(v);
    }
    let scale = libm::ldexp(1.0, -e);
    let (mut sum, mut frac1, mut frac2) = (1.0, 0.0, 0.0);
    for x in v {
        let x = x * scale;
        let p = two_product(x, x);
        let s = fast_two_sum(sum, p.0);
        sum = s.0;
        frac1 += p.1;
        frac2 += s.1;
    }
    let mut h = (sum - 1.0 + (frac1 + frac2)).sqrt();
    let p = two_product(-h, h);
    let s = fast_two_sum(sum, p.0);
    frac1 += p.1;
    frac2 += s.1;
    let x = s.0 - 1.0 + (frac1 + frac2);
    h += x / (2.0 * h);
    h / scale
}

fn dist(vm: &Vm, p: Value, q: Value) -> Res<f64> {
    let (p, q) = (vm.list_of(p)?, vm.list_of(q)?);
    if p.len() != q.len() {
        return Err(vm.value_error("both points must have the same number of dimensions"));
    }
    let mut d = Vec::with_capacity(p.len());
    for i in 0..p.len() {
        d.push(vm.to_f64(p.get(i))? - vm.to_f64(q.get(i))?);
    }
    Ok(norm(d))
}

fn prod(vm: &Vm, iterable: Value, start: Value) -> Res<Value> {
    let mut r = if start.is_empty() { Value::int(1) } else { start };
    let it = vm.iter(iterable)?;
    while let Some(v) = vm.next(it)? {
        r = times(vm, r, v)?;
    }
    Ok(r)
}

fn times(vm: &Vm, a: Value, b: Value) -> Res<Value> {
    if a.both_ints(b)
        && let Some(r) = a.int_mul(b)
    {
        return Ok(r);
    }
    if a.is_float() && b.is_float() {
        return Ok(Value::float(a.as_float() * b.as_float()));
    }
    vm.binary(a, b, &ops::MUL)
}

/// A sum of products in three doubles.
#[derive(Clone, Copy, Default)]
struct Triple {
    hi: f64,
    lo: f64,
    tiny: f64,
}

impl Triple {
    fn add_product(self, x: f64, y: f64) -> Triple {
        let p = two_product(x, y);
        let s = two_sum(self.hi, p.0);
        let a = two_sum(self.lo, p.1);
        let b = two_sum(a.0, s.1);
        Triple { hi: s.0, lo: b.0, tiny: self.tiny + a.1 + b.1 }
    }

    fn value(self) -> f64 {
        self.hi + two_sum(self.lo, self.tiny).0
    }
}

/// Exact ints and floats as doubles, when at least one of the two is a float.
fn floats(a: Value, b: Value) -> Option<(f64, f64)> {
    let number = |v: Value| {
        if v.is_float() {
            return Some(v.as_float());
        }
        let plain = v.is_int() || v.is_bool() || type_of(v) == rt().types.int;
        let f = match Int::of(v) {
            Some(Int::Small(i)) if plain => i as f64,
            Some(Int::Big(b)) if plain => num_traits::ToPrimitive::to_f64(&b)?,
            _ => return cape_vm::object_float(v).filter(|_| type_of(v) == rt().types.float),
        };
        f.is_finite().then_some(f)
    };
    let float = |v: Value| v.is_float() || type_of(v) == rt().types.float;
    if float(a) || float(b) { Some((number(a)?, number(b)?)) } else { None }
}

fn sumprod(vm: &Vm, p: Value, q: Value) -> Res<Value> {
    let (p, q) = (vm.iter(p)?, vm.iter(q)?);
    let mut total = Value::int(0);
    let (mut ints, mut ints_used, mut use_ints) = (0i64, false, true);
    let (mut flts, mut flts_used, mut use_flts) = (Triple::default(), false, true);
    loop {
        let pair = match (vm.next(p)?, vm.next(q)?) {
            (Some(a), Some(b)) => Some((a, b)),
            (None, None) => None,
            _ => return Err(vm.value_error("Inputs are not the same length")),
        };
        if use_ints {
            if let Some((a, b)) = pair
                && a.both_ints(b)
                && let Some(sum) = a.as_int().checked_mul(b.as_int()).and_then(|x| ints.checked_add(x))
            {
                ints = sum;
                ints_used = true;
                continue;
            }
            use_ints = false;
            if ints_used {
                total = vm.binary(total, int_value(ints), &ops::ADD)?;
            }
        }
        if use_flts {
            if let Some((a, b)) = pair
                && let Some((x, y)) = floats(a, b)
            {
                let sum = flts.add_product(x, y);
                if sum.hi.is_finite() {
                    flts = sum;
                    flts_used = true;
                    continue;
                }
            }
            use_flts = false;
            if flts_used {
                total = vm.binary(total, Value::float(flts.value()), &ops::ADD)?;
            }
        }
        let Some((a, b)) = pair else { return Ok(total) };
        let term = times(vm, a, b)?;
        total = vm.binary(total, term, &ops::ADD)?;
    }
}
