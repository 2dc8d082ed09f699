//! The buffer protocol across the boundary, in both directions.
//!
//! Objects whose memory is managed export it to C through [`getbuffer`], which every type object of such a class has in its slot: what
//! moves is exported from the mirror, the rest from where it is. C objects export to the VM through [`export`].

use std::cell::RefCell;
use std::collections::HashMap;
use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::ptr::null_mut;

use cape_builtins::memoryview::{self, MemoryViewObj};
use cape_heap::{HeapObject, heap};
use cape_vm::buffer::{self, Buffer, Layout, Memory, RawBuffer, flags};
use cape_vm::foreign::ForeignObj;
use cape_vm::native::MethodDef;
use cape_vm::object::*;
use cape_vm::runtime::type_of;
use cape_vm::special::Special;
use cape_vm::{Ptr, Res, Value, Vm};

use crate::enter::{CResult, Cx, enter, enter_infallible};
use crate::error;
use crate::ffi;
use crate::from_c::{from_c, link_of};
use crate::layout::*;
use crate::to_c::{decref, incref, linked, to_c};

/// Slot numbers of `typeslots.h`.
const BF_GETBUFFER: c_int = 1;
const BF_RELEASEBUFFER: c_int = 2;

/// Makes the VM see the buffers of C objects.
pub fn register() {
    buffer::register(ForeignObj::kind(), export);
}

/// Gives a class's type object the slots, when its instances export memory and C has not filled them.
///
/// # Safety
/// `p` must be the class's type object.
pub unsafe fn fill(t: Ptr<TypeObj>, p: *mut PyTypeObject) {
    let kind = t.instance_map().kind();
    let python = t.special(Special::Buffer).is::<FunctionObj>();
    let native = !std::ptr::eq(kind, ForeignObj::kind()) && buffer::kind_exports(kind);
    // SAFETY: the caller's promise; the functions have the signatures of the slots.
    unsafe {
        if !(python || native) || !ffi::PyType_GetSlotQuiet(p, BF_GETBUFFER).is_null() {
            return;
        }
        if std::ptr::eq(kind, BytesObj::kind()) && !python {
            ffi::cape_set_slot(p, BF_GETBUFFER, ffi::cape_bytes_getbuffer as *mut c_void);
            return;
        }
        ffi::cape_set_slot(p, BF_GETBUFFER, getbuffer as *mut c_void);
        ffi::cape_set_slot(p, BF_RELEASEBUFFER, releasebuffer as *mut c_void);
    }
}

/// What a `Py_buffer` of managed memory keeps, behind its `internal`.
struct Exported {
    raw: RawBuffer,
    /// References: the exporter, and the object in whose mirror the memory is (or null).
    exporter: *mut PyObject,
    base: *mut PyObject,
    /// Format and arrangement of memory that is more than a row of bytes.
    described: Option<(CString, Layout)>,
}

/// `bf_getbuffer` of managed classes.
pub unsafe extern "C" fn getbuffer(o: *mut PyObject, view: *mut Py_buffer, what: c_int) -> c_int {
    // SAFETY: the protocol demands a live object and a place for the description.
    if !view.is_null() && unsafe { get_at_once(o, view, what as u32) } {
        return 0;
    }
    enter("bf_getbuffer", -1, |cx| -> CResult<c_int> {
        if view.is_null() {
            return Err(cx.vm.buffer_error("PyBuffer_FillInfo: view==NULL argument is obsolete"));
        }
        // SAFETY: the protocol demands a place for the description.
        unsafe {
            (*view).obj = null_mut();
            get(cx, o, view, what as u32)?;
        }
        Ok(0)
    })
}

/// What `internal` of a view of a bytearray holds: there is nothing to remember.
static OF_BYTEARRAY: u8 = 0;
/// The same for one of a memoryview.
static OF_MEMORYVIEW: u8 = 0;

/// Describes a row of bytes; `internal` stays to be filled in.
///
/// # Safety
/// `o` must be live, `view` a place for the description.
unsafe fn describe_row(
    o: *mut PyObject,
    view: *mut Py_buffer,
    buf: *mut u8,
    len: usize,
    readonly: bool,
    what: u32,
) {
    // SAFETY: the caller's promise.
    unsafe {
        incref(o);
        *view = row_of(view, buf, len, readonly, what);
        (*view).obj = o;
    }
}

/// What describes a row of bytes at `view`.
#[inline(always)]
fn row_of(view: *mut Py_buffer, buf: *mut u8, len: usize, readonly: bool, what: u32) -> Py_buffer {
    let has = |f: u32| what & f == f;
    let if_has = |f: u32, p: *mut isize| if has(f) { p } else { null_mut() };
    // SAFETY: the addresses of the description's own fields, which are not looked at.
    let (len_place, size_place) = unsafe { (&raw mut (*view).len, &raw mut (*view).itemsize) };
    Py_buffer {
        buf: buf as *mut c_void,
        obj: null_mut(),
        len: len as isize,
        itemsize: 1,
        readonly: readonly as c_int,
        ndim: 1,
        format: if has(flags::FORMAT) { c"B".as_ptr() as *mut c_char } else { null_mut() },
        shape: if_has(flags::ND, len_place),
        strides: if_has(flags::STRIDES, size_place),
        suboffsets: null_mut(),
        internal: null_mut(),
    }
}

/// As [`get`], of a bytearray or of a memoryview of bytes, of exact type, of which nothing unusual is asked; else false, with nothing done.
///
/// # Safety
/// As for [`describe_row`].
unsafe fn get_at_once(o: *mut PyObject, view: *mut Py_buffer, what: u32) -> bool {
    // SAFETY: the caller's promise; linked structs of these types are those of objects of these layouts.
    unsafe {
        let (t, l) = ((*o).ob_type, link_of(o));
        if l == 0 {
            return false;
        }
        if std::ptr::eq(t, &raw const ffi::PyByteArray_Type) {
            let b: Ptr<BytearrayObj> = heap().managed_of(l).cast();
            b.exports.set(b.exports.get() + 1);
            describe_row(o, view, b.data_ptr(), b.as_slice().len(), false, what);
            (*view).internal = &raw const OF_BYTEARRAY as *mut c_void;
            return true;
        }
        if !std::ptr::eq(t, &raw const ffi::PyMemoryView_Type) {
            return false;
        }
        let m: Ptr<MemoryViewObj> = heap().managed_of(l).cast();
        let Some((n, readonly)) = memoryview::row(&m) else { return false };
        let Some((base, memory)) = memoryview::lend_at_once(m, what) else { return false };
        let Some(buf) = place_of(base, memory) else {
            memoryview::take_back(m);
            return false;
        };
        describe_row(o, view, buf, n, readonly, what);
        (*view).internal = &raw const OF_MEMORYVIEW as *mut c_void;
    }
    true
}

/// Where memory is for C; `None`: what has it has no C side yet.
unsafe fn place_of(base: Value, memory: Memory) -> Option<*mut u8> {
    let Memory::Bytes(at) = memory else { return Some(memory.address(base)) };
    let p = heap().mirror_of(base.header()) as *mut PyObject;
    // SAFETY: the C side of a bytes object.
    (!p.is_null()).then(|| unsafe { data_of(p) }.wrapping_offset(at))
}

/// Where the struct of a bytes object has its data.
///
/// # Safety
/// It must be one.
unsafe fn data_of(p: *mut PyObject) -> *mut u8 {
    // SAFETY: the caller's promise.
    unsafe { (&raw mut (*(p as *mut PyBytesObject)).ob_sval) as *mut u8 }
}

unsafe fn get(cx: &Cx, o: *mut PyObject, view: *mut Py_buffer, what: u32) -> CResult<()> {
    let vm = cx.vm;
    let v = from_c(vm, o)?;
    if let Some(b) = v.downcast::<BytearrayObj>()
        && !type_of(v).special(Special::Buffer).is::<FunctionObj>()
    {
        // While it is exported its storage stays where it is.
        b.exports.set(b.exports.get() + 1);
        // SAFETY: the caller's promise.
        unsafe {
            describe_row(o, view, b.data_ptr(), b.as_slice().len(), false, what);
            (*view).internal = &raw const OF_BYTEARRAY as *mut c_void;
        }
        return Ok(());
    }
    if let Some(m) = v.downcast::<MemoryViewObj>()
        && (what & flags::FORMAT == 0
            || memoryview::row(&m).is_some()
            || memoryview::layout(&m).0.format == "B")
    {
        // SAFETY: the caller's promise.
        return unsafe { lend_view(cx, o, m, view, what) };
    }
    let b = vm.buffer(v, what)?;
    let described = b.raw().layout.as_ref().map(|l| {
        let format = CString::new(l.format.as_bytes()).unwrap_or_default();
        (format, Layout::clone(l))
    });
    let exporter = to_c(vm, b.exporter())?;
    // SAFETY: the references are ours; `view` is the caller's.
    unsafe {
        let (base, buf) = match b.raw().memory {
            Memory::Bytes(at) => match to_c(vm, b.base()) {
                Ok(base) => (base, data_of(base).wrapping_offset(at)),
                Err(r) => {
                    decref(exporter);
                    return Err(r);
                }
            },
            _ => (null_mut(), b.address()),
        };
        let (_, _, raw) = b.into_parts();
        let (len, readonly, itemsize) = (raw.len, raw.readonly, raw.itemsize);
        let kept = Box::into_raw(Box::new(Exported { raw, exporter, base, described }));
        describe_row(o, view, buf, len, readonly, what);
        (*view).itemsize = itemsize as isize;
        (*view).internal = kept as *mut c_void;
        let has = |f: u32| what & f == f;
        let if_has = |f: u32, p: *mut isize| if has(f) { p } else { null_mut() };
        if let Some((format, l)) = &mut (*kept).described {
            let first = |v: &mut Vec<isize>| if v.is_empty() { null_mut() } else { v.as_mut_ptr() };
            (*view).itemsize = l.itemsize as isize;
            (*view).ndim = l.shape.len() as c_int;
            if has(flags::FORMAT) {
                (*view).format = format.as_ptr() as *mut c_char;
            }
            (*view).shape = if_has(flags::ND, first(&mut l.shape));
            (*view).strides = if_has(flags::STRIDES, first(&mut l.strides));
            (*view).suboffsets = first(&mut l.suboffsets);
        }
    }
    Ok(())
}

/// Describes a memoryview's memory in its struct, where `PyMemoryView_GET_BUFFER` looks. The references are the view's own; a view that is
/// released shows nothing.
///
/// # Safety
/// `p` must be the view's own struct, all zeros behind its head.
pub unsafe fn show_view(vm: &Vm, m: Ptr<MemoryViewObj>, p: *mut PyMemoryViewObject) -> Res<()> {
    // Nothing is refused that a view can have.
    let Ok((base, memory)) = memoryview::lend(vm, m, flags::FULL_RO) else { return Ok(()) };
    memoryview::take_back(m);
    let exporter = match vm.get_attr_str(m.value(), "obj")? {
        v if v.is_ptr() => linked(vm, v)?,
        _ => null_mut(),
    };
    let buf = match memory {
        // SAFETY: the C side of a bytes object.
        Memory::Bytes(at) => unsafe { data_of(linked(vm, base)?) }.wrapping_offset(at),
        memory => memory.address(base),
    };
    // SAFETY: the caller's promise. The arrangement's vectors are not changed, and live as long as the view, which C keeps by its struct.
    unsafe {
        let view = &raw mut (*p).view;
        let (n, readonly) = memoryview::row(&m).unwrap_or_else(|| {
            let (l, readonly) = memoryview::layout(&m);
            (l.len(), readonly)
        });
        *view = row_of(view, buf, n, readonly, flags::FULL_RO);
        (*view).obj = exporter;
        if memoryview::row(&m).is_none() {
            let (l, _) = memoryview::layout(&m);
            let first = |v: &Vec<isize>| if v.is_empty() { null_mut() } else { v.as_ptr() as *mut isize };
            (*view).itemsize = l.itemsize as isize;
            (*view).ndim = l.shape.len() as c_int;
            (*view).format = kept_format(&l.format);
            (*view).shape = first(&l.shape);
            (*view).strides = first(&l.strides);
            (*view).suboffsets = first(&l.suboffsets);
        }
        (*p).hash = -1;
    }
    Ok(())
}

/// A format as a C string. There are few, which are kept.
fn kept_format(format: &str) -> *mut c_char {
    thread_local! {
        static MADE: RefCell<HashMap<String, *mut c_char>> = RefCell::new(HashMap::new());
    }
    MADE.with_borrow_mut(|made| {
        *made
            .entry(format.to_string())
            .or_insert_with(|| CString::new(format.as_bytes()).unwrap_or_default().into_raw())
    })
}

/// The memory of a memoryview whose format needs no text of its own: its arrangement is the view's, and what has the memory is kept by
/// the view, which `obj` keeps.
///
/// # Safety
/// As for [`describe_row`]; `o` is the view's C side.
unsafe fn lend_view(
    cx: &Cx,
    o: *mut PyObject,
    m: Ptr<MemoryViewObj>,
    view: *mut Py_buffer,
    what: u32,
) -> CResult<()> {
    let (base, memory) = memoryview::lend(cx.vm, m, what)?;
    let buf = match memory {
        Memory::Bytes(at) => match linked(cx.vm, base) {
            // SAFETY: the C side of a bytes object.
            Ok(p) => unsafe { data_of(p) }.wrapping_offset(at),
            Err(r) => {
                memoryview::take_back(m);
                return Err(r);
            }
        },
        memory => memory.address(base),
    };
    if let Some((n, readonly)) = memoryview::row(&m) {
        // SAFETY: the caller's promise.
        unsafe {
            describe_row(o, view, buf, n, readonly, what);
            (*view).internal = &raw const OF_MEMORYVIEW as *mut c_void;
        }
        return Ok(());
    }
    let (l, readonly) = memoryview::layout(&m);
    // SAFETY: the caller's promise. The vectors of the arrangement are not changed, and live as long as the view.
    unsafe {
        describe_row(o, view, buf, l.len(), readonly, what);
        (*view).itemsize = l.itemsize as isize;
        (*view).internal = &raw const OF_MEMORYVIEW as *mut c_void;
        let first = |v: &Vec<isize>| if v.is_empty() { null_mut() } else { v.as_ptr() as *mut isize };
        let if_has = |f: u32, v: &Vec<isize>| if what & f == f { first(v) } else { null_mut() };
        if what & flags::ND == flags::ND {
            (*view).ndim = l.shape.len() as c_int;
            (*view).shape = if_has(flags::ND, &l.shape);
            (*view).strides = if_has(flags::STRIDES, &l.strides);
            (*view).suboffsets = first(&l.suboffsets);
        }
    }
    Ok(())
}

/// `bf_releasebuffer` of managed classes.
pub unsafe extern "C" fn releasebuffer(o: *mut PyObject, view: *mut Py_buffer) {
    // SAFETY: C gives back what getbuffer filled, of an object that it holds: it is linked.
    unsafe {
        let kept = (*view).internal as *const u8;
        let of_memoryview = std::ptr::eq(kept, &raw const OF_MEMORYVIEW);
        if of_memoryview || std::ptr::eq(kept, &raw const OF_BYTEARRAY) {
            // (Nothing but a count, for which nothing need be entered.)
            (*view).internal = null_mut();
            let l = link_of(o);
            if l == 0 {
                return;
            }
            // (Whose view it is, the mark says.)
            let v = heap().managed_of(l);
            if of_memoryview {
                memoryview::take_back(v.cast());
            } else {
                let b: Ptr<BytearrayObj> = v.cast();
                b.exports.set(b.exports.get() - 1);
            }
            return;
        }
    }
    enter_infallible("bf_releasebuffer", |cx| {
        // SAFETY: C gives back what getbuffer filled.
        unsafe {
            let kept = (*view).internal as *mut Exported;
            if kept.is_null() {
                return;
            }
            (*view).internal = null_mut();
            let mut kept = Box::from_raw(kept);
            let before = error::take(cx.vm);
            if let Ok(exporter) = from_c(cx.vm, kept.exporter) {
                kept.raw.give_back(exporter);
            }
            if let Some(r) = before {
                error::set(cx.vm, r);
            }
            decref(kept.exporter);
            if !kept.base.is_null() {
                decref(kept.base);
            }
        }
    })
}

/// The buffer of a C object, for the VM.
fn export(vm: &Vm, v: Value, what: u32) -> Res<Buffer> {
    let o = crate::call_c::Hold(to_c(vm, v)?);
    let _shown = crate::handled::show(vm);
    // SAFETY: a live object; its type's slots are functions of their signatures.
    unsafe {
        let Some(f) = c_getbuffer((*o.0).ob_type) else { return Err(vm.not_bytes_like(v)) };
        // (Its shape may point into itself.)
        let mut view = Box::new(std::mem::zeroed::<Py_buffer>());
        error::check_status(vm, || "bf_getbuffer".into(), f(o.0, &mut *view, what as c_int))?;
        let layout = if is_row_of_bytes(&view) { None } else { Some(Box::new(layout_of(&view))) };
        let memory = Memory::Fixed(view.buf as *mut u8);
        let (len, readonly, itemsize) = (view.len as usize, view.readonly != 0, view.itemsize as usize);
        if std::ptr::eq(view.obj, o.0) && !releases((*o.0).ob_type) {
            // The object is all that keeps the memory, and the buffer keeps that.
            decref(view.obj);
            let raw =
                RawBuffer { memory, len, readonly, layout, itemsize, release: None, internal: null_mut() };
            return Ok(Buffer::new(v, raw));
        }
        // Who passes on what others export says whose it is.
        let owner = match view.obj {
            obj if obj.is_null() => Value::NONE,
            obj if std::ptr::eq(obj, o.0) => v,
            obj => from_c(vm, obj).unwrap_or(v),
        };
        let raw = RawBuffer {
            memory,
            len,
            readonly,
            layout,
            itemsize,
            release: Some(|_, internal| {
                unsafe extern "C" {
                    fn PyBuffer_Release(view: *mut Py_buffer);
                }
                // SAFETY: `internal` is the box made below, given back once.
                let mut view = Box::from_raw(internal as *mut Py_buffer);
                PyBuffer_Release(&mut *view);
            }),
            internal: Box::into_raw(view) as *mut u8,
        };
        Ok(Buffer::new(owner, raw))
    }
}

/// Whether a type wants to know when a buffer is given back.
unsafe fn releases(t: *mut PyTypeObject) -> bool {
    // SAFETY: a live type.
    unsafe { !(*t).tp_as_buffer.is_null() && (*(*t).tp_as_buffer).bf_releasebuffer.is_some() }
}

/// The nearest `bf_getbuffer` that is C's own.
unsafe fn c_getbuffer(mut t: *mut PyTypeObject) -> Option<getbufferproc> {
    // SAFETY: types are live, with their bases.
    unsafe {
        while !t.is_null() {
            let procs = (*t).tp_as_buffer;
            if !procs.is_null()
                && let Some(f) = (*procs).bf_getbuffer
                && !std::ptr::eq(f as *const c_void, getbuffer as *const c_void)
            {
                return Some(f);
            }
            t = (*t).tp_base;
        }
    }
    None
}

/// Whether a `Py_buffer` describes unsigned bytes, one behind the other.
///
/// # Safety
/// As [`layout_of`].
unsafe fn is_row_of_bytes(view: &Py_buffer) -> bool {
    let is = |p: *mut isize, n: isize| {
        // SAFETY: the caller's promise, of one dimension.
        p.is_null() || unsafe { *p } == n
    };
    // SAFETY: the caller's promise: a C string.
    let format = view.format.is_null() || unsafe { CStr::from_ptr(view.format) } == c"B";
    view.ndim == 1
        && view.itemsize == 1
        && format
        && view.suboffsets.is_null()
        && is(view.shape, view.len)
        && is(view.strides, 1)
}

/// The arrangement that a `Py_buffer` describes.
///
/// # Safety
/// Its pointers must be valid for its dimensions.
pub unsafe fn layout_of(view: &Py_buffer) -> Layout {
    let n = view.ndim.max(0) as usize;
    let itemsize = view.itemsize.max(1) as usize;
    let numbers = |p: *mut isize| -> Vec<isize> {
        // SAFETY: the caller's promise.
        if p.is_null() { Vec::new() } else { unsafe { std::slice::from_raw_parts(p, n) }.to_vec() }
    };
    let shape = match view.shape.is_null() {
        true if n == 0 => Vec::new(),
        true => vec![view.len / itemsize as isize],
        false => numbers(view.shape),
    };
    let strides = match view.strides.is_null() {
        true => Layout::c_strides(&shape, itemsize),
        false => numbers(view.strides),
    };
    let format = match view.format.is_null() {
        true => "B".into(),
        // SAFETY: the caller's promise.
        false => unsafe { CStr::from_ptr(view.format) }.to_string_lossy().into_owned().into(),
    };
    Layout { format, itemsize, shape, strides, suboffsets: numbers(view.suboffsets) }
}

type Names = Option<Ptr<TupleObj>>;

/// `__buffer__` of classes implemented in C.
pub fn call_buffer(vm: &Vm, _def: &'static MethodDef, args: &[Value], _names: Names) -> Res<Value> {
    let [v, what] = args else {
        return Err(vm.type_error(format!("expected 1 argument, got {}", args.len().saturating_sub(1))));
    };
    let what = vm.index_isize(*what)?;
    Ok(cape_builtins::memoryview::from_buffer(export(vm, *v, what as u32)?).value())
}

/// `__release_buffer__` of classes implemented in C.
pub fn call_release_buffer(vm: &Vm, _def: &'static MethodDef, args: &[Value], _names: Names) -> Res<Value> {
    let [v, view] = args else {
        return Err(vm.type_error(format!("expected 1 argument, got {}", args.len().saturating_sub(1))));
    };
    cape_builtins::memoryview::release_buffer_method(vm, *v, *view)?;
    Ok(Value::NONE)
}
