//! What of CPython's test-suite passes: `cpython/manifest.tsv` (a row of counts per module) and
//! `cpython/failures.tsv` (a row per failing test, with the reason). They may only get better.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// What became of one test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It passed, or failed as it is expected to.
    Pass,
    /// It failed, for this reason.
    Fail(String),
    /// It was skipped.
    Skip,
}

/// The tests of one module.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Module {
    /// How many passed.
    pub passed: usize,
    /// How many were skipped.
    pub skipped: usize,
    /// Those that failed, each with its reason.
    pub failures: BTreeMap<String, String>,
}

impl Module {
    /// Counts one test.
    pub fn add(&mut self, test: &str, fate: Fate) {
        match fate {
            Fate::Pass => self.passed += 1,
            Fate::Skip => self.skipped += 1,
            Fate::Fail(reason) => {
                // Tests of one name (inherited, or made in a loop) are told apart by number.
                let mut name = test.to_string();
                let mut number = 2;
                while self.failures.contains_key(&name) {
                    name = format!("{test} #{number}");
                    number += 1;
                }
                self.failures.insert(name, reason);
            }
        }
    }

    /// All tests.
    pub fn run(&self) -> usize {
        self.passed + self.skipped + self.failures.len()
    }

    /// What failed here and failed again when the module ran once more, or killed its process: the other failures count as passed. Some tests
    /// compare times, or expect that a collection finds what a word on the stack still mentions, by chance.
    pub fn confirmed_by(&self, again: &Module) -> Module {
        let mut module = self.clone();
        let before = module.failures.len();
        module
            .failures
            .retain(|test, reason| again.failures.contains_key(test) || reason.starts_with("signal"));
        module.passed += before - module.failures.len();
        module
    }

    /// In what `now` is worse than this.
    pub fn regressions(&self, now: &Module) -> Vec<String> {
        let mut worse: Vec<String> = now
            .failures
            .iter()
            .filter(|(test, _)| !self.failures.contains_key(*test))
            .map(|(test, reason)| format!("{test}: {reason}"))
            .collect();
        if now.passed < self.passed {
            worse.push(format!("{} tests pass, {} did", now.passed, self.passed));
        }
        worse
    }
}

/// The two files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Manifest {
    /// By name, without "test.".
    pub modules: BTreeMap<String, Module>,
}

impl Manifest {
    /// Reads the files; what is not there is empty.
    pub fn read(folder: &Path) -> Manifest {
        let mut manifest = Manifest::default();
        for fields in rows(&folder.join("manifest.tsv")) {
            let count = |i: usize| fields.get(i).and_then(|f| f.parse().ok()).unwrap_or(0);
            let module = Module { passed: count(2), skipped: count(4), failures: BTreeMap::new() };
            manifest.modules.insert(fields[0].clone(), module);
        }
        for fields in rows(&folder.join("failures.tsv")) {
            if let ([name, test, reason], Some(module)) = (&fields[..], manifest.modules.get_mut(&fields[0]))
            {
                debug_assert_eq!(name, &fields[0]);
                module.failures.insert(test.clone(), reason.clone());
            }
        }
        manifest
    }

    /// Writes the files.
    pub fn write(&self, folder: &Path) -> std::io::Result<()> {
        let mut counts = String::from("module\trun\tpassed\tfailed\tskipped\n");
        let mut failures = String::from("module\ttest\treason\n");
        for (name, module) in &self.modules {
            let (run, failed) = (module.run(), module.failures.len());
            let _ = writeln!(counts, "{name}\t{run}\t{}\t{failed}\t{}", module.passed, module.skipped);
            for (test, reason) in &module.failures {
                let _ = writeln!(failures, "{name}\t{test}\t{}", reason.trim());
            }
        }
        std::fs::write(folder.join("manifest.tsv"), counts)?;
        std::fs::write(folder.join("failures.tsv"), failures)
    }
}

/// What fails under zeal alone and may: `cpython/zeal.tsv`, rows of module, test and reason. A `*` stands for anything, at the beginning or the end of a name.
#[derive(Default)]
pub struct Expected(Vec<(String, String)>);

impl Expected {
    /// Reads the file.
    pub fn read(folder: &Path) -> Expected {
        let row = |fields: Vec<String>| {
            assert!(fields.len() == 3 && !fields[2].is_empty(), "not a row of zeal.tsv: {fields:?}");
            (fields[0].clone(), fields[1].clone())
        };
        Expected(rows(&folder.join("zeal.tsv")).into_iter().map(row).collect())
    }

    /// The module's tests as if those had passed that are expected to fail.
    pub fn without(&self, name: &str, module: &Module) -> Module {
        let means = |pattern: &str, test: &str| match pattern.split_once('*') {
            Some((start, end)) => test.starts_with(start) && test.ends_with(end),
            None => pattern == test,
        };
        let mut module = module.clone();
        let before = module.failures.len();
        module.failures.retain(|test, _| !self.0.iter().any(|(m, t)| m == name && means(t, test)));
        module.passed += before - module.failures.len();
        module
    }
}

/// The rows of a tab-separated file without its header.
fn rows(path: &PathBuf) -> Vec<Vec<String>> {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    text.lines().skip(1).map(|line| line.split('\t').map(str::to_string).collect()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn module(passed: usize, failures: &[&str]) -> Module {
        let mut module = Module { passed, ..Module::default() };
        failures.iter().for_each(|test| module.add(test, Fate::Fail("why".into())));
        module
    }

    #[test]
    fn only_new_failures_and_fewer_passes_are_regressions() {
        let before = module(5, &["a", "b"]);
        assert!(before.regressions(&module(6, &["a"])).is_empty());
        assert_eq!(before.regressions(&module(5, &["a", "c"])), ["c: why"]);
        assert_eq!(before.regressions(&module(4, &["a"])), ["4 tests pass, 5 did"]);
    }

    #[test]
    fn what_fails_once_is_forgiven_but_what_kills_its_process() {
        let mut first = module(1, &["a", "b"]);
        first.add("c", Fate::Fail("signal: 11 (SIGSEGV)".into()));
        let confirmed = first.confirmed_by(&module(3, &["b"]));
        assert_eq!(confirmed.failures.keys().collect::<Vec<_>>(), ["b", "c"]);
        assert_eq!(confirmed.passed, 2);
    }

    #[test]
    fn what_is_expected_to_fail_counts_as_passed() {
        let expected = Expected(vec![("m".into(), "a".into()), ("m".into(), "b.*".into())]);
        let found = expected.without("m", &module(1, &["a", "b.c", "ab"]));
        assert_eq!(found, module(3, &["ab"]));
        assert_eq!(expected.without("n", &module(1, &["a"])), module(1, &["a"]));
    }

    #[test]
    fn tests_of_one_name_are_numbered() {
        assert_eq!(module(0, &["a", "a", "a"]).failures.keys().collect::<Vec<_>>(), ["a", "a #2", "a #3"]);
    }

    #[test]
    fn what_is_written_is_read() {
        let folder = std::env::temp_dir().join(format!("cape-manifest-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a temporary folder");
        let mut manifest = Manifest::default();
        manifest.modules.insert("test_a".into(), module(3, &["x", "y"]));
        manifest.modules.insert("test_b".into(), Module { skipped: 2, ..module(1, &[]) });
        manifest.write(&folder).expect("written");
        assert_eq!(Manifest::read(&folder), manifest);
        std::fs::remove_dir_all(&folder).expect("removed");
    }
}
