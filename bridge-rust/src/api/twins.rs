//! Rust twins of functions that bridge-c implements, for the benchmarks: the same work done on the managed side.

use std::ffi::{c_char, c_int, c_long};

use cape_vm::object::*;

use cape_vm::{Ptr, Value};

use super::{bad_call, borrow, layout, text};
use crate::enter::{Borrowed, BorrowedRef, CResult, Cx, New, Stolen};
use crate::layout::{PyObject, PyTypeObject};
use crate::to_c::boxed;
use crate::typeready::class_of;

pub fn PyObject_Call(cx: &Cx, callable: Borrowed, args: Borrowed, kwargs: Borrowed) -> CResult<New> {
    let a: Ptr<TupleObj> = layout(cx, args.get(cx)?)?;
    let kw = kwargs.opt(cx)?.and_then(|k| k.downcast::<DictObj>());
    cx.give(cx.vm.call_dict(callable.get(cx)?, a.as_slice(), kw)?)
}

pub fn PyObject_GetAttr(cx: &Cx, o: Borrowed, name: Borrowed) -> CResult<New> {
    let name = super::object::name_arg(cx, name)?;
    cx.give(cx.vm.get_attr(o.get(cx)?, name)?)
}

pub fn PyObject_IsTrue(cx: &Cx, o: Borrowed) -> CResult<c_int> {
    Ok(cx.vm.truth(o.get(cx)?)? as c_int)
}

pub fn PyType_IsSubtype(cx: &Cx, a: *mut PyTypeObject, b: *mut PyTypeObject) -> c_int {
    match (class_of(cx.vm, a), class_of(cx.vm, b)) {
        (Ok(a), Ok(b)) => a.is_subtype(b) as c_int,
        _ => 0,
    }
}

pub fn PyErr_Occurred(cx: &Cx) -> CResult<BorrowedRef> {
    let _ = cx;
    // SAFETY: a plain query.
    Ok(BorrowedRef(unsafe { crate::ffi::PyErr_Occurred() }))
}

pub fn PyBytes_AsString(cx: &Cx, o: Borrowed) -> CResult<*mut c_char> {
    layout::<BytesObj>(cx, o.get(cx)?)?;
    // SAFETY: the layout of bytes.
    Ok(unsafe { &raw mut (*(o.ptr() as *mut crate::layout::PyBytesObject)).ob_sval } as *mut c_char)
}

pub fn PyBytes_FromStringAndSize(cx: &Cx, s: *const c_char, n: isize) -> CResult<New> {
    if s.is_null() || n < 0 {
        return Err(bad_call(cx));
    }
    // SAFETY: the API demands that many readable bytes.
    let data = unsafe { std::slice::from_raw_parts(s as *const u8, n as usize) };
    cx.give(BytesObj::new(data).value())
}

pub fn PyFloat_AsDouble(cx: &Cx, o: Borrowed) -> CResult<f64> {
    cx.vm.to_f64(o.get(cx)?)
}

pub fn PyFloat_FromDouble(cx: &Cx, v: f64) -> CResult<New> {
    cx.give(Value::float(v))
}

pub fn PyLong_AsLong(cx: &Cx, o: Borrowed) -> CResult<c_long> {
    Ok(cx.vm.index_isize(o.get(cx)?)? as c_long)
}

pub fn PyLong_FromLong(cx: &Cx, v: c_long) -> CResult<New> {
    cx.give(Int::Small(v).into_value())
}

fn list(cx: &Cx, l: Borrowed) -> CResult<Ptr<ListObj>> {
    layout(cx, l.get(cx)?)
}

pub fn PyList_Append(cx: &Cx, l: Borrowed, v: Borrowed) -> CResult<c_int> {
    let (l, v) = (list(cx, l)?, v.get(cx)?);
    let n = l.len();
    l.splice(n, n, &[v]);
    Ok(0)
}

pub fn PyList_GetItem(cx: &Cx, l: Borrowed, i: isize) -> CResult<BorrowedRef> {
    let l = list(cx, l)?;
    match usize::try_from(i).ok().and_then(|i| l.get(i)) {
        Some(v) => borrow(cx, boxed(v)),
        None => Err(cx.vm.index_error("list index out of range")),
    }
}

pub fn PyList_New(cx: &Cx, n: isize) -> CResult<New> {
    let mut items = ValueVec::new();
    (0..n).for_each(|_| items.push(Value::NONE));
    cx.give(ListObj::from_vec(items).value())
}

pub fn PyList_SetItem(cx: &Cx, l: Borrowed, i: isize, v: Stolen) -> CResult<c_int> {
    let (l, v) = (list(cx, l)?, v.get(cx)?);
    match usize::try_from(i) {
        Ok(i) if i < l.len() => {
            l.splice(i, i + 1, &[v]);
            Ok(0)
        }
        _ => Err(cx.vm.index_error("list assignment index out of range")),
    }
}

pub fn PyList_Size(cx: &Cx, l: Borrowed) -> CResult<isize> {
    Ok(list(cx, l)?.len() as isize)
}

pub fn PyTuple_GetItem(cx: &Cx, t: Borrowed, i: isize) -> CResult<BorrowedRef> {
    let t: Ptr<TupleObj> = layout(cx, t.get(cx)?)?;
    match usize::try_from(i).ok().and_then(|i| t.as_slice().get(i)) {
        Some(&v) => borrow(cx, boxed(v)),
        None => Err(cx.vm.index_error("tuple index out of range")),
    }
}

pub fn PyTuple_New(cx: &Cx, n: isize) -> CResult<New> {
    let mut items = ValueVec::new();
    (0..n).for_each(|_| items.push(Value::NONE));
    cx.give(TupleObj::new(&items).value())
}

pub fn PyTuple_Size(cx: &Cx, t: Borrowed) -> CResult<isize> {
    Ok(layout::<TupleObj>(cx, t.get(cx)?)?.len() as isize)
}

/// The text lies in the mirror, when it is ASCII.
pub fn PyUnicode_AsUTF8AndSize(cx: &Cx, s: Borrowed, size: *mut isize) -> CResult<*const c_char> {
    let text: Ptr<StrObj> = layout(cx, s.get(cx)?)?;
    if !text.is_ascii() {
        return Err(cx.vm.missing("PyUnicode_AsUTF8AndSize() of other than ASCII in the twin"));
    }
    // SAFETY: the API demands a place or NULL; a compact ASCII struct has its text behind the head.
    unsafe {
        if !size.is_null() {
            *size = text.len() as isize;
        }
        Ok((s.ptr() as *mut PyObject as *const c_char).add(40))
    }
}

pub fn PyUnicode_FromString(cx: &Cx, s: *const c_char) -> CResult<New> {
    cx.give(StrObj::new(&text(cx, s)?).value())
}
