//! Packages from PyPI, as their users have them: built from their source packages against `include/`, and their wheels loaded
//! as they are.

#[path = "packages/table.rs"]
mod table;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use cape_tests::downloads::{self, PURE, SOURCE, unpack};
use cape_tests::process::{Outcome, limit, run};
use cape_tests::{cape, compile, cpython, root, scratch};
use table::{PACKAGES, PYTEST, Package};

/// What CPython 3.14 on x86-64 Linux would install.
const WHEEL: &[&str] = &[
    "--only-binary=:all:",
    "--implementation=cp",
    "--python-version=3.14",
    "--abi=cp314",
    "--platform=manylinux2014_x86_64",
    "--platform=manylinux_2_28_x86_64",
];
const SUFFIX: &str = ".cpython-314-x86_64-linux-gnu.so";

/// The file of a package's release, downloaded once; None when it cannot be had here.
fn fetch(requirement: &str, kind: &[&str], suffix: &str) -> Option<PathBuf> {
    downloads::fetch(env!("CARGO_TARGET_TMPDIR"), requirement, kind, suffix)
}

/// What a script prints; panics with its last words when it fails.
fn output(engine: &Path, arguments: &[&str], script: &str, rest: &[&str], folder: &Path) -> String {
    let mut command = Command::new(engine);
    command.args(arguments).arg(root().join("tests/packages").join(script)).args(rest);
    let outcome = run(&mut command, &folder.join("script.log"), limit(Duration::from_secs(300)));
    assert!(
        outcome.is_ok(),
        "{} {arguments:?} {rest:?}: {}\n{}",
        engine.display(),
        outcome.end(),
        outcome.tail(15)
    );
    outcome.output
}

/// The folder of a package's release, unpacked into `folder`; None when it cannot be had here.
fn unpacked(requirement: &str, kind: &[&str], suffix: &str, folder: PathBuf) -> Option<PathBuf> {
    let archive = fetch(requirement, kind, suffix)?;
    std::fs::create_dir_all(&folder).expect("the target folder can be written");
    unpack(&archive, &folder);
    Some(if suffix == ".whl" { folder } else { folder.join(requirement.replace("==", "-")) })
}

/// Copies a folder with all that is in it, over what is there.
fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("the target folder can be written");
    for entry in std::fs::read_dir(from).unwrap_or_else(|e| panic!("{}: {e}", from.display())).flatten() {
        let (path, to) = (entry.path(), to.join(entry.file_name()));
        if path.is_dir() {
            copy(&path, &to);
        } else {
            std::fs::copy(&path, &to).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        }
    }
}

/// Builds a package from its source package into `folder`, against the headers of Cape.
fn build(package: &Package, source: &Path, folder: &Path) {
    if let Some(python) = package.python {
        copy(&source.join(python), &folder.join(python));
    }
    for extension in package.extensions {
        let target = format!("{}{SUFFIX}", folder.join(extension.target).display());
        std::fs::create_dir_all(Path::new(&target).parent().expect("a folder")).expect("it can be written");
        let mut arguments = ["-shared", "-fPIC", "-O2", "-w", "-o", &target].map(str::to_string).to_vec();
        for pattern in extension.sources {
            arguments.extend(matching(source, pattern));
        }
        let flag = |flag: &&str| match flag.strip_prefix("-I") {
            Some(f) => format!("-I{}", source.join(f).display()),
            None => flag.to_string(),
        };
        arguments.extend(extension.flags.iter().map(flag));
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        compile("cc", &arguments);
    }
}

/// The files that a path with a `*` before its suffix names.
fn matching(source: &Path, pattern: &str) -> Vec<String> {
    let Some((folder, suffix)) = pattern.split_once('*') else {
        return vec![source.join(pattern).display().to_string()];
    };
    let entries = std::fs::read_dir(source.join(folder)).unwrap_or_else(|e| panic!("{pattern}: {e}"));
    let paths = entries.flatten().map(|e| e.path().display().to_string());
    let mut out: Vec<String> = paths.filter(|p| p.ends_with(suffix)).collect();
    out.sort();
    out
}

/// How a run of a package's own tests ended.
#[derive(Default)]
struct Results {
    /// Tests that ran, passed, failed, were skipped.
    counts: [usize; 4],
    failed: BTreeSet<String>,
}

/// What `suite.py` printed.
fn results(outcome: &Outcome, what: &str) -> Results {
    let mut out = Results::default();
    let mut complete = false;
    for line in outcome.output.lines() {
        match line.split('\t').collect::<Vec<_>>()[..] {
            ["", "failed", test] => drop(out.failed.insert(test.to_string())),
            ["", "counts", ref counts @ ..] => {
                complete = true;
                for (count, text) in out.counts.iter_mut().zip(counts) {
                    *count = text.parse().expect("a count");
                }
            }
            _ => {}
        }
    }
    assert!(complete, "{what}: {}\n{}", outcome.end(), outcome.tail(25));
    out
}

/// Runs a package's own tests, which are in `folder` beside the package, in an engine.
fn suite(
    package: &Package,
    engine: &Path,
    gc: Option<&str>,
    folder: &Path,
    pytest: Option<&Path>,
) -> (Results, String) {
    let mut command = Command::new(engine);
    command.arg(root().join("tests/packages/suite.py")).args(package.suite).current_dir(folder);
    let paths = std::iter::once(folder).chain(pytest);
    command.env("PYTHONPATH", std::env::join_paths(paths).expect("paths without colons"));
    command.env("PYTHONDONTWRITEBYTECODE", "1").env("CAPE_TEST_EXECUTABLE", engine);
    match gc {
        // Interpreters that the tests start are under it, too.
        Some(gc) => command.env("CAPEGC", gc),
        None => command.env_remove("CAPEGC"),
    };
    let name = engine.file_name().expect("a file").to_string_lossy();
    let log = folder.join(format!("suite-{name}-{}.log", gc.map_or("plain", |_| "stress")));
    let outcome = run(&mut command, &log, limit(Duration::from_secs(900)));
    (results(&outcome, &format!("{} in {}", package.requirement, folder.display())), outcome.output)
}

type Rows = BTreeMap<(String, String), [usize; 8]>;

fn suites_path() -> PathBuf {
    root().join("tests/packages/suites.tsv")
}

/// The recorded counts: (requirement, how it was built) to those of Cape and of CPython.
fn recorded() -> Rows {
    let text = std::fs::read_to_string(suites_path()).expect("suites.tsv");
    let row = |line: &str| {
        let fields: Vec<&str> = line.split('\t').collect();
        let mut counts = [0; 8];
        for (count, text) in counts.iter_mut().zip(&fields[3..]) {
            *count = text.parse().ok()?;
        }
        Some(((format!("{}=={}", fields[0], fields[1]), fields[2].to_string()), counts))
    };
    text.lines().skip(1).filter_map(row).collect()
}

/// Tests that fail in Cape, with the reasons: (requirement without version, test).
fn reasons() -> BTreeMap<(String, String), String> {
    let text = std::fs::read_to_string(root().join("tests/packages/failures.tsv")).expect("failures.tsv");
    let row = |line: &str| {
        let [package, test, reason] = line.split('\t').collect::<Vec<_>>()[..] else {
            panic!("not a row: {line}")
        };
        assert!(!reason.is_empty(), "a failure without a reason: {test}");
        ((package.to_string(), test.to_string()), reason.to_string())
    };
    text.lines().skip(1).map(row).collect()
}

/// Records the counts of a run (`CAPE_BLESS=1`).
fn bless(key: &(String, String), counts: [usize; 8]) {
    let mut rows = recorded();
    rows.insert(key.clone(), counts);
    let mut text = String::from(
        "package\tversion\tbuilt\trun\tpassed\tfailed\tskipped\tCPython run\tpassed\tfailed\tskipped\n",
    );
    for ((requirement, built), counts) in rows {
        let counts: Vec<String> = counts.iter().map(usize::to_string).collect();
        text += &format!("{}\t{built}\t{}\n", requirement.replace("==", "\t"), counts.join("\t"));
    }
    std::fs::write(suites_path(), text).expect("suites.tsv can be written");
}

/// Runs the tests of a package, as a wheel and built from source, plain and under stress: no more of them fail than are recorded.
fn check(package: &Package) {
    let (name, _) = package.requirement.split_once("==").expect("a version");
    let folder = scratch(env!("CARGO_TARGET_TMPDIR"), name);
    let wheel = unpacked(package.requirement, WHEEL, ".whl", folder.join("wheel"));
    let source = unpacked(package.requirement, SOURCE, ".tar.gz", folder.join("sdist"));
    let (Some(wheel), Some(source)) = (wheel, source) else { return };
    let pytest = folder.join("pytest");
    if package.pytest && !PYTEST.iter().all(|r| unpacked(r, PURE, ".whl", pytest.clone()).is_some()) {
        return;
    }
    let pytest = package.pytest.then_some(pytest.as_path());
    let built = folder.join("source");
    build(package, &source, &built);
    let arguments = [name, wheel.to_str().expect("a path in UTF-8")];
    let ours = stable("corpus.py", &arguments, &folder);
    assert!(ours.lines().count() > 20, "{ours}");
    same_in_cpython(&ours, "corpus.py", &arguments, &folder);
    let from_source = [name, built.to_str().expect("a path in UTF-8")];
    let theirs = stable("corpus.py", &from_source, &folder);
    assert!(ours == theirs, "{name}: wheel and source differ: see {}", folder.display());
    let reasons = reasons();
    for (how, place) in [("wheel", &wheel), ("source", &built)] {
        copy(&source.join(package.tests), &place.join(package.tests));
        let (plain, output) = suite(package, cape(), None, place, pytest);
        let key = (package.requirement.to_string(), how.to_string());
        let mut counts = recorded().get(&key).copied().unwrap_or_default();
        if std::env::var_os("CAPE_BLESS").is_some() {
            counts[..4].copy_from_slice(&plain.counts);
            if let (Some(peer), "wheel") = (cpython(), how) {
                counts[4..].copy_from_slice(&suite(package, &peer, None, place, pytest).0.counts);
            } else if let Some(wheel) = recorded().get(&(key.0.clone(), "wheel".into())) {
                // Built against the headers of Cape, it is not for CPython: the wheel speaks for it.
                counts[4..].copy_from_slice(&wheel[4..]);
            }
            bless(&key, counts);
        }
        let unknown = |r: &Results| -> Vec<String> {
            let known = |test: &&String| !reasons.contains_key(&(name.to_string(), test.to_string()));
            r.failed.iter().filter(known).cloned().collect()
        };
        let new = unknown(&plain);
        assert!(new.is_empty(), "{name} ({how}): {new:?}\n{output}");
        let [run, passed, _, _] = plain.counts;
        assert!(
            run >= counts[0] && passed >= counts[1],
            "{name} ({how}): {:?}, was {:?}; see {}",
            plain.counts,
            &counts[..4],
            place.display()
        );
        if passed > counts[1] {
            println!("{name} ({how}): {passed} pass, {} did: CAPE_BLESS=1", counts[1]);
        }
        let (stress, output) = suite(package, cape(), Some(package.stress), place, pytest);
        let new = unknown(&stress);
        assert!(new.is_empty(), "{name} ({how}) under stress: {new:?}\n{output}");
        for ((_, test), _) in reasons.iter().filter(|r| r.0.0 == name && !plain.failed.contains(&r.0.1)) {
            println!("{name} ({how}): {test} does not fail: tests/packages/failures.tsv says it does");
        }
    }
}

macro_rules! suites {
    ($($name:ident),*) => { $(
        /// The package's own tests.
        #[test]
        fn $name() {
            let package = PACKAGES.iter().find(|p| p.requirement.starts_with(concat!(stringify!($name), "==")));
            check(package.expect("a row"));
        }
    )* };
}
suites!(simplejson, ujson, msgpack, bitarray, xxhash);

/// Runs a script plain, and with a collection every few allocations; both must print the same. Returns what they print.
fn stable(script: &str, arguments: &[&str], folder: &Path) -> String {
    let plain = output(cape(), &[], script, arguments, folder);
    let options = format!("gc={}", cape_tests::zeal("50"));
    let stress = output(cape(), &["-X", &options], script, arguments, folder);
    assert!(plain == stress, "other results under stress: see {}", folder.display());
    plain
}

/// MarkupSafe's corpus on a folder with the package.
fn escape(package: &Path, folder: &Path) -> String {
    stable("markupsafe_corpus.py", &[package.to_str().expect("a path in UTF-8")], folder)
}

/// What CPython prints for a script is what Cape printed.
fn same_in_cpython(ours: &str, script: &str, arguments: &[&str], folder: &Path) {
    let Some(peer) = cpython() else {
        println!("skipped: the comparison with CPython 3.14, which is not here");
        return;
    };
    let theirs = output(&peer, &[], script, arguments, folder);
    for (n, (a, b)) in ours.lines().zip(theirs.lines()).enumerate() {
        assert_eq!(a, b, "line {n}: Cape, CPython");
    }
    assert_eq!(ours.len(), theirs.len());
}

/// MarkupSafe built from source, and its wheel: the answers are those of pure Python (checked in the script), of each other, and
/// of CPython with the same wheel.
#[test]
fn markupsafe() {
    let requirement = "markupsafe==3.0.3";
    let (Some(wheel), Some(source)) =
        (fetch(requirement, WHEEL, ".whl"), fetch(requirement, SOURCE, ".tar.gz"))
    else {
        return;
    };
    let folder = scratch(env!("CARGO_TARGET_TMPDIR"), "markupsafe");
    let unpacked = folder.join("wheel");
    std::fs::create_dir_all(&unpacked).expect("the target folder can be written");
    unpack(&wheel, &unpacked);
    let from_wheel = escape(&unpacked, &folder);
    assert!(from_wheel.ends_with("1400 strings\n"));

    unpack(&source, &folder);
    let package = folder.join("markupsafe-3.0.3/src");
    let module = package.join("markupsafe");
    let shared = module.join("_speedups.cpython-314-x86_64-linux-gnu.so");
    let c = module.join("_speedups.c");
    let [shared, c] = [&shared, &c].map(|p| p.to_str().expect("a path in UTF-8"));
    compile(
        "cc",
        &["-shared", "-fPIC", "-O2", "-Wall", "-Wextra", "-Wno-unused-parameter", "-Werror", c, "-o", shared],
    );
    let from_source = escape(&package, &folder);
    assert!(from_source == from_wheel, "wheel and source differ: see {}", folder.display());

    let package = unpacked.to_str().expect("a path in UTF-8");
    same_in_cpython(&from_wheel, "markupsafe_corpus.py", &[package], &folder);
}
