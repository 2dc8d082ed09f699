//! Further interpreters: making and ending them, running code in them, and the modules `_interpreters`, `_interpqueues` and
//! `_interpchannels`.
//!
//! An interpreter that was asked for a lock of its own shares the one there is, nevertheless: there is one heap (`cape_vm::interpreter`).

mod arguments;
pub mod channels;
mod code;
mod config;
mod crossing;
mod exceptions;
mod main_file;
pub mod module;
pub mod queues;
mod snapshot;

use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use cape_vm::interpreter::{self, Interpreter, Settings, Stage, Whence};
use cape_vm::vm::Stacks;
use cape_vm::{Res, Vm, gil, rt};

/// What the command does at the beginning and the end of an interpreter's life, in it.
#[derive(Clone, Copy)]
pub struct Life {
    /// Gives it `sys`, `builtins`, importlib, streams, `__main__`.
    pub boot: fn(&Vm) -> Res<()>,
    /// Runs what is to run at exit, and takes away what keeps its objects.
    pub finish: fn(&Vm),
}

static LIFE: OnceLock<Life> = OnceLock::new();

/// Tells what is done at the beginning and the end.
pub fn set_life(life: Life) {
    let _ = LIFE.set(life);
}

/// Gives the thread's VM from before its turn back, even when what was run in between panicked.
struct Back<'a> {
    vm: &'a Vm,
    guest: Option<gil::Guest>,
}

impl Drop for Back<'_> {
    fn drop(&mut self) {
        gil::turn_to(self.vm);
        self.guest = None;
    }
}

/// Runs `f` in an interpreter, in a thread state of its own if that is not the one that runs. Values that cross are to be packed.
pub fn inside<R>(vm: &Vm, interpreter: &Arc<Interpreter>, f: impl FnOnce(&Vm) -> R) -> Res<R> {
    if interpreter.runs() {
        return Ok(f(vm));
    }
    let stacks = Stacks::reserve().ok_or_else(|| vm.memory_error(""))?;
    let back = Back { vm, guest: Some(gil::Guest::new(vm.hooks(), stacks, interpreter.clone())) };
    let guest = back.guest.as_ref().expect("just made").vm();
    gil::turn_to(guest);
    let r = f(guest);
    crate::thread::leave(guest);
    drop(back);
    Ok(r)
}

/// Why settings contradict each other.
fn contradiction(s: &Settings) -> Option<&'static str> {
    (!s.use_main_obmalloc && !s.check_multi_interp_extensions)
        .then_some("per-interpreter obmalloc does not support single-phase init extension modules")
}

/// Makes an interpreter, which does not run. What goes wrong is an `InterpreterError`.
pub fn create(vm: &Vm, settings: Settings, whence: Whence) -> Res<Arc<Interpreter>> {
    let failed = || exceptions::interpreter_error(vm, "sub-interpreter creation failed");
    if contradiction(&settings).is_some() || crate::sys::is_finalizing() {
        return Err(failed());
    }
    let interpreter = interpreter::create(settings, whence);
    let booted = inside(vm, &interpreter, boot);
    if let Ok(Ok(())) = booted {
        interpreter.stage.set(Stage::Ready);
        return Ok(interpreter);
    }
    forget(vm, &interpreter);
    Err(booted.err().unwrap_or_else(failed))
}

/// Boots the interpreter that runs; what goes wrong is reported.
pub fn boot(vm: &Vm) -> Result<(), ()> {
    let life = LIFE.get().expect("told at the start");
    (life.boot)(vm).map_err(|r| crate::report::print_exception(vm, r.exc()))
}

/// Runs what is to run at the end of the interpreter that runs.
pub fn finish(vm: &Vm) {
    vm.interpreter().stage.set(Stage::Ending);
    (LIFE.get().expect("told at the start").finish)(vm);
}

/// How long is waited for those who are in an interpreter that ends: they run finalizers.
const PATIENCE: Duration = Duration::from_secs(10);

/// What is done when an interpreter has finished and another runs.
pub fn forget(vm: &Vm, interpreter: &Arc<Interpreter>) {
    let since = Instant::now();
    while interpreter.guests.get() > 0 && since.elapsed() < PATIENCE {
        vm.allow_threads(|| std::thread::sleep(Duration::from_millis(1)));
    }
    queues::interpreter_ends(interpreter.id());
    channels::interpreter_ends(interpreter.id());
    interpreter::end(interpreter);
    if let Some(foreign) = cape_vm::foreign::try_foreign() {
        foreign.interpreter_ended(interpreter);
    }
}

/// Ends an interpreter that does not run.
pub fn end(vm: &Vm, interpreter: &Arc<Interpreter>) -> Res<()> {
    inside(vm, interpreter, finish)?;
    forget(vm, interpreter);
    Ok(())
}

/// Ends all further interpreters, with a warning: Python ends.
pub fn end_all(vm: &Vm) {
    let left: Vec<_> = interpreter::list().into_iter().filter(|i| !i.is_main()).collect();
    if left.is_empty() {
        return;
    }
    let message = "remaining subinterpreters; close them with Interpreter.close()";
    if let Err(r) = crate::warn::warn(vm, rt().types.runtime_warning, message, 1) {
        crate::report::print_exception(vm, r.exc());
    }
    for i in left.iter().filter(|i| i.stage.get() == Stage::Ready) {
        // Without memory for it nothing can be done.
        let _ = end(vm, i);
    }
}
