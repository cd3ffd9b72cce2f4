//! The sticky Bayes filter.

use super::durations::Transitions;
use super::rules::{Probabilities, normalised};

pub(super) const UNIFORM: Probabilities = [0.25; 4];

/// The probabilities one bar later, before that bar is seen.
pub(super) fn predict(probabilities: &Probabilities, transitions: &Transitions) -> Probabilities {
    std::array::from_fn(|to| {
        probabilities.iter().zip(transitions).fold(0.0, |sum, (p, row)| sum + p * row[to])
    })
}

/// The probabilities after a bar.
///
/// The membership counts with the power 1/4: neighbouring bars share most of their window, so four of them are worth
/// about one independent reading.
pub(super) fn update(predicted: &Probabilities, membership: &Probabilities) -> Probabilities {
    normalised(std::array::from_fn(|k| predicted[k] * membership[k].sqrt().sqrt()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn four_equal_readings_are_worth_one() {
        let membership = [0.6, 0.2, 0.15, 0.05];
        let after = (0..4).fold(UNIFORM, |probabilities, _| update(&probabilities, &membership));
        assert!(after.iter().zip(membership).all(|(a, b)| (a - b).abs() < 1e-15));
    }
}
