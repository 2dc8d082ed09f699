//! Views and iterators of `dict`.

use std::cell::Cell;

use cape_heap::{Field, Header, heap, heap_object};
use cape_vm::class::full_name;
use cape_vm::native::{Named, TypeBuilder, new_type};
use cape_vm::object::{DictObj, SetObj, TupleObj, TypeFlags};
use cape_vm::ops::Cmp;
use cape_vm::runtime::StaticType;
use cape_vm::{Ptr, Res, Value, Vm, intern, rt, type_of};

use crate::descriptors::{mapping_proxy, pair};

heap_object! {
    /// `dict_keys`, `dict_values` or `dict_items`: the type says which.
    pub struct DictViewObj {
        /// The dict.
        pub dict: Field,
    }

    /// An iterator over a dict; `dict` is EMPTY once exhausted, `part` a [`Part`].
    pub struct DictIterObj { dict: Field, index: Cell<usize>, used: Cell<usize>, left: Cell<usize>, part: Cell<u8> }
}

impl Named for DictViewObj {
    const NAME: &'static str = "dict_keys";
}
impl Named for DictIterObj {
    const NAME: &'static str = "dict_keyiterator";
}

/// What an iterator gives.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
enum Part {
    Keys,
    Values,
    Items,
}

impl Part {
    fn of(n: u8) -> Part {
        match n {
            0 => Part::Keys,
            1 => Part::Values,
            _ => Part::Items,
        }
    }

    fn index(self) -> usize {
        self as usize
    }
}

static VIEWS: [StaticType; 3] = [const { StaticType::new() }; 3];
static ITERS: [StaticType; 3] = [const { StaticType::new() }; 3];
static REVERSED: [StaticType; 3] = [const { StaticType::new() }; 3];

type View = Ptr<DictViewObj>;

/// Completes the types of this file.
pub fn init(_vm: &Vm) {
    let object = rt().types.object;
    let noinst = TypeFlags::NO_INSTANTIATION;
    let iter_names = ["dict_keyiterator", "dict_valueiterator", "dict_itemiterator"];
    let reversed_names = ["dict_reversekeyiterator", "dict_reversevalueiterator", "dict_reverseitemiterator"];
    let view_names = ["dict_keys", "dict_values", "dict_items"];
    for i in 0..3 {
        let b = new_type::<DictIterObj>(iter_names[i], object, noinst);
        iterator(b.method("__next__($self, /)", "Implement next(self).", next));
        ITERS[i].set(b.class());
        let b = new_type::<DictIterObj>(reversed_names[i], object, noinst);
        iterator(b.method("__next__($self, /)", "Implement next(self).", next_back));
        REVERSED[i].set(b.class());
        let b = new_type::<DictViewObj>(view_names[i], object, noinst)
            .method("__len__($self, /)", "Return len(self).", |_: &Vm, v: View| dict(v).len())
            .method("__iter__($self, /)", "Implement iter(self).", |_: &Vm, v: View| {
                iterate(dict(v), part_of(v), false)
            })
            .method(
                "__reversed__($self, /)",
                "Return a reverse iterator over the dict view.",
                |_: &Vm, v: View| iterate(dict(v), part_of(v), true),
            )
            .method("__repr__($self, /)", "Return repr(self).", repr)
            .getter("mapping", "dictionary that this view refers to", |_: &Vm, v: View| {
                mapping_proxy(v.dict.get())
            });
        VIEWS[i].set(b.class());
        if i != 1 {
            set_methods(b);
        }
    }
}

fn iterator(b: TypeBuilder) {
    b.method("__iter__($self, /)", "Implement iter(self).", |_: &Vm, i: Value| i)
        .method(
            "__length_hint__($self, /)",
            "Private method returning an estimate of len(list(it)).",
            |_: &Vm, i: Ptr<DictIterObj>| match i.dict.downcast::<DictObj>() {
                Some(d) if d.len() == i.used.get() => i.left.get(),
                _ => 0,
            },
        )
        .method("__reduce__($self, /)", "Return state information for pickling.", reduce);
}

fn set_methods(b: TypeBuilder) {
    b.method("__contains__($self, key, /)", "Return bool(key in self).", |vm: &Vm, v: View, k: Value| {
        contains(vm, v, k)
    })
    .method("__eq__($self, value, /)", "Return self==value.", |vm: &Vm, a: View, b: Value| {
        compare(vm, a, b, Cmp::Eq)
    })
    .method("__ne__($self, value, /)", "Return self!=value.", |vm: &Vm, a: View, b: Value| {
        compare(vm, a, b, Cmp::Ne)
    })
    .method("__lt__($self, value, /)", "Return self<value.", |vm: &Vm, a: View, b: Value| {
        compare(vm, a, b, Cmp::Lt)
    })
    .method("__le__($self, value, /)", "Return self<=value.", |vm: &Vm, a: View, b: Value| {
        compare(vm, a, b, Cmp::Le)
    })
    .method("__gt__($self, value, /)", "Return self>value.", |vm: &Vm, a: View, b: Value| {
        compare(vm, a, b, Cmp::Gt)
    })
    .method("__ge__($self, value, /)", "Return self>=value.", |vm: &Vm, a: View, b: Value| {
        compare(vm, a, b, Cmp::Ge)
    })
    .attribute("__hash__", Value::NONE)
    .method("__and__($self, value, /)", "Return self&value.", and)
    .method("__rand__($self, value, /)", "Return value&self.", |vm: &Vm, a: Value, b: Value| and(vm, b, a))
    .method("__or__($self, value, /)", "Return self|value.", |vm: &Vm, a: Value, b: Value| {
        by_method(vm, a, b, "update")
    })
    .method("__ror__($self, value, /)", "Return value|self.", |vm: &Vm, a: Value, b: Value| {
        by_method(vm, b, a, "update")
    })
    .method("__sub__($self, value, /)", "Return self-value.", |vm: &Vm, a: Value, b: Value| {
        by_method(vm, a, b, "difference_update")
    })
    .method("__rsub__($self, value, /)", "Return value-self.", |vm: &Vm, a: Value, b: Value| {
        by_method(vm, b, a, "difference_update")
    })
    .method("__xor__($self, value, /)", "Return self^value.", |vm: &Vm, a: Value, b: Value| {
        by_method(vm, a, b, "symmetric_difference_update")
    })
    .method("__rxor__($self, value, /)", "Return value^self.", |vm: &Vm, a: Value, b: Value| {
        by_method(vm, b, a, "symmetric_difference_update")
    })
    .method(
        "isdisjoint($self, other, /)",
        "Return True if the view and the given iterable have a null intersection.",
        isdisjoint,
    );
}

fn dict(v: View) -> Ptr<DictObj> {
    v.dict.downcast().expect("a view's dict")
}

fn part_of(v: View) -> Part {
    let t = type_of(v.value());
    match VIEWS.iter().position(|s| t.is_subtype(s.get())) {
        Some(0) => Part::Keys,
        Some(1) => Part::Values,
        _ => Part::Items,
    }
}

fn view(d: Ptr<DictObj>, part: Part) -> Value {
    let map = VIEWS[part.index()].get().instance_map();
    heap().alloc(map, DictViewObj { header: Header::new(map), dict: Field::new(d.value()) }).value()
}

/// `dict_keys`, `dict_values` or `dict_items`, by number.
pub fn view_type(i: usize) -> Ptr<cape_vm::object::TypeObj> {
    VIEWS[i].get()
}

/// A view of a type derived from one of those.
pub fn view_of(class: Ptr<cape_vm::object::TypeObj>, d: Ptr<DictObj>) -> Value {
    let map = class.instance_map();
    heap().alloc(map, DictViewObj { header: Header::new(map), dict: Field::new(d.value()) }).value()
}

/// `d.keys()`.
pub fn keys(d: Ptr<DictObj>) -> Value {
    view(d, Part::Keys)
}

/// `d.values()`.
pub fn values(d: Ptr<DictObj>) -> Value {
    view(d, Part::Values)
}

/// `d.items()`.
pub fn items(d: Ptr<DictObj>) -> Value {
    view(d, Part::Items)
}

/// `iter(d)`.
pub fn iter_keys(d: Ptr<DictObj>) -> Value {
    iterate(d, Part::Keys, false)
}

/// `reversed(d)`.
pub fn reversed_keys(d: Ptr<DictObj>) -> Value {
    iterate(d, Part::Keys, true)
}

fn iterate(d: Ptr<DictObj>, part: Part, reversed: bool) -> Value {
    let table = if reversed { &REVERSED } else { &ITERS };
    let map = table[part.index()].get().instance_map();
    let n = d.len();
    heap()
        .alloc(
            map,
            DictIterObj {
                header: Header::new(map),
                dict: Field::new(d.value()),
                index: Cell::new(if reversed { d.table.keys().filled() } else { 0 }),
                used: Cell::new(n),
                left: Cell::new(n),
                part: Cell::new(part as u8),
            },
        )
        .value()
}

fn give(i: Ptr<DictIterObj>, key: Value, value: Value) -> Value {
    i.left.set(i.left.get().wrapping_sub(1));
    match Part::of(i.part.get()) {
        Part::Keys => key,
        Part::Values => value,
        Part::Items => TupleObj::new(&[key, value]).value(),
    }
}

#[cold]
fn changed(vm: &Vm, i: Ptr<DictIterObj>, what: &str) -> Res<Value> {
    // From now on it goes on failing.
    i.used.set(usize::MAX);
    Err(vm.runtime_error(format!("dictionary {what} during iteration")))
}

fn next(vm: &Vm, i: Ptr<DictIterObj>) -> Res<Value> {
    let Some(d) = i.dict.downcast::<DictObj>() else { return Ok(Value::EMPTY) };
    if d.len() != i.used.get() {
        return changed(vm, i, "changed size");
    }
    match d.table.next_entry(i.index.get()) {
        Some(_) if i.left.get() == 0 => changed(vm, i, "keys changed"),
        Some((at, e)) => {
            i.index.set(at + 1);
            Ok(give(i, e.key, e.value))
        }
        None => {
            i.dict.set_no_barrier(Value::EMPTY);
            Ok(Value::EMPTY)
        }
    }
}

fn next_back(vm: &Vm, i: Ptr<DictIterObj>) -> Res<Value> {
    let Some(d) = i.dict.downcast::<DictObj>() else { return Ok(Value::EMPTY) };
    if d.len() != i.used.get() {
        return changed(vm, i, "changed size");
    }
    // With fewer entries than it has gone over, the table is another one.
    let last = (i.index.get() <= d.table.keys().filled()).then(|| d.table.prev_entry(i.index.get())).flatten();
    match last {
        Some(_) if i.left.get() == 0 => changed(vm, i, "keys changed"),
        Some((at, e)) => {
            i.index.set(at);
            Ok(give(i, e.key, e.value))
        }
        None => {
            i.dict.set_no_barrier(Value::EMPTY);
            Ok(Value::EMPTY)
        }
    }
}

fn reduce(vm: &Vm, i: Ptr<DictIterObj>) -> Res<Value> {
    // The rest of the items, without moving this iterator.
    let map = i.header().map();
    let copy = heap().alloc(
        map,
        DictIterObj {
            header: Header::new(map),
            dict: Field::new(i.dict.get()),
            index: Cell::new(i.index.get()),
            used: Cell::new(i.used.get()),
            left: Cell::new(i.left.get()),
            part: Cell::new(i.part.get()),
        },
    );
    let rest = vm.vec_of(copy.value())?;
    let iter = crate::iterators::builtin(vm, "iter")?;
    let list = cape_vm::object::ListObj::from_vec(rest);
    Ok(pair(iter, TupleObj::new(&[list.value()]).value()))
}

fn repr(vm: &Vm, v: View) -> Res<Value> {
    let name = type_of(v.value()).name_str();
    if !vm.repr_enter(v.value()) {
        return Ok(intern("..."));
    }
    let r = (|| {
        let list = cape_vm::object::ListObj::from_vec(vm.vec_of(v.value())?);
        let mut b = cape_vm::object::StrBuilder::new();
        b.push_str(&format!("{name}("));
        b.push_obj(&*vm.repr(list.value())?);
        b.push_str(")");
        Ok(b.finish().value())
    })();
    vm.repr_leave(v.value());
    r
}

fn contains(vm: &Vm, v: View, k: Value) -> Res<bool> {
    let d = dict(v);
    if part_of(v) == Part::Keys {
        return Ok(d.get(vm, k)?.is_some());
    }
    let Some(t) = k.downcast::<TupleObj>().filter(|t| t.len() == 2) else { return Ok(false) };
    match d.get(vm, t.get(0))? {
        Some(found) => vm.eq_identity(found, t.get(1)),
        None => Ok(false),
    }
}

fn is_set_like(v: Value) -> bool {
    v.is::<SetObj>() || v.downcast::<DictViewObj>().is_some_and(|v| part_of(v) != Part::Values)
}

fn all_in(vm: &Vm, items: Value, container: Value) -> Res<bool> {
    let it = vm.iter(items)?;
    while let Some(x) = vm.next(it)? {
        if !vm.contains(container, x)? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn compare(vm: &Vm, a: View, b: Value, c: Cmp) -> Res<Value> {
    if !is_set_like(b) {
        return Ok(Value::NOT_IMPLEMENTED);
    }
    let (la, lb) = (dict(a).len(), vm.len(b)?);
    let a = a.value();
    let r = match c {
        Cmp::Eq => la == lb && all_in(vm, a, b)?,
        Cmp::Ne => !(la == lb && all_in(vm, a, b)?),
        Cmp::Lt => la < lb && all_in(vm, a, b)?,
        Cmp::Le => la <= lb && all_in(vm, a, b)?,
        Cmp::Gt => la > lb && all_in(vm, b, a)?,
        Cmp::Ge => la >= lb && all_in(vm, b, a)?,
    };
    Ok(Value::bool(r))
}

/// A new set with the items of `v`.
fn to_set(vm: &Vm, v: Value) -> Res<Ptr<SetObj>> {
    let s = SetObj::with_map(rt().maps.set);
    vm.for_each(v, |x| s.add(vm, x).map(|_| ()))?;
    Ok(s)
}

fn check_iterable(vm: &Vm, v: Value) -> Res<()> {
    if type_of(v).special(cape_vm::special::Special::Iter).is_empty()
        && type_of(v).special(cape_vm::special::Special::Getitem).is_empty()
    {
        return Err(vm.type_error(format!("'{}' object is not iterable", full_name(type_of(v)))));
    }
    Ok(())
}

fn and(vm: &Vm, a: Value, b: Value) -> Res<Value> {
    // The view is the one that knows membership fast.
    let (view, other) = match a.is::<DictViewObj>() {
        true => (a, b),
        false => (b, a),
    };
    check_iterable(vm, other)?;
    let (view, other) =
        if is_set_like(other) && vm.len(other)? > vm.len(view)? { (other, view) } else { (view, other) };
    let s = SetObj::with_map(rt().maps.set);
    vm.for_each(other, |x| {
        if vm.contains(view, x)? {
            s.add(vm, x)?;
        }
        Ok(())
    })?;
    Ok(s.value())
}

fn by_method(vm: &Vm, a: Value, b: Value, method: &str) -> Res<Value> {
    let s = to_set(vm, a)?;
    vm.call_method(s.value(), intern(method), &[b])?;
    Ok(s.value())
}

fn isdisjoint(vm: &Vm, v: View, other: Value) -> Res<bool> {
    if v.value() == other {
        return Ok(dict(v).is_empty());
    }
    let (inner, outer) = if is_set_like(other) && vm.len(other)? > dict(v).len() {
        (other, v.value())
    } else {
        (v.value(), other)
    };
    let it = vm.iter(outer)?;
    while let Some(x) = vm.next(it)? {
        if vm.contains(inner, x)? {
            return Ok(false);
        }
    }
    Ok(true)
}
