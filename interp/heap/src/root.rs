//! Handles for long-lived native structures, and root scanners.

use std::cell::{Cell, UnsafeCell};
use std::marker::PhantomData;

use crate::Value;
use crate::heap::{Heap, heap};
use crate::kind::Tracer;

/// Keeps a value alive (and follows it when it moves) from a native structure.
pub struct Root(u32);

impl Root {
    /// Roots `v`.
    pub fn new(v: Value) -> Root {
        Root(heap().add_root(v))
    }

    /// The value.
    pub fn get(&self) -> Value {
        heap().root(self.0)
    }

    /// Makes the handle hold another value.
    pub fn set(&self, v: Value) {
        heap().set_root(self.0, v)
    }
}

impl Drop for Root {
    fn drop(&mut self) {
        heap().remove_root(self.0)
    }
}

/// A native vector whose values are roots while it lives: for code that gathers values on the side.
/// Scanned as a whole by every collection, so for short use or few values.
pub struct RootVec {
    values: Box<UnsafeCell<Vec<Value>>>,
    _not_send: PhantomData<*mut ()>,
}

impl RootVec {
    /// An empty vector.
    pub fn new() -> RootVec {
        let values = Box::new(UnsafeCell::new(Vec::new()));
        heap().ensure_init();
        // SAFETY: the GIL is held, and no reference to the roots is alive.
        unsafe { (*heap().state()).roots.vecs.push(values.get()) };
        RootVec { values, _not_send: PhantomData }
    }

    /// A vector of these values.
    pub fn from_slice(values: &[Value]) -> RootVec {
        let v = RootVec::new();
        v.vec().extend_from_slice(values);
        v
    }

    #[allow(clippy::mut_from_ref, reason = "private; every use ends before anything else can run")]
    fn vec(&self) -> &mut Vec<Value> {
        // SAFETY: the GIL is held, and no reference into the vector outlives a method.
        unsafe { &mut *self.values.get() }
    }

    /// Appends a value.
    pub fn push(&self, v: Value) {
        self.vec().push(v)
    }

    /// Removes the last value.
    pub fn pop(&self) -> Option<Value> {
        self.vec().pop()
    }

    /// Number of values.
    pub fn len(&self) -> usize {
        self.vec().len()
    }

    /// Whether it is empty.
    pub fn is_empty(&self) -> bool {
        self.vec().is_empty()
    }

    /// The value at `i`.
    pub fn get(&self, i: usize) -> Value {
        self.vec()[i]
    }

    /// The values. None may be pushed, and nothing allocated, while the slice is in use.
    pub fn as_slice(&self) -> &[Value] {
        self.vec()
    }

    /// Replaces the value at `i`.
    pub fn set(&self, i: usize, v: Value) {
        self.vec()[i] = v
    }

    /// Removes all values from `n` on.
    pub fn truncate(&self, n: usize) {
        self.vec().truncate(n)
    }

    /// Removes all values.
    pub fn clear(&self) {
        self.vec().clear()
    }
}

impl Default for RootVec {
    fn default() -> Self {
        RootVec::new()
    }
}

impl Drop for RootVec {
    fn drop(&mut self) {
        let p = self.values.get();
        // SAFETY: as in new.
        let vecs = unsafe { &mut (*heap().state()).roots.vecs };
        if let Some(i) = vecs.iter().rposition(|q| *q == p) {
            vecs.swap_remove(i);
        }
    }
}

/// The precise roots that the heap knows itself.
pub(crate) struct Roots {
    values: Vec<Cell<Value>>,
    free: Vec<u32>,
    /// Handles that may hold young values.
    young: Vec<u32>,
    vecs: Vec<*mut Vec<Value>>,
    scanners: Vec<fn(&mut Tracer<'_>)>,
}

impl Roots {
    pub(crate) const fn new() -> Roots {
        Roots {
            values: Vec::new(),
            free: Vec::new(),
            young: Vec::new(),
            vecs: Vec::new(),
            scanners: Vec::new(),
        }
    }

    /// Visits all roots, or those that may be young.
    pub(crate) fn trace(&self, all: bool, t: &mut Tracer<'_>) {
        if all {
            self.values.iter().for_each(|c| t.visit(c));
        } else {
            self.young.iter().for_each(|i| t.visit(&self.values[*i as usize]));
        }
        for v in &self.vecs {
            // SAFETY: a vector removes itself from the list before it is dropped; nobody uses it now.
            unsafe { t.visit_range((**v).as_ptr(), (**v).len()) };
        }
        self.scanners.iter().for_each(|f| f(t));
    }

    /// Ends a minor collection: keeps in the young list the handles of which `young` holds.
    pub(crate) fn retain_young(&mut self, young: impl Fn(Value) -> bool) {
        let values = &self.values;
        self.young.retain(|i| young(values[*i as usize].get()));
    }
}

impl Heap {
    /// Adds a function that reports the VM's precise roots: every cell that may hold a value, at each
    /// collection. It must not allocate.
    pub fn add_root_scanner(&self, f: fn(&mut Tracer<'_>)) {
        self.ensure_init();
        // SAFETY: the GIL is held and nobody iterates over the scanners outside a collection.
        unsafe { (*self.state()).roots.scanners.push(f) }
    }

    pub(crate) fn add_root(&self, v: Value) -> u32 {
        self.ensure_init();
        // SAFETY: the GIL is held; the reference ends with this function.
        let roots = unsafe { &mut (*self.state()).roots };
        let i = roots.free.pop().unwrap_or_else(|| {
            roots.values.push(Cell::new(Value::EMPTY));
            roots.values.len() as u32 - 1
        });
        self.set_root(i, v);
        i
    }

    pub(crate) fn root(&self, i: u32) -> Value {
        // SAFETY: as above.
        unsafe { (&(*self.state()).roots.values)[i as usize].get() }
    }

    pub(crate) fn set_root(&self, i: u32, v: Value) {
        // SAFETY: as above.
        let roots = unsafe { &mut (*self.state()).roots };
        let was_young = self.is_young(roots.values[i as usize].get());
        roots.values[i as usize].set(v);
        if !was_young && self.is_young(v) {
            roots.young.push(i);
        }
    }

    pub(crate) fn remove_root(&self, i: u32) {
        self.set_root(i, Value::EMPTY);
        // SAFETY: as above.
        unsafe { (*self.state()).roots.free.push(i) }
    }
}
