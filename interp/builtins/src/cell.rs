//! `cell`.

use cape_vm::class::full_name;
use cape_vm::native::extend;
use cape_vm::object::{CellObj, TypeObj};
use cape_vm::ops::Cmp;
use cape_vm::{Ptr, Res, Value, Vm, rt, type_of};

type Cell = Ptr<CellObj>;

/// Completes the types of this file.
pub fn init(_vm: &Vm) {
    extend(rt().types.cell)
        .doc("Create a new cell object.\n\n  contents\n    the contents of the cell. If not specified, the cell will be empty,\n    and \n further attempts to access its cell_contents attribute will\n    raise a ValueError.")
        .new_fn("__new__(cls, contents=<unrepresentable>, /)", "", |_: &Vm, _: Ptr<TypeObj>, v: Value| CellObj::new(v))
        .method("__repr__($self, /)", "Return repr(self).", |vm: &Vm, c: Cell| {
            let v = c.content.get();
            let id = vm.id(c.value());
            if v.is_empty() {
                return format!("<cell at {id:#x}: empty>");
            }
            format!("<cell at {id:#x}: {} object at {:#x}>", full_name(type_of(v)), vm.id(v))
        })
        .method("__eq__($self, value, /)", "Return self==value.", |vm: &Vm, a: Cell, b: Value| compare(vm, a, b, Cmp::Eq))
        .method("__ne__($self, value, /)", "Return self!=value.", |vm: &Vm, a: Cell, b: Value| compare(vm, a, b, Cmp::Ne))
        .method("__lt__($self, value, /)", "Return self<value.", |vm: &Vm, a: Cell, b: Value| compare(vm, a, b, Cmp::Lt))
        .method("__le__($self, value, /)", "Return self<=value.", |vm: &Vm, a: Cell, b: Value| compare(vm, a, b, Cmp::Le))
        .method("__gt__($self, value, /)", "Return self>value.", |vm: &Vm, a: Cell, b: Value| compare(vm, a, b, Cmp::Gt))
        .method("__ge__($self, value, /)", "Return self>=value.", |vm: &Vm, a: Cell, b: Value| compare(vm, a, b, Cmp::Ge))
        .attribute("__hash__", Value::NONE)
        .getset("cell_contents", "", |vm: &Vm, c: Cell| {
            let v = c.content.get();
            if v.is_empty() { Err(vm.value_error("cell is empty")) } else { Ok(v) }
        }, |_: &Vm, c: Cell, v: Value| c.content.set(c, v));
}

/// Cells compare by contents; an empty one is less than all others.
fn compare(vm: &Vm, a: Cell, b: Value, c: Cmp) -> Res<Value> {
    let Some(b) = b.downcast::<CellObj>() else { return Ok(Value::NOT_IMPLEMENTED) };
    let (x, y) = (a.content.get(), b.content.get());
    if x.is_empty() || y.is_empty() {
        return Ok(Value::bool(c.of((!x.is_empty()).cmp(&!y.is_empty()))));
    }
    vm.compare(x, y, c)
}
