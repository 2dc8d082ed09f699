//! Iterators over strings.

use std::cell::Cell;

use cape_heap::{Field, Header, heap, heap_object};
use cape_vm::native::{Named, new_type};
use cape_vm::object::*;
use cape_vm::runtime::StaticType;
use cape_vm::{Ptr, Res, Value, Vm, rt};

heap_object! {
    /// Iterator over a string; `text` is EMPTY once exhausted.
    pub struct StrIterObj { pub text: Field, pub index: Cell<usize> }
}

impl Named for StrIterObj {
    const NAME: &'static str = "str_iterator";
}

static STR_ITERATOR: StaticType = StaticType::new();
static STR_ASCII_ITERATOR: StaticType = StaticType::new();

pub(super) fn init(_: &Vm) {
    for (slot, name) in [(&STR_ITERATOR, "str_iterator"), (&STR_ASCII_ITERATOR, "str_ascii_iterator")] {
        let t = new_type::<StrIterObj>(name, rt().types.object, TypeFlags::NO_INSTANTIATION)
            .method("__iter__($self, /)", "Implement iter(self).", |_: &Vm, it: Ptr<StrIterObj>| it)
            .method("__next__($self, /)", "Implement next(self).", next)
            .method("__length_hint__($self, /)", "Private method returning an estimate of len(list(it)).", length_hint)
            .method("__reduce__($self, /)", "Return state information for pickling.", reduce)
            .method("__setstate__($self, state, /)", "Set state information for unpickling.", set_state);
        slot.set(t.class());
    }
}

pub(super) fn iter(_: &Vm, s: Ptr<StrObj>) -> Ptr<StrIterObj> {
    let map = if s.is_ascii() { STR_ASCII_ITERATOR.get() } else { STR_ITERATOR.get() }.instance_map();
    heap().alloc(
        map,
        StrIterObj { header: Header::new(map), text: Field::new(s.value()), index: Cell::new(0) },
    )
}

fn next(_: &Vm, it: Ptr<StrIterObj>) -> Value {
    let Some(s) = it.text.downcast::<StrObj>() else { return Value::EMPTY };
    let i = it.index.get();
    if i >= s.len() {
        it.text.set_no_barrier(Value::EMPTY);
        return Value::EMPTY;
    }
    it.index.set(i + 1);
    StrObj::from_char(s.char_at(i)).value()
}

fn length_hint(_: &Vm, it: Ptr<StrIterObj>) -> usize {
    it.text.downcast::<StrObj>().map_or(0, |s| s.len().saturating_sub(it.index.get()))
}

fn reduce(vm: &Vm, it: Ptr<StrIterObj>) -> Res<Ptr<TupleObj>> {
    let iter = crate::iterators::builtin(vm, "iter")?;
    Ok(match it.text.downcast::<StrObj>() {
        Some(s) => {
            let args = TupleObj::new(&[s.value()]);
            TupleObj::new(&[iter, args.value(), int_value(it.index.get() as i64)])
        }
        None => {
            let args = TupleObj::new(&[rt().empty_str().value()]);
            TupleObj::new(&[iter, args.value()])
        }
    })
}

fn set_state(_: &Vm, it: Ptr<StrIterObj>, state: isize) {
    if let Some(s) = it.text.downcast::<StrObj>() {
        it.index.set((state.max(0) as usize).min(s.len()));
    }
}
