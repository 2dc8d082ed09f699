//! `_interpreters`.

use std::sync::Arc;

use cape_heap::heap_object;
use cape_vm::interpreter::{self, Interpreter, Stage, Whence};
use cape_vm::native::new_type;
use cape_vm::object::*;
use cape_vm::{Ptr, Res, Value, Vm, intern, rt, type_of};

use super::arguments::{Fallback, id};
use super::code::Script;
use super::config::Config;
use super::crossing::{self, Packed};
use super::snapshot::Snapshot;
use super::{exceptions, main_file};

heap_object! {
    /// What a memoryview from another interpreter is a view of, in CPython; nothing makes one here.
    pub struct ViewObj {}
}

/// Fills the module.
pub fn init(_: &Vm, m: Ptr<ModuleObj>) -> Res<()> {
    let view = new_type::<ViewObj>("_interpreters.CrossInterpreterBufferView", rt().types.object, 0).class();
    m.class(view)
        .class(exceptions::error())
        .class(exceptions::not_found())
        .class(exceptions::not_shareable());
    for (name, whence) in [
        ("WHENCE_UNKNOWN", Whence::Unknown),
        ("WHENCE_RUNTIME", Whence::Runtime),
        ("WHENCE_LEGACY_CAPI", Whence::LegacyCapi),
        ("WHENCE_CAPI", Whence::Capi),
        ("WHENCE_XI", Whence::Crossing),
        ("WHENCE_STDLIB", Whence::Stdlib),
    ] {
        m.add(name, Value::int(whence as i64));
    }
    m.function("create(config=None, *, reqrefs=False)", "Create a new interpreter and return a unique generated ID.\n\nThe caller is responsible for destroying the interpreter before exiting,\ntypically by using _interpreters.destroy().  This can be managed\nautomatically by passing \"reqrefs=True\" and then using _incref() and\n_decref() appropriately.\n\n\"config\" must be a valid interpreter config or the name of a\npredefined config (\"isolated\" or \"legacy\").  The default\nis \"isolated\".", create)
        .function("destroy(id, *, restrict=False)", "Destroy the identified interpreter.\n\nAttempting to destroy the current interpreter raises InterpreterError.\nSo does an unrecognized ID.", destroy)
        .function("list_all(*, require_ready=False)", "Return a list containing the ID of every existing interpreter.", list_all)
        .function("get_current()", "Return the ID of current interpreter.", |vm: &Vm| summary(vm.interpreter()))
        .function("get_main()", "Return the ID of main interpreter.", |_: &Vm| summary(&interpreter::main()))
        .function("is_running(id, *, restrict=False)", "Return whether or not the identified interpreter is running.", |vm: &Vm, i: Value, restrict: Option<bool>| {
            Ok::<_, cape_vm::Raised>(runs(&*resolve(vm, i, restrict, true, "check if running for")?))
        })
        .function("get_config(id, *, restrict=False)", "Return a representation of the config used to initialize the interpreter.", |vm: &Vm, i: Value, restrict: Option<bool>| {
            Config::of_interpreter(&*resolve(vm, i, restrict, false, "get the config of")?).namespace(vm)
        })
        .function("new_config(name='isolated', /, **overrides)", "Return a representation of a new PyInterpreterConfig.\n\nThe name determines the initial values of the config.  Supported named\nconfigs are: default, isolated, legacy, and empty.\n\nAny keyword arguments are set on the corresponding config fields,\noverriding the initial values.", new_config)
        .function("whence(id)", "Return an identifier for where the interpreter was created.", |vm: &Vm, i: Value| {
            Ok::<_, cape_vm::Raised>(find(vm, i)?.whence as i64)
        })
        .function("exec(id, code, shared=<unrepresentable>, *, restrict=False)", "Execute the provided code in the identified interpreter.\nThis is equivalent to running the builtin exec() under the target\ninterpreter, using the __dict__ of its __main__ module as both\nglobals and locals.\n\n\"code\" may be a string containing the text of a Python script.\n\nFunctions (and code objects) are also supported, with some restrictions.\nThe code/function must not take any arguments or be a closure\n(i.e. have cell vars).  Methods and other callables are not supported.\n\nIf a function is provided, its code object is used and all its state\nis ignored, including its __globals__ dict.", |vm: &Vm, i: Value, code: Value, shared: Option<Value>, restrict: Option<bool>| {
            run(vm, "exec", i, code, shared, restrict)
        })
        .function("run_string(id, script, shared=<unrepresentable>, *, restrict=False)", "Execute the provided string in the identified interpreter.\n\n(See _interpreters.exec().", |vm: &Vm, i: Value, script: Value, shared: Option<Value>, restrict: Option<bool>| {
            expect(vm, "run_string", 2, script, "str", script.is::<StrObj>())?;
            run(vm, "run_string", i, script, shared, restrict)
        })
        .function("run_func(id, func, shared=<unrepresentable>, *, restrict=False)", "Execute the body of the provided function in the identified interpreter.\nCode objects are also supported.  In both cases, closures and args\nare not supported.  Methods and other callables are not supported either.\n\n(See _interpreters.exec().", |vm: &Vm, i: Value, f: Value, shared: Option<Value>, restrict: Option<bool>| {
            expect(vm, "run_func", 2, f, "a function", super::code::code_of(f).is_some())?;
            run(vm, "run_func", i, f, shared, restrict)
        })
        .function("call(id, callable, args=<unrepresentable>, kwargs=<unrepresentable>, *, restrict=False)", "Call the provided object in the identified interpreter.\nPass the given args and kwargs, if possible.", call)
        .function("set___main___attrs(id, ns, *, restrict=False)", "Bind the given attributes in the interpreter's __main__ module.", set_main_attributes)
        .function("incref(id, *, implieslink=False, restrict=False)", "", |vm: &Vm, i: Value, links: Option<bool>, restrict: Option<bool>| {
            let i = resolve(vm, i, restrict, true, "incref")?;
            if links == Some(true) {
                i.ends_unreferenced.set(true);
            }
            i.references.set(i.references.get() + 1);
            Ok::<_, cape_vm::Raised>(())
        })
        .function("decref(id, *, restrict=False)", "", decref)
        .function("is_shareable(obj)", "Return True if the object's data may be shared between interpreters and\nFalse otherwise.", |_: &Vm, v: Value| crossing::is_shareable(v))
        .function("capture_exception(exc=None)", "Return a snapshot of an exception.  If \"exc\" is None\nthen the current exception, if any, is used (but not cleared).\n\nThe returned snapshot is the same as what _interpreters.exec() returns.", capture);
    Ok(())
}

/// A TypeError unless an argument is of the kind that the function takes.
fn expect(vm: &Vm, function: &str, at: usize, v: Value, kind: &str, is: bool) -> Res<()> {
    if is {
        return Ok(());
    }
    let class = type_of(v);
    Err(vm.type_error(format!(
        "_interpreters.{function}() argument {at} must be {kind}, not {}",
        if v.is_none() { "None".to_string() } else { class.name_str().to_string() }
    )))
}

fn summary(i: &Interpreter) -> Ptr<TupleObj> {
    TupleObj::new(&[Value::int(i.id()), Value::int(i.whence as i64)])
}

fn find(vm: &Vm, v: Value) -> Res<Arc<Interpreter>> {
    let n = id(vm, v, "interpreter ID")?;
    interpreter::find(n)
        .ok_or_else(|| vm.new_exc(exceptions::not_found(), &format!("unrecognized interpreter ID {n}")))
}

/// The interpreter of this number, with which `what` is to be done. With `restrict`, programs get at those only that they made.
fn resolve(vm: &Vm, v: Value, restrict: Option<bool>, ready: bool, what: &str) -> Res<Arc<Interpreter>> {
    let i = find(vm, v)?;
    let refused = |why: String| exceptions::interpreter_error(vm, &why);
    if ready && i.stage.get() == Stage::New {
        return Err(refused(format!("cannot {what} interpreter {} (not ready)", vm.repr_str(v)?)));
    }
    if restrict == Some(true) && i.whence != Whence::Stdlib {
        return Err(refused(format!("cannot {what} unrecognized interpreter {}", vm.repr_str(v)?)));
    }
    Ok(i)
}

fn runs(i: &Interpreter) -> bool {
    i.runs_main.get() || i.is_main()
}

fn create(vm: &Vm, config: Option<Value>, references: Option<bool>) -> Res<i64> {
    let config = Config::of(vm, config)?;
    let i = super::create(vm, config.settings(), Whence::Stdlib).map_err(|r| {
        let failed = exceptions::interpreter_error(vm, "interpreter creation failed");
        let e = failed.exc();
        e.context.set(e, r.value());
        failed
    })?;
    i.ends_unreferenced.set(references == Some(true));
    Ok(i.id())
}

fn destroy(vm: &Vm, v: Value, restrict: Option<bool>) -> Res<()> {
    let i = resolve(vm, v, restrict, false, "destroy")?;
    if i.runs() {
        return Err(exceptions::interpreter_error(vm, "cannot destroy the current interpreter"));
    }
    if runs(&i) || i.stage.get() != Stage::Ready {
        return Err(exceptions::interpreter_error(vm, "interpreter running"));
    }
    super::end(vm, &i)
}

fn decref(vm: &Vm, v: Value, restrict: Option<bool>) -> Res<()> {
    let i = resolve(vm, v, restrict, true, "decref")?;
    let left = i.references.get().saturating_sub(1);
    i.references.set(left);
    if left == 0 && i.ends_unreferenced.get() && !i.runs() && i.stage.get() == Stage::Ready && !runs(&i) {
        super::end(vm, &i)?;
    }
    Ok(())
}

fn list_all(vm: &Vm, ready: Option<bool>) -> Value {
    // Those that end with the last object that stands for them are not to be told of when that is garbage.
    if interpreter::list().iter().any(|i| i.ends_unreferenced.get() && !runs(i)) {
        crate::gc::collect_all(vm);
    }
    let mut all = ValueVec::new();
    for i in interpreter::list() {
        if ready != Some(true) || i.stage.get() != Stage::New {
            all.push(summary(&i).value());
        }
    }
    ListObj::from_vec(all).value()
}

fn new_config(vm: &Vm, name: Option<Ptr<StrObj>>, overrides: Ptr<DictObj>) -> Res<Value> {
    let name = name.map_or(Ok(String::new()), |n| vm.utf8(n))?;
    let mut config = Config::named(vm, &name)?;
    config.update(vm, overrides, false)?;
    config.namespace(vm)
}

/// Names and values on their way into another `__main__`.
fn pack_names(vm: &Vm, d: Ptr<DictObj>, fallback: Fallback) -> Res<Vec<(String, Packed)>> {
    let mut packed = Vec::new();
    let entries = ListObj::new(&[]);
    d.table.iter().for_each(|e| entries.push(TupleObj::new(&[e.key, e.value]).value()));
    for i in 0..entries.len() {
        let Some(pair) = entries.get(i).and_then(|p| p.downcast::<TupleObj>()) else { break };
        let Some(name) = pair.get(0).downcast::<StrObj>() else {
            return Err(vm.type_error("bad argument type for built-in operation"));
        };
        packed.push((vm.utf8(name)?, Packed::pack(vm, pair.get(1), fallback)?));
    }
    Ok(packed)
}

fn bind(vm: &Vm, packed: &[(String, Packed)]) -> Res<Ptr<DictObj>> {
    let names = main_file::namespace(vm)?;
    for (name, value) in packed {
        let value = value.unpack(vm)?;
        names.set(vm, intern(name), value)?;
    }
    Ok(names)
}

fn set_main_attributes(vm: &Vm, v: Value, names: Value, restrict: Option<bool>) -> Res<()> {
    expect(vm, "set___main___attrs", 2, names, "dict", names.is::<DictObj>())?;
    let i = resolve(vm, v, restrict, true, "update __main__ for")?;
    let names: Ptr<DictObj> = names.downcast().expect("checked");
    if names.is_empty() {
        return Err(vm.value_error("arg 2 must be a non-empty dict"));
    }
    let packed = pack_names(vm, names, Fallback::None)?;
    let running = RunsMain::begin(vm, &i)?;
    let bound = super::inside(vm, &i, |vm| bind(vm, &packed).map(drop).map_err(|r| crossing::told(vm, &r)))?;
    drop(running);
    bound.map_err(|told| failed(vm, "failed to bind __main__ attributes", &told))
}

/// A NotShareableError, caused by something in another interpreter.
fn failed(vm: &Vm, message: &str, told: &str) -> cape_vm::Raised {
    exceptions::not_shareable_error(vm, message, Some(crossing::teller(vm, told)))
}

/// Marks that a thread runs code in an interpreter's `__main__`: one at a time.
struct RunsMain<'a>(&'a Interpreter);

impl<'a> RunsMain<'a> {
    fn begin(vm: &Vm, i: &'a Interpreter) -> Res<RunsMain<'a>> {
        if i.stage.get() != Stage::Ready {
            return Err(exceptions::interpreter_error(vm, "interpreter is being destroyed"));
        }
        if i.runs_main.replace(true) {
            return Err(exceptions::interpreter_error(vm, "interpreter already running"));
        }
        Ok(RunsMain(i))
    }
}

impl Drop for RunsMain<'_> {
    fn drop(&mut self) {
        self.0.runs_main.set(false);
    }
}

/// Why nothing came of what was to be done in another interpreter.
enum Failure {
    /// An exception that nobody caught.
    Uncaught(Snapshot),
    /// What was to cross did not: what, and why.
    Crossing(&'static str, String),
}

fn run(
    vm: &Vm,
    function: &str,
    v: Value,
    code: Value,
    shared: Option<Value>,
    restrict: Option<bool>,
) -> Res<Value> {
    let shared = match shared {
        Some(s) => {
            expect(vm, function, 3, s, "dict", s.is::<DictObj>())?;
            s.downcast::<DictObj>()
        }
        None => None,
    };
    let i = resolve(vm, v, restrict, true, "exec code for")?;
    let script = Script::of(vm, code)?;
    let packed = shared.map_or(Ok(Vec::new()), |d| pack_names(vm, d, Fallback::None))?;
    let running = RunsMain::begin(vm, &i)?;
    let ran = super::inside(vm, &i, |vm| {
        let names = bind(vm, &packed)
            .map_err(|r| Failure::Crossing("failed to bind __main__ attributes", crossing::told(vm, &r)))?;
        script.run(vm, names).map_err(|r| Failure::Uncaught(Snapshot::of(vm, r.exc())))
    })?;
    drop(running);
    match ran {
        Ok(()) => Ok(Value::NONE),
        Err(Failure::Uncaught(snapshot)) => snapshot.namespace(vm),
        Err(Failure::Crossing(what, told)) => Err(failed(vm, what, &told)),
    }
}

fn call(
    vm: &Vm,
    v: Value,
    callable: Value,
    args: Option<Value>,
    kwargs: Option<Value>,
    restrict: Option<bool>,
) -> Res<Value> {
    if let Some(a) = args {
        expect(vm, "call", 3, a, "tuple", a.is::<TupleObj>())?;
    }
    if let Some(k) = kwargs {
        expect(vm, "call", 4, k, "dict", k.is::<DictObj>())?;
    }
    let i = resolve(vm, v, restrict, true, "make a call in")?;
    if !vm.is_callable(callable) {
        return Err(vm.type_error(format!("expected a callable, got {}", vm.repr_str(callable)?)));
    }
    let callable = Packed::pack(vm, callable, Fallback::Full)?;
    let args = Packed::pack(vm, args.unwrap_or(rt().empty_tuple().value()), Fallback::Full)?;
    let kwargs = match kwargs.and_then(|k| k.downcast::<DictObj>()) {
        Some(k) => pack_names(vm, k, Fallback::Full)?,
        None => Vec::new(),
    };
    let running = RunsMain::begin(vm, &i)?;
    let called = super::inside(vm, &i, |vm| call_here(vm, &callable, &args, &kwargs))?;
    drop(running);
    let (result, told) = match called {
        Ok(packed) => (packed.unpack(vm)?, Value::NONE),
        Err(Failure::Uncaught(snapshot)) => (Value::NONE, snapshot.namespace(vm)?),
        Err(Failure::Crossing(what, told)) => return Err(failed(vm, what, &told)),
    };
    Ok(TupleObj::new(&[result, told]).value())
}

/// The call, in the interpreter where it is to be made.
fn call_here(
    vm: &Vm,
    callable: &Packed,
    args: &Packed,
    kwargs: &[(String, Packed)],
) -> Result<Packed, Failure> {
    let crossing = |what| move |r: cape_vm::Raised| Failure::Crossing(what, crossing::told(vm, &r));
    let callable = callable.unpack(vm).map_err(crossing("func not shareable"))?;
    let args = args.unpack(vm).map_err(crossing("args not shareable"))?;
    let names = DictObj::new();
    for (name, value) in kwargs {
        let value = value.unpack(vm).map_err(crossing("kwargs not shareable"))?;
        names.set_str(intern(name), value);
    }
    let args: Ptr<TupleObj> = args.downcast().expect("a tuple was packed");
    let result = vm
        .call_dict(callable, args.as_slice(), Some(names))
        .map_err(|r| Failure::Uncaught(Snapshot::of(vm, r.exc())))?;
    Packed::pack(vm, result, Fallback::Full)
        .map_err(crossing("object does not support cross-interpreter data"))
}

fn capture(vm: &Vm, exc: Option<Value>) -> Res<Value> {
    let e = match exc.filter(|e| !e.is_none()) {
        None => match vm.handled_exception() {
            Some(e) => e,
            None => return Ok(Value::NONE),
        },
        Some(v) => match v.downcast::<ExcObj>() {
            Some(e) => e,
            None => return Err(vm.type_error(format!("expected exception, got '{}'", vm.repr_str(v)?))),
        },
    };
    Snapshot::of(vm, e).namespace(vm)
}
