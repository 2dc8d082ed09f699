//! `cape-perf pyperformance`: programs of pyperformance, as they are on PyPI, on all engines, in turns.

mod fetch;
pub mod table;
mod worker;

use std::time::Duration;

use cape_tests::root;

use crate::compare::Options;
use crate::engine;
use crate::report::Report;
use crate::sample::{Outcome, Plan, Summary};
use table::{PROGRAMS, Program, Variant};
use worker::{Found, Worker};

/// The groups of a report that are pyperformance's begin with this.
pub const GROUP: &str = "pyperformance: ";

/// How many samples a process takes where they are short.
const SAMPLES: f64 = 3.0;

/// pyperf's samples are long, and each round is a process that begins cold.
pub fn usual() -> Plan {
    Plan { rounds: 5, sample: Duration::from_millis(100), warm: Duration::from_secs(1) }
}

/// Runs the programs and prints the table. Err: what went wrong on Cape without a known reason.
pub fn run(options: &Options) -> Result<(), Vec<String>> {
    let folder = root().join("target/perf/pyperformance");
    let packages = match fetch::packages(&folder) {
        Ok(packages) => packages,
        Err(reason) if std::env::var_os("CAPE_REQUIRE_DOWNLOADS").is_some() => return Err(vec![reason]),
        Err(reason) => {
            println!("skipped: {reason}");
            return Ok(());
        }
    };
    let worker =
        |(name, command)| Worker { name, command, packages: packages.clone(), folder: folder.clone() };
    let workers: Vec<Worker> = engine::interpreters().into_iter().map(worker).collect();
    let engines = workers.iter().map(|worker| worker.name.to_string()).collect();
    let mut report = Report { engines, cases: vec![] };
    let (mut known, mut problems) = (vec![], vec![]);
    for variant in PROGRAMS.iter().flat_map(Program::variants) {
        let (label, trouble) = (variant.label(), variant.program.trouble);
        if !format!("{}/{label}", variant.program.group).contains(&options.filter) {
            continue;
        }
        match (measure(&workers, variant, &options.plan, &mut report), trouble) {
            (Ok(()), None) => {}
            (Ok(()), Some(reason)) => println!("{label} runs on Cape; the table says why not: {reason}"),
            (Err(_), Some(reason)) => known.push(format!("does not run on Cape: {label}: {reason}")),
            (Err(reason), None) => problems.push(format!("{label}: {reason}")),
        }
    }
    print!("{}", report.table());
    known.iter().for_each(|line| println!("{line}"));
    problems.extend(options.json.as_ref().and_then(|path| report.write(path).err()));
    if problems.is_empty() { Ok(()) } else { Err(problems) }
}

/// Measures a variant of a program: a row for each of its benchmarks. Err: why it does not run on Cape.
fn measure(workers: &[Worker], variant: Variant, plan: &Plan, report: &mut Report) -> Result<(), String> {
    let mut calibrated = vec![];
    for worker in workers {
        let found = worker.run(variant, &calibration(plan));
        match &found {
            Err(reason) if calibrated.is_empty() => return Err(reason.clone()), // Cape is the first
            Err(reason) => println!("{}: {}: {reason}", worker.name, variant.label()),
            Ok(_) => {}
        }
        calibrated.push(found);
    }
    let names: Vec<_> = calibrated[0].iter().flatten().map(|found| found.name.clone()).collect();
    for (task, name) in names.iter().enumerate() {
        let of = |found: &Result<Vec<Found>, String>| {
            let found = found.as_ref().map_err(String::clone)?.get(task);
            found.filter(|found| found.name == *name).cloned().ok_or("absent".to_string())
        };
        let outcomes = rounds(workers, variant, task, &calibrated.iter().map(of).collect::<Vec<_>>(), plan);
        if let Err(reason) = &outcomes[0] {
            return Err(format!("{name}: {reason}"));
        }
        report.add(&format!("{GROUP}{}", variant.program.group), name, outcomes);
    }
    Ok(())
}

/// Measures one benchmark on all engines, one process each in turn.
fn rounds(
    workers: &[Worker],
    variant: Variant,
    task: usize,
    found: &[Result<Found, String>],
    plan: &Plan,
) -> Vec<Outcome> {
    let mut samples: Vec<Result<Vec<f64>, String>> = vec![Ok(vec![]); workers.len()];
    for _ in 0..plan.rounds {
        for ((worker, found), samples) in workers.iter().zip(found).zip(&mut samples) {
            let Ok(so_far) = samples else { continue };
            let now = found.clone().and_then(|found| worker.run(variant, &round(&found, task, plan)));
            match now {
                Ok(all) => so_far.extend(all.iter().flat_map(|found| &found.values).map(|value| value * 1e9)),
                Err(reason) => *samples = Err(reason),
            }
        }
    }
    samples.into_iter().map(|samples| samples.map(Summary::of)).collect()
}

/// The options that find how many repetitions make a sample.
fn calibration(plan: &Plan) -> Vec<String> {
    let least = plan.sample.as_secs_f64().to_string();
    ["--calibrate-loops", "--values", "2", "--warmups", "0", "--min-time", &least]
        .map(str::to_string)
        .to_vec()
}

/// The options of a round: one benchmark, warmed up, a few samples of the length that was found.
fn round(found: &Found, task: usize, plan: &Plan) -> Vec<String> {
    let during = |time: Duration| (time.as_secs_f64() / found.sample).ceil().max(1.0);
    let values = during(plan.sample.mul_f64(SAMPLES)).min(SAMPLES);
    let numbers = [
        ("--worker-task", task as f64),
        ("--loops", found.loops as f64),
        ("--warmups", during(plan.warm)),
        ("--values", values),
    ];
    numbers.iter().flat_map(|(option, number)| [option.to_string(), number.to_string()]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_samples_are_few() {
        let found = |sample| Found { name: "x".into(), loops: 2, sample, values: vec![] };
        let options = |sample| round(&found(sample), 1, &usual()).join(" ");
        assert_eq!(options(0.1), "--worker-task 1 --loops 2 --warmups 10 --values 3");
        assert_eq!(options(4.0), "--worker-task 1 --loops 2 --warmups 1 --values 1");
    }

    #[test]
    fn a_row_per_program() {
        for (i, program) in PROGRAMS.iter().enumerate() {
            let same = |other: &&Program| other.name == program.name && other.variants == program.variants;
            assert!(!PROGRAMS[..i].iter().any(|other| same(&other)), "{}", program.name);
        }
    }
}
