//! `displayhook`, `excepthook`, `exc_info`, frames, audit hooks, `exit`.

use cape_builtins::function::or_none;
use cape_vm::class::full_name;
use cape_vm::exc::set_extra;
use cape_vm::foreign::Tracer;
use cape_vm::frame::FrameObj;
use cape_vm::object::*;
use cape_vm::runtime::{intern, rt, type_of};
use cape_vm::{Ptr, Res, Value, Vm};

pub(super) fn init(_vm: &Vm, m: Ptr<ModuleObj>) -> Res<()> {
    m.function(
        "displayhook(object, /)",
        "Print an object to sys.stdout and also save it in builtins._",
        displayhook,
    )
    .function(
        "excepthook(exctype, value, traceback, /)",
        "Handle an exception by displaying it with a traceback on sys.stderr.",
        excepthook,
    )
    .function("unraisablehook(unraisable, /)", "Handle an unraisable exception.", unraisablehook)
    .function(
        "breakpointhook(*args, **kwargs)",
        "This hook function is called by built-in breakpoint().",
        breakpointhook,
    )
    .function("exception()", "Return the current exception.", |vm: &Vm| vm.handled_exception())
    .function("exc_info()", "Return current exception information: (type, value, traceback).", exc_info)
    .function("_baserepl()", "Private function for getting the base REPL", |vm: &Vm| {
        crate::prompt::interact(vm)
    })
    .function("exit(status=None, /)", "Exit the interpreter by raising SystemExit(status).", exit)
    .function("_getframe(depth=0, /)", "Return a frame object from the call stack.", getframe)
    .function(
        "_getframemodulename(depth=0)",
        "Return the name of the module for a calling frame.",
        getframemodulename,
    )
    .function(
        "_current_frames()",
        "Return a dict mapping each thread's thread id to its current stack frame.",
        current_frames,
    )
    .function(
        "_current_exceptions()",
        "Return a dict mapping each thread's identifier to its current raised exception.",
        current_exceptions,
    )
    .function(
        "audit(event, /, *args)",
        "Passes the event to any hooks that are attached.",
        |vm: &Vm, event, args| vm.tell_hooks(event, args),
    )
    .function("addaudithook(hook)", "Adds a new audit hook callback.", |vm: &Vm, hook: Value| {
        vm.add_audit_hook(hook)
    })
    .function("gettrace()", "Return the global debug tracing function set with sys.settrace.", |vm: &Vm| {
        or_none(vm.tracer().object)
    })
    .function("getprofile()", "Return the profiling function set with sys.setprofile.", |vm: &Vm| {
        or_none(vm.profiler().object)
    })
    .function("settrace(function, /)", "Set the global debug tracing function.", |vm: &Vm, f: Value| {
        vm.audit("sys.settrace", &[])?;
        vm.set_trace(unless_none(f));
        Ok::<_, cape_vm::Raised>(())
    })
    .function("setprofile(function, /)", "Set the profiling function.", |vm: &Vm, f: Value| {
        vm.audit("sys.setprofile", &[])?;
        vm.set_profile(unless_none(f));
        Ok::<_, cape_vm::Raised>(())
    })
    .function(
        "_settraceallthreads(function, /)",
        "Set the global debug tracing function in all running threads.",
        |_: &Vm, f: Value| cape_vm::gil::each_vm(|vm| vm.set_trace(unless_none(f))),
    )
    .function(
        "_setprofileallthreads(function, /)",
        "Set the profiling function in all running threads.",
        |_: &Vm, f: Value| cape_vm::gil::each_vm(|vm| vm.set_profile(unless_none(f))),
    )
    .function(
        "call_tracing(func, args, /)",
        "Call func(*args), while tracing is enabled.",
        |vm: &Vm, f: Value, a: Ptr<TupleObj>| vm.as_if_idle(|| vm.call(f, a.as_slice())),
    )
    .function(
        "get_asyncgen_hooks()",
        "Return the installed asynchronous generators hooks.",
        get_asyncgen_hooks,
    )
    .function(
        "set_asyncgen_hooks(firstiter=None, finalizer=None)",
        "Set a finalizer for async generators objects.",
        set_asyncgen_hooks,
    )
    .function(
        "get_coroutine_origin_tracking_depth()",
        "Check status of origin tracking for coroutine objects in this thread.",
        |vm: &Vm| vm.origin_depth.get(),
    )
    .function(
        "set_coroutine_origin_tracking_depth(depth)",
        "Enable or disable origin tracking for coroutine objects in this thread.",
        set_origin_depth,
    );
    for (copy, name) in [
        ("__displayhook__", "displayhook"),
        ("__excepthook__", "excepthook"),
        ("__unraisablehook__", "unraisablehook"),
        ("__breakpointhook__", "breakpointhook"),
    ] {
        if let Some(f) = m.get(intern(name)) {
            m.add(copy, f);
        }
    }
    m.called_cleanly(&["settrace", "setprofile"]);
    Ok(())
}

fn unless_none(f: Value) -> Tracer {
    if f.is_none() { Tracer::NONE } else { Tracer::python(f) }
}

fn displayhook(vm: &Vm, v: Value) -> Res<()> {
    if v.is_none() {
        return Ok(());
    }
    let b = rt().builtins();
    b.set_str(rt().names.underscore, Value::NONE);
    let Some(out) = rt().sys().get_str(rt().names.stdout).filter(|o| !o.is_none()) else {
        return Err(vm.runtime_error("lost sys.stdout"));
    };
    let text = vm.repr(v)?;
    match vm.call_method(out, rt().names.write, &[text.value()]) {
        Err(r) if r.is(rt().types.unicode_encode_error) => {
            // What its encoding lacks is escaped.
            let encoding = vm.get_attr_str(out, "encoding")?;
            let handler = intern("backslashreplace");
            let escaped = vm.call_method(text.value(), intern("encode"), &[encoding, handler])?;
            match vm.get_attr_opt(out, intern("buffer"))? {
                Some(buffer) => vm.call_method(buffer, rt().names.write, &[escaped])?,
                None => {
                    let strict = intern("strict");
                    let text = vm.call_method(escaped, intern("decode"), &[encoding, strict])?;
                    vm.call_method(out, rt().names.write, &[text])?
                }
            };
        }
        r => {
            r?;
        }
    }
    vm.call_method(out, rt().names.write, &[intern("\n")])?;
    b.set_str(rt().names.underscore, v);
    Ok(())
}

fn excepthook(vm: &Vm, class: Value, value: Value, tb: Value) -> Res<()> {
    let _ = class;
    if let Some(e) = value.downcast::<ExcObj>() {
        if tb.is::<TracebackObj>() && e.traceback.get().is_none() {
            e.traceback.set(e, tb);
        }
        crate::report::print_exception(vm, e);
    } else {
        let got = type_of(value).name_str();
        let text = format!("TypeError: print_exception(): Exception expected for value, {got} found\n");
        crate::report::write_stderr(vm, &text);
    }
    Ok(())
}

fn unraisablehook(vm: &Vm, u: Value) -> Res<()> {
    let value = vm.get_attr_str(u, "exc_value")?;
    let message = vm.get_attr_str(u, "err_msg")?;
    let object = vm.get_attr_str(u, "object")?;
    crate::report::unraisable_text(vm, value, message, object);
    Ok(())
}

fn breakpointhook(vm: &Vm, args: Ptr<TupleObj>, kwargs: Ptr<DictObj>) -> Res<Value> {
    let name = std::env::var("PYTHONBREAKPOINT").unwrap_or_default();
    if name == "0" {
        return Ok(Value::NONE);
    }
    let name = if name.is_empty() { "pdb.set_trace".to_string() } else { name };
    let (module, attr) = name.rsplit_once('.').unwrap_or(("builtins", &name));
    // A name that begins with its last dot names no module.
    let found = if module.is_empty() { None } else { unless_missing(vm.import_attr(module, attr))? };
    let Some(f) = found else {
        let text = format!("Ignoring unimportable $PYTHONBREAKPOINT: \"{name}\"");
        cape_builtins::number::warn(vm, rt().types.runtime_warning, &text)?;
        return Ok(Value::NONE);
    };
    vm.call_dict(f, args.as_slice(), Some(kwargs))
}

/// Nothing for what cannot be imported.
fn unless_missing(r: Res<Value>) -> Res<Option<Value>> {
    let missing = [rt().types.import_error, rt().types.attribute_error];
    match r {
        Err(e) if missing.iter().any(|&t| e.is(t)) => Ok(None),
        r => r.map(Some),
    }
}

fn exc_info(vm: &Vm) -> Ptr<TupleObj> {
    match vm.handled_exception() {
        Some(e) => TupleObj::new(&[type_of(e.value()).value(), e.value(), e.traceback.get()]),
        None => TupleObj::new(&[Value::NONE; 3]),
    }
}

fn exit(vm: &Vm, status: Option<Value>) -> Res<()> {
    let v = status.unwrap_or(Value::NONE);
    let args: &[Value] = if v.is_none() { &[] } else { &[v] };
    let r = match v.downcast::<TupleObj>() {
        Some(t) => vm.new_exc_args(rt().types.system_exit, t.as_slice()),
        None => vm.new_exc_args(rt().types.system_exit, args),
    };
    let code = match v.downcast::<TupleObj>() {
        Some(t) if t.len() < 2 => t.as_slice().first().copied().unwrap_or(Value::NONE),
        _ => v,
    };
    set_extra(r.exc(), 0, code);
    Err(r)
}

fn frame_at(vm: &Vm, depth: i64) -> Option<Ptr<FrameObj>> {
    let mut f = vm.top_frame()?;
    for _ in 0..depth.max(0) {
        f = vm.frame_below(f)?;
    }
    Some(vm.frame_object(f))
}

fn getframe(vm: &Vm, depth: Option<i64>) -> Res<Ptr<FrameObj>> {
    let frame =
        frame_at(vm, depth.unwrap_or(0)).ok_or_else(|| vm.value_error("call stack is not deep enough"))?;
    vm.audit("sys._getframe", &[frame.value()])?;
    Ok(frame)
}

fn getframemodulename(vm: &Vm, depth: Option<i64>) -> Res<Value> {
    let depth = depth.unwrap_or(0);
    vm.audit("sys._getframemodulename", &[Int::Small(depth).into_value()])?;
    Ok(frame_at(vm, depth)
        .and_then(|f| f.globals.downcast::<DictObj>())
        .and_then(|g| g.get_str(rt().names.name))
        .unwrap_or(Value::NONE))
}

/// What `of` says of each thread's VM, by the thread's identity.
fn of_threads(vm: &Vm, of: impl Fn(&Vm) -> Option<Value>) -> Res<Ptr<DictObj>> {
    let d = DictObj::new();
    let mut result = Ok(());
    cape_vm::gil::each_vm(|thread| {
        if result.is_ok()
            && let Some(v) = of(thread)
        {
            result = d.set(vm, Int::Small(thread.ident.get() as i64).into_value(), v);
        }
    });
    result.map(|()| d)
}

fn current_frames(vm: &Vm) -> Res<Ptr<DictObj>> {
    vm.audit("sys._current_frames", &[])?;
    of_threads(vm, |thread| frame_at(thread, 0).map(|f| f.value()))
}

fn current_exceptions(vm: &Vm) -> Res<Ptr<DictObj>> {
    vm.audit("sys._current_exceptions", &[])?;
    of_threads(vm, |thread| Some(thread.handled_exception().map_or(Value::NONE, |e| e.value())))
}

fn get_asyncgen_hooks(vm: &Vm) -> Value {
    use cape_vm::structseq::{Spec, StructSeq};
    static HOOKS: StructSeq = StructSeq::new(Spec {
        name: "sys.asyncgen_hooks",
        doc: "sys.asyncgen_hooks",
        fields: &[("firstiter", ""), ("finalizer", "")],
        visible: 2,
        instantiable: false,
        complete: None,
    });
    let [a, b] = &vm.asyncgen_hooks;
    HOOKS.make(&[a.get(), b.get()])
}

fn set_asyncgen_hooks(vm: &Vm, firstiter: Option<Value>, finalizer: Option<Value>) -> Res<()> {
    for (v, name) in [(finalizer, "finalizer"), (firstiter, "firstiter")] {
        if let Some(v) = v
            && !v.is_none()
            && !vm.is_callable(v)
        {
            return Err(vm.type_error(format!("callable {name} expected, got {}", full_name(type_of(v)))));
        }
    }
    if let Some(v) = finalizer {
        vm.audit("sys.set_asyncgen_hook_finalizer", &[])?;
        vm.asyncgen_hooks[1].set(v);
    }
    if let Some(v) = firstiter {
        vm.audit("sys.set_asyncgen_hook_firstiter", &[])?;
        vm.asyncgen_hooks[0].set(v);
    }
    Ok(())
}

fn set_origin_depth(vm: &Vm, depth: i64) -> Res<()> {
    if depth < 0 {
        return Err(vm.value_error("depth must be >= 0"));
    }
    vm.origin_depth.set(depth as u32);
    Ok(())
}
