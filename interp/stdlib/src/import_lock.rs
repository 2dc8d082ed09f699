//! The lock around what importlib does to its tables, and around a fork: the thread that holds it may take it again.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use cape_vm::{Res, Vm};

use crate::lock::RawLock;

static LOCK: LazyLock<RawLock> = LazyLock::new(RawLock::default);
/// The holder's number; 0: nobody.
static OWNER: AtomicU64 = AtomicU64::new(0);
static COUNT: AtomicU64 = AtomicU64::new(0);

/// Waits for the lock, whatever signals arrive.
pub fn acquire(vm: &Vm) {
    let me = vm.ident.get();
    // At the end of the process nobody is left who could give it back.
    if OWNER.load(Relaxed) != me && !crate::sys::is_finalizing() {
        LOCK.acquire_uninterrupted(vm);
    }
    OWNER.store(me, Relaxed);
    COUNT.fetch_add(1, Relaxed);
}

/// Gives it back once.
pub fn release(vm: &Vm) -> Res<()> {
    if OWNER.load(Relaxed) != vm.ident.get() {
        return Err(vm.runtime_error("not holding the import lock"));
    }
    if COUNT.fetch_sub(1, Relaxed) == 1 {
        OWNER.store(0, Relaxed);
        LOCK.release();
    }
    Ok(())
}

/// Whether somebody holds it.
pub fn is_held() -> bool {
    OWNER.load(Relaxed) != 0
}

/// In a fork's child: what the thread took for the fork is given back. It may have held the lock before that.
pub fn after_fork(vm: &Vm) {
    let left = COUNT.load(Relaxed).saturating_sub(1);
    COUNT.store(left, Relaxed);
    OWNER.store(if left == 0 { 0 } else { vm.ident.get() }, Relaxed);
    if left == 0 {
        LOCK.reset();
    }
}
