//! The traces: what was made, how large it is, and where.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};

use cape_heap::{Header, WeakCtx, heap};
use cape_vm::object::MethodDescrObj;
use cape_vm::special::Special;
use cape_vm::{Value, Vm, type_of};

use super::stacks::{Stack, Stacks};

/// As many frames may be kept of a stack.
pub const MOST_FRAMES: usize = u16::MAX as usize;

/// A piece of memory.
#[derive(Clone, Copy)]
struct Trace {
    size: usize,
    stack: Stack,
}

/// What is known.
pub struct State {
    /// The hook of collections is there.
    hooked: bool,
    /// The most frames that are kept of a stack.
    pub limit: usize,
    pub stacks: Stacks,
    /// Objects by their address: the young, which move, and the others.
    young: Vec<(usize, Trace)>,
    old: HashMap<usize, Trace>,
    /// Memory of others, by domain and address.
    others: HashMap<(u32, usize), Trace>,
    /// Bytes of all traces, those of dead objects included until a collection, and the most there were.
    pub current: usize,
    pub peak: usize,
}

struct Shared(RefCell<Option<State>>);

// SAFETY: used with the GIL held.
unsafe impl Sync for Shared {}

static STATE: Shared = Shared(RefCell::new(None));
/// Changed with the GIL held; who only asks needs none.
static TRACING: AtomicBool = AtomicBool::new(false);

/// Does something with the state. What it calls must not allocate in the heap.
pub fn with_state<R>(f: impl FnOnce(&mut State) -> R) -> R {
    f(STATE.0.borrow_mut().get_or_insert_with(State::new))
}

/// Whether allocations are traced. Needs no GIL.
pub fn is_tracing() -> bool {
    TRACING.load(Ordering::Relaxed)
}

/// Traces from now on, if it does not already; of each stack at most `frames` are kept.
pub fn start(frames: usize) {
    if TRACING.swap(true, Ordering::Relaxed) {
        return;
    }
    let hook = with_state(|s| {
        s.limit = frames;
        !std::mem::replace(&mut s.hooked, true)
    });
    if hook {
        heap().add_weak_processor(collected);
    }
    heap().watch_allocations(Some(made));
}

/// Traces no more, and forgets what was traced.
pub fn stop() {
    TRACING.store(false, Ordering::Relaxed);
    with_state(|s| s.clear());
    heap().watch_allocations(None);
}

/// Does something whose allocations are not traced.
pub fn quietly<R>(f: impl FnOnce() -> R) -> R {
    heap().watch_allocations(None);
    let r = f();
    heap().watch_allocations(is_tracing().then_some(made));
    r
}

/// Traces memory that the heap does not know; `false` when nothing is traced.
pub fn track(vm: &Vm, domain: u32, at: usize, size: usize) -> bool {
    if !is_tracing() {
        return false;
    }
    with_state(|s| {
        s.forget(domain, at);
        let stack = s.stacks.running(vm, s.limit);
        s.others.insert((domain, at), Trace { size, stack });
        s.grow(size);
    });
    true
}

/// Forgets such memory; `false` when nothing is traced.
pub fn untrack(domain: u32, at: usize) -> bool {
    with_state(|s| s.forget(domain, at));
    is_tracing()
}

/// An object is made.
fn made(at: usize, size: usize) {
    let vm = cape_vm::vm::current();
    with_state(|s| {
        let stack = s.stacks.running(vm, s.limit);
        let trace = Trace { size, stack };
        if heap().is_young_at(at) {
            s.young.push((at, trace));
        } else {
            s.old.insert(at, trace);
        }
        s.grow(size);
    })
}

/// At the end of a collection: objects have moved, and died.
fn collected(ctx: &WeakCtx<'_>) {
    with_state(|s| {
        let mut gone = 0;
        if !ctx.is_minor() {
            s.stacks.forget_code();
            s.old.retain(|at, t| {
                let alive = ctx.place(*at).is_some();
                gone += if alive { 0 } else { t.size };
                alive
            });
        }
        let mut young = std::mem::take(&mut s.young);
        young.retain_mut(|(at, t)| match ctx.place(*at) {
            Some(now) if heap().is_young_at(now) => {
                *at = now;
                true
            }
            Some(now) => {
                s.old.insert(now, *t);
                false
            }
            None => {
                gone += t.size;
                false
            }
        });
        s.young = young;
        s.current -= gone;
    })
}

impl State {
    fn new() -> State {
        State {
            hooked: false,
            limit: 1,
            stacks: Stacks::default(),
            young: Vec::new(),
            old: HashMap::new(),
            others: HashMap::new(),
            current: 0,
            peak: 0,
        }
    }

    fn grow(&mut self, size: usize) {
        self.current += size;
        self.peak = self.peak.max(self.current);
    }

    fn forget(&mut self, domain: u32, at: usize) {
        if let Some(t) = self.others.remove(&(domain, at)) {
            self.current -= t.size;
        }
    }

    /// Forgets all traces.
    pub fn clear(&mut self) {
        self.stacks = Stacks::default();
        self.young = Vec::new();
        self.old = HashMap::new();
        self.others = HashMap::new();
        (self.current, self.peak) = (0, 0);
    }

    /// Where the object at this address was made.
    pub fn find(&self, at: usize) -> Option<Stack> {
        let young = || self.young.iter().rev().find(|(a, _)| *a == at).map(|(_, t)| t);
        self.old.get(&at).or_else(young).map(|t| t.stack)
    }

    /// Domain, size and stack of everything, and of objects where they are.
    fn all(&self) -> Vec<(u32, usize, Stack, Option<usize>)> {
        let objects = self.old.iter().map(|(at, t)| (*at, *t)).chain(self.young.iter().copied());
        let objects = objects.map(|(at, t)| (0, t.size, t.stack, Some(at)));
        let others = self.others.iter().map(|((domain, _), t)| (*domain, t.size, t.stack, None));
        objects.chain(others).collect()
    }

    /// Bytes that the traces take.
    pub fn own_bytes(&self) -> usize {
        self.stacks.bytes()
            + self.young.capacity() * size_of::<(usize, Trace)>()
            + self.old.capacity() * (size_of::<usize>() + size_of::<Trace>())
            + self.others.capacity() * (size_of::<(u32, usize)>() + size_of::<Trace>())
    }
}

/// Domain, size and stack of everything. A collection must have come just before.
pub fn all(vm: &Vm) -> Vec<(u32, usize, Stack)> {
    let all = with_state(|s| s.all());
    all.into_iter().map(|(domain, n, stack, at)| (domain, at.and_then(|at| size(vm, at)).unwrap_or(n), stack)).collect()
}

/// The size that programs know an object by, if it is in one piece: what its class says of it natively.
fn size(vm: &Vm, at: usize) -> Option<usize> {
    // SAFETY: a collection has just found that an object lives there, and nothing was allocated since.
    let h = unsafe { &*(at as *const Header) };
    let v: Value = h.as_value();
    if !h.map().kind().leaf || !h.map().class.get().is_ptr() {
        return None;
    }
    let f: cape_vm::Ptr<MethodDescrObj> = type_of(v).special(Special::Sizeof).downcast()?;
    if f.def.raw.is_some() || f.def.nparams != 1 {
        return None;
    }
    let n = (f.def.func)(vm, &[v]).ok()?;
    n.is_int().then(|| n.as_int() as usize)
}
