//! `slice`.

use cape_vm::native::extend;
use cape_vm::object::*;
use cape_vm::ops::Cmp;
use cape_vm::{Ptr, Res, Value, Vm, rt};
use num_bigint::BigInt;
use num_traits::{One, Signed, Zero};

use crate::rich_comparisons;
use crate::tuple::{compare_slices, mix_hashes};

type S = Ptr<SliceObj>;

/// Completes the type.
pub fn init(_vm: &Vm) {
    let t = extend(rt().types.slice);
    t.doc(
        "slice(stop)\nslice(start, stop[, step])\n\nCreate a slice object.\n\nThis is used for extended slicing (e.g. \
         a[0:10:2]).",
    )
    .new_fn("__new__(cls, start, stop=None, step=None, /)", "Create and return a new object.", new)
    .method("__repr__($self, /)", "Return repr(self).", |vm: &Vm, s: S| -> Res<String> {
        let [a, b, c] = parts(s);
        Ok(format!("slice({}, {}, {})", vm.repr_str(a)?, vm.repr_str(b)?, vm.repr_str(c)?))
    })
    .method("__hash__($self, /)", "Return hash(self).", |vm: &Vm, s: S| -> Res<Value> {
        let h = mix_hashes(vm, &parts(s))? as i64;
        Ok(int_value(if h == -1 { 1_546_275_796 } else { h }))
    })
    .method(
        "indices($self, object, /)",
        "S.indices(len) -> (start, stop, stride)\n\nFit the slice to a sequence of length len: the start and stop indices, \
         clipped as\nslicing clips them, and the stride.",
        indices,
    )
    .method("__reduce__($self, /)", "Return state information for pickling.", |_: &Vm, s: S| {
        let args = TupleObj::new(&parts(s));
        TupleObj::new(&[rt().types.slice.value(), args.value()])
    })
    .getter("start", "", |_: &Vm, s: S| s.start.get())
    .getter("stop", "", |_: &Vm, s: S| s.stop.get())
    .getter("step", "", |_: &Vm, s: S| s.step.get());
    rich_comparisons!(t, S, compare);
}

fn parts(s: S) -> [Value; 3] {
    [s.start.get(), s.stop.get(), s.step.get()]
}

fn new(_: &Vm, _: Ptr<TypeObj>, start: Value, stop: Value, step: Value) -> S {
    let or_none = |v: Value| if v.is_empty() { Value::NONE } else { v };
    if stop.is_empty() {
        return SliceObj::new(Value::NONE, start, Value::NONE);
    }
    SliceObj::new(start, stop, or_none(step))
}

fn compare(vm: &Vm, a: S, b: Value, op: Cmp) -> Res<Value> {
    let Some(b) = b.downcast::<SliceObj>() else { return Ok(Value::NOT_IMPLEMENTED) };
    if a == b {
        return Ok(Value::bool(matches!(op, Cmp::Eq | Cmp::Le | Cmp::Ge)));
    }
    let (x, y) = (parts(a), parts(b));
    compare_slices(vm, |i| x.get(i).copied(), |i| y.get(i).copied(), (3, 3), op)
}

fn big(vm: &Vm, v: Value) -> Res<Option<BigInt>> {
    if v.is_none() {
        return Ok(None);
    }
    if !crate::slicing::is_index(v) {
        return Err(vm.type_error("slice indices must be integers or None or have an __index__ method"));
    }
    Ok(Some(vm.index_int(v)?.into_big()))
}

/// `slice.indices` for a length of any size.
pub fn indices(vm: &Vm, s: S, len: Int) -> Res<Value> {
    let len = len.into_big();
    if len.is_negative() {
        return Err(vm.value_error("length should not be negative"));
    }
    let step = big(vm, s.step.get())?.unwrap_or_else(BigInt::one);
    if step.is_zero() {
        return Err(vm.value_error("slice step cannot be zero"));
    }
    let down = step.is_negative();
    let (lower, upper) =
        if down { (BigInt::from(-1), &len - 1) } else { (BigInt::ZERO, len.clone()) };
    let clip = |i: Option<BigInt>, default: &BigInt| match i {
        None => default.clone(),
        Some(i) if i.is_negative() => (i + &len).max(lower.clone()),
        Some(i) => i.min(upper.clone()),
    };
    let start = clip(big(vm, s.start.get())?, if down { &upper } else { &lower });
    let stop = clip(big(vm, s.stop.get())?, if down { &lower } else { &upper });
    let start = big_value(start);
    let stop = big_value(stop);
    Ok(TupleObj::new(&[start, stop, big_value(step)]).value())
}
