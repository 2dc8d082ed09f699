//! Subscripts.

use cape_vm::buffer::{self, Layout, flags};
use cape_vm::native::TypeBuilder;
use cape_vm::object::*;
use cape_vm::{Ptr, Raised, Res, Value, Vm};

use super::{Arrangement, View};
use super::item::{letter, pack, unpack};
use crate::slicing::{fit, is_index, unpack as unpack_slice};

pub(super) fn add(t: TypeBuilder) {
    t.method("__len__($self, /)", "Return len(self).", len)
        .method("__getitem__($self, key, /)", "Return self[key].", getitem)
        .method("__setitem__($self, key, value, /)", "Set self[key] to value.", setitem)
        .method("__delitem__($self, key, /)", "Delete self[key].", |vm: &Vm, _: View, _: Value| -> Res<()> {
            Err(vm.type_error("cannot delete memory"))
        });
}

pub(super) fn len(vm: &Vm, m: View) -> Res<usize> {
    m.check(vm)?;
    if let Some(n) = m.row() {
        return Ok(n);
    }
    match m.layout().shape.first() {
        Some(&n) => Ok(n as usize),
        None => Err(vm.type_error("0-dim memory has no length")),
    }
}

/// NotImplementedError for a view whose items are of no native format.
pub(super) fn unsupported(vm: &Vm, m: View) -> Raised {
    vm.not_implemented_error(format!("memoryview: unsupported format {}", m.layout().format))
}

/// The value of the item at `p`.
pub(super) fn read(vm: &Vm, m: View, p: *mut u8) -> Res<Value> {
    let Some(c) = letter(&m.layout().format) else {
        return Err(unsupported(vm, m));
    };
    let mut item = [0; 8];
    let n = m.layout().itemsize.min(8);
    // SAFETY: p is the address of an item of the view, just computed; nothing has run since.
    unsafe { std::ptr::copy_nonoverlapping(p, item.as_mut_ptr(), n) };
    Ok(unpack(c, &item[..n]))
}

/// Address of index `i` along dimension `dim`, from `p`.
fn step(vm: &Vm, m: View, p: *mut u8, dim: usize, i: isize) -> Res<*mut u8> {
    let n = m.layout().shape[dim];
    let at = if i < 0 { i + n } else { i };
    if !(0..n).contains(&at) {
        return Err(vm.index_error(format!("index out of bounds on dimension {}", dim + 1)));
    }
    // SAFETY: in range.
    Ok(unsafe { buffer::item(p, m.layout(), dim, at) })
}

/// The indices of a tuple subscript; `None` when it is not a tuple of integers only.
fn indices(vm: &Vm, key: Value) -> Res<Option<Vec<isize>>> {
    let Some(t) = key.downcast::<TupleObj>() else { return Ok(None) };
    if !t.as_slice().iter().all(|&k| is_index(k)) {
        return Ok(None);
    }
    t.as_slice().iter().map(|&k| vm.index_isize(k)).collect::<Res<Vec<_>>>().map(Some)
}

fn is_slice_tuple(key: Value) -> bool {
    key.downcast::<TupleObj>().is_some_and(|t| t.as_slice().iter().all(|k| k.is::<SliceObj>()))
}

fn item_at(vm: &Vm, m: View, at: &[isize]) -> Res<*mut u8> {
    let ndim = m.layout().shape.len();
    if at.len() > ndim {
        return Err(
            vm.type_error(format!("cannot index {ndim}-dimension view with {}-element tuple", at.len()))
        );
    }
    if at.len() < ndim {
        return Err(vm.not_implemented_error("sub-views are not implemented"));
    }
    let mut p = m.address();
    for (dim, &i) in at.iter().enumerate() {
        p = step(vm, m, p, dim, i)?;
    }
    Ok(p)
}

fn getitem(vm: &Vm, m: View, key: Value) -> Res<Value> {
    m.check(vm)?;
    if let Some(n) = m.row()
        && key.is_int()
    {
        let i = key.as_int() as isize;
        let at = if i < 0 { i + n as isize } else { i };
        if !(0..n as isize).contains(&at) {
            return Err(vm.index_error("index out of bounds on dimension 1"));
        }
        // SAFETY: in range of the view, which is not released.
        return Ok(Value::int(unsafe { *m.address().offset(at) } as i64));
    }
    let ndim = m.layout().shape.len();
    if ndim == 0 {
        if key == Value::ELLIPSIS {
            return Ok(m.value());
        }
        if key.downcast::<TupleObj>().is_some_and(|t| t.is_empty()) {
            return read(vm, m, m.address());
        }
        return Err(vm.type_error("invalid indexing of 0-dim memory"));
    }
    if is_index(key) {
        let i = vm.index_isize(key)?;
        m.check(vm)?;
        if ndim > 1 {
            return Err(vm.not_implemented_error("multi-dimensional sub-views are not implemented"));
        }
        let p = step(vm, m, m.address(), 0, i)?;
        return read(vm, m, p);
    }
    if let Some(s) = key.downcast::<SliceObj>() {
        return sliced(vm, m, s).map(|v| v.value());
    }
    if let Some(at) = indices(vm, key)? {
        m.check(vm)?;
        let p = item_at(vm, m, &at)?;
        return read(vm, m, p);
    }
    if is_slice_tuple(key) {
        return Err(vm.not_implemented_error("multi-dimensional slicing is not implemented"));
    }
    Err(vm.type_error("memoryview: invalid slice key"))
}

/// The view of a slice of the first dimension.
fn sliced(vm: &Vm, m: View, s: Ptr<SliceObj>) -> Res<View> {
    m.check_free(vm)?;
    // The indices may release the view; the memory stays for what is made of it.
    let managed = m.managed();
    managed.views.set(managed.views.get() + 1);
    let made = unpack_slice(vm, s).map(|raw| window(m, raw));
    managed.drop_view();
    made
}

/// The view of these items of the first dimension: start, stop and step as they were asked for.
fn window(m: View, raw: (isize, isize, isize)) -> View {
    if let Some(n) = m.row()
        && raw.2 == 1
    {
        let span = fit(raw, n);
        return m.sibling(Arrangement::Row(span.count), span.start.max(0), m.readonly);
    }
    let mut l: Layout = m.layout().clone();
    let span = fit(raw, l.shape[0] as usize);
    let mut by = 0;
    // With suboffsets in the first dimension the offset applies behind the pointers.
    if span.start > 0 || span.count > 0 {
        by = span.start.max(0) * l.strides[0];
    }
    l.shape[0] = span.count as isize;
    l.strides[0] *= span.step;
    m.sibling(Arrangement::Other(Box::new(l)), by, m.readonly)
}

fn setitem(vm: &Vm, m: View, key: Value, v: Value) -> Res<()> {
    m.check(vm)?;
    let Some(c) = letter(&m.layout().format) else {
        return Err(unsupported(vm, m));
    };
    if m.readonly {
        return Err(vm.type_error("cannot modify read-only memory"));
    }
    let ndim = m.layout().shape.len();
    let write = |p: &dyn Fn() -> Res<*mut u8>| -> Res<()> {
        let mut item = [0; 8];
        let n = m.layout().itemsize.min(8);
        pack(vm, c, v, &mut item[..n])?;
        // Packing may have run Python code: the view may be released, memory may have moved.
        m.check(vm)?;
        let p = p()?;
        // SAFETY: p is the address of a writable item of the view.
        unsafe { std::ptr::copy_nonoverlapping(item.as_ptr(), p, n) };
        Ok(())
    };
    if ndim == 0 {
        if key == Value::ELLIPSIS || key.downcast::<TupleObj>().is_some_and(|t| t.is_empty()) {
            return write(&|| Ok(m.address()));
        }
        return Err(vm.type_error("invalid indexing of 0-dim memory"));
    }
    if is_index(key) {
        let i = vm.index_isize(key)?;
        m.check(vm)?;
        if ndim > 1 {
            return Err(vm.not_implemented_error("sub-views are not implemented"));
        }
        step(vm, m, m.address(), 0, i)?;
        return write(&|| step(vm, m, m.address(), 0, i));
    }
    if let Some(s) = key.downcast::<SliceObj>() {
        if ndim > 1 {
            return Err(vm.not_implemented_error(
                "memoryview slice assignments are currently restricted to ndim = 1",
            ));
        }
        return assign_slice(vm, m, s, v);
    }
    if let Some(at) = indices(vm, key)? {
        m.check(vm)?;
        item_at(vm, m, &at)?;
        return write(&|| item_at(vm, m, &at));
    }
    if is_slice_tuple(key) {
        return Err(vm.not_implemented_error(
            "memoryview slice assignments are currently restricted to ndim = 1",
        ));
    }
    Err(vm.type_error("memoryview: invalid slice key"))
}

fn assign_slice(vm: &Vm, m: View, s: Ptr<SliceObj>, v: Value) -> Res<()> {
    let source = vm.buffer(v, flags::FULL_RO)?;
    let target = sliced(vm, m, s)?;
    if let Err(e) = m.check(vm) {
        target.give_up();
        return Err(e);
    }
    let theirs = source.raw().layout().into_owned();
    let ours = target.layout();
    let same = theirs.itemsize == ours.itemsize
        && letter(&theirs.format).unwrap_or(0) == letter(&ours.format).unwrap_or(0)
        && theirs.format.trim_start_matches('@') == ours.format.trim_start_matches('@')
        && theirs.shape == ours.shape;
    if !same {
        target.give_up();
        return Err(
            vm.value_error("memoryview assignment: lvalue and rvalue have different structures")
        );
    }
    // A copy, as the two may overlap.
    let data = source.to_vec();
    let p = target.address();
    for (i, item) in data.chunks_exact(ours.itemsize).enumerate() {
        // SAFETY: item i of the target, which is writable; nothing runs in between.
        unsafe {
            let d = buffer::item(p, ours, 0, i as isize);
            std::ptr::copy_nonoverlapping(item.as_ptr(), d, item.len());
        }
    }
    target.give_up();
    Ok(())
}
