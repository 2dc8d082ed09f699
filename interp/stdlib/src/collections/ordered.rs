//! `OrderedDict`. The dict's own table keeps the order; what this type adds is the order in comparisons, and moving.

use std::cell::Cell;

use cape_builtins::descriptors::pair;
use cape_builtins::dict_views;
use cape_builtins::function::add_dict;
use cape_heap::{Field, Header, heap, heap_object};
use cape_vm::native::{Named, new_type};
use cape_vm::object::{DictObj, ListObj, ModuleObj, StrBuilder, TupleObj, TypeFlags, TypeObj};
use cape_vm::runtime::StaticType;
use cape_vm::special::Special;
use cape_vm::{Ptr, Raised, Res, Value, Vm, intern, rt, type_of};

heap_object! {
    /// An iterator over an OrderedDict: `part` is 0 for keys, 1 for values, 2 for items. `dict` is EMPTY at the end.
    pub struct OrderedIterObj { dict: Field, index: Cell<usize>, left: Cell<usize>, version: Cell<u32>, part: Cell<u8>, back: Cell<bool> }
}

impl Named for OrderedIterObj {
    const NAME: &'static str = "odict_iterator";
}

static ORDERED: StaticType = StaticType::new();
static ITERATOR: StaticType = StaticType::new();
static VIEWS: [StaticType; 3] = [const { StaticType::new() }; 3];

type This = Ptr<DictObj>;

pub(super) fn init(m: Ptr<ModuleObj>) {
    let flags = TypeFlags::BASE | TypeFlags::MAPPING | TypeFlags::HAS_DICT | TypeFlags::HAS_WEAKREF;
    let b = new_type::<DictObj>("collections.OrderedDict", rt().types.dict, flags)
        .doc("Dictionary that remembers insertion order")
        .method("__init__($self, /, *args, **kwargs)", "Initialize self.  See help(type(self)) for accurate signature.", update)
        .method("__delitem__($self, key, /)", "Delete self[key].", |vm: &Vm, d: This, key: Value| match d.remove(vm, key)? {
            Some(_) => Ok(()),
            None => Err(vm.key_error_for(key)),
        })
        .method("update($self, /, *args, **kwargs)", "", update)
        .class_method("fromkeys($type, /, iterable, value=None)", "Create a new ordered dictionary with keys from iterable and values set to value.", fromkeys)
        .method("__iter__($self, /)", "Implement iter(self).", |_: &Vm, d: This| iterate(d, 0, false))
        .method("__reversed__($self, /)", "od.__reversed__() <==> reversed(od)", |_: &Vm, d: This| iterate(d, 0, true))
        .method("keys($self, /)", "", |_: &Vm, d: This| dict_views::view_of(VIEWS[0].get(), d))
        .method("values($self, /)", "", |_: &Vm, d: This| dict_views::view_of(VIEWS[1].get(), d))
        .method("items($self, /)", "", |_: &Vm, d: This| dict_views::view_of(VIEWS[2].get(), d))
        .method("__eq__($self, value, /)", "Return self==value.", |vm: &Vm, a: This, b: Value| compare(vm, a, b, true))
        .method("__ne__($self, value, /)", "Return self!=value.", |vm: &Vm, a: This, b: Value| compare(vm, a, b, false))
        .attribute("__hash__", Value::NONE)
        .method("__repr__($self, /)", "Return repr(self).", repr)
        .method("__or__($self, value, /)", "Return self|value.", or)
        .method("__ror__($self, value, /)", "Return value|self.", |vm: &Vm, a: Value, b: Value| or(vm, b, a))
        .method("__ior__($self, value, /)", "Return self|=value.", |vm: &Vm, d: This, o: Value| -> Res<Value> {
            add_all(vm, d, o)?;
            Ok(d.value())
        })
        .method("copy($self, /)", "A shallow copy of ordered dict.", copy)
        .method("setdefault($self, /, key, default=None)", "Insert key with a value of default if key is not in the dictionary.\n\nReturn the value for key if key is in the dictionary, else default.", |vm: &Vm, d: This, k: Value, v: Option<Value>| -> Res<Value> {
            if let Some(v) = d.get(vm, k)? {
                return Ok(v);
            }
            let v = v.unwrap_or(Value::NONE);
            vm.set_item(d.value(), k, v)?;
            Ok(v)
        })
        .method("pop($self, /, key, default=<unrepresentable>)", "od.pop(key[,default]) -> v, remove specified key and return the corresponding value.\n\nIf the key is not found, return the default if given; otherwise,\nraise a KeyError.", pop)
        .method("popitem($self, /, last=True)", "Remove and return a (key, value) pair from the dictionary.\n\nPairs are returned in LIFO order if last is true or FIFO order if false.", |vm: &Vm, d: This, last: Option<bool>| -> Res<Value> {
            let found = if last.unwrap_or(true) { d.table.prev_entry(usize::MAX) } else { d.table.next_entry(0) };
            match found {
                Some((i, e)) => {
                    d.table.remove_at(i);
                    Ok(pair(e.key, e.value))
                }
                None => Err(vm.key_error("dictionary is empty")),
            }
        })
        .method("move_to_end($self, /, key, last=True)", "Move an existing element to the end (or beginning if last is false).\n\nRaise KeyError if the element does not exist.", move_to_end)
        .method("__reduce__($self, /)", "Return state information for pickling", reduce)
        .method("__sizeof__($self, /)", "", |_: &Vm, d: This| 200 + d.table.byte_len());
    add_dict(b);
    ORDERED.set(b.class());
    cape_builtins::dict::ORDERED.set(b.class());
    m.class(b.class());
    let b = new_type::<OrderedIterObj>("odict_iterator", rt().types.object, TypeFlags::NO_INSTANTIATION)
        .method("__iter__($self, /)", "Implement iter(self).", |_: &Vm, i: Value| i)
        .method("__next__($self, /)", "Implement next(self).", next)
        .method(
            "__reduce__($self, /)",
            "Return state information for pickling",
            |vm: &Vm, i: Ptr<OrderedIterObj>| -> Res<Value> {
                let map = i.header().map();
                let copy = heap().alloc(
                    map,
                    OrderedIterObj {
                        header: Header::new(map),
                        dict: Field::new(i.dict.get()),
                        index: i.index.clone(),
                        left: i.left.clone(),
                        version: i.version.clone(),
                        part: i.part.clone(),
                        back: i.back.clone(),
                    },
                );
                let rest = ListObj::from_vec(vm.vec_of(copy.value())?);
                Ok(pair(vm.import_attr("builtins", "iter")?, TupleObj::new(&[rest.value()]).value()))
            },
        );
    ITERATOR.set(b.class());
    for (i, name) in ["odict_keys", "odict_values", "odict_items"].into_iter().enumerate() {
        let b =
            new_type::<dict_views::DictViewObj>(name, dict_views::view_type(i), TypeFlags::NO_INSTANTIATION);
        let part = i as u8;
        VIEWS[i].set(b.class());
        let iter = match part {
            0 => b
                .method(
                    "__iter__($self, /)",
                    "Implement iter(self).",
                    |_: &Vm, v: Ptr<dict_views::DictViewObj>| of_view(v, 0, false),
                )
                .method("__reversed__($self, /)", "", |_: &Vm, v: Ptr<dict_views::DictViewObj>| {
                    of_view(v, 0, true)
                }),
            1 => b
                .method(
                    "__iter__($self, /)",
                    "Implement iter(self).",
                    |_: &Vm, v: Ptr<dict_views::DictViewObj>| of_view(v, 1, false),
                )
                .method("__reversed__($self, /)", "", |_: &Vm, v: Ptr<dict_views::DictViewObj>| {
                    of_view(v, 1, true)
                }),
            _ => b
                .method(
                    "__iter__($self, /)",
                    "Implement iter(self).",
                    |_: &Vm, v: Ptr<dict_views::DictViewObj>| of_view(v, 2, false),
                )
                .method("__reversed__($self, /)", "", |_: &Vm, v: Ptr<dict_views::DictViewObj>| {
                    of_view(v, 2, true)
                }),
        };
        let _ = iter;
    }
}

fn of_view(v: Ptr<dict_views::DictViewObj>, part: u8, back: bool) -> Value {
    iterate(v.dict.downcast().expect("a view's dict"), part, back)
}

fn iterate(d: This, part: u8, back: bool) -> Value {
    let map = ITERATOR.get().instance_map();
    heap()
        .alloc(
            map,
            OrderedIterObj {
                header: Header::new(map),
                dict: Field::new(d.value()),
                index: Cell::new(if back { usize::MAX } else { 0 }),
                left: Cell::new(d.len()),
                version: Cell::new(d.table.version()),
                part: Cell::new(part),
                back: Cell::new(back),
            },
        )
        .value()
}

fn next(vm: &Vm, i: Ptr<OrderedIterObj>) -> Res<Value> {
    let Some(d) = i.dict.downcast::<DictObj>() else { return Ok(Value::EMPTY) };
    let shows_values = i.part.get() != 0;
    if i.left.get() == 0 {
        if shows_values && !i.back.get() {
            missed(vm, d, i.index.get(), usize::MAX)?;
        }
        i.dict.set_no_barrier(Value::EMPTY);
        return Ok(Value::EMPTY);
    }
    if d.table.version() != i.version.get() {
        return Err(mutated(vm));
    }
    let found =
        if i.back.get() { d.table.prev_entry(i.index.get()) } else { d.table.next_entry(i.index.get()) };
    let Some((at, e)) = found else {
        i.dict.set_no_barrier(Value::EMPTY);
        return Ok(Value::EMPTY);
    };
    if shows_values {
        match i.back.get() {
            true => missed(vm, d, at + 1, i.index.get())?,
            false => missed(vm, d, i.index.get(), at)?,
        }
    }
    i.index.set(if i.back.get() { at } else { at + 1 });
    i.left.set(i.left.get() - 1);
    let value = value_of(vm, d, e.key, e.value)?;
    Ok(match i.part.get() {
        0 => e.key,
        1 => value,
        _ => pair(e.key, value),
    })
}

/// KeyError when a method of `dict` has removed a key that was among the entries `from..to`: the order still knows it.
fn missed(vm: &Vm, d: This, from: usize, to: usize) -> Res<()> {
    match d.table.left_key(from, to) {
        Some(key) => Err(vm.key_error_for(key)),
        None => Ok(()),
    }
}

/// Whether a key's hash and comparisons run no code of programs.
fn is_plain(key: Value) -> bool {
    !type_of(key).has(TypeFlags::HEAP)
}

/// The value of a key, which is `found` in the table. Keys with a hash of their own are asked for it, so that one that has changed its
/// mind is missed.
fn value_of(vm: &Vm, d: This, key: Value, found: Value) -> Res<Value> {
    if is_plain(key) {
        return Ok(found);
    }
    d.get(vm, key)?.ok_or_else(|| vm.key_error_for(key))
}

#[cold]
fn mutated(vm: &Vm) -> Raised {
    vm.runtime_error("OrderedDict mutated during iteration")
}

fn plain_setitem(d: This) -> bool {
    type_of(d.value()).special(Special::Setitem) == rt().types.dict.special(Special::Setitem)
}

/// `d.update(v)`, through `__setitem__` of subclasses that have their own.
fn add_all(vm: &Vm, d: This, v: Value) -> Res<()> {
    if plain_setitem(d) {
        return cape_builtins::dict::merge_any(vm, d, v);
    }
    let t = DictObj::new();
    cape_builtins::dict::merge_any(vm, t, v)?;
    set_all(vm, d, t)
}

fn set_all(vm: &Vm, d: This, from: This) -> Res<()> {
    let mut i = 0;
    while let Some((at, e)) = from.table.next_entry(i) {
        i = at + 1;
        vm.set_item(d.value(), e.key, e.value)?;
    }
    Ok(())
}

fn update(vm: &Vm, d: This, args: Ptr<TupleObj>, kwargs: Ptr<DictObj>) -> Res<()> {
    match *args.as_slice() {
        [] => {}
        [v] => add_all(vm, d, v)?,
        _ => return Err(vm.type_error(format!("expected at most 1 argument, got {}", args.len()))),
    }
    if kwargs.is_empty() { Ok(()) } else { add_all(vm, d, kwargs.value()) }
}

fn fromkeys(vm: &Vm, cls: Ptr<TypeObj>, keys: Value, value: Option<Value>) -> Res<Value> {
    let d = vm.call(cls.value(), &[])?;
    let v = value.unwrap_or(Value::NONE);
    vm.for_each(keys, |k| vm.set_item(d, k, v))?;
    Ok(d)
}

fn compare(vm: &Vm, a: This, b: Value, want: bool) -> Res<Value> {
    let Some(o) = b.downcast::<DictObj>() else { return Ok(Value::NOT_IMPLEMENTED) };
    let mut same = cape_builtins::dict::equal(vm, a, o)?;
    if same && type_of(b).is_subtype(ORDERED.get()) {
        let (mut i, mut j) = (0, 0);
        let versions = (a.table.version(), o.table.version());
        while same {
            // (Comparing the items may have run code: one may end before the other.)
            let (x, y) = match (a.table.next_entry(i), o.table.next_entry(j)) {
                (Some((at, x)), Some((bt, y))) => {
                    (i, j) = (at + 1, bt + 1);
                    (x, y)
                }
                (x, y) => {
                    same = x.is_none() && y.is_none();
                    break;
                }
            };
            same = vm.eq_identity(x.key, y.key)?;
            if (a.table.version(), o.table.version()) != versions {
                return Err(mutated(vm));
            }
        }
    }
    Ok(Value::bool(same == want))
}

fn repr(vm: &Vm, d: This) -> Res<Value> {
    let name = type_of(d.value()).name_str();
    if d.is_empty() {
        return Ok(intern(&format!("{name}()")));
    }
    if !vm.repr_enter(d.value()) {
        return Ok(intern("..."));
    }
    let r = (|| {
        let items = vm.call_method(d.value(), rt().names.items, &[])?;
        let t = DictObj::new();
        cape_builtins::dict::merge_any(vm, t, ListObj::from_vec(vm.vec_of(items)?).value())?;
        vm.repr(t.value())
    })();
    vm.repr_leave(d.value());
    let mut out = StrBuilder::new();
    out.push_str(&name);
    out.push_str("(");
    out.push_obj(&*r?);
    out.push_str(")");
    Ok(out.finish().value())
}

fn or(vm: &Vm, a: Value, b: Value) -> Res<Value> {
    if !a.is::<DictObj>() || !b.is::<DictObj>() {
        return Ok(Value::NOT_IMPLEMENTED);
    }
    let class = if type_of(a).is_subtype(ORDERED.get()) { type_of(a) } else { type_of(b) };
    let new = vm.call(class.value(), &[a])?;
    if let Some(d) = new.downcast::<DictObj>() {
        add_all(vm, d, b)?;
    }
    Ok(new)
}

fn copy(vm: &Vm, d: This) -> Res<Value> {
    let t = type_of(d.value());
    if t == ORDERED.get() {
        let new = DictObj::with_map(t.instance_map());
        if d.table.iter().all(|e| is_plain(e.key)) {
            new.table.copy_from(new.header(), &d.table);
            return Ok(new.value());
        }
        let (version, mut i) = (d.table.version(), 0);
        while let Some((at, e)) = d.table.next_entry(i) {
            i = at + 1;
            new.set(vm, e.key, value_of(vm, d, e.key, e.value)?)?;
            if d.table.version() != version {
                return Err(mutated(vm));
            }
        }
        return Ok(new.value());
    }
    let new = vm.call(t.value(), &[])?;
    let version = d.table.version();
    let mut i = 0;
    while let Some((at, e)) = d.table.next_entry(i) {
        i = at + 1;
        let v = vm.get_item(d.value(), e.key)?;
        vm.set_item(new, e.key, v)?;
        if d.table.version() != version {
            return Err(mutated(vm));
        }
    }
    Ok(new)
}

fn pop(vm: &Vm, d: This, key: Value, default: Option<Value>) -> Res<Value> {
    d.remove(vm, key)?.or(default).ok_or_else(|| vm.key_error_for(key))
}

fn move_to_end(vm: &Vm, d: This, key: Value, last: Option<bool>) -> Res<()> {
    let hash = vm.key_hash(key)?;
    let Some(i) = d.table.find(vm, key, hash)? else { return Err(vm.key_error_for(key)) };
    let e = d.table.keys().entry(i);
    if last.unwrap_or(true) {
        if i + 1 == d.table.keys().filled() || d.table.prev_entry(usize::MAX).is_some_and(|(at, _)| at == i) {
            return Ok(());
        }
        d.table.remove_at(i);
        d.table.insert_new(d.header(), e.hash, e.key, e.value);
        return Ok(());
    }
    if d.table.next_entry(0).is_some_and(|(at, _)| at == i) {
        return Ok(());
    }
    // Going to the front means building the table anew.
    d.table.remove_at(i);
    let rest = d.copy();
    d.table.clear(d.header());
    d.table.reserve(d.header(), rest.len() + 1);
    d.table.insert_new(d.header(), e.hash, e.key, e.value);
    for x in rest.table.iter() {
        d.table.insert_new(d.header(), x.hash, x.key, x.value);
    }
    Ok(())
}

fn reduce(vm: &Vm, d: This) -> Res<Value> {
    let state = vm.get_attr(d.value(), Special::Getstate.name_value())?;
    let state = vm.call(state, &[])?;
    let items = vm.call_method(d.value(), rt().names.items, &[])?;
    let it = vm.iter(items)?;
    let class = type_of(d.value()).value();
    Ok(TupleObj::new(&[class, rt().empty_tuple().value(), state, Value::NONE, it]).value())
}
