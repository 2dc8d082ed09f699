//! What was measured before, kept under a name, and what has become slower since.

use std::path::PathBuf;

use cape_tests::root;

use crate::report::{Report, Row};

/// Where a baseline lies.
pub fn path(name: &str) -> PathBuf {
    root().join("target/perf/baselines").join(format!("{name}.json"))
}

/// One case then and now.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// "group/name".
    pub label: String,
    /// What is compared: "to CPython", or "ns" where a run had no peer.
    pub unit: String,
    /// The measure then.
    pub then: f64,
    /// The measure now.
    pub now: f64,
    /// How far the spreads alone may have moved it, as a share.
    pub noise: f64,
}

impl Change {
    /// Whether the case is slower by more than `threshold` (a share), and by more than noise.
    pub fn is_regression(&self, threshold: f64) -> bool {
        self.now / self.then - 1.0 > threshold.max(self.noise)
    }
}

/// The measure of a case: its time relative to that of the first peer that both runs have, or else alone.
fn measures(now: (&Report, &Row), then: (&Report, &Row)) -> Option<Change> {
    let peer = now
        .0
        .engines
        .iter()
        .skip(1)
        .find_map(|name| Some((name, *now.1.ratios.get(name)?, *then.1.ratios.get(name)?)));
    let of = |(report, row): (&Report, &Row), engine: &str| {
        let i = report.engines.iter().position(|name| name == engine)?;
        row.times.get(i)?.as_ref().ok().copied()
    };
    let first = now.0.engines.first()?;
    let (unit, ratio_then, ratio_now, engines) = match peer {
        Some((name, n, t)) => (format!("to {name}"), t, n, vec![first, name]),
        None => ("ns".to_string(), of(then, first)?.median, of(now, first)?.median, vec![first]),
    };
    let spreads = engines.iter().flat_map(|name| [of(now, name), of(then, name)]).flatten().map(|s| s.spread);
    Some(Change {
        label: format!("{}/{}", now.1.group, now.1.name),
        unit,
        then: ratio_then,
        now: ratio_now,
        noise: 2.0 * spreads.map(|s| s * s).sum::<f64>().sqrt(),
    })
}

/// The cases that both have.
pub fn changes(now: &Report, then: &Report) -> Vec<Change> {
    now.cases
        .iter()
        .filter_map(|row| {
            let old = then.cases.iter().find(|old| (&old.group, &old.name) == (&row.group, &row.name))?;
            measures((now, row), (then, old))
        })
        .collect()
}

/// The comparison as text, worst first, and whether anything regressed.
pub fn describe(name: &str, mut changes: Vec<Change>, threshold: f64) -> (String, bool) {
    changes.sort_by(|a, b| (b.now / b.then).total_cmp(&(a.now / a.then)));
    let slower: Vec<_> = changes.iter().filter(|change| change.is_regression(threshold)).collect();
    let mut out = format!(
        "\nagainst baseline {name}: {} cases, {} slower by more than {:.0}% and noise\n",
        changes.len(),
        slower.len(),
        threshold * 100.0
    );
    for change in &slower {
        let factor = change.now / change.then;
        out += &format!(
            "SLOWER {:<60} {:>9.2} -> {:>9.2} {:<11} x{factor:.2}\n",
            change.label, change.then, change.now, change.unit
        );
    }
    (out, !slower.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::Summary;

    fn report(engines: &[&str], times: &[f64]) -> Report {
        let mut report = Report { engines: engines.iter().map(|e| e.to_string()).collect(), cases: vec![] };
        let times = times.iter().map(|&median| Ok(Summary { median, spread: 0.02 })).collect();
        report.add("call", "no argument", times);
        report
    }

    #[test]
    fn a_slower_machine_is_no_regression() {
        let then = report(&["Cape", "CPython"], &[30.0, 20.0]);
        let now = report(&["Cape", "CPython"], &[60.0, 40.0]);
        let changes = changes(&now, &then);
        assert_eq!(changes[0].unit, "to CPython");
        assert!(!describe("x", changes, 0.15).1);
    }

    #[test]
    fn a_slower_case_is() {
        let then = report(&["Cape", "CPython"], &[30.0, 20.0]);
        let now = report(&["Cape", "CPython"], &[40.0, 20.0]);
        let (text, regressed) = describe("x", changes(&now, &then), 0.15);
        assert!(regressed && text.contains("SLOWER call/no argument"), "{text}");
        assert!(!describe("x", changes(&now, &then), 0.5).1);
    }

    #[test]
    fn without_a_peer_times_are_compared() {
        let then = report(&["Cape", "CPython"], &[30.0, 20.0]);
        let changes = changes(&report(&["Cape"], &[40.0]), &then);
        assert_eq!((changes[0].unit.as_str(), changes[0].then, changes[0].now), ("ns", 30.0, 40.0));
    }

    #[test]
    fn what_the_spread_explains_is_no_regression() {
        let noisy = |median| {
            let mut report = Report { engines: vec!["Cape".into()], cases: vec![] };
            report.add("call", "x", vec![Ok(Summary { median, spread: 0.2 })]);
            report
        };
        assert!(!describe("x", changes(&noisy(40.0), &noisy(30.0)), 0.15).1);
    }
}
