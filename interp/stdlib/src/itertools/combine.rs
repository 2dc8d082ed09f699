//! `product`, `combinations`, `combinations_with_replacement`, `permutations`.

use cape_heap::write_barrier;
use cape_vm::object::{ArrayObj, ModuleObj, TupleObj, TypeObj, ValueVec, is_int};
use cape_vm::{Ptr, Res, Value, Vm};

use super::{Lazy, iterator, state};

const E: Value = Value::EMPTY;

/// What an iterator's fields hold. (`c`: the cycles of `permutations`; `n` is the length of the results, `m`: 0 before the first, 1
/// running, 2 finished.)
struct State {
    /// `a`: the pool, for `product` an array of pools.
    pool: Ptr<ArrayObj>,
    /// `b`: the indices of the latest result's items in the pool.
    indices: Ptr<ArrayObj>,
    /// `d`: the items of the latest result, in which few change from one to the next.
    items: Ptr<ArrayObj>,
}

impl State {
    #[inline(always)]
    fn of(l: Lazy) -> State {
        State { pool: array(&l.a), indices: array(&l.b), items: array(&l.d) }
    }

    /// Has the `i`th item of the results be that of the pool at this index.
    #[inline(always)]
    fn choose(&self, i: usize, index: usize) {
        put(self.indices, i, index);
        self.show(i, self.pool.get(index));
    }

    /// Writes an item into the results from now on.
    #[inline(always)]
    fn show(&self, i: usize, item: Value) {
        assert!(i < self.items.len());
        // SAFETY: in bounds. Nothing is allocated until `selection`, which has the barrier.
        unsafe { self.items.items_ptr().add(i).write(item) };
    }

    /// A result.
    #[inline(always)]
    fn selection(&self) -> Value {
        write_barrier(self.items.header());
        TupleObj::new(self.items.as_slice()).value()
    }
}

#[inline(always)]
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

#[inline(always)]
fn array(v: &cape_heap::Field) -> Ptr<ArrayObj> {
    debug_assert!(v.downcast::<ArrayObj>().is_some());
    // SAFETY: the constructors put arrays there, and nothing else is ever put there.
    unsafe { v.get().cast() }
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
            Ok(state(cls, [pool.value(), idx.value(), E, first(pool, r)], [r as i64, if r > pool.len() { 2 } else { 0 }, 0]))
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
    let items = ArrayObj::new(n * repeat);
    if !empty {
        (0..n * repeat).for_each(|i| items.set(i, pools.get(i).downcast::<ArrayObj>().map_or(E, |pool| pool.get(0))));
    }
    Ok(state(cls, [pools.value(), idx.value(), E, items.value()], [(n * repeat) as i64, if empty { 2 } else { 0 }, 0]))
}

fn product_next(_vm: &Vm, l: Lazy) -> Res<Value> {
    match advance(l) {
        None => return Ok(E),
        Some(false) => return Ok(State::of(l).selection()),
        Some(true) => {}
    }
    let s = State::of(l);
    for i in (0..s.pool.len()).rev() {
        // SAFETY: the constructor put arrays into that of the pools.
        let pool: Ptr<ArrayObj> = unsafe { s.pool.get(i).cast() };
        let next = at(s.indices, i) + 1;
        if next < pool.len() {
            put(s.indices, i, next);
            s.show(i, pool.get(next));
            return Ok(s.selection());
        }
        put(s.indices, i, 0);
        s.show(i, pool.get(0));
    }
    finish(l)
}

fn combinations_next(_vm: &Vm, l: Lazy) -> Res<Value> {
    match advance(l) {
        None => return Ok(E),
        Some(false) => return Ok(State::of(l).selection()),
        Some(true) => {}
    }
    let s = State::of(l);
    let (n, r) = (s.pool.len(), l.n.get() as usize);
    let Some(i) = (0..r).rev().find(|&i| at(s.indices, i) != i + n - r) else { return finish(l) };
    let first = at(s.indices, i) + 1;
    for j in i..r {
        s.choose(j, first + j - i);
    }
    Ok(s.selection())
}

fn replacement_next(_vm: &Vm, l: Lazy) -> Res<Value> {
    match advance(l) {
        None => return Ok(E),
        Some(false) => return Ok(State::of(l).selection()),
        Some(true) => {}
    }
    let s = State::of(l);
    let (n, r) = (s.pool.len(), l.n.get() as usize);
    let Some(i) = (0..r).rev().find(|&i| at(s.indices, i) + 1 != n) else { return finish(l) };
    let next = at(s.indices, i) + 1;
    (i..r).for_each(|j| s.choose(j, next));
    Ok(s.selection())
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

fn permutations_next(_vm: &Vm, l: Lazy) -> Res<Value> {
    match advance(l) {
        None => return Ok(E),
        Some(false) => return Ok(State::of(l).selection()),
        Some(true) => {}
    }
    let s = State::of(l);
    let (n, r) = (s.pool.len(), l.n.get() as usize);
    let (idx, cycles) = (s.indices, array(&l.c));
    for i in (0..r).rev() {
        let left = at(cycles, i) - 1;
        put(cycles, i, left);
        if left == 0 {
            // Rotates the tail: item i goes to the end.
            let first = at(idx, i);
            for j in i..n - 1 {
                put(idx, j, at(idx, j + 1));
            }
            put(idx, n - 1, first);
            put(cycles, i, n - i);
        } else {
            let j = n - left;
            let (x, y) = (at(idx, i), at(idx, j));
            put(idx, i, y);
            put(idx, j, x);
            // What is behind has been rotated.
            (i..r).for_each(|k| s.show(k, s.pool.get(at(idx, k))));
            return Ok(s.selection());
        }
    }
    finish(l)
}
