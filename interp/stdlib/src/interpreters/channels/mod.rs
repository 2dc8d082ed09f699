//! `_interpchannels`: channels of the process, known by number, with ends at which interpreters send and receive.

mod state;

use std::sync::atomic::Ordering;

use cape_heap::{Header, heap, heap_object};
use cape_vm::native::{Named, new_type};
use cape_vm::object::*;
use cape_vm::runtime::StaticType;
use cape_vm::structseq::{Spec, StructSeq};
use cape_vm::{Ptr, Raised, Res, Value, Vm, intern, interpreter, rt, type_of};

use super::arguments::{self, Fallback, Unbound};
use super::crossing::Packed;
use super::exceptions;
use crate::duration::{Round, nanoseconds};
use crate::statics::StaticValue;
use state::{Item, Mistake, Side, Waiter};

pub use state::interpreter_ends;

heap_object! {
    /// A `ChannelID`: a channel's number, as an object that keeps the channel.
    pub struct ChannelIdObj { id: ChannelId } [drop]
}

impl Named for ChannelIdObj {
    const NAME: &'static str = "_interpchannels.ChannelID";
}

/// A channel's number that keeps it, if there is one.
struct ChannelId {
    number: i64,
    side: Side,
    /// Becomes an end in the library's class when it crosses.
    resolve: bool,
}

impl cape_heap::Trace for ChannelId {
    fn trace(&self, _: &mut cape_heap::Tracer<'_>) {}
}

impl Drop for ChannelId {
    fn drop(&mut self) {
        state::let_go(self.number);
    }
}

static CHANNEL_ID: StaticType = StaticType::new();
static ERROR: StaticType = StaticType::new();
static NOT_FOUND: StaticType = StaticType::new();
static CLOSED: StaticType = StaticType::new();
static EMPTY: StaticType = StaticType::new();
static NOT_EMPTY: StaticType = StaticType::new();

/// The classes of ends that a library in Python has, in each interpreter.
static SEND_END: StaticValue = StaticValue::new();
static RECV_END: StaticValue = StaticValue::new();

static INFO: StructSeq = StructSeq::new(Spec {
    name: "_interpchannels.ChannelInfo",
    doc: "ChannelInfo\n\nA named tuple of a channel's state.",
    fields: &[
        ("open", "both ends are open"),
        ("closing", "send is closed, recv is non-empty"),
        ("closed", "both ends are closed"),
        ("count", "queued objects"),
        ("num_interp_send", "interpreters bound to the send end"),
        ("num_interp_send_released", "interpreters bound to the send end and released"),
        ("num_interp_recv", "interpreters bound to the send end"),
        ("num_interp_recv_released", "interpreters bound to the send end and released"),
        ("num_interp_both", "interpreters bound to both ends"),
        ("num_interp_both_released", "interpreters bound to both ends and released_from_both"),
        ("num_interp_both_send_released", "interpreters bound to both ends and released_from_the send end"),
        ("num_interp_both_recv_released", "interpreters bound to both ends and released_from_the recv end"),
        ("send_associated", "current interpreter is bound to the send end"),
        ("send_released", "current interpreter *was* bound to the send end"),
        ("recv_associated", "current interpreter is bound to the recv end"),
        ("recv_released", "current interpreter *was* bound to the recv end"),
    ],
    visible: 8,
    instantiable: true,
    complete: None,
});

fn raised(vm: &Vm, id: i64, mistake: Mistake) -> Raised {
    let (class, what) = match mistake {
        Mistake::NotFound => (&NOT_FOUND, "not found"),
        Mistake::Closed => (&CLOSED, "is closed"),
        Mistake::ClosedHere => (&CLOSED, "is already closed"),
        Mistake::ClosedMeanwhile => (&CLOSED, "has closed"),
        Mistake::Empty => (&EMPTY, "is empty"),
        Mistake::NotEmpty => (&NOT_EMPTY, "may not be closed if not empty (try force=True)"),
    };
    vm.new_exc(class.get(), &format!("channel {id} {what}"))
}

/// The channel that an argument identifies, and its end.
fn identified(vm: &Vm, v: Value) -> Res<(i64, Side)> {
    if let Some(c) = v.downcast::<ChannelIdObj>() {
        return Ok((c.id.number, c.id.side));
    }
    match arguments::id(vm, v, "channel ID") {
        Err(r) if r.is(rt().types.overflow_error) => Err(vm.overflow_error("int too big to convert")),
        r => Ok((r?, Side::Both)),
    }
}

/// Does something with the channel that an argument identifies.
fn on<R>(vm: &Vm, v: Value, f: impl FnOnce(i64) -> Result<R, Mistake>) -> Res<R> {
    let (id, _) = identified(vm, v)?;
    f(id).map_err(|m| raised(vm, id, m))
}

/// A `ChannelID`; with `force` also of a channel that is not.
fn new_id(vm: &Vm, number: i64, side: Side, force: bool, resolve: bool) -> Res<Value> {
    match state::hold(number) {
        Err(Mistake::NotFound) if force => {}
        r => r.map_err(|m| raised(vm, number, m))?,
    }
    let map = CHANNEL_ID.get().instance_map();
    let id = ChannelId { number, side, resolve };
    Ok(heap().alloc(map, ChannelIdObj { header: Header::new(map), id }).value())
}

/// Fills the module.
pub fn init(_: &Vm, m: Ptr<ModuleObj>) -> Res<()> {
    let error = exceptions::class(&ERROR, "_interpchannels.ChannelError", rt().types.runtime_error, None);
    m.class(error);
    for (place, name) in [
        (&NOT_FOUND, "_interpchannels.ChannelNotFoundError"),
        (&CLOSED, "_interpchannels.ChannelClosedError"),
        (&EMPTY, "_interpchannels.ChannelEmptyError"),
        (&NOT_EMPTY, "_interpchannels.ChannelNotEmptyError"),
    ] {
        m.class(exceptions::class(place, name, error, None));
    }
    m.class(INFO.class()).class(id_class());
    m.function("create(unboundop=-1, fallback=-1)", "channel_create(unboundop) -> cid\n\nCreate a new cross-interpreter channel and return a unique generated ID.", |vm: &Vm, unbound: Option<i64>, fallback: Option<i64>| {
            let unbound = arguments::unbound(vm, unbound, Unbound::Replace)?;
            arguments::fallback(vm, fallback, Fallback::Full)?;
            new_id(vm, state::create(unbound), Side::Both, false, false)
        })
        .function("destroy(cid)", "channel_destroy(cid)\n\nClose and finalize the channel.  Afterward attempts to use the channel\nwill behave as though it never existed.", |vm: &Vm, v: Value| on(vm, v, state::destroy))
        .function("list_all()", "channel_list_all() -> [cid]\n\nReturn the list of all IDs for active channels.", list_all)
        .function("list_interpreters(cid, *, send)", "channel_list_interpreters(cid, *, send) -> [id]\n\nReturn the list of all interpreter IDs associated with an end of the channel.\n\nThe 'send' argument should be a boolean indicating whether to use the send or\nreceive end.", list_interpreters)
        .function("send(cid, obj, unboundop=-1, fallback=-1, *, blocking=True, timeout=None)", "channel_send(cid, obj, *, blocking=True, timeout=None)\n\nAdd the object's data to the channel's queue.\nBy default this waits for the object to be received.", send)
        .function("send_buffer(cid, obj, unboundop=-1, fallback=-1, *, blocking=True, timeout=None)", "channel_send_buffer(cid, obj, *, blocking=True, timeout=None)\n\nAdd the object's buffer to the channel's queue.\nBy default this waits for the object to be received.", send_buffer)
        .function("recv(cid, default=<unrepresentable>)", "channel_recv(cid, [default]) -> (obj, unboundop)\n\nReturn a new object from the data at the front of the channel's queue.\n\nIf there is nothing to receive then raise ChannelEmptyError, unless\na default value is provided.  In that case return it.", recv)
        .function("close(cid, *, send=False, recv=False, force=False)", "channel_close(cid, *, send=None, recv=None, force=False)\n\nClose the channel for all interpreters.\n\nIf the channel is empty then the keyword args are ignored and both\nends are immediately closed.  Otherwise, if 'force' is True then\nall queued items are released and both ends are immediately\nclosed.\n\nIf the channel is not empty *and* 'force' is False then following\nhappens:\n\n * recv is True (regardless of send):\n   - raise ChannelNotEmptyError\n * recv is None and send is None:\n   - raise ChannelNotEmptyError\n * send is True and recv is not True:\n   - fully close the 'send' end\n   - close the 'recv' end to interpreters not already receiving\n   - fully close it once empty\n\nClosing an already closed channel results in a ChannelClosedError.\n\nOnce the channel's ID has no more ref counts in any interpreter\nthe channel will be destroyed.", |vm: &Vm, v: Value, send: Option<bool>, recv: Option<bool>, force: Option<bool>| {
            on(vm, v, |id| state::close(id, side_of(send, recv), force == Some(true)))
        })
        .function("release(cid, *, send=False, recv=False, force=False)", "channel_release(cid, *, send=None, recv=None, force=True)\n\nClose the channel for the current interpreter.  'send' and 'recv'\n(bool) may be used to indicate the ends to close.  By default both\nends are closed.  Closing an already closed end is a noop.", |vm: &Vm, v: Value, send: Option<bool>, recv: Option<bool>, _force: Option<bool>| {
            on(vm, v, |id| state::release(id, side_of(send, recv), vm.interpreter().id()))
        })
        .function("get_count(cid)", "get_count(cid)\n\nReturn the number of items in the channel.", |vm: &Vm, v: Value| on(vm, v, state::count))
        .function("get_info(cid)", "get_info(cid)\n\nReturn details about the channel.", info)
        .function("get_channel_defaults(cid)", "get_channel_defaults(cid)\n\nReturn the channel's default values, set when it was created.", |vm: &Vm, v: Value| {
            let unbound = on(vm, v, state::default_of)?;
            Ok::<_, Raised>(TupleObj::new(&[Value::int(unbound as i64), Value::int(Fallback::Full as i64)]))
        })
        .function("_channel_id(id, *, send=None, recv=None, force=False, _resolve=False)", "", channel_id)
        .function("_register_end_types(send, recv)", "", |_: &Vm, send: Value, recv: Value| {
            SEND_END.set(send);
            RECV_END.set(recv);
        });
    Ok(())
}

fn id_class() -> Ptr<TypeObj> {
    if let Some(t) = CHANNEL_ID.try_get() {
        return t;
    }
    let number = |_: &Vm, c: Ptr<ChannelIdObj>| c.id.number;
    let t = new_type::<ChannelIdObj>("_interpchannels.ChannelID", rt().types.object, TypeFlags::BASE)
        .doc("A channel ID identifies a channel and may be used as an int.")
        .method("__repr__($self, /)", "Return repr(self).", |_: &Vm, c: Ptr<ChannelIdObj>| {
            let (name, n) = (type_of(c.value()).name_str(), c.id.number);
            match c.id.side {
                Side::Send => format!("{name}({n}, send=True)"),
                Side::Recv => format!("{name}({n}, recv=True)"),
                Side::Both => format!("{name}({n})"),
            }
        })
        .method("__str__($self, /)", "Return str(self).", |_: &Vm, c: Ptr<ChannelIdObj>| {
            c.id.number.to_string()
        })
        .method("__int__($self, /)", "int(self)", number)
        .method(
            "__index__($self, /)",
            "Return self converted to an integer, if self is suitable for use as an index into a list.",
            number,
        )
        .method("__hash__($self, /)", "Return hash(self).", |vm: &Vm, c: Ptr<ChannelIdObj>| {
            vm.hash(Value::int(c.id.number))
        })
        .method(
            "__eq__($self, value, /)",
            "Return self==value.",
            |vm: &Vm, c: Ptr<ChannelIdObj>, v: Value| equal(vm, c, v),
        )
        .method(
            "__ne__($self, value, /)",
            "Return self!=value.",
            |vm: &Vm, c: Ptr<ChannelIdObj>, v: Value| {
                let r = equal(vm, c, v)?;
                Ok::<_, Raised>(if r.is_bool() { Value::bool(r == Value::FALSE) } else { r })
            },
        )
        .getter("end", "'send', 'recv', or 'both'", |_: &Vm, c: Ptr<ChannelIdObj>| match c.id.side {
            Side::Send => "send",
            Side::Recv => "recv",
            Side::Both => "both",
        })
        .getter("send", "the 'send' end of the channel", |vm: &Vm, c: Ptr<ChannelIdObj>| {
            end_of(vm, c, Side::Send)
        })
        .getter("recv", "the 'recv' end of the channel", |vm: &Vm, c: Ptr<ChannelIdObj>| {
            end_of(vm, c, Side::Recv)
        })
        .class();
    CHANNEL_ID.set(t);
    t
}

fn end_of(vm: &Vm, c: Ptr<ChannelIdObj>, side: Side) -> Res<Value> {
    new_id(vm, c.id.number, side, true, c.id.resolve)
}

fn equal(vm: &Vm, c: Ptr<ChannelIdObj>, v: Value) -> Res<Value> {
    if let Some(other) = v.downcast::<ChannelIdObj>() {
        return Ok(Value::bool(other.id.number == c.id.number && other.id.side == c.id.side));
    }
    if Int::of(v).is_some() || v.is_float() {
        return vm.eq(Value::int(c.id.number), v).map(Value::bool);
    }
    Ok(Value::NOT_IMPLEMENTED)
}

/// The end that flags say: both, when they say nothing or both.
fn side_of(send: Option<bool>, recv: Option<bool>) -> Side {
    match (send == Some(true), recv == Some(true)) {
        (true, false) => Side::Send,
        (false, true) => Side::Recv,
        _ => Side::Both,
    }
}

fn channel_id(
    vm: &Vm,
    v: Value,
    send: Option<Value>,
    recv: Option<Value>,
    force: Option<bool>,
    resolve: Option<bool>,
) -> Res<Value> {
    let (number, side) = identified(vm, v)?;
    let flag = |v: Option<Value>| match v {
        None | Some(Value::NONE) => Ok(None),
        Some(v) => vm.truth(v).map(Some),
    };
    let side = match (flag(send)?, flag(recv)?) {
        (Some(false), Some(false)) => {
            return Err(vm.value_error("'send' and 'recv' cannot both be False"));
        }
        (Some(true), Some(true)) => Side::Both,
        (Some(true), _) => Side::Send,
        (_, Some(true)) => Side::Recv,
        _ => side,
    };
    new_id(vm, number, side, force == Some(true), resolve == Some(true))
}

fn list_all(vm: &Vm) -> Res<Value> {
    // Channels go with the last object that stands for them.
    crate::gc::collect_all(vm);
    let list = ListObj::new(&[]);
    for (id, unbound) in state::list() {
        let id = new_id(vm, id, Side::Both, false, false)?;
        let row = [id, Value::int(unbound as i64), Value::int(Fallback::Full as i64)];
        list.push(TupleObj::new(&row).value());
    }
    Ok(list.value())
}

fn list_interpreters(vm: &Vm, v: Value, send: bool) -> Res<Value> {
    let ids = ListObj::new(&[]);
    for i in interpreter::list() {
        if on(vm, v, |id| state::is_at(id, i.id(), send))? {
            ids.push(Value::int(i.id()));
        }
    }
    Ok(ids.value())
}

fn info(vm: &Vm, v: Value) -> Res<Value> {
    let info = on(vm, v, |id| state::info(id, vm.interpreter().id()))?;
    let mut row = ValueVec::new();
    for flag in [info.open, info.closing, !info.open && !info.closing] {
        row.push(Value::bool(flag));
    }
    row.push(Value::int(info.count as i64));
    info.numbers.iter().for_each(|&n| row.push(Value::int(n as i64)));
    info.own.iter().for_each(|&b| row.push(Value::bool(b)));
    Ok(INFO.make(&row))
}

/// How long a sender waits, in nanoseconds; `None`: until the item is received. An error when it is not to wait at all.
fn patience(vm: &Vm, blocking: bool, timeout: Option<Value>) -> Res<Option<i64>> {
    let Some(timeout) = timeout.filter(|t| !t.is_none()) else { return Ok(None) };
    if !blocking {
        return Err(vm.value_error("can't specify a timeout for a non-blocking call"));
    }
    let ns = nanoseconds(vm, timeout, Round::Up)?;
    if ns < 0 {
        return Err(vm.value_error("timeout value must be a non-negative number"));
    }
    Ok(Some(ns))
}

fn send(
    vm: &Vm,
    v: Value,
    object: Value,
    unbound: Option<i64>,
    fallback: Option<i64>,
    blocking: Option<bool>,
    timeout: Option<Value>,
) -> Res<()> {
    let (id, _) = identified(vm, v)?;
    let blocking = blocking.unwrap_or(true);
    let patience = patience(vm, blocking, timeout)?;
    let mistaken = |m| raised(vm, id, m);
    let default = state::default_of(id).map_err(mistaken)?;
    let unbound = arguments::unbound(vm, unbound, default)?;
    let fallback = arguments::fallback(vm, fallback, Fallback::Full)?;
    state::check_send(id).map_err(mistaken)?;
    let data = Packed::pack(vm, object, fallback)?;
    let waiter = blocking.then(Waiter::new);
    let item = Item::new(vm.interpreter().id(), data, unbound, waiter.clone());
    state::send(id, item).map_err(mistaken)?;
    let Some(waiter) = waiter else { return Ok(()) };
    let over = waiter.over.acquire(vm, patience);
    if !matches!(over, Ok(true)) {
        state::take_back(id, &waiter);
    }
    match over {
        _ if waiter.received.load(Ordering::Acquire) => Ok(()),
        Ok(true) => Err(mistaken(Mistake::ClosedMeanwhile)),
        Ok(false) => Err(vm.new_exc(rt().types.timeout_error, "timed out")),
        Err(r) => Err(r),
    }
}

fn send_buffer(
    vm: &Vm,
    v: Value,
    object: Value,
    unbound: Option<i64>,
    fallback: Option<i64>,
    blocking: Option<bool>,
    timeout: Option<Value>,
) -> Res<()> {
    let view = vm.call(vm.import_attr("builtins", "memoryview")?, &[object])?;
    send(vm, v, view, unbound, fallback, blocking, timeout)
}

fn recv(vm: &Vm, v: Value, default: Option<Value>) -> Res<Value> {
    let (id, _) = identified(vm, v)?;
    let mut item = match state::recv(id, vm.interpreter().id()) {
        Ok(item) => item,
        Err(Mistake::Empty) if default.is_some() => {
            return Ok(TupleObj::new(&[default.unwrap_or(Value::NONE), Value::NONE]).value());
        }
        Err(m) => return Err(raised(vm, id, m)),
    };
    let pair = match item.data() {
        Ok(data) => [data.unpack(vm)?, Value::NONE],
        Err(unbound) => [Value::NONE, Value::int(unbound as i64)],
    };
    item.received();
    Ok(TupleObj::new(&pair).value())
}

/// Whether a value is a `ChannelID`, or an end of the interpreter that runs.
pub fn is_channel(v: Value) -> bool {
    v.is_ptr()
        && (CHANNEL_ID.try_get() == Some(type_of(v))
            || [&SEND_END, &RECV_END].iter().any(|c| c.try_get() == Some(type_of(v).value())))
}

/// A channel's number on its way, or an end's.
pub struct End {
    number: i64,
    side: Side,
    resolve: bool,
    /// It was an object of the library's, and becomes one.
    whole: bool,
}

impl End {
    /// Of an object of the interpreter that runs.
    pub fn of(vm: &Vm, v: Value) -> Res<End> {
        let whole = !v.is::<ChannelIdObj>();
        let id = if whole { vm.get_attr(v, intern("_id"))? } else { v };
        let Some(c) = id.downcast::<ChannelIdObj>() else {
            return Err(vm.type_error("the end of a channel has no channel ID"));
        };
        Ok(End { number: c.id.number, side: c.id.side, resolve: c.id.resolve, whole })
    }

    /// The object, in the interpreter that runs.
    pub fn object(&self, vm: &Vm) -> Res<Value> {
        if CHANNEL_ID.try_get().is_none() || rt().modules().get_str(intern("_interpchannels")).is_none() {
            vm.import_module("_interpchannels")?;
        }
        let id = new_id(vm, self.number, self.side, false, false)?;
        if !self.whole && (self.side == Side::Both || !self.resolve) {
            return Ok(id);
        }
        let place = if self.side == Side::Send { &SEND_END } else { &RECV_END };
        if place.try_get().is_none() {
            vm.import_module("interpreters.channels")
                .or_else(|_| vm.import_module("test.support.channels"))?;
        }
        match place.try_get() {
            Some(class) => vm.call(class, &[id]),
            None => Ok(id),
        }
    }
}
