//! Covariance and correlation: estimators that forget, the plain sample, and shrinkage of both.
//!
//! Rows arrive in time order and are weighted by `2^(-age / half_life)`. NaN means missing and is handled
//! pair by pair, as in `pandas.DataFrame.ewm`; infinities are refused. While nothing is missing all assets
//! share one chain of weights (`dense`); from the first gap every pair has its own (`pairs`). Shrinkage wants
//! complete rows (`complete`); `iterated` fills gaps by what the other assets let expect.

mod accumulator;
mod asynchronous;
mod closes;
mod complete;
mod dense;
mod ewma;
mod follow;
mod gaps;
pub(crate) mod gram;
mod half_lives;
mod identity;
mod iterated;
mod nearest;
mod nonlinear;
mod packed;
mod pairs;
mod panels;
mod path;
#[cfg(test)]
mod properties;
mod rolling;
mod sample;
mod scheme;
mod shrinkage;
mod shrunk;
mod state;
mod steps;
mod tail;

pub use accumulator::ZeroVariance;
pub use asynchronous::{AsynchronousCovariance, hayashi_yoshida};
pub use closes::take_closes;
pub use ewma::{
    ewma_correlation, ewma_correlation_packed_path, ewma_correlation_path, ewma_covariance,
    ewma_covariance_packed_path, ewma_covariance_path,
};
pub use follow::{Followed, follow, inverse_volatility_mean, mean};
pub use half_lives::HalfLivesState;
pub use identity::{OasFormula, ledoit_wolf, oas};
pub use iterated::{BookSums, IteratedRule, IteratedState, RegimesState, Timeframe, TimeframesState};
pub use nearest::nearest_correlation;
pub use nonlinear::nonlinear_shrinkage;
pub use rolling::{RollingRule, RollingState, rolling_covariance_path};
pub use sample::sample_covariance;
pub use scheme::EwmaRule;
pub use shrinkage::{Shrunk, constant_correlation_shrinkage};
pub use shrunk::ShrunkState;
pub use state::EwmaState;
