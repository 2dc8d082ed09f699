//! `sys.monitoring` (PEP 669): the tools of Python code. What happens where they watch is in `cape_vm::monitor`.

use cape_builtins::function::or_none;
use cape_vm::monitor::{self, Event, NAMES};
use cape_vm::object::*;
use cape_vm::runtime::{intern, rt};
use cape_vm::{Ptr, Res, Value, Vm};

const CALLS: u32 = Event::Call.bit() | Event::CReturn.bit() | Event::CRaise.bit();
const ENDS_OF_CALLS: u32 = Event::CReturn.bit() | Event::CRaise.bit();
const ALL: u32 = (1 << NAMES.len()) - 1;

pub(super) fn init(vm: &Vm, sys: Ptr<ModuleObj>) -> Res<()> {
    let m = super::parts::part("sys.monitoring");
    for (name, id) in [("DEBUGGER_ID", 0), ("COVERAGE_ID", 1), ("PROFILER_ID", 2), ("OPTIMIZER_ID", 5)] {
        m.add(name, Value::int(id));
    }
    m.add("DISABLE", monitor::disable());
    m.add("MISSING", monitor::missing());
    m.function("use_tool_id(tool_id, name, /)", "", use_tool_id)
        .function("clear_tool_id(tool_id, /)", "", |vm: &Vm, tool: i64| {
            let tool = known(vm, tool)?;
            if !monitor::tool_name(tool).is_empty() {
                monitor::clear_tool(tool);
            }
            Ok::<_, cape_vm::Raised>(())
        })
        .function("free_tool_id(tool_id, /)", "", |vm: &Vm, tool: i64| {
            let tool = known(vm, tool)?;
            if !monitor::tool_name(tool).is_empty() {
                monitor::clear_tool(tool);
                monitor::set_tool_name(tool, Value::EMPTY);
            }
            Ok::<_, cape_vm::Raised>(())
        })
        .function("get_tool(tool_id, /)", "", |vm: &Vm, tool: i64| -> Res<Value> {
            Ok(or_none(monitor::tool_name(known(vm, tool)?)))
        })
        .function("register_callback(tool_id, event, func, /)", "", register_callback)
        .function("get_events(tool_id, /)", "", |vm: &Vm, tool: i64| {
            Ok::<_, cape_vm::Raised>(monitor::watched(known(vm, tool)?) as i64)
        })
        .function("set_events(tool_id, event_set, /)", "", |vm: &Vm, tool: i64, events: i64| {
            let tool = known(vm, tool)?;
            let events = event_set(vm, events, ALL, "event set")?;
            in_use(vm, tool)?;
            monitor::watch_everywhere(tool, events);
            Ok::<_, cape_vm::Raised>(())
        })
        .function("get_local_events(tool_id, code, /)", "", |vm: &Vm, tool: i64, code: Value| {
            let code = code_object(vm, code)?;
            Ok::<_, cape_vm::Raised>(monitor::watched_in(code, known(vm, tool)?) as i64)
        })
        .function("set_local_events(tool_id, code, event_set, /)", "", set_local_events)
        .function("restart_events()", "", |_: &Vm| monitor::restart())
        .function("_all_events()", "", all_events);
    m.called_cleanly(&["set_events", "set_local_events", "restart_events", "clear_tool_id", "free_tool_id"]);
    let events = DictObj::new();
    for (i, n) in NAMES.iter().enumerate() {
        events.set_str(intern(n), Value::int(1 << i));
    }
    events.set_str(intern("NO_EVENTS"), Value::int(0));
    m.add("events", NamespaceObj::new(events).value());
    sys.add("monitoring", m.value());
    rt().modules().set(vm, intern("sys.monitoring"), m.value())
}

fn known(vm: &Vm, tool: i64) -> Res<usize> {
    let found = usize::try_from(tool).ok().filter(|&t| t < monitor::TOOLS);
    found.ok_or_else(|| vm.value_error(format!("invalid tool {tool} (must be between 0 and 5)")))
}

fn in_use(vm: &Vm, tool: usize) -> Res<()> {
    if monitor::tool_name(tool).is_empty() {
        return Err(vm.value_error(format!("tool {tool} is not in use")));
    }
    Ok(())
}

fn code_object(vm: &Vm, v: Value) -> Res<Ptr<CodeObj>> {
    v.downcast().ok_or_else(|| vm.type_error("code must be a code object"))
}

/// The events that a program asks for, as tools watch them: the ends of calls belong to the calls, a branch is both ways.
fn event_set(vm: &Vm, asked: i64, allowed: u32, what: &str) -> Res<u32> {
    let invalid = || vm.value_error(format!("invalid {what} 0x{:x}", asked as u32));
    let mut events = u32::try_from(asked).ok().filter(|e| e & !ALL == 0).ok_or_else(invalid)?;
    if events & ENDS_OF_CALLS != 0 && events & CALLS != CALLS {
        return Err(vm.value_error("cannot set C_RETURN or C_RAISE events independently"));
    }
    events &= !ENDS_OF_CALLS;
    if events & Event::Branch.bit() != 0 {
        events = events & !Event::Branch.bit() | Event::BranchLeft.bit() | Event::BranchRight.bit();
    }
    if events & !allowed != 0 { Err(invalid()) } else { Ok(events) }
}

fn use_tool_id(vm: &Vm, tool: i64, name: Value) -> Res<()> {
    let tool = known(vm, tool)?;
    if !name.is::<StrObj>() {
        return Err(vm.value_error("tool name must be a str"));
    }
    if !monitor::tool_name(tool).is_empty() {
        return Err(vm.value_error(format!("tool {tool} is already in use")));
    }
    monitor::set_tool_name(tool, name);
    Ok(())
}

fn register_callback(vm: &Vm, tool: i64, event: i64, f: Value) -> Res<Value> {
    let tool = known(vm, tool)?;
    if event.count_ones() != 1 {
        return Err(vm.value_error("The callback can only be set for one event at a time"));
    }
    let number = event.trailing_zeros() as usize;
    let Some(&event) = Event::ALL.get(number) else {
        return Err(vm.value_error(format!("invalid event {event}")));
    };
    vm.audit("sys.monitoring.register_callback", &[f])?;
    let new = if f.is_none() { Value::EMPTY } else { f };
    if event == Event::Branch {
        for way in [Event::BranchLeft, Event::BranchRight] {
            monitor::set_callback(tool, way, new);
        }
    }
    Ok(or_none(monitor::set_callback(tool, event, new)))
}

fn set_local_events(vm: &Vm, tool: i64, code: Value, events: i64) -> Res<()> {
    let code = code_object(vm, code)?;
    let tool = known(vm, tool)?;
    let events = event_set(vm, events, monitor::LOCAL, "local event set")?;
    in_use(vm, tool)?;
    monitor::watch_in(code, tool, events);
    Ok(())
}

/// Of each event that is watched everywhere, the tools that do, by bits.
fn all_events(_: &Vm) -> Ptr<DictObj> {
    let all = DictObj::new();
    for (i, n) in NAMES.iter().enumerate() {
        let tools = (0..8).filter(|&t| monitor::watched(t) & 1 << i != 0).fold(0, |all, t| all | 1 << t);
        if tools != 0 {
            all.set_str(intern(n), Value::int(tools));
        }
    }
    all
}
