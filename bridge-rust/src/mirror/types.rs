//! Mirrors of classes.
//!
//! Builtin types have static `PyTypeObject`s in `bridge-c`, completed when the bridge starts. Python classes get theirs when they
//! cross for the first time. Classes implemented in C are their own.

use std::ffi::{CStr, CString, c_char};

use cape_heap::{Mirror, heap};
use cape_vm::class::full_name;
use cape_vm::object::*;
use cape_vm::runtime::{rt, type_of};
use cape_vm::{Ptr, Res, Vm};

use crate::ffi;
use crate::layout::*;
use crate::slots;
use crate::to_c::{decref, incref, to_c, to_c_borrowed};

/// The `PyTypeObject` of a class; borrowed, alive as long as the class.
#[inline]
pub fn type_to_c(vm: &Vm, t: Ptr<TypeObj>) -> Res<*mut PyTypeObject> {
    let p = t.foreign.get();
    if !p.is_null() {
        return Ok(p as *mut PyTypeObject);
    }
    make_heap_type(vm, t)
}

/// The class behind a linked `PyTypeObject`.
pub fn class_behind(t: *mut PyTypeObject) -> Option<Ptr<TypeObj>> {
    let l = crate::from_c::link_of(t as *mut PyObject);
    if l == 0 { None } else { heap().managed_of(l).downcast() }
}

/// Joins a class with its `PyTypeObject`, which must not die before the class.
///
/// # Safety
/// `p` must be a live, unlinked type object.
pub unsafe fn join(t: Ptr<TypeObj>, p: *mut PyTypeObject) {
    // SAFETY: the caller's promise; the link takes a reference.
    unsafe {
        incref(p as *mut PyObject);
        heap().link(t.header(), p as *mut Mirror);
    }
    t.set_foreign(p as *mut u8);
}

/// Words of a set's struct: C's macros read the number of elements.
const SET: u16 = (size_of::<PySetObject>() / 8) as u16;

/// Static types whose structs here are shorter than CPython's, and how many words they have: no macro reads what lies behind. Of iterators
/// and generators they read nothing. `bridge-c/cape.h` reads the number.
const SHORTENED: [(*mut PyTypeObject, u16); 18] = [
    (&raw mut ffi::PySet_Type, SET),
    (&raw mut ffi::PyFrozenSet_Type, SET),
    (&raw mut ffi::PyGen_Type, OPAQUE),
    (&raw mut ffi::PyCoro_Type, OPAQUE),
    (&raw mut ffi::PyAsyncGen_Type, OPAQUE),
    (&raw mut ffi::PyRangeIter_Type, RANGE_ITERATOR),
    (&raw mut ffi::PyUnicodeIter_Type, OPAQUE),
    (&raw mut ffi::PyBytesIter_Type, OPAQUE),
    (&raw mut ffi::PySetIter_Type, OPAQUE),
    (&raw mut ffi::PyDictIterKey_Type, OPAQUE),
    (&raw mut ffi::PyDictIterValue_Type, OPAQUE),
    (&raw mut ffi::PyDictIterItem_Type, OPAQUE),
    (&raw mut ffi::PyMap_Type, OPAQUE),
    (&raw mut ffi::PyZip_Type, OPAQUE),
    (&raw mut ffi::PyFilter_Type, OPAQUE),
    (&raw mut ffi::PyEnum_Type, OPAQUE),
    (&raw mut ffi::PyReversed_Type, OPAQUE),
    (&raw mut ffi::PyCallIter_Type, OPAQUE),
];

/// Words of a struct that shows nothing.
const OPAQUE: u16 = (size_of::<PyObject>() / 8) as u16;

/// Words of a range's iterator, which has room for the state of one that C has made (bridge-c/iterobject.c).
const RANGE_ITERATOR: u16 = (size_of::<PyRangeIterObject>() / 8) as u16;
const _: () = assert!(SET != OPAQUE && SET != RANGE_ITERATOR);

/// Whether structs of the type show nothing.
///
/// # Safety
/// A live type.
#[inline(always)]
pub(super) unsafe fn shows_nothing(t: *mut PyTypeObject) -> bool {
    // SAFETY: the caller's promise.
    unsafe { matches!((*t).tp_versions_used, OPAQUE | RANGE_ITERATOR) }
}

/// Words of the struct of an object of a type, without its items.
///
/// # Safety
/// A live type.
#[inline(always)]
pub(super) unsafe fn words_of(t: *mut PyTypeObject) -> usize {
    // SAFETY: the caller's promise.
    unsafe {
        match (*t).tp_versions_used {
            0 => ((*t).tp_basicsize as usize).div_ceil(8),
            n => n as usize,
        }
    }
}

/// Completes the static types of `bridge-c`.
pub fn start(vm: &Vm) -> Res<()> {
    slots::tell_trampolines();
    let mut row = &raw const ffi::_Cape_static_types as *const ffi::CapeStaticType;
    let mut found = Vec::new();
    // SAFETY: the table ends with a NULL type.
    unsafe {
        while !(*row).type_.is_null() {
            let p = (*row).type_;
            let name = CStr::from_ptr((*p).tp_name).to_string_lossy().into_owned();
            if let Some(t) = builtin_by_name(&name) {
                if t.foreign.get().is_null() {
                    join(t, p);
                }
                found.push((p, t));
            }
            row = row.add(1);
        }
        for (p, words) in SHORTENED {
            (*p).tp_versions_used = words;
        }
        (*&raw mut ffi::PyCapsule_Type).tp_repr = Some(ffi::cape_capsule_repr);
        // Bases first: slots are inherited from what is filled.
        found.sort_by_key(|(_, t)| t.mro().len());
        for &(p, t) in &found {
            if std::ptr::eq(p, &raw const ffi::PyCapsule_Type) {
                crate::slots::add_slot_wrappers(t, p);
                cape_vm::class::foreign_ready(t);
            }
            fill(vm, t, p)?;
        }
    }
    // Roots: static types never die.
    found.iter().for_each(|(_, t)| rt().keep(t.value()));
    Ok(())
}

/// The managed type that a static C type stands for, by its `tp_name`.
fn builtin_by_name(name: &str) -> Option<Ptr<TypeObj>> {
    let short = name.rsplit('.').next().unwrap_or(name);
    let of_name = |t: &Ptr<TypeObj>| full_name(*t) == name || t.name_str() == short;
    rt().types.as_slice().iter().copied().find(of_name).or_else(|| rt().find_native_type(of_name))
}

fn leak_text(s: &str) -> *const c_char {
    CString::new(s.replace('\0', "")).unwrap_or_default().into_raw()
}

/// `PyHeapTypeObject`'s fields behind the type object and its tables.
pub mod heap_type {
    /// `ht_name`.
    pub const NAME: usize = 856;
    /// `ht_qualname`.
    pub const QUALNAME: usize = 872;
    /// `ht_module`.
    pub const MODULE: usize = 888;
    /// `ht_token`.
    pub const TOKEN: usize = 904;
    /// Of all.
    pub const SIZE: usize = 936;
}

fn make_heap_type(vm: &Vm, t: Ptr<TypeObj>) -> Res<*mut PyTypeObject> {
    if let Some(p) = super::datetime::static_type(t) {
        // SAFETY: a static type of bridge-c's, for which nobody asked before; native classes never die.
        unsafe {
            join(t, p);
            rt().keep(t.value());
            fill(vm, t, p)?;
        }
        return Ok(p);
    }
    let base = t.base().unwrap_or(rt().types.object);
    let base_c = type_to_c(vm, base)?;
    let meta = type_to_c(vm, type_of(t.value()))?;
    // SAFETY: a fresh zeroed block, filled before anybody sees it; base and metaclass are live.
    unsafe {
        let size = heap_type::SIZE.max((*meta).tp_basicsize as usize);
        let p = ffi::cape_alloc(meta, size) as *mut PyTypeObject;
        if p.is_null() {
            crate::error::take(vm);
            return Err(vm.memory_error(""));
        }
        std::ptr::write_bytes(p as *mut u8, 0, size);
        (*p).ob_base.ob_base.ob_refcnt = 1;
        (*p).ob_base.ob_base.ob_type = meta;
        if (*meta).tp_flags & tpflags::HEAPTYPE != 0 {
            incref(meta as *mut PyObject);
        }
        // The reference of the fresh struct is the link's: cut when the class dies.
        heap().link(t.header(), p as *mut Mirror);
        t.set_foreign(p as *mut u8);
        t.flags.set(t.flags.get() | TypeFlags::MIRRORED);
        show_names(vm, t, p)?;
        (*p).tp_basicsize = (*base_c).tp_basicsize.max(super::structs::basic_size(t));
        (*p).tp_itemsize = (*base_c).tp_itemsize;
        (*p).tp_flags = flags(t, base_c) | tpflags::HEAPTYPE;
        (*p).tp_base = base_c;
        fill(vm, t, p)?;
        Ok(p)
    }
}

/// Writes into a Python class's `PyHeapTypeObject` how it is called: references that are the class's.
///
/// # Safety
/// `p` must be the class's type object, made by [`make_heap_type`].
pub unsafe fn show_names(vm: &Vm, t: Ptr<TypeObj>, p: *mut PyTypeObject) -> Res<()> {
    let name = full_name(t);
    // SAFETY: the caller's promise.
    unsafe {
        let field = move |offset: usize| (p as *mut u8).add(offset) as *mut *mut PyObject;
        let shown = super::shown(vm, t, &t.name)?;
        *field(heap_type::NAME) = shown;
        // The text is that of the class's name, and goes with it, where it says the same; what cannot be encoded is no such name.
        let text = ffi::PyUnicode_AsUTF8(shown);
        if text.is_null() {
            crate::error::take(vm);
        }
        let says_it =
            |text: *const c_char| !text.is_null() && CStr::from_ptr(text).to_bytes() == name.as_bytes();
        if says_it(text) {
            (*p).tp_name = text;
        } else if !says_it((*p).tp_name) {
            (*p).tp_name = leak_text(&name);
        }
        *field(heap_type::QUALNAME) = super::shown(vm, t, &t.qualname)?;
    }
    Ok(())
}

unsafe fn flags(t: Ptr<TypeObj>, base: *mut PyTypeObject) -> u64 {
    // SAFETY: the base is live.
    let base = unsafe { (*base).tp_flags };
    let inherited = tpflags::HAVE_GC
        | tpflags::SEQUENCE
        | tpflags::MAPPING
        | tpflags::MATCH_SELF
        | tpflags::SUBCLASS_BITS
        | tpflags::ITEMS_AT_END;
    let mut f = tpflags::BASETYPE | tpflags::HAVE_GC | base & inherited;
    if t.has(TypeFlags::ABSTRACT) {
        f |= tpflags::IS_ABSTRACT;
    }
    f
}

/// Fills bases, MRO, dictionary and slots of a class's `PyTypeObject` and marks it ready.
///
/// # Safety
/// `p` must be the class's type object.
pub unsafe fn fill(vm: &Vm, t: Ptr<TypeObj>, p: *mut PyTypeObject) -> Res<()> {
    // SAFETY: the caller's promise.
    unsafe {
        (*p).tp_flags |= tpflags::READY;
        if (*p).ob_base.ob_base.ob_type.is_null() {
            (*p).ob_base.ob_base.ob_type = type_to_c(vm, type_of(t.value()))?;
        }
        slots::fill(vm, t, p)?;
        // Calls need no tuple.
        if (*p).tp_vectorcall.is_none() && cape_vm::call::is_called_as_class(t) {
            (*p).tp_vectorcall = ffi::cape_class_vectorcall(p).or(Some(slots::vectorcall_class));
        }
        if (*p).tp_flags & tpflags::HEAPTYPE != 0 {
            slots::drop_late(t, p);
            (*p).tp_dict = to_c_borrowed(vm, t.dict.get())?;
            return show_bases(vm, t, p);
        }
        (*p).tp_bases = to_c(vm, t.bases.get())?;
        (*p).tp_mro = to_c(vm, t.mro.get())?;
        (*p).tp_dict = to_c(vm, t.dict.get())?;
    }
    Ok(())
}

/// Writes into a Python class's `PyHeapTypeObject` what it is derived from: as with [`show_names`], references that are the class's, so
/// that a class is garbage when it and its instances are.
///
/// # Safety
/// As for [`show_names`].
pub unsafe fn show_bases(vm: &Vm, t: Ptr<TypeObj>, p: *mut PyTypeObject) -> Res<()> {
    let base = type_to_c(vm, t.base().unwrap_or(rt().types.object))?;
    // SAFETY: the caller's promise.
    unsafe {
        (*p).tp_base = base;
        (*p).tp_bases = to_c_borrowed(vm, t.bases.get())?;
        (*p).tp_mro = to_c_borrowed(vm, t.mro.get())?;
    }
    Ok(())
}

/// Breaks the cycle of a Python class that is garbage: its MRO refers to it.
///
/// # Safety
/// `p` must be the class's type object.
pub unsafe fn clear(t: Ptr<TypeObj>, p: *mut PyTypeObject) {
    let Some(mro) = t.mro.get().downcast::<TupleObj>().filter(|_| t.has(TypeFlags::MIRRORED)) else { return };
    let shown = heap().mirror_of(mro.header()) as *mut PyObject;
    // SAFETY: the caller's promise; a linked mirror is live, and the reference that its link had is given up.
    unsafe {
        if shown.is_null() || (*shown).ob_refcnt != 1 {
            return;
        }
        (*p).tp_mro = std::ptr::null_mut();
        heap().unlink(mro.header().link());
        decref(shown);
    }
}
