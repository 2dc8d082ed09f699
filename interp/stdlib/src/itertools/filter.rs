//! Iterators over one or several iterables in turn: `chain`, `accumulate`, `batched`, `islice`, filters, `starmap`, `pairwise`.

use cape_vm::object::{ModuleObj, TupleObj, TypeObj, ValueVec};
use cape_vm::ops;
use cape_vm::{Ptr, Res, Value, Vm, rt};

use super::{Lazy, iterator, pull, state};

const E: Value = Value::EMPTY;

pub(super) fn init(m: Ptr<ModuleObj>) {
    chains(m);
    selections(m);
    slices(m);
}

fn chains(m: Ptr<ModuleObj>) {
    // a = iterator over the iterables (EMPTY at the end), b = the running one.
    iterator(m, "itertools.chain", "Return a chain object whose .__next__() method returns elements from the\nfirst iterable until it is exhausted, then elements from the next\niterable, until all of the iterables are exhausted.", |vm: &Vm, c: Lazy| -> Res<Value> {
        loop {
            if !c.b.get().is_empty() {
                let v = vm.next_or_empty(c.b.get())?;
                if !v.is_empty() {
                    return Ok(v);
                }
                vm.take_stop_value();
                c.b.set(c, E);
            }
            if c.a.get().is_empty() {
                return Ok(E);
            }
            let next = match pull(vm, c.a.get()) {
                Ok(Some(s)) => vm.iter(s),
                Ok(None) => {
                    c.a.set(c, E);
                    return Ok(E);
                }
                Err(r) => Err(r),
            };
            match next {
                Ok(it) => c.b.set(c, it),
                Err(r) => {
                    c.a.set(c, E);
                    return Err(r);
                }
            }
        }
    })
    .new_fn("__new__(cls, /, *iterables)", "", |vm: &Vm, cls, all: Value| -> Res<Lazy> {
        let it = vm.iter(all)?;
        Ok(state(cls, [it, E, E, E], [0; 3]))
    })
    .class_method("from_iterable($type, iterable, /)", "Alternative chain() constructor taking a single iterable argument that evaluates lazily.", |vm: &Vm, cls: Ptr<TypeObj>, all: Value| -> Res<Lazy> {
        let it = vm.iter(all)?;
        Ok(state(cls, [it, E, E, E], [0; 3]))
    })
    .class_method("__class_getitem__($type, object, /)", "See PEP 585", cape_builtins::generic_alias::class_getitem);
    // a = iterator, b = function or EMPTY, c = total or EMPTY, d = initial or EMPTY.
    iterator(
        m,
        "itertools.accumulate",
        "Return series of accumulated sums.",
        |vm: &Vm, s: Lazy| -> Res<Value> {
            if !s.d.get().is_empty() {
                let v = s.d.get();
                s.d.set(s, E);
                s.c.set(s, v);
                return Ok(v);
            }
            let Some(v) = pull(vm, s.a.get())? else { return Ok(E) };
            let total = s.c.get();
            let new = if total.is_empty() {
                v
            } else if s.b.get().is_empty()
                && total.both_ints(v)
                && let Some(sum) = total.int_add(v)
            {
                sum
            } else if s.b.get().is_empty() {
                vm.binary(total, v, &ops::ADD)?
            } else {
                vm.call(s.b.get(), &[total, v])?
            };
            s.c.set(s, new);
            Ok(new)
        },
    )
    .new_fn(
        "__new__(cls, iterable, func=None, *, initial=None)",
        "",
        |vm: &Vm, cls, items: Value, f: Value, initial: Value| -> Res<Lazy> {
            let none = |v: Value| if v.is_none() { E } else { v };
            let it = vm.iter(items)?;
            Ok(state(cls, [it, none(f), E, none(initial)], [0; 3]))
        },
    );
    // a = iterator, n = size, m = strict.
    iterator(m, "itertools.batched", "Batch data into tuples of length n. The last batch may be shorter than n.\n\nLoops over the input iterable and accumulates data into tuples\nup to size n.  The input is consumed lazily, just enough to\nfill a batch.  The result is yielded as soon as a batch is full\nor when the input iterable is exhausted.\n\n    >>> for batch in batched('ABCDEFG', 3):\n    ...     print(batch)\n    ...\n    ('A', 'B', 'C')\n    ('D', 'E', 'F')\n    ('G',)\n\nIf \"strict\" is True, raises a ValueError if the final batch is shorter\nthan n.", |vm: &Vm, b: Lazy| -> Res<Value> {
        if b.a.get().is_empty() {
            return Ok(E);
        }
        let n = b.n.get() as usize;
        let mut out = ValueVec::with_capacity(n.min(1024));
        while out.len() < n {
            match pull(vm, b.a.get())? {
                Some(v) => out.push(v),
                None => break,
            }
        }
        if out.len() < n {
            b.a.set(b, E);
            if out.is_empty() {
                return Ok(E);
            }
            if b.m.get() != 0 {
                return Err(vm.value_error("batched(): incomplete batch"));
            }
        }
        Ok(TupleObj::new(&out).value())
    })
    .new_fn("__new__(cls, iterable, n, *, strict=False)", "", |vm: &Vm, cls, items: Value, n: Value, strict: Option<bool>| -> Res<Lazy> {
        let n = vm.index_isize(n)?;
        if n < 1 {
            return Err(vm.value_error("n must be at least one"));
        }
        let it = vm.iter(items)?;
        Ok(state(cls, [it, E, E, E], [n as i64, strict.unwrap_or(false) as i64, 0]))
    });
}

fn selections(m: Ptr<ModuleObj>) {
    iterator(m, "itertools.compress", "Return data elements corresponding to true selector elements.\n\nForms a shorter iterator from selected data elements using the selectors to\nchoose the data elements.", |vm: &Vm, c: Lazy| -> Res<Value> {
        loop {
            let Some(v) = pull(vm, c.a.get())? else { return Ok(E) };
            let Some(s) = pull(vm, c.b.get())? else { return Ok(E) };
            if vm.truth(s)? {
                return Ok(v);
            }
        }
    })
    .new_fn("__new__(cls, data, selectors)", "", |vm: &Vm, cls, data: Value, selectors: Value| -> Res<Lazy> {
        let (a, b) = (vm.iter(data)?, vm.iter(selectors)?);
        Ok(state(cls, [a, b, E, E], [0; 3]))
    });
    let with_function = |vm: &Vm, cls: Ptr<TypeObj>, f: Value, items: Value| -> Res<Lazy> {
        let it = vm.iter(items)?;
        Ok(state(cls, [it, f, E, E], [0; 3]))
    };
    // a = iterator, b = function; n: the rest is given without asking / nothing more comes.
    iterator(m, "itertools.dropwhile", "Drop items from the iterable while predicate(item) is true.\n\nAfterwards, return every element until the iterable is exhausted.", |vm: &Vm, d: Lazy| -> Res<Value> {
        loop {
            let Some(v) = pull(vm, d.a.get())? else { return Ok(E) };
            if d.n.get() == 0 {
                let r = vm.call(d.b.get(), &[v])?;
                if vm.truth(r)? {
                    continue;
                }
                d.n.set(1);
            }
            return Ok(v);
        }
    })
    .new_fn("__new__(cls, predicate, iterable, /)", "", with_function);
    iterator(m, "itertools.takewhile", "Return successive entries from an iterable as long as the predicate evaluates to true for each entry.", |vm: &Vm, t: Lazy| -> Res<Value> {
        if t.n.get() != 0 {
            return Ok(E);
        }
        let Some(v) = pull(vm, t.a.get())? else { return Ok(E) };
        let r = vm.call(t.b.get(), &[v])?;
        if vm.truth(r)? {
            return Ok(v);
        }
        t.n.set(1);
        Ok(E)
    })
    .new_fn("__new__(cls, predicate, iterable, /)", "", with_function);
    iterator(m, "itertools.filterfalse", "Return those items of iterable for which function(item) is false.\n\nIf function is None, return the items that are false.", |vm: &Vm, f: Lazy| -> Res<Value> {
        let func = f.b.get();
        loop {
            let Some(v) = pull(vm, f.a.get())? else { return Ok(E) };
            let r = if func.is_none() || func == rt().types.bool.value() { v } else { vm.call(func, &[v])? };
            if !vm.truth(r)? {
                return Ok(v);
            }
        }
    })
    .new_fn("__new__(cls, function, iterable, /)", "", with_function);
    iterator(m, "itertools.starmap", "Return an iterator whose values are returned from the function evaluated with an argument tuple taken from the given sequence.", |vm: &Vm, s: Lazy| -> Res<Value> {
        let Some(v) = pull(vm, s.a.get())? else { return Ok(E) };
        if let Some(args) = v.downcast::<TupleObj>().filter(|t| t.header().map() == rt().maps.tuple) {
            return vm.call(s.b.get(), args.as_slice());
        }
        let args = vm.list_of(v)?;
        vm.call(s.b.get(), args.as_slice())
    })
    .new_fn("__new__(cls, function, iterable, /)", "", with_function);
    // a = iterator (EMPTY at the end), b = the item before.
    iterator(m, "itertools.pairwise", "Return an iterator of overlapping pairs taken from the input iterator.\n\n    s -> (s0,s1), (s1,s2), (s2, s3), ...", |vm: &Vm, p: Lazy| -> Res<Value> {
        if p.a.get().is_empty() {
            return Ok(E);
        }
        if p.b.get().is_empty() {
            let Some(v) = pull(vm, p.a.get())? else {
                p.a.set(p, E);
                return Ok(E);
            };
            p.b.set(p, v);
            if p.a.get().is_empty() {
                return Ok(E);
            }
        }
        let old = p.b.get();
        let Some(v) = pull(vm, p.a.get())? else {
            p.a.set(p, E);
            p.b.set(p, E);
            return Ok(E);
        };
        p.b.set(p, v);
        // SAFETY: nothing is made.
        Ok(unsafe { TupleObj::of(2, |i| if i == 0 { old } else { v }) }.value())
    })
    .new_fn("__new__(cls, iterable, /)", "", |vm: &Vm, cls, items: Value| -> Res<Lazy> {
        let it = vm.iter(items)?;
        Ok(state(cls, [it, E, E, E], [0; 3]))
    });
}

fn slices(m: Ptr<ModuleObj>) {
    // a = iterator (EMPTY at the end), n = index of the next item to give, m = stop or -1, k = step, b = items taken so far.
    iterator(m, "itertools.islice", "islice(iterable, stop) --> islice object\nislice(iterable, start, stop[, step]) --> islice object\n\nReturn an iterator whose next() method returns selected values from an\niterable.  If start is specified, will skip all preceding elements;\notherwise, start defaults to zero.  Step defaults to one.  If\nspecified as another value, step determines how many values are\nskipped between successive calls.  Works like a slice() on a list\nbut returns an iterator.", |vm: &Vm, s: Lazy| -> Res<Value> {
        if s.a.get().is_empty() {
            return Ok(E);
        }
        let (next, stop) = (s.n.get(), s.m.get());
        let mut taken = s.b.get().as_int();
        while taken < next {
            if pull(vm, s.a.get())?.is_none() {
                s.a.set(s, E);
                return Ok(E);
            }
            taken += 1;
            s.b.set_no_barrier(Value::int(taken));
        }
        if stop != -1 && taken >= stop {
            s.a.set(s, E);
            return Ok(E);
        }
        let Some(v) = pull(vm, s.a.get())? else {
            s.a.set(s, E);
            return Ok(E);
        };
        s.b.set_no_barrier(Value::int(taken + 1));
        let mut after = next.saturating_add(s.k.get());
        if stop != -1 && after > stop {
            after = stop;
        }
        s.n.set(after);
        Ok(v)
    })
    .new_fn("__new__(cls, /, *args)", "", islice_new);
}

/// An index of `islice`; `None` for None, an error for what is no index or out of range.
fn slice_index(vm: &Vm, v: Value) -> Result<Option<i64>, ()> {
    if v.is_none() {
        return Ok(None);
    }
    match vm.index_int(v) {
        Ok(i) => i.to_i64().filter(|i| *i >= 0).map(Some).ok_or(()),
        Err(_) => Err(()),
    }
}

fn islice_new(vm: &Vm, cls: Ptr<TypeObj>, args: Ptr<TupleObj>) -> Res<Lazy> {
    let a = args.as_slice();
    if a.len() < 2 {
        return Err(vm.type_error(format!("islice expected at least 2 arguments, got {}", a.len())));
    }
    if a.len() > 4 {
        return Err(vm.type_error(format!("islice expected at most 4 arguments, got {}", a.len())));
    }
    let bad_stop =
        || vm.value_error("Stop argument for islice() must be None or an integer: 0 <= x <= sys.maxsize.");
    let stop_arg = if a.len() == 2 { a[1] } else { a[2] };
    let start = if a.len() > 2 { slice_index(vm, a[1]) } else { Ok(None) };
    let stop = slice_index(vm, stop_arg);
    let is_index = |v: Value| v.is_none() || vm.index_int(v).is_ok();
    if stop.is_err() && (a.len() == 2 || !is_index(stop_arg)) {
        return Err(bad_stop());
    }
    let (Ok(start), Ok(stop)) = (start, stop) else {
        return Err(vm.value_error("Indices for islice() must be None or an integer: 0 <= x <= sys.maxsize."));
    };
    let step = match a.get(3) {
        None => 1,
        Some(&v) => match slice_index(vm, v) {
            Ok(None) => 1,
            Ok(Some(n)) if n >= 1 => n,
            _ => return Err(vm.value_error("Step for islice() must be a positive integer or None.")),
        },
    };
    let it = vm.iter(a[0])?;
    Ok(state(cls, [it, Value::int(0), E, E], [start.unwrap_or(0), stop.unwrap_or(-1), step]))
}
