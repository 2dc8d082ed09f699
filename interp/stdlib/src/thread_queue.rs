//! `_queue`: `SimpleQueue`.

use std::cell::Cell;

use cape_heap::{Field, Header, Native, heap, heap_object};
use cape_vm::native::{Named, new_type};
use cape_vm::object::{DictObj, ListObj, ModuleObj, TupleObj, TypeFlags, TypeObj, float_of};
use cape_vm::runtime::StaticType;
use cape_vm::{Ptr, Res, Value, Vm, intern, rt, type_of};

use crate::duration::{Round, monotonic, nanoseconds};
use crate::lock::RawLock;

heap_object! {
    /// A `SimpleQueue`: the items in a list, of which the first `start` have been taken already. Getters wait for `gate`, which is held
    /// while the queue is empty.
    pub struct QueueObj { items: Field, start: Cell<usize>, gate: Native<RawLock> } [drop]
}

impl Named for QueueObj {
    const NAME: &'static str = "_queue.SimpleQueue";
}

static EMPTY: StaticType = StaticType::new();

/// Fills the module.
pub fn init(vm: &Vm, m: Ptr<ModuleObj>) -> Res<()> {
    let ns = DictObj::new();
    ns.set_str(rt().names.module, intern("_queue"));
    let bases = TupleObj::new(&[rt().types.exception.value()]);
    let e = vm.call(rt().types.type_.value(), &[intern("Empty"), bases.value(), ns.value()])?;
    EMPTY.set(e.downcast().expect("type() makes a class"));
    m.add("Empty", e);
    let t = new_type::<QueueObj>("_queue.SimpleQueue", rt().types.object, TypeFlags::BASE | TypeFlags::HAS_WEAKREF)
        .doc("Simple, unbounded, reentrant FIFO queue.")
        .new_fn("__new__(type, /)", "Create and return a new object.", new)
        .class_method("__class_getitem__($type, object, /)", "See PEP 585", |vm: &Vm, cls: Value, key: Value| {
            vm.call_generic_alias(cls, key)
        })
        .method("put($self, /, item, block=True, timeout=None)", "Put the item on the queue.", |_: &Vm, q: Ptr<QueueObj>, v: Value, _: Option<Value>, _: Option<Value>| {
            q.put(v)
        })
        .method("put_nowait($self, /, item)", "Put an item into the queue without blocking.", |_: &Vm, q: Ptr<QueueObj>, v: Value| {
            q.put(v)
        })
        .method("get($self, /, block=True, timeout=None)", "Remove and return an item from the queue.", get)
        .method("get_nowait($self, /)", "Remove and return an item from the queue without blocking.", |vm: &Vm, q: Ptr<QueueObj>| {
            q.take().ok_or_else(|| empty(vm))
        })
        .method("empty($self, /)", "Return True if the queue is empty, False otherwise (not reliable!).", |_: &Vm, q: Ptr<QueueObj>| {
            q.len() == 0
        })
        .method("qsize($self, /)", "Return the approximate size of the queue (not reliable!).", |_: &Vm, q: Ptr<QueueObj>| q.len())
        .class();
    m.class(t);
    Ok(())
}

fn new(_: &Vm, cls: Ptr<TypeObj>) -> Value {
    let items = ListObj::new(&[]);
    let map = cls.instance_map();
    let gate = RawLock::default();
    gate.try_acquire();
    let object =
        QueueObj { header: Header::new(map), items: Field::new(items.value()), start: Cell::new(0), gate: Native(gate) };
    heap().alloc(map, object).value()
}

fn empty(vm: &Vm) -> cape_vm::Raised {
    vm.new_exc_args(EMPTY.get(), &[])
}

impl QueueObj {
    fn list(&self) -> Ptr<ListObj> {
        self.items.downcast().expect("a list")
    }

    fn len(&self) -> usize {
        self.list().len() - self.start.get()
    }

    fn put(&self, v: Value) {
        self.list().push(v);
        // Lets one waiting getter look.
        if self.gate.is_held() {
            self.gate.release();
        }
    }

    fn take(&self) -> Option<Value> {
        let (list, start) = (self.list(), self.start.get());
        let v = list.get(start)?;
        list.set(start, Value::NONE);
        self.start.set(start + 1);
        // What was taken is thrown away now and then, so that taking stays cheap.
        if start + 1 == list.len() || start + 1 > 64 && (start + 1) * 2 > list.len() {
            list.splice(0, start + 1, &[]);
            self.start.set(0);
        }
        Some(v)
    }
}

fn get(vm: &Vm, q: Ptr<QueueObj>, block: Option<bool>, timeout: Option<Value>) -> Res<Value> {
    if let Some(v) = q.take() {
        check_timeout(vm, block, timeout)?;
        return Ok(v);
    }
    let limit = check_timeout(vm, block, timeout)?;
    if block == Some(false) {
        return Err(empty(vm));
    }
    let deadline = limit.map(|t| monotonic().saturating_add(t));
    loop {
        let left = deadline.map(|d| (d - monotonic()).max(0));
        let woken = q.gate.acquire(vm, left)?;
        let v = q.take();
        if q.len() > 0 && q.gate.is_held() {
            // There is more: the next getter may go on.
            q.gate.release();
        }
        match v {
            Some(v) => return Ok(v),
            None if !woken => return Err(empty(vm)),
            None => {}
        }
    }
}

/// The timeout in nanoseconds; its errors are raised even when no wait is needed.
fn check_timeout(vm: &Vm, block: Option<bool>, timeout: Option<Value>) -> Res<Option<i64>> {
    let Some(t) = timeout.filter(|t| !t.is_none() && block != Some(false)) else { return Ok(None) };
    if float_of(t).is_none() && type_of(t).special(cape_vm::special::Special::Index).is_empty() {
        return Err(vm.type_error(format!(
            "'{}' object cannot be interpreted as an integer",
            type_of(t).name_str()
        )));
    }
    let ns = nanoseconds(vm, t, Round::Ceiling)?;
    if ns < 0 {
        return Err(vm.value_error("'timeout' must be a non-negative number"));
    }
    Ok(Some(ns))
}
