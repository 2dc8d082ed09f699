//! `monitoring.h`: events of code that is not Python's, which an extension reports as `sys.monitoring` has them.

use std::ffi::c_int;

use cape_vm::monitor::{self, Event, TOOLS};
use cape_vm::object::*;
use cape_vm::runtime::rt;
use cape_vm::{Raised, Value};

use crate::enter::{Borrowed, CResult, Cx};
use crate::error;

/// Who watches one event at one place.
#[repr(C)]
pub struct PyMonitoringState {
    active: u8,
    _opaque: u8,
}

/// The states, one for each event, say who watches; nothing is done where `version` says that they do already.
pub fn PyMonitoring_EnterScope(
    _cx: &Cx,
    states: *mut PyMonitoringState,
    version: *mut u64,
    events: *const u8,
    length: isize,
) -> CResult<c_int> {
    let now = monitor::version();
    // SAFETY: the API demands a version, and as many states and events as it says.
    unsafe {
        if *version == now {
            return Ok(0);
        }
        for i in 0..length.max(0) as usize {
            // Whoever watches calls is told of their end.
            let bit = match Event::ALL.get(*events.add(i) as usize) {
                Some(Event::CReturn | Event::CRaise) => Event::Call.bit(),
                Some(e) => e.bit(),
                None => 0,
            };
            let tools = (0..TOOLS).filter(|&t| monitor::watched(t) & bit != 0);
            (*states.add(i)).active = tools.fold(0, |all, t| all | 1 << t);
        }
        *version = now;
    }
    Ok(0)
}

pub fn PyMonitoring_ExitScope(_cx: &Cx) -> CResult<c_int> {
    Ok(0)
}

/// Reports an event: the code, then these arguments.
fn fire(
    cx: &Cx,
    state: *mut PyMonitoringState,
    code: Borrowed,
    event: Event,
    args: &[Value],
) -> CResult<c_int> {
    // SAFETY: the API demands a state.
    let mut tools = unsafe { (*state).active };
    let r = cx.vm.fire_elsewhere(&mut tools, code.get(cx)?, event, args);
    // SAFETY: as above; the state lives as long as its code, which the caller keeps.
    unsafe { (*state).active = tools };
    r.map(|()| 0)
}

fn place(cx: &Cx, offset: i32) -> CResult<Value> {
    if offset < 0 {
        return Err(cx.vm.value_error("offset must be non-negative"));
    }
    Ok(Value::int(offset as i64))
}

/// Reports an event of the exception that is set, and stays so.
fn fire_exception(
    cx: &Cx,
    state: *mut PyMonitoringState,
    code: Borrowed,
    offset: i32,
    event: Event,
) -> CResult<c_int> {
    let Some(r) = error::take(cx.vm) else {
        return Err(cx.vm.value_error(format!("Firing event {} with no exception set", event as u8)));
    };
    fire(cx, state, code, event, &[place(cx, offset)?, r.value()])?;
    error::set(cx.vm, r);
    Ok(0)
}

macro_rules! events {
    ($($name:ident $event:ident ($($arg:ident),*);)*) => { $(
        pub fn $name(cx: &Cx, state: *mut PyMonitoringState, code: Borrowed, offset: i32, $($arg: Borrowed),*) -> CResult<c_int> {
            fire(cx, state, code, Event::$event, &[place(cx, offset)?, $($arg.opt(cx)?.unwrap_or_else(monitor::missing)),*])
        }
    )* };
}

events! {
    _PyMonitoring_FirePyStartEvent PyStart ();
    _PyMonitoring_FirePyResumeEvent PyResume ();
    _PyMonitoring_FirePyReturnEvent PyReturn (value);
    _PyMonitoring_FirePyYieldEvent PyYield (value);
    _PyMonitoring_FireCallEvent Call (callable, first);
    _PyMonitoring_FireJumpEvent Jump (target);
    _PyMonitoring_FireBranchEvent Branch (target);
    _PyMonitoring_FireBranchLeftEvent BranchLeft (target);
    _PyMonitoring_FireBranchRightEvent BranchRight (target);
    _PyMonitoring_FireCReturnEvent CReturn (value);
}

macro_rules! exceptions {
    ($($name:ident $event:ident;)*) => { $(
        pub fn $name(cx: &Cx, state: *mut PyMonitoringState, code: Borrowed, offset: i32) -> CResult<c_int> {
            fire_exception(cx, state, code, offset, Event::$event)
        }
    )* };
}

exceptions! {
    _PyMonitoring_FirePyThrowEvent PyThrow;
    _PyMonitoring_FireRaiseEvent Raise;
    _PyMonitoring_FireReraiseEvent Reraise;
    _PyMonitoring_FireExceptionHandledEvent ExceptionHandled;
    _PyMonitoring_FireCRaiseEvent CRaise;
    _PyMonitoring_FirePyUnwindEvent PyUnwind;
}

pub fn _PyMonitoring_FireLineEvent(
    cx: &Cx,
    state: *mut PyMonitoringState,
    code: Borrowed,
    offset: i32,
    line: c_int,
) -> CResult<c_int> {
    place(cx, offset)?;
    fire(cx, state, code, Event::Line, &[Value::int(line as i64)])
}

/// With a StopIteration that has the value, unless the value is one.
pub fn _PyMonitoring_FireStopIterationEvent(
    cx: &Cx,
    state: *mut PyMonitoringState,
    code: Borrowed,
    offset: i32,
    value: Borrowed,
) -> CResult<c_int> {
    let v = value.get(cx)?;
    let stop = match v.downcast::<ExcObj>().map(Raised::new) {
        Some(r) if r.is(rt().types.stop_iteration) => v,
        _ => cx.vm.call(rt().types.stop_iteration.value(), &[v])?,
    };
    fire(cx, state, code, Event::StopIteration, &[place(cx, offset)?, stop])
}
