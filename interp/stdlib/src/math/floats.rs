//! Functions of floats.

use cape_builtins::{float_text, libm};
use cape_vm::native::OrNone;
use cape_vm::object::*;
use cape_vm::special::Special;
use cape_vm::{Ptr, Res, Value, Vm, rt, type_of};
use num_bigint::BigInt;
use num_traits::{Signed, ToPrimitive};

use super::{domain_error, range_error};

/// What an infinite result of a finite argument means.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Infinity {
    Overflow,
    Singular,
}

/// Applies a C function: a NaN out of something else is a domain error, whose message `expected` tells.
#[inline]
fn apply(vm: &Vm, x: f64, f: impl Fn(f64) -> f64, infinity: Infinity, expected: &str) -> Res<f64> {
    let r = f(x);
    let domain = || {
        if expected.is_empty() {
            return domain_error(vm);
        }
        vm.value_error(format!("expected {expected}, got {}", float_text::repr(x)))
    };
    if r.is_nan() && !x.is_nan() {
        return Err(domain());
    }
    if r.is_infinite() && x.is_finite() {
        return Err(if infinity == Infinity::Overflow { range_error(vm) } else { domain() });
    }
    Ok(r)
}

macro_rules! unary {
    ($m:expr; $($name:literal $f:path, $infinity:ident, $expected:literal, $doc:literal;)*) => {
        $($m.function(concat!($name, "($module, x, /)"), $doc, |vm: &Vm, x: f64| {
            apply(vm, x, $f, Infinity::$infinity, $expected)
        });)*
    };
}

pub(super) fn add(m: Ptr<ModuleObj>) {
    unary! { m;
        "acos" libm::acos, Singular, "a number in range from -1 up to 1", "Return the arc cosine (measured in radians) of x.\n\nThe result is between 0 and pi.";
        "acosh" libm::acosh, Singular, "argument value not less than 1", "Return the inverse hyperbolic cosine of x.";
        "asin" libm::asin, Singular, "a number in range from -1 up to 1", "Return the arc sine (measured in radians) of x.\n\nThe result is between -pi/2 and pi/2.";
        "asinh" libm::asinh, Singular, "", "Return the inverse hyperbolic sine of x.";
        "atan" libm::atan, Singular, "", "Return the arc tangent (measured in radians) of x.\n\nThe result is between -pi/2 and pi/2.";
        "atanh" libm::atanh, Singular, "a number between -1 and 1", "Return the inverse hyperbolic tangent of x.";
        "cbrt" libm::cbrt, Singular, "", "Return the cube root of x.";
        "cos" libm::cos, Singular, "a finite input", "Return the cosine of x (measured in radians).";
        "cosh" libm::cosh, Overflow, "", "Return the hyperbolic cosine of x.";
        "exp" libm::exp, Overflow, "", "Return e raised to the power of x.";
        "exp2" libm::exp2, Overflow, "", "Return 2 raised to the power of x.";
        "expm1" libm::expm1, Overflow, "", "Return exp(x)-1.\n\nThis function avoids the loss of precision involved in the direct evaluation of exp(x)-1 for small x.";
        "fabs" f64::abs, Singular, "", "Return the absolute value of the float x.";
        "log1p" libm::log1p, Singular, "argument value > -1", "Return the natural logarithm of 1+x (base e).\n\nThe result is computed in a way which is accurate for x near zero.";
        "sin" libm::sin, Singular, "a finite input", "Return the sine of x (measured in radians).";
        "sinh" libm::sinh, Overflow, "", "Return the hyperbolic sine of x.";
        "sqrt" f64::sqrt, Singular, "a nonnegative input", "Return the square root of x.";
        "tan" libm::tan, Singular, "a finite input", "Return the tangent of x (measured in radians).";
        "tanh" libm::tanh, Singular, "", "Return the hyperbolic tangent of x.";
        "erf" libm::erf, Singular, "", "Error function at x.";
        "erfc" libm::erfc, Singular, "", "Complementary error function at x.";
    }
    binary(m);
    parts(m);
    logarithms(m);
    rounding(m);
}

fn binary(m: Ptr<ModuleObj>) {
    m.function(
        "atan2($module, y, x, /)",
        "Return the arc tangent (measured in radians) of y/x.\n\nUnlike atan(y/x), the signs of both x and y are considered.",
        |_: &Vm, y: f64, x: f64| libm::atan2(y, x),
    )
    .function(
        "copysign($module, x, y, /)",
        "Return a float with the magnitude (absolute value) of x but the sign of y.",
        |_: &Vm, x: f64, y: f64| x.copysign(y),
    )
    .function("fmod($module, x, y, /)", "Return fmod(x, y), according to platform C.", |vm: &Vm, x: f64, y: f64| {
        checked(vm, &[x, y], libm::fmod(x, y))
    })
    .function(
        "remainder($module, x, y, /)",
        "Difference between x and the closest integer multiple of y.",
        |vm: &Vm, x: f64, y: f64| checked(vm, &[x, y], libm::remainder(x, y)),
    )
    .function("pow($module, x, y, /)", "Return x**y (x to the power of y).", pow)
    .function("fma($module, x, y, z, /)", "Fused multiply-add operation.\n\nCompute (x * y) + z with a single round.", fma)
    .function("degrees($module, x, /)", "Convert angle x from radians to degrees.", |_: &Vm, x: f64| {
        x * (180.0 / std::f64::consts::PI)
    })
    .function("radians($module, x, /)", "Convert angle x from degrees to radians.", |_: &Vm, x: f64| {
        x * (std::f64::consts::PI / 180.0)
    })
    .function(
        "isclose($module, /, a, b, *, rel_tol=1e-09, abs_tol=0.0)",
        "Determine whether two floating-point numbers are close in value.\n\n  rel_tol\n    maximum difference for being \
         considered \"close\", relative to the\n    magnitude of the input values\n  abs_tol\n    maximum difference for being \
         considered \"close\", regardless of the\n    magnitude of the input values\n\nReturn True if a is close in value to b, \
         and False otherwise.",
        isclose,
    )
    .function(
        "nextafter($module, x, y, /, *, steps=None)",
        "Return the floating-point value the given number of steps after x towards y.\n\nIf steps is not specified or is None, \
         it defaults to 1.\n\nRaises a TypeError, if x or y is not a double, or if steps is not an integer.\nRaises ValueError \
         if steps is negative.",
        nextafter,
    );
}

/// A NaN that no operand is: domain error.
fn checked(vm: &Vm, operands: &[f64], r: f64) -> Res<f64> {
    if r.is_nan() && !operands.iter().any(|x| x.is_nan()) { Err(domain_error(vm)) } else { Ok(r) }
}

fn pow(vm: &Vm, x: f64, y: f64) -> Res<f64> {
    // The C library follows Annex F for NaNs and infinities, where no exception is due.
    let r = libm::pow(x, y);
    if r.is_finite() || !x.is_finite() || !y.is_finite() {
        return Ok(r);
    }
    Err(if r.is_nan() || x == 0.0 { domain_error(vm) } else { range_error(vm) })
}

fn fma(vm: &Vm, x: f64, y: f64, z: f64) -> Res<f64> {
    let r = libm::fma(x, y, z);
    if r.is_nan() && ![x, y, z].iter().any(|v| v.is_nan()) {
        return Err(vm.value_error("invalid operation in fma"));
    }
    if r.is_infinite() && [x, y, z].iter().all(|v| v.is_finite()) {
        return Err(vm.overflow_error("overflow in fma"));
    }
    Ok(r)
}

fn isclose(vm: &Vm, a: f64, b: f64, rel: Option<f64>, abs: Option<f64>) -> Res<bool> {
    let (rel, abs) = (rel.unwrap_or(1e-9), abs.unwrap_or(0.0));
    if rel < 0.0 || abs < 0.0 {
        return Err(vm.value_error("tolerances must be non-negative"));
    }
    if a == b {
        return Ok(true);
    }
    if a.is_infinite() || b.is_infinite() {
        return Ok(false);
    }
    let d = (b - a).abs();
    Ok(d <= (rel * b).abs() || d <= (rel * a).abs() || d <= abs)
}

fn nextafter(vm: &Vm, x: f64, y: f64, steps: OrNone<Int>) -> Res<f64> {
    let Some(steps) = steps.0 else { return Ok(libm::nextafter(x, y)) };
    let steps = match steps {
        Int::Small(n) if n >= 0 => n as u64,
        Int::Big(n) if n.is_positive() => n.to_u64().unwrap_or(u64::MAX),
        _ => return Err(vm.value_error("steps must be a non-negative integer")),
    };
    if steps == 0 || x.is_nan() {
        return Ok(x);
    }
    if y.is_nan() {
        return Ok(y);
    }
    const SIGN: u64 = 1 << 63;
    let (ux, uy) = (x.to_bits(), y.to_bits());
    let (ax, ay) = (ux & !SIGN, uy & !SIGN);
    // Floats of one sign are ordered as their bits are.
    Ok(f64::from_bits(if (ux ^ uy) & SIGN != 0 {
        if ax + ay <= steps {
            uy
        } else if ax < steps {
            uy & SIGN | (steps - ax)
        } else {
            ux - steps
        }
    } else if ax > ay {
        if ax - ay >= steps { ux - steps } else { uy }
    } else if ay - ax >= steps {
        ux + steps
    } else {
        uy
    }))
}

fn parts(m: Ptr<ModuleObj>) {
    m.function("isfinite($module, x, /)", "Return True if x is neither an infinity nor a NaN, and False otherwise.", |_: &Vm, x: f64| {
        x.is_finite()
    })
    .function("isinf($module, x, /)", "Return True if x is a positive or negative infinity, and False otherwise.", |_: &Vm, x: f64| {
        x.is_infinite()
    })
    .function("isnan($module, x, /)", "Return True if x is a NaN (not a number), and False otherwise.", |_: &Vm, x: f64| {
        x.is_nan()
    })
    .function(
        "frexp($module, x, /)",
        "Return the mantissa and exponent of x, as pair (m, e).\n\nm is a float and e is an int, such that x = m * 2.**e.\nIf x \
         is 0, m and e are both 0.  Else 0.5 <= abs(m) < 1.0.",
        |_: &Vm, x: f64| {
            let (m, e) = cape_vm::ops::frexp(x);
            TupleObj::new(&[Value::float(m), Value::int(e as i64)])
        },
    )
    .function("ldexp($module, x, i, /)", "Return x * (2**i).\n\nThis is essentially the inverse of frexp().", ldexp)
    .function(
        "modf($module, x, /)",
        "Return the fractional and integer parts of x.\n\nBoth results carry the sign of x and are floats.",
        |_: &Vm, x: f64| {
            let (f, i) = if x.is_infinite() { (0f64.copysign(x), x) } else { ((x - x.trunc()).copysign(x), x.trunc()) };
            let f = if x.is_nan() { x } else { f };
            TupleObj::new(&[Value::float(f), Value::float(i)])
        },
    )
    .function("ulp($module, x, /)", "Return the value of the least significant bit of the float x.", |_: &Vm, x: f64| {
        let x = x.abs();
        if !x.is_finite() {
            return x;
        }
        let up = x.next_up();
        if up.is_infinite() { x - x.next_down() } else { up - x }
    });
}

fn ldexp(vm: &Vm, x: f64, i: Value) -> Res<f64> {
    let Some(i) = Int::of(i) else {
        return Err(vm.type_error("Expected an int as second argument to ldexp."));
    };
    if x == 0.0 || !x.is_finite() {
        return Ok(x);
    }
    let e = match i {
        Int::Small(i) => i,
        Int::Big(b) if b.is_negative() => i64::MIN,
        Int::Big(_) => i64::MAX,
    };
    let r = libm::ldexp(x, e.clamp(-100_000, 100_000) as i32);
    if r.is_infinite() { Err(range_error(vm)) } else { Ok(r) }
}

fn logarithms(m: Ptr<ModuleObj>) {
    m.function(
        "log($module, x, base=math.e, /)",
        "log(x, [base=math.e])\nReturn the logarithm of x to the given base.\n\nIf the base is not specified, returns the natural \
         logarithm (base e) of x.",
        |vm: &Vm, x: Value, base: Value| -> Res<f64> {
            let n = log(vm, x, libm::log)?;
            if base.is_empty() {
                return Ok(n);
            }
            let d = log(vm, base, libm::log)?;
            if d == 0.0 {
                return Err(vm.zero_division_error("division by zero"));
            }
            Ok(n / d)
        },
    )
    .function("log2($module, x, /)", "Return the base 2 logarithm of x.", |vm: &Vm, x: Value| log(vm, x, libm::log2))
    .function("log10($module, x, /)", "Return the base 10 logarithm of x.", |vm: &Vm, x: Value| log(vm, x, libm::log10));
}

/// A logarithm of a number of any size.
fn log(vm: &Vm, x: Value, f: fn(f64) -> f64) -> Res<f64> {
    if let Some(i) = Int::of(x) {
        let positive = match &i {
            Int::Small(i) => *i > 0,
            Int::Big(b) => b.is_positive(),
        };
        if !positive {
            return Err(vm.value_error("expected a positive input"));
        }
        return Ok(match vm.int_to_f64(&i) {
            Ok(x) => f(x),
            Err(_) => {
                let (m, e) = scaled(&i.into_big());
                f(m) + f(2.0) * e as f64
            }
        });
    }
    let x = vm.to_f64(x)?;
    if x <= 0.0 {
        return Err(vm.value_error(format!("expected a positive input, got {}", float_text::repr(x))));
    }
    Ok(f(x))
}

/// A positive int as a float in `0.5..=1` and a power of two.
fn scaled(b: &BigInt) -> (f64, u64) {
    let bits = b.bits();
    let top = (b >> (bits - 64)).to_u64().unwrap_or(u64::MAX) | 1;
    (top as f64 / 18_446_744_073_709_551_616.0, bits)
}

fn rounding(m: Ptr<ModuleObj>) {
    m.function(
        "ceil($module, x, /)",
        "Return the ceiling of x as an Integral.\n\nThis is the smallest integer >= x.",
        |vm: &Vm, x: Value| rounded(vm, x, Special::Ceil, f64::ceil),
    )
    .function(
        "floor($module, x, /)",
        "Return the floor of x as an Integral.\n\nThis is the largest integer <= x.",
        |vm: &Vm, x: Value| rounded(vm, x, Special::Floor, f64::floor),
    )
    .function(
        "trunc($module, x, /)",
        "Truncates the Real x to the nearest Integral toward 0.\n\nUses the __trunc__ magic method.",
        |vm: &Vm, x: Value| -> Res<Value> {
            match vm.try_special(x, Special::Trunc, &[])? {
                Some(r) => Ok(r),
                None => Err(vm.type_error(format!(
                    "type {} doesn't define __trunc__ method",
                    type_of(x).name_str()
                ))),
            }
        },
    );
}

#[inline(always)]
fn rounded(vm: &Vm, x: Value, s: Special, f: fn(f64) -> f64) -> Res<Value> {
    if x.is_int() {
        return Ok(x);
    }
    if x.is_float() && x.as_float().abs() < Value::INT_MAX as f64 {
        // The usual case in registers: where there is no instruction for `f`, it is a call.
        let (x, whole) = (x.as_float(), x.as_float() as i64);
        let (below, above) = (x < whole as f64, x > whole as f64);
        let toward = if matches!(s, Special::Floor) { -i64::from(below) } else { i64::from(above) };
        return Ok(Value::int(whole + toward));
    }
    rounded_slowly(vm, x, s, f)
}

#[inline(never)]
fn rounded_slowly(vm: &Vm, x: Value, s: Special, f: fn(f64) -> f64) -> Res<Value> {
    if type_of(x) != rt().types.float
        && let Some(r) = vm.try_special(x, s, &[])?
    {
        return Ok(r);
    }
    cape_builtins::float_ops::trunc(vm, f(vm.to_f64(x)?))
}
