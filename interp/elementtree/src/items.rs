//! An element as a sequence of its subelements.

use cape_builtins::slicing::{Span, fit, is_index, place, unpack};
use cape_vm::native::TypeBuilder;
use cape_vm::object::*;
use cape_vm::{Ptr, Res, Value, Vm};

use crate::element::{E, ElementObj, children, expected};

/// Adds the methods to the class of elements.
pub fn add(b: TypeBuilder) -> TypeBuilder {
    b.method("__len__($self, /)", "Return len(self).", |_: &Vm, e: E| e.len())
        .method("__getitem__($self, key, /)", "Return self[key].", get_item)
        .method("__setitem__($self, key, value, /)", "Set self[key] to value.", set_item)
        .method("__delitem__($self, key, /)", "Delete self[key].", |vm: &Vm, e: E, key: Value| {
            if let Some(s) = key.downcast::<SliceObj>() {
                let raw = unpack(vm, s)?;
                return delete(e, fit(raw, e.len()));
            }
            let i =
                index(vm, e, key)?.ok_or_else(|| vm.index_error("child assignment index out of range"))?;
            children(e).remove(i);
            Ok(())
        })
        .method("extend($self, elements, /)", "", |vm: &Vm, e: E, elements: Value| {
            let new = vm.list_of_iterable(elements, "'elements' must be an iterable")?;
            for &v in new.as_slice() {
                children(e).push(expected(vm, v)?.value());
            }
            Ok::<(), cape_vm::Raised>(())
        })
        .method(
            "insert($self, index, subelement, /)",
            "",
            |vm: &Vm, e: E, i: Value, child: Ptr<ElementObj>| {
                let (i, n) = (vm.index_isize(i)?, e.len() as isize);
                let at = if i < 0 { (i + n).max(0) } else { i.min(n) } as usize;
                children(e).splice(at, at, &[child.value()]);
                Ok::<(), cape_vm::Raised>(())
            },
        )
        .method("remove($self, subelement, /)", "", remove)
}

/// The place that an index means, if there is one.
fn index(vm: &Vm, e: E, key: Value) -> Res<Option<usize>> {
    if !is_index(key) {
        return Err(vm.type_error("element indices must be integers"));
    }
    Ok(place(vm.index_isize(key)?, e.len()))
}

fn get_item(vm: &Vm, e: E, key: Value) -> Res<Value> {
    if let Some(s) = key.downcast::<SliceObj>() {
        let span = fit(unpack(vm, s)?, e.len());
        let list = ListObj::new(&[]);
        span.indices().filter_map(|i| e.child(i)).for_each(|c| list.push(c.value()));
        return Ok(list.value());
    }
    let found = index(vm, e, key)?.and_then(|i| e.child(i));
    found.map(|c| c.value()).ok_or_else(|| vm.index_error("child index out of range"))
}

fn set_item(vm: &Vm, e: E, key: Value, v: Value) -> Res<()> {
    let Some(s) = key.downcast::<SliceObj>() else {
        let i = index(vm, e, key)?.ok_or_else(|| vm.index_error("child assignment index out of range"))?;
        children(e).set(i, expected(vm, v)?.value());
        return Ok(());
    };
    let raw = unpack(vm, s)?;
    let new = vm.list_of_iterable(v, "assignment expects an iterable")?;
    for &v in new.as_slice() {
        expected(vm, v)?;
    }
    let span = fit(raw, e.len());
    if span.step == 1 {
        let from = span.start as usize;
        children(e).splice(from, from + span.count, new.as_slice());
        return Ok(());
    }
    if new.len() != span.count {
        return Err(vm.value_error(format!(
            "attempt to assign sequence of size {} to extended slice of size {}",
            new.len(),
            span.count
        )));
    }
    let list = children(e);
    span.indices().zip(new.as_slice()).for_each(|(i, &v)| {
        list.set(i, v);
    });
    Ok(())
}

fn delete(e: E, span: Span) -> Res<()> {
    if span.count == 0 {
        return Ok(());
    }
    let list = children(e);
    let span = span.ascending();
    if let Some(range) = span.range() {
        list.splice(range.start, range.end, &[]);
        return Ok(());
    }
    // What stays moves up.
    let (mut to, mut gone) = (span.at(0), 0);
    for i in span.at(0)..list.len() {
        if gone < span.count && i == span.at(gone) {
            gone += 1;
            continue;
        }
        if let Some(v) = list.get(i) {
            list.set(to, v);
            to += 1;
        }
    }
    list.splice(to, list.len(), &[]);
    Ok(())
}

/// Takes away the first subelement that is this one, or equal to it.
fn remove(vm: &Vm, e: E, child: Ptr<ElementObj>) -> Res<()> {
    let mut i = 0;
    while let Some(c) = e.child(i) {
        if c == child || vm.eq(c.value(), child.value())? {
            // Whoever compares may have changed the element.
            if i < e.len() {
                children(e).remove(i);
            }
            return Ok(());
        }
        i += 1;
    }
    Err(vm.value_error("Element.remove(x): element not found"))
}
