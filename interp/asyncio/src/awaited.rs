//! Which tasks wait for a future: for call graphs.

use cape_vm::object::{ModuleObj, SetObj};
use cape_vm::{Ptr, Res, Value, Vm, rt};

use crate::future::{Fut, FutureObj};

pub(crate) fn init(m: Ptr<ModuleObj>) {
    m.function(
        "future_add_to_awaited_by($module, fut, waiter, /)",
        "Record that `fut` is awaited on by `waiter`.",
        |vm: &Vm, f: Value, waiter: Value| each(f, waiter).map_or(Ok(()), |(f, w)| add(vm, f, w)),
    )
    .function(
        "future_discard_from_awaited_by($module, fut, waiter, /)",
        "",
        |vm: &Vm, f: Value, waiter: Value| each(f, waiter).map_or(Ok(()), |(f, w)| discard(vm, f, w)),
    );
}

/// The two as futures; others know nothing of this.
pub(crate) fn each(f: Value, waiter: Value) -> Option<(Fut, Fut)> {
    Some((f.downcast::<FutureObj>()?, waiter.downcast::<FutureObj>()?))
}

/// Notes that `waiter` waits for `f`. Usually one does: a set is made for the second.
pub(crate) fn add(vm: &Vm, f: Fut, waiter: Fut) -> Res<()> {
    let known = f.awaited_by.get();
    if known.is_empty() {
        f.awaited_by.set(f, waiter.value());
        return Ok(());
    }
    let set = match known.downcast::<SetObj>() {
        Some(set) => set,
        None => {
            let set = SetObj::with_map(rt().maps.set);
            set.add(vm, known)?;
            f.awaited_by.set(f, set.value());
            set
        }
    };
    set.add(vm, waiter.value()).map(drop)
}

/// Notes that `waiter` waits for `f` no more.
pub(crate) fn discard(vm: &Vm, f: Fut, waiter: Fut) -> Res<()> {
    let known = f.awaited_by.get();
    if known == waiter.value() {
        f.awaited_by.set_no_barrier(Value::EMPTY);
    } else if let Some(set) = known.downcast::<SetObj>() {
        set.discard(vm, waiter.value())?;
    }
    Ok(())
}

/// `_asyncio_awaited_by`.
pub(crate) fn get(vm: &Vm, f: Fut) -> Res<Value> {
    let known = f.awaited_by.get();
    if known.is_empty() {
        return Ok(Value::NONE);
    }
    let all = SetObj::with_map(rt().maps.frozenset);
    match known.downcast::<SetObj>() {
        Some(set) => {
            for e in set.table.iter() {
                all.add(vm, e.key)?;
            }
        }
        None => {
            all.add(vm, known)?;
        }
    }
    Ok(all.value())
}
