//! How good the detector's probabilities and its confidence were, against the labels that turned out right.

use super::judge::Call;
use super::rules::Probabilities;
use crate::Result;
use crate::snapshot::{Reader, Writer, refused};

/// Equal steps of confidence.
pub const N_BINS: usize = 10;

/// A probability below this counts as this: one surprise must not make a score infinite.
const LEAST: f64 = 1e-6;

/// Calls whose confidence fell into one step.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Bin {
    /// Calls.
    pub number: u64,
    /// Sum of their confidences.
    pub confidence: f64,
    /// Those that were right.
    pub right: u64,
}

/// Sums over all calls judged so far.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Scores {
    /// Calls.
    pub number: u64,
    /// Of `sum_k (p_k - 1{k is right})^2`.
    pub brier: f64,
    /// Of `(confidence - 1{label is right})^2`.
    pub confidence_brier: f64,
    /// Of `-ln p` of the label that was right.
    pub log: f64,
    /// By confidence.
    pub bins: [Bin; N_BINS],
}

/// `-ln p` of the label that was right.
pub(super) fn log_score(probabilities: &Probabilities, truth: usize) -> f64 {
    -probabilities[truth].max(LEAST).ln()
}

impl Scores {
    pub(super) fn add(&mut self, call: &Call, truth: usize) {
        let is_right = call.label == truth;
        let hit = f64::from(u8::from(is_right));
        self.number += 1;
        self.log += log_score(&call.probabilities, truth);
        self.confidence_brier += (call.confidence - hit).powi(2);
        for (k, p) in call.probabilities.iter().enumerate() {
            self.brier += if k == truth { (p - 1.0).powi(2) } else { p * p };
        }
        let bin = &mut self.bins[((call.confidence * N_BINS as f64) as usize).min(N_BINS - 1)];
        bin.number += 1;
        bin.confidence += call.confidence;
        bin.right += u64::from(is_right);
    }

    pub(super) fn write(&self, writer: &mut Writer) {
        writer.count(self.number);
        writer.reals(&[self.brier, self.confidence_brier, self.log]);
        for bin in &self.bins {
            writer.count(bin.number);
            writer.reals(&[bin.confidence]);
            writer.count(bin.right);
        }
    }

    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self> {
        let mut scores = Self {
            number: reader.count()?,
            brier: reader.real()?,
            confidence_brier: reader.real()?,
            log: reader.real()?,
            bins: [Bin::default(); N_BINS],
        };
        for bin in &mut scores.bins {
            *bin = Bin { number: reader.count()?, confidence: reader.real()?, right: reader.count()? };
            if bin.right > bin.number {
                return Err(refused(format!("{} of {} calls were right", bin.right, bin.number)));
            }
        }
        Ok(scores)
    }
}

#[cfg(test)]
mod tests {
    use super::super::rules::{BEAR, BULL, Thresholds};
    use super::*;

    #[test]
    fn sums_are_those_of_the_definitions() {
        let call = Call {
            probabilities: [0.5, 0.3, 0.2, 0.0],
            confidence: 0.95,
            label: BULL,
            normal_volatility: 0.01,
            thresholds: Thresholds { volatility: 0.4, trend: 0.8 },
            vote: None,
        };
        let mut scores = Scores::default();
        scores.add(&call, BULL);
        scores.add(&call, BEAR);
        scores.add(&Call { confidence: 1.0, ..call }, 3);
        assert_eq!(scores.number, 3);
        assert!((scores.log + 0.5_f64.ln() + 0.3_f64.ln() + 1e-6_f64.ln()).abs() < 1e-12);
        assert!(
            (scores.brier - (0.25 + 0.09 + 0.04) - (0.25 + 0.49 + 0.04) - (0.25 + 0.09 + 0.04 + 1.0)).abs()
                < 1e-15
        );
        assert!((scores.confidence_brier - 0.0025 - 0.9025 - 1.0).abs() < 1e-15);
        assert_eq!(scores.bins[9], Bin { number: 3, confidence: 0.95 + 0.95 + 1.0, right: 1 });
    }
}
