//! Arithmetic of `complex`, with the recovery of infinities of C's Annex G.

use cape_vm::object::*;
use cape_vm::ops::Cmp;
use cape_vm::{Res, Value, Vm, object_float};

use crate::{float_ops, libm};

/// Real and imaginary part.
pub type C = (f64, f64);

/// An operand: a complex number, or a real one (which has no imaginary part, not even a zero).
enum Operand {
    Real(f64),
    Complex(C),
}

impl Operand {
    fn parts(self) -> C {
        match self {
            Operand::Real(r) => (r, 0.0),
            Operand::Complex(c) => c,
        }
    }
}

fn operand(vm: &Vm, v: Value) -> Res<Option<Operand>> {
    if let Some(c) = v.downcast::<ComplexObj>() {
        return Ok(Some(Operand::Complex((c.re, c.im))));
    }
    Ok(float_ops::operand(vm, v)?.map(Operand::Real))
}

/// A `complex` of exact type.
pub fn value(c: C) -> Value {
    ComplexObj::new(c.0, c.1).value()
}

macro_rules! operators {
    ($($name:ident $reflected:ident |$vm:ident, $x:ident, $y:ident| $body:expr;)*) => { $(
        #[doc = concat!("`complex.__", stringify!($name), "__`.")]
        pub fn $name($vm: &Vm, a: Value, b: Value) -> Res<Value> {
            let (Some($x), Some($y)) = (operand($vm, a)?, operand($vm, b)?) else { return Ok(Value::NOT_IMPLEMENTED) };
            $body
        }

        #[doc = concat!("`complex.__", stringify!($reflected), "__`.")]
        pub fn $reflected(vm: &Vm, a: Value, b: Value) -> Res<Value> {
            $name(vm, b, a)
        }
    )* };
}

use Operand::{Complex, Real};

operators! {
    add radd |_vm, x, y| Ok(value(match (x, y) {
        (Complex(a), Real(b)) => (a.0 + b, a.1),
        (Real(a), Complex(b)) => (a + b.0, b.1),
        (a, b) => { let (a, b) = (a.parts(), b.parts()); (a.0 + b.0, a.1 + b.1) }
    }));
    sub rsub |_vm, x, y| Ok(value(match (x, y) {
        (Complex(a), Real(b)) => (a.0 - b, a.1),
        (Real(a), Complex(b)) => (a - b.0, -b.1),
        (a, b) => { let (a, b) = (a.parts(), b.parts()); (a.0 - b.0, a.1 - b.1) }
    }));
    mul rmul |_vm, x, y| Ok(value(match (x, y) {
        (Complex(a), Real(b)) => (a.0 * b, a.1 * b),
        (Real(a), Complex(b)) => (a * b.0, a * b.1),
        (a, b) => product(a.parts(), b.parts()),
    }));
    truediv rtruediv |vm, x, y| match match (x, y) {
        (Complex(a), Real(b)) => (b != 0.0).then(|| (a.0 / b, a.1 / b)),
        (Real(a), b) => real_quotient(a, b.parts()),
        (a, b) => quotient(a.parts(), b.parts()),
    } {
        Some(c) => Ok(value(c)),
        None => Err(vm.zero_division_error("division by zero")),
    };
}

/// 1 or 0 with the sign of `x`, by whether it is infinite.
fn boxed(x: f64) -> f64 {
    (x.is_infinite() as u8 as f64).copysign(x)
}

fn zero_if_nan(x: f64) -> f64 {
    if x.is_nan() { 0f64.copysign(x) } else { x }
}

/// `a * b`.
pub fn product(mut a: C, mut b: C) -> C {
    let (ac, bd, ad, bc) = (a.0 * b.0, a.1 * b.1, a.0 * b.1, a.1 * b.0);
    let r = (ac - bd, ad + bc);
    if !(r.0.is_nan() && r.1.is_nan()) {
        return r;
    }
    let infinite = |c: C| c.0.is_infinite() || c.1.is_infinite();
    let mut again = false;
    if infinite(a) {
        a = (boxed(a.0), boxed(a.1));
        b = (zero_if_nan(b.0), zero_if_nan(b.1));
        again = true;
    }
    if infinite(b) {
        b = (boxed(b.0), boxed(b.1));
        a = (zero_if_nan(a.0), zero_if_nan(a.1));
        again = true;
    }
    if !again && [ac, bd, ad, bc].iter().any(|x| x.is_infinite()) {
        a = (zero_if_nan(a.0), zero_if_nan(a.1));
        b = (zero_if_nan(b.0), zero_if_nan(b.1));
        again = true;
    }
    if !again {
        return r;
    }
    (f64::INFINITY * (a.0 * b.0 - a.1 * b.1), f64::INFINITY * (a.0 * b.1 + a.1 * b.0))
}

/// `a / b` by Smith's method; `None` when `b` is zero.
pub fn quotient(a: C, b: C) -> Option<C> {
    let r = if b.0.abs() >= b.1.abs() {
        if b.0 == 0.0 {
            return None;
        }
        let ratio = b.1 / b.0;
        let d = b.0 + b.1 * ratio;
        ((a.0 + a.1 * ratio) / d, (a.1 - a.0 * ratio) / d)
    } else if b.1.abs() >= b.0.abs() {
        let ratio = b.0 / b.1;
        let d = b.0 * ratio + b.1;
        ((a.0 * ratio + a.1) / d, (a.1 * ratio - a.0) / d)
    } else {
        (f64::NAN, f64::NAN)
    };
    if !(r.0.is_nan() && r.1.is_nan()) {
        return Some(r);
    }
    let finite = |c: C| c.0.is_finite() && c.1.is_finite();
    let infinite = |c: C| c.0.is_infinite() || c.1.is_infinite();
    if infinite(a) && finite(b) {
        let (x, y) = (boxed(a.0), boxed(a.1));
        return Some((f64::INFINITY * (x * b.0 + y * b.1), f64::INFINITY * (y * b.0 - x * b.1)));
    }
    if infinite(b) && finite(a) {
        let (x, y) = (boxed(b.0), boxed(b.1));
        return Some((0.0 * (a.0 * x + a.1 * y), 0.0 * (a.1 * x - a.0 * y)));
    }
    Some(r)
}

/// A real number divided by a complex one; `None` when that is zero.
fn real_quotient(a: f64, b: C) -> Option<C> {
    let r = if b.0.abs() >= b.1.abs() {
        if b.0 == 0.0 {
            return None;
        }
        let ratio = b.1 / b.0;
        let d = b.0 + b.1 * ratio;
        (a / d, -a * ratio / d)
    } else if b.1.abs() >= b.0.abs() {
        let ratio = b.0 / b.1;
        let d = b.0 * ratio + b.1;
        (a * ratio / d, -a / d)
    } else {
        (f64::NAN, f64::NAN)
    };
    if r.0.is_nan() && r.1.is_nan() && a.is_finite() && (b.0.is_infinite() || b.1.is_infinite()) {
        let (x, y) = (boxed(b.0), boxed(b.1));
        return Some((0.0 * (a * x), 0.0 * (-a * y)));
    }
    Some(r)
}

/// `complex.__pow__`.
pub fn pow(vm: &Vm, a: Value, b: Value, m: Value) -> Res<Value> {
    let (Some(x), Some(y)) = (operand(vm, a)?, operand(vm, b)?) else { return Ok(Value::NOT_IMPLEMENTED) };
    if !m.is_empty() && !m.is_none() {
        return Err(vm.value_error("complex modulo"));
    }
    power(vm, x.parts(), y.parts())
}

/// `complex.__rpow__`.
pub fn rpow(vm: &Vm, a: Value, b: Value, m: Value) -> Res<Value> {
    pow(vm, b, a, m)
}

/// `a ** b`: by multiplications for small whole exponents, else by logarithms.
pub fn power(vm: &Vm, a: C, b: C) -> Res<Value> {
    let zero = || vm.zero_division_error("zero to a negative or complex power");
    let r = if b.1 == 0.0 && b.0 == b.0.floor() && b.0.abs() <= 100.0 {
        let n = b.0 as i32;
        let p = small_power(a, n.unsigned_abs());
        if n >= 0 { p } else { quotient((1.0, 0.0), p).ok_or_else(zero)? }
    } else if a == (0.0, 0.0) {
        if b.1 != 0.0 || b.0 < 0.0 {
            return Err(zero());
        }
        (0.0, 0.0)
    } else {
        let size = libm::hypot(a.0, a.1);
        let angle = libm::atan2(a.1, a.0);
        let (mut len, mut phase) = (libm::pow(size, b.0), angle * b.0);
        if b.1 != 0.0 {
            len *= libm::exp(-angle * b.1);
            phase += b.1 * libm::log(size);
        }
        (len * libm::cos(phase), len * libm::sin(phase))
    };
    if r.0.is_infinite() || r.1.is_infinite() {
        return Err(vm.overflow_error("complex exponentiation"));
    }
    Ok(value(r))
}

fn small_power(a: C, n: u32) -> C {
    let (mut r, mut p, mut left) = ((1.0, 0.0), a, n);
    while left > 0 {
        if left & 1 == 1 {
            r = product(r, p);
        }
        p = product(p, p);
        left >>= 1;
    }
    r
}

/// `==` and `!=`; the other comparisons are not supported.
pub fn compare(_: &Vm, a: Value, b: Value, op: Cmp) -> Value {
    let Some(x) = a.downcast::<ComplexObj>() else { return Value::NOT_IMPLEMENTED };
    if !matches!(op, Cmp::Eq | Cmp::Ne) {
        return Value::NOT_IMPLEMENTED;
    }
    let equal = if let Some(y) = b.downcast::<ComplexObj>() {
        x.re == y.re && x.im == y.im
    } else if let Some(f) = object_float(b) {
        x.re == f && x.im == 0.0
    } else if let Some(i) = Int::of(b) {
        x.im == 0.0 && float_ops::order_with_int(x.re, &i).is_some_and(|o| o.is_eq())
    } else {
        return Value::NOT_IMPLEMENTED;
    };
    Value::bool(equal == (op == Cmp::Eq))
}
