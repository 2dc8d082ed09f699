//! `_abc`: the core of abstract base classes.

use std::cell::Cell;

use cape_builtins::weakref::{self, REF};
use cape_heap::{Field, Header, WeakCell, heap, heap_object};
use cape_vm::class;
use cape_vm::native::{Named, new_type};
use cape_vm::object::{ListObj, ModuleObj, SetObj, TupleObj, TypeFlags, TypeObj};
use cape_vm::runtime::StaticType;
use cape_vm::special::Special;
use cape_vm::{Ptr, Res, Value, Vm, intern, rt, type_of};

heap_object! {
    /// What an abstract base class remembers: sets of weak references to classes, EMPTY while unused.
    pub struct AbcData { registry: Field, cache: Field, negative: Field, version: Cell<u64> }
}

impl Named for AbcData {
    const NAME: &'static str = "_abc._abc_data";
}

static DATA: StaticType = StaticType::new();

/// Counts registrations, so that negative caches know that they are stale.
struct Counter(Cell<u64>);
// SAFETY: used with the GIL held.
unsafe impl Sync for Counter {}
static COUNTER: Counter = Counter(Cell::new(0));

const COLLECTION: u32 = TypeFlags::SEQUENCE | TypeFlags::MAPPING;

/// Fills the module.
pub fn init(_vm: &Vm, m: Ptr<ModuleObj>) -> Res<()> {
    let b = new_type::<AbcData>("_abc._abc_data", rt().types.object, TypeFlags::NO_INSTANTIATION)
        .doc("Internal state held by ABC machinery.");
    DATA.set(b.class());
    m.function("get_cache_token()", "Returns the current ABC cache token.\n\nThe token is an opaque object (supporting equality testing) identifying the\ncurrent version of the ABC cache for virtual subclasses. The token changes\nwith every call to register() on any ABC.", |_: &Vm| COUNTER.0.get())
        .function("_abc_init(self, /)", "Internal ABC helper for class set-up. Should be never used outside abc module.", abc_init)
        .function("_abc_register(self, subclass, /)", "Internal ABC helper for subclasss registration. Should be never used outside abc module.", register)
        .function("_abc_instancecheck(self, instance, /)", "Internal ABC helper for instance checks. Should be never used outside abc module.", instance_check)
        .function("_abc_subclasscheck(self, subclass, /)", "Internal ABC helper for subclasss checks. Should be never used outside abc module.", subclass_check)
        .function("_reset_registry(self, /)", "Internal ABC helper to reset registry of a given class.\n\nShould be only used by refleak.py", |vm: &Vm, c: Value| -> Res<()> {
            let d = data(vm, c)?;
            d.registry.set(d, Value::EMPTY);
            Ok(())
        })
        .function("_reset_caches(self, /)", "Internal ABC helper to reset both caches of a given class.\n\nShould be only used by refleak.py", |vm: &Vm, c: Value| -> Res<()> {
            let d = data(vm, c)?;
            d.cache.set(d, Value::EMPTY);
            d.negative.set(d, Value::EMPTY);
            Ok(())
        })
        .function("_get_dump(self, /)", "Internal ABC helper for cache and registry debugging.\n\nReturn shallow copies of registry, of both caches, and\nnegative cache version. Don't call this function directly,\ninstead use ABC._dump_registry() for a nice repr.", dump);
    Ok(())
}

fn data(vm: &Vm, c: Value) -> Res<Ptr<AbcData>> {
    let name = intern("_abc_impl");
    let own = c.downcast::<TypeObj>().and_then(|t| t.dict().get_str(name));
    let v = match own {
        Some(v) => v,
        None => vm.get_attr(c, name)?,
    };
    v.downcast().ok_or_else(|| vm.type_error("_abc_impl is set to a wrong type"))
}

fn is_abstract(vm: &Vm, v: Value) -> Res<bool> {
    match vm.get_attr_opt(v, rt().names.isabstractmethod)? {
        Some(f) => vm.truth(f),
        None => Ok(false),
    }
}

fn abc_init(vm: &Vm, cls: Ptr<TypeObj>) -> Res<()> {
    let names = &rt().names;
    let abstracts = SetObj::with_map(rt().maps.set);
    let items = cls.dict().copy();
    let mut i = 0;
    while let Some((at, e)) = items.table.next_entry(i) {
        i = at + 1;
        if is_abstract(vm, e.value)? {
            abstracts.add(vm, e.key)?;
        }
    }
    let bases: Ptr<TupleObj> = cls.bases.downcast().ok_or_else(|| vm.type_error("__bases__ is not tuple"))?;
    for &b in bases.as_slice() {
        let Some(inherited) = vm.get_attr_opt(b, names.abstractmethods)? else { continue };
        vm.for_each(inherited, |name| {
            if let Some(v) = vm.get_attr_opt(cls.value(), name)?
                && is_abstract(vm, v)?
            {
                abstracts.add(vm, name)?;
            }
            Ok(())
        })?;
    }
    let frozen = SetObj::with_map(rt().maps.frozenset);
    frozen.table.copy_from(frozen.header(), &abstracts.table);
    vm.set_attr(cls.value(), names.abstractmethods, frozen.value())?;
    let map = DATA.get().instance_map();
    let none = || Field::new(Value::EMPTY);
    let d = heap().alloc(
        map,
        AbcData {
            header: Header::new(map),
            registry: none(),
            cache: none(),
            negative: none(),
            version: Cell::new(COUNTER.0.get()),
        },
    );
    vm.set_attr(cls.value(), intern("_abc_impl"), d.value())?;
    let flags_name = intern("__abc_tpflags__");
    if let Some(f) = cls.dict().get_str(flags_name) {
        let bits = vm.index_int(f)?.to_i64().unwrap_or(0);
        if bits & 0x60 == 0x60 {
            return Err(vm.type_error(
                "__abc_tpflags__ cannot be both Py_TPFLAGS_SEQUENCE and Py_TPFLAGS_MAPPING",
            ));
        }
        for (bit, flag) in [(1 << 5, TypeFlags::SEQUENCE), (1 << 6, TypeFlags::MAPPING)] {
            if bits & bit != 0 {
                cls.set_flag(flag);
            }
        }
        class::set_class_attribute(cls, flags_name, Value::EMPTY);
    }
    Ok(())
}

/// The plain weak reference to a class, if there is one.
fn existing_ref(c: Value) -> Option<Value> {
    let map = REF.get().instance_map();
    heap().find_weak(c.header(), |w| w.header.map() == map && w.callback.get().is_empty()).map(|w| w.value())
}

fn in_set(vm: &Vm, f: &Field, c: Value) -> Res<bool> {
    let Some(s) = f.downcast::<SetObj>().filter(|s| !s.is_empty()) else { return Ok(false) };
    match existing_ref(c) {
        Some(r) => s.contains(vm, r),
        None => Ok(false),
    }
}

fn add_to(vm: &Vm, d: Ptr<AbcData>, f: fn(&AbcData) -> &Field, c: Value) -> Res<()> {
    let r = weakref::make(vm, REF.get(), c, Value::EMPTY)?;
    let s = match f(&d).downcast::<SetObj>() {
        Some(s) => s,
        None => {
            let s = SetObj::with_map(rt().maps.set);
            f(&d).set(d, s.value());
            s
        }
    };
    s.add(vm, r).map(|_| ())
}

/// The classes of a set of weak references that are still alive, as a list.
fn alive(f: &Field) -> Ptr<ListObj> {
    let list = ListObj::new(&[]);
    if let Some(s) = f.downcast::<SetObj>() {
        let mut i = 0;
        while let Some((at, e)) = s.table.next_entry(i) {
            i = at + 1;
            match e.key.downcast::<WeakCell>() {
                Some(w) if !w.target().is_empty() => list.push(w.target()),
                _ => {
                    s.table.remove_at(at);
                }
            }
        }
    }
    list
}

fn register(vm: &Vm, cls: Value, subclass: Value) -> Res<Value> {
    let Some(sub) = subclass.downcast::<TypeObj>() else {
        return Err(vm.type_error("Can only register classes"));
    };
    if vm.is_subclass(subclass, cls)? {
        return Ok(subclass);
    }
    if vm.is_subclass(cls, subclass)? {
        return Err(vm.runtime_error("Refusing to create an inheritance cycle"));
    }
    let d = data(vm, cls)?;
    add_to(vm, d, |d| &d.registry, subclass)?;
    COUNTER.0.set(COUNTER.0.get() + 1);
    if let Some(c) = cls.downcast::<TypeObj>() {
        let flag = c.flags.get() & COLLECTION;
        if flag != 0 {
            set_collection_flag(sub, flag);
        }
    }
    Ok(subclass)
}

fn set_collection_flag(t: Ptr<TypeObj>, flag: u32) {
    if t.has(TypeFlags::IMMUTABLE) || t.flags.get() & COLLECTION == flag {
        return;
    }
    t.clear_flag(COLLECTION);
    t.set_flag(flag);
    for s in class::subclasses(t).as_slice() {
        if let Some(s) = s.downcast() {
            set_collection_flag(s, flag);
        }
    }
}

fn call_subclasscheck(vm: &Vm, cls: Value, c: Value) -> Res<Value> {
    vm.call_method(cls, Special::Subclasscheck.name_value(), &[c])
}

fn instance_check(vm: &Vm, cls: Value, instance: Value) -> Res<Value> {
    let d = data(vm, cls)?;
    // As `isinstance`: an object without the attribute is of its type.
    let claimed = match vm.get_attr_opt(instance, rt().names.class)? {
        Some(c) => c,
        None => type_of(instance).value(),
    };
    if claimed.is_ptr() && in_set(vm, &d.cache, claimed)? {
        return Ok(Value::TRUE);
    }
    let t = type_of(instance).value();
    if t == claimed {
        if d.version.get() == COUNTER.0.get() && in_set(vm, &d.negative, claimed)? {
            return Ok(Value::FALSE);
        }
        return call_subclasscheck(vm, cls, claimed);
    }
    let r = call_subclasscheck(vm, cls, claimed)?;
    if vm.truth(r)? { Ok(r) } else { call_subclasscheck(vm, cls, t) }
}

fn subclass_check(vm: &Vm, cls: Value, subclass: Value) -> Res<bool> {
    let Some(sub) = subclass.downcast::<TypeObj>() else {
        return Err(vm.type_error("issubclass() arg 1 must be a class"));
    };
    let d = data(vm, cls)?;
    if in_set(vm, &d.cache, subclass)? {
        return Ok(true);
    }
    if d.version.get() < COUNTER.0.get() {
        d.negative.set(d, Value::EMPTY);
        d.version.set(COUNTER.0.get());
    } else if in_set(vm, &d.negative, subclass)? {
        return Ok(false);
    }
    let hook = vm.call_method(cls, Special::Subclasshook.name_value(), &[subclass])?;
    if hook == Value::TRUE {
        add_to(vm, d, |d| &d.cache, subclass)?;
        return Ok(true);
    }
    if hook == Value::FALSE {
        add_to(vm, d, |d| &d.negative, subclass)?;
        return Ok(false);
    }
    if hook != Value::NOT_IMPLEMENTED {
        return Err(vm.assertion_error("__subclasshook__ must return either False, True, or NotImplemented"));
    }
    let found = cls.downcast::<TypeObj>().is_some_and(|c| sub.is_subtype(c))
        || any_above(vm, subclass, alive(&d.registry))?
        || any_below(vm, cls, subclass)?;
    if found {
        add_to(vm, d, |d| &d.cache, subclass)?;
    } else {
        add_to(vm, d, |d| &d.negative, subclass)?;
    }
    Ok(found)
}

fn any_above(vm: &Vm, subclass: Value, classes: Ptr<ListObj>) -> Res<bool> {
    let mut i = 0;
    while let Some(c) = classes.get(i) {
        i += 1;
        if vm.is_subclass(subclass, c)? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn any_below(vm: &Vm, cls: Value, subclass: Value) -> Res<bool> {
    let list = vm.call_method(cls, intern("__subclasses__"), &[])?;
    match list.downcast::<ListObj>() {
        Some(l) => any_above(vm, subclass, l),
        None => Err(vm.type_error("__subclasses__() must return a list")),
    }
}

fn dump(vm: &Vm, cls: Value) -> Res<Value> {
    let d = data(vm, cls)?;
    let copy = |f: &Field| {
        let s = SetObj::with_map(rt().maps.set);
        if let Some(o) = f.downcast::<SetObj>() {
            s.table.copy_from(s.header(), &o.table);
        }
        s.value()
    };
    let (a, b, c) = (copy(&d.registry), copy(&d.cache), copy(&d.negative));
    Ok(TupleObj::new(&[a, b, c, Value::int(d.version.get() as i64)]).value())
}
