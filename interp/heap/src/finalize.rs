//! Finalizers, native destructors, and the queue of what is to be run at a safe point.

use std::cell::Cell;
use std::collections::VecDeque;

use crate::Value;
use crate::census::Census;
use crate::heap::Heap;
use crate::kind::Tracer;
use crate::links::{ForeignOp, Mirror};
use crate::map::MapFlags;
use crate::object::{Header, ObjFlags};
use crate::order;
use crate::weak::WeakCtx;

/// What the VM has to run at a safe point.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Pending {
    /// The target of the weak reference has died: call `callback(weak)`.
    WeakCallback {
        /// The weak reference.
        weak: Value,
        /// Its callback.
        callback: Value,
    },
    /// Call the object's finalizer (`__del__`, a generator's `close`). It is reachable again and will not be
    /// queued a second time.
    Finalize(Value),
    /// A [`crate::Request`] wanted it saved. It is reachable again.
    Saved(Value),
}

enum Item {
    Callback(Cell<Value>, Cell<Value>),
    Finalize(Cell<Value>),
    Saved(Cell<Value>),
    Foreign(ForeignOp, *mut Mirror),
}

/// What of the queue must run on which side.
pub(crate) enum Work {
    Managed(Pending),
    Foreign(ForeignOp, *mut Mirror),
}

/// Registered objects, and the queue.
pub(crate) struct Finalizers {
    young: Vec<usize>,
    old: Vec<usize>,
    drops_young: Vec<usize>,
    drops_old: Vec<usize>,
    queue: VecDeque<Item>,
    /// Mirrors whose objects have died: the reference that each link owned is to be dropped. Comes behind the queue.
    released: Vec<*mut Mirror>,
}

impl Finalizers {
    pub(crate) const fn new() -> Finalizers {
        Finalizers {
            young: Vec::new(),
            old: Vec::new(),
            drops_young: Vec::new(),
            drops_old: Vec::new(),
            queue: VecDeque::new(),
            released: Vec::new(),
        }
    }

    /// Whether something waits to be run.
    pub(crate) fn any(&self) -> bool {
        !self.queue.is_empty() || !self.released.is_empty()
    }

    /// Where mirrors to be released are put, with room for so many more.
    pub(crate) fn room_for_released(&mut self, room: usize) -> &mut Vec<*mut Mirror> {
        self.released.reserve(room);
        &mut self.released
    }

    /// Mirrors of which a reference is to be dropped.
    pub(crate) fn released(&self) -> &[*mut Mirror] {
        &self.released
    }

    #[inline(always)]
    pub(crate) fn queue_release(&mut self, mirror: *mut Mirror) {
        self.released.push(mirror);
    }

    pub(crate) fn queue_callback(&mut self, weak: Value, callback: Value) {
        self.queue.push_back(Item::Callback(Cell::new(weak), Cell::new(callback)));
    }

    pub(crate) fn queue_saved(&mut self, object: Value) {
        self.queue.push_back(Item::Saved(Cell::new(object)));
    }

    /// Registered objects that were old at the last collection.
    pub(crate) fn registered_old(&self) -> &[usize] {
        &self.old
    }

    pub(crate) fn queue_foreign(&mut self, op: ForeignOp, mirror: *mut Mirror) {
        self.queue.push_back(Item::Foreign(op, mirror));
    }

    /// Visits the values in the queue.
    pub(crate) fn trace(&self, t: &mut Tracer<'_>) {
        for item in &self.queue {
            match item {
                Item::Callback(a, b) => {
                    t.visit(a);
                    t.visit(b);
                }
                Item::Finalize(v) | Item::Saved(v) => t.visit(v),
                Item::Foreign(..) => {}
            }
        }
    }

    /// Calls `f` for every mirror that a queued operation other than a release is about.
    pub(crate) fn each_foreign(&self, f: &mut dyn FnMut(*mut Mirror)) {
        for item in &self.queue {
            if let Item::Foreign(_, m) = item {
                f(*m);
            }
        }
    }

    /// Queues the finalizers of registered objects that were not reached, and what is to be saved; whether there is anything. Tracing
    /// the queue then revives them.
    pub(crate) fn find_dead(&mut self, ctx: &WeakCtx<'_>, census: &mut Census) -> bool {
        let mut any = false;
        let before = self.queue.len();
        let queue = &mut self.queue;
        let mut check = |list: &mut Vec<usize>| {
            list.retain(|&p| {
                if ctx.survivor(p).is_some() {
                    return true;
                }
                // SAFETY: a dead object's memory is intact until the collection ends.
                let h = unsafe { &*(p as *const Header) };
                if !h.has(ObjFlags::FINALIZED) {
                    h.set(ObjFlags::FINALIZED);
                    queue.push_back(Item::Finalize(Cell::new(h.as_value())));
                    any = true;
                }
                false
            })
        };
        if !ctx.is_minor() {
            check(&mut self.old);
        }
        check(&mut self.young);
        if census.is_asked() {
            self.queue.make_contiguous()[before..].sort_by_key(|item| match item {
                Item::Finalize(v) => census.order(v.get().bits() as usize),
                _ => 0,
            });
            any |= census.save(self);
        } else if self.queue.len() - before > 1 {
            let batch = &mut self.queue.make_contiguous()[before..];
            let address = |item: &Item| match item {
                Item::Finalize(v) => v.get().bits() as usize,
                _ => 0,
            };
            let dead: Vec<usize> = batch.iter().map(address).collect();
            let places = order::places(ctx, &dead);
            batch.sort_by_cached_key(|item| places.get(&address(item)).copied());
        }
        any
    }

    /// Whether the object is registered for finalization.
    pub(crate) fn has(&self, p: usize) -> bool {
        self.young.contains(&p) || self.old.contains(&p)
    }

    /// Takes the first object out of the queue that waits to be finalised and for which `which` is true.
    pub(crate) fn take_finalizer(&mut self, which: &dyn Fn(&Header) -> bool) -> Option<Value> {
        let wanted = |item: &Item| matches!(item, Item::Finalize(v) if which(v.get().header()));
        let i = self.queue.iter().position(wanted)?;
        match self.queue.remove(i) {
            Some(Item::Finalize(v)) => Some(v.get()),
            _ => None,
        }
    }

    /// Queues the finalizer of a young registered object that nothing refers to, unless it has been called; whether it is queued now.
    pub(crate) fn finish_young(&mut self, object: &Header) -> bool {
        let p = object as *const Header as usize;
        let Some(i) = self.young.iter().rposition(|&q| q == p) else { return false };
        self.young.remove(i);
        let first = !object.has(ObjFlags::FINALIZED);
        if first {
            object.set(ObjFlags::FINALIZED);
            self.queue.push_back(Item::Finalize(Cell::new(object.as_value())));
        }
        first
    }

    /// Follows registered objects that moved. All of them are alive by now.
    pub(crate) fn update(&mut self, ctx: &WeakCtx<'_>) {
        follow(ctx, &mut self.young, &mut self.old, &mut |_| {});
    }

    /// Runs the native destructors of objects that died.
    pub(crate) fn drop_dead(&mut self, ctx: &WeakCtx<'_>) {
        let mut drop = |p: usize| {
            let h = p as *mut Header;
            // SAFETY: the object is dead, its memory intact, and it leaves the list.
            unsafe {
                if let Some(f) = (*h).map().kind().drop {
                    f(h);
                }
            }
        };
        follow(ctx, &mut self.drops_young, &mut self.drops_old, &mut drop);
    }
}

/// Moves what is old now from `young` to `old`; calls `dead` for what has died.
fn follow(ctx: &WeakCtx<'_>, young: &mut Vec<usize>, old: &mut Vec<usize>, dead: &mut dyn FnMut(usize)) {
    if !ctx.is_minor() {
        old.retain(|&p| {
            let alive = ctx.survivor(p).is_some();
            if !alive {
                dead(p);
            }
            alive
        });
    }
    let mut kept = 0;
    for i in 0..young.len() {
        match ctx.survivor(young[i]) {
            None => dead(young[i]),
            // A pinned object stays young where it is.
            Some(p) if crate::heap::heap().is_young_ptr(p) => {
                young[kept] = p;
                kept += 1;
            }
            Some(p) => old.push(p),
        }
    }
    young.truncate(kept);
}

impl Heap {
    /// Notes a new object that has a finalizer or a native destructor.
    #[cold]
    #[inline(never)]
    pub(crate) fn register(&self, object: &Header) {
        let map = object.map();
        if map.kind().finalizer && !map.kind().late || map.flags.get() & MapFlags::FINALIZER != 0 {
            self.add_finalizer(object);
        }
        if map.kind().drop.is_some() && !map.kind().late {
            self.add_drop(object);
        }
    }

    /// Registers one object of a `[late]` kind: its native destructor runs when it dies. Must not be called twice for an object.
    pub fn add_drop(&self, object: &Header) {
        let p = object as *const Header as usize;
        // SAFETY: the GIL is held.
        let f = unsafe { &mut (*self.state()).finalizers };
        if self.is_young_ptr(p) { &mut f.drops_young } else { &mut f.drops_old }.push(p);
    }

    /// Registers one object for finalization (a generator when it first suspends in a `try`; an object whose class
    /// has just got a `__del__`), and watches it. Must not be called twice for an object.
    pub fn add_finalizer(&self, object: &Header) {
        self.add_late_finalizer(object);
        self.watch(object);
    }

    /// As [`Heap::add_finalizer`], without watching: it is finalised when it is collected.
    pub fn add_late_finalizer(&self, object: &Header) {
        let p = object as *const Header as usize;
        // SAFETY: the GIL is held.
        let f = unsafe { &mut (*self.state()).finalizers };
        if self.is_young_ptr(p) { &mut f.young } else { &mut f.old }.push(p);
    }

    /// Gives each object to `f` that is registered for finalization and not queued: what is alive, and what has died since it was last
    /// looked for. `f` makes nothing.
    pub fn each_finalizable(&self, f: &mut dyn FnMut(Value)) {
        // SAFETY: the GIL is held, and the lists do not change while `f` makes nothing.
        let all = unsafe { &(*self.state()).finalizers };
        for &p in all.young.iter().chain(&all.old) {
            // SAFETY: registered objects are alive, or dead but not collected yet, and are followed when they move.
            f(unsafe { &*(p as *const Header) }.as_value());
        }
    }

    /// Queues the finalizers of all objects that have one and are not finalized yet, alive or not: the process ends. Objects
    /// made while those run are found by another call. False when there are none.
    pub fn finalize_all(&self) -> bool {
        // SAFETY: the GIL is held.
        let f = unsafe { &mut (*self.state()).finalizers };
        for p in std::mem::take(&mut f.young).into_iter().chain(std::mem::take(&mut f.old)) {
            // SAFETY: registered objects are alive, or dead but not collected yet, and are followed when they move.
            let h = unsafe { &*(p as *const Header) };
            if !h.has(ObjFlags::FINALIZED) {
                h.set(ObjFlags::FINALIZED);
                f.queue.push_back(Item::Finalize(Cell::new(h.as_value())));
            }
        }
        self.pending.set(f.any());
        f.any()
    }

    /// Whether [`Heap::take_pending`] has something to give, or foreign work waits: polled by the VM at safe points.
    #[inline(always)]
    pub fn has_pending(&self) -> bool {
        self.pending.get()
    }

    /// How much waits.
    pub fn pending_count(&self) -> usize {
        // SAFETY: the GIL is held.
        let f = unsafe { &(*self.state()).finalizers };
        f.queue.len() + f.released.len()
    }

    /// The flag behind [`Heap::has_pending`].
    pub fn pending(&self) -> &Cell<bool> {
        &self.pending
    }

    /// The next weak-reference callback or finalizer to run. Work for the foreign side (releasing, finalizing and
    /// clearing mirrors) that comes before it in the queue is done here. Call it at safe points until it
    /// gives `None`.
    pub fn take_pending(&self) -> Option<Pending> {
        loop {
            match self.next_work() {
                Some(Work::Managed(p)) => return Some(p),
                Some(Work::Foreign(op, m)) => self.run_foreign(op, m),
                None if self.release_dead() => {}
                None => return None,
            }
        }
    }

    /// Drops the references of links whose objects have died; false when there are none. What runs thereby may collect.
    fn release_dead(&self) -> bool {
        // SAFETY: the GIL is held; the references into the state end before anything is run, and begin anew after it.
        unsafe {
            let s = self.state();
            let mut released = std::mem::take(&mut (*s).finalizers.released);
            self.pending.set((*s).finalizers.any());
            let any = !released.is_empty();
            if let Some(foreign) = (*s).links.foreign {
                foreign.release_all(&released);
            }
            released.clear();
            if (*s).finalizers.released.capacity() == 0 {
                (*s).finalizers.released = released;
            }
            any
        }
    }

    /// As [`Heap::release_dead`], of structs in memory that the heap has lent, which is wanted now: they are large texts, so that nothing runs
    /// but what frees it.
    pub(crate) fn release_lent(&self) {
        // SAFETY: as above.
        unsafe {
            let s = self.state();
            let Some(foreign) = (*s).links.foreign else { return };
            let lent: Vec<_> =
                (*s).finalizers.released.extract_if(.., |m| self.in_region(*m as usize)).collect();
            self.pending.set((*s).finalizers.any());
            lent.into_iter().for_each(|m| foreign.release(m));
        }
    }

    fn next_work(&self) -> Option<Work> {
        // SAFETY: the GIL is held; the reference ends before anything is run.
        let f = unsafe { &mut (*self.state()).finalizers };
        let item = f.queue.pop_front();
        self.pending.set(f.any());
        Some(match item? {
            Item::Callback(weak, callback) => {
                Work::Managed(Pending::WeakCallback { weak: weak.get(), callback: callback.get() })
            }
            Item::Finalize(v) => Work::Managed(Pending::Finalize(v.get())),
            Item::Saved(v) => Work::Managed(Pending::Saved(v.get())),
            Item::Foreign(op, m) => Work::Foreign(op, m),
        })
    }

    /// Full collections, each followed by `run` for everything pending, until one leaves nothing that may have died in the meantime
    /// (at most five): what `gc.collect()` does. Code that ran may have dropped anything; a struct that died may have held
    /// something that nobody else saw it hold.
    pub fn collect_fully(&self, run: &mut dyn FnMut(Pending)) {
        self.collect_rounds(true, run, &mut || self.collect(true));
    }

    /// As [`Heap::collect_fully`], with `collect` for the collections; a single one unless they are `full`.
    pub(crate) fn collect_rounds(&self, full: bool, run: &mut dyn FnMut(Pending), collect: &mut dyn FnMut()) {
        for round in 0..5 {
            if round > 0 {
                crate::conservative::scrub_stack();
            }
            collect();
            let made = self.allocations();
            let (again, released) = self.run_all(run);
            if !full || !again && !(released && (self.allocations() != made || self.let_go())) {
                return;
            }
        }
    }

    /// Runs everything pending: whether anything ran, and whether structs were released. (Its frame, in which what was run may be
    /// mentioned, is gone when the next collection looks.)
    #[inline(never)]
    fn run_all(&self, run: &mut dyn FnMut(Pending)) -> (bool, bool) {
        let (mut again, mut released) = (false, false);
        loop {
            match self.next_work() {
                Some(Work::Managed(p)) => {
                    again = true;
                    run(p);
                }
                Some(Work::Foreign(op, m)) => {
                    again = true;
                    self.run_foreign(op, m);
                }
                None if self.release_dead() => released = true,
                None => return (again, released),
            }
        }
    }

    /// Whether C may have let go of something that it was found to hold from outside.
    fn let_go(&self) -> bool {
        // SAFETY: the GIL is held.
        unsafe { (*self.state()).links.let_go(&(*self.state()).unlinked) }
    }
}
