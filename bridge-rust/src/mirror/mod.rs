//! Mirrors: the C structs of managed objects, made at their first crossing.
//!
//! Which side is authoritative: strings, bytes, tuples, numbers and slices do not change, both sides have them. Lists live in
//! the mirror from the first crossing on. Dicts, sets, functions, exceptions and plain instances live on the managed side; their
//! structs have the size that C expects, and of the contents only what macros read.

mod containers;
pub mod datetime;
mod structs;
pub mod types;
pub mod weak;

use std::cell::RefCell;
use std::collections::HashMap;
use std::ffi::c_int;

use cape_builtins::memoryview;
use cape_heap::{Field, Header, HeapObject, WeakCell, heap};
use cape_vm::foreign::ForeignObj;
use cape_vm::native::MethodDef;
use cape_vm::object::*;
use cape_vm::runtime::{rt, type_of};
use cape_vm::{Ptr, Res, Value, Vm};

pub use self::containers::{cross_known, exact_container};
use self::containers::{list, tuple};
use crate::ffi;
use crate::from_c::{from_c, long_value, str_value, take_over};
use crate::layout::*;
use crate::to_c::{boxed, to_c, to_c_borrowed};

/// A struct that no link joins with its object, as fresh as if C had made it: of a number, and of an exact str, bytes, tuple or list to which
/// nothing refers any more (`fresh`), if what is in it needs no more than that. NULL, with nothing done, for others.
#[inline(always)]
pub fn of_its_own(vm: &Vm, v: Value, fresh: bool) -> *mut PyObject {
    let (map, maps) = (v.header().map(), &rt().maps);
    let made = if map == maps.int {
        // (Those that have lived for a while are linked.)
        if crate::to_c::is_lasting(v) { return std::ptr::null_mut() } else { number(vm, v) }
    } else if !fresh {
        return std::ptr::null_mut();
    } else {
        // SAFETY: the maps are those of the layouts.
        unsafe {
            if map == maps.str {
                let s = v.cast::<StrObj>();
                if s.large_data().is_some() || s.is_empty() || s.is_interned() {
                    return std::ptr::null_mut();
                }
                exact_string(vm, s)
            } else if map == maps.bytes {
                let b = v.cast::<BytesObj>();
                if b.large_data().is_some() || b.is_empty() {
                    return std::ptr::null_mut();
                }
                exact_bytes(vm, b)
            } else {
                return containers::of_its_own(vm, v);
            }
        }
    };
    made.unwrap_or(std::ptr::null_mut())
}

/// Whether an object is a large text, in whose memory its struct stands.
pub fn shares_memory(v: Value) -> bool {
    v.downcast::<StrObj>().is_some_and(|s| s.large_data().is_some())
        || v.downcast::<BytesObj>().is_some_and(|b| b.large_data().is_some())
}

/// A fresh C number for a heap int or float: one reference, unlinked.
#[inline]
pub fn number(vm: &Vm, v: Value) -> Res<*mut PyObject> {
    if let Some(f) = v.downcast::<FloatObj>() {
        // SAFETY: a constructor.
        return Ok(unsafe { ffi::PyFloat_FromDouble(f.value) });
    }
    let l: Ptr<LongObj> = v.downcast().ok_or_else(|| vm.system_error("a number that is none"))?;
    let few = match *l.double_digits() {
        [] => Some(0),
        [magnitude] => Some(magnitude),
        _ => None,
    };
    if let Some(magnitude) = few {
        // SAFETY: a constructor.
        let p = unsafe { ffi::cape_int(magnitude, l.is_negative() as c_int) };
        return if p.is_null() { Err(containers::no_memory(vm)) } else { Ok(p) };
    }
    let count = digits30(l);
    // SAFETY: a constructor, whose struct has room for the digits.
    unsafe {
        let p = ffi::_PyLong_New(count as isize);
        if p.is_null() {
            return Err(containers::no_memory(vm));
        }
        write_long(l, count, p as *mut PyLongObject);
        Ok(p)
    }
}

/// How many digits of 30 bits a heap int has.
pub fn digits30(l: Ptr<LongObj>) -> usize {
    let bits = |d: &[u32]| d.last().map_or(0, |top| 32 * d.len() - top.leading_zeros() as usize);
    bits(l.digits()).div_ceil(30)
}

/// Writes a heap int, which has `count` digits of 30 bits ([`digits30`]), into a C one.
///
/// # Safety
/// `out` must have room for as many digits (for one at least).
pub unsafe fn write_long(l: Ptr<LongObj>, count: usize, out: *mut PyLongObject) {
    // SAFETY: the caller's promise.
    unsafe {
        let digits = (&raw mut (*out).ob_digit) as *mut u32;
        if count == 0 {
            *digits = 0;
        }
        let (mut acc, mut bits) = (0u64, 0);
        let mut from = l.digits().iter();
        for i in 0..count {
            if bits < 30 {
                acc |= (from.next().copied().unwrap_or(0) as u64) << bits;
                bits += 32;
            }
            *digits.add(i) = acc as u32 & 0x3fff_ffff;
            acc >>= 30;
            bits -= 30;
        }
        // The two low bits are 1 minus the sign.
        (*out).lv_tag = count << 3 | if count == 0 { 1 } else { (l.is_negative() as usize) << 1 };
    }
}

fn long(vm: &Vm, l: Ptr<LongObj>, t: *mut PyTypeObject, extra: usize) -> Res<*mut PyObject> {
    let count = digits30(l);
    let p = alloc(vm, t, 24 + 4 * count.max(1) + extra)?;
    // SAFETY: the struct has room for the digits.
    unsafe { write_long(l, count, p as *mut PyLongObject) };
    Ok(p)
}

/// Bytes that are cleared or copied word by word.
const FEW_BYTES: usize = 64;

/// A zeroed struct of `size` bytes with its head: one reference, unlinked. The type gains a reference when it is counted.
fn alloc(vm: &Vm, t: *mut PyTypeObject, size: usize) -> Res<*mut PyObject> {
    // SAFETY: a live type.
    let size = size.max(unsafe { (*t).tp_basicsize } as usize).next_multiple_of(8);
    // SAFETY: types are live; cape_alloc gives uninitialised memory, which is cleared here.
    unsafe {
        const LISTED: u64 = tpflags::STATIC_BUILTIN | tpflags::HAVE_GC;
        const PREHEADER: u64 = tpflags::MANAGED_DICT | tpflags::MANAGED_WEAKREF;
        let listed = (*t).tp_flags & (LISTED | PREHEADER) == LISTED || types::shows_nothing(t);
        if listed && size <= (*t).tp_basicsize as usize {
            // (From the list of freed structs.)
            crate::from_c::struct_taken(types::words_of(t) + 2);
            let p = ffi::cape_new_mirror(t);
            return if p.is_null() { Err(containers::no_memory(vm)) } else { Ok(p) };
        }
        let p = ffi::cape_alloc(t, size);
        if p.is_null() {
            crate::error::take(vm);
            return Err(vm.memory_error(""));
        }
        if size <= FEW_BYTES {
            (0..size / 8).for_each(|i| (p as *mut usize).add(i).write(0));
        } else {
            std::ptr::write_bytes(p as *mut u8, 0, size);
        }
        (*p).ob_refcnt = 1;
        (*p).ob_type = t;
        if (*t).tp_flags & tpflags::HEAPTYPE != 0 {
            crate::to_c::incref(t as *mut PyObject);
        }
        Ok(p)
    }
}

/// Makes the mirror of a heap object that is no class, no exact number and no [`exact_container`]: one reference, unlinked (or, when making it
/// led back to the object, already linked).
pub fn make(vm: &Vm, v: Value) -> Res<*mut PyObject> {
    if v.header().map() == rt().maps.str
        && let Some(s) = v.downcast::<StrObj>()
    {
        return exact_string(vm, s);
    }
    if v.header().map() == rt().maps.bytes
        && let Some(b) = v.downcast::<BytesObj>()
    {
        return exact_bytes(vm, b);
    }
    if let Some(m) = v.downcast::<BoundMethodObj>() {
        return bound_method(vm, m);
    }
    if let Some(f) = v.downcast::<FunctionObj>() {
        return python_function(vm, f);
    }
    if let Some(m) = v.downcast::<memoryview::MemoryViewObj>() {
        let p = clear_struct(vm, &raw mut ffi::PyMemoryView_Type)?;
        // SAFETY: a fresh struct of that layout.
        if let Err(r) = unsafe { crate::buffer::show_view(vm, m, p as *mut PyMemoryViewObject) } {
            // SAFETY: the reference is ours.
            unsafe { crate::to_c::decref(p) };
            return Err(r);
        }
        return Ok(p);
    }
    if v.is::<ExcObj>() || v.is::<TracebackObj>() {
        // (Their structs show nothing. The exception that says that the stack is used up crosses after it was raised, still deeper.)
        let t = types::type_to_c(vm, type_of(v))?;
        // SAFETY: a live type, and a fresh struct of it.
        unsafe {
            let p = alloc(vm, t, (*t).tp_basicsize as usize)?;
            show_vectorcall(p, t);
            return Ok(p);
        }
    }
    vm.check_native_stack(" while crossing to C")?;
    let class = type_of(v);
    let t = types::type_to_c(vm, class)?;
    // SAFETY: a live type.
    let (basic, item) = unsafe { ((*t).tp_basicsize as usize, (*t).tp_itemsize) };
    // SAFETY: as above.
    if unsafe { types::shows_nothing(t) } {
        return alloc(vm, t, basic);
    }
    if let Some(s) = v.downcast::<StrObj>() {
        return string(vm, s, t);
    }
    if let Some(tu) = v.downcast::<TupleObj>() {
        return tuple(vm, tu, t);
    }
    if v.is::<InstanceObj>() {
        return instance(vm, v);
    }
    if let Some(b) = v.downcast::<BytesObj>() {
        let p = alloc(vm, t, basic.max(33) + b.len())?;
        // SAFETY: room for the data and its NUL.
        unsafe {
            let o = p as *mut PyBytesObject;
            (*o).ob_base.ob_size = b.len() as isize;
            (*o).ob_shash = -1;
            std::ptr::copy_nonoverlapping(b.as_slice().as_ptr(), (&raw mut (*o).ob_sval) as *mut u8, b.len());
        }
        return Ok(p);
    }
    if let Some(l) = v.downcast::<ListObj>() {
        return list(vm, l, t);
    }
    if let Some(l) = v.downcast::<LongObj>() {
        return long(vm, l, t, basic.saturating_sub(24));
    }
    if let Some(w) = v.downcast::<WeakCell>() {
        return weak::reference(vm, w, t);
    }
    let p = alloc(vm, t, basic)?;
    // SAFETY: the struct has the layout of its type, of basic size at least.
    unsafe {
        if item != 0 && !v.is::<TypeObj>() {
            (*(p as *mut PyVarObject)).ob_size = 0;
        }
        if let Some(f) = v.downcast::<FloatObj>() {
            (*(p as *mut PyFloatObject)).ob_fval = f.value;
        } else if let Some(c) = v.downcast::<ComplexObj>() {
            (*(p as *mut PyComplexObject)).real = c.re;
            (*(p as *mut PyComplexObject)).imag = c.im;
        } else if let Some(s) = v.downcast::<SliceObj>() {
            let o = p as *mut PySliceObject;
            (*o).start = to_c(vm, s.start.get())?;
            (*o).stop = to_c(vm, s.stop.get())?;
            (*o).step = to_c(vm, s.step.get())?;
        } else if let Some(b) = v.downcast::<BuiltinObj>()
            && basic >= size_of::<PyCFunctionObject>()
        {
            // (Slot wrappers that are bound are of a class of their own, whose struct shows nothing.)
            function(vm, b, p as *mut PyCFunctionObject)?;
        } else if let Some(m) = v.downcast::<ModuleObj>() {
            crate::module::fill_mirror(vm, m, p)?;
        } else if let Some(c) = v.downcast::<CodeObj>() {
            show_code(vm, c, p as *mut PyCodeObject)?;
        } else if let Some(m) = v.downcast::<MethodDescrObj>() {
            if std::ptr::eq(t, &raw const ffi::PyMethodDescr_Type) {
                show_descriptor(vm, m, p as *mut PyMethodDescrObject)?;
            } else if std::ptr::eq(t, &raw const ffi::PyWrapperDescr_Type) {
                show_slot_wrapper(vm, m, p as *mut PyWrapperDescrObject)?;
            }
        } else if let Some(g) = v.downcast::<GetSetObj>()
            && [&raw mut ffi::PyGetSetDescr_Type, &raw mut ffi::PyMemberDescr_Type].contains(&t)
        {
            show_attribute(vm, g, p as *mut PyGetSetDescrObject)?;
        }
        show_vectorcall(p, t);
        structs::show(v, p);
        if !datetime::show(vm, v, p)? {
            show(v.header(), p);
        }
    }
    Ok(p)
}

/// A clear struct of a static type that has no subclasses and nothing in front of its structs but the collector's head.
fn clear_struct(vm: &Vm, t: *mut PyTypeObject) -> Res<*mut PyObject> {
    // SAFETY: a live type, to which the constructor is made.
    unsafe {
        crate::from_c::struct_taken(types::words_of(t) + 2);
        let p = ffi::cape_new_mirror(t);
        if p.is_null() { Err(containers::no_memory(vm)) } else { Ok(p) }
    }
}

fn bound_method(vm: &Vm, m: Ptr<BoundMethodObj>) -> Res<*mut PyObject> {
    // What it refers to first: then there is nothing to free when that fails.
    let (func, this) = (shown(vm, m, &m.func)?, shown(vm, m, &m.this)?);
    let p = clear_struct(vm, &raw mut ffi::PyMethod_Type)?;
    let o = p as *mut PyMethodObject;
    // SAFETY: a fresh struct of that layout.
    unsafe {
        ((*o).im_func, (*o).im_self) = (func, this);
        (*o).vectorcall = Some(crate::slots::vectorcall_method);
    }
    Ok(p)
}

fn python_function(vm: &Vm, f: Ptr<FunctionObj>) -> Res<*mut PyObject> {
    let p = clear_struct(vm, &raw mut ffi::PyFunction_Type)?;
    let o = p as *mut PyFunctionObject;
    // SAFETY: a fresh struct of that layout, whose only reference is ours.
    unsafe {
        if let Err(r) = show_function(vm, f, o) {
            crate::to_c::decref(p);
            return Err(r);
        }
        (*o).vectorcall = Some(crate::slots::vectorcall_function);
    }
    Ok(p)
}

/// The struct of an instance of a Python class.
pub fn instance(vm: &Vm, v: Value) -> Res<*mut PyObject> {
    let t = types::type_to_c(vm, type_of(v))?;
    // SAFETY: a live type, the basic size of which the struct has.
    unsafe {
        let basic = (*t).tp_basicsize as usize;
        let p = alloc(vm, t, basic)?;
        show_vectorcall(p, t);
        Ok(p)
    }
}

/// Where the instances of a type keep their function for vectorcall, if they do.
///
/// # Safety
/// `p` must be a struct of type `t`.
#[inline(always)]
pub unsafe fn vectorcall_place(
    p: *mut PyObject,
    t: *mut PyTypeObject,
) -> Option<*mut Option<vectorcallfunc>> {
    // SAFETY: the caller's promise; the offset lies in the struct.
    unsafe { vectorcall_offset(t).map(|offset| (p as *mut u8).add(offset) as *mut Option<vectorcallfunc>) }
}

/// Where objects of a type keep their function for vectorcall, if they do.
///
/// # Safety
/// `t` must be live.
#[inline(always)]
pub unsafe fn vectorcall_offset(t: *mut PyTypeObject) -> Option<usize> {
    // SAFETY: the caller's promise.
    let (offset, flags) = unsafe { ((*t).tp_vectorcall_offset, (*t).tp_flags) };
    usize::try_from(offset).ok().filter(|&o| o > 0 && flags & tpflags::HAVE_VECTORCALL != 0)
}

/// Writes ours there, unless the struct has its own already, as functions do.
///
/// # Safety
/// As [`vectorcall_place`].
#[inline(always)]
unsafe fn show_vectorcall(p: *mut PyObject, t: *mut PyTypeObject) {
    // SAFETY: the caller's promise.
    if let Some(place) = unsafe { vectorcall_place(p, t) } {
        // SAFETY: the place lies in the struct.
        unsafe { (*place).get_or_insert(crate::slots::vectorcall) };
    }
}

/// What a macro reads of a field: a reference that is the field's, not the struct's, so it lives as long as the object does. NULL for
/// nothing and None.
#[inline(always)]
fn shown<T: HeapObject>(vm: &Vm, owner: Ptr<T>, field: &Field) -> Res<*mut PyObject> {
    let v = field.get();
    if v.is_empty() || v.is_none() {
        return Ok(std::ptr::null_mut());
    }
    let known = if v.is_ptr() { heap().mirror_of(v.header()) } else { std::ptr::null_mut() };
    if known.is_null() { shown_first(vm, owner, field) } else { Ok(known as *mut PyObject) }
}

/// [`shown`], of what has no C side yet.
#[inline(never)]
fn shown_first<T: HeapObject>(vm: &Vm, owner: Ptr<T>, field: &Field) -> Res<*mut PyObject> {
    vm.check_native_stack(" while crossing to C")?;
    let v = field.get();
    let b = boxed(v);
    if b != v {
        field.set(owner, b);
    }
    to_c_borrowed(vm, b)
}

/// Writes into a code object's mirror what extensions read of it: counts, and names, which the code keeps.
///
/// # Safety
/// `p` must be the code's fresh struct.
unsafe fn show_code(vm: &Vm, c: Ptr<CodeObj>, p: *mut PyCodeObject) -> Res<()> {
    let unit = &c.unit;
    let names = cape_vm::eval::variable_names(c);
    let count = |n: usize| n as c_int;
    let locals = names.len();
    // SAFETY: the caller's promise.
    unsafe {
        (*p).co_flags = c.flags as c_int;
        (*p).co_argcount = c.argcount as c_int;
        (*p).co_posonlyargcount = unit.posonlyargcount as c_int;
        (*p).co_kwonlyargcount = c.kwonly as c_int;
        (*p).co_stacksize = count((c.nregs as usize).saturating_sub(unit.first_temp()));
        (*p).co_firstlineno = unit.first_line as c_int;
        (*p).co_nlocals = count(locals);
        (*p).co_ncellvars = count(unit.cellvars.len());
        (*p).co_nfreevars = count(unit.freevars.len());
        let own_cells = unit.cellvars.iter().filter(|n| !unit.varnames.contains(n)).count();
        (*p).co_nlocalsplus = count(locals + own_cells + unit.freevars.len());
        (*p).co_framesize = (*p).co_nlocalsplus + (*p).co_stacksize;
        (*p).co_filename = shown(vm, c, &c.filename)?;
        (*p).co_name = shown(vm, c, &c.name)?;
        (*p).co_qualname = shown(vm, c, &c.qualname)?;
    }
    Ok(())
}

/// Writes into a function's mirror what macros read of it.
///
/// # Safety
/// `p` must be the function's struct.
unsafe fn show_function(vm: &Vm, f: Ptr<FunctionObj>, p: *mut PyFunctionObject) -> Res<()> {
    // SAFETY: the caller's promise.
    unsafe {
        (*p).func_code = shown(vm, f, &f.code)?;
        (*p).func_globals = shown(vm, f, &f.globals)?;
        (*p).func_module = shown(vm, f, &f.module)?;
        (*p).func_defaults = shown(vm, f, &f.defaults)?;
        (*p).func_kwdefaults = shown(vm, f, &f.kwdefaults)?;
    }
    Ok(())
}

/// The mirror of a linked object shows again what C's macros read.
pub fn changed(object: &Header) {
    let vm = cape_vm::vm::current;
    let p = heap().mirror_of(object) as *mut PyObject;
    // SAFETY: a linked mirror is live, and of the object's layout.
    if unsafe { show_size(object, p) } {
        return;
    }
    if let Some(t) = object.as_value().downcast::<TypeObj>() {
        if t.has(TypeFlags::MIRRORED) {
            let p = p as *mut PyTypeObject;
            // SAFETY: the class's type object. What cannot be shown, for want of memory, stays as it was.
            let _ = unsafe { types::show_names(vm(), t, p).and_then(|()| types::show_bases(vm(), t, p)) };
        }
        return;
    }
    // SAFETY: a linked mirror is live. As above.
    if unsafe { datetime::show(vm(), object.as_value(), p) }.is_ok_and(|shown| shown) {
        return;
    }
    if let Some(f) = object.as_value().downcast::<FunctionObj>() {
        let p = heap().mirror_of(object) as *mut PyFunctionObject;
        // SAFETY: as below. What cannot be shown, for want of memory, is not there.
        unsafe {
            ((*p).func_defaults, (*p).func_kwdefaults) = (std::ptr::null_mut(), std::ptr::null_mut());
            let _ = show_function(cape_vm::vm::current(), f, p);
        }
        return;
    }
    // SAFETY: a linked mirror is live, and of the object's layout.
    unsafe { show(object, heap().mirror_of(object) as *mut PyObject) }
}

/// Writes into the mirror of a dict or set what C's macros read of the size; false for other objects.
///
/// # Safety
/// `p` must be the object's struct.
#[inline(always)]
unsafe fn show_size(object: &Header, p: *mut PyObject) -> bool {
    let v = object.as_value();
    // SAFETY: the caller's promise.
    unsafe {
        if let Some(d) = v.downcast::<DictObj>() {
            (*(p as *mut PyDictObject)).ma_used = d.len() as isize;
        } else if let Some(s) = v.downcast::<SetObj>() {
            let o = p as *mut PySetObject;
            (*o).used = s.table.len() as isize;
            (*o).fill = (*o).used;
        } else {
            return false;
        }
    }
    true
}

/// Writes into a mirror what C's macros read of the size of a dict or set, and of the storage of a bytearray.
///
/// # Safety
/// As for [`show_size`].
unsafe fn show(object: &Header, p: *mut PyObject) {
    // SAFETY: the caller's promise.
    unsafe {
        if !show_size(object, p)
            && let Some(b) = object.as_value().downcast::<BytearrayObj>()
        {
            // The storage is the managed side's: `ob_alloc` stays zero.
            let o = p as *mut PyByteArrayObject;
            let (data, n) = b.terminated();
            (*o).ob_base.ob_size = n as isize;
            ((*o).ob_bytes, (*o).ob_start) = (data, data);
        }
    }
}

/// Bytes of structs of texts that are taken from lists of freed ones (bridge-c/largetext.c).
const SMALL_TEXT: usize = 128;

/// The struct of a str or bytes of exact type: `head` bytes, of which the caller writes what is behind the type, and behind them `bytes`
/// bytes of data, final NUL included. A large one stands in front of the data that it shares with the managed object, others get a copy.
#[inline(always)]
fn text(
    vm: &Vm,
    object: &Header,
    large: Option<*mut u8>,
    head: usize,
    data: *const u8,
    bytes: usize,
    t: *mut PyTypeObject,
) -> Res<*mut PyObject> {
    // SAFETY: large texts have room for the head; else there is room for both, rounded up to words, as the object's data is. The exact
    // types are static, and not counted.
    unsafe {
        let p = match large {
            Some(data) => {
                heap().share(object);
                data.sub(head)
            }
            None => {
                // (A multiple of 16, as of all texts: bridge-c/largetext.c.)
                let size = (head + bytes).next_multiple_of(16);
                let p = if size <= SMALL_TEXT {
                    crate::from_c::struct_taken(size / 8);
                    ffi::cape_text_malloc(head, bytes)
                } else {
                    ffi::PyObject_Malloc(size)
                } as *mut u8;
                if p.is_null() {
                    return Err(vm.memory_error(""));
                }
                copy_words(data, p.add(head), bytes);
                p
            }
        } as *mut PyObject;
        *(p as *mut u64) = 1;
        (*p).ob_type = t;
        Ok(p)
    }
}

/// Copies so many bytes, rounded up to words.
///
/// # Safety
/// Both must be aligned to words, and be so many words.
#[inline(always)]
unsafe fn copy_words(from: *const u8, to: *mut u8, bytes: usize) {
    if bytes > FEW_BYTES {
        // SAFETY: the caller's promise.
        return unsafe { std::ptr::copy_nonoverlapping(from, to, bytes) };
    }
    let (from, to) = (from as *const u64, to as *mut u64);
    for i in 0..bytes.div_ceil(8) {
        // SAFETY: the caller's promise. Volatile, because a call of memcpy would cost more than it saves.
        unsafe { to.add(i).write_volatile(from.add(i).read()) }
    }
}

fn exact_string(vm: &Vm, s: Ptr<StrObj>) -> Res<*mut PyObject> {
    let (n, width, ascii) = (s.len(), s.kind() as usize, s.is_ascii());
    let head = if ascii { 40 } else { 56 };
    let data = s.raw_bytes().as_ptr();
    let p = text(vm, s.header(), s.large_data(), head, data, (n + 1) * width, &raw mut ffi::PyUnicode_Type)?;
    // SAFETY: the struct has a head of that kind.
    unsafe {
        let o = p as *mut PyASCIIObject;
        (*o).length = n as isize;
        (*o).hash = -1;
        *(&raw mut (*o).state as *mut u64) =
            (s.is_interned() as u64) | (width as u64) << 2 | 1 << 5 | (ascii as u64) << 6;
        if !ascii {
            let c = p as *mut PyCompactUnicodeObject;
            (*c).utf8_length = 0;
            (*c).utf8 = std::ptr::null_mut();
        }
    }
    Ok(p)
}

fn exact_bytes(vm: &Vm, b: Ptr<BytesObj>) -> Res<*mut PyObject> {
    let data = b.as_slice().as_ptr();
    let p = text(vm, b.header(), b.large_data(), 32, data, b.len() + 1, &raw mut ffi::PyBytes_Type)?;
    // SAFETY: the struct has such a head.
    unsafe {
        (*(p as *mut PyBytesObject)).ob_base.ob_size = b.len() as isize;
        (*(p as *mut PyBytesObject)).ob_shash = -1;
    }
    Ok(p)
}

/// The struct of a string of a subclass, which has its data on its own, as CPython's.
fn string(vm: &Vm, s: Ptr<StrObj>, t: *mut PyTypeObject) -> Res<*mut PyObject> {
    let (n, width, ascii) = (s.len(), s.kind() as usize, s.is_ascii());
    let bytes = (n + 1) * width;
    let p = alloc(vm, t, 64)?;
    // SAFETY: the struct is fresh; data of `bytes` bytes is at `data`.
    unsafe {
        let o = p as *mut PyASCIIObject;
        (*o).length = n as isize;
        (*o).hash = -1;
        let data = ffi::PyObject_Malloc(bytes) as *mut u8;
        if data.is_null() {
            return Err(vm.memory_error(""));
        }
        std::ptr::write_bytes(data, 0, bytes);
        *((p as *mut u8).add(56) as *mut *mut u8) = data;
        (*o).state = (width as u32) << 2 | (ascii as u32) << 6;
        std::ptr::copy_nonoverlapping(s.raw_bytes().as_ptr(), data, s.raw_bytes().len());
        if ascii {
            let c = p as *mut PyCompactUnicodeObject;
            (*c).utf8 = data as *mut _;
            (*c).utf8_length = n as isize;
        }
    }
    Ok(p)
}

fn function(vm: &Vm, b: Ptr<BuiltinObj>, o: *mut PyCFunctionObject) -> Res<()> {
    // SAFETY: a fresh struct of that layout.
    unsafe {
        (*o).m_ml = method_def(b.def);
        // A receiver that is None is one.
        (*o).m_self =
            if b.this.get().is_none() { &raw mut ffi::_Py_NoneStruct } else { shown(vm, b, &b.this)? };
        (*o).m_module = shown(vm, b, &b.module)?;
        (*o).vectorcall = Some(vectorcall_of(b.def, false));
    }
    Ok(())
}

/// The vectorcall of a function or a method descriptor: C's own where a function of C is behind it.
fn vectorcall_of(def: &'static MethodDef, descriptor: bool) -> vectorcallfunc {
    let Some(c) = crate::call_c::c_method_def(def) else { return crate::slots::vectorcall };
    // SAFETY: a live definition; plain queries.
    let own = unsafe {
        let flags = (*c).ml_flags;
        if descriptor { ffi::cape_descriptor_vectorcall(flags) } else { ffi::cape_function_vectorcall(flags) }
    };
    own.unwrap_or(crate::slots::vectorcall)
}

/// Writes into a method descriptor's mirror what macros read of it, and how it is called.
///
/// # Safety
/// `p` must be the descriptor's struct.
unsafe fn show_descriptor(vm: &Vm, m: Ptr<MethodDescrObj>, p: *mut PyMethodDescrObject) -> Res<()> {
    let Some(class) = m.class.get().downcast::<TypeObj>() else { return Ok(()) };
    // SAFETY: the caller's promise. The class keeps its type object alive, and the descriptor the class.
    unsafe {
        (*p).d_type = types::type_to_c(vm, class)?;
        (*p).d_name = name_of(vm, m.def, m.def.name)?;
        (*p).d_method = method_def(m.def);
        (*p).vectorcall = Some(vectorcall_of(m.def, true));
    }
    Ok(())
}

/// Writes into the mirror of a special method what is read of it: Cython takes the definition apart, to put another docstring into it. (The
/// functions in it are CPython's business.)
///
/// # Safety
/// `p` must be the descriptor's struct.
unsafe fn show_slot_wrapper(vm: &Vm, m: Ptr<MethodDescrObj>, p: *mut PyWrapperDescrObject) -> Res<()> {
    thread_local! {
        static MADE: Made<wrapperbase> = const { Made::new() };
    }
    let Some(class) = m.class.get().downcast::<TypeObj>() else { return Ok(()) };
    let name = name_of(vm, m.def, m.def.name)?;
    let make = || wrapperbase {
        name: leaked(m.def.name),
        offset: 0,
        function: std::ptr::null_mut(),
        wrapper: std::ptr::null_mut(),
        doc: leaked(m.def.doc),
        flags: 0,
        name_strobj: name,
    };
    // SAFETY: the caller's promise; as in `show_descriptor`. Definitions never die, nor what is made of them here.
    unsafe {
        (*p).d_type = types::type_to_c(vm, class)?;
        (*p).d_name = name;
        (*p).d_base = MADE.with(|made| made.of(m.def, make));
    }
    Ok(())
}

/// Writes into the mirror of a class's attribute what is read of it, C's own definition among it: NumPy writes docstrings there.
///
/// # Safety
/// `p` must be the descriptor's struct.
unsafe fn show_attribute(vm: &Vm, g: Ptr<GetSetObj>, p: *mut PyGetSetDescrObject) -> Res<()> {
    thread_local! {
        static MADE: Made<PyGetSetDef> = const { Made::new() };
    }
    let Some(class) = g.class.get().downcast::<TypeObj>() else { return Ok(()) };
    let make = || PyGetSetDef {
        name: leaked(g.def.name),
        get: None,
        set: None,
        doc: leaked(g.def.doc),
        closure: std::ptr::null_mut(),
    };
    // SAFETY: the caller's promise; as in `show_descriptor`.
    unsafe {
        (*p).d_type = types::type_to_c(vm, class)?;
        (*p).d_name = name_of(vm, g.def, g.def.name)?;
        (*p).d_getset = match crate::attributes::definition(g.def) {
            Some(crate::attributes::Definition::Member(m)) => m as *mut std::ffi::c_void,
            Some(crate::attributes::Definition::GetSet(g)) => g as *mut std::ffi::c_void,
            None => MADE.with(|made| made.of(g.def, make)) as *mut std::ffi::c_void,
        };
    }
    Ok(())
}

/// C's structs of definitions in Rust, each made once: as definitions, they never die.
struct Made<S>(RefCell<Option<HashMap<usize, *mut S>>>);

impl<S> Made<S> {
    const fn new() -> Made<S> {
        Made(RefCell::new(None))
    }

    /// That of `def`.
    fn of<D>(&self, def: &'static D, make: impl FnOnce() -> S) -> *mut S {
        let mut made = self.0.borrow_mut();
        let made = made.get_or_insert_default();
        *made.entry(def as *const D as usize).or_insert_with(|| Box::into_raw(Box::new(make())))
    }
}

/// A text as a C string that is never freed.
fn leaked(s: &str) -> *const std::ffi::c_char {
    std::ffi::CString::new(s.replace('\0', "")).unwrap_or_default().into_raw()
}

/// The name of a definition as a C string object, which is kept.
fn name_of<D>(vm: &Vm, def: &'static D, name: &str) -> Res<*mut PyObject> {
    thread_local! {
        static MADE: RefCell<HashMap<usize, *mut PyObject>> = RefCell::new(HashMap::new());
    }
    let key = def as *const D as usize;
    if let Some(p) = MADE.with_borrow(|made| made.get(&key).copied()) {
        return Ok(p);
    }
    let p = to_c(vm, cape_vm::runtime::intern(name))?;
    MADE.with_borrow_mut(|made| made.insert(key, p));
    Ok(p)
}

/// The `PyMethodDef` of a definition: C's own, or one made for a function in Rust, once (as definitions, it never dies).
fn method_def(def: &'static MethodDef) -> *mut PyMethodDef {
    if let Some(d) = crate::call_c::c_method_def(def) {
        return d;
    }
    thread_local! {
        static MADE: Made<PyMethodDef> = const { Made::new() };
    }
    let make = || PyMethodDef {
        ml_name: leaked(def.name),
        ml_meth: std::ptr::null(),
        ml_flags: meth::VARARGS | meth::KEYWORDS,
        ml_doc: leaked(def.doc),
    };
    MADE.with(|made| made.of(def, make))
}

/// The managed side of a struct that C made, of a class with a builtin layout (a C type derived from a builtin one, or a builtin
/// struct that C itself allocates). `None`: the layout has no such conversion.
///
/// # Safety
/// `p` must be a live object of that class.
pub unsafe fn managed_for(vm: &Vm, p: *mut PyObject, class: Ptr<TypeObj>) -> Res<Option<Value>> {
    let map = class.instance_map();
    let kind = map.kind();
    let is = |k: &'static cape_heap::KindInfo| std::ptr::eq(kind, k);
    // SAFETY: the class's layout says what the struct holds.
    let v = unsafe {
        if is(LongObj::kind()) {
            let i = Int::of(long_value(p)).expect("an int").into_big();
            LongObj::with_map(map, &i).value()
        } else if is(FloatObj::kind()) {
            FloatObj::with_map(map, (*(p as *mut PyFloatObject)).ob_fval).value()
        } else if is(ComplexObj::kind()) {
            let c = p as *mut PyComplexObject;
            ComplexObj::with_map(map, (*c).real, (*c).imag).value()
        } else if is(<StrObj as HeapObject>::kind()) {
            let s = str_value(p);
            let cs = s.to_code_points();
            StrObj::from_iter(map, cs.len(), cs.iter().copied().max().unwrap_or(0), cs.iter().copied())
                .value()
        } else if is(BytesObj::kind()) {
            let b = p as *mut PyBytesObject;
            let n = (*b).ob_base.ob_size as usize;
            BytesObj::with_map(map, std::slice::from_raw_parts((&raw const (*b).ob_sval) as *const u8, n))
                .value()
        } else if is(TupleObj::kind()) {
            let t = p as *mut PyTupleObject;
            let n = (*t).ob_base.ob_size as usize;
            let items = std::slice::from_raw_parts((&raw const (*t).ob_item) as *const *mut PyObject, n);
            let mut out = ValueVec::with_capacity(n);
            for &i in items {
                out.push(if i.is_null() { Value::NONE } else { from_c(vm, i)? });
            }
            TupleObj::with_map(map, &out).value()
        } else if is(ListObj::kind()) {
            let l = ListObj::empty_with_map(map);
            l.become_mirrored();
            l.value()
        } else if is(DictObj::kind()) {
            DictObj::with_map(map).value()
        } else if is(SetObj::kind()) {
            SetObj::with_map(map).value()
        } else if is(ExcObj::kind()) {
            // One that C made itself (bridge-c/pyerrors.c) keeps its arguments in the struct until now.
            let args =
                std::mem::replace(&mut (*(p as *mut PyBaseExceptionObject)).args, std::ptr::null_mut());
            let args = if args.is_null() { None } else { take_over(vm, args)?.downcast() };
            ExcObj::with_map(map, args.unwrap_or_else(|| TupleObj::new(&[]))).value()
        } else if is(BytearrayObj::kind()) {
            let b = p as *mut PyByteArrayObject;
            let n = (*b).ob_base.ob_size as usize;
            let data = if n == 0 { &[][..] } else { std::slice::from_raw_parts((*b).ob_start, n) };
            let v = BytearrayObj::with_map(map, data.to_vec());
            // The storage is the managed side's from now on, unless somebody looks at C's.
            if (*b).ob_exports == 0 {
                if (*b).ob_alloc > 0 {
                    ffi::PyMem_Free((*b).ob_bytes as *mut _);
                }
                (*b).ob_alloc = 0;
                show(v.header(), p);
            }
            v.value()
        } else if is(ModuleObj::kind()) {
            ModuleObj::with_map(map).value()
        } else if is(SeqIterObj::kind())
            && (map == rt().maps.list_iterator || map == rt().maps.tuple_iterator)
        {
            // One that bridge-c/iterobject.c made: the managed side goes on where it is.
            let it = p as *mut PySequenceIterObject;
            let seq = std::mem::replace(&mut (*it).it_seq, std::ptr::null_mut());
            let seq = if seq.is_null() { Value::EMPTY } else { take_over(vm, seq)? };
            let v = SeqIterObj::with_map(map, seq);
            v.index.set((*it).it_index as usize);
            v.value()
        } else if is(RangeIterObj::kind()) {
            // The same.
            let it = p as *mut PyRangeIterObject;
            RangeIterObj::new((*it).start, (*it).step, (*it).len as usize).value()
        } else if is(InstanceObj::kind()) {
            // What PyType_GenericAlloc made of a class written in Python.
            InstanceObj::new(map).value()
        } else {
            return datetime::managed_for(vm, p, map);
        }
    };
    Ok(Some(v))
}

/// Whether the class's instances are proxies of C structs.
pub fn is_proxy_class(class: Ptr<TypeObj>) -> bool {
    std::ptr::eq(class.instance_map().kind(), ForeignObj::kind())
}
