//! Runs modules of CPython's own test-suite (`Lib/test`), each in processes of its own, and compares
//! with the manifest.
//!
//!     cargo run --release -p cape-tests --bin cpython-tests -- [--all | MODULE...] [--bless] [--zeal OPTIONS]
//!     cargo run --release -p cape-tests --bin cpython-tests -- --battery quick|all [--zeal OPTIONS]
//!
//! Without modules, those of `cpython/ci.txt`. The suite is CPython 3.14's: `CAPE_CPYTHON_TESTS` names the
//! folder, else it is asked from an installed CPython. A test that kills its process, or is silent for too
//! long, fails; the rest of the module goes on in a new process.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use cape_tests::manifest::{Expected, Fate, Manifest, Module};
use cape_tests::process::{Outcome, limit, parallel, run};
use cape_tests::{cape, cpython, root};

const USAGE: &str = "\
usage: cpython-tests [--all | --battery quick|all | MODULE...] [--bless] [--limit SECONDS] [--zeal OPTIONS] [--peer]

--all     every module of the suite, not those of ci.txt
--battery the modules of zeal.txt (those before its empty line, or all) under zeal
--bless   write the results to the manifest
--limit   how long one test may be silent (60)
--zeal    run with -X gc=OPTIONS; what is new in it fails unless zeal.tsv has a reason, what is better is not said
--peer    run under CPython instead, to see what the suite does there; nothing is compared
";

/// Modules that look at the bytecode files that their child processes write.
const WRITERS: [&str; 1] = ["test_compileall"];

/// How many processes a module may cost.
const MAX_PROCESSES: usize = 40;

/// What a battery runs with: moving all the time costs little, checking the whole heap much. (What is watched gets old by such collections,
/// and ends promptly or not as they happen to come: hence `late`.)
const BATTERY: &str = "every:20,full:500,move,poison,verify:500,late";

struct Options {
    modules: Vec<String>,
    all: bool,
    bless: bool,
    peer: bool,
    zeal: Option<String>,
    silence: Duration,
}

fn options() -> Option<Options> {
    let mut options = Options {
        modules: vec![],
        all: false,
        bless: false,
        peer: false,
        zeal: None,
        silence: Duration::from_secs(60),
    };
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--all" => options.all = true,
            "--bless" => options.bless = true,
            "--peer" => options.peer = true,
            "--zeal" => options.zeal = Some(args.next()?),
            "--battery" => {
                options.modules = battery(&args.next()?)?;
                options.zeal.get_or_insert_with(|| BATTERY.into());
            }
            "--limit" => options.silence = Duration::from_secs(args.next()?.parse().ok()?),
            name if !name.starts_with('-') => options.modules.push(name.trim_start_matches("test.").into()),
            _ => return None,
        }
    }
    Some(options)
}

/// The modules of `cpython/zeal.txt`: all, or those before the empty line.
fn battery(part: &str) -> Option<Vec<String>> {
    let list = std::fs::read_to_string(root().join("tests/cpython/zeal.txt")).expect("zeal.txt");
    let list = match part {
        "all" => &list,
        "quick" => list.split("\n\n").next()?,
        _ => return None,
    };
    Some(list.split_whitespace().map(str::to_string).collect())
}

/// Extensions in C that belong to CPython's suite: they are compiled for CPython, and Cape loads them as any others. (`_testinternalcapi` and
/// `_testclinic` ask for CPython's insides.)
const EXTENSIONS: &[&str] = &[
    "_ctypes_test",
    "_testbuffer",
    "_testcapi",
    "_testclinic_limited",
    "_testimportmultiple",
    "_testlimitedcapi",
    "_testmultiphase",
    "_testsinglephase",
    "_xxtestfuzz",
    "xxlimited",
    "xxlimited_35",
    "xxsubtype",
];

/// Makes the suite's extensions importable from `path`.
fn link_extensions(suite: &Path, path: &Path) {
    let folder = suite.parent().map(|library| library.join("lib-dynload")).unwrap_or_default();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let module = name.to_string_lossy().split('.').next().unwrap_or_default().to_string();
        if EXTENSIONS.contains(&module.as_str()) {
            let link = path.join(&name);
            let _ = std::fs::remove_file(&link);
            std::os::unix::fs::symlink(entry.path(), &link).expect("a link to an extension of the suite");
        }
    }
}

/// The folder `test` of CPython's library.
fn suite() -> Option<PathBuf> {
    if let Some(path) = std::env::var_os("CAPE_CPYTHON_TESTS") {
        let path = PathBuf::from(path);
        let inner = path.join("test");
        return Some(if inner.join("support").is_dir() { inner } else { path });
    }
    let asked = cpython().and_then(|command| {
        let output =
            Command::new(command).args(["-c", "import test; print(test.__path__[0])"]).output().ok()?;
        Some(PathBuf::from(String::from_utf8_lossy(&output.stdout).trim()))
    });
    let usual = ["/usr/lib/python3.14/test", "/usr/local/lib/python3.14/test"].map(PathBuf::from);
    asked.into_iter().chain(usual).find(|path| path.join("support").is_dir())
}

fn main() -> ExitCode {
    let Some(options) = options() else {
        eprint!("{USAGE}");
        return ExitCode::from(2);
    };
    let Some(suite) = suite() else {
        println!("CPython's test-suite is not here (CAPE_CPYTHON_TESTS): skipped");
        return ExitCode::SUCCESS;
    };
    let work = root().join("target/cpython-tests");
    let path = work.join("path");
    std::fs::create_dir_all(&path).expect("the target folder can be written");
    let link = path.join("test"); // on sys.path alone: the rest of the library is Cape's own
    let _ = std::fs::remove_file(&link);
    std::os::unix::fs::symlink(&suite, &link).expect("a link to the suite");

    if !options.peer {
        link_extensions(&suite, &path);
    }
    let installed = (!options.peer).then(|| Installed::new(cape(), &suite, &path, &work));
    let engine = if options.peer { cpython().expect("CPython 3.14") } else { cape().to_path_buf() };
    let names = if !options.modules.is_empty() {
        options.modules.clone()
    } else if options.all {
        modules(&suite)
    } else {
        let list = std::fs::read_to_string(root().join("tests/cpython/ci.txt")).expect("ci.txt");
        list.split_whitespace().map(str::to_string).collect()
    };
    let runner = Runner {
        engine: &engine,
        path: &path,
        suite: installed.as_ref().and_then(|i| i.suite.as_deref()),
        work: &work,
        arguments: options.zeal.iter().flat_map(|zeal| ["-X".into(), format!("gc={zeal}")]).collect(),
        silence: options.silence,
    };
    let done = AtomicUsize::new(0);
    let results: Vec<Module> = parallel(&names, |name| {
        let start = Instant::now();
        let module = runner.module(name);
        let count = done.fetch_add(1, Ordering::Relaxed) + 1;
        println!(
            "[{count}/{}] {name}: {} run, {} passed, {} failed, {} skipped, {:.1} s",
            names.len(),
            module.run(),
            module.passed,
            module.failures.len(),
            module.skipped,
            start.elapsed().as_secs_f64()
        );
        module
    });
    let results: BTreeMap<String, Module> = names.into_iter().zip(results).collect();
    summary(&results);
    if options.peer {
        for (name, module) in &results {
            module.failures.iter().for_each(|(test, reason)| println!("{name}\t{test}\t{reason}"));
        }
        return ExitCode::SUCCESS;
    }
    compare(results, &options, &runner)
}

/// What an installed Python has in its prefix, for a `cape` that was built here: the library as files, which some tests read, the suite
/// beside them, and a folder `lib-dynload`, which is `path`, with the suite's extensions. So isolated processes, which tests start and which
/// ignore PYTHONPATH, find both. Gone when this is dropped.
struct Installed {
    links: Vec<PathBuf>,
    /// The suite in the library, if there is one to put it into.
    suite: Option<PathBuf>,
}

impl Installed {
    fn new(engine: &Path, suite: &Path, path: &Path, work: &Path) -> Installed {
        let mut installed = Installed { links: vec![], suite: None };
        let target = root().join("target");
        let library = engine.ancestors().nth(2).map(|prefix| prefix.join("lib/python3.14"));
        let inside =
            |f: &PathBuf| target.canonicalize().is_ok_and(|t| f.starts_with(&t)) || f.starts_with(&target);
        let Some(library) = library.filter(inside) else { return installed };
        let sources = work.join("library");
        let _ = std::fs::remove_dir_all(&sources);
        let unpack = root().join("tests/cpython/unpack_library.py");
        let unpacked = Command::new(engine).arg(unpack).arg(&sources).status();
        assert!(unpacked.is_ok_and(|status| status.success()), "the library could not be unpacked");
        std::fs::create_dir_all(&library).expect("the target folder can be written");
        for entry in std::fs::read_dir(&sources).expect("the library").flatten() {
            installed.link(&entry.path(), library.join(entry.file_name()));
        }
        installed.link(path, library.join("lib-dynload"));
        // (Not a link to the suite: tests compare the names of its folders with where they are.)
        let beside = library.join("test");
        let _ = std::fs::remove_dir_all(&beside);
        copy_tree(suite, &beside).expect("the target folder can be written");
        installed.suite = Some(beside);
        installed
    }

    fn link(&mut self, to: &Path, link: PathBuf) {
        let _ = std::fs::remove_file(&link);
        std::os::unix::fs::symlink(to, &link).expect("the target folder can be written");
        self.links.push(link);
    }
}

impl Drop for Installed {
    fn drop(&mut self) {
        for link in &self.links {
            let _ = std::fs::remove_file(link);
        }
        self.suite.iter().for_each(|suite| drop(std::fs::remove_dir_all(suite)));
    }
}

/// Copies a folder with what is in it.
fn copy_tree(from: &Path, to: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let copy = to.join(entry.file_name());
        match entry.file_type()? {
            kind if kind.is_dir() && entry.file_name() == "__pycache__" => {}
            kind if kind.is_dir() => copy_tree(&entry.path(), &copy)?,
            // (No link: a test may write into what is beside it.)
            _ => drop(std::fs::copy(entry.path(), &copy)?),
        }
    }
    Ok(())
}

/// Every module and package of tests.
fn modules(suite: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(suite).expect("the suite").filter_map(|entry| entry.ok());
    let mut names: Vec<String> = entries
        .filter_map(|entry| {
            let name = entry.file_name().to_string_lossy().into_owned();
            let name =
                name.strip_suffix(".py").map(str::to_string).or(entry.path().is_dir().then_some(name))?;
            name.starts_with("test_").then_some(name)
        })
        .collect();
    names.sort();
    names
}

fn summary(results: &BTreeMap<String, Module>) {
    let sum = |count: &dyn Fn(&Module) -> usize| results.values().map(count).sum::<usize>();
    println!(
        "{} modules ({} without a failure), {} tests: {} passed, {} failed, {} skipped",
        results.len(),
        results.values().filter(|module| module.failures.is_empty()).count(),
        sum(&Module::run),
        sum(&|module| module.passed),
        sum(&|module| module.failures.len()),
        sum(&|module| module.skipped)
    );
}

/// Compares with the manifest, or writes it. What is worse runs once more, alone.
fn compare(results: BTreeMap<String, Module>, options: &Options, runner: &Runner<'_>) -> ExitCode {
    let folder = root().join("tests/cpython");
    let mut manifest = Manifest::read(&folder);
    if options.bless {
        manifest.modules.extend(results);
        manifest.write(&folder).expect("the manifest can be written");
        return ExitCode::SUCCESS;
    }
    let mut worse = 0;
    let expected = if options.zeal.is_some() { Expected::read(&folder) } else { Expected::default() };
    for (name, module) in &results {
        let mut module = expected.without(name, module);
        match manifest.modules.get(name) {
            Some(before) => {
                let found = before.regressions(&module);
                if !found.is_empty() {
                    module = module.confirmed_by(&expected.without(name, &runner.module(name)));
                }
                let confirmed = before.regressions(&module);
                confirmed.iter().for_each(|regression| println!("WORSE {name}: {regression}"));
                for once in found.iter().filter(|found| !confirmed.contains(found)) {
                    println!("unstable {name}: {once}");
                }
                worse += confirmed.len();
                if options.zeal.is_none() && *before != module && confirmed.is_empty() {
                    println!("better {name}: {} passed before; --bless writes it down", before.passed);
                }
            }
            None => println!("new {name}: not in the manifest; --bless writes it down"),
        }
    }
    if worse == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Runs modules.
struct Runner<'a> {
    engine: &'a Path,
    path: &'a Path,
    /// Where the suite is when it is part of the library.
    suite: Option<&'a Path>,
    work: &'a Path,
    arguments: Vec<String>,
    silence: Duration,
}

impl Runner<'_> {
    /// All tests of a module, in as many processes as it takes.
    fn module(&self, name: &str) -> Module {
        let folder = self.work.join("run").join(name);
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).expect("the target folder can be written");
        let (report, done) = (folder.join("report"), folder.join("done"));
        let mut module = Module::default();
        let mut finished: Vec<String> = vec![];
        for _ in 0..MAX_PROCESSES {
            std::fs::write(&report, "").expect("the report can be written");
            std::fs::write(&done, finished.join("\n")).expect("the list can be written");
            let outcome = self.process(name, &folder, &report, &done);
            let text = String::from_utf8_lossy(&std::fs::read(&report).unwrap_or_default()).into_owned();
            let (events, running, ended) = events(&text);
            let progress = !events.is_empty() || running.is_some();
            for (test, fate) in events {
                let fate =
                    if let Fate::Fail(reason) = fate { Fate::Fail(self.portable(&reason)) } else { fate };
                module.add(&test, fate);
                finished.push(test);
            }
            if let Some(test) = running {
                module.add(&test, Fate::Fail(self.portable(&died(&outcome))));
                finished.push(test);
            } else if ended || (progress && outcome.is_ok()) {
                break;
            } else if !progress {
                module.add(name, Fate::Fail(self.portable(&died(&outcome))));
                break;
            } else {
                // It died between two tests: once more, with what is left, unless nothing is.
                if !outcome.is_ok() && finished.len() == module.run() && outcome.status.is_some() {
                    module.add(name, Fate::Fail(self.portable(&died(&outcome))));
                    break;
                }
            }
        }
        module
    }

    /// A reason without what differs from machine to machine and from run to run.
    fn portable(&self, reason: &str) -> String {
        let mut reason = reason.to_string();
        let root = root().canonicalize().unwrap_or_default();
        let suite = self.path.join("test").canonicalize().unwrap_or_default();
        let home = PathBuf::from(std::env::var_os("HOME").unwrap_or_default());
        for folder in [self.path, &suite, self.work, &root, &home] {
            let folder = folder.display().to_string();
            if folder.len() > 1 {
                reason = reason.replace(&folder, "...");
            }
        }
        for (before, is_part) in [
            ("0x", (|c| c.is_ascii_hexdigit()) as fn(char) -> bool),
            ("@test_", |c| c.is_ascii_digit()),
            ("pid=", |c| c.is_ascii_digit()),
        ] {
            reason = without(&reason, before, is_part);
        }
        reason.chars().take(160).collect()
    }

    /// One process; ended when its report does not grow for too long.
    fn process(&self, name: &str, folder: &Path, report: &Path, done: &Path) -> Outcome {
        let scratch = folder.join("cwd");
        std::fs::create_dir_all(&scratch).expect("the target folder can be written");
        let mut command = Command::new(self.engine);
        command
            .args(&self.arguments)
            .arg(root().join("tests/cpython/run_module.py"))
            .args([name.as_ref(), report.as_os_str(), done.as_os_str()])
            // CPython's runner sets it, to see that other characters than ASCII reach child processes.
            .env("PYTHONREGRTEST_UNICODE_GUARD", "\u{20ac}")
            .current_dir(&scratch);
        if self.suite.is_none() {
            command.env("PYTHONPATH", self.path);
        }
        // The suite is not ours to write into.
        match WRITERS.contains(&name) {
            true => command.env_remove("PYTHONDONTWRITEBYTECODE"),
            false => command.env("PYTHONDONTWRITEBYTECODE", "1"),
        };
        let mut size = 0;
        let mut last = Duration::ZERO;
        let mut total = limit(self.silence * 15);
        run(&mut command, &folder.join("log"), |elapsed| {
            let now = std::fs::metadata(report).map_or(0, |m| m.len());
            if now != size {
                (size, last) = (now, elapsed);
            }
            elapsed - last > self.silence || total(elapsed)
        })
    }
}

/// The finished tests in a report, the test that was running at its end, and whether the module ended.
fn events(report: &str) -> (Vec<(String, Fate)>, Option<String>, bool) {
    let (mut events, mut running, mut ended) = (vec![], None, false);
    for line in report.lines() {
        let mut fields = line.splitn(3, '\t');
        let (kind, test) = (fields.next().unwrap_or(""), fields.next().unwrap_or("").to_string());
        let fate = match kind {
            "start" => {
                running = Some(test);
                continue;
            }
            "end" => {
                ended = true;
                continue;
            }
            "pass" => Fate::Pass,
            "skip" => Fate::Skip,
            "fail" => Fate::Fail(fields.next().unwrap_or("").to_string()),
            _ => continue,
        };
        running = None;
        events.push((test, fate));
    }
    (events, running, ended)
}

/// The text with every run of characters behind `before` that are part of a number replaced by "...".
fn without(text: &str, before: &str, is_part: fn(char) -> bool) -> String {
    let mut pieces = text.split(before);
    let mut out = pieces.next().unwrap_or("").to_string();
    for piece in pieces {
        let rest = piece.trim_start_matches(is_part);
        out.push_str(before);
        out.push_str(if rest.len() < piece.len() { "..." } else { "" });
        out.push_str(rest);
    }
    out
}

/// Why a process ended early: its end, and the last thing it said.
fn died(outcome: &Outcome) -> String {
    let said: String = outcome.tail(1).chars().take(160).collect();
    let said = said.replace('\t', " ");
    format!("{} {said}", outcome.end()).trim().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_that_breaks_off_names_the_running_test() {
        let report = "start\ta\npass\ta\nstart\tb\nfail\tb\twhy\nstart\tc\n";
        let (events, running, ended) = events(report);
        assert_eq!(events, [("a".into(), Fate::Pass), ("b".into(), Fate::Fail("why".into()))]);
        assert_eq!((running, ended), (Some("c".into()), false));
    }

    #[test]
    fn addresses_are_not_part_of_a_reason() {
        let text = "<A at 0x7f00a>, 0x, <B at 0xff>";
        assert_eq!(without(text, "0x", |c| c.is_ascii_hexdigit()), "<A at 0x...>, 0x, <B at 0x...>");
    }
}
