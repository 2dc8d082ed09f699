//! C references into values: the sole conversion in this direction.

use std::mem::MaybeUninit;
use std::ptr::eq;
use std::sync::atomic::AtomicI32;
use std::sync::atomic::Ordering::Relaxed;

use cape_heap::{MapRef, Mirror, heap};
use cape_vm::class::full_name;
use cape_vm::foreign::ForeignObj;
use cape_vm::object::*;
use cape_vm::{Ptr, Res, Value, Vm};

use crate::ffi;
use crate::fresh::{self, is_short_list};
use crate::layout::*;
use crate::lend::{SMALL_MAX, SMALL_MIN};
use crate::mirror::types::class_behind;
use crate::to_c::{decref, incref};
use crate::unseen;

/// The link index in a head; 0 when the object is not linked.
#[inline(always)]
pub fn link_of(p: *mut PyObject) -> u32 {
    // SAFETY: callers pass live objects.
    let l = unsafe { (*p).ob_link };
    if l & 0xffff == 0 { 0 } else { l }
}

/// The managed side of a live C object. The reference stays the caller's.
#[inline]
pub fn from_c(vm: &Vm, p: *mut PyObject) -> Res<Value> {
    debug_assert!(!p.is_null());
    let l = link_of(p);
    if l != 0 {
        return Ok(heap().managed_of(l));
    }
    match one_digit(p) {
        Some(v) => Ok(v),
        None if eq(p, &raw const ffi::_Py_NoneStruct) => Ok(Value::NONE),
        None => from_unlinked(vm, p, false),
    }
}

/// As [`from_c`], where that is there already or needs no memory; `None` elsewhere.
#[inline(always)]
pub fn from_c_at_once(p: *mut PyObject) -> Option<Value> {
    let l = link_of(p);
    if l != 0 {
        return Some(heap().managed_of(l));
    }
    if eq(p, &raw const ffi::_Py_NoneStruct) {
        return Some(Value::NONE);
    }
    one_digit(p).or_else(|| float_or_singleton(p))
}

fn float_or_singleton(p: *mut PyObject) -> Option<Value> {
    float(p).or_else(|| singleton(p))
}

/// The value of an int of one digit, or of a float; `None` for all other objects.
#[inline(always)]
pub fn number(p: *mut PyObject) -> Option<Value> {
    one_digit(p).or_else(|| float(p))
}

/// The value of a float of exact type; `None` for all other objects.
#[inline(always)]
fn float(p: *mut PyObject) -> Option<Value> {
    // SAFETY: a live object, laid out as its type says.
    unsafe {
        eq((*p).ob_type, &raw const ffi::PyFloat_Type)
            .then(|| Value::float((*(p as *mut PyFloatObject)).ob_fval))
    }
}

/// The managed side of a new reference, which is taken over: what C made fresh and hands over whole is freed.
#[inline(always)]
pub fn take_over(vm: &Vm, p: *mut PyObject) -> Res<Value> {
    let l = link_of(p);
    if l == 0 {
        let taken = take_unlinked(vm, p);
        if heap().in_region(p as usize) {
            // (A large text: its memory is to be used again as soon as nobody has it, and not kept by what this has left on the stack.)
            vm.scrub_frames_to_come();
        }
        return taken;
    }
    let v = heap().managed_of(l);
    // SAFETY: the reference is ours.
    unsafe { decref(p) };
    Ok(v)
}

/// Whether a new reference of C's is to None or to a linked object: [`plain`] takes it over.
#[inline(always)]
pub fn is_plain(p: *mut PyObject) -> bool {
    eq(p, &raw const ffi::_Py_NoneStruct) || link_of(p) != 0
}

/// The managed side of a new reference that [`is_plain`], which is taken over.
#[inline(always)]
pub fn plain(p: *mut PyObject) -> Value {
    if eq(p, &raw const ffi::_Py_NoneStruct) {
        return Value::NONE;
    }
    let v = heap().managed_of(link_of(p));
    // SAFETY: the reference is ours.
    unsafe { decref(p) };
    v
}

/// The value of an int of one digit; `None` for all other objects.
#[inline(always)]
pub fn one_digit(p: *mut PyObject) -> Option<Value> {
    // SAFETY: a live object, laid out as its type says.
    unsafe {
        let l = p as *mut PyLongObject;
        if !eq((*p).ob_type, &raw const ffi::PyLong_Type) || (*l).lv_tag >= 2 << 3 {
            return None;
        }
        // The two low bits are 1 minus the sign.
        let digit = *((&raw const (*l).ob_digit) as *const u32);
        Some(Value::int((1 - ((*l).lv_tag & 3) as i64) * digit as i64))
    }
}

/// The value of one of the ints that all share, by its address alone.
#[inline(always)]
pub fn small_int(p: *mut PyObject) -> Option<Value> {
    const ALL: usize = (SMALL_MAX - SMALL_MIN + 1) as usize * size_of::<ffi::SmallInt>();
    let at = (p as usize).wrapping_sub(&raw const ffi::_Cape_small_ints as usize);
    (at < ALL).then(|| Value::int((at / size_of::<ffi::SmallInt>()) as i64 + SMALL_MIN))
}

#[inline(never)]
fn take_unlinked(vm: &Vm, p: *mut PyObject) -> Res<Value> {
    if let Some(v) = truth(p) {
        return Ok(v);
    }
    // SAFETY: a live object, whose reference is ours.
    unsafe {
        let v = take_at_once(p);
        if !v.is_empty() {
            return Ok(v);
        }
        let t = (*p).ob_type;
        let fresh = (*p).ob_refcnt == 1;
        if fresh && eq(t, &raw const ffi::PyTuple_Type) {
            return fresh::tuple(vm, p);
        }
        if fresh && is_short_list(p) {
            return fresh::list(vm, p);
        }
        let v =
            if eq(t, &raw const ffi::PyLong_Type) { Ok(long_value(p)) } else { from_unlinked(vm, p, fresh) };
        decref(p);
        v
    }
}

/// What [`take_over`] does for an object of the commonest sorts, which takes neither conversions nor errors: numbers of the usual size,
/// instances of classes of C, short texts, small tuples and lists of what is there; EMPTY, with nothing done, for others.
///
/// # Safety
/// `p` must be live and unlinked, and the reference the caller's.
#[inline(always)]
pub unsafe fn take_at_once(p: *mut PyObject) -> Value {
    // SAFETY: the caller's promise; objects are laid out as their types say.
    unsafe {
        let t = (*p).ob_type;
        let v = if eq(t, &raw const ffi::PyFloat_Type) {
            Value::float((*(p as *mut PyFloatObject)).ob_fval)
        } else if let Some(v) = one_digit(p) {
            v
        } else if eq(t, &raw const ffi::PyLong_Type) {
            long_value(p)
        } else if eq(t, &raw const ffi::PyComplex_Type) {
            let c = p as *mut PyComplexObject;
            ComplexObj::new((*c).real, (*c).imag).value()
        } else if t.is_null() {
            return Value::EMPTY;
        } else if eq(t, &raw const ffi::PyTuple_Type) || eq(t, &raw const ffi::PyList_Type) {
            return if (*p).ob_refcnt == 1 { fresh::take_at_once(p) } else { Value::EMPTY };
        } else if (*t).tp_flags & (tpflags::STATIC_BUILTIN | tpflags::TYPE_SUBCLASS) == 0 {
            return fresh_instance(p, t).unwrap_or(Value::EMPTY);
        } else if (*p).ob_refcnt == 1 {
            return take_short_text(p).unwrap_or(Value::EMPTY);
        } else {
            return Value::EMPTY;
        };
        decref(p);
        v
    }
}

/// The new managed side of an instance of a class of C, whose link takes the reference over; `None`: it is something else.
///
/// # Safety
/// `p` must be live and unlinked, `t` its type, neither a class nor built in, and the reference the caller's.
#[inline(always)]
unsafe fn fresh_instance(p: *mut PyObject, t: *mut PyTypeObject) -> Option<Value> {
    // SAFETY: the caller's promise.
    unsafe {
        let map = class_behind(t)?.instance_map();
        if !eq(map.kind(), <ForeignObj as cape_heap::HeapObject>::kind()) {
            return None;
        }
        let v = proxy(map);
        heap().link(v.header(), p as *mut Mirror);
        memory_taken();
        Some(v.value())
    }
}

/// A short text of which nobody else knows, moved; `None`: it is none.
///
/// # Safety
/// As for [`take_unlinked`]; the count is one.
#[inline(always)]
unsafe fn take_short_text(p: *mut PyObject) -> Option<Value> {
    /// In the state of a str: its width, a byte, and that the data is behind the struct.
    const WIDTH_AND_COMPACT: u32 = 7 << 2 | 1 << 5;
    const COMPACT: u32 = 1 << 5;
    const COMPACT_BYTES: u32 = 1 << 2 | COMPACT;
    // SAFETY: the caller's promise; the types say how the structs are laid out, and that these are their deallocators.
    unsafe {
        if eq((*p).ob_type, &raw const ffi::PyUnicode_Type) {
            let a = p as *mut PyASCIIObject;
            let n = (*a).length;
            if (*a).state & WIDTH_AND_COMPACT != COMPACT_BYTES || n >= SMALL {
                return if (*a).state & COMPACT != 0 && n < SMALL { take_wide_text(p) } else { None };
            }
            let s = one_byte_text(p, kind_of(a).1, n as usize);
            ffi::cape_unicode_dealloc(p);
            return Some(s.value());
        }
        if eq((*p).ob_type, &raw const ffi::PyBytes_Type) {
            let b = p as *mut PyBytesObject;
            let n = (*b).ob_base.ob_size;
            if n >= SMALL {
                return None;
            }
            let data = std::slice::from_raw_parts((&raw const (*b).ob_sval) as *const u8, n as usize);
            let v = BytesObj::new(data);
            ffi::cape_bytes_dealloc(p);
            return Some(v.value());
        }
    }
    None
}

/// The managed side of a compact C string of one byte per code point, of which the struct says whether all are ASCII.
///
/// # Safety
/// `p` must be such a string, of `n` code points.
#[inline(always)]
unsafe fn one_byte_text(p: *mut PyObject, ascii: bool, n: usize) -> Ptr<StrObj> {
    // SAFETY: the caller's promise.
    let data = |head| unsafe { std::slice::from_raw_parts((p as *const u8).add(head), n) };
    if ascii { StrObj::from_ascii(data(size_of::<PyASCIIObject>())) } else { StrObj::from_latin1(data(56)) }
}

/// The same of a short str of wide characters.
///
/// # Safety
/// As for [`take_short_text`].
#[inline(never)]
unsafe fn take_wide_text(p: *mut PyObject) -> Option<Value> {
    // SAFETY: the caller's promise. It is too short for memory that the heap lends.
    unsafe {
        let s = str_value(p);
        ffi::cape_unicode_dealloc(p);
        Some(s.value())
    }
}

/// True or False, which comparisons give.
#[inline(always)]
pub fn truth(p: *mut PyObject) -> Option<Value> {
    let is_true = eq(p, &raw const ffi::_Py_TrueStruct);
    (is_true || eq(p, &raw const ffi::_Py_FalseStruct)).then(|| Value::bool(is_true))
}

/// The singleton behind the address of one of C's static singletons.
fn singleton(p: *mut PyObject) -> Option<Value> {
    Some(if eq(p, &raw const ffi::_Py_NoneStruct) {
        Value::NONE
    } else if eq(p, &raw const ffi::_Py_TrueStruct) {
        Value::TRUE
    } else if eq(p, &raw const ffi::_Py_FalseStruct) {
        Value::FALSE
    } else if eq(p, &raw const ffi::_Py_NotImplementedStruct) {
        Value::NOT_IMPLEMENTED
    } else if eq(p, &raw const ffi::_Py_EllipsisObject) {
        Value::ELLIPSIS
    } else {
        return None;
    })
}

/// The value of a C int.
///
/// # Safety
/// `p` must be laid out as a PyLongObject.
pub unsafe fn long_value(p: *mut PyObject) -> Value {
    // SAFETY: the caller's promise.
    unsafe {
        let l = p as *mut PyLongObject;
        let tag = (*l).lv_tag;
        let n = tag >> 3;
        let digits = (&raw const (*l).ob_digit) as *const u32;
        if n <= 1 {
            // The two low bits are 1 minus the sign.
            return Value::int((1 - (tag & 3) as i64) * *digits as i64);
        }
        let negative = tag & 3 == 2;
        if n == 2 {
            let m = *digits as i64 | (*digits.add(1) as i64) << 30;
            return int_value(if negative { -m } else { m });
        }
        if n == 3 && *digits.add(2) < 16 {
            let (low, high) = (*digits as u64 | (*digits.add(1) as u64) << 30, *digits.add(2) as u64);
            return magnitude_value(negative, low | high << 60);
        }
        if n <= 4 {
            let m = (0..n).fold(0, |m, i| m | (*digits.add(i) as i128) << (30 * i));
            return i128_value(if negative { -m } else { m });
        }
        long_digits(std::slice::from_raw_parts(digits, n), negative)
    }
}

/// The value of many 30-bit digits.
#[inline(never)]
fn long_digits(small: &[u32], negative: bool) -> Value {
    const FEW: usize = 34;
    if small.len() <= FEW {
        let mut out = [const { MaybeUninit::uninit() }; (FEW * 30).div_ceil(64)];
        let (mut acc, mut bits, mut n) = (0u64, 0, 0);
        for &d in small {
            acc |= (d as u64) << bits;
            bits += 30;
            if bits >= 64 {
                out[n].write(acc);
                n += 1;
                bits -= 64;
                // What is left of the digit.
                acc = d as u64 >> (30 - bits);
            }
        }
        if bits > 0 {
            out[n].write(acc);
            n += 1;
        }
        // SAFETY: the first n are written.
        return digits::finish(negative, unsafe { std::slice::from_raw_parts(out.as_ptr().cast(), n) });
    }
    let mut out = digits::Digits::with_capacity(small.len().div_ceil(2));
    let (mut acc, mut bits) = (0u64, 0);
    for &d in small {
        acc |= (d as u64) << bits;
        bits += 30;
        if bits >= 64 {
            out.push(acc);
            bits -= 64;
            // What is left of the digit.
            acc = d as u64 >> (30 - bits);
        }
    }
    out.push(acc);
    digits::finish(negative, &out)
}

/// How wide a C string's code points are, and whether they are ASCII.
///
/// # Safety
/// `a` must be a ready PyUnicode object.
unsafe fn kind_of(a: *mut PyASCIIObject) -> (StrKind, bool) {
    // SAFETY: the caller's promise.
    let state = unsafe { (*a).state };
    let kind = match state >> 2 & 7 {
        1 => StrKind::One,
        2 => StrKind::Two,
        _ => StrKind::Four,
    };
    (kind, state >> 6 & 1 != 0)
}

/// The text of a C string.
///
/// # Safety
/// `p` must be a ready PyUnicode object.
pub unsafe fn str_value(p: *mut PyObject) -> Ptr<StrObj> {
    // SAFETY: the caller's promise; the state bits say where and how wide the data is.
    unsafe {
        let a = p as *mut PyASCIIObject;
        let n = (*a).length as usize;
        let (kind, ascii) = kind_of(a);
        let compact = (*a).state >> 5 & 1 != 0;
        let data: *const u8 = if compact {
            if ascii { (p as *const u8).add(40) } else { (p as *const u8).add(56) }
        } else {
            *((p as *const u8).add(56) as *const *const u8)
        };
        match kind {
            StrKind::One if compact => one_byte_text(p, ascii, n),
            StrKind::One => StrObj::from_latin1(std::slice::from_raw_parts(data, n)),
            StrKind::Two => {
                let d = std::slice::from_raw_parts(data as *const u16, n);
                StrObj::from_two_byte(d)
            }
            StrKind::Four => StrObj::from_code_points(std::slice::from_raw_parts(data as *const u32, n)),
        }
    }
}

/// The managed side of a large C string in memory that the heap lent, in the same memory.
///
/// # Safety
/// `p` must be an unlinked string in such memory.
unsafe fn adopted_str(p: *mut PyObject) -> Ptr<StrObj> {
    // SAFETY: the caller's promise; such strings are compact.
    unsafe {
        let a = p as *mut PyASCIIObject;
        let (kind, ascii) = kind_of(a);
        StrObj::adopt(p as *const u8, (*a).length as usize, kind, ascii)
    }
}

/// Bytes that a fresh object handed over whole may have to be copied instead of linked. (With a link the struct stays until a collection
/// has found its object dead, and the memory is cold when it is used again: that costs more than copying 2,000 bytes.)
const SMALL: isize = 2048;

/// [`from_c`] of an unlinked object; `fresh`: nobody else knows it, and it is about to die.
pub fn from_unlinked(vm: &Vm, p: *mut PyObject, fresh: bool) -> Res<Value> {
    // SAFETY: p is a live object; each arm reads the layout that its type says.
    unsafe {
        let t = (*p).ob_type;
        if eq(t, &raw const ffi::PyLong_Type) {
            return Ok(long_value(p));
        }
        if eq(t, &raw const ffi::PyFloat_Type) {
            return Ok(Value::float((*(p as *mut PyFloatObject)).ob_fval));
        }
        if !t.is_null() && (*t).tp_flags & (tpflags::STATIC_BUILTIN | tpflags::TYPE_SUBCLASS) == 0 {
            if let Some(v) = fresh_instance(p, t) {
                // (The caller keeps its reference.)
                incref(p);
                return Ok(v);
            }
            return instance(vm, p, t, fresh);
        }
        if eq(t, &raw const ffi::PyTuple_Type) {
            return fresh::tuple_of(vm, p, fresh);
        }
        if eq(t, &raw const ffi::PyUnicode_Type) {
            if heap().in_region(p as usize) {
                let s = adopted_str(p);
                link(s.header(), p);
                return Ok(s.value());
            }
            let s = str_value(p);
            if !(fresh && (*(p as *mut PyASCIIObject)).length < SMALL) {
                link(s.header(), p);
            }
            return Ok(s.value());
        }
        if eq(t, &raw const ffi::PyBytes_Type) {
            let b = p as *mut PyBytesObject;
            let n = (*b).ob_base.ob_size;
            if heap().in_region(p as usize) {
                let v = BytesObj::adopt(p as *const u8, n as usize);
                link(v.header(), p);
                return Ok(v.value());
            }
            let data = std::slice::from_raw_parts((&raw const (*b).ob_sval) as *const u8, n as usize);
            if fresh && n < SMALL {
                return Ok(BytesObj::new(data).value());
            }
            // An object of its own: the one without any content may have a struct already.
            let v = BytesObj::with_map(cape_vm::runtime::rt().maps.bytes, data);
            link(v.header(), p);
            return Ok(v.value());
        }
        if eq(t, &raw const ffi::PyList_Type) {
            if fresh && is_short_list(p) {
                return fresh::list_of(vm, p);
            }
            let l = ListObj::new(&[]);
            l.become_mirrored();
            link(l.header(), p);
            return Ok(l.value());
        }
        if eq(t, &raw const ffi::PyDict_Type) {
            return unseen::managed(vm, p, fresh);
        }
        if let Some(v) = singleton(p) {
            return Ok(v);
        }
        if eq(t, &raw const ffi::PyComplex_Type) {
            let c = p as *mut PyComplexObject;
            return Ok(ComplexObj::new((*c).real, (*c).imag).value());
        }
        if eq(t, &raw const ffi::PySlice_Type) {
            let s = p as *mut PySliceObject;
            let (a, b, c) = (from_c(vm, (*s).start)?, from_c(vm, (*s).stop)?, from_c(vm, (*s).step)?);
            return Ok(SliceObj::new(a, b, c).value());
        }
        instance(vm, p, t, fresh)
    }
}

/// An exception of a builtin class that adds nothing to BaseException, which C has made (bridge-c/pyerrors.c) and nobody else knows, in
/// one go; `None`, with nothing done, of all others. The reference is taken over.
pub fn fresh_exception(vm: &Vm, p: *mut PyObject) -> Option<Res<Value>> {
    // SAFETY: a live exception, whose reference is ours; of a builtin class, so that the struct is what its size says.
    unsafe {
        let t = (*p).ob_type;
        if link_of(p) != 0
            || (*p).ob_refcnt != 1
            || (*t).tp_flags & tpflags::STATIC_BUILTIN == 0
            || (*t).tp_basicsize as usize != size_of::<PyBaseExceptionObject>()
        {
            return None;
        }
        let class = class_behind(t)?;
        let e = p as *mut PyBaseExceptionObject;
        let args = (*e).args as *mut PyTupleObject;
        let n = if args.is_null() { 0 } else { (*args).ob_base.ob_size };
        let args = if n == 0 {
            TupleObj::new(&[])
        } else if n == 1 && link_of(args as *mut PyObject) == 0 && (*args).ob_base.ob_base.ob_refcnt == 1 {
            let place = (&raw mut (*args).ob_item) as *mut *mut PyObject;
            match fresh::take_item(vm, place.replace(std::ptr::null_mut())) {
                Ok(v) => {
                    (*e).args = std::ptr::null_mut();
                    ffi::cape_free_emptied_tuple(args as *mut PyObject);
                    TupleObj::new(&[v])
                }
                Err(r) => {
                    decref(p);
                    return Some(Err(r));
                }
            }
        } else {
            return None;
        };
        let made = ExcObj::with_map(class.instance_map(), args);
        // (What is left of such a struct is its memory: of no arguments there is one tuple, which is not counted.)
        ffi::cape_mirror_dealloc(p);
        Some(Ok(made.value()))
    }
}

/// Joins a managed object with a struct that C made; the link takes a reference of its own.
///
/// # Safety
/// `p` must be live and unlinked, `object` unlinked.
pub unsafe fn link(object: &cape_heap::Header, p: *mut PyObject) {
    // SAFETY: the caller's promise.
    unsafe {
        incref(p);
        heap().link(object, p as *mut Mirror);
    }
    memory_taken();
}

/// Memory that C allocates between two looks of the collector, in large blocks.
const LOOK: usize = 1 << 20;
/// Memory in small blocks, in structs of containers, or in numbers from the lists of freed ones, that makes a minor collection due: more would not be in the second
/// level cache when it is used again.
const LOOK_SMALL: usize = 512 << 10;

/// When fewer freed ints, or floats, are left than this, as many have been taken.
static LEAST: [AtomicI32; 2] = [const { AtomicI32::new(i32::MIN) }; 2];
/// Bytes of the structs of ints of up to two digits, and of floats.
pub const NUMBERS: [usize; 2] = [32, 24];

/// To be called where objects are linked: the collector hears of the memory that C's structs, of either origin, took.
#[inline(always)]
pub fn memory_taken() {
    // SAFETY: the GIL is held.
    let many = unsafe {
        ffi::_Cape_allocated > LOOK
            || ffi::_Cape_allocated_small > LOOK_SMALL
            || ffi::_Cape_free_numbers[0].count < LEAST[0].load(Relaxed)
            || ffi::_Cape_free_numbers[1].count < LEAST[1].load(Relaxed)
    };
    if many {
        tell_of_memory();
    }
}

/// A container's struct of so many words has been made, from a list of freed ones perhaps.
#[inline(always)]
pub fn struct_taken(words: usize) {
    // SAFETY: the GIL is held.
    unsafe { ffi::_Cape_allocated_small += 8 * words }
}

#[cold]
#[inline(never)]
fn tell_of_memory() {
    // SAFETY: as above.
    unsafe {
        let large = std::mem::take(&mut *(&raw mut ffi::_Cape_allocated));
        heap().memory_taken(large);
        let small = ffi::_Cape_allocated_small;
        if large <= LOOK || small > LOOK_SMALL {
            ffi::_Cape_allocated_small = 0;
            // (Not again until memory has been given back.)
            LEAST.iter().for_each(|least| least.store(i32::MIN, Relaxed));
            heap().structs_taken(small);
        }
    }
}

/// C's structs have been given back after a collection: what is taken from now on counts.
pub fn memory_given_back() {
    // SAFETY: the GIL is held.
    unsafe {
        heap().memory_returned(std::mem::take(&mut *(&raw mut ffi::_Cape_returned)));
        ffi::_Cape_allocated_small = 0;
        for (i, least) in LEAST.iter().enumerate() {
            least.store(ffi::_Cape_free_numbers[i].count - (LOOK_SMALL / NUMBERS[i]) as i32, Relaxed);
        }
    }
}

/// A new proxy, for an instance of a class with this map.
#[inline(always)]
fn proxy(map: MapRef) -> Ptr<ForeignObj> {
    heap().alloc(map, ForeignObj { header: cape_heap::Header::new(map) })
}

/// An instance of a class implemented in C, or a C object of another builtin layout: gets its managed side.
unsafe fn instance(vm: &Vm, p: *mut PyObject, t: *mut PyTypeObject, fresh: bool) -> Res<Value> {
    // SAFETY: p is live, so its type is.
    unsafe {
        if t.is_null() {
            return Err(vm.system_error("an object without a type came from C"));
        }
        if (*t).tp_flags & tpflags::TYPE_SUBCLASS != 0 {
            // A type that nobody has readied yet.
            let class = crate::typeready::ready(vm, p as *mut PyTypeObject)?;
            return Ok(class.value());
        }
        let class = crate::typeready::class_of(vm, t)?;
        let map = class.instance_map();
        let kind = map.kind();
        let v = if eq(kind, <ForeignObj as cape_heap::HeapObject>::kind()) {
            proxy(map).value()
        } else {
            match crate::mirror::managed_for(vm, p, class)? {
                Some(v) => v,
                None => {
                    return Err(vm.system_error(format!(
                        "an object of type '{}' that C made has no managed side",
                        full_name(class)
                    )));
                }
            }
        };
        // Nobody else knows the struct of a fresh exception, or a fresh date, and there is nothing of C's in it.
        let plain = v.is::<ExcObj>() && (*t).tp_flags & tpflags::STATIC_BUILTIN != 0
            || crate::mirror::datetime::is_static(t);
        if !(fresh && plain) {
            link(v.header(), p);
        }
        Ok(v)
    }
}
