//! What a comparison found, as a table of text and as JSON.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::pyperformance;
use crate::sample::{Outcome, geometric_mean, is_absent};

/// All that was found.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Report {
    /// The engines; ratios are the first one's to the others.
    pub engines: Vec<String>,
    /// The cases, in the order of the table.
    pub cases: Vec<Row>,
}

/// One case.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Row {
    /// What it belongs to.
    pub group: String,
    /// What crosses.
    pub name: String,
    /// Per engine, nanoseconds per crossing, or why there are none.
    pub times: Vec<Outcome>,
    /// The first engine's time, by that of each other one.
    pub ratios: BTreeMap<String, f64>,
}

impl Report {
    /// Adds a case.
    pub fn add(&mut self, group: &str, name: &str, times: Vec<Outcome>) {
        let median = |i: usize| times.get(i)?.as_ref().ok().map(|summary| summary.median);
        let ratios = (1..times.len())
            .filter_map(|i| Some((self.engines[i].clone(), median(0)? / median(i)?)))
            .filter(|(_, ratio)| ratio.is_finite() && *ratio > 0.0)
            .collect();
        self.cases.push(Row { group: group.into(), name: name.into(), times, ratios });
    }

    /// Reads what [`Report::write`] wrote.
    pub fn read(path: &Path) -> Result<Report, String> {
        let text = std::fs::read_to_string(path).map_err(|e| format!("{}: {e}", path.display()))?;
        serde_json::from_str(&text).map_err(|e| format!("{}: {e}", path.display()))
    }

    /// Writes JSON.
    pub fn write(&self, path: &Path) -> Result<(), String> {
        let text = serde_json::to_string_pretty(self).map_err(|e| e.to_string())?;
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        let made = folder.map_or(Ok(()), std::fs::create_dir_all);
        made.and_then(|()| std::fs::write(path, text + "\n")).map_err(|e| format!("{}: {e}", path.display()))
    }

    /// The groups, in order.
    pub fn groups(&self) -> Vec<&str> {
        let mut groups: Vec<&str> = vec![];
        for row in &self.cases {
            if !groups.contains(&row.group.as_str()) {
                groups.push(&row.group);
            }
        }
        groups
    }

    /// The table.
    pub fn table(&self) -> String {
        let mut out = String::new();
        for group in self.groups() {
            self.header(&mut out, title(group));
            self.cases.iter().filter(|row| row.group == group).for_each(|row| self.line(&mut out, row));
        }
        self.header(&mut out, "geometric means of the ratios");
        for group in self.groups() {
            self.means(&mut out, title(group), &|row| row.group == group);
        }
        let ours = |row: &Row| row.group.starts_with(pyperformance::GROUP);
        let whole = ["python", "modules", "packages"];
        self.means(&mut out, "pyperformance: all", &ours);
        self.means(&mut out, "the boundary: all but Python, modules and packages", &|row| {
            !whole.contains(&&*row.group) && !ours(row)
        });
        out
    }

    fn header(&self, out: &mut String, title: &str) {
        let _ = write!(out, "\n{title:<46}");
        self.engines.iter().for_each(|name| {
            let _ = write!(out, "{name:>18}");
        });
        self.engines.iter().skip(1).for_each(|name| {
            let _ = write!(out, "{:>14}", format!("{}/{name}", self.engines[0]));
        });
        out.push('\n');
    }

    fn line(&self, out: &mut String, row: &Row) {
        let _ = write!(out, "{:<46}", row.name);
        for outcome in &row.times {
            let cell = match outcome {
                Ok(s) => format!("{} {:>4}", time(s.median), format!("±{:.0}%", s.spread * 100.0)),
                Err(reason) => if is_absent(reason) { "absent" } else { "failed" }.into(),
            };
            let _ = write!(out, "{cell:>18}");
        }
        for engine in self.engines.iter().skip(1) {
            let ratio = row.ratios.get(engine).map_or("-".into(), |r| format!("{r:.2}"));
            let _ = write!(out, "{ratio:>14}");
        }
        out.push('\n');
    }

    /// A row of geometric means over the chosen cases, if there are any.
    fn means(&self, out: &mut String, title: &str, chosen: &dyn Fn(&Row) -> bool) {
        if !self.cases.iter().any(chosen) {
            return;
        }
        let _ = write!(out, "{title:<46}{:width$}", "", width = 18 * self.engines.len());
        for engine in self.engines.iter().skip(1) {
            let rows = self.cases.iter().filter(|row| chosen(row));
            let all: Vec<f64> = rows.filter_map(|row| row.ratios.get(engine).copied()).collect();
            let mean = geometric_mean(&all).map_or("-".into(), |mean| format!("{mean:.2}"));
            let _ = write!(out, "{mean:>14}");
        }
        out.push('\n');
    }
}

fn time(nanoseconds: f64) -> String {
    match nanoseconds {
        n if n < 1e4 => format!("{n:.1} ns"),
        n if n < 1e7 => format!("{:.1} us", n / 1e3),
        n => format!("{:.1} ms", n / 1e6),
    }
}

/// What a group is called in tables and plots.
pub fn title(group: &str) -> &str {
    match group {
        "call" => "calls into C",
        "slot" => "operators and protocols of C",
        "attribute" => "attributes of objects of C",
        "argument" => "what crosses into C",
        "return" => "what comes back from C",
        "container" => "containers in C",
        "text" => "texts and buffers in C",
        "callback" => "C calls Python",
        "error" => "exceptions",
        "gil" => "the GIL",
        "link" => "links made and cut",
        "collect" => "collections beside links",
        "python" => "pure Python",
        "modules" => "native modules",
        "packages" => "packages, as wheels",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::Summary;

    /// A report of one case on two engines.
    fn report(ours: f64, theirs: f64) -> Report {
        let mut report = Report { engines: vec!["Cape".into(), "CPython".into()], cases: vec![] };
        let time = |median| Ok(Summary { median, spread: 0.01 });
        report.add("call", "no argument", vec![time(ours), time(theirs)]);
        report.add("gil", "taken", vec![time(ours), Err("absent: threads".into())]);
        report
    }

    #[test]
    fn tables_have_ratios_and_what_is_absent() {
        let table = report(30.0, 20.0).table();
        assert!(table.contains("1.50"), "{table}");
        assert!(table.contains("absent"), "{table}");
    }

    #[test]
    fn what_is_written_is_read() {
        let report = report(30.0, 20.0);
        let path = std::env::temp_dir().join(format!("cape-perf-{}.json", std::process::id()));
        report.write(&path).expect("written");
        let read = Report::read(&path).expect("read");
        let _ = std::fs::remove_file(&path);
        assert_eq!(read.table(), report.table());
    }
}
