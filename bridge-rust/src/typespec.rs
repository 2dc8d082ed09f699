//! What a `PyType_Spec` says of members and bases, and what it must not say.

use std::ffi::{CStr, c_char, c_int};

use cape_vm::class::{full_name, lookup_mro};
use cape_vm::object::*;
use cape_vm::special::Special;
use cape_vm::{Ptr, Res, Vm, rt};

use crate::layout::*;

/// `Py_READONLY` in member flags.
const READONLY: c_int = 1;
/// `Py_RELATIVE_OFFSET` in member flags.
const RELATIVE_OFFSET: c_int = 8;
/// `Py_T_PYSSIZET`.
const SSIZE: c_int = 19;

/// Slots that may come once.
const ONCE: [(c_int, &str); 2] = [(56, "Py_tp_doc"), (72, "Py_tp_members")];

/// Members that say where something is, instead of being some.
const OFFSETS: [&[u8]; 3] = [b"__weaklistoffset__", b"__dictoffset__", b"__vectorcalloffset__"];

/// The table of members of a specification (NULL: none), which is checked.
///
/// # Safety
/// A specification whose slots end with number 0.
pub unsafe fn members(vm: &Vm, spec: *mut PyType_Spec) -> Res<*mut PyMemberDef> {
    let mut found = [std::ptr::null_mut(); ONCE.len()];
    let mut seen = [false; ONCE.len()];
    // SAFETY: the caller's promise; the table of members ends with a NULL name.
    unsafe {
        if (*spec).name.is_null() {
            return Err(vm.system_error("Type spec does not define the name field."));
        }
        let mut s = (*spec).slots;
        while !s.is_null() && (*s).slot != 0 {
            if let Some(i) = ONCE.iter().position(|once| once.0 == (*s).slot) {
                if seen[i] {
                    return Err(vm.system_error(format!("Multiple {} slots are not supported.", ONCE[i].1)));
                }
                (seen[i], found[i]) = (true, (*s).pfunc);
            }
            s = s.add(1);
        }
        let members = found[1] as *mut PyMemberDef;
        let mut m = members;
        while !m.is_null() && !(*m).name.is_null() {
            check_member(vm, &*m, (*spec).basicsize as isize)?;
            m = m.add(1);
        }
        Ok(members)
    }
}

fn check_member(vm: &Vm, m: &PyMemberDef, size: isize) -> Res<()> {
    if m.flags & RELATIVE_OFFSET != 0 {
        if size > 0 {
            return Err(vm.system_error("With Py_RELATIVE_OFFSET, basicsize must be negative."));
        }
        if m.offset < 0 || m.offset >= -size {
            return Err(vm.system_error("Member offset out of range (0..-basicsize)"));
        }
    }
    // SAFETY: a member's name is a C string.
    let name = unsafe { CStr::from_ptr(m.name as *const c_char) };
    if OFFSETS.contains(&name.to_bytes()) {
        let name = name.to_string_lossy();
        if m.type_ != SSIZE {
            return Err(vm.system_error(format!("type of {name} must be Py_T_PYSSIZET")));
        }
        if m.flags & !RELATIVE_OFFSET != READONLY {
            return Err(vm.system_error(format!(
                "flags for {name} must be Py_READONLY or (Py_READONLY | Py_RELATIVE_OFFSET)"
            )));
        }
    }
    Ok(())
}

/// Errors of a specification that its bases, the best of them, and the metaclass show.
///
/// # Safety
/// A specification, and a live type.
pub unsafe fn check(
    vm: &Vm,
    spec: *mut PyType_Spec,
    bases: Ptr<TupleObj>,
    base: *mut PyTypeObject,
    meta: Ptr<TypeObj>,
) -> Res<()> {
    // SAFETY: the caller's promise.
    unsafe {
        let (flags, size) = ((*spec).flags as u64, (*spec).basicsize);
        if flags & tpflags::IMMUTABLETYPE != 0 {
            let mutable = |b: Ptr<TypeObj>| (!b.has(TypeFlags::IMMUTABLE)).then(|| full_name(b));
            let found = bases.as_slice().iter().filter_map(|b| b.downcast::<TypeObj>()).find_map(mutable);
            if let Some(mutable) = found {
                let name = CStr::from_ptr((*spec).name).to_string_lossy().into_owned();
                return Err(
                    vm.type_error(format!("Creating immutable type {name} from mutable base {mutable}"))
                );
            }
        }
        let new = |t: Ptr<TypeObj>| lookup_mro(t, Special::New.name_value());
        if new(meta) != new(rt().types.type_) {
            return Err(vm.type_error("Metaclasses with custom tp_new are not supported."));
        }
        let extends = size < 0 && (*base).tp_itemsize != 0;
        if extends && ((*base).tp_flags | flags) & tpflags::ITEMS_AT_END == 0 {
            return Err(vm.system_error("Cannot extend variable-size class without Py_TPFLAGS_ITEMS_AT_END."));
        }
    }
    Ok(())
}

/// Offsets that are given as members of these names.
///
/// # Safety
/// The class's struct, and NULL or a table that ends with a NULL name.
pub unsafe fn take_offsets(p: *mut PyTypeObject, members: *mut PyMemberDef, own_offset: isize) {
    let mut m = members;
    // SAFETY: NULL, or a table that ends with a NULL name.
    unsafe {
        while !m.is_null() && !(*m).name.is_null() {
            let relative = (*m).flags & RELATIVE_OFFSET != 0;
            let offset = (*m).offset + if relative { own_offset } else { 0 };
            match CStr::from_ptr((*m).name).to_bytes() {
                b"__weaklistoffset__" => (*p).tp_weaklistoffset = offset,
                b"__dictoffset__" => (*p).tp_dictoffset = offset,
                b"__vectorcalloffset__" => (*p).tp_vectorcall_offset = offset,
                _ => {}
            }
            m = m.add(1);
        }
    }
}

/// The members of a class, at their places in the struct.
///
/// # Safety
/// A table that ends with a NULL name.
pub unsafe fn copy_members(m: *mut PyMemberDef, own_offset: isize) -> *mut PyMemberDef {
    let mut out = Vec::new();
    let mut m = m;
    // SAFETY: the table ends with a NULL name.
    unsafe {
        while !(*m).name.is_null() {
            let name = CStr::from_ptr((*m).name).to_bytes();
            let relative = (*m).flags & RELATIVE_OFFSET != 0;
            if !OFFSETS.contains(&name) {
                out.push(PyMemberDef {
                    name: (*m).name,
                    type_: (*m).type_,
                    offset: (*m).offset + if relative { own_offset } else { 0 },
                    flags: (*m).flags & !RELATIVE_OFFSET,
                    doc: (*m).doc,
                });
            }
            m = m.add(1);
        }
    }
    let null = std::ptr::null();
    out.push(PyMemberDef { name: null, type_: 0, offset: 0, flags: 0, doc: null });
    // Lives as long as the type, which is for ever as far as C may know.
    Box::leak(out.into_boxed_slice()).as_mut_ptr()
}
