//! One row of a hidden Markov chain: from what was known before it to what is known after it.
//!
//! The batch and the online filter both go through these functions, so their bits agree.

use poise_simd::Simd;

/// A predicted probability below this counts as none: its inverse must stay finite.
pub(super) const NEGLIGIBLE: f64 = 1e-290;

/// The chain: where it starts and how it moves.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Chain {
    pub(super) start: Vec<f64>,
    /// `(n_states, n_states)`, rows sum to one.
    pub(super) transition: Vec<f64>,
}

impl Chain {
    pub(super) fn n_states(&self) -> usize {
        self.start.len()
    }
}

/// Probabilities of the next state from those of this one.
#[inline(always)]
pub(super) fn predict<S: Simd>(simd: S, filtered: &[f64], transition: &[f64], predicted: &mut [f64]) {
    let n_states = filtered.len();
    let transition = &transition[..n_states * n_states];
    for (j, predicted) in predicted.iter_mut().enumerate() {
        let mut probability = filtered[0] * transition[j];
        for i in 1..n_states {
            probability = simd.fma(filtered[i], transition[i * n_states + j], probability);
        }
        *predicted = if probability < NEGLIGIBLE { 0.0 } else { probability };
    }
}

/// Prior times density of every state; returns the sum, NaN where no state has a density.
#[inline(always)]
pub(super) fn joint(prior: &[f64], density: impl Fn(usize) -> f64, joint: &mut [f64]) -> f64 {
    for (state, (joint, prior)) in joint.iter_mut().zip(prior).enumerate() {
        *joint = prior * density(state);
    }
    joint.iter().sum()
}

/// Divides by the sum.
#[inline(always)]
pub(super) fn normalize(joint: &mut [f64], total: f64) {
    let scale = 1.0 / total;
    joint.iter_mut().for_each(|joint| *joint *= scale);
}

/// Turns logarithms of joint densities into probabilities and returns the logarithm of their sum: for rows whose
/// likeliest state is out of reach, and the others underflowed beside it. `None` where no reachable state has a
/// density above zero.
#[cold]
pub(super) fn normalize_logs(joint: &mut [f64]) -> Option<f64> {
    let largest = joint.iter().fold(f64::NEG_INFINITY, |largest, x| largest.max(*x));
    if !largest.is_finite() {
        return None;
    }
    joint.iter_mut().for_each(|joint| *joint = (*joint - largest).exp());
    let total: f64 = joint.iter().sum();
    joint.iter_mut().for_each(|joint| *joint /= total);
    Some(largest + total.ln())
}
