//! Python scripts full of assertions (`snippets/*.py`): under Cape, under Cape with a collection every few
//! allocations, and under CPython, which must agree with what they assert.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use cape_tests::process::{limit, parallel, run};
use cape_tests::{cape, cpython, root, scratch};

/// The scripts, or those whose name contains `CAPE_SNIPPET`.
fn snippets() -> Vec<PathBuf> {
    let filter = std::env::var("CAPE_SNIPPET").unwrap_or_default();
    let entries = std::fs::read_dir(root().join("tests/snippets")).expect("the snippets");
    let mut paths: Vec<PathBuf> = entries
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|e| e == "py"))
        .filter(|path| name(path).contains(&filter))
        .collect();
    paths.sort();
    paths
}

fn name(path: &Path) -> String {
    path.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}

/// Snippets that are known to fail in a mode, with the reason: `snippets/known_failures.tsv`, rows of mode, name, reason.
fn known(mode: &str) -> Vec<(String, String)> {
    let text = std::fs::read_to_string(root().join("tests/snippets/known_failures.tsv")).unwrap_or_default();
    text.lines()
        .filter_map(|line| {
            let mut fields = line.splitn(3, '\t');
            let (m, name, reason) = (fields.next()?, fields.next()?, fields.next()?);
            (m == mode).then(|| (name.to_string(), reason.to_string()))
        })
        .collect()
}

/// Runs all snippets with `arguments(snippet)` before the script's name; panics with the list of failures.
fn all(engine: &Path, mode: &str, seconds: u64, arguments: impl Fn(&Path) -> Vec<String> + Sync) {
    let folder = scratch(env!("CARGO_TARGET_TMPDIR"), &format!("snippets-{mode}"));
    let snippets = snippets();
    let known = known(mode);
    let failures: Vec<String> = parallel(&snippets, |snippet| {
        let own = folder.join(name(snippet));
        std::fs::create_dir_all(&own).expect("the target folder can be written");
        let mut command = Command::new(engine);
        command.arg("-P").args(arguments(snippet)).arg(snippet).current_dir(&own);
        let outcome = run(&mut command, &own.join("log"), limit(Duration::from_secs(seconds)));
        let ok = outcome.is_ok();
        println!("{} {mode} {}", if ok { "ok    " } else { "FAILED" }, name(snippet));
        if let Some((_, reason)) = known.iter().find(|k| k.0 == name(snippet)) {
            println!(
                "       known to fail: {reason}{}",
                if ok { "; it passes now, take it off the list" } else { "" }
            );
            return None;
        }
        (!ok).then(|| format!("{}: {}\n{}\n", name(snippet), outcome.end(), outcome.tail(12)))
    })
    .into_iter()
    .flatten()
    .collect();
    let count = failures.len();
    assert!(failures.is_empty(), "{count} of {} snippets fail\n\n{}", snippets.len(), failures.join("\n"));
}

#[test]
fn snippets_hold() {
    all(cape(), "cape", 60, |_| vec![]);
}

#[test]
fn snippets_hold_in_cpython() {
    match cpython() {
        Some(cpython) => all(&cpython, "cpython", 60, |_| vec![]),
        None => println!("no CPython 3.14 here (CAPE_PEER_CPYTHON): skipped"),
    }
}

/// A first line "# zeal: N" sets the distance between collections; small files can afford small ones.
#[test]
fn snippets_hold_under_zeal() {
    all(cape(), "zeal", 300, |snippet| {
        let text = std::fs::read_to_string(snippet).unwrap_or_default();
        let wish = text.lines().next().and_then(|line| line.strip_prefix("# zeal: "));
        let every = wish.unwrap_or(if text.len() < 1500 { "10" } else { "50" });
        vec!["-X".into(), format!("gc={}", cape_tests::zeal(every))]
    });
}
