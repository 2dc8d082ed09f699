//! Copies of elements, and their state in pickles.

use cape_stdlib::statics::StaticValue;
use cape_vm::native::{TypeBuilder, int_from};
use cape_vm::object::*;
use cape_vm::{Ptr, Res, Value, Vm, intern, rt, type_of};

use crate::element::{self, E, ElementObj, children, class_of, expected};

static DEEPCOPY: StaticValue = StaticValue::new();

/// Adds the methods to the class of elements.
pub fn add(b: TypeBuilder) -> TypeBuilder {
    b.method("__copy__($self, /)", "", |_: &Vm, e: E| {
        let copy = element::new(class_of(e), e.tag.get(), e.attrib.get());
        copy.text.set(copy, e.text.get());
        copy.tail.set(copy, e.tail.get());
        if let Some(list) = e.list() {
            let items = list.snapshot();
            let n = items.len();
            copy.children.set(copy, ListObj::from_array(items, n).value());
        }
        copy
    })
    .method("__deepcopy__($self, memo, /)", "", |vm: &Vm, e: E, memo: Ptr<DictObj>| deep(vm, e, memo))
    .method("__getstate__($self, /)", "", |_: &Vm, e: E| {
        let list = ListObj::new(&[]);
        (0..e.len()).filter_map(|i| e.child(i)).for_each(|c| list.push(c.value()));
        let d = DictObj::new();
        d.set_str(intern("tag"), e.tag.get());
        d.set_str(intern("_children"), list.value());
        d.set_str(intern("attrib"), e.attributes().unwrap_or_else(DictObj::new).value());
        d.set_str(intern("text"), e.text.get());
        d.set_str(intern("tail"), e.tail.get());
        d
    })
    .method("__setstate__($self, state, /)", "", set_state)
}

/// A deep copy of whatever an element may hold.
fn copied(vm: &Vm, v: Value, memo: Ptr<DictObj>) -> Res<Value> {
    if !v.is_ptr() || type_of(v) == rt().types.str {
        return Ok(v);
    }
    if let Some(e) = v.downcast::<ElementObj>()
        && type_of(v) == class_of(e)
    {
        return deep(vm, e, memo).map(|e| e.value());
    }
    if type_of(v) == rt().types.dict
        && let Some(d) = v.downcast::<DictObj>()
        && d.table.iter().all(|e| type_of(e.key) == rt().types.str && type_of(e.value) == rt().types.str)
    {
        return Ok(d.copy().value());
    }
    let f = DEEPCOPY.get_or(|| vm.import_attr("copy", "deepcopy"))?;
    vm.call(f, &[v, memo.value()])
}

fn deep(vm: &Vm, e: E, memo: Ptr<DictObj>) -> Res<E> {
    vm.check_native_stack(" in __deepcopy__")?;
    let tag = copied(vm, e.tag.get(), memo)?;
    let attrib = e.attributes().map_or(Ok(Value::EMPTY), |d| copied(vm, d.value(), memo))?;
    let copy = element::new(class_of(e), tag, attrib);
    let text = copied(vm, e.text.get(), memo)?;
    copy.text.set(copy, text);
    let tail = copied(vm, e.tail.get(), memo)?;
    copy.tail.set(copy, tail);
    // Code that runs meanwhile may change the element.
    let mut i = 0;
    while let Some(child) = e.child(i) {
        let child = copied(vm, child.value(), memo)?;
        children(copy).push(expected(vm, child)?.value());
        i += 1;
    }
    memo.set(vm, int_from(vm.id(e.value()) as i128), copy.value())?;
    Ok(copy)
}

fn set_state(vm: &Vm, e: E, state: Value) -> Res<()> {
    let Some(d) = state.downcast::<DictObj>() else {
        let shown = vm.repr_str(state)?;
        return Err(vm.type_error(format!("Don't know how to unpickle \"{shown}\" as an Element")));
    };
    const KEYS: [&str; 5] = ["tag", "attrib", "text", "tail", "_children"];
    for entry in d.table.iter() {
        let known = entry.key.downcast::<StrObj>().is_some_and(|k| KEYS.iter().any(|name| k.eq_str(name)));
        if !known {
            let shown = vm.repr_str(entry.key)?;
            return Err(vm.type_error(format!("this function got an unexpected keyword argument {shown}")));
        }
    }
    let [tag, attrib, text, tail, list] = KEYS.map(|name| d.get_str(intern(name)));
    let tag = tag.ok_or_else(|| vm.type_error("tag may not be NULL"))?;
    let list = match list {
        Some(v) => Some(v.downcast::<ListObj>().ok_or_else(|| vm.type_error("'_children' is not a list"))?),
        None => None,
    };
    let attrib = match attrib {
        Some(v) if !v.is::<DictObj>() => {
            return Err(vm.type_error(format!("attrib must be dict, not {}", type_of(v).name_str())));
        }
        Some(v) => v,
        None => Value::EMPTY,
    };
    let items = list.map(|l| l.snapshot());
    for &v in items.iter().flat_map(|a| a.as_slice()) {
        expected(vm, v)?;
    }
    e.tag.set(e, tag);
    e.text.set(e, text.unwrap_or(Value::NONE));
    e.tail.set(e, tail.unwrap_or(Value::NONE));
    e.attrib.set(e, attrib);
    match items.filter(|a| a.len() != 0) {
        Some(a) => {
            let n = a.len();
            e.children.set(e, ListObj::from_array(a, n).value());
        }
        None => e.children.set_no_barrier(Value::EMPTY),
    }
    Ok(())
}
