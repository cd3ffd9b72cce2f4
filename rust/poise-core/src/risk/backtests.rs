//! Does a value at risk or expected shortfall model say the truth about the losses that followed?
//!
//! Kupiec (1995), "Techniques for verifying the accuracy of risk measurement models"; Christoffersen (1998),
//! "Evaluating interval forecasts"; Acerbi and Szekely (2014), "Back-testing expected shortfall"; Basel Committee
//! (1996), "Supervisory framework for the use of backtesting". Names: `x` exceptions among `n` observations,
//! `p = 1 - confidence_level` their promised frequency.

use ndarray::{ArrayView1, Zip};

use super::binomial;
use super::chi_squared::{survival_one, survival_two};
use crate::{Error, Result, validate};

/// Cumulative probability from which the Basel zone is yellow.
const YELLOW_FROM: f64 = 0.95;

/// Observations up to which the probabilities of all counts are summed: a standard deviation is up to 16 thousand.
const MOST_SUMMED: u64 = 1_000_000_000;

/// Cumulative probability from which the Basel zone is red.
const RED_FROM: f64 = 0.9999;

/// A likelihood ratio and the chance of one at least as large under a true model.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LikelihoodRatio {
    /// Twice the log likelihood that the data gain over the model, zero or more.
    pub statistic: f64,
    /// Small where the model does not fit.
    pub p_value: f64,
}

/// Coverage, independence and both together.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Christoffersen {
    /// Is the frequency of exceptions, from the second observation on, the promised one?
    pub coverage: LikelihoodRatio,
    /// Does an exception yesterday change the chance of one today?
    pub independence: LikelihoodRatio,
    /// The two questions at once.
    pub conditional_coverage: LikelihoodRatio,
    /// Days without and with an exception after one without, then after one with.
    pub transitions: [u64; 4],
}

/// The zones of the Basel Committee.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Zone {
    /// Nothing against the model.
    Green,
    /// Doubt.
    Yellow,
    /// The model is rejected.
    Red,
}

/// A zone with the probabilities it was read from.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TrafficLight {
    /// The zone.
    pub zone: Zone,
    /// The chance of so many exceptions or fewer under a true model.
    pub cumulative_probability: f64,
    /// The chance of so many exceptions or more under a true model.
    pub p_value: f64,
}

/// The two unconditional statistics of Acerbi and Szekely: 0 expected, negative where losses exceed the forecasts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AcerbiSzekely {
    /// Size of the exceptions alone; NaN without any.
    pub z1: f64,
    /// Size and number of the exceptions.
    pub z2: f64,
    /// Returns below minus the value at risk.
    pub n_exceptions: u64,
}

/// The frequency of exceptions against the promised one.
///
/// # Errors
/// No observation, more exceptions than observations, a level outside (0, 1).
pub fn kupiec(n_exceptions: u64, n_observations: u64, confidence_level: f64) -> Result<LikelihoodRatio> {
    check_counts(n_exceptions, n_observations, confidence_level)?;
    let statistic = coverage_statistic(n_exceptions, n_observations, confidence_level);
    Ok(LikelihoodRatio { statistic, p_value: survival_one(statistic) })
}

/// Whether exceptions come with the promised frequency and independently of the day before.
///
/// # Errors
/// Fewer than two observations, a level outside (0, 1).
pub fn christoffersen(exceptions: ArrayView1<'_, bool>, confidence_level: f64) -> Result<Christoffersen> {
    validate::confidence_level(confidence_level)?;
    if exceptions.len() < 2 {
        return Err(Error::TooFew { what: "the Christoffersen test", needed: 2, found: exceptions.len() });
    }
    let mut transitions = [0_u64; 4];
    for (before, after) in exceptions.iter().zip(exceptions.iter().skip(1)) {
        transitions[2 * usize::from(*before) + usize::from(*after)] += 1;
    }
    Ok(christoffersen_of(transitions, confidence_level))
}

/// The test of the transitions from each bar to the next: calm to calm, calm to exception, and back, and on.
pub(super) fn christoffersen_of(transitions: [u64; 4], confidence_level: f64) -> Christoffersen {
    let [calm_calm, calm_hit, hit_calm, hit_hit] = transitions;
    let gain = log_likelihood(calm_calm, calm_hit) + log_likelihood(hit_calm, hit_hit)
        - log_likelihood(calm_calm + hit_calm, calm_hit + hit_hit);
    let independence = (2.0 * gain).max(0.0);
    let coverage = coverage_statistic(calm_hit + hit_hit, transitions.iter().sum(), confidence_level);
    let both = coverage + independence;
    Christoffersen {
        coverage: LikelihoodRatio { statistic: coverage, p_value: survival_one(coverage) },
        independence: LikelihoodRatio { statistic: independence, p_value: survival_one(independence) },
        conditional_coverage: LikelihoodRatio { statistic: both, p_value: survival_two(both) },
        transitions,
    }
}

/// The Basel zone of a number of exceptions.
///
/// # Errors
/// As [`kupiec`]; more than 10^9 observations, whose probabilities would take seconds to sum.
pub fn traffic_light(n_exceptions: u64, n_observations: u64, confidence_level: f64) -> Result<TrafficLight> {
    check_counts(n_exceptions, n_observations, confidence_level)?;
    if n_observations > MOST_SUMMED {
        let value = n_observations as f64;
        return Err(Error::OutOfRange { what: "n_observations", value, range: "at most 1e9" });
    }
    let (cumulative_probability, p_value) = binomial::tails(n_exceptions, n_observations, confidence_level);
    let zone = match cumulative_probability {
        below if below < YELLOW_FROM => Zone::Green,
        below if below < RED_FROM => Zone::Yellow,
        _ => Zone::Red,
    };
    Ok(TrafficLight { zone, cumulative_probability, p_value })
}

/// Losses beyond the value at risk against the expected shortfall that was forecast for them.
///
/// # Errors
/// Empty or not finite arguments, lengths that differ, an expected shortfall that is not positive, a level outside
/// (0, 1).
pub fn acerbi_szekely(
    returns: ArrayView1<'_, f64>,
    value_at_risk: ArrayView1<'_, f64>,
    expected_shortfall: ArrayView1<'_, f64>,
    confidence_level: f64,
) -> Result<AcerbiSzekely> {
    validate::confidence_level(confidence_level)?;
    validate::non_empty("returns", "observation", returns)?;
    validate::finite("returns", returns)?;
    for (what, forecasts) in [("value_at_risk", value_at_risk), ("expected_shortfall", expected_shortfall)] {
        validate::length(what, forecasts, returns.len())?;
        validate::finite(what, forecasts)?;
    }
    if let Some(&value) = expected_shortfall.iter().find(|shortfall| **shortfall <= 0.0) {
        return Err(Error::OutOfRange {
            what: "expected_shortfall",
            value,
            range: "a positive loss at every observation",
        });
    }
    let (mut n_exceptions, mut excess) = (0_u64, 0.0);
    Zip::from(returns).and(value_at_risk).and(expected_shortfall).for_each(|value, var, shortfall| {
        if *value < -var {
            n_exceptions += 1;
            excess += value / shortfall;
        }
    });
    let expected = returns.len() as f64 * (1.0 - confidence_level);
    let z1 = if n_exceptions == 0 { f64::NAN } else { excess / n_exceptions as f64 + 1.0 };
    Ok(AcerbiSzekely { z1, z2: excess / expected + 1.0, n_exceptions })
}

fn check_counts(n_exceptions: u64, n_observations: u64, confidence_level: f64) -> Result<()> {
    validate::confidence_level(confidence_level)?;
    let refused = |what, value: u64, range| Err(Error::OutOfRange { what, value: value as f64, range });
    if n_observations == 0 {
        return refused("n_observations", n_observations, "at least 1");
    }
    if n_exceptions > n_observations {
        return refused("n_exceptions", n_exceptions, "at most n_observations");
    }
    Ok(())
}

/// `2 [x ln(f/p) + (n-x) ln((1-f)/(1-p))]` with the frequency `f = x/n`.
fn coverage_statistic(x: u64, n: u64, confidence_level: f64) -> f64 {
    let share = |count: u64, promised: f64| match count {
        0 => 0.0,
        _ => count as f64 * (count as f64 / (n as f64 * promised)).ln(),
    };
    // Not below zero but for rounding.
    (2.0 * (share(x, 1.0 - confidence_level) + share(n - x, confidence_level))).max(0.0)
}

/// The largest log likelihood of independent days of two kinds; `0 ln 0` is 0.
fn log_likelihood(first: u64, second: u64) -> f64 {
    let total = (first + second) as f64;
    let share = |count: u64| if count == 0 { 0.0 } else { count as f64 * (count as f64 / total).ln() };
    share(first) + share(second)
}

#[cfg(test)]
mod tests {
    use ndarray::{Array1, arr1};
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_published_values_of_kupiec() {
        for (x, n, expected) in [(0, 250, 5.03), (7, 250, 5.50), (17, 1000, 4.09)] {
            let found = kupiec(x, n, 0.99).unwrap();
            assert!((found.statistic - expected).abs() < 0.005, "{x} of {n}: {}", found.statistic);
        }
        // 4 < x < 17 is accepted at 5 % with 1000 observations.
        let accepted: Vec<u64> =
            (0..=1000).filter(|x| kupiec(*x, 1000, 0.99).unwrap().p_value > 0.05).collect();
        assert_eq!(accepted, (5..17).collect::<Vec<_>>());
        assert_eq!(kupiec(5, 100, 0.95).unwrap().statistic, 0.0);
        assert!(kupiec(250, 250, 0.99).unwrap().statistic > 2000.0);
    }

    #[test]
    fn the_published_zones_of_basel() {
        for x in 0..=250 {
            let zone = traffic_light(x, 250, 0.99).unwrap().zone;
            let expected = match x {
                0..=4 => Zone::Green,
                5..=9 => Zone::Yellow,
                _ => Zone::Red,
            };
            assert_eq!(zone, expected, "{x} exceptions");
        }
    }

    #[test]
    fn exceptions_in_a_row_are_not_independent() {
        let clustered: Array1<bool> = (0..500).map(|day| (100..105).contains(&day)).collect();
        let spread: Array1<bool> = (0..500).map(|day| day % 100 == 50).collect();
        let clustered = christoffersen(clustered.view(), 0.99).unwrap();
        let spread = christoffersen(spread.view(), 0.99).unwrap();
        assert_eq!(clustered.transitions, [493, 1, 1, 4]);
        assert_eq!(spread.transitions, [489, 5, 5, 0]);
        assert_eq!(clustered.coverage, spread.coverage);
        assert!(clustered.independence.p_value < 1e-6 && spread.independence.p_value > 0.7);
    }

    #[test]
    fn degenerate_sequences_say_nothing_of_independence() {
        for exceptions in [[false; 9], [true; 9]] {
            let found = christoffersen(arr1(&exceptions).view(), 0.95).unwrap();
            assert_eq!(found.independence, LikelihoodRatio { statistic: 0.0, p_value: 1.0 });
            assert_eq!(found.coverage.statistic, found.conditional_coverage.statistic);
        }
    }

    #[test]
    fn shortfall_by_hand() {
        let returns = arr1(&[0.01, -0.03, -0.02, -0.05]);
        let (var, es) = (Array1::from_elem(4, 0.02), Array1::from_elem(4, 0.04));
        // Exactly the value at risk is no exception.
        let found = acerbi_szekely(returns.view(), var.view(), es.view(), 0.75).unwrap();
        assert_eq!(found.n_exceptions, 2);
        assert!((found.z1 - 0.0).abs() < 1e-15 && (found.z2 + 1.0).abs() < 1e-15);
        let calm =
            acerbi_szekely(arr1(&[0.1]).view(), arr1(&[0.0]).view(), arr1(&[0.1]).view(), 0.9).unwrap();
        assert!(calm.z1.is_nan() && calm.z2 == 1.0);
    }

    #[test]
    fn bad_input_is_refused() {
        assert!(kupiec(0, 0, 0.99).unwrap_err().to_string().contains("n_observations is 0"));
        assert!(kupiec(3, 2, 0.99).unwrap_err().to_string().contains("n_exceptions is 3"));
        assert!(traffic_light(1, 2, 1.0).is_err());
        // Found by fuzzing: summed for hours.
        assert!(traffic_light(1, u64::MAX, 0.5).unwrap_err().to_string().contains("at most 1e9"));
        assert!(christoffersen(arr1(&[true]).view(), 0.9).is_err());
        assert!(christoffersen(arr1(&[true, false]).view(), 0.0).is_err());
        let (one, two) = (arr1(&[0.1]), arr1(&[0.1, 0.2]));
        let bad = arr1(&[f64::NAN]);
        let zero = arr1(&[0.0]);
        assert!(acerbi_szekely(one.view(), two.view(), one.view(), 0.9).is_err());
        assert!(acerbi_szekely(one.view(), one.view(), bad.view(), 0.9).is_err());
        assert!(acerbi_szekely(one.view(), one.view(), zero.view(), 0.9).is_err());
        assert!(acerbi_szekely(bad.view(), one.view(), one.view(), 0.9).is_err());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn probabilities_stay_probabilities(n in 1_u64..3000, share in 0.0_f64..=1.0, levels in 1_u32..1000) {
            let level = f64::from(levels) / 1000.0;
            let x = (share * n as f64) as u64;
            let light = traffic_light(x, n, level).unwrap();
            let ratio = kupiec(x, n, level).unwrap();
            for probability in [light.cumulative_probability, light.p_value, ratio.p_value] {
                prop_assert!((0.0..=1.0).contains(&probability));
            }
            prop_assert!(light.cumulative_probability + light.p_value >= 1.0 - 1e-12);
            if x < n {
                let next = traffic_light(x + 1, n, level).unwrap();
                prop_assert!((light.cumulative_probability + next.p_value - 1.0).abs() < 1e-12);
            }
        }
    }
}
