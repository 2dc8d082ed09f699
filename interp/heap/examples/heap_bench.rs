//! Micro-benchmarks of the collector: `cargo run --release -p cape-heap --example heap_bench`.

use std::cell::Cell;
use std::hint::black_box;
use std::time::{Duration, Instant};

use cape_heap::{Field, ForeignHeap, Header, MapRef, Mirror, Ptr, RootVec, Tracer, Value, heap, heap_object};

heap_object! {
    /// 32 bytes.
    struct Node { left: Field, right: Field, id: Cell<u64> }
    /// 48 bytes.
    struct Wide { a: Field, b: Field, c: Cell<u64>, d: Cell<u64>, e: Cell<u64> }
    /// An array of values.
    struct Array { len: Cell<usize> }
    [size = |a: &Array| size_of::<Array>() + 8 * a.len.get()]
    [trace = |a: &Array, t: &mut Tracer<'_>| unsafe {
        // SAFETY: len values lie behind the struct.
        t.visit_range((a as *const Array).add(1) as *const Value, a.len.get())
    }]
}

/// The path that `nm` and `objdump` show: what an allocation compiles to.
#[inline(never)]
#[unsafe(no_mangle)]
fn bench_alloc_node(map: MapRef, left: Value, id: u64) -> Ptr<Node> {
    let init = Node {
        header: Header::new(map),
        left: Field::new(left),
        right: Field::new(Value::NONE),
        id: Cell::new(id),
    };
    heap().alloc(map, init)
}

fn node(map: MapRef, left: Value, right: Value, id: u64) -> Ptr<Node> {
    let init = Node {
        header: Header::new(map),
        left: Field::new(left),
        right: Field::new(right),
        id: Cell::new(id),
    };
    heap().alloc(map, init)
}

fn wide(map: MapRef, a: Value, b: Value) -> Ptr<Wide> {
    let init = Wide {
        header: Header::new(map),
        a: Field::new(a),
        b: Field::new(b),
        c: Cell::new(0),
        d: Cell::new(0),
        e: Cell::new(0),
    };
    heap().alloc(map, init)
}

fn array(map: MapRef, len: usize) -> Ptr<Array> {
    heap().alloc_var(
        map,
        size_of::<Array>() + 8 * len,
        Array { header: Header::new(map), len: Cell::new(len) },
    )
}

/// The best of several runs.
fn best(runs: usize, mut f: impl FnMut() -> Duration) -> Duration {
    (0..runs).map(|_| f()).min().unwrap()
}

fn timed(f: impl FnOnce()) -> Duration {
    let start = Instant::now();
    f();
    start.elapsed()
}

fn report(what: &str, d: Duration, per: usize, unit: &str) {
    let ns = d.as_nanos() as f64 / per as f64;
    let text = match unit {
        "us" => format!("{:.2} us", ns / 1e3),
        "ms" => format!("{:.2} ms", ns / 1e6),
        _ => format!("{ns:.2} ns"),
    };
    println!("{what:<52} {text:>12}");
}

struct NoCycles;
impl ForeignHeap for NoCycles {
    fn traverse(&self, _: *mut Mirror, _: &mut dyn FnMut(*mut Mirror)) {}
    fn release(&self, _: *mut Mirror) {}
    fn clear(&self, _: *mut Mirror) {}
}

fn minor_empty(wm: MapRef) -> Duration {
    best(20, || {
        for _ in 0..80_000 {
            black_box(wide(wm, Value::NONE, Value::NONE));
        }
        timed(|| heap().collect(false))
    })
}

fn marking(wm: MapRef) {
    let h = heap();
    // 100 MB of old objects: a binary tree, and a list in allocation order.
    let keep = RootVec::new();
    keep.push(Value::NONE);
    keep.push(Value::NONE);
    let count = 100_000_000 / 48;
    report(
        "building 100 MB of 48-byte objects",
        timed(|| {
            for i in 0..count {
                let w = wide(wm, keep.get(0), keep.get(i % 2));
                keep.set(1, keep.get(0));
                keep.set(0, w.value());
            }
        }),
        count,
        "ns",
    );
    h.collect(true);
    report("minor collection, nothing alive, 100 MB old", minor_empty(wm), 1, "us");
    report("full collection of 100 MB of 48-byte objects", best(5, || timed(|| h.collect(true))), 1, "ms");
    keep.set(0, Value::NONE);
    keep.set(1, Value::NONE);
    report("... all of it dead", timed(|| h.collect(true)), 1, "ms");

    // The same in random order.
    let table = RootVec::new();
    for _ in 0..count {
        table.push(Value::NONE);
    }
    for i in 0..count {
        table.set(i, wide(wm, Value::NONE, Value::NONE).value());
    }
    let mut x = 88172645463325252u64;
    for i in 0..count {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        let (a, b) = (table.get(i), table.get(x as usize % count));
        a.downcast::<Wide>().unwrap().a.set(a.downcast::<Wide>().unwrap(), b);
    }
    report("full collection, random order", best(3, || timed(|| h.collect(true))), 1, "ms");
    drop(table);
    h.collect(true);
}

fn main() {
    let h = heap();
    let m = MapRef::new(kind::<Node>(), Value::EMPTY, 0);
    let inst = MapRef::new(kind::<Node>(), Value::EMPTY, 4);
    let wm = MapRef::new(kind::<Wide>(), Value::EMPTY, 0);
    let am = MapRef::new(kind::<Array>(), Value::EMPTY, 0);

    if std::env::args().nth(1).as_deref() == Some("mark") {
        return marking(wm);
    }
    const N: usize = 20_000_000;
    let alloc = |map: MapRef| {
        best(5, || {
            timed(|| {
                for i in 0..N {
                    black_box(node(map, Value::NONE, Value::NONE, i as u64));
                }
            })
        })
    };
    report("short-lived object of 32 bytes, collection included", alloc(m), N, "ns");
    report(
        "... not inlined",
        best(5, || {
            timed(|| {
                for i in 0..N {
                    black_box(bench_alloc_node(m, Value::NONE, i as u64));
                }
            })
        }),
        N,
        "ns",
    );
    report("... with a tail of four values (64 bytes)", alloc(inst), N, "ns");
    report(
        "short-lived array of 4 values (48 bytes)",
        best(5, || {
            timed(|| {
                for _ in 0..N {
                    black_box(array(am, 4));
                }
            })
        }),
        N,
        "ns",
    );
    report(
        "short-lived array of 4000 values (large)",
        best(5, || {
            timed(|| {
                for _ in 0..10_000 {
                    black_box(array(am, 4000));
                }
            })
        }),
        10_000,
        "ns",
    );

    report("minor collection, nothing alive", minor_empty(wm), 1, "us");

    let survivors = |n: usize| {
        best(20, || {
            let keep = RootVec::new();
            let a = array(am, 1);
            for i in 0..n {
                let x = node(m, item(a, 0).get(), Value::NONE, i as u64);
                item(a, 0).set(a, x.value());
            }
            keep.push(item(a, 0).get());
            item(a, 0).set(a, Value::NONE);
            timed(|| h.collect(false))
        })
    };
    report("minor collection, 32767 survivors of 32 bytes", survivors(32_767), 1, "us");
    h.collect(true);

    report(
        "filling an old array of 10^6 with new objects",
        {
            let keep = RootVec::from_slice(&[array(am, 1_000_000).value()]);
            h.collect(false);
            let a = keep.get(0).downcast::<Array>().unwrap();
            timed(|| {
                for i in 0..1_000_000 {
                    item(a, i).set(a, node(m, Value::NONE, Value::NONE, i as u64).value());
                }
            })
        },
        1_000_000,
        "ns",
    );
    marking(wm);

    // Links.
    static FOREIGN: NoCycles = NoCycles;
    h.set_foreign(&FOREIGN);
    let links = 1_000_000;
    let mirrors: Vec<Mirror> = (0..links)
        .map(|_| Mirror { refcnt: Cell::new(1), link: Cell::new(0), class: Cell::new(std::ptr::null_mut()) })
        .collect();
    let table = RootVec::new();
    let mut linked = Duration::ZERO;
    for chunk in 0..links / 1000 {
        for i in 0..1000 {
            let n = node(m, Value::NONE, Value::NONE, i);
            table.push(n.value());
        }
        linked += timed(|| {
            for (i, mirror) in mirrors.iter().enumerate().skip(chunk * 1000).take(1000) {
                // SAFETY: the structs live as long as the program.
                unsafe { h.link(table.get(i).header(), mirror as *const Mirror as *mut Mirror) };
            }
        });
    }
    report("making a link", linked, links, "ns");
    let held = table;
    report("full collection, 10^6 links", best(3, || timed(|| h.collect(true))), 1, "ms");
    let arr = array(am, links);
    for i in 0..links {
        item(arr, i).set_no_barrier(held.get(i));
    }
    drop(held);
    h.collect(false);
    report("minor collection, nothing alive, 10^6 old links", minor_empty(wm), 1, "us");
    black_box(arr);
    let young = best(10, || {
        let mirrors: Vec<Mirror> = (0..10_000)
            .map(|_| Mirror {
                refcnt: Cell::new(1),
                link: Cell::new(0),
                class: Cell::new(std::ptr::null_mut()),
            })
            .collect();
        h.collect(false);
        for (i, mirror) in mirrors.iter().enumerate() {
            let n = node(m, Value::NONE, Value::NONE, i as u64);
            // SAFETY: the links are cut before the structs go.
            unsafe { h.link(n.header(), mirror as *const Mirror as *mut Mirror) };
        }
        let d = timed(|| h.collect(false));
        while h.take_pending().is_some() {}
        d
    });
    report("minor collection, a dead young link", young, 10_000, "ns");
    println!("{:?}", h.stats());
}

fn kind<T: cape_heap::HeapObject>() -> &'static cape_heap::KindInfo {
    T::kind()
}

fn item(a: Ptr<Array>, i: usize) -> &'static Field {
    assert!(i < a.len.get());
    // SAFETY: len values lie behind the struct; Field has Value's layout.
    unsafe { &*((a.as_raw().add(1) as *const Field).add(i)) }
}
