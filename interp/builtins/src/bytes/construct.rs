//! Making bytes from other objects.

use cape_vm::buffer::flags;
use cape_vm::class::full_name;
use cape_vm::object::*;
use cape_vm::special::Special;
use cape_vm::{Ptr, Res, Value, Vm, rt, type_of};

use super::check_size;
use crate::slicing::is_index;

type Str = Ptr<StrObj>;

/// The bytes of a string in an encoding; `None` when the source is no string.
pub fn from_str(vm: &Vm, source: Value, encoding: Option<Str>, errors: Option<Str>) -> Res<Option<Value>> {
    let Some(s) = (if source.is_empty() { None } else { source.downcast::<StrObj>() }) else {
        return match (encoding, errors) {
            (Some(_), _) => Err(vm.type_error("encoding without a string argument")),
            (None, Some(_)) => Err(vm.type_error("errors without a string argument")),
            (None, None) => Ok(None),
        };
    };
    if encoding.is_none() {
        return Err(vm.type_error("string argument without an encoding"));
    }
    crate::codecs::encode_object(vm, s, encoding, errors).map(Some)
}

/// One item of an iterable of integers.
pub fn index_byte(vm: &Vm, v: Value, array: bool) -> Res<u8> {
    if v.is_int() && (0..256).contains(&v.as_int()) {
        return Ok(v.as_int() as u8);
    }
    match vm.index_int(v)?.to_i64() {
        Some(i @ 0..=255) => Ok(i as u8),
        _ if array => Err(vm.value_error("byte must be in range(0, 256)")),
        _ => Err(vm.value_error("bytes must be in range(0, 256)")),
    }
}

/// The bytes of a buffer or of an iterable of integers.
pub fn collect_bytes(vm: &Vm, source: Value, array: bool) -> Res<Vec<u8>> {
    if vm.has_buffer(source) {
        return Ok(vm.buffer(source, flags::FULL_RO)?.to_vec());
    }
    let what = if array { "bytearray" } else { "bytes" };
    let iterable = |t: Ptr<TypeObj>| {
        !t.special(Special::Iter).is_empty() || !t.special(Special::Getitem).is_empty()
    };
    if source.is::<StrObj>() || !iterable(type_of(source)) {
        return Err(vm.type_error(format!("cannot convert '{}' object to {what}", full_name(type_of(source)))));
    }
    let mut out = Vec::new();
    if let Some(l) = source.downcast::<ListObj>() {
        // Items are read one by one: converting them may change the list.
        let mut i = 0;
        while let Some(v) = l.get(i) {
            out.push(index_byte(vm, v, array)?);
            i += 1;
        }
        return Ok(out);
    }
    vm.for_each(source, |v| {
        out.push(index_byte(vm, v, array)?);
        Ok(())
    })?;
    Ok(out)
}

/// The size when the source is an integer; `None` when it is something else.
pub(crate) fn size_argument(vm: &Vm, source: Value) -> Res<Option<usize>> {
    if !is_index(source) {
        return Ok(None);
    }
    let n = match vm.index_int(source) {
        Ok(n) => n,
        // Whoever cannot be an index after all may still be a buffer or an iterable.
        Err(e) if e.is(rt().types.type_error) => return Ok(None),
        Err(e) => return Err(e),
    };
    match n.to_i64() {
        Some(n) if n < 0 => Err(vm.value_error("negative count")),
        Some(n) => {
            check_size(vm, n as usize)?;
            Ok(Some(n as usize))
        }
        None => Err(vm.overflow_error(format!(
            "cannot fit '{}' into an index-sized integer",
            full_name(type_of(source))
        ))),
    }
}

pub(super) fn new_bytes(
    vm: &Vm,
    cls: Ptr<TypeObj>,
    source: Value,
    encoding: Option<Str>,
    errors: Option<Str>,
) -> Res<Ptr<BytesObj>> {
    let finish = |v: Value| match v.downcast::<BytesObj>() {
        Some(b) if cls == rt().types.bytes => Ok(b),
        Some(b) => Ok(BytesObj::with_map(cls.instance_map(), b.as_slice())),
        None => Err(vm.type_error(format!("encoder returned non-bytes (type {})", full_name(type_of(v))))),
    };
    if source.is_empty() || encoding.is_some() || errors.is_some() {
        return match from_str(vm, source, encoding, errors)? {
            Some(v) => finish(v),
            None => Ok(BytesObj::with_map(cls.instance_map(), b"")),
        };
    }
    if source.is_ptr() && source.header().map() == rt().maps.bytes {
        return finish(source);
    }
    if let Some(v) = vm.try_special(source, Special::Bytes, &[])? {
        if !v.is::<BytesObj>() {
            return Err(vm.type_error(format!("__bytes__ returned non-bytes (type {})", full_name(type_of(v)))));
        }
        return finish(v);
    }
    if source.is::<StrObj>() {
        return Err(vm.type_error("string argument without an encoding"));
    }
    let data = match size_argument(vm, source)? {
        Some(n) => vec![0; n],
        None => collect_bytes(vm, source, false)?,
    };
    Ok(BytesObj::with_map(cls.instance_map(), &data))
}
