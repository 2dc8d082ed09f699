//! The command line of the comparison.

use std::process::ExitCode;
use std::time::Duration;

use cape_perf::compare::{self, Options};

const USAGE: &str = "\
usage: cape-perf compare [--rounds N] [--sample MS] [--warm MS] [--filter TEXT] [--record FILE]
       cape-perf smoke

compare  times every case on Cape, CPython 3.14 and PyPy, and prints the ratios; the peers are
         python3.14 and pypy3 on PATH, or named by CAPE_PEER_CPYTHON and CAPE_PEER_PYPY
smoke    runs every case once and briefly: fails if one fails on Cape
";

fn main() -> ExitCode {
    match options(std::env::args().skip(1)) {
        Some(options) => match compare::run(&options) {
            Ok(()) => ExitCode::SUCCESS,
            Err(problems) => {
                problems.iter().for_each(|problem| eprintln!("{problem}"));
                ExitCode::FAILURE
            }
        },
        None => {
            eprint!("{USAGE}");
            ExitCode::from(2)
        }
    }
}

fn options(mut args: impl Iterator<Item = String>) -> Option<Options> {
    let milliseconds = |text: String| text.parse().ok().map(Duration::from_millis);
    let mut options = match args.next()?.as_str() {
        "compare" => Options {
            rounds: 11,
            sample: Duration::from_millis(4),
            warm: Duration::from_millis(60),
            filter: String::new(),
            record: None,
        },
        "smoke" => Options {
            rounds: 1,
            sample: Duration::from_micros(50),
            warm: Duration::ZERO,
            filter: String::new(),
            record: None,
        },
        _ => return None,
    };
    while let Some(option) = args.next() {
        let value = args.next()?;
        match option.as_str() {
            "--rounds" => options.rounds = value.parse().ok().filter(|&n| n > 0)?,
            "--sample" => options.sample = milliseconds(value)?,
            "--warm" => options.warm = milliseconds(value)?,
            "--filter" => options.filter = value,
            "--record" => options.record = Some(value.into()),
            _ => return None,
        }
    }
    Some(options)
}
