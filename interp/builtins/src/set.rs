//! `set` and `frozenset`.

use std::cell::Cell;

use cape_heap::{Field, Header, heap, heap_object};
use cape_vm::class::full_name;
use cape_vm::native::{Named, TypeBuilder, extend, new_type};
use cape_vm::object::{DictObj, ListObj, SetObj, StrBuilder, TupleObj, TypeFlags, TypeObj};
use cape_vm::ops::Cmp;
use cape_vm::runtime::StaticType;
use cape_vm::{Ptr, Raised, Res, Value, Vm, rt, type_of};

use crate::descriptors::pair;

type Set = Ptr<SetObj>;

heap_object! {
    /// An iterator over a set; `set` is EMPTY once exhausted.
    pub struct SetIterObj { set: Field, index: Cell<usize>, used: Cell<usize>, left: Cell<usize> }
}

impl Named for SetIterObj {
    const NAME: &'static str = "set_iterator";
}

static ITERATOR: StaticType = StaticType::new();

/// Completes the types of this file.
pub fn init(_vm: &Vm) {
    let t = &rt().types;
    let new_doc = "Create and return a new object.  See help(type) for accurate signature.";
    t.set.construct.set(Some(|vm, args| {
        let s = SetObj::with_map(rt().maps.set);
        args.iter().try_for_each(|&iterable| update(vm, s, iterable))?;
        Ok(s.value())
    }));
    let s = extend(t.set)
        .doc("Build an unordered collection of unique elements.")
        .new_fn("__new__($type, *args, **kwargs)", new_doc, |_: &Vm, cls: Ptr<TypeObj>, _: Value, _: Value| SetObj::with_map(cls.instance_map()))
        .method("__init__($self, /, *args, **kwargs)", "Initialize self.  See help(type(self)) for accurate signature.", set_init)
        .attribute("__hash__", Value::NONE)
        .method("__iand__($self, value, /)", "Return self&=value.", |vm: &Vm, a: Set, b: Value| inplace(vm, a, b, |vm, a, b| {
            let r = intersect(vm, a, b)?;
            a.table.copy_from(a.header(), &r.table);
            Ok(())
        }))
        .method("__ior__($self, value, /)", "Return self|=value.", |vm: &Vm, a: Set, b: Value| inplace(vm, a, b, update))
        .method("__isub__($self, value, /)", "Return self-=value.", |vm: &Vm, a: Set, b: Value| inplace(vm, a, b, subtract))
        .method("__ixor__($self, value, /)", "Return self^=value.", |vm: &Vm, a: Set, b: Value| inplace(vm, a, b, toggle))
        .method("add($self, object, /)", "Add an element to a set.\n\nThis has no effect if the element is already present.", |vm: &Vm, s: Set, v: Value| s.add(vm, v).map(|_| ()))
        .method("clear($self, /)", "Remove all elements from this set.", |_: &Vm, s: Set| s.table.clear(s.header()))
        .method("discard($self, object, /)", "Remove an element from a set if it is a member.\n\nUnlike set.remove(), the discard() method does not raise\nan exception when an element is missing from the set.", |vm: &Vm, s: Set, v: Value| discard(vm, s, v).map(|_| ()))
        .method("remove($self, object, /)", "Remove an element from a set; it must be a member.\n\nIf the element is not a member, raise a KeyError.", |vm: &Vm, s: Set, v: Value| if discard(vm, s, v)? { Ok(()) } else { Err(vm.key_error_for(v)) })
        .method("pop($self, /)", "Remove and return an arbitrary set element.\n\nRaises KeyError if the set is empty.", |vm: &Vm, s: Set| match s.table.next_entry(0) {
            Some((i, e)) => {
                s.table.remove_at(i);
                Ok(e.key)
            }
            None => Err(vm.key_error("pop from an empty set")),
        })
        .method("update($self, /, *others)", "Update the set, adding elements from all others.", |vm: &Vm, s: Set, o: Ptr<TupleObj>| o.as_slice().iter().try_for_each(|&o| update(vm, s, o)))
        .method("difference_update($self, /, *others)", "Update the set, removing elements found in others.", |vm: &Vm, s: Set, o: Ptr<TupleObj>| o.as_slice().iter().try_for_each(|&o| subtract(vm, s, o)))
        .method("intersection_update($self, /, *others)", "Update the set, keeping only elements found in it and all others.", |vm: &Vm, s: Set, o: Ptr<TupleObj>| -> Res<()> {
            let r = intersection(vm, s, o)?;
            s.table.copy_from(s.header(), &r.table);
            Ok(())
        })
        .method("symmetric_difference_update($self, other, /)", "Update the set, keeping only elements found in either set, but not in both.", toggle)
        .class_method("__class_getitem__($type, object, /)", "sets are generic over the type of their elements", crate::generic_alias::class_getitem);
    common(s);
    let f = extend(t.frozenset)
        .doc("Build an immutable unordered collection of unique elements.")
        .new_fn("__new__($type, *args, **kwargs)", new_doc, frozenset_new)
        .method("__hash__($self, /)", "Return hash(self).", |_: &Vm, s: Set| hash(s))
        .class_method(
            "__class_getitem__($type, object, /)",
            "frozensets are generic over the type of their elements",
            crate::generic_alias::class_getitem,
        );
    common(f);
    let b = new_type::<SetIterObj>("set_iterator", t.object, TypeFlags::NO_INSTANTIATION)
        .method("__iter__($self, /)", "Implement iter(self).", |_: &Vm, i: Value| i)
        .method("__next__($self, /)", "Implement next(self).", next)
        .method(
            "__length_hint__($self, /)",
            "Private method returning an estimate of len(list(it)).",
            |_: &Vm, i: Ptr<SetIterObj>| match i.set.downcast::<SetObj>() {
                Some(s) if s.len() == i.used.get() => i.left.get(),
                _ => 0,
            },
        )
        .method(
            "__reduce__($self, /)",
            "Return state information for pickling.",
            |vm: &Vm, i: Ptr<SetIterObj>| -> Res<Value> {
                let copy = iterate_from(i.set.get(), i.index.get(), i.used.get(), i.left.get());
                let list = ListObj::from_vec(vm.vec_of(copy)?);
                Ok(pair(crate::iterators::builtin(vm, "iter")?, TupleObj::new(&[list.value()]).value()))
            },
        );
    ITERATOR.set(b.class());
}

fn common(b: TypeBuilder) {
    b.method("__repr__($self, /)", "Return repr(self).", repr)
        .method("__len__($self, /)", "Return len(self).", |_: &Vm, s: Set| s.len())
        .method("__iter__($self, /)", "Implement iter(self).", |_: &Vm, s: Set| {
            iterate_from(s.value(), 0, s.len(), s.len())
        })
        .method("__contains__($self, object, /)", "x.__contains__(y) <==> y in x.", contains)
        .method("__eq__($self, value, /)", "Return self==value.", |vm: &Vm, a: Set, b: Value| {
            compare(vm, a, b, Cmp::Eq)
        })
        .method("__ne__($self, value, /)", "Return self!=value.", |vm: &Vm, a: Set, b: Value| {
            compare(vm, a, b, Cmp::Ne)
        })
        .method("__lt__($self, value, /)", "Return self<value.", |vm: &Vm, a: Set, b: Value| {
            compare(vm, a, b, Cmp::Lt)
        })
        .method("__le__($self, value, /)", "Return self<=value.", |vm: &Vm, a: Set, b: Value| {
            compare(vm, a, b, Cmp::Le)
        })
        .method("__gt__($self, value, /)", "Return self>value.", |vm: &Vm, a: Set, b: Value| {
            compare(vm, a, b, Cmp::Gt)
        })
        .method("__ge__($self, value, /)", "Return self>=value.", |vm: &Vm, a: Set, b: Value| {
            compare(vm, a, b, Cmp::Ge)
        })
        .method("__and__($self, value, /)", "Return self&value.", |vm: &Vm, a: Value, b: Value| {
            operator(vm, a, b, intersect)
        })
        .method("__rand__($self, value, /)", "Return value&self.", |vm: &Vm, a: Value, b: Value| {
            operator(vm, b, a, intersect)
        })
        .method("__or__($self, value, /)", "Return self|value.", |vm: &Vm, a: Value, b: Value| {
            operator(vm, a, b, unite)
        })
        .method("__ror__($self, value, /)", "Return value|self.", |vm: &Vm, a: Value, b: Value| {
            operator(vm, b, a, unite)
        })
        .method("__sub__($self, value, /)", "Return self-value.", |vm: &Vm, a: Value, b: Value| {
            operator(vm, a, b, differ)
        })
        .method("__rsub__($self, value, /)", "Return value-self.", |vm: &Vm, a: Value, b: Value| {
            operator(vm, b, a, differ)
        })
        .method("__xor__($self, value, /)", "Return self^value.", |vm: &Vm, a: Value, b: Value| {
            operator(vm, a, b, symmetric)
        })
        .method("__rxor__($self, value, /)", "Return value^self.", |vm: &Vm, a: Value, b: Value| {
            operator(vm, b, a, symmetric)
        })
        .method("copy($self, /)", "Return a shallow copy of a set.", |_: &Vm, s: Set| {
            if s.header().map() == rt().maps.frozenset { s } else { copy(s) }
        })
        .method(
            "union($self, /, *others)",
            "Return a new set with elements from the set and all others.",
            |vm: &Vm, s: Set, o: Ptr<TupleObj>| -> Res<Set> {
                let r = copy(s);
                o.as_slice().iter().try_for_each(|&o| update(vm, r, o))?;
                Ok(r)
            },
        )
        .method(
            "difference($self, /, *others)",
            "Return a new set with elements in the set that are not in the others.",
            |vm: &Vm, s: Set, o: Ptr<TupleObj>| -> Res<Set> {
                let Some((&first, rest)) = o.as_slice().split_first() else { return Ok(copy(s)) };
                let r = differ(vm, s, first)?;
                rest.iter().try_for_each(|&o| subtract(vm, r, o))?;
                Ok(r)
            },
        )
        .method(
            "intersection($self, /, *others)",
            "Return a new set with elements common to the set and all others.",
            intersection,
        )
        .method(
            "symmetric_difference($self, other, /)",
            "Return a new set with elements in either the set or other but not both.",
            symmetric,
        )
        .method(
            "isdisjoint($self, other, /)",
            "Return True if two sets have a null intersection.",
            isdisjoint,
        )
        .method("issubset($self, other, /)", "Report whether another set contains this set.", issubset)
        .method("issuperset($self, other, /)", "Report whether this set contains another set.", issuperset)
        .method(
            "__reduce__($self, /)",
            "Return state information for pickling.",
            |vm: &Vm, s: Set| -> Res<Value> {
                let items = ListObj::from_vec(vm.vec_of(s.value())?);
                let state = vm.get_attr(s.value(), cape_vm::special::Special::Getstate.name_value())?;
                let state = vm.call(state, &[])?;
                Ok(TupleObj::new(&[
                    type_of(s.value()).value(),
                    TupleObj::new(&[items.value()]).value(),
                    state,
                ])
                .value())
            },
        )
        .method(
            "__sizeof__($self, /)",
            "S.__sizeof__() -> size of S in memory, in bytes.",
            |_: &Vm, s: Set| 200 + if s.len() <= 4 { 0 } else { s.table.byte_len() },
        );
}

/// The map of new results: of the builtin type that `s` is or derives from.
fn base_map(s: Set) -> cape_heap::MapRef {
    let m = &rt().maps;
    if type_of(s.value()).is_subtype(rt().types.frozenset) { m.frozenset } else { m.set }
}

fn copy(s: Set) -> Set {
    let r = SetObj::with_map(base_map(s));
    r.table.copy_from(r.header(), &s.table);
    r
}

fn no_keywords(vm: &Vm, kwargs: Ptr<DictObj>, name: &str) -> Res<()> {
    if kwargs.is_empty() {
        Ok(())
    } else {
        Err(vm.type_error(format!("{name}() takes no keyword arguments")))
    }
}

fn one_iterable(vm: &Vm, args: Ptr<TupleObj>, name: &str) -> Res<Option<Value>> {
    match *args.as_slice() {
        [] => Ok(None),
        [v] => Ok(Some(v)),
        _ => Err(vm.type_error(format!("{name} expected at most 1 argument, got {}", args.len()))),
    }
}

fn set_init(vm: &Vm, s: Set, args: Ptr<TupleObj>, kwargs: Ptr<DictObj>) -> Res<()> {
    no_keywords(vm, kwargs, "set")?;
    let items = one_iterable(vm, args, "set")?;
    s.table.clear(s.header());
    s.hash.set(-1);
    match items {
        Some(v) => update(vm, s, v),
        None => Ok(()),
    }
}

fn frozenset_new(vm: &Vm, cls: Ptr<TypeObj>, args: Ptr<TupleObj>, kwargs: Ptr<DictObj>) -> Res<Set> {
    use cape_vm::special::Special::Init;
    let own = rt().types.frozenset;
    if cls == own || cls.special(Init) == own.special(Init) {
        no_keywords(vm, kwargs, "frozenset")?;
    }
    let items = one_iterable(vm, args, "frozenset")?;
    if let Some(f) = items.and_then(|v| v.downcast::<SetObj>())
        && cls == own
        && f.header().map() == rt().maps.frozenset
    {
        return Ok(f);
    }
    let s = SetObj::with_map(cls.instance_map());
    if let Some(v) = items {
        update(vm, s, v)?;
    }
    Ok(s)
}

/// Calls `f` with every element and its hash. Sets and dicts give the hashes that they know; others are hashed by `hash`.
pub(crate) fn each(
    vm: &Vm,
    v: Value,
    hash: impl Fn(&Vm, Value) -> Res<i64>,
    mut f: impl FnMut(Value, i64) -> Res<()>,
) -> Res<()> {
    let m = &rt().maps;
    let known = v.is::<SetObj>() || v.is_ptr() && v.header().map() == m.dict;
    if !known {
        return vm.for_each(v, |x| f(x, hash(vm, x)?));
    }
    let mut i = 0;
    loop {
        let next = match (v.downcast::<SetObj>(), v.downcast::<DictObj>()) {
            (Some(s), _) => s.table.next_entry(i),
            (_, Some(d)) => d.table.next_entry(i),
            _ => None,
        };
        let Some((at, e)) = next else { return Ok(()) };
        i = at + 1;
        f(e.key, e.hash)?;
    }
}

fn element_hash(vm: &Vm, v: Value) -> Res<i64> {
    vm.element_hash(v)
}

fn put(vm: &Vm, s: Set, v: Value, hash: i64) -> Res<()> {
    if let Err(slot) = s.table.search(vm, v, hash)? {
        s.table.insert_at(s.header(), slot, hash, v, Value::NONE);
    }
    Ok(())
}

/// Adds all elements of an iterable.
pub fn update(vm: &Vm, s: Set, v: Value) -> Res<()> {
    if v == s.value() {
        return Ok(());
    }
    if s.is_empty()
        && let Some(o) = v.downcast::<SetObj>()
    {
        s.table.copy_from(s.header(), &o.table);
        return Ok(());
    }
    each(vm, v, element_hash, |x, h| put(vm, s, x, h))
}

fn subtract(vm: &Vm, s: Set, v: Value) -> Res<()> {
    if v == s.value() {
        s.table.clear(s.header());
        return Ok(());
    }
    each(vm, v, element_hash, |x, h| {
        if let Some(i) = s.table.find(vm, x, h)? {
            s.table.remove_at(i);
        }
        Ok(())
    })
}

fn toggle(vm: &Vm, s: Set, v: Value) -> Res<()> {
    if v == s.value() {
        s.table.clear(s.header());
        return Ok(());
    }
    let exact = v.is::<SetObj>() || v.is_ptr() && v.header().map() == rt().maps.dict;
    let other = if exact {
        v
    } else {
        // Duplicates in the iterable must not toggle twice.
        let t = SetObj::with_map(rt().maps.set);
        update(vm, t, v)?;
        t.value()
    };
    each(vm, other, element_hash, |x, h| {
        match s.table.find(vm, x, h)? {
            Some(i) => {
                s.table.remove_at(i);
            }
            None => s.table.insert_new(s.header(), h, x, Value::NONE),
        }
        Ok(())
    })
}

fn unite(vm: &Vm, a: Set, b: Value) -> Res<Set> {
    let r = copy(a);
    update(vm, r, b)?;
    Ok(r)
}

fn symmetric(vm: &Vm, a: Set, b: Value) -> Res<Set> {
    let r = copy(a);
    toggle(vm, r, b)?;
    Ok(r)
}

fn differ(vm: &Vm, a: Set, b: Value) -> Res<Set> {
    let table = match (b.downcast::<SetObj>(), b.downcast::<DictObj>()) {
        (Some(s), _) => Some(Ok(s)),
        (_, Some(d)) if d.header().map() == rt().maps.dict => Some(Err(d)),
        _ => None,
    };
    let Some(other) = table else {
        let r = copy(a);
        subtract(vm, r, b)?;
        return Ok(r);
    };
    let r = SetObj::with_map(base_map(a));
    each(vm, a.value(), element_hash, |x, h| {
        let there = match other {
            Ok(s) => s.table.find(vm, x, h)?,
            Err(d) => d.table.find(vm, x, h)?,
        };
        if there.is_none() {
            r.table.insert_new(r.header(), h, x, Value::NONE);
        }
        Ok(())
    })?;
    Ok(r)
}

fn intersect(vm: &Vm, a: Set, b: Value) -> Res<Set> {
    if b == a.value() {
        return Ok(copy(a));
    }
    let r = SetObj::with_map(base_map(a));
    // The smaller set is walked.
    let (walk, look) = match b.downcast::<SetObj>() {
        Some(o) if o.len() > a.len() => (a.value(), o),
        _ => (b, a),
    };
    each(vm, walk, element_hash, |x, h| {
        if look.table.find(vm, x, h)?.is_some() {
            put(vm, r, x, h)?;
        }
        Ok(())
    })?;
    Ok(r)
}

fn intersection(vm: &Vm, s: Set, others: Ptr<TupleObj>) -> Res<Set> {
    let mut r = s;
    for &o in others.as_slice() {
        r = intersect(vm, r, o)?;
    }
    Ok(if others.is_empty() { copy(s) } else { r })
}

fn operator(vm: &Vm, a: Value, b: Value, f: fn(&Vm, Set, Value) -> Res<Set>) -> Res<Value> {
    match a.downcast::<SetObj>() {
        Some(s) if b.is::<SetObj>() => Ok(f(vm, s, b)?.value()),
        _ => Ok(Value::NOT_IMPLEMENTED),
    }
}

fn inplace(vm: &Vm, a: Set, b: Value, f: fn(&Vm, Set, Value) -> Res<()>) -> Res<Value> {
    if !b.is::<SetObj>() {
        return Ok(Value::NOT_IMPLEMENTED);
    }
    f(vm, a, b)?;
    Ok(a.value())
}

/// The hash of a key for membership: a set stands for the frozenset of its elements.
fn lookup_key(vm: &Vm, v: Value) -> Res<(Value, i64)> {
    match vm.element_hash(v) {
        Ok(h) => Ok((v, h)),
        Err(r) if r.is(rt().types.type_error) => match v.downcast::<SetObj>() {
            Some(s) if type_of(v).is_subtype(rt().types.set) => {
                let f = SetObj::with_map(rt().maps.frozenset);
                f.table.copy_from(f.header(), &s.table);
                Ok((f.value(), hash(f)))
            }
            _ => Err(r),
        },
        Err(r) => Err(r),
    }
}

fn contains(vm: &Vm, s: Set, v: Value) -> Res<bool> {
    let (k, h) = lookup_key(vm, v)?;
    Ok(s.table.find(vm, k, h)?.is_some())
}

fn discard(vm: &Vm, s: Set, v: Value) -> Res<bool> {
    let (k, h) = lookup_key(vm, v)?;
    Ok(s.table.find(vm, k, h)?.map(|i| s.table.remove_at(i)).is_some())
}

fn isdisjoint(vm: &Vm, s: Set, other: Value) -> Res<bool> {
    if other == s.value() {
        return Ok(s.is_empty());
    }
    let (walk, look) = match other.downcast::<SetObj>() {
        Some(o) if o.len() > s.len() => (s.value(), o),
        _ => (other, s),
    };
    if walk.is::<SetObj>() {
        let mut found = false;
        each(vm, walk, element_hash, |x, h| {
            found |= look.table.find(vm, x, h)?.is_some();
            Ok(())
        })?;
        return Ok(!found);
    }
    let it = vm.iter(walk)?;
    while let Some(x) = vm.next(it)? {
        let h = vm.element_hash(x)?;
        if look.table.find(vm, x, h)?.is_some() {
            return Ok(false);
        }
    }
    Ok(true)
}

fn subset(vm: &Vm, a: Set, b: Set) -> Res<bool> {
    if a.len() > b.len() {
        return Ok(false);
    }
    let mut i = 0;
    while let Some((at, e)) = a.table.next_entry(i) {
        i = at + 1;
        if b.table.find(vm, e.key, e.hash)?.is_none() {
            return Ok(false);
        }
    }
    Ok(true)
}

fn issubset(vm: &Vm, s: Set, other: Value) -> Res<bool> {
    if let Some(o) = other.downcast::<SetObj>() {
        return subset(vm, s, o);
    }
    let t = SetObj::with_map(rt().maps.set);
    update(vm, t, other)?;
    subset(vm, s, t)
}

fn issuperset(vm: &Vm, s: Set, other: Value) -> Res<bool> {
    if let Some(o) = other.downcast::<SetObj>() {
        return subset(vm, o, s);
    }
    let it = vm.iter(other)?;
    while let Some(x) = vm.next(it)? {
        let h = vm.element_hash(x)?;
        if s.table.find(vm, x, h)?.is_none() {
            return Ok(false);
        }
    }
    Ok(true)
}

fn compare(vm: &Vm, a: Set, b: Value, c: Cmp) -> Res<Value> {
    let Some(b) = b.downcast::<SetObj>() else { return Ok(Value::NOT_IMPLEMENTED) };
    let equal = |vm: &Vm| -> Res<bool> {
        let (x, y) = (a.hash.get(), b.hash.get());
        if x != -1 && y != -1 && x != y {
            return Ok(false);
        }
        Ok(a.len() == b.len() && subset(vm, a, b)?)
    };
    Ok(Value::bool(match c {
        Cmp::Eq => equal(vm)?,
        Cmp::Ne => !equal(vm)?,
        Cmp::Le => subset(vm, a, b)?,
        Cmp::Ge => subset(vm, b, a)?,
        Cmp::Lt => a.len() < b.len() && subset(vm, a, b)?,
        Cmp::Gt => b.len() < a.len() && subset(vm, b, a)?,
    }))
}

/// CPython's hash of a frozenset: independent of the order of the elements.
fn hash(s: Set) -> i64 {
    let known = s.hash.get();
    if known != -1 {
        return known;
    }
    let mut h: u64 = 0;
    for e in s.table.iter() {
        let x = e.hash as u64;
        h ^= ((x ^ 89869747) ^ (x << 16)).wrapping_mul(3644798167);
    }
    h ^= (s.len() as u64 + 1).wrapping_mul(1927868237);
    h ^= (h >> 11) ^ (h >> 25);
    h = h.wrapping_mul(69069).wrapping_add(907133923);
    let h = if h == u64::MAX { 590923713 } else { h as i64 };
    s.hash.set(h);
    h
}

fn repr(vm: &Vm, s: Set) -> Res<Value> {
    let t = type_of(s.value());
    let name = full_name(t);
    if s.is_empty() {
        return Ok(rt().intern(&format!("{name}()")));
    }
    if !vm.repr_enter(s.value()) {
        return Ok(rt().intern(&format!("{name}(...)")));
    }
    let r = repr_items(vm, s, (t != rt().types.set).then_some(name));
    vm.repr_leave(s.value());
    r
}

fn repr_items(vm: &Vm, s: Set, name: Option<String>) -> Res<Value> {
    let mut out = StrBuilder::new();
    if let Some(n) = &name {
        out.push_str(n);
        out.push_str("(");
    }
    out.push_str("{");
    let items = vm.vec_of(s.value())?;
    for (i, &v) in items.iter().enumerate() {
        if i > 0 {
            out.push_str(", ");
        }
        out.push_obj(&*vm.repr(v)?);
    }
    out.push_str("}");
    if name.is_some() {
        out.push_str(")");
    }
    Ok(out.finish().value())
}

fn iterate_from(set: Value, index: usize, used: usize, left: usize) -> Value {
    let map = ITERATOR.get().instance_map();
    heap()
        .alloc(
            map,
            SetIterObj {
                header: Header::new(map),
                set: Field::new(set),
                index: Cell::new(index),
                used: Cell::new(used),
                left: Cell::new(left),
            },
        )
        .value()
}

fn next(vm: &Vm, i: Ptr<SetIterObj>) -> Result<Value, Raised> {
    let Some(s) = i.set.downcast::<SetObj>() else { return Ok(Value::EMPTY) };
    if s.len() != i.used.get() {
        i.used.set(usize::MAX);
        return Err(vm.runtime_error("Set changed size during iteration"));
    }
    match s.table.next_entry(i.index.get()) {
        Some((at, e)) => {
            i.index.set(at + 1);
            i.left.set(i.left.get().saturating_sub(1));
            Ok(e.key)
        }
        None => {
            i.set.set_no_barrier(Value::EMPTY);
            Ok(Value::EMPTY)
        }
    }
}
