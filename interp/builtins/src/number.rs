//! What the files of the numeric types share.

use cape_vm::object::*;
use cape_vm::{Ptr, Res, Value, Vm, rt, type_of};

/// Adds binary operators and their reflected forms to a class: name, symbol, function, reflected function.
#[macro_export]
macro_rules! binary_operators {
    ($t:expr; $($name:literal $symbol:literal $f:path, $r:path;)*) => {{
        let t = $t;
        $(
            t.method(concat!("__", $name, "__($self, value, /)"), concat!("Return self", $symbol, "value."), $f);
            t.method(concat!("__r", $name, "__($self, value, /)"), concat!("Return value", $symbol, "self."), $r);
        )*
    }};
}

/// Adds the six rich comparisons to a class. `$f` is a function `(&Vm, receiver, Value, Cmp) -> R`, `$r` the receiver's type.
#[macro_export]
macro_rules! rich_comparisons {
    ($t:expr, $r:ty, $f:path) => {{
        use cape_vm::ops::Cmp;
        $t.method("__lt__($self, value, /)", "Return self<value.", |vm: &Vm, a: $r, b: Value| {
            $f(vm, a, b, Cmp::Lt)
        })
        .method("__le__($self, value, /)", "Return self<=value.", |vm: &Vm, a: $r, b: Value| {
            $f(vm, a, b, Cmp::Le)
        })
        .method("__eq__($self, value, /)", "Return self==value.", |vm: &Vm, a: $r, b: Value| {
            $f(vm, a, b, Cmp::Eq)
        })
        .method("__ne__($self, value, /)", "Return self!=value.", |vm: &Vm, a: $r, b: Value| {
            $f(vm, a, b, Cmp::Ne)
        })
        .method("__gt__($self, value, /)", "Return self>value.", |vm: &Vm, a: $r, b: Value| {
            $f(vm, a, b, Cmp::Gt)
        })
        .method("__ge__($self, value, /)", "Return self>=value.", |vm: &Vm, a: $r, b: Value| {
            $f(vm, a, b, Cmp::Ge)
        })
    }};
}

/// Issues a warning of this category at the caller's line.
pub fn warn(vm: &Vm, category: Ptr<TypeObj>, message: &str) -> Res<()> {
    vm.warn(category, message)
}

/// `str` of the running type's name, for messages.
pub fn type_name(v: Value) -> String {
    cape_vm::class::full_name(type_of(v))
}

/// Text as `int()` and `float()` read it: decimal digits and spaces of all scripts as their ASCII forms, other characters
/// beyond ASCII as `?`.
pub fn ascii_number(s: Ptr<StrObj>) -> Vec<u8> {
    if let Some(a) = s.as_ascii() {
        return a.as_bytes().to_vec();
    }
    s.chars()
        .map(|c| match c {
            0..0x80 => c as u8,
            _ if is_space(c) => b' ',
            _ => decimal(c).map_or(b'?', |d| b'0' + d),
        })
        .collect()
}

/// `str.isspace` of one code point.
pub fn is_space(c: u32) -> bool {
    matches!(c, 0x1c..=0x1f) || char::from_u32(c).is_some_and(char::is_whitespace)
}

/// The value of a decimal digit of any script.
pub fn decimal(c: u32) -> Option<u8> {
    let i = ZEROS.partition_point(|&z| z <= c);
    let zero = *ZEROS.get(i.checked_sub(1)?)?;
    (c - zero < 10).then_some((c - zero) as u8)
}

/// Strips ASCII whitespace as `str.strip` does.
pub fn strip(s: &[u8]) -> &[u8] {
    let space = |b: &u8| matches!(b, b' ' | 9..=13 | 0x1c..=0x1f);
    let from = s.iter().position(|b| !space(b)).unwrap_or(s.len());
    let to = s.iter().rposition(|b| !space(b)).map_or(from, |i| i + 1);
    &s[from..to]
}

/// The first 200 characters of `repr(v)`, as messages about literals show them.
pub fn short_repr(vm: &Vm, v: Value) -> Res<String> {
    Ok(vm.repr_str(v)?.chars().take(200).collect())
}

/// The bytes of `bytes`, `bytearray` and other objects with a buffer.
pub fn buffer_bytes(vm: &Vm, v: Value) -> Res<Option<Vec<u8>>> {
    if let Some(b) = v.downcast::<BytesObj>() {
        return Ok(Some(b.as_slice().to_vec()));
    }
    if let Some(b) = v.downcast::<BytearrayObj>() {
        return Ok(Some(b.as_slice().to_vec()));
    }
    if v.is_ptr() && !type_of(v).special(cape_vm::special::Special::Buffer).is_empty() {
        let b = vm.call(rt().types.bytes.value(), &[v])?;
        return Ok(b.downcast::<BytesObj>().map(|b| b.as_slice().to_vec()));
    }
    Ok(None)
}

/// The digit zero of every script.
const ZEROS: &[u32] = &[
    0x30, 0x660, 0x6f0, 0x7c0, 0x966, 0x9e6, 0xa66, 0xae6, 0xb66, 0xbe6, 0xc66, 0xce6, 0xd66, 0xde6, 0xe50,
    0xed0, 0xf20, 0x1040, 0x1090, 0x17e0, 0x1810, 0x1946, 0x19d0, 0x1a80, 0x1a90, 0x1b50, 0x1bb0, 0x1c40,
    0x1c50, 0xa620, 0xa8d0, 0xa900, 0xa9d0, 0xa9f0, 0xaa50, 0xabf0, 0xff10, 0x104a0, 0x10d30, 0x10d40,
    0x11066, 0x110f0, 0x11136, 0x111d0, 0x112f0, 0x11450, 0x114d0, 0x11650, 0x116c0, 0x116d0, 0x116da,
    0x11730, 0x118e0, 0x11950, 0x11bf0, 0x11c50, 0x11d50, 0x11da0, 0x11f50, 0x16130, 0x16a60, 0x16ac0,
    0x16b50, 0x16d70, 0x1ccf0, 0x1d7ce, 0x1d7d8, 0x1d7e2, 0x1d7ec, 0x1d7f6, 0x1e140, 0x1e2f0, 0x1e4f0,
    0x1e5f1, 0x1e950, 0x1fbf0,
];
