//! Reporting exceptions that nobody handles.

use std::sync::atomic::{AtomicBool, Ordering};

use cape_vm::object::*;
use cape_vm::runtime::{intern, rt, type_of};
use cape_vm::{Ptr, Raised, Value, Vm};

/// Writes text to `sys.stderr`, or to the descriptor when that fails.
pub fn write_stderr(vm: &Vm, text: &str) {
    let out = rt().sys().get_str(rt().names.stderr).filter(|o| !o.is_none());
    let done = out.is_some_and(|o| {
        vm.call_method(o, rt().names.write, &[StrObj::new(text).value()]).is_ok()
            && vm.call_method(o, rt().names.flush, &[]).is_ok()
    });
    if !done {
        use std::io::Write;
        let _ = std::io::stderr().write_all(text.as_bytes());
    }
}

/// Prints an exception with its traceback to `sys.stderr`: through the `traceback` module, or natively when that fails.
pub fn print_exception(vm: &Vm, e: Ptr<ExcObj>) {
    cape_builtins::traceback_print::print_exception(vm, e.value());
}

/// Whether the program is followed by a prompt: SystemExit is reported as any other exception then.
pub static INSPECT: AtomicBool = AtomicBool::new(false);

/// Whether a KeyboardInterrupt was not handled.
pub static INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// The exit code that tells of SIGINT.
pub const BY_INTERRUPT: i32 = 130;

/// Flushes the standard streams, whatever comes of it: what the program has written comes before what is said of it.
pub fn flush_streams(vm: &Vm) {
    for name in [rt().names.stderr, rt().names.stdout] {
        if let Some(s) = rt().sys().get_str(name).filter(|s| !s.is_none()) {
            let _ = vm.call_method(s, rt().names.flush, &[]);
        }
    }
}

/// What `sys.exit` and uncaught exceptions make of the process: prints what is to be printed, gives the exit code.
pub fn exit_code(vm: &Vm, r: Raised) -> i32 {
    if r.is(rt().types.system_exit) && !INSPECT.load(Ordering::Relaxed) {
        return system_exit(vm, r);
    }
    flush_streams(vm);
    remember(r.exc());
    let interrupted = r.is(rt().types.keyboard_interrupt);
    let code = through_hook(vm, r.exc());
    if code.is_none() && interrupted {
        INTERRUPTED.store(true, Ordering::Relaxed);
    }
    code.unwrap_or(if interrupted { BY_INTERRUPT } else { 1 })
}

/// Has the process end by SIGINT when it exits, if a KeyboardInterrupt is why: then the code says so.
pub fn end_by_interrupt(code: i32) {
    if code == BY_INTERRUPT && INTERRUPTED.load(Ordering::Relaxed) {
        // SAFETY: a plain function, which runs when the process exits.
        unsafe { libc::atexit(die_of_interrupt) };
    }
}

/// Ends the process by SIGINT, so that whoever waits for it sees why it ended.
extern "C" fn die_of_interrupt() {
    // SAFETY: plain calls.
    unsafe {
        libc::signal(libc::SIGINT, libc::SIG_DFL);
        libc::kill(libc::getpid(), libc::SIGINT);
    }
}

/// Makes `sys.last_exc` and its kin tell of an exception.
pub fn remember(e: Ptr<ExcObj>) {
    rt().sys().set_str(intern("last_exc"), e.value());
    rt().sys().set_str(intern("last_type"), type_of(e.value()).value());
    rt().sys().set_str(intern("last_value"), e.value());
    rt().sys().set_str(intern("last_traceback"), e.traceback.get());
}

/// Reports through `sys.excepthook`; the exit code that the hook asked for by SystemExit.
pub fn through_hook(vm: &Vm, e: Ptr<ExcObj>) -> Option<i32> {
    let hook = rt().sys().get_str(rt().names.excepthook);
    let told = [hook.unwrap_or(Value::NONE), type_of(e.value()).value(), e.value(), e.traceback.get()];
    if let Err(second) = vm.audit("sys.excepthook", &told) {
        // A RuntimeError means that there is to be no report.
        if !second.is(rt().types.runtime_error) {
            unraisable(vm, second, "Exception ignored in audit hook", Value::NONE);
        }
        return None;
    }
    match hook {
        Some(hook) => {
            let args = [type_of(e.value()).value(), e.value(), e.traceback.get()];
            if let Err(second) = vm.call(hook, &args) {
                if second.is(rt().types.system_exit) {
                    return Some(system_exit(vm, second));
                }
                write_stderr(vm, "Error in sys.excepthook:\n");
                print_exception(vm, second.exc());
                write_stderr(vm, "\nOriginal exception was:\n");
                print_exception(vm, e);
            }
        }
        None => {
            write_stderr(vm, "sys.excepthook is missing\n");
            print_exception(vm, e);
        }
    }
    None
}

fn system_exit(vm: &Vm, r: Raised) -> i32 {
    let code = vm.get_attr_str(r.value(), "code").unwrap_or(Value::NONE);
    if code.is_none() || code.is_empty() {
        return 0;
    }
    if let Some(i) = Int::of(code) {
        return i.to_i64().unwrap_or(-1) as i32;
    }
    let text = vm.str(code).map(|s| s.display()).unwrap_or_default();
    write_stderr(vm, &format!("{text}\n"));
    1
}

/// Reports an exception that cannot be raised, through `sys.unraisablehook`. `message`, if there is one, begins the report, `object` is
/// what it is about.
pub fn unraisable(vm: &Vm, r: Raised, message: &str, object: Value) {
    let begins = if message.is_empty() { Value::NONE } else { StrObj::new(message).value() };
    match vm.call_unraisable_hook(&r, begins, object) {
        Some(Ok(())) => return,
        Some(Err(second)) => {
            write_stderr(vm, "Exception ignored in sys.unraisablehook:\n");
            print_exception(vm, second.exc());
            return;
        }
        None => {}
    }
    unraisable_text(vm, r.value(), begins, object);
}

/// Writes what `sys.__unraisablehook__` does: a line of the message and the object, if there is one of the two, and the exception.
pub fn unraisable_text(vm: &Vm, value: Value, message: Value, object: Value) {
    let begins = message.downcast::<StrObj>().map(|m| m.display());
    if begins.is_some() || !object.is_none() {
        let begins = begins.unwrap_or_else(|| "Exception ignored in".to_string());
        let shown = match object.is_none() {
            true => String::new(),
            false => {
                let text =
                    vm.repr(object).map_or_else(|_| "<object repr() failed>".to_string(), |s| s.display());
                format!(" {text}")
            }
        };
        write_stderr(vm, &format!("{begins}:{shown}\n"));
    }
    if let Some(e) = value.downcast::<ExcObj>() {
        print_exception(vm, e);
    }
}
