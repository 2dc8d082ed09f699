//! `bytes`: the table of its methods. What it shares with `bytearray` is in the files of this folder.

mod ascii;
mod construct;
mod hex;
mod iter;
mod search;
mod shared;
mod split;

pub use hex::to_hex;
pub use construct::{collect_bytes, from_str, index_byte};
pub use shared::{Data, bad_subscript, check_size, make, repeat_count};

use cape_vm::class::full_name;
use cape_vm::native::{TypeBuilder, extend};
use cape_vm::object::*;
use cape_vm::{Ptr, Res, Value, Vm, rt, type_of};

pub(crate) use construct::size_argument;

/// Completes the types of this file.
pub fn init(vm: &Vm) {
    iter::init(vm);
    let t = extend(rt().types.bytes)
        .doc("bytes(iterable_of_ints) -> bytes\nbytes(string, encoding[, errors]) -> bytes\nbytes(bytes_or_buffer) -> immutable copy of bytes_or_buffer\nbytes(int) -> bytes object of size given by the parameter initialized with null bytes\nbytes() -> empty bytes object")
        .new_fn("__new__(cls, source=b'', encoding='utf-8', errors='strict')", "Create and return a new object.  See help(type) for accurate signature.", construct::new_bytes)
        .method("__hash__($self, /)", "Return hash(self).", hash)
        .method("__add__($self, value, /)", "Return self+value.", add)
        .method("__getnewargs__($self, /)", "", getnewargs)
        .method("__bytes__($self, /)", "Convert this value to exact type bytes.", |_: &Vm, b: Ptr<BytesObj>| exact(b))
        .method("__sizeof__($self, /)", "Returns the size of the object in memory, in bytes.", |_: &Vm, b: Ptr<BytesObj>| 33 + b.len())
        .method("__eq__($self, value, /)", "Return self==value.", |_: &Vm, a: Ptr<BytesObj>, b: Value| compare(a, b, |o| o.is_eq()))
        .method("__ne__($self, value, /)", "Return self!=value.", |_: &Vm, a: Ptr<BytesObj>, b: Value| compare(a, b, |o| o.is_ne()))
        .method("__lt__($self, value, /)", "Return self<value.", |_: &Vm, a: Ptr<BytesObj>, b: Value| compare(a, b, |o| o.is_lt()))
        .method("__le__($self, value, /)", "Return self<=value.", |_: &Vm, a: Ptr<BytesObj>, b: Value| compare(a, b, |o| o.is_le()))
        .method("__gt__($self, value, /)", "Return self>value.", |_: &Vm, a: Ptr<BytesObj>, b: Value| compare(a, b, |o| o.is_gt()))
        .method("__ge__($self, value, /)", "Return self>=value.", |_: &Vm, a: Ptr<BytesObj>, b: Value| compare(a, b, |o| o.is_ge()))
        .method("__buffer__($self, flags, /)", "Return a buffer object that exposes the underlying memory of the object.", crate::memoryview::row_buffer_method);
    add_common(t);
}

/// The bytes as an object of exact type `bytes`.
pub fn exact(b: Ptr<BytesObj>) -> Ptr<BytesObj> {
    if b.header().map() == rt().maps.bytes { b } else { BytesObj::new(b.as_slice()) }
}

fn hash(_: &Vm, b: Ptr<BytesObj>) -> Value {
    if b.hash.get() == -1 {
        b.hash.set(hash_bytes(b.as_slice()));
    }
    int_value(b.hash.get())
}

fn compare(a: Ptr<BytesObj>, b: Value, f: impl Fn(std::cmp::Ordering) -> bool) -> Value {
    match b.downcast::<BytesObj>() {
        Some(b) => Value::bool(f(a.as_slice().cmp(b.as_slice()))),
        None => Value::NOT_IMPLEMENTED,
    }
}

fn add(vm: &Vm, a: Ptr<BytesObj>, b: Value) -> Res<Ptr<BytesObj>> {
    if !vm.has_buffer(b) {
        return Err(vm.type_error(format!("can't concat {} to bytes", full_name(type_of(b)))));
    }
    if let Some(other) = b.downcast::<BytesObj>() {
        if a.is_empty() && other.header().map() == rt().maps.bytes {
            return Ok(other);
        }
        if other.is_empty() && a.header().map() == rt().maps.bytes {
            return Ok(a);
        }
        return Ok(BytesObj::concat(a.as_slice(), other.as_slice()));
    }
    let other = vm.bytes_like(b)?;
    Ok(BytesObj::concat(a.as_slice(), other.as_slice()))
}

fn getnewargs(_: &Vm, b: Ptr<BytesObj>) -> Ptr<TupleObj> {
    TupleObj::new(&[exact(b).value()])
}

/// Adds what `bytes` and `bytearray` have in common.
pub(crate) fn add_common(t: TypeBuilder) {
    t.method("__repr__($self, /)", "Return repr(self).", shared::repr)
        .method("__str__($self, /)", "Return str(self).", shared::repr)
        .method("__len__($self, /)", "Return len(self).", shared::len)
        .method("__getitem__($self, key, /)", "Return self[key].", shared::getitem)
        .method("__contains__($self, key, /)", "Return bool(key in self).", search::contains)
        .method("__iter__($self, /)", "Implement iter(self).", iter::iter)
        .method("__mul__($self, value, /)", "Return self*value.", shared::mul)
        .method("__rmul__($self, value, /)", "Return value*self.", shared::mul)
        .method("__mod__($self, value, /)", "Return self%value.", shared::modulo)
        .method("__rmod__($self, value, /)", "Return value%self.", shared::rmodulo)
        .method("decode($self, /, encoding='utf-8', errors='strict')", "Decode the bytes using the codec registered for encoding.", shared::decode)
        .method("hex($self, /, sep=<unrepresentable>, bytes_per_sep=1)", "Create a string of hexadecimal numbers from the bytes, with sep between groups.\nGroups of bytes_per_sep bytes are counted from the end, or from the beginning when it is negative.\n\n>>> data = b'\\n\\x0b\\x0c'\n>>> data.hex()\n'0a0b0c'\n>>> data.hex('-')\n'0a-0b-0c'\n>>> data.hex('-', 2)\n'0a-0b0c'\n>>> data.hex('-', -2)\n'0a0b-0c'", hex::hex)
        .class_method("fromhex($type, string, /)", "Create bytes from a string of hexadecimal numbers; spaces between two numbers are accepted.", hex::fromhex)
        .static_method("maketrans(frm, to, /)", "Return a translation table usable for the translate method.", search::maketrans)
        .method("translate($self, table, /, delete=b'')", "Return a copy with each byte mapped by the table; bytes of delete are removed first.", search::translate)
        .method("find($self, sub, start=None, end=None, /)", "Return the lowest index where subsection sub is found, or -1.", search::find)
        .method("rfind($self, sub, start=None, end=None, /)", "Return the highest index where subsection sub is found, or -1.", search::rfind)
        .method("index($self, sub, start=None, end=None, /)", "As find(), but raise ValueError when the subsection is not found.", search::index)
        .method("rindex($self, sub, start=None, end=None, /)", "As rfind(), but raise ValueError when the subsection is not found.", search::rindex)
        .method("count($self, sub, start=None, end=None, /)", "Return the number of non-overlapping occurrences of subsection sub.", search::count)
        .method("startswith($self, prefix, start=None, end=None, /)", "Return True if the bytes start with the prefix (bytes or a tuple of bytes), False otherwise.", search::startswith)
        .method("endswith($self, suffix, start=None, end=None, /)", "Return True if the bytes end with the suffix (bytes or a tuple of bytes), False otherwise.", search::endswith)
        .method("replace($self, old, new, count=-1, /)", "Return a copy with occurrences of old replaced by new; at most count, if it is not negative.", search::replace)
        .method("removeprefix($self, prefix, /)", "Return a copy without the prefix, if it is there.", search::removeprefix)
        .method("removesuffix($self, suffix, /)", "Return a copy without the suffix, if it is there.", search::removesuffix)
        .method("split($self, /, sep=None, maxsplit=-1)", "Return a list of the sections in the bytes, using sep as the delimiter; by default, ASCII whitespace delimits.", split::split)
        .method("rsplit($self, /, sep=None, maxsplit=-1)", "As split(), starting at the end.", split::rsplit)
        .method("splitlines($self, /, keepends=False)", "Return a list of the lines; line breaks are kept only if keepends is true.", split::splitlines)
        .method("partition($self, sep, /)", "Split at the first separator: the part before it, the separator itself, and the part after it.", split::partition)
        .method("rpartition($self, sep, /)", "Split at the last separator: the part before it, the separator itself, and the part after it.", split::rpartition)
        .method("join($self, iterable_of_bytes, /)", "Concatenate any number of bytes-like objects, with this one between them.", split::join)
        .method("strip($self, bytes=None, /)", "Strip leading and trailing bytes contained in the argument, or ASCII whitespace.", split::strip)
        .method("lstrip($self, bytes=None, /)", "Strip leading bytes contained in the argument, or ASCII whitespace.", split::lstrip)
        .method("rstrip($self, bytes=None, /)", "Strip trailing bytes contained in the argument, or ASCII whitespace.", split::rstrip);
    ascii::add(t);
}
