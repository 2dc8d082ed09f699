//! Wheels from PyPI that were built for CPython 3.14, loaded as they are and used a little.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use cape_tests::downloads::wheel;
use cape_tests::process::{limit, run};
use cape_tests::{cape, cpython, root, scratch};

/// A row of `wheels/table.tsv`: a package, and what it needs.
fn rows() -> Vec<(String, Vec<String>)> {
    let text = std::fs::read_to_string(root().join("tests/wheels/table.tsv")).expect("table.tsv");
    let row = |line: &str| {
        let (requirement, with) = line.split_once('\t').unwrap_or_else(|| panic!("not a row: {line}"));
        let all = [requirement].into_iter().chain(with.split(' ')).filter(|r| !r.is_empty());
        (requirement.split("==").next().unwrap_or_default().to_string(), all.map(str::to_string).collect())
    };
    text.lines().skip(1).map(row).collect()
}

/// How a use of a package ends: what it says last, if it fails.
fn fails(engine: &Path, name: &str, path: &[PathBuf], folder: &Path) -> Option<String> {
    let path: Vec<String> = path.iter().map(|p| p.display().to_string()).collect();
    let mut command = Command::new(engine);
    command.arg(root().join("tests/wheels/uses.py")).arg(name).env("PYTHONPATH", path.join(":"));
    let outcome = run(&mut command, &folder.join(format!("{name}.log")), limit(Duration::from_secs(120)));
    (!outcome.is_ok()).then(|| format!("{name}: {}\n{}", outcome.end(), outcome.tail(8)))
}

#[test]
#[ignore = "downloads 150 MB"]
fn wheels_run_unmodified() {
    let folder = scratch(env!("CARGO_TARGET_TMPDIR"), "wheels");
    let mut unpacked: BTreeMap<String, Option<PathBuf>> = BTreeMap::new();
    let mut failures = Vec::new();
    let (mut ran, mut skipped) = (0, 0);
    for (name, requirements) in rows() {
        let mut path = Vec::new();
        for r in &requirements {
            let one = unpacked.entry(r.clone()).or_insert_with(|| wheel(env!("CARGO_TARGET_TMPDIR"), r));
            path.extend(one.clone());
        }
        if path.len() < requirements.len() {
            skipped += 1;
            continue;
        }
        ran += 1;
        failures.extend(fails(cape(), &name, &path, &folder));
        if let Some(peer) = cpython() {
            failures.extend(fails(&peer, &name, &path, &folder).map(|said| format!("in CPython: {said}")));
        }
    }
    println!("{ran} packages, {skipped} skipped");
    assert!(failures.is_empty(), "{} of {ran} fail:\n{}", failures.len(), failures.join("\n"));
}
