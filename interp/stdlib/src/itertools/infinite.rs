//! `count`, `cycle`, `repeat`.

use cape_vm::object::{ComplexObj, ListObj, ModuleObj};
use cape_vm::ops;
use cape_vm::special::Special;
use cape_vm::{Ptr, Res, Value, Vm, type_of};

use super::{Lazy, iterator, pull, state};

pub(super) fn init(m: Ptr<ModuleObj>) {
    iterator(m, "itertools.count", "Return a count object whose .__next__() method returns consecutive values.\n\nEquivalent to:\n    def count(firstval=0, step=1):\n        x = firstval\n        while 1:\n            yield x\n            x += step", |vm: &Vm, c: Lazy| -> Res<Value> {
        let (v, step) = (c.a.get(), c.b.get());
        if v.both_ints(step)
            && let Some(next) = v.int_add(step)
        {
            c.a.set_no_barrier(next);
            return Ok(v);
        }
        let next = vm.binary(v, step, &ops::ADD)?;
        c.a.set(c, next);
        Ok(v)
    })
    .new_fn("__new__(cls, start=0, step=1)", "", |vm: &Vm, cls, start: Option<Value>, step: Option<Value>| -> Res<Lazy> {
        let (start, step) = (start.unwrap_or(Value::int(0)), step.unwrap_or(Value::int(1)));
        if !is_number(start) || !is_number(step) {
            return Err(vm.type_error("a number is required"));
        }
        Ok(state(cls, [start, step, Value::EMPTY, Value::EMPTY], [0; 3]))
    })
    .method("__repr__($self, /)", "Return repr(self).", |vm: &Vm, c: Lazy| -> Res<String> {
        let name = type_of(c.value()).name_str();
        let v = vm.repr_str(c.a.get())?;
        if c.b.get() == Value::int(1) {
            return Ok(format!("{name}({v})"));
        }
        Ok(format!("{name}({v}, {})", vm.repr_str(c.b.get())?))
    });
    // cycle: a = the iterator (EMPTY once exhausted), b = a list of what it gave, n = index into it.
    iterator(
        m,
        "itertools.cycle",
        "Return elements from the iterable until it is exhausted. Then repeat the sequence indefinitely.",
        |vm: &Vm, c: Lazy| -> Res<Value> {
            let Some(saved) = c.b.downcast::<ListObj>() else { return Ok(Value::EMPTY) };
            if !c.a.get().is_empty() {
                if let Some(v) = pull(vm, c.a.get())? {
                    saved.push(v);
                    return Ok(v);
                }
                c.a.set(c, Value::EMPTY);
            }
            let n = saved.len();
            if n == 0 {
                return Ok(Value::EMPTY);
            }
            let i = c.n.get() as usize % n;
            c.n.set(i as i64 + 1);
            Ok(saved.get(i).unwrap_or(Value::EMPTY))
        },
    )
    .new_fn("__new__(cls, iterable, /)", "", |vm: &Vm, cls, items: Value| -> Res<Lazy> {
        let it = vm.iter(items)?;
        let saved = ListObj::new(&[]);
        Ok(state(cls, [it, saved.value(), Value::EMPTY, Value::EMPTY], [0; 3]))
    });
    // repeat: a = the element, n = how often it is still to be given (negative: for ever).
    iterator(m, "itertools.repeat", "repeat(object [,times]) -> create an iterator which returns the object\nfor the specified number of times.  If not specified, returns the object\nendlessly.", |_: &Vm, r: Lazy| -> Res<Value> {
        match r.n.get() {
            0 => return Ok(Value::EMPTY),
            n if n > 0 => r.n.set(n - 1),
            _ => {}
        }
        Ok(r.a.get())
    })
    .new_fn("__new__(cls, object, times=<unrepresentable>)", "", |vm: &Vm, cls, v: Value, times: Option<Value>| -> Res<Lazy> {
        let n = match times {
            Some(t) => (vm.index_isize(t)? as i64).max(0),
            None => -1,
        };
        Ok(state(cls, [v, Value::EMPTY, Value::EMPTY, Value::EMPTY], [n, 0, 0]))
    })
    .method("__repr__($self, /)", "Return repr(self).", |vm: &Vm, r: Lazy| -> Res<String> {
        let name = type_of(r.value()).name_str();
        let v = vm.repr_str(r.a.get())?;
        Ok(if r.n.get() < 0 { format!("{name}({v})") } else { format!("{name}({v}, {})", r.n.get()) })
    })
    .method("__length_hint__($self, /)", "Private method returning an estimate of len(list(it)).", |vm: &Vm, r: Lazy| {
        if r.n.get() < 0 { Err(vm.type_error("len() of unsized object")) } else { Ok(r.n.get()) }
    });
}

/// CPython's `PyNumber_Check`.
fn is_number(v: Value) -> bool {
    let t = type_of(v);
    let has = |s| !t.special(s).is_empty();
    has(Special::Index) || has(Special::Int) || has(Special::Float) || v.is::<ComplexObj>()
}
