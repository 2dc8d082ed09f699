//! Which Python code an address meant when a sample was taken.
//!
//! Code objects never move, but they die, and others get their places. Each one that is made is noted with the place in the record
//! that the next sample will have; a sample means the last one noted before it. Only the units are kept, not the objects,
//! so that the program collects what it would collect without a profiler.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};

use cape_bytecode::CodeUnit;
use cape_vm::Ptr;
use cape_vm::object::CodeObj;

use super::sampler;

/// A code object as it was when it was made.
#[derive(Clone)]
pub struct Code {
    /// The length of the record when it was made.
    since: usize,
    /// The address of its first word.
    words: usize,
    /// Its facts.
    pub unit: Arc<CodeUnit>,
}

static CODES: Mutex<Vec<(usize, Code)>> = Mutex::new(Vec::new());

fn codes() -> MutexGuard<'static, Vec<(usize, Code)>> {
    CODES.lock().unwrap_or_else(|e| e.into_inner())
}

/// Notes a new code object.
pub fn remember(code: Ptr<CodeObj>) {
    let words = code.words.as_ptr() as usize;
    let made = Code { since: sampler::length(), words, unit: Arc::clone(&code.unit) };
    codes().push((cape_vm::profile::address(code), made));
}

/// All that was noted, by address.
pub struct Codes(HashMap<usize, Vec<Code>>);

impl Codes {
    /// What was noted up to now.
    pub fn new() -> Codes {
        let mut map: HashMap<usize, Vec<Code>> = HashMap::new();
        for (address, code) in codes().iter() {
            map.entry(*address).or_default().push(code.clone());
        }
        Codes(map)
    }

    /// The code that `address` meant in the sample at place `at` of the record, and the word that `pc` is.
    pub fn find(&self, address: usize, pc: usize, at: usize) -> Option<(&Arc<CodeUnit>, u32)> {
        let all = self.0.get(&address)?;
        let code = all.iter().rfind(|c| c.since <= at)?;
        let word = pc.checked_sub(code.words)? / size_of::<u64>();
        Some((&code.unit, word as u32))
    }
}
