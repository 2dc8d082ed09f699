//! Who keeps an object: the question behind a test that finds something alive after a collection. `-X gc=who:KIND` answers it on stderr
//! for all objects of a kind, at each collection that the program asks for.
//!
//! From each sort of roots in turn the heap is searched in breadth, so that the path that is shown is a shortest one. What native frames
//! mention is told with the word's address, and the function whose frame has it.

use std::cell::Cell;
use std::collections::HashMap;
use std::fmt::Write;

use crate::conservative::words;
use crate::heap::{Heap, State};
use crate::kind::Tracer;
use crate::object::Header;
use crate::region::Space;
use crate::{Value, large, old};

/// What leads to an object.
#[derive(Clone, Copy)]
enum From {
    Root(usize),
    Object(usize),
}

/// A search from one sort of roots.
#[derive(Default)]
struct Search {
    from: HashMap<usize, From>,
    todo: std::collections::VecDeque<usize>,
}

impl Search {
    fn reach(&mut self, v: Value, from: From) {
        if let std::collections::hash_map::Entry::Vacant(entry) = self.from.entry(v.bits() as usize)
            && v.is_ptr()
        {
            entry.insert(from);
            self.todo.push_back(v.bits() as usize);
        }
    }

    /// Follows everything that has been reached.
    ///
    /// # Safety
    /// As for [`report`].
    unsafe fn follow(&mut self, s: *mut State) {
        while let Some(p) = self.todo.pop_front() {
            // SAFETY: what is reached is alive; the caller's promise.
            unsafe {
                let h = &*(p as *const Header);
                Tracer::new(&mut |c| self.reach(c.get(), From::Object(p))).object(h);
                self.reach(h.map().class.get(), From::Object(p));
                if h.link() != 0
                    && let Some(foreign) = (*s).links.foreign
                {
                    foreign.traverse((*s).links.entry(h.link()).mirror.get(), &mut |m| {
                        let link = (*m).link.get();
                        if link != 0 && link < (*s).links.end && (*s).links.entry(link).mirror.get() == m {
                            self.reach((*s).links.entry(link).managed.get(), From::Object(p));
                        }
                    });
                }
            }
        }
    }

    /// The path to an object, from its root.
    fn path(&self, mut p: usize) -> Option<(usize, String)> {
        let mut text = String::new();
        loop {
            // SAFETY: what is reached is alive.
            let name = unsafe { &*(p as *const Header) }.map().kind().name;
            text.insert_str(0, &format!(" -> {name} {p:#x}"));
            match *self.from.get(&p)? {
                From::Object(holder) => p = holder,
                From::Root(at) => return Some((at, text)),
            }
        }
    }
}

/// Says on stderr what keeps the objects of a kind.
///
/// # Safety
/// The GIL is held, a minor collection has just ended, `sp` bounds the running thread's frames.
pub(crate) unsafe fn report(heap: &Heap, s: *mut State, sp: usize, kind: &str) {
    let mut objects = Vec::new();
    heap.each_object(&mut |h| {
        if h.map().kind().name == kind {
            objects.push(h as *const Header as usize);
        }
    });
    let mut text = format!("who keeps {} objects of the kind {kind}:\n", objects.len());
    let mut tell = |sort: &str, name: &dyn Fn(usize) -> String, search: &Search| {
        for &p in &objects {
            if let Some((at, path)) = search.path(p) {
                let _ = writeln!(text, "  {sort} {}{path}", name(at));
            }
        }
    };
    let plain = |at: usize| format!("{at:#x}");
    // SAFETY: for the whole block: the caller's promise; roots refer to live objects, and nobody changes the state.
    unsafe {
        let mut search = Search::default();
        (*s).roots.trace(
            true,
            &mut Tracer::new(&mut |c: &Cell<Value>| {
                search.reach(c.get(), From::Root(c as *const Cell<Value> as usize))
            }),
        );
        search.follow(s);
        tell("the root", &plain, &search);

        let mut search = Search::default();
        (*s).finalizers.trace(&mut Tracer::new(&mut |c: &Cell<Value>| search.reach(c.get(), From::Root(0))));
        search.follow(s);
        tell("what waits for its end", &plain, &search);

        let mut search = Search::default();
        for i in 1..(*s).links.end {
            let entry = (*s).links.entry(i);
            let mirror = entry.mirror.get();
            if !mirror.is_null() && (*mirror).refcnt.get() > 1 {
                search.reach(entry.managed.get(), From::Root(mirror as usize));
            }
        }
        search.follow(s);
        tell("C, by", &plain, &search);

        let mut search = Search::default();
        (*s).threads.ranges(sp, &mut |start, end| {
            words(start, end, &mut |w, at| {
                if let Some(p) = object_at(heap, s, w) {
                    search.reach(Value::from_bits(p as u64), From::Root(at));
                }
            })
        });
        search.follow(s);
        let namer = (*s).frame_namer;
        let name = |at: usize| format!("{at:#x} of {}", namer.map_or_else(String::new, |f| f(at)));
        tell("the native word", &name, &search);
    }
    eprint!("{text}");
}

/// The object that a word falls in.
///
/// # Safety
/// As for [`report`].
unsafe fn object_at(heap: &Heap, s: *mut State, word: usize) -> Option<usize> {
    if !heap.in_region(word) {
        return None;
    }
    // SAFETY: the caller's promise: of the nursery, only what is pinned is left.
    unsafe {
        match heap.space_of(word) {
            Space::Nursery => (&(*s).pinned).iter().copied().find(|&p| {
                p <= word && word < p + (*(p as *const Header)).map().object_size(&*(p as *const Header))
            }),
            Space::Old => old::find(word),
            Space::LargeOld | Space::LargeYoung | Space::Tail => large::find(&(*s).region, word),
            Space::Free => None,
        }
    }
}

impl Heap {
    /// Sets what names the function whose frame has a word of the running thread's stack, for reports of what keeps objects.
    pub fn name_frames_by(&self, namer: fn(usize) -> String) {
        // SAFETY: the GIL is held.
        unsafe { (*self.state()).frame_namer = Some(namer) }
    }
}
