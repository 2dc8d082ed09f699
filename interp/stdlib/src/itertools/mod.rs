//! `itertools`.

mod combine;
mod filter;
mod group;
mod infinite;
mod tee;
mod zip;

use std::cell::Cell;

use cape_heap::{Field, Header, heap, heap_object};
use cape_vm::native::{Named, TypeBuilder, new_type};
use cape_vm::object::{ModuleObj, StrObj, TypeFlags, TypeObj};
use cape_vm::{Ptr, Res, Value, Vm, rt};

heap_object! {
    /// The state of a native iterator; what the fields hold is its type's business.
    pub struct LazyObj {
        a: Field,
        b: Field,
        c: Field,
        d: Field,
        n: Cell<i64>,
        m: Cell<i64>,
        k: Cell<i64>,
    }
}

impl Named for LazyObj {
    const NAME: &'static str = "iterator";
}

/// An iterator's state.
type Lazy = Ptr<LazyObj>;

/// Fills the module.
pub fn init(_vm: &Vm, m: Ptr<ModuleObj>) -> Res<()> {
    m.add(
        "__doc__",
        StrObj::new("Functional tools for creating and using iterators.\n\nInfinite iterators:\ncount(start=0, step=1) --> start, start+step, start+2*step, ...\ncycle(p) --> p0, p1, ... plast, p0, p1, ...\nrepeat(elem [,n]) --> elem, elem, elem, ... endlessly or up to n times\n\nIterators terminating on the shortest input sequence:\naccumulate(p[, func]) --> p0, p0+p1, p0+p1+p2\nbatched(p, n) --> [p0, p1, ..., p_n-1], [p_n, p_n+1, ..., p_2n-1], ...\nchain(p, q, ...) --> p0, p1, ... plast, q0, q1, ...\nchain.from_iterable([p, q, ...]) --> p0, p1, ... plast, q0, q1, ...\ncompress(data, selectors) --> (d[0] if s[0]), (d[1] if s[1]), ...\ndropwhile(predicate, seq) --> seq[n], seq[n+1], starting when predicate fails\ngroupby(iterable[, keyfunc]) --> sub-iterators grouped by value of keyfunc(v)\nfilterfalse(predicate, seq) --> elements of seq where predicate(elem) is False\nislice(seq, [start,] stop [, step]) --> elements from\n       seq[start:stop:step]\npairwise(s) --> (s[0],s[1]), (s[1],s[2]), (s[2], s[3]), ...\nstarmap(fun, seq) --> fun(*seq[0]), fun(*seq[1]), ...\ntee(it, n=2) --> (it1, it2 , ... itn) splits one iterator into n\ntakewhile(predicate, seq) --> seq[0], seq[1], until predicate fails\nzip_longest(p, q, ...) --> (p[0], q[0]), (p[1], q[1]), ...\n\nCombinatoric generators:\nproduct(p, q, ... [repeat=1]) --> cartesian product\npermutations(p[, r])\ncombinations(p, r)\ncombinations_with_replacement(p, r)\n").value(),
    );
    infinite::init(m);
    filter::init(m);
    zip::init(m);
    combine::init(m);
    group::init(m);
    tee::init(m);
    Ok(())
}

/// Declares an iterator type; the caller adds `__new__`.
fn iterator<F>(m: Ptr<ModuleObj>, name: &'static str, doc: &'static str, next: F) -> TypeBuilder
where
    F: Fn(&Vm, Lazy) -> Res<Value> + Copy + 'static,
{
    let b = new_type::<LazyObj>(name, rt().types.object, TypeFlags::BASE)
        .doc(doc)
        .method("__iter__($self, /)", "Implement iter(self).", |_: &Vm, i: Value| i)
        .method("__next__($self, /)", "Implement next(self).", next);
    m.class(b.class());
    b
}

/// A new state of this type.
fn state(cls: Ptr<TypeObj>, fields: [Value; 4], numbers: [i64; 3]) -> Lazy {
    let map = cls.instance_map();
    let [a, b, c, d] = fields.map(Field::new);
    let [n, m, k] = numbers.map(Cell::new);
    heap().alloc(map, LazyObj { header: Header::new(map), a, b, c, d, n, m, k })
}

/// The next item of an inner iterator; the value of its StopIteration, if it had one, is dropped.
#[inline]
fn pull(vm: &Vm, it: Value) -> Res<Option<Value>> {
    vm.next(it)
}
