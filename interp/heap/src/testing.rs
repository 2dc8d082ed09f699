//! Help for tests: `cargo test` runs them on many threads, the heap is one, and only one thread may use it.

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::{heap, native_stack_base};

static LOCK: Mutex<()> = Mutex::new(());

/// Holds the heap for one test.
pub struct Exclusive {
    _guard: MutexGuard<'static, ()>,
}

/// Waits for the heap, attaches the calling thread, and sets the options (see [`crate::Heap::set_options`]) for the
/// time that the guard lives.
pub fn exclusive(options: &str) -> Exclusive {
    let guard = LOCK.lock().unwrap_or_else(PoisonError::into_inner);
    heap().reset_after_panic();
    heap().attach_thread(native_stack_base());
    while heap().take_pending().is_some() {}
    heap().collect_fully(&mut |_| {});
    heap().set_options(options).expect("valid options");
    Exclusive { _guard: guard }
}

impl Drop for Exclusive {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            heap().set_options("nursery:4M").expect("valid options");
        }
        heap().detach_thread();
    }
}
