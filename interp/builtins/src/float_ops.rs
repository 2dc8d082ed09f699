//! Arithmetic of `float`.

use std::cmp::Ordering;

use cape_vm::object::*;
use cape_vm::ops::Cmp;
use cape_vm::{Res, Value, Vm, object_float};
use num_bigint::BigInt;
use num_traits::{FromPrimitive, Signed, ToPrimitive, Zero};

use crate::libm;

const NOT_IMPLEMENTED: Value = Value::NOT_IMPLEMENTED;

/// A float or int operand as a double; `None` for other objects, OverflowError for ints that are too large.
#[inline]
pub fn operand(vm: &Vm, v: Value) -> Res<Option<f64>> {
    if let Some(f) = object_float(v) {
        return Ok(Some(f));
    }
    match Int::of(v) {
        Some(i) => vm.int_to_f64(&i).map(Some),
        None => Ok(None),
    }
}

macro_rules! operators {
    ($($name:ident $reflected:ident |$vm:ident, $x:ident, $y:ident| $body:expr;)*) => { $(
        #[doc = concat!("`float.__", stringify!($name), "__`.")]
        pub fn $name($vm: &Vm, a: Value, b: Value) -> Res<Value> {
            let (Some($x), Some($y)) = (operand($vm, a)?, operand($vm, b)?) else { return Ok(NOT_IMPLEMENTED) };
            $body
        }

        #[doc = concat!("`float.__", stringify!($reflected), "__`.")]
        pub fn $reflected(vm: &Vm, a: Value, b: Value) -> Res<Value> {
            $name(vm, b, a)
        }
    )* };
}

operators! {
    add radd |vm, x, y| Ok(Value::float(x + y));
    sub rsub |vm, x, y| Ok(Value::float(x - y));
    mul rmul |vm, x, y| Ok(Value::float(x * y));
    truediv rtruediv |vm, x, y| if y == 0.0 { zero_division(vm) } else { Ok(Value::float(x / y)) };
    floordiv rfloordiv |vm, x, y| if y == 0.0 { zero_division(vm) } else { Ok(Value::float(floor_div_mod(x, y).0)) };
    modulo rmod |vm, x, y| if y == 0.0 { zero_division(vm) } else { Ok(Value::float(floor_mod(x, y))) };
    divmod rdivmod |vm, x, y| {
        if y == 0.0 {
            return zero_division(vm);
        }
        let (q, r) = floor_div_mod(x, y);
        Ok(TupleObj::new(&[Value::float(q), Value::float(r)]).value())
    };
}

#[cold]
fn zero_division(vm: &Vm) -> Res<Value> {
    Err(vm.zero_division_error("division by zero"))
}

/// `x % y`: exact, with the sign of the divisor.
pub fn floor_mod(x: f64, y: f64) -> f64 {
    let m = libm::fmod(x, y);
    if m == 0.0 {
        0f64.copysign(y)
    } else if (y < 0.0) != (m < 0.0) {
        m + y
    } else {
        m
    }
}

/// `x // y` and `x % y`. The quotient is the integer nearest to `(x - x % y) / y`, which would be one without rounding.
pub fn floor_div_mod(x: f64, y: f64) -> (f64, f64) {
    let m = libm::fmod(x, y);
    let mut q = (x - m) / y;
    let r = floor_mod(x, y);
    if m != 0.0 && (y < 0.0) != (m < 0.0) {
        q -= 1.0;
    }
    if q == 0.0 {
        return (0f64.copysign(x / y), r);
    }
    let f = q.floor();
    (if q - f > 0.5 { f + 1.0 } else { f }, r)
}

/// `float.__pow__`.
pub fn pow(vm: &Vm, a: Value, b: Value, m: Value) -> Res<Value> {
    if !m.is_empty() && !m.is_none() {
        return Err(vm.type_error("pow() 3rd argument not allowed unless all arguments are integers"));
    }
    let (Some(x), Some(y)) = (operand(vm, a)?, operand(vm, b)?) else { return Ok(NOT_IMPLEMENTED) };
    power(vm, x, y)
}

/// `float.__rpow__`.
pub fn rpow(vm: &Vm, a: Value, b: Value, m: Value) -> Res<Value> {
    pow(vm, b, a, m)
}

/// `x ** y`: the C library's value, with Python's exceptions, and a complex one for roots of negative numbers.
pub fn power(vm: &Vm, x: f64, y: f64) -> Res<Value> {
    let odd = || libm::fmod(y.abs(), 2.0) == 1.0;
    let r = if y == 0.0 || x == 1.0 {
        1.0
    } else if x.is_nan() || y.is_nan() {
        f64::NAN
    } else if y.is_infinite() {
        match x.abs() {
            1.0 => 1.0,
            a if (y > 0.0) == (a > 1.0) => f64::INFINITY,
            _ => 0.0,
        }
    } else if x.is_infinite() {
        let magnitude = if y > 0.0 { f64::INFINITY } else { 0.0 };
        if odd() { magnitude.copysign(x) } else { magnitude }
    } else if x == 0.0 {
        if y < 0.0 {
            return Err(vm.zero_division_error("zero to a negative power"));
        }
        if odd() { x } else { 0.0 }
    } else {
        if x < 0.0 && y != y.floor() {
            return crate::complex_ops::power(vm, (x, 0.0), (y, 0.0));
        }
        let r = libm::pow(x.abs(), y);
        let r = if x < 0.0 && odd() { -r } else { r };
        if r.is_infinite() {
            return Err(overflow(vm));
        }
        r
    };
    Ok(Value::float(r))
}

/// The OverflowError that the C library's range errors become.
#[cold]
pub fn overflow(vm: &Vm) -> cape_vm::Raised {
    let text = StrObj::new("Numerical result out of range").value();
    vm.new_exc_args(cape_vm::rt().types.overflow_error, &[Value::int(34), text])
}

/// How a float compares with an int, exactly; `None` for a NaN.
pub fn order_with_int(f: f64, i: &Int) -> Option<Ordering> {
    if f.is_nan() {
        return None;
    }
    if f.is_infinite() {
        return Some(if f > 0.0 { Ordering::Greater } else { Ordering::Less });
    }
    let whole = f.trunc();
    let rest = f - whole;
    let by_rest = || rest.partial_cmp(&0.0).unwrap_or(Ordering::Equal);
    if let Int::Small(i) = i {
        if i.unsigned_abs() <= 1 << 53 {
            return f.partial_cmp(&(*i as f64));
        }
        if f.abs() < 1e30 {
            return Some((whole as i128).cmp(&(*i as i128)).then_with(by_rest));
        }
        return Some(if f > 0.0 { Ordering::Greater } else { Ordering::Less });
    }
    let Int::Big(b) = i else { return None };
    if f == 0.0 || (f < 0.0) != b.is_negative() {
        return Some(if f == 0.0 && b.is_negative() || f > 0.0 { Ordering::Greater } else { Ordering::Less });
    }
    Some(BigInt::from_f64(whole)?.cmp(b).then_with(by_rest))
}

/// The rich comparisons.
pub fn compare(_: &Vm, a: Value, b: Value, op: Cmp) -> Value {
    let Some(x) = object_float(a) else { return NOT_IMPLEMENTED };
    let order = match object_float(b) {
        Some(y) => x.partial_cmp(&y),
        None => match Int::of(b) {
            Some(i) => order_with_int(x, &i),
            None => return NOT_IMPLEMENTED,
        },
    };
    Value::bool(order.map_or(op == Cmp::Ne, |o| op.of(o)))
}

/// A finite float without its fraction, as an int; ValueError or OverflowError for the others.
pub fn trunc(vm: &Vm, f: f64) -> Res<Value> {
    if f.abs() < 9e15 {
        return Ok(int_value(f as i64));
    }
    if f.is_nan() {
        return Err(vm.value_error("cannot convert float NaN to integer"));
    }
    match BigInt::from_f64(f) {
        Some(b) if f.is_finite() => Ok(big_value(b)),
        _ => Err(vm.overflow_error("cannot convert float infinity to integer")),
    }
}

/// A finite float as numerator and denominator in lowest terms.
pub fn ratio(f: f64) -> (BigInt, BigInt) {
    if f == 0.0 {
        return (BigInt::ZERO, BigInt::from(1));
    }
    let (m, e) = cape_vm::ops::frexp(f);
    let m = (m * (1u64 << 53) as f64) as i64;
    let z = m.trailing_zeros();
    let (m, e) = (BigInt::from(m >> z), e - 53 + z as i32);
    if e >= 0 { (m << e as u32, BigInt::from(1)) } else { (m, BigInt::from(1) << (-e) as u32) }
}

/// `round(f, digits)`, correctly rounded; `None` when the result is too large.
pub fn round_to(f: f64, digits: i64) -> Option<f64> {
    if !f.is_finite() || f == 0.0 || digits > 323 {
        return Some(f);
    }
    if digits < -308 {
        return Some(0.0 * f);
    }
    if digits >= 0 {
        // Formatting rounds the exact value, half to even.
        return format!("{f:.*}", digits as usize).parse().ok();
    }
    let whole = BigInt::from_f64(f.abs().trunc())?;
    let fraction = f.abs().fract() != 0.0;
    let unit = num_traits::Pow::pow(BigInt::from(10), (-digits) as u64);
    let (q, r) = (&whole / &unit, &whole % &unit);
    let up = match (&r * 2u32).cmp(&unit) {
        Ordering::Less => false,
        Ordering::Equal => fraction || !(&q % 2u32).is_zero(),
        Ordering::Greater => true,
    };
    let r = ((if up { q + 1 } else { q }) * unit).to_f64()?;
    r.is_finite().then_some(r.copysign(f))
}
