//! The handlers: of fatal signals ([`enable`]), and of those that the program asks about ([`register`]).
//!
//! Handlers read atomics, and the actions that were before them, which are written before the handler can run. Everything that changes
//! them has the GIL.

use std::cell::UnsafeCell;
use std::mem::MaybeUninit;
use std::ptr::{null, null_mut};
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering::SeqCst};

use cape_vm::gil;
use libc::{c_int, c_void};

use super::dump::{Interrupted, Out, c_stack, extension_modules, stack, stacks, to_descriptor};
use crate::oserror::{errno, set_errno};

/// Signals have smaller numbers.
pub const NSIG: usize = 65;

/// The fatal signals, with CPython's names for them; SIGSEGV last, so that it is the last one to be without a handler.
pub const FATAL: [(c_int, &str); 5] = [
    (libc::SIGBUS, "Bus error"),
    (libc::SIGILL, "Illegal instruction"),
    (libc::SIGFPE, "Floating-point exception"),
    (libc::SIGABRT, "Aborted"),
    (libc::SIGSEGV, "Segmentation fault"),
];

/// One signal that a handler of this module may have.
struct Handled {
    installed: AtomicBool,
    before: UnsafeCell<MaybeUninit<libc::sigaction>>,
    fd: AtomicI32,
    all_threads: AtomicBool,
    chain: AtomicBool,
}

// SAFETY: `before` is written with the GIL held while `installed` is false, and read when it is true.
unsafe impl Sync for Handled {}

impl Handled {
    const fn new() -> Handled {
        Handled {
            installed: AtomicBool::new(false),
            before: UnsafeCell::new(MaybeUninit::uninit()),
            fd: AtomicI32::new(-1),
            all_threads: AtomicBool::new(false),
            chain: AtomicBool::new(false),
        }
    }

    /// Installs a handler and remembers what was there.
    fn install(&self, signal: c_int, handler: Handler, flags: c_int) -> Result<(), c_int> {
        // SAFETY: the handlers below are async-signal-safe; `before` is not read before `installed` is set.
        unsafe {
            let mut before = MaybeUninit::uninit();
            if libc::sigaction(signal, &action(handler, flags), before.as_mut_ptr()) != 0 {
                return Err(errno());
            }
            *self.before.get() = before;
        }
        self.installed.store(true, SeqCst);
        Ok(())
    }

    /// Gives the signal back what it had. False: it has no handler of this module.
    fn restore(&self, signal: c_int) -> bool {
        // SAFETY: written before `installed` was set.
        self.installed.swap(false, SeqCst)
            && unsafe { libc::sigaction(signal, (*self.before.get()).as_ptr(), null_mut()) } == 0
    }
}

type Handler = extern "C" fn(c_int, *mut libc::siginfo_t, *mut c_void);

fn action(handler: Handler, flags: c_int) -> libc::sigaction {
    // SAFETY: zeros are a valid value; the mask is written by the call.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = handler as *const () as usize;
        action.sa_flags = flags | libc::SA_SIGINFO | libc::SA_ONSTACK;
        libc::sigemptyset(&mut action.sa_mask);
        action
    }
}

static FAULTS: [Handled; FATAL.len()] = [const { Handled::new() }; FATAL.len()];
static ENABLED: AtomicBool = AtomicBool::new(false);
static FD: AtomicI32 = AtomicI32::new(-1);
static ALL_THREADS: AtomicBool = AtomicBool::new(false);
static C_STACK: AtomicBool = AtomicBool::new(false);
static USER: [Handled; NSIG] = [const { Handled::new() }; NSIG];

/// Whether fatal signals are handled.
pub fn is_enabled() -> bool {
    ENABLED.load(SeqCst)
}

/// Handles fatal signals, or changes how.
///
/// # Errors
/// The system's error number.
pub fn enable(fd: c_int, all_threads: bool, c_stack: bool) -> Result<(), c_int> {
    FD.store(fd, SeqCst);
    ALL_THREADS.store(all_threads, SeqCst);
    C_STACK.store(c_stack, SeqCst);
    alternative_stack();
    if !ENABLED.swap(true, SeqCst) {
        for (fault, &(signal, _)) in FAULTS.iter().zip(&FATAL) {
            fault.install(signal, on_fatal, libc::SA_NODEFER)?;
        }
    }
    Ok(())
}

/// Gives fatal signals back what they had. Whether they were handled.
pub fn disable() -> bool {
    let was = ENABLED.swap(false, SeqCst);
    FAULTS.iter().zip(&FATAL).for_each(|(fault, &(signal, _))| {
        fault.restore(signal);
    });
    was
}

/// Gives the calling thread a stack for handlers on which there is room for the unwinder; the one of Rust's runtime is small. It is never
/// freed, and made once: of threads other than the first that asks, handlers use what those have.
fn alternative_stack() {
    const SIZE: usize = 256 << 10;
    static MADE: AtomicBool = AtomicBool::new(false);
    if MADE.swap(true, SeqCst) {
        return;
    }
    // SAFETY: a new mapping, which nobody unmaps.
    unsafe {
        let memory = libc::mmap(
            null_mut(),
            SIZE,
            libc::PROT_READ | libc::PROT_WRITE,
            libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_STACK,
            -1,
            0,
        );
        if memory != libc::MAP_FAILED {
            let stack = libc::stack_t { ss_sp: memory, ss_flags: 0, ss_size: SIZE };
            libc::sigaltstack(&stack, null_mut());
        }
    }
}

/// The Python stack, or those of all threads.
fn python_stacks(out: &mut Out<'_>, all_threads: bool, context: *mut c_void) {
    // SAFETY: a handler's context.
    let interrupted = unsafe { Interrupted::at(context) };
    if all_threads { stacks(out, mine(), &interrupted) } else { stack(out, &interrupted) }
}

/// The calling thread, if it runs Python code.
pub fn mine() -> Option<u64> {
    let (me, mut found) = (gil::this_ident(), None);
    gil::each_vm_unlocked(|vm| {
        if vm.ident.get() == me {
            found = Some(me);
        }
        found.is_none()
    });
    found
}

extern "C" fn on_fatal(signal: c_int, _info: *mut libc::siginfo_t, context: *mut c_void) {
    let Some(i) = FATAL.iter().position(|f| f.0 == signal) else { return };
    let saved = errno();
    // A fault from here on is the earlier handler's.
    if !FAULTS[i].restore(signal) {
        return;
    }
    to_descriptor(FD.load(SeqCst), |out| {
        out.text("Fatal Python error: ");
        out.text(FATAL[i].1);
        out.text("\n\n");
        python_stacks(out, ALL_THREADS.load(SeqCst), context);
        // What is known is out before the riskier rest.
        out.flush();
        if C_STACK.load(SeqCst) {
            out.text("\n");
            c_stack(out);
            out.flush();
        }
        extension_modules(out);
    });
    set_errno(saved);
    raise_on(signal, &FAULTS[i]);
}

/// Hands a signal on to what was there before. The handler that Rust's runtime has for overflowing stacks only gives the signal its
/// default action when it meets another fault, and expects it to happen again; one that was raised does not.
fn raise_on(signal: c_int, handled: &Handled) {
    // SAFETY: plain calls; `before` was written when the handler was installed.
    unsafe {
        let before = (*(*handled.before.get()).as_ptr()).sa_sigaction;
        libc::raise(signal);
        let mut now: libc::sigaction = std::mem::zeroed();
        libc::sigaction(signal, null(), &mut now);
        if now.sa_sigaction == libc::SIG_DFL && before != libc::SIG_DFL {
            libc::raise(signal);
        }
    }
}

/// Shows stacks when the signal comes; with `chain` its earlier handler runs, too.
///
/// # Errors
/// The system's error number.
pub fn register(signal: c_int, fd: c_int, all_threads: bool, chain: bool) -> Result<(), c_int> {
    let user = &USER[signal as usize];
    user.fd.store(fd, SeqCst);
    user.all_threads.store(all_threads, SeqCst);
    user.chain.store(chain, SeqCst);
    alternative_stack();
    if user.installed.load(SeqCst) { Ok(()) } else { user.install(signal, on_user, user_flags(chain)) }
}

/// Gives the signal back what it had; false: it was not registered.
pub fn unregister(signal: c_int) -> bool {
    USER[signal as usize].restore(signal)
}

fn user_flags(chain: bool) -> c_int {
    // The signal is raised in its handler for the earlier one.
    libc::SA_RESTART | if chain { libc::SA_NODEFER } else { 0 }
}

extern "C" fn on_user(signal: c_int, _info: *mut libc::siginfo_t, context: *mut c_void) {
    let user = &USER[signal as usize];
    if !user.installed.load(SeqCst) {
        return;
    }
    let saved = errno();
    to_descriptor(user.fd.load(SeqCst), |out| python_stacks(out, user.all_threads.load(SeqCst), context));
    if user.chain.load(SeqCst) {
        // SAFETY: `before` was written when the handler was installed; the handler is this one again.
        unsafe {
            libc::sigaction(signal, (*user.before.get()).as_ptr(), null_mut());
            set_errno(saved);
            libc::raise(signal);
            let after = errno();
            libc::sigaction(signal, &action(on_user, user_flags(true)), null_mut());
            set_errno(after);
        }
    } else {
        set_errno(saved);
    }
}

/// Gives all signals back what they had.
pub fn finish() {
    disable();
    (1..NSIG as c_int).for_each(|n| {
        unregister(n);
    });
}
