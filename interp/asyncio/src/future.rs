//! `Future`, and what tasks share with it.

use std::cell::Cell;

use cape_heap::{Field, Header, MapFlags, Native, ObjFlags, heap, heap_object};
use cape_stdlib::contextvars;
use cape_stdlib::statics::StaticValue;
use cape_vm::native::{Named, TypeBuilder, new_type};
use cape_vm::object::*;
use cape_vm::runtime::StaticType;
use cape_vm::{Ptr, Raised, Res, Value, Vm, intern, rt, type_of};

use crate::awaited;
use crate::known::*;

/// A future or a task.
pub(crate) type Fut = Ptr<FutureObj>;

heap_object! {
    /// `Future` and `Task`, which has the fields of the second part. What is not there is EMPTY.
    pub struct FutureObj {
        pub event_loop: Field,
        /// The first callback with its context, and a list of pairs of the others: most have one at most.
        callback: Field,
        context: Field,
        more: Field,
        /// The result or the exception.
        outcome: Field,
        /// The exception's traceback when it was set.
        traceback: Field,
        /// Where the future was made, when the loop debugs.
        source: Field,
        pub cancel_message: Field,
        /// The exception that ended the coroutine of a task, to be raised again.
        pub cancelled_by: Field,
        /// A task, or a set of tasks.
        pub awaited_by: Field,
        state: Native<Cell<State>>,
        /// The outcome is an exception; nobody has asked for it yet.
        failed: Cell<bool>,
        unseen: Cell<bool>,
        /// It was yielded by `await`, not by `yield`.
        pub blocking: Cell<bool>,
        /// The heap knows that it has something to do when it dies.
        registered: Cell<bool>,

        pub is_task: bool,
        pub coro: Field,
        /// A str; the number of a task without a name, until somebody asks.
        pub name: Field,
        pub task_context: Field,
        /// What the task waits for.
        pub waiter: Field,
        pub cancels: Cell<u32>,
        pub must_cancel: Cell<bool>,
        /// Whether it is an error to forget the task before it is done.
        pub complains: Cell<bool>,
        /// Whether it is one of all tasks.
        pub listed: Cell<bool>,
    }
}

impl Named for FutureObj {
    const NAME: &'static str = "_asyncio.Future";
}

/// Where a future stands.
#[derive(Clone, Copy, PartialEq)]
enum State {
    Pending,
    Cancelled,
    Finished,
}

/// Futures and tasks are subclassed, referred to weakly, and given attributes by who uses them.
pub(crate) const FLAGS: u32 = TypeFlags::BASE | TypeFlags::HAS_DICT | TypeFlags::HAS_WEAKREF;

/// `_asyncio.Future`.
pub(crate) static FUTURE: StaticType = StaticType::new();

const NEW_DOC: &str = "Create and return a new object.  See help(type) for accurate signature.";
const DOC: &str = "This class is *almost* compatible with concurrent.futures.Future.\n\n    Differences:\n\n    - result() and exception() do not take a timeout argument and\n      raise an exception when the future isn't done yet.\n\n    - Callbacks registered with add_done_callback() are always called\n      via the event loop's call_soon_threadsafe().\n\n    - This class is not compatible with the wait() and as_completed()\n      methods in the concurrent.futures package.";

pub(crate) fn init(m: Ptr<ModuleObj>) {
    let b = new_type::<FutureObj>("_asyncio.Future", rt().types.object, FLAGS)
        .doc(DOC)
        .new_fn("__new__($type, *args, **kwargs)", NEW_DOC, |_: &Vm, class: Ptr<TypeObj>, _: Value, _: Value| {
            new(class, false)
        })
        .method("__init__($self, /, *, loop=None)", "Initialize self.  See help(type(self)) for accurate signature.", |vm: &Vm, f: Fut, l: Option<Value>| {
            init_future(vm, f, l)
        })
        .method("__repr__($self, /)", "Return repr(self).", |vm: &Vm, f: Fut| {
            f.alive(vm)?;
            vm.call(FUTURE_REPR.get(vm)?, &[f.value()])
        })
        .method("__del__($self, /)", "Called when the instance is about to be destroyed.", finalize)
        .method("__await__($self, /)", "Return an iterator to be used in await expression.", crate::iter::new)
        .method("__iter__($self, /)", "Implement iter(self).", crate::iter::new)
        .class_method("__class_getitem__($type, object, /)", "Futures are generic over the type of their results", |vm: &Vm, class: Value, item: Value| {
            vm.call_generic_alias(class, item)
        })
        .method("result($self, /)", "Return the result this future represents.\n\nIf the future has been cancelled, raises CancelledError.  If the\nfuture's result isn't yet available, raises InvalidStateError.  If\nthe future is done and has an exception set, this exception is\nraised.", result)
        .method("exception($self, /)", "Return the exception that was set on this future.\n\nThe exception (or None if no exception was set) is returned only if\nthe future is done.  If the future has been cancelled, raises\nCancelledError.  If the future isn't done yet, raises\nInvalidStateError.", exception)
        .method("set_result($self, result, /)", "Mark the future done and set its result.\n\nIf the future is already done when this method is called, raises\nInvalidStateError.", |vm: &Vm, f: Fut, v: Value| {
            f.alive(vm)?;
            set_result(vm, f, v)
        })
        .method("set_exception($self, exception, /)", "Mark the future done and set an exception.\n\nIf the future is already done when this method is called, raises\nInvalidStateError.", |vm: &Vm, f: Fut, e: Value| {
            f.alive(vm)?;
            set_exception(vm, f, e)
        })
        .method("add_done_callback($self, fn, /, *, context=<unrepresentable>)", "Add a callback to be run when the future becomes done.\n\nThe callback is called with a single argument - the future object.\nIf the future is already done when this is called, the callback is\nscheduled with call_soon.", |vm: &Vm, f: Fut, callback: Value, context: Option<Value>| {
            let context = context.unwrap_or_else(|| contextvars::copy_current(vm));
            add_callback(vm, f, callback, context)
        })
        .method("remove_done_callback($self, fn, /)", "Remove all instances of a callback from the \"call when done\" list.\n\nReturns the number of callbacks removed.", remove_callback)
        .method("cancel($self, /, msg=None)", "Cancel the future and schedule callbacks.\n\nIf the future is already done or cancelled, return False.\nOtherwise, change the future's state to cancelled, schedule the\ncallbacks and return True.", |vm: &Vm, f: Fut, message: Option<Value>| {
            f.alive(vm)?;
            cancel(vm, f, message.unwrap_or(Value::NONE))
        })
        .method("cancelled($self, /)", "Return True if the future was cancelled.", |_: &Vm, f: Fut| {
            f.state.get() == State::Cancelled
        })
        .method("done($self, /)", "Return True if the future is done.\n\nDone means either that a result / exception are available, or that\nthe future was cancelled.", |_: &Vm, f: Fut| {
            !f.event_loop.get().is_empty() && !f.is_pending()
        })
        .method("get_loop($self, /)", "Return the event loop the Future is bound to.", |vm: &Vm, f: Fut| {
            f.alive(vm)?;
            Ok::<_, Raised>(f.event_loop.get())
        })
        .method("_make_cancelled_error($self, /)", "Create the CancelledError to raise if the Future is cancelled.\n\nThis should only be called once when handling a cancellation since\nit erases the context exception value.", |vm: &Vm, f: Fut| {
            Ok::<_, Raised>(cancelled_error(vm, f)?.value())
        });
    let class = attributes(b).class();
    finalized_on_demand(class);
    FUTURE.set(class);
    m.class(class);
}

fn attributes(b: TypeBuilder) -> TypeBuilder {
    b.getter("_state", "", |vm: &Vm, f: Fut| {
        f.alive(vm)?;
        Ok::<_, Raised>(match f.state.get() {
            State::Pending => intern("PENDING"),
            State::Cancelled => intern("CANCELLED"),
            State::Finished => intern("FINISHED"),
        })
    })
    .getset(
        "_asyncio_future_blocking",
        "",
        |_: &Vm, f: Fut| !f.event_loop.get().is_empty() && f.blocking.get(),
        |vm: &Vm, f: Fut, v: Value| {
            f.alive(vm)?;
            f.blocking.set(flag(vm, v)?);
            Ok::<_, Raised>(())
        },
    )
    .getset(
        "_cancel_message",
        "",
        |_: &Vm, f: Fut| or_none(&f.cancel_message),
        |vm: &Vm, f: Fut, v: Value| {
            not_deleted(vm, v)?;
            f.cancel_message.set(f, v);
            Ok::<_, Raised>(())
        },
    )
    .getset(
        "_log_traceback",
        "",
        |vm: &Vm, f: Fut| f.alive(vm).map(|()| f.unseen.get()),
        |vm: &Vm, f: Fut, v: Value| {
            if flag(vm, v)? {
                return Err(vm.value_error("_log_traceback can only be set to False"));
            }
            f.unseen.set(false);
            Ok(())
        },
    )
    .getter("_callbacks", "", |vm: &Vm, f: Fut| f.alive(vm).map(|()| callbacks(f)))
    .getter("_result", "", |vm: &Vm, f: Fut| {
        f.alive(vm).map(|()| if f.failed.get() { Value::NONE } else { or_none(&f.outcome) })
    })
    .getter("_exception", "", |vm: &Vm, f: Fut| {
        f.alive(vm).map(|()| if f.failed.get() { f.outcome.get() } else { Value::NONE })
    })
    .getter("_loop", "", |_: &Vm, f: Fut| or_none(&f.event_loop))
    .getter("_source_traceback", "", |_: &Vm, f: Fut| or_none(&f.source))
    .getter("_asyncio_awaited_by", "", awaited::get)
}

/// Instances of the class itself are registered when they have something to do when they die ([`FutureObj::register`]), those of classes
/// derived from it by the heap.
pub(crate) fn finalized_on_demand(class: Ptr<TypeObj>) {
    for map in cape_vm::shape::maps_of(class) {
        map.flags.set(map.flags.get() & !MapFlags::FINALIZER);
    }
}

/// The value of a field that may be EMPTY.
pub(crate) fn or_none(field: &Field) -> Value {
    let v = field.get();
    if v.is_empty() { Value::NONE } else { v }
}

pub(crate) fn not_deleted(vm: &Vm, v: Value) -> Res<()> {
    if v.is_empty() { Err(vm.attribute_error("cannot delete attribute")) } else { Ok(()) }
}

/// The truth of a value that an attribute is set to.
pub(crate) fn flag(vm: &Vm, v: Value) -> Res<bool> {
    not_deleted(vm, v)?;
    vm.truth(v)
}

/// An instance, which `__init__` has to complete.
pub(crate) fn new(class: Ptr<TypeObj>, is_task: bool) -> Fut {
    let map = class.instance_map();
    let empty = || Field::new(Value::EMPTY);
    let f = heap().alloc(
        map,
        FutureObj {
            header: Header::new(map),
            event_loop: empty(),
            callback: empty(),
            context: empty(),
            more: empty(),
            outcome: empty(),
            traceback: empty(),
            source: empty(),
            cancel_message: empty(),
            cancelled_by: empty(),
            awaited_by: empty(),
            state: Native(Cell::new(State::Pending)),
            failed: Cell::new(false),
            unseen: Cell::new(false),
            blocking: Cell::new(false),
            registered: Cell::new(map.flags.get() & MapFlags::FINALIZER != 0),
            is_task,
            coro: empty(),
            name: empty(),
            task_context: empty(),
            waiter: empty(),
            cancels: Cell::new(0),
            must_cancel: Cell::new(false),
            complains: Cell::new(false),
            listed: Cell::new(false),
        },
    );
    f
}

impl FutureObj {
    /// RuntimeError before `__init__`.
    pub(crate) fn alive(&self, vm: &Vm) -> Res<()> {
        if self.event_loop.get().is_empty() {
            return Err(vm.runtime_error("Future object is not initialized."));
        }
        Ok(())
    }

    pub(crate) fn is_pending(&self) -> bool {
        self.state.get() == State::Pending
    }

    /// Nobody needs to be told of its exception.
    pub(crate) fn forget_exception(&self) {
        self.unseen.set(false);
    }

    /// It has something to do when it dies.
    pub(crate) fn register(&self) {
        if !self.registered.replace(true) {
            heap().add_finalizer(&self.header);
        }
    }

    /// Whether its class is one of the two of this module.
    pub(crate) fn is_exact(&self) -> bool {
        let class = type_of(self.header.as_value());
        class == FUTURE.get() || class == crate::task::TASK.get()
    }
}

/// `Future.__init__`.
pub(crate) fn init_future(vm: &Vm, f: Fut, event_loop: Option<Value>) -> Res<()> {
    let l = match event_loop.filter(|l| !l.is_none()) {
        Some(l) => l,
        None => crate::running::get_event_loop(vm)?,
    };
    for field in [&f.callback, &f.context, &f.more, &f.outcome, &f.traceback, &f.source] {
        field.set_no_barrier(Value::EMPTY);
    }
    for field in [&f.cancel_message, &f.cancelled_by, &f.awaited_by] {
        field.set_no_barrier(Value::EMPTY);
    }
    f.state.set(State::Pending);
    for flag in [&f.failed, &f.unseen, &f.blocking] {
        flag.set(false);
    }
    f.event_loop.set(f, l);
    let debug = vm.call_method(l, GET_DEBUG.get(), &[])?;
    if vm.truth(debug)? && !cape_stdlib::sys::is_finalizing() {
        let stack = vm.call(EXTRACT_STACK.get(vm)?, &[])?;
        f.source.set(f, stack);
    }
    Ok(())
}

/// `InvalidStateError`.
pub(crate) fn invalid_state(vm: &Vm, message: &str) -> Raised {
    match INVALID_STATE.class(vm) {
        Ok(class) => vm.new_exc(class, message),
        Err(e) => e,
    }
}

/// The exception that says that a future was cancelled.
pub(crate) fn cancelled_error(vm: &Vm, f: Fut) -> Res<Raised> {
    if let Some(e) = f.cancelled_by.downcast::<ExcObj>() {
        f.cancelled_by.set_no_barrier(Value::EMPTY);
        return Ok(Raised::new(e));
    }
    let class = CANCELLED_ERROR.class(vm)?;
    Ok(match f.cancel_message.get() {
        m if m.is_empty() || m.is_none() => vm.new_exc_args(class, &[]),
        m => vm.new_exc_args(class, &[m]),
    })
}

/// `Future.result`.
pub(crate) fn result(vm: &Vm, f: Fut) -> Res<Value> {
    match f.state.get() {
        State::Cancelled => return Err(cancelled_error(vm, f)?),
        State::Pending => return Err(invalid_state(vm, "Result is not set.")),
        State::Finished => {}
    }
    f.unseen.set(false);
    if !f.failed.get() {
        return Ok(f.outcome.get());
    }
    let e: Ptr<ExcObj> = f.outcome.downcast().expect("an exception");
    e.traceback.set(e, f.traceback.get());
    Err(Raised::new(e))
}

fn exception(vm: &Vm, f: Fut) -> Res<Value> {
    match f.state.get() {
        State::Cancelled => return Err(cancelled_error(vm, f)?),
        State::Pending => return Err(invalid_state(vm, "Exception is not set.")),
        State::Finished => {}
    }
    f.unseen.set(false);
    Ok(if f.failed.get() { f.outcome.get() } else { Value::NONE })
}

/// `Future.set_result`.
pub(crate) fn set_result(vm: &Vm, f: Fut, v: Value) -> Res<()> {
    if !f.is_pending() {
        return Err(invalid_state(vm, "invalid state"));
    }
    f.outcome.set(f, v);
    f.state.set(State::Finished);
    schedule_callbacks(vm, f)
}

/// `Future.set_exception`.
pub(crate) fn set_exception(vm: &Vm, f: Fut, exception: Value) -> Res<()> {
    if !f.is_pending() {
        return Err(invalid_state(vm, "invalid state"));
    }
    let v = if cape_vm::eval::is_exception_class(exception) {
        let v = vm.call(exception, &[])?;
        if !f.is_pending() {
            return Err(invalid_state(vm, "invalid state"));
        }
        v
    } else {
        exception
    };
    let Some(mut e) = v.downcast::<ExcObj>() else { return Err(vm.type_error("invalid exception object")) };
    if type_of(v).is_subtype(rt().types.stop_iteration) {
        let text = "StopIteration interacts badly with generators and cannot be raised into a Future";
        let new = vm.runtime_error(text).exc();
        new.cause.set(new, v);
        new.context.set(new, v);
        e = new;
    }
    f.outcome.set(f, e.value());
    f.traceback.set(f, e.traceback.get());
    f.failed.set(true);
    f.state.set(State::Finished);
    schedule_callbacks(vm, f)?;
    f.unseen.set(true);
    f.register();
    Ok(())
}

/// `Future.cancel`.
pub(crate) fn cancel(vm: &Vm, f: Fut, message: Value) -> Res<bool> {
    f.unseen.set(false);
    if !f.is_pending() {
        return Ok(false);
    }
    f.state.set(State::Cancelled);
    f.cancel_message.set(f, message);
    schedule_callbacks(vm, f)?;
    Ok(true)
}

/// The keyword of `call_soon` and `add_done_callback`.
pub(crate) fn context_keyword() -> Ptr<TupleObj> {
    static KEYWORDS: StaticValue = StaticValue::shared();
    KEYWORDS.try_get().and_then(|k| k.downcast()).unwrap_or_else(|| {
        let k = TupleObj::new(&[intern("context")]);
        KEYWORDS.set(k.value());
        k
    })
}

/// Asks the loop to call a function soon.
pub(crate) fn call_soon(vm: &Vm, event_loop: Value, f: Value, arg: Option<Value>, context: Value) -> Res<()> {
    let method = vm.get_attr(event_loop, CALL_SOON.get())?;
    let keyword = Some(context_keyword()).filter(|_| !context.is_empty());
    let mut args = ValueVec::new();
    args.push(f);
    if let Some(arg) = arg {
        args.push(arg);
    }
    if keyword.is_some() {
        args.push(context);
    }
    vm.call_args(method, &args, keyword).map(drop)
}

fn schedule_callbacks(vm: &Vm, f: Fut) -> Res<()> {
    let l = f.event_loop.get();
    let (first, context, more) = (f.callback.get(), f.context.get(), f.more.get());
    for field in [&f.callback, &f.context, &f.more] {
        field.set_no_barrier(Value::EMPTY);
    }
    if !first.is_empty() {
        call_soon(vm, l, first, Some(f.value()), context)?;
    }
    if let Some(list) = more.downcast::<ListObj>() {
        for &pair in list.snapshot().as_slice() {
            let pair: Ptr<TupleObj> = pair.downcast().expect("a callback with its context");
            call_soon(vm, l, pair.get(0), Some(f.value()), pair.get(1))?;
        }
    }
    Ok(())
}

/// `Future.add_done_callback`.
pub(crate) fn add_callback(vm: &Vm, f: Fut, callback: Value, context: Value) -> Res<()> {
    f.alive(vm)?;
    if !f.is_pending() {
        return call_soon(vm, f.event_loop.get(), callback, Some(f.value()), context);
    }
    let more = f.more.downcast::<ListObj>();
    if more.is_none() && f.callback.get().is_empty() {
        f.callback.set(f, callback);
        f.context.set(f, context);
        return Ok(());
    }
    let pair = TupleObj::new(&[callback, context]).value();
    match more {
        Some(list) => list.push(pair),
        None => f.more.set(f, ListObj::new(&[pair]).value()),
    }
    Ok(())
}

/// `_callbacks`: pairs of callback and context, or None.
fn callbacks(f: Fut) -> Value {
    let mut all = ValueVec::new();
    if !f.callback.get().is_empty() {
        all.push(TupleObj::new(&[f.callback.get(), f.context.get()]).value());
    }
    if let Some(list) = f.more.downcast::<ListObj>() {
        all.extend_from_slice(list.snapshot().as_slice());
    }
    if all.is_empty() { Value::NONE } else { ListObj::from_vec(all).value() }
}

/// `Future.remove_done_callback`. A comparison may do anything, end the future among it.
fn remove_callback(vm: &Vm, f: Fut, wanted: Value) -> Res<usize> {
    f.alive(vm)?;
    let mut removed = 0;
    let first = f.callback.get();
    if !first.is_empty() && vm.eq(first, wanted)? {
        removed += 1;
        for field in [&f.callback, &f.context] {
            field.set_no_barrier(Value::EMPTY);
        }
    }
    let (kept, mut i) = (ListObj::new(&[]), 0);
    while let Some(pair) = f.more.downcast::<ListObj>().and_then(|l| l.get(i)) {
        i += 1;
        let p: Ptr<TupleObj> = pair.downcast().expect("a callback with its context");
        if vm.eq(p.get(0), wanted)? {
            removed += 1;
        } else {
            kept.push(pair);
        }
    }
    if f.more.downcast::<ListObj>().is_some() {
        f.more.set(f, if kept.is_empty() { Value::EMPTY } else { kept.value() });
    }
    Ok(removed)
}

/// Tells the loop's handler of something that nobody else will hear of.
pub(crate) fn tell_handler(vm: &Vm, f: Fut, message: &str, parts: &[(&str, Value)]) {
    let told = DictObj::new();
    told.set_str(intern("message"), StrObj::new(message).value());
    for (name, v) in parts {
        told.set_str(intern(name), *v);
    }
    if !f.source.get().is_empty() {
        told.set_str(intern("source_traceback"), f.source.get());
    }
    let handler = intern("call_exception_handler");
    if let Err(e) = vm.call_method(f.event_loop.get(), handler, &[told.value()]) {
        vm.report_ignored(e, "finalizing future", f.value());
    }
}

/// `Future.__del__`: an exception that nobody has asked for.
pub(crate) fn finalize(vm: &Vm, f: Fut) {
    if f.unseen.replace(false) {
        let message = format!("{} exception was never retrieved", type_of(f.value()).name_str());
        tell_handler(vm, f, &message, &[("exception", f.outcome.get()), ("future", f.value())]);
    }
}

/// A task is done: unless it has an exception, nothing is left to be done when it dies.
pub(crate) fn settle(f: Fut) {
    if !f.unseen.get() && f.is_exact() {
        f.header().set(ObjFlags::FINALIZED);
    }
}
