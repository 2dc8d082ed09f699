//! `_weakref`.

use cape_builtins::weakref::{CALLABLE_PROXY, PROXY, REF, proxy};
use cape_heap::{WeakCell, heap};
use cape_vm::object::{DictObj, ListObj, ModuleObj};
use cape_vm::{Ptr, Res, Value, Vm, rt};

/// Fills the module.
pub fn init(_vm: &Vm, m: Ptr<ModuleObj>) -> Res<()> {
    m.add("ref", REF.get().value())
        .add("ReferenceType", REF.get().value())
        .add("ProxyType", PROXY.get().value())
        .add("CallableProxyType", CALLABLE_PROXY.get().value())
        .function(
            "getweakrefcount(object, /)",
            "Return the number of weak references to 'object'.",
            |_: &Vm, v: Value| -> usize {
                let mut n = 0;
                if v.is_ptr() {
                    heap().each_weak(v.header(), &mut |c| n += is_visible(c) as usize);
                }
                n
            },
        )
        .function(
            "getweakrefs(object, /)",
            "Return a list of all weak reference objects pointing to 'object'.",
            |_: &Vm, v: Value| -> Ptr<ListObj> {
                let list = ListObj::new(&[]);
                if !v.is_ptr() {
                    return list;
                }
                // The shared references come first, then the others, the newest first. Appending may collect, so they are
                // fetched one by one.
                for shared in [true, false] {
                    let wanted = |c: Ptr<WeakCell>| is_visible(c) && is_shared(c) == shared;
                    let mut n = 0;
                    heap().each_weak(v.header(), &mut |c| n += wanted(c) as usize);
                    for i in (0..n).rev() {
                        let (mut at, mut found) = (0, Value::EMPTY);
                        heap().each_weak(v.header(), &mut |c| {
                            if wanted(c) {
                                if at == i {
                                    found = c.value();
                                }
                                at += 1;
                            }
                        });
                        if !found.is_empty() {
                            list.push(found);
                        }
                    }
                }
                list
            },
        )
        .function(
            "proxy(object, callback=None, /)",
            "Create a proxy object that weakly references 'object'.\n\n'callback', if given, is called with a reference to the\nproxy when 'object' is about to be finalized.",
            |vm: &Vm, v: Value, c: Option<Value>| proxy(vm, v, c.filter(|c| !c.is_none()).unwrap_or(Value::EMPTY)),
        )
        .function(
            "_remove_dead_weakref(dct, key, /)",
            "Atomically remove key from dict if it points to a dead weakref.",
            |vm: &Vm, d: Ptr<DictObj>, key: Value| -> Res<()> {
                if let Some(v) = d.get(vm, key)? {
                    match v.downcast::<WeakCell>() {
                        Some(c) if c.target().is_empty() => {
                            d.remove(vm, key)?;
                        }
                        Some(_) => {}
                        None => return Err(vm.type_error("not a weakref")),
                    }
                }
                Ok(())
            },
        );
    Ok(())
}

/// Whether Python code may see the reference: it is not one of the runtime's own.
fn is_visible(w: Ptr<WeakCell>) -> bool {
    w.header.map() != rt().maps.weak_cell
}

/// Whether the reference is the plain one without callback that an object has at most one of.
fn is_shared(w: Ptr<WeakCell>) -> bool {
    w.header.map() == REF.get().instance_map() && w.callback.get().is_empty()
}
