//! Iterators over sequences, and `enumerate`, `zip`, `map`, `filter`, `reversed`, `iter(callable, sentinel)`.

use cape_heap::{Field, Header, heap, heap_object};
use cape_vm::native::{TypeBuilder, extend, new_type};
use cape_vm::object::*;
use cape_vm::iteration::seq_next;
use cape_vm::runtime::StaticType;
use cape_vm::special::Special;
use cape_vm::{Ptr, Res, Value, Vm, rt, type_of};
use std::cell::Cell;

use crate::number::type_name;

heap_object! {
    /// `enumerate`: the iterator and the next count.
    pub struct EnumerateObj { iter: Field, count: Field }

    /// `zip`: a tuple of iterators.
    pub struct ZipObj { iters: Field, strict: Cell<bool> }

    /// `map`: the function and a tuple of iterators.
    pub struct MapObj { func: Field, iters: Field, strict: Cell<bool> }

    /// `filter`: the function (None: the items' own truth) and the iterator.
    pub struct FilterObj { func: Field, iter: Field }

    /// `reversed` of a sequence: EMPTY once exhausted; `index` is that of the next item.
    pub struct ReversedObj { seq: Field, index: Cell<isize> }

    /// `iter(callable, sentinel)`: both EMPTY once exhausted.
    pub struct CallIterObj { callable: Field, sentinel: Field }
}

macro_rules! named {
    ($($t:ty = $n:literal),*) => { $(impl cape_vm::native::Named for $t { const NAME: &'static str = $n; })* }
}
named! {
    EnumerateObj = "enumerate", ZipObj = "zip", MapObj = "map", FilterObj = "filter", ReversedObj = "reversed",
    CallIterObj = "callable_iterator"
}

const ITER: &str = "Implement iter(self).";
const NEXT: &str = "Implement next(self).";
const HINT: &str = "Private method returning an estimate of len(list(it)).";
const REDUCE: &str = "Return state information for pickling.";
const SETSTATE: &str = "Set state information for unpickling.";
const NEW: &str = "Create and return a new object.";

static CALL_ITER: StaticType = StaticType::new();

/// Completes the types.
pub fn init(vm: &Vm) {
    init_sequence_iterators();
    let classes = [init_enumerate(), init_zip(), init_map(), init_filter(), init_reversed()];
    for c in classes {
        rt().builtins().set_str(c.class().name.get(), c.class().value());
        rt().keep(c.class().value());
    }
    init_call_iter();
    let _ = vm;
}

type S = Ptr<SeqIterObj>;

fn init_sequence_iterators() {
    for class in [rt().types.list_iterator, rt().types.tuple_iterator] {
        forward(extend(class))
            .method("__next__($self, /)", NEXT, |_: &Vm, it: S| seq_next(it).unwrap_or(Value::EMPTY))
            .method("__length_hint__($self, /)", HINT, |vm: &Vm, it: S| remaining(vm, it));
    }
    forward(extend(rt().types.seq_iterator))
        .method("__next__($self, /)", NEXT, getitem_next)
        .method("__length_hint__($self, /)", HINT, |vm: &Vm, it: S| {
            let seq = it.seq.get();
            if !seq.is_empty() && type_of(seq).special(Special::Len).is_empty() {
                return Ok(Value::NOT_IMPLEMENTED);
            }
            remaining(vm, it).map(|n| int_value(n as i64))
        });
    extend(rt().types.list_reverse_iterator)
        .method("__iter__($self, /)", ITER, |_: &Vm, it: S| it)
        .method("__next__($self, /)", NEXT, reverse_next)
        .method("__length_hint__($self, /)", HINT, |_: &Vm, it: S| {
            let len = it.seq.downcast::<ListObj>().map_or(0, |l| l.len());
            // More items were to come than the list now has: it shrank, and the next step ends the iteration.
            if it.index.get() > len { 0 } else { it.index.get() }
        })
        .method("__reduce__($self, /)", REDUCE, |vm: &Vm, it: S| -> Res<Value> {
            let f = builtin(vm, "reversed")?;
            if it.seq.get().is_empty() {
                let args = TupleObj::new(&[ListObj::new(&[]).value()]);
                return Ok(TupleObj::new(&[f, args.value()]).value());
            }
            let args = TupleObj::new(&[it.seq.get()]);
            Ok(TupleObj::new(&[f, args.value(), int_value(it.index.get() as i64 - 1)]).value())
        })
        .method("__setstate__($self, object, /)", SETSTATE, |_: &Vm, it: S, state: isize| {
            if let Some(l) = it.seq.downcast::<ListObj>() {
                it.index.set((state.clamp(-1, l.len() as isize - 1) + 1) as usize);
            }
        });
}

/// The methods that all forward iterators over sequences have in common.
fn forward(t: TypeBuilder) -> TypeBuilder {
    t.method("__iter__($self, /)", ITER, |_: &Vm, it: S| it)
        .method("__reduce__($self, /)", REDUCE, |vm: &Vm, it: S| -> Res<Value> {
            let iter = builtin(vm, "iter")?;
            let seq = it.seq.get();
            if seq.is_empty() {
                let empty = if type_of(it.value()) == rt().types.list_iterator {
                    ListObj::new(&[]).value()
                } else {
                    rt().empty_tuple().value()
                };
                let args = TupleObj::new(&[empty]);
                return Ok(TupleObj::new(&[iter, args.value()]).value());
            }
            let args = TupleObj::new(&[seq]);
            Ok(TupleObj::new(&[iter, args.value(), int_value(it.index.get() as i64)]).value())
        })
        .method("__setstate__($self, object, /)", SETSTATE, |_: &Vm, it: S, state: isize| {
            let seq = it.seq.get();
            let most = match (seq.downcast::<ListObj>(), seq.downcast::<TupleObj>()) {
                (Some(l), _) => l.len(),
                (_, Some(t)) => t.len(),
                _ => usize::MAX,
            };
            if !seq.is_empty() {
                it.index.set((state.max(0) as usize).min(most));
            }
        })
}

fn remaining(vm: &Vm, it: S) -> Res<usize> {
    let seq = it.seq.get();
    if seq.is_empty() {
        return Ok(0);
    }
    let len = match (seq.downcast::<ListObj>(), seq.downcast::<TupleObj>()) {
        (Some(l), _) => l.len(),
        (_, Some(t)) => t.len(),
        _ => vm.len(seq)?,
    };
    Ok(len.saturating_sub(it.index.get()))
}

/// A function of `builtins`, by whatever key it is found there; looking it up may run Python code.
pub(crate) fn builtin(vm: &Vm, name: &str) -> Res<Value> {
    // SAFETY: the top frame is initialised.
    let builtins = vm.top_frame().map_or(rt().builtins().value(), |f| unsafe { (*f).builtins });
    match vm.mapping_get(builtins, rt().intern(name))? {
        Some(v) => Ok(v),
        None => Err(vm.attribute_error(name)),
    }
}

/// Next item of an object that has `__getitem__` alone.
fn getitem_next(vm: &Vm, it: S) -> Res<Value> {
    let seq = it.seq.get();
    if seq.is_empty() {
        return Ok(Value::EMPTY);
    }
    let i = it.index.get();
    if i == isize::MAX as usize {
        return Err(vm.overflow_error("iter index too large"));
    }
    match vm.get_item(seq, int_value(i as i64)) {
        Ok(v) => {
            it.index.set(i + 1);
            Ok(v)
        }
        Err(e) if e.is(rt().types.index_error) || e.is(rt().types.stop_iteration) => {
            it.seq.set_no_barrier(Value::EMPTY);
            Ok(Value::EMPTY)
        }
        Err(e) => Err(e),
    }
}

/// `index` is the number of items that are left.
fn reverse_next(_: &Vm, it: S) -> Value {
    let Some(l) = it.seq.downcast::<ListObj>() else { return Value::EMPTY };
    let left = it.index.get();
    match left.checked_sub(1).and_then(|i| l.get(i)) {
        Some(v) => {
            it.index.set(left - 1);
            v
        }
        None => {
            it.seq.set_no_barrier(Value::EMPTY);
            Value::EMPTY
        }
    }
}

fn init_enumerate() -> TypeBuilder {
    type E = Ptr<EnumerateObj>;
    new_type::<EnumerateObj>("builtins.enumerate", rt().types.object, TypeFlags::BASE)
        .doc(
            "Return an enumerate object.\n\n  iterable\n    an object supporting iteration\n\nThe enumerate object yields \
             pairs containing a count (from start, which\ndefaults to zero) and a value yielded by the iterable \
             argument.\n\nenumerate is useful for obtaining an indexed list:\n    (0, seq[0]), (1, seq[1]), (2, seq[2]), ...",
        )
        .new_fn(
            "__new__(cls, iterable, start=0)",
            NEW,
            |vm: &Vm, cls: Ptr<TypeObj>, iterable: Value, start: Value| -> Res<E> {
                let count =
                    if start.is_empty() { Value::int(0) } else { crate::int_ops::exact(vm.index_value(start)?) };
                let iter = vm.iter(iterable)?;
                let map = cls.instance_map();
                let header = Header::new(map);
                Ok(heap().alloc(map, EnumerateObj { header, iter: Field::new(iter), count: Field::new(count) }))
            },
        )
        .method("__iter__($self, /)", ITER, |_: &Vm, e: E| e)
        .method("__next__($self, /)", NEXT, |vm: &Vm, e: E| -> Res<Value> {
            let Some(v) = vm.next(e.iter.get())? else { return Ok(Value::EMPTY) };
            let n = e.count.get();
            let next = if n.is_int() { Value::try_int(n.as_int() + 1) } else { None };
            e.count.set(e, next.unwrap_or_else(|| crate::int_ops::add(vm, n, Value::int(1))));
            Ok(TupleObj::new(&[n, v]).value())
        })
        .method("__reduce__($self, /)", REDUCE, |_: &Vm, e: E| {
            let args = TupleObj::new(&[e.iter.get(), e.count.get()]);
            TupleObj::new(&[type_of(e.value()).value(), args.value()])
        })
        .class_method(
            "__class_getitem__($type, object, /)",
            "'enumerate' objects are generic over the type of their values",
            |vm: &Vm, cls: Value, item: Value| vm.call_generic_alias(cls, item),
        )
}

/// Iterators over all of `iterables`.
fn iterators(vm: &Vm, iterables: &[Value]) -> Res<Ptr<TupleObj>> {
    let out = ArrayObj::new(iterables.len());
    for (i, &x) in iterables.iter().enumerate() {
        out.set(i, vm.iter(x)?);
    }
    Ok(TupleObj::new(out.as_slice()))
}

/// The next items of all iterators into `out`; false when one is exhausted. With `strict` ValueError when not all end together.
fn step(vm: &Vm, name: &str, iters: &[Value], strict: bool, out: &mut ValueVec) -> Res<bool> {
    for (i, &it) in iters.iter().enumerate() {
        match vm.next(it)? {
            Some(v) => out.push(v),
            None if !strict => return Ok(false),
            None if i > 0 => return Err(uneven(vm, name, i, "shorter")),
            None => {
                for (j, &other) in iters.iter().enumerate().skip(1) {
                    if vm.next(other)?.is_some() {
                        return Err(uneven(vm, name, j, "longer"));
                    }
                }
                return Ok(false);
            }
        }
    }
    Ok(true)
}

#[cold]
fn uneven(vm: &Vm, name: &str, i: usize, what: &str) -> cape_vm::Raised {
    let others = if i == 1 { " 1".to_string() } else { format!("s 1-{i}") };
    vm.value_error(format!("{name}() argument {} is {what} than argument{others}", i + 1))
}

fn init_zip() -> TypeBuilder {
    type Z = Ptr<ZipObj>;
    new_type::<ZipObj>("builtins.zip", rt().types.object, TypeFlags::BASE)
        .doc(
            "The zip object yields n-length tuples, where n is the number of\niterables passed as positional arguments to \
             zip().  The i-th element\nin every tuple comes from the i-th iterable argument to zip().  This\ncontinues until \
             the shortest argument is exhausted.\n\nIf strict is true and one of the arguments is exhausted before \
             the\nothers, raise a ValueError.\n\n   >>> list(zip('spam', range(3)))\n   [('s', 0), ('p', 1), ('a', 2)]",
        )
        .new_fn(
            "__new__(cls, *iterables, strict=False)",
            NEW,
            |vm: &Vm, cls: Ptr<TypeObj>, iterables: Ptr<TupleObj>, strict: Option<bool>| -> Res<Z> {
                let iters = iterators(vm, iterables.as_slice())?;
                let map = cls.instance_map();
                let header = Header::new(map);
                let strict = Cell::new(strict.unwrap_or(false));
                Ok(heap().alloc(map, ZipObj { header, iters: Field::new(iters.value()), strict }))
            },
        )
        .method("__iter__($self, /)", ITER, |_: &Vm, z: Z| z)
        .method("__next__($self, /)", NEXT, |vm: &Vm, z: Z| -> Res<Value> {
            let iters: Ptr<TupleObj> = z.iters.downcast().expect("a tuple");
            if let [a, b] = *iters.as_slice()
                && !z.strict.get()
            {
                let Some(x) = vm.next(a)? else { return Ok(Value::EMPTY) };
                let Some(y) = vm.next(b)? else { return Ok(Value::EMPTY) };
                return Ok(TupleObj::new(&[x, y]).value());
            }
            if iters.is_empty() {
                return Ok(Value::EMPTY);
            }
            let mut out = ValueVec::with_capacity(iters.len());
            let more = step(vm, "zip", iters.as_slice(), z.strict.get(), &mut out)?;
            Ok(if more { TupleObj::new(&out).value() } else { Value::EMPTY })
        })
        .method("__reduce__($self, /)", REDUCE, |_: &Vm, z: Z| {
            let class = type_of(z.value()).value();
            let args = z.iters.get();
            if z.strict.get() { TupleObj::new(&[class, args, Value::TRUE]) } else { TupleObj::new(&[class, args]) }
        })
        .method("__setstate__($self, object, /)", SETSTATE, |vm: &Vm, z: Z, state: Value| -> Res<()> {
            z.strict.set(vm.truth(state)?);
            Ok(())
        })
}

fn init_map() -> TypeBuilder {
    type M = Ptr<MapObj>;
    new_type::<MapObj>("builtins.map", rt().types.object, TypeFlags::BASE)
        .doc(
            "Make an iterator that computes the function using arguments from\neach of the iterables.  Stops when the \
             shortest iterable is exhausted.\n\nIf strict is true and one of the arguments is exhausted before \
             the\nothers, raise a ValueError.",
        )
        .new_fn(
            "__new__(cls, *args, strict=False)",
            NEW,
            |vm: &Vm, cls: Ptr<TypeObj>, args: Ptr<TupleObj>, strict: Option<bool>| -> Res<M> {
                if args.len() < 2 {
                    return Err(vm.type_error("map() must have at least two arguments."));
                }
                let iters = iterators(vm, &args.as_slice()[1..])?;
                let map = cls.instance_map();
                let header = Header::new(map);
                let func = Field::new(args.get(0));
                let strict = Cell::new(strict.unwrap_or(false));
                Ok(heap().alloc(map, MapObj { header, func, iters: Field::new(iters.value()), strict }))
            },
        )
        .method("__iter__($self, /)", ITER, |_: &Vm, m: M| m)
        .method("__next__($self, /)", NEXT, |vm: &Vm, m: M| -> Res<Value> {
            let iters: Ptr<TupleObj> = m.iters.downcast().expect("a tuple");
            if let [only] = *iters.as_slice() {
                let x = vm.next_or_empty(only)?;
                if x.is_empty() {
                    vm.take_stop_value();
                    return Ok(x);
                }
                return vm.call_one(m.func.get(), x);
            }
            let mut args = ValueVec::with_capacity(iters.len());
            if !step(vm, "map", iters.as_slice(), m.strict.get(), &mut args)? {
                return Ok(Value::EMPTY);
            }
            vm.call(m.func.get(), &args)
        })
        .method("__reduce__($self, /)", REDUCE, |_: &Vm, m: M| {
            let iters: Ptr<TupleObj> = m.iters.downcast().expect("a tuple");
            let mut args = ValueVec::new();
            args.push(m.func.get());
            args.extend_from_slice(iters.as_slice());
            let args = TupleObj::new(&args).value();
            let class = type_of(m.value()).value();
            if m.strict.get() { TupleObj::new(&[class, args, Value::TRUE]) } else { TupleObj::new(&[class, args]) }
        })
        .method("__setstate__($self, object, /)", SETSTATE, |vm: &Vm, m: M, state: Value| -> Res<()> {
            m.strict.set(vm.truth(state)?);
            Ok(())
        })
}

fn init_filter() -> TypeBuilder {
    type F = Ptr<FilterObj>;
    new_type::<FilterObj>("builtins.filter", rt().types.object, TypeFlags::BASE)
        .doc(
            "Return an iterator yielding those items of iterable for which\nfunction(item) is true.  If function is None, \
             return the items that\nare true.",
        )
        .new_fn(
            "__new__(cls, function, iterable, /)",
            NEW,
            |vm: &Vm, cls: Ptr<TypeObj>, func: Value, iterable: Value| -> Res<F> {
                let iter = vm.iter(iterable)?;
                let map = cls.instance_map();
                let header = Header::new(map);
                Ok(heap().alloc(map, FilterObj { header, func: Field::new(func), iter: Field::new(iter) }))
            },
        )
        .method("__iter__($self, /)", ITER, |_: &Vm, f: F| f)
        .method("__next__($self, /)", NEXT, |vm: &Vm, f: F| -> Res<Value> {
            let func = f.func.get();
            let own = func.is_none() || func == rt().types.bool.value();
            while let Some(x) = vm.next(f.iter.get())? {
                let good = if own { x } else { vm.call(func, &[x])? };
                if vm.truth(good)? {
                    return Ok(x);
                }
            }
            Ok(Value::EMPTY)
        })
        .method("__reduce__($self, /)", REDUCE, |_: &Vm, f: F| {
            let args = TupleObj::new(&[f.func.get(), f.iter.get()]);
            TupleObj::new(&[type_of(f.value()).value(), args.value()])
        })
}

fn init_reversed() -> TypeBuilder {
    type R = Ptr<ReversedObj>;
    new_type::<ReversedObj>("builtins.reversed", rt().types.object, TypeFlags::BASE)
        .doc("Return a reverse iterator over the values of the given sequence.")
        .new_fn("__new__(cls, sequence, /)", NEW, new_reversed)
        .method("__iter__($self, /)", ITER, |_: &Vm, r: R| r)
        .method("__next__($self, /)", NEXT, |vm: &Vm, r: R| -> Res<Value> {
            let i = r.index.get();
            if i < 0 {
                r.seq.set_no_barrier(Value::EMPTY);
                return Ok(Value::EMPTY);
            }
            match vm.get_item(r.seq.get(), int_value(i as i64)) {
                Ok(v) => {
                    r.index.set(i - 1);
                    Ok(v)
                }
                Err(e) => {
                    r.index.set(-1);
                    r.seq.set_no_barrier(Value::EMPTY);
                    if e.is(rt().types.index_error) || e.is(rt().types.stop_iteration) {
                        return Ok(Value::EMPTY);
                    }
                    Err(e)
                }
            }
        })
        .method("__length_hint__($self, /)", HINT, |vm: &Vm, r: R| -> Res<isize> {
            if r.seq.get().is_empty() {
                return Ok(0);
            }
            let left = r.index.get() + 1;
            Ok(if (vm.len(r.seq.get())? as isize) < left { 0 } else { left })
        })
        .method("__reduce__($self, /)", REDUCE, |_: &Vm, r: R| {
            let class = type_of(r.value()).value();
            if r.seq.get().is_empty() {
                let args = TupleObj::new(&[rt().empty_tuple().value()]);
                return TupleObj::new(&[class, args.value()]);
            }
            let args = TupleObj::new(&[r.seq.get()]);
            TupleObj::new(&[class, args.value(), int_value(r.index.get() as i64)])
        })
        .method("__setstate__($self, object, /)", SETSTATE, |vm: &Vm, r: R, state: isize| -> Res<()> {
            if !r.seq.get().is_empty() {
                r.index.set(state.clamp(-1, vm.len(r.seq.get())? as isize - 1));
            }
            Ok(())
        })
}

fn new_reversed(vm: &Vm, cls: Ptr<TypeObj>, seq: Value) -> Res<Value> {
    let t = type_of(seq);
    let f = t.special(Special::Reversed);
    if f.is_none() {
        return Err(vm.type_error(format!("'{}' object is not reversible", type_name(seq))));
    }
    if !f.is_empty() {
        return vm.call_special(f, &[seq]);
    }
    let is_sequence = !t.special(Special::Getitem).is_empty() && !t.is_subtype(rt().types.dict);
    if !is_sequence {
        return Err(vm.type_error(format!("'{}' object is not reversible", type_name(seq))));
    }
    let n = vm.len(seq)?;
    let map = cls.instance_map();
    let object = ReversedObj { header: Header::new(map), seq: Field::new(seq), index: Cell::new(n as isize - 1) };
    Ok(heap().alloc(map, object).value())
}

fn init_call_iter() {
    type C = Ptr<CallIterObj>;
    let t = new_type::<CallIterObj>(
        "builtins.callable_iterator",
        rt().types.object,
        TypeFlags::NO_INSTANTIATION,
    )
    .method("__iter__($self, /)", ITER, |_: &Vm, c: C| c)
    .method("__next__($self, /)", NEXT, |vm: &Vm, c: C| -> Res<Value> {
        if c.callable.get().is_empty() {
            return Ok(Value::EMPTY);
        }
        let done = || {
            c.callable.set_no_barrier(Value::EMPTY);
            c.sentinel.set_no_barrier(Value::EMPTY);
        };
        match vm.call(c.callable.get(), &[]) {
            Ok(v) => {
                // The call may have exhausted the iterator itself.
                let sentinel = c.sentinel.get();
                if !sentinel.is_empty() {
                    // So may the comparison.
                    if !vm.eq_identity(sentinel, v)? && !c.sentinel.get().is_empty() {
                        return Ok(v);
                    }
                    done();
                }
                Ok(Value::EMPTY)
            }
            Err(e) if e.is(rt().types.stop_iteration) => {
                done();
                Ok(Value::EMPTY)
            }
            Err(e) => Err(e),
        }
    })
    .method("__reduce__($self, /)", REDUCE, |vm: &Vm, c: C| -> Res<Value> {
        let iter = builtin(vm, "iter")?;
        if c.callable.get().is_empty() {
            let args = TupleObj::new(&[rt().empty_tuple().value()]);
            return Ok(TupleObj::new(&[iter, args.value()]).value());
        }
        let args = TupleObj::new(&[c.callable.get(), c.sentinel.get()]);
        Ok(TupleObj::new(&[iter, args.value()]).value())
    });
    CALL_ITER.set(t.class());
}

/// `iter(callable, sentinel)`; that the callable is one has been checked.
pub fn call_iter(callable: Value, sentinel: Value) -> Value {
    let map = CALL_ITER.get().instance_map();
    let object =
        CallIterObj { header: Header::new(map), callable: Field::new(callable), sentinel: Field::new(sentinel) };
    heap().alloc(map, object).value()
}
