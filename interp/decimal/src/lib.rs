//! Decimal arithmetic as Mike Cowlishaw's specification has it, of any precision.
//!
//! Numbers are lent ([`Num`]) to functions that give new ones ([`Number`]); what happens on the way is added to a set of conditions
//! ([`context::status`]), and a [`Context`] says how results are rounded. The module knows nothing of Python.

mod arith;
mod base;
pub mod context;
mod digits;
mod div;
pub mod limbs;
mod mul;
mod number;
mod order;
mod power;
mod series;
mod text;
mod transform;

pub use arith::{add, div, div_int, div_mod, fma, mul, rem, rem_near, sub};
pub use base::{from_words, hash, power_of_ten, to_binary};
pub use context::{Context, Round};
pub use digits::{
    Logical, integer, invert, logb, logical, quantize, reduce, rotate, scaleb, shift, sqrt, to_integral,
};
pub use limbs::{Limbs, NoMemory};
pub use number::{Kind, Num, Number, Res, compare_magnitude};
pub use order::{
    Extreme, abs, class, compare, compare_signal, extreme, is_normal, is_subnormal, minus, next, next_toward, plus,
    same_quantum, total, total_magnitude,
};
pub use power::{power, power_modulo};
pub use series::{exp, ln, log10};
pub use text::{digits_text, fill, parse, parse_exact, text_bound, to_text, write};

/// The order of two numbers that are no NaNs.
pub use number::compare as order;
