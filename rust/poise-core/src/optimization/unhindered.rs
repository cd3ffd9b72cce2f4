//! Risk parity where nothing is in the way: the covariance can be used where it lies, every asset has risk and a
//! budget, and no bound binds.
//!
//! The contributions of the answer are its proof, whatever the covariance is. That it is positive semidefinite is
//! nevertheless looked at, as far as that costs no more than the answer: up to [`FACTORED`] assets by a factor,
//! beyond by a search for a negative direction; a start given from a neighbouring problem stands for having looked.

use ndarray::{ArrayView1, ArrayView2};

use super::bounds::{Bounds, Side};
use super::ordinary::{in_order, is_ordinary};
use super::probe::finds_negative_direction;
use super::problem::{FACTORED, RIDGES, is_safely_definite};
use super::solution::{Solution, Status};
use super::truncated_newton::{FROM_NEIGHBOUR, FROM_SCRATCH, solve, uncorrelated};

/// The answer, or None where something is in the way.
///
/// `budgets` are checked and not negative; `start` is checked, of any scale, 0 for assets it knows nothing about.
pub(super) fn risk_parity(
    covariance: ArrayView2<'_, f64>,
    budgets: Option<&[f64]>,
    bounds: Option<&Bounds>,
    start: Option<ArrayView1<'_, f64>>,
) -> Option<Solution> {
    let n = covariance.nrows();
    let gathered: Vec<f64>;
    let rows = match in_order(covariance) {
        Some(rows) => rows,
        None => {
            gathered = covariance.iter().copied().collect();
            &gathered
        }
    };
    if n == 0 || covariance.ncols() != n || !is_ordinary(rows, n) {
        return None;
    }
    let shares = shares(budgets, n)?;
    let cold = uncorrelated(rows, &shares);
    let parity = match start {
        Some(start) => solve(rows, &shares, &completed(start, cold), FROM_NEIGHBOUR)?,
        None if is_sound(rows, n) => solve(rows, &shares, &cold, FROM_SCRATCH)?,
        None => return None,
    };
    let mut weights = parity.weights;
    let total: f64 = weights.iter().sum();
    weights.iter_mut().for_each(|w| *w /= total);
    let sides = match bounds {
        // Positive weights that sum to 1 are long-only; beside very volatile assets one may round to 1.
        None => weights.iter().map(|w| if *w < 1.0 { Side::Inside } else { Side::Upper }).collect(),
        Some(bounds) => settled(bounds, &mut weights)?,
    };
    Some(Solution {
        weights,
        status: Status::Optimal,
        iterations: parity.products,
        certificate: parity.error,
        sides,
        ridge: 0.0,
        riskless: Vec::new(),
        budget_gap: parity.error,
        prices: Vec::new(),
        objective: f64::NAN,
        gap: f64::NAN,
    })
}

/// Where the weights stand between bounds that they keep; None where they do not.
fn settled(bounds: &Bounds, weights: &mut [f64]) -> Option<Vec<Side>> {
    let n = weights.len();
    let keeps = |i: usize| bounds.lower[i] <= weights[i] && weights[i] <= bounds.upper[i];
    if bounds.lower.len() != n || !(0..n).all(keeps) {
        return None;
    }
    bounds.settle(weights, 1.0);
    Some(weights.iter().enumerate().map(|(i, w)| bounds.side(i, *w)).collect())
}

/// Budgets that sum to 1; None where an asset has none.
fn shares(budgets: Option<&[f64]>, n: usize) -> Option<Vec<f64>> {
    let Some(budgets) = budgets else { return Some(vec![1.0 / n as f64; n]) };
    let total: f64 = budgets.iter().sum();
    budgets.iter().map(|b| (*b > 0.0).then_some(b / total)).collect()
}

/// Where no negative direction shows.
fn is_sound(rows: &[f64], n: usize) -> bool {
    if n <= FACTORED {
        return is_safely_definite(rows, n);
    }
    // What the last ridge would cover comes from rounding.
    !finds_negative_direction(rows, n, RIDGES[RIDGES.len() - 1])
}

/// The start; assets it knows nothing about weigh as without correlations beside those it knows.
fn completed(start: ArrayView1<'_, f64>, mut cold: Vec<f64>) -> Vec<f64> {
    let known = || start.iter().zip(&cold).filter(|(w, _)| **w > 0.0);
    let (given, guessed) = known().fold((0.0, 0.0), |(given, guessed), (w, c)| (given + w, guessed + c));
    if given > 0.0 {
        for (guess, w) in cold.iter_mut().zip(start) {
            *guess = if *w > 0.0 { *w } else { *guess * given / guessed };
        }
    }
    cold
}
