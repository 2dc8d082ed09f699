//! `list`.

use cape_vm::iteration::find;
use cape_vm::native::{TypeBuilder, extend};
use cape_vm::object::*;
use cape_vm::ops::Cmp;
use cape_vm::{Ptr, Res, Value, Vm, rt};

use crate::number::type_name;
use crate::slicing::{Span, fit, is_index, place, repeated_len, repetitions, search_bounds, unpack};
use crate::tuple::{compare_slices, count, repr_items};
use crate::{rich_comparisons, sort};

type L = Ptr<ListObj>;

/// Completes the type.
pub fn init(_vm: &Vm) {
    rt().types.list.construct.set(Some(|vm, args| {
        let l = ListObj::new(&[]);
        args.iter().try_for_each(|&iterable| extend_list(vm, l, iterable))?;
        Ok(l.value())
    }));
    let t = extend(rt().types.list);
    t.doc(
        "Built-in mutable sequence.\n\nIf no argument is given, the constructor creates a new empty list.\nThe argument \
         must be an iterable if specified.",
    )
    .new_fn("__new__(cls, *args, **kwargs)", "Create and return a new object.", |_: &Vm, cls: Ptr<TypeObj>, _: Value, _: Value| {
        ListObj::empty_with_map(cls.instance_map())
    })
    .method("__init__($self, iterable=(), /)", "Initialize self.", init_list)
    .method("__repr__($self, /)", "Return repr(self).", repr)
    .attribute("__hash__", Value::NONE)
    .method("__iter__($self, /)", "Implement iter(self).", |_: &Vm, l: L| {
        SeqIterObj::with_map(rt().maps.list_iterator, l.value())
    })
    .method("__len__($self, /)", "Return len(self).", |_: &Vm, l: L| l.len())
    .method("__getitem__($self, index, /)", "Return self[index].", getitem)
    .method("__setitem__($self, key, value, /)", "Set self[key] to value.", setitem)
    .method("__delitem__($self, key, /)", "Delete self[key].", delitem)
    .method("__add__($self, value, /)", "Return self+value.", concat)
    .method("__mul__($self, value, /)", "Return self*value.", repeat)
    .method("__rmul__($self, value, /)", "Return value*self.", repeat)
    .method("__contains__($self, key, /)", "Return bool(key in self).", |vm: &Vm, l: L, v: Value| {
        Ok(find(vm, |i| l.get(i), v, 0, usize::MAX)?.is_some())
    })
    .method("__iadd__($self, value, /)", "Implement self+=value.", |vm: &Vm, l: L, v: Value| {
        extend_list(vm, l, v).map(|_| l)
    })
    .method("__imul__($self, value, /)", "Implement self*=value.", repeat_in_place);
    rich_comparisons!(t, L, compare);
    methods(t);
}

fn methods(t: TypeBuilder) {
    t.method(
        "__reversed__($self, /)",
        "Return a reverse iterator over the list.",
        |_: &Vm, l: L| {
            let it = SeqIterObj::with_map(rt().maps.list_reverse_iterator, l.value());
            it.index.set(l.len());
            it
        },
    )
    .method("__sizeof__($self, /)", "Return the size of the list in memory, in bytes.", |_: &Vm, l: L| {
        40 + 8 * l.len()
    })
    .method("clear($self, /)", "Remove all items from list.", |_: &Vm, l: L| l.splice(0, l.len(), &[]))
    .method("copy($self, /)", "Return a shallow copy of the list.", |_: &Vm, l: L| copy(l))
    .method("append($self, object, /)", "Append object to the end of the list.", |_: &Vm, l: L, v: Value| {
        l.push(v)
    })
    .method("insert($self, index, object, /)", "Insert object before index.", insert)
    .method(
        "extend($self, iterable, /)",
        "Extend list by appending elements from the iterable.",
        extend_list,
    )
    .method(
        "pop($self, index=-1, /)",
        "Remove and return item at index (default last).\n\nRaises IndexError if list is empty or index is out of range.",
        pop,
    )
    .method(
        "remove($self, value, /)",
        "Remove first occurrence of value.\n\nRaises ValueError if the value is not present.",
        remove,
    )
    .method(
        "index($self, value, start=0, stop=sys.maxsize, /)",
        "Return first index of value.\n\nRaises ValueError if the value is not present.",
        index,
    )
    .method("count($self, value, /)", "Return number of occurrences of value.", |vm: &Vm, l: L, v: Value| {
        count(vm, |i| l.get(i), v)
    })
    .method("reverse($self, /)", "Reverse *IN PLACE*.", reverse)
    .method(
        "sort($self, /, *, key=None, reverse=False)",
        "Sort the list in ascending order and return None.\n\nThe sort is in-place (i.e. the list itself is modified) and \
         stable\n(i.e. the order of two equal elements is maintained).\n\nWith a key function, the items are compared by \
         what it gives for each of them;\nit is called once per item.\n\nThe reverse flag can be set to sort in descending \
         order.",
        sort::sort,
    )
    .class_method(
        "__class_getitem__($type, object, /)",
        "lists are generic over the type of their contents",
        |vm: &Vm, cls: Value, item: Value| vm.call_generic_alias(cls, item),
    );
}

fn init_list(vm: &Vm, l: L, iterable: Value) -> Res<()> {
    if !l.is_empty() {
        l.splice(0, l.len(), &[]);
    }
    if iterable.is_empty() { Ok(()) } else { extend_list(vm, l, iterable) }
}

/// A list of exact type with the same items.
fn copy(l: L) -> L {
    match l.generic_slice() {
        Some(s) => ListObj::new(s),
        None => {
            let a = l.snapshot();
            ListObj::from_array(a, a.len())
        }
    }
}

/// Appends all items of an iterable.
pub fn extend_list(vm: &Vm, l: L, iterable: Value) -> Res<()> {
    let exact = |m: cape_heap::MapRef| m == rt().maps.list || m == rt().maps.tuple;
    if iterable.is_ptr() && exact(iterable.header().map()) {
        let n = l.len();
        if let Some(t) = iterable.downcast::<TupleObj>() {
            l.splice(n, n, t.as_slice());
        } else if let Some(other) = iterable.downcast::<ListObj>() {
            match other.generic_slice() {
                Some(s) if other != l => l.splice(n, n, s),
                _ => l.splice(n, n, other.snapshot().as_slice()),
            }
        }
        return Ok(());
    }
    if iterable.is_ptr() && (iterable.header().map() == rt().maps.dict || iterable.header().map() == rt().maps.set) {
        let push = |x, _| {
            l.push(x);
            Ok(())
        };
        return crate::set::each(vm, iterable, |_, _| Ok(0), push);
    }
    let it = vm.iter(iterable)?;
    // The hint is computed for its exceptions too.
    vm.length_hint(iterable)?;
    while let Some(x) = vm.next(it)? {
        l.push(x);
    }
    Ok(())
}

fn repr(vm: &Vm, l: L) -> Res<Ptr<StrObj>> {
    if l.is_empty() {
        return Ok(StrObj::new("[]"));
    }
    if !vm.repr_enter(l.value()) {
        return Ok(StrObj::new("[...]"));
    }
    let r = repr_items(vm, '[', |i| l.get(i), "]");
    vm.repr_leave(l.value());
    r
}

#[cold]
fn bad_key(vm: &Vm, key: Value) -> cape_vm::Raised {
    vm.type_error(format!("list indices must be integers or slices, not {}", type_name(key)))
}

fn getitem(vm: &Vm, l: L, key: Value) -> Res<Value> {
    if is_index(key) {
        let i = vm.index_isize(key)?;
        return match place(i, l.len()).and_then(|i| l.get(i)) {
            Some(v) => Ok(v),
            None => Err(vm.index_error("list index out of range")),
        };
    }
    let Some(s) = key.downcast::<SliceObj>() else { return Err(bad_key(vm, key)) };
    let raw = unpack(vm, s)?;
    Ok(slice(l, fit(raw, l.len())).value())
}

fn slice(l: L, span: Span) -> L {
    if let Some(items) = l.generic_slice()
        && span.step == 1
    {
        let from = span.start as usize;
        return ListObj::new(&items[from..from + span.count]);
    }
    let out = ArrayObj::new(span.count);
    for i in 0..span.count {
        out.set(i, l.get(span.at(i)).unwrap_or(Value::NONE));
    }
    ListObj::from_array(out, span.count)
}

fn setitem(vm: &Vm, l: L, key: Value, v: Value) -> Res<()> {
    if is_index(key) {
        let i = vm.index_isize(key)?;
        return match place(i, l.len()) {
            Some(i) if l.set(i, v) => Ok(()),
            _ => Err(vm.index_error("list assignment index out of range")),
        };
    }
    let Some(s) = key.downcast::<SliceObj>() else { return Err(bad_key(vm, key)) };
    let raw = unpack(vm, s)?;
    let new = match sequence(vm, v, "must assign iterable to extended slice")? {
        Some(a) => a,
        None => return Ok(()),
    };
    let span = fit(raw, l.len());
    if span.step == 1 {
        let from = span.start as usize;
        l.splice(from, from + span.count, new.as_slice());
        return Ok(());
    }
    if new.len() != span.count {
        return Err(vm.value_error(format!(
            "attempt to assign sequence of size {} to extended slice of size {}",
            new.len(),
            span.count
        )));
    }
    for (i, &x) in new.as_slice().iter().enumerate() {
        l.set(span.at(i), x);
    }
    Ok(())
}

/// The items of an iterable, copied; TypeError with this message for other objects.
fn sequence(vm: &Vm, v: Value, message: &str) -> Res<Option<Ptr<ArrayObj>>> {
    if let Some(a) = crate::tuple::items_of(v) {
        return Ok(Some(a));
    }
    match vm.iter(v) {
        Ok(it) => vm.list_of(it).map(Some),
        Err(e) if e.is(rt().types.type_error) => Err(vm.type_error(message)),
        Err(e) => Err(e),
    }
}

fn delitem(vm: &Vm, l: L, key: Value) -> Res<()> {
    if is_index(key) {
        let i = vm.index_isize(key)?;
        return match place(i, l.len()) {
            Some(i) => {
                l.remove(i);
                Ok(())
            }
            None => Err(vm.index_error("list assignment index out of range")),
        };
    }
    let Some(s) = key.downcast::<SliceObj>() else { return Err(bad_key(vm, key)) };
    let raw = unpack(vm, s)?;
    let n = l.len();
    let span = fit(raw, n).ascending();
    if span.count == 0 {
        return Ok(());
    }
    if span.step == 1 {
        let from = span.start as usize;
        l.splice(from, from + span.count, &[]);
        return Ok(());
    }
    let kept = ArrayObj::new(n - span.count);
    let old = l.snapshot();
    let mut at = 0;
    for (i, &v) in old.as_slice().iter().enumerate() {
        let offset = i as isize - span.start;
        if offset >= 0 && offset % span.step == 0 && ((offset / span.step) as usize) < span.count {
            continue;
        }
        kept.set(at, v);
        at += 1;
    }
    l.replace(kept, at);
    Ok(())
}

fn concat(vm: &Vm, l: L, other: Value) -> Res<L> {
    let Some(o) = other.downcast::<ListObj>() else {
        return Err(vm.type_error(format!("can only concatenate list (not \"{}\") to list", type_name(other))));
    };
    let (n, m) = (l.len(), o.len());
    let out = ArrayObj::new(n + m);
    copy_items(l, out, 0);
    copy_items(o, out, n);
    Ok(ListObj::from_array(out, n + m))
}

/// Copies all items into an array, from cell `at` on.
fn copy_items(l: L, out: Ptr<ArrayObj>, at: usize) {
    match l.generic_slice() {
        Some(s) => out.copy_from(at, s),
        None => out.copy_from(at, l.snapshot().as_slice()),
    }
}

fn repeated(l: L, n: usize, total: usize) -> Ptr<ArrayObj> {
    let out = ArrayObj::new(total);
    let len = l.len();
    if len == 1 {
        let v = l.get(0).unwrap_or(Value::NONE);
        (0..total).for_each(|i| out.set(i, v));
    } else if total > 0 {
        copy_items(l, out, 0);
        let first = ArrayObj::from_slice(&out.as_slice()[..len]);
        (1..n).for_each(|i| out.copy_from(i * len, first.as_slice()));
    }
    out
}

fn repeat(vm: &Vm, l: L, n: Value) -> Res<Value> {
    let Some(n) = repetitions(vm, n)? else { return Ok(Value::NOT_IMPLEMENTED) };
    let total = repeated_len(vm, l.len(), n)?;
    Ok(ListObj::from_array(repeated(l, n, total), total).value())
}

fn repeat_in_place(vm: &Vm, l: L, n: Value) -> Res<Value> {
    let Some(n) = repetitions(vm, n)? else { return Ok(Value::NOT_IMPLEMENTED) };
    let len = l.len();
    let total = repeated_len(vm, len, n)?;
    if n == 0 {
        l.splice(0, len, &[]);
    } else if n > 1 {
        let all = repeated(l, n, total);
        l.splice(len, len, &all.as_slice()[len..]);
    }
    Ok(l.value())
}

fn insert(vm: &Vm, l: L, index: Value, v: Value) -> Res<()> {
    let i = match vm.index_int(index)?.to_i64() {
        Some(i) => i as isize,
        None => return Err(vm.overflow_error("Python int too large to convert to C ssize_t")),
    };
    let n = l.len();
    let i = if i < 0 { i.saturating_add(n as isize).max(0) } else { i.min(n as isize) } as usize;
    l.splice(i, i, &[v]);
    Ok(())
}

fn pop(vm: &Vm, l: L, index: Value) -> Res<Value> {
    let i = if index.is_empty() { -1 } else { <isize as cape_vm::native::FromArg>::from_arg(vm, index, 1)? };
    let n = l.len();
    if n == 0 {
        return Err(vm.index_error("pop from empty list"));
    }
    match place(i, n) {
        Some(i) => Ok(l.remove(i)),
        None => Err(vm.index_error("pop index out of range")),
    }
}

fn remove(vm: &Vm, l: L, v: Value) -> Res<()> {
    match find(vm, |i| l.get(i), v, 0, usize::MAX)? {
        Some(i) => {
            // Comparing may have changed the list.
            if i < l.len() {
                l.remove(i);
            }
            Ok(())
        }
        None => Err(vm.value_error("list.remove(x): x not in list")),
    }
}

fn index(vm: &Vm, l: L, v: Value, start: Value, stop: Value) -> Res<usize> {
    let (from, to) = search_bounds(vm, start, stop, || l.len())?;
    match find(vm, |i| l.get(i), v, from, to)? {
        Some(i) => Ok(i),
        None => Err(vm.value_error("list.index(x): x not in list")),
    }
}

fn reverse(_: &Vm, l: L) {
    let n = l.len();
    for i in 0..n / 2 {
        if let (Some(a), Some(b)) = (l.get(i), l.get(n - 1 - i)) {
            l.set(i, b);
            l.set(n - 1 - i, a);
        }
    }
}

fn compare(vm: &Vm, a: L, b: Value, op: Cmp) -> Res<Value> {
    let Some(b) = b.downcast::<ListObj>() else { return Ok(Value::NOT_IMPLEMENTED) };
    compare_slices(vm, |i| a.get(i), |i| b.get(i), (a.len(), b.len()), op)
}
