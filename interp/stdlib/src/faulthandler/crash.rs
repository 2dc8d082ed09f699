//! Crashes on purpose: for tests.

use std::hint::black_box;

use cape_vm::object::ModuleObj;
use cape_vm::{Ptr, Res, Vm};

/// How much stack is used in vain before [`overflow`] is given up.
const MOST: usize = 100 << 20;

/// Adds the functions.
pub fn functions(m: Ptr<ModuleObj>) {
    m.function("_read_null($module, /)", "Read from NULL, raise a SIGSEGV or SIGBUS signal depending on the platform.", |_: &Vm| {
        // SAFETY: none: the fault is what is asked for. The compiler does not know the address, and a volatile read is done.
        unsafe { black_box(std::ptr::null::<i32>()).read_volatile() };
    })
    .function("_sigsegv($module, release_gil=False, /)", "Raise a SIGSEGV signal.", |vm: &Vm, release: Option<bool>| {
        if release.unwrap_or(false) { vm.allow_threads(|| raise(libc::SIGSEGV)) } else { raise(libc::SIGSEGV) }
    })
    .function("_sigabrt($module, /)", "Raise a SIGABRT signal.", |_: &Vm| {
        // SAFETY: ends the process.
        unsafe { libc::abort() };
        #[allow(unreachable_code, reason = "a native function has a result")]
        ()
    })
    .function("_sigfpe($module, /)", "Raise a SIGFPE signal.", |_: &Vm| raise(libc::SIGFPE))
    .function("_fatal_error_c_thread($module, /)", "Call Py_FatalError() in a new C thread.", |vm: &Vm| {
        let thread = std::thread::spawn(|| {
            super::fatal_error("faulthandler_fatal_error_thread: in new thread");
        });
        vm.allow_threads(|| {
            let _ = thread.join();
        });
    })
    .function("_stack_overflow($module, /)", "Recursive call to raise a stack overflow.", stack_overflow);
}

fn raise(signal: i32) {
    // A handler that returns lets the program go on; CPython tries twice.
    for _ in 0..2 {
        // SAFETY: a plain call.
        unsafe { libc::raise(signal) };
    }
}

/// Uses the stack up, from `from` on. How deep it got.
#[inline(never)]
fn overflow(from: usize, depth: usize) -> usize {
    let room = black_box([0u8; 4096]);
    if from.abs_diff(room.as_ptr() as usize) > MOST {
        return depth;
    }
    // Something is left to do afterwards, so that this is no loop.
    let reached = overflow(from, depth + 1);
    black_box(&room);
    reached
}

fn stack_overflow(vm: &Vm) -> Res<()> {
    let here = 0u8;
    let depth = overflow(&raw const here as usize, 1);
    let class = cape_vm::rt().types.memory_error;
    let message = format!("unable to raise a stack overflow (allocated {MOST} bytes on the stack, {depth} recursive calls)");
    Err(vm.new_exc(class, &message))
}
