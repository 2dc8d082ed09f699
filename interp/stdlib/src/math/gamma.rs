//! The gamma function and its logarithm, by Lanczos's approximation (g = 6.0246..., 13 terms, as published with Boost).

use cape_builtins::{float_text, libm};
use cape_vm::object::ModuleObj;
use cape_vm::{Ptr, Res, Vm};

use super::range_error;

pub(super) fn add(m: Ptr<ModuleObj>) {
    m.function("gamma($module, x, /)", "Gamma function at x.", |vm: &Vm, x: f64| result(vm, x, gamma(x)))
        .function(
            "lgamma($module, x, /)",
            "Natural logarithm of absolute value of Gamma function at x.",
            |vm: &Vm, x: f64| result(vm, x, lgamma(x)),
        );
}

/// Why there is no value.
enum Failure {
    Pole,
    Overflow,
}

fn result(vm: &Vm, x: f64, r: Result<f64, Failure>) -> Res<f64> {
    match r {
        Ok(r) => Ok(r),
        Err(Failure::Overflow) => Err(range_error(vm)),
        Err(Failure::Pole) => Err(vm.value_error(format!(
            "expected a noninteger or positive integer, got {}",
            float_text::repr(x)
        ))),
    }
}

const G: f64 = 6.024680040776729583740234375;
const G_MINUS_HALF: f64 = 5.524680040776729583740234375;

#[allow(clippy::excessive_precision, reason = "the coefficients as published")]
const NUMERATOR: [f64; 13] = [
    23531376880.410759688572007674451636754734846804940,
    42919803642.649098768957899047001988850926355848959,
    35711959237.355668049440185451547166705960488635843,
    17921034426.037209699919755754458931112671403265390,
    6039542586.3520280050642916443072979210699388420708,
    1439720407.3117216736632230727949123939715485786372,
    248874557.86205415651146038641322942321632125127801,
    31426415.585400194380614231628318205362874684987640,
    2876370.6289353724412254090516208496135991145378768,
    186056.26539522349504029498971604569928220784236328,
    8071.6720023658162106380029022722506138218516325024,
    210.82427775157934587250973392071336271166969580291,
    2.5066282746310002701649081771338373386264310793408,
];

/// Coefficients of x(x+1)...(x+11).
const DENOMINATOR: [f64; 13] = [
    0.0,
    39916800.0,
    120543840.0,
    150917976.0,
    105258076.0,
    45995730.0,
    13339535.0,
    2637558.0,
    357423.0,
    32670.0,
    1925.0,
    66.0,
    1.0,
];

/// The rational function of the approximation, `x` positive.
fn lanczos(x: f64) -> f64 {
    let (mut n, mut d) = (0.0, 0.0);
    if x < 5.0 {
        for i in (0..13).rev() {
            n = n * x + NUMERATOR[i];
            d = d * x + DENOMINATOR[i];
        }
    } else {
        for i in 0..13 {
            n = n / x + NUMERATOR[i];
            d = d / x + DENOMINATOR[i];
        }
    }
    n / d
}

/// `sin(pi * x)` without loss for large `x`.
fn sin_pi(x: f64) -> f64 {
    use std::f64::consts::PI;
    let y = libm::fmod(x.abs(), 2.0);
    let r = match (2.0 * y).round() as i32 {
        0 => libm::sin(PI * y),
        1 => libm::cos(PI * (y - 0.5)),
        2 => libm::sin(PI * (1.0 - y)),
        3 => -libm::cos(PI * (y - 1.5)),
        _ => libm::sin(PI * (y - 2.0)),
    };
    1f64.copysign(x) * r
}

fn gamma(x: f64) -> Result<f64, Failure> {
    if x.is_nan() || x == f64::INFINITY {
        return Ok(x);
    }
    if x == f64::NEG_INFINITY || x == 0.0 {
        return Err(Failure::Pole);
    }
    if x == x.floor() {
        if x < 0.0 {
            return Err(Failure::Pole);
        }
        if x <= 23.0 {
            // Factorials that a double holds exactly.
            return Ok((1..x as u64).map(|i| i as f64).product());
        }
    }
    let a = x.abs();
    let finite = |r: f64| if r.is_infinite() { Err(Failure::Overflow) } else { Ok(r) };
    if a < 1e-20 {
        return finite(1.0 / x);
    }
    if a > 200.0 {
        return if x < 0.0 { Ok(0.0 / sin_pi(x)) } else { Err(Failure::Overflow) };
    }
    let y = a + G_MINUS_HALF;
    // The rounding error of y, to correct the result by.
    let z = if a > G_MINUS_HALF { (y - a) - G_MINUS_HALF } else { (y - G_MINUS_HALF) - a };
    let z = z * G / y;
    let mut r;
    if x < 0.0 {
        r = -std::f64::consts::PI / sin_pi(a) / a * libm::exp(y) / lanczos(a);
        r -= z * r;
        if a < 140.0 {
            r /= libm::pow(y, a - 0.5);
        } else {
            let half = libm::pow(y, a / 2.0 - 0.25);
            r = r / half / half;
        }
    } else {
        r = lanczos(a) / libm::exp(y);
        r += z * r;
        if a < 140.0 {
            r *= libm::pow(y, a - 0.5);
        } else {
            let half = libm::pow(y, a / 2.0 - 0.25);
            r = r * half * half;
        }
    }
    finite(r)
}

fn lgamma(x: f64) -> Result<f64, Failure> {
    const LOG_PI: f64 = 1.144729885849400174143427351353058711647;
    if !x.is_finite() {
        return Ok(if x.is_nan() { x } else { f64::INFINITY });
    }
    if x == x.floor() && x <= 2.0 {
        return if x <= 0.0 { Err(Failure::Pole) } else { Ok(0.0) };
    }
    let a = x.abs();
    if a < 1e-20 {
        return Ok(-libm::log(a));
    }
    let mut r = libm::log(lanczos(a)) - G;
    r += (a - 0.5) * (libm::log(a + G - 0.5) - 1.0);
    if x < 0.0 {
        r = LOG_PI - libm::log(sin_pi(a).abs()) - libm::log(a) - r;
    }
    if r.is_infinite() { Err(Failure::Overflow) } else { Ok(r) }
}
