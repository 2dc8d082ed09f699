//! Handles for long-lived native structures.

use crate::Value;
use crate::heap::heap;

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
