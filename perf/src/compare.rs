//! `cape-perf compare`: all cases on all engines, in turns; a table of times and ratios.

use std::path::PathBuf;

use crate::baseline;
use crate::engine::{self, Case};
use crate::plot;
use crate::report::Report;
use crate::sample::{Plan, is_absent, measure};
use crate::why;

/// How to compare.
pub struct Options {
    /// Samples.
    pub plan: Plan,
    /// Only cases whose "group/name" contains this.
    pub filter: String,
    /// Also those that take gigabytes.
    pub huge: bool,
    /// Where to write the numbers as JSON.
    pub json: Option<PathBuf>,
    /// Where to draw the ratios.
    pub svg: Option<PathBuf>,
    /// Where to write profiles of the rows that are over their goals.
    pub why: Option<PathBuf>,
    /// The baseline to keep them as.
    pub save: Option<String>,
    /// The baseline to compare with.
    pub baseline: Option<String>,
    /// How much slower than the baseline is a regression, as a share.
    pub threshold: f64,
}

impl Options {
    /// Nothing written, nothing compared.
    pub fn of(plan: Plan) -> Options {
        let (json, svg, why, save, baseline) = (None, None, None, None, None);
        Options { plan, filter: String::new(), huge: false, json, svg, why, save, baseline, threshold: 0.15 }
    }
}

/// Runs the comparison and prints it. Err: what went wrong on Cape, or became slower.
pub fn run(options: &Options) -> Result<(), Vec<String>> {
    // A baseline that is not there is said before anything is measured.
    let then = match &options.baseline {
        Some(name) => Some((name, Report::read(&baseline::path(name)).map_err(|e| vec![e])?)),
        None => None,
    };
    let (report, cases, mut problems) = measured(options);
    print!("{}", report.table());
    let files = [options.json.clone(), options.save.as_deref().map(baseline::path)];
    for path in files.iter().flatten() {
        problems.extend(report.write(path).err());
    }
    if let Some(path) = &options.svg {
        problems.extend(plot::draw(&report, path).err());
    }
    if let Some(folder) = &options.why {
        problems.extend(why::explain(&report, &cases, folder).err().into_iter().flatten());
    }
    if let Some((name, then)) = then {
        let (text, regressed) =
            baseline::describe(name, baseline::changes(&report, &then), options.threshold);
        print!("{text}");
        if regressed {
            problems.push(format!("slower than baseline {name}"));
        }
    }
    if problems.is_empty() { Ok(()) } else { Err(problems) }
}

/// Measures; also gives all cases, and what went wrong on Cape. What goes wrong on peers is printed.
fn measured(options: &Options) -> (Report, Vec<Case>, Vec<String>) {
    let mut engines = engine::all(options.huge);
    let mut problems = vec![];
    if !engines.iter().any(|e| e.name == "Cape") {
        problems.push("Cape does not run".to_string());
    }
    let names = engines.iter().map(|e| e.name.clone()).collect();
    let mut report = Report { engines: names, cases: vec![] };
    let cases = engines.first().map_or(vec![], |e| e.cases.clone());
    for case in cases.iter().filter(|case| case.label().contains(&options.filter)) {
        let outcomes = measure(&mut engines, case, &options.plan);
        for (engine, outcome) in engines.iter().zip(&outcomes) {
            match outcome {
                Err(reason) if engine.name == "Cape" => problems.push(format!("{}: {reason}", case.label())),
                Err(reason) if !is_absent(reason) => println!("{}: {}: {reason}", engine.name, case.label()),
                _ => {}
            }
        }
        report.add(&case.group, &case.name, outcomes);
    }
    (report, cases, problems)
}
