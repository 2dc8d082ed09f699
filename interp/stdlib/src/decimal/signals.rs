//! Signals: their classes, and raising them.

use cape_decimal::context::status::*;
use cape_vm::object::*;
use cape_vm::{Ptr, Raised, Res, Value, Vm, intern, rt, runtime::StaticType};

/// A condition's class: its name, what it is derived from, its bits.
struct Condition {
    name: &'static str,
    bases: &'static [&'static str],
    bits: u32,
}

macro_rules! conditions { ($($name:literal ($($base:literal),*) $bits:expr;)*) => {
    &[$(Condition { name: $name, bases: &[$($base),*], bits: $bits }),*]
} }

/// In the order of dicts of signals; then what InvalidOperation is divided into.
const CONDITIONS: &[Condition] = conditions! {
    "InvalidOperation" ("DecimalException") INVALID;
    "FloatOperation" ("DecimalException", "TypeError") FLOAT_OPERATION;
    "DivisionByZero" ("DecimalException", "ZeroDivisionError") DIVISION_BY_ZERO;
    "Overflow" ("Inexact", "Rounded") OVERFLOW;
    "Underflow" ("Inexact", "Rounded", "Subnormal") UNDERFLOW;
    "Subnormal" ("DecimalException") SUBNORMAL;
    "Inexact" ("DecimalException") INEXACT;
    "Rounded" ("DecimalException") ROUNDED;
    "Clamped" ("DecimalException") CLAMPED;
    "ConversionSyntax" ("InvalidOperation") CONVERSION_SYNTAX;
    "DivisionImpossible" ("InvalidOperation") DIVISION_IMPOSSIBLE;
    "DivisionUndefined" ("InvalidOperation", "ZeroDivisionError") DIVISION_UNDEFINED;
    "InvalidContext" ("InvalidOperation") INVALID_CONTEXT;
};

/// The number of signals.
pub const SIGNALS: usize = 9;

/// The signals in the order in which contexts are shown.
const SHOWN: [usize; SIGNALS] = [8, 0, 2, 6, 1, 3, 7, 5, 4];

static EXCEPTION: StaticType = StaticType::new();
static CLASSES: [StaticType; CONDITIONS.len()] = [const { StaticType::new() }; CONDITIONS.len()];

/// Makes the classes, once.
pub fn make(vm: &Vm) -> Res<()> {
    if EXCEPTION.try_get().is_some() {
        return Ok(());
    }
    let types = &rt().types;
    EXCEPTION.set(class(vm, "DecimalException", &[types.arithmetic_error])?);
    // Some are derived from others that come later.
    while CLASSES.iter().any(|c| c.try_get().is_none()) {
        for (condition, made) in CONDITIONS.iter().zip(&CLASSES) {
            let bases: Option<Vec<_>> = condition.bases.iter().map(|b| base(b)).collect();
            if let (None, Some(bases)) = (made.try_get(), bases) {
                made.set(class(vm, condition.name, &bases)?);
            }
        }
    }
    Ok(())
}

fn base(name: &str) -> Option<Ptr<TypeObj>> {
    match name {
        "DecimalException" => EXCEPTION.try_get(),
        "TypeError" => Some(rt().types.type_error),
        "ZeroDivisionError" => Some(rt().types.zero_division_error),
        _ => CLASSES[CONDITIONS.iter().position(|c| c.name == name)?].try_get(),
    }
}

fn class(vm: &Vm, name: &str, bases: &[Ptr<TypeObj>]) -> Res<Ptr<TypeObj>> {
    let bases: Vec<Value> = bases.iter().map(|b| b.value()).collect();
    let dict = DictObj::new();
    dict.set(vm, intern("__module__"), intern("decimal"))?;
    let args = [intern(name), TupleObj::new(&bases).value(), dict.value()];
    let made = vm.call(rt().types.type_.value(), &args)?;
    made.downcast().ok_or_else(|| vm.system_error("no class was made"))
}

/// Adds the classes to the module.
pub fn add_to(m: Ptr<ModuleObj>) {
    m.class(EXCEPTION.get());
    CLASSES.iter().for_each(|c| {
        m.class(c.get());
    });
}

/// A signal's class.
pub fn signal(i: usize) -> Value {
    CLASSES[i].get().value()
}

/// A signal's bits.
pub fn bits(i: usize) -> u32 {
    CONDITIONS[i].bits
}

/// The signal that a value is, as bits.
pub fn bits_of(vm: &Vm, v: Value) -> Res<u32> {
    match (0..SIGNALS).find(|&i| signal(i) == v) {
        Some(i) => Ok(bits(i)),
        None => Err(vm.key_error(
            "valid values for signals are:\n  [InvalidOperation, FloatOperation, DivisionByZero,\n   Overflow, Underflow, Subnormal, Inexact, Rounded,\n   Clamped]",
        )),
    }
}

/// A list of the signals that are set.
pub fn list(set: u32) -> Value {
    let signals: Vec<Value> = (0..SIGNALS).filter(|&i| set & bits(i) != 0).map(signal).collect();
    ListObj::new(&signals).value()
}

/// The names of the signals that are set, as contexts show them.
pub fn names(set: u32) -> String {
    let names: Vec<&str> = SHOWN.iter().filter(|&&i| set & bits(i) != 0).map(|&i| CONDITIONS[i].name).collect();
    format!("[{}]", names.join(", "))
}

/// The first of the conditions' signals, raised with a list of them.
#[cold]
pub fn raised(vm: &Vm, set: u32) -> Raised {
    let first = (0..SIGNALS).find(|&i| set & bits(i) != 0).unwrap_or(0);
    let list = ListObj::new(&[]);
    if set & INVALID_OPERATION != 0 {
        list.push(signal(0));
    }
    for i in (SIGNALS..CONDITIONS.len()).chain(1..SIGNALS) {
        if set & bits(i) != 0 {
            list.push(signal(i));
        }
    }
    vm.new_exc_args(CLASSES[first].get(), &[list.value()])
}
