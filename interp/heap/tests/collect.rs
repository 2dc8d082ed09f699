//! Minor and full collections: moving, pinning, the barrier, large objects, memory staying flat.

mod common;
use cape_heap::{Header, ObjFlags, Root, RootVec, Value, heap, testing};
use common::*;
use std::cell::Cell;
use std::sync::atomic::{AtomicUsize, Ordering};

#[test]
fn survivors_move_once_and_keep_their_contents() {
    let _h = testing::exclusive("verify");
    let m = map::<Node>(2);
    let r = apart(|| {
        let a = node(m, Value::int(1), Value::NONE, 7);
        let b = node(m, a.value(), a.value(), 8);
        Root::new(b.value())
    });
    let before = apart(|| std::hint::black_box(!r.get().bits()));
    heap().collect(false);
    let b = r.get().downcast::<Node>().unwrap();
    assert_ne!(!(b.as_raw() as u64), before);
    assert!(b.header.has(ObjFlags::OLD));
    assert_eq!((b.id.get(), b.left.get()), (8, b.right.get()));
    let a = b.left.downcast::<Node>().unwrap();
    assert_eq!((a.id.get(), a.left.get(), a.right.get()), (7, Value::int(1), Value::NONE));
    let old = r.get();
    heap().collect(true);
    assert!(r.get() == old);
    // SAFETY: the map has a tail of two values.
    assert!(unsafe { *b.header.tail().add(1) }.is_empty());
}

#[test]
fn what_the_stack_mentions_stays_in_place() {
    let _h = testing::exclusive("verify,poison");
    let m = map::<Node>(0);
    let kept = node(m, Value::NONE, Value::NONE, 5);
    let inner = &kept.id as *const _ as usize;
    for round in 0..50 {
        for i in 0..1000 {
            node(m, Value::int(i), Value::NONE, 0);
        }
        kept.left.set(kept, node(m, kept.left.get(), Value::NONE, round).value());
        heap().collect(round % 10 == 9);
        assert_eq!(kept.id.get(), 5);
        assert!(!kept.header.has(ObjFlags::OLD));
    }
    let mut n = 0;
    let mut v = kept.left.get();
    while let Some(p) = v.downcast::<Node>() {
        n += 1;
        v = p.left.get();
    }
    assert_eq!(n, 50);
    assert_eq!(inner, &kept.id as *const _ as usize);
}

/// Runs a test in a thread of its own, and up to twice more when it fails: words of the harness, which stay where they are, may look like
/// references to what the test expects to move or to die.
fn in_threads(test: fn()) {
    let failed = (0..3).map(|_| std::thread::spawn(test).join()).take_while(|r| r.is_err()).count();
    assert!(failed < 3, "it fails in every thread");
}

#[test]
fn old_objects_that_were_stored_into_keep_young_ones() {
    in_threads(old_objects_keep_young_ones);
}

fn old_objects_keep_young_ones() {
    let _h = testing::exclusive("verify,poison");
    let (m, am) = (map::<Node>(0), map::<Array>(0));
    let r = apart(|| Root::new(array(am, 100).value()));
    // (A word that the test's thread has left on its stack may pin it for a while.)
    let old = (0..8).any(|_| {
        wipe();
        heap().collect(false);
        apart(|| !heap().is_young(r.get()))
    });
    assert!(old, "it stays young");
    for round in 0..100 {
        apart(|| {
            let a = r.get().downcast::<Array>().unwrap();
            assert!(a.header.has(ObjFlags::OLD));
            item(a, round).set(a, node(m, Value::NONE, Value::NONE, round as u64).value());
        });
        heap().collect(false);
        let a = r.get().downcast::<Array>().unwrap();
        assert!(a.header.has(ObjFlags::BARRIER));
        for i in 0..=round {
            assert_eq!(item(a, i).downcast::<Node>().unwrap().id.get(), i as u64);
        }
    }
}

#[test]
fn objects_made_old_may_refer_to_young_ones() {
    let _h = testing::exclusive("verify,poison");
    let m = map::<Node>(0);
    let r = apart(|| {
        let young = node(m, Value::NONE, Value::NONE, 3);
        let old = heap().alloc_old(
            m,
            Node {
                header: cape_heap::Header::new(m),
                left: cape_heap::Field::new(young.value()),
                right: cape_heap::Field::new(Value::NONE),
                id: Default::default(),
            },
        );
        let at = old.as_raw();
        heap().collect(false);
        assert_eq!(old.as_raw(), at);
        Root::new(old.value())
    });
    heap().collect(true);
    assert_eq!(r.get().downcast::<Node>().unwrap().left.downcast::<Node>().unwrap().id.get(), 3);
}

#[test]
fn large_objects_live_and_die() {
    let _h = testing::exclusive("verify,poison");
    let (m, am, bm) = (map::<Node>(0), map::<Array>(1), map::<Blob>(0));
    let r = apart(|| {
        let a = array(am, 100_000);
        assert!((0..100_000).all(|i| item(a, i).get().is_empty()));
        item(a, 99_999).set(a, node(m, Value::NONE, Value::NONE, 9).value());
        Root::new(a.value())
    });
    let place = r.get();
    for i in 0..2000 {
        apart(|| blob(bm, 1 << 20 | i));
    }
    heap().collect(false);
    assert!(heap().stats().large_bytes < 4 << 20, "{:?}", heap().stats());
    assert!(r.get() == place);
    let a = r.get().downcast::<Array>().unwrap();
    assert_eq!(item(a, 99_999).downcast::<Node>().unwrap().id.get(), 9);
    // An interior word keeps a large object.
    r.set(Value::NONE);
    let inside = item(a, 50_000) as *const _;
    heap().collect(true);
    std::hint::black_box(inside);
}

#[test]
fn memory_stays_flat() {
    let _h = testing::exclusive("");
    let (m, bm) = (map::<Node>(0), map::<Blob>(0));
    let keep = RootVec::new();
    for i in 0..1000 {
        keep.push(node(m, Value::int(i), Value::NONE, 0).value());
    }
    let resident = || {
        let s = std::fs::read_to_string("/proc/self/statm").unwrap();
        s.split(' ').nth(1).unwrap().parse::<usize>().unwrap() * 4096
    };
    for _ in 0..300 {
        for i in 0..100_000usize {
            let n = node(m, keep.get(i % 1000), Value::NONE, i as u64);
            if i % 100 == 0 {
                // Old garbage in every size class, and in chains.
                keep.set(i / 100, n.value());
                blob(bm, i % 20_000);
            }
            if i % 1000 == 0 {
                keep.set(i / 1000, blob(bm, i % 9000).value());
            }
        }
        for i in 0..1000 {
            keep.set(i, Value::NONE);
        }
    }
    // A gigabyte has been allocated, 200 MB of it as old garbage.
    assert!(resident() < 128 << 20, "{} {:?}", resident(), heap().stats());
    assert!(heap().stats().major > 0);
}

static DROPS: AtomicUsize = AtomicUsize::new(0);

#[test]
fn destructors_run_once() {
    let _h = testing::exclusive("verify,poison");
    let m = map::<Dropper>(0);
    DROPS.store(0, Ordering::Relaxed);
    let make = || {
        heap().alloc(
            m,
            Dropper { header: cape_heap::Header::new(m), what: cape_heap::Native(CountDrop(&DROPS)) },
        )
    };
    let r = apart(|| {
        for _ in 0..100 {
            make();
        }
        Root::new(make().value())
    });
    clear_stack();
    heap().collect(false);
    assert_eq!(DROPS.load(Ordering::Relaxed), 100);
    heap().collect(true);
    assert_eq!(DROPS.load(Ordering::Relaxed), 100);
    drop(r);
    clear_stack();
    heap().collect(true);
    assert_eq!(DROPS.load(Ordering::Relaxed), 101);
    heap().collect(true);
    assert_eq!(DROPS.load(Ordering::Relaxed), 101);
}

#[test]
fn another_threads_saved_stack_is_scanned() {
    let _h = testing::exclusive("verify,poison");
    let m = map::<Node>(0);
    let n = node(m, Value::NONE, Value::NONE, 77);
    heap().release_thread(|| {
        std::thread::spawn(|| {
            heap().resume_thread();
            let m = map::<Node>(0);
            for i in 0..500_000 {
                node(m, Value::int(i), Value::NONE, 1);
            }
            heap().collect(true);
            heap().detach_thread();
        })
        .join()
        .unwrap()
    });
    assert_eq!((n.id.get(), n.left.get()), (77, Value::NONE));
    assert!(!n.header.has(ObjFlags::OLD));
}

#[test]
fn extensions_memory_makes_collections_due() {
    let _h = testing::exclusive("");
    let m = map::<Node>(0);
    let before = heap().stats();
    for _ in 0..100 {
        heap().pressure(10 << 20);
        node(m, Value::NONE, Value::NONE, 1);
        heap().pressure(-(10 << 20));
    }
    assert!(heap().stats().minor >= before.minor + 20);
    assert_eq!(heap().stats().major, before.major);
    heap().pressure(1 << 30);
    for _ in 0..200_000 {
        node(m, Value::NONE, Value::NONE, 1);
    }
    assert_eq!(heap().stats().major, before.major + 1);
    heap().pressure(-(1 << 30));
    let before = heap().stats();
    for _ in 0..100 {
        heap().memory_taken(10 << 20);
        node(m, Value::NONE, Value::NONE, 1);
    }
    let after = heap().stats();
    assert!(after.minor >= before.minor + 50 && (2..10).contains(&(after.major - before.major)));
}

#[test]
fn cells_of_large_arrays_are_remembered_alone() {
    let _h = testing::exclusive("verify,poison");
    let (m, am) = (map::<Node>(0), map::<Array>(0));
    let r = apart(|| Root::new(array(am, 1_000_000).value()));
    heap().collect(false);
    let a = r.get().downcast::<Array>().unwrap();
    let mut kept = None;
    for i in 0..40usize {
        let at = i * 9973 % 1_000_000;
        if i == 20 {
            // One that stays young for a while.
            let n = node(m, Value::NONE, Value::NONE, i as u64);
            item(a, at).set(a, n.value());
            kept = Some(n);
        } else {
            apart(|| item(a, at).set(a, node(m, Value::NONE, Value::NONE, i as u64).value()));
        }
        assert!(a.header.has(ObjFlags::BARRIER));
        if i % 8 == 3 {
            clear_stack();
            heap().collect(i % 16 == 3);
        }
    }
    for i in 0..40 {
        let n = item(a, i * 9973 % 1_000_000).downcast::<Node>().unwrap();
        assert_eq!((n.id.get(), n.left.get()), (i as u64, Value::NONE));
    }
    assert!(!kept.unwrap().header.has(ObjFlags::OLD));
    // Many stores: the object is remembered as a whole.
    let small = apart(|| Root::new(array(am, 2000).value()));
    heap().collect(false);
    let b = small.get().downcast::<Array>().unwrap();
    for i in 0..2000 {
        item(b, i).set(b, node(m, Value::NONE, Value::NONE, i as u64).value());
    }
    assert!(!b.header.has(ObjFlags::BARRIER));
    heap().collect(false);
    for i in 0..2000 {
        assert_eq!(item(b, i).downcast::<Node>().unwrap().id.get(), i as u64);
    }
}

#[test]
fn what_the_stack_mentions_lives_also_when_it_is_old() {
    in_threads(old_objects_live_by_the_stack);
}

fn old_objects_live_by_the_stack() {
    let _h = testing::exclusive("verify,poison");
    let (m, am) = (map::<Node>(0), map::<Array>(0));
    let r = RootVec::new();
    apart(|| {
        r.push(node(m, Value::int(1), Value::NONE, 41).value());
        r.push(array(am, 20_000).value());
        item(r.get(1).downcast().unwrap(), 19_999).store(r.get(1).header(), Value::int(7));
    });
    heap().collect(false);
    let small = r.get(0).downcast::<Node>().unwrap();
    let large = item(r.get(1).downcast().unwrap(), 19_999);
    assert!(small.header.has(ObjFlags::OLD));
    r.clear();
    for _ in 0..3 {
        clear_stack();
        heap().collect(true);
        assert_eq!((small.id.get(), small.left.get()), (41, Value::int(1)));
        assert_eq!(large.get(), Value::int(7));
    }
    let objects = heap().stats().objects;
    std::hint::black_box((small, large));
    assert!(objects >= 2);
}

#[test]
fn remembered_cells_go_with_their_array() {
    let _h = testing::exclusive("verify,poison");
    let (m, am) = (map::<Node>(0), map::<Array>(0));
    let r = apart(|| Root::new(array(am, 20_000).value()));
    heap().collect(false);
    let moving = Root::new(Value::NONE);
    let hidden = apart(|| {
        // Pinned, so that the cell stays remembered.
        let n = node(m, Value::NONE, Value::NONE, 1);
        apart(|| {
            let a = r.get().downcast::<Array>().unwrap();
            item(a, 10_000).set(a, n.value());
        });
        heap().collect(false);
        moving.set(n.value());
        r.set(Value::NONE);
        apart(|| {
            heap().collect(true);
            assert_eq!(heap().stats().large_bytes, 0);
        });
        !std::hint::black_box(n).value().bits()
    });
    // What has the memory now is not an array of values, though its bytes may look so.
    let bm = map::<Blob>(0);
    let words = |v: cape_heap::Ptr<Blob>| {
        // SAFETY: the blob has 25,000 words, and nothing else uses them.
        unsafe { std::slice::from_raw_parts_mut(v.as_raw().add(1) as *mut u64, 25_000) }
    };
    let fill = apart(|| {
        let b = blob(bm, 200_000);
        words(b).fill(!hidden);
        Root::new(b.value())
    });
    clear_stack();
    heap().collect(false);
    assert!(moving.get().header().has(ObjFlags::OLD));
    assert!(words(fill.get().downcast().unwrap()).iter().all(|w| *w == !hidden));
}

#[test]
fn large_leaves_stay_young_once() {
    let _h = testing::exclusive("verify,poison");
    let bm = map::<Blob>(0);
    let r = apart(|| Root::new(blob(bm, 1 << 20).value()));
    heap().collect(false);
    assert!(apart(|| heap().is_young(r.get())), "the first collection keeps it young");
    // Forgotten then, it dies at the next one, without a full collection.
    apart(|| r.set(Value::NONE));
    heap().collect(false);
    assert_eq!(heap().stats().large_bytes, 0);
    let r = apart(|| Root::new(blob(bm, 1 << 20).value()));
    heap().collect(false);
    heap().collect(false);
    assert!(!heap().is_young(r.get()), "the second one makes it old");
}

/// Overwrites the native stack below its caller's frame.
#[inline(never)]
fn wipe() {
    std::hint::black_box([0u64; 4096]);
}

/// A call that leaves words behind: many of them are `hidden`, with all bits reversed. (Not those where the frames of a collection itself lie.)
#[inline(never)]
fn leave_behind(hidden: u64) {
    let mut words = [!hidden; 1024];
    words[896..].fill(0);
    std::hint::black_box(&words);
}

/// A call with places in its frame that nothing writes, around what `f` does.
#[inline(never)]
fn with_places_unwritten<R>(f: impl FnOnce() -> R) -> R {
    let places = std::mem::MaybeUninit::<[u64; 1024]>::uninit();
    std::hint::black_box(&places);
    let r = f();
    std::hint::black_box(&places);
    r
}

#[test]
fn words_left_by_calls_keep_nothing_made_later() {
    in_threads(words_left_keep_nothing);
}

fn words_left_keep_nothing() {
    let _h = testing::exclusive("poison");
    let (m, wm) = (map::<Node>(0), map::<cape_heap::WeakCell>(0));
    let place = apart(|| !node(m, Value::NONE, Value::NONE, 1).value().bits());
    wipe();
    heap().collect(false);
    // The place is free: the next object will lie there.
    leave_behind(place);
    heap().collect(false);
    let kept = with_places_unwritten(|| {
        let weak = apart(|| {
            let v = node(m, Value::NONE, Value::NONE, 2).value();
            assert_eq!(!v.bits(), place, "it lies elsewhere");
            Root::new(heap().new_weak(wm, v, Value::NONE).value())
        });
        wipe();
        heap().collect(true);
        apart(|| weak.get().downcast::<cape_heap::WeakCell>().expect("a reference").target().is_ptr())
    });
    assert!(!kept, "a word of an earlier call keeps it");
}

#[test]
fn lent_memory_outlives_its_object() {
    in_threads(lent_memory_outlives);
}

fn lent_memory_outlives() {
    let _h = testing::exclusive("verify,poison");
    let bm = map::<Blob>(0);
    let size = 200_000;
    // (Its address is hidden, so that no word on the stack keeps the object.)
    let hidden = apart(|| {
        let lent = heap().lend(size).expect("memory");
        // SAFETY: lent memory of that size.
        unsafe {
            std::ptr::write_bytes(lent.add(16), 7, size - 16);
            assert!(heap().lent_size(lent) >= size);
        }
        !(lent as usize)
    });
    let lent = || !hidden as *mut u8;
    // Nobody has it but the foreign side. (A word that the test's thread has left on its stack may show it for a while.)
    let forgotten = (0..8).any(|_| {
        wipe();
        heap().collect(true);
        heap().stats().large_bytes == 0
    });
    assert!(forgotten, "{} bytes of large objects", heap().stats().large_bytes);
    let make = || {
        let init = Blob { header: Header::new(bm), len: Cell::new(size - size_of::<Blob>()) };
        // SAFETY: the memory is lent, and of the size that the object says.
        unsafe { heap().adopt(lent(), bm, init) }
    };
    let r = apart(|| Root::new(make().value()));
    for full in [false, true, false] {
        heap().collect(full);
    }
    apart(|| assert_eq!(r.get().bits() as usize, lent() as usize));
    assert!(heap().stats().large_bytes >= size);
    apart(|| r.set(Value::NONE));
    heap().collect(true);
    assert_eq!(heap().stats().large_bytes, 0);
    // SAFETY: the object is dead, and its memory lent again: not poisoned, and freed once.
    unsafe {
        assert!((16 + size_of::<Blob>()..size).all(|i| *lent().add(i) == 7));
        heap().free_lent(lent());
        assert_eq!(*lent().add(100_000), 0xdb);
    }
    let again = heap().lend(size).expect("memory");
    assert_eq!(again, lent());
    // SAFETY: as above.
    unsafe { heap().free_lent(again) };
}
