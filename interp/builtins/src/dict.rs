//! `dict`.

use cape_vm::native::extend;
use cape_vm::object::{DictObj, StrBuilder, TupleObj, TypeObj};
use cape_vm::runtime::StaticType;
use cape_vm::special::Special;
use cape_vm::{Ptr, Res, Value, Vm, rt, type_of};

type This = Ptr<DictObj>;

/// Completes the types of this file.
pub fn init(_vm: &Vm) {
    rt().types.dict.construct.set(Some(|vm, args| {
        let d = DictObj::new();
        args.iter().try_for_each(|&m| merge_any(vm, d, m))?;
        Ok(d.value())
    }));
    extend(rt().types.dict)
        .doc("dict() -> new empty dictionary\ndict(mapping) -> new dictionary initialized from a mapping object's\n    (key, value) pairs\ndict(iterable) -> new dictionary initialized as if via:\n    d = {}\n    for k, v in iterable:\n        d[k] = v\ndict(**kwargs) -> new dictionary initialized with the name=value pairs\n    in the keyword argument list.  For example:  dict(one=1, two=2)")
        .new_fn("__new__($type, *args, **kwargs)", "Create and return a new object.  See help(type) for accurate signature.", |_: &Vm, cls: Ptr<TypeObj>, _: Value, _: Value| DictObj::with_map(cls.instance_map()))
        .method("__init__($self, /, *args, **kwargs)", "Initialize self.  See help(type(self)) for accurate signature.", |vm: &Vm, d: This, a: Ptr<TupleObj>, k: This| update(vm, d, a, k, "dict"))
        .method("__repr__($self, /)", "Return repr(self).", repr)
        .method("__len__($self, /)", "Return len(self).", |_: &Vm, d: This| d.len())
        .method("__getitem__($self, key, /)", "Return self[key].", getitem)
        .method("__setitem__($self, key, value, /)", "Set self[key] to value.", |vm: &Vm, d: This, k: Value, v: Value| d.set(vm, k, v))
        .method("__delitem__($self, key, /)", "Delete self[key].", |vm: &Vm, d: This, k: Value| match remove(vm, d, k)? {
            Some(_) => Ok(()),
            None => Err(vm.key_error_for(k)),
        })
        .method("__contains__($self, key, /)", "True if the dictionary has the specified key, else False.", |vm: &Vm, d: This, k: Value| Ok::<_, cape_vm::Raised>(d.get(vm, k)?.is_some()))
        .method("__iter__($self, /)", "Implement iter(self).", |_: &Vm, d: This| crate::dict_views::iter_keys(d))
        .method("__reversed__($self, /)", "Return a reverse iterator over the dict keys.", |_: &Vm, d: This| crate::dict_views::reversed_keys(d))
        .method("__eq__($self, value, /)", "Return self==value.", |vm: &Vm, a: This, b: Value| compare(vm, a, b, true))
        .method("__ne__($self, value, /)", "Return self!=value.", |vm: &Vm, a: This, b: Value| compare(vm, a, b, false))
        .method("__lt__($self, value, /)", "Return self<value.", |_: &Vm, _: This, _: Value| Value::NOT_IMPLEMENTED)
        .method("__le__($self, value, /)", "Return self<=value.", |_: &Vm, _: This, _: Value| Value::NOT_IMPLEMENTED)
        .method("__gt__($self, value, /)", "Return self>value.", |_: &Vm, _: This, _: Value| Value::NOT_IMPLEMENTED)
        .method("__ge__($self, value, /)", "Return self>=value.", |_: &Vm, _: This, _: Value| Value::NOT_IMPLEMENTED)
        .method("__or__($self, value, /)", "Return self|value.", or)
        .method("__ror__($self, value, /)", "Return value|self.", |vm: &Vm, a: Value, b: Value| or(vm, b, a))
        .method("__ior__($self, value, /)", "Return self|=value.", |vm: &Vm, d: This, o: Value| -> Res<Value> {
            merge_any(vm, d, o)?;
            Ok(d.value())
        })
        .attribute("__hash__", Value::NONE)
        .method("__sizeof__($self, /)", "Return the size of the dict in memory.", |_: &Vm, d: This| 64 + if d.is_empty() { 0 } else { d.table.byte_len() })
        .class_method("__class_getitem__($type, object, /)", "See PEP 585", crate::generic_alias::class_getitem)
        .class_method("fromkeys($type, iterable, value=None, /)", "Create a new dictionary with keys from iterable and values set to value.", fromkeys)
        .method("clear($self, /)", "Remove all items from the dict.", |_: &Vm, d: This| d.table.clear(d.header()))
        .method("copy($self, /)", "Return a shallow copy of the dict.", |_: &Vm, d: This| d.copy())
        .method("get($self, key, default=None, /)", "Return the value for key if key is in the dictionary, else default.", |vm: &Vm, d: This, k: Value, default: Option<Value>| {
            Ok::<_, cape_vm::Raised>(d.get(vm, k)?.or(default))
        })
        .method("setdefault($self, key, default=None, /)", "Insert key with a value of default if key is not in the dictionary.\n\nReturn the value for key if key is in the dictionary, else default.", setdefault)
        .method("pop($self, key, default=<unrepresentable>, /)", "D.pop(k[,d]) -> v, remove specified key and return the corresponding value.\n\nIf the key is not found, return the default if given; otherwise,\nraise a KeyError.", pop)
        .method("popitem($self, /)", "Remove and return a (key, value) pair as a 2-tuple.\n\nPairs are returned in LIFO (last-in, first-out) order.\nRaises KeyError if the dict is empty.", popitem)
        .method("update($self, /, *args, **kwargs)", "D.update([E, ]**F) -> None.  Update D from mapping/iterable E and F.\nIf E is present and has a .keys() method, then does:  for k in E.keys(): D[k] = E[k]\nIf E is present and lacks a .keys() method, then does:  for k, v in E: D[k] = v\nIn either case, this is followed by: for k in F:  D[k] = F[k]", |vm: &Vm, d: This, a: Ptr<TupleObj>, k: This| update(vm, d, a, k, "update"))
        .method("keys($self, /)", "Return a set-like object providing a view on the dict's keys.", |_: &Vm, d: This| crate::dict_views::keys(d))
        .method("values($self, /)", "Return an object providing a view on the dict's values.", |_: &Vm, d: This| crate::dict_views::values(d))
        .method("items($self, /)", "Return a set-like object providing a view on the dict's items.", |_: &Vm, d: This| crate::dict_views::items(d));
}

fn getitem(vm: &Vm, d: This, key: Value) -> Res<Value> {
    if let Some(v) = d.get(vm, key)? {
        return Ok(v);
    }
    if d.header().map() != rt().maps.dict {
        let t = type_of(d.value());
        let f = t.special(Special::Missing);
        if !f.is_empty() {
            return vm.call_special(f, &[d.value(), key]);
        }
    }
    Err(vm.key_error_for(key))
}

/// `dict.__init__` and `dict.update`; `what` names it in messages.
pub fn update(vm: &Vm, d: This, args: Ptr<TupleObj>, kwargs: This, what: &str) -> Res<()> {
    match *args.as_slice() {
        [] => {}
        [m] => merge_any(vm, d, m)?,
        _ => {
            return Err(vm.type_error(format!("{what} expected at most 1 argument, got {}", args.len())));
        }
    }
    if kwargs.is_empty() {
        return Ok(());
    }
    if !d.is_empty() {
        return vm.dict_update(d, kwargs.value());
    }
    d.table.copy_from(d.header(), &kwargs.table);
    Ok(())
}

/// `d.update(m)` for a mapping or an iterable of pairs.
pub fn merge_any(vm: &Vm, d: This, m: Value) -> Res<()> {
    if m.is::<DictObj>() || vm.get_attr_opt(m, rt().names.keys)?.is_some() {
        return vm.dict_update(d, m);
    }
    let it = vm.iter(m)?;
    let mut i = 0;
    while let Some(item) = vm.next(it)? {
        if let Some(t) = item.downcast::<TupleObj>()
            && t.header().map() == rt().maps.tuple
            && let [k, v] = *t.as_slice()
        {
            d.set(vm, k, v)?;
            i += 1;
            continue;
        }
        let pair = match sequence_of(vm, item) {
            Err(r) if r.is(rt().types.type_error) => {
                let note = format!("Cannot convert dictionary update sequence element #{i} to a sequence");
                vm.add_note(r.exc(), &note)?;
                return Err(r);
            }
            p => p?,
        };
        if pair.len() != 2 {
            return Err(vm.value_error(format!(
                "dictionary update sequence element #{i} has length {}; 2 is required",
                pair.len()
            )));
        }
        d.set(vm, pair.get(0), pair.get(1))?;
        i += 1;
    }
    Ok(())
}

/// The items of an iterable; what cannot be iterated over gets a message of its own.
fn sequence_of(vm: &Vm, v: Value) -> Res<Ptr<cape_vm::object::ArrayObj>> {
    match vm.iter(v) {
        Err(r) if r.is(rt().types.type_error) => Err(vm.type_error("object is not iterable")),
        it => vm.list_of(it?),
    }
}

fn repr(vm: &Vm, d: This) -> Res<Value> {
    if d.is_empty() {
        return Ok(rt().intern("{}"));
    }
    if !vm.repr_enter(d.value()) {
        return Ok(rt().intern("{...}"));
    }
    let r = repr_items(vm, d);
    vm.repr_leave(d.value());
    r
}

fn repr_items(vm: &Vm, d: This) -> Res<Value> {
    let mut out = StrBuilder::new();
    out.push_str("{");
    let (mut i, mut first) = (0, true);
    while let Some((at, e)) = d.table.next_entry(i) {
        i = at + 1;
        if !first {
            out.push_str(", ");
        }
        first = false;
        out.push_obj(&*vm.repr(e.key)?);
        out.push_str(": ");
        out.push_obj(&*vm.repr(e.value)?);
    }
    out.push_str("}");
    Ok(out.finish().value())
}

/// Whether two dicts have the same items.
pub fn equal(vm: &Vm, a: This, b: This) -> Res<bool> {
    if a.len() != b.len() {
        return Ok(false);
    }
    let mut i = 0;
    while let Some((at, e)) = a.table.next_entry(i) {
        i = at + 1;
        let Some(j) = b.table.find(vm, e.key, e.hash)? else { return Ok(false) };
        let other = b.table.keys().entry(j).value;
        if !vm.eq_identity(e.value, other)? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn compare(vm: &Vm, a: This, b: Value, want: bool) -> Res<Value> {
    let Some(b) = b.downcast::<DictObj>() else { return Ok(Value::NOT_IMPLEMENTED) };
    Ok(Value::bool(equal(vm, a, b)? == want))
}

fn or(vm: &Vm, a: Value, b: Value) -> Res<Value> {
    let (Some(x), Some(_)) = (a.downcast::<DictObj>(), b.downcast::<DictObj>()) else {
        return Ok(Value::NOT_IMPLEMENTED);
    };
    let new = x.copy();
    vm.dict_update(new, b)?;
    Ok(new.value())
}

fn fromkeys(vm: &Vm, cls: Ptr<TypeObj>, keys: Value, value: Option<Value>) -> Res<Value> {
    let value = value.unwrap_or(Value::NONE);
    let d = if cls == rt().types.dict { DictObj::new().value() } else { vm.call(cls.value(), &[])? };
    let exact = d.is_ptr() && d.header().map() == rt().maps.dict;
    if let Some(d) = d.downcast::<DictObj>().filter(|_| exact) {
        // Sets and dicts know the hashes of their elements.
        return crate::set::each(vm, keys, |vm, k| vm.key_hash(k), |k, hash| {
            match d.table.find(vm, k, hash)? {
                Some(i) => d.table.set_value(i, value),
                None => d.table.insert_new(d.header(), hash, k, value),
            }
            Ok(())
        })
        .map(|()| d.value());
    }
    vm.for_each(keys, |k| vm.set_item(d, k, value))?;
    Ok(d)
}

fn setdefault(vm: &Vm, d: This, key: Value, default: Option<Value>) -> Res<Value> {
    let hash = vm.key_hash(key)?;
    if let Some(i) = d.table.find(vm, key, hash)? {
        return Ok(d.table.keys().entry(i).value);
    }
    let v = default.unwrap_or(Value::NONE);
    d.table.insert_new(d.header(), hash, key, v);
    Ok(v)
}

fn pop(vm: &Vm, d: This, key: Value, default: Option<Value>) -> Res<Value> {
    if d.is_empty() {
        return default.ok_or_else(|| vm.key_error_for(key));
    }
    match remove(vm, d, key)?.or(default) {
        Some(v) => Ok(v),
        None => Err(vm.key_error_for(key)),
    }
}

/// The class of dicts that know of their order, and do not if they are changed by methods of `dict`.
pub static ORDERED: StaticType = StaticType::new();

fn is_ordered(d: This) -> bool {
    d.header().map() != rt().maps.dict && ORDERED.try_get().is_some_and(|o| type_of(d.value()).is_subtype(o))
}

fn remove(vm: &Vm, d: This, key: Value) -> Res<Option<Value>> {
    if !is_ordered(d) {
        return d.remove(vm, key);
    }
    let hash = vm.key_hash(key)?;
    Ok(d.table.find(vm, key, hash)?.map(|i| d.table.remove_leaving_key(i)))
}

fn popitem(vm: &Vm, d: This) -> Res<Value> {
    let last = match is_ordered(d) {
        true => d.table.prev_entry(usize::MAX).map(|(i, e)| {
            d.table.remove_leaving_key(i);
            e
        }),
        false => d.table.pop_last(),
    };
    let Some(e) = last else {
        return Err(vm.key_error("popitem(): dictionary is empty"));
    };
    Ok(TupleObj::new(&[e.key, e.value]).value())
}
