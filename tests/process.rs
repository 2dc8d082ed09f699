//! Child processes with a time limit, several at a time.

use std::fs::File;
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// What became of a process.
pub struct Outcome {
    /// None: it was ended at the time limit.
    pub status: Option<ExitStatus>,
    /// Standard output and standard error, in order.
    pub output: String,
}

impl Outcome {
    /// Whether it ended by itself, with exit code 0.
    pub fn is_ok(&self) -> bool {
        self.status.is_some_and(|status| status.success())
    }

    /// "exit status: 1", "signal: 11", "time limit".
    pub fn end(&self) -> String {
        self.status.map_or("time limit".into(), |status| status.to_string())
    }

    /// The last lines of the output.
    pub fn tail(&self, lines: usize) -> String {
        let all: Vec<&str> = self.output.trim_end().lines().collect();
        all[all.len().saturating_sub(lines)..].join("\n")
    }
}

/// Runs a command in a process group of its own, its output going to the file `log`; ends the whole group
/// when `expired`, which is asked many times a second and told the running time, says so.
pub fn run(command: &mut Command, log: &Path, mut expired: impl FnMut(Duration) -> bool) -> Outcome {
    use std::os::unix::process::CommandExt;
    let file = File::create(log).unwrap_or_else(|e| panic!("{}: {e}", log.display()));
    let errors = file.try_clone().expect("a second descriptor");
    command.stdin(Stdio::null()).stdout(file).stderr(errors).process_group(0);
    let mut child = match command.spawn() {
        Ok(child) => child,
        Err(e) => return Outcome { status: None, output: format!("{command:?}: {e}") },
    };
    let start = Instant::now();
    let mut pause = Duration::from_millis(2);
    let status = loop {
        if let Some(status) = child.try_wait().expect("a child can be waited for") {
            break Some(status);
        }
        if expired(start.elapsed()) {
            // SAFETY: a plain system call; the group is the child's own, and the child is not yet waited for.
            unsafe { libc::kill(-(child.id() as libc::pid_t), libc::SIGKILL) };
            child.wait().expect("a child can be waited for");
            break None;
        }
        std::thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(50));
    };
    let output = std::fs::read(log).unwrap_or_default();
    Outcome { status, output: String::from_utf8_lossy(&output).into_owned() }
}

/// A limit for [`run`].
pub fn limit(limit: Duration) -> impl FnMut(Duration) -> bool {
    move |elapsed| elapsed > limit
}

/// Does all jobs, as many at a time as there are processors; results in the order of the jobs.
pub fn parallel<T: Sync, R: Send>(jobs: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let workers = std::thread::available_parallelism().map_or(1, |n| n.get());
    let next = AtomicUsize::new(0);
    let results: Mutex<Vec<Option<R>>> = Mutex::new(jobs.iter().map(|_| None).collect());
    std::thread::scope(|scope| {
        for _ in 0..workers.min(jobs.len()) {
            scope.spawn(|| {
                while let Some((i, job)) = {
                    let i = next.fetch_add(1, Ordering::Relaxed);
                    jobs.get(i).map(|job| (i, job))
                } {
                    let result = work(job);
                    results.lock().expect("no worker panics")[i] = Some(result);
                }
            });
        }
    });
    let results = results.into_inner().expect("no worker panics");
    results.into_iter().map(|result| result.expect("every job is done")).collect()
}
