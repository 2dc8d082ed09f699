//! Generators and coroutines.

use cape_vm::class::full_name;
use cape_vm::eval::is_exception_class;
use cape_vm::generator::{AsyncGenAuxObj, GenState, GeneratorObj, Sent};
use cape_vm::native::{TypeBuilder, extend};
use cape_vm::object::{ExcObj, StrObj, TracebackObj, TupleObj};
use cape_vm::{Ptr, Raised, Res, Value, Vm, intern, rt, type_of};

use crate::function::or_none;
use crate::object::qualname_of;

type Gen = Ptr<GeneratorObj>;

const THROW_DOC: &str = "throw(value)\nthrow(type[,value[,traceback]])\n\nRaise exception in generator, return next yielded value or raise\nStopIteration.\nthe (type, val, tb) signature is deprecated, \nand may be removed in a future version of Python.";

const CORO_SEND_DOC: &str =
    "send(arg) -> send 'arg' into coroutine,\nreturn next iterated value or raise StopIteration.";
const CORO_THROW_DOC: &str = "throw(value)\nthrow(type[,value[,traceback]])\n\nRaise exception in coroutine, return next iterated value or raise\nStopIteration.\nthe (type, val, tb) signature is deprecated, \nand may be removed in a future version of Python.";

/// Completes the types of this file.
pub fn init(_vm: &Vm) {
    let t = &rt().types;
    let g = extend(t.generator)
        .method("__iter__($self, /)", "Implement iter(self).", |_: &Vm, g: Gen| g)
        .method("__next__($self, /)", "Implement next(self).", next)
        .method(
            "send($self, arg, /)",
            "send(arg) -> send 'arg' into generator,\nreturn next yielded value or raise StopIteration.",
            send,
        )
        .method("throw($self, type, value=None, traceback=None, /)", THROW_DOC, throw)
        .method("close($self, /)", "close() -> raise GeneratorExit inside generator.", |vm: &Vm, g: Gen| {
            vm.close_generator(g)
        })
        .getter("gi_yieldfrom", "object being iterated by yield from, or None", |_: &Vm, g: Gen| g.delegate())
        .class_method(
            "__class_getitem__($type, object, /)",
            "See PEP 585",
            crate::generic_alias::class_getitem,
        );
    let docs = ["name of the generator", "qualified name of the generator"];
    state_attributes(g, ["gi_running", "gi_suspended", "gi_frame", "gi_code"], docs);
    let c = extend(t.coroutine)
        .method(
            "send($self, arg, /)",
            CORO_SEND_DOC,
            send,
        )
        .method("throw($self, type, value=None, traceback=None, /)", CORO_THROW_DOC, throw)
        .method("close($self, /)", "close() -> raise GeneratorExit inside coroutine.", |vm: &Vm, g: Gen| {
            vm.close_generator(g)
        })
        .method(
            "__await__($self, /)",
            "Return an iterator to be used in await expression.",
            |_: &Vm, g: Gen| AsyncGenAuxObj::new(rt().maps.coroutine_wrapper, g.value(), Value::EMPTY),
        )
        .getter("cr_await", "object being awaited on, or None", |_: &Vm, g: Gen| g.delegate())
        .getter("cr_origin", "", |_: &Vm, g: Gen| or_none(g.origin.get()))
        .class_method(
            "__class_getitem__($type, object, /)",
            "See PEP 585",
            crate::generic_alias::class_getitem,
        );
    let docs = ["name of the coroutine", "qualified name of the coroutine"];
    state_attributes(c, ["cr_running", "cr_suspended", "cr_frame", "cr_code"], docs);
    type Aux = Ptr<AsyncGenAuxObj>;
    extend(t.coroutine_wrapper)
        .doc("A wrapper object implementing __await__ for coroutines.")
        .method("__iter__($self, /)", "Implement iter(self).", |_: &Vm, w: Value| w)
        .method("__next__($self, /)", "Implement next(self).", |vm: &Vm, w: Aux| next(vm, wrapped(vm, w)?))
        .method(
            "send($self, arg, /)",
            CORO_SEND_DOC,
            |vm: &Vm, w: Aux, v: Value| send(vm, wrapped(vm, w)?, v),
        )
        .method(
            "throw($self, type, value=None, traceback=None, /)",
            CORO_THROW_DOC,
            |vm: &Vm, w: Aux, t: Value, v: Option<Value>, tb: Option<Value>| {
                throw(vm, wrapped(vm, w)?, t, v, tb)
            },
        )
        .method("close($self, /)", "close() -> raise GeneratorExit inside coroutine.", |vm: &Vm, w: Aux| {
            vm.close_generator(wrapped(vm, w)?)
        });
}

fn wrapped(vm: &Vm, w: Ptr<AsyncGenAuxObj>) -> Res<Gen> {
    w.target.downcast().ok_or_else(|| vm.type_error("a coroutine wrapper without coroutine"))
}

/// Whether it is a generator (0), a coroutine (1) or an async generator (2).
fn kind_of(g: Gen) -> usize {
    let class = type_of(g.value());
    if class == rt().types.generator { 0 } else { 1 + (class != rt().types.coroutine) as usize }
}

/// Attributes that generators, coroutines and async generators share; names: running, suspended, frame, code.
pub(crate) fn state_attributes(b: TypeBuilder, names: [&'static str; 4], name_docs: [&'static str; 2]) {
    b.getter(names[0], "", |_: &Vm, g: Gen| g.state() == GenState::Running)
        .getter(names[1], "", |_: &Vm, g: Gen| g.state() == GenState::Suspended)
        .getter(names[2], "", |vm: &Vm, g: Gen| {
            let name = ["gi_frame", "cr_frame", "ag_frame"][kind_of(g)];
            vm.audit_attribute(g.value(), name, None)?;
            Ok::<_, Raised>((g.state() != GenState::Closed).then(|| vm.generator_frame(g)))
        })
        .getter(names[3], "", |vm: &Vm, g: Gen| {
            vm.audit_attribute(g.value(), ["gi_code", "cr_code", "ag_code"][kind_of(g)], None)?;
            Ok::<_, Raised>(g.code())
        })
        .getset(
            "__name__",
            name_docs[0],
            |_: &Vm, g: Gen| g.name.get(),
            |vm: &Vm, g: Gen, v: Value| {
                if !v.is::<StrObj>() {
                    return Err(vm.type_error("__name__ must be set to a string object"));
                }
                g.name.set(g, v);
                Ok(())
            },
        )
        .getset(
            "__qualname__",
            name_docs[1],
            |_: &Vm, g: Gen| g.qualname.get(),
            |vm: &Vm, g: Gen, v: Value| {
                if !v.is::<StrObj>() {
                    return Err(vm.type_error("__qualname__ must be set to a string object"));
                }
                g.qualname.set(g, v);
                Ok(())
            },
        )
        .method("__repr__($self, /)", "Return repr(self).", |vm: &Vm, g: Gen| {
            let q = g.qualname.downcast::<StrObj>().map(|s| s.display()).unwrap_or_default();
            format!("<{} object {q} at {:#x}>", qualname_of(type_of(g.value())), vm.id(g.value()))
        })
        .method(
            "__sizeof__($self, /)",
            "gen.__sizeof__() -> size of gen in memory, in bytes",
            |_: &Vm, g: Gen| 200 + 8 * g.code().nregs as usize,
        );
}

/// A result for `__next__`: the value, or EMPTY with the stop value left behind.
fn next(vm: &Vm, g: Gen) -> Res<Value> {
    match vm.resume(g, Ok(Value::NONE))? {
        Sent::Yielded(v) => Ok(v),
        Sent::Returned(v) => {
            vm.leave_stop_value(v);
            Ok(Value::EMPTY)
        }
    }
}

fn finished(vm: &Vm, s: Sent) -> Res<Value> {
    match s {
        Sent::Yielded(v) => Ok(v),
        Sent::Returned(v) => Err(vm.stop_iteration_with(v)),
    }
}

fn send(vm: &Vm, g: Gen, v: Value) -> Res<Value> {
    let s = vm.resume(g, Ok(v))?;
    finished(vm, s)
}

fn throw(vm: &Vm, g: Gen, class: Value, value: Option<Value>, tb: Option<Value>) -> Res<Value> {
    if value.is_some() || tb.is_some() {
        deprecated_throw(vm)?;
    }
    let exc = thrown(vm, class, value, tb)?;
    let s = vm.throw_into(g, exc)?;
    finished(vm, s)
}

/// The warning for the old signatures of `throw`.
/// The warning for `throw` with more than an exception.
pub fn deprecated_throw(vm: &Vm) -> Res<()> {
    crate::warn::warn(
        vm,
        rt().types.deprecation_warning,
        "the (type, exc, tb) signature of throw() is deprecated, use the single-arg signature instead.",
        1,
    )
}

/// The exception that `throw(class, value, tb)` raises.
pub fn thrown(vm: &Vm, class: Value, value: Option<Value>, tb: Option<Value>) -> Res<Raised> {
    let tb = tb.filter(|t| !t.is_none());
    if tb.is_some_and(|t| !t.is::<TracebackObj>()) {
        return Err(vm.type_error("throw() third argument must be a traceback object"));
    }
    let value = value.filter(|v| !v.is_none());
    let exc = if is_exception_class(class) {
        let t = class.downcast().ok_or_else(|| vm.type_error("an exception class that is no class"))?;
        match value {
            Some(v) if v.is::<ExcObj>() && type_of(v).is_subtype(t) => vm.exception_from(v)?,
            Some(v) => {
                let e = match v.downcast::<TupleObj>() {
                    Some(a) => vm.call(class, a.as_slice())?,
                    None => vm.call(class, &[v])?,
                };
                vm.exception_from(e)?
            }
            // What goes wrong while it is made is thrown instead.
            None => vm.exception_from(class).unwrap_or_else(|r| r),
        }
    } else if class.is::<ExcObj>() {
        if value.is_some() {
            return Err(vm.type_error("instance exception may not have a separate value"));
        }
        vm.exception_from(class)?
    } else {
        return Err(vm.type_error(format!(
            "exceptions must be classes or instances deriving from BaseException, not {}",
            full_name(type_of(class))
        )));
    };
    if let Some(t) = tb {
        let e = exc.exc();
        e.traceback.set(e, t);
    }
    Ok(exc)
}

/// What is done for a generator, coroutine or async generator that nobody can reach any more, or whose frame is cleared.
pub fn finalize(vm: &Vm, g: Gen) {
    if matches!(g.state(), GenState::Closed | GenState::Running) {
        return;
    }
    let map = g.header().map();
    if map == rt().maps.async_generator && g.finalizer.get().is_ptr() && !g.closed_async.get() {
        if let Err(e) = vm.call(g.finalizer.get(), &[g.value()]) {
            vm.report_ignored(e, "finalizing generator", g.value());
        }
        return;
    }
    if map == rt().maps.coroutine && g.state() == GenState::Created {
        warn_unawaited(vm, g);
        return vm.drop_generator(g);
    }
    if let Err(e) = vm.close_generator(g) {
        vm.report_ignored(e, "closing generator", g.value());
    }
}

/// The warning about a coroutine that was never awaited: by way of the `warnings` module, which may know where it was made,
/// or else, or when that fails, a plain one.
fn warn_unawaited(vm: &Vm, g: Gen) {
    let helper = match rt().modules().get_str(intern("warnings")) {
        Some(m) => vm.get_attr_opt(m, intern("_warn_unawaited_coroutine")).unwrap_or(None),
        None => None,
    };
    if let Some(f) = helper {
        match vm.call(f, &[g.value()]) {
            Ok(_) => return,
            Err(e) => {
                let warned = e.is(rt().types.runtime_warning);
                vm.report_ignored(e, "finalizing coroutine", g.value());
                if warned {
                    return;
                }
            }
        }
    }
    let warned = vm.str(g.qualname.get()).and_then(|name| {
        let text = format!("coroutine '{}' was never awaited", name.display());
        crate::warn::warn_about(vm, rt().types.runtime_warning, &text, g.value())
    });
    if let Err(e) = warned {
        vm.report_ignored(e, "finalizing coroutine", g.value());
    }
}
