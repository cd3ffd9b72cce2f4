//! Minimum variance and mean-variance weights.
//!
//! Markowitz (1952), "Portfolio Selection"; (1956), "The Optimization of a Quadratic Function Subject to
//! Linear Constraints".

use std::borrow::Cow;

use ndarray::{ArrayView1, ArrayView2};

use super::bounds::{Bounds, fill};
use super::dense::dot;
use super::minimum::solve_with;
use super::problem::Problem;
use super::quadratic::Quadratic;
use super::solution::{Solution, Status};
use crate::{Error, Result, validate};

/// Squares of larger weights are no numbers.
const LARGEST: f64 = 1e150;

/// `min w'Sw` with `sum w = 1` within the bounds.
///
/// Assets without variance are treated like cash: weight 0, or what the bounds force on them. The
/// certificate is the largest violation of the optimality conditions relative to `v_i sum_j v_j |w_j|`,
/// the terms they are made of (`v` volatilities).
///
/// # Errors
///
/// The checks of [`validate::covariance`]; [`Error::NotPositiveSemidefinite`], [`Error::Infeasible`],
/// [`Error::NotConverged`].
pub fn minimum_variance(covariance: ArrayView2<'_, f64>, bounds: &Bounds) -> Result<Solution> {
    minimum_variance_from(covariance, bounds, None)
}

/// [`minimum_variance`], beginning at the weights of a neighbouring problem.
///
/// # Errors
///
/// Those of [`minimum_variance`]; [`Error::Shape`] and [`Error::NonFinite`] for the start.
pub fn minimum_variance_from(
    covariance: ArrayView2<'_, f64>,
    bounds: &Bounds,
    start: Option<ArrayView1<'_, f64>>,
) -> Result<Solution> {
    let problem = Problem::new(covariance)?;
    let n = covariance.nrows();
    bounds.admit_full_investment(n)?;
    check_start(start, n)?;
    let Some((mut weights, left)) = problem.seat_riskless(bounds, n)? else {
        let weights = fill(ArrayView1::from(&vec![1.0; n]), bounds, 1.0)?;
        return Ok(Solution::settled(weights, bounds, problem.riskless));
    };
    let inner = match problem.riskless.as_slice() {
        [] => Cow::Borrowed(bounds),
        _ => Cow::Owned(bounds.of(&problem.risky)),
    };
    let linear = vec![0.0; problem.risky.len()];
    let start = start.map(|start| inner.reach(problem.risky.iter().map(|&i| start[i]).collect(), left));
    let (scaled, factor) = problem.covariance_of(covariance, &problem.risky);
    let (minimum, ridge) = solve_with(scaled, &problem.risky, |hessian| {
        Quadratic { hessian, linear: &linear, bounds: &inner, total: left }
            .minimise_from_guess(start.as_deref())
    })?;
    // Half the variance is what was minimised.
    let proof = minimum.proof.scaled(2.0 / factor);
    let mut prices = vec![f64::NAN; n];
    for (k, &i) in problem.risky.iter().enumerate() {
        weights[i] = minimum.weights[k];
        prices[i] = proof.prices[k];
    }
    let degenerate = ridge > 0.0 || !problem.riskless.is_empty();
    Ok(Solution {
        status: if degenerate { Status::Degenerate } else { Status::Optimal },
        iterations: minimum.iterations,
        certificate: minimum.certificate,
        ridge,
        prices,
        objective: variance(covariance, &weights),
        gap: proof.gap,
        ..Solution::settled(weights, bounds, problem.riskless)
    })
}

/// `w'Sw`; rounding never makes it negative.
fn variance(covariance: ArrayView2<'_, f64>, weights: &[f64]) -> f64 {
    let held = || weights.iter().enumerate().filter(|(_, w)| **w != 0.0);
    let product = |row: ArrayView1<'_, f64>| match row.to_slice() {
        Some(row) => dot(row, weights),
        None => row.dot(&ArrayView1::from(weights)),
    };
    held().map(|(i, w)| w * product(covariance.row(i))).sum::<f64>().max(0.0)
}

/// `min risk_aversion / 2 w'Sw - mu'w` with `sum w = 1` within the bounds.
///
/// An asset without variance takes part: its expected return says what holding it is worth. The
/// certificate is that of [`minimum_variance`], with `|mu_i| / risk_aversion` among the terms.
///
/// # Errors
///
/// Those of [`minimum_variance`]; [`Error::OutOfRange`] for a risk aversion that is not positive and
/// finite and for weights that open bounds let grow beyond 1e150, [`Error::NonFinite`] and [`Error::Shape`] for the
/// expected returns.
pub fn mean_variance(
    expected_returns: ArrayView1<'_, f64>,
    covariance: ArrayView2<'_, f64>,
    risk_aversion: f64,
    bounds: &Bounds,
) -> Result<Solution> {
    mean_variance_from(expected_returns, covariance, risk_aversion, bounds, None)
}

/// [`mean_variance`], beginning at the weights of a neighbouring problem.
///
/// # Errors
///
/// Those of [`mean_variance`]; [`Error::Shape`] and [`Error::NonFinite`] for the start.
pub fn mean_variance_from(
    expected_returns: ArrayView1<'_, f64>,
    covariance: ArrayView2<'_, f64>,
    risk_aversion: f64,
    bounds: &Bounds,
    start: Option<ArrayView1<'_, f64>>,
) -> Result<Solution> {
    let problem = Problem::new(covariance)?;
    let n = covariance.nrows();
    validate::length("expected_returns", expected_returns, n)?;
    validate::finite("expected_returns", expected_returns)?;
    if !(risk_aversion > 0.0 && risk_aversion.is_finite()) {
        let range = "a positive finite number";
        return Err(Error::OutOfRange { what: "risk_aversion", value: risk_aversion, range });
    }
    bounds.admit_full_investment(n)?;
    check_start(start, n)?;
    let start = start.map(|start| bounds.reach(start.to_vec(), 1.0));
    let everyone: Vec<usize> = (0..n).collect();
    let (scaled, factor) = problem.covariance_of(covariance, &everyone);
    let linear = linear_term(expected_returns, factor / risk_aversion)?;
    let (minimum, ridge) = solve_with(scaled, &everyone, |hessian| {
        Quadratic { hessian, linear: &linear, bounds, total: 1.0 }.minimise(start.as_deref(), &[])
    })?;
    if let Some(value) = minimum.weights.iter().copied().find(|weight| weight.abs() > LARGEST) {
        let range = "at most 1e150 in size; lower the expected returns or close the bounds";
        return Err(Error::OutOfRange { what: "a weight", value, range });
    }
    let proof = minimum.proof.scaled(risk_aversion / factor);
    let earned: f64 = expected_returns.iter().zip(&minimum.weights).map(|(mu, w)| mu * w).sum();
    Ok(Solution {
        status: if ridge > 0.0 { Status::Degenerate } else { Status::Optimal },
        iterations: minimum.iterations,
        certificate: minimum.certificate,
        ridge,
        prices: proof.prices,
        objective: earned - 0.5 * risk_aversion * variance(covariance, &minimum.weights),
        gap: proof.gap,
        ..Solution::settled(minimum.weights, bounds, problem.riskless)
    })
}

/// A start is one finite number per asset; where they sum to and which bounds they break is no matter.
pub(super) fn check_start(start: Option<ArrayView1<'_, f64>>, n: usize) -> Result<()> {
    let Some(start) = start else { return Ok(()) };
    validate::length("initial_weights", start, n)?;
    validate::finite("initial_weights", start)
}

/// Expected returns in the units of the scaled covariance.
///
/// What is added to every return changes nothing under a budget: without the largest, digits stay.
fn linear_term(expected_returns: ArrayView1<'_, f64>, factor: f64) -> Result<Vec<f64>> {
    let best = expected_returns.iter().fold(f64::NEG_INFINITY, |best, &mu| best.max(mu));
    let linear: Vec<f64> = expected_returns.iter().map(|mu| (mu - best) * factor).collect();
    match linear.iter().find(|q| !q.is_finite()) {
        Some(&value) => Err(Error::OutOfRange {
            what: "expected_returns over risk_aversion times variance",
            value,
            range: "a finite number",
        }),
        None => Ok(linear),
    }
}
