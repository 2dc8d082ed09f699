//! Weak references, native weak tables, finalizers, identity, maps.

mod common;
use std::cell::{Cell, RefCell};

use cape_heap::{MapRef, ObjFlags, Pending, Root, RootVec, Value, WeakCell, WeakCtx, heap, testing};
use common::*;

fn weak(target: Value, callback: Value) -> Value {
    heap().new_weak(map::<WeakCell>(0), target, callback).value()
}

fn drain() -> Vec<Pending> {
    let mut all = Vec::new();
    while let Some(p) = heap().take_pending() {
        all.push(p);
    }
    all
}

fn target(v: &Root) -> Value {
    v.get().downcast::<WeakCell>().unwrap().target()
}

#[test]
fn references_follow_and_are_cleared() {
    let _h = testing::exclusive("verify,poison");
    let m = map::<Node>(0);
    let strong = Root::new(Value::NONE);
    let w = apart(|| {
        let n = node(m, Value::NONE, Value::NONE, 4);
        strong.set(n.value());
        Root::new(weak(n.value(), Value::EMPTY))
    });
    for full in [false, true, false] {
        clear_stack();
        heap().collect(full);
        apart(|| {
            assert!(target(&w) == strong.get());
            assert!(heap().find_weak(strong.get().header(), |c| c.value() == w.get()).is_some());
        });
    }
    strong.set(Value::NONE);
    clear_stack();
    heap().collect(false);
    assert!(!target(&w).is_empty());
    clear_stack();
    heap().collect(true);
    assert!(target(&w).is_empty());
    assert_eq!(drain(), []);
}

#[test]
fn callbacks_are_queued_latest_first_and_only_of_live_references() {
    let _h = testing::exclusive("verify,poison");
    let m = map::<Node>(0);
    for old in [false, true] {
        let refs = RootVec::new();
        let strong = Root::new(Value::NONE);
        apart(|| {
            strong.set(node(m, Value::NONE, Value::NONE, 4).value());
            for i in 0..3 {
                refs.push(weak(strong.get(), Value::int(i)));
                weak(strong.get(), Value::int(100));
            }
        });
        if old {
            heap().collect(false);
        }
        assert!(!heap().has_pending());
        strong.set(Value::NONE);
        clear_stack();
        heap().collect(old);
        assert!(heap().has_pending());
        let got = drain();
        let want: Vec<_> = [2, 1, 0]
            .map(|i| Pending::WeakCallback { weak: refs.get(i), callback: Value::int(i as i64) })
            .into();
        assert_eq!(got, want);
        assert!(!heap().has_pending());
    }
}

#[test]
fn references_are_cleared_before_finalizers_run() {
    let _h = testing::exclusive("verify,poison");
    let (m, fm) = (map::<Node>(0), finalizer_map());
    for full in [false, true] {
        let w = apart(|| {
            // The finalizable object refers to one that it revives, and to a weak reference to itself.
            let inner = node(m, Value::NONE, Value::NONE, 2);
            let n = node(fm, inner.value(), Value::NONE, 1);
            n.right.set(n, weak(n.value(), Value::int(9)));
            Root::new(weak(inner.value(), Value::int(5)))
        });
        if full {
            heap().collect(false);
            assert!(!drain().is_empty());
            return;
        }
        clear_stack();
        heap().collect(false);
        assert!(target(&w).is_empty());
        let got = drain();
        assert_eq!(got[0], Pending::WeakCallback { weak: w.get(), callback: Value::int(5) });
        let Pending::Finalize(n) = got[1] else { panic!("{got:?}") };
        assert_eq!(got.len(), 2);
        let n = n.downcast::<Node>().unwrap();
        assert_eq!(n.left.downcast::<Node>().unwrap().id.get(), 2);
        assert!(n.right.downcast::<WeakCell>().unwrap().target().is_empty());
    }
}

#[test]
fn finalizers_run_once_in_order_and_may_revive() {
    let _h = testing::exclusive("verify,poison");
    let fm = finalizer_map();
    let revived = RootVec::new();
    apart(|| {
        // Stale words may mention the place where the nursery begins.
        node(map::<Node>(0), Value::NONE, Value::NONE, 0);
        let mut last = Value::NONE;
        for i in 0..10 {
            last = node(fm, last, Value::NONE, i).value();
        }
    });
    clear_stack();
    heap().collect(false);
    let mut ids = vec![];
    heap().collect(true);
    apart(|| {
        while let Some(p) = heap().take_pending() {
            let Pending::Finalize(v) = p else { panic!() };
            let n = v.downcast::<Node>().unwrap();
            assert!(n.header.has(ObjFlags::FINALIZED));
            ids.push(n.id.get());
            revived.push(v);
        }
    });
    // Each refers to the one before: holders go first.
    assert_eq!(ids, (0..10).rev().collect::<Vec<_>>());
    clear_stack();
    heap().collect(true);
    apart(|| {
        for i in 0..10 {
            assert_eq!(revived.get(i).downcast::<Node>().unwrap().id.get(), 9 - i as u64);
        }
    });
    revived.clear();
    clear_stack();
    heap().collect(true);
    assert_eq!(drain(), []);
}

#[test]
fn old_garbage_is_finalized_by_full_collections() {
    let _h = testing::exclusive("verify,poison");
    let m = map::<Node>(0);
    let r = apart(|| {
        let a = node(m, Value::NONE, Value::NONE, 1);
        heap().add_finalizer(a.header());
        Root::new(a.value())
    });
    heap().collect(false);
    r.set(Value::NONE);
    clear_stack();
    heap().collect(false);
    assert_eq!(drain(), []);
    let mut n = 0;
    heap().collect_fully(&mut |p| {
        assert!(matches!(p, Pending::Finalize(_)));
        n += 1;
    });
    assert_eq!(n, 1);
}

#[test]
fn identity_survives_moving() {
    let _h = testing::exclusive("verify,poison");
    let maps = [map::<Node>(0), map::<Node>(11)];
    let am = map::<Array>(0);
    let keep = RootVec::new();
    let mut ids = Vec::new();
    apart(|| {
        for i in 0..1000 {
            let v = if i % 3 == 2 {
                array(am, i % 2000 * 2).value()
            } else {
                node(maps[i % 3], Value::NONE, Value::NONE, i as u64).value()
            };
            let id = heap().identity(v.header());
            assert_eq!(id, heap().identity(v.header()));
            // Every other one dies young.
            if i % 2 == 0 {
                keep.push(v);
                ids.push(id);
            }
        }
    });
    let distinct: std::collections::HashSet<_> = ids.iter().collect();
    assert_eq!(distinct.len(), ids.len());
    clear_stack();
    for full in [false, true, false, true] {
        heap().collect(full);
        for (i, &id) in ids.iter().enumerate() {
            assert_eq!(heap().identity(keep.get(i).header()), id);
        }
    }
}

#[test]
fn a_pinned_object_keeps_its_reserved_place() {
    let _h = testing::exclusive("verify,poison");
    let m = map::<Node>(0);
    let n = node(m, Value::NONE, Value::NONE, 1);
    let id = heap().identity(n.header());
    let others = RootVec::new();
    for i in 0..10 {
        heap().collect(i % 2 == 0);
        assert_eq!(heap().identity(n.header()), id);
        // No other object gets the place.
        apart(|| (0..2000).for_each(|_| others.push(node(m, Value::NONE, Value::NONE, 0).value())));
        heap().collect(false);
        assert!(others.as_slice().iter().all(|v| v.bits() as usize != id));
    }
    assert_ne!(n.as_raw() as usize, id);
}

thread_local! {
    static TABLE: RefCell<Vec<Value>> = const { RefCell::new(Vec::new()) };
    static FREED: Cell<usize> = const { Cell::new(0) };
    static ACTIVE: Cell<bool> = const { Cell::new(false) };
}

#[test]
fn native_weak_tables_are_updated() {
    let _h = testing::exclusive("verify,poison");
    heap().add_weak_processor(|ctx: &WeakCtx<'_>| {
        TABLE.with_borrow_mut(|t| {
            t.retain_mut(|v| match ctx.forward(*v) {
                Some(now) => {
                    *v = now;
                    true
                }
                None => false,
            })
        })
    });
    let m = map::<Node>(0);
    let keep = RootVec::new();
    apart(|| {
        for i in 0..100 {
            let n = node(m, Value::NONE, Value::NONE, i);
            TABLE.with_borrow_mut(|t| t.push(n.value()));
            if i % 4 == 0 {
                keep.push(n.value());
            }
        }
    });
    clear_stack();
    for full in [false, true] {
        heap().collect(full);
        TABLE.with_borrow(|t| {
            let ids: Vec<_> = t.iter().map(|v| v.downcast::<Node>().unwrap().id.get()).collect();
            assert_eq!(ids, (0..25).map(|i| i * 4).collect::<Vec<_>>());
        });
    }
    drop(keep);
    clear_stack();
    heap().collect(true);
    TABLE.with_borrow(|t| assert!(t.is_empty()));
}

#[test]
fn classes_of_objects_and_shapes_of_maps_stay_and_move() {
    let _h = testing::exclusive("verify,poison");
    let m = map::<Node>(0);
    let r = apart(|| {
        let class = node(m, Value::NONE, Value::NONE, 50);
        let n = node(MapRef::new(class.header.map().kind(), class.value(), 0), Value::NONE, Value::NONE, 1);
        Root::new(n.value())
    });
    clear_stack();
    heap().collect(false);
    heap().collect(true);
    let mine = r.get().header().map();
    assert_eq!(mine.class.downcast::<Node>().unwrap().id.get(), 50);
    apart(|| mine.set_shape(node(m, Value::NONE, Value::NONE, 51).value()));
    clear_stack();
    heap().collect(false);
    heap().collect(true);
    assert_eq!(mine.shape.downcast::<Node>().unwrap().id.get(), 51);
    // With reclamation on, a map goes with its last object, and the hook can tell.
    heap().reclaim_maps(|ctx| {
        if ACTIVE.get() {
            // SAFETY: the id is checked against the map space by map_alive before use in real hooks; here the
            // map is not reused before this runs.
            let m = unsafe { MapRef::from_id(FREED.get() as u32) };
            if !ctx.map_alive(m) {
                FREED.set(0);
            }
        }
    });
    FREED.set(mine.id() as usize);
    ACTIVE.set(true);
    let before = heap().stats().maps;
    drop(r);
    clear_stack();
    // `mine` and `m` are on this stack: both stay.
    heap().collect(true);
    assert_ne!(FREED.get(), 0);
    assert!(heap().stats().maps >= 2 && heap().stats().maps <= before);
    assert_eq!((mine.kind().name, m.kind().name), ("Node", "Node"));
    ACTIVE.set(false);
}

#[test]
fn the_gc_module_can_walk_the_heap() {
    let _h = testing::exclusive("verify,poison");
    let m = map::<Node>(1);
    let a = node(m, Value::int(1), Value::NONE, 1_000_001);
    let b = node(m, a.value(), a.value(), 1_000_002);
    heap().collect(true);
    let mut found = Vec::new();
    heap().each_object(&mut |h| {
        if let Some(n) = h.as_value().downcast::<Node>()
            && n.id.get() > 1_000_000
        {
            found.push(n.id.get());
        }
    });
    found.sort();
    assert_eq!(found, [1_000_001, 1_000_002]);
    let mut refs = vec![];
    heap().each_referent(b.header(), &mut |v| refs.push(v));
    assert_eq!(refs, [a.value(), a.value()]);
    let mut referrers = vec![];
    heap().each_referrer(a.value(), &mut |v| referrers.push(v));
    assert_eq!(referrers, [b.value()]);
    assert_eq!(heap().size_of(a.header()), 48);
}

#[test]
fn weak_references_under_zeal() {
    let _h = testing::exclusive("every:3,full:4,verify,poison");
    let m = map::<Node>(0);
    let fm = finalizer_map();
    let wm = map::<WeakCell>(0);
    let (refs, strong) = (RootVec::new(), RootVec::new());
    let mut x = 88172645463325252u64;
    for step in 0..4000u64 {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        let i = (x >> 20) as usize;
        match x % 5 {
            0 | 1 => {
                strong.push(node(if x & 64 == 0 { m } else { fm }, Value::NONE, Value::NONE, step).value())
            }
            2 if !strong.is_empty() => {
                let t = strong.get(i % strong.len());
                refs.push(heap().new_weak(wm, t, Value::int(step as i64)).value());
                heap().identity(t.header());
            }
            3 if !strong.is_empty() => {
                let last = strong.pop().unwrap();
                if !strong.is_empty() {
                    strong.set(i % strong.len(), last);
                }
            }
            _ => {
                refs.pop();
            }
        }
        for i in 0..refs.len() {
            let c = refs.get(i).downcast::<WeakCell>().unwrap();
            let t = c.target();
            assert!(t.is_empty() || t.downcast::<Node>().is_some());
        }
        while heap().take_pending().is_some() {}
    }
    for i in 0..strong.len() {
        let v = strong.get(i);
        let mut n = 0;
        heap().each_weak(v.header(), &mut |c| {
            assert!(c.target() == v);
            n += 1;
        });
        let held =
            (0..refs.len()).filter(|&j| refs.get(j).downcast::<WeakCell>().unwrap().target() == v).count();
        assert!(n >= held);
    }
}
