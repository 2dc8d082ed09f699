//! Packages from PyPI, as their users have them: built from their source packages against `include/`, and their wheels loaded
//! as they are. They are fetched with pip (`python3 -m pip`); where that is not possible the tests say that they are skipped,
//! or fail when `CAPE_REQUIRE_DOWNLOADS` is set.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use cape_tests::process::{limit, run};
use cape_tests::{cape, compile, cpython, root, scratch};

/// What CPython 3.14 on x86-64 Linux would install.
const WHEEL: &[&str] = &[
    "--only-binary=:all:",
    "--implementation=cp",
    "--python-version=3.14",
    "--abi=cp314",
    "--platform=manylinux2014_x86_64",
    "--platform=manylinux_2_28_x86_64",
];
const SOURCE: &[&str] = &["--no-binary=:all:"];

/// The file of a package's release, downloaded once; None when it cannot be had here.
fn fetch(requirement: &str, kind: &[&str], suffix: &str) -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("downloads").join(requirement);
    let find = || {
        let entries = std::fs::read_dir(&folder).ok()?;
        entries.flatten().map(|e| e.path()).find(|p| p.to_string_lossy().ends_with(suffix))
    };
    if find().is_none() {
        std::fs::create_dir_all(&folder).expect("the target folder can be written");
        let mut pip = Command::new("python3");
        pip.args(["-m", "pip", "download", "--quiet", "--no-deps", "--dest"])
            .arg(&folder)
            .args(kind)
            .arg(requirement);
        let outcome = run(&mut pip, &folder.join("pip.log"), limit(Duration::from_secs(180)));
        if !outcome.is_ok() {
            assert!(
                std::env::var_os("CAPE_REQUIRE_DOWNLOADS").is_none(),
                "{requirement}: {}",
                outcome.tail(5)
            );
            println!("skipped: {requirement} cannot be downloaded ({})", outcome.tail(1));
        }
    }
    find()
}

/// Unpacks an archive with Cape's own library.
fn unpack(archive: &Path, folder: &Path) {
    let code = "import shutil, sys; shutil.unpack_archive(sys.argv[1], sys.argv[2], sys.argv[3])";
    let format = if archive.to_string_lossy().ends_with(".whl") { "zip" } else { "gztar" };
    let mut command = Command::new(cape());
    command.args(["-c", code]).arg(archive).arg(folder).arg(format);
    let outcome = run(&mut command, &folder.join("unpack.log"), limit(Duration::from_secs(120)));
    assert!(outcome.is_ok(), "{}: {}", archive.display(), outcome.tail(12));
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

/// Runs the corpus on a folder with the package: plain, and with a collection every few allocations; both must print the
/// same. Returns what they print.
fn escape(package: &Path, folder: &Path) -> String {
    let package = package.to_str().expect("a path in UTF-8");
    let script = "markupsafe_corpus.py";
    let plain = output(cape(), &[], script, &[package], folder);
    let stress = output(cape(), &["-X", "gc=every:50,move,poison,verify"], script, &[package], folder);
    assert!(plain == stress, "other results under stress: see {}", folder.display());
    plain
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

    match cpython() {
        Some(peer) => {
            let package = unpacked.to_str().expect("a path in UTF-8");
            let theirs = output(&peer, &[], "markupsafe_corpus.py", &[package], &folder);
            for (n, (a, b)) in from_wheel.lines().zip(theirs.lines()).enumerate() {
                assert_eq!(a, b, "line {n}: Cape, CPython");
            }
            assert_eq!(from_wheel.len(), theirs.len());
        }
        None => println!("skipped: the comparison with CPython 3.14, which is not here"),
    }
}
