//! Values that native modules keep, for each interpreter or for the whole process.

use std::cell::{Cell, OnceCell};

use cape_heap::Root;
use cape_vm::{Res, Value, interpreter};

/// A value kept alive and found again from a `static`.
pub struct StaticValue {
    root: OnceCell<Root>,
    /// All interpreters have the same.
    shared: bool,
}

// SAFETY: used with the GIL held.
unsafe impl Sync for StaticValue {}

impl StaticValue {
    /// Nothing yet. Each interpreter has its own.
    pub const fn new() -> StaticValue {
        StaticValue { root: OnceCell::new(), shared: false }
    }

    /// Nothing yet. All interpreters have the same: what refers to nothing that Python code made, or belongs to a native class.
    pub const fn shared() -> StaticValue {
        StaticValue { root: OnceCell::new(), shared: true }
    }

    /// The value, if there is one.
    pub fn try_get(&self) -> Option<Value> {
        self.root.get().map(|r| r.get()).filter(|v| !v.is_empty())
    }

    /// The value, made by `f` the first time.
    pub fn get_or(&'static self, f: impl FnOnce() -> Res<Value>) -> Res<Value> {
        if let Some(v) = self.try_get() {
            return Ok(v);
        }
        let v = f()?;
        self.set(v);
        Ok(v)
    }

    /// Replaces the value.
    pub fn set(&'static self, v: Value) {
        match self.root.get() {
            Some(r) => r.set(v),
            None => {
                let root = self.root.get_or_init(|| Root::new(v));
                if !self.shared {
                    interpreter::own(root);
                }
            }
        }
    }
}

impl Default for StaticValue {
    fn default() -> Self {
        StaticValue::new()
    }
}

/// A cell in a `static`.
pub struct StaticCell<T>(pub Cell<T>);

// SAFETY: used with the GIL held.
unsafe impl<T> Sync for StaticCell<T> {}
