//! The global interpreter lock, and the VMs of all threads.
//!
//! Whoever runs Python code or touches managed objects holds the lock. A thread that waits for it asks, after the switch interval,
//! the holder to let go at its next safe point ([`serve_switch`]). Around calls that may block the lock is given up with
//! [`Vm::allow_threads`].

use std::cell::UnsafeCell;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use cape_heap::{Tracer, heap, native_stack_base};

use crate::interpreter::Interpreter;
use crate::profile::watcher;
use crate::vm::{Vm, request, set_current};

struct State {
    waiters: u32,
    /// Counts the times that the lock was taken while somebody waited for it.
    switches: u64,
}

/// In [`Gil::word`]: somebody has the lock.
const HELD: u32 = 1;
/// Somebody waits for it: whoever gives it up must say so. Changed with the mutex held, as [`State::waiters`].
const AWAITED: u32 = 2;

struct Gil {
    /// The lock itself: while nobody waits, one exchange takes it and one gives it up.
    word: AtomicU32,
    state: Mutex<State>,
    /// The lock was given up.
    free: Condvar,
    /// The lock was taken.
    taken: Condvar,
}

/// A cell for what a fork's child replaces.
struct Slot(UnsafeCell<Gil>);
// SAFETY: the lock's own fields are synchronised; the whole is replaced only in a child process with one thread.
unsafe impl Sync for Slot {}

const fn new_gil() -> Gil {
    Gil {
        word: AtomicU32::new(0),
        state: Mutex::new(State { waiters: 0, switches: 0 }),
        free: Condvar::new(),
        taken: Condvar::new(),
    }
}

static GIL: Slot = Slot(UnsafeCell::new(new_gil()));
static DROP_REQUEST: AtomicBool = AtomicBool::new(false);
static INTERVAL_US: AtomicU64 = AtomicU64::new(5000);
/// The process is about to exit: threads that ask for the lock wait for ever.
static FINALIZING: AtomicBool = AtomicBool::new(false);

fn gil() -> &'static Gil {
    // SAFETY: replaced only in a fork's child, by its only thread.
    unsafe { &*GIL.0.get() }
}

fn state(g: &Gil) -> MutexGuard<'_, State> {
    g.state.lock().unwrap_or_else(|e| e.into_inner())
}

/// Takes the lock. The thread must not hold it.
fn take() {
    let g = gil();
    if g.word.compare_exchange(0, HELD, Ordering::Acquire, Ordering::Relaxed).is_err() {
        wait_and_take(g, None);
    }
    DROP_REQUEST.store(false, Ordering::Relaxed);
}

/// As [`take`], where the lock is held or others wait for it. False: it was not free until the deadline.
#[cold]
#[inline(never)]
fn wait_and_take(g: &Gil, deadline: Option<Instant>) -> bool {
    let mut s = state(g);
    s.waiters += 1;
    g.word.fetch_or(AWAITED, Ordering::Relaxed);
    // (Whoever gives the lock up after this finds that it is awaited, and needs the mutex to tell, which is free once this thread waits.)
    let mut taken = true;
    while g.word.fetch_or(HELD, Ordering::Acquire) & HELD != 0 {
        if deadline.is_some_and(|d| Instant::now() >= d) {
            taken = false;
            break;
        }
        let before = s.switches;
        let interval = Duration::from_micros(INTERVAL_US.load(Ordering::Relaxed).max(1));
        let (s2, timeout) = g.free.wait_timeout(s, interval).unwrap_or_else(|e| e.into_inner());
        s = s2;
        if timeout.timed_out() && g.word.load(Ordering::Relaxed) & HELD != 0 && s.switches == before {
            DROP_REQUEST.store(true, Ordering::Relaxed);
            request();
        }
    }
    s.waiters -= 1;
    s.switches += taken as u64;
    if s.waiters == 0 {
        g.word.fetch_and(!AWAITED, Ordering::Relaxed);
    }
    if s.waiters > 0 || FINALIZING.load(Ordering::Relaxed) {
        g.taken.notify_all();
    }
    taken
}

/// Calls `f` with the lock held, for a thread that has no VM: `f` may look at what the lock protects, but touch no managed object. False
/// is passed when the lock did not come free within `limit`; then its holder hangs, or the process ends.
pub fn with_lock_within<R>(limit: Duration, f: impl FnOnce(bool) -> R) -> R {
    let g = gil();
    let taken = wait_and_take(g, Some(Instant::now() + limit));
    let r = f(taken);
    if taken {
        give();
    }
    r
}

/// Gives the lock up. The thread must hold it.
fn give() {
    let g = gil();
    if g.word.compare_exchange(HELD, 0, Ordering::Release, Ordering::Relaxed).is_err() {
        give_to_waiter(g);
    }
}

/// As [`give`], where others wait.
#[cold]
#[inline(never)]
fn give_to_waiter(g: &Gil) {
    let s = state(g);
    g.word.fetch_and(!HELD, Ordering::Release);
    if s.waiters > 0 {
        g.free.notify_one();
    }
}

/// Gives the lock to a thread that waits for it, and takes it again.
fn hand_over() {
    let g = gil();
    let mut s = state(g);
    if s.waiters > 0 {
        g.word.fetch_and(!HELD, Ordering::Release);
        let before = s.switches;
        g.free.notify_one();
        // Without the wait this thread would most likely win the lock back at once.
        while s.switches == before && s.waiters > 0 {
            s = g.taken.wait_timeout(s, Duration::from_millis(1)).unwrap_or_else(|e| e.into_inner()).0;
        }
        drop(s);
        take();
    } else {
        DROP_REQUEST.store(false, Ordering::Relaxed);
    }
}

/// Gives the lock, which was just taken, up for ever when the process or the thread's interpreter is going away.
fn stop_if_over(vm: &Vm, is_main: bool) {
    if FINALIZING.load(Ordering::Relaxed) && !is_main || vm.interpreter().has_ended() {
        give();
        loop {
            std::thread::sleep(Duration::from_secs(3600));
        }
    }
}

/// From now on no thread but the caller gets the lock.
pub fn begin_finalizing() {
    FINALIZING.store(true, Ordering::Relaxed);
}

/// `sys.getswitchinterval()`, in microseconds.
pub fn switch_interval() -> u64 {
    INTERVAL_US.load(Ordering::Relaxed)
}

/// `sys.setswitchinterval()`, in microseconds.
pub fn set_switch_interval(us: u64) {
    INTERVAL_US.store(us, Ordering::Relaxed)
}

/// At a safe point: lets another thread run when one asked.
pub fn serve_switch(vm: &Vm) {
    if DROP_REQUEST.load(Ordering::Relaxed) {
        let main = is_main(vm);
        heap().release_thread(|| {
            hand_over();
            stop_if_over(vm, main);
            set_current(Some(vm));
        });
    }
}

/// The VMs of the attached threads, the main thread's first.
struct Vms(UnsafeCell<Vec<*const Vm>>);
// SAFETY: used with the lock held.
unsafe impl Sync for Vms {}
static VMS: Vms = Vms(UnsafeCell::new(Vec::new()));

fn is_main(vm: &Vm) -> bool {
    // SAFETY: the lock is held.
    unsafe { (&(*VMS.0.get())).first().is_none_or(|&v| std::ptr::eq(v, vm)) }
}

/// Whether `vm` is the main thread's.
pub fn is_main_thread(vm: &Vm) -> bool {
    is_main(vm)
}

/// The VM that the calling thread had first.
pub fn first_of_thread() -> &'static Vm {
    let here = this_ident();
    // SAFETY: the lock is held; a VM leaves the list before it is dropped, which its own thread does.
    let all = unsafe { (&(*VMS.0.get())).iter().map(|&v| &*v) };
    all.into_iter().find(|v| v.ident.get() == here).expect("the thread has the lock")
}

/// Calls `f` for the VM of every attached thread, the main thread's first.
pub fn each_vm(mut f: impl FnMut(&Vm)) {
    // SAFETY: the lock is held; a VM leaves the list before it is dropped.
    unsafe { (&(*VMS.0.get())).iter().for_each(|&v| f(&*v)) }
}

/// The VMs once more, the newest first, linked by [`Vm::older`]: for those who cannot take the lock. Changed with the lock held.
static NEWEST: AtomicPtr<Vm> = AtomicPtr::new(std::ptr::null_mut());
/// How many threads look at that list. Whoever takes a VM out of it waits until nobody does, before the VM is dropped.
static READERS: AtomicUsize = AtomicUsize::new(0);

/// The calling thread's VM enters the lists.
fn list(vm: &Vm) {
    // SAFETY: the lock is held.
    unsafe { (*VMS.0.get()).push(vm) };
    vm.older.store(NEWEST.load(Ordering::Relaxed), Ordering::Relaxed);
    NEWEST.store(vm as *const Vm as *mut Vm, Ordering::SeqCst);
}

/// It leaves them, and watches nothing any more.
fn unlist(vm: &Vm) {
    vm.end_tracing();
    // SAFETY: the lock is held.
    unsafe { (*VMS.0.get()).retain(|&v| !std::ptr::eq(v, vm)) };
    let mut link = &NEWEST;
    loop {
        let at = link.load(Ordering::Relaxed);
        if at.is_null() {
            break;
        }
        if std::ptr::eq(at, vm) {
            link.store(vm.older.load(Ordering::Relaxed), Ordering::SeqCst);
            break;
        }
        // SAFETY: VMs in the list live, and only the lock's holder takes them out.
        link = unsafe { &(*at).older };
    }
    while READERS.load(Ordering::SeqCst) > 0 {
        std::thread::yield_now();
    }
}

/// Calls `f` for the VM of every attached thread, the newest first, until it returns false. Neither takes nor needs the lock, and is
/// async-signal-safe if `f` is: the VMs stay while `f` runs, but their threads may run, too.
pub fn each_vm_unlocked(mut f: impl FnMut(&Vm) -> bool) {
    READERS.fetch_add(1, Ordering::SeqCst);
    let mut at = NEWEST.load(Ordering::SeqCst);
    // SAFETY: a VM that leaves the list after the counter was raised lives until it is lowered; its link stays as it is.
    while let Some(vm) = unsafe { at.as_ref() } {
        if !f(vm) {
            break;
        }
        at = vm.older.load(Ordering::SeqCst);
    }
    READERS.fetch_sub(1, Ordering::SeqCst);
}

/// The root scanner of all threads' VMs: see [`cape_heap::Heap::add_root_scanner`].
pub fn scan(t: &mut Tracer<'_>) {
    each_vm(|vm| vm.trace(t));
}

/// Takes the lock for the main thread at start-up and makes its VM known.
pub fn start(vm: &Vm) {
    take();
    vm.ident.set(this_ident());
    heap().attach_thread(native_stack_base());
    list(vm);
    set_current(Some(vm));
    if let Some(watcher) = watcher() {
        watcher.thread_starts(vm);
    }
}

/// The identifier of the calling thread: `threading.get_ident()`.
pub fn this_ident() -> u64 {
    // SAFETY: a plain call.
    unsafe { libc::pthread_self() as u64 }
}

/// A thread that takes part: made in a new thread (the lock is then held), left when dropped.
pub struct Attached {
    vm: Box<Vm>,
}

impl Attached {
    /// Makes a VM for the calling thread, which must not hold the lock; `hooks` are another VM's.
    pub fn new(
        hooks: crate::vm::Hooks,
        stacks: crate::vm::Stacks,
        interpreter: Arc<Interpreter>,
    ) -> Attached {
        let vm = Vm::new(stacks, interpreter);
        vm.set_hooks(hooks);
        vm.ident.set(this_ident());
        take();
        stop_if_over(&vm, false);
        heap().attach_thread(native_stack_base());
        list(&vm);
        set_current(Some(&vm));
        if let Some(watcher) = watcher() {
            watcher.thread_starts(&vm);
        }
        Attached { vm }
    }

    /// The thread's VM.
    pub fn vm(&self) -> &Vm {
        &self.vm
    }
}

impl Drop for Attached {
    fn drop(&mut self) {
        if let Some(watcher) = watcher() {
            watcher.thread_ends();
        }
        unlist(&self.vm);
        heap().detach_thread();
        set_current(None);
        give();
    }
}

/// A further VM of a thread, for work in another interpreter. It is made, entered and dropped with the lock held.
pub struct Guest {
    vm: Box<Vm>,
}

impl Guest {
    /// A VM for the calling thread; `hooks` are another VM's.
    pub fn new(hooks: crate::vm::Hooks, stacks: crate::vm::Stacks, interpreter: Arc<Interpreter>) -> Guest {
        let mut vm = Vm::new(stacks, interpreter);
        vm.guest = true;
        vm.set_hooks(hooks);
        vm.ident.set(this_ident());
        list(&vm);
        let guests = &vm.interpreter().guests;
        guests.set(guests.get() + 1);
        Guest { vm }
    }

    /// The VM.
    pub fn vm(&self) -> &Vm {
        &self.vm
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        debug_assert!(!std::ptr::eq(crate::vm::current(), &*self.vm));
        if let Some(foreign) = crate::foreign::try_foreign() {
            foreign.guest_leaves(&self.vm);
        }
        let guests = &self.vm.interpreter().guests;
        guests.set(guests.get() - 1);
        unlist(&self.vm);
    }
}

/// The calling thread, which has the lock, goes on in another VM of its own.
pub fn turn_to(vm: &Vm) {
    set_current(Some(vm));
    if let Some(foreign) = crate::foreign::try_foreign() {
        foreign.thread_runs(vm);
    }
}

/// In a fork's child: the other threads are gone.
pub fn after_fork(vm: &Vm) {
    // SAFETY: the child has one thread, so nobody else uses these; the old lock may be in any state and is overwritten unread.
    let before = unsafe {
        std::ptr::write(GIL.0.get(), new_gil());
        std::mem::take(&mut *VMS.0.get())
    };
    NEWEST.store(std::ptr::null_mut(), Ordering::Relaxed);
    READERS.store(0, Ordering::Relaxed);
    // SAFETY: VMs in the list live.
    let own = before.iter().map(|&v| unsafe { &*v }).filter(|v| v.ident.get() == vm.ident.get());
    own.for_each(list);
    gil().word.store(HELD, Ordering::Relaxed);
    DROP_REQUEST.store(false, Ordering::Relaxed);
    vm.ident.set(this_ident());
}

/// Takes the lock again, even when the work in between panicked.
struct Retake<'a>(&'a Vm, bool);

impl Drop for Retake<'_> {
    fn drop(&mut self) {
        take();
        stop_if_over(self.0, self.1);
        set_current(Some(self.0));
    }
}

/// Gives the lock up and returns: for `PyEval_SaveThread`. Until [`acquire`] the thread must not touch managed objects.
pub fn release(vm: &Vm) {
    debug_assert!(std::ptr::eq(crate::vm::current(), vm));
    heap().park_thread();
    give();
}

/// Takes the lock again after [`release`].
pub fn acquire(vm: &Vm) {
    take();
    stop_if_over(vm, true);
    heap().resume_thread();
    set_current(Some(vm));
}

impl Vm {
    /// Runs `f` (something that may block) without the lock. `f` must not touch managed objects, except for memory of objects that are
    /// held by the caller's frame.
    pub fn allow_threads<R>(&self, f: impl FnOnce() -> R) -> R {
        let main = is_main(self);
        heap().release_thread(|| {
            give();
            let _again = Retake(self, main);
            f()
        })
    }
}
