//! Slots of C that operators ask last: those of sequences, after the number slots of both operands, and `nb_power` of a modulus.

use std::ffi::c_int;

use cape_vm::object::*;
use cape_vm::runtime::type_of;
use cape_vm::special::Special;
use cape_vm::{Ptr, Res, Value, Vm};

use super::table::{CONCAT, INPLACE_CONCAT, INPLACE_REPEAT, POWER, REPEAT};
use super::wrappers::{repetitions, slot_behind};
use crate::cross::cross;
use crate::error::check_result;
use crate::ffi;
use crate::layout::*;

/// The function of C in a slot of a class.
fn slot(t: Ptr<TypeObj>, number: i32) -> Option<*const ()> {
    let p = t.foreign.get() as *mut PyTypeObject;
    if p.is_null() {
        return None;
    }
    // SAFETY: a class's type object is live.
    let f = unsafe { ffi::PyType_GetSlotQuiet(p, number as c_int) } as *const ();
    (!f.is_null()).then_some(f)
}

/// Whether a class has the protocol of sequences at all: those made at run time do.
fn has_protocol(t: Ptr<TypeObj>) -> bool {
    let p = t.foreign.get() as *mut PyTypeObject;
    // SAFETY: a class's type object is live.
    t.has(TypeFlags::HEAP) || !p.is_null() && unsafe { !(*p).tp_as_sequence.is_null() }
}

/// See [`cape_vm::foreign::Foreign::sequence_operator`].
pub fn sequence_operator(vm: &Vm, a: Value, b: Value, op: Special, inplace: bool) -> Option<Res<Value>> {
    let (ta, tb) = (type_of(a), type_of(b));
    let own = |number| if inplace { slot(ta, number) } else { None };
    let named = |v: Value| move || format!("<slot of '{}' objects>", type_of(v).name_str());
    if op == Special::Add {
        let f = own(INPLACE_CONCAT).or_else(|| slot(ta, CONCAT))?;
        // SAFETY: the slot says the signature.
        let f = unsafe { std::mem::transmute::<*const (), binaryfunc>(f) };
        // SAFETY: both operands are held.
        return Some(cross(vm, [a, b], |p| check_result(vm, named(a), unsafe { f(p[0], p[1]) })));
    }
    let (f, sequence, count) = match own(INPLACE_REPEAT).or_else(|| slot(ta, REPEAT)) {
        Some(f) => (f, a, b),
        None if inplace && has_protocol(ta) => return None,
        None => (slot(tb, REPEAT)?, b, a),
    };
    // SAFETY: the slot says the signature.
    let f = unsafe { std::mem::transmute::<*const (), ssizeargfunc>(f) };
    Some(repetitions(vm, count).and_then(|n| {
        // SAFETY: the operand is held.
        cross(vm, [sequence], |p| check_result(vm, named(sequence), unsafe { f(p[0], n) }))
    }))
}

/// See [`cape_vm::foreign::Foreign::power_by_modulus`].
pub fn power_by_modulus(vm: &Vm, a: Value, b: Value, c: Value) -> Option<Res<Value>> {
    let own = |v: Value| slot_behind(type_of(v).special(Special::Pow), POWER);
    let f = own(c)?;
    if own(a) == Some(f) || own(b) == Some(f) {
        return None;
    }
    // SAFETY: the slot says the signature.
    let f = unsafe { std::mem::transmute::<*const (), ternaryfunc>(f) };
    let named = || format!("<slot wrapper '__pow__' of '{}' objects>", type_of(c).name_str());
    // SAFETY: the operands are held.
    Some(cross(vm, [a, b, c], |p| check_result(vm, named, unsafe { f(p[0], p[1], p[2]) })))
}
