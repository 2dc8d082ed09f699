//! The loop that runs in a thread, the task that it runs, and all tasks.

use cape_heap::{RootVec, heap};
use cape_stdlib::statics::StaticValue;
use cape_vm::object::{ModuleObj, SetObj};
use cape_vm::{Ptr, Res, Value, Vm, gil, intern, rt};

use crate::future::{Fut, FutureObj};
use crate::known::{GET_POLICY, WEAK_SET};
use crate::step::loop_of;

/// Tasks of others than this module, held weakly (a `WeakSet`), and those of them that run their first step at once (a set).
static OTHERS: StaticValue = StaticValue::new();
static OTHERS_EAGER: StaticValue = StaticValue::new();

pub(crate) fn init(m: Ptr<ModuleObj>) {
    m.function("_get_running_loop($module, /)", "Return the running event loop or None.\n\nThis is a low-level function intended to be used by event loops.\nThis function is thread-specific.", |vm: &Vm| {
        running_loop(vm).unwrap_or(Value::NONE)
    })
    .function("_set_running_loop($module, loop, /)", "Set the running event loop.\n\nThis is a low-level function intended to be used by event loops.\nThis function is thread-specific.", |vm: &Vm, l: Value| {
        vm.event_loop.set(if l.is_none() { Value::EMPTY } else { l });
        if l.is_none() {
            // So it is in a fork's child, too.
            vm.event_task.set(Value::EMPTY);
        }
    })
    .function("get_running_loop($module, /)", "Return the running event loop.  Raise a RuntimeError if there is none.\n\nThis function is thread-specific.", get_running_loop)
    .function("get_event_loop($module, /)", "Return an asyncio event loop.\n\nWhen called from a coroutine or a callback (e.g. scheduled with\ncall_soon or similar API), this function will always return the\nrunning event loop.\n\nIf there is no running event loop set, the function will return\nthe result of `get_event_loop_policy().get_event_loop()` call.", get_event_loop)
    .function("_enter_task($module, /, loop, task)", "Enter into task execution or resume suspended task.\n\nTask belongs to loop.\n\nReturns None.", enter)
    .function("_leave_task($module, /, loop, task)", "Leave task execution or suspend a task.\n\nTask belongs to loop.\n\nReturns None.", leave)
    .function("_swap_current_task($module, /, loop, task)", "Temporarily swap in the supplied task and return the original one (or None).\n\nThis is intended for use during eager coroutine execution.", swap)
    .function("current_task($module, /, loop=None)", "Return a currently executed task.", current_task)
    .function("all_tasks($module, /, loop=None)", "Return a set of all tasks for the loop.", all_tasks)
    .function("_register_task($module, /, task)", "Register a new task in asyncio as executed by loop.\n\nReturns None.", |vm: &Vm, t: Value| register(vm, t, true, others(vm)?))
    .function("_register_eager_task($module, /, task)", "Register a new task in asyncio as executed by loop.\n\nReturns None.", |vm: &Vm, t: Value| register(vm, t, true, eager().value()))
    .function("_unregister_task($module, /, task)", "Unregister a task.\n\nReturns None.", |vm: &Vm, t: Value| register(vm, t, false, others(vm)?))
    .function("_unregister_eager_task($module, /, task)", "Unregister a task.\n\nReturns None.", |vm: &Vm, t: Value| register(vm, t, false, eager().value()));
}

fn others(vm: &Vm) -> Res<Value> {
    OTHERS.get_or(|| vm.call(WEAK_SET.get(vm)?, &[]))
}

fn eager() -> Ptr<SetObj> {
    OTHERS_EAGER.try_get().and_then(|s| s.downcast()).unwrap_or_else(|| {
        let s = SetObj::with_map(rt().maps.set);
        OTHERS_EAGER.set(s.value());
        s
    })
}

fn running_loop(vm: &Vm) -> Option<Value> {
    Some(vm.event_loop.get()).filter(|l| !l.is_empty())
}

fn get_running_loop(vm: &Vm) -> Res<Value> {
    running_loop(vm).ok_or_else(|| vm.runtime_error("no running event loop"))
}

/// The running loop, or the policy's.
pub(crate) fn get_event_loop(vm: &Vm) -> Res<Value> {
    if let Some(l) = running_loop(vm) {
        return Ok(l);
    }
    let policy = vm.call(GET_POLICY.get(vm)?, &[])?;
    vm.call_method(policy, intern("get_event_loop"), &[])
}

fn check_loop(vm: &Vm, event_loop: Value) -> Res<()> {
    if vm.event_loop.get() == event_loop {
        return Ok(());
    }
    Err(vm.runtime_error(format!("loop {} is not the running loop", vm.repr_str(event_loop)?)))
}

/// The task begins to run.
pub(crate) fn enter(vm: &Vm, event_loop: Value, task: Value) -> Res<()> {
    check_loop(vm, event_loop)?;
    let other = vm.event_task.get();
    if !other.is_empty() {
        return Err(vm.runtime_error(format!(
            "Cannot enter into task {} while another task {} is being executed.",
            vm.repr_str(task)?,
            vm.repr_str(other)?
        )));
    }
    vm.event_task.set(task);
    Ok(())
}

/// The task, which must be the one that runs, runs no more.
pub(crate) fn leave(vm: &Vm, event_loop: Value, task: Value) -> Res<()> {
    check_loop(vm, event_loop)?;
    let running = vm.event_task.get();
    if running != task {
        let shown = if running.is_empty() { Value::NONE } else { running };
        return Err(vm.runtime_error(format!(
            "Invalid attempt to leave task {} while task {} is entered.",
            vm.repr_str(task)?,
            vm.repr_str(shown)?
        )));
    }
    vm.event_task.set(Value::EMPTY);
    Ok(())
}

/// Another task (None: none) runs instead; gives the one that did, or None.
pub(crate) fn swap(vm: &Vm, event_loop: Value, task: Value) -> Res<Value> {
    check_loop(vm, event_loop)?;
    let old = vm.event_task.replace(if task.is_none() { Value::EMPTY } else { task });
    Ok(if old.is_empty() { Value::NONE } else { old })
}

fn current_task(vm: &Vm, event_loop: Option<Value>) -> Res<Value> {
    let l = match event_loop.filter(|l| !l.is_none()) {
        Some(l) => l,
        None => get_running_loop(vm)?,
    };
    let mut found = Value::EMPTY;
    gil::each_vm(|vm| {
        if vm.event_loop.get() == l {
            found = vm.event_task.get();
        }
    });
    Ok(if found.is_empty() { Value::NONE } else { found })
}

fn register(vm: &Vm, task: Value, on: bool, others: Value) -> Res<()> {
    if let Some(t) = task.downcast::<FutureObj>().filter(|t| t.is_task) {
        t.listed.set(on);
        return Ok(());
    }
    vm.call_method(others, intern(if on { "add" } else { "discard" }), &[task]).map(drop)
}

/// Our tasks are found among what the heap is to finalize; the others are in sets.
fn all_tasks(vm: &Vm, event_loop: Option<Value>) -> Res<Value> {
    let l = match event_loop.filter(|l| !l.is_none()) {
        Some(l) => l,
        None => get_running_loop(vm)?,
    };
    let ours = RootVec::new();
    heap().each_finalizable(&mut |v| {
        let task = v.downcast::<FutureObj>().filter(|t: &Fut| t.is_task && t.listed.get());
        if task.is_some_and(|t| t.is_pending() && t.event_loop.get() == l) {
            ours.push(v);
        }
    });
    let all = SetObj::with_map(rt().maps.set);
    for &t in ours.as_slice() {
        all.add(vm, t)?;
    }
    let mut sets = vec![];
    sets.extend(OTHERS.try_get().is_some().then_some(&OTHERS));
    sets.extend(OTHERS_EAGER.try_get().is_some().then_some(&OTHERS_EAGER));
    for set in sets {
        let tasks = vm.list_of(set.try_get().unwrap_or(Value::NONE))?;
        for &t in tasks.as_slice() {
            if loop_of(vm, t)? == l {
                let done = vm.call_method(t, intern("done"), &[])?;
                if !vm.truth(done)? {
                    all.add(vm, t)?;
                }
            }
        }
    }
    Ok(all.value())
}
