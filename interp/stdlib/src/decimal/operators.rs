//! The operators of numbers, and comparisons with other kinds of them.

use cape_builtins::functions::MODULUS_POWER;
use cape_builtins::{binary_operators, rich_comparisons};
use cape_decimal::context::status::*;
use cape_decimal::{self as engine, Context, Kind, NoMemory, Num, Number};
use cape_vm::native::TypeBuilder;
use cape_vm::object::*;
use cape_vm::ops::Cmp;
use cape_vm::{Res, Value, Vm, intern, object_float};

use super::arguments::{Operand, compute, from_int, no_memory, operand};
use super::construct::from_float;
use super::context::{self, Ctx};
use super::object::{Dec, DecimalObj, new};
use crate::statics::StaticValue;

/// Adds the operators to the class.
pub fn add(b: TypeBuilder) {
    binary_operators! { b;
        "add" "+" plus, rplus;
        "sub" "-" minus, rminus;
        "mul" "*" times, rtimes;
        "truediv" "/" over, rover;
        "floordiv" "//" floor_over, rfloor_over;
        "mod" "%" modulo, rmodulo;
    }
    b.method("__divmod__($self, value, /)", "Return divmod(self, value).", divmod)
        .method("__rdivmod__($self, value, /)", "Return divmod(value, self).", |vm: &Vm, a, b| divmod(vm, b, a))
        .method("__pow__($self, value, mod=None, /)", "Return pow(self, value, mod).", power)
        .method("__rpow__($self, value, mod=None, /)", "Return pow(value, self, mod).", |vm: &Vm, a, b, m| {
            power(vm, b, a, m)
        })
        .method("__neg__($self, /)", "-self", |vm: &Vm, d: Dec| {
            let c = context::current(vm)?;
            compute(vm, c, |cx, st| engine::minus(d.num(), cx, st))
        })
        .method("__pos__($self, /)", "+self", |vm: &Vm, d: Dec| {
            let c = context::current(vm)?;
            compute(vm, c, |cx, st| engine::plus(d.num(), cx, st))
        })
        .method("__abs__($self, /)", "abs(self)", |vm: &Vm, d: Dec| {
            let c = context::current(vm)?;
            compute(vm, c, |cx, st| engine::abs(d.num(), cx, st))
        });
    rich_comparisons!(b, Dec, compare);
    MODULUS_POWER.set(b.class(), power);
}

macro_rules! operators { ($($name:ident $reflected:ident $f:path;)*) => { $(
    fn $name(vm: &Vm, a: Value, b: Value) -> Res<Value> {
        let (Some(x), Some(y)) = (a.downcast::<DecimalObj>(), b.downcast::<DecimalObj>()) else {
            return with_others(vm, a, b, $f);
        };
        let c = context::current(vm)?;
        compute(vm, c, |cx, st| $f(x.num(), y.num(), cx, st))
    }

    fn $reflected(vm: &Vm, a: Value, b: Value) -> Res<Value> {
        $name(vm, b, a)
    }
)* } }

/// An operation of two numbers.
type Operation = fn(Num<'_>, Num<'_>, &Context, &mut u32) -> Result<Number, NoMemory>;

/// An operation of which one operand may be an int.
#[inline(never)]
fn with_others(vm: &Vm, a: Value, b: Value, f: Operation) -> Res<Value> {
    let (Some(x), Some(y)) = (operand(vm, a)?, operand(vm, b)?) else { return Ok(Value::NOT_IMPLEMENTED) };
    let c = context::current(vm)?;
    compute(vm, c, |cx, st| f(x.num(), y.num(), cx, st))
}

operators! {
    plus rplus engine::add;
    minus rminus engine::sub;
    times rtimes engine::mul;
    over rover engine::div;
    floor_over rfloor_over engine::div_int;
    modulo rmodulo engine::rem;
}

fn divmod(vm: &Vm, a: Value, b: Value) -> Res<Value> {
    let (Some(x), Some(y)) = (operand(vm, a)?, operand(vm, b)?) else { return Ok(Value::NOT_IMPLEMENTED) };
    divmod_in(vm, context::current(vm)?, &x, &y)
}

/// The pair of quotient and remainder.
pub fn divmod_in(vm: &Vm, c: Ctx, x: &Operand, y: &Operand) -> Res<Value> {
    let mut conditions = 0;
    match engine::div_mod(x.num(), y.num(), &c.cx(), &mut conditions) {
        Ok((q, r)) => {
            c.signal(vm, conditions)?;
            let q = new(&q);
            Ok(TupleObj::new(&[q, new(&r)]).value())
        }
        Err(NoMemory) => Err(no_memory(vm)),
    }
}

fn power(vm: &Vm, a: Value, b: Value, m: Value) -> Res<Value> {
    let (Some(x), Some(y)) = (operand(vm, a)?, operand(vm, b)?) else { return Ok(Value::NOT_IMPLEMENTED) };
    let c = context::current(vm)?;
    if m.is_empty() || m.is_none() {
        return compute(vm, c, |cx, st| engine::power(x.num(), y.num(), cx, st));
    }
    let Some(m) = operand(vm, m)? else { return Ok(Value::NOT_IMPLEMENTED) };
    compute(vm, c, |cx, st| engine::power_modulo(x.num(), y.num(), m.num(), cx, st))
}

static RATIONAL: StaticValue = StaticValue::new();

/// What two numbers are compared as: the first, and what the second is as one. `None`: the second is no number.
fn comparable(vm: &Vm, c: Ctx, d: Dec, v: Value, op: Cmp) -> Res<Option<(Operand, Operand)>> {
    let equality = matches!(op, Cmp::Eq | Cmp::Ne);
    let float = |f: f64| -> Res<Option<(Operand, Operand)>> {
        if equality {
            c.note(FLOAT_OPERATION);
        } else {
            c.signal(vm, FLOAT_OPERATION)?;
        }
        Ok(Some((Operand::Object(d), Operand::Made(from_float(vm, f)?))))
    };
    if let Some(x) = operand(vm, v)? {
        return Ok(Some((Operand::Object(d), x)));
    }
    if let Some(f) = object_float(v) {
        return float(f);
    }
    if let Some(z) = v.downcast::<ComplexObj>() {
        return if equality && z.im == 0.0 { float(z.re) } else { Ok(None) };
    }
    if !v.is_ptr() {
        return Ok(None);
    }
    let rational = RATIONAL.get_or(|| vm.import_attr("numbers", "Rational"))?;
    if !vm.is_instance(v, rational)? {
        return Ok(None);
    }
    let (num, den) = (vm.get_attr(v, intern("numerator"))?, vm.get_attr(v, intern("denominator"))?);
    let (Some(num), Some(den)) = (from_int(vm, num), from_int(vm, den)) else {
        return Err(vm.type_error("numerator and denominator must be integers"));
    };
    let (num, den) = (num?, den?);
    // The denominator is positive: both are multiplied by it.
    let n = d.num();
    let product = if n.is_finite() {
        match engine::mul(n, den.view(), &Context::MAX, &mut 0) {
            Ok(p) => Operand::Made(p),
            Err(NoMemory) => return Err(no_memory(vm)),
        }
    } else {
        Operand::Object(d)
    };
    Ok(Some((product, Operand::Made(num))))
}

fn compare(vm: &Vm, d: Dec, v: Value, op: Cmp) -> Res<Value> {
    if let Some(other) = v.downcast::<DecimalObj>() {
        let (x, y) = (d.num(), other.num());
        if !x.is_nan() && !y.is_nan() {
            return Ok(Value::bool(op.of(engine::order(x, y))));
        }
    }
    compare_any(vm, d, v, op)
}

#[inline(never)]
fn compare_any(vm: &Vm, d: Dec, v: Value, op: Cmp) -> Res<Value> {
    let c = context::current(vm)?;
    let Some((x, y)) = comparable(vm, c, d, v, op)? else { return Ok(Value::NOT_IMPLEMENTED) };
    let (x, y) = (x.num(), y.num());
    if x.is_nan() || y.is_nan() {
        let signals = x.kind == Kind::Signaling || y.kind == Kind::Signaling;
        if signals || !matches!(op, Cmp::Eq | Cmp::Ne) {
            c.signal(vm, INVALID_OPERATION)?;
        }
        return Ok(Value::bool(op == Cmp::Ne));
    }
    Ok(Value::bool(op.of(engine::order(x, y))))
}
