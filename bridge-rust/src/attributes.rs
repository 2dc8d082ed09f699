//! Attributes that C defines for its types: members (`PyMemberDef`) and getters and setters (`PyGetSetDef`).

use std::ffi::{c_char, c_int};

use cape_vm::eval::{Convention, Member};
use cape_vm::native::{GetSetDef, RawAttr};
use cape_vm::object::*;
use cape_vm::runtime::{intern, rt, type_of};
use cape_vm::{Ptr, Res, Value, Vm};

use crate::call_c::text;
use crate::cross::cross;
use crate::error::{check_result, check_status};
use crate::from_c::from_c;
use crate::layout::*;
use crate::lend::borrowed;
use crate::to_c::{decref, incref};
use crate::{ffi, rows};

/// `Py_READONLY`, and `Py_AUDIT_READ | Py_RELATIVE_OFFSET`, in member flags.
const READONLY: i32 = 1;
const UNUSUAL: i32 = 2 | 8;

/// Adds a `PyMemberDef` to a class's dictionary.
///
/// # Safety
/// `m` must live as long as the class.
pub unsafe fn add_member(class: Ptr<TypeObj>, m: *mut PyMemberDef) {
    // SAFETY: the caller's promise.
    let (name, doc, flags) = unsafe { (text((*m).name), text((*m).doc), (*m).flags) };
    let raw = RawAttr { get: member_get, set: member_set, data: [m as usize, 0] };
    put(class, rows::attribute(&name, &doc, flags & READONLY == 0, raw), rt().maps.native_member);
}

/// Adds a `PyGetSetDef` to a class's dictionary.
///
/// # Safety
/// `g` must live as long as the class.
pub unsafe fn add_getset(class: Ptr<TypeObj>, g: *mut PyGetSetDef) {
    // SAFETY: the caller's promise.
    let (name, doc, writable) = unsafe { (text((*g).name), text((*g).doc), (*g).set.is_some()) };
    let raw = RawAttr { get: getset_get, set: getset_set, data: [g as usize, 0] };
    put(class, rows::attribute(&name, &doc, writable, raw), rt().maps.getset_descriptor);
}

fn put(class: Ptr<TypeObj>, def: &'static GetSetDef, map: cape_heap::MapRef) {
    let d = cape_heap::heap().alloc(
        map,
        GetSetObj { header: cape_heap::Header::new(map), def, class: cape_heap::Field::new(class.value()) },
    );
    class.dict().set_str(intern(def.name), d.value());
}

/// The definition behind a row: a member's or an attribute's; None: it is not one of these.
pub fn definition(def: &'static GetSetDef) -> Option<Definition> {
    type Get = fn(&Vm, &'static GetSetDef, Value) -> Res<Value>;
    let raw = def.raw?;
    if std::ptr::fn_addr_eq(raw.get, member_get as Get) {
        Some(Definition::Member(raw.data[0] as *mut PyMemberDef))
    } else if std::ptr::fn_addr_eq(raw.get, getset_get as Get) {
        Some(Definition::GetSet(raw.data[0] as *mut PyGetSetDef))
    } else {
        None
    }
}

/// C's definition of an attribute.
pub enum Definition {
    /// Of a field.
    Member(*mut PyMemberDef),
    /// Of two functions.
    GetSet(*mut PyGetSetDef),
}

/// The docstring that C's definition has now.
pub fn doc(def: &'static GetSetDef) -> Option<String> {
    // SAFETY: definitions live as long as their classes; their texts are C strings or NULL.
    let text = unsafe {
        match definition(def)? {
            Definition::Member(m) => text((*m).doc),
            Definition::GetSet(g) => text((*g).doc),
        }
    };
    (!text.is_empty()).then(|| text.into_owned())
}

#[inline(always)]
fn member(def: &'static GetSetDef) -> *mut PyMemberDef {
    def.raw.as_ref().map_or(std::ptr::null_mut(), |r| r.data[0] as *mut PyMemberDef)
}

/// What `PyMember_GetOne` does for the usual sorts of members, without entering C.
fn member_get(vm: &Vm, def: &'static GetSetDef, obj: Value) -> Res<Value> {
    let m = member(def);
    let o = borrowed(obj);
    // SAFETY: the descriptor has checked that the object is an instance of the member's class, whose struct has the member at the
    // offset.
    let v = unsafe { if o.is_null() { Ok(None) } else { read(vm, m, (o as *const u8).offset((*m).offset)) } };
    match v? {
        Some(v) => Ok(v),
        None => member_get_in_c(vm, def, obj),
    }
}

/// What a field holds; `None`: C has to look.
///
/// # Safety
/// `at` must be where `m`'s field is in a live struct.
#[inline(always)]
unsafe fn read(vm: &Vm, m: *mut PyMemberDef, at: *const u8) -> Res<Option<Value>> {
    // SAFETY: the field has the definition's type; one of objects holds a reference of its own.
    unsafe {
        let Some(sort) = sort(m) else { return Ok(text_member(m, at)) };
        Ok(Some(match sort {
            Member::Object | Member::Existing => {
                let p = *(at as *const *mut PyObject);
                if !p.is_null() {
                    return from_c(vm, p).map(Some);
                }
                if sort == Member::Existing {
                    return Ok(None);
                }
                Value::NONE
            }
            Member::Bool => Value::bool(*at != 0),
            Member::Letter if *at < 0x80 => rt().latin1_char(*at).value(),
            Member::Signed(1) => Value::int(*(at as *const i8) as i64),
            Member::Signed(2) => Value::int(*(at as *const i16) as i64),
            Member::Signed(4) => Value::int(*(at as *const i32) as i64),
            Member::Signed(8) => Int::Small(*(at as *const i64)).into_value(),
            Member::Unsigned(1) => Value::int(*at as i64),
            Member::Unsigned(2) => Value::int(*(at as *const u16) as i64),
            Member::Unsigned(4) => Value::int(*(at as *const u32) as i64),
            Member::Unsigned(8) => match i64::try_from(*(at as *const u64)) {
                Ok(n) => Int::Small(n).into_value(),
                Err(_) => return Ok(None),
            },
            Member::Float => Value::float(*(at as *const f32) as f64),
            Member::Double => Value::float(*(at as *const f64)),
            _ => return Ok(None),
        }))
    }
}

/// The text of a field that is, or points to, a C string; `None`: it is none, it points to nothing, or C has to decode it.
///
/// # Safety
/// As for [`read`].
unsafe fn text_member(m: *mut PyMemberDef, at: *const u8) -> Option<Value> {
    // SAFETY: the caller's promise.
    unsafe {
        let text = match (*m).type_ {
            _ if (*m).flags & UNUSUAL != 0 => return None,
            member_type::STRING => *(at as *const *const c_char),
            member_type::STRING_INPLACE => at as *const c_char,
            _ => return None,
        };
        if text.is_null() {
            return None;
        }
        let text = std::ffi::CStr::from_ptr(text).to_bytes();
        text.is_ascii().then(|| StrObj::from_ascii(text).value())
    }
}

/// What a field of the sorts that need no function of C holds.
///
/// # Safety
/// The definition must be live.
#[inline(always)]
unsafe fn sort(m: *mut PyMemberDef) -> Option<Member> {
    // SAFETY: the caller's promise.
    let (sort, flags) = unsafe { ((*m).type_, (*m).flags) };
    if flags & UNUSUAL != 0 {
        return None;
    }
    Some(match sort {
        member_type::OBJECT => Member::Object,
        member_type::OBJECT_EX => Member::Existing,
        member_type::BOOL => Member::Bool,
        member_type::CHAR => Member::Letter,
        member_type::BYTE => Member::Signed(1),
        member_type::UBYTE => Member::Unsigned(1),
        member_type::SHORT => Member::Signed(2),
        member_type::USHORT => Member::Unsigned(2),
        member_type::INT => Member::Signed(4),
        member_type::UINT => Member::Unsigned(4),
        member_type::LONG | member_type::LONGLONG | member_type::PYSSIZET => Member::Signed(8),
        member_type::ULONG | member_type::ULONGLONG => Member::Unsigned(8),
        member_type::FLOAT => Member::Float,
        member_type::DOUBLE => Member::Double,
        _ => return None,
    })
}

/// The field that [`member_get`] would read, for compiled code: the sorts that need no object to be made.
pub fn plain_member(def: &'static GetSetDef) -> Option<(Member, usize)> {
    let raw = def.raw.as_ref().filter(|r| std::ptr::fn_addr_eq(r.get, member_get as Getter))?;
    let m = raw.data[0] as *mut PyMemberDef;
    // SAFETY: the definition lives as long as the class.
    unsafe { Some((sort(m)?, usize::try_from((*m).offset).ok()?)) }
}

/// How attributes are read.
type Getter = fn(&Vm, &'static GetSetDef, Value) -> Res<Value>;

/// The function that reads a `PyGetSetDef`'s attribute, for compiled code.
pub fn getter(def: &'static GetSetDef) -> Option<(Convention, *const u8)> {
    let g = getset(def)?;
    // SAFETY: the definition lives as long as the class.
    unsafe { Some((Convention::ObjectsAnd((*g).closure as usize), (*g).get? as *const u8)) }
}

/// The function that writes it.
pub fn setter(def: &'static GetSetDef) -> Option<(Convention, *const u8)> {
    let g = getset(def)?;
    // SAFETY: as above.
    unsafe { Some((Convention::Status(Some((*g).closure as usize)), (*g).set? as *const u8)) }
}

fn getset(def: &'static GetSetDef) -> Option<*mut PyGetSetDef> {
    let raw = def.raw.as_ref().filter(|r| std::ptr::fn_addr_eq(r.get, getset_get as Getter))?;
    Some(raw.data[0] as *mut PyGetSetDef)
}

#[inline(never)]
fn member_get_in_c(vm: &Vm, def: &'static GetSetDef, obj: Value) -> Res<Value> {
    cross(vm, [obj], move |p| {
        // SAFETY: as in `member_get`.
        let r = unsafe { ffi::PyMember_GetOne(p[0] as *const c_char, member(def)) };
        check_result(vm, move || def.name.to_string(), r)
    })
}

/// What `PyMember_SetOne` does for fields of objects, without entering C.
fn member_set(vm: &Vm, def: &'static GetSetDef, obj: Value, v: Value) -> Res<()> {
    let m = member(def);
    let (o, new) = (borrowed(obj), if v.is_empty() { std::ptr::null_mut() } else { borrowed(v) });
    // SAFETY: as in `member_get`.
    unsafe {
        let objects = matches!((*m).type_, member_type::OBJECT | member_type::OBJECT_EX);
        if !objects || o.is_null() || new.is_null() || (*m).flags & (UNUSUAL | READONLY) != 0 {
            return member_set_in_c(vm, def, obj, v);
        }
        incref(new);
        let old = std::mem::replace(&mut *((o as *mut u8).offset((*m).offset) as *mut *mut PyObject), new);
        if !old.is_null() {
            decref(old);
        }
    }
    Ok(())
}

#[inline(never)]
fn member_set_in_c(vm: &Vm, def: &'static GetSetDef, obj: Value, v: Value) -> Res<()> {
    // SAFETY: as in `member_get`.
    set_in_c(vm, def, obj, v, |o, v| unsafe { ffi::PyMember_SetOne(o as *mut c_char, member(def), v) })
}

/// Sets or deletes (EMPTY, for C NULL) an attribute by a function of C.
fn set_in_c(
    vm: &Vm,
    def: &'static GetSetDef,
    obj: Value,
    v: Value,
    set: impl FnOnce(*mut PyObject, *mut PyObject) -> c_int,
) -> Res<()> {
    let done = |n| check_status(vm, move || def.name.to_string(), n).map(|_| Value::NONE);
    let r = if v.is_empty() {
        cross(vm, [obj], move |p| done(set(p[0], std::ptr::null_mut())))
    } else {
        cross(vm, [obj, v], move |p| done(set(p[0], p[1])))
    };
    r.map(|_| ())
}

fn getset_get(vm: &Vm, def: &'static GetSetDef, obj: Value) -> Res<Value> {
    let g = def.raw.expect("a getset").data[0] as *mut PyGetSetDef;
    // SAFETY: the definition lives as long as the class.
    let (get, closure) = unsafe { ((*g).get, (*g).closure) };
    let Some(f) = get else {
        return Err(vm.attribute_error(format!(
            "attribute '{}' of '{}' objects is not readable",
            def.name,
            type_of(obj).name_str()
        )));
    };
    cross(vm, [obj], move |p| {
        // SAFETY: the descriptor has checked the object.
        check_result(vm, move || def.name.to_string(), unsafe { f(p[0], closure) })
    })
}

fn getset_set(vm: &Vm, def: &'static GetSetDef, obj: Value, v: Value) -> Res<()> {
    let g = def.raw.expect("a getset").data[0] as *mut PyGetSetDef;
    // SAFETY: the definition lives as long as the class.
    let (set, closure) = unsafe { ((*g).set, (*g).closure) };
    let Some(f) = set else {
        return Err(vm.attribute_error(format!("attribute '{}' is read-only", def.name)));
    };
    // SAFETY: the descriptor has checked the object.
    set_in_c(vm, def, obj, v, |o, v| unsafe { f(o, v, closure) })
}
