//! Arguments that the modules have in common.

use cape_vm::object::*;
use cape_vm::{Res, Value, Vm, type_of};
use num_traits::Signed;

/// A number that identifies something (`what`).
pub fn id(vm: &Vm, v: Value, what: &str) -> Res<i64> {
    let Some(n) = Int::of(v) else {
        return match vm.index_value(v) {
            Ok(n) => id(vm, n, what),
            Err(_) => Err(vm.type_error(format!("{what} must be an int, got {}", type_of(v).name_str()))),
        };
    };
    match n.to_i64() {
        Some(n) if n >= 0 => Ok(n),
        Some(n) => Err(vm.value_error(format!("{what} must be a non-negative int, got {n}"))),
        None if n.clone().into_big().is_negative() => {
            Err(vm.value_error(format!("{what} must be a non-negative int, got {}", vm.repr_str(v)?)))
        }
        None if what == "interpreter ID" => Err(vm.overflow_error("int too big to convert")),
        None => Err(vm.overflow_error(format!("max {what} is {}, got {}", i64::MAX, vm.repr_str(v)?))),
    }
}

/// What becomes of an item when the interpreter that added it ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unbound {
    /// It goes, too.
    Remove = 1,
    /// Whoever gets it gets an exception.
    Error = 2,
    /// Whoever gets it gets a sign of that.
    Replace = 3,
}

/// The number of such a way; -1 or nothing stands for `default`.
pub fn unbound(vm: &Vm, n: Option<i64>, default: Unbound) -> Res<Unbound> {
    match n {
        None | Some(-1) => Ok(default),
        Some(1) => Ok(Unbound::Remove),
        Some(2) => Ok(Unbound::Error),
        Some(3) => Ok(Unbound::Replace),
        Some(n) => Err(vm.value_error(format!("unsupported unboundop {n}"))),
    }
}

/// How data cross that are of no shareable class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fallback {
    /// Not at all.
    None = 0,
    /// As functions without state, or pickled.
    Full = 1,
}

/// The number of such a way; -1 or nothing stands for `default`.
pub fn fallback(vm: &Vm, n: Option<i64>, default: Fallback) -> Res<Fallback> {
    match n {
        None | Some(-1) => Ok(default),
        Some(0) => Ok(Fallback::None),
        Some(1) => Ok(Fallback::Full),
        Some(n) => Err(vm.value_error(format!("unsupported fallback {n}"))),
    }
}
