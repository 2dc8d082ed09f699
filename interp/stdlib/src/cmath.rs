//! `cmath`.
//!
//! Finite arguments go through formulas that neither overflow nor cancel in between (Kahan's, as CPython has them); for infinities
//! and NaNs the C library's functions follow C's Annex G.

use std::f64::consts::{E, LN_2, LN_10, PI};

use cape_builtins::complex_ops::{C, quotient, value};
use cape_builtins::libm as m;
use cape_vm::native::{FromArg, IntoRes};
use cape_vm::object::*;
use cape_vm::{Ptr, Raised, Res, Value, Vm, object_float};

/// Parts beyond this are scaled before they are squared.
const LARGE: f64 = f64::MAX / 4.0;
const TINY: f64 = f64::MIN_POSITIVE;

/// What kept a function from giving a value.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Failure {
    Domain,
    Range,
}
type R = Result<C, Failure>;

mod annex_g {
    #[repr(C)]
    #[derive(Clone, Copy)]
    pub struct Complex(pub f64, pub f64);
    #[allow(improper_ctypes, reason = "C's double complex is passed as a struct of two doubles")]
    unsafe extern "C" {
        pub safe fn cacos(z: Complex) -> Complex;
        pub safe fn cacosh(z: Complex) -> Complex;
        pub safe fn casinh(z: Complex) -> Complex;
        pub safe fn catanh(z: Complex) -> Complex;
        pub safe fn ccosh(z: Complex) -> Complex;
        pub safe fn csinh(z: Complex) -> Complex;
        pub safe fn ctanh(z: Complex) -> Complex;
        pub safe fn cexp(z: Complex) -> Complex;
        pub safe fn csqrt(z: Complex) -> Complex;
    }
}

macro_rules! special {
    ($f:ident, $z:expr) => {{
        let r = annex_g::$f(annex_g::Complex($z.0, $z.1));
        (r.0, r.1)
    }};
}

fn finite(z: C) -> bool {
    z.0.is_finite() && z.1.is_finite()
}

/// A complex argument.
struct Arg(C);

impl FromArg for Arg {
    fn from_arg(vm: &Vm, v: Value, _: usize) -> Res<Arg> {
        if let Some(f) = object_float(v) {
            return Ok(Arg((f, 0.0)));
        }
        match cape_builtins::complex::as_complex(vm, v)? {
            Some(c) => Ok(Arg(c)),
            None => Ok(Arg((vm.to_f64(v)?, 0.0))),
        }
    }
}

/// A complex result.
struct Out(R);

impl IntoRes for Out {
    fn into_res(self, vm: &Vm) -> Res<Value> {
        self.0.map(value).map_err(|e| raise(vm, e))
    }
}

#[cold]
fn raise(vm: &Vm, e: Failure) -> Raised {
    match e {
        Failure::Domain => vm.value_error("math domain error"),
        Failure::Range => vm.overflow_error("math range error"),
    }
}

macro_rules! functions {
    ($m:expr; $($name:literal $f:path, $doc:literal;)*) => {
        $($m.function(concat!($name, "($module, z, /)"), $doc, |_: &Vm, z: Arg| Out($f(z.0)));)*
    };
}

/// Fills the module.
pub fn init(_vm: &Vm, module: Ptr<ModuleObj>) -> Res<()> {
    functions! { module;
        "acos" acos, "Return the arc cosine of z.";
        "acosh" acosh, "Return the inverse hyperbolic cosine of z.";
        "asin" asin, "Return the arc sine of z.";
        "asinh" asinh, "Return the inverse hyperbolic sine of z.";
        "atan" atan, "Return the arc tangent of z.";
        "atanh" atanh, "Return the inverse hyperbolic tangent of z.";
        "cos" cos, "Return the cosine of z.";
        "cosh" cosh, "Return the hyperbolic cosine of z.";
        "exp" exp, "Return the exponential value e**z.";
        "log10" log10, "Return the base-10 logarithm of z.";
        "sin" sin, "Return the sine of z.";
        "sinh" sinh, "Return the hyperbolic sine of z.";
        "sqrt" sqrt, "Return the square root of z.";
        "tan" tan, "Return the tangent of z.";
        "tanh" tanh, "Return the hyperbolic tangent of z.";
    }
    module
        .function(
            "log($module, z, base=<unrepresentable>, /)",
            "log(z[, base]) -> the logarithm of z to the given base.\n\nIf the base is not specified, returns the natural \
             logarithm (base e) of z.",
            |vm: &Vm, z: Arg, base: Option<Arg>| -> Res<Value> {
                let x = log(z.0).map_err(|e| raise(vm, e))?;
                let Some(base) = base else { return Ok(value(x)) };
                let y = log(base.0).map_err(|e| raise(vm, e))?;
                quotient(x, y).map(value).ok_or_else(|| raise(vm, Failure::Domain))
            },
        )
        .function("phase($module, z, /)", "Return argument, also known as the phase angle, of a complex.", |_: &Vm, z: Arg| {
            m::atan2(z.0.1, z.0.0)
        })
        .function(
            "polar($module, z, /)",
            "Convert a complex from rectangular coordinates to polar coordinates.\n\nr is the distance from 0 and phi the phase \
             angle.",
            polar,
        )
        .function("rect($module, r, phi, /)", "Convert from polar coordinates to rectangular coordinates.", |_: &Vm, r: f64, phi: f64| {
            Out(rect(r, phi))
        })
        .function(
            "isfinite($module, z, /)",
            "Return True if both the real and imaginary parts of z are finite, else False.",
            |_: &Vm, z: Arg| finite(z.0),
        )
        .function("isinf($module, z, /)", "Checks if the real or imaginary part of z is infinite.", |_: &Vm, z: Arg| {
            z.0.0.is_infinite() || z.0.1.is_infinite()
        })
        .function("isnan($module, z, /)", "Checks if the real or imaginary part of z not a number (NaN).", |_: &Vm, z: Arg| {
            z.0.0.is_nan() || z.0.1.is_nan()
        })
        .function(
            "isclose($module, /, a, b, *, rel_tol=1e-09, abs_tol=0.0)",
            "Determine whether two complex numbers are close in value.\n\n  rel_tol\n    maximum difference for being considered \
             \"close\", relative to the\n    magnitude of the input values\n  abs_tol\n    maximum difference for being considered \
             \"close\", regardless of the\n    magnitude of the input values\n\nReturn True if a is close in value to b, and False \
             otherwise.",
            isclose,
        );
    module
        .add("pi", Value::float(PI))
        .add("e", Value::float(E))
        .add("tau", Value::float(2.0 * PI))
        .add("inf", Value::float(f64::INFINITY))
        .add("nan", Value::float(f64::NAN))
        .add("infj", value((0.0, f64::INFINITY)))
        .add("nanj", value((0.0, f64::NAN)));
    Ok(())
}

fn large(z: C) -> bool {
    z.0.abs() > LARGE || z.1.abs() > LARGE
}

/// `log(2 * |z|)` of a large `z`.
fn log_double(z: C) -> f64 {
    m::log(m::hypot(z.0 / 2.0, z.1 / 2.0)) + LN_2 * 2.0
}

fn neg(z: C) -> C {
    (-z.0, -z.1)
}

/// `z * i`.
fn times_i(z: C) -> C {
    (-z.1, z.0)
}

/// `z / i`.
fn over_i(z: C) -> C {
    (z.1, -z.0)
}

fn square_root(z: C) -> C {
    if !finite(z) {
        return special!(csqrt, z);
    }
    if z == (0.0, 0.0) {
        return (0.0, z.1);
    }
    let (ax, ay) = (z.0.abs(), z.1.abs());
    let s = if ax < TINY && ay < TINY {
        let ax = m::ldexp(ax, 53);
        m::ldexp((ax + m::hypot(ax, m::ldexp(ay, 53))).sqrt(), -27)
    } else {
        let ax = ax / 8.0;
        2.0 * (ax + m::hypot(ax, ay / 8.0)).sqrt()
    };
    let d = ay / (2.0 * s);
    if z.0 >= 0.0 { (s, d.copysign(z.1)) } else { (d, s.copysign(z.1)) }
}

fn sqrt(z: C) -> R {
    Ok(square_root(z))
}

fn acos(z: C) -> R {
    if !finite(z) {
        return Ok(special!(cacos, z));
    }
    if large(z) {
        let im = log_double(z);
        let im = if z.0 < 0.0 { -im.copysign(z.1) } else { im.copysign(-z.1) };
        return Ok((m::atan2(z.1.abs(), z.0), im));
    }
    let s1 = square_root((1.0 - z.0, -z.1));
    let s2 = square_root((1.0 + z.0, z.1));
    Ok((2.0 * m::atan2(s1.0, s2.0), m::asinh(s2.0 * s1.1 - s2.1 * s1.0)))
}

fn acosh(z: C) -> R {
    if !finite(z) {
        return Ok(special!(cacosh, z));
    }
    if large(z) {
        return Ok((log_double(z), m::atan2(z.1, z.0)));
    }
    let s1 = square_root((z.0 - 1.0, z.1));
    let s2 = square_root((z.0 + 1.0, z.1));
    Ok((m::asinh(s1.0 * s2.0 + s1.1 * s2.1), 2.0 * m::atan2(s1.1, s2.0)))
}

fn asin(z: C) -> R {
    asinh(times_i(z)).map(over_i)
}

fn asinh(z: C) -> R {
    if !finite(z) {
        return Ok(special!(casinh, z));
    }
    if large(z) {
        let re = log_double(z);
        let re = if z.1 >= 0.0 { re.copysign(z.0) } else { -re.copysign(-z.0) };
        return Ok((re, m::atan2(z.1, z.0.abs())));
    }
    let s1 = square_root((1.0 + z.1, -z.0));
    let s2 = square_root((1.0 - z.1, z.0));
    Ok((m::asinh(s1.0 * s2.1 - s2.0 * s1.1), m::atan2(z.1, s1.0 * s2.0 - s1.1 * s2.1)))
}

fn atan(z: C) -> R {
    atanh(times_i(z)).map(over_i)
}

fn atanh(z: C) -> R {
    if !finite(z) {
        return Ok(special!(catanh, z));
    }
    if z.0.is_sign_negative() {
        return atanh(neg(z)).map(neg);
    }
    let ay = z.1.abs();
    let root_large = LARGE.sqrt();
    if z.0 > root_large || ay > root_large {
        let h = m::hypot(z.0 / 2.0, z.1 / 2.0);
        return Ok((z.0 / 4.0 / h / h, -(PI / 2.0).copysign(-z.1)));
    }
    if z.0 == 1.0 && ay < TINY.sqrt() {
        if ay == 0.0 {
            return Err(Failure::Domain);
        }
        let re = -m::log(ay.sqrt() / m::hypot(ay, 2.0).sqrt());
        return Ok((re, (m::atan2(2.0, -ay) / 2.0).copysign(z.1)));
    }
    let d = 1.0 - z.0;
    Ok((
        m::log1p(4.0 * z.0 / (d * d + ay * ay)) / 4.0,
        -m::atan2(-2.0 * z.1, d * (1.0 + z.0) - ay * ay) / 2.0,
    ))
}

/// Finite parts that became infinite: range error.
fn in_range(z: C) -> R {
    if z.0.is_infinite() || z.1.is_infinite() { Err(Failure::Range) } else { Ok(z) }
}

fn cos(z: C) -> R {
    cosh(times_i(z))
}

fn sin(z: C) -> R {
    sinh(times_i(z)).map(over_i)
}

fn tan(z: C) -> R {
    tanh(times_i(z)).map(over_i)
}

fn cosh(z: C) -> R {
    if !finite(z) {
        return if z.1.is_infinite() && !z.0.is_nan() { Err(Failure::Domain) } else { Ok(special!(ccosh, z)) };
    }
    let (c, s) = (m::cos(z.1), m::sin(z.1));
    if z.0.abs() > m::log(LARGE) {
        let x = z.0 - 1f64.copysign(z.0);
        return in_range((c * m::cosh(x) * E, s * m::sinh(x) * E));
    }
    in_range((c * m::cosh(z.0), s * m::sinh(z.0)))
}

fn sinh(z: C) -> R {
    if !finite(z) {
        return if z.1.is_infinite() && !z.0.is_nan() { Err(Failure::Domain) } else { Ok(special!(csinh, z)) };
    }
    let (c, s) = (m::cos(z.1), m::sin(z.1));
    if z.0.abs() > m::log(LARGE) {
        let x = z.0 - 1f64.copysign(z.0);
        return in_range((c * m::sinh(x) * E, s * m::cosh(x) * E));
    }
    in_range((c * m::sinh(z.0), s * m::cosh(z.0)))
}

fn tanh(z: C) -> R {
    if !finite(z) {
        return if z.1.is_infinite() && z.0.is_finite() { Err(Failure::Domain) } else { Ok(special!(ctanh, z)) };
    }
    if z.0.abs() > m::log(LARGE) {
        return Ok((1f64.copysign(z.0), 4.0 * m::sin(z.1) * m::cos(z.1) * m::exp(-2.0 * z.0.abs())));
    }
    let (tx, ty, cx) = (m::tanh(z.0), m::tan(z.1), 1.0 / m::cosh(z.0));
    let t = tx * ty;
    let d = 1.0 + t * t;
    Ok((tx * (1.0 + ty * ty) / d, ty / d * cx * cx))
}

fn exp(z: C) -> R {
    if !finite(z) {
        let bad = z.1.is_infinite() && (z.0.is_finite() || z.0 == f64::INFINITY);
        return if bad { Err(Failure::Domain) } else { Ok(special!(cexp, z)) };
    }
    let (c, s) = (m::cos(z.1), m::sin(z.1));
    if z.0 > m::log(LARGE) {
        let l = m::exp(z.0 - 1.0);
        return in_range((l * c * E, l * s * E));
    }
    let l = m::exp(z.0);
    in_range((l * c, l * s))
}

fn log(z: C) -> R {
    let angle = m::atan2(z.1, z.0);
    let (ax, ay) = (z.0.abs(), z.1.abs());
    if !finite(z) {
        let re = if ax.is_infinite() || ay.is_infinite() { f64::INFINITY } else { f64::NAN };
        return Ok((re, angle));
    }
    let re = if ax > LARGE || ay > LARGE {
        m::log(m::hypot(ax / 2.0, ay / 2.0)) + LN_2
    } else if ax < TINY && ay < TINY {
        if ax == 0.0 && ay == 0.0 {
            return Err(Failure::Domain);
        }
        m::log(m::hypot(m::ldexp(ax, 53), m::ldexp(ay, 53))) - 53.0 * LN_2
    } else {
        let h = m::hypot(ax, ay);
        if (0.71..=1.73).contains(&h) {
            let (most, least) = (ax.max(ay), ax.min(ay));
            m::log1p((most - 1.0) * (most + 1.0) + least * least) / 2.0
        } else {
            m::log(h)
        }
    };
    Ok((re, angle))
}

fn log10(z: C) -> R {
    log(z).map(|r| (r.0 / LN_10, r.1 / LN_10))
}

fn rect(r: f64, phi: f64) -> R {
    if r.is_finite() && phi.is_finite() {
        return Ok(if phi == 0.0 { (r, r * phi) } else { (r * m::cos(phi), r * m::sin(phi)) });
    }
    if phi.is_infinite() && r != 0.0 && !r.is_nan() {
        return Err(Failure::Domain);
    }
    if r == 0.0 {
        return Ok((0.0, 0.0));
    }
    if phi == 0.0 {
        return Ok((r, if r.is_nan() { 0.0 } else { phi * 1f64.copysign(r) }));
    }
    if r.is_infinite() && phi.is_finite() {
        let part = |x: f64| if r > 0.0 { f64::INFINITY.copysign(x) } else { -f64::INFINITY.copysign(x) };
        return Ok((part(m::cos(phi)), part(m::sin(phi))));
    }
    Ok((if r.is_infinite() { r } else { f64::NAN }, f64::NAN))
}

fn abs(z: C) -> Result<f64, Failure> {
    let r = m::hypot(z.0, z.1);
    if r.is_infinite() && finite(z) { Err(Failure::Range) } else { Ok(r) }
}

fn polar(vm: &Vm, z: Arg) -> Res<Value> {
    let r = abs(z.0).map_err(|e| raise(vm, e))?;
    Ok(TupleObj::new(&[Value::float(r), Value::float(m::atan2(z.0.1, z.0.0))]).value())
}

fn isclose(vm: &Vm, a: Arg, b: Arg, rel: Option<f64>, tol: Option<f64>) -> Res<bool> {
    let (a, b, rel, tol) = (a.0, b.0, rel.unwrap_or(1e-9), tol.unwrap_or(0.0));
    if rel < 0.0 || tol < 0.0 {
        return Err(vm.value_error("tolerances must be non-negative"));
    }
    if a == b {
        return Ok(true);
    }
    let infinite = |z: C| z.0.is_infinite() || z.1.is_infinite();
    if infinite(a) || infinite(b) {
        return Ok(false);
    }
    let size = |z: C| m::hypot(z.0, z.1);
    let d = size((a.0 - b.0, a.1 - b.1));
    Ok(d <= rel * size(b) || d <= rel * size(a) || d <= tol)
}
