//! `groupby`.

use cape_vm::native::new_type;
use cape_vm::object::{ModuleObj, TupleObj};
use cape_vm::runtime::StaticType;
use cape_vm::{Ptr, Res, Value, Vm, rt};

use super::{Lazy, LazyObj, iterator, pull, state};

const E: Value = Value::EMPTY;

static GROUPER: StaticType = StaticType::new();

pub(super) fn init(m: Ptr<ModuleObj>) {
    // a = iterator, b = key function or EMPTY, c = an array-like tuple of (target key, current key, current value), d = running group.
    iterator(m, "itertools.groupby", "make an iterator that returns consecutive keys and groups from the iterable\n\n  iterable\n    Elements to divide into groups according to the key function.\n  key\n    A function for computing the group category for each element.\n    If the key function is not specified or is None, the element itself\n    is used for grouping.", group_next)
        .new_fn("__new__(cls, iterable, key=None)", "", |vm: &Vm, cls, items: Value, key: Option<Value>| -> Res<Lazy> {
            let it = vm.iter(items)?;
            let keys = cape_vm::object::ArrayObj::new(3);
            Ok(state(cls, [it, key.filter(|k| !k.is_none()).unwrap_or(E), keys.value(), E], [0; 3]))
        });
    let b = new_type::<LazyObj>("itertools._grouper", rt().types.object, 0)
        .new_fn("__new__(cls, parent, tgtkey, /)", "", |_: &Vm, cls, parent: Value, key: Value| {
            grouper(cls, parent, key)
        })
        .method("__iter__($self, /)", "Implement iter(self).", |_: &Vm, g: Value| g)
        .method("__next__($self, /)", "Implement next(self).", grouper_next);
    GROUPER.set(b.class());
    m.class(b.class());
}

const TARGET: usize = 0;
const KEY: usize = 1;
const VALUE: usize = 2;

fn keys(g: Lazy) -> Ptr<cape_vm::object::ArrayObj> {
    g.c.downcast().expect("the keys of a groupby")
}

fn grouper(cls: Ptr<cape_vm::object::TypeObj>, parent: Value, key: Value) -> Lazy {
    let g = state(cls, [parent, key, E, E], [0; 3]);
    if let Some(p) = parent.downcast::<LazyObj>() {
        p.d.set(p, g.value());
    }
    g
}

/// Takes the next item; false at the end.
fn step(vm: &Vm, g: Lazy) -> Res<bool> {
    let Some(v) = pull(vm, g.a.get())? else { return Ok(false) };
    let key = if g.b.get().is_empty() { v } else { vm.call(g.b.get(), &[v])? };
    keys(g).set(VALUE, v);
    keys(g).set(KEY, key);
    Ok(true)
}

fn group_next(vm: &Vm, g: Lazy) -> Res<Value> {
    g.d.set(g, E);
    let k = keys(g);
    loop {
        if !k.get(KEY).is_empty() {
            if k.get(TARGET).is_empty() || !vm.eq_identity(k.get(TARGET), k.get(KEY))? {
                break;
            }
        }
        if !step(vm, g)? {
            return Ok(E);
        }
    }
    k.set(TARGET, k.get(KEY));
    let key = k.get(KEY);
    let group = grouper(GROUPER.get(), g.value(), key);
    Ok(TupleObj::new(&[key, group.value()]).value())
}

fn grouper_next(vm: &Vm, g: Lazy) -> Res<Value> {
    let Some(parent) = g.a.downcast::<LazyObj>() else { return Ok(E) };
    if parent.d.get() != g.value() {
        return Ok(E);
    }
    let k = keys(parent);
    if k.get(VALUE).is_empty() && !step(vm, parent)? {
        return Ok(E);
    }
    if !vm.eq_identity(g.b.get(), k.get(KEY))? {
        return Ok(E);
    }
    let v = k.get(VALUE);
    k.set(VALUE, E);
    k.set(KEY, E);
    Ok(v)
}
