//! The watchdog: a thread that shows all stacks when a time has passed.
//!
//! It takes the GIL to look at frames that stand still. When it does not get it soon, whoever has it hangs, and does not change them either.

use std::sync::{Arc, Condvar, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use cape_vm::{Vm, gil};
use libc::c_int;

use super::dump::{Interrupted, Out, stacks, to_descriptor};

/// How long the watchdog waits for the GIL.
const PATIENCE: Duration = Duration::from_millis(100);

#[derive(Default)]
struct Stop {
    wanted: Mutex<bool>,
    changed: Condvar,
}

struct Watchdog {
    stop: Arc<Stop>,
    thread: JoinHandle<()>,
    /// The process that it runs in: a fork's child does not have it.
    process: u32,
}

static WATCHDOG: Mutex<Option<Watchdog>> = Mutex::new(None);

/// What the watchdog does.
#[derive(Clone, Copy)]
pub struct Order {
    /// How long it waits.
    pub timeout: Duration,
    /// It begins again afterwards.
    pub repeat: bool,
    /// Where it writes.
    pub fd: c_int,
    /// It ends the process then.
    pub exit: bool,
}

/// The words above the stacks: hours, minutes, seconds, and microseconds if there are any.
pub fn header(timeout: Duration) -> String {
    let (seconds, micros) = (timeout.as_secs(), timeout.subsec_micros());
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if micros == 0 {
        format!("Timeout ({hours}:{minutes:02}:{seconds:02})!\n")
    } else {
        format!("Timeout ({hours}:{minutes:02}:{seconds:02}.{micros:06})!\n")
    }
}

/// Starts the watchdog; an earlier one is cancelled. False: the system gives no thread.
pub fn start(vm: &Vm, order: Order) -> bool {
    cancel(vm);
    let stop = Arc::new(Stop::default());
    let (theirs, text) = (stop.clone(), header(order.timeout));
    // Signals are for the other threads.
    // SAFETY: valid sets; the mask is this thread's own, and put back.
    let mut mask = unsafe {
        let (mut all, mut mask): (libc::sigset_t, libc::sigset_t) = (std::mem::zeroed(), std::mem::zeroed());
        libc::sigfillset(&mut all);
        libc::pthread_sigmask(libc::SIG_SETMASK, &all, &mut mask);
        mask
    };
    let thread = std::thread::Builder::new().spawn(move || watch(&theirs, order, &text));
    // SAFETY: as above.
    unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, &raw mut mask, std::ptr::null_mut()) };
    let Ok(thread) = thread else { return false };
    *WATCHDOG.lock().unwrap_or_else(|e| e.into_inner()) = Some(Watchdog { stop, thread, process: std::process::id() });
    true
}

/// Ends the watchdog, if there is one, and waits until it has ended.
pub fn cancel(vm: &Vm) {
    let Some(watchdog) = WATCHDOG.lock().unwrap_or_else(|e| e.into_inner()).take() else { return };
    if watchdog.process != std::process::id() {
        // There is no such thread in this process, and its mutex is as it was in the other.
        std::mem::forget(watchdog);
        return;
    }
    *watchdog.stop.wanted.lock().unwrap_or_else(|e| e.into_inner()) = true;
    watchdog.stop.changed.notify_all();
    // It may be waiting for the GIL.
    vm.allow_threads(|| {
        let _ = watchdog.thread.join();
    });
}

fn watch(stop: &Stop, order: Order, header: &str) {
    loop {
        // A time beyond what the clock knows never comes.
        let until = Instant::now().checked_add(order.timeout);
        let mut wanted = stop.wanted.lock().unwrap_or_else(|e| e.into_inner());
        loop {
            if *wanted {
                return;
            }
            let left = until.map_or(Duration::from_secs(1 << 20), |t| t.saturating_duration_since(Instant::now()));
            if left.is_zero() {
                break;
            }
            wanted = stop.changed.wait_timeout(wanted, left).unwrap_or_else(|e| e.into_inner()).0;
        }
        drop(wanted);
        // Gathered, so that the GIL is not held while somebody else must read before more can be written.
        let mut text = header.as_bytes().to_vec();
        gil::with_lock_within(PATIENCE, |_| {
            let mut keep = |bytes: &[u8]| text.extend_from_slice(bytes);
            let mut out = Out::new(&mut keep);
            stacks(&mut out, None, &Interrupted::default());
            out.flush();
        });
        to_descriptor(order.fd, |out| out.bytes(&text));
        if order.exit {
            // SAFETY: ends the process at once, which is what was asked for.
            unsafe { libc::_exit(1) };
        }
        if !order.repeat {
            return;
        }
    }
}
