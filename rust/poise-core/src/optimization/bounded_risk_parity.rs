//! Risk budgeting within bounds.
//!
//! Richard and Roncalli (2019), "Constrained Risk Budgeting Portfolios": minimise
//! `1/2 w'Sw - kappa sum b_i ln w_i` within the bounds and choose `kappa` so that the weights sum to 1. It
//! is risk parity no more, and the budget gap says how far from it.

use super::barrier::{Barrier, Point};
use super::bounds::{Bounds, SUM_TOLERANCE};
use super::dense::Symmetric;
use crate::{Error, Result};

/// How far above and below the risk of the first weights `kappa` is sought: further down the logarithms
/// no longer show beside the rounding of the risk.
const RANGE: f64 = 1e10;

/// Values of `kappa` to try; a regular problem takes about ten.
const EVALUATIONS: usize = 100;

/// A bounded problem on the assets that have both a budget and room.
#[derive(Debug)]
pub(super) struct Budgeting<'a> {
    pub(super) correlation: &'a Symmetric,
    pub(super) volatility: &'a [f64],
    pub(super) budgets: &'a [f64],
    pub(super) bounds: &'a Bounds,
    /// What assets outside the problem add to `(Cx)_i`.
    pub(super) outside: &'a [f64],
    /// What the weights must sum to.
    pub(super) total: f64,
    /// The certificate that an answer must reach.
    pub(super) tolerance: f64,
    /// Whether a ridge stands in for the curvature.
    pub(super) singular: bool,
}

/// Weights, sweeps taken, and the largest error of a contribution relative to the risk at stake.
#[derive(Debug)]
pub(super) struct Budgeted {
    pub(super) weights: Vec<f64>,
    pub(super) iterations: usize,
    pub(super) certificate: f64,
}

impl Budgeting<'_> {
    /// Solves, starting from weights without bounds.
    ///
    /// None where no `kappa` can be found: the lower bounds hold so much risk that hedging it takes more
    /// than `total`, or a singular matrix lets the weights hedge all risk away, and contributions to
    /// nothing cannot be compared.
    ///
    /// # Errors
    ///
    /// [`Error::NotConverged`] where rounding keeps the certificate above the tolerance.
    pub(super) fn solve(&self, unbounded: &[f64]) -> Result<Option<Budgeted>> {
        for limit in [&self.bounds.lower, &self.bounds.upper] {
            if (limit.iter().sum::<f64>() - self.total).abs() <= SUM_TOLERANCE {
                return Ok(Some(Budgeted { weights: limit.clone(), iterations: 0, certificate: 0.0 }));
            }
        }
        let scaled = |w: &[f64]| w.iter().zip(self.volatility).map(|(w, v)| w * v).collect::<Vec<f64>>();
        let (lower, upper, mut x) =
            (scaled(&self.bounds.lower), scaled(&self.bounds.upper), scaled(unbounded));
        for (value, (low, high)) in x.iter_mut().zip(lower.iter().zip(&upper)) {
            *value = value.max(*low).min(*high);
        }
        let barrier = Barrier {
            correlation: self.correlation,
            outside: self.outside,
            budgets: self.budgets,
            lower: &lower,
            upper: &upper,
        };
        let risk: f64 = x.iter().zip(barrier.slope(&x)).map(|(x, slope)| (x * slope).abs()).sum();
        let mut search = Search {
            budgeting: self,
            barrier,
            point: Point { x, sweeps: 0, error: f64::INFINITY },
            sweeps: 0,
        };
        if !search.reach_total(risk) {
            return Ok(None);
        }
        search.finish()
    }
}

struct Search<'a> {
    budgeting: &'a Budgeting<'a>,
    barrier: Barrier<'a>,
    point: Point,
    sweeps: usize,
}

impl Search<'_> {
    /// Finds the `kappa` whose weights sum to the total; false where none does.
    ///
    /// Newton's method on `ln kappa` inside a bracket that is halved where Newton leaves it.
    fn reach_total(&mut self, first: f64) -> bool {
        let (mut low, mut high): (Option<f64>, Option<f64>) = (None, None);
        let mut kappa = first;
        for _ in 0..EVALUATIONS {
            if kappa > first * RANGE || kappa < first / RANGE {
                return false;
            }
            let (excess, derivative) = self.excess(kappa);
            if excess.abs() <= 1e-14 {
                return true;
            }
            *(if excess < 0.0 { &mut low } else { &mut high }) = Some(kappa);
            let newton = kappa * (-excess / derivative).clamp(-3.0, 3.0).exp();
            kappa = match (low, high) {
                (Some(low), Some(high)) if high / low <= 1.0 + 4.0 * f64::EPSILON => return true,
                (Some(low), Some(high)) if newton > low && newton < high => newton,
                (Some(low), Some(high)) => low * (high / low).sqrt(),
                (Some(low), None) if newton > low => newton.max(1.5 * low),
                (Some(low), None) => 16.0 * low,
                (None, Some(high)) if newton < high => newton.min(high / 1.5),
                (None, Some(high)) => high / 16.0,
                (None, None) => return false,
            };
        }
        true
    }

    /// The excess of the weights' sum over the total, and its derivative by `ln kappa`.
    fn excess(&mut self, kappa: f64) -> (f64, f64) {
        self.point = self.barrier.minimise(kappa, &self.point.x);
        self.sweeps += self.point.sweeps;
        let sum = |x: &[f64]| x.iter().zip(self.budgeting.volatility).map(|(x, v)| x / v).sum::<f64>();
        let response = self.barrier.response(kappa, &self.point.x);
        (sum(&self.point.x) - self.budgeting.total, sum(&response))
    }

    fn finish(self) -> Result<Option<Budgeted>> {
        let Budgeting { bounds, volatility, total, .. } = self.budgeting;
        let mut weights: Vec<f64> = self.point.x.iter().zip(*volatility).map(|(x, v)| x / v).collect();
        for (i, x) in self.point.x.iter().enumerate() {
            // Dividing by the volatility again may miss a bound by rounding.
            if *x <= self.barrier.lower[i] {
                weights[i] = bounds.lower[i];
            } else if *x >= self.barrier.upper[i] {
                weights[i] = bounds.upper[i];
            }
        }
        let certificate = self.point.error.max((weights.iter().sum::<f64>() - total).abs());
        bounds.settle(&mut weights, *total);
        if certificate <= self.budgeting.tolerance {
            return Ok(Some(Budgeted { weights, iterations: self.sweeps, certificate }));
        }
        if self.budgeting.singular {
            return Ok(None);
        }
        let (iterations, tolerance) = (self.sweeps, self.budgeting.tolerance);
        Err(Error::NotConverged { iterations, residual: certificate, tolerance })
    }
}
