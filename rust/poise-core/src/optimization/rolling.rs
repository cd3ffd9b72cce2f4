//! Minimum variance over a window that rolls through returns, in one loop.
//!
//! A window that moves by a bar changes its scatter by two rows (Welford's update, once forwards and once
//! backwards), and its answer rarely changes by more than a few assets: each solution begins at the last one.

use ndarray::{Array2, ArrayView1, ArrayView2, Axis, Slice};

mod face;
mod moving;
mod products;

use face::Face;
use moving::Moving;

use super::bounds::Bounds;
use super::dense::Symmetric;
use super::mean_variance::minimum_variance_from;
use super::ordinary::least_variance;
use super::problem::needed_ridge;
use super::quadratic::Quadratic;
use crate::moments::sample_covariance;
use crate::{Error, Result, validate};

/// A variance that updates have brought below this part of the largest may be rounding alone.
const FADED: f64 = 1e-12;

/// Weights of least variance over the last `window` rows, after every `step`-th row from the first full window on.
///
/// Row `t` depends on rows up to `t` only. Before the first full window the weights are NaN; between two solutions
/// the last one is held. The answers are those of [`super::minimum_variance`] on the sample covariance of each
/// window.
///
/// # Errors
///
/// [`Error::Empty`], [`Error::NonFinite`]; [`Error::OutOfRange`] for a window below 2 or a step of 0;
/// [`Error::Infeasible`]; those of the solver.
pub fn rolling_minimum_variance(
    returns: ArrayView2<'_, f64>,
    window: usize,
    step: usize,
    bounds: &Bounds,
) -> Result<Array2<f64>> {
    let (n_observations, n) = returns.dim();
    validate::non_empty("returns", "asset", returns.sum_axis(Axis(0)).view())?;
    validate::finite_matrix("returns", returns)?;
    for (what, value, least) in [("window", window, 2), ("step", step, 1)] {
        if value < least {
            let range = "at least 2 for a window, 1 for a step";
            return Err(Error::OutOfRange { what, value: value as f64, range });
        }
    }
    bounds.admit_full_investment(n)?;
    let mut path = Array2::from_elem((n_observations, n), f64::NAN);
    let mut rolling: Option<Rolling<'_>> = None;
    for t in window.saturating_sub(1)..n_observations {
        match &mut rolling {
            Some(rolling) if !(t + 1).is_multiple_of(window) => rolling.roll(t),
            // Afresh once per window, so that the rounding of updates does not pile up.
            _ => rolling = Some(Rolling::new(returns, window, t, bounds, rolling.take())?),
        }
        let Some(rolling) = &mut rolling else { continue };
        if (t + 1 - window).is_multiple_of(step) {
            rolling.solve(t)?;
        }
        path.row_mut(t).assign(&ArrayView1::from(&rolling.weights));
    }
    Ok(path)
}

/// One window, its scatter and its answer.
struct Rolling<'a> {
    returns: ArrayView2<'a, f64>,
    window: usize,
    bounds: &'a Bounds,
    mean: Vec<f64>,
    /// The sample covariance, kept up to date.
    covariance: Moving,
    /// Whether the covariance was definite when it was last computed afresh.
    is_definite: bool,
    weights: Vec<f64>,
    /// Where the weights lie, while it could be followed.
    face: Option<Face>,
    zeros: Vec<f64>,
}

impl<'a> Rolling<'a> {
    fn new(
        returns: ArrayView2<'a, f64>,
        window: usize,
        t: usize,
        bounds: &'a Bounds,
        before: Option<Self>,
    ) -> Result<Self> {
        let rows = rows(returns, window, t);
        let n = returns.ncols();
        let mean = (0..n).map(|i| rows.column(i).sum() / window as f64).collect();
        let covariance = sample_covariance(rows, 1)?;
        let everyone: Vec<usize> = (0..n).collect();
        // Both halves are written alike.
        let matrix = Symmetric::of_rows(covariance.into_raw_vec_and_offset().0, n);
        // Columns without variance make it singular too.
        let is_definite = window > n && needed_ridge(&matrix, &everyone).is_ok_and(|ridge| ridge == 0.0);
        let covariance = Moving::new(matrix);
        let weights = before.map_or_else(Vec::new, |before| before.weights);
        let is_followed = is_definite && !weights.is_empty();
        let face = if is_followed { Face::at(&covariance, bounds, &weights) } else { None };
        Ok(Self {
            returns,
            window,
            bounds,
            mean,
            covariance,
            is_definite,
            weights,
            face,
            zeros: vec![0.0; n],
        })
    }

    /// Moves the window to end with row `t`.
    fn roll(&mut self, t: usize) {
        let length = self.window as f64;
        let (fresh, stale) = (self.returns.row(t), self.returns.row(t - self.window));
        let [entering, leaving] = self.covariance.room();
        for (i, mean) in self.mean.iter_mut().enumerate() {
            (entering[i], leaving[i]) = (fresh[i] - *mean, stale[i] - *mean);
            *mean += (fresh[i] - stale[i]) / length;
        }
        self.covariance.roll(length);
        let (entering, leaving) = self.covariance.last_rows();
        if self.face.as_mut().is_some_and(|face| !face.roll(entering, leaving, length, &self.weights)) {
            self.face = None;
        }
    }

    fn solve(&mut self, t: usize) -> Result<()> {
        let (least, largest) = self.covariance.refresh_volatility();
        let has_faded = least <= (FADED * largest).max(least_variance(largest));
        if self.is_definite && !has_faded && self.solve_regular() {
            return Ok(());
        }
        self.face = None;
        // Conventions for singular matrices and still assets belong to the solver of single problems.
        let covariance = sample_covariance(rows(self.returns, self.window, t), 1)?;
        let start = (!self.weights.is_empty()).then(|| ArrayView1::from(&self.weights));
        self.weights = minimum_variance_from(covariance.view(), self.bounds, start)?.weights;
        Ok(())
    }

    /// Solves on a covariance that nothing is wrong with; whether it could.
    fn solve_regular(&mut self) -> bool {
        let Self { covariance, bounds, zeros, weights, face, .. } = self;
        if let Some(followed) = face {
            let before = weights.clone();
            if followed.answer(covariance, bounds, 1.0, weights) {
                return true;
            }
            *weights = before;
        }
        let quadratic = Quadratic { hessian: covariance.whole(), linear: zeros, bounds, total: 1.0 };
        let start = (!weights.is_empty()).then_some(weights.as_slice());
        let Ok(minimum) = quadratic.minimise(start, &[]) else { return false };
        *weights = minimum.weights;
        *face = Face::at(covariance, bounds, weights);
        true
    }
}

/// The `window` rows that end with row `t`.
fn rows(returns: ArrayView2<'_, f64>, window: usize, t: usize) -> ArrayView2<'_, f64> {
    let mut rows = returns;
    rows.slice_axis_inplace(Axis(0), Slice::from(t + 1 - window..=t));
    rows
}

#[cfg(test)]
mod tests;
