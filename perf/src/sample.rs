//! Statistics over samples.

/// What is left of the samples of one case: nanoseconds per crossing.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Summary {
    /// The median.
    pub median: f64,
    /// Half the distance between the quartiles, as a share of the median.
    pub spread: f64,
}

impl Summary {
    /// Summarises at least one sample.
    pub fn of(mut samples: Vec<f64>) -> Summary {
        samples.sort_by(f64::total_cmp);
        let median = quantile(&samples, 0.5);
        let spread = (quantile(&samples, 0.75) - quantile(&samples, 0.25)) / 2.0 / median;
        Summary { median, spread }
    }
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
