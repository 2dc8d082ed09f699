//! `cape-perf compare --why FOLDER`: for each row over its goal, a profile of Cape running nothing else, as files
//! and as the functions that take the time.

use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::time::Duration;

use pprof::protos::{Location, Message, Profile, Sample};

use crate::engine::{Case, Engine};
use crate::report::{Report, Row, title};

/// What no case's time may be over, in times of the peer's.
const GOALS: [(&str, f64); 2] = [("CPython", 1.2), ("PyPy", 1.0)];
/// How long a case runs before it is looked at, and how long it is.
const WARM: Duration = Duration::from_millis(100);
const WATCHED: Duration = Duration::from_millis(1500);
/// How many functions are named.
const FUNCTIONS: usize = 6;

/// Whether a row misses a goal.
fn is_over(row: &Row) -> bool {
    GOALS.iter().any(|(peer, goal)| row.ratios.get(*peer).is_some_and(|ratio| ratio > goal))
}

/// Profiles each row of `report` over its goal: files named after it in `folder`, and where the time goes, which is printed row by
/// row. Err: the cases that could not be profiled.
pub fn explain(report: &Report, cases: &[Case], folder: &Path) -> Result<(), Vec<String>> {
    fs::create_dir_all(folder).map_err(|e| vec![format!("{}: {e}", folder.display())])?;
    println!("\nwhere the time goes, over the goal:");
    let mut problems = vec![];
    for row in report.cases.iter().filter(|row| is_over(row)) {
        let Some(case) = cases.iter().find(|case| case.group == row.group && case.name == row.name) else {
            continue;
        };
        match profiled(case, folder) {
            Ok(found) => print!("{}", describe(row, &found)),
            Err(reason) => problems.push(format!("{}: {reason}", case.label())),
        }
    }
    if problems.is_empty() { Ok(()) } else { Err(problems) }
}

/// Where the samples of one case fell.
#[derive(Debug, Default, PartialEq)]
struct Found {
    all: i64,
    sides: HashMap<String, i64>,
    functions: HashMap<String, i64>,
}

fn profiled(case: &Case, folder: &Path) -> Result<Found, String> {
    let named = |c: char| if c.is_ascii_alphanumeric() || c == '.' { c } else { '-' };
    let file = folder.join(case.label().chars().map(named).collect::<String>() + ".pb");
    let mut engine = Engine::profiled(&file)?;
    let count = engine.calibrate(case.number, WARM, WATCHED)?;
    engine.time(case.number, count)?;
    engine.finish()?;
    let bytes = fs::read(&file).map_err(|e| format!("{}: {e}", file.display()))?;
    let profile = Profile::parse_from_bytes(&bytes).map_err(|e| format!("{}: {e}", file.display()))?;
    // The loop that serve.py compiles for a case.
    Ok(found(&profile, &format!("<{}>", case.name)))
}

/// Counts the samples under functions of the file `within`, by side and by the function that was running; those that the
/// compiler merged into it count as it.
fn found(profile: &Profile, within: &str) -> Found {
    let text = |index: i64| profile.string_table.get(index as usize).map_or("", |s| s.as_str());
    let locations: HashMap<u64, &Location> = profile.location.iter().map(|l| (l.id, l)).collect();
    let functions: HashMap<u64, _> =
        profile.function.iter().map(|f| (f.id, (text(f.name), text(f.filename)))).collect();
    let lines = |id: &u64| locations.get(id).map_or(&[][..], |l| &l.line);
    let is_within = |sample: &Sample| {
        let mut all = sample.location_id.iter().flat_map(lines);
        all.any(|line| functions.get(&line.function_id).is_some_and(|(_, file)| *file == within))
    };
    let mut found = Found::default();
    for sample in profile.sample.iter().filter(|sample| is_within(sample)) {
        let weight = sample.value.first().copied().unwrap_or(0);
        found.all += weight;
        let side = sample.label.iter().find(|label| text(label.key) == "side").map_or("", |l| text(l.str));
        *found.sides.entry(side.to_string()).or_default() += weight;
        let innermost = sample.location_id.first().and_then(|id| lines(id).last());
        if let Some((name, _)) = innermost.and_then(|line| functions.get(&line.function_id)) {
            *found.functions.entry(name.to_string()).or_default() += weight;
        }
    }
    found
}

/// A row's ratios, whose time it is, and the functions that take it.
fn describe(row: &Row, found: &Found) -> String {
    let ratios = GOALS.iter().filter_map(|(peer, _)| Some(format!("{:.2} {peer}", row.ratios.get(*peer)?)));
    let ratios = ratios.collect::<Vec<_>>().join(", ");
    let sides = shares(&found.sides, found.all, 9);
    let functions = shares(&found.functions, found.all, FUNCTIONS);
    format!("{}: {} ({ratios}): {sides}\n    {functions}\n", title(&row.group), row.name)
}

/// The largest `most` of the counts, as percents of all.
fn shares(counts: &HashMap<String, i64>, all: i64, most: usize) -> String {
    let mut counts: Vec<(&String, &i64)> = counts.iter().collect();
    counts.sort_by_key(|&(name, count)| (-count, name));
    let share = |(name, count): (&String, &i64)| format!("{name} {}%", (count * 100 + all / 2) / all.max(1));
    counts.into_iter().take(most).map(share).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use pprof::protos::{Function, Label, Line};

    /// Two samples in the case's loop (of which one in a function merged into another), one outside it.
    fn profile() -> Profile {
        let texts = ["", "side", "c", "python", "run", "<a case>", "outer", "merged", "x.c"];
        let line = |function_id| Line { function_id, ..Default::default() };
        let location = |id, lines: &[u64]| Location {
            id,
            line: lines.iter().map(|&f| line(f)).collect(),
            ..Default::default()
        };
        let function = |id, name, filename| Function { id, name, filename, ..Default::default() };
        let sample = |places: &[u64], weight, side| Sample {
            location_id: places.to_vec(),
            value: vec![weight],
            label: vec![Label { key: 1, str: side, ..Default::default() }],
            ..Default::default()
        };
        Profile {
            string_table: texts.map(String::from).to_vec(),
            function: vec![function(1, 4, 5), function(2, 6, 8), function(3, 7, 8)],
            location: vec![location(1, &[1]), location(2, &[3, 2])],
            sample: vec![sample(&[2, 1], 3, 2), sample(&[1], 1, 3), sample(&[2], 7, 2)],
            ..Default::default()
        }
    }

    #[test]
    fn samples_of_the_case_are_counted_by_side_and_function() {
        let found = found(&profile(), "<a case>");
        assert_eq!(found.all, 4);
        assert_eq!(shares(&found.sides, found.all, 9), "c 75%, python 25%");
        assert_eq!(shares(&found.functions, found.all, 1), "outer 75%");
    }

    #[test]
    fn rows_over_a_goal_are_those_slower_than_a_peer_may_be() {
        let row = |cpython, pypy| Row {
            group: String::new(),
            name: String::new(),
            times: vec![],
            ratios: [("CPython".to_string(), cpython), ("PyPy".to_string(), pypy)].into(),
        };
        assert!(is_over(&row(1.3, 0.5)) && is_over(&row(0.5, 1.1)));
        assert!(!is_over(&row(1.2, 1.0)));
    }
}
