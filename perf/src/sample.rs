//! Samples: how they are taken, statistics over them.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::engine::{Case, Engine};

/// How many samples there are, and how long they take.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Samples per case and engine; none: each case runs once.
    pub rounds: usize,
    /// How long one sample takes.
    pub sample: Duration,
    /// How long a case runs before it is measured.
    pub warm: Duration,
}

impl Plan {
    /// What a comparison takes.
    pub fn usual() -> Plan {
        Plan { rounds: 11, sample: Duration::from_millis(4), warm: Duration::from_millis(60) }
    }

    /// Each case once.
    pub fn once() -> Plan {
        Plan { rounds: 0, sample: Duration::ZERO, warm: Duration::ZERO }
    }
}

/// What is left of the samples of one case: nanoseconds per crossing.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// The median.
    pub median: f64,
    /// Half the distance between the quartiles, as a share of the median.
    pub spread: f64,
}

/// A summary, or why there is none.
pub type Outcome = Result<Summary, String>;

/// Whether an engine has not got what a case needs (otherwise it failed).
pub fn is_absent(reason: &str) -> bool {
    reason.starts_with("absent")
}

impl Summary {
    /// Summarises at least one sample.
    pub fn of(mut samples: Vec<f64>) -> Summary {
        samples.sort_by(f64::total_cmp);
        let median = quantile(&samples, 0.5);
        let spread = (quantile(&samples, 0.75) - quantile(&samples, 0.25)) / 2.0 / median;
        Summary { median, spread: if spread.is_finite() { spread } else { 0.0 } }
    }
}

/// Measures a case on all engines, one sample each in turn.
pub fn measure(engines: &mut [Engine], case: &Case, plan: &Plan) -> Vec<Outcome> {
    let per_crossing =
        |taken: Duration, count: u64| taken.as_nanos() as f64 / (count as f64 * case.crossings);
    if plan.rounds == 0 {
        let once = |e: &mut Engine| e.time(case.number, 1).map(|t| Summary::of(vec![per_crossing(t, 1)]));
        return engines.iter_mut().map(once).collect();
    }
    // Whole programs take a compiler longer to get used to than one loop does.
    let warm = plan.warm * if matches!(&*case.group, "python" | "modules") { 5 } else { 1 };
    let mut counts: Vec<Result<u64, String>> =
        engines.iter_mut().map(|e| e.calibrate(case.number, warm, plan.sample)).collect();
    let mut samples = vec![vec![]; engines.len()];
    for _ in 0..plan.rounds {
        for (i, engine) in engines.iter_mut().enumerate() {
            let Ok(count) = counts[i] else { continue };
            match engine.time(case.number, count) {
                Ok(taken) => samples[i].push(per_crossing(taken, count)),
                Err(reason) => counts[i] = Err(reason),
            }
        }
    }
    counts.into_iter().zip(samples).map(|(count, samples)| count.map(|_| Summary::of(samples))).collect()
}

/// Interpolates in sorted samples.
fn quantile(sorted: &[f64], q: f64) -> f64 {
    let position = q * (sorted.len() - 1) as f64;
    let (low, high) = (position.floor() as usize, position.ceil() as usize);
    sorted[low] + (sorted[high] - sorted[low]) * position.fract()
}

/// The geometric mean; None of nothing.
pub fn geometric_mean(ratios: &[f64]) -> Option<f64> {
    (!ratios.is_empty()).then(|| (ratios.iter().map(|r| r.ln()).sum::<f64>() / ratios.len() as f64).exp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_and_quartiles_interpolate() {
        let summary = Summary::of(vec![4.0, 1.0, 3.0, 2.0]);
        assert_eq!(summary.median, 2.5);
        assert!((summary.spread - 0.3).abs() < 1e-12);
        assert_eq!(Summary::of(vec![7.0]), Summary { median: 7.0, spread: 0.0 });
    }

    #[test]
    fn ratios_average_geometrically() {
        assert!((geometric_mean(&[0.5, 2.0]).expect("two") - 1.0).abs() < 1e-12);
        assert_eq!(geometric_mean(&[]), None);
    }
}
