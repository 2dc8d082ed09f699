//! Projects of pure Python from PyPI: their own tests, run by pytest, in Cape and in CPython. `projects/counts.tsv` says how many
//! pass, which may only get better; `projects/failures.tsv` why the rest does not. A row of `projects/table.rs` is a project.
//!
//! `CAPE_BLESS=1` records the counts, with CPython's where it is here. The quick ones are tests like all others, the rest is
//! `cargo test -p cape-tests --release --test projects -- --ignored`.

#[path = "projects/table.rs"]
mod table;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::time::Duration;

use cape_tests::downloads::{SOURCE, fetch, unpack, wheel};
use cape_tests::process::{limit, run};
use cape_tests::{cape, cpython, root, scratch};
use table::{PROJECTS, PYTEST, Project};

const TARGET: &str = env!("CARGO_TARGET_TMPDIR");

/// The source package of a project, unpacked into `folder`; None when it cannot be had here.
fn source(requirement: &str, folder: &Path) -> Option<PathBuf> {
    let archive = fetch(TARGET, requirement, SOURCE, ".tar.gz")?;
    unpack(&archive, folder);
    let entries = std::fs::read_dir(folder).expect("the unpacked package");
    entries.flatten().map(|entry| entry.path()).find(|path| path.is_dir())
}

/// What became of the tests of a project.
#[derive(Default)]
struct Results {
    /// Tests that passed, failed, were skipped.
    counts: [usize; 3],
    failed: BTreeSet<String>,
}

/// Reads the report of `outcomes.py`: what became of the tests; and the one that ran last, when it is not complete.
fn results(report: &str) -> (Results, Option<String>) {
    let mut fates: BTreeMap<&str, &str> = BTreeMap::new();
    let mut last = "none";
    for (kind, test) in report.lines().filter_map(|line| line.split_once('\t')) {
        last = if kind == "end" { kind } else { test };
        if matches!(kind, "passed" | "failed" | "skipped") && fates.get(test) != Some(&"failed") {
            fates.insert(test, kind);
        }
    }
    let count = |kind| fates.values().filter(|fate| **fate == kind).count();
    let failed = fates.iter().filter(|(_, fate)| **fate == "failed");
    let results = Results {
        counts: ["passed", "failed", "skipped"].map(count),
        failed: failed.map(|(test, _)| test.to_string()).collect(),
    };
    (results, (last != "end").then(|| last.to_string()))
}

/// Runs the tests of a project in an engine, in its source package or in an empty folder; also returns what it printed.
fn suite(project: &Project, engine: &Path, folder: &Path, path: &[PathBuf]) -> (Results, String) {
    let name = engine.file_name().expect("a file").to_string_lossy();
    let beside = folder.parent().expect("a folder");
    let report = beside.join(format!("outcomes-{name}.tsv"));
    let mut command = Command::new(engine);
    command
        .args(["-m", "pytest", "-q", "-p", "outcomes", "--continue-on-collection-errors"])
        .args(project.arguments)
        .current_dir(folder)
        .env("PYTHONPATH", std::env::join_paths(path).expect("paths without colons"))
        .env("CAPE_OUTCOMES", &report)
        .env("CAPE_TEST_EXECUTABLE", engine)
        // On others, Cape's prompts draw what is typed with sequences of its own.
        .env("TERM", "dumb")
        .env_remove("PYTEST_ADDOPTS")
        .env_remove("CI");
    let outcome = run(&mut command, &beside.join(format!("{name}.log")), limit(Duration::from_secs(1800)));
    let text = std::fs::read(&report).unwrap_or_default();
    let (results, running) = results(&String::from_utf8_lossy(&text));
    if let Some(last) = running {
        panic!(
            "{} in {name} did not come to its end ({}), at: {last}\n{}",
            project.requirement,
            outcome.end(),
            outcome.tail(25)
        );
    }
    (results, outcome.output)
}

/// The counts of Cape, and of CPython.
type Counts = [[usize; 3]; 2];

/// Only one test at a time reads and writes what is recorded.
static RECORD: Mutex<()> = Mutex::new(());

fn counts_path() -> PathBuf {
    root().join("tests/projects/counts.tsv")
}

/// The recorded counts, by requirement.
fn recorded() -> BTreeMap<String, Counts> {
    let text = std::fs::read_to_string(counts_path()).expect("counts.tsv");
    let row = |line: &str| {
        let fields: Vec<&str> = line.split('\t').collect();
        let mut counts = [[0; 3]; 2];
        for (count, text) in counts.as_flattened_mut().iter_mut().zip(&fields[2..]) {
            *count = text.parse().unwrap_or_else(|_| panic!("not a row: {line}"));
        }
        (format!("{}=={}", fields[0], fields[1]), counts)
    };
    text.lines().skip(1).map(row).collect()
}

/// Records the counts of a project (`CAPE_BLESS=1`).
fn bless(requirement: &str, ours: [usize; 3], theirs: Option<[usize; 3]>) {
    let _alone = RECORD.lock().unwrap_or_else(|e| e.into_inner());
    let mut rows = recorded();
    let row = rows.entry(requirement.to_string()).or_default();
    *row = [ours, theirs.unwrap_or(row[1])];
    let mut text =
        String::from("project\tversion\tpassed\tfailed\tskipped\tCPython passed\tfailed\tskipped\n");
    for (requirement, counts) in rows {
        let counts: Vec<String> = counts.as_flattened().iter().map(usize::to_string).collect();
        text += &format!("{}\t{}\n", requirement.replace("==", "\t"), counts.join("\t"));
    }
    std::fs::write(counts_path(), text).expect("counts.tsv can be written");
}

/// Tests that fail in Cape, with the reasons. A `*` in a name stands for anything.
fn reasons(name: &str) -> Vec<String> {
    let text = std::fs::read_to_string(root().join("tests/projects/failures.tsv")).expect("failures.tsv");
    let row = |line: &str| {
        let [project, test, reason] = line.split('\t').collect::<Vec<_>>()[..] else {
            panic!("not a row: {line}")
        };
        assert!(!reason.is_empty(), "a failure without a reason: {test}");
        (project == name).then(|| test.to_string())
    };
    text.lines().skip(1).filter_map(row).collect()
}

/// Whether a name of `failures.tsv` means a test.
fn means(pattern: &str, test: &str) -> bool {
    pattern.split_once('*').map_or(pattern == test, |(start, end)| {
        test.strip_prefix(start).is_some_and(|rest| rest.ends_with(end))
    })
}

/// Runs the tests of a project: no more of them fail than are recorded, and each failure has a reason.
fn check(name: &str) {
    let project = PROJECTS.iter().find(|p| p.requirement.split_once("==").is_some_and(|p| p.0 == name));
    let project = project.expect("a row");
    let mut path = vec![root().join("tests/projects")];
    for requirement in std::iter::once(&project.requirement).chain(project.with).chain(PYTEST) {
        let Some(folder) = wheel(TARGET, requirement) else { return };
        path.push(folder);
    }
    let scratch = scratch(TARGET, &format!("project-{name}"));
    let unpacked = |engine: &str| {
        let folder = scratch.join(engine);
        std::fs::create_dir_all(&folder).expect("the target folder can be written");
        if project.source { source(project.requirement, &folder) } else { Some(folder) }
    };
    let Some(folder) = unpacked("cape") else { return };
    let (ours, output) = suite(project, cape(), &folder, &path);
    let before = recorded().get(project.requirement).copied();
    let blessing = std::env::var_os("CAPE_BLESS").is_some();
    if blessing {
        let theirs = cpython().and_then(|peer| Some(suite(project, &peer, &unpacked("cpython")?, &path).0));
        if let Some(theirs) = &theirs {
            let here = ours.failed.difference(&theirs.failed).map(String::as_str).collect::<Vec<_>>();
            println!("{name}: fail in Cape alone: {here:#?}");
        }
        bless(project.requirement, ours.counts, theirs.map(|theirs| theirs.counts));
    }
    println!("{name}: {:?}, {before:?} before", ours.counts);
    let reasons = reasons(name);
    let new: Vec<&String> =
        ours.failed.iter().filter(|test| !reasons.iter().any(|r| means(r, test))).collect();
    assert!(new.is_empty(), "{name}: {new:#?}\n{output}");
    for reason in reasons.iter().filter(|r| !ours.failed.iter().any(|test| means(r, test))) {
        println!("{name}: {reason} does not fail: tests/projects/failures.tsv says it does");
    }
    let Some([before, _]) = before else {
        assert!(blessing, "{name}: not in counts.tsv: CAPE_BLESS=1");
        return;
    };
    // A test with a reason may pass one day and fail the other: what is finalised when depends on the collections.
    let [run, run_before] = [ours.counts, before].map(|[passed, failed, _]| passed + failed);
    assert!(run >= run_before, "{name}: {:?}, was {before:?}; see {}", ours.counts, scratch.display());
}

macro_rules! projects {
    ($($(#[$attribute:meta])* $function:ident $name:literal;)*) => { $(
        /// The project's own tests.
        #[test]
        $(#[$attribute])*
        fn $function() {
            check($name);
        }
    )* };
}
projects! {
    itsdangerous "itsdangerous";
    #[ignore = "takes minutes"] pytest "pytest";
    #[ignore = "takes minutes"] attrs "attrs";
    #[ignore = "takes minutes"] click "click";
    #[ignore = "takes minutes"] jinja2 "jinja2";
    #[ignore = "takes minutes"] flask "flask";
    #[ignore = "takes minutes"] idna "idna";
    #[ignore = "takes minutes"] more_itertools "more-itertools";
    #[ignore = "takes minutes"] packaging "packaging";
    #[ignore = "takes minutes"] pygments "pygments";
    #[ignore = "takes minutes"] docutils "docutils";
    #[ignore = "takes minutes"] markdown "markdown";
    #[ignore = "takes minutes"] pyparsing "pyparsing";
    #[ignore = "takes minutes"] networkx "networkx";
    #[ignore = "takes minutes"] requests "requests";
}
