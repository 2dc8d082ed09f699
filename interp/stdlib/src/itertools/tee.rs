//! `tee`.

use std::cell::Cell;

use cape_heap::{Field, Header, heap, heap_object};
use cape_vm::native::{Named, new_type};
use cape_vm::object::{ListObj, ModuleObj, TupleObj, TypeFlags, TypeObj, ValueVec};
use cape_vm::runtime::StaticType;
use cape_vm::{Ptr, Res, Value, Vm, intern, rt, type_of};

use super::pull;

heap_object! {
    /// A stretch of what the source gave; the iterators of a tee walk along a chain of these.
    pub struct TeeDataObj { source: Field, values: Field, next: Field, running: Cell<bool> }

    /// One iterator of a tee: where it stands.
    pub struct TeeObj { data: Field, index: Cell<usize> }
}

impl Named for TeeDataObj {
    const NAME: &'static str = "itertools._tee_dataobject";
}
impl Named for TeeObj {
    const NAME: &'static str = "itertools._tee";
}

static DATA: StaticType = StaticType::new();
static TEE: StaticType = StaticType::new();

/// Items in one stretch.
const STRETCH: usize = 57;

pub(super) fn init(m: Ptr<ModuleObj>) {
    let object = rt().types.object;
    let b = new_type::<TeeDataObj>("itertools._tee_dataobject", object, TypeFlags::NO_INSTANTIATION).doc(
        "teedataobject(iterable, values, next, /)\n--\n\nData container common to multiple tee objects.",
    );
    DATA.set(b.class());
    m.class(b.class());
    let b = new_type::<TeeObj>("itertools._tee", object, TypeFlags::HAS_WEAKREF)
        .doc("Iterator wrapped to make it copyable.")
        .new_fn("__new__(cls, iterable, /)", "", |vm: &Vm, _: Ptr<TypeObj>, items: Value| {
            let it = vm.iter(items)?;
            Ok::<_, cape_vm::Raised>(from_iterator(it))
        })
        .method("__iter__($self, /)", "Implement iter(self).", |_: &Vm, t: Value| t)
        .method("__next__($self, /)", "Implement next(self).", next)
        .method("__copy__($self, /)", "Returns an independent iterator.", |_: &Vm, t: Ptr<TeeObj>| copy(t));
    TEE.set(b.class());
    m.class(b.class());
    m.function("tee(iterable, n=2, /)", "Returns a tuple of n independent iterators.", tee);
}

fn data(source: Value) -> Ptr<TeeDataObj> {
    let map = DATA.get().instance_map();
    let values = ListObj::new(&[]);
    heap().alloc(
        map,
        TeeDataObj {
            header: Header::new(map),
            source: Field::new(source),
            values: Field::new(values.value()),
            next: Field::new(Value::EMPTY),
            running: Cell::new(false),
        },
    )
}

fn new_tee(data: Value, index: usize) -> Ptr<TeeObj> {
    let map = TEE.get().instance_map();
    heap().alloc(map, TeeObj { header: Header::new(map), data: Field::new(data), index: Cell::new(index) })
}

fn copy(t: Ptr<TeeObj>) -> Ptr<TeeObj> {
    new_tee(t.data.get(), t.index.get())
}

fn from_iterator(it: Value) -> Ptr<TeeObj> {
    match it.downcast::<TeeObj>() {
        Some(t) => copy(t),
        None => new_tee(data(it).value(), 0),
    }
}

fn next(vm: &Vm, t: Ptr<TeeObj>) -> Res<Value> {
    let Some(mut d) = t.data.downcast::<TeeDataObj>() else { return Ok(Value::EMPTY) };
    if t.index.get() >= STRETCH {
        d = match d.next.downcast::<TeeDataObj>() {
            Some(n) => n,
            None => {
                let n = data(d.source.get());
                d.next.set(d, n.value());
                n
            }
        };
        t.data.set(t, d.value());
        t.index.set(0);
    }
    let values: Ptr<ListObj> = d.values.downcast().expect("values of a tee");
    let i = t.index.get();
    if let Some(v) = values.get(i) {
        t.index.set(i + 1);
        return Ok(v);
    }
    if d.running.get() {
        return Err(vm.runtime_error("cannot re-enter the tee iterator"));
    }
    d.running.set(true);
    let r = pull(vm, d.source.get());
    d.running.set(false);
    match r? {
        Some(v) => {
            values.push(v);
            t.index.set(i + 1);
            Ok(v)
        }
        None => Ok(Value::EMPTY),
    }
}

fn tee(vm: &Vm, items: Value, n: Option<Value>) -> Res<Value> {
    let n = vm.index_isize(n.unwrap_or(Value::int(2)))?;
    if n < 0 {
        return Err(vm.value_error("n must be >= 0"));
    }
    if n == 0 {
        return Ok(rt().empty_tuple().value());
    }
    let it = vm.iter(items)?;
    let copier = intern("__copy__");
    let own_copy = !it.is::<TeeObj>() && vm.get_attr_opt(it, copier)?.is_some();
    let first = if own_copy { it } else { from_iterator(it).value() };
    let mut out = ValueVec::with_capacity(n as usize);
    out.push(first);
    for _ in 1..n {
        out.push(if type_of(first) == TEE.get() {
            match first.downcast::<TeeObj>() {
                Some(t) => copy(t).value(),
                None => first,
            }
        } else {
            vm.call_method(first, copier, &[])?
        });
    }
    Ok(TupleObj::new(&out).value())
}
