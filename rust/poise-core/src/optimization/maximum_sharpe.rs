//! Maximum Sharpe ratio: where a line from the riskless rate touches the efficient frontier.
//!
//! Sharpe (1966), "Mutual Fund Performance"; on each segment of the frontier (Markowitz, 1956) the ratio of a
//! linear to the root of a quadratic function has one stationary point in closed form.

use ndarray::{ArrayView1, ArrayView2};

use super::bounds::{Bounds, fill};
use super::critical_line::{Curvature, Frontier};
use super::problem::Problem;
use super::solution::{Solution, Status};
use crate::{Error, Result, validate};

/// `max (mu'w - rate) / sqrt(w'Sw)` with `sum w = 1` within the bounds.
///
/// Assets without variance are treated like cash, which earns the rate: weight 0, or what the bounds force on
/// them. Where no portfolio of the others earns more than the rate the ratio ranks nothing: the answer is the least
/// variance, [`Status::Degenerate`]. Where an open side lets it grow for ever the first corner portfolio is
/// returned, [`Status::Relaxed`]. Certificate and prices are those of `1/2 w'Sw - lambda (mu - rate)'w`, the
/// problem whose optimum this is; the objective is the ratio.
///
/// # Errors
///
/// Those of [`super::efficient_frontier`]; [`Error::OutOfRange`] for a rate that is not finite.
pub fn maximum_sharpe(
    expected_returns: ArrayView1<'_, f64>,
    covariance: ArrayView2<'_, f64>,
    rate: f64,
    bounds: &Bounds,
) -> Result<Solution> {
    let problem = Problem::new(covariance)?;
    let n = covariance.nrows();
    validate::length("expected_returns", expected_returns, n)?;
    validate::finite("expected_returns", expected_returns)?;
    if !rate.is_finite() {
        return Err(Error::OutOfRange { what: "risk_free_rate", value: rate, range: "a finite number" });
    }
    bounds.admit_full_investment(n)?;
    let Some((mut weights, left)) = problem.seat_riskless(bounds, n)? else {
        let weights = fill(ArrayView1::from(&vec![1.0; n]), bounds, 1.0)?;
        return Ok(Solution::settled(weights, bounds, problem.riskless));
    };
    let (scaled, factor) = problem.covariance_of(covariance, &problem.risky);
    let curvature = Curvature::new(scaled, &problem.risky, factor)?;
    let expected: Vec<f64> = problem.risky.iter().map(|&i| expected_returns[i]).collect();
    let inner = bounds.of(&problem.risky);
    let frontier = Frontier::new(&expected, curvature, inner, left, Vec::new(), Some(rate))?;
    let tangent = frontier.maximum_sharpe(rate)?;
    let mut prices = vec![f64::NAN; n];
    for (k, &i) in problem.risky.iter().enumerate() {
        weights[i] = tangent.weights[k];
        prices[i] = tangent.prices[k];
    }
    let convention = tangent.status == Status::Optimal && !problem.riskless.is_empty();
    Ok(Solution {
        status: if convention { Status::Degenerate } else { tangent.status },
        iterations: tangent.iterations,
        certificate: tangent.certificate,
        ridge: tangent.ridge,
        prices,
        objective: frontier.sharpe_ratio(&tangent.weights, rate),
        ..Solution::settled(weights, bounds, problem.riskless)
    })
}
