//! What `await` runs of a future.

use cape_builtins::generator::{deprecated_throw, thrown};
use cape_heap::{Field, Header, heap, heap_object};
use cape_vm::native::{Named, new_type};
use cape_vm::object::TypeFlags;
use cape_vm::runtime::StaticType;
use cape_vm::{Ptr, Res, Value, Vm, rt};

use crate::future::{Fut, FutureObj};

heap_object! {
    /// `FutureIter`: yields its future once, if that is not done, and ends with the future's result. EMPTY when it has ended.
    pub struct FutureIterObj { future: Field }
}

impl Named for FutureIterObj {
    const NAME: &'static str = "FutureIter";
}

static ITER: StaticType = StaticType::new();

pub(crate) fn init() {
    let t = new_type::<FutureIterObj>("_asyncio.FutureIter", rt().types.object, TypeFlags::NO_INSTANTIATION)
        .method("__iter__($self, /)", "Implement iter(self).", |_: &Vm, i: Value| i)
        .method("__next__($self, /)", "Implement next(self).", next)
        .method("send($self, object, /)", "", |vm: &Vm, i: Ptr<FutureIterObj>, _: Value| next(vm, i))
        .method("throw($self, type, value=None, traceback=None, /)", "", throw)
        .method("close($self, /)", "", |_: &Vm, i: Ptr<FutureIterObj>| i.future.set_no_barrier(Value::EMPTY))
        .class();
    ITER.set(t);
}

/// An iterator of the future.
pub(crate) fn new(vm: &Vm, f: Fut) -> Res<Value> {
    f.alive(vm)?;
    let map = ITER.get().instance_map();
    let object = FutureIterObj { header: Header::new(map), future: Field::new(f.value()) };
    Ok(heap().alloc(map, object).value())
}

fn next(vm: &Vm, i: Ptr<FutureIterObj>) -> Res<Value> {
    let Some(f) = i.future.downcast::<FutureObj>() else { return Ok(Value::EMPTY) };
    if f.is_pending() {
        // This tells the task to wait for completion.
        if !f.blocking.replace(true) {
            return Ok(f.value());
        }
        return Err(vm.runtime_error("await wasn't used with future"));
    }
    i.future.set_no_barrier(Value::EMPTY);
    let v = crate::future::result(vm, f)?;
    vm.leave_stop_value(v);
    Ok(Value::EMPTY)
}

fn throw(
    vm: &Vm,
    i: Ptr<FutureIterObj>,
    class: Value,
    value: Option<Value>,
    tb: Option<Value>,
) -> Res<Value> {
    if value.is_some() || tb.is_some() {
        deprecated_throw(vm)?;
    }
    let e = thrown(vm, class, value, tb)?;
    i.future.set_no_barrier(Value::EMPTY);
    Err(e)
}
