//! `_tuplegetter`: the fields of named tuples.

use cape_builtins::descriptors::pair;
use cape_heap::{Field, Header, heap, heap_object};
use cape_vm::class::full_name;
use cape_vm::native::{Named, new_type};
use cape_vm::object::{Int, ModuleObj, TupleObj, TypeObj};
use cape_vm::{Ptr, Res, Value, Vm, rt, type_of};

heap_object! {
    /// A descriptor that reads item `index` of a tuple.
    pub struct TupleGetterObj { index: std::cell::Cell<isize>, doc: Field }
}

impl Named for TupleGetterObj {
    const NAME: &'static str = "collections._tuplegetter";
}

type This = Ptr<TupleGetterObj>;

pub(super) fn init(m: Ptr<ModuleObj>) {
    let b = new_type::<TupleGetterObj>("collections._tuplegetter", rt().types.object, 0)
        .new_fn("__new__(cls, index, doc, /)", "", |_: &Vm, cls: Ptr<TypeObj>, index: isize, doc: Value| {
            let map = cls.instance_map();
            heap().alloc(
                map,
                TupleGetterObj {
                    header: Header::new(map),
                    index: std::cell::Cell::new(index),
                    doc: Field::new(doc),
                },
            )
        })
        .method(
            "__get__($self, instance, owner=None, /)",
            "Return an attribute of instance, which is of type owner.",
            |vm: &Vm, g: This, o: Value, owner: Option<Value>| -> Res<Value> {
                let Some(t) = o.downcast::<TupleObj>() else {
                    if o.is_none() {
                        if owner.is_none_or(|w| w.is_none()) {
                            return Err(vm.type_error("__get__(None, None) is invalid"));
                        }
                        return Ok(g.value());
                    }
                    return Err(vm.type_error(format!(
                        "descriptor for index '{}' for tuple subclasses doesn't apply to '{}' object",
                        g.index.get(),
                        full_name(type_of(o))
                    )));
                };
                let i = g.index.get();
                match usize::try_from(i).ok().filter(|i| *i < t.len()) {
                    Some(i) => Ok(t.get(i)),
                    None => Err(vm.index_error("tuple index out of range")),
                }
            },
        )
        .method(
            "__set__($self, instance, value, /)",
            "Set an attribute of instance to value.",
            |vm: &Vm, _: This, _: Value, _: Value| -> Res<Value> {
                Err(vm.attribute_error("can't set attribute"))
            },
        )
        .method(
            "__delete__($self, instance, /)",
            "Delete an attribute of instance.",
            |vm: &Vm, _: This, _: Value| -> Res<Value> { Err(vm.attribute_error("can't delete attribute")) },
        )
        .method("__repr__($self, /)", "Return repr(self).", |vm: &Vm, g: This| -> Res<String> {
            Ok(format!("{}({}, {})", type_of(g.value()).name_str(), g.index.get(), vm.repr_str(g.doc.get())?))
        })
        .method("__reduce__($self, /)", "", |_: &Vm, g: This| {
            pair(type_of(g.value()).value(), pair(Int::Small(g.index.get() as i64).into_value(), g.doc.get()))
        })
        .getset(
            "__doc__",
            "",
            |_: &Vm, g: This| g.doc.get(),
            |_: &Vm, g: This, v: Value| g.doc.set(g, if v.is_empty() { Value::NONE } else { v }),
        );
    m.class(b.class());
}
