//! What a task does: a step of its coroutine after another.

use cape_heap::Ptr;
use cape_stdlib::contextvars;
use cape_stdlib::statics::StaticCell;
use cape_vm::generator::{GeneratorObj, Sent, stop_value};
use cape_vm::native::{Flavour, MethodDef};
use cape_vm::object::*;
use cape_vm::special::Special;
use cape_vm::{Raised, Res, Value, Vm, intern, rt, type_of};

use crate::awaited;
use crate::future::*;
use crate::known::{BLOCKING, CANCELLED_ERROR};
use crate::running;

/// The rows of the functions that loops call: a step, and the end of what a task has waited for.
static STEP: StaticCell<Option<&'static MethodDef>> = StaticCell(std::cell::Cell::new(None));
static WAKEUP: StaticCell<Option<&'static MethodDef>> = StaticCell(std::cell::Cell::new(None));

fn step_function(t: Fut) -> Value {
    let def = STEP.0.get().unwrap_or_else(|| {
        let f = |vm: &Vm, t: Fut, e: Option<Ptr<ExcObj>>| step(vm, t, e.map(Raised::new));
        let def = MethodDef::leak("task_step($self, exc=None, /)", "", Flavour::Method, f);
        STEP.0.set(Some(def));
        def
    });
    BuiltinObj::new(def, t.value(), Value::NONE).value()
}

fn wakeup_function(t: Fut) -> Value {
    let def = WAKEUP.0.get().unwrap_or_else(|| {
        let def = MethodDef::leak("task_wakeup($self, future, /)", "", Flavour::Method, wakeup);
        WAKEUP.0.set(Some(def));
        def
    });
    BuiltinObj::new(def, t.value(), Value::NONE).value()
}

/// Asks the loop for the task's next step, in which an exception is raised if there is one.
pub(crate) fn soon(vm: &Vm, t: Fut, e: Option<Raised>) -> Res<()> {
    call_soon(vm, t.event_loop.get(), step_function(t), e.map(|e| e.value()), t.task_context.get())
}

/// The first step, made while another task runs.
pub(crate) fn start_eagerly(vm: &Vm, t: Fut) -> Res<()> {
    let l = t.event_loop.get();
    let before = running::swap(vm, l, t.value())?;
    let context = t.task_context.get();
    let mut r = contextvars::switch(vm, context, false);
    if r.is_ok() {
        r = advance(vm, t, None);
        let left = contextvars::switch(vm, context, true);
        r = r.and(left);
    }
    let swapped = running::swap(vm, l, before);
    if !t.is_pending() {
        t.coro.set_no_barrier(Value::EMPTY);
    }
    r.and(swapped.map(drop))
}

fn step(vm: &Vm, t: Fut, mut e: Option<Raised>) -> Res<()> {
    if !t.is_pending() {
        return Err(already_done(vm, t, e));
    }
    if t.must_cancel.replace(false) {
        let class = CANCELLED_ERROR.class(vm)?;
        if !e.is_some_and(|e| e.is(class)) {
            e = Some(cancelled_error(vm, t)?);
        }
    }
    t.waiter.set_no_barrier(Value::EMPTY);
    let l = t.event_loop.get();
    running::enter(vm, l, t.value())?;
    let r = advance(vm, t, e);
    let left = running::leave(vm, l, t.value());
    r.and(left)
}

#[cold]
#[inline(never)]
fn already_done(vm: &Vm, t: Fut, e: Option<Raised>) -> Raised {
    let shown = e.map_or(Value::NONE, |e| e.value());
    match (vm.repr_str(t.value()), vm.repr_str(shown)) {
        (Ok(task), Ok(shown)) => invalid_state(vm, &format!("__step(): already done: {task} {shown}")),
        (Err(r), _) | (_, Err(r)) => r,
    }
}

// The frames of these two stay while the coroutine runs: they are small, so that they have no places which nothing writes, where words of
// earlier calls would keep what they point to.

/// Lets the coroutine run until it yields or ends.
#[inline(never)]
fn advance(vm: &Vm, t: Fut, e: Option<Raised>) -> Res<()> {
    let coro = t.coro.get();
    if coro.is_empty() {
        return Err(vm.runtime_error("uninitialized Task object"));
    }
    let r = go_on(vm, coro, e);
    advanced(vm, t, r)
}

#[inline(never)]
fn go_on(vm: &Vm, coro: Value, e: Option<Raised>) -> Res<Sent> {
    match (coro.downcast::<GeneratorObj>(), e) {
        (Some(g), None) => vm.resume(g, Ok(Value::NONE)),
        (Some(g), Some(e)) => vm.throw_into(g, e),
        (None, None) if !type_of(coro).special(Special::Next).is_empty() => vm.send_to(coro, Value::NONE),
        (None, e) => call_method(vm, coro, e),
    }
}

/// As [`go_on`], by the methods of an object that is no generator.
#[inline(never)]
fn call_method(vm: &Vm, coro: Value, e: Option<Raised>) -> Res<Sent> {
    let r = match e {
        None => vm.call_method(coro, rt().names.send, &[Value::NONE]),
        Some(e) => vm.call_method(coro, rt().names.throw, &[e.value()]),
    };
    match r {
        Ok(v) => Ok(Sent::Yielded(v)),
        Err(r) if r.is(rt().types.stop_iteration) => Ok(Sent::Returned(stop_value(r))),
        Err(r) => Err(r),
    }
}

/// The coroutine has yielded or ended.
#[inline(never)]
fn advanced(vm: &Vm, t: Fut, r: Res<Sent>) -> Res<()> {
    match r {
        Ok(Sent::Yielded(v)) => return yielded(vm, t, v),
        // The task is cancelled right before its coroutine stops.
        Ok(Sent::Returned(_)) if t.must_cancel.replace(false) => {
            cancel(vm, t, t.cancel_message.get())?;
        }
        Ok(Sent::Returned(v)) => set_result(vm, t, v)?,
        Err(e) if e.is(CANCELLED_ERROR.class(vm)?) => {
            t.cancelled_by.set(t, e.value());
            cancel(vm, t, Value::NONE)?;
        }
        Err(e) => {
            set_exception(vm, t, e.value())?;
            if e.is(rt().types.keyboard_interrupt) || e.is(rt().types.system_exit) {
                return Err(e);
            }
        }
    }
    settle(t);
    Ok(())
}

/// The coroutine has yielded: a future to wait for, None to let others run, or something wrong.
fn yielded(vm: &Vm, t: Fut, v: Value) -> Res<()> {
    if v.is_none() {
        return soon(vm, t, None);
    }
    let wrong = |text: String| soon(vm, t, Some(vm.runtime_error(text)));
    if v == t.value() {
        return wrong(format!("Task cannot await on itself: {}", vm.repr_str(v)?));
    }
    let ours = v.downcast::<FutureObj>().filter(|f| f.is_exact());
    let blocking = match ours {
        Some(f) => f.blocking.get(),
        None => match vm.get_attr_opt(v, BLOCKING.get())? {
            Some(b) if !b.is_none() => vm.truth(b)?,
            _ => {
                let shown = vm.repr_str(v)?;
                return wrong(
                    if v.downcast::<GeneratorObj>().is_some_and(|g| g.header().map() == rt().maps.generator) {
                        let task = vm.repr_str(t.value())?;
                        format!(
                            "yield was used instead of yield from for generator in task {task} with {shown}"
                        )
                    } else {
                        format!("Task got bad yield: {shown}")
                    },
                );
            }
        },
    };
    let l = match ours {
        Some(f) => f.event_loop.get(),
        None => loop_of(vm, v)?,
    };
    if l != t.event_loop.get() {
        let (task, shown) = (vm.repr_str(t.value())?, vm.repr_str(v)?);
        return wrong(format!("Task {task} got Future {shown} attached to a different loop"));
    }
    if !blocking {
        let (task, shown) = (vm.repr_str(t.value())?, vm.repr_str(v)?);
        return wrong(format!("yield was used instead of yield from in task {task} with {shown}"));
    }
    if let Some((f, waiter)) = awaited::each(v, t.value()) {
        awaited::add(vm, f, waiter)?;
    }
    let (wakeup, context) = (wakeup_function(t), t.task_context.get());
    match ours {
        Some(f) => {
            f.blocking.set(false);
            add_callback(vm, f, wakeup, context)?;
        }
        None => {
            vm.set_attr(v, BLOCKING.get(), Value::FALSE)?;
            let add = vm.get_attr(v, intern("add_done_callback"))?;
            vm.call_args(add, &[wakeup, context], Some(context_keyword()))?;
        }
    }
    t.waiter.set(t, v);
    if t.must_cancel.get() && cancel_waiter(vm, v, or_none(&t.cancel_message))? {
        t.must_cancel.set(false);
    }
    Ok(())
}

/// Cancels what a task waits for; whether that could be cancelled.
pub(crate) fn cancel_waiter(vm: &Vm, waiter: Value, message: Value) -> Res<bool> {
    let method = vm.get_attr(waiter, intern("cancel"))?;
    let r = vm.call_args(method, &[message], Some(TupleObj::new(&[intern("msg")])))?;
    vm.truth(r)
}

/// The loop of any future.
pub(crate) fn loop_of(vm: &Vm, f: Value) -> Res<Value> {
    if let Some(f) = f.downcast::<FutureObj>().filter(|f| f.is_exact()) {
        f.alive(vm)?;
        return Ok(f.event_loop.get());
    }
    match vm.get_attr_opt(f, intern("get_loop"))? {
        Some(get) => vm.call(get, &[]),
        None => vm.get_attr_str(f, "_loop"),
    }
}

/// What a task has waited for is done.
fn wakeup(vm: &Vm, t: Fut, v: Value) -> Res<()> {
    if let Some((f, waiter)) = awaited::each(v, t.value()) {
        awaited::discard(vm, f, waiter)?;
    }
    let r = match v.downcast::<FutureObj>().filter(|f| f.is_exact()) {
        Some(f) => result(vm, f),
        None => vm.call_method(v, intern("result"), &[]),
    };
    step(vm, t, r.err())
}
