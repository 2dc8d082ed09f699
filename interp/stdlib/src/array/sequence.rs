//! Arrays as sequences.

use std::cell::Cell;

use cape_builtins::number::type_name;
use cape_builtins::rich_comparisons;
use cape_builtins::slicing::{fit, is_index, place, repeated_len, repetitions, unpack};
use cape_builtins::tuple::compare_slices;
use cape_vm::iteration::find;
use cape_heap::{Field, Header, heap};
use cape_vm::native::TypeBuilder;
use cape_vm::object::*;
use cape_vm::ops::Cmp;
use cape_vm::{Ptr, Raised, Res, Value, Vm, rt};

use super::elements::Kind;
use super::{A, ArrayIterObj, ArrayTypeObj, ITER, methods, plain};

pub(super) fn add(t: TypeBuilder) {
    t.method("__repr__($self, /)", "Return repr(self).", repr)
        .attribute("__hash__", Value::NONE)
        .method("__iter__($self, /)", "Implement iter(self).", |_: &Vm, a: A| {
            let map = ITER.get().instance_map();
            let it = ArrayIterObj { header: Header::new(map), array: Field::new(a.value()), index: Cell::new(0) };
            heap().alloc(map, it)
        })
        .method("__len__($self, /)", "Return len(self).", |_: &Vm, a: A| a.len())
        .method("__getitem__($self, key, /)", "Return self[key].", getitem)
        .method("__setitem__($self, key, value, /)", "Set self[key] to value.", setitem)
        .method("__delitem__($self, key, /)", "Delete self[key].", delitem)
        .method("__add__($self, value, /)", "Return self+value.", concat)
        .method("__mul__($self, value, /)", "Return self*value.", repeat)
        .method("__rmul__($self, value, /)", "Return value*self.", repeat)
        .method("__contains__($self, key, /)", "Return bool(key in self).", |vm: &Vm, a: A, v: Value| {
            Ok(find(vm, |i| a.get(i), v, 0, usize::MAX)?.is_some())
        })
        .method("__iadd__($self, value, /)", "Implement self+=value.", |vm: &Vm, a: A, v: Value| -> Res<A> {
            if !v.is::<ArrayTypeObj>() {
                return Err(vm.type_error(format!("can only extend with array (not \"{}\")", type_name(v))));
            }
            methods::extend(vm, a, v)?;
            Ok(a)
        })
        .method("__imul__($self, value, /)", "Implement self*=value.", repeat_in_place);
    rich_comparisons!(t, A, compare);
}

fn repr(vm: &Vm, a: A) -> Res<Ptr<StrObj>> {
    let t = a.item_type();
    let mut out = StrBuilder::new();
    out.push_str(&format!("array('{}'", t.letter as char));
    if a.len() > 0 {
        let items = if t.is_text() { text(vm, a)?.value() } else { methods::to_list(vm, a).value() };
        let shown = vm.repr(items)?;
        out.push_str(", ");
        out.push_obj(&shown);
    }
    out.push_str(")");
    Ok(out.finish())
}

/// The characters of a text array as a `str`; ValueError when an item is none.
pub(super) fn text(vm: &Vm, a: A) -> Res<Ptr<StrObj>> {
    let points: Vec<u32> =
        a.bytes().chunks_exact(4).map(|c| u32::from_ne_bytes([c[0], c[1], c[2], c[3]])).collect();
    let Some(i) = points.iter().position(|c| *c > 0x10_ffff) else {
        return Ok(StrObj::from_code_points(&points));
    };
    if a.letter.get() == b'u' {
        let c = points[i];
        return Err(vm.value_error(format!("character U+{c:x} is not in range [U+0000; U+10ffff]")));
    }
    let data = BytesObj::new(a.bytes()).value();
    let reason = "code point not in range(0x110000)";
    Err(vm.unicode_decode_error_at("utf-32-le", data, i * 4, i * 4 + 4, reason))
}

#[cold]
fn bad_key(vm: &Vm) -> Raised {
    vm.type_error("array indices must be integers")
}

fn getitem(vm: &Vm, a: A, key: Value) -> Res<Value> {
    if is_index(key) {
        let i = vm.index_isize(key)?;
        return place(i, a.len())
            .and_then(|i| a.get(i))
            .ok_or_else(|| vm.index_error("array index out of range"));
    }
    let Some(s) = key.downcast::<SliceObj>() else { return Err(bad_key(vm)) };
    let span = fit(unpack(vm, s)?, a.len());
    let size = a.item_type().size;
    let mut out = Vec::with_capacity(span.count * size);
    let data = a.bytes();
    if span.step == 1 {
        let from = span.start as usize * size;
        out.extend_from_slice(&data[from..from + span.count * size]);
    } else {
        for i in 0..span.count {
            let from = span.at(i) * size;
            out.extend_from_slice(&data[from..from + size]);
        }
    }
    Ok(plain(a.letter.get(), out).value())
}

fn setitem(vm: &Vm, a: A, key: Value, v: Value) -> Res<()> {
    let t = a.item_type();
    if is_index(key) {
        let i = vm.index_isize(key)?;
        let out_of_range = || vm.index_error("array assignment index out of range");
        let i = place(i, a.len()).ok_or_else(out_of_range)?;
        let mut item = [0; 8];
        t.write(vm, v, &mut item[..t.size])?;
        // Converting the value may have shortened the array.
        if i >= a.len() {
            return Err(out_of_range());
        }
        return a.splice(vm, i, i + 1, &item[..t.size]);
    }
    let Some(s) = key.downcast::<SliceObj>() else { return Err(bad_key(vm)) };
    let raw = unpack(vm, s)?;
    let Some(other) = v.downcast::<ArrayTypeObj>() else {
        return Err(vm.type_error(format!("can only assign array (not \"{}\") to array slice", type_name(v))));
    };
    if other.letter.get() != a.letter.get() {
        return Err(vm.type_error("bad argument type for built-in operation"));
    }
    let span = fit(raw, a.len());
    let new = other.bytes().to_vec();
    if span.step == 1 {
        let from = span.start as usize;
        return a.splice(vm, from, from + span.count, &new);
    }
    let given = new.len() / t.size;
    if given != span.count {
        return Err(vm.value_error(format!(
            "attempt to assign array of size {given} to extended slice of size {}",
            span.count
        )));
    }
    a.with(|d| {
        for (i, item) in new.chunks_exact(t.size).enumerate() {
            let at = span.at(i) * t.size;
            d[at..at + t.size].copy_from_slice(item);
        }
    });
    Ok(())
}

fn delitem(vm: &Vm, a: A, key: Value) -> Res<()> {
    if is_index(key) {
        let i = vm.index_isize(key)?;
        let Some(i) = place(i, a.len()) else {
            return Err(vm.index_error("array assignment index out of range"));
        };
        return a.splice(vm, i, i + 1, &[]);
    }
    let Some(s) = key.downcast::<SliceObj>() else { return Err(bad_key(vm)) };
    let span = fit(unpack(vm, s)?, a.len()).ascending();
    if span.count == 0 {
        return Ok(());
    }
    a.check_resize(vm)?;
    let size = a.item_type().size;
    a.with(|d| {
        let old = std::mem::take(d);
        *d = old
            .chunks_exact(size)
            .enumerate()
            .filter(|(i, _)| {
                let offset = *i as isize - span.start;
                offset < 0 || offset % span.step != 0 || (offset / span.step) as usize >= span.count
            })
            .flat_map(|(_, item)| item.iter().copied())
            .collect();
    });
    Ok(())
}

fn concat(vm: &Vm, a: A, other: Value) -> Res<A> {
    let Some(b) = other.downcast::<ArrayTypeObj>() else {
        return Err(vm.type_error(format!("can only append array (not \"{}\") to array", type_name(other))));
    };
    if a.letter.get() != b.letter.get() {
        return Err(vm.type_error("bad argument type for built-in operation"));
    }
    let data = [a.bytes(), b.bytes()].concat();
    Ok(plain(a.letter.get(), data))
}

fn repeat(vm: &Vm, a: A, n: Value) -> Res<Value> {
    let Some(n) = repetitions(vm, n)? else { return Ok(Value::NOT_IMPLEMENTED) };
    repeated_len(vm, a.bytes().len(), n)?;
    let data = a.bytes().repeat(n);
    Ok(plain(a.letter.get(), data).value())
}

fn repeat_in_place(vm: &Vm, a: A, n: Value) -> Res<Value> {
    let Some(n) = repetitions(vm, n)? else { return Ok(Value::NOT_IMPLEMENTED) };
    if n != 1 && a.len() > 0 {
        a.check_resize(vm)?;
        repeated_len(vm, a.bytes().len(), n)?;
        a.with(|d| *d = d.repeat(n));
    }
    Ok(a.value())
}

fn compare(vm: &Vm, a: A, b: Value, op: Cmp) -> Res<Value> {
    let Some(b) = b.downcast::<ArrayTypeObj>() else { return Ok(Value::NOT_IMPLEMENTED) };
    let integers = matches!(a.item_type().kind, Kind::Signed | Kind::Unsigned);
    if integers && a.letter.get() == b.letter.get() && matches!(op, Cmp::Eq | Cmp::Ne) {
        return Ok(Value::bool((a.bytes() == b.bytes()) == (op == Cmp::Eq)));
    }
    if let (Kind::Float, Kind::Float) = (a.item_type().kind, b.item_type().kind) {
        return Ok(compare_floats(a, b, op));
    }
    compare_slices(vm, |i| a.get(i), |i| b.get(i), (a.len(), b.len()), op)
}

/// Items are made anew when they are read: a NaN is never identical with another.
fn compare_floats(a: A, b: A, op: Cmp) -> Value {
    let float = |a: A, i| a.get(i).and_then(|v| cape_vm::object_float(v));
    let mut i = 0;
    while let (Some(x), Some(y)) = (float(a, i), float(b, i)) {
        if x != y {
            let order = x.partial_cmp(&y);
            return Value::bool(match op {
                Cmp::Eq => false,
                Cmp::Ne => true,
                Cmp::Lt => order.is_some_and(|o| o.is_lt()),
                Cmp::Le => order.is_some_and(|o| o.is_le()),
                Cmp::Gt => order.is_some_and(|o| o.is_gt()),
                Cmp::Ge => order.is_some_and(|o| o.is_ge()),
            });
        }
        i += 1;
    }
    let order = a.len().cmp(&b.len());
    Value::bool(match op {
        Cmp::Eq => order.is_eq(),
        Cmp::Ne => order.is_ne(),
        Cmp::Lt => order.is_lt(),
        Cmp::Le => order.is_le(),
        Cmp::Gt => order.is_gt(),
        Cmp::Ge => order.is_ge(),
    })
}

type I = Ptr<ArrayIterObj>;

pub(super) fn add_iterator(t: TypeBuilder) {
    t.method("__iter__($self, /)", "Implement iter(self).", |_: &Vm, it: I| it)
        .method("__next__($self, /)", "Implement next(self).", |_: &Vm, it: I| {
            let Some(a) = it.array.downcast::<ArrayTypeObj>() else { return Value::EMPTY };
            match a.get(it.index.get()) {
                Some(v) => {
                    it.index.set(it.index.get() + 1);
                    v
                }
                None => {
                    it.array.set_no_barrier(Value::EMPTY);
                    Value::EMPTY
                }
            }
        })
        .method("__reduce__($self, /)", "Return state information for pickling.", |vm: &Vm, it: I| -> Res<Value> {
            let iter = vm.import_attr("builtins", "iter")?;
            let array = it.array.get();
            if array.is_empty() {
                let args = TupleObj::new(&[rt().empty_tuple().value()]);
                return Ok(TupleObj::new(&[iter, args.value()]).value());
            }
            let args = TupleObj::new(&[array]);
            Ok(TupleObj::new(&[iter, args.value(), int_value(it.index.get() as i64)]).value())
        })
        .method("__setstate__($self, state, /)", "Set state information for unpickling.", |_: &Vm, it: I, state: isize| {
            if let Some(a) = it.array.downcast::<ArrayTypeObj>() {
                it.index.set((state.max(0) as usize).min(a.len()));
            }
        });
}
