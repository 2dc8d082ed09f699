//! `range` and its iterators.

use cape_heap::{Field, Header, heap, heap_object};
use cape_vm::native::{extend, new_type};
use cape_vm::object::*;
use cape_vm::ops::Cmp;
use cape_vm::runtime::StaticType;
use cape_vm::{Ptr, Res, Value, Vm, rt, type_of};
use num_bigint::BigInt;
use num_integer::Integer;
use num_traits::{One, Signed, ToPrimitive, Zero};

use crate::int_ops::{self, exact, word};
use crate::number::type_name;
use crate::rich_comparisons;
use crate::slicing::is_index;
use crate::tuple::hash_values;

heap_object! {
    /// Iterator over a range with numbers beyond machine words: the next number, the step, how many are left.
    pub struct LongRangeIterObj { next: Field, step: Field, left: Field }
}

static LONG_ITER: StaticType = StaticType::new();

type R = Ptr<RangeObj>;
type I = Ptr<RangeIterObj>;

impl cape_vm::native::Named for LongRangeIterObj {
    const NAME: &'static str = "longrange_iterator";
}

/// Completes the types.
pub fn init(_vm: &Vm) {
    let t = extend(rt().types.range);
    t.doc(
        "range(stop) -> range object\nrange(start, stop[, step]) -> range object\n\nReturn an object that produces a \
         sequence of integers from start (inclusive)\nto stop (exclusive) by step.  range(i, j) produces i, i+1, i+2, ..., \
         j-1.\nstart defaults to 0, and stop is omitted!  range(4) produces 0, 1, 2, 3.\nThese are exactly the valid indices \
         for a list of 4 elements.\nWhen step is given, it specifies the increment (or decrement).",
    )
    .new_fn("__new__(cls, start, stop=None, step=None, /)", "Create and return a new object.", new)
    .method("__repr__($self, /)", "Return repr(self).", repr)
    .method("__hash__($self, /)", "Return hash(self).", hash)
    .method("__iter__($self, /)", "Implement iter(self).", |_: &Vm, r: R| iter(r))
    .method("__bool__($self, /)", "True if self else False", |_: &Vm, r: R| word(r.length.get()) != Some(0))
    .method("__len__($self, /)", "Return len(self).", len)
    .method("__getitem__($self, key, /)", "Return self[key].", getitem)
    .method("__contains__($self, key, /)", "Return bool(key in self).", contains)
    .method("__reversed__($self, /)", "Return a reverse iterator.", |_: &Vm, r: R| reversed(r))
    .method("__reduce__($self, /)", "", |_: &Vm, r: R| {
        let args = TupleObj::new(&[r.start.get(), r.stop.get(), r.step.get()]);
        TupleObj::new(&[rt().types.range.value(), args.value()])
    })
    .method(
        "count($self, object, /)",
        "rangeobject.count(value) -> integer -- return number of occurrences of value",
        count,
    )
    .method(
        "index($self, object, /)",
        "rangeobject.index(value) -> integer -- return index of value.\nRaise ValueError if the value is not present.",
        index,
    )
    .getter("start", "", |_: &Vm, r: R| r.start.get())
    .getter("stop", "", |_: &Vm, r: R| r.stop.get())
    .getter("step", "", |_: &Vm, r: R| r.step.get());
    rich_comparisons!(t, R, compare);
    init_iterators();
}

fn init_iterators() {
    const HINT: &str = "Private method returning an estimate of len(list(it)).";
    extend(rt().types.range_iterator)
        .method("__iter__($self, /)", "Implement iter(self).", |_: &Vm, it: I| it)
        .method("__next__($self, /)", "Implement next(self).", |_: &Vm, it: I| {
            it.advance().unwrap_or(Value::EMPTY)
        })
        .method("__length_hint__($self, /)", HINT, |_: &Vm, it: I| it.remaining.get())
        .method("__reduce__($self, /)", "Return state information for pickling.", |vm: &Vm, it: I| {
            let (start, step, n) = (it.next.get() as i128, it.step.get() as i128, it.remaining.get() as i128);
            reduce_iterator(vm, BigInt::from(start), BigInt::from(start + step * n), BigInt::from(step))
        })
        .method(
            "__setstate__($self, object, /)",
            "Set state information for unpickling.",
            |_: &Vm, it: I, state: isize| {
                let n = (state.max(0) as usize).min(it.remaining.get());
                it.next.set(it.next.get().wrapping_add(it.step.get().wrapping_mul(n as i64)));
                it.remaining.set(it.remaining.get() - n);
            },
        );
    type J = Ptr<LongRangeIterObj>;
    let t = new_type::<LongRangeIterObj>(
        "builtins.longrange_iterator",
        rt().types.object,
        TypeFlags::NO_INSTANTIATION,
    )
    .method("__iter__($self, /)", "Implement iter(self).", |_: &Vm, it: J| it)
    .method("__next__($self, /)", "Implement next(self).", long_next)
    .method("__length_hint__($self, /)", HINT, |_: &Vm, it: J| it.left.get())
    .method("__reduce__($self, /)", "Return state information for pickling.", |vm: &Vm, it: J| {
        let (start, step) = (big(it.next.get()), big(it.step.get()));
        let stop = &start + &step * big(it.left.get());
        reduce_iterator(vm, start, stop, step)
    })
    .method(
        "__setstate__($self, object, /)",
        "Set state information for unpickling.",
        |_: &Vm, it: J, state: Int| {
            let n = state.into_big().max(BigInt::ZERO).min(big(it.left.get()));
            it.next.set(it, big_value(big(it.next.get()) + big(it.step.get()) * &n));
            it.left.set(it, big_value(big(it.left.get()) - n));
        },
    );
    LONG_ITER.set(t.class());
}

/// `(iter, (range(...),), None)`.
fn reduce_iterator(vm: &Vm, start: BigInt, stop: BigInt, step: BigInt) -> Res<Value> {
    let iter = crate::iterators::builtin(vm, "iter")?;
    let r = make(big_value(start), big_value(stop), big_value(step));
    let args = TupleObj::new(&[r.value()]);
    Ok(TupleObj::new(&[iter, args.value(), Value::NONE]).value())
}

fn long_next(_: &Vm, it: Ptr<LongRangeIterObj>) -> Value {
    let left = big(it.left.get());
    if left.is_zero() {
        return Value::EMPTY;
    }
    let v = it.next.get();
    it.left.set(it, big_value(left - 1));
    it.next.set(it, big_value(big(v) + big(it.step.get())));
    v
}

fn big(v: Value) -> BigInt {
    Int::of(v).map_or(BigInt::ZERO, Int::into_big)
}

fn new(vm: &Vm, _: Ptr<TypeObj>, start: Value, stop: Value, step: Value) -> Res<R> {
    let index = |v: Value| vm.index_value(v).map(exact);
    if stop.is_empty() {
        return Ok(make(Value::int(0), index(start)?, Value::int(1)));
    }
    let (start, stop) = (index(start)?, index(stop)?);
    let step = if step.is_empty() { Value::int(1) } else { index(step)? };
    if word(step) == Some(0) {
        return Err(vm.value_error("range() arg 3 must not be zero"));
    }
    Ok(make(start, stop, step))
}

/// A range of ints of exact type; the step is not 0.
fn make(start: Value, stop: Value, step: Value) -> R {
    let map = rt().maps.range;
    let length = length(start, stop, step);
    heap().alloc(
        map,
        RangeObj {
            header: Header::new(map),
            start: Field::new(start),
            stop: Field::new(stop),
            step: Field::new(step),
            length: Field::new(length),
        },
    )
}

fn length(start: Value, stop: Value, step: Value) -> Value {
    if let (Some(a), Some(b), Some(s)) = (word(start), word(stop), word(step)) {
        let (a, b, s) = (a as i128, b as i128, s as i128);
        let (distance, s) = if s > 0 { (b - a, s) } else { (a - b, -s) };
        return i128_value(if distance <= 0 { 0 } else { (distance - 1) / s + 1 });
    }
    let (a, b, s) = (big(start), big(stop), big(step));
    let (distance, s) = if s.is_positive() { (b - a, s) } else { (a - b, -s) };
    if distance.is_positive() { big_value((distance - 1) / s + 1) } else { Value::int(0) }
}

fn repr(vm: &Vm, r: R) -> Res<String> {
    let (a, b) = (vm.repr_str(r.start.get())?, vm.repr_str(r.stop.get())?);
    if word(r.step.get()) == Some(1) {
        return Ok(format!("range({a}, {b})"));
    }
    Ok(format!("range({a}, {b}, {})", vm.repr_str(r.step.get())?))
}

fn hash(vm: &Vm, r: R) -> Res<Value> {
    let n = r.length.get();
    let parts = match word(n) {
        Some(0) => [n, Value::NONE, Value::NONE],
        Some(1) => [n, r.start.get(), Value::NONE],
        _ => [n, r.start.get(), r.step.get()],
    };
    hash_values(vm, &parts)
}

fn len(vm: &Vm, r: R) -> Res<isize> {
    match word(r.length.get()) {
        Some(n) => Ok(n as isize),
        None => Err(vm.overflow_error("Python int too large to convert to C ssize_t")),
    }
}

/// An iterator over the range.
pub fn iter(r: R) -> Value {
    let (start, step, n) = (r.start.get(), r.step.get(), r.length.get());
    // A step beyond the stop must not leave the word either.
    if let (Some(a), Some(s), Some(n), Some(stop)) = (word(start), word(step), word(n), word(r.stop.get()))
        && i64::try_from(stop as i128 + s as i128 - s.signum() as i128).is_ok()
    {
        return RangeIterObj::new(a, s, n as usize).value();
    }
    long_iter(start, step, n)
}

fn long_iter(next: Value, step: Value, left: Value) -> Value {
    let map = LONG_ITER.get().instance_map();
    let object = LongRangeIterObj {
        header: Header::new(map),
        next: Field::new(next),
        step: Field::new(step),
        left: Field::new(left),
    };
    heap().alloc(map, object).value()
}

fn reversed(r: R) -> Value {
    let (start, step, n) = (r.start.get(), r.step.get(), r.length.get());
    if let (Some(a), Some(s), Some(count)) = (word(start), word(step), word(n)) {
        let last = a as i128 + (count as i128 - 1) * s as i128;
        if let (Ok(last), Some(back)) = (i64::try_from(last), s.checked_neg()) {
            return RangeIterObj::new(last, back, count as usize).value();
        }
    }
    let (start, step, count) = (big(start), big(step), big(n));
    let last = start + (&count - 1) * &step;
    let last = big_value(last);
    long_iter(last, big_value(-step), n)
}

/// Number `i` of the range (not checked).
fn item(r: R, i: &BigInt) -> Value {
    if let (Some(a), Some(s), Some(i)) = (word(r.start.get()), word(r.step.get()), i.to_i64())
        && let Some(d) = (s as i128).checked_mul(i as i128)
    {
        return i128_value(a as i128 + d);
    }
    big_value(big(r.start.get()) + big(r.step.get()) * i)
}

fn getitem(vm: &Vm, r: R, key: Value) -> Res<Value> {
    if is_index(key) {
        let i = vm.index_int(key)?;
        let n = r.length.get();
        if let (Int::Small(i), Some(n)) = (&i, word(n)) {
            let i = if *i < 0 { i.wrapping_add(n) } else { *i };
            if i < 0 || i >= n {
                return Err(vm.index_error("range object index out of range"));
            }
            return Ok(item(r, &BigInt::from(i)));
        }
        let (mut i, n) = (i.into_big(), big(n));
        if i.is_negative() {
            i += &n;
        }
        if i.is_negative() || i >= n {
            return Err(vm.index_error("range object index out of range"));
        }
        return Ok(item(r, &i));
    }
    let Some(s) = key.downcast::<SliceObj>() else {
        return Err(
            vm.type_error(format!("range indices must be integers or slices, not {}", type_name(key)))
        );
    };
    let fitted = crate::slice::indices(vm, s, Int::of(r.length.get()).unwrap_or(Int::Small(0)))?;
    let fitted: Ptr<TupleObj> = fitted.downcast().expect("three indices");
    let step = big_value(big(r.step.get()) * big(fitted.get(2)));
    let start = item(r, &big(fitted.get(0)));
    let stop = item(r, &big(fitted.get(1)));
    Ok(make(start, stop, step).value())
}

/// The place of an int in the range.
fn place(r: R, v: Value) -> Option<Value> {
    if let (Some(a), Some(s), Some(n), Some(v)) =
        (word(r.start.get()), word(r.step.get()), word(r.length.get()), word(v))
    {
        let (d, s) = (v as i128 - a as i128, s as i128);
        return (d % s == 0 && d / s >= 0 && d / s < n as i128).then(|| i128_value(d / s));
    }
    let (d, s) = (big(v) - big(r.start.get()), big(r.step.get()));
    let (q, rest) = d.div_mod_floor(&s);
    (rest.is_zero() && !q.is_negative() && q < big(r.length.get())).then(|| big_value(q))
}

fn is_plain_int(v: Value) -> bool {
    v.is_int() || v.is_bool() || type_of(v) == rt().types.int
}

fn contains(vm: &Vm, r: R, v: Value) -> Res<bool> {
    if is_plain_int(v) {
        return Ok(place(r, v).is_some());
    }
    Ok(search(vm, r, v)?.is_some())
}

/// The first place whose number equals `v`.
fn search(vm: &Vm, r: R, v: Value) -> Res<Option<Value>> {
    let it = iter(r);
    let mut i = BigInt::ZERO;
    while let Some(x) = vm.next(it)? {
        if vm.eq_identity(x, v)? {
            return Ok(Some(big_value(i)));
        }
        i += BigInt::one();
    }
    Ok(None)
}

fn count(vm: &Vm, r: R, v: Value) -> Res<usize> {
    if is_plain_int(v) {
        return Ok(place(r, v).is_some() as usize);
    }
    let (it, mut n) = (iter(r), 0);
    while let Some(x) = vm.next(it)? {
        n += vm.eq_identity(x, v)? as usize;
    }
    Ok(n)
}

fn index(vm: &Vm, r: R, v: Value) -> Res<Value> {
    let found = if is_plain_int(v) { place(r, v) } else { search(vm, r, v)? };
    match found {
        Some(i) => Ok(i),
        None if is_plain_int(v) => Err(vm.value_error("range.index(x): x not in range")),
        None => Err(vm.value_error("sequence.index(x): x not in sequence")),
    }
}

fn compare(_: &Vm, a: R, b: Value, op: Cmp) -> Value {
    let (Some(b), Cmp::Eq | Cmp::Ne) = (b.downcast::<RangeObj>(), op) else { return Value::NOT_IMPLEMENTED };
    let same = |x: Value, y: Value| int_ops::order(x, y).is_some_and(|o| o.is_eq());
    let n = a.length.get();
    let equal = same(n, b.length.get())
        && (word(n) == Some(0)
            || same(a.start.get(), b.start.get())
                && (word(n) == Some(1) || same(a.step.get(), b.step.get())));
    Value::bool(equal == (op == Cmp::Eq))
}
