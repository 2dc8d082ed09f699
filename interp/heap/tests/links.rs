//! Links, and cycles across the boundary, against a mock of the C side: structs with reference counts.

mod common;
use std::cell::{Cell, RefCell};

use cape_heap::{
    ForeignHeap, Header, MapFlags, MapRef, Mirror, Pending, Root, RootVec, Value, heap, testing,
};
use common::*;

/// A struct of the mock C side.
#[repr(C)]
struct Fake {
    head: Mirror,
    name: u64,
    children: RefCell<Vec<*mut Fake>>,
    /// Has a finalizer, which has not run yet.
    finalizer: Cell<bool>,
    /// `clear` does nothing (a tuple).
    immutable: bool,
    dead: Cell<bool>,
}

struct World;
static WORLD: World = World;

thread_local! {
    static LOG: RefCell<Vec<(&'static str, u64)>> = const { RefCell::new(Vec::new()) };
    static TRACKED: RefCell<Vec<*mut Fake>> = const { RefCell::new(Vec::new()) };
    static KEEP_PROXIES: Cell<bool> = const { Cell::new(false) };
    /// A struct that does not tell what it refers to.
    static SILENT: Cell<*mut Fake> = const { Cell::new(std::ptr::null_mut()) };
}

fn log(what: &'static str, name: u64) {
    LOG.with_borrow_mut(|l| l.push((what, name)));
}

fn take_log() -> Vec<(&'static str, u64)> {
    LOG.take()
}

fn fake<'a>(m: *mut Fake) -> &'a Fake {
    // SAFETY: structs of the mock are never freed, only marked dead.
    let f = unsafe { &*m };
    assert!(!f.dead.get(), "use of the dead struct {}", f.name);
    f
}

fn decref(m: *mut Fake) {
    let f = fake(m);
    let n = f.head.refcnt.get() - 1;
    f.head.refcnt.set(n);
    if n == 0 {
        assert_eq!(f.head.link.get(), 0, "the linked struct {} lost its last reference", f.name);
        log("free", f.name);
        TRACKED.with_borrow_mut(|t| t.retain(|p| *p != m));
        let children = f.children.take();
        f.dead.set(true);
        children.into_iter().for_each(decref);
    }
}

impl ForeignHeap for World {
    fn traverse(&self, mirror: *mut Mirror, visit: &mut dyn FnMut(*mut Mirror)) {
        if let Some(v) = heap().managed_while_marking(&fake(mirror as *mut Fake).head) {
            // Where the link says that its object is, there is one.
            assert!(!v.is_ptr() || v.downcast::<Node>().is_some());
        }
        if std::ptr::eq(SILENT.get(), mirror as *mut Fake) {
            return;
        }
        fake(mirror as *mut Fake).children.borrow().iter().for_each(|c| visit(*c as *mut Mirror));
    }
    fn proxy_may_die(&self, _: &Header) -> bool {
        !KEEP_PROXIES.get()
    }
    fn needs_finalize(&self, mirror: *mut Mirror) -> bool {
        fake(mirror as *mut Fake).finalizer.get()
    }
    fn each_tracked(&self, visit: &mut dyn FnMut(*mut Mirror)) {
        TRACKED.with_borrow(|t| t.iter().for_each(|m| visit(*m as *mut Mirror)));
    }
    fn release(&self, mirror: *mut Mirror) {
        decref(mirror as *mut Fake);
    }
    fn finalize(&self, mirror: *mut Mirror) {
        let f = fake(mirror as *mut Fake);
        assert!(f.finalizer.replace(false));
        log("finalize", f.name);
    }
    fn clear(&self, mirror: *mut Mirror) {
        let f = fake(mirror as *mut Fake);
        log("clear", f.name);
        if !f.immutable {
            f.children.take().into_iter().for_each(decref);
        }
    }
}

fn make(name: u64, finalizer: bool, immutable: bool) -> *mut Fake {
    Box::into_raw(Box::new(Fake {
        head: Mirror { refcnt: Cell::new(1), link: Cell::new(0), class: Cell::new(std::ptr::null_mut()) },
        name,
        children: RefCell::default(),
        finalizer: Cell::new(finalizer),
        immutable,
        dead: Cell::new(false),
    }))
}

/// `from` takes a new reference of `to`.
fn refer(from: *mut Fake, to: *mut Fake) {
    let n = &fake(to).head.refcnt;
    n.set(n.get() + 1);
    fake(from).children.borrow_mut().push(to);
}

fn count(m: *mut Fake) -> u32 {
    fake(m).head.refcnt.get()
}

fn link(v: Value, m: *mut Fake) {
    // SAFETY: structs of the mock are never freed.
    let i = unsafe { heap().link(v.header(), m as *mut Mirror) };
    assert_ne!(i & 0xffff, 0);
    assert_eq!(v.header().link(), i);
}

fn start(options: &str) -> testing::Exclusive {
    let h = testing::exclusive(options);
    heap().set_foreign(&WORLD);
    take_log();
    KEEP_PROXIES.set(false);
    h
}

fn full() {
    clear_stack();
    heap().collect_fully(&mut |_| {});
}

fn minor() {
    clear_stack();
    heap().collect(false);
    while heap().take_pending().is_some() {}
}

/// A new node that is linked with `m`.
fn linked(map: MapRef, left: Value, m: *mut Fake) -> Value {
    let v = node(map, left, Value::NONE, fake(m).name).value();
    link(v, m);
    v
}

#[test]
fn links_follow_moving_objects() {
    let _h = start("verify,poison");
    let m = map::<Node>(0);
    let mirror = make(1, false, false);
    let r = apart(|| Root::new(linked(m, Value::NONE, mirror)));
    for go in [minor, full, minor] {
        go();
        let v = r.get();
        assert_eq!(heap().mirror_of(v.header()), mirror as *mut Mirror);
        assert!(heap().managed_of(fake(mirror).head.link.get()) == v);
        assert!(heap().managed_of_mirror(&fake(mirror).head) == v);
    }
    let before = heap().link_count();
    heap().unlink(r.get().header().link());
    assert_eq!((r.get().header().link(), fake(mirror).head.link.get()), (0, 0));
    assert!(heap().mirror_of(r.get().header()).is_null());
    assert_eq!(heap().link_count(), before - 1);
    assert_eq!(count(mirror), 1);
}

#[test]
fn what_c_holds_lives_and_what_it_lets_go_dies() {
    let _h = start("verify,poison");
    let m = map::<Node>(0);
    for old in [false, true] {
        let mirror = make(1, false, false);
        apart(|| {
            let inner = node(m, Value::NONE, Value::NONE, 2);
            linked(m, inner.value(), mirror);
        });
        fake(mirror).head.refcnt.set(2);
        if old {
            full();
        } else {
            // Held while young, let go while still young is impossible: a collection makes it old.
            minor();
        }
        apart(|| {
            let v = heap().managed_of_mirror(&fake(mirror).head);
            assert_eq!(v.downcast::<Node>().unwrap().left.downcast::<Node>().unwrap().id.get(), 2);
        });
        fake(mirror).head.refcnt.set(1);
        minor();
        assert_eq!(take_log(), []);
        full();
        assert_eq!(take_log(), [("free", 1)]);
    }
    let young = make(3, false, false);
    apart(|| linked(m, Value::NONE, young));
    minor();
    assert_eq!(take_log(), [("free", 3)]);
    assert_eq!(heap().link_count(), 0);
}

/// A linked object whose struct holds twelve others, numbered from `first` on.
fn container(m: MapRef, left: Value, first: u64) -> (Value, Vec<*mut Fake>) {
    let a = make(first, false, false);
    let held: Vec<_> = (1..=12).map(|i| make(first + i, false, false)).collect();
    for &x in &held {
        refer(a, x);
        linked(m, Value::NONE, x);
    }
    let v = linked(m, left, a);
    (v, std::iter::once(a).chain(held).collect())
}

#[test]
fn what_dead_containers_hold_dies_with_them() {
    let _h = start("verify,poison");
    let m = map::<Node>(0);
    apart(|| {
        let (_, outer) = container(m, Value::NONE, 100);
        let (_, inner) = container(m, Value::NONE, 200);
        refer(outer[3], inner[0]);
    });
    minor();
    assert_eq!((take_log().len(), heap().link_count()), (26, 0));

    // Not where C holds some of it.
    let all = apart(|| {
        let (_, outer) = container(m, Value::NONE, 100);
        let (_, inner) = container(m, Value::NONE, 200);
        refer(outer[3], inner[0]);
        fake(inner[0]).head.refcnt.set(3);
        inner
    });
    minor();
    assert_eq!((take_log().len(), heap().link_count(), count(all[0])), (13, 13, 2));
    assert!(all.iter().all(|&x| heap().managed_of_mirror(&fake(x).head).is_ptr()));
    fake(all[0]).head.refcnt.set(1);
    full();
    assert_eq!((take_log().len(), heap().link_count()), (13, 0));
}

#[test]
fn what_reached_containers_hold_lives() {
    let _h = start("verify,poison");
    let m = map::<Node>(0);
    // C holds an object that refers to a container, which holds one that refers to another, and so on, deeper than is looked for.
    let (outermost, all) = apart(|| {
        let (mut last, mut all) = (Value::NONE, Vec::new());
        for i in 0..20 {
            let (v, mut made) = container(m, Value::NONE, i * 100);
            let x = heap().managed_of_mirror(&fake(made[5]).head);
            let x = x.downcast::<Node>().unwrap();
            x.left.set(x, last);
            last = v;
            all.append(&mut made);
        }
        let holder = make(9999, false, false);
        linked(m, last, holder);
        fake(holder).head.refcnt.set(2);
        (holder, all)
    });
    for _ in 0..3 {
        minor();
        assert_eq!((take_log(), heap().link_count()), (vec![], 20 * 13 + 1));
        assert!(all.iter().all(|&x| heap().managed_of_mirror(&fake(x).head).header().link() != 0));
    }
    fake(outermost).head.refcnt.set(1);
    full();
    let freed = take_log().iter().filter(|(what, _)| *what == "free").count();
    assert_eq!((freed, heap().link_count()), (20 * 13 + 1, 0));
}

#[test]
fn young_cycles_of_containers_wait_for_a_full_collection() {
    let _h = start("verify,poison");
    let m = map::<Node>(0);
    apart(|| {
        let (_, outer) = container(m, Value::NONE, 100);
        refer(outer[4], outer[0]);
    });
    minor();
    assert_eq!((take_log(), heap().link_count()), (vec![], 13));
    full();
    assert_eq!(heap().link_count(), 0);
}

#[test]
fn stateless_proxies_die_while_c_holds_their_structs() {
    let _h = start("verify,poison");
    let m = map::<Node>(0);
    m.flags.set(MapFlags::PROXY);
    let wm = map::<cape_heap::WeakCell>(0);
    for go in [minor as fn(), full] {
        let mirror = make(1, false, false);
        fake(mirror).head.refcnt.set(2);
        apart(|| assert_eq!(heap().identity(linked(m, Value::NONE, mirror).header()), mirror as usize));
        if go as *const () == full as *const () {
            // Old proxies die in full collections.
            KEEP_PROXIES.set(true);
            minor();
            assert_ne!(fake(mirror).head.link.get(), 0);
            KEEP_PROXIES.set(false);
        }
        go();
        assert_eq!((count(mirror), fake(mirror).head.link.get()), (1, 0));
        assert_eq!(take_log(), []);
        // One with a weak reference stays.
        fake(mirror).head.refcnt.set(2);
        let w =
            apart(|| Root::new(heap().new_weak(wm, linked(m, Value::NONE, mirror), Value::EMPTY).value()));
        go();
        assert!(!w.get().downcast::<cape_heap::WeakCell>().unwrap().target().is_empty());
        fake(mirror).head.refcnt.set(1);
        full();
        assert!(w.get().downcast::<cape_heap::WeakCell>().unwrap().target().is_empty());
        assert_eq!(take_log(), [("free", 1)]);
    }
}

/// A managed, linked with its mirror; that refers to another mirror, whose object refers to the first.
fn cycle(m: MapRef, a: *mut Fake, b: *mut Fake) {
    apart(|| {
        let va = linked(m, Value::NONE, a);
        let vb = linked(m, va, b);
        refer(a, b);
        std::hint::black_box(vb);
    });
}

#[test]
fn cycles_across_the_boundary_are_finalized_cleared_and_freed() {
    let _h = start("verify,poison");
    let m = map::<Node>(0);
    for middle in [false, true] {
        let (a, b) = (make(1, true, false), make(2, false, true));
        if middle {
            // An unlinked struct between the two.
            let x = make(3, false, false);
            apart(|| {
                let va = linked(m, Value::NONE, a);
                linked(m, va, b);
                refer(a, x);
                refer(x, b);
                decref(x);
            });
        } else {
            cycle(m, a, b);
        }
        minor();
        // Held from outside it stays.
        fake(a).head.refcnt.set(2);
        full();
        full();
        assert_eq!(take_log(), []);
        fake(a).head.refcnt.set(1);
        clear_stack();
        heap().collect(true);
        while heap().take_pending().is_some() {}
        assert_eq!(take_log(), [("finalize", 1)]);
        clear_stack();
        heap().collect(true);
        while heap().take_pending().is_some() {}
        let log = take_log();
        assert_eq!(log.iter().filter(|l| l.0 == "clear").count(), 2, "{log:?}");
        full();
        let mut freed: Vec<_> =
            take_log().into_iter().chain(log).filter(|l| l.0 == "free").map(|l| l.1).collect();
        freed.sort();
        assert_eq!(freed, if middle { vec![1, 2, 3] } else { vec![1, 2] });
        assert_eq!(heap().link_count(), 0);
    }
}

#[test]
fn a_managed_root_keeps_a_cycle() {
    let _h = start("verify,poison");
    let m = map::<Node>(0);
    let (a, b) = (make(1, false, false), make(2, false, false));
    cycle(m, a, b);
    let r = apart(|| Root::new(node(m, heap().managed_of_mirror(&fake(a).head), Value::NONE, 0).value()));
    full();
    assert_eq!(take_log(), []);
    drop(r);
    full();
    full();
    assert_eq!(take_log().into_iter().filter(|l| l.0 == "free").count(), 2);
}

#[test]
fn managed_finalizers_of_a_cycle_run_first_and_may_revive_it() {
    let _h = start("verify,poison");
    let (m, fm) = (map::<Node>(0), finalizer_map());
    let (a, b) = (make(1, false, false), make(2, false, false));
    apart(|| {
        let va = linked(m, node(fm, Value::NONE, Value::NONE, 77).value(), a);
        let vb = linked(m, va, b);
        refer(a, b);
        va.downcast::<Node>().unwrap().right.store(va.header(), vb);
        let f = va.downcast::<Node>().unwrap().left.downcast::<Node>().unwrap();
        f.left.set(f, va);
    });
    minor();
    let revived = RootVec::new();
    clear_stack();
    heap().collect(true);
    apart(|| {
        while let Some(p) = heap().take_pending() {
            let Pending::Finalize(v) = p else { panic!() };
            assert_eq!(v.downcast::<Node>().unwrap().id.get(), 77);
            revived.push(v);
        }
    });
    assert_eq!((revived.len(), take_log()), (1, vec![]));
    full();
    assert_eq!(take_log(), []);
    revived.clear();
    full();
    full();
    let log = take_log();
    assert_eq!(log.iter().filter(|l| l.0 == "free").count(), 2, "{log:?}");
}

#[test]
fn untouched_cycles_of_tracked_structs_are_cleared() {
    let _h = start("verify");
    let (x, y, outside) = (make(1, true, false), make(2, false, false), make(3, false, false));
    refer(x, y);
    refer(y, x);
    refer(outside, x);
    TRACKED.with_borrow_mut(|t| t.extend([x, y, outside]));
    decref(x);
    decref(y);
    full();
    assert_eq!(take_log(), []);
    decref(outside);
    take_log();
    full();
    full();
    let log = take_log();
    assert_eq!(log[0], ("finalize", 1));
    let mut freed: Vec<_> = log.iter().filter(|l| l.0 == "free").map(|l| l.1).collect();
    freed.sort();
    assert_eq!(freed, [1, 2]);
}

#[test]
fn what_only_a_dying_mirror_holds_is_not_cleared_before_it() {
    let _h = start("verify");
    let m = map::<Node>(0);
    let (a, x) = (make(1, false, false), make(2, false, false));
    refer(a, x);
    decref(x);
    TRACKED.with_borrow_mut(|t| t.push(x));
    apart(|| linked(m, Value::NONE, a));
    full();
    assert_eq!(take_log(), [("free", 1), ("free", 2)]);
}

#[test]
fn what_dies_by_counting_is_not_cleared() {
    let _h = start("verify");
    let m = map::<Node>(0);
    // The struct of a dead object holds an unlinked one, and that one another that is linked.
    let (a, x, b) = (make(1, false, false), make(2, false, false), make(3, false, false));
    refer(a, x);
    decref(x);
    refer(x, b);
    apart(|| linked(m, Value::NONE, a));
    apart(|| linked(m, Value::NONE, b));
    full();
    assert_eq!(take_log(), [("free", 1), ("free", 2), ("free", 3)]);
}

/// Cycles as C's classes make them: a linked object, whose struct holds one whose proxy has died, which holds the first.
fn cycle_through_proxies(m: MapRef, proxies: MapRef, number: u64) {
    for i in 0..number {
        let (a, b) = (make(2 * i, false, false), make(2 * i + 1, false, false));
        refer(a, b);
        refer(b, a);
        apart(|| linked(m, Value::NONE, a));
        apart(|| linked(proxies, Value::NONE, b));
    }
}

#[test]
fn cycles_through_dead_proxies_take_two_collections() {
    let _h = start("verify,poison");
    let (m, proxies) = (map::<Node>(0), map::<Node>(0));
    proxies.flags.set(MapFlags::PROXY);
    cycle_through_proxies(m, proxies, 10);
    let before = heap().stats().major;
    full();
    assert_eq!(heap().stats().major - before, 2);
    let log = take_log();
    assert_eq!(log.iter().filter(|l| l.0 == "clear").count(), 10, "{log:?}");
    assert_eq!(log.iter().filter(|l| l.0 == "free").count(), 20, "{log:?}");
    assert_eq!(heap().link_count(), 0);
}

#[test]
fn a_collection_begins_again_when_c_let_go_of_something() {
    let _h = start("verify");
    let m = map::<Node>(0);
    // A struct that does not say what it holds, and one that dies with it.
    let (a, b) = (make(1, false, false), make(2, false, false));
    apart(|| linked(m, Value::NONE, a));
    apart(|| linked(m, Value::NONE, b));
    refer(a, b);
    SILENT.set(a);
    full();
    SILENT.set(std::ptr::null_mut());
    assert_eq!(take_log(), [("free", 1), ("free", 2)]);
    // What nobody refers to dies in one.
    apart(|| linked(m, Value::NONE, make(3, false, false)));
    let before = heap().stats().major;
    full();
    assert_eq!((heap().stats().major - before, take_log()), (1, vec![("free", 3)]));
}

#[test]
fn the_table_of_links_shrinks() {
    let _h = start("verify");
    let m = map::<Node>(0);
    let link_one = |n| {
        let mirror = make(n, false, false);
        fake(mirror).head.refcnt.set(2);
        apart(|| linked(m, Value::NONE, mirror));
        mirror
    };
    // Held by C; every second is let go, then all but two.
    let mirrors: Vec<_> = (0..1000).map(link_one).collect();
    let index = |m: *mut Fake| fake(m).head.link.get();
    let highest = index(mirrors[999]);
    mirrors.iter().step_by(2).for_each(|&m| fake(m).head.refcnt.set(1));
    full();
    full();
    // The first free entries are used first, once a collection has seen them.
    let again: Vec<_> = (2000..2010).map(link_one).collect();
    assert!(again.windows(2).all(|w| index(w[0]) < index(w[1])));
    assert!(index(again[9]) < highest / 4);
    for &m in mirrors.iter().skip(1).step_by(2).chain(&again) {
        fake(m).head.refcnt.set(1);
    }
    full();
    full();
    assert_eq!(heap().link_count(), 0);
    let more: Vec<_> = (3000..5000).map(link_one).collect();
    assert!(index(more[0]) < 65);
    more.iter().for_each(|&m| fake(m).head.refcnt.set(1));
    full();
    assert_eq!(heap().link_count(), 0);
}

#[test]
fn indices_that_mean_no_link_are_never_handed_out() {
    let _h = start("");
    let m = map::<Node>(0);
    let keep = RootVec::new();
    apart(|| {
        for i in 0..70_000 {
            let mirror = make(i, false, false);
            let v = node(m, Value::NONE, Value::NONE, i).value();
            keep.push(v);
            link(v, mirror);
        }
    });
    heap().set_options("verify").unwrap();
    full();
    drop(keep);
    full();
    assert_eq!(heap().link_count(), 0);
    assert_eq!(take_log().len(), 70_000);
}

#[test]
fn random_graphs_over_both_sides() {
    for (seed, options) in
        [(1u64, "verify,poison"), (2, "every:5,full:3,verify,poison"), (3, "every:1,verify"), (4, "")]
    {
        let _h = start(options);
        random(seed * 1_000_003);
        full();
        full();
    }
}

/// Half of the objects are linked; managed references, and references between mirrors. Afterwards exactly what is
/// reachable is alive.
fn random(seed: u64) {
    let m = map::<Node>(0);
    let mut x = seed;
    let mut rng = move |n: usize| {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        (x >> 16) as usize % n
    };
    for _ in 0..20 {
        const N: usize = 60;
        let all = RootVec::new();
        let mut mirrors: Vec<*mut Fake> = Vec::new();
        // Edges of the model: object to object.
        let mut edges: Vec<Vec<usize>> = vec![Vec::new(); N];
        for i in 0..N {
            let v = node(m, Value::NONE, Value::NONE, i as u64).value();
            all.push(v);
            mirrors.push(if i % 2 == 0 { make(i as u64, rng(4) == 0, false) } else { std::ptr::null_mut() });
            if i % 2 == 0 {
                link(v, mirrors[i]);
            }
        }
        for _ in 0..N {
            let (i, j) = (rng(N), rng(N));
            let n = all.get(i).downcast::<Node>().unwrap();
            if n.left.get().is_none() {
                n.left.set(n, all.get(j));
                edges[i].push(j);
            }
            let (i, j) = (rng(N / 2) * 2, rng(N / 2) * 2);
            refer(mirrors[i], mirrors[j]);
            edges[i].push(j);
        }
        let roots: Vec<usize> = (0..3).map(|_| rng(N)).collect();
        let held: Vec<usize> = (0..3).map(|_| rng(N / 2) * 2).collect();
        let keep = RootVec::new();
        roots.iter().for_each(|&i| keep.push(all.get(i)));
        held.iter().for_each(|&i| fake(mirrors[i]).head.refcnt.set(count(mirrors[i]) + 1));
        all.clear();
        drop(all);
        for _ in 0..4 {
            full();
        }
        let mut reached = [false; N];
        let mut todo: Vec<usize> = roots.iter().chain(&held).copied().collect();
        while let Some(i) = todo.pop() {
            if !std::mem::replace(&mut reached[i], true) {
                todo.extend(&edges[i]);
            }
        }
        for i in (0..N).step_by(2) {
            // SAFETY: structs of the mock are never freed.
            let dead = unsafe { (*mirrors[i]).dead.get() };
            assert_eq!(dead, !reached[i], "struct {i}, seed {seed}");
        }
        keep.clear();
        held.iter().for_each(|&i| fake(mirrors[i]).head.refcnt.set(count(mirrors[i]) - 1));
        for _ in 0..4 {
            full();
        }
        assert_eq!(heap().link_count(), 0);
    }
}

#[test]
fn what_is_queued_for_c_survives_further_collections() {
    let _h = start("verify,poison");
    let m = map::<Node>(0);
    let (a, b) = (make(1, true, false), make(2, false, false));
    cycle(m, a, b);
    minor();
    clear_stack();
    heap().collect(true);
    for _ in 0..3 {
        heap().collect(false);
        heap().collect(true);
    }
    while heap().take_pending().is_some() {}
    assert_eq!(take_log(), [("finalize", 1)]);
    clear_stack();
    heap().collect(true);
    for _ in 0..3 {
        heap().collect(true);
    }
    while heap().take_pending().is_some() {}
    let log = take_log();
    assert_eq!(log.iter().filter(|l| l.0 == "clear").count(), 2, "{log:?}");
    full();
    assert_eq!(heap().link_count(), 0);
}
