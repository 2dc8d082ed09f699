//! The private functions of `include/internal.toml`.

use std::ffi::{CStr, c_char, c_int, c_void};

use cape_heap::heap;
use cape_vm::Value;
use cape_vm::foreign::LARGE_DATA;
use cape_vm::object::*;
use cape_vm::runtime::{rt, type_of};
use cape_vm::special::Special;

pub use super::datetime::*;
use crate::enter::{Borrowed, BorrowedRef, CResult, Cx, New};
use crate::error::is_set;
use crate::from_c::{from_c, link_of};
use crate::layout::PyObject;
use crate::slots::{call_at_once, number_of};
use crate::thread::{self, PyThreadState};
use cape_vm::interpreter::{Settings, Whence};

pub fn _Cape_Audit(cx: &Cx, event: *const c_char, args: Borrowed) -> CResult<c_int> {
    let event: cape_vm::Ptr<StrObj> = super::text_value(cx, event)?.downcast().expect("a str");
    let args = args.opt(cx)?.and_then(|a| a.downcast::<TupleObj>());
    cx.vm.tell_hooks(event, args.unwrap_or_else(|| rt().empty_tuple()))?;
    Ok(0)
}

pub fn _Cape_ByteArrayResize(cx: &Cx, op: Borrowed, size: isize) -> CResult<c_int> {
    let b = super::layout::<BytearrayObj>(cx, op.get(cx)?)?;
    cape_builtins::bytearray::resizable(cx.vm, b)?;
    let done = b.with_mut(|data| {
        let more = (size as usize).saturating_sub(data.len());
        let room = data.try_reserve(more);
        room.map(|()| data.resize(size as usize, 0))
    });
    done.map(|()| 0).map_err(|_| cx.vm.memory_error(""))
}

pub fn _Cape_ManagedVectorcall(
    cx: &Cx,
    callable: Borrowed,
    args: *const *mut PyObject,
    nargsf: usize,
    kwnames: Borrowed,
) -> CResult<New> {
    // SAFETY: bridge-c passes on the arguments of a vectorcall.
    unsafe { crate::slots::call_vector(cx, callable.ptr(), args, nargsf, kwnames.ptr()) }
}

pub fn _Cape_ClassGetItem(cx: &Cx, class: Borrowed, key: Borrowed) -> CResult<New> {
    cx.give(cx.vm.get_item(class.get(cx)?, key.get(cx)?)?)
}

pub fn _Cape_DumpTraceback() {
    cape_stdlib::faulthandler::fatal_state();
}

pub fn _Cape_GetMethod(cx: &Cx, obj: Borrowed, name: Borrowed, method: *mut *mut PyObject) -> CResult<c_int> {
    // SAFETY: bridge-c passes a place for the method.
    unsafe { *method = std::ptr::null_mut() };
    let (o, n) = (obj.get(cx)?, super::object::name_arg(cx, name)?);
    let unbound = unbound_method(o, n);
    let p = cx.answer(unbound.map_or_else(|| cx.vm.get_attr(o, n), Ok)?)?.0;
    // SAFETY: as above.
    unsafe { *method = p };
    Ok(unbound.is_some() as c_int)
}

/// The method that `o.n` would bind; `None`: that is something else.
fn unbound_method(o: Value, n: Value) -> Option<Value> {
    let t = type_of(o);
    if t.has(TypeFlags::CUSTOM_GETATTR) || o.is::<TypeObj>() || o.is::<ModuleObj>() {
        return None;
    }
    let d = cape_vm::class::lookup_of_instance(t, n)?;
    let binds = d.is::<FunctionObj>()
        || d.is::<MethodDescrObj>() && d.header().map() != rt().maps.classmethod_descriptor;
    (binds && (!o.is_ptr() || !cape_vm::shape::is_own(o.header(), n))).then_some(d)
}

pub fn _Cape_CallMethod(
    cx: &Cx,
    name: Borrowed,
    args: *const *mut PyObject,
    nargsf: usize,
    kwnames: Borrowed,
    result: *mut *mut PyObject,
) -> CResult<c_int> {
    // SAFETY: bridge-c passes a place for the result, and the object before the arguments.
    let obj = unsafe {
        *result = std::ptr::null_mut();
        Borrowed::from_c(*args)
    };
    if kwnames.is_null() && !is_set(cx.vm) {
        let (o, n) = (obj.get(cx)?, super::object::name_arg(cx, name)?);
        if let Some(f) = unbound_method(o, n).and_then(|d| d.downcast::<FunctionObj>())
            // SAFETY: as above.
            && let Some(r) = unsafe { call_at_once(cx, f, args, number_of(nargsf)) }
        {
            let p = cx.answer(r?)?.0;
            // SAFETY: as above.
            unsafe { *result = p };
            return Ok(2);
        }
    }
    _Cape_GetMethod(cx, obj, name, result)
}

pub fn _Cape_CallDict(
    cx: &Cx,
    callable: Borrowed,
    args: *const *mut PyObject,
    nargs: isize,
    kwargs: Borrowed,
) -> CResult<New> {
    const FEW: usize = 6;
    let (f, kwargs) = (callable.get(cx)?, super::layout::<DictObj>(cx, kwargs.get(cx)?)?);
    // SAFETY: the caller passes that many arguments.
    let positional = |i| from_c(cx.vm, unsafe { *args.add(i) });
    let n = nargs as usize;
    if n + kwargs.len() > FEW || kwargs.table.iter().any(|e| !e.key.is::<StrObj>()) {
        let mut all = ValueVec::new();
        for i in 0..n {
            all.push(positional(i)?);
        }
        return cx.answer(cx.vm.call_dict(f, &all, Some(kwargs))?);
    }
    let mut values = [Value::EMPTY; FEW];
    for (i, v) in values.iter_mut().enumerate().take(n) {
        *v = positional(i)?;
    }
    let names = TupleObj::uninit(kwargs.len());
    for (i, e) in kwargs.table.iter().enumerate() {
        names.init(i, e.key);
        values[n + i] = e.value;
    }
    cx.answer(cx.vm.call_args(f, &values[..n + kwargs.len()], Some(names))?)
}

/// The count of a linked struct reached zero although the link owns a reference: an extension dropped one that it did not own. The
/// count is mended, and the culprit's object named in audit mode.
pub fn _Cape_LinkedDealloc(cx: &Cx, op: Borrowed) -> CResult<()> {
    let p = op.ptr();
    if p.is_null() || link_of(p) == 0 {
        return Ok(());
    }
    // SAFETY: the struct is intact: nothing has freed it.
    unsafe { (*p).ob_refcnt = 1 };
    if std::env::var_os("CAPE_AUDIT").is_some() {
        // SAFETY: a type's name is a C string.
        let name = unsafe { CStr::from_ptr((*(*p).ob_type).tp_name) }.to_string_lossy().into_owned();
        eprintln!("cape: an extension dropped a reference to a '{name}' object that it did not own");
    }
    let _ = cx;
    Ok(())
}

pub fn _Cape_SetWatched(_: &Cx, kinds: c_int) -> CResult<()> {
    cape_vm::watchers::set_watched(kinds as u8);
    Ok(())
}

pub fn _Cape_InstanceDict(cx: &Cx, o: Borrowed) -> CResult<BorrowedRef> {
    match cx.vm.dict_of(o.get(cx)?) {
        Some(d) => super::borrow(cx, d.value()),
        None => Ok(BorrowedRef(std::ptr::null_mut())),
    }
}

pub fn _Cape_WatchClass(cx: &Cx, class: Borrowed) -> CResult<c_int> {
    if let Some(class) = class.get(cx)?.downcast() {
        cape_vm::class::version(class);
    }
    Ok(0)
}

pub fn _Cape_LendText(_: &Cx, size: usize) -> CResult<*mut c_char> {
    // SAFETY: the memory reaches from the start to the end of the data.
    Ok(heap()
        .lend(LARGE_DATA + size)
        .map_or(std::ptr::null_mut(), |p| unsafe { p.add(LARGE_DATA) } as *mut c_char))
}

pub fn _Cape_LentRoom(_: &Cx, op: *mut c_void) -> usize {
    // SAFETY: bridge-c passes a struct in lent memory.
    unsafe { heap().lent_size(op as *const u8) }
}

pub fn _Cape_FreeText(_: &Cx, op: *mut c_void) -> CResult<()> {
    // SAFETY: bridge-c passes a struct in lent memory, whose last reference is gone.
    unsafe { heap().free_lent(op as *const u8) };
    Ok(())
}

pub fn _Cape_NextNotImplemented(cx: &Cx, op: Borrowed) -> CResult<New> {
    let t = type_of(op.get(cx)?);
    debug_assert!(t.special(Special::Next).is_empty());
    Err(cx.vm.type_error(format!("'{}' object is not iterable", t.name_str())))
}

pub fn _Cape_WriteUnraisable(cx: &Cx, message: Borrowed, object: Borrowed) -> CResult<()> {
    let m = message.opt(cx)?.and_then(|m| m.downcast::<StrObj>()).map(|s| s.display());
    let o = object.opt(cx)?.unwrap_or(Value::NONE);
    if let Some(r) = crate::error::take(cx.vm) {
        super::pyerrors::unraisable(cx, r, m.as_deref().unwrap_or(""), o);
    }
    Ok(())
}

pub fn _Cape_Binary(cx: &Cx, a: Borrowed, b: Borrowed, operator: c_int, flags: c_int) -> CResult<New> {
    super::abstract_::operation(cx, a, b, operator, flags)
}

pub fn _Cape_Unary(cx: &Cx, o: Borrowed, operator: c_int) -> CResult<New> {
    super::abstract_::unary_operation(cx, o, operator)
}

pub fn _Cape_Contains(cx: &Cx, container: Borrowed, value: Borrowed) -> CResult<c_int> {
    Ok(cx.vm.contains(container.get(cx)?, value.get(cx)?)? as c_int)
}

pub fn _Cape_LookForCycles(_: &Cx) -> CResult<()> {
    cape_heap::heap().ask_for_full();
    // C may go on without an allocation of the managed side.
    cape_vm::vm::request();
    Ok(())
}

pub fn _Cape_ListSort(cx: &Cx, list: Borrowed) -> CResult<c_int> {
    let l = super::layout::<ListObj>(cx, list.get(cx)?)?;
    cape_builtins::sort::sort(cx.vm, l, cape_vm::Value::EMPTY, None)?;
    Ok(0)
}

pub fn _Cape_Str(cx: &Cx, o: Borrowed) -> CResult<New> {
    cx.give(cx.vm.str(o.get(cx)?)?.value())
}

pub fn _Cape_SetClosure(cx: &Cx, function: Borrowed, value: Borrowed) -> CResult<c_int> {
    let f = super::layout::<FunctionObj>(cx, function.get(cx)?)?;
    let closure = value.get(cx)?;
    let free = f.code().unit.freevars.len();
    let cells = closure
        .downcast::<TupleObj>()
        .map_or(0, |t| t.as_slice().iter().take_while(|c| c.is::<CellObj>()).count());
    if cells < free {
        let name = f.name.downcast::<StrObj>().map(|s| s.display()).unwrap_or_default();
        return Err(cx.vm.value_error(format!("{name} requires closure of length {free}, not {cells}")));
    }
    f.closure.set(f, if closure.is_none() { Value::EMPTY } else { closure });
    f.version.set(f.version.get().wrapping_add(1));
    cape_vm::foreign::changed(f.header());
    Ok(0)
}

pub fn _Cape_IsIncomplete(_: &Cx, text: *const c_char, size: isize, flags: c_int) -> CResult<c_int> {
    // SAFETY: bridge-c passes bytes of that size.
    let text = unsafe { std::slice::from_raw_parts(text as *const u8, size as usize) };
    let text = text.strip_suffix(b"\n").unwrap_or(text);
    Ok(std::str::from_utf8(text).is_ok_and(|t| cape_builtins::compile_fn::is_incomplete(t, flags as u32))
        as c_int)
}

/// `settings` has a bit for each field of `PyInterpreterConfig`, in their order.
pub fn _Cape_NewInterpreter(settings: c_int, legacy: c_int) -> *mut PyThreadState {
    let on = |bit: u32| settings & 1 << bit != 0;
    let settings = Settings {
        use_main_obmalloc: on(0),
        allow_fork: on(1),
        allow_exec: on(2),
        allow_threads: on(3),
        allow_daemon_threads: on(4),
        check_multi_interp_extensions: on(5),
        own_gil: on(6),
    };
    thread::new_interpreter(settings, if legacy != 0 { Whence::LegacyCapi } else { Whence::Capi })
}

pub fn _Cape_ThreadStateDies(t: *mut PyThreadState) {
    thread::state_dies(t)
}
