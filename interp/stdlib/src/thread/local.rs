//! `_thread._local`: attributes of which every thread has its own.
//!
//! The dicts are kept in a dict from thread identifiers; a thread that ends takes its entry out of every living object. It knows the
//! objects by weak references: they, and what they have, die as any others do.

use cape_heap::{Field, Header, WeakCell, heap, heap_object};
use cape_vm::native::{Named, new_type};
use cape_vm::object::{DictObj, ListObj, ModuleObj, StrObj, TupleObj, TypeFlags, TypeObj, uint_value};
use cape_vm::special::Special;
use cape_vm::{Ptr, Res, Value, Vm, intern, rt, type_of};

heap_object! {
    /// A `_local`: the constructor's arguments, which initialise it again in each thread, and the dicts by thread.
    pub struct LocalObj { args: Field, kwargs: Field, dicts: Field }
}

impl Named for LocalObj {
    const NAME: &'static str = "_thread._local";
}

pub(super) fn init(m: Ptr<ModuleObj>) {
    let t = new_type::<LocalObj>("_thread._local", rt().types.object, TypeFlags::BASE | TypeFlags::HAS_WEAKREF)
        .doc("Thread-local data")
        .new_fn("__new__(type, /, *args, **kwargs)", "Create and return a new object.", new)
        .method("__getattribute__($self, name, /)", "Return getattr(self, name).", getattr)
        .method("__setattr__($self, name, value, /)", "Implement setattr(self, name, value).", |vm: &Vm, l: Ptr<LocalObj>, n: Value, v: Value| {
            setattr(vm, l, n, v)
        })
        .method("__delattr__($self, name, /)", "Implement delattr(self, name).", |vm: &Vm, l: Ptr<LocalObj>, n: Value| {
            setattr(vm, l, n, Value::EMPTY)
        })
        .class();
    m.class(t);
}

fn new(vm: &Vm, cls: Ptr<TypeObj>, args: Ptr<TupleObj>, kwargs: Ptr<DictObj>) -> Res<Value> {
    let takes_arguments = cape_vm::class::lookup_mro_where(cls, intern("__init__"))
        .is_some_and(|(_, owner)| owner != rt().types.object);
    if !takes_arguments && (!args.is_empty() || !kwargs.is_empty()) {
        return Err(vm.type_error("Initialization arguments are not supported"));
    }
    let dicts = DictObj::new();
    let map = cls.instance_map();
    let l = heap().alloc(
        map,
        LocalObj {
            header: Header::new(map),
            args: Field::new(args.value()),
            kwargs: Field::new(kwargs.value()),
            dicts: Field::new(dicts.value()),
        },
    );
    // The creating thread's dict: `__init__` is about to run anyway.
    dicts.set(vm, uint_value(vm.ident.get()), DictObj::new().value())?;
    note_use(vm, l);
    Ok(l.value())
}

/// Remembers, in the thread's own list, that the object has an entry for the thread.
fn note_use(vm: &Vm, l: Ptr<LocalObj>) {
    let weak = heap().new_weak(rt().maps.weak_cell, l.value(), Value::EMPTY).value();
    let Some(list) = vm.local_dicts.get().downcast::<ListObj>() else {
        vm.local_dicts.set(ListObj::new(&[weak]).value());
        return;
    };
    // Those that have died are forgotten now and then.
    if list.len() >= 32 && list.len().is_power_of_two() {
        let alive = ListObj::new(&[]);
        list.snapshot().as_slice().iter().filter(|w| object_of(**w).is_some()).for_each(|w| alive.push(*w));
        alive.push(weak);
        vm.local_dicts.set(alive.value());
    } else {
        list.push(weak);
    }
}

/// What an entry of the list refers to, while it lives.
fn object_of(weak: Value) -> Option<Ptr<LocalObj>> {
    weak.downcast::<WeakCell>()?.target().downcast()
}

/// Drops the ending thread's attributes of all objects.
pub(crate) fn leave(vm: &Vm) {
    let Some(list) = vm.local_dicts.replace(Value::EMPTY).downcast::<ListObj>() else { return };
    let key = uint_value(vm.ident.get());
    for i in 0..list.len() {
        let object = list.get(i).and_then(object_of);
        if let Some(d) = object.and_then(|l| l.dicts.downcast::<DictObj>()) {
            let _ = d.remove(vm, key);
        }
    }
}

/// The calling thread's dict, made (and initialised) at the first use.
fn dict(vm: &Vm, l: Ptr<LocalObj>) -> Res<Ptr<DictObj>> {
    let dicts: Ptr<DictObj> = l.dicts.downcast().expect("a dict");
    let key = uint_value(vm.ident.get());
    if let Some(d) = dicts.get(vm, key)?.and_then(|d| d.downcast()) {
        return Ok(d);
    }
    let d = DictObj::new();
    dicts.set(vm, key, d.value())?;
    note_use(vm, l);
    let init = type_of(l.value()).special(Special::Init);
    let is_own = cape_vm::class::lookup_mro_where(type_of(l.value()), intern("__init__"))
        .is_some_and(|(_, owner)| owner != rt().types.object);
    if is_own {
        let args: Ptr<TupleObj> = l.args.downcast().expect("a tuple");
        let bound = vm.descr_get(init, l.value(), type_of(l.value()))?;
        if let Err(e) = vm.call_dict(bound, args.as_slice(), l.kwargs.downcast()) {
            // The next access tries again.
            dicts.remove(vm, key)?;
            return Err(e);
        }
    }
    Ok(d)
}

fn name_of(vm: &Vm, name: Value) -> Res<Ptr<StrObj>> {
    name.downcast::<StrObj>().ok_or_else(|| {
        vm.type_error(format!("attribute name must be string, not '{}'", type_of(name).name_str()))
    })
}

fn getattr(vm: &Vm, l: Ptr<LocalObj>, name: Value) -> Res<Value> {
    let n = name_of(vm, name)?;
    let d = dict(vm, l)?;
    if n.eq_str("__dict__") {
        return Ok(d.value());
    }
    let t = type_of(l.value());
    let name = rt().intern_obj(n);
    let found = cape_vm::class::lookup_mro(t, name);
    if let Some(f) = found
        && cape_vm::attr::is_data_descriptor(f)
    {
        return vm.descr_get(f, l.value(), t);
    }
    if let Some(v) = d.get(vm, name)? {
        return Ok(v);
    }
    match found {
        Some(f) => vm.descr_get(f, l.value(), t),
        None => Err(vm.attribute_error_for(
            format!("'{}' object has no attribute '{}'", t.name_str(), n.display()),
            l.value(),
            name,
        )),
    }
}

fn setattr(vm: &Vm, l: Ptr<LocalObj>, name: Value, v: Value) -> Res<()> {
    let n = name_of(vm, name)?;
    let d = dict(vm, l)?;
    let t = type_of(l.value());
    if n.eq_str("__dict__") {
        return Err(vm.attribute_error(format!("'{}' object attribute '__dict__' is read-only", t.name_str())));
    }
    let name = rt().intern_obj(n);
    if let Some(f) = cape_vm::class::lookup_mro(t, name)
        && cape_vm::attr::is_data_descriptor(f)
    {
        return if v.is_empty() {
            vm.call_method(f, intern("__delete__"), &[l.value()]).map(drop)
        } else {
            vm.call_method(f, intern("__set__"), &[l.value(), v]).map(drop)
        };
    }
    if !v.is_empty() {
        return d.set(vm, name, v);
    }
    match d.remove(vm, name)? {
        Some(_) => Ok(()),
        None => Err(vm.attribute_error_for(
            format!("'{}' object has no attribute '{}'", t.name_str(), n.display()),
            l.value(),
            name,
        )),
    }
}
