//! Adapters, which make values for SQLite of objects, and the protocol for objects that do it themselves (PEP 246).

use std::cell::Cell;

use cape_heap::heap_object;
use cape_heap::{Header, heap};
use cape_stdlib::statics::{StaticCell, StaticValue};
use cape_vm::native::{Named, new_type};
use cape_vm::object::*;
use cape_vm::runtime::StaticType;
use cape_vm::{Ptr, Res, Value, Vm, intern, rt, type_of};

use crate::error::programming;

heap_object! {
    /// The name of the protocol.
    pub struct ProtocolObj {} [leaf]
}

impl Named for ProtocolObj {
    const NAME: &'static str = "sqlite3.PrepareProtocol";
}

static PROTOCOL: StaticType = StaticType::new();
/// `(type, protocol)` to the adapter.
static ADAPTERS: StaticValue = StaticValue::new();
/// Whether there are adapters for values that SQLite could take as they are.
static ADAPTS_PLAIN: StaticCell<bool> = StaticCell(Cell::new(false));

/// An interpreter's own adapters.
pub fn renew(m: Ptr<ModuleObj>) {
    ADAPTERS.set(DictObj::new().value());
    m.add("adapters", ADAPTERS.try_get().unwrap_or(Value::NONE));
}

/// Fills in the module.
pub fn init(m: Ptr<ModuleObj>) {
    let t = new_type::<ProtocolObj>("sqlite3.PrepareProtocol", rt().types.object, 0)
        .doc("PEP 246 style object adaption protocol type.")
        .new_fn(
            "__new__(type, /, *args, **kwargs)",
            "Create and return a new object.  See help(type) for accurate signature.",
            |_: &Vm, cls: Ptr<TypeObj>, _: Value, _: Value| {
                let map = cls.instance_map();
                heap().alloc(map, ProtocolObj { header: Header::new(map) })
            },
        )
        .method(
            "__init__($self, /, *args, **kwargs)",
            "Initialize self.  See help(type(self)) for accurate signature.",
            |_: &Vm, _: Ptr<ProtocolObj>, _: Value, _: Value| (),
        );
    PROTOCOL.set(t.class());
    renew(m);
    m.class(t.class());
    m.function(
        "adapt($module, obj, proto=PrepareProtocolType, alt=<unrepresentable>, /)",
        "Adapt given object to given protocol.",
        |vm: &Vm, v: Value, protocol: Option<Value>, otherwise: Option<Value>| {
            adapt(vm, v, protocol.unwrap_or(PROTOCOL.get().value()), otherwise)
        },
    )
    .function(
        "register_adapter($module, type, adapter, /)",
        "Register a function to adapt Python objects to SQLite values.",
        |vm: &Vm, class: Value, adapter: Value| {
            let t = &rt().types;
            if [t.int, t.float, t.str, t.bytearray].iter().any(|c| c.value() == class) {
                ADAPTS_PLAIN.0.set(true);
            }
            adapters().set(vm, key(class, PROTOCOL.get().value()), adapter)
        },
    );
}

fn adapters() -> Ptr<DictObj> {
    ADAPTERS.try_get().and_then(|d| d.downcast()).expect("the module was initialised")
}

fn key(class: Value, protocol: Value) -> Value {
    TupleObj::new(&[class, protocol]).value()
}

/// A parameter as SQLite shall get it.
#[inline]
pub fn parameter(vm: &Vm, v: Value) -> Res<Value> {
    let t = &rt().types;
    let class = type_of(v);
    let plain = [t.int, t.float, t.str, t.bytearray].contains(&class);
    if plain && !ADAPTS_PLAIN.0.get() { Ok(v) } else { adapt(vm, v, PROTOCOL.get().value(), Some(v)) }
}

fn adapt(vm: &Vm, v: Value, protocol: Value, otherwise: Option<Value>) -> Res<Value> {
    if let Some(adapter) = adapters().get(vm, key(type_of(v).value(), protocol))? {
        return vm.call(adapter, &[v]);
    }
    // First the protocol is asked, then the object; neither has to know.
    for (of, method, argument) in [(protocol, "__adapt__", v), (v, "__conform__", protocol)] {
        let Some(f) = vm.get_attr_opt(of, intern(method))? else { continue };
        match vm.call(f, &[argument]) {
            Ok(adapted) if adapted.is_none() => {}
            Err(r) if r.is(rt().types.type_error) => {}
            r => return r,
        }
    }
    otherwise.ok_or_else(|| programming(vm, "can't adapt"))
}

/// An int of SQLite's.
pub fn sqlite_int(vm: &Vm, n: Int) -> Res<i64> {
    n.to_i64().ok_or_else(|| vm.overflow_error("Python int too large to convert to SQLite INTEGER"))
}
