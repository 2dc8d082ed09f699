//! Start-up and shutdown of the interpreter.

use std::sync::atomic::{AtomicU8, Ordering};

use cape_heap::{ObjFlags, RootVec, heap};
use cape_stdlib::interpreters::Life;
use cape_vm::object::*;
use cape_vm::runtime::{Runtime, intern, rt, type_of};
use cape_vm::special::Special;
use cape_vm::{Res, Value, Vm, gil};

use crate::cli::{self, Cli};

/// The whole command: parses the command line, runs what it asks for, exits.
pub fn command() -> ! {
    close_again();
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

/// Runs what the command line asks for; the exit code. The frames from here to the program's stay while it runs, so what is made before it
/// is made in functions that have returned by then, and what they leave on the stack is wiped.
fn run(cli: Cli) -> i32 {
    let vm = match set_up(&cli) {
        Ok(vm) => vm,
        Err(code) => return code,
    };
    let code = match boot(&vm) {
        Ok(()) => {
            vm.scrub_native_stack();
            crate::program::run(&vm, &cli)
        }
        Err(r) => cape_stdlib::report::exit_code(&vm, r),
    };
    let code = finish(&vm, code);
    cape_stdlib::report::end_by_interrupt(code);
    code
}

/// The runtime and the main thread's VM; the exit code when that fails.
#[inline(never)]
fn set_up(cli: &Cli) -> Result<Box<Vm>, i32> {
    heap().attach_thread(cape_heap::native_stack_base());
    Runtime::start(cli.config.clone());
    let Some(stacks) = cape_vm::vm::Stacks::reserve() else {
        eprintln!("Fatal Python error: no address space for the main thread's stacks");
        return Err(1);
    };
    let vm = Vm::new(stacks, cape_vm::interpreter::main());
    gil::start(&vm);
    heap().add_root_scanner(gil::scan);
    cape_stdlib::pending::install(&vm);
    cape_bridge::install();
    heap().name_frames_by(cape_bridge::profile::owner_of_word);
    if let Some(options) = &cli.gc
        && let Err(e) = heap().set_options(options)
    {
        eprintln!("cape: -X gc={options}: {e}");
        return Err(2);
    }
    if let Some(option) = &cli.jit {
        let heat = option.parse().ok();
        if heat.is_none() && option != "off" {
            eprintln!("cape: -X jit={option}: neither a number nor \"off\"");
            return Err(2);
        }
        cape_vm::eval::set_threshold(heat);
    }
    cape_bridge::set_finish(finish);
    cape_stdlib::interpreters::set_life(Life { boot: boot_further, finish: finish_further });
    Ok(vm)
}

/// Builtins, `sys`, importlib, streams, `site`.
#[inline(never)]
fn boot(vm: &Vm) -> Res<()> {
    cape_stdlib::register();
    rt().add_native_module("_pickle", cape_pickle::init);
    cape_bridge::register_datetime();
    cape_asyncio::register();
    cape_sqlite::register();
    cape_ssl::register();
    cape_zstd::register();
    cape_elementtree::register();
    cape_builtins::init(vm);
    cape_stdlib::sys::start(vm)?;
    if rt().config().tracemalloc > 0 {
        cape_stdlib::tracemalloc::start(rt().config().tracemalloc);
    }
    first_streams();
    import_system(vm)?;
    let builtins = rt().modules().get_str(intern("builtins")).and_then(|m| m.downcast());
    cape_stdlib::contents::keep(vm, "builtins", builtins.expect("it was made"));
    streams(vm)?;
    // Installs the handler of SIGINT.
    vm.import_module("_signal")?;
    if rt().config().faulthandler {
        let enable = vm.import_attr("faulthandler", "enable")?;
        vm.call(enable, &[])?;
    }
    program_modules(vm)
}

/// `__main__`, and what is imported before the program.
fn program_modules(vm: &Vm) -> Res<()> {
    main_module(vm)?;
    if !rt().config().warn_options.is_empty() {
        vm.import_module("warnings")?;
    }
    if !rt().config().no_site {
        vm.import_module("site")?;
    }
    Ok(())
}

/// What `sys` has for standard streams until there are files.
fn first_streams() {
    let sys = rt().sys();
    for (name, fd) in [("stdout", 1), ("stderr", 2)] {
        sys.set_str(intern(name), cape_stdlib::stdprinter::new(fd));
    }
    sys.set_str(intern("stdin"), Value::NONE);
}

/// Gives a further interpreter, which runs, all that the first has.
fn boot_further(vm: &Vm) -> Res<()> {
    rt().make_namespaces();
    let Some(builtins) = cape_stdlib::contents::copy(vm, "builtins")? else {
        return Err(vm.system_error("builtins was not made"));
    };
    rt().builtins.set(builtins.dict().value());
    rt().import_function.set(builtins.get(rt().names.import).unwrap_or(Value::EMPTY));
    rt().modules().set_str(intern("builtins"), builtins.value());
    cape_stdlib::sys::start_further(vm)?;
    first_streams();
    import_system(vm)?;
    streams(vm)?;
    program_modules(vm)?;
    if let Some(folder) = rt().program_folder() {
        crate::program::insert_path(folder);
    }
    Ok(())
}

/// Runs what is to run at the end of a further interpreter, and takes away what keeps its objects.
fn finish_further(vm: &Vm) {
    at_exit(vm);
    flush_streams(vm, &mut 0);
    let modules = rt().modules();
    let main = modules.get_str(rt().names.main).and_then(|m| m.downcast::<ModuleObj>());
    for name in GIVEN_UP {
        rt().sys().set_str(intern(name), Value::NONE);
    }
    for d in main.map(|m| m.dict()).into_iter().chain([modules]) {
        d.table.clear(d.header());
        cape_vm::foreign::changed(d.header());
    }
    heap().collect(true);
    cape_stdlib::pending::run_finalizers(vm);
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
    m.dict().set_str(names.builtins, rt().builtins().value());
    rt().modules().set_str(intern("_frozen_importlib"), m.value());
    rt().importlib.set(m.value());
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

/// Which of the standard descriptors were closed when the process began, a bit each.
static CLOSED: AtomicU8 = AtomicU8::new(0);

/// Looks before Rust's runtime does, which opens those that are closed.
extern "C" fn note_closed() {
    for fd in 0..3 {
        // SAFETY: fcntl on any number.
        if unsafe { libc::fcntl(fd, libc::F_GETFD) } < 0 {
            CLOSED.fetch_or(1 << fd, Ordering::Relaxed);
        }
    }
}

/// Closes what Rust's runtime has opened in the place of closed standard descriptors: programs find them closed.
fn close_again() {
    for fd in (0..3).filter(|fd| CLOSED.load(Ordering::Relaxed) & 1 << fd != 0) {
        // SAFETY: nobody has used the descriptor yet.
        unsafe { libc::close(fd) };
    }
}

// SAFETY: the section holds addresses of functions of C that the loader calls before `main`; this one needs nothing that is made later.
#[used]
#[unsafe(link_section = ".init_array")]
static NOTE_CLOSED: extern "C" fn() = note_closed;

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
        intern(if c.ascii_names { "ascii" } else { "utf-8" })
    };
    let locale = crate::cli::ctype_locale();
    // In a locale that says nothing, or that stands for it, bytes that are no text pass through.
    let lenient = c.utf8_mode
        || crate::cli::is_posix(&locale)
        || matches!(locale.as_str(), "C.UTF-8" | "C.utf8" | "UTF-8");
    for (fd, name, mode) in [(0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")] {
        let closed = CLOSED.load(Ordering::Relaxed) & 1 << fd != 0;
        let stream = if closed {
            Value::NONE
        } else {
            let kw = DictObj::new();
            let errors = match (name, lenient) {
                ("stderr", _) => "backslashreplace",
                _ if !handler.is_empty() => handler,
                _ if own_encoding => "strict",
                (_, true) => "surrogateescape",
                _ => "strict",
            };
            kw.set_str(intern("encoding"), encoding);
            kw.set_str(intern("errors"), intern(errors));
            kw.set_str(intern("newline"), if name == "stdin" { Value::NONE } else { intern("\n") });
            let no_close = || {
                let kw = DictObj::new();
                kw.set_str(intern("closefd"), Value::FALSE);
                kw
            };
            let (f, raw) = if c.unbuffered && name != "stdin" {
                let raw = vm.call_dict(
                    open,
                    &[Value::int(fd as i64), intern("wb"), Value::int(0)],
                    Some(no_close()),
                )?;
                kw.set_str(intern("write_through"), Value::TRUE);
                (vm.call_dict(vm.get_attr_str(io, "TextIOWrapper")?, &[raw], Some(kw))?, raw)
            } else {
                let buffered = intern(if name == "stdin" { "rb" } else { "wb" });
                let buffer = vm.call_dict(open, &[Value::int(fd as i64), buffered], Some(no_close()))?;
                let raw = vm.get_attr_str(buffer, "raw")?;
                (vm.call_dict(vm.get_attr_str(io, "TextIOWrapper")?, &[buffer], Some(kw))?, raw)
            };
            vm.set_attr(raw, intern("name"), intern(&format!("<{name}>")))?;
            // SAFETY: isatty takes any number.
            let tty = unsafe { libc::isatty(fd) } == 1;
            let reconfigure = vm.get_attr_str(f, "reconfigure")?;
            let kw = DictObj::new();
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

/// Whether a stream says that it is closed.
fn is_closed(vm: &Vm, stream: Value) -> bool {
    vm.get_attr_str(stream, "closed").and_then(|c| vm.truth(c)).unwrap_or(false)
}

/// What `sys` has no more when objects are finalized at the end: nothing is to be imported then, as in CPython.
const GIVEN_UP: [&str; 12] = [
    "path",
    "argv",
    "ps1",
    "ps2",
    "last_exc",
    "last_type",
    "last_value",
    "last_traceback",
    "path_hooks",
    "path_importer_cache",
    "meta_path",
    "__interactivehook__",
];

/// From now on nothing can be imported.
fn give_up_modules() {
    for name in GIVEN_UP {
        rt().sys().set_str(intern(name), Value::NONE);
    }
    rt().sys().set_str(intern("modules"), DictObj::new().value());
    rt().imports_ended.set(true);
}

/// Whether something waits for its end that runs code of a program then.
fn has_finalizers_in_python() -> bool {
    let mut any = false;
    heap().each_finalizable(&mut |v| {
        any |= type_of(v).has(TypeFlags::HEAP) && !v.header().has(ObjFlags::FINALIZED);
    });
    any
}

/// Runs what is to run at exit and flushes the streams.
#[inline(never)]
fn finish(vm: &Vm, code: i32) -> i32 {
    if !cape_bridge::begin_end() {
        return code;
    }
    let mut code = code;
    at_exit(vm);
    cape_stdlib::interpreters::end_all(vm);
    cape_bridge::end_comes_to(cape_bridge::End::Finalizing);
    cape_stdlib::faulthandler::finish(vm);
    cape_stdlib::sys::begin_finalizing();
    flush_streams(vm, &mut code);
    cape_stdlib::signal::finish();
    // What is still alive is finalized: files are flushed, suspended generators closed. The standard streams stay.
    for name in ["stdin", "stdout", "stderr", "__stdin__", "__stdout__", "__stderr__"] {
        if let Some(s) = rt().sys().get_str(intern(name)).filter(|s| s.is_ptr()) {
            s.header().set(cape_heap::ObjFlags::FINALIZED);
        }
    }
    if cape_stdlib::gc::is_enabled() && has_finalizers_in_python() {
        // What is garbage still finds all modules.
        cape_stdlib::gc::collect_all(vm);
    }
    let last = kept_by_sys();
    give_up_modules();
    for _ in 0..5 {
        if !heap().finalize_all() {
            break;
        }
        cape_stdlib::pending::run_finalizers(vm);
    }
    for &v in last.as_slice() {
        // Nobody is left to be told what goes wrong.
        let _ = vm.try_special(v, Special::Del, &[]);
    }
    flush_streams(vm, &mut code);
    cape_bridge::end_comes_to(cape_bridge::End::Done);
    cape_bridge::run_at_exit();
    code
}

/// Waits for threads, and calls what `atexit` has.
fn at_exit(vm: &Vm) {
    if rt().modules().get_str(intern("threading")).is_some()
        && let Ok(f) = vm.import_attr("threading", "_shutdown")
        && let Err(r) = vm.call(f, &[])
    {
        cape_stdlib::report::print_exception(vm, r.exc());
    }
    cape_stdlib::atexit::run(vm);
}

/// What a program has put into `sys` and has a `__del__`: it is finalized when all else is.
fn kept_by_sys() -> RootVec {
    let found = RootVec::new();
    for e in rt().sys().table.iter() {
        let v = e.value;
        let del = |v: Value| !type_of(v).special(Special::Del).is_empty();
        if v.is_ptr() && type_of(v).has(TypeFlags::HEAP) && del(v) && !v.header().has(ObjFlags::FINALIZED) {
            v.header().set(ObjFlags::FINALIZED);
            found.push(v);
        }
    }
    found
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
