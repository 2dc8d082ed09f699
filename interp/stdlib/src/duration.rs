//! Time arguments: seconds as numbers, to nanoseconds and back.

use cape_vm::object::{Int, float_of};
use cape_vm::{Res, Value, Vm, type_of};

/// How a float is rounded to nanoseconds.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Round {
    /// Towards minus infinity.
    Floor,
    /// Towards plus infinity.
    Ceiling,
    /// Away from zero: for timeouts.
    Up,
    /// To the nearest, ties to even.
    HalfEven,
}

/// Nanoseconds in a number of seconds.
pub fn nanoseconds(vm: &Vm, v: Value, round: Round) -> Res<i64> {
    let too_large = || vm.overflow_error("timestamp out of range for C PyTime_t");
    if let Some(f) = float_of(v) {
        if f.is_nan() {
            return Err(vm.value_error("Invalid value NaN (not a number)"));
        }
        let n = rounded(f * 1e9, round);
        if !(n >= i64::MIN as f64 && n < 9.223372036854775807e18) {
            return Err(too_large());
        }
        return Ok(n as i64);
    }
    let i = match Int::of(v) {
        Some(i) => i,
        None if type_of(v).special(cape_vm::special::Special::Index).is_empty() => {
            return Err(vm.type_error(format!(
                "'{}' object cannot be interpreted as an integer or float",
                type_of(v).name_str()
            )));
        }
        None => vm.index_int(v)?,
    };
    i.to_i64().and_then(|s| s.checked_mul(1_000_000_000)).ok_or_else(too_large)
}

/// Rounds a float to an integer.
pub fn rounded(x: f64, round: Round) -> f64 {
    match round {
        Round::Floor => x.floor(),
        Round::Ceiling => x.ceil(),
        Round::Up if x >= 0.0 => x.ceil(),
        Round::Up => x.floor(),
        Round::HalfEven => x.round_ties_even(),
    }
}

/// Seconds as a float.
pub fn seconds(ns: i64) -> f64 {
    // Whole seconds exactly, as far as a double allows.
    if ns % 1_000_000_000 == 0 { (ns / 1_000_000_000) as f64 } else { ns as f64 / 1e9 }
}

/// The monotonic clock, in nanoseconds.
pub fn monotonic() -> i64 {
    clock(libc::CLOCK_MONOTONIC)
}

/// A clock of the system, in nanoseconds; 0 when it does not exist.
pub fn clock(id: libc::clockid_t) -> i64 {
    let mut t = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: a valid buffer.
    unsafe { libc::clock_gettime(id, &mut t) };
    t.tv_sec * 1_000_000_000 + t.tv_nsec
}

/// As a `timespec`.
pub fn timespec(ns: i64) -> libc::timespec {
    libc::timespec { tv_sec: ns.div_euclid(1_000_000_000), tv_nsec: ns.rem_euclid(1_000_000_000) }
}
