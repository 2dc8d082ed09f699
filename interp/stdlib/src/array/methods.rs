//! The methods of arrays.

use cape_builtins::slicing::{place, search_bounds};
use cape_builtins::tuple::count;
use cape_vm::iteration::find;
use cape_vm::native::TypeBuilder;
use cape_vm::object::*;
use cape_vm::{Ptr, Res, Value, Vm, intern, rt};

use super::sequence::text;
use super::{A, ArrayTypeObj, plain};

pub(super) fn add(t: TypeBuilder) {
    t.method("append($self, v, /)", "Append new value v to the end of the array.", |vm: &Vm, a: A, v: Value| {
        a.push(vm, v)
    })
    .method(
        "buffer_info($self, /)",
        "Return a tuple (address, length) giving the current memory address and the length in items of the buffer used to hold \
         array's contents.\n\nThe length should be multiplied by the itemsize attribute to calculate\nthe buffer length in bytes.",
        |_: &Vm, a: A| {
            let address = uint_value(a.bytes().as_ptr() as u64);
            TupleObj::new(&[address, int_value(a.len() as i64)])
        },
    )
    .method("byteswap($self, /)", "Byteswap all items of the array.", byteswap)
    .method("clear($self, /)", "Remove all items from the array.", |vm: &Vm, a: A| a.splice(vm, 0, a.len(), &[]))
    .method("__copy__($self, /)", "Return a copy of the array.", |_: &Vm, a: A| {
        plain(a.letter.get(), a.bytes().to_vec())
    })
    .method("__deepcopy__($self, unused, /)", "Return a copy of the array.", |_: &Vm, a: A, _: Value| {
        plain(a.letter.get(), a.bytes().to_vec())
    })
    .method("count($self, v, /)", "Return number of occurrences of v in the array.", |vm: &Vm, a: A, v: Value| {
        count(vm, |i| a.get(i), v)
    })
    .method("extend($self, bb, /)", "Append items to the end of the array.", extend)
    .method("fromlist($self, list, /)", "Append items to array from list.", from_list)
    .method(
        "frombytes($self, buffer, /)",
        "Appends items from the string, interpreting it as an array of machine values, as if it had been read from a file using the \
         fromfile() method.",
        from_bytes,
    )
    .method(
        "fromunicode($self, ustr, /)",
        "Extends this array with data from the unicode string ustr.\n\nThe array must be a unicode type array; otherwise a ValueError \
         is raised.",
        from_unicode,
    )
    .method("fromfile($self, f, n, /)", "Read n objects from the file object f and append them to the end of the array.", from_file)
    .method("tofile($self, f, /)", "Write all items (as machine values) to the file object f.", to_file)
    .method(
        "index($self, v, start=0, stop=sys.maxsize, /)",
        "Return index of first occurrence of v in the array.\n\nRaise ValueError if the value is not present.",
        |vm: &Vm, a: A, v: Value, start: Value, stop: Value| -> Res<usize> {
            let (from, to) = search_bounds(vm, start, stop, || a.len())?;
            find(vm, |i| a.get(i), v, from, to)?.ok_or_else(|| vm.value_error("array.index(x): x not in array"))
        },
    )
    .method("insert($self, i, v, /)", "Insert a new item v into the array before position i.", insert)
    .method("pop($self, i=-1, /)", "Return the i-th element and delete it from the array.\n\ni defaults to -1.", pop)
    .method("remove($self, v, /)", "Remove the first occurrence of v in the array.", |vm: &Vm, a: A, v: Value| -> Res<()> {
        match find(vm, |i| a.get(i), v, 0, usize::MAX)? {
            Some(i) if i < a.len() => a.splice(vm, i, i + 1, &[]),
            Some(_) => Ok(()),
            None => Err(vm.value_error("array.remove(x): x not in array")),
        }
    })
    .method("reverse($self, /)", "Reverse the order of the items in the array.", |_: &Vm, a: A| {
        let size = a.item_type().size;
        a.with(|d| {
            d.reverse();
            d.chunks_exact_mut(size).for_each(<[u8]>::reverse);
        })
    })
    .method("tolist($self, /)", "Convert array to an ordinary list with the same items.", to_list)
    .method("tobytes($self, /)", "Convert the array to an array of machine values and return the bytes representation.", |_: &Vm, a: A| {
        BytesObj::new(a.bytes())
    })
    .method(
        "tounicode($self, /)",
        "Convert the array to a unicode string.\n\nThe array must be a unicode type array; otherwise a ValueError is raised.",
        |vm: &Vm, a: A| {
            if a.item_type().is_text() {
                return text(vm, a);
            }
            Err(vm.value_error("tounicode() may only be called on unicode type arrays ('u' or 'w')"))
        },
    )
    .method("__sizeof__($self, /)", "Size of the array in memory, in bytes.", |_: &Vm, a: A| {
        64 + a.with(|d| d.capacity())
    })
    .method("__buffer__($self, flags, /)", "Return a buffer object that exposes the underlying memory of the object.", |vm: &Vm, a: A, flags: i32| {
        cape_builtins::memoryview::buffer_method(vm, a.value(), flags)
    })
    .method(
        "__release_buffer__($self, buffer, /)",
        "Release the buffer object that exposes the underlying memory of the object.",
        |vm: &Vm, a: A, view: Value| cape_builtins::memoryview::release_buffer_method(vm, a.value(), view),
    )
    .class_method("__class_getitem__($type, object, /)", "See PEP 585", |vm: &Vm, cls: Value, item: Value| {
        vm.call_generic_alias(cls, item)
    })
    .getter("typecode", "the typecode character used to create the array", |_: &Vm, a: A| {
        StrObj::from_char(a.letter.get() as u32)
    })
    .getter("itemsize", "the size, in bytes, of one array item", |_: &Vm, a: A| a.item_type().size);
}

fn byteswap(_: &Vm, a: A) {
    let size = a.item_type().size;
    if size > 1 {
        a.with(|d| d.chunks_exact_mut(size).for_each(<[u8]>::reverse));
    }
}

/// All items as a list.
pub(super) fn to_list(_: &Vm, a: A) -> Ptr<ListObj> {
    let n = a.len();
    let out = ArrayObj::new(n);
    for i in 0..n {
        out.set(i, a.get(i).unwrap_or(Value::NONE));
    }
    ListObj::from_array(out, n)
}

/// Appends the items of another array of the same type, or of any iterable.
pub(super) fn extend(vm: &Vm, a: A, other: Value) -> Res<()> {
    let Some(b) = other.downcast::<ArrayTypeObj>() else {
        return vm.for_each(other, |v| a.push(vm, v));
    };
    if a.letter.get() != b.letter.get() {
        return Err(vm.type_error("can only extend with array of same kind"));
    }
    let new = b.bytes().to_vec();
    a.splice(vm, a.len(), a.len(), &new)
}

fn from_list(vm: &Vm, a: A, list: Value) -> Res<()> {
    let Some(l) = list.downcast::<ListObj>() else { return Err(vm.type_error("arg must be list")) };
    let n = l.len();
    if n > 0 {
        a.check_resize(vm)?;
    }
    // On failure the array stays as it was.
    let t = a.item_type();
    let mut new = vec![0; n * t.size];
    for i in 0..n {
        let Some(v) = l.get(i).filter(|_| l.len() == n) else {
            return Err(vm.runtime_error("list changed size during iteration"));
        };
        t.write(vm, v, &mut new[i * t.size..(i + 1) * t.size])?;
        if l.len() != n {
            return Err(vm.runtime_error("list changed size during iteration"));
        }
    }
    a.splice(vm, a.len(), a.len(), &new)
}

pub(super) fn from_bytes(vm: &Vm, a: A, buffer: Value) -> Res<()> {
    let data = vm.bytes_like(buffer)?.as_slice().to_vec();
    if data.len() % a.item_type().size != 0 {
        return Err(vm.value_error("bytes length not a multiple of item size"));
    }
    a.splice(vm, a.len(), a.len(), &data)
}

fn from_unicode(vm: &Vm, a: A, s: Ptr<StrObj>) -> Res<()> {
    if !a.item_type().is_text() {
        return Err(vm.value_error("fromunicode() may only be called on unicode type arrays ('u' or 'w')"));
    }
    let data: Vec<u8> = s.chars().flat_map(u32::to_ne_bytes).collect();
    a.splice(vm, a.len(), a.len(), &data)
}

fn from_file(vm: &Vm, a: A, f: Value, n: isize) -> Res<()> {
    if n < 0 {
        return Err(vm.value_error("negative count"));
    }
    let Some(wanted) = (n as usize).checked_mul(a.item_type().size) else {
        return Err(vm.new_exc_args(rt().types.memory_error, &[]));
    };
    let r = vm.call_method(f, intern("read"), &[int_value(wanted as i64)])?;
    let Some(b) = r.downcast::<BytesObj>() else { return Err(vm.type_error("read() didn't return bytes")) };
    let got = b.len();
    from_bytes(vm, a, r)?;
    if got != wanted {
        return Err(vm.eof_error("read() didn't return enough bytes"));
    }
    Ok(())
}

fn to_file(vm: &Vm, a: A, f: Value) -> Res<()> {
    const BLOCK: usize = 64 << 10;
    let mut at = 0;
    while at < a.bytes().len() {
        let end = (at + BLOCK).min(a.bytes().len());
        let piece = BytesObj::new(&a.bytes()[at..end]);
        vm.call_method(f, intern("write"), &[piece.value()])?;
        at = end;
    }
    Ok(())
}

fn insert(vm: &Vm, a: A, i: isize, v: Value) -> Res<()> {
    let t = a.item_type();
    let mut item = [0; 8];
    t.write(vm, v, &mut item[..t.size])?;
    let n = a.len();
    let i = if i < 0 { i.saturating_add(n as isize).max(0) as usize } else { (i as usize).min(n) };
    a.splice(vm, i, i, &item[..t.size])
}

fn pop(vm: &Vm, a: A, i: Option<isize>) -> Res<Value> {
    let n = a.len();
    if n == 0 {
        return Err(vm.index_error("pop from empty array"));
    }
    let Some(i) = place(i.unwrap_or(-1), n) else { return Err(vm.index_error("pop index out of range")) };
    let v = a.get(i).unwrap_or(Value::NONE);
    a.splice(vm, i, i + 1, &[])?;
    Ok(v)
}
