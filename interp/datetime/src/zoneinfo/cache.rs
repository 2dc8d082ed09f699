//! Instances by their keys: each class has those that are alive; `ZoneInfo` itself keeps the last few.

use cape_stdlib::statics::StaticValue;
use cape_vm::class::qualified_name;
use cape_vm::object::{ListObj, TypeObj, ValueVec};
use cape_vm::{Ptr, Res, Value, Vm, intern, type_of};

use super::{ZONEINFO, ZoneInfoObj, from_key, source};

/// The attribute of derived classes that has their instances.
pub const WEAK: &str = "_weak_cache";

/// Instances that are kept.
const KEPT: usize = 8;

static ALIVE: StaticValue = StaticValue::shared();
/// A list of keys and instances in turns, the latest first.
static LATEST: StaticValue = StaticValue::shared();

type Cls = Ptr<TypeObj>;

/// A new `WeakValueDictionary`.
pub fn new_weak(vm: &Vm) -> Res<Value> {
    let class = vm.import_attr("weakref", "WeakValueDictionary")?;
    vm.call(class, &[])
}

fn weak_of(vm: &Vm, cls: Cls) -> Res<Value> {
    if cls == ZONEINFO.get() { ALIVE.get_or(|| new_weak(vm)) } else { vm.get_attr(cls.value(), intern(WEAK)) }
}

fn latest() -> Ptr<ListObj> {
    if LATEST.try_get().is_none() {
        LATEST.set(ListObj::new(&[]).value());
    }
    LATEST.try_get().and_then(|v| v.downcast()).expect("a list")
}

/// The instance of a key in the list; it is taken out. (Comparing keys may run code, which may come here.)
fn take_latest(vm: &Vm, key: Value) -> Res<Option<Value>> {
    let list = latest();
    let mut i = 0;
    while let (Some(k), Some(zone)) = (list.get(i), list.get(i + 1)) {
        if vm.eq_identity(key, k)? {
            if list.get(i) == Some(k) {
                list.splice(i, i + 2, &[]);
            }
            return Ok(Some(zone));
        }
        i += 2;
    }
    Ok(None)
}

/// The latest instance, if this is its key.
fn same_again(key: Value) -> Option<Value> {
    let list: Ptr<ListObj> = LATEST.try_get()?.downcast()?;
    if list.get(0)? == key { list.get(1) } else { None }
}

fn put_latest(key: Value, zone: Value) {
    let list = latest();
    list.splice(0, 0, &[key, zone]);
    if list.len() > 2 * KEPT {
        list.splice(2 * KEPT, list.len(), &[]);
    }
}

/// `cls(key)`.
pub fn zone(vm: &Vm, cls: Cls, key: Value) -> Res<Value> {
    let keeps = cls == ZONEINFO.get();
    if keeps && let Some(zone) = same_again(key) {
        return Ok(zone);
    }
    if keeps && let Some(zone) = take_latest(vm, key)? {
        put_latest(key, zone);
        return Ok(zone);
    }
    let weak = weak_of(vm, cls)?;
    let mut zone = vm.call_method(weak, intern("get"), &[key, Value::NONE])?;
    if zone.is_none() {
        let new = from_key(vm, cls, key)?;
        zone = checked(vm, cls, key, vm.call_method(weak, intern("setdefault"), &[key, new])?)?.value();
        if let Some(z) = zone.downcast::<ZoneInfoObj>() {
            z.source.set(source::CACHE);
        }
    }
    checked(vm, cls, key, zone)?;
    if keeps {
        put_latest(key, zone);
    }
    Ok(zone)
}

/// What a class's cache gave must be an instance.
fn checked(vm: &Vm, cls: Cls, key: Value, v: Value) -> Res<Ptr<ZoneInfoObj>> {
    match v.downcast::<ZoneInfoObj>() {
        Some(z) => Ok(z),
        None => Err(vm.runtime_error(format!(
            "Unexpected instance of {} in {} weak cache for key {}",
            qualified_name(type_of(v)),
            cls.short_name(),
            vm.repr_str(key)?
        ))),
    }
}

/// `cls.clear_cache(only_keys=keys)`.
pub fn clear(vm: &Vm, cls: Cls, keys: Option<Value>) -> Res<()> {
    let weak = weak_of(vm, cls)?;
    let keeps = cls == ZONEINFO.get();
    let Some(keys) = keys.filter(|k| !k.is_none()) else {
        vm.call_method(weak, intern("clear"), &[])?;
        if keeps {
            LATEST.set(ListObj::new(&[]).value());
        }
        return Ok(());
    };
    let items: ValueVec = vm.vec_of(keys)?;
    for &key in items.iter() {
        if keeps {
            take_latest(vm, key)?;
        }
        vm.call_method(weak, intern("pop"), &[key, Value::NONE])?;
    }
    Ok(())
}
