//! `faulthandler`: shows where the program is when it crashes, hangs, or is asked by a signal.
//!
//! [`dump`] writes the stacks, [`signals`] has the handlers, [`later`] the watchdog, [`crash`] the functions that tests crash with.

pub mod dump;

mod crash;
mod later;
mod signals;

use std::time::Duration;

use cape_vm::object::{ArrayObj, Int, ModuleObj};
use cape_vm::{Ptr, Raised, Res, Value, Vm, gil, intern, rt};

use crate::duration::{Round, nanoseconds};
use crate::oserror::os_error;
use crate::statics::StaticValue;
use dump::{Interrupted, to_descriptor};
use signals::{FATAL, NSIG};

/// The files whose descriptors are in use, so that they stay open: an array.
static FILES: StaticValue = StaticValue::shared();
/// In it: of fatal signals, of the watchdog; those of registered signals are at the signal's number.
const FAULTS: usize = 0;
const WATCHDOG: usize = NSIG;

/// Fills the module.
pub fn init(_: &Vm, m: Ptr<ModuleObj>) -> Res<()> {
    dump::prepare();
    m.add("__doc__", intern("faulthandler module."));
    m.function("enable($module, /, file=sys.stderr, all_threads=True, c_stack=True)", "Enable the fault handler.", enable)
        .function("disable($module, /)", "Disable the fault handler.", |_: &Vm| {
            let was = signals::disable();
            keep(FAULTS, Value::NONE);
            was
        })
        .function("is_enabled($module, /)", "Check if the handler is enabled.", |_: &Vm| signals::is_enabled())
        .function(
            "dump_traceback($module, /, file=sys.stderr, all_threads=True)",
            "Dump the traceback of the current thread, or of all threads if all_threads is True, into file.",
            |vm: &Vm, file: Option<Value>, all: Option<bool>| {
                let (fd, _file) = descriptor(vm, file)?;
                to_descriptor(fd, |out| match all.unwrap_or(true) {
                    true => dump::stacks(out, Some(gil::this_ident()), &Interrupted::default()),
                    false => dump::stack(out, &Interrupted::default()),
                });
                Ok::<(), Raised>(())
            },
        )
        .function(
            "dump_c_stack($module, /, file=sys.stderr)",
            "Dump the C stack of the current thread.",
            |vm: &Vm, file: Option<Value>| {
                let (fd, _file) = descriptor(vm, file)?;
                to_descriptor(fd, dump::c_stack);
                Ok::<(), Raised>(())
            },
        )
        .function(
            "dump_traceback_later($module, /, timeout, repeat=False, file=sys.stderr, exit=False)",
            "Dump the traceback of all threads in timeout seconds,\nor each timeout seconds if repeat is True. If exit is True, call \
             _exit(1) which is not safe.",
            dump_traceback_later,
        )
        .function(
            "cancel_dump_traceback_later($module, /)",
            "Cancel the previous call to dump_traceback_later().",
            |vm: &Vm| {
                later::cancel(vm);
                keep(WATCHDOG, Value::NONE);
            },
        )
        .function(
            "register($module, /, signum, file=sys.stderr, all_threads=True, chain=False)",
            "Register a handler for the signal 'signum': dump the traceback of the current thread, or of all threads if all_threads is \
             True, into file.",
            register,
        )
        .function(
            "unregister($module, signum, /)",
            "Unregister the handler of the signal 'signum' registered by register().",
            |vm: &Vm, signal: i32| {
                check_signal(vm, signal)?;
                let was = signals::unregister(signal);
                keep(signal as usize, Value::NONE);
                Ok::<bool, Raised>(was)
            },
        );
    crash::functions(m);
    Ok(())
}


/// Keeps a file (or nothing) for one of the uses.
fn keep(which: usize, file: Value) {
    let files = FILES.get_or(|| {
        let files = ArrayObj::new(WATCHDOG + 1);
        (0..=WATCHDOG).for_each(|i| files.set(i, Value::NONE));
        Ok(files.value())
    });
    if let Ok(Some(files)) = files.map(|f| f.downcast::<ArrayObj>()) {
        files.set(which, file);
    }
}

/// The descriptor that an argument stands for, and the file that must stay open for it.
fn descriptor(vm: &Vm, file: Option<Value>) -> Res<(i32, Value)> {
    let file = match file.filter(|f| !f.is_none()) {
        Some(file) => file,
        None => match rt().sys().get_str(intern("stderr")) {
            None => return Err(vm.runtime_error("lost sys.stderr")),
            Some(file) if file.is_none() => return Err(vm.runtime_error("sys.stderr is None")),
            Some(file) => file,
        },
    };
    if let Some(number) = Int::of(file) {
        if file == Value::TRUE || file == Value::FALSE {
            crate::warn::warn(vm, rt().types.runtime_warning, "bool is used as a file descriptor", 1)?;
        }
        let Some(fd) = number.to_i64().and_then(|n| i32::try_from(n).ok()) else {
            return Err(vm.overflow_error("Python int too large to convert to C int"));
        };
        if fd < 0 {
            return Err(vm.value_error("file is not a valid file descriptor"));
        }
        return Ok((fd, Value::NONE));
    }
    let number = vm.call_method(file, intern("fileno"), &[])?;
    let number = Int::of(number).and_then(|n| n.to_i64()).and_then(|n| i32::try_from(n).ok()).filter(|&n| n >= 0);
    let Some(fd) = number else {
        return Err(vm.runtime_error("file.fileno() is not a valid file descriptor"));
    };
    // What was written before is to stand before; that it cannot be is no reason not to go on.
    let _ = vm.call_method(file, rt().names.flush, &[]);
    Ok((fd, file))
}

fn enable(vm: &Vm, file: Option<Value>, all_threads: Option<bool>, c_stack: Option<bool>) -> Res<()> {
    let (fd, file) = descriptor(vm, file)?;
    keep(FAULTS, file);
    signals::enable(fd, all_threads.unwrap_or(true), c_stack.unwrap_or(true)).map_err(|e| os_error(vm, e, Value::EMPTY))
}

fn dump_traceback_later(
    vm: &Vm,
    timeout: Value,
    repeat: Option<bool>,
    file: Option<Value>,
    exit: Option<bool>,
) -> Res<()> {
    let timeout = nanoseconds(vm, timeout, Round::Up)?;
    // The watchdog counts microseconds.
    if timeout <= 0 {
        return Err(vm.value_error("timeout must be greater than 0"));
    }
    let (fd, file) = descriptor(vm, file)?;
    let timeout = Duration::from_micros((timeout as u64).div_ceil(1000));
    let order = later::Order { timeout, repeat: repeat.unwrap_or(false), fd, exit: exit.unwrap_or(false) };
    if !later::start(vm, order) {
        return Err(vm.runtime_error("unable to start watchdog thread"));
    }
    keep(WATCHDOG, file);
    Ok(())
}

fn check_signal(vm: &Vm, signal: i32) -> Res<()> {
    if FATAL.iter().any(|f| f.0 == signal) {
        return Err(vm.runtime_error(format!("signal {signal} cannot be registered, use enable() instead")));
    }
    if !(1..NSIG as i32).contains(&signal) {
        return Err(vm.value_error("signal number out of range"));
    }
    Ok(())
}

fn register(vm: &Vm, signal: i32, file: Option<Value>, all_threads: Option<bool>, chain: Option<bool>) -> Res<()> {
    check_signal(vm, signal)?;
    let (fd, file) = descriptor(vm, file)?;
    signals::register(signal, fd, all_threads.unwrap_or(true), chain.unwrap_or(false))
        .map_err(|e| os_error(vm, e, Value::EMPTY))?;
    keep(signal as usize, file);
    Ok(())
}

/// Ends the watchdog and gives all signals back what they had: the interpreter is going away.
pub fn finish(vm: &Vm) {
    later::cancel(vm);
    signals::finish();
}

/// Writes to standard error what follows the message of a fatal error: in which state the program is, and all threads' stacks.
pub fn fatal_state() {
    to_descriptor(2, |out| {
        out.text("Python runtime state: initialized\n\n");
        dump::stacks(out, signals::mine(), &Interrupted::default());
        dump::extension_modules(out);
    });
}

/// Ends the process with a message and all threads' stacks: `Py_FatalError`.
pub fn fatal_error(message: &str) -> ! {
    to_descriptor(2, |out| {
        out.text("Fatal Python error: ");
        out.text(message);
        out.text("\n");
    });
    fatal_state();
    std::process::abort()
}
