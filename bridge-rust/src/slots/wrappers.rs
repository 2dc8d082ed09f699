//! Methods in the dictionaries of classes implemented in C, one for each slot that the class fills.

use std::ffi::c_int;
use std::ptr::null_mut;

use cape_vm::eval::Convention;
use cape_vm::generator::stop_value;
use cape_vm::native::{Flavour, MethodDef, Raw, RawFn, SEQUENCE_SLOT, SLOT_MARK};
use cape_vm::object::*;
use cape_vm::ops::Cmp;
use cape_vm::runtime::{rt, type_of};
use cape_vm::special::Special;
use cape_vm::{Ptr, Raised, Res, Value, Vm};

use super::table::{ROWS, Shape, SlotRow};
use crate::arguments::Arguments;
use crate::call_c::Hold;
use crate::convention::cross_named;
use crate::cross::{MOST, came_back, cross};
use crate::error::{check_result, check_status, is_set, take};
use crate::ffi;
use crate::from_c::{is_plain, plain};
use crate::handled;
use crate::layout::*;
use crate::lend::borrowed;
use crate::mirror::vectorcall_place;
use crate::to_c::{CArgs, decref, kwargs_dict, linked};

/// Second data word of a slot wrapper: marks it as such and says which method of the slot it is.
const MARK: usize = SLOT_MARK;

/// The C slot function behind a wrapper that [`add_slot_wrappers`] made for this slot.
pub fn slot_behind(v: Value, slot: i32) -> Option<*const ()> {
    let d = v.downcast::<MethodDescrObj>()?;
    let raw = d.def.raw?;
    (raw.data[1] & !0xffff == MARK && raw.data[1] as i32 & 0xff == slot).then_some(raw.data[0] as *const ())
}

/// Whether a method is what a slot of C does.
pub(super) fn is_slot(v: Value) -> bool {
    v.downcast::<MethodDescrObj>().and_then(|d| d.def.raw).is_some_and(|raw| raw.data[1] & !0xffff == MARK)
}

/// The C function behind the `__new__` of a class implemented in C.
pub(super) fn c_new(v: Value) -> Option<newfunc> {
    let b = v.downcast::<BuiltinObj>()?;
    let raw = b.def.raw?;
    if raw.data[1] != MARK | 65 {
        return None;
    }
    // SAFETY: a `__new__` row holds a tp_new function.
    Some(unsafe { std::mem::transmute::<usize, newfunc>(raw.data[0]) })
}

/// The managed `__new__` that the trampoline stands for: the nearest along the MRO that is not a C function.
pub(super) fn managed_new(class: Ptr<TypeObj>, f: Value) -> Value {
    if c_new(f).is_none() {
        return f;
    }
    for &c in class.mro().as_slice() {
        if let Some(c) = c.downcast::<TypeObj>()
            && let Some(v) = c.dict().get_str(Special::New.name_value())
            && c_new(v).is_none()
        {
            return v;
        }
    }
    f
}

/// Adds to a C class's dictionary a method for every slot that it fills itself (its base's are inherited).
///
/// # Safety
/// `t` must be the class's type object; its inherited slots must not be filled in yet.
pub unsafe fn add_slot_wrappers(class: Ptr<TypeObj>, t: *mut PyTypeObject) {
    for row in ROWS {
        // SAFETY: the caller's promise.
        let f = unsafe { ffi::PyType_GetSlotQuiet(t, row.slot) } as *const ();
        if f.is_null() || is_generic(f) {
            continue;
        }
        if std::ptr::eq(f, row.trampoline) {
            // C took the slot of a builtin type: its methods go before those of other bases.
            let builtin = builtin_base(class);
            for (name, _) in methods(row) {
                let own = builtin.dict().get_str(rt().intern(name));
                own.into_iter().for_each(|method| put(class, name, method));
            }
            continue;
        }
        if std::ptr::eq(f, ffi::PyObject_HashNotImplemented as *const ()) {
            put(class, "__hash__", Value::NONE);
            continue;
        }
        for (name, raw) in methods(row) {
            let sequence = if row.is_late() { SEQUENCE_SLOT } else { 0 };
            put_method(class, name, raw, f as usize, MARK | sequence | row.slot as usize);
        }
    }
    // SAFETY: the caller's promise.
    if !unsafe { ffi::PyType_GetSlotQuiet(t, 1) }.is_null() {
        put_method(class, "__buffer__", crate::buffer::call_buffer, 0, 0);
        put_method(class, "__release_buffer__", crate::buffer::call_release_buffer, 0, 0);
    }
    // SAFETY: the caller's promise.
    if let Some(new) = unsafe { (*t).tp_new } {
        let raw = Raw { call: call_new, data: [new as usize, MARK | 65] };
        let def = crate::rows::method(
            "__new__",
            "($type, *args, **kwargs)",
            "Create and return a new object.  See help(type) for accurate signature.",
            Flavour::Static,
            raw,
        );
        put(class, "__new__", BuiltinObj::new(def, class.value(), Value::NONE).value());
    }
}

/// Has operators call the functions that are in a class's slots now, where they were others when it was made ready: NumPy gives its scalars
/// faster ones when their classes are complete. The methods of the dictionary stay what they were, as in CPython.
///
/// # Safety
/// `t` must be the class's type object.
pub unsafe fn refresh(class: Ptr<TypeObj>, t: *mut PyTypeObject) {
    for row in ROWS {
        // SAFETY: the caller's promise.
        let f = unsafe { ffi::PyType_GetSlotQuiet(t, row.slot) } as *const ();
        if f.is_null() || std::ptr::eq(f, row.trampoline) {
            continue;
        }
        // (Most have not changed, and one method of theirs says so at once.)
        if slot_behind(class.special(row.special), row.slot).is_some_and(|old| std::ptr::eq(old, f)) {
            continue;
        }
        for (name, call) in methods(row) {
            let Some(s) = Special::all().iter().copied().find(|s| s.name() == name) else { continue };
            if slot_behind(class.special(s), row.slot).is_some_and(|old| !std::ptr::eq(old, f)) {
                let sequence = if row.is_late() { SEQUENCE_SLOT } else { 0 };
                let data = [f as usize, MARK | sequence | row.slot as usize];
                let def = crate::rows::method(name, "", "", Flavour::Method, Raw { call, data });
                cape_vm::class::replace_special(class, s, cape_vm::class::method_descriptor(class, def));
            }
        }
    }
}

/// The first class of the MRO that is not C's.
fn builtin_base(class: Ptr<TypeObj>) -> Ptr<TypeObj> {
    let of_c = |t: &Ptr<TypeObj>| t.has(TypeFlags::OWN_FIELDS | TypeFlags::NO_FIELDS);
    let mro = class.mro();
    mro.as_slice()
        .iter()
        .filter_map(|c| c.downcast::<TypeObj>())
        .find(|t| !of_c(t))
        .unwrap_or(rt().types.object)
}

/// Slot functions of the API that do what `object` does anyway.
fn is_generic(f: *const ()) -> bool {
    unsafe extern "C" {
        fn PyObject_GenericGetAttr(o: *mut PyObject, n: *mut PyObject) -> *mut PyObject;
        fn PyObject_GenericSetAttr(o: *mut PyObject, n: *mut PyObject, v: *mut PyObject) -> c_int;
    }
    std::ptr::eq(f, PyObject_GenericGetAttr as *const ())
        || std::ptr::eq(f, PyObject_GenericSetAttr as *const ())
}

fn put(class: Ptr<TypeObj>, name: &str, v: Value) {
    let n = rt().intern(name);
    // A method of the same name in tp_methods (METH_COEXIST) or an explicit entry wins.
    if class.dict().get_str(n).is_none() {
        class.dict().set_str(n, v);
    }
}

fn put_method(class: Ptr<TypeObj>, name: &'static str, call: RawFn, f: usize, mark: usize) {
    let def = crate::rows::method(name, "", "", Flavour::Method, Raw { call, data: [f, mark] });
    put(class, name, cape_vm::class::method_descriptor(class, def));
}

/// The methods that a slot gives rise to.
fn methods(row: &SlotRow) -> Vec<(&'static str, RawFn)> {
    let name = row.special.name();
    let other = |i: usize| row.others[i].name();
    match row.shape {
        Shape::Unary => vec![(name, call_unary as RawFn)],
        Shape::Next => vec![(name, call_next)],
        Shape::Inquiry => vec![(name, call_inquiry)],
        Shape::Len => vec![(name, call_len)],
        Shape::Hash => vec![(name, call_hash)],
        Shape::Binary => vec![(name, call_binary as RawFn), (other(0), call_binary_reflected)],
        Shape::InPlace | Shape::Subscript | Shape::GetAttr => vec![(name, call_binary)],
        Shape::Power => vec![(name, call_power as RawFn), (other(0), call_power_reflected)],
        Shape::InPlacePower => vec![(name, call_power)],
        Shape::Index => vec![(name, call_index)],
        Shape::Repeat => {
            let reflected = row.others.first().map(|s| (s.name(), call_repeat as RawFn));
            [(name, call_repeat as RawFn)].into_iter().chain(reflected).collect()
        }
        Shape::SetIndex => vec![(name, call_set_index as RawFn), (other(0), call_del_index)],
        Shape::SetSubscript | Shape::SetAttr | Shape::Set => {
            vec![(name, call_set as RawFn), (other(0), call_del)]
        }
        Shape::Contains => vec![(name, call_contains)],
        Shape::Compare => vec![
            ("__eq__", call_eq as RawFn),
            ("__ne__", call_ne),
            ("__lt__", call_lt),
            ("__le__", call_le),
            ("__gt__", call_gt),
            ("__ge__", call_ge),
        ],
        Shape::Call => vec![(name, call_call)],
        Shape::Init => vec![(name, call_init)],
        Shape::Get => vec![(name, call_get)],
        Shape::Destructor => vec![],
    }
}

type Names = Option<Ptr<TupleObj>>;

/// The receiver and the other arguments, of which there must be as many as the slot takes. They are read one by one: the caller has
/// just written them one by one, and a wider load would have to wait until those stores have reached the cache.
#[inline(always)]
fn exactly<const N: usize>(vm: &Vm, def: &MethodDef, args: &[Value], names: Names) -> Res<[Value; N]> {
    if args.len() == N && names.is_none() {
        // SAFETY: there are N. (Volatile: or the compiler copies an array, in pairs of words.)
        return Ok(std::array::from_fn(|i| unsafe { args.as_ptr().add(i).read_volatile() }));
    }
    exactly_or_error(vm, def, args, names)
}

#[cold]
fn exactly_or_error<const N: usize>(
    vm: &Vm,
    def: &MethodDef,
    args: &[Value],
    names: Names,
) -> Res<[Value; N]> {
    count(vm, def, args, names, N - 1, N - 1)?;
    Ok(std::array::from_fn(|i| args[i]))
}

fn count(vm: &Vm, def: &MethodDef, args: &[Value], names: Names, min: usize, max: usize) -> Res<()> {
    if names.is_some_and(|n| !n.is_empty()) {
        return Err(vm.type_error(format!("wrapper {}() takes no keyword arguments", def.name)));
    }
    let n = args.len() - 1;
    if (min..=max).contains(&n) {
        return Ok(());
    }
    let plural = |n: usize| if n == 1 { "argument" } else { "arguments" };
    Err(vm.type_error(match (min, max) {
        (1, 2) if def.name != "__get__" => format!("expected 1 or 2 arguments, got {n}"),
        (1, 2) if n < min => format!("{} expected at least {min} {}, got {n}", def.name, plural(min)),
        (1, 2) => format!("{} expected at most {max} {}, got {n}", def.name, plural(max)),
        (2, 2) => format!("{} expected 2 arguments, got {n}", def.name),
        _ => format!("expected {min} {}, got {n}", plural(min)),
    }))
}

/// The slot function as its type.
///
/// # Safety
/// The definition's first data word must be a function of type `F`.
unsafe fn slot<F: Copy>(def: &MethodDef) -> F {
    let f = def.raw.expect("a slot wrapper").data[0];
    assert_eq!(size_of::<F>(), size_of::<usize>());
    // SAFETY: the caller's promise.
    unsafe { std::mem::transmute_copy::<usize, F>(&f) }
}

/// How messages name a slot's method of an object's class.
pub fn slot_wrapper_name(def: &MethodDef, this: Value) -> String {
    slot_wrapper_of(def, type_of(this))
}

/// How messages name a slot's method of a class.
pub fn slot_wrapper_of(def: &MethodDef, class: Ptr<TypeObj>) -> String {
    format!("<slot wrapper '{}' of '{}' objects>", def.name, class.name_str())
}

/// What the function behind a slot's method takes and gives, for compiled code; `None`: it does not call such.
pub fn slot_convention(raw: &Raw) -> Option<Convention> {
    let none = &raw const ffi::_Py_NoneStruct as usize;
    let conventions: [(RawFn, Convention); 20] = [
        (call_del, Convention::Status(Some(0))),
        (call_index, Convention::Item),
        (call_set_index, Convention::SetItem),
        (call_get, Convention::Get),
        (call_next, Convention::Next),
        (call_unary, Convention::Unary),
        (call_binary, Convention::Objects),
        (call_binary_reflected, Convention::Reflected),
        (call_power, Convention::ObjectsAnd(none)),
        (call_len, Convention::Number),
        (call_hash, Convention::Number),
        (call_inquiry, Convention::Truth),
        (call_contains, Convention::Truth),
        (call_set, Convention::Status(None)),
        (call_eq, Convention::ObjectsAnd(Cmp::Eq as usize)),
        (call_ne, Convention::ObjectsAnd(Cmp::Ne as usize)),
        (call_lt, Convention::ObjectsAnd(Cmp::Lt as usize)),
        (call_le, Convention::ObjectsAnd(Cmp::Le as usize)),
        (call_gt, Convention::ObjectsAnd(Cmp::Gt as usize)),
        (call_ge, Convention::ObjectsAnd(Cmp::Ge as usize)),
    ];
    conventions.iter().find(|c| std::ptr::fn_addr_eq(c.0, raw.call)).map(|c| c.1)
}

#[inline(always)]
fn result(vm: &Vm, def: &'static MethodDef, this: Value, p: *mut PyObject) -> Res<Value> {
    let name = move || slot_wrapper_name(def, this);
    check_result(vm, name, p)
}

fn repr_of(vm: &Vm, v: Value) -> String {
    vm.repr(v).map_or_else(|_| "<?>".into(), |s| s.display())
}

#[inline(always)]
fn status(vm: &Vm, def: &'static MethodDef, this: Value, n: c_int) -> Res<c_int> {
    let name = move || slot_wrapper_name(def, this);
    check_status(vm, name, n)
}

#[inline(always)]
fn done(vm: &Vm, def: &'static MethodDef, this: Value, n: c_int) -> Res<Value> {
    status(vm, def, this, n).map(|_| Value::NONE)
}

/// A length or a hash: -1 means that an exception is set.
#[inline(always)]
pub fn number(vm: &Vm, n: isize) -> Res<isize> {
    if n == -1 {
        return Err(take(vm).unwrap_or_else(|| vm.system_error("error return without exception set")));
    }
    Ok(n)
}

// SAFETY of all calls below: the row that made the definition says the slot's signature; the arguments are held.

fn call_unary(vm: &Vm, def: &'static MethodDef, args: &[Value], names: Names) -> Res<Value> {
    let [o] = exactly(vm, def, args, names)?;
    // SAFETY: see above.
    cross(vm, [o], move |p| result(vm, def, o, unsafe { slot::<unaryfunc>(def)(p[0]) }))
}

fn call_next(vm: &Vm, def: &'static MethodDef, args: &[Value], names: Names) -> Res<Value> {
    let [o] = exactly(vm, def, args, names)?;
    cross(vm, [o], move |p| {
        // SAFETY: see above.
        let r = unsafe { slot::<unaryfunc>(def)(p[0]) };
        if r.is_null() { exhausted(vm) } else { result(vm, def, o, r) }
    })
}

/// See [`Foreign::next_items`](cape_vm::foreign::Foreign::next_items).
pub fn next_items(vm: &Vm, next: Value, it: Value, out: &mut [Value]) -> Option<Res<(usize, bool)>> {
    let def = next.downcast::<MethodDescrObj>()?.def;
    if !std::ptr::fn_addr_eq(def.raw.as_ref()?.call, call_next as RawFn) {
        return None;
    }
    let p = borrowed(it);
    if p.is_null() {
        return None;
    }
    // SAFETY: as of all calls below.
    let step = unsafe { slot::<unaryfunc>(def) };
    let room = out.len();
    for (n, place) in out.iter_mut().enumerate() {
        // (Each step may change all that.)
        if !handled::nothing(vm) || n > 0 && type_of(it).special(Special::Next) != next {
            return (n > 0).then_some(Ok((n, false)));
        }
        // SAFETY: the iterator, which the caller has, keeps its struct.
        let r = unsafe { step(p) };
        *place = if !r.is_null() && !is_set(vm) && handled::still_nothing(vm) && is_plain(r) {
            plain(r)
        } else {
            match unusual_item(vm, def, it, r) {
                Ok(v) if v.is_empty() => return Some(Ok((n, true))),
                Ok(v) => v,
                Err(r) => return Some(Err(r)),
            }
        };
    }
    Some(Ok((room, false)))
}

/// What C's next function has given, with all that may have to be done.
#[inline(never)]
fn unusual_item(vm: &Vm, def: &'static MethodDef, it: Value, r: *mut PyObject) -> Res<Value> {
    let r = if r.is_null() { exhausted(vm) } else { result(vm, def, it, r) };
    came_back(vm);
    r
}

/// NULL from `tp_iternext`: the end, unless another exception than StopIteration is set.
#[inline(never)]
pub fn exhausted(vm: &Vm) -> Res<Value> {
    match take(vm) {
        Some(r) if r.is(rt().types.stop_iteration) => {
            vm.leave_stop_value(stop_value(r));
            Ok(Value::EMPTY)
        }
        Some(r) => Err(r),
        None => Ok(Value::EMPTY),
    }
}

fn call_inquiry(vm: &Vm, def: &'static MethodDef, args: &[Value], names: Names) -> Res<Value> {
    let [o] = exactly(vm, def, args, names)?;
    cross(vm, [o], move |p| {
        // SAFETY: see above.
        let n = unsafe { slot::<inquiry>(def)(p[0]) };
        status(vm, def, o, n).map(|n| Value::bool(n != 0))
    })
}

fn call_len(vm: &Vm, def: &'static MethodDef, args: &[Value], names: Names) -> Res<Value> {
    let [o] = exactly(vm, def, args, names)?;
    // SAFETY: see above.
    cross(vm, [o], move |p| {
        // SAFETY: see above.
        let n = number(vm, unsafe { slot::<lenfunc>(def)(p[0]) });
        n.map(|n| Int::Small(n as i64).into_value())
    })
}

fn call_hash(vm: &Vm, def: &'static MethodDef, args: &[Value], names: Names) -> Res<Value> {
    let [o] = exactly(vm, def, args, names)?;
    cross(vm, [o], move |p| {
        // SAFETY: see above.
        let n = number(vm, unsafe { slot::<hashfunc>(def)(p[0]) })?;
        Ok(Int::Small(n as i64).into_value())
    })
}

fn call_binary(vm: &Vm, def: &'static MethodDef, args: &[Value], names: Names) -> Res<Value> {
    let [a, b] = exactly(vm, def, args, names)?;
    // SAFETY: see above.
    cross(vm, [a, b], move |p| result(vm, def, a, unsafe { slot::<binaryfunc>(def)(p[0], p[1]) }))
}

fn call_binary_reflected(vm: &Vm, def: &'static MethodDef, args: &[Value], names: Names) -> Res<Value> {
    let [a, b] = exactly(vm, def, args, names)?;
    // SAFETY: see above.
    cross(vm, [b, a], move |p| result(vm, def, a, unsafe { slot::<binaryfunc>(def)(p[0], p[1]) }))
}

fn call_power(vm: &Vm, def: &'static MethodDef, args: &[Value], names: Names) -> Res<Value> {
    count(vm, def, args, names, 1, 2)?;
    power(vm, def, [args[0], args[1], args.get(2).copied().unwrap_or(Value::NONE)], args[0])
}

fn call_power_reflected(vm: &Vm, def: &'static MethodDef, args: &[Value], names: Names) -> Res<Value> {
    count(vm, def, args, names, 1, 2)?;
    power(vm, def, [args[1], args[0], args.get(2).copied().unwrap_or(Value::NONE)], args[0])
}

fn power(vm: &Vm, def: &'static MethodDef, values: [Value; 3], this: Value) -> Res<Value> {
    // SAFETY: see above.
    cross(vm, values, move |p| result(vm, def, this, unsafe { slot::<ternaryfunc>(def)(p[0], p[1], p[2]) }))
}

#[inline(always)]
fn index_of(vm: &Vm, obj: Value, k: Value) -> Res<isize> {
    if k.is_int() && k.as_int() >= 0 {
        return Ok(k.as_int() as isize);
    }
    any_index_of(vm, obj, k)
}

fn any_index_of(vm: &Vm, obj: Value, k: Value) -> Res<isize> {
    if !k.is_int() && type_of(k).special(Special::Index).is_empty() {
        let got = type_of(k).name_str();
        return Err(vm.type_error(format!("sequence index must be integer, not '{got}'")));
    }
    let i = vm.index_isize(k)?;
    if i < 0 && !type_of(obj).special(Special::Len).is_empty() {
        return Ok(i + vm.len(obj)? as isize);
    }
    Ok(i)
}

fn call_index(vm: &Vm, def: &'static MethodDef, args: &[Value], names: Names) -> Res<Value> {
    let [o, k] = exactly(vm, def, args, names)?;
    let i = index_of(vm, o, k)?;
    // SAFETY: see above.
    cross(vm, [o], move |p| result(vm, def, o, unsafe { slot::<ssizeargfunc>(def)(p[0], i) }))
}

/// `sq_repeat`: the count may not be reckoned from the end.
fn call_repeat(vm: &Vm, def: &'static MethodDef, args: &[Value], names: Names) -> Res<Value> {
    let [o, n] = exactly(vm, def, args, names)?;
    let n = repetitions(vm, n)?;
    // SAFETY: see above.
    cross(vm, [o], |p| result(vm, def, o, unsafe { slot::<ssizeargfunc>(def)(p[0], n) }))
}

/// The count of a repetition.
pub(super) fn repetitions(vm: &Vm, n: Value) -> Res<isize> {
    if !n.is_int() && type_of(n).special(Special::Index).is_empty() {
        return Err(
            vm.type_error(format!("can't multiply sequence by non-int of type '{}'", type_of(n).name_str()))
        );
    }
    let Some(n) = vm.index_int(n)?.to_i64() else {
        let got = cape_vm::class::full_name(type_of(n));
        return Err(vm.overflow_error(format!("cannot fit '{got}' into an index-sized integer")));
    };
    Ok(n as isize)
}

fn call_set_index(vm: &Vm, def: &'static MethodDef, args: &[Value], names: Names) -> Res<Value> {
    let [o, k, v] = exactly(vm, def, args, names)?;
    let i = index_of(vm, o, k)?;
    // SAFETY: see above.
    cross(vm, [o, v], move |p| done(vm, def, o, unsafe { slot::<ssizeobjargproc>(def)(p[0], i, p[1]) }))
}

fn call_del_index(vm: &Vm, def: &'static MethodDef, args: &[Value], names: Names) -> Res<Value> {
    let [o, k] = exactly(vm, def, args, names)?;
    let i = index_of(vm, o, k)?;
    // SAFETY: see above.
    cross(vm, [o], move |p| done(vm, def, o, unsafe { slot::<ssizeobjargproc>(def)(p[0], i, null_mut()) }))
}

fn call_set(vm: &Vm, def: &'static MethodDef, args: &[Value], names: Names) -> Res<Value> {
    let [o, k, v] = exactly(vm, def, args, names)?;
    // SAFETY: see above.
    cross(vm, [o, k, v], move |p| done(vm, def, o, unsafe { slot::<objobjargproc>(def)(p[0], p[1], p[2]) }))
}

fn call_del(vm: &Vm, def: &'static MethodDef, args: &[Value], names: Names) -> Res<Value> {
    let [o, k] = exactly(vm, def, args, names)?;
    cross(vm, [o, k], move |p| {
        // SAFETY: see above.
        done(vm, def, o, unsafe { slot::<objobjargproc>(def)(p[0], p[1], null_mut()) })
    })
}

fn call_contains(vm: &Vm, def: &'static MethodDef, args: &[Value], names: Names) -> Res<Value> {
    let [o, v] = exactly(vm, def, args, names)?;
    cross(vm, [o, v], move |p| {
        // SAFETY: see above.
        let n = unsafe { slot::<objobjproc>(def)(p[0], p[1]) };
        status(vm, def, o, n).map(|n| Value::bool(n != 0))
    })
}

macro_rules! comparisons { ($($f:ident $c:ident),*) => { $(
    fn $f(vm: &Vm, def: &'static MethodDef, args: &[Value], names: Names) -> Res<Value> {
        let [a, b] = exactly(vm, def, args, names)?;
        cross(vm, [a, b], move |p| {
            // SAFETY: see above.
            result(vm, def, a, unsafe { slot::<richcmpfunc>(def)(p[0], p[1], Cmp::$c as c_int) })
        })
    }
)* } }
comparisons!(call_eq Eq, call_ne Ne, call_lt Lt, call_le Le, call_gt Gt, call_ge Ge);

/// An argument tuple and a keyword dict (or NULL) for one call.
struct Packed {
    args: Arguments,
    kwargs: Hold,
}

impl Packed {
    #[inline(always)]
    fn new(vm: &Vm, args: &[Value], names: Names) -> Res<Packed> {
        let n = args.len() - names.map_or(0, |n| n.len());
        let kwargs = Hold(kwargs_dict(vm, names, &args[n..])?);
        Ok(Packed { args: Arguments::new(vm, &args[..n])?, kwargs })
    }

    /// As parameters.
    #[inline(always)]
    fn parts(&self) -> (*mut PyObject, *mut PyObject) {
        (self.args.tuple(), self.kwargs.0)
    }
}

/// Whether a `tp_call` only passes calls on to the function for vectorcall that the object keeps in its struct.
pub fn passes_on(raw: &Raw) -> bool {
    raw.data[0] == ffi::PyVectorcall_Call as *const () as usize
}

/// The function for vectorcall that an object of C keeps in its struct, if its class is called by that (or its `tp_call` only passes
/// calls on to it).
#[inline(always)]
fn own_vectorcall(def: &MethodDef, o: Value) -> Option<vectorcallfunc> {
    let raw = def.raw.as_ref()?;
    let p = borrowed(o);
    if p.is_null() {
        return None;
    }
    // SAFETY: a live object and its type, which says where the object keeps the function.
    unsafe {
        let t = (*p).ob_type;
        if passes_on(raw) {
            let offset = usize::try_from((*t).tp_vectorcall_offset).ok().filter(|&o| o > 0)?;
            return *((p as *mut u8).add(offset) as *mut Option<vectorcallfunc>);
        }
        vectorcall_place(p, t).and_then(|f| *f)
    }
}

/// Whether this is the wrapper of a `tp_call`.
pub fn is_tp_call(raw: &Raw) -> bool {
    std::ptr::fn_addr_eq(raw.call, call_call as RawFn)
}

fn call_call(vm: &Vm, def: &'static MethodDef, args: &[Value], names: Names) -> Res<Value> {
    if args.len() <= MOST
        && let Some(f) = own_vectorcall(def, args[0])
    {
        return cross_named(vm, args, names, move |p, positional, names| {
            // SAFETY: the object's own function; the arguments follow the object.
            let r = unsafe { f(*p, p.add(1), positional, names) };
            check_result(vm, move || repr_of(vm, args[0]), r)
        });
    }
    let packed = Packed::new(vm, &args[1..], names)?;
    cross(vm, [args[0]], |p| {
        let (tuple, kwargs) = packed.parts();
        // SAFETY: see above.
        let r = unsafe { slot::<ternaryfunc>(def)(p[0], tuple, kwargs) };
        check_result(vm, move || repr_of(vm, args[0]), r)
    })
}

/// See [`cape_vm::foreign::Foreign::call_with_tuple`].
pub fn call_with_tuple(
    vm: &Vm,
    def: &'static MethodDef,
    this: Value,
    args: Ptr<TupleObj>,
    names: Option<Ptr<DictObj>>,
) -> Option<Res<Value>> {
    if !is_tp_call(def.raw.as_ref()?) || own_vectorcall(def, this).is_some() {
        return None;
    }
    let call = || {
        let t = linked(vm, args.value())?;
        let k = names.map_or(Ok(null_mut()), |n| linked(vm, n.value()))?;
        cross(vm, [this], |p| {
            // SAFETY: the function of the slot; the caller's values keep tuple and dict.
            let r = unsafe { slot::<ternaryfunc>(def)(p[0], t, k) };
            check_result(vm, move || repr_of(vm, this), r)
        })
    };
    Some(call())
}

fn call_init(vm: &Vm, def: &'static MethodDef, args: &[Value], names: Names) -> Res<Value> {
    let packed = Packed::new(vm, &args[1..], names)?;
    cross(vm, [args[0]], |p| {
        let (tuple, kwargs) = packed.parts();
        // SAFETY: see above.
        let n = unsafe { slot::<initproc>(def)(p[0], tuple, kwargs) };
        let name = || repr_of(vm, type_of(args[0]).value());
        if n < 0 && !is_set(vm) {
            return check_result(vm, name, null_mut());
        }
        check_status(vm, name, n).map(|_| Value::NONE)
    })
}

fn call_get(vm: &Vm, def: &'static MethodDef, args: &[Value], names: Names) -> Res<Value> {
    match *args {
        [d, o, t] if names.is_none() && !o.is_none() && !t.is_none() => cross(vm, [d, o, t], move |p| {
            // SAFETY: see above.
            result(vm, def, d, unsafe { slot::<ternaryfunc>(def)(p[0], p[1], p[2]) })
        }),
        _ => call_any_get(vm, def, args, names),
    }
}

#[inline(never)]
fn call_any_get(vm: &Vm, def: &'static MethodDef, args: &[Value], names: Names) -> Res<Value> {
    count(vm, def, args, names, 1, 2)?;
    let (o, t) = (args[1], args.get(2).copied().unwrap_or(Value::NONE));
    if o.is_none() && t.is_none() {
        return Err(vm.type_error("__get__(None, None) is invalid"));
    }
    let or_null = |p: *mut PyObject, v: Value| if v.is_none() { null_mut() } else { p };
    cross(vm, [args[0], o, t], move |p| {
        // SAFETY: see above.
        let r = unsafe { slot::<ternaryfunc>(def)(p[0], or_null(p[1], o), or_null(p[2], t)) };
        result(vm, def, args[0], r)
    })
}

/// `__new__` of a class implemented in C: the checks of CPython's `tp_new_wrapper`.
fn call_new(vm: &Vm, def: &'static MethodDef, args: &[Value], names: Names) -> Res<Value> {
    let Some(&first) = args.first() else {
        return Err(vm.type_error("__new__(): not enough arguments"));
    };
    let Some(class) = first.downcast::<TypeObj>() else {
        return Err(not_a_type(vm, first));
    };
    let t = crate::mirror::types::type_to_c(vm, class)?;
    let packed = Packed::new(vm, &args[1..], names)?;
    let (args, kwargs) = packed.parts();
    let _shown = crate::handled::show(vm);
    // SAFETY: see above.
    let r = unsafe { slot::<newfunc>(def)(t, args, kwargs) };
    check_result(vm, move || repr_of(vm, first), r)
}

/// Number of `tp_init` among the slots.
const TP_INIT: i32 = 60;

/// How a class whose instances C makes is called.
#[derive(Clone, Copy)]
pub enum Constructor {
    /// By a function of its own (`tp_vectorcall`).
    Vectorcall(vectorcallfunc),
    /// By `tp_new` and, if it is not `object`'s, `tp_init`: both get the same tuple.
    Slots(newfunc, Option<initproc>),
}

/// The constructor of a class; `None`: not all of it is C's.
pub fn constructor(class: Ptr<TypeObj>) -> Option<Constructor> {
    let t = class.foreign.get() as *mut PyTypeObject;
    if t.is_null() {
        return None;
    }
    // SAFETY: a class's type object is live as long as the class.
    if let Some(f) = unsafe { (*t).tp_vectorcall }
        && !super::is_own_vectorcall(t, f)
    {
        return Some(Constructor::Vectorcall(f));
    }
    if class.has(TypeFlags::NO_INSTANTIATION) {
        return None;
    }
    let new = c_new(class.special(Special::New))?;
    let init = class.special(Special::Init);
    let init = match slot_behind(init, TP_INIT) {
        // SAFETY: the function behind a tp_init wrapper is one.
        Some(f) => Some(unsafe { std::mem::transmute::<*const (), initproc>(f) }),
        None if init == rt().types.object.special(Special::Init) => None,
        None => return None,
    };
    Some(Constructor::Slots(new, init))
}

/// What `type.__call__` does for a class with a [`constructor`].
pub fn construct(vm: &Vm, class: Ptr<TypeObj>, args: &[Value], names: Names) -> Option<Res<Value>> {
    let constructor = constructor(class)?;
    Some(construct_by(vm, class, constructor, args, names))
}

fn construct_by(
    vm: &Vm,
    class: Ptr<TypeObj>,
    constructor: Constructor,
    args: &[Value],
    names: Names,
) -> Res<Value> {
    let t = crate::mirror::types::type_to_c(vm, class)?;
    let name = || repr_of(vm, class.value());
    match constructor {
        Constructor::Vectorcall(f) => {
            let given = CArgs::new(vm, args)?;
            let (positional, names) = match names.filter(|n| !n.is_empty()) {
                None => (args.len(), null_mut()),
                Some(n) => (args.len() - n.len(), linked(vm, n.value())?),
            };
            let _shown = crate::handled::show(vm);
            // SAFETY: the class's own function; the arguments are held for the call.
            check_result(vm, name, unsafe { f(t as *mut PyObject, given.0.as_ptr(), positional, names) })
        }
        Constructor::Slots(new, init) => {
            let packed = Packed::new(vm, args, names)?;
            let (args, kwargs) = packed.parts();
            let _shown = crate::handled::show(vm);
            // SAFETY: slot functions of the class's own type object.
            check_result(vm, name, unsafe { instance(t, args, kwargs, new, init) })
        }
    }
}

/// What `type_call` of C does with a class's own functions: a new reference, or NULL with an exception (or, where C forgot that, without
/// one). An exception that `tp_new` left beside an object is the caller's to find.
///
/// # Safety
/// The functions must be those of `t`, which is live, as are the arguments.
pub unsafe extern "C-unwind" fn instance(
    t: *mut PyTypeObject,
    args: *mut PyObject,
    kwargs: *mut PyObject,
    new: newfunc,
    init: Option<initproc>,
) -> *mut PyObject {
    // SAFETY: the caller's promise.
    unsafe {
        let p = new(t, args, kwargs);
        if p.is_null() || !ffi::PyErr_Occurred().is_null() {
            return p;
        }
        let init = if std::ptr::eq((*p).ob_type, t) {
            init
        } else if ffi::PyType_IsSubtype((*p).ob_type, t) != 0 {
            // What it gave is initialised as its own class says.
            (*(*p).ob_type).tp_init
        } else {
            None
        };
        if init.is_some_and(|init| init(p, args, kwargs) < 0) {
            decref(p);
            return null_mut();
        }
        p
    }
}

fn not_a_type(vm: &Vm, v: Value) -> Raised {
    vm.type_error(format!("__new__(X): X is not a type object ({})", type_of(v).name_str()))
}
