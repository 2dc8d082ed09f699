//! `_collections`.

mod defaultdict;
mod deque;
mod ordered;
mod tuplegetter;

use cape_vm::object::{DictObj, Int, ModuleObj, StrObj};
use cape_vm::ops;
use cape_vm::special::Special;
use cape_vm::{Ptr, Res, Value, Vm, intern, rt, type_of};

/// Fills the module.
pub fn init(_vm: &Vm, m: Ptr<ModuleObj>) -> Res<()> {
    m.add(
        "__doc__",
        StrObj::new("High performance data structures.\n- deque:        ordered collection accessible from endpoints only\n- defaultdict:  dict subclass with a default value factory\n").value(),
    )
    .function("_count_elements(mapping, iterable, /)", "Count elements in the iterable, updating the mapping", count_elements);
    deque::init(m);
    defaultdict::init(m);
    ordered::init(m);
    tuplegetter::init(m);
    Ok(())
}

fn increment(vm: &Vm, old: Option<Value>) -> Res<Value> {
    match old {
        None => Ok(Value::int(1)),
        Some(v) if v.is_int() => Ok(Int::Small(v.as_int() + 1).into_value()),
        Some(v) => vm.binary(v, Value::int(1), &ops::ADD),
    }
}

fn count_elements(vm: &Vm, mapping: Value, items: Value) -> Res<()> {
    let dict = rt().types.dict;
    let t = type_of(mapping);
    let get = intern("get");
    let plain = mapping.downcast::<DictObj>().filter(|_| {
        t.special(Special::Setitem) == dict.special(Special::Setitem)
            && cape_vm::class::lookup_mro(t, get) == cape_vm::class::lookup_mro(dict, get)
    });
    if let Some(d) = plain {
        return vm.for_each(items, |x| {
            let hash = vm.key_hash(x)?;
            match d.table.find(vm, x, hash)? {
                Some(i) => {
                    let new = increment(vm, Some(d.table.keys().entry(i).value))?;
                    // The addition may have run code that changed the dict.
                    match d.table.find(vm, x, hash)? {
                        Some(i) => d.table.set_value(i, new),
                        None => d.table.insert_new(d.header(), hash, x, new),
                    }
                }
                None => d.table.insert_new(d.header(), hash, x, Value::int(1)),
            }
            Ok(())
        });
    }
    let get = vm.get_attr(mapping, get)?;
    vm.for_each(items, |x| {
        let old = vm.call(get, &[x, Value::int(0)])?;
        let new = vm.binary(old, Value::int(1), &ops::ADD)?;
        vm.set_item(mapping, x, new)
    })
}
