//! `zip_longest`.

use cape_vm::object::{ArrayObj, ModuleObj, TupleObj};
use cape_vm::{Ptr, Res, Value, Vm};

use super::{Lazy, iterator, pull, state};

pub(super) fn init(m: Ptr<ModuleObj>) {
    // a = array of iterators (EMPTY where exhausted), b = the fill value, n = how many still run.
    iterator(m, "itertools.zip_longest", "Return a zip_longest object whose .__next__() method returns a tuple where\nthe i-th element comes from the i-th iterable argument.  The .__next__()\nmethod continues until the longest iterable in the argument sequence\nis exhausted and then it raises StopIteration.  When the shorter iterables\nare exhausted, the fillvalue is substituted in their place.  The fillvalue\ndefaults to None or can be specified by a keyword argument.\n", |vm: &Vm, z: Lazy| -> Res<Value> {
        let Some(its) = z.a.downcast::<ArrayObj>() else { return Ok(Value::EMPTY) };
        if z.n.get() == 0 {
            return Ok(Value::EMPTY);
        }
        let mut few = [Value::EMPTY; 4];
        if its.len() <= few.len() {
            for i in 0..its.len() {
                few[i] = next_of(vm, z, its, i)?;
                if few[i].is_empty() {
                    return Ok(Value::EMPTY);
                }
            }
            return Ok(TupleObj::new(&few[..its.len()]).value());
        }
        let out = TupleObj::uninit(its.len());
        for i in 0..its.len() {
            let v = next_of(vm, z, its, i)?;
            if v.is_empty() {
                return Ok(Value::EMPTY);
            }
            out.init(i, v);
        }
        Ok(out.value())
    })
    .new_fn("__new__(cls, /, *iterables, fillvalue=None)", "", |vm: &Vm, cls, all: Ptr<TupleObj>, fill: Option<Value>| -> Res<Lazy> {
        let its = ArrayObj::new(all.len());
        for (i, &v) in all.as_slice().iter().enumerate() {
            its.set(i, vm.iter(v)?);
        }
        let fill = fill.unwrap_or(Value::NONE);
        Ok(state(cls, [its.value(), fill, Value::EMPTY, Value::EMPTY], [all.len() as i64, 0, 0]))
    });
}

/// The next item of iterator `i`, or what stands for it; EMPTY when the last iterator has ended.
#[inline(always)]
fn next_of(vm: &Vm, z: Lazy, its: Ptr<ArrayObj>, i: usize) -> Res<Value> {
    let it = its.get(i);
    if it.is_empty() {
        return Ok(z.b.get());
    }
    match pull(vm, it) {
        Ok(Some(v)) => Ok(v),
        Ok(None) => {
            its.set(i, Value::EMPTY);
            z.n.set(z.n.get() - 1);
            Ok(if z.n.get() == 0 { Value::EMPTY } else { z.b.get() })
        }
        Err(r) => {
            z.n.set(0);
            Err(r)
        }
    }
}
