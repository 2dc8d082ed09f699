//! Equality and searching.

use cape_vm::buffer::{Layout, flags};
use cape_vm::native::TypeBuilder;
use cape_vm::object::*;
use cape_vm::{Res, Value, Vm, rt};

use super::item::{is_integral, letter, unpack};
use super::{MemoryViewObj, View, access};
use crate::slicing::search_bounds;

pub(super) fn add(t: TypeBuilder) {
    t.method("__eq__($self, value, /)", "Return self==value.", |vm: &Vm, m: View, v: Value| equal(vm, m, v, false))
        .method("__ne__($self, value, /)", "Return self!=value.", |vm: &Vm, m: View, v: Value| equal(vm, m, v, true))
        .method("index($self, value, start=0, stop=sys.maxsize, /)", "Return the index of the first occurrence of a value.\n\nRaises ValueError if the value is not present.", index)
        .method("count($self, value, /)", "Count the number of occurrences of a value.", count);
}

fn equal(vm: &Vm, m: View, other: Value, negate: bool) -> Res<Value> {
    let answer = |b: bool| Ok(Value::bool(b != negate));
    if m.released.get() {
        return answer(m.value() == other);
    }
    if let Some(o) = other.downcast::<MemoryViewObj>()
        && o.released.get()
    {
        return answer(false);
    }
    if !vm.has_buffer(other) {
        return Ok(Value::NOT_IMPLEMENTED);
    }
    let theirs = match vm.buffer(other, flags::FULL_RO) {
        Ok(b) => b,
        Err(e) if e.is(rt().types.exception) => return Ok(Value::NOT_IMPLEMENTED),
        Err(e) => return Err(e),
    };
    let layout = theirs.raw().layout().into_owned();
    if !same_shape(m.layout(), &layout) {
        return answer(false);
    }
    let (a, b) = (letter(&m.layout().format), letter(&layout.format));
    let same_format = m.layout().format.trim_start_matches('@') == layout.format.trim_start_matches('@');
    // Bytes of both in C order; comparing items may run Python code, so they are copies.
    let (x, y) = (m.bytes(), theirs.to_vec());
    if same_format && a.is_some_and(is_integral) {
        return answer(x == y);
    }
    drop(theirs);
    let (mut left, mut right) = (Items::new(vm, a, m.layout())?, Items::new(vm, b, &layout)?);
    for i in 0..m.layout().count() {
        let (Some(p), Some(q)) = (left.get(vm, &x, i)?, right.get(vm, &y, i)?) else {
            return answer(false);
        };
        if !equal_items(vm, p, q)? {
            return answer(false);
        }
    }
    answer(true)
}

/// Whether two items are equal. Those of a struct are objects of their own each time: a NaN is not the same one as the other's.
fn equal_items(vm: &Vm, p: Value, q: Value) -> Res<bool> {
    let (Some(a), Some(b)) = (p.downcast::<TupleObj>(), q.downcast::<TupleObj>()) else {
        return vm.eq(p, q);
    };
    if a.len() != b.len() {
        return Ok(false);
    }
    for i in 0..a.len() {
        if !vm.eq(a.get(i), b.get(i))? {
            return Ok(false);
        }
    }
    Ok(true)
}


/// Equal shapes; what is behind a dimension without items does not matter.
fn same_shape(a: &Layout, b: &Layout) -> bool {
    if a.shape.len() != b.shape.len() {
        return false;
    }
    for (&x, &y) in a.shape.iter().zip(&b.shape) {
        if x != y {
            return false;
        }
        if x == 0 {
            break;
        }
    }
    true
}

/// Items of any format: native ones, or through the `struct` module.
struct Items {
    letter: Option<u8>,
    size: usize,
    unpacker: Value,
}

impl Items {
    fn new(vm: &Vm, letter: Option<u8>, layout: &Layout) -> Res<Items> {
        let mut unpacker = Value::EMPTY;
        if letter.is_none() {
            let class = vm.import_attr("struct", "Struct")?;
            unpacker = match vm.call(class, &[StrObj::new(&layout.format).value()]) {
                Ok(s) => vm.get_attr_str(s, "unpack")?,
                Err(e) if e.is(rt().types.exception) => Value::EMPTY,
                Err(e) => return Err(e),
            };
        }
        Ok(Items { letter, size: layout.itemsize, unpacker })
    }

    /// Item `i`; `None` when the format is not understood.
    fn get(&mut self, vm: &Vm, data: &[u8], i: usize) -> Res<Option<Value>> {
        let item = &data[i * self.size..(i + 1) * self.size];
        if let Some(c) = self.letter {
            return Ok(Some(unpack(c, item)));
        }
        if self.unpacker.is_empty() {
            return Ok(None);
        }
        let r = match vm.call(self.unpacker, &[BytesObj::new(item).value()]) {
            Ok(r) => r,
            Err(e) if e.is(rt().types.exception) => return Ok(None),
            Err(e) => return Err(e),
        };
        // A single value is compared as itself.
        Ok(Some(match r.downcast::<TupleObj>() {
            Some(t) if t.len() == 1 => t.get(0),
            _ => r,
        }))
    }
}

/// TypeError or NotImplementedError unless the view has one dimension.
fn one_dimension(vm: &Vm, m: View) -> Res<()> {
    m.check(vm)?;
    match m.layout().shape.len() {
        0 => Err(vm.type_error("invalid lookup on 0-dim memory")),
        1 => Ok(()),
        _ => Err(vm.not_implemented_error("multi-dimensional lookup is not implemented")),
    }
}

fn item(vm: &Vm, m: View, i: usize) -> Res<Option<Value>> {
    m.check(vm)?;
    if i as isize >= m.layout().shape[0] {
        return Ok(None);
    }
    // SAFETY: in range.
    let p = unsafe { cape_vm::buffer::item(m.address(), m.layout(), 0, i as isize) };
    access::read(vm, m, p).map(Some)
}

fn index(vm: &Vm, m: View, value: Value, start: Value, stop: Value) -> Res<usize> {
    one_dimension(vm, m)?;
    let (from, to) = search_bounds(vm, start, stop, || m.layout().shape[0] as usize)?;
    let mut i = from;
    while i < to
        && let Some(v) = item(vm, m, i)?
    {
        if vm.eq_identity(v, value)? {
            return Ok(i);
        }
        i += 1;
    }
    Err(vm.value_error("memoryview.index(x): x not found"))
}

fn count(vm: &Vm, m: View, value: Value) -> Res<usize> {
    one_dimension(vm, m)?;
    let (mut i, mut n) = (0, 0);
    while let Some(v) = item(vm, m, i)? {
        n += vm.eq_identity(v, value)? as usize;
        i += 1;
    }
    Ok(n)
}
