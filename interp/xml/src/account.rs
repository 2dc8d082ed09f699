//! Limits on what a small document may make of itself: how much text comes of its entities, and how much memory is kept.

use std::cell::Cell;

/// The counts of a document's parser and those of its external entities.
pub struct Account {
    /// Bytes of the document itself.
    direct: Cell<u64>,
    /// Bytes of entities that were read because of it.
    indirect: Cell<u64>,
    /// Bytes of memory that are kept because of it.
    memory: Cell<u64>,
    /// From how many bytes on, and up to how many times the document's size.
    pub expansion: (Cell<u64>, Cell<f32>),
    /// The same for memory.
    pub allocation: (Cell<u64>, Cell<f32>),
}

impl Account {
    /// Nothing is counted yet; the limits are Expat's.
    pub fn new() -> Account {
        Account {
            direct: Cell::new(0),
            indirect: Cell::new(0),
            memory: Cell::new(0),
            expansion: (Cell::new(8 << 20), Cell::new(100.0)),
            allocation: (Cell::new(64 << 20), Cell::new(100.0)),
        }
    }

    /// Counts what was read; whether it may be.
    #[must_use]
    pub fn read(&self, bytes: usize, direct: bool) -> bool {
        let count = if direct { &self.direct } else { &self.indirect };
        count.set(count.get().saturating_add(bytes as u64));
        let all = self.direct.get().saturating_add(self.indirect.get());
        let (threshold, most) = &self.expansion;
        if all < threshold.get() {
            return true;
        }
        // Without a document, that of an entity is measured against the shortest reference to one.
        let factor = match self.direct.get() {
            0 => (22.0 + self.indirect.get() as f64) / 22.0,
            n => all as f64 / n as f64,
        };
        factor <= most.get() as f64
    }

    /// Counts what is kept; whether it may be.
    #[must_use]
    pub fn keep(&self, bytes: usize) -> bool {
        let all = self.memory.get().saturating_add(bytes as u64);
        self.memory.set(all);
        let (threshold, most) = &self.allocation;
        if all < threshold.get() {
            return true;
        }
        match self.direct.get() {
            0 => true,
            n => all as f64 / n as f64 <= most.get() as f64,
        }
    }

    /// What was kept is gone.
    pub fn release(&self, bytes: usize) {
        self.memory.set(self.memory.get().saturating_sub(bytes as u64));
    }
}
