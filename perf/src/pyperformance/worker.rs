//! One run of a program, as a worker of pyperf's, which does as it is told and writes JSON.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use cape_tests::process::{limit, run};
use cape_tests::root;
use serde_json::Value;

use super::table::Variant;

/// An interpreter to run programs on.
pub struct Worker {
    /// For tables.
    pub name: &'static str,
    /// The interpreter.
    pub command: PathBuf,
    /// Where pyperf and pyperformance are.
    pub packages: PathBuf,
    /// Where its files go.
    pub folder: PathBuf,
}

/// What a run says about one of a program's benchmarks.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    /// Its name.
    pub name: String,
    /// How often a sample repeats it.
    pub loops: u64,
    /// How long such a sample takes, in seconds.
    pub sample: f64,
    /// The samples: seconds per repetition.
    pub values: Vec<f64>,
}

impl Worker {
    /// Runs a variant of a program with options of pyperf's. Err: how it ended.
    pub fn run(&self, variant: Variant, options: &[String]) -> Result<Vec<Found>, String> {
        let program = variant.program;
        let place =
            self.packages.join("pyperformance/data-files/benchmarks").join(format!("bm_{}", program.name));
        let output = self.folder.join(format!("{}.json", self.name));
        let _ = std::fs::remove_file(&output); // pyperf overwrites nothing
        let paths = std::iter::once(self.packages.clone()).chain(program.vendor.map(|v| place.join(v)));
        let mut command = Command::new(&self.command);
        command
            .arg(root().join("perf/scripts/program.py"))
            .args([&self.command, &place.join("run_benchmark.py")])
            .args(variant.arguments.split_whitespace())
            .args(["--worker", "--output"])
            .arg(&output)
            .args(options)
            .env("PYTHONPATH", std::env::join_paths(paths).map_err(|e| e.to_string())?)
            .env("PYTHONDONTWRITEBYTECODE", "1");
        let log = self.folder.join(format!("{}.log", self.name));
        let outcome = run(&mut command, &log, limit(Duration::from_secs(120)));
        if !outcome.is_ok() {
            return Err(format!("{}: {}", outcome.end(), outcome.tail(1)));
        }
        found(&output)
    }
}

/// Reads what pyperf wrote.
fn found(path: &Path) -> Result<Vec<Found>, String> {
    let problem = |e: &dyn std::fmt::Display| format!("{}: {e}", path.display());
    let text = std::fs::read_to_string(path).map_err(|e| problem(&e))?;
    let suite: Value = serde_json::from_str(&text).map_err(|e| problem(&e))?;
    let benchmarks = suite["benchmarks"].as_array().ok_or_else(|| problem(&"no benchmarks"))?;
    let all: Option<_> = benchmarks.iter().map(|benchmark| one(&suite, benchmark)).collect();
    all.ok_or_else(|| problem(&"not as expected"))
}

/// One benchmark; what all have in common is said of the suite.
fn one(suite: &Value, benchmark: &Value) -> Option<Found> {
    let run = benchmark["runs"].get(0)?;
    let of = |key: &str| [run, benchmark, suite].into_iter().find_map(|part| part["metadata"].get(key));
    let numbers = |key: &str| run[key].as_array().cloned().unwrap_or_default();
    let values: Vec<f64> = numbers("values").iter().filter_map(Value::as_f64).collect();
    let warmups = numbers("warmups");
    let latest = match values.last() {
        Some(value) => *value,
        None => warmups.last()?.get(1)?.as_f64()?,
    };
    let loops = of("loops").and_then(Value::as_u64).unwrap_or(1);
    let inner = of("inner_loops").and_then(Value::as_u64).unwrap_or(1);
    let name = of("name")?.as_str()?.to_string();
    Some(Found { name, loops, sample: latest * (loops * inner) as f64, values })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_loops_are_of_the_suite_or_of_a_benchmark() {
        let benchmark = serde_json::json!({
            "metadata": { "name": "b", "loops": 4, "inner_loops": 5 },
            "runs": [{ "warmups": [[1, 0.25], [4, 0.5]] }],
        });
        let suite = serde_json::json!({ "metadata": { "unit": "second" }, "benchmarks": [benchmark] });
        let found = one(&suite, &suite["benchmarks"][0]);
        assert_eq!(found, Some(Found { name: "b".into(), loops: 4, sample: 10.0, values: vec![] }));
        let suite = serde_json::json!({
            "metadata": { "name": "a" },
            "benchmarks": [{ "runs": [{ "values": [0.5, 0.25] }] }],
        });
        let found = one(&suite, &suite["benchmarks"][0]);
        assert_eq!(found, Some(Found { name: "a".into(), loops: 1, sample: 0.25, values: vec![0.5, 0.25] }));
    }
}
