//! The methods of numbers that compute. Those of contexts, with the same names, are in `context_methods`.

use cape_decimal::{self as engine, Context, Extreme, Logical, NoMemory, Num, Number};
use cape_vm::native::TypeBuilder;
use cape_vm::{Raised, Res, Value, Vm};

use super::arguments::{compute, context, number, with_rounding};
use super::convert::text_of;
use super::object::{Dec, new};

/// What extremes give.
pub const MAX: Extreme = Extreme { greatest: true, magnitude: false };
pub const MIN: Extreme = Extreme { greatest: false, magnitude: false };
pub const MAX_MAG: Extreme = Extreme { greatest: true, magnitude: true };
pub const MIN_MAG: Extreme = Extreme { greatest: false, magnitude: true };

type Operation = Result<Number, NoMemory>;

macro_rules! two { ($($name:ident $f:path, $extra:expr;)*) => { $(
    pub fn $name(a: Num<'_>, b: Num<'_>, cx: &Context, st: &mut u32) -> Operation {
        $f(a, b, $extra, cx, st)
    }
)* } }
two! {
    max engine::extreme, MAX;
    min engine::extreme, MIN;
    max_mag engine::extreme, MAX_MAG;
    min_mag engine::extreme, MIN_MAG;
    and engine::logical, Logical::And;
    or engine::logical, Logical::Or;
    xor engine::logical, Logical::Xor;
}

macro_rules! one { ($($name:ident $f:path, $extra:expr;)*) => { $(
    pub fn $name(a: Num<'_>, cx: &Context, st: &mut u32) -> Operation {
        $f(a, $extra, cx, st)
    }
)* } }
one! {
    next_plus engine::next, true;
    next_minus engine::next, false;
    integral engine::to_integral, false;
    integral_exact engine::to_integral, true;
}

/// -1, 0 or 1 in the total order.
pub fn total(a: Num<'_>, b: Num<'_>, _: &Context, _: &mut u32) -> Operation {
    Ok(engine::total(a, b))
}

/// The same without signs.
pub fn total_mag(a: Num<'_>, b: Num<'_>, _: &Context, _: &mut u32) -> Operation {
    Ok(engine::total_magnitude(a, b))
}

/// `a` with the sign of `b`.
pub fn copy_sign(a: Num<'_>, b: Num<'_>, _: &Context, _: &mut u32) -> Operation {
    Ok(a.with_sign(b.negative).to_number())
}

/// Rows of methods with a context: `name($self, /, context=None)`.
macro_rules! unary { ($b:expr; $($name:literal $doc:literal $f:path;)*) => { $(
    $b.method(concat!($name, "($self, /, context=None)"), $doc, |vm: &Vm, d: Dec, c: Value| {
        let c = context(vm, c)?;
        compute(vm, c, |cx, st| $f(d.num(), cx, st))
    });
)* } }

/// Rows of methods with another number and a context.
macro_rules! binary { ($b:expr; $($name:literal $doc:literal $f:path;)*) => { $(
    $b.method(concat!($name, "($self, /, other, context=None)"), $doc, |vm: &Vm, d: Dec, other: Value, c: Value| {
        let c = context(vm, c)?;
        let other = number(vm, other)?;
        compute(vm, c, |cx, st| $f(d.num(), other.num(), cx, st))
    });
)* } }

/// Rows of questions.
macro_rules! questions { ($b:expr; $($name:literal $doc:literal |$n:ident| $e:expr;)*) => { $(
    $b.method(concat!($name, "($self, /)"), $doc, |_: &Vm, d: Dec| { let $n = d.num(); $e });
)* } }

/// Adds the methods to the class.
pub fn add(b: TypeBuilder) {
    unary! { b;
        "exp" "e raised to the number, rounded to the nearest." engine::exp;
        "ln" "The natural logarithm, rounded to the nearest." engine::ln;
        "log10" "The decimal logarithm, rounded to the nearest." engine::log10;
        "logb" "The adjusted exponent, as a number." engine::logb;
        "next_minus" "The largest number of the context that is less." next_minus;
        "next_plus" "The smallest number of the context that is greater." next_plus;
        "normalize" "The number rounded and without trailing zeros; every zero becomes 0." engine::reduce;
        "sqrt" "The square root, rounded to the nearest." engine::sqrt;
        "logical_invert" "The digits, which are zeros and ones, inverted." engine::invert;
    }
    binary! { b;
        "compare" "-1, 0 or 1 as the number is less, equal or greater; NaN for NaNs." engine::compare;
        "compare_signal" "As compare(); all NaNs signal." engine::compare_signal;
        "max" "The greater number; a quiet NaN is none." max;
        "max_mag" "The number of greater magnitude." max_mag;
        "min" "The lesser number; a quiet NaN is none." min;
        "min_mag" "The number of lesser magnitude." min_mag;
        "next_toward" "The neighbour in the direction of the other number." engine::next_toward;
        "remainder_near" "What is left of the number less the nearest multiple of the other." engine::rem_near;
        "logical_and" "Digit by digit, of zeros and ones." and;
        "logical_or" "Digit by digit, of zeros and ones." or;
        "logical_xor" "Digit by digit, of zeros and ones." xor;
        "rotate" "The digits, as many as the precision has, rotated by the other number of places." engine::rotate;
        "scaleb" "The number with the other one added to its exponent." engine::scaleb;
        "shift" "The digits shifted by the other number of places." engine::shift;
        "compare_total" "-1, 0 or 1 in the order of all representations." total;
        "compare_total_mag" "As compare_total() without signs." total_mag;
        "copy_sign" "The number with the other one's sign." copy_sign;
    }
    questions! { b;
        "is_canonical" "True: there is one encoding of each number." |_n| true;
        "is_finite" "Whether it is neither infinite nor a NaN." |n| n.is_finite();
        "is_infinite" "Whether it is infinite." |n| n.is_infinite();
        "is_nan" "Whether it is a NaN." |n| n.is_nan();
        "is_qnan" "Whether it is a quiet NaN." |n| n.kind == engine::Kind::Quiet;
        "is_snan" "Whether it is a signaling NaN." |n| n.kind == engine::Kind::Signaling;
        "is_signed" "Whether it has a minus sign." |n| n.negative;
        "is_zero" "Whether it is a zero." |n| n.is_zero();
        "adjusted" "The exponent of the first digit." |n| if n.is_finite() { n.adjusted() } else { 0 };
        "radix" "10." |_n| new(&Number::int(10));
        "copy_abs" "The number without its sign." |n| new(&n.with_sign(false).to_number());
        "copy_negate" "The number with the other sign." |n| new(&n.with_sign(!n.negative).to_number());
    }
    b.method("canonical($self, /)", "The number.", |_: &Vm, d: Dec| d)
        .method("conjugate($self, /)", "The number.", |_: &Vm, d: Dec| d)
        .method("is_normal($self, /, context=None)", "Whether it is finite, not zero and not subnormal.", |vm: &Vm, d: Dec, c: Value| {
            let c = context(vm, c)?;
            Ok::<_, Raised>(engine::is_normal(d.num(), &c.cx()))
        })
        .method("is_subnormal($self, /, context=None)", "Whether it is below the normal numbers.", |vm: &Vm, d: Dec, c: Value| {
            let c = context(vm, c)?;
            Ok::<_, Raised>(engine::is_subnormal(d.num(), &c.cx()))
        })
        .method("number_class($self, /, context=None)", "The name of the number's class.", |vm: &Vm, d: Dec, c: Value| {
            let c = context(vm, c)?;
            Ok::<_, Raised>(engine::class(d.num(), &c.cx()))
        })
        .method("to_eng_string($self, /, context=None)", "The text with exponents that are multiples of three.", |vm: &Vm, d: Dec, c: Value| {
            let c = context(vm, c)?;
            Ok::<_, Raised>(text_of(d.num(), true, c.capitals.get()))
        })
        .method("same_quantum($self, /, other, context=None)", "Whether the exponents are the same.", |vm: &Vm, d: Dec, other: Value, c: Value| {
            context(vm, c)?;
            Ok::<_, Raised>(engine::same_quantum(d.num(), number(vm, other)?.num()))
        })
        .method("fma($self, /, other, third, context=None)", "The product with another number, plus a third, rounded once.", |vm: &Vm, d: Dec, other: Value, third: Value, c: Value| {
            let c = context(vm, c)?;
            let (x, y) = (number(vm, other)?, number(vm, third)?);
            compute(vm, c, |cx, st| engine::fma(d.num(), x.num(), y.num(), cx, st))
        })
        .method("quantize($self, /, exp, rounding=None, context=None)", "The number, rounded, with the exponent of another.", |vm: &Vm, d: Dec, exp: Value, rounding: Value, c: Value| {
            let c = context(vm, c)?;
            let cx = with_rounding(vm, c, rounding)?;
            let exp = number(vm, exp)?;
            compute(vm, c, |_, st| engine::quantize(d.num(), exp.num(), &cx, st))
        })
        .method("to_integral($self, /, rounding=None, context=None)", "The nearest integer; nothing is signaled.", |vm: &Vm, d: Dec, r: Value, c: Value| {
            to_integral(vm, d, r, c, false)
        })
        .method("to_integral_value($self, /, rounding=None, context=None)", "The nearest integer; nothing is signaled.", |vm: &Vm, d: Dec, r: Value, c: Value| {
            to_integral(vm, d, r, c, false)
        })
        .method("to_integral_exact($self, /, rounding=None, context=None)", "The nearest integer.", |vm: &Vm, d: Dec, r: Value, c: Value| {
            to_integral(vm, d, r, c, true)
        });
}

fn to_integral(vm: &Vm, d: Dec, rounding: Value, c: Value, exact: bool) -> Res<Value> {
    let c = context(vm, c)?;
    let cx = with_rounding(vm, c, rounding)?;
    compute(vm, c, |_, st| engine::to_integral(d.num(), exact, &cx, st))
}
