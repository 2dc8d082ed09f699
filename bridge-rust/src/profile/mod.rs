//! The profiler behind `cape --profile FILE`.
//!
//! While the program runs, a timer per thread interrupts it, and a signal handler ([`sampler`]) copies addresses: the native stack's, and the
//! Python frames'. At exit they become frames with names: native ones by the debug information ([`symbols`]), Python ones by
//! what was remembered of every code object ([`codes`]). [`stacks`] puts the Python frames between the native frames that ran
//! them and marks where the program crossed over to C and back; [`report`] writes the files.
//!
//! The files' formats and the flame graph are the `pprof` crate's. Its sampler is not used: it has no place for Python
//! frames, and joins stacks while it samples by the functions in them, after which nothing can be added to one sample.

mod codes;
mod owner;
mod report;
mod sampler;
mod stacks;
mod symbols;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::{Instant, SystemTime};

use cape_vm::Vm;
use cape_vm::object::CodeObj;
use cape_vm::profile::Watcher;

pub use owner::owner_of_word;

/// Samples per second of CPU time. Linux looks at CPU timers when its clock ticks, on most machines as often as this.
const FREQUENCY: u64 = 250;

/// What has to be known at exit.
struct Session {
    file: PathBuf,
    process: u32,
    began: SystemTime,
    clock: Instant,
}

static SESSION: OnceLock<Session> = OnceLock::new();

struct Watch;

impl Watcher for Watch {
    fn code_made(&self, code: cape_vm::Ptr<CodeObj>) {
        codes::remember(code);
    }

    fn thread_starts(&self, vm: &Vm) {
        sampler::thread_starts(vm);
    }

    fn thread_ends(&self) {
        sampler::thread_ends();
    }
}

/// Samples the program from now until the process exits, and writes the profile then: `file`, `file.svg` and `file.folded`. To be
/// called before the runtime starts.
///
/// # Errors
/// The file cannot be written, or there is no memory.
pub fn start(file: &Path) -> io::Result<()> {
    std::fs::File::create(file)?;
    // The program may change its folder.
    let file = std::path::absolute(file)?;
    sampler::start()?;
    let session =
        Session { file, process: std::process::id(), began: SystemTime::now(), clock: Instant::now() };
    if SESSION.set(session).is_ok() {
        cape_vm::profile::watch(&Watch);
        // SAFETY: the function takes and returns nothing.
        unsafe { libc::atexit(at_exit) };
    }
    Ok(())
}

/// Writes the profile. A fork's child has none of its own.
extern "C" fn at_exit() {
    let Some(session) = SESSION.get().filter(|s| s.process == std::process::id()) else { return };
    let recorded = sampler::stop();
    let profile = stacks::Profile::new(&recorded);
    match report::write(&session.file, &profile, session.began, session.clock.elapsed()) {
        Ok(()) => eprintln!("{}: {}", session.file.display(), profile.summary()),
        Err(e) => eprintln!("cape: {}: {e}", session.file.display()),
    }
}
