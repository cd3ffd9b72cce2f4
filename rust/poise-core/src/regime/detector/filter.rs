//! The sticky Bayes filter.

use super::durations::PRIOR_DURATIONS;
use super::rules::{Probabilities, normalised};

pub(super) const UNIFORM: Probabilities = [0.25; 4];

/// The probabilities one bar later, before that bar is seen: a regime of prior duration `d` ends with probability `1/d`
/// and gives way to each other one alike.
///
/// Neither follows the spells of the label: those are what this filter said, and would teach it to repeat itself.
pub(super) fn predict(probabilities: &Probabilities) -> Probabilities {
    let leaving: Probabilities = std::array::from_fn(|k| probabilities[k] / PRIOR_DURATIONS[k]);
    let all: f64 = leaving.iter().sum();
    std::array::from_fn(|k| probabilities[k] - leaving[k] + (all - leaving[k]) / 3.0)
}

/// The probabilities after a bar: Bayes' rule.
pub(super) fn update(predicted: &Probabilities, likelihood: &Probabilities) -> Probabilities {
    normalised(std::array::from_fn(|k| predicted[k] * likelihood[k]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_leaves_goes_anywhere_else() {
        for (from, d) in PRIOR_DURATIONS.into_iter().enumerate() {
            let mut sure = [0.0; 4];
            sure[from] = 1.0;
            let next = predict(&sure);
            for (to, p) in next.into_iter().enumerate() {
                let expected = if to == from { 1.0 - 1.0 / d } else { 1.0 / d / 3.0 };
                assert!((p - expected).abs() < 1e-16);
            }
        }
    }

    #[test]
    fn odds_are_multiplied() {
        let after = update(&[0.5, 0.3, 0.1, 0.1], &[0.1, 0.2, 0.3, 0.4]);
        assert!(after.iter().zip([5.0, 6.0, 3.0, 4.0]).all(|(p, share)| (p - share / 18.0).abs() < 1e-15));
    }
}
