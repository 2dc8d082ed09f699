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
    Extreme, abs, class, compare, compare_signal, extreme, is_normal, is_subnormal, minus, next, next_toward,
    plus, same_quantum, total, total_magnitude,
};
pub use power::{power, power_modulo};
pub use series::{exp, ln, log10};
pub use text::{digits_text, fill, parse, parse_exact, text_bound, to_text, write};

/// The order of two numbers that are no NaNs.
pub use number::compare as order;

#[cfg(test)]
mod tests {
    use super::*;

    type Two = fn(Num<'_>, Num<'_>, &Context, &mut u32) -> Res;
    type One = fn(Num<'_>, &Context, &mut u32) -> Res;

    fn number(s: &str) -> Number {
        parse_exact(s.as_bytes(), &mut 0).expect("enough memory")
    }

    fn nine(round: Round) -> Context {
        Context { prec: 9, emax: 384, emin: -383, round, clamp: false }
    }

    #[test]
    fn operations() {
        use context::status::*;
        let rows: [(Two, &str, &str, &str, u32); 16] = [
            (add, "1E+9", "-1E-30", "1.00000000E+9", INEXACT | ROUNDED),
            (add, "0E+3", "5", "5", 0),
            (sub, "1.30", "1.3", "0.00", 0),
            (mul, "1.20", "3", "3.60", 0),
            (mul, "9E+384", "10", "Infinity", OVERFLOW | INEXACT | ROUNDED),
            (mul, "1E-300", "1E-91", "1E-391", SUBNORMAL),
            (div, "1", "3", "0.333333333", INEXACT | ROUNDED),
            (div, "2.400", "2.0", "1.20", 0),
            (div, "1", "0", "Infinity", DIVISION_BY_ZERO),
            (div_int, "10", "0.3", "33", 0),
            (rem, "-10", "3", "-1", 0),
            (rem_near, "10", "6", "-2", 0),
            (quantize, "2.17", "0.1", "2.2", INEXACT | ROUNDED),
            (power, "2", "-3", "0.125", 0),
            (power, "10", "0.301029996", "2.00000000", INEXACT | ROUNDED),
            (rotate, "123456789", "-2", "891234567", 0),
        ];
        for (i, (f, a, b, expected, conditions)) in rows.into_iter().enumerate() {
            let mut st = 0;
            let r =
                f(number(a).view(), number(b).view(), &nine(Round::HalfUp), &mut st).expect("enough memory");
            assert_eq!((to_text(r.view(), false, true).as_str(), st), (expected, conditions), "row {i}");
        }
    }

    #[test]
    fn functions() {
        let rows: [(One, &str, &str); 8] = [
            (sqrt, "2", "1.41421356"),
            (sqrt, "100", "10"),
            (exp, "1", "2.71828183"),
            (exp, "-1E-20", "1.00000000"),
            (ln, "1.00000001", "9.99999995E-9"),
            (ln, "10", "2.30258509"),
            (log10, "1E-7", "-7"),
            (log10, "70", "1.84509804"),
        ];
        for (f, a, expected) in rows {
            let r = f(number(a).view(), &nine(Round::Floor), &mut 0).expect("enough memory");
            assert_eq!(to_text(r.view(), false, true), expected, "of {a}");
        }
    }

    #[test]
    fn all_roundings() {
        let expected = [
            (Round::Up, "13 13 -13"),
            (Round::Down, "12 12 -12"),
            (Round::Ceiling, "13 13 -12"),
            (Round::Floor, "12 12 -13"),
            (Round::HalfUp, "13 12 -13"),
            (Round::HalfDown, "12 12 -13"),
            (Round::HalfEven, "12 12 -13"),
            (Round::ZeroFiveUp, "12 12 -12"),
        ];
        for (round, expected) in expected {
            let cx = Context { prec: 2, ..nine(round) };
            let text = ["12.5", "12.4", "-12.51"].map(|s| {
                let r = plus(number(s).view(), &cx, &mut 0).expect("enough memory");
                to_text(r.view(), false, true)
            });
            assert_eq!(text.join(" "), expected, "{round:?}");
        }
    }

    #[test]
    fn texts() {
        for (s, plain, engineering) in [
            ("123E-10", "1.23E-8", "12.3E-9"),
            ("-0E+5", "-0E+5", "-0.0E+6"),
            ("1E-6", "0.000001", "0.000001"),
            ("7E+4", "7E+4", "70E+3"),
            ("snan12", "sNaN12", "sNaN12"),
            ("000123.4500", "123.4500", "123.4500"),
        ] {
            let n = number(s);
            assert_eq!(to_text(n.view(), false, true), plain);
            assert_eq!(to_text(n.view(), true, true), engineering);
        }
        for s in ["", ".", "1e", "e5", "1.2.3", "nan1x", "--1", "1 "] {
            let mut st = 0;
            assert!(parse_exact(s.as_bytes(), &mut st).is_ok_and(|n| n.view().is_nan()) && st != 0, "{s}");
        }
    }
}
