//! What a collection that Python code asked for finds, counted as a collector of cycles counts it.
//!
//! Beside reference counts, a collector meets only what is in a cycle, or what such things refer to: all other garbage has been freed
//! before. So the dead are taken apart as counting would do it: what no dead object refers to is peeled off, then what only that
//! referred to, and so on; what is left counts. The order of the peeling is the order in which finalizers would have run.
//!
//! Dead objects that are kept for once (a finalizer revived them, or C's side of a cycle is to be cleared first) count when they die in
//! a later round of the same request.
//!
//! Collections that nobody asked for do nothing of this.

use crate::block::{BLOCK, Block, GRANULE_SHIFT, GRANULES};
use crate::finalize::Finalizers;
use crate::heap::{Heap, State};
use crate::kind::Tracer;
use crate::minor::forwarded;
use crate::object::Header;
use crate::weak::WeakCtx;

/// Dead objects in more blocks than this are not counted, so that the table stays small (8 KiB a block).
const MOST_BLOCKS: usize = 4096;

/// In the table: the object has been peeled off; the other bits are its place in the order.
const PEELED: u32 = 1 << 31;

/// Whether an object counts: Python code can get hold of it, and a collector would follow it.
pub type Counts = fn(&Header) -> bool;

/// What is asked of a collection.
#[derive(Clone, Copy)]
pub struct Request {
    /// Which of the dead count.
    pub counts: Counts,
    /// They are not to die, but to be given to [`crate::Pending::Saved`].
    pub save: bool,
    /// What survives in the nursery is noted as the middle generation.
    pub note: bool,
}

/// The counts of the request under way.
pub(crate) struct Census {
    /// The request, in its first round.
    request: Option<Request>,
    /// For each granule of a block in `blocks`: 0, or one more than how often other dead objects refer to the object there, or its place
    /// among those that were peeled off.
    table: Vec<u32>,
    blocks: Vec<usize>,
    /// What is left of the dead.
    left: Vec<usize>,
    /// Objects outside the nursery that dead cycles in it refer to.
    reached: Vec<usize>,
    /// Objects that count if they die after all.
    revived: Vec<usize>,
    /// Which of those count.
    counts: Option<Counts>,
    found: usize,
    /// Objects that requests have made old, and no later request older.
    middle: Vec<usize>,
}

impl Census {
    pub(crate) const fn new() -> Census {
        Census {
            request: None,
            table: Vec::new(),
            blocks: Vec::new(),
            left: Vec::new(),
            reached: Vec::new(),
            revived: Vec::new(),
            counts: None,
            found: 0,
            middle: Vec::new(),
        }
    }

    /// The place of an address in the table, when its block has one.
    #[inline(always)]
    fn place(p: usize) -> Option<usize> {
        // SAFETY: p is the address of an object in the heap.
        let tally = unsafe { Block::of(p) }.tally.get() as usize;
        (tally != 0).then(|| (tally - 1) * GRANULES + ((p & (BLOCK - 1)) >> GRANULE_SHIFT))
    }

    /// The entry of a dead object; 0 for others.
    #[inline(always)]
    fn entry(&self, p: usize) -> u32 {
        Self::place(p).map_or(0, |i| self.table[i])
    }

    /// Enters a dead object, unless it neither refers to anything nor has a finalizer.
    fn enter(&mut self, p: usize, dead: &mut Vec<usize>) {
        // SAFETY: a dead object's memory is intact until the collection ends.
        let (map, block) = unsafe { ((*(p as *const Header)).map(), Block::of(p)) };
        if !map.registers() {
            let mut refers = false;
            if !map.kind().leaf || map.tail_words != 0 {
                each_child(p, &mut |_| refers = true);
            }
            if !refers {
                return;
            }
        }
        if block.tally.get() == 0 {
            if self.blocks.len() == MOST_BLOCKS {
                return;
            }
            self.blocks.push(block.address());
            block.tally.set(self.blocks.len() as u32);
            self.table.resize(self.blocks.len() * GRANULES, 0);
        }
        if let Some(i) = Self::place(p) {
            self.table[i] = 1;
            dead.push(p);
        }
    }

    /// Counts references among the dead, and peels off what no cycle refers to; objects in `first` before others.
    fn peel(&mut self, dead: &[usize], first: &[usize]) {
        let table = &mut self.table;
        for &p in dead {
            each_child(p, &mut |child| {
                if let Some(i) = Self::place(child)
                    && table[i] != 0
                {
                    table[i] += 1;
                }
            });
        }
        for p in std::mem::take(&mut self.reached) {
            if let Some(i) = Self::place(p)
                && table[i] != 0
            {
                table[i] += 1;
            }
        }
        let (mut order, mut stack) = (0, Vec::new());
        for &root in first.iter().chain(dead) {
            if Self::place(root).is_none_or(|i| table[i] != 1) {
                continue;
            }
            stack.push(root);
            while let Some(p) = stack.pop() {
                if let Some(i) = Self::place(p) {
                    table[i] = PEELED | order;
                    order += 1;
                }
                let before = stack.len();
                each_child(p, &mut |child| {
                    if let Some(i) = Self::place(child)
                        && table[i] > 1
                        && table[i] & PEELED == 0
                    {
                        table[i] -= 1;
                        if table[i] == 1 {
                            stack.push(child);
                        }
                    }
                });
                stack[before..].reverse();
            }
        }
        self.left.extend(dead.iter().filter(|&&p| Self::place(p).is_some_and(|i| table[i] & PEELED == 0)));
    }

    /// Where the finalizer of a dead object comes in the order: what counting would have freed is first.
    pub(crate) fn order(&self, p: usize) -> u32 {
        match self.entry(p) {
            e if e & PEELED != 0 => e & !PEELED,
            _ => PEELED,
        }
    }

    /// Whether the collection under way counts what it finds.
    pub(crate) fn is_asked(&self) -> bool {
        self.request.is_some()
    }

    /// Queues what is left to be saved, when that is asked; whether there is anything.
    pub(crate) fn save(&mut self, finalizers: &mut Finalizers) -> bool {
        let Some(Request { counts, save: true, .. }) = self.request else { return false };
        let mut any = false;
        for &p in &self.left {
            // SAFETY: as in enter.
            let h = unsafe { &*(p as *const Header) };
            if counts(h) {
                finalizers.queue_saved(h.as_value());
                self.found += 1;
                any = true;
            }
        }
        any
    }

    /// A dead object, linked, is kept until C's side of its cycle has been cleared.
    pub(crate) fn kept(&mut self, p: usize) {
        if self.is_asked() && !matches!(self.entry(p), e if e != 0 && e & PEELED == 0) {
            self.revived.push(p);
        }
    }

    /// So many structs of C that Python code never saw are garbage.
    pub(crate) fn unseen(&mut self, n: usize) {
        if self.is_asked() {
            self.found += n;
        }
    }

    /// Counts those of the dead that do die, and forgets the table. Everything that survives is marked, or has moved.
    pub(crate) fn settle(&mut self, ctx: &WeakCtx<'_>) {
        if let Some(counts) = self.counts {
            self.revived.retain(|&p| {
                let dies = ctx.survivor(p).is_none();
                // SAFETY: as in enter.
                self.found += (dies && counts(unsafe { &*(p as *const Header) })) as usize;
                !dies
            });
        }
        if let Some(request) = self.request {
            for p in self.left.drain(..) {
                match ctx.survivor(p) {
                    // SAFETY: as in enter.
                    None => self.found += (request.counts)(unsafe { &*(p as *const Header) }) as usize,
                    Some(_) if request.save => {}
                    Some(p) => self.revived.push(p),
                }
            }
            for block in self.blocks.drain(..) {
                // SAFETY: the block had dead objects, and has them still.
                unsafe { Block::of(block) }.tally.set(0);
            }
            self.table = Vec::new();
        }
        if !ctx.is_minor() {
            self.middle.retain(|&p| ctx.survivor(p).is_some());
        }
    }
}

/// Calls `f` with the address of everything that the dead object at `p` refers to.
#[inline]
fn each_child(p: usize, f: &mut dyn FnMut(usize)) {
    // SAFETY: a dead object's memory is intact until the collection ends; its fields refer to objects.
    Tracer::new(&mut |cell| f(cell.get().bits() as usize)).object(unsafe { &*(p as *const Header) });
}

/// Takes the dead of the nursery apart, when that is asked.
///
/// # Safety
/// As for [`crate::minor::collect`]; everything that is reached has been evacuated.
pub(crate) unsafe fn young(heap: &Heap, s: *mut State, ctx: &WeakCtx<'_>) {
    // SAFETY: the caller's promise.
    unsafe {
        let census = &mut (*s).census;
        let Some(request) = census.request else { return };
        census.reached.clear();
        let mut dead = Vec::new();
        let middle = &mut Vec::new();
        (*s).nursery.each_after_tracing(&(*s).region, &mut |p, to| match to {
            None => census.enter(p, &mut dead),
            Some(to) if request.note => middle.push(to),
            Some(_) => {}
        });
        census.middle.append(middle);
        for &first in &(*s).large.young {
            let p = (*s).region.address(first) + crate::block::DATA;
            if ctx.survivor(p).is_none() {
                census.enter(p, &mut dead);
            }
        }
        // (What is new lies in the order in which it was made.)
        census.peel(&dead, &[]);
        // What cycles in the nursery refer to is found again if it turns out to be dead, too.
        let mut reached = Vec::new();
        for &p in &census.left {
            each_child(p, &mut |child| {
                if !heap.is_young_ptr(child) {
                    reached.push(child);
                } else if let Some(to) = forwarded(child) {
                    reached.push(to);
                }
            });
        }
        census.reached = reached;
    }
}

/// Takes the dead of the old space apart, when that is asked.
///
/// # Safety
/// As for [`crate::major::collect`]; everything that is reached is marked.
pub(crate) unsafe fn old(s: *mut State) {
    // SAFETY: the caller's promise.
    unsafe {
        let census = &mut (*s).census;
        if !census.is_asked() {
            return;
        }
        let mut dead = Vec::new();
        let mut enter = |p: usize| {
            if !Block::of(p).mark.get(p) {
                census.enter(p, &mut dead);
            }
        };
        (*s).old.each_unmarked(&(*s).region, &mut enter);
        (*s).large.each(&(*s).region, &mut enter);
        census.peel(&dead, (*s).finalizers.registered_old());
    }
}

impl Heap {
    /// A collection that Python code asked for, `full` or of the nursery, with `run` for everything that follows from it
    /// (of a full one until nothing does, as [`Heap::collect_fully`]). How many of the dead count.
    pub fn collect_counting(
        &self,
        full: bool,
        request: Request,
        run: &mut dyn FnMut(crate::Pending),
    ) -> usize {
        let s = self.state();
        let census = move || {
            // SAFETY: the GIL is held; the reference ends before anything else uses the state.
            unsafe { &mut (*s).census }
        };
        let before = std::mem::take(&mut census().found);
        census().counts = Some(request.counts);
        if !request.note {
            census().middle.clear();
        }
        let mut first = Some(request);
        self.collect_rounds(full, run, &mut || {
            census().request = first.take();
            self.collect(full);
            census().request = None;
        });
        census().revived.clear();
        census().reached.clear();
        std::mem::replace(&mut census().found, before)
    }

    /// Calls `f` for every object of a generation: 0 is the nursery; 1 what a request has made old, and no later one older; 2 the rest.
    /// `f` must not allocate.
    pub fn each_of_generation(&self, generation: u8, f: &mut dyn FnMut(&Header)) {
        // SAFETY: the GIL is held.
        let middle = unsafe { &(*self.state()).census.middle };
        let middle: std::collections::HashSet<usize> = middle.iter().copied().collect();
        self.each_object(&mut |h| {
            let p = h as *const Header as usize;
            let is = if self.is_young_ptr(p) { 0 } else { 2 - middle.contains(&p) as u8 };
            if is == generation {
                f(h);
            }
        });
    }
}
