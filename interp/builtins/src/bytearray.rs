//! `bytearray`: what it has beyond `bytes`.

use cape_vm::class::full_name;
use cape_vm::native::extend as extend_type;
use cape_vm::object::*;
use cape_vm::special::Special;
use cape_vm::{Ptr, Res, Value, Vm, rt, type_of};

use crate::bytes::{add_common, bad_subscript, check_size, collect_bytes, from_str, index_byte, repeat_count};

use crate::slicing::{Span, fit, is_index, unpack};

type Array = Ptr<BytearrayObj>;

/// Completes the types of this file.
pub fn init(_vm: &Vm) {
    let t = extend_type(rt().types.bytearray)
        .doc("bytearray(iterable_of_ints) -> bytearray\nbytearray(string, encoding[, errors]) -> bytearray\nbytearray(bytes_or_buffer) -> mutable copy of bytes_or_buffer\nbytearray(int) -> bytes array of size given by the parameter initialized with null bytes\nbytearray() -> empty bytes array")
        .new_fn("__new__(cls, *args, **kwargs)", "Create and return a new object.  See help(type) for accurate signature.", |_: &Vm, cls: Ptr<TypeObj>, _: Value, _: Value| {
            BytearrayObj::with_map(cls.instance_map(), Vec::new())
        })
        .method("__init__($self, /, source=b'', encoding='utf-8', errors='strict')", "Initialize self.  See help(type(self)) for accurate signature.", init_method)
        .method("__add__($self, value, /)", "Return self+value.", add)
        .method("__iadd__($self, value, /)", "Implement self+=value.", iadd)
        .method("__imul__($self, value, /)", "Implement self*=value.", imul)
        .method("__setitem__($self, key, value, /)", "Set self[key] to value.", setitem)
        .method("__delitem__($self, key, /)", "Delete self[key].", delitem)
        .method("__eq__($self, value, /)", "Return self==value.", |vm: &Vm, a: Array, b: Value| compare(vm, a, b, |o| o.is_eq()))
        .method("__ne__($self, value, /)", "Return self!=value.", |vm: &Vm, a: Array, b: Value| compare(vm, a, b, |o| o.is_ne()))
        .method("__lt__($self, value, /)", "Return self<value.", |vm: &Vm, a: Array, b: Value| compare(vm, a, b, |o| o.is_lt()))
        .method("__le__($self, value, /)", "Return self<=value.", |vm: &Vm, a: Array, b: Value| compare(vm, a, b, |o| o.is_le()))
        .method("__gt__($self, value, /)", "Return self>value.", |vm: &Vm, a: Array, b: Value| compare(vm, a, b, |o| o.is_gt()))
        .method("__ge__($self, value, /)", "Return self>=value.", |vm: &Vm, a: Array, b: Value| compare(vm, a, b, |o| o.is_ge()))
        .attribute("__hash__", Value::NONE)
        .method("append($self, item, /)", "Append a single item to the end of the bytearray.", append)
        .method("extend($self, iterable_of_ints, /)", "Append all the items from the iterator or sequence to the end of the bytearray.", extend)
        .method("insert($self, index, item, /)", "Insert a single item into the bytearray before the given index.", insert)
        .method("pop($self, index=-1, /)", "Remove and return a single item from the bytearray, the last one by default.", pop)
        .method("remove($self, value, /)", "Remove the first occurrence of a value in the bytearray.", remove)
        .method("reverse($self, /)", "Reverse the order of the values in the bytearray in place.", |_: &Vm, a: Array| a.with_mut(|d| d.reverse()))
        .method("clear($self, /)", "Remove all items from the bytearray.", |vm: &Vm, a: Array| -> Res<()> {
            if !a.as_slice().is_empty() {
                resizable(vm, a)?;
            }
            a.with_mut(Vec::clear);
            Ok(())
        })
        .method("copy($self, /)", "Return a copy of the bytearray.", |_: &Vm, a: Array| BytearrayObj::new(a.as_slice().to_vec()))
        .method("resize($self, size, /)", "Resize the internal buffer of the bytearray to size; new bytes are null.", resize)
        .method("__alloc__($self, /)", "Return the number of bytes actually allocated.", |_: &Vm, a: Array| a.with_mut(|d| if d.capacity() == 0 { 0 } else { d.capacity() + 1 }))
        .method("__sizeof__($self, /)", "Returns the size of the bytearray object in memory, in bytes.", |_: &Vm, a: Array| a.with_mut(|d| 56 + if d.capacity() == 0 { 0 } else { d.capacity() + 1 }))
        .method("__reduce__($self, /)", "Return state information for pickling.", |vm: &Vm, a: Array| reduce(vm, a, None))
        .method("__reduce_ex__($self, proto=0, /)", "Return state information for pickling.", |vm: &Vm, a: Array, proto: Option<i32>| reduce(vm, a, proto))
        .method("__buffer__($self, flags, /)", "Return a buffer object that exposes the underlying memory of the object.", crate::memoryview::row_buffer_method)
        .method("__release_buffer__($self, buffer, /)", "Release the buffer object that exposes the underlying memory of the object.", crate::memoryview::release_buffer_method);
    add_common(t);
}

/// BufferError while somebody holds the memory: dead holders are collected first.
pub fn resizable(vm: &Vm, a: Array) -> Res<()> {
    if a.exports.get() == 0 {
        return Ok(());
    }
    crate::memoryview::release_dead(vm, &|exporter| exporter == a.value(), &|| a.exports.get() != 0)?;
    if a.exports.get() == 0 {
        return Ok(());
    }
    Err(vm.buffer_error("Existing exports of data: object cannot be re-sized"))
}

fn init_method(
    vm: &Vm,
    a: Array,
    source: Value,
    encoding: Option<Ptr<StrObj>>,
    errors: Option<Ptr<StrObj>>,
) -> Res<()> {
    if !a.as_slice().is_empty() {
        resizable(vm, a)?;
        a.with_mut(Vec::clear);
    }
    if source.is_empty() || source.is::<StrObj>() || encoding.is_some() || errors.is_some() {
        if let Some(v) = from_str(vm, source, encoding, errors)? {
            let data = vm.bytes_of(v)?;
            a.with_mut(|d| *d = data);
        }
        return Ok(());
    }
    let data = match crate::bytes::size_argument(vm, source)? {
        Some(n) => vec![0; n],
        None if !vm.has_buffer(source) && type_of(source).special(Special::Next) != Value::EMPTY => {
            // What makes the items may look at those that are there.
            return vm.for_each(source, |v| {
                let byte = index_byte(vm, v, true)?;
                resizable(vm, a)?;
                a.with_mut(|d| d.push(byte));
                Ok(())
            });
        }
        None => collect_bytes(vm, source, true)?,
    };
    resizable(vm, a)?;
    a.with_mut(|d| *d = data);
    Ok(())
}

fn compare(vm: &Vm, a: Array, b: Value, f: impl Fn(std::cmp::Ordering) -> bool) -> Res<Value> {
    if !vm.has_buffer(b) {
        return Ok(Value::NOT_IMPLEMENTED);
    }
    let other = match vm.bytes_like(b) {
        Ok(o) => o,
        Err(e) if e.is(rt().types.exception) => return Ok(Value::NOT_IMPLEMENTED),
        Err(e) => return Err(e),
    };
    Ok(Value::bool(f(a.as_slice().cmp(other.as_slice()))))
}

fn other_bytes(vm: &Vm, b: Value) -> Res<Vec<u8>> {
    if !vm.has_buffer(b) {
        return Err(vm.type_error(format!("can't concat {} to bytearray", full_name(type_of(b)))));
    }
    Ok(vm.bytes_like(b)?.as_slice().to_vec())
}

fn add(vm: &Vm, a: Array, b: Value) -> Res<Array> {
    let other = other_bytes(vm, b)?;
    Ok(BytearrayObj::new([a.as_slice(), &other].concat()))
}

fn iadd(vm: &Vm, a: Array, b: Value) -> Res<Array> {
    let other = other_bytes(vm, b)?;
    if !other.is_empty() {
        resizable(vm, a)?;
    }
    a.with_mut(|d| d.extend_from_slice(&other));
    Ok(a)
}

fn imul(vm: &Vm, a: Array, n: Value) -> Res<Value> {
    if !is_index(n) {
        return Ok(Value::NOT_IMPLEMENTED);
    }
    let n = repeat_count(vm, n)?;
    let len = a.as_slice().len();
    if n != 1 && len > 0 {
        resizable(vm, a)?;
    }
    check_size(vm, len.saturating_mul(n))?;
    a.with_mut(|d| {
        let all = d.repeat(n);
        *d = all;
    });
    Ok(a.value())
}

/// What is assigned to a slice.
fn slice_value(vm: &Vm, v: Value) -> Res<Vec<u8>> {
    if v.is::<BytearrayObj>() || v.is::<BytesObj>() {
        return vm.bytes_of(v);
    }
    let t = type_of(v);
    let iterable = !t.special(Special::Iter).is_empty() || !t.special(Special::Getitem).is_empty();
    if is_index(v) && !vm.has_buffer(v) || v.is::<StrObj>() || !iterable && !vm.has_buffer(v) {
        return Err(
            vm.type_error("can assign only bytes, buffers, or iterables of ints in range(0, 256)")
        );
    }
    collect_bytes(vm, v, true)
}

/// Replaces `from..to`; the size may change only when nobody holds the memory.
fn splice(vm: &Vm, a: Array, from: usize, to: usize, new: &[u8]) -> Res<()> {
    let to = to.max(from);
    if to - from == new.len() {
        a.with_mut(|d| d[from..to].copy_from_slice(new));
        return Ok(());
    }
    resizable(vm, a)?;
    a.with_mut(|d| {
        // Finalizers may have changed it.
        let (from, to) = (from.min(d.len()), to.min(d.len()));
        d.splice(from..to, new.iter().copied());
    });
    Ok(())
}

fn setitem(vm: &Vm, a: Array, key: Value, v: Value) -> Res<()> {
    if let Some(s) = key.downcast::<SliceObj>() {
        // The value first: evaluating it may change the array.
        let new = slice_value(vm, v)?;
        let sl = fit(unpack(vm, s)?, a.as_slice().len());
        if let Some(r) = sl.range() {
            return splice(vm, a, r.start, r.end, &new);
        }
        if sl.step == 1 {
            return splice(vm, a, sl.start as usize, sl.start as usize, &new);
        }
        if new.is_empty() {
            return delete_slice(vm, a, sl);
        }
        if new.len() != sl.count {
            return Err(vm.value_error(format!(
                "attempt to assign bytes of size {} to extended slice of size {}",
                new.len(),
                sl.count
            )));
        }
        a.with_mut(|d| sl.indices().zip(&new).for_each(|(i, &b)| d[i] = b));
        return Ok(());
    }
    if !is_index(key) {
        return Err(bad_subscript(vm, "bytearray", key));
    }
    let i = vm.index_isize(key)?;
    let b = index_byte(vm, v, true)?;
    let n = a.as_slice().len() as isize;
    let i = if i < 0 { i + n } else { i };
    if !(0..n).contains(&i) {
        return Err(vm.index_error("bytearray index out of range"));
    }
    a.with_mut(|d| d[i as usize] = b);
    Ok(())
}

fn delete_slice(vm: &Vm, a: Array, sl: Span) -> Res<()> {
    if sl.count == 0 {
        return Ok(());
    }
    resizable(vm, a)?;
    let mut gone: Vec<usize> = sl.indices().collect();
    gone.sort_unstable();
    a.with_mut(|d| {
        let (mut i, mut next) = (0, gone.iter().peekable());
        d.retain(|_| {
            let drop = next.next_if(|&&g| g == i).is_some();
            i += 1;
            !drop
        })
    });
    Ok(())
}

fn delitem(vm: &Vm, a: Array, key: Value) -> Res<()> {
    if let Some(s) = key.downcast::<SliceObj>() {
        let sl = fit(unpack(vm, s)?, a.as_slice().len());
        return match sl.range() {
            Some(r) => splice(vm, a, r.start, r.end, &[]),
            None => delete_slice(vm, a, sl),
        };
    }
    if !is_index(key) {
        return Err(bad_subscript(vm, "bytearray", key));
    }
    let i = vm.index_isize(key)?;
    let n = a.as_slice().len() as isize;
    let i = if i < 0 { i + n } else { i };
    if !(0..n).contains(&i) {
        return Err(vm.index_error("bytearray index out of range"));
    }
    splice(vm, a, i as usize, i as usize + 1, &[])
}

fn append(vm: &Vm, a: Array, item: Value) -> Res<()> {
    let b = index_byte(vm, item, true)?;
    resizable(vm, a)?;
    a.with_mut(|d| d.push(b));
    Ok(())
}

fn extend(vm: &Vm, a: Array, items: Value) -> Res<()> {
    let t = type_of(items);
    if items.is::<StrObj>() {
        return Err(vm.type_error("expected iterable of integers; got: 'str'"));
    }
    if !vm.has_buffer(items) && t.special(Special::Iter).is_empty() && t.special(Special::Getitem).is_empty() {
        return Err(vm.type_error(format!("can't extend bytearray with {}", full_name(t))));
    }
    // The hint is computed for its exceptions.
    vm.length_hint(items)?;
    let end = a.as_slice().len();
    let new = collect_bytes(vm, items, true)?;
    if !new.is_empty() {
        resizable(vm, a)?;
    }
    // The items may have changed it.
    a.with_mut(|d| {
        let end = end.min(d.len());
        d.splice(end..end, new);
    });
    Ok(())
}

fn insert(vm: &Vm, a: Array, index: isize, item: Value) -> Res<()> {
    let b = index_byte(vm, item, true)?;
    resizable(vm, a)?;
    let n = a.as_slice().len() as isize;
    let at = if index < 0 { (index + n).max(0) } else { index.min(n) };
    a.with_mut(|d| d.insert(at as usize, b));
    Ok(())
}

fn pop(vm: &Vm, a: Array, index: Option<isize>) -> Res<i32> {
    let n = a.as_slice().len() as isize;
    if n == 0 {
        return Err(vm.index_error("pop from empty bytearray"));
    }
    let i = index.unwrap_or(-1);
    let i = if i < 0 { i + n } else { i };
    if !(0..n).contains(&i) {
        return Err(vm.index_error("pop index out of range"));
    }
    resizable(vm, a)?;
    Ok(a.with_mut(|d| d.remove(i as usize)) as i32)
}

fn remove(vm: &Vm, a: Array, value: Value) -> Res<()> {
    let b = index_byte(vm, value, true)?;
    let Some(at) = memchr::memchr(b, a.as_slice()) else {
        return Err(vm.value_error("value not found in bytearray"));
    };
    splice(vm, a, at, at + 1, &[])
}

fn resize(vm: &Vm, a: Array, size: isize) -> Res<()> {
    if size < 0 {
        return Err(vm.value_error(format!("Can only resize to positive sizes, got {size}")));
    }
    check_size(vm, size as usize)?;
    if size as usize != a.as_slice().len() {
        resizable(vm, a)?;
    }
    a.with_mut(|d| d.resize(size as usize, 0));
    Ok(())
}

fn reduce(vm: &Vm, a: Array, proto: Option<i32>) -> Res<Ptr<TupleObj>> {
    let args = if a.as_slice().is_empty() {
        rt().empty_tuple()
    } else if proto.unwrap_or(0) < 3 {
        let text = StrObj::from_latin1(a.as_slice());
        TupleObj::new(&[text.value(), StrObj::new("latin-1").value()])
    } else {
        TupleObj::new(&[BytesObj::new(a.as_slice()).value()])
    };
    let state = vm.call_method(a.value(), Special::Getstate.name_value(), &[])?;
    Ok(TupleObj::new(&[type_of(a.value()).value(), args.value(), state]))
}
