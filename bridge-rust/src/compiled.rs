//! What compiled code is told of crossings, so that it can make the simplest itself: the same short way as in
//! [`convention`](crate::convention) and [`lend`](crate::lend), as data.

use std::mem::offset_of;

use cape_vm::eval::{Convention, Crossing, set_crossing};
use cape_vm::native::MethodDef;
use cape_vm::{Value, Vm};

use crate::call_c::callable_name;
use crate::convention::{FASTCALL_KW, is_entry};
use crate::error::check_result;
use crate::layout::*;
use crate::{ffi, handled, lend};

/// Tells it.
pub fn install() {
    let (next, pairs, most) = lend::scratch_layout();
    set_crossing(Crossing {
        function,
        singletons: [
            &raw const ffi::_Py_NoneStruct as usize,
            &raw const ffi::_Py_FalseStruct as usize,
            &raw const ffi::_Py_TrueStruct as usize,
        ],
        small_ints: (
            &raw const ffi::_Cape_small_ints as usize,
            size_of::<ffi::SmallInt>(),
            lend::SMALL_MIN,
            lend::SMALL_MAX,
        ),
        raised: CURRENT_EXCEPTION,
        handled: EXC_INFO,
        next,
        pairs,
        most,
        count: offset_of!(PyObject, ob_refcnt),
        tag: offset_of!(PyLongObject, lv_tag),
        digits: offset_of!(PyLongObject, ob_digit),
        double: offset_of!(PyFloatObject, ob_fval),
        finish,
        give_back,
    });
}

/// The function of a definition that has the usual entry of its convention.
fn function(def: &'static MethodDef) -> Option<(Convention, *const u8)> {
    let raw = def.raw.as_ref().filter(|r| is_entry(r.call))?;
    let row = raw.data[0] as *const PyMethodDef;
    // SAFETY: the row was made for a definition that is alive.
    let (flags, f) = unsafe { ((*row).ml_flags, (*row).ml_meth) };
    let convention = match flags & !(meth::COEXIST | meth::CLASS) {
        meth::NOARGS => Convention::NoArgs,
        meth::O => Convention::One,
        meth::FASTCALL => Convention::Fast,
        FASTCALL_KW => Convention::FastKeywords,
        _ => return None,
    };
    Some((convention, f as *const u8))
}

/// See [`Crossing::finish`].
unsafe extern "C-unwind" fn finish(vm: &Vm, def: &'static MethodDef, this: Value, p: *mut u8) -> Value {
    let r = check_result(vm, || callable_name(vm, def, this), p as *mut PyObject);
    if !handled::still_nothing(vm) {
        handled::hide(vm);
    }
    r.unwrap_or_else(|r| {
        vm.keep_raised(r);
        Value::EMPTY
    })
}

/// See [`Crossing::give_back`].
unsafe extern "C-unwind" fn give_back(first: usize) {
    lend::give_back(first);
}
