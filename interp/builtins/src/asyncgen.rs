//! Async generators, and the awaitables that their methods give.

use cape_heap::{MapRef, ObjFlags, heap};
use cape_vm::generator::{AsyncGenAuxObj, GenState, GeneratorObj, Sent};
use cape_vm::native::{TypeBuilder, extend, new_type};
use cape_vm::object::{TupleObj, TypeFlags};
use cape_vm::runtime::StaticType;
use cape_vm::{Ptr, Raised, Res, Value, Vm, intern, rt, type_of};

use crate::generator::{deprecated_throw, state_attributes, thrown};

type Gen = Ptr<GeneratorObj>;
type Aux = Ptr<AsyncGenAuxObj>;

/// States of an awaitable.
const INIT: u8 = 0;
const ITER: u8 = 1;
const CLOSED: u8 = 2;

const THROW_DOC: &str = "athrow(value)\nathrow(type[,value[,tb]])\n\nraise exception in generator.\nthe (type, val, tb) signature is deprecated, \nand may be removed in a future version of Python.";

const SEND_DOC: &str =
    "send(arg) -> send 'arg' into generator,\nreturn next yielded value or raise StopIteration.";
const AWAITABLE_THROW_DOC: &str = "throw(value)\nthrow(type[,value[,traceback]])\n\nRaise exception in generator, return next yielded value or raise\nStopIteration.\nthe (type, val, tb) signature is deprecated, \nand may be removed in a future version of Python.";

static ANEXT: StaticType = StaticType::new();

/// Completes the types of this file.
pub fn init(_vm: &Vm) {
    init_anext();
    let t = &rt().types;
    let b = extend(t.async_generator)
        .method(
            "__aiter__($self, /)",
            "Return an awaitable, that resolves in asynchronous iterator.",
            |_: &Vm, g: Gen| g,
        )
        .method("__anext__($self, /)", "Return a value or raise StopAsyncIteration.", |vm: &Vm, g: Gen| {
            asend(vm, g, Value::NONE)
        })
        .method("asend($self, value, /)", "asend(v) -> send 'v' in generator.", asend)
        .method(
            "athrow($self, type, value=None, traceback=None, /)",
            THROW_DOC,
            |vm: &Vm, g: Gen, t: Value, v: Option<Value>, tb: Option<Value>| -> Res<Value> {
                if v.is_some() || tb.is_some() {
                    deprecated_throw(vm)?;
                }
                init_hooks(vm, g)?;
                let args = TupleObj::new(&[t, v.unwrap_or(Value::NONE), tb.unwrap_or(Value::NONE)]);
                Ok(new_awaitable(rt().maps.async_gen_athrow, g, args.value()))
            },
        )
        .method(
            "aclose($self, /)",
            "aclose() -> raise GeneratorExit inside generator.",
            |vm: &Vm, g: Gen| -> Res<Value> {
                init_hooks(vm, g)?;
                Ok(new_awaitable(rt().maps.async_gen_athrow, g, Value::EMPTY))
            },
        )
        .getter("ag_await", "object being awaited on, or None", |_: &Vm, g: Gen| g.delegate())
        .class_method(
            "__class_getitem__($type, object, /)",
            "See PEP 585",
            crate::generic_alias::class_getitem,
        );
    let docs = ["name of the async generator", "qualified name of the async generator"];
    state_attributes(b, ["_ag_running", "ag_suspended", "ag_frame", "ag_code"], docs);
    b.getter("ag_running", "", |_: &Vm, g: Gen| g.running_async.get());
    awaitable(extend(t.async_gen_asend), asend_send, asend_throw)
        .method("__next__($self, /)", "Implement next(self).", |vm: &Vm, a: Aux| {
            asend_send(vm, a, Value::NONE)
        })
        .method("close($self, /)", "close() -> raise GeneratorExit inside generator.", |vm: &Vm, a: Aux| {
            close(vm, a, asend_throw)
        });
    awaitable(extend(t.async_gen_athrow), athrow_send, athrow_throw)
        .method("__next__($self, /)", "Implement next(self).", |vm: &Vm, a: Aux| {
            athrow_send(vm, a, Value::NONE)
        })
        .method("close($self, /)", "close() -> raise GeneratorExit inside generator.", |vm: &Vm, a: Aux| {
            close(vm, a, athrow_throw)
        });
}

/// The methods that both awaitables have.
fn awaitable<S, T>(b: TypeBuilder, send: S, throw: T) -> TypeBuilder
where
    S: Fn(&Vm, Aux, Value) -> Res<Value> + Copy + 'static,
    T: Fn(&Vm, Aux, Value, Option<Value>, Option<Value>) -> Res<Value> + Copy + 'static,
{
    b.method("__await__($self, /)", "Return an iterator to be used in await expression.", |_: &Vm, a: Value| a)
        .method("__iter__($self, /)", "Implement iter(self).", |_: &Vm, a: Value| a)
        .method("send($self, arg, /)", SEND_DOC, send)
        .method("throw($self, type, value=None, traceback=None, /)", AWAITABLE_THROW_DOC, throw)
}

fn generator(vm: &Vm, a: Aux) -> Res<Gen> {
    a.target.downcast().ok_or_else(|| vm.type_error("an awaitable without its generator"))
}

/// Before the first step the thread's hooks are told of the generator.
fn init_hooks(vm: &Vm, g: Gen) -> Res<()> {
    if g.hooks_inited.replace(true) {
        return Ok(());
    }
    let [first, finalizer] = [0, 1].map(|i| vm.asyncgen_hooks[i].get());
    if !finalizer.is_none() {
        g.finalizer.set(g, finalizer);
        vm.register_generator(g);
    }
    if !first.is_none() {
        vm.call(first, &[g.value()])?;
    }
    Ok(())
}

fn asend(vm: &Vm, g: Gen, v: Value) -> Res<Value> {
    init_hooks(vm, g)?;
    Ok(new_awaitable(rt().maps.async_gen_asend, g, v))
}

/// An awaitable of a generator's; it has to be awaited.
fn new_awaitable(map: MapRef, g: Gen, args: Value) -> Value {
    let a = AsyncGenAuxObj::new(map, g.value(), args);
    heap().add_finalizer(a.header());
    a.value()
}

/// The state of an awaitable that is used now. Its death will not be noticed.
fn set_state(a: Aux, state: u8) {
    a.state.set(state);
    a.header().set(ObjFlags::FINALIZED);
}

/// Warns about an awaitable that died without having been awaited.
pub fn finalize_awaitable(vm: &Vm, a: Aux) {
    let Ok(g) = generator(vm, a) else { return };
    if a.state.get() != INIT {
        return;
    }
    a.state.set(CLOSED);
    let method = match a.header().map() {
        m if m == rt().maps.async_gen_asend => "asend",
        _ if a.args.get().is_empty() => "aclose",
        _ => "athrow",
    };
    let warned = vm.repr_str(g.qualname.get()).and_then(|name| {
        let text = format!("coroutine method '{method}' of {name} was never awaited");
        crate::warn::warn(vm, rt().types.runtime_warning, &text, 1)
    });
    if let Err(e) = warned {
        let name = vm.repr_str(g.value()).unwrap_or_default();
        let message = format!("Exception ignored while finalizing async generator {name}");
        vm.report_unraisable(e, &message);
    }
}

/// `anext(it, default)`: an awaitable around what `__anext__` gave, for which the end is the default.
pub fn anext_or(wrapped: Value, default: Value) -> Value {
    AsyncGenAuxObj::new(ANEXT.get().instance_map(), wrapped, default).value()
}

/// The iterator to drive.
fn anext_iter(vm: &Vm, a: Aux) -> Res<Value> {
    let v = a.target.get();
    let it = vm.awaitable_iter(v, || {
        format!("'{}' object can't be awaited", type_of(v).name_str())
    })?;
    if it.is::<GeneratorObj>() && it.header().map() == rt().maps.coroutine {
        return vm.call_method(it, intern("__await__"), &[]);
    }
    Ok(it)
}

/// The default, when the iterator came to its end.
fn anext_end(vm: &Vm, a: Aux, r: Res<Value>) -> Res<Value> {
    match r {
        Err(e) if e.is(rt().types.stop_async_iteration) => stop(vm, a.args.get()),
        r => r,
    }
}

fn init_anext() {
    let b = new_type::<AsyncGenAuxObj>("anext_awaitable", rt().types.object, TypeFlags::NO_INSTANTIATION)
        .method("__await__($self, /)", "Return an iterator to be used in await expression.", |_: &Vm, a: Value| a)
        .method("__iter__($self, /)", "Implement iter(self).", |_: &Vm, a: Value| a)
        .method("__next__($self, /)", "Implement next(self).", |vm: &Vm, a: Aux| {
            let it = anext_iter(vm, a)?;
            let r = vm.next_or_value(it).map(|v| v.unwrap_or(Value::EMPTY));
            anext_end(vm, a, r)
        })
        .method("send($self, arg, /)", SEND_DOC, |vm: &Vm, a: Aux, v: Value| {
            let it = anext_iter(vm, a)?;
            let r = vm.call_method(it, intern("send"), &[v]);
            anext_end(vm, a, r)
        })
        .method("throw($self, /, *args)", AWAITABLE_THROW_DOC, |vm: &Vm, a: Aux, args: Ptr<TupleObj>| {
            let it = anext_iter(vm, a)?;
            let r = vm.call_method(it, intern("throw"), args.as_slice());
            anext_end(vm, a, r)
        })
        .method("close($self, /)", "close() -> raise GeneratorExit inside generator.", |vm: &Vm, a: Aux| {
            let it = anext_iter(vm, a)?;
            let r = vm.call_method(it, intern("close"), &[]);
            anext_end(vm, a, r)
        });
    ANEXT.set(b.class());
}

/// The value inside a wrapper, which is how an async generator marks what it yields to its own consumer.
fn wrapped(v: Value) -> Option<Value> {
    let a: Aux = v.downcast()?;
    (a.header().map() == rt().maps.async_gen_wrapped).then(|| a.target.get())
}

/// Ends an awaitable with this result: EMPTY, the value being left for StopIteration.
fn stop(vm: &Vm, v: Value) -> Res<Value> {
    vm.leave_stop_value(v);
    Ok(Value::EMPTY)
}

fn is_end(r: Raised) -> bool {
    r.is(rt().types.stop_async_iteration) || r.is(rt().types.generator_exit)
}

/// What a step of the generator means for the awaitable; `Ok(EMPTY)` is its end.
fn unwrap(vm: &Vm, g: Gen, r: Res<Sent>) -> Res<Value> {
    let v = match r {
        Ok(Sent::Yielded(v)) => v,
        Ok(Sent::Returned(_)) => {
            g.closed_async.set(true);
            g.running_async.set(false);
            return Err(vm.new_exc_args(rt().types.stop_async_iteration, &[]));
        }
        Err(r) => {
            if is_end(r) {
                g.closed_async.set(true);
            }
            g.running_async.set(false);
            return Err(r);
        }
    };
    match wrapped(v) {
        Some(v) => {
            g.running_async.set(false);
            stop(vm, v)
        }
        None => Ok(v),
    }
}

/// Notes the end of an awaitable.
fn closing(a: Aux, r: Res<Value>) -> Res<Value> {
    if !matches!(r, Ok(v) if !v.is_empty()) {
        set_state(a, CLOSED);
    }
    r
}

fn asend_send(vm: &Vm, a: Aux, arg: Value) -> Res<Value> {
    let g = generator(vm, a)?;
    let mut arg = arg;
    match a.state.get() {
        CLOSED => return Err(vm.runtime_error("cannot reuse already awaited __anext__()/asend()")),
        INIT => {
            if g.running_async.get() {
                set_state(a, CLOSED);
                return Err(vm.runtime_error("anext(): asynchronous generator is already running"));
            }
            if arg.is_none() {
                arg = a.args.get();
            }
            set_state(a, ITER);
        }
        _ => {}
    }
    g.running_async.set(true);
    let r = vm.resume(g, Ok(arg));
    closing(a, unwrap(vm, g, r))
}

fn asend_throw(vm: &Vm, a: Aux, class: Value, v: Option<Value>, tb: Option<Value>) -> Res<Value> {
    let g = generator(vm, a)?;
    match a.state.get() {
        CLOSED => return Err(vm.runtime_error("cannot reuse already awaited __anext__()/asend()")),
        INIT => {
            if g.running_async.get() {
                set_state(a, CLOSED);
                return Err(vm.runtime_error("anext(): asynchronous generator is already running"));
            }
            set_state(a, ITER);
            g.running_async.set(true);
        }
        _ => {}
    }
    let r = throw_in(vm, g, class, v, tb);
    closing(a, unwrap(vm, g, r))
}

fn throw_in(vm: &Vm, g: Gen, class: Value, v: Option<Value>, tb: Option<Value>) -> Res<Sent> {
    if v.is_some() || tb.is_some() {
        deprecated_throw(vm)?;
    }
    let exc = thrown(vm, class, v, tb)?;
    vm.throw_into(g, exc)
}

fn already_running(vm: &Vm, a: Aux) -> Raised {
    set_state(a, CLOSED);
    let what = if a.args.get().is_empty() { "aclose" } else { "athrow" };
    vm.runtime_error(format!("{what}(): asynchronous generator is already running"))
}

/// The outcome of a step of `aclose()`.
fn close_step(vm: &Vm, a: Aux, g: Gen, r: Res<Sent>) -> Res<Value> {
    match r {
        Ok(Sent::Yielded(v)) if wrapped(v).is_none() => return Ok(v),
        _ => {}
    }
    g.running_async.set(false);
    set_state(a, CLOSED);
    match r {
        Ok(Sent::Yielded(_)) => Err(vm.runtime_error("async generator ignored GeneratorExit")),
        Ok(Sent::Returned(_)) => stop(vm, Value::NONE),
        Err(r) if is_end(r) => stop(vm, Value::NONE),
        Err(r) => Err(r),
    }
}

fn athrow_send(vm: &Vm, a: Aux, arg: Value) -> Res<Value> {
    let g = generator(vm, a)?;
    let args: Option<Ptr<TupleObj>> = a.args.downcast();
    match a.state.get() {
        CLOSED => return Err(vm.runtime_error("cannot reuse already awaited aclose()/athrow()")),
        INIT => {
            if g.state() == GenState::Closed {
                set_state(a, CLOSED);
                return stop(vm, Value::NONE);
            }
            if g.running_async.get() {
                return Err(already_running(vm, a));
            }
            if g.closed_async.get() {
                set_state(a, CLOSED);
                return Err(vm.new_exc_args(rt().types.stop_async_iteration, &[]));
            }
            if !arg.is_none() {
                return Err(vm.runtime_error("can't send non-None value to a just-started coroutine"));
            }
            set_state(a, ITER);
            g.running_async.set(true);
            return match args {
                None => {
                    g.closed_async.set(true);
                    let exit = vm.new_exc_args(rt().types.generator_exit, &[]);
                    let r = vm.throw_into(g, exit);
                    close_step(vm, a, g, r)
                }
                Some(t) => {
                    let some = |i: usize| Some(t.get(i)).filter(|v| !v.is_none());
                    let r =
                        thrown(vm, t.get(0), some(1), some(2)).and_then(|e| vm.throw_into(g, e));
                    let r = unwrap(vm, g, r);
                    if r.is_err() {
                        g.running_async.set(false);
                    }
                    closing(a, r)
                }
            };
        }
        _ => {}
    }
    let r = vm.resume(g, Ok(arg));
    match args {
        None => close_step(vm, a, g, r),
        Some(_) => closing(a, unwrap(vm, g, r)),
    }
}

fn athrow_throw(vm: &Vm, a: Aux, class: Value, v: Option<Value>, tb: Option<Value>) -> Res<Value> {
    let g = generator(vm, a)?;
    match a.state.get() {
        CLOSED => return Err(vm.runtime_error("cannot reuse already awaited aclose()/athrow()")),
        INIT => {
            if g.running_async.get() {
                return Err(already_running(vm, a));
            }
            set_state(a, ITER);
            g.running_async.set(true);
        }
        _ => {}
    }
    let r = throw_in(vm, g, class, v, tb);
    if a.args.get().is_empty() { close_step(vm, a, g, r) } else { closing(a, unwrap(vm, g, r)) }
}

/// `close()` of an awaitable, by its `throw`.
fn close(
    vm: &Vm,
    a: Aux,
    throw: impl Fn(&Vm, Aux, Value, Option<Value>, Option<Value>) -> Res<Value>,
) -> Res<()> {
    if a.state.get() == CLOSED {
        return Ok(());
    }
    match throw(vm, a, rt().types.generator_exit.value(), None, None) {
        Ok(v) if v.is_empty() => {
            vm.take_stop_value();
            Ok(())
        }
        Ok(_) => Err(vm.runtime_error("coroutine ignored GeneratorExit")),
        Err(r) if is_end(r) || r.is(rt().types.stop_iteration) => Ok(()),
        Err(r) => Err(r),
    }
}
