//! The command line of the measurements.

use std::process::ExitCode;
use std::time::Duration;

use cape_perf::compare::{self, Options};
use cape_perf::sample::Plan;
use cape_perf::{pyperformance, startup, twins};

const USAGE: &str = "\
usage: cape-perf compare [OPTIONS] [--huge] [--svg FILE] [--why FOLDER] [--save NAME]
                         [--baseline NAME [--threshold PERCENT]]
       cape-perf twins [OPTIONS]
       cape-perf pyperformance [OPTIONS]
       cape-perf smoke
       cape-perf startup

compare  times every case on Cape, CPython 3.14 and PyPy, and prints the ratios; the peers are
         python3.14 and pypy3 on PATH, or named by CAPE_PEER_CPYTHON and CAPE_PEER_PYPY
twins    times hot functions of the C API as they are, in C, and as they would be in Rust
pyperformance
         times programs of pyperformance, which pip fetches from PyPI once
smoke    runs every case once: fails if one fails on Cape
startup  writes down which functions a start runs, which the linker then puts together (bridge-rust/startup.ld); needs valgrind

OPTIONS: [--filter TEXT] [--rounds N] [--sample MS] [--warm MS] [--json FILE]
--filter     only cases whose \"group/name\" contains the text
--huge       also the cases beside 10,000,000 links, which take gigabytes and minutes
--svg        draws the ratios
--why        profiles Cape in each case over 1.2 times CPython's time, or over PyPy's: files in the folder, and the functions that
             take the time, which are printed
--save       keeps the numbers as a baseline, under target/perf
--baseline   compares with one: each case's time relative to CPython's in the same run, or alone where there is no
             peer; fails if one is slower by more than the threshold (15%) and than the spreads explain
";

fn main() -> ExitCode {
    let mut args = std::env::args().skip(1);
    let done = match args.next().as_deref() {
        Some("compare") => options(args, Options::of(Plan::usual())).map(|options| compare::run(&options)),
        Some("smoke") => options(args, Options::of(Plan::once())).map(|options| compare::run(&options)),
        Some("startup") => Some(startup::write()),
        Some("pyperformance") => {
            options(args, Options::of(pyperformance::usual())).map(|options| pyperformance::run(&options))
        }
        Some("twins") => options(args, Options::of(Plan::usual()))
            .map(|options| twins::run(&options.plan, &options.filter, options.json.as_deref())),
        _ => None,
    };
    match done {
        Some(Ok(())) => ExitCode::SUCCESS,
        Some(Err(problems)) => {
            problems.iter().for_each(|problem| eprintln!("{problem}"));
            ExitCode::FAILURE
        }
        None => {
            eprint!("{USAGE}");
            ExitCode::from(2)
        }
    }
}

fn options(mut args: impl Iterator<Item = String>, mut options: Options) -> Option<Options> {
    let milliseconds = |text: String| text.parse().ok().map(Duration::from_millis);
    while let Some(option) = args.next() {
        if option == "--huge" {
            options.huge = true;
            continue;
        }
        let value = args.next()?;
        match option.as_str() {
            "--rounds" => options.plan.rounds = value.parse().ok().filter(|&n| n > 0)?,
            "--sample" => options.plan.sample = milliseconds(value)?,
            "--warm" => options.plan.warm = milliseconds(value)?,
            "--filter" => options.filter = value,
            "--json" => options.json = Some(value.into()),
            "--svg" => options.svg = Some(value.into()),
            "--why" => options.why = Some(value.into()),
            "--save" => options.save = Some(value),
            "--baseline" => options.baseline = Some(value),
            "--threshold" => options.threshold = value.parse::<f64>().ok()? / 100.0,
            _ => return None,
        }
    }
    Some(options)
}
