//! Mirrors of weak references and proxies. C's macros read the target out of the struct: a borrowed pointer, which the collector's
//! hook takes back when the target dies.

use cape_heap::{Mirror, Ptr, WeakCell, heap};
use cape_vm::{Res, Vm};

use super::{alloc, show_vectorcall, shown};
use crate::ffi;
use crate::layout::*;
use crate::to_c::to_c_borrowed;

/// The mirror of a weak reference: one reference, unlinked; or, when the target led back to it, the one that it has.
pub fn reference(vm: &Vm, w: Ptr<WeakCell>, t: *mut PyTypeObject) -> Res<*mut PyObject> {
    // A mirror of the target lives as long as the target: its link owns it. No proxy dies to which a weak reference points.
    let target = w.target();
    let object = if target.is_empty() { none() } else { to_c_borrowed(vm, target)? };
    let callback = shown(vm, w, &w.callback)?;
    let linked = heap().mirror_of(&w.header) as *mut PyObject;
    if !linked.is_null() {
        return Ok(linked);
    }
    // SAFETY: types are live; the struct has the layout of its type.
    unsafe {
        let p = alloc(vm, t, (*t).tp_basicsize as usize)?;
        let o = p as *mut PyWeakReference;
        (*o).wr_object = object;
        (*o).wr_callback = callback;
        (*o).hash = if w.hashed.get() { w.hash.get() as isize } else { -1 };
        show_vectorcall(p, t);
        Ok(p)
    }
}

fn none() -> *mut PyObject {
    &raw mut ffi::_Py_NoneStruct
}

/// The target has died, or the reference was cleared.
///
/// # Safety
/// `mirror` must be the live mirror of a weak reference.
pub unsafe fn cleared(mirror: *mut Mirror) {
    let o = mirror as *mut PyWeakReference;
    // SAFETY: the caller's promise. None is immortal, and the old pointers were borrowed.
    unsafe {
        (*o).wr_object = none();
        (*o).wr_callback = std::ptr::null_mut();
    }
}

/// Panics unless the mirror shows `target` (null: None).
///
/// # Safety
/// As for [`cleared`].
pub unsafe fn check(mirror: *mut Mirror, target: *mut Mirror) {
    // SAFETY: the caller's promise.
    let shown = unsafe { (*(mirror as *mut PyWeakReference)).wr_object };
    let right = if target.is_null() { none() } else { target as *mut PyObject };
    assert!(
        shown == right,
        "heap check: the weak reference at {mirror:p} shows {shown:p}, its target is {right:p}"
    );
}
