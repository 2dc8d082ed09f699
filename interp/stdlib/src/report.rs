//! Reporting exceptions that nobody handles.

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
    let out = rt().sys().get_str(rt().names.stdout).filter(|o| !o.is_none());
    if let Some(o) = out {
        let _ = vm.call_method(o, rt().names.flush, &[]);
    }
    let printed =
        vm.import_attr("traceback", "_print_exception_bltin").and_then(|f| vm.call(f, &[e.value()]));
    if printed.is_err() {
        write_stderr(vm, &plain_text(vm, e));
    }
}

fn plain_text(vm: &Vm, e: Ptr<ExcObj>) -> String {
    let mut out = String::from("Traceback (most recent call last):\n");
    let mut tb = e.traceback.downcast::<TracebackObj>();
    while let Some(t) = tb {
        if let Some(f) = t.frame.downcast::<cape_vm::frame::FrameObj>() {
            let unit = f.code();
            let file = unit.filename.downcast::<StrObj>().map(|s| s.display()).unwrap_or_default();
            let name = unit.name.downcast::<StrObj>().map(|s| s.display()).unwrap_or_default();
            out.push_str(&format!("  File \"{file}\", line {}, in {name}\n", t.line.get()));
        }
        tb = t.next.downcast();
    }
    let class = type_of(e.value()).name_str();
    match vm.str(e.value()) {
        Ok(s) if s.is_empty() => out.push_str(&format!("{class}\n")),
        Ok(s) => out.push_str(&format!("{class}: {}\n", s.display())),
        Err(_) => {
            let args: Vec<String> = e
                .args
                .downcast::<TupleObj>()
                .map(|t| {
                    t.as_slice()
                        .iter()
                        .map(|a| a.downcast::<StrObj>().map_or("?".into(), |s| s.display()))
                        .collect()
                })
                .unwrap_or_default();
            out.push_str(&format!("{class}: {}\n", args.join(", ")))
        }
    }
    out
}

/// What `sys.exit` and uncaught exceptions make of the process: prints what is to be printed, gives the exit code.
pub fn exit_code(vm: &Vm, r: Raised) -> i32 {
    if r.is(rt().types.system_exit) {
        return system_exit(vm, r);
    }
    let e = r.exc();
    rt().sys().set_str(intern("last_exc"), e.value());
    rt().sys().set_str(intern("last_type"), type_of(e.value()).value());
    rt().sys().set_str(intern("last_value"), e.value());
    rt().sys().set_str(intern("last_traceback"), e.traceback.get());
    match rt().sys().get_str(rt().names.excepthook) {
        Some(hook) => {
            let args = [type_of(e.value()).value(), e.value(), e.traceback.get()];
            if let Err(second) = vm.call(hook, &args) {
                if second.is(rt().types.system_exit) {
                    return system_exit(vm, second);
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
    if r.is(rt().types.keyboard_interrupt) { 130 } else { 1 }
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
