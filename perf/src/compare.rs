//! `cape-perf compare`: all cases on all engines, in turns; a table of times and ratios.

use std::fmt::Write as _;
use std::time::Duration;

use crate::engine::{self, Case, Engine};
use crate::sample::{Summary, geometric_mean};

/// How to compare.
pub struct Options {
    /// Samples per case and engine.
    pub rounds: usize,
    /// How long one sample takes.
    pub sample: Duration,
    /// How long a case runs before it is measured.
    pub warm: Duration,
    /// Only cases whose "group/name" contains this.
    pub filter: String,
    /// Where to write the numbers, tab-separated.
    pub record: Option<std::path::PathBuf>,
}

type Outcome = Result<Summary, String>;

/// Runs the comparison and prints it. Err: what went wrong on Cape.
pub fn run(options: &Options) -> Result<(), Vec<String>> {
    let mut engines = engine::all();
    let cape = engines.iter().any(|e| e.name == "Cape");
    let Some(first) = engines.first() else { return Err(vec!["no engine runs".into()]) };
    let cases = first.cases.clone();
    let mut problems: Vec<String> = if cape { vec![] } else { vec!["Cape does not run".into()] };
    let mut rows: Vec<(Case, Vec<Outcome>)> = vec![];
    for case in &cases {
        if !format!("{}/{}", case.group, case.name).contains(&options.filter) {
            continue;
        }
        let outcomes = measure(&mut engines, case, options);
        for (engine, outcome) in engines.iter().zip(&outcomes) {
            if let (true, Err(reason)) = (engine.name == "Cape", outcome) {
                problems.push(format!("{}/{}: {reason}", case.group, case.name));
            }
        }
        rows.push((case.clone(), outcomes));
    }
    let names: Vec<&str> = engines.iter().map(|e| e.name.as_str()).collect();
    print!("{}", table(&names, &rows));
    if let Some(path) = &options.record
        && let Err(e) = std::fs::write(path, record(&names, &rows))
    {
        problems.push(format!("{}: {e}", path.display()));
    }
    if problems.is_empty() { Ok(()) } else { Err(problems) }
}

/// Measures a case on all engines, one sample each in turn.
fn measure(engines: &mut [Engine], case: &Case, options: &Options) -> Vec<Outcome> {
    // Whole programs take a compiler longer to get used to than one loop does.
    let warm = options.warm * if case.group == "python" { 5 } else { 1 };
    let mut counts: Vec<Result<u64, String>> =
        engines.iter_mut().map(|e| e.calibrate(case.number, warm, options.sample)).collect();
    let mut samples = vec![vec![]; engines.len()];
    for _ in 0..options.rounds {
        for (i, engine) in engines.iter_mut().enumerate() {
            let Ok(count) = counts[i] else { continue };
            match engine.time(case.number, count) {
                Ok(taken) => samples[i].push(taken.as_nanos() as f64 / (count as f64 * case.crossings)),
                Err(reason) => counts[i] = Err(reason),
            }
        }
    }
    counts.into_iter().zip(samples).map(|(count, samples)| count.map(|_| Summary::of(samples))).collect()
}

fn time(nanoseconds: f64) -> String {
    match nanoseconds {
        n if n < 1e4 => format!("{n:.1} ns"),
        n if n < 1e7 => format!("{:.1} us", n / 1e3),
        n => format!("{:.1} ms", n / 1e6),
    }
}

/// The ratios of the first engine to each other one.
fn ratios(outcomes: &[Outcome]) -> Vec<Option<f64>> {
    let of = |i: usize| outcomes[i].as_ref().ok().map(|summary| summary.median);
    (1..outcomes.len()).map(|i| Some(of(0)? / of(i)?)).collect()
}

fn table(names: &[&str], rows: &[(Case, Vec<Outcome>)]) -> String {
    let mut out = String::new();
    let mut group = "";
    let header = |out: &mut String, title: &str| {
        let _ = write!(out, "\n{title:<40}");
        names.iter().for_each(|name| {
            let _ = write!(out, "{name:>18}");
        });
        names.iter().skip(1).for_each(|name| {
            let _ = write!(out, "{:>14}", format!("{}/{name}", names[0]));
        });
        out.push('\n');
    };
    for (case, outcomes) in rows {
        if case.group != group {
            group = &case.group;
            header(&mut out, title(group));
        }
        let _ = write!(out, "{:<40}", case.name);
        for outcome in outcomes {
            let cell = match outcome {
                Ok(s) => format!("{} {:>4}", time(s.median), format!("±{:.0}%", s.spread * 100.0)),
                Err(_) => "failed".into(),
            };
            let _ = write!(out, "{cell:>18}");
        }
        for ratio in ratios(outcomes) {
            let _ = write!(out, "{:>14}", ratio.map_or("-".into(), |r| format!("{r:.2}")));
        }
        out.push('\n');
    }
    header(&mut out, "geometric means of the ratios");
    let mut groups: Vec<&str> = vec![];
    rows.iter().for_each(|(case, _)| {
        if !groups.contains(&case.group.as_str()) {
            groups.push(&case.group);
        }
    });
    for group in &groups {
        means(&mut out, names, rows, title(group), &|case| case.group == *group);
    }
    means(&mut out, names, rows, "the boundary: all but pure Python", &|case| case.group != "python");
    out
}

/// A row of geometric means over the chosen cases.
fn means(
    out: &mut String,
    names: &[&str],
    rows: &[(Case, Vec<Outcome>)],
    title: &str,
    chosen: &dyn Fn(&Case) -> bool,
) {
    let chosen: Vec<_> =
        rows.iter().filter(|(case, _)| chosen(case)).map(|(_, outcomes)| ratios(outcomes)).collect();
    let _ = write!(out, "{title:<40}{:width$}", "", width = 18 * names.len());
    for i in 0..names.len() - 1 {
        let all: Vec<f64> = chosen.iter().filter_map(|ratios| ratios[i]).collect();
        let _ = write!(out, "{:>14}", geometric_mean(&all).map_or("-".into(), |mean| format!("{mean:.2}")));
    }
    out.push('\n');
}

fn title(group: &str) -> &str {
    match group {
        "call" => "calls into C",
        "return" => "what comes back from C",
        "callback" => "C calls Python",
        "python" => "pure Python",
        other => other,
    }
}

fn record(names: &[&str], rows: &[(Case, Vec<Outcome>)]) -> String {
    let mut out = format!("group\tcase\t{}\n", names.join("\t"));
    for (case, outcomes) in rows {
        let _ = write!(out, "{}\t{}", case.group, case.name);
        for outcome in outcomes {
            let _ = match outcome {
                Ok(summary) => write!(out, "\t{:.2}", summary.median),
                Err(_) => write!(out, "\tfailed"),
            };
        }
        out.push('\n');
    }
    out
}
