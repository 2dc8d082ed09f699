//! Arithmetic of timedeltas, in whole microseconds.

use cape_builtins::{binary_operators, float_ops, int_ops};
use cape_vm::native::TypeBuilder;
use cape_vm::object::{Int, TupleObj, float_of, i128_value};
use cape_vm::{Ptr, Raised, Res, Value, Vm, rt, type_of};
use num_bigint::{BigInt, Sign};
use num_integer::Integer;
use num_traits::{ToPrimitive, Zero};

use crate::make::{delta_of, exact_delta};
use crate::names;
use crate::objects::{DELTA, DeltaObj, type_name};

type D = Ptr<DeltaObj>;

const NOT_IMPLEMENTED: Value = Value::NOT_IMPLEMENTED;

/// Adds the operators to the class.
pub fn add_methods(t: TypeBuilder) -> TypeBuilder {
    binary_operators! { t;
        "add" "+" add, add;
        "sub" "-" sub, rsub;
        "mul" "*" mul, mul;
        "mod" "%" modulo, rmod;
        "floordiv" "//" floordiv, rfloordiv;
        "truediv" "/" truediv, rtruediv;
    }
    t.method("__divmod__($self, value, /)", "Return divmod(self, value).", divmod)
        .method("__rdivmod__($self, value, /)", "Return divmod(value, self).", |vm: &Vm, a: D, b: Value| {
            match delta(b) {
                Some(b) => divmod(vm, b, a.value()),
                None => Ok(NOT_IMPLEMENTED),
            }
        })
        .method("__neg__($self, /)", "-self", negative)
        .method("__pos__($self, /)", "+self", positive)
        .method(
            "__abs__($self, /)",
            "abs(self)",
            |vm: &Vm, d: D| {
                if d.days < 0 { negative(vm, d) } else { positive(vm, d) }
            },
        )
        .method("__bool__($self, /)", "True if self else False", |_: &Vm, d: D| !d.is_zero())
}

fn delta(v: Value) -> Option<D> {
    v.downcast()
}

/// Of exact type, as all results are.
fn exact(vm: &Vm, us: i128) -> Res<Value> {
    delta_of(vm, DELTA.get(), us)
}

fn negative(vm: &Vm, d: D) -> Res<Value> {
    exact_delta(vm, -d.days as i64, -d.seconds as i64, -d.us as i64)
}

fn positive(vm: &Vm, d: D) -> Res<Value> {
    exact_delta(vm, d.days as i64, d.seconds as i64, d.us as i64)
}

fn add(vm: &Vm, a: D, b: Value) -> Res<Value> {
    let Some(b) = delta(b) else { return Ok(NOT_IMPLEMENTED) };
    exact_delta(vm, a.days as i64 + b.days as i64, (a.seconds + b.seconds) as i64, (a.us + b.us) as i64)
}

/// `a - b`.
pub fn difference(vm: &Vm, a: D, b: D) -> Res<Value> {
    exact_delta(vm, a.days as i64 - b.days as i64, (a.seconds - b.seconds) as i64, (a.us - b.us) as i64)
}

fn sub(vm: &Vm, a: D, b: Value) -> Res<Value> {
    delta(b).map_or(Ok(NOT_IMPLEMENTED), |b| difference(vm, a, b))
}

fn rsub(vm: &Vm, a: D, b: Value) -> Res<Value> {
    delta(b).map_or(Ok(NOT_IMPLEMENTED), |b| difference(vm, b, a))
}

#[cold]
fn too_large(vm: &Vm) -> Raised {
    vm.overflow_error("Python int too large to convert to C int")
}

fn exact_big(vm: &Vm, us: &BigInt) -> Res<Value> {
    match us.to_i128() {
        Some(us) => exact(vm, us),
        None => Err(too_large(vm)),
    }
}

fn mul(vm: &Vm, d: D, x: Value) -> Res<Value> {
    let us = d.microseconds();
    if let Some(i) = Int::of(x) {
        let product = match &i {
            Int::Small(n) => us.checked_mul(*n as i128),
            Int::Big(_) if us == 0 => Some(0),
            Int::Big(b) => b.to_i128().and_then(|n| us.checked_mul(n)),
        };
        return product.map_or_else(|| Err(too_large(vm)), |us| exact(vm, us));
    }
    if float_of(x).is_none() {
        return Ok(NOT_IMPLEMENTED);
    }
    let (n, m) = ratio(vm, x)?;
    exact_big(vm, &nearest(vm, BigInt::from(us) * n, m)?)
}

fn floordiv(vm: &Vm, d: D, x: Value) -> Res<Value> {
    let us = d.microseconds();
    if let Some(b) = delta(x) {
        let b = nonzero(vm, b)?;
        return Ok(i128_value(Integer::div_floor(&us, &b)));
    }
    let Some(i) = Int::of(x) else { return Ok(NOT_IMPLEMENTED) };
    let n = match &i {
        Int::Small(n) => Some(*n as i128),
        Int::Big(b) => b.to_i128(),
    };
    match n {
        Some(0) => Err(vm.zero_division_error("division by zero")),
        Some(n) => exact(vm, Integer::div_floor(&us, &n)),
        // Larger than all timedeltas.
        None => exact(vm, if us != 0 && (us < 0) != int_ops::is_negative(&i) { -1 } else { 0 }),
    }
}

fn rfloordiv(vm: &Vm, d: D, x: Value) -> Res<Value> {
    delta(x).map_or(Ok(NOT_IMPLEMENTED), |x| floordiv(vm, x, d.value()))
}

fn truediv(vm: &Vm, d: D, x: Value) -> Res<Value> {
    let us = d.microseconds();
    if let Some(b) = delta(x) {
        return divide(vm, us, nonzero(vm, b)?).map(Value::float);
    }
    if let Some(i) = Int::of(x) {
        return exact_big(vm, &nearest(vm, BigInt::from(us), i.into_big())?);
    }
    if float_of(x).is_none() {
        return Ok(NOT_IMPLEMENTED);
    }
    let (n, m) = ratio(vm, x)?;
    exact_big(vm, &nearest(vm, BigInt::from(us) * m, n)?)
}

fn rtruediv(vm: &Vm, d: D, x: Value) -> Res<Value> {
    delta(x).map_or(Ok(NOT_IMPLEMENTED), |x| truediv(vm, x, d.value()))
}

fn modulo(vm: &Vm, d: D, x: Value) -> Res<Value> {
    let Some(b) = delta(x) else { return Ok(NOT_IMPLEMENTED) };
    exact(vm, d.microseconds().mod_floor(&nonzero(vm, b)?))
}

fn rmod(vm: &Vm, d: D, x: Value) -> Res<Value> {
    delta(x).map_or(Ok(NOT_IMPLEMENTED), |x| modulo(vm, x, d.value()))
}

fn divmod(vm: &Vm, d: D, x: Value) -> Res<Value> {
    let Some(b) = delta(x) else { return Ok(NOT_IMPLEMENTED) };
    let (quotient, rest) = d.microseconds().div_mod_floor(&nonzero(vm, b)?);
    Ok(TupleObj::new(&[i128_value(quotient), exact(vm, rest)?]).value())
}

/// The microseconds of a divisor.
fn nonzero(vm: &Vm, d: D) -> Res<i128> {
    if d.is_zero() { Err(vm.zero_division_error("division by zero")) } else { Ok(d.microseconds()) }
}

/// The float nearest to `a / b`, `b` not zero.
pub fn divide(vm: &Vm, a: i128, b: i128) -> Res<f64> {
    const EXACT: u128 = 1 << 53;
    if a.unsigned_abs() <= EXACT && b.unsigned_abs() <= EXACT {
        return Ok(a as f64 / b as f64);
    }
    int_ops::divide(&BigInt::from(a), &BigInt::from(b))
        .ok_or_else(|| vm.overflow_error("integer division result too large for a float"))
}

/// The int nearest to `a / b`; the even one where two are as near.
fn nearest(vm: &Vm, a: BigInt, b: BigInt) -> Res<BigInt> {
    if b.is_zero() {
        return Err(vm.zero_division_error("division by zero"));
    }
    let (a, b) = if b.sign() == Sign::Minus { (-a, -b) } else { (a, b) };
    let (quotient, rest) = a.div_mod_floor(&b);
    let up = match (rest * 2u32).cmp(&b) {
        std::cmp::Ordering::Less => false,
        std::cmp::Ordering::Equal => quotient.is_odd(),
        std::cmp::Ordering::Greater => true,
    };
    Ok(if up { quotient + 1 } else { quotient })
}

/// A float as a fraction, by its own method where its class has one.
fn ratio(vm: &Vm, x: Value) -> Res<(BigInt, BigInt)> {
    let exact = type_of(x) == rt().types.float;
    if let Some(f) = float_of(x).filter(|f| exact && f.is_finite()) {
        return Ok(float_ops::ratio(f));
    }
    let method = vm.get_attr(x, names::AS_INTEGER_RATIO.get())?;
    let r = vm.call(method, &[])?;
    let Some(t) = r.downcast::<TupleObj>() else {
        return Err(vm.type_error(format!(
            "unexpected return type from as_integer_ratio(): expected tuple, got '{}'",
            type_name(r)
        )));
    };
    if t.len() != 2 {
        return Err(vm.value_error("as_integer_ratio() must return a 2-tuple"));
    }
    let int = |v: Value| {
        Int::of(v).map(Int::into_big).ok_or_else(|| {
            vm.type_error(format!("unsupported operand type(s) for *: 'int' and '{}'", type_name(v)))
        })
    };
    Ok((int(t.get(0))?, int(t.get(1))?))
}
