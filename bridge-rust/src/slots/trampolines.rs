//! Slot functions of managed classes: C calls them, the class's special method answers.

use std::ffi::c_int;
use std::mem::MaybeUninit;
use std::ptr::null_mut;

use cape_heap::{HeapObject, heap};
use cape_vm::generator::GeneratorObj;
use cape_vm::object::*;
use cape_vm::ops::{self, BinaryOperator, Cmp};
use cape_vm::runtime::{rt, type_of};
use cape_vm::special::Special;
use cape_vm::{Ptr, Res, Value};

use crate::enter::{CResult, Cx, New, enter, enter_at_once, enter_infallible};
use crate::error::take;
use crate::ffi;
use crate::from_c::{from_c, from_c_at_once, link_of};
use crate::layout::*;
use crate::lend::borrowed;
use crate::to_c::new_int;

/// Operators by the numbers of bridge-c/number.c.
pub const OPERATORS: [&BinaryOperator; 13] = [
    &ops::ADD,
    &ops::SUB,
    &ops::MUL,
    &ops::MOD,
    &ops::DIVMOD,
    &ops::LSHIFT,
    &ops::RSHIFT,
    &ops::AND,
    &ops::XOR,
    &ops::OR,
    &ops::FLOORDIV,
    &ops::TRUEDIV,
    &ops::MATMUL,
];

fn special(cx: &Cx, v: Value, s: Special) -> CResult<Value> {
    let f = base_method(v, s).unwrap_or_else(|| type_of(v).special(s));
    if f.is_empty() {
        return Err(cx.vm.attribute_error(format!(
            "'{}' object has no attribute '{}'",
            type_of(v).name_str(),
            s.name()
        )));
    }
    Ok(f)
}

/// The builtin method for an object whose class has a slot of C for it. A managed slot that is called with such an object is not the
/// class's: the slot of C calls it for what its base does.
#[inline(always)]
fn base_method(v: Value, s: Special) -> Option<Value> {
    let t = type_of(v);
    if !t.has(TypeFlags::FOREIGN) { None } else { base_method_of_c(t, s) }
}

#[inline(never)]
fn base_method_of_c(t: Ptr<TypeObj>, s: Special) -> Option<Value> {
    if !super::wrappers::is_slot(t.special(s)) {
        return None;
    }
    let mro = t.mro();
    let methods = mro.as_slice().iter().filter_map(|c| c.downcast::<TypeObj>()).map(|c| c.special(s));
    methods.into_iter().find(|&f| !super::wrappers::is_slot(f)).filter(|f| !f.is_empty())
}

fn arg(cx: &Cx, p: *mut PyObject) -> Res<Value> {
    if p.is_null() {
        return Err(take(cx.vm).unwrap_or_else(|| cx.vm.system_error("null argument to internal routine")));
    }
    from_c(cx.vm, p)
}

fn optional(cx: &Cx, p: *mut PyObject) -> Res<Value> {
    if p.is_null() { Ok(Value::NONE) } else { from_c(cx.vm, p) }
}

/// Argument tuple and keywords of a call, as slots of C get them.
pub(super) fn arguments(
    cx: &Cx,
    args: *mut PyObject,
    kw: *mut PyObject,
) -> Res<(Ptr<TupleObj>, Option<Ptr<DictObj>>)> {
    let args = arg(cx, args)?.downcast().ok_or_else(|| cx.vm.type_error("argument list must be a tuple"))?;
    Ok((args, optional(cx, kw)?.downcast()))
}

pub(super) unsafe extern "C" fn unary<const S: usize>(o: *mut PyObject) -> *mut PyObject {
    if S == Special::Iter as usize
        && let Some(p) = iterator_of_range(o)
    {
        return p;
    }
    enter("slot", null_mut(), |cx| -> CResult<New> {
        let v = arg(cx, o)?;
        let s = Special::all()[S];
        let f = special(cx, v, s)?;
        if s == Special::Iter {
            return cx.give(cx.vm.iter(v)?);
        }
        cx.answer(cx.vm.call_special(f, &[v])?)
    })
}

/// A new iterator over a range, as C's own struct, which needs no managed side unless Python code sees it; NULL with an exception.
/// `None`, with nothing done: it is no range, or one of large numbers.
#[inline(always)]
fn iterator_of_range(o: *mut PyObject) -> Option<*mut PyObject> {
    let l = if o.is_null() { 0 } else { link_of(o) };
    if l == 0 {
        return None;
    }
    let range = heap().managed_of(l).downcast::<RangeObj>()?;
    let (start, step, len) = (range.start.get(), range.step.get(), range.length.get());
    // (Of numbers that are unboxed, no step leaves the word.)
    let small = start.is_int() && step.is_int() && len.is_int() && range.stop.get().is_int();
    // SAFETY: a constructor.
    small.then(|| unsafe { ffi::cape_range_iterator(start.as_int(), step.as_int(), len.as_int() as isize) })
}

pub(super) unsafe extern "C" fn binary<const N: usize>(a: *mut PyObject, b: *mut PyObject) -> *mut PyObject {
    enter("nb_slot", null_mut(), |cx| -> CResult<New> {
        let (x, y) = (arg(cx, a)?, arg(cx, b)?);
        cx.answer(cx.vm.binary_or_not_implemented(x, y, OPERATORS[N])?)
    })
}

pub(super) unsafe extern "C" fn inplace<const S: usize>(a: *mut PyObject, b: *mut PyObject) -> *mut PyObject {
    enter("nb_inplace_slot", null_mut(), |cx| -> CResult<New> {
        let (x, y) = (arg(cx, a)?, arg(cx, b)?);
        let f = special(cx, x, Special::all()[S])?;
        cx.answer(cx.vm.call_special(f, &[x, y])?)
    })
}

pub(super) unsafe extern "C" fn inplace_power(
    a: *mut PyObject,
    b: *mut PyObject,
    _m: *mut PyObject,
) -> *mut PyObject {
    // SAFETY: the caller's promise; methods of this name have no modulus.
    unsafe { inplace::<{ Special::Ipow as usize }>(a, b) }
}

pub(super) unsafe extern "C" fn power(a: *mut PyObject, b: *mut PyObject, m: *mut PyObject) -> *mut PyObject {
    enter("nb_power", null_mut(), |cx| -> CResult<New> {
        let (x, y, z) = (arg(cx, a)?, arg(cx, b)?, optional(cx, m)?);
        if z.is_none() {
            return cx.give(cx.vm.binary_or_not_implemented(x, y, &ops::POW)?);
        }
        let f = special(cx, x, Special::Pow)?;
        cx.give(cx.vm.call_special(f, &[x, y, z])?)
    })
}

pub(super) unsafe extern "C" fn boolean(o: *mut PyObject) -> c_int {
    enter("nb_bool", -1, |cx| -> CResult<c_int> { Ok(cx.vm.truth(arg(cx, o)?)? as c_int) })
}

pub(super) unsafe extern "C" fn hash(o: *mut PyObject) -> isize {
    enter("tp_hash", -1, |cx| -> CResult<isize> {
        let v = arg(cx, o)?;
        if let Some(f) = base_method(v, Special::Hash) {
            let n = cx.vm.call_special(f, &[v])?;
            return Ok(cx.vm.index_isize(n)?);
        }
        let hash = cx.vm.hash(v)? as isize;
        // SAFETY: the slot's argument is live; of this exact type it is a string's struct.
        unsafe {
            if std::ptr::eq((*o).ob_type, &raw const ffi::PyUnicode_Type) {
                // C reads the hash there as soon as it has asked for it.
                (*(o as *mut PyASCIIObject)).hash = hash;
            }
        }
        Ok(hash)
    })
}

pub(super) unsafe extern "C" fn len(o: *mut PyObject) -> isize {
    enter("mp_length", -1, |cx| -> CResult<isize> {
        let v = arg(cx, o)?;
        match base_method(v, Special::Len) {
            Some(f) => {
                let n = cx.vm.call_special(f, &[v])?;
                Ok(cx.vm.index_isize(n)?)
            }
            None => Ok(cx.vm.len(v)? as isize),
        }
    })
}

pub(super) unsafe extern "C" fn call(
    f: *mut PyObject,
    args: *mut PyObject,
    kw: *mut PyObject,
) -> *mut PyObject {
    enter("tp_call", null_mut(), |cx| -> CResult<New> {
        let f = arg(cx, f)?;
        let (args, kw) = arguments(cx, args, kw)?;
        cx.give(cx.vm.call_dict(f, args.as_slice(), kw)?)
    })
}

/// The vectorcall of managed callables.
///
/// # Safety
/// As the vectorcall protocol demands.
pub unsafe extern "C" fn vectorcall(
    f: *mut PyObject,
    args: *const *mut PyObject,
    nargsf: usize,
    kwnames: *mut PyObject,
) -> *mut PyObject {
    let n = number_of(nargsf);
    let call = |cx: &Cx| {
        let mut values = [const { MaybeUninit::uninit() }; FEW];
        for (i, v) in values.iter_mut().enumerate().take(n) {
            // SAFETY: the caller passes that many arguments.
            v.write(from_c_at_once(unsafe { *args.add(i) })?);
        }
        // SAFETY: so many are written.
        let values = unsafe { std::slice::from_raw_parts(values.as_ptr().cast::<Value>(), n) };
        Some(cx.vm.call_args(from_c_at_once(f)?, values, None))
    };
    if kwnames.is_null()
        && n <= FEW
        && let Some(r) = enter_at_once("vectorcall", call)
    {
        return r;
    }
    enter("vectorcall", null_mut(), |cx| -> CResult<New> {
        // SAFETY: the caller's promise.
        unsafe { call_vector(cx, f, args, nargsf, kwnames) }
    })
}

/// Arguments that take a short way.
const FEW: usize = 4;

/// The vectorcall of classes.
///
/// # Safety
/// As [`vectorcall`], with the type object of a class.
pub unsafe extern "C" fn vectorcall_class(
    f: *mut PyObject,
    args: *const *mut PyObject,
    nargsf: usize,
    kwnames: *mut PyObject,
) -> *mut PyObject {
    let make = |cx: &Cx| {
        if !kwnames.is_null() || number_of(nargsf) != 0 {
            return None;
        }
        // SAFETY: a class's mirror.
        let class = unsafe { linked::<TypeObj>(f)? };
        cx.vm.new_plain_instance(class).map(Ok)
    };
    // SAFETY: the caller's promise.
    unsafe { at_once_or_not(f, args, nargsf, kwnames, make) }
}

/// Makes a call by `body`, if that can make it at once, else in the way of all calls.
///
/// # Safety
/// As [`vectorcall`].
#[inline(always)]
unsafe fn at_once_or_not(
    f: *mut PyObject,
    args: *const *mut PyObject,
    nargsf: usize,
    kwnames: *mut PyObject,
    body: impl FnOnce(&Cx) -> Option<CResult<Value>>,
) -> *mut PyObject {
    match enter_at_once("vectorcall", body) {
        Some(r) => r,
        // SAFETY: the caller's promise.
        None => unsafe { vectorcall(f, args, nargsf, kwnames) },
    }
}

/// The vectorcall of Python functions.
///
/// # Safety
/// As [`vectorcall`], with the mirror of a function.
pub unsafe extern "C" fn vectorcall_function(
    f: *mut PyObject,
    args: *const *mut PyObject,
    nargsf: usize,
    kwnames: *mut PyObject,
) -> *mut PyObject {
    let call = |cx: &Cx| {
        // SAFETY: a function's mirror; the caller passes that many arguments.
        unsafe {
            let f = linked::<FunctionObj>(f)?;
            if kwnames.is_null() {
                cx.vm.call_plainly(f, number_of(nargsf), |i| from_c_at_once(*args.add(i)))
            } else {
                call_with_names(cx, f, args, number_of(nargsf), kwnames)
            }
        }
    };
    // (One place that enters, so that it is this function that the profiler finds above compiled code.)
    let mut acquainted = false;
    loop {
        if let Some(r) = enter_at_once("vectorcall", call) {
            return r;
        }
        // SAFETY: the caller's promise.
        unsafe {
            if acquainted || !kwnames.is_null() || !acquaint(args, number_of(nargsf)) {
                return vectorcall(f, args, nargsf, kwnames);
            }
        }
        acquainted = true;
    }
}

/// Gives those of a few arguments that have no managed side yet one, so that the call can be made at once after all. Whether there were
/// any; what cannot be made is left, and the call will say why.
///
/// # Safety
/// As [`vectorcall`].
#[inline(never)]
unsafe fn acquaint(args: *const *mut PyObject, n: usize) -> bool {
    let mut any = false;
    if n <= FEW {
        enter_infallible("vectorcall", |cx| {
            for i in 0..n {
                // SAFETY: the caller passes that many arguments, and keeps them alive: what is linked stays so.
                unsafe {
                    if from_c_at_once(*args.add(i)).is_none() {
                        any |= from_c(cx.vm, *args.add(i)).is_ok() && link_of(*args.add(i)) != 0;
                    }
                }
            }
        });
    }
    any
}

/// A call of a Python function with keyword arguments, where all is there at once.
///
/// # Safety
/// As [`vectorcall`].
#[inline(never)]
unsafe fn call_with_names(
    cx: &Cx,
    f: Ptr<FunctionObj>,
    args: *const *mut PyObject,
    n: usize,
    kwnames: *mut PyObject,
) -> Option<Res<Value>> {
    let names = from_c_at_once(kwnames)?.downcast::<TupleObj>()?;
    let n = n + names.len();
    let mut values = [const { MaybeUninit::uninit() }; FEW];
    if n > FEW {
        return None;
    }
    for (i, v) in values.iter_mut().enumerate().take(n) {
        // SAFETY: the caller's promise.
        v.write(from_c_at_once(unsafe { *args.add(i) })?);
    }
    // SAFETY: so many are written.
    let values = unsafe { std::slice::from_raw_parts(values.as_ptr().cast::<Value>(), n) };
    Some(cx.vm.call_function(f, values, Some(names)))
}

/// The vectorcall of bound methods.
///
/// # Safety
/// As [`vectorcall`], with the mirror of a bound method.
pub unsafe extern "C" fn vectorcall_method(
    f: *mut PyObject,
    args: *const *mut PyObject,
    nargsf: usize,
    kwnames: *mut PyObject,
) -> *mut PyObject {
    let call = |cx: &Cx| {
        if !kwnames.is_null() {
            return None;
        }
        // SAFETY: as in `vectorcall_function`.
        unsafe {
            let m = linked::<BoundMethodObj>(f)?;
            let (f, this) = (m.func.downcast::<FunctionObj>()?, m.this.get());
            let arg = |i: usize| if i == 0 { Some(this) } else { from_c_at_once(*args.add(i - 1)) };
            cx.vm.call_plainly(f, number_of(nargsf) + 1, arg)
        }
    };
    // SAFETY: the caller's promise.
    unsafe { at_once_or_not(f, args, nargsf, kwnames, call) }
}

/// A call of a Python function with `n` arguments that are there at once; as [`Vm::call_plainly`](cape_vm::Vm::call_plainly).
///
/// # Safety
/// There must be that many.
#[inline(never)]
pub unsafe fn call_at_once(
    cx: &Cx,
    f: Ptr<FunctionObj>,
    args: *const *mut PyObject,
    n: usize,
) -> Option<Res<Value>> {
    // SAFETY: the caller's promise.
    cx.vm.call_plainly(f, n, |i| from_c_at_once(unsafe { *args.add(i) }))
}

/// The addresses of the functions here that call Python functions themselves, for profilers.
pub fn callers() -> [usize; 3] {
    [
        vectorcall_function as *const () as usize,
        vectorcall_method as *const () as usize,
        call_at_once as *const () as usize,
    ]
}

/// The functions of vectorcall that are the managed side's.
pub const MANAGED: [vectorcallfunc; 4] =
    [vectorcall, vectorcall_function, vectorcall_method, vectorcall_class];

/// The object of a mirror; `None` once it is dead, which what C holds in a cycle may outlive.
///
/// # Safety
/// The mirror of an object of that layout.
#[inline(always)]
unsafe fn linked<T: HeapObject>(p: *mut PyObject) -> Option<Ptr<T>> {
    let l = link_of(p);
    // SAFETY: the caller's promise.
    (l != 0).then(|| unsafe { heap().managed_of(l).cast() })
}

/// `PyVectorcall_NARGS`.
#[inline(always)]
pub fn number_of(nargsf: usize) -> usize {
    nargsf & !(1 << 63)
}

/// The body of [`vectorcall`].
///
/// # Safety
/// As [`vectorcall`].
#[inline]
pub unsafe fn call_vector(
    cx: &Cx,
    f: *mut PyObject,
    args: *const *mut PyObject,
    nargsf: usize,
    kwnames: *mut PyObject,
) -> CResult<New> {
    let f = arg(cx, f)?;
    let n = number_of(nargsf);
    let names = if kwnames.is_null() { None } else { from_c(cx.vm, kwnames)?.downcast::<TupleObj>() };
    let names = names.filter(|t| !t.is_empty());
    let total = n + names.map_or(0, |t| t.len());
    let mut buffer = [Value::EMPTY; 8];
    let spilled: Ptr<ArrayObj>;
    let values: &[Value] = if total <= buffer.len() {
        for (i, b) in buffer.iter_mut().enumerate().take(total) {
            // SAFETY: the caller passes that many arguments.
            *b = from_c(cx.vm, unsafe { *args.add(i) })?;
        }
        &buffer[..total]
    } else {
        spilled = ArrayObj::new(total);
        for i in 0..total {
            // SAFETY: as above.
            spilled.set(i, from_c(cx.vm, unsafe { *args.add(i) })?);
        }
        spilled.as_slice()
    };
    cx.answer(cx.vm.call_args(f, values, names)?)
}

pub(super) unsafe extern "C" fn getattro(o: *mut PyObject, name: *mut PyObject) -> *mut PyObject {
    enter("tp_getattro", null_mut(), |cx| -> CResult<New> {
        let (v, n) = (arg(cx, o)?, arg(cx, name)?);
        if let Some(f) = base_method(v, Special::Getattribute) {
            return cx.answer(cx.vm.call_special(f, &[v, n])?);
        }
        if let Some(a) = cape_vm::attr::known(v, n) {
            return cx.answer(a);
        }
        check_name(cx, n)?;
        cx.answer(cx.vm.get_unknown_attr(v, n)?)
    })
}

fn check_name(cx: &Cx, n: Value) -> Res<()> {
    if n.is::<StrObj>() {
        return Ok(());
    }
    Err(cx.vm.type_error(format!("attribute name must be string, not '{}'", type_of(n).name_str())))
}

pub(super) unsafe extern "C" fn setattro(o: *mut PyObject, name: *mut PyObject, v: *mut PyObject) -> c_int {
    enter("tp_setattro", -1, |cx| -> CResult<c_int> {
        let (obj, n) = (arg(cx, o)?, arg(cx, name)?);
        check_name(cx, n)?;
        let v = if v.is_null() { Value::EMPTY } else { from_c(cx.vm, v)? };
        let (s, args) = if v.is_empty() {
            (Special::Delattr, &[obj, n][..])
        } else {
            (Special::Setattr, &[obj, n, v][..])
        };
        match base_method(obj, s) {
            Some(f) => drop(cx.vm.call_special(f, args)?),
            None => cx.vm.set_attr(obj, n, v)?,
        }
        Ok(0)
    })
}

pub(super) unsafe extern "C" fn richcompare(a: *mut PyObject, b: *mut PyObject, op: c_int) -> *mut PyObject {
    enter("tp_richcompare", null_mut(), |cx| -> CResult<New> {
        let (x, y) = (arg(cx, a)?, arg(cx, b)?);
        let s = Cmp::from_index(op as u8).special();
        let f = base_method(x, s).unwrap_or_else(|| type_of(x).special(s));
        if f.is_empty() {
            return cx.give(Value::NOT_IMPLEMENTED);
        }
        cx.answer(cx.vm.call_special(f, &[x, y])?)
    })
}

/// The next number of a range, where it is no large one: nothing then can fail or run code. `None`, with nothing done, elsewhere.
#[inline(always)]
fn next_of_range(it: Ptr<RangeIterObj>) -> Option<*mut PyObject> {
    if it.remaining.get() == 0 || Value::try_int(it.next.get()).is_none() {
        return None;
    }
    let v = it.advance()?;
    let known = borrowed(v);
    // (Immortal, if it is known.)
    Some(if known.is_null() { new_int(v.as_int()) } else { known })
}

pub(super) unsafe extern "C" fn iternext(o: *mut PyObject) -> *mut PyObject {
    // (Functions of their own for others, for which the short way need not save registers.)
    let l = link_of(o);
    if l != 0 {
        let it = heap().managed_of(l);
        let map = it.header().map();
        // SAFETY: the maps say what they are; the caller's promise.
        unsafe {
            if map == rt().maps.generator {
                return next_of_generator(o, it.cast());
            }
            if map == rt().maps.range_iterator
                && let Some(p) = next_of_range(it.cast())
            {
                return p;
            }
        }
    }
    // SAFETY: the caller's promise.
    unsafe { next_of_others(o) }
}

/// # Safety
/// As for a slot of iterators, with the mirror of a generator.
#[inline(never)]
unsafe extern "C" fn next_of_generator(o: *mut PyObject, g: Ptr<GeneratorObj>) -> *mut PyObject {
    match enter_at_once("tp_iternext", |cx| {
        Some(match cx.vm.next_of_generator(g) {
            Ok(v) if v.is_empty() => end(cx),
            r => r,
        })
    }) {
        Some(r) => r,
        // SAFETY: the caller's promise.
        None => unsafe { next_of_others(o) },
    }
}

/// # Safety
/// As for a slot of iterators.
#[inline(never)]
unsafe extern "C" fn next_of_others(o: *mut PyObject) -> *mut PyObject {
    if let Some(r) = enter_at_once("tp_iternext", |cx| from_c_at_once(o).map(|it| next_or_end(cx, it))) {
        return r;
    }
    enter("tp_iternext", null_mut(), |cx| -> CResult<New> {
        let v = next_or_end(cx, arg(cx, o)?)?;
        if v.is_empty() { Ok(New(null_mut())) } else { cx.answer(v) }
    })
}

/// The next item; EMPTY at the end, which has an exception only when it has a value.
#[inline(always)]
fn next_or_end(cx: &Cx, it: Value) -> Res<Value> {
    let v = cx.vm.next_or_empty(it)?;
    if v.is_empty() { end(cx) } else { Ok(v) }
}

/// An iterator has ended; EMPTY, or an exception when it has a value.
#[inline(never)]
fn end(cx: &Cx) -> Res<Value> {
    let v = cx.vm.take_stop_value();
    if v.is_none() { Ok(Value::EMPTY) } else { Err(cx.vm.stop_iteration_with(v).into()) }
}

pub(super) unsafe extern "C" fn descr_get(
    d: *mut PyObject,
    o: *mut PyObject,
    t: *mut PyObject,
) -> *mut PyObject {
    enter("tp_descr_get", null_mut(), |cx| -> CResult<New> {
        let (d, o, t) = (arg(cx, d)?, optional(cx, o)?, optional(cx, t)?);
        let obj = if o.is_none() { Value::EMPTY } else { o };
        let class = t.downcast::<TypeObj>().unwrap_or_else(|| type_of(o));
        match base_method(d, Special::Get) {
            Some(f) => {
                let obj = if obj.is_empty() { Value::NONE } else { obj };
                cx.give(cx.vm.call_special(f, &[d, obj, class.value()])?)
            }
            None => cx.give(cx.vm.descr_get(d, obj, class)?),
        }
    })
}

pub(super) unsafe extern "C" fn descr_set(d: *mut PyObject, o: *mut PyObject, v: *mut PyObject) -> c_int {
    enter("tp_descr_set", -1, |cx| -> CResult<c_int> {
        let (d, o) = (arg(cx, d)?, arg(cx, o)?);
        if v.is_null() {
            let f = special(cx, d, Special::Delete)?;
            cx.vm.call_special(f, &[d, o])?;
        } else {
            let f = special(cx, d, Special::Set)?;
            cx.vm.call_special(f, &[d, o, from_c(cx.vm, v)?])?;
        }
        Ok(0)
    })
}

pub(super) unsafe extern "C" fn init(o: *mut PyObject, args: *mut PyObject, kw: *mut PyObject) -> c_int {
    enter("tp_init", -1, |cx| -> CResult<c_int> {
        let v = arg(cx, o)?;
        let f = special(cx, v, Special::Init)?;
        let (args, kw) = arguments(cx, args, kw)?;
        let bound = cx.vm.descr_get(f, v, type_of(v))?;
        let r = cx.vm.call_dict(bound, args.as_slice(), kw)?;
        if !r.is_none() {
            return Err(cx
                .vm
                .type_error(format!("__init__() should return None, not '{}'", type_of(r).name_str())));
        }
        Ok(0)
    })
}

pub(super) unsafe extern "C" fn new(
    t: *mut PyTypeObject,
    args: *mut PyObject,
    kw: *mut PyObject,
) -> *mut PyObject {
    enter("tp_new", null_mut(), |cx| -> CResult<New> {
        let class = crate::typeready::class_of(cx.vm, t)?;
        let f = class.special(Special::New);
        // A class implemented in C that takes over a managed `__new__` finds its own tp_new there: go on to the base's.
        let f = super::wrappers::managed_new(class, f);
        let f = match f.downcast::<StaticMethodObj>() {
            Some(s) if f.header().map() == rt().maps.staticmethod => s.callable.get(),
            _ => f,
        };
        let (given, kw) = arguments(cx, args, kw)?;
        let mut all = ValueVec::with_capacity(given.len() + 1);
        all.push(class.value());
        all.extend_from_slice(given.as_slice());
        // A base's constructor that C calls is not asked whether it is the one for the class, as in CPython.
        let Some(b) = f.downcast::<BuiltinObj>().filter(|b| b.def.raw.is_none()) else {
            return cx.give(cx.vm.call_dict(f, &all, kw)?);
        };
        let mut names = ValueVec::new();
        for e in kw.iter().flat_map(|kw| kw.table.iter()) {
            names.push(e.key);
            all.push(e.value);
        }
        let names = (!names.is_empty()).then(|| TupleObj::new(&names));
        cx.give(b.def.call(cx.vm, &all, names)?)
    })
}

pub(super) unsafe extern "C" fn finalize(_o: *mut PyObject) {
    // The collector calls `__del__` of managed objects; C only asks for it through the link's death.
}

pub(super) unsafe extern "C" fn subscript(o: *mut PyObject, k: *mut PyObject) -> *mut PyObject {
    enter("mp_subscript", null_mut(), |cx| -> CResult<New> {
        let (o, k) = (arg(cx, o)?, arg(cx, k)?);
        match base_method(o, Special::Getitem) {
            Some(f) => cx.answer(cx.vm.call_special(f, &[o, k])?),
            None => cx.answer(cx.vm.get_item(o, k)?),
        }
    })
}

pub(super) unsafe extern "C" fn ass_subscript(o: *mut PyObject, k: *mut PyObject, v: *mut PyObject) -> c_int {
    enter("mp_ass_subscript", -1, |cx| -> CResult<c_int> {
        let (o, k) = (arg(cx, o)?, arg(cx, k)?);
        let given = if v.is_null() { Value::EMPTY } else { from_c(cx.vm, v)? };
        let (s, args) = if given.is_empty() {
            (Special::Delitem, &[o, k][..])
        } else {
            (Special::Setitem, &[o, k, given][..])
        };
        if let Some(f) = base_method(o, s) {
            cx.vm.call_special(f, args)?;
        } else if v.is_null() {
            cx.vm.del_item(o, k)?
        } else {
            cx.vm.set_item(o, k, given)?
        }
        Ok(0)
    })
}

pub(super) unsafe extern "C" fn sq_item(o: *mut PyObject, i: isize) -> *mut PyObject {
    enter("sq_item", null_mut(), |cx| -> CResult<New> {
        let o = arg(cx, o)?;
        // Negative indexes have been counted from the end; a method of Python's is told, a native one would do it again.
        let native = i < 0 && type_of(o).special(Special::Getitem).is::<MethodDescrObj>();
        let i = if native { i64::MIN } else { i as i64 };
        cx.give(cx.vm.get_item(o, Int::Small(i).into_value())?)
    })
}

pub(super) unsafe extern "C" fn sq_ass_item(o: *mut PyObject, i: isize, v: *mut PyObject) -> c_int {
    enter("sq_ass_item", -1, |cx| -> CResult<c_int> {
        let (o, k) = (arg(cx, o)?, Int::Small(i as i64).into_value());
        if v.is_null() {
            cx.vm.del_item(o, k)?
        } else {
            cx.vm.set_item(o, k, from_c(cx.vm, v)?)?
        }
        Ok(0)
    })
}

pub(super) unsafe extern "C" fn contains(o: *mut PyObject, v: *mut PyObject) -> c_int {
    enter("sq_contains", -1, |cx| -> CResult<c_int> {
        let (o, v) = (arg(cx, o)?, arg(cx, v)?);
        match base_method(o, Special::Contains) {
            Some(f) => {
                let found = cx.vm.call_special(f, &[o, v])?;
                Ok(cx.vm.truth(found)? as c_int)
            }
            None => Ok(cx.vm.contains(o, v)? as c_int),
        }
    })
}
