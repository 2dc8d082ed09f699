//! `Task`.

use std::cell::Cell;

use cape_stdlib::contextvars;
use cape_vm::generator::GeneratorObj;
use cape_vm::native::{TypeBuilder, new_type};
use cape_vm::object::*;
use cape_vm::runtime::StaticType;
use cape_vm::{Ptr, Raised, Res, Value, Vm, rt, type_of};

use crate::future::*;
use crate::known::*;
use crate::step;

/// `_asyncio.Task`.
pub(crate) static TASK: StaticType = StaticType::new();

struct Counter(Cell<u64>);
// SAFETY: used with the GIL held.
unsafe impl Sync for Counter {}
/// Of the tasks without names.
static NUMBER: Counter = Counter(Cell::new(0));

const CANCEL_DOC: &str = "Request that this task cancel itself.\n\nThis arranges for a CancelledError to be thrown into the\nwrapped coroutine on the next cycle through the event loop.\nThe coroutine then has a chance to clean up or even deny\nthe request using try/except/finally.\n\nUnlike Future.cancel, this does not guarantee that the\ntask will be cancelled: the exception might be caught and\nacted upon, delaying cancellation of the task or preventing\ncancellation completely.  The task may also return a value or\nraise a different exception.\n\nImmediately after this method is called, Task.cancelled() will\nnot return True (unless the task was already cancelled).  A\ntask will be marked as cancelled when the wrapped coroutine\nterminates with a CancelledError exception (even if cancel()\nwas not called).\n\nThis also increases the task's count of cancellation requests.";
const STACK_DOC: &str = "Return the list of stack frames for this task's coroutine.\n\nIf the coroutine is not done, this returns the stack where it is\nsuspended.  If the coroutine has completed successfully or was\ncancelled, this returns an empty list.  If the coroutine was\nterminated by an exception, this returns the list of traceback\nframes.\n\nThe frames are always ordered from oldest to newest.\n\nThe optional limit gives the maximum number of frames to\nreturn; by default all available frames are returned.  Its\nmeaning differs depending on whether a stack or a traceback is\nreturned: the newest frames of a stack are returned, but the\noldest frames of a traceback are returned.  (This matches the\nbehavior of the traceback module.)\n\nFor reasons beyond our control, only one stack frame is\nreturned for a suspended coroutine.";

pub(crate) fn init(m: Ptr<ModuleObj>) {
    let b = new_type::<FutureObj>("_asyncio.Task", FUTURE.get(), FLAGS)
        .doc("A coroutine wrapped in a Future.")
        .new_fn("__new__($type, *args, **kwargs)", "Create and return a new object.  See help(type) for accurate signature.", |_: &Vm, class: Ptr<TypeObj>, _: Value, _: Value| {
            new(class, true)
        })
        .method("__init__($self, /, coro, *, loop=None, name=None, context=None, eager_start=False)", "Initialize self.  See help(type(self)) for accurate signature.", init_task)
        .method("__repr__($self, /)", "Return repr(self).", |vm: &Vm, t: Fut| {
            t.alive(vm)?;
            vm.call(TASK_REPR.get(vm)?, &[t.value()])
        })
        .method("__del__($self, /)", "Called when the instance is about to be destroyed.", finalize_task)
        .class_method("__class_getitem__($type, object, /)", "Tasks are generic over the return type of their wrapped coroutines", |vm: &Vm, class: Value, item: Value| {
            vm.call_generic_alias(class, item)
        })
        .method("set_result($self, result, /)", "", |vm: &Vm, _: Fut, _: Value| {
            Err::<(), _>(vm.runtime_error("Task does not support set_result operation"))
        })
        .method("set_exception($self, exception, /)", "", |vm: &Vm, _: Fut, _: Value| {
            Err::<(), _>(vm.runtime_error("Task does not support set_exception operation"))
        })
        .method("cancel($self, /, msg=None)", CANCEL_DOC, cancel_task)
        .method("cancelling($self, /)", "Return the count of the task's cancellation requests.\n\nThis count is incremented when .cancel() is called\nand may be decremented using .uncancel().", |_: &Vm, t: Fut| t.cancels.get())
        .method("uncancel($self, /)", "Decrement the task's count of cancellation requests.\n\nThis should be used by tasks that catch CancelledError\nand wish to continue indefinitely until they are cancelled again.\n\nReturns the remaining number of cancellation requests.", |_: &Vm, t: Fut| {
            let n = t.cancels.get().saturating_sub(1);
            if t.cancels.replace(n) == 1 {
                t.must_cancel.set(false);
            }
            n
        })
        .method("get_stack($self, /, *, limit=None)", STACK_DOC, |vm: &Vm, t: Value, limit: Option<Value>| {
            vm.call(GET_STACK.get(vm)?, &[t, limit.unwrap_or(Value::NONE)])
        })
        .method("print_stack($self, /, *, limit=None, file=None)", "Print the stack or traceback for this task's coroutine.\n\nThis produces output similar to that of the traceback module,\nfor the frames retrieved by get_stack().  The limit argument\nis passed to get_stack().  The file argument is an I/O stream\nto which the output is written; by default output is written\nto sys.stderr.", |vm: &Vm, t: Value, limit: Option<Value>, file: Option<Value>| {
            vm.call(PRINT_STACK.get(vm)?, &[t, limit.unwrap_or(Value::NONE), file.unwrap_or(Value::NONE)])
        })
        .method("get_coro($self, /)", "", |_: &Vm, t: Fut| or_none(&t.coro))
        .method("get_context($self, /)", "", |_: &Vm, t: Fut| or_none(&t.task_context))
        .method("get_name($self, /)", "", get_name)
        .method("set_name($self, value, /)", "", |vm: &Vm, t: Fut, v: Value| {
            let name = vm.str(v)?;
            t.name.set(t, name.value());
            Ok::<_, Raised>(())
        });
    let class = attributes(b).class();
    finalized_on_demand(class);
    TASK.set(class);
    m.class(class);
}

fn attributes(b: TypeBuilder) -> TypeBuilder {
    b.getset(
        "_log_destroy_pending",
        "",
        |_: &Vm, t: Fut| t.complains.get(),
        |vm: &Vm, t: Fut, v: Value| {
            t.complains.set(flag(vm, v)?);
            Ok::<_, Raised>(())
        },
    )
    .getter("_must_cancel", "", |_: &Vm, t: Fut| t.must_cancel.get())
    .getter("_coro", "", |_: &Vm, t: Fut| or_none(&t.coro))
    .getter("_fut_waiter", "", |_: &Vm, t: Fut| or_none(&t.waiter))
}

fn is_coroutine(vm: &Vm, v: Value) -> Res<bool> {
    if v.downcast::<GeneratorObj>().is_some_and(|g| g.header().map() == rt().maps.coroutine) {
        return Ok(true);
    }
    let r = vm.call(IS_COROUTINE.get(vm)?, &[v])?;
    vm.truth(r)
}

fn init_task(
    vm: &Vm,
    t: Fut,
    coro: Value,
    event_loop: Option<Value>,
    name: Option<Value>,
    context: Option<Value>,
    eager_start: Option<bool>,
) -> Res<()> {
    init_future(vm, t, event_loop)?;
    if !is_coroutine(vm, coro)? {
        // Nobody is to complain of a task that never was.
        t.complains.set(false);
        return Err(vm.type_error(format!("a coroutine was expected, got {}", vm.repr_str(coro)?)));
    }
    let context = context.filter(|c| !c.is_none()).unwrap_or_else(|| contextvars::copy_current(vm));
    t.task_context.set(t, context);
    t.waiter.set_no_barrier(Value::EMPTY);
    t.must_cancel.set(false);
    t.cancels.set(0);
    t.complains.set(true);
    t.coro.set(t, coro);
    let name = match name.filter(|n| !n.is_none()) {
        None => {
            NUMBER.0.set(NUMBER.0.get() + 1);
            int_value(NUMBER.0.get() as i64)
        }
        Some(n) if n.is::<StrObj>() && type_of(n) == rt().types.str => n,
        Some(n) => vm.str(n)?.value(),
    };
    t.name.set(t, name);
    t.register();
    t.listed.set(true);
    if eager_start == Some(true) {
        let running = vm.call_method(t.event_loop.get(), cape_vm::intern("is_running"), &[])?;
        if vm.truth(running)? {
            return step::start_eagerly(vm, t);
        }
    }
    step::soon(vm, t, None)
}

fn get_name(_: &Vm, t: Fut) -> Value {
    let name = t.name.get();
    let Some(n) = Int::of(name) else { return or_none(&t.name) };
    let name = StrObj::new(&format!("Task-{}", n.to_i64().unwrap_or(0))).value();
    t.name.set(t, name);
    name
}

fn cancel_task(vm: &Vm, t: Fut, message: Option<Value>) -> Res<bool> {
    t.alive(vm)?;
    let message = message.unwrap_or(Value::NONE);
    t.forget_exception();
    if !t.is_pending() {
        return Ok(false);
    }
    t.cancels.set(t.cancels.get() + 1);
    // What it waits for stays: it may be a task that catches and ignores the cancellation, and has to be cancelled again.
    if !t.waiter.get().is_empty() && step::cancel_waiter(vm, t.waiter.get(), message)? {
        return Ok(true);
    }
    t.must_cancel.set(true);
    t.cancel_message.set(t, message);
    Ok(true)
}

fn finalize_task(vm: &Vm, t: Fut) {
    if !t.event_loop.get().is_empty() && t.is_pending() && t.complains.get() {
        tell_handler(vm, t, "Task was destroyed but it is pending!", &[("task", t.value())]);
    }
    finalize(vm, t);
}
