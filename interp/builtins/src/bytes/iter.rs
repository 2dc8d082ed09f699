//! Iterators over `bytes` and `bytearray`.

use std::cell::Cell;

use cape_heap::{Field, Header, heap, heap_object};
use cape_vm::buffer::plain_bytes;
use cape_vm::native::{Named, new_type};
use cape_vm::object::*;
use cape_vm::runtime::StaticType;
use cape_vm::{Ptr, Res, Value, Vm, rt};

use super::Data;

heap_object! {
    /// Iterator over bytes; `seq` is EMPTY once exhausted.
    pub struct BytesIterObj { pub seq: Field, pub index: Cell<usize> }
}

impl Named for BytesIterObj {
    const NAME: &'static str = "bytes_iterator";
}

static BYTES_ITERATOR: StaticType = StaticType::new();
static BYTEARRAY_ITERATOR: StaticType = StaticType::new();

pub(super) fn init(_: &Vm) {
    for (slot, name) in [(&BYTES_ITERATOR, "bytes_iterator"), (&BYTEARRAY_ITERATOR, "bytearray_iterator")] {
        let t = new_type::<BytesIterObj>(name, rt().types.object, TypeFlags::NO_INSTANTIATION)
            .method("__iter__($self, /)", "Implement iter(self).", |_: &Vm, it: Ptr<BytesIterObj>| it)
            .method("__next__($self, /)", "Implement next(self).", next)
            .method("__length_hint__($self, /)", "Private method returning an estimate of len(list(it)).", length_hint)
            .method("__reduce__($self, /)", "Return state information for pickling.", reduce)
            .method("__setstate__($self, state, /)", "Set state information for unpickling.", set_state);
        slot.set(t.class());
    }
}

pub(super) fn iter(_: &Vm, d: Data) -> Ptr<BytesIterObj> {
    let map = if d.is_array() { BYTEARRAY_ITERATOR.get() } else { BYTES_ITERATOR.get() }.instance_map();
    heap().alloc(
        map,
        BytesIterObj { header: Header::new(map), seq: Field::new(d.value()), index: Cell::new(0) },
    )
}

fn next(_: &Vm, it: Ptr<BytesIterObj>) -> Value {
    let Some(s) = plain_bytes(it.seq.get()) else { return Value::EMPTY };
    let i = it.index.get();
    match s.get(i) {
        Some(&b) => {
            it.index.set(i + 1);
            Value::int(b as i64)
        }
        None => {
            it.seq.set_no_barrier(Value::EMPTY);
            Value::EMPTY
        }
    }
}

fn length_hint(_: &Vm, it: Ptr<BytesIterObj>) -> usize {
    plain_bytes(it.seq.get()).map_or(0, |s| s.len().saturating_sub(it.index.get()))
}

fn reduce(vm: &Vm, it: Ptr<BytesIterObj>) -> Res<Ptr<TupleObj>> {
    let iter = crate::iterators::builtin(vm, "iter")?;
    let seq = it.seq.get();
    if seq.is_empty() {
        let args = TupleObj::new(&[rt().empty_tuple().value()]);
        return Ok(TupleObj::new(&[iter, args.value()]));
    }
    let args = TupleObj::new(&[seq]);
    Ok(TupleObj::new(&[iter, args.value(), int_value(it.index.get() as i64)]))
}

fn set_state(_: &Vm, it: Ptr<BytesIterObj>, state: isize) {
    if let Some(s) = plain_bytes(it.seq.get()) {
        it.index.set((state.max(0) as usize).min(s.len()));
    }
}
