//! Weights that solve a stated problem, with a certificate.
//!
//! Every solver takes a covariance and [`Bounds`] and returns a [`Solution`]: weights that keep every bound
//! exactly and sum to 1 to rounding, and a number that proves how good they are. Degenerate inputs have one
//! answer everywhere: an asset without variance is treated like cash (weight 0 where the bounds allow it),
//! all of them without variance share equally, a singular matrix gets a ridge of 1e-10 of each variance so
//! that twins weigh the same, one that rounding its entries made slightly indefinite is taken with a flag,
//! and a clearly indefinite one is refused.

mod active_set;
mod barrier;
mod bounded_risk_parity;
mod bounds;
mod box_program;
mod cholesky;
mod conjugate_gradients;
mod coordinate_descent;
mod critical_line;
mod dense;
mod duality;
mod free_block;
mod half_product;
mod kelly;
mod maximum_diversification;
mod maximum_sharpe;
mod mean_variance;
mod minimum;
mod newton;
mod ordinary;
mod parity_state;
mod pivots;
mod probe;
mod problem;
mod program;
mod quadratic;
mod risk_parity;
mod rolling;
mod scenarios;
mod solution;
mod tail_program;
mod truncated_newton;
mod unhindered;

pub use bounds::{Bounds, Side, fill};
pub use box_program::Proof;
pub use critical_line::{Corner, Frontier, efficient_frontier};
pub use kelly::{KellyRule, kelly};
pub use maximum_diversification::{maximum_diversification, maximum_diversification_from};
pub use maximum_sharpe::maximum_sharpe;
pub use mean_variance::{mean_variance, mean_variance_from, minimum_variance, minimum_variance_from};
pub use program::{Program, ProgramSolution, Trading, maximum_ratio_program, quadratic_program};
pub use risk_parity::{risk_parity, risk_parity_from};
pub use rolling::rolling_minimum_variance;
pub use solution::{Solution, Status};
pub use tail_program::{TailRule, minimum_cvar};
