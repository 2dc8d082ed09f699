//! Random graphs, mutated at random, against a shadow model, under zeal.

mod common;
use std::collections::HashMap;

use cape_heap::{Ptr, RootVec, Value, heap, testing};
use common::*;

struct Rng(u64);
impl Rng {
    fn next(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % n
    }
}

/// What the graph must look like: children by id.
#[derive(Default)]
struct Model {
    nodes: HashMap<u64, [Option<u64>; 2]>,
    arrays: HashMap<u64, Vec<Option<u64>>>,
}

fn id_of(v: Value) -> Option<u64> {
    v.downcast::<Node>()
        .map(|n| n.id.get())
        .or_else(|| v.downcast::<Array>().map(|a| item(a, 0).get().as_int() as u64))
}

fn check(model: &Model, roots: &RootVec) {
    let mut seen = HashMap::new();
    let mut todo: Vec<Value> = (0..roots.len()).map(|i| roots.get(i)).filter(|v| v.is_ptr()).collect();
    while let Some(v) = todo.pop() {
        let id = id_of(v).unwrap();
        if let Some(old) = seen.insert(id, v) {
            assert!(old == v, "{id} exists twice");
            continue;
        }
        if let Some(n) = v.downcast::<Node>() {
            let want = model.nodes[&id];
            assert_eq!([id_of(n.left.get()), id_of(n.right.get())], want, "children of {id}");
            todo.extend([n.left.get(), n.right.get()].into_iter().filter(|v| v.is_ptr()));
        } else {
            let a = v.downcast::<Array>().unwrap();
            let want = &model.arrays[&id];
            assert_eq!(a.len.get(), want.len() + 1);
            for (i, w) in want.iter().enumerate() {
                let v = item(a, i + 1).get();
                assert_eq!(id_of(v), *w);
                if v.is_ptr() {
                    todo.push(v);
                }
            }
        }
    }
}

fn run(options: &str, seed: u64, steps: usize) {
    let _h = testing::exclusive(options);
    let maps = [map::<Node>(0), map::<Node>(3), map::<Node>(20)];
    let am = map::<Array>(1);
    let mut rng = Rng(seed | 1);
    let mut model = Model::default();
    let roots = RootVec::from_slice(&[Value::NONE; 32]);
    for step in 0..steps {
        let slot = rng.next(32);
        let pick = |rng: &mut Rng| roots.get(rng.next(32));
        match rng.next(10) {
            0..4 => {
                let (a, b) = (pick(&mut rng), pick(&mut rng));
                let n = node(maps[rng.next(3)], a, b, step as u64);
                model.nodes.insert(step as u64, [id_of(a), id_of(b)]);
                roots.set(slot, n.value());
            }
            4 => {
                let len = match rng.next(10) {
                    0 => rng.next(5000),
                    _ => rng.next(40),
                };
                let a = array(am, len + 1);
                item(a, 0).set(a, Value::int(step as i64));
                let mut want = vec![None; len];
                for w in want.iter_mut().enumerate().take(50) {
                    let v = pick(&mut rng);
                    item(a, w.0 + 1).set(a, v);
                    *w.1 = id_of(v);
                }
                model.arrays.insert(step as u64, want);
                roots.set(slot, a.value());
            }
            5..8 => {
                let (v, w) = (roots.get(slot), pick(&mut rng));
                if let Some(n) = v.downcast::<Node>() {
                    store(&mut model, n, rng.next(2), w);
                } else if let Some(a) = v.downcast::<Array>()
                    && a.len.get() > 1
                {
                    let i = rng.next(a.len.get() - 1);
                    item(a, i + 1).set(a, w);
                    model.arrays.get_mut(&id_of(v).unwrap()).unwrap()[i] = id_of(w);
                }
            }
            8 => roots.set(slot, Value::NONE),
            // Step down into the graph, dropping what is above.
            _ => {
                if let Some(n) = roots.get(slot).downcast::<Node>() {
                    roots.set(slot, n.left.get());
                }
            }
        }
        if step % 1024 == 0 {
            check(&model, &roots);
            // Most of the graph dies, or it would only grow.
            (0..31).for_each(|i| roots.set(i, Value::NONE));
        }
    }
    check(&model, &roots);
    heap().collect(true);
    check(&model, &roots);
}

fn store(model: &mut Model, n: Ptr<Node>, side: usize, v: Value) {
    if side == 0 { &n.left } else { &n.right }.set(n, v);
    model.nodes.get_mut(&n.id.get()).unwrap()[side] = id_of(v);
}

#[test]
fn every_allocation_collects() {
    run("every:1,full:5,poison,verify,nursery:64K", 1, 1_500);
}

#[test]
fn seventh_allocation_collects() {
    for seed in 2..5 {
        run("every:7,full:4,poison,verify", seed * 77, 8_000);
    }
}

#[test]
fn small_nursery() {
    for seed in 5..8 {
        run("poison,verify,nursery:64K", seed * 7777, 50_000);
    }
}

#[test]
fn normal_operation() {
    run("", 12345, 500_000);
}
