//! Prompt ends: young objects whose end can be seen (they have a finalizer, or a weak reference) are *watched*, and end soon after they
//! are dropped, as reference counts would have it.
//!
//! Stores do not tell. What keeps a watched object is known by a *path*: the cell of a root (a register, mostly) and the cells of the
//! objects between it and the object. As long as the cells hold what they held, the object is alive: a few loads. The VM looks so
//! where something may just have been dropped ([`Heap::all_held`]), and when a path is broken and no register has the object,
//! [`Heap::end_dropped`] looks for another path ([`crate::trial`]), without moving anything. Where there is none, the finalizer is run and
//! weak references are cleared; the memory waits for the next collection.
//!
//! - Watched objects, and what their paths lead through, stay young for some minor collections: they are pinned. When the path to an old
//!   one breaks, a full collection is made, if it can be afforded.
//! - What is in a cycle waits for a minor collection, which comes soon, or, if it is to wait, for one that is asked for.
//! - All this may cost a share of the running time and no more ([`SHARE`], [`CREDIT`]); when that is used up, nobody looks until it has
//!   grown again.

use std::cell::Cell;

use crate::attention::attention;
use crate::block::fill;
use crate::conservative::with_registers;
use crate::heap::{Heap, heap};
use crate::object::{Header, ObjFlags};
use crate::region::Space;
use crate::weak::WeakCtx;
use crate::{Value, trial};

/// Nanoseconds that may be spent at first, and that are saved at most.
const CREDIT: i64 = 80_000_000;
/// One nanosecond in so many may be spent.
const SHARE: i64 = 40;
/// The same for full collections, for which nothing is there at first, and what the first is thought to cost.
const FULL_CREDIT: i64 = 60_000_000;
const FULL_SHARE: i64 = 100;
const FIRST_FULL: i64 = 5_000_000;
/// What a look costs, and what each watched object in it that is looked at and that is not, in nanoseconds.
const LOOK: i64 = 20;
/// What it costs to begin to watch an object.
const ASKED: i64 = 20;
const EACH: i64 = 30;
const SKIPPED: i64 = 3;
/// After so many looks an object is looked at in every 8th only, and when there is no other, only where something is dropped for certain.
const FAMILIAR: u32 = 512;
/// So many are watched, those that were made last.
const MOST: usize = 24;
/// What has been looked at so often is there to stay.
const LOOKS: u32 = 1 << 16;
/// How many minor collections an object stays young for.
const YOUTH: u8 = 4;
/// The longest pause between two searches for a path whose root nobody can look at.
const PATIENCE: u32 = 256;

/// What is known of a root.
#[derive(Clone, Copy, PartialEq)]
pub enum RootState {
    /// It still holds the value.
    Holds,
    /// It does not, or nothing will read it again.
    Dropped,
    /// It cannot be looked at.
    Unknown,
}

/// A link of a path: a cell, the object that it is part of (0: it is a root), and what it held.
#[derive(Clone, Copy)]
pub(crate) struct Step {
    pub(crate) parent: usize,
    /// 0: a root without a cell.
    pub(crate) cell: usize,
    pub(crate) holds: usize,
}

/// A watched object.
pub(crate) struct Watch {
    pub(crate) object: usize,
    /// From a root to the object; empty when none is known.
    pub(crate) path: Vec<Step>,
    /// Minor collections that it has survived.
    age: u8,
    /// How often the next looks believe in a root that they cannot look at, and how often those after the next search will.
    wait: u32,
    patience: u32,
    /// It is old, and the path is broken.
    suspect: bool,
    /// How often it has been looked at.
    looks: u32,
}

/// The watched objects, and what may be spent on them.
pub(crate) struct Watched {
    pub(crate) list: Vec<Watch>,
    /// Whether the program runs: what is made before is there to stay.
    on: bool,
    /// Whether the minor collection that runs keeps them young.
    keep: bool,
    credit: i64,
    /// What may be spent on full collections, and what the last one cost that was made here.
    full_credit: i64,
    full: i64,
    /// When the credit was last added to.
    since: Option<i64>,
    /// Objects that were to be watched.
    asked: u32,
    /// Which of a full list was replaced last.
    oldest: usize,
    /// Whether dead cycles are to wait for a collection that is asked for; objects in cycles that do.
    cycles_wait: bool,
    cyclic: Vec<usize>,
    /// So many runs of the nursery may be used until a collection is due; 0: as many as there are.
    runs: u32,
}

/// [`Watched::runs`] when a dead cycle has been met.
const SOON: u32 = 4;

impl Watch {
    fn new(object: usize) -> Watch {
        Watch { object, path: Vec::new(), age: 0, wait: 0, patience: 1, suspect: false, looks: 0 }
    }

    /// How much of the path, at the object's end, is as it was: the index of its first step.
    fn intact(&self) -> usize {
        let mut i = self.path.len();
        while i > 0 {
            let step = &self.path[i - 1];
            // SAFETY: cells of heap objects, which are followed when they move; their memory is intact until a collection ends.
            if step.parent == 0 || unsafe { *(step.cell as *const usize) } != step.holds {
                break;
            }
            i -= 1;
        }
        i
    }

    /// Whether it has been there for long.
    fn is_familiar(&self) -> bool {
        self.looks >= FAMILIAR
    }

    /// Whether the path shows that the object is alive; a root that cannot be looked at is believed for a while.
    fn is_held(&mut self, root: &impl Fn(usize, Value) -> RootState) -> bool {
        let i = self.intact();
        match self.path.first() {
            None => false,
            Some(first) if first.parent != 0 => i == 0,
            Some(first) => {
                i == 1
                    && match root(first.cell, value(first.holds)) {
                        RootState::Holds => true,
                        RootState::Dropped => false,
                        RootState::Unknown => {
                            let believed = self.wait > 0;
                            self.wait = self.wait.saturating_sub(1);
                            believed
                        }
                    }
            }
        }
    }

    /// Looks for a root that has the object, or something through which the path leads to it; whether there is one.
    fn find_root(&mut self, find: &impl Fn(Value) -> Option<usize>) -> bool {
        let from = self.intact();
        for i in (from..=self.path.len()).rev() {
            let holds = if i == self.path.len() { self.object } else { self.path[i].parent };
            if holds != 0
                && let Some(cell) = find(value(holds))
            {
                self.path.drain(..i);
                self.path.insert(0, Step { parent: 0, cell, holds });
                return true;
            }
        }
        false
    }

    /// Forgets the path, and gives the young objects on what is intact of it.
    pub(crate) fn forget_path(&mut self) -> Vec<usize> {
        let from = self.intact();
        let parents = self.path.drain(..).skip(from).map(|s| s.parent);
        parents.filter(|p| *p != 0 && heap().is_young_ptr(*p)).collect()
    }

    /// Whether a search may find what holds it.
    pub(crate) fn is_young(&self) -> bool {
        heap().is_young_ptr(self.object)
    }

    /// Takes a path that a search has found.
    pub(crate) fn found(&mut self, path: &[Step]) {
        self.path.clear();
        self.path.extend_from_slice(path);
        self.wait = self.patience;
        self.patience = (self.patience * 2).min(PATIENCE);
    }
}

impl Watched {
    pub(crate) const fn new() -> Watched {
        Watched {
            list: Vec::new(),
            on: false,
            keep: false,
            credit: CREDIT,
            full_credit: 0,
            full: FIRST_FULL,
            since: None,
            asked: 0,
            oldest: 0,
            cycles_wait: false,
            cyclic: Vec::new(),
            runs: 0,
        }
    }

    /// Adds what has been earned since the last time.
    fn earn(&mut self) {
        let now = processor_time();
        if let Some(since) = self.since.replace(now) {
            let passed = now - since;
            self.credit = (self.credit + passed / SHARE).min(CREDIT);
            self.full_credit = (self.full_credit + passed / FULL_SHARE).min(FULL_CREDIT);
        }
        self.tell();
    }

    /// Tells where to look.
    fn tell(&self) {
        let watching = !self.list.is_empty() && self.credit > 0;
        attention().set_watching(watching && self.list.iter().any(|w| !w.is_familiar()), watching);
    }

    /// Adds to `pinned` the addresses of what stays young.
    pub(crate) fn pin(&self, heap: &Heap, pinned: &mut Vec<usize>) {
        if !self.keep {
            return;
        }
        pinned.extend(&self.cyclic);
        for w in self.list.iter().filter(|w| w.age < YOUTH && w.is_young()) {
            pinned.push(w.object);
            let young = |p: &usize| *p != 0 && heap.space_of(*p) == Space::Nursery;
            pinned.extend(w.path.iter().map(|s| s.parent).filter(young));
        }
    }

    /// Objects that nothing holds but a dead cycle are not watched any more.
    pub(crate) fn leave_to_collections(&mut self, objects: &[usize]) {
        self.list.retain(|w| !objects.contains(&w.object));
        if self.cycles_wait {
            self.cyclic.extend(objects);
        } else if !objects.is_empty() && self.runs == 0 {
            self.runs = SOON;
        }
    }

    /// An object has ended.
    pub(crate) fn forget(&mut self, object: usize) {
        self.list.retain(|w| w.object != object);
    }

    /// Another run of the nursery is about to be used: whether a collection is due because of dead cycles.
    pub(crate) fn is_due(&mut self) -> bool {
        self.runs = self.runs.saturating_sub(1);
        self.runs == 1
    }

    /// Follows what has moved, and forgets what is dead or old now.
    pub(crate) fn update(&mut self, ctx: &WeakCtx<'_>) {
        let keep = self.keep;
        self.runs = 0;
        self.cyclic.retain_mut(|p| match ctx.survivor(*p) {
            Some(now) if heap().is_young_ptr(now) => {
                *p = now;
                true
            }
            _ => false,
        });
        self.list.retain_mut(|w| {
            match ctx.survivor(w.object) {
                Some(p) => w.object = p,
                None => return false,
            }
            w.age = w.age.saturating_add(keep as u8);
            let known = w.path.iter_mut().all(|s| {
                let Some(holds) = ctx.survivor(s.holds) else { return false };
                s.holds = holds;
                if s.parent != 0 {
                    let Some(parent) = ctx.survivor(s.parent) else { return false };
                    s.cell = s.cell - s.parent + parent;
                    s.parent = parent;
                }
                true
            });
            if !known {
                w.path.clear();
            }
            !w.suspect && (w.is_young() || !w.path.is_empty())
        });
    }
}

impl Heap {
    /// The program begins: from now on what is made may be watched.
    pub fn begin_watching(&self) {
        // SAFETY: the GIL is held.
        unsafe { (*self.state()).watched.on = (*self.state()).options.prompt }
    }

    /// Watches an object whose end can be seen, from now on.
    pub fn watch(&self, object: &Header) {
        let p = object as *const Header as usize;
        if !matches!(self.space_of(p), Space::Nursery | Space::Old) {
            return;
        }
        // SAFETY: the GIL is held.
        let all = unsafe { &mut (*self.state()).watched };
        if !all.on {
            return;
        }
        all.asked = all.asked.wrapping_add(1);
        if all.credit <= 0 {
            if all.asked.is_multiple_of(64) {
                all.earn();
            }
            return;
        }
        all.credit -= ASKED;
        if all.list.iter().any(|w| w.object == p) {
            return;
        }
        if all.list.len() < MOST {
            all.list.push(Watch::new(p));
        } else {
            // The one that was made first, or about then. (The memory of its path is used again.)
            all.oldest = (all.oldest + 1) % MOST;
            let w = &mut all.list[all.oldest];
            let mut path = std::mem::take(&mut w.path);
            path.clear();
            *w = Watch { path, ..Watch::new(p) };
        }
        attention().set_watching(true, true);
    }

    /// Whether each watched object is known to be held: by its path, or because `find` gives a root's cell that has it. `root` tells
    /// whether the cell of a root still holds a value. `every`: also those that have been looked at so often that it is not their turn.
    /// Makes nothing.
    pub fn all_held(
        &self,
        every: bool,
        root: impl Fn(usize, Value) -> RootState,
        find: impl Fn(Value) -> Option<usize>,
    ) -> bool {
        // SAFETY: the GIL is held, and the closures do not use the heap.
        let all = unsafe { &mut (*self.state()).watched };
        all.credit -= LOOK;
        if all.credit < 0 {
            all.tell();
            return true;
        }
        let mut all_familiar = true;
        let affordable = all.full_credit > all.full;
        let mut suspected = false;
        let mut i = 0;
        while let Some(w) = all.list.get_mut(i) {
            // SAFETY: a watched object's memory is intact until a collection ends, which follows it.
            let h = unsafe { &*(w.object as *const Header) };
            w.looks += 1;
            all_familiar &= w.is_familiar();
            if w.looks == LOOKS || h.has(ObjFlags::FINALIZED) && !h.has(ObjFlags::WEAKREF) {
                all.list.swap_remove(i);
                continue;
            }
            if !every && w.is_familiar() && !w.looks.is_multiple_of(8) {
                all.credit -= SKIPPED;
                i += 1;
                continue;
            }
            all.credit -= EACH;
            if !w.suspect && !w.is_held(&root) && !w.find_root(&find) {
                if w.is_young() {
                    return false;
                }
                if !affordable {
                    // It is left to the next full collection.
                    all.list.swap_remove(i);
                    continue;
                }
                (w.suspect, suspected) = (true, true);
            }
            i += 1;
        }
        if all_familiar {
            all.tell();
        }
        !suspected
    }

    /// Looks for what holds the watched objects, and ends those that nothing does; whether finalizers or callbacks are
    /// [pending](Heap::has_pending) then. To be called with as little on the native stack as can be.
    pub fn end_dropped(&self) -> bool {
        let start = processor_time();
        self.ensure_init();
        self.check_thread();
        let s = self.state();
        // SAFETY: the GIL is held; behind the cursor is free memory, and the blocks are walkable when it is filled.
        unsafe {
            if (*s).watched.list.iter().any(|w| w.suspect) {
                // Those that survive are not watched any more.
                self.collect_all_keeping();
                (*s).watched.full = processor_time() - start;
                (*s).watched.full_credit -= (*s).watched.full;
                (*s).watched.list.retain(|w| !w.suspect);
                return true;
            }
            fill(self.cursor(), (*s).nursery.run_end);
            let ended = with_registers(|sp| trial::run(self, s, sp));
            (*s).watched.credit -= processor_time() - start;
            (*s).watched.earn();
            ended
        }
    }

    /// Tells whether dead cycles with watched objects are to wait for a collection that is asked for.
    pub fn let_cycles_wait(&self, wait: bool) {
        // SAFETY: the GIL is held.
        let all = unsafe { &mut (*self.state()).watched };
        all.cycles_wait = wait;
        if !wait && !std::mem::take(&mut all.cyclic).is_empty() {
            all.runs = SOON;
        }
    }

    /// Tells whether the minor collection that comes keeps watched objects young.
    pub(crate) fn keep_watched(&self, keep: bool) {
        // SAFETY: the GIL is held.
        unsafe { (*self.state()).watched.keep = keep }
    }

    /// A collection has ended.
    pub(crate) fn watched_collected(&self) {
        // SAFETY: the GIL is held.
        unsafe { (*self.state()).watched.earn() }
    }
}

/// The processor time of the process, in nanoseconds: on a busy machine, what a clock on the wall says would be the others' time, too.
fn processor_time() -> i64 {
    let mut t = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the call fills the struct.
    unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &mut t) };
    t.tv_sec * 1_000_000_000 + t.tv_nsec
}

/// The object at an address.
fn value(object: usize) -> Value {
    // SAFETY: paths name objects, whose memory is intact until a collection ends, which follows them.
    unsafe { Value::from_bits(object as u64) }
}

/// Where a cell is.
pub(crate) fn cell_address(cell: &Cell<Value>) -> usize {
    cell as *const Cell<Value> as usize
}
