//! Covariance and correlation that forget.
//!
//! Rows arrive in time order and are weighted by `2^(-age / half_life)`. NaN means missing and is handled
//! pair by pair, as in `pandas.DataFrame.ewm`; infinities are refused. While nothing is missing all assets
//! share one chain of weights (`dense`); from the first gap every pair has its own (`pairs`).

mod accumulator;
mod dense;
mod ewma;
mod gaps;
mod gram;
mod packed;
mod pairs;
#[cfg(test)]
mod properties;
mod sample;
mod scheme;
mod shrinkage;
mod snapshot;
mod state;

pub use accumulator::ZeroVariance;
pub use ewma::{ewma_correlation, ewma_correlation_path, ewma_covariance, ewma_covariance_path};
pub use sample::sample_covariance;
pub use scheme::EwmaRule;
pub use shrinkage::{Shrunk, constant_correlation_shrinkage};
pub use state::EwmaState;
