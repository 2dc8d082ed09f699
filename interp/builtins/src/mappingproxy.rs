//! `types.MappingProxyType`.

use cape_heap::{Field, Header, heap, heap_object};
use cape_vm::class::full_name;
use cape_vm::native::new_type;
use cape_vm::object::{DictObj, ListObj, TupleObj, TypeFlags, TypeObj};
use cape_vm::ops::{self, Cmp};
use cape_vm::runtime::StaticType;
use cape_vm::special::Special;
use cape_vm::{Ptr, Res, Value, Vm, intern, rt, type_of};

heap_object! {
    /// A read-only view of a mapping.
    pub struct MappingProxyObj {
        /// The mapping.
        pub mapping: Field,
    }
}

impl cape_vm::native::Named for MappingProxyObj {
    const NAME: &'static str = "mappingproxy";
}

/// The type.
pub static MAPPING_PROXY: StaticType = StaticType::new();

/// A proxy of `mapping`.
pub fn mapping_proxy(mapping: Value) -> Value {
    let map = MAPPING_PROXY.get().instance_map();
    heap().alloc(map, MappingProxyObj { header: Header::new(map), mapping: Field::new(mapping) }).value()
}

type This = Ptr<MappingProxyObj>;

/// Completes the types of this file.
pub fn init(_vm: &Vm) {
    let b = new_type::<MappingProxyObj>("mappingproxy", rt().types.object, TypeFlags::MAPPING)
        .doc("Read-only proxy of a mapping.")
        .new_fn("__new__(cls, mapping)", "", new)
        .method(
            "get($self, key, default=None, /)",
            "Return the value for key if key is in the mapping, else default.",
            |vm: &Vm, p: This, k: Value, d: Value| {
                let d = if d.is_empty() { Value::NONE } else { d };
                match p.mapping.downcast::<DictObj>() {
                    Some(m) if m.header().map() == rt().maps.dict => Ok(m.get(vm, k)?.unwrap_or(d)),
                    _ => vm.call_method(p.mapping.get(), rt().names.get, &[k, d]),
                }
            },
        )
        .method("keys($self, /)", "a set-like object providing a view on D's keys", |vm: &Vm, p: This| {
            vm.call_method(p.mapping.get(), rt().names.keys, &[])
        })
        .method("values($self, /)", "an object providing a view on D's values", |vm: &Vm, p: This| {
            vm.call_method(p.mapping.get(), intern("values"), &[])
        })
        .method("items($self, /)", "a set-like object providing a view on D's items", |vm: &Vm, p: This| {
            vm.call_method(p.mapping.get(), rt().names.items, &[])
        })
        .method("copy($self, /)", "a shallow copy of D", |vm: &Vm, p: This| {
            vm.call_method(p.mapping.get(), intern("copy"), &[])
        })
        .method("__reversed__($self, /)", "reversed iterator over the dict keys", |vm: &Vm, p: This| {
            vm.call_method(p.mapping.get(), Special::Reversed.name_value(), &[])
        })
        .method("__getitem__($self, key, /)", "Return self[key].", |vm: &Vm, p: This, k: Value| {
            vm.get_item(p.mapping.get(), k)
        })
        .method("__contains__($self, key, /)", "Return bool(key in self).", |vm: &Vm, p: This, k: Value| {
            vm.contains(p.mapping.get(), k)
        })
        .method("__len__($self, /)", "Return len(self).", |vm: &Vm, p: This| vm.len(p.mapping.get()))
        .method("__iter__($self, /)", "Implement iter(self).", |vm: &Vm, p: This| vm.iter(p.mapping.get()))
        .method("__hash__($self, /)", "Return hash(self).", |vm: &Vm, p: This| vm.hash(p.mapping.get()))
        .method("__str__($self, /)", "Return str(self).", |vm: &Vm, p: This| vm.str(p.mapping.get()))
        .method("__repr__($self, /)", "Return repr(self).", |vm: &Vm, p: This| {
            Ok::<_, cape_vm::Raised>(format!("mappingproxy({})", vm.repr_str(p.mapping.get())?))
        })
        .method("__or__($self, value, /)", "Return self|value.", |vm: &Vm, a: Value, b: Value| {
            vm.binary_or_not_implemented(inner(a), inner(b), &ops::OR)
        })
        .method("__ror__($self, value, /)", "Return value|self.", |vm: &Vm, a: Value, b: Value| {
            vm.binary_or_not_implemented(inner(b), inner(a), &ops::OR)
        })
        .method(
            "__ior__($self, value, /)",
            "Return self|=value.",
            |vm: &Vm, a: Value, _: Value| -> Res<Value> {
                let t = full_name(type_of(a));
                Err(vm.type_error(format!("'|=' is not supported by {t}; use '|' instead")))
            },
        )
        .class_method(
            "__class_getitem__($type, object, /)",
            "See PEP 585",
            crate::generic_alias::class_getitem,
        )
        .method("__eq__($self, value, /)", "Return self==value.", |vm: &Vm, p: This, o: Value| {
            vm.compare(p.mapping.get(), o, Cmp::Eq)
        })
        .method("__ne__($self, value, /)", "Return self!=value.", |vm: &Vm, p: This, o: Value| {
            vm.compare(p.mapping.get(), o, Cmp::Ne)
        })
        .method("__lt__($self, value, /)", "Return self<value.", |vm: &Vm, p: This, o: Value| {
            vm.compare(p.mapping.get(), o, Cmp::Lt)
        })
        .method("__le__($self, value, /)", "Return self<=value.", |vm: &Vm, p: This, o: Value| {
            vm.compare(p.mapping.get(), o, Cmp::Le)
        })
        .method("__gt__($self, value, /)", "Return self>value.", |vm: &Vm, p: This, o: Value| {
            vm.compare(p.mapping.get(), o, Cmp::Gt)
        })
        .method("__ge__($self, value, /)", "Return self>=value.", |vm: &Vm, p: This, o: Value| {
            vm.compare(p.mapping.get(), o, Cmp::Ge)
        });
    MAPPING_PROXY.set(b.class());
}

fn inner(v: Value) -> Value {
    v.downcast::<MappingProxyObj>().map_or(v, |p| p.mapping.get())
}

fn new(vm: &Vm, _cls: Ptr<TypeObj>, mapping: Value) -> Res<Value> {
    let t = type_of(mapping);
    if t.special(Special::Getitem).is_empty() || mapping.is::<ListObj>() || mapping.is::<TupleObj>() {
        return Err(vm.type_error(format!("mappingproxy() argument must be a mapping, not {}", full_name(t))));
    }
    Ok(mapping_proxy(mapping))
}
