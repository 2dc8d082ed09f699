//! What the command runs: a program, and the prompt before or after it.

use std::os::unix::ffi::OsStrExt;
use std::sync::atomic::Ordering;

use cape_builtins::line_input::is_terminal;
use cape_stdlib::{prompt, report};
use cape_vm::object::*;
use cape_vm::runtime::{intern, rt};
use cape_vm::{Ptr, Raised, Res, Value, Vm};

use crate::cli::{Cli, Main};

/// Runs what the command line asks for, and the prompt after it when that is asked for, too; the exit code.
pub(crate) fn run(vm: &Vm, cli: &Cli) -> i32 {
    report::INSPECT.store(cli.config.inspect, Ordering::Relaxed);
    header(cli);
    let code = match run_main(vm, cli) {
        Ok(()) => usual_code(),
        Err(r) => {
            if let Main::Command(text) = &cli.main
                && (!r.is(rt().types.system_exit) || report::INSPECT.load(Ordering::Relaxed))
            {
                // Its lines are shown in tracebacks. What goes wrong here only leaves them out.
                let _ = remember_source(vm, &dedented(&text.to_string_lossy()));
            }
            report::exit_code(vm, r)
        }
    };
    prompt_after(vm, cli, code)
}

/// The exit code when nothing went wrong at last. An interrupt before tells of itself.
fn usual_code() -> i32 {
    if report::INTERRUPTED.load(Ordering::Relaxed) { report::BY_INTERRUPT } else { 0 }
}

/// A variable of the environment that is set and not empty, unless they are not to be looked at.
fn variable(cli: &Cli, name: &str) -> Option<std::ffi::OsString> {
    std::env::var_os(name).filter(|v| !v.is_empty() && !cli.config.ignore_environment)
}

/// Whether somebody stands at standard input, or is to be thought to.
fn is_interactive(cli: &Cli) -> bool {
    cli.config.interactive || is_terminal(0)
}

/// Says who is there, to those who come to the prompt first.
#[inline(never)]
fn header(cli: &Cli) {
    let c = &cli.config;
    if c.quiet || c.verbose == 0 && !(matches!(cli.main, Main::Stdin) && is_interactive(cli)) {
        return;
    }
    let v = rt().sys().get_str(intern("version")).and_then(|v| v.downcast::<StrObj>());
    eprintln!("Python {} on linux", v.map(|v| v.display()).unwrap_or_default());
    if !c.no_site {
        eprintln!("Type \"help\", \"copyright\", \"credits\" or \"license\" for more information.");
    }
}

/// The prompt of a command that was given nothing to run, after what the user wants to have run first.
fn interactive(vm: &Vm, cli: &Cli) -> Res<()> {
    cape_stdlib::sys::set_inspect(false);
    run_startup(vm, cli)?;
    interactive_hook(vm)?;
    read_and_run(vm, cli, false)
}

/// The prompt after a program: with `-i`, or when the program has set PYTHONINSPECT.
fn prompt_after(vm: &Vm, cli: &Cli, code: i32) -> i32 {
    let inspect = report::INSPECT.load(Ordering::Relaxed);
    if !(inspect || variable(cli, "PYTHONINSPECT").is_some()) || !is_interactive(cli) {
        return code;
    }
    cape_stdlib::sys::set_inspect(false);
    // What the program exits with counts no more.
    match interactive_hook(vm).and_then(|()| read_and_run(vm, cli, true)) {
        Ok(()) => usual_code(),
        Err(r) => report::exit_code(vm, r),
    }
}

/// Runs the file that PYTHONSTARTUP names, in `__main__`.
fn run_startup(vm: &Vm, cli: &Cli) -> Res<()> {
    let Some(path) = variable(cli, "PYTHONSTARTUP") else { return Ok(()) };
    let shown = path.to_string_lossy().into_owned();
    let done = vm.audit("cpython.run_startup", &[StrObj::new(&shown).value()]).and_then(|()| {
        let bytes = std::fs::read(&path).map_err(|e| {
            report::write_stderr(vm, "Could not open PYTHONSTARTUP\n");
            let no = e.raw_os_error().unwrap_or(0);
            cape_stdlib::oserror::os_error(vm, no, StrObj::new(&shown).value())
        })?;
        let from = cape_builtins::compile_fn::Origin { name: &shown, is_file: true };
        let main = main_dict(vm)?;
        main.set_str(rt().names.file, StrObj::new(&shown).value());
        let r =
            cape_builtins::compile_fn::decode_source(vm, &bytes, from).and_then(|t| run_text(vm, &t, &shown));
        main.remove_str(rt().names.file);
        r
    });
    tell(vm, done)
}

/// Calls `sys.__interactivehook__`.
fn interactive_hook(vm: &Vm) -> Res<()> {
    let Some(hook) = rt().sys().get_str(intern("__interactivehook__")) else { return Ok(()) };
    let done = vm
        .audit("cpython.run_interactivehook", &[hook])
        .and_then(|()| vm.call(hook, &[]).map(|_| ()))
        .inspect_err(|_| report::write_stderr(vm, "Failed calling sys.__interactivehook__\n"));
    tell(vm, done)
}

/// Reports an exception that does not keep the prompt from coming. SystemExit does.
fn tell(vm: &Vm, done: Res<()>) -> Res<()> {
    match done {
        Err(r) if !r.is(rt().types.system_exit) && !r.is(rt().types.keyboard_interrupt) => {
            report::remember(r.exc());
            match report::through_hook(vm, r.exc()) {
                Some(code) => Err(prompt::exit_with(vm, code as i64)),
                None => Ok(()),
            }
        }
        r => r,
    }
}

/// Stands at the prompt: with the editor of `_pyrepl` on a terminal, unless PYTHON_BASIC_REPL says otherwise. The editor runs the file
/// of PYTHONSTARTUP if nobody has.
fn read_and_run(vm: &Vm, cli: &Cli, startup: bool) -> Res<()> {
    vm.audit("cpython.run_stdin", &[])?;
    if !is_terminal(0) || variable(cli, "PYTHON_BASIC_REPL").is_some() {
        return prompt::interact(vm);
    }
    let console = vm.import_attr("_pyrepl.main", "interactive_console")?;
    let keywords = DictObj::new();
    let main = rt().modules().get_str(rt().names.main).unwrap_or(Value::NONE);
    keywords.set_str(intern("mainmodule"), main);
    keywords.set_str(intern("pythonstartup"), Value::bool(startup));
    vm.call_dict(console, &[], Some(keywords)).map(|_| ())
}

/// The namespace of `__main__`, unless the program has dropped it.
fn main_dict(vm: &Vm) -> Res<Ptr<DictObj>> {
    let main = rt().modules().get_str(rt().names.main).and_then(|m| m.downcast::<ModuleObj>());
    main.map(|m| m.dict()).ok_or_else(|| vm.runtime_error("lost __main__"))
}

fn prepend_path(entry: &str) {
    if !rt().config().safe_path {
        rt().set_program_folder(entry);
        insert_path(entry);
    }
}

/// Puts a folder before all others on `sys.path`.
pub fn insert_path(entry: &str) {
    if let Some(p) = rt().sys().get_str(intern("path")).and_then(|p| p.downcast::<ListObj>()) {
        p.splice(0, 0, &[StrObj::new(entry).value()]);
    }
}

/// What the command line names, ready to be run.
enum Program {
    /// Code, in the namespace of `__main__`.
    Code(Ptr<CodeObj>),
    /// A function, with two arguments.
    Call(Value, [Value; 2]),
    /// The prompt.
    Prompt,
    /// Nothing: it was told why.
    Nothing,
}

/// Runs what the command line names.
fn run_main(vm: &Vm, cli: &Cli) -> Res<()> {
    let (program, of_file) = prepare(vm, cli)?;
    // The frames that follow stay on the stack while the program runs.
    vm.scrub_native_stack();
    cape_heap::heap().begin_watching();
    let done = match program {
        Program::Code(code) => run_in_main(vm, code),
        Program::Call(f, args) => vm.call(f, &args).map(|_| ()),
        Program::Prompt => interactive(vm, cli),
        Program::Nothing => Ok(()),
    };
    if of_file {
        forget_file(vm, cli);
    }
    done
}

/// Makes ready what the command line names, and says whether `__main__` knows it as its file. Never inlined, so that nothing of it is on the
/// stack when the program runs.
#[inline(never)]
fn prepare(vm: &Vm, cli: &Cli) -> Res<(Program, bool)> {
    let module = |name: Value, as_it_is: Value| -> Res<Program> {
        let f = vm.import_attr("runpy", "_run_module_as_main")?;
        Ok(Program::Call(f, [name, as_it_is]))
    };
    let code = |text: &str, name: &str| compile(vm, text, name).map(Program::Code);
    Ok(match &cli.main {
        Main::Command(command) => {
            prepend_path("");
            let Some(text) = command.to_str() else {
                report::write_stderr(vm, "Unable to decode the command from the command line:\n");
                let text = cape_stdlib::fsname::decode(command.as_bytes());
                vm.call_method(text.value(), intern("encode"), &[])?;
                return Ok((Program::Nothing, false));
            };
            let text = dedented(text);
            let code = compile(vm, &text, "<string>")?;
            // `linecache` takes it from there, should it be imported.
            let library = vm.import_module("_cape_library")?;
            let command = TupleObj::new(&[code.value(), StrObj::new(&text).value(), intern("<string>")]);
            vm.set_attr(library, intern("command"), command.value())?;
            (Program::Code(code), false)
        }
        Main::Module(name) => {
            let cwd = std::env::current_dir().map(|p| p.to_string_lossy().into_owned()).unwrap_or_default();
            prepend_path(&cwd);
            (module(StrObj::new(name).value(), Value::TRUE)?, false)
        }
        Main::File(path) => {
            let p = std::path::Path::new(path);
            let whole = std::env::current_dir().map_or_else(|_| p.to_path_buf(), |d| d.join(p));
            let shown = p.to_string_lossy().into_owned();
            if p.is_dir() || is_archive(p) || !p.exists() && is_importable(vm, &shown) {
                // Even when the path is a safe one otherwise: this is what is to be run.
                insert_path(&shown);
                return Ok((module(intern("__main__"), Value::FALSE)?, false));
            }
            let bytes = match std::fs::read(p).or_else(|e| embedded_source(vm, &shown).ok_or(e)) {
                Ok(b) => b,
                Err(e) => {
                    let no = e.raw_os_error().unwrap_or(0);
                    eprintln!(
                        "{}: can't open file '{}': [Errno {no}] {}",
                        rt().config().executable,
                        whole.display(),
                        strerror(no)
                    );
                    return Err(prompt::exit_with(vm, 2));
                }
            };
            let dir = std::fs::canonicalize(p).ok().and_then(|c| c.parent().map(|d| d.to_path_buf()));
            prepend_path(&dir.map(|d| d.to_string_lossy().into_owned()).unwrap_or_default());
            let file = cape_stdlib::fsname::decode(whole.as_os_str().as_bytes()).value();
            let shown = whole.to_string_lossy().into_owned();
            main_dict(vm)?.set_str(rt().names.file, file);
            main_dict(vm)?.set_str(intern("__cached__"), Value::NONE);
            let loader = vm.import_attr("_frozen_importlib_external", "SourceFileLoader")?;
            let l = vm.call(loader, &[rt().names.main, file])?;
            main_dict(vm)?.set_str(rt().names.loader, l);
            if shown.ends_with(".pyc") {
                let loader = vm.import_attr("_frozen_importlib_external", "SourcelessFileLoader")?;
                let l = vm.call(loader, &[rt().names.main, file])?;
                main_dict(vm)?.set_str(rt().names.loader, l);
                let code = vm.call_method(l, intern("get_code"), &[rt().names.main])?;
                let exec = vm.import_attr("builtins", "exec")?;
                return Ok((Program::Call(exec, [code, main_dict(vm)?.value()]), true));
            }
            let from = cape_builtins::compile_fn::Origin { name: &shown, is_file: true };
            refuse_null_bytes(vm, &bytes, &shown)?;
            let mut text = cape_builtins::compile_fn::decode_source(vm, &bytes, from)?;
            if cli.config.x_options.iter().any(|o| o.0 == "skip_first_line") {
                text = text.split_once('\n').map_or(String::new(), |(_, rest)| format!("\n{rest}"));
            }
            let program = code(&text, &shown).inspect_err(|r| {
                forget_file(vm, cli);
                lose_place(vm, r.value(), &text);
            })?;
            (program, true)
        }
        Main::Stdin => {
            prepend_path("");
            if is_interactive(cli) {
                return Ok((Program::Prompt, false));
            }
            let mut bytes = Vec::new();
            use std::io::Read;
            let _ = std::io::stdin().read_to_end(&mut bytes);
            let from = cape_builtins::compile_fn::Origin { name: "<stdin>", is_file: true };
            refuse_null_bytes(vm, &bytes, "<stdin>")?;
            let text = cape_builtins::compile_fn::decode_source(vm, &bytes, from)?;
            (code(&text, "<stdin>").inspect_err(|r| lose_place(vm, r.value(), &text))?, false)
        }
    })
}

/// Who reads a program from a file, and finds a backslash at the beginning of a statement to be its end, does not know the column any more.
fn lose_place(vm: &Vm, exception: Value, text: &str) {
    let mut lines = text.lines().rev();
    let begins =
        lines.next().is_some_and(|l| l.trim() == "\\") && !lines.next().is_some_and(|l| l.ends_with('\\'));
    let says = |r: Res<Value>| {
        r.ok().and_then(|v| v.downcast::<StrObj>()).is_some_and(|s| s.eq_str("unexpected EOF while parsing"))
    };
    if begins && says(vm.get_attr_str(exception, "msg")) {
        let _ = vm.set_attr(exception, intern("offset"), Value::int(0));
    }
}

/// The prompt that comes after a script is no file.
fn forget_file(vm: &Vm, cli: &Cli) {
    if let (true, Ok(main)) = (cli.config.inspect, main_dict(vm)) {
        for name in [rt().names.file, intern("__cached__")] {
            main.remove_str(name);
        }
    }
}

/// The source of a module of the embedded library, which programs may ask for by its `__file__`.
fn embedded_source(vm: &Vm, path: &str) -> Option<Vec<u8>> {
    let module_of = vm.import_attr("_cape_library", "_module_of").ok()?;
    let name = vm.call(module_of, &[StrObj::new(path).value()]).ok()?.downcast::<StrObj>()?;
    cape_frozen::find(&name.display()).map(|m| m.source())
}

/// Whether a path hook takes the path: one inside of an archive.
fn is_importable(vm: &Vm, path: &str) -> bool {
    let Some(hooks) = rt().sys().get_str(intern("path_hooks")).and_then(|h| h.downcast::<ListObj>()) else {
        return false;
    };
    let hooks = hooks.snapshot();
    let path = StrObj::new(path).value();
    hooks.as_slice().iter().any(|h| vm.call(*h, &[path]).is_ok())
}

fn is_archive(p: &std::path::Path) -> bool {
    use std::io::Read;
    let mut head = [0; 4];
    std::fs::File::open(p).and_then(|mut f| f.read_exact(&mut head)).is_ok() && &head == b"PK\x03\x04"
}

fn strerror(no: i32) -> String {
    // SAFETY: strerror gives a static string.
    unsafe { std::ffi::CStr::from_ptr(libc::strerror(no)) }.to_string_lossy().into_owned()
}

/// Gives `linecache` the lines of the code from the command line.
fn remember_source(vm: &Vm, text: &str) -> Res<()> {
    let cache = vm.import_attr("linecache", "cache")?;
    let lines = ListObj::new(&[]);
    text.split_inclusive('\n').for_each(|l| lines.push(StrObj::new(l).value()));
    let name = StrObj::new("<string>").value();
    let entry = [Value::int(text.len() as i64), Value::NONE, lines.value(), name];
    vm.set_item(cache, name, TupleObj::new(&entry).value())
}

/// Refuses a source that no file of text is, showing the line up to the NUL.
fn refuse_null_bytes(vm: &Vm, source: &[u8], filename: &str) -> Res<()> {
    let Some(at) = source.iter().position(|&b| b == 0) else { return Ok(()) };
    let before = String::from_utf8_lossy(&source[..at]);
    let line = before.matches('\n').count() + 1;
    let text = before.rsplit('\n').next().unwrap_or_default();
    let (name, text) = (StrObj::new(filename).value(), StrObj::new(text).value());
    let place = TupleObj::new(&[name, Value::int(line as i64), Value::int(0), text]);
    let message = intern("source code cannot contain null bytes");
    let e = vm.call(rt().types.syntax_error.value(), &[message, place.value()])?;
    match e.downcast::<ExcObj>() {
        Some(e) => Err(Raised::new(e)),
        None => Err(vm.syntax_error("source code cannot contain null bytes")),
    }
}

fn run_text(vm: &Vm, text: &str, filename: &str) -> Res<()> {
    run_in_main(vm, compile(vm, text, filename)?)
}

fn run_in_main(vm: &Vm, code: Ptr<CodeObj>) -> Res<()> {
    let d = main_dict(vm)?;
    vm.run_code(code, d, d.value(), None).map(|_| ())
}

fn compile(vm: &Vm, text: &str, filename: &str) -> Res<Ptr<CodeObj>> {
    let mode = cape_builtins::compile_fn::EXEC;
    cape_builtins::compile_fn::compile_text(vm, text, filename, mode, 0, rt().config().optimize)
}

/// The text without the whitespace that all its lines begin with; lines of nothing else become empty.
fn dedented(text: &str) -> String {
    let blank = |line: &str| line.trim_matches([' ', '\t', '\n']).is_empty();
    let mut margin: Option<&str> = None;
    for line in text.split_inclusive('\n').filter(|l| !blank(l)) {
        let indent = &line[..line.len() - line.trim_start_matches([' ', '\t']).len()];
        let common = margin.map_or(indent, |m| {
            let n = m.bytes().zip(indent.bytes()).take_while(|(a, b)| a == b).count();
            &m[..n]
        });
        margin = Some(common);
    }
    let n = margin.map_or(0, str::len);
    if n == 0 {
        return text.to_string();
    }
    text.split_inclusive('\n')
        .map(|l| if blank(l) { if l.ends_with('\n') { "\n" } else { "" } } else { &l[n..] })
        .collect()
}
