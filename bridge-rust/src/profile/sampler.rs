//! Taking samples: the timers, the signal handler, and the record that it writes.
//!
//! Every thread that runs Python code has a timer of its own CPU time, whose signal goes to that thread. (The process's timer,
//! `ITIMER_PROF`, gives its signals to whichever thread the kernel likes.) The handler copies words, first into room of the thread's own,
//! then into the record, which is one mapping that is only ever appended to. It takes no lock and allocates nothing.

use std::cell::Cell;
use std::io;
use std::mem::MaybeUninit;
use std::ptr::null_mut;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard};

use cape_vm::Vm;
use libc::{c_int, c_void};

use super::FREQUENCY;

/// Native and Python frames that a sample has at most, from the innermost.
const NATIVE: usize = 512;
const PYTHON: usize = 1024;
/// Python frames that are looked at.
const LOOKED_AT: usize = 1 << 16;
/// Words before the frames: length, weight, thread, native frames, Python frames, entry frames in all.
const HEAD: usize = 6;
/// Words that the record may have: 4 GiB, which are not there until they are written; less where address space is limited.
const CAPACITIES: [usize; 2] = [512 << 20, 32 << 20];

static RECORD: AtomicPtr<u64> = AtomicPtr::new(null_mut());
static CAPACITY: AtomicUsize = AtomicUsize::new(0);
/// Words in use, or asked for in vain.
static USED: AtomicUsize = AtomicUsize::new(0);
static LOST: AtomicU64 = AtomicU64::new(0);
static RUNNING: AtomicBool = AtomicBool::new(false);
/// Threads that are in the handler.
static INSIDE: AtomicUsize = AtomicUsize::new(0);
/// The system's numbers of the threads that were sampled, and their names once they have ended.
static THREADS: Mutex<Vec<(i32, Option<String>)>> = Mutex::new(Vec::new());

/// What the handler has to know about its thread.
struct Thread {
    vm: *const Vm,
    number: u32,
    timer: libc::timer_t,
    room: [MaybeUninit<u64>; HEAD + NATIVE + 2 * PYTHON],
}

thread_local! {
    static THREAD: Cell<*mut Thread> = const { Cell::new(null_mut()) };
}

fn threads() -> MutexGuard<'static, Vec<(i32, Option<String>)>> {
    THREADS.lock().unwrap_or_else(|e| e.into_inner())
}

/// The place in the record of the next sample.
pub fn length() -> usize {
    USED.load(Ordering::Acquire)
}

/// Makes the record and installs the handler. Threads are sampled when they say that they start.
///
/// # Errors
/// What the system says.
pub fn start() -> io::Result<()> {
    make_record()?;
    // The unwinder does what it has to do once.
    backtrace::trace(|_| true);
    RUNNING.store(true, Ordering::Release);
    // SAFETY: the handler is async-signal-safe: see on_signal.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = on_signal as *const () as usize;
        action.sa_flags = libc::SA_SIGINFO | libc::SA_RESTART;
        if libc::sigaction(libc::SIGPROF, &action, null_mut()) != 0 {
            return Err(io::Error::last_os_error());
        }
    }
    Ok(())
}

fn make_record() -> io::Result<()> {
    // SAFETY: the limit is written by the call.
    let limited = unsafe {
        let mut limit: libc::rlimit = std::mem::zeroed();
        libc::getrlimit(libc::RLIMIT_AS, &mut limit) != 0 || limit.rlim_cur != libc::RLIM_INFINITY
    };
    for capacity in CAPACITIES.into_iter().skip(limited as usize) {
        // SAFETY: an anonymous private mapping, backed lazily.
        let record = unsafe {
            libc::mmap(
                null_mut(),
                capacity * size_of::<u64>(),
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE,
                -1,
                0,
            )
        };
        if record != libc::MAP_FAILED {
            RECORD.store(record.cast(), Ordering::Release);
            CAPACITY.store(capacity, Ordering::Release);
            return Ok(());
        }
    }
    Err(io::Error::last_os_error())
}

/// Begins to sample the calling thread.
pub fn thread_starts(vm: &Vm) {
    if !RUNNING.load(Ordering::Acquire) || !THREAD.get().is_null() {
        return;
    }
    // SAFETY: plain calls; the event names the calling thread.
    let (id, timer) = unsafe {
        let id = libc::gettid();
        let mut event: libc::sigevent = std::mem::zeroed();
        event.sigev_notify = libc::SIGEV_THREAD_ID;
        event.sigev_signo = libc::SIGPROF;
        event.sigev_notify_thread_id = id;
        let mut timer = null_mut();
        if libc::timer_create(libc::CLOCK_THREAD_CPUTIME_ID, &mut event, &mut timer) != 0 {
            // No timers are left: the thread is not in the profile.
            return;
        }
        (id, timer)
    };
    let number = {
        let mut threads = threads();
        threads.push((id, None));
        threads.len() as u32 - 1
    };
    let room = [MaybeUninit::uninit(); HEAD + NATIVE + 2 * PYTHON];
    THREAD.set(Box::into_raw(Box::new(Thread { vm, number, timer, room })));
    let interval = libc::timespec { tv_sec: 0, tv_nsec: (1_000_000_000 / FREQUENCY) as _ };
    let times = libc::itimerspec { it_interval: interval, it_value: interval };
    // SAFETY: the timer was made above.
    unsafe { libc::timer_settime(timer, 0, &times, null_mut()) };
}

/// Ends it.
pub fn thread_ends() {
    let thread = THREAD.replace(null_mut());
    if thread.is_null() {
        return;
    }
    // SAFETY: made by thread_starts in this thread, and no longer reachable from the handler, which runs in this thread.
    unsafe {
        let thread = Box::from_raw(thread);
        libc::timer_delete(thread.timer);
        let entry = &mut threads()[thread.number as usize];
        entry.1 = Some(system_name(entry.0));
    }
}

/// The name that the system has for a thread.
fn system_name(id: i32) -> String {
    let name = std::fs::read_to_string(format!("/proc/self/task/{id}/comm")).unwrap_or_default();
    name.trim_end().to_string()
}

/// One word of a signal's context.
fn register(context: *mut c_void, which: c_int) -> i64 {
    // SAFETY: the kernel's context of this signal.
    unsafe { (*context.cast::<libc::ucontext_t>()).uc_mcontext.gregs[which as usize] }
}

unsafe extern "C" {
    /// The beginning of the function that `pc` is in, by the unwind tables. It looks them up as the unwinder does.
    pub fn _Unwind_FindEnclosingFunction(pc: *mut c_void) -> *mut c_void;
}

/// The beginning of the function around an address; 0 when it has no unwind tables.
pub fn function_start(pc: usize) -> usize {
    // SAFETY: the address is only looked up.
    unsafe { _Unwind_FindEnclosingFunction(pc as *mut c_void) as usize }
}

/// Async-signal-safe: it touches what belongs to its thread, atomics, the stack by way of the unwinder (which, since glibc has
/// `_dl_find_object`, takes no lock), and makes system calls that are on POSIX's list.
extern "C" fn on_signal(_signal: c_int, _info: *mut libc::siginfo_t, context: *mut c_void) {
    let thread = THREAD.get();
    INSIDE.fetch_add(1, Ordering::SeqCst);
    if !thread.is_null() && RUNNING.load(Ordering::SeqCst) {
        // SAFETY: errno is the thread's own. The thread's record is used by this handler alone, which is not entered twice at a time.
        unsafe {
            let errno = *libc::__errno_location();
            sample(&mut *thread, context);
            *libc::__errno_location() = errno;
        }
    }
    INSIDE.fetch_sub(1, Ordering::SeqCst);
}

/// An interrupted return, done: its address and the stack pointer before it. The unwind tables of compiled code tell how its frames are found as
/// long as these are whole; at their last instruction the frame pointer is the caller's again, and would be taken for the frame's.
struct Returned<'a> {
    context: &'a mut libc::ucontext_t,
    before: [i64; 2],
}

impl Returned<'_> {
    /// Does the return that a thread stands before, if it stands before one, until this is dropped.
    ///
    /// # Safety
    /// `context` must be the kernel's, of a signal of the calling thread.
    unsafe fn new<'a>(context: *mut c_void) -> Option<Returned<'a>> {
        const RETURN: u8 = 0xc3;
        // SAFETY: the caller's promise: the thread was about to run this instruction, which reads the word on top of the stack.
        unsafe {
            let context = &mut *context.cast::<libc::ucontext_t>();
            let registers = &mut context.uc_mcontext.gregs;
            let before = [registers[libc::REG_RIP as usize], registers[libc::REG_RSP as usize]];
            if *(before[0] as *const u8) != RETURN {
                return None;
            }
            registers[libc::REG_RIP as usize] = *(before[1] as *const i64);
            registers[libc::REG_RSP as usize] += 8;
            Some(Returned { context, before })
        }
    }
}

impl Drop for Returned<'_> {
    fn drop(&mut self) {
        let registers = &mut self.context.uc_mcontext.gregs;
        [registers[libc::REG_RIP as usize], registers[libc::REG_RSP as usize]] = self.before;
    }
}

fn sample(thread: &mut Thread, context: *mut c_void) {
    // SAFETY: the timer is this thread's.
    let missed = unsafe { libc::timer_getoverrun(thread.timer) };
    let weight = 1 + missed.max(0) as u64;
    let room = &mut thread.room;
    let here = register(context, libc::REG_RIP) as usize;

    // The interrupted instruction, as the return address that a call of it would have had; below it, return addresses.
    let mut native = 0;
    let mut seen = false;
    // SAFETY: nothing else unwinds in this thread at a time that could mind; the context is this signal's.
    unsafe {
        let returned = Returned::new(context);
        let first = register(context, libc::REG_RIP) as usize;
        backtrace::trace_unsynchronized(|frame| {
            let ip = frame.ip() as usize;
            if !seen {
                seen = ip == first;
                if returned.is_none() || !seen {
                    return true;
                }
            }
            room[HEAD + 1 + native].write(ip as u64);
            native += 1;
            native < NATIVE - 1
        });
    }
    room[HEAD].write(here as u64 + 1);
    native += 1;

    let in_interpreter = cape_vm::profile::is_interpreter(function_start(here));
    let registers: [i64; 16] = std::array::from_fn(|i| register(context, i as c_int));
    let registers = if in_interpreter { &registers[..] } else { &[] };
    let (mut python, mut looked_at, mut entries) = (0, 0, 0);
    // SAFETY: the VM lives until its thread has said that it ends.
    unsafe {
        cape_vm::profile::running(thread.vm, registers, |frame| {
            if python < PYTHON {
                let at = HEAD + native + 2 * python;
                room[at].write(frame.code as u64 | frame.entry as u64);
                room[at + 1].write(frame.pc as u64);
                python += 1;
            }
            entries += frame.entry as u64;
            looked_at += 1;
            looked_at < LOOKED_AT
        });
    }

    let length = HEAD + native + 2 * python;
    let head = [length as u64, weight, thread.number as u64, native as u64, python as u64, entries];
    room[..HEAD].iter_mut().zip(head).for_each(|(word, value)| {
        word.write(value);
    });
    let at = USED.fetch_add(length, Ordering::AcqRel);
    if at + length > CAPACITY.load(Ordering::Acquire) {
        LOST.fetch_add(weight, Ordering::Relaxed);
        return;
    }
    // SAFETY: the words were written above; this part of the record is this sample's.
    unsafe {
        room.as_ptr().cast::<u64>().copy_to_nonoverlapping(RECORD.load(Ordering::Acquire).add(at), length)
    };
}

/// A sample's words.
pub struct Sample<'a> {
    /// Its place in the record.
    pub at: usize,
    /// How many intervals it stands for.
    pub weight: u64,
    /// Its thread's number.
    pub thread: usize,
    /// Return addresses, innermost first.
    pub native: &'a [u64],
    /// Code addresses (the lowest bit: entered from native code) and pcs, innermost first.
    pub python: &'a [u64],
    /// How many Python frames were entered from native code, those that are not here included.
    pub entries: usize,
}

impl Sample<'_> {
    /// Whether the native stack was too deep.
    pub fn is_cut(&self) -> bool {
        self.native.len() >= NATIVE
    }
}

/// What was recorded.
pub struct Recorded {
    words: &'static [u64],
    /// Intervals for which there was no room.
    pub lost: u64,
    /// The threads' names.
    pub threads: Vec<String>,
}

/// Ends sampling.
pub fn stop() -> Recorded {
    RUNNING.store(false, Ordering::SeqCst);
    while INSIDE.load(Ordering::SeqCst) > 0 {
        std::thread::yield_now();
    }
    // What did not find room any more has left a gap at the end.
    let used = USED.load(Ordering::Acquire).min(CAPACITY.load(Ordering::Acquire));
    let threads = threads();
    let threads = threads.iter().map(|(id, name)| name.clone().unwrap_or_else(|| system_name(*id))).collect();
    // SAFETY: the mapping stays, and nobody writes into it any more.
    let words = unsafe { std::slice::from_raw_parts(RECORD.load(Ordering::Acquire), used) };
    Recorded { words, lost: LOST.load(Ordering::Relaxed), threads }
}

impl Recorded {
    /// The samples in order.
    pub fn samples(&self) -> impl Iterator<Item = Sample<'_>> {
        let mut at = 0;
        std::iter::from_fn(move || {
            let words = &self.words[at.min(self.words.len())..];
            let length = *words.first()? as usize;
            // Zero: where the last one found no room.
            let words = words.get(..length).filter(|_| length > 0)?;
            let native = words[3] as usize;
            let sample = Sample {
                at,
                weight: words[1],
                thread: words[2] as usize,
                native: &words[HEAD..HEAD + native],
                python: &words[HEAD + native..],
                entries: words[5] as usize,
            };
            at += length;
            Some(sample)
        })
    }
}
