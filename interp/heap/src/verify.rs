//! The heap checker: what zeal runs after each collection.

use std::cell::Cell;
use std::collections::HashSet;

use crate::Value;
use crate::block::{BLOCK, Block, DATA, FILLER};
use crate::heap::{Heap, State};
use crate::kind::Tracer;
use crate::map::MapRef;
use crate::object::{Header, ObjFlags};
use crate::region::Space;
use crate::weak::WeakCell;

/// Checks every object, map, root and link; panics with a description of what is wrong.
///
/// # Safety
/// The GIL is held, the heap is in no collection, its nursery is walkable.
pub(crate) unsafe fn verify(heap: &Heap, s: *mut State) {
    // SAFETY: the caller's promise.
    let c = unsafe { Checker::new(heap, s) };
    c.objects();
    c.roots();
    c.maps();
    c.weak();
    c.links();
}

struct Checker<'a> {
    heap: &'a Heap,
    s: *mut State,
    nursery: HashSet<usize>,
    store: HashSet<usize>,
}

impl<'a> Checker<'a> {
    /// # Safety
    /// As for [`verify`].
    unsafe fn new(heap: &'a Heap, s: *mut State) -> Checker<'a> {
        // SAFETY: the caller's promise.
        unsafe {
            let mut nursery = HashSet::new();
            (*s).nursery.each(&(*s).region, &mut |p| {
                let map = (*(p as *const Header)).map_id();
                assert!((*s).maps.is_map(map), "heap check: the young object at {p:#x} has no valid map");
                nursery.insert(p);
            });
            let store: HashSet<usize> = (*s).store.iter().copied().collect();
            assert_eq!(store.len(), (*s).store.len(), "an object is remembered twice");
            Checker { heap, s, nursery, store }
        }
    }

    fn st(&self) -> &State {
        // SAFETY: nobody changes the state while the checker runs.
        unsafe { &*self.s }
    }

    /// Why no object starts at `addr`, if so.
    fn fault(&self, addr: usize) -> Option<&'static str> {
        if !self.heap.in_region(addr) {
            return Some("outside the heap");
        }
        if !addr.is_multiple_of(16) {
            return Some("misaligned");
        }
        // SAFETY: blocks in use have headers.
        let block = unsafe { Block::of(addr) };
        let ok = match self.heap.space_of(addr) {
            Space::Free => return Some("in a free block"),
            Space::Tail => return Some("inside a large object"),
            Space::Nursery => self.nursery.contains(&addr),
            Space::Old => block.alloc.get(addr),
            Space::LargeYoung | Space::LargeOld => addr & (BLOCK - 1) == DATA,
        };
        if !ok {
            return Some("not at an object's start, or freed");
        }
        // SAFETY: an object or a filler starts there.
        let map = unsafe { &*(addr as *const Header) }.map_id();
        match map {
            FILLER => Some("free memory"),
            m if !self.st().maps.is_map(m) => Some("an object without a valid map"),
            _ => None,
        }
    }

    fn check(&self, v: Value, what: &dyn Fn() -> String) {
        if v.is_ptr()
            && let Some(fault) = self.fault(v.bits() as usize)
        {
            panic!("heap check: {} refers to {:#x}, which is {fault}", what(), v.bits());
        }
    }

    fn objects(&self) {
        self.heap.each_object(&mut |h| {
            let addr = h as *const Header as usize;
            let name = || if self.st().maps.is_map(h.map_id()) { h.map().kind().name } else { "object" };
            if let Some(fault) = self.fault(addr) {
                panic!("heap check: the {} at {addr:#x} is {fault}", name());
            }
            let young = self.heap.is_young_ptr(addr);
            let mut refers = false;
            Tracer::new(&mut |c: &Cell<Value>| {
                self.check(c.get(), &|| format!("the {} at {addr:#x}", name()));
                let at = c as *const Cell<Value> as usize;
                refers |= self.heap.is_young(c.get()) && !self.st().slots.contains(&(addr, at));
            })
            .object(h);
            assert!(!h.has(ObjFlags::MARKED), "heap check: the {} at {addr:#x} is marked", name());
            assert_eq!(
                h.has(ObjFlags::OLD),
                !young,
                "heap check: wrong OLD flag in the {} at {addr:#x}",
                name()
            );
            if young {
                assert!(
                    !h.has(ObjFlags::BARRIER),
                    "heap check: the young {} at {addr:#x} has a barrier",
                    name()
                );
            } else {
                let remembered = self.store.contains(&addr);
                assert!(
                    !refers || remembered,
                    "heap check: the old {} at {addr:#x} refers to a young object and is not remembered",
                    name()
                );
                assert!(
                    !(remembered && h.has(ObjFlags::BARRIER)),
                    "heap check: the remembered {} at {addr:#x} has its barrier set",
                    name()
                );
            }
            if h.link() != 0 {
                let ok = h.link() < self.st().links.end
                    && self.st().links.entry(h.link()).managed.get() == h.as_value()
                    && !self.st().links.entry(h.link()).mirror.get().is_null();
                assert!(
                    ok,
                    "heap check: the {} at {addr:#x} has link {}, which is another's",
                    name(),
                    h.link()
                );
            }
        });
    }

    fn roots(&self) {
        let mut visit = |c: &Cell<Value>| self.check(c.get(), &|| "a root".into());
        let t = &mut Tracer::new(&mut visit);
        self.st().roots.trace(true, t);
        self.st().finalizers.trace(t);
    }

    fn maps(&self) {
        self.st().maps.each(&mut |m: MapRef| {
            for v in [m.class.get(), m.shape.get()] {
                self.check(v, &|| format!("a map of kind {}", m.kind().name));
                assert!(
                    !self.heap.is_young(v) || self.st().maps.remembered(m),
                    "heap check: a map of kind {} refers to a young object; use set_class and set_shape",
                    m.kind().name
                );
            }
        });
    }

    fn weak(&self) {
        self.st().weak.each(&mut |c, target| {
            // SAFETY: the list holds live references.
            self.check(unsafe { &*(c as *const Header) }.as_value(), &|| {
                "the list of weak references".into()
            });
            self.check(target, &|| format!("the weak reference at {c:#x}"));
        });
    }

    fn links(&self) {
        let links = &self.st().links;
        let young: HashSet<u32> = links.young.iter().copied().collect();
        let mut count = 0;
        for i in 1..links.end {
            let e = links.entry(i);
            let mirror = e.mirror.get();
            if mirror.is_null() {
                continue;
            }
            count += 1;
            assert!(
                !matches!(i & 0xffff, 0 | 0xffff),
                "heap check: link {i} has an index that means no link"
            );
            let v = e.managed.get();
            assert!(v.is_ptr(), "heap check: link {i} has no object");
            self.check(v, &|| format!("link {i}"));
            assert_eq!(v.header().link(), i, "heap check: the object of link {i} has another link");
            // SAFETY: a linked mirror is alive.
            let m = unsafe { &*mirror };
            assert_eq!(
                m.link.get(),
                i,
                "heap check: the mirror of link {i}, of a {}, has another link ({mirror:p})",
                v.header().map().kind().name
            );
            assert!(m.refcnt.get() > 0, "heap check: the mirror of link {i} lacks the link's reference");
            assert!(
                !self.heap.is_young(v) || young.contains(&i),
                "heap check: link {i} of a young object is not in the list"
            );
            if let (Some(w), Some(foreign)) = (v.downcast::<WeakCell>(), links.foreign) {
                let target = w.target();
                foreign.check_weak(
                    mirror,
                    match target.is_ptr() {
                        true => self.heap.mirror_of(target.header()),
                        false => std::ptr::null_mut(),
                    },
                );
            }
        }
        assert_eq!(count, links.count, "heap check: wrong number of links");
    }
}
