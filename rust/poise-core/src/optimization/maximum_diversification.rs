//! Maximum diversification: the weights whose volatility falls furthest below its undiversified value.
//!
//! Choueifaty and Coignard (2008), "Toward Maximum Diversification"; with Froidure and Reynier (2013),
//! "Properties of the Most Diversified Portfolio". Without upper bounds it is the minimum variance on the
//! correlation matrix, divided by the volatilities. With them the answer is the point of the frontier
//! `min 1/2 w'Sw - theta v'w` where `theta v'w = w'Sw`: there the gradient of `v'w / sqrt(w'Sw)` is that
//! of the quadratic problem. The excess `theta v'w - w'Sw` is piecewise linear in `theta`, so Newton's
//! method ends exactly.

use ndarray::{ArrayView1, ArrayView2};

use super::bounds::{Bounds, fill};
use super::dense::{Symmetric, dot};
use super::duality::Proof;
use super::mean_variance::check_start;
use super::minimum::solve_with;
use super::problem::Problem;
use super::quadratic::{Hessian, Minimum, Quadratic, TOLERANCE};
use super::solution::{Solution, Status};
use crate::{Error, Result};

const ITERATIONS: usize = 200;

/// Goal for the excess, relative to the variance: rounding.
const EXCESS: f64 = 1e-14;

/// `max sum w_i v_i / sqrt(w'Sw)` with `sum w = 1` within the bounds, long-only.
///
/// Assets without variance get weight 0, or what the bounds force on them. The certificate is the largest
/// violation of the optimality conditions, relative to the terms they are made of.
///
/// # Errors
///
/// The checks of [`crate::validate::covariance`]; [`Error::NotPositiveSemidefinite`],
/// [`Error::Infeasible`], [`Error::NotConverged`].
pub fn maximum_diversification(covariance: ArrayView2<'_, f64>, bounds: &Bounds) -> Result<Solution> {
    maximum_diversification_from(covariance, bounds, None)
}

/// [`maximum_diversification`], beginning at the weights of a neighbouring problem.
///
/// # Errors
///
/// Those of [`maximum_diversification`]; [`Error::Shape`] and [`Error::NonFinite`] for the start.
pub fn maximum_diversification_from(
    covariance: ArrayView2<'_, f64>,
    bounds: &Bounds,
    start: Option<ArrayView1<'_, f64>>,
) -> Result<Solution> {
    let problem = Problem::new(covariance)?;
    let n = covariance.nrows();
    bounds.admit_full_investment(n)?;
    let bounds = bounds.long_only()?;
    check_start(start, n)?;
    let Some((mut weights, left)) = problem.seat_riskless(&bounds, n)? else {
        let weights = fill(ArrayView1::from(&vec![1.0; n]), &bounds, 1.0)?;
        return Ok(Solution::settled(weights, &bounds, problem.riskless));
    };
    let (scaled, _) = problem.covariance_of(covariance, &problem.risky);
    let volatility: Vec<f64> = scaled.diagonal().map(f64::sqrt).collect();
    let inner = bounds.of(&problem.risky);
    let start: Option<Vec<f64>> =
        start.map(|start| problem.risky.iter().zip(&volatility).map(|(&i, v)| start[i] * v).collect());
    let (mut minimum, ridge) =
        solve_with(scaled.to_correlation(&volatility), &problem.risky, |correlation| {
            without_upper_bounds(correlation, &volatility, left, start.clone())
        })?;
    if (0..minimum.weights.len()).any(|i| inner.clip(i, minimum.weights[i]) != minimum.weights[i]) {
        let unbounded = minimum;
        (minimum, _) = solve_with(scaled.clone(), &problem.risky, |hessian| {
            let frontier = Frontier { hessian, volatility: &volatility, bounds: &inner, total: left };
            frontier.most_diversified(&unbounded)
        })?;
    }
    inner.settle(&mut minimum.weights, left);
    for (&i, weight) in problem.risky.iter().zip(&minimum.weights) {
        weights[i] = *weight;
    }
    let Measured { ratio, prices } = measure(&scaled, &volatility, &minimum.weights, &inner);
    let mut every_price = vec![f64::NAN; n];
    for (&i, price) in problem.risky.iter().zip(prices) {
        every_price[i] = price;
    }
    let degenerate = ridge > 0.0 || !problem.riskless.is_empty();
    Ok(Solution {
        status: if degenerate { Status::Degenerate } else { Status::Optimal },
        iterations: minimum.iterations,
        certificate: minimum.certificate,
        ridge,
        prices: every_price,
        objective: ratio,
        ..Solution::settled(weights, &bounds, problem.riskless)
    })
}

/// The diversification ratio, and how fast it would grow where a bound gave way.
struct Measured {
    ratio: f64,
    prices: Vec<f64>,
}

/// The gradient of `v'w / sqrt(w'Sw)` is that of `theta v'w - w'Sw / 2` over `theta sqrt(w'Sw)`.
fn measure(scaled: &Symmetric, volatility: &[f64], weights: &[f64], bounds: &Bounds) -> Measured {
    let product = scaled.multiply(weights);
    let (mean, variance) = (dot(volatility, weights), dot(&product, weights).max(0.0));
    let theta = variance / mean;
    let gradient: Vec<f64> = product.iter().zip(volatility).map(|(p, v)| p - theta * v).collect();
    let proof = Proof::new(&gradient, weights, bounds, |_| 0.0);
    let prices = proof.scaled((theta * variance.sqrt()).recip()).prices;
    Measured { ratio: mean / variance.sqrt(), prices }
}

fn without_upper_bounds(
    correlation: &Hessian,
    volatility: &[f64],
    total: f64,
    start: Option<Vec<f64>>,
) -> Result<Minimum> {
    let n = volatility.len();
    let bounds = Bounds { lower: vec![0.0; n], upper: vec![f64::INFINITY; n] };
    let linear = vec![0.0; n];
    let quadratic = Quadratic { hessian: correlation, linear: &linear, bounds: &bounds, total: 1.0 };
    let start = start.map(|mut start| {
        let sum: f64 = start.iter().map(|x| x.max(0.0)).sum();
        start.iter_mut().for_each(|x| *x /= if sum > 0.0 { sum } else { 1.0 });
        bounds.reach(start, 1.0)
    });
    let mut minimum = quadratic.minimise_from_guess(start.as_deref())?;
    let sum: f64 = minimum.weights.iter().zip(volatility).map(|(x, v)| x / v).sum();
    for (weight, v) in minimum.weights.iter_mut().zip(volatility) {
        *weight *= total / (v * sum);
    }
    Ok(minimum)
}

/// The minima of `1/2 w'Sw - theta v'w` within bounds, by `theta`.
struct Frontier<'a> {
    hessian: &'a Hessian,
    volatility: &'a [f64],
    bounds: &'a Bounds,
    total: f64,
}

impl Frontier<'_> {
    fn most_diversified(&self, unbounded: &Minimum) -> Result<Minimum> {
        let (mut low, mut high) = (0.0, f64::INFINITY);
        let (mean, variance) = self.moments(&unbounded.weights);
        let mut theta = variance / mean;
        let mut iterations = unbounded.iterations;
        let mut start: Option<Vec<f64>> = None;
        let mut residual = f64::INFINITY;
        for _ in 0..ITERATIONS {
            let linear: Vec<f64> = self.volatility.iter().map(|v| theta * v).collect();
            let Self { hessian, bounds, total, .. } = *self;
            let quadratic = Quadratic { hessian, linear: &linear, bounds, total };
            let minimum = quadratic.minimise(start.as_deref(), self.volatility)?;
            iterations += minimum.iterations;
            let (mean, variance) = self.moments(&minimum.weights);
            let excess = theta * mean - variance;
            residual = excess.abs() / (mean * mean);
            // On this face the excess is linear with this slope.
            let slope = mean - theta * dot(&minimum.response, self.volatility);
            if excess > 0.0 {
                high = theta;
            } else {
                low = theta;
            }
            let next = theta - excess / slope;
            let next = if slope > 0.0 && next > low && next < high {
                next
            } else if high.is_finite() {
                0.5 * (low + high)
            } else {
                2.0 * theta
            };
            if excess.abs() <= EXCESS * variance || next == theta || next == low || next == high {
                let certificate = minimum.certificate.max(residual);
                if certificate <= TOLERANCE {
                    return Ok(Minimum { iterations, certificate, ..minimum });
                }
                break;
            }
            theta = next;
            start = Some(minimum.weights);
        }
        Err(Error::NotConverged { iterations, residual, tolerance: TOLERANCE })
    }

    /// Undiversified volatility and variance.
    fn moments(&self, weights: &[f64]) -> (f64, f64) {
        (dot(self.volatility, weights), self.hessian.variance(weights))
    }
}
