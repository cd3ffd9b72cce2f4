//! What a detector answers.

use super::features::Reading;
use super::rules::{Probabilities, Thresholds};

/// The regime after one bar; nothing later was used.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RegimeState {
    /// Bull, bear, sideways, high volatility: 0 to 3.
    pub label: usize,
    /// Of the four, sum 1.
    pub probabilities: Probabilities,
    /// Probability that the label is right.
    pub confidence: f64,
    /// Bars since the label began.
    pub age: u64,
    /// Expected further bars before it ends.
    pub expected_remaining: f64,
}

/// What the last bar that had a return said.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Diagnosis {
    /// The measurements.
    pub reading: Reading,
    /// Where the ex-post label of the bar will part the regimes.
    pub thresholds: Thresholds,
    /// How likely the bar alone is in each regime, scaled to sum 1.
    pub likelihood: Probabilities,
}
