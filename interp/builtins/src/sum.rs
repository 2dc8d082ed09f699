//! `sum`, which adds ints in registers, and floats and complex numbers with compensation.

use cape_vm::iteration::leading_numbers;
use cape_vm::object::*;
use cape_vm::ops;
use cape_vm::runtime::{rt, type_of};
use cape_vm::{Res, Value, Vm};

/// The builtin `sum`.
pub(crate) fn sum(vm: &Vm, it: Value, start: Option<Value>) -> Res<Value> {
    let mut total = start.unwrap_or(Value::int(0));
    for (class, what, hint) in [
        (rt().types.str, "strings", "''.join(seq)"),
        (rt().types.bytes, "bytes", "b''.join(seq)"),
        (rt().types.bytearray, "bytearray", "b''.join(seq)"),
    ] {
        if !total.is_int() && type_of(total).is_subtype(class) {
            return Err(vm.type_error(format!("sum() can't sum {what} [use {hint} instead]")));
        }
    }
    let mut exact = Exact::of(total);
    let begun = leading_numbers(it, |some| some.iter().take_while(|&&v| exact.add_to(&mut total, v)).count());
    vm.for_each_from(it, begun, |v| {
        if exact.add_to(&mut total, v) {
            return Ok(());
        }
        if exact.add_long(vm, v)? {
            return Ok(());
        }
        total = vm.binary(exact.value().unwrap_or(total), v, &ops::ADD)?;
        exact = exact.after(v, total);
        Ok(())
    })?;
    Ok(exact.value().unwrap_or(total))
}

/// A sum of floats with its compensation (Neumaier's).
#[derive(Clone, Copy)]
struct Compensated {
    sum: f64,
    lost: f64,
}

impl Compensated {
    fn new(x: f64) -> Compensated {
        Compensated { sum: x, lost: 0.0 }
    }

    fn add(&mut self, x: f64) {
        let t = self.sum + x;
        self.lost += if self.sum.abs() >= x.abs() { (self.sum - t) + x } else { (x - t) + self.sum };
        self.sum = t;
    }

    fn value(self) -> f64 {
        if self.lost != 0.0 && self.lost.is_finite() { self.sum + self.lost } else { self.sum }
    }
}

/// How far `sum` has come. A total is that of ints first, then of floats, with compensation (CPython since 3.12), then of complex numbers
/// (since 3.14), then of anything: it never goes back.
enum Exact {
    Ints,
    Float(Compensated),
    Complex(Compensated, Compensated),
    Anything,
}

impl Exact {
    /// How a total like this begins.
    fn of(total: Value) -> Exact {
        if total.is_float() {
            return Exact::Float(Compensated::new(total.as_float()));
        }
        if word(total).is_some() {
            return Exact::Ints;
        }
        match total.downcast::<ComplexObj>().filter(|_| type_of(total) == rt().types.complex) {
            Some(z) => Exact::Complex(Compensated::new(z.re), Compensated::new(z.im)),
            None => Exact::Anything,
        }
    }

    /// How it goes on when `v` was none of its kind, and the sum is `total`.
    fn after(&self, v: Value, total: Value) -> Exact {
        match (self, Exact::of(total)) {
            // An int of 64 bits or a bool that leaves a sum of 64 bits: larger than what `add_to` knows.
            (Exact::Ints, Exact::Ints) if v.is_bool() || word(v).is_some() => Exact::Ints,
            (Exact::Ints, next @ (Exact::Float(_) | Exact::Complex(..))) => next,
            (Exact::Float(_), next @ Exact::Complex(..)) => next,
            _ => Exact::Anything,
        }
    }

    /// Adds to the total what needs no code of its own for that; false: something else is to be added, or the sum of ints is large.
    #[inline(always)]
    fn add_to(&mut self, total: &mut Value, v: Value) -> bool {
        if !matches!(self, Exact::Ints) {
            return self.add(v);
        }
        let n = if v.is_bool() { Value::int((v == Value::TRUE) as i64) } else { v };
        match total.both_ints(n).then(|| total.int_add(n)).flatten() {
            Some(sum) => {
                *total = sum;
                true
            }
            None => false,
        }
    }

    /// Adds a value of a kind that keeps the total's; false: it is of another.
    fn add(&mut self, v: Value) -> bool {
        let real = if v.is_float() {
            Some(v.as_float())
        } else if v.is_int() {
            Some(v.as_int() as f64)
        } else {
            None
        };
        match (self, real) {
            (Exact::Float(sum), Some(x)) => sum.add(x),
            (Exact::Complex(re, _), Some(x)) => re.add(x),
            (Exact::Complex(re, im), None) if type_of(v) == rt().types.complex => {
                let Some(z) = v.downcast::<ComplexObj>() else { return false };
                re.add(z.re);
                im.add(z.im);
            }
            _ => return false,
        }
        true
    }

    /// Adds a bool, a large int or an instance of a subclass to a sum of floats or complex numbers; false: it is none.
    fn add_long(&mut self, vm: &Vm, v: Value) -> Res<bool> {
        let n = Int::of(v);
        match self {
            Exact::Float(sum) => match n {
                Some(n) => sum.add(vm.int_to_f64(&n)?),
                None => return Ok(false),
            },
            Exact::Complex(re, _) => match (n, cape_vm::object_float(v)) {
                (Some(n), _) => re.add(vm.int_to_f64(&n)?),
                (None, Some(x)) => re.add(x),
                _ => return Ok(false),
            },
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// The total so far, if it is kept here.
    fn value(&self) -> Option<Value> {
        match self {
            Exact::Ints | Exact::Anything => None,
            Exact::Float(sum) => Some(Value::float(sum.value())),
            Exact::Complex(re, im) => Some(ComplexObj::new(re.value(), im.value()).value()),
        }
    }
}

/// An int of exact class `int` that fits 64 bits.
fn word(v: Value) -> Option<i64> {
    if v.is_int() {
        return Some(v.as_int());
    }
    v.downcast::<LongObj>().filter(|_| type_of(v) == rt().types.int).and_then(|n| n.to_i64())
}
