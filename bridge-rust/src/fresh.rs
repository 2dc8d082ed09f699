//! Tuples and lists that C made and handed over whole, whose only reference is ours: they are emptied rather than copied. The reference
//! of an item goes as its value is taken, and the struct back to where it came from, in one pass.

use std::mem::MaybeUninit;
use std::ptr::{eq, null_mut};

use cape_heap::{heap, write_barrier};
use cape_vm::object::*;
use cape_vm::{Ptr, Res, Value, Vm};

use crate::ffi;
use crate::from_c::{NUMBERS, from_unlinked, link_of, one_digit, small_int, take_over, truth};
use crate::layout::*;
use crate::to_c::decref;

/// Items that a fresh list may have to be emptied; others are linked.
const FEW: isize = 64;
/// Items that are looked at before a container is taken at once.
const VERY_FEW: usize = 16;
/// Bytes of freed numbers of a kind that are kept (bridge-c/cape.h).
const FREE_NUMBERS: usize = 4 << 20;
const INTS: usize = 0;
const FLOATS: usize = 1;

/// Whether it is a list of exact type that is to be emptied when it is fresh.
///
/// # Safety
/// `p` must be a live object.
#[inline(always)]
pub unsafe fn is_short_list(p: *mut PyObject) -> bool {
    // SAFETY: the caller's promise.
    unsafe { eq((*p).ob_type, &raw const ffi::PyList_Type) && (*(p as *mut PyVarObject)).ob_size <= FEW }
}

/// The managed side of an item that needs nothing made for it: a linked object, a singleton (NULL is None), a float, an int of one digit.
/// EMPTY for others.
#[inline(always)]
fn plain(p: *mut PyObject) -> Value {
    if let Some(v) = small_int(p) {
        return v;
    }
    if p.is_null() {
        return Value::NONE;
    }
    let l = link_of(p);
    if l != 0 {
        return heap().managed_of(l);
    }
    if let Some(v) = one_digit(p) {
        return v;
    }
    // SAFETY: a live object, laid out as its type says.
    unsafe {
        if eq((*p).ob_type, &raw const ffi::PyFloat_Type) {
            return Value::float((*(p as *mut PyFloatObject)).ob_fval);
        }
    }
    constant(p)
}

/// None, True or False; EMPTY for others.
#[inline(always)]
fn constant(p: *mut PyObject) -> Value {
    if eq(p, &raw const ffi::_Py_NoneStruct) {
        return Value::NONE;
    }
    truth(p).unwrap_or(Value::EMPTY)
}

/// As [`plain`], of an item whose reference is ours: not where the link has the only one. (Somebody gave up too many, which is to be told of.)
///
/// # Safety
/// `p` must be a live object or NULL.
#[inline(always)]
unsafe fn owned(p: *mut PyObject) -> Value {
    let v = plain(p);
    // SAFETY: what has a pointer for a value is a linked object.
    if v.is_ptr() && unsafe { (*p).ob_refcnt } == 1 { Value::EMPTY } else { v }
}

/// Gives up a reference to what is [`plain`].
///
/// # Safety
/// The reference must be the caller's, unless it is NULL.
#[inline(always)]
unsafe fn drop_plain(p: *mut PyObject) {
    if p.is_null() {
        return;
    }
    // SAFETY: the caller's promise; a number that nobody has any more belongs to the list of freed ones.
    unsafe {
        let n = (*p).ob_refcnt;
        if (n as i32) < 0 {
            return;
        }
        if n != 1 {
            (*p).ob_refcnt = n - 1;
            return;
        }
        if link_of(p) != 0 {
            // (There twice, and too few references: it keeps what it has.)
            return;
        }
        let kind = if eq((*p).ob_type, &raw const ffi::PyFloat_Type) { FLOATS } else { INTS };
        let list = (&raw mut ffi::_Cape_free_numbers).cast::<ffi::CapeFreeList>().add(kind);
        if (*list).count < (FREE_NUMBERS / NUMBERS[kind]) as i32 {
            *(p as *mut *mut std::ffi::c_void) = (*list).first;
            (*list).first = p as *mut std::ffi::c_void;
            (*list).count += 1;
        } else {
            decref(p);
        }
    }
}

/// The values of items, written to new cells, up to the first that is not plain; says how many. The other cells are cleared.
///
/// # Safety
/// The items must be live objects or NULL, and there must be room for as many values.
#[inline(never)]
unsafe fn read_plain(items: &[*mut PyObject], cells: *mut Value) -> usize {
    for (i, &item) in items.iter().enumerate() {
        let v = plain(item);
        // SAFETY: the caller's promise.
        unsafe {
            if v.is_empty() {
                (i..items.len()).for_each(|i| cells.add(i).write(Value::EMPTY));
                return i;
            }
            cells.add(i).write(v);
        }
    }
    items.len()
}

/// As [`read_plain`], giving up the references: what is taken of the items is set to NULL where others are left.
///
/// # Safety
/// As there; the references must be the caller's.
#[inline(always)]
unsafe fn take_plain(items: *mut *mut PyObject, n: usize, cells: *mut Value) -> usize {
    // SAFETY: the caller's promise.
    unsafe {
        let mut done = 0;
        while done < n {
            let v = owned(*items.add(done));
            if v.is_empty() {
                break;
            }
            cells.add(done).write(v);
            done += 1;
        }
        (0..done).for_each(|i| drop_plain(*items.add(i)));
        if done < n {
            (done..n).for_each(|i| cells.add(i).write(Value::EMPTY));
            (0..done).for_each(|i| items.add(i).write(null_mut()));
        }
        done
    }
}

/// The values of the items of a list, written to an array of as many EMPTY cells, up to the first that needs its managed side made; says how many.
///
/// # Safety
/// The items must be live objects or NULL.
pub unsafe fn plain_items(items: &[*mut PyObject], out: Ptr<ArrayObj>) -> usize {
    assert!(items.len() <= out.len());
    // SAFETY: there is room.
    let done = unsafe { read_plain(items, out.items_ptr()) };
    write_barrier(out.header());
    done
}

/// An item of a fresh container, which is as fresh when only that knows it.
///
/// # Safety
/// `p` must be a live object or NULL.
#[inline(always)]
pub unsafe fn item_of_fresh(vm: &Vm, p: *mut PyObject) -> Res<Value> {
    let v = plain(p);
    if !v.is_empty() {
        return Ok(v);
    }
    // SAFETY: a live object.
    from_unlinked(vm, p, unsafe { (*p).ob_refcnt } == 1)
}

/// An item of a fresh container, whose reference is taken over.
///
/// # Safety
/// `p` must be NULL or a live object whose reference is the caller's.
#[inline(always)]
pub unsafe fn take_item(vm: &Vm, p: *mut PyObject) -> Res<Value> {
    // SAFETY: the caller's promise.
    unsafe {
        let v = owned(p);
        if v.is_empty() {
            return take_over(vm, p);
        }
        drop_plain(p);
        Ok(v)
    }
}

/// Where a tuple has its items, and how many.
///
/// # Safety
/// `p` must be laid out as a tuple.
#[inline(always)]
unsafe fn items_of(p: *mut PyObject) -> (*mut *mut PyObject, usize) {
    let t = p as *mut PyTupleObject;
    // SAFETY: the caller's promise.
    unsafe { ((&raw mut (*t).ob_item) as *mut *mut PyObject, (*t).ob_base.ob_size as usize) }
}

/// A fresh tuple or short list of few plain items, moved; EMPTY, with nothing done: it is none.
///
/// # Safety
/// `p` must be live and unlinked, and its only reference the caller's.
#[inline(never)]
pub unsafe fn take_at_once(p: *mut PyObject) -> Value {
    // SAFETY: the caller's promise; objects are laid out as their types say.
    unsafe {
        let is_tuple = eq((*p).ob_type, &raw const ffi::PyTuple_Type);
        let (items, n) = if is_tuple {
            items_of(p)
        } else if eq((*p).ob_type, &raw const ffi::PyList_Type) {
            ((*(p as *mut PyListObject)).ob_item, (*(p as *mut PyVarObject)).ob_size as usize)
        } else {
            return Value::EMPTY;
        };
        if n == 0 || n > VERY_FEW {
            return Value::EMPTY;
        }
        let mut values = [MaybeUninit::uninit(); VERY_FEW];
        // (The small ints are not: often there are no others.)
        let mut counted = false;
        for (i, place) in values[..n].iter_mut().enumerate() {
            let p = *items.add(i);
            if let Some(v) = small_int(p) {
                place.write(v);
                continue;
            }
            counted = true;
            let v = owned(p);
            if v.is_empty() {
                return Value::EMPTY;
            }
            place.write(v);
        }
        // (Linked objects stay: that C has them makes them roots, and what is on the stack stays where it is.)
        let (made, cells) = if is_tuple {
            let tuple = TupleObj::unfilled(n);
            (tuple.value(), tuple.items_ptr())
        } else {
            let array = ArrayObj::unfilled(n);
            (array.value(), array.items_ptr())
        };
        // (Word by word: a copy of them all would wait for what has just been written.)
        for (i, v) in values[..n].iter().enumerate() {
            cells.add(i).write_volatile(v.assume_init());
        }
        if counted {
            (0..n).for_each(|i| drop_plain(*items.add(i)));
        }
        if is_tuple {
            ffi::cape_free_emptied_tuple(p);
            return made;
        }
        ffi::cape_free_emptied_list(p);
        ListObj::from_array(made.cast(), n).value()
    }
}

/// A fresh list, whose reference is taken over.
///
/// # Safety
/// `p` must be a live, unlinked list of exact type, and its only reference the caller's.
pub unsafe fn list(vm: &Vm, p: *mut PyObject) -> Res<Value> {
    // SAFETY: the caller's promise. The cells are all written before anything else is made.
    unsafe {
        let (n, place) = ((*(p as *mut PyVarObject)).ob_size as usize, (*(p as *mut PyListObject)).ob_item);
        let items = ArrayObj::unfilled(n);
        let done = if n == 0 { 0 } else { take_plain(place, n, items.items_ptr()) };
        write_barrier(items.header());
        if done == n {
            ffi::cape_free_emptied_list(p);
            return Ok(ListObj::from_array(items, n).value());
        }
        for i in done..n {
            match take_item(vm, place.add(i).replace(null_mut())) {
                Ok(v) => items.set(i, v),
                Err(raised) => {
                    decref(p);
                    return Err(raised);
                }
            }
        }
        ffi::cape_free_emptied_list(p);
        Ok(ListObj::from_array(items, n).value())
    }
}

/// A fresh tuple, whose reference is taken over.
///
/// # Safety
/// As for [`list`], of a tuple.
pub unsafe fn tuple(vm: &Vm, p: *mut PyObject) -> Res<Value> {
    // SAFETY: the caller's promise. The cells are all written before anything else is made.
    unsafe {
        let (items, n) = items_of(p);
        if n == 0 {
            decref(p);
            return Ok(TupleObj::new(&[]).value());
        }
        let v = TupleObj::unfilled(n);
        let done = take_plain(items, n, v.items_ptr());
        write_barrier(v.header());
        if done == n {
            ffi::cape_free_emptied_tuple(p);
            return Ok(v.value());
        }
        for i in done..n {
            match take_item(vm, items.add(i).replace(null_mut())) {
                Ok(item) => v.init(i, item),
                Err(raised) => {
                    decref(p);
                    return Err(raised);
                }
            }
        }
        ffi::cape_free_emptied_tuple(p);
        Ok(v.value())
    }
}

/// The managed side of a tuple, which stays C's, and is linked unless it is `fresh`: then it is about to die.
///
/// # Safety
/// `p` must be a live, unlinked tuple.
pub unsafe fn tuple_of(vm: &Vm, p: *mut PyObject, fresh: bool) -> Res<Value> {
    // SAFETY: the caller's promise. The cells are all written before anything else is made.
    unsafe {
        let (items, n) = items_of(p);
        let items = std::slice::from_raw_parts(items, n);
        if n == 0 {
            return Ok(TupleObj::new(&[]).value());
        }
        let v = TupleObj::unfilled(n);
        let done = read_plain(items, v.items_ptr());
        write_barrier(v.header());
        for (at, &i) in items.iter().enumerate().skip(done) {
            let x = match i {
                i if fresh => item_of_fresh(vm, i)?,
                i if i.is_null() => Value::NONE,
                i => crate::from_c::from_c(vm, i)?,
            };
            v.init(at, x);
        }
        if !fresh && v.header().link() == 0 {
            crate::from_c::link(v.header(), p);
        }
        Ok(v.value())
    }
}

/// The managed side of a list that is about to die with the container that it is an item of.
///
/// # Safety
/// `p` must be a live, unlinked list of exact type, of which only that container knows.
pub unsafe fn list_of(vm: &Vm, p: *mut PyObject) -> Res<Value> {
    // SAFETY: the caller's promise. The cells are all written before anything else is made.
    unsafe {
        let n = (*(p as *mut PyVarObject)).ob_size as usize;
        let items = ArrayObj::unfilled(n);
        let place = (*(p as *mut PyListObject)).ob_item;
        let done =
            if n == 0 { 0 } else { read_plain(std::slice::from_raw_parts(place, n), items.items_ptr()) };
        write_barrier(items.header());
        for i in done..n {
            items.set(i, item_of_fresh(vm, *(*(p as *mut PyListObject)).ob_item.add(i))?);
        }
        Ok(ListObj::from_array(items, n).value())
    }
}
