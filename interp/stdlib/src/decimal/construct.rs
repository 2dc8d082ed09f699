//! Numbers from other objects: `Decimal(...)`, `from_float`, `create_decimal`; and as tuples.

use std::borrow::Cow;

use cape_builtins::number::{decimal as digit_value, is_space};
use cape_decimal::context::status::*;
use cape_decimal::{Kind, NoMemory, Number, from_words, parse, parse_exact};
use cape_vm::native::TypeBuilder;
use cape_vm::object::*;
use cape_vm::{Ptr, Raised, Res, Value, Vm, intern, object_float};
use num_bigint::BigUint;

use super::arguments::{Class, compute, context as context_argument, from_int, no_memory, unsupported};
use super::context::Ctx;
use super::object::{Dec, DecimalObj, class, new, of_class};
use crate::statics::StaticValue;

/// Adds the constructors to the class.
pub fn add(b: TypeBuilder) {
    b.new_fn("__new__(cls, value=\"0\", context=None)", "Create and return a new object.", construct)
        .class_method(
            "from_float($type, f, /)",
            "The number that a float is, exactly.",
            |vm: &Vm, cls: Class, v: Value| {
                let n = match float_or_int(vm, v)? {
                    Some(n) => n,
                    None => return Err(vm.type_error("argument must be int or float")),
                };
                of_class(vm, cls, &n)
            },
        )
        .class_method(
            "from_number($type, number, /)",
            "The number that an int, a float or another number is, exactly.",
            |vm: &Vm, cls: Class, v: Value| {
                if let Some(d) = v.downcast::<DecimalObj>() {
                    return if cls == class() && d.is_exact() { Ok(v) } else { of_class(vm, cls, &d.num().to_number()) };
                }
                match float_or_int(vm, v)? {
                    Some(n) => of_class(vm, cls, &n),
                    None => Err(unsupported(vm, v)),
                }
            },
        )
        .method("as_tuple($self, /)", "The number as a tuple of sign, digits and exponent.", as_tuple);
}

fn construct(vm: &Vm, cls: Ptr<TypeObj>, v: Value, given: Value) -> Res<Value> {
    if !given.is_empty() {
        context_argument(vm, given)?;
    }
    if cls == class() {
        if let Some(d) = v.downcast::<DecimalObj>()
            && d.is_exact()
        {
            return Ok(v);
        }
        return Ok(new(&exact(vm, v, given)?));
    }
    let n = exact(vm, v, given)?;
    Ok(DecimalObj::with_map(cls.instance_map(), n.view()).value())
}

/// What an object is, exactly. The context, which may be given, is looked for when there is something to signal.
fn exact(vm: &Vm, v: Value, given: Value) -> Res<Number> {
    if v.is_empty() {
        return Ok(Number::zero(false, 0));
    }
    if let Some(s) = v.downcast::<StrObj>() {
        return exact_text(vm, &text(s, true), given);
    }
    if let Some(n) = from_int(vm, v) {
        return n;
    }
    if let Some(d) = v.downcast::<DecimalObj>() {
        return Ok(d.num().to_number());
    }
    if v.is::<TupleObj>() || v.is::<ListObj>() {
        return exact_text(vm, &tuple_text(vm, v)?, given);
    }
    if let Some(f) = object_float(v) {
        context_argument(vm, given)?.signal(vm, FLOAT_OPERATION)?;
        return from_float(vm, f);
    }
    Err(unsupported(vm, v))
}

fn exact_text(vm: &Vm, text: &[u8], given: Value) -> Res<Number> {
    let mut conditions = 0;
    match parse_exact(text, &mut conditions) {
        Ok(n) => {
            if conditions != 0 {
                context_argument(vm, given)?.signal(vm, conditions)?;
            }
            Ok(n)
        }
        Err(NoMemory) => Err(no_memory(vm)),
    }
}

/// What an object is, by the rules of a context: `Context.create_decimal`.
pub fn create(vm: &Vm, c: Ctx, v: Value) -> Res<Value> {
    if v.is_empty() {
        return Ok(new(&Number::zero(false, 0)));
    }
    if let Some(d) = v.downcast::<DecimalObj>() {
        let n = d.num();
        let cx = c.cx();
        if n.is_nan() {
            // A payload that is too long is no number at all.
            if !n.coeff.is_empty() && n.digits() > cx.prec - cx.clamp as i64 {
                c.signal(vm, CONVERSION_SYNTAX)?;
                return Ok(new(&Number::nan()));
            }
            return Ok(if d.is_exact() { v } else { new(&n.to_number()) });
        }
        return compute(vm, c, |cx, st| cx.finalize(n.to_number(), st));
    }
    if let Some(n) = from_int(vm, v) {
        let n = n?;
        return compute(vm, c, |cx, st| cx.finalize(n, st));
    }
    if let Some(s) = v.downcast::<StrObj>() {
        return compute(vm, c, |cx, st| parse(&text(s, false), cx, st));
    }
    if v.is::<TupleObj>() || v.is::<ListObj>() {
        let text = tuple_text(vm, v)?;
        return compute(vm, c, |cx, st| parse(&text, cx, st));
    }
    if let Some(f) = object_float(v) {
        c.signal(vm, FLOAT_OPERATION)?;
        let n = from_float(vm, f)?;
        return compute(vm, c, |cx, st| cx.finalize(n, st));
    }
    Err(unsupported(vm, v))
}

/// `Context.create_decimal_from_float`
pub fn create_from_float(vm: &Vm, c: Ctx, v: Value) -> Res<Value> {
    match float_or_int(vm, v)? {
        Some(n) => compute(vm, c, |cx, st| cx.finalize(n, st)),
        None => Err(vm.type_error("argument must be int or float")),
    }
}

fn float_or_int(vm: &Vm, v: Value) -> Res<Option<Number>> {
    match (from_int(vm, v), object_float(v)) {
        (Some(n), _) => n.map(Some),
        (None, Some(f)) => from_float(vm, f).map(Some),
        _ => Ok(None),
    }
}

/// The number that a float is.
pub fn from_float(vm: &Vm, f: f64) -> Res<Number> {
    if f.is_nan() {
        return Ok(Number::nan());
    }
    let negative = f.is_sign_negative();
    if f.is_infinite() {
        return Ok(Number::infinity(negative));
    }
    let bits = f.to_bits();
    let (e, fraction) = ((bits >> 52 & 0x7ff) as i64, bits & ((1 << 52) - 1));
    let (m, e) = if e == 0 { (fraction, -1074) } else { (fraction | 1 << 52, e - 1075) };
    if m == 0 {
        return Ok(Number::zero(negative, 0));
    }
    let twos = m.trailing_zeros() as i64;
    let (m, e) = (m >> twos, e + twos);
    // Two to a negative power is five to the positive one, over the power of ten.
    let big = if e < 0 { BigUint::from(m) * BigUint::from(5u32).pow(-e as u32) } else { BigUint::from(m) << e };
    match from_words(&big.to_u64_digits()) {
        Ok(coeff) => Ok(Number::new(negative, coeff, e.min(0))),
        Err(NoMemory) => Err(no_memory(vm)),
    }
}

/// The characters of a number in ASCII: of what cannot be in one, a question mark. `lax`: without spaces around and underscores.
fn text(s: Ptr<StrObj>, lax: bool) -> Cow<'static, [u8]> {
    if let Some(a) = s.as_ascii() {
        let bytes = a.as_bytes();
        // SAFETY: the caller parses the text before anything can collect, and holds the string on its stack.
        let bytes: &'static [u8] = unsafe { std::slice::from_raw_parts(bytes.as_ptr(), bytes.len()) };
        if !lax {
            return Cow::Borrowed(bytes);
        }
        let space = |b: &u8| is_space(*b as u32);
        let from = bytes.iter().position(|b| !space(b)).unwrap_or(bytes.len());
        let to = bytes.iter().rposition(|b| !space(b)).map_or(from, |i| i + 1);
        let bytes = &bytes[from..to];
        if !bytes.contains(&b'_') {
            return Cow::Borrowed(bytes);
        }
        return Cow::Owned(bytes.iter().copied().filter(|&b| b != b'_').collect());
    }
    let chars: Vec<u32> = s.chars().collect();
    let mut chars = &chars[..];
    if lax {
        while let [c, rest @ ..] = chars
            && is_space(*c)
        {
            chars = rest;
        }
        while let [rest @ .., c] = chars
            && is_space(*c)
        {
            chars = rest;
        }
    }
    let ascii = |&c: &u32| match c {
        0..0x80 => c as u8,
        _ => digit_value(c).map_or(b'?', |d| b'0' + d),
    };
    Cow::Owned(chars.iter().filter(|&&c| !lax || c != '_' as u32).map(ascii).collect())
}

/// The text of a number that is given as a sequence of sign, digits and exponent.
fn tuple_text(vm: &Vm, v: Value) -> Res<Vec<u8>> {
    let error = |message: &str| -> Raised { vm.value_error(message) };
    let items = sequence(v).filter(|t| t.len() == 3);
    let Some(items) = items else { return Err(error("argument must be a sequence of length 3")) };
    let sign = match Int::of(items.get(0)).and_then(|i| i.to_i64()) {
        Some(s @ 0..=1) => s,
        _ => return Err(error("sign must be an integer with the value 0 or 1")),
    };
    let mut out = if sign == 1 { b"-".to_vec() } else { Vec::new() };
    let third = items.get(2);
    let mut exp = None;
    if let Some(s) = third.downcast::<StrObj>() {
        out.extend_from_slice(match s.as_ascii() {
            Some("F") => b"Inf",
            Some("n") => b"NaN",
            Some("N") => b"sNaN",
            _ => return Err(error("string argument in the third position must be 'F', 'n' or 'N'")),
        });
    } else {
        match Int::of(third) {
            None => return Err(error("exponent must be an integer")),
            Some(_) => exp = Some(super::arguments::size(vm, third)?),
        }
    }
    let wrong = "coefficient must be a tuple of digits";
    let Some(digits) = sequence(items.get(1)) else { return Err(error(wrong)) };
    let infinite = out.ends_with(b"f");
    for i in 0..digits.len() {
        match Int::of(digits.get(i)).and_then(|i| i.to_i64()) {
            Some(d @ 0..=9) if infinite => _ = d,
            Some(d @ 0..=9) => out.push(b'0' + d as u8),
            _ => return Err(error(wrong)),
        }
    }
    if let Some(exp) = exp {
        if digits.is_empty() {
            out.push(b'0');
        }
        out.extend_from_slice(format!("E{exp}").as_bytes());
    }
    Ok(out)
}

/// A list or tuple as a tuple.
fn sequence(v: Value) -> Option<Ptr<TupleObj>> {
    if let Some(l) = v.downcast::<ListObj>() {
        let t = TupleObj::uninit(l.len());
        for i in 0..l.len() {
            t.init(i, l.get(i).unwrap_or(Value::NONE));
        }
        return Some(t);
    }
    v.downcast()
}

static TUPLE: StaticValue = StaticValue::new();

/// The class of what `as_tuple` gives.
pub fn decimal_tuple(vm: &Vm) -> Res<Value> {
    TUPLE.get_or(|| {
        let make = vm.import_attr("collections", "namedtuple")?;
        let fields = intern("sign digits exponent");
        let kwargs = DictObj::new();
        kwargs.set(vm, intern("module"), intern("decimal"))?;
        vm.call_dict(make, &[intern("DecimalTuple"), fields], Some(kwargs))
    })
}

fn as_tuple(vm: &Vm, d: Dec) -> Res<Value> {
    let n = d.num();
    let exp = match n.kind {
        Kind::Finite => int_value(n.exp),
        Kind::Infinite => intern("F"),
        Kind::Quiet => intern("n"),
        Kind::Signaling => intern("N"),
    };
    let n = d.num();
    let digits = if n.is_nan() && n.coeff.is_empty() {
        Vec::new()
    } else {
        cape_decimal::digits_text(n.coeff).iter().map(|b| Value::int((b - b'0') as i64)).collect()
    };
    let digits = TupleObj::new(&digits).value();
    vm.call(decimal_tuple(vm)?, &[Value::int(d.num().negative as i64), digits, exp])
}

