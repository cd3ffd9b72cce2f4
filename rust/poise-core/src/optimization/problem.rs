//! From a covariance to a well-posed problem: units, assets without risk, singular directions.

use ndarray::{ArrayView1, ArrayView2};

use super::bounds::{Bounds, fill};
use super::dense::Symmetric;
use super::ordinary::{in_order, is_ordinary, least_variance};
use super::probe::finds_negative_direction;
use super::{cholesky, pivots};
use crate::{Error, Result, linear, validate};

/// Ridge put on a singular matrix, as a part of each variance: picks the answer of least norm.
pub(super) const RIDGE: f64 = 1e-10;

/// What is tried on a matrix that is not safely positive definite. A negative direction that the last
/// covers comes from rounding the entries to three digits.
pub(super) const RIDGES: [f64; 9] = [RIDGE, 1e-9, 1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 2e-3];

/// Up to this many assets plain elimination is the quickest.
const MODERATE: usize = 128;

/// Up to this many assets a Cholesky factor is as quick as the answer.
pub(super) const FACTORED: usize = 100;

/// What the last ridge would cover comes from rounding.
const LARGEST_RIDGE: f64 = RIDGES[RIDGES.len() - 1];

/// A covariance whose largest variance is 1, split into assets with risk and without.
#[derive(Debug)]
pub(super) struct Problem {
    /// Assets with a positive variance.
    pub(super) risky: Vec<usize>,
    /// Assets without one: treated like cash.
    pub(super) riskless: Vec<usize>,
    factor: f64,
    /// Whether the covariance is symmetric to the last bit and lies row by row.
    ordinary: bool,
}

impl Problem {
    /// Checks the covariance and finds the assets without risk.
    pub(super) fn new(covariance: ArrayView2<'_, f64>) -> Result<Self> {
        let n = covariance.nrows();
        let ordinary =
            n > 0 && covariance.ncols() == n && in_order(covariance).is_some_and(|rows| is_ordinary(rows, n));
        if !ordinary {
            validate::covariance("covariance", covariance)?;
        }
        let largest = covariance.diag().iter().fold(0.0_f64, |largest, &v| largest.max(v));
        let floor = least_variance(largest);
        let (riskless, risky) = (0..n).partition::<Vec<_>, _>(|&i| covariance[(i, i)] < floor);
        let factor = if largest < f64::MIN_POSITIVE { 1.0 } else { largest.recip() };
        let problem = Self { risky, riskless, factor, ordinary };
        problem.riskless_rows_are_zero(covariance, largest)?;
        Ok(problem)
    }

    /// An asset that never moves cannot move together with another.
    fn riskless_rows_are_zero(&self, covariance: ArrayView2<'_, f64>, largest: f64) -> Result<()> {
        for &i in &self.riskless {
            let co_moves = |&j: &usize| j != i && covariance[(i, j)].abs() > RIDGE * largest;
            if let Some(j) = (0..covariance.nrows()).find(co_moves) {
                let pivot = -covariance[(i, j)].abs();
                return Err(Error::NotPositiveSemidefinite { what: "covariance", index: i, pivot });
            }
        }
        Ok(())
    }

    /// The covariance of `assets` with mean variance 1, and the factor that made it so.
    pub(super) fn covariance_of(
        &self,
        covariance: ArrayView2<'_, f64>,
        assets: &[usize],
    ) -> (Symmetric, f64) {
        let total: f64 = assets.iter().map(|&i| covariance[(i, i)] * self.factor).sum();
        let factor = if total > 0.0 { self.factor * (assets.len() as f64 / total) } else { self.factor };
        let part = match in_order(covariance) {
            Some(rows) if self.ordinary && assets.len() == covariance.nrows() => {
                Symmetric::scaled(rows, assets.len(), factor)
            }
            _ => Symmetric::part(covariance, assets, factor),
        };
        (part, factor)
    }

    /// What makes the largest variance 1.
    pub(super) fn factor(&self) -> f64 {
        self.factor
    }

    /// Gives assets without risk the weight nearest to 0 that the bounds allow, and says what is left.
    ///
    /// What the others cannot take, or cannot do without, the riskless share equally. None where all
    /// assets are riskless.
    pub(super) fn seat_riskless(&self, bounds: &Bounds, n: usize) -> Result<Option<(Vec<f64>, f64)>> {
        if self.risky.is_empty() {
            return Ok(None);
        }
        let mut weights = vec![0.0; n];
        if self.riskless.is_empty() {
            return Ok(Some((weights, 1.0)));
        }
        let (risky, riskless) = (bounds.of(&self.risky), bounds.of(&self.riskless));
        let wanted: f64 = (0..self.riskless.len()).map(|k| riskless.clip(k, 0.0)).sum();
        let (least, most) = (risky.lower.iter().sum::<f64>(), risky.upper.iter().sum::<f64>());
        let seated = wanted.max(1.0 - most).min(1.0 - least);
        let seats = fill(ArrayView1::from(&vec![1.0; self.riskless.len()]), &riskless, seated)?;
        for (&i, seat) in self.riskless.iter().zip(&seats) {
            weights[i] = *seat;
        }
        Ok(Some((weights, 1.0 - seats.iter().sum::<f64>())))
    }

    /// Volatilities of `assets` in units of the largest.
    pub(super) fn volatilities_of(&self, covariance: ArrayView2<'_, f64>, assets: &[usize]) -> Vec<f64> {
        assets.iter().map(|&i| (covariance[(i, i)] * self.factor).sqrt()).collect()
    }
}

/// The part of each variance that must be added to make the matrix safely positive definite.
///
/// 0 for a regular matrix, [`RIDGE`] for a singular one, and more for one whose entries were rounded so far
/// that a direction became negative.
///
/// # Errors
///
/// [`Error::NotPositiveSemidefinite`] where no ridge of [`RIDGES`] helps; `assets` gives its index a meaning.
pub(super) fn needed_ridge(matrix: &Symmetric, assets: &[usize]) -> Result<f64> {
    let n = matrix.n();
    if is_safely_definite(matrix.rows(), n) {
        return Ok(0.0);
    }
    if let Some(ridge) = RIDGES.into_iter().find(|ridge| has_pivots(matrix.with_ridge(*ridge).rows(), n, 0.0))
    {
        return Ok(ridge);
    }
    let refused = cholesky::factor(&mut matrix.with_ridge(RIDGE).copied(), n, 0.0).err();
    let (index, pivot) = refused.map_or((0, f64::NAN), |refused| (assets[refused.index], refused.value));
    Err(Error::NotPositiveSemidefinite { what: "covariance", index, pivot })
}

/// Whether a large matrix may be used before anybody has proved it definite: no negative direction shows.
///
/// A factor would cost many times the answer, which often proves that it needs no ridge to be the only one.
pub(super) fn seems_definite(matrix: &Symmetric) -> bool {
    let n = matrix.n();
    n > FACTORED
        && matrix.diagonal().all(|variance| variance > 0.0)
        && !finds_negative_direction(matrix.rows(), n, LARGEST_RIDGE)
}

/// Whether a symmetric matrix, given row by row, is definite without a ridge.
pub(super) fn is_safely_definite(rows: &[f64], n: usize) -> bool {
    has_pivots(rows, n, RIDGE)
}

/// Whether elimination meets no pivot below `floor` times its diagonal entry, and none that is not positive.
fn has_pivots(rows: &[f64], n: usize, floor: f64) -> bool {
    let quickly = if n <= MODERATE { pivots::are_above(floor, rows, n) } else { None };
    quickly.unwrap_or_else(|| linear::has_pivots(rows.to_vec(), n, floor))
}
