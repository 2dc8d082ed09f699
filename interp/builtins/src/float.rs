//! `float`.

use cape_vm::foreign::ForeignObj;
use cape_vm::native::{OrNone, TypeBuilder, extend};
use cape_vm::object::*;
use cape_vm::special::Special;
use cape_vm::{Ptr, Res, Value, Vm, object_float, rt, type_of};

use crate::float_ops as ops;
use crate::format::format_float;
use crate::float_text::{self, BadHex};
use crate::number::{ascii_number, buffer_bytes, short_repr, type_name};
use crate::{binary_operators, rich_comparisons};

/// Completes the type.
pub fn init(_vm: &Vm) {
    let t = extend(rt().types.float);
    t.doc("Convert a string or number to a floating-point number, if possible.")
        .new_fn("__new__(cls, x=0, /)", "Create and return a new object.", new)
        .method("__repr__($self, /)", "Return repr(self).", |_: &Vm, v: Value| float_text::repr(get(v)))
        .method("__hash__($self, /)", "Return hash(self).", hash)
        .method("__pow__($self, value, mod=None, /)", "Return pow(self, value, mod).", ops::pow)
        .method("__rpow__($self, value, mod=None, /)", "Return pow(value, self, mod).", ops::rpow)
        .method("__divmod__($self, value, /)", "Return divmod(self, value).", ops::divmod)
        .method("__rdivmod__($self, value, /)", "Return divmod(value, self).", ops::rdivmod)
        .method("__neg__($self, /)", "-self", |_: &Vm, v: Value| -get(v))
        .method("__pos__($self, /)", "+self", |_: &Vm, v: Value| get(v))
        .method("__abs__($self, /)", "abs(self)", |_: &Vm, v: Value| get(v).abs())
        .method("__bool__($self, /)", "True if self else False", |_: &Vm, v: Value| get(v) != 0.0)
        .method("__int__($self, /)", "int(self)", |vm: &Vm, v: Value| ops::trunc(vm, get(v)))
        .method("__float__($self, /)", "float(self)", |_: &Vm, v: Value| get(v));
    rich_comparisons!(t, Value, ops::compare);
    binary_operators! { t;
        "add" "+" ops::add, ops::radd;
        "sub" "-" ops::sub, ops::rsub;
        "mul" "*" ops::mul, ops::rmul;
        "mod" "%" ops::modulo, ops::rmod;
        "floordiv" "//" ops::floordiv, ops::rfloordiv;
        "truediv" "/" ops::truediv, ops::rtruediv;
    }
    methods(t);
}

fn methods(t: TypeBuilder) {
    t.class_method(
        "from_number($type, number, /)",
        "Convert real number to a floating-point number.",
        |vm: &Vm, cls: Ptr<TypeObj>, x: Value| -> Res<Value> {
            let f = vm.to_f64(x)?;
            of_class(vm, cls, if type_of(x) == rt().types.float { x } else { Value::float(f) })
        },
    )
    .method("conjugate($self, /)", "Return self, the complex conjugate of any float.", |_: &Vm, v: Value| get(v))
    .method(
        "__trunc__($self, /)",
        "Return the Integral closest to x between 0 and x.",
        |vm: &Vm, v: Value| ops::trunc(vm, get(v)),
    )
    .method("__floor__($self, /)", "Return the floor as an Integral.", |vm: &Vm, v: Value| {
        ops::trunc(vm, get(v).floor())
    })
    .method("__ceil__($self, /)", "Return the ceiling as an Integral.", |vm: &Vm, v: Value| {
        ops::trunc(vm, get(v).ceil())
    })
    .method(
        "__round__($self, ndigits=None, /)",
        "Return the Integral closest to x, rounding half toward even.\n\nWhen an argument is passed, work like built-in \
         round(x, ndigits).",
        round,
    )
    .method(
        "as_integer_ratio($self, /)",
        "Return a pair of integers, whose ratio is exactly equal to the original float.\n\n>>> (3.0).as_integer_ratio()\n(3, 1)\n>>> (-0.0).as_integer_ratio()\n(0, 1)\n>>> (-1.75).as_integer_ratio()\n(-7, 4)",
        as_integer_ratio,
    )
    .class_method(
        "fromhex($type, string, /)",
        "Create a floating-point number from a hexadecimal string.\n\n>>> float.fromhex('0x1.8p1')\n3.0\n>>> float.fromhex('-ff.8')\n-255.5",
        fromhex,
    )
    .method(
        "hex($self, /)",
        "Return a hexadecimal representation of a floating-point number.\n\n>>> (-0.75).hex()\n'-0x1.8000000000000p-1'\n>>> 10.0.hex()\n'0x1.4000000000000p+3'",
        |_: &Vm, v: Value| float_text::hex(get(v)),
    )
    .method("is_integer($self, /)", "Return True if the float is an integer.", |_: &Vm, v: Value| {
        get(v).is_finite() && get(v).fract() == 0.0
    })
    .method("__getnewargs__($self, /)", "", |_: &Vm, v: Value| TupleObj::new(&[Value::float(get(v))]))
    .class_method(
        "__getformat__($type, typestr, /)",
        "Describe the format of the C type named by typestr ('double' or 'float'); for Python's test suite.",
        getformat,
    )
    .method(
        "__format__($self, format_spec, /)",
        "Formats the float according to format_spec.",
        |vm: &Vm, v: Value, spec: Ptr<StrObj>| {
            if spec.is_empty() { vm.str(v) } else { format_float(vm, get(v), spec) }
        },
    )
    .getter("real", "the real part of a complex number", |_: &Vm, v: Value| get(v))
    .getter("imag", "the imaginary part of a complex number", |_: &Vm, _: Value| 0.0f64);
}

/// The double in a receiver.
#[inline(always)]
fn get(v: Value) -> f64 {
    object_float(v).unwrap_or(f64::NAN)
}

fn of_class(vm: &Vm, cls: Ptr<TypeObj>, v: Value) -> Res<Value> {
    if cls == rt().types.float { Ok(v) } else { vm.call(cls.value(), &[v]) }
}

fn new(vm: &Vm, cls: Ptr<TypeObj>, x: Value) -> Res<Value> {
    let f = if x.is_empty() {
        0.0
    } else if x.is_float() {
        x.as_float()
    } else {
        to_float(vm, x)?
    };
    Ok(if cls == rt().types.float {
        Value::float(f)
    } else {
        FloatObj::with_map(cls.instance_map(), f).value()
    })
}

/// `float(x)`: text and bytes parsed, numbers through `__float__` or `__index__`.
pub fn to_float(vm: &Vm, x: Value) -> Res<f64> {
    let f = type_of(x).special(Special::Float);
    if x.is::<ForeignObj>() && !f.is_empty() {
        let r = vm.call_special(f, &[x])?;
        return if r.is_float() { Ok(r.as_float()) } else { vm.checked_float(type_of(x), r) };
    }
    let text = match x.downcast::<StrObj>() {
        Some(s) if type_of(x) == rt().types.str || type_of(x).special(Special::Float).is_empty() => {
            Some(ascii_number(s))
        }
        None if type_of(x).special(Special::Float).is_empty() && type_of(x).special(Special::Index).is_empty() => {
            buffer_bytes(vm, x)?
        }
        Some(_) | None => None,
    };
    if let Some(text) = text {
        return match float_text::parse(&text) {
            Some(f) => Ok(f),
            None => Err(vm.value_error(format!("could not convert string to float: {}", short_repr(vm, x)?))),
        };
    }
    if let Some(r) = strict_subclass_result(vm, x)? {
        return Ok(r);
    }
    if type_of(x).special(Special::Float).is_empty() && type_of(x).special(Special::Index).is_empty() {
        return Err(vm.type_error(format!(
            "float() argument must be a string or a real number, not '{}'",
            type_name(x)
        )));
    }
    vm.to_f64(x)
}

/// What a `__float__` written in Python gives, with its deprecation when that is of a subclass of float.
fn strict_subclass_result(vm: &Vm, x: Value) -> Res<Option<f64>> {
    let f = type_of(x).special(Special::Float);
    if f.is_empty() || f.is::<MethodDescrObj>() {
        return Ok(None);
    }
    let r = vm.call_special(f, &[x])?;
    vm.checked_float(type_of(x), r).map(Some)
}

fn hash(vm: &Vm, v: Value) -> Value {
    let f = get(v);
    let h = if f.is_nan() { vm.identity_hash(v) } else { cape_vm::ops::hash_f64(f) };
    int_value(h)
}

fn round(vm: &Vm, v: Value, ndigits: OrNone<Int>) -> Res<Value> {
    let f = get(v);
    let Some(n) = ndigits.0 else {
        return ops::trunc(vm, f.round_ties_even());
    };
    let n = match n.to_i64() {
        Some(n) => n,
        None if crate::int_ops::is_negative(&n) => i64::MIN,
        None => i64::MAX,
    };
    match ops::round_to(f, n) {
        Some(f) => Ok(Value::float(f)),
        None => Err(vm.overflow_error("rounded value too large to represent")),
    }
}

fn as_integer_ratio(vm: &Vm, v: Value) -> Res<Value> {
    let f = get(v);
    if f.is_infinite() {
        return Err(vm.overflow_error("cannot convert Infinity to integer ratio"));
    }
    if f.is_nan() {
        return Err(vm.value_error("cannot convert NaN to integer ratio"));
    }
    let (n, d) = ops::ratio(f);
    let n = big_value(n);
    Ok(TupleObj::new(&[n, big_value(d)]).value())
}

fn fromhex(vm: &Vm, cls: Ptr<TypeObj>, s: Ptr<StrObj>) -> Res<Value> {
    let text = s.as_ascii().unwrap_or("?");
    match float_text::from_hex(text.as_bytes()) {
        Ok(f) => of_class(vm, cls, Value::float(f)),
        Err(BadHex::Syntax) => Err(vm.value_error("invalid hexadecimal floating-point string")),
        Err(BadHex::Overflow) => {
            Err(vm.overflow_error("hexadecimal value too large to represent as a float"))
        }
    }
}

fn getformat(vm: &Vm, _: Ptr<TypeObj>, name: Ptr<StrObj>) -> Res<&'static str> {
    if !name.eq_str("double") && !name.eq_str("float") {
        return Err(vm.value_error("__getformat__() argument 1 must be 'double' or 'float'"));
    }
    Ok(if cfg!(target_endian = "little") { "IEEE, little-endian" } else { "IEEE, big-endian" })
}
