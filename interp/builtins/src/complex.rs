//! `complex`.

use cape_vm::native::extend;
use cape_vm::object::*;
use cape_vm::special::Special;
use cape_vm::{Ptr, Res, Value, Vm, object_float, rt, type_of};

use crate::complex_ops::{self as ops, C};
use crate::format::format_complex;
use crate::number::{ascii_number, strip, type_name, warn};
use crate::{binary_operators, float_text, libm, rich_comparisons};

type Z = Ptr<ComplexObj>;

/// Completes the type.
pub fn init(_vm: &Vm) {
    let t = extend(rt().types.complex);
    t.doc(
        "Create a complex number from a string or numbers.\n\nIf a string is given, parse it as a complex number.\nIf a \
         single number is given, convert it to a complex number.\nIf the 'real' or 'imag' arguments are given, create a \
         complex number\nwith the specified real and imaginary components.",
    )
    .new_fn("__new__(cls, real=0, imag=0)", "Create and return a new object.", new)
    .method("__repr__($self, /)", "Return repr(self).", |_: &Vm, z: Z| repr((z.re, z.im)))
    .method("__hash__($self, /)", "Return hash(self).", hash)
    .method("__pow__($self, value, mod=None, /)", "Return pow(self, value, mod).", ops::pow)
    .method("__rpow__($self, value, mod=None, /)", "Return pow(value, self, mod).", ops::rpow)
    .method("__neg__($self, /)", "-self", |_: &Vm, z: Z| ops::value((-z.re, -z.im)))
    .method("__pos__($self, /)", "+self", exact)
    .method("__abs__($self, /)", "abs(self)", abs)
    .method("__bool__($self, /)", "True if self else False", |_: &Vm, z: Z| z.re != 0.0 || z.im != 0.0);
    rich_comparisons!(t, Value, ops::compare);
    binary_operators! { t;
        "add" "+" ops::add, ops::radd;
        "sub" "-" ops::sub, ops::rsub;
        "mul" "*" ops::mul, ops::rmul;
        "truediv" "/" ops::truediv, ops::rtruediv;
    }
    t.class_method(
        "from_number($type, number, /)",
        "Convert number to a complex floating-point number.",
        |vm: &Vm, cls: Ptr<TypeObj>, x: Value| -> Res<Value> {
            if cls == rt().types.complex && type_of(x) == cls {
                return Ok(x);
            }
            let c = match as_complex(vm, x)? {
                Some(c) => c,
                None => (vm.to_f64(x)?, 0.0),
            };
            if cls == rt().types.complex { Ok(ops::value(c)) } else { vm.call(cls.value(), &[ops::value(c)]) }
        },
    )
    .method(
        "conjugate($self, /)",
        "Return the complex conjugate of its argument. (3-4j).conjugate() == 3+4j.",
        |_: &Vm, z: Z| ops::value((z.re, -z.im)),
    )
    .method("__complex__($self, /)", "Convert this value to exact type complex.", exact)
    .method("__getnewargs__($self, /)", "", |_: &Vm, z: Z| {
        TupleObj::new(&[Value::float(z.re), Value::float(z.im)])
    })
    .method(
        "__format__($self, format_spec, /)",
        "Convert to a string according to format_spec.",
        |vm: &Vm, z: Z, spec: Ptr<StrObj>| {
            if spec.is_empty() { vm.str(z.value()) } else { format_complex(vm, z.re, z.im, spec) }
        },
    )
    .getter("real", "the real part of a complex number", |_: &Vm, z: Z| z.re)
    .getter("imag", "the imaginary part of a complex number", |_: &Vm, z: Z| z.im);
}

fn exact(_: &Vm, z: Z) -> Value {
    if z.header().map() == rt().maps.complex { z.value() } else { ops::value((z.re, z.im)) }
}

/// `repr` of a complex number.
pub fn repr(c: C) -> String {
    let im = float_text::short(c.1);
    if c.0 == 0.0 && c.0.is_sign_positive() {
        return format!("{im}j");
    }
    let sign = if im.starts_with('-') { "" } else { "+" };
    format!("({}{sign}{im}j)", float_text::short(c.0))
}

fn hash(vm: &Vm, z: Z) -> Value {
    let part = |f: f64| {
        if f.is_nan() { vm.identity_hash(z.value()) as u64 } else { cape_vm::ops::hash_f64(f) as u64 }
    };
    let h = part(z.re).wrapping_add(part(z.im).wrapping_mul(1_000_003)) as i64;
    int_value(if h == -1 { -2 } else { h })
}

fn abs(vm: &Vm, z: Z) -> Res<f64> {
    let r = libm::hypot(z.re, z.im);
    if r.is_infinite() && z.re.is_finite() && z.im.is_finite() {
        return Err(vm.overflow_error("absolute value too large"));
    }
    Ok(r)
}

/// The number in a `complex`, or what `__complex__` gives; `None` for other objects.
pub fn as_complex(vm: &Vm, x: Value) -> Res<Option<C>> {
    let own = rt().types.complex.special(Special::Complex);
    if let Some(z) = x.downcast::<ComplexObj>().filter(|_| type_of(x).special(Special::Complex) == own) {
        return Ok(Some((z.re, z.im)));
    }
    if !x.is_ptr() {
        return Ok(None);
    }
    let Some(r) = vm.try_special(x, Special::Complex, &[])? else { return Ok(None) };
    let Some(z) = r.downcast::<ComplexObj>() else {
        return Err(vm.type_error(format!("__complex__ returned non-complex (type {})", type_of(r).name_str())));
    };
    if type_of(r) != rt().types.complex {
        let message = format!(
            "__complex__ returned non-complex (type {}).  The ability to return an instance of a strict subclass of \
             complex is deprecated, and may be removed in a future version of Python.",
            type_of(r).name_str()
        );
        warn(vm, rt().types.deprecation_warning, &message)?;
    }
    Ok(Some((z.re, z.im)))
}

fn is_real(x: Value) -> bool {
    let t = type_of(x);
    !t.special(Special::Float).is_empty() || !t.special(Special::Index).is_empty()
}

fn new(vm: &Vm, cls: Ptr<TypeObj>, real: Value, imag: Value) -> Res<Value> {
    // What is passed by name is a part, which should be real.
    let named = vm.called_by_name();
    if imag.is_empty() && !named && cls == rt().types.complex && !real.is_empty() && type_of(real) == cls {
        return Ok(real);
    }
    let c = if imag.is_empty() && !named && let Some(s) = real.downcast::<StrObj>() {
        parse(&ascii_number(s)).ok_or_else(|| vm.value_error("complex() arg is a malformed string"))?
    } else {
        from_parts(vm, real, imag, named)?
    };
    Ok(ComplexObj::with_map(cls.instance_map(), c.0, c.1).value())
}

fn from_parts(vm: &Vm, real: Value, imag: Value, named: bool) -> Res<C> {
    let (mut re, mut im) = (0.0, 0.0);
    let not_real = |which: &str, x: Value| {
        format!("complex() argument '{which}' must be a real number, not {}", type_name(x))
    };
    if !real.is_empty() {
        match as_complex(vm, real)? {
            Some(c) => {
                (re, im) = c;
                if named || !imag.is_empty() {
                    warn(vm, rt().types.deprecation_warning, &not_real("real", real))?;
                }
            }
            None if is_real(real) => re = object_float(real).map_or_else(|| vm.to_f64(real), Ok)?,
            None if imag.is_empty() && !named => {
                return Err(vm.type_error(format!(
                    "complex() argument must be a string or a number, not {}",
                    type_name(real)
                )));
            }
            None => return Err(vm.type_error(not_real("real", real))),
        }
    }
    if !imag.is_empty() {
        match imag.downcast::<ComplexObj>() {
            Some(z) => {
                warn(vm, rt().types.deprecation_warning, &not_real("imag", imag))?;
                re -= z.im;
                im += z.re;
            }
            None if is_real(imag) => {
                let f = vm.to_f64(imag)?;
                im = if im == 0.0 { f } else { im + f };
            }
            None => return Err(vm.type_error(not_real("imag", imag))),
        }
    }
    Ok((re, im))
}

/// Length of the float literal at the start of `s` (underscores included); 0 when there is none.
fn float_length(s: &[u8]) -> usize {
    let mut i = s.first().is_some_and(|b| matches!(b, b'+' | b'-')) as usize;
    let rest = &s[i..];
    for word in [&b"infinity"[..], b"inf", b"nan"] {
        if rest.len() >= word.len() && rest[..word.len()].eq_ignore_ascii_case(word) {
            return i + word.len();
        }
    }
    let digits = |mut i: usize| {
        while s.get(i).is_some_and(|b| b.is_ascii_digit() || *b == b'_') {
            i += 1;
        }
        i
    };
    let start = i;
    i = digits(i);
    let mut any = i > start;
    if s.get(i) == Some(&b'.') {
        let j = digits(i + 1);
        any |= j > i + 1;
        i = j;
    }
    if !any {
        return 0;
    }
    if s.get(i).is_some_and(|b| matches!(b, b'e' | b'E')) {
        let sign = s.get(i + 1).is_some_and(|b| matches!(b, b'+' | b'-')) as usize;
        let j = digits(i + 1 + sign);
        if j > i + 1 + sign {
            i = j;
        }
    }
    i
}

/// The complex number that ASCII text spells.
pub fn parse(text: &[u8]) -> Option<C> {
    let mut s = strip(text);
    if let [b'(', inner @ .., b')'] = s {
        s = strip(inner);
    }
    let is_j = |s: &[u8]| matches!(s, [b'j' | b'J']);
    let number = |s: &[u8]| float_text::parse(s);
    let n = float_length(s);
    if n > 0 {
        let first = number(&s[..n])?;
        let rest = &s[n..];
        if rest.is_empty() {
            return Some((first, 0.0));
        }
        if is_j(rest) {
            return Some((0.0, first));
        }
        if !matches!(rest[0], b'+' | b'-') {
            return None;
        }
        let m = float_length(rest);
        if m > 0 {
            return is_j(&rest[m..]).then_some((first, number(&rest[..m])?));
        }
        let unit = if rest[0] == b'-' { -1.0 } else { 1.0 };
        return is_j(&rest[1..]).then_some((first, unit));
    }
    match s {
        [b'+', rest @ ..] if is_j(rest) => Some((0.0, 1.0)),
        [b'-', rest @ ..] if is_j(rest) => Some((0.0, -1.0)),
        s if is_j(s) => Some((0.0, 1.0)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals() {
        for (s, c) in [
            ("1", (1.0, 0.0)),
            ("1j", (0.0, 1.0)),
            (" ( 1+2j ) ", (1.0, 2.0)),
            ("-1.5e3-j", (-1500.0, -1.0)),
            ("inf-infinityj", (f64::INFINITY, f64::NEG_INFINITY)),
            ("+J", (0.0, 1.0)),
            ("1_0+2_0j", (10.0, 20.0)),
        ] {
            assert_eq!(parse(s.as_bytes()), Some(c), "{s}");
        }
        for s in ["", "1+", "1+2", "j1", "1 + 2j", "(1", "1__0", "1+2jj"] {
            assert_eq!(parse(s.as_bytes()), None, "{s}");
        }
    }

    #[test]
    fn text() {
        assert_eq!(repr((0.0, 1.0)), "1j");
        assert_eq!(repr((-0.0, 1.0)), "(-0+1j)");
        assert_eq!(repr((1.5, -0.0)), "(1.5-0j)");
        assert_eq!(repr((1.0, f64::NAN)), "(1+nanj)");
    }
}
