//! `int`.

use cape_vm::native::{OrNone, extend};
use cape_vm::object::*;
use cape_vm::special::Special;
use cape_vm::{Ptr, Res, Value, Vm, rt, type_of};
use num_bigint::{BigInt, Sign};
use num_traits::ToPrimitive;

use crate::format::format_int;
use crate::int_ops::{self as ops, exact, word};
use crate::number::{ascii_number, buffer_bytes, type_name};
use crate::{binary_operators, int_text, rich_comparisons};

/// Completes the type.
pub fn init(_vm: &Vm) {
    let t = extend(rt().types.int);
    t.new_fn("__new__(cls, x=0, /, base=10)", "Create and return a new object.", new)
        .method("__repr__($self, /)", "Return repr(self).", int_text::repr)
        .method("__hash__($self, /)", "Return hash(self).", ops::hash)
        .method("__pow__($self, value, mod=None, /)", "Return pow(self, value, mod).", ops::pow)
        .method("__rpow__($self, value, mod=None, /)", "Return pow(value, self, mod).", ops::rpow)
        .method("__divmod__($self, value, /)", "Return divmod(self, value).", ops::divmod)
        .method("__rdivmod__($self, value, /)", "Return divmod(value, self).", ops::rdivmod)
        .method("__neg__($self, /)", "-self", ops::neg)
        .method("__pos__($self, /)", "+self", ops::pos)
        .method("__abs__($self, /)", "abs(self)", ops::abs)
        .method("__bool__($self, /)", "True if self else False", ops::truth)
        .method("__invert__($self, /)", "~self", ops::invert)
        .method("__int__($self, /)", "int(self)", ops::pos)
        .method("__float__($self, /)", "float(self)", to_float)
        .method(
            "__index__($self, /)",
            "Return self converted to an integer, if self is suitable for use as an index into a list.",
            ops::pos,
        );
    rich_comparisons!(t, Value, ops::compare);
    binary_operators! { t;
        "add" "+" ops::add, ops::radd;
        "sub" "-" ops::sub, ops::rsub;
        "mul" "*" ops::mul, ops::rmul;
        "mod" "%" ops::modulo, ops::rmod;
        "lshift" "<<" ops::lshift, ops::rlshift;
        "rshift" ">>" ops::rshift, ops::rrshift;
        "and" "&" ops::and, ops::rand;
        "xor" "^" ops::xor, ops::rxor;
        "or" "|" ops::or, ops::ror;
        "floordiv" "//" ops::floordiv, ops::rfloordiv;
        "truediv" "/" ops::truediv, ops::rtruediv;
    }
    methods(t);
    t.doc(
        "int([x]) -> integer\nint(x, base=10) -> integer\n\nConvert a number or string to an integer, or return 0 if no \
         arguments\nare given.  A number x is converted by x.__int__(), which truncates\nfloating-point numbers towards \
         zero.\n\nOtherwise, or when base is given, x must be a str, bytes or bytearray\nthat spells an integer literal \
         in that base.  A sign may precede it and\nwhitespace surround it.  Base 0 means to interpret the literal's prefix \
         as\nin source code.\n>>> int('0x2a', base=0)\n42",
    );
}

fn methods(t: cape_vm::native::TypeBuilder) {
    t.method("conjugate($self, /)", "Returns self, the complex conjugate of any int.", ops::pos)
        .method(
            "bit_length($self, /)",
            "Number of bits necessary to represent self in binary.\n\n>>> bin(-42)\n'-0b101010'\n>>> (-42).bit_length()\n6",
            |_: &Vm, v: Value| bit_length(v),
        )
        .method(
            "bit_count($self, /)",
            "Number of ones in the binary representation of the absolute value of self.\n\n>>> bin(-42)\n'-0b101010'\n>>> (-42).bit_count()\n3",
            bit_count,
        )
        .method(
            "to_bytes($self, /, length=1, byteorder='big', *, signed=False)",
            "Return an array of bytes representing an integer.",
            to_bytes,
        )
        .class_method(
            "from_bytes($type, /, bytes, byteorder='big', *, signed=False)",
            "Return the integer represented by the given array of bytes.",
            from_bytes,
        )
        .method(
            "as_integer_ratio($self, /)",
            "Return a pair of integers, whose ratio is equal to the original int.\n\n>>> (7).as_integer_ratio()\n(7, 1)\n>>> (-7).as_integer_ratio()\n(-7, 1)\n>>> False.as_integer_ratio()\n(0, 1)",
            |_: &Vm, v: Value| TupleObj::new(&[exact(v), Value::int(1)]),
        )
        .method("__trunc__($self, /)", "Truncating an Integral returns itself.", ops::pos)
        .method("__floor__($self, /)", "Flooring an Integral returns itself.", ops::pos)
        .method("__ceil__($self, /)", "Ceiling of an Integral returns itself.", ops::pos)
        .method(
            "__round__($self, ndigits=None, /)",
            "Rounding an Integral returns itself.\n\nRounding with an ndigits argument also returns an integer.",
            round,
        )
        .method("__getnewargs__($self, /)", "", |_: &Vm, v: Value| TupleObj::new(&[exact(v)]))
        .method(
            "__format__($self, format_spec, /)",
            "Convert to a string according to format_spec.",
            |vm: &Vm, v: Value, spec: Ptr<StrObj>| -> Res<Ptr<StrObj>> {
                if spec.is_empty() {
                    return vm.str(v);
                }
                let i = Int::of(v).ok_or_else(|| vm.type_error("an int is required"))?;
                format_int(vm, &i, spec)
            },
        )
        .method("__sizeof__($self, /)", "Returns size in memory, in bytes.", |_: &Vm, v: Value| {
            24 + 4 * bits(v).div_ceil(30).max(1)
        })
        .method(
            "is_integer($self, /)",
            "Returns True. Exists for duck type compatibility with float.is_integer.",
            |_: &Vm, _: Value| true,
        )
        .getter("real", "the real part of a complex number", ops::pos)
        .getter("imag", "the imaginary part of a complex number", |_: &Vm, _: Value| 0i64)
        .getter("numerator", "the numerator of a rational number in lowest terms", ops::pos)
        .getter("denominator", "the denominator of a rational number in lowest terms", |_: &Vm, _: Value| 1i64);
}

fn new(vm: &Vm, cls: Ptr<TypeObj>, x: Value, base: Value) -> Res<Value> {
    if base.is_empty() && cls == rt().types.int {
        return if x.is_empty() { Ok(Value::int(0)) } else { to_int(vm, x) };
    }
    let v = match (x.is_empty(), base.is_empty()) {
        (true, true) => Value::int(0),
        (true, false) => return Err(vm.type_error("int() missing string argument")),
        (false, true) => to_int(vm, x)?,
        (false, false) => with_base(vm, x, base)?,
    };
    Ok(of_class(cls, v))
}

/// The int `v` as an instance of `cls`.
fn of_class(cls: Ptr<TypeObj>, v: Value) -> Value {
    if cls == rt().types.int {
        return v;
    }
    match Int::of(v) {
        Some(Int::Small(i)) => LongObj::from_i128(cls.instance_map(), i as i128).value(),
        Some(Int::Big(b)) => LongObj::with_map(cls.instance_map(), &b).value(),
        None => v,
    }
}

fn with_base(vm: &Vm, x: Value, base: Value) -> Res<Value> {
    // Bases beyond the machine's words are as wrong as 37.
    let base = match vm.index_int(base)? {
        Int::Small(b @ (0 | 2..=36)) => b as u32,
        _ => return Err(vm.value_error("int() base must be >= 2 and <= 36, or 0")),
    };
    if let Some(s) = x.downcast::<StrObj>() {
        return int_text::parse(vm, &ascii_number(s), base, x);
    }
    if x.is::<BytesObj>() || x.is::<BytearrayObj>() {
        return from_buffer(vm, x, base).map(|v| v.expect("bytes have a buffer"));
    }
    Err(vm.type_error("int() can't convert non-string with explicit base"))
}

/// The literal in a bytes-like object; `None` when `x` is none.
fn from_buffer(vm: &Vm, x: Value, base: u32) -> Res<Option<Value>> {
    let Some(data) = buffer_bytes(vm, x)? else { return Ok(None) };
    let shown = if x.is::<BytesObj>() { x } else { BytesObj::new(&data).value() };
    int_text::parse(vm, &data, base, shown).map(Some)
}

/// `int(x)` without a base, of exact type `int`: numbers through `__int__` or `__index__`, text and bytes parsed.
pub fn to_int(vm: &Vm, x: Value) -> Res<Value> {
    if x.is_int() || x.is_ptr() && x.header().map() == rt().maps.int {
        return Ok(x);
    }
    if let Some(f) = cape_vm::object_float(x)
        && type_of(x) == rt().types.float
    {
        return crate::float_ops::trunc(vm, f);
    }
    if let Some(i) = short_literal(x) {
        return Ok(i);
    }
    let f = type_of(x).special(Special::Int);
    if !f.is_empty() {
        let r = vm.call_special(f, &[x])?;
        return if r.is_int() { Ok(r) } else { vm.checked_int(r, "__int__") };
    }
    if let Some(r) = vm.try_special(x, Special::Index, &[])? {
        return vm.checked_int(r, "__index__");
    }
    if let Some(s) = x.downcast::<StrObj>() {
        return int_text::parse(vm, &ascii_number(s), 10, x);
    }
    match from_buffer(vm, x, 10)? {
        Some(v) => Ok(v),
        None => Err(vm.type_error(format!(
            "int() argument must be a string, a bytes-like object or a real number, not '{}'",
            type_name(x)
        ))),
    }
}

/// The int that a `str` spells with a few digits and perhaps a sign, as nearly all do.
fn short_literal(x: Value) -> Option<Value> {
    if !x.is_ptr() || x.header().map() != rt().maps.str {
        return None;
    }
    // SAFETY: its map says so.
    let text = unsafe { x.cast::<StrObj>() };
    int_text::short(text.as_ascii()?.as_bytes()).map(int_value)
}

fn to_float(vm: &Vm, v: Value) -> Res<Value> {
    let i = Int::of(v).ok_or_else(|| vm.type_error("an int is required"))?;
    vm.int_to_f64(&i).map(Value::float)
}

/// Bits of the magnitude.
fn bits(v: Value) -> u64 {
    match word(v) {
        Some(w) => 64 - w.unsigned_abs().leading_zeros() as u64,
        None => v.downcast::<LongObj>().map_or(0, |l| {
            let d = l.digits();
            d.len() as u64 * 32 - d.last().map_or(0, |d| d.leading_zeros() as u64)
        }),
    }
}

fn bit_length(v: Value) -> Value {
    int_value(bits(v) as i64)
}

fn bit_count(_: &Vm, v: Value) -> i64 {
    match word(v) {
        Some(w) => w.unsigned_abs().count_ones() as i64,
        None => v
            .downcast::<LongObj>()
            .map_or(0, |l| l.digits().iter().map(|d| d.count_ones() as i64).sum()),
    }
}

fn round(vm: &Vm, v: Value, ndigits: OrNone<Int>) -> Value {
    let digits = match ndigits.0 {
        Some(Int::Small(n)) if n < 0 => n.unsigned_abs(),
        Some(Int::Big(n)) if n.sign() == Sign::Minus => u64::MAX,
        _ => return ops::pos(vm, v),
    };
    Int::of(v).map_or(v, |i| ops::round_to(i, digits))
}

/// Whether the byte order is little-endian.
fn little(vm: &Vm, order: Value) -> Res<bool> {
    if order.is_empty() {
        return Ok(false);
    }
    match order.downcast::<StrObj>() {
        Some(s) if s.eq_str("little") => Ok(true),
        Some(s) if s.eq_str("big") => Ok(false),
        Some(_) => Err(vm.value_error("byteorder must be either 'little' or 'big'")),
        None => Err(vm.type_error(format!(
            "{} must be str, not {}",
            "to_bytes() argument 'byteorder'",
            type_name(order)
        ))),
    }
}

fn to_bytes(vm: &Vm, v: Value, length: Option<isize>, order: Value, signed: Option<bool>) -> Res<Ptr<BytesObj>> {
    let little = little(vm, order)?;
    let length = length.unwrap_or(1);
    if length < 0 {
        return Err(vm.value_error("length argument must be non-negative"));
    }
    let mut data = bytes_of(vm, v, length as usize, signed.unwrap_or(false))?;
    if !little {
        data.reverse();
    }
    Ok(BytesObj::new(&data))
}

/// The little-endian bytes of the int `v`, sign-extended to `length`; OverflowError when they do not suffice.
fn bytes_of(vm: &Vm, v: Value, length: usize, signed: bool) -> Res<Vec<u8>> {
    let negative = match word(v) {
        Some(w) => w < 0,
        None => v.downcast::<LongObj>().is_some_and(|l| l.is_negative()),
    };
    if negative && !signed {
        return Err(vm.overflow_error("can't convert negative int to unsigned"));
    }
    let mut data = match word(v) {
        Some(w) => w.to_le_bytes().to_vec(),
        None => Int::of(v).map_or_else(Vec::new, |i| i.into_big().to_signed_bytes_le()),
    };
    let fill = if negative { 0xff } else { 0 };
    let fits = data.iter().skip(length).all(|&b| b == fill)
        && (!signed || length == 0 || data.len() < length || (data[length - 1] ^ fill) & 0x80 == 0)
        && !(length == 0 && negative);
    if !fits {
        return Err(vm.overflow_error("int too big to convert"));
    }
    data.resize(length, fill);
    Ok(data)
}

fn from_bytes(
    vm: &Vm,
    cls: Ptr<TypeObj>,
    bytes: Value,
    order: Value,
    signed: Option<bool>,
) -> Res<Value> {
    let little = little(vm, order)?;
    let mut data = match bytes.downcast::<BytesObj>() {
        Some(b) => b.as_slice().to_vec(),
        None => {
            let iterable = bytes.is_ptr()
                && !bytes.is::<StrObj>()
                && [Special::Bytes, Special::Buffer, Special::Iter, Special::Getitem]
                    .iter()
                    .any(|&s| !type_of(bytes).special(s).is_empty());
            if !iterable {
                return Err(vm.type_error(format!("cannot convert '{}' object to bytes", type_name(bytes))));
            }
            let b = vm.call(rt().types.bytes.value(), &[bytes])?;
            b.downcast::<BytesObj>().map(|b| b.as_slice().to_vec()).unwrap_or_default()
        }
    };
    if !little {
        data.reverse();
    }
    let v = from_le_bytes(&data, signed.unwrap_or(false));
    if cls == rt().types.int { Ok(v) } else { vm.call(cls.value(), &[v]) }
}

/// The int that little-endian bytes spell.
pub fn from_le_bytes(data: &[u8], signed: bool) -> Value {
    if data.len() <= 8 {
        let negative = signed && data.last().is_some_and(|b| b & 0x80 != 0);
        let mut word = [if negative { 0xff } else { 0 }; 16];
        word[..data.len()].copy_from_slice(data);
        return i128_value(i128::from_le_bytes(word));
    }
    big_value(if signed { BigInt::from_signed_bytes_le(data) } else { BigInt::from_bytes_le(Sign::Plus, data) })
}

/// The int `v` (of any representation) as `usize`, when it fits.
pub fn to_usize(v: Value) -> Option<usize> {
    match Int::of(v)? {
        Int::Small(i) => usize::try_from(i).ok(),
        Int::Big(b) => b.to_usize(),
    }
}
