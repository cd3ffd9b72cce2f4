//! Risk parity and risk budgeting: every asset contributes its share of the portfolio's risk.
//!
//! Maillard, Roncalli and Teiletche (2010), "The Properties of Equally Weighted Risk Contribution
//! Portfolios"; Spinu (2013). Solved on the correlation matrix with `x_i = w_i sigma_i`, so that units and
//! very different volatilities do not matter.

use ndarray::{ArrayView1, ArrayView2};

use super::bounded_risk_parity::Budgeting;
use super::bounds::{Bounds, SUM_TOLERANCE, fill};
use super::dense::Symmetric;
use super::mean_variance::minimum_variance;
use super::newton;
use super::problem::{self, Problem, RIDGE};
use super::quadratic::TOLERANCE;
use super::solution::{Solution, Status};
use super::unhindered;
use crate::{Error, Result, validate};

/// Contributions further than this from their budgets are no answer.
///
/// Where a ridge stands in for the curvature the rounding of the entries alone moves the answer by
/// `1e-16 / 1e-10`, and several riskless directions add up.
fn accepted(ridge: f64) -> f64 {
    if ridge > 0.0 { 1e-3 } else { 1e-6 }
}

/// Weights with `w_i (Sw)_i / w'Sw = b_i`, as far as the bounds allow.
///
/// Assets without variance and assets with budget 0 get weight 0, or what the bounds force on them. Where
/// bounds bind, the answer minimises `1/2 w'Sw - kappa sum b_i ln w_i` within them, with the `kappa` that
/// makes the weights sum to 1. The certificate is the largest error of a contribution of an asset inside
/// its bounds, as a fraction of the risk. Where no `kappa` does, the minimum variance answers
/// ([`Status::Relaxed`]).
///
/// # Errors
///
/// The checks of [`validate::covariance`]; [`Error::OutOfRange`] for a negative budget or none above 0,
/// [`Error::NonFinite`], [`Error::Shape`], [`Error::NotPositiveSemidefinite`], [`Error::Infeasible`],
/// [`Error::NotConverged`]. Beyond a hundred assets a negative direction is searched for in a few steps and
/// may stay unnoticed where the weights and their certificate do not meet it.
pub fn risk_parity(
    covariance: ArrayView2<'_, f64>,
    budgets: Option<ArrayView1<'_, f64>>,
    bounds: &Bounds,
) -> Result<Solution> {
    risk_parity_from(covariance, budgets, Some(bounds), None)
}

/// As [`risk_parity`], long-only without `bounds`, beginning at the weights of a neighbouring problem.
///
/// `start` is of any scale, 0 for an asset that the other problem did not have. Its answer vouches for this
/// covariance too: no negative direction is looked for, unless the weights meet it.
///
/// # Errors
///
/// Those of [`risk_parity`]; [`Error::OutOfRange`], [`Error::NonFinite`] and [`Error::Shape`] for `start`.
pub fn risk_parity_from(
    covariance: ArrayView2<'_, f64>,
    budgets: Option<ArrayView1<'_, f64>>,
    bounds: Option<&Bounds>,
    start: Option<ArrayView1<'_, f64>>,
) -> Result<Solution> {
    let n = covariance.nrows();
    let budgets = budgets.map(|budgets| checked(budgets, n)).transpose();
    let start = start.map(|start| checked_start(start, n)).transpose();
    if let (Ok(budgets), Ok(start)) = (&budgets, &start)
        && let Some(solution) = unhindered::risk_parity(covariance, budgets.as_deref(), bounds, *start)
    {
        return Ok(solution);
    }
    let problem = Problem::new(covariance)?;
    start?;
    let budgets = budgets?.unwrap_or_else(|| vec![1.0; n]);
    let bounds = bounds.map_or_else(|| Bounds::uniform(n, 0.0, 1.0), |bounds| Ok(bounds.clone()))?;
    bounds.admit_full_investment(n)?;
    let bounds = bounds.long_only()?;
    let held: Vec<usize> = problem.risky.iter().copied().filter(|&i| budgets[i] > 0.0).collect();
    if held.is_empty() {
        let settled = Solution::settled(equal_among(&budgets, &bounds)?, &bounds, problem.riskless);
        return Ok(Solution { status: Status::Degenerate, ..settled });
    }
    let total: f64 = held.iter().map(|&i| budgets[i]).sum();
    let mut shares = vec![0.0; n];
    for &i in &held {
        shares[i] = budgets[i] / total;
    }
    let needed = problem::needed_ridge(&correlation_of(&problem, covariance, &held), &held)?;
    let task = Task { covariance, problem, shares, bounds };
    // A slightly indefinite matrix is first taken as it is: equal contributions need no more than that a
    // portfolio has them. A regular one whose factor hides that it is singular gets the ridge after all.
    let (first, second) = if needed > RIDGE { (0.0, needed) } else { (needed, RIDGE.max(needed)) };
    match task.solve(&held, first) {
        Err(Error::NotConverged { .. }) if second > first => task.solve(&held, second),
        outcome => outcome,
    }
    .map(|solution| task.flagged(solution, needed))
}

/// The correlation of `assets`, with ones on the diagonal.
fn correlation_of(problem: &Problem, covariance: ArrayView2<'_, f64>, assets: &[usize]) -> Symmetric {
    let (scaled, _) = problem.covariance_of(covariance, assets);
    let volatility: Vec<f64> = scaled.diagonal().map(f64::sqrt).collect();
    scaled.to_correlation(&volatility)
}

fn checked(budgets: ArrayView1<'_, f64>, n: usize) -> Result<Vec<f64>> {
    validate::length("budgets", budgets, n)?;
    validate::finite("budgets", budgets)?;
    let largest = budgets.iter().fold(0.0_f64, |largest, &b| largest.max(b));
    match budgets.iter().find(|b| **b < 0.0) {
        Some(&value) => {
            Err(Error::OutOfRange { what: "a budget", value, range: "a number that is not negative" })
        }
        None if largest == 0.0 => {
            Err(Error::OutOfRange { what: "the sum of budgets", value: 0.0, range: "a positive number" })
        }
        None => Ok(budgets.iter().map(|b| b / largest).collect()),
    }
}

fn checked_start(start: ArrayView1<'_, f64>, n: usize) -> Result<ArrayView1<'_, f64>> {
    validate::length("initial_weights", start, n)?;
    validate::finite("initial_weights", start)?;
    match start.iter().find(|w| **w < 0.0) {
        Some(&value) => Err(Error::OutOfRange {
            what: "an initial weight",
            value,
            range: "a number that is not negative",
        }),
        None => Ok(start),
    }
}

/// Equal weights of those with a budget; what they cannot take goes equally to the others.
fn equal_among(budgets: &[f64], bounds: &Bounds) -> Result<Vec<f64>> {
    let wanted: Vec<f64> = budgets.iter().map(|&b| if b > 0.0 { 1.0 } else { 0.0 }).collect();
    let weights = fill(ArrayView1::from(&wanted), bounds, 1.0)?;
    if weights.iter().sum::<f64>() >= 1.0 - SUM_TOLERANCE {
        return Ok(weights);
    }
    let rest = Bounds { lower: weights, upper: bounds.upper.clone() };
    fill(ArrayView1::from(&vec![1.0; budgets.len()]), &rest, 1.0)
}

struct Task<'a> {
    covariance: ArrayView2<'a, f64>,
    problem: Problem,
    /// Budgets of all assets: they sum to 1, and are 0 for an asset without variance.
    shares: Vec<f64>,
    bounds: Bounds,
}

impl Task<'_> {
    /// Solves with the given part of each variance added to it.
    fn solve(&self, held: &[usize], ridge: f64) -> Result<Solution> {
        let (solution, keeps_bounds) = self.without_bounds(held, ridge)?;
        if keeps_bounds { Ok(solution) } else { self.within_bounds(&solution.weights, ridge) }
    }

    /// The answer without bounds, and whether it keeps them.
    fn without_bounds(&self, held: &[usize], ridge: f64) -> Result<(Solution, bool)> {
        let (correlation, volatility) = self.market(held, ridge);
        let budgets: Vec<f64> = held.iter().map(|&i| self.shares[i]).collect();
        let minimiser = newton::minimise(&correlation, &budgets);
        let sum: f64 = minimiser.x.iter().zip(&volatility).map(|(x, v)| x / v).sum();
        let mut weights = vec![0.0; self.shares.len()];
        for ((&i, x), v) in held.iter().zip(&minimiser.x).zip(&volatility) {
            weights[i] = x / v / sum;
        }
        let bounds = &self.bounds;
        if (0..weights.len()).any(|i| weights[i] < bounds.lower[i] || weights[i] > bounds.upper[i]) {
            return Ok((Solution::settled(weights, bounds, Vec::new()), false));
        }
        bounds.settle(&mut weights, 1.0);
        let gap = self.budget_gap(&weights, ridge);
        let tolerance = accepted(ridge);
        if gap > tolerance || gap.is_nan() {
            let iterations = minimiser.iterations;
            return Err(Error::NotConverged { iterations, residual: gap, tolerance });
        }
        let status = self.status(ridge, gap);
        Ok((self.solution(weights, status, minimiser.iterations, gap, gap, ridge), true))
    }

    /// The answer where bounds bind.
    fn within_bounds(&self, unbounded: &[f64], ridge: f64) -> Result<Solution> {
        let n = self.shares.len();
        let Some((mut weights, left)) = self.problem.seat_riskless(&self.bounds, n)? else {
            return Ok(self.solution(
                equal_among(&self.shares, &self.bounds)?,
                Status::Degenerate,
                0,
                0.0,
                f64::NAN,
                0.0,
            ));
        };
        let (roomy, others): (Vec<usize>, Vec<usize>) =
            self.problem.risky.iter().partition(|&&i| self.shares[i] > 0.0 && self.bounds.upper[i] > 0.0);
        let inner = self.bounds.of(&roomy);
        // Without a budget an asset takes its lower bound, and equally what the others have no room for.
        let outer = self.bounds.of(&others);
        let seated = outer.lower.iter().sum::<f64>().max(left - inner.upper.iter().sum::<f64>());
        let seats = fill(ArrayView1::from(&vec![1.0; others.len()]), &outer, seated)?;
        for (&i, seat) in others.iter().zip(&seats) {
            weights[i] = *seat;
        }
        if roomy.is_empty() {
            return Ok(self.solution(weights, Status::Degenerate, 0, 0.0, f64::NAN, 0.0));
        }
        let (correlation, volatility) = self.market(&roomy, ridge);
        let budgeting = Budgeting {
            correlation: &correlation,
            volatility: &volatility,
            budgets: &roomy.iter().map(|&i| self.shares[i]).collect::<Vec<f64>>(),
            bounds: &inner,
            outside: &self.outside(&roomy, &volatility, &weights),
            total: left - seats.iter().sum::<f64>(),
            tolerance: accepted(ridge),
            singular: ridge > 0.0,
        };
        let start: Vec<f64> = roomy.iter().map(|&i| unbounded[i]).collect();
        let Some(budgeted) = budgeting.solve(&start)? else {
            let safest = minimum_variance(self.covariance, &self.bounds)?;
            let budget_gap = self.budget_gap(&safest.weights, safest.ridge);
            return Ok(Solution { status: Status::Relaxed, budget_gap, ..safest });
        };
        for (&i, weight) in roomy.iter().zip(&budgeted.weights) {
            weights[i] = *weight;
        }
        let gap = self.budget_gap(&weights, ridge);
        let status = self.status(ridge, budgeted.certificate);
        Ok(self.solution(weights, status, budgeted.iterations, budgeted.certificate, gap, ridge))
    }

    fn solution(
        &self,
        weights: Vec<f64>,
        status: Status,
        iterations: usize,
        certificate: f64,
        budget_gap: f64,
        ridge: f64,
    ) -> Solution {
        let settled = Solution::settled(weights, &self.bounds, self.problem.riskless.clone());
        Solution { status, iterations, certificate, ridge, budget_gap, ..settled }
    }

    fn status(&self, ridge: f64, certificate: f64) -> Status {
        if ridge > 0.0 || !self.problem.riskless.is_empty() {
            Status::Degenerate
        } else if certificate <= TOLERANCE {
            Status::Optimal
        } else {
            Status::Inaccurate
        }
    }

    /// Correlation with the ridge, and volatilities.
    fn market(&self, assets: &[usize], ridge: f64) -> (Symmetric, Vec<f64>) {
        let correlation = correlation_of(&self.problem, self.covariance, assets);
        let volatility = self.problem.volatilities_of(self.covariance, assets);
        (if ridge > 0.0 { correlation.with_ridge(ridge) } else { correlation }, volatility)
    }

    /// Says of a solution on a slightly indefinite matrix that it is one.
    fn flagged(&self, solution: Solution, needed: f64) -> Solution {
        let status = match solution.status {
            Status::Optimal | Status::Inaccurate if needed > 0.0 => Status::Degenerate,
            status => status,
        };
        Solution { status, ridge: solution.ridge.max(needed), ..solution }
    }

    /// What the weights of assets outside `inside` add to `(Cx)_i`.
    fn outside(&self, inside: &[usize], volatility: &[f64], weights: &[f64]) -> Vec<f64> {
        let factor = self.problem.factor();
        let add = |&i: &usize| {
            weights.iter().enumerate().map(|(j, w)| factor * self.covariance[(i, j)] * w).sum::<f64>()
        };
        inside.iter().zip(volatility).map(|(i, v)| add(i) / v).collect()
    }

    /// The largest difference between an asset's share of risk and its budget.
    fn budget_gap(&self, weights: &[f64], ridge: f64) -> f64 {
        let factor = self.problem.factor();
        let n = weights.len();
        let contribution = |i: usize| {
            let row = (0..n).map(|j| factor * self.covariance[(i, j)] * weights[j]).sum::<f64>();
            weights[i] * (row + ridge * factor * self.covariance[(i, i)] * weights[i])
        };
        let contributions: Vec<f64> = (0..n).map(contribution).collect();
        let risk: f64 = contributions.iter().sum();
        let gaps = contributions.iter().zip(&self.shares).map(|(c, share)| (c / risk - share).abs());
        gaps.fold(0.0, |worst, gap| if gap > worst || gap.is_nan() { gap } else { worst })
    }
}
