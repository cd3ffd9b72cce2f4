//! Minimum variance over a window that rolls through returns, in one loop.
//!
//! A window that moves by a bar changes its scatter by two rows (Welford's update, once forwards and once
//! backwards), and its answer rarely changes by more than a few assets: each solution begins at the last one.

use ndarray::{ArrayView1, ArrayView2, ArrayViewMut2, Axis, Slice};

mod face;
mod moving;
mod products;
mod steps;
mod vectors;

use face::Face;
use moving::Moving;

use super::bounds::Bounds;
use super::dense::Symmetric;
use super::mean_variance::minimum_variance_from;
use super::ordinary::least_variance;
use super::problem::{FACTORED, needed_ridge};
use super::quadratic::{Hessian, Quadratic};
use crate::moments::sample_covariance;
use crate::{Error, Result, validate};

/// A variance that updates have brought below this part of the largest may be rounding alone.
const FADED: f64 = 1e-12;

/// Steps after which the long way is shorter.
const MOST_STEPS: usize = 8;

/// The same where nothing is known of the answer.
const MOST_FIRST_STEPS: usize = 24;

/// Writes the weights of least variance over the last `window` rows into `out`, of the shape of `returns`, after every
/// `step`-th row from the first full window on.
///
/// Row `t` depends on rows up to `t` only. Before the first full window the weights are NaN; between two solutions
/// the last one is held. The answers are those of [`super::minimum_variance`] on the sample covariance of each
/// window.
///
/// # Errors
///
/// [`Error::Empty`], [`Error::NonFinite`], [`Error::Shape`]; [`Error::OutOfRange`] for a window below 2 or a step of 0;
/// [`Error::Infeasible`]; those of the solver. Of `out` then nothing is to be read.
pub fn rolling_minimum_variance(
    returns: ArrayView2<'_, f64>,
    window: usize,
    step: usize,
    bounds: &Bounds,
    mut out: ArrayViewMut2<'_, f64>,
) -> Result<()> {
    let (n_observations, n) = returns.dim();
    if n == 0 {
        return Err(Error::Empty { what: "returns", unit: "asset" });
    }
    validate::finite_matrix("returns", returns)?;
    for (what, value, least) in [("window", window, 2), ("step", step, 1)] {
        if value < least {
            let range = "at least 2 for a window, 1 for a step";
            return Err(Error::OutOfRange { what, value: value as f64, range });
        }
    }
    if out.dim() != (n_observations, n) {
        let found = format!("{:?}", out.dim());
        return Err(Error::Shape { what: "out", expected: format!("({n_observations}, {n})"), found });
    }
    bounds.admit_full_investment(n)?;
    let returns = returns.as_standard_layout();
    let returns = returns.view();
    let n_early = window.saturating_sub(1).min(n_observations);
    out.slice_axis_mut(Axis(0), Slice::from(..n_early)).fill(f64::NAN);
    let mut rolling: Option<Rolling<'_>> = None;
    for t in n_early..n_observations {
        match &mut rolling {
            Some(rolling) if !(t + 1).is_multiple_of(window) => rolling.roll(t),
            // Afresh once per window, so that the rounding of updates does not pile up.
            _ => rolling = Some(Rolling::new(returns, window, t, bounds, rolling.take())?),
        }
        let Some(rolling) = &mut rolling else { continue };
        if (t + 1 - window).is_multiple_of(step) {
            rolling.solve(t)?;
        }
        out.row_mut(t).assign(&ArrayView1::from(&rolling.weights));
    }
    Ok(())
}

/// One window, its scatter and its answer.
struct Rolling<'a> {
    /// In standard layout.
    returns: ArrayView2<'a, f64>,
    window: usize,
    bounds: &'a Bounds,
    /// The sample covariance, kept up to date.
    covariance: Moving,
    certainty: Certainty,
    weights: Vec<f64>,
    /// Where the weights lie, while it could be followed.
    face: Option<Face>,
    zeros: Vec<f64>,
}

/// What is known of the covariance since it was last computed afresh.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Certainty {
    Definite,
    /// Large, and semidefinite as every sample covariance is: each answer has to show that it is the only one.
    Semidefinite,
    Singular,
}

impl<'a> Rolling<'a> {
    fn new(
        returns: ArrayView2<'a, f64>,
        window: usize,
        t: usize,
        bounds: &'a Bounds,
        before: Option<Self>,
    ) -> Result<Self> {
        let n = returns.ncols();
        let rows = rows(returns, window, t);
        // Both halves are written alike.
        let matrix = Symmetric::of_rows(sample_covariance(rows, 1)?.into_raw_vec_and_offset().0, n);
        let (matrix, weights) = match before {
            Some(before) => (matrix, before.weights),
            None if window > n && n > FACTORED => first_answer(matrix, bounds),
            None => (matrix, Vec::new()),
        };
        let mut new = Self {
            returns,
            window,
            bounds,
            covariance: Moving::new(matrix, rows),
            certainty: Certainty::Singular,
            weights,
            face: None,
            zeros: vec![0.0; n],
        };
        if window > n {
            new.look();
        }
        Ok(new)
    }

    /// Finds out what can be known of the covariance, and where to begin.
    fn look(&mut self) {
        let n = self.zeros.len();
        if n > FACTORED {
            self.certainty = Certainty::Semidefinite;
            if !self.weights.is_empty() {
                self.face = Face::at(&self.covariance, self.bounds, &self.weights, false);
            }
            return;
        }
        self.face = Face::of_everyone(&self.covariance, self.bounds);
        // Columns without variance make it singular too.
        let everyone: Vec<usize> = (0..n).collect();
        let is_definite = self.face.is_some()
            || needed_ridge(&self.covariance.whole().matrix, &everyone).is_ok_and(|ridge| ridge == 0.0);
        self.certainty = if is_definite { Certainty::Definite } else { Certainty::Singular };
    }

    /// Moves the window to end with row `t`.
    fn roll(&mut self, t: usize) {
        let length = self.window as f64;
        let (fresh, stale) = (self.returns.row(t), self.returns.row(t - self.window));
        let (Some(fresh), Some(stale)) = (fresh.to_slice(), stale.to_slice()) else { return };
        self.covariance.exchange(fresh, stale, length);
        if self.face.as_mut().is_some_and(|face| !face.roll(self.covariance.last_rows(), length)) {
            self.face = None;
        }
    }

    fn solve(&mut self, t: usize) -> Result<()> {
        let (least, largest) = self.covariance.extremes();
        let has_faded = least <= (FADED * largest).max(least_variance(largest));
        if self.certainty != Certainty::Singular && !has_faded && self.solve_regular() {
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
        let Self { covariance, bounds, certainty, zeros, weights, face, .. } = self;
        if let Some(followed) = face {
            let most_steps = if weights.is_empty() { MOST_FIRST_STEPS } else { MOST_STEPS };
            if followed.answer(covariance, bounds, 1.0, most_steps) {
                weights.clear();
                weights.extend_from_slice(followed.weights());
                return true;
            }
        }
        let quadratic = Quadratic { hessian: &covariance.whole(), linear: zeros, bounds, total: 1.0 };
        let start = (!weights.is_empty()).then_some(weights.as_slice());
        let Ok(minimum) = quadratic.minimise(start, &[]) else { return false };
        let is_definite = *certainty == Certainty::Definite;
        if !is_definite && !minimum.is_unique {
            *certainty = Certainty::Singular;
            return false;
        }
        *weights = minimum.weights;
        *face = Face::at(covariance, bounds, weights, is_definite);
        true
    }
}

/// The answer of a large matrix, where it shows that it is the only one; nothing otherwise.
///
/// Taken while the matrix lies as it was computed.
fn first_answer(matrix: Symmetric, bounds: &Bounds) -> (Symmetric, Vec<f64>) {
    let (hessian, zeros) = (Hessian::regular(matrix), vec![0.0; bounds.lower.len()]);
    let minimum =
        Quadratic { hessian: &hessian, linear: &zeros, bounds, total: 1.0 }.minimise_from_guess(None);
    let weights =
        minimum.ok().filter(|minimum| minimum.is_unique).map_or_else(Vec::new, |minimum| minimum.weights);
    (hessian.matrix, weights)
}

/// The `window` rows that end with row `t`.
fn rows(returns: ArrayView2<'_, f64>, window: usize, t: usize) -> ArrayView2<'_, f64> {
    let mut rows = returns;
    rows.slice_axis_inplace(Axis(0), Slice::from(t + 1 - window..=t));
    rows
}

#[cfg(test)]
mod tests;
