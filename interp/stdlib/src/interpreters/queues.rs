//! `_interpqueues`: queues of the process, known by number, through which data go from interpreter to interpreter.

use std::cell::RefCell;
use std::collections::VecDeque;

use cape_vm::object::*;
use cape_vm::runtime::StaticType;
use cape_vm::{Ptr, Raised, Res, Value, Vm, rt, type_of};

use super::arguments::{self, Fallback, Unbound};
use super::crossing::Packed;
use super::exceptions;
use crate::statics::StaticValue;

static QUEUE_ERROR: StaticType = StaticType::new();
static NOT_FOUND: StaticType = StaticType::new();

/// What the library has in Python, in each interpreter: the class of queues, and those of what getting and putting raise.
static QUEUE: StaticValue = StaticValue::new();
static EMPTY: StaticValue = StaticValue::new();
static FULL: StaticValue = StaticValue::new();

struct Item {
    /// Who added it.
    interpreter: i64,
    /// Nothing: the interpreter has ended.
    data: Option<Packed>,
    unbound: Unbound,
}

struct Queue {
    id: i64,
    /// 0 or less: as many as there are.
    maxsize: i64,
    unbound: Unbound,
    fallback: Fallback,
    items: VecDeque<Item>,
    references: usize,
}

impl Queue {
    fn is_full(&self) -> bool {
        self.maxsize > 0 && self.items.len() as i64 >= self.maxsize
    }
}

struct Queues {
    list: Vec<Queue>,
    last_id: i64,
}

struct Shared(RefCell<Queues>);
// SAFETY: used with the lock held, and never while other code runs.
unsafe impl Sync for Shared {}
static QUEUES: Shared = Shared(RefCell::new(Queues { list: Vec::new(), last_id: 0 }));

/// What is wrong with a queue.
#[derive(Clone, Copy)]
enum Mistake {
    NotFound,
    Empty,
    Full,
    NeverBound,
}

/// Calls `f` with a queue. What is dropped in `f` must not hold a queue: see [`Held`].
fn with<R>(id: i64, f: impl FnOnce(&mut Queue) -> Result<R, Mistake>) -> Result<R, Mistake> {
    let mut all = QUEUES.0.borrow_mut();
    f(all.list.iter_mut().find(|q| q.id == id).ok_or(Mistake::NotFound)?)
}

fn remove(id: i64) -> Option<Queue> {
    let mut all = QUEUES.0.borrow_mut();
    let at = all.list.iter().position(|q| q.id == id)?;
    Some(all.list.remove(at))
}

fn raised(vm: &Vm, id: i64, mistake: Mistake) -> Raised {
    let class = |v: &'static StaticValue| {
        if v.try_get().is_none() {
            vm.import_module("concurrent.interpreters._queues")?;
        }
        let class = v.try_get().and_then(|c| c.downcast::<TypeObj>());
        class.ok_or_else(|| vm.runtime_error("the module of queues was not loaded"))
    };
    let (class, what) = match mistake {
        Mistake::NotFound => (Ok(NOT_FOUND.get()), "not found"),
        Mistake::NeverBound => (Ok(QUEUE_ERROR.get()), "never bound"),
        Mistake::Empty => (class(&EMPTY), "is empty"),
        Mistake::Full => (class(&FULL), "is full"),
    };
    let message = StrObj::new(&format!("queue {id} {what}")).value();
    match class.and_then(|c| vm.call(c.value(), &[message])) {
        Ok(e) => Raised::new(e.downcast().expect("an exception's class makes exceptions")),
        Err(r) => r,
    }
}

/// Does something with the queue that an argument identifies.
fn on<R>(vm: &Vm, v: Value, f: impl FnOnce(&mut Queue) -> Result<R, Mistake>) -> Res<R> {
    let id = arguments::id(vm, v, "queue ID")?;
    with(id, f).map_err(|m| raised(vm, id, m))
}

/// Fills the module.
pub fn init(_: &Vm, m: Ptr<ModuleObj>) -> Res<()> {
    let doc = "Indicates that a queue-related error happened.";
    let base = rt().types.runtime_error;
    let error = exceptions::class(&QUEUE_ERROR, "concurrent.interpreters.QueueError", base, Some(doc));
    let not_found = exceptions::class(&NOT_FOUND, "concurrent.interpreters.QueueNotFoundError", error, None);
    m.class(error).class(not_found);
    m.function("create(maxsize, unboundop=-1, fallback=-1)", "Create a new cross-interpreter queue and return its unique generated ID.\nIt is a new reference as though bind() had been called on the queue.\n\nThe caller is responsible for calling destroy() for the new queue\nbefore the runtime is finalized.", create)
        .function("destroy(qid)", "Clear and destroy the queue.  Afterward attempts to use the queue\nwill behave as though it never existed.", |vm: &Vm, v: Value| {
            let id = arguments::id(vm, v, "queue ID")?;
            remove(id).map(drop).ok_or_else(|| raised(vm, id, Mistake::NotFound))
        })
        .function("list_all()", "Return the list of IDs for all queues.\nEach corresponding default unbound op and fallback is also included.", list_all)
        .function("put(qid, obj, unboundop=-1, fallback=-1)", "Add the object's data to the queue.", put)
        .function("get(qid)", "Return a new object from the data at the front of the queue.\nThe unbound op is also returned.\n\nIf there is nothing to receive then raise QueueEmpty.", get)
        .function("bind(qid)", "Take a reference to the identified queue.\nThe queue is not destroyed until there are no references left.", |vm: &Vm, v: Value| {
            on(vm, v, |q| {
                q.references += 1;
                Ok(())
            })
        })
        .function("release(qid)", "Release a reference to the queue.\nThe queue is destroyed once there are no references left.", |vm: &Vm, v: Value| {
            let id = arguments::id(vm, v, "queue ID")?;
            release(id).map_err(|m| raised(vm, id, m))
        })
        .function("get_maxsize(qid)", "Return the maximum number of items in the queue.", |vm: &Vm, v: Value| {
            on(vm, v, |q| Ok(q.maxsize))
        })
        .function("get_queue_defaults(qid)", "Return the queue's default values, set when it was created.", |vm: &Vm, v: Value| {
            let (unbound, fallback) = on(vm, v, |q| Ok((q.unbound, q.fallback)))?;
            Ok::<_, Raised>(TupleObj::new(&[Value::int(unbound as i64), Value::int(fallback as i64)]))
        })
        .function("is_full(qid)", "Return true if the queue has a maxsize and has reached it.", |vm: &Vm, v: Value| {
            on(vm, v, |q| Ok(q.is_full()))
        })
        .function("get_count(qid)", "Return the number of items in the queue.", |vm: &Vm, v: Value| {
            on(vm, v, |q| Ok(q.items.len()))
        })
        .function("_register_heap_types(queuetype, emptyerror, fullerror)", "", |_: &Vm, queue: Value, empty: Value, full: Value| {
            QUEUE.set(queue);
            EMPTY.set(empty);
            FULL.set(full);
        });
    Ok(())
}

fn create(vm: &Vm, maxsize: i64, unbound: Option<i64>, fallback: Option<i64>) -> Res<i64> {
    let unbound = arguments::unbound(vm, unbound, Unbound::Replace)?;
    let fallback = arguments::fallback(vm, fallback, Fallback::Full)?;
    let mut all = QUEUES.0.borrow_mut();
    all.last_id += 1;
    let id = all.last_id;
    all.list.push(Queue { id, maxsize, unbound, fallback, items: VecDeque::new(), references: 0 });
    Ok(id)
}

fn list_all(_: &Vm) -> Value {
    let rows: Vec<_> =
        QUEUES.0.borrow().list.iter().rev().map(|q| [q.id, q.unbound as i64, q.fallback as i64]).collect();
    let list = ListObj::new(&[]);
    rows.iter().for_each(|row| list.push(TupleObj::new(&row.map(Value::int)).value()));
    list.value()
}

fn put(vm: &Vm, v: Value, object: Value, unbound: Option<i64>, fallback: Option<i64>) -> Res<()> {
    let (default, way) = on(vm, v, |q| Ok((q.unbound, q.fallback)))?;
    let unbound = arguments::unbound(vm, unbound, default)?;
    let data = Packed::pack(vm, object, arguments::fallback(vm, fallback, way)?)?;
    let mut item = Some(Item { interpreter: vm.interpreter().id(), data: Some(data), unbound });
    on(vm, v, |q| {
        if q.is_full() {
            return Err(Mistake::Full);
        }
        q.items.extend(item.take());
        Ok(())
    })
}

fn get(vm: &Vm, v: Value) -> Res<Value> {
    let item = on(vm, v, |q| q.items.pop_front().ok_or(Mistake::Empty))?;
    let pair = match &item.data {
        Some(data) => [data.unpack(vm)?, Value::NONE],
        None => [Value::NONE, Value::int(item.unbound as i64)],
    };
    Ok(TupleObj::new(&pair).value())
}

fn release(id: i64) -> Result<(), Mistake> {
    let left = with(id, |q| {
        q.references = q.references.checked_sub(1).ok_or(Mistake::NeverBound)?;
        Ok(q.references)
    })?;
    if left == 0 {
        drop(remove(id));
    }
    Ok(())
}

/// What an interpreter added that ends is no more, or a sign stands in its place.
pub fn interpreter_ends(interpreter: i64) {
    let mut gone = Vec::new();
    for q in QUEUES.0.borrow_mut().list.iter_mut() {
        for mut item in std::mem::take(&mut q.items) {
            let lost = item.interpreter == interpreter && item.data.is_some();
            if lost {
                gone.push(item.data.take());
            }
            if !lost || item.unbound != Unbound::Remove {
                q.items.push_back(item);
            }
        }
    }
}

/// Whether a value is a queue of the interpreter that runs.
pub fn is_queue(v: Value) -> bool {
    v.is_ptr() && QUEUE.try_get() == Some(type_of(v).value())
}

/// A queue's number on its way, which keeps the queue.
pub struct Held(i64);

impl Held {
    /// Of a queue of the interpreter that runs.
    pub fn of(vm: &Vm, v: Value) -> Res<Held> {
        let id = vm.get_attr_str(v, "_id")?;
        on(vm, id, |q| {
            q.references += 1;
            Ok(Held(q.id))
        })
    }

    /// The queue, in the interpreter that runs.
    pub fn queue(&self, vm: &Vm) -> Res<Value> {
        if QUEUE.try_get().is_none() {
            vm.import_module("concurrent.interpreters._queues")?;
        }
        let class = QUEUE.try_get().ok_or_else(|| vm.runtime_error("the module of queues was not loaded"))?;
        vm.call(class, &[Value::int(self.0)])
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        // It may have been destroyed meanwhile.
        let _ = release(self.0);
    }
}
