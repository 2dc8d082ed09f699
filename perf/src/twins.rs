//! `cape-perf twins`: each hot function of the C API that `bridge-c` implements, against its twin in Rust, in one process.

use std::fmt::Write as _;
use std::path::Path;

use cape_tests::{cape_twins, root};

use crate::engine::{self, Engine, Setup};
use crate::report::Report;
use crate::sample::{Plan, measure};

/// C that is less than this many times faster than Rust is not worth having.
pub const WORTH: f64 = 2.0;

/// Builds `cape-twins` and the extension that calls both, and starts them.
pub fn start() -> Result<Engine, String> {
    engine::start(Setup {
        name: "twins",
        command: cape_twins(),
        interpreter_options: vec![],
        script: "twins.py",
        options: vec![],
        sources: vec![root().join("perf/ext/twins/twins.c").display().to_string()],
        flags: engine::own_flags(),
    })
}

/// Measures all, and prints the table. Err: what went wrong.
pub fn run(plan: &Plan, filter: &str, json: Option<&Path>) -> Result<(), Vec<String>> {
    let mut engines = [start().map_err(|e| vec![e])?];
    let mut report = Report { engines: vec!["Rust".into(), "C".into()], cases: vec![] };
    let mut problems = vec![];
    let cases = engines[0].cases.clone();
    for pair in cases.chunks(2).filter(|pair| pair[0].name.contains(filter)) {
        let mut times: Vec<_> = pair.iter().flat_map(|case| measure(&mut engines, case, plan)).collect();
        times.reverse(); // Rust first: the ratio is how much faster C is
        problems
            .extend(times.iter().filter_map(|t| Some(format!("{}: {}", pair[0].name, t.as_ref().err()?))));
        report.add("twins", &pair[0].name, times);
    }
    print!("{}", table(&report));
    problems.extend(json.and_then(|path| report.write(path).err()));
    if problems.is_empty() { Ok(()) } else { Err(problems) }
}

/// Time in C, time in Rust, how much faster C is; with a mark where that is little.
fn table(report: &Report) -> String {
    let mut out = format!("{:<40}{:>12}{:>12}{:>10}\n", "function", "C", "Rust", "Rust/C");
    let mut slow = 0;
    for row in &report.cases {
        let time = |i: usize| match &row.times[i] {
            Ok(s) => format!("{:.1} ns", s.median),
            Err(_) => "failed".into(),
        };
        let ratio = row.ratios.get("C");
        let little = ratio.is_some_and(|&r| r < WORTH);
        slow += usize::from(little);
        let ratio = ratio.map_or("-".into(), |r| format!("{r:.1}"));
        let mark = if little { "  less than twice as fast in C" } else { "" };
        let _ = writeln!(out, "{:<40}{:>12}{:>12}{ratio:>10}{mark}", row.name, time(1), time(0));
    }
    let _ = writeln!(out, "{} functions, {slow} of them less than twice as fast in C", report.cases.len());
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::Summary;

    #[test]
    fn what_gains_little_from_c_is_marked() {
        let mut report = Report { engines: vec!["Rust".into(), "C".into()], cases: vec![] };
        let time = |median| Ok(Summary { median, spread: 0.01 });
        report.add("twins", "PyList_Size", vec![time(20.0), time(2.0)]);
        report.add("twins", "PyObject_Call", vec![time(30.0), time(20.0)]);
        let table = table(&report);
        let marked: Vec<_> = table.lines().filter(|line| line.contains("twice as fast in C")).collect();
        assert!(marked[0].starts_with("PyObject_Call") && marked.len() == 2, "{table}");
        assert!(table.contains("10.0"), "{table}");
    }
}
