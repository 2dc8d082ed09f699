//! Start-up and shutdown of the interpreter.

use cape_heap::heap;
use cape_vm::object::*;
use cape_vm::runtime::{Runtime, intern, rt};
use cape_vm::{Ptr, Raised, Res, Value, Vm, gil};

use crate::cli::{self, Cli, Main};

/// The whole command: parses the command line, runs what it asks for, exits.
pub fn command() -> ! {
    let cli = match cli::parse(std::env::args_os().collect()) {
        Ok(cli) => cli,
        Err(code) => std::process::exit(code),
    };
    if let Some(file) = &cli.profile
        && let Err(e) = cape_bridge::profile::start(file.as_ref())
    {
        eprintln!("cape: {}: {e}", file.display());
        std::process::exit(2);
    }
    std::process::exit(run(cli))
}

/// Runs what the command line asks for; the exit code.
fn run(cli: Cli) -> i32 {
    heap().attach_thread(cape_heap::native_stack_base());
    Runtime::start(cli.config.clone());
    let Some(stacks) = cape_vm::vm::Stacks::reserve() else {
        eprintln!("Fatal Python error: no address space for the main thread's stacks");
        return 1;
    };
    let vm = Vm::new(stacks);
    gil::start(&vm);
    heap().add_root_scanner(gil::scan);
    cape_stdlib::pending::install(&vm);
    cape_bridge::install();
    if let Some(options) = &cli.gc
        && let Err(e) = heap().set_options(options)
    {
        eprintln!("cape: -X gc={options}: {e}");
        return 2;
    }
    if let Some(option) = &cli.jit {
        let heat = option.parse().ok();
        if heat.is_none() && option != "off" {
            eprintln!("cape: -X jit={option}: neither a number nor \"off\"");
            return 2;
        }
        cape_vm::eval::set_threshold(heat);
    }
    cape_bridge::set_finish(finish);
    let code = match boot(&vm).and_then(|()| run_main(&vm, &cli)) {
        Ok(()) => 0,
        Err(r) => {
            if let Main::Command(text) = &cli.main
                && !r.is(rt().types.system_exit)
            {
                // Its lines are shown in tracebacks. What goes wrong here only leaves them out.
                let _ = remember_source(&vm, text);
            }
            cape_stdlib::report::exit_code(&vm, r)
        }
    };
    finish(&vm, code)
}

/// Builtins, `sys`, importlib, streams, `site`.
fn boot(vm: &Vm) -> Res<()> {
    cape_stdlib::register();
    cape_builtins::init(vm);
    cape_stdlib::sys::start(vm)?;
    let sys = rt().sys();
    for (name, fd) in [("stdout", 1), ("stderr", 2)] {
        sys.set_str(intern(name), cape_stdlib::stdprinter::new(fd));
    }
    sys.set_str(intern("stdin"), Value::NONE);
    import_system(vm)?;
    streams(vm)?;
    // Installs the handler of SIGINT.
    vm.import_module("_signal")?;
    if rt().config().faulthandler {
        let enable = vm.import_attr("faulthandler", "enable")?;
        vm.call(enable, &[])?;
    }
    main_module(vm)?;
    if !rt().config().warn_options.is_empty() {
        vm.import_module("warnings")?;
    }
    if !rt().config().no_site {
        vm.import_module("site")?;
    }
    Ok(())
}

/// importlib from the embedded library, with the path hook for the rest of it.
fn import_system(vm: &Vm) -> Res<()> {
    let boot = cape_frozen::find("importlib._bootstrap").expect("importlib is embedded");
    let code = cape_stdlib::imp::embedded_code(vm, &boot, "<frozen importlib._bootstrap>")?;
    let m = ModuleObj::with_map(rt().maps.module);
    let names = &rt().names;
    m.dict().set_str(names.name, intern("_frozen_importlib"));
    m.dict().set_str(intern("__origname__"), intern("importlib._bootstrap"));
    for n in [names.doc, names.package, names.loader, names.spec] {
        m.dict().set_str(n, Value::NONE);
    }
    m.dict().set_str(names.builtins, rt().modules().get_str(intern("builtins")).unwrap_or(Value::NONE));
    rt().modules().set_str(intern("_frozen_importlib"), m.value());
    vm.run_code(code, m.dict(), m.dict().value(), None)?;
    let imp = cape_stdlib::imp::make_native(vm, "_imp")?;
    rt().modules().set_str(intern("_imp"), imp);
    let install = vm.get_attr_str(m.value(), "_install")?;
    let sys = rt().modules().get_str(intern("sys")).unwrap_or(Value::NONE);
    vm.call(install, &[sys, imp])?;
    let external = vm.get_attr_str(m.value(), "_install_external_importers")?;
    vm.call(external, &[])?;
    let library = vm.import_module("_cape_library")?;
    if rt().config().home.is_none() {
        let install = vm.get_attr_str(library, "install")?;
        vm.call(install, &[])?;
    }
    Ok(())
}

/// `sys.stdin`, `sys.stdout`, `sys.stderr` as text files.
fn streams(vm: &Vm) -> Res<()> {
    vm.import_module("encodings")?;
    let io = vm.import_module("io")?;
    let open = vm.get_attr_str(io, "open")?;
    let c = rt().config();
    let (encoding, handler) = c.io_encoding.split_once(':').unwrap_or((&c.io_encoding, ""));
    let own_encoding = !encoding.is_empty();
    let encoding = if own_encoding {
        let codec = vm.call(vm.import_attr("codecs", "lookup")?, &[intern(encoding)])?;
        vm.get_attr_str(codec, "name")?
    } else {
        intern("utf-8")
    };
    for (fd, name, mode) in [(0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")] {
        // SAFETY: fcntl on any number.
        let closed = unsafe { libc::fcntl(fd, libc::F_GETFD) } < 0;
        let stream = if closed {
            Value::NONE
        } else {
            let kw = DictObj::new();
            let errors = match (name, posix_locale()) {
                ("stderr", _) => "backslashreplace",
                _ if !handler.is_empty() => handler,
                _ if own_encoding => "strict",
                (_, true) => "surrogateescape",
                _ => "strict",
            };
            kw.set_str(intern("encoding"), encoding);
            kw.set_str(intern("errors"), intern(errors));
            kw.set_str(intern("newline"), if name == "stdin" { Value::NONE } else { intern("\n") });
            kw.set_str(intern("closefd"), Value::FALSE);
            let f = vm.call_dict(open, &[Value::int(fd as i64), intern(mode)], Some(kw))?;
            let buffer = vm.get_attr_str(f, "buffer")?;
            let raw = vm.get_attr_str(buffer, "raw")?;
            vm.set_attr(raw, intern("name"), intern(&format!("<{name}>")))?;
            // SAFETY: isatty takes any number.
            let tty = unsafe { libc::isatty(fd) } == 1;
            let reconfigure = vm.get_attr_str(f, "reconfigure")?;
            let kw = DictObj::new();
            if c.unbuffered && name != "stdin" {
                kw.set_str(intern("write_through"), Value::TRUE);
            }
            if tty || name == "stderr" {
                kw.set_str(intern("line_buffering"), Value::TRUE);
            }
            if !kw.is_empty() {
                vm.call_dict(reconfigure, &[], Some(kw))?;
            }
            vm.set_attr(f, intern("mode"), intern(mode))?;
            f
        };
        rt().sys().set_str(intern(name), stream);
        rt().sys().set_str(intern(&format!("__{name}__")), stream);
    }
    let wrapper = vm.get_attr_opt(io, intern("open"))?;
    if let Some(o) = wrapper {
        rt().builtins().set_str(intern("open"), o);
    }
    Ok(())
}

fn posix_locale() -> bool {
    let get = |n: &str| std::env::var(n).ok().filter(|v| !v.is_empty());
    let l = get("LC_ALL").or_else(|| get("LC_CTYPE")).or_else(|| get("LANG")).unwrap_or_default();
    l.is_empty() || l == "C" || l == "POSIX"
}

/// `__main__`.
fn main_module(vm: &Vm) -> Res<()> {
    let m = ModuleObj::with_map(rt().maps.module);
    let names = &rt().names;
    let d = m.dict();
    d.set_str(names.name, names.main);
    for n in [names.doc, names.package, names.loader, names.spec] {
        d.set_str(n, Value::NONE);
    }
    d.set_str(names.builtins, rt().modules().get_str(intern("builtins")).unwrap_or(Value::NONE));
    let external = vm.import_module("_frozen_importlib")?;
    d.set_str(names.loader, vm.get_attr_str(external, "BuiltinImporter")?);
    rt().modules().set_str(names.main, m.value());
    Ok(())
}

fn main_dict() -> Ptr<DictObj> {
    rt().modules()
        .get_str(rt().names.main)
        .and_then(|m| m.downcast::<ModuleObj>())
        .expect("__main__ is a module")
        .dict()
}

fn prepend_path(entry: &str) {
    if !rt().config().safe_path {
        insert_path(entry);
    }
}

fn insert_path(entry: &str) {
    if let Some(p) = rt().sys().get_str(intern("path")).and_then(|p| p.downcast::<ListObj>()) {
        p.splice(0, 0, &[StrObj::new(entry).value()]);
    }
}

fn run_main(vm: &Vm, cli: &Cli) -> Res<()> {
    match &cli.main {
        Main::Command(text) => {
            prepend_path("");
            run_text(vm, text, "<string>")
        }
        Main::Module(name) => {
            let cwd = std::env::current_dir().map(|p| p.to_string_lossy().into_owned()).unwrap_or_default();
            prepend_path(&cwd);
            let f = vm.import_attr("runpy", "_run_module_as_main")?;
            vm.call(f, &[StrObj::new(name).value(), Value::TRUE]).map(|_| ())
        }
        Main::File(path) => {
            let p = std::path::Path::new(path);
            let shown = p.to_string_lossy().into_owned();
            if p.is_dir() || is_archive(p) || !p.exists() && is_importable(vm, &shown) {
                // Even when the path is a safe one otherwise: this is what is to be run.
                insert_path(&shown);
                let f = vm.import_attr("runpy", "_run_module_as_main")?;
                return vm.call(f, &[intern("__main__"), Value::FALSE]).map(|_| ());
            }
            let bytes = match std::fs::read(p) {
                Ok(b) => b,
                Err(e) => {
                    let no = e.raw_os_error().unwrap_or(0);
                    eprintln!(
                        "{}: can't open file '{}': [Errno {no}] {}",
                        rt().config().executable,
                        std::path::absolute(p).unwrap_or(p.to_path_buf()).display(),
                        strerror(no)
                    );
                    return Err(exit_with(vm, 2));
                }
            };
            let dir = std::fs::canonicalize(p).ok().and_then(|c| c.parent().map(|d| d.to_path_buf()));
            prepend_path(&dir.map(|d| d.to_string_lossy().into_owned()).unwrap_or_default());
            main_dict().set_str(rt().names.file, StrObj::new(&shown).value());
            main_dict().set_str(intern("__cached__"), Value::NONE);
            let loader = vm.import_attr("_frozen_importlib_external", "SourceFileLoader")?;
            let l = vm.call(loader, &[rt().names.main, StrObj::new(&shown).value()])?;
            main_dict().set_str(rt().names.loader, l);
            if shown.ends_with(".pyc") {
                let loader = vm.import_attr("_frozen_importlib_external", "SourcelessFileLoader")?;
                let l = vm.call(loader, &[rt().names.main, StrObj::new(&shown).value()])?;
                main_dict().set_str(rt().names.loader, l);
                let code = vm.call_method(l, intern("get_code"), &[rt().names.main])?;
                let exec = vm.import_attr("builtins", "exec")?;
                return vm.call(exec, &[code, main_dict().value()]).map(|_| ());
            }
            let from = cape_builtins::compile_fn::Origin { name: &shown, is_file: true };
            let mut text = cape_builtins::compile_fn::decode_source(vm, &bytes, from)?;
            if cli.config.x_options.iter().any(|o| o.0 == "skip_first_line") {
                text = text.split_once('\n').map_or(String::new(), |(_, rest)| format!("\n{rest}"));
            }
            run_text(vm, &text, &shown)
        }
        Main::Stdin => {
            // SAFETY: isatty takes any number.
            let tty = unsafe { libc::isatty(0) } == 1;
            prepend_path("");
            if tty || cli.config.interactive {
                return interactive(vm);
            }
            let mut bytes = Vec::new();
            use std::io::Read;
            let _ = std::io::stdin().read_to_end(&mut bytes);
            let from = cape_builtins::compile_fn::Origin { name: "<stdin>", is_file: true };
            let text = cape_builtins::compile_fn::decode_source(vm, &bytes, from)?;
            run_text(vm, &text, "<stdin>")
        }
    }
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

fn interactive(vm: &Vm) -> Res<()> {
    let c = rt().config();
    if !c.quiet {
        let v = rt().sys().get_str(intern("version")).and_then(|v| v.downcast::<StrObj>());
        eprintln!("Python {} on linux", v.map(|v| v.display()).unwrap_or_default());
        eprintln!("Type \"help\", \"copyright\", \"credits\" or \"license\" for more information.");
    }
    let f = vm.import_attr("code", "InteractiveConsole")?;
    let console = vm.call(f, &[main_dict().value()])?;
    let interact = vm.get_attr_str(console, "interact")?;
    vm.call(interact, &[intern(""), intern("")]).map(|_| ())
}

fn strerror(no: i32) -> String {
    // SAFETY: strerror gives a static string.
    unsafe { std::ffi::CStr::from_ptr(libc::strerror(no)) }.to_string_lossy().into_owned()
}

fn exit_with(vm: &Vm, code: i64) -> Raised {
    let v = Value::int(code);
    let r = vm.new_exc_args(rt().types.system_exit, &[v]);
    cape_vm::exc::set_extra(r.exc(), 0, v);
    r
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

fn run_text(vm: &Vm, text: &str, filename: &str) -> Res<()> {
    if text.contains('\0') {
        return Err(vm.syntax_error("source code cannot contain null bytes"));
    }
    let mode = cape_builtins::compile_fn::EXEC;
    let code = cape_builtins::compile_fn::compile_text(vm, text, filename, mode, 0, rt().config().optimize)?;
    let d = main_dict();
    vm.run_code(code, d, d.value(), None).map(|_| ())
}

/// Whether a stream says that it is closed.
fn is_closed(vm: &Vm, stream: Value) -> bool {
    vm.get_attr_str(stream, "closed").and_then(|c| vm.truth(c)).unwrap_or(false)
}

/// Runs what is to run at exit and flushes the streams.
fn finish(vm: &Vm, code: i32) -> i32 {
    if !cape_bridge::begin_end() {
        return code;
    }
    let mut code = code;
    if rt().modules().get_str(intern("threading")).is_some()
        && let Ok(f) = vm.import_attr("threading", "_shutdown")
        && let Err(r) = vm.call(f, &[])
    {
        cape_stdlib::report::print_exception(vm, r.exc());
    }
    if let Some(m) = rt().modules().get_str(intern("atexit"))
        && let Ok(f) = vm.get_attr_str(m, "_run_exitfuncs")
        && let Err(r) = vm.call(f, &[])
    {
        cape_stdlib::report::print_exception(vm, r.exc());
    }
    cape_bridge::end_comes_to(cape_bridge::End::Finalizing);
    cape_stdlib::faulthandler::finish(vm);
    cape_stdlib::sys::begin_finalizing();
    flush_streams(vm, &mut code);
    // What is still alive is finalized: files are flushed, suspended generators closed. The standard streams stay.
    for name in ["stdin", "stdout", "stderr", "__stdin__", "__stdout__", "__stderr__"] {
        if let Some(s) = rt().sys().get_str(intern(name)).filter(|s| s.is_ptr()) {
            s.header().set(cape_heap::ObjFlags::FINALIZED);
        }
    }
    for _ in 0..5 {
        if !heap().finalize_all() {
            break;
        }
        cape_stdlib::pending::run_finalizers(vm);
    }
    flush_streams(vm, &mut code);
    cape_bridge::end_comes_to(cape_bridge::End::Done);
    cape_bridge::run_at_exit();
    code
}

/// Flushes the standard streams; a failure of stdout is reported and becomes the exit code.
fn flush_streams(vm: &Vm, code: &mut i32) {
    let failed = *code == 120;
    for name in ["stdout", "stderr"] {
        if failed && name == "stdout" {
            continue;
        }
        if let Some(s) = rt().sys().get_str(intern(name))
            && !s.is_none()
            && !is_closed(vm, s)
            && let Err(r) = vm.call_method(s, rt().names.flush, &[])
        {
            if name == "stdout" {
                *code = 120;
                cape_stdlib::report::write_stderr(vm, "Exception ignored while flushing sys.stdout:\n");
                cape_stdlib::report::print_exception(vm, r.exc());
            }
        }
    }
}
