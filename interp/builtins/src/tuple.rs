//! `tuple`.

use cape_vm::iteration::find;
use cape_vm::native::extend;
use cape_vm::object::*;
use cape_vm::ops::Cmp;
use cape_vm::{Ptr, Res, Value, Vm, rt, type_of};

use crate::number::type_name;
use crate::rich_comparisons;
use crate::slicing::{fit, is_index, place, repeated_len, repetitions, search_bounds, unpack};

type T = Ptr<TupleObj>;

/// Completes the type.
pub fn init(_vm: &Vm) {
    let t = extend(rt().types.tuple);
    t.doc(
        "Built-in immutable sequence.\n\nIf no argument is given, the constructor returns an empty tuple.\nIf iterable is \
         specified the tuple is initialized from iterable's items.\n\nIf the argument is a tuple, the return value is the \
         same object.",
    )
    .new_fn("__new__(cls, iterable=(), /)", "Create and return a new object.", new)
    .method("__repr__($self, /)", "Return repr(self).", repr)
    .method("__hash__($self, /)", "Return hash(self).", hash)
    .method("__iter__($self, /)", "Implement iter(self).", |_: &Vm, t: T| {
        SeqIterObj::with_map(rt().maps.tuple_iterator, t.value())
    })
    .method("__len__($self, /)", "Return len(self).", |_: &Vm, t: T| t.len())
    .method("__getitem__($self, key, /)", "Return self[key].", getitem)
    .method("__add__($self, value, /)", "Return self+value.", concat)
    .method("__mul__($self, value, /)", "Return self*value.", repeat)
    .method("__rmul__($self, value, /)", "Return value*self.", repeat)
    .method("__contains__($self, key, /)", "Return bool(key in self).", |vm: &Vm, t: T, v: Value| {
        Ok(find(vm, |i| t.as_slice().get(i).copied(), v, 0, usize::MAX)?.is_some())
    })
    .method("__getnewargs__($self, /)", "", |_: &Vm, t: T| TupleObj::new(&[TupleObj::new(t.as_slice()).value()]))
    .method(
        "index($self, value, start=0, stop=sys.maxsize, /)",
        "Return first index of value.\n\nRaises ValueError if the value is not present.",
        index,
    )
    .method("count($self, value, /)", "Return number of occurrences of value.", |vm: &Vm, t: T, v: Value| {
        count(vm, |i| t.as_slice().get(i).copied(), v)
    })
    .class_method(
        "__class_getitem__($type, object, /)",
        "Tuples are generic over the types of their contents.",
        |vm: &Vm, cls: Value, item: Value| vm.call_generic_alias(cls, item),
    );
    rich_comparisons!(t, T, compare);
}

fn new(vm: &Vm, cls: Ptr<TypeObj>, iterable: Value) -> Res<Value> {
    let exact = cls == rt().types.tuple;
    if iterable.is_empty() {
        return Ok(if exact { rt().empty_tuple() } else { TupleObj::with_map(cls.instance_map(), &[]) }.value());
    }
    if let Some(t) = iterable.downcast::<TupleObj>()
        && t.header().map() == rt().maps.tuple
    {
        return Ok(if exact { t } else { TupleObj::with_map(cls.instance_map(), t.as_slice()) }.value());
    }
    let made = |items: &[Value]| if exact { TupleObj::new(items) } else { TupleObj::with_map(cls.instance_map(), items) };
    if let Some(l) = iterable.downcast::<ListObj>()
        && l.header().map() == rt().maps.list
        && let Some(items) = l.generic_slice()
    {
        return Ok(made(items).value());
    }
    Ok(made(vm.list_of(iterable)?.as_slice()).value())
}

fn repr(vm: &Vm, t: T) -> Res<Ptr<StrObj>> {
    if t.is_empty() {
        return Ok(StrObj::new("()"));
    }
    if !vm.repr_enter(t.value()) {
        return Ok(StrObj::new("(...)"));
    }
    let r = repr_items(vm, '(', |i| t.as_slice().get(i).copied(), if t.len() == 1 { ",)" } else { ")" });
    vm.repr_leave(t.value());
    r
}

/// The reprs of items, with commas, between `open` and `close`.
pub fn repr_items(
    vm: &Vm,
    open: char,
    item: impl Fn(usize) -> Option<Value>,
    close: &str,
) -> Res<Ptr<StrObj>> {
    let mut out = StrBuilder::new();
    out.push(open as u32);
    let mut i = 0;
    while let Some(v) = item(i) {
        if i > 0 {
            out.push_str(", ");
        }
        let text = vm.repr(v)?;
        out.push_obj(&text);
        i += 1;
    }
    out.push_str(close);
    Ok(out.finish())
}

fn hash(vm: &Vm, t: T) -> Res<Value> {
    let known = t.hash.get();
    if known != -1 {
        return Ok(int_value(known));
    }
    let h = hash_of(vm, t.as_slice())?;
    t.hash.set(h);
    Ok(int_value(h))
}

/// The hash of a sequence of values as an `int`.
pub fn hash_values(vm: &Vm, items: &[Value]) -> Res<Value> {
    hash_of(vm, items).map(int_value)
}

const P5: u64 = 2_870_177_450_012_600_261;

/// xxHash's mixing of the items' hashes, as in CPython, without its end.
pub fn mix_hashes(vm: &Vm, items: &[Value]) -> Res<u64> {
    const P1: u64 = 11_400_714_785_074_694_791;
    const P2: u64 = 14_029_467_366_897_019_727;
    let mut acc = P5;
    for &v in items {
        let lane = vm.hash(v)? as u64;
        acc = acc.wrapping_add(lane.wrapping_mul(P2)).rotate_left(31).wrapping_mul(P1);
    }
    Ok(acc)
}

fn hash_of(vm: &Vm, items: &[Value]) -> Res<i64> {
    let acc = mix_hashes(vm, items)?.wrapping_add(items.len() as u64 ^ (P5 ^ 3_527_539));
    Ok(if acc == u64::MAX { 1_546_275_796 } else { acc as i64 })
}

fn getitem(vm: &Vm, t: T, key: Value) -> Res<Value> {
    if is_index(key) {
        let i = vm.index_isize(key)?;
        return match place(i, t.len()) {
            Some(i) => Ok(t.get(i)),
            None => Err(vm.index_error("tuple index out of range")),
        };
    }
    let Some(s) = key.downcast::<SliceObj>() else {
        return Err(
            vm.type_error(format!("tuple indices must be integers or slices, not {}", type_name(key)))
        );
    };
    let span = fit(unpack(vm, s)?, t.len());
    if span.count == t.len() && span.step == 1 && t.header().map() == rt().maps.tuple {
        return Ok(t.value());
    }
    if span.step == 1 {
        let from = span.start as usize;
        return Ok(TupleObj::new(&t.as_slice()[from..from + span.count]).value());
    }
    let out = ArrayObj::new(span.count);
    (0..span.count).for_each(|i| out.set(i, t.get(span.at(i))));
    Ok(TupleObj::new(out.as_slice()).value())
}

fn concat(vm: &Vm, a: T, b: Value) -> Res<Value> {
    let Some(y) = b.downcast::<TupleObj>() else {
        return Err(vm.type_error(format!("can only concatenate tuple (not \"{}\") to tuple", type_name(b))));
    };
    let exact = |t: T| t.header().map() == rt().maps.tuple;
    if a.is_empty() && exact(y) {
        return Ok(b);
    }
    if y.is_empty() && exact(a) {
        return Ok(a.value());
    }
    Ok(TupleObj::concat(a.as_slice(), y.as_slice()).value())
}

fn repeat(vm: &Vm, t: T, n: Value) -> Res<Value> {
    let Some(n) = repetitions(vm, n)? else { return Ok(Value::NOT_IMPLEMENTED) };
    if (t.is_empty() || n == 1) && t.header().map() == rt().maps.tuple {
        return Ok(t.value());
    }
    if n == 0 || t.is_empty() {
        return Ok(rt().empty_tuple().value());
    }
    let total = repeated_len(vm, t.len(), n)?;
    let out = ArrayObj::new(total);
    (0..n).for_each(|i| out.copy_from(i * t.len(), t.as_slice()));
    Ok(TupleObj::new(out.as_slice()).value())
}

fn index(vm: &Vm, t: T, v: Value, start: Value, stop: Value) -> Res<usize> {
    let (from, to) = search_bounds(vm, start, stop, || t.len())?;
    match find(vm, |i| t.as_slice().get(i).copied(), v, from, to)? {
        Some(i) => Ok(i),
        None => Err(vm.value_error("tuple.index(x): x not in tuple")),
    }
}

/// How many items are or equal `v`.
pub fn count(vm: &Vm, item: impl Fn(usize) -> Option<Value>, v: Value) -> Res<usize> {
    let (mut n, mut i) = (0, 0);
    while let Some(x) = item(i) {
        n += vm.eq_identity(x, v)? as usize;
        i += 1;
    }
    Ok(n)
}

fn compare(vm: &Vm, a: T, b: Value, op: Cmp) -> Res<Value> {
    let Some(b) = b.downcast::<TupleObj>() else { return Ok(Value::NOT_IMPLEMENTED) };
    compare_slices(
        vm,
        |i| a.as_slice().get(i).copied(),
        |i| b.as_slice().get(i).copied(),
        (a.len(), b.len()),
        op,
    )
}

/// Compares two sequences item by item; `lens` are their lengths, to find out inequality early.
pub fn compare_slices(
    vm: &Vm,
    a: impl Fn(usize) -> Option<Value>,
    b: impl Fn(usize) -> Option<Value>,
    lens: (usize, usize),
    op: Cmp,
) -> Res<Value> {
    if lens.0 != lens.1 && matches!(op, Cmp::Eq | Cmp::Ne) {
        return Ok(Value::bool(op == Cmp::Ne));
    }
    let mut i = 0;
    loop {
        let (x, y) = match (a(i), b(i)) {
            (Some(x), Some(y)) => (x, y),
            (None, None) => return Ok(Value::bool(op.of(std::cmp::Ordering::Equal))),
            (x, y) => return Ok(Value::bool(op.of(x.is_some().cmp(&y.is_some())))),
        };
        if !vm.eq_identity(x, y)? {
            // The comparison may have shortened a list.
            if a(i).is_none() || b(i).is_none() {
                continue;
            }
            return match op {
                Cmp::Eq => Ok(Value::FALSE),
                Cmp::Ne => Ok(Value::TRUE),
                _ => vm.compare(x, y, op),
            };
        }
        i += 1;
    }
}

/// The items of a list or tuple (subclasses included), copied; `None` for other objects.
pub fn items_of(v: Value) -> Option<Ptr<ArrayObj>> {
    if let Some(t) = v.downcast::<TupleObj>() {
        return Some(ArrayObj::from_slice(t.as_slice()));
    }
    v.downcast::<ListObj>().map(|l| l.snapshot())
}

/// Whether `v` is of exact type `tuple`.
pub fn is_exact(v: Value) -> bool {
    type_of(v) == rt().types.tuple
}
