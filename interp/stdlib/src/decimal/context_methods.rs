//! The methods of contexts: what numbers do, with the context given.

use cape_decimal::{self as engine, Context, NoMemory, Num, Number};
use cape_vm::native::TypeBuilder;
use cape_vm::{Raised, Value, Vm};

use super::arguments::{compute, number};
use super::construct::{create, create_from_float};
use super::context::Ctx;
use super::convert::text_of;
use super::methods::*;
use super::object::{DecimalObj, new};
use super::operators::divmod_in;

/// Rows of methods of one number.
macro_rules! unary { ($b:expr; $($name:literal $doc:literal $f:path;)*) => { $(
    $b.method(concat!($name, "($self, x, /)"), $doc, |vm: &Vm, c: Ctx, x: Value| {
        let x = number(vm, x)?;
        compute(vm, c, |cx, st| $f(x.num(), cx, st))
    });
)* } }

/// Rows of methods of two numbers.
macro_rules! binary { ($b:expr; $($name:literal $doc:literal $f:path;)*) => { $(
    $b.method(concat!($name, "($self, x, y, /)"), $doc, |vm: &Vm, c: Ctx, x: Value, y: Value| {
        let (x, y) = (number(vm, x)?, number(vm, y)?);
        compute(vm, c, |cx, st| $f(x.num(), y.num(), cx, st))
    });
)* } }

/// Rows of questions.
macro_rules! questions { ($b:expr; $($name:literal $doc:literal |$n:ident, $c:ident| $e:expr;)*) => { $(
    $b.method(concat!($name, "($self, x, /)"), $doc, |vm: &Vm, $c: Ctx, x: Value| {
        let x = number(vm, x)?;
        let $n = x.num();
        let _ = $c;
        Ok::<_, Raised>($e)
    });
)* } }

fn copied(n: Num<'_>) -> Value {
    new(&n.to_number())
}

fn applied(n: Num<'_>, cx: &Context, st: &mut u32) -> Result<Number, NoMemory> {
    cx.finalize(n.to_number(), st)
}

/// Adds the methods to the class.
pub fn add(b: TypeBuilder) {
    unary! { b;
        "abs" "The magnitude of x, rounded." engine::abs;
        "exp" "e raised to x." engine::exp;
        "ln" "The natural logarithm of x." engine::ln;
        "log10" "The decimal logarithm of x." engine::log10;
        "logb" "The adjusted exponent of x, as a number." engine::logb;
        "minus" "x with the other sign, rounded." engine::minus;
        "next_minus" "The largest number that is less than x." next_minus;
        "next_plus" "The smallest number that is greater than x." next_plus;
        "normalize" "x, rounded, without trailing zeros." engine::reduce;
        "plus" "x, rounded." engine::plus;
        "_apply" "x, rounded; a zero keeps its sign." applied;
        "to_integral" "The integer nearest to x; nothing is signaled." integral;
        "to_integral_exact" "The integer nearest to x." integral_exact;
        "to_integral_value" "The integer nearest to x; nothing is signaled." integral;
        "sqrt" "The square root of x." engine::sqrt;
        "logical_invert" "The digits of x, which are zeros and ones, inverted." engine::invert;
    }
    binary! { b;
        "add" "The sum of x and y." engine::add;
        "compare" "-1, 0 or 1 as x is less than y, equal or greater; NaN for NaNs." engine::compare;
        "compare_signal" "As compare(); all NaNs signal." engine::compare_signal;
        "divide" "x divided by y." engine::div;
        "divide_int" "The integer part of x divided by y." engine::div_int;
        "max" "The greater number." max;
        "max_mag" "The number of greater magnitude." max_mag;
        "min" "The lesser number." min;
        "min_mag" "The number of lesser magnitude." min_mag;
        "multiply" "The product of x and y." engine::mul;
        "next_toward" "The neighbour of x in the direction of y." engine::next_toward;
        "quantize" "x, rounded, with the exponent of y." engine::quantize;
        "remainder" "What is left of x divided by y; it has the sign of x." engine::rem;
        "remainder_near" "What is left of x less the nearest multiple of y." engine::rem_near;
        "subtract" "The difference of x and y." engine::sub;
        "compare_total" "-1, 0 or 1 in the order of all representations." total;
        "compare_total_mag" "As compare_total() without signs." total_mag;
        "copy_sign" "x with the sign of y." copy_sign;
        "logical_and" "Digit by digit, of zeros and ones." and;
        "logical_or" "Digit by digit, of zeros and ones." or;
        "logical_xor" "Digit by digit, of zeros and ones." xor;
        "rotate" "The digits of x, as many as the precision has, rotated by y places." engine::rotate;
        "scaleb" "x with y added to its exponent." engine::scaleb;
        "shift" "The digits of x shifted by y places." engine::shift;
    }
    questions! { b;
        "is_finite" "Whether x is neither infinite nor a NaN." |n, _c| n.is_finite();
        "is_infinite" "Whether x is infinite." |n, _c| n.is_infinite();
        "is_nan" "Whether x is a NaN." |n, _c| n.is_nan();
        "is_qnan" "Whether x is a quiet NaN." |n, _c| n.kind == engine::Kind::Quiet;
        "is_snan" "Whether x is a signaling NaN." |n, _c| n.kind == engine::Kind::Signaling;
        "is_signed" "Whether x has a minus sign." |n, _c| n.negative;
        "is_zero" "Whether x is a zero." |n, _c| n.is_zero();
        "is_normal" "Whether x is finite, not zero and not subnormal." |n, c| engine::is_normal(n, &c.cx());
        "is_subnormal" "Whether x is below the normal numbers." |n, c| engine::is_subnormal(n, &c.cx());
        "number_class" "The name of the class of x." |n, c| engine::class(n, &c.cx());
        "to_sci_string" "The text of x in scientific notation." |n, c| text_of(n, false, c.capitals.get());
        "to_eng_string" "The text of x with exponents that are multiples of three." |n, c| text_of(n, true, c.capitals.get());
        "copy_abs" "x without its sign." |n, _c| copied(n.with_sign(false));
        "copy_decimal" "x, as a number." |n, _c| copied(n);
        "copy_negate" "x with the other sign." |n, _c| copied(n.with_sign(!n.negative));
    }
    b.method("divmod($self, x, y, /)", "Quotient and remainder.", |vm: &Vm, c: Ctx, x: Value, y: Value| {
        let (x, y) = (number(vm, x)?, number(vm, y)?);
        divmod_in(vm, c, &x, &y)
    })
    .method("fma($self, x, y, z, /)", "The product of x and y, plus z, rounded once.", |vm: &Vm, c: Ctx, x: Value, y: Value, z: Value| {
        let (x, y, z) = (number(vm, x)?, number(vm, y)?, number(vm, z)?);
        compute(vm, c, |cx, st| engine::fma(x.num(), y.num(), z.num(), cx, st))
    })
    .method("power($self, /, a, b, modulo=None)", "a raised to b; with a modulus, of integers.", |vm: &Vm, c: Ctx, a: Value, b: Value, m: Value| {
        let (x, y) = (number(vm, a)?, number(vm, b)?);
        if m.is_empty() || m.is_none() {
            return compute(vm, c, |cx, st| engine::power(x.num(), y.num(), cx, st));
        }
        let m = number(vm, m)?;
        compute(vm, c, |cx, st| engine::power_modulo(x.num(), y.num(), m.num(), cx, st))
    })
    .method("same_quantum($self, x, y, /)", "Whether the exponents are the same.", |vm: &Vm, _: Ctx, x: Value, y: Value| {
        Ok::<_, Raised>(engine::same_quantum(number(vm, x)?.num(), number(vm, y)?.num()))
    })
    .method("canonical($self, x, /)", "x.", |vm: &Vm, _: Ctx, x: Value| match x.downcast::<DecimalObj>() {
        Some(_) => Ok(x),
        None => Err(vm.type_error("argument must be a Decimal")),
    })
    .method("is_canonical($self, x, /)", "True: there is one encoding of each number.", |vm: &Vm, _: Ctx, x: Value| {
        match x.downcast::<DecimalObj>() {
            Some(_) => Ok(true),
            None => Err(vm.type_error("argument must be a Decimal")),
        }
    })
    .method("radix($self, /)", "10.", |_: &Vm, _: Ctx| new(&Number::int(10)))
    .method("Etiny($self, /)", "The smallest exponent.", |_: &Vm, c: Ctx| c.cx().etiny())
    .method("Etop($self, /)", "The largest exponent of a coefficient as long as the precision.", |_: &Vm, c: Ctx| c.cx().etop())
    .method("create_decimal($self, num=\"0\", /)", "A number from an object, rounded.", |vm: &Vm, c: Ctx, v: Value| create(vm, c, v))
    .method("create_decimal_from_float($self, f, /)", "A number from a float, rounded.", |vm: &Vm, c: Ctx, v: Value| create_from_float(vm, c, v));
}
