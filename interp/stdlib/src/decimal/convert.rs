//! Numbers to other objects: text, ints, floats, ratios, hashes.

use cape_decimal::{
    Kind, NoMemory, Num, Number, Round, fill, hash, integer, power_of_ten, quantize, text_bound, to_binary, write,
};
use cape_vm::native::TypeBuilder;
use cape_vm::object::*;
use cape_vm::{Ptr, Raised, Res, Value, Vm, type_of};
use num_bigint::{BigInt, BigUint, Sign};
use num_integer::Integer;

use super::arguments::{compute, no_memory, size};
use super::context;
use super::object::{Dec, DecimalObj, new};

/// Adds the conversions to the class.
pub fn add(b: TypeBuilder) {
    b.method("__repr__($self, /)", "Return repr(self).", |vm: &Vm, d: Dec| {
        let c = context::current(vm)?;
        let mut text = b"Decimal('".to_vec();
        write(d.num(), false, c.capitals.get(), &mut text);
        text.extend_from_slice(b"')");
        Ok::<_, Raised>(StrObj::from_latin1(&text))
    })
    .method("__str__($self, /)", "Return str(self).", |vm: &Vm, d: Dec| {
        let c = context::current(vm)?;
        Ok::<_, Raised>(text_of(d.num(), false, c.capitals.get()))
    })
    .method("__hash__($self, /)", "Return hash(self).", hash_of)
    .method("__bool__($self, /)", "True if self else False", |_: &Vm, d: Dec| !d.num().is_zero())
    .method("__int__($self, /)", "int(self)", |vm: &Vm, d: Dec| to_int(vm, d, Round::Down))
    .method("__trunc__($self, /)", "", |vm: &Vm, d: Dec| to_int(vm, d, Round::Down))
    .method("__floor__($self, /)", "", |vm: &Vm, d: Dec| to_int(vm, d, Round::Floor))
    .method("__ceil__($self, /)", "", |vm: &Vm, d: Dec| to_int(vm, d, Round::Ceiling))
    .method("__round__($self, ndigits=<unrepresentable>, /)", "", round)
    .method("__float__($self, /)", "float(self)", to_float)
    .method("__complex__($self, /)", "", |vm: &Vm, d: Dec| {
        Ok::<_, Raised>(ComplexObj::new(to_float(vm, d)?, 0.0))
    })
    .method(
        "as_integer_ratio($self, /)",
        "A pair of ints whose ratio is the number, in lowest terms with a positive denominator.",
        ratio,
    )
    .method("__reduce__($self, /)", "", |vm: &Vm, d: Dec| {
        let text = vm.str(d.value())?;
        let args = TupleObj::new(&[text.value()]);
        Ok::<_, Raised>(TupleObj::new(&[type_of(d.value()).value(), args.value()]))
    })
    .method("__copy__($self, /)", "", |_: &Vm, d: Dec| d)
    .method("__deepcopy__($self, object, /)", "", |_: &Vm, d: Dec, _: Value| d)
    .method("__sizeof__($self, /)", "", |_: &Vm, d: Dec| size_of::<DecimalObj>() + 8 * d.num().coeff.len())
    .getter("real", "", |_: &Vm, d: Dec| d)
    .getter("imag", "", |_: &Vm, _: Dec| new(&Number::zero(false, 0)));
}

/// The text of a number.
pub fn text_of(n: Num<'_>, engineering: bool, capitals: bool) -> Ptr<StrObj> {
    let mut short = [0; 128];
    let bound = text_bound(n);
    if bound <= short.len() {
        let len = fill(n, engineering, capitals, &mut short);
        return StrObj::from_latin1(&short[..len]);
    }
    let mut text = Vec::with_capacity(bound);
    write(n, engineering, capitals, &mut text);
    StrObj::from_latin1(&text)
}

fn hash_of(vm: &Vm, d: Dec) -> Res<Value> {
    let n = d.num();
    let h = match n.kind {
        Kind::Signaling => return Err(vm.type_error("Cannot hash a signaling NaN value")),
        Kind::Quiet => return Ok(int_value(vm.identity_hash(d.value()))),
        Kind::Infinite => 314_159,
        Kind::Finite => hash(n.coeff, n.exp) as i64,
    };
    let h = if n.negative { -h } else { h };
    Ok(int_value(if h == -1 { -2 } else { h }))
}

/// What cannot be made an int.
#[cold]
fn no_int(vm: &Vm, n: Num<'_>, what: &str) -> Raised {
    if n.is_nan() {
        vm.value_error(format!("cannot convert NaN to {what}"))
    } else {
        vm.overflow_error(format!("cannot convert Infinity to {what}"))
    }
}

/// The longest power of ten in base two that is tried.
const MAX_EXP: i64 = 1 << 34;

/// A coefficient times a power of ten.
fn scaled(vm: &Vm, coeff: &[u64], exp: i64) -> Res<BigUint> {
    if coeff.is_empty() {
        return Ok(BigUint::ZERO);
    }
    if exp > MAX_EXP {
        return Err(no_memory(vm));
    }
    let n = to_binary(coeff);
    Ok(if exp > 0 { n * power_of_ten(exp as u64) } else { n })
}

/// A magnitude with a sign as an int.
fn int_of(negative: bool, n: BigUint) -> Value {
    big_value(BigInt::from_biguint(if negative { Sign::Minus } else { Sign::Plus }, n))
}

fn to_int(vm: &Vm, d: Dec, how: Round) -> Res<Value> {
    let n = d.num();
    if !n.is_finite() {
        return Err(no_int(vm, n, "integer"));
    }
    if n.exp >= 0 {
        if let (&[x], 0) = (n.coeff, n.exp) {
            return Ok(small_int(n.negative, x));
        }
        return Ok(int_of(n.negative, scaled(vm, n.coeff, n.exp)?));
    }
    match integer(n, how) {
        Ok(n) => Ok(match *n.coeff {
            [] => Value::int(0),
            [x] => small_int(n.negative, x),
            _ => int_of(n.negative, to_binary(&n.coeff)),
        }),
        Err(NoMemory) => Err(no_memory(vm)),
    }
}

/// A limb with a sign as an int.
fn small_int(negative: bool, x: u64) -> Value {
    int_value(if negative { -(x as i64) } else { x as i64 })
}

fn round(vm: &Vm, d: Dec, digits: Value) -> Res<Value> {
    if digits.is_empty() || digits.is_none() {
        return to_int(vm, d, Round::HalfEven);
    }
    if !is_int(digits) {
        return Err(vm.type_error("optional arg must be an integer"));
    }
    let digits = size(vm, digits)?;
    let step = Number::small(false, 1, digits.saturating_neg());
    let c = context::current(vm)?;
    compute(vm, c, |cx, st| quantize(d.num(), step.view(), cx, st))
}

fn to_float(vm: &Vm, d: Dec) -> Res<f64> {
    let n = d.num();
    match n.kind {
        Kind::Signaling => return Err(vm.value_error("cannot convert signaling NaN to float")),
        Kind::Quiet => return Ok(f64::NAN.copysign(if n.negative { -1.0 } else { 1.0 })),
        Kind::Infinite => return Ok(if n.negative { f64::NEG_INFINITY } else { f64::INFINITY }),
        Kind::Finite => {}
    }
    // Small coefficients and powers that are floats themselves: one rounding.
    const POWERS: [f64; 23] = [
        1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19,
        1e20, 1e21, 1e22,
    ];
    if let &[x] = n.coeff
        && x <= 1 << 53
        && let Some(&p) = POWERS.get(n.exp.unsigned_abs() as usize)
    {
        let f = if n.exp < 0 { x as f64 / p } else { x as f64 * p };
        return Ok(if n.negative { -f } else { f });
    }
    let mut text = Vec::with_capacity(n.coeff.len() * 18 + 24);
    write(n, false, true, &mut text);
    cape_builtins::float_text::parse(&text).ok_or_else(|| vm.system_error("a number has no text"))
}

fn ratio(vm: &Vm, d: Dec) -> Res<Value> {
    let n = d.num();
    if !n.is_finite() {
        return Err(no_int(vm, n, "integer ratio"));
    }
    let negative = n.negative && !n.is_zero();
    let (mut num, mut den) = (scaled(vm, n.coeff, n.exp)?, BigUint::from(1u32));
    if n.exp < 0 && !n.is_zero() {
        if n.exp < -MAX_EXP {
            return Err(no_memory(vm));
        }
        den = power_of_ten(n.exp.unsigned_abs());
        let g = num.gcd(&den);
        num /= &g;
        den /= &g;
    }
    let num = int_of(negative, num);
    Ok(TupleObj::new(&[num, int_of(false, den)]).value())
}
