//! `product`, `combinations`, `combinations_with_replacement`, `permutations`.

use cape_heap::write_barrier;
use cape_vm::object::{ArrayObj, ModuleObj, TupleObj, TypeObj, ValueVec, is_int};
use cape_vm::{Ptr, Res, Value, Vm};

use super::{Lazy, iterator, state};

const E: Value = Value::EMPTY;

/// `a` holds the pool (for `product` an array of pools), `b` an array of indices, `c` the cycles of `permutations` and the last pool of
/// `product`, `d` the items of the latest result, in which few change from one to the next; `n` is the length of the results, `m`: 0 before
/// the first, 1 running, 2 finished. Most results of `product` and `combinations` differ from the one before in their last item alone:
/// `k` is its index, and the last of `b`'s means nothing.
fn indices(l: Lazy) -> Ptr<ArrayObj> {
    array(&l.b)
}

fn at(a: Ptr<ArrayObj>, i: usize) -> usize {
    a.get(i).as_int() as usize
}

fn put(a: Ptr<ArrayObj>, i: usize, n: usize) {
    assert!(i < a.len());
    // SAFETY: in bounds; a number needs no barrier.
    unsafe { a.items_ptr().add(i).write(Value::int(n as i64)) };
}

fn numbers(n: impl Iterator<Item = usize>) -> Ptr<ArrayObj> {
    let mut v = ValueVec::new();
    n.for_each(|n| v.push(Value::int(n as i64)));
    ArrayObj::from_slice(&v)
}

#[inline]
fn array(v: &cape_heap::Field) -> Ptr<ArrayObj> {
    v.downcast().expect("an array")
}

/// Has the `i`th item of the results be that of the pool at this index.
#[inline(always)]
fn choose(l: Lazy, i: usize, index: usize) {
    put(indices(l), i, index);
    show(l, i, index);
}

/// Writes the pool's item at this index into the results from now on.
#[inline(always)]
fn show(l: Lazy, i: usize, index: usize) {
    array(&l.d).set(i, array(&l.a).get(index));
}

/// A result.
#[inline(always)]
fn selection(l: Lazy) -> Value {
    TupleObj::new(array(&l.d).as_slice()).value()
}

/// A result that has another last item than the one before: the next of `pool`, while there is one and the iterator runs.
#[inline(always)]
fn with_next_last(l: Lazy, pool: &cape_heap::Field) -> Option<Value> {
    if l.m.get() != 1 {
        return None;
    }
    let (pool, items) = (array(pool), array(&l.d));
    let next = l.k.get() as usize + 1;
    let (x, last) = (*pool.as_slice().get(next)?, items.len().checked_sub(1)?);
    l.k.set(next as i64);
    items.set(last, x);
    let items = items.as_slice();
    // SAFETY: reading the items makes nothing, and does not panic. Volatile, or few of them are copied by a call.
    Some(unsafe { TupleObj::of(items.len(), |i| items.as_ptr().add(i).read_volatile()) }.value())
}

/// The first `n` items of a pool, or what there is.
fn first(pool: Ptr<ArrayObj>, n: usize) -> Value {
    ArrayObj::from_slice(&pool.as_slice()[..n.min(pool.len())]).value()
}

/// Handles the first call and the end: true when the state is to be advanced.
fn advance(l: Lazy) -> Option<bool> {
    match l.m.get() {
        0 => {
            l.m.set(1);
            Some(false)
        }
        1 => Some(true),
        _ => None,
    }
}

fn finish(l: Lazy) -> Res<Value> {
    l.m.set(2);
    Ok(E)
}

pub(super) fn init(m: Ptr<ModuleObj>) {
    iterator(m, "itertools.product", "Cartesian product of input iterables.  Equivalent to nested for-loops.\n\nFor example, product(A, B) returns the same as:  ((x,y) for x in A for y in B).\nThe leftmost iterators are in the outermost for-loop, so the output tuples\ncycle in a manner similar to an odometer (with the rightmost element changing\non every iteration).\n\nTo compute the product of an iterable with itself, specify the number\nof repetitions with the optional repeat keyword argument. For example,\nproduct(A, repeat=4) means the same as product(A, A, A, A).\n\nproduct('ab', range(3)) --> ('a',0) ('a',1) ('a',2) ('b',0) ('b',1) ('b',2)\nproduct((0,1), (0,1), (0,1)) --> (0,0,0) (0,0,1) (0,1,0) (0,1,1) (1,0,0) ...", product_next)
        .new_fn("__new__(cls, /, *iterables, repeat=1)", "", product_new);
    iterator(m, "itertools.combinations", "Return successive r-length combinations of elements in the iterable.\n\ncombinations(range(4), 3) --> (0,1,2), (0,1,3), (0,2,3), (1,2,3)", combinations_next)
        .new_fn("__new__(cls, iterable, r)", "", |vm: &Vm, cls, items: Value, r: Value| -> Res<Lazy> {
            let pool = vm.list_of(items)?;
            let r = length(vm, r)?;
            let idx = numbers(0..r.min(pool.len()));
            Ok(state(cls, [pool.value(), idx.value(), E, first(pool, r)], [r as i64, if r > pool.len() { 2 } else { 0 }, r.max(1) as i64 - 1]))
        });
    iterator(m, "itertools.combinations_with_replacement", "Return successive r-length combinations of elements in the iterable allowing individual elements to have successive repeats.\n\ncombinations_with_replacement('ABC', 2) --> ('A','A'), ('A','B'), ('A','C'), ('B','B'), ('B','C'), ('C','C')", replacement_next)
        .new_fn("__new__(cls, iterable, r)", "", |vm: &Vm, cls, items: Value, r: Value| -> Res<Lazy> {
            let pool = vm.list_of(items)?;
            let r = length(vm, r)?;
            let none = pool.is_empty() && r > 0;
            let n = if none { 0 } else { r };
            let idx = numbers((0..n).map(|_| 0));
            let items = ArrayObj::new(n);
            (0..n).for_each(|i| items.set(i, pool.get(0)));
            Ok(state(cls, [pool.value(), idx.value(), E, items.value()], [r as i64, if none { 2 } else { 0 }, 0]))
        });
    iterator(m, "itertools.permutations", "Return successive r-length permutations of elements in the iterable.\n\npermutations(range(3), 2) --> (0,1), (0,2), (1,0), (1,2), (2,0), (2,1)", permutations_next)
        .new_fn("__new__(cls, iterable, r=None)", "", permutations_new);
}

fn length(vm: &Vm, r: Value) -> Res<usize> {
    let r = vm.index_isize(r)?;
    usize::try_from(r).map_err(|_| vm.value_error("r must be non-negative"))
}

fn product_new(vm: &Vm, cls: Ptr<TypeObj>, all: Ptr<TupleObj>, repeat: Option<Value>) -> Res<Lazy> {
    let repeat = vm.index_isize(repeat.unwrap_or(Value::int(1)))?;
    let Ok(repeat) = usize::try_from(repeat) else {
        return Err(vm.value_error("repeat argument cannot be negative"));
    };
    let n = if repeat == 0 { 0 } else { all.len() };
    let pools = ArrayObj::new(n * repeat);
    let mut empty = false;
    for i in 0..n {
        let pool = vm.list_of(all.get(i))?;
        empty |= pool.is_empty();
        (0..repeat).for_each(|k| pools.set(k * n + i, pool.value()));
    }
    let idx = numbers((0..n * repeat).map(|_| 0));
    let last = if n * repeat == 0 { ArrayObj::new(0).value() } else { pools.get(n * repeat - 1) };
    let items = ArrayObj::new(n * repeat);
    if !empty {
        (0..n * repeat).for_each(|i| items.set(i, pools.get(i).downcast::<ArrayObj>().map_or(E, |pool| pool.get(0))));
    }
    Ok(state(cls, [pools.value(), idx.value(), last, items.value()], [(n * repeat) as i64, if empty { 2 } else { 0 }, 0]))
}

#[inline(always)]
fn product_next(_vm: &Vm, l: Lazy) -> Res<Value> {
    with_next_last(l, &l.c).map_or_else(|| product_turn(l), Ok)
}

/// The first result, or the next with another item before the last.
#[inline(never)]
fn product_turn(l: Lazy) -> Res<Value> {
    match advance(l) {
        None => return Ok(E),
        Some(false) => return Ok(selection(l)),
        Some(true) => {}
    }
    let (pools, idx, items) = (array(&l.a), indices(l), array(&l.d));
    let first = |i: usize| items.set(i, pools.get(i).downcast::<ArrayObj>().expect("a pool").get(0));
    let Some(last) = pools.len().checked_sub(1) else { return finish(l) };
    l.k.set(0);
    first(last);
    for i in (0..last).rev() {
        let pool = pools.get(i).downcast::<ArrayObj>().expect("a pool");
        let next = at(idx, i) + 1;
        if next < pool.len() {
            put(idx, i, next);
            items.set(i, pool.get(next));
            return Ok(selection(l));
        }
        put(idx, i, 0);
        first(i);
    }
    finish(l)
}

#[inline(always)]
fn combinations_next(_vm: &Vm, l: Lazy) -> Res<Value> {
    with_next_last(l, &l.a).map_or_else(|| combinations_turn(l), Ok)
}

/// The first result, or the next with another item before the last.
#[inline(never)]
fn combinations_turn(l: Lazy) -> Res<Value> {
    match advance(l) {
        None => return Ok(E),
        Some(false) => return Ok(selection(l)),
        Some(true) => {}
    }
    let (n, r, idx) = (array(&l.a).len(), l.n.get() as usize, indices(l));
    // The last is at the end of the pool.
    let Some(i) = (0..r.saturating_sub(1)).rev().find(|&i| at(idx, i) != i + n - r) else { return finish(l) };
    let first = at(idx, i) + 1;
    for j in i..r {
        choose(l, j, first + j - i);
    }
    l.k.set((first + r - 1 - i) as i64);
    Ok(selection(l))
}

fn replacement_next(_vm: &Vm, l: Lazy) -> Res<Value> {
    match advance(l) {
        None => return Ok(E),
        Some(false) => return Ok(selection(l)),
        Some(true) => {}
    }
    let (n, r, idx) = (array(&l.a).len(), l.n.get() as usize, indices(l));
    let Some(i) = (0..r).rev().find(|&i| at(idx, i) + 1 != n) else { return finish(l) };
    let next = at(idx, i) + 1;
    (i..r).for_each(|j| choose(l, j, next));
    Ok(selection(l))
}

fn permutations_new(vm: &Vm, cls: Ptr<TypeObj>, items: Value, r: Option<Value>) -> Res<Lazy> {
    let pool = vm.list_of(items)?;
    let n = pool.len();
    let r = match r.filter(|r| !r.is_none()) {
        None => n,
        Some(v) if is_int(v) => length(vm, v)?,
        Some(_) => return Err(vm.type_error("Expected int as r")),
    };
    let idx = numbers(0..n);
    let cycles = numbers((0..r.min(n)).map(|i| n - i));
    Ok(state(cls, [pool.value(), idx.value(), cycles.value(), first(pool, r)], [r as i64, if r > n { 2 } else { 0 }, 0]))
}

#[inline(always)]
fn permutations_next(_vm: &Vm, l: Lazy) -> Res<Value> {
    match advance(l) {
        None => return Ok(E),
        Some(false) => return Ok(selection(l)),
        Some(true) => {}
    }
    let (pool, items, idx, cycles) = (array(&l.a), array(&l.d), indices(l), array(&l.c));
    // SAFETY: four arrays of this iterator's own, of which nobody else has views while this function runs, which makes nothing in between;
    // numbers need no barrier, and the items have theirs behind the loop.
    let (pool, shown, idx, cycles) = unsafe {
        let cells = |a: Ptr<ArrayObj>| std::slice::from_raw_parts_mut(a.items_ptr(), a.len());
        (pool.as_slice(), cells(items), cells(idx), cells(cycles))
    };
    let n = idx.len();
    for i in (0..cycles.len()).rev() {
        let left = cycles[i].as_int() as usize - 1;
        if left == 0 {
            // The tail is rotated: item i goes to the end. Most have one item or two.
            match &mut idx[i..] {
                [_] => {}
                [a, b] => std::mem::swap(a, b),
                tail => tail.rotate_left(1),
            }
            cycles[i] = Value::int((n - i) as i64);
            continue;
        }
        cycles[i] = Value::int(left as i64);
        idx.swap(i, n - left);
        // What is behind has been rotated.
        for (item, index) in shown[i..].iter_mut().zip(&idx[i..]) {
            *item = pool[index.as_int() as usize];
        }
        write_barrier(items.header());
        return Ok(selection(l));
    }
    finish(l)
}
