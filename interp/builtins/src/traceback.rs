//! `traceback`.


use cape_vm::frame::FrameObj;
use cape_vm::native::extend;
use cape_vm::object::*;
use cape_vm::{Ptr, Raised, Res, Value, Vm, rt, type_of};

use crate::exceptions::NEW_DOC;

/// Completes the types of this file.
pub fn init(_vm: &Vm) {
    extend(rt().types.traceback)
        .doc("Create a new traceback object.")
        .new_fn("__new__($type, tb_next, tb_frame, tb_lasti, tb_lineno)", NEW_DOC, new)
        .method("__dir__($self, /)", "", |_: &Vm, _tb: Ptr<TracebackObj>| {
            let names = ["tb_frame", "tb_next", "tb_lasti", "tb_lineno"];
            ListObj::new(&names.map(cape_vm::intern))
        })
        .getset("tb_next", "", |_: &Vm, tb: Ptr<TracebackObj>| tb.next.get(), set_next)
        .getter("tb_frame", "", |vm: &Vm, tb: Ptr<TracebackObj>| {
            vm.audit_attribute(tb.value(), "tb_frame", None)?;
            Ok::<_, Raised>(tb.frame.get())
        })
        .getter("tb_lasti", "", |_: &Vm, tb: Ptr<TracebackObj>| match tb.lasti.get() {
            given if given < -1 => (FOREIGN - given) as i64,
            word => match (u32::try_from(word), tb.frame.downcast::<FrameObj>()) {
                (Ok(w), Some(frame)) => byte_offset(frame.code().unit.instruction_of(w) as i32),
                _ => byte_offset(word),
            },
        })
        .getter("tb_lineno", "", line);
}

/// An offset that is no instruction's is kept as its distance below this.
const FOREIGN: i32 = -2;

/// The line of a traceback entry; None when the code has none there.
fn line(_: &Vm, tb: Ptr<TracebackObj>) -> Option<i32> {
    tb.line_number()
}

fn new(vm: &Vm, cls: Ptr<TypeObj>, next: Value, frame: Value, lasti: i32, lineno: i32) -> Res<Value> {
    let next = check_next(vm, next)?;
    let Some(code) = frame.downcast::<FrameObj>().map(|f| f.code()) else {
        return Err(vm.type_error(format!(
            "traceback() argument 'tb_frame' must be frame, not {}",
            type_of(frame).name_str()
        )));
    };
    let begins = |word: i32| code.unit.instruction_of(word as u32) == word as u32;
    let word = match lasti {
        ..0 => -1,
        2.. if lasti % 8 == 2 && begins(lasti / 8) => lasti / 8,
        _ => FOREIGN.wrapping_sub(lasti),
    };
    Ok(TracebackObj::new(cls.instance_map(), next, frame, word, lineno).value())
}

fn check_next(vm: &Vm, next: Value) -> Res<Value> {
    if next.is_none() || next.is::<TracebackObj>() {
        return Ok(next);
    }
    Err(vm.type_error(format!("expected traceback object or None, got '{}'", type_of(next).name_str())))
}

fn set_next(vm: &Vm, tb: Ptr<TracebackObj>, next: Value) -> Res<()> {
    if next.is_empty() {
        return Err(vm.type_error("can't delete tb_next attribute"));
    }
    let next = check_next(vm, next)?;
    let mut cursor = next;
    while let Some(t) = cursor.downcast::<TracebackObj>() {
        if t == tb {
            return Err(vm.value_error("traceback loop detected"));
        }
        cursor = t.next.get();
    }
    tb.next.set(tb, next);
    Ok(())
}
