//! What the modules that compress have in common: how output grows, what a decompressor keeps of its input, and whose turn it is
//! when threads share a stream.

use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};

use cape_heap::heap;
use cape_vm::Vm;

/// Bytes of output that are made room for at first.
const CHUNK: usize = 16 * 1024;

/// What one step of a stream did.
pub struct Step<C = i32> {
    /// The library's code.
    pub code: C,
    /// Bytes of input that were used.
    pub used: usize,
}

/// How many bytes to make room for when `made` are there and `max` are the most there may be: at least as many again.
pub fn room(made: usize, max: usize) -> usize {
    CHUNK.max(made).min(max - made)
}

/// Appends to `out` what `write` puts where there is room for `room` bytes. It gives how many those are, and a result.
///
/// # Safety
///
/// `write` must have written as many bytes as it says, and no more than `room`.
pub unsafe fn append<R>(out: &mut Vec<u8>, room: usize, write: impl FnOnce(*mut u8) -> (usize, R)) -> R {
    out.reserve(room);
    let (written, r) = write(out.spare_capacity_mut().as_mut_ptr().cast());
    debug_assert!(written <= room);
    // SAFETY: the caller promises that these bytes are written; there is capacity for them.
    unsafe { out.set_len(out.len() + written) };
    r
}

/// The argument `max_length` of decompressors: a negative one is none.
pub fn limit(max_length: Option<isize>) -> usize {
    max_length.and_then(|n| usize::try_from(n).ok()).unwrap_or(usize::MAX)
}

/// Input of a decompressor that was not used yet.
#[derive(Default)]
pub struct Unread(Vec<u8>);

impl Unread {
    /// Lets `read` have what was left over with `data` behind it. It gives how much it has used of that, and a result; the rest is
    /// kept.
    pub fn feed<R>(&mut self, data: &[u8], read: impl FnOnce(&[u8]) -> (usize, R)) -> R {
        if self.0.is_empty() {
            let (used, r) = read(data);
            self.0.extend_from_slice(&data[used..]);
            return r;
        }
        self.0.extend_from_slice(data);
        let (used, r) = read(&self.0);
        self.0.drain(..used);
        r
    }

    /// Whether nothing is left over.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What is left over, which is nobody's input any more.
    pub fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.0)
    }
}

/// Memory that a library has taken for an object: the heap knows of it, so that many such objects make a collection due, which frees those
/// that are dead.
#[derive(Default)]
pub struct Held(usize);

impl Held {
    /// So many bytes.
    pub fn new(bytes: usize) -> Held {
        let mut held = Held(0);
        held.set(bytes);
        held
    }

    /// So many are they now.
    pub fn set(&mut self, bytes: usize) {
        heap().pressure(bytes as isize - self.0 as isize);
        self.0 = bytes;
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.set(0);
    }
}

/// Takes the lock of a stream, on which another thread may be at work without the GIL.
pub fn lock<'a, T>(vm: &Vm, m: &'a Mutex<T>) -> MutexGuard<'a, T> {
    match m.try_lock() {
        Ok(guard) => guard,
        Err(TryLockError::Poisoned(e)) => e.into_inner(),
        Err(TryLockError::WouldBlock) => {
            vm.allow_threads(|| m.lock().unwrap_or_else(PoisonError::into_inner))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn output_doubles_up_to_its_limit() {
        assert_eq!(room(0, usize::MAX), CHUNK);
        assert_eq!(room(3 * CHUNK, usize::MAX), 3 * CHUNK);
        assert_eq!(room(0, 10), 10);
        assert_eq!(room(10, 10), 0);
        assert_eq!(limit(None), usize::MAX);
        assert_eq!(limit(Some(-7)), usize::MAX);
        assert_eq!(limit(Some(0)), 0);
    }

    #[test]
    fn input_that_is_left_over_comes_first() {
        let mut unread = Unread::default();
        let seen = unread.feed(b"abc", |input| (1, input.to_vec()));
        assert_eq!(seen, b"abc");
        let seen = unread.feed(b"d", |input| (2, input.to_vec()));
        assert_eq!(seen, b"bcd");
        assert!(!unread.is_empty());
        assert_eq!(unread.take(), b"d");
        assert!(unread.is_empty());
    }
}
