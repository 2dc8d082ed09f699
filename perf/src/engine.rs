//! An engine under measurement: a process that runs a script of `scripts/` and answers requests.

use std::io::{BufRead, BufReader, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use cape_tests::{cape, cpython, crossing_sources, peer, root};

/// One case of the script.
#[derive(Clone, Debug)]
pub struct Case {
    /// Its place in the table, by which it is asked for.
    pub number: usize,
    /// What it belongs to: "call", "return"...
    pub group: String,
    /// What crosses.
    pub name: String,
    /// How many crossings one execution is.
    pub crossings: f64,
}

impl Case {
    /// "group/name".
    pub fn label(&self) -> String {
        format!("{}/{}", self.group, self.name)
    }
}

/// What an engine is started with.
#[derive(Clone)]
pub struct Setup {
    /// For tables.
    pub name: &'static str,
    /// The interpreter.
    pub command: PathBuf,
    /// What the interpreter is told before the script.
    pub interpreter_options: Vec<String>,
    /// The script, in `scripts/`.
    pub script: &'static str,
    /// Options of the script.
    pub options: Vec<String>,
    /// The sources of the extension that the script gets.
    pub sources: Vec<String>,
    /// What the C compiler needs to find the engine's headers.
    pub flags: Vec<String>,
}

/// A running engine.
pub struct Engine {
    /// For tables.
    pub name: String,
    setup: Setup,
    extension: PathBuf,
    /// The same for all engines.
    pub cases: Vec<Case>,
    /// Requests go to its standard input, which is closed when it is waited for.
    process: Child,
    answers: BufReader<ChildStdout>,
}

/// What finds Cape's headers.
pub fn own_flags() -> Vec<String> {
    vec![format!("-I{}", root().join("include").display())]
}

/// The interpreters of this machine: Cape, then the peers that are here. Says which are absent.
pub fn interpreters() -> Vec<(&'static str, PathBuf)> {
    let mut found = vec![("Cape", cape().to_path_buf())];
    match cpython() {
        Some(command) => found.push(("CPython", command)),
        None => println!("CPython 3.14 is absent: no python3.14 on PATH, CAPE_PEER_CPYTHON not set"),
    }
    match peer("CAPE_PEER_PYPY", "pypy3") {
        Some(command) => found.push(("PyPy", command)),
        None => println!("PyPy is absent: no pypy3 on PATH, CAPE_PEER_PYPY not set"),
    }
    found
}

/// What an interpreter that serves the cases of `scripts/serve.py` is started with.
fn serving(name: &'static str, command: PathBuf, flags: Vec<String>) -> Setup {
    Setup {
        name,
        command,
        interpreter_options: vec![],
        script: "serve.py",
        options: vec![],
        sources: crossing_sources(),
        flags,
    }
}

/// Keeps this process, and the engines it starts, on the core it runs on. Cores of one machine may differ in speed for
/// minutes, by a neighbour on the same silicon; the engines take turns, so the scheduler would leave each on a core of its
/// own, and their ratio would be that of the cores.
fn stay_on_one_core() {
    // SAFETY: the set is a plain array of bits, valid when zero, and its size is the one given; the calls keep nothing.
    unsafe {
        let mut cores: libc::cpu_set_t = std::mem::zeroed();
        if let Ok(core) = usize::try_from(libc::sched_getcpu()) {
            libc::CPU_SET(core, &mut cores);
            libc::sched_setaffinity(0, size_of::<libc::cpu_set_t>(), &cores);
        }
    }
}

/// The engines of this machine, started, all on one core. `huge`: also with the cases that take gigabytes.
pub fn all(huge: bool) -> Vec<Engine> {
    stay_on_one_core();
    let setup = |(name, command): (&'static str, PathBuf)| {
        let flags = match name {
            "CPython" => match std::env::var("CAPE_PEER_CPYTHON_CFLAGS") {
                Ok(flags) => flags.split_whitespace().map(str::to_string).collect(),
                Err(_) => own_flags(), // Cape's headers give the same binary
            },
            "PyPy" => {
                let include = say(&command, "import sysconfig; print(sysconfig.get_paths()['include'])");
                vec![format!("-I{include}")]
            }
            _ => own_flags(),
        };
        let options = if huge { vec!["--huge".into()] } else { vec![] };
        Setup { options, ..serving(name, command, flags) }
    };
    let engines = interpreters().into_iter().map(|interpreter| start(setup(interpreter)));
    engines.filter_map(|engine| engine.map_err(|e| println!("{e}")).ok()).collect()
}

/// What a one-line program prints.
fn say(command: &Path, program: &str) -> String {
    let output = Command::new(command).args(["-c", program]).output();
    output.map(|o| String::from_utf8_lossy(&o.stdout).trim().to_string()).unwrap_or_default()
}

/// Builds the extension for an engine, and starts the engine.
pub fn start(setup: Setup) -> Result<Engine, String> {
    let program = "import importlib.machinery as m; print(m.EXTENSION_SUFFIXES[0])";
    let suffix = say(&setup.command, program);
    if suffix.is_empty() {
        return Err(format!("{} does not run: {}", setup.name, setup.command.display()));
    }
    let folder = root().join("target/perf").join(setup.name);
    std::fs::create_dir_all(&folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    let extension = folder.join(format!("{}{suffix}", setup.script.trim_end_matches(".py")));
    let status = Command::new(std::env::var("CC").unwrap_or_else(|_| "cc".into()))
        .args(["-shared", "-fPIC", "-O2", "-Wall", "-Wextra", "-Wno-cast-function-type"])
        // A loop that lies across two lines of the cache takes twice the time of one that does not, and where it lies differs between
        // the engines by chance, with what their headers make of the functions before it.
        .args(["-falign-functions=64", "-falign-loops=64"])
        .args(&setup.flags)
        .args(&setup.sources)
        .arg("-o")
        .arg(&extension)
        .status();
    if !status.is_ok_and(|s| s.success()) {
        return Err(format!("the extension does not compile for {}", setup.name));
    }
    let (process, answers) = spawn(&setup, &extension)?;
    let name = setup.name.to_string();
    let mut engine = Engine { name, setup, extension, cases: vec![], process, answers };
    engine.cases = engine.greeting()?;
    Ok(engine)
}

fn spawn(setup: &Setup, extension: &Path) -> Result<(Child, BufReader<ChildStdout>), String> {
    let mut process = Command::new(&setup.command)
        .args(&setup.interpreter_options)
        .arg(root().join("perf/scripts").join(setup.script))
        .args(&setup.options)
        .arg(extension)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|e| format!("{}: {e}", setup.command.display()))?;
    let answers = BufReader::new(process.stdout.take().ok_or("no standard output")?);
    Ok((process, answers))
}

impl Engine {
    /// Cape, which writes a profile to `file` when it is finished.
    pub fn profiled(file: &Path) -> Result<Engine, String> {
        let interpreter_options = vec!["--profile".into(), file.display().to_string()];
        start(Setup { interpreter_options, ..serving("Cape", cape().to_path_buf(), own_flags()) })
    }

    /// Lets the engine end by itself, and waits for it.
    pub fn finish(mut self) -> Result<(), String> {
        let status = self.process.wait().map_err(|e| e.to_string())?;
        if status.success() { Ok(()) } else { Err(format!("{} ended: {status}", self.name)) }
    }

    /// Reads the table of cases, up to the empty line.
    fn greeting(&mut self) -> Result<Vec<Case>, String> {
        let mut cases = vec![];
        loop {
            let line = self.line()?;
            if line.is_empty() {
                return Ok(cases);
            }
            let mut fields = line.split('\t');
            let mut field = || fields.next().unwrap_or_default().to_string();
            let (group, name, crossings) = (field(), field(), field());
            let crossings = crossings.parse().map_err(|_| format!("{}: {line}", self.name))?;
            cases.push(Case { number: cases.len(), group, name, crossings });
        }
    }

    fn line(&mut self) -> Result<String, String> {
        let mut line = String::new();
        match self.answers.read_line(&mut line) {
            Ok(n) if n > 0 => Ok(line.trim_end_matches('\n').to_string()),
            _ => Err(match self.process.wait() {
                Ok(status) => format!("{} ended: {status}", self.name),
                Err(e) => format!("{} ended: {e}", self.name),
            }),
        }
    }

    /// Runs a case `count` times in a loop. Err: why not ("absent: ..." where the engine has not got what the case
    /// needs); the engine is started anew if it ended.
    pub fn time(&mut self, case: usize, count: u64) -> Result<Duration, String> {
        let sent = match &mut self.process.stdin {
            Some(requests) => writeln!(requests, "{case} {count}").and_then(|()| requests.flush()),
            None => Err(ErrorKind::BrokenPipe.into()),
        };
        let answer = match sent {
            Ok(()) => self.line(),
            Err(e) => Err(format!("{} ended: {e}", self.name)),
        };
        match answer {
            Ok(line) => line.parse().map(Duration::from_nanos).map_err(|_| line),
            Err(reason) => {
                (self.process, self.answers) = spawn(&self.setup, &self.extension)?;
                self.greeting()?;
                Err(reason)
            }
        }
    }

    /// Collects what other cases left (a count of nothing asks for that), warms a case up for about `warm`, and finds how
    /// many executions take about `sample`.
    pub fn calibrate(&mut self, case: usize, warm: Duration, sample: Duration) -> Result<u64, String> {
        self.time(case, 0)?;
        let mut spent = Duration::ZERO;
        let mut count = 1;
        loop {
            let mut taken = self.time(case, count)?;
            spent += taken;
            if taken >= sample / 2 && spent >= warm {
                // A collection may have fallen into it: the shortest of three is how long it takes.
                for _ in 0..2 {
                    taken = taken.min(self.time(case, count)?);
                }
                if taken >= sample / 2 {
                    let ratio = sample.as_secs_f64() / taken.as_secs_f64();
                    return Ok(((count as f64 * ratio) as u64).max(1));
                }
            }
            if taken < sample {
                count *= 2;
            }
        }
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        // The process may have ended already; either way it is to be gone.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
