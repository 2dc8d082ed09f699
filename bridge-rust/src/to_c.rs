//! Values into C references: the sole conversion in this direction.

use cape_heap::{Mirror, ObjFlags, heap};
use cape_vm::object::*;
use cape_vm::runtime::rt;
use cape_vm::{Ptr, Res, Value, Vm};

use crate::ffi;
use crate::from_c::memory_taken;
use crate::layout::*;
use crate::lend::borrowed;

/// Py_INCREF.
///
/// # Safety
/// `p` must be live.
#[inline(always)]
pub unsafe fn incref(p: *mut PyObject) {
    // SAFETY: the caller's promise. Counts with the top bit set are immortal.
    unsafe {
        let n = (*p).ob_refcnt;
        if (n as i32) >= 0 {
            (*p).ob_refcnt = n + 1;
        }
    }
}

/// Py_DECREF.
///
/// # Safety
/// `p` must be live, and the reference the caller's.
#[inline(always)]
pub unsafe fn decref(p: *mut PyObject) {
    // SAFETY: the caller's promise.
    unsafe {
        let n = (*p).ob_refcnt;
        if (n as i32) < 0 {
            return;
        }
        (*p).ob_refcnt = n - 1;
        if n == 1 {
            ffi::_Py_Dealloc(p);
        }
    }
}

/// A new reference to the C side of a value. Fails when memory runs out or a mirror cannot be made.
#[inline]
pub fn to_c(vm: &Vm, v: Value) -> Res<*mut PyObject> {
    if v.is_ptr() {
        let h = v.header();
        if h.link() != 0 {
            let p = heap().mirror_of(h) as *mut PyObject;
            // SAFETY: a linked mirror is live.
            unsafe { incref(p) };
            return Ok(p);
        }
        return make(vm, v);
    }
    immediate(vm, v)
}

/// As [`to_c`], for items of containers, most of which have a C side already.
///
/// # Errors
/// As [`to_c`].
#[inline(always)]
pub fn item_to_c(vm: &Vm, v: Value) -> Res<*mut PyObject> {
    let known = borrowed(v);
    if known.is_null() {
        return to_c(vm, v);
    }
    // SAFETY: the C side of a value that the caller keeps alive.
    unsafe { incref(known) };
    Ok(known)
}

#[inline]
fn immediate(vm: &Vm, v: Value) -> Res<*mut PyObject> {
    // SAFETY: constructors of C numbers; singletons are immortal statics.
    unsafe {
        let small = borrowed(v);
        if !small.is_null() {
            // Immortal: nothing to count.
            return Ok(small);
        }
        let p = if v.is_int() {
            new_int(v.as_int())
        } else if v.is_float() {
            ffi::PyFloat_FromDouble(v.as_float())
        } else {
            match v {
                Value::ELLIPSIS => &raw mut ffi::_Py_EllipsisObject,
                Value::NOT_IMPLEMENTED => &raw mut ffi::_Py_NotImplementedStruct,
                _ => return Err(vm.system_error("an internal value was to cross to C")),
            }
        };
        if p.is_null() { Err(vm.memory_error("")) } else { Ok(p) }
    }
}

/// A fresh C int for a number that is none of the small ones; NULL, with an exception, when memory is out.
#[inline(always)]
pub fn new_int(i: i64) -> *mut PyObject {
    // SAFETY: freed ints have room for a digit; a constructor.
    unsafe {
        let list = (&raw mut ffi::_Cape_free_numbers).cast::<ffi::CapeFreeList>();
        let p = (*list).first as *mut PyLongObject;
        if p.is_null() || i.unsigned_abs() >> 30 != 0 {
            return ffi::PyLong_FromLongLong(i);
        }
        (*list).first = *(p as *mut *mut std::ffi::c_void);
        (*list).count -= 1;
        *(p as *mut u64) = 1;
        (*(p as *mut PyObject)).ob_type = &raw mut ffi::PyLong_Type;
        (*p).lv_tag = 1 << 3 | ((i < 0) as usize) << 1;
        *((&raw mut (*p).ob_digit) as *mut u32) = i.unsigned_abs() as u32;
        p as *mut PyObject
    }
}

/// A value for which the container that holds it keeps the mirror alive: a borrowed reference may be given out. Numbers must
/// have been boxed in place before.
pub fn to_c_borrowed(vm: &Vm, v: Value) -> Res<*mut PyObject> {
    if v.is_ptr() && is_number(v) && v.header().link() == 0 {
        // A boxed number: linked for once, because somebody borrows it.
        let p = crate::mirror::number(vm, v)?;
        // SAFETY: the struct is fresh, and the link takes its only reference over; or it is one of the small ints, which are shared and
        // immortal and belong to no link.
        unsafe {
            if (*p).ob_refcnt as i32 >= 0 {
                memory_taken();
                heap().link(v.header(), p as *mut Mirror);
            }
        }
        return Ok(p);
    }
    let p = to_c(vm, v)?;
    // SAFETY: the link (or immortality) keeps it alive without this reference.
    unsafe { decref(p) };
    Ok(p)
}

/// Whether a heap object is an exact int or float.
#[inline(always)]
pub fn is_number(v: Value) -> bool {
    let m = v.header().map();
    m == rt().maps.int || m == rt().maps.float
}

/// Whether a heap object is a number that is linked when it crosses. Numbers have no identity, so they need not be; but what has
/// lived for a while crosses again, and then it costs no more than any other object. What is young is copied.
#[inline(always)]
pub fn is_lasting(v: Value) -> bool {
    v.header().has(ObjFlags::OLD)
}

/// An unboxed number as a heap object, for containers that must own what C borrows.
pub fn boxed(v: Value) -> Value {
    if v.is_int() {
        LongObj::with_map(rt().maps.int, &v.as_int().into()).value()
    } else if v.is_float() {
        FloatObj::new(v.as_float()).value()
    } else {
        v
    }
}

/// First crossing of a heap object.
#[inline(never)]
fn make(vm: &Vm, v: Value) -> Res<*mut PyObject> {
    if is_number(v) && !is_lasting(v) {
        return crate::mirror::number(vm, v);
    }
    let p = linked(vm, v)?;
    // SAFETY: live.
    unsafe { incref(p) };
    Ok(p)
}

/// The C side of a heap object that is no young number, made and linked at its first crossing. The reference is the link's: it
/// lives as long as the object does.
pub fn linked(vm: &Vm, v: Value) -> Res<*mut PyObject> {
    let known = heap().mirror_of(v.header());
    if !known.is_null() {
        return Ok(known as *mut PyObject);
    }
    let p = if v.is::<InstanceObj>() {
        crate::mirror::instance(vm, v)?
    } else if let Some(t) = v.downcast::<TypeObj>() {
        return Ok(crate::mirror::types::type_to_c(vm, t)? as *mut PyObject);
    } else if is_number(v) {
        return to_c_borrowed(vm, v);
    } else {
        match crate::mirror::exact_container(vm, v) {
            Some(p) => p?,
            None => crate::mirror::make(vm, v)?,
        }
    };
    memory_taken();
    if v.header().link() == 0 {
        // SAFETY: a fresh struct with one reference, which becomes the link's.
        unsafe { heap().link(v.header(), p as *mut Mirror) };
        return Ok(p);
    }
    // A list links itself before its items cross; a tuple that contains a list that contains the tuple has got its mirror on the way.
    let linked = heap().mirror_of(v.header()) as *mut PyObject;
    if linked != p {
        // SAFETY: nobody else has seen the struct.
        unsafe { decref(p) };
    }
    Ok(linked)
}

/// References to the C sides of a slice of values, given up when dropped. For the arguments of calls.
pub struct CArgs(pub smallvec::SmallVec<[*mut PyObject; 8]>);

impl CArgs {
    /// Crosses each value.
    pub fn new(vm: &Vm, args: &[Value]) -> Res<CArgs> {
        let mut out = CArgs(smallvec::SmallVec::new());
        for &a in args {
            out.0.push(to_c(vm, a)?);
        }
        Ok(out)
    }
}

impl Drop for CArgs {
    fn drop(&mut self) {
        for &p in &self.0 {
            // SAFETY: the references are ours.
            unsafe { decref(p) }
        }
    }
}

/// A dict of keyword arguments for C, or NULL when there are none (no names: the call had an empty dict). A new reference.
pub fn kwargs_dict(vm: &Vm, names: Option<Ptr<TupleObj>>, values: &[Value]) -> Res<*mut PyObject> {
    let Some(names) = names else { return Ok(std::ptr::null_mut()) };
    if let Some(p) = crate::unseen::of(vm, values.len(), |i| Some((names.get(i), values[i])))? {
        return Ok(p);
    }
    let d = DictObj::new();
    for (&n, &v) in names.as_slice().iter().zip(values) {
        d.set(vm, n, v)?;
    }
    to_c(vm, d.value())
}
