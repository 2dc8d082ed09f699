//! The heap checker finds what it is made for.

mod common;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};

use cape_heap::{Header, MapRef, Mirror, Root, Value, heap, testing};
use common::*;

/// The message with which the checker stops.
fn fault() -> String {
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let r = catch_unwind(AssertUnwindSafe(|| heap().verify()));
    std::panic::set_hook(hook);
    match r {
        Ok(()) => String::new(),
        Err(e) => e
            .downcast_ref::<String>()
            .cloned()
            .unwrap_or_else(|| e.downcast_ref::<&str>().unwrap().to_string()),
    }
}

#[test]
fn it_finds_what_is_wrong() {
    let _h = testing::exclusive("");
    let m = map::<Node>(0);
    let r = apart(|| Root::new(node(m, Value::NONE, Value::NONE, 1).value()));
    heap().collect(false);
    let old = r.get().downcast::<Node>().unwrap();
    let young = node(m, Value::NONE, Value::NONE, 2);
    assert_eq!(fault(), "");

    old.left.set_no_barrier(young.value());
    assert!(fault().contains("is not remembered"), "{}", fault());
    old.left.set(old, young.value());
    assert_eq!(fault(), "");

    for (address, what) in [
        (young.as_raw() as u64 + 16, "not at an object's start"),
        (old.as_raw() as u64 + 16, "not at an object's start"),
        (young.as_raw() as u64 + 8, "misaligned"),
        (0x1000, "outside the heap"),
    ] {
        // SAFETY: it is only looked at by the checker.
        old.right.set_no_barrier(unsafe { Value::from_bits(address) });
        assert!(fault().contains(what), "{what}: {}", fault());
        old.right.set_no_barrier(Value::NONE);
    }

    let mirror = Mirror { refcnt: Cell::new(1), link: Cell::new(0), class: Cell::new(std::ptr::null_mut()) };
    // SAFETY: it is unlinked below.
    let i = unsafe { heap().link(young.header(), &mirror as *const Mirror as *mut Mirror) };
    assert_eq!(fault(), "");
    mirror.refcnt.set(0);
    assert!(fault().contains("lacks the link's reference"), "{}", fault());
    mirror.refcnt.set(1);
    mirror.link.set(i + 1);
    assert!(fault().contains("has another link"), "{}", fault());
    mirror.link.set(i);
    young.header.set_link(0);
    assert!(fault().contains("has another link"), "{}", fault());
    young.header.set_link(i);
    heap().unlink(i);

    let young_class = MapRef::new(m.kind(), Value::EMPTY, 0);
    heap().collect(false);
    young_class.class.set_no_barrier(young.value());
    assert!(fault().contains("use set_class"), "{}", fault());
    young_class.set_class(young.value());
    assert_eq!(fault(), "");

    let id = young.header.map_id();
    young.header.raw_map().set(id + 1);
    assert_ne!(fault(), "");
    young.header.raw_map().set(id);
    assert_eq!(fault(), "");
    let _ = Header::new(m);
}
