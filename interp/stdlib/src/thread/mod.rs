//! `_thread`.

mod handle;
mod local;
mod locks;

pub use handle::{after_fork, shutdown};
pub(crate) use local::leave;

use cape_vm::object::{ExcObj, DictObj, ModuleObj, StrObj, TupleObj};
use cape_vm::structseq::{Spec, StructSeq};
use cape_vm::{Ptr, Raised, Res, Value, Vm, intern, rt, type_of};

static EXCEPT_HOOK_ARGS: StructSeq = StructSeq::new(Spec {
    name: "_thread._ExceptHookArgs",
    doc: "ExceptHookArgs\n\nType used to pass arguments to threading.excepthook.",
    fields: &[
        ("exc_type", "Exception type"),
        ("exc_value", "Exception value"),
        ("exc_traceback", "Exception traceback"),
        ("thread", "Thread"),
    ],
    visible: 4,
    instantiable: true,
    complete: None,
});

/// The longest wait, in nanoseconds.
pub const TIMEOUT_MAX: i64 = i64::MAX;

/// Fills the module.
pub fn init(_: &Vm, m: Ptr<ModuleObj>) -> Res<()> {
    m.add("error", rt().types.runtime_error.value())
        .add("TIMEOUT_MAX", Value::float((TIMEOUT_MAX / 1_000_000_000) as f64))
        .add("_NAME_MAXLEN", Value::int(15));
    m.class(EXCEPT_HOOK_ARGS.class());
    locks::init(m);
    local::init(m);
    handle::init(m);
    m.function("_excepthook($module, args, /)", "Handle uncaught Thread.run() exception.", excepthook)
        .function("_get_name($module, /)", "Get the name of the current thread.", get_name)
        .function("_is_main_interpreter($module, /)", "Return True if the current interpreter is the main Python interpreter.", |vm: &Vm| vm.interpreter().is_main())
        .function("exit($module, /)", "Raise SystemExit.", exit)
        .function("exit_thread($module, /)", "An obsolete synonym of exit().", exit)
        .function("get_ident($module, /)", "Return a non-zero integer that uniquely identifies the current thread.", get_ident)
        .function("get_native_id($module, /)", "Return a non-negative integer identifying the thread as reported by the OS.", |_: &Vm| {
            // SAFETY: a plain call.
            unsafe { libc::syscall(libc::SYS_gettid) }
        })
        .function("interrupt_main($module, signum=signal.SIGINT, /)", "Simulate the arrival of the given signal in the main thread.", interrupt_main)
        .function("set_name($module, /, name)", "Set the name of the current thread.", set_name);
    Ok(())
}

fn get_ident(vm: &Vm) -> u64 {
    vm.ident.get()
}

fn exit(vm: &Vm) -> Res<()> {
    Err(vm.new_exc_args(rt().types.system_exit, &[]))
}

fn interrupt_main(vm: &Vm, signum: Option<i32>) -> Res<()> {
    let n = signum.unwrap_or(libc::SIGINT);
    if !(1..65).contains(&n) {
        return Err(vm.value_error("signal number out of range"));
    }
    if crate::signal::is_inert(n) {
        return Ok(());
    }
    crate::signal::simulate(n);
    // In the main thread itself the signal has arrived when this returns.
    vm.poll()
}

fn set_name(vm: &Vm, name: Ptr<StrObj>) -> Res<()> {
    let mut bytes = crate::fsname::encode(vm, name).unwrap_or_else(|_| name.display().into_bytes());
    // A name of C ends at a NUL.
    bytes.truncate(memchr::memchr(0, &bytes).unwrap_or(bytes.len()));
    // The system's limit, which may tear a character.
    bytes.truncate(15);
    let name = std::ffi::CString::new(bytes).expect("without NULs");
    // SAFETY: a terminated name of at most 15 bytes.
    let r = unsafe { libc::pthread_setname_np(libc::pthread_self(), name.as_ptr()) };
    if r != 0 { Err(crate::oserror::os_error(vm, r, Value::EMPTY)) } else { Ok(()) }
}

fn get_name(vm: &Vm) -> Res<Value> {
    let mut buf = [0u8; 100];
    // SAFETY: the buffer is as long as said.
    let r = unsafe { libc::pthread_getname_np(libc::pthread_self(), buf.as_mut_ptr() as *mut libc::c_char, buf.len()) };
    if r != 0 {
        return Err(crate::oserror::os_error(vm, r, Value::EMPTY));
    }
    let n = memchr::memchr(0, &buf).unwrap_or(buf.len());
    Ok(crate::fsname::decode(&buf[..n]).value())
}

/// Prints what ended a thread.
fn excepthook(vm: &Vm, args: Value) -> Res<()> {
    let Some(a) = args.downcast::<TupleObj>().filter(|_| type_of(args) == EXCEPT_HOOK_ARGS.class()) else {
        return Err(vm.type_error("_thread._excepthook argument type must be ExceptHookArgs"));
    };
    if a.get(0) == rt().types.system_exit.value() {
        return Ok(());
    }
    let thread = a.get(3);
    let name = if thread.is_none() { None } else { vm.get_attr_opt(thread, intern("_name"))? };
    let shown = match name {
        Some(n) => vm.str(n)?.display(),
        None => vm.ident.get().to_string(),
    };
    let header = format!("Exception in thread {shown}:\n");
    let e = a.get(1).downcast::<ExcObj>();
    if rt().sys().get_str(rt().names.stderr).is_none_or(|f| f.is_none()) {
        // The stream of when the thread was made takes its place.
        let file = if thread.is_none() { None } else { vm.get_attr_opt(thread, intern("_stderr"))? };
        if let Some(file) = file.filter(|f| !f.is_none()) {
            let text = e.map(|e| cape_builtins::traceback_print::format_exception(vm, e)).unwrap_or_default();
            vm.call_method(file, rt().names.write, &[StrObj::new(&(header + &text)).value()])?;
            vm.call_method(file, rt().names.flush, &[])?;
        }
        return Ok(());
    }
    crate::report::write_stderr(vm, &header);
    if let Some(e) = e {
        crate::report::print_exception(vm, e);
    }
    Ok(())
}

/// Reports an exception that ended a thread without a `threading.Thread`.
fn report(vm: &Vm, e: Raised, function: Value) {
    if e.is(rt().types.system_exit) {
        return;
    }
    let text = vm.repr_str(function).unwrap_or_default();
    crate::warn::unraisable_message(vm, e, Value::NONE, &format!("Exception ignored in thread started by {text}"));
}

/// Keyword arguments for a thread's function: a dict, or nothing.
fn kwargs_of(vm: &Vm, v: Option<Value>) -> Res<Option<Ptr<DictObj>>> {
    match v {
        None => Ok(None),
        Some(v) => match v.downcast() {
            Some(d) => Ok(Some(d)),
            None => Err(vm.type_error("optional 3rd arg must be a dictionary")),
        },
    }
}
