//! What arguments are taken for: numbers, contexts, roundings; and what becomes of results.

use cape_decimal::{Context, NoMemory, Num, Number, Round, from_words};
use cape_vm::object::*;
use cape_vm::{Ptr, Raised, Res, Value, Vm, rt, type_of};

use super::context::{self, ContextObj, Ctx};
use super::object::{Dec, DecimalObj, new};

/// A number among the arguments.
pub enum Operand {
    /// An object.
    Object(Dec),
    /// Made from something else.
    Made(Number),
}

impl Operand {
    /// The number.
    #[inline(always)]
    pub fn num(&self) -> Num<'_> {
        match self {
            Operand::Object(d) => d.num(),
            Operand::Made(n) => n.view(),
        }
    }
}

#[cold]
pub fn no_memory(vm: &Vm) -> Raised {
    vm.new_exc_args(rt().types.memory_error, &[])
}

/// An int as a number.
pub fn from_int(vm: &Vm, v: Value) -> Option<Res<Number>> {
    if v.is_int() {
        return Some(Ok(Number::int(v.as_int())));
    }
    if v.is_bool() {
        return Some(Ok(Number::int((v == Value::TRUE) as i64)));
    }
    let l = v.downcast::<LongObj>()?;
    Some(match from_words(l.double_digits()) {
        Ok(coeff) => Ok(Number::new(l.is_negative(), coeff, 0)),
        Err(NoMemory) => Err(no_memory(vm)),
    })
}

/// A number or an int; `None` for others.
#[inline(always)]
pub fn operand(vm: &Vm, v: Value) -> Res<Option<Operand>> {
    match v.downcast::<DecimalObj>() {
        Some(d) => Ok(Some(Operand::Object(d))),
        None => from_int(vm, v).map(|n| n.map(Operand::Made)).transpose(),
    }
}

/// A number or an int.
#[inline]
pub fn number(vm: &Vm, v: Value) -> Res<Operand> {
    operand(vm, v)?.ok_or_else(|| unsupported(vm, v))
}

#[cold]
pub fn unsupported(vm: &Vm, v: Value) -> Raised {
    vm.type_error(format!("conversion from {} to Decimal is not supported", type_of(v).name_str()))
}

/// A context that may be given, or the current one.
#[inline]
pub fn context(vm: &Vm, v: Value) -> Res<Ctx> {
    if v.is_empty() || v.is_none() {
        return context::current(vm);
    }
    v.downcast::<ContextObj>().ok_or_else(|| vm.type_error("optional argument must be a context"))
}

/// A context's way to round.
pub fn rounding(vm: &Vm, v: Value) -> Res<Round> {
    let found = v.downcast::<StrObj>().and_then(|s| Round::ALL.into_iter().find(|r| s.eq_str(r.name())));
    found.ok_or_else(|| {
        vm.type_error(
            "valid values for rounding are:\n  [ROUND_CEILING, ROUND_FLOOR, ROUND_UP, ROUND_DOWN,\n   ROUND_HALF_UP, ROUND_HALF_DOWN, ROUND_HALF_EVEN,\n   ROUND_05UP]",
        )
    })
}

/// The context with the rounding that may be given.
pub fn with_rounding(vm: &Vm, c: Ctx, v: Value) -> Res<Context> {
    let cx = c.cx();
    Ok(if v.is_empty() || v.is_none() { cx } else { Context { round: rounding(vm, v)?, ..cx } })
}

/// An int of a word; nothing else stands for one.
pub fn size(vm: &Vm, v: Value) -> Res<i64> {
    match Int::of(v) {
        Some(i) => i.to_i64().ok_or_else(|| vm.overflow_error("Python int too large to convert to C ssize_t")),
        None => Err(vm.type_error("an integer is required")),
    }
}

/// A result, and what happened on the way.
#[inline(always)]
pub fn result(vm: &Vm, c: Ctx, r: Result<Number, NoMemory>, conditions: u32) -> Res<Value> {
    match r {
        Ok(n) => {
            c.signal(vm, conditions)?;
            Ok(new(&n))
        }
        Err(NoMemory) => Err(no_memory(vm)),
    }
}

/// Computes in a context.
#[inline(always)]
pub fn compute(vm: &Vm, c: Ctx, f: impl FnOnce(&Context, &mut u32) -> Result<Number, NoMemory>) -> Res<Value> {
    let mut conditions = 0;
    let r = f(&c.cx(), &mut conditions);
    result(vm, c, r, conditions)
}

/// The class that a class method was called on.
pub type Class = Ptr<TypeObj>;
