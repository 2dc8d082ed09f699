//! The basic interactive interpreter: statements are read line by line, run in `__main__`, and what goes wrong is reported.
//!
//! The one with an editor is `_pyrepl`, of the library in Python; this is for where that cannot be used.

use std::sync::atomic::Ordering;

use cape_builtins::compile_fn::{compile_typed, is_incomplete};
use cape_builtins::line_input::{Coding, read_line};
use cape_vm::object::*;
use cape_vm::runtime::{intern, rt};
use cape_vm::{Ptr, Raised, Res, Value, Vm};

use crate::report;

/// So many times memory may be short before the interpreter gives up.
const MAX_MEMORY_ERRORS: u32 = 16;

/// What a turn of the loop came to.
enum Turn {
    Done,
    EndOfInput,
}

/// Reads and runs statements until the input ends. An error is one that ends the interpreter: SystemExit.
pub fn interact(vm: &Vm) -> Res<()> {
    let sys = rt().sys();
    for (name, text) in [("ps1", ">>> "), ("ps2", "... ")] {
        if sys.get_str(intern(name)).is_none() {
            sys.set_str(intern(name), intern(text));
        }
    }
    let mut flags = 0;
    let mut count = 0;
    let mut memory_errors = 0;
    loop {
        match turn(vm, &mut flags, &mut count) {
            Ok(Turn::EndOfInput) => return Ok(()),
            Ok(Turn::Done) => memory_errors = 0,
            Err(r) if r.is(rt().types.system_exit) => return Err(r),
            Err(r) => {
                memory_errors = if r.is(rt().types.memory_error) { memory_errors + 1 } else { 0 };
                if memory_errors > MAX_MEMORY_ERRORS {
                    return Ok(());
                }
                report::flush_streams(vm);
                report::remember(r.exc());
                if let Some(code) = report::through_hook(vm, r.exc()) {
                    return Err(exit_with(vm, code as i64));
                }
            }
        }
        report::flush_streams(vm);
    }
}

/// SystemExit with a code.
pub fn exit_with(vm: &Vm, code: i64) -> Raised {
    let v = Value::int(code);
    let r = vm.new_exc_args(rt().types.system_exit, &[v]);
    cape_vm::exc::set_extra(r.exc(), 0, v);
    r
}

/// Reads one statement and runs it.
fn turn(vm: &Vm, flags: &mut u32, count: &mut usize) -> Res<Turn> {
    let Some(text) = statement(vm, *flags)? else { return Ok(Turn::EndOfInput) };
    if is_empty(&text) {
        return Ok(Turn::Done);
    }
    let code = compile_typed(vm, &text, &format!("<stdin-{count}>"), flags)?;
    *count += 1;
    let register = vm.import_attr("linecache", "_register_code")?;
    vm.call(register, &[code.value(), StrObj::new(&text).value(), StrObj::new("<stdin>").value()])?;
    let Some(main) = rt().modules().get_str(rt().names.main).and_then(|m| m.downcast::<ModuleObj>()) else {
        return Err(vm.runtime_error("lost __main__"));
    };
    let d = main.dict();
    vm.run_code(code, d, d.value(), None).map(|_| Turn::Done).inspect_err(|r| {
        if r.is(rt().types.keyboard_interrupt) {
            report::INTERRUPTED.store(true, Ordering::Relaxed);
        }
    })
}

/// The lines of a statement, prompting for each; `None` when the input ends before it begins.
fn statement(vm: &Vm, flags: u32) -> Res<Option<String>> {
    let stdin = rt().sys().get_str(intern("stdin")).filter(|s| !s.is_none());
    let coding = stdin.and_then(|s| Coding::of(vm, s)).map(|c| c.encoding);
    let coding = Coding { encoding: coding.unwrap_or_else(|| "utf-8".into()), errors: "strict".into() };
    let mut text = String::new();
    loop {
        let shown = prompt(vm, if text.is_empty() { "ps1" } else { "ps2" });
        let line = read_line(vm, shown, &coding, None).map_err(|r| {
            if r.is(rt().types.keyboard_interrupt) {
                report::write_stderr(vm, "\n");
            }
            if r.is(rt().types.unicode_decode_error) { undecodable(vm, r) } else { r }
        })?;
        let Some(line) = line else {
            report::write_stderr(vm, "\n");
            return Ok(Some(text).filter(|t| !t.is_empty()));
        };
        let line = line.display();
        let blank = !text.is_empty() && line.len() > 1 && line.trim().is_empty();
        text.push_str(&line);
        // A line of spaces ends nothing, nor does one that the end of the input cuts off; one that is empty ends a block.
        if let Some(whole) = text.strip_suffix('\n')
            && (is_empty(whole) || !blank && !is_incomplete(whole, flags))
        {
            return Ok(Some(text));
        }
    }
}

/// Whether there is nothing to run: a first line of spaces and a comment at most.
fn is_empty(text: &str) -> bool {
    let line = text.trim();
    line.is_empty() || line.starts_with('#') && !line.contains('\n')
}

/// `sys.ps1` or `sys.ps2` as text; nothing when that fails.
fn prompt(vm: &Vm, name: &str) -> Ptr<StrObj> {
    let v = rt().sys().get_str(intern(name));
    v.and_then(|v| vm.str(v).ok()).unwrap_or_else(|| rt().empty_str())
}

/// What a line that cannot be decoded is to whoever typed it.
fn undecodable(vm: &Vm, r: Raised) -> Raised {
    let text = vm.str(r.value()).map(|s| s.display()).unwrap_or_default();
    let file = StrObj::new("<stdin>").value();
    let place = TupleObj::new(&[file, Value::int(1), Value::int(0), Value::NONE]).value();
    let message = StrObj::new(&format!("(unicode error) {text}")).value();
    match vm.call(rt().types.syntax_error.value(), &[message, place]) {
        Ok(e) => e.downcast::<ExcObj>().map_or(r, Raised::new),
        Err(second) => second,
    }
}
