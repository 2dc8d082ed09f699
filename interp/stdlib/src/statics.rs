//! Values that native modules keep for the whole process.

use std::cell::{Cell, OnceCell};

use cape_heap::Root;
use cape_vm::{Res, Value};

/// A value kept alive and found again from a `static`.
pub struct StaticValue(OnceCell<Root>);

// SAFETY: used with the GIL held.
unsafe impl Sync for StaticValue {}

impl StaticValue {
    /// Nothing yet.
    pub const fn new() -> StaticValue {
        StaticValue(OnceCell::new())
    }

    /// The value, if there is one.
    pub fn try_get(&self) -> Option<Value> {
        self.0.get().map(|r| r.get())
    }

    /// The value, made by `f` the first time.
    pub fn get_or(&self, f: impl FnOnce() -> Res<Value>) -> Res<Value> {
        if let Some(v) = self.try_get() {
            return Ok(v);
        }
        let v = f()?;
        self.set(v);
        Ok(v)
    }

    /// Replaces the value.
    pub fn set(&self, v: Value) {
        match self.0.get() {
            Some(r) => r.set(v),
            None => {
                let _ = self.0.set(Root::new(v));
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
