//! `sqlite3.Row`: a row whose values have names.

use cape_builtins::slicing::place;
use cape_heap::{Field, Header, heap, heap_object};
use cape_vm::native::{Named, new_type};
use cape_vm::object::*;
use cape_vm::ops::Cmp;
use cape_vm::runtime::StaticType;
use cape_vm::{Ptr, Res, Value, Vm, rt, type_of};

use crate::cursor::CursorObj;

heap_object! {
    /// A row: a tuple of values, and the description of the columns.
    pub struct RowObj { data: Field, description: Field }
}

impl Named for RowObj {
    const NAME: &'static str = "sqlite3.Row";
}

type Row = Ptr<RowObj>;

static ROW: StaticType = StaticType::new();

/// Makes the class.
pub fn init(m: Ptr<ModuleObj>) {
    let t = new_type::<RowObj>("sqlite3.Row", rt().types.object, TypeFlags::BASE)
        .new_fn(
            "__new__(type, cursor, data, /)",
            "Create and return a new object.  See help(type) for accurate signature.",
            |_: &Vm, cls: Ptr<TypeObj>, cursor: Ptr<CursorObj>, data: Ptr<TupleObj>| made(cls, cursor, data),
        )
        .method("keys($self, /)", "Returns the keys of the row.", |_: &Vm, r: Row| {
            let keys = ListObj::new(&[]);
            r.columns().for_each(|name| keys.push(name));
            keys
        })
        .method("__len__($self, /)", "Return len(self).", |_: &Vm, r: Row| r.values().len())
        .method("__iter__($self, /)", "Implement iter(self).", |vm: &Vm, r: Row| vm.iter(r.data.get()))
        .method("__getitem__($self, key, /)", "Return self[key].", get_item)
        .method("__hash__($self, /)", "Return hash(self).", |vm: &Vm, r: Row| {
            Ok::<i64, cape_vm::Raised>(vm.hash(r.description.get())? ^ vm.hash(r.data.get())?)
        })
        .method("__eq__($self, value, /)", "Return self==value.", |vm: &Vm, r: Row, other: Value| {
            compare(vm, r, other, Cmp::Eq)
        })
        .method("__ne__($self, value, /)", "Return self!=value.", |vm: &Vm, r: Row, other: Value| {
            compare(vm, r, other, Cmp::Ne)
        })
        .method("__lt__($self, value, /)", "Return self<value.", |_: &Vm, _: Row, _: Value| {
            Value::NOT_IMPLEMENTED
        })
        .method("__le__($self, value, /)", "Return self<=value.", |_: &Vm, _: Row, _: Value| {
            Value::NOT_IMPLEMENTED
        })
        .method("__gt__($self, value, /)", "Return self>value.", |_: &Vm, _: Row, _: Value| {
            Value::NOT_IMPLEMENTED
        })
        .method("__ge__($self, value, /)", "Return self>=value.", |_: &Vm, _: Row, _: Value| {
            Value::NOT_IMPLEMENTED
        });
    ROW.set(t.class());
    m.class(t.class());
}

/// Whether `v` is the class itself.
pub fn is_class(v: Value) -> bool {
    v == ROW.get().value()
}

/// A row of a cursor.
pub fn make(cursor: Ptr<CursorObj>, data: Ptr<TupleObj>) -> Value {
    made(ROW.get(), cursor, data).value()
}

fn made(class: Ptr<TypeObj>, cursor: Ptr<CursorObj>, data: Ptr<TupleObj>) -> Row {
    let map = class.instance_map();
    heap().alloc(
        map,
        RowObj {
            header: Header::new(map),
            data: Field::new(data.value()),
            description: Field::new(cursor.description.get()),
        },
    )
}

impl RowObj {
    fn values(&self) -> Ptr<TupleObj> {
        self.data.downcast().expect("the values are a tuple")
    }

    fn columns(&self) -> impl Iterator<Item = Value> {
        let columns = self.description.downcast::<TupleObj>();
        let n = columns.map_or(0, |c| c.len());
        (0..n).filter_map(move |i| columns?.get(i).downcast::<TupleObj>().map(|c| c.get(0)))
    }
}

/// Whether two names are the same, letters of ASCII in either case.
fn same_name(vm: &Vm, a: Ptr<StrObj>, b: Ptr<StrObj>) -> Res<bool> {
    if type_of(b.value()) != rt().types.str && vm.eq(a.value(), b.value())? {
        return Ok(true);
    }
    Ok(match (a.as_ascii(), b.as_ascii()) {
        (Some(a), Some(b)) => a.eq_ignore_ascii_case(b),
        _ => a.same_text(&b),
    })
}

fn get_item(vm: &Vm, r: Row, key: Value) -> Res<Value> {
    let values = r.values();
    if is_int(key) {
        let i = place(vm.index_isize(key)?, values.len());
        return i.map(|i| values.get(i)).ok_or_else(|| vm.index_error("tuple index out of range"));
    }
    if let Some(name) = key.downcast::<StrObj>() {
        for (i, column) in r.columns().enumerate() {
            if let Some(column) = column.downcast::<StrObj>()
                && same_name(vm, column, name)?
            {
                return match values.as_slice().get(i) {
                    Some(&v) => Ok(v),
                    None => Err(vm.index_error("tuple index out of range")),
                };
            }
        }
        if r.description.get().is_none() {
            let shown = vm.repr_str(key)?;
            return Err(vm.index_error(format!("No item with key {shown}")));
        }
        return Err(vm.index_error("No item with that key"));
    }
    if key.is::<SliceObj>() {
        return vm.get_item(r.data.get(), key);
    }
    Err(vm.index_error("Index must be int or string"))
}

fn compare(vm: &Vm, r: Row, other: Value, how: Cmp) -> Res<Value> {
    let Some(other) = other.downcast::<RowObj>() else { return Ok(Value::NOT_IMPLEMENTED) };
    if vm.eq(r.description.get(), other.description.get())? {
        vm.compare(r.data.get(), other.data.get(), how)
    } else {
        Ok(Value::bool(how == Cmp::Ne))
    }
}
