//! The efficient frontier, exactly: every corner portfolio by the critical line.
//!
//! Markowitz (1956), "The Optimization of a Quadratic Function Subject to Linear Constraints"; Niedermayer and
//! Niedermayer (2010), "Applying Markowitz's Critical Line Algorithm". The minima of
//! `1/2 w'Sw - lambda mu'w` are piecewise linear in `lambda`: from the highest return, `lambda` falls to the
//! least variance at 0. Where a lower bound is open there may be no highest return: then `lambda` rises from 0,
//! and the last line goes on for ever.

mod event;
mod frontier;
mod path;
mod queries;
mod start;

use ndarray::{ArrayView1, ArrayView2};

pub use frontier::{Corner, Frontier};

use super::bounds::Bounds;
use super::dense::Symmetric;
use super::problem::{Problem, needed_ridge, seems_definite};
use super::quadratic::Hessian;
use crate::{Error, Result, validate};

/// Expected returns this close, as a part of their range, are the same: rounding would rank them.
const TIE: f64 = 1e-12;

/// Beyond it the return of a portfolio with open bounds may be no number.
const LARGEST: f64 = 1e150;

/// All portfolios with `sum w = 1` within the bounds that no other beats in both expected return and variance.
///
/// An asset without variance takes part. A singular covariance gets a ridge, which [`Frontier::ridge`] tells.
///
/// # Errors
///
/// The checks of [`validate::covariance`]; [`Error::NotPositiveSemidefinite`], [`Error::Infeasible`],
/// [`Error::NonFinite`] and [`Error::Shape`] for the expected returns, [`Error::OutOfRange`] where one is
/// absurdly large, or they and the covariance lie so far apart that `lambda` is no number.
pub fn efficient_frontier(
    expected_returns: ArrayView1<'_, f64>,
    covariance: ArrayView2<'_, f64>,
    bounds: &Bounds,
) -> Result<Frontier> {
    let problem = Problem::new(covariance)?;
    let n = covariance.nrows();
    validate::length("expected_returns", expected_returns, n)?;
    validate::finite("expected_returns", expected_returns)?;
    bounds.admit_full_investment(n)?;
    let everyone: Vec<usize> = (0..n).collect();
    let (scaled, factor) = problem.covariance_of(covariance, &everyone);
    let curvature = Curvature::new(scaled, &everyone, factor)?;
    Frontier::new(&expected_returns.to_vec(), curvature, bounds.clone(), 1.0, problem.riskless, None)
}

/// A sum may be off by this part of its terms.
pub(super) const ROUNDING: f64 = 1e-12;

/// A covariance in units of its mean variance, definite; a large one may only seem so, until it is proved.
#[derive(Debug, Clone)]
pub(super) struct Curvature {
    pub(super) hessian: Hessian,
    /// What brought the covariance to these units.
    pub(super) factor: f64,
    /// The part of each variance that made it definite, and what that added to the diagonal.
    pub(super) ridge: f64,
    pub(super) added: Vec<f64>,
    /// What its rows are called, where nobody has proved it definite.
    presumed: Option<Vec<usize>>,
}

impl Curvature {
    pub(super) fn new(scaled: Symmetric, assets: &[usize], factor: f64) -> Result<Self> {
        let seems_definite = seems_definite(&scaled);
        let (hessian, presumed) = (Hessian::regular(scaled), Some(assets.to_vec()));
        let mut curvature = Self { hessian, factor, ridge: 0.0, added: Vec::new(), presumed };
        if !seems_definite {
            curvature.prove()?;
        }
        Ok(curvature)
    }

    /// Whether nobody has proved it definite.
    pub(super) fn is_presumed(&self) -> bool {
        self.presumed.is_some()
    }

    /// Proves by a factor that it is definite, or makes it so.
    pub(super) fn prove(&mut self) -> Result<()> {
        let Some(assets) = self.presumed.take() else { return Ok(()) };
        self.ridge = needed_ridge(&self.hessian.matrix, &assets)?;
        if self.ridge > 0.0 {
            let hessian = Hessian::singular(&self.hessian.matrix, self.ridge);
            let variances = self.hessian.matrix.diagonal();
            self.added =
                hessian.matrix.diagonal().zip(variances).map(|(with, without)| with - without).collect();
            self.hessian = hessian;
        }
        Ok(())
    }

    /// `left'S right` of the covariance as it was given.
    pub(super) fn covariance(&self, left: &[f64], right: &[f64]) -> f64 {
        let with: f64 = left.iter().zip(self.hessian.matrix.multiply(right)).map(|(x, y)| x * y).sum();
        let ridge: f64 = self.added.iter().zip(left.iter().zip(right)).map(|(d, (x, y))| d * x * y).sum();
        (with - ridge) / self.factor
    }

    /// How far a variance of these weights may be off: rounding of what it is the rest of, and what the ridge, which
    /// decides where the frontier ends, adds to it.
    pub(super) fn blur(&self, weights: &[f64]) -> f64 {
        let volatility: f64 = weights.iter().zip(&self.hessian.volatility).map(|(w, v)| (w * v).abs()).sum();
        let ridge: f64 = self.added.iter().zip(weights).map(|(d, w)| d * w * w).sum();
        (ROUNDING * volatility * volatility + ridge) / self.factor
    }

    /// `w'Sw` of the covariance as it was given; rounding never makes it negative.
    pub(super) fn variance(&self, weights: &[f64]) -> f64 {
        self.covariance(weights, weights).max(0.0)
    }
}

/// Expected returns between -1 (the worst) and 0 (the best), ties made equal, with the range they span.
pub(super) fn scaled_returns(expected_returns: &[f64], factor: f64) -> Result<(Vec<f64>, f64)> {
    let (worst, best) = expected_returns
        .iter()
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), &mu| (low.min(mu), high.max(mu)));
    let largest = if best.abs() > worst.abs() { best } else { worst };
    if largest.abs() > LARGEST {
        let range = "at most 1e150 in size";
        return Err(Error::OutOfRange { what: "the largest of expected_returns", value: largest, range });
    }
    let range = best - worst;
    let rounding = 4.0 * f64::EPSILON * largest.abs();
    if range <= rounding {
        return Ok((vec![0.0; expected_returns.len()], 0.0));
    }
    let unit = range * factor;
    if !(unit.is_finite() && unit.recip().is_finite()) {
        let range = "comparable with the variances";
        return Err(Error::OutOfRange { what: "the range of expected_returns", value: best - worst, range });
    }
    let mut scaled: Vec<f64> = expected_returns.iter().map(|mu| (mu - best) / range).collect();
    let tie = TIE.max(rounding / range);
    let mut order: Vec<usize> = (0..scaled.len()).collect();
    order.sort_by(|&i, &j| scaled[j].total_cmp(&scaled[i]));
    let mut leader = 0.0;
    for i in order {
        if leader - scaled[i] <= tie {
            scaled[i] = leader;
        } else {
            leader = scaled[i];
        }
    }
    Ok((scaled, range))
}
