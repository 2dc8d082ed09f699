//! The pickler's memo: which objects have been written, and under which number.
//!
//! Objects are found by their addresses. Those of young objects change when a collection moves them, so they have a table of their own,
//! which is made anew when that may have happened; what has become old by then goes to the other one for good.

use cape_heap::{Header, heap};
use cape_vm::Value;

use crate::chunked::Chunked;

/// Positions by address: open addressing, no address is 0.
#[derive(Default)]
struct Table {
    slots: Vec<(u64, u32)>,
    used: usize,
}

impl Table {
    fn start(&self, key: u64) -> usize {
        let spread = (key >> 3).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        (spread >> (64 - self.slots.len().trailing_zeros())) as usize
    }

    #[inline]
    fn get(&self, key: u64) -> Option<u32> {
        if self.used == 0 {
            return None;
        }
        let mask = self.slots.len() - 1;
        let mut i = self.start(key);
        loop {
            match self.slots[i] {
                (0, _) => return None,
                (k, at) if k == key => return Some(at),
                _ => i = (i + 1) & mask,
            }
        }
    }

    #[inline]
    fn set(&mut self, key: u64, at: u32) {
        if self.used * 2 >= self.slots.len() {
            self.grow();
        }
        let mask = self.slots.len() - 1;
        let mut i = self.start(key);
        while self.slots[i].0 != 0 && self.slots[i].0 != key {
            i = (i + 1) & mask;
        }
        self.used += (self.slots[i].0 == 0) as usize;
        self.slots[i] = (key, at);
    }

    #[cold]
    fn grow(&mut self) {
        let bigger = vec![(0, 0); (self.slots.len() * 2).max(16)];
        let old = std::mem::replace(&mut self.slots, bigger);
        self.used = 0;
        old.into_iter().filter(|&(key, _)| key != 0).for_each(|(key, at)| self.set(key, at));
    }
}

/// The memo. Its objects are in a [`Chunked`] beside it, at the positions that the tables give.
#[derive(Default)]
pub struct Memo {
    old: Table,
    young: Table,
    /// The count of collections at which the young addresses were true.
    seen: usize,
    len: usize,
    /// The numbers, where somebody has set others than the positions.
    numbers: Option<Vec<i64>>,
}

impl Memo {
    /// How many objects it has.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Bytes that it takes outside of the heap.
    pub fn size(&self) -> usize {
        (self.old.slots.capacity() + self.young.slots.capacity()) * size_of::<(u64, u32)>()
    }

    /// The number of an object.
    #[inline]
    pub fn get(&mut self, values: &Chunked, v: Value) -> Option<i64> {
        let at = if heap().is_young(v) {
            self.refresh(values);
            self.young.get(v.bits())?
        } else {
            match self.old.get(v.bits()) {
                Some(at) => at,
                // It may have been young when it came in.
                None if self.young.used != 0 && self.seen != heap().moves() => {
                    self.refresh(values);
                    self.old.get(v.bits())?
                }
                None => return None,
            }
        };
        Some(self.number(at as usize))
    }

    /// The number at a position.
    pub fn number(&self, at: usize) -> i64 {
        self.numbers.as_ref().map_or(at as i64, |n| n[at])
    }

    /// Adds an object; the number is that of its position.
    #[inline]
    pub fn add(&mut self, values: &Chunked, owner: &Header, v: Value) -> usize {
        let at = self.len;
        values.set(owner, at, v);
        self.len += 1;
        if heap().is_young(v) {
            self.refresh(values);
            self.young.set(v.bits(), at as u32);
        } else {
            self.old.set(v.bits(), at as u32);
        }
        if let Some(n) = &mut self.numbers {
            n.push(at as i64);
        }
        at
    }

    /// Adds an object under this number.
    pub fn add_as(&mut self, values: &Chunked, owner: &Header, v: Value, number: i64) {
        let mut numbers = self.numbers.take().unwrap_or_else(|| (0..self.len as i64).collect());
        self.add(values, owner, v);
        numbers.push(number);
        self.numbers = Some(numbers);
    }

    /// Takes a number for something that nobody will ask for.
    pub fn skip(&mut self) -> usize {
        if let Some(n) = &mut self.numbers {
            n.push(self.len as i64);
        }
        self.len += 1;
        self.len - 1
    }

    #[inline]
    fn refresh(&mut self, values: &Chunked) {
        if self.seen != heap().moves() {
            self.settle(values);
        }
    }

    #[cold]
    fn settle(&mut self, values: &Chunked) {
        self.seen = heap().moves();
        let young = std::mem::take(&mut self.young);
        for (_, at) in young.slots.into_iter().filter(|&(key, _)| key != 0) {
            let v = values.get(at as usize);
            if heap().is_young(v) { &mut self.young } else { &mut self.old }.set(v.bits(), at);
        }
    }
}
