//! Iterators over memoryviews.

use std::cell::Cell;

use cape_heap::{Field, Header, heap, heap_object};
use cape_vm::native::{Named, TypeBuilder, new_type};
use cape_vm::object::*;
use cape_vm::runtime::StaticType;
use cape_vm::{Ptr, Res, Value, Vm, rt};

use super::{MemoryViewObj, View, access};

heap_object! {
    /// Iterator over a view of one dimension; `view` is EMPTY once exhausted.
    pub struct MemoryIterObj { view: Field, index: Cell<isize>, len: isize }
}

impl Named for MemoryIterObj {
    const NAME: &'static str = "memory_iterator";
}

static ITERATOR: StaticType = StaticType::new();

pub(super) fn add(_: &Vm, t: TypeBuilder) {
    let it = new_type::<MemoryIterObj>("memory_iterator", rt().types.object, TypeFlags::NO_INSTANTIATION)
        .method("__iter__($self, /)", "Implement iter(self).", |_: &Vm, it: Ptr<MemoryIterObj>| it)
        .method("__next__($self, /)", "Implement next(self).", next);
    ITERATOR.set(it.class());
    t.method("__iter__($self, /)", "Implement iter(self).", iter);
}

fn iter(vm: &Vm, m: View) -> Res<Ptr<MemoryIterObj>> {
    m.check(vm)?;
    match m.layout().shape.len() {
        0 => return Err(vm.type_error("invalid indexing of 0-dim memory")),
        1 => {}
        _ => return Err(vm.not_implemented_error("multi-dimensional sub-views are not implemented")),
    }
    if super::item::letter(&m.layout().format).is_none() {
        return Err(super::access::unsupported(vm, m));
    }
    let map = ITERATOR.get().instance_map();
    Ok(heap().alloc(
        map,
        MemoryIterObj {
            header: Header::new(map),
            view: Field::new(m.value()),
            index: Cell::new(0),
            len: m.layout().shape[0],
        },
    ))
}

fn next(vm: &Vm, it: Ptr<MemoryIterObj>) -> Res<Value> {
    let Some(m) = it.view.downcast::<MemoryViewObj>() else { return Ok(Value::EMPTY) };
    let i = it.index.get();
    if i >= it.len {
        it.view.set_no_barrier(Value::EMPTY);
        return Ok(Value::EMPTY);
    }
    m.check(vm)?;
    it.index.set(i + 1);
    // SAFETY: in range of the view's only dimension.
    let p = unsafe { cape_vm::buffer::item(m.address(), m.layout(), 0, i) };
    access::read(vm, m, p)
}
