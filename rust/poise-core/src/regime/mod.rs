//! Hidden states of a market from a handful of features.
//!
//! [`GaussianHmm`] gives probabilities, [`JumpModel`] labels that pay for every change. Both can be fitted in one
//! call and then followed row by row, with the bits that the batch gives.

mod bayes;
mod columns;
mod densities;
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

pub use hmm::{HmmFit, HmmSettings, fit_gaussian_hmm};
pub use jump::{JumpFit, JumpModel, JumpSettings, fit_jump_model};
pub use model::GaussianHmm;
