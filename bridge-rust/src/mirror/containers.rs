//! Mirrors of tuples and lists with their items, and of what else crosses often and shows little: dicts, sets, generators of exact type.

use cape_heap::heap;
use cape_vm::object::*;
use cape_vm::runtime::rt;
use cape_vm::{Ptr, Res, Value, Vm};

use super::{alloc, show_size};
use crate::ffi;
use crate::from_c::struct_taken;
use crate::layout::*;
use crate::lend::borrowed;
use crate::many_ints::{MANY, Part};
use crate::to_c::{decref, incref, item_to_c, new_int};

/// [`super::make`] for a tuple, list, dict, set, generator or coroutine of exact type; `None` for others.
#[inline(always)]
pub fn exact_container(vm: &Vm, v: Value) -> Option<Res<*mut PyObject>> {
    // (The memory of many items is counted where it is allocated.)
    let (map, maps) = (v.header().map(), &rt().maps);
    // SAFETY: constructors; objects are laid out as their maps say; the types are those of the structs.
    unsafe {
        if map == maps.tuple {
            let tu = v.cast::<TupleObj>();
            // (C's own empty tuple is a static, and belongs to no link.)
            return (!tu.is_empty()).then(|| {
                struct_taken(6 + tu.len().min(16));
                let p = fresh(vm, ffi::cape_unfilled_tuple(tu.len() as isize))?;
                fill_tuple(vm, tu, p)
            });
        }
        if map == maps.list {
            let l = v.cast::<ListObj>();
            struct_taken(7 + l.len().min(16));
            return Some(
                fresh(vm, ffi::cape_unfilled_list(l.len() as isize)).and_then(|p| fill_list(vm, l, p)),
            );
        }
        let t = if map == maps.dict {
            &raw mut ffi::PyDict_Type
        } else if map == maps.set {
            &raw mut ffi::PySet_Type
        } else if map == maps.frozenset {
            &raw mut ffi::PyFrozenSet_Type
        } else if map == maps.generator {
            &raw mut ffi::PyGen_Type
        } else if map == maps.coroutine {
            &raw mut ffi::PyCoro_Type
        } else {
            return None;
        };
        struct_taken(super::types::words_of(t) + 2);
        let p = fresh(vm, ffi::cape_new_mirror(t));
        if let Ok(p) = p {
            show_size(v.header(), p);
        }
        Some(p)
    }
}

/// See [`super::of_its_own`]. What has items that have no C side yet is not of that sort.
#[inline(always)]
pub(super) fn of_its_own(vm: &Vm, v: Value) -> *mut PyObject {
    let (map, maps) = (v.header().map(), &rt().maps);
    let (tuple, list) = (v.downcast::<TupleObj>(), v.downcast::<ListObj>());
    // SAFETY: constructors; objects are laid out as their maps say; a struct whose items are not all set has NULL in place of the others.
    unsafe {
        let (p, items, values) = if map == maps.tuple
            && let Some(values) = tuple.as_ref().map(|t| t.as_slice()).filter(|t| !t.is_empty())
        {
            let p = ffi::cape_unfilled_tuple(values.len() as isize);
            (p, (&raw mut (*(p as *mut PyTupleObject)).ob_item) as *mut *mut PyObject, values)
        } else if map == maps.list
            && let Some(values) = list.as_ref().and_then(|l| l.generic_slice())
        {
            let p = ffi::cape_unfilled_list(values.len() as isize);
            let items = if p.is_null() { p as *mut _ } else { (*(p as *mut PyListObject)).ob_item };
            (p, items, values)
        } else {
            return std::ptr::null_mut();
        };
        if p.is_null() {
            // (The way with a link says so, if there is still none.)
            no_memory(vm);
            return p;
        }
        let done = cross_known(values, items);
        if map == maps.list {
            (*(p as *mut PyVarObject)).ob_size = done as isize;
        }
        if done < values.len() {
            if map == maps.tuple {
                (done..values.len()).for_each(|i| items.add(i).write(std::ptr::null_mut()));
            }
            decref(p);
            return std::ptr::null_mut();
        }
        p
    }
}

/// What a constructor of C gave.
#[inline(always)]
fn fresh(vm: &Vm, p: *mut PyObject) -> Res<*mut PyObject> {
    if p.is_null() { Err(no_memory(vm)) } else { Ok(p) }
}

#[cold]
pub(super) fn no_memory(vm: &Vm) -> cape_vm::Raised {
    crate::error::take(vm).unwrap_or_else(|| vm.memory_error(""))
}

/// Writes new references to the C sides of values, up to the first that has none yet and is no unboxed number; says how many.
///
/// # Safety
/// There must be room for them.
#[inline(always)]
pub unsafe fn cross_known(values: &[Value], to: *mut *mut PyObject) -> usize {
    // SAFETY: the caller's promise.
    unsafe { if values.len() >= MANY { cross_many(values, to) } else { cross_with(values, to, new_int) } }
}

/// [`cross_known`] of many.
///
/// # Safety
/// As there.
#[inline(never)]
unsafe fn cross_many(values: &[Value], to: *mut *mut PyObject) -> usize {
    let mut ints = Part::new();
    // SAFETY: the caller's promise.
    unsafe { cross_with(values, to, |i| ints.int(i)) }
}

/// [`cross_known`], with what makes ints.
///
/// # Safety
/// As there.
#[inline(always)]
unsafe fn cross_with(
    values: &[Value],
    to: *mut *mut PyObject,
    mut int: impl FnMut(i64) -> *mut PyObject,
) -> usize {
    for (i, &v) in values.iter().enumerate() {
        let mut p = borrowed(v);
        // SAFETY: live; constructors; the caller's promise.
        unsafe {
            if !p.is_null() {
                // (Of what is no pointer, C has immortal objects.)
                if v.is_ptr() {
                    incref(p);
                }
            } else {
                if v.is_int() {
                    p = int(v.as_int());
                } else if v.is_float() {
                    p = ffi::PyFloat_FromDouble(v.as_float());
                }
                if p.is_null() {
                    return i;
                }
            }
            to.add(i).write(p);
        }
    }
    values.len()
}

/// As [`cross_known`] for the items from `done` on, and for all kinds of them: none is left. `items` are NULL from there.
///
/// # Safety
/// There must be room for them.
#[inline(never)]
unsafe fn cross_others(
    vm: &Vm,
    done: usize,
    n: usize,
    items: *mut *mut PyObject,
    get: impl Fn(usize) -> Value,
) -> Res<()> {
    vm.check_native_stack(" while crossing to C")?;
    for i in done..n {
        // SAFETY: the caller's promise.
        unsafe { *items.add(i) = item_to_c(vm, get(i))? };
    }
    Ok(())
}

/// A tuple of a subclass, or the empty one of a link.
pub(super) fn tuple(vm: &Vm, tu: Ptr<TupleObj>, t: *mut PyTypeObject) -> Res<*mut PyObject> {
    // SAFETY: a live type.
    let p = alloc(vm, t, unsafe { (*t).tp_basicsize as usize }.max(32) + 8 * tu.len())?;
    // SAFETY: a fresh struct with room for the items.
    unsafe {
        (*(p as *mut PyTupleObject)).ob_base.ob_size = tu.len() as isize;
        (*(p as *mut PyTupleObject)).ob_hash = -1;
        let p = fill_tuple(vm, tu, p)?;
        ffi::PyObject_GC_Track(p as *mut _);
        Ok(p)
    }
}

/// Fills the struct of a tuple, which is dropped when that fails. (Links, too, say what the collector is to look at: what is linked need
/// not be tracked.)
///
/// # Safety
/// The struct must be fresh, and have room for the items, which are not set.
#[inline(always)]
unsafe fn fill_tuple(vm: &Vm, tu: Ptr<TupleObj>, p: *mut PyObject) -> Res<*mut PyObject> {
    // SAFETY: the caller's promise. What has not crossed yet is NULL.
    unsafe {
        let items = (&raw mut (*(p as *mut PyTupleObject)).ob_item) as *mut *mut PyObject;
        let (done, n) = (cross_known(tu.as_slice(), items), tu.len());
        if done < n {
            (done..n).for_each(|i| items.add(i).write(std::ptr::null_mut()));
            if let Err(r) = cross_others(vm, done, n, items, |i| tu.get(i)) {
                decref(p);
                return Err(r);
            }
        }
    }
    Ok(p)
}

/// A list of a subclass.
pub(super) fn list(vm: &Vm, l: Ptr<ListObj>, t: *mut PyTypeObject) -> Res<*mut PyObject> {
    let p = alloc(vm, t, 40)?;
    if !l.is_empty() {
        // SAFETY: a fresh struct.
        unsafe {
            let items = ffi::PyMem_Malloc(8 * l.len()) as *mut *mut PyObject;
            if items.is_null() {
                decref(p);
                return Err(vm.memory_error(""));
            }
            ((*(p as *mut PyListObject)).ob_item, (*(p as *mut PyListObject)).allocated) =
                (items, l.len() as isize);
        }
    }
    // SAFETY: as above, with room for the items.
    unsafe {
        fill_list(vm, l, p)?;
        ffi::PyObject_GC_Track(p as *mut _);
    }
    Ok(p)
}

/// Fills the struct of a list, which is the list's storage from now on.
///
/// # Safety
/// The struct must be fresh, of size 0, and have room for the items.
#[inline(always)]
unsafe fn fill_list(vm: &Vm, l: Ptr<ListObj>, p: *mut PyObject) -> Res<*mut PyObject> {
    // SAFETY: the caller's promise.
    unsafe {
        let o = p as *mut PyListObject;
        let (items, n) = ((*o).ob_item, l.len());
        let done = cross_known(l.generic_slice().unwrap_or(&[]), items);
        if done < n {
            fill_list_linked(vm, l, o, done)?;
        }
        (*o).ob_base.ob_size = n as isize;
        l.become_mirrored();
    }
    Ok(p)
}

/// The struct is linked before the other items cross, so that a list that contains itself finds its mirror; until all have crossed the
/// list stays generic, and its struct empty.
///
/// # Safety
/// As for [`fill_list`].
#[inline(never)]
unsafe fn fill_list_linked(vm: &Vm, l: Ptr<ListObj>, o: *mut PyListObject, done: usize) -> Res<()> {
    // SAFETY: the caller's promise.
    unsafe {
        let (items, n) = ((*o).ob_item, l.len());
        let room = std::mem::replace(&mut (*o).allocated, 0);
        (*o).ob_item = std::ptr::null_mut();
        (done..n).for_each(|i| items.add(i).write(std::ptr::null_mut()));
        heap().link(l.header(), o as *mut cape_heap::Mirror);
        let crossed = cross_others(vm, done, n, items, |i| l.get(i).unwrap_or(Value::NONE));
        if let Err(r) = crossed {
            for i in 0..n {
                let item = *items.add(i);
                if !item.is_null() {
                    decref(item);
                }
            }
            ffi::PyMem_Free(items as *mut _);
            return Err(r);
        }
        ((*o).ob_item, (*o).allocated) = (items, room);
    }
    Ok(())
}
