//! Weights from elsewhere made to fit: those of a neighbouring problem, and those of assets that are alike.

use super::{Bounds, SUM_TOLERANCE};

impl Bounds {
    /// The weights of a neighbouring problem, moved into these bounds and to this sum.
    pub(in crate::optimization) fn reach(&self, mut weights: Vec<f64>, total: f64) -> Vec<f64> {
        self.settle(&mut weights, total);
        for i in 0..weights.len() {
            let missing = total - weights.iter().sum::<f64>();
            if missing.abs() <= SUM_TOLERANCE {
                break;
            }
            weights[i] = self.clip(i, weights[i] + missing);
        }
        weights
    }

    /// Gives assets that differ in nothing the same weight: the sum and the variance stay.
    ///
    /// `twins` have the same row of the covariance; with equal `linear` terms and bounds they are alike.
    pub(in crate::optimization) fn share_among(
        &self,
        weights: &mut [f64],
        twins: &[Vec<usize>],
        linear: &[f64],
    ) {
        let alike = |i: usize, j: usize| {
            (linear[i], self.lower[i], self.upper[i]) == (linear[j], self.lower[j], self.upper[j])
        };
        for family in twins {
            for (position, &i) in family.iter().enumerate() {
                if family[..position].iter().any(|&j| alike(i, j)) {
                    continue;
                }
                let group: Vec<usize> = family.iter().copied().filter(|&j| alike(i, j)).collect();
                let mean = group.iter().map(|&j| weights[j]).sum::<f64>() / group.len() as f64;
                for j in group {
                    weights[j] = self.clip(j, mean);
                }
            }
        }
    }
}
