//! Rust twins of functions that bridge-c implements, for the benchmarks: the same work done on the managed side.

use std::ffi::{c_char, c_int, c_long, c_longlong};

use cape_vm::object::*;
use cape_vm::ops::Cmp;
use cape_vm::runtime::type_of;
use cape_vm::{Ptr, Value};

use super::{bad_call, borrow, layout, str_arg, text, text_value};
use crate::enter::{Borrowed, BorrowedRef, CResult, Cx, New, Stolen};
use crate::from_c::from_c;
use crate::layout::{PyObject, PyTypeObject};
use crate::to_c::boxed;
use crate::typeready::class_of;

// ---- Calls ----

pub fn PyObject_Call(cx: &Cx, callable: Borrowed, args: Borrowed, kwargs: Borrowed) -> CResult<New> {
    let a: Ptr<TupleObj> = layout(cx, args.get(cx)?)?;
    let kw = kwargs.opt(cx)?.and_then(|k| k.downcast::<DictObj>());
    cx.give(cx.vm.call_dict(callable.get(cx)?, a.as_slice(), kw)?)
}

pub fn PyObject_Vectorcall(
    cx: &Cx,
    callable: Borrowed,
    args: *const *mut PyObject,
    nargsf: usize,
    names: Borrowed,
) -> CResult<New> {
    let names = match names.opt(cx)? {
        Some(v) => Some(layout::<TupleObj>(cx, v)?),
        None => None,
    };
    let n = (nargsf & !(1 << 63)) + names.map_or(0, |names| names.len());
    let mut values = ValueVec::new();
    for i in 0..n {
        // SAFETY: the API demands so many arguments.
        values.push(from_c(cx.vm, unsafe { *args.add(i) })?);
    }
    cx.give(cx.vm.call_args(callable.get(cx)?, &values, names)?)
}

pub fn PyObject_CallNoArgs(cx: &Cx, callable: Borrowed) -> CResult<New> {
    cx.give(cx.vm.call(callable.get(cx)?, &[])?)
}

pub fn PyObject_CallOneArg(cx: &Cx, callable: Borrowed, arg: Borrowed) -> CResult<New> {
    cx.give(cx.vm.call(callable.get(cx)?, &[arg.get(cx)?])?)
}

// ---- Attributes, operators, protocols ----

/// The name of an attribute.
fn name_of(cx: &Cx, name: Borrowed) -> CResult<Value> {
    Ok(str_arg(cx, name.get(cx)?)?.value())
}

pub fn PyObject_GetAttr(cx: &Cx, o: Borrowed, name: Borrowed) -> CResult<New> {
    let name = name_of(cx, name)?;
    cx.give(cx.vm.get_attr(o.get(cx)?, name)?)
}

pub fn PyObject_GetAttrString(cx: &Cx, o: Borrowed, name: *const c_char) -> CResult<New> {
    let name = text_value(cx, name)?;
    cx.give(cx.vm.get_attr(o.get(cx)?, name)?)
}

pub fn PyObject_SetAttr(cx: &Cx, o: Borrowed, name: Borrowed, v: Borrowed) -> CResult<c_int> {
    let name = name_of(cx, name)?;
    match v.opt(cx)? {
        Some(v) => cx.vm.set_attr(o.get(cx)?, name, v)?,
        None => cx.vm.del_attr(o.get(cx)?, name)?,
    }
    Ok(0)
}

pub fn PyObject_IsTrue(cx: &Cx, o: Borrowed) -> CResult<c_int> {
    Ok(cx.vm.truth(o.get(cx)?)? as c_int)
}

pub fn PyObject_Hash(cx: &Cx, o: Borrowed) -> CResult<isize> {
    Ok(cx.vm.hash(o.get(cx)?)? as isize)
}

/// `Py_LT` to `Py_GE`.
fn comparison(cx: &Cx, op: c_int) -> CResult<Cmp> {
    const ALL: [Cmp; 6] = [Cmp::Lt, Cmp::Le, Cmp::Eq, Cmp::Ne, Cmp::Gt, Cmp::Ge];
    usize::try_from(op).ok().and_then(|i| ALL.get(i)).copied().ok_or_else(|| bad_call(cx))
}

pub fn PyObject_RichCompare(cx: &Cx, a: Borrowed, b: Borrowed, op: c_int) -> CResult<New> {
    let op = comparison(cx, op)?;
    cx.give(cx.vm.compare(a.get(cx)?, b.get(cx)?, op)?)
}

pub fn PyObject_RichCompareBool(cx: &Cx, a: Borrowed, b: Borrowed, op: c_int) -> CResult<c_int> {
    let (a, b) = (a.get(cx)?, b.get(cx)?);
    match comparison(cx, op)? {
        Cmp::Eq if cx.vm.is(a, b) => Ok(1),
        Cmp::Ne if cx.vm.is(a, b) => Ok(0),
        op => Ok(cx.vm.compare_bool(a, b, op)? as c_int),
    }
}

pub fn PyObject_Type(cx: &Cx, o: Borrowed) -> CResult<New> {
    cx.give(type_of(o.get(cx)?).value())
}

pub fn PyObject_Size(cx: &Cx, o: Borrowed) -> CResult<isize> {
    Ok(cx.vm.len(o.get(cx)?)? as isize)
}

pub fn PySequence_Size(cx: &Cx, o: Borrowed) -> CResult<isize> {
    PyObject_Size(cx, o)
}

pub fn PyObject_GetItem(cx: &Cx, o: Borrowed, key: Borrowed) -> CResult<New> {
    cx.give(cx.vm.get_item(o.get(cx)?, key.get(cx)?)?)
}

pub fn PyObject_SetItem(cx: &Cx, o: Borrowed, key: Borrowed, v: Borrowed) -> CResult<c_int> {
    cx.vm.set_item(o.get(cx)?, key.get(cx)?, v.get(cx)?)?;
    Ok(0)
}

pub fn PySequence_GetItem(cx: &Cx, o: Borrowed, i: isize) -> CResult<New> {
    cx.give(cx.vm.get_item(o.get(cx)?, Int::Small(i as i64).into_value())?)
}

pub fn PySequence_Tuple(cx: &Cx, o: Borrowed) -> CResult<New> {
    let items = cx.vm.vec_of(o.get(cx)?)?;
    cx.give(TupleObj::new(&items).value())
}

pub fn PyObject_GetIter(cx: &Cx, o: Borrowed) -> CResult<New> {
    cx.give(cx.vm.iter(o.get(cx)?)?)
}

pub fn PyIter_Next(cx: &Cx, it: Borrowed) -> CResult<New> {
    match cx.vm.next(it.get(cx)?)? {
        Some(v) => cx.give(v),
        None => Ok(New(std::ptr::null_mut())),
    }
}

pub fn PyNumber_Index(cx: &Cx, o: Borrowed) -> CResult<New> {
    cx.give(cx.vm.index_value(o.get(cx)?)?)
}

pub fn PyType_IsSubtype(cx: &Cx, a: *mut PyTypeObject, b: *mut PyTypeObject) -> c_int {
    match (class_of(cx.vm, a), class_of(cx.vm, b)) {
        (Ok(a), Ok(b)) => a.is_subtype(b) as c_int,
        _ => 0,
    }
}

// ---- Bytes and numbers ----

pub fn PyBytes_Size(cx: &Cx, o: Borrowed) -> CResult<isize> {
    Ok(layout::<BytesObj>(cx, o.get(cx)?)?.len() as isize)
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

pub fn PyLong_AsLongLong(cx: &Cx, o: Borrowed) -> CResult<c_longlong> {
    Ok(cx.vm.index_isize(o.get(cx)?)? as c_longlong)
}

pub fn PyLong_AsSsize_t(cx: &Cx, o: Borrowed) -> CResult<isize> {
    cx.vm.index_isize(o.get(cx)?)
}

pub fn PyLong_AsDouble(cx: &Cx, o: Borrowed) -> CResult<f64> {
    cx.vm.to_f64(o.get(cx)?)
}

pub fn PyLong_FromLong(cx: &Cx, v: c_long) -> CResult<New> {
    cx.give(Int::Small(v).into_value())
}

// ---- Lists and tuples ----

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

pub fn PyList_GetItemRef(cx: &Cx, l: Borrowed, i: isize) -> CResult<New> {
    let l = list(cx, l)?;
    match usize::try_from(i).ok().and_then(|i| l.get(i)) {
        Some(v) => cx.give(v),
        None => Err(cx.vm.index_error("list index out of range")),
    }
}

/// A place in a sequence of `n`, as slices clip it.
fn clipped(i: isize, n: usize) -> usize {
    usize::try_from(i).unwrap_or(0).min(n)
}

pub fn PyList_GetSlice(cx: &Cx, l: Borrowed, low: isize, high: isize) -> CResult<New> {
    let l = list(cx, l)?;
    let mut items = ValueVec::new();
    (clipped(low, l.len())..clipped(high, l.len())).filter_map(|i| l.get(i)).for_each(|v| items.push(v));
    cx.give(ListObj::from_vec(items).value())
}

pub fn PyList_Insert(cx: &Cx, l: Borrowed, i: isize, v: Borrowed) -> CResult<c_int> {
    let (l, v) = (list(cx, l)?, v.get(cx)?);
    let at = clipped(if i < 0 { i + l.len() as isize } else { i }, l.len());
    l.splice(at, at, &[v]);
    Ok(0)
}

pub fn PyList_AsTuple(cx: &Cx, l: Borrowed) -> CResult<New> {
    let items = cx.vm.vec_of(list(cx, l)?.value())?;
    cx.give(TupleObj::new(&items).value())
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

pub fn PyTuple_GetSlice(cx: &Cx, t: Borrowed, low: isize, high: isize) -> CResult<New> {
    let t: Ptr<TupleObj> = layout(cx, t.get(cx)?)?;
    let (low, high) = (clipped(low, t.len()), clipped(high, t.len()));
    cx.give(TupleObj::new(&t.as_slice()[low..high.max(low)]).value())
}

pub fn PyTuple_New(cx: &Cx, n: isize) -> CResult<New> {
    let mut items = ValueVec::new();
    (0..n).for_each(|_| items.push(Value::NONE));
    cx.give(TupleObj::new(&items).value())
}

pub fn PyTuple_Size(cx: &Cx, t: Borrowed) -> CResult<isize> {
    Ok(layout::<TupleObj>(cx, t.get(cx)?)?.len() as isize)
}

// ---- Texts ----

pub fn PyUnicode_GetLength(cx: &Cx, s: Borrowed) -> CResult<isize> {
    Ok(layout::<StrObj>(cx, s.get(cx)?)?.len() as isize)
}

pub fn PyUnicode_ReadChar(cx: &Cx, s: Borrowed, i: isize) -> CResult<u32> {
    let s: Ptr<StrObj> = layout(cx, s.get(cx)?)?;
    match usize::try_from(i) {
        Ok(i) if i < s.len() => Ok(s.char_at(i)),
        _ => Err(cx.vm.index_error("string index out of range")),
    }
}

pub fn PyUnicode_Concat(cx: &Cx, a: Borrowed, b: Borrowed) -> CResult<New> {
    let (a, b) = (str_arg(cx, a.get(cx)?)?, str_arg(cx, b.get(cx)?)?);
    cx.give(StrObj::concat(a, b).value())
}

pub fn PyUnicode_Substring(cx: &Cx, s: Borrowed, start: isize, end: isize) -> CResult<New> {
    let s: Ptr<StrObj> = layout(cx, s.get(cx)?)?;
    let (start, end) = (clipped(start, s.len()), clipped(end, s.len()));
    cx.give(s.substring(start, end.max(start)).value())
}

pub fn PyUnicode_Compare(cx: &Cx, a: Borrowed, b: Borrowed) -> CResult<c_int> {
    let (a, b) = (str_arg(cx, a.get(cx)?)?, str_arg(cx, b.get(cx)?)?);
    Ok(a.cmp(&b) as c_int)
}

/// The API has no error for what is no str.
pub fn PyUnicode_CompareWithASCIIString(cx: &Cx, a: Borrowed, b: *const c_char) -> c_int {
    let Some(a) = a.get(cx).ok().and_then(|v| v.downcast::<StrObj>()) else { return -1 };
    // SAFETY: the API demands a C string.
    let b = unsafe { std::ffi::CStr::from_ptr(b) }.to_bytes();
    a.chars().cmp(b.iter().map(|&c| u32::from(c))) as c_int
}

pub fn PyUnicode_InternFromString(cx: &Cx, s: *const c_char) -> CResult<New> {
    cx.give(text_value(cx, s)?)
}

pub fn PyUnicode_FromStringAndSize(cx: &Cx, s: *const c_char, n: isize) -> CResult<New> {
    if s.is_null() || n < 0 {
        return Err(bad_call(cx));
    }
    // SAFETY: the API demands that many readable bytes.
    let data = unsafe { std::slice::from_raw_parts(s as *const u8, n as usize) };
    match std::str::from_utf8(data) {
        Ok(text) => cx.give(StrObj::new(text).value()),
        Err(_) => Err(cx.vm.missing("PyUnicode_FromStringAndSize() of what is no UTF-8 in the twin")),
    }
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
