//! Slots, in both directions: trampolines that let C use a managed class through its `PyTypeObject`, and wrappers that let
//! Python use the slots of a class implemented in C.

mod late;
mod of_type;
mod table;
mod trampolines;
mod wrappers;

use cape_vm::object::*;
use cape_vm::runtime::rt;
use cape_vm::special::Special;
use cape_vm::{Ptr, Res, Value, Vm};

use crate::ffi;
use crate::layout::*;
use table::{ROWS, SlotRow};

pub use late::{power_by_modulus, sequence_operator};
pub use table::{INPLACE_POWER, slot_number};
pub use trampolines::{
    OPERATORS, call_at_once, call_vector, callers, number_of, vectorcall, vectorcall_class,
    vectorcall_function, vectorcall_method,
};
pub use wrappers::{
    Constructor, add_slot_wrappers, call_with_tuple, construct, constructor, exhausted, instance, is_tp_call,
    next_items, number, passes_on, refresh, slot_behind, slot_convention, slot_wrapper_name, slot_wrapper_of,
};

/// Whether a class's `tp_vectorcall` is one that Cape put there.
fn is_own_vectorcall(t: *mut PyTypeObject, f: vectorcallfunc) -> bool {
    let same = |own: vectorcallfunc| std::ptr::fn_addr_eq(own, f);
    // SAFETY: looks at the address only.
    trampolines::MANAGED.into_iter().any(same) || unsafe { ffi::cape_class_vectorcall(t) }.is_some_and(same)
}

/// Fills the slots of a managed class's `PyTypeObject` (slots that are set already stay), then takes the rest from its base.
///
/// # Safety
/// `p` must be the class's type object.
pub unsafe fn fill(vm: &Vm, t: Ptr<TypeObj>, p: *mut PyTypeObject) -> Res<()> {
    // SAFETY: the caller's promise; slot functions have the signatures of their slots.
    unsafe {
        let base = match t.base() {
            Some(b) => Some((b, crate::mirror::types::type_to_c(vm, b)?)),
            None => None,
        };
        for row in ROWS {
            let v = special_of_row(t, row);
            if not_of_builtin(t, p, row) {
                continue;
            }
            if v.is_empty() || !ffi::PyType_GetSlotQuiet(p, row.slot).is_null() {
                continue;
            }
            if let Some(slot) = base.and_then(|(b, c)| taken_over(t, b, c, row)) {
                ffi::cape_set_slot(p, row.slot, slot);
                continue;
            }
            let f = if v.is_none() && row.special == Special::Hash {
                ffi::PyObject_HashNotImplemented as *const ()
            } else if v.is_none() {
                continue;
            } else {
                own_slot(t, v, row).unwrap_or(row.trampoline)
            };
            if f.is_null() {
                continue;
            }
            ffi::cape_set_slot(p, row.slot, f as *mut _);
        }
        if t == rt().types.type_ {
            of_type::put(p);
        }
        if (*p).tp_new.is_none() && !t.special(Special::New).is_empty() && !t.has(TypeFlags::NO_INSTANTIATION)
        {
            (*p).tp_new = Some(new_of(t));
        }
        let base = base.map_or(std::ptr::null_mut(), |(_, c)| c);
        if base.is_null() {
            (*p).tp_alloc = Some(ffi::PyType_GenericAlloc);
            (*p).tp_free = Some(ffi::PyObject_Free);
            return Ok(());
        }
        crate::buffer::fill(t, p);
        let own_hash =
            [Special::Eq, Special::Hash].iter().any(|s| t.dict().get_str(s.name_value()).is_some());
        if (*p).tp_flags & tpflags::HEAPTYPE != 0 && (*p).tp_dealloc.is_none() {
            (*p).tp_dealloc = Some(crate::typeready::subtype_dealloc);
            (*p).tp_traverse = Some(crate::typeready::subtype_traverse);
            (*p).tp_clear = Some(crate::typeready::subtype_clear);
        }
        if (*p).tp_flags & tpflags::HAVE_GC != 0 && (*p).tp_free.is_none() {
            (*p).tp_free = Some(ffi::PyObject_GC_Del);
        }
        ffi::cape_inherit_slots(p, base, own_hash as i32);
        if (*p).tp_alloc.is_none() {
            (*p).tp_alloc = Some(ffi::PyType_GenericAlloc);
        }
        if (*p).tp_free.is_none() {
            (*p).tp_free = Some(ffi::PyObject_Free);
        }
    }
    Ok(())
}

/// A class made at run time has another special method: its slots follow.
pub fn special_changed(t: Ptr<TypeObj>, special: Special) {
    let p = t.foreign.get() as *mut PyTypeObject;
    // SAFETY: a class's type object is live as long as the class.
    let changes =
        unsafe { (*p).tp_flags & (tpflags::HEAPTYPE | tpflags::IMMUTABLETYPE) } == tpflags::HEAPTYPE;
    if !changes {
        return;
    }
    if special == Special::New && !t.special(Special::New).is_empty() && !t.has(TypeFlags::NO_INSTANTIATION) {
        // SAFETY: as above.
        unsafe { (*p).tp_new = Some(new_of(t)) };
    }
    let base = t.base().map_or(std::ptr::null_mut(), |b| b.foreign.get() as *mut PyTypeObject);
    for row in ROWS.iter().filter(|r| r.special == special || r.others.contains(&special)) {
        let v = special_of_row(t, row);
        let own = if v.is_empty() { None } else { own_slot(t, v, row) };
        let f = if v.is_none() && row.special == Special::Hash {
            ffi::PyObject_HashNotImplemented as *const ()
        } else if let Some(f) = own {
            f
        } else if !v.is_empty() {
            row.trampoline
        } else if base.is_null() {
            std::ptr::null()
        } else {
            // SAFETY: as above, of the base.
            unsafe { ffi::PyType_GetSlotQuiet(base, row.slot) as *const () }
        };
        // SAFETY: as above; functions have the signatures of their slots.
        unsafe {
            ffi::cape_set_slot(p, row.slot, f as *mut _);
            if row.special == Special::Call && own.is_none() {
                // The function for vectorcall knows nothing of the new method.
                (*p).tp_flags &= !tpflags::HAVE_VECTORCALL;
            }
        }
    }
}

/// The slot of the base where a class of C has the same methods for it: not what would ask the object's class again, which C asks itself for
/// what its base does.
///
/// # Safety
/// `c` must be the type object of `base`.
unsafe fn taken_over(
    t: Ptr<TypeObj>,
    base: Ptr<TypeObj>,
    c: *mut PyTypeObject,
    row: &SlotRow,
) -> Option<*mut std::ffi::c_void> {
    let same = |&s: &Special| t.special(s) == base.special(s);
    if !t.has(TypeFlags::OWN_FIELDS | TypeFlags::NO_FIELDS)
        || !same(&row.special)
        || !row.others.iter().all(same)
    {
        return None;
    }
    // SAFETY: the caller's promise.
    let slot = unsafe { ffi::PyType_GetSlotQuiet(c, row.slot) };
    (!slot.is_null()).then_some(slot as *mut _)
}

/// The function of C behind all methods of a row.
fn own_slot(t: Ptr<TypeObj>, v: Value, row: &SlotRow) -> Option<*const ()> {
    let f = slot_behind(v, row.slot)?;
    let same = |&s: &Special| {
        let other = t.special(s);
        other.is_empty() || slot_behind(other, row.slot) == Some(f)
    };
    (same(&row.special) && row.others.iter().all(same)).then_some(f)
}

/// Tells C which functions the slots of managed classes have, and which of vectorcall the managed side.
pub fn tell_trampolines() {
    // SAFETY: C's array has as many places.
    unsafe { ffi::_Cape_managed_calls = trampolines::MANAGED.map(Some) };
    for row in ROWS {
        // SAFETY: C's array has a place for every slot.
        unsafe { ffi::_Cape_trampolines[row.slot as usize] = row.trampoline };
    }
}

/// Operators go by the slots of a class of C: its methods under special names do not count where it has no slot for them (but those of
/// Python classes derived from it see them).
///
/// # Safety
/// As for [`fill`]; inherited slots must not be filled in yet.
pub unsafe fn hide_methods(class: Ptr<TypeObj>, t: *mut PyTypeObject) {
    for &s in Special::all() {
        let rows = || ROWS.iter().filter(move |r| r.special == s || r.others.contains(&s));
        let Some((v, owner)) = cape_vm::class::lookup_mro_where(class, s.name_value()) else { continue };
        let Some(m) = v.downcast::<MethodDescrObj>() else { continue };
        if crate::call_c::c_method_def(m.def).is_none() || rows().next().is_none() {
            continue;
        }
        // SAFETY: the caller's promise.
        let slotless = || rows().all(|r| unsafe { ffi::PyType_GetSlotQuiet(t, r.slot) }.is_null());
        if if owner == class { slotless() } else { owner.special(s) != v } {
            cape_vm::class::hide_special(class, s);
        }
    }
}

/// A class of Python has a slot of sequences from its base only where its method is the very slot.
///
/// # Safety
/// `p` must be the class's type object, of which the slots are filled.
pub unsafe fn drop_late(t: Ptr<TypeObj>, p: *mut PyTypeObject) {
    for row in ROWS.iter().filter(|r| r.is_late()) {
        if slot_behind(t.special(row.special), row.slot).is_none() {
            // SAFETY: the caller's promise.
            unsafe { ffi::cape_set_slot(p, row.slot, std::ptr::null_mut()) };
        }
    }
}

/// Whether a builtin class has a row's method, but not as this slot: what takes keys is no sequence, and what has a length but no
/// items is no mapping.
///
/// # Safety
/// `p` must be the class's type object.
unsafe fn not_of_builtin(t: Ptr<TypeObj>, p: *mut PyTypeObject, row: &SlotRow) -> bool {
    const MAPPING: [i32; 3] = [3, 4, 5];
    const SEQUENCE: [i32; 3] = [39, 44, 45];
    // SAFETY: the caller's promise.
    if unsafe { (*p).tp_flags } & tpflags::HEAPTYPE != 0 {
        return false;
    }
    let types = &rt().types;
    let items = !t.special(Special::Getitem).is_empty();
    let text = [types.str, types.bytes, types.bytearray].iter().any(|&s| t.is_subtype(s));
    let sequence = t.has(TypeFlags::SEQUENCE) || text;
    SEQUENCE.contains(&row.slot) && items && !sequence || MAPPING.contains(&row.slot) && !items
}

/// `tp_new` of a class: the C function where its `__new__` is one, else the trampoline.
fn new_of(t: Ptr<TypeObj>) -> newfunc {
    match wrappers::c_new(t.special(Special::New)) {
        Some(f) => f,
        None => trampolines::new,
    }
}

/// What the class has for a row. A slot that serves several methods (comparison, reflected operators, item assignment and deletion)
/// is needed when any of them is there.
fn special_of_row(t: Ptr<TypeObj>, row: &SlotRow) -> Value {
    let v = t.special(row.special);
    if !v.is_empty() {
        // What `object` has is inherited, not filled in, except for `object` itself.
        let object = rt().types.object;
        let inherited = |&s: &Special| {
            let own = t.special(s);
            own.is_empty() || own == object.special(s)
        };
        if t != object && inherited(&row.special) && row.others.iter().all(inherited) {
            return Value::EMPTY;
        }
        return v;
    }
    row.others.iter().map(|&s| t.special(s)).find(|v| !v.is_empty()).unwrap_or(Value::EMPTY)
}
