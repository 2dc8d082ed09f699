//! A lock that any thread may release, waits without the GIL and is interrupted by signals.

use std::sync::atomic::{AtomicU32, Ordering};

use cape_vm::{Res, Vm};

use crate::duration::{monotonic, timespec};
use crate::oserror::errno;
use crate::pending::{self, IDLE_AFTER};

const FREE: u32 = 0;
const HELD: u32 = 1;
const WAITED_FOR: u32 = 2;

/// The lock's word lives in native memory: it must not move while a thread waits for it.
pub struct RawLock(Box<AtomicU32>);

impl Default for RawLock {
    fn default() -> Self {
        RawLock(Box::new(AtomicU32::new(FREE)))
    }
}

impl RawLock {
    /// Takes the lock if it is free.
    #[inline]
    pub fn try_acquire(&self) -> bool {
        self.0.compare_exchange(FREE, HELD, Ordering::Acquire, Ordering::Relaxed).is_ok()
    }

    /// Whether somebody holds it.
    pub fn is_held(&self) -> bool {
        self.0.load(Ordering::Relaxed) != FREE
    }

    /// Gives the lock up.
    pub fn release(&self) {
        if self.0.swap(FREE, Ordering::Release) == WAITED_FOR {
            // SAFETY: wakes one waiter on the word.
            unsafe {
                libc::syscall(libc::SYS_futex, self.word(), libc::FUTEX_WAKE | libc::FUTEX_PRIVATE_FLAG, 1)
            };
        }
    }

    /// Makes it free, whatever it was: in a fork's child.
    pub fn reset(&self) {
        self.0.store(FREE, Ordering::Release)
    }

    /// Waits for the lock, without running signal handlers.
    pub fn acquire_uninterrupted(&self, vm: &Vm) {
        let word = self.word() as usize;
        while !self.try_acquire()
            && !matches!(vm.allow_threads(|| wait(word as *const u32, None)), Wait::Acquired)
        {}
    }

    fn word(&self) -> *const u32 {
        self.0.as_ptr()
    }

    /// Waits for the lock, at most `timeout` nanoseconds; false when the time is up. Signal handlers run meanwhile and may raise.
    pub fn acquire(&self, vm: &Vm, timeout: Option<i64>) -> Res<bool> {
        if self.try_acquire() {
            return Ok(true);
        }
        let deadline = timeout.map(|t| monotonic().saturating_add(t));
        let word = self.word() as usize;
        let mut idle = timeout.is_some_and(|t| t <= IDLE_AFTER); // too short to be worth it
        loop {
            let left = match deadline.map(|d| d - monotonic()) {
                Some(n) if n <= 0 => return Ok(false),
                left => left,
            };
            let now = if idle { left } else { Some(left.map_or(IDLE_AFTER, |n| n.min(IDLE_AFTER))) };
            let got = vm.allow_threads(|| wait(word as *const u32, now));
            match got {
                Wait::Acquired => return Ok(true),
                Wait::TimedOut if !idle => {
                    idle = true;
                    pending::idle(vm);
                }
                Wait::TimedOut => return Ok(false),
                Wait::Interrupted => vm.poll()?,
            }
        }
    }
}

enum Wait {
    Acquired,
    TimedOut,
    Interrupted,
}

fn wait(word: *const u32, left: Option<i64>) -> Wait {
    let deadline = left.map(|n| monotonic().saturating_add(n));
    // SAFETY: the word lives as long as the lock object, which the waiting thread's stack holds.
    let atom = unsafe { &*(word as *const AtomicU32) };
    loop {
        if atom.swap(WAITED_FOR, Ordering::Acquire) == FREE {
            return Wait::Acquired;
        }
        let ts = match deadline.map(|d| d - monotonic()) {
            Some(n) if n <= 0 => return Wait::TimedOut,
            left => left.map(timespec),
        };
        let p = ts.as_ref().map_or(std::ptr::null(), |t| t as *const libc::timespec);
        // SAFETY: waits while the word has this value; the timeout is valid or null.
        let r = unsafe {
            libc::syscall(libc::SYS_futex, word, libc::FUTEX_WAIT | libc::FUTEX_PRIVATE_FLAG, WAITED_FOR, p)
        };
        if r != 0 && errno() == libc::EINTR {
            return Wait::Interrupted;
        }
    }
}
