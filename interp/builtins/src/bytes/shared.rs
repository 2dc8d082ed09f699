//! The receiver of the methods that `bytes` and `bytearray` share, and their basic operations.

use cape_vm::buffer::{Buffer, flags};
use cape_vm::class::full_name;
use cape_vm::native::{FromArg, bad_argument};
use cape_vm::object::*;
use cape_vm::{Ptr, Res, Value, Vm, rt, type_of};

use crate::slicing::{fit, is_index, place, unpack};

/// A `bytes` or a `bytearray`. Its slice is good as long as no Python code runs.
#[derive(Clone, Copy)]
pub struct Data(Value);

impl FromArg for Data {
    #[inline(always)]
    fn from_arg(vm: &Vm, v: Value, i: usize) -> Res<Data> {
        if v.is::<BytesObj>() || v.is::<BytearrayObj>() { Ok(Data(v)) } else { Err(bad_argument(vm, v, i, "bytes")) }
    }
}

impl Data {
    /// The object.
    pub fn value(self) -> Value {
        self.0
    }

    /// Whether it is a `bytearray`.
    pub fn is_array(self) -> bool {
        self.0.is::<BytearrayObj>()
    }

    /// What keeps a `bytearray` from being resized by code that runs meanwhile.
    pub(super) fn held(self, vm: &Vm) -> Res<Option<Buffer>> {
        self.is_array().then(|| vm.buffer(self.0, flags::SIMPLE)).transpose()
    }

    /// The bytes now.
    pub fn slice(&self) -> &[u8] {
        match self.0.downcast::<BytesObj>() {
            // SAFETY of both lifetimes: tied to `self`, which holds the object on the native stack.
            Some(b) => {
                let s = b.as_slice();
                // SAFETY: `self` keeps the object in place.
                unsafe { std::slice::from_raw_parts(s.as_ptr(), s.len()) }
            }
            None => {
                // SAFETY: one or the other, as from_arg has checked; callers run no Python code meanwhile.
                let b: Ptr<BytearrayObj> = unsafe { self.0.cast() };
                let s = b.as_slice();
                // SAFETY: as above.
                unsafe { std::slice::from_raw_parts(s.as_ptr(), s.len()) }
            }
        }
    }

    /// A new object of the same builtin type.
    pub fn make(self, data: Vec<u8>) -> Value {
        make(self.is_array(), data)
    }

    /// As [`Data::make`], from a slice.
    pub fn make_from(self, data: &[u8]) -> Value {
        if self.is_array() { BytearrayObj::new(data.to_vec()).value() } else { BytesObj::new(data).value() }
    }

    /// The result of a method that changes nothing: `bytes` themselves, a copy of a `bytearray`.
    pub fn unchanged(self) -> Value {
        if self.0.is_ptr() && self.0.header().map() == rt().maps.bytes { self.0 } else { self.make_from(self.slice()) }
    }

    /// Part of it; `bytes` themselves when it is all.
    pub fn part(self, from: usize, to: usize) -> Value {
        let n = self.slice().len();
        if from == 0 && to == n { self.unchanged() } else { self.make_from(&self.slice()[from..to]) }
    }
}

/// A new `bytearray` or `bytes`.
pub fn make(array: bool, data: Vec<u8>) -> Value {
    if array { BytearrayObj::new(data).value() } else { BytesObj::new(&data).value() }
}

/// MemoryError for sizes that no machine has.
pub fn check_size(vm: &Vm, n: usize) -> Res<()> {
    if n > 1 << 40 { Err(vm.new_exc_args(rt().types.memory_error, &[])) } else { Ok(()) }
}

/// The TypeError for a subscript that is neither an index nor a slice.
#[cold]
pub fn bad_subscript(vm: &Vm, what: &str, v: Value) -> cape_vm::Raised {
    vm.type_error(format!("{what} indices must be integers or slices, not {}", full_name(type_of(v))))
}

/// The count of a repetition; negative ones are 0.
pub fn repeat_count(vm: &Vm, n: Value) -> Res<usize> {
    match vm.index_int(n)?.to_i64() {
        Some(i) => Ok(i.max(0) as usize),
        None => Err(vm.overflow_error(format!(
            "cannot fit '{}' into an index-sized integer",
            full_name(type_of(n))
        ))),
    }
}

/// The literal of bytes. A bytearray's always escapes the single quote.
fn repr_bytes(data: &[u8], array: bool, out: &mut Vec<u8>) {
    let has = |c| memchr::memchr(c, data).is_some();
    let q = if has(b'\'') && !has(b'"') { b'"' } else { b'\'' };
    out.extend_from_slice(&[b'b', q]);
    for &c in data {
        match c {
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'\t' => out.extend_from_slice(b"\\t"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            c if c == q || array && c == b'\'' => out.extend_from_slice(&[b'\\', c]),
            0x20..0x7f => out.push(c),
            c => {
                const HEX: &[u8; 16] = b"0123456789abcdef";
                out.extend_from_slice(&[b'\\', b'x', HEX[c as usize >> 4], HEX[c as usize & 15]]);
            }
        }
    }
    out.push(q);
}

pub(super) fn repr(_: &Vm, d: Data) -> Ptr<StrObj> {
    let mut out = Vec::with_capacity(d.slice().len() + 16);
    if d.is_array() {
        out.extend_from_slice(type_of(d.value()).name_str().as_bytes());
        out.push(b'(');
    }
    repr_bytes(d.slice(), d.is_array(), &mut out);
    if d.is_array() {
        out.push(b')');
    }
    StrObj::from_wtf8(&out)
}

pub(super) fn len(_: &Vm, d: Data) -> usize {
    d.slice().len()
}

pub(super) fn getitem(vm: &Vm, d: Data, key: Value) -> Res<Value> {
    if let Some(slice) = key.downcast::<SliceObj>() {
        let sl = fit(unpack(vm, slice)?, d.slice().len());
        return Ok(match sl.range() {
            Some(r) => d.part(r.start, r.end),
            None => d.make(sl.indices().map(|i| d.slice()[i]).collect()),
        });
    }
    let what = if d.is_array() { "bytearray" } else { "byte" };
    if !key.is_int() && !is_index(key) {
        return Err(bad_subscript(vm, what, key));
    }
    match place(vm.index_isize(key)?, d.slice().len()) {
        Some(i) => Ok(Value::int(d.slice()[i] as i64)),
        None if d.is_array() => Err(vm.index_error("bytearray index out of range")),
        None => Err(vm.index_error("index out of range")),
    }
}

pub(super) fn mul(vm: &Vm, d: Data, n: Value) -> Res<Value> {
    if !is_index(n) {
        return Ok(Value::NOT_IMPLEMENTED);
    }
    let n = repeat_count(vm, n)?;
    if n == 1 {
        return Ok(d.unchanged());
    }
    match d.slice().len().checked_mul(n) {
        Some(t) if t <= isize::MAX as usize => check_size(vm, t)?,
        _ if d.is_array() => return Err(vm.new_exc_args(rt().types.memory_error, &[])),
        _ => return Err(vm.overflow_error("repeated bytes are too long")),
    }
    Ok(d.make(d.slice().repeat(n)))
}

pub(super) fn modulo(vm: &Vm, d: Data, args: Value) -> Res<Value> {
    let _held = d.held(vm)?;
    crate::format::percent::format_bytes(vm, d, args)
}

pub(super) fn rmodulo(vm: &Vm, d: Data, template: Value) -> Res<Value> {
    let same = if d.is_array() { template.is::<BytearrayObj>() } else { template.is::<BytesObj>() };
    if same { crate::format::percent::format_bytes(vm, Data(template), d.value()) } else { Ok(Value::NOT_IMPLEMENTED) }
}

pub(super) fn decode(
    vm: &Vm,
    d: Data,
    encoding: Option<Ptr<StrObj>>,
    errors: Option<Ptr<StrObj>>,
) -> Res<Value> {
    crate::codecs::decode_value(vm, d.value(), encoding, errors)
}
