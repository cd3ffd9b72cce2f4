//! Hidden states of a market from a handful of features.
//!
//! [`GaussianHmm`] gives probabilities, [`JumpModel`] labels that pay for every change. Both can be fitted in one
//! call and then followed row by row, with the bits that the batch gives. [`RegimeDetector`] names the regime of a market
//! from the returns of its assets.

mod bayes;
mod columns;
mod densities;
mod detector;
mod em;
mod gaussians;
mod hmm;
mod jump;
mod kmeans;
mod model;
mod online;
mod recursions;
mod restarts;
mod rng;
mod viterbi;

pub use detector::{
    Bin, Diagnosis, Engine, LARGEST_RETURN, N_BINS, PRIOR_DURATIONS, Probabilities, Reading, RegimeDetector,
    RegimeState, Scores, Thresholds,
};
pub use hmm::{HmmFit, HmmSettings, fit_gaussian_hmm};
pub use jump::{JumpFit, JumpModel, JumpSettings, fit_jump_model};
pub use model::GaussianHmm;
