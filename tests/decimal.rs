//! Decimal numbers: random operations, with their signals, against CPython's answers.

use std::process::Command;
use std::time::Duration;

use cape_tests::process::{limit, run};
use cape_tests::{cape, cpython, root, scratch};

#[test]
fn operations_agree_with_cpython() {
    let Some(cpython) = cpython() else {
        println!("no CPython 3.14 here (CAPE_PEER_CPYTHON): skipped");
        return;
    };
    let folder = scratch(env!("CARGO_TARGET_TMPDIR"), "decimal");
    let answers = |engine: &std::path::Path, name: &str| {
        let log = folder.join(name);
        let mut command = Command::new(engine);
        command.arg("-P").arg(root().join("tests/decimal/answers.py"));
        let outcome = run(&mut command, &log, limit(Duration::from_secs(300)));
        assert!(outcome.is_ok(), "{name}: {}\n{}", outcome.end(), outcome.tail(12));
        std::fs::read_to_string(&log).expect("the answers")
    };
    let (ours, theirs) = (answers(cape(), "cape"), answers(&cpython, "cpython"));
    let differ = ours.lines().zip(theirs.lines()).filter(|(a, b)| a != b);
    let wrong: Vec<String> = differ.take(20).map(|(a, b)| format!("{a}\n  CPython: {b}")).collect();
    assert!(
        ours.lines().count() == theirs.lines().count() && wrong.is_empty(),
        "different: {}",
        wrong.join("\n")
    );
}
