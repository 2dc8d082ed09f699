//! Construction, comparison, subscripts, operators.

use cape_vm::class::full_name;
use cape_vm::object::*;
use cape_vm::{Ptr, Res, Value, Vm, rt, type_of};

use crate::slicing::{fit, is_index, place, unpack};
use crate::unicode;

type Str = Ptr<StrObj>;

/// The string as an object of exact type `str`.
#[inline(always)]
pub fn exact(s: Str) -> Str {
    if s.header().map() == rt().maps.str { s } else { StrObj::copy_with_map(rt().maps.str, s) }
}

pub(super) fn new(
    vm: &Vm,
    cls: Ptr<TypeObj>,
    object: Value,
    encoding: Option<Str>,
    errors: Option<Str>,
) -> Res<Str> {
    let s = if object.is_empty() {
        rt().empty_str()
    } else if encoding.is_none() && errors.is_none() {
        vm.str(object)?
    } else {
        if object.is::<StrObj>() {
            return Err(vm.type_error("decoding str is not supported"));
        }
        if !vm.has_buffer(object) {
            return Err(vm.type_error(format!(
                "decoding to str: need a bytes-like object, {} found",
                full_name(type_of(object))
            )));
        }
        crate::codecs::decode_object(vm, object, encoding, errors)?
    };
    // `str(x)` may return an instance of a subclass, which `__str__` gave.
    Ok(if cls == rt().types.str { s } else { StrObj::copy_with_map(cls.instance_map(), s) })
}

pub(super) fn str(_: &Vm, s: Str) -> Str {
    exact(s)
}

pub(super) fn repr(_: &Vm, s: Str) -> Str {
    let mut out = StrBuilder::with_capacity(s.len() + 2);
    quote(&s, &mut out);
    out.finish()
}

/// Appends the string as a literal.
pub fn quote(s: &StrObj, out: &mut StrBuilder) {
    let (mut single, mut double, mut plain) = (false, false, true);
    for c in s.chars() {
        match c {
            0x27 => single = true,
            0x22 => double = true,
            0x5c => plain = false,
            c if !unicode::is_printable(c) => plain = false,
            _ => {}
        }
    }
    let q = if single && !double { 0x22 } else { 0x27 };
    out.push(q);
    if plain && !(single && double) {
        out.push_obj(s);
        out.push(q);
        return;
    }
    for c in s.chars() {
        match c {
            0x5c => out.push_str("\\\\"),
            9 => out.push_str("\\t"),
            10 => out.push_str("\\n"),
            13 => out.push_str("\\r"),
            c if c == q => {
                out.push(0x5c);
                out.push(c)
            }
            c if unicode::is_printable(c) => out.push(c),
            0..0x100 => out.push_str(&format!("\\x{c:02x}")),
            0x100..0x10000 => out.push_str(&format!("\\u{c:04x}")),
            _ => out.push_str(&format!("\\U{c:08x}")),
        }
    }
    out.push(q);
}

pub(super) fn hash(_: &Vm, s: Str) -> Value {
    int_value(s.hash())
}

macro_rules! comparisons { ($($name:ident $x:ident $y:ident $e:expr;)*) => { $(
    pub(super) fn $name(_: &Vm, $x: Str, other: Value) -> Value {
        match other.downcast::<StrObj>() {
            Some($y) => Value::bool($e),
            None => Value::NOT_IMPLEMENTED,
        }
    }
)* } }
comparisons! {
    eq a b a == b || a.same_text(&b);
    ne a b !(a == b || a.same_text(&b));
    lt a b a.cmp(&b).is_lt();
    le a b a.cmp(&b).is_le();
    gt a b a.cmp(&b).is_gt();
    ge a b a.cmp(&b).is_ge();
}

pub(super) fn len(_: &Vm, s: Str) -> usize {
    s.len()
}

pub(super) fn getitem(vm: &Vm, s: Str, key: Value) -> Res<Str> {
    if let Some(slice) = key.downcast::<SliceObj>() {
        let sl = fit(unpack(vm, slice)?, s.len());
        return Ok(match sl.range() {
            Some(r) if r.len() == s.len() => exact(s),
            Some(r) => s.substring(r.start, r.end),
            None => {
                let mut out = StrBuilder::with_capacity(sl.count);
                sl.indices().for_each(|i| out.push(s.char_at(i)));
                out.finish()
            }
        });
    }
    if !key.is_int() && !is_index(key) {
        return Err(vm.type_error(format!(
            "string indices must be integers, not '{}'",
            full_name(type_of(key))
        )));
    }
    match place(vm.index_isize(key)?, s.len()) {
        Some(i) => Ok(StrObj::from_char(s.char_at(i))),
        None => Err(vm.index_error("string index out of range")),
    }
}

pub(super) fn add(vm: &Vm, a: Str, b: Value) -> Res<Str> {
    let Some(b) = b.downcast::<StrObj>() else {
        return Err(vm.type_error(format!(
            "can only concatenate str (not \"{}\") to str",
            full_name(type_of(b))
        )));
    };
    Ok(if b.is_empty() {
        exact(a)
    } else if a.is_empty() {
        exact(b)
    } else {
        StrObj::concat(a, b)
    })
}

pub(super) fn mul(vm: &Vm, s: Str, n: Value) -> Res<Value> {
    if !is_index(n) {
        return Ok(Value::NOT_IMPLEMENTED);
    }
    let n = crate::bytes::repeat_count(vm, n)?;
    if n == 1 {
        return Ok(exact(s).value());
    }
    if (n as u128) * (s.len() as u128) > isize::MAX as u128 {
        return Err(vm.overflow_error("repeated string is too long"));
    }
    crate::bytes::check_size(vm, n * s.raw_bytes().len())?;
    Ok(StrObj::repeat(s, n).value())
}

pub(super) fn modulo(vm: &Vm, s: Str, args: Value) -> Res<Str> {
    crate::format::percent::format_str(vm, s, args)
}

pub(super) fn rmodulo(vm: &Vm, s: Str, template: Value) -> Res<Value> {
    match template.downcast::<StrObj>() {
        Some(t) => Ok(crate::format::percent::format_str(vm, t, s.value())?.value()),
        None => Ok(Value::NOT_IMPLEMENTED),
    }
}

pub(super) fn format_method(vm: &Vm, s: Str, spec: Str) -> Res<Str> {
    if spec.is_empty() {
        return if s.header().map() == rt().maps.str { Ok(s) } else { vm.str(s.value()) };
    }
    crate::format::format_str(vm, s, spec)
}

pub(super) fn getnewargs(_: &Vm, s: Str) -> Ptr<TupleObj> {
    // A new string: what unpickles a subclass must not share this one.
    let mut copy = StrBuilder::with_capacity(s.len());
    copy.push_obj(&s);
    TupleObj::new(&[copy.finish().value()])
}

/// What CPython's layouts take.
pub(super) fn sizeof(_: &Vm, s: Str) -> usize {
    match (s.is_ascii(), s.kind()) {
        (true, _) => 40 + s.len() + 1,
        (false, k) => 56 + (s.len() + 1) * k as usize,
    }
}

pub(super) fn encode(vm: &Vm, s: Str, encoding: Option<Str>, errors: Option<Str>) -> Res<Value> {
    crate::codecs::encode_object(vm, s, encoding, errors)
}
